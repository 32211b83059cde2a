"""The Settings area: search, edits, undo, saving, going back, themes, connection, API keys, states, sizes."""

from __future__ import annotations

import pytest
from textual.widgets import Input, Static

from tests.screens.conftest import Opened, screen_text, type_text, until
from tests.support.fake_engine import FakeEngine
from tradebot.engine.messages import GetSettings, SaveSettings
from tradebot.screens.dialogs import Confirm
from tradebot.screens.settings import SettingsArea
from tradebot.screens.settings_dialogs import KeysDialog, ThemeDialog, ValueDialog
from tradebot.screens.widgets.lines_view import LinesView
from tradebot.screens.widgets.virtual_table import VirtualTable

SECRET = "verysecretvalue"  # noqa: S105 - made up here


def area(pilot) -> SettingsArea:
    return pilot.app.query_one(SettingsArea)


def table(pilot) -> VirtualTable:
    return pilot.app.query_one("#settings", VirtualTable)


def subtitle(pilot) -> str:
    return str(pilot.app.query_one("#settings-pane").border_subtitle)


def pane_text(pilot, name: str) -> str:
    """What a pane says, its lines joined again."""
    return " ".join(pilot.app.query_one(name, LinesView).plain.split())


async def shown(pilot) -> None:
    await until(pilot, lambda: table(pilot).rows and area(pilot).keys is not None)


async def go(pilot, path: str) -> None:
    await shown(pilot)
    rows = [field.path for field in table(pilot).rows]
    table(pilot).focus()
    table(pilot).move_to(rows.index(path))
    await pilot.pause()


def cell(pilot, path: str) -> str:
    field = next(field for field in table(pilot).rows if field.path == path)
    cells = table(pilot)._cells(field)[1:]
    parts = [each if isinstance(each, str) else str(each[0]) for each in cells]
    return " ".join(parts)


async def type_value(pilot, text: str) -> None:
    await pilot.press("enter")
    await until(pilot, lambda: isinstance(pilot.app.screen, ValueDialog))
    pilot.app.screen.query_one(Input).value = text
    await pilot.pause()


async def test_every_setting_is_there_with_value_source_and_help(opened: Opened) -> None:
    async with opened(FakeEngine(), "settings") as pilot:
        await go(pilot, "backtest.cash")
        assert "25000 environment" in cell(pilot, "backtest.cash")
        assert "75 default" in cell(pilot, "exchange.budget_percent")
        text = pane_text(pilot, "#setting")
        assert "Starting cash in the quote coin." in text
        assert "The environment variable TRADEBOT_BACKTEST__CASH goes over what is saved here." in text
        assert subtitle(pilot).endswith("settings · all saved")


async def test_a_number_is_checked_while_it_is_typed_and_taken_only_when_right(opened: Opened) -> None:
    async with opened(FakeEngine(), "settings") as pilot:
        await go(pilot, "exchange.budget_percent")
        await type_value(pilot, "0")
        problem = pilot.app.screen.query_one(".problem", Static)
        await until(pilot, lambda: "must be a number above 0" in str(problem.content))
        await pilot.press("enter")
        await pilot.pause()
        assert isinstance(pilot.app.screen, ValueDialog)
        pilot.app.screen.query_one(Input).value = "60"
        await until(pilot, lambda: str(problem.content) == "")
        await pilot.press("enter")
        await until(pilot, lambda: "* 60 not saved" in cell(pilot, "exchange.budget_percent"))
        assert "1 change not saved" in subtitle(pilot)


async def test_changes_are_saved_as_a_whole_and_rolled_back(opened: Opened) -> None:
    engine = FakeEngine()
    async with opened(engine, "settings") as pilot:
        await go(pilot, "backtest.linear.funding")
        await pilot.press("enter")
        assert "* false not saved" in cell(pilot, "backtest.linear.funding")
        await go(pilot, "logs.level")
        await pilot.press("enter")
        await until(pilot, lambda: len(pilot.app.screen_stack) == 2)
        await type_text(pilot, "debug")
        await pilot.press("enter")
        await until(pilot, lambda: len(area(pilot).changes) == 2)
        await pilot.press("ctrl+s")
        await until(pilot, lambda: not area(pilot).changes)
        assert engine.asked(SaveSettings)[0].changes == (
            ("backtest.linear.funding", "false"),
            ("logs.level", "debug"),
        )
        assert "debug saved" in cell(pilot, "logs.level")
        await pilot.press("b")
        await until(pilot, lambda: isinstance(pilot.app.screen, Confirm))
        await pilot.press("b")
        await until(pilot, lambda: "info default" in cell(pilot, "logs.level"))


