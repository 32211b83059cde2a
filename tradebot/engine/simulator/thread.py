"""The simulated exchange in a thread of its own: for tests and tools."""

from __future__ import annotations

import asyncio
import threading
from types import TracebackType

from tradebot.engine.control.clock import Clock
from tradebot.engine.simulator.faults import FaultPlan
from tradebot.engine.simulator.server import Simulator
from tradebot.engine.simulator.settings import SimulatorSettings


class SimulatorThread:
    """A simulator with its own event loop and thread; listens from construction of the `with` block to its end.

    It may be used where an event loop is running already: starting and stopping block for some milliseconds.
    `real_clock` and `plan` are handed to the `Simulator`.

    >>> with SimulatorThread(SimulatorSettings(symbols=5)) as simulator:  # doctest: +SKIP
    ...     print(simulator.url)
    """

    def __init__(
        self,
        settings: SimulatorSettings | None = None,
        clock: Clock | None = None,
        real_clock: Clock | None = None,
        plan: FaultPlan | None = None,
    ) -> None:
        self.settings = settings or SimulatorSettings()
        self._clock = clock
        self._real_clock = real_clock
        self._plan = plan
        self._simulator: Simulator | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """REST base of the running simulator."""
        return self.simulator.url

    @property
    def simulator(self) -> Simulator:
        """The running simulator. Raises RuntimeError where it is not running."""
        if self._simulator is None:
            raise RuntimeError("the simulator is not running: use `with SimulatorThread(...) as simulator:`")
        return self._simulator

    def __enter__(self) -> SimulatorThread:
        simulator = Simulator(self.settings, self._clock, self._real_clock, self._plan)
        self._loop = loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, args=(loop,), name="simulator", daemon=True)
        self._thread.start()
        try:
            asyncio.run_coroutine_threadsafe(simulator.start(), loop).result()
        except BaseException:
            self._end(loop)
            raise
        self._simulator = simulator
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        simulator, self._simulator = self._simulator, None
        if simulator is not None and self._loop is not None:
            asyncio.run_coroutine_threadsafe(simulator.stop(), self._loop).result()
            self._end(self._loop)

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        asyncio.set_event_loop(loop)
        loop.run_forever()
        # On its own thread to the end: whoever leaves the block may have a running loop of his own.
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()

    def _end(self, loop: asyncio.AbstractEventLoop) -> None:
        loop.call_soon_threadsafe(loop.stop)
        if self._thread is not None:
            self._thread.join()
