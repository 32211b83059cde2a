"""The indicators that come with the program, one module per group.

TA-Lib computes what it has; the rest is a few lines that name the source of their formula. Where definitions differ,
the one that the exchange's own charts show is the default.
"""

from __future__ import annotations

from tradebot.engine.strategy.indicators import (
    averages,
    channels,
    levels,
    momentum,
    patterns,
    price,
    trend,
    volatility,
    volume,
    vwap,
)
from tradebot.engine.strategy.registry import IndicatorDeclaration

DECLARATIONS: tuple[IndicatorDeclaration, ...] = (
    *averages.DECLARATIONS,
    *trend.DECLARATIONS,
    *momentum.DECLARATIONS,
    *volatility.DECLARATIONS,
    *channels.DECLARATIONS,
    *volume.DECLARATIONS,
    *vwap.DECLARATIONS,
    *price.DECLARATIONS,
    *levels.DECLARATIONS,
    *patterns.DECLARATIONS,
)
