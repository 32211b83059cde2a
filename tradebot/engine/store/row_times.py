"""Rows of a table by their times: which are there, which are new."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tradebot.engine.control.errors import InputError
from tradebot.engine.market import Int64
from tradebot.engine.store.layout import TableKind
from tradebot.engine.store.lines import IrregularLineError, Lines
from tradebot.engine.store.parsing import split_table


def lines_of_table(data: bytes, path: Path, kind: TableKind) -> Lines:
    """The complete rows of a file's content, which must rise; InputError with the line where they do not."""
    if not data:
        return Lines(b"", np.empty(0, np.int64))
    body = split_table(data, path, kind).body
    try:
        lines = Lines.of_text(body)
    except IrregularLineError:
        lines = None
    if lines is not None and bool(np.all(lines.times[1:] > lines.times[:-1])):
        return lines
    previous = -1
    for number, line in enumerate(body.removesuffix(b"\n").split(b"\n"), start=2):
        stamp = line.partition(b",")[0]
        if not (stamp.isdigit() and len(stamp) <= 13 and int(stamp) > previous):
            shown = stamp[:40].decode("utf-8", "replace")
            raise InputError(
                f'{path}, line {number}: the timestamp is "{shown}", expected a whole number of milliseconds '
                "above the one of the row before; correct or delete that line."
            )
        previous = int(stamp)
    raise AssertionError(f"{path}: lines were refused that are in order")


def absent_positions(times: Int64, held: Int64) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """For each of `times` whether the rising `held` does not contain it."""
    if not len(held):
        return np.ones(len(times), dtype=np.bool_)
    places = np.minimum(np.searchsorted(held, times), len(held) - 1)
    return np.asarray(held[places] != times)


def absent(times: Int64, held: Int64) -> Int64:
    """Those of `times` that the rising `held` does not contain."""
    return times[absent_positions(times, held)]


def last_time(times: Int64) -> int:
    """The last of rising times, -1 where there is none."""
    return int(times[-1]) if len(times) else -1
