"""From signals to decisions: combinations, groups, conflicts, level and edge, exits, warm-up, shared nodes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.engine.strategy.helpers import (
    NAN,
    REGISTRY,
    builder,
    candles,
    random_candles,
    run,
    sides_text,
    voter,
    votes,
)
from tests.support.reference_signals import (
    ReferenceCombination,
    ReferenceIndicator,
    ReferenceSignal,
    ReferenceStrategy,
    reference_decisions,
)
from tradebot.engine.market import Candles, Timeframe
from tradebot.engine.strategy import StrategyBuilder, StrategySpec, decide, indicator
from tradebot.engine.strategy.registry import Registry, builtin_registry

COLUMNS = ("open", "high", "low", "close", "volume")


def ballot(*patterns: str) -> Candles:
    """Candles that carry one voter's votes in each column; price rules do not matter to a strategy."""
    blank = "-" * len(patterns[0])
    given_ = [np.array(votes(pattern)) for pattern in (*patterns, *([blank] * (5 - len(patterns))))]
    time = np.arange(len(blank), dtype=np.int64) * 60_000
    return Candles(Timeframe.M1, time, *given_, given_[0])


def voters(count: int) -> tuple[StrategyBuilder, list[str]]:
    made = builder()
    return made, [voter(made, f"v{number}", COLUMNS[number]) for number in range(count)]


def outcome(spec: StrategySpec, *patterns: str) -> str:
    """What the exit supports: L, S, B or -."""
    decisions = decide(spec, REGISTRY, ballot(*patterns))
    pairs = zip(decisions.exit_short, decisions.exit_long, strict=True)
    return "".join("-LSB"[long + 2 * short] for long, short in pairs)


def combined(count: int, combine: str, **values: object) -> StrategySpec:
    made, names = voters(count)
    return made.entry(combine, names, **values).exit(combine, names, **values).build()


# Each column is one bar: what three members vote, and what becomes of it.
THREE = ("LLLLLLSSB-B", "LLLS--SSBBL", "LS----S-B--")


@pytest.mark.parametrize(
    ("combine", "values", "expected"),
    [
        ("unanimous", {}, "L-----S-B--"),
        ("majority", {}, "LLL---SSB-L"),
        ("any", {}, "LBLBLLSSBBB"),
        ("at_least", {"k": 1}, "LBLBLLSSBBB"),
        ("at_least", {"k": 2}, "LLL---SSB-L"),
        ("at_least", {"k": 3}, "L-----S-B--"),
        ("weighted", {"threshold": 0.6}, "LLL---SSB-L"),
        ("weighted", {"threshold": 0.5, "weights": {"v0": 2.0}}, "LLLLLLSSB-B"),
        ("weighted", {"threshold": 1.0}, "L-----S-B--"),
    ],
)
def test_combinations(combine: str, values: dict[str, object], expected: str) -> None:
    assert outcome(combined(3, combine, **values), *THREE) == expected


def test_more_than_half_of_an_even_number() -> None:
    assert outcome(combined(2, "majority"), "LL-B", "LS-L") == "L--L"
    assert outcome(combined(4, "majority"), "LL", "LL", "L-", "--") == "L-"


def test_abstaining_counts_as_not_supporting() -> None:
    """Two of five support long and nobody is against: that is no majority."""
    assert outcome(combined(5, "majority"), "L", "L", "-", "-", "-") == "-"
    assert outcome(combined(5, "weighted", threshold=0.4), "L", "L", "-", "-", "-") == "L"


def test_weights_that_have_no_exact_float_still_reach_the_threshold() -> None:
    spec = combined(3, "weighted", threshold=0.8, weights={"v0": 0.1, "v1": 0.7, "v2": 0.2})
    assert outcome(spec, "LL", "L-", "--") == "L-"


