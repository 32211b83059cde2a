"""Every kind of signal against a plain reference, and what holds for all of them: no later bar, no hidden start."""

from __future__ import annotations

import dataclasses
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.engine.strategy.helpers import REGISTRY, builder
from tests.engine.strategy.signal_cases import (
    OVER_MEMBERS,
    PLAIN,
    lists,
    rough_market,
    shown,
    supported,
    valid_values,
)
from tests.support.reference_kinds import RULES, STATEFUL, readings
from tests.support.reference_members import MEMBER_RULES, on_side
from tests.support.reference_signals import sides_of
from tradebot.engine.market import Candles
from tradebot.engine.strategy import ParameterKind, StrategySpec, decide

ALL = (*PLAIN, *OVER_MEMBERS)
SUPPORTS = ("direction", "both", "long", "short")


def spec_of(name: str, rng: random.Random, **common: object) -> StrategySpec:
    """A strategy of one signal with valid values; a rule over members gets members of all natures."""
    declaration = REGISTRY.signals[name]
    made = builder()
    members = ("way", "state", "up", "pair")
    if declaration.member_parameters:
        made.signal("way", "compare", a="close", op=">", b=3, supports="direction")
        made.signal("state", "compare", a="volume", op=">", b=3)
        made.signal("up", "rising", source="close", bars=2, supports="long")
        made.group("pair", "any", ["way", "up"])
    made.signal("it", name, **valid_values(declaration, rng, members), **common)
    return shown(made, "it")


def test_every_kind_has_a_plain_reference() -> None:
    assert set(PLAIN) == {*RULES, *STATEFUL}
    assert set(OVER_MEMBERS) == set(MEMBER_RULES)
    assert len(ALL) >= 25


@pytest.mark.parametrize("name", PLAIN)
@given(seed=st.integers(0, 10_000), supports=st.sampled_from(SUPPORTS), invert=st.booleans())
@settings(max_examples=25, deadline=None)
def test_a_kind_says_what_its_plain_reference_says(name: str, seed: int, supports: str, invert: bool) -> None:
    rng = random.Random(seed)
    if name == "threshold" and supports != "direction":
        supports = "direction"  # alone it may be without a lower level
    candles = rough_market(seed, rng.choice((0, 1, 3, 40, 90)), missing=rng.choice((0.0, 0.03)))
    spec = spec_of(name, rng, supports=supports, invert=invert)
    values = spec.signals["it"].parameters
    said = readings(name, lists(candles), values)
    expected = [sides_of(reading, supports, invert) for reading in said]
    before = decide(spec, REGISTRY, candles).warm_up
    got = supported(spec, candles)
    if supports == "both" and invert:
        # A negation needs all that the kind looks at, also where the truth would not.
        known = known_bars(spec, candles)
        expected = [pair if here else (False, False) for pair, here in zip(expected, known, strict=True)]
    assert got == [(False, False)] * before + expected[before:]


def known_bars(spec: StrategySpec, candles: Candles) -> list[bool]:
    """Where every column that the signal reads has values on the bars it looks back to."""
    signal = spec.signals["it"]
    declaration = REGISTRY.signals[signal.use]
    columns = lists(candles)
    parameters = [each.name for each in declaration.parameters if each.kind is ParameterKind.SERIES]
    series = [value for each in parameters if isinstance(value := signal.parameters[each], str)]
    bars_before = declaration.bars_before(signal.parameters)
    return [
        i >= bars_before
        and all(
            columns[name][k] is not None
            for name in (*declaration.inputs, *series)
            for k in range(i - bars_before, i + 1)
        )
        for i in range(len(candles))
    ]


@pytest.mark.parametrize("name", PLAIN)
def test_a_kind_holds_and_its_opposite_holds_somewhere(name: str) -> None:
    """So that the comparison above compares something."""
    seen = set()
    for seed in range(60):
        said = readings(
            name,
            lists(rough_market(seed, 120, missing=0.0)),
            spec_of(name, random.Random(seed)).signals["it"].parameters,
        )
        seen |= {reading for reading in said if reading is not None}
    assert {(True, False), (False, True), (False, False)} <= seen or name in (
        "time_of_day",
        "session",
        "every",
        "day_of_week",
    )
    assert (True, True) not in seen


