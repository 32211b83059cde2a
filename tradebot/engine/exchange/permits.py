"""A process' requests out of the shared budget: taken a few at a time, used at their moment, given back when over."""

from __future__ import annotations

from collections import deque

from tradebot.engine.control.clock import Clock
from tradebot.engine.exchange.shared_budget import MOST_AT_ONCE, Ask, BusyError, SharedBudget

# A permit that was not used by then is given back.
_STALE_S = 1.0
_BUSY_PAUSE_S = 0.003
_LONGEST_BUSY_S = 0.5
# Where the file cannot be used, the own throttle is enough for so long.
_ALONE_S = 5.0
_LOOK_EVERY_S = 1.0
_MOST_RETURNED = 2_000


class Permits:
    """Not thread-safe: one event loop. Never raises: where the file cannot be used, `usable` says so for a while."""

    def __init__(self, shared: SharedBudget, clock: Clock, background: bool) -> None:
        self._shared = shared
        self._clock = clock
        self._background = background
        self._times: deque[float] = deque()  # when each may be used, on the monotonic clock
        self._returned: deque[float] = deque(maxlen=_MOST_RETURNED)
        self._unused = 0
        self._busy_since: float | None = None
        self._alone_until = float("-inf")
        self._ask_at = float("-inf")
        self._looked_at = float("-inf")
        self.banned_until_ms: int | None = None

    @property
    def usable(self) -> bool:
        """Whether permits are to be had; otherwise the own throttle has to be enough."""
        return self._clock.monotonic() >= self._alone_until

    def wait_s(self, wanted: int, allowed: int, window_s: float) -> float:
        """Seconds until a permit may be used; 0 uses one."""
        now = self._clock.monotonic()
        while self._times and self._times[0] < now - _STALE_S:
            self._times.popleft()
            self._unused += 1
        if not self._times:
            if now < self._ask_at:
                return self._ask_at - now
            pause = self._ask(max(1, min(MOST_AT_ONCE, wanted)), allowed, window_s)
            if pause > 0 or not self._times:
                return pause
        if self._times[0] > now:
            return self._times[0] - now
        self._times.popleft()
        return 0.0

    def _ask(self, wanted: int, allowed: int, window_s: float) -> float:
        """Take permits; returns a pause where there are none now, 0 also where the file cannot be used."""
        now, now_ms = self._clock.monotonic(), self._clock.now_ms()
        ask = Ask(wanted, allowed, window_s * 1000, tuple(self._returned), self._unused, self._background)
        try:
            grant = self._shared.reserve(ask)
        except BusyError:
            self._busy_since = self._busy_since or now
            if now - self._busy_since < _LONGEST_BUSY_S:
                return _BUSY_PAUSE_S
            return self._go_alone(now)
        except OSError:
            return self._go_alone(now)
        self._busy_since = None
        self._returned.clear()
        self._unused = 0
        self.banned_until_ms = grant.banned_until_ms
        self._times.extend(now + (at - now_ms) / 1000 for at in grant.times_ms)
        self._ask_at = now + grant.wait_s
        return grant.wait_s

    def _go_alone(self, now: float) -> float:
        self._busy_since = None
        self._alone_until = now + _ALONE_S
        return 0.0

    def give_back(self, after_s: float) -> None:
        """A request was answered; it counts for `after_s` seconds more."""
        self._returned.append(self._clock.now_ms() + after_s * 1000)

    def ban(self, until_ms: int) -> None:
        """Tell the other processes of a ban, where that is possible."""
        self.banned_until_ms = until_ms
        try:
            self._shared.ban(until_ms)
        except (BusyError, OSError):
            self._go_alone(self._clock.monotonic())

    def look(self) -> int | None:
        """The end of a ban that stands in the file; looks at most once a second."""
        now = self._clock.monotonic()
        if now - self._looked_at >= _LOOK_EVERY_S:
            self._looked_at = now
            try:
                self.banned_until_ms = self._shared.banned_until_ms()
            except BusyError:
                self._looked_at = float("-inf")
            except OSError:
                self._go_alone(now)
        return self.banned_until_ms

    def close(self) -> None:
        """Give everything back."""
        try:
            self._shared.leave(tuple(self._returned))
        except (BusyError, OSError):
            return  # what is held runs out by itself
