from metaclaw_jlab.agent.context import within
from metaclaw_jlab.agent.prompt import observation_message, opening
from metaclaw_jlab.core.policy import Message
from metaclaw_jlab.core.task import Task
from metaclaw_jlab.core.trajectory import Observation


def talk(*outputs: str) -> tuple[Message, ...]:
    messages = opening(Task("Do it"), ["A rule."])
    for output in outputs:
        messages += (
            Message("assistant", "```python\nx\n```"),
            observation_message(Observation(stdout=output)),
        )
    return messages


def size(messages: tuple[Message, ...]) -> int:
    return sum(len(message.content) for message in messages)


def test_a_short_conversation_is_untouched() -> None:
    assert within(talk("a", "b"), 10_000) == talk("a", "b")


def test_the_oldest_output_is_shortened_first() -> None:
    before = talk("a" * 5000, "b" * 5000)
    after = within(before, 8000)
    assert "characters left out" in after[3].content
    assert after[5] == before[5]


def test_the_last_output_gives_way_where_the_others_do_not_suffice() -> None:
    after = within(talk("a" * 5000, "b" * 5000), 4000)
    assert size(after) <= 4000
    assert len(after[5].content) > len(after[3].content)


def test_first_and_last_characters_of_an_output_stay() -> None:
    after = within(talk("start" + "a" * 9000 + "end"), 3000)
    assert after[3].content.startswith("<output>\nstart")
    assert after[3].content.endswith("end\n</output>")


def test_shortening_again_changes_nothing() -> None:
    once = within(talk("a" * 5000, "b" * 5000), 100)
    assert within(once, 100) == once


def test_instructions_and_replies_are_never_cut() -> None:
    before = talk("a" * 5000)
    assert within(before, 0)[:3] == before[:3]


def test_what_follows_an_output_is_kept_when_that_is_cut() -> None:
    found = within([Message("user", f"<output>\n{'x' * 5000}\n</output>\nNow save it.")], 1000)
    assert found[0].content.endswith("</output>\nNow save it.")
    assert len(found[0].content) <= 1000
