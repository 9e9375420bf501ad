"""Records a trajectory as it goes. A store that fails costs the record, never the task's result."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from metaclaw_jlab.core.errors import StoreError
from metaclaw_jlab.core.trajectory import ProposalRecorder, Recorder, Step, Trajectory


@dataclass(slots=True)
class Recording:
    """Calls of a recorder, in order. One that fails waits and is tried again before the next; the user is told once."""

    recorder: Recorder | None
    on_warning: Callable[[str], None]
    _waiting: list[Callable[[Recorder], None]] = field(default_factory=list)
    _warned: bool = False

    def begin(self, trajectory: Trajectory) -> None:
        """Record an open trajectory."""
        self._send(lambda recorder: recorder.begin(trajectory))

    def append(self, trajectory_id: str, step: Step) -> None:
        """Record the next step."""
        self._send(lambda recorder: recorder.append(trajectory_id, step))

    def observe(self, trajectory_id: str, step: Step) -> None:
        """Record what running the last step did; a recorder without proposals never knew of it and gets it whole."""

        def call(recorder: Recorder) -> None:
            if isinstance(recorder, ProposalRecorder):
                recorder.observe(trajectory_id, step)
            else:
                recorder.append(trajectory_id, step)

        self._send(call)

    def propose(self, trajectory_id: str, step: Step) -> None:
        """Record a step that was not run, where the recorder keeps such."""
        if isinstance(self.recorder, ProposalRecorder):
            self.append(trajectory_id, step)

    def close(self, trajectory: Trajectory) -> None:
        """Record why the trajectory ended."""
        stop = trajectory.stop
        assert stop is not None
        self._send(
            lambda recorder: recorder.close(
                trajectory.id,
                stop,
                detail=trajectory.stop_detail,
                checks=trajectory.checks,
                score=trajectory.score,
                seconds=trajectory.seconds,
            )
        )

    def _send(self, call: Callable[[Recorder], None]) -> None:
        if self.recorder is None:
            return
        self._waiting.append(call)
        try:
            while self._waiting:
                self._waiting[0](self.recorder)
                del self._waiting[0]
        except StoreError as error:
            if not self._warned:
                self._warned = True
                self.on_warning(f"This task is not recorded. {error}")