async def test_undo_takes_one_change_back_at_a_time_and_default_forgets(opened: Opened) -> None:
    async with opened(FakeEngine(), "settings") as pilot:
        await go(pilot, "backtest.linear.funding")
        await pilot.press("enter", "enter", "enter")
        assert area(pilot).changes == {"backtest.linear.funding": "false"}
        await pilot.press("u")
        assert area(pilot).changes == {}
        await pilot.press("u")
        assert area(pilot).changes == {"backtest.linear.funding": "false"}
        await pilot.press("d")
        assert area(pilot).changes == {}
        await pilot.press("enter", "ctrl+s")
        await until(pilot, lambda: "false saved" in cell(pilot, "backtest.linear.funding"))
        await pilot.press("d")
        assert area(pilot).changes == {"backtest.linear.funding": None}
        assert "true (default)" in cell(pilot, "backtest.linear.funding")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "true default" in cell(pilot, "backtest.linear.funding"))


async def test_search_narrows_by_name_help_and_value(opened: Opened) -> None:
    async with opened(FakeEngine(), "settings") as pilot:
        await shown(pilot)
        await pilot.press("slash")
        await type_text(pilot, "slippage")
        await until(pilot, lambda: 0 < len(table(pilot).rows) < 8)
        await pilot.press("enter")
        assert table(pilot).has_focus
        await pilot.press("escape")
        await until(pilot, lambda: len(table(pilot).rows) > 20)
        await pilot.press("slash")
        await type_text(pilot, "zebra")
        await until(pilot, lambda: "No setting is like that" in screen_text(pilot))


async def test_themes_are_tried_on_while_the_cursor_moves(opened: Opened) -> None:
    async with opened(FakeEngine(), "settings") as pilot:
        await go(pilot, "look.theme")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, ThemeDialog))
        await type_text(pilot, "nord")
        await until(pilot, lambda: pilot.app.theme == "nord")
        await pilot.press("escape")
        await until(pilot, lambda: pilot.app.theme == "night")
        assert area(pilot).changes == {}
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, ThemeDialog))
        await type_text(pilot, "day")
        await pilot.press("enter")
        await until(pilot, lambda: pilot.app.theme == "day")
        assert area(pilot).changes == {"look.theme": "day"}
        await pilot.press("u")
        await until(pilot, lambda: pilot.app.theme == "night")


async def test_colours_of_up_and_down_count_at_once(opened: Opened) -> None:
    async with opened(FakeEngine(), "settings") as pilot:
        await go(pilot, "look.up_down")
        before = pilot.app.theme_variables["up"]
        await pilot.press("enter")
        await until(pilot, lambda: len(pilot.app.screen_stack) == 2)
        await type_text(pilot, "blue")
        await pilot.press("enter")
        await until(pilot, lambda: pilot.app.theme_variables["up"] != before)


async def test_the_connection_is_tested_with_a_changed_address(opened: Opened) -> None:
    engine = FakeEngine()
    async with opened(engine, "settings") as pilot:
        await shown(pilot)
        await pilot.press("t")
        await until(pilot, lambda: "mainnet answered in 112 ms" in pane_text(pilot, "#exchange"))
        engine.settings.reached = False
        await go(pilot, "exchange.url")
        await type_value(pilot, "https://other.example")
        await pilot.press("enter", "t")
        await until(pilot, lambda: "https://other.example cannot be reached" in pane_text(pilot, "#exchange"))


