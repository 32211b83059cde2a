"""How often connections may be opened: the exchange allows 500 in five minutes and closes its door beyond."""

from __future__ import annotations

import asyncio
from collections import deque

from tradebot.engine.control.clock import Clock
from tradebot.engine.exchange.ports import Connector, StreamClosedError, StreamConnection

# A fifth of what the exchange allows: three feeds and another program on the same address stay far below it.
CONNECTS = 100
WINDOW_S = 300.0
_GAP_S = 0.05
# A connector has its own, shorter bound; this one holds where it hangs all the same.
_OPEN_TIMEOUT_S = 30.0


class PacedConnector:
    """Opens connections one after the other, at most `most` in `window_s`; who comes too early waits."""

    def __init__(
        self, connector: Connector, clock: Clock, most: int = CONNECTS, window_s: float = WINDOW_S
    ) -> None:
        self._connector = connector
        self._clock = clock
        self._most = most
        self._window_s = window_s
        self._begun: deque[float] = deque(maxlen=most)
        self._turn = asyncio.Lock()

    async def __call__(self, url: str) -> StreamConnection:
        """Open a connection to a stream URL. Raises StreamClosedError where it cannot."""
        async with self._turn:
            await self._clock.sleep(self._wait_s())
            self._begun.append(self._clock.monotonic())
        try:
            async with asyncio.timeout(_OPEN_TIMEOUT_S):
                return await self._connector(url)
        except TimeoutError:
            raise StreamClosedError("no connection in time") from None

    def _wait_s(self) -> float:
        """Until the connection that was opened `most` connections ago is out of the window."""
        if not self._begun:
            return 0.0
        due = self._begun[-1] + _GAP_S
        if len(self._begun) == self._most:
            due = max(due, self._begun[0] + self._window_s)
        return max(0.0, due - self._clock.monotonic())
