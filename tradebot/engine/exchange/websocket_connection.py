"""A stream connection over a real socket, by the websockets library."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

from tradebot.engine.exchange.ports import StreamClosedError

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection

OPEN_TIMEOUT_S = 10.0
CLOSE_TIMEOUT_S = 0.5
_QUEUED_FRAMES = 256


class WebsocketConnection:
    """Wraps an open websockets connection."""

    def __init__(self, socket: ClientConnection) -> None:
        from websockets.exceptions import ConnectionClosed

        self._socket = socket
        self._closed = ConnectionClosed

    async def send(self, text: str) -> None:
        """Send one message. Raises StreamClosedError."""
        try:
            await self._socket.send(text)
        except self._closed as error:
            raise StreamClosedError(str(error)) from None

    async def receive(self) -> str:
        """The next message. Raises StreamClosedError."""
        try:
            return await self._socket.recv(decode=True)
        except self._closed as error:
            raise StreamClosedError(str(error)) from None
        except UnicodeDecodeError:
            return ""

    async def close(self) -> None:
        """Close without waiting long for the other side."""
        await self._socket.close()


async def connect_websocket(url: str) -> WebsocketConnection:
    """Open a connection. Raises StreamClosedError where there is none to be had.

    No proxy of the environment is used (the settings alone read the environment), and no compression: inflating
    thousands of small messages a second costs more time than their transfer.
    """
    from websockets.asyncio.client import connect
    from websockets.exceptions import WebSocketException

    try:
        socket = await connect(
            url,
            proxy=None,
            compression=None,
            ping_interval=None,
            open_timeout=OPEN_TIMEOUT_S,
            close_timeout=CLOSE_TIMEOUT_S,
            max_queue=_QUEUED_FRAMES,
        )
    except (OSError, TimeoutError, ssl.SSLError, WebSocketException, EOFError) as error:
        raise StreamClosedError(f"{type(error).__name__}: {error}") from None
    return WebsocketConnection(socket)
