"""Markets full of ties and holes, and valid values for every registered kind of signal."""

from __future__ import annotations

import random
from typing import Any

import numpy as np

from tests.engine.strategy.helpers import REGISTRY
from tests.support.reference_kinds import DAYS
from tradebot.engine.market import Candles, Timeframe
from tradebot.engine.strategy import (
    Parameter,
    ParameterKind,
    SignalDeclaration,
    StrategyBuilder,
    StrategySpec,
    decide,
)

COLUMNS = ("open", "high", "low", "close", "volume")
PLAIN = tuple(name for name, each in REGISTRY.signals.items() if not each.member_parameters)
OVER_MEMBERS = tuple(name for name, each in REGISTRY.signals.items() if each.member_parameters)
_CLOCKS = ("00:00", "02:30", "09:00", "16:00", "21:45", "24:00")


def rough_market(seed: int, size: int, missing: float = 0.05, minutes: int = 47) -> Candles:
    """A walk in whole numbers, so that ties abound, with missing values in every column but the times.

    The volume is below, at and above 0, as an oscillator or a pattern is; prices are above 0.
    Bars are `minutes` apart and long, over more than a week, so that hours and days change often.
    """
    rng = np.random.default_rng(seed)
    walk = np.cumsum(rng.integers(-2, 3, size)).astype(np.float64)
    close = walk - min(0.0, walk.min(initial=0.0)) + 4.0
    above, below, moved, volume = (rng.integers(low, 4, size) for low in (0, 0, -2, -2))
    columns = [close - moved, close + above, close - below, close.copy(), volume.astype(np.float64)]
    for column in columns:
        column[rng.random(size) < missing] = np.nan
    start = 1_700_000_000_000 // 60_000 * 60_000
    time = start + np.arange(size, dtype=np.int64) * minutes * 60_000
    return Candles(Timeframe.M1, time, *columns, columns[4] * columns[3])


def lists(candles: Candles) -> dict[str, list[float | None]]:
    """The columns as the plain reference takes them."""
    columns = {name: getattr(candles, name).tolist() for name in COLUMNS}
    columns |= {"time": candles.time.tolist(), "close_time": candles.close_time.tolist()}
    return {
        name: [None if value != value else value for value in column]  # a NaN differs from itself
        for name, column in columns.items()
    }


def valid_values(
    declaration: SignalDeclaration, rng: random.Random, members: tuple[str, ...] = ()
) -> dict[str, Any]:
    """Values that the declaration and its rule accept."""
    for _attempt in range(1000):
        values = {
            each.name: _value(each, rng, members)
            for each in declaration.parameters
            if not each.optional or rng.random() < 0.5
        }
        if "signals" in values:
            values["k"] = min(values["k"], len(values["signals"]))
        rule = declaration.rule
        if rule is None or not list(rule({**values, "supports": declaration.supports})):
            return values
    raise AssertionError(f"no valid values were found for {declaration.name}")


def _value(parameter: Parameter, rng: random.Random, members: tuple[str, ...]) -> Any:
    match parameter.kind:
        case ParameterKind.INTEGER:
            if parameter.unit == "min":
                return rng.choice((47, 60, 240) if parameter.low else (0, 1, 46))
            low, high = int(parameter.low or 0), int(parameter.high or 10)
            return rng.randint(low, min(high, low + 6))
        case ParameterKind.NUMBER:
            number = float(rng.choice((0, 1, 2, 3, 4, 5, 20)))
            low, high = parameter.low or 0.0, parameter.high or 1e9
            return min(max(number, low), high)
        case ParameterKind.CHOICE:
            return rng.choice(parameter.choices)
        case ParameterKind.SERIES:
            if parameter.allow_number and rng.random() < 0.3:
                return float(rng.randint(1, 6))
            return rng.choice(COLUMNS)
        case ParameterKind.TEXT:
            return rng.choice(tuple(DAYS) if parameter.name == "days" else _CLOCKS)
        case ParameterKind.MEMBER:
            return rng.choice(members)
        case ParameterKind.MEMBERS:
            return rng.sample(members, min(len(members), rng.randint(1, 3)))
    raise AssertionError(f"no values are known for {parameter.kind}")


def shown(made: StrategyBuilder, name: str) -> StrategySpec:
    """A strategy whose exit shows what one member supports."""
    return made.entry("any", [name]).exit("any", [name]).build()


def supported(spec: StrategySpec, candles: Candles) -> list[tuple[bool, bool]]:
    """Long and short on each bar, as the exit of the strategy shows them."""
    decisions = decide(spec, REGISTRY, candles)
    return list(zip(decisions.exit_short.tolist(), decisions.exit_long.tolist(), strict=True))
