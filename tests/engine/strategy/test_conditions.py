"""Rules over other signals and groups: what they say, how they are read, what is refused, how they read as words."""

from __future__ import annotations

import pytest

from tests.engine.strategy.helpers import NAN, REGISTRY, builder, candles, run, voter, votes
from tests.engine.strategy.signal_cases import shown
from tradebot.engine.strategy import (
    StrategyBuilder,
    StrategySpec,
    check_strategy,
    decide,
    describe,
    parse_strategy,
)
from tradebot.engine.strategy.editing import apply_edit
from tradebot.engine.strategy.form import build_form
from tradebot.engine.strategy.form_types import FormEdit


def support(spec: StrategySpec, close: list[float]) -> str:
    """L, S, B (both) or - for each bar."""
    decisions = run(spec, close)
    pairs = zip(decisions.exit_short, decisions.exit_long, strict=True)
    return "".join("-LSB"[long + 2 * short] for long, short in pairs)


def over(pattern: str, use: str, **values: object) -> str:
    """What a rule says over a member that votes like `pattern`; after its look-back, which is shown as '.'."""
    made = builder()
    name = voter(made, "it", "close")
    spec = shown(made.signal("rule", use, signal=name, **values), "rule")
    before = decide(spec, REGISTRY, candles(votes(pattern))).warm_up
    return "." * before + support(spec, votes(pattern))[before:]


@pytest.mark.parametrize(
    ("use", "values", "pattern", "expected"),
    [
        ("within", {"bars": 1}, "-LSB-", "-LSB-"),
        ("within", {"bars": 2}, "-L-S--B-", ".LLSS-BB"),
        ("within", {"bars": 3}, "L---S---", "..L-SSS-"),
        ("held", {"bars": 1}, "-LSB-", "-LSB-"),
        ("held", {"bars": 2}, "LL-SSBL", ".L--SSL"),
        ("held", {"bars": 3}, "LLLLBS", "..LLL-"),
        ("not", {}, "-LSB", "BSL-"),
        ("delay", {"bars": 1}, "LSB-L", ".LSB-"),
        ("delay", {"bars": 2}, "LSB-L", "..LSB"),
        ("first", {}, "LL-LSSBL", ".--LS-L-"),
        ("repeated", {"k": 2, "bars": 3}, "L-LSS-S", "..L-SSS"),
        ("repeated", {"k": 1, "bars": 2}, "L--S", ".L-S"),
    ],
)
def test_a_rule_over_one_member(use: str, values: dict[str, object], pattern: str, expected: str) -> None:
    assert over(pattern, use, **values) == expected


def test_one_after_the_other() -> None:
    made = builder()
    # close: 1 is the first, 2 the second, 3 both at once.
    made.signal("one", "compare", a="close", op="<", b=1.5).signal("odd", "compare", a="close", op=">", b=2.5)
    made.group("first", "any", ["one", "odd"]).signal("second", "compare", a="close", op=">", b=1.5)
    spec = shown(made.signal("rule", "sequence", first="first", then="second", bars=2), "rule")
    # A bar that is both comes after the bars before it, not after itself.
    assert support(spec, [1, 2, 2, 2, 3, 2, 1, 1, 3]) == "--B--B--B"


def test_how_many_members_within_some_bars() -> None:
    made = builder()
    for name, level in (("a", 1), ("b", 2), ("c", 3)):
        made.signal(f"{name}_low", "compare", a="close", op=">", b=level - 0.5, supports="both")
        made.signal(f"{name}_high", "compare", a="close", op="<", b=level + 0.5, supports="both")
        made.group(name, "unanimous", [f"{name}_low", f"{name}_high"])
    spec = shown(made.signal("rule", "count", signals=["a", "b", "c"], k=2, bars=3), "rule")
    assert support(spec, [1, 1, 1, 2, 1, 1, 1, 3, 0, 2]) == "---BBB-BBB"


def test_a_member_that_is_switched_off_does_not_count_in_a_list() -> None:
    made = builder().signal("a", "compare", a="close", op=">", b=0)
    made.signal("b", "compare", a="close", op=">", b=0, enabled=False)
    spec = shown(made.signal("rule", "count", signals=["a", "b"], k=1, bars=1), "rule")
    assert support(spec, [0, 1]) == "-B"
    assert set(run(spec, [0, 1]).fired) == {"a", "rule"}


