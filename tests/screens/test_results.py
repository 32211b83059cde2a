"""The Test area: figures, curves, a trade log of any length, single trades on their bars, running backtests."""

from __future__ import annotations

import re
import time

from textual.geometry import Region

from tests.screens.conftest import Opened, screen_text, type_text, until
from tests.support.fake_engine import FakeEngine
from tradebot.engine.messages import (
    CompareResults,
    DeleteResult,
    ExplainTrade,
    GetResult,
    GetTradeBars,
    GetTrades,
    WriteReport,
)
from tradebot.screens.compare_dialog import CompareDialog
from tradebot.screens.results import ResultsArea
from tradebot.screens.results_tabs import TABS
from tradebot.screens.trade_dialog import TradeDialog
from tradebot.screens.widgets.bar_chart import BarChart
from tradebot.screens.widgets.chart import Chart


async def test_the_newest_result_is_open_with_its_figures(opened: Opened) -> None:
    async with opened(FakeEngine(), "test") as pilot:
        text = screen_text(pilot)
        for part in (
            "NET PROFIT",
            "▲ 11.5%",
            "SHARPE",
            "1.41",
            "Trades 400",
            "ema-x · BTCUSDT",
            "bt-0193",
            "sortino 2.02",
            "Monthly %",
            "61% of profit from 12",
        ):
            assert part in text


async def test_charts_are_drawn_once_until_something_changes(opened: Opened) -> None:
    async with opened(FakeEngine(), "test") as pilot:
        chart = pilot.app.query_one("#equity", Chart)
        drawn = chart.drawings
        assert drawn > 0
        await pilot.pause(0.6)
        assert chart.drawings == drawn
        await pilot.resize_terminal(140, 40)
        await until(pilot, lambda: chart.drawings > drawn)


async def test_a_cursor_reads_both_curves_at_one_time(opened: Opened) -> None:
    async with opened(FakeEngine(), "test") as pilot:
        area = pilot.app.query_one(ResultsArea)
        pane, chart = pilot.app.query_one("#charts-pane"), pilot.app.query_one("#equity", Chart)
        view, drawn = area.view, chart.drawings
        assert view is not None
        area.visit_pane(pane)
        await pilot.press("left")
        last = f"{view.equity[-1]:,.2f} · hold {view.benchmark[-1]:,.2f} · drawdown {view.drawdown[-1]:.1%}"
        await until(pilot, lambda: last in str(pane.border_subtitle))
        await pilot.press("home")
        await until(pilot, lambda: "2024-09-0" in str(pane.border_subtitle))
        for each in (chart, pilot.app.query_one("#drawdown", Chart)):
            grounds = [segment.style.bgcolor for segment in each.render_line(1) if segment.style]
            assert grounds[0] != grounds[-1]
        assert chart.drawings == drawn, "the curves are not drawn again for it"
        await pilot.press("escape")
        await until(pilot, lambda: "deepest drawdown" in str(pane.border_subtitle))


async def test_a_hundred_thousand_trades_are_fetched_where_they_are_looked_at(opened: Opened) -> None:
    engine = FakeEngine(trades=100_000)
    async with opened(engine, "test") as pilot:
        table = pilot.app.query_one("#trades")
        table.focus()
        await pilot.press("end")
        await until(pilot, lambda: table.current is not None)
        assert table.current.trade_id == 1
        assert [each.offset for each in engine.asked(GetTrades)] == [0, 99_800]


