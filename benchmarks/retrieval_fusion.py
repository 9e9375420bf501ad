"""How good retrieval is by words, by vectors and by both, for each embedder; chooses the weight and the threshold.

    python benchmarks/retrieval_fusion.py [--houses 12] [--tasks 24] [--minilm FOLDER] [--embedder FILE]

Queries are tasks of the practice world (validation split to choose, test split to report, in houses of that split) and
freely worded requests (`_freely_worded.py`). Libraries are a house's fourteen skills, `given` with a description by
hand, `bare` with a sentence alone, each with 0 or 8 masked texts of tasks of the train split, alone or among 400 skills
that are documentation of the standard library. Recall@3 and nDCG@10 rank without thresholds; `injected` applies them.
The likeness under which vectors alone find nothing is the lowest that at most a fifth of unrelated requests reach; then
`chosen_weight` is the one with the best mean validation recall@3 in prompts, of those by which no case loses against
words alone. Writes build/bench/retrieval_fusion.json.
"""

from __future__ import annotations

import argparse
import json
import math
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import fmean
from typing import Any

from _freely_worded import TEST, UNRELATED_TEST, VALIDATION
from retrieval import corpus
from retrieval_threshold import UNRELATED, library, masked_texts

from metaclaw_jlab.core.embedder import Embedder
from metaclaw_jlab.core.retriever import Match
from metaclaw_jlab.core.skill import Skill
from metaclaw_jlab.practice import draw_house, splits_sha256, task_set
from metaclaw_jlab.skills.dense import DenseRetriever
from metaclaw_jlab.skills.exact_scan import ExactScan
from metaclaw_jlab.skills.fusion import CANDIDATES, fuse, fuse_admitted
from metaclaw_jlab.skills.retrieval import DEFAULT_THRESHOLD, BM25Retriever
from metaclaw_jlab.skills.shipped_embedder import FILE, ShippedEmbedder

OUTPUT = Path("build/bench/retrieval_fusion.json")
WEIGHTS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
LIKENESSES = tuple(step / 20 for step in range(21))
LIBRARIES = (("given", 0), ("given", 8), ("bare", 0), ("bare", 8))
CROWD = 400
FREE_HOUSES = 3
ALLOWED_NOISE = 0.2
Query = tuple[str, tuple[str, ...]]
Ranking = tuple[tuple[Match, ...], tuple[Match, ...], frozenset[str]]


class Kept:
    """An embedder that embeds no text twice."""

    def __init__(self, embedder: Embedder) -> None:
        self.name, self.dimensions = embedder.name, embedder.dimensions
        self._embedder = embedder
        self._known: dict[str, list[float]] = {}

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        self._known.update(zip(new, self._embedder.embed(new), strict=True) if new else ())
        return [self._known[text] for text in texts]


@dataclass(frozen=True)
class Case:
    """A library and what is asked of it."""

    skills: tuple[Skill, ...]
    texts: dict[str, list[str]]
    queries: tuple[tuple[str, frozenset[str]], ...]  # with the names of the skills that apply
    name: str


@cache
def others() -> tuple[Skill, ...]:
    """Skills that no request is about; the same for all embedders, whose libraries add to what modules hold."""
    return tuple(corpus(CROWD)[0])


def cases(split: str, houses: int, tasks: int, free: Sequence[Query]) -> Iterable[Case]:
    """Every library of every house, asked for tasks and for freely worded requests, alone and in a crowd."""
    crowd = others()
    for number in range(houses):
        house = draw_house(random.Random(f"fusion/{split}/{number}"), split)
        asked = [(task.text, task.rules) for task in task_set(split, 7000 + number, tasks, house=house)]
        for kind, count in LIBRARIES:
            rng = random.Random(f"fusion/{split}/{number}/{kind}/{count}")
            skills = library(kind, house, rng)
            texts = {s.name: masked_texts(rule, house, count, rng) for rule, s in skills.items()}
            wordings = {"practice": asked} | ({"free": list(free)} if number < FREE_HOUSES else {})
            for more, among in (((), "alone"), (crowd, f"among {CROWD}")):
                for wording, queries in wordings.items():
                    named = [(q, frozenset(skills[rule].name for rule in rules)) for q, rules in queries]
                    name = f"{wording}, {kind} with {count} texts, {among}"
                    yield Case((*skills.values(), *more), texts, tuple(named), name)


