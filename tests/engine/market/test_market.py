"""The vocabulary: grids, names, times and rounding."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradebot.engine.market import BarRow, Candles, Category, DatasetKey, Timeframe, is_symbol
from tradebot.engine.market.rounding import decimal_text, steps_down, steps_nearest, steps_up
from tradebot.engine.market.times import iso_ms, parse_time, parse_utc_offset

NOW = 1_700_000_000_000


@given(st.sampled_from(list(Timeframe)), st.integers(0, 4_000_000_000_000))
def test_floor_and_ceil_are_the_nearest_grid_times(timeframe: Timeframe, time_ms: int) -> None:
    floor, ceil = timeframe.floor(time_ms), timeframe.ceil(time_ms)
    assert floor <= time_ms <= ceil
    assert timeframe.on_grid(floor)
    assert timeframe.on_grid(ceil)
    assert ceil - floor in {0, timeframe.ms}


def test_weeks_open_on_monday() -> None:
    open_ms = Timeframe.W1.floor(NOW)
    assert datetime.fromtimestamp(open_ms / 1000, UTC).strftime("%A %H:%M") == "Monday 00:00"


def test_every_timeframe_is_found_again_by_its_interval() -> None:
    assert [Timeframe.from_interval(timeframe.interval) for timeframe in Timeframe] == list(Timeframe)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-01-01", 1_704_067_200_000),
        ("2024-01-01T03:00+03:00", 1_704_067_200_000),
        ("now", NOW),
        ("30d", NOW - 30 * 86_400_000),
        ("12h", NOW - 12 * 3_600_000),
    ],
)
def test_times_are_read_as_utc_dates_or_spans_back(text: str, expected: int) -> None:
    assert parse_time(text, NOW) == expected


def test_a_wrong_time_or_clock_is_refused_with_examples() -> None:
    with pytest.raises(ValueError, match="write a date"):
        parse_time("yesterday", NOW)
    with pytest.raises(ValueError, match=r"\+03:00"):
        parse_utc_offset("3 hours")


@pytest.mark.parametrize(
    ("text", "hours"), [("UTC", 0), ("+03:00", 3), ("-5", -5), ("UTC+3", 3), ("+0530", 5.5)]
)
def test_clocks(text: str, hours: float) -> None:
    assert parse_utc_offset(text) == hours * 3_600_000


@given(st.integers(0, 10**9), st.sampled_from([0.01, 0.1, 0.5, 0.001, 1e-8, 0.05]))
def test_a_grid_value_is_its_own_floor_and_ceiling(steps: int, step: float) -> None:
    value = steps * step
    assert steps_down(value, step) == steps_up(value, step) == steps_nearest(value, step) == steps


def test_values_between_steps_go_down_and_up() -> None:
    assert steps_down(10.19, 0.1) == 101
    assert steps_up(10.11, 0.1) == 102


def test_decimals_are_written_plainly() -> None:
    assert decimal_text(Decimal("1E-8")) == "0.00000001"
    assert decimal_text(Decimal("5.500")) == "5.5"
    assert decimal_text(Decimal("-0.0")) == "0"


def test_iso_times_have_milliseconds() -> None:
    assert iso_ms(1_704_067_200_001) == "2024-01-01T00:00:00.001Z"


@pytest.mark.parametrize("text", ["../../etc", "btcusdt", "", "A" * 41, "BTC USDT", "A..B", "A/B"])
def test_what_cannot_be_a_symbol(text: str) -> None:
    assert not is_symbol(text)


def test_candles_are_cut_by_open_time_half_open() -> None:
    rows = [BarRow(60_000 * i, "1", "2", "0.5", "1.5", "3", "") for i in range(5)]
    candles = Candles.from_rows(Timeframe.M1, rows)
    assert list(candles.between(60_000, 180_000).time) == [60_000, 120_000]
    assert list(candles.close_time[:1]) == [60_000]
    assert candles.turnover[0] != candles.turnover[0]
    assert len(Candles.empty(Timeframe.M1)) == 0
    assert str(DatasetKey.of(Category.SPOT, "BTCUSDT", Timeframe.H1)) == "spot/BTCUSDT_1h"


def test_a_dataset_is_named_by_a_text_that_reads_back() -> None:
    for key in (
        DatasetKey.of(Category.SPOT, "BTCUSDT", Timeframe.M1),
        DatasetKey.of(Category.LINEAR, "BTC-26DEC25", Timeframe.H1, mark=True),
    ):
        assert DatasetKey.parse(str(key)) == key
    assert DatasetKey.parse("BTCUSDT_1h_mark.csv") == DatasetKey("linear", "BTCUSDT", "1h", mark=True)
    assert DatasetKey("linear", "BTCUSDT", "1h", mark=True).file_name == "BTCUSDT_1h_mark.csv"
    for text in ("BTCUSDT", "BTCUSDT_mark", "_1m", "BTCUSDT_7m"):
        with pytest.raises(ValueError, match="names no dataset"):
            DatasetKey.parse(text)