# Missing values --------------------------------------------------------------------------------------------


def test_a_missing_value_supports_nothing_and_does_not_undo_what_was_before() -> None:
    made = builder().signal("up", "compare", a="close", op=">", b=0)
    made.signal("recent", "within", signal="up", bars=3).signal("lasting", "held", signal="up", bars=2)
    made.signal("no", "not", signal="up").signal("edge", "first", signal="up")
    close = [1.0, NAN, 0.0, 1.0, 1.0, NAN, NAN, 1.0]
    for name, expected in (
        ("recent", "--BBBBBB"),
        ("lasting", "----B---"),
        ("no", "--B-----"),
        ("edge", "---B----"),  # not on the last bar: what was before it is not known
    ):
        assert support(shown(made, name), close) == expected, name


def test_a_negation_needs_all_that_the_member_of_its_member_looks_at() -> None:
    made = builder().signal("up", "rising", source="close", bars=2, supports="both")
    made.group("g", "any", ["up"]).signal("recent", "within", signal="g", bars=2)
    spec = shown(made.signal("no", "not", signal="recent"), "no")
    # rising looks at 2 bars before, within at 1 more: 3 known bars before the first answer, and after the hole.
    assert support(spec, [3, 3, 3, 3, 3, NAN, 3, 3, 3, 3]) == "---BB----B"
    assert decide(spec, REGISTRY, candles([3.0] * 9)).warm_up == 3


# How they are read -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("natures", "use", "expected"),
    [
        (["direction"], "within", "direction"),
        (["both"], "within", "both"),
        (["long"], "not", "long"),
        (["short"], "held", "short"),
        (["both", "direction"], "count", "direction"),
        (["both", "both"], "count", "both"),
        (["long", "long"], "count", "long"),
        (["long", "short"], "count", "direction"),
    ],
)
def test_a_rule_is_read_as_its_members_are(natures: list[str], use: str, expected: str) -> None:
    made = builder()
    names = [f"m{number}" for number in range(len(natures))]
    for name, nature in zip(names, natures, strict=True):
        made.signal(name, "compare", a="close", op=">", b=2, supports=nature)
    members: dict[str, object] = {"signals": names, "k": 1} if use == "count" else {"signal": names[0]}
    spec = shown(made.signal("rule", use, **members), "rule")
    assert spec.signals["rule"].supports == expected
    assert parse_strategy(spec.to_toml()) == spec


def test_a_rule_over_a_group_or_another_rule_is_read_as_what_is_inside() -> None:
    made = builder().signal("up", "compare", a="close", op=">", b=2, supports="short", invert=True)
    made.signal("state", "compare", a="close", op=">", b=1)
    made.group("one_sided", "unanimous", ["up", "state"]).group("mixed", "any", ["up", "state"])
    made.signal("a", "held", signal="one_sided").signal("b", "within", signal="a").signal(
        "c", "not", signal="mixed"
    )
    spec = shown(made.group("all", "any", ["b", "c"]), "all")
    assert [spec.signals[name].supports for name in "abc"] == ["long", "long", "direction"]


def test_one_sided_members_stay_on_their_side_and_their_negation_too() -> None:
    made = builder().signal("high", "compare", a="close", op=">", b=2, supports="short")
    made.signal("held", "held", signal="high", bars=2).signal("no", "not", signal="high")
    assert support(shown(made, "held"), [3, 3, 1, 3]) == "-S--"
    assert support(shown(made, "no"), [3, 3, 1, 3]) == "--S-"


def test_an_inverted_not_is_a_veto() -> None:
    """A side is open unless the member supports the other."""
    made = builder()
    name = voter(made, "trend", "close")
    spec = shown(made.signal("veto", "not", signal=name, invert=True), "veto")
    assert support(spec, votes("-LSB")) == "BLS-"


