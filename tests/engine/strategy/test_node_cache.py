"""Columns of nodes shared between runs: what is shared, what is not, and the budget."""

from __future__ import annotations

import numpy as np

from tests.engine.strategy.helpers import REGISTRY, builder, random_candles
from tradebot.engine.market import Candles, Timeframe
from tradebot.engine.strategy import StrategySpec, decide
from tradebot.engine.strategy.market_data import HeldMarket
from tradebot.engine.strategy.node_cache import NodeCache


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
