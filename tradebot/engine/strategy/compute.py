"""Decisions of a strategy on the closed bars of one symbol.

Every node is computed once, whatever refers to it, and nothing looks at a later bar. An indicator has no value
before its look-back; a missing value inside a series restarts it after the hole.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from tradebot.engine.market import Candles, Float64
from tradebot.engine.strategy.level_values import level_value
from tradebot.engine.strategy.levels import level_columns
from tradebot.engine.strategy.market_data import MarketData, one_market
from tradebot.engine.strategy.members import Members
from tradebot.engine.strategy.needs import readers_of
from tradebot.engine.strategy.node_cache import NodeCache
from tradebot.engine.strategy.nodes import SeriesNodes, keep_freed_pages
from tradebot.engine.strategy.nodes import (
    compute_indicator as compute_indicator,
)  # part of this module's face
from tradebot.engine.strategy.registry import BoolArray, Registry
from tradebot.engine.strategy.spec import StrategySpec, Trigger


@dataclass(frozen=True, slots=True, eq=False)
class Decisions:
    """What a strategy decides at the close of each bar of one symbol; all columns as long as the candles.

    `side`: -1, 0, +1. `strength`: share of the entry's members (by weight) that support the side, 0 where there is
    none. `exit_long`, `exit_short`: an open position of that side is to be closed. `conflicts`: bars on which both
    sides were supported, which is no decision. `fired`: bars on which each signal and group that takes part
    supports long and short. `warm_up`: the look-back of all that takes part, in bars; nothing is decided before.
    `levels`: the columns that orders, levels and sizes need (`levels.level_columns`) by key, NaN where there is none.
    `members`: where each of those in `fired` supports long and short, only where `decide` was asked to keep it.
    """

    side: npt.NDArray[np.int8]
    strength: npt.NDArray[np.float32]
    exit_long: BoolArray
    exit_short: BoolArray
    conflicts: int
    fired: Mapping[str, tuple[int, int]]
    warm_up: int
    levels: Mapping[str, Float64] = field(default_factory=dict)
    members: Mapping[str, tuple[BoolArray, BoolArray]] = field(default_factory=dict)


def decide(
    spec: StrategySpec,
    registry: Registry,
    market: MarketData | Candles,
    cache: NodeCache | None = None,
    keep_members: bool = False,
) -> Decisions:
    """The decisions of `spec` for the symbol of `market`, one for each of its bars of the strategy's timeframe.

    Bars alone stand for the strategy's own market. With a `cache` the columns of nodes are shared with other runs on
    the same data; `keep_members` hands out those of signals and groups, which nobody may change. InputError where the
    strategy reads data that `market` does not have.
    """
    keep_freed_pages()
    if isinstance(market, Candles):
        market = one_market(market, _only_symbol(spec), spec.timeframe)
    series = SeriesNodes(spec, registry, market, cache, readers_of(spec, registry))
    nodes = Members(spec, registry, series)
    size = len(series.bars(series.home))
    long, short = nodes.combined(spec.entry.rule)
    never = np.zeros(size, dtype=np.bool_)
    closes_short, closes_long = (never, never) if spec.exit is None else nodes.combined(spec.exit)
    levels = {column.key: level_value(column, series) for column in level_columns(spec)}
    warm_up = min(max(nodes.warm_up, *(ready for _values, ready in levels.values()), 0), size)
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
        levels={key: values for key, (values, _ready) in levels.items()},
        members=nodes.columns() if keep_members else {},
    )


def _only_symbol(spec: StrategySpec) -> str:
    """The symbol that is decided for where only bars are given: that of the strategy where it names exactly one."""
    symbols = [symbol for symbol in spec.symbols if "*" not in symbol and "?" not in symbol]
    return symbols[0] if len(symbols) == len(spec.symbols) == 1 else ""


def _from(column: BoolArray, start: int) -> BoolArray:
    """The column with nothing before `start`; the columns of nodes are shared and stay as they are."""
    result = column.copy()
    result[:start] = False
    return result
