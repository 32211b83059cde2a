"""`python -m tradebot` is the same as `tradebot`: both begin here."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line; an interrupt while its modules are still being loaded ends like any other one."""
    try:
        from tradebot.cli import main as run_command_line
    except KeyboardInterrupt:
        sys.stderr.write("Interrupted. Nothing had begun yet.\n")
        sys.exit(130)
    run_command_line()


if __name__ == "__main__":
    main()
