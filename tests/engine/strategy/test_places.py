"""Indicators on other timeframes and markets, and funding: what is visible when, and never before."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.engine.strategy.helpers import NAN, REGISTRY, builder, random_candles
from tradebot.engine.control.errors import InputError
from tradebot.engine.market import DAY_MS, HOUR_MS, MINUTE_MS, Candles, Float64, Int64, Timeframe
from tradebot.engine.strategy import (
    Decisions,
    StrategyBuilder,
    StrategySpec,
    check_strategy,
    decide,
    indicator,
)
from tradebot.engine.strategy.market_data import FundingRates, HeldMarket, Place, funding_at, visible
from tradebot.engine.strategy.registry import Registry, builtin_registry

M1, M5, M15, H1 = Timeframe.M1, Timeframe.M5, Timeframe.M15, Timeframe.H1


def bars(timeframe: Timeframe, closes: Mapping[int, float]) -> Candles:
    """Bars by their close time in minutes, all prices equal."""
    time = np.array([minute * MINUTE_MS - timeframe.ms for minute in closes], dtype=np.int64)
    price = np.array(list(closes.values()))
    return Candles(timeframe, time, price, price, price, price, price, price)


def seen(source: Candles, minutes: list[int]) -> list[float]:
    return visible(source.close, source, np.array(minutes, dtype=np.int64) * MINUTE_MS).tolist()


def test_a_higher_bar_is_visible_from_its_close_until_the_next_one_is_due() -> None:
    source = bars(M5, {5: 1.0, 10: 2.0, 15: 3.0})
    found = seen(source, [1, 4, 5, 6, 9, 10, 14, 15, 19, 20, 21])
    assert np.array_equal(found, [NAN, NAN, 1, 1, 1, 2, 2, 3, 3, NAN, NAN], equal_nan=True)


def test_a_missing_higher_bar_is_missing_and_not_replaced_by_the_one_before() -> None:
    found = seen(bars(M5, {5: 1.0, 15: 3.0}), [5, 9, 10, 14, 15])
    assert np.array_equal(found, [1, 1, NAN, NAN, 3], equal_nan=True)


def test_another_market_is_read_by_equal_close_times() -> None:
    source = bars(M1, {1: 1.0, 2: 2.0, 4: 4.0})
    assert np.array_equal(seen(source, [1, 2, 3, 4]), [1, 2, NAN, 4], equal_nan=True)
    assert np.array_equal(seen(source, [0, 2, 4, 5]), [NAN, 2, 4, NAN], equal_nan=True)


def test_a_week_closes_on_monday() -> None:
    monday = 4 * DAY_MS
    week = Candles(Timeframe.W1, np.array([monday], dtype=np.int64), *(np.array([7.0]) for _ in range(6)))
    closes = np.array([monday + 7 * DAY_MS - 1, monday + 7 * DAY_MS, monday + 14 * DAY_MS], dtype=np.int64)
    assert np.array_equal(visible(week.close, week, closes), [NAN, 7, NAN], equal_nan=True)


def test_funding_is_the_last_settled_rate_for_at_most_a_day() -> None:
    rates = FundingRates(np.array([8, 16], dtype=np.int64) * HOUR_MS, np.array([0.1, 0.2]))
    closes = np.array([7, 8, 9, 15, 16, 40, 41], dtype=np.int64) * HOUR_MS
    found = funding_at(rates, closes)
    assert np.array_equal(found, [NAN, 0.1, 0.1, 0.1, 0.2, 0.2, NAN], equal_nan=True)


# In a strategy ----------------------------------------------------------------------------------------------


def above(made: StrategyBuilder, a: str, b: str | float) -> StrategyBuilder:
    return made.signal("up", "compare", a=a, op=">", b=b, supports="long").entry("any", ["up"])


def longs(decisions: Decisions) -> list[int]:
    return np.flatnonzero(decisions.side > 0).tolist()


def test_a_strategy_reads_a_higher_timeframe_from_its_close_on() -> None:
    minutes = bars(M1, dict.fromkeys(range(1, 31), 10.0))
    fives = bars(M5, {5: 1.0, 10: 1.0, 15: 9.0, 20: 1.0, 25: 1.0, 30: 1.0})
    spec = above(builder().indicator("slow", "sma", length=2, timeframe="5m"), "slow", 4.0).build()
    decisions = decide(
        spec, REGISTRY, HeldMarket("BTCUSDT", {("BTCUSDT", M1): minutes, ("BTCUSDT", M5): fives})
    )
    # Means of two: 1 at minute 10, 5 at 15 and 20. A bar's number is one less than the minute at which it closes.
    assert longs(decisions) == list(range(14, 24))
    assert decisions.warm_up == 9  # two bars of 5m close with the tenth bar


def test_history_of_the_higher_timeframe_shortens_the_warm_up() -> None:
    minutes = bars(M1, dict.fromkeys(range(101, 121), 10.0))
    fives = bars(M5, dict.fromkeys(range(5, 125, 5), 9.0))
    spec = above(builder().indicator("slow", "sma", length=20, timeframe="5m"), "slow", 4.0).build()
    decisions = decide(
        spec, REGISTRY, HeldMarket("BTCUSDT", {("BTCUSDT", M1): minutes, ("BTCUSDT", M5): fives})
    )
    assert decisions.warm_up == 0
    assert longs(decisions) == list(range(20))


def test_an_indicator_may_read_one_of_a_higher_timeframe() -> None:
    minutes = bars(M1, dict.fromkeys(range(1, 13), 10.0))
    fives = bars(M5, {5: 1.0, 10: 4.0})
    made = builder().indicator("slow", "sma", length=1 + 1, timeframe="5m", source="hl2")
    made.indicator("mean", "sma", length=2, source="slow")
    spec = above(made, "mean", 0).build()
    decisions = decide(
        spec, REGISTRY, HeldMarket("BTCUSDT", {("BTCUSDT", M1): minutes, ("BTCUSDT", M5): fives})
    )
    assert decisions.warm_up == 10
    assert longs(decisions) == [10, 11]


def test_another_market_decides_and_where_it_has_no_bar_nothing_does() -> None:
    own = bars(M1, dict.fromkeys(range(1, 7), 10.0))
    other = bars(M1, {1: 1.0, 2: 1.0, 3: 1.0, 5: 1.0, 6: 1.0})
    spec = above(builder().indicator("btc", "sma", length=2, symbol="ETHUSDT"), "btc", 0).build()
    decisions = decide(spec, REGISTRY, HeldMarket("BTCUSDT", {("BTCUSDT", M1): own, ("ETHUSDT", M1): other}))
    assert longs(decisions) == [1, 2, 4, 5]


def test_funding_is_a_series() -> None:
    own = bars(M1, dict.fromkeys(range(1, 7), 10.0))
    rates = FundingRates(np.array([2, 5], dtype=np.int64) * MINUTE_MS, np.array([0.001, -0.001]))
    spec = above(builder(), "funding", 0).build()
    market = HeldMarket("BTCUSDT", {("BTCUSDT", M1): own}, {"BTCUSDT": rates})
    assert longs(decide(spec, REGISTRY, market)) == [1, 2, 3]


def test_bars_alone_are_enough_only_for_a_strategy_that_reads_nothing_else() -> None:
    own = bars(M1, dict.fromkeys(range(1, 7), 10.0))
    higher = above(builder().indicator("slow", "sma", length=2, timeframe="5m"), "slow", 0).build()
    with pytest.raises(
        InputError, match="reads 5m bars of BTCUSDT, but only these bars were handed to it: 1m of"
    ):
        decide(higher, REGISTRY, own)
    with pytest.raises(InputError, match="reads the funding of BTCUSDT, but none was handed to it"):
        decide(above(builder(), "funding", 0).build(), REGISTRY, own)
    itself = above(
        builder().indicator("same", "sma", length=2, symbol="BTCUSDT", timeframe="1m"), "same", 0
    ).build()
    assert longs(decide(itself, REGISTRY, own)) == [1, 2, 3, 4, 5]


def test_the_places_are_written_and_read_back() -> None:
    made = builder().indicator("slow", "sma", length=2, timeframe="4h", symbol="ETHUSDT")
    spec = above(made, "slow", 0).build()
    assert spec.indicators["slow"].timeframe is Timeframe.H4
    assert 'timeframe = "4h"\nsymbol = "ETHUSDT"' in spec.to_toml()
    assert check_strategy(spec.to_toml()).required() == spec


# What is refused ----------------------------------------------------------------------------------------------


def sentences(made: StrategyBuilder, timeframe: str = "15m", category: str = "linear") -> list[str]:
    document = made.document()
    document["strategy"] |= {"timeframe": timeframe, "category": category}
    from tradebot.engine.strategy import check_document

    return [f"{each.path}: {each.sentence}" for each in check_document(document).errors]


def test_bars_that_are_not_made_of_the_strategys_own_are_refused() -> None:
    made = above(builder().indicator("slow", "sma", timeframe="5m"), "slow", 0)
    assert sentences(made) == [
        'indicators.slow.timeframe: must be whole bars of strategy.timeframe, which is "15m", such as "30m", "1h", '
        '"2h", "4h", "6h", "12h", "1d" or "1w", but is "5m"'
    ]


def test_a_source_of_finer_bars_is_refused() -> None:
    made = builder().indicator("fast", "sma").indicator("slow", "sma", timeframe="4h", source="fast")
    assert sentences(above(made, "slow", 0)) == [
        'indicators.slow.source: must not be of finer bars, but "fast" is computed on 15m bars and this on 4h: give '
        'indicators.fast timeframe = "4h", or name a series of the market'
    ]


def test_circles_through_timeframes_and_markets_are_refused() -> None:
    made = builder().indicator("a", "sma", timeframe="4h", source="b")
    made.indicator("b", "sma", timeframe="4h", symbol="ETHUSDT", source="a")
    assert sentences(above(made, "a", 0)) == [
        "indicators.b.source: closes a circle of indicators: a -> b -> a"
    ]


@pytest.mark.parametrize(
    ("symbol", "sentence"),
    [
        (
            "btcusdt",
            'must be one symbol in capital letters and digits, but is the text "btcusdt". Did you mean "BTCUSDT"?',
        ),
        ("BTC*", 'must be one symbol in capital letters and digits, but is the text "BTC*"'),
        (5, 'must be a symbol such as "BTCUSDT", but is 5'),
    ],
)
def test_a_symbol_that_is_none_is_refused(symbol: object, sentence: str) -> None:
    made = above(builder().indicator("a", "sma", symbol=symbol), "a", 0)  # type: ignore[arg-type]  # wrong on purpose
    assert sentences(made) == [f"indicators.a.symbol: {sentence}"]


def test_spot_has_no_funding() -> None:
    made = above(builder(), "funding", 0).risk(direction="long")
    assert sentences(made, category="spot") == ['signals.up.a: must not be "funding" on spot, which has none']


# Nothing looks ahead ------------------------------------------------------------------------------------------

PLACES = [(symbol, timeframe) for symbol in ("BTCUSDT", "ETHUSDT") for timeframe in (M1, M5, M15, H1)]


def built(fine: Candles, timeframe: Timeframe) -> Candles:
    """Complete bars of a higher timeframe; a bar whose fine bars are all missing is missing."""
    if timeframe is fine.timeframe:
        return fine
    bucket = fine.time // timeframe.ms * timeframe.ms
    firsts = np.flatnonzero(np.diff(bucket, prepend=-1))
    lasts = np.append(firsts[1:], len(bucket)) - 1
    whole = Candles(
        timeframe,
        bucket[firsts],
        fine.open[firsts],
        np.maximum.reduceat(fine.high, firsts),
        np.minimum.reduceat(fine.low, firsts),
        fine.close[lasts],
        np.add.reduceat(fine.volume, firsts),
        np.add.reduceat(fine.turnover, firsts),
    )
    return whole.between(None, int(fine.close_time[-1]) // timeframe.ms * timeframe.ms)


def keep(candles: Candles, kept: np.ndarray) -> Candles:
    names = ("open", "high", "low", "close", "volume", "turnover")
    return Candles(candles.timeframe, candles.time[kept], *(getattr(candles, name)[kept] for name in names))


def a_market(seed: int, size: int = 400) -> HeldMarket:
    """Two markets with a few bars missing in each, their higher timeframes and funding every hour."""
    rng = np.random.default_rng(seed)
    held: dict[Place, Candles] = {}
    for number, symbol in enumerate(("BTCUSDT", "ETHUSDT")):
        fine = keep(random_candles(size, 2 * seed + number), rng.random(size) > 0.02)
        held |= {(symbol, timeframe): built(fine, timeframe) for timeframe in (M1, M5, M15, H1)}
    hours = np.arange(0, size // 60 + 1, dtype=np.int64) * HOUR_MS
    rates = {"BTCUSDT": FundingRates(hours, rng.normal(0, 1e-4, len(hours)))}
    return HeldMarket(
        "BTCUSDT", held, rates | {"ETHUSDT": FundingRates(hours, rng.normal(0, 1e-4, len(hours)))}
    )


def cut(market: HeldMarket, instant: int) -> HeldMarket:
    """What is known at an instant: all bars that have closed and all funding that was settled."""
    held = {
        place: candles.slice(0, int(np.searchsorted(candles.close_time, instant, side="right")))
        for place, candles in market.bars.items()
    }
    rates = {
        symbol: FundingRates(each.time[each.time <= instant], each.rate[each.time <= instant])
        for symbol, each in market.rates.items()
    }
    return HeldMarket(market.symbol, held, rates)


@st.composite
def strategies(draw: st.DrawFn) -> StrategySpec:
    """Up to eight indicators on any timeframe and market, each reading the market or an earlier, coarser one."""
    made, coarse = builder(), {M1: 0, M5: 1, M15: 2, H1: 3}
    named: dict[str, Timeframe] = {}
    for number in range(draw(st.integers(1, 8))):
        timeframe = draw(st.sampled_from((M1, M5, M15, H1)))
        sources = ["close", "hl2", "volume", "funding"]
        sources += [name for name, each in named.items() if coarse[each] >= coarse[timeframe]]
        place = {"timeframe": timeframe.value, "symbol": draw(st.sampled_from(("BTCUSDT", "ETHUSDT")))}
        use, source = draw(st.sampled_from(("sma", "ema", "rsi"))), draw(st.sampled_from(sources))
        made.indicator(f"i{number}", use, length=draw(st.integers(2, 4)), source=source, **place)
        named[f"i{number}"] = timeframe
    series = st.sampled_from([*named, "close", "funding"])
    for number in range(draw(st.integers(1, 4))):
        use = draw(st.sampled_from(("cross", "compare")))
        made.signal(
            f"s{number}", use, a=draw(st.sampled_from(list(named))), b=draw(series), supports="direction"
        )
    names = [f"s{each}" for each in range(number + 1)]
    made.stop_loss("atr", length=draw(st.integers(1, 5)), multiple=2.0)
    made.take_profit("series", series=draw(st.sampled_from([*named, "hl2"])))
    made.sizing("volatility", target_percent=20, length=draw(st.integers(2, 5)))
    return made.entry(draw(st.sampled_from(("any", "majority"))), names).exit("any", names).build()


def assert_blind(spec: StrategySpec, registry: Registry, market: HeldMarket, instants: Int64) -> None:
    """What was decided with everything known is what was decided when the future was not known yet."""
    whole = decide(spec, registry, market)
    for instant in instants.tolist():
        known = cut(market, instant)
        size = len(known.candles("BTCUSDT", M1))
        part = decide(spec, registry, known)
        assert np.array_equal(part.side, whole.side[:size]), f"decisions differ at {instant}"
        assert np.array_equal(part.exit_long, whole.exit_long[:size])
        assert np.array_equal(part.exit_short, whole.exit_short[:size])
        assert part.levels.keys() == whole.levels.keys()
        for key, column in part.levels.items():
            assert np.array_equal(column, whole.levels[key][:size], equal_nan=True), key


@given(spec=strategies(), seed=st.integers(0, 1000), data=st.data())
@settings(max_examples=40, deadline=None)
def test_decisions_do_not_change_when_the_future_becomes_known(
    spec: StrategySpec, seed: int, data: st.DataObject
) -> None:
    market = a_market(seed)
    closes = market.candles("BTCUSDT", M1).close_time
    at = data.draw(st.lists(st.integers(1, len(closes) - 1), min_size=3, max_size=3))
    assert_blind(spec, REGISTRY, market, closes[at])


@pytest.mark.parametrize("timeframe", ["1m", "5m"])
def test_a_leak_is_noticed(timeframe: str) -> None:
    """An indicator that reads the next bar, and one that scales by all there is, do not pass the test above."""

    @indicator("tomorrow", "Tomorrow", "Reads the next bar.", parameters=(), inputs=("close",))
    def tomorrow(close: Float64) -> Float64:
        return np.append(close[1:], close[-1])

    @indicator("scaled", "Scaled", "Reads the mean of all bars.", parameters=(), inputs=("close",))
    def scaled(close: Float64) -> Float64:
        return close / close.mean() * 100.0

    for leak, level in ((tomorrow, "close"), (scaled, 100.0)):
        registry = builtin_registry()
        registry.add(leak)
        spec = above(builder().indicator("it", leak.name, timeframe=timeframe), "it", level).build(registry)
        market = a_market(3)
        with pytest.raises(AssertionError, match="decisions differ"):
            assert_blind(spec, registry, market, market.candles("BTCUSDT", M1).close_time[50::7])


def test_a_higher_bar_read_before_its_close_is_noticed() -> None:
    """A market that hands out each higher bar when it opens: the leak of a join by open times."""
    market = a_market(5)
    early = dict(market.bars)
    hours = early["BTCUSDT", M15]
    shifted = Candles(
        M15,
        hours.time - M15.ms + M1.ms,
        hours.open,
        hours.high,
        hours.low,
        hours.close,
        hours.volume,
        hours.turnover,
    )
    spec = above(builder().indicator("it", "sma", length=2, timeframe="15m"), "close", "it").build()
    whole = decide(spec, REGISTRY, HeldMarket("BTCUSDT", {**early, ("BTCUSDT", M15): shifted}))
    assert not np.array_equal(whole.side, decide(spec, REGISTRY, market).side)
