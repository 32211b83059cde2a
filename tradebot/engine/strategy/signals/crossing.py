"""Signals of one series passing another: true on the bar on which it happens."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from tradebot.engine.strategy.registry import SignalDeclaration, Values, signal
from tradebot.engine.strategy.signals.common import Operand, Sides, Supports, operand


def not_two_numbers(values: Values) -> Iterable[tuple[str, str]]:
    """The rule of everything that sets a against b: one of them must be a series."""
    if not isinstance(values["a"], str) and not isinstance(values["b"], str):
        yield "a", "must be a series where b is a number: two numbers never change"


def before(values: Operand) -> Operand:
    """What stood one bar earlier, for all bars but the first; a number is always the same."""
    return values[:-1] if isinstance(values, np.ndarray) else values


@signal(
    "cross",
    "Cross",
    "True on the bar on which a rises above b; the opposite where it falls below.",
    parameters=(operand("a", "The series that crosses."), operand("b", "What it crosses.")),
    supports=Supports.DIRECTION,
    look_back=1,
    rule=not_two_numbers,
    words=lambda texts: (
        f"{texts['a']} crosses above {texts['b']}",
        f"{texts['a']} crosses below {texts['b']}",
    ),
)
def cross(a: Operand, b: Operand) -> Sides:
    """`a[i-1] <= b[i-1] and a[i] > b[i]`, and the mirror image."""
    above, below = np.greater(a, b), np.less(a, b)
    up, down = np.zeros_like(above), np.zeros_like(above)
    np.logical_and(above[1:], np.less_equal(before(a), before(b)), out=up[1:])
    np.logical_and(below[1:], np.greater_equal(before(a), before(b)), out=down[1:])
    return up, down


DECLARATIONS: tuple[SignalDeclaration, ...] = (cross,)