async def test_enter_shows_a_trade_on_its_bars_and_n_goes_on(opened: Opened) -> None:
    engine = FakeEngine()
    async with opened(engine, "test") as pilot:
        pilot.app.query_one("#trades").focus()
        await pilot.press("down", "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, TradeDialog))
        await until(
            pilot, lambda: "Trade 399 · 2 of 400" in screen_text(pilot) and "by target" in screen_text(pilot)
        )
        text = screen_text(pilot)
        for part in ("entry", "exit", "stop", "O ", "┃", "▲"):
            assert part in text
        await pilot.press("n")
        await until(pilot, lambda: "Trade 398" in screen_text(pilot))
        await pilot.press("N", "N")
        await until(pilot, lambda: "Trade 400" in screen_text(pilot))
        await pilot.press("n", "escape")
        await until(pilot, lambda: len(pilot.app.screen_stack) == 1)
        assert pilot.app.query_one("#trades").cursor == 1
        assert {each.trade_id for each in engine.asked(GetTradeBars)} >= {400, 399, 398}


async def test_stop_and_target_of_a_trade_are_drawn_as_they_moved(opened: Opened) -> None:
    engine = FakeEngine()
    async with opened(engine, "test") as pilot:
        pilot.app.query_one("#trades").focus()
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, TradeDialog))
        await until(pilot, lambda: " → " in screen_text(pilot))
        assert [each.paths for each in engine.asked(GetTradeBars)] == [False, True]
        rows = [line for line in screen_text(pilot).splitlines() if "━━━" in line[4:90]]
        assert len(rows) >= 3, "the stop in steps, and the target"
        assert re.search(r"stop [\d,.]+ → [\d,.]+ in \d+ steps?", screen_text(pilot))
        await pilot.press("n")
        await until(pilot, lambda: engine.asked(GetTradeBars)[-1].trade_id == 399)
        assert engine.asked(GetTradeBars)[-1].paths, "once it is warm, the path comes at once"


async def test_the_cursor_over_the_bars_shows_exact_values(opened: Opened) -> None:
    async with opened(FakeEngine(), "test") as pilot:
        pilot.app.query_one("#trades").focus()
        await pilot.press("enter")
        await until(
            pilot, lambda: isinstance(pilot.app.screen, TradeDialog) and pilot.app.screen.query("#trade-bar")
        )
        line = pilot.app.screen.query_one("#trade-bar")
        await until(pilot, lambda: line.plain)
        before = line.plain
        await pilot.press("right")
        await until(pilot, lambda: line.plain != before)
        assert line.plain[:16] > before[:16]


async def test_no_trades_are_explained(opened: Opened) -> None:
    engine = FakeEngine()
    async with opened(engine, "test") as pilot:
        pilot.app.query_one("#results").focus()
        await pilot.press("down", "enter")
        await until(pilot, lambda: "No trade: cross supported long on 84 bars" in screen_text(pilot))
        said = " ".join(text.strip() for line in pilot.app.query_one("#trades")._empty for text, _ in line)
        assert "strong on none of them; both must agree to enter." in said
        assert "e opens the strategy, where each rule is counted." in screen_text(pilot)
        assert engine.asked(GetResult)[-1].result_id == "bt-0192"


async def test_no_trades_are_explained_over_the_whole_width_where_it_is_narrow(opened: Opened) -> None:
    engine = FakeEngine("bare")
    engine.add_result("bt-0192", "rsi-dip", 0)
    async with opened(engine, "test", size=(80, 24)) as pilot:
        pilot.app.query_one(ResultsArea).open_tab(1)
        await until(
            pilot, lambda: "No trade: cross supported long on 84 bars and strong" in screen_text(pilot)
        )


async def test_without_a_result_it_says_how_to_get_one(opened: Opened) -> None:
    async with opened(FakeEngine("empty"), "test") as pilot:
        await until(pilot, lambda: "No backtest yet, and nothing to run one on." in screen_text(pilot))
        assert "2 Data, there Enter collects" in screen_text(pilot)


async def test_narrow_keeps_the_figures_above_the_panes(opened: Opened) -> None:
    async with opened(FakeEngine(), "test", size=(80, 24)) as pilot:
        area = pilot.app.query_one(ResultsArea)
        for number in range(len(TABS)):
            area.open_tab(number)
            for pane in area.panes:
                area.visit_pane(pane)
                await pilot.pause()
                assert "NET PROFIT" in screen_text(pilot)
                assert pane.size.width >= 78
                assert pane.size.height >= 10


