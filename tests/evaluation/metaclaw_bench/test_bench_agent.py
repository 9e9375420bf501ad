"""The agent as it is in a notebook, through a day: what it is sent, what its code does, what it scores."""

import itertools

import pytest

from metaclaw_jlab.agent.prompt import SKILLS_PREAMBLE, skills_told
from metaclaw_jlab.core.policy import Message, Sampling
from metaclaw_jlab.core.retriever import Match
from metaclaw_jlab.core.skill import Skill
from metaclaw_jlab.evaluation.metaclaw_bench.arm_run import run_days
from metaclaw_jlab.evaluation.metaclaw_bench.day_run import run_day
from metaclaw_jlab.evaluation.metaclaw_bench.round_agent import Lesson, RoundAgent, Terms
from metaclaw_jlab.evaluation.metaclaw_bench.workspaces import take_over
from metaclaw_jlab.policies.endpoint import EndpointPolicy
from tests.evaluation.metaclaw_bench.answering import knowing, round_of, writes

ANSWERS = {
    ("day01", "r1"): "amber",
    ("day01", "r2"): r"\bbox{A}",
    ("day01", "r3"): "violet",
    ("day02", "r1"): r"\bbox{B,D}",
    ("day02", "r2"): "grey",
}
SCORES = {"day01": [1.0, 0.75, 1.0], "day02": [0.75, 0.0]}


@pytest.fixture
def terms(scripted_server, check_pool):
    return Terms(
        policy=EndpointPolicy(scripted_server.base_url, model="scripted"),
        pool=check_pool,
        sampling=Sampling(0.0, 512),
        max_steps=4,
        taught=lambda *_: Lesson(),
    )


@pytest.fixture
def lived(scripted_server, terms, small, scorer):
    """The first day of the small benchmark, with these replies."""

    def run(reply, day=0, **changes):
        scripted_server.always(reply)
        changed = Terms(**{name: changes.get(name, getattr(terms, name)) for name in Terms.__slots__})
        return run_day(small.days[day], RoundAgent(small.days[day], changed), small.workspaces, scorer)

    return run


def sent(server, number):
    return [Message(one["role"], one["content"]) for one in server.chats[number].messages]


def test_known_answers_get_exactly_what_they_are_due(scripted_server, terms, small, scorer):
    scripted_server.always(knowing(ANSWERS))
    results = run_days(small, lambda day: RoundAgent(day, terms), scorer)
    assert {day.day: [one.score for one in day.rounds] for day in results} == SCORES


def test_days_at_once_and_one_by_one_agree(scripted_server, terms, small, scorer):
    scripted_server.always(knowing(ANSWERS))

    def scores(parallel):
        found = run_days(small, lambda day: RoundAgent(day, terms), scorer, parallel=parallel)
        return [[(one.round, one.score, one.reply, one.check) for one in day.rounds] for day in found]

    assert scores(2) == scores(1)


def test_feedback_reaches_the_next_prompt(scripted_server, lived):
    lived(knowing({**ANSWERS, ("day01", "r1"): "grey"}))
    firsts = [sent(scripted_server, number)[-1].content for number in range(len(scripted_server.chats))]
    assert any(
        text.startswith("[Previous Feedback] The colour has to be amber.\n\nWhich of these")
        for text in firsts
    )
    assert firsts[-1] == "[Previous Feedback] That is the colour."


def test_a_round_sees_the_conversation_before_it(scripted_server, lived):
    lived(knowing(ANSWERS))
    third = next(
        messages
        for number in range(len(scripted_server.chats))
        if "violet" not in str(messages := sent(scripted_server, number)) and "(r2)" in messages[-1].content
    )
    assert [message.role for message in third] == ["system", "user", "assistant", "user", "assistant", "user",
                                                   "assistant", "user"]  # fmt: skip
    assert third[1].content == "It is day01."
    assert third[4].content == writes("amber", "day01")
    assert third[5].content.startswith("<output>")
    assert third[6].content == "It is written."


def test_no_two_messages_of_one_side_follow_each_other(scripted_server, lived):
    def hurried(body):
        return writes("amber", "day01") + "\nDone." if round_of(body)[1] in ("r1", "r3") else "I do not know."

    lived(hurried)
    for number in range(len(scripted_server.chats)):
        roles = [message.role for message in sent(scripted_server, number)]
        assert all(one != other for one, other in itertools.pairwise(roles))


def test_the_checkers_are_nowhere_to_be_found(scripted_server, lived, small):
    look = (
        "```python\nimport os\nprint(sorted(os.path.join(a, n) for a, _, f in os.walk('.') for n in f))\n```"
    )
    lived(lambda body: "Seen." if "<output>" in str(body["messages"][-1]) else look)
    shown = [
        message.content for message in sent(scripted_server, -1) if message.content.startswith("<output>")
    ]
    assert shown
    assert shown[0] == "<output>\n['./AGENTS.md', './day01/notes.txt']\n</output>"
    assert not any("check_word" in text for text in shown)


