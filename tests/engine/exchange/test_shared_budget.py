"""All tradebot processes of a machine keep within one budget and one ban, and no file can stop them."""

from __future__ import annotations

import asyncio
import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.engine.exchange.fake_bybit import FakeBybit
from tests.engine.exchange.test_throttle import most_in_any_window
from tests.engine.exchange.virtual_time import VirtualClock, run_virtual
from tradebot.engine.control.clock import ManualClock, SystemClock
from tradebot.engine.exchange import Exchange, Throttle
from tradebot.engine.exchange.shared_budget import Ask, BusyError, SharedBudget, shared_budget_file
from tradebot.engine.simulator import SimulatorSettings, start_simulator_process


async def ask_on(
    throttle: Throttle,
    clock: VirtualClock,
    arrivals: list[float],
    rng: random.Random,
    until: float,
    workers: int = 40,
) -> None:
    """Requests of one process, one after the other on each worker."""

    async def worker() -> None:
        while clock.monotonic() < until:
            async with throttle.slot():
                await clock.sleep(rng.uniform(0.01, 0.1))
                arrivals.append(clock.monotonic())
                await clock.sleep(rng.uniform(0.01, 0.1))

    await asyncio.gather(*(worker() for _ in range(workers)))


@pytest.mark.parametrize("share", [0.75, 1.0])
def test_processes_share_one_budget_and_use_it_up(tmp_path: Path, share: float) -> None:
    arrivals: list[list[float]] = [[], [], []]

    async def main(clock: VirtualClock) -> None:
        rng = random.Random(1)
        throttles = [
            Throttle(clock, share, shared=SharedBudget(tmp_path / "budget.json", clock, f"process {n}"))
            for n in range(3)
        ]
        async with asyncio.TaskGroup() as group:
            for throttle, mine in zip(throttles, arrivals, strict=True):
                group.create_task(ask_on(throttle, clock, mine, rng, 15.0))

    run_virtual(main)
    together = [at for mine in arrivals for at in mine]
    assert most_in_any_window(together, 5.0) <= 600 * share
    settled = [at for at in together if 5 <= at < 15]
    assert len(settled) / 10 >= 0.95 * 120 * share
    assert min(map(len, arrivals)) > 0.15 * len(together)


def test_a_process_alone_has_the_whole_budget_and_another_one_gets_its_part_at_once(tmp_path: Path) -> None:
    first: list[float] = []
    second: list[float] = []

    async def main(clock: VirtualClock) -> None:
        rng = random.Random(1)
        one, two = (
            Throttle(clock, 1.0, shared=SharedBudget(tmp_path / "budget.json", clock, name)) for name in "ab"
        )
        both = asyncio.create_task(ask_on(one, clock, first, rng, 30.0))
        await clock.sleep(15.0)
        await ask_on(two, clock, second, rng, 25.0)
        two.close()
        await both

    run_virtual(main)
    assert sum(1 for at in first if 5 <= at < 15) / 10 >= 0.95 * 120
    assert min(second) < 15.5
    assert sum(1 for at in first if 27 <= at < 30) / 3 >= 0.95 * 120
    assert most_in_any_window(first + second, 5.0) <= 600


def test_a_live_fill_does_not_starve_behind_bulk_history_of_another_process(tmp_path: Path) -> None:
    waits: list[float] = []

    async def main(clock: VirtualClock) -> None:
        bulk = Throttle(clock, 0.75, shared=SharedBudget(tmp_path / "b.json", clock, "bulk"), background=True)
        live = Throttle(clock, 0.75, shared=SharedBudget(tmp_path / "b.json", clock, "live"))
        arrivals: list[float] = []
        history = asyncio.create_task(ask_on(bulk, clock, arrivals, random.Random(1), 30.0, workers=64))
        await clock.sleep(5.0)
        for _ in range(20):
            asked = clock.monotonic()
            async with live.slot():
                waits.append(clock.monotonic() - asked)
                await clock.sleep(0.08)
            await clock.sleep(1.0)
        await history
        assert len(arrivals) / 30 >= 0.9 * 90

    run_virtual(main)
    assert max(waits) < 0.3


