"""Decisions of a strategy on the closed bars of one symbol.

Every node is computed once, whatever refers to it, and nothing looks at a later bar. An indicator has no value
before its look-back; a missing value inside a series restarts it after the hole.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tradebot.engine.market import Candles, Float64
from tradebot.engine.strategy.combinations import share
from tradebot.engine.strategy.market_data import MarketData, one_market
from tradebot.engine.strategy.node_cache import NodeCache
from tradebot.engine.strategy.nodes import SeriesNodes, node_key, other_values
from tradebot.engine.strategy.nodes import (
    compute_indicator as compute_indicator,
)  # part of this module's face
from tradebot.engine.strategy.registry import BoolArray, ParameterKind, Registry
from tradebot.engine.strategy.signals import Supports, sides
from tradebot.engine.strategy.spec import Combination, SignalSpec, StrategySpec, Trigger

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


def decide(
    spec: StrategySpec, registry: Registry, market: MarketData | Candles, cache: NodeCache | None = None
) -> Decisions:
    """The decisions of `spec` for the symbol of `market`, one for each of its bars of the strategy's timeframe.

    Bars alone stand for the strategy's own market. With a `cache` the columns of nodes are shared with other runs on
    the same data. InputError where the strategy reads data that `market` does not have.
    """
    _keep_freed_pages()
    if isinstance(market, Candles):
        market = one_market(market, _only_symbol(spec), spec.timeframe)
    series = SeriesNodes(spec, registry, market, cache)
    nodes = _Members(spec, registry, series)
    size = len(series.bars(series.home))
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


def _only_symbol(spec: StrategySpec) -> str:
    """The symbol that is decided for where only bars are given: that of the strategy where it names exactly one."""
    symbol = spec.symbols[0]
    return symbol if len(spec.symbols) == 1 and "*" not in symbol and "?" not in symbol else ""


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


class _Members:
    """Signals and groups of one computation, each made on first use and kept."""

    def __init__(self, spec: StrategySpec, registry: Registry, series: SeriesNodes) -> None:
        self._spec = spec
        self._signals = registry.signals
        self._combinations = registry.combinations
        self._series = series
        self._members: dict[str, Sides] = {}
        self.warm_up = 0

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
        operands: list[Float64 | float] = []
        keys: list[str] = []
        before = 0
        for parameter in declaration.parameters:
            if parameter.kind is ParameterKind.SERIES:
                value = signal.parameters[parameter.name]
                operands.append(self._series.series(value) if isinstance(value, str) else float(value))
                keys.append(self._series.key(value) if isinstance(value, str) else repr(float(value)))
                before = max(before, self._series.ready(value) if isinstance(value, str) else 0)
        self.warm_up = max(self.warm_up, before + declaration.look_back)
        others = other_values(declaration, signal.parameters)
        true, opposite = self._series.kept(
            node_key(declaration, keys, others), lambda: declaration.compute(*operands, **others)
        )
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


def _weights(rule: Combination, members: list[str]) -> list[float]:
    return [rule.weights.get(name, 1.0) for name in members]
