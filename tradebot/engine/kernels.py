"""The compiled backtest of an engine: made ready in a child process where this version was not compiled yet."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tradebot.engine.control.clock import Clock
from tradebot.engine.control.errors import TradebotError
from tradebot.engine.control.events import EventLog

__all__ = ["Kernels"]

_PAUSES_S = (2.0, 10.0)
_LOOK_SECONDS = 0.1


class Kernels:
    """`state` is unknown, compiling, ready or failed, `sentence` why it failed. Both may be read from any thread.

    With a `folder` they are compiled to there where the user's cache does not hold them, on so many `processors`
    (0: on all).
    """

    def __init__(self, folder: Path | None, clock: Clock, events: EventLog, processors: int = 0) -> None:
        self._folder = folder
        self._processors = processors
        self._clock = clock
        self._events = events
        self.state = "unknown"
        self.sentence = ""

    def look(self) -> tuple[str, str]:
        """State and sentence."""
        return self.state, self.sentence

    async def prepare(self) -> None:
        """Compile where that was not done before; the app stays quick meanwhile. What fails is tried three times."""
        from tradebot.engine.backtest.warm_up import (
            compile_kernels_in_child,
            keep_kernels_below,
            kernels_ready,
        )

        if self._folder is not None:
            await asyncio.to_thread(keep_kernels_below, self._folder)
        if await asyncio.to_thread(kernels_ready):
            self.state = "ready"
            return
        self.state = "compiling"
        self._events.info("kernels", "Compiling the backtest once for this version; it takes some seconds.")
        for pause in (*_PAUSES_S, None):
            try:
                await asyncio.to_thread(compile_kernels_in_child, processors=self._processors)
                break
            except TradebotError as error:
                self.sentence = error.sentence
            if pause is None:
                # What is wrong with a folder or a compiler does not mend itself: said once, tried again when asked.
                self.state = "failed"
                self._events.error("kernels", self.sentence)
                return
            await self._clock.sleep(pause)
        self.state, self.sentence = "ready", ""
        self._events.info("kernels", "The backtest is compiled.")

    async def settled(self) -> None:
        """Wait until they are ready or have failed: before, whatever calls them would compile them in this process."""
        while self.state in {"unknown", "compiling"}:
            await self._clock.sleep(_LOOK_SECONDS)
