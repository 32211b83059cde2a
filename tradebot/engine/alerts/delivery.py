"""Notifications to an address of the person's own: one JSON document each, a few tries, never a queue without end."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Awaitable, Callable

from tradebot.engine.alerts.watch import Firing
from tradebot.engine.control.clock import Clock
from tradebot.engine.control.events import EventLog
from tradebot.engine.market.times import iso_ms

TIMEOUT_S = 5.0
TRIES = 2
AGAIN_S = 3.0
MOST_WAITING = 20

Post = Callable[[str, bytes], int]
"""Sends a document to an address and gives the HTTP status back; OSError where it cannot be reached."""


InThread = Callable[[Callable[[], int]], Awaitable[int]]
"""Runs a blocking call beside the loop, such as `asyncio.to_thread`."""


class WebHook:
    """Sends each notification to one address. What fails twice is said once and dropped.

    The document has `name`, `time`, `sentence`, and the sentence again as `text` and `content`, which chat services
    show as it is.
    """

    def __init__(self, url: str, clock: Clock, events: EventLog, post: Post) -> None:
        self._url = url
        self._clock = clock
        self._events = events
        self._post = post
        self._waiting: deque[Firing] = deque()
        self._failing = False

    def add(self, firing: Firing) -> None:
        """Take one to be sent; beyond twenty that wait the oldest is dropped."""
        if len(self._waiting) >= MOST_WAITING:
            self._waiting.popleft()
        self._waiting.append(firing)

    async def send(self, in_thread: InThread) -> None:
        """Send what waits."""
        while self._waiting:
            await self._deliver(self._waiting.popleft(), in_thread)

    async def _deliver(self, firing: Firing, in_thread: InThread) -> None:
        body = document_of(firing)
        for number in range(TRIES):
            if number:
                await self._clock.sleep(AGAIN_S)
            reason = await self._once(body, in_thread)
            if not reason:
                self._failing = False
                return
        if not self._failing:
            self._failing = True
            # The address may hold a secret of its own, so that it is not said.
            self._events.warning(
                "web-hook",
                f"The web-hook of the alerts does not take them ({reason}); they are on the screen and in the history. "
                "Mend alerts.webhook in the settings.",
            )

    async def _once(self, body: bytes, in_thread: InThread) -> str:
        try:
            status = await in_thread(lambda: self._post(self._url, body))
        except OSError as error:
            return (error.strerror or type(error).__name__).lower()
        return "" if 200 <= status < 300 else f"it answers {status}"


def document_of(firing: Firing) -> bytes:
    """The JSON of a notification."""
    told = {"name": firing.name, "time": iso_ms(firing.time_ms), "sentence": firing.sentence}
    return json.dumps(
        {**told, "text": firing.sentence, "content": firing.sentence}, ensure_ascii=False
    ).encode()


def post_json(url: str, body: bytes) -> int:
    """POST a JSON document; the HTTP status. OSError where the address cannot be reached within five seconds."""
    import urllib3

    headers = {"Content-Type": "application/json; charset=utf-8"}
    try:
        reply = urllib3.request(
            "POST", url, body=body, headers=headers, timeout=TIMEOUT_S, retries=False, redirect=False
        )
    except urllib3.exceptions.HTTPError as error:
        raise ConnectionError(0, type(error).__name__) from None
    return reply.status
