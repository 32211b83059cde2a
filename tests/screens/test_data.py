"""The Data area: collecting, importing, checking, stopping, filtering, and what it says before there is data."""

from __future__ import annotations

from dataclasses import replace

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from tests.screens.conftest import Opened, screen_text, type_text, until
from tests.support import fake_data
from tests.support.fake_engine import FakeEngine
from tradebot.engine.messages import (
    BackUp,
    CancelJob,
    Collect,
    ExportDataset,
    GetMonths,
    ImportFiles,
    RepairData,
    RetryJob,
    Unfollow,
    VerifyData,
)
from tradebot.screens import formats
from tradebot.screens.data_collect import CollectDialog, SymbolsDialog
from tradebot.screens.data_dialogs import CheckDialog, ImportDialog, WriteDialog
from tradebot.screens.data_months import MonthsDialog
from tradebot.screens.dialogs import Confirm
from tradebot.screens.widgets.lines_view import LinesView
from tradebot.screens.widgets.month_grid import MonthGrid
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
        await until(
            pilot, lambda: "3 datasets of 3 symbols · 389k rows · 24.1 MB · 4.3s" in screen_text(pilot)
        )
        pilot.app.screen.query_one("#symbols", Input).value = "btcusdt, ETH*"
        pilot.app.screen.query_one("#timeframes", Input).value = "1m 1h"
        pilot.app.screen.query_one("#top", Input).value = "50"
        pilot.app.screen.query_one("#mark", Input).value = "1h"
        pilot.app.screen.query_one("#order", Input).value = "newest"
        pilot.app.screen.query_one("#follow", Toggle).action_flip()
        pilot.app.screen.query_one("#until", Input).value = "10d"
        await pilot.press("enter")
        await until(pilot, lambda: len(pilot.app.screen_stack) == 1)
        assert engine.asked(Collect) == [
            Collect(("BTCUSDT", "ETH*"), ("1m", "1h"), "90d", "10d", False, "linear", "newest", 50, ("1h",))
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


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("symbols", "", "Name at least one symbol"),
        ("symbols", "BTC/USDT", "BTC/USDT is no symbol"),
        ("top", "many", "Write how many symbols"),
        ("category", "futures", "The category is one of linear, inverse, spot."),
        ("mark", "2m", "2m is no timeframe"),
        ("since", "2099-01-01", "That is not in the past."),
        ("until", "2y", "That is not after the start."),
        ("until", "1d", "Following goes on until it is stopped"),
        ("order", "random", "Write oldest or newest"),
    ],
)
async def test_every_field_of_the_collect_form_says_what_it_expects(
    opened: Opened, field: str, value: str, words: str
) -> None:
    engine = FakeEngine("empty")
    async with opened(engine, size=(80, 24)) as pilot:
        await pilot.press("n")
        await until(pilot, lambda: isinstance(pilot.app.screen, CollectDialog))
        pilot.app.screen.query_one(f"#{field}", Input).value = value
        await until(pilot, lambda: words in screen_text(pilot))
        await pilot.press("enter")
        await pilot.pause()
        assert not engine.asked(Collect)
        assert pilot.app.focused is pilot.app.screen.query_one(f"#{field}")


async def test_what_the_exchange_does_not_list_is_said_before_it_starts(opened: Opened) -> None:
    async with opened(FakeEngine("empty")) as pilot:
        await pilot.press("n")
        await until(pilot, lambda: isinstance(pilot.app.screen, CollectDialog))
        pilot.app.screen.query_one("#symbols", Input).value = "NOSUCHCOIN"
        await until(pilot, lambda: 'has no symbol "NOSUCHCOIN"' in screen_text(pilot))


async def test_symbols_are_picked_from_a_list_that_searches(opened: Opened) -> None:
    async with opened(FakeEngine("empty")) as pilot:
        await pilot.press("n")
        await until(pilot, lambda: isinstance(pilot.app.screen, CollectDialog))
        dialog = pilot.app.screen
        dialog.query_one("#symbols", Input).value = "BTCUSDT"
        await pilot.press("f2")
        await until(
            pilot, lambda: isinstance(pilot.app.screen, SymbolsDialog) and "[x] BTCUSDT" in screen_text(pilot)
        )
        assert "1.90B" in screen_text(pilot)
        await type_text(pilot, "doge")
        await pilot.press("space")
        await until(pilot, lambda: "2 marked: BTCUSDT DOGEUSDT" in screen_text(pilot))
        await pilot.press("enter")
        await until(pilot, lambda: pilot.app.screen is dialog)
        assert dialog.query_one("#symbols", Input).value == "BTCUSDT DOGEUSDT"


async def test_verify_runs_as_a_job_and_lists_what_was_found(opened: Opened) -> None:
    engine = FakeEngine()
    async with opened(engine) as pilot:
        await pilot.press("down", "down", "down", "v")
        await until(pilot, lambda: isinstance(pilot.app.screen, CheckDialog))
        assert engine.asked(VerifyData) == [VerifyData(("linear/ETHUSDT_1m",))]
        await until(pilot, lambda: "Reading" in screen_text(pilot))
        engine.tick(5.0)
        await until(pilot, lambda: "74 bars missing in 2 gaps" in screen_text(pilot))
        assert "Passed" in screen_text(pilot)
        await pilot.press("g")
        await until(pilot, lambda: engine.asked(RepairData) == [RepairData(("linear/ETHUSDT_1m",))])
        assert len(pilot.app.screen_stack) == 1


