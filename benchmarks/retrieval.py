"""How long retrieval takes over 1,000 skills, beside a plain BM25 loop and a scan with numpy, and with texts of tasks.

    python benchmarks/retrieval.py [--skills 1000] [--rounds 5] [--sizes 1000,10000,100000] [--only-sizes]

The skills are made from the documentation of the standard library's functions, queries and texts from first lines of
it. Writes build/bench/retrieval.json; ends with 1 where a median search is over 3 ms, or where the index of 20 skills
with 24 texts, one of them new, takes over 20 ms to build.

With `--sizes` also the whole way of a query at the host by words and vectors (shipped embedder, Chroma), beside words,
an exact scan and Chroma alone, and what one changed skill costs. Then it ends with 1 too where a limit is not met:
p50/p99 5/15 ms over 1,000 skills, 8/20 over 10,000, 20/50 over 100,000.
"""

from __future__ import annotations

import argparse
import importlib
import inspect
import json
import math
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import Any

from metaclaw_jlab.core.skill import Skill
from metaclaw_jlab.skills.library import read_library, write_skill
from metaclaw_jlab.skills.retrieval import MOST_TEXTS, BM25Retriever
from metaclaw_jlab.skills.words import words

OUTPUT = Path("build/bench/retrieval.json")
LIMIT_MS = 3.0
BUILD_LIMIT_MS = 20.0
SMALL_LIBRARY = 20
REBUILDS = 7
QUERIES = 200
Search = Callable[[str], object]
_STANDARD = """
argparse ast asyncio base64 bisect calendar codecs collections configparser contextlib copy csv
ctypes datetime decimal difflib dis doctest email enum fractions ftplib functools glob gzip hashlib
heapq html http.client http.cookiejar http.server imaplib inspect io ipaddress itertools json locale
logging lzma mailbox math mimetypes multiprocessing netrc numbers operator optparse os pathlib pdb
pickle pickletools platform poplib pprint pydoc queue random re sched selectors shelve shlex shutil
signal smtplib socket socketserver sqlite3 ssl stat statistics string struct subprocess symtable sys
tarfile tempfile textwrap threading time timeit tokenize trace traceback types typing unittest
unittest.mock urllib.parse urllib.request uuid warnings wave weakref webbrowser xml.dom.minidom
xml.etree.ElementTree xml.sax zipfile zipimport zlib
"""
MODULES = _STANDARD.split()


def documented() -> Iterator[tuple[str, str]]:
    """Qualified names and documentation of functions, classes and methods."""
    for module_name in MODULES:
        module = importlib.import_module(module_name)
        for name, member in sorted(vars(module).items()):
            owners = [(name, member)]
            if inspect.isclass(member):
                owners += [(f"{name} {key}", value) for key, value in sorted(vars(member).items())]
            for qualified, item in owners:
                text = inspect.getdoc(item) if callable(item) and "__" not in qualified else None
                if text and len(text) >= 60:
                    yield f"{module_name} {qualified}", text[:1500]


def corpus(count: int) -> tuple[list[Skill], list[str]]:
    """`count` skills and queries for them."""
    texts = list({text: name for name, text in documented()}.items())
    random.Random(0).shuffle(texts)
    if len(texts) < count:
        raise SystemExit(f"The standard library documents only {len(texts)} items; ask for fewer skills.")
    skills = [
        Skill(f"skill-{number}", f"Use when {name} is of use.", text)
        for number, (text, name) in enumerate(texts[:count])
    ]
    queries = [text.strip().splitlines()[0] for text, _ in texts]
    return skills, random.Random(1).sample(queries, QUERIES)


def plain_loop(skills: Sequence[Skill]) -> Search:
    """BM25 in a loop over all documents, as small libraries for it have it."""
    documents = [Counter(words(f"{s.name} {s.description} {s.body}")) for s in skills]
    lengths = [document.total() for document in documents]
    mean = sum(lengths) / len(lengths)
    holders = Counter(word for document in documents for word in document)

    def search(query: str) -> list[int]:
        scores = [0.0] * len(documents)
        for word in dict.fromkeys(words(query)):
            idf = math.log(1 + (len(documents) - holders[word] + 0.5) / (holders[word] + 0.5))
            for number, document in enumerate(documents):
                times = document[word]
                scores[number] += idf * times / (times + 1.2 * (0.7 + 0.3 * lengths[number] / mean))
        return sorted(range(len(scores)), key=scores.__getitem__, reverse=True)[:3]

    return search


def numpy_scan(skills: Sequence[Skill]) -> Search:
    """A dense matrix of word counts times the query."""
    import numpy as np

    documents = [words(f"{s.name} {s.description} {s.body}") for s in skills]
    columns = {word: column for column, word in enumerate(dict.fromkeys(w for d in documents for w in d))}
    counts = np.zeros((len(documents), len(columns)), dtype=np.float32)
    for number, document in enumerate(documents):
        for word in document:
            counts[number, columns[word]] += 1

    def search(query: str) -> list[int]:
        vector = np.zeros(len(columns), dtype=np.float32)
        vector[[columns[word] for word in words(query) if word in columns]] = 1
        return list(np.argsort(counts @ vector)[::-1][:3])

    return search


