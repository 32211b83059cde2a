"""The limit of one address: 600 requests in 5 s, then a ban that lifts by itself."""

from __future__ import annotations

from tradebot.engine.control.clock import ManualClock
from tradebot.engine.simulator.limits import RequestLimit


async def test_six_hundred_requests_pass_and_the_next_one_is_banned_until_the_time_is_over() -> None:
    clock = ManualClock()
    limit = RequestLimit(clock, ban_seconds=60)
    assert all(limit.allows("a") for _ in range(600))
    assert not limit.allows("a")
    assert limit.allows("b")
    await clock.advance(59.9)
    assert not limit.allows("a")
    await clock.advance(0.2)
    assert limit.allows("a")


async def test_the_window_slides() -> None:
    clock = ManualClock()
    limit = RequestLimit(clock, ban_seconds=60)
    for _ in range(10):
        assert all(limit.allows("a") for _ in range(119))
        await clock.advance(1.0)
    assert all(limit.allows("a") for _ in range(124))
    assert not limit.allows("a")
