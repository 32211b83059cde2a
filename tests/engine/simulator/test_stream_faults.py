"""What faults do to stream connections, listings and the exchange's clock, in memory and on virtual time."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.engine.exchange.virtual_time import VirtualClock, run_virtual
from tests.support.memory_exchange import MemoryStream, memory_exchange, running
from tradebot.engine.control.errors import InputError
from tradebot.engine.exchange.ports import StreamClosedError
from tradebot.engine.market import MINUTE_MS, Timeframe
from tradebot.engine.simulator.core import SimulatedExchange
from tradebot.engine.simulator.faults import FaultPlan, FaultRule

START = 1_793_000_010_000
MINUTE = START // MINUTE_MS * MINUTE_MS
PATH = "/v5/public/linear"
BTC, ETH = "kline.1.BTCUSDT", "kline.1.ETHUSDT"
Body = Callable[[VirtualClock, SimulatedExchange], Awaitable[None]]


class Listener:
    """A plain client that keeps every frame with the second it came in."""

    def __init__(self, clock: VirtualClock, exchange: SimulatedExchange, *topics: str) -> None:
        self.clock = clock
        self.frames: list[tuple[float, dict[str, Any]]] = []
        self.closed = ""
        self.stream = MemoryStream(exchange, PATH)
        self._task = asyncio.create_task(self._listen())
        self._ask = {"op": "subscribe", "args": list(topics)}

    async def begin(self) -> Listener:
        await self.stream.send(json.dumps(self._ask))
        await self.clock.sleep(0.1)
        return self

    async def _listen(self) -> None:
        try:
            while True:
                frame = json.loads(await self.stream.receive())
                self.frames.append((self.clock.monotonic(), frame))
        except StreamClosedError as error:
            self.closed = str(error)

    def bars(self, topic: str = BTC) -> list[dict[str, Any]]:
        """Bars of a topic in the order they came."""
        return [frame["data"][0] for _, frame in self.frames if frame.get("topic") == topic]

    def confirmed(self, topic: str = BTC) -> list[int]:
        """Minutes since the start whose bars were confirmed, in the order they came."""
        return [(bar["start"] - MINUTE) // MINUTE_MS for bar in self.bars(topic) if bar["confirm"]]


def run(body: Body, *rules: FaultRule, **options: Any) -> None:
    async def main(clock: VirtualClock) -> None:
        async with running(memory_exchange(clock, plan=FaultPlan(rules), **options)) as exchange:
            await body(clock, exchange)

    run_virtual(main, START)


@pytest.mark.parametrize(
    ("category", "ack", "pong"),
    [
        ("linear", {"success": True, "ret_msg": "", "req_id": 7, "op": "subscribe"},
         {"success": True, "ret_msg": "pong", "req_id": 8, "op": "ping"}),
        ("inverse", {"success": True, "ret_msg": "", "req_id": 7, "op": "subscribe"},
         {"success": True, "ret_msg": "pong", "req_id": 8, "op": "ping"}),
        ("spot", {"success": True, "ret_msg": "subscribe", "req_id": 7, "op": "subscribe"},
         {"success": True, "ret_msg": "pong", "op": "ping"}),
        ("option", {"success": False, "type": "COMMAND_RESP",
                    "data": {"failTopics": ["tickers.BTCUSD"], "successTopics": []}},
         {"args": [str(START + 1_000)], "op": "pong"}),
    ],
)  # fmt: skip
def test_each_category_acknowledges_and_answers_pings_in_its_own_way(
    category: str, ack: dict[str, Any], pong: dict[str, Any]
) -> None:
    async def body(clock: VirtualClock, exchange: SimulatedExchange) -> None:
        stream = MemoryStream(exchange, f"/v5/public/{category}")

        async def reply() -> dict[str, Any]:
            while "topic" in (frame := json.loads(await stream.receive())):
                pass
            frame.pop("conn_id", None)
            return dict(frame)

        topic = "tickers.BTCUSD" if category in {"inverse", "option"} else "tickers.BTCUSDT"
        await stream.send(json.dumps({"op": "subscribe", "req_id": 7, "args": [topic]}))
        assert await reply() == ack
        await clock.sleep(1 - clock.monotonic())
        await stream.send('{"op": "ping", "req_id": 8}')
        assert await reply() == pong

    run(body)


def test_without_faults_every_bar_is_confirmed_once_in_order() -> None:
    async def body(clock: VirtualClock, exchange: SimulatedExchange) -> None:
        listener = await Listener(clock, exchange, BTC, ETH).begin()
        await clock.sleep(600)
        assert listener.confirmed() == listener.confirmed(ETH) == list(range(10))

    run(body)


@pytest.mark.parametrize("code", [1000, 1001, 1006])
def test_a_dropped_connection_says_its_code_and_another_one_is_welcome(code: int) -> None:
    async def body(clock: VirtualClock, exchange: SimulatedExchange) -> None:
        first = await Listener(clock, exchange, BTC).begin()
        await clock.sleep(70)
        assert first.closed == f"closed with {code}"
        heard = len(first.frames)
        second = await Listener(clock, exchange, BTC).begin()
        await clock.sleep(120)
        assert second.closed == ""
        assert len(second.confirmed()) == 2
        assert len(first.frames) == heard
        assert len(exchange.sessions) == 1

    run(body, FaultRule("drop", where="kline.*", nth=4, code=code))


def test_refused_connections_leave_the_open_ones_alone() -> None:
    async def body(clock: VirtualClock, exchange: SimulatedExchange) -> None:
        first = await Listener(clock, exchange, BTC).begin()
        for _ in range(3):
            with pytest.raises(StreamClosedError, match="503"):
                Listener(clock, exchange, BTC)
            await clock.sleep(9)
        await clock.sleep(4)
        await Listener(clock, exchange, BTC).begin()
        await clock.sleep(60)
        assert first.confirmed() == [0, 1]

    run(body, FaultRule("refuse", nth=2, seconds=30))


def test_a_stalled_connection_is_open_and_silent_and_answers_no_ping() -> None:
    async def body(clock: VirtualClock, exchange: SimulatedExchange) -> None:
        listener = await Listener(clock, exchange, BTC).begin()
        await clock.sleep(10)
        heard = len(listener.frames)
        await listener.stream.send('{"op":"ping"}')
        await clock.sleep(60)
        assert len(listener.frames) == heard
        assert not exchange.sessions[0].ping()
        assert listener.closed == ""
        await clock.sleep(180)
        # What was not sent meanwhile never comes.
        assert listener.confirmed() == [2, 3]

    run(body, FaultRule("stall", nth=2, seconds=120))


def test_pings_stay_unanswered_and_frames_go_on() -> None:
    async def body(clock: VirtualClock, exchange: SimulatedExchange) -> None:
        listener = await Listener(clock, exchange, BTC).begin()
        await listener.stream.send('{"op":"ping"}')
        assert not exchange.sessions[0].ping()
        await clock.sleep(60)
        assert not [frame for _, frame in listener.frames if frame.get("ret_msg") == "pong"]
        assert listener.confirmed() == [0]
        await listener.stream.send('{"op":"ping"}')
        await clock.sleep(1)
        assert listener.frames[-1][1]["ret_msg"] == "pong"

    run(body, FaultRule("no_pong", until_ms=START + 30_000))


def test_confirmations_lost_and_doubled() -> None:
    async def body(clock: VirtualClock, exchange: SimulatedExchange) -> None:
        listener = await Listener(clock, exchange, BTC, ETH).begin()
        await clock.sleep(600)
        assert listener.confirmed() == [0, 1, 3, 4, 5, 6, 7, 8, 9]
        assert listener.confirmed(ETH) == [0, 1, 2, 3, 4, 4, 5, 6, 7, 8, 9]
        doubled = [at for at, frame in listener.frames if frame.get("topic") == ETH
                   and frame["data"][0]["confirm"] and frame["data"][0]["start"] == MINUTE + 4 * MINUTE_MS]  # fmt: skip
        assert doubled[1] - doubled[0] == pytest.approx(20.0)

    run(
        body,
        FaultRule("confirm_lost", symbol="BTCUSDT", nth=3),
        FaultRule("confirm_doubled", symbol="ETHUSDT", nth=5, seconds=20),
    )


def test_late_frames_come_later_than_younger_ones() -> None:
    async def body(clock: VirtualClock, exchange: SimulatedExchange) -> None:
        listener = await Listener(clock, exchange, BTC).begin()
        await clock.sleep(600)
        assert sorted(listener.confirmed()) == list(range(10))
        assert listener.confirmed() != sorted(listener.confirmed())

    run(body, FaultRule("late", where="kline.*", probability=0.5, seconds=70, jitter_seconds=20,
                        until_ms=START + 300_000))  # fmt: skip


def test_a_frame_out_of_order_comes_after_the_next_one() -> None:
    async def body(clock: VirtualClock, exchange: SimulatedExchange) -> None:
        listener = await Listener(clock, exchange, BTC).begin()
        await clock.sleep(590)
        times = [frame["ts"] for _, frame in listener.frames if "topic" in frame]
        late = [at for at in range(1, len(times)) if times[at] < times[at - 1]]
        assert len(late) == len(times) // 7 >= 8

    run(body, FaultRule("out_of_order", every=7))


def test_one_topic_falls_silent_and_the_others_go_on() -> None:
    async def body(clock: VirtualClock, exchange: SimulatedExchange) -> None:
        listener = await Listener(clock, exchange, BTC, ETH).begin()
        await clock.sleep(600)
        assert listener.confirmed(ETH) == list(range(10))
        assert listener.confirmed() == [3, 4, 5, 6, 7, 8, 9]

    run(body, FaultRule("silent_topic", symbol="BTCUSDT", nth=1, seconds=170))


def test_a_hole_is_not_told_on_the_stream_either() -> None:
    async def body(clock: VirtualClock, exchange: SimulatedExchange) -> None:
        listener = await Listener(clock, exchange, BTC).begin()
        await clock.sleep(600)
        assert listener.confirmed() == [0, 1, 2, 5, 6, 7, 8, 9]
        assert {(bar["start"] - MINUTE) // MINUTE_MS for bar in listener.bars()} == {
            0,
            1,
            2,
            5,
            6,
            7,
            8,
            9,
            10,
        }

    first = MINUTE + 3 * MINUTE_MS
    run(
        body, FaultRule("hole", symbol="BTCUSDT", interval="1", from_ms=first, until_ms=first + 2 * MINUTE_MS)
    )


async def listed(exchange: SimulatedExchange, status: str = "") -> list[str]:
    query = {"category": "linear", "status": status}
    reply = await exchange.answer("GET", "/v5/market/instruments-info", query)
    return [item["symbol"] for item in json.loads(reply.text)["result"]["list"]]


def test_a_symbol_is_delisted_while_running() -> None:
    end = MINUTE + 4 * MINUTE_MS

    async def body(clock: VirtualClock, exchange: SimulatedExchange) -> None:
        listener = await Listener(clock, exchange, BTC, ETH).begin()
        assert "BTCUSDT" in await listed(exchange)
        await clock.sleep(600)
        assert listener.confirmed() == [0, 1, 2, 3]
        assert listener.confirmed(ETH) == list(range(10))
        assert "BTCUSDT" not in await listed(exchange)
        assert await listed(exchange, "Closed") == ["BTCUSDT"]
        late = await Listener(clock, exchange, BTC).begin()
        assert late.frames[0][1]["ret_msg"] == f"error:handler not found,topic:{BTC}"
        # Its history stays, and ends where it ended.
        rows = exchange.truth.candles("linear", "BTCUSDT", Timeframe.M1, MINUTE - 60_000, end + 600_000)
        assert [row.time_ms for row in rows] == [MINUTE + n * MINUTE_MS for n in range(-1, 4)]
        query = {"category": "linear", "symbol": "BTCUSDT", "interval": "1", "limit": "5"}
        reply = await exchange.answer("GET", "/v5/market/kline", query)
        assert [row[0] for row in json.loads(reply.text)["result"]["list"]] == [
            str(row.time_ms) for row in reversed(rows)
        ]
        # Leaving a topic that has ended is no error.
        await listener.stream.send(json.dumps({"op": "unsubscribe", "args": [BTC]}))
        await clock.sleep(0.1)
        assert listener.frames[-1][1]["success"] is True

    run(body, FaultRule("delist", symbol="BTCUSDT", from_ms=end))


def test_a_symbol_is_listed_while_running_and_its_history_begins_there() -> None:
    begin = MINUTE + 4 * MINUTE_MS

    async def body(clock: VirtualClock, exchange: SimulatedExchange) -> None:
        assert "XRPUSDT" not in await listed(exchange)
        early = await Listener(clock, exchange, "kline.1.XRPUSDT").begin()
        assert early.frames[0][1]["success"] is False
        await clock.sleep(240)
        assert "XRPUSDT" in await listed(exchange)
        listener = await Listener(clock, exchange, "kline.1.XRPUSDT").begin()
        await clock.sleep(300)
        assert listener.confirmed("kline.1.XRPUSDT") == [4, 5, 6, 7, 8]
        rows = exchange.truth.candles("linear", "XRPUSDT", Timeframe.M1, 0, begin + 600_000)
        assert [row.time_ms for row in rows] == [begin + n * MINUTE_MS for n in range(5)]

    run(body, FaultRule("list", symbol="XRPUSDT", from_ms=begin))


def test_listings_that_make_no_sense_are_refused() -> None:
    async def body(clock: VirtualClock, exchange: SimulatedExchange) -> None:
        with pytest.raises(InputError, match="BTCUSDT is listed already"):
            exchange.list_symbol("BTCUSDT")
        with pytest.raises(InputError, match="no coin XRPUSD to list"):
            exchange.list_symbol("XRPUSD")
        with pytest.raises(InputError, match=r'BTCUSD is not listed in linear\. Did you mean "BTCUSDT"'):
            exchange.delist_symbol("BTCUSD")

    run(body)


def test_the_exchanges_clock_may_be_wrong_and_everything_follows_it() -> None:
    async def body(clock: VirtualClock, exchange: SimulatedExchange) -> None:
        async def server_ms() -> int:
            return int(json.loads((await exchange.answer("GET", "/v5/market/time", {})).text)["time"])

        assert await server_ms() == clock.now_ms() + 7_000
        listener = await Listener(clock, exchange, BTC).begin()
        await clock.sleep(60)
        closed = next(at for at, frame in listener.frames if "topic" in frame and frame["data"][0]["confirm"])
        # The minute ends 30 s after the start by our clock; theirs is 7 s ahead.
        assert 23 <= closed <= 24.5
        # Put back it stands still, and never shows an earlier time than before.
        exchange.skew_clock(-10)
        before = await server_ms()
        await clock.sleep(5)
        assert await server_ms() == before
        await clock.sleep(10)
        assert await server_ms() == clock.now_ms() - 3_000
        await clock.sleep(300)
        assert listener.confirmed() == list(range(6))

    run(body, FaultRule("skew", seconds=7, from_ms=START))


def test_the_same_seed_gives_the_same_stream() -> None:
    runs: list[list[tuple[float, dict[str, Any]]]] = []

    async def body(clock: VirtualClock, exchange: SimulatedExchange) -> None:
        listener = await Listener(clock, exchange, BTC, ETH, "tickers.BTCUSDT").begin()
        await clock.sleep(300)
        runs.append(listener.frames)

    rules = (
        FaultRule("late", probability=0.3, seconds=1, jitter_seconds=9),
        FaultRule("out_of_order", probability=0.2),
        FaultRule("confirm_doubled", probability=0.5),
    )
    run(body, *rules)
    run(body, *rules)
    run(body, *rules, seed=2)
    assert runs[0] == runs[1] != runs[2]
