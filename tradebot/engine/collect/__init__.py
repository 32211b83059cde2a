"""Collecting: history into the store, the live feed after it, and the hybrid of both without a hole or a double."""

from tradebot.engine.collect.bars import ClosedBars, OverrunError
from tradebot.engine.collect.building import ClosedBar
from tradebot.engine.collect.feed_status import FeedStatus
from tradebot.engine.collect.history import DEFAULT_CONCURRENCY, collect_history
from tradebot.engine.collect.hybrid import Hybrid
from tradebot.engine.collect.live import LiveFeed
from tradebot.engine.collect.ports import Listener, StorePort
from tradebot.engine.collect.progress import (
    CollectProgress,
    CollectReport,
    DatasetProgress,
    DatasetState,
    Gap,
)
from tradebot.engine.collect.quotes import LatestQuotes
from tradebot.engine.collect.request import CollectRequest, Order, choose_symbols, resolve_symbols
from tradebot.engine.collect.trades import RecentTrades, TradeListener
from tradebot.engine.collect.writer import StoreThread

__all__ = [
    "DEFAULT_CONCURRENCY",
    "ClosedBar",
    "ClosedBars",
    "CollectProgress",
    "CollectReport",
    "CollectRequest",
    "DatasetProgress",
    "DatasetState",
    "FeedStatus",
    "Gap",
    "Hybrid",
    "LatestQuotes",
    "Listener",
    "LiveFeed",
    "Order",
    "OverrunError",
    "RecentTrades",
    "StorePort",
    "StoreThread",
    "TradeListener",
    "choose_symbols",
    "collect_history",
    "resolve_symbols",
]
