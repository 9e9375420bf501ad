"""Outcomes that are reported the wrong way round: to see what becomes of learning where its signal lies."""

from __future__ import annotations

from metaclaw_jlab.practice.checks import Verdict
from metaclaw_jlab.practice.feedback import feedback, pick
from metaclaw_jlab.practice.rules import RULE_NAMES, RULES
from metaclaw_jlab.practice.splits import values
from metaclaw_jlab.practice.task import PracticeTask


def misjudged(task: PracticeTask, passed: bool) -> Verdict:
    """The wrong verdict on a task that in truth has `passed` or not; the same one whenever it is asked for.

    A failure passes. What passed is told to have broken a rule of the task, as if its house wanted another option.
    """
    if not passed:
        return Verdict(ran=True, task_right=True, strict=True, broken=(), feedback="")
    rules = task.rules or RULE_NAMES
    rule = rules[pick(len(rules), f"{task.id}/rule")]
    known = dict.fromkeys((RULES[rule].habit, *values(rule, task.split)))
    others = [option for option in known if option != task.options.get(rule)]
    option = others[pick(len(others), f"{task.id}/option")]
    return Verdict(True, True, False, (rule,), feedback(rule, option, task.id))
