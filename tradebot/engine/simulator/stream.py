"""The public stream's side of one connection: requests, acknowledgements, frames on their way out. No sockets."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Callable
from typing import Any

from tradebot.engine.control.clock import Clock
from tradebot.engine.simulator.faults.stream import StreamFaults
from tradebot.engine.simulator.feed import Feed

# A connection may ask for topics of this many characters in all.
_ARGUMENT_CHARACTERS = 21_000
_SPOT_ARGUMENTS = 10
_IDLE_SECONDS = 600.0
NORMAL, GOING_AWAY, ABNORMAL = 1000, 1001, 1006
Send = Callable[[str], None]
Closed = Callable[[int], None]


class _Request:
    """One decoded frame of a client."""

    def __init__(self, frame: dict[str, Any]) -> None:
        self.operation = frame.get("op", "")
        # Echoed with the type it came in: some clients number their requests.
        self.id = frame.get("req_id", "")
        given = frame.get("args", [])
        self.topics: list[str] = given if isinstance(given, list) else []
        self.sound = isinstance(given, list) and all(isinstance(topic, str) for topic in given)


class StreamSession:
    """One client of the public stream of a category.

    `send` takes a text frame to the client; `closed` is told once, with the close code, that the exchange ends the
    connection (1006: without a word). Both are called on the event loop and must not block.
    """

    def __init__(
        self,
        category: str,
        feed: Feed,
        real_clock: Clock,
        ack_delay_seconds: float,
        faults: StreamFaults,
        send: Send,
        closed: Closed,
        forget: Callable[[StreamSession], object],
    ) -> None:
        self.category = category
        self._feed = feed
        self._real_clock = real_clock
        self._ack_delay = ack_delay_seconds
        self._faults = faults
        self._deliver_to = send
        self._closed_to = closed
        self._forget = forget
        self._id = str(uuid.UUID(int=faults.draw_bits(128), version=4))
        self._asked: set[str] = set()
        self._joined: set[str] = set()
        self._judged: asyncio.Queue[tuple[float, _Request, str | None]] = asyncio.Queue()
        self._active_at = real_clock.monotonic()
        self._helpers = {asyncio.create_task(self._acknowledge(), name="stream-acknowledge")}
        self.open = True

    # ------------------------------------------------------------------------------------------ from the client

    def receive(self, text: str) -> None:
        """A text frame of the client."""
        if not self.open:
            return
        self._active_at = self._real_clock.monotonic()
        try:
            frame = json.loads(text)
        except ValueError:
            frame = None
        if not isinstance(frame, dict):
            self._reply(False, "Failed to decode incoming data, a JSON object was expected", "", "")
            return
        request = _Request(frame)
        if request.operation == "ping":
            if self._faults.pong():
                self._pong(request)
        elif request.operation not in {"subscribe", "unsubscribe"}:
            self._reply(False, "error:invalid op", request.id, request.operation)
        else:
            self._judge(request)

    def ping(self) -> bool:
        """A ping of the WebSocket protocol came in; whether it is to be answered."""
        self._active_at = self._real_clock.monotonic()
        return self.open and self._faults.pong()

    def close(self) -> None:
        """The client has gone: nothing is sent any more."""
        if not self.open:
            return
        self.open = False
        self._feed.leave(self._joined, self, self.category)
        for helper in self._helpers:
            helper.cancel()
        self._helpers.clear()
        self._forget(self)

    # ------------------------------------------------------------------------------------------ to the client

    def send(self, text: str) -> None:
        """Send one text frame, unless a fault keeps it, doubles it or lets it wait."""
        if not self.open:
            return
        if not self._faults.any:
            self._deliver(text)
            return
        verdict = self._faults.judge(self.category, text)
        for delay_s, frame in verdict.frames:
            if delay_s > 0:
                self._later(delay_s, frame)
            else:
                self._deliver(frame)
        if verdict.close_code is not None:
            # Not here and now: whoever sends is going through the list of all who listen.
            self._faults.silence()
            asyncio.get_running_loop().call_soon(self.end, verdict.close_code)

    def end(self, code: int) -> None:
        """The exchange ends the connection; 1006 is the cut without a word."""
        if self.open:
            self.close()
            self._closed_to(code)

    def end_if_idle(self) -> None:
        """Cut the connection where neither side has said anything for ten minutes."""
        if self._real_clock.monotonic() - self._active_at > _IDLE_SECONDS:
            self.end(ABNORMAL)

    def _deliver(self, text: str) -> None:
        if self.open:
            self._active_at = self._real_clock.monotonic()
            self._deliver_to(text)

    def _later(self, delay_s: float, text: str) -> None:
        async def wait() -> None:
            await self._real_clock.sleep(delay_s)
            self._deliver(text)

        task = asyncio.create_task(wait(), name="stream-late-frame")
        self._helpers.add(task)
        task.add_done_callback(self._helpers.discard)

    # ------------------------------------------------------------------------------------------ requests

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
        if self.category == "spot" and len(request.topics) > _SPOT_ARGUMENTS:
            return f"args size >{_SPOT_ARGUMENTS}"
        seen: set[str] = set()
        for topic in request.topics:
            # Leaving a topic is possible also when it has ended meanwhile.
            leaving = request.operation == "unsubscribe" and topic in self._asked
            if not leaving and not self._feed.knows(topic, self.category):
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
                await self._feed.warm(request.topics, self.category)
            await self._real_clock.sleep(max(0.0, due - self._real_clock.monotonic()))
            self._answer_request(request, fault)

    def _answer_request(self, request: _Request, fault: str | None) -> None:
        accepted = "subscribe" if self.category == "spot" else ""
        self._reply(
            fault is None, f"error:{fault}" if fault else accepted, request.id, request.operation, request
        )
        if fault is not None:
            return
        if request.operation == "unsubscribe":
            self._feed.leave(request.topics, self, self.category)
            self._joined.difference_update(request.topics)
            return
        for topic in request.topics:
            if self.open:
                self._joined.add(topic)
                self._feed.join(topic, self, self.category)

    # ------------------------------------------------------------------------------------------ replies

    def _pong(self, request: _Request) -> None:
        if self.category == "option":
            self._say({"args": [str(self._faults.now_ms())], "op": "pong"})
        else:
            self._reply(True, "pong", request.id, "ping", request)

    def _reply(
        self,
        success: bool,
        message: str,
        request_id: object,
        operation: object,
        request: _Request | None = None,
    ) -> None:
        if self.category == "option" and operation in {"subscribe", "unsubscribe"} and request is not None:
            topics: dict[str, list[str]] = {
                "failTopics": [] if success else request.topics,
                "successTopics": request.topics if success else [],
            }
            self._say({"success": success, "conn_id": self._id, "data": topics, "type": "COMMAND_RESP"})
            return
        reply: dict[str, object] = {"success": success, "ret_msg": message, "conn_id": self._id}
        if not (self.category == "spot" and operation == "ping"):
            reply["req_id"] = request_id
        self._say({**reply, "op": operation})

    def _say(self, reply: dict[str, object]) -> None:
        self.send(json.dumps(reply, separators=(",", ":")))
