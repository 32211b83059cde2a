"""The signal side of a strategy in plain Python: indicators, signals, combinations, decisions of one symbol.

A series is a list with None where there is no value. A sided series is a list of (supports long, supports short).
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

Series = list[float | None]
Sided = list[tuple[bool, bool]]


@dataclass(frozen=True, slots=True)
class ReferenceIndicator:
    """`source` is a column of the bars or the name of another indicator that stands before this one."""

    kind: str  # sma | ema | rsi
    length: int
    source: str = "close"


@dataclass(frozen=True, slots=True)
class ReferenceSignal:
    """cross (a, b), compare (a, op, b) or threshold (a, lower, upper); a and b are names or numbers."""

    kind: str
    a: str | float
    b: str | float = 0.0
    op: str = ">"
    lower: float = 0.0
    upper: float = 0.0
    supports: str = ""  # "" = the natural default of the kind
    invert: bool = False


@dataclass(frozen=True, slots=True)
class ReferenceCombination:
    """A group, the entry or the exit; `weights` that are missing count 1."""

    combine: str  # majority | weighted | unanimous | any | at_least
    members: tuple[str, ...]
    k: int = 1
    weights: Mapping[str, float] = field(default_factory=dict)
    threshold: float = 0.5


@dataclass(frozen=True, slots=True)
class ReferenceStrategy:
    """Indicators and groups are worked out in the order in which they stand."""

    indicators: Mapping[str, ReferenceIndicator]
    signals: Mapping[str, ReferenceSignal]
    entry: ReferenceCombination
    exit: ReferenceCombination | None = None
    groups: Mapping[str, ReferenceCombination] = field(default_factory=dict)
    trigger: str = "level"


@dataclass(frozen=True, slots=True)
class ReferenceDecisions:
    side: list[int]
    exit_long: list[bool]
    exit_short: list[bool]
    conflicts: int


def reference_decisions(
    strategy: ReferenceStrategy, columns: Mapping[str, Sequence[float]], warm_up: int = 0
) -> ReferenceDecisions:
    """Decisions at every close. Bars before `warm_up` (a bar index) neither decide nor count."""
    series: dict[str, Series] = {name: list(values) for name, values in columns.items()}
    count = len(next(iter(series.values())))
    for name, indicator in strategy.indicators.items():
        series[name] = INDICATORS[indicator.kind](series[indicator.source], indicator.length)
    sided = {name: signal_sides(signal, series, count) for name, signal in strategy.signals.items()}
    for name, group in strategy.groups.items():
        sided[name] = combined_sides(group, sided)
    entry = combined_sides(strategy.entry, sided)
    leave = combined_sides(strategy.exit, sided) if strategy.exit else [(False, False)] * count
    entry = [(False, False)] * min(warm_up, count) + entry[warm_up:]
    leave = [(False, False)] * min(warm_up, count) + leave[warm_up:]
    level = [long - short for long, short in entry]
    side = level
    if strategy.trigger == "edge":
        side = [now if now != before else 0 for before, now in zip([0, *level], level, strict=False)]
    return ReferenceDecisions(
        side=side,
        exit_long=[short for _, short in leave],
        exit_short=[long for long, _ in leave],
        conflicts=sum(long and short for long, short in entry),
    )


# Indicators ------------------------------------------------------------------------------------------------


def sma(source: Series, length: int) -> Series:
    """The mean of the last `length` values, each summed anew: no running sum that drifts."""
    first, values = leading(source)
    means: Series = [None] * len(source)
    for end in range(length, len(values) + 1):
        means[first + end - 1] = math.fsum(values[end - length : end]) / length
    return means


def ema(source: Series, length: int) -> Series:
    """Seeded with the mean of the first `length` values, then alpha = 2 / (length + 1)."""
    first, values = leading(source)
    averages: Series = [None] * len(source)
    if len(values) >= length:
        average = sum(values[:length]) / length
        averages[first + length - 1] = average
        for i in range(length, len(values)):
            average += (values[i] - average) * 2 / (length + 1)
            averages[first + i] = average
    return averages


def rsi(source: Series, length: int) -> Series:
    """Wilder: mean gain and loss of the first `length` changes, then smoothed by 1 / length; 0 when nothing moved."""
    first, values = leading(source)
    strength: Series = [None] * len(source)
    changes = [now - before for before, now in pairwise(values)]
    if len(changes) < length:
        return strength
    gain = sum(max(change, 0.0) for change in changes[:length]) / length
    loss = sum(max(-change, 0.0) for change in changes[:length]) / length
    strength[first + length] = relative_strength(gain, loss)
    for i in range(length, len(changes)):
        gain = (gain * (length - 1) + max(changes[i], 0.0)) / length
        loss = (loss * (length - 1) + max(-changes[i], 0.0)) / length
        strength[first + i + 1] = relative_strength(gain, loss)
    return strength


def relative_strength(gain: float, loss: float) -> float:
    return 100 * gain / (gain + loss) if gain + loss > 1e-14 else 0.0


def leading(source: Series) -> tuple[int, list[float]]:
    """Index of the first value and the values from there on, among which none is missing."""
    values = [value for value in source if value is not None]
    return len(source) - len(values), values


INDICATORS: dict[str, Callable[[Series, int], Series]] = {"sma": sma, "ema": ema, "rsi": rsi}


# Signals ---------------------------------------------------------------------------------------------------

NATURAL = {"cross": "direction", "threshold": "direction", "compare": "both"}
COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}
STRICT_OPPOSITE = {">": "<", ">=": "<", "<": ">", "<=": ">"}


def signal_sides(signal: ReferenceSignal, series: Mapping[str, Series], count: int) -> Sided:
    """What the signal supports on every bar: its truth and the truth of its opposite, read by `supports`."""

    def resolve(operand: str | float) -> Series:
        return series[operand] if isinstance(operand, str) else [operand] * count

    readings = READINGS[signal.kind](signal, resolve)
    supports = signal.supports or NATURAL[signal.kind]
    return [sides_of(reading, supports, signal.invert) for reading in readings]


def sides_of(reading: tuple[bool, bool] | None, supports: str, invert: bool) -> tuple[bool, bool]:
    """`reading` is (true, opposite is true), None where a value is missing: that supports nothing."""
    if reading is None:
        return False, False
    truth, opposite = reading
    if supports == "direction":
        return (opposite, truth) if invert else (truth, opposite)
    if supports == "both":
        return truth != invert, truth != invert
    # `invert` swaps the sides of a one-sided rule; only a condition is negated.
    goes_long = (supports == "long") != invert
    return truth and goes_long, truth and not goes_long


Resolve = Callable[[str | float], Series]
Readings = list[tuple[bool, bool] | None]


def cross_readings(signal: ReferenceSignal, resolve: Resolve) -> Readings:
    a, b = resolve(signal.a), resolve(signal.b)
    readings: Readings = [None]
    for i in range(1, len(a)):
        a0, b0, a1, b1 = a[i - 1], b[i - 1], a[i], b[i]
        if a0 is None or b0 is None or a1 is None or b1 is None:
            readings.append(None)
        else:
            readings.append((a0 <= b0 and a1 > b1, a0 >= b0 and a1 < b1))
    return readings[: len(a)]


def compare_readings(signal: ReferenceSignal, resolve: Resolve) -> Readings:
    holds, opposite = COMPARISONS[signal.op], COMPARISONS[STRICT_OPPOSITE[signal.op]]
    return [
        None if a is None or b is None else (holds(a, b), opposite(a, b))
        for a, b in zip(resolve(signal.a), resolve(signal.b), strict=True)
    ]


def threshold_readings(signal: ReferenceSignal, resolve: Resolve) -> Readings:
    return [None if a is None else (a < signal.lower, a > signal.upper) for a in resolve(signal.a)]


READINGS: dict[str, Callable[[ReferenceSignal, Resolve], Readings]] = {
    "cross": cross_readings,
    "compare": compare_readings,
    "threshold": threshold_readings,
}


# Combination -----------------------------------------------------------------------------------------------


def combined_sides(combination: ReferenceCombination, sided: Mapping[str, Sided]) -> Sided:
    """Each side by itself, over all members; a member that abstains does not support."""
    members = [sided[name] for name in combination.members]
    weights = [combination.weights.get(name, 1.0) for name in combination.members]
    return [
        (
            carried(combination, [long for long, _ in bar], weights),
            carried(combination, [short for _, short in bar], weights),
        )
        for bar in zip(*members, strict=True)
    ]


def carried(combination: ReferenceCombination, votes: list[bool], weights: list[float]) -> bool:
    if combination.combine == "weighted":
        supporting = sum(weight for weight, vote in zip(weights, votes, strict=True) if vote)
        return supporting / sum(weights) >= combination.threshold
    needed = {
        "unanimous": len(votes),
        "majority": len(votes) // 2 + 1,
        "any": 1,
        "at_least": combination.k,
    }
    return sum(votes) >= needed[combination.combine]
