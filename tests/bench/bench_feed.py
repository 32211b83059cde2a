"""How the live feed of 600 symbols fares: `python -m pytest tests/bench/bench_feed.py --benchmark-only -n 0 -s`.

The bars of design.md section 5: 5,000 messages a second for 60 s (`TRADEBOT_FEED_SECONDS=60`; 10 by default), none
lost, <= 35 % of a core in engine and screen together, a price that is read is <= 300 ms old (p95). The simulator runs
in its own process and numbers the messages of each topic, so that a lost one is seen.
"""

from __future__ import annotations

import asyncio
import os
import random
import re
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from tradebot.engine.collect import LiveFeed
from tradebot.engine.control.clock import SystemClock
from tradebot.engine.control.events import Level
from tradebot.engine.exchange import Exchange, PybitRest, StreamConnection, Throttle, connect_websocket
from tradebot.engine.market import Category, DatasetKey, Timeframe
from tradebot.engine.simulator import SimulatorSettings, start_simulator_process
from tradebot.engine.store import Store

LINEAR = Category.LINEAR
CLOCK = SystemClock()
SECONDS = float(os.environ.get("TRADEBOT_FEED_SECONDS", "10"))
# A screen looks this often; what it shows is at most this old plus what the way took.
LOOKS_A_SECOND = 5
_TICKER = re.compile(r'\{"topic":"tickers\.([A-Z0-9]+)","type":"(snapshot|delta)".*"cs":(\d+)')


@contextmanager
def simulator(**settings: Any) -> Iterator[str]:
    process = start_simulator_process(SimulatorSettings(**settings))
    try:
        yield process.url
    finally:
        process.stop()


class Tapped:
    """A connection whose frames are kept as they came."""

    def __init__(self, connection: StreamConnection, frames: list[str]) -> None:
        self._connection = connection
        self._frames = frames
        self.send = connection.send
        self.close = connection.close

    async def receive(self) -> str:
        text = await self._connection.receive()
        self._frames.append(text)
        return text


@dataclass
class Heard:
    """What a run measured."""

    frames: list[list[str]] = field(default_factory=list)
    ages_ms: list[float] = field(default_factory=list)
    lags_ms: list[float] = field(default_factory=list)
    share: float = 0.0
    rate: float = 0.0
    counted: int = 0
    bars: int = 0
    topics: int = 0
    connections: int = 0
    latency_p95_ms: float = 0.0
    notices: list[str] = field(default_factory=list)

    async def connect(self, url: str) -> Tapped:
        self.frames.append([])
        return Tapped(await connect_websocket(url), self.frames[-1])

    def lost(self) -> int:
        """Messages that are missing in the numbering of their topics."""
        lost = 0
        for frames in self.frames:
            last: dict[str, int] = {}
            for text in frames:
                match = _TICKER.match(text)
                if match is None:
                    continue
                symbol, kind, number = match[1], match[2], int(match[3]) % 10
                if kind == "delta" and symbol in last:
                    lost += (number - last[symbol] - 1) % 10
                last[symbol] = number
        return lost


async def listen(url: str, folder: Path, timeframes: tuple[Timeframe, ...], heard: Heard) -> None:
    """Follow everything for a while, read all prices as a screen does."""

    def notice(level: Level, sentence: str) -> None:
        heard.notices.append(sentence)

    rest = PybitRest(url)
    exchange = Exchange(rest, CLOCK, random.Random(1), Throttle(CLOCK, 1.0))
    await exchange.server_time_ms()
    feed = LiveFeed(exchange, Store(folder), LINEAR, CLOCK, random.Random(2), notice, heard.connect)
    feed.start()
    names = [item.symbol for item in await exchange.instruments(LINEAR)]
    keys = [DatasetKey.of(LINEAR, name, frame) for name in names for frame in timeframes]
    feed.watch(names)
    feed.follow(keys)
    await feed.subscribed(60)
    await feed.begin(keys)
    while sum(one.topics for one in feed.status().streams) < len(names) + len(keys):  # noqa: ASYNC110 - bench only
        await asyncio.sleep(0.1)
    await asyncio.sleep(2.0)
    before = sum(kind.messages for one in feed.status().streams for kind in one.kinds)
    lags = asyncio.create_task(watch_lag(heard.lags_ms))
    began, used = time.perf_counter(), time.process_time()
    await look(feed, exchange, SECONDS, heard.ages_ms)
    elapsed = time.perf_counter() - began
    heard.share = (time.process_time() - used) / elapsed
    lags.cancel()
    streams = feed.status().streams
    heard.counted = sum(kind.messages for one in streams for kind in one.kinds)
    heard.rate = (heard.counted - before) / elapsed
    heard.bars, heard.connections = feed.status().bars_stored, len(streams)
    heard.topics = sum(one.topics for one in streams)
    heard.latency_p95_ms = max(kind.latency_p95_ms or 0.0 for one in streams for kind in one.kinds)
    await feed.close()
    rest.close()


