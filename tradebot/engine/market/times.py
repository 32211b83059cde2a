"""Dates at the edges, UTC milliseconds inside."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from tradebot.engine.market.timeframe import DAY_MS, HOUR_MS, MINUTE_MS, WEEK_MS

_SPAN = re.compile(r"(\d+)\s*(m|h|d|w|y)")
_UNIT_MS = {"m": MINUTE_MS, "h": HOUR_MS, "d": DAY_MS, "w": WEEK_MS, "y": 365 * DAY_MS}
_CLOCK = re.compile(r"([+-])(\d{1,2}):?(\d{2})?")


def parse_time(text: str, now_ms: int) -> int:
    """UTC milliseconds of a date, a date and time, "now", or a span back from `now_ms` such as "30d" or "6h".

    A date without an offset is UTC. Raises ValueError with a sentence for a person.
    """
    cleaned = text.strip()
    if cleaned == "now":
        return now_ms
    span = _SPAN.fullmatch(cleaned)
    if span:
        return now_ms - int(span[1]) * _UNIT_MS[span[2]]
    try:
        moment = datetime.fromisoformat(cleaned)
    except ValueError:
        raise ValueError(
            f"{text!r} is not a time; write a date (2024-05-01), a date and time (2024-05-01T12:00) "
            "or a span back from now (30d, 12h, 2w, 1y)"
        ) from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return int(moment.timestamp() * 1000)


def parse_utc_offset(text: str) -> int:
    """Milliseconds that a clock such as "+03:00" or "UTC" is ahead of UTC; ValueError with a sentence."""
    cleaned = text.strip().upper().removeprefix("UTC")
    if cleaned in {"", "Z"}:
        return 0
    match = _CLOCK.fullmatch(cleaned)
    if match is None or int(match[2]) > 14 or int(match[3] or 0) > 59:
        raise ValueError(f"{text!r} is not a clock; write its distance to UTC, such as +03:00 or UTC")
    sign = 1 if match[1] == "+" else -1
    return sign * (int(match[2]) * HOUR_MS + int(match[3] or 0) * MINUTE_MS)


def iso_ms(time_ms: int) -> str:
    """ISO 8601 UTC with milliseconds: `2024-05-01T12:00:00.000Z`."""
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=int(time_ms))
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def iso_minute(time_ms: int) -> str:
    """A short UTC time for people: `2024-05-01 12:00`."""
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=int(time_ms))
    return moment.strftime("%Y-%m-%d %H:%M")


def iso_date(time_ms: int) -> str:
    """The UTC date: `2024-05-01`."""
    return iso_minute(time_ms)[:10]
