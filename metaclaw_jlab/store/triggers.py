"""The invariants as triggers: they hold whoever writes, with or without the pragmas that this package sets.

A BEFORE INSERT trigger looks for the row that would be replaced, because INSERT OR REPLACE deletes without
firing DELETE triggers unless `recursive_triggers` is on.
"""

from __future__ import annotations

from metaclaw_jlab.store.host_triggers import HOST
from metaclaw_jlab.store.learning_triggers import LEARNING
from metaclaw_jlab.store.training_triggers import TRAINING
from metaclaw_jlab.store.trigger_sql import (
    CURRENT,
    EVOLVED,
    HEARD,
    HEARD_OF_ID,
    LEARNABLE,
    follow,
    frozen,
    passed_since,
    refuse,
)
from metaclaw_jlab.store.turn_triggers import TURNS
from metaclaw_jlab.store.withdrawal_triggers import WITHDRAWALS

TRIGGERS: dict[str, str] = dict(
    [
        # Invariant 1: the stamp
        refuse(
            "trajectories_are_new",
            "INSERT",
            "trajectories",
            "EXISTS (SELECT 1 FROM trajectories WHERE id = NEW.id OR number = NEW.number)\n"
            "  OR EXISTS (SELECT 1 FROM forgotten WHERE id = NEW.id)",
            "A trajectory of this id was recorded before.",
        ),
        refuse(
            "trajectories_begin_in_a_generation",
            "INSERT",
            "trajectories",
            "NOT EXISTS (SELECT 1 FROM generations WHERE number = NEW.skill_generation)",
            "A trajectory is stamped with a skill generation that exists.",
        ),
        refuse(
            "trajectories_begin_without_role",
            "INSERT",
            "trajectories",
            "NEW.role <> 'neither' OR NEW.drained_at IS NOT NULL OR NEW.held_out IS NOT NULL",
            "A trajectory begins as neither support nor query.",
        ),
        refuse(
            "trajectories_begin_open",
            "INSERT",
            "trajectories",
            "NEW.stop IS NOT NULL OR NEW.unsettled <> 0",
            "A trajectory begins open.",
        ),
        refuse(
            "trajectories_keep_their_stamp",
            "UPDATE OF number, id, notebook, cell_id, text_sha256, task, skill_generation, skills, model, adapter,"
            " seed, purpose, created_at, learn",
            "trajectories",
            None,
            "The task and the stamp of a trajectory never change.",
        ),
        refuse(
            "trajectories_end_once",
            "UPDATE OF stop, stop_detail, checks, seconds",
            "trajectories",
            "OLD.stop IS NOT NULL",
            "A trajectory that has ended keeps its end: only its score may still change.",
        ),
        # Invariant 2: roles
        refuse(
            "support_is_for_ever",
            "UPDATE OF role",
            "trajectories",
            "OLD.role = 'support'",
            "A support trajectory is support for ever.",
        ),
        refuse(
            "support_is_not_deleted",
            "DELETE",
            "trajectories",
            "OLD.role = 'support'",
            "A support trajectory is never deleted.",
        ),
        refuse(
            "query_does_not_become_neither",
            "UPDATE OF role",
            "trajectories",
            "OLD.role = 'query' AND NEW.role = 'neither'",
            "A query trajectory stays query, or becomes support.",
        ),
        refuse(
            "only_learnable_purposes_have_a_role",
            "UPDATE OF role",
            "trajectories",
            f"NEW.role <> 'neither' AND OLD.purpose NOT IN {LEARNABLE}",
            "A trajectory of an ablation, a gate, a benchmark or a replay is neither support nor query, for ever.",
        ),
        refuse(
            "what_may_not_teach_has_no_role",
            "UPDATE OF role",
            "trajectories",
            "NEW.role <> 'neither' AND OLD.learn = 0",
            "A trajectory of a notebook with learning off is neither support nor query, for ever.",
        ),
        refuse(
            "support_has_ended",
            "UPDATE OF role",
            "trajectories",
            "NEW.role = 'support' AND OLD.stop IS NULL",
            "A trajectory becomes support only when it has ended.",
        ),
        refuse(
            "query_has_ended",
            "UPDATE OF role",
            "trajectories",
            "NEW.role = 'query' AND OLD.role <> 'query' AND NEW.stop IS NULL",
            "A trajectory becomes query only when it has ended.",
        ),
        refuse(
            "query_is_of_the_current_generation",
            "UPDATE OF role",
            "trajectories",
            f"NEW.role = 'query' AND OLD.role <> 'query' AND OLD.skill_generation IS NOT {CURRENT}",
            "A trajectory becomes query only while its skill generation is the current one.",
        ),
        refuse(
            "support_comes_with_a_generation",
            "UPDATE OF role",
            "trajectories",
            "NEW.role = 'support' AND NOT EXISTS (SELECT 1 FROM generation_evidence WHERE trajectory = OLD.id)",
            "A trajectory becomes support only with the generation that it caused.",
        ),
        refuse(
            "what_was_drained_is_no_support",
            "UPDATE OF role",
            "trajectories",
            "NEW.role = 'support' AND OLD.drained_at IS NOT NULL",
            "A trajectory that a training run has drained never becomes support.",
        ),
        refuse(
            "what_passed_since_is_no_support",
            "UPDATE OF role",
            "trajectories",
            f"NEW.role = 'support' AND OLD.skill_generation < {CURRENT} - 1 AND {passed_since('OLD')}",
            "The same task has passed since: a late failure of an older generation evolves nothing any more.",
        ),
        refuse(
            "only_current_query_is_drained",
            "UPDATE OF drained_at",
            "trajectories",
            f"OLD.role <> 'query' OR OLD.skill_generation IS NOT {CURRENT}\n"
            "  OR NOT EXISTS (SELECT 1 FROM drained WHERE trajectory = OLD.id AND at IS NEW.drained_at)",
            "Only a query trajectory of the current skill generation is drained, by a training run.",
        ),
        refuse(
            "a_drain_is_kept",
            "UPDATE OF drained_at",
            "trajectories",
            "OLD.drained_at IS NOT NULL",
            "A drained trajectory stays drained.",
        ),
        follow(
            "trajectories_are_forgotten_whole",
            "DELETE",
            "trajectories",
            "DELETE FROM steps WHERE trajectory = OLD.id",
            "DELETE FROM feedback WHERE trajectory = OLD.id",
            "DELETE FROM settlements WHERE trajectory = OLD.id",
            "DELETE FROM uses WHERE number = OLD.number",
            "DELETE FROM index_texts WHERE trajectory = OLD.id",
            "DELETE FROM undecided_wordings WHERE EXISTS (\n"
            "    SELECT 1 FROM json_each(sources) WHERE json_extract(value, '$[0]') = OLD.id)",
            "DELETE FROM starts WHERE trajectory = OLD.id",
            "DELETE FROM drained WHERE trajectory = OLD.id",
            "INSERT INTO forgotten (id) VALUES (OLD.id)",
        ),
        refuse(
            "forgotten_are_gone",
            "INSERT",
            "forgotten",
            "EXISTS (SELECT 1 FROM trajectories WHERE id = NEW.id)",
            "A trajectory that exists is not forgotten.",
        ),
        *frozen("forgotten", "A forgotten id"),
        # Steps
        refuse(
            "steps_follow_each_other",
            "INSERT",
            "steps",
            "NEW.position IS NOT (SELECT coalesce(max(position) + 1, 0) FROM steps WHERE trajectory = NEW.trajectory)",
            "The steps of a trajectory follow each other without a gap.",
        ),
        refuse(
            "steps_go_to_open_trajectories",
            "INSERT",
            "steps",
            "NOT EXISTS (SELECT 1 FROM trajectories WHERE id = NEW.trajectory AND stop IS NULL)",
            "A step belongs to an open trajectory.",
        ),
        refuse(
            "steps_do_not_change",
            "UPDATE OF trajectory, position, shared, messages, reply, action, prompt_tokens, completion_tokens,"
            " policy_seconds",
            "steps",
            None,
            "What a step said and did never changes.",
        ),
        refuse(
            "steps_are_observed_once",
            "UPDATE OF observation, ran",
            "steps",
            "OLD.observation IS NOT NULL",
            "The observation of a step never changes.",
        ),
        refuse(
            "steps_stay",
            "DELETE",
            "steps",
            "EXISTS (SELECT 1 FROM trajectories WHERE id = OLD.trajectory)",
            "A step goes only with its trajectory.",
        ),
        # Invariant 3: generations
        refuse(
            "skills_are_new",
            "INSERT",
            "skills",
            "EXISTS (SELECT 1 FROM skills WHERE sha256 = NEW.sha256)",
            "A skill of this content is there already.",
        ),
        *frozen("skills", "A stored skill"),
        refuse(
            "generations_follow_each_other",
            "INSERT",
            "generations",
            f"NEW.number IS NOT coalesce({CURRENT} + 1, 0)",
            "Skill generations are numbered without a gap, and no number comes twice.",
        ),
        refuse(
            "generations_change_something",
            "INSERT",
            "generations",
            f"NEW.members = (SELECT members FROM generations WHERE number = {CURRENT})",
            "A generation with the same members changes nothing: it is not made.",
        ),
        refuse(
            "generations_have_known_skills",
            "INSERT",
            "generations",
            "EXISTS (SELECT 1 FROM json_each(NEW.members) AS member WHERE NOT EXISTS (\n"
            "  SELECT 1 FROM skills WHERE sha256 = member.value AND name = member.key))",
            "Every member of a generation is a stored skill.",
        ),
        *frozen("generations", "A skill generation"),
        follow(
            "generations_come_whole",
            "INSERT",
            "generations",
            "INSERT INTO generation_members (generation, name, sha256)\n"
            "    SELECT NEW.number, key, value FROM json_each(NEW.members)",
            "UPDATE counters SET value = NEW.number WHERE name = 'generation'",
            "INSERT INTO generation_evidence (trajectory, generation)\n"
            "    SELECT value, NEW.number FROM json_each(NEW.evidence)",
            "UPDATE trajectories SET role = 'support' WHERE id IN (SELECT value FROM json_each(NEW.evidence))",
            f"UPDATE settlements SET decision = 'evolved', reason = {EVOLVED}, heard = {HEARD}, at = NEW.created_at\n"
            "    WHERE trajectory IN (SELECT value FROM json_each(NEW.evidence))",
            "INSERT INTO settlements (trajectory, decision, reason, heard, at)\n"
            f"    SELECT id, 'evolved', {EVOLVED}, {HEARD_OF_ID}, NEW.created_at FROM trajectories\n"
            "    WHERE id IN (SELECT value FROM json_each(NEW.evidence))\n"
            "      AND NOT EXISTS (SELECT 1 FROM settlements WHERE trajectory = trajectories.id)",
        ),
        refuse(
            "members_are_of_their_generation",
            "INSERT",
            "generation_members",
            # The counter says up to which generation the members are whole. To look each of them up in its generation
            # would take the square of their number.
            "EXISTS (SELECT 1 FROM generation_members WHERE generation = NEW.generation AND name = NEW.name)\n"
            "  OR NEW.generation <= (SELECT value FROM counters WHERE name = 'generation')\n"
            "  OR NOT EXISTS (SELECT 1 FROM generations WHERE number = NEW.generation)",
            "The members of a generation come with it.",
        ),
        *frozen("generation_members", "A member of a generation"),
        refuse(
            "evidence_is_consumed_once",
            "INSERT",
            "generation_evidence",
            "EXISTS (SELECT 1 FROM generation_evidence WHERE trajectory = NEW.trajectory)",
            "The failure of a trajectory causes one generation only.",
        ),
        refuse(
            "evidence_is_of_its_generation",
            "INSERT",
            "generation_evidence",
            "NOT EXISTS (SELECT 1 FROM trajectories WHERE id = NEW.trajectory)\n"
            "  OR NOT EXISTS (SELECT 1 FROM generations, json_each(generations.evidence) AS evidence\n"
            "    WHERE generations.number = NEW.generation AND evidence.value = NEW.trajectory)",
            "The evidence of a generation comes with it, and is recorded.",
        ),
        *frozen("generation_evidence", "The evidence of a generation"),
        # Adapters
        refuse(
            "adapters_follow_each_other",
            "INSERT",
            "adapters",
            "NEW.version IS NOT (SELECT value + 1 FROM counters WHERE name = 'adapter')",
            "Adapter versions are numbered without a gap, and no version comes twice.",
        ),
        refuse(
            "adapters_begin_as_candidates",
            "INSERT",
            "adapters",
            "NEW.status <> 'candidate'",
            "An adapter begins as a candidate.",
        ),
        refuse(
            "adapters_begin_in_a_generation",
            "INSERT",
            "adapters",
            "NOT EXISTS (SELECT 1 FROM generations WHERE number = NEW.skill_generation)",
            "An adapter is of a skill generation that exists.",
        ),
        refuse(
            "adapters_do_not_change",
            "UPDATE OF version, base, sha256, skill_generation, created_at",
            "adapters",
            None,
            "What an adapter is never changes, only its status.",
        ),
        refuse(
            "adapters_are_decided_once",
            "UPDATE OF status",
            "adapters",
            "OLD.status <> 'candidate' AND NOT (OLD.status = 'rejected' AND NEW.status = 'forced')",
            "An adapter is decided on once; only a rejected one may be forced.",
        ),
        refuse(
            "served_adapters_stay",
            "DELETE",
            "adapters",
            "OLD.status IN ('promoted', 'forced')",
            "An adapter that may have served is never deleted.",
        ),
        follow(
            "adapters_are_counted",
            "INSERT",
            "adapters",
            "UPDATE counters SET value = NEW.version WHERE name = 'adapter'",
        ),
        refuse(
            "counters_are_new",
            "INSERT",
            "counters",
            "EXISTS (SELECT 1 FROM counters WHERE name = NEW.name)",
            "A counter of this name is there already.",
        ),
        refuse(
            "counters_only_grow",
            "UPDATE",
            "counters",
            "NEW.name <> OLD.name OR NEW.value <= OLD.value\n"
            f"  OR (NEW.name = 'generation' AND NEW.value <> {CURRENT})",
            "A counter only grows.",
        ),
        refuse("counters_stay", "DELETE", "counters", None, "A counter is never deleted."),
        # Events
        refuse(
            "events_are_new",
            "INSERT",
            "events",
            "EXISTS (SELECT 1 FROM events WHERE number = NEW.number)",
            "An event of this number was recorded before.",
        ),
        *frozen("events", "An event"),
        *LEARNING,
        *TRAINING,
        *HOST,
        *WITHDRAWALS,
        *TURNS,
    ]
)