async def test_each_tab_shows_its_part_of_the_result(opened: Opened) -> None:
    wanted = {
        "Trades": ("ENTRY TIME", "newest first"),
        "Monthly": ("2026-09", "+3.1*", "11 of 25 months positive"),
        "Distribution": ("Trades by R", "Days by return", " 210 ", "How far trades went"),
        "Symbols": ("By symbol", "By side", "By exit", "Thursday", "20:00"),
        "Figures": ("Sortino", "Last over first equity, minus one."),
        "Config": ("taker fee", "hash 9c1f77aa", "[strategy]"),
    }
    async with opened(FakeEngine(), "test") as pilot:
        for tab in TABS[1:]:
            await pilot.press("right_square_bracket")
            for part in wanted[tab.label]:
                await until(pilot, lambda part=part: part in screen_text(pilot))
            assert "reality check" not in screen_text(pilot).lower()
        await pilot.press("right_square_bracket")
        await until(pilot, lambda: "Reality check" in screen_text(pilot))
        assert pilot.app.query_one("#charts-pane").size.height > 8


async def test_months_and_distributions_are_charts_where_there_is_room(opened: Opened) -> None:
    async with opened(FakeEngine(), "test") as pilot:
        area = pilot.app.query_one(ResultsArea)
        for tab, charts, words in ((2, 1, "26-05"), (3, 2, "Trades by R")):
            area.open_tab(tab)
            await until(pilot, lambda words=words: words in screen_text(pilot))
            shown = [each for each in pilot.app.query(BarChart) if each.size.height > 4 and each.drawings]
            assert len([each for each in shown if each.region.width]) >= charts
        await pilot.resize_terminal(80, 24)
        await until(pilot, lambda: not any(each.region.width for each in pilot.app.query(BarChart)))
        assert "Trades by R" in screen_text(pilot)


async def test_a_page_of_a_hundred_thousand_trades_is_drawn_within_a_frame(opened: Opened) -> None:
    async with opened(FakeEngine(trades=100_000), "test") as pilot:
        pilot.app.query_one(ResultsArea).open_tab(1)
        table = pilot.app.query_one("#trades")
        await until(pilot, lambda: table.size.height > 20)
        spent = []
        for _ in range(8):
            table._drawn.clear()
            table._styles_cache.clear()
            before = time.thread_time()
            lines = table.render_lines(Region(0, 0, table.size.width, table.size.height))
            spent.append(time.thread_time() - before)
        assert "BTCUSDT" in "".join(line.text for line in lines) or "ETHUSDT" in lines[1].text
        assert min(spent) <= 0.008


async def test_the_line_under_the_cursor_of_the_reality_check_is_explained(opened: Opened) -> None:
    async with opened(FakeEngine(), "test") as pilot:
        await until(pilot, lambda: "61% of profit" in screen_text(pilot))
        pilot.app.query_one("#reality").focus()
        await pilot.press("down")
        await until(pilot, lambda: "The best 12 of 400" in pilot.app.query_one("#reality-text").plain)
        assert "×  one bar later: -2.1%" in screen_text(pilot)


async def test_trades_are_filtered_and_sorted_by_the_engine(opened: Opened) -> None:
    engine = FakeEngine()
    async with opened(engine, "test") as pilot:
        table = pilot.app.query_one("#trades")
        pane = pilot.app.query_one("#trades-pane")
        await pilot.press("slash")
        await type_text(pilot, "short stop")
        await until(pilot, lambda: engine.asked(GetTrades)[-1].find == "short stop" and len(table.rows) < 400)
        assert table.current.side == "short"
        assert f"Trades {len(table.rows)} of 400" in screen_text(pilot)
        await pilot.press("enter", "s")
        await until(pilot, lambda: engine.asked(GetTrades)[-1].sort == "-pnl")
        await until(pilot, lambda: "best profit first" in pane.border_subtitle)
        assert table.current.pnl == max(row.pnl for row in table.rows if row is not None)
        await pilot.press("escape")
        await until(pilot, lambda: len(table.rows) == 400)


