"""Which skills come nearest to a text by words, as the library is now."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from metaclaw_jlab.assembly import Workspace
    from metaclaw_jlab.core.retriever import Match
    from metaclaw_jlab.skills.retrieval import BM25Retriever
    from metaclaw_jlab.store.database import Database
    from metaclaw_jlab.store.index_texts import IndexTexts
    from metaclaw_jlab.store.skills import Skills

# The index of a large library takes seconds to make. It is kept until a generation is made, or a text comes or goes.
_kept: WeakKeyDictionary[Database, tuple[tuple[int, int], BM25Retriever]] = WeakKeyDictionary()
_lock = threading.Lock()
LARGEST = 2_000  # skills; the index of more takes seconds, which is too long for a page that waits


def nearest(workspace: Workspace, text: str, limit: int) -> tuple[Match, ...]:
    """At most `limit` skills of the current generation, however little they bear on the text; none where no word of it
    is known, or where there are more than `LARGEST`. Raises StoreError."""
    from metaclaw_jlab.store.index_texts import IndexTexts
    from metaclaw_jlab.store.skills import Skills

    database = workspace.database()
    skills, texts = Skills(database), IndexTexts(database)
    if skills.size() > LARGEST:
        return ()
    state = (skills.current_number(), texts.version())
    with _lock:
        known, index = _kept.get(database, (None, None))
        if index is None or known != state:
            index = _indexed(skills, texts, state[0])
            _kept[database] = (state, index)
    return index.search(text, limit)


def _indexed(skills: Skills, texts: IndexTexts, generation: int) -> BM25Retriever:
    from metaclaw_jlab.skills.retrieval import BM25Retriever

    known = {name: tuple(entry.text for entry in found) for name, found in texts.of_all().items()}
    return BM25Retriever(skills.members(generation), threshold=0.0, texts=known)