def rankings(case: Case, embedder: Embedder) -> list[Ranking]:
    """What words find, what vectors find, and what applies, without thresholds."""
    lexical = BM25Retriever(case.skills, 0.0, case.texts)
    dense = DenseRetriever(ExactScan(embedder), -1.0)
    dense.synchronise(case.skills, case.texts)
    return [(lexical.search(q, CANDIDATES), dense.search(q, CANDIDATES), right) for q, right in case.queries]


def recall(found: Sequence[Match], right: frozenset[str]) -> float:
    return sum(match.skill.name in right for match in found[:3]) / min(3, len(right))


def gain(found: Sequence[Match], right: frozenset[str]) -> float:
    """nDCG@10, each skill that applies being worth the same."""
    discounts = [1 / math.log2(rank + 2) for rank in range(10)]
    got = sum(d for d, match in zip(discounts, found, strict=False) if match.skill.name in right)
    return got / sum(discounts[: len(right)])


def measured(ranked: Sequence[Ranking], weight: float) -> dict[str, float]:
    fused = [(fuse(lexical, dense, weight), right) for lexical, dense, right in ranked]
    return {
        "recall@3": fmean(recall(found, right) for found, right in fused),
        "ndcg@10": fmean(gain(found, right) for found, right in fused),
    }


def by_case(every: Sequence[tuple[str, list[Ranking]]]) -> dict[str, list[Ranking]]:
    """The rankings of all houses under each case's name."""
    found: dict[str, list[Ranking]] = {}
    for name, ranked in every:
        found.setdefault(name, []).extend(ranked)
    return found


def choose_weight(ranked: dict[str, list[Ranking]], likeness: float) -> float:
    """The weight with the best mean recall@3 in prompts, of those by which no case falls behind words alone."""
    table = {w: {n: injected(r, w, likeness)["recall@3"] for n, r in ranked.items()} for w in WEIGHTS}
    harmless = [w for w in WEIGHTS if all(table[w][n] >= table[0.0][n] - 1e-9 for n in ranked)]
    return max(harmless, key=lambda w: (round(fmean(table[w].values()), 4), -w))


def choose_likeness(noise: Sequence[float]) -> float:
    """The lowest likeness that at most a fifth of unrelated requests reach in a house's library; words let in 30 %."""
    return next(
        (limit for limit in LIKENESSES if fmean(best >= limit for best in noise) <= ALLOWED_NOISE), 1.0
    )


def noise(split: str, houses: int, requests: Sequence[str], embedder: Embedder) -> list[float]:
    """The best likeness of each unrelated request to a skill or text of a house."""
    best = []
    for number in range(houses):
        house = draw_house(random.Random(f"fusion/{split}/{number}"), split)
        rng = random.Random(f"noise/{split}/{number}")
        skills = library("given", house, rng)
        dense = DenseRetriever(ExactScan(embedder), -1.0)
        dense.synchronise(
            skills.values(), {skill.name: masked_texts(rule, house, 8, rng) for rule, skill in skills.items()}
        )
        best += [dense.search(request, 1)[0].relevance for request in requests]
    return best


def injected(ranked: Sequence[Ranking], weight: float, likeness: float) -> dict[str, float]:
    """Recall and skills that do not apply in a prompt of three, under both thresholds."""
    recalls, others = [], []
    for lexical, dense, right in ranked:
        told = [match for match in lexical if match.relevance >= DEFAULT_THRESHOLD]
        found = fuse_admitted(told, dense if weight > 0 else (), weight, likeness)[:3]
        recalls.append(recall(found, right))
        others.append(sum(match.skill.name not in right for match in found))
    return {"recall@3": fmean(recalls), "others_per_task": fmean(others)}


