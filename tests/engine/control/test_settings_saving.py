"""What is saved: over the file, below the environment; checked as a whole; the version before kept."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from tradebot.engine.control.errors import InputError, ShortfallError
from tradebot.engine.control.folders import find_folders
from tradebot.engine.control.settings import known_paths, load_settings
from tradebot.engine.control.settings_saving import SavedSettings
from tradebot.engine.control.settings_schema import setting_specs, spec_of, text_of, value_at


def saving(folder: Path, environment: dict[str, str] | None = None) -> SavedSettings:
    file = folder / "tradebot.toml"
    file.write_text(
        '[exchange]\nbudget_percent = 50\ntimeout_seconds = 5\n[retention]\nage = { "1m" = "9d" }\n', "utf-8"
    )
    return SavedSettings(folder / "local.toml", file, {"backtest.workers": 3}, environment or {})


def test_what_is_saved_goes_over_the_file_and_below_environment_and_command_line(tmp_path: Path) -> None:
    saved = saving(tmp_path, {"TRADEBOT_EXCHANGE__TIMEOUT_SECONDS": "7"})
    changes = {"exchange.budget_percent": "60", "exchange.timeout_seconds": "9", "backtest.workers": "4"}
    resolved = saved.save(changes)
    exchange = resolved.settings.exchange
    assert (exchange.budget_percent, exchange.timeout_seconds, resolved.settings.backtest.workers) == (
        60,
        7,
        3,
    )
    again = saved.read()
    assert again.settings == resolved.settings
    assert again.sources["exchange.budget_percent"] == str(tmp_path / "local.toml")
    assert (
        again.sources["exchange.timeout_seconds"] == "environment variable TRADEBOT_EXCHANGE__TIMEOUT_SECONDS"
    )
    assert again.sources["backtest.workers"] == "command line"
    assert again.sources["retention.age.1m"] == str(tmp_path / "tradebot.toml")
    assert "backtest.cash" not in again.sources


def test_values_are_written_as_what_they_are_and_a_persons_file_is_not_touched(tmp_path: Path) -> None:
    saved = saving(tmp_path)
    before = (tmp_path / "tradebot.toml").read_bytes()
    saved.save(
        {
            "backtest.cash": "5000",
            "collect.symbols": "BTCUSDT, XRPUSDT",
            "backtest.linear.funding": "off",
            "retention.age": '{ "5m" = "30d" }',
            "logs.level": "debug",
        }
    )
    document = tomllib.loads((tmp_path / "local.toml").read_text("utf-8"))
    assert document == {
        "backtest": {"cash": 5000.0, "linear": {"funding": False}},
        "collect": {"symbols": ["BTCUSDT", "XRPUSDT"]},
        "retention": {"age": {"5m": "30d"}},
        "logs": {"level": "debug"},
    }
    assert (tmp_path / "tradebot.toml").read_bytes() == before


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"exchange.budget_percent": "0"}, "exchange.budget_percent must be a number above 0, was '0'."),
        ({"exchange.url": "bybit"}, "exchange.url must be a URL such as https://api.bybit.com"),
        ({"exchange.uri": "x"}, 'exchange.uri is not a setting. Did you mean "exchange.url"?'),
        ({"retention.age": "{ 1m"}, "retention.age must be a table such as"),
        ({"retention.age": '{ "1m" = "soon" }'}, "must be a span such as 400d"),
        (
            {"logs.level": "loud"},
            "logs.level must be one of 'debug', 'info', 'warning' or 'error', was 'loud'.",
        ),
    ],
)
def test_nothing_is_written_where_something_is_wrong(
    tmp_path: Path, changes: dict[str, str], sentence: str
) -> None:
    saved = saving(tmp_path)
    with pytest.raises(InputError) as refused:
        saved.save({"backtest.cash": "5000", **changes})
    assert sentence in refused.value.sentence
    assert "saved:" not in refused.value.sentence
    assert not saved.path.exists()


def test_a_wrong_value_is_found_though_the_environment_goes_over_it(tmp_path: Path) -> None:
    saved = saving(tmp_path, {"TRADEBOT_EXCHANGE__BUDGET_PERCENT": "40"})
    with pytest.raises(InputError):
        saved.try_out({"exchange.budget_percent": "400"})


def test_back_to_default_takes_away_what_was_saved(tmp_path: Path) -> None:
    saved = saving(tmp_path)
    saved.save({"exchange.budget_percent": "60"})
    assert saved.save({"exchange.budget_percent": None}).settings.exchange.budget_percent == 50
    assert "exchange" not in tomllib.loads(saved.path.read_text("utf-8"))


def test_the_version_before_comes_back_and_once_more_undoes_that(tmp_path: Path) -> None:
    saved = saving(tmp_path)
    assert not saved.can_roll_back
    with pytest.raises(InputError, match="no version to go back to"):
        saved.roll_back()
    saved.save({"exchange.budget_percent": "60"})
    saved.save({"exchange.budget_percent": "70"})
    saved.roll_back()
    assert saved.read().settings.exchange.budget_percent == 60
    saved.roll_back()
    assert saved.read().settings.exchange.budget_percent == 70


def test_a_broken_saved_file_is_named_and_can_be_rolled_back(tmp_path: Path) -> None:
    saved = saving(tmp_path)
    saved.save({"exchange.budget_percent": "60"})
    saved.save({"exchange.budget_percent": "70"})
    saved.path.write_text("[half", encoding="utf-8")
    with pytest.raises(InputError, match=r"local\.toml"):
        saved.read()
    with pytest.raises(InputError, match="tradebot config rollback"):
        saved.save({"exchange.budget_percent": "80"})
    saved.roll_back()
    assert saved.read().settings.exchange.budget_percent == 60


def test_a_folder_that_takes_nothing_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "config").write_text("in the way", encoding="utf-8")
    with pytest.raises(ShortfallError, match="could not be written"):
        SavedSettings(tmp_path / "config" / "local.toml", environment={}).save({"backtest.cash": "1"})


def test_every_setting_has_a_help_a_kind_and_a_default_that_can_be_typed_back(tmp_path: Path) -> None:
    specs = setting_specs()
    assert [spec.path for spec in specs] == known_paths()
    assert all(spec.help for spec in specs)
    assert all(bool(spec.choices) is (spec.kind == "choice") for spec in specs)
    saved = SavedSettings(tmp_path / "local.toml", environment={})
    resolved = saved.save({spec.path: spec.default for spec in specs})
    assert resolved.settings == load_settings(None, environment={})
    for spec in specs:
        assert text_of(value_at(resolved.settings, spec.path)) == spec.default
    assert spec_of("exchange.budget_percent").takes == "above 0, at most 100"


def test_a_demo_saves_in_its_own_folder(tmp_path: Path) -> None:
    folders = find_folders(tmp_path, tmp_path / "data")
    assert folders.saved_settings == folders.config / "local.toml"
    assert folders.for_demo(None).saved_settings == tmp_path / "data" / "demo" / "local.toml"
