"""All categories of one exchange: what topics and endpoints read from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from tradebot.engine.market import Category
from tradebot.engine.simulator.listing import Coin, coins
from tradebot.engine.simulator.model import MarketModel
from tradebot.engine.simulator.prices import PriceModel
from tradebot.engine.simulator.quotes import Quotes
from tradebot.engine.simulator.tape import LiveTape
from tradebot.engine.simulator.twins import TwinModel, inverse_coins, spot_coins

_NONE: Mapping[str, Market] = MappingProxyType({})


class Market(NamedTuple):
    """One category's prices (the linear perpetuals), and the other categories by name."""

    model: MarketModel
    tape: LiveTape
    quotes: Quotes
    others: Mapping[str, Market] = _NONE

    def of(self, category: str) -> Market | None:
        """The market of a category; None where nothing is listed in it."""
        return self if category == Category.LINEAR.value else self.others.get(category)

    @property
    def models(self) -> dict[str, MarketModel]:
        """The prices of each category."""
        return {Category.LINEAR.value: self.model} | {
            category: market.model for category, market in self.others.items()
        }

    def coin(self, category: str, symbol: str) -> Coin | None:
        """A symbol of a category; None where it is not listed."""
        market = self.of(category)
        return market.model.coins.get(symbol) if market is not None else None

    def load(self, symbols: Iterable[tuple[str, str]], now_ms: int) -> None:
        """Make the running minute of these (category, symbol) ready in one go."""
        for category, names in _by_category(symbols).items():
            market = self.of(category)
            if market is not None:
                market.tape.load([name for name in names if name in market.model.coins], now_ms)

    def warm(self, symbols: Iterable[tuple[str, str]], now_ms: int) -> None:
        """Make ready what questions about the last 24 hours of these (category, symbol) need."""
        for category, names in _by_category(symbols).items():
            market = self.of(category)
            if market is not None:
                market.model.warm([name for name in names if name in market.model.coins], now_ms)


def market_of(model: MarketModel, others: Mapping[str, Market] = _NONE) -> Market:
    """Tape and tickers around a model."""
    tape = LiveTape(model)
    return Market(model, tape, Quotes(model, tape), others)


def made_up_market(seed: int, symbols: int) -> Market:
    """`symbols` linear perpetuals, the spot pairs of the well-known ones among them, a handful of inverse contracts."""
    listed = coins(symbols)
    linear = PriceModel(seed, listed)
    others = {
        Category.SPOT.value: market_of(TwinModel(Category.SPOT, linear, spot_coins(listed))),
        Category.INVERSE.value: market_of(TwinModel(Category.INVERSE, linear, inverse_coins(listed))),
    }
    return market_of(linear, others)


def _by_category(symbols: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    result: dict[str, list[str]] = {}
    for category, symbol in symbols:
        result.setdefault(category, []).append(symbol)
    return result
