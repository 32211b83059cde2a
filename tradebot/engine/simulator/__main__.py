"""`python -m tradebot.engine.simulator`: the child process behind `start_simulator_process`.

Prints the URL as its first line (or `refused: ` and a sentence, then ends with status 2) and runs until its standard
input closes.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
import threading
from dataclasses import fields
from typing import Any

from tradebot.engine.control.errors import EXIT_OK, InputError
from tradebot.engine.simulator.process import REFUSED
from tradebot.engine.simulator.server import Simulator
from tradebot.engine.simulator.settings import SimulatorSettings

_DEFAULTS = SimulatorSettings()


def main(arguments: list[str] | None = None) -> int:
    """Run until standard input closes; returns the exit status."""
    # Ctrl+C reaches the whole group of processes; the parent decides when the exchange ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        settings = SimulatorSettings(**vars(_parser().parse_args(arguments)))
        return asyncio.run(_serve(settings))
    except InputError as error:
        print(f"{REFUSED}{error.sentence}", flush=True)  # noqa: T201 - the line that the parent reads
        return error.exit_code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tradebot.engine.simulator", description=__doc__)
    for field in fields(SimulatorSettings):
        default = getattr(_DEFAULTS, field.name)
        kind: Any = _flag if isinstance(default, bool) else int if default is None else type(default)
        parser.add_argument(f"--{field.name.replace('_', '-')}", type=kind, default=default)
    return parser


def _flag(text: str) -> bool:
    return text.lower() in {"true", "1", "yes", "on"}


async def _serve(settings: SimulatorSettings) -> int:
    simulator = Simulator(settings)
    url = await simulator.start()
    closed = asyncio.Event()
    loop = asyncio.get_running_loop()
    threading.Thread(target=_wait_for_end, args=(loop, closed), name="parent", daemon=True).start()
    print(url, flush=True)  # noqa: T201 - the line that the parent reads
    await closed.wait()
    await simulator.stop()
    return EXIT_OK


def _wait_for_end(loop: asyncio.AbstractEventLoop, closed: asyncio.Event) -> None:
    """Blocks in a thread, because standard input cannot be awaited on Windows."""
    # Not sys.stdin.buffer: its lock would still be held by this thread when the interpreter ends.
    while os.read(0, 4096):
        pass
    loop.call_soon_threadsafe(closed.set)


if __name__ == "__main__":
    sys.exit(main())
