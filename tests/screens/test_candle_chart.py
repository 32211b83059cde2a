"""The chart as text, from small cases; and that a new last price paints no more than its own cells."""

from __future__ import annotations

from dataclasses import replace

import pytest
from textual.app import App, ComposeResult

from tradebot.screens.theme import DARK, LIGHT, MEANINGS
from tradebot.screens.widgets.candle_chart import MarketChart, changed_cells
from tradebot.screens.widgets.candle_chart_axes import time_axis
from tradebot.screens.widgets.candle_chart_drawing import draw_chart
from tradebot.screens.widgets.candle_chart_picture import (
    ChartPicture,
    Path,
    PictureLine,
    PictureMark,
    pane_value,
    slots_that_fit,
)

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
START = 1_704_067_200_000  # 2024-01-01 00:00


def picture(*bars: tuple[float, float, float, float] | None, **fields: object) -> ChartPicture:
    """Bars as (open, high, low, close), None where there is none."""
    columns = [tuple(None if bar is None else bar[n] for bar in bars) for n in range(4)]
    volume = tuple(None if bar is None else float(n + 1) for n, bar in enumerate(bars))
    made = ChartPicture(
        START,
        HOUR,
        *columns,
        volume,
        axis=8,
        first_ms=START,
        last_ms=START + (len(bars) - 1) * HOUR,
        with_volume=False,
    )
    return replace(made, **fields)  # type: ignore[arg-type]


RISE = (1.0, 8.0, 0.0, 7.0)
FALL = (7.0, 8.0, 0.0, 1.0)
FLAT = (4.0, 4.0, 4.0, 4.0)


def drawn(made: ChartPicture, width: int = 19, height: int = 7) -> list[str]:
    return ["".join(text for text, _ in line).rstrip() for line in draw_chart(made, width, height)]


def plot(made: ChartPicture, width: int = 19, height: int = 7) -> list[str]:
    """The price rows without their axis, grid taken away."""
    return [
        row.partition("│       ")[0][: width - 9].replace("┈", " ").rstrip()
        for row in drawn(made, width, height)[:-1]
    ]


def tones(made: ChartPicture, width: int = 19, height: int = 7) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for line in draw_chart(made, width, height):
        for text, tone in line:
            for char in text:
                found.setdefault(char, set()).add(tone)
    return found


@pytest.mark.parametrize(
    ("bars", "column"),
    [
        # 12 half cells from -0.4 to 8.4: a wick from 0 to 8 in all rows, a body from 1 to 7
        ((RISE,), ["╽", "┃", "┃", "┃", "┃", "╿"]),
        ((FLAT, RISE), [" ", " ", "╻", " ", " ", " "]),
        (((0.0, 8.0, 0.0, 8.0),), ["┃", "┃", "┃", "┃", "┃", "┃"]),
    ],
)
def test_a_candle_in_half_cells(
    bars: tuple[tuple[float, float, float, float], ...], column: list[str]
) -> None:
    rows = [row.ljust(10) for row in plot(picture(*bars))]
    assert [row[10 - len(bars)] for row in rows] == column


def test_the_newest_candle_stands_at_the_right_and_colours_say_the_direction() -> None:
    made = picture(RISE, FALL)
    assert plot(made)[2].endswith("┃┃")
    assert set(tones(made)["┃"]) == {"up", "down"}
    assert set(tones(replace(made, muted=True))["┃"]) == {"stale"}


def test_prices_on_the_axis_have_the_decimals_of_the_tick() -> None:
    for decimals, text in ((1, "5.0"), (4, "5.0000")):
        assert any(row.endswith(text) for row in drawn(picture(RISE, decimals=decimals)))


def test_the_last_price_is_a_tag_on_the_axis_in_the_colour_of_its_candle() -> None:
    made = picture(RISE, last=7.0)
    tags = [tone for line in draw_chart(made, 19, 7) for text, tone in line if "7.00" in text]
    assert tags == ["badge-good"]
    made = picture(FALL, last=1.0)
    assert "badge-down" in {tone for line in draw_chart(made, 19, 7) for _, tone in line}


def test_a_hole_in_the_data_is_hatched_and_named_but_not_what_lies_outside() -> None:
    bars = (RISE, *(None,) * 14, RISE)
    made = picture(*bars)
    rows = drawn(made, 27)
    assert any("░ no data ░" in row for row in rows)
    assert all("░░" in row for row in rows[:-1])
    outside = replace(made, first_ms=START + 15 * HOUR)
    assert not any("░" in row for row in drawn(outside, 27))
    short = picture(RISE, None, RISE)
    assert sum(row.count("░") for row in drawn(short)) == 6


