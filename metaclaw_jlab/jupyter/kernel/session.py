"""What one kernel works with: its workspace, its last task, and where its cells are."""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from metaclaw_jlab.core.task import Origin, Reference, Task
from metaclaw_jlab.core.trajectory import StopReason, Trajectory
from metaclaw_jlab.jupyter.kernel.activity import KernelActivity
from metaclaw_jlab.jupyter.kernel.linking import Linking
from metaclaw_jlab.jupyter.kernel.proposed_cell import Mark, proposed_cell

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from metaclaw_jlab.agent.references import Found
    from metaclaw_jlab.agent.rollout import Rollout
    from metaclaw_jlab.assembly import Workspace
    from metaclaw_jlab.core.config import Settings
    from metaclaw_jlab.core.executor import Executor
    from metaclaw_jlab.core.retriever import Match
    from metaclaw_jlab.jupyter.kernel.arguments import CellOptions
    from metaclaw_jlab.jupyter.kernel.display import Reporter
    from metaclaw_jlab.jupyter.kernel.learning import KernelLearning
    from metaclaw_jlab.jupyter.kernel.start_state import Captured
    from metaclaw_jlab.store.feedback import Feedbacks

logger = logging.getLogger(__name__)

EMBEDDED_NOTE = (
    "The embedded practice model answers. It knows only the practice tasks "
    "(else: %metaclaw local NAME, or connect URL)."
)


EXPIRY_SECONDS = 60.0


