"""The kernel side: magics, execution in the user's kernel, display."""
