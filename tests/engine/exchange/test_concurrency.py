"""As many requests are under way as use up the budget, however long answers take."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest

from tests.engine.exchange.virtual_time import VirtualClock, run_virtual
from tradebot.engine.exchange import Exchange, Throttle


class SlowRest:
    """Tells the time, some milliseconds late, and how many asked in the meantime."""

    url = "memory://slow"

    def __init__(self, clock: VirtualClock, latency_s: float) -> None:
        self.clock = clock
        self.latency_s = latency_s
        self.under_way = 0
        self.most = 0

    async def get(self, path: str, params: Any) -> dict[str, Any]:
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        await self.clock.sleep(self.latency_s)
        self.under_way -= 1
        now = self.clock.now_ms()
        return {"retCode": 0, "time": now, "result": {"timeNano": str(now * 1_000_000)}}


async def follow(exchange: Exchange, clock: VirtualClock, seconds: float) -> int:
    """Ask for so long, always with as many calls as the exchange's client wishes."""
    running: set[asyncio.Task[int]] = set()
    end, answered = clock.monotonic() + seconds, 0
    while clock.monotonic() < end:
        while len(running) < exchange.concurrency():
            running.add(asyncio.create_task(exchange.server_time_ms()))
        done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
        answered += len(done)
    await asyncio.gather(*running)
    return answered


@pytest.mark.parametrize("latency_s", [0.005, 0.08, 0.3, 0.8])
@pytest.mark.parametrize("share", [0.75, 1.0])
def test_the_budget_is_used_up_at_any_latency(latency_s: float, share: float) -> None:
    async def main(clock: VirtualClock) -> None:
        rest = SlowRest(clock, latency_s)
        exchange = Exchange(rest, clock, random.Random(1), Throttle(clock, share))
        await follow(exchange, clock, 10.0)
        # A slot is held for its window and the round trip.
        possible = 120 * share * 5.0 / (5.0 + latency_s)
        assert await follow(exchange, clock, 20.0) / 20 >= 0.97 * possible
        assert rest.most <= 120 * share * latency_s * 1.5 + 8

    run_virtual(main)


def test_the_number_follows_the_latency_within_bounds() -> None:
    async def main(clock: VirtualClock) -> list[int]:
        rest = SlowRest(clock, 0.0)
        exchange = Exchange(rest, clock, random.Random(1), Throttle(clock, 1.0))
        found = [exchange.concurrency()]
        for latency_s in (0.0, 0.08, 5.0, 0.001):
            rest.latency_s = latency_s
            for _ in range(100):
                await exchange.server_time_ms()
            found.append(exchange.concurrency())
        return found

    first, instant, usual, slow, quick = run_virtual(main)
    assert 2 <= first <= 16
    assert instant == 2
    assert 10 <= usual <= 20
    assert slow == 128
    assert quick == 2
