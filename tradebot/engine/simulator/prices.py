"""The tape of the simulated perpetuals: every price of every symbol as a pure function of (seed, symbol, time)."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np

from tradebot.engine.market import DAY_MS, MINUTE_MS, Float64, Int64
from tradebot.engine.simulator.bars import Bars
from tradebot.engine.simulator.days import MARKET_DAILY, DriverDays, coin_days, driver_days
from tradebot.engine.simulator.funding import FundingRates
from tradebot.engine.simulator.generated import GeneratedModel
from tradebot.engine.simulator.listing import Coin
from tradebot.engine.simulator.noise import key_of
from tradebot.engine.simulator.shadows import usual_premium, wander
from tradebot.engine.simulator.walks import Walk, WalkSettings

# 2020-01-01, before the first listing.
_FIRST_DAY = 18_262
_MARKET = WalkSettings(daily=MARKET_DAILY, pull_days=240, bound=0.65, trend=0.16)


class _Driven(NamedTuple):
    coin: Coin
    key: int
    walks: tuple[Walk, Walk]


class PriceModel(GeneratedModel):
    """Prices of the linear perpetuals. Two models with the same seed and coins agree in every tick."""

    def __init__(self, seed: int, coins: Sequence[Coin], kept_days: int = 1536) -> None:
        super().__init__(seed, coins, kept_days)
        self._lock = threading.Lock()
        self._market = Walk(key_of(seed, "market"), _FIRST_DAY, _MARKET)
        self._market_days: OrderedDict[int, DriverDays] = OrderedDict()
        self._driven: dict[str, _Driven] = {}

    @cached_property
    def funding(self) -> FundingRates:
        """Funding rates that follow the market's mood."""
        return FundingRates(self.seed, self.market_mood)

    def whole_days(self, symbol: str, first: int, last: int) -> Bars:
        """Every minute of the days first..last (since 1970), before the listing too."""
        driven = self._driver(symbol)
        days = np.arange(first, last + 1, dtype=np.int64)
        market = self._market_span(days)
        made = coin_days(driven.key, driven.coin, days, driven.walks, market)
        return Bars(
            made.time * MINUTE_MS, made.open, made.high, made.low, made.close, made.volume, made.turnover
        )

    def premium(self, symbol: str, minutes: Int64) -> Float64:
        """(last price - index price) / last price in each minute."""
        driven = self._driver(symbol)
        return usual_premium(driven.coin) * wander(driven.key, "premium", minutes)

    def draw_key(self, symbol: str) -> int:
        """The key of what happens inside the symbol's minutes."""
        return self._driver(symbol).key

    def market_mood(self, symbol: str, day: int) -> float:
        """Log change of the price over the three days before a midnight: what longs pay for in funding."""
        driven = self._driver(symbol)
        days = np.maximum(np.array([day - 3, day], dtype=np.int64), driven.walks[1].first_day)
        level = driven.coin.market_factor * driven.walks[0].level(days) + driven.walks[1].level(days)
        return float(level[1] - level[0])

    def _market_span(self, days: Int64) -> DriverDays:
        with self._lock:
            kept = [self._market_days.get(day) for day in days.tolist()]
        found = [days for days in kept if days is not None]
        if len(found) < len(kept):
            made = driver_days(key_of(self.seed, "market"), self._market, days)
            # Half the precision is plenty for a path within one day, and every reader gets the same halves.
            paths, volatilities = made.path.astype(np.float32), made.volatility.astype(np.float32)
            found = [DriverDays(path, rest) for path, rest in zip(paths, volatilities, strict=True)]
            with self._lock:
                self._market_days.update(zip(days.tolist(), found, strict=True))
        return DriverDays(
            np.stack([days.path for days in found]).astype(np.float64),
            np.stack([days.volatility for days in found]).astype(np.float64),
        )

    def _driver(self, symbol: str) -> _Driven:
        driven = self._driven.get(symbol)
        if driven is None:
            coin = self.coins[symbol]
            share = coin.market_share
            daily = coin.market_factor * MARKET_DAILY * ((1.0 - share) / share) ** 0.5
            settings = WalkSettings(daily=daily, pull_days=240, bound=27 * daily, trend=0.16, own=0.6)
            key = key_of(self.seed, symbol)
            walk = Walk(key, coin.launch_ms // DAY_MS, settings, self._market, young_days=5.0)
            driven = self._driven.setdefault(symbol, _Driven(coin, key, (self._market, walk)))
        return driven
