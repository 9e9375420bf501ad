"""Front ends inside Jupyter: the kernel side (magics)."""
