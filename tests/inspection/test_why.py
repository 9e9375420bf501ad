import json
from dataclasses import replace

import pytest

from metaclaw_jlab.core.config import Settings, SkillSettings
from metaclaw_jlab.core.policy import Message, Usage
from metaclaw_jlab.core.score import Score, ScoreSource, Unscored
from metaclaw_jlab.core.skill import Skill
from metaclaw_jlab.core.task import Check, CheckKind, CheckResult, Origin, Task
from metaclaw_jlab.core.trajectory import (
    ExecutionError,
    InjectedSkill,
    Observation,
    Stamp,
    Step,
    StopReason,
    Trajectory,
)
from metaclaw_jlab.inspection.json_values import as_json
from metaclaw_jlab.inspection.why import (
    OBSERVATION_LINES,
    STOPS,
    Account,
    Background,
    OtherSkill,
    SkillState,
    give_account,
    score_in_words,
)
from metaclaw_jlab.inspection.why_text import render_account
from metaclaw_jlab.skills.retrieval import DEFAULT_THRESHOLD

CSV = Skill(
    "csv-separator", "How values are separated. Use for csv files.", "Write csv files with semicolons"
)
DATES = Skill("dates", "How dates look. Use when a date is shown.", "Write dates as day/month/year")
KNOWN = Background(skills={skill.name: skill for skill in (CSV, DATES)})
CHECK = Check(CheckKind.EXPRESSION, "len(rows) == 3")
STEP = Step(
    0,
    (Message("system", "the instructions"), Message("user", "the request")),
    "```python\nprint(1)\n```\nDone.",
    "print(1)",
    Observation(stdout="1\n", seconds=0.5),
    (Score(1.0, ScoreSource.OUTCOME),),
    Usage(100, 20),
    1.5,
)
TRAJECTORY = Trajectory(
    "abc123",
    Task("Save the rows as csv", checks=(CHECK,), origin=Origin("a.ipynb", "cell-9"), name="rows"),
    Stamp(4, (InjectedSkill(CSV.name, CSV.sha256, 1.25),), "base@v2", adapter=2, seed=11),
    steps=(STEP,),
    stop=StopReason.DONE,
    checks=(CheckResult(CHECK, True),),
    score=Score(1.0, ScoreSource.OUTCOME),
    created_at=1_700_000_000.0,
    seconds=2.5,
)


def account(
    trajectory: Trajectory = TRAJECTORY, *, show_prompt: bool = False, show_code: bool = True
) -> Account:
    return give_account(
        trajectory, background=KNOWN, settings=Settings(), show_prompt=show_prompt, show_code=show_code
    )


def text(trajectory: Trajectory = TRAJECTORY, *, show_prompt: bool = False, show_code: bool = True) -> str:
    return render_account(account(trajectory, show_prompt=show_prompt, show_code=show_code))


def stamped(*skills: InjectedSkill) -> Trajectory:
    return replace(TRAJECTORY, stamp=replace(TRAJECTORY.stamp, skills=skills))


def stepped(**changes: object) -> Trajectory:
    return replace(TRAJECTORY, steps=(replace(STEP, **changes),))  # type: ignore[arg-type]


def test_a_skill_is_told_with_rank_relevance_and_words() -> None:
    (chosen,) = account().chosen
    assert (chosen.rank, chosen.name, chosen.relevance) == (1, "csv-separator", 1.25)
    assert chosen.words == ("csv",)
    assert "1. csv-separator  1.25, shares 'csv'" in text()


def test_an_inflected_word_is_matched_as_retrieval_does() -> None:
    trajectory = replace(stamped(InjectedSkill(DATES.name, DATES.sha256, 1.0)), task=Task("Show one Date"))
    assert "date" in account(trajectory).chosen[0].words


def test_the_threshold_in_force_is_told() -> None:
    settings = Settings(skills=SkillSettings(threshold=0.9))
    assert give_account(TRAJECTORY, background=KNOWN, settings=settings).threshold == 0.9
    words_alone = Settings(skills=SkillSettings(dense_weight=0))
    told = render_account(give_account(TRAJECTORY, background=KNOWN, settings=words_alone))
    assert f"Skills in the prompt (relevance; the threshold is {DEFAULT_THRESHOLD:.2f} now)" in told


def test_where_vectors_count_the_scale_is_told_and_no_threshold_of_words() -> None:
    assert "Skills in the prompt (1 is what words and vectors both put first)" in text()
    assert "threshold" not in text()


def test_a_skill_that_was_edited_since_is_told() -> None:
    assert account(stamped(InjectedSkill(CSV.name, "0" * 64, 1.0))).chosen[0].state is SkillState.EDITED


