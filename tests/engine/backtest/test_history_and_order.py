"""What stands before the span, and what is refused before anything runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.engine.backtest.markets import DAYS_40, START, put, run, strategy, waves
from tradebot.engine.backtest.order import BacktestOrder, carry_out
from tradebot.engine.backtest.results.result import BacktestResult
from tradebot.engine.control.clock import SystemClock
from tradebot.engine.control.errors import InputError
from tradebot.engine.control.progress import CancelToken
from tradebot.engine.control.settings import BacktestSettings
from tradebot.engine.market import HOUR_MS
from tradebot.engine.store import Store
from tradebot.engine.strategy import builtin_registry

FIRST = 500
SPAN_MS = START + FIRST * HOUR_MS
ABOVE_THE_MEAN = """
[strategy]
name = "Above the mean"
symbols = ["AAAUSDT"]
timeframe = "1h"
[indicators.mean]
use = "sma"
length = 100
[signals.above]
use = "compare"
a = "close"
op = ">"
b = "mean"
supports = "direction"
[entry]
combine = "any"
signals = ["above"]
"""


def result_of(folder: Path, missing: range) -> BacktestResult:
    """A run from SPAN_MS on; bars of the numbers in `missing` are not stored, those before are at half the price."""
    store = Store(folder)
    half = waves(missing.start, level=50.0) if missing else waves(FIRST)
    rows = half + waves(DAYS_40)[missing.stop if missing else FIRST :]
    put(store, "AAAUSDT", rows)
    return run(store, ABOVE_THE_MEAN, start_ms=SPAN_MS)


def first_entry_bar(result: BacktestResult) -> int:
    return (int(result.trades["entry_time"][0]) - SPAN_MS) // HOUR_MS


def test_history_without_a_hole_warms_the_indicators_up(tmp_path: Path) -> None:
    assert first_entry_bar(result_of(tmp_path, range(0))) <= 1


def test_history_before_a_hole_is_not_used_because_its_prices_are_of_another_time(tmp_path: Path) -> None:
    holed = result_of(tmp_path, range(300, 480))
    assert first_entry_bar(holed) >= 100 - 20


def test_a_few_missing_bars_do_not_cut_the_history_off(tmp_path: Path) -> None:
    assert first_entry_bar(result_of(tmp_path, range(300, 310))) <= 1


@pytest.mark.parametrize("kind", ["file", "below a file"])
def test_a_folder_for_results_that_cannot_be_is_refused_before_the_run(tmp_path: Path, kind: str) -> None:
    taken = tmp_path / "taken"
    taken.write_text("mine", encoding="utf-8")
    folder = taken if kind == "file" else taken / "results"
    with pytest.raises(InputError, match="name another one with --out"):
        carry_out(
            BacktestOrder(strategy(), "s"),
            builtin_registry(),
            Store(tmp_path / "data"),
            BacktestSettings(),
            SystemClock(),
            folder,
            lambda _progress: None,
            lambda _sentence: None,
            CancelToken(),
        )
    assert taken.read_text(encoding="utf-8") == "mine"
