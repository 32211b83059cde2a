"""The result folder: what is written is read back, in one step, and a damaged one is refused with a sentence."""

from __future__ import annotations

import csv
import json
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

from tests.engine.backtest.markets import DAYS_40, know, put, run, strategy, waves
from tradebot.engine.backtest import list_results, read_result, write_result
from tradebot.engine.backtest.figures.report import Metrics
from tradebot.engine.backtest.results import folder as folder_module
from tradebot.engine.backtest.results.result import BacktestResult, result_id
from tradebot.engine.control.errors import InputError, ShortfallError
from tradebot.engine.store import Store

NAMED_BY_THE_DESIGN = (
    "total_return cagr sharpe sortino calmar max_drawdown max_drawdown_days volatility ulcer var_95 cvar_95 "
    "profit_factor win_rate expectancy payoff sqn exposure turnover trades fees funding slippage_cost final_equity "
    "buy_hold_return"
)
TRADE_HEADER = (
    "trade_id,strategy,symbol,side,entry_time,entry_price,exit_time,exit_price,qty,pnl,r,fees,funding,slippage,"
    "entry_reason,exit_reason,bars,mae,mfe,initial_stop,ambiguous,status"
)


DETAILS = "trade_id,leg,last_leg,adds,entry_order,decided_time,initial_target,liquidation_price,coarse"


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> BacktestResult:
    store = Store(tmp_path_factory.mktemp("data"))
    for symbol in ("AAAUSDT", "BBBUSDT"):
        put(store, symbol, waves(DAYS_40))
    know(store, "AAAUSDT")
    return run(store, strategy(symbols=("AAAUSDT", "BBBUSDT"), combine="any"), cash=20_000.0)


def test_round_trip(result: BacktestResult, tmp_path: Path) -> None:
    written = write_result(result, tmp_path)
    read = read_result(tmp_path / written.result_id)

    for field in fields(BacktestResult):
        if field.name not in {"trades", "curve", "log"}:
            assert getattr(read, field.name) == getattr(written, field.name), field.name
    for name in result.trades.dtype.names or ():
        np.testing.assert_allclose(read.trades[name], result.trades[name], rtol=1e-14, err_msg=name)
    assert len(result.log) > 0
    for name in result.log.dtype.names or ():
        np.testing.assert_allclose(read.log[name], result.log[name], rtol=1e-14, err_msg=name)
    for name in result.curve.dtype.names or ():
        np.testing.assert_allclose(read.curve[name], result.curve[name], rtol=1e-14, atol=1e-14, err_msg=name)


def test_files_have_the_columns_and_keys_of_the_design(result: BacktestResult, tmp_path: Path) -> None:
    folder = tmp_path / write_result(result, tmp_path).result_id
    assert {path.name for path in folder.iterdir()} == {
        "result.json",
        "trades.csv",
        "trade_details.csv",
        "interventions.csv",
        "equity.csv",
        "benchmark.csv",
        "strategy.toml",
    }
    document = json.loads((folder / "result.json").read_text(encoding="utf-8"))
    assert set(NAMED_BY_THE_DESIGN.split()) <= set(document["metrics"])
    assert document["settings"]["costs"]["taker_fee_percent"] == 0.055
    assert document["data"][0]["sha256"] == result.files[0].content_hash
    assert (folder / "strategy.toml").read_text(encoding="utf-8") == result.strategy_toml

    lines = (folder / "trades.csv").read_bytes().split(b"\n")
    assert lines[0].decode() == TRADE_HEADER
    assert b"\r" not in b"".join(lines)
    assert (
        (folder / "equity.csv").read_text(encoding="utf-8").startswith("time,equity,cash,exposure,drawdown\n")
    )

    with (folder / "trades.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(result.trades)
    first = rows[0]
    assert first["side"] in {"long", "short"}
    assert first["entry_time"].endswith("Z")
    assert len(first["entry_price"]) <= len("100.00")
    total = 20_000 + sum(float(row["pnl"]) for row in rows)
    assert total == pytest.approx(document["metrics"]["final_equity"], rel=1e-12)


def test_undefined_figures_are_null(result: BacktestResult, tmp_path: Path) -> None:
    short = replace(result, metrics=replace(result.metrics, cagr=None, sqn=None))
    folder = tmp_path / write_result(short, tmp_path).result_id
    metrics = json.loads((folder / "result.json").read_text(encoding="utf-8"))["metrics"]
    assert (metrics["cagr"], metrics["sqn"]) == (None, None)


def test_two_results_of_one_second_get_two_names(result: BacktestResult, tmp_path: Path) -> None:
    names = [write_result(result, tmp_path).result_id for _ in range(3)]
    assert names == [result.result_id, f"{result.result_id}-2", f"{result.result_id}-3"]
    assert [info.result_id for info in list_results(tmp_path)] == names[::-1]


def test_list_shows_each_in_a_line(result: BacktestResult, tmp_path: Path) -> None:
    write_result(result, tmp_path)
    (tmp_path / "notes").mkdir()
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "result.json").write_text("{", encoding="utf-8")
    (info,) = list_results(tmp_path)
    assert (info.strategy, info.symbols, info.timeframe) == ("Two means", ("AAAUSDT", "BBBUSDT"), "1h")
    assert info.trades == result.metrics.trades
    assert info.total_return == result.metrics.total_return
    assert list_results(tmp_path / "nowhere") == []


