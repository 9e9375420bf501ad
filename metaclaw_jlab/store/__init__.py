"""The store: one SQLite database for trajectories, skills, generations and adapters. It holds the invariants."""
