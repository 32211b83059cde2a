"""Which topics the public stream has: `make_topic` knows them by category and name."""

from __future__ import annotations

from tradebot.engine.simulator.bars import Interval
from tradebot.engine.simulator.book_topic import BOOK_PERIODS_S, BookTopic
from tradebot.engine.simulator.kline_topic import KlineTopic
from tradebot.engine.simulator.listing import Coin
from tradebot.engine.simulator.markets import Market
from tradebot.engine.simulator.ticker_topic import TickerTopic
from tradebot.engine.simulator.topic import Subscriber, Topic
from tradebot.engine.simulator.trade_topic import TradeTopic

__all__ = ["KlineTopic", "Market", "Subscriber", "TickerTopic", "Topic", "make_topic"]


def make_topic(category: str, name: str, market: Market, now_ms: int) -> Topic | None:
    """The topic of that name as it begins now; None where there is none. `market` holds all categories."""
    kind, _, rest = name.partition(".")
    detail, _, symbol = rest.rpartition(".")
    here = market.of(category)
    coin = here.model.coins.get(symbol) if here is not None else None
    if here is None or coin is None or not coin.trades_at(now_ms):
        return None
    if kind == "tickers" and not detail:
        return TickerTopic(name, coin, here)
    if kind == "publicTrade" and not detail:
        return TradeTopic(name, coin, here, now_ms)
    if kind == "kline":
        return _kline(name, coin, detail, here, now_ms)
    if kind == "orderbook" and detail.isascii() and detail.isdigit() and int(detail) in BOOK_PERIODS_S:
        return BookTopic(name, coin, int(detail), here, now_ms) if detail[0] != "0" else None
    return None


def _kline(name: str, coin: Coin, interval_name: str, market: Market, now_ms: int) -> Topic | None:
    try:
        interval = Interval(interval_name)
    except ValueError:
        return None
    return KlineTopic(name, coin, interval, market, now_ms)
