"""What can be configured: every setting with its bounds and default. `settings` says where a value came from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator
from pydantic_core import PydanticCustomError

from metaclaw_jlab.core.errors import ConfigError

EMBEDDED_MODEL = "metaclaw-practice-1m"


class Section(BaseModel):
    """A table of config.toml. Unknown keys are refused, so that a misspelt one is not lost in silence."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def _readable(read: Callable[[str], object], value: str, meant: str) -> str:
    """The value, where `read` takes it; else an error that says what is meant."""
    try:
        read(value)
    except ConfigError:
        raise PydanticCustomError("unreadable", "{meant}", {"meant": meant}) from None
    return value


class PolicySettings(Section):
    """The policy that answers. Without `base_url` a local policy server answers with `local_model`."""

    base_url: str | None = Field(
        None, description="An OpenAI-compatible endpoint, such as http://localhost:11434/v1."
    )
    model: str | None = Field(
        None, description="Model name at the endpoint; the first that it lists where unset."
    )
    key_env: str | None = Field(
        None,
        pattern=r"^[A-Za-z_][A-Za-z0-9_]*$",
        description="Environment variable that holds the endpoint's key.",
    )
    local_model: str = Field(
        EMBEDDED_MODEL, description="Model served on this machine: a name, a path or a hub id."
    )
    local_form: Literal["auto", "gguf", "safetensors"] = Field(
        "auto",
        description="Which form of the local model serves: gguf on llama.cpp, safetensors where it can be trained.",
    )
    temperature: float = Field(0.0, ge=0.0, le=2.0, description="Sampling temperature of the agent.")
    max_tokens: int = Field(1024, ge=1, le=65_536, description="Longest completion, in tokens.")
    timeout: float = Field(
        120.0, gt=0, le=3600, description="Seconds without a byte before a request is given up."
    )
    retries: int = Field(3, ge=0, le=10, description="Retries after 429, 5xx or a lost connection.")
    extra: dict[str, object] = Field(
        default_factory=dict, description="Parameters passed to the endpoint as they are."
    )


class AgentSettings(Section):
    """How the agent works in a notebook."""

    mode: Literal["ask", "auto", "off"] = Field("ask", description="Propose a cell, act, or only answer.")
    steps: int = Field(6, ge=1, le=50, description="Most steps of one task.")
    reference_chars: int = Field(
        4000, ge=100, le=200_000, description="Most characters sent of one reference."
    )
    observation_chars: int = Field(8000, ge=200, le=200_000, description="Most characters of an output kept.")
    learn: bool = Field(True, description="Learn from tasks, where a notebook does not say otherwise.")
    namespace: str = Field(
        "",
        pattern=r"^([a-z0-9]+(-[a-z0-9]+)*)?$",
        max_length=64,
        description="Library and query set of this project's own; the home's where empty.",
    )
    proposal_hours: float = Field(
        24.0, gt=0, le=8760, description="A proposed cell that was not run for so long has expired."
    )


class SkillSettings(Section):
    """How many skills are put in a prompt."""

    max_skills: int = Field(3, ge=0, le=10, description="Most skills in one prompt (more of them hurt).")
    max_tokens: int = Field(1200, ge=0, le=20_000, description="Most tokens of skills in one prompt.")
    threshold: float | None = Field(
        None, ge=0.0, description="Relevance under which a skill is left out; the validated one where unset."
    )
    dense_weight: float | None = Field(
        None,
        ge=0,
        le=1,
        description="Weight of dense vectors beside words in retrieval; the validated one where unset, 0: words alone.",
    )
    embedder: Literal["shipped", "model", "endpoint"] = Field(
        "shipped",
        description="What embeds texts: the shipped one, a sentence-transformers model, an endpoint.",
    )
    embedder_model: str | None = Field(
        None, description="Folder or hub id of the model, or its name at the endpoint."
    )
    embedder_url: str | None = Field(None, description="OpenAI-compatible endpoint that embeds texts.")
    embedder_key_env: str | None = Field(
        None,
        pattern=r"^[A-Za-z_][A-Za-z0-9_]*$",
        description="Environment variable that holds the key of skills.embedder_url.",
    )
    chroma_url: str | None = Field(
        None, description="A running `chroma run` server; where unset vectors lie in the home."
    )


