"""Signals about other signals and groups: for each side they say when, how often and in which order it is supported.

A member is read as it stands: where it supports long, this can support long. A condition stays a condition.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from tradebot.engine.strategy.registry import (
    AS_MEMBER,
    BoolArray,
    Parameter,
    ParameterKind,
    SignalDeclaration,
    Values,
    signal,
)
from tradebot.engine.strategy.signals.common import Sides, bars, bars_before, count, in_brackets, member
from tradebot.engine.strategy.signals.windows import all_of, any_of, count_of, earlier_truth

_SIGNAL = member("signal", "The signal or group that is watched.")


def _each_side(members: tuple[Sides, ...], rule: Callable[..., BoolArray]) -> Sides:
    """The rule on the truths of the members, and on their opposites."""
    true = rule(*(each[0] for each in members))
    if all(each[0] is each[1] for each in members):
        return true, true
    return true, rule(*(each[1] for each in members))


def _same(*clauses: str) -> tuple[str, str]:
    return clauses[0], clauses[0]


@signal(
    "within",
    "Within n bars",
    "True where the member held on this bar or on one of the bars just before.",
    parameters=(_SIGNAL, bars(3, "How many bars, this one included.")),
    supports=AS_MEMBER,
    standing=True,
    look_back=bars_before(-1),
    words=lambda texts: _same(f"{texts['signal']} within the last {count(texts['bars'])}"),
)
def within(signal: Sides, *, bars: int) -> Sides:
    """`signal[k]` for any of the last `bars` bars k, this one included."""
    return _each_side((signal,), lambda side: any_of(side, bars))


@signal(
    "held",
    "For n bars",
    "True where the member has held on each of the last bars.",
    parameters=(_SIGNAL, bars(3, "How many bars, this one included.")),
    supports=AS_MEMBER,
    standing=None,
    look_back=bars_before(-1),
    words=lambda texts: _same(f"{texts['signal']} for {count(texts['bars'])}"),
)
def held(signal: Sides, *, bars: int) -> Sides:
    """`signal[k]` for each of the last `bars` bars k, this one included."""
    return _each_side((signal,), lambda side: all_of(side, bars))


@signal(
    "not",
    "Not",
    "True where the member does not hold. Invert it to veto: a side is then open unless the member supports the other.",
    parameters=(_SIGNAL,),
    supports=AS_MEMBER,
    standing=True,
    negates=True,
    words=lambda texts: _same(f"not {in_brackets(texts['signal'])}"),
)
def not_(signal: Sides) -> Sides:
    """`not signal[i]`, where the member's inputs have values."""
    return _each_side((signal,), np.logical_not)


@signal(
    "delay",
    "Delay",
    "True where the member held a number of bars ago.",
    parameters=(_SIGNAL, bars(1, "How many bars ago.")),
    supports=AS_MEMBER,
    standing=None,
    look_back=bars_before(),
    words=lambda texts: _same(f"{count(texts['bars'])} ago {texts['signal']}"),
)
def delay(signal: Sides, *, bars: int) -> Sides:
    """`signal[i-bars]`."""
    return _each_side((signal,), lambda side: earlier_truth(side, bars))


@signal(
    "first",
    "First bar",
    "True on the first bar on which the member holds: the edge of what lasts.",
    parameters=(_SIGNAL,),
    supports=AS_MEMBER,
    look_back=1,
    negates=True,
    words=lambda texts: _same(f"for the first time {texts['signal']}"),
)
def first(signal: Sides) -> Sides:
    """`signal[i] and not signal[i-1]`, where the member's inputs have values on both bars."""
    return _each_side((signal,), lambda side: side & ~earlier_truth(side, 1))


def _k_within_bars(values: Values) -> Iterable[tuple[str, str]]:
    if int(values["k"]) > int(values["bars"]):
        yield "k", f"must be at most bars, which is {values['bars']}, but is {values['k']}"


@signal(
    "repeated",
    "Several times in n bars",
    "True where the member held on at least k of the last bars.",
    parameters=(
        _SIGNAL,
        Parameter(
            name="k", kind=ParameterKind.INTEGER, default=2, low=1, high=100_000, help="On how many bars."
        ),
        bars(5, "Of how many bars, this one included."),
    ),
    supports=AS_MEMBER,
    standing=True,
    look_back=bars_before(-1),
    rule=_k_within_bars,
    words=lambda texts: _same(f"{texts['signal']} on {texts['k']} of the last {count(texts['bars'])}"),
)
def repeated(signal: Sides, *, k: int, bars: int) -> Sides:
    """`signal` held on at least `k` of the last `bars` bars, this one included."""
    return _each_side((signal,), lambda side: count_of(side, bars) >= k)


@signal(
    "sequence",
    "One after the other",
    "True where the second member holds and the first one did on one of the bars before.",
    parameters=(
        member("first", "The signal or group that comes first."),
        member("then", "The signal or group that follows."),
        bars(10, "At most how many bars later."),
    ),
    supports=AS_MEMBER,
    look_back=bars_before(),
    words=lambda texts: _same(f"{texts['then']} at most {count(texts['bars'])} after {texts['first']}"),
)
def sequence(first: Sides, then: Sides, *, bars: int) -> Sides:
    """`then[i]`, and `first[k]` for any k of `i-bars .. i-1`."""
    return _each_side((first, then), lambda one, two: two & earlier_truth(any_of(one, bars), 1))


@signal(
    "count",
    "Several members in n bars",
    "True where at least k of the members held on one of the last bars, together or one after the other.",
    parameters=(
        Parameter(
            name="signals", kind=ParameterKind.MEMBERS, help="The signals and groups that are watched."
        ),
        Parameter(
            name="k", kind=ParameterKind.INTEGER, default=2, low=1, high=10_000, help="How many must agree."
        ),
        bars(5, "Of how many bars, this one included."),
    ),
    supports=AS_MEMBER,
    standing=True,
    look_back=bars_before(-1),
    words=lambda texts: _same(
        f"at least {texts['k']} of these within {count(texts['bars'])}: {texts['signals']}"
    ),
)
def count_members(*signals: Sides, k: int, bars: int) -> Sides:
    """For at least `k` of the members: held on any of the last `bars` bars, this one included."""

    def enough(*held_: BoolArray) -> BoolArray:
        number = np.zeros(len(held_[0]), dtype=np.uint16)
        for each in held_:
            number += any_of(each, bars)
        return number >= k

    return _each_side(signals, enough)


DECLARATIONS: tuple[SignalDeclaration, ...] = (
    within,
    held,
    not_,
    delay,
    first,
    repeated,
    sequence,
    count_members,
)
