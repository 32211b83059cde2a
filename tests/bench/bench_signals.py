"""How long signals take on a year of minutes: `python -m pytest tests/bench/bench_signals.py --benchmark-only -n 0`.

Measured on a core that was shared, by process time: 0.1 to 3 ms a kind; ranges and volume up to 6, a threshold with
releases and a trend 6, swings and divergences 10, higher highs and lows 18; a rule over members below 1 ms.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from tradebot.engine.strategy import ParameterKind, builtin_registry

YEAR = 527_040  # of 366 days
REGISTRY = builtin_registry()


@pytest.fixture(scope="module")
def columns() -> dict[str, Any]:
    """A year of minutes as columns: a random walk. Freed pages are kept, as `decide` keeps them."""
    np.empty(30_000_000, dtype=np.uint8)
    rng = np.random.default_rng(1)
    close = 60_000.0 * np.exp(np.cumsum(rng.normal(0.0, 0.0006, YEAR)))
    open_ = np.concatenate((close[:1], close[:-1]))
    time = np.arange(YEAR) * 60_000.0
    return {
        "open": open_,
        "high": np.maximum(open_, close) * 1.0003,
        "low": np.minimum(open_, close) * 0.9997,
        "close": close,
        "volume": rng.random(YEAR) * 10,
        "funding": rng.normal(0.0, 0.0005, YEAR),
        "time": time,
        "close_time": time + 60_000.0,
    }


@pytest.mark.parametrize("name", list(REGISTRY.signals))
def test_a_year_of_minutes(name: str, benchmark: BenchmarkFixture, columns: dict[str, Any]) -> None:
    """With the defaults of the kind, series that it leaves open taken in the order of the bar's columns."""
    declaration = REGISTRY.signals[name]
    values = {each.name: each.default for each in declaration.parameters if each.default is not None}
    if name == "threshold":
        values |= {"lower": 59_000.0, "upper": 61_000.0, "lower_release": 60_000.0, "upper_release": 60_000.0}
    arguments = [columns[each] for each in declaration.inputs]
    open_series = iter(("high", "low", "close", "open"))
    up_and_down = columns["close"] > columns["open"], columns["close"] < columns["open"]
    series = [each.name for each in declaration.parameters if each.kind is ParameterKind.SERIES]
    arguments += [columns[str(values.pop(each, None) or next(open_series))] for each in series]
    for parameter in declaration.member_parameters:
        arguments += [up_and_down] * (3 if parameter.kind is ParameterKind.MEMBERS else 1)
    true, opposite = benchmark(lambda: declaration.compute(*arguments, **values))
    assert len(true) == len(opposite) == YEAR
