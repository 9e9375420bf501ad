"""Finds out on validation tasks how a model is prompted best."""
