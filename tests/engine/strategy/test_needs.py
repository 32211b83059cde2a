"""What a strategy reads, how far back, and which of its nodes take part."""

from __future__ import annotations

import numpy as np

from tests.engine.strategy.helpers import REGISTRY, builder, random_candles
from tradebot.engine.market import HOUR_MS, Timeframe
from tradebot.engine.strategy import StrategyBuilder, StrategySpec, decide
from tradebot.engine.strategy.needs import data_needs, participants


def several_places() -> StrategySpec:
    made = StrategyBuilder("places", symbols=["BTCUSDT"], timeframe="15m")
    made.indicator("fast", "ema", length=21).indicator("smooth", "sma", source="fast", length=10)
    made.indicator("trend", "ema", length=200, timeframe="4h")
    made.indicator("leader", "rsi", length=14, symbol="ETHUSDT", source="funding")
    made.indicator("unused", "sma", length=5_000)
    made.signal("turn", "cross", a="close", b="smooth")
    made.signal("up", "rising", source="trend", bars=3)
    made.signal("led", "compare", a="leader", op=">", b=50)
    made.signal("paid", "compare", a="funding", op=">", b=0, enabled=False)
    made.signal("recent", "within", signal="turn", bars=6)
    return made.entry("any", ["recent", "up", "led", "paid"]).build()


def test_what_takes_part_is_what_entry_and_exit_lead_to() -> None:
    used = participants(several_places(), REGISTRY)
    assert used.members == ("turn", "up", "led", "recent")
    assert used.indicators == ("fast", "smooth", "trend", "leader")
    assert set(used.series) == {"close", "smooth", "fast", "trend", "leader", "funding"}


def test_each_place_is_needed_as_far_back_as_its_deepest_chain() -> None:
    needs = {(each.symbol, each.timeframe): each for each in data_needs(several_places(), REGISTRY)}
    home = needs["", Timeframe.M15]
    # fast 20, smooth 9 more; the cross looks at one bar before, "within 6" at five more, counted from the bar itself.
    assert (home.look_back, home.deepest) == (20 + 9 + 1 + 5, "signals.recent")
    assert home.paths == ("strategy.timeframe", "indicators.fast", "indicators.smooth")
    trend = needs["", Timeframe.H4]
    assert (trend.look_back, trend.before_ms, trend.paths) == (199, 199 * 4 * HOUR_MS, ("indicators.trend",))
    assert needs["ETHUSDT", Timeframe.M15].paths == ("indicators.leader",)
    assert needs["ETHUSDT", None].paths == ("indicators.leader",)
    assert ("", None) not in needs  # the signal that reads it is switched off


def test_the_look_back_is_the_warm_up_of_the_decisions() -> None:
    made = builder().indicator("fast", "sma", length=7).indicator("twice", "sma", source="fast", length=5)
    made.signal("turn", "cross", a="close", b="twice").signal("late", "delay", signal="turn", bars=3)
    spec = made.entry("any", ["late"]).build()
    assert (
        decide(spec, REGISTRY, random_candles(200)).warm_up == data_needs(spec, REGISTRY)[0].look_back == 14
    )


def test_a_chain_of_thousands_is_no_recursion() -> None:
    made = builder().indicator("i0", "sma", length=2)
    for number in range(1, 1_500):
        made.indicator(f"i{number}", "sma", source=f"i{number - 1}", length=2)
    made.signal("up", "compare", a="close", op=">", b="i1499", supports="long")
    assert data_needs(made.entry("any", ["up"]).build(), REGISTRY)[0].look_back == 1_500


def test_decisions_hand_out_the_columns_of_their_members_where_they_are_asked_for() -> None:
    made = builder().indicator("mean", "sma", length=5)
    made.signal("up", "compare", a="close", op=">", b="mean", supports="direction")
    made.signal("busy", "compare", a="volume", op=">", b=500)
    made.group("pair", "unanimous", ["up", "busy"])
    spec, bars = made.entry("any", ["pair"]).build(), random_candles(100)
    assert decide(spec, REGISTRY, bars).members == {}
    kept = decide(spec, REGISTRY, bars, keep_members=True)
    assert list(kept.members) == ["up", "busy", "pair"] == list(kept.fired)
    for name, (long, short) in kept.members.items():
        assert kept.fired[name] == (np.count_nonzero(long), np.count_nonzero(short))
    np.testing.assert_array_equal(kept.members["pair"][0], kept.members["up"][0] & kept.members["busy"][0])
