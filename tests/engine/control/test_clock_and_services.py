"""Virtual time, and services that come back after a failure without taking the others down."""

from __future__ import annotations

import asyncio

from tradebot.engine.control.clock import ManualClock, ScaledClock
from tradebot.engine.control.errors import ShortfallError
from tradebot.engine.control.events import EventLog
from tradebot.engine.control.progress import Progress, ProgressMeter
from tradebot.engine.control.services import ServiceState, ServiceStatus, Supervisor


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


async def test_each_service_says_whether_it_runs_waits_or_has_ended_and_why_it_was_started_again() -> None:
    clock = ManualClock()
    supervisor = Supervisor(clock, EventLog(clock))

    async def failing() -> None:
        raise ShortfallError("The line is dead.")

    async def forever() -> None:
        await asyncio.Event().wait()

    async def done() -> None:
        return

    supervisor.start("failing", failing)
    supervisor.start("forever", forever)
    supervisor.start("done", done)
    assert {each.state for each in supervisor.statuses()} == {ServiceState.RUNNING}
    await asyncio.sleep(0)
    await clock.advance(1.5)
    assert supervisor.statuses() == (
        ServiceStatus("failing", ServiceState.WAITING, 1, 1.5, "The line is dead."),
        ServiceStatus("forever", ServiceState.RUNNING),
        ServiceStatus("done", ServiceState.ENDED),
    )
    await supervisor.stop("failing")
    assert [each.name for each in supervisor.statuses()] == ["forever", "done"]
    await supervisor.stop()
    assert supervisor.statuses() == ()


async def test_a_service_that_failed_and_runs_again_for_a_minute_is_said_to_be_well_once() -> None:
    clock = ManualClock()
    events = EventLog(clock)
    supervisor = Supervisor(clock, events)
    lives = [1.0, 10.0, 300.0, 300.0]
    starts: list[float] = []

    async def failing() -> None:
        starts.append(clock.monotonic())
        await clock.sleep(lives[len(starts) - 1])
        raise ShortfallError(f"Failure {len(starts)}.")

    supervisor.start("feed", failing)
    await asyncio.sleep(0)
    well = "It failed before and has run well for a minute."
    await clock.advance(14 + 59)  # failed after 1 s and after 10 s, runs since second 14
    assert [event.sentence for event in events.recent(10)] == [
        "Failure 1. It starts again in 1 s.",
        "Failure 2. It starts again in 2 s.",
    ]
    await clock.advance(1)
    assert events.recent(1)[0].sentence == well
    await clock.advance(200)
    assert [event.sentence for event in events.recent(10)].count(well) == 1
    await clock.advance(45)  # it fails at second 314
    assert events.recent(1)[0].sentence == "Failure 3. It starts again in 1 s."
    assert supervisor.statuses()[0].restarts == 3
    await supervisor.stop()


async def test_a_service_that_ends_well_after_a_failure_has_no_reason_any_more() -> None:
    clock = ManualClock()
    supervisor = Supervisor(clock, EventLog(clock))
    runs: list[int] = []

    async def second_time_lucky() -> None:
        runs.append(1)
        if len(runs) == 1:
            raise ShortfallError("Not yet.")

    supervisor.start("kernels", second_time_lucky)
    await asyncio.sleep(0)
    await clock.advance(2)
    assert supervisor.statuses() == (ServiceStatus("kernels", ServiceState.ENDED, 1),)


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
