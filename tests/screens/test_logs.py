"""The Logs area: levels, component, time, search, following, one record in full, states, sizes."""

from __future__ import annotations

import json
import time

import pytest
from textual.widgets import Static

from tests.screens.conftest import Opened, screen_text, type_text, until
from tests.support.fake_engine import FakeEngine
from tradebot.engine.messages import GetLogs, LogRecord
from tradebot.screens.logs import LogsArea
from tradebot.screens.logs_panes import RecordPane
from tradebot.screens.widgets.lines_view import LinesView
from tradebot.screens.widgets.log_view import LogView


def view(pilot) -> LogView:
    return pilot.app.query_one(LogView)


def sentences(pilot) -> list[str]:
    return [record.sentence for record in view(pilot).records]


def subtitle(pilot) -> str:
    return str(pilot.app.query_one("#records-pane").border_subtitle)


def record_text(pilot) -> str:
    return pilot.app.query_one(RecordPane).query_one(LinesView).plain


async def shown(pilot) -> None:
    await until(pilot, lambda: view(pilot).records and record_text(pilot))


async def test_it_opens_on_the_newest_record_with_counts_and_follows(opened: Opened) -> None:
    engine = FakeEngine()
    async with opened(engine, "logs") as pilot:
        await shown(pilot)
        assert view(pilot).current.sentence.startswith("12 bars of 12 symbols were stored in 7 ms")
        assert subtitle(pilot) == "10 records · 1 error · following"
        engine.logs.add("warning", "store", "The disk is full.")
        await until(pilot, lambda: view(pilot).current.sentence == "The disk is full.")
        assert subtitle(pilot) == "11 records · 1 error · following"
        await until(pilot, lambda: "What we did" in record_text(pilot))


async def test_moving_up_stays_and_counts_what_comes_below_until_g(opened: Opened) -> None:
    engine = FakeEngine()
    async with opened(engine, "logs") as pilot:
        await shown(pilot)
        await pilot.press("up", "up")
        here = view(pilot).current
        for number in range(3):
            engine.logs.add("info", "store", f"news {number}")
        await until(pilot, lambda: "3 new below · G follows" in subtitle(pilot))
        assert view(pilot).current is here
        await pilot.press("G")
        assert view(pilot).current.sentence == "news 2"
        assert "following" in subtitle(pilot)


@pytest.mark.parametrize("key", ["space", "up", "k", "pageup", "home", "g"])
async def test_keys_that_stop_following(opened: Opened, key: str) -> None:
    async with opened(FakeEngine(), "logs") as pilot:
        await shown(pilot)
        await pilot.press(key)
        assert not view(pilot).following
        assert "stopped" in subtitle(pilot)
        await pilot.press("space")
        assert view(pilot).following
        assert view(pilot).cursor == 9


async def test_l_shows_from_the_next_level_on_and_everything_again(opened: Opened) -> None:
    async with opened(FakeEngine(), "logs") as pilot:
        await shown(pilot)
        for count in (8, 2, 1, 10):
            await pilot.press("l")
            await until(pilot, lambda count=count: len(view(pilot).records) == count)
        assert subtitle(pilot).startswith("10 records")


async def test_the_cursor_stays_on_its_record_when_others_are_left_out(opened: Opened) -> None:
    async with opened(FakeEngine(), "logs") as pilot:
        await shown(pilot)
        await pilot.press("home", "down", "down", "down")
        assert view(pilot).current.level == "warning"
        await pilot.press("l", "l")
        await until(pilot, lambda: len(view(pilot).records) == 2)
        assert view(pilot).current.level == "warning"
        assert subtitle(pilot).startswith("2 of 10 records")


async def test_c_asks_for_a_component(opened: Opened) -> None:
    async with opened(FakeEngine(), "logs") as pilot:
        await shown(pilot)
        await pilot.press("c")
        await until(pilot, lambda: len(pilot.app.screen_stack) == 2)
        await type_text(pilot, "exch")
        await pilot.press("enter")
        await until(pilot, lambda: len(view(pilot).records) == 2)
        assert {record.component for record in view(pilot).records} == {"exchange"}
        assert "component exchange" in screen_text(pilot)


