"""The triggers of what the turns of other agents may teach."""

from __future__ import annotations

from metaclaw_jlab.store.trigger_sql import follow, judged_wrong, last_word, may_teach

TURNS: list[tuple[str, str]] = [
    follow(
        "judged_failures_wait",
        "UPDATE OF score",
        "trajectories",
        "UPDATE trajectories SET unsettled = 1 WHERE number = NEW.number",
        when=f"NEW.stop IS NOT NULL AND NEW.unsettled = 0 AND NEW.role <> 'support' AND {may_teach('NEW')}\n"
        f"  AND {judged_wrong('NEW')} AND {last_word('NEW.id')} = ''",
    ),
]
