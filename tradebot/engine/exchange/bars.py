"""Pages of bars checked at the door: a whole page at once, because a collection reads millions of rows."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tradebot.engine.exchange.answers import RowsText
from tradebot.engine.exchange.errors import MalformedError
from tradebot.engine.exchange.fields import envelope_rows, shown
from tradebot.engine.market import BarPage, Timeframe

_VALUE = r"[0-9]{1,20}+(?:\.[0-9]{1,20}+)?+"
_ABOVE_ZERO = rf"(?=[0.]*+[1-9]){_VALUE}"
_PRICES = rf"[0-9]{{12,14}}(?:,{_ABOVE_ZERO}){{4}}"
_VALUE_ONLY = re.compile(_VALUE)
_FIELDS = ("start", "open", "high", "low", "close", "volume", "turnover")


class _Form:
    """What a row of one kind of answer looks like."""

    def __init__(self, where: str, mark: bool) -> None:
        self.where = where
        self.mark = mark
        self.fields = 5 if mark else 7
        row = _PRICES + rf",{_VALUE}" * (self.fields - 5)
        self.page = re.compile(rf"{row}(?:\n{row})*+".encode())


_TRADED = _Form("kline answer", mark=False)
_MARK = _Form("mark price kline answer", mark=True)


class Bars:
    """The rows of an answer in its own order, each as one line and known to be sound numbers, and what was left out."""

    def __init__(self, lines: list[bytes], mark: bool, problems: tuple[str, ...] = ()) -> None:
        self.lines = lines
        self.times = [int(line[: _time_end(line)]) for line in lines]
        self.mark = mark
        self.problems = problems

    def within(self, timeframe: Timeframe, start_ms: int, last_ms: int) -> BarPage:
        """The bars with start_ms <= open time <= last_ms, rising, each time once (the last one said counts).

        Raises MalformedError for a bar that does not start on the timeframe's grid.
        """
        length, offset = timeframe.ms, timeframe.grid_offset_ms
        lines, times = self.lines, self.times
        if any((time_ms - offset) % length for time_ms in times):
            raise MalformedError("kline answer", f"a {timeframe.value} bar does not start on the grid")
        if _newest_first_and_whole(times, length):
            lines, times = lines[::-1], times[::-1]
        else:
            by_time = dict(zip(times, lines, strict=True))
            times = sorted(by_time)
            lines = [by_time[time_ms] for time_ms in times]
        if times and not (start_ms <= times[0] and times[-1] <= last_ms):
            inside = [n for n, time_ms in enumerate(times) if start_ms <= time_ms <= last_ms]
            lines, times = [lines[n] for n in inside], [times[n] for n in inside]
        return BarPage.of_lines(lines, times, self.mark)


def parse_klines(envelope: Mapping[str, Any], symbol: str | None = None, mark: bool = False) -> Bars:
    """Answer of `market/kline` or `market/mark-price-kline` -> bars.

    A row whose price is zero is no bar: it is left out with a sentence. Anything else that does not fit is a
    MalformedError naming the first bad field. With `symbol`, an answer that says it is about another one is refused.
    """
    form = _MARK if mark else _TRADED
    result = envelope.get("result")
    said = result.get("symbol") if isinstance(result, dict) else None
    if symbol is not None and said not in (None, "", symbol):
        raise MalformedError(form.where, f"it is about {shown(said)} instead of {symbol}")
    rows = result.get("list") if isinstance(result, dict) else None
    text = rows.text if isinstance(rows, RowsText) else _joined(envelope_rows(envelope, form.where), form)
    if text == b"":
        return Bars([], mark)
    if text is not None and form.page.fullmatch(text):
        return Bars(text.split(b"\n"), mark)
    return _without_zeros(envelope_rows(envelope, form.where), form)


def _time_end(line: bytes) -> int:
    return 13 if line[13:14] == b"," else line.index(b",")


def _newest_first_and_whole(times: list[int], length: int) -> bool:
    """Whether a page is as nearly all pages are; those need no sorting."""
    if not times:
        return True
    spans = times[0] - times[-1] == (len(times) - 1) * length
    return spans and times == list(range(times[0], times[-1] - 1, -length))


def _joined(rows: list[Any], form: _Form) -> bytes | None:
    """The rows as lines, None where they are not all lists of the right number of texts."""
    try:
        text = "\n".join(map(",".join, rows))
    except TypeError:
        return None
    # A field that holds a comma or a line end would shift the others.
    fits = (
        set(map(type, rows)) <= {list}
        and set(map(len, rows)) <= {form.fields}
        and text.count(",") == (form.fields - 1) * len(rows)
        and text.count("\n") == max(0, len(rows) - 1)
        and text.isascii()
    )
    return text.encode() if fits else None


def _without_zeros(rows: list[Any], form: _Form) -> Bars:
    """The rows that are bars, and sentences about those with a price of zero; others are refused."""
    kept: list[bytes] = []
    problems: list[str] = []
    for raw in rows:
        line = _joined([raw], form)
        if line is not None and form.page.fullmatch(line):
            kept.append(line)
            continue
        name = _zero_price(raw, form)
        if name is None:
            raise MalformedError(form.where, _misfit(raw, form))
        problem = f"the field `{name}` of the row {raw[0]} is {shown(raw[_FIELDS.index(name)])}"
        problems.append(MalformedError(form.where, f"{problem} instead of a price above 0").sentence)
    return Bars(kept, form.mark, tuple(problems))


def _zero_price(raw: object, form: _Form) -> str | None:
    """The price of a row that is zero where the row is well-formed otherwise."""
    if not isinstance(raw, list) or len(raw) != form.fields:
        return None
    zeros = [n for n in range(1, 5) if isinstance(raw[n], str) and not raw[n].strip("0.")]
    mended = ["1" if n in zeros and _VALUE_ONLY.fullmatch(raw[n]) else value for n, value in enumerate(raw)]
    line = _joined([mended], form)
    return _FIELDS[zeros[0]] if zeros and line is not None and form.page.fullmatch(line) else None


def _misfit(raw: object, form: _Form) -> str:
    if not isinstance(raw, list):
        return f"a row is {shown(raw)} instead of a list"
    if len(raw) != form.fields:
        return f"a row has {len(raw)} fields instead of {form.fields}"
    for name, value in zip(_FIELDS, raw, strict=False):
        if not isinstance(value, str) or not _VALUE_ONLY.fullmatch(value):
            return f"the field `{name}` of a row is {shown(value)} instead of a number as text"
    return f"the field `start` of a row is {shown(raw[0])} instead of a time in milliseconds"
