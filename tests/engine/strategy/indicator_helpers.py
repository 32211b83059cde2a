"""Computing any registered indicator in tests."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from tests.engine.strategy.helpers import REGISTRY
from tradebot.engine.market import Candles
from tradebot.engine.strategy.compute import compute_indicator
from tradebot.engine.strategy.registry import IndicatorDeclaration, ParameterKind, Value
from tradebot.engine.strategy.series import candle_series

Column = npt.NDArray[np.float64]


def defaults(declaration: IndicatorDeclaration) -> dict[str, Any]:
    """Every value as the declaration has it; a series without default is the close."""
    values: dict[str, Any] = {each.name: each.default for each in declaration.parameters if not each.optional}
    return {name: "close" if value is None else value for name, value in values.items()}


def outputs_of(
    name: str, bars: Candles, sources: dict[str, Column] | None = None, **values: Value
) -> dict[str, Column]:
    """The outputs of an indicator with its defaults, `values`, and `sources` in place of named series."""
    declaration = REGISTRY.indicators[name]
    complete = defaults(declaration) | values
    columns = [np.ascontiguousarray(candle_series(bars, column)) for column in declaration.inputs]
    others = {}
    for parameter in declaration.parameters:
        if parameter.name not in complete:
            continue
        if parameter.kind is ParameterKind.SERIES:
            given = (sources or {}).get(parameter.name)
            columns.append(candle_series(bars, str(complete[parameter.name])) if given is None else given)
        else:
            others[parameter.name] = complete[parameter.name]
    computed = compute_indicator(declaration, columns, complete, others)
    return dict(zip(declaration.outputs, computed, strict=True))


def variants(declaration: IndicatorDeclaration, count: int, seed: int = 5) -> list[dict[str, Any]]:
    """The defaults, and `count` sets of values drawn from the declared ranges (bars up to 30) that obey the rule."""
    rng = np.random.default_rng(seed)
    result = [defaults(declaration)]
    if not any(each.kind is not ParameterKind.SERIES for each in declaration.parameters):
        return result
    for _ in range(1_000):
        values = defaults(declaration)
        for each in declaration.parameters:
            low, high = each.low or 0.0, 0.0 if each.high is None else each.high
            if each.kind is ParameterKind.INTEGER:
                values[each.name] = int(rng.integers(int(low), int(min(high, max(30.0, low))) + 1))
            elif each.kind is ParameterKind.NUMBER:
                usual = 2.0 * abs(float(each.default or 1.0))
                values[each.name] = float(rng.uniform(low, min(high, max(usual, low))))
            elif each.kind is ParameterKind.CHOICE:
                values[each.name] = str(rng.choice(each.choices))
            elif each.kind is ParameterKind.SWITCH:
                values[each.name] = bool(rng.integers(0, 2))
        if declaration.rule is None or not list(declaration.rule(values)):
            result.append(values)
        if len(result) > count:
            return result
    raise AssertionError(f"no values obey the rule of {declaration.name}")
