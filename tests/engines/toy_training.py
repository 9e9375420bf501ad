"""A training small enough to be done again and again: a tiny model whose replies are code now and then."""

from __future__ import annotations

import itertools
import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from metaclaw_jlab.core.errors import ExecutorError, NotFound
from metaclaw_jlab.core.generation import Cause
from metaclaw_jlab.core.policy import Message
from metaclaw_jlab.core.skill import Skill
from metaclaw_jlab.core.start_state import StartState
from metaclaw_jlab.core.task import Check, CheckKind, CheckResult, Origin, Task
from metaclaw_jlab.core.training import PromptKind, TrainingPrompt
from metaclaw_jlab.core.trajectory import Observation
from metaclaw_jlab.runtime.home import Home, open_home
from metaclaw_jlab.runtime.training_folder import Job, TrainingFolder, training_folder, write_job

LETTERS = "abcd"
STEPS = 4
FENCE = "\n```python\n"
TEMPLATE = "{% for m in messages %}{{ m.content }}{% endfor %}"
PRELOADED = ["torch", "datasets", "peft", "transformers", "metaclaw_jlab.engines.grpo_trainer"]
PRELOADED += ["metaclaw_jlab.engines.training_job", "metaclaw_jlab.engines.adapter_trials"]
_server = get_context("forkserver")
_server.set_forkserver_preload(PRELOADED)


def save_model(folder: Path) -> str:
    """A model of few letters and the opening of a code block; its folder."""
    import torch
    import transformers as t
    from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers

    vocabulary = {letter: i for i, letter in enumerate(LETTERS)}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="a"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex("."), "isolated")
    tokenizer.decoder = decoders.Fuse()
    tokenizer.add_tokens([AddedToken(FENCE, normalized=False)])
    tokenizer.add_special_tokens([AddedToken("<|end|>", special=True)])
    fast = t.PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<|end|>", pad_token="<|end|>")
    fast.chat_template = TEMPLATE
    fast.save_pretrained(folder)
    torch.manual_seed(3)
    config = t.Qwen3Config(
        vocab_size=len(LETTERS) + 2,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=8,
        max_position_embeddings=256,
        initializer_range=0.2,
        bos_token_id=None,
        eos_token_id=len(LETTERS) + 1,
        pad_token_id=None,
        tie_word_embeddings=True,
    )
    t.Qwen3ForCausalLM(config).save_pretrained(folder)
    return str(folder)


@dataclass
class ToyRoom:
    """Takes code for what it says: a check of `x` passes where x is among its first letters."""

    hangs: bool = False
    code: str = ""

    def execute(self, code: str, *, on_output: Callable[[str], None] | None = None) -> Observation:
        self.code += code
        return Observation(stdout=code[:2])

    def evaluate(self, check: Check) -> CheckResult:
        if self.hangs:
            threading.Event().wait()
        return CheckResult(check, check.source in self.code[:6], f"There is no {check.source}.")

    def protections(self) -> tuple[str, ...]:
        return ("it runs nothing",)

    def close(self) -> None:
        pass


@dataclass(frozen=True)
class ToyRooms:
    """Implements core.start_state.Rooms."""

    mischief: Mischief

    def open(self, start: StartState, task: Task) -> ToyRoom:
        if self.mischief.rooms_fail:
            raise ExecutorError("There is no room.", "Wait.")
        return ToyRoom(self.mischief.scoring_hangs)

    def isolated(self) -> bool:
        return self.mischief.isolated


class NoPool:
    """Stands where the sandboxes' pool does: nothing runs in a toy room."""

    def close(self) -> None:
        pass


def prompt(number: int, kind: PromptKind = PromptKind.QUERY, id: str = "") -> TrainingPrompt:  # noqa: A002
    """A prompt of three letters, whose task wants three others."""
    words = list(itertools.permutations(LETTERS, 3))
    asked, wanted = "".join(words[(37 * number) % len(words)]), words[(53 * number) % len(words)]
    checks = tuple(Check(CheckKind.EXPRESSION, letter) for letter in wanted)
    task = Task(asked, checks=checks, origin=Origin("a.ipynb", f"c{number}"))
    return TrainingPrompt(id or f"{kind}{number}", kind, task, (Message("user", asked),), StartState())


