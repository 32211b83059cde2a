"""The signals that come with the program: each says where it is true and where its strict opposite is true.

How the truth becomes support for a side is the same for all of them: `sides`.
"""

from __future__ import annotations

from tradebot.engine.strategy.registry import SignalDeclaration
from tradebot.engine.strategy.signals import (
    bands,
    conditions,
    crossing,
    levels,
    movement,
    patterns,
    ranges,
    structure,
    times,
    volume,
)
from tradebot.engine.strategy.signals.common import Operand, Sides, Supports, sides

DECLARATIONS: tuple[SignalDeclaration, ...] = (
    *crossing.DECLARATIONS,
    *levels.DECLARATIONS,
    *movement.DECLARATIONS,
    *ranges.DECLARATIONS,
    *bands.DECLARATIONS,
    *structure.DECLARATIONS,
    *patterns.DECLARATIONS,
    *volume.DECLARATIONS,
    *times.DECLARATIONS,
    *conditions.DECLARATIONS,
)

__all__ = ["DECLARATIONS", "Operand", "Sides", "Supports", "sides"]
