"""How a policy is prompted: what was chosen for it on validation tasks, or the default."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

Instructions = Literal["notebook", "brief"]
Placement = Literal["system", "task"]
Ending = Literal["said", "ran", "parts"]


@dataclass(frozen=True, slots=True)
class Prompting:
    """One way to ask a policy for a step.

    `instructions` names the text of the system message. `skills_at`: skills end the system message, or follow the task.
    `max_skills` and `threshold` are those of retrieval, the settings' where None. `file_rows`: how many first rows
    are shown of each file that the task names. `ends`: a task is finished when the policy says so; when its code has
    run without an error (the policy is asked again only to mend what failed); or when that holds of each part of a
    task that says what to do first and what then (it is asked for one part after the other).
    """

    instructions: Instructions = "notebook"
    skills_at: Placement = "system"
    max_skills: int | None = None
    threshold: float | None = None
    file_rows: int = 0
    ends: Ending = "said"

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)


DEFAULT_PROMPTING = Prompting()


def prompting_from(data: Mapping[str, Any]) -> Prompting:
    """The prompting that `to_dict` wrote; what this version does not know is left out."""
    known = {field.name for field in fields(Prompting)}
    return Prompting(**{name: value for name, value in data.items() if name in known})
