"""Collecting from the simulated exchange over real sockets into real files."""

from __future__ import annotations

import asyncio
import json
import random
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.engine.collect.helpers import read_bars
from tradebot.engine.collect import CollectReport, CollectRequest, Hybrid, LiveFeed, collect_history
from tradebot.engine.control.clock import Clock, ScaledClock, SystemClock
from tradebot.engine.control.errors import InputError
from tradebot.engine.control.events import Level
from tradebot.engine.control.progress import CancelToken
from tradebot.engine.exchange import Exchange, PybitRest, Throttle
from tradebot.engine.exchange.websocket_connection import WebsocketConnection, connect_websocket
from tradebot.engine.market import DAY_MS, HOUR_MS, MINUTE_MS, BarRow, Category, DatasetKey, Timeframe
from tradebot.engine.simulator import SimulatorSettings, SimulatorThread
from tradebot.engine.store import Store

pytestmark = pytest.mark.sockets

LINEAR, M1, M5 = Category.LINEAR, Timeframe.M1, Timeframe.M5
START = 1_793_000_010_000
SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT")
KLINE = "/v5/market/kline"


@pytest.fixture(scope="module")
def still() -> Iterator[SimulatorThread]:
    """A simulator whose time hardly moves: every run sees the same now."""
    with SimulatorThread(SimulatorSettings(symbols=20), ScaledClock(START, 0.001)) as simulator:
        yield simulator


@asynccontextmanager
async def simulating(clock: Clock, port: int = 0) -> AsyncIterator[SimulatorThread]:
    """A simulator for one test; a thread with a running loop cannot end another one's."""
    thread = SimulatorThread(SimulatorSettings(symbols=5, port=port), clock)
    await asyncio.to_thread(thread.__enter__)
    try:
        yield thread
    finally:
        await asyncio.to_thread(thread.__exit__, None, None, None)


class CountingRest(PybitRest):
    """Remembers what was asked."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.asked: list[str] = []

    async def get(self, path, params):
        self.asked.append(path)
        return await super().get(path, params)


@dataclass
class Client:
    rest: CountingRest
    exchange: Exchange
    store: Store
    clock: Clock
    notices: list[str] = field(default_factory=list)

    async def collect(self, request: CollectRequest) -> CollectReport:
        return await collect_history(
            self.exchange, self.store, request, self.clock, lambda progress: None, CancelToken()
        )


@asynccontextmanager
async def client(url: str, folder: Path, clock: Clock) -> AsyncIterator[Client]:
    rest = CountingRest(url)
    notices: list[str] = []

    def notice(level: Level, sentence: str) -> None:
        notices.append(sentence)

    exchange = Exchange(rest, clock, random.Random(1), Throttle(SystemClock(), 1.0), notice)
    try:
        yield Client(rest, exchange, Store(folder, clock), clock, notices)
    finally:
        rest.close()


def assert_is_truth(
    simulator: SimulatorThread, folder: Path, key: DatasetKey, start_ms: int, end_ms: int | None = None
) -> list[BarRow]:
    """The file holds exactly the simulator's bars from start_ms on, to end_ms or its own end."""
    rows = read_bars(folder, key)
    assert rows
    end_ms = rows[-1].time_ms + key.timeframe.ms if end_ms is None else end_ms
    model = simulator.simulator.model
    coin = model.coins[key.symbol]
    bars = model.candles(key.symbol, key.timeframe, start_ms, end_ms)
    price, lot = 10.0**-coin.tick_decimals, 10.0**-coin.lot_decimals
    assert [row.time_ms for row in rows] == bars.time.tolist()
    for column, values, step in (
        ("open", bars.open, price),
        ("high", bars.high, price),
        ("low", bars.low, price),
        ("close", bars.close, price),
        ("volume", bars.volume, lot),
        ("turnover", bars.turnover, price * lot),
    ):
        assert [round(float(getattr(row, column)) / step) for row in rows] == values.tolist(), column
    return rows