class EvolverSettings(Section):
    """What makes skills of failures."""

    kind: Literal["auto", "model", "distiller", "both", "off"] = Field(
        "auto",
        description=(
            "Who writes skills: a model, the distiller, both, or nobody; auto: a model where an endpoint is set, both "
            "where a local model answers, the distiller beside the embedded one."
        ),
    )
    base_url: str | None = Field(
        None, description="Endpoint of the model that writes skills; the policy's where unset."
    )
    model: str | None = Field(None, description="Its model name; the policy's where unset.")
    key_env: str | None = Field(
        None,
        pattern=r"^[A-Za-z_][A-Za-z0-9_]*$",
        description="Environment variable that holds the key of evolver.base_url.",
    )
    timeout: float = Field(120.0, gt=0, le=3600, description="Seconds without a byte before it is given up.")
    wording_seconds: float | None = Field(
        None,
        ge=0.0,
        le=600.0,
        description=(
            "Seconds to try wordings of a skill in the sandbox; where unset 3 with the embedded policy, 90 with "
            "another local one, 0 with an endpoint."
        ),
    )


class TrainingSettings(Section):
    """The slow loop: how the weights of the local policy are trained."""

    steps: int = Field(60, ge=1, le=10_000, description="Optimiser steps of one training.")
    prompts: int = Field(8, ge=1, le=512, description="Prompts of one step, replayed ones included.")
    group: int = Field(
        8, ge=2, le=64, description="Completions of one prompt that are compared with each other."
    )
    lr: float | None = Field(
        None, gt=0, le=1, description="Learning rate; 2e-3 for the embedded model, else 1e-4."
    )
    rank: int = Field(16, ge=1, le=512, description="Rank of the LoRA adapter.")
    temperature: float = Field(1.0, gt=0, le=2, description="Temperature of the completions in training.")
    replay_share: float = Field(
        0.5, ge=0, le=0.9, description="Share of the prompts that comes from the frozen replay set."
    )
    beta: float | None = Field(
        None, ge=0, le=10, description="Weight of the KL term; 0 with checked rewards, 0.01 with judged ones."
    )
    process_weight: float = Field(
        0.25, ge=0, le=1, description="Weight of a step's process reward beside the outcome."
    )
    judged: bool = Field(False, description="Train on a judge's rewards where a task has no checks.")
    successes_only: bool = Field(
        False,
        description="Learn only from completions that did better than their group; the worse ones are left out.",
    )
    micro_batch: int = Field(
        0, ge=0, le=4096, description="Completions in one forward pass; 0: all of a step at once."
    )
    held_out_share: float = Field(
        0.2,
        ge=0.05,
        le=0.5,
        description="Share of the query tasks that is kept for gates and never trained on.",
    )
    gate_tasks: int | None = Field(
        None,
        ge=2,
        le=10_000,
        description=(
            "Most tasks of a gate's regression set, and fresh tasks where a measurement draws them; where unset all of "
            "them for the embedded model, 120 and 160 for another one."
        ),
    )
    keep_starts: bool | None = Field(
        None,
        description="Keep what a task starts from (the objects and files that it names), so that it can be trained on.",
    )
    start_mb: float = Field(8.0, gt=0, le=1000, description="Most megabytes kept of one task's start.")
    stop_seconds: float = Field(
        5.0, gt=0, le=600, description="A training that has not stopped after so long is killed."
    )
    report_to: Literal["none", "tensorboard", "trackio", "wandb"] = Field(
        "none", description="Where the trainer logs besides the store."
    )


class JudgeSettings(Section):
    """The model that scores steps where no check can."""

    base_url: str | None = Field(None, description="Endpoint of the judge; no judge where unset.")
    model: str | None = Field(None, description="Its model name; the first that it lists where unset.")
    key_env: str | None = Field(
        None,
        pattern=r"^[A-Za-z_][A-Za-z0-9_]*$",
        description="Environment variable that holds the judge's key.",
    )
    timeout: float = Field(60.0, gt=0, le=3600, description="Seconds without a byte before it is given up.")
    votes: int = Field(3, ge=1, le=15, description="Votes on one step; a tie is no score.")
    temperature: float = Field(0.6, ge=0, le=2, description="Sampling temperature of the judge.")
    max_calls: int = Field(400, ge=0, le=1_000_000, description="Most requests to the judge in one training.")
    same_model: bool = Field(False, description="Let a model judge itself.")


class SandboxSettings(Section):
    """Limits of a sandbox process."""

    isolation: Literal["auto", "require", "none"] = Field(
        "auto", description="Bubblewrap: use it, insist, never."
    )
    unattended: bool = Field(
        False, description="Let model-written code run unattended where no bubblewrap isolates it."
    )
    seconds: float = Field(30.0, gt=0, le=3600, description="Longest run of one action.")
    memory_mb: int = Field(2048, ge=128, le=1_048_576, description="Address space of one sandbox process.")
    working_folder_mb: int = Field(64, ge=0, le=100_000, description="Largest working folder that is copied.")


