"""Readings, changes, extremes and ranks of the price against pandas and by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.engine.strategy.helpers import candles, random_candles
from tests.engine.strategy.indicator_helpers import outputs_of
from tests.engine.strategy.plain import Reference, agrees


def _heikin_ashi(f: pd.DataFrame) -> dict[str, Any]:
    rows: list[tuple[float, float, float, float]] = []
    for bar in f.itertuples():
        close = (bar.open + bar.high + bar.low + bar.close) / 4
        open_ = (rows[-1][0] + rows[-1][3]) / 2 if rows else (bar.open + bar.close) / 2
        rows.append((open_, max(bar.high, open_, close), min(bar.low, open_, close), close))
    return dict(zip(("open", "high", "low", "close"), zip(*rows, strict=True), strict=True))


CASES: list[tuple[str, dict[str, Any], Reference]] = [
    ("price", {}, lambda f: f.close),
    ("weighted_close", {}, lambda f: f.high / 4 + f.low / 4 + f.close / 2),
    ("heikin_ashi", {}, _heikin_ashi),
    ("percent_change", {"length": 3}, lambda f, length: 100 * f.close.pct_change(length)),
    ("log_return", {"length": 3}, lambda f, length: np.log(f.close).diff(length)),
    ("highest", {"length": 20}, lambda f, length: f.high.rolling(length).max()),
    ("lowest", {"length": 2}, lambda f, length: f.low.rolling(length).min()),
    ("lag", {"length": 4}, lambda f, length: f.close.shift(length)),
    ("rolling_sum", {"length": 20}, lambda f, length: f.volume.rolling(length).sum()),
    ("difference", {}, lambda f: f.close.sub(f.open)),
    ("ratio", {}, lambda f: f.close.div(f.open)),
    ("gap", {}, lambda f: 100 * (f.open - f.close.shift()) / f.close.shift()),
    ("internal_bar_strength", {}, lambda f: 1 - (f.high - f.close) / (f.high - f.low)),
    (
        "range_position",
        {"length": 20},
        lambda f, length: f.close.rolling(length).apply(
            lambda w: 100 - 100 * (w.max() - w[-1]) / np.ptp(w), raw=True
        ),
    ),
    (
        "drawdown",
        {"length": 50},
        lambda f, length: -100 * (1 - f.close / f.close.rolling(length).max()),
    ),
    (
        "percent_rank",
        {"length": 30},
        lambda f, length: (f.close.rolling(length + 1).rank(method="max") - 1) * 100 / length,
    ),
    (
        "percentile",
        {"length": 30, "percent": 12.5},
        lambda f, length, percent: f.close.rolling(length).quantile(percent / 100),
    ),
    (
        "percentile",
        {"length": 2, "percent": 100.0},
        lambda f, length, percent: f.close.rolling(length).quantile(percent / 100),
    ),
]
COMPARED = {name for name, _, _ in CASES}


@pytest.mark.parametrize(
    ("name", "values", "reference"), CASES, ids=[f"{name} {values}" for name, values, _ in CASES]
)
def test_agrees_with_a_formula_written_apart(name: str, values: dict[str, Any], reference: Reference) -> None:
    agrees(name, random_candles(400, seed=7), reference, **values)


# By hand ----------------------------------------------------------------------------------------------------


def test_percent_rank_counts_equal_values() -> None:
    """Two of the four values before are below 3, one equals it."""
    bars = candles([1, 3, 2, 5, 3])
    assert outputs_of("percent_rank", bars, length=4)["value"][-1] == 75.0


def test_percentile_lies_between_two_values_in_proportion() -> None:
    bars = candles([4, 1, 2])
    assert outputs_of("percentile", bars, length=3, percent=75.0)["value"][-1] == 3.0
    assert outputs_of("percentile", bars, length=3, percent=0.0)["value"][-1] == 1.0


def test_percentile_keeps_its_order_among_equal_values() -> None:
    rng = np.random.default_rng(8)
    bars = candles(rng.integers(1, 6, 600).astype(float).tolist())
    for percent in (0.0, 33.0, 50.0, 100.0):
        expected = pd.Series(bars.close).rolling(21).quantile(percent / 100).to_numpy()
        found = outputs_of("percentile", bars, length=21, percent=percent)["value"]
        np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize("length", [249, 250, 251, 700])
@pytest.mark.parametrize("ties", [False, True])
def test_many_values_are_put_in_order_as_few_are(length: int, ties: bool) -> None:
    """From 250 values on a tree counts them: blocks of the length begin and end within this history."""
    rng = np.random.default_rng(length)
    values = np.cumsum(rng.normal(0.0, 1.0, 1_901)) + 500.0
    bars = candles(np.round(values).tolist() if ties else values.tolist())
    for percent in (0.0, 12.5, 50.0, 100.0):
        expected = pd.Series(bars.close).rolling(length).quantile(percent / 100).to_numpy()
        found = outputs_of("percentile", bars, length=length, percent=percent)["value"]
        np.testing.assert_allclose(found, expected, rtol=1e-12)
    rank = outputs_of("percent_rank", bars, length=length)["value"]
    for i in range(length, len(values), 97):
        before = bars.close[i - length : i]
        assert rank[i] == 100.0 * np.count_nonzero(before <= bars.close[i]) / length


def test_flat_prices_have_neutral_values() -> None:
    bars = candles([0.1] * 120)
    expected = {
        "percent_change": 0.0,
        "log_return": 0.0,
        "difference": 0.0,
        "ratio": 1.0,
        "gap": 0.0,
        "internal_bar_strength": 0.5,
        "range_position": 50.0,
        "drawdown": 0.0,
        "percent_rank": 100.0,
    }
    assert {name: outputs_of(name, bars)["value"][-1] for name in expected} == expected


def test_no_logarithm_and_no_quotient_of_zero() -> None:
    bars = candles([1.0, 0.0, 2.0, -2.0])
    assert np.isnan(outputs_of("log_return", bars)["value"]).all()
    zero = np.array([1.0, 0.0, 2.0, 4.0])
    found = outputs_of("ratio", bars, {"b": zero})["value"]
    np.testing.assert_array_equal(found, [1.0, np.nan, 1.0, -0.5])
    assert outputs_of("percent_change", bars)["value"][1:].tolist() == [-100.0, 0.0, -200.0]
