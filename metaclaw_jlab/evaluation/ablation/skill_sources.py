"""Where the skills in an arm's prompts come from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from random import Random

from metaclaw_jlab.assembly import Workspace
from metaclaw_jlab.core.arm import Arm, SkillSource
from metaclaw_jlab.core.errors import UsageMistake
from metaclaw_jlab.core.retriever import Match
from metaclaw_jlab.core.skill import BODY_LINE_LIMIT, DESCRIPTION_LIMIT, Skill
from metaclaw_jlab.core.task import Task
from metaclaw_jlab.core.task_set import TrialTask
from metaclaw_jlab.evaluation.ablation.attempting import SkillsOf
from metaclaw_jlab.evaluation.ablation.placebo_skills import Sentence, draw_sentences, swapped
from metaclaw_jlab.evaluation.evolved_rules import stated_rule
from metaclaw_jlab.evaluation.task_sets.practice_tasks import household_of, practice_task
from metaclaw_jlab.practice import RULES
from metaclaw_jlab.redaction import redact

Told = tuple[str, str, str]  # a failure's id, the text of its task, and what was wrong
Feedback = Callable[[], Sequence[Told]]
_STRANGE_SPLIT = "test"  # of the houses from which tasks of no practice house get their placebos


def skills_for(arm: Arm, workspace: Workspace, *, seed: int, feedback: Feedback | None = None) -> SkillsOf:
    """What chooses the skills of an arm's prompts, in a workspace that has the arm's settings.

    What it chooses from is looked at with each call, so that what was learnt meanwhile counts; `feedback` tells of
    earlier failures, without it those of the store count. Call what it gives in one thread, before threads attempt the
    tasks: retrieval looks into the store and keeps an index. Calls raise UsageMistake for tasks that the source has no
    skills for. Raises NotFound where there is no such generation.
    """
    library = _library(arm, workspace)

    def retrieved(trial: TrialTask) -> tuple[Match, ...]:
        return workspace.retrieve(trial.task, library())

    match arm.skills:
        case SkillSource.NONE:
            return lambda _: ()
        case SkillSource.LIBRARY:
            return retrieved
        case SkillSource.RANDOM:
            return _at_random(retrieved, library, workspace, seed)
        case SkillSource.PLACEBO:
            return _of_strangers(retrieved, workspace, seed)
        case SkillSource.FEEDBACK:
            return _of_feedback(workspace, feedback or _stored_feedback(workspace))
        case SkillSource.GIVEN:
            return _given(workspace)


def _library(arm: Arm, workspace: Workspace) -> Callable[[], tuple[Skill, ...]]:
    """The skills of the arm's generation, or of that which is current when it is asked."""
    if arm.generation is None:
        return lambda: workspace.synchronised().skills
    from metaclaw_jlab.store.skills import Skills

    # One object, by which retrieval knows that its index is still the right one.
    members = Skills(workspace.database()).members(arm.generation)
    return lambda: members


def _at_random(
    retrieved: SkillsOf, library: Callable[[], tuple[Skill, ...]], workspace: Workspace, seed: int
) -> SkillsOf:
    """As many as retrieval takes, by a lot that only the seed and the task decide."""
    from metaclaw_jlab.store.marks import Mark, Marks

    def drawn(trial: TrialTask) -> tuple[Match, ...]:
        number = len(retrieved(trial))
        if number == 0:
            return ()
        marks = Marks(workspace.database()).all()
        active = [skill for skill in library() if Mark.QUARANTINED not in marks.get(skill.name, ())]
        active.sort(key=lambda skill: skill.name)
        chosen = Random(f"{seed}/{trial.id}").sample(active, number)
        return tuple(Match(skill, 0.0) for skill in chosen)

    return drawn


def _of_strangers(retrieved: SkillsOf, workspace: Workspace, seed: int) -> SkillsOf:
    rules: dict[str, str | None] = {}
    sentences: dict[str, tuple[Sentence, ...]] = {}

    def rule_of(skill: Skill) -> str | None:
        if skill.sha256 not in rules:
            rules[skill.sha256] = _stated_rule(skill, workspace)
        return rules[skill.sha256]

    def strangers(trial: TrialTask) -> tuple[Match, ...]:
        found = retrieved(trial)
        if not found:
            return ()
        split, wanted = _home_of(trial)
        key = f"{split}/{sorted(wanted.items())}"
        if key not in sentences:
            sentences[key] = draw_sentences(seed, split, wanted)
        return swapped(found, rule_of, sentences[key], Random(f"placebo/{seed}/{trial.id}"))

    return strangers


