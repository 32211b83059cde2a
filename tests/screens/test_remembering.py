"""What was open, chosen, sorted and zoomed is there again at the next start."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from tests.screens.conftest import ready, screen_text, type_text, until
from tests.support.fake_engine import FakeEngine
from tradebot.app import TradebotApp
from tradebot.commands.screens_file import ScreensFile
from tradebot.screens.chart import ChartArea
from tradebot.screens.data_datasets import DatasetsPane
from tradebot.screens.look import Look
from tradebot.screens.remembering import Kept, Remembering


class Memory:
    """A memory that keeps what it is given."""

    def __init__(self, state: Mapping[str, Any] | None = None) -> None:
        self.state: Mapping[str, Any] = state or {}
        self.writes = 0

    def keep(self, state: Mapping[str, Any]) -> None:
        self.state = json.loads(json.dumps(state))
        self.writes += 1


@asynccontextmanager
async def session(memory: Memory, engine: FakeEngine | None = None, look: Look | None = None):
    """The app with a memory, ended as a person ends it."""
    app = TradebotApp(engine or FakeEngine(), look=look or Look(refresh_hz=12), memory=memory)
    async with app.run_test(size=(120, 35)) as pilot:
        await ready(pilot)
        yield pilot
        app.exit()


def chart_of(pilot: Pilot[None]) -> ChartArea:
    return pilot.app.query_one(ChartArea)


async def test_area_filter_order_row_and_maximised_pane_are_there_again() -> None:
    memory = Memory()
    async with session(memory) as pilot:
        await pilot.press("s", "slash")
        await type_text(pilot, "eth")
        await pilot.press("enter", "down", "m")
        table = pilot.app.query_one("#datasets")
        await until(pilot, lambda: table.cursor == 1)
        chosen = table.current.key
        pilot.app.use_look("day", "blue and orange")
    async with session(memory) as pilot:
        await until(pilot, lambda: pilot.app.query_one("#datasets").current is not None)
        assert pilot.app.query_one("#datasets").current.key == chosen
        assert (pilot.app.theme, str(pilot.app.pair)) == ("day", "blue and orange")
        text = screen_text(pilot)
        assert "Datasets · eth · by gaps, most first" in text
        assert "Prices" not in text  # still maximised
        await pilot.press("m")
        await until(pilot, lambda: "Prices" in screen_text(pilot))


async def test_the_chart_comes_back_with_symbol_timeframe_place_zoom_and_indicators() -> None:
    memory = Memory()
    async with session(memory) as pilot:
        await pilot.press("3")
        await until(pilot, lambda: pilot.app.query("ChartArea") and chart_of(pilot).pane.view is not None)
        pane = chart_of(pilot).pane
        await pilot.press("right_square_bracket", "minus", "pageup", "left", "v")
        await until(pilot, lambda: pane.settled)
        before = pane.subject, pane.viewport
        assert before[1].cursor_ms is not None
    engine = FakeEngine()
    async with session(memory, engine) as pilot:
        await until(pilot, lambda: pilot.app.query("ChartArea") and chart_of(pilot).pane.view is not None)
        pane = chart_of(pilot).pane
        await until(pilot, lambda: pane.settled)
        assert (pane.subject, pane.viewport) == before
        assert not pane.with_volume


async def test_the_open_result_its_tab_and_the_filter_of_its_trades_come_back() -> None:
    memory = Memory()
    async with session(memory) as pilot:
        await pilot.press("5")
        await until(pilot, lambda: pilot.app.query("ResultsArea"))
        await ready(pilot)
        await pilot.press("right_square_bracket", "slash")
        await type_text(pilot, "long")
        await pilot.press("enter")
        await until(pilot, lambda: "long · newest first" in screen_text(pilot))
        pilot.app.query_one("ResultsArea").open_result("bt-0193")
        await pilot.pause(0.2)
        await pilot.press("slash")
        await type_text(pilot, "win")
        await pilot.press("enter")
        await until(pilot, lambda: "win · newest first" in screen_text(pilot))
    engine = FakeEngine()
    engine.add_result("bt-0200", "ema-x", 10, 1_000)
    async with session(memory, engine) as pilot:
        await until(pilot, lambda: "win · newest first" in screen_text(pilot))
        assert pilot.app.query_one("ResultsArea").view.result_id == "bt-0193"


async def test_what_is_not_there_any_more_is_left_out() -> None:
    state = {
        "open": "chart",
        "areas": {
            "chart": {"symbol": "GONEUSDT", "timeframe": "7m", "zoom": 999, "result": "no-such", "pane": 7},
            "test": {"result": "no-such", "tab": "No such tab", "sort": "nonsense"},
            "data": {"sort": "nonsense", "dataset": "linear/GONE_1m", "filter": 5, "maximised": "yes"},
            "build": {"strategy": "no-such"},
            "logs": {"level": "loud", "since": "ever"},
            "settings": {"setting": "no.such"},
        },
        "look": ["no-theme"],
        "recent": "x",
    }
    async with session(Memory(state)) as pilot:
        await until(pilot, lambda: chart_of(pilot).pane.view is not None)
        assert chart_of(pilot).pane.subject.symbol == "BTCUSDT"
        for key, pane in (("5", "ResultsArea"), ("2", "DataArea"), ("4", "BuildArea"), ("8", "LogsArea")):
            await pilot.press(key)
            await until(pilot, lambda pane=pane: pilot.app.query(pane))
            await ready(pilot)
        assert pilot.app.query_one("ResultsArea").view is not None


async def test_a_state_that_cannot_be_taken_up_is_logged_and_the_area_begins_anew(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(DatasetsPane, "remember", lambda self, kept: 1 / 0)
    async with session(Memory({"areas": {"data": {"filter": "eth"}}})) as pilot:
        await until(pilot, lambda: "Datasets 14" in screen_text(pilot) or "14 datasets" in screen_text(pilot))
    assert [each.getMessage() for each in caplog.records if each.name == "tradebot.screens"] == [
        "DataArea begins anew: its last state cannot be taken up."
    ]


async def test_an_opened_strategy_comes_back_without_a_test_of_it() -> None:
    memory = Memory()
    async with session(memory) as pilot:
        await pilot.press("4")
        await until(pilot, lambda: pilot.app.query("BuildArea") and pilot.app.query_one("BuildArea").started)
        other = next(
            each.name
            for each in pilot.app.latest.strategies
            if each.name != pilot.app.query_one("BuildArea").draft.name
        )
        pilot.app.query_one("BuildArea").open_strategy(other)
        await until(pilot, lambda: pilot.app.query_one("BuildArea").draft.name == other)
    async with session(memory) as pilot:
        await until(pilot, lambda: pilot.app.query("BuildArea") and pilot.app.query_one("BuildArea").started)
        assert pilot.app.query_one("BuildArea").draft.name == other


# ---------------------------------------------------------------------------------------------- the file


def test_the_file_keeps_one_state_for_each_data_folder(tmp_path: Path) -> None:
    path = tmp_path / "state" / "screens.json"
    for folder, area in (("a", "chart"), ("b", "test"), ("a", "logs")):
        file = ScreensFile(path, tmp_path / folder)
        file.keep({"open": area})
        file.close()
    assert ScreensFile(path, tmp_path / "a").state == {"open": "logs"}
    assert ScreensFile(path, tmp_path / "b").state == {"open": "test"}
    assert ScreensFile(path, tmp_path / "c").state == {}
    assert [each.name for each in path.parent.iterdir()] == ["screens.json"]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b'{"version": 1, "folders": {', "is damaged"),
        (b"\xff\xfe\x00", "cannot be read"),
        (b'{"version": 99, "folders": {}}', "another version"),
        (b"[1, 2]", "another version"),
        (b"[" * 100_000, "is damaged"),
    ],
)
def test_a_damaged_file_is_left_out_with_a_sentence(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, content: bytes, why: str
) -> None:
    path = tmp_path / "screens.json"
    path.write_bytes(content)
    file = ScreensFile(path, tmp_path)
    assert file.state == {}
    assert len(caplog.records) == 1
    assert why in caplog.records[0].getMessage()
    file.keep({"open": "test"})
    file.close()
    assert ScreensFile(path, tmp_path).state == {"open": "test"}


def test_a_first_start_has_nothing_to_say(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = ScreensFile(tmp_path / "state" / "screens.json", tmp_path)
    file.keep({"open": "data"})
    file.close()
    assert caplog.records == []


def test_many_changes_are_few_writes_and_the_last_one_counts(tmp_path: Path) -> None:
    file = ScreensFile(tmp_path / "screens.json", tmp_path, pause_seconds=60)
    for number in range(500):
        file.keep({"number": number})
    file.close()
    assert ScreensFile(tmp_path / "screens.json", tmp_path).state == {"number": 499}


def test_a_folder_that_cannot_be_written_is_said_once_and_nothing_else(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "state").write_text("a file in the way", encoding="utf-8")
    file = ScreensFile(tmp_path / "state" / "screens.json", tmp_path)
    file.keep({"open": "test"})
    file.close()
    assert any("could not be kept" in each.getMessage() for each in caplog.records)


@pytest.mark.parametrize("values", [None, 5, "text", [1], {"a": {"b": 1}}])
def test_values_of_any_kind_are_taken_as_nothing(values: object) -> None:
    kept = Kept(values)
    assert (kept.text("a"), kept.number("a"), kept.flag("a"), kept.texts("a")) == ("", None, False, ())


def test_recent_commands_are_few_and_the_newest_first() -> None:
    remembering = Remembering(None)
    for number in range(30):
        remembering.used(f"command {number % 15}")
    assert remembering.recent[:2] == ("command 14", "command 13")
    assert len(remembering.recent) == 12


def test_a_theme_chosen_in_passing_stays_until_the_settings_name_another() -> None:
    memory = Memory({"look": ["day", "blue and orange", "night", "green and red"]})
    remembering = Remembering(memory)
    assert remembering.look(("night", "green and red")) == ("day", "blue and orange")
    assert remembering.look(("contrast", "green and red")) == ("contrast", "green and red")


def test_nothing_is_handed_over_while_nothing_changes() -> None:
    memory = Memory()
    remembering = Remembering(memory)
    for _ in range(5):
        remembering.note("data", {"sort": "name"}, ())
    assert memory.writes == 1
    remembering.note("data", {"sort": "rows"}, ())
    remembering.note("chart", {}, ())
    assert memory.writes == 3
    assert Remembering(memory).of("data").text("sort") == "rows"
