"""SKILL.md to Skill and back, in the Agent Skills format (agentskills.io/specification)."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from metaclaw_jlab.core.errors import SkillInvalid
from metaclaw_jlab.core.skill import Skill
from metaclaw_jlab.skills.hidden_text import find_hidden

if TYPE_CHECKING:
    import yaml

BYTE_LIMIT = 256 * 1024
FIELDS = ("name", "description", "license", "compatibility", "metadata", "allowed-tools")

_FENCE = re.compile(r"---[ \t]*\Z")
# Plain in YAML whatever the parser: no indicator, no number, nothing that reads as a boolean or null.
_PLAIN = re.compile(
    r"[A-Za-z][\w.,;()/'-]*(?: [\w.,;()/'-]+)+\Z|[a-z0-9]*[a-z][a-z0-9]*(?:-[a-z0-9]+)*\Z", re.ASCII
)
_RESERVED = {"true", "false", "yes", "no", "on", "off", "null", "y", "n"}
_LIKE_NUMBER = re.compile(r"[0-9.]+e[0-9]+\Z|0[xob][0-9a-f]+\Z")


@dataclass(frozen=True, slots=True)
class SkillFile:
    """A SKILL.md that could be read. `notes` are sentences about what in it was left aside."""

    skill: Skill
    notes: tuple[str, ...] = ()


def parse(text: str, folder_name: str) -> Skill:
    """The skill in a SKILL.md's text. Raises SkillInvalid; unknown fields are left aside."""
    return parse_file(text, folder_name).skill


def parse_file(text: str, folder_name: str) -> SkillFile:
    """The skill and notes about what was left aside. Raises SkillInvalid."""
    if len(text) > BYTE_LIMIT or len(text.encode("utf-8", "replace")) > BYTE_LIMIT:
        raise SkillInvalid(
            f"SKILL.md of {folder_name!r} is larger than {BYTE_LIMIT // 1024} KB.",
            "Move its long parts to files beside it.",
        )
    text = _lines_unified(text.removeprefix("\ufeff"))
    if hidden := find_hidden(text):
        raise SkillInvalid(f"SKILL.md of {folder_name!r} has a hidden character: {hidden}.", "Delete it.")
    frontmatter, body = _split(text, folder_name)
    fields, notes = _fields(frontmatter, folder_name)
    name = _required(fields, "name", folder_name)
    if name != folder_name:
        raise SkillInvalid(
            f"The skill in folder {folder_name!r} calls itself {name!r}.", "Make the two names equal."
        )
    skill = Skill(
        name=name,
        description=_required(fields, "description", folder_name),
        body=body,
        metadata=_metadata(fields.get("metadata", {}), notes),
        license=_optional(fields, "license", notes),
        compatibility=_optional(fields, "compatibility", notes),
        allowed_tools=_optional(fields, "allowed-tools", notes),
    )
    _require_body(skill)
    return SkillFile(skill, tuple(f"Skill {name!r}: {note}" for note in notes))


def name_in(text: str) -> str:
    """The name that a SKILL.md gives itself, for one that has no folder yet. Raises SkillInvalid."""
    what = "a new skill"
    frontmatter, _ = _split(_lines_unified(text.removeprefix("\ufeff"))[:BYTE_LIMIT], what)
    return _required(_fields(frontmatter, what)[0], "name", what)


def canonical(skill: Skill) -> Skill:
    """The skill as a SKILL.md carries it: line ends unified, no white space around. Its hash survives a round trip."""
    return replace(
        skill,
        description=_lines_unified(skill.description).strip(),
        body=_lines_unified(skill.body).strip(),
        metadata=MappingProxyType(
            {_lines_unified(key): _lines_unified(value) for key, value in sorted(skill.metadata.items())}
        ),
        license=_lines_unified(skill.license or "").strip() or None,
        compatibility=_lines_unified(skill.compatibility or "").strip() or None,
        allowed_tools=_lines_unified(skill.allowed_tools or "").strip() or None,
    )


def render(skill: Skill) -> str:
    """The text of its SKILL.md; `parse` reads `canonical(skill)` back. Raises SkillInvalid for hidden characters."""
    skill = canonical(skill)
    _require_body(skill)
    lines = ["---", f"name: {_scalar(skill.name)}", f"description: {_scalar(skill.description)}"]
    for field, value in (
        ("license", skill.license),
        ("compatibility", skill.compatibility),
        ("allowed-tools", skill.allowed_tools),
    ):
        if value is not None:
            lines.append(f"{field}: {_scalar(value)}")
    if skill.metadata:
        lines.append("metadata:")
        lines += [f"  {_scalar(key)}: {_scalar(value)}" for key, value in skill.metadata.items()]
    text = "\n".join([*lines, "---", "", skill.body, ""])
    values = [skill.description, *skill.metadata, *skill.metadata.values(), skill.license or "", skill.body]
    for value in (*values, skill.compatibility or "", skill.allowed_tools or ""):
        if hidden := find_hidden(value):
            raise SkillInvalid(f"Skill {skill.name!r} has a hidden character: {hidden}.", "Delete it.")
    if len(text.encode()) > BYTE_LIMIT:
        raise SkillInvalid(f"Skill {skill.name!r} is larger than {BYTE_LIMIT // 1024} KB.", "Shorten it.")
    return text


