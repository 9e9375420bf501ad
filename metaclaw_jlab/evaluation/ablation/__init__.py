"""Interactive ablations: arms, tasks, the runner, what it comes to."""
