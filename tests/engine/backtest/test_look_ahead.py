"""Every way to know the future that people build by accident is found, named, and makes the result invalid."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.engine.backtest.markets import START, put, waves
from tradebot.engine.backtest import RunSettings, run_backtest
from tradebot.engine.backtest.inputs.store_at import StoreAt
from tradebot.engine.backtest.inputs.store_market import StoreMarket
from tradebot.engine.backtest.results.result import BacktestResult
from tradebot.engine.control.clock import ManualClock
from tradebot.engine.control.settings import BacktestSettings
from tradebot.engine.market import HOUR_MS, Candles, Category, Float64, Timeframe
from tradebot.engine.store import Store
from tradebot.engine.strategy import Registry, builtin_registry, parse_strategy
from tradebot.engine.strategy.registry import BoolArray, indicator, signal

BARS = 1500
TEXT = """
[strategy]
name = "Planted"
category = "linear"
symbols = ["AAAUSDT"]
timeframe = "1h"
[indicators.sound]
use = "sma"
length = 8
[indicators.node]
use = "{use}"
{lines}
{timeframe}
[indicators.after]
use = "sma"
length = 3
source = "node"
{timeframe}
[signals.cross]
use = "cross"
a = "close"
b = "sound"
[signals.level]
use = "compare"
a = "{source}"
op = ">"
b = {level}
[entry]
combine = "any"
signals = ["cross", "level"]
[risk]
direction = "both"
sizing = {{ use = "equity", percent = 50.0 }}
stop_loss = {{ use = "percent", percent = 2.0 }}
"""


@indicator("next_bar", "Next bar", "The close of the bar to come.", inputs=("close",))
def next_bar(close: Float64) -> Float64:
    return np.append(close[1:], np.nan)


@indicator("centred", "Centred", "Mean of the bars around.", inputs=("close",))
def centred(close: Float64) -> Float64:
    return np.convolve(close, np.ones(11) / 11, "same")


@indicator("scaled", "Scaled", "Distance to the mean of the whole sample.", inputs=("close",))
def scaled(close: Float64) -> Float64:
    return (close - close.mean()) / close.std()


@indicator("filled", "Filled", "The latest new high, filled in from behind.", inputs=("close",))
def filled(close: Float64) -> Float64:
    highs = close > np.append(-np.inf, np.maximum.accumulate(close)[:-1] * 1.0001)
    highs |= np.arange(len(close)) % 97 == 50
    at = np.where(highs, np.arange(len(close)), len(close) - 1)
    return close[np.minimum.accumulate(at[::-1])[::-1]]


@signal("knows", "Knows", "Whether the next close is higher.", inputs=("close",), supports="direction")
def knows(close: Float64) -> tuple[BoolArray, BoolArray]:
    rising = np.append(close[1:] > close[:-1], False)
    falling = np.append(close[1:] < close[:-1], False)
    return rising, falling


class OpenBars(StoreMarket):
    """Shows a bar of a higher timeframe from its open on, as a join by open times does."""

    def candles(self, symbol: str, timeframe: Timeframe) -> Candles:
        bars = super().candles(symbol, timeframe)
        return bars if timeframe is Timeframe.H1 else replace(bars, time=bars.time - timeframe.ms)


@pytest.fixture
def registry() -> Registry:
    registry = builtin_registry()
    for planted in (next_bar, centred, scaled, filled, knows):
        registry.add(planted)
    return registry


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(tmp_path)
    rng = np.random.default_rng(11)
    rows = waves(BARS)
    shift = 1.0 + 0.2 * np.cumsum(rng.normal(0, 0.01, BARS))
    put(
        store,
        "AAAUSDT",
        [
            row._replace(
                **{
                    name: f"{float(getattr(row, name)) * scale:.2f}"
                    for name in ("open", "high", "low", "close")
                }
            )
            for row, scale in zip(rows, shift, strict=True)
        ],
    )
    return store


def text(use: str = "sma", timeframe: str = "", level: str = "100.0", source: str = "after") -> str:
    lines = "length = 5" if use == "sma" else ""
    of = f'timeframe = "{timeframe}"' if timeframe else ""
    return TEXT.format(use=use, lines=lines, timeframe=of, level=level, source=source)


def run(store: Store, registry: Registry, toml: str, **more: Any) -> BacktestResult:
    spec = parse_strategy(toml, "planted.toml", registry)
    settings = RunSettings.resolve(spec, BacktestSettings())
    return run_backtest(spec, registry, store, settings, clock=ManualClock(), **more)


def found(result: BacktestResult) -> str:
    assert not result.valid
    assert result.flags[0] == "look_ahead"
    (error,) = result.errors
    assert error.startswith("Look-ahead: ")
    assert "knows what comes later" in error
    return error.removeprefix("Look-ahead: ").partition(" of ")[0]


class TestPlantedLeaks:
    @pytest.mark.parametrize(
        ("use", "level"),
        [("next_bar", "100.0"), ("centred", "100.0"), ("scaled", "0.5"), ("filled", "100.0")],
    )
    def test_of_an_indicator(self, store: Store, registry: Registry, use: str, level: str) -> None:
        """The node itself is named, though another one rests on it and a signal on that."""
        assert found(run(store, registry, text(use, level=level))) == "indicators.node"

    def test_of_a_higher_timeframe_that_has_not_closed(self, store: Store, registry: Registry) -> None:
        leaky = run(store, registry, text(timeframe="4h"), make_market=OpenBars)
        assert found(leaky) == "indicators.node"
        assert run(store, registry, text(timeframe="4h")).valid

    def test_of_a_signal(self, store: Store, registry: Registry) -> None:
        planted = text().replace(
            '[signals.cross]\nuse = "cross"\na = "close"\nb = "sound"', '[signals.cross]\nuse = "knows"'
        )
        planted = planted.replace('signals = ["cross", "level"]', 'signals = ["cross"]')
        assert found(run(store, registry, planted)) == "signals.cross"

    def test_in_a_run_that_starts_later(self, store: Store, registry: Registry) -> None:
        spec = parse_strategy(text("centred"), "planted.toml", registry)
        settings = RunSettings.resolve(spec, BacktestSettings(), start_ms=START + 900 * HOUR_MS)
        result = run_backtest(spec, registry, store, settings, clock=ManualClock())
        assert found(result) == "indicators.node"


class TestSoundStrategies:
    def test_are_the_same_at_every_end(self, store: Store, registry: Registry) -> None:
        result = run(store, registry, text())
        assert result.valid
        assert result.look_ahead.startswith("Cut off at ")

    @pytest.mark.parametrize("use", ["ema", "rsi", "atr", "adx", "supertrend", "vwap"])
    def test_of_recursive_indicators(self, store: Store, registry: Registry, use: str) -> None:
        assert run(store, registry, text(use)).valid

    def test_the_check_can_be_left_out(self, store: Store, registry: Registry) -> None:
        result = run(store, registry, text("next_bar"), look_ahead=False)
        assert result.valid
        assert result.look_ahead == ""

    def test_hardly_any_bars(self, tmp_path: Path, registry: Registry) -> None:
        for count in (1, 2, 9):
            small = Store(tmp_path / str(count))
            put(small, "AAAUSDT", waves(count))
            assert run(small, registry, text()).valid


class TestStoreAt:
    """What could have been read at a moment."""

    def test_only_bars_that_have_closed(self, store: Store) -> None:
        noon = START + 12 * HOUR_MS
        view = StoreAt(store, None, noon)
        hours = view.load_or_build(Category.LINEAR, "AAAUSDT", Timeframe.H1)[0]
        assert int(hours.close_time[-1]) == noon
        built = view.between(None, noon + HOUR_MS).load_or_build(Category.LINEAR, "AAAUSDT", Timeframe.H4)[0]
        assert int(built.close_time[-1]) == noon
        later = view.between(START + HOUR_MS, noon).load_or_build(Category.LINEAR, "AAAUSDT", Timeframe.H1)[0]
        assert int(later.time[0]) == START + HOUR_MS

    def test_only_funding_that_was_settled(self, store: Store) -> None:
        rows = [(START + n * 8 * HOUR_MS, "0.0001") for n in range(5)]
        store.merge_funding(Category.LINEAR, "AAAUSDT", rows)
        view = StoreAt(store, None, START + 8 * HOUR_MS)
        assert len(view.funding(Category.LINEAR, "AAAUSDT")) == 2
