"""The local models of a home: `<home>/models/<name>/<form>/`, shared by its namespaces, whole or not there."""

from __future__ import annotations

import json
import re
import secrets
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, cast

from metaclaw_jlab.core.errors import (
    FetchStopped,
    LeaseHeld,
    MetaclawError,
    NotFound,
    NotNow,
    StoreFull,
    UsageMistake,
)
from metaclaw_jlab.policies.catalogue import Form, find
from metaclaw_jlab.policies.model_draft import fetch_file, hash_of, prepare
from metaclaw_jlab.policies.model_request import MANIFEST, RequestedModel, check_gguf, request
from metaclaw_jlab.policies.model_sources.transfer import Meter, Progress
from metaclaw_jlab.runtime.home import Home, home_error, write_private
from metaclaw_jlab.runtime.leases import lease, renew

DRAFTS = ".drafts"
NAME = re.compile(r"[a-z0-9][a-z0-9._-]*\Z")
RESERVE = 256 << 20  # bytes that a fetch leaves free
RENEW_SECONDS = 60.0
FORMS: tuple[Form, ...] = ("gguf", "safetensors")


@dataclass(frozen=True, slots=True)
class InstalledModel:
    """A model in a home: `files` and their SHA-256, where they came from, seconds since the epoch."""

    name: str
    form: Form
    folder: Path
    files: dict[str, str]
    size: int
    origin: str
    source: str
    licence: str
    context: int | None
    fetched_at: float

    @property
    def path(self) -> Path:
        """What a server loads: the GGUF file, or the folder of safetensors."""
        return self.folder / next(iter(self.files)) if self.form == "gguf" else self.folder


def folder_of(home: Home) -> Path:
    """Where the models of a home and of its namespaces lie."""
    return home.root / "models"


def share(home: Home, other: Home) -> None:
    """Let another home see the models of this one: a link, since gigabytes are not copied. Raises OSError."""
    place = folder_of(other)
    if not place.exists() and folder_of(home).is_dir():
        place.symlink_to(folder_of(home).resolve(), target_is_directory=True)


def installed(home: Home) -> tuple[InstalledModel, ...]:
    """What is there, by name and form."""
    found = sorted(folder_of(home).glob(f"*/*/{MANIFEST}"))
    models = [_read(manifest) for manifest in found if manifest.parent.parent.name != DRAFTS]
    return tuple(model for model in models if model is not None)


def find_installed(home: Home, name: str, form: Form | None = None) -> InstalledModel | None:
    """A model by its name here; without a form the GGUF file comes first."""
    if not NAME.match(name.lower()):
        return None
    for candidate in FORMS if form is None else (form,):
        if (model := _read(folder_of(home) / name.lower() / candidate / MANIFEST)) is not None:
            return model
    return None


