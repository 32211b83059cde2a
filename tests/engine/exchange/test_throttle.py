"""The request budget is used, and never overdrawn as the exchange counts it."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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


@dataclass(frozen=True)
class Network:
    """How long requests take to the exchange and answers back, in seconds; now and then one takes much longer."""

    way_s: float
    back_s: float
    jitter_s: float
    stalls: float = 0.0

    def way(self, rng: random.Random) -> float:
        return self.way_s + rng.uniform(0, self.jitter_s) + (rng.random() < self.stalls) * rng.uniform(0, 3)

    def back(self, rng: random.Random) -> float:
        return self.back_s + rng.uniform(0, self.jitter_s)


def load(
    network: Network, rng: random.Random, workers: int, seconds: float, share: float = 1.0
) -> list[float]:
    """When the exchange counted the requests of `workers` that ask one after the other."""
    arrivals: list[float] = []

    async def main(clock: VirtualClock) -> None:
        throttle = Throttle(clock, share=share)

        async def worker() -> None:
            while clock.monotonic() < seconds:
                async with throttle.slot():
                    await clock.sleep(network.way(rng))
                    arrivals.append(clock.monotonic())
                    await clock.sleep(network.back(rng))

        await asyncio.gather(*(worker() for _ in range(workers)))

    run_virtual(main)
    return arrivals


networks = st.builds(
    Network,
    way_s=st.floats(0.0005, 0.5),
    back_s=st.floats(0.0005, 0.5),
    jitter_s=st.floats(0, 0.4),
    stalls=st.sampled_from([0.0, 0.0, 0.02]),
)


@settings(max_examples=25, deadline=None)
@given(networks, st.integers(0, 2**32), st.integers(4, 200))
def test_the_exchange_never_counts_more_than_its_limit_whatever_the_delays(
    network: Network, seed: int, workers: int
) -> None:
    arrivals = load(network, random.Random(seed), workers, 14.0)
    assert most_in_any_window(arrivals, 5.0) <= 600


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    ("network", "workers"),
    [
        (Network(0.04, 0.04, 0.0), 16),
        (Network(0.04, 0.04, 0.02), 18),
        (Network(0.0005, 0.08, 0.01), 16),
        (Network(0.4, 0.4, 0.0), 128),
        (Network(0.35, 0.35, 0.1), 128),
    ],
    ids=["80 ms", "80 ms jittering", "slow answers", "800 ms", "800 ms jittering"],
)
def test_all_is_used_but_what_the_round_trip_costs(network: Network, workers: int, seed: int) -> None:
    """At 80 ms that is more than 95 % of the limit."""
    arrivals = load(network, random.Random(seed), workers, 40.0)
    settled = [at for at in arrivals if at >= 10.0]
    round_trip_s = network.way_s + network.back_s + network.jitter_s
    assert len(settled) / (settled[-1] - 10.0) >= 0.98 * 600 / (5.0 + round_trip_s)
    assert most_in_any_window(arrivals, 5.0) <= 600


@pytest.mark.parametrize("seed", range(5))
def test_a_machine_that_is_busy_for_a_while_never_overdraws_the_limit(seed: int) -> None:
    """Requests lie around for a second before they are sent, then all go at once and the next ones quickly."""
    rng = random.Random(seed)
    arrivals: list[float] = []

    async def main(clock: VirtualClock) -> None:
        throttle = Throttle(clock, share=1.0)

        async def worker() -> None:
            while clock.monotonic() < 60:
                async with throttle.slot():
                    busy = 10 <= clock.monotonic() % 20 < 18
                    await clock.sleep(rng.uniform(0.9, 1.0) if busy else 0.001)
                    arrivals.append(clock.monotonic())
                    await clock.sleep(0.08)

        await asyncio.gather(*(worker() for _ in range(128)))

    run_virtual(main)
    assert most_in_any_window(arrivals, 5.0) <= 600


@pytest.mark.parametrize("seed", range(5))
def test_answers_that_suddenly_come_quicker_never_overdraw_the_limit(seed: int) -> None:
    rng = random.Random(seed)
    arrivals: list[float] = []

    async def main(clock: VirtualClock) -> None:
        throttle = Throttle(clock, share=1.0)

        async def worker() -> None:
            while clock.monotonic() < 30:
                async with throttle.slot():
                    half = rng.uniform(0.3, 0.4) if clock.monotonic() < 15 else 0.04
                    await clock.sleep(half)
                    arrivals.append(clock.monotonic())
                    await clock.sleep(half)

        await asyncio.gather(*(worker() for _ in range(130)))

    run_virtual(main)
    assert most_in_any_window(arrivals, 5.0) <= 600


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


def test_after_a_ban_the_share_is_lower_and_comes_back_by_and_by() -> None:
    async def main(clock: VirtualClock) -> list[float]:
        throttle = Throttle(clock, share=1.0)
        assert throttle.requests_per_second == 120
        throttle.ban(600)
        await clock.sleep(600)
        rates = [throttle.requests_per_second]
        for _ in range(6):
            await clock.sleep(60)
            rates.append(throttle.requests_per_second)
        throttle.ban(600)
        await clock.sleep(600)
        throttle.ban(600)
        await clock.sleep(600)
        rates.append(throttle.requests_per_second)
        return rates

    rates = run_virtual(main)
    assert rates[0] == pytest.approx(0.75 * 120)
    assert rates[1] == pytest.approx(0.80 * 120)
    assert rates[5:7] == [120, 120]
    assert rates[7] == pytest.approx(0.75 * 0.75 * 120, rel=0.02)


def test_a_single_request_waits_for_no_more_than_the_others_that_were_there_before() -> None:
    """Bulk history asks as many at once as fill the budget; a live fill is served after those few."""

    async def main(clock: VirtualClock) -> list[float]:
        throttle = Throttle(clock, share=0.75)

        async def worker() -> None:
            while clock.monotonic() < 30:
                async with throttle.slot():
                    await clock.sleep(0.08)

        tasks = [asyncio.create_task(worker()) for _ in range(16)]
        waits = []
        for _ in range(20):
            await clock.sleep(1.0)
            asked = clock.monotonic()
            async with throttle.slot():
                waits.append(clock.monotonic() - asked)
        for task in tasks:
            task.cancel()
        return waits

    assert max(run_virtual(main)) < 0.25


@pytest.mark.parametrize("share", [0.0, -1.0, 1.01])
def test_a_share_outside_of_the_limit_is_refused(share: float) -> None:
    async def main(clock: VirtualClock) -> None:
        with pytest.raises(ValueError, match="share must be"):
            Throttle(clock, share=share)

    run_virtual(main)
