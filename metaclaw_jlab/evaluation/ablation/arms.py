"""The arms that have a name, and arms in a line: `few=skills,skills.max_skills=1`."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from metaclaw_jlab.core.arm import BASE, BEST, SERVING, Arm, Learning, SkillSource
from metaclaw_jlab.core.config import Settings
from metaclaw_jlab.core.errors import UsageMistake

_BOTH = Learning(skills=True, weights=True)


@dataclass(frozen=True, slots=True)
class Preset:
    """An arm that has a name, and what it is for."""

    arm: Arm
    about: str


def _presets() -> dict[str, Preset]:
    """By name; the first three are the paper's (arXiv 2603.17187, section 4)."""
    full = Arm("full", learning=_BOTH)
    listed = (
        (Arm("baseline", SkillSource.NONE, adapter=BASE), "no skills, no adapter"),
        (Arm("skills", adapter=BASE, learning=Learning(skills=True)), "skills alone, the base model answers"),
        (full, "skills and the adapter"),
        (Arm("adapter", SkillSource.NONE, learning=Learning(weights=True)), "the adapter alone, no skills"),
        (
            Arm("placebo", SkillSource.PLACEBO, adapter=BASE, learning=Learning(skills=True)),
            "skills of another house in place of the own ones, as many and as long",
        ),
        (
            Arm("random", SkillSource.RANDOM, adapter=BASE, learning=Learning(skills=True)),
            "as many skills of the library, drawn by lot instead of retrieved",
        ),
        (
            Arm("feedback", SkillSource.FEEDBACK, adapter=BASE, learning=Learning(skills=True)),
            "the raw feedback on earlier failures in place of skills",
        ),
        (
            Arm("given", SkillSource.GIVEN, adapter=BASE),
            "skills that were written by hand for the practice house",
        ),
        (
            Arm("words", adapter=BASE, learning=Learning(skills=True), settings={"skills.dense_weight": 0.0}),
            "skills, retrieved by words alone",
        ),
        (
            Arm("one-skill", adapter=BASE, learning=Learning(skills=True), settings={"skills.max_skills": 1}),
            "at most one skill in a prompt",
        ),
        (
            Arm("best-temperature", adapter=BASE, temperature=BEST, learning=Learning(skills=True)),
            "skills, at the temperature that does best on validation tasks",
        ),
        (replace(full, name="unseparated", learning=replace(_BOTH, separated=False)),
         "full, but what evolved the skills trains the weights too"),
        (replace(full, name="ungated", learning=replace(_BOTH, gated=False)), "full, but every candidate serves"),
        (replace(full, name="successes", learning=replace(_BOTH, successes_only=True)),
         "full, but the weights train on successes only"),
        *(
            (replace(full, name=f"wrong-{share}", learning=replace(_BOTH, wrong=share / 100)),
             f"full, with {share} % of the outcomes reported the wrong way round")
            for share in (10, 30)
        ),
        *(
            (replace(full, name=f"window-{minutes}", learning=replace(_BOTH, window_minutes=float(minutes))),
             f"full, with {minutes} idle minute{'' if minutes == 1 else 's'} each night")
            for minutes in (1, 5, 30)
        ),
    )  # fmt: skip
    return {arm.name: Preset(arm, about) for arm, about in listed}


PRESETS: Mapping[str, Preset] = _presets()
PAPER = ("baseline", "skills", "full")


def parse_arms(words: str) -> tuple[Arm, ...]:
    """Presets by name, with commas between. Raises UsageMistake."""
    names = [word.strip() for word in words.split(",") if word.strip()]
    if not names:
        raise UsageMistake("No arm is named.", f"Use some of: {', '.join(PRESETS)}.")
    return tuple(preset(name) for name in names)


def preset(name: str) -> Arm:
    """The arm of this name. Raises UsageMistake."""
    if name not in PRESETS:
        raise UsageMistake(f"There is no arm {name!r}.", f"Use some of: {', '.join(PRESETS)}.")
    return PRESETS[name].arm


def parse_arm(line: str) -> Arm:
    """An arm in a line: a name, the preset that it begins with, and its changes, such as
    `few=skills,skills.max_skills=1` or `old=full,generation=12,adapter=v3`. Raises UsageMistake.

    Changes are parts of the arm (skills, generation, adapter, temperature), of its learning (separated, wrong,
    window_minutes, successes_only, gated), or settings by their dotted name.
    """
    name, equals, rest = line.partition("=")
    words = [word.strip() for word in rest.split(",") if word.strip()]
    if not equals or not words:
        raise UsageMistake(
            f"{line!r} is no arm.", "Write NAME=PRESET,KEY=VALUE,... such as few=skills,skills.max_skills=1."
        )
    arm = replace(preset(words[0]), name=name.strip())
    for word in words[1:]:
        key, equals, text = word.partition("=")
        if not equals:
            raise UsageMistake(f"{word!r} changes nothing in arm {arm.name}.", "Write KEY=VALUE.")
        arm = changed(arm, key.strip(), _value(text.strip()))
    return arm