def _lines_unified(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _require_body(skill: Skill) -> None:
    if not skill.body:
        raise SkillInvalid(
            f"Skill {skill.name!r} has no instructions.", "Write them below the frontmatter of its SKILL.md."
        )


def _split(text: str, folder_name: str) -> tuple[str, str]:
    lines = text.split("\n")
    if not _FENCE.match(lines[0]):
        raise SkillInvalid(
            f"SKILL.md of {folder_name!r} has no frontmatter.",
            "Begin it with a line `---`, then `name:` and `description:`, then a line `---`.",
        )
    for number, line in enumerate(lines[1:], start=1):
        if _FENCE.match(line):
            return "\n".join(lines[1:number]), "\n".join(lines[number + 1 :]).strip()
    raise SkillInvalid(
        f"The frontmatter of {folder_name!r} is never closed.", "End it with a line `---` in SKILL.md."
    )


def _fields(frontmatter: str, folder_name: str) -> tuple[dict[str, object], list[str]]:
    import yaml

    # libyaml's C composer recurses without a limit: deep nesting goes to the slow loader, which raises.
    may_nest = sum(map(frontmatter.count, "[{-?")) > 1000
    loader = yaml.SafeLoader if may_nest else getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        node = yaml.compose(frontmatter, Loader=loader)
    except (yaml.YAMLError, RecursionError) as error:
        raise SkillInvalid(
            f"The frontmatter of {folder_name!r} is no YAML: {_yaml_cause(error)}.",
            "Quote values that hold a colon, and indent with blanks.",
        ) from None
    if not isinstance(node, yaml.MappingNode):
        raise SkillInvalid(
            f"The frontmatter of {folder_name!r} holds no fields.", "Write `name:` and `description:` in it."
        )
    try:
        fields = _value(node, seen=set())
    except ValueError as error:
        raise SkillInvalid(f"The frontmatter of {folder_name!r} {error}.", "Simplify it.") from None
    assert isinstance(fields, dict)
    notes = []
    if unknown := [key for key in fields if key not in FIELDS]:
        notes.append(f"the format has no field {', '.join(map(repr, unknown))}; left aside.")
    return fields, notes


def _yaml_cause(error: Exception) -> str:
    import yaml

    if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
        return "it cannot be read"
    # The mark counts from 0 and begins after the opening fence: two lines more in the file.
    return f"{error.problem or 'it cannot be read'} (line {error.problem_mark.line + 2})"


def _value(node: yaml.Node, seen: set[int]) -> object:
    """Scalars as text, as they stand (`1.0` stays `1.0`). No tag is obeyed, so nothing is constructed."""
    import yaml

    if id(node) in seen:
        raise ValueError("uses an alias, which can blow up without end")
    seen.add(id(node))
    if isinstance(node, yaml.ScalarNode):
        return str(node.value)
    if isinstance(node, yaml.SequenceNode):
        return [_value(item, seen) for item in node.value]
    fields: dict[str, object] = {}
    for key, value in node.value:
        name = str(key.value)
        if name in fields:
            raise ValueError(f"has the field {name!r} twice")
        fields[name] = _value(value, seen)
    return fields


def _required(fields: dict[str, object], field: str, folder_name: str) -> str:
    value = fields.get(field)
    if not isinstance(value, str) or not value.strip():
        raise SkillInvalid(
            f"The frontmatter of {folder_name!r} has no {field}.", f"Add a line `{field}: ...` to SKILL.md."
        )
    return value.strip()


def _optional(fields: dict[str, object], field: str, notes: list[str]) -> str | None:
    value = fields.get(field)
    if isinstance(value, list) and field == "allowed-tools":
        notes.append("allowed-tools is one string in the format; its list was joined.")
        value = " ".join(item for item in value if isinstance(item, str))
    if value is None or isinstance(value, str):
        return (value or "").strip() or None
    notes.append(f"{field} is no text; left aside.")
    return None


def _metadata(value: object, notes: list[str]) -> MappingProxyType[str, str]:
    if value == "":
        value = {}
    if not isinstance(value, dict):
        notes.append("metadata is no mapping; left aside.")
        value = {}
    if nested := [key for key, item in value.items() if not isinstance(item, str)]:
        notes.append(f"metadata maps text to text; {', '.join(map(repr, nested))} left aside.")
    return MappingProxyType({key: item for key, item in sorted(value.items()) if isinstance(item, str)})


def _scalar(text: str) -> str:
    if "--" not in text and text not in _RESERVED and _PLAIN.match(text) and not _LIKE_NUMBER.match(text):
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
    # Some readers take the first `---` anywhere as the end of the frontmatter.
    return '"' + escaped.replace("---", "\\x2d--") + '"'
