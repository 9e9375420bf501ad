from metaclaw_jlab.assembly import Workspace
from metaclaw_jlab.core.adapter import AdapterStatus
from metaclaw_jlab.inspection.pulse import Pulse, pulse
from metaclaw_jlab.store.adapters import Adapters
from metaclaw_jlab.store.serving import Serving, ServingCause
from metaclaw_jlab.store.training import Training
from metaclaw_jlab.store.windows import Windows


def test_a_new_home_has_a_pulse(workspace: Workspace) -> None:
    assert pulse(workspace.database()) == Pulse(0, 0, 0, 0, 0, 0, 0)


def test_tasks_and_generations_move_it(learnt: Workspace) -> None:
    found = pulse(learnt.database())
    assert (found.task, found.open_tasks, found.generation) == (2, 0, 1)


def test_the_newest_run_moves_it(workspace: Workspace) -> None:
    training = Training(workspace.database())
    run = training.begin(skill_generation=0, base="tiny", base_sha256="bb", seed=1, steps=9)
    assert (pulse(workspace.database()).run, pulse(workspace.database()).run_step) == (run.number, 0)


def test_a_window_moves_it(workspace: Workspace) -> None:
    Windows(workspace.database()).open(1.0, ["kernels"])
    assert pulse(workspace.database()).window == 1


def test_what_serves_moves_it(workspace: Workspace) -> None:
    adapters = Adapters(workspace.database())
    version = adapters.add("tiny", "aa", 0).version
    adapters.decide(version, AdapterStatus.FORCED, "Wanted.")
    Serving(workspace.database()).put(version, ServingCause.FORCE, "Wanted.")
    assert pulse(workspace.database()).adapter == version
