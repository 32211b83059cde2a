"""The engine's own health: how late its loop is, and what the program takes with its child processes."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import psutil
import pytest

from tradebot.engine.control.clock import ManualClock
from tradebot.engine.control.services import ServiceState, ServiceStatus
from tradebot.engine.health import EngineHealth, LoopLag, Usage, UsageMeter, own_processes
from tradebot.engine.health_messages import HealthView, QueueView, ServiceView


class LateClock(ManualClock):
    """A clock whose sleepers wake later than they asked for, by the next of `late_s`, over and over."""

    def __init__(self, late_s: list[float]) -> None:
        super().__init__()
        self.late_s = late_s
        self.sleeps = 0

    async def sleep(self, seconds: float) -> None:
        late = self.late_s[self.sleeps % len(self.late_s)]
        self.sleeps += 1
        await super().sleep(seconds + late)


async def lag_after(seconds: float, late_s: list[float]) -> float | None:
    clock = LateClock(late_s)
    lag = LoopLag(clock)
    task = asyncio.create_task(lag.run())
    await asyncio.sleep(0)
    await clock.advance(seconds)
    task.cancel()
    return lag.p95_ms


async def test_the_lag_is_the_95th_percentile_of_how_late_the_loop_wakes() -> None:
    assert await lag_after(0.9, [0.0]) is None, "nothing is known in the first second"
    assert await lag_after(30, [0.0]) == pytest.approx(0.0)
    assert await lag_after(30, [0.0] * 18 + [0.2, 0.2]) == pytest.approx(200.0), "one of ten is late"
    assert await lag_after(30, [0.01] * 99 + [5.0]) == pytest.approx(10.0), "one of a hundred is"


async def test_what_was_late_more_than_a_minute_ago_is_forgotten() -> None:
    clock = LateClock([1.0])
    lag = LoopLag(clock)
    task = asyncio.create_task(lag.run())
    await asyncio.sleep(0)
    await clock.advance(30)
    assert lag.p95_ms == pytest.approx(1000.0)
    clock.late_s = [0.0]
    await clock.advance(62)
    assert lag.p95_ms == pytest.approx(0.0)
    task.cancel()


@dataclass
class FakeProcess:
    pid: int
    busy: float
    memory: int
    ended: bool = False

    def busy_s(self) -> float:
        if self.ended:
            raise psutil.NoSuchProcess(self.pid)
        return self.busy

    def memory_bytes(self) -> int:
        return self.memory


class Machine:
    """A program with processes that start and end, and a clock."""

    def __init__(self) -> None:
        self.now = 100.0
        self.processes = [FakeProcess(1, 50.0, 300)]
        self.searches = 0
        self.meter = UsageMeter(lambda: self.now, self.found)

    def found(self) -> list[FakeProcess]:
        self.searches += 1
        return list(self.processes)


def test_processor_and_memory_are_those_of_the_program_with_its_children() -> None:
    machine = Machine()
    own = machine.processes[0]
    child = FakeProcess(2, 7.0, 100)
    machine.processes.append(child)
    assert machine.meter.look() == Usage(None, 400), "the processor is a matter of two looks"
    machine.now, own.busy, child.busy, own.memory = 102.0, 51.0, 8.0, 350
    assert machine.meter.look() == Usage(100.0, 450)
    machine.now, own.busy, child.ended = 103.0, 51.5, True
    assert machine.meter.look() == Usage(50.0, 350), "an ended child takes nothing"


def test_children_are_looked_for_now_and_then_only_and_count_from_the_second_look_at_them() -> None:
    machine = Machine()
    machine.meter.look()
    machine.processes.append(FakeProcess(3, 40.0, 1000))
    for second in range(101, 105):
        machine.now = float(second)
        assert machine.meter.look() == Usage(0.0, 300)
    assert machine.searches == 1
    machine.now = 105.0
    assert machine.meter.look() == Usage(0.0, 1300), "its forty seconds were not spent in this one"
    machine.now, machine.processes[1].busy = 106.0, 40.5
    assert machine.meter.look() == Usage(50.0, 1300)


def test_where_looking_for_children_is_slow_it_is_done_less_often() -> None:
    machine = Machine()

    def slow() -> list[FakeProcess]:
        machine.searches += 1
        machine.now += 0.02
        return machine.processes

    machine.meter = UsageMeter(lambda: machine.now, slow)
    for second in range(100, 130):
        machine.now = float(second)
        machine.meter.look()
    assert machine.searches == 2, "20 ms each are spent every 20 s"


def test_the_program_itself_is_found_and_has_memory() -> None:
    own = own_processes()[0]
    assert own.pid == psutil.Process().pid
    assert own.busy_s() > 0
    assert own.memory_bytes() > 1_000_000


def test_the_view_holds_services_and_queues() -> None:
    health = EngineHealth(ManualClock(), Machine().meter)
    queue = QueueView("jobs", 2, "jobs")
    waiting = ServiceStatus("feed", ServiceState.WAITING, 3, 4.0, "The line is dead.")
    assert health.view([waiting], (queue,)) == HealthView(
        None, None, 0, (ServiceView("feed", "waiting", 3, 4.0, "The line is dead."),), (queue,)
    )
