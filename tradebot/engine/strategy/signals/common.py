"""What the signals share: how a truth is read, and the parameters that many of them take."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import StrEnum
from itertools import accumulate, pairwise

import numpy as np

from tradebot.engine.market import Float64
from tradebot.engine.strategy.registry import BoolArray, Parameter, ParameterKind, Rule, Value, Values

Operand = Float64 | float
"""A series, or the number that stands in its place."""
Sides = tuple[BoolArray, BoolArray]
"""Two bool columns: where something is true, where its opposite is."""

LONGEST = 100_000
"""The most bars that a signal looks back, as for indicators."""


class Supports(StrEnum):
    """How the truth of a signal is read as support for a side."""

    DIRECTION = "direction"
    """Long where it is true, short where its strict opposite is true."""
    BOTH = "both"
    """A condition: both sides where it is true."""
    LONG = "long"
    """Long where it is true, never short."""
    SHORT = "short"
    """Short where it is true, never long."""


def sides(
    true: BoolArray, opposite: BoolArray, supports: Supports, invert: bool, known: BoolArray | None
) -> Sides:
    """Where a signal supports long and where short.

    `invert` swaps the sides; a condition (`both`) it negates, and then `known` says where its inputs have values,
    because a missing value supports neither side. `known` is None where nothing is missing or nothing is negated.
    """
    if supports is Supports.BOTH:
        if invert:
            true = ~true if known is None else ~true & known
        return true, true
    if supports is Supports.DIRECTION:
        long, short = true, opposite
    else:
        never = np.zeros_like(true)
        long, short = (true, never) if supports is Supports.LONG else (never, true)
    return (short, long) if invert else (long, short)


# Parameters


def operand(name: str, about: str) -> Parameter:
    """A series or a number."""
    return Parameter(name=name, kind=ParameterKind.SERIES, allow_number=True, help=about)


def series(name: str, about: str, default: str | None = None) -> Parameter:
    """A series."""
    return Parameter(name=name, kind=ParameterKind.SERIES, default=default, help=about)


def bars(default: int, about: str, low: int = 1, name: str = "bars", high: int = LONGEST) -> Parameter:
    """A number of bars."""
    return Parameter(
        name=name, kind=ParameterKind.INTEGER, default=default, low=low, high=high, unit="bars", help=about
    )


def percent(
    name: str, default: float, about: str, low: float = 0.0, high: float = 1000.0, unit: str = "%"
) -> Parameter:
    """A share in percent."""
    return Parameter(
        name=name, kind=ParameterKind.NUMBER, default=default, low=low, high=high, unit=unit, help=about
    )


def multiple(default: float, about: str) -> Parameter:
    """How many times something else."""
    return Parameter(
        name="multiple", kind=ParameterKind.NUMBER, default=default, low=0.01, high=1000.0, help=about
    )


def choice(name: str, choices: Iterable[str], about: str) -> Parameter:
    """One of several words, the first by default."""
    words = tuple(choices)
    return Parameter(name=name, kind=ParameterKind.CHOICE, choices=words, default=words[0], help=about)


def member(name: str, about: str) -> Parameter:
    """The name of a signal or group."""
    return Parameter(name=name, kind=ParameterKind.MEMBER, help=about)


# Values


def whole(value: Value) -> int:
    """A value that was checked to be a whole number."""
    return int(value)


def bars_before(extra: int = 0, name: str = "bars") -> Callable[[Values], int]:
    """A look-back of `bars` + `extra` bars."""
    return lambda values: whole(values[name]) + extra


def in_order(*names: str) -> Rule:
    """A rule: of these values, those that are numbers must rise strictly from each to the next."""

    def rule(values: Values) -> Iterable[tuple[str, str]]:
        given = [
            (name, values[name]) for name in names if name in values and not isinstance(values[name], str)
        ]
        for (name, value), (next_name, higher) in pairwise(given):
            if float(value) >= float(higher):
                yield name, f"must be below {next_name}, which is {float(higher):g}, but is {float(value):g}"

    return rule


# Texts


def in_brackets(text: str) -> str:
    """`(a or b)`, with one pair of brackets where it stands in them already."""
    depths = accumulate((sign == "(") - (sign == ")") for sign in text)
    whole = text.startswith("(") and all(depth > 0 for depth in list(depths)[:-1]) and text.endswith(")")
    return text if whole else f"({text})"


def count(text: str, what: str = "bar") -> str:
    """`"1"` -> `1 bar`, `"3"` -> `3 bars`."""
    return f"{text} {what}" if text == "1" else f"{text} {what}s"
