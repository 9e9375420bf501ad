"""`python -m metaclaw_jlab.evaluation.ablation --home HOME --run N`: conduct a run, beside its user."""

from __future__ import annotations

import argparse
import logging
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from metaclaw_jlab.core.ablation import AblationState
from metaclaw_jlab.core.errors import MetaclawError
from metaclaw_jlab.evaluation.ablation.progress import Progress
from metaclaw_jlab.evaluation.ablation.run_folder import open_run
from metaclaw_jlab.evaluation.ablation.running import run_ablation
from metaclaw_jlab.runtime.home import open_home

logger = logging.getLogger("metaclaw_jlab.evaluation.ablation")

LOG_SECONDS = 30.0


def main(words: Sequence[str] | None = None) -> int:
    """Conduct it: 0 where it came to its end or was stopped, 1 where it failed."""
    parser = argparse.ArgumentParser(
        prog="python -m metaclaw_jlab.evaluation.ablation", description="Conduct an ablation that is planned."
    )
    parser.add_argument("--home", type=Path, required=True, help="the home folder that the run lies in")
    parser.add_argument("--run", type=int, required=True, metavar="N", help="the number of the run")
    arguments = parser.parse_args(words)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    signal.signal(signal.SIGTERM, _interrupted)
    told = float("-inf")

    def tell(progress: Progress) -> None:
        nonlocal told
        if progress.seconds - told >= LOG_SECONDS:
            told = progress.seconds
            logger.info("%s", progress.sentence)

    try:
        state = run_ablation(
            open_run(open_home(arguments.home), arguments.run), on_progress=tell, heed_stop=True
        )
    except MetaclawError as error:
        sys.stderr.write(f"metaclaw: {error}\n")
        return 1
    logger.info("%s. %s", state.state.value, state.reason)
    return int(state.state is AblationState.FAILED)


def _interrupted(*_: object) -> NoReturn:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
