"""A dataset day by day: what the month grid of the Data screen is drawn from."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from datetime import UTC, datetime

from tradebot.engine.market import DatasetKey
from tradebot.engine.market.timeframe import DAY_MS
from tradebot.engine.messages import GapView, MonthsView, MonthView

Range = tuple[int, int]


def months_view(
    key: DatasetKey,
    first_ms: int,
    last_ms: int,
    missing: Sequence[Range],
    holes: Sequence[tuple[int, int, int]],
) -> MonthsView:
    """The grid of a dataset from its first to its last bar (open times, UTC ms).

    `missing` are the rising half-open ranges without bars inside it, `holes` (start, end, seen at) those ranges that
    the exchange has no bars for either.
    """
    step = key.timeframe.ms
    gaps = tuple(gap for span in missing for gap in _split(span, holes, step))
    absent = _by_day([(gap.start_ms, gap.end_ms) for gap in gaps])
    known = _by_day([(gap.start_ms, gap.end_ms) for gap in gaps if gap.known])
    end_ms = last_ms + step
    months: list[MonthView] = []
    first = datetime.fromtimestamp(first_ms / 1000, UTC)
    year, month = first.year, first.month
    while (start := _month_start(year, month)) < end_ms:
        following = (year + month // 12, month % 12 + 1)
        days = range(start // DAY_MS, _month_start(*following) // DAY_MS)
        shares = tuple(_share(day, first_ms, end_ms, absent.get(day, 0)) for day in days)
        excused = tuple(
            number
            for number, day in enumerate(days, start=1)
            if absent.get(day, 0) and known.get(day, 0) == absent[day]
        )
        months.append(MonthView(year, month, shares, excused))
        year, month = following
    return MonthsView(str(key), key.timeframe_name, first_ms, last_ms, tuple(months), gaps)


def _month_start(year: int, month: int) -> int:
    return round(datetime(year, month, 1, tzinfo=UTC).timestamp()) * 1000


def _share(day: int, first_ms: int, end_ms: int, absent_ms: int) -> float:
    inside = min(end_ms, (day + 1) * DAY_MS) - max(first_ms, day * DAY_MS)
    return -1.0 if inside <= 0 else max(0.0, 1.0 - absent_ms / inside)


def _by_day(spans: Sequence[Range]) -> dict[int, int]:
    """Milliseconds of rising, separate spans that fall on each day (its number since 1970)."""
    found: dict[int, int] = {}
    for start, end in spans:
        for day in range(start // DAY_MS, (end - 1) // DAY_MS + 1):
            inside = min(end, (day + 1) * DAY_MS) - max(start, day * DAY_MS)
            found[day] = found.get(day, 0) + inside
    return found


def _split(span: Range, holes: Sequence[tuple[int, int, int]], step: int) -> list[GapView]:
    """A gap cut where the exchange's own holes begin and end."""
    start, end = span
    pieces: list[GapView] = []
    place = max(0, bisect_right(holes, start, key=lambda hole: hole[0]) - 1)
    while start < end:
        while place < len(holes) and holes[place][1] <= start:
            place += 1
        hole = holes[place] if place < len(holes) else None
        if hole is None or hole[0] >= end:
            stop, known, seen_ms = end, False, 0
        elif hole[0] > start:
            stop, known, seen_ms = hole[0], False, 0
        else:
            stop, known, seen_ms = min(end, hole[1]), True, hole[2]
        pieces.append(GapView(start, stop, (stop - start) // step, known, seen_ms))
        start = stop
    return pieces
