"""A clock that runs faster: no bar is skipped however coarse the beats become, and the wire stays as it is."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import pytest
from websockets.asyncio.client import connect

from tests.engine.exchange.virtual_time import VirtualClock, run_virtual
from tests.support.memory_exchange import MemoryStream, memory_exchange, running
from tradebot.engine.control.clock import ScaledClock
from tradebot.engine.exchange.ports import StreamClosedError
from tradebot.engine.market import DAY_MS, MINUTE_MS
from tradebot.engine.simulator import Simulator, SimulatorSettings

START = 1_793_000_010_000
TOPICS = ["kline.1.BTCUSDT", "kline.5.BTCUSDT", "kline.60.BTCUSDT", "kline.1.ETHUSDT"]
SUBSCRIBE = json.dumps({"op": "subscribe", "args": TOPICS})


def confirmed(frames: list[dict[str, Any]], topic: str) -> list[int]:
    return [
        frame["data"][0]["start"]
        for frame in frames
        if frame["topic"] == topic and frame["data"][0]["confirm"]
    ]


@pytest.mark.parametrize("speed", [300.0, 10_000.0])
def test_a_day_at_speed_closes_each_of_its_bars_once_and_in_order(speed: float) -> None:
    async def main(clock: VirtualClock) -> list[dict[str, Any]]:
        fast = ScaledClock(START, speed, clock)
        frames: list[dict[str, Any]] = []
        async with running(memory_exchange(clock, exchange_clock=fast, beats=4, kline_rate=1)) as exchange:
            stream = MemoryStream(exchange, "/v5/public/linear")
            await stream.send(SUBSCRIBE)

            async def listen() -> None:
                with pytest.raises(StreamClosedError):
                    while True:
                        frame = json.loads(await stream.receive())
                        if "topic" in frame:
                            frames.append(frame)

            listening = asyncio.create_task(listen())
            await clock.sleep((DAY_MS + 3_900_000) / 1000 / speed)
        await listening
        return frames

    frames = run_virtual(main, START)
    for topic in TOPICS:
        length = int(topic.split(".")[1]) * MINUTE_MS
        bars = confirmed(frames, topic)
        # The request itself took some minutes at this speed: the running bar of that moment is the first.
        assert bars[0] <= START + 0.021 * speed * 1000
        assert bars[: DAY_MS // length] == [bars[0] + n * length for n in range(DAY_MS // length)]


@pytest.mark.sockets
async def test_a_day_passes_in_seconds_over_a_real_socket() -> None:
    simulator = Simulator(SimulatorSettings(symbols=3, speed=30_000, start_ms=START, kline_rate=0.2))
    url = await simulator.start()
    frames: list[dict[str, Any]] = []
    deadline = time.monotonic() + 60
    topics = ("kline.1.BTCUSDT", "kline.1.ETHUSDT")
    async with connect(url.replace("http", "ws", 1) + "/v5/public/linear", max_queue=None) as socket:
        await socket.send(SUBSCRIBE)
        while time.monotonic() < deadline and min(len(confirmed(frames, topic)) for topic in topics) < 1440:
            frame = json.loads(await asyncio.wait_for(socket.recv(), 10))
            if frame.get("topic") in topics and frame["data"][0]["confirm"]:
                frames.append(frame)
    await simulator.stop()
    for topic in topics:
        bars = confirmed(frames, topic)
        assert len(bars) >= 1440
        assert bars == list(range(bars[0], bars[-1] + 1, MINUTE_MS))


def test_the_limit_the_ban_and_the_delays_stay_those_of_the_wire() -> None:
    async def main(clock: VirtualClock) -> None:
        fast = ScaledClock(START, 1000.0, clock)
        exchange = memory_exchange(clock, exchange_clock=fast, ban_seconds=30, latency_ms=80)

        async def status() -> int:
            return (await exchange.answer("GET", "/v5/market/time", {}, "a")).status

        began = clock.monotonic()
        assert set(await asyncio.gather(*(status() for _ in range(600)))) == {200}
        assert clock.monotonic() - began == pytest.approx(0.08)
        assert await status() == 403
        await clock.sleep(29)
        assert await status() == 403
        await clock.sleep(1.1)
        assert await status() == 200
        assert exchange.clock.now_ms() - START >= 30_000_000

    run_virtual(main, START)
