"""Backtests: the simulation by its rules, its metrics and its result folder.

Importing this package is cheap; numba and the kernel are loaded when a simulation is first asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tradebot.engine.backtest.codes import REFUSALS, Count, EntryReason, ExitReason, TradeStatus
    from tradebot.engine.backtest.ledger import Costs, Ledger, RunSettings, SymbolData
    from tradebot.engine.backtest.simulation import Simulation, simulate
    from tradebot.engine.backtest.state import SimulationState

_HOME = {
    "REFUSALS": "codes",
    "Costs": "ledger",
    "Count": "codes",
    "EntryReason": "codes",
    "ExitReason": "codes",
    "Ledger": "ledger",
    "RunSettings": "ledger",
    "Simulation": "simulation",
    "SimulationState": "state",
    "SymbolData": "ledger",
    "TradeStatus": "codes",
    "simulate": "simulation",
}

__all__ = [
    "REFUSALS",
    "Costs",
    "Count",
    "EntryReason",
    "ExitReason",
    "Ledger",
    "RunSettings",
    "Simulation",
    "SimulationState",
    "SymbolData",
    "TradeStatus",
    "simulate",
]


def __getattr__(name: str) -> Any:
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{home}"), name)
