"""Settings: who wins over whom, and what a wrong value is answered."""

from __future__ import annotations

from pathlib import Path

import pytest

from tradebot.engine.control.errors import InputError
from tradebot.engine.control.settings import known_paths, load_settings

REPOSITORY = Path(__file__).resolve().parents[3]


def write(folder: Path, text: str) -> Path:
    file = folder / "tradebot.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_the_command_line_wins_over_the_environment_over_the_file_over_the_defaults(tmp_path: Path) -> None:
    file = write(tmp_path, '[exchange]\nurl = "http://file:1"\nbudget_percent = 50\ntimeout_seconds = 5\n')
    environment = {
        "TRADEBOT_EXCHANGE__URL": "http://environment:1",
        "TRADEBOT_EXCHANGE__BUDGET_PERCENT": "60",
    }
    settings = load_settings(file, {"exchange.url": "http://line:1"}, environment)
    assert settings.exchange.url == "http://line:1"
    assert settings.exchange.budget_percent == 60
    assert settings.exchange.timeout_seconds == 5
    assert settings.backtest.cash == 10_000


def test_the_shipped_file_says_the_defaults() -> None:
    assert load_settings(REPOSITORY / "config" / "tradebot.toml", environment={}) == load_settings(
        None, environment={}
    )


def test_other_programs_variables_that_share_our_prefix_are_left_alone() -> None:
    assert load_settings(None, environment={"TRADEBOT_HOME": "/somewhere"}) == load_settings(
        None, environment={}
    )


def test_a_list_in_the_environment_is_written_with_commas() -> None:
    settings = load_settings(None, environment={"TRADEBOT_COLLECT__SYMBOLS": "BTCUSDT, XRPUSDT"})
    assert settings.collect.symbols == ("BTCUSDT", "XRPUSDT")
    settings = load_settings(None, environment={"TRADEBOT_COLLECT__SYMBOLS": "XRPUSDT"})
    assert settings.collect.symbols == ("XRPUSDT",)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('[exchange]\nurk = "x"\n', '{file}: exchange.urk is not a setting. Did you mean "exchange.url"?'),
        (
            "[exchange]\nbudget_percent = 0\n",
            "{file}: exchange.budget_percent must be a number above 0, was 0.",
        ),
        ("[backtest]\ncash = 'much'\n", "{file}: backtest.cash must be a number, was 'much'."),
        ("[backtest]\nworkers = 0\n", "{file}: backtest.workers must be a number at least 1, was 0."),
        ("[collect]\nsymbols = 3\n", "{file}: collect.symbols must be a list of texts, was 3."),
        ("[backtest.linear]\nfunding = 7\n", "{file}: backtest.linear.funding must be true or false, was 7."),
        (
            '[exchange]\nurl = "bybit"\n',
            "{file}: exchange.url must be a URL such as https://api.bybit.com, without a path, was 'bybit'.",
        ),
        ("exchange = 1\n", "{file}: exchange must be a table of settings, was 1."),
    ],
)
def test_a_wrong_value_is_answered_with_file_path_and_what_was_expected(
    tmp_path: Path, text: str, sentence: str
) -> None:
    file = write(tmp_path, text)
    with pytest.raises(InputError) as refusal:
        load_settings(file, environment={})
    assert refusal.value.sentence == sentence.format(file=file)


def test_all_wrong_values_are_said_at_once_each_with_its_source(tmp_path: Path) -> None:
    file = write(tmp_path, "[backtest]\ncash = -1\n")
    with pytest.raises(InputError) as refusal:
        load_settings(file, {"exchange.url": "nowhere"}, {"TRADEBOT_EXCHANGE__TIMEOUT_SECONDS": "soon"})
    lines = refusal.value.sentence.splitlines()
    assert len(lines) == 3
    assert any(line.startswith(f"{file}: backtest.cash") for line in lines)
    assert any(line.startswith("environment variable TRADEBOT_EXCHANGE__TIMEOUT_SECONDS: ") for line in lines)
    assert any(line.startswith("command line: exchange.url") for line in lines)


def test_a_missing_or_broken_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="There is no settings file"):
        load_settings(tmp_path / "nothing.toml", environment={})
    with pytest.raises(InputError) as caught:
        load_settings(write(tmp_path, "[exchange]\nurl = x\n"), environment={})
    assert "line 2, column 7: this is not valid TOML, expected lines such as" in str(caught.value)
    assert "Invalid value" not in str(caught.value)


def test_a_variable_of_a_misspelt_section_is_refused_not_passed_over() -> None:
    with pytest.raises(InputError, match=r'EXCHNAGE__URL: exchnage.url is not.*"exchange.url"'):
        load_settings(None, environment={"TRADEBOT_EXCHNAGE__URL": "https://api-testnet.bybit.com"})


def test_every_setting_has_a_line_of_help() -> None:
    assert "backtest.linear.taker_fee_percent" in known_paths()
    assert len(known_paths()) == len(set(known_paths()))


def test_costs_and_margin_of_a_backtest() -> None:
    settings = load_settings(None, {"backtest.linear.max_volume_share_percent": 5}, {}).backtest
    assert (settings.linear.max_volume_share_percent, settings.spot.max_volume_share_percent) == (5.0, 10.0)
    assert (settings.linear.impact, settings.linear.maintenance_rate_percent) == (0.0, 0.5)
    with pytest.raises(InputError, match=r"max_volume_share_percent must be a number at most 100, was 101"):
        load_settings(None, {"backtest.linear.max_volume_share_percent": 101}, {})
