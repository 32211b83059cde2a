"""How long a backtest takes: `python -m pytest tests/bench/bench_backtest.py --benchmark-only -n 0 -s`.

Bars of design.md section 5: pinned strategy A through the public API, warm and loaded (decisions, trade log, equity,
metrics) <= 20 ms; compiling once <= 30 s in a child process; starting from the cache <= 0.5 s. The yardstick is a
bare compiled loop over the same bars and decisions that keeps one position and no account.
"""

from __future__ import annotations

import gzip
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import numba
import numpy as np
import psutil
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from tradebot.engine.backtest import (
    RunSettings,
    StrategyRules,
    SymbolData,
    compile_kernels_in_child,
    run_backtest,
    simulate,
    write_result,
)
from tradebot.engine.control.settings import BacktestSettings
from tradebot.engine.market import Candles, Category, DatasetKey, Instrument
from tradebot.engine.store import Store
from tradebot.engine.strategy import Registry, StrategySpec, builtin_registry, decide, parse_strategy

STRATEGY_A = """
[strategy]
name = "Pinned A"
category = "linear"
symbols = ["BTCUSDT"]
timeframe = "1m"
[indicators.fast]
use = "sma"
length = 20
[indicators.slow]
use = "sma"
length = 50
[signals.cross]
use = "cross"
a = "fast"
b = "slow"
[entry]
combine = "any"
signals = ["cross"]
[risk]
direction = "both"
sizing = { use = "equity", percent = 50.0 }
stop_loss = { use = "percent", percent = 1.0 }
take_profit = { use = "percent", percent = 2.0 }
"""
INSTRUMENT = Instrument(
    "BTCUSDT", Category.LINEAR, "BTC", "USDT", Decimal("0.01"), Decimal("0.001"), Decimal("0.001"), Decimal(5)
)
CACHE_START = """
import time
began = time.perf_counter()
from tradebot.engine.backtest.rehearsal import rehearse
imported = time.perf_counter()
rehearse()
print(time.perf_counter() - imported, imported - began)
"""


@dataclass(frozen=True, slots=True)
class Year:
    """The recorded year of minutes in a store, as linear bars so that both sides are open, and strategy A."""

    store: Store
    spec: StrategySpec
    registry: Registry
    settings: RunSettings
    candles: Candles

    @property
    def rules(self) -> StrategyRules:
        return StrategyRules.of(self.spec, self.settings)

    def slot(self, symbol: str = "BTCUSDT") -> SymbolData:
        decisions = decide(self.spec, self.registry, self.candles)
        return SymbolData(symbol, INSTRUMENT, self.candles, decisions, np.empty(0, np.int64), np.empty(0))


@pytest.fixture(scope="module")
def year(shared_market: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Year]:
    folder = tmp_path_factory.mktemp("data")
    (folder / "linear").mkdir()
    packed = shared_market / "binance_spot" / "BTCUSDT_1m.csv.gz"
    with gzip.open(packed) as source, (folder / "linear" / "BTCUSDT_1m.csv").open("wb") as target:
        shutil.copyfileobj(source, target)
    store = Store(folder)
    store.save_instruments([INSTRUMENT], 0)
    spec = parse_strategy(STRATEGY_A)
    candles = store.load(DatasetKey("linear", "BTCUSDT", "1m"))
    yield Year(store, spec, builtin_registry(), RunSettings.resolve(spec, BacktestSettings()), candles)


def test_strategy_a_through_the_public_api(benchmark: BenchmarkFixture, year: Year) -> None:
    """<= 20 ms; the ratio is to the bare loop of the test below."""

    def whole() -> Any:
        return run_backtest(year.spec, year.registry, year.store, year.settings, strategy_toml=STRATEGY_A)

    whole()
    result = benchmark.pedantic(whole, rounds=60, warmup_rounds=5)
    assert result.metrics.trades > 5000
    yardstick = bare_loop_seconds(year)
    best = benchmark.stats.stats.min
    print(
        f"\nstrategy A, {len(year.candles):,} bars, {result.metrics.trades:,} trades: best {best * 1e3:.1f} ms, "
        f"median {benchmark.stats.stats.median * 1e3:.1f} ms (bar 20 ms); bare loop {yardstick * 1e3:.1f} ms, "
        f"ratio {best / yardstick:.1f}; memory of the process {psutil.Process().memory_info().rss / 1e6:.0f} MB"
    )


