"""Finds the skills that bear on a task by BM25 over name, description and body, and abstains where none does."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Sequence
from typing import Any

from metaclaw_jlab.core.retriever import Match, Retriever
from metaclaw_jlab.core.skill import Skill
from metaclaw_jlab.skills.words import BACKGROUND, words

# Set on the validation split of the practice world by benchmarks/retrieval_threshold.py.
DEFAULT_THRESHOLD = 0.55
CHARS_PER_TOKEN = 3.5
# A skill over the token budget makes room for the next best one.
_CANDIDATES = 2

_K1, _B = 1.2, 0.3
_FILLER = "\0"  # no query has it


class BM25Retriever:
    """An index of skills; make a new one when they change.

    Relevance is a skill's BM25 score (Robertson and Zaragoza 2009, idf as in Lucene) over the weight of a word that
    one skill alone has: about the number of telling words that task and skill share. So it means the same in small and
    large libraries. Common words are told by ordinary requests that are indexed beside the skills.
    """

    def __init__(self, skills: Iterable[Skill], threshold: float = DEFAULT_THRESHOLD) -> None:
        self.skills = tuple(skills)
        self.threshold = threshold
        self._index = _build([words(_indexed_text(skill)) for skill in self.skills])
        documents = len(self.skills) + len(BACKGROUND)
        self._telling_weight = math.log(1 + (documents - 0.5) / 1.5)

    def search(self, query: str, limit: int) -> tuple[Match, ...]:
        """At most `limit` skills, best first, none under the threshold."""
        known = [word for word in dict.fromkeys(words(query)) if word in self._index.vocab_dict]
        if not self.skills or not known or limit < 1:
            return ()
        scores = self._index.get_scores(known)[: len(self.skills)] / self._telling_weight
        found = (scores >= max(self.threshold, 1e-6)).nonzero()[0].tolist()
        found.sort(key=lambda index: (-scores[index], self.skills[index].name))
        return tuple(Match(self.skills[index], float(scores[index])) for index in found[:limit])


def choose(retriever: Retriever, query: str, max_skills: int, max_tokens: int) -> tuple[Match, ...]:
    """The skills to put in the prompt of a query, within both budgets."""
    return select(retriever.search(query, _CANDIDATES * max_skills), max_skills, max_tokens)


def select(matches: Sequence[Match], max_skills: int, max_tokens: int) -> tuple[Match, ...]:
    """The best matches within both budgets. A skill too long for what is left gives way to the next that fits."""
    selected: list[Match] = []
    left = max_tokens
    for match in matches:
        if len(selected) >= max_skills:
            break
        tokens = estimate_tokens(match.skill.body)
        if tokens <= left:
            selected.append(match)
            left -= tokens
    return tuple(selected)


def estimate_tokens(text: str) -> int:
    """Tokens of a text whatever the policy's tokenizer: one for 3.5 characters, rather too many than too few."""
    return math.ceil(len(text) / CHARS_PER_TOKEN)


def _indexed_text(skill: Skill) -> str:
    return f"{skill.name}\n{skill.description}\n{skill.body}"


def _build(documents: list[list[str]]) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # tqdm's, in a kernel without ipywidgets
        import bm25s

    mean_length = round(sum(map(len, documents)) / len(documents)) if documents else 0
    background = [words(text) for text in BACKGROUND]
    # As long as the skills, so that they leave the mean length, by which scores are normalised, where it is.
    padded = [text + [_FILLER] * (mean_length - len(text)) for text in background]
    index = bm25s.BM25(k1=_K1, b=_B, method="lucene", backend="numpy", csc_backend="numpy")
    index.index(documents + padded, show_progress=False)
    return index
