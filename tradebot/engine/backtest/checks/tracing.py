"""Everything a strategy computes on the way to its decisions: the columns of each node, at the closes it decides on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from tradebot.engine.market import Candles, Float64
from tradebot.engine.strategy import Decisions, Registry, StrategySpec, decide
from tradebot.engine.strategy.market_data import MarketData
from tradebot.engine.strategy.needs import members_of, participants
from tradebot.engine.strategy.node_cache import NodeCache
from tradebot.engine.strategy.nodes import SeriesNodes, series_references
from tradebot.engine.strategy.series import MARKET_SERIES, split_reference

_NO_BUDGET = 2**62
_RELATIVE = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class Trace:
    """The columns of one symbol, all as long as `bars`.

    `series`: every output of the indicators that take part, by reference (`fast`, `bands.upper`), as it is visible at
    each close. The signals and groups stand in `decisions.members`.
    """

    bars: Candles
    decisions: Decisions
    series: Mapping[str, Float64]


def trace(
    spec: StrategySpec, registry: Registry, market: MarketData, cache: NodeCache | None = None
) -> Trace:
    """Decide on a market and keep what was computed. InputError where the market lacks something."""
    nodes = cache or NodeCache(_NO_BUDGET)  # the second look at an indicator finds it there
    decisions = decide(spec, registry, market, nodes, keep_members=True)
    series = SeriesNodes(spec, registry, market, nodes)
    columns = {
        reference: series.series(reference)
        for name in participants(spec, registry).indicators
        for reference in references_of(spec, registry, name)
    }
    return Trace(market.candles(*series.home), decisions, columns)


def references_of(spec: StrategySpec, registry: Registry, indicator: str) -> list[str]:
    """How the outputs of an indicator are named: `fast`, or `bands.upper`, `bands.middle`, ..."""
    declaration = registry.indicators[spec.indicators[indicator].use]
    if len(declaration.outputs) == 1 and declaration.main:
        return [indicator]
    return [f"{indicator}.{output}" for output in declaration.outputs]


def first_difference(
    spec: StrategySpec, registry: Registry, whole: Trace, part: Trace
) -> tuple[str, int] | None:
    """The path of a node whose values differ between two traces over the bars that both have, and the first such bar.

    Of several the one that the others rest on: bars before indicators before signals and groups before decisions, and
    among nodes one whose sources agree. None where all agree.
    """
    size = min(len(whole.bars), len(part.bars))
    if not np.array_equal(whole.bars.time[:size], part.bars.time[:size]):
        return "strategy.timeframe", int(np.argmax(whole.bars.time[:size] != part.bars.time[:size]))
    for name in ("open", "high", "low", "close", "volume"):
        bar = _differs(getattr(whole.bars, name)[:size], getattr(part.bars, name)[:size])
        if bar is not None:
            return "strategy.timeframe", bar
    series = _differing(whole.series, part.series, size)
    indicators = {split_reference(reference)[0]: bar for reference, bar in reversed(series.items())}
    name = _deepest(indicators, lambda each: _sources(spec, registry, each))
    if name:
        return f"indicators.{name}", indicators[name]
    members = _differing_members(whole.decisions, part.decisions, size)
    name = _deepest(members, lambda each: members_of(spec, registry, each))
    if name:
        return f"{'signals' if name in spec.signals else 'groups'}.{name}", members[name]
    return decisions_differ(whole.decisions, part.decisions, size)


def decisions_differ(whole: Decisions, part: Decisions, size: int, shift: int = 0) -> tuple[str, int] | None:
    """What differs first between the decisions of bars shift..shift+size-1 of `part` and bars 0..size-1 of `whole`.

    A pair of a path (entry, exit, risk) and the bar counted in `whole`; None where all agree.
    """
    columns = (
        ("entry", whole.side, part.side),
        ("exit", whole.exit_long, part.exit_long),
        ("exit", whole.exit_short, part.exit_short),
    )
    for path, known, other in columns:
        unequal = known[:size] != other[shift : shift + size]
        if unequal.any():
            return path, int(np.argmax(unequal))
    for key, level in whole.levels.items():
        bar = _differs(level[:size], part.levels[key][shift : shift + size])
        if bar is not None:
            return f"risk ({key})", bar
    return None


def _differing(whole: Mapping[str, Float64], part: Mapping[str, Float64], size: int) -> dict[str, int]:
    """The series that differ, each with its first such bar."""
    bars = {name: _differs(column[:size], part[name][:size]) for name, column in whole.items()}
    return {name: bar for name, bar in bars.items() if bar is not None}


def _differing_members(whole: Decisions, part: Decisions, size: int) -> dict[str, int]:
    found: dict[str, int] = {}
    for name, sides in whole.members.items():
        for known, other in zip(sides, part.members[name], strict=True):
            unequal = known[:size] != other[:size]
            if unequal.any():
                found[name] = min(int(np.argmax(unequal)), found.get(name, size))
    return found


def _differs(known: Float64, other: Float64) -> int | None:
    """The first bar on which two columns are not the same but for the last digits of a float."""
    scale = np.nanmax(np.abs(known), initial=0.0, where=np.isfinite(known))
    same = np.isclose(known, other, rtol=_RELATIVE, atol=_RELATIVE * 1e-3 * scale, equal_nan=True)
    return None if same.all() else int(np.argmin(same))


def _deepest(differing: Mapping[str, int], sources: Callable[[str], Iterable[str]]) -> str:
    """One of the names none of whose sources is among them, "" where there is no name."""
    return next((name for name in differing if not any(each in differing for each in sources(name))), "")


def _sources(spec: StrategySpec, registry: Registry, name: str) -> list[str]:
    indicator = spec.indicators[name]
    references = series_references(registry.indicators[indicator.use], indicator.parameters)
    return [source for source, _ in map(split_reference, references) if source not in MARKET_SERIES]