def test_supports_and_invert_are_obeyed() -> None:
    made = builder().signal("way", "cross", a="close", b=2)
    made.signal("state", "within", signal="way", bars=2, supports="both")
    made.signal("none", "within", signal="way", bars=2, supports="both", invert=True)
    made.signal("short", "within", signal="way", bars=2, supports="short")
    close = [1.0, 3.0, 1.0, 1.0, 1.0]
    assert support(shown(made, "state"), close) == "--B--"  # looks back 2 bars: 1 of its own, 1 of the cross
    assert support(shown(made, "none"), close) == "---BB"
    assert support(shown(made, "short"), close) == "--S--"


# Depth -----------------------------------------------------------------------------------------------------


def test_groups_and_rules_nest_to_any_depth() -> None:
    made = builder()
    voter(made, "g0", "close")
    for level in range(1, 50):
        made.group(f"g{level}", ("any", "unanimous", "majority")[level % 3], [f"g{level - 1}"])
    made.signal("r0", "not", signal="g49")
    for level in range(1, 1001):
        made.signal(f"r{level}", "not", signal=f"r{level - 1}")
    spec = shown(made, "r1000")
    assert support(spec, votes("LS-B")) == "SLB-"
    assert describe(spec).endswith(".")


def test_a_group_of_rules_is_combined_like_any_other() -> None:
    made = builder()
    name = voter(made, "way", "close")
    made.signal("recent", "within", signal=name, bars=2).signal("late", "delay", signal=name, bars=1)
    made.group("most", "majority", [name, "recent", "late"])
    spec = shown(made.group("both", "weighted", ["most", name], threshold=0.5, weights={name: 0.5}), "both")
    #        way     L  S  -  B  L
    #        recent  .  B  S  B  B
    #        late    .  L  S  -  B
    #        most    .  B  S  B  B     (S on bar 1 from way and recent, L from recent and late)
    assert support(spec, votes("LS-BL")) == "-BSBB"


# What is refused -------------------------------------------------------------------------------------------


HEAD = """[strategy]
name = "t"
symbols = ["BTCUSDT"]
timeframe = "1h"
[signals.up]
use = "compare"
a = "close"
b = 3
"""
TAIL = '[entry]\ncombine = "any"\nsignals = ["rule"]\n'


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (
            'use = "within"',
            ["s.toml:9: signals.rule.signal: is missing; expected the name of a signal or group"],
        ),
        (
            'use = "within"\nsignal = 3',
            ["s.toml:11: signals.rule.signal: must be the name of a signal or group, but is 3"],
        ),
        (
            'use = "within"\nsignal = "upp"',
            ['s.toml:11: signals.rule.signal: "upp" is not a signal or group. Did you mean "up"?'],
        ),
        (
            'use = "within"\nsignal = "rule"',
            ["s.toml:11: signals.rule.signal: closes a circle of signals: rule -> rule"],
        ),
        (
            'use = "within"\nsignal = "g"\n[groups.g]\ncombine = "any"\nsignals = ["up", "rule"]',
            ["s.toml:14: groups.g.signals.2: closes a circle of signals and groups: rule -> g -> rule"],
        ),
        (
            'use = "within"\nsignal = "off"\n[signals.off]\nuse = "turn"\nsource = "close"\nenabled = false',
            ['s.toml:11: signals.rule.signal: needs "off", but signals.off.enabled is false'],
        ),
        (
            'use = "within"\nsignal = "fast"\n[indicators.fast]\nuse = "ema"\n'
            '[signals.f]\nuse = "turn"\nsource = "fast"',
            [
                's.toml:11: signals.rule.signal: "fast" is an indicator; expected a signal made from it, or a group'
            ],
        ),
        (
            'use = "count"\nsignals = ["up", "upp"]',
            ['s.toml:11: signals.rule.signals.2: "upp" is not a signal or group. Did you mean "up"?'],
        ),
        (
            'use = "count"\nsignals = ["up"]\nk = 2',
            ["s.toml:12: signals.rule.k: must be at most 1, the number of members switched on, but is 2"],
        ),
        (
            'use = "count"\nsignals = ["off"]\n[signals.off]\nuse = "turn"\nsource = "close"\nenabled = false',
            ["s.toml:11: signals.rule.signals: has no member that is switched on"],
        ),
        (
            'use = "repeated"\nsignal = "up"\nk = 4\nbars = 3',
            ["s.toml:12: signals.rule.k: must be at most bars, which is 3, but is 4"],
        ),
        (
            'use = "held"\nsignal = "up"\nsupports = "direction"',
            [
                's.toml:12: signals.rule.supports: must be "both", "long" or "short", but is "direction": '
                "its members are conditions, whose opposite is not known"
            ],
        ),
    ],
)
def test_sentences(rule: str, expected: list[str]) -> None:
    checked = check_strategy(HEAD + "[signals.rule]\n" + rule + "\n" + TAIL, "s.toml")
    assert [problem.render("s.toml") for problem in checked.errors] == expected


