"""How much of the labextension a page loads: what it needs to begin, and what waits until it is shown, gzipped."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path

LIMIT_KB = 250.0
STATIC = Path("labextension/static")


def main() -> None:
    """Measure, print and write build/bench/bundle.json."""
    sizes = {path.name: compressed(path) for path in sorted(STATIC.glob("*.js"))}
    report = {
        "total_kb": round(sum(sizes.values()), 1),
        "limit_kb": LIMIT_KB,
        "with_uplot": holding("u-legend", sizes),
        "with_merge_view": holding("cm-mergeView", sizes),
        "entry_kb": next(size for name, size in sizes.items() if name.startswith("remoteEntry")),
        "kb": sizes,
    }
    target = Path("build/bench/bundle.json")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(report, indent=2) + "\n")
    print(json.dumps(report, indent=2))


def compressed(path: Path) -> float:
    """Its size in kB as a server sends it."""
    return round(len(gzip.compress(path.read_bytes(), 9)) / 1000, 2)


def holding(word: str, sizes: dict[str, float]) -> list[str]:
    """The chunks that a library is in, told by a word that is in its code."""
    return [name for name in sizes if re.search(word, (STATIC / name).read_text(encoding="utf-8"))]


if __name__ == "__main__":
    main()