async def test_a_filter_that_fits_nothing_says_so_and_an_unknown_word_is_named(opened: Opened) -> None:
    async with opened(FakeEngine(), "test") as pilot:
        await pilot.press("slash")
        await type_text(pilot, "xrp")
        await until(pilot, lambda: "No trade fits the filter." in screen_text(pilot))
        await type_text(pilot, "q")
        await until(pilot, lambda: 'No trade fits "xrpq"' in screen_text(pilot))


async def test_a_trade_says_why_it_was_made(opened: Opened) -> None:
    engine = FakeEngine()
    async with opened(engine, "test") as pilot:
        pilot.app.query_one("#trades").focus()
        await pilot.press("enter")
        await until(pilot, lambda: "Why it was opened" in screen_text(pilot))
        text = screen_text(pilot)
        for part in ("decided enter", "cross entry exit", "adx", "27.41"):
            assert part in text
        assert engine.asked(ExplainTrade)[-1].trade_id == 400
        await pilot.press("i")
        await until(pilot, lambda: "Why it was opened" not in screen_text(pilot))


async def test_results_are_compared_side_by_side(opened: Opened) -> None:
    engine = FakeEngine()
    engine.add_result("bt-0190", "ema-x", 90, 180_000_000)
    async with opened(engine, "test") as pilot:
        pilot.app.query_one("#results").focus()
        await pilot.press("c")
        await until(pilot, lambda: isinstance(pilot.app.screen, CompareDialog))
        await until(
            pilot, lambda: "! The symbols differ." in pilot.app.screen.query_one("#compare-figures").plain
        )
        assert engine.asked(CompareResults)[-1].result_ids == ("bt-0193", "bt-0192")
        figures = pilot.app.screen.query_one("#compare-figures").plain
        assert re.search(r"risk.max_bars +≠ +48 +49", figures)
        assert "1.41*" in figures
        assert figures.index("Sharpe") < figures.index("Set differently") < figures.index("risk.max_bars")
        assert re.search(r"Sharpe .*-0.31 +n/a", figures), "how far it is from the first one"
        await pilot.press("end", "space")
        await until(pilot, lambda: len(engine.asked(CompareResults)[-1].result_ids) == 3)
        await until(pilot, lambda: "C ema-x" in screen_text(pilot))


async def test_marked_runs_are_the_ones_compared(opened: Opened) -> None:
    engine = FakeEngine()
    engine.add_result("bt-0190", "ema-x", 90, 180_000_000)
    async with opened(engine, "test") as pilot:
        pilot.app.query_one("#results").focus()
        await pilot.press("down", "space", "down", "space")
        await until(pilot, lambda: "2 marked of 3 results" in screen_text(pilot))
        await pilot.press("c")
        await until(pilot, lambda: engine.asked(CompareResults))
        assert engine.asked(CompareResults)[-1].result_ids == ("bt-0192", "bt-0190")


async def test_a_result_is_deleted_after_asking_and_the_next_one_opens(opened: Opened) -> None:
    engine = FakeEngine()
    async with opened(engine, "test") as pilot:
        pilot.app.query_one("#results").focus()
        await pilot.press("delete")
        await until(pilot, lambda: "Delete bt-0193?" in screen_text(pilot))
        await pilot.press("escape")
        await until(pilot, lambda: len(pilot.app.screen_stack) == 1)
        assert not engine.asked(DeleteResult)
        await pilot.press("delete")
        await until(pilot, lambda: "Delete bt-0193?" in screen_text(pilot))
        await pilot.press("d")
        await until(pilot, lambda: engine.asked(DeleteResult) == [DeleteResult("bt-0193")])
        area = pilot.app.query_one(ResultsArea)
        await until(pilot, lambda: area.view is not None and area.view.result_id == "bt-0192")


async def test_the_report_is_written_and_its_path_said(opened: Opened) -> None:
    engine = FakeEngine()
    async with opened(engine, "test") as pilot:
        await pilot.press("w")
        await until(pilot, lambda: engine.asked(WriteReport) == [WriteReport("bt-0193")])
        await until(pilot, lambda: pilot.app._notifications)
        said = [each.message for each in pilot.app._notifications]
        assert said == ["The report is data/results/bt-0193/report.html"]
