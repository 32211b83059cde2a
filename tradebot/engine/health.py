"""The engine's own health: lag of its loop, processor and memory of the program, services, and what waits."""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

import psutil

from tradebot.engine.control.clock import Clock
from tradebot.engine.control.services import ServiceStatus
from tradebot.engine.health_messages import HealthView, QueueView, ServiceView

__all__ = ["EngineHealth", "LoopLag", "Usage", "UsageMeter", "service_views"]

PROBE_SECONDS = 0.25
USAGE_SECONDS = 1.0
_MINUTE_S = 60.0
_LEAST_PROBES = 4
_CHILDREN_SECONDS = 5.0
_CHILDREN_SHARE = (
    1000.0  # looking for children goes through all processes of the machine: 0.1 % of a core at most
)


class LoopLag:
    """Measures how late the running loop wakes a task: what everything else on it waits for, too."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._late_s: deque[float] = deque(maxlen=int(_MINUTE_S / PROBE_SECONDS))
        self._p95_ms: float | None = None

    @property
    def p95_ms(self) -> float | None:
        """The 95th percentile of the last minute in milliseconds; None in the first second."""
        return self._p95_ms

    async def run(self) -> None:
        """Probe until cancelled."""
        while True:
            for _ in range(_LEAST_PROBES):
                began = self._clock.monotonic()
                await self._clock.sleep(PROBE_SECONDS)
                self._late_s.append(max(0.0, self._clock.monotonic() - began - PROBE_SECONDS))
            ordered = sorted(self._late_s)
            self._p95_ms = ordered[math.ceil(0.95 * len(ordered)) - 1] * 1000


@dataclass(frozen=True, slots=True)
class Usage:
    """What the program takes with its child processes: percent of one core, bytes that belong to it alone."""

    cpu_percent: float | None = None
    memory_bytes: int = 0


class _Process(Protocol):
    pid: int

    def busy_s(self) -> float:
        """Processor seconds so far."""
        ...

    def memory_bytes(self) -> int:
        """Memory that belongs to it alone."""
        ...


class SystemProcess:
    """A process of this machine. `busy_s` and `memory_bytes` raise psutil.Error once it has ended."""

    def __init__(self, process: psutil.Process) -> None:
        self.pid = process.pid
        self._process = process

    def busy_s(self) -> float:
        """Seconds of processor time so far, in user mode and in the system."""
        times = self._process.cpu_times()
        return float(times.user + times.system)

    def memory_bytes(self) -> int:
        """Memory that is its own: files that are mapped into it, such as stored candles, do not count."""
        info = self._process.memory_info()
        shared, private = getattr(info, "shared", None), getattr(info, "private", None)
        if shared is not None:
            return max(0, int(info.rss) - int(shared))
        return min(int(info.rss), int(private)) if private is not None else int(info.rss)


def own_processes() -> list[SystemProcess]:
    """This process first, then all it has started, and what those have started."""
    own = psutil.Process()
    children: list[psutil.Process] = []
    with contextlib.suppress(psutil.Error):
        children = own.children(recursive=True)
    return [SystemProcess(each) for each in (own, *children)]


class UsageMeter:
    """Processor and memory of the program between two looks. `look` belongs on one thread, off the loop.

    Child processes are looked for every five seconds; one counts from the second look at it.
    """

    def __init__(
        self,
        monotonic: Callable[[], float] = time.monotonic,
        processes: Callable[[], Iterable[_Process]] = own_processes,
    ) -> None:
        self._monotonic = monotonic
        self._find = processes
        self._processes: tuple[_Process, ...] = ()
        self._find_again_at = -math.inf
        self._busy_s: dict[int, float] = {}
        self._looked_at = 0.0

    def look(self) -> Usage:
        """What the program takes now; the processor is told from the second look on."""
        self._find_processes()
        busy: dict[int, float] = {}
        memory = 0
        for process in self._processes:
            with contextlib.suppress(psutil.Error):  # it has ended
                busy[process.pid] = process.busy_s()
                memory += process.memory_bytes()
        now, before = self._monotonic(), self._busy_s
        used = sum(max(0.0, seconds - before[pid]) for pid, seconds in busy.items() if pid in before)
        passed = now - self._looked_at
        self._busy_s, self._looked_at = busy, now
        return Usage(100 * used / passed if before and passed > 0 else None, memory)

    def _find_processes(self) -> None:
        began = self._monotonic()
        if began < self._find_again_at:
            return
        self._processes = tuple(self._find())
        took = self._monotonic() - began
        self._find_again_at = began + max(_CHILDREN_SECONDS, took * _CHILDREN_SHARE)


class EngineHealth:
    """All of it together; `view` costs next to nothing and may be called from any thread."""

    def __init__(self, clock: Clock, meter: UsageMeter | None = None) -> None:
        self._clock = clock
        self._lag = LoopLag(clock)
        self._meter = meter or UsageMeter()
        self._usage = Usage()

    async def keep_probing(self) -> None:
        """Measure the lag of the running loop until cancelled."""
        await self._lag.run()

    async def keep_measuring(self) -> None:
        """Measure processor and memory once a second until cancelled, on another thread."""
        while True:
            self._usage = await asyncio.to_thread(self._meter.look)
            await self._clock.sleep(USAGE_SECONDS)

    def view(self, services: Iterable[ServiceStatus], queues: tuple[QueueView, ...]) -> HealthView:
        """The latest look. `queues` with nothing in them belong to it too."""
        return HealthView(
            self._lag.p95_ms,
            self._usage.cpu_percent,
            self._usage.memory_bytes,
            service_views(services),
            queues,
        )


def service_views(services: Iterable[ServiceStatus]) -> tuple[ServiceView, ...]:
    """Services as screens are told them."""
    return tuple(
        ServiceView(each.name, each.state.value, each.restarts, each.wait_seconds, each.sentence)
        for each in services
    )
