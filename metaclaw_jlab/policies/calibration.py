"""How a local model is prompted best, measured on validation tasks and kept with it."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, get_args

from metaclaw_jlab.core.config import EMBEDDED_MODEL
from metaclaw_jlab.core.errors import ConfigError
from metaclaw_jlab.core.estimate import Interval, proportion_interval
from metaclaw_jlab.core.prompting import (
    DEFAULT_PROMPTING,
    Ending,
    Instructions,
    Placement,
    Prompting,
    prompting_from,
)
from metaclaw_jlab.policies.catalogue import find as find_known
from metaclaw_jlab.policies.model_store import FORMS, NAME, InstalledModel, find_installed, folder_of
from metaclaw_jlab.runtime.home import Home, home_error, replace_private

FILE = "calibration.json"
SHIPPED = Path(__file__).with_name("calibrations.json")
MOST_FILE_ROWS = 100

# For a local model that was not calibrated: what helped the small ones that were.
CAUTIOUS_PROMPTING = Prompting(
    instructions="brief", skills_at="task", max_skills=1, threshold=1.0, file_rows=3, ends="ran"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One way of prompting that was tried: `n` attempts, of which `task_right` and `strict` were so.

    `seconds` and `tokens` (read and written) are means of an attempt; `verdict` says why it was taken or left.
    """

    stage: str
    name: str
    prompting: Prompting
    temperature: float
    n: int
    task_right: int
    strict: int
    seconds: float
    tokens: float
    chosen: bool = False
    verdict: str = ""

    def share(self, measure: str) -> Interval | None:
        """The share of `task_right` or `strict` with its Wilson interval; None without attempts."""
        count = self.strict if measure == "strict" else self.task_right
        return proportion_interval(count, self.n) if self.n else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """What was chosen for a model, from which variants, on what. `sha256` is the model's where it is known;
    `temperature` is the better one for it; `complete` where no comparison was cut short; `date` in ISO form, UTC."""

    model: str
    sha256: str | None
    chosen: Prompting
    temperature: float
    variants: tuple[Variant, ...]
    splits_sha256: str
    seed: int
    date: str
    version: str
    complete: bool = True

    def to_dict(self) -> dict[str, Any]:
        """As JSON values, with the intervals of the shares for people who read the file."""
        return {**asdict(self), "variants": [_variant_record(variant) for variant in self.variants]}


def calibration_from(data: Mapping[str, Any]) -> Calibration:
    """Inverse of to_dict. Raises KeyError, TypeError or ValueError for anything else."""
    return Calibration(
        model=_text(data["model"]),
        sha256=None if data["sha256"] is None else _text(data["sha256"]),
        chosen=_prompting(data["chosen"]),
        temperature=float(data["temperature"]),
        variants=tuple(_variant(record) for record in data["variants"]),
        splits_sha256=_text(data["splits_sha256"]),
        seed=int(data["seed"]),
        date=_text(data["date"]),
        version=_text(data["version"]),
        complete=bool(data.get("complete", True)),
    )


def prompting_for(home: Home, name: str) -> Prompting:
    """How a local model is prompted: as it was calibrated here, else as was shipped for it, else cautiously.

    The embedded model knows only the default. Raises ConfigError where the file in the home is damaged.
    """
    kept = find(home, name)
    if kept is not None:
        return kept.chosen
    return DEFAULT_PROMPTING if name == EMBEDDED_MODEL else CAUTIOUS_PROMPTING


def find(home: Home, name: str) -> Calibration | None:
    """The calibration of a model by its name, path or hub id: that of the home, else the shipped one.

    One of other bytes than those that are installed by this name does not count. Raises ConfigError where the file in
    the home is damaged: who calibrated wants to know that it no longer counts.
    """
    kept = _kept(home, name)
    return kept if kept is not None and _is_of(kept, home, name) else _shipped().get(name.lower())


def sha256_of(model: InstalledModel) -> str:
    """The hash of a model's file, of all its files where they are several."""
    hashes = list(model.files.values())
    joined = "".join(f"{file} {sha}\n" for file, sha in sorted(model.files.items()))
    return hashes[0] if len(hashes) == 1 else hashlib.sha256(joined.encode()).hexdigest()


