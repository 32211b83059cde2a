"""Services: tasks that should run as long as the engine does, restarted with back-off when they fail."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum

from tradebot.engine.control.clock import Clock
from tradebot.engine.control.errors import TradebotError
from tradebot.engine.control.events import EventLog, Level

FIRST_BACKOFF_SECONDS = 1.0
LONGEST_BACKOFF_SECONDS = 60.0
WELL_AGAIN_SECONDS = 60.0
"""How long a service that failed must have run again before it counts as well."""

_Service = Callable[[], Awaitable[None]]


class ServiceState(Enum):
    """Where a service stands."""

    RUNNING = "running"
    WAITING = "waiting"
    """It failed and starts again in a moment."""
    ENDED = "ended"
    """It has done what it was for."""


@dataclass(frozen=True, slots=True)
class ServiceStatus:
    """One look at a service. `wait_seconds` are those until it starts again, None where it does not wait.

    `restarts` counts how often it was started again after a failure, `sentence` is the reason of the last one.
    """

    name: str
    state: ServiceState
    restarts: int = 0
    wait_seconds: float | None = None
    sentence: str = ""


@dataclass(slots=True)
class _Kept:
    """What is known of a service while the engine runs; `again_at` is when it starts again (monotonic seconds)."""

    task: asyncio.Task[None] | None = None
    restarts: int = 0
    again_at: float | None = None
    sentence: str = ""


class Supervisor:
    """Keeps services alive: one that fails is said, waits 1, 2, 4 ... 60 s and starts again, the others go on.

    One that failed and then ran for a minute is said to be well again, once; its next pause is the shortest.
    """

    def __init__(self, clock: Clock, events: EventLog) -> None:
        self._clock = clock
        self._events = events
        self._services: dict[str, _Kept] = {}

    def start(self, name: str, service: _Service) -> None:
        """Start a service on the running loop; one of the same name that still runs is left alone."""
        kept = self._services.setdefault(name, _Kept())
        if kept.task is None or kept.task.done():
            kept.task = asyncio.get_running_loop().create_task(
                self._keep_alive(name, service, kept), name=name
            )

    async def stop(self, name: str | None = None) -> None:
        """Stop one service, or all of them, and wait until they have ended."""
        names = [name] if name is not None else list(self._services)
        stopped = [self._services.pop(key) for key in names if key in self._services]
        tasks = [kept.task for kept in stopped if kept.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def statuses(self) -> tuple[ServiceStatus, ...]:
        """Every service that was started and not stopped, in the order of their first starts."""
        now = self._clock.monotonic()
        return tuple(_status(name, kept, now) for name, kept in self._services.items())

    async def _keep_alive(self, name: str, service: _Service, kept: _Kept) -> None:
        backoff = FIRST_BACKOFF_SECONDS
        while True:
            started = self._clock.monotonic()
            failure = await self._run(name, service, failed_before=bool(kept.restarts))
            if failure is None:
                kept.sentence = ""  # it has done what it was for
                return
            reason, trace = failure
            if self._clock.monotonic() - started > WELL_AGAIN_SECONDS:
                backoff = FIRST_BACKOFF_SECONDS
            self._events.add(
                Level.WARNING,
                name,
                f"{reason} It starts again in {backoff:.0f} s.",
                happened=reason,
                did=f"The service is started again in {backoff:.0f} s; the others go on.",
                details=trace,
            )
            kept.sentence, kept.again_at = reason, self._clock.monotonic() + backoff
            await self._clock.sleep(backoff)
            kept.again_at, kept.restarts = None, kept.restarts + 1
            backoff = min(LONGEST_BACKOFF_SECONDS, backoff * 2)

    async def _run(self, name: str, service: _Service, failed_before: bool) -> tuple[str, str] | None:
        """Run a service to its end: why it failed, as a sentence and a traceback; None where it did not."""
        well = asyncio.create_task(self._say_well_again(name)) if failed_before else None
        try:
            await service()
        except asyncio.CancelledError:
            raise
        except TradebotError as error:
            return error.sentence, ""
        except Exception as error:  # noqa: BLE001 - the supervisor's purpose: one service never takes the others down
            reason = f"A defect of tradebot stopped it ({type(error).__name__}: {error})."
            return reason, "".join(traceback.format_exception(error))
        finally:
            if well is not None:
                well.cancel()
        return None

    async def _say_well_again(self, name: str) -> None:
        await self._clock.sleep(WELL_AGAIN_SECONDS)
        self._events.info(name, "It failed before and has run well for a minute.")


def _status(name: str, kept: _Kept, now: float) -> ServiceStatus:
    state, wait = ServiceState.RUNNING, None
    if kept.task is None or kept.task.done():
        state = ServiceState.ENDED
    elif kept.again_at is not None:
        state, wait = ServiceState.WAITING, max(0.0, kept.again_at - now)
    return ServiceStatus(name, state, kept.restarts, wait, kept.sentence)