async def test_keys_are_typed_masked_stored_tested_and_forgotten(opened: Opened) -> None:
    engine = FakeEngine()
    async with opened(engine, "settings") as pilot:
        await shown(pilot)
        await pilot.press("a")
        await until(pilot, lambda: isinstance(pilot.app.screen, KeysDialog))
        await type_text(pilot, "mykeymykey")
        await pilot.press("enter")
        await type_text(pilot, SECRET)
        await pilot.pause()
        for picture in (screen_text(pilot), pilot.app.export_screenshot()):
            assert "mykeymykey" not in picture
            assert SECRET not in picture
        await pilot.press("enter")
        await until(pilot, lambda: "the Windows Credential Manager" in pane_text(pilot, "#exchange"))
        assert engine.settings.ring.kept == {"api_key": "mykeymykey", "api_secret": SECRET}
        await pilot.press("t")
        await until(pilot, lambda: "Bybit takes the key" in pane_text(pilot, "#exchange"))
        engine.settings.refused_keys = "Bybit refused the signature."
        await pilot.press("t")
        await until(pilot, lambda: "Bybit refused the signature" in pane_text(pilot, "#exchange"))
        await pilot.press("x")
        await until(pilot, lambda: isinstance(pilot.app.screen, Confirm))
        await pilot.press("x")
        await until(pilot, lambda: "no API keys" in pane_text(pilot, "#exchange"))
        assert engine.settings.ring.kept == {}
        assert SECRET not in "".join(repr(command) for command in engine.commands)


async def test_keys_that_cannot_be_stored_say_why_and_stay_typed(opened: Opened) -> None:
    async with opened(FakeEngine(), "settings") as pilot:
        await shown(pilot)
        await pilot.press("a")
        await until(pilot, lambda: isinstance(pilot.app.screen, KeysDialog))
        await pilot.press("enter", "enter")
        problem = pilot.app.screen.query_one(".problem", Static)
        await until(pilot, lambda: "API key must be letters and digits" in str(problem.content))
        await pilot.press("escape")
        assert len(pilot.app.screen_stack) == 1


async def test_settings_that_cannot_be_read_say_why_and_how_to_go_back(opened: Opened) -> None:
    engine = FakeEngine()
    engine.settings.problem = "config/local.toml, line 3: this is not valid TOML; mend it."
    engine.settings.saving.before = ""
    async with opened(engine, "settings") as pilot:
        await until(pilot, lambda: "The settings cannot be shown" in screen_text(pilot))
        assert "not valid TOML" in screen_text(pilot)
        engine.settings.problem = ""
        await pilot.press("b")
        await until(pilot, lambda: isinstance(pilot.app.screen, Confirm))
        await pilot.press("b")
        await until(pilot, lambda: table(pilot).rows)
        assert "not valid TOML" not in screen_text(pilot)


async def test_quitting_with_changes_asks_and_saves(opened: Opened) -> None:
    engine = FakeEngine("empty")
    async with opened(engine, "settings") as pilot:
        await go(pilot, "backtest.linear.funding")
        await pilot.press("enter", "ctrl+q")
        await until(pilot, lambda: isinstance(pilot.app.screen, Confirm))
        assert "1 setting changed and not saved" in screen_text(pilot)
        await pilot.press("s")
        await until(pilot, lambda: engine.asked(SaveSettings))


async def test_y_copies_the_setting(opened: Opened) -> None:
    async with opened(FakeEngine(), "settings") as pilot:
        await go(pilot, "logs.level")
        await pilot.press("y")
        assert pilot.app.clipboard == "logs.level = info  (default)"


async def test_settings_are_asked_for_once(opened: Opened) -> None:
    engine = FakeEngine()
    async with opened(engine, "settings") as pilot:
        await shown(pilot)
        await pilot.press("2", "9")
        await pilot.pause(0.3)
        assert len(engine.asked(GetSettings)) == 1


@pytest.mark.parametrize("size", [(80, 24), (120, 35), (200, 50)])
async def test_sizes(opened: Opened, size: tuple[int, int]) -> None:
    async with opened(FakeEngine(), "settings", size) as pilot:
        await go(pilot, "exchange.budget_percent")
        text = screen_text(pilot)
        assert "budget_percent" in text
        assert "https://api.bybit.com" in text
        if size[0] == 80:
            await pilot.press("tab")
            await until(pilot, lambda: "Share of Bybit's 600 requests" in screen_text(pilot))
            await pilot.press("tab")
            await until(pilot, lambda: "no API keys" in screen_text(pilot))
            await pilot.press("tab")
            await until(pilot, lambda: "+0.82 up" in screen_text(pilot))
        else:
            for part in ("Share of Bybit's", "no API keys", "+0.82 up"):
                assert part in text
