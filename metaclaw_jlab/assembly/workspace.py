"""A workspace: a home folder with its configuration, and the parts that it chooses."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from metaclaw_jlab.core.adapter import answering, pinned
from metaclaw_jlab.core.config import EMBEDDED_MODEL, Settings
from metaclaw_jlab.core.errors import ConfigError, MetaclawError, PolicyUnavailable
from metaclaw_jlab.core.policy import Policy
from metaclaw_jlab.core.prompting import DEFAULT_PROMPTING, Prompting
from metaclaw_jlab.core.retriever import Match
from metaclaw_jlab.core.skill import Skill
from metaclaw_jlab.core.task import Task
from metaclaw_jlab.learning.precedence import Precedence
from metaclaw_jlab.runtime.home import Home, open_home
from metaclaw_jlab.settings.configuration import Configuration, load
from metaclaw_jlab.settings.freshness import Signature, signature

if TYPE_CHECKING:
    from metaclaw_jlab.assembly.retrieval import Retrieval
    from metaclaw_jlab.assembly.slow_loop import GatePrompts
    from metaclaw_jlab.core.evolution import Evolver
    from metaclaw_jlab.core.replay import Replayer
    from metaclaw_jlab.executors.sandbox import SandboxPool
    from metaclaw_jlab.learning.inner_loop import InnerLoop
    from metaclaw_jlab.learning.outer_loop import OuterLoop, Progress
    from metaclaw_jlab.policies.endpoint import EndpointPolicy
    from metaclaw_jlab.reward_models.judge import Judge
    from metaclaw_jlab.runtime.policy_server import Endpoint
    from metaclaw_jlab.settings.secrets import Secret
    from metaclaw_jlab.skills.library import Library
    from metaclaw_jlab.skills.working_copy import Synchronised
    from metaclaw_jlab.store.database import Database
    from metaclaw_jlab.store.trajectories import Trajectories

EMBEDDED_WORDING_SECONDS = 3.0
LOCAL_WORDING_SECONDS = 90.0  # a pretrained model takes seconds for an attempt, and a skill a dozen and more
KEPT_CLIENTS = 4  # a task that is watched is done by another version than the one before


@dataclass
class Workspace:
    """A home folder with its configuration; the parts behind it are opened when they are first needed."""

    home: Home
    overrides: dict[str, object] = field(default_factory=dict)
    precedence: Precedence = field(default_factory=Precedence, repr=False, compare=False)
    _database: Database | None = None
    _policies: dict[tuple[object, ...], EndpointPolicy] = field(default_factory=dict)
    _retrieval: Retrieval | None = None
    _evolver: tuple[object, Evolver | None] | None = None
    _configuration: tuple[Signature, dict[str, object], Configuration] | None = None
    _opening: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    def configuration(self, more: Mapping[str, object] | None = None) -> Configuration:
        """The configuration as it is now, or as it would be with `more` overrides."""
        if more:
            return load(self.home.config, {**self.overrides, **more})
        state = signature(self.home.config)
        kept = self._configuration
        if kept is not None and state is not None and kept[:2] == (state, self.overrides):
            return kept[2]
        found = load(self.home.config, self.overrides)
        self._configuration = None if state is None else (state, dict(self.overrides), found)
        return found

    def settings(self) -> Settings:
        """The values alone."""
        return self.configuration().settings

    def database(self) -> Database:
        """The store's database, opened once."""
        if self._database is None:
            from metaclaw_jlab.store.database import open_database

            self._database = open_database(self.home.database)
        return self._database

    def trajectories(self) -> Trajectories:
        """The store of trajectories; those begun through it are this process's."""
        from metaclaw_jlab.runtime.processes import this_process
        from metaclaw_jlab.store.trajectories import Trajectories

        return Trajectories(self.database(), process=this_process())

    def library(self) -> Library:
        """The skills in the home's working copy."""
        from metaclaw_jlab.skills.library import read_library

        return read_library(self.home.skills)

    def synchronised(self) -> Synchronised:
        """The current skill generation, which prompts are built from; edits by hand are adopted first."""
        from metaclaw_jlab.skills.working_copy import synchronise
        from metaclaw_jlab.store.skills import Skills

        return synchronise(self.home, Skills(self.database()))

    def retrieve(self, task: Task, skills: tuple[Skill, ...]) -> tuple[Match, ...]:
        """The skills to put in the prompt of this task: no more than the settings say, nor than this policy follows."""
        from metaclaw_jlab.skills.retrieval import CANDIDATES, select

        wanted, prompting = self.settings().skills, self.prompting()
        most = (
            wanted.max_skills
            if prompting.max_skills is None
            else min(wanted.max_skills, prompting.max_skills)
        )
        if not skills or most == 0:
            return ()
        # A policy's threshold was chosen on relevances of words; fused with vectors they are ranks, of another scale.
        by_words = prompting.threshold is not None
        found = self.retrieval().search(skills, task.text, CANDIDATES * most, by_words=by_words)
        return select(found, most, wanted.max_tokens, prompting.threshold or 0.0)

    def retrieval(self) -> Retrieval:
        """What finds skills (see assembly.retrieval), opened once."""
        from metaclaw_jlab.assembly.retrieval import Retrieval

        with self._opening:
            if self._retrieval is None:
                self._retrieval = Retrieval(self)
            return self._retrieval

    def evolver(self) -> Evolver | None:
        """What makes skills of failures: a model, the distiller, both, or nothing."""
        from metaclaw_jlab.assembly.evolvers import make_evolver

        settings = self.settings()
        chosen = (settings.evolver, settings.policy)
        if self._evolver is None or self._evolver[0] != chosen:
            self._evolver = (chosen, make_evolver(self))
        return self._evolver[1]

    def known_secrets(self) -> tuple[str, ...]:
        """The keys that this process was given: whatever they look like, they are taken out of what others see."""
        return tuple(value for name in self.secret_names() if (value := os.environ.get(name)))

    def secret_names(self) -> tuple[str, ...]:
        """The environment variables that hold keys."""
        settings = self.settings()
        wanted = (
            settings.policy.key_env,
            settings.evolver.key_env,
            settings.judge.key_env,
            settings.skills.embedder_key_env,
            settings.calendar.key_env,
            "OPENAI_API_KEY",
        )
        return tuple(sorted({name for name in wanted if name}))

    def judge(self) -> Judge | None:
        """The configured judge with a new budget, None where there is none.

        Raises ConfigError where it would be the policy, SecretError, PolicyError.
        """
        from metaclaw_jlab.engines.judging import open_judge

        settings = self.settings()
        policy = settings.policy.model if settings.policy.base_url else settings.policy.local_model
        return open_judge(settings.judge, policy or "", self.secret_names())

    def wording_seconds(self) -> float:
        """How long wordings of a skill are tried; nothing where calls may cost money, unless it is configured."""
        settings = self.settings()
        wanted = settings.evolver.wording_seconds
        if wanted is not None:
            return wanted
        if settings.policy.base_url is not None:
            return 0.0
        return EMBEDDED_WORDING_SECONDS if uses_embedded_policy(settings) else LOCAL_WORDING_SECONDS

    def inner_loop(
        self,
        *,
        replayer: Replayer | None = None,
        on_notice: Callable[[str], None] = lambda _: None,
        wait_seconds: float = 0.0,
    ) -> InnerLoop:
        """The fast loop of this home. Wordings are tried only where a replayer is given and a trial costs nothing."""
        from metaclaw_jlab.assembly.evolvers import judges_skills
        from metaclaw_jlab.learning.inner_loop import InnerLoop

        return InnerLoop(
            home=self.home,
            database=self.database(),
            evolver=self.evolver(),
            replayer=replayer,
            wording_seconds=self.wording_seconds(),
            judges=judges_skills(self.settings()),
            wait_seconds=wait_seconds,
            on_notice=on_notice,
            known=self.known_secrets(),
            clock=self.precedence.clock,
        )

    def outer_loop(
        self,
        *,
        on_progress: Callable[[Progress], None] = lambda _: None,
        gate_prompts: GatePrompts | None = None,
        settle: Callable[[], bool] | None = None,
        on_attempted: Callable[[tuple[tuple[str, str], ...]], None] = lambda _: None,
    ) -> OuterLoop:
        """The slow loop of this home (see assembly.slow_loop). Raises TrainingError for a policy of elsewhere."""
        from metaclaw_jlab.assembly.slow_loop import make_outer_loop

        return make_outer_loop(
            self, on_progress=on_progress, gate_prompts=gate_prompts, settle=settle, on_attempted=on_attempted
        )

    def policy(
        self,
        on_progress: Callable[[str], None] | None = None,
        *,
        begun: str | None = None,
        lasting: bool = False,
    ) -> Policy:
        """The configured policy: an endpoint, or the local policy server, started where it does not run.

        The local one is pinned to a version of its adapter, that which serves now or that by which a task was `begun`
        (its stamp's model), so that a task is done by one policy from its first step to its last. A `lasting` one
        is started again where its server goes in the middle of the task: for the user's own, not for what is beside.
        """
        settings = self.settings()
        if settings.policy.base_url:
            return self._endpoint_policy(settings, settings.policy.base_url)
        found = self._local_policy(settings, on_progress, begun)
        return self._lasting(found, settings, on_progress) if lasting else found

    def _endpoint_policy(self, settings: Settings, base_url: str) -> Policy:
        from metaclaw_jlab.settings.secrets import key_for

        key = key_for(base_url, settings.policy.key_env)
        return self._connected(settings, base_url, settings.policy.model, key)

    def _local_policy(
        self, settings: Settings, on_progress: Callable[[str], None] | None, begun: str | None
    ) -> Policy:
        from metaclaw_jlab.learning.watching import version_for
        from metaclaw_jlab.settings.secrets import Secret

        endpoint = self.serve(settings, on_progress)
        base, version = answering(begun) if begun is not None else (endpoint.model, None)
        if begun is None or base.removesuffix(f"@v{version}") != endpoint.model:
            version = version_for(self.database(), base=endpoint.model)
        model = pinned(endpoint.model, version)
        return self._connected(settings, endpoint.base_url, model, Secret(endpoint.token))

    def _lasting(
        self, policy: Policy, settings: Settings, on_progress: Callable[[str], None] | None
    ) -> Policy:
        from metaclaw_jlab.policies.served_policy import ServedPolicy

        def again() -> Policy | None:
            if self.settings().policy != settings.policy:
                return None
            try:
                return self._local_policy(settings, on_progress, policy.model)
            except MetaclawError as error:
                raise PolicyUnavailable(error.cause, error.next_step) from error

        return ServedPolicy(policy, again)

    def prompting(self) -> Prompting:
        """How the configured policy is prompted: as its calibration says where it is a local model that has one."""
        from metaclaw_jlab.policies.calibration import prompting_for

        wanted = self.settings().policy
        return DEFAULT_PROMPTING if wanted.base_url else prompting_for(self.home, wanted.local_model)

    def serve(self, settings: Settings, on_progress: Callable[[str], None] | None = None) -> Endpoint:
        """The policy server of the local model in these settings, started where it does not run."""
        from metaclaw_jlab.runtime.policy_server import ensure

        limits = settings.server
        return ensure(
            self.home,
            settings.policy.local_model,
            # The embedded model has one form; a form that was wished for another does not keep it from answering.
            form="auto" if uses_embedded_policy(settings) else settings.policy.local_form,
            start_seconds=limits.start_seconds,
            on_progress=on_progress,
            options=("--idle-minutes", f"{limits.idle_minutes:g}", "--max-batch", str(limits.max_batch)),
        )

    def _connected(self, settings: Settings, base_url: str, model: str | None, key: Secret | None) -> Policy:
        """A client, kept from task to task with its open connections."""
        from metaclaw_jlab.policies.endpoint import EndpointPolicy

        secret = key.reveal() if key is not None else None
        wanted = (base_url, model, secret, settings.policy.timeout, settings.policy.retries)
        if wanted not in self._policies:
            while len(self._policies) >= KEPT_CLIENTS:
                self._policies.pop(next(iter(self._policies)))
            self._policies[wanted] = EndpointPolicy(
                base_url,
                model=model,
                key=key,
                timeout=settings.policy.timeout,
                retries=settings.policy.retries,
            )
        return self._policies[wanted]

    def sandbox_pool(self, workers: int) -> SandboxPool:
        """A pool of warm sandbox processes under the configured limits."""
        from metaclaw_jlab.executors.sandbox import SandboxPool

        settings = self.settings()
        limits = settings.sandbox
        return SandboxPool(
            workers,
            output_chars=settings.agent.observation_chars,
            isolation=limits.isolation,
            seconds=limits.seconds,
            memory_mb=limits.memory_mb,
            working_folder_mb=limits.working_folder_mb,
            preload=("pandas", "matplotlib"),
            hidden=(self.home.root,),
        )

    def close(self) -> None:
        """Close what is open."""
        if self._retrieval is not None:
            self._retrieval.close()
            self._retrieval = None
        if self._database is not None:
            self._database.close()
            self._database = None


