"""What the terminal app costs: `python -m pytest tests/bench/bench_ui.py --benchmark-only -n 0 -s`.

The bars of design.md section 5 for the screen, each printed beside its figure; nothing fails by time. Start, help, idle
processor and memory are those of the real app in a pseudo terminal (POSIX only); loop lag, frames and quitting are
measured in an app over a living engine with 600 symbols, 5,000 messages a second, a full-speed collection and two
backtests at once, the simulated exchange in a process of its own on the same cores. All figures of the screen:

    python -m pytest tests/bench/bench_ui.py tests/bench/bench_app.py tests/bench/bench_chart.py \
        tests/bench/bench_preview.py --benchmark-only -n 0 -s

`bench_app.py` has 1,650 datasets and 100,000 trades, `bench_chart.py` the chart, `bench_preview.py` key to figure.
`TRADEBOT_UI_SECONDS` (8) is how long each measurement lasts.
"""

from __future__ import annotations

import asyncio
import os
import random
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from tests.bench.bench_preview import Watched, at, job_of, until
from tests.bench.pinned import STRATEGY_A, STRATEGY_B, year_store
from tradebot.engine.control.clock import SystemClock
from tradebot.engine.control.folders import find_folders
from tradebot.engine.control.settings import load_settings
from tradebot.engine.engine import Engine, EngineOptions
from tradebot.engine.exchange import Exchange, PybitRest, Throttle
from tradebot.engine.market import Category
from tradebot.engine.messages import Collect, RunBacktest
from tradebot.engine.simulator import SimulatorSettings, start_simulator_process
from tradebot.screens.frame import AREAS

SECONDS = float(os.environ.get("TRADEBOT_UI_SECONDS", "8"))
REPOSITORY = Path(__file__).resolve().parents[2]
_NOBODY = "http://127.0.0.1:9"
_SETTLED_SECONDS = 12.0
needs_terminal = pytest.mark.skipif(
    sys.platform == "win32", reason="Python has no pseudo terminal on Windows"
)


def figures(name: str, values: list[float], bar: str) -> str:
    ordered = sorted(values)
    return (
        f"{name}: p50 {statistics.median(ordered):.1f} ms, p95 {at(ordered, 0.95):.1f} ms, "
        f"p99 {at(ordered, 0.99):.1f} ms, worst {ordered[-1]:.0f} ms, {len(ordered)} looks ({bar})"
    )


# ---------------------------------------------------------------------------------------------- the real app


@contextmanager
def real_app(folder: Path, *arguments: str, waits: bool = True) -> Iterator[Any]:
    """`tradebot ARGUMENTS` in a pseudo terminal of 120x35; `folder` is its home and holds its settings."""
    from tests.support.pseudo_terminal import PseudoTerminal  # here: Windows has none

    config = folder / "config"
    (config / "strategies").mkdir(parents=True, exist_ok=True)
    (config / "tradebot.toml").touch()
    (config / "strategies" / "pinned.toml").write_text(STRATEGY_A, encoding="utf-8")
    environment = {"XDG_STATE_HOME": str(folder / "state"), "PYTHONPATH": str(REPOSITORY)}
    command = [sys.executable, "-m", "tradebot", *arguments]
    with PseudoTerminal(command, (120, 35), environment, folder) as terminal:
        if waits:
            assert terminal.until(lambda: "^q quit" in terminal.text, 30), terminal.text
        yield terminal


