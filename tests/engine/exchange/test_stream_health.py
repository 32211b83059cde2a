"""A stream knows how it is doing: what flows, what has stopped, and how often it may knock."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from tests.engine.exchange.fake_stream import FakeStreamServer
from tests.engine.exchange.test_stream import Heard, run, ticker
from tests.engine.exchange.virtual_time import START_MS, VirtualClock, run_virtual
from tradebot.engine.control.events import Level
from tradebot.engine.exchange import (
    MalformedError,
    PacedConnector,
    PublicStream,
    StreamClosedError,
    StreamPool,
    TradeUpdate,
)
from tradebot.engine.exchange.messages import parse_message
from tradebot.engine.market import Category


def trade_frame(symbol: str, *, sent_ms: int = START_MS, **change: Any) -> dict[str, Any]:
    entry = {"T": sent_ms - 3, "s": symbol, "S": "Sell", "v": "0.25", "p": "100.5", "i": "a1", "BT": False}
    data = [{**entry, **change}]
    return {"topic": f"publicTrade.{symbol}", "type": "snapshot", "ts": sent_ms, "data": data}


async def publish_for(
    server: FakeStreamServer, clock: VirtualClock, seconds: float, *symbols: str, late_ms: int = 0
) -> None:
    """A quote a second of each symbol, sent `late_ms` before it arrives."""
    end = clock.monotonic() + seconds
    while clock.monotonic() < end:
        for symbol in symbols:
            server.publish({**ticker(symbol), "ts": clock.now_ms() - late_ms})
        await clock.sleep(1.0)


def test_a_trade_is_understood() -> None:
    (update,) = parse_message(json.dumps(trade_frame("BTCUSDT")))
    assert update == TradeUpdate("BTCUSDT", START_MS - 3, "sell", "100.5", "0.25", "a1")


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"S": "Up"}, "`S`"),
        ({"p": None}, "`p`"),
        ({"v": "-1"}, "`v`"),
        ({"T": "5"}, "`T`"),
        ({"i": ""}, "`i`"),
    ],
)
def test_a_trade_that_does_not_fit_is_refused_by_the_name_of_its_field(
    change: dict[str, Any], named: str
) -> None:
    with pytest.raises(MalformedError, match=named):
        parse_message(json.dumps(trade_frame("BTCUSDT", **change)))


def test_each_kind_has_its_rate_latency_and_age() -> None:
    async def body(stream: PublicStream, server: FakeStreamServer, heard: Heard, clock: VirtualClock) -> None:
        stream.subscribe(["tickers.AUSDT", "tickers.BUSDT", "publicTrade.AUSDT"])
        await clock.sleep(1)
        stream.status()
        await publish_for(server, clock, 10, "AUSDT", "BUSDT", late_ms=40)
        server.publish(trade_frame("AUSDT", sent_ms=clock.now_ms()))
        await clock.sleep(5)
        kinds = {kind.kind: kind for kind in stream.status().kinds}
        assert set(kinds) == {"tickers", "publicTrade"}
        assert (kinds["tickers"].topics, kinds["tickers"].messages) == (2, 20)
        assert kinds["tickers"].messages_per_second == pytest.approx(20 / 15, rel=0.01)
        assert kinds["tickers"].latency_p50_ms == kinds["tickers"].latency_p95_ms == 40
        assert kinds["tickers"].last_message_age_s == pytest.approx(6, abs=0.1)
        assert kinds["publicTrade"].messages == 1

    run(body)


def test_a_kind_that_stops_while_others_flow_is_subscribed_on_a_new_connection() -> None:
    async def body(stream: PublicStream, server: FakeStreamServer, heard: Heard, clock: VirtualClock) -> None:
        stream.subscribe(["tickers.AUSDT", "publicTrade.AUSDT"])
        await clock.sleep(1)
        for _ in range(60):
            server.publish(trade_frame("AUSDT"))
            await publish_for(server, clock, 1, "AUSDT")
        await publish_for(server, clock, 25, "AUSDT")
        assert len(server.connections) == 1
        await publish_for(server, clock, 10, "AUSDT")
        assert len(server.connections) == 2
        assert server.live[0].topics == {"tickers.AUSDT", "publicTrade.AUSDT"}
        assert "sends no publicTrade any more" in heard.lost[0]
        await publish_for(server, clock, 300, "AUSDT")
        assert len(server.connections) == 2, "what is usual is learned anew: no endless reconnecting"

    run(body)


def test_the_silence_of_an_illiquid_symbol_is_no_fault() -> None:
    async def body(stream: PublicStream, server: FakeStreamServer, heard: Heard, clock: VirtualClock) -> None:
        stream.subscribe(["tickers.AUSDT"])
        await clock.sleep(1)
        for pause in (5, 20, 3, 60, 90, 2, 45, 200, 4) * 8:
            server.publish(ticker("AUSDT"))
            await clock.sleep(pause)
        assert len(server.connections) == 1

    run(body)


def test_a_refused_topic_is_tried_again_later_and_told_only_once() -> None:
    server = FakeStreamServer({"tickers.NEWUSDT"})

    async def body(stream: PublicStream, server: FakeStreamServer, heard: Heard, clock: VirtualClock) -> None:
        stream.subscribe(["tickers.AUSDT", "tickers.NEWUSDT"])
        await clock.sleep(1000)
        assert heard.refused == ["tickers.NEWUSDT"]
        assert heard.subscribed == ["tickers.AUSDT"]
        server.bad.clear()
        await clock.sleep(301)
        assert heard.subscribed == ["tickers.AUSDT", "tickers.NEWUSDT"]
        assert stream.status().refused == ()
        assert len(server.connections) == 1

    run(body, server)


def test_a_stream_told_to_reconnect_does_so_with_all_its_topics() -> None:
    async def body(stream: PublicStream, server: FakeStreamServer, heard: Heard, clock: VirtualClock) -> None:
        stream.subscribe(["tickers.AUSDT"])
        await clock.sleep(5)
        old = server.live[0]
        stream.reconnect("The computer slept; connecting again.")
        await clock.sleep(3)
        assert not old.open
        assert server.live[0].topics == {"tickers.AUSDT"}
        assert heard.lost == ["The computer slept; connecting again."]
        status = stream.status()
        assert (status.reconnects, status.drops, status.attempts) == (1, 1, 2)

    run(body)


def test_connections_are_opened_far_below_the_exchanges_bound() -> None:
    """The bound is 500 in five minutes; forty streams of a server that drops everything at once stay at 100."""

    async def main(clock: VirtualClock) -> None:
        times: list[float] = []

        async def refuse(url: str) -> Any:
            times.append(clock.monotonic())
            raise StreamClosedError("refused")

        connector = PacedConnector(refuse, clock)

        def make() -> PublicStream:
            return PublicStream("ws://memory", Category.LINEAR, Heard(), connector, clock, random.Random(1))

        def notice(level: Level, sentence: str) -> None:
            raise AssertionError(sentence)

        pool = StreamPool(make, clock, notice)
        pool.subscribe(f"kline.1.{'X' * 400}{number}USDT" for number in range(2_000))
        assert len(pool.status()) > 40
        await clock.sleep(1800)
        await pool.close()
        assert len(times) > 300
        assert all(later - first > 299.99 for first, later in zip(times, times[100:], strict=False))

    run_virtual(main)


def test_a_connector_that_hangs_is_given_up() -> None:
    async def main(clock: VirtualClock) -> None:
        async def hang(url: str) -> Any:
            await clock.sleep(10_000)

        with pytest.raises(StreamClosedError):
            await PacedConnector(hang, clock)("ws://memory")
        assert clock.monotonic() == 30

    run_virtual(main)