@dataclass(frozen=True)
class Toy:
    """A home with a run whose folder is furnished."""

    home: Home
    run: int
    folder: TrainingFolder
    ids: tuple[str, ...] = field(default=())


def prepared(path: Path, model: str, **changes: object) -> Toy:
    """A home with query trajectories that a run has drained, and their prompts in its folder."""
    from metaclaw_jlab.core.training import RunState
    from metaclaw_jlab.store.database import open_database
    from metaclaw_jlab.store.prompts import write_prompts
    from metaclaw_jlab.store.query import Query
    from metaclaw_jlab.store.start_states import StartStates
    from metaclaw_jlab.store.training import Training
    from metaclaw_jlab.store.trajectories import Trajectories
    from tests.store.samples import ended

    home = open_home(path)
    database = open_database(home.database)
    trajectories, starts = Trajectories(database), StartStates(database)
    for number in range(8):
        done = ended(f"t{number}", task=prompt(number).task, checks=())
        trajectories.record(done)
        starts.keep(done.id, StartState(objects={"n": str(number).encode()}))
        trajectories.admit(done.id)
    training = Training(database)
    run = training.begin(skill_generation=0, base="toy", base_sha256="0", seed=5, steps=STEPS).number
    ids = Query(database).drain(Query(database).waiting(), run)
    training.change(run, RunState.TRAINING, "")
    database.close()
    folder = training_folder(home, run)
    numbers = {f"t{number}": number for number in range(8)}
    write_prompts(folder.query, [prompt(numbers[id_], id=id_) for id_ in ids])
    write_prompts(folder.replay, [prompt(number, PromptKind.REPLAY) for number in range(20, 24)])
    plan = {
        "run": run,
        "model": model,
        "seed": 5,
        "steps": STEPS,
        "prompts": 4,
        "group": 4,
        "lr": 1e-2,
        "rank": 4,
        "temperature": 1.0,
        "replay_share": 0.5,
        "beta": 0.0,
        "process_weight": 0.25,
        "micro_batch": 0,
        "max_tokens": 12,
        "max_steps": 2,
    }
    write_job(folder, Job(plan | changes, {"preload": []}, workers=1, niceness=0))
    return Toy(home, run, folder, ids)


@dataclass(frozen=True)
class Mischief:
    """What happens to a worker from inside. At the n-th look at its stop flag: a signal to itself. In the backward pass
    of a step: memory that runs out, a loss that is no number, something that another process does to the store."""

    at_look: int = 0
    signal: int = signal.SIGTERM
    out_of_memory: int = 0  # so many backward passes in a row
    not_a_number_at: int = 0  # the step
    advance_at: int = 0  # the step while which the skill generation advances
    forget_at: int = 0  # the step while which a prompt's trajectory is forgotten
    scoring_hangs: bool = False
    rooms_fail: bool = False
    isolated: bool = True
    taken_for_large: bool = False  # read in packs, in half precision
    forgotten: str = ""
    looks_file: str = ""  # where the looks are counted


