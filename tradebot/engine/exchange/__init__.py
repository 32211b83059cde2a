"""The exchange: Bybit's public REST interface (pybit) and stream (websockets), throttle, errors, parsers.

pybit, requests and websockets are imported only when a client is made.
"""

from tradebot.engine.exchange.client import PAGE_BARS, SETTLE_MS, Exchange, Notice
from tradebot.engine.exchange.errors import ExchangeError, FailureKind, MalformedError
from tradebot.engine.exchange.parsing import FundingRow
from tradebot.engine.exchange.ports import Connector, RestPort, StreamClosedError, StreamConnection
from tradebot.engine.exchange.pybit_rest import PybitRest
from tradebot.engine.exchange.quotes import Ticker, TickerBook
from tradebot.engine.exchange.throttle import RequestBudget, Throttle
from tradebot.engine.exchange.urls import check_base_url, stream_url

__all__ = [
    "PAGE_BARS",
    "SETTLE_MS",
    "Connector",
    "Exchange",
    "ExchangeError",
    "FailureKind",
    "FundingRow",
    "MalformedError",
    "Notice",
    "PybitRest",
    "RequestBudget",
    "RestPort",
    "StreamClosedError",
    "StreamConnection",
    "Throttle",
    "Ticker",
    "TickerBook",
    "check_base_url",
    "stream_url",
]
