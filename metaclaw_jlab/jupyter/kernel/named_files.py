"""Files of the working folder that a text names: found by their names, read under a cap, secrets left alone."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from metaclaw_jlab.core.errors import WorkingFolderTooLarge
from metaclaw_jlab.executors.folder import read_file, read_folder
from metaclaw_jlab.jupyter.kernel.copies import NotCopied

if TYPE_CHECKING:
    from metaclaw_jlab.agent.file_references import NamedFile
    from metaclaw_jlab.jupyter.kernel.copies import Copier

SHOWN_BYTES = 65_536
MOST_WORDS = 2000  # of a text that are looked up in the folder
_QUOTED = re.compile(r"`([^`\n]{1,400})`|\"([^\"\n]{1,400})\"|'([^'\n]{1,400})'")
_AROUND = "\"'`()[]{}<>,;:!?*"
_SECRET = re.compile(
    r"(^|[._-])(secrets?|credentials?|passwords?|passwd|token|id_rsa|id_dsa|id_ecdsa|id_ed25519)([._-]|$)"
    r"|\.(pem|key|p12|pfx|keystore|jks|kdbx|gpg|asc)$",
    re.IGNORECASE,
)


@dataclass(slots=True)
class NamedFiles:
    """Paths relative to the working folder, and a sentence on the first named one that cannot be kept."""

    paths: list[str] = field(default_factory=list)
    problem: str = ""

    def find(self, folder: Path, words: Iterable[str], *, quoted: Iterable[str] = ()) -> None:
        """Take up the words that are files there. A folder counts where it has a slash, or comes from `quoted`."""
        known = dict.fromkeys(words, False) | dict.fromkeys(quoted, True)
        for number, (word, is_quoted) in enumerate(known.items()):
            if number >= MOST_WORDS or not word.strip("./\\~ "):
                continue
            try:
                self._take(folder, word, folders=is_quoted or "/" in word)
            except (OSError, ValueError):
                continue  # no such file, or no name that a file can have

    def read(self, folder: Path, copier: Copier) -> dict[str, bytes]:
        """The contents. Raises NotCopied."""
        files: dict[str, bytes] = {}
        for path in self.paths:
            try:
                files |= _read(folder, path, copier)
            except NotCopied as refusal:
                raise NotCopied(f"{path} {refusal}") from None
        return files

    def _take(self, folder: Path, word: str, *, folders: bool) -> None:
        target = folder / Path(word).expanduser()
        found = target.lstat()
        path = os.path.relpath(target, folder)
        if stat.S_ISDIR(found.st_mode) and not folders:
            return
        if PurePath(word).is_absolute() or word.startswith("~") or path.startswith(".."):
            self._refuse(f"{word} is not named by a path inside the working folder")
        elif target.resolve() != folder.resolve() / path or not _plain(found.st_mode):
            self._refuse(f"{word} is a link, or no plain file")
        elif may_hold_secrets(path):
            self._refuse(f"{word} may hold secrets")
        elif path not in self.paths:
            self.paths.append(path)

    def _refuse(self, why: str) -> None:
        self.problem = self.problem or why


def beginnings(folder: Path, text: str) -> tuple[NamedFile, ...]:
    """The first characters of the first text files that a text names; what may hold secrets is left alone."""
    from metaclaw_jlab.agent.file_references import MOST_FILES, NamedFile

    named = NamedFiles()
    named.find(folder, words_of(text))
    found: list[NamedFile] = []
    for path in named.paths:
        if len(found) == MOST_FILES:
            break
        try:
            with (folder / path).open("rb") as file:
                content, more = file.read(SHOWN_BYTES), bool(file.read(1))
            # What was cut may end within a character.
            shown = content.decode("utf-8", errors="ignore" if more else "strict")
        except (OSError, UnicodeDecodeError):
            continue
        if "\0" not in shown:
            found.append(NamedFile(path, shown, whole=not more))
    return tuple(found)


def words_of(text: str) -> list[str]:
    """What may be a file's name in a text: its words without the punctuation around them, and what stands in quotes."""
    quoted = [found for groups in _QUOTED.findall(text) for found in groups if found]
    words = (word.lstrip(_AROUND).rstrip(_AROUND + ".") for word in text.split())
    return [*dict.fromkeys([*quoted, *(word for word in words if word and not word.startswith("@"))])]


def may_hold_secrets(path: str) -> bool:
    """Whether a file is hidden, or has a name that keys and passwords go by."""
    return any(part.startswith(".") or _SECRET.search(part) for part in PurePath(path).parts)


def _plain(mode: int) -> bool:
    return stat.S_ISREG(mode) or stat.S_ISDIR(mode)


def _read(folder: Path, path: str, copier: Copier) -> dict[str, bytes]:
    if not (folder / path).is_dir():
        size = (folder / path).stat().st_size
        if size > copier.left:
            raise copier.too_large(size)
        content = read_file(folder / path, copier.left)
        if content is None:
            raise NotCopied("cannot be read")
        return {path: copier.taken(content)}
    try:
        found = read_folder(folder / path, copier.left)
    except WorkingFolderTooLarge:
        raise copier.too_large(None) from None
    inside = {f"{path}/{name}": data for name, data in found.items()} or {f"{path}/": b""}
    if secret := next((name for name in inside if may_hold_secrets(name.rstrip("/"))), None):
        raise NotCopied(f"holds {PurePath(secret).name}, which may hold secrets")
    return {name: copier.taken(data) for name, data in inside.items()}
