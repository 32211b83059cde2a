"""What a running tradebot shows to another process that watches: its snapshot in a file, as long as somebody asks.

Who watches touches `.look.wanted` in the data folder now and then; who writes the folder answers in `.look.json`.
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from tradebot.engine.control.clock import Clock
from tradebot.engine.control.files import replace_patiently
from tradebot.engine.messages import EngineSnapshot, from_json, to_json

__all__ = ["LookSharer", "LookWatcher"]

_WANTED, _LOOK = ".look.wanted", ".look.json"
_ASKED_S = 5.0
"""How long one asking counts."""
_FRESH_S = 5.0
"""How old an answer may be."""


class LookSharer:
    """Belongs to the tradebot that writes the folder; `share` does file work, so call it off the loop."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._wanted = folder / _WANTED
        self._look = folder / _LOOK
        self._clock = clock
        self._shared = False

    def share(self, snapshot: EngineSnapshot) -> bool:
        """Write the snapshot, without its long lists, where somebody asked lately; whether it was written."""
        asked_s = _age_s(self._wanted, self._clock)
        if asked_s is None or asked_s > _ASKED_S:
            self.close()
            return False
        short = replace(snapshot, datasets=(), strategies=(), results=(), message_rates=())
        temporary = self._look.with_name(f"{_LOOK}.{os.getpid()}.new")
        try:
            temporary.write_text(to_json(short), encoding="utf-8")
            _stamp(temporary, self._clock)
            replace_patiently(temporary, self._look)
        except OSError:
            temporary.unlink(missing_ok=True)
            return False  # nobody's work depends on being watched
        self._shared = True
        return True

    def close(self) -> None:
        """Take the answer away, so that nobody takes it for a new one."""
        if self._shared:
            self._shared = False
            with suppress(OSError):  # somebody reads it just now; its age tells
                self._look.unlink(missing_ok=True)


class LookWatcher:
    """Belongs to who watches: asks, and reads the answers."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._wanted = folder / _WANTED
        self._look = folder / _LOOK
        self._clock = clock

    def ask(self) -> None:
        """Ask for looks during the next seconds. Where nothing can be written there will be none."""
        with suppress(OSError):
            self._wanted.touch()
            _stamp(self._wanted, self._clock)

    def read(self) -> EngineSnapshot | None:
        """The latest look of another process; None where there is none that is new and whole."""
        age_s = _age_s(self._look, self._clock)
        if age_s is None or age_s > _FRESH_S:
            return None
        try:
            found = from_json(self._look.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None  # written by another version, or replaced just now
        return found if isinstance(found, EngineSnapshot) else None

    def close(self) -> None:
        """Ask no more."""
        with suppress(OSError):
            self._wanted.unlink(missing_ok=True)


def _stamp(path: Path, clock: Clock) -> None:
    seconds = clock.now_ms() / 1000
    os.utime(path, (seconds, seconds))


def _age_s(path: Path, clock: Clock) -> float | None:
    """Seconds since the file was written, None where there is none."""
    try:
        return clock.now_ms() / 1000 - path.stat().st_mtime
    except OSError:
        return None
