"""The supervisor's own small process: `wangge run` becomes it once its checks are done."""

from __future__ import annotations

import sys

from core.lib.errors import WanggeError
from core.lib.terminal import Terminal
from core.settings import Settings
from core.supervisor.supervisor import Supervisor


def main() -> None:
    """Run until stopped; end with one clear line and code 1 when something cannot start."""
    terminal = Terminal()
    try:
        Supervisor(Settings.from_env(), terminal.say).run()
    except WanggeError as error:
        terminal.complain(error.message, kind=error.type)
        sys.exit(1)


if __name__ == "__main__":
    main()
