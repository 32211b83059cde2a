"""Keys as a person writes them, those that a terminal keeps, and the `[keys]` table of the settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from tradebot.engine.control.errors import InputError
from tradebot.engine.control.keys import is_typed, read_key, read_keys, shown_key
from tradebot.engine.control.settings import resolve_settings
from tradebot.engine.control.settings_saving import SavedSettings
from tradebot.engine.control.settings_schema import text_of


@pytest.mark.parametrize(
    ("written", "name", "shown"),
    [
        ("F7", "f7", "F7"),
        ("n", "n", "n"),
        ("N", "N", "N"),
        ("shift+n", "N", "N"),
        ("^s", "ctrl+s", "^s"),
        ("Ctrl+S", "ctrl+s", "^s"),
        ("?", "question_mark", "?"),
        ("/", "slash", "/"),
        ("question mark", "question_mark", "?"),
        ("+", "plus", "+"),
        (",", "comma", ","),
        (" ", "space", "Space"),
        ("Esc", "escape", "Esc"),
        ("pgdn", "pagedown", "PgDn"),
        ("shift+tab", "shift+tab", "Shift+Tab"),
        ("ctrl+left", "ctrl+left", "^←"),
        ("ä", "ä", "ä"),
    ],
)
def test_keys_are_read_as_people_write_them(written: str, name: str, shown: str) -> None:
    assert read_key(written) == name
    assert shown_key(name) == shown


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ("ctrl+h", "is Backspace"),
        ("ctrl+i", "is Tab"),
        ("ctrl+j", "is the end of a line"),
        ("ctrl+m", "is Enter"),
        ("ctrl+[", "is Esc"),
        ("ctrl+v", "pastes in Windows Terminal"),
        ("ctrl++", "larger"),
        ("ctrl+shift+p", "is taken by Windows Terminal"),
        ("ctrl+1", "is not told apart"),
        ("shift+f3", "is not told apart"),
        ("alt+x", "is taken by menus"),
        ("f11", "fills the screen"),
        ("f13", 'is no key.*Did you mean "f'),
        ("slsh", 'Did you mean "slash"'),
        ("ctlr+s", 'Did you mean "ctrl'),
        ("", "is no key"),
    ],
)
def test_what_cannot_be_a_key_is_refused_with_its_reason(written: str, why: str) -> None:
    with pytest.raises(InputError, match=why):
        read_key(written)


def test_only_what_a_field_takes_as_a_letter_is_typed() -> None:
    assert all(map(is_typed, ("n", "N", "7", "slash", "space")))
    assert not any(map(is_typed, ("f7", "ctrl+s", "enter", "left")))


def test_several_keys_are_a_list_or_have_commas() -> None:
    assert read_keys("f7, N") == read_keys(["f7", "N"]) == ("f7", "N")
    assert read_keys(",") == ("comma",)
    with pytest.raises(InputError, match="names no key"):
        read_keys("")


def test_the_table_takes_quoted_and_plain_names_one_key_or_several(tmp_path: Path) -> None:
    file = tmp_path / "tradebot.toml"
    file.write_text(
        '[keys]\nchart.symbol = "f7"\n"app.help" = ["f2", "f3"]\ndata.verify = 5\n', encoding="utf-8"
    )
    found = resolve_settings(file, environment={"TRADEBOT_KEYS__CHART__SYMBOL": "f9"})
    assert found.settings.keys == {"chart.symbol": ("f9",), "app.help": ("f2", "f3"), "data.verify": ("5",)}
    assert found.sources["keys.app.help"] == str(file)
    assert found.sources["keys.chart.symbol"].startswith("environment")


def test_a_wrong_key_in_the_file_does_not_keep_the_app_from_opening(tmp_path: Path) -> None:
    file = tmp_path / "tradebot.toml"
    file.write_text('[keys]\nchart.symbl = "ctrl+h"\n', encoding="utf-8")
    assert resolve_settings(file, environment={}).settings.keys == {"chart.symbl": ("ctrl+h",)}


def test_keys_are_saved_by_action_checked_and_rolled_back(tmp_path: Path) -> None:
    file = tmp_path / "tradebot.toml"
    file.write_text('[keys]\nchart.symbol = "f7"  # mine\n', encoding="utf-8")
    saving = SavedSettings(tmp_path / "local.toml", file, environment={})
    saved = saving.save({"keys.chart.symbol": "F9, ^g", "keys.data.verify": "f3"})
    assert saved.settings.keys == {"chart.symbol": ("f9", "ctrl+g"), "data.verify": ("f3",)}
    assert text_of(saved.settings.keys) == '{ "chart.symbol" = ["f9", "ctrl+g"], "data.verify" = "f3" }'
    with pytest.raises(InputError, match="is Backspace"):
        saving.save({"keys.chart.symbol": "ctrl+h"})
    with pytest.raises(InputError, match="is Backspace"):
        saving.save({"keys": '{ "chart.symbol" = "ctrl+h" }'})
    assert saving.save({"keys.chart.symbol": None}).settings.keys["chart.symbol"] == ("f7",)
    saving.roll_back()
    assert saving.read().settings.keys["chart.symbol"] == ("f9", "ctrl+g")
    assert file.read_text(encoding="utf-8").endswith("# mine\n")


def test_what_is_saved_goes_over_the_file_however_its_names_are_written(tmp_path: Path) -> None:
    file, saved = tmp_path / "tradebot.toml", tmp_path / "local.toml"
    file.write_text('[keys.chart]\nsymbol = "f7"\n', encoding="utf-8")
    saved.write_text('[keys]\nchart.symbol = "f8"\n"data.verify" = "f3"\n', encoding="utf-8")
    saving = SavedSettings(saved, file, environment={})
    assert saving.read().settings.keys["chart.symbol"] == ("f8",)
    assert saving.save({"keys.chart.symbol": None}).settings.keys == {
        "chart.symbol": ("f7",),
        "data.verify": ("f3",),
    }
