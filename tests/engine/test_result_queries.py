"""Stored results as the Test screen asks for them: taken apart, selected, compared, explained, reported, deleted."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from tests.engine.backtest.markets import DAYS_40, put, strategy, waves
from tradebot.engine.backtest import RunSettings, run_backtest, write_result
from tradebot.engine.backtest.results.result import BacktestResult
from tradebot.engine.backtest.results.trade_selection import leg_numbers, select_trades
from tradebot.engine.control.clock import ManualClock
from tradebot.engine.control.errors import InputError
from tradebot.engine.control.events import EventLog
from tradebot.engine.control.settings import BacktestSettings
from tradebot.engine.messages import (
    CompareResults,
    DeleteResult,
    ExplainTrade,
    GetAnalysis,
    GetTradeBars,
    GetTrades,
    WriteReport,
    from_json,
    to_json,
)
from tradebot.engine.result_queries import ResultQueries
from tradebot.engine.result_views import backtest_view
from tradebot.engine.store import Store
from tradebot.engine.strategy import builtin_registry, parse_strategy

TEXT = (
    strategy(signals=("cross",))
    + 'take_profit = [{ use = "percent", percent = 4.0 }]\n[exit]\ncombine = "any"\nsignals = ["cross"]\n'
)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> tuple[ResultQueries, BacktestResult, BacktestResult]:
    """Two runs on the same market, the second with a nearer target, and the one who answers about them."""
    folder = tmp_path_factory.mktemp("results")
    store = Store(tmp_path_factory.mktemp("data"))
    put(store, "AAAUSDT", waves(DAYS_40))
    clock = ManualClock()
    ran = []
    for text in (TEXT, TEXT.replace("percent = 4.0", "percent = 1.5")):
        spec = parse_strategy(text)
        settings = RunSettings.resolve(spec, BacktestSettings())
        result = run_backtest(spec, builtin_registry(), store, settings, strategy_toml=text, clock=clock)
        ran.append(write_result(result, folder))
    options = SimpleNamespace(folders=SimpleNamespace(results=folder))
    queries = ResultQueries(options, EventLog(clock), store, builtin_registry())  # type: ignore[arg-type]  # its folders only
    queries.refresh()
    return queries, ran[0], ran[1]


Desk = tuple[ResultQueries, BacktestResult, BacktestResult]


def test_the_months_make_up_the_year_and_the_groups_all_trades(desk: Desk) -> None:
    queries, result, _ = desk
    found = queries.answer(GetAnalysis(result.result_id))
    closed = result.metrics.trades
    assert sum(month.trades for month in found.months) == sum(year.trades for year in found.years) == closed
    for table in found.groups:
        assert sum(row.trades for row in table.rows) == closed, table.title
    assert found.r is not None
    assert sum(found.r.counts) == closed
    growth = np.prod([1.0 + (month.total_return or 0.0) for month in found.months])
    years = np.prod([1.0 + (year.total_return or 0.0) for year in found.years])
    assert growth == pytest.approx(years)
    assert {line.section for line in found.config} >= {"Run", "Costs", "Data", "Versions"}
    assert from_json(to_json(found)) == found


def test_words_keep_the_rows_that_all_of_them_fit(desk: Desk) -> None:
    queries, result, _ = desk
    trades = result.trades
    wanted = np.count_nonzero((trades["side"] > 0) & (trades["pnl"] > 0) & (trades["r"] > 0.5))
    page = queries.answer(GetTrades(result.result_id, find="aaa long WIN r>0.5"))
    assert page.total == wanted > 0
    assert all(row.side == "long" and row.pnl > 0 for row in page.rows)
    with pytest.raises(InputError, match='No trade fits "banana"'):
        queries.answer(GetTrades(result.result_id, find="banana"))


def test_rows_come_newest_first_or_sorted(desk: Desk) -> None:
    queries, result, _ = desk
    plain = queries.answer(GetTrades(result.result_id)).rows
    assert [row.trade_id for row in plain] == result.trades["trade_id"][::-1][: len(plain)].tolist()
    best = queries.answer(GetTrades(result.result_id, sort="-pnl")).rows
    assert [row.pnl for row in best] == sorted((row.pnl for row in plain), reverse=True)
    second = queries.answer(GetTrades(result.result_id, offset=1, limit=1, sort="-pnl")).rows
    assert second == best[1:2]
    with pytest.raises(InputError, match="not by colour"):
        select_trades(result, sort="colour")


def test_a_symbol_that_several_strategies_trade_is_named_once(desk: Desk) -> None:
    view = backtest_view(replace(desk[1], symbols=("AAAUSDT", "BBBUSDT", "AAAUSDT")), 20, "")
    assert view.symbols == ("AAAUSDT", "BBBUSDT")
    assert "· AAAUSDT BBBUSDT ·" in view.title


def test_the_legs_of_a_trade_are_counted() -> None:
    rows = np.zeros(5, dtype=[("trade_id", "i8")])
    rows["trade_id"] = [1, 2, 1, 3, 1]
    assert leg_numbers(rows).tolist() == [0, 0, 1, 0, 2]
    assert leg_numbers(rows[:0]).tolist() == []


def test_a_hundred_thousand_rows_are_selected_while_a_person_does_not_notice(desk: Desk) -> None:
    result = desk[1]
    trades = np.resize(result.trades, 100_000)
    trades["trade_id"] = np.arange(1, 100_001)
    trades["pnl"] = np.random.default_rng(1).normal(0.0, 100.0, 100_000)
    large = replace(result, trades=trades)
    for find, sort in (("aaa short stop r>0.5", ""), ("", "-pnl"), ("", "symbol")):
        spent = []
        for _ in range(5):
            before = time.thread_time()
            select_trades(large, find, sort)
            spent.append(time.thread_time() - before)
        assert min(spent) <= 0.1, (find, sort)


def test_a_trade_is_explained_by_the_values_of_its_decision(desk: Desk) -> None:
    queries, result, _ = desk
    row = queries.answer(GetTrades(result.result_id)).rows[-1]
    why = queries.answer(ExplainTrade(result.result_id, row.trade_id, row.leg))
    assert why.entry.decided == f"enter {row.side}"
    assert why.entry.time_ms == row.entry_ms
    assert {value.name for value in why.entry.values} >= {"fast", "slow"}
    (cross,) = [member for member in why.entry.members if member.name == "cross"]
    assert (cross.supports, cross.entry, cross.exit) == (row.side, True, True)


def test_the_bars_of_a_trade_carry_its_levels(desk: Desk) -> None:
    queries, result, _ = desk
    row = queries.answer(GetTrades(result.result_id, find="long")).rows[-1]
    bars = queries.answer(GetTradeBars(result.result_id, row.trade_id))
    assert bars.target == pytest.approx(float(row.entry_price) * 1.04, rel=1e-3)
    assert bars.targets == (bars.target,)
    assert bars.times_ms[0] < row.entry_ms < bars.times_ms[-1]
    assert bars.paths == ()
    moved = queries.answer(GetTradeBars(result.result_id, row.trade_id, paths=True))
    assert [path.name for path in moved.paths] == ["stop", "target"]
    for path, price in zip(moved.paths, (bars.stop, bars.target), strict=True):
        held = [(at, each) for at, each in zip(moved.times_ms, path.prices, strict=True) if each is not None]
        assert all(each == pytest.approx(price) for _, each in held)
        assert held[0][0] == row.entry_ms
        assert held[-1][0] < row.exit_ms <= held[-1][0] + 3_600_000
    with pytest.raises(InputError, match="no trade"):
        queries.answer(GetTradeBars(result.result_id, row.trade_id, leg=7))


def test_results_stand_side_by_side_with_what_differs_marked(desk: Desk) -> None:
    queries, one, other = desk
    found = queries.answer(CompareResults((one.result_id, other.result_id), points=50))
    figures = {row.label: row for row in found.figures}
    better = int(other.metrics.total_return > one.metrics.total_return)  # type: ignore[operator]  # both ran
    assert figures["Total return"].best == better
    returns = [result.metrics.total_return or 0.0 for result in (one, other)]
    assert figures["Total return"].deltas == ("", f"{100 * (returns[1] - returns[0]):+,.1f}%")
    settings = {row.label: row for row in found.settings}
    assert settings["risk.take_profit.1.percent"].texts == ("4.0", "1.5")
    assert not settings["Symbols"].differs
    assert len(found.times_ms) == len(found.curves[0].gain) == 50
    for curve, result in zip(found.curves, (one, other), strict=True):
        assert curve.gain[0] == pytest.approx(0.0, abs=0.02)
        assert curve.gain[-1] == pytest.approx(result.metrics.total_return)
    with pytest.raises(InputError, match="Two to 4"):
        queries.answer(CompareResults((one.result_id,)))


def test_a_report_is_written_and_a_deleted_result_is_gone_from_the_list(desk: Desk) -> None:
    queries, _, other = desk
    path = Path(queries.answer(WriteReport(other.result_id)))
    assert path.name == "report.html"
    assert other.strategy in path.read_text(encoding="utf-8")
    moved = Path(queries.answer(DeleteResult(other.result_id)))
    assert (moved / "result.json").is_file()
    assert other.result_id not in {each.result_id for each in queries.results}
    with pytest.raises(InputError, match="There is no result"):
        queries.answer(GetAnalysis(other.result_id))
