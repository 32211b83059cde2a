"""Backtests: the simulation by its rules, its metrics and its result folder.

Importing this package is cheap; numba and the kernel are loaded when a simulation is first asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tradebot.engine.backtest.figures.curves import ChartSeries, chart_series
    from tradebot.engine.backtest.figures.report import Metrics, compute_metrics
    from tradebot.engine.backtest.kernel.codes import REFUSALS, Count, EntryReason, ExitReason, TradeStatus
    from tradebot.engine.backtest.kernel.ledger import (
        Costs,
        EngineBars,
        Ledger,
        MarkColumns,
        RunSettings,
        StrategyRules,
        SymbolData,
        TierColumns,
    )
    from tradebot.engine.backtest.kernel.simulation import Simulation, simulate
    from tradebot.engine.backtest.kernel.state import SimulationState
    from tradebot.engine.backtest.results.folder import (
        ResultInfo,
        list_results,
        read_result,
        result_document,
        write_result,
    )
    from tradebot.engine.backtest.results.result import BacktestResult
    from tradebot.engine.backtest.run import run_backtest
    from tradebot.engine.backtest.warm_up import compile_kernels_in_child, kernels_ready

_HOME = {
    "BacktestResult": "results.result",
    "ChartSeries": "figures.curves",
    "Costs": "kernel.ledger",
    "Count": "kernel.codes",
    "EntryReason": "kernel.codes",
    "EngineBars": "kernel.ledger",
    "ExitReason": "kernel.codes",
    "Ledger": "kernel.ledger",
    "MarkColumns": "kernel.ledger",
    "Metrics": "figures.report",
    "REFUSALS": "kernel.codes",
    "ResultInfo": "results.folder",
    "RunSettings": "kernel.ledger",
    "Simulation": "kernel.simulation",
    "SimulationState": "kernel.state",
    "StrategyRules": "kernel.ledger",
    "SymbolData": "kernel.ledger",
    "TierColumns": "kernel.ledger",
    "TradeStatus": "kernel.codes",
    "chart_series": "figures.curves",
    "compile_kernels_in_child": "warm_up",
    "compute_metrics": "figures.report",
    "kernels_ready": "warm_up",
    "list_results": "results.folder",
    "read_result": "results.folder",
    "result_document": "results.folder",
    "run_backtest": "run",
    "simulate": "kernel.simulation",
    "write_result": "results.folder",
}

__all__ = [
    "REFUSALS",
    "BacktestResult",
    "ChartSeries",
    "Costs",
    "Count",
    "EngineBars",
    "EntryReason",
    "ExitReason",
    "Ledger",
    "MarkColumns",
    "Metrics",
    "ResultInfo",
    "RunSettings",
    "Simulation",
    "SimulationState",
    "StrategyRules",
    "SymbolData",
    "TierColumns",
    "TradeStatus",
    "chart_series",
    "compile_kernels_in_child",
    "compute_metrics",
    "kernels_ready",
    "list_results",
    "read_result",
    "result_document",
    "run_backtest",
    "simulate",
    "write_result",
]


def __getattr__(name: str) -> Any:
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{home}"), name)
