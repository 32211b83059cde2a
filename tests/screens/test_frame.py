"""The frame: areas, keys, banner, help, quitting, the smallest terminal."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from textual.command import CommandList, CommandPalette
from textual.widgets import Input

from tests.screens.conftest import Opened, screen_text, type_text, until
from tests.support.fake_engine import FakeEngine
from tradebot.engine.control.errors import ShortfallError
from tradebot.engine.messages import CheckData
from tradebot.screens.dialogs import Confirm, HelpDialog
from tradebot.screens.frame import Banner, HealthBar, NavBar, key_hints
from tradebot.screens.handle import reply_to
from tradebot.screens.palette_commands import commands_of
from tradebot.screens.widgets.lines_view import LinesView


async def test_the_engine_starts_after_the_first_frame_and_stops_at_the_end(opened: Opened) -> None:
    engine = FakeEngine()
    async with opened(engine):
        assert engine.started == 1
        assert engine.stopped == 0
    assert engine.stopped == 1


async def test_digits_visit_areas_and_each_keeps_its_state(opened: Opened) -> None:
    async with opened(FakeEngine()) as pilot:
        await pilot.press("down", "down")
        await pilot.press("4")
        await until(
            pilot, lambda: "4 Build" in pilot.app.query_one(NavBar).plain and pilot.app.query("FormPane")
        )
        await pilot.press("5")
        await until(pilot, lambda: pilot.app.query("TradesPane"))
        await pilot.press("2")
        await until(pilot, lambda: pilot.app.focused is not None and pilot.app.focused.id == "datasets")
        assert pilot.app.query_one("#datasets").cursor == 2


async def test_the_first_rows_say_mode_source_time_stream_budget_price_and_jobs(opened: Opened) -> None:
    async with opened(FakeEngine("full")) as pilot:
        assert " DEMO  simulator, seed 1  14:32:07Z" in pilot.app.query_one(NavBar).plain
        health = pilot.app.query_one(HealthBar).plain
        for part in (
            "stream 38ms",
            "REST 96/600",
            "BTC 63,812.4 ▲ 0.82%",
            "2 jobs",
            "! 1 failed",
            "412 GB free",
        ):
            assert part in health


async def test_banner_tells_what_is_wrong_and_goes_when_it_is_over(opened: Opened) -> None:
    engine = FakeEngine("lost")
    async with opened(engine) as pilot:
        banner = pilot.app.query_one(Banner)
        assert banner.display
        assert "silent for 47 s" in banner.plain
        engine.scenario = "full"
        await until(pilot, lambda: not banner.display)


async def test_an_engine_that_cannot_start_is_a_sentence_on_the_banner(opened: Opened) -> None:
    engine = FakeEngine()
    engine.start_error = ShortfallError(
        "The data folder is in use by another tradebot; close that one first."
    )
    async with opened(engine) as pilot:
        await until(pilot, lambda: "in use by another" in pilot.app.query_one(Banner).plain)


async def test_a_failing_drawing_becomes_a_banner_not_the_end(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = FakeEngine()
    async with opened(engine) as pilot:
        snapshot = engine.snapshot
        monkeypatch.setattr(engine, "snapshot", lambda: 1 / 0)
        await until(pilot, lambda: "ZeroDivisionError" in pilot.app.query_one(Banner).plain)
        monkeypatch.setattr(engine, "snapshot", snapshot)
        await until(pilot, lambda: not pilot.app.query_one(Banner).display)


async def test_letters_typed_into_a_field_are_letters(opened: Opened) -> None:
    async with opened(FakeEngine()) as pilot:
        await pilot.press("slash")
        assert isinstance(pilot.app.focused, Input)
        await type_text(pilot, "4nx/q?:")
        assert pilot.app.focused.value == "4nx/q?:"
        assert len(pilot.app.screen_stack) == 1
        assert key_hints(pilot.app.focused) == [("Tab", "pane")]


async def test_help_lists_the_keys_of_the_focused_pane(opened: Opened) -> None:
    async with opened(FakeEngine()) as pilot:
        await pilot.press("question_mark")
        await until(pilot, lambda: isinstance(pilot.app.screen, HelpDialog))
        await pilot.pause()
        text = pilot.app.screen.query_one(LinesView).plain
        assert "One row for each file of bars" in text
        for key, what in (("v", "verify"), ("n", "new"), ("? F1", "help"), ("4", "Build")):
            assert re.search(rf"^ {re.escape(key)} +{what}$", text, re.MULTILINE), key
        await pilot.press("escape")
        assert len(pilot.app.screen_stack) == 1


async def test_the_palette_opens_on_both_keys_and_runs_a_command(opened: Opened) -> None:
    async with opened(FakeEngine()) as pilot:
        await pilot.press("colon")
        await until(pilot, lambda: isinstance(pilot.app.screen, CommandPalette))
        await pilot.press("escape", "ctrl+p")
        await until(pilot, lambda: isinstance(pilot.app.screen, CommandPalette))
        pilot.app.screen.query_one(Input).value = "go to test"
        rows = pilot.app.screen.query_one(CommandList)
        await until(pilot, lambda: rows.option_count == 1)
        await pilot.press("enter")
        await until(pilot, lambda: pilot.app.query("ResultsArea"))


async def test_quitting_asks_while_jobs_run(opened: Opened) -> None:
    async with opened(FakeEngine()) as pilot:
        await pilot.press("ctrl+q")
        await until(pilot, lambda: isinstance(pilot.app.screen, Confirm))
        assert "collect LTCUSDT 1m" in screen_text(pilot)
        await pilot.press("escape")
        assert len(pilot.app.screen_stack) == 1
        await pilot.press("ctrl+q")
        await until(pilot, lambda: isinstance(pilot.app.screen, Confirm))
        await pilot.press("q")
        await until(pilot, lambda: not pilot.app.is_running)


async def test_quitting_asks_nothing_when_nothing_would_be_lost(opened: Opened) -> None:
    async with opened(FakeEngine("empty")) as pilot:
        await pilot.press("ctrl+q")
        await until(pilot, lambda: not pilot.app.is_running)


async def test_below_80x24_only_the_guard_is_shown(opened: Opened) -> None:
    async with opened(FakeEngine()) as pilot:
        await pilot.resize_terminal(60, 20)
        await until(pilot, lambda: "Terminal is 60x20" in screen_text(pilot))
        assert "2 jobs" in screen_text(pilot)
        assert "Datasets" not in screen_text(pilot)
        await pilot.resize_terminal(80, 24)
        await until(pilot, lambda: "Datasets 14" in screen_text(pilot))


async def test_narrow_shows_one_pane_and_tab_goes_round(opened: Opened) -> None:
    async with opened(FakeEngine(), size=(80, 24)) as pilot:
        seen = []
        for _ in range(5):
            shown = [
                pane.label for pane in pilot.app.query("DataArea Pane").results() if pane.size.height > 0
            ]
            assert len(shown) == 1
            seen += shown
            await pilot.press("tab")
            await pilot.pause()
        assert seen == ["Datasets", "Prices", "Streams", "Budget", "Jobs"]
        assert pilot.app.focused is not None
        assert pilot.app.focused.id == "datasets"


async def test_m_gives_a_pane_all_the_room_and_back(opened: Opened) -> None:
    async with opened(FakeEngine()) as pilot:
        pane = pilot.app.query_one("#datasets-pane")
        usual = pane.size
        await pilot.press("m")
        await until(pilot, lambda: pane.outer_size.width == 120)
        assert pane.outer_size.height == 32
        await pilot.press("m")
        await until(pilot, lambda: pane.size == usual)


async def test_y_copies_the_row_under_the_cursor(opened: Opened) -> None:
    async with opened(FakeEngine()) as pilot:
        await pilot.press("down", "down", "down", "y")
        await pilot.pause()
        assert pilot.app.clipboard.startswith("linear/ETHUSDT_1m: ")
        assert "2 gaps, 74 bars missing" in pilot.app.clipboard


async def test_warnings_and_ended_jobs_are_told_once(opened: Opened) -> None:
    engine = FakeEngine()
    async with opened(engine) as pilot:
        engine.say("warning", "ETHUSDT 1m is locked by another program; new bars wait in a journal.")
        engine.say("info", "Nothing to worry about.")
        await until(pilot, lambda: len(pilot.app._notifications) == 1)
        await pilot.pause(0.6)
        assert [each.message for each in pilot.app._notifications] == [
            "ETHUSDT 1m is locked by another program; new bars wait in a journal."
        ]


async def test_a_refusal_reaches_the_one_who_asked() -> None:
    with pytest.raises(ShortfallError.__mro__[1], match="no dataset"):
        await reply_to(FakeEngine(), CheckData("linear/NOPE_1m"))


async def test_themes_switch_while_it_runs(opened: Opened) -> None:
    async with opened(FakeEngine()) as pilot:
        pilot.app.theme = "day"
        await pilot.pause()
        style = pilot.app.query_one("#datasets").rich_style
        assert style.bgcolor is not None
        assert style.bgcolor.triplet is not None
        assert min(style.bgcolor.triplet) > 200


async def test_up_and_down_take_another_pair_of_colours(opened: Opened) -> None:
    async with opened(FakeEngine()) as pilot:
        usual = pilot.app.theme_variables["up"], pilot.app.theme_variables["down"]
        commands = {each.title: each.run for each in commands_of(pilot.app)}
        commands["Up and down in red and green"]()
        await pilot.pause()
        assert (pilot.app.theme_variables["down"], pilot.app.theme_variables["up"]) == usual
        pilot.app.theme = "textual-light"
        await pilot.pause()
        assert pilot.app.theme_variables["up"] not in usual


def test_importing_the_app_loads_nothing_heavy() -> None:
    code = (
        "import sys, tradebot.app; "
        "print(sorted(set(sys.modules) & {'numba', 'pandas', 'talib', 'pybit', 'plotext', 'aiohttp'}))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"
