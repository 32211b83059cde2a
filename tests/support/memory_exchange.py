"""The simulated exchange in memory: the whole client runs on it without a socket, as fast as virtual time goes.

What the real client sees of a failing wire is made the same way here: `MemoryRest` turns what comes instead of an
answer into the same errors as `PybitRest`, `memory_connector` ends connections as the real one does.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

from tradebot.engine.control.clock import Clock
from tradebot.engine.exchange.errors import error_for_status, not_json, timed_out, unreachable
from tradebot.engine.exchange.ports import Connector, Parameters, StreamClosedError
from tradebot.engine.simulator.core import SimulatedExchange, StreamRefusal
from tradebot.engine.simulator.faults import FaultPlan
from tradebot.engine.simulator.offload import inline
from tradebot.engine.simulator.settings import SimulatorSettings

URL = "http://simulator.memory"
_RESET_HEADER = "X-Bapi-Limit-Reset-Timestamp"


def memory_exchange(
    clock: Clock,
    symbols: int = 3,
    seed: int = 1,
    plan: FaultPlan | None = None,
    beats: float = 1.0,
    exchange_clock: Clock | None = None,
    **settings: Any,
) -> SimulatedExchange:
    """An exchange for a virtual loop: everything inline, few beats a second so that minutes cost little.

    `clock` is the loop's; `exchange_clock` where the exchange's time differs from it.
    """
    usual = {"kline_rate": 0.1, "ticker_rate": 0.1} | settings
    made = SimulatorSettings(seed=seed, symbols=symbols, beats=beats, **usual)
    return SimulatedExchange(made, exchange_clock or clock, clock, plan, inline)


@asynccontextmanager
async def running(exchange: SimulatedExchange) -> AsyncIterator[SimulatedExchange]:
    """Let the exchange's heart beat."""
    life = asyncio.create_task(exchange.run())
    try:
        yield exchange
    finally:
        life.cancel()
        with suppress(asyncio.CancelledError):
            await life
        exchange.close()


class MemoryRest:
    """The REST port on an exchange in memory."""

    def __init__(
        self, exchange: SimulatedExchange, timeout_s: float = 10.0, address: str = "10.0.0.1"
    ) -> None:
        self._exchange = exchange
        self._timeout_s = timeout_s
        self._address = address
        self.server_name = ""
        self.up = True

    @property
    def url(self) -> str:
        return URL

    async def get(self, path: str, params: Parameters) -> dict[str, Any]:
        """One call; raises what `PybitRest.get` raises."""
        if not self.up:
            raise unreachable(URL)
        query = {name: str(value) for name, value in params.items() if value is not None}
        try:
            async with asyncio.timeout(self._timeout_s):
                reply = await self._exchange.answer("GET", path, query, self._address)
        except (TimeoutError, ConnectionResetError):
            raise timed_out(URL, path) from None
        self.server_name = reply.headers.get("Server", "")
        if reply.status != 200:
            raise error_for_status(reply.status, reply.text, URL, path)
        try:
            envelope = json.loads(reply.text)
        except ValueError:
            envelope = None
        if not isinstance(envelope, dict) or "retCode" not in envelope:
            raise not_json(URL, path, reply.text)
        reset = reply.headers.get(_RESET_HEADER, "")
        if envelope["retCode"] != 0 and reset.isdigit():
            envelope["limitResetTimestamp"] = int(reset)
        return envelope


class MemoryStream:
    """One stream connection on an exchange in memory."""

    def __init__(self, exchange: SimulatedExchange, path: str) -> None:
        self._frames: asyncio.Queue[str | None] = asyncio.Queue()
        session = exchange.open_stream(path, self._frames.put_nowait, self._ended)
        if isinstance(session, StreamRefusal):
            raise StreamClosedError(f"HTTP {session.status}")
        self._session = session
        self._code = 1005

    def _ended(self, code: int) -> None:
        self._code = code
        self._frames.put_nowait(None)

    async def send(self, text: str) -> None:
        if not self._session.open:
            raise StreamClosedError(f"closed with {self._code}")
        self._session.receive(text)

    async def receive(self) -> str:
        frame = await self._frames.get()
        if frame is None:
            self._frames.put_nowait(None)
            raise StreamClosedError(f"closed with {self._code}")
        return frame

    async def close(self) -> None:
        self._session.close()
        self._frames.put_nowait(None)


def memory_connector(exchange: SimulatedExchange) -> Connector:
    """Opens stream connections to an exchange in memory."""

    async def connect(url: str) -> MemoryStream:
        await asyncio.sleep(0)
        return MemoryStream(exchange, urlsplit(url).path)

    return connect
