"""The newest bars of a dataset read from the end of its file, for looks that are made again and again."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tradebot.engine.market import DatasetKey
from tradebot.engine.store.layout import kind_of
from tradebot.engine.store.parsing import Columns, parse_bars
from tradebot.engine.store.reading import open_to_read
from tradebot.engine.store.side_files import read_journal
from tradebot.engine.store.store import Store

_LONGEST_ROW_BYTES = 140


def recent_bars(store: Store, key: DatasetKey, start_ms: int, now_ms: int) -> Columns:
    """Bars that open at or after `start_ms` and stand near the end of the file, or wait in its journal.

    No more of the file is read than the bars from then to `now_ms` need. Older history that is staged beside it is
    left out. InputError for a bad row among them or a file that cannot be read; no bars where there is no file.
    """
    path = store.parts.layout.bars(key)
    most = max(0, now_ms - start_ms) // key.timeframe.ms + 2
    columns = _parsed(_end_of_file(path, most * _LONGEST_ROW_BYTES), path, key)
    waiting = read_journal(path).lines
    if len(waiting):
        later = _parsed(waiting.text, path, key)
        later = _kept(later, later.time > (columns.time[-1] if len(columns) else -1))
        columns = Columns(
            np.concatenate((columns.time, later.time)),
            tuple(np.concatenate(pair) for pair in zip(columns.values, later.values, strict=True)),
        )
    return _kept(columns, columns.time >= start_ms)


def _end_of_file(path: Path, length: int) -> bytes:
    """The complete rows among the last bytes; none where there is no file."""
    try:
        with open_to_read(path) as file:
            size = os.fstat(file.fileno()).st_size
            begin = max(0, size - length)
            file.seek(begin)
            text = file.read(size - begin)
    except FileNotFoundError:
        return b""
    first = text.find(b"\n") + 1  # behind the header, or a row that began before
    return text[first : text.rfind(b"\n") + 1].replace(b"\r\n", b"\n")


def _parsed(text: bytes, path: Path, key: DatasetKey) -> Columns:
    return parse_bars(text, path, key.timeframe, kind=kind_of(key))


def _kept(columns: Columns, which: npt.NDArray[np.bool_]) -> Columns:
    return replace(columns, time=columns.time[which], values=tuple(each[which] for each in columns.values))
