"""Candlestick patterns: each is TA-Lib's, with its look-back; the ones that are easily said, from their words."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import talib
from talib import abstract

from tests.engine.strategy.helpers import REGISTRY, builder, random_candles
from tests.engine.strategy.indicator_helpers import outputs_of
from tradebot.engine.market import Candles, Timeframe
from tradebot.engine.strategy import StrategyError
from tradebot.engine.strategy.indicators.patterns import PATTERN_NAMES, TALIB_PATTERNS

COMPARED = {"pattern"}
GOLDEN: dict[str, dict[str, Any]] = json.loads(
    (Path(__file__).parent / "golden" / "patterns.json").read_text(encoding="utf-8")
)


def bars_of(*rows: tuple[float, float, float, float]) -> Candles:
    """Bars by open, high, low, close."""
    open_, high, low, close = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    time = np.arange(len(rows), dtype=np.int64) * 60_000
    return Candles(Timeframe.M1, time, open_, high, low, close, close, close)


@cache
def coarse_candles(size: int = 60_000) -> Candles:
    """Bars in whole ticks with gaps, runs and bare bodies, so that rare patterns and equal prices come up."""
    rng = np.random.default_rng(2)
    body = rng.choice([0, 1, 2, 4, 9, 12], size)
    body = body * np.repeat(rng.choice([-1, 1], size), rng.integers(1, 5, size))[:size]
    gap = rng.choice([0, 0, 0, 1, 2, 5, 10, 14], size) * rng.choice([-1, 1], size)
    open_ = 100_000.0 + np.cumsum(body + gap) - body
    close = open_ + body
    high = np.maximum(open_, close) + rng.choice([0, 0, 0, 1, 3, 8], size)
    low = np.minimum(open_, close) - rng.choice([0, 0, 0, 1, 3, 8], size)
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
    np.testing.assert_array_equal(found[look_back:], 100.0 * np.sign(theirs))


@pytest.mark.parametrize("kind", sorted(TALIB_PATTERNS))
def test_a_pattern_is_that_of_another_library(kind: str) -> None:
    """pandas-ta-classic 0.8.32 computes the patterns itself (`golden/make_volatility_volume.py`)."""
    function = TALIB_PATTERNS[kind][0].removeprefix("CDL")
    name = "CDL_DOJI_10_0.1" if function == "DOJI" else f"CDL_{function}"
    expected = GOLDEN[name]
    signs = outputs_of("pattern", coarse_candles(), kind=kind)["value"]
    found = np.flatnonzero(signs > 0), np.flatnonzero(signs < 0), np.flatnonzero(np.nan_to_num(signs))
    assert (len(found[0]), len(found[1])) == (expected["bullish"], expected["bearish"])
    assert found[2][:10].tolist() == expected["first"]
    assert int(found[2].sum()) == expected["rows"]


def test_the_recorded_bars_hold_nearly_every_pattern() -> None:
    """A pattern that never comes up is compared with nothing."""
    silent = {name for name, each in GOLDEN.items() if each["bullish"] + each["bearish"] == 0}
    assert silent == {"CDL_3STARSINSOUTH", "CDL_MATHOLD"}


def test_a_wrong_name_is_answered_with_the_nearest_and_not_with_all_of_them() -> None:
    strategy = builder()
    strategy.indicator("shape", "pattern", kind="hamer")
    strategy.signal("bullish", "compare", a="shape", op=">", b=0)
    strategy.entry("any", ["bullish"])
    with pytest.raises(StrategyError) as refused:
        strategy.build()
    text = str(refused.value)
    assert 'one of 64 names, such as "abandoned_baby", "advance_block" or "belt_hold"' in text
    assert 'Did you mean "hammer"?' in text
    assert "tristar" not in text


def test_every_pattern_keeps_to_three_values_and_to_its_look_back() -> None:
    bars = random_candles(200)
    declaration = REGISTRY.indicators["pattern"]
    for kind in PATTERN_NAMES:
        found = outputs_of("pattern", bars, kind=kind)["value"]
        before = declaration.look_back({"kind": kind})
        assert np.isnan(found[:before]).all(), kind
        assert set(found[before:]) <= {-100.0, 0.0, 100.0}, kind


def test_no_pattern_knows_a_later_bar() -> None:
    bars = coarse_candles(3_000).slice(0, 400)
    for kind in PATTERN_NAMES:
        whole = outputs_of("pattern", bars, kind=kind)["value"]
        for cut in (5, 20, 133, 267):
            part = outputs_of("pattern", bars.slice(0, cut), kind=kind)["value"]
            np.testing.assert_array_equal(part, whole[:cut], err_msg=kind)


# From the words of the books --------------------------------------------------------------------------------


def test_engulfing_from_its_words() -> None:
    """A body of the other colour that holds the whole body before, one end may be equal."""
    bars = coarse_candles(3_000)
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
    bars = coarse_candles(3_000)
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
