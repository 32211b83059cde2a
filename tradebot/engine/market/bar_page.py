"""Many bars on their way from the exchange to disk: kept as the text they arrive in and are stored as."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import overload

import numpy as np

from tradebot.engine.market.candles import BarRow, Int64


class BarPage(Sequence[BarRow]):
    """Bars, rising, each time once; a `BarRow` is made only when one is looked at.

    `text` holds a line for each bar, `time,open,high,low,close,volume,turnover` (a page of mark prices ends with the
    close), each ended by a line feed; `times` the open times (UTC ms). A collection hands on hundreds of millions of
    numbers that nobody looks at: as objects they would cost most of its processor time.
    """

    __slots__ = ("_lines", "mark", "text", "times")

    def __init__(self, text: bytes, times: Int64, mark: bool = False) -> None:
        self.text = text
        self.times = times
        self.mark = mark
        self._lines: list[str] | None = None

    @classmethod
    def of_lines(cls, lines: Sequence[bytes], times: Sequence[int], mark: bool = False) -> BarPage:
        """From lines without their ends."""
        text = b"\n".join(lines) + b"\n" if lines else b""
        return cls(text, np.array(times, dtype=np.int64), mark)

    @classmethod
    def join(cls, pages: Sequence[BarPage], mark: bool = False) -> BarPage:
        """Pages that follow on each other as one."""
        if len(pages) == 1:
            return pages[0]
        times = [np.zeros(0, dtype=np.int64), *(page.times for page in pages)]
        return cls(b"".join(page.text for page in pages), np.concatenate(times), mark)

    def __len__(self) -> int:
        return len(self.times)

    @overload
    def __getitem__(self, index: int) -> BarRow: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[BarRow]: ...
    def __getitem__(self, index: int | slice) -> BarRow | Sequence[BarRow]:
        if not isinstance(index, slice):
            return self._bar(index)
        start, stop, step = index.indices(len(self))
        if step != 1:
            return [_row(line) for line in self._all_lines()[index]]
        if (start, stop) == (0, len(self)):
            return self
        if start >= stop:
            return BarPage(b"", self.times[:0], self.mark)
        ends = np.flatnonzero(np.frombuffer(self.text, np.uint8) == ord("\n")) + 1
        first = int(ends[start - 1]) if start else 0
        return BarPage(self.text[first : int(ends[stop - 1])], self.times[start:stop], self.mark)

    def _bar(self, index: int) -> BarRow:
        """One bar; the first and the last, which are looked at most, without taking the page apart."""
        if self.text and index in (0, -1):
            cut = self.text.index(b"\n") if index == 0 else self.text.rfind(b"\n", 0, -1) + 1
            return _row((self.text[:cut] if index == 0 else self.text[cut:-1]).decode("ascii"))
        return _row(self._all_lines()[index])

    def __iter__(self) -> Iterator[BarRow]:
        return map(_row, self._all_lines())

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence):
            return NotImplemented
        return len(self) == len(other) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]  # equal to lists, which have none

    def __repr__(self) -> str:
        return f"BarPage({list(self)!r})"

    def _all_lines(self) -> list[str]:
        if self._lines is None:
            self._lines = self.text.decode("ascii").splitlines()
        return self._lines


def _row(line: str) -> BarRow:
    time_ms, open_, high, low, close, *rest = line.split(",")
    volume, turnover = rest or ("", "")
    return BarRow(int(time_ms), open_, high, low, close, volume, turnover)
