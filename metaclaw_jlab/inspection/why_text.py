"""The account of a task as plain text."""

from __future__ import annotations

from metaclaw_jlab.core.generation import Cause
from metaclaw_jlab.inspection.generations import CAUSES, in_words
from metaclaw_jlab.inspection.lines import counted, one_line, rows
from metaclaw_jlab.inspection.whence import USE_MEANS, failure_lines, use_in_words, version_in_words
from metaclaw_jlab.inspection.why import (
    COLUMNS,
    Account,
    CheckAccount,
    ChosenSkill,
    SkillState,
    StepAccount,
)

FAILURES = 2


def render_account(account: Account) -> str:
    """The account as plain text."""
    head = [
        f"{'Task' if account.turn is None else 'Turn'} {account.id}: {one_line(account.task, COLUMNS)}",
        *rows(
            [
                ("ended", account.outcome),
                ("asked", account.asked),
                ("policy", _policy(account)),
                ("skills", _generation(account)),
                ("score", account.score),
                ("cost", _cost(account)),
                *_after(account),
            ],
            indent="  ",
        ),
    ]
    parts = [head, _skill_lines(account), *(_step_lines(step) for step in account.steps)]
    if account.checks:
        parts.append(["Checks", *map(_check_line, account.checks)])
    return "\n\n".join("\n".join(part) for part in parts)


def _policy(account: Account) -> str:
    adapter = "" if account.adapter is None else f", adapter v{account.adapter}"
    seed = "" if account.seed is None else f", seed {account.seed}"
    return f"{account.model}{adapter}{seed}"


def _generation(account: Account) -> str:
    told = f"generation {account.skill_generation}"
    if (made := account.generation) is not None and made.number:
        told = f"{told} ({CAUSES[Cause(made.cause)]}: {in_words(made.changes)})"
    current = account.current_generation
    return told if current in {None, account.skill_generation} else f"{told}; now it is {current}"


def _after(account: Account) -> list[tuple[str, str]]:
    """What the user said, what was learnt, what the task may train."""
    after = account.aftermath
    told = [("user" if not number else "", said) for number, said in enumerate(after.said)]
    told += [("learnt", after.became)] if after.became else []
    return [*told, ("role", account.role_in_words)] if account.role_in_words else told


def _cost(account: Account) -> str:
    tokens = f"{account.prompt_tokens:,} + {account.completion_tokens:,} tokens"
    return (
        f"{counted(len(account.steps), 'step')}, {tokens} (prompt + completion), {account.seconds:.1f} s "
        f"(policy {account.policy_seconds:.1f} s, code {account.run_seconds:.1f} s)"
    )


def _skill_lines(account: Account) -> list[str]:
    now = f"(relevance; the threshold is {account.threshold:.2f} now)"
    if account.chosen:
        scale = "(1 is what words and vectors both put first)" if account.fused else now
        lines = [f"Skills in the prompt {scale}"]
        for skill in account.chosen:
            lines += [f"  {skill.rank}. {skill.name}  {_why_chosen(skill)}"]
            lines += [f"     {line}" for line in _whence_lines(skill)]
        used = any(skill.whence and skill.whence.use and skill.whence.use.uses for skill in account.chosen)
        return [*lines, f"  ({USE_MEANS})"] if used else lines
    if not account.others:
        return ["No skill was in the prompt: none in the library bears on the task."]
    told = [(other.name, f"{other.relevance:.2f}") for other in account.others]
    return [f"No skill was in the prompt. Nearest by words now {now}", *rows(told, "  ")]


def _why_chosen(skill: ChosenSkill) -> str:
    shares = f", shares {', '.join(map(repr, skill.words))}" if skill.words else ""
    state = "" if skill.state is SkillState.CURRENT else f", {skill.state}"
    return f"{skill.relevance:.2f}{shares}{state}"


def _whence_lines(skill: ChosenSkill) -> list[str]:
    """Which version it was, which failures it came from, how it fared."""
    known = skill.whence
    if known is None:
        return []
    lines = []
    if skill.version is not None:
        lines.append(f"version of {version_in_words(skill.version)}{_since(skill)}")
    if known.marks:
        lines.append(f"now {', '.join(known.marks)}")
    if skill.like:
        lines.append(f'found by a task like it: "{one_line(skill.like, COLUMNS)}"')
    lines += [f"came from {line}" for line in failure_lines(known, FAILURES)]
    if not known.failures:
        lines.append("came from no failure: somebody wrote it")
    return [*lines, use_in_words(known.use)] if known.use is not None else lines


def _since(skill: ChosenSkill) -> str:
    """What became of that version."""
    if skill.whence is None or skill.version is None:
        return ""
    last = skill.whence.history[-1]
    if last.sha256 is None:
        return f"; taken out by g{last.generation}"
    if last.sha256 == skill.sha256:
        return ""
    return (
        f"; g{last.generation} has another: `skills diff {skill.name} {skill.version.generation} "
        f"{last.generation}`"
    )


def _step_lines(step: StepAccount) -> list[str]:
    told = [f"policy {step.policy_seconds:.1f} s"]
    if step.said is None:
        told += [f"code {step.run_seconds:.1f} s"] if step.ran else ["not run"]
    lines = [f"Step {step.number} ({', '.join(told)})"]
    for message in step.prompt:
        lines += [f"  [{message.role}]", *(f"  | {line}" for line in message.content.split("\n"))]
    if step.reply is not None:
        lines += ["  [reply]", *(f"  | {line}" for line in step.reply.split("\n"))]
    elif step.said is not None:
        lines += [f"  {line}".rstrip() for line in step.said.rstrip().split("\n")]
    elif step.code is not None:
        lines += [f"  {line}".rstrip() for line in step.code.rstrip().split("\n")]
    if step.edit:
        lines += ["  you ran it otherwise:", *(f"  {line}".rstrip() for line in step.edit)]
    lines += [f"  > {line}" for line in step.output]
    if step.error is not None:
        lines.append(f"  ! {one_line(step.error, COLUMNS)}")
    return [*lines, *(f"  score {score}" for score in step.scores)]


def _check_line(check: CheckAccount) -> str:
    mark = "passed" if check.passed else "failed"
    told = f"  {mark}  {one_line(check.source, COLUMNS)}"
    return told if check.passed or not check.feedback else f"{told}: {one_line(check.feedback, COLUMNS)}"