def get(
    home: Home,
    text: str,
    form: Form | None = None,
    *,
    path: Path | None = None,
    report: Callable[[Progress], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> InstalledModel:
    """The model of a short name, path or hub id, fetched where it is not there. Raises as request() and fetch() do.

    `path`: where the file of a short name lies already.
    """
    known = find(text)
    if known is not None and (present := find_installed(home, known.name, form or "gguf")) is not None:
        return present
    return fetch(home, request(text, form, path=path), report=report, cancelled=cancelled)


def fetch(
    home: Home,
    wanted: RequestedModel,
    *,
    report: Callable[[Progress], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
    free: Callable[[Path], int] | None = None,
    wait_seconds: float = float("inf"),
    sleep: Callable[[float], object] = time.sleep,
) -> InstalledModel:
    """The model, fetched where it is not there; another process that fetches it is waited for.

    Cut off, cancelled or killed at any instant it leaves the model whole or not there, and goes on the next time.
    Raises FetchFailed, FetchStopped, ModelUnusable, NotNow, UsageMistake, LeaseHeld, StoreFull, StoreReadOnly.
    """
    root = Home(home.root)
    meter = Meter(wanted.size, _renewing(root, wanted.name, report), cancelled)

    def pause(seconds: float) -> None:
        meter.at(_bytes(_draft(root, wanted)))
        sleep(seconds)

    if (present := _same(root, wanted)) is not None:
        return present
    meter.begin("waiting", "another process", 0)
    with lease(root, _lease(wanted.name), wait_seconds=wait_seconds, sleep=pause):
        if (present := _same(root, wanted)) is not None:
            return present
        try:
            return _fetch(root, wanted, meter, free or _free)
        except OSError as error:
            if isinstance(error, MetaclawError):
                raise
            raise home_error(root.path, error) from error


def make(
    home: Home,
    wanted: InstalledModel,
    maker: Callable[[Path, Meter], None],
    *,
    report: Callable[[Progress], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
    free: Callable[[Path], int] | None = None,
    wait_seconds: float = float("inf"),
    sleep: Callable[[float], object] = time.sleep,
) -> InstalledModel:
    """A model that is made here: `maker` writes its files into a folder, which is installed when it is whole.

    `wanted` says what it will be; its `size` is about what comes, its `files` are found. What is there already is
    returned. Killed at any instant it leaves the model whole or not there. Raises what `maker` does, FetchStopped,
    StoreFull, StoreReadOnly.
    """
    root = Home(home.root)
    meter = Meter(wanted.size, _renewing(root, wanted.name, report), cancelled)

    def pause(seconds: float) -> None:
        meter.at(0)
        sleep(seconds)

    meter.begin("waiting", "another process", 0)
    try:
        with lease(root, _lease(wanted.name), wait_seconds=wait_seconds, sleep=pause):
            return find_installed(root, wanted.name, wanted.form) or _make(
                root, wanted, maker, meter, free or _free
            )
    except FetchStopped as stopped:
        raise FetchStopped(f"The making of {wanted.name} was stopped.", "Ask for it again.") from stopped
    except OSError as error:
        if isinstance(error, MetaclawError):
            raise
        raise home_error(root.path, error) from error


def remove(
    home: Home,
    name: str,
    form: Form | None = None,
    *,
    serving: Callable[[InstalledModel], str | None] | None = None,
) -> int:
    """Delete a model and what was begun of it; the bytes that were freed. `serving` says who serves one just now.

    Raises NotFound, and NotNow where it serves or is being fetched.
    """
    root, name = Home(home.root), name.lower()
    forms = (FORMS if form is None else (form,)) if NAME.match(name) else ()
    places = [folder_of(root) / name / one for one in forms]
    places += [folder_of(root) / DRAFTS / f"{name}.{one}" for one in forms]
    if not any(place.is_dir() for place in places):
        raise NotFound(f"There is no local model {name!r}.", "See: metaclaw models list")
    try:
        with lease(root, _lease(name)):
            for model in filter(None, (find_installed(root, name, one) for one in forms)):
                if serving is not None and (who := serving(model)):
                    raise NotNow(f"{name} serves just now ({who}).", "Stop that first: metaclaw stop")
            return sum(_delete(root, place) for place in places)
    except LeaseHeld as error:
        raise NotNow(f"{name} is being fetched just now.", "Stop that first, or wait for it.") from error


def _fetch(home: Home, wanted: RequestedModel, meter: Meter, free: Callable[[Path], int]) -> InstalledModel:
    draft = _draft(home, wanted)
    prepare(draft, wanted)
    _check_room(draft, wanted, free)
    hashes: dict[str, str] = {}
    source, before = "", 0
    for file in wanted.files:
        source, hashes[file.name] = fetch_file(file, wanted.sources, draft, meter, before)
        before += (draft / file.name).stat().st_size
    if wanted.form == "gguf":
        _check_form(draft, wanted)
    model = InstalledModel(
        name=wanted.name,
        form=wanted.form,
        folder=folder_of(home) / wanted.name / wanted.form,
        files=hashes,
        size=before,
        origin=wanted.origin,
        source=source,
        licence=wanted.licence,
        context=wanted.context,
        fetched_at=time.time(),
    )
    _install(draft, model)
    return model


def _make(
    home: Home,
    wanted: InstalledModel,
    maker: Callable[[Path, Meter], None],
    meter: Meter,
    free: Callable[[Path], int],
) -> InstalledModel:
    draft = folder_of(home) / DRAFTS / f"{wanted.name}.{wanted.form}"
    shutil.rmtree(
        draft, ignore_errors=True
    )  # of a process that was killed, or a fetch that this makes needless
    draft.mkdir(mode=0o700, parents=True)
    try:
        _check_space(wanted.name, wanted.size + RESERVE, draft, free)
        meter.begin("making", wanted.source, 0)
        maker(draft, meter)
        files = sorted(entry for entry in draft.iterdir() if entry.is_file() and entry.name[0] != ".")
        hashes = {file.name: hash_of(file, meter) for file in files}
    except Exception:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    size = sum(file.stat().st_size for file in files)
    model = replace(
        wanted,
        folder=folder_of(home) / wanted.name / wanted.form,
        files=hashes,
        size=size,
        fetched_at=time.time(),
    )
    _install(draft, model)
    return model


def _check_form(draft: Path, wanted: RequestedModel) -> None:
    path = draft / wanted.files[0].name
    try:
        check_gguf(path)
    except Exception:
        shutil.rmtree(draft, ignore_errors=True)
        raise


def _install(draft: Path, model: InstalledModel) -> None:
    """The manifest is the last file of the draft, and the rename makes all of it appear at once."""
    kept = {name.split("/", 1)[0] for name in model.files}
    for entry in draft.iterdir():
        if entry.name not in kept:
            entry.unlink()
    record = {key: value for key, value in asdict(model).items() if key != "folder"}
    write_private(draft / MANIFEST, json.dumps(record, indent=1))
    model.folder.parent.mkdir(mode=0o700, exist_ok=True)
    if model.folder.exists():  # without a manifest: nothing of ours
        shutil.rmtree(model.folder)
    draft.rename(model.folder)


def _same(home: Home, wanted: RequestedModel) -> InstalledModel | None:
    """The installed model where it is what is wanted. Raises UsageMistake where another has its name."""
    model = find_installed(home, wanted.name, wanted.form)
    if model is None:
        return None
    other = set(model.files) != {file.name for file in wanted.files} or any(
        file.sha256 not in (None, model.files[file.name]) for file in wanted.files
    )
    if other or wanted.size not in (None, model.size):
        raise UsageMistake(
            f"Another model, or another version, is called {model.name} here (from {model.origin}).",
            f"Remove it first: metaclaw models remove {model.name}",
        )
    return model


def _check_room(draft: Path, wanted: RequestedModel, free: Callable[[Path], int]) -> None:
    """Raise StoreFull where the disk does not hold what is to come. Without a size nothing can be told."""
    if wanted.size is None:
        return
    needed = wanted.size - _bytes(draft) + max(source.room for source in wanted.sources) + RESERVE
    _check_space(wanted.name, needed, draft, free)


def _check_space(name: str, needed: int, place: Path, free: Callable[[Path], int]) -> None:
    there = free(place)
    if there < needed:
        raise StoreFull(
            f"{name} needs {needed / 1e9:.1f} GB free on the disk, and {there / 1e9:.1f} GB are.",
            "Free some space, or point METACLAW_HOME at another disk.",
        )


def _renewing(home: Home, name: str, report: Callable[[Progress], None] | None) -> Callable[[Progress], None]:
    """A report that holds on to the lease meanwhile; of a lost one the fetch must know."""
    last = time.monotonic()

    def told(progress: Progress) -> None:
        nonlocal last
        if progress.stage != "waiting" and time.monotonic() - last > RENEW_SECONDS:
            renew(home, _lease(name))
            last = time.monotonic()
        if report is not None:
            report(progress)

    return told


def _delete(home: Home, folder: Path) -> int:
    """Out of sight at once, then off the disk."""
    if not folder.is_dir():
        return 0
    freed = _bytes(folder)
    doomed = folder_of(home) / DRAFTS / f"removed-{secrets.token_hex(4)}"
    try:
        doomed.parent.mkdir(mode=0o700, exist_ok=True)
        folder.rename(doomed)
        shutil.rmtree(doomed)
    except OSError as error:
        raise home_error(home.path, error) from error
    with suppress(OSError):
        folder.parent.rmdir()
    return freed


def _read(manifest: Path) -> InstalledModel | None:
    """None for a folder that is not ours to tell of, or lost a file."""
    try:
        told = cast(dict[str, Any], json.loads(manifest.read_text(encoding="utf-8")))
        model = InstalledModel(folder=manifest.parent, **told)
        whole = sum((model.folder / name).stat().st_size for name in model.files) == model.size
    except (OSError, ValueError, TypeError, AttributeError):
        return None
    return replace(model, folder=manifest.parent) if whole else None


def _draft(home: Home, wanted: RequestedModel) -> Path:
    return folder_of(home) / DRAFTS / f"{wanted.name}.{wanted.form}"


def _lease(name: str) -> str:
    return f"model-{name}"


def _bytes(folder: Path) -> int:
    try:
        return sum(entry.stat().st_size for entry in folder.rglob("*") if entry.is_file())
    except OSError:
        return 0


def _free(path: Path) -> int:
    return shutil.disk_usage(path).free
