"""The Dashboard: prices live, the last results, jobs and health, events; what it says where there is nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from textual.geometry import Region
from textual.pilot import Pilot
from textual.widgets import Digits, Input

from tests.screens.conftest import Opened, ready, screen_text, type_text, until
from tests.screens.test_remembering import Memory
from tests.support.fake_dashboard import busy
from tests.support.fake_engine import FakeEngine
from tradebot.app import TradebotApp
from tradebot.engine.messages import CancelJob, GetResult, RetryJob
from tradebot.screens.alert_form import AlertForm
from tradebot.screens.chart_pane import ChartPane
from tradebot.screens.dashboard import DashboardArea
from tradebot.screens.dashboard_events import RecentPane
from tradebot.screens.dashboard_jobs import EnginePane
from tradebot.screens.dashboard_results import EquityPane
from tradebot.screens.dashboard_trends import day_of, strip_of
from tradebot.screens.dashboard_watch import WatchPane
from tradebot.screens.data_collect import CollectDialog
from tradebot.screens.dialogs import Confirm
from tradebot.screens.frame import KeyBar
from tradebot.screens.widgets.line_plot import LinePlot
from tradebot.screens.widgets.lines_view import LinesView
from tradebot.screens.widgets.log_view import LogView

PANES: tuple[type[Any], ...] = (WatchPane, EquityPane, EnginePane, RecentPane)


def watch(pilot: Pilot[None]) -> WatchPane:
    return pilot.app.query_one(WatchPane)


def subtitle(pilot: Pilot[None]) -> str:
    return str(watch(pilot).border_subtitle)


def parts(pilot: Pilot[None], symbol: str, column: int) -> list[tuple[str, str]]:
    """One cell of the watchlist as (text, tone) parts: 0 symbol, 1 price, 2 change, 3 trend, -1 age."""
    table = watch(pilot).table
    row = next(each for each in table.rows if each is not None and each.symbol == symbol)
    cell = table._cells(row)[column]
    if isinstance(cell, str):
        return [(cell, "")]
    return [cell] if isinstance(cell[0], str) else list(cell)


def text_of(pilot: Pilot[None], symbol: str, column: int) -> str:
    return "".join(text for text, _ in parts(pilot, symbol, column))


def move(engine: FakeEngine, symbol: str, **changes: Any) -> None:
    engine._quotes = tuple(
        replace(quote, **changes) if quote.symbol == symbol else quote for quote in engine._quotes
    )


async def visit(pilot: Pilot[None], pane: type[Any]) -> None:
    area: Any = pilot.app.query_one("DashboardArea")
    area.visit_pane(pilot.app.query_one(pane))
    await pilot.pause()


# ---------------------------------------------------------------------------------------------- watchlist


async def test_a_symbol_shows_its_day_and_the_columns_adapt_to_the_width(opened: Opened) -> None:
    async with opened(busy(), "dashboard", size=(200, 50)) as pilot:
        texts = [text_of(pilot, "ETHUSDT", column) for column in range(10)]
        assert [text.strip() for text in texts[:3]] == ["ETHUSDT", "3,402.11", "▼ 0.15"]
        assert set(texts[3]) <= set("▁▂▃▄▅▆▇█")
        assert texts[4:] == ["3,357.69", "3,444.75", "1m 5m", "811M", "+.010", "0.2s"]
        assert text_of(pilot, "SOLUSDT", 3).startswith("·······"), "no bars are stored of its first hours"
        assert "···" in text_of(pilot, "DOGEUSDT", 3).strip("·"), "a hole stays a hole"
        table = watch(pilot).table
        trends = []
        for width in (200, 120, 100):
            await pilot.resize_terminal(width, 35)
            await until(pilot, lambda width=width: pilot.app.size.width == width)
            await pilot.pause(0.1)
            trends.append(table.width_of("TREND 24h"))
        assert trends[0] > 2 * trends[1] > 2 * trends[2] > 24
        assert (table.width_of("DATA"), table.width_of("FUND"), table.width_of("AGE")) == (0, 0, 5)


async def test_changed_digits_stand_out_for_a_moment_and_only_that_row_is_painted(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = busy()
    async with opened(engine, "dashboard") as pilot:
        await pilot.pause(0.2)
        table = watch(pilot).table
        painted: list[tuple[int, int]] = []
        usual = table.refresh

        def refresh(*regions: Region, **more: Any) -> Any:
            painted.extend((region.y, region.height) for region in regions)
            return usual(*regions, **more)

        monkeypatch.setattr(table, "refresh", refresh)
        assert parts(pilot, "SOLUSDT", 1) == [("148.272", "text"), (" ", "")]
        move(engine, "SOLUSDT", last="148.301")
        engine.now_ms += 100
        await until(pilot, lambda: len(parts(pilot, "SOLUSDT", 1)) == 3)
        assert parts(pilot, "SOLUSDT", 1) == [("148.", "text"), ("301", "up bold"), ("▲", "up bold")]
        engine.now_ms += 400
        await until(pilot, lambda: parts(pilot, "SOLUSDT", 1) == [("148.301", "text"), (" ", "")])
        assert set(painted) == {(3, 1)}, "its row, below the heading"
        await pilot.press("2")
        await until(pilot, lambda: pilot.app.focused is not None and pilot.app.focused.id == "datasets")
        painted.clear()
        move(engine, "SOLUSDT", last="148.400")
        await pilot.pause(0.2)
        assert painted == [], "nothing is painted while it is hidden"


async def test_old_prices_never_look_alive(opened: Opened) -> None:
    engine = busy()
    move(engine, "ADAUSDT", age_ms=20_000)
    async with opened(engine, "dashboard") as pilot:
        assert parts(pilot, "ADAUSDT", -1) == [("STALE", "warning")]
        assert parts(pilot, "ADAUSDT", 0) == [("ADAUSDT", "stale")]
        assert "1 stale" in subtitle(pilot)
        watch(pilot).table.move_to(5)
        facts = pilot.app.query_one("#watch-facts", LinesView)
        await until(pilot, lambda: "no message for 20s" in facts.plain)
        engine.scenario = "lost"
        await until(pilot, lambda: watch(pilot).title_text == "Watchlist · frozen since 14:31:20Z")
        assert parts(pilot, "BTCUSDT", 1) == [("63,812.4 ", "stale")]
        move(engine, "BTCUSDT", age_ms=47_000)
        await until(pilot, lambda: text_of(pilot, "BTCUSDT", -1) == "47s")


async def test_order_filter_and_freeze(opened: Opened) -> None:
    engine = busy()
    async with opened(engine, "dashboard") as pilot:
        table = watch(pilot).table

        def symbols() -> list[str]:
            return [row.symbol for row in table.rows if row is not None]

        await pilot.press("s", "down")
        await until(pilot, lambda: "sort change" in subtitle(pilot))
        assert symbols()[:2] == ["SOLUSDT", "AVAXUSDT"]
        assert table.current is not None
        assert table.current.symbol == "AVAXUSDT"
        move(engine, "AVAXUSDT", change_24h=0.09)
        engine.now_ms += 3_000
        await until(pilot, lambda: symbols()[0] == "AVAXUSDT")
        assert table.current.symbol == "AVAXUSDT", "the cursor stays on its symbol"
        firsts = []
        for _ in range(3):
            await pilot.press("s")
            await pilot.pause()
            firsts.append(symbols()[0])
        assert firsts == ["BTCUSDT", "ADAUSDT", "BTCUSDT"]
        assert "sort pinned" in subtitle(pilot)

        await pilot.press("slash")
        assert isinstance(pilot.app.focused, Input)
        await type_text(pilot, "ada")
        await until(pilot, lambda: symbols() == ["ADAUSDT"])
        assert watch(pilot).title_text == "Watchlist · ada"
        await type_text(pilot, "x")
        await until(pilot, lambda: 'No symbol matches "adax"' in screen_text(pilot))
        await pilot.press("enter", "escape")
        await until(pilot, lambda: len(table.rows) == 8)
        assert pilot.app.focused is table

        await pilot.press("space")
        await until(pilot, lambda: "frozen at 14:32:10Z" in subtitle(pilot))
        move(engine, "BTCUSDT", last="70000.0")
        await pilot.pause(0.2)
        assert text_of(pilot, "BTCUSDT", 1).strip() == "63,812.4"
        await pilot.press("space")
        await until(pilot, lambda: text_of(pilot, "BTCUSDT", 1).strip(" ▲") == "70,000.0")


async def test_the_selected_symbol_is_told_plotted_copied_collected_and_opened(opened: Opened) -> None:
    async with opened(busy(), "dashboard") as pilot:
        await pilot.press("down")
        facts = pilot.app.query_one("#watch-facts", LinesView)
        await until(pilot, lambda: facts.plain.startswith("ETHUSDT"))
        assert "funding +0.0100%  volume 811M  24h 3,357.69 to 3,444.75" in facts.plain
        assert "followed  1m since 2023-01-03" in facts.plain
        plot = pilot.app.query_one("#watch-plot", LinePlot)
        assert plot.display
        assert "3,444.75" in plot.plain
        await pilot.press("y")
        assert pilot.app.clipboard.startswith("ETHUSDT  3402.11  -0.15% in 24 h  volume 811,000,000")
        await pilot.press("n")
        await until(pilot, lambda: isinstance(pilot.app.screen, CollectDialog))
        pilot.app.screen.dismiss(3)
        jobs = pilot.app.query_one(EnginePane)
        await until(pilot, lambda: jobs.current is not None and jobs.current.job_id == 3)
        await pilot.press("enter")
        await until(pilot, lambda: pilot.app.query(ChartPane))
        await until(pilot, lambda: pilot.app.query_one(ChartPane).subject.symbol == "ETHUSDT")


async def test_filter_order_and_symbol_are_there_again_and_a_opens_its_alerts() -> None:
    kept = {"filter": "a", "sort": "name", "symbol": "AVAXUSDT", "pane": "watch-pane"}
    memory = Memory({"open": "dashboard", "areas": {"dashboard": kept}})
    app = TradebotApp(busy(), memory=memory)
    async with app.run_test(size=(120, 35)) as pilot:
        await ready(pilot)
        await until(pilot, lambda: watch(pilot).current is not None)
        assert [row.symbol for row in watch(pilot).table.rows if row is not None] == ["ADAUSDT", "AVAXUSDT"]
        assert watch(pilot).current is not None
        assert watch(pilot).current.symbol == "AVAXUSDT"
        assert app.query_one(DashboardArea).remembered() == {**kept, "maximised": False}
        await pilot.press("a")
        await until(pilot, lambda: isinstance(app.screen, AlertForm))


# ---------------------------------------------------------------------------------------------- results


async def test_the_newest_result_is_shown_its_curve_asked_for_once_and_enter_opens_it(opened: Opened) -> None:
    engine = busy()
    async with opened(engine, "dashboard") as pilot:
        pane = pilot.app.query_one(EquityPane)
        await until(pilot, lambda: pilot.app.query_one("#dash-equity", LinePlot).plain)
        assert pilot.app.query_one("#dash-net", Digits).value == "+11.5%"
        assert "Sharpe 1.41" in pilot.app.query_one("#dash-figures", LinesView).plain
        await pilot.pause(0.2)
        assert engine.asked(GetResult) == [GetResult("bt-0193", points=240)]
        engine.add_result("bt-0194", "new-one", 50)
        await until(pilot, lambda: pane.current is not None and pane.current.result_id == "bt-0194")
        await visit(pilot, EquityPane)
        await pilot.press("down", "down")
        await until(pilot, lambda: "rsi-dip" in pane.title_text)
        engine.add_result("bt-0195", "newer", 50)
        await until(pilot, lambda: len(pane.table.rows) == 4)
        assert "rsi-dip" in pane.title_text, "who looks at an older one keeps it"
        engine.refuse[GetResult] = "The file equity.csv of bt-0195 is damaged."
        await pilot.press("home")
        why = pilot.app.query_one("#dash-no-results", LinesView)
        await until(pilot, lambda: why.display and "damaged" in why.plain.replace("\n", " "))
        del engine.refuse[GetResult]
        await pilot.press("down", "down", "enter")
        await until(pilot, lambda: pilot.app.query("ResultsArea"))
        area: Any = pilot.app.query_one("ResultsArea")
        await until(pilot, lambda: area.view is not None and area.view.result_id == "bt-0193")


# ---------------------------------------------------------------------------------------------- engine and jobs


async def test_jobs_and_the_health_of_the_engine(opened: Opened) -> None:
    engine = busy()
    async with opened(engine, "dashboard") as pilot:
        text = screen_text(pilot)
        for part in (
            "collect LTCUSDT 1m",
            "41%    1:11",
            "loop lag 3 ms · cpu 9% · mem 214 MB",
            "alerts restarts in 8 s (3 restarts)",
            "● live feed (1x)",
            "12 rows (files) · 1 job",
        ):
            assert part in text
        assert "first backtest" not in text, "what has ended well is no service any more"
        await visit(pilot, EnginePane)
        await pilot.press("down", "x")
        await until(pilot, lambda: isinstance(pilot.app.screen, Confirm))
        assert "collect LTCUSDT 1m is running" in screen_text(pilot)
        await pilot.press("x")
        await until(pilot, lambda: engine.asked(CancelJob) == [CancelJob(1)])
        await pilot.press("home", "down")
        lines = pilot.app.query_one("#dash-health", LinesView)
        await until(pilot, lambda: "starts it again where it stopped" in lines.plain)
        assert "Bybit refused" in lines.plain.replace("\n", " ")
        await pilot.press("r")
        await until(pilot, lambda: engine.asked(RetryJob) == [RetryJob(4)])
        engine.health = FakeEngine("bare").health
        await until(pilot, lambda: not str(pilot.app.query_one(EnginePane).border_subtitle))
        assert "live feed" not in screen_text(pilot), "what is not known is not drawn"


# ---------------------------------------------------------------------------------------------- events


async def test_events_are_followed_until_somebody_reads_and_alerts_stand_out(opened: Opened) -> None:
    engine = busy()
    async with opened(engine, "dashboard") as pilot:
        pane = pilot.app.query_one(RecentPane)

        def now() -> str:
            return pane.current.sentence if pane.current is not None else ""

        marked = [line for line in screen_text(pilot).splitlines() if "▌" in line]
        assert len(marked) == 1
        assert "price above 63,800" in marked[0]
        engine.say("info", "One more bar.")
        await until(pilot, lambda: now() == "One more bar.")
        await visit(pilot, RecentPane)
        await pilot.press("space")
        engine.say("info", "And another one.")
        await until(pilot, lambda: "frozen · 1 below" in str(pane.border_subtitle))
        assert now() == "One more bar."
        await pilot.press("y")
        assert pilot.app.clipboard.endswith("INFO engine: One more bar.")
        await pilot.press("space")
        await until(pilot, lambda: now() == "And another one.")
        assert "following" in str(pane.border_subtitle)
        last = engine._events.pop()
        engine._events.append(replace(last, sequence=last.sequence + 1, time_ms=engine.now_ms + 1))
        await until(pilot, lambda: pane.current is not None and pane.current.time_ms == engine.now_ms + 1)
        told = [each.sentence for each in pane.view.records]
        assert told.count(last.sentence) == 1, "what happens again is moved to the end, as the engine does"


async def test_enter_shows_an_event_in_the_log_whatever_was_filtered_there(opened: Opened) -> None:
    engine = busy()
    engine.logs.add("info", "collect", "LTCUSDT 1m: 451,000 bars are stored.", engine.now_ms - 2_100)
    engine.logs.add("info", "collect", "Something else.", engine.now_ms)
    async with opened(engine, "logs") as pilot:
        await pilot.press("l", "l", "l")
        log = pilot.app.query_one("#log", LogView)
        await until(pilot, lambda: len(log.records) == 1)
        await pilot.press("1")
        await until(pilot, lambda: pilot.app.query(RecentPane) and pilot.app.query_one(RecentPane).current)
        await visit(pilot, RecentPane)
        await pilot.press("enter")
        await until(pilot, lambda: log.current is not None and log.current.sentence.startswith("LTCUSDT"))
        assert pilot.app.focused is log


# ---------------------------------------------------------------------------------------------- states and sizes


async def test_a_first_run_says_what_to_do_and_what_it_costs(opened: Opened) -> None:
    engine = FakeEngine("empty")
    async with opened(engine, "dashboard") as pilot:
        text = screen_text(pilot)
        for part in (
            "No market data yet",
            "Pick symbols and history length",
            "about 2 min, ~390 k rows, 24 MB",
            "No backtest yet",
            "Nothing is running.",
            "Nothing has happened yet.",
        ):
            assert part in text
        footer = pilot.app.query_one(KeyBar).plain
        assert "n new data" in footer
        assert "chart" not in footer
        engine._datasets = busy()._datasets
        await until(pilot, lambda: "Nothing is followed yet" in screen_text(pilot))
        engine.scenario, engine._datasets = "offline", ()
        await until(pilot, lambda: "its name is not known here" in screen_text(pilot))
        assert "import CSV files you have" in screen_text(pilot)


async def test_narrow_terminals_show_four_tabs(opened: Opened) -> None:
    async with opened(busy(), "dashboard", size=(80, 24)) as pilot:
        seen = []
        for _ in range(4):
            shown: list[Any] = [
                pane for pane in pilot.app.query("DashboardArea Pane").results() if pane.size.height > 0
            ]
            assert len(shown) == 1
            seen.append(shown[0].label)
            await pilot.press("tab")
            await pilot.pause()
        assert seen == ["Watch", "Results", "Jobs", "Events"]


def test_the_hour_under_way_is_the_last_price_until_a_bar_of_it_has_closed() -> None:
    assert strip_of(day_of((1.0, 2.0, 3.0, None), 4.0), 5) == "▁▃▆██"
    assert strip_of(day_of((1.0, None, 3.0, 4.0), None), 5) == "▁·▆█·"
    assert strip_of(day_of((None, None), 4.0), 5) == "·····"
