"""Readings, changes, extremes, ranks and calendar levels of the price against pandas and by hand."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.engine.strategy.helpers import candles, random_candles
from tests.engine.strategy.indicator_helpers import outputs_of
from tests.engine.strategy.plain import Reference, agrees
from tradebot.engine.market import DAY_MS, Candles, Timeframe

RULES = {"day": "D", "week": "W-SUN", "month": "M"}


def _heikin_ashi(f: pd.DataFrame) -> dict[str, Any]:
    rows: list[tuple[float, float, float, float]] = []
    for bar in f.itertuples():
        close = (bar.open + bar.high + bar.low + bar.close) / 4
        open_ = (rows[-1][0] + rows[-1][3]) / 2 if rows else (bar.open + bar.close) / 2
        rows.append((open_, max(bar.high, open_, close), min(bar.low, open_, close), close))
    return dict(zip(("open", "high", "low", "close"), zip(*rows, strict=True), strict=True))


def _periods(f: pd.DataFrame, period: str) -> pd.Series:
    return pd.to_datetime(f.time, unit="ms").dt.to_period(RULES[period])


def _previous(f: pd.DataFrame, period: str) -> dict[str, pd.Series]:
    periods = _periods(f, period)
    table = f.groupby(periods).agg({"open": "first", "high": "max", "low": "min", "close": "last"}).shift()
    return {name: periods.map(table[name]) for name in table}


def _current(f: pd.DataFrame, period: str) -> dict[str, pd.Series]:
    group = f.groupby(_periods(f, period))
    return {"open": group.open.transform("first"), "high": group.high.cummax(), "low": group.low.cummin()}


CASES: list[tuple[str, dict[str, Any], Reference]] = [
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
    ("current_period", {"period": "day"}, _current),
]
COMPARED = {name for name, _, _ in CASES} | {"previous_period", "pivot_points"}


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


# Days, weeks and months -------------------------------------------------------------------------------------


def hours(count: int, start: int = 0) -> Candles:
    """Hourly bars from `start` hours after 1 January 1970, a Thursday."""
    bars = random_candles(count, seed=9)
    time = (start + np.arange(count, dtype=np.int64)) * 3_600_000
    return dataclasses.replace(bars, timeframe=Timeframe.H1, time=time)


def same(found: dict[str, Any], expected: dict[str, Any]) -> None:
    for output, column in found.items():
        np.testing.assert_allclose(column, np.asarray(expected[output], dtype=float), rtol=1e-12)


def frame(bars: Candles) -> pd.DataFrame:
    return pd.DataFrame({name: getattr(bars, name) for name in ("time", "open", "high", "low", "close")})


@pytest.mark.parametrize(("period", "first"), [("day", 24), ("month", 31 * 24)])
def test_levels_of_the_period_before(period: str, first: int) -> None:
    bars = hours(2_500)
    found = outputs_of("previous_period", bars, period=period)
    same(found, _previous(frame(bars), period))
    assert np.flatnonzero(~np.isnan(found["high"]))[0] == first


def test_levels_of_the_week_before() -> None:
    """The history starts on a Thursday: that week is not whole, the first level is there on the second Monday."""
    bars = hours(1_000)
    found = outputs_of("previous_period", bars, period="week")
    second_monday = (4 + 7) * 24
    assert np.isnan(found["high"][:second_monday]).all()
    expected = _previous(frame(bars), "week")
    same(
        {name: column[second_monday:] for name, column in found.items()},
        {name: column[second_monday:] for name, column in expected.items()},
    )


def test_a_day_that_began_before_the_history_has_no_levels() -> None:
    found = outputs_of("previous_period", hours(80, start=5))["low"]
    assert np.isnan(found[: 19 + 24]).all()
    assert not np.isnan(found[19 + 24 :]).any()


def test_a_day_without_bars_is_passed_over() -> None:
    bars = hours(72)
    bars.time[24:] += 3 * DAY_MS
    found = outputs_of("previous_period", bars)
    assert found["close"][24] == bars.close[23]
    assert found["high"][24] == bars.high[:24].max()


def test_a_daily_bar_is_its_own_day() -> None:
    bars = dataclasses.replace(
        random_candles(5), time=np.arange(5, dtype=np.int64) * DAY_MS, timeframe=Timeframe.D1
    )
    assert outputs_of("previous_period", bars)["high"][1:].tolist() == bars.high[:-1].tolist()


@pytest.mark.parametrize("name", ["previous_period", "current_period", "pivot_points"])
@pytest.mark.parametrize("period", ["day", "week", "month"])
def test_levels_know_no_later_bar(name: str, period: str) -> None:
    bars = hours(2_000)
    whole = outputs_of(name, bars, period=period)
    for cut in (1, 23, 24, 25, 100, 743, 744, 745, 1_500):
        for output, column in outputs_of(name, bars.slice(0, cut), period=period).items():
            np.testing.assert_array_equal(column, whole[output][:cut])


def day_of(high: float, low: float, close: float) -> Candles:
    """A day of two bars with these prices, and the first bar of the next."""
    price = np.array([close, close, close])
    highs, lows = np.array([high, close, close]), np.array([low, close, close])
    time = np.array([0, DAY_MS // 2, DAY_MS])
    return Candles(Timeframe.H12, time, price, highs, lows, price, price, price)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("classic", [110.0, 120.0, 130.0, 140.0, 100.0, 90.0, 80.0]),
        ("fibonacci", [110.0, 117.64, 122.36, 130.0, 102.36, 97.64, 90.0]),
        (
            "camarilla",
            [110.0, 110 + 22 / 12, 110 + 22 / 6, 110 + 22 / 4, 110 - 22 / 12, 110 - 22 / 6, 110 - 22 / 4],
        ),
    ],
)
def test_pivot_points_by_hand(kind: str, expected: list[float]) -> None:
    """A day with high 120, low 100 and close 110."""
    found = outputs_of("pivot_points", day_of(120.0, 100.0, 110.0), kind=kind)
    assert [column[-1] for column in found.values()] == pytest.approx(expected)
    assert all(np.isnan(column[:2]).all() for column in found.values())


def test_classic_pivots_of_an_uneven_day() -> None:
    """High 110, low 100, close 102: p 104, r1 2p - low, s1 2p - high, r2 p + 10, r3 high + 2 (p - low)."""
    found = outputs_of("pivot_points", day_of(110.0, 100.0, 102.0))
    assert [column[-1] for column in found.values()] == pytest.approx([104, 108, 114, 118, 98, 94, 88])
