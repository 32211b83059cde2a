"""One stream connection over a real socket: frames of a session out, frames of the client in."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress

from aiohttp import WSMsgType, web

from tradebot.engine.simulator.core import SimulatedExchange, StreamRefusal
from tradebot.engine.simulator.stream import ABNORMAL, StreamSession

# A client that lets this many frames wait is dropped, as the exchange does.
_FRAMES_WAITING = 50_000
_WORDS = {1000: b"", 1001: b"going away"}


class SocketConnection:
    """Carries one client's stream over a WebSocket."""

    def __init__(self, exchange: SimulatedExchange) -> None:
        self._exchange = exchange
        # Pings of the protocol are answered by hand, because a fault may want them unanswered.
        self._socket = web.WebSocketResponse(compress=False, timeout=1.0, autoping=False)
        self._waiting: deque[str] = deque()
        self._wake = asyncio.Event()
        self._close_code: int | None = None
        self._transport: asyncio.BaseTransport | None = None
        self._session: StreamSession | None = None
        self._writer: asyncio.Task[None] | None = None

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Talk with the client until one side ends it."""
        session = self._exchange.open_stream(request.path, self._take, self._end)
        if isinstance(session, StreamRefusal):
            return web.Response(status=session.status, text=session.text)
        self._session = session
        try:
            await self._socket.prepare(request)
            self._transport = request.transport
            self._writer = asyncio.create_task(self._write(), name="stream-write")
            try:
                await self._read(session)
            finally:
                self._writer.cancel()
                await asyncio.gather(self._writer, return_exceptions=True)
        finally:
            session.close()
        return self._socket

    async def finished(self) -> None:
        """Wait until the client has been told that it is over, and everything before it."""
        if self._writer is not None:
            await asyncio.gather(self._writer, return_exceptions=True)

    async def _read(self, session: StreamSession) -> None:
        async for message in self._socket:
            if message.type is WSMsgType.TEXT:
                session.receive(message.data)
            elif message.type is WSMsgType.PING and session.ping():
                with suppress(ConnectionError):
                    await self._socket.pong(message.data)

    def _take(self, text: str) -> None:
        self._waiting.append(text)
        if len(self._waiting) > _FRAMES_WAITING and self._session is not None:
            self._session.end(ABNORMAL)
        self._wake.set()

    def _end(self, code: int) -> None:
        if code == ABNORMAL:
            self._waiting.clear()
            if isinstance(self._transport, asyncio.WriteTransport):
                self._transport.abort()
            return
        self._close_code = code
        self._wake.set()

    async def _write(self) -> None:
        with suppress(ConnectionError):
            while True:
                await self._wake.wait()
                self._wake.clear()
                while self._waiting:
                    await self._socket.send_str(self._waiting.popleft())
                if self._close_code is not None:
                    await self._socket.close(code=self._close_code, message=_WORDS.get(self._close_code, b""))
                    return
