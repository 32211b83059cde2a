"""Holes that the exchange itself has: ranges it was asked for and has no bars of, so that nobody asks all the time.

A hole counts the looks that found it, for the longer it is known the more seldom it is looked at again.
They are kept in `holes.json` of each category. It may be deleted at any time: then the ranges are asked for again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tradebot.engine.market import MINUTE_MS
from tradebot.engine.market.times import iso_ms
from tradebot.engine.store.json_files import damaged_entry, read_table, write_table

_TABLE = "holes"
_WHAT = "ranges that the exchange has no bars of"
# Two looks with less time between them count as one.
_SEPARATE_MS = 5 * MINUTE_MS


@dataclass(frozen=True, slots=True, order=True)
class Hole:
    """A half-open range of open times [start_ms, end_ms) without bars on the exchange, as seen at `seen_ms` (UTC).

    `confirmations` separate looks have found it, the last one included.
    """

    start_ms: int
    end_ms: int
    seen_ms: int
    confirmations: int = 1


def read_holes(path: Path) -> dict[str, tuple[Hole, ...]]:
    """The holes by dataset name (`BTCUSDT_1m`), rising and apart; InputError where the file is damaged."""
    return {name: _holes(path, name, entry) for name, entry in read_table(path, _TABLE, _WHAT).items()}


def write_holes(path: Path, holes: dict[str, tuple[Hole, ...]]) -> None:
    """Replace the file; datasets without holes are left out."""
    table = {
        name: [
            {
                "start": iso_ms(hole.start_ms),
                "end": iso_ms(hole.end_ms),
                "seen": iso_ms(hole.seen_ms),
                "confirmations": hole.confirmations,
            }
            for hole in entries
        ]
        for name, entries in holes.items()
        if entries
    }
    write_table(path, _TABLE, table)


def with_seen(known: Sequence[Hole], ranges: Iterable[tuple[int, int]], seen_ms: int) -> tuple[Hole, ...]:
    """Known holes and the half-open `ranges` just seen; where they overlap, the newer look counts one more."""
    holes = list(known)
    for start, end in ranges:
        if start >= end:
            continue
        apart: list[Hole] = []
        seen: list[Hole] = []
        at = start
        for hole in sorted(holes):
            if hole.end_ms <= start or hole.start_ms >= end:
                apart.append(hole)
                continue
            if hole.start_ms < start:
                apart.append(replace(hole, end_ms=start))
            if hole.end_ms > end:
                apart.append(replace(hole, start_ms=end))
            low, high = max(hole.start_ms, start), min(hole.end_ms, end)
            if at < low:
                seen.append(Hole(at, low, seen_ms))
            separate = seen_ms - hole.seen_ms >= _SEPARATE_MS
            seen.append(Hole(low, high, seen_ms, hole.confirmations + separate))
            at = high
        if at < end:
            seen.append(Hole(at, end, seen_ms))
        holes = [*apart, *seen]
    return _joined(holes)


def from_time(holes: Sequence[Hole], first_ms: int) -> tuple[Hole, ...]:
    """The holes at or after `first_ms`, the one it lies in cut there."""
    return tuple(
        replace(hole, start_ms=max(hole.start_ms, first_ms)) for hole in holes if hole.end_ms > first_ms
    )


def _joined(holes: Iterable[Hole]) -> tuple[Hole, ...]:
    """In order; those that touch and were seen together as often as one."""
    joined: list[Hole] = []
    for hole in sorted(holes):
        last = joined[-1] if joined else None
        if (
            last is not None
            and last.end_ms == hole.start_ms
            and (last.seen_ms, last.confirmations) == (hole.seen_ms, hole.confirmations)
        ):
            joined[-1] = replace(last, end_ms=hole.end_ms)
        else:
            joined.append(hole)
    return tuple(joined)


def _time_ms(text: str) -> int:
    # In whole numbers: seconds as a float lose the last millisecond.
    return (datetime.fromisoformat(text) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def _holes(path: Path, name: str, entry: Any) -> tuple[Hole, ...]:
    try:
        holes = [
            Hole(
                _time_ms(each["start"]),
                _time_ms(each["end"]),
                _time_ms(each["seen"]),
                each.get("confirmations", 1),
            )
            for each in entry
        ]
        # Files of earlier versions do not count the looks.
        if all(hole.start_ms < hole.end_ms and _is_count(hole.confirmations) for hole in holes):
            return _joined(holes)
    except (TypeError, KeyError, ValueError, AttributeError):
        pass  # said below
    raise damaged_entry(path, name, 'ranges with "start", "end" and "seen"')


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1
