"""A GRPO step of a real model on this machine: seconds of generation, scoring and training, and the memory it takes.

    METACLAW_HOME=... python benchmarks/real_grpo.py [--model smollm2-135m] [--prompts 2] [--group 8]
        [--prompt-tokens 160] [--completion-tokens 60] [--steps 3] [--threads N]

The model is looked for in METACLAW_HOME (`metaclaw models get NAME --form safetensors`). Prompts are practice tasks
with natural names, filled up to the asked length; every completion is decoded to its full length, run in a real
sandbox, and given a reward that differs from its neighbour's, so that all of them are trained on. The first step warms
up and does not count. Writes build/bench/real_grpo.json.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import sys
import tempfile
import time
from dataclasses import asdict, replace
from pathlib import Path
from random import Random
from typing import Any

OUTPUT = Path("build/bench/real_grpo.json")
LIMITS = {"step_s": 25.0, "peak_rss_gb": 5.0}
PARTS = ("generation", "scoring", "training")
SEED = 3
_FILLER = " The files lie in the working folder; keep to what was asked."


def prompts_of(served: Any, count: int, tokens: int) -> list[Any]:
    """Practice prompts of exactly so many tokens, or their own length where that is more."""
    from metaclaw_jlab.agent.practice_prompts import practice_prompt
    from metaclaw_jlab.core.policy import Message
    from metaclaw_jlab.core.prompting import Prompting
    from metaclaw_jlab.core.training import PromptKind
    from metaclaw_jlab.engines.decoder_policy import encoded
    from metaclaw_jlab.practice import draw_house, sample_task

    rng = Random(SEED)
    house = draw_house(rng, "train")
    brief = Prompting(instructions="brief", skills_at="task", ends="ran")
    found = []
    for number in range(count):
        task = sample_task(rng, "train", house, compound=False, names="natural")
        prompt = practice_prompt(task, (), f"task-{number}", PromptKind.QUERY, brief)
        *before, last = prompt.messages
        words = _FILLER.split(" ")
        while len(encoded(served, (*before, last))) < tokens:
            last = Message(
                last.role, f"{last.content} {words[len(last.content) % len(words)]}".rstrip() + " ."
            )
        found.append(replace(prompt, messages=(*before, last)))
    return found


def always_unequal() -> None:
    """Rewards that alternate within a group, each completion being scored all the same."""
    from metaclaw_jlab.engines import grpo_groups
    from metaclaw_jlab.reward_models.credit import GroupRewards

    inner: Any = vars(grpo_groups)["group_rewards"]

    def rewards(answers: Any, **named: Any) -> GroupRewards:
        inner(answers, **named)
        return GroupRewards(tuple(float(i % 2) for i in range(len(answers))), 0, 0)

    setattr(grpo_groups, "group_rewards", rewards)  # noqa: B010


def plan_of(chosen: argparse.Namespace) -> Any:
    """The training that is measured."""
    from metaclaw_jlab.engines.grpo import GrpoPlan

    return GrpoPlan(
        run=1,
        model=chosen.model,
        seed=SEED,
        steps=chosen.steps,
        prompts=chosen.prompts,
        group=chosen.group,
        lr=1e-4,
        rank=16,
        temperature=1.0,
        replay_share=0.0,
        beta=0.0,
        process_weight=0.25,
        micro_batch=0,
        max_tokens=chosen.completion_tokens,
        max_steps=1,
    )


def train(chosen: argparse.Namespace, folder: Path) -> tuple[list[Any], dict[str, Any]]:
    """The reports of all steps, and what was measured of the texts."""
    import torch

    if chosen.threads:
        torch.set_num_threads(chosen.threads)
    from metaclaw_jlab.agent.rooms import SandboxRooms
    from metaclaw_jlab.engines import grpo_trainer
    from metaclaw_jlab.engines.decoder_policy import encoded
    from metaclaw_jlab.engines.grpo import train as train_grpo
    from metaclaw_jlab.engines.local_models import load
    from metaclaw_jlab.executors.sandbox import SandboxPool
    from metaclaw_jlab.runtime.home import open_home

    always_unequal()
    home, began = open_home(None), time.perf_counter()
    served = replace(load(chosen.model, home), eos=frozenset())  # no completion ends before its length
    loading = time.perf_counter() - began
    setattr(grpo_trainer, "load", lambda *_: served)  # noqa: B010
    query = prompts_of(served, chosen.prompts, chosen.prompt_tokens)
    lengths = [len(encoded(served, prompt.messages)) for prompt in query]
    parameters = served.model.num_parameters()
    plan = plan_of(chosen)
    reports: list[Any] = []

    def told(report: Any) -> None:
        reports.append(report)
        print(
            f"step {report.step}: {report.seconds:.1f} s, of which generation {report.generation_seconds:.1f}, "
            f"scoring {report.scoring_seconds:.1f}, training {report.training_seconds:.1f}",
            flush=True,
        )

    with SandboxPool(2, preload=("pandas",)) as pool:
        pool.open().close()
        train_grpo(plan, query, (), SandboxRooms(pool), folder=folder, on_step=told, home=home)
    texts = {"prompt_tokens": lengths, "parameters": parameters, "loading_s": round(loading, 1)}
    return reports, texts


def figures(reports: list[Any], completions: int) -> dict[str, Any]:
    """Medians over the steps that count."""
    counted = reports[1:] or reports
    split = {
        part: round(statistics.median(getattr(one, f"{part}_seconds") for one in counted), 2)
        for part in PARTS
    }
    seconds = statistics.median(one.seconds for one in counted)
    tokens = statistics.median(one.completion_tokens for one in counted) * completions
    return {
        "step_s": round(seconds, 2),
        "split_s": split,
        "share": {part: round(found / seconds, 3) for part, found in split.items()},
        "completion_tokens": tokens,
        "generated_tokens_per_s": round(tokens / max(split["generation"], 1e-9), 1),
    }


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--model", default="smollm2-135m")
    parser.add_argument("--prompts", type=int, default=2)
    parser.add_argument("--group", type=int, default=8)
    parser.add_argument("--prompt-tokens", type=int, default=160)
    parser.add_argument("--completion-tokens", type=int, default=60)
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--threads", type=int, default=0, help="of torch (default: its own choice)")
    chosen = parser.parse_args()
    from metaclaw_jlab.core.errors import ModelUnusable

    with tempfile.TemporaryDirectory() as scratch:
        try:
            reports, texts = train(chosen, Path(scratch))
        except ModelUnusable as error:
            raise SystemExit(f"{chosen.model} is not in METACLAW_HOME: {error}") from error
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    import torch

    result = {
        "model": chosen.model,
        "device": torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu",
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "asked": {name: value for name, value in vars(chosen).items() if name not in ("model", "threads")},
        **texts,
        **figures(reports, chosen.prompts * chosen.group),
        "peak_rss_gb": round(peak / 1e9, 2),
        "limits": LIMITS,
        "steps": [asdict(report) for report in reports],
    }
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    OUTPUT.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps({name: found for name, found in result.items() if name != "steps"}, indent=2))


if __name__ == "__main__":
    main()