def milliseconds(search: Search, queries: Sequence[str], rounds: int) -> list[float]:
    """The time of each query, sorted."""
    search(queries[0])
    times = []
    for _ in range(rounds):
        for query in queries:
            started = perf_counter()
            search(query)
            times.append(1000 * (perf_counter() - started))
    return sorted(times)


def with_texts(skills: Sequence[Skill], queries: Sequence[str], lines: Sequence[str]) -> dict[str, float]:
    """Skills with 24 texts each: building the index first, and again with one text changed each time; searching.

    `process_ms` is the time of this process alone, which a busy machine changes less.
    """
    rng = random.Random(2)
    texts = {skill.name: rng.sample(lines, MOST_TEXTS) for skill in skills}
    walls, used = [], []
    for number in range(1 + REBUILDS):
        texts[skills[0].name] = [*texts[skills[0].name][1:], f"Show what is new in part{number}"]
        wall, process = perf_counter(), process_time()
        retriever = BM25Retriever(skills, texts=texts)
        walls.append(1000 * (perf_counter() - wall))
        used.append(1000 * (process_time() - process))
    times = milliseconds(lambda query: retriever.search(query, 3), queries, 2)
    figures = {
        "build_first_ms": walls[0],
        "build_first_process_ms": used[0],
        "build_again_ms_p50": median(walls[1:]),
        "build_again_process_ms_p50": median(used[1:]),
        "p50_ms": median(times),
        "p99_ms": times[int(0.99 * len(times))],
    }
    return {"skills": len(skills), "texts": MOST_TEXTS} | {name: round(ms, 3) for name, ms in figures.items()}


def reading(skills: Sequence[Skill]) -> dict[str, float]:
    """Reading the same skills from a folder: first, and again where nothing changed."""
    with tempfile.TemporaryDirectory() as name:
        for skill in skills:
            write_skill(Path(name), skill)
        times = []
        for _ in range(6):
            started = perf_counter()
            read_library(Path(name))
            times.append(1000 * (perf_counter() - started))
    return {"first_ms": round(times[0], 2), "unchanged_ms_p50": round(median(times[1:]), 2)}


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--skills", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--sizes", default="", help="numbers of skills, such as 1000,10000,100000")
    parser.add_argument("--only-sizes", action="store_true")
    arguments = parser.parse_args()
    scale = [sized(int(size), arguments.rounds) for size in arguments.sizes.split(",") if size]
    if arguments.only_sizes:
        return written({"scale": scale}, all(found["met"] for found in scale))
    skills, queries = corpus(arguments.skills)
    started = perf_counter()
    retriever = BM25Retriever(skills)
    build = 1000 * (perf_counter() - started)
    times = milliseconds(lambda query: retriever.search(query, 3), queries, arguments.rounds)
    loop = median(milliseconds(plain_loop(skills), queries, 1))
    scan = median(milliseconds(numpy_scan(skills), queries, 1))
    p50 = median(times)
    lines = [skill.body.splitlines()[0] for skill in skills]
    grown = [with_texts(some, queries, lines) for some in (skills[:SMALL_LIBRARY], skills)]
    report = {
        "skills": len(skills),
        "p50_ms": round(p50, 4),
        "p99_ms": round(times[int(0.99 * len(times))], 4),
        "limit_p50_ms": LIMIT_MS,
        "build_ms": round(build, 1),
        "plain_loop_p50_ms": round(loop, 4),
        "numpy_scan_p50_ms": round(scan, 4),
        "plain_loop_over_ours": round(loop / p50, 2),
        "numpy_scan_over_ours": round(scan / p50, 2),
        "with_texts": grown,
        "library": reading(skills),
    }
    searched = max(p50, *(figures["p50_ms"] for figures in grown))
    quick = searched <= LIMIT_MS and grown[0]["build_again_process_ms_p50"] <= BUILD_LIMIT_MS
    return written(report | {"scale": scale}, quick and all(found["met"] for found in scale))


def sized(count: int, rounds: int) -> dict[str, Any]:
    """Retrieval at the host over so many skills."""
    from _retrieval_scale import measure

    texts = [(name, text) for text, name in {text: name for name, text in documented()}.items()]
    queries = [text.strip().splitlines()[0] for _, text in texts]
    return measure(count, texts, random.Random(1).sample(queries, QUERIES), rounds)


def written(report: dict[str, Any], met: bool) -> int:
    """Write the report, show it, and say by the exit code whether the limits are met."""
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    OUTPUT.write_text(json.dumps(report, indent=2) + "\n")
    print(json.dumps(report, indent=2))
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
