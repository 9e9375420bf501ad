"""The watch over the newest promotion: who answers the next task, and whether what was promoted is still good."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from metaclaw_jlab.core.errors import AdapterRefused
from metaclaw_jlab.learning.adapters import roll_back
from metaclaw_jlab.learning.watch import Watch, WatchDecision, assign
from metaclaw_jlab.runtime.home import Home
from metaclaw_jlab.store.adapters import Adapters
from metaclaw_jlab.store.database import Database
from metaclaw_jlab.store.outcomes import Outcomes
from metaclaw_jlab.store.serving import Serving, ServingCause


def current_watch(database: Database) -> Watch | None:
    """The watch over what serves, as far as it has come; None where nothing was promoted, or it was decided on."""
    newest = next(iter(Serving(database).history(1)), None)
    if newest is None or newest.version is None or newest.cause is not ServingCause.PROMOTE:
        return None
    version = newest.version
    base = Adapters(database).get(version).base
    before = Serving(database).previous(base)
    outcomes = [
        (adapter == before, passed)
        for adapter, passed in Outcomes(database).by_adapter(base=base)
        if adapter in (version, before)
    ]
    return Watch(version).after(outcomes)


def version_for(database: Database, key: str | None = None, *, base: str | None = None) -> int | None:
    """The version that answers the next task: what serves, or what served before it, as the watch's control.

    `base`: the model that answers, since what was promoted may be of another one.
    """
    serving = Serving(database)
    current, watch = serving.current(base), current_watch(database)
    if watch is not None and watch.version == current and assign(watch, key or secrets.token_hex(6)):
        return serving.previous(base)
    return current


def look_after(home: Home, database: Database, on_notice: Callable[[str], None]) -> Watch | None:
    """Roll a promotion back where the watch has found a drop; what it says now.

    To what served before it, or to the base where that is damaged.
    """
    watch = current_watch(database)
    if watch is None or watch.decision is not WatchDecision.ROLL_BACK:
        return watch
    before = Serving(database).previous()
    try:
        roll_back(home, database, before, watch.sentence, ServingCause.WATCH)
    except AdapterRefused as error:
        before = None
        roll_back(home, database, None, f"{watch.sentence} {error.cause}", ServingCause.WATCH)
    what = "the base" if before is None else f"adapter v{before}"
    on_notice(f"MetaClaw: {what} answers again. {watch.sentence}")
    return watch