def test_a_skill_that_was_removed_since_is_told() -> None:
    trajectory = stamped(InjectedSkill("gone", "0" * 64, 1.0))
    assert account(trajectory).chosen[0].state is SkillState.REMOVED
    assert "removed since" in text(trajectory)


def test_without_a_skill_the_nearest_ones_are_told() -> None:
    nearest = Background(others=(OtherSkill("csv-separator", 0.1),))
    told = render_account(give_account(stamped(), settings=Settings(), background=nearest))
    assert "No skill was in the prompt. Nearest by words now" in told
    assert "csv-separator" in told


def test_without_a_likeness_that_is_said() -> None:
    assert "none in the library" in text(stamped())


def test_every_end_has_words() -> None:
    assert set(STOPS) == set(StopReason)


@pytest.mark.parametrize("stop", list(StopReason))
def test_the_end_is_told_with_its_detail(stop: StopReason) -> None:
    trajectory = replace(TRAJECTORY, stop=stop, stop_detail="Because of that.")
    assert f"{STOPS[stop]}: Because of that." in text(trajectory)


def test_a_proposal_that_waits_is_open() -> None:
    trajectory = replace(stepped(observation=None), stop=None)
    assert account(trajectory).stop is None
    assert "has not been run" in text(trajectory)
    assert "not run" in text(trajectory)


def test_cost_is_added_up_over_the_steps() -> None:
    found = account(replace(TRAJECTORY, steps=(STEP, replace(STEP, index=1))))
    assert (found.prompt_tokens, found.completion_tokens) == (200, 40)
    assert (found.policy_seconds, found.run_seconds, found.seconds) == (3.0, 1.0, 2.5)


def test_what_it_ran_under_is_told() -> None:
    assert "base@v2, adapter v2, seed 11" in text()
    assert "generation 4" in text()


def test_where_it_was_asked_is_told() -> None:
    assert "in a.ipynb, cell cell-9, as rows" in text()


def test_an_unknown_place_is_told_as_such() -> None:
    assert "no notebook that is known" in text(replace(TRAJECTORY, task=Task("x")))


def test_a_long_output_is_shortened() -> None:
    trajectory = stepped(observation=Observation(stdout="line\n" * 100))
    assert len(account(trajectory).steps[0].output) == OBSERVATION_LINES + 1


def test_an_exception_is_told() -> None:
    trajectory = stepped(observation=Observation(error=ExecutionError("ValueError", "bad")))
    assert "! ValueError: bad" in text(trajectory)


def test_a_failed_check_is_told_with_its_feedback() -> None:
    trajectory = replace(TRAJECTORY, checks=(CheckResult(CHECK, False, "There are 2 rows."),))
    assert "failed  len(rows) == 3: There are 2 rows." in text(trajectory)


def test_the_prompt_is_told_on_demand_only() -> None:
    assert "the instructions" not in text()
    shown = text(show_prompt=True)
    assert "the instructions" in shown
    assert "the request" in shown
    assert "Done." in shown


def test_code_can_be_left_out() -> None:
    assert "  print(1)" in text()
    assert "print(1)" not in text(show_code=False)


def test_what_is_unknown_is_not_a_number() -> None:
    assert score_in_words(Unscored("Nothing checks it.")) == "unscored: Nothing checks it."
    assert score_in_words(None) == "none yet"


def test_a_score_has_a_sign_source_and_reason() -> None:
    assert score_in_words(Score(-0.5, ScoreSource.USER, "slow")) == "-0.50 by user (slow)"


def test_the_account_is_json() -> None:
    told = json.loads(json.dumps(as_json(account(show_prompt=True))))
    assert told["steps"][0]["prompt"][0] == {"role": "system", "content": "the instructions"}
    assert told["stop"] == "done"


def test_scores_are_told_in_numbers_too() -> None:
    scores = (Score(0.5, ScoreSource.JUDGE, "mostly right"), Unscored("nobody looked"))
    found = account(stepped(scores=scores))
    assert (found.steps[0].process, found.reward) == (scores, TRAJECTORY.score)


def test_it_is_told_where_and_when_a_task_was_asked() -> None:
    found = account()
    assert (found.notebook, found.cell_id, found.created_at) == ("a.ipynb", "cell-9", 1_700_000_000.0)


def test_a_proposed_cell_waits() -> None:
    assert account(stepped(observation=None)).waits is False
    assert account(replace(stepped(observation=None), stop=None)).waits is True


def test_a_policys_own_threshold_is_told_with_the_relevance_of_words_that_it_is_of() -> None:
    account = give_account(TRAJECTORY, settings=Settings(), background=replace(KNOWN, least_relevance=1.25))
    assert (account.threshold, account.fused) == (1.25, False)