def open_workspace(
    path: Path | None = None,
    overrides: Mapping[str, object] | None = None,
    *,
    namespace: str | None = None,
) -> Workspace:
    """The workspace of a home folder: `path`, $METACLAW_HOME, or the user's data folder.

    With agent.namespace it is that namespace's; `namespace` names another, "" the home itself. The path of a namespace
    is that namespace, whatever is configured.
    """
    workspace = Workspace(open_home(path), dict(overrides or {}))
    if workspace.home.namespace and namespace is None:
        return workspace
    wanted = _configured_namespace(workspace) if namespace is None else namespace
    if wanted == workspace.home.namespace:
        return workspace
    from metaclaw_jlab.assembly.namespaces import open_namespace

    return open_namespace(workspace, wanted)


def _configured_namespace(workspace: Workspace) -> str:
    try:
        return workspace.settings().agent.namespace
    except ConfigError:
        return ""  # whoever works in it meets the error himself; `doctor` has to open to tell of it


def uses_embedded_policy(settings: Settings) -> bool:
    """Whether the practice model answers, which knows only the practice tasks."""
    return settings.policy.base_url is None and settings.policy.local_model == EMBEDDED_MODEL


def policy_name(settings: Settings) -> str:
    """Which policy answers, in words for people."""
    if settings.policy.base_url:
        return f"{settings.policy.model or 'the first model'} at {settings.policy.base_url}"
    if uses_embedded_policy(settings):
        return "embedded practice model (it knows only the practice tasks)"
    return f"{settings.policy.local_model} on this machine"
