# Sentences stand whole, so that they can be searched for.
# ruff: noqa: E501
"""What every kind of signal declares, the values it refuses, and moments in which its meaning shows."""

from __future__ import annotations

import dataclasses
import random

import numpy as np
import pytest

from tests.engine.strategy.helpers import NAN, REGISTRY, builder, candles, random_candles
from tests.engine.strategy.signal_cases import rough_market, shown, supported, valid_values
from tradebot.engine.market import Candles, Timeframe
from tradebot.engine.strategy import (
    ParameterKind,
    StrategyError,
    StrategySpec,
    decide,
    describe,
    parse_strategy,
)
from tradebot.engine.strategy.market_data import FundingRates, HeldMarket

every_kind = pytest.mark.parametrize("name", list(REGISTRY.signals))


def sides(market: Candles, use: str, **values: object) -> str:
    """L, S, B or - for each bar."""
    spec = shown(builder().signal("it", use, **values), "it")
    return "".join("-LSB"[long + 2 * short] for long, short in supported(spec, market))


def bars(*rows: tuple[float, float, float, float]) -> Candles:
    """Minute bars from (open, high, low, close)."""
    open_, high, low, close = (np.array(column, dtype=np.float64) for column in zip(*rows, strict=True))
    time = np.arange(len(rows), dtype=np.int64) * 60_000
    return Candles(Timeframe.M1, time, open_, high, low, close, close.copy(), close * close)


# Declarations ----------------------------------------------------------------------------------------------


@every_kind
def test_a_kind_is_declared_with_all_that_a_person_reads(name: str) -> None:
    declaration = REGISTRY.signals[name]
    assert declaration.label[0].isupper()
    assert declaration.help.endswith(".") and "\n" not in declaration.help and len(declaration.help) <= 125
    assert declaration.supports in ("direction", "both", "long", "short", "member")
    assert declaration.words is not None
    assert declaration.compute.__doc__
    for parameter in declaration.parameters:
        assert parameter.help.endswith("."), parameter.name
        if parameter.kind is ParameterKind.INTEGER:
            assert parameter.low is not None and parameter.high is not None, parameter.name


@every_kind
def test_a_kind_is_read_back_in_words_and_written_back_whole(name: str) -> None:
    declaration = REGISTRY.signals[name]
    for seed in range(5):
        made = builder().signal("way", "cross", a="close", b="open").signal("state", "inside_bar")
        values = valid_values(declaration, random.Random(seed), ("way", "state"))
        spec = shown(made.signal("it", name, **values), "it")
        sentence = describe(spec)
        assert "None" not in sentence and "{" not in sentence
        assert "no side" not in sentence or spec.signals["it"].supports == "both"
        assert parse_strategy(spec.to_toml()) == spec


