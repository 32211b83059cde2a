"""The request budget: a sliding window that is never overdrawn, however long answers take."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from tradebot.engine.control.clock import Clock

IP_LIMIT = 600
IP_WINDOW_S = 5.0
BAN_S = 600.0
# Requests that may go at once after a pause, as a part of the budget.
_BURST = 0.04


@dataclass(frozen=True, slots=True)
class RequestBudget:
    """Requests of the last window against what the exchange grants; `allowed` is our share of `limit`."""

    used: int
    allowed: int
    limit: int
    window_s: float
    total: int
    retries: int
    banned_until_ms: int | None


class Throttle:
    """At most `share` of `limit` requests in any window of `window_s` seconds, as the exchange counts them.

    A slot is taken before a request and comes back one window after its answer. The exchange counted the request
    some time between the two, so its count can never exceed ours, whatever the network's delays. Requests are also
    spread evenly over the window: a program that starts right after another one on the same address then stays
    within the limit together with what that one had just used.

    Waiters are served in the order they came. A ban closes the gate for everybody until it ends. `clock` must run at
    the pace of the exchange's limit: the real one, also where the market's time is made to run faster.
    Not thread-safe: one event loop.
    """

    def __init__(
        self, clock: Clock, share: float = 0.75, limit: int = IP_LIMIT, window_s: float = IP_WINDOW_S
    ) -> None:
        if not 0 < share <= 1:
            raise ValueError(f"share must be above 0 and at most 1, was {share}")
        self._clock = clock
        self._limit = limit
        self._window_s = window_s
        self._allowed = max(1, int(limit * share))
        self._free = self._allowed
        self._returning: deque[float] = deque()  # when taken slots come back, rising
        self._interval_s = window_s / self._allowed
        self._burst_s = window_s * _BURST
        self._due = clock.monotonic()  # when the next request goes if all keep their distance
        self._turn = asyncio.Lock()
        self._sent: deque[float] = deque(maxlen=self._allowed)
        self._banned_until = 0.0
        self._banned_until_ms: int | None = None
        self._total = 0
        self.retries = 0

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Hold one request's slot around its sending and its answer."""
        await self._take()
        try:
            yield
        finally:
            self._returning.append(self._clock.monotonic() + self._window_s)

    async def _take(self) -> None:
        async with self._turn:
            while (pause := self._wait_s()) > 0:
                await self._clock.sleep(pause)
            self._free -= 1
            self._total += 1
            now = self._clock.monotonic()
            self._due = max(self._due, now - self._burst_s) + self._interval_s
            self._sent.append(now)

    def _wait_s(self) -> float:
        """Seconds until the next request may go; 0 when it may go now."""
        now = self._clock.monotonic()
        if now < self._banned_until:
            return self._banned_until - now
        while self._returning and self._returning[0] <= now:
            self._returning.popleft()
            self._free += 1
        if self._free > 0:
            return max(0.0, self._due - now)
        # All slots are under way: look again soon, an answer will start a slot's return.
        return max(0.001, self._returning[0] - now) if self._returning else 0.02

    def ban(self, seconds: float = BAN_S) -> int:
        """Let nothing through for that long; returns when it ends in UTC milliseconds. Never shortens a ban."""
        self._banned_until = max(self._banned_until, self._clock.monotonic() + seconds)
        self._banned_until_ms = max(self._banned_until_ms or 0, self._clock.now_ms() + round(seconds * 1000))
        return self._banned_until_ms

    @property
    def requests_per_second(self) -> float:
        """The rate that uses up our share."""
        return self._allowed / self._window_s

    def budget(self) -> RequestBudget:
        """What was used in the last window, for a display."""
        now = self._clock.monotonic()
        used = sum(1 for at in self._sent if at > now - self._window_s)
        banned = self._banned_until_ms if now < self._banned_until else None
        return RequestBudget(
            used, self._allowed, self._limit, self._window_s, self._total, self.retries, banned
        )
