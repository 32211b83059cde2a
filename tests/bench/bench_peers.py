"""The same work in other programs: `python -m pytest tests/bench/bench_peers.py --benchmark-only -n 0 -s`.

Strategy A on the recorded year of minutes: fast and slow mean crossing, both sides, a stop of 1 % and a target of 2 %,
half of the equity, taker fees. Peers that are not installed are left out (`pip install backtesting vectorbt`). They
fill by rules of their own (vectorbt at the signal's close, backtesting.py in whole coins), so that only their time is
compared.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from tests.bench.pinned import STRATEGY_A, peak_memory_mb, year_store
from tradebot.engine.backtest import RunSettings, run_backtest
from tradebot.engine.control.settings import BacktestSettings
from tradebot.engine.market import DatasetKey
from tradebot.engine.store import Store
from tradebot.engine.strategy import builtin_registry, parse_strategy

FEE = 0.00055


@pytest.fixture(scope="module")
def store(shared_market: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    yield year_store(shared_market, tmp_path_factory.mktemp("data"))


def seconds_of_ours(store: Store) -> float:
    """The best of twenty runs with everything a result holds."""
    spec = parse_strategy(STRATEGY_A)
    settings = RunSettings.resolve(spec, BacktestSettings())

    def run() -> Any:
        return run_backtest(
            spec,
            builtin_registry(),
            store,
            settings,
            strategy_toml=STRATEGY_A,
            look_ahead=False,
            with_hashes=False,
        )

    run()
    return min(_seconds(run) for _ in range(20))


def _seconds(work: Callable[[], Any]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def frame_of(store: Store) -> pd.DataFrame:
    candles = store.load(DatasetKey("linear", "BTCUSDT", "1m"))
    columns = {
        "Open": candles.open,
        "High": candles.high,
        "Low": candles.low,
        "Close": candles.close,
        "Volume": candles.volume,
    }
    return pd.DataFrame(columns, index=pd.to_datetime(candles.time, unit="ms", utc=True).tz_localize(None))


def say(benchmark: BenchmarkFixture, name: str, trades: int, store: Store) -> None:
    best, ours = benchmark.stats.stats.min, seconds_of_ours(store)
    print(
        f"\n{name}: {best:.3f} s, {trades:,} trades; tradebot {ours:.4f} s, ratio {best / ours:.1f}; "
        f"peak memory of the process {peak_memory_mb():.0f} MB"
    )


def test_backtesting_py(benchmark: BenchmarkFixture, store: Store) -> None:
    backtesting = pytest.importorskip("backtesting", reason="a peer that need not be installed")

    class Crossing(backtesting.Strategy):  # type: ignore[misc, name-defined]  # known only where it is installed
        """Strategy A."""

        def init(self) -> None:
            close = pd.Series(self.data.Close)
            self.fast = self.I(lambda: close.rolling(20).mean())
            self.slow = self.I(lambda: close.rolling(50).mean())

        def next(self) -> None:
            price = self.data.Close[-1]
            if self.fast[-2] <= self.slow[-2] and self.fast[-1] > self.slow[-1]:
                self.position.close()
                self.buy(size=0.5, sl=price * 0.99, tp=price * 1.02)
            elif self.fast[-2] >= self.slow[-2] and self.fast[-1] < self.slow[-1]:
                self.position.close()
                self.sell(size=0.5, sl=price * 1.01, tp=price * 0.98)

    test = backtesting.Backtest(frame_of(store), Crossing, cash=10_000_000, commission=FEE)
    stats = benchmark.pedantic(test.run, rounds=1)
    say(benchmark, "backtesting.py", int(stats["# Trades"]), store)


def test_vectorbt(benchmark: BenchmarkFixture, store: Store) -> None:
    vectorbt = pytest.importorskip("vectorbt", reason="a peer that need not be installed")
    frame = frame_of(store)

    def run() -> Any:
        fast, slow = vectorbt.MA.run(frame["Close"], 20), vectorbt.MA.run(frame["Close"], 50)
        portfolio = vectorbt.Portfolio.from_signals(
            frame["Close"],
            entries=fast.ma_crossed_above(slow),
            short_entries=fast.ma_crossed_below(slow),
            open=frame["Open"],
            high=frame["High"],
            low=frame["Low"],
            size=0.5,
            size_type="percent",
            upon_opposite_entry="close",
            sl_stop=0.01,
            tp_stop=0.02,
            fees=FEE,
            init_cash=10_000,
            freq="1min",
        )
        portfolio.stats()
        return portfolio

    run()
    portfolio = benchmark.pedantic(run, rounds=3)
    say(benchmark, "vectorbt", int(portfolio.trades.count()), store)
