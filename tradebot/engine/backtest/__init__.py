"""Backtests: the simulation by its rules, its metrics and its result folder.

Importing this package is cheap; numba and the kernel are loaded when a simulation is first asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tradebot.engine.backtest.codes import REFUSALS, Count, EntryReason, ExitReason, TradeStatus
    from tradebot.engine.backtest.curves import ChartSeries, chart_series
    from tradebot.engine.backtest.folder import (
        ResultInfo,
        list_results,
        read_result,
        result_document,
        write_result,
    )
    from tradebot.engine.backtest.ledger import (
        Costs,
        EngineBars,
        Ledger,
        MarkColumns,
        RunSettings,
        StrategyRules,
        SymbolData,
        TierColumns,
    )
    from tradebot.engine.backtest.report import Metrics, compute_metrics
    from tradebot.engine.backtest.result import BacktestResult
    from tradebot.engine.backtest.run import run_backtest
    from tradebot.engine.backtest.simulation import Simulation, simulate
    from tradebot.engine.backtest.state import SimulationState
    from tradebot.engine.backtest.warm_up import compile_kernels_in_child, kernels_ready

_HOME = {
    "BacktestResult": "result",
    "ChartSeries": "curves",
    "Costs": "ledger",
    "Count": "codes",
    "EntryReason": "codes",
    "EngineBars": "ledger",
    "ExitReason": "codes",
    "Ledger": "ledger",
    "MarkColumns": "ledger",
    "Metrics": "report",
    "REFUSALS": "codes",
    "ResultInfo": "folder",
    "RunSettings": "ledger",
    "Simulation": "simulation",
    "SimulationState": "state",
    "StrategyRules": "ledger",
    "SymbolData": "ledger",
    "TierColumns": "ledger",
    "TradeStatus": "codes",
    "chart_series": "curves",
    "compile_kernels_in_child": "warm_up",
    "compute_metrics": "report",
    "kernels_ready": "warm_up",
    "list_results": "folder",
    "read_result": "folder",
    "result_document": "folder",
    "run_backtest": "run",
    "simulate": "simulation",
    "write_result": "folder",
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
