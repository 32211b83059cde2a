"""How much memory background work may take together: who needs some leases it, waits for it, or is refused."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

import psutil

from tradebot.engine.control.errors import ShortfallError
from tradebot.engine.control.progress import CancelToken

__all__ = ["Lease", "MemoryBudget", "background_memory_bytes"]

_LOOK_SECONDS = 0.2
SETTING = "performance.background_memory_mb"


def background_memory_bytes(megabytes: int) -> int:
    """What the setting says, in bytes; 0 means half of the machine's memory."""
    return megabytes * 1_000_000 if megabytes else int(psutil.virtual_memory().total) // 2


class Lease:
    """A share of the budget, given back by `release`, or at the latest when nobody holds it any more."""

    def __init__(self, give_back: Callable[[], None]) -> None:
        self._give_back: Callable[[], None] | None = give_back

    def release(self) -> None:
        """Give it back; a second call changes nothing."""
        give_back, self._give_back = self._give_back, None
        if give_back is not None:
            give_back()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def __del__(self) -> None:
        # Work that was called off before it began never comes to its end.
        self.release()


class MemoryBudget:
    """So many bytes for all work together. Thread-safe."""

    def __init__(self, limit_bytes: int) -> None:
        self.limit_bytes = limit_bytes
        self._used = 0
        # A lease may be let go of by the garbage collector in the middle of any of our own steps.
        self._changed = threading.Condition(threading.RLock())

    @property
    def used_bytes(self) -> int:
        """What is leased now."""
        return self._used

    def take(self, wanted_bytes: int, what: str, cancel: CancelToken, waits: Callable[[str], None]) -> Lease:
        """Lease so much, once it is there; `waits` is told a sentence where that takes a while.

        `what` says in the sentences what needs it ("24 symbols with 12,000,000 bars"). Raises ShortfallError where it
        is more than all work together may take, CancelledError where the wait was cancelled.
        """
        if wanted_bytes > self.limit_bytes:
            raise ShortfallError(
                f"This needs about {_size(wanted_bytes)} of memory ({what}), and background work may take "
                f"{_size(self.limit_bytes)}; test fewer symbols, a shorter span or longer bars, or allow more with "
                f"{SETTING}."
            )
        told = False
        with self._changed:
            while self._used + wanted_bytes > self.limit_bytes:
                if not told:
                    told = True
                    waits(
                        f"Waits for memory: it needs about {_size(wanted_bytes)}, and other work holds "
                        f"{_size(self._used)} of {_size(self.limit_bytes)} ({SETTING})."
                    )
                cancel.check()
                self._changed.wait(_LOOK_SECONDS)
            self._used += wanted_bytes
        return Lease(lambda: self._give_back(wanted_bytes))

    def _give_back(self, size: int) -> None:
        with self._changed:
            self._used -= size
            self._changed.notify_all()


def _size(size: int) -> str:
    """`850 MB`, `12.3 GB`."""
    return f"{size / 1e9:,.1f} GB" if size >= 1e9 else f"{max(1, round(size / 1e6)):,} MB"
