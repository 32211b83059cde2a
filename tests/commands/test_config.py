"""`tradebot config` shows every setting with its source, saves one, and goes back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tradebot.cli import run


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "tradebot.toml").write_text("[exchange]\nbudget_percent = 50\n", encoding="utf-8")
    return tmp_path / "config"


def test_show_names_value_and_source_of_every_setting(
    capsys: pytest.CaptureFixture[str], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRADEBOT_BACKTEST__CASH", "777")
    assert run(["config", "show", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    shown = {each["setting"]: (each["value"], each["source"]) for each in document["settings"]}
    assert shown["exchange.budget_percent"] == (50.0, str(folder / "tradebot.toml"))
    assert shown["backtest.cash"] == (777.0, "environment variable TRADEBOT_BACKTEST__CASH")
    assert shown["logs.level"] == ("info", "default")
    assert run(["config", "show", "exchange.budget_percent"]) == 0
    text = capsys.readouterr().out
    assert "above 0, at most 100); default 75" in text


def test_set_saves_and_rollback_goes_back(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    assert run(["config", "set", "exchange.budget_percent", "60"]) == 0
    assert run(["config", "set", "exchange.budget_percent", "61", "--json"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["value"] == 61
    assert run(["config", "rollback"]) == 0
    assert run(["config", "show", "exchange.budget_percent", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out.partition("\n")[2] or "{}")
    assert shown["settings"][0]["value"] == 60
    assert shown["settings"][0]["source"] == str(folder / "local.toml")
    assert run(["config", "set", "exchange.budget_percent", "--default"]) == 0
    assert capsys.readouterr().out.startswith("exchange.budget_percent = 50")


def test_that_the_environment_goes_over_what_is_saved_is_said(
    capsys: pytest.CaptureFixture[str], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRADEBOT_BACKTEST__CASH", "777")
    assert run(["config", "set", "backtest.cash", "5"]) == 0
    said = capsys.readouterr()
    assert said.out.startswith("backtest.cash = 777")
    assert "environment variable TRADEBOT_BACKTEST__CASH goes over it" in said.err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            ["set", "exchange.budget_percent", "0"],
            "exchange.budget_percent must be a number above 0, was '0'.",
        ),
        (["set", "exchange.budgt_percent", "1"], 'Did you mean "exchange.budget_percent"?'),
        (["set", "exchange.url"], "Name a value for exchange.url, or --default, and not both."),
        (["show", "exchnge"], "exchnge is not a setting."),
        (["rollback"], "Nothing was saved before"),
    ],
)
def test_refusals(
    capsys: pytest.CaptureFixture[str], folder: Path, arguments: list[str], sentence: str
) -> None:
    assert run(["config", *arguments]) == 2
    assert sentence in capsys.readouterr().err
    assert not (folder / "local.toml").exists()


def test_a_saved_file_that_is_broken_is_mended_by_going_back(
    capsys: pytest.CaptureFixture[str], folder: Path
) -> None:
    assert run(["config", "set", "backtest.cash", "5"]) == 0
    (folder / "local.toml").write_text("[half", encoding="utf-8")
    assert run(["config", "show"]) == 2
    assert "local.toml" in capsys.readouterr().err
    assert run(["config", "rollback"]) == 0
    assert run(["config", "show"]) == 0


def test_a_password_in_the_address_is_not_shown(
    capsys: pytest.CaptureFixture[str], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRADEBOT_EXCHANGE__URL", "https://me:hunter22@proxy.example")
    for form in ([], ["--json"]):
        assert run(["config", "show", "exchange.url", *form]) == 0
        assert "hunter22" not in capsys.readouterr().out
