"""What runs an agent's code away from the user's session: a sandbox process that can be thrown away."""