async def test_three_symbols_in_two_timeframes_equal_the_exchanges_truth(
    still: SimulatorThread, tmp_path: Path
) -> None:
    since = START - 3 * DAY_MS
    request = CollectRequest(LINEAR, SYMBOLS, (M1, M5), since)
    async with client(still.url, tmp_path, ScaledClock(START, 0.001)) as one:
        report = await one.collect(request)
        assert report.complete
        assert report.sentences == ()
        for symbol in SYMBOLS:
            for timeframe in (M1, M5):
                key = DatasetKey.of(LINEAR, symbol, timeframe)
                assert_is_truth(still, tmp_path, key, timeframe.ceil(since), timeframe.floor(START))
            assert len(one.store.funding(LINEAR, symbol).time) >= 9
        assert len(one.store.instruments()) == 20
        one.rest.asked.clear()
        again = await one.collect(request)
        assert again.complete
        assert again.bars_added == 0
        assert KLINE not in one.rest.asked


async def test_an_unknown_symbol_is_refused_over_sockets_too(still: SimulatorThread, tmp_path: Path) -> None:
    async with client(still.url, tmp_path, ScaledClock(START, 0.001)) as one:
        with pytest.raises(InputError, match='Did you mean "BTCUSDT"'):
            await one.collect(CollectRequest(LINEAR, ("BTCUSDTT",), (M1,), START - HOUR_MS))


async def test_instruments_are_paged_and_tickers_are_understood(
    still: SimulatorThread, tmp_path: Path
) -> None:
    async with client(still.url, tmp_path, ScaledClock(START, 0.001)) as one:
        instruments = await one.exchange.instruments(LINEAR)
        tickers = await one.exchange.tickers(LINEAR)
        assert {ticker.symbol for ticker in tickers} == {item.symbol for item in instruments}
        assert all(ticker.last > 0 and ticker.turnover_24h for ticker in tickers)
        assert one.notices == []


COLLECT = """
import asyncio, random, sys
from pathlib import Path
from tradebot.engine.collect import CollectRequest, collect_history
from tradebot.engine.control.clock import ScaledClock, SystemClock
from tradebot.engine.control.progress import CancelToken
from tradebot.engine.exchange import Exchange, PybitRest, Throttle
from tradebot.engine.market import Category, Timeframe
from tradebot.engine.store import Store

url, folder, start, since = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
clock = ScaledClock(start, 0.001)
exchange = Exchange(PybitRest(url), clock, random.Random(), Throttle(SystemClock(), 1.0))
request = CollectRequest(Category.LINEAR, ("BTCUSDT", "ETHUSDT"), (Timeframe.M1,), since, funding=False)
print("go", flush=True)
asyncio.run(collect_history(exchange, Store(folder), request, clock, lambda p: None, CancelToken(), 4))
"""


async def test_a_kill_loses_little_and_the_next_run_asks_only_for_the_rest(
    still: SimulatorThread, tmp_path: Path
) -> None:
    since = START - 60 * DAY_MS
    arguments = [sys.executable, "-c", COLLECT, still.url, str(tmp_path), str(START), str(since)]
    keys = [DatasetKey.of(LINEAR, symbol, M1) for symbol in SYMBOLS[:2]]
    path = tmp_path / "linear" / keys[0].file_name

    def killed_in_the_middle() -> None:
        process = subprocess.Popen(arguments, stdout=subprocess.PIPE)
        deadline = time.monotonic() + 20
        while not (path.exists() and path.stat().st_size > 500_000) and time.monotonic() < deadline:
            time.sleep(0.01)
        process.kill()
        process.communicate()

    await asyncio.to_thread(killed_in_the_middle)
    async with client(still.url, tmp_path, ScaledClock(START, 0.001)) as one:
        request = CollectRequest(LINEAR, SYMBOLS[:2], (M1,), since, funding=False)
        kept = sum(info.rows for key in keys if (info := one.store.info(key)) is not None)
        assert 5_000 <= kept < 2 * 60 * 1440
        report = await one.collect(request)
        assert report.complete
        assert report.bars_added + kept == 2 * (60 * 1440 - 1)
        assert one.rest.asked.count(KLINE) <= (2 * 60 * 1440 - kept) // 1000 + 2
        for key in keys:
            assert_is_truth(still, tmp_path, key, M1.ceil(since), M1.floor(START))


class DroppableConnector:
    """Opens real connections and can cut them."""

    def __init__(self) -> None:
        self.open: list[WebsocketConnection] = []

    async def __call__(self, url: str) -> WebsocketConnection:
        connection = await connect_websocket(url)
        self.open.append(connection)
        return connection

    def cut(self) -> None:
        for connection in self.open:
            connection._socket.transport.abort()
        self.open.clear()


