"""Makes the embedded model from nothing: tokenizer and weights. Taken up where it stopped."""

from __future__ import annotations

import json
import platform
import shutil
import sys
import time
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import torch
import transformers
from tqdm import tqdm
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from metaclaw_jlab.engines.embedded.architecture import make_model
from metaclaw_jlab.engines.embedded.partners import partners
from metaclaw_jlab.engines.embedded.recipe import Recipe
from metaclaw_jlab.engines.embedded.samples import delimiters, draw_texts, endless_batches
from metaclaw_jlab.engines.embedded.tokenizer import make_tokenizer, spell_out_unwritten
from metaclaw_jlab.engines.embedded.training import Progress, Training
from metaclaw_jlab.practice import splits_sha256

TOKENIZER_TEXTS = 6000
SPELLING_TEXTS = 12_000
DEFAULT_RECIPE = Recipe()


@dataclass(frozen=True, slots=True)
class Built:
    """What a build did; `seconds` is the time spent training, over all runs."""

    output: str
    parameters: int
    bytes: int
    steps: int
    tokens: int
    seconds: float
    loss: float
    resumed: bool
    splits_sha256: str


def build(output: Path, *, recipe: Recipe = DEFAULT_RECIPE) -> Built:
    """Make the model and write it to `output`, with progress on standard error.

    A build that was stopped goes on from its last checkpoint, kept beside `output` until the end; one of another
    recipe or other splits begins anew. Raises PracticeError.
    """
    torch.set_num_threads(1)
    torch.manual_seed(recipe.seed)
    begun = time.monotonic()
    work = _work_folder(output, recipe)
    tokenizer = _tokenizer(work / "tokenizer", recipe)
    model = make_model(tokenizer, recipe.size)
    training = Training(model, recipe, work / "checkpoint.pt")
    resumed = training.resume()
    _say(
        f"set up in {time.monotonic() - begun:.0f} s" + (", going on from the checkpoint" if resumed else "")
    )
    start = training.progress.steps
    batches = endless_batches(tokenizer, recipe, start)
    with (
        partners(model, recipe, work / "tokenizer", start) as others,
        tqdm(total=recipe.tokens, initial=training.progress.tokens, unit="tok", unit_scale=True) as bar,
    ):
        progress = training.run(batches, partial(_show, bar), others)
    built = _write(output, model, tokenizer, recipe, progress, resumed=resumed)
    shutil.rmtree(work)
    return built


def _work_folder(output: Path, recipe: Recipe) -> Path:
    """The folder of a build in progress; emptied where it belongs to another recipe or other splits."""
    work = output.with_name(output.name + ".build")
    work.mkdir(parents=True, exist_ok=True)
    stamp = json.dumps({"recipe": recipe.to_dict(), "splits": splits_sha256()}, sort_keys=True)
    mark = work / "recipe.json"
    if not mark.exists() or mark.read_text() != stamp:
        for name in ("checkpoint.pt", "tokenizer/tokenizer.json"):
            (work / name).unlink(missing_ok=True)
        mark.write_text(stamp)
    return work


def _tokenizer(folder: Path, recipe: Recipe) -> PreTrainedTokenizerBase:
    if not (folder / "tokenizer.json").exists():
        _say("making the tokenizer")
        blank = make_tokenizer([], vocabulary=0, fragments=0, context=recipe.size.positions)
        rng = Random(f"tokenizer:{recipe.seed}")
        texts = draw_texts(
            blank,
            rng,
            TOKENIZER_TEXTS,
            habit_share=recipe.habit_share,
            compound_share=recipe.compounds,
        )
        made = make_tokenizer(
            texts,
            delimiters=delimiters(),
            vocabulary=recipe.vocabulary,
            fragments=recipe.fragments,
            context=recipe.size.positions,
        )
        made.save_pretrained(folder)
    return AutoTokenizer.from_pretrained(folder)


def spelling(tokenizer: PreTrainedTokenizerBase, recipe: Recipe) -> PreTrainedTokenizerBase:
    """The tokenizer to use with the trained model: it spells names with pieces that training wrote."""
    rng = Random(f"spelling:{recipe.seed}")
    shares = {"habit_share": recipe.habit_share, "compound_share": recipe.compounds}
    return spell_out_unwritten(tokenizer, draw_texts(tokenizer, rng, SPELLING_TEXTS, **shares))


def _write(
    output: Path, model: Any, tokenizer: Any, recipe: Recipe, progress: Progress, *, resumed: bool
) -> Built:
    model.eval().save_pretrained(output)
    spelling(tokenizer, recipe).save_pretrained(output)
    built = Built(
        output=str(output),
        parameters=sum(value.numel() for value in model.parameters()),
        bytes=(output / "model.safetensors").stat().st_size,
        steps=progress.steps,
        tokens=progress.tokens,
        seconds=round(progress.seconds, 1),
        loss=round(progress.loss, 4),
        resumed=resumed,
        splits_sha256=splits_sha256(),
    )
    versions = {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "transformers": transformers.__version__,
    }
    record = {key: value for key, value in asdict(built).items() if key not in ("output", "resumed")}
    text = json.dumps({**record, "recipe": recipe.to_dict(), "versions": versions}, indent=2)
    (output / "build.json").write_text(text + "\n")
    return built


def _show(bar: Any, progress: Progress) -> None:
    bar.update(progress.tokens - bar.n)
    bar.set_postfix(step=progress.steps, loss=f"{progress.loss:.3f}", refresh=False)


def _say(text: str) -> None:
    sys.stderr.write(f"metaclaw practice build: {text}\n")
