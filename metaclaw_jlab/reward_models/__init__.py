"""What scores a step: outcomes first."""