async def test_enter_shows_every_day_and_the_exact_gaps(opened: Opened) -> None:
    engine = FakeEngine()
    async with opened(engine) as pilot:
        await pilot.press("down", "down", "down", "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, MonthsDialog))
        await until(pilot, lambda: "elsewhere in" in screen_text(pilot))
        assert engine.asked(GetMonths) == [GetMonths("linear/ETHUSDT_1m")]
        dialog = pilot.app.screen
        gaps = dialog.query_one("#months-gaps", LinesView)
        assert "37 bars missing, " not in screen_text(pilot)
        assert "2 gaps, 74 bars missing, 37 of them not at the exchange either" in screen_text(pilot)
        newest = fake_data.months(engine._datasets[3]).gaps[-1]
        grid = dialog.query_one(MonthGrid)
        assert grid.day == formats.moment(newest.start_ms).day
        start, end = formats.minute(newest.start_ms), formats.minute(newest.end_ms)[11:]
        assert f"{start} to {end}  37 bars not at the exchange, seen" in gaps.plain
        await pilot.press("p")
        await until(pilot, lambda: "37 bars missing" in gaps.plain.splitlines()[1])
        day = grid.day
        await pilot.press("left")
        await until(pilot, lambda: gaps.plain.splitlines()[0].endswith("complete"))
        assert grid.day == day - 1
        await pilot.press("home", "up")
        await until(pilot, lambda: grid.month is not None and grid.month.year == 2023)
        await pilot.press("y")
        await pilot.pause()
        assert pilot.app.clipboard.count("37 bars") == 2
        await pilot.press("g")
        await until(pilot, lambda: engine.asked(RepairData) == [RepairData(("linear/ETHUSDT_1m",))])


async def test_a_dataset_without_bars_says_so_instead_of_a_grid(opened: Opened) -> None:
    async with opened(FakeEngine()) as pilot:
        pilot.app.query_one("#datasets").move_to(13)
        await pilot.press("enter")
        await until(pilot, lambda: "holds no bars yet" in screen_text(pilot))
        await pilot.press("escape")
        assert len(pilot.app.screen_stack) == 1


async def test_g_asks_the_exchange_for_the_gaps_of_the_selected_dataset(opened: Opened) -> None:
    engine = FakeEngine()
    async with opened(engine) as pilot:
        await pilot.press("down", "down", "down", "g")
        await until(pilot, lambda: engine.asked(RepairData) == [RepairData(("linear/ETHUSDT_1m",))])
        await until(pilot, lambda: "repair linear/ETHUSDT_1m" in screen_text(pilot))


async def test_r_starts_a_failed_job_again_in_its_place(opened: Opened) -> None:
    engine = FakeEngine()
    async with opened(engine) as pilot:
        pilot.app.query_one("#jobs").focus()
        await pilot.press("end")
        await until(pilot, lambda: "they are safe on disk" in screen_text(pilot))
        assert "Bybit refused further requests for now (10006) in 8 tries." in screen_text(pilot)
        assert "1 failed" in screen_text(pilot)
        await pilot.press("r")
        await until(pilot, lambda: engine.asked(RetryJob) == [RetryJob(4)])
        await until(pilot, lambda: "3 running · 1 queued" in screen_text(pilot))


async def test_x_on_a_live_dataset_stops_following_it_after_asking(opened: Opened) -> None:
    engine = FakeEngine()
    async with opened(engine) as pilot:
        await pilot.press("x")
        await until(pilot, lambda: isinstance(pilot.app.screen, Confirm))
        assert "BTCUSDT 1m is followed live" in screen_text(pilot)
        await pilot.press("escape")
        await pilot.pause()
        assert not engine.asked(Unfollow)
        await pilot.press("x", "x")
        await until(pilot, lambda: engine.asked(Unfollow) == [Unfollow(("linear/BTCUSDT_1m",))])


async def test_x_on_the_jobs_stops_the_selected_one_after_asking(opened: Opened) -> None:
    engine = FakeEngine()
    async with opened(engine) as pilot:
        pilot.app.query_one("#jobs").focus()
        await pilot.press("down", "x")
        await until(pilot, lambda: "451k bars are done and stay on disk." in screen_text(pilot))
        assert not engine.asked(CancelJob)
        await pilot.press("x")
        await until(pilot, lambda: engine.asked(CancelJob) == [CancelJob(1)])
        await until(pilot, lambda: "stopped" in screen_text(pilot))


async def test_w_exports_a_dataset_or_backs_up_everything(opened: Opened) -> None:
    engine = FakeEngine()
    async with opened(engine) as pilot:
        await pilot.press("w")
        await until(pilot, lambda: "export BTCUSDT 1m" in screen_text(pilot))
        await pilot.press("e")
        await until(pilot, lambda: isinstance(pilot.app.screen, WriteDialog))
        await pilot.press("enter")
        await until(pilot, lambda: "Name where to write it." in screen_text(pilot))
        pilot.app.screen.query_one("#path", Input).value = '"D:\\out\\btc.csv.gz"'
        await pilot.press("enter")
        wanted = [ExportDataset("linear/BTCUSDT_1m", "D:\\out\\btc.csv.gz")]
        await until(pilot, lambda: engine.asked(ExportDataset) == wanted)
        await pilot.press("w", "b")
        await until(pilot, lambda: isinstance(pilot.app.screen, WriteDialog))
        assert "go into one archive" in screen_text(pilot)
        pilot.app.screen.query_one("#path", Input).value = "all.zip"
        await pilot.press("enter")
        await until(pilot, lambda: engine.asked(BackUp) == [BackUp("all.zip")])


async def test_a_second_program_on_the_folder_reads_only_and_says_so(opened: Opened) -> None:
    engine = FakeEngine("read-only")
    async with opened(engine) as pilot:
        await until(pilot, lambda: "is in use by another tradebot (process 4711" in screen_text(pilot))
        for key in "nig":
            await pilot.press(key)
            await pilot.pause()
            assert len(pilot.app.screen_stack) == 1
        assert not engine.commands
        assert [each.message for each in pilot.app._notifications] == [fake_data.READ_ONLY]
        await pilot.press("v")
        await until(pilot, lambda: engine.asked(VerifyData))


async def test_s_sorts_by_what_needs_attention(opened: Opened) -> None:
    async with opened(FakeEngine()) as pilot:
        table = pilot.app.query_one("#datasets")
        await pilot.press("s")
        await until(pilot, lambda: "by gaps, most first" in screen_text(pilot))
        assert [row.symbol for row in table.rows[:3]] == ["XRPUSDT", "ETHUSDT", "ATOMUSDT"]
        assert table.cursor == 0
        await pilot.press("s", "s", "s")
        await until(pilot, lambda: "by gaps" not in screen_text(pilot) and table.rows[0].symbol == "BTCUSDT")


async def test_every_state_of_a_dataset_has_its_word_and_glyph(opened: Opened) -> None:
    engine = FakeEngine()
    async with opened(engine) as pilot:
        rows = {line.split()[0] + " " + line.split()[1]: line for line in _rows(pilot)}
        assert " live " in rows["BTCUSDT 5m"]
        assert rows["BTCUSDT 5m"].endswith("●")
        assert "d'load 41%" in rows["LTCUSDT 1m"]
        assert rows["LTCUSDT 1m"].endswith("◐")
        assert "failed" in rows["ATOMUSDT 1m"]
        assert rows["ATOMUSDT 1m"].endswith("×")
        assert "queued" in rows["AVAXUSDT 1m"]
        assert rows["AVAXUSDT 1m"].endswith("○")
        engine.now_ms += 240_000
        await until(pilot, lambda: any("-5m" in line and line.endswith("◐") for line in _rows(pilot)))


def _rows(pilot: Pilot[None]) -> list[str]:
    """The lines of the datasets table, without pointer and border."""
    lines = [line[1:84].replace("▸", " ").strip("┃ ") for line in screen_text(pilot).splitlines()]
    return [line for line in lines if "USDT" in line and line[-1:] in "●◐○×"]


async def test_streams_budget_and_disk_are_said_in_figures(opened: Opened) -> None:
    async with opened(FakeEngine()) as pilot:
        text = screen_text(pilot)
        for part in (
            "kline     12 topics",
            "348 msg/s",
            "p95 latency 41 ms",
            "96/450",
            "88 req/s",
            "3 (10006 x2, timeout)",
            "412 GB free",
            "waiting  0 rows to be written",
        ):
            assert part in text, part
    engine = FakeEngine()
    engine.banned_until_ms = engine.now_ms + 90_000
    async with opened(engine) as pilot:
        assert "back-off until 14:33:37Z, 1:30" in screen_text(pilot)


@pytest.mark.parametrize("size", [(80, 24), (100, 30), (120, 35), (200, 50)])
async def test_every_window_fits_at_every_size(opened: Opened, size: tuple[int, int]) -> None:
    async with opened(FakeEngine(), size=size) as pilot:
        for key, kind in (
            ("n", CollectDialog),
            ("i", ImportDialog),
            ("enter", MonthsDialog),
            ("v", CheckDialog),
        ):
            await pilot.press(key)
            await until(pilot, lambda kind=kind: isinstance(pilot.app.screen, kind))
            await pilot.pause(0.3)
            box = pilot.app.screen.query_one("#dialog")
            assert box.region.right <= size[0]
            assert box.region.bottom <= size[1]
            assert box.max_scroll_y == 0, kind
            await pilot.press("escape")
            await until(pilot, lambda: len(pilot.app.screen_stack) == 1)


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
            "Enter Starter pack: BTC ETH SOL · 1h 15m · a year  ~131 k rows, 8 MB, 15 s",
            "n     Pick symbols",
            "i     Import CSV",
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
