"""The soak over real sockets into real files, killed (SIGKILL) at random moments; the next start makes it good.

Two runs by default; a dozen by `TRADEBOT_SOAK_SOCKETS=12`. All of a test's runs are beside each other on one exchange.
"""

from __future__ import annotations

import asyncio
import os
import random
import sys
import time
from pathlib import Path

import pytest

from tests.engine.collect.helpers import read_bars
from tests.engine.collect.soak import difference
from tradebot.engine.control.clock import ScaledClock
from tradebot.engine.market import MINUTE_MS, Category, DatasetKey, Timeframe
from tradebot.engine.simulator import SimulatorSettings, SimulatorThread
from tradebot.engine.simulator.faults import random_plan

pytestmark = pytest.mark.sockets

RUNS = int(os.environ.get("TRADEBOT_SOAK_SOCKETS", "2"))
START = 1_793_000_010_000
SPEED = 60.0
FAULTY_MINUTES = 6
TARGET_MS = START + (FAULTY_MINUTES + 3) * MINUTE_MS
SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT")
SINCE = START - 3000 * MINUTE_MS
CHILD = Path(__file__).with_name("following_child.py")
KEYS = [
    DatasetKey.of(Category.LINEAR, symbol, frame)
    for symbol in SYMBOLS
    for frame in (Timeframe.M1, Timeframe.M5)
]
# Faults that a plan of the wire may have; what needs minutes of the real clock is left to the soak in memory.
KINDS = (
    "latency", "html", "truncated", "empty", "reset", "rows_doubled", "rows_unordered", "short_page", "drop",
    "confirm_lost", "confirm_doubled", "late", "out_of_order",
)  # fmt: skip


async def one_life(
    url: str, folder: Path, clock: ScaledClock, seed: str, seconds: float, told: list[str]
) -> None:
    """Start our side, and kill it after some time; 0 seconds: when its files have reached the calm."""
    arguments = [url, str(folder), str(clock.now_ms()), str(SPEED), str(SINCE), seed]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(CHILD),
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        if seconds:
            await asyncio.sleep(seconds)
        else:
            await reached(folder)
    finally:
        ended = process.returncode
        if ended is None:
            process.kill()
        output, _ = await process.communicate()
        told.append(output.decode("utf-8", "replace"))
    assert ended is None, told[-1]


async def reached(folder: Path) -> None:
    deadline = time.monotonic() + 45
    while time.monotonic() < deadline:
        rows = [read_bars(folder, key) for key in KEYS]
        if all(of and of[-1].time_ms + 5 * MINUTE_MS > TARGET_MS for of in rows):
            return
        await asyncio.sleep(0.2)


async def one_run(number: int, url: str, folder: Path, clock: ScaledClock) -> list[str]:
    rng, told = random.Random(f"sockets/{number}"), []
    for life in range(rng.randint(1, 3)):
        await one_life(url, folder, clock, f"{number}/{life}", rng.uniform(0.5, 3.0), told)
    await one_life(url, folder, clock, f"{number}/last", 0.0, told)
    return told


async def test_a_dozen_kills_leave_the_exchanges_truth(tmp_path: Path) -> None:
    clock = ScaledClock(START, SPEED)
    plan = random_plan(RUNS, START, (FAULTY_MINUTES + 1) * MINUTE_MS, SYMBOLS, MINUTE_MS, kinds=KINDS)
    simulator = SimulatorThread(SimulatorSettings(symbols=3), clock, plan=plan)
    await asyncio.to_thread(simulator.__enter__)
    try:
        runs = [one_run(number, simulator.url, tmp_path / str(number), clock) for number in range(RUNS)]
        told = await asyncio.gather(*runs)
        truth = simulator.simulator.exchange.truth
        for number in range(RUNS):
            for key in KEYS:
                rows = read_bars(tmp_path / str(number), key)
                end = rows[-1].time_ms + key.timeframe.ms if rows else 0
                assert end + 4 * MINUTE_MS >= TARGET_MS, (number, key, told[number])
                true = truth.candles("linear", key.symbol, key.timeframe, SINCE, end)
                assert not difference(rows, true), (number, key, difference(rows, true), told[number])
    finally:
        await asyncio.to_thread(simulator.__exit__, None, None, None)
