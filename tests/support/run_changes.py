"""The same run seen otherwise: known up to a time, in another unit of price or size, with other rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tests.support.reference_types import (
    ReferenceBars,
    ReferencePrices,
    ReferenceRules,
    ReferenceRun,
    ReferenceSizing,
    ReferenceSymbol,
    ReferenceTier,
)

PRICES = ("open", "high", "low", "close")


def times(values: Sequence[float], factor: float) -> list[float]:
    """Each value so many times; exact where the factor is a power of two."""
    return [factor * value for value in values]


# Known up to a time ----------------------------------------------------------------------------------------


def closes_of(run: ReferenceRun) -> list[int]:
    """The close times of all decision bars, rising."""
    return sorted({time + symbol.bars.length_ms for symbol in run.symbols for time in symbol.bars.time})


def known_at(run: ReferenceRun, end: int) -> ReferenceRun:
    """The run as it was known at that time: the bars that had closed, and their decisions."""
    return replace(run, symbols=[_symbol_known_at(symbol, end) for symbol in run.symbols])


def _symbol_known_at(symbol: ReferenceSymbol, end: int) -> ReferenceSymbol:
    bars = _closed_by(symbol.bars, end)
    count = len(bars.time)
    return replace(
        symbol,
        bars=bars,
        finer=None if symbol.finer is None else _closed_by(symbol.finer, end),
        side=symbol.side[:count],
        exit_long=symbol.exit_long[:count],
        exit_short=symbol.exit_short[:count],
        levels={key: column[:count] for key, column in symbol.levels.items()},
    )


def _closed_by(bars: ReferenceBars, end: int) -> ReferenceBars:
    count = sum(time + bars.length_ms <= end for time in bars.time)
    kept = {name: getattr(bars, name)[:count] for name in ("time", *PRICES, "volume")}
    mark = bars.mark and ReferencePrices(*(getattr(bars.mark, name)[:count] for name in PRICES))
    return replace(bars, mark=mark, **kept)


# In other units --------------------------------------------------------------------------------------------


def in_other_prices(run: ReferenceRun, factor: float) -> ReferenceRun:
    """The same run in a coin of another value: all that is money or price is so many times as much."""
    return replace(
        run,
        symbols=[_dearer(symbol, factor) for symbol in run.symbols],
        strategies=[_with_amount(rules, ("notional",), factor) for rules in run.strategies],
        cash=factor * run.cash,
    )


def in_other_sizes(run: ReferenceRun, factor: float) -> ReferenceRun:
    """The same run on a market so many times as large, with as much more cash: prices stay as they are."""
    return replace(
        run,
        symbols=[_larger(symbol, factor) for symbol in run.symbols],
        strategies=[_with_amount(rules, ("notional", "fixed"), factor) for rules in run.strategies],
        cash=factor * run.cash,
    )


def _dearer(symbol: ReferenceSymbol, factor: float) -> ReferenceSymbol:
    def bars(own: ReferenceBars) -> ReferenceBars:
        mark = own.mark and ReferencePrices(*(times(getattr(own.mark, name), factor) for name in PRICES))
        return replace(own, mark=mark, **{name: times(getattr(own, name), factor) for name in PRICES})

    rules = symbol.instrument
    return replace(
        symbol,
        instrument=replace(
            rules,
            tick=factor * rules.tick,
            min_notional=factor * rules.min_notional,
            tiers=_larger_tiers(rules.tiers, factor),
        ),
        bars=bars(symbol.bars),
        finer=symbol.finer and bars(symbol.finer),
        levels={
            key: column if key.startswith("volatility") else times(column, factor)
            for key, column in symbol.levels.items()
        },
    )


def _larger(symbol: ReferenceSymbol, factor: float) -> ReferenceSymbol:
    def bars(own: ReferenceBars) -> ReferenceBars:
        return replace(own, volume=times(own.volume, factor))

    rules = symbol.instrument
    return replace(
        symbol,
        instrument=replace(
            rules,
            lot=factor * rules.lot,
            min_quantity=factor * rules.min_quantity,
            min_notional=factor * rules.min_notional,
            max_quantity=None if rules.max_quantity is None else factor * rules.max_quantity,
            tiers=_larger_tiers(rules.tiers, factor),
        ),
        bars=bars(symbol.bars),
        finer=symbol.finer and bars(symbol.finer),
    )


def _larger_tiers(tiers: Sequence[ReferenceTier], factor: float) -> list[ReferenceTier]:
    return [
        ReferenceTier(factor * tier.limit, tier.maintenance_rate, factor * tier.deduction) for tier in tiers
    ]


def _with_amount(rules: ReferenceRules, kinds: Sequence[str], factor: float) -> ReferenceRules:
    if rules.sizing.kind not in kinds:
        return rules
    return replace(rules, sizing=replace(rules.sizing, value=factor * rules.sizing.value))


# With other rules ------------------------------------------------------------------------------------------


def rich_and_small(run: ReferenceRun) -> ReferenceRun:
    """One lot each time, cash without end and nothing that looks at money: the fills depend on the prices alone."""
    lot = max(symbol.instrument.lot for symbol in run.symbols)
    free = [
        replace(
            rules,
            sizing=ReferenceSizing("fixed", lot),
            max_exposure_percent=None,
            max_symbol_exposure_percent=None,
            max_daily_loss_percent=None,
            max_drawdown_percent=None,
            streak_losses=0,
        )
        for rules in run.strategies
    ]
    return replace(run, strategies=free, cash=1e6 * lot * max(max(s.bars.high) for s in run.symbols))


def with_more_fees(run: ReferenceRun, more_percent: float) -> ReferenceRun:
    """The same with both fees raised by so much."""
    dear = [
        replace(
            rules,
            costs=replace(
                rules.costs,
                taker_fee_percent=rules.costs.taker_fee_percent + more_percent,
                maker_fee_percent=rules.costs.maker_fee_percent + more_percent,
            ),
        )
        for rules in run.strategies
    ]
    return replace(run, strategies=dear)
