"""The simulated exchange as a child process that cannot outlive its parent."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections import deque
from dataclasses import fields
from types import TracebackType

from tradebot.engine.control.errors import InputError, ShortfallError
from tradebot.engine.simulator.settings import SimulatorSettings

REFUSED = "refused: "
_STOP_SECONDS = 5.0


class SimulatorProcess:
    """A running child process with a simulated exchange; `url` is its REST base. Also a context manager."""

    def __init__(self, process: subprocess.Popen[str], url: str) -> None:
        self.url = url
        self._process = process

    @property
    def pid(self) -> int:
        """Process id of the child."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the child still runs."""
        return self._process.poll() is None

    def stop(self) -> None:
        """End the child and wait for it; safe to call twice."""
        _close(self._process)

    def __enter__(self) -> SimulatorProcess:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def start_simulator_process(settings: SimulatorSettings) -> SimulatorProcess:
    """Start `python -m tradebot.engine.simulator` and wait until it listens.

    The child ends by itself when its standard input closes, which happens however this process dies.
    Raises InputError where the settings cannot be used (a port in use), ShortfallError where the child fails.
    """
    process = subprocess.Popen(  # noqa: S603 - our own module with our own numbers
        [sys.executable, "-X", "utf8", "-m", "tradebot.engine.simulator", *_arguments(settings)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        # On Windows: no console window pops up beside the terminal app.
        creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
    )
    last_words: deque[str] = deque(maxlen=20)
    reader = threading.Thread(target=_drain, args=(process, last_words), name="simulator-errors", daemon=True)
    reader.start()
    first_line = process.stdout.readline().strip() if process.stdout else ""
    if first_line.startswith("http"):
        return SimulatorProcess(process, first_line)
    _close(process)
    if first_line.startswith(REFUSED):
        raise InputError(first_line.removeprefix(REFUSED))
    reader.join(timeout=1.0)
    reason = last_words[-1].strip() if last_words else f"exit status {process.returncode}"
    raise ShortfallError(
        f"The simulated exchange did not start ({reason}); try again, or run `tradebot sim` to see more."
    )


def _arguments(settings: SimulatorSettings) -> list[str]:
    """One `--name=value` for each setting; what is None is left out."""
    values = {field.name: getattr(settings, field.name) for field in fields(settings)}
    return [f"--{name.replace('_', '-')}={value}" for name, value in values.items() if value is not None]


def _drain(process: subprocess.Popen[str], last_words: deque[str]) -> None:
    if process.stderr is not None:
        last_words.extend(process.stderr)


def _close(process: subprocess.Popen[str]) -> None:
    if process.stdin is not None and not process.stdin.closed:
        process.stdin.close()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()
