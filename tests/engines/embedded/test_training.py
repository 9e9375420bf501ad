"""Training: resumes from its checkpoint, keeps to its budget, learns."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers import PreTrainedTokenizerBase

from metaclaw_jlab.engines.embedded.architecture import Size, make_model
from metaclaw_jlab.engines.embedded.partners import partners
from metaclaw_jlab.engines.embedded.recipe import Recipe
from metaclaw_jlab.engines.embedded.samples import Batch, pool_batches
from metaclaw_jlab.engines.embedded.training import Progress, Training, batch_loss

SIZE = Size(width=32, layers=1, heads=2, head_width=16, feed_forward=64, positions=256)


@pytest.fixture(scope="module")
def batches(tokenizer: PreTrainedTokenizerBase) -> list[Batch]:
    return pool_batches(tokenizer, Recipe(batch_size=8), 0)[:12]


def _training(
    tokenizer: PreTrainedTokenizerBase, folder: Path, recipe: Recipe
) -> tuple[Training, list[torch.Tensor]]:
    torch.manual_seed(0)
    model = make_model(tokenizer, recipe.size)
    return Training(model, recipe, folder / "checkpoint.pt"), list(model.parameters())


def _no_one(progress: Progress) -> None:
    del progress


def test_a_training_that_was_killed_ends_like_one_that_was_not(
    tokenizer: PreTrainedTokenizerBase, batches: list[Batch], tmp_path: Path
) -> None:
    tokens = sum(batch.tokens for batch in batches)
    recipe = Recipe(size=SIZE, batch_size=8, tokens=tokens, warm_up_steps=2)
    whole, expected = _training(tokenizer, tmp_path / "a", recipe)
    (tmp_path / "a").mkdir()
    whole.run(iter(batches), _no_one)

    class Killed(Exception):
        pass

    def kill(progress: Progress) -> None:
        if progress.steps == 5:
            first.save()
        if progress.steps == 7:
            raise Killed

    (tmp_path / "b").mkdir()
    first, _ = _training(tokenizer, tmp_path / "b", recipe)
    with pytest.raises(Killed):
        first.run(iter(batches), kill)
    second, found = _training(tokenizer, tmp_path / "b", recipe)
    assert second.resume()
    assert second.run(iter(batches[5:]), _no_one).steps == len(batches)
    assert all(torch.allclose(a, b, atol=1e-5) for a, b in zip(expected, found, strict=True))


def test_a_checkpoint_of_another_recipe_is_not_taken_up(
    tokenizer: PreTrainedTokenizerBase, tmp_path: Path
) -> None:
    training, _ = _training(tokenizer, tmp_path, Recipe(size=SIZE))
    training.save()
    other, _ = _training(tokenizer, tmp_path, Recipe(size=SIZE, seed=2))
    assert not other.resume()


def test_time_ends_a_training_too(
    tokenizer: PreTrainedTokenizerBase, batches: list[Batch], tmp_path: Path
) -> None:
    training, _ = _training(tokenizer, tmp_path, Recipe(size=SIZE, batch_size=8, seconds=1e-6))
    assert training.run(iter(batches), _no_one).steps == 1


def test_the_loss_falls(tokenizer: PreTrainedTokenizerBase, batches: list[Batch], tmp_path: Path) -> None:
    losses: list[float] = []
    recipe = Recipe(size=SIZE, batch_size=8, tokens=sum(batch.tokens for batch in batches), warm_up_steps=2)
    training, _ = _training(tokenizer, tmp_path, recipe)
    training.run(iter(batches), lambda progress: losses.append(progress.loss))
    assert losses[-1] < losses[0]


def test_the_rate_warms_up_stays_and_falls() -> None:
    recipe = Recipe(warm_up_steps=10, steady_share=0.5, final_rate=0.1)
    rates = [recipe.rate(0, 0.0), recipe.rate(20, 0.4), recipe.rate(100, 0.75), recipe.rate(200, 1.0)]
    assert rates == pytest.approx([0.1, 1.0, 0.55, 0.1])


def test_a_partner_does_a_share_of_the_work(tokenizer: PreTrainedTokenizerBase, tmp_path: Path) -> None:
    tokenizer.save_pretrained(tmp_path / "tokenizer")
    recipe = Recipe(size=SIZE, workers=2, batch_size=8, warm_up_steps=2)
    alone, expected = _training(tokenizer, tmp_path, recipe)
    together, found = _training(tokenizer, tmp_path, recipe)
    first, second = (pool_batches(tokenizer, recipe, pool)[0] for pool in (0, 1))
    with partners(together.model, recipe, tmp_path / "tokenizer", 0) as others:
        together._step(first, others)
    assert together.progress.tokens == first.tokens + second.tokens
    for batch in (first, second):
        batch_loss(alone.model, batch)[0].backward()  # type: ignore[no-untyped-call]
    alone._update(2)
    assert all(torch.allclose(a, b, atol=1e-5) for a, b in zip(expected, found, strict=True))
