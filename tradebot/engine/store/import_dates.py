"""Dates of other programs turned into epoch stamps: ISO 8601 as pandas writes it, and what MetaTrader exports."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from tradebot.engine.control.errors import InputError
from tradebot.engine.control.progress import counted
from tradebot.engine.store.rows import shown

ISO_DATE = re.compile(rb"\d{4}-\d\d-\d\d(?:[ T]\d\d:\d\d.*)?")
META_TRADER_LINE = re.compile(rb"\d{4}\.\d\d\.\d\d[ ,]\d\d:\d\d,")
_META_TRADER_DATE = re.compile(rb"(?m)^(\d{4}\.\d\d\.\d\d),")
_CLOCK_ADVICE = "state how far its clock is ahead of UTC, e.g. --clock UTC or --clock +03:00"


def iso_stamps(
    values: Sequence[bytes], path: Path, first_line: int, clock_offset_ms: int | None
) -> list[bytes]:
    """Epoch milliseconds, as text, of dates such as `2024-05-01 12:00:00+00:00`.

    The offset inside a date counts; one without is of the stated clock. InputError with the line of one that is no
    date, or whose clock nobody states.
    """
    stamps = []
    for line, value in enumerate(values, start=first_line):
        text = value.decode("utf-8", "replace").strip()
        moment = _moment(text)
        if moment is None:
            raise InputError(
                f"{path}, line {line}: the date is {shown(text)}, expected a date and time such as "
                "2024-05-01 12:00:00+00:00; correct or delete that line."
            )
        offset_ms = 0
        if moment.tzinfo is None:
            if clock_offset_ms is None:
                raise InputError(
                    f"{path}, line {line}: the date {shown(text)} does not say its clock, so its bars cannot be placed "
                    f"in UTC; {_CLOCK_ADVICE}."
                )
            moment, offset_ms = moment.replace(tzinfo=UTC), clock_offset_ms
        stamps.append(str(round(moment.timestamp() * 1000) - offset_ms).encode("ascii"))
    return stamps


def has_stated_offset(value: bytes) -> bool:
    """Whether a date says its own distance to UTC."""
    moment = _moment(value.decode("utf-8", "replace").strip())
    return moment is not None and moment.tzinfo is not None


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(f"{text[:-4]}+00:00" if text.endswith(" UTC") else text)
    except ValueError:
        return None


def one_stamp(text: bytes) -> bytes:
    """MetaTrader 4's lines with date and time in two columns, as lines with both in one."""
    return _META_TRADER_DATE.sub(rb"\1 ", text)


def five_lines(body: bytes, names: Sequence[str], path: Path) -> tuple[bytes, str]:
    """MetaTrader 5's export (tabs, `<DATE> <TIME> <OPEN> ... <TICKVOL> <VOL> <SPREAD>`) as MetaTrader 4 lines, and a
    sentence where its volume counts price changes.
    """
    places = {name.strip("<>").lower(): place for place, name in enumerate(names)}
    needed = ("date", "open", "high", "low", "close")
    absent = [f"<{name.upper()}>" for name in needed if name not in places]
    if absent:
        raise InputError(
            f"{path}, line 1: the header lacks {', '.join(absent)}, expected MetaTrader's columns."
        )
    rows = [line.split(b"\t") for line in body.removesuffix(b"\n").split(b"\n")]
    for number, row in enumerate(rows, start=2):
        if len(row) != len(names):
            raise InputError(
                f"{path}, line {number}: {counted(len(row), 'value')}, expected {len(names)}; "
                "correct or delete that line."
            )
    volume, note = places.get("vol"), ""
    if volume is None or not any(row[volume].strip(b"0.") for row in rows):
        volume = places.get("tickvol")
        note = "The file has no traded volume; its tick volume, which counts price changes, was taken."
    time = places.get("time")
    lines = []
    for row in rows:
        stamp = row[places["date"]] + b" " + (b"00:00" if time is None else row[time][:5])
        prices = [row[places[name]] for name in needed[1:]]
        lines.append(b",".join([stamp, *prices, b"0" if volume is None else row[volume]]))
    return b"\n".join(lines) + b"\n", note