def test_what_a_killed_process_held_is_free_again_soon(tmp_path: Path) -> None:
    clock = ManualClock()
    dead, alive = (SharedBudget(tmp_path / "b.json", clock, name) for name in ("dead", "alive"))
    for _ in range(3):
        dead.reserve(Ask(12, 20, 5000))

    async def later() -> None:
        assert len(alive.reserve(Ask(12, 20, 5000)).times_ms) < 12
        await clock.advance(16.0)
        assert len(alive.reserve(Ask(12, 20, 5000)).times_ms) > 0

    asyncio.run(later())


# ------------------------------------------------------------------------------------------------ bans


def test_a_ban_is_seen_by_all_processes_and_survives_a_restart(tmp_path: Path) -> None:
    said: list[str] = []

    async def main(clock: VirtualClock) -> None:
        def throttle() -> Throttle:
            return Throttle(clock, shared=SharedBudget(tmp_path / "b.json", clock))

        first, other = throttle(), throttle()
        until = first.ban(600)
        assert other.banned_until_ms() == until
        await clock.sleep(100)
        rest = FakeBybit(clock)
        restarted = Exchange(
            rest, clock, random.Random(1), throttle(), notice=lambda level, text: said.append(text)
        )
        probe = asyncio.create_task(restarted.server_time_ms())
        second = asyncio.create_task(restarted.server_time_ms())
        await clock.sleep(499)
        assert sum(rest.calls.values()) == 0
        await asyncio.gather(probe, second)
        assert clock.monotonic() >= 600
        assert restarted.budget().banned_until_ms is None

    run_virtual(main)
    assert said == [
        "The exchange at memory://bybit has banned this address. All requests wait until 2023-11-14 22:23 UTC."
    ]


def test_a_ban_far_in_the_future_comes_from_a_wrong_clock_and_is_passed_over(tmp_path: Path) -> None:
    clock = ManualClock()
    SharedBudget(tmp_path / "b.json", clock).ban(clock.now_ms() + 86_400_000)
    assert SharedBudget(tmp_path / "b.json", clock).banned_until_ms() is None


# ------------------------------------------------------------------------------------------------ a bad file

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=10,
)
FIELDS = ("version", "written_ms", "due_ms", "banned_until_ms", "holders", "returning")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.binary(max_size=60)
    | json_values.map(lambda value: json.dumps(value).encode())
    | st.tuples(st.sampled_from(FIELDS), json_values)
)
def test_a_damaged_file_is_written_anew(tmp_path: Path, damage: Any) -> None:
    clock = ManualClock()
    file = tmp_path / "b.json"
    budget = SharedBudget(file, clock)
    if isinstance(damage, tuple):
        file.unlink(missing_ok=True)
        budget.reserve(Ask(1, 600, 5000))
        content = json.loads(file.read_text("utf-8")) | {damage[0]: damage[1]}
        damage = json.dumps(content).encode()
    file.write_bytes(damage)
    grant = budget.reserve(Ask(3, 600, 5000))
    assert len(grant.times_ms) == 3 or grant.wait_s <= 1.0
    assert json.loads(file.read_text("utf-8"))["version"] == 1


async def used_in(clock: VirtualClock, throttle: Throttle, seconds: float) -> int:
    arrivals: list[float] = []
    await ask_on(throttle, clock, arrivals, random.Random(1), clock.monotonic() + seconds)
    assert most_in_any_window(arrivals, 5.0) <= 450
    return len(arrivals)


def test_a_file_of_the_future_is_not_believed(tmp_path: Path) -> None:
    async def main(clock: VirtualClock) -> int:
        file = tmp_path / "b.json"
        ahead = ManualClock(clock.now_ms() + 3_600_000)
        for _ in range(40):
            SharedBudget(file, ahead, "ahead").reserve(Ask(12, 450, 5000))
        return await used_in(clock, Throttle(clock, shared=SharedBudget(file, clock)), 5.0)

    assert run_virtual(main) > 400


