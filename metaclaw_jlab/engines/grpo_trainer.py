"""TRL's GRPO trainer, fed with groups that were run to the end of their tasks."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import fmean
from typing import Any

import torch
from datasets import Dataset
from peft import LoraConfig, PeftModel
from transformers import PrinterCallback, ProgressCallback, TrainerCallback, set_seed
from trl.trainer.grpo_config import GRPOConfig
from trl.trainer.grpo_trainer import GRPOTrainer

from metaclaw_jlab.core.errors import Diverged, MemoryTooSmall, TrainingError
from metaclaw_jlab.core.start_state import Rooms
from metaclaw_jlab.core.training import StepReport, TrainingPrompt
from metaclaw_jlab.engines.batches import can_roll
from metaclaw_jlab.engines.completions import Completer
from metaclaw_jlab.engines.grpo import CLIP_HIGH, CLIP_LOW, MOST_EQUAL_STEPS, GrpoPlan
from metaclaw_jlab.engines.grpo_groups import Collected, GroupCollector, TrainingRow
from metaclaw_jlab.engines.local_models import LocalModel, load
from metaclaw_jlab.engines.packed_reader import PackedReader, packable, packs, padded
from metaclaw_jlab.engines.precision import TINY_PARAMETERS, halved, halves
from metaclaw_jlab.engines.stopping import StopFlag
from metaclaw_jlab.engines.training_checkpoint import Sealing, aside
from metaclaw_jlab.reward_models.judge import Judge
from metaclaw_jlab.runtime.home import Home

_log = logging.getLogger(__name__)
CPU_ROWS = 16  # completions in one forward pass, where memory is the machine's own
PACK_TOKENS = (
    1024  # of one prompt and its completions: 1.5 GB with 135M parameters, a layer in a fraction of a second
)
KL_ROWS = 8  # completions a step whose divergence from the base is computed
_SEEDS = 2**31


class GroupTrainer(GRPOTrainer):
    """One optimiser step a batch of groups. `model` is the PEFT model, `completer` decodes on the same weights."""

    def __init__(
        self,
        plan: GrpoPlan,
        ordered: Sequence[TrainingPrompt],
        collector: GroupCollector,
        on_step: Callable[[StepReport], None],
        on_memory: Callable[[int], None],
        **arguments: Any,
    ) -> None:
        super().__init__(**arguments)
        # Told of it before, TRL would keep a copy of the parent as the reference, which is saved with the adapter.
        self.beta = plan.beta
        self._plan = plan
        self._ordered = ordered
        self._collector = collector
        self._on_step = on_step
        self._on_memory = on_memory
        self._collected: Collected | None = None
        self._equal_steps = 0
        self.packed: PackedReader | None = None
        self._kl: list[float] = []
        self._logps: torch.Tensor | None = None
        self._micro_batch = plan.micro_batch or (
            plan.prompts * plan.group if torch.cuda.is_available() else CPU_ROWS
        )
        self._began = self._trained = 0.0
        self.trouble: tuple[str, str] | None = None

    def training_step(self, model: Any, inputs: Any, num_items_in_batch: Any = None) -> torch.Tensor:  # noqa: ARG002
        """Complete, run, score, and add up the gradient. A step without any group of unequal reward changes nothing."""
        self._began = time.perf_counter()
        model.train()
        prompts = [self._ordered[row["number"]] for row in inputs[:: self._plan.group]]
        collected = self._collected = self._collector.collect(self.state.global_step, prompts, self._ordered)
        self._step += 1
        self._kl = []
        started = time.perf_counter()
        if not collected.rows:
            self._nothing_learnt()
            loss = torch.zeros((), device=model.device)
        else:
            self._equal_steps = 0
            loss = self._backward(model, sorted(collected.rows, key=lambda row: row.length))
        self._trained = time.perf_counter() - started
        return loss

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Report a step where these are a step's numbers."""
        super().log(logs, start_time)
        if "loss" in logs and self._collected is not None:
            self._on_step(self._report(logs, self._collected))
            self._collected = None

    def create_model_card(self, *_: Any, **__: Any) -> None:
        """None: an adapter's card is written when it is kept."""

    def _nothing_learnt(self) -> None:
        self._equal_steps += 1
        if self._equal_steps >= MOST_EQUAL_STEPS:
            raise TrainingError(
                f"In {MOST_EQUAL_STEPS} steps all completions of each prompt had equal rewards: nothing can be learnt.",
                "The tasks are too easy or too hard for the policy, or nothing could be scored; work on, or raise "
                "training.temperature.",
            )

    def _backward(self, model: Any, rows: Sequence[TrainingRow]) -> torch.Tensor:
        """The mean loss, its gradient added up over micro-batches; memory that runs out halves them."""
        while True:
            try:
                return self._accumulate(model, rows)
            except torch.OutOfMemoryError as error:
                if self._micro_batch <= 1:
                    raise MemoryTooSmall(
                        "The memory does not hold one completion of this training.",
                        "Lower training.rank, or train a smaller model.",
                    ) from error
                model.zero_grad()
                self._micro_batch = max(1, min(self._micro_batch, len(rows)) // 2)
                if torch.cuda.is_available():
                    torch.cuda.empty_cache()
                _log.warning("out of memory: going on with %d completions at a time", self._micro_batch)
                self._on_memory(self._micro_batch)

    def _accumulate(self, model: Any, rows: Sequence[TrainingRow]) -> torch.Tensor:
        total = torch.zeros((), device=model.device)
        for some in self._together(rows):
            part = self._tensors(some)
            if self.beta:
                part["ref_per_token_logps"] = self._base_logps(model, part)
            with self.compute_loss_context_manager():
                loss = self.compute_loss(model, part) * (len(some) / len(rows))
            if not torch.isfinite(loss):
                raise Diverged(
                    f"The loss of step {self.state.global_step + 1} is not a number.",
                    "Nothing of this step was kept. Lower training.lr.",
                )
            self.accelerator.backward(loss)
            total = total + loss.detach()
            self._measure_divergence(model, part, -(-KL_ROWS * len(some) // len(rows)))
        return total

    def _together(self, rows: Sequence[TrainingRow]) -> list[Sequence[TrainingRow]]:
        """What is read in one pass: rows of any prompts side by side, or those of one prompt behind each other."""
        if self.packed is not None:
            return packs(rows, PACK_TOKENS, self._micro_batch)
        return [rows[i : i + self._micro_batch] for i in range(0, len(rows), self._micro_batch)]

    def _get_per_token_logps_and_entropies(self, *arguments: Any, **named: Any) -> Any:
        found = self._read(*arguments, **named)
        self._logps = found[0].detach()
        return found

    def _read(
        self,
        model: Any,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor,
        logits_to_keep: int,
        **named: Any,
    ) -> Any:
        """Log-probabilities and entropies of the completions' tokens: (rows, tokens) each."""
        if self.packed is None:
            return super()._get_per_token_logps_and_entropies(
                model, input_ids, attention_mask, logits_to_keep, **named
            )
        seen = attention_mask.bool()
        prompt = input_ids[0, :-logits_to_keep][seen[0, :-logits_to_keep]].tolist()
        completions = [
            ids[-logits_to_keep:][own[-logits_to_keep:]].tolist()
            for ids, own in zip(input_ids, seen, strict=True)
        ]
        with self.accelerator.autocast():
            found = self.packed.read(prompt, completions)
        return *(padded(one, logits_to_keep) for one in found), None

    def _measure_divergence(self, model: Any, batch: dict[str, torch.Tensor], count: int) -> None:
        """KL to the base in nats per token, by the estimator k3 (Schulman 2020), on a few rows."""
        assert self._logps is not None
        few = {name: tensor[:count] for name, tensor in batch.items()}
        mine, mask = self._logps[:count], few["completion_mask"]
        known = few.get("ref_per_token_logps")
        ratio = (self._base_logps(model, few) if known is None else known) - mine
        kl = ((ratio.exp() - ratio - 1) * mask).sum() / mask.sum().clamp(min=1)
        self._kl.append(float(kl))

    def _base_logps(self, model: Any, batch: dict[str, torch.Tensor]) -> torch.Tensor:
        """Log-probabilities of the completions' tokens without the adapter: (rows, tokens)."""
        mask = batch["completion_mask"]
        ids = torch.cat([batch["prompt_ids"], batch["completion_ids"]], dim=1)
        seen = torch.cat([batch["prompt_mask"], mask], dim=1)
        with torch.no_grad(), model.disable_adapter():
            base: torch.Tensor = self._read(model, ids, seen, mask.size(1))[0]
        return base

    def _tensors(self, rows: Sequence[TrainingRow]) -> dict[str, torch.Tensor]:
        """Prompts padded on the left, completions on the right: (rows, tokens) each; advantages (rows)."""
        pad = _pad(self.processing_class)
        wide, long = max(len(row.prompt) for row in rows), max(len(row.tokens) for row in rows)
        left = [wide - len(row.prompt) for row in rows]
        right = [long - len(row.tokens) for row in rows]

        def integers(values: list[list[int]]) -> torch.Tensor:
            return torch.tensor(values, device=self.accelerator.device)

        return {
            "prompt_ids": integers([[pad] * n + [*row.prompt] for row, n in zip(rows, left, strict=True)]),
            "prompt_mask": integers([[0] * n + [1] * (wide - n) for n in left]),
            "completion_ids": integers(
                [[*row.tokens] + [pad] * n for row, n in zip(rows, right, strict=True)]
            ),
            "completion_mask": integers([[1] * (long - n) + [0] * n for n in right]),
            "advantages": torch.tensor([row.advantage for row in rows], device=self.accelerator.device),
        }

    def _report(self, logs: dict[str, float], collected: Collected) -> StepReport:
        seconds = time.perf_counter() - self._began
        return StepReport(
            step=self.state.global_step,
            reward=collected.reward,
            loss=float(logs["loss"]),
            kl=fmean(self._kl) if self._kl else None,
            entropy=logs.get("entropy"),
            grad_norm=float(logs["grad_norm"]) if "grad_norm" in logs else None,
            completion_tokens=collected.mean_tokens,
            groups=collected.groups,
            equal_groups=collected.equal,
            unscored=collected.unscored,
            mismatched=collected.mismatched,
            query_reward=collected.query_reward,
            replay_reward=collected.replay_reward,
            tokens_per_second=collected.tokens / max(seconds, 1e-9),
            generation_seconds=collected.generation_seconds,
            scoring_seconds=collected.scoring_seconds,
            training_seconds=self._trained,
            seconds=seconds,
        )


class _BeforeStep(TrainerCallback):
    """Asks, right before the optimiser moves the weights, whether it still may."""

    def __init__(self, before_step: Callable[[int], None], stop: StopFlag | None) -> None:
        self._before_step = before_step
        self._stop = stop

    def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002
        if self._stop is not None:
            self._stop.check()
        self._before_step(state.global_step)


def make_trainer(
    plan: GrpoPlan,
    ordered: Sequence[TrainingPrompt],
    rooms: Rooms,
    folder: Path,
    on_step: Callable[[StepReport], None],
    before_step: Callable[[int], None],
    stop: StopFlag | None,
    trainable: Callable[[], frozenset[str]] | None,
    on_memory: Callable[[int], None],
    judge: Judge | None = None,
    home: Home | None = None,
) -> GroupTrainer:
    """The trainer of a plan, its model loaded. Raises ModelUnusable, TrainingError."""
    set_seed(plan.seed % _SEEDS)
    served = load(plan.model, home)
    packing = packable(served, plan.temperature)  # asked of the model in single precision
    served = halved(served)
    tiny = served.model.num_parameters() < TINY_PARAMETERS
    if tiny:
        torch.set_num_threads(1)
    made = _with_parent(served, plan)
    trainer = GroupTrainer(
        plan,
        ordered,
        _collector(plan, served, rooms, stop, trainable, judge),
        on_step,
        on_memory,
        model=made,
        reward_funcs=[_no_reward],
        args=_configuration(plan, folder, checkpointing=not (tiny or packing), half=halves(served)),
        train_dataset=Dataset.from_dict({"prompt": [""] * len(ordered), "number": list(range(len(ordered)))}),
        processing_class=served.tokenizer,
        peft_config=None if plan.parent else _lora(plan),
        callbacks=[_BeforeStep(before_step, stop), Sealing(folder / "checkpoints")],
    )
    for callback in (PrinterCallback, ProgressCallback):
        trainer.remove_callback(callback)
    wrapped: Any = trainer.model
    inner = wrapped.base_model.model
    if served.rolling and not can_roll(inner.eval()):
        raise TrainingError(
            f"{plan.model} decodes otherwise with an adapter than without.", "Report this as a bug."
        )
    trainer._collector.completer.model = inner
    _log.info("training in %s, prompts read %s", inner.dtype, "once a group" if packing else "row by row")
    if packing:
        trainer.packed = PackedReader(inner, plan.temperature, stop.check if stop is not None else _nothing)
    return trainer


def _nothing() -> None:
    pass


def _collector(
    plan: GrpoPlan,
    served: LocalModel,
    rooms: Rooms,
    stop: StopFlag | None,
    trainable: Callable[[], frozenset[str]] | None,
    judge: Judge | None,
) -> GroupCollector:
    completer = Completer(served, served.model, plan.max_tokens)
    threads = ThreadPoolExecutor(plan.prompts * plan.group, thread_name_prefix="metaclaw-group")
    return GroupCollector(plan, completer, rooms, threads, stop, trainable, judge)


def _with_parent(served: LocalModel, plan: GrpoPlan) -> Any:
    if plan.parent is None:
        return served.model
    return PeftModel.from_pretrained(served.model, plan.parent, is_trainable=True)


def _lora(plan: GrpoPlan) -> LoraConfig:
    return LoraConfig(
        r=plan.rank,
        lora_alpha=2 * plan.rank,
        lora_dropout=0.0,
        target_modules="all-linear",
        task_type="CAUSAL_LM",
    )


def _configuration(plan: GrpoPlan, folder: Path, *, checkpointing: bool, half: bool) -> GRPOConfig:
    gpu = torch.cuda.is_available()
    return GRPOConfig(
        output_dir=str(aside(folder / "checkpoints")),
        use_cpu=not gpu,
        bf16=half or (gpu and torch.cuda.is_bf16_supported()),
        fp16=False,
        gradient_checkpointing=checkpointing,
        num_generations=plan.group,
        per_device_train_batch_size=plan.prompts * plan.group,
        steps_per_generation=1,
        max_completion_length=plan.max_tokens,
        learning_rate=plan.lr,
        lr_scheduler_type="constant",
        max_steps=plan.steps,
        beta=0.0,  # GroupTrainer sets it
        temperature=plan.temperature,
        epsilon=CLIP_LOW,
        epsilon_high=CLIP_HIGH,
        loss_type="dr_grpo",
        scale_rewards="none",
        shuffle_dataset=False,
        report_to=plan.report_to,
        save_strategy="steps",
        save_steps=1,
        dataloader_num_workers=0,
        dataloader_pin_memory=False,
        disable_tqdm=True,
        seed=plan.seed % _SEEDS,
        logging_steps=1,
        disable_dropout=True,
    )


def _no_reward(completions: list[Any], **_: Any) -> list[float]:
    """TRL wants a reward function; ours are in the groups."""
    return [0.0] * len(completions)


def _pad(tokenizer: Any) -> int:
    """A token to fill up with: masked, so any does."""
    return int(tokenizer.pad_token_id if tokenizer.pad_token_id is not None else 0)
