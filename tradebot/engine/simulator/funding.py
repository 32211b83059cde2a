"""Funding rates of the made-up markets."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tradebot.engine.market import DAY_MS, MINUTE_MS
from tradebot.engine.simulator.listing import Coin
from tradebot.engine.simulator.noise import bell, hashed, key_of, value_noise
from tradebot.engine.simulator.wire import trimmed

_FUNDING_CAP = 0.005
# Up to this the premium is swallowed by the interest rate (Bybit's clamp), so that a usual day pays 0.01 %.
_INTEREST = 0.0001
Mood = Callable[[str, int], float]


class FundingRates:
    """Settled and predicted funding rates: a pure function of (seed, symbol, settlement time).

    `mood` is the log change of a symbol's price over the days before a midnight, given as a day since 1970.
    """

    def __init__(self, seed: int, mood: Mood) -> None:
        self._seed = seed
        self._mood = mood

    def next_settlement(self, coin: Coin, now_ms: int) -> int:
        """UTC ms of the first settlement after `now_ms`."""
        length = coin.funding_minutes * MINUTE_MS
        return (now_ms // length + 1) * length

    def settlements(self, coin: Coin, first_ms: int, last_ms: int) -> list[int]:
        """Settlement times after the listing with first_ms <= time <= last_ms, newest first."""
        length = coin.funding_minutes * MINUTE_MS
        oldest = max(-(-first_ms // length), coin.launch_ms // length + 1)
        return [number * length for number in range(last_ms // length, oldest - 1, -1)]

    def rate(self, coin: Coin, time_ms: int) -> float:
        """Fraction of the position's value that longs pay at a settlement: higher after the price has risen."""
        key = key_of(self._seed, coin.symbol, "funding")
        number = np.array([time_ms // (coin.funding_minutes * MINUTE_MS)], dtype=np.int64)
        whim = float(value_noise(key, number, 4)[0]) * 0.5 + float(bell(hashed(key, number + 2**40))[0]) * 0.5
        mood = self._mood(coin.symbol, time_ms // DAY_MS)
        spread = 1.0 if coin.turnover_day > 1e8 else 2.2
        premium = 0.00004 + spread * (0.00006 * whim + 0.0009 * mood)
        rate = min(premium, _INTEREST) if premium < 0.0004 else premium - 0.0003
        rate *= coin.funding_minutes / 480
        return round(max(-_FUNDING_CAP, min(_FUNDING_CAP, rate)), 8)


def rate_text(rate: float) -> str:
    """A rate with up to 8 decimals: 0.0001 -> "0.0001"."""
    return trimmed(round(rate * 1e8), 8)
