"""The strict rules for one row of a table, with the sentence for each way to break them."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from tradebot.engine.control.errors import printable
from tradebot.engine.control.progress import counted
from tradebot.engine.market import Timeframe
from tradebot.engine.market.times import iso_ms
from tradebot.engine.store.layout import BARS, TableKind

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
_TIMESTAMP = re.compile(r"\d{1,13}", re.ASCII)


@dataclass(frozen=True, slots=True)
class RowProblem:
    """Why a row is refused: what is wrong, and what was expected."""

    wrong: str
    expected: str

    def __str__(self) -> str:
        return f"{self.wrong}, expected {self.expected}"


def number_of(text: str) -> float | None:
    """The number a field holds in plain or exponent notation, None where it is none or not finite."""
    if _NUMBER.fullmatch(text) is None:
        return None
    value = float(text)
    return value if math.isfinite(value) else None


def shown(text: str) -> str:
    """A field as it is quoted in a sentence, shortened."""
    return printable(f'"{text[:40]}{"..." if len(text) > 40 else ""}"')


def form_problem(fields: Sequence[str], kind: TableKind) -> RowProblem | None:
    """What is wrong with the text of a row (number of values, timestamp, numbers), None where nothing is."""
    if len(fields) != len(kind.columns):
        wrong = "the line is empty" if list(fields) == [""] else counted(len(fields), "value")
        return RowProblem(wrong, f"{len(kind.columns)} values ({','.join(kind.columns)})")
    if _TIMESTAMP.fullmatch(fields[0]) is None:
        return RowProblem(f"the timestamp is {shown(fields[0])}", "whole milliseconds since 1970 (UTC)")
    for name, text in zip(kind.columns[1:], fields[1:], strict=True):
        if text == "" and kind.optional_last and name == kind.columns[-1]:
            continue
        if number_of(text) is None:
            return RowProblem(f"the {name} is {shown(text)}", "a number")
    return None


def bar_problem(fields: Sequence[str], timeframe: Timeframe, kind: TableKind = BARS) -> RowProblem | None:
    """What is wrong with one bar given as text, its place among other bars left aside; None where nothing is.

    `kind` is BARS or MARK_BARS.
    """
    problem = form_problem(fields, kind)
    if problem:
        return problem
    time_ms = int(fields[0])
    if not timeframe.on_grid(time_ms):
        return RowProblem(
            f"the timestamp {time_ms} ({iso_ms(time_ms)}) is off the grid",
            f"the open time of a {timeframe.value} bar",
        )
    open_, high, low, close = (float(text) for text in fields[1:5])
    for name, value, text in zip(BARS.columns[1:5], (open_, high, low, close), fields[1:5], strict=True):
        if value <= 0:
            return RowProblem(f"the {name} is {text}", "a price above 0")
    if not low <= min(open_, close) or not high >= max(open_, close):
        return RowProblem(
            f"open {fields[1]}, high {fields[2]}, low {fields[3]}, close {fields[4]} contradict each other",
            "low <= open, close <= high",
        )
    for name, text in zip(kind.columns[5:], fields[5:], strict=True):
        if text and float(text) < 0:
            return RowProblem(f"the {name} is {text}", "0 or more")
    return None


def order_problem(previous_ms: int, time_ms: int) -> RowProblem | None:
    """What is wrong with a row's place after `previous_ms`, None where it comes later."""
    if time_ms > previous_ms:
        return None
    relation = "repeats the one of the row before" if time_ms == previous_ms else "lies before the one above"
    return RowProblem(f"the timestamp {time_ms} ({iso_ms(time_ms)}) {relation}", "strictly rising timestamps")
