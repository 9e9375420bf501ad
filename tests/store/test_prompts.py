import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from metaclaw_jlab.core.errors import StoreDamaged
from metaclaw_jlab.core.policy import Message
from metaclaw_jlab.core.score import Score, ScoreSource, Unscored
from metaclaw_jlab.core.start_state import StartState
from metaclaw_jlab.core.training import PromptKind, TrainingPrompt
from metaclaw_jlab.store.prompts import read_prompts, write_prompts
from tests.store.samples import START, TASK, step

FIRST = TrainingPrompt("t1", PromptKind.QUERY, TASK, step(0).messages, START)
LATER = replace(FIRST, messages=step(2).messages, before=(step(0), step(1)))
PRACTICE = TrainingPrompt(
    "replay-7", PromptKind.REPLAY, TASK, (Message("user", "ü \udc80 \n"),), StartState(practice='{"a": 1}')
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "query.jsonl"


def test_prompts_come_back_as_they_were(path: Path) -> None:
    scored = replace(
        step(0, observed=False), scores=(Score(1.0, ScoreSource.JUDGE, "good"), Unscored("a tie")), ran="x"
    )
    odd = replace(FIRST, before=(scored,), start=StartState(files={"ü\udc80": bytes(range(256))}))
    prompts = (FIRST, LATER, PRACTICE, odd)
    write_prompts(path, iter(prompts))
    assert read_prompts(path) == prompts


def test_a_start_that_several_share_is_written_once(path: Path) -> None:
    big = StartState(files={"big": os.urandom(90_000)})
    write_prompts(path, [replace(FIRST, start=big)] * 20)
    assert path.stat().st_size < 200_000
    assert read_prompts(path) == (replace(FIRST, start=big),) * 20


def test_no_prompts_are_a_file_too(path: Path) -> None:
    write_prompts(path, [])
    assert read_prompts(path) == ()


def test_others_cannot_read_them(path: Path) -> None:
    write_prompts(path, [FIRST])
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_file_that_could_not_be_written_whole_replaces_nothing(path: Path) -> None:
    write_prompts(path, [FIRST])

    def broken() -> object:
        yield LATER
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_prompts(path, broken())  # type: ignore[arg-type]
    assert read_prompts(path) == (FIRST,)
    write_prompts(path, [LATER])
    assert read_prompts(path) == (LATER,)


@pytest.mark.parametrize("content", ["x\n", "{}\n", "[]\n", '{"id": "t1"}\n', '{"start_sha256": "a"}\n'])
def test_what_is_no_file_of_prompts_is_said_to_be_none(path: Path, content: str) -> None:
    path.write_text(content)
    with pytest.raises(StoreDamaged, match=r"query\.jsonl"):
        read_prompts(path)


def test_a_file_that_was_cut_off_is_said_to_be_none(path: Path) -> None:
    write_prompts(path, [FIRST])
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(StoreDamaged):
        read_prompts(path)
