import json

from metaclaw_jlab.core.prompting import DEFAULT_PROMPTING, Prompting, prompting_from


def test_a_prompting_survives_being_written() -> None:
    chosen = Prompting("brief", "task", 1, 0.4, 3, "ran")
    assert prompting_from(json.loads(json.dumps(chosen.to_dict()))) == chosen


def test_what_a_later_version_wrote_is_left_out() -> None:
    assert prompting_from({"file_rows": 2, "colour": "red"}) == Prompting(file_rows=2)


def test_nothing_written_is_the_default() -> None:
    assert prompting_from({}) == DEFAULT_PROMPTING
