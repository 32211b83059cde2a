"""The widgets by themselves: what they keep, what they drop, what they draw."""

from __future__ import annotations

import unicodedata
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from textual.app import App, ComposeResult

from tests.screens.conftest import Opened, screen_text, until
from tests.support.fake_engine import FakeEngine
from tradebot.screens import formats
from tradebot.screens.theme import MEANINGS
from tradebot.screens.trade_log import TradeLog
from tradebot.screens.widgets import gauges
from tradebot.screens.widgets.candles import candle_column
from tradebot.screens.widgets.chart import nice_ticks, reduce_to_columns
from tradebot.screens.widgets.palette import Line, cut, line_length, spread, wrap
from tradebot.screens.widgets.virtual_table import Column, VirtualTable


class TableApp(App[None]):
    """A table of numbers, alone."""

    def __init__(self, rows: list[int]) -> None:
        super().__init__()
        self.rows = rows
        self.drawn: list[int] = []

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return dict(MEANINGS)

    def compose(self) -> ComposeResult:
        yield VirtualTable[int](
            (
                Column("N", 8, right=True),
                Column("SQUARE", 12, right=True, drop=1),
                Column("NAME", 10, grow=True),
            ),
            self.cells,
            lambda row: row,
        )

    def cells(self, row: int) -> tuple[str, str, str]:
        self.drawn.append(row)
        return str(row), str(row * row), f"row {row}"


async def test_a_table_makes_cells_for_visible_rows_only() -> None:
    app = TableApp([])
    async with app.run_test(size=(60, 12)) as pilot:
        table = app.query_one(VirtualTable)
        table.show(range(100_000))
        await pilot.pause()
        assert set(app.drawn) == set(range(11))
        table.focus()
        await pilot.press("end")
        await pilot.pause()
        assert max(app.drawn) == 99_999
        assert len(set(app.drawn)) < 40
        await pilot.press("g", "pagedown", "k")
        assert table.cursor == 9


async def test_a_table_paints_only_the_row_that_changed() -> None:
    app = TableApp([])
    async with app.run_test(size=(60, 12)) as pilot:
        table = app.query_one(VirtualTable)
        rows = list(range(10))
        table.show(rows)
        await pilot.pause()
        painted: list[int] = []
        original = table.render_line
        table.render_line = lambda y: painted.append(y) or original(y)
        table.show([*rows[:4], 44, *rows[5:]])
        await pilot.pause()
        assert painted == [5]


async def test_an_empty_table_is_painted_when_it_says_something_else_only() -> None:
    app = TableApp([])
    async with app.run_test(size=(60, 12)) as pilot:
        table = app.query_one(VirtualTable)
        painted: list[int] = []
        original = table.render_line
        table.render_line = lambda y: painted.append(y) or original(y)
        for text, is_painted in (("Nothing yet", True), ("Nothing yet", False), ("Still nothing", True)):
            painted.clear()
            table.show((), empty=(((text, "dim"),),))
            await pilot.pause()
            assert bool(painted) is is_painted, text


async def test_a_table_drops_columns_by_priority_and_never_cuts_numbers() -> None:
    app = TableApp([])
    async with app.run_test(size=(60, 6)) as pilot:
        table = app.query_one(VirtualTable)
        table.show([123_456])
        await pilot.pause()
        assert table.width_of("SQUARE") == 12
        await pilot.resize_terminal(30, 6)
        await pilot.pause()
        assert table.width_of("SQUARE") == 0
        assert table.width_of("N") == 8


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=400), st.integers(2, 40))
def test_reducing_a_curve_keeps_its_extremes_its_ends_and_the_order_of_time(
    values: list[float], columns: int
) -> None:
    times, kept = reduce_to_columns(range(len(values)), values, columns)
    assert max(kept) == max(values)
    assert min(kept) == min(values)
    assert list(times) == sorted(set(times))
    assert len(kept) <= 2 * columns or len(kept) == len(values)
    assert all(values[round(time)] == value for time, value in zip(times, kept, strict=True))


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6), st.integers(2, 12))
def test_marks_of_an_axis_are_inside_round_and_evenly_spaced(low: float, size: float, wanted: int) -> None:
    ticks = nice_ticks(low, low + size, wanted)
    assert 1 <= len(ticks) <= 2 * wanted + 2
    steps = [after - before for before, after in pairwise(ticks)]
    assert all(step == pytest.approx(steps[0], rel=1e-6, abs=1e-9 * (abs(low) + size)) for step in steps)


def test_candles_have_half_cells() -> None:
    assert candle_column(open_=1.0, high=3.0, low=0.0, close=2.5, bottom=0.0, step=0.5, rows=4) == [
        "╷",
        "┃",
        "┃",
        "│",
    ]
    assert candle_column(open_=2.0, high=2.0, low=2.0, close=2.0, bottom=0.0, step=0.5, rows=4) == [
        " ",
        "╻",
        " ",
        " ",
    ]


