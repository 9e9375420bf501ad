"""Training as plain text: the run, its curves, its gate's comparisons side by side, what waits."""

from __future__ import annotations

from collections.abc import Sequence

from metaclaw_jlab.core.gate import Comparison, GateReport
from metaclaw_jlab.inspection.lines import counted, local_time, one_line, rows, sparkline, table
from metaclaw_jlab.inspection.training import (
    Curves,
    RunAccount,
    TrainingAccount,
    counts_in_words,
    verdict_in_words,
)

WIDTH = 30
COLUMNS, WHOLE = 100, 1000


def render_training(account: TrainingAccount) -> str:
    """Everything there is to tell, as paragraphs."""
    serving = "the base, without adapter" if account.serving is None else f"adapter v{account.serving}"
    head = [account.sentence, *rows([("serves", serving), ("query", counts_in_words(account.counts))], "  ")]
    parts = [[*head, *(f"  ! {sentence}" for sentence in account.missing)]]
    latest = account.run or (account.recent[0] if account.recent else None)
    if latest is not None:
        parts.append(_run(latest))
        if latest.gate is not None:
            parts.append(gate_lines(latest.gate, f"v{latest.adapter}"))
    if account.recent:
        parts.append(["Runs that are over", *_past(account.recent)])
    return "\n\n".join("\n".join(part) for part in parts)


def gate_lines(gate: GateReport, name: str) -> list[str]:
    """A verdict, and the comparisons that led to it, side by side."""
    missing = f"; {counted(gate.missing, 'held-out task')} missing" if gate.missing else ""
    head = f"Gate of {name}: {gate.verdict.value} (look {gate.look}{missing})"
    lines = [head, f"  {one_line(gate.reason, WHOLE)}"]
    if gate.comparisons:
        heading = ("", "compared", "n", "candidate", "reference", "difference")
        lines += table([heading, *map(_comparison, gate.comparisons)], "  ")
    return lines


def _run(run: RunAccount) -> list[str]:
    begun = f"begun {local_time(run.created_at)}"
    parent = "the base" if run.parent is None else f"adapter v{run.parent}"
    about = f"{run.base}, from {parent}, seed {run.seed}, skills g{run.skill_generation}, {begun}"
    listed = [
        ("about", about),
        ("steps", f"{run.steps_done} of {run.steps}, {counted(run.prompts, 'prompt')}"),
    ]
    return [f"Training run {run.number}: {run.state.value}", *rows([*listed, *_numbers(run)], "  ")]


def _numbers(run: RunAccount) -> list[tuple[str, str]]:
    curves = run.curves
    if not curves.step:
        return []
    left_out = f"{run.equal_groups} of {counted(run.groups, 'group')} had equal rewards and taught nothing"
    lost = [
        f"{number} {what}"
        for number, what in ((run.unscored, "unscored"), (run.mismatched, "not brought to their state again"))
        if number
    ]
    speed = f"{run.step_seconds:.1f} s a step, " if run.step_seconds is not None else ""
    return [
        ("reward", _curve(curves.reward, "+.2f") + _apart(curves)),
        ("loss", _curve(curves.loss, ".3f")),
        *((name, _curve(column, ".3f")) for name, column in _optional(curves)),
        ("length", f"{_curve(curves.completion_tokens, '.0f')} tokens"),
        ("groups", ", ".join([left_out, *lost])),
        ("speed", f"{speed}{run.tokens_per_second or 0:,.0f} tokens/s"),
    ]


def _optional(curves: Curves) -> list[tuple[str, tuple[float, ...]]]:
    listed = (("KL to base", curves.kl), ("entropy", curves.entropy))
    known = [(name, tuple(value for value in column if value is not None)) for name, column in listed]
    return [(name, column) for name, column in known if column]


def _apart(curves: Curves) -> str:
    """The newest rewards of query and replayed prompts, where both are known."""
    query, replay = curves.query_reward[-1], curves.replay_reward[-1]
    return "" if query is None or replay is None else f"  (query {query:+.2f}, replay {replay:+.2f})"


def _curve(values: Sequence[float], form: str) -> str:
    """The first and the last value, and a line of blocks between."""
    first, last = format(values[0], form), format(values[-1], form)
    return last if len(values) == 1 else f"{first} {sparkline(values, WIDTH)} {last}"


def _comparison(found: Comparison) -> tuple[str, ...]:
    difference = found.difference
    return (
        "ok" if found.passed else "NO",
        found.name,
        f"{found.n:,}",
        f"{found.candidate:.3f}",
        f"{found.reference:.3f}",
        f"{difference.estimate:+.3f} [{difference.low:+.3f}, {difference.high:+.3f}]",
    )


def _past(runs: Sequence[RunAccount]) -> list[str]:
    lines = [
        (
            f"{run.number}",
            run.state.value,
            local_time(run.changed_at),
            "" if run.adapter is None else f"v{run.adapter}",
            one_line(verdict_in_words(run) or run.reason, COLUMNS),
        )
        for run in runs
    ]
    return table(lines, "  ")
