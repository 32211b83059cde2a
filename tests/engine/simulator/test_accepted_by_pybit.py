"""The unmodified pybit, REST and its stream client, finds an exchange here."""

from __future__ import annotations

import queue
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pybit.unified_trading
import pytest
from pybit.unified_trading import HTTP, WebSocket

from tradebot.engine.market import MINUTE_MS
from tradebot.engine.simulator.settings import SimulatorSettings
from tradebot.engine.simulator.thread import SimulatorThread

pytestmark = [pytest.mark.acceptance, pytest.mark.sockets]


@pytest.fixture(scope="module")
def exchange() -> Iterator[SimulatorThread]:
    with SimulatorThread(SimulatorSettings(seed=7, symbols=40, ticker_rate=10)) as simulator:
        yield simulator


@pytest.fixture(scope="module")
def session(exchange: SimulatorThread) -> HTTP:
    session = HTTP()
    session.endpoint = exchange.url
    return session


def listed(reply: dict[str, Any]) -> list[Any]:
    assert reply["retCode"] == 0
    items: list[Any] = reply["result"]["list"]
    return items


@pytest.mark.parametrize(
    ("category", "symbol"), [("linear", "ETHUSDT"), ("spot", "ETHUSDT"), ("inverse", "ETHUSD")]
)
def test_it_reads_a_category(session: HTTP, category: str, symbol: str) -> None:
    asked = {"category": category, "symbol": symbol}
    rows = listed(session.get_kline(**asked, interval=1, limit=1000))
    assert len(rows) == 1000
    assert [int(row[0]) for row in rows] == [int(rows[0][0]) - n * MINUTE_MS for n in range(1000)]
    (instrument,) = listed(session.get_instruments_info(**asked))
    assert instrument["symbol"] == symbol
    (ticker,) = listed(session.get_tickers(**asked))
    assert float(ticker["bid1Price"]) < float(ticker["ask1Price"])
    book = session.get_orderbook(**asked, limit=200)["result"]
    assert (len(book["b"]), len(book["a"])) == (200, 200)
    assert len(listed(session.get_public_trade_history(**asked, limit=60))) == 60


def test_it_reads_what_only_contracts_have(session: HTTP) -> None:
    asked = {"category": "linear", "symbol": "BTCUSDT"}
    window = {"interval": 5, "limit": 7}
    for reply in (
        session.get_mark_price_kline(**asked, **window),
        session.get_index_price_kline(**asked, **window),
    ):
        assert [len(row) for row in listed(reply)] == [5] * 7
    premium = listed(session.get_premium_index_price_kline(**asked, **window))
    assert all(abs(float(price)) < 0.002 for row in premium for price in row[1:])
    assert listed(session.get_funding_rate_history(**asked, limit=3))
    assert listed(session.get_open_interest(**asked, intervalTime="1h"))
    assert listed(session.get_long_short_ratio(**asked, period="1h"))
    assert float(session.get_price_limit(**asked)["result"]["buyLmt"]) > 0
    assert int(session.get_server_time()["result"]["timeSecond"]) > 0


def test_it_pages_the_risk_limits_with_the_cursor_as_it_came(session: HTTP) -> None:
    symbols: list[str] = []
    cursor, pages = "", 0
    while True:
        page = session.get_risk_limit(category="linear", cursor=cursor)["result"]
        symbols += dict.fromkeys(tier["symbol"] for tier in page["list"])
        cursor, pages = page["nextPageCursor"], pages + 1
        if not cursor:
            break
    assert pages == 3
    assert len(symbols) == len(set(symbols)) == 40


@pytest.mark.parametrize(
    ("category", "symbol"), [("linear", "BTCUSDT"), ("spot", "BTCUSDT"), ("inverse", "BTCUSD")]
)
def test_its_stream_client_is_called_for_every_topic(
    exchange: SimulatorThread, monkeypatch: pytest.MonkeyPatch, category: str, symbol: str
) -> None:
    stream = exchange.url.replace("http", "ws", 1)
    monkeypatch.setattr(pybit.unified_trading, "PUBLIC_WSS", f"{stream}/v5/public/{{CHANNEL_TYPE}}")
    client = WebSocket(testnet=False, channel_type=category)
    heard: dict[str, queue.Queue[dict[str, Any]]] = {
        name: queue.Queue() for name in ("kline", "ticker", "trade", "orderbook")
    }
    try:
        client.kline_stream(1, symbol, heard["kline"].put)
        client.ticker_stream(symbol, heard["ticker"].put)
        client.trade_stream(symbol, heard["trade"].put)
        # pybit goes on to change the book that it hands over.
        client.orderbook_stream(50, symbol, lambda message: heard["orderbook"].put(deepcopy(message)))
        messages = {name: [line.get(timeout=5) for _ in range(2)] for name, line in heard.items()}
    finally:
        client.exit()
    assert {bar["interval"] for message in messages["kline"] for bar in message["data"]} == {"1"}
    assert all(float(message["data"]["lastPrice"]) > 0 for message in messages["ticker"])
    assert {trade["s"] for message in messages["trade"] for trade in message["data"]} == {symbol}
    first, second = (message["data"]["u"] for message in messages["orderbook"])
    assert second == first + 1
