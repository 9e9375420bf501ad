"""Reads the reply of a model that writes skills: JSON, however wrapped, held against what the model was asked."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Sequence
from types import MappingProxyType
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, StringConstraints, ValidationError

from metaclaw_jlab.core.errors import EvolverError
from metaclaw_jlab.core.evolution import Draft, Failure, Proposal, Source
from metaclaw_jlab.core.policy import Completion
from metaclaw_jlab.core.skill import NAME_LIMIT, Skill
from metaclaw_jlab.redaction import redact
from metaclaw_jlab.skills.evolver_prompt import failure_id
from metaclaw_jlab.skills.screening import BODY_LIMIT, DESCRIPTION_LIMIT

MOST_SKILLS = 3
MOST_WORDINGS = 4
REPLY_LIMIT = 60_000
REASON_LIMIT = 300
_LAST_LINE_CHARS = 200
_TRIED_OBJECTS = 20
_MOST_ERRORS = 4
_UNMENTIONED = "The model that writes skills found nothing to learn in it."
_THOUGHT = re.compile(r"\A\s*<think(?:ing)?>.*?</think(?:ing)?>", re.DOTALL)
_FENCED = re.compile(r"```[\w-]*[ \t]*\n(.*?)\n[ \t]*```", re.DOTALL)


def _listed(value: object) -> object:
    """A list also where a model left the brackets out."""
    return value if isinstance(value, list) else [] if value is None else [value]


def _as_evidence(value: object) -> object:
    return {"failure": value} if isinstance(value, str | int) else value


Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Wording = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=BODY_LIMIT)]
Description = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=DESCRIPTION_LIMIT)
]


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class _Evidence(_Part):
    failure: str | int
    sentence: int | None = None


class _WrittenSkill(_Part):
    name: Text
    description: Description
    wordings: Annotated[list[Wording], BeforeValidator(_listed)]
    amends: str | None = None
    evidence: Annotated[list[Annotated[_Evidence, BeforeValidator(_as_evidence)]], BeforeValidator(_listed)]


class _Explained(_Evidence):
    skill: str


class _Nothing(_Part):
    failure: str | int
    reason: str = ""


class _Reply(_Part):
    skills: Annotated[list[_WrittenSkill], BeforeValidator(_listed)] = []
    explained: Annotated[list[_Explained], BeforeValidator(_listed)] = []
    nothing_to_learn: Annotated[list[_Nothing], BeforeValidator(_listed)] = []


def _object(**properties: object) -> dict[str, object]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _list_of(items: object) -> dict[str, object]:
    return {"type": "array", "items": items}


_STRING, _INTEGER = {"type": "string"}, {"type": "integer"}
# Written by hand: endpoints that hold a model to a schema take few of the keywords that pydantic would use.
_SCHEMA = _object(
    skills=_list_of(
        _object(
            name=_STRING,
            description=_STRING,
            wordings=_list_of(_STRING),
            amends={"type": ["string", "null"]},
            evidence=_list_of(_object(failure=_STRING, sentence=_INTEGER)),
        )
    ),
    explained=_list_of(_object(failure=_STRING, sentence=_INTEGER, skill=_STRING)),
    nothing_to_learn=_list_of(_object(failure=_STRING, reason=_STRING)),
)
RESPONSE_FORMAT: dict[str, object] = {
    "type": "json_schema",
    "json_schema": {"name": "skills", "strict": True, "schema": _SCHEMA},
}


def read_reply(
    completion: Completion, batch: Sequence[Failure], library: Sequence[Skill], shown: Collection[str]
) -> Proposal:
    """The proposal in a reply. Only skills that were shown can be amended, and ids of no failure of the batch are
    dropped. Raises EvolverError, which says what to do better, where nothing in it can be used."""
    reply = _parsed(completion)
    drafts = _drafts(reply, batch, shown)
    if reply.skills and not drafts:
        ids = ", ".join(failure_id(index) for index in range(len(batch)))
        raise EvolverError(f"No skill names evidence among the failures {ids}.")
    names = {skill.name for skill in library}
    explained = tuple(
        dict.fromkeys(
            (source, entry.skill)
            for entry in reply.explained
            if entry.skill in names and (source := _source(entry, batch)) is not None
        )
    )
    put_off = {source.trajectory for draft in drafts[MOST_SKILLS:] for source in draft.sources}
    drafts = drafts[:MOST_SKILLS]
    answered = {source.trajectory for draft in drafts for source in draft.sources} | {
        source.trajectory for source, _ in explained
    }
    return Proposal(drafts, explained, MappingProxyType(_kept(reply, batch, answered, put_off)))


def _parsed(completion: Completion) -> _Reply:
    text = completion.text
    if len(text) > REPLY_LIMIT:
        raise EvolverError(f"The reply has {len(text):,} characters; {REPLY_LIMIT:,} are the most.")
    for value in _objects(text):
        try:
            return _Reply.model_validate(value)
        except ValidationError as error:
            raise EvolverError(
                f"The JSON does not have the form that was asked for: {_told(error)}."
            ) from None
    if completion.finish_reason == "length":
        raise EvolverError("The reply was cut off at the token limit; be shorter.")
    raise EvolverError("The reply holds no JSON object with `skills`, `explained` or `nothing_to_learn`.")


def _objects(text: str) -> Iterator[dict[str, Any]]:
    """The JSON objects in a reply that have a key of ours: the whole, in fences, then wherever one begins."""
    text = _THOUGHT.sub("", text)
    for candidate in (text, *_FENCED.findall(text)):
        if _is_ours(value := _decoded(candidate.strip())):
            yield value
    position = text.find("{")
    for _ in range(_TRIED_OBJECTS):
        if position < 0:
            return
        if _is_ours(value := _decoded(text[position:], whole=False)):
            yield value
        position = text.find("{", position + 1)


def _decoded(text: str, *, whole: bool = True) -> Any:
    try:
        return json.loads(text) if whole else json.JSONDecoder().raw_decode(text)[0]
    except (ValueError, RecursionError):
        return None


def _is_ours(value: Any) -> bool:
    return isinstance(value, dict) and not _Reply.model_fields.keys().isdisjoint(value)


def _told(error: ValidationError) -> str:
    problems = error.errors(include_input=False, include_url=False, include_context=False)
    lines = [f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}" for problem in problems[:_MOST_ERRORS]]
    more = f" (and {len(problems) - _MOST_ERRORS} more)" if len(problems) > _MOST_ERRORS else ""
    return "; ".join(lines) + more


def _drafts(reply: _Reply, batch: Sequence[Failure], shown: Collection[str]) -> tuple[Draft, ...]:
    """The skills that answer a failure of the batch. One skill is amended once, and no name comes twice."""
    drafts: list[Draft] = []
    for written in reply.skills:
        sources = tuple(
            dict.fromkeys(
                source for entry in written.evidence if (source := _source(entry, batch)) is not None
            )
        )
        wordings = tuple(dict.fromkeys(written.wordings))[:MOST_WORDINGS]
        amends = written.amends if written.amends in shown else None
        if not sources or not wordings:
            continue
        taken = {draft.name for draft in drafts}
        if amends is not None and amends in taken:
            amends = None
        name = amends or unique(slug(written.name), taken)
        drafts.append(Draft(name, written.description, wordings, sources, amends))
    return tuple(drafts)


def _source(entry: _Evidence, batch: Sequence[Failure]) -> Source | None:
    """The failure that an entry means, and the sentence of it; None where it means none of the batch."""
    wanted = str(entry.failure).strip().lower().removeprefix("f")
    for index, failure in enumerate(batch):
        if wanted in (str(index + 1), failure.trajectory.lower()) or failure.trajectory == entry.failure:
            sentences = failure.feedback or (_last_line(failure.observation),)
            number = entry.sentence if entry.sentence and 1 <= entry.sentence <= len(sentences) else 1
            return Source(failure.trajectory, sentences[number - 1])
    return None


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1].strip()[:_LAST_LINE_CHARS] if lines else ""


def _kept(
    reply: _Reply, batch: Sequence[Failure], answered: Collection[str], put_off: Collection[str]
) -> dict[str, str]:
    """Why each failure teaches nothing that neither a draft nor a skill answers."""
    reasons: dict[str, str] = {}
    for entry in reply.nothing_to_learn:
        source = _source(_Evidence(failure=entry.failure), batch)
        if source is not None and entry.reason.strip():
            reasons.setdefault(source.trajectory, _sentence(entry.reason))
    return {
        failure.trajectory: reasons.get(failure.trajectory, _UNMENTIONED)
        for failure in batch
        if failure.trajectory not in answered
        and (failure.trajectory in reasons or failure.trajectory not in put_off)
    }


def _sentence(text: str) -> str:
    """A model's words as they may be shown: on one line, without secrets or what does not print."""
    line = "".join(character for character in " ".join(text.split()) if character.isprintable())
    return redact(line).text[:REASON_LIMIT]


def slug(text: str) -> str:
    """A skill's name made of these words; `rule` where they have none."""
    name = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[: NAME_LIMIT - 3].strip("-")
    return name or "rule"


def unique(name: str, taken: Collection[str]) -> str:
    """The name, numbered where it is taken."""
    numbers = (name if number == 1 else f"{name}-{number}" for number in range(1, len(taken) + 2))
    return next(candidate for candidate in numbers if candidate not in taken)