def test_volume_stands_below_in_eighths_with_its_most_on_the_axis() -> None:
    rows = drawn(picture(RISE, RISE, RISE, RISE, with_volume=True), height=14)
    assert rows[-3].rpartition("│")[2].strip() == "vol 4"
    assert [row.partition("│")[0][6:10] for row in rows[-3:-1]] == ["  ▄█", "▄███"]


def test_a_line_is_drawn_in_dots_beside_the_candles_and_breaks_where_it_has_no_value() -> None:
    line = PictureLine("EMA 9", "chart-1", "price", (2.0, 2.0, None, 2.0, 2.0))
    made = picture(*((6.0, 7.0, 6.0, 7.0),) * 5, (0.0, 8.0, 0.0, 8.0), lines=(line,))
    row = next(row for row in plot(made, 24) if any("\u2800" < char <= "\u28ff" for char in row))
    dots = ["\u2800" < char <= "\u28ff" for char in row.ljust(15)[9:14]]
    assert dots == [True, True, False, True, True]
    assert "chart-1" in {tone for char, found in tones(made).items() if char > "\u2800" for tone in found}


def test_a_line_far_away_does_not_flatten_the_candles() -> None:
    far = PictureLine("EMA 200", "chart-1", "price", (100.0, 100.0))
    assert plot(picture(RISE, FALL, lines=(far,)))[-1].strip() != ""
    near = PictureLine("EMA 9", "chart-1", "price", (9.0, 9.0))
    highest = draw_chart(picture(RISE, FALL, lines=(near,)), 19, 12)
    assert any("\u2800" < char <= "\u28ff" for text, _ in highest[0] for char in text)


def test_panes_below_share_the_room_and_say_highest_lowest_and_last() -> None:
    lines = (
        PictureLine("RSI 14", "chart-1", "RSI 14", (30.0, 70.0, 50.0)),
        PictureLine("MACD", "chart-4", "MACD", (-2.0, 1.0, -0.5)),
    )
    rows = drawn(picture(RISE, FALL, RISE, lines=lines), 24, 24)
    axis = [row.rpartition("│")[2].strip() for row in rows]
    assert "RSI 14" in rows[-9] or any(row.startswith("RSI 14") for row in rows)
    assert {"70.0", "50.0", "30.0", "1.000", "-2.000", "-0.500"} <= set(axis)
    low = drawn(picture(RISE, FALL, RISE, lines=lines), 24, 10)
    assert not any("MACD" in row for row in low)
    assert len(low) == 10


def test_marks_stand_outside_their_candle() -> None:
    quiet = (4.0, 4.5, 3.5, 4.2)
    marks = (PictureMark(1, "▲", True, "bold chart-1"), PictureMark(2, "▼", False, "bold accent"))
    rows = plot(picture(RISE, quiet, quiet, marks=marks), height=13)
    below = next(n for n, row in enumerate(rows) if "▲" in row)
    above = next(n for n, row in enumerate(rows) if "▼" in row)
    body = next(n for n, row in enumerate(rows) if row.ljust(10)[8] in "┃╹╻╽╿")
    assert above < body < below
    assert rows[below].ljust(10)[8] == "▲"
    assert not any("▲" in row for row in plot(picture(RISE, marks=(PictureMark(9, "▲", True, ""),))))


def test_a_trade_is_a_line_from_entry_to_exit() -> None:
    bars = ((8.0, 8.0, 7.5, 7.6), *((8.0, 8.0, 7.9, 8.0),) * 6, (0.5, 0.5, 0.0, 0.0))
    made = picture(*bars, paths=(Path(0, 2.0, 7, 5.0, "up"),))
    dots = [char for char, found in tones(made).items() if "\u2800" < char <= "\u28ff" and "up" in found]
    assert dots


def test_the_cursor_is_a_line_with_its_close_and_time_on_the_axes() -> None:
    made = picture(RISE, FALL, RISE, cursor=1)
    lines = draw_chart(made, 24, 9)
    assert any(text.strip() == "1.00" and tone == "bold accent" for line in lines for text, tone in line)
    assert "01-01 01:00" in "".join(text for text, _ in lines[-1])
    assert any("on-cursor" in tone for line in lines for _, tone in line)


@pytest.mark.parametrize(
    ("unit", "count", "labels"),
    [
        (MINUTE, 60, ["2024", "00:10", "00:20", "00:30", "00:40"]),
        (HOUR, 60, ["2024", "12:00", "01-02", "12:00"]),
        (DAY, 70, ["01-08", "01-22", "02-05", "02-19"]),
        (3 * DAY, 70, ["2024", "2024-03", "2024-05"]),
        (30 * DAY, 80, ["2024", "2025", "2026"]),
    ],
)
def test_times_on_the_axis_are_round(unit: int, count: int, labels: list[str]) -> None:
    text = "".join(part for part, _ in time_axis(START, unit, list(range(count)), count, None))
    assert text.split()[: len(labels)] == labels


