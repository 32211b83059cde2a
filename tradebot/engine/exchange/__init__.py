"""The exchange: Bybit's public REST interface (pybit) and stream (websockets), throttle, errors, parsers.

pybit, requests and websockets are imported only when a client is made.
"""

from tradebot.engine.exchange.client import PAGE_BARS, SETTLE_MS, Exchange, Notice
from tradebot.engine.exchange.connecting import PacedConnector
from tradebot.engine.exchange.errors import ExchangeError, FailureKind, MalformedError
from tradebot.engine.exchange.messages import (
    KlineUpdate,
    TickerUpdate,
    TradeUpdate,
    Update,
    kline_topic,
    ticker_topic,
    trade_topic,
)
from tradebot.engine.exchange.parsing import FundingRow
from tradebot.engine.exchange.ports import Connector, RestPort, StreamClosedError, StreamConnection
from tradebot.engine.exchange.pybit_rest import PybitRest
from tradebot.engine.exchange.quotes import Ticker, TickerBook
from tradebot.engine.exchange.shared_budget import SharedBudget, shared_budget_file
from tradebot.engine.exchange.stream import PublicStream, StreamListener, StreamSettings
from tradebot.engine.exchange.stream_pool import StreamPool
from tradebot.engine.exchange.stream_status import KindStatus, StreamStatus
from tradebot.engine.exchange.throttle import RequestBudget, Throttle
from tradebot.engine.exchange.urls import check_base_url, stream_url
from tradebot.engine.exchange.websocket_connection import connect_websocket

__all__ = [
    "PAGE_BARS",
    "SETTLE_MS",
    "Connector",
    "Exchange",
    "ExchangeError",
    "FailureKind",
    "FundingRow",
    "KindStatus",
    "KlineUpdate",
    "MalformedError",
    "Notice",
    "PacedConnector",
    "PublicStream",
    "PybitRest",
    "RequestBudget",
    "RestPort",
    "SharedBudget",
    "StreamClosedError",
    "StreamConnection",
    "StreamListener",
    "StreamPool",
    "StreamSettings",
    "StreamStatus",
    "Throttle",
    "Ticker",
    "TickerBook",
    "TickerUpdate",
    "TradeUpdate",
    "Update",
    "check_base_url",
    "connect_websocket",
    "kline_topic",
    "shared_budget_file",
    "stream_url",
    "ticker_topic",
    "trade_topic",
]
