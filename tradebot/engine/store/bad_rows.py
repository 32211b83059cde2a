"""Rows that break the rules of a bar, taken out of a dataset's file into the quarantine file beside it.

Each kept row keeps its bytes, and nothing is thrown away: the moved rows stand in `<file>.quarantine` behind a
comment line that says why and when. The quarantine is on disk before the file is replaced in one step, so a kill at
any moment leaves the rows in one of the two, or in both.
"""

from __future__ import annotations

import os
from bisect import bisect_left
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tradebot.engine.control.errors import InputError, ShortfallError
from tradebot.engine.control.progress import counted
from tradebot.engine.market import DatasetKey, Timeframe
from tradebot.engine.market.times import iso_ms
from tradebot.engine.store.layout import TableKind, kind_of, quarantine_of, stamp_of
from tradebot.engine.store.parsing import good_bars, parse_form, split_table
from tradebot.engine.store.reading import read_file
from tradebot.engine.store.replacing import build_beside
from tradebot.engine.store.rows import bar_problem
from tradebot.engine.store.side_files import not_written

if TYPE_CHECKING:
    from tradebot.engine.store.store import Store

_TRIES = 4
_TORN = "the line has no end"


@dataclass(frozen=True, slots=True)
class MovedRows:
    """Rows that were moved, and the half-open ranges of open times (UTC ms, on the grid) that lack their bars now."""

    rows: int
    ranges: tuple[tuple[int, int], ...]
    sentence: str

    def to_json(self) -> dict[str, Any]:
        """Plain values; ranges as pairs of ISO 8601 times."""
        ranges = [[iso_ms(start), iso_ms(end)] for start, end in self.ranges]
        return {"rows": self.rows, "ranges": ranges, "sentence": self.sentence}


@dataclass(frozen=True, slots=True)
class _Sorting:
    """The lines of a file told apart: positions and times of those that stay, positions and reasons of the others."""

    kept: list[int]
    times: list[int]
    moved: dict[int, str]


def move_bad_rows(store: Store, key: DatasetKey) -> MovedRows:
    """Move rows that cannot be read, are off the grid or out of order, hold impossible values, or contradict another
    row of their time (then all of that time) out of a dataset's file.

    InputError for an unknown dataset or a file whose header is another one; ShortfallError where it cannot be
    written. Rows that wait beside the file were checked when they came.
    """
    store.check_writable()
    path = store.parts.layout.bars(key)
    for attempt in range(1, _TRIES + 1):
        with ExitStack() as stack:
            if attempt == _TRIES:
                # Others appended while each try built its file: let them wait this time.
                stack.enter_context(store.parts.lock.held())
            try:
                moved = _try_to_move(store, key, path)
            except FileNotFoundError:
                raise InputError(f"There is no dataset {key} in {store.folder}; nothing was moved.") from None
            except OSError as error:
                raise not_written(path, error) from None
        if moved is not None:
            return moved
    raise ShortfallError(
        f"{path} was changed by another program each time its bad rows were to be moved; stop that program, then try "
        "again: nothing is lost."
    )


def _try_to_move(store: Store, key: DatasetKey, path: Path) -> MovedRows | None:
    """One try; None when the file changed meanwhile."""
    kind = kind_of(key)
    stamp, data = read_file(path)
    text = split_table(data, path, kind)
    lines = text.body.split(b"\n")[:-1]
    sorting = _sorted_out(text.body, lines, kind, key.timeframe)
    if text.torn:
        lines.append(text.torn.rstrip(b"\r\n"))
        sorting.moved[len(lines) - 1] = _TORN
    if not sorting.moved:
        return MovedRows(0, (), f"{key} holds no bad row.")
    body = (b"".join(lines[position] + b"\n" for position in sorting.kept),)
    temporary = build_beside(path, (kind.header, *body))
    try:
        with store.parts.lock.held():
            if stamp_of(path) != stamp:
                return None
            _put_aside(path, lines, sorting.moved, iso_ms(store.parts.clock.now_ms()))
            store.parts.tables.put_in_place(path, temporary)
    finally:
        temporary.unlink(missing_ok=True)
    ranges = _ranges(lines, sorting, key.timeframe)
    return MovedRows(len(sorting.moved), ranges, _sentence(path, sorting.moved))


def _sentence(path: Path, moved: dict[int, str]) -> str:
    first = min(moved)
    return (
        f"{counted(len(moved), 'bad row')} moved to {quarantine_of(path).name} "
        f"(line {first + 2}: {moved[first]})."
    )


