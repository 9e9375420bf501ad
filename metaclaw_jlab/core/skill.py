"""What a skill is: a short standing instruction in the Agent Skills format."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from metaclaw_jlab.core.errors import SkillInvalid

NAME_PATTERN = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*\Z")
NAME_LIMIT = 64
DESCRIPTION_LIMIT = 1024
COMPATIBILITY_LIMIT = 500
BODY_LINE_LIMIT = 500


@dataclass(frozen=True, slots=True)
class Skill:
    """A skill. Raises SkillInvalid where the Agent Skills format is broken (agentskills.io)."""

    name: str
    description: str
    body: str
    metadata: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    license: str | None = None
    compatibility: str | None = None
    allowed_tools: str | None = None

    def __post_init__(self) -> None:
        if len(self.name) > NAME_LIMIT or not NAME_PATTERN.match(self.name):
            raise SkillInvalid(
                f"{self.name!r} is no skill name.",
                f"Use 1 to {NAME_LIMIT} lower-case letters, digits and single hyphens.",
            )
        if not 1 <= len(self.description.strip()) <= DESCRIPTION_LIMIT:
            raise SkillInvalid(
                f"The description of skill {self.name!r} has {len(self.description)} characters.",
                f"Give it 1 to {DESCRIPTION_LIMIT}: what the skill does and when to use it.",
            )
        if self.compatibility is not None and not 1 <= len(self.compatibility) <= COMPATIBILITY_LIMIT:
            raise SkillInvalid(
                f"The compatibility of skill {self.name!r} is out of bounds.",
                f"Give it 1 to {COMPATIBILITY_LIMIT} characters or leave it out.",
            )
        if self.body.count("\n") >= BODY_LINE_LIMIT:
            raise SkillInvalid(
                f"The body of skill {self.name!r} has more than {BODY_LINE_LIMIT} lines.", "Shorten it."
            )

    @property
    def sha256(self) -> str:
        """Hash of everything the format carries, equal on every machine."""
        fields = [
            self.name,
            self.description,
            self.body,
            sorted(self.metadata.items()),
            self.license,
            self.compatibility,
            self.allowed_tools,
        ]
        return hashlib.sha256(json.dumps(fields, ensure_ascii=False).encode()).hexdigest()
