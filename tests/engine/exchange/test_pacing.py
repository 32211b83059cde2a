"""A path that the exchange limits is slowed down, and gets faster again."""

from __future__ import annotations

import asyncio

import pytest

from tests.engine.exchange.virtual_time import VirtualClock, run_virtual
from tradebot.engine.exchange import Throttle
from tradebot.engine.exchange.pacing import PathPaces

KLINE, TICKERS = "/v5/market/kline", "/v5/market/tickers"


async def use(throttle: Throttle, clock: VirtualClock, path: str, seconds: float) -> float:
    """Requests a second that one path gets."""
    began, count = clock.monotonic(), 0

    async def worker() -> None:
        nonlocal count
        while clock.monotonic() < began + seconds:
            async with throttle.slot(path):
                await clock.sleep(0.05)
            count += 1

    await asyncio.gather(*(worker() for _ in range(20)))
    return count / (clock.monotonic() - began)


def test_a_refused_path_waits_goes_on_at_half_its_pace_and_recovers() -> None:
    async def main(clock: VirtualClock) -> None:
        throttle = Throttle(clock, share=0.75)
        assert await use(throttle, clock, KLINE, 5) == pytest.approx(90, rel=0.1)
        throttle.refused(KLINE, 2.0)
        asked = clock.monotonic()
        async with throttle.slot(KLINE):
            assert clock.monotonic() - asked == pytest.approx(2.0)
        assert 30 < await use(throttle, clock, KLINE, 2) < 50
        await clock.sleep(30)
        assert await use(throttle, clock, KLINE, 5) == pytest.approx(90, rel=0.1)

    run_virtual(main)


def test_other_paths_are_not_slowed() -> None:
    async def main(clock: VirtualClock) -> None:
        throttle = Throttle(clock, share=0.75)
        throttle.refused(KLINE, 30.0)
        assert await use(throttle, clock, TICKERS, 5) == pytest.approx(90, rel=0.1)

    run_virtual(main)


def test_several_refusals_of_requests_that_were_under_way_together_count_as_one() -> None:
    async def main(clock: VirtualClock) -> None:
        paces = PathPaces(clock, 100.0, 1.0)
        for _ in range(100):
            paces.wait_s(KLINE)
        for _ in range(10):
            paces.refused(KLINE, None)
        await clock.sleep(1.0)
        assert paces.rate(KLINE) == pytest.approx(50)

    run_virtual(main)


def test_the_slowest_pace_is_one_request_a_second() -> None:
    async def main(clock: VirtualClock) -> None:
        paces = PathPaces(clock, 100.0, 1.0)
        for _ in range(20):
            paces.refused(KLINE, 0.0)
        assert paces.rate(KLINE) == 1

    run_virtual(main)


def test_limits_that_answers_tell_are_kept_to() -> None:
    async def main(clock: VirtualClock) -> None:
        throttle = Throttle(clock, share=0.5)
        throttle.heard(KLINE, {"limit": 20, "remaining": 5, "reset_ms": 0}, 1_000)
        assert await use(throttle, clock, KLINE, 5) == pytest.approx(10, rel=0.25)
        throttle.heard(KLINE, {"limit": 1000}, 1_000)
        assert await use(throttle, clock, KLINE, 5) == pytest.approx(60, rel=0.1)

    run_virtual(main)


def test_a_used_up_limit_is_waited_for_until_it_is_whole_again() -> None:
    async def main(clock: VirtualClock) -> float:
        throttle = Throttle(clock)
        throttle.heard(KLINE, {"limit": 50, "remaining": 0, "reset_ms": 1_700}, 1_000)
        async with throttle.slot(KLINE):
            return clock.monotonic()

    assert run_virtual(main) == pytest.approx(0.7)