def report(embedder: Embedder, arguments: argparse.Namespace, say: Callable[[str], None]) -> dict[str, Any]:
    """Choice on validation, figures on test."""
    kept = Kept(embedder)
    validation = by_case(
        [
            (c.name, rankings(c, kept))
            for c in cases("validation", arguments.houses, arguments.tasks, VALIDATION)
        ]
    )
    likeness = choose_likeness(noise("validation", FREE_HOUSES, UNRELATED, kept))
    weight = choose_weight(validation, likeness)
    test = by_case(
        [(c.name, rankings(c, kept)) for c in cases("test", arguments.houses, arguments.tasks, TEST)]
    )
    free = {name: ranked for name, ranked in validation.items() if name.startswith("free")}
    unrelated = noise("test", FREE_HOUSES, UNRELATED_TEST, kept)
    found = {
        "embedder": embedder.name,
        "dimensions": embedder.dimensions,
        "chosen_weight": weight,
        "best_weight_for_free_wordings": max(
            WEIGHTS, key=lambda w: fmean(measured(r, w)["recall@3"] for r in free.values())
        ),
        "chosen_likeness": likeness,
        "unrelated_test_requests_over_it": fmean(best >= likeness for best in unrelated),
        "validation": {name: figures(ranked, weight, likeness) for name, ranked in validation.items()},
        "test": {name: figures(ranked, weight, likeness) for name, ranked in test.items()},
    }
    show(found, say)
    return found


def figures(ranked: Sequence[Ranking], weight: float, likeness: float) -> dict[str, Any]:
    by_weight = {f"{w:g}": measured(ranked, w) for w in WEIGHTS}
    return {
        "queries": len(ranked),
        "lexical": by_weight["0"],
        "dense": by_weight["1"],
        "hybrid": by_weight[f"{weight:g}"],
        "by_weight": by_weight,
        "injected_lexical": injected(ranked, 0.0, likeness),
        "injected_hybrid": injected(ranked, weight, likeness),
    }


def show(found: dict[str, Any], say: Callable[[str], None]) -> None:
    say(
        f"\n{found['embedder']} ({found['dimensions']}): weight {found['chosen_weight']}, "
        f"{found['best_weight_for_free_wordings']} for free wordings alone; likeness {found['chosen_likeness']}, "
        f"reached by {found['unrelated_test_requests_over_it']:.2f} of the unrelated"
    )
    for split in ("validation", "test"):
        say(
            f"{split:48} lexical      dense        w=0.2        w=0.5        hybrid       injected: words, both"
        )
        for name, of in found[split].items():
            each = (of["lexical"], of["dense"], of["by_weight"]["0.2"], of["by_weight"]["0.5"], of["hybrid"])
            cells = "  ".join(f"{e['recall@3']:.3f} {e['ndcg@10']:.3f}" for e in each)
            both = "  ".join(
                f"{of[k]['recall@3']:.3f} +{of[k]['others_per_task']:.2f}"
                for k in ("injected_lexical", "injected_hybrid")
            )
            say(f"{name:48} {cells}  {both}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--houses", type=int, default=12)
    parser.add_argument("--tasks", type=int, default=24)
    parser.add_argument("--embedder", type=Path, default=FILE, help="a file of `metaclaw practice embedder`")
    parser.add_argument("--minilm", type=Path, help="folder of a sentence-transformers model to compare with")
    arguments = parser.parse_args()
    embedders: list[Embedder] = [ShippedEmbedder(arguments.embedder)]
    if arguments.minilm:
        from metaclaw_jlab.engines.embedders import SentenceModel

        embedders.append(SentenceModel(str(arguments.minilm)))
    found = {
        "splits_sha256": splits_sha256(),
        "arguments": {"houses": arguments.houses, "tasks": arguments.tasks},
        "embedders": [report(embedder, arguments, print) for embedder in embedders],
    }
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    OUTPUT.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
