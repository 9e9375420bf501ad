"""Sets the abstain threshold of retrieval on the validation split of the practice world.

    python benchmarks/retrieval_threshold.py [--houses 20] [--tasks 24] [--seed 1]

For each house its skills are the library and its tasks' texts the queries. The threshold is the highest at which at
most 0.5 % of the applying skills that are among the best three are lost: a skill that is missing costs its task, one
too many costs little. Writes build/bench/retrieval_threshold.json.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean

from metaclaw_jlab.core.skill import Skill
from metaclaw_jlab.practice import PracticeTask, draw_house, house_skills, splits_sha256, task_set
from metaclaw_jlab.skills.retrieval import DEFAULT_THRESHOLD, BM25Retriever

OUTPUT = Path("build/bench/retrieval_threshold.json")
INJECTED = 3
ALLOWED_LOSS = 0.005
GRID = [step / 20 for step in range(31)]
# Requests that no house rule bears on.
UNRELATED = (
    "Train a random forest on @df and report its accuracy",
    "Connect to the postgres database and say which tables it has",
    "Download the page and parse its links",
    "Make an interactive widget with a slider",
    "Translate the comments of this notebook to German",
    "Fit a linear regression of price on area",
    "Speed up this loop with numpy",
    "Resample the series to weekly frequency",
    "Detect outliers with the interquartile range",
    "Write a unit test for the parser",
    "Cluster the customers into five segments",
    "Convert the images to grayscale",
    "Solve the equations symbolically",
    "Which Python version is this?",
    "Simulate a random walk of 1000 steps",
    "Compute the shortest path between two nodes",
    "Install seaborn",
    "Ask the weather service how warm it is in Rome",
    "Profile the memory of the last cell",
    "Show the help of this class",
)


@dataclass
class Relevances:
    """Relevances among the best three of each query, by what should have become of them."""

    applying: list[tuple[PracticeTask, list[float]]] = field(default_factory=list)
    beside: list[list[float]] = field(default_factory=list)  # other skills in the same prompt
    none_applies: list[float] = field(
        default_factory=list
    )  # the best where the applying skills are not in the library
    alone: list[float] = field(default_factory=list)  # an applying skill as the only one of a library
    alone_wrong: list[float] = field(default_factory=list)
    unrelated: list[float] = field(default_factory=list)


def best(skills: Sequence[Skill], query: str) -> float:
    found = BM25Retriever(skills, threshold=0.0).search(query, 1)
    return found[0].relevance if found else 0.0


def measure(split: str, houses: int, tasks: int, seed: int) -> Relevances:
    measured = Relevances()
    for number in range(houses):
        rng = random.Random(f"{split}/{seed}/{number}")
        house = draw_house(rng, split)
        skills = house_skills(house, rng)
        retriever = BM25Retriever(skills, threshold=0.0)
        measured.unrelated += [
            max((match.relevance for match in retriever.search(query, 1)), default=0.0) for query in UNRELATED
        ]
        for task in task_set(split, 1000 * seed + number, tasks, house=house):
            matches = retriever.search(task.text, INJECTED)
            right = [match.relevance for match in matches if match.skill.name in task.rules]
            measured.applying.append((task, right))
            measured.beside.append([m.relevance for m in matches if m.skill.name not in task.rules])
            others = [skill for skill in skills if skill.name not in task.rules]
            measured.none_applies.append(best(others, task.text))
            rule = rng.choice(task.rules)
            measured.alone.append(best([skill for skill in skills if skill.name == rule], task.text))
            measured.alone_wrong.append(best([rng.choice(others)], task.text))
    return measured


def row(measured: Relevances, threshold: float) -> dict[str, float]:
    def recall(compound: bool) -> float:
        return fmean(
            sum(value >= threshold for value in right) / min(INJECTED, len(task.rules))
            for task, right in measured.applying
            if task.compound is compound
        )

    def share(values: Sequence[float]) -> float:
        return fmean(value >= threshold for value in values)

    figures = {
        "threshold": threshold,
        "recall_single": recall(compound=False),
        "recall_compound": recall(compound=True),
        "others_per_prompt": fmean(sum(v >= threshold for v in values) for values in measured.beside),
        "injected_where_none_applies": share(measured.none_applies),
        "found_as_only_skill": share(measured.alone),
        "injected_as_wrong_only_skill": share(measured.alone_wrong),
        "injected_where_unrelated": share(measured.unrelated),
    }
    return {name: round(value, 3) for name, value in figures.items()}


def chosen_threshold(measured: Relevances) -> float:
    found = [value for _, right in measured.applying for value in right]
    return max(t for t in GRID if sum(value < t for value in found) <= ALLOWED_LOSS * len(found))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--split", default="validation")
    parser.add_argument("--houses", type=int, default=20)
    parser.add_argument("--tasks", type=int, default=24)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    measured = measure(arguments.split, arguments.houses, arguments.tasks, arguments.seed)
    rows = [row(measured, max(threshold, 1e-9)) for threshold in GRID]
    report = {
        "arguments": vars(arguments),
        "splits_sha256": splits_sha256(),
        "chosen": chosen_threshold(measured),
        "default": DEFAULT_THRESHOLD,
        "rows": rows,
    }
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    OUTPUT.write_text(json.dumps(report, indent=2) + "\n")
    print("  ".join(rows[0]))
    for figures in rows:
        print("  ".join(f"{value:{len(name)}.3f}" for name, value in figures.items()))
    print(f"chosen: {report['chosen']}, in force: {DEFAULT_THRESHOLD}")


if __name__ == "__main__":
    main()