def test_strategy_a_kernel_alone(benchmark: BenchmarkFixture, year: Year) -> None:
    """Fills, trade log and equity rows only."""
    slot = year.slot()
    ledger = benchmark.pedantic(
        lambda: simulate([slot], [year.rules], year.settings), rounds=60, warmup_rounds=5
    )
    assert ledger.steps == len(year.candles)


def test_an_entry_level_that_holds_for_long(benchmark: BenchmarkFixture, year: Year) -> None:
    """The same with a decision on every bar: refusals counted on each."""
    slot = year.slot()
    level = np.where(np.arange(len(year.candles)) // 500 % 2 == 0, 1, -1).astype(np.int8)
    busy = replace(slot, decisions=replace(slot.decisions, side=level))
    benchmark.pedantic(lambda: simulate([busy], [year.rules], year.settings), rounds=30, warmup_rounds=3)


def test_fifty_symbols_on_one_clock(benchmark: BenchmarkFixture, year: Year) -> None:
    """The simulation of 50 x a year of minutes with shared cash; the bar for the whole run is 1.5 s."""
    slot = year.slot()
    slots = [replace(slot, symbol=f"S{number:02}") for number in range(50)]
    small = replace(
        year.spec.risk, sizing=replace(year.spec.risk.sizing, use="notional", parameters={"amount": 150.0})
    )
    ledger = benchmark.pedantic(
        lambda: simulate(slots, [replace(year.rules, risk=small)], year.settings), rounds=3, warmup_rounds=1
    )
    print(f"\n50 symbols: {ledger.steps * 50:,} bars, {len(ledger.trades):,} trades")


def test_writing_the_result(benchmark: BenchmarkFixture, year: Year, tmp_path: Path) -> None:
    """result.json, two curves and thousands of trades."""
    result = run_backtest(year.spec, year.registry, year.store, year.settings)
    benchmark.pedantic(lambda: write_result(result, tmp_path), rounds=5)


def test_compiling_once(benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    """<= 30 s, in a child process."""
    folders = iter(tmp_path / str(number) for number in range(9))
    benchmark.pedantic(lambda: compile_kernels_in_child(cache=next(folders)), rounds=2)


def test_starting_from_the_cache(benchmark: BenchmarkFixture) -> None:
    """<= 0.5 s for the kernels, imports apart; the figure of the table includes a new interpreter."""
    compile_kernels_in_child()

    def start() -> list[float]:
        output = subprocess.run(
            [sys.executable, "-c", CACHE_START], capture_output=True, text=True, check=True
        ).stdout
        return [float(part) for part in output.split()]

    starts: list[list[float]] = []
    benchmark.pedantic(lambda: starts.append(start()), rounds=5)
    kernels, imports = (min(column) for column in zip(*starts, strict=True))
    print(f"\nkernels from the cache {kernels:.2f} s (bar 0.5 s), imports {imports:.2f} s")


# ------------------------------------------------------------------------------------------ the yardstick


@numba.njit
def bare_loop(  # type: ignore[no-untyped-def]  # compiled by its argument types
    opens, highs, lows, closes, sides, stop, target, equity
):
    cash, quantity, entry = 10_000.0, 0.0, 0.0
    low_level, high_level = 0.0, np.inf
    pending = 0
    for bar in range(len(opens)):
        if pending != 0:
            cash += quantity * (opens[bar] - entry)
            entry = opens[bar]
            quantity = pending * cash * 0.5 / entry
            low_level = entry * (1.0 - (stop if pending > 0 else target))
            high_level = entry * (1.0 + (target if pending > 0 else stop))
            pending = 0
        if quantity != 0.0:
            if lows[bar] <= low_level:
                cash += quantity * (min(opens[bar], low_level) - entry)
                quantity = 0.0
            elif highs[bar] >= high_level:
                cash += quantity * (max(opens[bar], high_level) - entry)
                quantity = 0.0
        equity[bar] = cash + quantity * (closes[bar] - entry)
        if sides[bar] != 0 and sides[bar] * quantity <= 0.0:
            pending = sides[bar]
    return cash


def bare_loop_seconds(year: Year) -> float:
    """Best of 20: decisions by the same indicators, then the bare loop."""
    best = float("inf")
    for _ in range(21):
        began = time.perf_counter()
        decisions = decide(year.spec, year.registry, year.candles)
        candles = year.candles
        bare_loop(
            candles.open,
            candles.high,
            candles.low,
            candles.close,
            decisions.side,
            0.01,
            0.02,
            np.empty(len(candles)),
        )
        best = min(best, time.perf_counter() - began)
    return best
