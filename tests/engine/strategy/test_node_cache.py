"""Columns of nodes shared between runs: what is shared, what is not, and the budget."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pytest

from tests.engine.strategy.helpers import REGISTRY, builder, random_candles
from tradebot.engine.market import Candles, Timeframe
from tradebot.engine.strategy import IndicatorDeclaration, StrategySpec, compute, decide, nodes
from tradebot.engine.strategy.market_data import HeldMarket, one_market
from tradebot.engine.strategy.members import Members
from tradebot.engine.strategy.node_cache import NodeCache
from tradebot.engine.strategy.nodes import SeriesNodes, compute_indicator


def market(seed: int = 1) -> HeldMarket:
    return HeldMarket("BTCUSDT", {("BTCUSDT", Timeframe.M1): random_candles(500, seed)})


def strategy(fast: int = 5, slow: int = 20) -> StrategySpec:
    made = builder().indicator("fast", "ema", length=fast).indicator("slow", "ema", length=slow)
    return made.signal("turn", "cross", a="fast", b="slow").entry("any", ["turn"]).build()


def test_a_variation_computes_only_what_it_changes() -> None:
    cache = NodeCache(10_000_000)
    decide(strategy(), REGISTRY, market(), cache)
    assert (cache.state.hits, cache.state.misses) == (0, 3)
    varied = decide(strategy(fast=6), REGISTRY, market(), cache)
    assert (cache.state.hits, cache.state.misses) == (
        1,
        5,
    )  # the slow one is there; fast and the cross are new
    again = decide(strategy(fast=6), REGISTRY, market(), cache)
    assert (cache.state.hits, cache.state.misses) == (4, 5)
    plain = decide(strategy(fast=6), REGISTRY, market())
    for each in (varied, again):
        assert np.array_equal(each.side, plain.side)
        assert each.warm_up == plain.warm_up == 20


def test_other_data_shares_nothing() -> None:
    cache = NodeCache(10_000_000)
    decide(strategy(), REGISTRY, market(1), cache)
    other = decide(strategy(), REGISTRY, market(2), cache)
    assert cache.state.hits == 0
    assert np.array_equal(other.side, decide(strategy(), REGISTRY, market(2)).side)
    longer = market(1).candles("BTCUSDT", Timeframe.M1)
    cut: Candles = longer.slice(0, 499)
    decide(strategy(), REGISTRY, cut, cache)
    assert cache.state.hits == 0


def test_the_budget_holds_and_what_was_not_used_for_longest_goes_first() -> None:
    column = np.zeros(100)
    cache = NodeCache(2 * column.nbytes)

    def get(key: str) -> None:
        cache.get(key, lambda: (column.copy(),))

    get("a"), get("b"), get("a"), get("c")
    assert cache.state.held_bytes == 2 * column.nbytes
    assert cache.state.evicted == 1
    get("a")
    assert (cache.state.hits, cache.state.misses) == (2, 3)
    get("b")
    assert cache.state.misses == 4
    cache.get("too large", lambda: (np.zeros(1000),))
    assert cache.state.nodes == 2
    cache.clear()
    assert (cache.state.nodes, cache.state.held_bytes) == (0, 0)


def test_what_is_shared_cannot_be_written_to() -> None:
    cache = NodeCache(10_000)
    (column,) = cache.get("a", lambda: (np.zeros(3),))
    assert not column.flags.writeable


# What one computation holds at a time ------------------------------------------------------------------------


def many(count: int) -> StrategySpec:
    made = builder()
    for number in range(count):
        made.indicator(f"i{number}", "ema", length=number + 2)
        made.signal(f"s{number}", "cross", a="close", b=f"i{number}")
    return made.entry("majority", [f"s{number}" for number in range(count)]).build()


def peak_bytes(spec: StrategySpec, bars: Candles, cache: NodeCache | None) -> int:
    decide(spec, REGISTRY, bars, cache)  # what is imported on first use does not count
    if cache is not None:
        cache.clear()
    tracemalloc.start()
    try:
        decide(spec, REGISTRY, bars, cache)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("budget", [None, 200_000])
def test_columns_are_let_go_once_their_last_reader_has_them(
    budget: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Forty indicators and signals on 20,000 bars: all their columns at once would be 8 MB."""
    bars, column = random_candles(20_000), 8 * 20_000
    cache = None if budget is None else NodeCache(budget)
    signals = 40 * 2 * 20_000
    monkeypatch.setattr(compute, "keep_freed_pages", lambda: None)  # a block that is never touched
    assert peak_bytes(many(40), bars, cache) < 0.6 * (40 * column + signals)
    if cache is not None and budget is not None:
        assert cache.state.held_bytes <= budget


def test_what_is_asked_for_again_is_there_again() -> None:
    """Readers in any order, several of one indicator, one read by a level, one below a rule that asks twice."""
    made = builder().indicator("base", "ema", length=5).indicator("twin", "ema", length=5)
    made.indicator("over", "sma", source="base", length=3).indicator(
        "bands", "bbands", source="over", length=4
    )
    made.signal("a", "cross", a="close", b="base").signal("b", "cross", a="over", b="twin")
    made.signal("c", "compare", a="close", op=">", b="bands.upper")
    made.signal("d", "not", signal="c").signal("e", "compare", a="bands.lower", op="<", b="base", invert=True)
    made.entry("at_least", ["b", "d", "a", "e"], k=2).exit("any", ["a", "c"])
    made.stop_loss("series", series="bands.lower")
    spec, bars = made.build(), random_candles(400)
    got = decide(spec, REGISTRY, bars, keep_members=True)
    series = SeriesNodes(spec, REGISTRY, one_market(bars, "BTCUSDT", Timeframe.M1), None)
    np.testing.assert_array_equal(got.levels["series:bands.lower"], series.series("bands.lower"))
    members = Members(spec, REGISTRY, series)  # it lets nothing go
    long, short = members.combined(spec.entry.rule)
    expected = long.astype(np.int8) - short.astype(np.int8)
    np.testing.assert_array_equal(got.side[got.warm_up :], expected[got.warm_up :])


def test_an_indicator_is_computed_once_however_many_read_it(monkeypatch: pytest.MonkeyPatch) -> None:
    computed: list[str] = []

    def counting(declaration: IndicatorDeclaration, *arguments: Any) -> Any:
        computed.append(declaration.name)
        return compute_indicator(declaration, *arguments)

    monkeypatch.setattr(nodes, "compute_indicator", counting)
    made = builder().indicator("one", "ema", length=5).indicator("same", "ema", length=5)
    made.indicator("next", "sma", source="one", length=3)
    for number, name in enumerate(("one", "next", "same", "one")):
        made.signal(f"s{number}", "cross", a="close", b=name)
    made.signal("not_", "not", signal="s0").signal("within", "within", signal="s1", bars=3)
    spec = made.entry("any", ["s0", "not_", "s1", "s2", "within", "s3"]).build()
    decide(spec, REGISTRY, random_candles(200))
    assert sorted(computed) == ["ema", "sma"]
