"""Holes that the exchange itself has: ranges it was asked for and has no bars of, so that nobody asks again.

They are kept in `holes.json` of each category. It may be deleted at any time: then the ranges are asked for again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tradebot.engine.market.times import iso_ms
from tradebot.engine.store.json_files import damaged_entry, read_table, write_table

_TABLE = "holes"
_WHAT = "ranges that the exchange has no bars of"


@dataclass(frozen=True, slots=True, order=True)
class Hole:
    """A half-open range of open times [start_ms, end_ms) without bars on the exchange, as seen at `seen_ms` (UTC)."""

    start_ms: int
    end_ms: int
    seen_ms: int


def read_holes(path: Path) -> dict[str, tuple[Hole, ...]]:
    """The holes by dataset name (`BTCUSDT_1m`), rising and apart; InputError where the file is damaged."""
    return {name: _holes(path, name, entry) for name, entry in read_table(path, _TABLE, _WHAT).items()}


def write_holes(path: Path, holes: dict[str, tuple[Hole, ...]]) -> None:
    """Replace the file; datasets without holes are left out."""
    table = {
        name: [
            {"start": iso_ms(hole.start_ms), "end": iso_ms(hole.end_ms), "seen": iso_ms(hole.seen_ms)}
            for hole in entries
        ]
        for name, entries in holes.items()
        if entries
    }
    write_table(path, _TABLE, table)


def with_seen(known: Sequence[Hole], ranges: Iterable[tuple[int, int]], seen_ms: int) -> tuple[Hole, ...]:
    """Known holes and the half-open `ranges` just seen; where they overlap, the newer look counts."""
    holes = list(known)
    for start, end in ranges:
        if start >= end:
            continue
        apart: list[Hole] = []
        for hole in holes:
            if hole.end_ms <= start or hole.start_ms >= end:
                apart.append(hole)
                continue
            if hole.start_ms < start:
                apart.append(Hole(hole.start_ms, start, hole.seen_ms))
            if hole.end_ms > end:
                apart.append(Hole(end, hole.end_ms, hole.seen_ms))
        holes = [*apart, Hole(start, end, seen_ms)]
    return _joined(holes)


def from_time(holes: Sequence[Hole], first_ms: int) -> tuple[Hole, ...]:
    """The holes at or after `first_ms`, the one it lies in cut there."""
    return tuple(
        Hole(max(hole.start_ms, first_ms), hole.end_ms, hole.seen_ms)
        for hole in holes
        if hole.end_ms > first_ms
    )


def _joined(holes: Iterable[Hole]) -> tuple[Hole, ...]:
    """In order; those that touch and were seen together as one."""
    joined: list[Hole] = []
    for hole in sorted(holes):
        last = joined[-1] if joined else None
        if last is not None and last.end_ms == hole.start_ms and last.seen_ms == hole.seen_ms:
            joined[-1] = Hole(last.start_ms, hole.end_ms, hole.seen_ms)
        else:
            joined.append(hole)
    return tuple(joined)


def _time_ms(text: str) -> int:
    # In whole numbers: seconds as a float lose the last millisecond.
    return (datetime.fromisoformat(text) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def _holes(path: Path, name: str, entry: Any) -> tuple[Hole, ...]:
    try:
        holes = [Hole(*(_time_ms(each[part]) for part in ("start", "end", "seen"))) for each in entry]
        if all(hole.start_ms < hole.end_ms for hole in holes):
            return _joined(holes)
    except (TypeError, KeyError, ValueError):
        pass  # said below
    raise damaged_entry(path, name, 'ranges with "start", "end" and "seen"')
