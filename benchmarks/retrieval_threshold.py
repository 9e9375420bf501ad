"""Measures retrieval on the practice world, by how many texts of tasks its index has, and sets the abstain threshold.

    python benchmarks/retrieval_threshold.py [--houses 20] [--tasks 24] [--seed 1]

For each house its skills are the library and tasks of the validation split the queries. Skills are `given`, with a
description by hand; `bare`, a sentence in a phrasing of the train split; or `mixed`, every other one given and without
texts. Texts are those of tasks of the train split that a rule applies to, masked by a solution. The threshold is the
highest that, whatever the library, loses at most 1 % of the applying skills among the best three: a skill that is
missing costs its task, one too many costs little. Bare skills without texts share too few words with their tasks to
count. Writes build/bench/retrieval_threshold.json.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean
from string import ascii_lowercase
from typing import Any

from metaclaw_jlab.core.skill import Skill
from metaclaw_jlab.practice import (
    House,
    PracticeTask,
    draw_house,
    house_skills,
    sample_task,
    solution,
    splits_sha256,
    task_set,
)
from metaclaw_jlab.skills.masking import mask
from metaclaw_jlab.skills.retrieval import DEFAULT_THRESHOLD, BM25Retriever

OUTPUT = Path("build/bench/retrieval_threshold.json")
INJECTED = 3
ALLOWED_LOSS = 0.01
GRID = [step / 20 for step in range(21)]
# Kind of library and texts of each skill.
LIBRARIES = (
    *(("given", count) for count in (0, 8, 24)),
    *(("bare", count) for count in (0, 1, 3, 8, 24)),
    *(("mixed", count) for count in (8, 24)),
)
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
class Measured:
    """What became of the queries to libraries of one kind, for each threshold of the grid."""

    recall_single: list[list[float]] = field(default_factory=lambda: [[] for _ in GRID])
    recall_compound: list[list[float]] = field(default_factory=lambda: [[] for _ in GRID])
    found: list[int] = field(default_factory=lambda: [0 for _ in GRID])  # applying skills
    others: list[list[int]] = field(
        default_factory=lambda: [[] for _ in GRID]
    )  # inapplicable ones in a prompt
    # The best relevance to each query
    none_applies: list[float] = field(default_factory=list)  # the applying skills taken out of the library
    alone: list[float] = field(default_factory=list)  # an applying skill as the only one of a library
    alone_wrong: list[float] = field(default_factory=list)
    unrelated: list[float] = field(default_factory=list)

    def search(self, retriever: BM25Retriever, task: PracticeTask, applying: set[str]) -> None:
        """Searches with each threshold, for the skills of the names that apply."""
        recall = self.recall_compound if task.compound else self.recall_single
        for number, threshold in enumerate(GRID):
            retriever.threshold = threshold
            matches = retriever.search(task.text, INJECTED)
            found = sum(match.skill.name in applying for match in matches)
            recall[number].append(found / min(INJECTED, len(applying)))
            self.found[number] += found
            self.others[number].append(len(matches) - found)
        retriever.threshold = 0.0


def masked_texts(rule: str, house: House, count: int, rng: random.Random) -> list[str]:
    """Masked texts of tasks of the train split that the rule applies to."""
    tasks = [sample_task(rng, "train", house, rule=rule) for _ in range(count)]
    return [mask(task.text, "\n".join(solution(task, task.options))) for task in tasks]


def library(kind: str, house: House, rng: random.Random) -> dict[str, Skill]:
    """The skill of each rule. A bare one tells nothing by its name."""
    given = {skill.name: skill for skill in house_skills(house, rng)}
    bare = {
        rule: Skill(f"skill-{3 * letter}", "A house rule.", given[rule].body)
        for letter, rule in zip(ascii_lowercase, given, strict=False)
    }
    if kind == "mixed":
        remainder = rng.randrange(2)
        return {rule: (given, bare)[number % 2 == remainder][rule] for number, rule in enumerate(given)}
    return given if kind == "given" else bare


def measure_house(
    measured: Measured, kind: str, count: int, house: House, tasks: Sequence[PracticeTask]
) -> None:
    """Searches in the library of a house, and in parts of it."""
    rng = random.Random(f"{kind}/{house.name}")
    skills = library(kind, house, rng)
    other_house = draw_house(rng, "train")
    served = [rule for rule, skill in skills.items() if kind != "mixed" or skill.name != rule]
    texts = {skills[rule].name: masked_texts(rule, other_house, count, rng) for rule in served}
    retriever = BM25Retriever(skills.values(), 0.0, texts)
    alone = {rule: BM25Retriever([skill], 0.0, texts) for rule, skill in skills.items()}
    measured.unrelated += [relevance(retriever, query) for query in UNRELATED]
    for task in tasks:
        measured.search(retriever, task, {skills[rule].name for rule in task.rules})
        others = [rule for rule in skills if rule not in task.rules]
        without = BM25Retriever([skills[rule] for rule in others], 0.0, texts)
        measured.none_applies.append(relevance(without, task.text))
        measured.alone.append(relevance(alone[rng.choice(task.rules)], task.text))
        measured.alone_wrong.append(relevance(alone[rng.choice(others)], task.text))


def relevance(retriever: BM25Retriever, query: str) -> float:
    """The relevance of the best skill to a query."""
    return max((match.relevance for match in retriever.search(query, 1)), default=0.0)


def rows(measured: Measured) -> list[dict[str, float]]:
    """Figures for each threshold."""
    figures = []
    for number, threshold in enumerate(GRID):
        injected = measured.others[number]
        values = {
            "threshold": threshold,
            "recall_single": fmean(measured.recall_single[number]),
            "recall_compound": fmean(measured.recall_compound[number]),
            "tasks_with_others": fmean(count > 0 for count in injected),
            "others_per_task": fmean(injected),
            "injected_where_none_applies": share(measured.none_applies, threshold),
            "found_as_only_skill": share(measured.alone, threshold),
            "injected_as_wrong_only_skill": share(measured.alone_wrong, threshold),
            "injected_where_unrelated": share(measured.unrelated, threshold),
        }
        figures.append({name: round(value, 3) for name, value in values.items()})
    return figures


def share(relevances: Sequence[float], threshold: float) -> float:
    return fmean(value >= max(threshold, 1e-6) for value in relevances)


def chosen_threshold(measured: Measured) -> float:
    """The highest threshold that loses few enough of the applying skills."""
    return max(
        threshold
        for threshold, found in zip(GRID, measured.found, strict=True)
        if found >= (1 - ALLOWED_LOSS) * measured.found[0]
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--houses", type=int, default=20)
    parser.add_argument("--tasks", type=int, default=24)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    results = {(kind, count): Measured() for kind, count in LIBRARIES}
    for number in range(arguments.houses):
        house = draw_house(random.Random(f"validation/{arguments.seed}/{number}"), "validation")
        tasks = task_set("validation", 1000 * arguments.seed + number, arguments.tasks, house=house)
        for (kind, count), measured in results.items():
            measure_house(measured, kind, count, house, tasks)
    libraries: list[dict[str, Any]] = [
        {"skills": kind, "texts": count, "chosen": chosen_threshold(measured), "rows": rows(measured)}
        for (kind, count), measured in results.items()
    ]
    report = {
        "arguments": vars(arguments),
        "splits_sha256": splits_sha256(),
        "chosen": min(chosen_threshold(results[library]) for library in results if library != ("bare", 0)),
        "default": DEFAULT_THRESHOLD,
        "libraries": libraries,
    }
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    OUTPUT.write_text(json.dumps(report, indent=2) + "\n")
    for found in libraries:
        print(f"\n{found['skills']}, {found['texts']} texts each: {found['chosen']}")
        print("  ".join(found["rows"][0]))
        for figures in found["rows"]:
            print("  ".join(f"{value:{len(name)}.3f}" for name, value in figures.items()))
    print(f"chosen: {report['chosen']}, in force: {DEFAULT_THRESHOLD}")


if __name__ == "__main__":
    main()
