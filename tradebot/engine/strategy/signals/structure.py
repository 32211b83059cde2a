"""Signals of swings: pivots, which are known only some bars after they happened.

The bar p is a low pivot when its low is below each low of the `left` bars before and of the `right` bars after it; so
it is known at the close of bar p + `right`, and nothing here speaks of it earlier. Two equal lows make no pivot.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from tradebot.engine.market import Float64
from tradebot.engine.strategy.registry import BoolArray, SignalDeclaration, Values, signal
from tradebot.engine.strategy.signals.bands import only_one
from tradebot.engine.strategy.signals.common import Sides, Supports, bars, choice, count, series, whole
from tradebot.engine.strategy.signals.windows import held_from

Places = npt.NDArray[np.intp]
"""Numbers of bars, rising."""

_MOST = 1000
_LEFT = bars(5, "Bars before a pivot that must stand above a low (below a high).", name="left", high=_MOST)
_RIGHT = bars(
    3, "Bars after it that must too; a pivot is known this many bars later.", name="right", high=_MOST
)


def high_pivots(column: Float64, left: int, right: int) -> Places:
    """The bars whose value is above each of the `left` before and of the `right` after them."""
    places: Places = np.flatnonzero((column[1:-1] > column[:-2]) & (column[1:-1] > column[2:])) + 1
    places = places[(places >= left) & (places < len(column) - right)]
    for back in range(2, left + 1):
        places = places[column[places] > column[places - back]]
    for ahead in range(2, right + 1):
        places = places[column[places] > column[places + ahead]]
    return places


def _column(places: Places, size: int) -> BoolArray:
    column = np.zeros(size, dtype=np.bool_)
    column[places] = True
    return column


def _complete(places: Places, missing: BoolArray, bars: int) -> Places:
    """The places at which nothing was missing on the last `bars` bars."""
    if not missing.any():
        return places
    so_far = np.concatenate((np.zeros(1, dtype=np.int64), np.cumsum(missing)))
    complete: Places = places[so_far[places + 1] == so_far[np.maximum(places + 1 - bars, 0)]]
    return complete


def _sides_of_pivot(values: Values) -> int:
    return whole(values["left"]) + whole(values["right"])


@signal(
    "swing",
    "Swing",
    "True where a swing low becomes known (long); the opposite where a swing high does.",
    parameters=(_LEFT, _RIGHT),
    inputs=("high", "low"),
    supports=Supports.DIRECTION,
    look_back=_sides_of_pivot,
    words=lambda texts: (
        f"a swing low of {count(texts['right'])} ago is confirmed",
        f"a swing high of {count(texts['right'])} ago is confirmed",
    ),
)
def swing(high: Float64, low: Float64, *, left: int, right: int) -> Sides:
    """`low[i-right]` is below each other low of `i-right-left .. i`, and `high[i-right]` above each other high.

    A bar that is both is neither.
    """
    missing = np.isnan(high) | np.isnan(low)
    bottoms, tops = (
        _column(_complete(high_pivots(column, left, right) + right, missing, left + right + 1), len(high))
        for column in (-low, high)
    )
    return only_one(bottoms, tops)


def _structure_words(_texts: Mapping[str, str]) -> tuple[str, str]:
    return "swing highs and swing lows rise", "swing highs and swing lows fall"


@signal(
    "structure",
    "Higher highs and lows",
    "True while the last swing high and the last swing low are above those before; the opposite while below.",
    parameters=(_LEFT, _RIGHT),
    inputs=("high", "low"),
    supports=Supports.DIRECTION,
    standing=True,
    look_back=_sides_of_pivot,
    recursive=True,
    words=_structure_words,
)
def structure(high: Float64, low: Float64, *, left: int, right: int) -> Sides:
    """With the last two high pivots `h1`, `h2` and low pivots `l1`, `l2` known at bar i: `h2 > h1 and l2 > l1`, and
    `h2 < h1 and l2 < l1` (Dow). Pivots before a missing value are forgotten.
    """
    missing = np.isnan(high) | np.isnan(low)
    highs = _last_change(high, high_pivots(high, left, right), right, missing)
    lows = _last_change(low, high_pivots(-low, left, right), right, missing)
    return (highs > 0) & (lows > 0), (highs < 0) & (lows < 0)


def _last_change(
    values: Float64, pivots: Places, right: int, missing: BoolArray
) -> np.ndarray[tuple[int], np.dtype[np.int8]]:
    """Whether the last pivot stands above (1) or below (-1) the one before; 0 without two since a missing value."""
    pivots = pivots[~missing[pivots + right]]
    so_far = np.cumsum(missing)[pivots + right]
    change = np.sign(np.diff(values[pivots])) * (np.diff(so_far) == 0)
    holes = np.flatnonzero(missing)
    places = np.concatenate((pivots[1:] + right, holes, pivots[:1] + right))
    changes = np.concatenate((change, np.zeros(len(holes) + len(pivots[:1])))).astype(np.int8)
    order = np.argsort(places)
    result: np.ndarray[tuple[int], np.dtype[np.int8]] = held_from(places[order], changes[order], len(values))
    return result


_KINDS = ("regular", "hidden")


def _divergence_before(values: Values) -> int:
    return _sides_of_pivot(values) + whole(values["bars"])


def _divergence_words(texts: Mapping[str, str]) -> tuple[str, str]:
    hidden = "hidden " if texts["kind"] == "hidden" else ""
    return (
        f"a bullish {hidden}divergence from {texts['source']} is confirmed",
        f"a bearish {hidden}divergence from {texts['source']} is confirmed",
    )


@signal(
    "divergence",
    "Divergence",
    "True where price made a lower low but an oscillator a higher one; the opposite at highs. Confirmed pivots only.",
    parameters=(
        series("source", "The oscillator that price is compared with."),
        _LEFT,
        _RIGHT,
        bars(60, "The most bars between the two pivots."),
        choice("kind", _KINDS, "regular: price goes further, the oscillator does not; hidden: the reverse."),
    ),
    inputs=("high", "low"),
    supports=Supports.DIRECTION,
    look_back=_divergence_before,
    words=_divergence_words,
)
def divergence(
    high: Float64, low: Float64, source: Float64, *, left: int, right: int, bars: int, kind: str
) -> Sides:
    """On the bar that confirms the low pivot p2, p1 being the low pivot before it and `p2 - p1 <= bars`:
    `low[p2] < low[p1] and source[p2] > source[p1]` (regular), `low[p2] > low[p1] and source[p2] < source[p1]` (hidden).

    The opposite is the mirror image at high pivots. Neither where any value is missing from bar
    `i - left - right - bars` on, or where both hold.
    """
    missing = np.isnan(high) | np.isnan(low) | np.isnan(source)
    found = []
    for price, oscillator in ((-low, -source), (high, source)):
        pivots = high_pivots(price, left, right)
        further, weaker = np.diff(price[pivots]), np.diff(oscillator[pivots])
        if kind == "hidden":
            further, weaker = -further, -weaker
        diverges = (further > 0.0) & (weaker < 0.0) & (np.diff(pivots) <= bars)
        confirmed = pivots[1:][diverges] + right
        found.append(_column(_complete(confirmed, missing, left + right + bars + 1), len(high)))
    return only_one(found[0], found[1])


DECLARATIONS: tuple[SignalDeclaration, ...] = (swing, structure, divergence)