def test_a_member_that_only_a_rule_names_is_used() -> None:
    checked = check_strategy(HEAD + '[signals.rule]\nuse = "not"\nsignal = "up"\n' + TAIL)
    assert [each.path for each in checked.problems] == ["entry"]  # a condition alone decides nothing


# Words and form --------------------------------------------------------------------------------------------


def test_rules_are_read_back_for_both_sides() -> None:
    made = builder().signal("way", "cross", a="close", b="open").signal("busy", "volume_spike")
    made.signal("recent", "within", signal="way", bars=5).signal("quiet", "not", signal="busy")
    assert describe(made.entry("unanimous", ["recent", "quiet"]).build()).split(". ")[0] == (
        "On 1m bars of BTCUSDT (linear), go long when the close crosses above the open within the last 5 bars and not "
        "(the volume is above 2 times its mean of the 20 bars before); go short when the close crosses below the open "
        "within the last 5 bars and not (the volume is above 2 times its mean of the 20 bars before)"
    )


def test_a_rule_over_a_one_sided_member_is_read_back_for_its_side_alone() -> None:
    made = builder().signal("high", "compare", a="close", op=">", b=2, supports="short")
    made.signal("lasting", "held", signal="high", bars=2)
    assert "go short when the close is above 2 for 2 bars." in describe(
        made.entry("any", ["lasting"]).build()
    )


def text_of(made: StrategyBuilder) -> str:
    return made.entry("any", ["recent", "some"]).to_toml()


def two_rules() -> str:
    made = builder().signal("way", "cross", a="close", b="open").signal("busy", "volume_spike")
    made.signal("recent", "within", signal="way", bars=5)
    made.signal("some", "count", signals=["way", "busy"], k=1)
    return text_of(made)


def edited(text: str, action: str, path: str, value: str = "") -> str:
    return apply_edit(text, FormEdit(action, path, value), REGISTRY)


def test_the_form_offers_the_members_but_not_the_rule_itself() -> None:
    view = build_form(two_rules(), REGISTRY)
    fields = {each.path: each for section in view.sections for each in section.fields}
    assert fields["signals.recent.signal"].kind == "choice"
    assert fields["signals.recent.signal"].choices == ("way", "busy", "some")
    assert fields["signals.some.signals"].kind == "members"
    assert fields["signals.recent.supports"].default == "as its members"


def test_a_renamed_member_is_followed_and_a_removed_one_leaves_a_sentence() -> None:
    renamed = edited(two_rules(), "set", "signals.way.@name", "turn")
    spec = parse_strategy(renamed)
    assert spec.signals["recent"].parameters["signal"] == "turn"
    assert spec.signals["some"].parameters["signals"] == ("turn", "busy")
    removed = check_strategy(edited(renamed, "remove", "signals.turn"))
    assert [each.path for each in removed.errors] == ["signals.recent.signal"]


def test_renaming_an_indicator_changes_no_word_that_looks_like_it() -> None:
    made = builder().indicator("london", "ema").signal("way", "cross", a="close", b="london")
    made.signal("when", "session", session="london").entry("unanimous", ["way", "when"])
    spec = parse_strategy(edited(made.to_toml(), "set", "indicators.london.@name", "fast"))
    assert spec.signals["way"].parameters["b"] == "fast"
    assert spec.signals["when"].parameters["session"] == "london"


def test_a_rule_that_is_added_begins_with_what_there_is() -> None:
    spec = parse_strategy(edited(two_rules(), "add", "signals", "held"))
    assert spec.signals["held"].parameters == {"signal": "way", "bars": 3}
