"""What holds for the package as a whole: light imports, short modules, honest ``__all__``."""

from __future__ import annotations

import ast
import importlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "metaclaw_jlab"
HEAVY = {
    "anywidget",
    "chromadb",
    "datasets",
    "ipywidgets",
    "nbformat",
    "openai",
    "pandas",
    "peft",
    "sqlalchemy",
    "torch",
    "transformers",
    "trl",
}
LONGEST = 400

LOAD_EXTENSION = """
from IPython.core.interactiveshell import InteractiveShell
InteractiveShell.instance().run_line_magic("load_ext", "metaclaw_jlab")
"""


def top_level_modules_after(code: str, home: Path) -> set[str]:
    """The top-level modules that a fresh interpreter holds after running ``code``."""
    report = "import json, sys; print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\n{report}"],
        capture_output=True,
        text=True,
        check=True,
        cwd=home,
        env={"HOME": str(home), "METACLAW_HOME": str(home / "metaclaw"), "IPYTHONDIR": str(home / "ipython")},
    )
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize(
    "code",
    ["import metaclaw_jlab", "import metaclaw_jlab.jupyter.kernel.magics", LOAD_EXTENSION],
    ids=["package", "magics", "extension"],
)
def test_imports_stay_light(code: str, tmp_path: Path) -> None:
    assert not top_level_modules_after(code, tmp_path) & HEAVY


def sources() -> list[Path]:
    """What people write: the types of the REST interface are made from its description."""
    written = [*PACKAGE.rglob("*.py"), *(ROOT / "src").rglob("*.ts*"), *(ROOT / "tests").rglob("*.py")]
    return sorted(path for path in written if path != ROOT / "src/api/schema.ts")


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(ROOT)))
def test_module_is_short_enough_to_read(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST


def public_names() -> list[tuple[str, str]]:
    """``(module, name)`` for each entry of an ``__all__``, read without importing anything."""
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        module = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.Assign) and any(getattr(t, "id", "") == "__all__" for t in node.targets):
                found += [(module, name) for name in ast.literal_eval(node.value)]
    return found


@pytest.mark.parametrize(("module", "name"), public_names())
def test_public_name_exists(module: str, name: str) -> None:
    assert hasattr(importlib.import_module(module), name)


def test_version_is_the_one_of_the_labextension() -> None:
    from importlib.metadata import version

    assert (
        version("metaclaw-jlab") == json.loads((ROOT / "package.json").read_text(encoding="utf-8"))["version"]
    )
