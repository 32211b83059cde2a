"""Straight lines through the last bars, by least squares."""

from __future__ import annotations

from tradebot.engine.market import Float64
from tradebot.engine.strategy.indicators.common import SOURCE, bars, length_less, talib_one
from tradebot.engine.strategy.indicators.rolling import frozen
from tradebot.engine.strategy.registry import IndicatorDeclaration, indicator


@indicator(
    "linreg",
    "Linear regression",
    "End of the straight line that fits the last bars best.",
    parameters=(SOURCE, bars(14)),
    look_back=length_less(1),
)
def linreg(source: Float64, *, length: int) -> Float64:
    """`intercept + slope * (length - 1)` of the least squares line through the last `length` values."""
    return talib_one("LINEARREG", source, length)


@indicator(
    "linreg_forecast",
    "Linear regression forecast",
    "The straight line that fits the last bars best, drawn one bar further (time series forecast).",
    parameters=(SOURCE, bars(14)),
    look_back=length_less(1),
)
def linreg_forecast(source: Float64, *, length: int) -> Float64:
    """`intercept + slope * length` of the least squares line: what it says about the next bar."""
    return talib_one("TSF", source, length)


@indicator(
    "linreg_intercept",
    "Linear regression intercept",
    "Start of the straight line that fits the last bars best.",
    parameters=(SOURCE, bars(14)),
    look_back=length_less(1),
)
def linreg_intercept(source: Float64, *, length: int) -> Float64:
    """The least squares line of the last `length` values at the oldest of them."""
    return talib_one("LINEARREG_INTERCEPT", source, length)


@indicator(
    "linreg_slope",
    "Linear regression slope",
    "Gain per bar of the straight line that fits the last bars best, in price.",
    parameters=(SOURCE, bars(14)),
    look_back=length_less(1),
    plot="below",
)
def linreg_slope(source: Float64, *, length: int) -> Float64:
    """Slope of the least squares line through the last `length` values; of 1, 2, 4 it is 1.5."""
    return talib_one("LINEARREG_SLOPE", source, length)


@indicator(
    "linreg_angle",
    "Linear regression angle",
    "The slope as an angle, -90 to 90 degrees; it depends on the unit of the price, so compare it with 0.",
    parameters=(SOURCE, bars(14)),
    look_back=length_less(1),
    plot="below",
)
def linreg_angle(source: Float64, *, length: int) -> Float64:
    """`atan(slope)` in degrees; a slope of 1 (one unit of price per bar) is 45."""
    return talib_one("LINEARREG_ANGLE", source, length)


@indicator(
    "r_squared",
    "R squared",
    "How straight the last bars run: 1 is a straight line, 0 has no direction at all.",
    parameters=(SOURCE, bars(14, high=1_000)),
    look_back=length_less(1),
    plot="below",
)
def r_squared(source: Float64, *, length: int) -> Float64:
    """Share of the variance that the least squares line explains; 0 where nothing varies."""
    from tradebot.engine.strategy.indicators import loops

    return loops.r_squared(frozen(source), length)


DECLARATIONS: tuple[IndicatorDeclaration, ...] = (
    linreg,
    linreg_forecast,
    linreg_intercept,
    linreg_slope,
    linreg_angle,
    r_squared,
)
