"""`tradebot results`: list, show, compare, report, run again and delete what backtests stored."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.engine.backtest.markets import DAYS_40, know, put, strategy, waves
from tradebot.cli import run
from tradebot.engine.store import Store

Ask = Callable[..., tuple[int, Any]]


@pytest.fixture
def ask(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Run a command with --json on a folder with bars and a strategy `means.toml`; (exit code, document or text)."""
    monkeypatch.chdir(tmp_path)
    store = Store(tmp_path / "data")
    put(store, "AAAUSDT", waves(DAYS_40))
    know(store, "AAAUSDT")
    (tmp_path / "means.toml").write_text(strategy(symbols=("AAAUSDT",)), encoding="utf-8")

    def call(*arguments: str) -> tuple[int, Any]:
        code = run([*arguments, "--data", str(tmp_path / "data"), "--json"])
        captured = capsys.readouterr()
        return code, json.loads(captured.out) if captured.out else captured.err

    return call


def test_a_result_is_listed_shown_compared_reported_run_again_and_put_aside(ask: Ask, tmp_path: Path) -> None:
    code, first = ask("backtest", "means.toml", "--cash", "5000")
    assert code == 0
    code, second = ask("results", "rerun", first["id"])
    assert code == 0
    assert second["metrics"] == first["metrics"]
    assert second["settings"]["cash"] == 5000

    _, listed = ask("results", "list")
    assert {row["id"] for row in listed["results"]} == {first["id"], second["id"]}
    assert ask("results", "show", first["id"])[1]["metrics"] == first["metrics"]

    code, compared = ask("results", "compare", first["id"], second["id"])
    assert (code, compared["remarks"]) == (0, [])
    returns = next(row for row in compared["figures"] if row["name"] == "total_return")
    assert returns["values"] == [first["metrics"]["total_return"]] * 2
    assert returns["best"] is None

    code, written = ask("results", "report", first["id"], "--out", "reports/one.html")
    assert code == 0
    assert Path(written["report"]) == tmp_path / "reports" / "one.html"
    assert "<!DOCTYPE html>" in Path(written["report"]).read_text(encoding="utf-8")

    assert ask("results", "delete", first["id"])[0] == 0
    assert [row["id"] for row in ask("results", "list")[1]["results"]] == [second["id"]]


def test_what_is_not_there_is_said(ask: Ask) -> None:
    code, sentence = ask("results", "show")
    assert code == 2
    assert "no results" in sentence and "tradebot backtest NAME" in sentence
    ask("backtest", "means.toml")
    code, sentence = ask("results", "delete", "nothing-like-it")
    assert code == 2 and "There is no result nothing-like-it" in sentence
    code, sentence = ask("results", "compare", "latest")
    assert code == 2 and "Two to 4" in sentence


def test_a_result_that_was_damaged_is_said_and_the_others_are_listed(
    ask: Ask, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, first = ask("backtest", "means.toml")
    _, second = ask("backtest", "means.toml")
    (Path(second["folder"]) / "result.json").write_text("{", encoding="utf-8")
    assert run(["results", "list", "--data", str(tmp_path / "data")]) == 0
    said = capsys.readouterr()
    assert first["id"] in said.out and second["id"] not in said.out.split()
    assert "1 result in" in said.err and "cannot be read and is left out of the list." in said.err
    code, sentence = ask("results", "show", second["id"])
    assert code == 2 and "result.json is damaged or was changed by hand" in sentence
