"""Bybit's public stream in memory: a connector whose connections a test can drop, silence and script."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

from tradebot.engine.exchange import StreamClosedError


class FakeConnection:
    """One connection; `server.answer` decides about each request."""

    def __init__(self, server: FakeStreamServer) -> None:
        self._server = server
        self._frames: asyncio.Queue[str | None] = asyncio.Queue()
        self.open = True
        self.topics: set[str] = set()
        self.requests: list[dict[str, Any]] = []

    async def send(self, text: str) -> None:
        if not self.open:
            raise StreamClosedError("closed")
        request = json.loads(text)
        self.requests.append(request)
        if not self._server.silent:
            for frame in self._server.answer(self, request):
                self.push(frame)

    async def receive(self) -> str:
        frame = await self._frames.get()
        if frame is None:
            raise StreamClosedError("closed")
        return frame

    async def close(self) -> None:
        self.drop()

    def push(self, frame: dict[str, Any] | str) -> None:
        if self.open:
            self._frames.put_nowait(frame if isinstance(frame, str) else json.dumps(frame))

    def drop(self) -> None:
        if self.open:
            self.open = False
            self._frames.put_nowait(None)


class FakeStreamServer:
    """Accepts connections; `bad` topics are unknown to it."""

    def __init__(self, bad: set[str] | None = None, most_args: int = 10_000) -> None:
        self.bad = bad or set()
        self.most_args = most_args
        self.silent = False
        self.refuse = False
        self.anonymous_errors = False
        self.words: Callable[[str], str] = "error:handler not found,topic:{}".format
        self.connections: list[FakeConnection] = []
        self.attempts = 0

    async def connect(self, url: str) -> FakeConnection:
        self.attempts += 1
        if self.refuse:
            raise StreamClosedError("refused")
        connection = FakeConnection(self)
        self.connections.append(connection)
        return connection

    @property
    def live(self) -> list[FakeConnection]:
        return [connection for connection in self.connections if connection.open]

    def publish(self, frame: dict[str, Any]) -> None:
        """Send to every open connection that listens to the frame's topic."""
        if not self.silent:
            for connection in self.live:
                if frame["topic"] in connection.topics:
                    connection.push(frame)

    def answer(self, connection: FakeConnection, request: dict[str, Any]) -> list[dict[str, Any]]:
        request_id = request.get("req_id", "")
        if request["op"] == "ping":
            return [{"success": True, "ret_msg": "pong", "conn_id": "c", "req_id": request_id, "op": "ping"}]
        args = request["args"]
        problem = ""
        if request["op"] == "subscribe":
            unknown = [topic for topic in args if topic in self.bad]
            twice = [topic for topic in args if topic in connection.topics]
            if len(args) > self.most_args:
                problem = f"args size >{self.most_args}"
            elif unknown:
                problem = self.words(unknown[0])
            elif twice:
                problem = f"error:already subscribed,topic:{twice[0]}"
            else:
                connection.topics |= set(args)
        else:
            connection.topics -= set(args)
        frame = {
            "success": not problem,
            "ret_msg": problem,
            "conn_id": "c",
            "req_id": request_id,
            "op": request["op"],
        }
        if problem and self.anonymous_errors:
            del frame["req_id"]
        return [frame]