def test_members_switched_off_do_not_count() -> None:
    made, names = voters(2)
    made.signal("off", "compare", a="close", op=">", b=1e9, enabled=False)
    made.group("off_too", "any", ["off"], enabled=False)
    members = [*names, "off", "off_too"]
    spec = made.entry("unanimous", members).exit("unanimous", members).build()
    assert outcome(spec, "LL", "L-") == "L-"


def test_groups_nest_without_limit() -> None:
    made, names = voters(1)
    made.group("g0", "any", names)
    for level in range(1, 2000):
        made.group(f"g{level}", "any", [f"g{level - 1}"])
    spec = made.entry("any", ["g1999"]).exit("any", ["g1999"]).build()
    assert outcome(spec, "LS-B") == "LS-B"


def test_indicators_chain_without_limit() -> None:
    made = builder().indicator("i0", "sma", length=2)
    for level in range(1, 1500):
        made.indicator(f"i{level}", "sma", length=2, source=f"i{level - 1}")
    spec = made.signal("up", "compare", a="i1499", op=">", b=0).entry("any", ["up"]).build()
    decisions = decide(spec, REGISTRY, random_candles(2000))
    assert decisions.warm_up == 1500
    assert decisions.fired == {"up": (500, 500)}


def test_both_sides_at_once_are_a_conflict_and_no_decision() -> None:
    made, names = voters(1)
    decisions = decide(made.entry("any", names).build(), REGISTRY, ballot("LB-SBL"))
    assert sides_text(decisions) == "L--S-L"
    assert decisions.conflicts == 2


@pytest.mark.parametrize(
    ("votes_", "level", "edge"),
    [
        ("-LLL-LL", "-LLL-LL", "-L---L-"),
        ("LLSSL", "LLSSL", "L-S-L"),
        ("LBL", "L-L", "L-L"),  # a conflict is no decision, so the bar after it is a first one again
        ("BBL", "--L", "--L"),
    ],
)
def test_level_and_edge(votes_: str, level: str, edge: str) -> None:
    for trigger, expected in (("level", level), ("edge", edge)):
        made, names = voters(1)
        spec = made.entry("any", names, trigger=trigger).build()
        assert sides_text(decide(spec, REGISTRY, ballot(votes_))) == expected


def test_what_supports_short_closes_a_long_and_a_condition_closes_either() -> None:
    made, names = voters(2)
    decisions = decide(
        made.entry("any", names[:1]).exit("any", names[1:]).build(), REGISTRY, ballot("----", "LSB-")
    )
    assert decisions.exit_short.tolist() == [True, False, True, False]
    assert decisions.exit_long.tolist() == [False, True, True, False]
    assert decisions.conflicts == 0


def test_without_an_exit_nothing_is_closed_by_signal() -> None:
    made, names = voters(1)
    decisions = decide(made.entry("any", names).build(), REGISTRY, ballot("LSB-"))
    assert not decisions.exit_long.any()
    assert not decisions.exit_short.any()


def test_strength_is_the_share_of_the_weight_that_supports_the_side() -> None:
    spec = combined(3, "weighted", threshold=0.5, weights={"v0": 2.0})
    strength = decide(spec, REGISTRY, ballot("LLL-S", "LL--S", "L---S")).strength
    assert strength.tolist() == pytest.approx([1.0, 0.75, 0.5, 0.0, 1.0])
    spec = combined(2, "any")
    assert decide(spec, REGISTRY, ballot("L-L", "L--")).strength.tolist() == [1.0, 0.0, 0.5]


def test_nothing_is_decided_before_the_look_back_of_all_that_takes_part() -> None:
    """The short average is ready at bar 1, the long one at bar 4: a lone supporter waits for both."""
    spec = (
        builder()
        .indicator("short", "sma", length=2)
        .indicator("long", "sma", length=5)
        .signal("soon", "compare", a="short", op=">", b=0, supports="long")
        .signal("late", "compare", a="long", op=">", b=0, supports="long")
        .entry("any", ["soon", "late"], trigger="edge")
        .build()
    )
    decisions = run(spec, [1.0] * 7)
    assert decisions.warm_up == 4
    assert sides_text(decisions) == "----L--"


