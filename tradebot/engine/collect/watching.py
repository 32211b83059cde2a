"""Two things a feed keeps an eye on: the clocks, and whether its symbols are still traded."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from tradebot.engine.control.clock import Clock
from tradebot.engine.exchange import Exchange, ExchangeError
from tradebot.engine.market import Category

# A computer that slept, or whose clock was set: connections are dead or times are wrong.
JUMP_S = 30.0
_SMALL_JUMP_S = 1.0
_MEASURE_EVERY_S = 300.0
_MEASURE_AGAIN_S = 5.0
_LOOK_UP_EVERY_S = 120.0


class TimeKeeper:
    """Measures the exchange's clock now and then, and at once after a jump of ours."""

    def __init__(self, exchange: Exchange, clock: Clock) -> None:
        self._exchange = exchange
        self._clock = clock
        self._measure = asyncio.Event()

    async def run(self) -> None:
        """Measure until cancelled."""
        while True:
            self._measure.clear()
            try:
                await self._exchange.server_time_ms()
                pause_s = _MEASURE_EVERY_S
            except ExchangeError:
                pause_s = (
                    _MEASURE_AGAIN_S  # the last offset serves on; the stream says when the exchange is gone
                )
            await self._wait(pause_s)

    async def sleep(self, seconds: float) -> float:
        """Sleep; returns by how many seconds the wall clock went on without the monotonic one, 0 for little.

        That is a computer that slept, or a clock that was set. Where the monotonic clock goes on during sleep, the
        streams notice by themselves that they heard nothing for long.
        """
        wall_ms, began = self._clock.now_ms(), self._clock.monotonic()
        await self._clock.sleep(seconds)
        passed = self._clock.monotonic() - began
        jump = abs((self._clock.now_ms() - wall_ms) / 1000 - passed)
        if jump > _SMALL_JUMP_S:
            self._measure.set()
        return jump if jump > JUMP_S else 0.0

    async def _wait(self, seconds: float) -> None:
        waits = [
            asyncio.ensure_future(self._measure.wait()),
            asyncio.ensure_future(self._clock.sleep(seconds)),
        ]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()


class ListingWatch:
    """Looks up, seldom, whether symbols that fell silent are still listed.

    Of those that are not `ended(symbol)` is called; while it answers False, because a bar of the symbol is not closed
    yet, it is called again at the next look.
    """

    def __init__(
        self, exchange: Exchange, category: Category, clock: Clock, ended: Callable[[str], bool]
    ) -> None:
        self._exchange = exchange
        self._category = category
        self._clock = clock
        self._ended = ended
        self._doubtful: set[str] = set()
        self._wake = asyncio.Event()

    def doubt(self, symbol: str) -> None:
        """The exchange has nothing of this symbol, or refuses it."""
        self._doubtful.add(symbol)
        self._wake.set()

    async def run(self) -> None:
        """Look up until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                listed = {item.symbol for item in await self._exchange.instruments(self._category)}
            except ExchangeError:
                self._wake.set()
            else:
                doubtful, self._doubtful = self._doubtful, set()
                for symbol in sorted(doubtful - listed) if listed else []:
                    if not self._ended(symbol):
                        self.doubt(symbol)
            await self._clock.sleep(_LOOK_UP_EVERY_S)
