"""Where the time of a GRPO step goes, beside TRL as it comes: a Qwen3-0.6B-shaped model with random weights.

    python benchmarks/gpu_grpo.py [--shape qwen3-0.6b|small] [--prompt N] [--completion N] [--group N] [--prompts N]

On a GPU the shape is that of Qwen3-0.6B, without one a small one with short texts that a CPU does within 3 minutes; the
JSON says which. A step is split into generation, scoring (real sandboxes), old log-probabilities, forward and backward.
MFU counts the arithmetic that a step needs (prefill of each prompt once, decoding, forward and backward of a LoRA), not
what was done, against the speed of a large matrix product here. Writes build/bench/gpu_grpo.json.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
from _code_model import SHAPES, Shape, save_model, texts

OUTPUT = Path("build/bench/gpu_grpo.json")
SCORERS = 16
PARTS = ("generation", "scoring", "old_logps", "forward", "backward")


class Clock:
    """Seconds of each part, one entry a step. A part within another one counts for itself alone."""

    def __init__(self) -> None:
        self.steps: list[dict[str, float]] = [defaultdict(float)]
        self._open: list[str] = []
        self._last = 0.0

    def wrap(self, owner: Any, name: str, part: str | Callable[[], str | None]) -> None:
        """Count the time of a method for a part; None leaves it to whoever called it."""
        inner = getattr(owner, name)

        def call(*arguments: Any, **named: Any) -> Any:
            chosen = part() if callable(part) else part
            if chosen is None:
                return inner(*arguments, **named)
            self._turn(chosen)
            try:
                return inner(*arguments, **named)
            finally:
                self._turn(None)

        setattr(owner, name, call)

    def next_step(self) -> None:
        """What follows belongs to another step."""
        self.steps.append(defaultdict(float))

    def _turn(self, part: str | None) -> None:
        import torch

        if torch.cuda.is_available():
            torch.cuda.synchronize()
        now = time.perf_counter()
        if self._open:
            self.steps[-1][self._open[-1]] += now - self._last
        self._last = now
        if part is None:
            self._open.pop()
        else:
            self._open.append(part)


def rooms() -> Any:
    """Real sandboxes."""
    from metaclaw_jlab.agent.rooms import SandboxRooms
    from metaclaw_jlab.executors.sandbox import SandboxPool

    pool = SandboxPool(2, preload=())
    pool.open().close()
    return pool, SandboxRooms(pool)


def train_ours(shape: Shape, model: Path, folder: Path) -> tuple[list[float], Clock]:
    """Seconds of each step, and their parts."""
    from accelerate import Accelerator

    from metaclaw_jlab.agent.group_rollout import PendingGroups
    from metaclaw_jlab.core.policy import Message
    from metaclaw_jlab.core.start_state import StartState
    from metaclaw_jlab.core.task import Check, CheckKind, Task
    from metaclaw_jlab.core.training import PromptKind, TrainingPrompt
    from metaclaw_jlab.engines.completions import Completer
    from metaclaw_jlab.engines.grpo import GrpoPlan, train
    from metaclaw_jlab.engines.grpo_trainer import GroupTrainer

    clock, seconds, began = Clock(), list[float](), list[float]()
    clock.wrap(Completer, "sample", "generation")
    clock.wrap(PendingGroups, "wait", "scoring")
    clock.wrap(GroupTrainer, "compute_loss", "forward")
    clock.wrap(GroupTrainer, "_measure_divergence", "divergence")
    clock.wrap(Accelerator, "backward", "backward")
    step = GroupTrainer.training_step

    def timed(*arguments: Any, **named: Any) -> Any:
        began.append(time.perf_counter())
        return step(*arguments, **named)

    def on_step(_: object) -> None:
        seconds.append(time.perf_counter() - began[-1])
        clock.next_step()

    GroupTrainer.training_step = timed  # type: ignore[method-assign]
    task = Task("", checks=(Check(CheckKind.EXPRESSION, "len(globals()) % 2"),))
    query = [
        TrainingPrompt(str(n), PromptKind.QUERY, task, (Message("user", text),), StartState())
        for n, text in enumerate(texts(shape))
    ]
    plan = GrpoPlan(
        run=1,
        model=str(model),
        seed=1,
        steps=shape.steps,
        prompts=shape.prompts,
        group=shape.group,
        lr=1e-5,
        rank=16,
        temperature=1.0,
        replay_share=0.0,
        beta=0.0,
        process_weight=0.25,
        micro_batch=0,
        max_tokens=shape.completion,
        max_steps=1,
    )
    pool, own = rooms()
    with pool:
        train(plan, query, (), own, folder=folder, on_step=on_step)
    return seconds, clock


def train_trl(shape: Shape, model: Path, folder: Path) -> tuple[list[float], Clock]:
    """The same by TRL as it comes."""
    import torch
    from accelerate import Accelerator
    from datasets import Dataset
    from peft import LoraConfig
    from transformers import AutoModelForCausalLM, AutoTokenizer, TrainerCallback
    from trl import GRPOConfig, GRPOTrainer

    from metaclaw_jlab.agent.parser import parse_reply

    gpu, clock, seconds, began = torch.cuda.is_available(), Clock(), list[float](), list[float]()
    pool, _ = rooms()

    def score(code: str) -> float:
        with pool.open() as sandbox:
            return -1.0 if not code or sandbox.execute(code).error else float(len(code) % 2)

    def reward(completions: list[Any], **_: Any) -> list[float]:
        with ThreadPoolExecutor(SCORERS) as threads:
            return list(threads.map(score, (parse_reply(one).action for one in completions)))

    class Ends(TrainerCallback):
        def on_step_begin(self, *_: Any, **__: Any) -> None:
            began.append(time.perf_counter())

        def on_step_end(self, *_: Any, **__: Any) -> None:
            seconds.append(time.perf_counter() - began[-1])
            clock.next_step()

    clock.wrap(GRPOTrainer, "_generate", "generation")
    clock.wrap(GRPOTrainer, "_calculate_rewards", "scoring")
    clock.wrap(
        GRPOTrainer,
        "_get_per_token_logps_and_entropies",
        lambda: None if torch.is_grad_enabled() else "old_logps",
    )
    clock.wrap(GRPOTrainer, "compute_loss", "forward")
    clock.wrap(Accelerator, "backward", "backward")
    dtype = torch.bfloat16 if gpu else torch.float32
    trainer = GRPOTrainer(
        model=AutoModelForCausalLM.from_pretrained(model, dtype=dtype),
        reward_funcs=[reward],
        args=GRPOConfig(
            output_dir=str(folder),
            use_cpu=not gpu,
            bf16=gpu,
            gradient_checkpointing=gpu,
            num_generations=shape.group,
            per_device_train_batch_size=shape.prompts * shape.group,
            max_completion_length=shape.completion,
            max_steps=shape.steps,
            learning_rate=1e-5,
            beta=0.0,
            loss_type="dr_grpo",
            scale_rewards="none",
            report_to="none",
            save_strategy="no",
            disable_tqdm=True,
            dataloader_pin_memory=False,
        ),
        train_dataset=Dataset.from_dict({"prompt": texts(shape)}),
        processing_class=AutoTokenizer.from_pretrained(model),
        peft_config=LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM"),
        callbacks=[Ends()],
    )
    with pool:
        trainer.train()
    return seconds, clock


def arithmetic(shape: Shape) -> float:
    """Floating-point operations that a step needs: 2 a weight and token forward, as much again backward (a LoRA's own
    weights and the gradients of frozen ones are not counted), attention included."""
    width, keys = shape.heads * shape.head, shape.key_heads * shape.head
    layer = shape.hidden * (2 * width + 2 * keys) + 3 * shape.hidden * shape.feed_forward
    body, head = shape.layers * layer, shape.hidden * shape.vocabulary

    def read(tokens: int, context: float, logits: int) -> float:
        return tokens * (2 * body + 4 * shape.layers * width * context) + 2 * head * logits

    rows, whole = shape.prompts * shape.group, shape.prompt + shape.completion
    prefill = shape.prompts * read(shape.prompt, shape.prompt / 2, 1)
    decode = rows * read(shape.completion, shape.prompt + shape.completion / 2, shape.completion)
    return prefill + decode + 2 * rows * read(whole, whole / 2, shape.completion)


def matrix_speed() -> float:
    """Operations a second of a large matrix product on this device, in the type that is trained in."""
    import torch

    gpu = torch.cuda.is_available()
    size = 8192 if gpu else 1024
    square = torch.randn(
        size, size, device="cuda" if gpu else "cpu", dtype=torch.bfloat16 if gpu else torch.float32
    )
    best = float("inf")
    for _ in range(30):
        began = time.perf_counter()
        product = square @ square
        if gpu:
            torch.cuda.synchronize()
        best = min(best, time.perf_counter() - began)
    del product
    return float(2 * size**3 / best)


def one(name: str, shape: Shape, folder: Path) -> dict[str, Any]:
    """Train by one of them; medians over all steps but the first, which warms up."""
    import torch

    if not torch.cuda.is_available():
        torch.set_num_threads(1)  # as a training of so small a model does
    speed, before = matrix_speed(), time.process_time()
    seconds, clock = {"ours": train_ours, "trl": train_trl}[name](shape, folder / "model", folder / name)
    later = list(zip(seconds, clock.steps, strict=False))[1:]
    step = median(taken for taken, _ in later)
    own = time.process_time() - before  # of the whole training: what a busy machine does not change
    parts = {part: median(found[part] for _, found in later) for part in (*PARTS, "divergence")}
    tokens = shape.prompts * shape.group * shape.completion
    gpu = torch.cuda.is_available()
    memory = (
        torch.cuda.max_memory_allocated() if gpu else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10
    )
    return {
        "step_s": step,
        **{f"{part}_s": taken for part, taken in parts.items()},
        "processor_s": own,
        "rest_s": step - sum(parts.values()),
        "generated_tokens_per_s": tokens / step,
        "matrix_tflops": speed / 1e12,
        "peak_memory_mb": memory >> 20,
    }


def chosen() -> tuple[argparse.Namespace, Shape]:
    """The command line, and the shape that it asks for."""
    import torch

    gpu = torch.cuda.is_available()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--shape", choices=list(SHAPES), default="qwen3-0.6b" if gpu else "small")
    parser.add_argument("--only", choices=["ours", "trl"], help="for the benchmark itself")
    parser.add_argument("--folder", type=Path, help="for the benchmark itself")
    for name in ("prompt", "completion", "group", "prompts", "steps"):
        parser.add_argument(f"--{name}", type=int)
    found = parser.parse_args()
    base = asdict(SHAPES[found.shape])
    return found, Shape(**{name: getattr(found, name, None) or value for name, value in base.items()})


def main() -> None:
    """Train by both, each in a process of its own, and write."""
    found, shape = chosen()
    if found.only:
        print(json.dumps(one(found.only, shape, found.folder)))
        return
    import torch

    gpu = torch.cuda.is_available()
    result: dict[str, Any] = {
        "device": torch.cuda.get_device_name() if gpu else "cpu",
        "cores": os.cpu_count(),
        "shape": asdict(shape),
        "scaled_down": shape != SHAPES["qwen3-0.6b"],
        "note": "" if gpu else "No GPU here: a small model on the CPU. Nothing in it says how a GPU does.",
    }
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        save_model(folder / "model", shape)
        sizes = [word for name, value in asdict(shape).items() for word in (f"--{name}", str(value))]
        kept = {"--prompt", "--completion", "--group", "--prompts", "--steps"}
        sizes = [word for at, word in enumerate(sizes) if sizes[at - at % 2] in kept]
        for name in ("trl", "ours"):
            words = [sys.executable, __file__, "--shape", found.shape, *sizes, "--only", name]
            done = subprocess.run(
                [*words, "--folder", str(folder)], stdout=subprocess.PIPE, text=True, check=True
            )
            result[name] = json.loads(done.stdout.splitlines()[-1])
            print(name, json.dumps(result[name]), flush=True)
    speed = 1e12 * max(result[name].pop("matrix_tflops") for name in ("trl", "ours"))
    result["matrix_tflops"] = speed / 1e12
    for name in ("trl", "ours"):
        result[name]["mfu"] = arithmetic(shape) / result[name]["step_s"] / speed
    result["speed_up"] = result["trl"]["step_s"] / result["ours"]["step_s"]
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    OUTPUT.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
