"""Takes secrets and personal data out of text."""

from metaclaw_jlab.redaction.text import Redacted, redact

__all__ = ["Redacted", "redact"]
