"""The time axis of the chart: round times, as close together as their labels allow."""

from __future__ import annotations

from collections.abc import Sequence

from tradebot.screens import formats
from tradebot.screens.widgets.palette import Line, Part

__all__ = ["time_axis"]

_MINUTE, _HOUR, _DAY = 60_000, 3_600_000, 86_400_000
_MONTH = 28 * _DAY
_STEPS = (
    *(minutes * _MINUTE for minutes in (1, 2, 5, 10, 15, 30)),
    *(hours * _HOUR for hours in (1, 2, 4, 6, 12)),
    _DAY,
    *(weeks * 7 * _DAY for weeks in (1, 2)),
)
_MONDAY = 4 * _DAY  # 1970-01-01 was a Thursday
_MONTHS = (1, 2, 3, 6, 12, 24, 60, 120)
_ROOM = 10


def time_axis(
    start_ms: int, unit_ms: int, columns: Sequence[int], width: int, cursor: int | None, tone: str = "dim"
) -> Line:
    """Labels under the columns of slots that open at a round time; that of the cursor in the accent's colour."""
    if not columns:
        return ()
    pitch = columns[1] - columns[0] if len(columns) > 1 else 1
    per_cell = unit_ms / pitch
    cells: list[Part] = [(" ", "")] * width
    free = 0
    fixed = _cursor_label(start_ms, unit_ms, columns, width, cursor)
    taken = range(0)
    if fixed is not None:
        place, text = fixed
        taken = range(place - 1, place + len(text) + 1)
        cells[place : place + len(text)] = [(char, "bold accent") for char in text]
    for slot, text in _round_slots(start_ms, unit_ms, len(columns), per_cell):
        place = columns[slot]
        if place < free or place + len(text) > width:
            continue
        if taken and place < taken.stop and place + len(text) > taken.start:
            continue
        cells[place : place + len(text)] = [(char, tone) for char in text]
        free = place + len(text) + 2
    return tuple(_together(cells))


def _round_slots(start_ms: int, unit_ms: int, count: int, per_cell: float) -> list[tuple[int, str]]:
    """Slots that hold a round time, and how it is written there."""
    step = next((each for each in _STEPS if each >= unit_ms and each / per_cell >= _ROOM), None)
    if step is not None:
        return _by_step(start_ms, unit_ms, count, step)
    months = next((each for each in _MONTHS if each * _MONTH / per_cell >= _ROOM), _MONTHS[-1])
    return _by_months(start_ms, unit_ms, count, months)


def _by_step(start_ms: int, unit_ms: int, count: int, step: int) -> list[tuple[int, str]]:
    found = []
    offset = _MONDAY if step > _DAY else 0
    for slot in range(count):
        time_ms = start_ms + slot * unit_ms
        # The slot that the round time falls into: a candle of several bars need not open exactly on it.
        round_ms = (time_ms + unit_ms - 1 - offset) // step * step + offset
        if round_ms < time_ms:
            continue
        at = formats.moment(round_ms)
        midnight = round_ms % _DAY == 0
        if not midnight:
            text = f"{at:%H:%M}"
        elif at.day == 1 and at.month == 1:
            text = f"{at:%Y}"
        else:
            text = f"{at:%m-%d}"
        found.append((slot, text))
    return found


def _by_months(start_ms: int, unit_ms: int, count: int, months: int) -> list[tuple[int, str]]:
    found: list[tuple[int, str]] = []
    before = -1
    for slot in range(count):
        at = formats.moment(start_ms + slot * unit_ms)
        number = (at.year * 12 + at.month - 1) // months
        if number != before:
            if before >= 0 or (at.day == 1 and (at.year * 12 + at.month - 1) % months == 0):
                found.append((slot, f"{at:%Y}" if at.month <= months and at.month == 1 else f"{at:%Y-%m}"))
            before = number
    return found


def _cursor_label(
    start_ms: int, unit_ms: int, columns: Sequence[int], width: int, cursor: int | None
) -> tuple[int, str] | None:
    if cursor is None or not 0 <= cursor < len(columns):
        return None
    at = formats.moment(start_ms + cursor * unit_ms)
    text = f"{at:%Y-%m-%d}" if unit_ms >= _DAY else f"{at:%m-%d %H:%M}"
    return max(0, min(width - len(text), columns[cursor] - len(text) // 2)), text


def _together(cells: Sequence[Part]) -> list[Part]:
    parts: list[Part] = []
    for char, tone in cells:
        if parts and (parts[-1][1] == tone or char == " "):
            parts[-1] = (parts[-1][0] + char, parts[-1][1])
        else:
            parts.append((char, tone))
    return parts
