"""The pipeline's own configuration (YAML), and what is changed in a run's copy of it."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from metaclaw_jlab.core.errors import ResearchError

KEY_VARIABLE = "METACLAW_RESEARCH_KEY"
SERVED = "metaclaw"  # the model's name for whichever the home's configuration names
RETRIES = 2  # its own default of runtime.retry_limit


@dataclass(frozen=True, slots=True)
class PipelineConfig:
    """A configuration as the user wrote it. The file is never changed."""

    path: Path
    values: Mapping[str, Any]

    @property
    def topic(self) -> str:
        """What is researched."""
        return str(_section(self.values, "research").get("topic", ""))

    @property
    def retries(self) -> int:
        """How often a stage that failed is tried again."""
        found = _section(self.values, "runtime").get("retry_limit", RETRIES)
        return found if isinstance(found, int) and not isinstance(found, bool) and found >= 0 else RETRIES

    @property
    def bridged(self) -> bool:
        """Whether its bridge to MetaClaw is on."""
        return _section(self.values, "metaclaw_bridge").get("enabled") is True


def read_config(path: Path) -> PipelineConfig:
    """The configuration of a file. Raises ResearchError where it is none."""
    import yaml

    step = "Name the config.yaml that `researchclaw run --config` takes."
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ResearchError(f"The configuration {path} cannot be read: {error}.", step) from error
    except yaml.YAMLError as error:
        why = " ".join(str(error).split())
        raise ResearchError(f"The configuration {path} is no YAML: {why}.", step) from error
    if not isinstance(values, dict):
        raise ResearchError(f"The configuration {path} is no mapping.", step)
    config = PipelineConfig(path, values)
    if not config.topic.strip():
        raise ResearchError(f"The configuration {path} names no research.topic.", "Write one into it.")
    return config


def derived(config: PipelineConfig, base_url: str, folder: Path) -> dict[str, Any]:
    """A run's configuration: the user's, with its model calls led to `base_url` (which ends with /v1) and what it would
    keep from one run to the next kept in the run's `folder`.

    The model is the home's. Its bridge, where it is on, leads to the same place and makes no skills of its own: those
    come from the arm's home, or not at all.
    """
    values: dict[str, Any] = copy.deepcopy(dict(config.values))
    llm = _own(values, "llm")
    llm |= {
        "provider": "openai-compatible",
        "base_url": base_url,
        "wire_api": "chat_completions",
        "api_key_env": KEY_VARIABLE,
        "api_key": "",
        "primary_model": SERVED,
        "fallback_models": [],
    }
    for name in ("fallback_url", "fallback_api_key", "base_urls"):
        llm.pop(name, None)
    if "knowledge_base" in values:
        _own(values, "knowledge_base")["root"] = str(folder / "knowledge")
    if config.bridged:
        bridge = _own(values, "metaclaw_bridge")
        bridge |= {
            "proxy_url": base_url,
            "skills_dir": str(folder / "bridge-skills"),
            "fallback_url": "",
            "fallback_api_key": "",
        }
        _own(bridge, "lesson_to_skill")["enabled"] = False
    return values


def write_config(values: Mapping[str, Any], path: Path) -> None:
    """Write it as YAML, for its owner only: it may hold keys of other services. Raises ResearchError."""
    import yaml

    from metaclaw_jlab.runtime.home import replace_private

    try:
        replace_private(path, yaml.safe_dump(dict(values), sort_keys=False, allow_unicode=True))
    except OSError as error:
        raise ResearchError(f"{path} cannot be written ({error.strerror}).", "Name another --out.") from error


def _section(values: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = values.get(name)
    return found if isinstance(found, Mapping) else {}


def _own(values: dict[str, Any], name: str) -> dict[str, Any]:
    """The section of this name, made where there is none."""
    found = values.get(name)
    if not isinstance(found, dict):
        found = values[name] = {}
    return found
