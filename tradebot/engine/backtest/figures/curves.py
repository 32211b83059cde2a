"""Curves of a run: thinned for the result folder, and reduced to the columns of a chart."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from tradebot.engine.backtest.figures.benchmark import buy_hold_equity
from tradebot.engine.backtest.kernel.ledger import Ledger, SymbolData
from tradebot.engine.market import DAY_MS, HOUR_MS, Float64, Int64

MOST_ROWS = 20_000

CURVE = np.dtype(
    [
        ("time", "i8"),  # close time, UTC ms
        ("equity", "f8"),
        ("cash", "f8"),  # available
        ("exposure", "f8"),  # sum of notionals / equity, 0 without equity
        ("drawdown", "f8"),  # equity / highest equity at any bar so far (start cash included) - 1
        ("buy_hold", "f8"),  # equity of equal parts held in every symbol from its first open, without costs
    ]
)
"""One record a row of equity.csv (and of benchmark.csv)."""

Curve = npt.NDArray[np.void]


@dataclass(frozen=True, slots=True)
class ChartSeries:
    """Columns of a chart, of equal length and rising in time; drawdown as a fraction <= 0."""

    times_ms: tuple[int, ...]
    equity: tuple[float, ...]
    drawdown: tuple[float, ...]
    buy_hold: tuple[float, ...]


def thinned_curve(ledger: Ledger, slots: Sequence[SymbolData], most: int = MOST_ROWS) -> Curve:
    """Every row up to `most`, beyond that the last one of each UTC hour, or of each UTC day where that fits only.

    A row that closes at a full hour belongs to the hour that ends then. Drawdowns count every bar.
    """
    rows = ledger.rows
    last = _last_rows(rows[0], most)
    kept = rows[:, last]
    curve: Curve = np.zeros(len(last), dtype=CURVE)
    if len(last) == 0:
        return curve
    equity = kept[1]
    first = np.concatenate([[0], last[:-1] + 1])
    highest = np.maximum.accumulate(np.maximum.reduceat(rows[1], first))
    curve["time"] = kept[0]
    curve["equity"] = equity
    curve["cash"] = kept[2]
    curve["exposure"] = np.divide(kept[3], equity, out=np.zeros(len(last)), where=equity > 0.0)
    curve["drawdown"] = equity / np.maximum(highest, ledger.cash) - 1.0
    curve["buy_hold"] = buy_hold_equity(curve["time"], slots, ledger.cash)
    return curve


def _last_rows(time: Float64, most: int) -> Int64:
    """Positions of the rows that stay."""
    # Here, because listing results must not load the kernel.
    from tradebot.engine.backtest.figures.measures import last_of_each

    if len(time) <= most:
        return np.arange(len(time), dtype=np.int64)
    by_hour: Int64 = last_of_each(time, HOUR_MS)
    return by_hour if len(by_hour) <= most else last_of_each(time, DAY_MS)


def chart_series(curve: Curve, points: int) -> ChartSeries:
    """At most `points` points: of each column the rows with the lowest and the highest equity, in time order.

    The drawdown of a point is the deepest of its column, so that no drawdown is lost by reducing.
    """
    if len(curve) <= points:
        return _series(curve, curve["drawdown"])
    chosen: list[int] = []
    deepest: list[float] = []
    for low, high in _columns(len(curve), points):
        pair = _extremes(curve["equity"], low, high)
        chosen += pair
        deepest += [float(curve["drawdown"][low:high].min())] * len(pair)
    return _series(curve[chosen], np.array(deepest))


def thinned_positions(equity: Float64, points: int) -> Int64:
    """At most `points` positions: of each column those with the lowest and the highest equity, rising."""
    if len(equity) <= points:
        return np.arange(len(equity), dtype=np.int64)
    chosen = [place for low, high in _columns(len(equity), points) for place in _extremes(equity, low, high)]
    return np.array(chosen, dtype=np.int64)


def _columns(rows: int, points: int) -> Iterator[tuple[int, int]]:
    """[low, high) of half as many columns as points."""
    return pairwise(np.linspace(0, rows, max(1, points // 2) + 1).astype(np.int64).tolist())


def _extremes(equity: Float64, low: int, high: int) -> list[int]:
    window = equity[low:high]
    return sorted({int(low + window.argmin()), int(low + window.argmax())})


def _series(curve: Curve, drawdown: Float64) -> ChartSeries:
    return ChartSeries(
        tuple(curve["time"].tolist()),
        tuple(curve["equity"].tolist()),
        tuple(drawdown.tolist()),
        tuple(curve["buy_hold"].tolist()),
    )
