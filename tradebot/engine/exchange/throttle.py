"""The request budget: a sliding window that is never overdrawn, however long answers take."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from tradebot.engine.control.clock import Clock
from tradebot.engine.exchange.pacing import PathPaces
from tradebot.engine.exchange.permits import Permits
from tradebot.engine.exchange.shared_budget import SharedBudget

IP_LIMIT = 600
IP_WINDOW_S = 5.0
BAN_S = 600.0
# Requests that may go at once after a pause, as a part of the budget.
_BURST = 0.04
# After a ban somebody else uses the address too: this part of our share, more again with every minute.
_AFTER_BAN = 0.75
_LEAST_AFTER_BAN = 0.25
_BACK_PER_SECOND = 0.05 / 60


@dataclass(frozen=True, slots=True)
class RequestBudget:
    """Requests of the last window against what the exchange grants; `allowed` is our share of `limit`.

    `retries_by_kind` says how often what was tried again: by the exchange's own code, or the kind of failure where it
    gave none.
    """

    used: int
    allowed: int
    limit: int
    window_s: float
    total: int
    retries: int
    banned_until_ms: int | None
    retries_by_kind: tuple[tuple[str, int], ...] = ()


class Throttle:
    """At most `share` of `limit` requests in any window of `window_s` seconds, as the exchange counts them.

    A slot is taken before a request and comes back one window after its answer. The exchange counted the request
    some time between the two, so its count never exceeds ours, whatever the network's delays. The price is the round
    trip: at 80 ms 98 % of the limit can be used, at 800 ms 86 %. Requests are also spread evenly over the window: a
    program that starts right after another one on the same address then stays within the limit together with what
    that one had just used.

    Waiters are served in the order they came. A ban closes the gate for everybody until it ends, and lowers the share
    for some minutes after it. With `shared`, all processes of this machine keep within one budget, and bulk work
    (`background`) goes after what others wait for. `clock` must run at the pace of the exchange's limit: the real one,
    also where the market's time is made to run faster. Not thread-safe: one event loop.
    """

    def __init__(
        self,
        clock: Clock,
        share: float = 0.75,
        limit: int = IP_LIMIT,
        window_s: float = IP_WINDOW_S,
        shared: SharedBudget | None = None,
        background: bool = False,
    ) -> None:
        if not 0 < share <= 1:
            raise ValueError(f"share must be above 0 and at most 1, was {share}")
        self._clock = clock
        self._limit = limit
        self._window_s = window_s
        self._share = max(1, int(limit * share))
        self._under_way = 0
        self._answered: deque[float] = deque()  # when, of those that still count
        self._due = clock.monotonic()  # when the next request goes if all keep their distance
        self._turn = asyncio.Lock()
        self._waiting = 0
        self._sent: deque[float] = deque(maxlen=self._share)
        self._banned_until = float("-inf")
        self._banned_until_ms: int | None = None
        self._after_ban = 1.0
        self._total = 0
        self._paths = PathPaces(clock, self._share / window_s, share)
        self._permits = Permits(shared, clock, background) if shared is not None else None
        self._retries: Counter[str] = Counter()

    @asynccontextmanager
    async def slot(self, path: str = "") -> AsyncIterator[None]:
        """Hold one request's slot around its sending and its answer."""
        while (pause := self._paths.wait_s(path)) > 0:
            await self._clock.sleep(pause)
        await self._take()
        try:
            yield
        finally:
            self._under_way -= 1
            self._answered.append(self._clock.monotonic())
            if self._permits is not None:
                self._permits.give_back(self._window_s)

    @property
    def waiting(self) -> int:
        """How many requests wait for a slot now."""
        return self._waiting

    async def _take(self) -> None:
        self._waiting += 1
        try:
            async with self._turn:
                while (pause := self._wait_s()) > 0:
                    await self._clock.sleep(pause)
        finally:
            self._waiting -= 1
        now = self._clock.monotonic()
        self._due = max(self._due, now - self._window_s * _BURST) + self._window_s / self._allowed(now)
        self._sent.append(now)

    def _wait_s(self) -> float:
        """Seconds until the next request may go; 0 when it may go now, which takes its slot."""
        now = self._clock.monotonic()
        if now < self._banned_until:
            return self._banned_until - now
        allowed = self._allowed(now)
        while self._answered and self._answered[0] + self._window_s <= now:
            self._answered.popleft()
        if self._under_way + len(self._answered) >= allowed:
            if not self._answered:
                return 0.02  # all are under way: an answer will start a slot's return
            return max(0.001, self._answered[0] + self._window_s - now)
        pause = max(0.0, self._due - now)
        if self._permits is not None and self._permits.usable:
            wanted = max(self._waiting, round(self._lately(now) * 0.1))
            pause = self._permits.wait_s(wanted, allowed, self._window_s)
            self._heed(self._permits.banned_until_ms)
        if pause == 0:
            # Here and not after the sleep: a slot that is found free must not be found free again by another.
            self._under_way += 1
            self._total += 1
        return pause

    def _lately(self, now: float) -> float:
        """Our requests of the last second."""
        count = 0
        for at in reversed(self._sent):
            if at <= now - 1.0:
                break
            count += 1
        return count

    def _allowed(self, now: float) -> int:
        if self._after_ban == 1.0:
            return self._share
        return max(1, int(self._share * self._part_of_share(now)))

    def _part_of_share(self, now: float) -> float:
        back = self._after_ban + _BACK_PER_SECOND * max(0.0, now - self._banned_until)
        if back >= 1.0:
            self._after_ban = 1.0
        return min(1.0, back)

    def retried(self, kind: str) -> None:
        """A request is sent again after a failure of that kind."""
        self._retries[kind] += 1

    def ban(self, seconds: float = BAN_S) -> int:
        """Let nothing through for that long; returns when it ends in UTC milliseconds. Never shortens a ban."""
        until_ms = self._clock.now_ms() + round(seconds * 1000)
        if self._permits is not None:
            self._permits.ban(until_ms)
        return self._close(until_ms, seconds)

    def _heed(self, until_ms: int | None) -> None:
        """A ban that another process met, or this program before it was started again."""
        if until_ms is not None and until_ms > (self._banned_until_ms or 0):
            self._close(until_ms, (until_ms - self._clock.now_ms()) / 1000)

    def _close(self, until_ms: int, seconds: float) -> int:
        now = self._clock.monotonic()
        if now >= self._banned_until:
            self._after_ban = max(_LEAST_AFTER_BAN, _AFTER_BAN * self._part_of_share(now))
        self._banned_until = max(self._banned_until, now + seconds)
        self._banned_until_ms = max(self._banned_until_ms or 0, until_ms)
        return self._banned_until_ms

    def banned_until_ms(self) -> int | None:
        """The end of the ban in UTC milliseconds, also one that another process met; None where there is none."""
        if self._permits is not None and self._clock.monotonic() >= self._banned_until:
            self._heed(self._permits.look())
        return self._banned_until_ms if self._clock.monotonic() < self._banned_until else None

    def refused(self, path: str, wait_s: float | None) -> None:
        """The exchange said "too many visits" to this path: it is slowed down and gets faster again by and by."""
        self._paths.refused(path, wait_s)

    def heard(self, path: str, limits: Mapping[str, int], server_ms: int) -> None:
        """An answer told the limits of its path, see `PathPaces.heard`."""
        self._paths.heard(path, limits, server_ms)

    @property
    def requests_per_second(self) -> float:
        """The rate that uses up our share."""
        return self._allowed(self._clock.monotonic()) / self._window_s

    def close(self) -> None:
        """Give back to other processes what is held of the shared budget."""
        if self._permits is not None:
            self._permits.close()

    def budget(self) -> RequestBudget:
        """What was used in the last window, for a display."""
        now = self._clock.monotonic()
        used = sum(1 for at in self._sent if at > now - self._window_s)
        banned = self._banned_until_ms if now < self._banned_until else None
        return RequestBudget(
            used,
            self._share,
            self._limit,
            self._window_s,
            self._total,
            self._retries.total(),
            banned,
            tuple(self._retries.most_common()),
        )
