"""The simulated exchange in a thread of its own: for tests and tools."""

from __future__ import annotations

import asyncio
import threading
from types import TracebackType

from tradebot.engine.control.clock import Clock
from tradebot.engine.simulator.server import Simulator
from tradebot.engine.simulator.settings import SimulatorSettings


class SimulatorThread:
    """A simulator with its own event loop and thread; listens from construction of the `with` block to its end.

    >>> with SimulatorThread(SimulatorSettings(symbols=5)) as simulator:  # doctest: +SKIP
    ...     print(simulator.url)
    """

    def __init__(self, settings: SimulatorSettings | None = None, clock: Clock | None = None) -> None:
        self.settings = settings or SimulatorSettings()
        self._clock = clock
        self._simulator: Simulator | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="simulator", daemon=True)

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
        self._thread.start()
        simulator = Simulator(self.settings, self._clock)
        try:
            asyncio.run_coroutine_threadsafe(simulator.start(), self._loop).result()
        except BaseException:
            self._end()
            raise
        self._simulator = simulator
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        simulator, self._simulator = self._simulator, None
        if simulator is not None:
            asyncio.run_coroutine_threadsafe(simulator.stop(), self._loop).result()
            self._end()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()

    def _end(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()
