"""A run while it goes on: its equity up to now, thinned for a chart, as often as a person can see it grow."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tradebot.engine.backtest.figures.curves import thinned_positions
from tradebot.engine.control.clock import Clock

MOST_POINTS = 200
FIRST_AFTER_SECONDS = 0.5
EVERY_SECONDS = 0.25

Rows = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class SoFar:
    """The curves of a run under way; of equal length, rising in time, at most 200 points.

    `start_ms` and `end_ms` are those of the whole run, `drawdown` is a fraction <= 0, `worst_drawdown` the deepest of
    all bars so far, `positions` counts those opened.
    """

    cash: float
    start_ms: int
    end_ms: int
    times_ms: tuple[int, ...]
    equity: tuple[float, ...]
    drawdown: tuple[float, ...]
    worst_drawdown: float
    positions: int


def so_far(
    rows: Rows, cash: float, start_ms: int, end_ms: int, worst_drawdown: float, positions: int
) -> SoFar:
    """What can be drawn of the rows of a ledger that grows: of each column the lowest and the highest equity.

    Equity 100, 120, 90 from a cash of 100: drawdown 0, 0, -0.25.
    """
    kept = thinned_positions(rows[1], MOST_POINTS)
    equity = rows[1, kept]
    peaks = np.maximum(np.maximum.accumulate(equity), cash)
    return SoFar(
        cash=cash,
        start_ms=start_ms,
        end_ms=end_ms,
        times_ms=tuple(rows[0, kept].astype(np.int64).tolist()),
        equity=tuple(equity.tolist()),
        drawdown=tuple((equity / peaks - 1.0).tolist()),
        worst_drawdown=worst_drawdown,
        positions=positions,
    )


class Glances:
    """Decides when to look at a run: not before half a second, then at most four times a second."""

    def __init__(self, clock: Clock, show: Callable[[SoFar], None]) -> None:
        self._clock = clock
        self._show = show
        self._next_at = clock.monotonic() + FIRST_AFTER_SECONDS

    def look(self, make: Callable[[], SoFar]) -> None:
        """Make and show a look where one is due; costs the reading of a clock where none is."""
        now = self._clock.monotonic()
        if now >= self._next_at:
            self._next_at = now + EVERY_SECONDS
            self._show(make())
