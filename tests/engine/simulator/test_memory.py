"""The whole client on the exchange in memory and on virtual time: quick, and the same to the letter every time."""

from __future__ import annotations

import asyncio
import random
import time
from pathlib import Path

import pytest

from tests.engine.collect.helpers import InlineThread, read_bars
from tests.engine.exchange.virtual_time import VirtualClock, run_virtual
from tests.support.memory_exchange import MemoryRest, MemoryStream, memory_connector, memory_exchange, running
from tradebot.engine.collect import CollectRequest, Hybrid, LiveFeed
from tradebot.engine.control.progress import CancelToken
from tradebot.engine.exchange import Exchange, Throttle
from tradebot.engine.exchange.ports import StreamClosedError
from tradebot.engine.market import HOUR_MS, MINUTE_MS, Category, DatasetKey, Timeframe
from tradebot.engine.simulator.faults import FaultPlan
from tradebot.engine.simulator.feed import Feed
from tradebot.engine.store import Store

START = 1_793_000_010_000
LINEAR, M1, M5 = Category.LINEAR, Timeframe.M1, Timeframe.M5
SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT")
SINCE = START - 2 * HOUR_MS


def follow(folder: Path, minutes: int, plan: FaultPlan | None = None) -> dict[str, object]:
    """Collect and follow for some virtual minutes; everything that could differ between two runs."""

    async def main(clock: VirtualClock) -> dict[str, object]:
        simulated = memory_exchange(clock, plan=plan)
        async with running(simulated):
            exchange = Exchange(MemoryRest(simulated), clock, random.Random(1), Throttle(clock))
            store, thread = Store(folder, clock), InlineThread()
            heard: list[tuple[str, int]] = []
            notices: list[str] = []
            feed = LiveFeed(
                exchange, store, LINEAR, clock, random.Random(2), lambda _, text: notices.append(text),
                memory_connector(simulated), thread=thread,
            )  # fmt: skip
            feed.add_listener(lambda key, row: heard.append((str(key), row.time_ms)))
            feed.start()
            request = CollectRequest(LINEAR, SYMBOLS, (M1, M5), SINCE, follow=True, funding=False)
            hybrid = Hybrid(exchange, store, feed, clock)
            report = await hybrid.catch_up(request, lambda progress: None, CancelToken())
            assert report.complete
            await clock.sleep(60 * minutes)
            await feed.close()
        files = {}
        for symbol in SYMBOLS:
            for timeframe in (M1, M5):
                key = DatasetKey.of(LINEAR, symbol, timeframe)
                rows = files[str(key)] = read_bars(folder, key)
                end = rows[-1].time_ms + timeframe.ms
                assert end >= START + (minutes - 2) * MINUTE_MS - timeframe.ms
                first = timeframe.ceil(SINCE)
                assert rows == simulated.truth.candles("linear", symbol, timeframe, first, end)
        return {
            "files": files,
            "heard": heard,
            "notices": notices,
            "requests": exchange.budget().total,
            "events": simulated.truth.events(),
        }

    return run_virtual(main, START)


def test_collecting_and_following_in_memory_is_quick_and_the_same_twice(tmp_path: Path) -> None:
    began = time.perf_counter()
    first = follow(tmp_path / "a", 12)
    second = follow(tmp_path / "b", 12)
    elapsed = time.perf_counter() - began
    assert first == second
    assert len(first["heard"]) >= 3 * (11 + 2)  # type: ignore[arg-type]  # a list, see above
    assert elapsed / 2 < 2.0, "a run of minutes must cost far less than that, on a busy machine too"


def test_a_stream_whose_heart_fails_does_not_look_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(feed: Feed) -> None:
        raise RuntimeError("a fault of the simulator itself")

    async def main(clock: VirtualClock) -> None:
        exchange = memory_exchange(clock)
        life = asyncio.create_task(exchange.run())
        stream = MemoryStream(exchange, "/v5/public/linear")
        await clock.sleep(5)
        monkeypatch.setattr(Feed, "beat", fail)
        with pytest.raises(RuntimeError, match="of the simulator itself"):
            await life
        with pytest.raises(StreamClosedError, match="1006"):
            await stream.receive()
        exchange.close()

    run_virtual(main, START)
