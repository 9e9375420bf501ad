import pytest
from hypothesis import given
from hypothesis import strategies as st

from metaclaw_jlab.core.score import Score, ScoreSource, Unscored
from metaclaw_jlab.reward_models.vote import LONGEST_REPLY, Vote, decided, majority, read_vote

FOR, AGAINST, UNDECIDED = Vote(1), Vote(-1), Vote(0)
NOTHING = Unscored("Nothing came.")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Score: 1", 1),
        ("Score: -1", -1),
        ("Score: 0", 0),
        ("Score: +1", 1),
        ("score=1", 1),
        ("**Score:** 1", 1),
        ("**Score**: 1", 1),
        ("**Score: -1**", -1),
        ("Score: **-1**.", -1),
        ("Score: `1`", 1),
        ("### Final score: 1", 1),
        ("- Score: 1", 1),
        ("> Score: -1", -1),
        ("Score: \u22121", -1),
        ("Score: \u20131", -1),
        ("Score: \uff0d1", -1),
        ("Score：1", 1),
        ("The code prints 10 rows.\n\nScore: 1\n", 1),
        ("I had Score: 1 in mind.\nScore: 1", 1),
        ("```\nScore: 1\n```", 1),
        ("```text\nIt is right.\nScore: 1\n```\n", 1),
        ("<think>Score: -1? No.</think>\nScore: 1", 1),
        ("the thought began before.</think>Score: 1", 1),
        ('{"score": 1}', 1),
        ('{"reason": "the sum is 10, not 1", "score": -1}', -1),
        ('{"score": 0, "confidence": 9, "notes": ["a", {"b": 2}]}', 0),
        ('{"Score": "-1"}', -1),
        ('{"score": "\u22121"}', -1),
        ('```json\n{"reason": "fine", "score": 1}\n```', 1),
        ('It works.\n{"reason": "a {brace} in it", "score": 1}', 1),
        ('{"reason": "The rubric says Score: -1 for that.", "score": 1}', 1),
        ('{"score": 1, "score": 1}', 1),
    ],
)
def test_a_clear_score_is_read(text: str, value: int) -> None:
    vote = read_vote(text)
    assert isinstance(vote, Vote)
    assert vote.value == value


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   \n",
        "1",
        "-1",
        "Score: 10",
        "Score: 1/10",
        "Score: 1 / 10",
        "Score: 1 out of 1",
        "Score: 1%",
        "Score: 1.0",
        "Score: 0.5",
        "Score: 1,5",
        "Score: 01",
        "Score: 2",
        "Score: --1",
        "Score: - 1",
        "Score:\n1",
        "Score: one",
        "Score: 1\u200b0",
        "Score: \u0661",
        "Score: ¹",
        "Score: 1 or -1",
        "Score 1",
        "Underscore: 1",
        "Score: 1\nBut on second thoughts it fails.",
        "Score: 1\n\nLet me know if you need more.",
        "Score: 1, because it is right",
        "Score: 1\nScore: -1",
        "Score: 7\nScore: 1",
        "The first part would get Score: -1 and the second more.\nScore: 1",
        "**Score:** -1 at first.\n**Score:** 1",
        "Score: 1\n```\nScore: -1\n```",
        "```\nScore: 1\n```\nThat is all.",
        "<think>It is right.\nScore: 1",
        "x" * LONGEST_REPLY + "\nScore: 1",
        "[1]",
        '{"score": 10}',
        '{"score": 1.0}',
        '{"score": true}',
        '{"score": null}',
        '{"score": [1]}',
        '{"score": "1/10"}',
        '{"score": 1, "score": -1}',
        '{"score": 1, "Score": -1}',
        '{"score": 1, "part": {"score": -1}}',
        '{"verdict": {"score": 1}}',
        '{"scores": 1}',
        '{"reason": "cut',
        '{"reason": "cut", "score": 1',
        '{"score": 1} and more',
        '{"score": 1}\n{"score": -1}',
        '[{"score": 1}]',
        'Score: -1\n{"score": 1}',
        '{"score": 1}\nScore: -1',
        "{" * 5000 + "}",
        '{"score": ' + "1" * 6000 + "}",
    ],
)
def test_what_is_not_clear_is_no_vote(text: str) -> None:
    assert isinstance(read_vote(text), Unscored)