def test_look_backs_add_up_along_a_chain() -> None:
    spec = (
        builder()
        .indicator("slow", "sma", length=5)
        .indicator("momentum", "rsi", length=3, source="slow")
        .signal("turn", "cross", a="momentum", b=50)
        .entry("any", ["turn"])
        .build()
    )
    assert decide(spec, REGISTRY, random_candles(50)).warm_up == 4 + 3 + 1


@pytest.mark.parametrize("size", [0, 1, 4, 5, 6])
def test_histories_shorter_than_the_look_back(size: int) -> None:
    spec = (
        builder()
        .indicator("mean", "sma", length=5)
        .signal("up", "compare", a="close", op=">=", b="mean", supports="long")
        .entry("any", ["up"], trigger="edge")
        .exit("any", ["up"])
        .build()
    )
    decisions = run(spec, [1.0] * size)
    assert len(decisions.side) == len(decisions.strength) == len(decisions.exit_long) == size
    assert decisions.warm_up == min(4, size)
    assert np.count_nonzero(decisions.side) == (1 if size > 4 else 0)


def test_a_hole_restarts_what_is_computed_from_it() -> None:
    spec = (
        builder()
        .indicator("mean", "sma", length=2)
        .signal("up", "compare", a="mean", op=">", b=0, supports="long")
        .entry("any", ["up"])
        .build()
    )
    assert sides_text(run(spec, [1, 1, 1, NAN, 1, 1, 1])) == "-LL--LL"


def test_equal_indicators_are_computed_once() -> None:
    calls: list[int] = []

    @indicator("counted", "Counted", "Counts its calls.", parameters=(), inputs=("close",))
    def counted(close: np.ndarray) -> np.ndarray:
        calls.append(len(close))
        return close

    registry: Registry = builtin_registry()
    registry.add(counted)
    spec = (
        builder()
        .indicator("one", "counted")
        .indicator("same", "counted")
        .signal("a", "compare", a="one", op=">", b=1, supports="long")
        .signal("b", "compare", a="same", op=">", b=2, supports="long")
        .entry("any", ["a", "b"])
        .exit("any", ["b"])
        .build(registry)
    )
    decide(spec, registry, candles([1, 2, 3]))
    assert calls == [3]


def test_an_indicator_that_hands_back_its_input_changes_nothing_for_others() -> None:
    @indicator("same", "Same", "The close.", parameters=(), inputs=("close",), look_back=lambda _values: 2)
    def same(close: np.ndarray) -> np.ndarray:
        return close

    registry = builtin_registry()
    registry.add(same)
    bars = candles([1, 2, 3, 4])
    spec = (
        builder()
        .indicator("it", "same")
        .signal("up", "compare", a="it", op=">", b=0, supports="long")
        .entry("any", ["up"])
        .build(registry)
    )
    assert sides_text(decide(spec, registry, bars)) == "--LL"
    assert bars.close.tolist() == [1, 2, 3, 4]


def test_candles_may_be_read_only_and_stay_as_they_are() -> None:
    bars = random_candles(300)
    for name in ("open", "high", "low", "close", "volume", "turnover"):
        getattr(bars, name).flags.writeable = False
    spec = (
        builder()
        .indicator("mean", "ema", length=5, source="ohlc4")
        .indicator("strength", "adx", length=5)
        .signal("up", "compare", a="mean", op=">", b="hl2", supports="direction")
        .signal("strong", "compare", a="strength.plus_di", op=">", b="hlc3", invert=True)
        .entry("unanimous", ["up", "strong"])
        .build()
    )
    assert decide(spec, REGISTRY, bars).side.any()


# Against a plain reference, written by somebody else from the format page -----------------------------------

