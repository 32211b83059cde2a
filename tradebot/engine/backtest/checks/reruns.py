"""The same run under harder conditions: a bar later, at twice the costs, with taker fees for every fill."""

from __future__ import annotations

from collections.abc import Sequence
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

    `as_taker`: every fill at the taker's fee; None where no order rests, so that nothing would change.
    """

    delayed: Rerun
    doubled: Rerun
    as_taker: Rerun | None


def run_again(prepared: Prepared, cancel: CancelToken) -> Reruns:
    """Simulate a prepared run under harder conditions; nothing is loaded or decided again."""
    later = [replace(slot, decisions=delayed(slot.decisions)) for slot in prepared.slots]
    rests = any(
        one.spec.orders.entry is EntryOrder.LIMIT or one.spec.risk.take_profit for one in prepared.asked
    )
    return Reruns(
        delayed=_simulate(prepared, later, prepared.rules, cancel),
        doubled=_simulate(prepared, prepared.slots, [_dearer(rule) for rule in prepared.rules], cancel),
        as_taker=_simulate(prepared, prepared.slots, [_as_taker(rule) for rule in prepared.rules], cancel)
        if rests
        else None,
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