class KernelSession:
    """The agent's side of one kernel. What is heavy is opened by the first task, not by `%load_ext`."""

    def __init__(self, shell: InteractiveShell) -> None:
        self.shell = shell
        self.last: Trajectory | None = None
        self.busy = False
        self.linking = Linking(self)
        self.activity = KernelActivity(notebook=lambda: self.origin().notebook)
        self.options: dict[str, CellOptions] = {}  # of the open tasks of this session, the newest last
        self._learn: bool | None = None
        self._recalled = False
        self._expired_at = 0.0
        self._opening = threading.Lock()
        self._workspace: Workspace | None = None
        self._kernel_learning: KernelLearning | None = None
        self._cell_id: str | None = None
        self._told: set[str] = set()
        self._to_ask: Captured | None = None
        self._asked = False

    def workspace(self) -> Workspace:
        """The workspace of this kernel's home, opened when first needed."""
        with self._opening:
            if self._workspace is None:
                from metaclaw_jlab.assembly import open_workspace

                self._workspace = open_workspace()
            return self._workspace

    def kernel_learning(self) -> KernelLearning:
        """What learns beside the user's work in this kernel."""
        if self._kernel_learning is None:
            from metaclaw_jlab.jupyter.kernel.learning import KernelLearning

            self._kernel_learning = KernelLearning(self.workspace())
        return self._kernel_learning

    def before_cell(self, info: Any) -> None:
        """Remember which cell runs; code that the agent runs is none."""
        if not self.busy:
            self.activity.before_cell()
            self._cell_id = getattr(info, "cell_id", None)
            self.linking.before(info)

    def after_cell(self, result: Any) -> None:
        """Take down what a proposed cell did."""
        if not self.busy:
            self.activity.after_cell()
            self.linking.after(result)

    def reporter(self) -> Reporter:
        """How something is shown to the user now."""
        from metaclaw_jlab.jupyter.kernel.display import reporter_for

        return reporter_for(self.shell)

    def origin(self) -> Origin:
        """Notebook and cell, as far as the front end tells."""
        named = self.shell.user_ns.get("__vsc_ipynb_file__") or os.environ.get("JPY_SESSION_NAME")
        return Origin(named or None, self._cell_id)

    def references(self, text: str, limit: int) -> Found:
        """What a task refers to in this session."""
        from metaclaw_jlab.agent.references import find_references

        return find_references(text, self._lookup, limit)

    def file_references(self, text: str) -> tuple[Reference, ...]:
        """The first rows of the files of the working folder that a task names, for a policy that is shown them."""
        from metaclaw_jlab.agent.file_references import file_references
        from metaclaw_jlab.jupyter.kernel.named_files import beginnings

        rows = self.workspace().prompting().file_rows
        return file_references(beginnings(Path.cwd(), text), rows) if rows else ()

    def _lookup(self, name: str) -> object | None:
        space = self.shell.user_ns
        if name == "Err":
            return getattr(sys, "last_exc", None) or getattr(sys, "last_value", None)
        if name.startswith(("In[", "Out[")):
            kind, number = name[:-1].split("[")
            cells = space.get(kind, {})
            try:
                found: object = cells[int(number)]
            except (LookupError, TypeError):
                return None
            return found
        value: object | None = space.get(name)
        return value

    def capture(self, task: Task, settings: Settings) -> Captured | None:
        """What a task starts from, before anything runs; None where it may not teach, or could not be looked at."""
        if not self.learning(settings):
            return None
        from metaclaw_jlab.jupyter.kernel.start_state import View, capture

        hidden = frozenset(self.shell.user_ns_hidden)
        try:
            return capture(
                task, View(self.shell.user_ns, hidden, self._lookup, Path.cwd()), settings.training
            )
        except Exception as error:  # the user's task comes first
            logger.warning("What the task starts from could not be looked at.", exc_info=error)
            return None

    def started(self, trajectory: Trajectory, captured: Captured) -> None:
        """A task has begun from this."""
        self.kernel_learning().begun(trajectory, captured)
        self._to_ask = captured if captured.asks else None

    def ask_for_leave(self, reporter: Reporter) -> None:
        """Where the start of the last task would have been kept with the user's leave, ask for it, once ever."""
        captured, self._to_ask = self._to_ask, None
        if captured is not None and not self._asked:
            from metaclaw_jlab.jupyter.kernel.leave import question

            self._asked = True
            if sentence := question(captured, self.workspace()):
                reporter.note(sentence)

    def feedbacks(self) -> Feedbacks:
        """What was said about tasks."""
        from metaclaw_jlab.store.feedback import Feedbacks

        return Feedbacks(self.workspace().database())

    def learning(self, settings: Settings) -> bool:
        """Whether the tasks of this notebook may teach; where it is not known, those of this session."""
        from metaclaw_jlab.store.notebooks import Notebooks

        notebook = self.origin().notebook
        kept = self._learn if notebook is None else Notebooks(self.workspace().database()).learn(notebook)
        return settings.agent.learn if kept is None else kept

    def set_learning(self, on: bool) -> str | None:
        """Switch it from the next prompt on; the notebook that it is kept for, None where for this session only."""
        from metaclaw_jlab.store.notebooks import Notebooks

        notebook = self.origin().notebook
        if notebook is None:
            self._learn = on
        else:
            Notebooks(self.workspace().database()).set_learn(notebook, on)
        return notebook

    def recall(self) -> None:
        """Once a session, know again the proposals of this notebook that wait from before."""
        notebook = self.origin().notebook
        if self._recalled or notebook is None:
            return
        self._recalled = True
        for trajectory in reversed(self.workspace().trajectories().waiting(notebook)):
            step = trajectory.steps[-1]
            self.linking.proposals.add(Mark(trajectory.id, step.index), step.action)

    def expire(self, settings: Settings) -> None:
        """Close the proposals that nobody ran in time; looked at once a minute at most."""
        now = time.time()
        if now - self._expired_at < EXPIRY_SECONDS:
            return
        self._expired_at = now
        for trajectory_id in (
            self.workspace().trajectories().expire(now - settings.agent.proposal_hours * 3600)
        ):
            self._forget_open(trajectory_id)

    def offer(self, trajectory: Trajectory, options: CellOptions) -> None:
        """Put a proposal before the user, in a cell of its own."""
        step = trajectory.steps[-1]
        mark = Mark(trajectory.id, step.index)
        self.last = trajectory
        self.options[trajectory.id] = options
        self.linking.proposals.add(mark, step.action)
        self.shell.set_next_input(proposed_cell(mark, step.action))
        if trajectory.learn:
            self.kernel_learning().offered(trajectory)

    def ended(self, trajectory: Trajectory) -> None:
        """A task has ended, or something was said about it since. It costs the user's thread no time."""
        self.last = trajectory
        self._forget_open(trajectory.id)
        if trajectory.learn:
            self.kernel_learning().ended(trajectory)

    def watch_learning(self, trajectory: Trajectory, reporter: Reporter) -> None:
        """Say in one place that a failed task is being learned from, and then what was learned."""
        if trajectory.learn and self.workspace().settings().evolver.kind != "off":
            show = reporter.live(
                "MetaClaw: learning from it beside your work · %metaclaw evolve waits for it"
            )
            self.kernel_learning().watch(trajectory.id, show)

    def take_up(self) -> None:
        """Look at what kernels that died have left, where there is a home already; beside the user's work."""
        from metaclaw_jlab.runtime.home import Home, default_path
        from metaclaw_jlab.runtime.processes import mark_alive

        if Home(default_path()).database.exists():
            self.workspace().trajectories().interrupt_orphans(mark_alive)
            self.kernel_learning().beside.wake()

    def tell_what_was_learned(self, reporter: Reporter) -> None:
        """Say what was learned since the last task."""
        if self._kernel_learning is not None:
            for sentence in self._kernel_learning.notices():
                reporter.note(sentence)

    def _forget_open(self, trajectory_id: str) -> None:
        self.linking.proposals.settle_all(trajectory_id)
        self.options.pop(trajectory_id, None)

    def without_policy(self, trajectory: Trajectory, reporter: Reporter) -> Rollout:
        """How a task is taken on where its policy is not asked: to observe a step, or to end it."""
        from metaclaw_jlab.agent.rollout import Rollout
        from metaclaw_jlab.jupyter.kernel.cell_executor import CellExecutor
        from metaclaw_jlab.policies.scripted import ScriptedPolicy

        workspace = self.workspace()
        agent = workspace.settings().agent
        options = self.options.get(trajectory.id)
        return Rollout(
            policy=ScriptedPolicy((), model=trajectory.stamp.model),
            executor=CellExecutor(self.shell, agent.observation_chars),
            recorder=workspace.trajectories(),
            prompting=workspace.prompting(),
            max_steps=(options.steps if options else None) or agent.steps,
            on_end=self.ended,
            on_warning=reporter.note,
        )

    def rollout(
        self,
        options: CellOptions,
        settings: Settings,
        executor: Executor,
        reporter: Reporter,
        *,
        begun: str | None = None,
    ) -> Rollout:
        """How this cell's task is done, by the version of the local policy with which it was `begun`, where it was.

        Starts the local policy server where it is wanted and not running.
        """
        from metaclaw_jlab.agent.rollout import Rollout
        from metaclaw_jlab.assembly import uses_embedded_policy
        from metaclaw_jlab.core.policy import Sampling

        workspace = self.workspace()
        self.recall()
        self.expire(settings)
        policy = workspace.policy(reporter.progress, begun=begun, lasting=True)
        library = workspace.synchronised()
        if uses_embedded_policy(settings):
            self.tell_once(EMBEDDED_NOTE, reporter)
        for problem in library.problems:
            self.tell_once(problem.sentence, reporter)
        if library.adopted:
            reporter.note(
                f"MetaClaw: edited by hand: {', '.join(library.adopted)} · g{library.generation.number}"
            )
        skills = library.skills if options.with_skills else ()

        def retrieve(task: Task) -> tuple[Match, ...]:
            reporter.seeks()
            return workspace.retrieve(task, skills)

        return Rollout(
            policy=policy,
            executor=executor,
            recorder=workspace.trajectories(),
            retrieve=retrieve,
            generation=library.generation.number,
            prompting=workspace.prompting(),
            sampling=Sampling(
                temperature=settings.policy.temperature,
                max_tokens=settings.policy.max_tokens,
                seed=options.seed,
                extra=settings.policy.extra,
            ),
            max_steps=options.steps or settings.agent.steps,
            learn=self.learning(settings),
            on_begin=reporter.begun,
            on_text=reporter.text,
            on_proposal=lambda _: reporter.end_of_text(),
            on_end=self.ended,
            on_warning=reporter.note,
        )

    def tell_once(self, sentence: str, reporter: Reporter) -> None:
        """Say something that stays true once a session, not with every task."""
        if sentence not in self._told:
            self._told.add(sentence)
            reporter.note(sentence)

    def told(self, sentence: str) -> bool:
        """Whether it was said in this session."""
        return sentence in self._told

    def tell_if_out_of_its_depth(self, trajectory: Trajectory, reporter: Reporter) -> None:
        """Where the embedded policy failed, say again what it is: the task may be none that it knows."""
        from metaclaw_jlab.assembly import uses_embedded_policy

        fine = trajectory.stop is None or trajectory.stop is StopReason.DONE
        if not fine and uses_embedded_policy(self.workspace().settings()):
            reporter.note(EMBEDDED_NOTE)
