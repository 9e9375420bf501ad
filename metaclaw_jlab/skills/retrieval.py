"""Finds the skills that bear on a task by BM25 over what they say and the tasks that they served, or abstains."""

from __future__ import annotations

import math
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from metaclaw_jlab.core.retriever import Match, Retriever
from metaclaw_jlab.core.skill import Skill
from metaclaw_jlab.skills.words import BACKGROUND, clause_words, words

# Set on the validation split of the practice world by benchmarks/retrieval_threshold.py.
DEFAULT_THRESHOLD = 0.3
CHARS_PER_TOKEN = 3.5
MOST_TEXTS = 24
# A skill over the token budget makes room for the next best one.
CANDIDATES = 2

_K1, _B = 1.2, 0.1
_FILLER = "\0"  # no query has it
_FAR_BEHIND = 0.4
_FEWEST_CLAUSES = 3
_TEXTS_PER_CLAUSE = 4
_CACHED = 2**17  # texts whose words are kept, so that a large index is soon rebuilt
_NEAR_DUPLICATE = 0.1  # as a distance


class BM25Retriever:
    """An index of skills; make a new one when they change.

    `texts` are, for a skill's name, masked texts of tasks that it bears on. A clause of a query has a BM25 score
    (Robertson and Zaragoza 2009, idf as in Lucene) for what the skill says, to which is added the mean score of the
    clauses of its texts that are most alike: three, or one for four texts. So one text alone, which may speak of more
    than the skill is for, does not decide, and skills with and without texts can be compared.

    Relevance is the best of the query's clauses, over the weight of a word that one document alone has: about the
    number of telling words that task and skill share. So it means the same in small and large libraries. Common words
    are told by ordinary requests that are indexed beside the skills.
    """

    def __init__(
        self,
        skills: Iterable[Skill],
        threshold: float = DEFAULT_THRESHOLD,
        texts: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        self.skills = tuple(skills)
        self.threshold = threshold
        documents, self._texts = _documents(self.skills, texts or {})
        self._documents = len(documents)
        self._index, self._mean_length = _build(documents)
        self._telling_weight = math.log(1 + (len(documents) + len(BACKGROUND) - 0.5) / 1.5)

    def search(self, query: str, limit: int) -> tuple[Match, ...]:
        """At most `limit` skills, none under the threshold. The best of each clause come first, then by relevance.

        What has less than 0.4 of the relevance of the best of its clause is left out, unless the threshold is 0.
        """
        clauses = clause_words(query) if self.skills and limit > 0 else []
        return ranked(self.skills, map(self.relevances, clauses), self.threshold, limit)

    def relevances(self, clause: Sequence[str]) -> Any:
        """Relevance of each skill to the words of a clause, an array."""
        import numpy as np

        known = [word for word in dict.fromkeys(clause) if word in self._index.vocab_dict]
        if not known:
            return np.zeros(len(self.skills))
        scores = self._index.get_scores(known) / self._telling_weight
        said, of_texts = scores[: len(self.skills)], scores[len(self.skills) : self._documents]
        return self._texts.added(said, of_texts, self.threshold)

    def statistics(self) -> Statistics:
        """What scores depend on besides a document and the query."""
        starts = self._index.scores["indptr"]
        return Statistics(
            documents=self._index.scores["num_docs"],
            mean_length=self._mean_length,
            telling_weight=self._telling_weight,
            holders=lambda word: (
                int(starts[number + 1] - starts[number])
                if (number := self._index.vocab_dict.get(word)) is not None
                else 0
            ),
        )


@dataclass(frozen=True, slots=True)
class Statistics:
    """Of an index: its documents, their mean length, the weight of a word that one has, and how many have a word."""

    documents: int
    mean_length: float
    telling_weight: float
    holders: Callable[[str], int]


class FreshScan:
    """The same relevance without an index, for the few skills that are newer than it: each document is looked at."""

    def __init__(
        self,
        skills: Iterable[Skill],
        threshold: float,
        texts: Mapping[str, Sequence[str]],
        statistics: Statistics,
    ) -> None:
        self.skills = tuple(skills)
        self._threshold = threshold
        self._statistics = statistics
        documents, self._texts = _documents(self.skills, texts)
        self._counts = [Counter(document) for document in documents]

    def relevances(self, clause: Sequence[str]) -> Any:
        """Relevance of each skill to the words of a clause, an array."""
        import numpy as np

        of = self._statistics
        weights = {word: self._weight(word) for word in dict.fromkeys(clause)}
        scores = np.zeros(len(self._counts))
        for number, counts in enumerate(self._counts):
            norm = _K1 * (1 - _B + _B * counts.total() / max(of.mean_length, 1e-9))
            scores[number] = sum(
                weight * counts[word] / (norm + counts[word]) for word, weight in weights.items()
            )
        scores /= of.telling_weight
        said, of_texts = scores[: len(self.skills)], scores[len(self.skills) :]
        return self._texts.added(said, of_texts, self._threshold)

    def _weight(self, word: str) -> float:
        holders = max(1, self._statistics.holders(word))
        return math.log(1 + (self._statistics.documents - holders + 0.5) / (holders + 0.5))


def ranked(
    skills: Sequence[Skill], clauses: Iterable[Any], threshold: float, limit: int
) -> tuple[Match, ...]:
    """Skills by their relevances to each clause of a query (see `BM25Retriever.search`)."""
    limits = max(threshold, 1e-6), _FAR_BEHIND if threshold > 0 else 0.0
    standing: dict[int, float] = {}
    relevance: dict[int, float] = {}
    for relevances in clauses:
        best = float(relevances.max(initial=0.0))
        for index in (relevances >= max(limits[0], limits[1] * best)).nonzero()[0].tolist():
            value = float(relevances[index])
            standing[index] = max(standing.get(index, 0.0), value / best)
            relevance[index] = max(relevance.get(index, 0.0), value)
    order = sorted(standing, key=lambda skill: (-standing[skill], -relevance[skill], skills[skill].name))
    return tuple(Match(skills[index], relevance[index]) for index in order[:limit])


def _documents(
    skills: Sequence[Skill], texts: Mapping[str, Sequence[str]]
) -> tuple[list[list[str]], _TextScores]:
    """The words of what skills say and then of the clauses of their texts, and how to add up the scores of these."""
    served = [texts.get(skill.name, ()) for skill in skills]
    by_skill = [[document for text in own for document in _clause_words(text)] for own in served]
    said = [_words(_indexed_text(skill)) for skill in skills]
    counts = _TextScores([len(own) for own in by_skill], [len(own) for own in served])
    return [*said, *(document for own in by_skill for document in own)], counts


class _TextScores:
    """Adds the scores of texts to those of their skills. `clauses` and `texts` count each skill's."""

    def __init__(self, clauses: Sequence[int], texts: Sequence[int]) -> None:
        import numpy as np

        counts = np.array(clauses, dtype=np.int64)
        self._skills = counts.nonzero()[0]
        counts = counts[self._skills]
        self._starts = np.cumsum(counts) - counts
        wanted = -(-np.array(texts, dtype=np.int64)[self._skills] // _TEXTS_PER_CLAUSE)
        self._few = np.minimum(counts, np.maximum(_FEWEST_CLAUSES, wanted))
        columns = np.arange(counts.max(initial=0))
        # A row of documents for each skill; behind its end all point at a nought after the last document.
        self._rows = np.where(columns < counts[:, None], self._starts[:, None] + columns, counts.sum())

    def added(self, said: Any, of_texts: Any, threshold: float) -> Any:
        """Scores of the skills. What cannot come up to the threshold is left as it is."""
        import numpy as np

        if not len(self._skills):
            return said
        reachable = said[self._skills] + np.maximum.reduceat(of_texts, self._starts)
        chosen = (reachable >= threshold).nonzero()[0]
        scores = np.append(of_texts, 0.0)[self._rows[chosen]]
        few = self._few[chosen]
        most = few.max(initial=1)
        best = -np.sort(np.partition(-scores, most - 1, axis=1)[:, :most], axis=1)
        added = said.copy()
        added[self._skills[chosen]] += best.cumsum(axis=1)[np.arange(len(chosen)), few - 1] / few
        return added


def closest_text(query: str, texts: Sequence[str]) -> str | None:
    """The text of a skill by which a query found it: that with the clause most alike. None where none shares a word."""
    documents = [[frozenset(clause) for clause in clause_words(text)] for text in texts]
    every = [*(document for own in documents for document in own), *(frozenset(words(t)) for t in BACKGROUND)]
    holders = Counter(word for document in every for word in document)
    asked = [set(clause) for clause in clause_words(query)]

    def alike(own: Sequence[frozenset[str]]) -> float:
        shared = [clause & document for clause in asked for document in own]
        return max((sum(math.log(1 + len(every) / holders[word]) for word in w) for w in shared), default=0.0)

    scores = [alike(own) for own in documents]
    best = max(scores, default=0.0)
    return texts[scores.index(best)] if best > 0 else None


def keep_varied(texts: Sequence[str], limit: int = MOST_TEXTS) -> tuple[str, ...]:
    """The texts without near-duplicates of earlier ones, at most `limit`: the first, then always the one that is
    farthest from those that are kept. Distance is the share of words that two texts do not share."""
    different: dict[str, frozenset[str]] = {}
    for text in texts:
        found = frozenset(words(text))
        if found and all(_distance(found, other) > _NEAR_DUPLICATE for other in different.values()):
            different[text] = found
    if len(different) <= limit or limit < 1:
        return tuple(different)[: max(limit, 0)]
    nearest = dict.fromkeys(different, 1.0)
    kept: set[str] = set()
    while len(kept) < limit:
        farthest = max((text for text in different if text not in kept), key=nearest.__getitem__)
        kept.add(farthest)
        for text, found in different.items():
            nearest[text] = min(nearest[text], _distance(found, different[farthest]))
    return tuple(text for text in different if text in kept)


def _distance(one: frozenset[str], other: frozenset[str]) -> float:
    return 1 - len(one & other) / len(one | other)


def choose(retriever: Retriever, query: str, max_skills: int, max_tokens: int) -> tuple[Match, ...]:
    """The skills to put in the prompt of a query, within both budgets."""
    return select(retriever.search(query, CANDIDATES * max_skills), max_skills, max_tokens)


def select(
    matches: Sequence[Match], max_skills: int, max_tokens: int, threshold: float = 0.0
) -> tuple[Match, ...]:
    """The best matches within both budgets and not under the threshold. A skill too long for what is left gives way to
    the next that fits."""
    selected: list[Match] = []
    left = max_tokens
    for match in matches:
        if len(selected) >= max_skills:
            break
        tokens = estimate_tokens(match.skill.body)
        # The best of a clause stands before what is more relevant to another, so what follows is looked at too.
        if match.relevance >= threshold and tokens <= left:
            selected.append(match)
            left -= tokens
    return tuple(selected)


def estimate_tokens(text: str) -> int:
    """Tokens of a text whatever the policy's tokenizer: one for 3.5 characters, rather too many than too few."""
    return math.ceil(len(text) / CHARS_PER_TOKEN)


def _indexed_text(skill: Skill) -> str:
    return f"{skill.name}\n{skill.description}\n{skill.body}"


@lru_cache(_CACHED)
def _words(text: str) -> list[str]:
    return words(text)


@lru_cache(_CACHED)
def _clause_words(text: str) -> list[list[str]]:
    return clause_words(text)


def _build(documents: list[list[str]]) -> tuple[Any, float]:
    """The index of documents and background, and the mean length of them all."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # tqdm's, in a kernel without ipywidgets
        import bm25s

    mean_length = round(sum(map(len, documents)) / len(documents)) if documents else 0
    background = [_words(text) for text in BACKGROUND]
    # As long as the rest, so that they leave the mean length, by which scores are normalised, where it is.
    padded = [text + [_FILLER] * (mean_length - len(text)) for text in background]
    index = bm25s.BM25(k1=_K1, b=_B, method="lucene", backend="numpy", csc_backend="numpy")
    every = documents + padded
    index.index(every, show_progress=False)
    return index, sum(map(len, every)) / len(every)
