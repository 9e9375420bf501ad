"""The hub: what a repository holds, and its files, gone on with where they were cut off."""

from __future__ import annotations

import json
import os
import re
import time
import urllib.error
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.client import HTTPResponse
from pathlib import Path
from typing import Any
from urllib.parse import quote

from metaclaw_jlab.core.errors import FetchFailed, FetchRefused
from metaclaw_jlab.policies.catalogue import HubFile
from metaclaw_jlab.policies.model_sources.transfer import CHUNK, Meter, WantedFile
from metaclaw_jlab.policies.model_sources.web_request import LINE_ERRORS, Hub, ask, refusal
from metaclaw_jlab.settings.address import normalise

PUBLIC = "https://huggingface.co"
TRIES = 5
FIRST_TRIES = 2  # as long as nothing came: there may be no way to the hub, and another source
FIRST_WAIT = 1.0
MOST_LISTING = 64 << 20
_RANGE = re.compile(r"bytes (\d+)-")
_YES = frozenset({"1", "ON", "YES", "TRUE"})


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository at one commit: its files, and what its card says of the licence ("" where it says nothing)."""

    name: str
    commit: str
    files: tuple[WantedFile, ...]
    licence: str


@dataclass(frozen=True, slots=True)
class HubSource:
    """The files of a repository at a revision. `file_name`: where it is another than the wanted file's."""

    hub: Hub
    repository: str
    revision: str = "main"
    file_name: str = ""
    sleep: Callable[[float], object] = time.sleep

    @property
    def name(self) -> str:
        """As people call it."""
        return "the hub"

    @property
    def room(self) -> int:
        """Nothing beside the file."""
        return 0

    def fetch(self, file: WantedFile, draft: Path, meter: Meter) -> None:
        """Go on where the draft ends, as often as bytes come. Raises FetchFailed, FetchStopped, OSError."""
        if offline(os.environ):
            raise FetchFailed("The hub is switched off here (HF_HUB_OFFLINE).", "Unset HF_HUB_OFFLINE.")
        name = self.file_name or file.name
        url = f"{self.hub.endpoint}/{self.repository}/resolve/{quote(self.revision, safe='')}/{quote(name)}"
        failed, most = 0, FIRST_TRIES
        while True:
            have = _length(draft)
            reason = self._attempt(url, file, draft, meter)
            if not reason:
                return
            failed, most = (0, TRIES) if _length(draft) > have else (failed + 1, most)
            if failed == most:
                raise FetchFailed(
                    f"The hub could not be reached, or went away ({reason}).", "Try again later: it goes on."
                )
            meter.at(_length(draft))
            self.sleep(FIRST_WAIT * 2 ** max(0, failed - 1))

    def _attempt(self, url: str, file: WantedFile, draft: Path, meter: Meter) -> str:
        """One request; "" where the draft is whole after it, else why not."""
        have = _length(draft)
        try:
            reader = ask(self.hub, url, start=have)
        except urllib.error.HTTPError as error:
            error.close()
            if error.code == 416 and have:
                if file.size == have:
                    return ""
                draft.unlink()  # it was longer than the file
                return "its range does not exist"
            if (
                refused := refusal(self.hub, self.repository, self.file_name or file.name, error)
            ) is not None:
                raise refused from error
            return f"HTTP {error.code}"
        except FetchRefused:
            raise
        except LINE_ERRORS as error:
            return _reason(error)
        with reader:
            return _append(reader, draft, have, file.size, meter)


def hub_of(environment: Mapping[str, str]) -> Hub:
    """The hub and the token that its own variables name, or that its own login wrote. Raises UsageMistake."""
    token = environment.get("HF_TOKEN") or environment.get("HUGGING_FACE_HUB_TOKEN") or ""
    folder = environment.get("HF_HOME") or str(Path("~/.cache/huggingface").expanduser())
    path = Path(environment.get("HF_TOKEN_PATH") or Path(folder) / "token")
    if not token:
        try:
            token = path.read_text(encoding="utf-8")
        except (OSError, ValueError):
            token = ""
    return Hub(normalise(environment.get("HF_ENDPOINT") or PUBLIC), "".join(token.split()))


def offline(environment: Mapping[str, str]) -> bool:
    """Whether the hub must not be asked."""
    return environment.get("HF_HUB_OFFLINE", "").upper() in _YES


def source_of(place: HubFile, hub: Hub) -> HubSource:
    """A file of the catalogue, at the hub."""
    return HubSource(hub, place.repository, place.revision, place.name)


def listing(hub: Hub, repository: str, revision: str = "main") -> Repository:
    """What a repository holds. Raises FetchFailed."""
    if offline(os.environ):
        raise FetchFailed("The hub is switched off here (HF_HUB_OFFLINE).", "Unset HF_HUB_OFFLINE.")
    url = f"{hub.endpoint}/api/models/{repository}/revision/{quote(revision, safe='')}?blobs=true"
    try:
        with ask(hub, url) as answer:
            told = json.loads(answer.read(MOST_LISTING))
        return _repository(repository, told)
    except urllib.error.HTTPError as error:
        error.close()
        refused = refusal(hub, repository, "model", error)
        raise refused or FetchFailed(f"The hub is busy (HTTP {error.code}).", "Try again later.") from error
    except FetchRefused:
        raise
    except LINE_ERRORS as error:
        raise FetchFailed(
            f"The hub does not answer ({_reason(error)}).", "Check the network, or give a path."
        ) from error
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise FetchFailed(f"What answers at {hub.endpoint} is no hub.", "Check HF_ENDPOINT.") from error


def _repository(name: str, told: dict[str, Any]) -> Repository:
    files = []
    for entry in told["siblings"]:
        large = entry.get("lfs") or {}
        sha256 = large.get("sha256")
        blob = None if sha256 else entry.get("blobId")
        files.append(WantedFile(str(entry["rfilename"]), entry.get("size"), sha256, blob))
    licence = (told.get("cardData") or {}).get("license") or ""
    return Repository(name, str(told["sha"]), tuple(files), licence if isinstance(licence, str) else "")


def _append(reader: HTTPResponse, draft: Path, have: int, size: int | None, meter: Meter) -> str:
    """Write what comes; "" where all of it came, else why not. An error of the disk is let through."""
    begins = _RANGE.match(reader.headers.get("Content-Range") or "")
    goes_on = reader.status == 206 and begins is not None and int(begins[1]) == have
    if reader.status == 206 and not goes_on:
        return "it answered with another range"
    length = reader.headers.get("Content-Length")
    came = 0
    with draft.open("ab" if goes_on else "wb") as writer:
        start = have if goes_on else 0
        meter.at(start)
        while True:
            try:
                chunk = reader.read1(CHUNK)
            except LINE_ERRORS as error:
                return _reason(error)
            if not chunk:
                break
            came += len(chunk)
            if size is not None and start + came > size:
                raise FetchFailed("The hub sends more than the file has.", "Take another source.")
            writer.write(chunk)
            meter.at(start + came)
    return "it was cut off" if length is not None and came < int(length) else ""


def _length(draft: Path) -> int:
    return draft.stat().st_size if draft.exists() else 0


def _reason(error: BaseException) -> str:
    cause = getattr(error, "reason", None) or error
    return str(cause) or type(cause).__name__