@pytest.mark.parametrize("name", OVER_MEMBERS)
@given(seed=st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_a_rule_over_members_says_what_its_plain_reference_says(name: str, seed: int) -> None:
    rng = random.Random(seed)
    candles = rough_market(seed, rng.choice((0, 1, 3, 60)), missing=rng.choice((0.0, 0.05)))
    declaration = REGISTRY.signals[name]
    columns = lists(candles)
    made = builder()
    votes: dict[str, list[tuple[bool, bool]]] = {}
    known: dict[str, list[bool]] = {}
    for member, source in (("one", "close"), ("two", "volume"), ("three", "open")):
        made.signal(member, "compare", a=source, op=">", b=3, supports="direction")
        votes[member] = [(x is not None and x > 3, x is not None and x < 3) for x in columns[source]]
        known[member] = [x is not None for x in columns[source]]
    values = valid_values(declaration, rng, tuple(votes))
    spec = shown(made.signal("it", name, **values), "it")
    names = [each for key in ("signal", "first", "then") if (each := values.get(key))] or values["signals"]
    long, short = (
        on_side(
            name,
            [[vote[side] for vote in votes[each]] for each in names],
            [known[each] for each in names],
            values,
        )
        for side in (0, 1)
    )
    before = decide(spec, REGISTRY, candles).warm_up
    expected = list(zip(long, short, strict=True))
    assert supported(spec, candles) == [(False, False)] * before + expected[before:]


# What holds for all ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("seed", range(4))
def test_cutting_the_history_anywhere_changes_no_bar_before_the_cut(name: str, seed: int) -> None:
    """Nothing looks at a later bar; and a stream that adds one bar at a time says what the whole history says."""
    rng = random.Random(seed)
    candles = rough_market(seed, 160, missing=0.01 * (seed % 2))
    spec = spec_of(name, rng, invert=bool(seed % 3 == 2))
    whole = supported(spec, candles)
    for end in sorted({rng.randrange(160) for _ in range(12)} | {159}):
        assert supported(spec, candles.slice(0, end)) == whole[:end]


@pytest.mark.parametrize("name", ALL)
def test_a_later_bar_changes_nothing_however_wild_it_is(name: str) -> None:
    for seed in range(3):
        candles = rough_market(seed, 120)
        spec = spec_of(name, random.Random(seed))
        wild = {
            column: np.concatenate((getattr(candles, column)[:-1], [wildest]))
            for column, wildest in (("high", 1e12), ("low", -1e12), ("close", 1e12), ("volume", 1e12))
        }
        assert supported(spec, dataclasses.replace(candles, **wild))[:-1] == supported(spec, candles)[:-1]


@pytest.mark.parametrize("name", [name for name in ALL if not REGISTRY.signals[name].recursive])
def test_what_a_kind_says_depends_on_no_bar_before_its_look_back(name: str) -> None:
    for seed in range(4):
        candles = rough_market(seed, 120, missing=0.02)
        spec = spec_of(name, random.Random(seed))
        before = decide(spec, REGISTRY, candles).warm_up
        whole = supported(spec, candles)
        for start in (1, 17, 64):
            assert supported(spec, candles.slice(start, 120))[before:] == whole[start + before :]


@pytest.mark.parametrize("name", ALL)
def test_a_series_without_values_supports_nothing(name: str) -> None:
    for seed in range(4):
        candles = rough_market(seed, 40)
        nothing = {
            each: np.full(40, np.nan) for each in ("open", "high", "low", "close", "volume", "turnover")
        }
        for invert in (False, True):
            spec = spec_of(name, random.Random(seed), invert=invert)
            if {"time", "close_time"} & set(REGISTRY.signals[name].inputs):
                continue
            assert not any(any(pair) for pair in supported(spec, dataclasses.replace(candles, **nothing)))


@pytest.mark.parametrize("name", PLAIN)
def test_a_market_that_stands_still_supports_no_direction(name: str) -> None:
    """Equal values support neither; only touching a band, a dip and the clock can hold where nothing moves."""
    if name in (
        "band_touch",
        "dip",
        "rally",
        "time_of_day",
        "session",
        "day_of_week",
        "every",
        "candlestick",
    ):
        return
    still = np.full(80, 3.7)
    candles = rough_market(1, 80, missing=0.0)
    candles = dataclasses.replace(
        candles, open=still, high=still, low=still, close=still, volume=still, turnover=still
    )
    for seed in range(6):
        spec = spec_of(name, random.Random(seed), supports="direction")
        if any(isinstance(value, float) for value in spec.signals["it"].parameters.values()):
            continue  # against a number a still market stands above or below
        assert not any(any(pair) for pair in supported(spec, candles)), spec.signals["it"]
