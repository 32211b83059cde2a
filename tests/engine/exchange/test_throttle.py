"""The request budget is used, and never overdrawn as the exchange counts it."""

from __future__ import annotations

import asyncio
import random

import pytest

from tests.engine.exchange.virtual_time import VirtualClock, run_virtual
from tradebot.engine.exchange import Throttle


def most_in_any_window(times: list[float], window_s: float) -> int:
    times = sorted(times)
    best = start = 0
    for end, at in enumerate(times):
        while times[start] <= at - window_s:
            start += 1
        best = max(best, end - start + 1)
    return best


@pytest.mark.parametrize("seed", range(5))
def test_the_exchange_never_counts_more_than_our_share_whatever_the_delays(seed: int) -> None:
    rng = random.Random(seed)
    arrivals: list[float] = []

    async def main(clock: VirtualClock) -> float:
        throttle = Throttle(clock, share=1.0, limit=600, window_s=5.0)

        async def one() -> None:
            async with throttle.slot():
                way, back = rng.uniform(0.001, 0.2), rng.uniform(0.001, 0.2)
                await clock.sleep(way)
                arrivals.append(clock.monotonic())
                await clock.sleep(back)

        async def worker() -> None:
            for _ in range(100):
                await one()

        await asyncio.gather(*(worker() for _ in range(60)))
        return clock.monotonic()

    run_virtual(main)
    assert len(arrivals) == 6000
    assert most_in_any_window(arrivals, 5.0) <= 600


def test_at_80_ms_latency_more_than_95_percent_of_the_limit_is_used() -> None:
    async def main(clock: VirtualClock) -> float:
        throttle = Throttle(clock, share=1.0)

        async def worker() -> None:
            for _ in range(6000 // 24):
                async with throttle.slot():
                    await clock.sleep(0.08)

        await asyncio.gather(*(worker() for _ in range(24)))
        return 6000 / clock.monotonic()

    assert run_virtual(main) >= 0.95 * 120


def test_the_share_bounds_what_is_used() -> None:
    async def main(clock: VirtualClock) -> tuple[int, int]:
        throttle = Throttle(clock, share=0.75, limit=600, window_s=5.0)

        async def worker() -> None:
            while clock.monotonic() < 20:
                async with throttle.slot():
                    await clock.sleep(0.01)

        tasks = [asyncio.create_task(worker()) for _ in range(40)]
        await clock.sleep(19.9)
        budget = throttle.budget()
        for task in tasks:
            task.cancel()
        return budget.used, budget.allowed

    used, allowed = run_virtual(main)
    assert allowed == 450
    assert 440 <= used <= 450


def test_programs_that_follow_on_each_other_stay_within_the_limit_together() -> None:
    arrivals: list[float] = []

    async def program(clock: VirtualClock, seconds: float) -> None:
        throttle = Throttle(clock, share=0.75)
        end = clock.monotonic() + seconds

        async def worker() -> None:
            while clock.monotonic() < end:
                async with throttle.slot():
                    await clock.sleep(0.04)
                    arrivals.append(clock.monotonic())
                    await clock.sleep(0.04)

        await asyncio.gather(*(worker() for _ in range(24)))

    async def main(clock: VirtualClock) -> None:
        for seconds in (7.0, 3.0, 1.0, 0.5, 4.0):
            await program(clock, seconds)

    run_virtual(main)
    assert len(arrivals) > 1000
    assert most_in_any_window(arrivals, 5.0) <= 600


def test_waiters_are_served_in_the_order_they_came() -> None:
    async def main(clock: VirtualClock) -> list[int]:
        throttle = Throttle(clock, share=1.0, limit=2, window_s=1.0)
        served: list[int] = []

        async def one(number: int) -> None:
            async with throttle.slot():
                served.append(number)

        async with asyncio.TaskGroup() as group:
            for number in range(9):
                group.create_task(one(number))
        return served

    assert run_virtual(main) == list(range(9))


def test_a_ban_holds_everybody_and_says_until_when() -> None:
    async def main(clock: VirtualClock) -> None:
        throttle = Throttle(clock)
        until = throttle.ban(600)
        assert until == clock.now_ms() + 600_000
        assert throttle.budget().banned_until_ms == until
        async with throttle.slot():
            assert clock.monotonic() >= 600
        assert throttle.budget().banned_until_ms is None

    run_virtual(main)


@pytest.mark.parametrize("share", [0.0, -1.0, 1.01])
def test_a_share_outside_of_the_limit_is_refused(share: float) -> None:
    async def main(clock: VirtualClock) -> None:
        with pytest.raises(ValueError, match="share must be"):
            Throttle(clock, share=share)

    run_virtual(main)
