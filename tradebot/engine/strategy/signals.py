"""The signals that come with the program: each says where it is true and where its strict opposite is true.

How the truth becomes support for a side is the same for all of them: `sides`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum

import numpy as np

from tradebot.engine.market import Float64
from tradebot.engine.strategy.registry import (
    BoolArray,
    Parameter,
    ParameterKind,
    SignalDeclaration,
    Values,
    signal,
)

Operand = Float64 | float


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
) -> tuple[BoolArray, BoolArray]:
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


def _operand(name: str, about: str) -> Parameter:
    return Parameter(name=name, kind=ParameterKind.SERIES, allow_number=True, help=about)


def _not_two_numbers(values: Values) -> Iterable[tuple[str, str]]:
    if not isinstance(values["a"], str) and not isinstance(values["b"], str):
        yield "a", "must be a series where b is a number: two numbers never change"


@signal(
    "cross",
    "Cross",
    "True on the bar on which a rises above b; the opposite where it falls below.",
    parameters=(_operand("a", "The series that crosses."), _operand("b", "What it crosses.")),
    supports=Supports.DIRECTION,
    look_back=1,
    rule=_not_two_numbers,
    words=lambda texts: (
        f"{texts['a']} crosses above {texts['b']}",
        f"{texts['a']} crosses below {texts['b']}",
    ),
)
def cross(a: Operand, b: Operand) -> tuple[BoolArray, BoolArray]:
    """`a[i-1] <= b[i-1] and a[i] > b[i]`, and the mirror image."""
    above, below = np.greater(a, b), np.less(a, b)
    up, down = np.zeros_like(above), np.zeros_like(above)
    np.logical_and(above[1:], np.less_equal(_before(a), _before(b)), out=up[1:])
    np.logical_and(below[1:], np.greater_equal(_before(a), _before(b)), out=down[1:])
    return up, down


def _before(operand: Operand) -> Operand:
    return operand[:-1] if isinstance(operand, np.ndarray) else operand


_COMPARE = {">": np.greater, ">=": np.greater_equal, "<": np.less, "<=": np.less_equal}
_COMPARE_WORDS = {">": "above", ">=": "at or above", "<": "below", "<=": "at or below"}
_STRICT_OPPOSITE = {">": np.less, ">=": np.less, "<": np.greater, "<=": np.greater}


def _compare_words(texts: Mapping[str, str]) -> tuple[str, str]:
    opposite = "below" if texts["op"].startswith(">") else "above"
    return (
        f"{texts['a']} is {_COMPARE_WORDS[texts['op']]} {texts['b']}",
        f"{texts['a']} is {opposite} {texts['b']}",
    )


@signal(
    "compare",
    "Compare",
    "True while a stands in this relation to b; the opposite where the reverse holds strictly.",
    parameters=(
        _operand("a", "The left side."),
        Parameter(
            name="op",
            kind=ParameterKind.CHOICE,
            choices=tuple(_COMPARE),
            default=">",
            help='The relation. With supports = "direction" the other side needs the strict opposite.',
        ),
        _operand("b", "The right side."),
    ),
    supports=Supports.BOTH,
    rule=_not_two_numbers,
    words=_compare_words,
)
def compare(a: Operand, b: Operand, *, op: str) -> tuple[BoolArray, BoolArray]:
    """`a op b`, and its strict opposite."""
    return _COMPARE[op](a, b), _STRICT_OPPOSITE[op](a, b)


def _at_least_one_level(values: Values) -> Iterable[tuple[str, str]]:
    lower, upper = values.get("lower"), values.get("upper")
    supports = values.get("supports", Supports.DIRECTION)
    if lower is None and upper is None:
        yield "lower", "is missing; expected a number for lower, for upper or for both"
    elif lower is None and supports != Supports.DIRECTION:
        yield (
            "lower",
            f'is missing; with supports = "{supports}" a threshold is true below lower (for above: compare)',
        )
    elif lower is not None and upper is not None and float(lower) > float(upper):
        yield "lower", f"must not be above upper, which is {upper:g}, but is {lower:g}"


def _level(name: str, about: str) -> Parameter:
    return Parameter(name=name, kind=ParameterKind.NUMBER, optional=True, help=about)


def _threshold_words(texts: Mapping[str, str]) -> tuple[str, str]:
    below = f"{texts['source']} is below {texts['lower']}" if "lower" in texts else ""
    above = f"{texts['source']} is above {texts['upper']}" if "upper" in texts else ""
    return below, above


@signal(
    "threshold",
    "Threshold",
    "True below lower (long), the opposite above upper (short): an oscillator's oversold and overbought.",
    parameters=(
        Parameter(name="source", kind=ParameterKind.SERIES, help="The series that is watched."),
        _level("lower", "Below it the signal supports long."),
        _level("upper", "Above it the signal supports short."),
    ),
    supports=Supports.DIRECTION,
    rule=_at_least_one_level,
    words=_threshold_words,
)
def threshold(
    source: Float64, *, lower: float | None = None, upper: float | None = None
) -> tuple[BoolArray, BoolArray]:
    """`source < lower`, and `source > upper`; a level that is not given is never passed."""
    never = np.zeros(np.shape(source), dtype=np.bool_)
    below = never if lower is None else np.less(source, lower)
    above = never if upper is None else np.greater(source, upper)
    return below, above


DECLARATIONS: tuple[SignalDeclaration, ...] = (cross, compare, threshold)
