"""The same run under harder conditions: a bar later, at twice the costs, with taker fees for every fill."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from tradebot.engine.backtest.figures.report import compute_metrics
from tradebot.engine.backtest.inputs.prepare import Prepared
from tradebot.engine.backtest.kernel.ledger import Costs, RunSettings, StrategyRules, SymbolData
from tradebot.engine.backtest.kernel.simulation import simulate
from tradebot.engine.control.progress import CancelToken
from tradebot.engine.strategy import Decisions, EntryOrder


@dataclass(frozen=True, slots=True)
class Rerun:
    """What another run of the same strategies came to; `total_return` is a fraction, None where undefined."""

    total_return: float | None
    trades: int


@dataclass(frozen=True, slots=True)
class Reruns:
    """`delayed`: every decision taken one bar later. `doubled`: fees, slippage, spread and impact twice as high.

    `as_taker`: every fill at the taker's fee. Each is None where it was not run: the last one where no order rests, so
    that nothing would change.
    """

    delayed: Rerun | None = None
    doubled: Rerun | None = None
    as_taker: Rerun | None = None


@dataclass(frozen=True, slots=True)
class Harder:
    """A harder condition: the field of `Reruns` it fills, what it is in words, and the run."""

    field: str
    words: str
    run: Callable[[CancelToken], Rerun]


def harder_conditions(prepared: Prepared) -> tuple[Harder, ...]:
    """The conditions under which a prepared run is worth simulating again; nothing is loaded or decided again."""

    def later(cancel: CancelToken) -> Rerun:
        slots = [replace(slot, decisions=delayed(slot.decisions)) for slot in prepared.slots]
        return _simulate(prepared, slots, prepared.rules, cancel)

    def dearer(cancel: CancelToken) -> Rerun:
        return _simulate(prepared, prepared.slots, [_dearer(rule) for rule in prepared.rules], cancel)

    def as_taker(cancel: CancelToken) -> Rerun:
        return _simulate(prepared, prepared.slots, [_as_taker(rule) for rule in prepared.rules], cancel)

    rests = any(
        one.spec.orders.entry is EntryOrder.LIMIT or one.spec.risk.take_profit for one in prepared.asked
    )
    return (
        Harder("delayed", "a bar later", later),
        Harder("doubled", "doubled costs", dearer),
        *((Harder("as_taker", "all fills as taker", as_taker),) if rests else ()),
    )


def delayed(decisions: Decisions) -> Decisions:
    """Every decision, and the levels that belong to it, one bar later; the first bar decides nothing."""

    def later(column: np.ndarray, first: object) -> np.ndarray:
        return np.concatenate([np.array([first], dtype=column.dtype), column[:-1]])

    return replace(
        decisions,
        side=later(decisions.side, 0),
        strength=later(decisions.strength, 0.0),
        exit_long=later(decisions.exit_long, False),
        exit_short=later(decisions.exit_short, False),
        levels={key: later(column, np.nan) for key, column in decisions.levels.items()},
    )


def doubled(costs: Costs) -> Costs:
    """Fees (a rebate is not doubled), slippage, spread and impact twice as high."""
    return replace(
        costs,
        taker_fee_percent=2.0 * costs.taker_fee_percent,
        maker_fee_percent=max(costs.maker_fee_percent, 2.0 * costs.maker_fee_percent),
        slippage_percent=2.0 * costs.slippage_percent,
        half_spread_percent=2.0 * costs.half_spread_percent,
        impact=2.0 * costs.impact,
    )


def _dearer(rule: StrategyRules) -> StrategyRules:
    return replace(rule, costs=doubled(rule.costs))


def _as_taker(rule: StrategyRules) -> StrategyRules:
    return replace(rule, costs=replace(rule.costs, maker_fee_percent=rule.costs.taker_fee_percent))


def _simulate(
    prepared: Prepared, slots: Sequence[SymbolData], rules: Sequence[StrategyRules], cancel: CancelToken
) -> Rerun:
    settings: RunSettings = prepared.settings
    metrics = compute_metrics(simulate(slots, rules, settings, None, cancel, daily=True), slots)
    return Rerun(metrics.total_return, metrics.trades)
