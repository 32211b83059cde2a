"""Stored results are found by what a person types, put aside and not destroyed, and compared with care."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.engine.backtest.markets import DAYS_40, know, put, run, strategy, waves
from tradebot.engine.backtest import list_results, write_result
from tradebot.engine.backtest.results.result import BacktestResult
from tradebot.engine.backtest.results.runs import compare, delete_result, find_result
from tradebot.engine.control.errors import InputError
from tradebot.engine.store import Store


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> BacktestResult:
    store = Store(tmp_path_factory.mktemp("data"))
    put(store, "AAAUSDT", waves(DAYS_40))
    know(store, "AAAUSDT")
    return run(store, strategy(symbols=("AAAUSDT",)))


@pytest.fixture
def folder(result: BacktestResult, tmp_path: Path) -> Path:
    for number, name in enumerate(
        ("20260101-000000-first", "20260101-000001-second", "20260202-000000-third")
    ):
        write_result(replace(result, result_id=name, created_ms=number), tmp_path)
    return tmp_path


def test_a_result_is_found_by_id_by_beginning_and_as_the_latest(folder: Path) -> None:
    assert find_result(folder, "20260101-000000-first").result_id == "20260101-000000-first"
    assert find_result(folder, "202602").result_id == "20260202-000000-third"
    assert find_result(folder, "latest").result_id == "20260202-000000-third"


def test_what_is_meant_is_asked_where_it_is_not_clear(folder: Path) -> None:
    with pytest.raises(InputError, match="could mean 20260101-000001-second, 20260101-000000-first"):
        find_result(folder, "202601")
    with pytest.raises(InputError, match=r"no result 20260202-000000-thirt .*20260202-000000-third"):
        find_result(folder, "20260202-000000-thirt ")
    with pytest.raises(InputError, match=r"no results in .* yet"):
        find_result(folder / "nothing", "latest")


def test_a_deleted_result_lies_beside_the_others(folder: Path) -> None:
    moved = delete_result(folder, "202602")
    assert (moved / "result.json").is_file() and moved.parent.name == "deleted"
    assert [info.result_id for info in list_results(folder)] == [
        "20260101-000001-second",
        "20260101-000000-first",
    ]


def test_the_best_of_each_row_is_marked_and_equal_ones_are_not(result: BacktestResult) -> None:
    better = replace(result, metrics=replace(result.metrics, total_return=9.0, max_drawdown=-0.9, fees=1e9))
    rows = {row.name: row for row in compare([result, better]).figures}
    assert rows["total_return"].best == 1
    assert rows["max_drawdown"].best == 0
    assert rows["fees"].best == 0
    assert rows["trades"].best is None
    assert rows["volatility"].best is None


def test_what_makes_a_comparison_doubtful_is_said(result: BacktestResult) -> None:
    assert compare([result, result]).remarks == ()
    two_strategies = replace(result, symbols=("AAAUSDT", "AAAUSDT"))
    assert compare([result, two_strategies]).remarks == ()
    costs = replace(result.settings.costs, taker_fee_percent=1.0)
    other = replace(
        result,
        symbols=("BBBUSDT",),
        end_ms=result.end_ms + 86_400_000,
        settings=replace(result.settings, costs=costs, cash=5.0),
        files=tuple(replace(file, content_hash="0" * 64) for file in result.files),
    )
    remarks = " ".join(compare([result, other]).remarks)
    for word in ("spans differ", "symbols differ", "costs differ", "cash differs", "data changed"):
        assert word in remarks


@pytest.mark.parametrize("number", [0, 1, 5])
def test_two_to_four_can_be_compared(result: BacktestResult, number: int) -> None:
    with pytest.raises(InputError, match="Two to 4"):
        compare([result] * number)
