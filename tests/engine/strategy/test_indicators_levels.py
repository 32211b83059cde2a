"""Levels of UTC days, weeks and months, opening ranges and swings, against pandas and by hand."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.engine.strategy.helpers import NAN, REGISTRY, builder, candles, random_candles
from tests.engine.strategy.indicator_helpers import outputs_of
from tests.engine.strategy.plain import agrees
from tradebot.engine.market import DAY_MS, Candles, Timeframe
from tradebot.engine.strategy import decide

COMPARED = {"previous_period", "current_period", "pivot_points", "opening_range", "swing_points"}
RULES = {"day": "D", "week": "W-SUN", "month": "M"}


def _periods(f: pd.DataFrame, period: str) -> pd.Series:
    return pd.to_datetime(f.time, unit="ms").dt.to_period(RULES[period])


def _previous(f: pd.DataFrame, period: str) -> dict[str, pd.Series]:
    periods = _periods(f, period)
    table = f.groupby(periods).agg({"open": "first", "high": "max", "low": "min", "close": "last"}).shift()
    return {name: periods.map(table[name]) for name in table}


def _current(f: pd.DataFrame, period: str) -> dict[str, pd.Series]:
    group = f.groupby(_periods(f, period))
    return {"open": group.open.transform("first"), "high": group.high.cummax(), "low": group.low.cummin()}


def hours(count: int, start: int = 0) -> Candles:
    """Hourly bars from `start` hours after 1 January 1970, a Thursday."""
    bars = random_candles(count, seed=9)
    time = (start + np.arange(count, dtype=np.int64)) * 3_600_000
    return dataclasses.replace(bars, timeframe=Timeframe.H1, time=time)


def same(found: dict[str, Any], expected: dict[str, Any]) -> None:
    for output, column in found.items():
        np.testing.assert_allclose(column, np.asarray(expected[output], dtype=float), rtol=1e-12)


def frame(bars: Candles) -> pd.DataFrame:
    return pd.DataFrame({name: getattr(bars, name) for name in ("time", "open", "high", "low", "close")})


@pytest.mark.parametrize(("period", "first"), [("day", 24), ("month", 31 * 24)])
def test_levels_of_the_period_before(period: str, first: int) -> None:
    bars = hours(2_500)
    found = outputs_of("previous_period", bars, period=period)
    same(found, _previous(frame(bars), period))
    assert np.flatnonzero(~np.isnan(found["high"]))[0] == first


def test_levels_of_the_week_before() -> None:
    """The history starts on a Thursday: that week is not whole, the first level is there on the second Monday."""
    bars = hours(1_000)
    found = outputs_of("previous_period", bars, period="week")
    second_monday = (4 + 7) * 24
    assert np.isnan(found["high"][:second_monday]).all()
    expected = _previous(frame(bars), "week")
    same(
        {name: column[second_monday:] for name, column in found.items()},
        {name: column[second_monday:] for name, column in expected.items()},
    )


def test_a_day_that_began_before_the_history_has_no_levels() -> None:
    found = outputs_of("previous_period", hours(80, start=5))["low"]
    assert np.isnan(found[: 19 + 24]).all()
    assert not np.isnan(found[19 + 24 :]).any()


def test_a_day_without_bars_is_passed_over() -> None:
    bars = hours(72)
    bars.time[24:] += 3 * DAY_MS
    found = outputs_of("previous_period", bars)
    assert found["close"][24] == bars.close[23]
    assert found["high"][24] == bars.high[:24].max()


def test_a_daily_bar_is_its_own_day() -> None:
    bars = dataclasses.replace(
        random_candles(5), time=np.arange(5, dtype=np.int64) * DAY_MS, timeframe=Timeframe.D1
    )
    assert outputs_of("previous_period", bars)["high"][1:].tolist() == bars.high[:-1].tolist()


@pytest.mark.parametrize("name", ["previous_period", "current_period", "pivot_points"])
@pytest.mark.parametrize("period", ["day", "week", "month"])
def test_levels_know_no_later_bar(name: str, period: str) -> None:
    bars = hours(2_000)
    whole = outputs_of(name, bars, period=period)
    for cut in (1, 23, 24, 25, 100, 743, 744, 745, 1_500):
        for output, column in outputs_of(name, bars.slice(0, cut), period=period).items():
            np.testing.assert_array_equal(column, whole[output][:cut])


def day_of(high: float, low: float, close: float) -> Candles:
    """A day of two bars with these prices, and the first bar of the next."""
    price = np.array([close, close, close])
    highs, lows = np.array([high, close, close]), np.array([low, close, close])
    time = np.array([0, DAY_MS // 2, DAY_MS])
    return Candles(Timeframe.H12, time, price, highs, lows, price, price, price)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("classic", [110.0, 120.0, 130.0, 140.0, 100.0, 90.0, 80.0]),
        ("fibonacci", [110.0, 117.64, 122.36, 130.0, 102.36, 97.64, 90.0]),
        (
            "camarilla",
            [110.0, 110 + 22 / 12, 110 + 22 / 6, 110 + 22 / 4, 110 - 22 / 12, 110 - 22 / 6, 110 - 22 / 4],
        ),
    ],
)
def test_pivot_points_by_hand(kind: str, expected: list[float]) -> None:
    """A day with high 120, low 100 and close 110."""
    found = outputs_of("pivot_points", day_of(120.0, 100.0, 110.0), kind=kind)
    assert [column[-1] for column in found.values()] == pytest.approx(expected)
    assert all(np.isnan(column[:2]).all() for column in found.values())


def test_classic_pivots_of_an_uneven_day() -> None:
    """High 110, low 100, close 102: p 104, r1 2p - low, s1 2p - high, r2 p + 10, r3 high + 2 (p - low)."""
    found = outputs_of("pivot_points", day_of(110.0, 100.0, 102.0))
    assert [column[-1] for column in found.values()] == pytest.approx([104, 108, 114, 118, 98, 94, 88])


def test_levels_so_far() -> None:
    for period in ("day", "week", "month"):
        agrees("current_period", hours(1_900), _current, period=period)


def test_a_strategy_sees_the_levels_of_its_own_bars() -> None:
    """The times of the bars reach an indicator through the whole computation."""
    bars = hours(240)
    strategy = builder()
    strategy.indicator("before", "previous_period")
    strategy.signal("above", "compare", a="close", op=">", b="before.high", supports="long")
    strategy.entry("any", ["above"])
    found = decide(strategy.build(), REGISTRY, dataclasses.replace(bars, timeframe=Timeframe.M1)).side
    expected = bars.close > _previous(frame(bars), "day")["high"].to_numpy(dtype=float)
    assert found.tolist() == expected.astype(int).tolist()
    assert found.any()


# Opening range ----------------------------------------------------------------------------------------------


def test_the_opening_range_is_known_when_its_last_bar_closes() -> None:
    bars = hours(72)
    found = outputs_of("opening_range", bars, minutes=180)
    for day in range(3):
        start = 24 * day
        assert np.isnan(found["high"][start : start + 2]).all()
        assert (found["high"][start + 2 : start + 24] == bars.high[start : start + 3].max()).all()
        assert (found["low"][start + 2 : start + 24] == bars.low[start : start + 3].min()).all()


def test_a_bar_longer_than_the_opening_range_is_the_range() -> None:
    bars = hours(48)
    found = outputs_of("opening_range", bars, minutes=10)["high"]
    assert found.tolist() == np.repeat(bars.high[[0, 24]], 24).tolist()


def test_no_opening_range_where_its_bars_are_missing() -> None:
    """The first day begins before the history; on the third the exchange opens at 05:00."""
    bars = hours(72 - 1, start=1)
    keep = (bars.time < 2 * DAY_MS) | (bars.time >= 2 * DAY_MS + 5 * 3_600_000)
    columns = {name: getattr(bars, name)[keep] for name in ("time", "open", "high", "low", "close", "volume")}
    found = outputs_of("opening_range", dataclasses.replace(bars, turnover=columns["volume"], **columns))[
        "low"
    ]
    assert np.isnan(found[:23]).all()
    assert not np.isnan(found[23:47]).any()
    assert np.isnan(found[47:]).all()


# Swings -----------------------------------------------------------------------------------------------------


def test_swings_by_hand() -> None:
    """With two bars before and one after: 5 is a high known on the bar after it, the two 7 are none, 1 is a low."""
    bars = candles([3, 4, 5, 4, 1, 2, 7, 7, 6, 5, 9, 8])
    found = outputs_of("swing_points", bars, left=2, right=1)
    np.testing.assert_array_equal(found["high"], [NAN, NAN, NAN, 5, 5, 5, 5, 5, 5, 5, 5, 9])
    np.testing.assert_array_equal(found["low"], [NAN, NAN, NAN, NAN, NAN, 1, 1, 1, 1, 1, 5, 5])


@pytest.mark.parametrize(("left", "right"), [(5, 3), (1, 1), (2, 6)])
def test_swings_against_a_plain_search(left: int, right: int) -> None:
    bars = random_candles(300)
    found = outputs_of("swing_points", bars, left=left, right=right)
    last = {"high": NAN, "low": NAN}
    for i in range(300):
        place = i - right
        if place >= left:
            window = slice(place - left, i + 1)
            others = [j for j in range(place - left, i + 1) if j != place]
            if all(bars.high[place] > bars.high[j] for j in others):
                last["high"] = bars.high[window].max()
            if all(bars.low[place] < bars.low[j] for j in others):
                last["low"] = bars.low[window].min()
        np.testing.assert_equal({name: found[name][i] for name in last}, last)


@pytest.mark.parametrize("name", ["opening_range", "swing_points"])
def test_ranges_and_swings_know_no_later_bar(name: str) -> None:
    bars = hours(300)
    whole = outputs_of(name, bars)
    for cut in (1, 9, 24, 25, 100, 299):
        for output, column in outputs_of(name, bars.slice(0, cut)).items():
            np.testing.assert_array_equal(column, whole[output][:cut])
