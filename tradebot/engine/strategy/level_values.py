"""The values of the columns that levels and sizes read (`levels.level_columns`), from the nodes of one computation."""

from __future__ import annotations

import numpy as np

from tradebot.engine.market import Float64
from tradebot.engine.strategy.indicators.common import bars, length_less
from tradebot.engine.strategy.indicators.rolling import after, rolling_deviation
from tradebot.engine.strategy.levels import LevelColumn
from tradebot.engine.strategy.nodes import SeriesNodes
from tradebot.engine.strategy.registry import IndicatorDeclaration, indicator


@indicator(
    "bar_volatility",
    "Volatility of a bar",
    "Standard deviation of the logarithmic changes from close to close.",
    parameters=(bars(20),),
    inputs=("close",),
    look_back=length_less(0),
)
def _volatility(close: Float64, *, length: int) -> Float64:
    """Sample deviation of the last `length` values of `ln(close / close[i-1])` (Hull, Options, ch. 15), for one bar.

    Closes 100, 110, 100 and a length of 2: changes 0.0953 and -0.0953, deviation 0.1348.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        changes = np.log(close[1:] / close[:-1])
    changes[~np.isfinite(changes)] = np.nan
    return after(1, rolling_deviation(changes, length, lost=1))


# Not one of the registry: it serves `sizing = { use = "volatility" }` alone.
VOLATILITY: IndicatorDeclaration = _volatility


def level_value(column: LevelColumn, nodes: SeriesNodes) -> tuple[Float64, int]:
    """The values at the closes of the strategy's bars, NaN where there is none, and the bars before the first."""
    match column.kind:
        case "series":
            values, ready = nodes.series(column.reference), nodes.ready(column.reference)
        case "atr":
            values, ready = nodes.own("atr", {"length": column.length})
        case "volatility":
            values, ready = nodes.own(VOLATILITY, {"length": column.length})
    return np.ascontiguousarray(values, dtype=np.float64), ready