class ServerSettings(Section):
    """The local policy server."""

    idle_minutes: float = Field(
        30.0, gt=0, le=10_080, description="Ends itself after this long without a request."
    )
    max_batch: int = Field(32, ge=1, le=512, description="Most completions decoded together.")
    start_seconds: float = Field(120.0, gt=0, le=3600, description="How long a start may take.")


class SchedulerSettings(Section):
    """When the host may train by itself."""

    enabled: bool = Field(True, description="Train when nobody is working.")
    idle_minutes: float = Field(
        10.0, gt=0, le=1440, description="So long without a sign of the user counts as idle."
    )
    sleep_hours: str = Field(
        "",
        description="When you are away every day, such as 23:00-07:00; several with commas, days before them.",
    )
    quiet_hours: str = Field("", description="When nothing is ever trained, written the same way.")
    timezone: str = Field("", description="IANA name, such as Europe/Berlin; the machine's where empty.")
    min_window_minutes: float = Field(
        5.0, ge=0, le=1440, description="A window that is known to be shorter is left unused."
    )
    min_batch: int = Field(
        8, ge=1, le=100_000, description="Fewest waiting query tasks that start a training."
    )
    daily_minutes: float = Field(180.0, ge=0, le=1440, description="Most minutes of training a day.")
    reattempt: bool = Field(True, description="Attempt older tasks again in a window, in the sandbox.")
    desktop: bool = Field(True, description="Look at keyboard and mouse of the desktop, where there is one.")
    battery: bool = Field(False, description="Train on battery too.")
    load_percent: float = Field(
        25.0, gt=0, le=100, description="No training while other programs use more of the CPUs."
    )
    gpu_memory_mb: int = Field(
        1024, ge=0, le=10_000_000, description="No training while others hold more memory of the GPU."
    )
    gpu_percent: float = Field(
        20.0, gt=0, le=100, description="No training while others keep the GPU busier than that."
    )

    @field_validator("sleep_hours", "quiet_hours")
    @classmethod
    def _are_hours(cls, value: str) -> str:
        from metaclaw_jlab.core.hours import parse_hours

        return _readable(
            parse_hours, value, "hours such as 23:00-07:00, or Mon-Fri 12:00-13:00, Sat Sun 00:00-24:00"
        )

    @field_validator("timezone")
    @classmethod
    def _is_zone(cls, value: str) -> str:
        from metaclaw_jlab.core.hours import find_zone

        return _readable(find_zone, value, "the name of a time zone such as Europe/Berlin")


class CalendarSettings(Section):
    """A calendar that says when its owner is away from the notebook."""

    kind: Literal["none", "ics", "caldav", "google"] = Field("none", description="Where the calendar is.")
    address: str = Field("", description="A file or URL (ics), a CalDAV URL, or the id of a Google calendar.")
    user: str | None = Field(None, description="User name at the CalDAV server.")
    key_env: str | None = Field(
        None,
        pattern=r"^[A-Za-z_][A-Za-z0-9_]*$",
        description="Environment variable that holds the password, or the path of Google's credentials.",
    )
    tentative: bool = Field(False, description="Count tentative events too.")
    refresh_minutes: float = Field(15.0, ge=1, le=1440, description="How often it is fetched.")


class ProxySettings(Section):
    """What other agents get at /metaclaw/v1."""

    enabled: bool = Field(True, description="Serve other agents.")
    skills: bool = Field(
        True, description="Put skills into their prompts, where a client does not say otherwise."
    )
    learn: bool = Field(True, description="Learn from their turns, where a client does not say otherwise.")
    train_judged: bool = Field(
        False, description="Let their turns train the policy on a judge's rewards alone."
    )
    session_minutes: float = Field(
        30.0, gt=0, le=10_080, description="A turn that was silent for so long has ended."
    )
    max_body_mb: float = Field(20.0, gt=0, le=1000, description="Largest request that is taken.")
    concurrency: int = Field(256, ge=1, le=10_000, description="Most requests under way at once.")


class Settings(Section):
    """Everything that config.toml may hold."""

    policy: PolicySettings = PolicySettings()
    agent: AgentSettings = AgentSettings()
    skills: SkillSettings = SkillSettings()
    evolver: EvolverSettings = EvolverSettings()
    training: TrainingSettings = TrainingSettings()
    judge: JudgeSettings = JudgeSettings()
    sandbox: SandboxSettings = SandboxSettings()
    server: ServerSettings = ServerSettings()
    scheduler: SchedulerSettings = SchedulerSettings()
    calendar: CalendarSettings = CalendarSettings()
    proxy: ProxySettings = ProxySettings()