@pytest.mark.parametrize("reason", ["length", "content_filter", "tool_calls", "abort", "LENGTH"])
def test_a_reply_that_did_not_come_to_its_end_is_no_vote(reason: str) -> None:
    assert isinstance(read_vote("Score: 1", reason), Unscored)
    assert isinstance(read_vote('{"score": 1}', reason), Unscored)


@pytest.mark.parametrize("reason", ["stop", "STOP", "eos", "end_turn", ""])
def test_every_name_of_an_end_of_its_own_will_do(reason: str) -> None:
    assert read_vote("Score: 1", reason) == FOR


def test_a_judges_words_are_kept_on_one_line_of_bounded_length() -> None:
    vote = read_vote('{"reason": "two\\nlines\\u0007 ' + "x" * 1000 + '", "score": 1}')
    assert isinstance(vote, Vote)
    assert vote.reason.startswith("two lines x")
    assert len(vote.reason) == 300


@given(st.text(alphabet=st.sampled_from(list('score:=*_`"{}[] \n\t-+−/.,10')), max_size=60))
def test_whatever_comes_is_a_vote_of_the_rubric_or_none(text: str) -> None:
    vote = read_vote(text)
    assert isinstance(vote, Unscored) or vote.value in (-1, 0, 1)


@given(st.integers().filter(lambda number: number not in (-1, 0, 1)))
def test_no_other_number_is_a_vote(number: int) -> None:
    assert isinstance(read_vote(f"Score: {number}"), Unscored)
    assert isinstance(read_vote(f'{{"score": {number}}}'), Unscored)


@pytest.mark.parametrize(
    ("votes", "value"),
    [
        ([FOR, FOR, FOR], 1.0),
        ([FOR, FOR, AGAINST], 1.0),
        ([AGAINST, UNDECIDED, AGAINST], -1.0),
        ([AGAINST, NOTHING, AGAINST], -1.0),
        ([FOR, FOR], 1.0),
    ],
)
def test_more_than_half_of_the_votes_decide(votes: list[Vote | Unscored], value: float) -> None:
    score = majority(votes, 3)
    assert isinstance(score, Score)
    assert (score.value, score.source) == (value, ScoreSource.JUDGE)


@pytest.mark.parametrize(
    "votes",
    [
        [],
        [FOR],
        [FOR, AGAINST],
        [FOR, AGAINST, UNDECIDED],
        [FOR, NOTHING, NOTHING],
        [FOR, AGAINST, NOTHING],
        [UNDECIDED, UNDECIDED, FOR],
        [UNDECIDED, UNDECIDED, UNDECIDED],
        [NOTHING, NOTHING, NOTHING],
    ],
)
def test_a_tie_a_doubt_or_too_few_votes_are_unscored_with_a_reason(votes: list[Vote | Unscored]) -> None:
    score = majority(votes, 3)
    assert isinstance(score, Unscored)
    assert score.reason


def test_of_two_votes_one_is_no_majority() -> None:
    assert isinstance(majority([FOR, AGAINST], 2), Unscored)
    assert isinstance(majority([FOR, NOTHING], 2), Unscored)


@given(st.lists(st.sampled_from([FOR, AGAINST, UNDECIDED, NOTHING]), max_size=5))
def test_later_votes_change_nothing_once_it_is_decided(votes: list[Vote | Unscored]) -> None:
    early = next((votes[:end] for end in range(len(votes) + 1) if decided(votes[:end], 5)), None)
    if early is not None:
        first, last = majority(early, 5), majority(votes, 5)
        assert getattr(first, "value", None) == getattr(last, "value", None)


def test_the_reason_of_the_winning_side_is_told() -> None:
    score = majority([Vote(-1, "no"), Vote(1, "yes"), Vote(-1, "wrong")], 3)
    assert score == Score(-1.0, ScoreSource.JUDGE, "2 of 3 votes: no")
