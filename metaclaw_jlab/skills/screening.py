"""What must hold before a skill becomes active, whoever wrote it: the one way into a generation for evolved skills."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import replace
from types import MappingProxyType

from metaclaw_jlab.core.errors import SkillRefused
from metaclaw_jlab.core.skill import NAME_LIMIT, Skill
from metaclaw_jlab.redaction import redact
from metaclaw_jlab.skills.hidden_text import find_hidden
from metaclaw_jlab.skills.manipulation import find_manipulation
from metaclaw_jlab.skills.markdown import canonical
from metaclaw_jlab.skills.reach import first_beyond
from metaclaw_jlab.skills.similarity import duplicated

BODY_LIMIT = 1500
DESCRIPTION_LIMIT = 500
_QUOTED = 80
_UNCHANGED = "Nothing was changed; if you want it, write it by hand."


def screen(
    skill: Skill,
    *,
    library: Sequence[Skill],
    said: Sequence[str],
    tasks: Sequence[str],
    amends: str | None = None,
    pinned: Collection[str] = (),
    known: Sequence[str] = (),
) -> Skill:
    """The skill as it may become active: redacted, and under a name that is free or the one of the skill it amends.

    `said` are the sentences it answers, `tasks` what its tasks had (text, code): nothing else may be reached for.
    `known` are secrets as for `redact`. A skill that came through once comes through unchanged. Raises SkillRefused.
    """
    _refuse_hidden(skill)
    material = (*said, *tasks)
    clean = _redacted(canonical(skill), material, known)
    _refuse_unsafe(clean, material, known)
    _refuse_format(clean)
    return _placed(clean, library, amends, pinned)


def screen_imported(skill: Skill) -> None:
    """What must hold of a skill that its user brings along, however long it is and whatever it reaches for.

    Raises SkillRefused where it hides characters, instructs the model about itself, or holds a secret.
    """
    _refuse_hidden(skill)
    for text in _texts(skill):
        if phrase := find_manipulation(text):
            raise _refused(skill, f"instructs the model about itself: “{_cut(phrase)}”")
        if "secret" in redact(text).found:
            raise _refused(skill, "holds something that looks like a key or password")


def _refuse_hidden(skill: Skill) -> None:
    for text in _texts(skill):
        if hidden := find_hidden(text):
            raise _refused(skill, f"has a hidden character: {hidden}")


def _redacted(skill: Skill, material: Sequence[str], known: Sequence[str]) -> Skill:
    """The skill without personal data. A secret in it, or somebody whom its tasks did not name, came from elsewhere."""
    found = {kind for text in _texts(skill) for kind in redact(text, known).found}
    if "secret" in found:
        raise _refused(skill, "holds something that looks like a key or password")
    if found:
        in_material = {
            kind for text in material for kind in (*redact(text, known).found, *_redacted_kinds(text))
        }
        if strange := sorted(found - in_material):
            raise _refused(skill, f"holds personal data that its tasks did not have ({', '.join(strange)})")
    return replace(
        skill,
        description=redact(skill.description, known).text,
        body=redact(skill.body, known).text,
        metadata=MappingProxyType(
            {redact(key, known).text: redact(value, known).text for key, value in skill.metadata.items()}
        ),
    )


def _redacted_kinds(text: str) -> list[str]:
    return re.findall(r"\[([a-z]+)\]", text)


def _refuse_unsafe(skill: Skill, material: Sequence[str], known: Sequence[str]) -> None:
    text = "\n\n".join(_texts(skill))
    if phrase := find_manipulation(text):
        raise _refused(skill, f"instructs the model about itself: “{_cut(phrase)}”")
    if beyond := first_beyond(text, lambda: [redact(entry, known).text for entry in material]):
        raise _refused(skill, f"names {beyond.kind} that its tasks did not have: “{_cut(beyond.text)}”")


def _refuse_format(skill: Skill) -> None:
    if not skill.body:
        raise _refused(skill, "has no instructions")
    for what, text, limit in (
        ("body", skill.body, BODY_LIMIT),
        ("description", skill.description, DESCRIPTION_LIMIT),
    ):
        if len(text) > limit:
            raise _refused(skill, f"has a {what} of {len(text):,} characters, over {limit:,}")


def _placed(skill: Skill, library: Sequence[Skill], amends: str | None, pinned: Collection[str]) -> Skill:
    """The skill under the name it will have, unless the library has it already."""
    present = {other.name: other for other in library}
    amended = present.pop(amends, None) if amends is not None else None
    if amended is not None:
        if amended.name in pinned:
            raise _refused(skill, f"would change skill {amended.name!r}, which is pinned")
        skill = replace(skill, name=amended.name)
        if skill == canonical(amended):
            raise _refused(skill, "would change nothing")
    elif skill.name in present:
        skill = replace(skill, name=_free(skill.name, present))
    if other := duplicated(skill, tuple(present.values())):
        raise _refused(skill, f"says what skill {other!r} says already")
    return skill


def _free(name: str, taken: Collection[str]) -> str:
    """The name with the first number that is free; a number that it got here before is counted on."""
    numbered = re.fullmatch(r"(.+)-(\d{1,3})", name)
    base = numbered[1] if numbered and numbered[1] in taken else name
    number = 2
    while (candidate := f"{base[: NAME_LIMIT - len(str(number)) - 1].rstrip('-')}-{number}") in taken:
        number += 1
    return candidate


def _texts(skill: Skill) -> tuple[str, ...]:
    return (
        skill.name.replace("-", " "),
        skill.description,
        skill.body,
        *(f"{key}: {value}" for key, value in skill.metadata.items()),
        *(text for text in (skill.license, skill.compatibility, skill.allowed_tools) if text),
    )


def _refused(skill: Skill, why: str) -> SkillRefused:
    return SkillRefused(f"Skill {skill.name!r} {why}.", _UNCHANGED)


def _cut(text: str) -> str:
    return text if len(text) <= _QUOTED else f"{text[:_QUOTED]}…"