@needs_terminal
def test_first_frame_of_the_real_app(benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    """From the start of the process to the last row of the first area."""

    def first_frame() -> float:
        began = time.perf_counter()
        arguments = ("--data", str(tmp_path / "data"), "--url", _NOBODY)
        with real_app(tmp_path, *arguments, waits=False) as terminal:
            assert terminal.until(lambda: "^q quit" in terminal.text, 30), terminal.text
            return time.perf_counter() - began

    first_frame()
    seconds = [first_frame() for _ in range(5)]
    print(
        f"\nfirst frame in a terminal: median {statistics.median(seconds):.2f} s, best {min(seconds):.2f} s (bar 1.0 s)"
    )
    benchmark.pedantic(first_frame, rounds=1)


def test_help(benchmark: BenchmarkFixture) -> None:
    def help_page() -> float:
        began = time.perf_counter()
        command = [sys.executable, "-m", "tradebot", "--help"]
        subprocess.run(command, capture_output=True, check=True, cwd=REPOSITORY)
        return time.perf_counter() - began

    help_page()
    seconds = [help_page() for _ in range(9)]
    print(
        f"\ntradebot --help: median {statistics.median(seconds):.2f} s, best {min(seconds):.2f} s (bar 0.4 s)"
    )
    benchmark.pedantic(help_page, rounds=1)


@needs_terminal
def test_idle_processor_and_memory(benchmark: BenchmarkFixture, tmp_path: Path, shared_market: Path) -> None:
    """On a recorded symbol-year of minutes whose exchange follows nothing; each area for itself."""
    data = tmp_path / "data"
    data.mkdir()
    year_store(shared_market, data)

    def look() -> None:
        with (
            start_simulator_process(SimulatorSettings(symbols=50)) as exchange,
            real_app(tmp_path, "--data", str(data), "--url", exchange.url) as terminal,
        ):
            app = psutil.Process(terminal.pid)
            terminal.run(_SETTLED_SECONDS)
            print()
            print(f"memory before the first backtest: {memory(app)} (bar 110 MB)")
            for digit, _, title in AREAS:
                terminal.press(digit)
                terminal.run(_SETTLED_SECONDS / 2)
                busy = app.cpu_times()
                began = time.perf_counter()
                terminal.run(SECONDS)
                now = app.cpu_times()
                used = now.user + now.system - busy.user - busy.system
                share = used / (time.perf_counter() - began)
                print(f"idle in {title}: {share:.1%} of a core (bar 3 %), {memory(app)}")
            terminal.press("4")
            terminal.run(2.0)
            terminal.press("r")  # a year of minutes
            assert terminal.until(lambda: "PROFIT FACTOR" in terminal.text, 90), terminal.text
            terminal.run(_SETTLED_SECONDS)
            print(f"memory after a backtest of one symbol-year of 1m: {memory(app)} (bar 260 MB)")

    benchmark.pedantic(look, rounds=1)


def memory(process: psutil.Process) -> str:
    """What a task manager shows, and of it what is not shared with other programs."""
    info = process.memory_full_info()
    return f"{info.rss / 1e6:.0f} MB resident, {info.uss / 1e6:.0f} MB its own"


# ---------------------------------------------------------------------------------------------- the full load


@dataclass
class Lag:
    """How late the screen's loop serves a timer of 5 ms: (seconds since the start, ms)."""

    began: float = field(default_factory=time.perf_counter)
    looks: list[tuple[float, float]] = field(default_factory=list)

    async def watch(self) -> None:
        while True:
            before = time.perf_counter()
            await asyncio.sleep(0.005)
            now = time.perf_counter()
            self.looks.append((now - self.began, (now - before - 0.005) * 1000))

    def between(self, start: float, end: float = 1e9) -> list[float]:
        return [ms for second, ms in self.looks if start <= second < end]


def listed(url: str) -> tuple[str, ...]:
    """The symbols of an exchange."""
    clock = SystemClock()

    async def ask() -> tuple[str, ...]:
        rest = PybitRest(url)
        exchange = Exchange(rest, clock, random.Random(1), Throttle(clock, 1.0))
        names = [each.symbol for each in await exchange.instruments(Category.LINEAR)]
        rest.close()
        return tuple(names)

    return asyncio.run(ask())


@asynccontextmanager
async def loaded(
    folder: Path, data: Path, url: str, names: tuple[str, ...], lag: Lag
) -> AsyncIterator[Watched]:
    """The app under full load from its first moment; two backtests run again and again beside it."""
    folders = find_folders(REPOSITORY, data)
    folders = type(folders)(
        folder, folder / "strategies", data, folders.shipped, folder / "state", folder / "logs", folder
    )
    settings = load_settings(None, {"exchange.url": url, "exchange.budget_percent": 100.0}, {})
    everything = Collect(names[:300], ("1m",), "60d", follow=False)
    app = Watched(
        Engine(EngineOptions(settings, folders, start_with=(everything,), watched=names)), start_area="data"
    )
    watching = asyncio.create_task(lag.watch())
    async with app.run_test(size=(120, 35)):
        work = [asyncio.create_task(backtests(app, text)) for text in (STRATEGY_A, STRATEGY_B)]
        try:
            yield app
        finally:
            for task in (*work, watching):
                task.cancel()


async def backtests(app: Watched, text: str) -> None:
    """The recorded year of minutes, with its checks, without a pause."""
    await until(
        lambda: app.engine.snapshot().ready and app.engine.snapshot().kernels == "ready", 120, "kernels"
    )
    while True:
        number = await app.ask(RunBacktest("pinned", text))
        await until(partial(has_ended, app, number), 120, "a backtest")


def has_ended(app: Watched, number: int) -> bool:
    job = job_of(app, number)
    return job is None or job.state not in {"queued", "running"}


def under_load(tmp_path: Path, shared_market: Path, work: Callable[[Watched, Lag], Any]) -> float:
    """Do something under the full load; the moment (of `perf_counter`) at which app and engine had ended."""
    data = tmp_path / "data"
    data.mkdir()
    year_store(shared_market, data)

    with start_simulator_process(SimulatorSettings(symbols=600, ticker_rate=8.3, latency_ms=80)) as exchange:
        names = listed(exchange.url)

        async def run() -> float:
            lag = Lag()
            async with loaded(tmp_path, data, exchange.url, names, lag) as app:
                await work(app, lag)
            return time.perf_counter()

        return asyncio.run(run())


async def fed(app: Watched) -> None:
    """Wait for the full feed; a machine that never reaches it is measured with what it does."""
    end = time.perf_counter() + 90.0
    while (app.engine.snapshot().message_rates or (0.0,))[-1] < 4_500 and time.perf_counter() < end:  # noqa: ASYNC110 - a bench looks
        await asyncio.sleep(0.2)
    print(state_of(app))


def state_of(app: Watched) -> str:
    snapshot = app.engine.snapshot()
    running = [f"{job.kind} {job.done:,.0f} {job.unit}" for job in snapshot.jobs if job.state == "running"]
    rate = snapshot.message_rates[-1] if snapshot.message_rates else 0.0
    return (
        f"{rate:,.0f} messages/s, {len(snapshot.results)} results, running: {', '.join(running) or 'nothing'}"
    )


def test_loop_lag_and_frames_under_the_full_load(
    benchmark: BenchmarkFixture, tmp_path: Path, shared_market: Path
) -> None:
    """A frame is a snapshot drawn and painted, on the wall's clock and on the processor's."""

    async def work(app: Watched, lag: Lag) -> None:
        await asyncio.sleep(max(0.0, 5.0 - (time.perf_counter() - lag.began)))
        print()
        print(figures("loop lag in the first 5 s", lag.between(0.0, 5.0), "bar p95 20, p99 50 ms"))
        await fed(app)
        await asyncio.sleep(2.0)
        for _, area, title in AREAS:
            app.visit(area)
            await asyncio.sleep(2.0)
            begun = time.perf_counter() - lag.began
            await asyncio.sleep(SECONDS)
            print(figures(f"{title}: loop lag", lag.between(begun), "bar p95 20, p99 50 ms"))
            wall, own = await frames(app)
            print(figures(f"{title}: frame", wall, "bar p95 8 ms"))
            print(figures(f"{title}: frame, processor only", own, "beside it"))
        print(state_of(app))

    benchmark.pedantic(lambda: under_load(tmp_path, shared_market, work), rounds=1)


async def frames(app: Watched) -> tuple[list[float], list[float]]:
    """(ms on the wall, ms of the processor) of one frame for each new snapshot."""
    wall: list[float] = []
    own: list[float] = []
    end = time.perf_counter() + SECONDS
    while time.perf_counter() < end:
        seen = app.engine.snapshot()
        while app.engine.snapshot() is seen:  # noqa: ASYNC110 - a bench looks
            await asyncio.sleep(0.01)
        began, used = time.perf_counter(), time.thread_time()
        app._drain()
        app.screen._on_timer_update()
        wall.append((time.perf_counter() - began) * 1000)
        own.append((time.thread_time() - used) * 1000)
    return wall, own


def test_quitting_under_the_full_load(
    benchmark: BenchmarkFixture, tmp_path: Path, shared_market: Path
) -> None:
    """From the answer to the question until engine and children have ended."""
    begun: list[float] = []

    async def work(app: Watched, lag: Lag) -> None:
        await fed(app)
        await until(lambda: app.engine.snapshot().results, 120, "a backtest")
        print(state_of(app))
        begun.append(time.perf_counter())
        app.exit()

    ended = benchmark.pedantic(lambda: under_load(tmp_path, shared_market, work), rounds=1)
    print(f"quit under load: {ended - begun[0]:.2f} s (bar 2 s)")
