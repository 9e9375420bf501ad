import pytest

from metaclaw_jlab.core.errors import PolicyTimeout, PolicyUnavailable
from metaclaw_jlab.core.policy import Completion, Message, Sampling
from metaclaw_jlab.policies.scripted import ScriptedPolicy

ASK = (Message("user", "two words"),)


def test_replies_come_in_order() -> None:
    policy = ScriptedPolicy(["one", "two"])
    assert [policy.complete(ASK, Sampling()).text for _ in range(2)] == ["one", "two"]


def test_a_script_that_ran_out_says_so() -> None:
    with pytest.raises(PolicyUnavailable, match="0 replies"):
        ScriptedPolicy([]).complete(ASK, Sampling())


def test_an_exception_of_the_script_is_raised() -> None:
    with pytest.raises(PolicyTimeout):
        ScriptedPolicy([PolicyTimeout("Slow.")]).complete(ASK, Sampling())


def test_a_whole_completion_is_given_as_it_is() -> None:
    completion = Completion("x", "length", "other")
    assert ScriptedPolicy([completion]).complete(ASK, Sampling()) is completion


def test_text_comes_line_by_line() -> None:
    pieces: list[str] = []
    ScriptedPolicy(["a\nb"]).complete(ASK, Sampling(), on_text=pieces.append)
    assert pieces == ["a\n", "b"]


def test_what_was_asked_is_kept() -> None:
    policy = ScriptedPolicy(["x"])
    policy.complete(ASK, Sampling(seed=3))
    assert (policy.requests, policy.samplings) == ([ASK], [Sampling(seed=3)])


def test_tokens_are_counted_as_words() -> None:
    usage = ScriptedPolicy(["one two three"]).complete(ASK, Sampling()).usage
    assert (usage.prompt_tokens, usage.completion_tokens) == (2, 3)
