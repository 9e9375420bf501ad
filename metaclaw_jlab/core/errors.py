"""One root for everything that goes wrong; each error is also its standard-library kind."""

from __future__ import annotations


class MetaclawError(Exception):
    """Root of the project's errors. `next_step` says what the user can do about the cause."""

    def __init__(self, cause: str, next_step: str = "") -> None:
        super().__init__(cause, next_step)
        self.cause = cause
        self.next_step = next_step

    def __str__(self) -> str:
        return f"{self.cause} {self.next_step}".strip()


class UsageMistake(MetaclawError, ValueError):
    """The user asked for something that cannot be: one sentence, no traceback."""


class NotNow(UsageMistake):
    """What was asked for is so already, or has to wait for something else."""


class ConfigError(MetaclawError, ValueError):
    """A setting is unknown, out of bounds or locked."""


class SettingUnknown(ConfigError):
    """There is no setting of this key."""


class SettingInvalid(ConfigError):
    """A value that was sent is none that the setting can have."""


class SettingLocked(ConfigError):
    """The administrator has set it."""


class MissingExtra(MetaclawError, ImportError):
    """A library of an optional extra is not installed."""

    def __init__(self, library: str, extra: str) -> None:
        super().__init__(
            f"{library} is not installed.", f"Install it with: pip install 'metaclaw-jlab[{extra}]'."
        )
        self.extra = extra


class HomeRefused(MetaclawError, PermissionError):
    """The home folder is no folder, belongs to someone else or is open to others."""


class LeaseHeld(MetaclawError, TimeoutError):
    """Another process holds a lease and did not let go of it in time."""


class StoreError(MetaclawError, RuntimeError):
    """The store cannot do what was asked."""


class StoreNewer(StoreError):
    """The database was written by a newer version."""


class StoreDamaged(StoreError):
    """The database file is damaged."""


class StoreFull(StoreError, OSError):
    """The disk under the home folder is full."""


class StoreReadOnly(StoreError, PermissionError):
    """The home folder cannot be written."""


class StoreBusy(StoreError, TimeoutError):
    """Another process held the database for too long."""


class InvariantViolation(StoreError, ValueError):
    """A write would break an invariant of the store; it was refused."""


class GenerationMoved(InvariantViolation):
    """The library has advanced since the change was worked out."""


class NotFound(MetaclawError, LookupError):
    """Nothing has this name or id."""


class PolicyError(MetaclawError, RuntimeError):
    """The policy gave no usable completion."""


class PolicyUnavailable(PolicyError, ConnectionError):
    """Nothing answers at the endpoint, or it went away."""


class PolicyTimeout(PolicyError, TimeoutError):
    """The endpoint answered too slowly."""


class PolicyRefused(PolicyError, PermissionError):
    """The endpoint refused the request: key, model name or parameters."""


class PromptTooLong(PolicyRefused):
    """The prompt and the longest answer do not fit the model's context."""


class PolicyMalformed(PolicyError, ValueError):
    """The endpoint answered with something that is no completion."""


class SecretError(MetaclawError, PermissionError):
    """A key is missing, or is not meant for this origin."""


class SkillInvalid(MetaclawError, ValueError):
    """A SKILL.md breaks the Agent Skills format."""


class SkillRefused(MetaclawError, ValueError):
    """A skill that may not become active: unsafe, malformed, or there already."""


class SkillChanged(MetaclawError, RuntimeError):
    """A skill is another by now than the one that was edited."""


class EvolverError(MetaclawError, RuntimeError):
    """An evolver's replies are of no use."""


class ExecutorError(MetaclawError, RuntimeError):
    """The executor itself failed; the code it ran is not to blame."""


class WorkingFolderTooLarge(ExecutorError, OSError):
    """The working folder is over the cap for a sandbox copy."""


class TaskFailed(MetaclawError, RuntimeError):
    """An agent's task did not end well; raised so that a notebook run fails too."""


class ServerStartFailed(MetaclawError, RuntimeError):
    """A process started on demand did not come up."""


class PracticeError(MetaclawError, ValueError):
    """The practice world was asked for something that it does not have."""


class BenchmarkInvalid(MetaclawError, ValueError):
    """A copy of a public benchmark, or of its results, that cannot be used as it is."""


class TaskSetInvalid(MetaclawError, ValueError):
    """Tasks that an ablation cannot be run on."""


class LeakFound(TaskSetInvalid):
    """Test tasks that were learnt from."""


class AblationError(MetaclawError, RuntimeError):
    """An ablation that cannot go on; what was done is kept."""


class ResearchError(MetaclawError, RuntimeError):
    """A research pipeline that is missing or broke off."""


class ModelUnusable(MetaclawError, OSError):
    """A local model is not there, cannot be loaded, or is of a kind that cannot be served."""


class FetchFailed(MetaclawError, ConnectionError):
    """A source does not have a model, does not answer, or wants a login; or none of them gave the right bytes."""


class FetchRefused(FetchFailed, PermissionError):
    """A source answered and said no: a login is wanted, or it has no such thing. Asking again gives the same."""


class FetchStopped(MetaclawError, InterruptedError):
    """Somebody stopped a fetch; what has arrived is kept."""


class RequestInvalid(MetaclawError, ValueError):
    """A client asked a server of ours for something that cannot be; `status` is the HTTP status to answer with."""

    def __init__(
        self,
        cause: str,
        next_step: str = "",
        *,
        status: int = 400,
        param: str | None = None,
        code: str | None = None,
    ) -> None:
        super().__init__(cause, next_step)
        self.status = status
        self.param = param
        self.code = code


class TrainingError(MetaclawError, RuntimeError):
    """A training cannot begin, or came to nothing."""


class NothingToTrain(TrainingError):
    """There is no prompt that a training could use."""


class Superseded(TrainingError):
    """The skill generation of a training is no longer the current one."""


class Diverged(TrainingError, ArithmeticError):
    """The loss of a training is no longer a number."""


class MemoryTooSmall(TrainingError, MemoryError):
    """The memory does not hold a training, however small its pieces."""


class WorkerFailed(TrainingError):
    """The train worker broke down or did not answer."""


class AdapterRefused(MetaclawError, ValueError):
    """An adapter that may not serve: damaged, undecided, or made for another model."""


class JudgeError(MetaclawError, RuntimeError):
    """A judge's replies are of no use."""


class EmbedderError(MetaclawError, RuntimeError):
    """Texts cannot be embedded: the model or endpoint is missing, or answers nonsense."""


class VectorsUnavailable(MetaclawError, ConnectionError):
    """The vector database cannot be opened, reached or written."""


class CalendarError(MetaclawError, OSError):
    """A calendar cannot be fetched or read."""


class HostElsewhere(MetaclawError, PermissionError):
    """Another server is the active host of this home; this one serves reads only."""


class UpstreamError(MetaclawError, ConnectionError):
    """The policy behind the proxy cannot be reached, or went away."""