def _home_of(trial: TrialTask) -> tuple[str, Mapping[str, str]]:
    """The split of the task's own house and what it wants, as far as that is known."""
    task = practice_task(trial.start)
    if task is None:
        return _STRANGE_SPLIT, {}
    try:
        house = household_of(trial).house
    except UsageMistake:  # a logged one: of its house only what the task needs is known
        return task.split, task.options
    return house.split, house.options


def _stated_rule(skill: Skill, workspace: Workspace) -> str | None:
    """The practice rule that a skill states: by its name, or by the failures of practice tasks that it came from."""
    from metaclaw_jlab.store.lineage import Lineage
    from metaclaw_jlab.store.start_states import StartStates

    if skill.name in RULES:
        return skill.name
    starts = StartStates(workspace.database())
    said = [(origin.trajectory, origin.said) for origin in Lineage(workspace.database()).sources(skill.name)]
    tasks = {}
    for trajectory in {trajectory for trajectory, _ in said}:
        start = starts.get(trajectory)
        task = None if start is None else practice_task(start)
        if task is not None:
            tasks[trajectory] = task
    return stated_rule(said, tasks)


def _of_feedback(workspace: Workspace, feedback: Feedback) -> SkillsOf:
    known: tuple[tuple[Told, ...], frozenset[str], tuple[Skill, ...]] = ((), frozenset(), ())

    def retrieved(trial: TrialTask) -> tuple[Match, ...]:
        nonlocal known
        told = tuple(feedback())
        if told != known[0]:
            known = (told, frozenset(Task(text).text_sha256 for _, text, _ in told), feedback_skills(told))
        skills, own = known[2], _texts_of(trial, workspace)
        if own & known[1]:
            # What was said of this very task would tell its checks.
            skills = feedback_skills([one for one in told if Task(one[1]).text_sha256 not in own])
        return workspace.retrieve(trial.task, skills)

    return retrieved


def _texts_of(trial: TrialTask, workspace: Workspace) -> frozenset[str]:
    """The text of a task by its hash, as it is and redacted, as failures tell it."""
    text = trial.task.text
    return frozenset(Task(one).text_sha256 for one in (text, redact(text, workspace.known_secrets()).text))


def feedback_skills(told: Sequence[Told]) -> tuple[Skill, ...]:
    """A skill of each failure that something was said of: found by its task, saying what was said, as it was said."""
    said = dict.fromkeys((task.strip(), text.strip()) for _, task, text in told if text.strip())
    return tuple(
        Skill(
            f"feedback-{number}",
            task[:DESCRIPTION_LIMIT].strip() or "A task that failed.",
            "\n".join(text.split("\n")[: BODY_LINE_LIMIT - 1]),
        )
        for number, (task, text) in enumerate(said, 1)
    )


def _stored_feedback(workspace: Workspace) -> Feedback:
    """What was said of the failures in the store, redacted as an evolver sees it."""
    from metaclaw_jlab.learning.support_set import describe
    from metaclaw_jlab.store.feedback import Feedbacks
    from metaclaw_jlab.store.learnt_from import failures

    known: dict[str, Told] = {}

    def told() -> tuple[Told, ...]:
        database = workspace.database()
        ids = failures(database)
        for id_ in ids:
            if id_ not in known:
                failed = workspace.trajectories().get(id_)
                failure = describe(failed, Feedbacks(database).of(id_), (), workspace.known_secrets())
                known[id_] = (id_, failure.task, "\n".join(failure.feedback))
        return tuple(known[id_] for id_ in ids)

    return told


def _given(workspace: Workspace) -> SkillsOf:
    """What BM25 finds among the skills that state the rules of the task's own house."""
    from metaclaw_jlab.skills.retrieval import DEFAULT_THRESHOLD, BM25Retriever, choose

    wanted = workspace.settings().skills
    threshold = DEFAULT_THRESHOLD if wanted.threshold is None else wanted.threshold
    retrievers: dict[str, BM25Retriever] = {}

    def retrieved(trial: TrialTask) -> tuple[Match, ...]:
        household = household_of(trial)
        name = household.house.name
        if name not in retrievers:
            retrievers[name] = BM25Retriever(household.skills, threshold)
        return choose(retrievers[name], trial.task.text, wanted.max_skills, wanted.max_tokens)

    return retrieved
