"""The columns that stops, targets, offsets and sizes read: which there are, what stands in them, from when on."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from tests.engine.strategy.helpers import REGISTRY, builder, candles, random_candles
from tradebot.engine.market import Candles, Float64, Timeframe
from tradebot.engine.strategy import LevelColumn, StrategyBuilder, StrategySpec, decide, level_columns
from tradebot.engine.strategy.compute import compute_indicator
from tradebot.engine.strategy.market_data import HeldMarket, one_market
from tradebot.engine.strategy.node_cache import NodeCache


def made() -> StrategyBuilder:
    return builder().signal("up", "compare", a="close", op=">", b=1.0, supports="long").entry("any", ["up"])


def columns(strategy: StrategyBuilder) -> list[str]:
    return [column.key for column in level_columns(strategy.build())]


def atr(bars: Candles, length: int) -> Float64:
    inputs = [bars.high, bars.low, bars.close]
    values: dict[str, Any] = {"length": length}
    return compute_indicator(REGISTRY.indicators["atr"], inputs, values, values)[0]


def test_what_needs_nothing_but_prices_has_no_column() -> None:
    strategy = made().stop_loss("percent", percent=2).take_profit("r", multiple=2)
    strategy.trailing_stop("percent", percent=1).sizing("risk", percent=1)
    assert columns(strategy) == []
    assert decide(strategy.build(), REGISTRY, candles([2.0, 3.0])).levels == {}


def test_each_kind_of_level_names_its_column_once() -> None:
    strategy = made().indicator("bands", "bbands", length=5).stop_loss("atr", length=14, multiple=2)
    strategy.take_profit("series", series="bands.upper").take_profit("atr", length=7, multiple=3)
    strategy.trailing_stop("atr", length=14, multiple=3).sizing("volatility", target_percent=20, length=30)
    strategy.orders("limit", "atr", length=3, multiple=0.5)
    strategy.pyramiding(2, "atr", length=9, multiple=1)
    assert columns(strategy) == [
        "atr:3",
        "volatility:30",
        "atr:14",
        "series:bands.upper",
        "atr:7",
        "atr:9",
    ]


def test_a_market_order_reads_no_offset() -> None:
    assert columns(made().orders("market", "atr", length=3, multiple=0.5)) == []


def test_a_column_knows_what_its_key_says() -> None:
    assert LevelColumn("atr", "atr:14").length == 14
    assert LevelColumn("series", "series:bands.upper").reference == "bands.upper"


def test_the_true_range_is_that_of_the_registered_indicator() -> None:
    bars = random_candles(200)
    levels = decide(made().stop_loss("atr", length=14).build(), REGISTRY, bars).levels
    assert np.array_equal(levels["atr:14"], atr(bars, 14), equal_nan=True)
    assert np.isnan(levels["atr:14"][:14]).all()
    assert not np.isnan(levels["atr:14"][14:]).any()


def test_the_volatility_is_the_sample_deviation_of_the_logarithmic_changes_of_a_bar() -> None:
    spec = made().sizing("volatility", target_percent=20, length=2).build()
    volatility = decide(spec, REGISTRY, candles([100.0, 110.0, 100.0, 100.0])).levels["volatility:2"]
    one = math.log(1.1)
    assert np.isnan(volatility[:2]).all()
    assert volatility[2:] == pytest.approx([one * math.sqrt(2.0), one / math.sqrt(2.0)], rel=1e-12)


def test_a_market_that_stands_still_has_no_volatility() -> None:
    spec = made().sizing("volatility", target_percent=20, length=3).build()
    assert decide(spec, REGISTRY, candles([5.0] * 6)).levels["volatility:3"][3:].tolist() == [0.0] * 3


def test_a_series_of_a_higher_timeframe_stands_as_it_is_visible() -> None:
    strategy = made().indicator("slow", "sma", length=2, timeframe="3m").stop_loss("series", series="slow")
    fine = candles([float(each) for each in range(1, 13)])
    coarse = Candles(Timeframe.M3, fine.time[::3], *([np.array([3.0, 6.0, 9.0, 12.0])] * 6))
    market = HeldMarket("BTCUSDT", {("BTCUSDT", Timeframe.M1): fine, ("BTCUSDT", Timeframe.M3): coarse})
    decisions = decide(strategy.build(), REGISTRY, market)
    expected = [math.nan] * 5 + [4.5] * 3 + [7.5] * 3 + [10.5]
    assert np.array_equal(decisions.levels["series:slow"], expected, equal_nan=True)


def ready(strategy: StrategyBuilder) -> tuple[int, int]:
    """The warm-up, and the first bar on which something is decided."""
    decisions = decide(strategy.build(), REGISTRY, random_candles(100))
    return decisions.warm_up, int(np.flatnonzero(decisions.side)[0])


@pytest.mark.parametrize(
    ("strategy", "warm_up"),
    [
        (made(), 0),
        (made().stop_loss("atr", length=14), 14),
        (made().sizing("volatility", target_percent=10, length=30), 30),
        (made().indicator("slow", "sma", length=40).stop_loss("series", series="slow"), 39),
        (made().stop_loss("atr", length=3).trailing_stop("atr", length=50, multiple=2), 50),
    ],
)  # fmt: skip
def test_nothing_is_decided_before_its_levels_have_values(strategy: StrategyBuilder, warm_up: int) -> None:
    assert ready(strategy) == (warm_up, warm_up)


def test_columns_are_shared_through_the_cache() -> None:
    spec: StrategySpec = made().stop_loss("atr", length=14).sizing("volatility", target_percent=9).build()
    market, cache = one_market(random_candles(100), "BTCUSDT", Timeframe.M1), NodeCache(10_000_000)
    first = decide(spec, REGISTRY, market, cache)
    misses = cache.state.misses
    again = decide(spec, REGISTRY, market, cache)
    assert cache.state.misses == misses
    assert all(again.levels[key] is first.levels[key] for key in ("atr:14", "volatility:20"))


def test_a_named_indicator_and_a_stop_share_one_computation() -> None:
    strategy = made().indicator("range", "atr", length=14).stop_loss("atr", length=14)
    strategy.signal("wide", "compare", a="range", op=">", b=0.0).entry("unanimous", ["up", "wide"])
    market, cache = one_market(random_candles(100), "BTCUSDT", Timeframe.M1), NodeCache(10_000_000)
    decide(strategy.build(), REGISTRY, market, cache)
    assert cache.state.nodes == 3  # the true range once, and two signals