async def look(feed: LiveFeed, exchange: Exchange, seconds: float, ages_ms: list[float]) -> None:
    """Read all prices five times a second; the age of each that is new."""
    seen: dict[str, int] = {}
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        await asyncio.sleep(1 / LOOKS_A_SECOND)
        now = exchange.now_ms()
        for symbol, ticker in feed.quotes.all().items():
            if ticker.time_ms > seen.get(symbol, 0):
                seen[symbol] = ticker.time_ms
                ages_ms.append(now - ticker.time_ms)


async def watch_lag(lags_ms: list[float]) -> None:
    """How late the event loop serves a timer of 5 ms."""
    while True:
        due = time.perf_counter() + 0.005
        await asyncio.sleep(0.005)
        lags_ms.append((time.perf_counter() - due) * 1000)


def p95(values: list[float]) -> float:
    return sorted(values)[int(len(values) * 0.95)] if values else 0.0


def test_600_symbols_at_5000_messages_a_second(benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    heard = Heard()

    def run() -> None:
        with simulator(symbols=600, ticker_rate=7.0) as url:
            asyncio.run(listen(url, tmp_path, (Timeframe.M1, Timeframe.M5), heard))

    benchmark.pedantic(run, rounds=1, iterations=1)
    came = Counter("topic" in text[:9] for frames in heard.frames for text in frames)
    benchmark.extra_info.update(
        share_of_a_core=round(heard.share, 3),
        messages_per_second=round(heard.rate),
        lost=heard.lost(),
        topics=heard.topics,
        connections=heard.connections,
        bars_stored=heard.bars,
        price_age_p95_ms=round(p95(heard.ages_ms), 1),
        latency_p95_ms=round(heard.latency_p95_ms, 1),
        loop_lag_p95_ms=round(p95(heard.lags_ms), 1),
    )
    print(benchmark.extra_info)
    assert heard.lost() == 0
    assert heard.counted <= came[True] <= heard.counted + 20_000, "every frame that came was counted"
    assert heard.topics == 1_800
    assert heard.rate >= 4_500
    assert heard.share <= 0.35
    assert p95(heard.ages_ms) <= 300


@pytest.mark.parametrize("kind", ["ticker", "kline"])
def test_one_message_through_the_parser(benchmark: BenchmarkFixture, kind: str) -> None:
    from tradebot.engine.exchange.messages import parse_message

    texts = {
        "ticker": '{"topic":"tickers.BTCUSDT","type":"delta","data":{"symbol":"BTCUSDT","lastPrice":"84210.50",'
        '"markPrice":"84211.20","bid1Price":"84210.40","bid1Size":"1.203","ask1Price":"84210.50",'
        '"volume24h":"12345.678","turnover24h":"1039481723.2231"},"cs":95322394290,"ts":1795000000000}',
        "kline": '{"topic":"kline.5.BTCUSDT","data":[{"start":1672324800000,"end":1672325099999,"interval":"5",'
        '"open":"16649.5","close":"16677","high":"16677","low":"16608","volume":"2.081","turnover":"34666.4",'
        '"confirm":false,"timestamp":1672324988882}],"ts":1672324988882,"type":"snapshot"}',
    }
    benchmark(parse_message, texts[kind])
