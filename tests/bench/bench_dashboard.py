"""What the Dashboard costs: `python -m pytest tests/bench/bench_dashboard.py --benchmark-only -n 0 -s`.

Bar: a frame <= 8 ms (p95) at 5,000 ticks a second, which leaves every one of 30 symbols with another price at each of
the four looks a second; a frame in which nothing changed costs next to nothing. Nothing fails by time.
"""

from __future__ import annotations

import asyncio
import math
import random
import statistics
import time
from dataclasses import replace

import pytest
from pytest_benchmark.fixture import BenchmarkFixture
from textual.pilot import Pilot

from tests.support.fake_dashboard import busy, closes_of
from tests.support.fake_engine import FakeEngine
from tradebot.app import TradebotApp
from tradebot.engine.messages import QuoteView, TrendView

SYMBOLS = 30
FRAMES = 120


def market() -> FakeEngine:
    """Thirty followed symbols with a day each, jobs, events and health of a working day."""
    engine = busy()
    engine._quotes = tuple(
        QuoteView(
            f"SYM{number:02d}USDT",
            f"{10.0 ** (number % 5) * 1.5:.4f}",
            0.01 * math.sin(number),
            1e8,
            1e-4,
            50,
        )
        for number in range(SYMBOLS)
    )
    engine.trends = tuple(
        TrendView(quote.symbol, closes_of(float(quote.last), number))
        for number, quote in enumerate(engine._quotes)
    )
    return engine


def tick(engine: FakeEngine, rng: random.Random) -> None:
    """Every symbol has another price and age; jobs go on, the load differs."""
    quotes, engine._quotes = engine._quotes, ()
    engine.tick()
    engine._quotes = tuple(
        replace(
            quote,
            last=f"{float(quote.last) * (1 + rng.gauss(0, 0.0005)):.4f}",
            change_24h=rng.gauss(0, 0.02),
            volume_24h=rng.uniform(1e7, 1e9),
            age_ms=rng.randrange(10, 900),
        )
        for quote in quotes
    )
    engine.health = replace(engine.health, loop_lag_ms=rng.uniform(1, 9), cpu_percent=rng.uniform(5, 30))


@pytest.mark.parametrize("size", [(80, 24), (120, 35), (200, 50)])
def test_a_frame_with_every_price_changed(benchmark: BenchmarkFixture, size: tuple[int, int]) -> None:
    """One snapshot drawn and painted, in milliseconds of the loop's processor time; then one that is the same."""
    changed: list[float] = []
    same: list[float] = []

    async def run() -> None:
        engine, rng = market(), random.Random(1)
        app = TradebotApp(engine, start_area="dashboard")
        async with app.run_test(size=size) as pilot:
            await pilot.pause(1.5)
            for number in range(FRAMES):
                if number % 4 == 3:
                    same.append(await frame(pilot))
                else:
                    tick(engine, rng)
                    changed.append(await frame(pilot))

    async def frame(pilot: Pilot[None]) -> float:
        began = time.thread_time()
        pilot.app._drain()
        pilot.app.screen._on_timer_update()
        cost = (time.thread_time() - began) * 1000
        await asyncio.sleep(0)
        return cost

    benchmark.pedantic(lambda: asyncio.run(run()), rounds=1)
    changed.sort()
    p95 = changed[int(len(changed) * 0.95)]
    benchmark.extra_info["frame p50/p95, ms"] = (statistics.median(changed), p95)
    print(
        f"\ndashboard {size[0]}x{size[1]}, {SYMBOLS} prices changed: p50 {statistics.median(changed):.1f} ms, "
        f"p95 {p95:.1f} ms, best {changed[0]:.1f} ms (bar 8 ms); nothing changed: p50 {statistics.median(same):.1f} ms"
    )
