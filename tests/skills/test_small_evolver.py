import json

import pytest

from metaclaw_jlab.core.errors import PolicyRefused, PolicyTimeout
from metaclaw_jlab.core.evolution import Failure, FailureKind, Source
from metaclaw_jlab.core.policy import Completion
from metaclaw_jlab.core.skill import Skill
from metaclaw_jlab.policies.scripted import ScriptedPolicy
from metaclaw_jlab.skills.small_evolver import SmallModelEvolver
from metaclaw_jlab.skills.small_evolver_prompt import compose

TASK = "Keep the rows of prices.csv with a cost over 90 and save them as dear.csv"
SAID = "the csv of this task was expected to have semicolons between its values"
OTHER = "no heading was found in the report"
RULE = "Put semicolons between the values of a csv."


def failure(name: str = "t1", *said: str, kind: FailureKind = FailureKind.CHECK, task: str = TASK) -> Failure:
    return Failure(name, kind, task, "df.to_csv('dear.csv')", "", said or (SAID,))


def reply(rule: str = RULE, when: str = "Use when a csv is saved.", name: str = "csv semicolons") -> str:
    return json.dumps({"when": when, "rule": rule, "name": name})


def evolver(*replies: str | Completion | Exception) -> tuple[SmallModelEvolver, ScriptedPolicy]:
    policy = ScriptedPolicy(replies, "tiny")
    return SmallModelEvolver(lambda: policy), policy


def test_a_complaint_becomes_a_doubtful_draft() -> None:
    writer, _ = evolver(reply())
    (draft,) = writer.propose([failure()], ()).drafts
    assert (draft.name, draft.description, draft.wordings) == (
        "csv-semicolons",
        "Use when a csv is saved.",
        (RULE,),
    )
    assert draft.sources == (Source("t1", SAID),)
    assert draft.doubtful


def test_a_request_is_short_and_held_to_a_schema_with_limits() -> None:
    writer, policy = evolver(reply())
    writer.propose([failure()], ())
    assert sum(len(message.content) for message in policy.requests[0]) < 2500
    assert policy.samplings[0].max_tokens <= 200
    fields = policy.samplings[0].extra["response_format"]["json_schema"]["schema"]["properties"]  # type: ignore[index]
    assert all("maxLength" in field for field in fields.values())


def test_requests_begin_alike_so_that_their_prefix_is_reused() -> None:
    one, other = compose("Do a thing", "it was wrong"), compose("Do another", "that was wrong too")
    assert one[:-1] == other[:-1]
    assert one[-1] != other[-1]


def test_one_sentence_about_many_tasks_is_one_request() -> None:
    writer, policy = evolver(reply())
    (draft,) = writer.propose([failure("t1"), failure("t2"), failure("t3")], ()).drafts
    assert len(policy.requests) == 1
    assert [source.trajectory for source in draft.sources] == ["t1", "t2", "t3"]


def test_two_things_said_of_one_task_are_two_requests() -> None:
    writer, policy = evolver(reply(), reply("Begin each report with a heading.", name="report heading"))
    proposal = writer.propose([failure("t1", f"{SAID}; {OTHER}")], ())
    assert [draft.sources[0].said for draft in proposal.drafts] == [SAID, OTHER]
    assert len(policy.requests) == 2


@pytest.mark.parametrize(
    "text",
    [
        reply("Save dear.csv with semicolons."),
        reply("Do not put semicolons between the values of a csv."),
        reply("Put semicolons " + "and more " * 40),
        "I would rather talk.",
        '{"when": "Use when',
        "[]",
        '{"rule": 3}',
    ],
)
def test_what_is_of_no_use_is_kept_with_its_reason(text: str) -> None:
    writer, _ = evolver(text)
    proposal = writer.propose([failure()], ())
    assert proposal.drafts == ()
    assert "tiny" in proposal.kept["t1"]


def test_an_answer_that_was_cut_off_is_of_no_use() -> None:
    writer, _ = evolver(Completion(reply(), "length", "tiny"))
    assert writer.propose([failure()], ()).drafts == ()


def test_a_description_that_names_the_task_is_made_anew() -> None:
    writer, _ = evolver(reply(when="Use when dear.csv is saved."))
    (draft,) = writer.propose([failure()], ()).drafts
    assert "dear" not in draft.description
    assert draft.description.startswith("Use when")


def test_what_is_only_about_one_task_costs_no_request() -> None:
    writer, policy = evolver()
    proposal = writer.propose(
        [
            failure("t1", "KeyError: 'cost'", kind=FailureKind.EXCEPTION),
            failure("t2", "expected 12.5"),
            Failure("t3", FailureKind.EDITED, TASK, "", "", ()),
        ],
        (),
    )
    assert set(proposal.kept) == {"t1", "t2", "t3"}
    assert policy.requests == []


def test_what_a_skill_says_already_is_explained() -> None:
    writer, _ = evolver(reply())
    library = (Skill("semicolons", "Use when a csv is saved.", RULE),)
    proposal = writer.propose([failure()], library)
    assert proposal.drafts == ()
    assert proposal.explained == ((Source("t1", SAID), "semicolons"),)


def test_what_was_not_asked_is_asked_later() -> None:
    policy = ScriptedPolicy([reply()], "tiny")
    proposal = SmallModelEvolver(lambda: policy, requests=1).propose(
        [failure("t1"), failure("t2", OTHER)], ()
    )
    assert [source.trajectory for draft in proposal.drafts for source in draft.sources] == ["t1"]
    assert "t2" not in proposal.kept


def test_an_endpoint_without_schemas_is_asked_without() -> None:
    writer, policy = evolver(PolicyRefused("response_format is unknown", "x"), f"Here:\n{reply()}", reply())
    assert writer.propose([failure()], ()).drafts
    writer.propose([failure()], ())
    assert [bool(sampling.extra) for sampling in policy.samplings] == [True, False, False]


def test_a_policy_that_fails_fails() -> None:
    writer, _ = evolver(PolicyTimeout("Nothing came.", "Wait."))
    with pytest.raises(PolicyTimeout):
        writer.propose([failure()], ())


def test_secrets_are_not_sent() -> None:
    policy = ScriptedPolicy([reply()], "tiny")
    SmallModelEvolver(lambda: policy, known=("hunter2-long-key",)).propose(
        [failure(task="Load it with hunter2-long-key")], ()
    )
    assert "hunter2" not in policy.requests[0][-1].content
