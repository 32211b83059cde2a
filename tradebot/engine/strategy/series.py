"""The series that a strategy can name: columns of the candles, indicators and their outputs."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tradebot.engine.market import Candles, Float64
from tradebot.engine.strategy.problems import one_of
from tradebot.engine.strategy.registry import IndicatorDeclaration
from tradebot.engine.strategy.values import unknown_name

CANDLE_SERIES = ("open", "high", "low", "close", "volume", "turnover", "hl2", "hlc3", "ohlc4")
"""Names of the columns: hl2 is the middle of high and low, hlc3 and ohlc4 are means of three and four prices."""

INPUT_COLUMNS = (*CANDLE_SERIES, "time", "close_time")
"""What an indicator may take as `inputs`: the times too, which no series parameter may name."""

FUNDING = "funding"
"""The series of the funding rate settled last, as a fraction of the position (perpetuals only)."""

MARKET_SERIES = (*CANDLE_SERIES, FUNDING)
"""Every series of the market that a series parameter may name."""

NO_PRICES = ("volume", "turnover", FUNDING)
"""Those of them that are no prices, so that no stop or target can stand there."""

RESERVED = MARKET_SERIES
"""Names that an indicator cannot take."""


def candle_series(candles: Candles, name: str) -> Float64:
    """The input column of this name; KeyError for another name.

    `time` and `close_time` are UTC milliseconds as float64, which holds every whole number below 2 ** 53 (the year
    287396) exactly.
    """
    match name:
        case "time":
            return candles.time.astype(np.float64)
        case "close_time":
            return candles.close_time.astype(np.float64)
        case "open" | "high" | "low" | "close" | "volume" | "turnover":
            column: Float64 = getattr(candles, name)
            return column
        case "hl2":
            return (candles.high + candles.low) / 2.0
        case "hlc3":
            return (candles.high + candles.low + candles.close) / 3.0
        case "ohlc4":
            return (candles.open + candles.high + candles.low + candles.close) / 4.0
    raise KeyError(name)


def split_reference(reference: str) -> tuple[str, str]:
    """`"bands.upper"` -> `("bands", "upper")`, `"fast"` -> `("fast", "")`."""
    name, _, output = reference.partition(".")
    return name, output


def output_of(declaration: IndicatorDeclaration, output: str) -> str:
    """The output that a reference means, "" where the indicator's bare name means none of them."""
    return output or declaration.main


def reference_problem(reference: str, indicators: Mapping[str, IndicatorDeclaration | None]) -> str | None:
    """Why a reference names no series, or None. An indicator whose kind is unknown is taken as it comes."""
    name, output = split_reference(reference)
    if name in MARKET_SERIES and not output:
        return None
    if name not in indicators:
        return unknown_name(reference, [*MARKET_SERIES, *indicators], "a series")
    declaration = indicators[name]
    if declaration is None:
        return None
    if not output and "." not in reference:
        if declaration.main:
            return None
        return f"must name one output of {name}: {one_of(f'{name}.{each}' for each in declaration.outputs)}"
    if output in declaration.outputs:
        return None
    return unknown_name(output, list(declaration.outputs), f"an output of {name}")


def series_names(indicators: Mapping[str, IndicatorDeclaration]) -> tuple[str, ...]:
    """Everything a series parameter may name, those of the market first: what a picker offers."""
    names = list(MARKET_SERIES)
    for name, declaration in indicators.items():
        if declaration.main:
            names.append(name)
        if len(declaration.outputs) > 1:
            names.extend(f"{name}.{output}" for output in declaration.outputs)
    return tuple(names)
