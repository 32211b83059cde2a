"""The exchange's limit on requests from one address."""

from __future__ import annotations

from collections import deque

from tradebot.engine.control.clock import Clock

REQUESTS = 600
WINDOW_SECONDS = 5.0


class RequestLimit:
    """Counts requests by address; above 600 in any 5 s the address is banned for a while. The ban lifts by itself."""

    def __init__(self, clock: Clock, ban_seconds: float) -> None:
        self._clock = clock
        self._ban_seconds = ban_seconds
        self._requests: dict[str, deque[float]] = {}
        self._banned_until: dict[str, float] = {}

    def ban(self, address: str, seconds: float) -> None:
        """Refuse the address for that long."""
        self._banned_until[address] = self._clock.monotonic() + seconds

    def banned_s(self, address: str) -> float:
        """Seconds for which the address is still refused, 0 where it is not."""
        return max(0.0, self._banned_until.get(address, 0.0) - self._clock.monotonic())

    def allows(self, address: str) -> bool:
        """Count one request; False where it must be refused."""
        now = self._clock.monotonic()
        if now < self._banned_until.get(address, now):
            return False
        recent = self._requests.setdefault(address, deque())
        while recent and recent[0] <= now - WINDOW_SECONDS:
            recent.popleft()
        if len(recent) >= REQUESTS:
            self._banned_until[address] = now + self._ban_seconds
            recent.clear()
            return False
        recent.append(now)
        return True
