"""Runs something in a process of its own that is killed at each of its writes in turn, and looks at what is left."""

import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import event

from metaclaw_jlab.runtime.home import Home
from metaclaw_jlab.skills import exchange
from metaclaw_jlab.store.database import Database, open_database
from metaclaw_jlab.store.skills import Skills
from tests.skills.copies import bodies, copied, files

WRITES = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link"}
FOR_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
MOST = 200  # writes of one call

Action = Callable[[Home, Skills], object]


def killed_at(write: int, home: Home, action: Action) -> bool:
    """Run `action` in a process of its own that is killed just before its n-th write; False where it ended before."""
    child = os.fork()
    if child:
        _, status = os.waitpid(child, 0)
        assert status in {0, signal.SIGKILL}
        return status != 0
    result = 1
    try:
        _die_at(write, database := open_database(home.database))
        action(home, Skills(database))
        result = 0
    finally:
        os._exit(result)


def _die_at(write: int, database: Database) -> None:
    left = write

    def count(*ignored: object) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def audit(name: str, arguments: tuple[object, ...]) -> None:
        if name in WRITES or (name == "open" and int(arguments[2]) & FOR_WRITING):  # type: ignore[call-overload]
            count()

    swap = exchange._swapped

    def swapped(first: Path, second: Path) -> bool:
        count()
        return swap(first, second)

    exchange._swapped = swapped
    event.listen(database.engine, "commit", count)
    sys.addaudithook(audit)


def assert_whole(home: Home, skills: Skills) -> None:
    assert copied(home) == bodies(skills)
    folders = {member.name for member in skills.members(skills.current_generation().number)}
    assert files(home.skills) == {".manifest.json", *folders, *(f"{name}/SKILL.md" for name in folders)}


def each_write(template: Home, action: Action, check: Callable[[Home, Skills], None]) -> int:
    """Check what each possible kill leaves; the number of writes."""
    for write in range(1, MOST):
        home = Home(template.path.with_name(f"{write}"))
        shutil.copytree(template.path, home.path)
        killed = killed_at(write, home, action)
        database = open_database(home.database)
        check(home, Skills(database))
        database.close()
        if not killed:
            return write
        shutil.rmtree(home.path)
    raise AssertionError("The process never came to its end.")