async def test_s_shows_a_shorter_time(opened: Opened) -> None:
    async with opened(FakeEngine(), "logs") as pilot:
        await shown(pilot)
        await pilot.press("s")
        await until(pilot, lambda: len(view(pilot).records) == 9)
        assert "since 1 hour" in screen_text(pilot)


async def test_a_search_marks_what_it_finds_and_n_goes_through_it(opened: Opened) -> None:
    async with opened(FakeEngine(), "logs") as pilot:
        await shown(pilot)
        await pilot.press("slash")
        await type_text(pilot, "stored")
        await until(pilot, lambda: len(view(pilot).matches) == 2)
        assert len(view(pilot).records) == 10
        await pilot.press("enter")
        assert view(pilot).has_focus
        assert screen_text(pilot).count("▌") == 2
        await until(pilot, lambda: "2 of 2 found" in subtitle(pilot))
        await pilot.press("n")
        assert "1 of 2 found" in subtitle(pilot)
        await pilot.press("N")
        assert "2 of 2 found" in subtitle(pilot)
        await pilot.press("escape")
        await until(pilot, lambda: not view(pilot).matches)
        assert "▌" not in screen_text(pilot)


async def test_an_expression_that_is_none_is_said_below_the_search_and_typed_on(opened: Opened) -> None:
    engine = FakeEngine()
    async with opened(engine, "logs") as pilot:
        await shown(pilot)
        await pilot.press("slash")
        pilot.app.query_one("#log-search").value = "/(/"
        problem = pilot.app.query_one("#log-problem", Static)
        await until(pilot, lambda: problem.display and "no regular expression" in str(problem.content))
        asked = len(engine.asked(GetLogs))
        await pilot.pause(0.3)
        assert len(engine.asked(GetLogs)) == asked
        pilot.app.query_one("#log-search").value = "/pong|stored/"
        await until(pilot, lambda: len(view(pilot).matches) == 3)
        assert not problem.display


async def test_a_record_says_what_happened_what_we_did_and_what_you_can_do(opened: Opened) -> None:
    async with opened(FakeEngine(), "logs") as pilot:
        await shown(pilot)
        view(pilot).move_to(6)
        await until(pilot, lambda: "What you can do" in record_text(pilot))
        text = record_text(pilot)
        for part in (
            "What happened    Bybit refused it: 10002",
            "What we did      The exchange's clock is asked again",
            "What you can do  Turn on the automatic time",
            "ExchangeError: 10002",
        ):
            assert part in text
        assert "ERROR 2026" in str(pilot.app.query_one(RecordPane).border_title)
        await pilot.press("enter")
        assert pilot.app.query_one(LogsArea).current_pane is pilot.app.query_one(RecordPane)
        await pilot.press("escape")
        assert view(pilot).has_focus


async def test_y_copies_the_record_with_what_can_be_done(opened: Opened) -> None:
    async with opened(FakeEngine(), "logs") as pilot:
        await shown(pilot)
        view(pilot).move_to(6)
        await until(pilot, lambda: "What you can do" in record_text(pilot))
        await pilot.press("y")
        copied = json.loads(pilot.app.clipboard)
        assert copied["component"] == "exchange"
        assert copied["can_do"].startswith("Turn on the automatic time")
        assert "Traceback" in copied["details"]


async def test_nothing_logged_yet_says_what_to_do(opened: Opened) -> None:
    async with opened(FakeEngine("empty"), "logs") as pilot:
        await until(pilot, lambda: "Nothing is logged yet" in screen_text(pilot))
        assert "~/.local/state/tradebot/log" in screen_text(pilot)
        for key in ("n", "y", "space", "slash", "c"):
            await pilot.press(key)  # none of them does anything, none of them fails
        assert len(pilot.app.screen_stack) == 1


