"""Retrieval over many skills, as the host does it, beside its parts alone."""

from __future__ import annotations

import random
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

from metaclaw_jlab.assembly import open_workspace, retrieval
from metaclaw_jlab.assembly.retrieval import CATCH_UP_SECONDS, Retrieval
from metaclaw_jlab.assembly.workspace import Workspace
from metaclaw_jlab.core.skill import Skill
from metaclaw_jlab.runtime.host import publish

# p50 and p99 in ms, the embedding of the query included.
LIMITS = {1_000: (5.0, 15.0), 10_000: (8.0, 20.0), 100_000: (20.0, 50.0)}
LIMIT = 3
BODY_CHARS = 300
PATIENCE = 3600.0


def grown(count: int, texts: Sequence[tuple[str, str]]) -> tuple[Skill, ...]:
    """`count` different skills of names and documentation; where there are too few, of two halves each."""
    rng = random.Random(3)
    found: dict[tuple[str, str], Skill] = {}
    while len(found) < count:
        (name, text), (other, rest) = rng.choice(texts), rng.choice(texts)
        body = f"{text[: BODY_CHARS // 2]} {rest[: BODY_CHARS // 2]}"
        found[(name, other)] = Skill(f"skill-{len(found)}", f"Use for {name} with {other}.", body)
    return tuple(found.values())[:count]


def timed(work: Callable[[str], object], queries: Sequence[str], rounds: int) -> dict[str, float]:
    """p50 and p99 in ms."""
    work(queries[0])
    times = []
    for _ in range(rounds):
        for query in queries:
            begun = perf_counter()
            work(query)
            times.append(1000 * (perf_counter() - begun))
    times.sort()
    return {"p50_ms": round(median(times), 3), "p99_ms": round(times[int(0.99 * len(times))], 3)}


@contextmanager
def hosting(weight: float) -> Iterator[Workspace]:
    """A workspace of a new home whose host this process is, so that it opens the vectors."""
    with tempfile.TemporaryDirectory() as name:
        workspace = open_workspace(Path(name) / "home", {"skills.dense_weight": weight})
        publish(workspace.home, "http://127.0.0.1:9/")
        try:
            yield workspace
        finally:
            workspace.close()


@contextmanager
def index_forced() -> Iterator[None]:
    """Chroma holds the vectors of every library, however small."""
    scanned = retrieval.SCANNED_TEXTS
    retrieval.SCANNED_TEXTS = 0
    try:
        yield
    finally:
        retrieval.SCANNED_TEXTS = scanned


def measure(
    count: int, texts: Sequence[tuple[str, str]], queries: Sequence[str], rounds: int
) -> dict[str, Any]:
    """The whole way of a query at the host; words, exact scan and Chroma alone; and what one changed skill costs."""
    from metaclaw_jlab.skills.dense import DenseRetriever, spoken, text_id
    from metaclaw_jlab.skills.exact_scan import ExactScan

    skills = grown(count, texts)
    with hosting(0.5) as workspace:
        searching = Retrieval(workspace, catch_up_seconds=PATIENCE)
        begun = perf_counter()
        searching.search(skills, queries[0], LIMIT)
        built = perf_counter() - begun
        hybrid = timed(lambda query: searching.search(skills, query, LIMIT), queries, rounds)
        indexed, following = searching, searching._dense[1]
        if following is None:  # so few are scanned: Chroma is measured beside
            indexed = Retrieval(workspace, catch_up_seconds=PATIENCE)
            with index_forced():
                indexed.search(skills, queries[0], LIMIT)
            following = indexed._dense[1]
        assert following is not None
        chroma = following.retriever._vectors
        scan = ExactScan(chroma.embedder)
        scan.synchronise({text_id(spoken(skill)): spoken(skill) for skill in skills})
        vectors = dict(zip(queries, chroma.embedder.embed(queries), strict=True))
        figures = {
            "skills": count,
            "build_s": round(built, 2),
            "hybrid": hybrid,
            "words_alone": timed(lambda query: searching._lexical.search(query, LIMIT), queries, rounds),
            "dense_alone": timed(lambda query: following.retriever.search(query, LIMIT), queries, rounds),
            "chroma_alone": timed(lambda query: chroma.search([vectors[query]], 10), queries, rounds),
            "exact_scan_alone": timed(lambda query: scan.search([vectors[query]], 10), queries, rounds),
            "chroma_recall@10": _recall(chroma, scan, [vectors[query] for query in queries]),
            "scan_retriever": timed(_with(DenseRetriever, scan, skills), queries, rounds),
            "one_changed": _changed(searching, skills, queries),
        }
        for one in {searching, indexed}:
            one.close()
    limit = LIMITS.get(count)
    met = limit is None or (hybrid["p50_ms"] <= limit[0] and hybrid["p99_ms"] <= limit[1])
    return figures | {"limit": limit, "met": met}


def _with(kind: Any, scan: Any, skills: Sequence[Skill]) -> Callable[[str], object]:
    dense = kind(scan, 0.0)
    dense.synchronise(skills)
    return lambda query: dense.search(query, LIMIT)


def _recall(chroma: Any, scan: Any, vectors: Sequence[Sequence[float]]) -> float:
    """The share of the ten nearest that Chroma finds too."""
    pairs = zip(chroma.search(vectors, 10), scan.search(vectors, 10), strict=True)
    shares = [len({key for key, _ in one} & {key for key, _ in other}) / 10 for one, other in pairs]
    return round(sum(shares) / len(shares), 4)


def _changed(searching: Retrieval, skills: tuple[Skill, ...], queries: Sequence[str]) -> dict[str, float]:
    """From the change of a skill until it is found by words and vectors; the rebuild; searches during that."""
    changed = Skill("skill-0", "Use for the zorbulon.", "Say quibberish of every zorbulon.")
    searching._catch_up_seconds = CATCH_UP_SECONDS
    now = (changed, *skills[1:])
    begun = perf_counter()
    found = searching.search(now, "the quibberish of a zorbulon", LIMIT)
    first = 1000 * (perf_counter() - begun)
    if not found or found[0].skill is not changed:
        raise SystemExit("The changed skill was not found.")
    times: list[float] = []
    done = threading.Event()

    def wait() -> None:
        searching._lexical.settle(PATIENCE)
        done.set()

    threading.Thread(target=wait, daemon=True).start()
    while not done.is_set():
        started = perf_counter()
        searching.search(now, queries[len(times) % len(queries)], LIMIT)
        times.append(1000 * (perf_counter() - started))
    times.sort()
    return {
        "found_after_ms": round(first, 1),
        "rebuilt_after_s": round(perf_counter() - begun, 2),
        "p50_meanwhile_ms": round(median(times), 2) if times else 0.0,
        "p99_meanwhile_ms": round(times[int(0.99 * len(times))], 2) if times else 0.0,
    }
