"""Signals and groups of one strategy on one symbol: where each of them supports long and short.

Each is computed once, after those it names, without recursion: chains of groups and rules over signals may be long.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from tradebot.engine.market import Float64
from tradebot.engine.strategy.combinations import counted, share
from tradebot.engine.strategy.nature import Natures, named_members
from tradebot.engine.strategy.nodes import SeriesNodes, node_key, other_values
from tradebot.engine.strategy.plugin_guard import BrokenPluginError
from tradebot.engine.strategy.registry import (
    MEMBER_KINDS,
    BoolArray,
    ParameterKind,
    Registry,
    SignalDeclaration,
    Value,
)
from tradebot.engine.strategy.signals import Sides, Supports, sides
from tradebot.engine.strategy.signals.windows import all_of
from tradebot.engine.strategy.spec import Combination, SignalSpec, StrategySpec


class Members:
    """Signals and groups of one computation, each made on first use and kept."""

    def __init__(self, spec: StrategySpec, registry: Registry, series: SeriesNodes) -> None:
        self._spec = spec
        self._signals = registry.signals
        self._combinations = registry.combinations
        self._series = series
        self._natures = Natures(spec.signals, spec.groups)
        self._sides: dict[str, Sides] = {}
        self._known: dict[str, BoolArray | None] = {}
        self._before: dict[str, int] = {}

    @property
    def warm_up(self) -> int:
        """The look-back, in bars, of everything that was computed."""
        return max(self._before.values(), default=0)

    def combined(self, rule: Combination) -> Sides:
        """Where the enabled members of a combination together support long and short."""
        members = self._enabled(rule.signals)
        for name in members:
            self._prepare(name, self._sides, self._compute)
        return self._combine(rule, members)

    def fired(self) -> dict[str, tuple[int, int]]:
        """Bars on which each member supports long and short, in the order of the file."""
        return {
            name: (int(np.count_nonzero(long)), int(np.count_nonzero(short)))
            for name, (long, short) in self.columns().items()
        }

    def columns(self) -> dict[str, Sides]:
        """Where each member that was computed supports long and short, in the order of the file."""
        names = [*self._spec.signals, *self._spec.groups]
        return {name: self._sides[name] for name in names if name in self._sides}

    def strength(self, rule: Combination, side: npt.NDArray[np.int8]) -> npt.NDArray[np.float32]:
        """Share of the members that support the side taken, 0 where none is taken."""
        members = self._enabled(rule.signals)
        if len(members) == 1 or rule.combine == "unanimous":
            return np.abs(side).astype(np.float32)
        weights = _weights(rule, members)
        if all(weight == 1.0 for weight in weights):
            return self._counted_strength(members, side)
        taken = np.flatnonzero(side)
        is_long = side[taken] > 0
        votes = [
            np.where(is_long, self._sides[name][0][taken], self._sides[name][1][taken]) for name in members
        ]
        result = np.zeros(len(side), dtype=np.float32)
        if len(taken):
            result[taken] = share(votes, weights)
        return result

    def _counted_strength(self, members: list[str], side: npt.NDArray[np.int8]) -> npt.NDArray[np.float32]:
        """The same where all members weigh 1: there are few shares to choose from."""
        long, short = (counted([self._sides[name][at] for name in members]) for at in (0, 1))
        agreeing = long * (side > 0) + short * (side < 0)
        shares = (np.arange(len(members) + 1) / len(members)).astype(np.float32)
        result: npt.NDArray[np.float32] = shares[agreeing]
        return result

    # ---- order

    def _prepare(self, wanted: str, done: dict[str, Any], compute: Callable[[str], Any]) -> None:
        """Compute a member after those it names."""
        waiting = [wanted]
        while waiting:
            current = waiting[-1]
            missing = [name for name in self._members_of(current) if name not in done]
            if current in done:
                waiting.pop()
            elif missing:
                waiting.extend(missing)
            else:
                done[current] = compute(current)
                waiting.pop()

    def _members_of(self, name: str) -> list[str]:
        signal = self._spec.signals.get(name)
        if signal is None:
            return self._enabled(self._spec.groups[name].rule.signals)
        return self._enabled(named_members(self._signals[signal.use], signal.parameters))

    def _enabled(self, names: Iterable[str]) -> list[str]:
        spec = self._spec
        return [name for name in names if (spec.signals.get(name) or spec.groups[name]).enabled]

    # ---- what is supported

    def _compute(self, name: str) -> Sides:
        try:
            return self._computed(name)
        except BrokenPluginError as fault:
            if fault.node:  # that of an indicator it reads
                raise
            section = "signals" if name in self._spec.signals else "groups"
            raise fault.at(f"{section}.{name}") from fault

    def _computed(self, name: str) -> Sides:
        signal = self._spec.signals.get(name)
        members = self._members_of(name)
        before = max((self._before[member] for member in members), default=0)
        if signal is None:
            self._before[name] = before
            return self._combine(self._spec.groups[name].rule, members)
        declaration = self._signals[signal.use]
        ready = (self._series.ready(reference) for reference in _references(declaration, signal))
        self._before[name] = max(before, *ready, 0) + declaration.bars_before(signal.parameters)
        true, opposite = self._truth(signal, declaration, members)
        if declaration.negates:
            known = self._known_of(members, declaration.bars_before(signal.parameters))
            if known is not None:
                true, opposite = true & known, opposite & known
        negated = signal.invert and signal.supports is Supports.BOTH
        known = self._known_signal(signal) if negated else None
        self._series.release(_references(declaration, signal))
        return sides(true, opposite, signal.supports, signal.invert, known)

    def _combine(self, rule: Combination, members: list[str]) -> Sides:
        compute = self._combinations[rule.combine].compute
        weights = _weights(rule, members)
        long = compute([self._sides[name][0] for name in members], weights, rule.parameters)
        if all(self._sides[name][0] is self._sides[name][1] for name in members):
            return long, long
        return long, compute([self._sides[name][1] for name in members], weights, rule.parameters)

    def _truth(self, signal: SignalSpec, declaration: SignalDeclaration, members: list[str]) -> Sides:
        others = {
            name: value
            for name, value in other_values(declaration, signal.parameters).items()
            if declaration.parameter(name).kind not in MEMBER_KINDS
        }
        if members:
            operands = self._operands(signal, declaration)
            return declaration.compute(*operands, *self._truths(members), **others)
        keys = [self._series.column_key(name) for name in declaration.inputs]
        keys += [
            self._series.key(value) if isinstance(value, str) else repr(float(value))
            for value in _series_values(declaration, signal)
        ]
        true, opposite = self._series.kept(
            node_key(declaration, keys, others),
            lambda: declaration.compute(*self._operands(signal, declaration), **others),
        )
        return true, opposite

    def _truths(self, members: list[str]) -> list[Sides]:
        """Members as a rule over them takes them: where they all support short alone, that is their truth."""
        pairs = [self._sides[name] for name in members]
        if self._natures.of_all(members) is Supports.SHORT:
            return [(short, long) for long, short in pairs]
        return pairs

    def _operands(self, signal: SignalSpec, declaration: SignalDeclaration) -> list[Float64 | float]:
        read = self._series.series
        return [
            *(self._series.column(name) for name in declaration.inputs),
            *(
                read(value) if isinstance(value, str) else float(value)
                for value in _series_values(declaration, signal)
            ),
        ]

    # ---- what is known

    def _known_of(self, members: list[str], bars_before: int) -> BoolArray | None:
        """Where all these members have values on this bar and those before; None where they have everywhere."""
        for name in members:
            self._prepare(name, self._known, self._compute_known)
        return _on_all([self._known[name] for name in members], bars_before)

    def _compute_known(self, name: str) -> BoolArray | None:
        signal = self._spec.signals.get(name)
        if signal is None:
            return _on_all([self._known[member] for member in self._members_of(name)], 0)
        return self._known_signal(signal)

    def _known_signal(self, signal: SignalSpec) -> BoolArray | None:
        """Where all that a signal looks at has values."""
        declaration = self._signals[signal.use]
        columns = [each for each in self._operands(signal, declaration) if isinstance(each, np.ndarray)]
        bars_before = declaration.bars_before(signal.parameters)
        own = _on_all([~np.isnan(column) for column in columns], bars_before)
        of_members = self._known_of(self._members_of(signal.name), bars_before)
        return _on_all([own, of_members], 0)


def _on_all(known: list[BoolArray | None], bars_before: int) -> BoolArray | None:
    """Where all of the columns hold, on this bar and on `bars_before` earlier ones; None is one that always does."""
    result: BoolArray | None = None
    for column in known:
        if column is not None:
            result = column if result is None else result & column
    return result if result is None or not bars_before else all_of(result, bars_before + 1)


def _series_values(declaration: SignalDeclaration, signal: SignalSpec) -> list[Value]:
    return [
        signal.parameters[each.name]
        for each in declaration.parameters
        if each.kind is ParameterKind.SERIES and each.name in signal.parameters
    ]


def _references(declaration: SignalDeclaration, signal: SignalSpec) -> list[str]:
    return [value for value in _series_values(declaration, signal) if isinstance(value, str)]


def _weights(rule: Combination, members: list[str]) -> list[float]:
    return [rule.weights.get(name, 1.0) for name in members]
