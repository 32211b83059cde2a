"""Signals of price and bands, and of bands against each other."""

from __future__ import annotations

import numpy as np

from tradebot.engine.market import Float64
from tradebot.engine.strategy.registry import SignalDeclaration, Values, signal
from tradebot.engine.strategy.signals.common import Sides, Supports, series

_UPPER = series("upper", "The upper band.")
_LOWER = series("lower", "The lower band.")
_SOURCE = series("source", "The series that meets the bands.", default="close")


def only_one(true: np.ndarray, opposite: np.ndarray) -> Sides:
    """Both without the bars on which both hold: a strict opposite is never true together with the truth."""
    return true & ~opposite, opposite & ~true


def _two_different(values: Values) -> list[tuple[str, str]]:
    if values["upper"] == values["lower"]:
        return [("upper", f'must be another series than lower, which is "{values["lower"]}" too')]
    return []


@signal(
    "band_touch",
    "Band touch",
    "True where a bar reaches down to the lower band (long); the opposite where it reaches up to the upper band.",
    parameters=(_UPPER, _LOWER),
    inputs=("high", "low"),
    supports=Supports.DIRECTION,
    rule=_two_different,
    words=lambda texts: (f"the bar reaches {texts['lower']}", f"the bar reaches {texts['upper']}"),
)
def band_touch(high: Float64, low: Float64, upper: Float64, lower: Float64) -> Sides:
    """`low <= lower`, and `high >= upper`; a bar that reaches both bands is neither."""
    known = ~(np.isnan(upper) | np.isnan(lower) | np.isnan(high) | np.isnan(low))
    return only_one(np.less_equal(low, lower) & known, np.greater_equal(high, upper) & known)


@signal(
    "band_break",
    "Band break",
    "True while a series is above the upper band (long); the opposite while it is below the lower band.",
    parameters=(_SOURCE, _UPPER, _LOWER),
    supports=Supports.DIRECTION,
    standing=True,
    rule=_two_different,
    words=lambda texts: (
        f"{texts['source']} is above {texts['upper']}",
        f"{texts['source']} is below {texts['lower']}",
    ),
)
def band_break(source: Float64, upper: Float64, lower: Float64) -> Sides:
    """`source > upper`, and `source < lower`; neither where bands that crossed make both true."""
    known = ~(np.isnan(upper) | np.isnan(lower))
    return only_one((source > upper) & known, (source < lower) & known)


@signal(
    "band_return",
    "Band return",
    "True where a series comes back inside from below the lower band (long); the opposite from above the upper.",
    parameters=(_SOURCE, _UPPER, _LOWER),
    supports=Supports.DIRECTION,
    look_back=1,
    rule=_two_different,
    words=lambda texts: (
        f"{texts['source']} comes back above {texts['lower']}",
        f"{texts['source']} comes back below {texts['upper']}",
    ),
)
def band_return(source: Float64, upper: Float64, lower: Float64) -> Sides:
    """`source[i-1] < lower[i-1] and lower[i] < source[i] < upper[i]`, and
    `source[i-1] > upper[i-1] and lower[i] < source[i] < upper[i]`.
    """
    inside = (source > lower) & (source < upper)
    below, above = source < lower, source > upper
    known = ~np.isnan(upper[:-1] - lower[:-1])
    from_below, from_above = np.zeros_like(inside), np.zeros_like(inside)
    np.logical_and(inside[1:], below[:-1] & known, out=from_below[1:])
    np.logical_and(inside[1:], above[:-1] & known, out=from_above[1:])
    return only_one(from_below, from_above)


@signal(
    "squeeze",
    "Squeeze",
    "True while one pair of bands is inside another, as Bollinger bands in a Keltner channel (quiet before a move).",
    parameters=(
        _UPPER,
        _LOWER,
        series("channel_upper", "Upper line of the channel."),
        series("channel_lower", "Lower line of the channel."),
    ),
    supports=Supports.BOTH,
    standing=True,
    rule=_two_different,
    words=lambda texts: (
        f"the bands {texts['upper']} and {texts['lower']} are inside their channel",
        f"the bands {texts['upper']} and {texts['lower']} are outside their channel",
    ),
)
def squeeze(upper: Float64, lower: Float64, channel_upper: Float64, channel_lower: Float64) -> Sides:
    """`upper < channel_upper and lower > channel_lower`, and `upper > channel_upper and lower < channel_lower`."""
    inside = (upper < channel_upper) & (lower > channel_lower)
    return inside, (upper > channel_upper) & (lower < channel_lower)


DECLARATIONS: tuple[SignalDeclaration, ...] = (band_touch, band_break, band_return, squeeze)
