"""How fast bars are collected and heard: `python -m pytest tests/bench/bench_collect.py --benchmark-only -n 0 -s`.

The bar of design.md section 5 that is shown here: 600 symbols x 1m, 5m, 1h x 30 days from the simulator with 80 ms
latency and the exchange's limit of 600 requests in 5 s, which shares the two cores, use >= 95 % of that limit with the
budget at 100 %, none is refused, the collecting process stays below 300 MB and the loop of its parent lags <= 20 ms
(p95). Under pytest it is shown with 60 symbols in half a minute; `python -m tests.bench.bench_collect` takes all 600
and five minutes, `--symbols` and `--days` anything else. The live feed has its bench in bench_feed.py.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from tradebot.engine.collect import CollectReport, CollectRequest, LiveFeed, collect_history
from tradebot.engine.collect.child import ChildOutcome, collect_in_child, order_for
from tradebot.engine.control.clock import SystemClock
from tradebot.engine.control.progress import CancelToken
from tradebot.engine.exchange import Exchange, PybitRest, RequestBudget, Throttle, shared_budget_file
from tradebot.engine.market import DAY_MS, Category, Timeframe
from tradebot.engine.simulator import SimulatorSettings, start_simulator_process
from tradebot.engine.store import Store

LINEAR, M1 = Category.LINEAR, Timeframe.M1
CLOCK = SystemClock()
REQUESTS_PER_SECOND = 120
LATENCY_MS = 80.0


@dataclass
class Figures:
    """What a collection in a child process took."""

    requests: int = 0
    bars: int = 0
    seconds: float = 0.0
    share_of_limit: float = 0.0
    refused: int = 0
    memory_mb: float = 0.0
    cpu_ms_per_request: float = 0.0
    loop_lag_p95_ms: float = 0.0
    complete: bool = False


@dataclass
class Watch:
    """Looks at the child process and at the loop of its parent while it collects."""

    lags: list[float] = field(default_factory=list)
    memory_mb: float = 0.0
    first: tuple[float, int, float] | None = None  # seconds, requests and processor seconds when it was going
    last: tuple[float, int, float] = (0.0, 0, 0.0)
    retries: int = 0
    child: psutil.Process | None = None

    def hear(self, message: dict[str, Any]) -> None:
        if "notice" in message:
            print(message["notice"]["sentence"])
            return
        progress = message["progress"]
        if self.child is None:
            children = psutil.Process().children()
            self.child = next(one for one in children if "tradebot.engine.collect.child" in one.cmdline())
        times = self.child.cpu_times()
        self.last = (time.perf_counter(), progress["requests"], times.user + times.system)
        self.memory_mb = max(self.memory_mb, self.child.memory_info().rss / 1e6)
        self.retries = progress["retries"]
        if self.first is None and progress["done"] > 0:
            self.first = self.last

    def figures(self, outcome: ChildOutcome) -> Figures:
        began, asked, used = self.first or (0.0, 0, 0.0)
        ended, asked_by_then, used_by_then = self.last
        requests, seconds = asked_by_then - asked, ended - began
        return Figures(
            requests=asked_by_then,
            bars=outcome.bars_added,
            seconds=round(seconds, 1),
            share_of_limit=round(requests / seconds / REQUESTS_PER_SECOND, 3),
            refused=self.retries,
            memory_mb=round(self.memory_mb),
            cpu_ms_per_request=round((used_by_then - used) * 1000 / requests, 2),
            loop_lag_p95_ms=round(p95(self.lags), 1),
            complete=outcome.complete,
        )


async def collect_as_the_app_does(url: str, folder: Path, symbols: int, days: int) -> Figures:
    """1m, 5m and 1h bars of so many symbols and days, in a child process with the whole budget."""
    rest = PybitRest(url)
    names = tuple(item.symbol for item in await Exchange(rest, CLOCK, random.Random(1)).instruments(LINEAR))
    rest.close()
    frames = (M1, Timeframe.M5, Timeframe.H1)
    request = CollectRequest(LINEAR, names[:symbols], frames, CLOCK.now_ms() - days * DAY_MS)
    order = order_for(
        request,
        url=url,
        folder=str(folder / "data"),
        source="bench",
        budget_percent=100.0,
        timeout_seconds=30.0,
        budget_file=str(shared_budget_file(folder / "state", url)),
    )
    watch = Watch()
    lag = asyncio.create_task(watch_lag(watch.lags))
    outcome = await collect_in_child(order, watch.hear, CancelToken())
    lag.cancel()
    return watch.figures(outcome)


@contextmanager
def simulator(**settings: Any) -> Iterator[str]:
    process = start_simulator_process(SimulatorSettings(**settings))
    try:
        yield process.url
    finally:
        process.stop()


async def collect(
    url: str, folder: Path, symbols: int, days: int, throttle: Throttle, lags: list[float]
) -> tuple[CollectReport, RequestBudget, float, float]:
    """Collect 1m bars; returns the report, the budget, seconds and processor ms a request."""
    rest = PybitRest(url, threads=24)
    exchange = Exchange(rest, CLOCK, random.Random(1), throttle)
    names = tuple(item.symbol for item in await exchange.instruments(LINEAR))[:symbols]
    request = CollectRequest(LINEAR, names, (M1,), CLOCK.now_ms() - days * DAY_MS, funding=False)
    watch = asyncio.create_task(watch_lag(lags))
    began, used = time.perf_counter(), time.process_time()
    report = await collect_history(
        exchange, Store(folder), request, CLOCK, lambda progress: None, CancelToken(), concurrency=24
    )
    elapsed = time.perf_counter() - began
    cpu_ms = (time.process_time() - used) * 1000 / report.requests
    watch.cancel()
    rest.close()
    return report, exchange.budget(), elapsed, cpu_ms


async def watch_lag(lags: list[float]) -> None:
    """How late the event loop serves a timer of 5 ms."""
    while True:
        due = time.perf_counter() + 0.005
        await asyncio.sleep(0.005)
        lags.append((time.perf_counter() - due) * 1000)


def once(benchmark: BenchmarkFixture, work: Callable[[], Any]) -> Any:
    return benchmark.pedantic(work, rounds=1, iterations=1)


def p95(values: list[float]) -> float:
    return sorted(values)[int(len(values) * 0.95)] if values else 0.0


def test_collection_at_the_exchanges_limit(benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    """About 3,200 requests with 80 ms latency, in a child process as the app does it."""
    with simulator(symbols=60, latency_ms=LATENCY_MS) as url:
        figures = once(benchmark, lambda: asyncio.run(collect_as_the_app_does(url, tmp_path, 60, 30)))
    benchmark.extra_info.update(asdict(figures))
    assert figures.complete
    assert figures.refused == 0
    assert figures.memory_mb <= 300


def test_collection_without_a_limit(benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    """What the client itself can take in, parse and store: no latency, no limit."""
    lags: list[float] = []
    with simulator(symbols=20, limit_enforced=False) as url:
        throttle = Throttle(CLOCK, 1.0, limit=1_000_000)
        report, _, elapsed, cpu_ms = once(
            benchmark, lambda: asyncio.run(collect(url, tmp_path, 20, 40, throttle, lags))
        )
    benchmark.extra_info.update(
        requests=report.requests,
        bars_per_second=round(report.bars_added / elapsed),
        loop_lag_p95_ms=round(p95(lags), 1),
        cpu_ms_per_request=round(cpu_ms, 2),
    )
    assert report.complete


def test_nothing_to_do_on_many_datasets(benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    """A run over 600 datasets that have everything."""
    until = CLOCK.now_ms() // DAY_MS * DAY_MS

    async def run(url: str) -> CollectReport:
        rest = PybitRest(url)
        exchange = Exchange(rest, CLOCK, random.Random(1), Throttle(CLOCK))
        request = CollectRequest(LINEAR, ("all",), (M1,), until - 120 * 60_000, until, funding=False)
        report = await collect_history(
            exchange, Store(tmp_path), request, CLOCK, lambda progress: None, CancelToken()
        )
        rest.close()
        return report

    with simulator(symbols=600) as url:
        asyncio.run(run(url))
        report = once(benchmark, lambda: asyncio.run(run(url)))
    assert report.bars_added == 0
    assert report.complete


@pytest.mark.parametrize("rate", [1.0, 8.0], ids=["600 messages/s", "4800 messages/s"])
def test_feed_of_600_symbols(benchmark: BenchmarkFixture, tmp_path: Path, rate: float) -> None:
    """Processor time of quotes and bars of 600 symbols, 10 s after all are subscribed."""

    async def run(url: str) -> tuple[float, float, list[float]]:
        rest = PybitRest(url)
        exchange = Exchange(rest, CLOCK, random.Random(1), Throttle(CLOCK, 1.0))
        feed = LiveFeed(
            exchange,
            Store(tmp_path),
            LINEAR,
            CLOCK,
            random.Random(2),
            lambda level, sentence: print(sentence),
        )
        feed.start()
        names = [item.symbol for item in await exchange.instruments(LINEAR)]
        feed.watch(names)
        while sum(one.topics for one in feed.status().streams) < len(names):  # noqa: ASYNC110 - bench only
            await asyncio.sleep(0.1)
        await asyncio.sleep(1.0)
        feed.status()
        lags: list[float] = []
        watch = asyncio.create_task(watch_lag(lags))
        began, used = time.perf_counter(), time.process_time()
        await asyncio.sleep(10.0)
        share = (time.process_time() - used) / (time.perf_counter() - began)
        watch.cancel()
        heard = sum(status.messages_per_second for status in feed.status().streams)
        await feed.close()
        rest.close()
        return share, heard, lags

    with simulator(symbols=600, ticker_rate=rate) as url:
        share, heard, lags = once(benchmark, lambda: asyncio.run(run(url)))
    benchmark.extra_info.update(
        share_of_a_core=round(share, 3), messages_per_second=round(heard), loop_lag_p95_ms=round(p95(lags), 1)
    )


def main() -> None:
    """The whole bar, or a part of it, on standard output."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--symbols", type=int, default=600)
    parser.add_argument("--days", type=int, default=30)
    chosen = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        simulator(symbols=max(600, chosen.symbols), latency_ms=LATENCY_MS) as url,
    ):
        figures = asyncio.run(collect_as_the_app_does(url, Path(folder), chosen.symbols, chosen.days))
    for name, value in asdict(figures).items():
        print(f"{name:20} {value}")


if __name__ == "__main__":
    main()
