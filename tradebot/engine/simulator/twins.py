"""The same coins in other markets: spot pairs and inverse contracts, which follow the linear perpetual."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from tradebot.engine.market import MINUTE_MS, Category, Float64, Int64
from tradebot.engine.simulator.bars import Bars
from tradebot.engine.simulator.days import MINUTES, minute_draw
from tradebot.engine.simulator.funding import FundingRates
from tradebot.engine.simulator.generated import GeneratedModel
from tradebot.engine.simulator.listing import Coin
from tradebot.engine.simulator.noise import hashed, key_of, uniform_16
from tradebot.engine.simulator.prices import PriceModel
from tradebot.engine.simulator.seconds import stretches
from tradebot.engine.simulator.shadows import times_factor, usual_premium, wander

# Every bar of a twin has trades: some of its moves are its own.
_FEWEST_LOTS = 8


class TwinModel(GeneratedModel):
    """One category whose coins are priced after the perpetuals of `linear`."""

    def __init__(self, category: Category, linear: PriceModel, coins: Sequence[Coin]) -> None:
        super().__init__(linear.seed, coins, kept_days=max(256, 3 * len(coins)))
        self._category = category
        self._linear = linear
        self._keys = {coin.symbol: key_of(linear.seed, category.value, coin.symbol) for coin in coins}

    @cached_property
    def funding(self) -> FundingRates:
        """Funding rates that follow the market's mood."""
        return FundingRates(
            self.seed, lambda symbol, day: self._linear.market_mood(self._perpetual(symbol), day)
        )

    def draw_key(self, symbol: str) -> int:
        """The key of what happens inside the symbol's minutes."""
        return self._keys[symbol]

    def premium(self, symbol: str, minutes: Int64) -> Float64:
        """(last price - index price) / last price in each minute: the index is the perpetual's own."""
        perpetual = self._linear.premium(self._perpetual(symbol), minutes)
        result: Float64 = 1.0 - (1.0 - perpetual) / (1.0 + self._distance(symbol, minutes))
        return result

    def whole_days(self, symbol: str, first: int, last: int) -> Bars:
        """Every minute of the days first..last (since 1970), before the listing too."""
        coin, perpetual = self.coins[symbol], self._linear.coins[self._perpetual(symbol)]
        bars = self._linear.whole_days(perpetual.symbol, first, last)
        scale = 10.0 ** (coin.tick_decimals - perpetual.tick_decimals)
        minutes = np.arange(first * MINUTES - 1, (last + 1) * MINUTES, dtype=np.int64)
        factors = scale * (1.0 + self._distance(symbol, minutes))
        before, now = factors[:-1], factors[1:]
        open_, close = times_factor(bars.open, before), times_factor(bars.close, now)
        high = np.maximum(np.maximum(open_, close), times_factor(bars.high, now))
        low = np.minimum(np.minimum(open_, close), times_factor(bars.low, now))
        lots = self._lots(coin, perpetual, bars, close)
        draw = minute_draw(self.draw_key(symbol), minutes[1:])
        cut = stretches(open_, high, low, close, lots, draw)
        if coin.category is Category.INVERSE:
            # A lot is a dollar: worth more of the coin the cheaper the coin is.
            unit = 10 ** (coin.turnover_decimals + coin.tick_decimals)
            turnover = (cut.lots * unit // cut.price).sum(axis=0)
        else:
            turnover = cut.turnover()
        return Bars(minutes[1:] * MINUTE_MS, open_, high, low, close, lots, turnover)

    def _lots(self, coin: Coin, perpetual: Coin, bars: Bars, close: Int64) -> Int64:
        """Lots of each minute: a changing part of the perpetual's dollars."""
        whim = uniform_16(hashed(key_of(self.draw_key(coin.symbol), "lots"), bars.time // MINUTE_MS), 0)
        dollars = bars.turnover * 10.0**-perpetual.turnover_decimals
        dollars *= (0.5 + whim) * coin.turnover_day / perpetual.turnover_day
        lot = 1.0 if coin.category is Category.INVERSE else close * 10.0**-coin.turnover_decimals
        return np.maximum(np.floor(dollars / lot), _FEWEST_LOTS).astype(np.int64)

    def _distance(self, symbol: str, minutes: Int64) -> Float64:
        """Relative distance from the perpetual's price in each minute."""
        coin = self.coins[symbol]
        deviation = 0.7 * usual_premium(self._linear.coins[self._perpetual(symbol)])
        return deviation * wander(self._keys[coin.symbol], "distance", minutes)

    def _perpetual(self, symbol: str) -> str:
        return f"{self.coins[symbol].base_coin}USDT"


def spot_coins(linear: Sequence[Coin]) -> tuple[Coin, ...]:
    """The spot pairs beside these perpetuals: the well-known coins that are traded one by one, not by the thousand."""
    return tuple(
        _twin(
            coin,
            Category.SPOT,
            symbol=coin.symbol,
            tick_decimals=coin.tick_decimals + (coin.base_coin in {"BTC", "YFI"}),
            lot_decimals=max(coin.lot_decimals, 0) + 2,
            turnover_share=0.35,
        )
        for coin in linear
        if coin.known and "1000" not in coin.base_coin
    )


_INVERSE = ("BTC", "ETH", "XRP", "SOL", "DOGE", "ADA", "LTC", "DOT")
# Turnover is counted in the coin: finely where a coin is worth much, coarsely enough for 64 bits where it is not.
_DEAR_COIN, _DEAR_PLACES, _CHEAP_PLACES = 50.0, 8, 4


def inverse_coins(linear: Sequence[Coin]) -> tuple[Coin, ...]:
    """The inverse contracts beside these perpetuals, of 1 US dollar each."""
    return tuple(
        _twin(
            coin,
            Category.INVERSE,
            symbol=f"{coin.base_coin}USD",
            tick_decimals=coin.tick_decimals,
            lot_decimals=0,
            turnover_share=0.06,
        )
        for coin in linear
        if coin.base_coin in _INVERSE
    )


def _twin(
    coin: Coin, category: Category, symbol: str, tick_decimals: int, lot_decimals: int, turnover_share: float
) -> Coin:
    places = _DEAR_PLACES if coin.price > _DEAR_COIN else _CHEAP_PLACES
    return Coin(
        symbol=symbol,
        base_coin=coin.base_coin,
        price=coin.price,
        tick_decimals=tick_decimals,
        lot_decimals=lot_decimals,
        max_leverage=coin.max_leverage,
        launch_ms=coin.launch_ms,
        turnover_day=coin.turnover_day * turnover_share,
        market_factor=coin.market_factor,
        market_share=coin.market_share,
        funding_minutes=480,
        category=category,
        quote_coin="USD" if category is Category.INVERSE else "USDT",
        turnover_places=places if category is Category.INVERSE else None,
        known=True,
    )
