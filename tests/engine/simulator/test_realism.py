"""Simulated minutes have the habits of real ones: fat tails, clusters of volatility, common moves.

The bands were set beside BTCUSDT of 2024 (kurtosis of 1m returns 63; autocorrelation of absolute returns 0.36, 0.20
and 0.12 at 1, 60 and 1440 minutes; range over body 1.57; daily deviation 2.7 %); the last test measures the real year.
"""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from tradebot.engine.market import DAY_MS, Float64, Timeframe
from tradebot.engine.simulator.bars import Bars
from tradebot.engine.simulator.listing import coins
from tradebot.engine.simulator.prices import PriceModel

START = 1_704_067_200_000  # 2024-01-01
SYMBOLS = ["BTCUSDT", "ETHUSDT", "SOLUSDT", "XRPUSDT", "DOGEUSDT", "AAVEUSDT", "ADAUSDT", "LINKUSDT"]


@pytest.fixture(scope="module")
def year() -> dict[str, Bars]:
    model = PriceModel(1, coins(40))
    return {symbol: model.candles(symbol, Timeframe.M1, START, START + 366 * DAY_MS) for symbol in SYMBOLS}


def returns(close: Float64) -> Float64:
    change: Float64 = np.diff(np.log(close))
    return change


def kurtosis(values: Float64) -> float:
    centred = values - values.mean()
    return float((centred**4).mean() / (centred**2).mean() ** 2)


def autocorrelation(values: Float64, lag: int) -> float:
    return float(np.corrcoef(values[lag:], values[:-lag])[0, 1])


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_minute_returns_have_fat_tails(year: dict[str, Bars], symbol: str) -> None:
    assert 5 < kurtosis(returns(year[symbol].close)) < 200


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_volatility_clusters_for_hours_and_returns_next_day(year: dict[str, Bars], symbol: str) -> None:
    size = np.abs(returns(year[symbol].close))
    assert 0.2 < autocorrelation(size, 1) < 0.5
    assert 0.1 < autocorrelation(size, 60) < 0.3
    assert autocorrelation(size, 1440) > 0.05


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_returns_themselves_cannot_be_foretold(year: dict[str, Bars], symbol: str) -> None:
    change = returns(year[symbol].close)
    assert max(abs(autocorrelation(change, lag)) for lag in (1, 2, 5, 60)) < 0.05


@pytest.mark.parametrize("step", [1, 60], ids=["1m returns", "1h returns"])
def test_symbols_move_together(year: dict[str, Bars], step: int) -> None:
    table = np.array([returns(bars.close[::step]) for bars in year.values()])
    correlations = np.corrcoef(table)[np.triu_indices(len(SYMBOLS), 1)]
    assert correlations.min() > 0.3
    assert correlations.max() < 0.8


def test_a_usual_bitcoin_day_moves_as_much_as_a_real_one(year: dict[str, Bars]) -> None:
    assert 0.018 < returns(year["BTCUSDT"].close[1439::1440]).std() < 0.035
    assert 0.03 < returns(year["DOGEUSDT"].close[1439::1440]).std() < 0.07


def test_wicks_have_the_usual_length(year: dict[str, Bars]) -> None:
    bars = year["BTCUSDT"]
    body = np.abs(bars.close - bars.open).mean()
    assert 1.4 < (bars.high - bars.low).mean() / body < 1.75
    assert 0.2 < (bars.high == np.maximum(bars.open, bars.close)).mean() < 0.4


def test_volume_rises_with_the_move_and_lasts(year: dict[str, Bars]) -> None:
    bars = year["BTCUSDT"]
    volume = np.log(bars.volume.astype(np.float64))
    move = np.log(np.abs(bars.close - bars.open) + 0.5)
    assert np.corrcoef(volume, move)[0, 1] > 0.35
    assert autocorrelation(volume, 1) > 0.5
    assert np.quantile(bars.volume, 0.99) > 8 * np.median(bars.volume)


def test_weekends_are_calm_and_the_american_session_is_not(year: dict[str, Bars]) -> None:
    bars = year["BTCUSDT"]
    size = np.abs(np.log(bars.close / bars.open))
    weekday = (bars.time // DAY_MS + 3) % 7
    hour = bars.time // 3_600_000 % 24
    assert size[weekday >= 5].mean() < 0.75 * size[weekday < 5].mean()
    assert size[(hour >= 14) & (hour < 16)].mean() > 1.4 * size[(hour >= 3) & (hour < 6)].mean()


@pytest.mark.realdata
def test_the_real_year_lies_within_the_same_bands(shared_market: Path) -> None:
    with gzip.open(shared_market / "binance_spot" / "BTCUSDT_1m.csv.gz", "rt", encoding="utf-8") as file:
        table = np.loadtxt(file, delimiter=",", skiprows=1, usecols=(1, 2, 3, 4))
    open_, high, low, close = table.T
    size = np.abs(returns(close))
    assert 5 < kurtosis(returns(close)) < 200
    assert 0.2 < autocorrelation(size, 1) < 0.5
    assert 0.1 < autocorrelation(size, 60) < 0.3
    assert 1.4 < (high - low).mean() / np.abs(close - open_).mean() < 1.75
    assert 0.018 < returns(close[1439::1440]).std() < 0.035
