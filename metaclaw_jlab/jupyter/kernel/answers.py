"""What the commands found, as tables where it is a table: the same that the terminal is told in lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from metaclaw_jlab.inspection.lines import local_time, one_line
from metaclaw_jlab.jupyter.kernel.shown import (
    Block,
    Heading,
    Paragraph,
    Shown,
    Table,
    listing,
    sections,
)

if TYPE_CHECKING:
    from metaclaw_jlab.core.gate import GateReport
    from metaclaw_jlab.core.window import Window
    from metaclaw_jlab.inspection.adapters import AdapterAccount
    from metaclaw_jlab.inspection.generations import GenerationAccount
    from metaclaw_jlab.inspection.scheduler import ScheduleAccount
    from metaclaw_jlab.inspection.skill_library import SkillRow
    from metaclaw_jlab.inspection.status import Status
    from metaclaw_jlab.inspection.training import RunAccount, TrainingAccount
    from metaclaw_jlab.inspection.trend import Trend

COLUMNS = 200


def status_card(status: Status) -> Shown:
    """The status card."""
    from metaclaw_jlab.inspection.status import render_status, status_head, status_rows

    return Shown(render_status(status), (Heading(status_head(status)), Table(status_rows(status))))


def account_of_a_task(text: str) -> Shown:
    """Why a task went as it did."""
    return sections(text)


def skills_found(result: Mapping[str, Any], text: str) -> Shown:
    """The library as a table; anything else as it is."""
    if not result.get("skills"):
        return listing(text)
    notes = [Paragraph(f"Adopted the edit by hand of {name}") for name in result["adopted"]]
    problems = [Paragraph(f"Problem: {problem.sentence}") for problem in result["problems"]]
    head = ("skill", "since", "uses", "helped", "hurt", "marks", "what it says")
    return Shown(text, (*notes, Table([_skill(row) for row in result["skills"]], head), *problems))


def _skill(row: SkillRow) -> tuple[str, ...]:
    use = row.use
    return (
        row.name,
        f"g{row.since.generation}" if row.since else "",
        f"{use.uses:,}" if use and use.uses else "",
        f"{use.helped:,}" if use and use.helped else "",
        f"{use.hurt:,}" if use and use.hurt else "",
        ", ".join(row.marks),
        one_line(row.description, COLUMNS),
    )


def generations_found(result: Mapping[str, Any], text: str) -> Shown:
    """The generations as a table; anything else as it is."""
    if "generations" not in result:
        return sections(text) if "generation" in result else listing(text)
    head = ("generation", "made", "cause", "changed", "failures", "")
    rows = [_generation(one) for one in result["generations"]]
    return Shown(text, (Table(rows, head), Paragraph("Back: %metaclaw generations rollback N")))


def _generation(one: GenerationAccount) -> tuple[str, ...]:
    from metaclaw_jlab.core.generation import Cause
    from metaclaw_jlab.inspection.generations import CAUSES, in_words

    return (
        f"g{one.number}",
        local_time(one.created_at) if one.number else "",
        CAUSES[Cause(one.cause)],
        in_words(one.changes) if one.number else "",
        f"{len(one.evidence)}" if one.evidence else "",
        "current" if one.current else "",
    )


def adapters_found(result: Mapping[str, Any], text: str) -> Shown:
    """The adapters as a table, or one with the comparisons of its gates; anything else as it is."""
    match result:
        case {"adapters": [_, *_] as listed}:
            head = ("adapter", "", "status", "skills", "made", "its gate said")
            return Shown(text, (Table([_adapter(one) for one in listed], head),))
        case {"adapter": adapter, "gates": gates}:
            told = sections(text.split("\n\n", 1)[0])
            return Shown(text, (*told.blocks, *(_gate(gate, adapter.version) for gate in gates)))
    return listing(text)


def _adapter(one: AdapterAccount) -> tuple[str, ...]:
    return (
        f"v{one.version}",
        "serves now" if one.serving else "",
        one.status.value,
        f"g{one.skill_generation}",
        local_time(one.created_at),
        one_line(one.gate.reason if one.gate is not None else one.reason, COLUMNS),
    )


def _gate(gate: GateReport, version: int) -> Table:
    """The comparisons of a gate side by side, under its verdict."""
    head = (f"gate of v{version}: {gate.verdict.value}", "n", "candidate", "reference", "difference", "95 %")
    return Table(
        [
            (
                ("passed: " if found.passed else "not passed: ") + found.name,
                f"{found.n:,}",
                f"{found.candidate:.3f}",
                f"{found.reference:.3f}",
                f"{found.difference.estimate:+.3f}",
                f"{found.difference.low:+.3f} to {found.difference.high:+.3f}",
            )
            for found in gate.comparisons
        ],
        head,
    )


def training_found(result: Mapping[str, Any], text: str) -> Shown:
    """How training stands, with its curves; or the log of windows; anything else as it is."""
    match result:
        case {"training": account, "schedule": schedule}:
            return _training(account, schedule, text)
        case {"windows": [_, *_] as windows}:
            return Shown(text, (_windows(windows),))
    return listing(text)


def _training(account: TrainingAccount, schedule: ScheduleAccount, text: str) -> Shown:
    from metaclaw_jlab.inspection.training import counts_in_words
    from metaclaw_jlab.jupyter.kernel.figures import curves_figure

    serving = "the base, without adapter" if account.serving is None else f"adapter v{account.serving}"
    facts = [
        ("serves", serving),
        ("query", counts_in_words(account.counts)),
        ("by itself", schedule.sentence),
    ]
    blocks: list[Block] = [Heading(account.sentence), Table(facts)]
    blocks += [Paragraph(sentence) for sentence in account.missing]
    run = account.run or (account.recent[0] if account.recent else None)
    if run is not None and run.gate is not None and run.adapter is not None:
        blocks.append(_gate(run.gate, run.adapter))
    if account.recent:
        blocks.append(Table([_run(one) for one in account.recent], ("run", "", "when", "adapter", "result")))
    if schedule.windows:
        blocks.append(_windows(schedule.windows))
    figure = None if run is None else curves_figure(run)
    return Shown(text, tuple(blocks), () if figure is None else (figure,))


def _run(run: RunAccount) -> tuple[str, ...]:
    from metaclaw_jlab.inspection.training import verdict_in_words

    return (
        f"{run.number}",
        run.state.value,
        local_time(run.changed_at),
        "" if run.adapter is None else f"v{run.adapter}",
        one_line(verdict_in_words(run) or run.reason, COLUMNS),
    )


def _windows(windows: Sequence[Window]) -> Table:
    from metaclaw_jlab.inspection.training import duration_in_words

    head = ("window", "opened", "by", "closed by", "trained", "run", "gave way in")
    return Table(
        [
            (
                f"{one.number}",
                local_time(one.opened_at),
                ", ".join(one.opened_by),
                one.closed_by or "open",
                duration_in_words(one.used_seconds) if one.used_seconds else "nothing",
                "" if one.run is None else f"{one.run}",
                "" if one.yield_seconds is None else f"{one.yield_seconds:.1f} s",
            )
            for one in windows
        ],
        head,
    )


def trend_found(found: Trend) -> Shown:
    """Whether it gets better: a table of the generations, and the figure."""
    from metaclaw_jlab.inspection.lines import table
    from metaclaw_jlab.jupyter.kernel.figures import trend_figure

    head = ("generation", "tasks", "done right", "share", "95 %")
    rows = [
        (
            f"g{one.generation}",
            f"{one.n:,}",
            f"{one.right:,}",
            f"{one.mean:.2f}",
            f"{one.low:.2f} to {one.high:.2f}",
        )
        for one in found.generations
    ]
    if not rows:
        return Shown(found.sentence, (Paragraph(found.sentence),))
    text = "\n".join([found.sentence, *table([head, *rows], "  ")])
    return Shown(text, (Heading(found.sentence), Table(rows, head)), (trend_figure(found),))
