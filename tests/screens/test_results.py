"""The Test area: figures, curves, a trade log of any length, single trades on their bars, running backtests."""

from __future__ import annotations

from tests.screens.conftest import Opened, screen_text, until
from tests.support.fake_engine import FakeEngine
from tradebot.engine.messages import CancelJob, GetResult, GetTradeBars, GetTrades, RunBacktest
from tradebot.screens.results import ResultsArea
from tradebot.screens.trade_dialog import TradeDialog
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
            "Notes 2",
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
        await until(pilot, lambda: "No trade was made." in screen_text(pilot))
        assert "both must agree" in screen_text(pilot)
        assert engine.asked(GetResult)[-1].result_id == "bt-0192"


async def test_a_running_backtest_can_be_cancelled_and_the_old_result_comes_back(opened: Opened) -> None:
    engine = FakeEngine()
    async with opened(engine, "test") as pilot:
        await pilot.press("r")
        await until(pilot, lambda: "x cancels" in screen_text(pilot))
        assert engine.asked(RunBacktest)[0].name == "ema-x"
        await pilot.press("x")
        await until(pilot, lambda: engine.asked(CancelJob))
        await until(pilot, lambda: "NET PROFIT" in screen_text(pilot))


async def test_without_a_result_it_says_how_to_get_one(opened: Opened) -> None:
    async with opened(FakeEngine("empty"), "test") as pilot:
        await until(pilot, lambda: "No backtest yet." in screen_text(pilot))
        assert "4 Build: open a strategy, then r runs it." in screen_text(pilot)


async def test_narrow_keeps_the_figures_above_the_panes(opened: Opened) -> None:
    async with opened(FakeEngine(), "test", size=(80, 24)) as pilot:
        area = pilot.app.query_one(ResultsArea)
        for pane in area.panes:
            area.visit_pane(pane)
            await pilot.pause()
            assert "NET PROFIT" in screen_text(pilot)
            assert pane.size.width >= 78
            assert pane.size.height >= 10
