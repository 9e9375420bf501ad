"""An ablation as a notebook that reckons everything again from the attempts, with pandas alone."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pprint import pformat
from typing import Any

from metaclaw_jlab.core.ablation import AblationPlan, Attempt
from metaclaw_jlab.core.errors import MissingExtra
from metaclaw_jlab.evaluation.ablation.arguments import command_of
from metaclaw_jlab.evaluation.ablation.figures import MIME, figure_spec, figure_title
from metaclaw_jlab.evaluation.ablation.publication import public

_COLUMNS = ("arm", "task", "seed", "sample", "day", "value")

_READ = """\
import io
import json

import numpy as np
import pandas as pd

types = {"arm": str, "task": str, "value": float}
attempts = pd.read_csv(io.StringIO(ATTEMPTS), dtype=types, keep_default_na=False, na_values={"day": [""]})
test = attempts[attempts["day"].isna()]
attempts.groupby("arm", sort=False).agg(attempts=("value", "size"), tasks=("task", "nunique"))"""

_MEANS = '''\
# A seed's mean over its samples, a task's mean over its seeds: however often it was attempted, a task counts once.
by_seed = test.groupby(["task", "seed", "arm"])["value"].mean().unstack("arm")
by_task = by_seed.groupby("task").mean()


def bootstrap(values, draws=4000, seed=0):
    """Percentile interval of a mean: tasks are drawn anew, with replacement."""
    values, rng = values.dropna().to_numpy(), np.random.default_rng(seed)
    means = [rng.choice(values, len(values)).mean() for draw in range(draws)]
    return np.quantile(means, [0.025, 0.975]).round(4).tolist()


means = pd.DataFrame(
    [
        {"arm": arm, "tasks": by_task[arm].count(), "mean": by_task[arm].mean(), "interval": bootstrap(by_task[arm])}
        for arm in REPORTED["means"]
    ],
    columns=["arm", "tasks", "mean", "interval"],
).set_index("arm")
means["reported"] = pd.Series(REPORTED["means"], dtype=float)
means["reported interval"] = pd.Series(REPORTED["intervals"], dtype=object)
if len(means):
    assert (means["mean"] - means["reported"]).abs().max() < 1e-4
means.round(4)'''

_DIFFERENCES = '''\
def difference(arm, reference, seed=None):
    """Of the tasks that both did, with the seeds that both did them with."""
    both = by_seed[[arm, reference]].dropna()
    if seed is not None:
        both = both[both.index.get_level_values("seed") == seed]
    means = both.groupby("task").mean()
    return means[arm] - means[reference]


rows = []
for one in REPORTED["differences"]:
    found = difference(one["arm"], one["reference"], one["seed"])
    row = {"tasks": len(found), "difference": found.mean(), "interval": bootstrap(found)}
    rows.append({**one, **row, "better": (found > 1e-9).mean(), "worse": (found < -1e-9).mean()})
differences = pd.DataFrame(rows)
if len(differences):
    assert (differences["difference"] - differences["reported"]).abs().max() < 1e-4
differences.round(4)'''

_CURVES = """\
days = attempts.dropna(subset=["day"])
cells = days.groupby(["arm", "day", "task", "seed"])["value"].mean()
curves = cells.groupby(["arm", "day", "task"]).mean().groupby(["arm", "day"]).mean().unstack("day")
for arm, points in REPORTED["days"].items():
    for day, mean in points.items():
        assert abs(curves.loc[arm, float(day)] - mean) < 1e-4
curves.round(3)"""

_SHOWN = """\
from IPython.display import display

