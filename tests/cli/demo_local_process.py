"""`metaclaw demo-local` in a process whose policy server is the obeying one: SERVER-OPTIONS -- ARGUMENTS."""

import sys
from collections.abc import Callable

from metaclaw_jlab.cli.main import main
from metaclaw_jlab.runtime import policy_server
from metaclaw_jlab.runtime.home import Home


def obeying_command(options: list[str]) -> Callable[..., list[str]]:
    """What starts the obeying server, with these options, in place of runtime.policy_server.server_command."""

    def command(home: Home, model: str, form: str = "auto") -> list[str]:
        module = "tests.evaluation.obeying_server"
        return [
            sys.executable,
            "-m",
            module,
            "--home",
            str(home.path),
            "--model",
            model,
            "--form",
            form,
            *options,
        ]

    return command


if __name__ == "__main__":
    split = sys.argv.index("--")
    policy_server.server_command = obeying_command(sys.argv[1:split])
    sys.exit(main(["demo-local", *sys.argv[split + 1 :]]))
