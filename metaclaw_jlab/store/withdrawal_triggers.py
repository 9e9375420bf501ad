"""The triggers of words that are taken back: the score before them comes back, and what waited because of them waits
no more."""

from __future__ import annotations

from metaclaw_jlab.store.trigger_sql import failing, follow, last_word, may_teach, refuse

_WAITS = (
    f"(CASE {last_word('trajectories.id')} WHEN 'good' THEN 0\n"
    f"      WHEN '' THEN {failing('trajectories')} ELSE 1 END)"
)

WITHDRAWALS: list[tuple[str, str]] = [
    refuse(
        "withdrawals_are_of_words",
        "INSERT",
        "withdrawals",
        "NOT EXISTS (SELECT 1 FROM feedback WHERE trajectory = NEW.trajectory AND position = NEW.position\n"
        "    AND kind IN ('good', 'bad', 'rejected'))\n"
        "  OR EXISTS (SELECT 1 FROM withdrawals WHERE trajectory = NEW.trajectory AND position = NEW.position)",
        "Only a word that the user said is taken back, once.",
    ),
    refuse("withdrawals_do_not_change", "UPDATE", "withdrawals", None, "What was taken back stays so."),
    refuse(
        "withdrawals_stay",
        "DELETE",
        "withdrawals",
        "EXISTS (SELECT 1 FROM trajectories WHERE id = OLD.trajectory)",
        "What was taken back goes only with its trajectory.",
    ),
    follow(
        "withdrawals_are_forgotten",
        "DELETE",
        "trajectories",
        "DELETE FROM withdrawals WHERE trajectory = OLD.id",
    ),
    follow(
        "withdrawals_are_heard",
        "INSERT",
        "withdrawals",
        f"UPDATE trajectories SET unsettled = {_WAITS}\n"
        f"    WHERE id = NEW.trajectory AND stop IS NOT NULL AND {may_teach('trajectories')} AND role <> 'support'\n"
        f"      AND unsettled <> {_WAITS}",
    ),
    follow(
        "own_scores_are_kept",
        "UPDATE OF score",
        "trajectories",
        "UPDATE trajectories SET own_score = OLD.score WHERE number = NEW.number",
        when="json_extract(NEW.score, '$.source') IS 'user' AND json_extract(OLD.score, '$.source') IS NOT 'user'",
    ),
]
