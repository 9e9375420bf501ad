"""Policies: an OpenAI-compatible endpoint, a script of replies; and the local models with the ways to get them."""
