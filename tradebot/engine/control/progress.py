"""Progress of long work: how far, how fast, how long still; and the token that cancels it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from tradebot.engine.control.clock import Clock
from tradebot.engine.control.errors import CancelledError


@dataclass(frozen=True, slots=True)
class Progress:
    """One look at running work. `rate` is units a second, `eta_seconds` None while unknown."""

    done: float
    total: float
    unit: str
    rate: float
    eta_seconds: float | None
    note: str = ""

    @property
    def fraction(self) -> float:
        """Share done, 0 to 1."""
        return min(1.0, self.done / self.total) if self.total > 0 else 0.0


def counted(number: int, one: str) -> str:
    """`1 bar`, `1,440 bars`."""
    return f"{number:,} {one if number == 1 else one + 's'}"


class CancelToken:
    """Handed to work that may be cancelled; thread-safe."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def cancel(self) -> None:
        """Ask the work to stop at its next check."""
        self._event.set()

    @property
    def cancelled(self) -> bool:
        """Whether somebody asked the work to stop."""
        return self._event.is_set()

    def check(self) -> None:
        """Raise CancelledError where the work was cancelled."""
        if self._event.is_set():
            raise CancelledError("Cancelled.")


class ProgressMeter:
    """Turns counts into `Progress` with an exponentially smoothed rate (time constant 5 s)."""

    def __init__(self, total: float, unit: str, clock: Clock, report: Callable[[Progress], None]) -> None:
        self._total = total
        self._unit = unit
        self._clock = clock
        self._report = report
        self._done = 0.0
        self._rate = 0.0
        self._marked_done = 0.0
        self._marked_at = clock.monotonic()
        self._started_at = self._marked_at

    @property
    def done(self) -> float:
        """Units finished so far."""
        return self._done

    def grow(self, more: float) -> None:
        """More work than known before was found (less, where negative)."""
        self._total += more

    def advance(self, units: float, note: str = "") -> None:
        """Count finished units and report."""
        self._done += units
        now = self._clock.monotonic()
        elapsed = now - self._marked_at
        if elapsed >= 0.25:
            current = (self._done - self._marked_done) / elapsed
            weight = 1.0 if self._rate == 0.0 else min(1.0, elapsed / 5.0)
            self._rate += (current - self._rate) * weight
            self._marked_done, self._marked_at = self._done, now
        left = max(0.0, self._total - self._done)
        eta = left / self._rate if self._rate > 0 else None
        self._report(Progress(self._done, self._total, self._unit, self._rate, eta, note))

    def average_rate(self) -> float:
        """Units a second over the whole work."""
        elapsed = self._clock.monotonic() - self._started_at
        return self._done / elapsed if elapsed > 0 else 0.0
