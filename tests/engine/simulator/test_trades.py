"""Trades make up the bars, and books stay consistent with them."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradebot.engine.control.clock import ManualClock
from tradebot.engine.market import MINUTE_MS
from tradebot.engine.simulator.book import best_lots, book
from tradebot.engine.simulator.feed import Feed, FeedPace
from tradebot.engine.simulator.listing import coins
from tradebot.engine.simulator.markets import Market, made_up_market
from tradebot.engine.simulator.noise import hashed
from tradebot.engine.simulator.seconds import running_minutes

from .conftest import NOW
from .test_feed import Listener

EACH = pytest.mark.parametrize(
    ("category", "symbol"),
    [("linear", "BTCUSDT"), ("linear", "GLIAUSDT"), ("spot", "ETHUSDT"), ("inverse", "BTCUSD")],
)


@pytest.fixture(scope="module")
def market() -> Market:
    return made_up_market(7, 130)


def of(market: Market, category: str) -> Market:
    found = market.of(category)
    assert found is not None
    return found


@EACH
def test_the_trades_of_a_minute_make_up_its_bar(market: Market, category: str, symbol: str) -> None:
    here = of(market, category)
    first = NOW // MINUTE_MS - 300
    bars = here.model.minutes(symbol, first, first + 200)
    for number in range(200):
        trades = here.tape.trades.minute(symbol, first + number)
        prices = [trade.price for trade in trades]
        assert sum(trade.lots for trade in trades) == bars.volume[number]
        if not trades:
            continue
        assert (prices[0], prices[-1]) == (bars.open[number], bars.close[number])
        assert (max(prices), min(prices)) == (bars.high[number], bars.low[number])
        assert all(trade.lots > 0 for trade in trades)
        sequences = [trade.sequence for trade in trades]
        assert sequences == sorted(set(sequences))
        assert [trade.time_ms for trade in trades] == sorted(trade.time_ms for trade in trades)


@EACH
def test_the_running_bar_is_made_of_the_trades_so_far(market: Market, category: str, symbol: str) -> None:
    here, begin = of(market, category), NOW // MINUTE_MS * MINUTE_MS
    for now in range(begin, begin + MINUTE_MS, 1700):
        running = here.tape.running(symbol, now)
        assert running is not None
        trades = here.tape.trades.between(symbol, begin - 1, now)
        assert sum(trade.lots for trade in trades) == running.volume
        assert [trade.price for trade in trades][-1:] in ([], [running.last])
        assert max([running.open, *(trade.price for trade in trades)]) == running.high


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(1, 1000), min_size=4, max_size=4), st.integers(0, 12), st.integers(0, 2**63))
def test_a_course_ends_as_its_bar_and_moves_only_with_trades(prices: list[int], lots: int, draw: int) -> None:
    low, open_, close, high = sorted(prices)
    if lots == 0:
        low = high = close = open_
    elif lots < 3:
        # So few trades cannot leave both wicks: a real bar has none then.
        low, high = min(open_, close), max(open_, close)
    row = [np.array([value], dtype=np.int64) for value in (open_, high, low, close, lots)]
    course = running_minutes(*row, hashed(draw, np.array([1], dtype=np.int64)))
    assert course.volume[0, 59] == lots
    assert (course.last[0, 59], course.high[0, 59], course.low[0, 59]) == (close, high, low)
    traded = np.diff(course.volume[0], prepend=0) > 0
    moved = np.diff(course.last[0], prepend=open_) != 0
    assert (traded | ~moved).all()


async def test_the_stream_tells_each_trade_once_as_rest_tells_it(market: Market) -> None:
    clock = ManualClock(NOW)
    feed, listener = Feed(market, clock, clock, FeedPace()), Listener()
    feed.join("publicTrade.BTCUSDT", listener)
    assert listener.messages == []
    for _ in range(150):
        await clock.advance(1.3)
        feed.beat()
    told = [trade for message in listener.messages for trade in message["data"]]
    now = clock.now_ms()
    expected = market.tape.trades.between("BTCUSDT", NOW, now)
    assert [trade["i"] for trade in told] == [trade.id for trade in expected]
    assert set(told[0]) == {"T", "s", "S", "v", "p", "L", "i", "BT", "RPI", "seq"}
    newest = market.tape.trades.newest("BTCUSDT", 50, now)
    assert [trade.id for trade in newest] == [trade["i"] for trade in reversed(told[-50:])]


async def test_a_jump_of_the_clock_is_told_in_messages_of_1024_trades(market: Market) -> None:
    clock = ManualClock(NOW)
    feed, listener = Feed(market, clock, clock, FeedPace()), Listener()
    feed.join("publicTrade.BTCUSDT", listener)
    await clock.advance(1200)
    feed.beat()
    feed.beat()
    sizes = [len(message["data"]) for message in listener.messages]
    assert len(sizes) > 2
    assert set(sizes[:-1]) == {1024}


def merged(side: dict[str, str], change: list[list[str]]) -> dict[str, str]:
    """What a client makes of a delta; a level that it does not know is never deleted."""
    for price, size in change:
        if size == "0":
            del side[price]
        else:
            side[price] = size
    return side


@EACH
@pytest.mark.parametrize("depth", [50, 200, 1000])
async def test_deltas_lead_from_snapshot_to_snapshot_and_are_numbered_without_a_gap(
    market: Market, category: str, symbol: str, depth: int
) -> None:
    clock = ManualClock(NOW)
    feed, listener = Feed(market, clock, clock, FeedPace()), Listener()
    feed.join(f"orderbook.{depth}.{symbol}", listener, category)
    for _ in range(60):
        await clock.advance(0.25)
        for _ in range(4):
            feed.beat()
    fresh = Listener()
    feed.join(f"orderbook.{depth}.{symbol}", fresh, category)
    first, *changes = listener.messages
    assert (first["type"], {change["type"] for change in changes}) == ("snapshot", {"delta"})
    numbers = [message["data"]["u"] for message in listener.messages]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    for name in ("b", "a"):
        side = dict(first["data"][name])
        for change in changes:
            side = merged(side, change["data"][name])
        prices = sorted(side, key=float, reverse=name == "b")
        assert [[price, side[price]] for price in prices] == fresh.messages[0]["data"][name]
    assert fresh.messages[0]["data"]["u"] == numbers[-1]


async def test_the_best_prices_come_as_snapshots_and_again_when_nothing_moves(market: Market) -> None:
    clock = ManualClock(NOW)
    feed, listener = Feed(market, clock, clock, FeedPace()), Listener()
    feed.join("orderbook.1.ETHUSDT", listener)
    for _ in range(100):
        await clock.advance(0.05)
        feed.beat()
    assert {message["type"] for message in listener.messages} == {"snapshot"}
    assert all(len(message["data"]["b"]) == 1 for message in listener.messages)
    numbers = [message["data"]["u"] for message in listener.messages]
    assert all(after - before == 1 for before, after in pairwise(numbers))


@EACH
def test_every_depth_shows_the_same_sizes_and_the_ticker_the_best_ones(
    market: Market, category: str, symbol: str
) -> None:
    here = of(market, category)
    coin = here.model.coins[symbol]
    for now in range(NOW, NOW + 20_000, 3_300):
        deep = here.quotes.book(coin, 1000, now)
        for depth in (1, 50, 200):
            part = here.quotes.book(coin, depth, now)
            for side, whole in ((part.bids, deep.bids), (part.asks, deep.asks)):
                assert len(side) == depth
                assert list(side.items()) == list(whole.items())[:depth]
        fields: dict[str, Any] = here.quotes.rest_fields(coin, now)
        scale = 10.0**-coin.tick_decimals
        assert float(fields["bid1Price"]) == pytest.approx(next(iter(deep.bids)) * scale)
        assert float(fields["ask1Size"]) == pytest.approx(
            next(iter(deep.asks.values())) * 10.0**-coin.lot_decimals
        )
        running = here.tape.standing(symbol, now)
        assert running.last in {next(iter(deep.bids)), next(iter(deep.asks))}


def test_a_cheap_coin_has_a_book_that_ends_above_zero() -> None:
    coin = coins(1)[0]
    shallow = book(coin, 5, (30, 31), 50, NOW)
    assert min(shallow.bids) >= 1
    assert len(shallow.bids) <= 30
    assert shallow.bids[30] == best_lots(coin, 5, 30, -1, NOW)


async def test_a_spot_ticker_sends_snapshots_only(market: Market) -> None:
    clock = ManualClock(NOW)
    feed, listener = Feed(market, clock, clock, FeedPace(ticker_rate=10)), Listener()
    feed.join("tickers.BTCUSDT", listener, "spot")
    for _ in range(60):
        await clock.advance(0.5)
        feed.beat()
    assert len(listener.messages) > 5
    keys = {"symbol", "lastPrice", "highPrice24h", "lowPrice24h", "prevPrice24h", "volume24h", "turnover24h"}
    for message in listener.messages:
        assert message["type"] == "snapshot"
        assert set(message["data"]) == keys | {"price24hPcnt", "usdIndexPrice"}


def test_the_same_name_is_another_topic_in_another_category(market: Market) -> None:
    feed = Feed(market, ManualClock(NOW), ManualClock(NOW), FeedPace())
    told = {}
    for category in ("linear", "spot"):
        listener = Listener()
        feed.join("kline.D.BTCUSDT", listener, category)
        told[category] = json.dumps(listener.messages[0]["data"])
    assert told["linear"] != told["spot"]
    assert feed.knows("kline.1.BTCUSD", "inverse")
    assert not feed.knows("kline.1.BTCUSD", "linear")
    assert not feed.knows("kline.1.BTCUSDT", "option")
