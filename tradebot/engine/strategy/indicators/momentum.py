"""Momentum: how fast and how far the price went."""

from __future__ import annotations

from tradebot.engine.market import Float64
from tradebot.engine.strategy.indicators.common import SOURCE, bars, length_less, talib_one
from tradebot.engine.strategy.registry import IndicatorDeclaration, indicator


@indicator(
    "rsi",
    "Relative strength index",
    "Share of the gains in all movement, 0 to 100 (Wilder).",
    parameters=(SOURCE, bars(14)),
    look_back=length_less(0),
    recursive=True,
    plot="below",
)
def rsi(source: Float64, *, length: int) -> Float64:
    """`100 * gain / (gain + loss)`, both smoothed by Wilder; 0 for a series that never moved."""
    return talib_one("RSI", source, length)


DECLARATIONS: tuple[IndicatorDeclaration, ...] = (rsi,)
