"""What scores a step: outcomes first, a judge where nothing checks it."""