@pytest.mark.parametrize(
    ("use", "values", "sentence"),
    [
        ("threshold", {"source": "close", "lower": 5, "upper_release": 3}, "signals.it.upper_release: belongs to upper, which is not given"),
        ("threshold", {"source": "close", "lower": 5, "lower_release": 4}, "signals.it.lower_release: must not be below lower, which is 5, but is 4"),
        ("threshold", {"source": "close", "lower": 5, "upper": 9, "lower_release": 10}, "signals.it.lower_release: must not be above upper, which is 9, but is 10"),
        ("threshold", {"source": "close", "lower": 5, "upper": 9, "upper_release": 4}, "signals.it.upper_release: must not be below lower, which is 5, but is 4"),
        ("between", {"source": "close", "lower": 7, "upper": 7}, "signals.it.lower: must be below upper, which is 7, but is 7"),
        ("outside", {"source": "close", "lower": 8, "upper": 7}, "signals.it.lower: must be below upper, which is 7, but is 8"),
        ("distance", {"a": 1, "b": 2}, "signals.it.a: must be a series where b is a number: two numbers never change"),
        ("aligned", {"fast": 3, "middle": 2, "slow": 1}, "signals.it.fast: must be a series where the others are numbers: numbers never change"),
        ("funding", {"below": 0.1, "above": 0.05}, "signals.it.below: must not exceed above, which is 0.05, but is 0.1"),
        ("pullback", {"line": "close", "trend": "close"}, 'signals.it.trend: must be another series than line, which is "close" too'),
        ("band_touch", {"upper": "high", "lower": "high"}, 'signals.it.upper: must be another series than lower, which is "high" too'),
        ("time_of_day", {"start": "8", "end": "25:00"}, 'signals.it.start: must be a time such as "08:30", but is the text "8"'),
        ("time_of_day", {"start": "08:00", "end": "25:00"}, 'signals.it.end: must be a time such as "08:30", but is the text "25:00"'),
        ("time_of_day", {"start": "08:00", "end": "08:00"}, "signals.it.end: must be another time than start, which is 08:00 too"),
        ("time_of_day", {"start": "00:00", "end": "24:00"}, "signals.it.end: must be another time than start, which is 00:00 too"),
        ("day_of_week", {"days": "monday"}, 'signals.it.days: must be days such as "mon-fri" or "mon, wed, sat", but is the text "monday"'),
        ("day_of_week", {"days": "mon-sun"}, "signals.it.days: must leave out at least one day: with all seven it is always true"),
        ("every", {"minutes": 60, "offset": 60}, "signals.it.offset: must be below minutes, which is 60, but is 60"),
        ("rising", {"source": "close", "bars": 0}, "signals.it.bars: must be a whole number from 1 to 100000, but is 0"),
        ("swing", {"left": 2000}, "signals.it.left: must be a whole number from 1 to 1000, but is 2000"),
    ],
)  # fmt: skip
def test_values_that_contradict_each_other_are_refused(
    use: str, values: dict[str, object], sentence: str
) -> None:
    with pytest.raises(StrategyError) as refused:
        builder().signal("it", use, **values).entry("any", ["it"]).build()
    assert sentence in [problem.render("").removeprefix(": ") for problem in refused.value.problems]


# Meanings --------------------------------------------------------------------------------------------------


def test_a_breakout_leaves_this_bar_out_of_its_range() -> None:
    market = bars((5, 6, 4, 5), (5, 7, 3, 5), (5, 9, 5, 7), (7, 9, 7, 8), (8, 8, 1, 2))
    # The third bar's own high of 9 is no part of the range 3..7 that its close of 7 does not pass.
    assert sides(market, "breakout", bars=2) == "----S"
    assert sides(market, "breakout", bars=2, source="high") == "--LL-"[:2] + "L--"


def test_a_divergence_is_known_only_when_its_second_pivot_is_confirmed() -> None:
    """Lows of 5 (bar 2) and 4 (bar 6) while the volume rises: known two bars after the second, never earlier."""
    low = [9.0, 7, 5, 7, 8, 6, 4, 6, 8, 9, 9]
    oscillator = [0.0, 0, 10, 0, 0, 0, 20, 0, 0, 0, 0]
    market = dataclasses.replace(candles(low, oscillator), high=np.array(low) + 0.5)
    values = {"source": "volume", "left": 1, "right": 2, "bars": 4}
    assert sides(market, "divergence", **values) == "-" * 8 + "L--"
    assert sides(market, "divergence", **{**values, "bars": 3}) == "-" * 11
    assert sides(market, "divergence", **values, kind="hidden") == "-" * 11
    for end in range(11):
        assert sides(market.slice(0, end), "divergence", **values) == ("-" * 8 + "L--")[:end]


def test_higher_highs_and_lows_need_two_pivots_of_each_since_a_missing_value() -> None:
    """Swing lows 2, 3, 4, 5 at bars 2, 4, ... and swing highs between them, each known a bar later."""
    low = np.array([3.0, 5, 2, 6, 3, 7, 4, 8, 5, 9, 6])
    market = dataclasses.replace(candles(low.tolist()), high=low + 1.0, low=low)
    # Lows 2 and 3 are known at bar 5, highs 6 and 7 at bar 4 (from bars 1 and 3).
    assert sides(market, "structure", left=1, right=1) == "-----LLLLLL"
    holed = low.copy()
    holed[6] = NAN
    market = dataclasses.replace(market, high=holed + 1.0, low=holed)
    # After bar 6 only one low (bar 8) and one high (bar 9) follow: nothing stands on those before it.
    assert sides(market, "structure", left=1, right=1) == "-----L-----"


