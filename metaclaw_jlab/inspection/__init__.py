"""What every surface tells about a home and a task: status, doctor, why. Data first, plain text from it."""
