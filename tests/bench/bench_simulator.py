"""How quickly the simulated exchange serves: `python -m pytest tests/bench/bench_simulator.py --benchmark-only -n 0`.

Everything goes over real sockets to a child process, read by a raw client that does not look at what it gets, so that
the figures are the simulator's.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import psutil
import pytest
from pytest_benchmark.fixture import BenchmarkFixture
from websockets.asyncio.client import connect

from tradebot.engine.market import MINUTE_MS
from tradebot.engine.simulator import SimulatorProcess, SimulatorSettings, start_simulator_process

NOW = 1_795_000_000_000  # 2026-11-18: all 600 are listed
YEAR_MINUTES = 365 * 1440
LISTEN_SECONDS = 10.0


@pytest.fixture(scope="module")
def exchange() -> Iterator[SimulatorProcess]:
    settings = SimulatorSettings(limit_enforced=False, start_ms=NOW, ticker_rate=7)
    with start_simulator_process(settings) as process:
        yield process


@pytest.fixture
def client(exchange: SimulatorProcess) -> Iterator[http.client.HTTPConnection]:
    address = urlsplit(exchange.url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port)
    yield connection
    connection.close()


def read(client: http.client.HTTPConnection, path: str) -> bytes:
    client.request("GET", path)
    body = client.getresponse().read()
    assert body.startswith(b'{"retCode":0')
    return body


def test_a_year_of_minutes_in_pages_of_1000(
    benchmark: BenchmarkFixture, exchange: SimulatorProcess, client: http.client.HTTPConnection
) -> None:
    """The bar is 200,000 candles a second; each round is a symbol whose days were not generated before."""
    symbols = iter(["BTCUSDT", "SOLUSDT", "1000PEPEUSDT"])

    def serve() -> None:
        symbol = next(symbols)
        path = f"/v5/market/kline?category=linear&symbol={symbol}&interval=1&limit=1000"
        end = NOW
        for _ in range(0, YEAR_MINUTES, 1000):
            read(client, f"{path}&start={end - 999 * MINUTE_MS}&end={end}")
            end -= 1000 * MINUTE_MS

    process = psutil.Process(exchange.pid)
    before = process.cpu_times()
    benchmark.pedantic(serve, rounds=3, iterations=1)
    after = process.cpu_times()
    busy = after.user + after.system - before.user - before.system
    benchmark.extra_info["candles_per_second_of_its_cpu"] = round(3 * YEAR_MINUTES / busy)
    benchmark.extra_info["candles_per_second"] = round(YEAR_MINUTES / benchmark.stats.stats.mean)


def test_a_page_of_1000_days(benchmark: BenchmarkFixture, client: http.client.HTTPConnection) -> None:
    """Nothing but minutes is stored anywhere: a thousand days are 1.4 million of them."""
    path = "/v5/market/kline?category=linear&symbol=XRPUSDT&interval=D&limit=1000"
    benchmark.pedantic(lambda: read(client, path), rounds=3, iterations=1, warmup_rounds=1)


def test_all_tickers_warm(benchmark: BenchmarkFixture, client: http.client.HTTPConnection) -> None:
    """The bar is 100 ms for all 600."""
    body = read(client, "/v5/market/tickers?category=linear")
    assert len(json.loads(body)["result"]["list"]) == 600
    benchmark.pedantic(lambda: read(client, "/v5/market/tickers?category=linear"), rounds=20, iterations=1)


def test_a_running_kline(benchmark: BenchmarkFixture, client: http.client.HTTPConnection) -> None:
    """One small request: what a round trip costs."""
    path = "/v5/market/kline?category=linear&symbol=ETHUSDT&interval=5&limit=2"
    benchmark.pedantic(lambda: read(client, path), rounds=300, iterations=1, warmup_rounds=5)


def test_the_stream_of_all_symbols(
    benchmark: BenchmarkFixture, exchange: SimulatorProcess, client: http.client.HTTPConnection
) -> None:
    """600 symbols with tickers seven times a second and 1m klines: messages a second, share of one core."""
    body = read(client, "/v5/market/instruments-info?category=linear&limit=1000")
    symbols = [item["symbol"] for item in json.loads(body)["result"]["list"]]
    process = psutil.Process(exchange.pid)

    async def listen() -> tuple[int, float]:
        url = exchange.url.replace("http", "ws", 1) + "/v5/public/linear"
        async with connect(url, compression=None, max_queue=None) as socket:
            for kind in ("tickers", "kline.1"):
                for first in range(0, len(symbols), 100):
                    topics = [f"{kind}.{symbol}" for symbol in symbols[first : first + 100]]
                    await socket.send(json.dumps({"op": "subscribe", "args": topics}))
            snapshots = 0
            while snapshots < 2 * len(symbols):
                snapshots += '"type":"snapshot"' in str(await socket.recv())
            before, began, count = process.cpu_times(), time.monotonic(), 0
            while time.monotonic() - began < LISTEN_SECONDS:
                await socket.recv()
                count += 1
            after = process.cpu_times()
        return count, after.user + after.system - before.user - before.system

    count, busy = benchmark.pedantic(lambda: asyncio.run(listen()), rounds=1, iterations=1)
    benchmark.extra_info["messages_per_second"] = round(count / LISTEN_SECONDS)
    benchmark.extra_info["share_of_one_core"] = round(busy / LISTEN_SECONDS, 3)
