"""Prices that follow another one at a small distance: index, mark, premium, and the same coin in another market.

The distance is a slow noise that depends on the minute only. It is applied to a minute's prices as they are, so a
running minute and the finished one agree, and each minute opens where the one before it closed.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tradebot.engine.market import MINUTE_MS, Float64, Int64
from tradebot.engine.simulator.bars import Bars
from tradebot.engine.simulator.listing import Coin
from tradebot.engine.simulator.model import PriceKind
from tradebot.engine.simulator.noise import bits, hashed, key_of, value_noise

# The mark price lies between last and index, nearer to the last.
MARK_SHARE = 0.35
PREMIUM_DECIMALS = 8
_PREMIUM_UNIT = 10.0**PREMIUM_DECIMALS
Factor = Callable[[Int64], Float64]


def usual_premium(coin: Coin) -> float:
    """Deviation of (last - index) / last: a basis point for what everybody trades, more for quiet coins."""
    if coin.turnover_day > 1e8:
        return 1.2e-4
    return 2.5e-4 if coin.turnover_day > 2e7 else 6e-4


def wander(key: int, name: str, minutes: Int64) -> Float64:
    """A noise of about unit deviation that changes within an hour, by minute."""
    slow = value_noise(key_of(key, name, "slow"), minutes, 47)
    quick = value_noise(key_of(key, name, "quick"), minutes, 6)
    result: Float64 = 0.8 * slow + 0.45 * quick
    return result


def times_factor(prices: Int64, factors: Float64) -> Int64:
    """Prices in ticks times factors, whole ticks above zero."""
    result: Int64 = np.maximum(np.rint(prices * factors), 1).astype(np.int64)
    return result


def times_one_factor(price: int, factor: float) -> int:
    """`times_factor` of one price."""
    return max(round(price * factor), 1)


def following(bars: Bars, factor: Factor) -> Bars:
    """Minutes of a price that follows another one: its price times the factor of the minute; no volume."""
    if not len(bars):
        return bars
    minutes = bars.time // MINUTE_MS
    now = factor(minutes)
    open_ = times_factor(bars.open, factor(minutes - 1))
    high, low, close = (times_factor(prices, now) for prices in (bars.high, bars.low, bars.close))
    none = np.zeros_like(open_)
    return Bars(bars.time, open_, np.maximum(open_, high), np.minimum(open_, low), close, none, none)


def premium_bars(bars: Bars, premium: Factor, key: int) -> Bars:
    """Minutes of the premium as a fraction in 10**-8."""
    if not len(bars):
        return bars
    minutes = bars.time // MINUTE_MS
    close = premium_units(premium(minutes))
    open_ = premium_units(premium(minutes - 1))
    reach = bits(hashed(key, minutes), 0, 10)
    none = np.zeros_like(open_)
    return Bars(
        bars.time,
        open_,
        np.maximum(open_, close) + reach,
        np.minimum(open_, close) - reach,
        close,
        none,
        none,
    )


def premium_units(premium: Float64) -> Int64:
    """A fraction in whole units of 10**-8."""
    units: Int64 = np.rint(premium * _PREMIUM_UNIT).astype(np.int64)
    return units


def premium_unit(premium: float) -> int:
    """`premium_units` of one fraction."""
    return round(premium * _PREMIUM_UNIT)


def seen_as(kind: PriceKind, bars: Bars, premium: Factor, key: int) -> Bars:
    """Minutes of the last price as minutes of another kind of price; `premium` is (last - index) / last by minute."""
    if kind is PriceKind.LAST:
        return bars
    if kind is PriceKind.PREMIUM:
        return premium_bars(bars, premium, key)
    share = share_of(kind)
    return following(bars, lambda minutes: 1.0 - share * premium(minutes))


def share_of(kind: PriceKind) -> float:
    """How much of the premium this kind of price leaves out."""
    return 1.0 if kind is PriceKind.INDEX else MARK_SHARE
