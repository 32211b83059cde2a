"""How fast bars are collected and heard: `python -m pytest tests/bench/bench_collect.py --benchmark-only -s`.

Bars of design.md section 5 that this room has a share in: collection against the simulator (80 ms latency, 600
requests / 5 s, which shares the two cores) uses >= 95 % of the limit with the budget at 100 % and is never refused;
the live feed of 600 symbols at 5,000 messages/s takes <= 35 % of a core and loses nothing.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from tradebot.engine.collect import CollectReport, CollectRequest, LiveFeed, collect_history
from tradebot.engine.control.clock import SystemClock
from tradebot.engine.control.progress import CancelToken
from tradebot.engine.exchange import Exchange, PybitRest, RequestBudget, Throttle
from tradebot.engine.market import DAY_MS, Category, Timeframe
from tradebot.engine.simulator import SimulatorSettings, start_simulator_process
from tradebot.engine.store import Store

LINEAR, M1 = Category.LINEAR, Timeframe.M1
CLOCK = SystemClock()


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
    """2,520 requests of 1,000 bars with 80 ms latency: >= 95 % of 120 requests/s, none refused."""
    lags: list[float] = []
    with simulator(symbols=60, latency_ms=80.0) as url:
        throttle = Throttle(CLOCK, 1.0)
        report, budget, elapsed, cpu_ms = once(
            benchmark, lambda: asyncio.run(collect(url, tmp_path, 60, 29, throttle, lags))
        )
    used = report.requests / elapsed / 120
    benchmark.extra_info.update(
        requests=report.requests,
        bars=report.bars_added,
        bars_per_second=round(report.bars_added / elapsed),
        share_of_limit=round(used, 3),
        loop_lag_p95_ms=round(p95(lags), 1),
        cpu_ms_per_request=round(cpu_ms, 2),
        retries=budget.retries,
    )
    assert report.complete
    assert budget.retries == 0
    assert budget.banned_until_ms is None


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
