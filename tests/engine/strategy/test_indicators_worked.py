"""Indicators worked out by hand, and the ranges that their help texts promise."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.engine.strategy.helpers import candles, random_candles
from tests.engine.strategy.indicator_helpers import outputs_of

WORKED: list[tuple[str, dict[str, Any], list[float], dict[str, float]]] = [
    ("wma", {"length": 3}, [1, 2, 4], {"value": 17 / 6}),
    ("trima", {"length": 4}, [1, 2, 3, 7], {"value": (1 + 2 * 2 + 2 * 3 + 7) / 6}),
    ("rma", {"length": 2}, [1, 3, 6], {"value": (2 * 1 + 6) / 2}),
    ("midpoint", {"length": 3}, [1, 7, 4], {"value": 4}),
    ("roc", {"length": 1}, [50, 60], {"value": 20}),
    ("momentum", {"length": 2}, [50, 55, 60], {"value": 10}),
    ("linreg_slope", {"length": 3}, [1, 2, 4], {"value": 1.5}),
    ("linreg", {"length": 3}, [1, 2, 4], {"value": 7 / 3 + 1.5}),
    ("linreg_intercept", {"length": 3}, [1, 2, 4], {"value": 7 / 3 - 1.5}),
    ("linreg_forecast", {"length": 3}, [1, 2, 4], {"value": 7 / 3 + 3}),
    ("linreg_angle", {"length": 2}, [1, 2], {"value": 45}),
    ("r_squared", {"length": 3}, [1, 2, 4], {"value": 27 / 28}),
    ("cmo", {"length": 3}, [10, 12, 11, 14], {"value": 100 * (5 - 1) / 6}),
    ("efficiency_ratio", {"length": 3}, [10, 12, 11, 14], {"value": 4 / 6}),
    ("vertical_horizontal_filter", {"length": 3}, [10, 12, 11, 14], {"value": 3 / 6}),
    ("psychological_line", {"length": 4}, [1, 2, 3, 3, 2], {"value": 50}),
    ("zscore", {"length": 2}, [1, 3], {"value": 1}),
    ("disparity", {"length": 2}, [1, 3], {"value": 50}),
    ("dpo", {"length": 2}, [5, 7, 9], {"value": 5 - 8}),
    ("aroon", {"length": 4}, [3, 9, 5, 1, 6], {"up": 25, "down": 75, "oscillator": -50}),
    ("stoch", {"length": 3, "smooth": 1, "signal": 1}, [1, 5, 4], {"k": 75, "d": 75}),
    ("williams_r", {"length": 3}, [1, 5, 4], {"value": -25}),
    ("cci", {"length": 2}, [1, 3], {"value": 1 / 0.015}),
]


@pytest.mark.parametrize(("name", "values", "close", "expected"), WORKED, ids=[each[0] for each in WORKED])
def test_worked_out_by_hand(
    name: str, values: dict[str, Any], close: list[float], expected: dict[str, float]
) -> None:
    """The value on the last of a few bars that open, close and stay at these prices."""
    columns = outputs_of(name, candles(close), **values)
    assert {output: column[-1] for output, column in columns.items()} == pytest.approx(expected)


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        *((name, 0.0, 100.0) for name in ("rsi", "stoch", "stoch_rsi", "ultimate_oscillator", "connors_rsi")),
        *((name, 0.0, 100.0) for name in ("adx", "adxr", "dx", "laguerre_rsi", "schaff_trend_cycle")),
        *((name, 0.0, 100.0) for name in ("intraday_momentum_index", "psychological_line")),
        *((name, -100.0, 100.0) for name in ("cmo", "tsi", "smi")),
        *((name, 0.0, 1.0) for name in ("r_squared", "efficiency_ratio")),
        ("williams_r", -100.0, 0.0),
        ("balance_of_power", -1.0, 1.0),
        ("linreg_angle", -90.0, 90.0),
    ],
)
def test_outputs_stay_in_the_range_that_their_help_names(name: str, low: float, high: float) -> None:
    for output, column in outputs_of(name, random_candles(2_000, seed=8)).items():
        known = column[~np.isnan(column)]
        assert low - 1e-9 <= known.min() < known.max() <= high + 1e-9, output


def test_the_cloud_of_a_bar_is_the_one_that_was_drawn_ahead_before() -> None:
    """With a displacement of 26 the chart shows at a bar what was known 25 bars earlier."""
    found = outputs_of("ichimoku", random_candles(300))
    np.testing.assert_array_equal(found["span_a"][200:], found["leading_a"][175:275])
    np.testing.assert_array_equal(found["span_b"][200:], found["leading_b"][175:275])
    np.testing.assert_array_equal(found["lagging_close"][200:], random_candles(300).close[175:275])


def test_supertrend_turns_when_the_close_crosses_it() -> None:
    bars = random_candles(500)
    found = outputs_of("supertrend", bars)
    value, direction = found["value"][10:], found["direction"][10:]
    np.testing.assert_array_equal(direction, np.where(bars.close[10:] > value, 1.0, -1.0))
    assert np.count_nonzero(np.diff(direction)) > 3
