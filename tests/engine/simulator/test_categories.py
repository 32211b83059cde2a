"""Spot pairs and inverse contracts follow the perpetuals; mark and index follow the last price; all of it exactly."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradebot.engine.market import DAY_MS, HOUR_MS, MINUTE_MS, Timeframe
from tradebot.engine.simulator.bars import Bars, Interval
from tradebot.engine.simulator.markets import Market, made_up_market
from tradebot.engine.simulator.model import MarketModel, PriceKind

START = 1_735_689_600_000  # 2025-01-01
EACH = pytest.mark.parametrize(
    ("category", "symbol"),
    [
        ("spot", "BTCUSDT"),
        ("spot", "DOGEUSDT"),
        ("inverse", "BTCUSD"),
        ("inverse", "XRPUSD"),
        ("inverse", "ETHUSD"),
    ],
)
CONTRACTS = pytest.mark.parametrize(
    ("category", "symbol"), [("linear", "BTCUSDT"), ("linear", "YFIUSDT"), ("inverse", "BTCUSD")]
)


@pytest.fixture(scope="module")
def market() -> Market:
    return made_up_market(7, 60)


def model_of(market: Market, category: str) -> MarketModel:
    found = market.of(category)
    assert found is not None
    return found.model


def minutes(model: MarketModel, symbol: str, days: int, kind: PriceKind = PriceKind.LAST) -> Bars:
    return model.candles(symbol, Timeframe.M1, START, START + days * DAY_MS, kind)


def in_units(model: MarketModel, symbol: str, bars: Bars) -> tuple[np.ndarray, ...]:  # type: ignore[type-arg]
    coin = model.coins[symbol]
    prices = (bars.open, bars.high, bars.low, bars.close)
    return (
        *(column * 10.0**-coin.tick_decimals for column in prices),
        bars.volume * 10.0**-coin.lot_decimals,
        bars.turnover * 10.0**-coin.turnover_decimals,
    )


def test_the_well_known_coins_are_traded_in_every_category(market: Market) -> None:
    linear, spot, inverse = (model_of(market, category).coins for category in ("linear", "spot", "inverse"))
    assert set(spot) <= set(linear)
    assert len(spot) > 40
    assert {"BTCUSD", "ETHUSD", "SOLUSD", "XRPUSD"} <= set(inverse)
    assert all(coin.settle_coin == coin.base_coin for coin in inverse.values())
    # A shorter list of perpetuals lists their twins only.
    assert list(model_of(made_up_market(7, 1), "spot").coins) == ["BTCUSDT"]
    assert market.of("option") is None


@EACH
def test_a_twin_stays_within_a_realistic_distance_and_does_not_stand_still(
    market: Market, category: str, symbol: str
) -> None:
    model, perpetual = model_of(market, category), f"{symbol.removesuffix('T').removesuffix('USD')}USDT"
    ours = in_units(model, symbol, minutes(model, symbol, 20))[3]
    theirs = in_units(
        model_of(market, "linear"), perpetual, minutes(model_of(market, "linear"), perpetual, 20)
    )[3]
    distance = ours / theirs - 1
    assert 1e-5 < np.abs(distance).mean() < 5e-4
    assert np.abs(distance).max() < 3e-3
    assert distance.min() < 0 < distance.max()


@EACH
def test_the_bars_of_a_twin_are_possible_and_in_its_own_units(
    market: Market, category: str, symbol: str
) -> None:
    model = model_of(market, category)
    bars = minutes(model, symbol, 10)
    assert (bars.open[1:] == bars.close[:-1]).all()
    assert (bars.low <= np.minimum(bars.open, bars.close)).all()
    assert (bars.high >= np.maximum(bars.open, bars.close)).all()
    assert (bars.volume >= 8).all()
    _, high, low, _, volume, turnover = in_units(model, symbol, bars)
    # Spot: volume in coins, turnover in dollars. Inverse: volume in dollars, turnover in coins.
    slack = 4 * 10.0 ** -model.coins[symbol].turnover_decimals
    if category == "inverse":
        assert (turnover >= volume / high - slack).all()
        assert (turnover <= volume / low + slack).all()
    else:
        assert (turnover >= volume * low - slack).all()
        assert (turnover <= volume * high + slack).all()


@EACH
def test_a_range_of_a_twin_is_the_same_however_it_is_asked(
    market: Market, category: str, symbol: str
) -> None:
    whole = minutes(model_of(market, category), symbol, 30)
    fresh = model_of(made_up_market(7, 60), category)
    for offset, length in [(41_000, 900), (7, 30_000), (1439, 2), (0, 1)]:
        span = START + offset * MINUTE_MS, START + (offset + length) * MINUTE_MS
        part = fresh.candles(symbol, Timeframe.M1, *span)
        for got, expected in zip(part.columns(), whole.slice(offset, offset + length).columns(), strict=True):
            assert np.array_equal(got, expected)


@EACH
def test_the_running_bar_of_a_twin_grows_into_the_finished_one(
    market: Market, category: str, symbol: str
) -> None:
    model = model_of(market, category)
    symbols, minute = [symbol], START // MINUTE_MS + 600
    bars, course = model.courses(symbols, minute)
    for values, end in ((course.volume, bars.volume), (course.turnover, bars.turnover)):
        assert (np.diff(values, axis=1) >= 0).all()
        assert values[0, 59] == end[0]
    assert (course.high[0, 59], course.low[0, 59]) == (bars.high[0], bars.low[0])


@CONTRACTS
def test_mark_and_index_follow_the_last_price(market: Market, category: str, symbol: str) -> None:
    model = model_of(market, category)
    last, mark, index = (
        minutes(model, symbol, 5, kind).close for kind in (PriceKind.LAST, PriceKind.MARK, PriceKind.INDEX)
    )
    from_mark, from_index = np.abs(mark / last - 1), np.abs(index / last - 1)
    assert 0 < from_mark.mean() < from_index.mean() < 1.5e-3
    assert from_index.max() < 6e-3
    bars = minutes(model, symbol, 5, PriceKind.MARK)
    assert (bars.open[1:] == bars.close[:-1]).all()
    assert (bars.low <= np.minimum(bars.open, bars.close)).all()
    assert (bars.high >= np.maximum(bars.open, bars.close)).all()
    assert not bars.volume.any()


def test_the_premium_is_what_parts_last_and_index(market: Market) -> None:
    model = model_of(market, "linear")
    last, index = minutes(model, "BTCUSDT", 3), minutes(model, "BTCUSDT", 3, PriceKind.INDEX)
    premium = minutes(model, "BTCUSDT", 3, PriceKind.PREMIUM)
    assert premium.close * 1e-8 == pytest.approx((last.close - index.close) / last.close, abs=2e-6)
    assert (premium.high >= np.maximum(premium.open, premium.close)).all()


def test_every_category_has_one_index(market: Market) -> None:
    linear, inverse = model_of(market, "linear"), model_of(market, "inverse")
    ours = minutes(inverse, "BTCUSD", 2, PriceKind.INDEX).close
    theirs = minutes(linear, "BTCUSDT", 2, PriceKind.INDEX).close
    assert np.abs(ours - theirs).max() <= 2


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from([PriceKind.MARK, PriceKind.INDEX, PriceKind.PREMIUM]),
    st.sampled_from(["1", "5", "60", "D"]),
    st.integers(0, 5 * DAY_MS),
)
def test_a_running_mark_bar_is_the_price_now_and_ends_as_it_is_read_later(
    market: Market, kind: PriceKind, name: str, offset: int
) -> None:
    model, interval, now = model_of(market, "linear"), Interval(name), START + offset
    number = interval.number(now)
    running = model.bars("ETHUSDT", interval, number, number, now, kind)
    last = market.tape.standing("ETHUSDT", now).last
    assert running.close.tolist() == [model.now_price("ETHUSDT", kind, last, now // MINUTE_MS)]
    end = interval.open_ms(number + 1)
    at_the_end = model.bars("ETHUSDT", interval, number, number, end - 1, kind)
    later = model.bars("ETHUSDT", interval, number, number, end + DAY_MS, kind)
    for got, expected in zip(at_the_end.columns(), later.columns(), strict=True):
        assert np.array_equal(got, expected)
    assert running.high[0] <= later.high[0]
    assert running.low[0] >= later.low[0]


@pytest.mark.parametrize("kind", [PriceKind.MARK, PriceKind.INDEX, PriceKind.PREMIUM])
@pytest.mark.parametrize("timeframe", [Timeframe.M5, Timeframe.H4, Timeframe.D1, Timeframe.W1])
def test_minutes_of_mark_and_index_add_up_to_every_timeframe(
    market: Market, kind: PriceKind, timeframe: Timeframe
) -> None:
    model = model_of(market, "linear")
    first, last = timeframe.ceil(START), timeframe.floor(START + 28 * DAY_MS)
    bars = model.candles("SOLUSDT", timeframe, first, last, kind)
    rows = [
        c.reshape(len(bars), -1) for c in model.candles("SOLUSDT", Timeframe.M1, first, last, kind).columns()
    ]
    assert bars.open.tolist() == rows[1][:, 0].tolist()
    assert bars.high.tolist() == rows[2].max(axis=1).tolist()
    assert bars.low.tolist() == rows[3].min(axis=1).tolist()
    assert bars.close.tolist() == rows[4][:, -1].tolist()


def test_an_inverse_contract_settles_its_funding_every_eight_hours(market: Market) -> None:
    model = model_of(market, "inverse")
    coin = model.coins["BTCUSD"]
    times = model.funding.settlements(coin, START, START + DAY_MS)
    assert times == [START + n * 8 * HOUR_MS for n in (3, 2, 1, 0)]
    assert all(abs(model.funding.rate(coin, time) or 0) <= 0.005 for time in times)
