"""Virtual time, and services that come back after a failure without taking the others down."""

from __future__ import annotations

import asyncio

from tradebot.engine.control.clock import ManualClock, ScaledClock
from tradebot.engine.control.errors import ShortfallError
from tradebot.engine.control.events import EventLog
from tradebot.engine.control.progress import Progress, ProgressMeter
from tradebot.engine.control.services import Supervisor


async def test_sleepers_of_a_manual_clock_wake_in_order_of_their_time() -> None:
    clock = ManualClock(start_ms=1_000)
    woken: list[tuple[str, int]] = []

    async def sleeper(name: str, seconds: float) -> None:
        await clock.sleep(seconds)
        woken.append((name, clock.now_ms()))

    tasks = [asyncio.create_task(sleeper("late", 3)), asyncio.create_task(sleeper("early", 1))]
    await asyncio.sleep(0)
    await clock.advance(2)
    assert woken == [("early", 2_000)]
    await clock.advance(2)
    assert woken == [("early", 2_000), ("late", 4_000)]
    await asyncio.gather(*tasks)


async def test_a_scaled_clock_runs_faster_than_its_base() -> None:
    base = ManualClock(start_ms=0)
    clock = ScaledClock(start_ms=50_000, speed=60, base=base)
    await base.advance(2)
    assert clock.now_ms() == 50_000 + 120_000


async def test_a_failed_service_is_said_and_restarted_with_growing_pauses_while_others_go_on() -> None:
    clock = ManualClock()
    events = EventLog(clock)
    supervisor = Supervisor(clock, events)
    starts: list[float] = []
    beats: list[float] = []

    async def failing() -> None:
        starts.append(clock.monotonic())
        raise ShortfallError("The line is dead.")

    async def healthy() -> None:
        while True:
            beats.append(clock.monotonic())
            await clock.sleep(1)

    supervisor.start("failing", failing)
    supervisor.start("healthy", healthy)
    await asyncio.sleep(0)
    await clock.advance(8)
    assert starts == [0, 1, 3, 7]
    assert len(beats) == 9
    assert events.recent(1)[0].sentence == "The line is dead. It starts again in 8 s."
    await supervisor.stop()


async def test_the_same_sentence_in_a_row_is_kept_once() -> None:
    clock = ManualClock()
    events = EventLog(clock)
    for _ in range(5):
        events.warning("feed", "Silent.")
    events.warning("feed", "Back.")
    assert [event.sentence for event in events.recent(10)] == ["Silent.", "Back."]


async def test_the_meter_smooths_its_rate_and_estimates_what_is_left() -> None:
    clock = ManualClock()
    seen: list[Progress] = []
    meter = ProgressMeter(100, "bars", clock, seen.append)
    for _ in range(5):
        await clock.advance(1)
        meter.advance(10)
    assert seen[-1].done == 50
    assert abs(seen[-1].rate - 10) < 1e-9
    assert seen[-1].eta_seconds is not None
    assert abs(seen[-1].eta_seconds - 5) < 1e-9
