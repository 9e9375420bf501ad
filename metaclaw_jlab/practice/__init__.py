"""The practice world: task families, house rules, phrasings and checks on small data that it makes."""

from __future__ import annotations

from metaclaw_jlab.practice.checks import Outcome, Verdict, check, probe
from metaclaw_jlab.practice.demonstrations import Demonstration, demonstrate, solution
from metaclaw_jlab.practice.families import FAMILIES
from metaclaw_jlab.practice.house import House, draw_house, house_skills, rule_skill
from metaclaw_jlab.practice.regression_set import regression_set, regression_sha256
from metaclaw_jlab.practice.replay_set import replay_set, replay_sha256
from metaclaw_jlab.practice.rules import RULE_NAMES, RULES
from metaclaw_jlab.practice.sampling import sample_task, task_set
from metaclaw_jlab.practice.splits import SPLITS, splits_sha256
from metaclaw_jlab.practice.task import Part, PracticeTask, from_dict, to_dict
from metaclaw_jlab.practice.told_tasks import ToldTask
from metaclaw_jlab.practice.validation import validation_tasks

__all__ = [
    "FAMILIES",
    "RULES",
    "RULE_NAMES",
    "SPLITS",
    "Demonstration",
    "House",
    "Outcome",
    "Part",
    "PracticeTask",
    "ToldTask",
    "Verdict",
    "check",
    "demonstrate",
    "draw_house",
    "from_dict",
    "house_skills",
    "probe",
    "regression_set",
    "regression_sha256",
    "replay_set",
    "replay_sha256",
    "rule_skill",
    "sample_task",
    "solution",
    "splits_sha256",
    "task_set",
    "to_dict",
    "validation_tasks",
]
