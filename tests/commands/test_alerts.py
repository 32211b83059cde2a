"""`tradebot alerts`: add, list, snooze and remove, with rules tried before they stand in the file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tradebot.cli import run
from tradebot.engine.alerts import AlertBook, Told


@pytest.fixture
def ask(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    def call(*arguments: str) -> tuple[int, Any]:
        code = run(["alerts", *arguments, "--data", str(tmp_path), "--json"])
        captured = capsys.readouterr()
        return code, json.loads(captured.out) if captured.out else captured.err

    return call


def test_from_adding_to_removing(ask: Any, tmp_path: Path) -> None:
    code, added = ask("add", "BTCUSDT above 60000", "--again", "1h")
    assert (code, added["name"], added["again"]) == (0, "btcusdt-above-60000", "1h")
    assert ask("add", "BTCUSDT 15m: rsi<30", "--name", "dip")[0] == 0
    assert ask("add", "strategy ema-trend", "--name", "trend")[0] == 0
    assert ask("snooze", "dip", "2h")[0] == 0
    AlertBook(tmp_path).note(Told(1_700_000_000_000, "trend", "Long."))
    _, listed = ask("list")
    rows = {row["name"]: row for row in listed["alerts"]}
    assert list(rows) == ["btcusdt-above-60000", "dip", "trend"]
    assert rows["dip"]["snoozed_until"]
    assert rows["trend"]["last_told"] == "2023-11-14T22:13:20.000Z"
    assert ask("history")[1]["history"] == [
        {"time": "2023-11-14T22:13:20.000Z", "name": "trend", "sentence": "Long."}
    ]
    assert ask("snooze", "dip", "off")[1]["snoozed_until"] is None
    assert ask("snooze", "dip", "--minutes", "30")[1]["snoozed_until"]
    assert ask("disarm", "dip")[1] == {"name": "dip", "armed": False}
    assert {row["name"]: row["armed"] for row in ask("list")[1]["alerts"]}["dip"] is False
    assert ask("arm", "dip")[0] == 0
    assert ask("snooze", "dip", "--minutes", "0")[1]["snoozed_until"] is None
    assert ask("remove", "dip")[0] == 0
    assert [row["name"] for row in ask("list")[1]["alerts"]] == ["btcusdt-above-60000", "trend"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("add", "BTCUSDT is nice"), "write one like"),
        (("add", "BTCUSDT 15m: rsii below 30"), "not understood"),
        (("add", "strategy nothing-of-that-name"), "nothing-of-that-name"),
        (("add", "gap found", "--again", "soon"), "not a length of time"),
        (("add", "gap found", "--again", "5s"), "30s at the soonest"),
        (("disarm", "nothing"), 'no alert "nothing"'),
        (("remove", "nothing"), 'no alert "nothing"'),
        (("snooze", "nothing"), 'no alert "nothing"'),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_written(
    ask: Any, tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    code, sentence = ask(*arguments)
    assert code == 2
    assert said in sentence
    assert not (tmp_path / "alerts.toml").exists()


def test_the_page_without_alerts_says_how_to_add_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["alerts", "list", "--data", str(tmp_path)]) == 0
    assert 'tradebot alerts add "BTCUSDT above 60000"' in capsys.readouterr().out


@pytest.mark.parametrize(("mode", "state", "code"), [("off", "off", 0), ("always", "failed", 1)])
def test_an_example_says_of_each_way_what_came_of_it(
    ask: Any, monkeypatch: pytest.MonkeyPatch, mode: str, state: str, code: int
) -> None:
    monkeypatch.setattr("tradebot.engine.alerts.system_notice.find_tool", lambda: None)
    monkeypatch.setenv("TRADEBOT_ALERTS__SYSTEM_NOTIFICATION", mode)
    ended, answer = ask("test")
    assert ended == code
    assert {way["way"]: way["state"] for way in answer["ways"]} == {
        "bell": "told",
        "system notification": state,
        "web-hook": "off",
    }
