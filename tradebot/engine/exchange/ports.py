"""The two small doors to the exchange: one REST call, one stream connection.

Everything above them works the same over real sockets and over an exchange in memory.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

Parameters = Mapping[str, str | int]


class RestPort(Protocol):
    """One REST call: no retries, no throttle, no opinion."""

    @property
    def url(self) -> str:
        """Base address, for sentences."""
        ...

    async def get(self, path: str, params: Parameters) -> dict[str, Any]:
        """The answer's envelope (`retCode`, `retMsg`, `result`, `time`), whatever its retCode.

        Raises ExchangeError where no envelope came: no connection, HTTP status other than 200, not JSON.
        """
        ...


class StreamClosedError(Exception):
    """The connection is gone, or was never made; the text is for the log."""


class StreamConnection(Protocol):
    """One open stream connection carrying texts."""

    async def send(self, text: str) -> None:
        """Send one message. Raises StreamClosedError."""
        ...

    async def receive(self) -> str:
        """The next message. Raises StreamClosedError when the connection is gone."""
        ...

    async def close(self) -> None:
        """Close; a pending `receive` ends."""
        ...


Connector = Callable[[str], Awaitable[StreamConnection]]
"""Opens a connection to a stream URL. Raises StreamClosedError where it cannot."""
