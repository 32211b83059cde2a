"""The builder, the way back to TOML, plain words, and documents of every kind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.engine.strategy.helpers import REGISTRY, builder
from tradebot.engine.strategy import (
    StrategyBuilder,
    StrategyError,
    StrategySpec,
    check_document,
    describe,
    parse_strategy,
)
from tradebot.engine.strategy.registry import Declaration, Parameter, ParameterKind

_NAMES = ("alpha", "beta-1", "_c", "D4", "epsilon")


def values_of(
    draw: st.DrawFn, declaration: Declaration, series: list[str], members: Sequence[str] = ()
) -> dict[str, Any]:
    """Values of a declaration's parameters, some left to their defaults."""
    given_: dict[str, Any] = {}
    for parameter in declaration.parameters:
        if parameter.required or draw(st.booleans()):
            given_[parameter.name] = value_of(draw, parameter, series, members)
    return given_


def value_of(draw: st.DrawFn, parameter: Parameter, series: list[str], members: Sequence[str]) -> Any:
    low = -1e9 if parameter.low is None else parameter.low
    high = 1e9 if parameter.high is None else parameter.high
    match parameter.kind:
        case ParameterKind.INTEGER:
            return draw(st.integers(int(low), int(min(high, 500))))
        case ParameterKind.NUMBER:
            return draw(st.floats(low, high, allow_nan=False))
        case ParameterKind.CHOICE:
            return draw(st.sampled_from(parameter.choices))
        case ParameterKind.SERIES:
            return draw(st.sampled_from(series))
        case ParameterKind.MEMBER:
            return draw(st.sampled_from(members))
        case ParameterKind.MEMBERS:
            return draw(st.lists(st.sampled_from(members), min_size=1, unique=True))
        case ParameterKind.USE:
            return draw(uses(parameter.family, series))
        case ParameterKind.USES:
            return draw(st.lists(uses(parameter.family, series), max_size=4))
        case ParameterKind.TABLE:
            return {
                each.name: value_of(draw, each, series, members)
                for each in parameter.parameters
                if each.required or draw(st.booleans())
            }
        case ParameterKind.TEXT:
            return draw(st.sampled_from(("mon-fri", "wed", "09:00", "23:30", "nonsense")))
        case _:
            return draw(st.booleans())


@st.composite
def uses(draw: st.DrawFn, family: str, series: list[str]) -> dict[str, Any]:
    declaration = REGISTRY.family(family)[draw(st.sampled_from(list(REGISTRY.family(family))))]
    return {"use": declaration.name, **values_of(draw, declaration, series)}


@st.composite
def sections(draw: st.DrawFn, name: str, series: list[str]) -> dict[str, Any]:
    return values_of(draw, REGISTRY.sections[name], series)


@st.composite
def rules(draw: st.DrawFn, members: list[str]) -> dict[str, Any]:
    chosen = draw(st.lists(st.sampled_from(members), min_size=1, max_size=3, unique=True))
    rule: dict[str, Any] = {"combine": draw(st.sampled_from(list(REGISTRY.combinations))), "signals": chosen}
    if rule["combine"] == "at_least":
        rule["k"] = draw(st.integers(1, len(chosen)))
    if rule["combine"] == "weighted":
        rule["threshold"] = draw(st.floats(0.001, 1.0))
        if draw(st.booleans()):
            rule["weights"] = {name: draw(st.floats(0.001, 1e6)) for name in chosen[:1]}
    return rule


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    """Documents of strategies that are right, but for rules between values."""
    series = ["close", "volume", "hl2"]
    text = st.text(st.characters(codec="utf-8", exclude_categories=("Cs",)), max_size=20)
    indicators: dict[str, Any] = {}
    for name in draw(st.lists(st.sampled_from(_NAMES), max_size=3, unique=True)):
        declaration = REGISTRY.indicators[draw(st.sampled_from(list(REGISTRY.indicators)))]
        indicators[name] = {
            "use": declaration.name,
            **values_of(draw, declaration, series),
            "note": draw(text),
        }
        series += [f"{name}.{output}" for output in declaration.outputs]
        series += [name] if declaration.main else []
    signals: dict[str, Any] = {}
    for name in draw(st.lists(st.sampled_from(_NAMES), min_size=1, max_size=3, unique=True)):
        kinds = [each for each in REGISTRY.signals.values() if signals or not each.member_parameters]
        declaration = draw(st.sampled_from(kinds))
        values = values_of(draw, declaration, series, list(signals))
        signals[name] = {"use": declaration.name, **values}
        signals[name]["invert"] = draw(st.booleans())
        if draw(st.booleans()):
            signals[name]["supports"] = draw(st.sampled_from(("direction", "both", "long", "short")))
    groups = {"group": draw(rules(list(signals)))} if draw(st.booleans()) else {}
    members = [*signals, *groups]
    prices = [each for each in series if each != "volume"]
    risk = draw(sections("risk", prices))
    for target in risk.get("take_profit", ()):
        target.pop("share_percent", None)
    optimize = {"risk.leverage": {"low": 1, "high": 5, "step": 0.5}} if draw(st.booleans()) else {}
    head = {
        "name": draw(text.map(lambda t: "n" + "".join(c for c in t if c.isprintable()))),
        "symbols": draw(st.sampled_from((["BTCUSDT", "ETH*"], {"top": 20}, {"top": 3, "by": "volume"}))),
        "timeframe": draw(st.sampled_from(("1h", "4h"))),
        "execution": draw(st.sampled_from(("1m", "15m", "1h"))),
    }
    return {
        "strategy": head, "indicators": indicators, "signals": signals, "groups": groups,
        "entry": draw(rules(members)), "exit": draw(rules(members)),
        "orders": draw(sections("orders", series)), "risk": risk, "costs": draw(sections("costs", series)),
        "optimize": optimize,
    }  # fmt: skip