@asynccontextmanager
async def following(
    simulator: SimulatorThread, folder: Path, clock: Clock, connector: DroppableConnector
) -> AsyncIterator[tuple[LiveFeed, Client, list[tuple[str, int]]]]:
    async with client(simulator.url, folder, clock) as one:
        feed = LiveFeed(
            one.exchange,
            one.store,
            LINEAR,
            clock,
            random.Random(2),
            lambda _, s: one.notices.append(s),
            connector,
        )
        heard: list[tuple[str, int]] = []
        feed.add_listener(lambda key, row: heard.append((str(key), row.time_ms)))
        feed.start()
        feed.watch(SYMBOLS)
        try:
            request = CollectRequest(LINEAR, SYMBOLS, (M1, M5), START - 6 * HOUR_MS, follow=True)
            hybrid = Hybrid(one.exchange, one.store, feed, clock)
            report = await hybrid.catch_up(request, lambda progress: None, CancelToken())
            assert report.complete
            yield feed, one, heard
        finally:
            await feed.close()


async def until(condition, seconds: float = 15.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        await asyncio.sleep(0.02)


def bars_of(heard: list[tuple[str, int]], key: str) -> list[int]:
    return [time_ms for name, time_ms in heard if name == key]


async def test_follow_stores_bars_as_they_close_and_survives_a_cut_connection(tmp_path: Path) -> None:
    clock = ScaledClock(START, 40.0)
    connector = DroppableConnector()
    async with simulating(clock) as simulator:
        async with following(simulator, tmp_path, clock, connector) as (feed, one, heard):
            await until(lambda: len(bars_of(heard, "linear/BTCUSDT_1m")) >= 2)
            connector.cut()
            await until(lambda: len(bars_of(heard, "linear/BTCUSDT_1m")) >= 5)
            await until(lambda: len(bars_of(heard, "linear/SOLUSDT_5m")) >= 1)
            assert feed.status().streams[0].reconnects == 1
            quotes = feed.quotes.all()
            assert set(quotes) == set(SYMBOLS)
        for symbol in SYMBOLS:
            for timeframe in (M1, M5):
                key = DatasetKey.of(LINEAR, symbol, timeframe)
                assert_is_truth(simulator, tmp_path, key, timeframe.ceil(START - 6 * HOUR_MS))
                times = bars_of(heard, str(key))
                assert times == sorted(set(times))
        assert len(bars_of(heard, "linear/BTCUSDT_1m")) >= 5
        assert len(heard) == len(set(heard))
        assert not [sentence for sentence in one.notices if "fault" in sentence]


async def test_an_exchange_that_restarts_is_found_again(tmp_path: Path) -> None:
    clock = ScaledClock(START, 40.0)
    async with simulating(clock) as simulator:
        port = int(simulator.url.rpartition(":")[2])
        following_it = following(simulator, tmp_path, clock, DroppableConnector())
        _, _, heard = await following_it.__aenter__()
        await until(lambda: len(heard) >= 3)
    try:
        await clock.sleep(70)
        seen = len(heard)
        async with simulating(clock, port) as simulator:
            await until(lambda: len(heard) >= seen + 9, 25)
            key = DatasetKey.of(LINEAR, "BTCUSDT", M1)
            rows = assert_is_truth(simulator, tmp_path, key, M1.ceil(START - 6 * HOUR_MS))
            assert rows[-1].time_ms > START
    finally:
        await following_it.__aexit__(None, None, None)


def test_the_figures_of_a_report_can_be_written_as_json(tmp_path: Path) -> None:
    from dataclasses import asdict

    from tradebot.engine.collect import DatasetProgress, DatasetState, Gap

    key = DatasetKey("linear", "BTCUSDT", "1m")
    report = CollectReport(
        (DatasetProgress(key, DatasetState.DONE, 1, 1),), 1, 0, (Gap(key, 0, MINUTE_MS, 1),), ("x",), 1, 0.5
    )
    assert not report.complete
    assert json.dumps(asdict(report), default=str)


async def test_a_proxy_of_the_environment_is_not_used(
    still: SimulatorThread, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY", "WS_PROXY", "ws_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    async with client(still.url, tmp_path, ScaledClock(START, 0.001)) as one:
        assert await one.exchange.server_time_ms() >= START
    connection = await connect_websocket(still.url.replace("http", "ws") + "/v5/public/linear")
    await connection.send('{"op":"ping","req_id":"1"}')
    assert '"pong"' in await connection.receive()
    await connection.close()
