"""Pages of bars checked at the door: a whole page at once, because a collection reads millions of rows."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tradebot.engine.exchange.errors import MalformedError
from tradebot.engine.exchange.fields import envelope_rows, shown
from tradebot.engine.market import BarRow, Timeframe

_VALUE = r"[0-9]{1,20}+(?:\.[0-9]{1,20}+)?+"
_ABOVE_ZERO = rf"(?=[0.]*+[1-9]){_VALUE}"
_TIME = "[0-9]{12,14}"
_PRICES = rf"{_TIME}(?:,{_ABOVE_ZERO}){{4}}"
_VALUE_ONLY = re.compile(_VALUE)
_FIELDS = ("start", "open", "high", "low", "close", "volume", "turnover")


class _Form:
    """What a row of one kind of answer looks like."""

    def __init__(self, where: str, fields: int) -> None:
        self.where = where
        self.fields = fields
        row = _PRICES + rf",{_VALUE}" * (fields - 5)
        self.page = re.compile(rf"(?:{row}(?:\n{row})*+)?")


_TRADED = _Form("kline answer", 7)
_MARK = _Form("mark price kline answer", 5)


def parse_klines(
    envelope: Mapping[str, Any], symbol: str | None = None, mark: bool = False
) -> tuple[list[BarRow], list[str]]:
    """Answer of `market/kline` or `market/mark-price-kline` -> rows in its own order, and what was left out.

    Bars of the mark price have an empty volume and turnover. A row whose price is zero is no bar: it is left out with
    a sentence. Anything else that does not fit is a MalformedError naming the first bad field. With `symbol`, an
    answer that says it is about another one is refused.
    """
    form = _MARK if mark else _TRADED
    result = envelope.get("result")
    said = result.get("symbol") if isinstance(result, dict) else None
    if symbol is not None and said not in (None, "", symbol):
        raise MalformedError(form.where, f"it is about {shown(said)} instead of {symbol}")
    raw_rows = envelope_rows(envelope, form.where)
    problems: list[str] = []
    if not _fits(raw_rows, form):
        raw_rows, problems = _without_zeros(raw_rows, form)
    # Straight to the tuple: a page has a thousand rows, and a call of the class costs twice as much.
    new = tuple.__new__
    if mark:
        return [new(BarRow, (int(at), o, h, lo, c, "", "")) for at, o, h, lo, c in raw_rows], problems
    rows = [new(BarRow, (int(at), o, h, lo, c, vol, turn)) for at, o, h, lo, c, vol, turn in raw_rows]
    return rows, problems


def bars_within(rows: list[BarRow], timeframe: Timeframe, start_ms: int, last_ms: int) -> list[BarRow]:
    """The bars with start_ms <= open time <= last_ms, rising, each time once (the last one said counts).

    Raises MalformedError for a bar that does not start on the timeframe's grid.
    """
    length, offset = timeframe.ms, timeframe.grid_offset_ms
    times = [row[0] for row in rows]
    if _newest_first_and_whole(times, length):
        off_grid = bool(times) and (times[0] - offset) % length != 0
        rising = rows[::-1]
    else:
        off_grid = any((time_ms - offset) % length for time_ms in times)
        by_time = dict(zip(times, rows, strict=True))
        rising = [by_time[time_ms] for time_ms in sorted(by_time)]
    if off_grid:
        raise MalformedError("kline answer", f"a {timeframe.value} bar does not start on the grid")
    if rising and start_ms <= rising[0][0] and rising[-1][0] <= last_ms:
        return rising
    return [row for row in rising if start_ms <= row[0] <= last_ms]


def _newest_first_and_whole(times: list[int], length: int) -> bool:
    """Whether a page is as nearly all pages are; those need no sorting."""
    if not times:
        return True
    spans = times[0] - times[-1] == (len(times) - 1) * length
    return spans and times == list(range(times[0], times[-1] - 1, -length))


def _fits(rows: list[Any], form: _Form) -> bool:
    """Whether all rows are numbers as text with prices above zero; the whole page is checked in one go."""
    try:
        text = "\n".join(map(",".join, rows))
    except TypeError:
        return False
    # A field that holds a comma or a line end would shift the others.
    return (
        set(map(type, rows)) <= {list}
        and set(map(len, rows)) <= {form.fields}
        and text.count(",") == (form.fields - 1) * len(rows)
        and text.count("\n") == max(0, len(rows) - 1)
        and form.page.fullmatch(text) is not None
    )


def _without_zeros(rows: list[Any], form: _Form) -> tuple[list[Any], list[str]]:
    """The rows that are bars, and sentences about those with a price of zero; others are refused."""
    kept, problems = [], []
    for raw in rows:
        if _fits([raw], form):
            kept.append(raw)
            continue
        name = _zero_price(raw, form)
        if name is None:
            raise MalformedError(form.where, _misfit(raw, form))
        problem = f"the field `{name}` of the row {raw[0]} is {shown(raw[_FIELDS.index(name)])}"
        problems.append(MalformedError(form.where, f"{problem} instead of a price above 0").sentence)
    return kept, problems


def _zero_price(raw: object, form: _Form) -> str | None:
    """The price of a row that is zero where the row is well-formed otherwise."""
    if not isinstance(raw, list) or len(raw) != form.fields:
        return None
    zeros = [n for n in range(1, 5) if isinstance(raw[n], str) and not raw[n].strip("0.")]
    mended = ["1" if n in zeros and _VALUE_ONLY.fullmatch(raw[n]) else value for n, value in enumerate(raw)]
    return _FIELDS[zeros[0]] if zeros and _fits([mended], form) else None


def _misfit(raw: object, form: _Form) -> str:
    if not isinstance(raw, list):
        return f"a row is {shown(raw)} instead of a list"
    if len(raw) != form.fields:
        return f"a row has {len(raw)} fields instead of {form.fields}"
    for name, value in zip(_FIELDS, raw, strict=False):
        if not isinstance(value, str) or not _VALUE_ONLY.fullmatch(value):
            return f"the field `{name}` of a row is {shown(value)} instead of a number as text"
    return f"the field `start` of a row is {shown(raw[0])} instead of a time in milliseconds"
