"""A simulated Bybit that speaks the same protocol over real sockets.

Names are loaded when they are first used: a program that only starts the simulator's process needs neither
its server nor its price model.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tradebot.engine.simulator.core import SimulatedExchange
    from tradebot.engine.simulator.faults import FaultPlan, FaultRule, random_plan
    from tradebot.engine.simulator.prices import PriceModel
    from tradebot.engine.simulator.process import SimulatorProcess, start_simulator_process
    from tradebot.engine.simulator.server import Simulator
    from tradebot.engine.simulator.settings import SimulatorSettings
    from tradebot.engine.simulator.thread import SimulatorThread

__all__ = [
    "FaultPlan",
    "FaultRule",
    "PriceModel",
    "SimulatedExchange",
    "Simulator",
    "SimulatorProcess",
    "SimulatorSettings",
    "SimulatorThread",
    "random_plan",
    "start_simulator_process",
]

_HOMES = {
    "FaultPlan": "faults",
    "FaultRule": "faults",
    "SimulatedExchange": "core",
    "random_plan": "faults",
    "PriceModel": "prices",
    "Simulator": "server",
    "SimulatorProcess": "process",
    "SimulatorSettings": "settings",
    "SimulatorThread": "thread",
    "start_simulator_process": "process",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
