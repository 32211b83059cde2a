"""As many stream connections as the topics need."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from tradebot.engine.control.clock import Clock
from tradebot.engine.control.events import Level
from tradebot.engine.exchange.client import Notice
from tradebot.engine.exchange.stream import PublicStream
from tradebot.engine.exchange.stream_status import StreamStatus
from tradebot.engine.exchange.subscribing import CONNECTION_CHARACTERS, topic_characters

_RESTART_S = 1.0


class StreamPool:
    """Spreads topics over connections within the exchange's limit of topics a connection, and keeps them running."""

    def __init__(self, make_stream: Callable[[], PublicStream], clock: Clock, notice: Notice) -> None:
        self._make_stream = make_stream
        self._clock = clock
        self._notice = notice
        self._streams: list[tuple[PublicStream, asyncio.Task[None]]] = []
        self._home: dict[str, PublicStream] = {}

    def subscribe(self, topics: Iterable[str]) -> None:
        """Want these topics; connections are opened as needed. Must be called on the running event loop."""
        added: dict[PublicStream, list[str]] = {}
        room = {stream: self._room(stream) for stream, _ in self._streams}
        for topic in topics:
            stream = self._home.get(topic)
            if stream is None:
                size = topic_characters(topic)
                stream = next((one for one, left in room.items() if left >= size), None) or self._open(room)
                room[stream] -= size
                self._home[topic] = stream
            added.setdefault(stream, []).append(topic)
        for stream, names in added.items():
            stream.subscribe(names)

    def unsubscribe(self, topics: Iterable[str]) -> None:
        """Want these topics no longer; connections stay open."""
        for topic in topics:
            stream = self._home.pop(topic, None)
            if stream is not None:
                stream.unsubscribe([topic])

    def status(self) -> list[StreamStatus]:
        """One entry a connection."""
        return [stream.status() for stream, _ in self._streams]

    def reconnect(self, sentence: str) -> None:
        """Give all connections up and make new ones; the sentence says why."""
        for stream, _ in self._streams:
            stream.reconnect(sentence)

    async def close(self) -> None:
        """Close all connections."""
        tasks = [task for _, task in self._streams]
        self._streams.clear()
        self._home.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    @staticmethod
    def _room(stream: PublicStream) -> int:
        return CONNECTION_CHARACTERS - sum(topic_characters(topic) for topic in stream.wanted)

    def _open(self, room: dict[PublicStream, int]) -> PublicStream:
        stream = self._make_stream()
        room[stream] = CONNECTION_CHARACTERS
        self._streams.append((stream, asyncio.create_task(self._keep_running(stream))))
        return stream

    async def _keep_running(self, stream: PublicStream) -> None:
        while True:
            try:
                await stream.run()
            except Exception as error:  # noqa: BLE001 - a fault of one listener must not end the feed
                name = type(error).__name__
                self._notice(
                    Level.ERROR, f"A stream connection stopped by a fault ({name}) and is started again."
                )
            await self._clock.sleep(_RESTART_S)
