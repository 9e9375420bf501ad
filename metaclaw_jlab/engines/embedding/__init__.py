"""How the shipped embedder is made: from documentation, the practice world and a list of like words."""
