"""How long strategies take: `python -m pytest tests/bench/bench_strategy.py --benchmark-only -n 0`.

Bars of design.md section 5 that this room has a share in: pinned strategy A, of whose 20 ms the decisions may take 8;
a variation of an indicator length; 200 components validated in 50 ms; a basket of 20 indicators in 80 ms. Memory is
given where it is the point: what a computation holds beyond the candles.
"""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from tradebot.engine.backtest.kernel.ledger import Costs, RunSettings
from tradebot.engine.backtest.lint.lint import LintSlot, lint_columns
from tradebot.engine.market import Candles, Category, Float64, Instrument, RiskTier, Timeframe
from tradebot.engine.strategy import (
    ParameterKind,
    StrategyBuilder,
    builtin_registry,
    check_strategy,
    decide,
)
from tradebot.engine.strategy.indicators.rolling import percentile
from tradebot.engine.strategy.market_data import HeldMarket
from tradebot.engine.strategy.node_cache import NodeCache
from tradebot.engine.strategy.nodes import compute_indicator, keep_freed_pages
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
    """<= 80 ms warm on a symbol-year: 20 common indicators with their defaults, each let go before the next."""
    assert len(set(BASKET)) == 20
    keep_freed_pages()  # as each computation of decisions does
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


def test_a_second_run_shares_every_node(benchmark: BenchmarkFixture, minutes: Candles) -> None:
    """The same strategy again, as a preview after an edit of its risk: nothing is computed but the combination."""
    registry, market, cache = builtin_registry(), market_b(minutes), NodeCache(400_000_000)
    spec = strategy_b().build()
    decide(spec, registry, market, cache)
    misses = cache.state.misses
    benchmark(decide, spec, registry, market, cache)
    assert cache.state.misses == misses


def many(symbols: int = 1) -> StrategyBuilder:
    """200 components: 100 indicators on five timeframes and a signal of each."""
    names = [f"S{number}USDT" for number in range(symbols)]
    made = StrategyBuilder("many", symbols=names, timeframe="1m")
    for number in range(100):
        place = ("1m", "5m", "15m", "1h", "4h")[number % 5]
        made.indicator(f"i{number}", "ema", length=number + 2, timeframe=place)
        made.signal(f"s{number}", "cross", a="close", b=f"i{number}")
    return made.entry("majority", [f"s{number}" for number in range(100)])


def places(minutes: Candles, symbol: str = "S0USDT") -> HeldMarket:
    """The minutes and the bars of four coarser timeframes made of them."""
    bars = {(symbol, Timeframe.M1): minutes}
    for timeframe in (Timeframe.M5, Timeframe.M15, Timeframe.H1, Timeframe.H4):
        step = timeframe.ms // Timeframe.M1.ms
        last = slice(step - 1, None, step)
        columns = (
            getattr(minutes, name)[last] for name in ("open", "high", "low", "close", "volume", "turnover")
        )
        bars[symbol, timeframe] = Candles(timeframe, minutes.time[::step], *columns)
    return HeldMarket(symbol, bars)


def test_check_200_components_of_5_timeframes_and_50_symbols(benchmark: BenchmarkFixture) -> None:
    """<= 50 ms."""
    text, registry = many(50).to_toml(), builtin_registry()
    assert benchmark(check_strategy, text, "many.toml", registry).errors == ()


def test_decide_200_components_of_5_timeframes(benchmark: BenchmarkFixture, minutes: Candles) -> None:
    """No bar; their columns at once would be 500 MB, one after the other they are a few."""
    spec, registry, market = many().build(), builtin_registry(), places(minutes)
    decisions = benchmark.pedantic(decide, (spec, registry, market), rounds=3, warmup_rounds=1)
    assert decisions.warm_up > 0
    tracemalloc.start()
    decide(spec, registry, market)
    benchmark.extra_info["peak_mb"] = round(tracemalloc.get_traced_memory()[1] / 1e6)
    tracemalloc.stop()
    assert benchmark.extra_info["peak_mb"] < 300


def test_decide_strategy_a_for_50_symbols(benchmark: BenchmarkFixture, minutes: Candles) -> None:
    """Its share of the 1.5 s of 50 symbols and a year of minutes: the bars of each are read anew."""
    registry, symbols = builtin_registry(), [f"S{number}USDT" for number in range(50)]
    spec = strategy_a().build()
    markets = [HeldMarket(symbol, {(symbol, Timeframe.M1): minutes}) for symbol in symbols]

    def decided() -> int:
        return sum(int(np.count_nonzero(decide(spec, registry, market).side)) for market in markets)

    assert benchmark.pedantic(decided, rounds=3, warmup_rounds=1) > 50_000


@pytest.mark.parametrize("length", [100, 1_000, 10_000, 100_000])
def test_percentile(benchmark: BenchmarkFixture, minutes: Candles, length: int) -> None:
    """O(n log length): a thousand times the length costs three times as much, where going through cost hundreds."""
    column = np.ascontiguousarray(minutes.close)
    found = benchmark.pedantic(percentile, (column, length, 37.0), rounds=3, warmup_rounds=1)
    assert np.isnan(found[: length - 1]).all()


def test_lint_of_strategy_b(benchmark: BenchmarkFixture, minutes: Candles) -> None:
    """<= 40 ms beyond the decisions, on the columns that they have anyway."""
    registry = builtin_registry()
    spec = strategy_b().stop_loss("atr", length=14, multiple=2.0).take_profit("r", multiple=2.0).build()
    decisions = decide(spec, registry, market_b(minutes), keep_members=True)
    one, small = Decimal(1), Decimal("0.001")
    rules = Instrument(
        "BTCUSDT", Category.LINEAR, "BTC", "USDT", small, small, small, 5 * one, None, 100 * one
    )
    tiers = (RiskTier(2_000_000 * one, 5 * small, 10 * small, 100 * one),)
    slot = LintSlot("BTCUSDT", rules, minutes, decisions, decisions.warm_up, tiers)
    settings = RunSettings(costs=Costs(0.055, 0.02, 0.01))
    spec = replace(spec, risk=replace(spec.risk, leverage=10.0))
    benchmark(lint_columns, spec, registry, (slot,), settings)
