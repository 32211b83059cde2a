"""One dataset's closed bars on their way to the store: gapless, in order, each once, whatever arrives when."""

from __future__ import annotations

from collections.abc import Iterable

from tradebot.engine.market import BarRow, DatasetKey

# Bars that may wait for the history before them; beyond it the oldest are dropped and asked again later.
_MOST_WAITING = 5_000
# Asked this often without an answer while a later bar is there, a bar is taken for a hole of the exchange.
HOLE_ATTEMPTS = 3
_RETRY_FIRST_MS = 2_000
_RETRY_CAP_MS = 60_000


class BarSequence:
    """Knows the next bar to store, the closed bars at hand, and which ones have to be asked for.

    Before `begin` nothing is released: the history up to the live bars is still being collected. A bar counts as
    closed when the stream confirmed it or the exchange's REST interface gave it as closed; it is released once, and
    only after all bars before it.
    """

    def __init__(self, key: DatasetKey) -> None:
        self.key = key
        self._length = key.timeframe.ms
        self._next: int | None = None
        self._ready: dict[int, BarRow] = {}
        self._attempts = 0
        self._ask_again_ms = 0

    @property
    def next_ms(self) -> int | None:
        """Open time of the next bar to be stored; None before `begin`."""
        return self._next

    def begin(self, next_ms: int) -> None:
        """Everything before `next_ms` is stored; go on (or back) from there."""
        self._next = next_ms
        self._attempts = 0
        self._ask_again_ms = 0
        for time_ms in [time_ms for time_ms in self._ready if time_ms < next_ms]:
            del self._ready[time_ms]

    def offer(self, rows: Iterable[BarRow]) -> None:
        """Closed bars, in any order; what is stored or at hand already is passed over."""
        for row in rows:
            if self._next is None or row.time_ms >= self._next:
                self._ready.setdefault(row.time_ms, row)
        while len(self._ready) > _MOST_WAITING:
            del self._ready[min(self._ready)]

    def take(self) -> list[BarRow]:
        """The bars that may be stored now: those that follow without a hole."""
        rows: list[BarRow] = []
        if self._next is None:
            return rows
        while (row := self._ready.pop(self._next, None)) is not None:
            rows.append(row)
            self._next += self._length
        if rows:
            self._attempts = 0
            self._ask_again_ms = 0
        return rows

    def wanted(self, closed_before_ms: int, now_ms: int) -> tuple[int, int] | None:
        """Closed bars that are not at hand and should be asked for now, as a half-open range.

        `closed_before_ms` is the open time of the first bar that may not have closed yet.
        """
        if self._next is None or now_ms < self._ask_again_ms:
            return None
        later = [time_ms for time_ms in self._ready if time_ms > self._next]
        end = min(later) if later else closed_before_ms
        return (self._next, end) if end > self._next else None

    def asked(self, now_ms: int) -> None:
        """An answer to `wanted` was offered, or there was none: wait longer each time before asking again."""
        self._attempts += 1
        pause = min(_RETRY_CAP_MS, _RETRY_FIRST_MS * 2 ** min(self._attempts - 1, 10))
        self._ask_again_ms = now_ms + pause

    def pass_hole(self) -> tuple[int, int] | None:
        """Go on behind bars that the exchange does not have; returns the range that was passed, if any.

        Only where a later bar is at hand and the missing ones were asked for often enough.
        """
        if (
            self._next is None
            or self._attempts < HOLE_ATTEMPTS
            or not self._ready
            or self._next in self._ready
        ):
            return None
        hole = (self._next, min(self._ready))
        self._next = hole[1]
        self._attempts = 0
        self._ask_again_ms = 0
        return hole
