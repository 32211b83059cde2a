"""Prices are a pure function of (seed, symbol, time), and bars add up exactly."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradebot.engine.market import DAY_MS, HOUR_MS, MINUTE_MS, Timeframe
from tradebot.engine.simulator.bars import Bars, Interval
from tradebot.engine.simulator.listing import coins
from tradebot.engine.simulator.prices import PriceModel

START = 1_735_689_600_000  # 2025-01-01
SYMBOLS = ["BTCUSDT", "ETHUSDT", "DOGEUSDT", "1000PEPEUSDT", "10000SATSUSDT", "YFIUSDT"]


def same(first: Bars, second: Bars) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(first.columns(), second.columns(), strict=True))


@pytest.fixture(scope="module")
def three_months(model: PriceModel) -> dict[str, Bars]:
    return {
        symbol: model.candles(symbol, Timeframe.M1, START, START + 90 * DAY_MS)
        for symbol in (*SYMBOLS, "GLIAUSDT")
    }


def test_minutes_have_no_gap_and_each_opens_where_the_last_one_closed(three_months: dict[str, Bars]) -> None:
    for bars in three_months.values():
        assert len(bars) == 90 * 1440
        assert (np.diff(bars.time) == MINUTE_MS).all()
        assert (bars.open[1:] == bars.close[:-1]).all()


def test_bars_are_possible(three_months: dict[str, Bars]) -> None:
    for bars in three_months.values():
        assert (bars.low >= 1).all()
        assert (bars.low <= np.minimum(bars.open, bars.close)).all()
        assert (bars.high >= np.maximum(bars.open, bars.close)).all()
        assert (bars.turnover >= bars.low * bars.volume).all()
        assert (bars.turnover <= bars.high * bars.volume).all()
        without_trades = bars.volume == 0
        assert (bars.high[without_trades] == bars.low[without_trades]).all()


def test_a_quiet_coin_has_minutes_without_trades_and_bitcoin_has_none(three_months: dict[str, Bars]) -> None:
    assert (three_months["BTCUSDT"].volume > 0).all()
    quietest = min(coins(600), key=lambda coin: coin.turnover_day)
    bars = PriceModel(7, [quietest]).candles(
        quietest.symbol, Timeframe.M1, START + 180 * DAY_MS, START + 182 * DAY_MS
    )
    assert 0 < (bars.volume == 0).mean() < 0.5


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(SYMBOLS),
    st.lists(
        st.tuples(st.integers(0, 89 * 1440), st.sampled_from([1, 7, 300, 1440, 4000, 9 * 1440, 20 * 1440])),
        min_size=1,
        max_size=5,
    ),
)
def test_any_range_asked_in_any_order_gives_the_same_bars(
    three_months: dict[str, Bars], symbol: str, ranges: list[tuple[int, int]]
) -> None:
    fresh = PriceModel(7, coins(110), kept_days=3)
    for offset, length in ranges:
        stop = min(offset + length, 90 * 1440)
        bars = fresh.candles(symbol, Timeframe.M1, START + offset * MINUTE_MS, START + stop * MINUTE_MS)
        assert same(bars, three_months[symbol].slice(offset, stop))


def test_seeds_and_symbols_differ_and_the_number_of_symbols_does_not_matter(
    three_months: dict[str, Bars],
) -> None:
    span = Timeframe.M1, START, START + DAY_MS
    here = three_months["BTCUSDT"].slice(0, 1440)
    assert same(here, PriceModel(7, coins(1)).candles("BTCUSDT", *span))
    assert not same(here, PriceModel(8, coins(1)).candles("BTCUSDT", *span))


@pytest.mark.parametrize("timeframe", list(Timeframe))
@pytest.mark.parametrize("symbol", ["BTCUSDT", "1000PEPEUSDT"])
def test_minutes_add_up_exactly_to_every_timeframe(
    model: PriceModel, three_months: dict[str, Bars], timeframe: Timeframe, symbol: str
) -> None:
    first = timeframe.ceil(START)
    last = timeframe.floor(START + 90 * DAY_MS)
    bars = model.candles(symbol, timeframe, first, last)
    assert bars.time.tolist() == list(range(first, last, timeframe.ms))
    low, high = (first - START) // MINUTE_MS, (last - START) // MINUTE_MS
    minutes = three_months[symbol].slice(low, high)
    rows = [column.reshape(len(bars), -1) for column in minutes.columns()]
    assert bars.open.tolist() == rows[1][:, 0].tolist()
    assert bars.high.tolist() == rows[2].max(axis=1).tolist()
    assert bars.low.tolist() == rows[3].min(axis=1).tolist()
    assert bars.close.tolist() == rows[4][:, -1].tolist()
    assert bars.volume.tolist() == rows[5].sum(axis=1).tolist()
    assert bars.turnover.tolist() == rows[6].sum(axis=1).tolist()


def test_months_are_calendar_months(model: PriceModel) -> None:
    month = Interval("M")
    number = month.number(START + 40 * DAY_MS)
    bars = model.bars("BTCUSDT", month, number, number, START + 365 * DAY_MS)
    days = model.candles("BTCUSDT", Timeframe.D1, START + 31 * DAY_MS, START + 59 * DAY_MS)
    assert bars.time.tolist() == [START + 31 * DAY_MS]
    assert bars.turnover.tolist() == [days.turnover.sum()]


def test_history_begins_at_the_listing_with_a_shortened_bar(model: PriceModel) -> None:
    coin = next(coin for coin in model.coins.values() if coin.launch_ms % HOUR_MS)
    hour = Interval("60")
    first = hour.number(coin.launch_ms)
    bars = model.bars(coin.symbol, hour, first - 5, first + 1, coin.launch_ms + 2 * HOUR_MS)
    assert bars.time.tolist() == [hour.open_ms(first), hour.open_ms(first + 1)]
    minutes = model.minutes(coin.symbol, 0, coin.launch_minute + 30)
    assert minutes.time[0] == coin.launch_ms
    assert bars.open[0] == minutes.open[0]


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(SYMBOLS),
    st.integers(0, 10 * DAY_MS),
    st.sampled_from(["1", "3", "5", "60", "240", "D", "W"]),
)
def test_the_running_bar_is_its_minutes_so_far_and_ends_as_the_bar_read_later(
    model: PriceModel, symbol: str, offset: int, name: str
) -> None:
    interval, now = Interval(name), START + offset
    number = interval.number(now)
    running = model.bars(symbol, interval, number, number, now)
    minute = model.running(symbol, now)
    so_far = model.minutes(symbol, interval.open_ms(number) // MINUTE_MS, now // MINUTE_MS)
    assert running.close.tolist() == [minute.last]
    assert running.volume.tolist() == [so_far.volume.sum() + minute.volume]
    assert running.turnover.tolist() == [so_far.turnover.sum() + minute.turnover]
    assert running.high.tolist() == [max([minute.high, *so_far.high.tolist()])]
    end = interval.open_ms(number + 1)
    at_the_end = model.bars(symbol, interval, number, number, end - 1)
    later = model.bars(symbol, interval, number, number, end + 5 * DAY_MS)
    assert same(at_the_end, later)


def test_a_running_minute_only_grows(model: PriceModel) -> None:
    minute = START // MINUTE_MS + 777
    symbols = SYMBOLS
    bars, course = model.courses(symbols, minute)
    assert (course.last[:, 0] == bars.open).all()
    assert (course.last[:, 59] == bars.close).all()
    assert (course.high[:, 59] == bars.high).all()
    assert (course.low[:, 59] == bars.low).all()
    assert (course.volume[:, 59] == bars.volume).all()
    assert (course.turnover[:, 59] == bars.turnover).all()
    assert (np.diff(course.volume, axis=1) >= 0).all()
    assert (np.diff(course.turnover, axis=1) >= 0).all()
    assert (course.turnover <= course.high * course.volume).all()
    assert (course.turnover >= course.low * course.volume).all()


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_prices_stay_believable_over_years(seed: int) -> None:
    model = PriceModel(seed, coins(110))
    weeks = range(2_650, 3_125)  # 2020-10 to 2029-11
    for symbol, low, high in [("BTCUSDT", 15_000, 140_000), ("ETHUSDT", 400, 14_000), ("XRPUSDT", 0.1, 12)]:
        unit = 10.0 ** -model.coins[symbol].tick_decimals
        closes = [model.minutes(symbol, week * 10_080, week * 10_080 + 1).close for week in weeks]
        prices = np.concatenate(closes) * unit
        assert prices.min() > low
        assert prices.max() < high
        # ... and they do travel: a market that stays where it is would be just as wrong.
        assert prices.max() > 2 * prices.min()
