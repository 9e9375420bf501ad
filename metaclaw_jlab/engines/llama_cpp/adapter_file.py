"""The GGUF file of a version's adapter, made in a process of its own: the front does without what that takes."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

from metaclaw_jlab.core.errors import AdapterRefused, MetaclawError
from metaclaw_jlab.runtime.home import Home, open_home


def adapter_file(home: Home, model: Path, base: str, version: int, sha256: str) -> Path:
    """The file of a published version for the GGUF file `model` of `base`. Raises AdapterRefused."""
    command = [sys.executable, "-P", "-m", "metaclaw_jlab.engines.llama_cpp.adapter_file"]
    command += ["--home", str(home.path), "--model", str(model), "--base", base]
    command += ["--version", str(version), "--sha256", sha256]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    try:
        found = json.loads(done.stdout)
    except ValueError:
        last = (done.stderr.strip().splitlines() or [f"it ended with code {done.returncode}"])[-1]
        raise AdapterRefused(f"Version {version} could not be written for llama.cpp: {last}.") from None
    if "path" not in found:
        raise AdapterRefused(found["cause"], found["next_step"])
    return Path(found["path"])


def main() -> int:
    """Make it, and print where it is or why it is not; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--base", required=True)
    parser.add_argument("--version", type=int, required=True)
    parser.add_argument("--sha256", required=True)
    asked = parser.parse_args()
    from metaclaw_jlab.engines.gguf_adapter import gguf_adapter

    try:
        made = gguf_adapter(
            open_home(asked.home), asked.version, asked.model, base=asked.base, sha256=asked.sha256
        )
    except MetaclawError as error:
        sys.stdout.write(json.dumps({"cause": error.cause, "next_step": error.next_step}))
        return 1
    sys.stdout.write(json.dumps({"path": str(made)}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
