"""Signals of where a series stands: against another, a level, a zone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

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
from tradebot.engine.strategy.signals.common import (
    Operand,
    Sides,
    Supports,
    choice,
    in_order,
    operand,
    percent,
    series,
)
from tradebot.engine.strategy.signals.crossing import not_two_numbers
from tradebot.engine.strategy.signals.windows import latched

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
        operand("a", "The left side."),
        choice(
            "op",
            _COMPARE,
            'The relation. With supports = "direction" the other side needs the strict opposite.',
        ),
        operand("b", "The right side."),
    ),
    supports=Supports.BOTH,
    standing=True,
    rule=not_two_numbers,
    words=_compare_words,
)
def compare(a: Operand, b: Operand, *, op: str) -> Sides:
    """`a op b`, and its strict opposite."""
    return _COMPARE[op](a, b), _STRICT_OPPOSITE[op](a, b)


# Threshold


def _threshold_rule(values: Values) -> Iterable[tuple[str, str]]:
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
    else:
        yield from _release_rule(values)


def _release_rule(values: Values) -> Iterable[tuple[str, str]]:
    """A level is left between itself and the other one, so that both are never held at once."""
    for name, other in (("lower", "upper"), ("upper", "lower")):
        release = values.get(f"{name}_release")
        if release is None:
            continue
        given = [values.get(name), values.get(other)]
        if given[0] is None:
            yield f"{name}_release", f"belongs to {name}, which is not given"
            continue
        low, high = (given[0], given[1]) if name == "lower" else (given[1], given[0])
        if low is not None and float(release) < float(low):
            yield f"{name}_release", f"must not be below lower, which is {low:g}, but is {release:g}"
        if high is not None and float(release) > float(high):
            yield f"{name}_release", f"must not be above upper, which is {high:g}, but is {release:g}"


def _level(name: str, about: str) -> Parameter:
    return Parameter(name=name, kind=ParameterKind.NUMBER, optional=True, help=about)


def _threshold_words(texts: Mapping[str, str]) -> tuple[str, str]:
    def clause(name: str, passed: str) -> str:
        if name not in texts:
            return ""
        release = f"{name}_release"
        until = f" and has not come back to {texts[release]}" if release in texts else ""
        was = "was" if until else "is"
        return f"{texts['source']} {was} {passed} {texts[name]}{until}"

    return clause("lower", "below"), clause("upper", "above")


@signal(
    "threshold",
    "Threshold",
    "True below lower (long), the opposite above upper (short): an oscillator's oversold and overbought.",
    parameters=(
        series("source", "The series that is watched."),
        _level("lower", "Below it the signal supports long."),
        _level("upper", "Above it the signal supports short."),
        _level("lower_release", "Once below lower, it stays true until the series is back here."),
        _level("upper_release", "Once above upper, the opposite stays true until the series is back here."),
    ),
    supports=Supports.DIRECTION,
    standing=True,
    recursive=True,
    rule=_threshold_rule,
    words=_threshold_words,
)
def threshold(
    source: Float64,
    *,
    lower: float | None = None,
    upper: float | None = None,
    lower_release: float | None = None,
    upper_release: float | None = None,
) -> Sides:
    """`source < lower`, and `source > upper`; a level that is not given is never passed.

    With a release level: `true[i] = source[i] < lower or (true[i-1] and source[i] < lower_release)`, and the mirror
    image. A missing value releases too. Lower 30, release 50: 29, 40, 49, 50, 40 is true, true, true, false, false.
    """
    below = _passed(np.less, source, lower, lower_release)
    return below, _passed(np.greater, source, upper, upper_release)


def _passed(beyond: np.ufunc, source: Float64, level: float | None, release: float | None) -> BoolArray:
    if level is None:
        return np.zeros(np.shape(source), dtype=np.bool_)
    passed: BoolArray = beyond(source, level)
    if release is None:
        return passed
    return latched(passed, ~beyond(source, release))


# Zones and distances


@signal(
    "between",
    "Between",
    "True while a series is inside a zone; the opposite while it is outside.",
    parameters=(
        series("source", "The series that is watched."),
        operand("lower", "Lower edge of the zone."),
        operand("upper", "Upper edge of the zone."),
    ),
    supports=Supports.BOTH,
    standing=True,
    rule=in_order("lower", "upper"),
    words=lambda texts: (
        f"{texts['source']} is between {texts['lower']} and {texts['upper']}",
        f"{texts['source']} is outside {texts['lower']} to {texts['upper']}",
    ),
)
def between(source: Float64, lower: Operand, upper: Operand) -> Sides:
    """`lower < source < upper`, and `source < lower or source > upper`; on an edge neither."""
    known = ~(np.isnan(lower) | np.isnan(upper))
    outside_ = (np.less(source, lower) | np.greater(source, upper)) & known
    return np.greater(source, lower) & np.less(source, upper), outside_


@signal(
    "outside",
    "Outside",
    "True while a series is outside a zone; the opposite while it is inside.",
    parameters=(
        series("source", "The series that is watched."),
        operand("lower", "Lower edge of the zone."),
        operand("upper", "Upper edge of the zone."),
    ),
    supports=Supports.BOTH,
    standing=True,
    rule=in_order("lower", "upper"),
    words=lambda texts: (
        f"{texts['source']} is outside {texts['lower']} to {texts['upper']}",
        f"{texts['source']} is between {texts['lower']} and {texts['upper']}",
    ),
)
def outside(source: Float64, lower: Operand, upper: Operand) -> Sides:
    """`source < lower or source > upper`, and `lower < source < upper`; on an edge neither."""
    inside, beyond = between.compute(source, lower, upper)
    return beyond, inside


@signal(
    "distance",
    "Distance",
    "True while a is more than some percent above b; the opposite while it is as far below.",
    parameters=(
        operand("a", "The series that is watched."),
        operand("b", "What its distance is measured from."),
        percent("percent", 1.0, "The distance that must be exceeded, in percent of b."),
    ),
    supports=Supports.DIRECTION,
    standing=True,
    rule=not_two_numbers,
    words=lambda texts: (
        f"{texts['a']} is more than {texts['percent']} % above {texts['b']}",
        f"{texts['a']} is more than {texts['percent']} % below {texts['b']}",
    ),
)
def distance(a: Operand, b: Operand, *, percent: float) -> Sides:
    """`a - b > percent / 100 * |b|`, and `b - a > percent / 100 * |b|`."""
    away, least = np.subtract(a, b), percent / 100.0 * np.abs(b)
    return np.greater(away, least), np.less(away, -least)


@signal(
    "aligned",
    "Aligned",
    "True while three series stand in falling order, as averages of rising length do in an up-trend.",
    parameters=(
        operand("fast", "The one that must stand highest."),
        operand("middle", "The one between."),
        operand("slow", "The one that must stand lowest."),
    ),
    supports=Supports.DIRECTION,
    standing=True,
    words=lambda texts: (
        f"{texts['fast']} is above {texts['middle']}, which is above {texts['slow']}",
        f"{texts['fast']} is below {texts['middle']}, which is below {texts['slow']}",
    ),
    rule=lambda values: _a_series_among(values, "fast", "middle", "slow"),
)
def aligned(fast: Operand, middle: Operand, slow: Operand) -> Sides:
    """`fast > middle > slow`, and `fast < middle < slow`."""
    up = np.greater(fast, middle) & np.greater(middle, slow)
    return up, np.less(fast, middle) & np.less(middle, slow)


def _a_series_among(values: Values, *names: str) -> Iterable[tuple[str, str]]:
    if not any(isinstance(values[name], str) for name in names):
        yield names[0], "must be a series where the others are numbers: numbers never change"


def _funding_level(name: str, default: float, about: str) -> Parameter:
    return Parameter(
        name=name, kind=ParameterKind.NUMBER, default=default, low=-5.0, high=5.0, unit="%", help=about
    )


def _below_above(values: Values) -> Iterable[tuple[str, str]]:
    below, above = float(values["below"]), float(values["above"])
    if below > above:
        yield "below", f"must not exceed above, which is {above:g}, but is {below:g}"


@signal(
    "funding",
    "Funding",
    "True while the funding rate is low, so that shorts crowd and pay; the opposite while it is high.",
    parameters=(
        series("source", "The funding rate, as a fraction.", default="funding"),
        _funding_level("below", 0.0, "Below this rate, in percent a settlement, the signal supports long."),
        _funding_level("above", 0.03, "Above it the signal supports short. 0.01 is usual on Bybit."),
    ),
    supports=Supports.DIRECTION,
    standing=True,
    rule=_below_above,
    words=lambda texts: (
        f"{texts['source']} is below {texts['below']} %",
        f"{texts['source']} is above {texts['above']} %",
    ),
)
def funding(source: Float64, *, below: float, above: float) -> Sides:
    """`source < below / 100`, and `source > above / 100`."""
    return source < below / 100.0, source > above / 100.0


DECLARATIONS: tuple[SignalDeclaration, ...] = (
    compare,
    threshold,
    between,
    outside,
    distance,
    aligned,
    funding,
)
