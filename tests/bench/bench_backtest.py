"""How long a backtest takes: `python -m pytest tests/bench/bench_backtest.py --benchmark-only -n 0 -s`.

Bars of design.md section 5: the pinned strategies through the public API, warm and loaded (decisions, trade log,
equity, metrics; the look-ahead check is timed apart, in `bench_runs.py`): A <= 20 ms, B <= 60 ms; 50 symbols <= 1.5 s
and <= 500 MB beyond the candles; compiling once <= 30 s in a child process; starting from the cache <= 0.5 s. The
yardstick is a bare compiled loop over the same bars and decisions that keeps one position and no account.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numba
import numpy as np
import psutil
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from tests.bench.pinned import INSTRUMENT, STRATEGY_A, STRATEGY_B, peak_memory_mb, year_store
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
from tradebot.engine.market import Candles, DatasetKey
from tradebot.engine.store import Store
from tradebot.engine.strategy import Registry, StrategySpec, builtin_registry, decide, parse_strategy

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
    """The recorded year of minutes in a store, and strategy A."""

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
    store = year_store(shared_market, tmp_path_factory.mktemp("data"))
    spec = parse_strategy(STRATEGY_A)
    candles = store.load(DatasetKey("linear", "BTCUSDT", "1m"))
    yield Year(store, spec, builtin_registry(), RunSettings.resolve(spec, BacktestSettings()), candles)


@pytest.mark.parametrize(("text", "bar"), [(STRATEGY_A, 20), (STRATEGY_B, 60)], ids=["A", "B"])
def test_a_strategy_through_the_public_api(
    benchmark: BenchmarkFixture, year: Year, text: str, bar: int
) -> None:
    """The ratio is to the bare loop below."""
    spec = parse_strategy(text)
    settings = RunSettings.resolve(spec, BacktestSettings())

    def whole() -> Any:
        return run_backtest(
            spec, year.registry, year.store, settings, strategy_toml=text, look_ahead=False, with_hashes=False
        )

    whole()
    result = benchmark.pedantic(whole, rounds=60, warmup_rounds=5)
    assert result.metrics.trades > 5000
    yardstick = bare_loop_seconds(year)
    best = benchmark.stats.stats.min
    print(
        f"\n{spec.name}, {len(year.candles):,} bars, {result.metrics.trades:,} trades: best {best * 1e3:.1f} ms, "
        f"median {benchmark.stats.stats.median * 1e3:.1f} ms (bar {bar} ms); bare loop {yardstick * 1e3:.1f} ms, "
        f"ratio {best / yardstick:.1f}; peak memory of the process {peak_memory_mb():.0f} MB"
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


def test_fifty_symbols_on_one_clock(benchmark: BenchmarkFixture, shared_market: Path, tmp_path: Path) -> None:
    """50 x the same year of minutes with shared cash through the public API: decisions, simulation, metrics."""
    store = year_store(shared_market, tmp_path)
    symbols = [f"S{number:02}USDT" for number in range(50)]
    for symbol in symbols:
        os.link(tmp_path / "linear" / "BTCUSDT_1m.csv", tmp_path / "linear" / f"{symbol}_1m.csv")
    store.save_instruments([replace(INSTRUMENT, symbol=symbol) for symbol in symbols], 0)
    text = STRATEGY_A.replace('["BTCUSDT"]', json.dumps(symbols)).replace(
        '{ use = "equity", percent = 50.0 }', '{ use = "notional", amount = 150.0 }'
    )
    spec = parse_strategy(text)
    settings = RunSettings.resolve(spec, BacktestSettings())
    held = 0
    for symbol in symbols:
        candles = store.load(DatasetKey("linear", symbol, "1m"))
        columns = (candles.time, candles.open, candles.high, candles.low, candles.close, candles.volume)
        held += sum(column.nbytes for column in columns)
    before = psutil.Process().memory_info().rss

    def whole() -> Any:
        return run_backtest(
            spec, builtin_registry(), store, settings, strategy_toml=text, look_ahead=False, with_hashes=False
        )

    result = benchmark.pedantic(whole, rounds=3, warmup_rounds=1)
    grown = psutil.Process().memory_info().rss - before
    print(
        f"\n50 symbols, {result.bars:,} steps, {result.metrics.trades:,} trades: "
        f"{benchmark.stats.stats.min:.2f} s (bar 1.5 s); the process grew by {grown / 1e6:.0f} MB, its peak was "
        f"{peak_memory_mb():.0f} MB, of which {held / 1e6:.0f} MB are mapped candles"
    )


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