def _is_of(kept: Calibration, home: Home, name: str) -> bool:
    """Whether a calibration is of the model of this name here, or of its other form, as far as that is known."""
    here = [model for form in FORMS if (model := find_installed(home, name, form)) is not None]
    known = find_known(name)
    own = {sha256_of(model) for model in here} | ({known.gguf.sha256} if known is not None else set())
    return kept.sha256 is None or not here or kept.sha256 in own


def _kept(home: Home, name: str) -> Calibration | None:
    path = calibration_folder(home, name) / FILE
    try:
        return calibration_from(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigError(
            f"The calibration of {name} in {path} cannot be read ({error}).",
            f"Delete the file, or make it anew: metaclaw models calibrate {name}",
        ) from error


def keep(home: Home, calibration: Calibration) -> Path:
    """Keep a calibration with its model, in the place of an older one. Raises StoreFull, StoreReadOnly."""
    path = calibration_folder(home, calibration.model) / FILE
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        replace_private(path, json.dumps(calibration.to_dict(), indent=2) + "\n")
    except OSError as error:
        raise home_error(home.root, error) from error
    return path


def calibration_folder(home: Home, name: str) -> Path:
    """Where the calibration of a model lies, whatever its name is; shared by the namespaces of a home."""
    path = Path(name).expanduser()
    named = find_known(name) is not None or find_installed(home, name) is not None
    own = name if named or not path.exists() else str(path.absolute())
    if own == name and NAME.match(name.lower()):
        return folder_of(home) / name.lower()
    stem = re.sub(r"[^a-z0-9._-]+", "-", own.lower().rstrip("/").rsplit("/", 1)[-1]).lstrip("-.") or "model"
    return folder_of(home) / f"{stem}-{hashlib.sha256(own.encode()).hexdigest()[:8]}"


@cache
def _shipped() -> Mapping[str, Calibration]:
    data = json.loads(SHIPPED.read_text(encoding="utf-8"))
    return {name: calibration_from(record) for name, record in data.items()}


def _variant_record(variant: Variant) -> dict[str, Any]:
    intervals = {
        f"{measure}_ci95": None if share is None else [round(share.low, 4), round(share.high, 4)]
        for measure in ("task_right", "strict")
        for share in [variant.share(measure)]
    }
    return {**asdict(variant), **intervals}


def _variant(record: Mapping[str, Any]) -> Variant:
    return Variant(
        stage=_text(record["stage"]),
        name=_text(record["name"]),
        prompting=_prompting(record["prompting"]),
        temperature=float(record["temperature"]),
        n=int(record["n"]),
        task_right=int(record["task_right"]),
        strict=int(record["strict"]),
        seconds=float(record["seconds"]),
        tokens=float(record["tokens"]),
        chosen=bool(record["chosen"]),
        verdict=_text(record["verdict"]),
    )


def _prompting(data: Mapping[str, Any]) -> Prompting:
    """The prompting of a file that somebody may have edited. Raises ValueError for what no prompt can be made of."""
    found = prompting_from(data)
    for name, kinds in (("instructions", Instructions), ("skills_at", Placement), ("ends", Ending)):
        if getattr(found, name) not in get_args(kinds):
            raise ValueError(f"{name} is {getattr(found, name)!r}, not one of {', '.join(get_args(kinds))}")
    if not _count(found.file_rows, MOST_FILE_ROWS):
        raise ValueError(f"file_rows is {found.file_rows!r}, not from 0 to {MOST_FILE_ROWS}")
    if found.max_skills is not None and not _count(found.max_skills, 10):
        raise ValueError(f"max_skills is {found.max_skills!r}, not from 0 to 10")
    if found.threshold is None:
        return found
    threshold = float(found.threshold)
    if threshold < 0 or threshold != threshold:
        raise ValueError(f"threshold is {found.threshold!r}, not 0 or more")
    return replace(found, threshold=threshold)


def _count(value: object, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= most


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is no text")
    return value