display({{"{mime}": json.loads(FIGURE), "text/plain": {title!r}}}, raw=True)"""


def notebook(
    plan: AblationPlan, report: Mapping[str, Any], attempts: Sequence[Attempt], titles: Mapping[str, str]
) -> str:
    """The notebook as text; it validates, and runs from top to bottom. Raises MissingExtra."""
    try:
        import nbformat
        from nbformat import v4
    except ImportError as error:
        raise MissingExtra("nbformat", "all") from error

    spec, title = figure_spec(report), figure_title(report)
    drawn = v4.new_output("display_data", data={MIME: spec, "text/plain": title}, metadata={})  # type: ignore[no-untyped-call]
    source = f"FIGURE = r'''{_quoted_json(spec)}'''\n\n{_SHOWN.format(mime=MIME, title=title)}"
    cells = [
        v4.new_markdown_cell(text) if isinstance(text, _Markdown) else v4.new_code_cell(text)  # type: ignore[no-untyped-call]
        for text in (
            _Markdown(_opening(plan, report)),
            _data(report, attempts, titles),
            _Markdown("## Means of the arms"),
            _READ,
            _MEANS,
            _Markdown(_differences_told(report)),
            _DIFFERENCES,
            *((_Markdown("## Over the days"), _CURVES) if _points(report) else ()),
            _Markdown("## Figure"),
        )
    ]
    cells.append(v4.new_code_cell(source, outputs=[drawn]))  # type: ignore[no-untyped-call]
    cells.append(v4.new_markdown_cell(_closing(plan, report)))  # type: ignore[no-untyped-call]
    for number, cell in enumerate(cells):
        cell["id"] = f"ablation-{number}"  # the same export twice is the same file
    made = v4.new_notebook(  # type: ignore[no-untyped-call]
        cells=cells,
        metadata={
            "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
            "language_info": {"name": "python"},
        },
    )
    nbformat.validate(made)
    return f"{nbformat.writes(made)}\n"  # type: ignore[no-untyped-call]


class _Markdown(str):
    """The source of a cell that is text."""

    __slots__ = ()


def _opening(plan: AblationPlan, report: Mapping[str, Any]) -> str:
    days = plan.days
    rows = [
        ("tasks", report["tasks"]),
        ("reference", plan.reference),
        ("test tasks at most", str(plan.n)),
        ("seeds", ", ".join(map(str, plan.seeds))),
        ("samples of each", str(plan.samples)),
        (
            "days",
            "none: one frozen copy of a home" if days is None else f"{days.number} of {days.tasks} tasks",
        ),
        ("attempts", f"{report['done']:,} of {report['of']:,}"),
        ("settings", _written(public(dict(plan.settings))) if plan.settings else "as configured"),
    ]
    arms = [(name, arm["about"]) for name, arm in report["arms"].items()]
    return "\n\n".join(
        [
            f"# {figure_title(report)}",
            f"**{_cell(report['verdict'])}**",
            "What was compared, on the same tasks with the same seeds:",
            _table(("arm", "what it is"), arms),
            _table(("plan", ""), rows),
            *(f"- {_cell(note)}" for note in report["notes"]),
            "The cells below reckon means, differences and intervals again from the single attempts, with pandas "
            "alone, and stop where they come to anything else than what is reported. Intervals are plain percentile "
            "bootstraps here; those reported are corrected for bias and for small numbers, so their ends differ by "
            "a little.",
        ]
    )


def _data(report: Mapping[str, Any], attempts: Sequence[Attempt], titles: Mapping[str, str]) -> str:
    lines = [",".join((*_COLUMNS, *(("title",) if titles else ())))]
    for one in attempts:
        cells = [_field(getattr(one, column)) for column in _COLUMNS]
        lines.append(",".join([*cells, *((_field(titles[one.task]),) if titles else ())]))
    table = "\n".join(lines).replace("'''", "’’’")  # it stands in a raw string of three quotes
    reported = pformat(_reported(report), sort_dicts=False, width=110)
    return f"ATTEMPTS = r'''{table}\n'''\n\n# What the report says of them.\nREPORTED = {reported}"


def _reported(report: Mapping[str, Any]) -> dict[str, Any]:
    arms = {name: arm for name, arm in report["arms"].items() if arm["mean"] is not None}
    differences = [(one, None) for one in report["comparisons"]]
    for training in report["training_seeds"]:
        pair = {"arm": training["arm"], "reference": training["reference"]}
        differences += [({**pair, **one}, one["seed"]) for one in training["seeds"]]
    return {
        "means": {name: arm["mean"] for name, arm in arms.items()},
        "intervals": {name: arm["ci95"] for name, arm in arms.items()},
        "differences": [
            {
                "arm": one["arm"],
                "reference": one["reference"],
                "seed": seed,
                "reported": one["difference"],
                "reported interval": one["ci95"],
            }
            for one, seed in differences
        ],
        "days": _points(report),
    }


def _quoted_json(value: object) -> str:
    """JSON that may stand in a raw string of three quotes."""
    return json.dumps(value).replace("'", "\\u0027")


def _points(report: Mapping[str, Any]) -> dict[str, dict[str, float]]:
    curves = report["days"] or {}
    return {
        arm: {str(point["day"]): point["mean"] for point in curve} for arm, curve in curves.items() if curve
    }


def _differences_told(report: Mapping[str, Any]) -> str:
    parts = ["## Differences"]
    if report["comparisons"]:
        header = ("arm", "against", "tasks", "points", "95 % interval", "p, adjusted", "test", "shown")
        parts.append(_table(header, [_compared(one) for one in report["comparisons"]]))
        parts += [f"- {_cell(one['sentence'])}" for one in report["comparisons"]]
    for training in report["training_seeds"]:
        parts.append(f"{_cell(training['sentence'])} Trainings are not pooled: tasks of one share its luck.")
        one_by_one = ("arm", "against", "seed", "tasks", "points", "95 % interval", "p")
        pair = (training["arm"], training["reference"])
        rows = [
            (*pair, str(one["seed"]), str(one["tasks"]), *_sized(one), _p(one["p"]))
            for one in training["seeds"]
        ]
        parts.append(_table(one_by_one, rows))
    if len(parts) == 1:
        parts.append("No two arms have a test task in common.")
    return "\n\n".join(parts)


def _compared(one: Mapping[str, Any]) -> tuple[str, ...]:
    named = (one["arm"], one["reference"], str(one["tasks"]))
    return (*named, *_sized(one), _p(one["adjusted"]), one["test"], one["finding"])


def _sized(one: Mapping[str, Any]) -> tuple[str, str]:
    low, high = one["ci95"]
    return f"{100 * one['difference']:+.1f}", f"{100 * low:+.1f} to {100 * high:+.1f}"


def _p(p_value: float) -> str:
    return "< 0.0001" if p_value < 1e-4 else f"{p_value:.2g}"


def _closing(plan: AblationPlan, report: Mapping[str, Any]) -> str:
    command = public(command_of(plan))
    return f"## Verdict\n\n{_cell(report['verdict'])}\n\nTo run it again:\n\n```\n{command}\n```"


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines)


def _cell(text: str) -> str:
    """Text that can neither break a table nor be taken for markup or HTML."""
    plain = " ".join(str(text).split())
    for mark in ("\\", "`", "*", "_", "[", "]", "|", "$"):
        plain = plain.replace(mark, f"\\{mark}")
    return plain.replace("&", "&amp;").replace("<", "&lt;")


def _written(value: object) -> str:
    return json.dumps(value) if not isinstance(value, str) else value


def _field(value: object) -> str:
    """A cell of the table, quoted as CSV wants it."""
    if value is None:
        return ""
    text = f"{value:g}" if isinstance(value, float) and value in (0.0, 1.0) else str(value)
    return '"' + text.replace('"', '""') + '"' if any(mark in text for mark in ',"\r\n') else text
