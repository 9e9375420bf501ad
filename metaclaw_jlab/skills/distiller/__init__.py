"""An evolver without a model: it reads feedback by grammar, and says the rule that is in it in many ways."""

from metaclaw_jlab.skills.distiller.distiller import Distiller

__all__ = ["Distiller"]
