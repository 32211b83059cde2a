"""Averages of the price by volume: of a day, week or month, and of the last bars."""

from __future__ import annotations

from tradebot.engine.market import Float64
from tradebot.engine.strategy.indicators.common import bars, length_less, number, ratio
from tradebot.engine.strategy.indicators.rolling import anchored_vwap, rolling_mean, rolling_sum
from tradebot.engine.strategy.indicators.sessions import PERIOD, period_numbers
from tradebot.engine.strategy.registry import IndicatorDeclaration, indicator


@indicator(
    "vwap",
    "VWAP by day, week or month",
    "Mean price by volume since the UTC day, week or month began, and bands around it.",
    parameters=(
        PERIOD,
        number(
            1.0, 0.1, 20.0, "deviations", "Distance of the bands from it, in standard deviations by volume."
        ),
    ),
    inputs=("time", "hlc3", "volume"),
    outputs=("vwap", "upper", "lower"),
    main="vwap",
    recursive=True,
)
def vwap(
    time: Float64, typical: Float64, volume: Float64, *, period: str, deviations: float
) -> tuple[Float64, ...]:
    """`sum(hlc3 * volume) / sum(volume)` since the period began; the latest hlc3 until anything was traded.

    Hlc3 of 10 with volume 1, then of 13 with volume 2, give 12. The first period counts from where the history starts.
    """
    return anchored_vwap(period_numbers(time, period), typical, volume, deviations)


@indicator(
    "rolling_vwap",
    "Rolling VWAP",
    "Mean price of the last bars, by volume.",
    parameters=(bars(20),),
    inputs=("hlc3", "volume"),
    look_back=length_less(1),
)
def rolling_vwap(typical: Float64, volume: Float64, *, length: int) -> Float64:
    """`sum(hlc3 * volume) / sum(volume)` of the last `length` bars; their plain mean where nothing was traded."""
    traded = rolling_sum(volume, length)
    result = ratio(rolling_sum(typical * volume, length), traded, 0.0)
    nothing = traded == 0.0
    result[nothing] = rolling_mean(typical, length)[nothing]
    return result


DECLARATIONS: tuple[IndicatorDeclaration, ...] = (vwap, rolling_vwap)