def test_labels_never_run_into_each_other() -> None:
    for unit in (MINUTE, 5 * MINUTE, 7 * MINUTE, HOUR, 4 * HOUR, DAY, 3 * DAY, 40 * DAY):
        for pitch in (1, 2):
            columns = list(range(0, 100, pitch))
            text = "".join(part for part, _ in time_axis(START + 7 * MINUTE, unit, columns, 100, 20))
            assert len(text) == 100
            assert all(len(word) <= 10 for word in text.split())


def test_too_small_says_so_and_nothing_fails_without_bars() -> None:
    assert drawn(picture(RISE), 12, 5) == ["too small for a chart"]
    assert len(drawn(picture(None, None, first_ms=START + DAY))) == 7
    assert len(draw_chart(ChartPicture(), 40, 12)) == 12


def test_a_picture_made_for_a_wider_drawing_shows_its_newest_candles() -> None:
    wide = picture(
        *(FALL,) * 30,
        *(RISE,) * 10,
        marks=(PictureMark(2, "▲", True, "up"), PictureMark(35, "△", True, "up")),
        paths=(Path(1, 4.0, 38, 5.0, "up"),),
        lines=(PictureLine("ema", "chart-1", "price", (4.0,) * 40),),
        cursor=39,
    )
    narrow = replace(
        picture(*(RISE,) * 10, marks=(PictureMark(5, "△", True, "up"),), cursor=9),
        start_ms=START + 30 * HOUR,
        lines=(PictureLine("ema", "chart-1", "price", (4.0,) * 10),),
        last_ms=wide.last_ms,
    )
    assert drawn(wide) == drawn(narrow)


@pytest.mark.parametrize(("pitch", "fit"), [(1, 10), (2, 5), (3, 3)])
def test_what_fits(pitch: int, fit: int) -> None:
    assert slots_that_fit(19, pitch, 8) == fit


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (58.31, "58.3"),
        (1204.4, "1,204"),
        (0.001234, "0.00123"),
        (-673.6, "-673.6"),
        (2.1e6, "2.10M"),
        (0.0, "0.0"),
        (0.5, "0.500"),
    ],
)
def test_values_of_indicators_are_short(value: float, text: str) -> None:
    assert pane_value(value) == text


def test_only_cells_that_differ_are_painted() -> None:
    assert changed_cells((("abc", ""),), (("abc", ""),), 5) is None
    assert changed_cells((("abc", ""),), (("abc  ", ""),), 5) is None
    assert changed_cells((("abc", ""),), (("abc", "up"),), 5) == (0, 3)
    assert changed_cells((), (("  x", ""),), 5) == (2, 3)


class Holder(App[None]):
    def __init__(self) -> None:
        super().__init__()
        self.clicked: list[int] = []
        for theme in (DARK, LIGHT):
            self.register_theme(theme)
        self.theme = DARK.name

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return {**super().get_theme_variable_defaults(), **MEANINGS}

    def compose(self) -> ComposeResult:
        yield MarketChart()

    def on_market_chart_pointed(self, event: MarketChart.Pointed) -> None:
        self.clicked.append(event.slot)


def many(count: int) -> list[tuple[float, float, float, float]]:
    return [(50 + n % 7, 60 + n % 7, 40 + n % 5, 55 - n % 3) for n in range(count)]


async def test_a_new_last_price_paints_the_last_candle_and_the_axis_only() -> None:
    app = Holder()
    async with app.run_test(size=(100, 30)) as pilot:
        chart = app.query_one(MarketChart)
        bars = many(91)
        chart.show(picture(*bars, last=50.0))
        await pilot.pause()
        before = chart.painted_cells
        bars[-1] = (*bars[-1][:3], 47.0)
        chart.show(picture(*bars, last=47.0))
        assert 0 < chart.painted_cells - before < 4 * 100
        again = chart.painted_cells
        chart.show(picture(*bars, last=47.0))
        assert chart.painted_cells == again


async def test_a_click_tells_the_candle_and_another_theme_paints_in_its_colours() -> None:
    app = Holder()
    async with app.run_test(size=(40, 14)) as pilot:
        chart = app.query_one(MarketChart)
        chart.show(picture(RISE, FALL, RISE))
        await pilot.pause()
        await pilot.click(MarketChart, offset=(30, 3))
        await pilot.click(MarketChart, offset=(28, 3))
        await pilot.click(MarketChart, offset=(35, 3))
        await pilot.pause()
        assert app.clicked == [2, 0]
        dark = {segment.style for segment in chart.render_line(5) if segment.text.strip()}
        app.theme = LIGHT.name
        await pilot.pause()
        assert dark.isdisjoint({segment.style for segment in chart.render_line(5) if "┃" in segment.text})