def test_coverage_tells_full_gap_missing_and_failed_apart_without_colour() -> None:
    shares = (0.0, 0.4, 1.0, 0.97, 0.0, 1.0, 0.2)
    assert "".join(text for text, _ in gauges.coverage(shares, "idle")) == "░▇▇▓░▇▇"
    assert "".join(text for text, _ in gauges.coverage(shares, "error"))[-1] == "×"
    assert "".join(text for text, _ in gauges.coverage(shares, "collecting"))[-1] == "▒"
    assert "".join(text for text, _ in gauges.coverage(shares, "idle", 15)) == "░░▇▇▇▇▓▓░░▇▇▇▇▇"


@pytest.mark.parametrize(
    ("line", "width", "shown"),
    [
        ((("BTCUSDT, ", "bold"), ("ETHUSDT", "dim")), 16, "BTCUSDT, ETHUSDT"),
        ((("BTCUSDT, ", "bold"), ("ETHUSDT", "dim")), 12, "BTCUSDT, E.."),
        ((("BTCUSDT", "bold"), ("    ", "")), 8, "BTCUSDT "),
        ((("BTC", "bold"),), 2, "BT"),
        ((("BTC", "bold"),), 0, ""),
    ],
)
def test_what_is_cut_says_so(line: Line, width: int, shown: str) -> None:
    assert "".join(text for text, _ in cut(line, width)) == shown


def test_rates_are_upright_bars_of_the_latest_values() -> None:
    lines = gauges.columns((9.0, 0.0, 4.0, 8.0), 3, 2)
    assert ["".join(text for text, _ in line) for line in lines] == ["  █", " ██"]


@given(st.text(st.characters(categories=["L", "N", "P", "Zs"]), max_size=200), st.integers(8, 60))
def test_wrapping_loses_no_word_and_fits(text: str, width: int) -> None:
    lines = wrap(text, width)
    assert "".join("".join(lines).split()) == "".join(text.split())


def test_both_ends_of_a_line_stay_apart() -> None:
    line = spread((("left", ""),), (("right", ""),), 20)
    assert "".join(text for text, _ in line) == "left           right"
    assert line_length(spread((("much too long", ""),), (("right", ""),), 10)) == 10


def test_a_trade_log_asks_once_for_each_window_that_is_looked_at() -> None:
    asked: list[int] = []
    log = TradeLog(1000, asked.append)
    assert log[0] is None
    assert log[199] is None
    assert log[999] is None
    assert asked == [0, 800]
    log.forget(800)
    assert log[800] is None
    assert asked == [0, 800, 800]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (formats.count(9999), "9,999"),
        (formats.count(49_120), "49.1k"),
        (formats.count(1_580_000), "1.58M"),
        (formats.count(2_104_000_000), "2.10B"),
        (formats.size_of(412e9), "412 GB"),
        (formats.size_of(28_100_000), "28.1 MB"),
        (formats.span(0.41), "0.4s"),
        (formats.span(47), "47s"),
        (formats.span(3 * 3600), "3h"),
        (formats.countdown(71), "1:11"),
        (formats.countdown(7391), "2:03:11"),
        (formats.countdown(None), "-"),
        (formats.grouped("63812.40"), "63,812.40"),
        (formats.grouped("-1234.5"), "-1,234.5"),
        (formats.percent(0.0082), "▲ 0.82%"),
        (formats.percent(-0.068, 1), "▼ 6.8%"),
        (formats.percent(0.0), "· 0.00%"),
        (formats.percent(None), "n/a"),
        (formats.axis_money(10_250, 250), "10.25k"),
        (formats.axis_money(8_000, 2_000), "8k"),
        (formats.axis_money(9_995, 5), "9,995"),
        (formats.axis_percent(-0.025, 0.025), "-2.5%"),
        (formats.clock(1_788_359_527_000), "14:32:07Z"),
    ],
)
def test_numbers_and_times_read_as_a_person_writes_them(text: str, expected: str) -> None:
    assert text == expected


@pytest.mark.parametrize("area", ["data", "build", "test"])
async def test_no_glyph_is_wide_or_an_emoji(opened: Opened, area: str) -> None:
    async with opened(FakeEngine(), area, size=(200, 50)) as pilot:
        await until(pilot, lambda: len(screen_text(pilot)) > 2000)
        for glyph in set(screen_text(pilot)) - {"\n"}:
            assert cell_len(glyph) == 1, glyph
            assert unicodedata.east_asian_width(glyph) not in {"W", "F"}, glyph
            assert ord(glyph) < 0x2900, glyph
            assert glyph not in "▶◀⚠✓✔⏱❌★☆", glyph