def test_files_stay_from_round_to_round_and_names_do_not(lived):
    def reply(body):
        if "<output>" in str(body["messages"][-1]):
            return "Done."
        if round_of(body)[1] == "r1":
            return "```python\nname = 'kept'\nopen('day01/colour.txt', 'w').write('amber')\n```"
        if round_of(body)[1] == "r3":
            return (
                "```python\ntext = open('day01/colour.txt').read()\n"
                "open('day01/colour.txt', 'w').write(text + ('' if 'name' in globals() else ' violet'))\n```"
            )
        return "?"

    assert [one.score for one in lived(reply).rounds] == [1.0, 0.0, 1.0]


def test_the_answer_is_the_last_reply_with_a_box(lived):
    def reply(body):
        if "<output>" in str(body["messages"][-1]):
            return "That was all." if round_of(body)[1] == "r2" else "Done."
        return "I think \\bbox{A,C}.\n```python\nprint(1)\n```"

    assert lived(reply).rounds[1].score == 1.0


def test_skills_stand_in_the_prompt_as_in_a_notebook(scripted_server, lived):
    skill = Skill("amber", "Use when a colour is asked for.", "Colours are amber.")
    result = lived(knowing(ANSWERS), taught=lambda *_: Lesson((Match(skill, 1.0),), 3))
    system = sent(scripted_server, 0)[0]
    assert SKILLS_PREAMBLE in system.content
    assert skills_told([system]) == ("Colours are amber.",)
    assert all(one.skills == ("amber",) for one in result.rounds)


def test_skills_are_looked_for_with_the_bare_question(lived, small):
    asked = []

    def taught(id_, task):
        asked.append((id_, task.text))
        return Lesson()

    lived(knowing(ANSWERS), taught=taught)
    assert asked[:2] == [(f"day01/{round_.id}", round_.question) for round_ in small.days[0].rounds[:2]]


def test_what_lies_at_the_top_of_the_folder_is_told_as_data(scripted_server, lived):
    lived(knowing(ANSWERS))
    assert '<data name="AGENTS.md">\nWork with care.\n</data>' in sent(scripted_server, 0)[0].content


def test_a_policy_that_fails_costs_the_round_and_the_day_goes_on(scripted_server, terms, small, scorer):
    scripted_server.fail(400, "Out of order.")
    scripted_server.always(knowing(ANSWERS))
    result = run_day(small.days[0], RoundAgent(small.days[0], terms), small.workspaces, scorer)
    assert [one.score for one in result.rounds] == [0.0, 0.75, 1.0]
    assert "Out of order." in (result.rounds[0].failure or "")
    assert result.rounds[1].failure is None


def test_where_the_model_has_no_room_the_oldest_messages_give_way(scripted_server, terms, small, scorer):
    known = knowing(ANSWERS)

    def behave(exchange):
        if len(exchange.request.messages) > 6:
            body = {"error": {"message": "This model's maximum context length is 100 tokens.", "code": None}}
            exchange.json(400, body)
        else:
            text = known(exchange.request.body)
            choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
            exchange.json(200, {"model": "scripted", "choices": [choice], "usage": {}})

    scripted_server.script(*[behave] * 20)
    result = run_day(small.days[0], RoundAgent(small.days[0], terms), small.workspaces, scorer)
    assert [one.score for one in result.rounds] == [1.0, 0.75, 1.0]
    assert [one.left_out for one in result.rounds] == [0, 4, 4]
    assert all(chat.messages[1]["content"].startswith("It is day01.") for chat in scripted_server.chats)


def test_tokens_steps_and_seconds_are_counted(lived):
    result = lived(knowing(ANSWERS))
    first, second = result.rounds[:2]
    assert (first.spent.steps, second.spent.steps) == (2, 1)
    assert first.spent.prompt_tokens > 0
    assert first.spent.completion_tokens > 0
    assert 0 < first.spent.policy_seconds <= first.seconds
    assert result.closing.steps == 1


def test_at_most_so_many_steps_are_taken(lived):
    result = lived(lambda _: "```python\nprint('on and on')\n```", max_steps=2)
    assert {one.spent.steps for one in result.rounds} == {2}


def test_every_round_has_its_own_seed_whatever_the_arm(scripted_server, lived):
    lived(knowing(ANSWERS))
    seeds = {
        (round_of(chat.body), chat.body["seed"]) for chat in scripted_server.chats if round_of(chat.body)[1]
    }
    assert len({seed for _, seed in seeds}) == len({round_ for round_, _ in seeds}) == 3


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"a": b"1", "b/c": b"2"}, {"a": b"1"}),
        ({"a": b"1"}, {"a/b": b"2"}),
        ({"a/b": b"1", "a/c/d": b"2"}, {"a": b"3"}),
        ({}, {"x/y/z": b"1"}),
    ],
)
def test_a_workspace_becomes_what_the_sandbox_left(tmp_path, before, after):
    take_over(before, tmp_path)
    take_over(after, tmp_path)
    found = {
        path.relative_to(tmp_path).as_posix(): path.read_bytes()
        for path in tmp_path.rglob("*")
        if path.is_file()
    }
    assert found == after


def test_a_file_that_did_not_change_keeps_its_time(tmp_path):
    take_over({"a": b"1", "b": b"1"}, tmp_path)
    before = (tmp_path / "a").stat().st_mtime_ns
    take_over({"a": b"1", "b": b"2"}, tmp_path)
    assert (tmp_path / "a").stat().st_mtime_ns == before