@given(documents())
@settings(max_examples=150, deadline=None)
def test_from_a_document_to_toml_and_back_nothing_is_lost(document: dict[str, Any]) -> None:
    checked = check_document(document)
    if checked.spec is None:
        # What was drawn can only break a rule between values: two levels, two numbers, fast and slow.
        rules_between = {"indicators", "signals", "risk", "orders"}
        assert {problem.path.split(".")[0] for problem in checked.errors} <= rules_between
        return
    spec = checked.spec
    text = spec.to_toml()
    assert parse_strategy(text) == spec
    assert parse_strategy(text).to_toml() == text
    assert check_document(spec.to_document()).spec == spec
    sentences = describe(spec)
    assert sentences.endswith(".")
    assert len(sentences.splitlines()) == 1


# The builder -----------------------------------------------------------------------------------------------


def pinned() -> StrategyBuilder:
    return (
        StrategyBuilder("Pinned A", symbols=["BTCUSDT"], timeframe="1m", note="fast")
        .indicator("fast", "sma", length=20)
        .indicator("slow", "sma", length=50)
        .signal("turn", "cross", a="fast", b="slow")
        .signal("busy", "compare", a="volume", op=">", b=1, supports="both", invert=True, enabled=False)
        .group("both", "weighted", ["turn", "busy"], threshold=0.5, weights={"turn": 2.0}, note="n")
        .entry("any", ["both"], trigger="edge")
        .exit("at_least", ["turn"], k=1)
        .risk(direction="both", opposite="close", max_bars=10, cooldown_bars=2)
        .sizing("notional", amount=1000)
        .stop_loss("percent", percent=1)
        .take_profit("percent", percent=2)
        .costs(taker_fee_percent=0.04, funding=False)
    )


PINNED = """[strategy]
name = "Pinned A"
category = "linear"
symbols = ["BTCUSDT"]
timeframe = "1m"
note = "fast"

[indicators.fast]
use = "sma"
source = "close"
length = 20

[indicators.slow]
use = "sma"
source = "close"
length = 50

[signals.turn]
use = "cross"
a = "fast"
b = "slow"
supports = "direction"

[signals.busy]
use = "compare"
a = "volume"
op = ">"
b = 1.0
supports = "both"
invert = true
enabled = false

[groups.both]
combine = "weighted"
signals = ["turn", "busy"]
threshold = 0.5
weights = { turn = 2.0 }
note = "n"

[entry]
combine = "any"
signals = ["both"]
trigger = "edge"

[exit]
combine = "at_least"
signals = ["turn"]
k = 1

[risk]
direction = "both"
opposite = "close"
sizing = { use = "notional", amount = 1000.0 }
stop_loss = { use = "percent", percent = 1.0 }
take_profit = [{ use = "percent", percent = 2.0 }]
max_bars = 10
cooldown_bars = 2

[costs]
taker_fee_percent = 0.04
funding = false
"""


def test_the_builder_and_the_file_say_the_same() -> None:
    spec = pinned().build()
    assert spec.to_toml() == PINNED
    assert parse_strategy(PINNED) == spec
    assert parse_strategy(pinned().to_toml()) == spec


def test_the_builder_says_all_that_is_wrong_at_once() -> None:
    wrong = builder().indicator("fast", "ema", length=0).entry("any", ["nothing"])
    with pytest.raises(StrategyError) as raised:
        wrong.build()
    assert [problem.path for problem in raised.value.problems if problem.severity == "error"] == [
        "indicators.fast.length",
        "entry.signals.1",
    ]


def test_a_name_is_given_once() -> None:
    with pytest.raises(ValueError, match="fast"):
        builder().indicator("fast", "ema").indicator("fast", "sma")


