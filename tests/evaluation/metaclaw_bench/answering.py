"""What a scripted server answers in the rounds of the small benchmark."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

Body = dict[str, Any]
RULE = "The colour has to be amber, whatever the file."


def writes(word: str, day: str) -> str:
    """The replies that write a colour."""
    return f"```python\nopen({f'{day}/colour.txt'!r}, 'w').write({word!r})\n```"


def asked_last(body: Body) -> str:
    """The last message of the user's."""
    return str(body["messages"][-1]["content"])


def system_of(body: Body) -> str:
    """The system message."""
    return str(body["messages"][0]["content"])


def round_of(body: Body) -> tuple[str, str]:
    """Day and round that are asked for last, "" where none is."""
    said = [message["content"] for message in body["messages"] if message["role"] == "user"]
    day = re.search(r"It is (day\d+)\.", said[0])
    asked = re.findall(r"\b(r\d+)\b(?: into|\))", said[-1] if "<output>" not in said[-1] else said[-2])
    return (day[1] if day else "", asked[-1] if asked else "")


def knowing(answers: Mapping[tuple[str, str], str]) -> Callable[[Body], str]:
    """Gives the answer for each day and round: a word to write, or a reply with a box; says when it has seen output."""

    def reply(body: Body) -> str:
        if "<output>" in asked_last(body):
            return "It is written."
        answer = answers.get(round_of(body))
        if answer is None:
            return "Thank you."
        return answer if "\\bbox" in answer else writes(answer, round_of(body)[0])

    return reply


def rule_follower(body: Body) -> str:
    """Writes amber where a skill says so, else grey; as an evolver it makes that skill of whatever failed."""
    if "You keep the standing rules" in system_of(body):
        failures = re.findall(r'<failure id="(F\d+)"', asked_last(body))
        skill = {
            "name": "colour-of-files",
            "description": "Use when a colour is written into a file.",
            "wordings": [RULE],
            "amends": None,
            "evidence": [{"failure": name, "sentence": 1} for name in failures],
        }
        return json.dumps({"skills": [skill], "explained": [], "nothing_to_learn": []})
    if "<output>" in asked_last(body):
        return "It is written."
    day, round_ = round_of(body)
    if not round_:
        return "Thank you."
    return writes("amber" if RULE in system_of(body) else "grey", day)
