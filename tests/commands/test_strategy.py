"""`tradebot strategy new|list|show|check|export`: what each prints, where files go, and wrong input as sentences."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.engine.backtest.markets import know, put, waves
from tradebot.cli import run
from tradebot.engine.control import folders
from tradebot.engine.store import Store
from tradebot.engine.strategy import parse_strategy
from tradebot.engine.strategy.library import StrategyLibrary

Ask = Callable[..., tuple[int, str, str]]

TREND = """\
[strategy]
name = "Trend"
symbols = ["AAAUSDT"]
timeframe = "1h"

[indicators.mean]
use = "sma"
length = 30
timeframe = "4h"
note = "slow"

[signals.turn]
use = "cross"
a = "close"
b = "mean"

[signals.never]
use = "compare"
a = "close"
op = ">"
b = 1e9

[groups.both]
combine = "unanimous"
signals = ["turn", "never"]

[entry]
combine = "any"
signals = ["both"]

[risk]
sizing = { use = "equity", percent = 50.0 }
stop_loss = { use = "percent", percent = 3.0 }

[costs]
funding = false
"""


@pytest.fixture
def ask(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Run `tradebot strategy ...` in a checkout of its own; (exit code, standard output, standard error)."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config" / "strategies").mkdir(parents=True)
    (tmp_path / "config" / "tradebot.toml").write_text("", encoding="utf-8")

    def call(*arguments: str) -> tuple[int, str, str]:
        code = run(["strategy", *arguments])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


@pytest.fixture
def trend(ask: Ask, tmp_path: Path) -> Path:
    path = tmp_path / "config" / "strategies" / "trend.toml"
    path.write_text(TREND, encoding="utf-8")
    return path


@pytest.fixture
def bars(tmp_path: Path) -> Store:
    store = Store(tmp_path / "data")
    put(store, "AAAUSDT", waves(40 * 24))
    know(store, "AAAUSDT")
    return store


# check -------------------------------------------------------------------------------------------------------


def test_check_looks_at_the_data_at_hand(ask: Ask, trend: Path, bars: Store) -> None:
    code, out, _err = ask("check", "trend")
    assert code == 0
    assert out.splitlines() == [
        'trend.toml:27: entry: warning: never decides on any of 840 bars of AAAUSDT: "never" never fires',
        "trend.toml:17: signals.never: warning: never fires: true on 0 of 840 bars of AAAUSDT",
        "trend.toml: ready to run, 2 warnings.",
    ]


def test_check_without_data_looks_at_the_file_alone(ask: Ask, trend: Path, bars: Store) -> None:
    assert ask("check", "trend", "--no-data")[:2] == (0, "trend.toml: ready to run.\n")
    code, out, _err = ask("check", "trend", "--no-data", "--json")
    assert (code, json.loads(out)["data"], json.loads(out)["problems"]) == (0, None, [])


def test_check_offers_what_would_bring_the_missing_data(ask: Ask, trend: Path, tmp_path: Path) -> None:
    code, out, _err = ask("check", "trend")
    assert code == 0  # nothing is wrong with the strategy
    assert "strategy.symbols: warning: no 1h bars of AAAUSDT are stored" in out
    assert "\n    tradebot collect --symbols AAAUSDT --timeframes 1h --since 370d\n" in out
    assert not (tmp_path / "data").exists()
    document = json.loads(ask("check", "trend", "--json")[1])
    missing = document["problems"][0]
    assert missing["code"] == "missing_data"
    assert missing["action"] == {
        "collect": ["AAAUSDT"],
        "timeframes": ["1h"],
        "since": "370d",
        "category": "linear",
        "bars": 8880,
        "requests": 9,
        "command": "tradebot collect --symbols AAAUSDT --timeframes 1h --since 370d",
    }


def test_check_ends_with_1_for_what_can_never_work_on_this_data(ask: Ask, trend: Path, bars: Store) -> None:
    text = TREND.replace('signals = ["both"]', 'signals = ["turn"]')
    trend.write_text(text.replace('use = "equity", percent = 50.0', 'use = "notional", amount = 3.0'))
    code, out, _err = ask("check", "trend")
    assert code == 1
    assert "risk.sizing: is below the exchange's minimum of 0.001 AAA and 5 USDT at each of " in out
    assert "trend.toml: 1 error, 1 warning" in out
    document = json.loads(ask("check", "trend", "--json")[1])
    assert document["valid"] is True  # it can run; its entries will be refused
    assert [each["code"] for each in document["problems"] if each["severity"] == "error"] == [
        "size_below_minimum"
    ]


def test_check_says_what_is_wrong_in_the_file_before_anything_else(
    ask: Ask, trend: Path, bars: Store
) -> None:
    trend.write_text(TREND.replace("30", "0").replace('"1h"', '"7m"'))
    code, out, _err = ask("check", "trend")
    assert code == 1
    lines = out.splitlines()
    assert [line.split(": ")[1] for line in lines[:-1]] == ["strategy.timeframe", "indicators.mean.length"]
    assert lines[-1] == "trend.toml: 2 errors."


# show --------------------------------------------------------------------------------------------------------


def test_show_says_what_a_strategy_does_and_reads(ask: Ask, trend: Path) -> None:
    code, out, _err = ask("show", "trend")
    assert code == 0
    assert "go long when" in out
    for line in (
        "  mean   sma  source close, length 30, timeframe 4h",
        "  never  compare  a close, op >, b 1000000000, supports both",
        "  both   unanimous  signals turn, never",
        "Entry    any  signals both",
        "  1h bars of each symbol, 1 bar before the first value",
        "  4h bars of each symbol, 29 bars before the first value",
    ):
        assert line in out.splitlines(), out
    document = json.loads(ask("show", "trend", "--json")[1])
    assert document["toml"] == TREND
    assert [each["path"] for each in document["nodes"]] == [
        *("indicators.mean", "signals.turn", "signals.never", "groups.both", "entry")
    ]
    assert document["needs"][1]["timeframe"] == "4h"


def test_show_prints_the_file_itself_where_asked_and_what_has_errors(ask: Ask, trend: Path) -> None:
    assert ask("show", "trend", "--toml")[1] == TREND
    trend.write_text(TREND.replace("sma", "smma"))
    code, out, _err = ask("show", "trend")
    assert code == 0
    assert out.endswith(
        "trend.toml has 1 error, so it cannot be put into words: tradebot strategy check trend\n"
    )
    assert json.loads(ask("show", "trend", "--json")[1])["valid"] is False


@pytest.mark.parametrize("name", ["ema-trend", "rsi-pullback", "bollinger-breakout"])
def test_every_example_is_shown_checked_and_exported(ask: Ask, name: str) -> None:
    assert ask("check", name, "--no-data")[0] == 0
    assert "Reads\n" in ask("show", name)[1]
    names: dict[str, Any] = {}
    exec(ask("export", name)[1], names)  # noqa: S102  # the text under test
    toml = json.loads(ask("show", name, "--json")[1])["toml"]
    assert names["strategy"] == parse_strategy(toml)


# list --------------------------------------------------------------------------------------------------------


def test_list_names_problems(ask: Ask, trend: Path) -> None:
    trend.write_text(TREND.replace("sma", "smma"))
    code, out, _err = ask("list")
    assert code == 0
    lines = out.partition("\n\n")[0].splitlines()  # templates stand below
    assert [line.split()[0] for line in lines] == [
        *("bollinger-breakout", "ema-trend", "rsi-pullback", "trend")
    ]
    assert lines[-1].endswith("1 error")
    row = {each["name"]: each for each in json.loads(ask("list", "--json")[1])["strategies"]}["trend"]
    assert row["errors"] == 1
    assert row["first_error"].startswith("trend.toml:7: indicators.mean.use: must be the name of one")


def test_versions_are_counted_and_shown(ask: Ask, tmp_path: Path) -> None:
    library = StrategyLibrary(tmp_path / "config" / "strategies", tmp_path)
    for bars in (10, 20, 30):
        library.save("mine", TREND.replace("length = 30", f"length = {bars}"))
    rows = {each["name"]: each for each in json.loads(ask("list", "--json")[1])["strategies"]}
    assert (rows["mine"]["version"], rows["ema-trend"]["version"]) == (3, 0)
    assert " v3 " in ask("list")[1]
    assert ask("show", "mine")[1].startswith("Trend   version 3 of 3   ")
    older = ask("show", "mine", "--version", "1")[1]
    assert older.startswith("Trend   version 1 of 3   ")
    assert "length 10, timeframe 4h" in older
    assert "length = 20" in ask("show", "mine", "--version", "2", "--toml")[1]
    document = json.loads(ask("show", "mine", "--json")[1])
    assert [each["current"] for each in document["versions"]] == [False, False, True]
    code, _out, err = ask("show", "mine", "--version", "9")
    assert (code, err) == (2, "There is no version 9 of mine: it has 1 to 3.\n")


def test_templates_are_listed_and_begun_with(
    ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "shipped"
    (folder / "templates").mkdir(parents=True)
    note = 'timeframe = "1h"\nnote = "Earns in trends. Figures: 212 trades, +18 %."'
    (folder / "templates" / "trend.toml").write_text(
        TREND.replace('timeframe = "1h"', note, 1), encoding="utf-8"
    )
    found = folders.find_folders

    def with_templates(working: Path, data: Path | None = None) -> folders.Folders:
        return dataclasses.replace(found(working, data), shipped=folder)

    monkeypatch.setattr(folders, "find_folders", with_templates)
    listed = json.loads(ask("list", "--json")[1])["templates"]
    assert listed == [
        {"name": "trend", "title": "Trend", "note": "Earns in trends.", "figures": "212 trades, +18 %."}
    ]
    assert "Templates (tradebot strategy new NAME --from TEMPLATE):\ntrend " in ask("list")[1]
    code, _out, err = ask("new", "mine", "--from", "trend", "--symbols", "ETHUSDT")
    assert (code, err[:28]) == (0, "A copy of the template trend")
    text = (tmp_path / "config" / "strategies" / "mine.toml").read_text(encoding="utf-8")
    assert 'symbols = ["ETHUSDT"]' in text
    assert "212 trades" not in text
    code, _out, err = ask("new", "other", "--from", "trned")
    assert (code, "the templates are trend; " in err, 'Did you mean "trend"?' in err) == (2, True, True)


# new ---------------------------------------------------------------------------------------------------------


def test_new_begins_an_empty_strategy_that_says_what_lacks(ask: Ask, tmp_path: Path) -> None:
    code, out, err = ask("new", "my-idea", "--symbols", "ETHUSDT,SOL*", "--timeframe", "15m")
    path = tmp_path / "config" / "strategies" / "my-idea.toml"
    assert (code, out) == (0, f"{path}\n")
    assert err == "An empty strategy; edit it with any text editor or in the app's Build area.\n"
    text = path.read_text(encoding="utf-8")
    assert 'name = "My idea"' in text
    code, out, _err = ask("check", "my-idea")
    assert (code, out.splitlines()) == (
        1,
        ["my-idea.toml: entry: is missing; expected a section [entry]", "my-idea.toml: 1 error."],
    )
    # With the comment signs taken away it is a whole strategy.
    whole = "\n".join(
        line[2:] if line.startswith(("# [", "# u", "# l", "# a", "# o", "# b", "# s", "# c")) else line
        for line in text.splitlines()
    )
    spec = parse_strategy(whole)
    assert (spec.symbols, spec.timeframe.value) == (("ETHUSDT", "SOL*"), "15m")
    assert "above EMA" in words(whole)


def words(text: str) -> str:
    from tradebot.engine.strategy import describe

    return describe(parse_strategy(text))


def test_new_copies_a_strategy_and_overwrites_nothing(ask: Ask, tmp_path: Path) -> None:
    code, _out, err = ask("new", "mine", "--from", "ema-trend", "--timeframe", "4h")
    assert (code, err[:20]) == (0, "A copy of ema-trend;")
    path = tmp_path / "config" / "strategies" / "mine.toml"
    text = path.read_text(encoding="utf-8")
    assert 'timeframe = "4h"' in text
    assert "# Trend following in its plainest form" in text
    code, _out, err = ask("new", "mine", "--from", "rsi-pullback")
    assert code == 2
    assert err.startswith("There is a strategy mine already")
    assert path.read_text(encoding="utf-8") == text


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("new", "My Idea"), "'My Idea' cannot name a strategy"),
        (("new", "mine", "--from", "ema-trned"), 'Did you mean "ema-trend"?'),
        (("new", "mine", "--timeframe", "7m"), '--timeframe 7m: must be "1m", "3m"'),
        (("new", "mine", "--symbols", "btc/usdt"), "--symbols btc/usdt: must be a symbol"),
        (("new",), "tradebot strategy new needs NAME"),
        (("show", "nothing"), "There is no strategy nothing"),
        (("check", "ema-trned"), 'Did you mean "ema-trend"?'),
        (("export", "config"), "There is no strategy config"),
        (("chekc", "ema-trend"), 'Did you mean "check"?'),
        (("check", "ema-trend", "--no-dta"), 'Did you mean "--no-data"?'),
    ],
)
def test_wrong_input_is_one_sentence(
    ask: Ask, arguments: tuple[str, ...], sentence: str, tmp_path: Path
) -> None:
    code, out, err = ask(*arguments)
    assert (code, out) == (2, "")
    assert sentence in err
    assert not list((tmp_path / "config" / "strategies").iterdir())


# plug-ins ----------------------------------------------------------------------------------------------------


def test_plug_ins_stand_beside_the_settings_file_that_is_named(ask: Ask, tmp_path: Path) -> None:
    other = tmp_path / "other"
    (other / "plugins").mkdir(parents=True)
    (other / "my.toml").write_text("", encoding="utf-8")
    (other / "plugins" / "twice.py").write_text(
        "from tradebot.engine.strategy import indicator\n"
        '@indicator("twice", "Twice", "Twice the close.", inputs=("close",))\n'
        "def twice(close):\n"
        "    return close * 2.0\n"
    )
    (other / "plugins" / "bad.py").write_text("import nothing_of_that_name\n")
    text = TREND.replace('use = "sma"\nlength = 30\n', 'use = "twice"\n')
    (tmp_path / "config" / "strategies" / "t.toml").write_text(text, encoding="utf-8")
    code, out, _err = ask("check", "t", "--no-data")
    assert (code, "indicators.mean.use: must be" in out) == (1, True)
    code, out, err = ask("check", "t", "--no-data", "--config", str(other / "my.toml"))
    assert (code, out) == (0, "t.toml: ready to run.\n")
    assert err.startswith("The plug-in bad.py:1 was left out: it ends with ModuleNotFoundError")
    code, out, _err = ask("list", "--json", "--config", str(other / "my.toml"))
    assert [Path(each["file"]).name for each in json.loads(out)["plugins_left_out"]] == ["bad.py"]
