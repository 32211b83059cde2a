"""Habits that are the same everywhere: Esc, a trade on the chart and back, leaving, the smallest terminal."""

from __future__ import annotations

from textual.pilot import Pilot

from tests.screens.conftest import Opened, ready, screen_text, type_text, until
from tests.support.fake_engine import FakeEngine
from tradebot.screens.chart import ChartArea
from tradebot.screens.data_collect import CollectDialog
from tradebot.screens.dialogs import Confirm
from tradebot.screens.frame import NavBar
from tradebot.screens.results import ResultsArea
from tradebot.screens.results_trades import TradesPane
from tradebot.screens.trade_dialog import TradeDialog


def shown_area(pilot: Pilot[None]) -> str:
    nav = pilot.app.query_one(NavBar)
    return next(text.strip() for text, tone in nav.line if tone == "badge-primary")


# ---------------------------------------------------------------------------------------------- Esc


async def test_esc_ends_the_filter_then_the_maximised_pane_and_never_the_app(opened: Opened) -> None:
    async with opened(FakeEngine()) as pilot:
        app = pilot.app
        for key, filter_id in (("2", "#dataset-filter"), ("8", "#log-search"), ("5", "#trade-filter")):
            await pilot.press(key)
            await until(pilot, lambda name=filter_id: app.query(name) and app._visible.query(name))
            await ready(pilot)
            shown, entry = app._visible, app.query_one(filter_id)
            if key == "5":
                shown.visit_pane(app.query_one(TradesPane))
            await pilot.press("m", "slash")
            await until(pilot, lambda entry=entry: entry.has_class("-open") and app.focused is entry)
            await type_text(pilot, "a")
            await pilot.press("escape")
            await until(pilot, lambda entry=entry: not entry.has_class("-open"))
            assert entry.value == ""
            assert shown.has_class("-maximised")
            await pilot.press("escape")
            await until(pilot, lambda shown=shown: not shown.has_class("-maximised"))
            await pilot.press("escape", "escape")
            assert app.is_running
            assert len(app.screen_stack) == 1


async def test_esc_closes_a_window_and_leaves_what_is_behind_it_alone(opened: Opened) -> None:
    async with opened(FakeEngine()) as pilot:
        await pilot.press("m", "n")
        await until(pilot, lambda: isinstance(pilot.app.screen, CollectDialog))
        await pilot.press("escape")
        await until(pilot, lambda: len(pilot.app.screen_stack) == 1)
        assert pilot.app.query_one("DataArea").has_class("-maximised")


# ---------------------------------------------------------------------------------------------- a trade on the chart


async def test_a_trade_is_shown_on_the_chart_and_esc_comes_back_to_it(opened: Opened) -> None:
    async with opened(FakeEngine(), "test") as pilot:
        app = pilot.app
        app.query_one("#trades").focus()
        await pilot.press("down", "down", "o")
        trade = app.query_one("#trades").current
        await until(pilot, lambda: app.query(ChartArea) and app.query_one(ChartArea).pane.view is not None)
        pane = app.query_one(ChartArea).pane
        await until(pilot, lambda: pane.settled)
        assert shown_area(pilot) == "3 Chart"
        assert pane.subject.symbol == trade.symbol
        assert pane.subject.result_id == "bt-0193"
        assert pane.viewport.timeframe == app.query_one(ResultsArea).view.timeframe
        assert pane.viewport.cursor_ms == pane.viewport.floor(trade.entry_ms)
        await pilot.press("escape", "escape")  # the cursor first, then back
        await until(pilot, lambda: shown_area(pilot) == "5 Test")
        assert app.query_one("#trades").current == trade
        await pilot.press("escape")
        await pilot.pause()
        assert shown_area(pilot) == "5 Test"  # once back, there is nowhere further
        await pilot.press("3", "escape", "escape")  # a digit is no way that Esc goes back
        await until(pilot, lambda: shown_area(pilot) == "3 Chart")


async def test_the_window_of_a_trade_leads_to_the_chart_as_well(opened: Opened) -> None:
    async with opened(FakeEngine(), "test") as pilot:
        app = pilot.app
        app.query_one("#trades").focus()
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, TradeDialog))
        await pilot.press("n", "o")
        await until(pilot, lambda: len(app.screen_stack) == 1 and shown_area(pilot) == "3 Chart")
        await until(pilot, lambda: app.query_one(ChartArea).pane.subject.result_id == "bt-0193")
        assert app.query_one("#trades").cursor == 1


# ---------------------------------------------------------------------------------------------- leaving


async def test_ctrl_c_ends_nothing_and_says_how_to_quit(opened: Opened) -> None:
    async with opened(FakeEngine()) as pilot:
        await pilot.press("ctrl+c")
        await until(pilot, lambda: pilot.app._notifications)
        assert "^q quits. y copies" in next(iter(pilot.app._notifications)).message
        assert pilot.app.is_running


async def test_quitting_lists_jobs_and_edits_and_staying_is_one_key(opened: Opened) -> None:
    async with opened(FakeEngine(), "build") as pilot:
        app = pilot.app
        app.query_one("BuildArea").open_text(app.query_one("BuildArea").draft.text)
        await until(pilot, lambda: app.query_one("BuildArea").unsaved())
        await pilot.press("ctrl+q")
        await until(pilot, lambda: isinstance(app.screen, Confirm))
        text = screen_text(pilot)
        assert "Still running: collect LTCUSDT 1m" in text
        assert "are not saved" in text
        assert "quit now" in text
        await pilot.press("ctrl+q")  # asked once is enough
        await pilot.press("escape")
        assert len(app.screen_stack) == 1
        assert app.is_running


# ---------------------------------------------------------------------------------------------- the smallest terminal


async def test_below_80x24_a_window_gives_way_to_the_guard_and_comes_back_as_it_was(opened: Opened) -> None:
    engine = FakeEngine()
    async with opened(engine) as pilot:
        await pilot.press("n")
        await until(pilot, lambda: isinstance(pilot.app.screen, CollectDialog))
        pilot.app.screen.query_one("#since").value = "123d"
        await pilot.resize_terminal(60, 20)
        await until(pilot, lambda: "Terminal is 60x20" in screen_text(pilot))
        assert "The engine keeps running: 2 jobs." in screen_text(pilot)
        assert "123d" not in screen_text(pilot)
        await pilot.resize_terminal(120, 35)
        await until(pilot, lambda: "123d" in screen_text(pilot))
        assert isinstance(pilot.app.screen, CollectDialog)
