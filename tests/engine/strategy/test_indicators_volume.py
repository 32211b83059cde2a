"""Volume indicators against pandas, by hand, over UTC days, and where nothing is traded."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.engine.strategy.helpers import candles, random_candles
from tests.engine.strategy.indicator_helpers import outputs_of
from tests.engine.strategy.plain import Reference, agrees, ema
from tradebot.engine.market import DAY_MS, Candles, Timeframe


def _moneyflow(f: pd.DataFrame) -> pd.Series:
    return (2 * f.close - f.high - f.low) / (f.high - f.low) * f.volume


def _adosc(f: pd.DataFrame, fast: int, slow: int) -> pd.Series:
    line = _moneyflow(f).cumsum()
    return line.ewm(span=fast, adjust=False).mean() - line.ewm(span=slow, adjust=False).mean()


def _mfi(f: pd.DataFrame, length: int) -> pd.Series:
    flow, change = f.hlc3 * f.volume, f.hlc3.diff()
    up = flow.where(change > 0, 0.0).rolling(length).sum()
    down = flow.where(change < 0, 0.0).rolling(length).sum()
    return 100 - 100 / (1 + up / down)


def _ease(f: pd.DataFrame, length: int, divisor: float) -> pd.Series:
    middle = (f.high + f.low) / 2
    box = f.volume / divisor / (f.high - f.low)
    return (middle.diff() / box).rolling(length).mean()


def _pvo(f: pd.DataFrame, fast: int, slow: int, signal: int) -> dict[str, pd.Series]:
    line = 100 * (ema(f.volume, fast) / ema(f.volume, slow) - 1)
    return {"pvo": line, "signal": ema(line, signal), "histogram": line - ema(line, signal)}


def _klinger(f: pd.DataFrame, fast: int, slow: int, signal: int) -> dict[str, pd.Series]:
    signed = f.volume.where(f.hlc3.diff() >= 0, -f.volume).iloc[1:].reindex(f.index)
    line = ema(signed, fast) - ema(signed, slow)
    return {"klinger": line, "signal": ema(line, signal)}


def _vzo(f: pd.DataFrame, length: int) -> pd.Series:
    counted = f.volume.iloc[1:].reindex(f.index)
    signed = counted.where(f.close.diff() > 0, -counted)
    return 100 * ema(signed, length) / ema(counted, length)


def _fosback(f: pd.DataFrame, counts: pd.Series) -> pd.Series:
    return 1000 * (1 + f.close.pct_change().where(counts, 0.0)).cumprod()


def _vwap(f: pd.DataFrame, period: str, deviations: float) -> dict[str, pd.Series]:
    rule = {"day": "D", "week": "W-SUN", "month": "M"}[period]
    group = pd.to_datetime(f.time, unit="ms").dt.to_period(rule)

    def total(column: pd.Series) -> pd.Series:
        return (column * f.volume).groupby(group).cumsum()

    weight = total(f.hlc3 * 0 + 1)
    mean = total(f.hlc3) / weight
    away = f.hlc3 - f.hlc3.groupby(group).transform("first")  # the squares of whole prices would cancel badly
    width = deviations * (total(away**2) / weight - (total(away) / weight) ** 2).clip(lower=0) ** 0.5
    return {"vwap": mean, "upper": mean + width, "lower": mean - width}


CASES: list[tuple[str, dict[str, Any], Reference]] = [
    (
        "obv",
        {},
        lambda f: (np.sign(f.close.diff()).fillna(1.0) * f.volume).cumsum(),
    ),
    ("ad", {}, lambda f: _moneyflow(f).cumsum()),
    ("adosc", {"fast": 3, "slow": 10}, _adosc),
    (
        "cmf",
        {"length": 20},
        lambda f, length: _moneyflow(f).rolling(length).sum() / f.volume.rolling(length).sum(),
    ),
    ("mfi", {"length": 14}, _mfi),
    ("force_index", {"length": 13}, lambda f, length: ema(f.close.diff() * f.volume, length)),
    ("ease_of_movement", {"length": 14, "divisor": 10_000.0}, _ease),
    ("volume_sma", {"length": 20}, lambda f, length: f.volume.rolling(length).mean()),
    ("relative_volume", {"length": 20}, lambda f, length: f.volume / f.volume.rolling(length).mean()),
    (
        "volume_zscore",
        {"length": 20},
        lambda f, length: f.volume.rolling(length).apply(lambda w: (w[-1] - w.mean()) / w.std(), raw=True),
    ),
    (
        "volume_oscillator",
        {"fast": 5, "slow": 10},
        lambda f, fast, slow: 100 * (f.volume.rolling(fast).mean() / f.volume.rolling(slow).mean()) - 100,
    ),
    ("pvo", {"fast": 12, "slow": 26, "signal": 9}, _pvo),
    ("pvt", {}, lambda f: (f.volume * f.close.pct_change()).cumsum()),
    ("nvi", {}, lambda f: _fosback(f, f.volume.diff() < 0)),
    ("pvi", {}, lambda f: _fosback(f, f.volume.diff() > 0)),
    ("klinger", {"fast": 34, "slow": 55, "signal": 13}, _klinger),
    ("vzo", {"length": 14}, _vzo),
    ("market_facilitation", {}, lambda f: (f.high - f.low) / f.volume),
    ("vwap", {"period": "day", "deviations": 2.0}, _vwap),
    (
        "rolling_vwap",
        {"length": 20},
        lambda f, length: (f.hlc3 * f.volume).rolling(length).sum() / f.volume.rolling(length).sum(),
    ),
]
COMPARED = {name for name, _, _ in CASES}


@pytest.mark.parametrize(
    ("name", "values", "reference"), CASES, ids=[f"{name} {values}" for name, values, _ in CASES]
)
def test_agrees_with_a_formula_written_apart(name: str, values: dict[str, Any], reference: Reference) -> None:
    agrees(name, random_candles(400, seed=7), reference, **values)


def _hours(count: int, start: int = 0) -> Candles:
    bars = random_candles(count, seed=9)
    time = start + np.arange(count, dtype=np.int64) * 3_600_000
    return dataclasses.replace(bars, timeframe=Timeframe.H1, time=time)


@pytest.mark.parametrize("period", ["day", "week", "month"])
def test_vwap_begins_anew_with_each_period(period: str) -> None:
    """1,900 hours from 1 January 1970, a Thursday: 79 days, 12 weeks, 3 months."""
    agrees("vwap", _hours(1_900), _vwap, period=period, deviations=1.0)


def test_vwap_by_hand() -> None:
    bars = candles([10.0, 13.0, 40.0, 20.0], volume=[1.0, 2.0, 0.0, 1.0])
    bars.time[2:] += DAY_MS
    found = outputs_of("vwap", bars, deviations=2.0)
    assert found["vwap"].tolist() == [10.0, 12.0, 40.0, 20.0]
    # 1 * 2^2 + 2 * 1^2 over 3 is a variance of 2
    assert found["upper"][1] == pytest.approx(12.0 + 2.0 * 2.0**0.5)
    assert found["lower"][1] == pytest.approx(12.0 - 2.0 * 2.0**0.5)
    assert found["upper"][2:].tolist() == [40.0, 20.0]


def test_on_balance_volume_by_hand() -> None:
    bars = candles([10, 11, 11, 10, 12], volume=[1, 2, 4, 8, 16])
    assert outputs_of("obv", bars)["value"].tolist() == [1, 3, 3, -5, 11]


def test_volume_indices_ignore_equal_volumes() -> None:
    bars = candles([10, 11, 22, 11], volume=[5, 5, 6, 5])
    assert outputs_of("nvi", bars)["value"] == pytest.approx([1000, 1000, 1000, 500])
    assert outputs_of("pvi", bars)["value"] == pytest.approx([1000, 1000, 2000, 2000])


def test_price_volume_trend_by_hand() -> None:
    bars = candles([10, 11, 22], volume=[7, 20, 3])
    assert outputs_of("pvt", bars)["value"][1:] == pytest.approx([2.0, 5.0])


# Where nothing is traded ------------------------------------------------------------------------------------

WITHOUT_VOLUME = {
    "obv": 0.0,
    "ad": 0.0,
    "adosc": 0.0,
    "cmf": 0.0,
    "mfi": 50.0,
    "force_index": 0.0,
    "ease_of_movement": 0.0,
    "volume_sma": 0.0,
    "relative_volume": 0.0,
    "volume_zscore": 0.0,
    "volume_oscillator": 0.0,
    "pvo": 0.0,
    "pvt": 0.0,
    "nvi": 1000.0,
    "pvi": 1000.0,
    "klinger": 0.0,
    "vzo": 0.0,
    "market_facilitation": 0.0,
}


@pytest.mark.parametrize("name", list(WITHOUT_VOLUME))
def test_a_market_without_any_volume(name: str) -> None:
    bars = random_candles(100)
    bars.volume[:] = 0.0
    for column in outputs_of(name, bars).values():
        assert column[-1] == (WITHOUT_VOLUME[name])


def test_averages_by_volume_of_a_market_without_any() -> None:
    bars = random_candles(100)
    bars.volume[:] = 0.0
    typical = (bars.high + bars.low + bars.close) / 3
    np.testing.assert_array_equal(outputs_of("vwap", bars)["upper"], typical)
    found = outputs_of("rolling_vwap", bars, length=10)["value"][-1]
    assert found == pytest.approx(typical[-10:].mean())


@pytest.mark.parametrize(
    ("name", "expected"), [("cmf", 0.0), ("mfi", 50.0), ("relative_volume", 0.0), ("volume_sma", 0.0)]
)
def test_no_rest_of_earlier_volume_is_left_after_it_stops(name: str, expected: float) -> None:
    """Running sums would keep a rest of the 1e12 traded before, and a share of two rests is noise."""
    bars = random_candles(500, seed=4)
    bars.volume[:] *= 1e9
    bars.volume[450:] = 0.0
    assert outputs_of(name, bars)["value"][-1] == expected


def test_a_quiet_market_is_not_oversold() -> None:
    """TA-Lib's money flow index is 0 wherever less than 1.0 was traded."""
    bars = random_candles(60)
    quiet = dataclasses.replace(bars, volume=bars.volume * 1e-9)
    usual = outputs_of("mfi", bars)["value"][14:]
    np.testing.assert_allclose(outputs_of("mfi", quiet)["value"][14:], usual, rtol=1e-9)


def test_flat_bars_say_nothing_about_accumulation() -> None:
    bars = candles([1.0, 2.0, 3.0], volume=[5.0, 5.0, 5.0])  # high, low and close of a bar are equal
    assert outputs_of("ad", bars)["value"].tolist() == [0.0, 0.0, 0.0]
    assert outputs_of("cmf", bars, length=2)["value"][1:].tolist() == [0.0, 0.0]