def changed(arm: Arm, key: str, value: object) -> Arm:
    """The arm with one part otherwise. Raises UsageMistake."""
    if key in _PARTS:
        return _PARTS[key](arm, value)
    if key in _LEARNT:
        return replace(arm, learning=_learning(arm, key, value))
    section, _, name = key.partition(".")
    known = Settings.model_fields.get(section)
    if known is None or name not in getattr(known.annotation, "model_fields", {}):
        raise UsageMistake(
            f"Arm {arm.name} has no part {key!r}.",
            f"Use {', '.join((*_PARTS, *_LEARNT))}, or a setting such as skills.max_skills.",
        )
    return replace(arm, settings={**arm.settings, key: value})


def arm_record(arm: Arm) -> dict[str, Any]:
    """The arm in JSON's own types."""
    return {**asdict(replace(arm, settings={})), "settings": dict(arm.settings)}


def arm_of(record: Mapping[str, Any]) -> Arm:
    """The arm that a record was made of. Raises UsageMistake, KeyError or TypeError where it is none."""
    return Arm(
        **{
            **record,
            "skills": SkillSource(record["skills"]),
            "learning": Learning(**record["learning"]),
        }
    )


def describe(arm: Arm) -> str:
    """What an arm is, in a line."""
    known = PRESETS.get(arm.name)
    if known is not None and known.arm == arm:
        return known.about
    words = [f"skills: {arm.skills}", f"adapter: {arm.adapter}"]
    if arm.generation is not None:
        words.append(f"generation {arm.generation}")
    if arm.temperature is not None:
        words.append(f"temperature {arm.temperature}")
    usual = Learning(arm.learning.skills, arm.learning.weights)
    words += [
        f"{one.name} {getattr(arm.learning, one.name)}"
        for one in fields(Learning)
        if getattr(arm.learning, one.name) != getattr(usual, one.name)
    ]
    words += [f"{key} {value}" for key, value in arm.settings.items()]
    return ", ".join(words)


def _learning(arm: Arm, key: str, value: object) -> Learning:
    wanted = type(getattr(Learning(window_minutes=0.0), key))
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    fits = (
        isinstance(value, bool) if wanted is bool else number or (value is None and key == "window_minutes")
    )
    if not fits:
        raise UsageMistake(
            f"{key} is {value!r} in arm {arm.name}.",
            f"Use {'true or false' if wanted is bool else 'a number'}.",
        )
    parts: dict[str, Any] = {key: value if value is None else wanted(value)}
    return replace(arm.learning, **parts)


def _skills(arm: Arm, value: object) -> Arm:
    try:
        return replace(arm, skills=SkillSource(str(value)))
    except ValueError:
        raise UsageMistake(
            f"Arm {arm.name} takes its skills from {value!r}.", f"Use {', '.join(SkillSource)}."
        ) from None


def _generation(arm: Arm, value: object) -> Arm:
    if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 0):
        raise UsageMistake(
            f"Arm {arm.name} has the generation {value!r}.", "Use a number of `metaclaw generations`."
        )
    return replace(arm, generation=value)


def _temperature(arm: Arm, value: object) -> Arm:
    if value in (None, BEST) or (
        isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= 2
    ):
        return replace(arm, temperature=value)
    raise UsageMistake(f"Arm {arm.name} has the temperature {value!r}.", "Use a number from 0 to 2, or best.")


_PARTS: Mapping[str, Callable[[Arm, object], Arm]] = {
    "skills": _skills,
    "generation": _generation,
    "adapter": lambda arm, value: replace(arm, adapter=str(value)),
    "temperature": _temperature,
}

_LEARNT = tuple(one.name for one in fields(Learning))


def _value(text: str) -> object:
    """A JSON value, or the text as it is."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def learners(arms: Sequence[Arm]) -> tuple[str, ...]:
    """The arms whose weights are trained: their seeds are told one by one."""
    return tuple(arm.name for arm in arms if arm.learning.weights)


__all__ = [
    "PAPER",
    "PRESETS",
    "SERVING",
    "Preset",
    "arm_of",
    "arm_record",
    "changed",
    "describe",
    "learners",
    "parse_arm",
    "parse_arms",
    "preset",
]
