"""One dataset's closed bars on their way to the store: gapless, in order, each once, whatever arrives when."""

from __future__ import annotations

from collections.abc import Iterable

from tradebot.engine.market import BarRow, DatasetKey

# Bars that may wait for the ones before them. Before `begin` the oldest are dropped beyond it (history brings them),
# after it the newest (they are asked again).
_MOST_WAITING = 5_000
# At first this many bars are asked for, so that a long absence is made good in pieces; where none of them came, it is
# looked further, because the exchange may have nothing in between.
_MOST_ASKED = 1_000
_FURTHEST_ASKED = 20_000
# Asked this often in vain while a later bar is there, a bar is passed as a hole of the exchange: with the
# pauses in between that is a minute.
HOLE_ATTEMPTS = 6
_RETRY_FIRST_MS = 2_000
_RETRY_CAP_MS = 60_000
# Released bars that are remembered, to see whether the exchange gives them differently later.
_REMEMBERED = 4


class BarSequence:
    """Knows the next bar to store, the closed bars at hand, and which ones have to be asked for.

    Before `begin` nothing is released: the history up to the live bars is still being collected. A bar counts as
    closed when the stream confirmed it or the exchange's REST interface gave it as closed; it is released once, and
    only after all bars before it. The first proof counts: a second version of a bar never replaces the first, because
    what was stored and told is never altered; that it differed is counted in `differing`.
    `followed_from_ms` is the first bar that had not closed when the dataset was followed.
    """

    def __init__(self, key: DatasetKey, followed_from_ms: int = 0) -> None:
        self.key = key
        self.followed_from_ms = followed_from_ms
        self.differing = 0
        self._length = key.timeframe.ms
        self._next: int | None = None
        self._ready: dict[int, BarRow] = {}
        self._released: dict[int, BarRow] = {}
        self._attempts = 0
        self._in_vain = 0
        self._ask_again_ms = 0

    @property
    def next_ms(self) -> int | None:
        """Open time of the next bar to be stored; None before `begin`."""
        return self._next

    @property
    def in_vain(self) -> int:
        """How many answers did not hold the next bar; failures to get an answer do not count."""
        return self._in_vain

    @property
    def last_ms(self) -> int | None:
        """Open time of the last released bar that is still remembered, None without."""
        return max(self._released, default=None)

    def begin(self, next_ms: int) -> None:
        """Everything before `next_ms` is stored; go on (or back) from there."""
        self._next = next_ms
        self._attempts = self._in_vain = 0
        self._ask_again_ms = 0
        self._ready = {time_ms: row for time_ms, row in self._ready.items() if time_ms >= next_ms}
        self._released = {time_ms: row for time_ms, row in self._released.items() if time_ms < next_ms}

    def offer(self, rows: Iterable[BarRow]) -> list[BarRow]:
        """Closed bars, in any order; what is released or at hand already is passed over.

        Returns those that the exchange gave before with other values.
        """
        differing, waited = [], bool(self._ready)
        for row in rows:
            known = self._released.get(row.time_ms) or self._ready.get(row.time_ms)
            if known is not None:
                if known != row and _values(known) != _values(row):
                    differing.append(row)
            elif self._next is None or row.time_ms >= self._next:
                self._ready[row.time_ms] = row
        if self._ready and not waited and self._next not in self._ready:
            self._ask_again_ms = (
                0  # the first later bar: what lies before it should be there by now, or is a hole
            )
        drop = min if self._next is None else max
        while len(self._ready) > _MOST_WAITING:
            del self._ready[drop(self._ready)]
        self.differing += len(differing)
        return differing

    def take(self) -> list[BarRow]:
        """The bars that may be stored now: those that follow without a hole."""
        rows: list[BarRow] = []
        if self._next is None:
            return rows
        while (row := self._ready.pop(self._next, None)) is not None:
            rows.append(row)
            self._next += self._length
        if rows:
            self._attempts = self._in_vain = 0
            self._ask_again_ms = 0
            self._released.update((row.time_ms, row) for row in rows[-_REMEMBERED:])
            for time_ms in sorted(self._released)[:-_REMEMBERED]:
                del self._released[time_ms]
        return rows

    def wanted(self, closed_before_ms: int, now_ms: int) -> tuple[int, int] | None:
        """Closed bars that are not at hand and should be asked for now, as a half-open range.

        `closed_before_ms` is the open time of the first bar that may not have closed yet.
        """
        if self._next is None or now_ms < self._ask_again_ms:
            return None
        if self._next in self._ready:
            return None
        end = min(self._ready) if self._ready else closed_before_ms
        end = min(end, self._next + self._reach)
        return (self._next, end) if end > self._next else None

    @property
    def _reach(self) -> int:
        return (_FURTHEST_ASKED if self._in_vain else _MOST_ASKED) * self._length

    def asked(self, now_ms: int, answered: bool = True) -> None:
        """The next bar did not come, in an answer or for want of one: wait longer each time before asking again."""
        self._attempts += 1
        self._in_vain += answered
        pause = min(_RETRY_CAP_MS, _RETRY_FIRST_MS * 2 ** min(self._attempts - 1, 10))
        self._ask_again_ms = now_ms + pause

    def pass_hole(self) -> tuple[int, int] | None:
        """Go on behind bars that the exchange does not have; returns the range that was passed, if any.

        Only where a later bar is at hand and the missing ones were asked for often enough.
        """
        if (
            self._next is None
            or self._in_vain < HOLE_ATTEMPTS
            or not self._ready
            or self._next in self._ready
        ):
            return None
        hole = (self._next, min(self._next + self._reach, *self._ready))
        self._next = hole[1]
        self._attempts = self._in_vain = 0
        self._ask_again_ms = 0
        return hole


def is_sound(row: BarRow) -> bool:
    """Whether a bar's prices agree with one another; one that does not is asked for again instead of stored."""
    low, high = float(row.low), float(row.high)
    return 0 < low <= min(float(row.open), float(row.close)) and high >= max(
        float(row.open), float(row.close)
    )


def _values(row: BarRow) -> tuple[float, ...]:
    """The numbers of a bar: the stream and REST may write the same one with other digits."""
    return tuple(float(text or "nan") for text in row[1:])
