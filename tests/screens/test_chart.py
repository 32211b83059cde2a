"""The Chart area at the keyboard: every key of its footer, what is asked of the engine, what stays."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from textual.pilot import Pilot

from tests.screens.conftest import Opened, screen_text, type_text, until
from tests.support.fake_chart import FIRST_MS, HOLE
from tests.support.fake_engine import FakeEngine
from tradebot.app import TradebotApp
from tradebot.engine.messages import ChartView, Collect, EngineSnapshot, GetChart
from tradebot.screens.chart import ChartArea
from tradebot.screens.chart_dialogs import DateDialog
from tradebot.screens.chart_pane import ChartPane
from tradebot.screens.chart_view import ZOOMS
from tradebot.screens.data_collect import CollectDialog
from tradebot.screens.pickers import PickDialog
from tradebot.screens.widgets.candle_chart import MarketChart

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
QUARTER = 15 * MINUTE


def area(pilot: Pilot[None]) -> ChartArea:
    return pilot.app.query_one(ChartArea)


def pane(pilot: Pilot[None]) -> ChartPane:
    return pilot.app.query_one(ChartPane)


def bar_text(pilot: Pilot[None]) -> str:
    return str(pilot.app.query_one("#chart-bar").plain)


async def shown(pilot: Pilot[None]) -> None:
    """Until the window that is wanted is drawn."""

    def there() -> bool:
        each = pane(pilot)
        view = each.view
        return view is not None and each.settled and (view.symbol, view.timeframe) == (
            each.subject.symbol, each.viewport.timeframe,
        )  # fmt: skip

    await until(pilot, there)


async def press(pilot: Pilot[None], *keys: str) -> None:
    await pilot.press(*keys)
    await shown(pilot)


async def pick(pilot: Pilot[None], key: str, text: str) -> None:
    """Open a list, search it, take what is found."""
    await pilot.press(key)
    await until(pilot, lambda: isinstance(pilot.app.screen, PickDialog))
    await type_text(pilot, text)
    await pilot.press("enter")
    await until(pilot, lambda: not isinstance(pilot.app.screen, PickDialog))


async def test_it_begins_with_bitcoin_and_follows_its_newest_bar(opened: Opened) -> None:
    engine = FakeEngine()
    async with opened(engine, "chart") as pilot:
        await shown(pilot)
        assert str(pane(pilot).border_title) == "BTCUSDT perpetual · 15m"
        assert "● live" in str(pane(pilot).border_subtitle)
        assert re.match(
            r"2026-09-02 14:\d\d  O [\d,.]+  H [\d,.]+  L [\d,.]+  C [\d,.]+  [▲▼·] [\d.]+%  V \d+",
            bar_text(pilot),
        )
        asked = engine.asked(GetChart)
        assert len(asked) <= 2
        assert asked[0].candles < 400


async def test_a_new_price_moves_the_forming_bar_and_asks_for_nothing(opened: Opened) -> None:
    engine = FakeEngine()
    async with opened(engine, "chart") as pilot:
        await shown(pilot)
        asked = len(engine.asked(GetChart))
        before = pane(pilot).picture
        engine.tick()
        engine.tick()
        await until(pilot, lambda: pane(pilot).picture.last != before.last)
        quote = next(each for each in engine.snapshot().quotes if each.symbol == "BTCUSDT")
        await until(pilot, lambda: pane(pilot).picture.last == float(quote.last))
        now = pane(pilot).picture
        changed = [n for n, (old, new) in enumerate(zip(before.close, now.close, strict=True)) if old != new]
        assert len(changed) == 1
        assert now.close[changed[0]] == float(quote.last)
        assert now.low[changed[0]] <= float(quote.last) <= now.high[changed[0]]
        assert len(engine.asked(GetChart)) == asked


async def test_arrows_and_clicks_move_the_cursor_and_y_copies_its_candle(opened: Opened) -> None:
    async with opened(FakeEngine(), "chart") as pilot:
        await shown(pilot)
        newest = bar_text(pilot)[:16]
        await press(pilot, "left")
        assert bar_text(pilot)[:16] == newest
        await press(pilot, "left", "left")
        cursor = pane(pilot).viewport.cursor_ms
        assert cursor is not None
        slot = pane(pilot).picture.cursor
        assert slot is not None
        close = pane(pilot).picture.close[slot]
        assert f"C {close:,.1f}" in bar_text(pilot)
        await press(pilot, "right")
        assert pane(pilot).viewport.cursor_ms == cursor + QUARTER
        await press(pilot, "shift+left")
        assert pane(pilot).viewport.cursor_ms == cursor - 9 * QUARTER
        await press(pilot, "shift+right")
        assert pane(pilot).viewport.cursor_ms == cursor + QUARTER
        await press(pilot, "escape")
        assert pane(pilot).viewport.cursor_ms is None
        await pilot.click(MarketChart, offset=(40, 6))
        await until(pilot, lambda: pane(pilot).picture.cursor is not None)
        picture = pane(pilot).picture
        blank = pane(pilot).chart.size.width - picture.axis - 1 - len(picture.close)
        assert picture.cursor == 40 - blank
        await press(pilot, "y")
        assert pilot.app.clipboard.startswith(f"BTCUSDT 15m  {bar_text(pilot)[:16]}")


async def test_page_home_and_end_walk_the_history(opened: Opened) -> None:
    engine = FakeEngine()
    async with opened(engine, "chart") as pilot:
        await shown(pilot)
        right = pane(pilot).picture.start_ms
        await press(pilot, "pageup")
        assert pane(pilot).picture.start_ms < right
        assert pane(pilot).viewport.right_ms is not None
        await press(pilot, "pagedown")
        assert pane(pilot).viewport.right_ms is None
        await press(pilot, "home")
        await until(pilot, lambda: pane(pilot).picture.close[pane(pilot).picture.cursor or 0] is not None)
        assert pane(pilot).viewport.cursor_ms == FIRST_MS
        assert FIRST_MS - pane(pilot).picture.start_ms < 200 * QUARTER
        await press(pilot, "end")
        assert pane(pilot).viewport.right_ms is None
        assert pane(pilot).viewport.cursor_ms is None
        assert all(each.candles <= 600 for each in engine.asked(GetChart))


async def test_plus_and_minus_zoom_and_v_gives_the_room_of_volume_to_the_candles(opened: Opened) -> None:
    async with opened(FakeEngine(), "chart") as pilot:
        await shown(pilot)
        await press(pilot, "minus")
        await press(pilot, "minus")
        assert ZOOMS[pane(pilot).viewport.zoom] == (1, 3)
        await until(pilot, lambda: pane(pilot).picture.unit_ms == 3 * QUARTER)
        assert "3 bars a candle" in str(pane(pilot).border_title)
        assert "vol " in pane(pilot).chart.plain
        await press(pilot, "v")
        assert "vol " not in pane(pilot).chart.plain
        await press(pilot, "plus", "equals_sign")
        await press(pilot, "plus")
        assert ZOOMS[pane(pilot).viewport.zoom] == (2, 1)
        await until(pilot, lambda: pane(pilot).picture.pitch == 2)


async def test_brackets_take_shorter_and_longer_bars_at_the_same_place(opened: Opened) -> None:
    async with opened(FakeEngine(), "chart") as pilot:
        await shown(pilot)
        await press(pilot, "pageup", "left", "left")
        cursor = pane(pilot).viewport.cursor_ms
        assert cursor is not None
        await press(pilot, "right_square_bracket")
        assert pane(pilot).viewport.timeframe == "30m"
        assert pane(pilot).viewport.cursor_ms == cursor // (2 * QUARTER) * 2 * QUARTER
        await press(pilot, "left_square_bracket", "left_square_bracket", "left_square_bracket")
        assert pane(pilot).viewport.timeframe == "3m"
        for _ in range(15):
            await pilot.press("right_square_bracket")
        await shown(pilot)
        assert pane(pilot).viewport.timeframe == "1w"


async def test_s_searches_symbols_and_keeps_what_is_on_the_chart(opened: Opened) -> None:
    async with opened(FakeEngine(), "chart") as pilot:
        await shown(pilot)
        await pick(pilot, "i", "rsi")
        await pick(pilot, "s", "sol")
        await shown(pilot)
        assert pane(pilot).subject.symbol == "SOLUSDT"
        assert pane(pilot).subject.indicators == ("rsi 14",)
        assert pane(pilot).viewport.timeframe == "15m"
        await pick(pilot, "s", "link")
        await shown(pilot)
        assert pane(pilot).viewport.timeframe == "1h"


async def test_a_symbol_without_bars_says_what_to_do_and_c_does_it(opened: Opened) -> None:
    engine = FakeEngine()
    async with opened(engine, "chart") as pilot:
        await shown(pilot)
        await pick(pilot, "s", "pepeusdt")
        await until(pilot, lambda: "No candles of PEPEUSDT 15m" in screen_text(pilot))
        assert "collect PEPEUSDT" in screen_text(pilot)
        assert "c collect" in screen_text(pilot).splitlines()[-1]
        await pilot.press("c")
        await until(pilot, lambda: isinstance(pilot.app.screen, CollectDialog))
        await pilot.press("enter")
        await until(pilot, lambda: engine.asked(Collect))
        assert engine.asked(Collect)[0].symbols == ("PEPEUSDT",)
        engine.scenario = "read-only"
        await until(pilot, lambda: area(pilot).app.latest.read_only)  # type: ignore[attr-defined]  # of our app
        await pilot.press("c")
        await pilot.pause()
        assert not isinstance(pilot.app.screen, CollectDialog)
        await pick(pilot, "s", "btc")
        await shown(pilot)
        assert "c collect" not in screen_text(pilot).splitlines()[-1]


async def test_i_adds_indicators_from_the_list_or_as_typed_and_takes_them_away(opened: Opened) -> None:
    engine = FakeEngine()
    async with opened(engine, "chart") as pilot:
        await shown(pilot)
        await pick(pilot, "i", "bollinger")
        await pick(pilot, "i", "ema 2")
        await until(pilot, lambda: len(pane(pilot).picture.lines) == 4)
        assert pane(pilot).subject.indicators == ("bbands 20 2", "ema 2")
        values = str(pilot.app.query_one("#chart-values").plain)
        assert re.match(r"BBANDS 20 2 upper [\d,.]+  middle [\d,.]+  lower [\d,.]+  EMA 2 [\d,.]+", values)
        await pick(pilot, "i", "ema 2")
        await until(pilot, lambda: len(pane(pilot).picture.lines) == 3)
        assert pane(pilot).subject.indicators == ("bbands 20 2",)
        await pick(pilot, "i", "emma 5")
        await until(pilot, lambda: "There is no indicator" in str(pane(pilot).border_subtitle))
        assert engine.asked(GetChart)[-1].indicators == ("bbands 20 2", "emma 5")


async def test_d_goes_to_a_date_or_says_what_is_wrong_and_a_hole_is_hatched_and_counted(
    opened: Opened,
) -> None:
    async with opened(FakeEngine(), "chart") as pilot:
        await shown(pilot)
        await pilot.press("d")
        await until(pilot, lambda: isinstance(pilot.app.screen, DateDialog))
        await pilot.press("end", "ctrl+u")
        await type_text(pilot, "soon")
        await pilot.press("enter")
        await until(pilot, lambda: "is not a time" in screen_text(pilot))
        await pilot.press("ctrl+u")
        await type_text(pilot, "2025-11-03")
        await pilot.press("enter")
        await until(pilot, lambda: not isinstance(pilot.app.screen, DateDialog))
        await shown(pilot)
        assert bar_text(pilot).startswith("2025-11-03 00:00")
        middle = len(pane(pilot).picture.close) // 2
        assert abs((pane(pilot).picture.cursor or 0) - middle) <= 1
        pane(pilot).go_to(HOLE)
        await shown(pilot)
        assert "no data" in pane(pilot).chart.plain
        assert "16 candles not stored" in str(pane(pilot).border_subtitle)
        assert "no data" in bar_text(pilot)


async def test_t_shows_a_strategy_with_its_signals_and_n_and_b_walk_them(opened: Opened) -> None:
    engine = FakeEngine()
    async with opened(engine, "chart") as pilot:
        await shown(pilot)
        assert pilot.app.query_one("#chart-events").has_class("-absent")
        await pick(pilot, "t", "ema-x")
        await until(pilot, lambda: pane(pilot).picture.marks)
        assert "signals of ema-x" in str(pane(pilot).border_title)
        assert "signals in the window" in str(pilot.app.query_one("#chart-events").border_subtitle)
        await press(pilot, "b")
        first = pane(pilot).viewport.cursor_ms
        assert first is not None
        assert first % (6 * HOUR) == 0
        await press(pilot, "b")
        assert pane(pilot).viewport.cursor_ms == first - 6 * HOUR
        await press(pilot, "n")
        assert pane(pilot).viewport.cursor_ms == first
        await press(pilot, "o")
        assert pane(pilot).picture.marks == ()
        await pick(pilot, "t", "none")
        await until(pilot, lambda: pilot.app.query_one("#chart-events").has_class("-absent"))


async def test_r_shows_the_trades_of_a_result_and_enter_goes_to_one(opened: Opened) -> None:
    engine = FakeEngine()
    async with opened(engine, "chart") as pilot:
        await shown(pilot)
        await pick(pilot, "r", "bt-0193")
        await until(pilot, lambda: pane(pilot).view is not None and pane(pilot).view.trades)
        assert engine.asked(GetChart)[-1].result_id == "bt-0193"
        assert "40 trades" in str(pilot.app.query_one("#chart-events").border_subtitle)
        await pilot.press("tab", "down", "down", "enter")
        view = pane(pilot).view
        assert isinstance(view, ChartView)
        wanted = sorted((trade.entry_ms for trade in view.trades), reverse=True)[2]
        await until(pilot, lambda: pane(pilot).viewport.cursor_ms == wanted)
        await shown(pilot)
        assert any(mark.glyph == "▲" for mark in pane(pilot).picture.marks)
        assert pane(pilot).picture.paths


async def test_a_slow_answer_leaves_the_old_chart_dimmed_and_the_last_wish_wins(opened: Opened) -> None:
    engine = FakeEngine()
    async with opened(engine, "chart") as pilot:
        await shown(pilot)
        old = pane(pilot).picture
        engine.hold()
        before = len(engine.asked(GetChart))
        await pilot.press("home", "right_square_bracket", "right_square_bracket", "right_square_bracket")
        await until(pilot, lambda: pane(pilot).picture.muted)
        assert pane(pilot).picture.close == old.close
        assert len(engine.asked(GetChart)) == before + 1
        engine.release()
        await shown(pilot)
        assert pane(pilot).viewport.timeframe == "2h"
        assert len(engine.asked(GetChart)) <= before + 3
        assert not pane(pilot).picture.muted


async def test_what_is_on_the_chart_is_there_again_after_another_area(opened: Opened) -> None:
    async with opened(FakeEngine(), "chart") as pilot:
        await shown(pilot)
        await pick(pilot, "s", "eth")
        await pick(pilot, "i", "rsi")
        await press(pilot, "pageup", "right_square_bracket")
        before = (pane(pilot).subject, pane(pilot).viewport)
        await pilot.press("2")
        await until(pilot, lambda: not area(pilot).display)
        await pilot.press("3")
        await until(pilot, lambda: area(pilot).display)
        assert (pane(pilot).subject, pane(pilot).viewport) == before


async def test_another_area_opens_a_trade_here(opened: Opened) -> None:
    engine = FakeEngine()
    async with opened(engine, "data") as pilot:
        app = pilot.app
        assert isinstance(app, TradebotApp)
        time_ms = FIRST_MS + 300 * DAY + 7 * MINUTE
        opened_area = app.visit("chart")
        assert isinstance(opened_area, ChartArea)
        opened_area.open_chart("ETHUSDT", "5m", time_ms, "bt-0193")
        await until(pilot, lambda: app.query("ChartPane") and pane(pilot).view is not None)
        await shown(pilot)
        await until(pilot, lambda: pane(pilot).viewport.cursor_ms == time_ms // (5 * MINUTE) * 5 * MINUTE)
        assert (pane(pilot).subject.symbol, pane(pilot).subject.result_id) == ("ETHUSDT", "bt-0193")
        assert engine.asked(GetChart)[-1].symbol == "ETHUSDT"


async def test_without_any_bars_it_says_how_to_get_some(opened: Opened) -> None:
    async with opened(FakeEngine("empty"), "chart") as pilot:
        await until(pilot, lambda: "No candles yet" in screen_text(pilot))
        assert "collect BTCUSDT" in screen_text(pilot)
        await pilot.press("c")
        await until(pilot, lambda: isinstance(pilot.app.screen, CollectDialog))


async def test_bars_that_arrive_are_asked_for_once(opened: Opened) -> None:
    engine = FakeEngine()
    async with opened(engine, "chart") as pilot:
        await shown(pilot)
        asked = len(engine.asked(GetChart))
        engine.grow("linear/BTCUSDT_1m")
        await until(pilot, lambda: len(engine.asked(GetChart)) == asked + 1)
        await shown(pilot)
        await pilot.pause(0.3)
        assert len(engine.asked(GetChart)) == asked + 1


class Compiling(FakeEngine):
    """An engine whose kernels are compiled when a test says so."""

    kernels = "compiling"

    def snapshot(self) -> EngineSnapshot:
        return replace(super().snapshot(), kernels=self.kernels)


async def test_indicators_are_asked_for_again_once_the_kernels_are_compiled(opened: Opened) -> None:
    engine = Compiling()
    async with opened(engine, "chart") as pilot:
        await shown(pilot)
        await pick(pilot, "i", "ema 50")
        await shown(pilot)
        before = len(engine.asked(GetChart))
        await pilot.pause(0.3)
        assert len(engine.asked(GetChart)) == before, "not over and over while they are compiled"
        engine.kernels = "ready"
        await until(pilot, lambda: len(engine.asked(GetChart)) == before + 1)
        assert engine.asked(GetChart)[-1].indicators == ("ema 50",)


@pytest.mark.parametrize("size", [(80, 24), (200, 50)])
async def test_each_size_is_filled(opened: Opened, size: tuple[int, int]) -> None:
    async with opened(FakeEngine(), "chart", size=size) as pilot:
        await shown(pilot)
        await pick(pilot, "i", "rsi")
        await pick(pilot, "t", "ema-x")
        await until(pilot, lambda: pane(pilot).picture.marks)
        lines = screen_text(pilot).splitlines()
        assert all(len(line) <= size[0] for line in lines)
        assert pane(pilot).chart.size.width >= size[0] - 4
        assert "RSI 14" in screen_text(pilot)
        assert "15m" in screen_text(pilot)
        assert "vol " in screen_text(pilot)


async def test_on_a_narrow_terminal_enter_on_a_mark_shows_it_in_the_middle_of_the_chart(
    opened: Opened,
) -> None:
    async with opened(FakeEngine(), "chart", size=(80, 24)) as pilot:
        await shown(pilot)
        await pick(pilot, "r", "bt-0193")
        await until(pilot, lambda: pane(pilot).view is not None and pane(pilot).view.trades)
        await pilot.press("tab", "down", "down", "enter")
        await until(pilot, lambda: area(pilot).current_pane is pane(pilot))
        await shown(pilot)
        picture = pane(pilot).picture
        assert abs((picture.cursor or 0) - len(picture.close) // 2) <= 1
