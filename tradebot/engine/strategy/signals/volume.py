"""Signals of activity: volume against what is usual."""

from __future__ import annotations

from tradebot.engine.market import Float64
from tradebot.engine.strategy.registry import BoolArray, SignalDeclaration, signal
from tradebot.engine.strategy.signals.common import (
    Sides,
    Supports,
    bars,
    bars_before,
    count,
    multiple,
    series,
)
from tradebot.engine.strategy.signals.windows import earlier, total

ROUNDING = 1e-12
"""Sums of the same numbers differ by their order: what is equal up to this share counts as equal."""


def above_average(column: Float64, bars: int, multiple: float) -> BoolArray:
    """`column[i] > multiple * mean(column[i-bars..i-1])`."""
    usual = earlier(total(column, bars), 1) * (multiple / bars)
    return column > usual + ROUNDING * abs(usual)


def _below_average(column: Float64, bars: int, multiple: float) -> BoolArray:
    usual = earlier(total(column, bars), 1) * (multiple / bars)
    return column < usual - ROUNDING * abs(usual)


@signal(
    "volume_spike",
    "Volume spike",
    "True where volume is above a multiple of its mean over the bars before; the opposite where it is below that.",
    parameters=(
        series("source", "The series that is watched.", default="volume"),
        bars(20, "How many bars before this one make the mean."),
        multiple(2.0, "How many times the mean it must exceed."),
    ),
    supports=Supports.BOTH,
    look_back=bars_before(),
    words=lambda texts: (
        f"{texts['source']} is above {texts['multiple']} times its mean of the {count(texts['bars'])} before",
        f"{texts['source']} is below {texts['multiple']} times its mean of the {count(texts['bars'])} before",
    ),
)
def volume_spike(source: Float64, *, bars: int, multiple: float) -> Sides:
    """`source[i] > multiple * mean(source[i-bars..i-1])`, and `<`; equal up to rounding (1e-12) is neither.

    This bar is no part of the mean.
    """
    return above_average(source, bars, multiple), _below_average(source, bars, multiple)


DECLARATIONS: tuple[SignalDeclaration, ...] = (volume_spike,)
