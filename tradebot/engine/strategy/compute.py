"""Decisions of a strategy on the closed bars of one symbol.

Every node is computed once, whatever refers to it, and nothing looks at a later bar. An indicator has no value
before its look-back; a missing value inside a series restarts it after the hole.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tradebot.engine.market import Candles, Float64
from tradebot.engine.strategy.combinations import share
from tradebot.engine.strategy.registry import (
    BoolArray,
    Declaration,
    IndicatorDeclaration,
    ParameterKind,
    Registry,
    Value,
    Values,
)
from tradebot.engine.strategy.series import CANDLE_SERIES, candle_series, output_of, split_reference
from tradebot.engine.strategy.signals import Supports, sides
from tradebot.engine.strategy.spec import Combination, IndicatorSpec, SignalSpec, StrategySpec, Trigger

Sides = tuple[BoolArray, BoolArray]


@dataclass(frozen=True, slots=True, eq=False)
class Decisions:
    """What a strategy decides at the close of each bar of one symbol; all columns as long as the candles.

    `side`: -1, 0, +1. `strength`: share of the entry's members (by weight) that support the side, 0 where there is
    none. `exit_long`, `exit_short`: an open position of that side is to be closed. `conflicts`: bars on which both
    sides were supported, which is no decision. `fired`: bars on which each signal and group that takes part
    supports long and short. `warm_up`: the look-back of all that takes part, in bars; nothing is decided before.
    """

    side: npt.NDArray[np.int8]
    strength: npt.NDArray[np.float32]
    exit_long: BoolArray
    exit_short: BoolArray
    conflicts: int
    fired: Mapping[str, tuple[int, int]]
    warm_up: int


def decide(spec: StrategySpec, registry: Registry, candles: Candles) -> Decisions:
    """The decisions of `spec` on `candles`, which must be of the strategy's timeframe."""
    _keep_freed_pages()
    nodes = _Nodes(spec, registry, candles)
    size = len(candles)
    long, short = nodes.combined(spec.entry.rule)
    never = np.zeros(size, dtype=np.bool_)
    closes_short, closes_long = (never, never) if spec.exit is None else nodes.combined(spec.exit)
    warm_up = min(nodes.warm_up, size)
    side = np.subtract(long.view(np.int8), short.view(np.int8))
    side[:warm_up] = 0
    if spec.entry.trigger is Trigger.EDGE:
        side[1:] *= side[1:] != side[:-1]
    return Decisions(
        side=side,
        strength=nodes.strength(spec.entry.rule, side),
        exit_long=_from(closes_long, warm_up),
        exit_short=_from(closes_short, warm_up),
        conflicts=int(np.count_nonzero(np.logical_and(long, short)[warm_up:])),
        fired=nodes.fired(),
        warm_up=warm_up,
    )


def _keep_freed_pages() -> None:
    # glibc hands the pages of freed columns back and faults them in again on the next call, which was measured to
    # take 8 of the 12 ms of a symbol-year of minutes. Having freed one block of nearly 32 MB, it keeps them; the
    # block itself is never touched and costs no memory. Elsewhere this does nothing.
    np.empty(30_000_000, dtype=np.uint8)


def _from(column: BoolArray, start: int) -> BoolArray:
    """The column with nothing before `start`; the columns of nodes are shared and stay as they are."""
    result = column.copy()
    result[:start] = False
    return result


