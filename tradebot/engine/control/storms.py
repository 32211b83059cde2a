"""Many things at once: the first few are told one by one, the rest are counted and told in one sentence."""

from __future__ import annotations

from collections import deque

__all__ = ["Storm"]

MOST = 3
WINDOW_S = 10.0
_SETTLE_S = 1.0


class Storm:
    """Lets `most` pass within any `window_s` seconds. Not thread-safe; times are seconds of any steady clock.

    >>> storm = Storm(most=1)
    >>> [storm.passes(0.0), storm.passes(0.1), storm.passes(0.2)], storm.held_back(0.3), storm.held_back(1.2)
    ([True, False, False], 0, 2)
    """

    def __init__(self, most: int = MOST, window_s: float = WINDOW_S) -> None:
        self._most = most
        self._window_s = window_s
        self._passed: deque[float] = deque()
        self._held = 0
        self._due_s = 0.0
        self._summed_s: float | None = None

    def passes(self, now_s: float) -> bool:
        """Whether one more may be told now by itself; else it is counted."""
        while self._passed and now_s - self._passed[0] >= self._window_s:
            self._passed.popleft()
        if len(self._passed) < self._most and not self._held:
            self._passed.append(now_s)
            return True
        if not self._held:
            # What comes within a second belongs to the same sentence; the next one waits for a window.
            next_s = now_s if self._summed_s is None else self._summed_s + self._window_s
            self._due_s = max(now_s + _SETTLE_S, next_s)
        self._held += 1
        return False

    def held_back(self, now_s: float) -> int:
        """How many were counted, once it is time to say so; 0 until then."""
        if not self._held or now_s < self._due_s:
            return 0
        held, self._held, self._summed_s = self._held, 0, now_s
        return held