def test_a_file_that_somebody_keeps_locked_does_not_stop_a_process(tmp_path: Path) -> None:
    async def main(clock: VirtualClock) -> int:
        file = tmp_path / "b.json"
        budget = SharedBudget(file, clock)
        budget.reserve(Ask(1, 450, 5000))
        with FileLock(file.with_suffix(".lock")):
            with pytest.raises(BusyError):
                budget.reserve(Ask(1, 450, 5000))
            return await used_in(clock, Throttle(clock, shared=SharedBudget(file, clock)), 10.0)

    assert run_virtual(main) > 800


def test_a_folder_that_cannot_be_made_does_not_stop_a_process(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", "utf-8")

    async def main(clock: VirtualClock) -> int:
        throttle = Throttle(clock, shared=SharedBudget(tmp_path / "file" / "b.json", clock))
        count = await used_in(clock, throttle, 10.0)
        throttle.ban(60)
        assert throttle.banned_until_ms() is not None
        throttle.close()
        return count

    assert run_virtual(main) > 800


# ------------------------------------------------------------------------------------------------ names


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://api.bybit.com", "bybit"),
        ("https://api-testnet.bybit.com", "bybit"),
        ("https://api.bytick.com", "bybit"),
        ("https://api.bybit.nl", "bybit"),
        ("http://127.0.0.1:8123", "127.0.0.1_8123"),
        ("http://localhost:8123", "localhost_8123"),
        ("https://notbybit.com", "notbybit.com"),
        ("https://example.org:9000", "example.org_9000"),
    ],
)
def test_all_hosts_of_bybit_count_together(tmp_path: Path, url: str, name: str) -> None:
    assert shared_budget_file(tmp_path, url) == tmp_path / "budget" / f"{name}.json"


def test_files_of_simulated_exchanges_that_ended_long_ago_are_removed(tmp_path: Path) -> None:
    clock = SystemClock()
    old, fresh, real = (
        shared_budget_file(tmp_path, url)
        for url in ("http://127.0.0.1:1111", "http://127.0.0.1:2222", "https://api.bybit.com")
    )
    for file in (old, fresh, real):
        SharedBudget(file, clock).reserve(Ask(1, 450, 5000))
    long_ago = time.time() - 7200
    for file in (old, old.with_suffix(".lock"), real):
        if file.exists():
            os.utime(file, (long_ago, long_ago))
    SharedBudget(fresh, clock).reserve(Ask(1, 450, 5000))
    assert (old.exists(), fresh.exists(), real.exists()) == (False, True, True)


# ------------------------------------------------------------------------------------------------ processes

CHILD = """
import asyncio, random, sys
from pathlib import Path
from tradebot.engine.control.clock import SystemClock
from tradebot.engine.exchange import Exchange, PybitRest, SharedBudget, Throttle

async def main(url, file, seconds):
    clock = SystemClock()
    throttle = Throttle(clock, 0.75, shared=SharedBudget(Path(file), clock))
    rest = PybitRest(url)
    exchange = Exchange(rest, clock, random.Random(), throttle, notice=lambda level, text: print(text))
    end = clock.monotonic() + float(seconds)
    async def worker():
        while clock.monotonic() < end:
            await exchange.server_time_ms()
    await asyncio.gather(*(worker() for _ in range(12)))
    budget = throttle.budget()
    print(budget.total, budget.retries, budget.banned_until_ms)
    rest.close()

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.mark.sockets
def test_three_processes_with_three_quarters_each_are_never_refused(tmp_path: Path) -> None:
    seconds = 4.0
    with start_simulator_process(SimulatorSettings(symbols=1, latency_ms=20.0)) as simulator:
        command = [sys.executable, "-c", CHILD, simulator.url, str(tmp_path / "b.json"), str(seconds)]
        children = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
        words = [child.communicate(timeout=60)[0].split() for child in children]
    assert [word[1:] for word in words] == [["0", "None"]] * 3
    # How much they get depends on what else the machine does; that each gets its part does not.
    assert min(int(word[0]) for word in words) > 10
