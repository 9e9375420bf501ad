"""The tokenizer: round trips, names that read the same everywhere, the chat template."""

from __future__ import annotations

import re
import string
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from metaclaw_jlab.agent.prompt import INSTRUCTIONS, opening, skills_block
from metaclaw_jlab.core.task import Task
from metaclaw_jlab.engines.embedded import location
from metaclaw_jlab.engines.embedded.samples import delimiters, render
from metaclaw_jlab.engines.embedded.tokenizer import frequent_fragments, plain_words, spell_out_unwritten


def _ids(tokenizer: PreTrainedTokenizerBase, text: str) -> list[int]:
    found: list[int] = tokenizer(text, add_special_tokens=False)["input_ids"]
    return found


@pytest.fixture(scope="session")
def shipped() -> PreTrainedTokenizerBase:
    """The tokenizer in the package."""
    return AutoTokenizer.from_pretrained(location(), local_files_only=True)


@settings(deadline=None, max_examples=200)
@given(text=st.text(alphabet=string.printable, max_size=120))
def test_any_ascii_text_comes_back(shipped: PreTrainedTokenizerBase, text: str) -> None:
    assert shipped.decode(_ids(shipped, text)) == text


@settings(deadline=None, max_examples=100)
@given(text=st.text(max_size=60))
def test_any_text_comes_back(shipped: PreTrainedTokenizerBase, text: str) -> None:
    encodable = text.encode("utf-8", "replace").decode()
    assert shipped.decode(_ids(shipped, encodable)) == encodable


@settings(deadline=None, max_examples=200)
@given(name=st.text(alphabet=string.ascii_letters, min_size=2, max_size=9))
def test_a_name_reads_the_same_in_a_task_and_in_code(shipped: PreTrainedTokenizerBase, name: str) -> None:
    alone = _ids(shipped, name)
    for before, after in (("df['", "']"), ("pd.read_csv('", ".csv')\n"), (" from ", ".csv"), ("'", "/x.md'")):
        ids = _ids(shipped, before + name + after)
        assert any(ids[start : start + len(alone)] == alone for start in range(len(ids)))


def test_training_texts_come_back(tokenizer: PreTrainedTokenizerBase, training_texts: list[str]) -> None:
    assert [tokenizer.decode(_ids(tokenizer, text)) for text in training_texts] == training_texts


def test_the_same_texts_make_the_same_tokenizer(
    tokenizer: PreTrainedTokenizerBase, training_texts: list[str]
) -> None:
    from metaclaw_jlab.engines.embedded.tokenizer import make_tokenizer

    again = make_tokenizer(training_texts, delimiters=delimiters(), vocabulary=700, fragments=120)
    assert again.get_vocab() == tokenizer.get_vocab()


def test_fragments_save_tokens_and_keep_words_whole(training_texts: list[str]) -> None:
    found = frequent_fragments(training_texts, 50)
    assert len(found) == 50
    assert not [text for text in found if text[0].isalnum() or text[-1].isalnum()]


def test_words_that_replies_quote_are_not_plain(training_texts: list[str]) -> None:
    quoted = {word for text in training_texts for word in re.findall(r"read_csv\('([a-z]+)\.csv", text)}
    words = set(plain_words(training_texts))
    assert "the" in words
    assert not words & quoted


def test_the_instructions_for_large_models_are_left_out(tokenizer: PreTrainedTokenizerBase) -> None:
    text = render(tokenizer, opening(Task("Show it"), ["Round to 2"]))
    assert text == f"<|system|>{skills_block(['Round to 2'])}<|end|><|user|>Show it<|end|>"


def test_a_system_message_without_skills_is_dropped(tokenizer: PreTrainedTokenizerBase) -> None:
    text = render(tokenizer, opening(Task("Show it"), []))
    assert INSTRUCTIONS not in text
    assert text == "<|user|>Show it<|end|>"


def test_padding_is_on_the_left(tokenizer: PreTrainedTokenizerBase) -> None:
    ids = tokenizer(["a", "a b c"], add_special_tokens=False, padding=True)["input_ids"]
    assert ids[0][0] == tokenizer.pad_token_id


def test_it_is_kept_when_saved(tokenizer: PreTrainedTokenizerBase, tmp_path: Path) -> None:
    tokenizer.save_pretrained(tmp_path)
    again = AutoTokenizer.from_pretrained(tmp_path)
    assert _ids(again, "df['x']\n") == _ids(tokenizer, "df['x']\n")
    assert again.chat_template == tokenizer.chat_template


def test_names_are_spelt_with_pieces_that_replies_use(
    tokenizer: PreTrainedTokenizerBase, training_texts: list[str]
) -> None:
    spelt = spell_out_unwritten(tokenizer, training_texts)
    written = {
        token
        for text in training_texts
        for reply in re.findall(r"<\|assistant\|>(.*?)<\|end\|>", text, re.DOTALL)
        for token in _ids(tokenizer, reply)
    }
    for name in ("points", "readlines", "columnar", "Figurehead", "separates"):
        assert spelt.decode(_ids(spelt, name)) == name
        assert {token for token in _ids(spelt, name) if len(spelt.decode([token])) > 1} <= written
    assert len(spelt) == len(tokenizer)
    assert [spelt.decode(_ids(spelt, text)) for text in training_texts] == training_texts
