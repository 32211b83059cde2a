"""The Data area: collecting, importing, checking, stopping, filtering, and what it says before there is data."""

from __future__ import annotations

from dataclasses import replace

from textual.widgets import Input

from tests.screens.conftest import Opened, screen_text, type_text, until
from tests.support.fake_engine import FakeEngine
from tradebot.engine.messages import CancelJob, CheckData, Collect, ImportFiles
from tradebot.screens.data_dialogs import CheckDialog, CollectDialog, DatasetDialog, ImportDialog
from tradebot.screens.widgets.toggle import Toggle


async def test_collect_form_says_what_is_wrong_below_the_field_and_sends_nothing(opened: Opened) -> None:
    engine = FakeEngine("empty")
    async with opened(engine) as pilot:
        await pilot.press("n")
        await until(pilot, lambda: isinstance(pilot.app.screen, CollectDialog))
        dialog = pilot.app.screen
        dialog.query_one("#timeframes", Input).value = "7m"
        dialog.query_one("#since", Input).value = "yesterday"
        await pilot.press("enter")
        await pilot.pause()
        text = screen_text(pilot)
        assert "7m is no timeframe; they are 1m 3m" in text
        assert "Write a date such as 2024-01-01" in text
        assert not engine.asked(Collect)
        assert pilot.app.focused is not None
        assert pilot.app.focused.id == "timeframes"


async def test_collect_form_becomes_a_command_and_shows_what_it_costs(opened: Opened) -> None:
    engine = FakeEngine("empty")
    async with opened(engine) as pilot:
        await pilot.press("n")
        await until(pilot, lambda: isinstance(pilot.app.screen, CollectDialog))
        await pilot.pause()
        assert "about 389k rows · 21.8 MB on disk · 16s" in screen_text(pilot)
        pilot.app.screen.query_one("#symbols", Input).value = "btcusdt, ETH*"
        pilot.app.screen.query_one("#timeframes", Input).value = "1m 1h"
        pilot.app.screen.query_one("#follow", Toggle).action_flip()
        await pilot.press("enter")
        await until(pilot, lambda: len(pilot.app.screen_stack) == 1)
        assert engine.asked(Collect) == [
            Collect(("BTCUSDT", "ETH*"), ("1m", "1h"), "90d", None, False, "linear")
        ]
        await until(pilot, lambda: "collect BTCUSDT ETH*" in screen_text(pilot))


async def test_a_refused_collection_stays_open_with_the_engines_sentence(opened: Opened) -> None:
    engine = FakeEngine("empty")
    engine.refuse[Collect] = "There is no symbol NOPEUSDT in linear; did you mean ONEUSDT?"
    async with opened(engine) as pilot:
        await pilot.press("n", "enter")
        await until(pilot, lambda: "did you mean ONEUSDT?" in screen_text(pilot))
        assert isinstance(pilot.app.screen, CollectDialog)


async def test_import_form(opened: Opened) -> None:
    engine = FakeEngine("empty")
    async with opened(engine) as pilot:
        await pilot.press("i")
        await until(pilot, lambda: isinstance(pilot.app.screen, ImportDialog))
        await pilot.press("enter")
        await pilot.pause()
        assert "Name a file or a folder." in screen_text(pilot)
        await type_text(pilot, "/d")
        pilot.app.screen.query_one("#path", Input).value += "ata/BTCUSDT_1m.csv"
        await pilot.press("enter")
        await until(pilot, lambda: len(pilot.app.screen_stack) == 1)
        assert engine.asked(ImportFiles) == [ImportFiles(("/data/BTCUSDT_1m.csv",))]


async def test_verify_lists_what_was_found(opened: Opened) -> None:
    engine = FakeEngine()
    async with opened(engine) as pilot:
        await pilot.press("down", "down", "down", "v")
        await until(pilot, lambda: isinstance(pilot.app.screen, CheckDialog))
        await until(pilot, lambda: "74 bars missing in 2 gaps" in screen_text(pilot))
        assert "Passed" in screen_text(pilot)
        assert engine.asked(CheckData) == [CheckData("linear/ETHUSDT_1m")]


async def test_enter_shows_exact_figures(opened: Opened) -> None:
    async with opened(FakeEngine()) as pilot:
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, DatasetDialog))
        await pilot.pause()
        assert "1,927,592" in screen_text(pilot)
        assert "2023-01-03 00:00 UTC" in screen_text(pilot)


async def test_stopping_a_job_asks_first(opened: Opened) -> None:
    engine = FakeEngine()
    async with opened(engine) as pilot:
        pilot.app.query_one("#jobs").focus()
        await pilot.press("x")
        await until(pilot, lambda: "451k bars are done and stay on disk." in screen_text(pilot))
        assert not engine.asked(CancelJob)
        await pilot.press("x")
        await until(pilot, lambda: engine.asked(CancelJob) == [CancelJob(1)])
        await until(pilot, lambda: "cancelled" in screen_text(pilot))


async def test_the_filter_narrows_and_escape_clears_it(opened: Opened) -> None:
    async with opened(FakeEngine()) as pilot:
        table = pilot.app.query_one("#datasets")
        await pilot.press("slash")
        await type_text(pilot, "btc 1")
        await until(pilot, lambda: len(table.rows) == 2)
        await pilot.press("enter")
        assert pilot.app.focused is table
        await pilot.press("escape")
        await until(pilot, lambda: len(table.rows) == 14)


async def test_the_cursor_stays_on_its_dataset_when_rows_come(opened: Opened) -> None:
    engine = FakeEngine()
    async with opened(engine) as pilot:
        await pilot.press("down", "down", "down")
        table = pilot.app.query_one("#datasets")
        held = table.current.key
        first = engine._datasets[0]
        new = (
            replace(first, key="linear/AAAUSDT_1m", symbol="AAAUSDT"),
            replace(first, key="linear/AABUSDT_1m"),
        )
        engine._datasets = (*new, *engine._datasets)
        await until(pilot, lambda: len(table.rows) == 16)
        assert table.current.key == held
        assert table.cursor == 5


async def test_first_run_says_why_it_is_empty_and_which_keys_help(opened: Opened) -> None:
    async with opened(FakeEngine("empty")) as pilot:
        text = screen_text(pilot)
        for part in (
            "No market data yet",
            "n   Pick symbols",
            "i   Import CSV",
            "REST reachable 112 ms",
            "412 GB free",
        ):
            assert part in text


async def test_without_a_network_it_offers_the_demo_and_the_import(opened: Opened) -> None:
    async with opened(FakeEngine("offline")) as pilot:
        text = screen_text(pilot)
        assert "api.bybit.com cannot be reached" in text
        assert "tradebot demo" in text
        assert "Import CSV files" in text


async def test_old_prices_are_dimmed_and_a_moved_one_shows_its_arrow(opened: Opened) -> None:
    engine = FakeEngine()
    async with opened(engine) as pilot:
        before = engine._quotes[0]
        engine._quotes = (replace(before, last="63900.0"), *engine._quotes[1:])
        await until(pilot, lambda: "BTCUSDT ▲" in screen_text(pilot))
        engine._quotes = (replace(before, age_ms=47_000), *engine._quotes[1:])
        await until(pilot, lambda: "stale 47s" in screen_text(pilot))


async def test_nothing_is_painted_while_nothing_changes(opened: Opened) -> None:
    async with opened(FakeEngine()) as pilot:
        table = pilot.app.query_one("#datasets")
        painted: list[int] = []
        original = table.render_line
        table.render_line = lambda y: painted.append(y) or original(y)
        await pilot.pause(0.8)
        assert painted == []
