"""What a person does to the skills: each change is told with the generation that it made and how to undo it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from metaclaw_jlab.inspection.skill_changes import (
    Done,
    edit,
    pin,
    quarantine,
    remove,
    roll_back,
    roll_back_library,
    switch,
    write,
)
from metaclaw_jlab.jupyter.server.operation import INTEGRAL, Body, Operation
from metaclaw_jlab.jupyter.server.operations.library import LARGEST, generation_in

if TYPE_CHECKING:
    from metaclaw_jlab.jupyter.server.host import Host

BASE_CHARS = 64


class NewSkill(Body):
    """A skill that somebody wrote."""

    text: str = Field(description="Its SKILL.md; the name is the one in it.")


class EditedSkill(Body):
    """A skill that was edited."""

    text: str = Field(description="Its SKILL.md, as it shall be.")
    base: str = Field(max_length=BASE_CHARS, description="`base` of the text that the edit began with.")


class Switch(Body):
    """Whether something shall hold of a skill."""

    on: bool = Field(description="Whether it shall.")


class Earlier(Body):
    """An earlier state."""

    generation: Annotated[int, Field(ge=0, le=LARGEST), INTEGRAL] = Field(
        description="The generation whose text it shall have."
    )


def add_skill(host: Host, *, text: str) -> Done:
    """Add a skill. Raises SkillInvalid, SkillRefused."""
    return write(host.workspace, text)


def edit_skill(host: Host, *, name: str, text: str, base: str) -> Done:
    """Change the text of a skill. Raises SkillInvalid, SkillChanged, NotFound."""
    return edit(host.workspace, name, text, base)


def delete_skill(host: Host, *, name: str) -> Done:
    """Take a skill out of the library. Raises NotFound."""
    return remove(host.workspace, name)


def pin_skill(host: Host, *, name: str, on: bool) -> Done:
    """Keep evolution from changing a skill, or let it again. Raises NotFound."""
    return pin(host.workspace, name, on=on)


def enable_skill(host: Host, *, name: str, on: bool) -> Done:
    """Let a skill into prompts, or take it out of the library. Raises NotFound."""
    return switch(host.workspace, name, on=on)


def quarantine_skill(host: Host, *, name: str, on: bool) -> Done:
    """Keep a skill out of prompts until it is released. Raises NotFound."""
    return quarantine(host.workspace, name, on=on)


def roll_back_skill(host: Host, *, name: str, generation: int) -> Done:
    """Have a skill as a generation had it. Raises NotFound."""
    return roll_back(host.workspace, name, generation)


def roll_back_generation(host: Host, *, number: str) -> Done:
    """Have the skills of a generation again. Raises NotFound."""
    return roll_back_library(host.workspace, generation_in(number))


OPERATIONS = (
    Operation(
        method="POST",
        path="/skills",
        name="add_skill",
        about="Add a skill, written as a SKILL.md. A generation of its own.",
        call=add_skill,
        answer=Done,
        body=NewSkill,
        status=201,
        errors=(409,),
    ),
    Operation(
        method="PUT",
        path="/skills/{name}",
        name="edit_skill",
        about="Change the text of a skill, unless it has changed since `base`. One that is not in use stays so.",
        call=edit_skill,
        answer=Done,
        body=EditedSkill,
        errors=(404, 409),
    ),
    Operation(
        method="DELETE",
        path="/skills/{name}",
        name="delete_skill",
        about="Take a skill out of the library. Earlier generations keep it.",
        call=delete_skill,
        answer=Done,
        errors=(404, 409),
    ),
    Operation(
        method="POST",
        path="/skills/{name}/pin",
        name="pin_skill",
        about="Keep evolution from changing a skill, or let it again.",
        call=pin_skill,
        answer=Done,
        body=Switch,
        errors=(404, 409),
    ),
    Operation(
        method="POST",
        path="/skills/{name}/enable",
        name="enable_skill",
        about="Let a skill into prompts, whatever kept it out; or disable it, which takes it out of the library.",
        call=enable_skill,
        answer=Done,
        body=Switch,
        errors=(404, 409),
    ),
    Operation(
        method="POST",
        path="/skills/{name}/quarantine",
        name="quarantine_skill",
        about="Keep a skill out of prompts until it is released. It stays in the library: there is no generation.",
        call=quarantine_skill,
        answer=Done,
        body=Switch,
        errors=(404, 409),
    ),
    Operation(
        method="POST",
        path="/skills/{name}/rollback",
        name="roll_back_skill",
        about="Have a skill as an earlier generation had it. A generation of its own.",
        call=roll_back_skill,
        answer=Done,
        body=Earlier,
        errors=(404, 409),
    ),
    Operation(
        method="POST",
        path="/generations/{number}/rollback",
        name="roll_back_generation",
        about="Have the skills of an earlier generation again. A new generation with old members.",
        call=roll_back_generation,
        answer=Done,
        errors=(404, 409),
    ),
)