def _sorted_out(body: bytes, lines: list[bytes], kind: TableKind, timeframe: Timeframe) -> _Sorting:
    columns = parse_form(body, kind)
    moved: dict[int, str] = {}
    suspects: Sequence[int] = range(len(lines))
    if columns is not None:
        suspects = np.flatnonzero(~good_bars(columns, timeframe)).tolist() if len(columns) else []
    for position in suspects:
        problem = bar_problem(lines[position].decode("utf-8", "replace").split(","), timeframe, kind)
        if problem is not None:
            moved[position] = str(problem)
    kept = [position for position in range(len(lines)) if position not in moved]
    times = (
        [int(lines[position].partition(b",")[0]) for position in kept]
        if columns is None or moved
        else columns.time.tolist()
    )
    if any(later <= earlier for earlier, later in pairwise(times)):
        kept, times = _without_doubles(lines, kept, times, moved)
        kept, times = _rising(kept, times, moved)
    return _Sorting(kept, times, moved)


def _without_doubles(
    lines: list[bytes], kept: list[int], times: list[int], moved: dict[int, str]
) -> tuple[list[int], list[int]]:
    """Of equal rows the first stays, of rows that contradict each other none."""
    places: dict[int, list[int]] = {}
    for position, time_ms in zip(kept, times, strict=True):
        places.setdefault(time_ms, []).append(position)
    for time_ms, positions in places.items():
        if len(positions) == 1:
            continue
        if len({_values(lines[position]) for position in positions}) == 1:
            for position in positions[1:]:
                moved[position] = f"repeats line {positions[0] + 2}"
            continue
        for position in positions:
            moved[position] = f"{len(positions)} rows of the time {iso_ms(time_ms)} contradict each other"
    left = [(position, time) for position, time in zip(kept, times, strict=True) if position not in moved]
    return [position for position, _ in left], [time for _, time in left]


def _values(line: bytes) -> tuple[float | None, ...]:
    return tuple(float(field) if field else None for field in line.split(b","))


def _rising(kept: list[int], times: list[int], moved: dict[int, str]) -> tuple[list[int], list[int]]:
    """The longest rising run through the rows stays, so that one misplaced row costs one row."""
    ends: list[int] = []  # smallest last time of a rising run of each length
    places: list[int] = []
    before: list[int] = []
    for place, time_ms in enumerate(times):
        length = bisect_left(ends, time_ms)
        before.append(places[length - 1] if length else -1)
        if length == len(ends):
            ends.append(time_ms)
            places.append(place)
        else:
            ends[length], places[length] = time_ms, place
    chosen: list[int] = []
    place = places[-1] if places else -1
    while place >= 0:
        chosen.append(place)
        place = before[place]
    chosen.reverse()
    stays = set(chosen)
    for place, position in enumerate(kept):
        if place not in stays:
            moved[position] = f"the timestamp {times[place]} ({iso_ms(times[place])}) is out of order"
    return [kept[place] for place in chosen], [times[place] for place in chosen]


def _put_aside(path: Path, lines: list[bytes], moved: dict[int, str], when: str) -> None:
    """Add the rows to the quarantine, each reason once, unless a kill left them there before."""
    blocks: list[bytes] = []
    last = ""
    for position in sorted(moved):
        if moved[position] != last:
            last = moved[position]
            blocks.append(f"# {when} moved out of {path.name}: {last}\n".encode())
        blocks.append(lines[position] + b"\n")
    quarantine = quarantine_of(path)
    rows = [block for block in blocks if not block.startswith(b"# ")]
    if quarantine.exists():
        held = [line + b"\n" for line in quarantine.read_bytes().split(b"\n") if not line.startswith(b"# ")]
        if held[-len(rows) - 1 : -1] == rows:
            return
    with quarantine.open("ab") as file:
        file.write(b"".join(blocks))
        file.flush()
        os.fsync(file.fileno())


def _ranges(lines: list[bytes], sorting: _Sorting, timeframe: Timeframe) -> tuple[tuple[int, int], ...]:
    """Where bars are missing now: at the time of each moved row that says one, and between the kept rows beside it."""
    held = np.array(sorting.times, dtype=np.int64)
    positions = np.array(sorting.kept, dtype=np.int64)
    found: set[tuple[int, int]] = set()
    for position in sorting.moved:
        place = int(np.searchsorted(positions, position))
        if 0 < place < len(held):
            found.add((int(held[place - 1]) + timeframe.ms, int(held[place])))
        stamp = lines[position].partition(b",")[0]
        if stamp.isdigit() and len(stamp) == len("1700000000000"):
            start = timeframe.floor(int(stamp))
            near = int(np.searchsorted(held, start))
            if near == len(held) or held[near] != start:
                found.add((start, start + timeframe.ms))
    joined: list[tuple[int, int]] = []
    for start, end in sorted(found):
        if start >= end:
            continue
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return tuple(joined)
