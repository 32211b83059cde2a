"""Candlestick patterns: each is TA-Lib's, with its look-back; the ones that are easily said, from their words."""

from __future__ import annotations

import numpy as np
import pytest
import talib
from talib import abstract

from tests.engine.strategy.helpers import REGISTRY, random_candles
from tests.engine.strategy.indicator_helpers import outputs_of
from tradebot.engine.market import Candles, Timeframe
from tradebot.engine.strategy.indicators.patterns import PATTERN_NAMES, TALIB_PATTERNS

COMPARED = {"pattern"}


def bars_of(*rows: tuple[float, float, float, float]) -> Candles:
    """Bars by open, high, low, close."""
    open_, high, low, close = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    time = np.arange(len(rows), dtype=np.int64) * 60_000
    return Candles(Timeframe.M1, time, open_, high, low, close, close, close)


def coarse_candles(size: int = 3_000, seed: int = 5) -> Candles:
    """Bars in whole ticks with gaps between them, so that rare patterns and equal prices come up."""
    rng = np.random.default_rng(seed)
    close = 200.0 + np.cumsum(rng.integers(-6, 7, size))
    open_ = np.concatenate(([200.0], close[:-1])) + rng.integers(-2, 3, size)
    high = np.maximum(open_, close) + rng.integers(0, 4, size)
    low = np.minimum(open_, close) - rng.integers(0, 4, size)
    time = np.arange(size, dtype=np.int64) * 60_000
    return Candles(Timeframe.M1, time, open_, high, low, close, close, close)


def test_every_pattern_of_talib_has_a_name() -> None:
    functions = sorted(function for function, _ in TALIB_PATTERNS.values())
    assert functions == sorted(talib.get_function_groups()["Pattern Recognition"])


@pytest.mark.parametrize("kind", sorted(TALIB_PATTERNS))
def test_a_pattern_is_that_of_talib(kind: str) -> None:
    function, look_back = TALIB_PATTERNS[kind]
    assert abstract.Function(function).lookback == look_back
    bars = coarse_candles()
    theirs = getattr(talib, function)(bars.open, bars.high, bars.low, bars.close)[look_back:]
    found = outputs_of("pattern", bars, kind=kind)["value"]
    assert np.isnan(found[:look_back]).all()
    assert found[look_back:].tolist() == [100.0 * np.sign(value) for value in theirs]


def test_every_pattern_keeps_to_three_values_and_to_its_look_back() -> None:
    bars = random_candles(200)
    declaration = REGISTRY.indicators["pattern"]
    for kind in PATTERN_NAMES:
        found = outputs_of("pattern", bars, kind=kind)["value"]
        before = declaration.look_back({"kind": kind})
        assert np.isnan(found[:before]).all(), kind
        assert set(found[before:]) <= {-100.0, 0.0, 100.0}, kind


def test_no_pattern_knows_a_later_bar() -> None:
    bars = coarse_candles(400)
    for kind in PATTERN_NAMES:
        whole = outputs_of("pattern", bars, kind=kind)["value"]
        for cut in (5, 20, 133, 267):
            part = outputs_of("pattern", bars.slice(0, cut), kind=kind)["value"]
            np.testing.assert_array_equal(part, whole[:cut], err_msg=kind)


# From the words of the books --------------------------------------------------------------------------------


def test_engulfing_from_its_words() -> None:
    """A body of the other colour that holds the whole body before, one end may be equal."""
    bars = coarse_candles()
    expected = []
    for i in range(2, len(bars)):
        open_, close, before, last = bars.open[i], bars.close[i], bars.open[i - 1], bars.close[i - 1]
        up = close >= open_ and last < before and close >= before and open_ <= last
        down = close < open_ and last >= before and open_ >= last and close <= before
        both_equal = {open_, close} == {before, last}
        expected.append(0.0 if both_equal else 100.0 * up - 100.0 * down)
    found = outputs_of("pattern", bars, kind="engulfing")["value"][2:]
    assert found.tolist() == expected
    assert min(expected.count(100.0), expected.count(-100.0)) > 20


def test_a_doji_opens_and_closes_at_the_same_price() -> None:
    """Its body is at most a tenth of the mean range of the ten bars before."""
    bars = coarse_candles()
    spread = bars.high - bars.low
    expected = [
        100.0 if abs(bars.close[i] - bars.open[i]) <= spread[i - 10 : i].sum() / 10 * 0.1 else 0.0
        for i in range(10, len(bars))
    ]
    assert outputs_of("pattern", bars, kind="doji")["value"][10:].tolist() == expected
    assert expected.count(100.0) > 20


def test_three_outside_is_an_engulfing_bar_that_is_confirmed() -> None:
    bars = coarse_candles()
    engulfing = outputs_of("pattern", bars, kind="engulfing")["value"]
    found = outputs_of("pattern", bars, kind="three_outside")["value"]
    for i in np.flatnonzero(found == 100.0):
        assert engulfing[i - 1] == 100.0
        assert bars.close[i] > bars.close[i - 1]


def test_an_inside_bar_stays_within_the_bar_before() -> None:
    bars = bars_of((5, 10, 1, 6), (5, 10, 2, 4), (5, 11, 3, 4), (4, 10, 4, 9))
    assert outputs_of("pattern", bars, kind="inside_bar")["value"][1:].tolist() == [100.0, 0.0, 100.0]


def test_an_outside_bar_has_the_direction_of_its_body() -> None:
    bars = bars_of((5, 6, 4, 5), (4, 7, 3, 6), (6, 8, 2, 3), (4, 9, 1, 4), (4, 9, 0, 5))
    assert outputs_of("pattern", bars, kind="outside_bar")["value"][1:].tolist() == [100.0, -100.0, 0.0, 0.0]


def test_a_pin_bar_has_one_long_wick() -> None:
    bars = bars_of((9, 10, 1, 10), (2, 10, 1, 1), (5, 10, 1, 6), (5, 5, 5, 5))
    assert outputs_of("pattern", bars, kind="pin_bar")["value"].tolist() == [100.0, -100.0, 0.0, 0.0]
