"""Services: tasks that should run as long as the engine does, restarted with back-off when they fail."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Awaitable, Callable

from tradebot.engine.control.clock import Clock
from tradebot.engine.control.errors import TradebotError
from tradebot.engine.control.events import EventLog, Level

FIRST_BACKOFF_SECONDS = 1.0
LONGEST_BACKOFF_SECONDS = 60.0


class Supervisor:
    """Keeps services alive: one that fails is said, waits 1, 2, 4 ... 60 s and starts again, the others go on."""

    def __init__(self, clock: Clock, events: EventLog) -> None:
        self._clock = clock
        self._events = events
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def start(self, name: str, service: Callable[[], Awaitable[None]]) -> None:
        """Start a service on the running loop; one of the same name that still runs is left alone."""
        task = self._tasks.get(name)
        if task is None or task.done():
            self._tasks[name] = asyncio.get_running_loop().create_task(
                self._keep_alive(name, service), name=name
            )

    async def stop(self, name: str | None = None) -> None:
        """Stop one service, or all of them, and wait until they have ended."""
        names = [name] if name is not None else list(self._tasks)
        tasks = [self._tasks.pop(key) for key in names if key in self._tasks]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _keep_alive(self, name: str, service: Callable[[], Awaitable[None]]) -> None:
        backoff = FIRST_BACKOFF_SECONDS
        while True:
            started = self._clock.monotonic()
            try:
                await service()
                return
            except asyncio.CancelledError:
                raise
            except TradebotError as error:
                reason, trace = error.sentence, ""
            except Exception as error:  # noqa: BLE001 - the supervisor's purpose: one service never takes the others down
                reason = f"A defect of tradebot stopped it ({type(error).__name__}: {error})."
                trace = "".join(traceback.format_exception(error))
            if self._clock.monotonic() - started > LONGEST_BACKOFF_SECONDS:
                backoff = FIRST_BACKOFF_SECONDS
            self._events.add(
                Level.WARNING,
                name,
                f"{reason} It starts again in {backoff:.0f} s.",
                happened=reason,
                did=f"The service is started again in {backoff:.0f} s; the others go on.",
                details=trace,
            )
            await self._clock.sleep(backoff)
            backoff = min(LONGEST_BACKOFF_SECONDS, backoff * 2)