def test_a_trend_stands_while_a_coarser_series_stands_still() -> None:
    steps = [1, 1, 2, 2, 2, 2, 1, 1, NAN, 1, 3, 3]
    assert sides(candles(steps), "trend", source="close") == "--LLLLSS--LL"
    assert sides(candles(steps), "rising", source="close", bars=1) == "--L---S---L-"


def test_a_pullback_touches_the_line_and_closes_beyond_it_again() -> None:
    """The line stands at 5 above a trend of 3: a low of 5 touches it, a close of 5 has not left it."""
    market = bars((8, 9, 6, 8), (8, 9, 5, 6), (6, 7, 4, 6), (6, 7, 4, 5), (5, 6, 4, 4))
    market = dataclasses.replace(market, volume=np.full(5, 5.0), turnover=np.full(5, 3.0))
    assert sides(market, "pullback", line="volume", trend="turnover", bars=2) == "-LL--"
    # The other way round the line stands below the trend: a high of 3 would touch it, and these stay above.
    assert sides(market, "pullback", line="turnover", trend="volume", bars=2) == "-----"
    below = dataclasses.replace(market, open=-market.open, high=-market.low, low=-market.high, close=-market.close,
                                volume=-market.volume, turnover=-market.turnover)  # fmt: skip
    assert sides(below, "pullback", line="volume", trend="turnover", bars=2) == "-SS--"


def test_touch_break_and_return_are_three_different_bars() -> None:
    """One dip below the lower band of 5, with the upper band out of reach."""
    market = bars((8, 9, 7, 8), (8, 8, 5, 6), (6, 6, 3, 4), (4, 7, 4, 6), (6, 8, 6, 7))
    market = dataclasses.replace(market, volume=np.full(5, 5.0), turnover=np.full(5, 50.0))
    bands = {"lower": "volume", "upper": "turnover"}
    assert sides(market, "band_touch", **bands) == "-LLL-"
    assert sides(market, "band_break", **bands) == "--S--"
    assert sides(market, "band_return", **bands) == "---L-"
    missing = market.turnover.copy()
    missing[2] = NAN  # one band of the bar before is enough to know nothing
    assert sides(dataclasses.replace(market, turnover=missing), "band_return", **bands) == "-----"


def test_a_spike_is_measured_against_the_bars_before_it() -> None:
    market = candles([1] * 5, [10, 10, 21, 10, 10])
    assert sides(market, "volume_spike", bars=2, multiple=2.0) == "--B--"


@pytest.mark.parametrize(
    ("values", "first", "last"),
    [
        ({"start": "08:00", "end": "16:00"}, 8 * 60, 16 * 60 - 1),
        ({"start": "08:00", "end": "16:00", "at": "open"}, 8 * 60 + 1, 16 * 60),
        ({"start": "22:00", "end": "24:00"}, 22 * 60, 24 * 60 - 1),
    ],
)
def test_a_bar_belongs_to_the_time_of_its_close_unless_said_otherwise(
    values: dict[str, str], first: int, last: int
) -> None:
    """Minute bars of one day; the bar k opens at minute k and closes, when it is decided, at minute k + 1."""
    said = sides(candles([1.0] * 1440), "time_of_day", **values)
    inside = [k + 1 for k, side in enumerate(said) if side == "B"]
    assert inside == list(range(first, last + 1))


def test_hours_over_midnight() -> None:
    said = sides(candles([1.0] * 2880), "time_of_day", start="23:00", end="01:00", at="open")
    assert said == ("B" * 60 + "-" * 22 * 60 + "B" * 60) * 2
    assert said == sides(
        candles([1.0] * 2880), "time_of_day", start="01:00", end="23:00", at="open", invert=True
    )


