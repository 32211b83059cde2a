"""The reality check of a run that has just ended: its re-runs, its doubtful trades, its findings."""

from __future__ import annotations

import numpy as np

from tradebot.engine.backtest.checks.reality_check import RealityCheck, reality_check
from tradebot.engine.backtest.checks.reruns import run_again
from tradebot.engine.backtest.figures.ambiguous import AmbiguityBounds, ambiguity_bounds
from tradebot.engine.backtest.figures.trade_levels import decision_bars
from tradebot.engine.backtest.inputs.prepare import Prepared
from tradebot.engine.backtest.kernel.records import Records
from tradebot.engine.backtest.results.result import BacktestResult
from tradebot.engine.control.progress import CancelToken
from tradebot.engine.market import Float64
from tradebot.engine.strategy import StrategySpec

SEED = 20240301


def judge(
    result: BacktestResult, prepared: Prepared, cancel: CancelToken, rng: np.random.Generator | None = None
) -> RealityCheck:
    """Run the prepared strategies again under harder conditions and say what speaks for and against the result.

    Takes up to three more simulations; nothing is loaded or decided again. `rng` draws the days of the bootstrap
    (default: the same ones for the same data). Raises CancelledError soon after `cancel` was asked for.
    """
    reruns = run_again(prepared, cancel) if len(result.trades) else None
    return reality_check(result, rng or np.random.default_rng(SEED), reruns, bounds_of(result, prepared))


def bounds_of(result: BacktestResult, prepared: Prepared) -> AmbiguityBounds:
    """What the result would be had targets been first where stop and target were in one bar."""
    strategies = [
        (one.spec, one.settings.costs, _trades_of(result, prepared, number))
        for number, one in enumerate(prepared.asked)
    ]

    def levels_of(spec: StrategySpec, trades: Records) -> dict[str, Float64]:
        return _levels(prepared, spec, trades)

    return ambiguity_bounds(strategies, result.settings.cash, result.metrics.final_equity, levels_of)


def _trades_of(result: BacktestResult, prepared: Prepared, strategy: int) -> Records:
    slots = [slot for slot, one in enumerate(prepared.inputs) if one.data.strategy == strategy]
    trades: Records = result.trades[np.isin(result.trades["slot"], slots)]
    return trades


def _levels(prepared: Prepared, spec: StrategySpec, trades: Records) -> dict[str, Float64]:
    """The levels of the decision bar of each trade, by key."""
    levels: dict[str, Float64] = {}
    for slot in np.unique(trades["slot"]).tolist():
        data = prepared.inputs[slot].data
        of_slot = np.flatnonzero(trades["slot"] == slot)
        bars = decision_bars(spec, data.candles, data.decisions, trades[of_slot])
        for key, column in data.decisions.levels.items():
            values = levels.setdefault(key, np.full(len(trades), np.nan))
            values[of_slot] = np.where(bars >= 0, column[np.maximum(bars, 0)], np.nan)
    return levels
