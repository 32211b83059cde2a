"""One connection to the public stream that keeps itself alive: heart-beat, reconnect, re-subscribe."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from tradebot.engine.control.clock import Clock
from tradebot.engine.exchange.errors import MalformedError
from tradebot.engine.exchange.messages import Ack, Pong, Update, parse_message
from tradebot.engine.exchange.ports import Connector, StreamClosedError, StreamConnection
from tradebot.engine.exchange.stream_status import StreamMeter, StreamStatus, kind_of
from tradebot.engine.exchange.subscribing import batches, judge_refusal, request_text
from tradebot.engine.market import Category


class StreamListener(Protocol):
    """Told what a stream hears; called on the event loop, must not block."""

    def on_update(self, update: Update) -> None:
        """A bar, quote or trade of a subscribed topic."""
        ...

    def on_subscribed(self, topics: frozenset[str]) -> None:
        """From here on these topics are heard; also after each reconnect."""
        ...

    def on_lost(self, sentence: str) -> None:
        """The connection is gone; it will come back by itself."""
        ...

    def on_refused(self, topic: str, sentence: str) -> None:
        """The exchange does not know this topic; told once. It is asked again from time to time, in silence."""
        ...


@dataclass(frozen=True, slots=True)
class StreamSettings:
    """Timing of a stream in seconds of the injected clock."""

    ping_s: float = 18.0
    ack_timeout_s: float = 10.0
    backoff_first_s: float = 0.5
    backoff_cap_s: float = 30.0
    stable_after_s: float = 30.0
    stalled_s: float = 30.0
    refused_again_s: float = 300.0

    @property
    def silent_s(self) -> float:
        """Without any frame for this long the connection is taken for dead."""
        return 2 * self.ping_s + 5.0


class PublicStream:
    """Holds the topics that are wanted on one connection, for as long as `run` runs.

    A refused topic never takes others down. Messages of an earlier connection cannot arrive late: each connection has
    its own reader, which ends before the next is made; `generation` counts them. A connection is given up when it is
    closed, silent, when a kind of topic stops that flowed before, or when `reconnect` is called. `now_ms` is the
    exchange's clock, for latencies; the injected clock by default.
    """

    def __init__(
        self,
        url: str,
        category: Category,
        listener: StreamListener,
        connector: Connector,
        clock: Clock,
        rng: random.Random,
        settings: StreamSettings | None = None,
        now_ms: Callable[[], int] | None = None,
    ) -> None:
        self._url = url
        self._category = category
        self._listener = listener
        self._connector = connector
        self._clock = clock
        self._rng = rng
        self._settings = settings or StreamSettings()
        self._wanted: dict[str, None] = {}
        self._active: set[str] = set()
        self._refused: dict[str, str] = {}
        self._changed = asyncio.Event()
        self._acks: dict[str, asyncio.Future[Ack]] = {}
        self._sequence = 0
        self.generation = 0
        self._connected = False
        self._sentence = "not connected yet"
        self._last_frame: float | None = None
        self._pings: dict[str, float] = {}
        self._latency_ms: float | None = None
        self._malformed = 0
        self._meter = StreamMeter(clock, now_ms or clock.now_ms)
        self._drops = 0
        self._attempts = 0
        self._connected_at = 0.0
        self._give_up = ""
        self._retry_refused = False

    # ------------------------------------------------------------------------------------------ topics

    @property
    def wanted(self) -> frozenset[str]:
        """Topics that should be heard."""
        return frozenset(self._wanted)

    def subscribe(self, topics: Iterable[str]) -> None:
        """Want these topics from now on; a topic refused before is tried again."""
        for topic in topics:
            self._refused.pop(topic, None)
            self._wanted[topic] = None
        self._changed.set()

    def unsubscribe(self, topics: Iterable[str]) -> None:
        """Want these topics no longer."""
        for topic in topics:
            self._wanted.pop(topic, None)
            self._refused.pop(topic, None)
        self._changed.set()

    def status(self) -> StreamStatus:
        """Figures for a display."""
        now = self._clock.monotonic()
        topics = dict(Counter(kind_of(topic) for topic in self._active))
        rates = self._meter.rates()
        return StreamStatus(
            self._url,
            self._connected,
            len(self._active),
            sum(rates.values()),
            None if self._last_frame is None else now - self._last_frame,
            max(0, self.generation - 1),
            self._latency_ms,
            topics,
            rates,
            tuple(self._refused),
            self._malformed,
            self._sentence,
            self._meter.kinds(topics),
            self._drops,
            self._attempts,
            now - self._connected_at if self._connected else 0.0,
        )

    def reconnect(self, sentence: str) -> None:
        """Give the present connection up within a second and make a new one; the sentence says why."""
        self._give_up = sentence

    # ------------------------------------------------------------------------------------------ life

    async def run(self) -> None:
        """Stay connected until cancelled."""
        failures = 0
        while True:
            lived = await self._one_connection()
            failures = 1 if lived >= self._settings.stable_after_s else failures + 1
            longest = min(
                self._settings.backoff_cap_s, self._settings.backoff_first_s * 2 ** min(failures - 1, 30)
            )
            await self._clock.sleep(longest * self._rng.uniform(0.5, 1.0))

    async def _one_connection(self) -> float:
        """Connect, serve until the connection is gone; returns for how many seconds it lived."""
        self._attempts += 1
        try:
            connection = await self._connector(self._url)
        except StreamClosedError:
            self._sentence = f"The stream of the exchange cannot be reached at {self._url}; trying again."
            self._listener.on_lost(self._sentence)
            return 0.0
        began = self._clock.monotonic()
        self.generation += 1
        self._connected, self._sentence, self._last_frame = True, "", began
        self._connected_at, self._give_up = began, ""
        self._meter.connected()
        self._active.clear()
        self._changed.set()
        try:
            self._sentence = await self._serve(connection)
        finally:
            self._connected = False
            self._drops += 1
            self._active.clear()
            self._pings.clear()
            self._fail_acks()
            await connection.close()
        self._listener.on_lost(self._sentence)
        return self._clock.monotonic() - began

    async def _serve(self, connection: StreamConnection) -> str:
        """Read, subscribe and ping until one of them says why the connection is of no use any more."""
        tasks = [
            asyncio.create_task(work(connection))
            for work in (self._read, self._keep_subscribed, self._keep_alive)
        ]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            return next(iter(done)).result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _read(self, connection: StreamConnection) -> str:
        while True:
            try:
                text = await connection.receive()
            except StreamClosedError:
                return f"The stream at {self._url} was closed by the other side; connecting again."
            self._last_frame = self._clock.monotonic()
            self._hear(text)

    def _hear(self, text: str) -> None:
        try:
            message = parse_message(text)
        except MalformedError as error:
            self._malformed += 1
            self._sentence = error.sentence
            return
        if isinstance(message, tuple):
            if message:
                self._meter.count(message[0].kind, message[-1].time_ms)
            for update in message:
                self._listener.on_update(update)
        elif isinstance(message, Pong):
            sent = self._pings.pop(message.request_id, None)
            if sent is None and not message.request_id and self._pings:
                sent = self._pings.pop(next(iter(self._pings)))
            if sent is not None:
                self._latency_ms = (self._clock.monotonic() - sent) * 1000
        else:
            self._settle(message)

    async def _keep_alive(self, connection: StreamConnection) -> str:
        """Ping from the first second on; a socket that stays silent is given up."""
        settings = self._settings
        next_ping = self._clock.monotonic()
        ask_refused = next_ping + settings.refused_again_s
        while True:
            now = self._clock.monotonic()
            if self._give_up:
                return self._give_up
            if self._last_frame is not None and now - self._last_frame > settings.silent_s:
                return f"The stream at {self._url} was silent for {now - self._last_frame:.0f} s; connecting again."
            stalled = self._meter.stalled(settings.stalled_s, self._active)
            if stalled is not None:
                return f"The stream at {self._url} sends no {stalled} any more; connecting again."
            if now >= ask_refused:
                ask_refused = now + settings.refused_again_s
                self._retry_refused = True
                self._changed.set()
            if now >= next_ping:
                next_ping = now + settings.ping_s
                request_id = self._next_id("p")
                self._pings = {request_id: now}
                try:
                    await connection.send(json.dumps({"req_id": request_id, "op": "ping"}))
                except StreamClosedError:
                    return f"The stream at {self._url} was closed by the other side; connecting again."
            await self._clock.sleep(min(1.0, settings.ping_s))

    # ------------------------------------------------------------------------------------------ subscribing

    async def _keep_subscribed(self, connection: StreamConnection) -> str:
        while True:
            self._changed.clear()
            gone = [topic for topic in self._active if topic not in self._wanted]
            passed_over = self._active if self._retry_refused else self._active | self._refused.keys()
            new = [topic for topic in self._wanted if topic not in passed_over]
            self._retry_refused = False
            try:
                for batch in batches(gone, self._category):
                    await self._ask(connection, "unsubscribe", batch)
                    self._active.difference_update(batch)
                for batch in batches(new, self._category):
                    await self._subscribe(connection, batch)
            except StreamClosedError:
                return f"The stream at {self._url} did not confirm a subscription; connecting again."
            await self._changed.wait()

    async def _subscribe(self, connection: StreamConnection, batch: list[str]) -> None:
        """Subscribe what can be subscribed of a batch; bad topics are found and reported."""
        work: list[tuple[str, ...]] = [tuple(batch)]
        while work:
            asked = work.pop()
            ack = await self._ask(connection, "subscribe", asked)
            if ack.success:
                self._note_active(asked)
                continue
            verdict = judge_refusal(asked, ack.words)
            for topic in verdict.bad:
                if topic in self._refused:
                    continue
                sentence = f"The exchange has no stream {topic}; the others go on."
                self._refused[topic] = sentence
                self._listener.on_refused(topic, sentence)
            self._note_active(verdict.already)
            work.extend(verdict.again)

    def _note_active(self, topics: Iterable[str]) -> None:
        heard = frozenset(topics)
        if heard:
            self._active |= heard
            for topic in heard:
                self._refused.pop(topic, None)
            self._listener.on_subscribed(heard)

    async def _ask(self, connection: StreamConnection, operation: str, topics: Iterable[str]) -> Ack:
        """Send a request and wait for its answer. Raises StreamClosedError where none comes in time."""
        request_id = self._next_id("s")
        answer: asyncio.Future[Ack] = asyncio.get_running_loop().create_future()
        self._acks[request_id] = answer
        timer = asyncio.create_task(self._clock.sleep(self._settings.ack_timeout_s))
        waiting: list[asyncio.Future[Any]] = [answer, timer]
        try:
            await connection.send(request_text(operation, list(topics), request_id))
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            if not answer.done():
                raise StreamClosedError("no answer to a subscription")
            return answer.result()
        finally:
            timer.cancel()
            self._acks.pop(request_id, None)

    def _settle(self, ack: Ack) -> None:
        """Hand an answer to whoever waits; refusals may come without the request's number."""
        answer = self._acks.get(ack.request_id)
        if answer is None and not ack.request_id and len(self._acks) == 1:
            answer = next(iter(self._acks.values()))
        if answer is not None and not answer.done():
            answer.set_result(ack)

    def _fail_acks(self) -> None:
        for answer in self._acks.values():
            answer.cancel()
        self._acks.clear()

    def _next_id(self, kind: str) -> str:
        self._sequence += 1
        return f"{kind}{self._sequence}"