def test_a_write_that_fails_leaves_nothing(
    result: BacktestResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(curve: object) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(folder_module, "equity_text", full)
    with pytest.raises(ShortfallError, match="No space left on device"):
        write_result(result, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_trades_that_lost_their_details_row_by_row_are_refused(
    result: BacktestResult, tmp_path: Path
) -> None:
    folder = tmp_path / write_result(result, tmp_path).result_id
    details = (folder / "trade_details.csv").read_text(encoding="utf-8").splitlines()
    (folder / "trade_details.csv").write_text(
        "\n".join([*details[:-2], details[-1]]) + "\n", encoding="utf-8"
    )
    with pytest.raises(InputError, match=r"has other rows than trades\.csv"):
        read_result(folder)


def test_a_result_of_the_format_before_is_read(result: BacktestResult, tmp_path: Path) -> None:
    """It knew one strategy, no errors, and not all of the figures."""
    folder = tmp_path / write_result(result, tmp_path).result_id
    file = folder / "result.json"
    document = json.loads(file.read_text(encoding="utf-8"))
    for name in ("strategies", "errors", "look_ahead", "valid"):
        del document[name]
    del document["settings"]["maintenance_rate_percent"], document["metrics"]["psr"]
    file.write_text(json.dumps({**document, "format": 1}), encoding="utf-8")
    for name in ("interventions.csv", "trade_details.csv"):
        (folder / name).unlink()
    read = read_result(folder)
    assert read.parts[0].toml == read.strategy_toml == result.strategy_toml
    assert read.symbols == result.symbols
    assert len(read.trades) == len(result.trades)
    assert len(read.log) == 0
    assert (read.metrics.sharpe, read.metrics.psr) == (result.metrics.sharpe, None)
    assert [info.result_id for info in list_results(tmp_path)] == [read.result_id]


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("result.json", "{", "is damaged or was changed by hand"),
        ("result.json", "[1]", "is damaged or was changed by hand"),
        ("result.json", '{"format": 99}', "has format 99, this tradebot reads format 2 and 1"),
        ("result.json", '{"format": 1}', "is damaged or was changed by hand"),
        ("result.json", '{"format": 2}', "is damaged or was changed by hand"),
        ("trades.csv", "a,b\n", "line 1: expected the columns trade_id,"),
        ("trades.csv", TRADE_HEADER + "\n1,x\n", "line 2: this is not a trade"),
        ("trade_details.csv", "a,b\n", "line 1: expected the columns trade_id,leg,"),
        ("trade_details.csv", DETAILS + "\n", "has other rows than trades"),
        ("trade_details.csv", DETAILS + "\n1,x\n", "line 2: this is not a row"),
        (
            "interventions.csv",
            "time,strategy,symbol,reason,wanted,allowed\n1\n",
            "line 2: this is not an interv",
        ),
        ("equity.csv", "time,equity,cash,exposure,drawdown\n", "they belong together"),
        ("equity.csv", "time,equity,cash,exposure,drawdown\nnow,1,1,1,1\n", "line 2: this is not a row"),
        ("strategy.toml", None, "There is no"),
    ],
)
def test_a_damaged_folder_is_refused(
    result: BacktestResult, tmp_path: Path, name: str, content: str | None, sentence: str
) -> None:
    folder = tmp_path / write_result(result, tmp_path).result_id
    if content is None:
        (folder / name).unlink()
    else:
        (folder / name).write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=sentence):
        read_result(folder)


@pytest.mark.parametrize(
    ("strategy_name", "slug"),
    [("EMA Trend!", "ema-trend"), ("  ", "strategy"), ("Größe ÷ 2", "gr-e-2"), ("x" * 99, "x" * 40)],
)
def test_result_id(strategy_name: str, slug: str) -> None:
    assert result_id(1_795_443_302_999, strategy_name) == f"20261123-141502-{slug}"


def test_metrics_are_plain_values(result: BacktestResult) -> None:
    for name, value in result.metrics.to_dict().items():
        assert value is None or type(value) in {int, float, bool}, name
    assert list(result.metrics.to_dict()) == [field.name for field in fields(Metrics)]
