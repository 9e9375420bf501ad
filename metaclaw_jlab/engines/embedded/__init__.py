"""The embedded model: a policy of a million parameters that ships with the package and knows the practice world."""

from __future__ import annotations

from pathlib import Path


def location() -> Path:
    """The folder of the embedded model, in Hugging Face layout."""
    return Path(__file__).with_name("model")
