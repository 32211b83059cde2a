"""Bars of a higher timeframe from closed finer bars as they come, by the rules of `store.resample`."""

from __future__ import annotations

from dataclasses import dataclass

from tradebot.engine.market import Timeframe


@dataclass(frozen=True, slots=True)
class ClosedBar:
    """One closed bar; `time_ms` is its open time (UTC), numbers as in `Candles` (turnover NaN where unknown).

    `gap_before` says that the exchange has no bar between the one before it and this one. `complete` is False for a
    bar that was built from finer ones of which the exchange lacks some.
    """

    time_ms: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    turnover: float
    gap_before: bool = False
    complete: bool = True


class BarBuilder:
    """Builds bars of `target` from those of `source`, given one by one in rising order.

    A bar is ready with its last fine bar, or with the first fine bar after it where the last ones are missing. A bar
    that begins before `first_ms`, the first fine bar there is, is left out; one without any fine bar does not exist.
    """

    def __init__(self, source: Timeframe, target: Timeframe, first_ms: int) -> None:
        self._source = source
        self._target = target
        self._first_ms = first_ms
        self._parts: list[ClosedBar] = []
        self._opened = 0

    def add(self, bar: ClosedBar) -> list[ClosedBar]:
        """Take in the next fine bar; returns the bars that are ready now, at most two."""
        opened = self._target.floor(bar.time_ms)
        ready = self._finish() if opened != self._opened else []
        self._opened = opened
        self._parts.append(bar)
        if bar.time_ms + self._source.ms == opened + self._target.ms:
            ready += self._finish()
        return ready

    def _finish(self) -> list[ClosedBar]:
        parts, self._parts = self._parts, []
        if not parts or self._opened < self._first_ms:
            return []
        return [
            ClosedBar(
                self._opened,
                parts[0].open,
                max(part.high for part in parts),
                min(part.low for part in parts),
                parts[-1].close,
                sum(part.volume for part in parts),
                sum(part.turnover for part in parts),
                complete=len(parts) * self._source.ms == self._target.ms,
            )
        ]