def test_days_begin_at_midnight_and_may_wrap_around_the_week() -> None:
    """1970-01-01 was a Thursday."""
    market = dataclasses.replace(
        random_candles(14), timeframe=Timeframe.D1, time=np.arange(14, dtype=np.int64) * 86_400_000
    )
    assert sides(market, "day_of_week", days="sat-mon", at="open") == "--BBB----BBB--"
    assert sides(market, "day_of_week", days="thu", at="open") == "B------B------"
    assert (
        sides(market, "day_of_week", days="thu") == "------B------B"
    )  # Wednesday's bar is decided at its end


def test_an_impossible_window_says_nothing() -> None:
    """Look-backs as long as the history and longer."""
    market = rough_market(1, 20, missing=0.0)
    for length in (19, 20, 21, 1000):
        for use in ("breakout", "new_high", "narrow_range", "volume_spike", "wide_bar", "consecutive"):
            said = sides(market, use, bars=length)
            assert len(said) == 20
            assert set(said[:19]) == {"-"}


# Other timeframes, other markets, funding ------------------------------------------------------------------


def minutes_to(end: int, timeframe: Timeframe, closes: list[float]) -> Candles:
    """The last bars before minute `end`, all prices equal."""
    price = np.array(closes, dtype=np.float64)
    last = end * 60_000 // timeframe.ms
    time = (last - len(closes) + np.arange(len(closes), dtype=np.int64)) * timeframe.ms
    return Candles(timeframe, time, *(price.copy() for _ in range(6)))


def read(spec: StrategySpec, market: HeldMarket) -> str:
    decisions = decide(spec, REGISTRY, market)
    pairs = zip(decisions.exit_short, decisions.exit_long, strict=True)
    return "".join("-LSB"[long + 2 * short] for long, short in pairs)


def test_the_trend_of_a_higher_timeframe_is_read_at_every_finer_close() -> None:
    """5m closes of 1, 1, 3, 3, 3, 1 make means of 1, 2, 3, 3, 2 that are visible from minutes 10, 15, 20, 25, 30 on."""
    made = builder().indicator("slow", "sma", length=2, timeframe="5m").signal("it", "trend", source="slow")
    bars_ = {
        ("BTCUSDT", Timeframe.M1): minutes_to(32, Timeframe.M1, [1.0] * 22),
        ("BTCUSDT", Timeframe.M5): minutes_to(30, Timeframe.M5, [1, 1, 3, 3, 3, 1]),
    }
    # Closes of minutes 11 to 32: the first rise is seen at 15, the fall at 30.
    assert read(shown(made, "it"), HeldMarket("BTCUSDT", bars_)) == "----" + "L" * 15 + "SSS"


def test_strength_against_another_market() -> None:
    made = builder().indicator("other", "sma", length=2, symbol="ETHUSDT")
    made.signal("it", "relative_strength", a="close", b="other", bars=1)
    bars_ = {
        ("BTCUSDT", Timeframe.M1): minutes_to(6, Timeframe.M1, [10, 10, 11, 11, 11, 9]),
        ("ETHUSDT", Timeframe.M1): minutes_to(6, Timeframe.M1, [5, 5, 5, 6, 5, 5]),
    }
    # The other's mean: none, 5, 5, 5.5, 5.5, 5.
    assert read(shown(made, "it"), HeldMarket("BTCUSDT", bars_)) == "--LS-S"


def test_funding_that_is_paid_by_shorts_supports_long() -> None:
    made = builder().signal("it", "funding", below=0.0, above=0.05)
    bars_ = {("BTCUSDT", Timeframe.M1): minutes_to(7, Timeframe.M1, [1.0] * 7)}
    rates = FundingRates(
        np.array([2, 4, 5, 6], dtype=np.int64) * 60_000, np.array([-0.0001, 0.0, 0.0006, 0.0005])
    )
    market = HeldMarket("BTCUSDT", bars_, {"BTCUSDT": rates})
    assert read(shown(made, "it"), market) == "-LL-S--"