async def test_filters_that_leave_nothing_say_which_keys_help(opened: Opened) -> None:
    engine = FakeEngine("empty")
    engine.logs.add("info", "store", "12 bars were stored.")
    async with opened(engine, "logs") as pilot:
        await shown(pilot)
        await pilot.press("l", "l")
        await until(pilot, lambda: "No record is like that" in screen_text(pilot))
        assert record_text(pilot) == ""


async def test_a_log_that_cannot_be_written_is_said_above_the_records(opened: Opened) -> None:
    engine = FakeEngine()
    engine.logs.problem = "Nothing is logged: the disk is full; make room."
    async with opened(engine, "logs") as pilot:
        await until(pilot, lambda: "Nothing is logged: the disk is full" in screen_text(pilot))
        engine.logs.problem = ""
        await until(pilot, lambda: "Nothing is logged" not in screen_text(pilot))


async def test_it_asks_only_while_it_is_visible_and_never_twice_at_a_time(opened: Opened) -> None:
    engine = FakeEngine()
    async with opened(engine, "logs") as pilot:
        await shown(pilot)
        engine.hold()
        await pilot.pause(0.3)
        asked = len(engine.asked(GetLogs))
        await pilot.pause(0.3)
        assert len(engine.asked(GetLogs)) == asked
        engine.release()
        await pilot.press("2")
        await pilot.pause(0.3)
        asked = len(engine.asked(GetLogs))
        await pilot.pause(0.3)
        assert len(engine.asked(GetLogs)) == asked


async def test_nothing_is_painted_where_nothing_came(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened(FakeEngine(), "logs") as pilot:
        await shown(pilot)
        await pilot.pause(0.3)
        painted: list[int] = []
        render = LogView.render_line
        monkeypatch.setattr(LogView, "render_line", lambda self, y: (painted.append(y), render(self, y))[1])
        await pilot.pause(0.5)
        assert painted == []


async def test_a_hundred_thousand_records_are_drawn_by_the_row(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = FakeEngine("empty")
    engine.logs.add_many(100_000)
    async with opened(engine, "logs") as pilot:
        await shown(pilot)
        log = view(pilot)
        assert len(log.records) == 100_000
        drawn: list[LogRecord] = []
        row = LogView._row
        monkeypatch.setattr(
            LogView, "_row", lambda self, record, *rest: (drawn.append(record), row(self, record, *rest))[1]
        )
        began = time.process_time()
        for key in ("home", "pagedown", "pagedown", "end", "pageup", "home", "end"):
            await pilot.press(key)
        assert len(drawn) < 7 * 2 * log.size.height
        assert (
            time.process_time() - began < 5
        )  # a hundred times what it takes: a list walked for each key shows
        assert log.current.sentence == "99,999 bars were stored."


@pytest.mark.parametrize("size", [(80, 24), (120, 35), (200, 50)])
async def test_sizes(opened: Opened, size: tuple[int, int]) -> None:
    async with opened(FakeEngine(), "logs", size) as pilot:
        await shown(pilot)
        text = screen_text(pilot)
        assert "ERROR  exchange" in text
        assert "Bybit refused it: 10002" in text
        assert ("14:31:58.000" in text) is (size[0] > 90)
        assert "following" in text
        if size[0] == 80:
            await pilot.press("tab")
            await until(pilot, lambda: "What happened" in screen_text(pilot))
        else:
            assert "What happened" in text


async def test_old_records_are_let_go_of_and_the_cursor_stays_on_its_own(opened: Opened) -> None:
    engine = FakeEngine("empty")
    engine.logs.add_many(100)
    async with opened(engine, "logs") as pilot:
        await shown(pilot)
        log = view(pilot)
        log._capacity = 50
        log.move_to(80)
        here = log.current
        engine.logs.add_many(10)
        await until(pilot, lambda: len(log.records) == 50)
        assert log.current is here
        assert log.records[-1].sequence == 110
