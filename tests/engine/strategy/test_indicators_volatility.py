"""Volatility and its channels against pandas, on flat markets, on tiny prices and after large ones."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.engine.strategy.helpers import candles, random_candles
from tests.engine.strategy.indicator_helpers import outputs_of
from tests.engine.strategy.plain import Reference, agrees, atr, ema, true_range
from tradebot.engine.market import Timeframe

MINUTES = 365 * 24 * 60


def _around(middle: pd.Series, width: pd.Series) -> dict[str, pd.Series]:
    return {"upper": middle + width, "middle": middle, "lower": middle - width}


def _deviation(series: pd.Series, length: int, lost: int = 0) -> pd.Series:
    return series.rolling(length).apply(lambda window: np.std(window, ddof=lost), raw=True)


def _bands(f: pd.DataFrame, length: int, deviations: float) -> dict[str, pd.Series]:
    return _around(f.close.rolling(length).mean(), deviations * _deviation(f.close, length))


def _percent_b(f: pd.DataFrame, **values: Any) -> pd.Series:
    bands = _bands(f, **values)
    return (f.close - bands["lower"]) / (bands["upper"] - bands["lower"])


def _bandwidth(f: pd.DataFrame, **values: Any) -> pd.Series:
    bands = _bands(f, **values)
    return 100 * (bands["upper"] / bands["middle"] - bands["lower"] / bands["middle"])


def _choppiness(f: pd.DataFrame, length: int) -> pd.Series:
    spread = f.high.rolling(length).max() - f.low.rolling(length).min()
    return 100 * np.log(true_range(f).rolling(length).sum() / spread) / math.log(length)


def _garman_klass(f: pd.DataFrame, length: int) -> pd.Series:
    parts = 0.5 * np.log(f.high / f.low) ** 2 - 0.3862943611198906 * np.log(f.close / f.open) ** 2
    return 100 * np.sqrt(MINUTES * parts.rolling(length).mean())


def _rogers_satchell_parts(f: pd.DataFrame) -> pd.Series:
    up, down, body = np.log(f.high / f.open), np.log(f.low / f.open), np.log(f.close / f.open)
    return up * (up - body) + down * (down - body)


def _yang_zhang(f: pd.DataFrame, length: int) -> pd.Series:
    k = 0.34 / (1.34 + (length + 1) / (length - 1))
    night = _deviation(np.log(f.open) - np.log(f.close.shift()), length, 1) ** 2
    day = _deviation(np.log(f.close) - np.log(f.open), length, 1) ** 2
    return 100 * np.sqrt(
        MINUTES * (night + k * day + (1 - k) * _rogers_satchell_parts(f).rolling(length).mean())
    )


def _ulcer(f: pd.DataFrame, length: int) -> pd.Series:
    falls = 100 * (f.close / f.close.rolling(length).max() - 1)
    return (falls**2).rolling(length).mean() ** 0.5


def _mass(f: pd.DataFrame, length: int, smoothing: int) -> pd.Series:
    once = ema(f.high - f.low, smoothing)
    return (once / ema(once, smoothing)).rolling(length).sum()


def _rvi(f: pd.DataFrame, length: int, smoothing: int) -> pd.Series:
    spread = _deviation(f.close, length)
    up = ema(spread.where((f.close.diff() > 0) | spread.isna(), 0.0), smoothing)
    return 100 * up / ema(spread, smoothing)


def _squeeze(f: pd.DataFrame, length: int, deviations: float, multiple: float) -> pd.Series:
    return deviations * _deviation(f.close, length) / (multiple * true_range(f).rolling(length).mean())


def _acceleration(f: pd.DataFrame, length: int) -> dict[str, pd.Series]:
    factor = 4 * (f.high - f.low) / (f.high + f.low)
    columns = {"upper": f.high * (1 + factor), "middle": f.close, "lower": f.low * (1 - factor)}
    return {name: column.rolling(length).mean() for name, column in columns.items()}


def _donchian(f: pd.DataFrame, length: int, shift: int) -> dict[str, pd.Series]:
    upper, lower = f.high.rolling(length).max().shift(shift), f.low.rolling(length).min().shift(shift)
    return {"upper": upper, "middle": (upper + lower) / 2, "lower": lower}


def _chandelier(f: pd.DataFrame, length: int, multiple: float) -> dict[str, pd.Series]:
    width = multiple * atr(f, length)
    return {
        "long": f.high.rolling(length).max() - width,
        "short": f.low.rolling(length).min() + width,
    }


def _chande_kroll(f: pd.DataFrame, length: int, multiple: float, smoothing: int) -> dict[str, pd.Series]:
    first = _chandelier(f, length, multiple)
    return {
        "long": first["short"].rolling(smoothing).min(),
        "short": first["long"].rolling(smoothing).max(),
    }


def _growth(series: pd.Series, bars: int) -> pd.Series:
    return 100 * (series - series.shift(bars)) / series.shift(bars)


CASES: list[tuple[str, dict[str, Any], Reference]] = [
    ("true_range", {}, true_range),
    ("atr", {"length": 1}, atr),
    ("atr", {"length": 14}, atr),
    ("natr", {"length": 14}, lambda f, length: 100 * atr(f, length) / f.close),
    ("stddev", {"length": 2}, lambda f, length: _deviation(f.close, length)),
    ("stddev", {"length": 33}, lambda f, length: _deviation(f.close, length)),
    ("variance", {"length": 20}, lambda f, length: _deviation(f.close, length) ** 2),
    ("choppiness", {"length": 2}, _choppiness),
    ("choppiness", {"length": 14}, _choppiness),
    (
        "historical_volatility",
        {"length": 20},
        lambda f, length: 100 * MINUTES**0.5 * _deviation(np.log(f.close).diff(), length, 1),
    ),
    (
        "parkinson_volatility",
        {"length": 20},
        lambda f, length: (
            100
            * (MINUTES * (np.log(f.high) - np.log(f.low)).pow(2).rolling(length).mean() / math.log(16)) ** 0.5
        ),
    ),
    ("garman_klass_volatility", {"length": 20}, _garman_klass),
    (
        "rogers_satchell_volatility",
        {"length": 20},
        lambda f, length: (
            100 * np.sqrt(MINUTES * _rogers_satchell_parts(f).rolling(length).mean().clip(lower=0))
        ),
    ),
    ("yang_zhang_volatility", {"length": 20}, _yang_zhang),
    ("ulcer_index", {"length": 14}, _ulcer),
    (
        "chaikin_volatility",
        {"length": 10, "change": 3},
        lambda f, length, change: _growth(ema(f.high - f.low, length), change),
    ),
    ("mass_index", {"length": 25, "smoothing": 9}, _mass),
    ("relative_volatility_index", {"length": 10, "smoothing": 14}, _rvi),
    ("relative_volatility_index", {"length": 2, "smoothing": 5}, _rvi),
    ("squeeze_ratio", {"length": 20, "deviations": 2.0, "multiple": 1.5}, _squeeze),
    ("bbands", {"length": 2, "deviations": 1.0}, _bands),
    ("bbands", {"length": 20, "deviations": 2.5}, _bands),
    ("percent_b", {"length": 20, "deviations": 2.0}, _percent_b),
    ("bandwidth", {"length": 20, "deviations": 2.0}, _bandwidth),
    (
        "keltner",
        {"length": 20, "atr_length": 10, "multiple": 2.0},
        lambda f, length, atr_length, multiple: _around(ema(f.close, length), multiple * atr(f, atr_length)),
    ),
    (
        "starc",
        {"length": 6, "atr_length": 15, "multiple": 2.0},
        lambda f, length, atr_length, multiple: _around(
            f.close.rolling(length).mean(), multiple * atr(f, atr_length)
        ),
    ),
    (
        "atr_bands",
        {"length": 14, "multiple": 3.0},
        lambda f, length, multiple: {
            "upper": f.close + multiple * atr(f, length),
            "lower": f.close - multiple * atr(f, length),
        },
    ),
    (
        "envelope",
        {"length": 20, "percent": 2.5},
        lambda f, length, percent: _around(
            f.close.rolling(length).mean(), f.close.rolling(length).mean() * percent / 100
        ),
    ),
    ("acceleration_bands", {"length": 20}, _acceleration),
    ("donchian", {"length": 20, "shift": 0}, _donchian),
    ("donchian", {"length": 5, "shift": 1}, _donchian),
    ("chandelier_exit", {"length": 22, "multiple": 3.0}, _chandelier),
    ("chande_kroll_stop", {"length": 10, "multiple": 1.0, "smoothing": 9}, _chande_kroll),
]
COMPARED = {name for name, _, _ in CASES}


@pytest.mark.parametrize(
    ("name", "values", "reference"), CASES, ids=[f"{name} {values}" for name, values, _ in CASES]
)
def test_agrees_with_a_formula_written_apart(name: str, values: dict[str, Any], reference: Reference) -> None:
    agrees(name, random_candles(400, seed=7), reference, **values)


# By hand ----------------------------------------------------------------------------------------------------


def test_the_true_range_takes_the_close_before_into_account() -> None:
    bars = candles([10.0, 20.0, 12.0], spread=1.0)
    assert outputs_of("true_range", bars)["value"][1:].tolist() == [11.0, 9.0]


def test_bollinger_bands_by_hand() -> None:
    """The population 2, 4, 4, 4, 5, 5, 7, 9 has the mean 5 and the deviation 2."""
    bars = candles([2, 4, 4, 4, 5, 5, 7, 9])
    last = {name: column[-1] for name, column in outputs_of("bbands", bars, length=8, deviations=1.5).items()}
    assert last == {"upper": 8.0, "middle": 5.0, "lower": 2.0}
    assert outputs_of("percent_b", bars, length=8, deviations=1.5)["value"][-1] == pytest.approx(7 / 6)
    assert outputs_of("bandwidth", bars, length=8, deviations=1.5)["value"][-1] == pytest.approx(120.0)


def test_a_channel_that_leaves_the_bar_out_can_be_broken() -> None:
    bars = candles([1, 2, 3, 2, 5])
    assert outputs_of("donchian", bars, length=3)["upper"][-1] == 5.0
    assert outputs_of("donchian", bars, length=3, shift=1)["upper"][-1] == 3.0


@pytest.mark.parametrize(
    ("timeframe", "bars_in_a_year"), [(Timeframe.M1, 525_600), (Timeframe.H4, 2_190), (Timeframe.D1, 365)]
)
def test_the_bars_of_a_year_follow_from_their_length(timeframe: Timeframe, bars_in_a_year: int) -> None:
    """Changes of +1 % and -1 % in turn: deviation of a sample of two is sqrt(2) * 0.01."""
    price = 100.0 * np.exp(np.array([0.0, 0.01, 0.0]))
    bars = dataclasses.replace(candles(price.tolist()), timeframe=timeframe)
    expected = 100.0 * math.sqrt(2.0 * bars_in_a_year) * 0.01
    assert outputs_of("historical_volatility", bars, length=2)["value"][-1] == pytest.approx(expected)


def test_missing_bars_leave_the_length_of_a_bar_as_it_is() -> None:
    bars = random_candles(60)
    late = bars.time.copy()
    late[30:] += 3_600_000
    gapped = dataclasses.replace(bars, time=late)
    for name in ("historical_volatility", "parkinson_volatility", "yang_zhang_volatility"):
        np.testing.assert_array_equal(outputs_of(name, gapped)["value"], outputs_of(name, bars)["value"])


# Where nothing moves, and where numbers are small or large --------------------------------------------------

FLAT_VALUES = {
    "true_range": 0.0,
    "atr": 0.0,
    "natr": 0.0,
    "stddev": 0.0,
    "variance": 0.0,
    "choppiness": 100.0,
    "historical_volatility": 0.0,
    "parkinson_volatility": 0.0,
    "garman_klass_volatility": 0.0,
    "rogers_satchell_volatility": 0.0,
    "yang_zhang_volatility": 0.0,
    "ulcer_index": 0.0,
    "chaikin_volatility": 0.0,
    "mass_index": 25.0,
    "relative_volatility_index": 50.0,
    "squeeze_ratio": 0.0,
    "percent_b": 0.5,
    "bandwidth": 0.0,
}


@pytest.mark.parametrize("name", list(FLAT_VALUES))
def test_a_price_that_never_moves(name: str) -> None:
    assert outputs_of(name, candles([0.1] * 100))["value"][-1] == FLAT_VALUES[name]


def test_no_rest_of_large_prices_is_left_where_the_price_stands_still() -> None:
    """Running sums would leave a deviation of some hundredths here."""
    wild = 60_000.0 * np.exp(np.cumsum(np.random.default_rng(2).normal(0.0, 0.05, 3_000)))
    bars = candles([*wild.tolist(), *[0.1] * 25])
    for name in ("stddev", "variance", "bandwidth", "squeeze_ratio"):
        value = outputs_of(name, bars, length=20)["value"][-1]
        assert value == 0.0, name


def test_a_coin_of_a_millionth_has_a_deviation() -> None:
    """TA-Lib takes a variance below 1e-14 for none."""
    bars = random_candles(100)
    tiny = dataclasses.replace(bars, close=bars.close * 1e-9)
    usual = outputs_of("stddev", bars)["value"][19:]
    np.testing.assert_allclose(outputs_of("stddev", tiny)["value"][19:], usual * 1e-9, rtol=1e-9)


def test_a_logarithm_of_what_is_not_positive_has_no_value() -> None:
    source = np.array([1.0, 2.0, 4.0, 0.0, 1.0, 3.0, 2.0, -1.0, 1.0, 2.0, 4.0])
    bars = candles(source.tolist())
    found = outputs_of("historical_volatility", bars, length=2)["value"]
    assert np.isnan(found).tolist() == [True, True, False, True, True, True, False, True, True, True, False]
