"""Writes exchanges of other agents into the store: each a step of the trajectory of its turn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from metaclaw_jlab.core.adapter import answering
from metaclaw_jlab.core.exchange import MAIN, Asked, Replied
from metaclaw_jlab.core.policy import Usage
from metaclaw_jlab.core.task import Origin, Reference, Task
from metaclaw_jlab.core.trajectory import Observation, Purpose, Stamp, Step, StopReason, Trajectory
from metaclaw_jlab.learning.turn_text import (
    PROMPT_CHARS,
    SYSTEM_ROLES,
    attachments,
    calls_in_words,
    calls_of,
    messages_of,
    rendered,
    reply_in_words,
    text_of,
    tools_in_words,
)
from metaclaw_jlab.learning.turns import SILENT, End, Placed, turn_start
from metaclaw_jlab.store.database import Database
from metaclaw_jlab.store.trajectories import Trajectories
from metaclaw_jlab.store.turns import Turn, Turns

EARLIER = "what was said before"  # the reference that holds the end of the conversation before the turn
TOOLS = "tools that could be called"
ATTACHED = "what is not text"
STAGE = "stage of its pipeline"
EARLIER_CHARS = 3_000


def keep_exchange(
    database: Database,
    asked: Asked,
    replied: Replied,
    placed: Placed,
    trajectories: Trajectories | None = None,
) -> tuple[str, ...]:
    """Write an exchange where it belongs, and end what is over; the turns that came to a good end.

    `trajectories` is of the same database: one that is kept knows the prompts of the steps before. Raises StoreError.
    """
    turns, at = Turns(database), asked.at + replied.seconds
    own = next((end for end in placed.ends if end.trajectory == placed.trajectory), None)
    if placed.begins:
        # Most turns are one exchange, and so one transaction.
        turn = Turn(placed.trajectory, placed.session, placed.kind, asked.client, placed.conversation, at)
        turns.begin(begun(asked, replied, placed, own), turn)
        done = end_turns(database, [end for end in placed.ends if end is not own])
        return (*done, placed.trajectory) if own is not None and own.stop is StopReason.DONE else done
    trajectories = trajectories or Trajectories(database)
    if placed.result is not None:
        _observe(trajectories, placed)
    if placed.step is not None:
        trajectories.append(placed.trajectory, step_of(asked, replied, placed.step))
    turns.went_on(placed.trajectory, placed.conversation, at)
    return end_turns(database, placed.ends)


def end_turns(database: Database, ends: Sequence[End]) -> tuple[str, ...]:
    """End these turns, where nobody did it before; those that came to a good end. Raises StoreError."""
    turns = Turns(database)
    done = [one for one in ends if turns.close(one.trajectory, one.stop, one.detail)]
    return tuple(one.trajectory for one in done if one.stop is StopReason.DONE)


def end_silent(database: Database, before: float) -> int:
    """End the turns that nothing was heard of since that time, of whichever server; how many. Raises StoreError."""
    ends = [End(one, StopReason.INTERRUPTED, SILENT) for one in Turns(database).silent(before)]
    end_turns(database, ends)
    return len(ends)


def begun(asked: Asked, replied: Replied, placed: Placed, end: End | None = None) -> Trajectory:
    """The trajectory of a turn that begins, and may end, with this exchange.

    Only a main turn of a client that lets it teaches anything.
    """
    told = [one for one in messages_of(asked.body) if one.get("role") not in SYSTEM_ROLES]
    start = turn_start(told)
    text = text_of(told[start - 1].get("content")).strip() if start else ""
    beside = {
        EARLIER: _earlier(told[: max(0, start - 1)]),
        TOOLS: tools_in_words(asked.body),
        ATTACHED: ", ".join(attachments(asked.body)),
        STAGE: asked.stage,
    }
    model, adapter = answering(replied.model or str(asked.sent.get("model", "")))
    seed = asked.sent.get("seed")
    return Trajectory(
        id=placed.trajectory,
        task=Task(
            text[:PROMPT_CHARS],
            references=tuple(Reference(name, text) for name, text in beside.items() if text),
            # A session is where its turns were asked: the same words in another one are another task.
            origin=Origin(None, placed.session),
        ),
        stamp=Stamp(asked.generation, asked.skills, model, adapter, seed if isinstance(seed, int) else None),
        purpose=Purpose.PROXY,
        steps=() if placed.step is None else (step_of(asked, replied, placed.step),),
        stop=None if end is None else end.stop,
        stop_detail="" if end is None else end.detail,
        created_at=asked.at,
        learn=asked.learn and placed.kind == MAIN,
    )


def step_of(asked: Asked, replied: Replied, index: int) -> Step:
    """An exchange as a step: what went upstream, what came back, and the calls of tools in it as the action."""
    calls = calls_of({"tool_calls": list(replied.tool_calls)})
    return Step(
        index,
        rendered(messages_of(asked.sent)),
        reply_in_words(replied.text, calls),
        calls_in_words(calls),
        usage=Usage(replied.prompt_tokens, replied.completion_tokens),
        policy_seconds=replied.seconds,
    )


def _observe(trajectories: Trajectories, placed: Placed) -> None:
    """What the tools gave is what came of the step before."""
    assert placed.result is not None
    text, cut = placed.result
    index = trajectories.steps_of(placed.trajectory) - 1
    if index >= 0:
        seen = Observation(stdout=text, truncated=cut)
        trajectories.observe(placed.trajectory, Step(index, (), "", "", seen))


def _earlier(messages: Sequence[Mapping[str, Any]]) -> str:
    """The end of the conversation before a turn."""
    text = (
        "\n".join(f"{message.role}: {message.content}" for message in rendered(messages)) if messages else ""
    )
    return text if len(text) <= EARLIER_CHARS else f"(…) {text[-EARLIER_CHARS:]}"
