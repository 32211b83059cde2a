"""How long strategies take: `python -m pytest tests/bench/bench_strategy.py --benchmark-only -n 0`.

Bars of design.md section 5 that this room has a share in: pinned strategy A, of whose 20 ms the decisions may take 8;
a variation of an indicator length; 200 components validated in 50 ms; a basket of 20 indicators in 80 ms.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from tradebot.engine.market import Candles, Float64, Timeframe
from tradebot.engine.strategy import (
    ParameterKind,
    StrategyBuilder,
    builtin_registry,
    check_strategy,
    decide,
)
from tradebot.engine.strategy.market_data import HeldMarket
from tradebot.engine.strategy.node_cache import NodeCache
from tradebot.engine.strategy.nodes import compute_indicator
from tradebot.engine.strategy.series import candle_series

YEAR = 527_040  # of 366 days


@pytest.fixture(scope="module")
def minutes() -> Candles:
    """A year of minutes: a random walk, read-only as from the column cache."""
    rng = np.random.default_rng(1)
    close = 60_000.0 * np.exp(np.cumsum(rng.normal(0.0, 0.0006, YEAR)))
    open_ = np.concatenate((close[:1], close[:-1]))
    high, low = np.maximum(open_, close) * 1.0003, np.minimum(open_, close) * 0.9997
    columns = [open_, high, low, close, rng.random(YEAR) * 10, close]
    for column in columns:
        column.flags.writeable = False
    return Candles(Timeframe.M1, np.arange(YEAR, dtype=np.int64) * 60_000, *columns)


def strategy_a(fast: int = 20, slow: int = 50) -> StrategyBuilder:
    """Pinned strategy A: SMA 20/50 cross with percent stop and target."""
    return (
        StrategyBuilder("A", symbols=["BTCUSDT"], timeframe="1m")
        .indicator("fast", "sma", length=fast)
        .indicator("slow", "sma", length=slow)
        .signal("turn", "cross", a="fast", b="slow")
        .entry("any", ["turn"])
        .stop_loss("percent", percent=1.0)
        .take_profit("percent", percent=2.0)
    )


def test_decide_strategy_a(benchmark: BenchmarkFixture, minutes: Candles) -> None:
    """<= 8 ms warm, everything from candles to decisions."""
    spec, registry = strategy_a().build(), builtin_registry()
    decisions = benchmark(decide, spec, registry, minutes)
    assert np.count_nonzero(decisions.side) > 1_000


BASKET = (
    *("sma", "ema", "wma", "macd", "adx", "psar", "supertrend"),
    *("rsi", "stoch", "stoch_rsi", "cci", "roc", "williams_r"),
    *("atr", "bbands", "keltner", "donchian", "obv", "mfi", "vwap"),
)


def compute_all(names: Iterable[str], bars: Candles) -> int:
    """All outputs of the indicators with their defaults, each let go before the next; how many there were."""
    registry, count = builtin_registry(), 0
    columns: dict[str, Float64] = {}
    for name in names:
        declaration = registry.indicators[name]
        values = {each.name: each.default for each in declaration.parameters if each.default is not None}
        series = [each.name for each in declaration.parameters if each.kind is ParameterKind.SERIES]
        inputs = []
        for column in (*declaration.inputs, *(str(values[each]) for each in series)):
            if column not in columns:
                columns[column] = np.ascontiguousarray(candle_series(bars, column))
            inputs.append(columns[column])
        others = {each: value for each, value in values.items() if each not in series}
        count += len(compute_indicator(declaration, inputs, values, others))
    return count


def test_basket_of_20_indicators(benchmark: BenchmarkFixture, minutes: Candles) -> None:
    """<= 80 ms warm on a symbol-year: 20 common indicators with their defaults."""
    assert len(set(BASKET)) == 20
    assert benchmark(compute_all, BASKET, minutes) > 20


def test_every_indicator(benchmark: BenchmarkFixture, minutes: Candles) -> None:
    """All registered indicators with their defaults: no bar, for comparison."""
    names = builtin_registry().indicators
    assert benchmark.pedantic(compute_all, (names, minutes), rounds=3, warmup_rounds=1) > len(names)


def test_check_200_components(benchmark: BenchmarkFixture) -> None:
    """<= 50 ms for a text of 200 components."""
    made = StrategyBuilder("many", symbols=["BTCUSDT"], timeframe="1m")
    for number in range(100):
        made.indicator(f"i{number}", "ema", length=number + 2)
        made.signal(f"s{number}", "cross", a="close", b=f"i{number}")
    text = made.entry("majority", [f"s{number}" for number in range(100)]).to_toml()
    checked = benchmark(check_strategy, text)
    assert checked.problems == ()


def test_check_with_an_override(benchmark: BenchmarkFixture) -> None:
    """What one edit of a form or one `--set` costs on strategy A."""
    text = strategy_a().to_toml()
    checked = benchmark(check_strategy, text, "a.toml", None, {"indicators.fast.length": "21"})
    assert checked.spec is not None


def strategy_b(fast: int = 21) -> StrategyBuilder:
    """Twelve nodes, one of them on 4h: the decisions of pinned strategy B."""
    made = StrategyBuilder("B", symbols=["BTCUSDT"], timeframe="1m").indicator("fast", "ema", length=fast)
    made.indicator("slow", "ema", length=55).indicator("strength", "adx", length=14)
    made.indicator("rsi14", "rsi", length=14).indicator("bands", "bbands", length=20)
    made.indicator("usual", "sma", source="volume", length=20)
    made.indicator("trend", "ema", length=200, timeframe="4h")
    made.signal("turn", "cross", a="fast", b="slow")
    made.signal("regime", "compare", a="close", op=">", b="trend", supports="direction")
    made.signal("strong", "compare", a="strength", op=">", b=20)
    made.signal("calm", "threshold", source="rsi14", lower=40, upper=60)
    made.signal("busy", "compare", a="volume", op=">", b="usual")
    return made.entry("majority", ["turn", "regime", "strong", "calm", "busy"])


def market_b(minutes: Candles) -> HeldMarket:
    """The minutes and the 4h bars made of them."""
    columns = {
        name: getattr(minutes, name) for name in ("open", "high", "low", "close", "volume", "turnover")
    }
    last = slice(239, None, 240)
    hours = Candles(Timeframe.H4, minutes.time[::240], *(column[last] for column in columns.values()))
    return HeldMarket("BTCUSDT", {("BTCUSDT", Timeframe.M1): minutes, ("BTCUSDT", Timeframe.H4): hours})


def test_decide_strategy_b(benchmark: BenchmarkFixture, minutes: Candles) -> None:
    """Twelve nodes with one on 4h, everything computed: its share of the 60 ms of pinned strategy B."""
    spec, registry, market = strategy_b().build(), builtin_registry(), market_b(minutes)
    decisions = benchmark(decide, spec, registry, market)
    assert np.count_nonzero(decisions.side) > 1_000


def test_decide_a_variation_of_strategy_b(benchmark: BenchmarkFixture, minutes: Candles) -> None:
    """One length changed, all other nodes shared through the cache: <= 15 ms of a sweep."""
    registry, market, cache = builtin_registry(), market_b(minutes), NodeCache(400_000_000)
    lengths = iter(range(2, 10_000))
    decide(strategy_b().build(), registry, market, cache)
    benchmark(lambda: decide(strategy_b(next(lengths)).build(), registry, market, cache))
    assert cache.state.hits > cache.state.misses