_SERIES = ("close", "fast", "slow", "momentum")
_OPERANDS = st.one_of(st.sampled_from(_SERIES), st.floats(90, 110).map(lambda value: round(value, 1)))


@st.composite
def _signals(draw: st.DrawFn) -> dict[str, object]:
    use = draw(st.sampled_from(("cross", "compare", "threshold")))
    supports = draw(st.sampled_from(("direction", "both", "long", "short")))
    invert = draw(st.booleans())
    common = {"use": use, "supports": supports, "invert": invert}
    if use == "threshold":
        lower = draw(st.floats(20, 100))
        return {**common, "source": draw(st.sampled_from(_SERIES)), "lower": lower, "upper": lower + 5}
    op = {"op": draw(st.sampled_from((">", ">=", "<", "<=")))} if use == "compare" else {}
    return {**common, "a": draw(st.sampled_from(_SERIES)), **op, "b": draw(_OPERANDS)}


@st.composite
def _rules(draw: st.DrawFn, members: list[str]) -> dict[str, object]:
    chosen = draw(st.lists(st.sampled_from(members), min_size=1, max_size=4, unique=True))
    combine = draw(st.sampled_from(("majority", "weighted", "unanimous", "any", "at_least")))
    rule: dict[str, object] = {"combine": combine, "signals": chosen}
    if combine == "at_least":
        rule["k"] = draw(st.integers(1, len(chosen)))
    if combine == "weighted":
        rule["threshold"] = draw(st.sampled_from((0.25, 0.5, 0.75, 1.0)))
        rule["weights"] = {name: draw(st.sampled_from((0.5, 1.0, 2.0))) for name in chosen[:2]}
    return rule


@given(data=st.data(), seed=st.integers(0, 50))
@settings(max_examples=60, deadline=None)
def test_decisions_agree_with_the_plain_reference(data: st.DataObject, seed: int) -> None:
    signals = {f"s{number}": data.draw(_signals()) for number in range(data.draw(st.integers(1, 4)))}
    groups = {"g": data.draw(_rules(list(signals)))}
    entry, leave = data.draw(_rules([*signals, "g"])), data.draw(_rules([*signals, "g"]))
    trigger = data.draw(st.sampled_from(("level", "edge")))
    made = builder()
    made.indicator("fast", "ema", length=3).indicator("slow", "sma", length=7)
    made.indicator("momentum", "rsi", length=4, source="fast")
    for name, values in signals.items():
        made.signal(name, **values)
    made.group("g", **groups["g"]).entry(**entry, trigger=trigger).exit(**leave)
    bars = random_candles(120, seed)
    decisions = decide(made.build(), REGISTRY, bars)

    reference = reference_decisions(
        ReferenceStrategy(
            {
                "fast": ReferenceIndicator("ema", 3),
                "slow": ReferenceIndicator("sma", 7),
                "momentum": ReferenceIndicator("rsi", 4, "fast"),
            },
            {name: _reference_signal(values) for name, values in signals.items()},
            _reference_rule(entry),
            _reference_rule(leave),
            {"g": _reference_rule(groups["g"])},
            trigger,
        ),
        {"close": bars.close.tolist()},
        decisions.warm_up,
    )
    assert decisions.side.tolist() == reference.side
    assert decisions.exit_long.tolist() == reference.exit_long
    assert decisions.exit_short.tolist() == reference.exit_short
    assert decisions.conflicts == reference.conflicts


def _reference_signal(values: dict[str, object]) -> ReferenceSignal:
    known = {name: value for name, value in values.items() if name not in {"use", "source"}}
    return ReferenceSignal(kind=str(values["use"]), **{"a": values.get("source"), **known})


def _reference_rule(rule: dict[str, object]) -> ReferenceCombination:
    rest = {name: value for name, value in rule.items() if name not in {"combine", "signals"}}
    return ReferenceCombination(str(rule["combine"]), tuple(rule["signals"]), **rest)
