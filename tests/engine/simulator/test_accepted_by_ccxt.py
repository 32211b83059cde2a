"""The unmodified ccxt, sync and pro, finds an exchange here: markets, pages of history, quotes and live streams."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from itertools import pairwise
from typing import Any

import pytest

from tradebot.engine.market import DAY_MS, HOUR_MS, MINUTE_MS
from tradebot.engine.simulator.settings import SimulatorSettings
from tradebot.engine.simulator.thread import SimulatorThread

from .wiring import point_ccxt

pytestmark = [pytest.mark.acceptance, pytest.mark.sockets]

LINEAR, SPOT, INVERSE = "BTC/USDT:USDT", "BTC/USDT", "BTC/USD:BTC"
EACH = pytest.mark.parametrize("symbol", [LINEAR, SPOT, INVERSE])


@pytest.fixture(scope="module")
def exchange() -> Iterator[SimulatorThread]:
    with SimulatorThread(SimulatorSettings(seed=7, symbols=20, ticker_rate=10)) as simulator:
        yield simulator


@pytest.fixture(scope="module")
def client(exchange: SimulatorThread) -> Any:
    # Imported here: half a second that only these tests pay.
    import ccxt

    client = point_ccxt(ccxt.bybit({"enableRateLimit": False}), exchange.url)
    client.load_markets()
    return client


@pytest.fixture
async def live(exchange: SimulatorThread) -> AsyncIterator[Any]:
    import ccxt.pro

    client = point_ccxt(ccxt.pro.bybit({"enableRateLimit": False}), exchange.url)
    yield client
    await client.close()


def test_it_loads_the_markets_of_every_category(client: Any) -> None:
    markets = client.markets
    linear, spot, inverse = (markets[symbol] for symbol in (LINEAR, SPOT, INVERSE))
    assert (linear["type"], linear["linear"], linear["settle"]) == ("swap", True, "USDT")
    assert (spot["type"], spot["id"]) == ("spot", "BTCUSDT")
    assert (inverse["type"], inverse["inverse"], inverse["settle"]) == ("swap", True, "BTC")
    assert sum(market["swap"] and market["linear"] for market in markets.values()) == 20
    assert linear["precision"]["price"] == 0.1
    assert spot["precision"]["price"] == 0.01


@EACH
def test_it_fetches_candles_of_the_same_market_as_every_other_category(client: Any, symbol: str) -> None:
    rows = client.fetch_ohlcv(symbol, "1h", limit=48)
    assert len(rows) == 48
    assert all(later[0] - earlier[0] == HOUR_MS for earlier, later in pairwise(rows))
    beside = client.fetch_ohlcv(LINEAR, "1h", since=rows[0][0], limit=47)
    for row, other in zip(rows, beside, strict=False):
        assert row[0] == other[0]
        assert row[4] == pytest.approx(other[4], rel=0.002)


def test_it_pages_candles_by_since_and_by_itself_without_gap_or_double(client: Any) -> None:
    now = client.fetch_time()
    since, times = now - 2500 * MINUTE_MS, []
    while since < now - MINUTE_MS:
        page = client.fetch_ohlcv(LINEAR, "1m", since=since, limit=1000)
        times += [row[0] for row in page]
        since = times[-1] + MINUTE_MS
    assert times == list(range(times[0], times[0] + len(times) * MINUTE_MS, MINUTE_MS))
    assert len(times) >= 2500
    paged = client.fetch_ohlcv(LINEAR, "1m", since=now - 2500 * MINUTE_MS, params={"paginate": True})
    assert [row[0] for row in paged][:2400] == times[:2400]


def test_it_fetches_candles_of_mark_index_and_premium(client: Any) -> None:
    last = client.fetch_ohlcv(LINEAR, "1h", limit=5)
    for kind in ("mark", "index"):
        rows = client.fetch_ohlcv(LINEAR, "1h", limit=5, params={"price": kind})
        assert [row[0] for row in rows] == [row[0] for row in last]
        for row, traded in zip(rows[:-1], last, strict=False):
            assert row[4] == pytest.approx(traded[4], rel=0.001)
    assert all(abs(row[4]) < 0.002 for row in client.fetch_premium_index_ohlcv(LINEAR, "1h", limit=5))


@EACH
def test_it_fetches_a_ticker_a_book_and_trades(client: Any, symbol: str) -> None:
    ticker = client.fetch_ticker(symbol)
    assert ticker["symbol"] == symbol
    assert ticker["low"] <= ticker["last"] <= ticker["high"]
    assert ticker["bid"] < ticker["ask"]
    book = client.fetch_order_book(symbol, 50)
    assert len(book["bids"]) == len(book["asks"]) == 50
    assert book["bids"] == sorted(book["bids"], reverse=True)
    assert book["asks"] == sorted(book["asks"])
    assert book["bids"][0][0] < book["asks"][0][0]
    trades = client.fetch_trades(symbol)
    assert all(trade["symbol"] == symbol and trade["side"] in {"buy", "sell"} for trade in trades)
    assert len({trade["id"] for trade in trades}) == len(trades)
    times = [trade["timestamp"] for trade in trades]
    assert times == sorted(times)


def test_it_fetches_the_tickers_of_each_category(client: Any) -> None:
    for category, symbol in (("linear", LINEAR), ("spot", SPOT), ("inverse", INVERSE)):
        tickers = client.fetch_tickers(params={"category": category})
        assert symbol in tickers
        assert all(ticker["last"] > 0 for ticker in tickers.values())


def test_it_fetches_funding_open_interest_and_ratios(client: Any) -> None:
    since = client.fetch_time() - 10 * DAY_MS
    rates = client.fetch_funding_rate_history(LINEAR, since=since)
    assert len(rates) == 30
    assert all(rate["timestamp"] % (8 * HOUR_MS) == 0 for rate in rates)
    assert client.fetch_funding_rate(LINEAR)["fundingTimestamp"] > rates[-1]["timestamp"]
    assert client.fetch_open_interest_history(LINEAR, "1h")[-1]["openInterestAmount"] > 0
    assert client.fetch_long_short_ratio_history(LINEAR, "1h")[-1]["longShortRatio"] > 0


def test_it_fetches_the_leverage_tiers_page_by_page(client: Any) -> None:
    tiers = client.fetch_leverage_tiers()
    assert len(tiers) == 20
    for symbol in (LINEAR, INVERSE):
        listed = client.fetch_market_leverage_tiers(symbol)
        assert [tier["minNotional"] for tier in listed][1:] == [tier["maxNotional"] for tier in listed][:-1]
        leverages = [tier["maxLeverage"] for tier in listed]
        assert leverages == sorted(leverages, reverse=True)


@EACH
async def test_pro_watches_candles_tickers_trades_and_books(live: Any, symbol: str) -> None:
    candles, ticker, trades, book = await asyncio.wait_for(
        asyncio.gather(
            live.watch_ohlcv(symbol, "1m"),
            live.watch_ticker(symbol),
            live.watch_trades(symbol),
            live.watch_order_book(symbol, 50),
        ),
        10,
    )
    running = candles[-1]
    assert running[0] % MINUTE_MS == 0
    assert running[3] <= running[4] <= running[2]
    assert ticker["last"] == pytest.approx(running[4], rel=0.01)
    assert trades[-1]["price"] == pytest.approx(running[4], rel=0.01)
    for _ in range(5):
        book = await asyncio.wait_for(live.watch_order_book(symbol, 50), 10)
        assert book["bids"][0][0] < book["asks"][0][0]
        assert len(book["bids"]) == 50