class _Nodes:
    """The columns of one computation, each made on first use and kept."""

    def __init__(self, spec: StrategySpec, registry: Registry, candles: Candles) -> None:
        self._spec = spec
        self._indicators = registry.indicators
        self._signals = registry.signals
        self._combinations = registry.combinations
        self._candles = candles
        self._columns: dict[str, Float64] = {}
        self._outputs: dict[Any, tuple[Float64, ...]] = {}  # by definition: two equal indicators are one node
        self._keys: dict[str, Any] = {}
        self._look_backs: dict[str, int] = {}
        self._members: dict[str, Sides] = {}
        self.warm_up = 0

    # ---- series

    def column(self, name: str) -> Float64:
        """A candle column, contiguous float64."""
        if name not in self._columns:
            column = np.ascontiguousarray(candle_series(self._candles, name), dtype=np.float64)
            self._columns[name] = np.asarray(column)
        return self._columns[name]

    def series(self, reference: str) -> Float64:
        """The column that a reference names."""
        name, output = split_reference(reference)
        if name in CANDLE_SERIES:
            return self.column(name)
        self._prepare(name)
        declaration = self._indicators[self._spec.indicators[name].use]
        return self._outputs[self._keys[name]][declaration.outputs.index(output_of(declaration, output))]

    def _prepare(self, name: str) -> None:
        """Compute an indicator after those it reads, without recursion: chains may be long."""
        waiting = [name]
        while waiting:
            current = waiting[-1]
            if current in self._keys:
                waiting.pop()
                continue
            spec = self._spec.indicators[current]
            declaration = self._indicators[spec.use]
            sources = series_references(declaration, spec.parameters)
            missing = [source for source in map(_base, sources) if source not in CANDLE_SERIES]
            missing = [source for source in missing if source not in self._keys]
            if missing:
                waiting.extend(missing)
            else:
                self._compute(spec, declaration, sources)
                waiting.pop()

    def _compute(self, spec: IndicatorSpec, declaration: IndicatorDeclaration, sources: list[str]) -> None:
        others = _other_values(declaration, spec.parameters)
        key = (spec.use, *(self._reference_key(source) for source in sources), *sorted(others.items()))
        before = max((self._look_backs.get(_base(source), 0) for source in sources), default=0)
        self._keys[spec.name] = key
        self._look_backs[spec.name] = before + declaration.look_back(spec.parameters)
        if key not in self._outputs:
            columns = [self.column(name) for name in declaration.inputs] + [
                self.series(each) for each in sources
            ]
            self._outputs[key] = compute_indicator(declaration, columns, spec.parameters, others)

    def _reference_key(self, reference: str) -> tuple[Any, str]:
        name, output = split_reference(reference)
        if name in CANDLE_SERIES:
            return name, ""
        declaration = self._indicators[self._spec.indicators[name].use]
        return self._keys[name], output_of(declaration, output)

    # ---- signals and groups

    def combined(self, rule: Combination) -> Sides:
        """Where the enabled members of a combination together support long and short."""
        members = self._enabled(rule)
        for name in members:
            self._prepare_member(name)
        return self._combine(rule, members)

    def _enabled(self, rule: Combination) -> list[str]:
        spec = self._spec
        return [name for name in rule.signals if (spec.signals.get(name) or spec.groups[name]).enabled]

    def _prepare_member(self, name: str) -> None:
        waiting = [name]
        while waiting:
            current = waiting[-1]
            signal = self._spec.signals.get(current)
            if current in self._members:
                waiting.pop()
            elif signal is not None:
                self._members[current] = self._signal(signal)
            else:
                rule = self._spec.groups[current].rule
                members = self._enabled(rule)
                missing = [member for member in members if member not in self._members]
                if missing:
                    waiting.extend(missing)
                else:
                    self._members[current] = self._combine(rule, members)

    def _combine(self, rule: Combination, members: list[str]) -> Sides:
        compute = self._combinations[rule.combine].compute
        weights = _weights(rule, members)
        long = compute([self._members[name][0] for name in members], weights, rule.parameters)
        if all(self._members[name][0] is self._members[name][1] for name in members):
            return long, long
        return long, compute([self._members[name][1] for name in members], weights, rule.parameters)

    def _signal(self, signal: SignalSpec) -> Sides:
        declaration = self._signals[signal.use]
        references = series_references(declaration, signal.parameters)
        operands: list[Float64 | float] = []
        for parameter in declaration.parameters:
            if parameter.kind is ParameterKind.SERIES:
                value = signal.parameters[parameter.name]
                operands.append(self.series(value) if isinstance(value, str) else float(value))
        before = max((self._look_backs.get(_base(each), 0) for each in references), default=0)
        self.warm_up = max(self.warm_up, before + declaration.look_back)
        true, opposite = declaration.compute(*operands, **_other_values(declaration, signal.parameters))
        known = None
        if signal.invert and signal.supports is Supports.BOTH:
            known = _known(operands, declaration.look_back)
        return sides(true, opposite, signal.supports, signal.invert, known)

    # ---- results

    def strength(self, rule: Combination, side: npt.NDArray[np.int8]) -> npt.NDArray[np.float32]:
        """Share of the members that support the side taken, 0 where none is taken."""
        members = self._enabled(rule)
        if len(members) == 1 or rule.combine == "unanimous":
            return np.abs(side).astype(np.float32)
        weights = _weights(rule, members)
        taken = np.flatnonzero(side)
        is_long = side[taken] > 0
        votes = [
            np.where(is_long, self._members[name][0][taken], self._members[name][1][taken])
            for name in members
        ]
        result = np.zeros(len(side), dtype=np.float32)
        if len(taken):
            result[taken] = share(votes, weights)
        return result

    def fired(self) -> dict[str, tuple[int, int]]:
        """Bars on which each member supports long and short, in the order of the file."""
        names = [*self._spec.signals, *self._spec.groups]
        pairs = {name: self._members[name] for name in names if name in self._members}
        return {
            name: (int(np.count_nonzero(long)), int(np.count_nonzero(short)))
            for name, (long, short) in pairs.items()
        }


