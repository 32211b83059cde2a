"""Signals of candlestick patterns."""

from __future__ import annotations

from tradebot.engine.market import Float64
from tradebot.engine.strategy.registry import SignalDeclaration, signal
from tradebot.engine.strategy.signals.common import Sides, Supports, series


@signal(
    "candlestick",
    "Candlestick pattern",
    "True where a candlestick pattern is bullish (above 0); the opposite where it is bearish (below 0).",
    parameters=(series("source", "The pattern's series: 0 where there is none, as TA-Lib gives it."),),
    supports=Supports.DIRECTION,
    words=lambda texts: (f"{texts['source']} is bullish", f"{texts['source']} is bearish"),
)
def candlestick(source: Float64) -> Sides:
    """`source > 0`, and `source < 0` (TA-Lib: 100 bullish, -100 bearish, 200 and -200 confirmed)."""
    return source > 0.0, source < 0.0


DECLARATIONS: tuple[SignalDeclaration, ...] = (candlestick,)
