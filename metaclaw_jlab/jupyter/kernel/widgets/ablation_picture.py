"""An ablation as it stays in a saved or converted notebook: the verdict, tables, figures, and no need of a kernel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from metaclaw_jlab.inspection.lines import counted, local_time, table
from metaclaw_jlab.jupyter.kernel.shown import Block, Heading, Paragraph, Picture, Shown, Table

Report = Mapping[str, Any]

NO_RUNS = "No ablation yet: %metaclaw ablate --arms baseline,skills,full compares arms on the same tasks."
_ARM_HEAD = ("arm", "what it is", "tasks", "mean", "95 %", "task right", "tokens", "seconds", "failed")
_DIFFERENCE_HEAD = ("difference", "tasks", "points", "95 %", "p, adjusted", "shown")
_RUN_HEAD = ("ablation", "state", "begun", "tasks", "arms", "attempts")


def report_picture(report: Report, note: str = "") -> Shown:
    """A report as text, and as blocks; `note` stands first. It is saved with the notebook: no words of failures are in
    it, and no folders."""
    from metaclaw_jlab.evaluation.ablation.figures import days_svg, forest_svg
    from metaclaw_jlab.evaluation.ablation.publication import public, public_report
    from metaclaw_jlab.evaluation.ablation.render import render_ablation

    report, note = public_report(report), public(note)
    blocks: list[Block] = [Paragraph(note)] if note else []
    blocks += [Heading(str(report["verdict"])), Paragraph(status_line(report))]
    if any(arm["mean"] is not None for arm in report["arms"].values()):
        blocks.append(Picture(forest_svg(report), ""))
    blocks.append(Table(arm_rows(report), _ARM_HEAD))
    if differences := difference_rows(report):
        blocks.append(Table(differences, _DIFFERENCE_HEAD))
    blocks += [Paragraph(one["sentence"]) for one in (*report["comparisons"], *report["training_seeds"])]
    if any((report["days"] or {}).values()) and (drawn := days_svg(report)):
        blocks.append(Picture(drawn, ""))
    blocks += [Paragraph(sentence) for sentence in report["notes"]]
    text = render_ablation(report)
    return Shown(f"{note}\n\n{text}" if note else text, tuple(blocks))


def runs_picture(rows: Sequence[Mapping[str, Any]], note: str = "") -> Shown:
    """The ablations of a home as a table; `note` stands first."""
    from metaclaw_jlab.evaluation.ablation.publication import public

    note = public(note)
    told = [run_row(public(row)) for row in rows]
    head = [Paragraph(note)] if note else []
    if not told:
        return Shown("\n".join(filter(None, (note, NO_RUNS))), (*head, Paragraph(NO_RUNS)))
    text = "\n".join([*([note] if note else []), *table([_RUN_HEAD, *told])])
    return Shown(text, (*head, Table(told, _RUN_HEAD)))


def status_line(report: Report) -> str:
    """How far an ablation is, in a line."""
    parts = [
        f"Ablation {report['number']}",
        str(report["tasks"]),
        counted(len(report["seeds"]), "seed"),
        str(report["state"]),
        f"{report['done']:,} of {report['of']:,} attempts" if report["of"] else "",
        str(report["reason"]),
    ]
    return " · ".join(filter(None, parts))


def arm_rows(report: Report) -> list[tuple[str, ...]]:
    """The arms, a row each."""
    return [
        (
            name,
            arm["about"],
            f"{arm['tasks']:,}" if arm["tasks"] else "",
            "" if arm["mean"] is None else f"{arm['mean']:.3f}",
            "" if arm["ci95"] is None else f"{arm['ci95'][0]:.3f} to {arm['ci95'][1]:.3f}",
            "" if arm["right"] is None else f"{arm['right']:.3f}",
            f"{arm['tokens']:,}" if arm["tokens"] else "",
            "" if arm["seconds"] is None else f"{arm['seconds']:.2f}",
            f"{arm['failures']['n']:,}" if arm["failures"]["n"] else "",
        )
        for name, arm in report["arms"].items()
    ]


def difference_rows(report: Report) -> list[tuple[str, ...]]:
    """The differences in points, a row each; those of trained arms training by training."""
    found = [(f"{one['arm']} − {one['reference']}", one, one["finding"]) for one in report["comparisons"]]
    for training in report["training_seeds"]:
        pair = f"{training['arm']} − {training['reference']}"
        found += [(f"{pair}, seed {one['seed']}", one, "") for one in training["seeds"]]
    return [
        (
            label,
            f"{one['tasks']:,}",
            f"{100 * one['difference']:+.1f}",
            f"{100 * one['ci95'][0]:+.1f} to {100 * one['ci95'][1]:+.1f}",
            f"{one.get('adjusted', one['p']):.3g}",
            finding,
        )
        for label, one, finding in found
    ]


def run_row(row: Mapping[str, Any]) -> tuple[str, ...]:
    """A run in the list."""
    return (
        f"{row['number']}",
        str(row["state"]),
        local_time(row["created_at"]),
        str(row["tasks"]),
        ", ".join(row["arms"]),
        f"{row['done']:,} of {row['of']:,}" if row["of"] else "",
    )
