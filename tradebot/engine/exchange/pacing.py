"""The pace of single paths, where the exchange limits one of them beside the limit of the address."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from tradebot.engine.control.clock import Clock

_SECOND = 1.0
# A refused path goes on at half its pace and gets faster by so many requests a second, each second.
_SLOWER = 0.5
_FASTER = 2.0
_SLOWEST = 1.0
_HOLD_S = 1.0
_LONGEST_HOLD_S = 60.0


@dataclass(slots=True)
class _Path:
    """Requests a second that a path may take as of `since`, and what was sent."""

    rate: float = float("inf")
    since: float = 0.0
    due: float = 0.0
    closed_until: float = 0.0
    granted: float = float("inf")  # what the exchange's own headers say
    sent: deque[float] = field(default_factory=lambda: deque(maxlen=256))


class PathPaces:
    """Slows a path down that was refused, lets it recover additively, and keeps to limits that answers tell.

    `free_rate` is the pace at which nothing needs to be held back any more: that of the whole budget.
    """

    def __init__(self, clock: Clock, free_rate: float, share: float) -> None:
        self._clock = clock
        self._free_rate = free_rate
        self._share = share
        self._paths: dict[str, _Path] = {}

    def wait_s(self, path: str) -> float:
        """Seconds until the next request to this path may go; 0 takes the turn."""
        state = self._paths.get(path)
        if state is None:
            state = self._paths[path] = _Path()
        now = self._clock.monotonic()
        if state.closed_until > now:
            return state.closed_until - now
        rate = self.rate(path)
        if rate < self._free_rate:
            if state.due > now:
                return state.due - now
            state.due = max(state.due, now - _SECOND / rate) + _SECOND / rate
        state.sent.append(now)
        return 0.0

    def rate(self, path: str) -> float:
        """Requests a second that the path may take now."""
        state = self._paths.get(path)
        if state is None:
            return self._free_rate
        recovered = state.rate + _FASTER * (self._clock.monotonic() - state.since)
        return max(_SLOWEST, min(self._free_rate, recovered, state.granted))

    def refused(self, path: str, wait_s: float | None) -> None:
        """The exchange refused a request to this path; it said how long to wait, or nothing."""
        state = self._paths.setdefault(path, _Path())
        now = self._clock.monotonic()
        if state.closed_until > now:
            return  # one of several that were under way together: they are one refusal
        lately = sum(1 for at in state.sent if at > now - _SECOND)
        pace = min(self.rate(path), max(_SLOWEST, float(lately)))
        hold = _HOLD_S if wait_s is None else min(_LONGEST_HOLD_S, max(0.0, wait_s))
        state.rate, state.since = max(_SLOWEST, pace * _SLOWER), now + hold
        state.closed_until = state.due = now + hold

    def heard(self, path: str, limits: Mapping[str, int], server_ms: int) -> None:
        """Limit headers of an answer: `limit` requests a second, `remaining` of them, all again at `reset_ms`."""
        state = self._paths.setdefault(path, _Path())
        limit = limits.get("limit", 0)
        state.granted = max(_SLOWEST, limit * self._share) if limit > 0 else float("inf")
        if limits.get("remaining") == 0:
            hold = min(_LONGEST_HOLD_S, max(0.0, (limits.get("reset_ms", 0) - server_ms) / 1000))
            state.closed_until = max(state.closed_until, self._clock.monotonic() + hold)
