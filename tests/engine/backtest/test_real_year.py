"""On long recorded stretches, with the plain rules, the kernel and the plain reference agree, trade by trade."""

from __future__ import annotations

import gzip
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.engine.backtest.test_against_reference import first_difference
from tests.engine.backtest.whole_runs import simulate_run
from tests.support.reference import simulate_reference_run
from tests.support.reference_short import run_of
from tests.support.reference_types import ReferenceCosts, ReferenceRisk, ReferenceSlot

HOUR_MS = 3_600_000
# The year's wildest weeks, from the first of March on: bitcoin at 61,000, 73,700 and 60,800.
FIRST_MINUTE, MINUTES = 60 * 1440, 60_000


@cache
def year(path: Path) -> pd.DataFrame:
    with gzip.open(path) as file:
        return pd.read_csv(file)


@pytest.fixture
def minutes(shared_market: Path) -> pd.DataFrame:
    return year(shared_market / "binance_spot" / "BTCUSDT_1m.csv.gz")


def crossing(bars: pd.DataFrame, fast: int, slow: int, **extra: object) -> ReferenceSlot:
    """Sides where the fast mean crosses the slow one; the exits where the price crosses a mean between them."""
    close = bars["close"]
    above = np.sign(close.rolling(fast).mean() - close.rolling(slow).mean()).fillna(0)
    side = np.where(above.diff().abs() > 1, above, 0).astype(int)
    middle = close.rolling((fast + slow) // 2).mean()
    return ReferenceSlot(
        symbol="BTCUSDT",
        tick=0.01,
        lot=0.00001,
        min_quantity=0.00001,
        min_notional=5.0,
        max_quantity=None,
        timeframe_ms=60_000,
        time=bars["timestamp"].tolist(),
        open=bars["open"].tolist(),
        high=bars["high"].tolist(),
        low=bars["low"].tolist(),
        close=close.tolist(),
        side=side.tolist(),
        exit_long=(close < middle * 0.997).tolist(),
        exit_short=(close > middle * 1.003).tolist(),
        **extra,  # type: ignore[arg-type]  # plain test data
    )


@pytest.mark.realdata
def test_weeks_of_minutes_both_sides_with_everything_on(minutes: pd.DataFrame) -> None:
    minutes = minutes.iloc[FIRST_MINUTE : FIRST_MINUTE + MINUTES]
    first, last = int(minutes["timestamp"].iloc[0]), int(minutes["timestamp"].iloc[-1])
    payments = [
        (time, 0.0001 if n % 3 else -0.00005) for n, time in enumerate(range(first, last, 8 * HOUR_MS))
    ]
    slot = crossing(minutes, 60, 300, funding=payments)
    risk = ReferenceRisk(
        direction="both",
        opposite="reverse",
        sizing="equity",
        size=40.0,
        stop_percent=0.8,
        target_percent=1.2,
        max_bars=600,
        cooldown_bars=3,
    )
    costs = ReferenceCosts(0.02, 0.01, 0.005, 0.001, True)
    run = run_of([slot], risk, costs, 10_000.0)
    ledger = simulate_run(run)
    assert first_difference(ledger, simulate_reference_run(run)) is None
    assert len(ledger.trades) > 150


@pytest.mark.realdata
def test_eight_perpetuals_on_one_account_with_recorded_funding(shared_market: Path) -> None:
    slots = [perpetual(path) for path in sorted((shared_market / "bybit_linear").glob("*_5m.csv.gz"))]
    assert len(slots) == 8
    risk = ReferenceRisk(
        direction="both",
        opposite="close",
        sizing="equity",
        size=30.0,
        stop_percent=2.0,
        target_percent=3.0,
        max_bars=400,
    )
    costs = ReferenceCosts(0.055, 0.02, 0.01, 0.0, True)
    run = run_of(slots, risk, costs, 10_000.0)
    ledger = simulate_run(run)
    assert first_difference(ledger, simulate_reference_run(run)) is None
    assert len(ledger.trades) > 300
    assert np.count_nonzero(ledger.trades["funding"]) > 100


def perpetual(path: Path, bars: int = 12_000) -> ReferenceSlot:
    """The last bars of a recorded perpetual; its tick from the digits in the file."""
    candles = year(path).tail(bars)
    symbol = path.name.split("_")[0]
    payments = year(path.with_name(f"{symbol}_funding.csv.gz"))
    since = payments[payments["timestamp"] >= candles["timestamp"].iloc[0]]
    tick = 10.0 ** -max(len(f"{price:.12g}".partition(".")[2]) for price in candles["close"])
    slot = crossing(
        candles,
        30,
        120,
        funding=list(zip(since["timestamp"].tolist(), since["funding_rate"].tolist(), strict=True)),
    )
    return replace(slot, symbol=symbol, timeframe_ms=300_000, tick=float(f"{tick:.12g}"), lot=0.01)
