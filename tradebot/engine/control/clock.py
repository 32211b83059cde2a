"""Time as something handed in: the real clock, a faster one, and one that tests move by hand."""

from __future__ import annotations

import asyncio
import time
from typing import Protocol


class Clock(Protocol):
    """What every part that needs the time is given."""

    def now_ms(self) -> int:
        """UTC milliseconds since 1970."""
        ...

    def monotonic(self) -> float:
        """Seconds that only rise, for measuring durations."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait that many seconds of this clock."""
        ...


class SystemClock:
    """The machine's clock."""

    def now_ms(self) -> int:
        """UTC milliseconds since 1970."""
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        """Seconds that only rise."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait that many real seconds."""
        await asyncio.sleep(seconds)


class ScaledClock:
    """A clock that starts at a given moment and runs `speed` times as fast as the real one.

    The simulated exchange uses it so that a day passes in minutes. `speed` must be positive.
    """

    def __init__(self, start_ms: int, speed: float, base: Clock | None = None) -> None:
        if speed <= 0:
            raise ValueError(f"speed must be above 0, was {speed}")
        self._base = base or SystemClock()
        self._start_ms = start_ms
        self._speed = speed
        self._origin = self._base.monotonic()

    def now_ms(self) -> int:
        """UTC milliseconds on the scaled clock."""
        return self._start_ms + int((self._base.monotonic() - self._origin) * 1000 * self._speed)

    def monotonic(self) -> float:
        """Scaled seconds that only rise."""
        return (self._base.monotonic() - self._origin) * self._speed

    async def sleep(self, seconds: float) -> None:
        """Wait that many seconds of the scaled clock."""
        await self._base.sleep(seconds / self._speed)


class ManualClock:
    """A clock that stands still until a test calls `advance`; sleepers wake in order of their time."""

    def __init__(self, start_ms: int = 1_700_000_000_000) -> None:
        self._start_ms = start_ms
        self._elapsed = 0.0
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []

    def now_ms(self) -> int:
        """UTC milliseconds on the manual clock."""
        return self._start_ms + round(self._elapsed * 1000)

    def monotonic(self) -> float:
        """Seconds advanced so far."""
        return self._elapsed

    async def sleep(self, seconds: float) -> None:
        """Wait until the clock was advanced by that many seconds."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._sleepers.append((self._elapsed + seconds, future))
        await future

    async def advance(self, seconds: float) -> None:
        """Move time forward, waking each sleeper at its own moment and letting it run."""
        target = self._elapsed + seconds
        while True:
            due = sorted((at, n) for n, (at, _) in enumerate(self._sleepers) if at <= target)
            if not due:
                break
            at, index = due[0]
            _, future = self._sleepers.pop(index)
            self._elapsed = max(self._elapsed, at)
            if not future.done():
                future.set_result(None)
            for _ in range(5):
                await asyncio.sleep(0)
        self._elapsed = target
