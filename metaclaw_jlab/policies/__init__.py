"""Policies: an OpenAI-compatible endpoint, and a script of replies."""
