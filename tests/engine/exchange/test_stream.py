"""A stream keeps itself alive, and one bad topic never takes others down."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.engine.exchange.fake_stream import FakeStreamServer
from tests.engine.exchange.virtual_time import VirtualClock, run_virtual
from tradebot.engine.control.events import Level
from tradebot.engine.exchange import PublicStream, StreamPool, Update
from tradebot.engine.exchange.subscribing import REQUEST_CHARACTERS, batches
from tradebot.engine.market import Category


class Heard:
    """A listener that remembers."""

    def __init__(self) -> None:
        self.updates: list[Update] = []
        self.subscribed: list[str] = []
        self.lost: list[str] = []
        self.refused: list[str] = []

    def on_update(self, update: Update) -> None:
        self.updates.append(update)

    def on_subscribed(self, topics: frozenset[str]) -> None:
        self.subscribed += sorted(topics)

    def on_lost(self, sentence: str) -> None:
        self.lost.append(sentence)

    def on_refused(self, topic: str, sentence: str) -> None:
        self.refused.append(topic)


def run(
    body: Callable[[PublicStream, FakeStreamServer, Heard, VirtualClock], Awaitable[None]],
    server: FakeStreamServer | None = None,
    category: Category = Category.LINEAR,
) -> None:
    async def main(clock: VirtualClock) -> None:
        exchange = server or FakeStreamServer()
        heard = Heard()
        stream = PublicStream("ws://memory", category, heard, exchange.connect, clock, random.Random(1))
        task = asyncio.create_task(stream.run())
        try:
            await body(stream, exchange, heard, clock)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    run_virtual(main)


def ticker(symbol: str, price: str = "100.5", kind: str = "snapshot") -> dict[str, Any]:
    data = {"symbol": symbol, "lastPrice": price}
    return {"topic": f"tickers.{symbol}", "type": kind, "data": data, "cs": 1, "ts": 1_700_000_000_000}


TOPICS = [f"tickers.C{number}USDT" for number in range(25)]


def test_topics_are_heard_after_the_acknowledgement() -> None:
    async def body(stream: PublicStream, server: FakeStreamServer, heard: Heard, clock: VirtualClock) -> None:
        stream.subscribe(TOPICS)
        await clock.sleep(1)
        assert sorted(heard.subscribed) == sorted(TOPICS)
        server.publish(ticker("C3USDT"))
        await clock.sleep(1)
        assert [update.symbol for update in heard.updates] == ["C3USDT"]
        status = stream.status()
        assert status.connected
        assert status.topics == 25
        assert status.topics_by_kind == {"tickers": 25}
        assert status.reconnects == 0
        assert status.messages_per_second > 0

    run(body)


def test_spot_requests_carry_at_most_ten_topics() -> None:
    async def body(stream: PublicStream, server: FakeStreamServer, heard: Heard, clock: VirtualClock) -> None:
        stream.subscribe(TOPICS)
        await clock.sleep(1)
        sizes = [
            len(request["args"]) for request in server.connections[0].requests if request["op"] == "subscribe"
        ]
        assert sizes == [10, 10, 5]

    run(body, FakeStreamServer(most_args=10), Category.SPOT)


def test_linear_requests_stay_within_their_bound_of_text() -> None:
    topics = [f"kline.1.{'X' * 60}{number}USDT" for number in range(500)]
    lists = list(batches(topics, Category.LINEAR))
    assert [topic for batch in lists for topic in batch] == topics
    assert all(sum(len(topic) + 3 for topic in batch) <= REQUEST_CHARACTERS for batch in lists)


@pytest.mark.parametrize("anonymous", [False, True], ids=["with number", "without number"])
@pytest.mark.parametrize(
    "words",
    ["error:handler not found,topic:{}", "Invalid symbol :[{}]", "something went wrong"],
    ids=["handler", "symbol", "no name"],
)
def test_bad_topics_are_found_and_the_others_go_on(words: str, anonymous: bool) -> None:
    bad = {"tickers.C0USDT", "tickers.C7USDT", "tickers.C8USDT", "tickers.C24USDT"}
    server = FakeStreamServer(bad)
    server.words = words.format
    server.anonymous_errors = anonymous

    async def body(stream: PublicStream, server: FakeStreamServer, heard: Heard, clock: VirtualClock) -> None:
        stream.subscribe(TOPICS)
        await clock.sleep(5)
        assert set(heard.refused) == bad
        assert sorted(heard.subscribed) == sorted(set(TOPICS) - bad)
        assert set(stream.status().refused) == bad
        server.live[0].drop()
        await clock.sleep(5)
        assert server.live[0].topics == set(TOPICS) - bad
        assert len(heard.refused) == len(bad)

    run(body, server)


def test_a_topic_that_is_on_already_counts_as_heard() -> None:
    async def body(stream: PublicStream, server: FakeStreamServer, heard: Heard, clock: VirtualClock) -> None:
        await clock.sleep(1)
        server.live[0].topics.add(TOPICS[4])
        stream.subscribe(TOPICS[:8])
        await clock.sleep(2)
        assert set(heard.subscribed) == set(TOPICS[:8])
        assert heard.refused == []

    run(body)


def test_a_dropped_connection_comes_back_with_all_its_topics() -> None:
    async def body(stream: PublicStream, server: FakeStreamServer, heard: Heard, clock: VirtualClock) -> None:
        stream.subscribe(TOPICS)
        await clock.sleep(40)
        server.live[0].drop()
        await clock.sleep(1)
        assert len(server.live) == 1
        assert server.live[0].topics == set(TOPICS)
        assert stream.status().reconnects == 1
        assert stream.generation == 2
        assert len(heard.lost) == 1

    run(body)


def test_pings_go_out_from_the_start_and_every_18_seconds() -> None:
    async def body(stream: PublicStream, server: FakeStreamServer, heard: Heard, clock: VirtualClock) -> None:
        await clock.sleep(0.5)
        connection = server.connections[0]
        pings = lambda: sum(request["op"] == "ping" for request in connection.requests)  # noqa: E731 - read once, beside its use
        assert pings() == 1
        await clock.sleep(18 * 10)
        assert 10 <= pings() <= 11
        assert stream.status().latency_ms is not None
        assert len(server.connections) == 1

    run(body)


def test_a_silent_socket_is_given_up_after_two_pings_and_five_seconds() -> None:
    async def body(stream: PublicStream, server: FakeStreamServer, heard: Heard, clock: VirtualClock) -> None:
        stream.subscribe(TOPICS[:1])
        await clock.sleep(0.5)
        server.silent = True
        await clock.sleep(40)
        assert len(server.connections) == 1
        server.silent = False
        await clock.sleep(3.5)
        assert len(server.connections) == 2
        assert server.live[0].topics == set(TOPICS[:1])
        assert "silent for" in heard.lost[0]

    run(body)


def test_a_subscription_without_an_answer_is_tried_on_a_new_connection() -> None:
    async def body(stream: PublicStream, server: FakeStreamServer, heard: Heard, clock: VirtualClock) -> None:
        await clock.sleep(0.1)
        server.silent = True
        stream.subscribe(TOPICS[:1])
        await clock.sleep(9)
        server.silent = False
        await clock.sleep(3)
        assert len(server.connections) == 2
        assert server.live[0].topics == set(TOPICS[:1])

    run(body)


def test_an_exchange_that_is_down_is_tried_with_growing_pauses_up_to_thirty_seconds() -> None:
    server = FakeStreamServer()
    server.refuse = True

    async def body(stream: PublicStream, server: FakeStreamServer, heard: Heard, clock: VirtualClock) -> None:
        await clock.sleep(60)
        early = server.attempts
        assert 6 <= early <= 12
        await clock.sleep(3600)
        assert 3600 / 30 <= server.attempts - early <= 3600 / 15 + 1
        assert not stream.status().connected
        server.refuse = False
        await clock.sleep(31)
        assert stream.status().connected

    run(body, server)


def test_messages_that_do_not_fit_are_counted_and_harm_nothing() -> None:
    async def body(stream: PublicStream, server: FakeStreamServer, heard: Heard, clock: VirtualClock) -> None:
        stream.subscribe(TOPICS)
        await clock.sleep(1)
        for frame in ("", "[]", "{", '{"topic":"tickers.X"}', '{"topic":5}', '{"op":"subscribe"}'):
            server.live[0].push(frame)
        server.publish(ticker("C1USDT"))
        await clock.sleep(1)
        assert len(heard.updates) == 1
        assert stream.status().malformed == 6
        assert len(server.connections) == 1

    run(body)


def test_unsubscribed_topics_are_left() -> None:
    async def body(stream: PublicStream, server: FakeStreamServer, heard: Heard, clock: VirtualClock) -> None:
        stream.subscribe(TOPICS)
        await clock.sleep(1)
        stream.unsubscribe(TOPICS[5:])
        await clock.sleep(1)
        assert server.live[0].topics == set(TOPICS[:5])
        assert stream.status().topics == 5

    run(body)


def test_a_pool_opens_as_many_connections_as_the_topics_need() -> None:
    topics = [f"kline.{interval}.COIN{number}USDT" for interval in ("1", "5", "60") for number in range(600)]

    async def main(clock: VirtualClock) -> None:
        server, heard = FakeStreamServer(), Heard()

        def make() -> PublicStream:
            return PublicStream(
                "ws://memory", Category.LINEAR, heard, server.connect, clock, random.Random(1)
            )

        def notice(level: Level, sentence: str) -> None:
            raise AssertionError(sentence)

        pool = StreamPool(make, clock, notice)
        pool.subscribe(topics)
        await clock.sleep(5)
        assert set().union(*(connection.topics for connection in server.live)) == set(topics)
        assert all(sum(len(t) + 3 for t in connection.topics) <= 21_000 for connection in server.live)
        assert len(pool.status()) == len(server.live) == 2
        pool.subscribe(topics[:10])
        pool.unsubscribe(topics[:5])
        await clock.sleep(1)
        assert sum(status.topics for status in pool.status()) == len(topics) - 5
        await pool.close()
        assert server.live == []

    run_virtual(main)
