"""A snapshot as it stays in a saved or converted notebook: tables, the trend, text. Nothing in it needs a kernel."""

from __future__ import annotations

from metaclaw_jlab.inspection.lines import counted, local_time, table
from metaclaw_jlab.jupyter.kernel.chart import line_chart
from metaclaw_jlab.jupyter.kernel.figures import trend_svg
from metaclaw_jlab.jupyter.kernel.shown import Block, Heading, Paragraph, Picture, Shown, Table
from metaclaw_jlab.jupyter.kernel.widgets.snapshot import RunLine, SkillLine, Snapshot, TaskLine

NO_SKILLS = 'No skills yet: they come from tasks that fail (a check, an exception, %metaclaw bad "why").'
NO_TASKS = "No task yet: ask for something in a cell that begins with %%metaclaw."
_SKILL_HEAD = ("skill", "since", "uses", "helped", "hurt", "marks", "what it says")
_TASK_HEAD = ("when", "how it ended", "score", "steps", "skills", "under", "task")
_RUN_HEAD = ("run", "state", "when", "adapter", "result")


def picture(found: Snapshot, note: str = "") -> Shown:
    """The snapshot as text, and as blocks; `note` stands first."""
    head = f"MetaClaw {found.package}, {local_time(found.at)}"
    about = f"{found.policy} · {found.serving} · skills g{found.generation}"
    parts: list[tuple[str, list[Block]]] = [
        (head, [Paragraph(note), Paragraph(about)] if note else [Paragraph(about)]),
        (_skills_head(found), [_table(_SKILL_HEAD, [_skill(one) for one in found.skills], NO_SKILLS)]),
        ("Scores", _scores(found)),
        ("Last tasks", [_table(_TASK_HEAD, [_task(one) for one in found.tasks], NO_TASKS)]),
        ("Training", _training(found)),
    ]
    blocks = tuple(block for title, inner in parts for block in (Heading(title), *inner))
    return Shown("\n\n".join("\n".join([title, *_lines(inner)]) for title, inner in parts), blocks)


def _skills_head(found: Snapshot) -> str:
    left = found.total - len(found.skills)
    more = f", the first {len(found.skills)} of them" if left > 0 else ""
    sought = f" with {found.search!r}" if found.search else ""
    return f"Skills: {counted(found.total, 'skill')}{sought}{more}"


def _skill(one: SkillLine) -> tuple[str, ...]:
    counts = [f"{number:,}" if number else "" for number in (one.uses, one.helped, one.hurt)]
    since = "" if one.since is None else f"g{one.since}"
    return (one.name, since, *counts, ", ".join(one.marks), one.description)


def _task(one: TaskLine) -> tuple[str, ...]:
    score = {True: "✓ good", False: "✗ bad", None: ""}[one.well]
    return (
        local_time(one.at),
        one.outcome,
        score,
        f"{one.steps}",
        ", ".join(one.skills),
        f"g{one.generation}",
        one.id,
    )


def _run(one: RunLine) -> tuple[str, ...]:
    adapter = "" if one.adapter is None else f"v{one.adapter}"
    return (f"{one.number}", one.state, local_time(one.at), adapter, one.result)


def _scores(found: Snapshot) -> list[Block]:
    blocks: list[Block] = [Paragraph(found.trend)]
    if found.scores:
        blocks.append(Picture(trend_svg(found.scores, found.trend), ""))
    return blocks


def _training(found: Snapshot) -> list[Block]:
    blocks: list[Block] = [Paragraph(found.training), Paragraph(found.schedule)]
    if line := line_chart(found.rewards, "Reward of each step"):
        blocks.append(Picture(line, ""))
    return [*blocks, Table([_run(one) for one in found.runs], _RUN_HEAD)] if found.runs else blocks


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]], empty: str) -> Block:
    return Table(rows, head) if rows else Paragraph(empty)


def _lines(blocks: list[Block]) -> list[str]:
    lines = []
    for block in blocks:
        match block:
            case Paragraph(text):
                lines.append(f"  {text}")
            case Table(rows, head):
                lines += table([head, *rows], "  ")
    return lines
