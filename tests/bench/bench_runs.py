"""Runs around the kernel: the look-ahead check, the reality check, one more variation of a sweep.

They are timed apart from the bar of a plain run (`bench_backtest.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from tests.bench.pinned import STRATEGY_A, STRATEGY_B, year_store
from tradebot.engine.backtest import RunSettings, run_backtest
from tradebot.engine.backtest.inputs.prepare import Asked
from tradebot.engine.backtest.many import run_many
from tradebot.engine.control.settings import BacktestSettings
from tradebot.engine.store import Store
from tradebot.engine.strategy import builtin_registry, parse_strategy

VARIATIONS = 40


@pytest.fixture(scope="module")
def store(shared_market: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    yield year_store(shared_market, tmp_path_factory.mktemp("data"))


def asked(text: str = STRATEGY_A) -> Asked:
    spec = parse_strategy(text)
    return Asked(spec, text, RunSettings.resolve(spec, BacktestSettings()))


@pytest.mark.parametrize(
    "more", [{}, {"look_ahead": True}, {"reality": True}], ids=["plain", "look", "reality"]
)
def test_a_run(benchmark: BenchmarkFixture, store: Store, more: dict[str, Any]) -> None:
    """The look-ahead check costs at most one more run, the reality check three simulations and the bootstrap."""
    one = asked()

    def run() -> Any:
        given = {"look_ahead": False, "with_hashes": False, **more}
        return run_backtest(
            one.spec, builtin_registry(), store, one.settings, strategy_toml=one.toml, **given
        )

    run()
    result = benchmark.pedantic(run, rounds=20, warmup_rounds=2)
    assert result.metrics.trades > 1000


@pytest.mark.parametrize(("text", "bar"), [(STRATEGY_A, (6, 8)), (STRATEGY_B, (12, 15))], ids=["A", "B"])
@pytest.mark.parametrize("kind", ["risk value", "indicator length"])
def test_one_more_variation(
    benchmark: BenchmarkFixture, store: Store, text: str, bar: tuple[int, int], kind: str
) -> None:
    """Memory flat in the number of variations."""
    one = asked(text)
    name = next(iter(one.spec.indicators))
    value = "risk.stop_loss.percent" if text is STRATEGY_A else "risk.stop_loss.multiple"
    variations = [
        {value: f"{0.5 + n / 20:.2f}"} if kind == "risk value" else {f"indicators.{name}.length": f"{15 + n}"}
        for n in range(VARIATIONS)
    ]

    def sweep() -> Any:
        return run_many(one, variations, builtin_registry(), store, workers=2)

    sweep()
    before = psutil.Process().memory_info().rss
    results = benchmark.pedantic(sweep, rounds=3)
    grown = psutil.Process().memory_info().rss - before
    assert all(result.metrics is not None for result in results)
    best = benchmark.stats.stats.min / VARIATIONS
    print(
        f"\nsweep of strategy {'A' if text is STRATEGY_A else 'B'}, {kind}: {best * 1e3:.1f} ms a variation "
        f"(bar {bar[kind != 'risk value']} ms), {grown / 1e6:+.0f} MB after 120 more"
    )
