"""What the stream says about bars and prices, on a clock moved by hand and without sockets."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tradebot.engine.control.clock import ManualClock
from tradebot.engine.market import DAY_MS, MINUTE_MS
from tradebot.engine.simulator.bars import Interval
from tradebot.engine.simulator.feed import Feed, FeedPace
from tradebot.engine.simulator.prices import PriceModel
from tradebot.engine.simulator.quotes import Quotes
from tradebot.engine.simulator.tape import LiveTape
from tradebot.engine.simulator.topics import Market
from tradebot.engine.simulator.wire import kline_rows

from .conftest import NOW


class Listener:
    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []

    def send(self, text: str) -> None:
        self.messages.append(json.loads(text))

    def bars(self, topic: str) -> list[dict[str, Any]]:
        return [message["data"][0] for message in self.messages if message["topic"] == topic]


def feed_at(model: PriceModel, clock: ManualClock, ticker_rate: float = 1.0) -> Feed:
    tape = LiveTape(model)
    return Feed(Market(model, tape, Quotes(model, tape)), clock, clock, FeedPace(ticker_rate=ticker_rate))


def rest_row(model: PriceModel, symbol: str, interval: str, start: int, now: int) -> list[str]:
    asked = Interval(interval)
    number = asked.number(start)
    rows: list[list[str]] = json.loads(
        kline_rows(model.bars(symbol, asked, number, number, now), model.coins[symbol])
    )
    return rows[0]


def stream_row(bar: dict[str, Any]) -> list[str]:
    return [
        str(bar["start"]),
        *(bar[name] for name in ("open", "high", "low", "close", "volume", "turnover")),
    ]


@pytest.mark.parametrize(
    "interval", ["1", "3", "5", "15", "30", "60", "120", "240", "360", "720", "D", "W", "M"]
)
async def test_the_bar_built_live_is_the_bar_read_at_that_moment(model: PriceModel, interval: str) -> None:
    clock = ManualClock(NOW)
    feed, listener = feed_at(model, clock), Listener()
    topic = f"kline.{interval}.ETHUSDT"
    feed.join(topic, listener)
    for step in (0.4, 0.4, 17.0, 13.0, 31.0, 3.0, 200.0, 3600.0, 86_400.0):
        await clock.advance(step)
        for _ in range(20):
            feed.beat()
        now = clock.now_ms()
        newest = listener.bars(topic)[-1]
        assert newest["confirm"] is False
        assert newest["timestamp"] == now
        assert stream_row(newest) == rest_row(model, "ETHUSDT", interval, now, now)


async def test_every_bar_is_confirmed_exactly_once_at_its_close_and_as_it_is_read_later(
    model: PriceModel,
) -> None:
    clock = ManualClock(NOW)
    feed, listener = feed_at(model, clock), Listener()
    topics = {
        f"kline.{name}.{symbol}": name for name in ("1", "5", "60") for symbol in ("BTCUSDT", "1000PEPEUSDT")
    }
    for topic in topics:
        feed.join(topic, listener)
    for _ in range(130):
        await clock.advance(30)
        feed.beat()
    for topic, name in topics.items():
        confirmed = [bar for bar in listener.bars(topic) if bar["confirm"]]
        interval = Interval(name)
        expected = range(interval.number(NOW), interval.number(clock.now_ms()))
        assert [interval.number(bar["start"]) for bar in confirmed] == list(expected)
        for bar in confirmed:
            assert bar["end"] == interval.open_ms(interval.number(bar["start"]) + 1) - 1
            assert 0 <= bar["timestamp"] - bar["end"] <= 30_000
            later = rest_row(model, topic.rpartition(".")[2], name, bar["start"], NOW + DAY_MS)
            assert stream_row(bar) == later
        # After its confirmation a bar is not heard of again.
        starts = [bar["start"] for bar in listener.bars(topic)]
        assert starts == sorted(starts)


async def test_a_clock_that_jumps_confirms_every_bar_in_between(model: PriceModel) -> None:
    clock = ManualClock(NOW)
    feed, listener = feed_at(model, clock), Listener()
    feed.join("kline.1.BTCUSDT", listener)
    await clock.advance(3600)
    feed.beat()
    confirmed = [bar["start"] for bar in listener.bars("kline.1.BTCUSDT") if bar["confirm"]]
    opened = NOW // MINUTE_MS * MINUTE_MS
    assert confirmed == [opened + n * MINUTE_MS for n in range(60)]


async def test_prices_move_about_once_a_second(model: PriceModel) -> None:
    clock = ManualClock(NOW // MINUTE_MS * MINUTE_MS)
    feed, listener = feed_at(model, clock), Listener()
    feed.join("kline.1.BTCUSDT", listener)
    for _ in range(59 * 20):
        await clock.advance(0.05)
        feed.beat()
    bars = [bar for bar in listener.bars("kline.1.BTCUSDT") if not bar["confirm"]]
    assert 55 <= len(bars) <= 61
    assert len({bar["close"] for bar in bars}) > 30
    volumes = [float(bar["volume"]) for bar in bars]
    assert volumes == sorted(volumes)


async def test_a_ticker_begins_with_a_snapshot_and_then_tells_what_changed(model: PriceModel) -> None:
    clock = ManualClock(NOW)
    feed = feed_at(model, clock, ticker_rate=10)
    first, second = Listener(), Listener()
    feed.join("tickers.SOLUSDT", first)
    known: dict[Listener, dict[str, str]] = {}
    for step in range(200):
        if step == 77:
            feed.join("tickers.SOLUSDT", second)
        await clock.advance(0.05)
        feed.beat()
        for listener in (first, second):
            for message in listener.messages:
                assert (message["type"] == "snapshot") == (listener not in known)
                assert message["data"]["symbol"] == "SOLUSDT"
                known.setdefault(listener, {}).update(message["data"])
            listener.messages.clear()
    assert known[first] == known[second]
    fresh = Listener()
    feed.join("tickers.SOLUSDT", fresh)
    assert list(fresh.messages[0]["data"])[:4] == ["symbol", "tickDirection", "price24hPcnt", "lastPrice"]


async def test_deltas_are_smaller_than_snapshots_and_rates_are_kept(model: PriceModel) -> None:
    clock = ManualClock(NOW)
    feed, listener = feed_at(model, clock, ticker_rate=5), Listener()
    feed.join("tickers.BTCUSDT", listener)
    for _ in range(100):
        await clock.advance(0.05)
        feed.beat()
    deltas = [message["data"] for message in listener.messages[1:]]
    assert 20 <= len(deltas) <= 26
    assert max(len(delta) for delta in deltas) < 20 < len(listener.messages[0]["data"])
    assert not any("prevPrice24h" in delta or "nextFundingTime" in delta for delta in deltas)


async def test_who_left_hears_nothing_more_and_others_go_on(model: PriceModel) -> None:
    clock = ManualClock(NOW)
    feed, gone, staying = feed_at(model, clock), Listener(), Listener()
    for listener in (gone, staying):
        feed.join("kline.1.BTCUSDT", listener)
    feed.leave(["kline.1.BTCUSDT"], gone)
    heard = len(gone.messages)
    await clock.advance(61)
    feed.beat()
    assert len(gone.messages) == heard
    assert any(bar["confirm"] for bar in staying.bars("kline.1.BTCUSDT"))


async def test_midnight_is_prepared_before_it_comes(model: PriceModel) -> None:
    midnight = NOW // DAY_MS * DAY_MS + DAY_MS
    clock = ManualClock(midnight - 5_000)
    feed, listener = feed_at(model, clock), Listener()
    feed.join("kline.1.BTCUSDT", listener)
    for _ in range(8):
        await clock.advance(1)
        feed.beat()
    closed = [bar for bar in listener.bars("kline.1.BTCUSDT") if bar["confirm"]]
    assert [bar["end"] for bar in closed] == [midnight - 1]


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("kline.1.BTCUSDT", True),
        ("kline.M.BTCUSDT", True),
        ("tickers.BTCUSDT", True),
        ("kline.7.BTCUSDT", False),
        ("kline.BTCUSDT", False),
        ("tickers.1.BTCUSDT", False),
        ("kline.1.btcusdt", False),
        ("publicTrade.BTCUSDT", True),
        ("publicTrade.1.BTCUSDT", False),
        ("orderbook.1.BTCUSDT", True),
        ("orderbook.200.BTCUSDT", True),
        ("orderbook.500.BTCUSDT", False),
        ("orderbook.050.BTCUSDT", False),
        ("orderbook.BTCUSDT", False),
        ("allLiquidation.BTCUSDT", False),
        ("order", False),
        ("", False),
    ],
)
def test_topics_it_knows(model: PriceModel, name: str, known: bool) -> None:
    assert feed_at(model, ManualClock(NOW)).knows(name) is known


def test_a_coin_has_no_topics_before_its_listing(model: PriceModel) -> None:
    launch = model.coins["HYPEUSDT"].launch_ms
    assert not feed_at(model, ManualClock(launch - 1)).knows("tickers.HYPEUSDT")
    assert feed_at(model, ManualClock(launch)).knows("tickers.HYPEUSDT")
