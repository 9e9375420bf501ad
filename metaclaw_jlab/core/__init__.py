"""What things are: the vocabulary of the project, with the standard library and pydantic only."""