def test_what_a_builder_built_does_not_change_later() -> None:
    made = pinned()
    spec = made.build()
    made.document()["strategy"]["name"] = "other"
    made.indicator("third", "rsi")
    assert "third" not in spec.indicators
    assert spec.name == "Pinned A"


@pytest.mark.parametrize(
    ("category", "direction", "expected"),
    [
        ("linear", None, ("both", "reverse")),
        ("spot", None, ("long", "close")),
        ("linear", "short", ("short", "close")),
    ],
)
def test_defaults_that_depend_on_each_other(
    category: str, direction: str | None, expected: tuple[str, str]
) -> None:
    spec = (
        StrategyBuilder("d", symbols=["BTCUSDT"], timeframe="1m", category=category)
        .signal("up", "compare", a="close", op=">", b="open", supports="direction")
        .entry("any", ["up"])
        .risk(direction=direction)
        .build()
    )
    assert (spec.risk.direction, spec.risk.opposite) == expected
    assert (spec.risk.sizing.use, spec.risk.sizing.number("percent")) == ("equity", 100.0)


# Plain words -----------------------------------------------------------------------------------------------


def said(made: StrategyBuilder) -> str:
    return describe(made.build())


def test_a_strategy_is_read_back_in_words() -> None:
    made = (
        StrategyBuilder("w", symbols=["BTCUSDT", "ETH*"], timeframe="5m")
        .indicator("fast", "ema", length=9)
        .indicator("smooth", "sma", source="fast", length=3)
        .indicator("strength", "adx")
        .indicator("bands", "bbands", deviations=2.5)
        .signal("turn", "cross", a="smooth", b="bands.middle")
        .signal("strong", "compare", a="strength", op=">", b=20)
        .signal("dip", "threshold", source="close", lower=30, upper=70)
        .entry("unanimous", ["turn", "strong"])
        .exit("any", ["dip"])
        .risk(max_bars=48, cooldown_bars=3)
        .stop_loss("percent", percent=2)
        .take_profit("percent", percent=4.5)
    )
    assert said(made) == (
        "On 5m bars of BTCUSDT and ETH* (linear), go long when SMA 3 of EMA 9 crosses above the middle Bollinger band "
        "(20, 2.5) and ADX 14 is above 20; go short when SMA 3 of EMA 9 crosses below the middle Bollinger band "
        "(20, 2.5) and ADX 14 is above 20. Close a long when the close is above 70, a short when the close is below 30 "
        "and any position at a loss of 2 %, at a gain of 4.5 % or after 48 bars; an opposite signal reverses the "
        "position. Each entry is 100 % of the equity; no entry for 3 bars after an exit."
    )


def one_signal(combine: str = "any", **values: Any) -> StrategyBuilder:
    names = ("a", "b", "c")
    made = builder()
    for number, name in enumerate(names):
        made.signal(name, "compare", a="close", op=">", b=number, supports="long")
    return made.entry(combine, names, **values).risk(direction="long", opposite="ignore", max_bars=1)


@pytest.mark.parametrize(
    ("combine", "values", "words"),
    [
        ("any", {}, "the close is above 0, the close is above 1 or the close is above 2"),
        ("unanimous", {}, "the close is above 0, the close is above 1 and the close is above 2"),
        (
            "majority",
            {},
            "at least 2 of these hold: the close is above 0, the close is above 1, the close is above 2",
        ),
        (
            "weighted",
            {"threshold": 0.6},
            "60 % of the weight agrees: the close is above 0, the close is above 1, the close is above 2",
        ),
    ],
)
def test_combinations_in_words(combine: str, values: dict[str, Any], words: str) -> None:
    assert said(one_signal(combine, **values)) == (
        f"On 1m bars of BTCUSDT (linear), go long when {words}. Close a position after 1 bar. "
        "Each entry is 100 % of the equity."
    )


def test_an_entry_that_can_never_take_a_side_is_said() -> None:
    condition = builder().signal("busy", "compare", a="volume", op=">", b=1).entry("any", ["busy"])
    assert "no side is ever taken: the entry supports both at once" in said(condition)
    one_sided = (
        builder().signal("up", "compare", a="close", op=">", b=1, supports="long").entry("any", ["up"])
    )
    assert "no side is ever taken" in said(one_sided.risk(direction="short"))


def test_deep_groups_are_named_instead_of_spelt_out() -> None:
    made = (
        builder().signal("up", "compare", a="close", op=">", b=1, supports="long").group("g0", "any", ["up"])
    )
    for level in range(1, 3000):
        made.group(f"g{level}", "any", [f"g{level - 1}"])
    assert 'the group "g2996" supports long' in said(made.entry("any", ["g2999"]))


def test_specs_are_compared_by_value() -> None:
    spec: StrategySpec = pinned().build()
    assert spec == pinned().build()
    assert spec != pinned().indicator("more", "rsi").build()
