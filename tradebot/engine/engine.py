"""The engine's handle: commands in, snapshots out.

The engine runs in its own thread with its own asyncio loop, so that a console that is paused, slow or gone never
stops it. It is thin: every capability is a function or class of its room; here they are started, stopped and handed
over.
"""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tradebot.engine.control.clock import Clock, SystemClock
from tradebot.engine.control.crash import report_crash
from tradebot.engine.control.errors import ShortfallError, TradebotError
from tradebot.engine.control.events import EventLog
from tradebot.engine.control.jobs import JobBoard
from tradebot.engine.control.logs_python import current_log
from tradebot.engine.control.processors import background_thread, background_workers
from tradebot.engine.messages import Collect, Command, ConnectionView, EngineSnapshot, Preview

if TYPE_CHECKING:
    from tradebot.engine.control.folders import Folders
    from tradebot.engine.control.settings import Settings
    from tradebot.engine.runtime import Runtime
    from tradebot.engine.simulator import SimulatorSettings

SNAPSHOT_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """What an engine is made of. With a `simulator` it starts one of its own and uses that instead of the URL.

    `mode` is demo or data. `start_with` is collected as soon as the exchange answers; `watched` symbols (of
    `watched_category`) are quoted; `first_backtest` names a strategy that is run once that history is there. `kernels`
    is where kernels are compiled to where the user's cache does not hold them (None: into the user's cache).
    `settings_file` and `overrides` (values of the command line by path) are what the settings were read from. With
    `watch_only` it writes nothing, collects nothing and compiles nothing: it looks at prices and at what is stored.
    """

    settings: Settings
    folders: Folders
    mode: str = "data"
    simulator: SimulatorSettings | None = None
    start_with: tuple[Collect, ...] = ()
    watched: tuple[str, ...] = ("BTCUSDT",)
    watched_category: str = "linear"
    first_backtest: str = ""
    kernels: Path | None = None
    settings_file: Path | None = None
    watch_only: bool = False
    overrides: Mapping[str, Any] = field(default_factory=dict)


class Engine:
    """Owns the loop, the services and the jobs. All methods may be called from any thread."""

    def __init__(self, options: EngineOptions, clock: Clock | None = None) -> None:
        self._options = options
        self._clock = clock or SystemClock()
        self._events = EventLog(self._clock)
        most = options.settings.performance.background_processors
        self._jobs = JobBoard(
            self._clock,
            background_workers(options.settings.backtest.workers, most),
            initializer=partial(background_thread, most),
        )
        self._queries = ThreadPoolExecutor(2, thread_name_prefix="query")
        self._ready = threading.Event()
        self._stopping: asyncio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._runtime: Runtime | None = None
        self._failure = ""
        self._snapshot = EngineSnapshot(
            time_ms=self._clock.now_ms(),
            mode=options.mode,
            data_folder=str(options.folders.data),
            connection=ConnectionView(url=options.settings.exchange.url),
        )
        self._thread = threading.Thread(target=self._run_thread, name="engine", daemon=True)

    def start(self) -> None:
        """Start the engine's thread and return at once; `snapshot().ready` tells when it takes commands."""
        self._thread.start()

    def wait_until_ready(self, timeout_seconds: float = 30.0) -> None:
        """Wait until commands are taken. Raises ShortfallError with the reason where the engine could not start."""
        if not self._ready.wait(timeout_seconds):
            raise ShortfallError(f"The engine did not start within {timeout_seconds:g} s.")
        if self._failure:
            raise ShortfallError(self._failure)

    def stop(self, timeout: float = 5.0) -> None:
        """Stop services and jobs, end child processes and the thread. What was collected is on disk."""
        self._jobs.close()
        loop, stopping = self._loop, self._stopping
        if loop is not None and stopping is not None and not loop.is_closed():
            loop.call_soon_threadsafe(stopping.set)
        if self._thread.is_alive():
            self._thread.join(timeout)
        self._queries.shutdown(wait=False, cancel_futures=True)

    def snapshot(self) -> EngineSnapshot:
        """The latest look at everything; made four times a second, costs nothing to read."""
        return self._snapshot

    def execute(self, command: Command) -> Future[Any]:
        """Carry out a command; the future holds its reply, or the TradebotError that refuses it."""
        runtime = self._runtime
        if isinstance(command, Preview) and runtime is not None:
            # Handed on at once, so that the newest stays the newest; it has a thread of its own.
            return runtime.preview(command)
        return self._queries.submit(self._execute, command)

    def _execute(self, command: Command) -> Any:
        self.wait_until_ready()
        runtime = self._runtime
        if runtime is None:
            raise ShortfallError("The engine has stopped.")
        return runtime.execute(command)

    def _run_thread(self) -> None:
        try:
            asyncio.run(self._run())
        except TradebotError as error:
            self._fail(error.sentence)
        except Exception as error:  # noqa: BLE001 - the app must stay and say that its engine died
            log = current_log()
            what = f"A defect of tradebot stopped the engine ({type(error).__name__}: {error})."
            self._fail(what if log is None else report_crash(error, log))

    def _fail(self, sentence: str) -> None:
        self._failure = sentence
        self._events.error("engine", sentence)
        connection = replace(self._snapshot.connection, rest="lost", stream="off", sentence=sentence)
        self._snapshot = replace(self._snapshot, connection=connection)
        self._ready.set()

    async def _run(self) -> None:
        # Heavy rooms are imported here, in the engine's thread, after the screen's first frame.
        from tradebot.engine.runtime import Runtime

        self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        runtime = Runtime(self._options, self._clock, random.Random(), self._events, self._jobs, self._loop)
        try:
            await runtime.start()
            self._runtime = runtime
            self._snapshot = runtime.snapshot()
            self._ready.set()
            while not self._stopping.is_set():
                self._snapshot = runtime.snapshot()
                await _wait(self._stopping, SNAPSHOT_SECONDS)
        finally:
            self._runtime = None
            await runtime.stop()


async def _wait(event: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return


__all__ = ["Engine", "EngineOptions"]
