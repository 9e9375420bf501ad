import pytest

from metaclaw_jlab.evaluation.metaclaw_bench.feedback import alone, feedback_text, with_feedback
from metaclaw_jlab.evaluation.metaclaw_bench.format import FileCheck, MultiChoice
from metaclaw_jlab.evaluation.metaclaw_bench.scoring import RoundResult, score_choice, selected_options

ROUND = MultiChoice(
    id="r1",
    question="Which?",
    options={letter: letter for letter in "ABCDE"},
    answer=frozenset("AC"),
    when_right="Right.",
    lines={letter: f"line {letter}" for letter in "ABCDE"},
)
CHECK = FileCheck("r2", "Do it.", "true", "Done.", "Not done.")


@pytest.mark.parametrize(
    ("reply", "selected"),
    [
        (r"\bbox{A,C}", "AC"),
        (r"\boxed{ c , a }", "AC"),
        (r"so \bbox{B} it is", "B"),
        (r"first \bbox{B}, then \bbox{A}", "B"),
        (r"\bbox{A;C D}", "ACD"),
        (r"\bbox{A,A}", "A"),
        (r"\bbox{none}", "NOE"),
        (r"\bbox{} and then \bbox{A}", None),
        (r"\bbox{1}", None),
        ("A, C", None),
        (r"\box{A}", None),
        ("", None),
    ],
)
def test_the_first_box_is_read(reply, selected):
    assert selected_options(reply) == (frozenset(selected) if selected else None)


@pytest.mark.parametrize(
    ("reply", "score"),
    [
        (r"\bbox{A,C}", 1),
        (r"\bbox{A}", 1 - 1 / 5),
        (r"\bbox{A,B}", 1 - 2 / 5),
        (r"\bbox{B,D,E}", 0),
        (r"\bbox{A,B,C,D,E}", 1 - 3 / 5),
        (r"\bbox{A,C,F}", 1 - 1 / 5),
        (r"\bbox{nothing}", 1 - 8 / 5),  # six letters that are no option's and two options missed
        ("A and C", 0),
    ],
)
def test_a_choice_is_scored_as_published(reply, score):
    assert score_choice(ROUND, reply).score == pytest.approx(score)


def test_right_is_an_exact_match():
    assert score_choice(ROUND, r"\bbox{C,A}").right
    assert not score_choice(ROUND, r"\bbox{A,B,C}").right


@pytest.mark.parametrize(
    ("reply", "feedback"),
    [
        (r"\bbox{A,C}", "Right."),
        (r"\bbox{A,E}", "line C\nline E"),
        (r"\bbox{B}", "line A\nline B\nline C"),
        (r"\bbox{A,C,Z}", "There is no option Z."),
    ],
)
def test_a_wrong_choice_gets_the_lines_of_the_options_that_were_wrong(reply, feedback):
    assert feedback_text(ROUND, score_choice(ROUND, reply)) == feedback


def test_a_reply_without_an_answer_is_told_how_to_give_one():
    assert r"\bbox{A}" in feedback_text(ROUND, score_choice(ROUND, "A and C"))


@pytest.mark.parametrize(("right", "feedback"), [(True, "Done."), (False, "Not done.")])
def test_a_file_check_has_a_feedback_for_each_outcome(right, feedback):
    assert feedback_text(CHECK, RoundResult("r2", "file_check", float(right), right, "")) == feedback


def test_feedback_stands_before_the_question():
    assert with_feedback("Good.", "What next?") == "[Previous Feedback] Good.\n\nWhat next?"
    assert with_feedback("", "What first?") == "What first?"
    assert alone("Good.") == "[Previous Feedback] Good."
