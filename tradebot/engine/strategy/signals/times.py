"""Signals of the clock, in UTC.

A decision is taken at the close of a bar, and an order goes out at that moment: so a bar belongs to the time of its
close unless the file says `at = "open"`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import numpy as np

from tradebot.engine.market import Float64
from tradebot.engine.strategy.registry import (
    BoolArray,
    Parameter,
    ParameterKind,
    SignalDeclaration,
    Value,
    Values,
    signal,
)
from tradebot.engine.strategy.signals.common import Sides, Supports, choice

_MINUTE, _DAY = 60_000.0, 86_400_000.0
_TIMES = ("time", "close_time")
_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)|24:00")
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_WORKING_WEEK = (True,) * 5 + (False,) * 2
_FIRST_WEEKDAY = 3  # 1970-01-01 was a Thursday

SESSIONS: Mapping[str, tuple[str, str]] = {
    "sydney": ("21:00", "06:00"),
    "tokyo": ("00:00", "09:00"),
    "london": ("08:00", "17:00"),
    "new_york": ("13:00", "22:00"),
    "london_new_york": ("13:00", "17:00"),
}
"""The usual hours of the trading sessions in UTC, those of the northern winter; london_new_york is their overlap."""

_AT = choice("at", ("close", "open"), "close: the moment of the decision; open: when the bar began.")


def _moments(time: Float64, close_time: Float64, at: str) -> Float64:
    return time if at == "open" else close_time


def _of_day(moments: Float64) -> Float64:
    """Milliseconds since 00:00 UTC."""
    return moments - np.floor(moments / _DAY) * _DAY


def _minutes(clock: Value) -> int:
    hours, _, minutes = str(clock).partition(":")
    return 60 * int(hours) + int(minutes)


def _inside(moments: Float64, start: str, end: str) -> Sides:
    """`start <= time of day < end`, or from start over midnight to end where end is the earlier one."""
    of_day, first, last = _of_day(moments), _minutes(start) * _MINUTE, _minutes(end) * _MINUTE
    after, before = of_day >= first, of_day < last
    inside: BoolArray = (after & before) if first < last else (after | before)
    return inside, ~inside


def _clock_rule(values: Values) -> Iterable[tuple[str, str]]:
    wrong = False
    for name in ("start", "end"):
        if not _CLOCK.fullmatch(str(values[name])):
            wrong = True
            yield name, f'must be a time such as "08:30", but is the text "{values[name]}"'
    if not wrong and _minutes(values["start"]) % 1440 == _minutes(values["end"]) % 1440:
        yield "end", f"must be another time than start, which is {values['start']} too"


def _clock(name: str, default: str, about: str) -> Parameter:
    return Parameter(name=name, kind=ParameterKind.TEXT, default=default, help=about)


def _moment_words(texts: Mapping[str, str]) -> str:
    return "the bar opens" if texts["at"] == "open" else "the time is"


@signal(
    "time_of_day",
    "Time of day",
    "True from one time to another (UTC), over midnight where the second is the earlier one; else the opposite.",
    parameters=(
        _clock("start", "08:00", "The first minute, such as 08:00."),
        _clock("end", "16:00", "The minute at which it is over, such as 16:00."),
        _AT,
    ),
    inputs=_TIMES,
    supports=Supports.BOTH,
    standing=True,
    rule=_clock_rule,
    words=lambda texts: (
        f"{_moment_words(texts)} between {texts['start']} and {texts['end']} UTC",
        f"{_moment_words(texts)} outside {texts['start']} to {texts['end']} UTC",
    ),
)
def time_of_day(time: Float64, close_time: Float64, *, start: str, end: str, at: str) -> Sides:
    """`start <= time of day < end`; with start after end `time of day >= start or time of day < end`; and not so."""
    return _inside(_moments(time, close_time, at), start, end)


@signal(
    "session",
    "Session",
    "True during the usual hours of a trading session, in UTC without daylight saving time; else the opposite.",
    parameters=(
        choice(
            "session",
            ("london", *(name for name in SESSIONS if name != "london")),
            "; ".join(f"{name}: {start} to {end}" for name, (start, end) in SESSIONS.items()) + ".",
        ),
        _AT,
    ),
    inputs=_TIMES,
    supports=Supports.BOTH,
    standing=True,
    words=lambda texts: (
        f"it is the {_session_name(texts['session'])} session",
        f"it is not the {_session_name(texts['session'])} session",
    ),
)
def session(time: Float64, close_time: Float64, *, session: str, at: str) -> Sides:
    """`time_of_day` with the hours of the session, `SESSIONS`; sydney crosses midnight."""
    return _inside(_moments(time, close_time, at), *SESSIONS[session])


def _session_name(session: str) -> str:
    return {"new_york": "New York", "london_new_york": "London and New York"}.get(
        session, session.capitalize()
    )


def _weekdays(text: str) -> tuple[bool, ...] | None:
    """`mon, wed-fri` -> which of the seven days, Monday first; None where it cannot be read. `sat-mon` wraps."""
    chosen = [False] * 7
    for part in text.lower().split(","):
        first, dash, last = (each.strip() for each in part.partition("-"))
        if first not in _DAYS or (dash and last not in _DAYS):
            return None
        start, end = _DAYS.index(first), _DAYS.index(last if dash else first)
        for step in range((end - start) % 7 + 1):
            chosen[(start + step) % 7] = True
    return tuple(chosen)


def _days_rule(values: Values) -> Iterable[tuple[str, str]]:
    chosen = _weekdays(str(values["days"]))
    if chosen is None:
        yield "days", f'must be days such as "mon-fri" or "mon, wed, sat", but is the text "{values["days"]}"'
    elif all(chosen):
        yield "days", "must leave out at least one day: with all seven it is always true"


def _days_words(texts: Mapping[str, str]) -> tuple[str, str]:
    chosen = _weekdays(texts["days"]) or ()
    if tuple(chosen) == _WORKING_WEEK:
        return "it is a weekday", "it is not a weekday"
    names = [name for name, taken in zip(_DAY_NAMES, chosen, strict=False) if taken]
    listed = ", ".join(names[:-1]) + " or " + names[-1] if len(names) > 1 else "".join(names)
    return f"it is {listed}", f"it is not {listed}"


@signal(
    "day_of_week",
    "Day of the week",
    "True on some days of the week (UTC); else the opposite.",
    parameters=(
        Parameter(
            name="days",
            kind=ParameterKind.TEXT,
            default="mon-fri",
            help="Days and spans of days, such as mon-fri or mon, wed, sat.",
        ),
        _AT,
    ),
    inputs=_TIMES,
    supports=Supports.BOTH,
    standing=True,
    rule=_days_rule,
    words=_days_words,
)
def day_of_week(time: Float64, close_time: Float64, *, days: str, at: str) -> Sides:
    """Whether the day that begins at 00:00 UTC is one of `days`; and not so. A daily bar closes on the day after."""
    day = np.floor(_moments(time, close_time, at) / _DAY) + _FIRST_WEEKDAY
    weekday = (day - np.floor(day / 7.0) * 7.0).astype(np.intp)
    chosen = np.array(_weekdays(days), dtype=np.bool_)[weekday]
    return chosen, ~chosen


@signal(
    "every",
    "Every so often",
    "True once in each period of so many minutes, counted from 00:00 UTC, such as every 4 hours; else the opposite.",
    parameters=(
        Parameter(
            name="minutes",
            kind=ParameterKind.INTEGER,
            default=240,
            low=2,
            high=1440,
            unit="min",
            help="Length of the period; the last one of a day may be cut short.",
        ),
        Parameter(
            name="offset",
            kind=ParameterKind.INTEGER,
            default=0,
            low=0,
            high=1439,
            unit="min",
            help="How many minutes into the period.",
        ),
        _AT,
    ),
    inputs=_TIMES,
    supports=Supports.BOTH,
    rule=lambda values: _offset_rule(values),
    words=lambda texts: (f"it is the minute {texts['offset']} of every {texts['minutes']} minutes",
                         f"it is not the minute {texts['offset']} of every {texts['minutes']} minutes"),
)  # fmt: skip
def every(time: Float64, close_time: Float64, *, minutes: int, offset: int, at: str) -> Sides:
    """`minute of the day % minutes == offset`, and not so."""
    minute = np.floor(_of_day(_moments(time, close_time, at)) / _MINUTE)
    due = minute - np.floor(minute / minutes) * minutes == offset
    return due, ~due


def _offset_rule(values: Values) -> Iterable[tuple[str, str]]:
    if int(values["offset"]) >= int(values["minutes"]):
        yield "offset", f"must be below minutes, which is {values['minutes']}, but is {values['offset']}"


DECLARATIONS: tuple[SignalDeclaration, ...] = (time_of_day, session, day_of_week, every)
