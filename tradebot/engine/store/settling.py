"""One table and the rows staged for it as one stream of text in rising order, a few megabytes at a time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tradebot.engine.market import Int64
from tradebot.engine.store.layout import TableKind
from tradebot.engine.store.lines import IrregularLineError, Lines, line_starts, merge_sorted, scan_times
from tradebot.engine.store.rows import form_problem
from tradebot.engine.store.staging import StagedRows, chunks

_STEP_ROWS = 50_000
_LEGAL = b"0123456789.,+-eE\n"


class NotRisingError(ValueError):
    """The table's own rows do not rise; reading it as a whole says which line is wrong."""


class Settling:
    """The stream of one settlement. After it, `added` rows are new, `last_ms` is the time of the last row, and
    `refused` holds staged lines that are no rows of the table, as only damage to the disk leaves them.
    """

    def __init__(self, path: Path, kind: TableKind, bytes_: int, staged: StagedRows) -> None:
        self.added = 0
        self.last_ms = -1
        self.refused: list[bytes] = []
        self._path = path
        self._kind = kind
        self._bytes = bytes_
        self._staged = staged
        self._position = 0

    def parts(self) -> Iterator[bytes]:
        """The whole new content, header first.

        NotRisingError where the table's own rows do not rise.
        """
        yield self._kind.header
        offset = min(self._bytes, len(self._kind.header))
        for place, text in chunks(self._path, offset, self._bytes) if self._bytes else ():
            offset = place + len(text)
            yield from self._merged(text.replace(b"\r\n", b"\n") if b"\r" in text else text)
        if offset != self._bytes:
            raise NotRisingError
        for lines in self.rest():
            yield lines.text

    def rest(self) -> Iterator[Lines]:
        """The staged rows that are not in the stream yet, which must all be later than it."""
        while self._position < len(self._staged):
            lines = self._next(min(self._position + _STEP_ROWS, len(self._staged)))
            self.added += len(lines)
            if len(lines):
                self.last_ms = int(lines.times[-1])
                yield lines

    def _merged(self, text: bytes) -> Iterator[bytes]:
        times = _rising_times(text, self.last_ms)
        high = int(np.searchsorted(self._staged.times, times[-1], side="right"))
        starts = line_starts(text) if high > self._position else None
        low = 0
        while low < len(times):
            limit = min(high, self._position + _STEP_ROWS)
            cut = len(times)
            if limit < high:
                cut = int(np.searchsorted(times, self._staged.times[limit]))
            held = Lines(text if starts is None else text[starts[low] : starts[cut]], times[low:cut])
            new = self._next(limit)
            merged = merge_sorted(held, new)
            self.added += len(merged) - len(held)
            if len(merged):
                self.last_ms = int(merged.times[-1])
            yield merged.text
            low = cut

    def _next(self, limit: int) -> Lines:
        """The staged rows up to position `limit`, without those that are none."""
        low, self._position = self._position, limit
        text, times = self._staged.take(low, limit), self._staged.times[low:limit]
        if not len(times) or _has_form(text, len(times), self._kind):
            return Lines(text, times)
        sound = [form_problem(_fields(line), self._kind) is None for line in _split(text)]
        self.refused += [line for line, good in zip(_split(text), sound, strict=True) if not good]
        return Lines(text, times).chosen(np.flatnonzero(np.array(sound)))


def _split(text: bytes) -> list[bytes]:
    return text.removesuffix(b"\n").split(b"\n")


def _fields(line: bytes) -> list[str]:
    return line.decode("utf-8", "replace").split(",")


def _has_form(text: bytes, rows: int, kind: TableKind) -> bool:
    """Whether there are that many lines of numbers, each with as many values as the table has columns."""
    if text.translate(None, _LEGAL):
        return False
    starts = line_starts(text)
    commas = np.frombuffer(text, np.uint8) == ord(",")
    counts = np.add.reduceat(commas, starts[:-1], dtype=np.int64)
    return len(starts) == rows + 1 and bool(np.all(counts == len(kind.columns) - 1))


def _rising_times(text: bytes, previous_ms: int) -> Int64:
    try:
        times = scan_times(text)
    except IrregularLineError:
        times = None
    if times is None or times[0] <= previous_ms or not bool(np.all(times[1:] > times[:-1])):
        raise NotRisingError
    return times
