"""Collecting as the app does it: history in a child process, then live bars on the engine's loop, without a hole."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

import pytest

from tradebot.engine.collect import CollectRequest
from tradebot.engine.collect.child import ChildOrder, ChildOutcome
from tradebot.engine.collecting import Collecting, Market
from tradebot.engine.control.clock import ScaledClock, SystemClock
from tradebot.engine.control.events import EventLog
from tradebot.engine.control.jobs import JobBoard, JobState
from tradebot.engine.control.settings import ExchangeSettings
from tradebot.engine.exchange import Exchange, PybitRest, Throttle
from tradebot.engine.job_book import JobBook
from tradebot.engine.market import HOUR_MS, Category, DatasetKey, Timeframe
from tradebot.engine.simulator import SimulatorSettings, SimulatorThread
from tradebot.engine.store import Store

pytestmark = pytest.mark.sockets
START_MS = 1_790_000_000_000
KEY = DatasetKey("linear", "BTCUSDT", "1m")


@pytest.fixture
def market_clock() -> ScaledClock:
    """A market forty times as fast as the real one: a minute takes a second and a half."""
    return ScaledClock(START_MS, 40.0)


@pytest.fixture
def simulator(market_clock: ScaledClock) -> Iterator[SimulatorThread]:
    with SimulatorThread(SimulatorSettings(symbols=2), market_clock) as running:
        yield running


async def until(happened: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 40
    while not happened():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        await asyncio.sleep(0.05)


def test_the_view_of_the_budget_counts_retries_of_engine_and_child_and_a_dataset_says_when_it_is_asked_again(
    tmp_path: Path,
) -> None:
    clock, throttle = SystemClock(), Throttle(SystemClock())
    exchange = Exchange(PybitRest("http://127.0.0.1:9"), clock, random.Random(1), throttle)
    jobs = JobBoard(clock)
    market = Market(exchange, Store(tmp_path), "mainnet", ExchangeSettings())
    collecting = Collecting(market, clock, random.Random(1), EventLog(clock), JobBook(jobs))
    throttle.retried("timeout")
    look = {"done": 1, "total": 4, "rate": 0.0, "eta": None, "note": "", "used": 2, "banned_until_ms": None}
    child = {"retries": 3, "retries_by_kind": {"10006": 2, "timeout": 1}}
    datasets = [[str(KEY), "waiting", 1, 4, "It timed out."], ["linear/ETHUSDT_1m", "collecting", 1, 4, ""]]
    details = {str(KEY): {"retry_at_ms": 1_790_000_000_000}, "linear/ETHUSDT_1m": {"retry_at_ms": None}}
    job = jobs.open("collect", "collect BTCUSDT")
    collecting._hear(job, {"progress": {**look, **child, "datasets": datasets, "details": details}})
    budget = collecting.budget()
    assert budget.retries == 4
    assert dict(budget.retries_by_kind) == {"10006": 2, "timeout": 2}
    assert collecting.states() == {
        str(KEY): ("collecting", "asked again at 2026-09-21 14:13 UTC"),
        "linear/ETHUSDT_1m": ("collecting", "25%"),
    }
    jobs.close()


async def test_history_and_live_bars_meet_without_a_hole_and_go_on(
    simulator: SimulatorThread, market_clock: ScaledClock, tmp_path: Path
) -> None:
    store = Store(tmp_path)
    rest = PybitRest(simulator.url)
    exchange = Exchange(rest, market_clock, random.Random(1), Throttle(SystemClock(), 0.5))
    jobs = JobBoard(SystemClock())
    settings = ExchangeSettings(url=simulator.url)
    market = Market(exchange, store, "simulator seed 1", settings)
    collecting = Collecting(market, market_clock, random.Random(1), EventLog(market_clock), JobBook(jobs))
    request = CollectRequest(
        Category.LINEAR, ("BTCUSDT",), (Timeframe.M1,), START_MS - 6 * HOUR_MS, None, follow=True
    )
    try:
        await exchange.server_time_ms()
        job = collecting.begin(request, "collect BTCUSDT 1m")
        assert collecting.states() == {}
        await until(lambda: job.status.state.ended, "the history")
        assert job.status.state is JobState.DONE, job.status.sentence
        assert collecting.states() == {str(KEY): ("live", "")}
        history = store.info(KEY)
        assert history is not None
        assert history.last_ms is not None
        wanted_ms = history.last_ms + 3 * Timeframe.M1.ms
        await until(lambda: (store.info(KEY) or history).last_ms >= wanted_ms, "three bars that closed live")
        assert [quote.symbol for quote in collecting.quotes()] == ["BTCUSDT"]
    finally:
        await collecting.close()
        rest.close()
        jobs.close()
    stored = store.load(KEY)
    assert stored.time[0] == Timeframe.M1.ceil(START_MS - 6 * HOUR_MS)
    assert set((stored.time[1:] - stored.time[:-1]).tolist()) == {Timeframe.M1.ms}


def test_an_outage_is_said_once_though_two_processes_meet_it(tmp_path: Path) -> None:
    clock = SystemClock()
    rest = PybitRest("http://127.0.0.1:9")
    events = EventLog(clock)
    exchange = Exchange(rest, clock, random.Random(1), Throttle(clock, 0.5))
    jobs = JobBoard(clock)
    market = Market(exchange, Store(tmp_path), "simulator seed 1", ExchangeSettings(url=exchange.url))
    collecting = Collecting(market, clock, random.Random(1), events, JobBook(jobs))
    job = jobs.open("collect", "collect BTCUSDT 1m")
    for sentence in (
        f"The exchange at {exchange.url} does not answer; trying again for about a minute.",
        "BTCUSDT 1m: the exchange has no bars before 2020.",
        f"The exchange at {exchange.url} answers again.",
    ):
        collecting._hear(job, {"notice": {"level": "warning", "sentence": sentence}})
    assert [event.sentence for event in events.recent(9)] == [
        "BTCUSDT 1m: the exchange has no bars before 2020."
    ]
    rest.close()
    jobs.close()


async def test_the_child_is_told_on_how_many_processors_it_may_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders: list[ChildOrder] = []

    async def in_child(order: ChildOrder, *_: object) -> ChildOutcome:
        orders.append(ChildOrder.from_json(json.loads(json.dumps(asdict(order)))))
        return ChildOutcome(True, 0, 0, 1, ())

    monkeypatch.setattr("tradebot.engine.collecting.collect_in_child", in_child)
    clock = SystemClock()
    rest = PybitRest("http://127.0.0.1:9")
    exchange = Exchange(rest, clock, random.Random(1), Throttle(clock, 0.5))
    jobs = JobBoard(clock)
    settings = ExchangeSettings(url=exchange.url)
    market = Market(exchange, Store(tmp_path), "simulator seed 1", settings, processors=3)
    collecting = Collecting(market, clock, random.Random(1), EventLog(clock), JobBook(jobs))
    job = collecting.repair((KEY,), "repair BTCUSDT 1m")
    await until(lambda: job.status.state.ended, "the repair")
    assert [order.processors for order in orders] == [3]
    await collecting.close()
    rest.close()
    jobs.close()
