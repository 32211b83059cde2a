"""The public stream's side of one connection: requests, acknowledgements, frames on their way out."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections import deque
from contextlib import suppress
from typing import Any

from aiohttp import WSMsgType, web

from tradebot.engine.control.clock import Clock
from tradebot.engine.simulator.feed import Feed

# A connection may ask for topics of this many characters in all.
_ARGUMENT_CHARACTERS = 21_000
_IDLE_SECONDS = 600.0
# A client that lets this many frames wait is dropped, as the exchange does.
_FRAMES_WAITING = 50_000


class _Request:
    """One decoded frame of a client."""

    def __init__(self, frame: dict[str, Any]) -> None:
        self.operation = frame.get("op", "")
        # Echoed with the type it came in: some clients number their requests.
        self.id = frame.get("req_id", "")
        given = frame.get("args", [])
        self.topics: list[str] = given if isinstance(given, list) else []
        self.sound = isinstance(given, list) and all(isinstance(topic, str) for topic in given)


class Connection:
    """One client of the public stream."""

    def __init__(self, feed: Feed, real_clock: Clock, ack_delay_seconds: float) -> None:
        self._feed = feed
        self._real_clock = real_clock
        self._ack_delay = ack_delay_seconds
        self._socket = web.WebSocketResponse(compress=False, timeout=1.0)
        self._id = str(uuid.uuid4())
        self._asked: set[str] = set()
        self._joined: set[str] = set()
        self._waiting: deque[str] = deque()
        self._wake = asyncio.Event()
        self._judged: asyncio.Queue[tuple[float, _Request, str | None]] = asyncio.Queue()
        self._active_at = real_clock.monotonic()
        self._transport: asyncio.BaseTransport | None = None

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        """Talk with the client until one side ends it."""
        await self._socket.prepare(request)
        self._transport = request.transport
        helpers = [
            asyncio.create_task(self._write(), name="stream-write"),
            asyncio.create_task(self._acknowledge(), name="stream-acknowledge"),
        ]
        try:
            async for message in self._socket:
                self._active_at = self._real_clock.monotonic()
                if message.type is WSMsgType.TEXT:
                    self._take(message.data)
        finally:
            self._feed.leave(self._joined, self)
            for helper in helpers:
                helper.cancel()
            await asyncio.gather(*helpers, return_exceptions=True)
        return self._socket

    async def close(self) -> None:
        """Say goodbye: the exchange goes away (1001)."""
        with suppress(ConnectionError):
            await self._socket.close(code=1001, message=b"going away")

    def drop_if_idle(self) -> None:
        """Cut the connection where neither side has said anything for ten minutes."""
        if self._real_clock.monotonic() - self._active_at > _IDLE_SECONDS:
            self.drop()

    def send(self, text: str) -> None:
        """Queue one text frame."""
        self._waiting.append(text)
        if len(self._waiting) > _FRAMES_WAITING:
            self.drop()
        self._wake.set()

    def drop(self) -> None:
        """End the connection without a word (the client sees 1006)."""
        self._waiting.clear()
        if self._transport is not None:
            self._transport.close()

    def _take(self, text: str) -> None:
        try:
            frame = json.loads(text)
        except ValueError:
            frame = None
        if not isinstance(frame, dict):
            self._reply(False, "Failed to decode incoming data, a JSON object was expected", "", "")
            return
        request = _Request(frame)
        if request.operation == "ping":
            self._reply(True, "pong", request.id, "ping")
        elif request.operation not in {"subscribe", "unsubscribe"}:
            self._reply(False, "error:invalid op", request.id, request.operation)
        else:
            self._judge(request)

    def _judge(self, request: _Request) -> None:
        """Accept the whole request, or refuse the whole of it because of one topic."""
        fault = self._fault(request)
        if fault is None and request.operation == "subscribe":
            self._asked.update(request.topics)
        elif fault is None:
            self._asked.difference_update(request.topics)
        self._judged.put_nowait((self._real_clock.monotonic() + self._ack_delay, request, fault))

    def _fault(self, request: _Request) -> str | None:
        if not request.sound or not request.topics:
            return "args must be a list of topics"
        seen: set[str] = set()
        for topic in request.topics:
            if not self._feed.knows(topic):
                return f"handler not found,topic:{topic}"
            if request.operation == "subscribe" and (topic in self._asked or topic in seen):
                return f"already subscribed,topic:{topic}"
            seen.add(topic)
        if request.operation == "subscribe":
            characters = sum(len(topic) for topic in self._asked | seen)
            if characters > _ARGUMENT_CHARACTERS:
                return f"args length >{_ARGUMENT_CHARACTERS}"
        return None

    async def _acknowledge(self) -> None:
        """Answer requests in order, a moment after each came in, then let the accepted topics flow.

        The moment matters: clients register what they wait for after they have sent it.
        """
        while True:
            due, request, fault = await self._judged.get()
            if fault is None and request.operation == "subscribe":
                await self._feed.warm(request.topics)
            await self._real_clock.sleep(max(0.0, due - self._real_clock.monotonic()))
            self._reply(fault is None, f"error:{fault}" if fault else "", request.id, request.operation)
            if fault is not None:
                continue
            if request.operation == "unsubscribe":
                self._feed.leave(request.topics, self)
                self._joined.difference_update(request.topics)
                continue
            for topic in request.topics:
                self._feed.join(topic, self)
                self._joined.add(topic)

    def _reply(self, success: bool, message: str, request_id: object, operation: object) -> None:
        self.send(
            json.dumps(
                {
                    "success": success,
                    "ret_msg": message,
                    "conn_id": self._id,
                    "req_id": request_id,
                    "op": operation,
                },
                separators=(",", ":"),
            )
        )

    async def _write(self) -> None:
        with suppress(ConnectionError):
            while True:
                await self._wake.wait()
                self._wake.clear()
                while self._waiting:
                    await self._socket.send_str(self._waiting.popleft())
                self._active_at = self._real_clock.monotonic()