def work(arguments: list[str], stdin: Connection, stdout: Connection, log: str, mischief: Mischief) -> None:
    """A worker in a fork of the server, with standard streams of its own."""
    os.setsid()
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for number, own in enumerate((stdin.fileno(), stdout.fileno(), descriptor)):
        os.dup2(own, number)
    sys.stdin, sys.stdout = open(0, closefd=False), open(1, "w", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", closefd=False)  # noqa: SIM115
    import torch

    torch.set_num_threads(1)
    from metaclaw_jlab.engines import train_worker, work

    setattr(work, "SandboxPool", lambda *_, **__: NoPool())  # noqa: B010
    setattr(work, "SandboxRooms", lambda _: ToyRooms(mischief))  # noqa: B010
    _arrange(mischief, Path(arguments[1]))
    if mischief.taken_for_large:
        _take_for_large()
    train_worker.main(arguments)


def _take_for_large() -> None:
    from metaclaw_jlab.engines import grpo_trainer, packed_reader, precision

    for module in (grpo_trainer, packed_reader, precision):
        setattr(module, "TINY_PARAMETERS", 0)  # noqa: B010
    setattr(precision, "_has_instructions", lambda: True)  # noqa: B010


def _arrange(mischief: Mischief, home: Path) -> None:
    from metaclaw_jlab.engines.grpo_trainer import GroupTrainer
    from metaclaw_jlab.engines.stopping import StopFlag
    from metaclaw_jlab.store.database import Database, open_database
    from metaclaw_jlab.store.skills import Skills
    from metaclaw_jlab.store.trajectories import Trajectories

    def database() -> Database:
        return open_database(open_home(home).database)

    looks, check, accumulate = itertools.count(1), StopFlag.check, GroupTrainer._accumulate
    failures = itertools.count(1)

    def counted(self: StopFlag) -> None:
        look = next(looks)
        if look == mischief.at_look:
            os.kill(os.getpid(), mischief.signal)
            self.wait(10)
        if mischief.looks_file:
            Path(mischief.looks_file).write_text(str(look))
        check(self)

    def troubled(self: Any, model: Any, rows: Any) -> Any:
        import torch

        step = self.state.global_step + 1
        if step == mischief.not_a_number_at:
            rows = [replace(row, advantage=float("nan")) for row in rows]
        if mischief.out_of_memory and next(failures) <= mischief.out_of_memory:
            raise torch.OutOfMemoryError("made up")
        found = accumulate(self, model, rows)
        if step == mischief.advance_at:
            Skills(database()).commit_generation(Cause.USER, [Skill("new", "Says how.", "Do it.")])
        if step == mischief.forget_at:
            with suppress(NotFound):  # the step is done twice
                Trajectories(database()).forget(mischief.forgotten)
        return found

    StopFlag.check = counted  # type: ignore[method-assign]
    GroupTrainer._accumulate = troubled  # type: ignore[method-assign]


@dataclass
class Forked:
    """A worker that was forked from the server."""

    process: Any
    stdin: Connection
    stdout: Connection

    def say(self, word: bytes) -> None:
        """Send a word, or hang up where there is none."""
        if word:
            os.write(self.stdin.fileno(), word)
        else:
            self.stdin.close()

    def events(self) -> Iterator[Mapping[str, Any]]:
        """What it tells, to its end."""
        with open(os.dup(self.stdout.fileno()), "rb") as lines:
            for line in lines:
                yield json.loads(line)

    def end(self) -> list[Mapping[str, Any]]:
        """All that it told; it has ended then."""
        found = list(self.events())
        self.process.join()
        return found


@contextmanager
def forked(toy: Toy, *more: str, mischief: Mischief | None = None) -> Iterator[Forked]:
    """Start a worker on a toy."""
    arguments = ["--home", str(toy.home.path), "--run", str(toy.run), *more]
    (theirs_in, ours_in), (ours_out, theirs_out) = _server.Pipe(False), _server.Pipe(False)
    process = _server.Process(
        target=work,
        args=(arguments, theirs_in, theirs_out, str(toy.folder.log), mischief or Mischief()),
        daemon=True,
    )
    process.start()
    theirs_in.close()
    theirs_out.close()
    try:
        yield Forked(process, ours_in, ours_out)
    finally:
        process.kill()
        process.join()
        ours_in.close()
        ours_out.close()


def run_to_end(toy: Toy, *more: str, mischief: Mischief | None = None) -> list[Mapping[str, Any]]:
    """Everything that a worker told."""
    with forked(toy, *more, mischief=mischief) as worker:
        return worker.end()


def weights(toy: Toy) -> dict[str, Any]:
    """The trained adapter."""
    from safetensors.torch import load_file

    found: dict[str, Any] = load_file(toy.folder.adapter / "adapter_model.safetensors")
    return found
