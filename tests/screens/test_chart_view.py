"""Moving through years: where the window, the zoom and the cursor are after each key."""

from __future__ import annotations

import pytest

from tests.support.fake_data import make_datasets
from tradebot.engine.messages import ChartView
from tradebot.screens.chart_view import PAD_SLOTS, USUAL_ZOOM, ZOOMS, Viewport, room_in, timeframes_of

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
FIRST = 1_704_067_200_000  # 2024-01-01 00:00
NEWEST = FIRST + 1000 * HOUR
FIT = 100
HOURLY = Viewport("1h")


def test_at_first_it_follows_the_newest_candle_with_a_little_room_beside_it() -> None:
    assert HOURLY.right_of(NEWEST) == NEWEST + PAD_SLOTS * HOUR
    assert HOURLY.left_of(FIT, NEWEST) == NEWEST + (PAD_SLOTS - 99) * HOUR


def test_panning_stops_at_the_ends_and_follows_again_at_the_newest() -> None:
    back = HOURLY.panned(-50, FIT, FIRST, NEWEST)
    assert back.right_ms == NEWEST + (PAD_SLOTS - 50) * HOUR
    assert back.panned(49, FIT, FIRST, NEWEST).right_ms == NEWEST + (PAD_SLOTS - 1) * HOUR
    assert back.panned(50, FIT, FIRST, NEWEST).right_ms is None
    far = HOURLY.panned(-5000, FIT, FIRST, NEWEST)
    assert far.right_ms == FIRST + 11 * HOUR
    assert far.panned(-1, FIT, FIRST, NEWEST) == far


def test_the_first_press_shows_the_cursor_and_the_next_ones_move_it() -> None:
    shown = HOURLY.pointed(-1, FIT, FIRST, NEWEST)
    assert shown.cursor_ms == NEWEST
    moved = shown.pointed(-1, FIT, FIRST, NEWEST)
    assert moved.cursor_ms == NEWEST - HOUR
    assert moved.right_ms is None
    assert moved.pointed(5, FIT, FIRST, NEWEST).cursor_ms == NEWEST


def test_the_window_goes_with_the_cursor() -> None:
    moved = HOURLY.pointed(-1, FIT, FIRST, NEWEST)
    for _ in range(110):
        moved = moved.pointed(-1, FIT, FIRST, NEWEST)
    assert moved.cursor_ms == NEWEST - 110 * HOUR
    assert moved.left_of(FIT, NEWEST) == moved.cursor_ms
    for _ in range(105):
        moved = moved.pointed(1, FIT, FIRST, NEWEST)
    assert moved.cursor_ms == NEWEST - 5 * HOUR
    assert moved.right_of(NEWEST) >= moved.cursor_ms
    assert moved.pointed(-5000, FIT, FIRST, NEWEST).cursor_ms == FIRST


def test_a_date_is_put_into_the_middle_under_the_cursor() -> None:
    there = HOURLY.at(FIRST + 400 * HOUR + 17 * MINUTE, FIT, FIRST, NEWEST)
    assert there.cursor_ms == FIRST + 400 * HOUR
    assert there.right_ms == FIRST + 450 * HOUR
    assert HOURLY.at(0, FIT, FIRST, NEWEST).cursor_ms == FIRST
    late = HOURLY.at(NEWEST + DAY, FIT, FIRST, NEWEST)
    assert (late.cursor_ms, late.right_ms) == (NEWEST, None)


def test_zoom_keeps_the_cursor_in_its_column() -> None:
    there = HOURLY.at(FIRST + 400 * HOUR, FIT, FIRST, NEWEST)
    out = there.zoomed(1, FIT, FIRST, NEWEST, FIT)
    assert (out.group, out.unit_ms) == (2, 2 * HOUR)
    assert out.cursor_ms == FIRST + 400 * HOUR
    assert (out.right_of(NEWEST) - out.cursor_ms) // out.unit_ms == 50
    near = there.zoomed(-1, FIT, FIRST, NEWEST, FIT)
    assert near.pitch == 2
    assert (near.right_of(NEWEST) - near.cursor_ms) // HOUR == 25


def test_zoom_ends_at_both_ends() -> None:
    near = HOURLY
    for _ in range(9):
        near = near.zoomed(-1, FIT, FIRST, NEWEST, FIT)
    assert near.zoom == 0
    out = HOURLY
    for _ in range(40):
        out = out.zoomed(1, FIT, FIRST, NEWEST, FIT)
    assert out.group * FIT * HOUR >= NEWEST - FIRST
    assert ZOOMS[out.zoom - 1][1] * FIT * HOUR < NEWEST - FIRST


def test_candles_of_several_bars_stand_on_a_grid_of_their_own_and_weeks_on_mondays() -> None:
    assert Viewport("1m", ZOOMS.index((1, 30))).floor(FIRST + 47 * MINUTE) == FIRST + 30 * MINUTE
    assert Viewport("1w").floor(FIRST + 9 * DAY) == FIRST + 7 * DAY  # 2024-01-01 is a Monday


def test_another_timeframe_shows_the_same_place() -> None:
    there = HOURLY.at(FIRST + 400 * HOUR, FIT, FIRST, NEWEST)
    finer = there.in_timeframe("5m", FIT, NEWEST)
    assert finer.cursor_ms == FIRST + 400 * HOUR
    assert finer.right_ms == FIRST + 400 * HOUR + 50 * 5 * MINUTE
    assert HOURLY.in_timeframe("4h", FIT, NEWEST) == Viewport("4h")
    out = Viewport("1m", ZOOMS.index((1, 60)))
    assert out.in_timeframe("1h", FIT, NEWEST).zoom == USUAL_ZOOM


@pytest.mark.parametrize(
    ("symbol", "timeframes"),
    [
        ("BTCUSDT", ("1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "12h", "1d", "1w")),
        ("LINKUSDT", ("1h", "2h", "4h", "6h", "12h", "1d", "1w")),
        ("AVAXUSDT", ()),
    ],
)
def test_timeframes_are_those_that_are_stored_or_can_be_built(
    symbol: str, timeframes: tuple[str, ...]
) -> None:
    assert timeframes_of(make_datasets(), "linear", symbol) == timeframes


def test_room_beside_the_window_is_enough_where_the_bars_end() -> None:
    def held(start_hour: int, candles: int) -> ChartView:
        return ChartView(
            1,
            start_ms=FIRST + start_hour * HOUR,
            unit_ms=HOUR,
            close=(1.0,) * candles,
            first_ms=FIRST,
            last_ms=NEWEST,
        )

    there = Viewport("1h", right_ms=FIRST + 500 * HOUR)  # from 401 to 500
    assert room_in(held(300, 300), there, FIT, NEWEST) == (101, 99)
    assert room_in(held(420, 300), there, FIT, NEWEST)[0] < 0
    assert room_in(held(0, 450), there, FIT, NEWEST) == (FIT, -51)
    assert room_in(held(300, 701), there, FIT, NEWEST) == (101, FIT)