def compute_indicator(
    declaration: IndicatorDeclaration, columns: list[Float64], values: Values, others: Mapping[str, Value]
) -> tuple[Float64, ...]:
    """All outputs of an indicator on each stretch of bars on which every input has a value; NaN elsewhere.

    `values` are all its values, `others` those that are no series.
    """
    look_back = declaration.look_back(values)
    size = len(columns[0])
    stretches = list(_stretches(columns))
    if stretches == [(0, size)] and size > look_back:
        computed = _outputs(declaration.compute(*columns, **others))
        # An indicator may hand back one of its inputs, which belongs to everybody.
        shares = [any(np.may_share_memory(result, column) for column in columns) for result in computed]
        outputs = tuple(
            each.copy() if shared else each for each, shared in zip(computed, shares, strict=True)
        )
        for output in outputs:
            output[:look_back] = np.nan
        return outputs
    results = tuple(np.full(size, np.nan) for _ in declaration.outputs)
    for start, end in stretches:
        if end - start > look_back:
            parts = _outputs(declaration.compute(*(column[start:end] for column in columns), **others))
            for result_column, part in zip(results, parts, strict=True):
                result_column[start + look_back : end] = part[look_back:]
    return results


def _outputs(computed: Float64 | tuple[Float64, ...]) -> tuple[Float64, ...]:
    return (computed,) if isinstance(computed, np.ndarray) else tuple(computed)


def _stretches(columns: list[Float64]) -> Iterable[tuple[int, int]]:
    """Half-open ranges of bars on which no column is NaN."""
    missing = np.isnan(columns[0])
    for column in columns[1:]:
        missing |= np.isnan(column)
    if not missing.any():
        if len(missing):
            yield 0, len(missing)
        return
    edges = np.flatnonzero(np.diff(missing, prepend=True, append=True)).tolist()
    yield from zip(edges[::2], edges[1::2], strict=True)


def _known(operands: list[Float64 | float], look_back: int) -> BoolArray | None:
    known: BoolArray | None = None
    for operand in operands:
        if isinstance(operand, np.ndarray):
            here = ~np.isnan(operand)
            known = here if known is None else known & here
    if known is None:
        return None
    result = known.copy()
    for back in range(1, look_back + 1):
        result[back:] &= known[:-back]
        result[:back] = False
    return result


def series_references(declaration: Declaration, values: Values) -> list[str]:
    """The series that a node names, in the order of its parameters; plain numbers left out."""
    texts = (values.get(each.name) for each in declaration.parameters if each.kind is ParameterKind.SERIES)
    return [text for text in texts if isinstance(text, str)]


def _other_values(declaration: Declaration, values: Values) -> dict[str, Value]:
    return {
        each.name: values[each.name]
        for each in declaration.parameters
        if each.kind is not ParameterKind.SERIES and each.name in values
    }


def _weights(rule: Combination, members: list[str]) -> list[float]:
    return [rule.weights.get(name, 1.0) for name in members]


def _base(reference: str) -> str:
    return split_reference(reference)[0]
