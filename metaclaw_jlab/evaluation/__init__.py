"""How well an agent does: arms measured on practice tasks, and the demonstration."""
