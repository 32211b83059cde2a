"""Edits of hand-written files: remarks and order stay, references follow, nothing that was typed is lost."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.engine.strategy.helpers import REGISTRY
from tradebot.engine.control.errors import InputError
from tradebot.engine.strategy.check import check_strategy
from tradebot.engine.strategy.editing import ACTIONS, apply_edit, edit_strategy
from tradebot.engine.strategy.form import build_form
from tradebot.engine.strategy.form_types import FormEdit

HAND_WRITTEN = """\
# My favourite, do not touch before the summer.

[strategy]
name = "Pullback"            # seen in the list
symbols = ["BTCUSDT"]        # more to come
timeframe = "15m"

# ---- averages ----

# quick one
[indicators.fast]
use = "ema"
length = 9      # tried 8 and 10

# slow one
[indicators.slow]
use = "ema"
length = 55
source = "fast"

[indicators.bands]
use = "bbands"

[signals.up]
use = "cross"
a = "fast"
b = "slow"

# only where it matters
[signals.low]
use = "compare"
a = "close"
op = "<"
b = "bands.lower"

[signals.lately]
use = "within"
signal = "up"
bars = 3

[groups.both]
combine = "unanimous"
signals = ["up", "low"]      # order matters to me

[entry]
combine = "weighted"
threshold = 0.5
signals = [
    "both",       # the core
    "lately",
]
weights = { both = 2.0, lately = 1.0 }

[exit]
combine = "any"
signals = ["low"]

[orders]
entry = "limit"

[risk]
stop_loss = { use = "series", series = "bands.lower" }   # under the band
take_profit = [{ use = "r", multiple = 1.0, share_percent = 50 }, { use = "series", series = "bands.upper" }]

[optimize]
"indicators.fast.length" = { low = 5, high = 20, step = 1 }
"entry.weights.both" = { low = 1, high = 3, step = 1 }
"risk.take_profit.2.share_percent" = { low = 10, high = 50, step = 10 }
"""
REMARKS = [line.split("#", 1)[1] for line in HAND_WRITTEN.splitlines() if "#" in line]


def edited(*edits: tuple[str, ...], text: str = HAND_WRITTEN) -> str:
    for edit in edits:
        text = apply_edit(text, FormEdit(*edit), REGISTRY)
    return text


def load(text: str) -> dict[str, Any]:
    return tomllib.loads(text)


def missing_remarks(text: str) -> list[str]:
    return [remark for remark in REMARKS if remark not in text]


def test_the_example_is_sound() -> None:
    assert check_strategy(HAND_WRITTEN, registry=REGISTRY).errors == ()


# Renaming ----------------------------------------------------------------------------------------------------


def test_renaming_an_indicator_follows_it_into_series_levels_and_ranges() -> None:
    text = edited(("set", "indicators.bands.@name", "channel"), ("set", "indicators.fast.@name", "quick"))
    after = load(text)
    assert list(after["indicators"]) == ["quick", "slow", "channel"]
    assert after["indicators"]["slow"]["source"] == "quick"
    assert after["signals"]["up"]["a"] == "quick"
    assert after["signals"]["low"]["b"] == "channel.lower"
    assert after["risk"]["stop_loss"]["series"] == "channel.lower"
    assert after["risk"]["take_profit"][1]["series"] == "channel.upper"
    assert "indicators.quick.length" in after["optimize"]
    assert missing_remarks(text) == []
    assert text.index("# quick one") < text.index("[indicators.quick]") < text.index("# slow one")
    assert check_strategy(text, registry=REGISTRY).errors == ()


def test_renaming_a_signal_or_a_group_follows_it_into_lists_rules_weights_and_ranges() -> None:
    text = edited(("set", "signals.up.@name", "rise"), ("set", "groups.both.@name", "core"))
    after = load(text)
    assert after["groups"]["core"]["signals"] == ["rise", "low"]
    assert after["signals"]["lately"]["signal"] == "rise"
    assert after["entry"]["signals"] == ["core", "lately"]
    assert after["entry"]["weights"] == {"core": 2.0, "lately": 1.0}
    assert "entry.weights.core" in after["optimize"]
    assert missing_remarks(text) == []


@pytest.mark.parametrize("name", ["", "9lives", "with blank", "a.b", "close", "slow", "low", "ö", "x" * 65])
def test_a_name_that_cannot_be_is_refused(name: str) -> None:
    with pytest.raises(InputError):
        edited(("set", "indicators.fast.@name", name))


# Copies and removals -----------------------------------------------------------------------------------------


def test_a_copy_stands_behind_its_node_with_the_remarks_inside_it() -> None:
    result = edit_strategy(HAND_WRITTEN, FormEdit("duplicate", "indicators.fast", "faster"), REGISTRY)
    after = load(result.toml)
    assert list(after["indicators"]) == ["fast", "faster", "slow", "bands"]
    assert after["indicators"]["faster"] == after["indicators"]["fast"]
    assert result.toml.count("# tried 8 and 10") == 2
    assert result.focus == "indicators.faster"


def test_the_copy_of_a_signal_joins_the_lists_that_name_it() -> None:
    after = load(edited(("duplicate", "signals.low")))
    assert list(after["signals"]) == ["up", "low", "low_copy", "lately"]
    assert after["groups"]["both"]["signals"] == ["up", "low", "low_copy"]
    assert after["exit"]["signals"] == ["low", "low_copy"]


def test_a_member_is_copied_and_switched_off_by_its_place_too() -> None:
    after = load(edited(("toggle", "entry.signals.2"), ("note", "groups.both.signals.1", "the cross")))
    assert after["signals"]["lately"]["enabled"] is False
    assert after["signals"]["up"]["note"] == "the cross"


def test_removing_a_node_takes_its_own_remark_along_and_leaves_that_of_the_next() -> None:
    text = edited(("remove", "signals.low"))
    after = load(text)
    assert "only where it matters" not in text
    assert "tried 8 and 10" in text
    assert after["groups"]["both"]["signals"] == ["up"]
    assert "exit" not in after  # nothing was left in it
    assert missing_remarks(edited(("remove", "signals.lately"))) == []


def test_what_a_rule_made_goes_with_its_signal_and_what_a_person_made_stays() -> None:
    text = edited(("rule", "exit", "adx above 40 for 3 bars"))
    assert "adx_14" in load(text)["indicators"]
    result = edit_strategy(text, FormEdit("remove", "exit.signals.2"), REGISTRY)
    after = load(result.toml)
    assert set(after["indicators"]) == {"fast", "slow", "bands"}
    assert set(after["signals"]) == {"up", "low", "lately"}
    assert result.said == "With held_adx_above went adx_14, adx_above, which nothing else uses."
    after = load(edited(("remove", "signals.up")))
    assert "fast" in after["indicators"]


def test_removing_an_indicator_leaves_its_readers_to_the_check() -> None:
    text = edited(("remove", "indicators.slow"))
    assert load(text)["signals"]["up"]["b"] == "slow"
    assert [each.path for each in check_strategy(text, registry=REGISTRY).errors] == ["signals.up.b"]


# Order and membership ----------------------------------------------------------------------------------------


def test_a_node_is_moved_with_the_remark_above_it() -> None:
    text = edited(("move", "indicators.slow", "up"))
    assert list(load(text)["indicators"]) == ["slow", "fast", "bands"]
    assert text.index("# slow one") < text.index("[indicators.slow]") < text.index("# quick one")
    assert text.index("# ---- averages") < text.index("# slow one")
    assert edited(("move", "indicators.slow", "up"), ("move", "indicators.slow", "down")) == HAND_WRITTEN
    assert edited(("move", "indicators.fast", "up")) == HAND_WRITTEN  # it is the first


def test_members_and_targets_are_moved_in_their_lists_and_ranges_follow() -> None:
    result = edit_strategy(HAND_WRITTEN, FormEdit("move", "entry.signals.2", "up"), REGISTRY)
    assert load(result.toml)["entry"]["signals"] == ["lately", "both"]
    assert result.focus == "entry.signals.1"
    after = load(edited(("move", "risk.take_profit.1", "down")))
    assert [each["use"] for each in after["risk"]["take_profit"]] == ["series", "r"]
    assert "risk.take_profit.1.share_percent" in after["optimize"]


def test_a_member_is_added_and_taken_out_again_with_its_weight() -> None:
    text = edited(("member", "entry", "low"))
    assert load(text)["entry"]["signals"] == ["both", "lately", "low"]
    assert missing_remarks(text) == []
    after = load(edited(("member", "entry", "both"), text=text))
    assert after["entry"]["signals"] == ["lately", "low"]
    assert after["entry"]["weights"] == {"lately": 1.0}
    assert "exit" not in load(edited(("member", "exit", "low")))
    with pytest.raises(InputError, match="Did you mean"):
        edited(("member", "entry", "lwo"))


def test_members_are_wrapped_into_a_group_in_their_place() -> None:
    result = edit_strategy(HAND_WRITTEN, FormEdit("wrap", "groups.both", "up, low"), REGISTRY)
    after = load(result.toml)
    assert after["groups"]["both"]["signals"] == ["group"]
    assert after["groups"]["group"] == {"combine": "any", "signals": ["up", "low"]}
    assert result.focus == "groups.group"
    assert missing_remarks(result.toml) == []
    with pytest.raises(InputError, match="is not among them"):
        edited(("wrap", "exit", "up"))


# Targets and optional tables ---------------------------------------------------------------------------------


def test_targets_are_added_copied_and_removed_one_by_one() -> None:
    text = edited(("targets", "risk.take_profit", "percent"))
    assert load(text)["risk"]["take_profit"][2] == {"use": "percent", "percent": 4.0}
    text = edited(("targets", "risk.take_profit.1", "duplicate"), text=text)
    assert [each["use"] for each in load(text)["risk"]["take_profit"]] == ["r", "r", "series", "percent"]
    assert "risk.take_profit.3.share_percent" in load(text)["optimize"]
    text = edited(*[("targets", "risk.take_profit.1", "remove")] * 4, text=text)
    assert "take_profit" not in load(text)["risk"]
    assert missing_remarks(text) == []


def test_an_optional_table_begins_with_what_is_usual_and_keeps_what_both_kinds_have() -> None:
    text = edited(("option", "risk.stop_loss", "atr"), ("set", "risk.stop_loss.multiple", "3.5"))
    assert load(text)["risk"]["stop_loss"] == {"use": "atr", "length": 14, "multiple": 3.5}
    text = edited(("option", "risk.trailing_stop", "atr"), ("option", "risk.break_even", "on"), text=text)
    text = edited(("option", "risk.loss_streak", "on"), ("option", "risk.pyramiding", "on"), text=text)
    text = edited(("set", "risk.pyramiding.spacing", "percent"), ("set", "orders.offset", "atr"), text=text)
    assert check_strategy(text, registry=REGISTRY).errors == ()
    assert load(text)["risk"]["pyramiding"]["spacing"] == {"use": "percent", "percent": 1.0}
    assert "# under the band" in text
    text = edited(("option", "risk.break_even", "none"), ("set", "risk.pyramiding", "none"), text=text)
    assert not {"break_even", "pyramiding"} & set(load(text)["risk"])


def test_a_stop_at_a_series_begins_at_a_line_of_the_strategy() -> None:
    text = edited(("option", "risk.stop_loss", "percent"), ("option", "risk.stop_loss", "series"))
    assert load(text)["risk"]["stop_loss"] == {"use": "series", "series": "fast", "follow": False}


def test_every_kind_that_can_be_chosen_is_sound_at_once() -> None:
    for path, family in (("risk.sizing", "sizings"), ("risk.stop_loss", "stops"), ("risk.trailing_stop", "trailings"),
                         ("orders.offset", "offsets")):  # fmt: skip
        for kind in REGISTRY.family(family):
            text = edited(("option", path, kind))
            assert check_strategy(text, registry=REGISTRY).errors == (), f"{path} {kind}"


def test_another_kind_of_node_drops_what_only_the_old_one_has_and_begins_what_the_new_one_needs() -> None:
    text = edited(("set", "indicators.fast.use", "macd"))
    assert load(text)["indicators"]["fast"] == {"use": "macd", "fast": 12, "slow": 26, "signal": 9}
    text = edited(("set", "entry.combine", "at_least"))
    assert load(text)["entry"] == {"combine": "at_least", "signals": ["both", "lately"], "k": 1}
    text = edited(("set", "indicators.fast.use", "no such"))
    assert load(text)["indicators"]["fast"] == {
        "use": "no such",
        "length": 9,
    }  # refused in its place, nothing lost


# What is typed -----------------------------------------------------------------------------------------------

TYPED = [
    ("indicators.fast.length", "21", 21),
    ("indicators.fast.length", "21.5", 21.5),
    ("indicators.fast.length", "twenty", "twenty"),
    ("indicators.fast.length", "1e3", 1000.0),
    ("indicators.fast.length", "inf", "inf"),
    ("indicators.fast.length", "99999999999999999999", 1e20),
    ("indicators.slow.source", "hl2", "hl2"),
    ("signals.low.b", "-3.5", -3.5),
    ("strategy.name", '  "quoted" \\ back ', '  "quoted" \\ back '),
    ("strategy.name", "two\nlines", "two\nlines"),
    ("strategy.symbols", "BTCUSDT, ETH*", ["BTCUSDT", "ETH*"]),
    ("strategy.symbols", "top 20 by volume", {"top": 20, "by": "volume"}),
    ("strategy.symbols", "top twenty", ["top twenty"]),
    ("signals.up.invert", "true", True),
    ("signals.up.invert", "maybe", "maybe"),
    ("entry.weights", "both = 3, lately = 0.5", {"both": 3, "lately": 0.5}),
    ("entry.weights", "both three", "both three"),
    ("risk.max_bars", "48", 48),
    ("risk.leverage", "3", 3),
]


@pytest.mark.parametrize(
    ("path", "text", "value"), TYPED, ids=[f"{path} {text!r}" for path, text, _ in TYPED]
)
def test_what_is_typed_becomes_its_value_and_what_does_not_fit_stays_text(
    path: str, text: str, value: Any
) -> None:
    after = load(edited(("set", path, text)))
    for key in path.split("."):
        after = after[key]
    assert after == value
    assert type(after) is type(value)


@pytest.mark.parametrize(
    "path", ["indicators.fast.length", "risk.stop_loss.series", "strategy.timeframe", "signals.up.a"]
)
def test_a_value_that_does_not_fit_is_refused_at_its_place(path: str) -> None:
    view = build_form(edited(("set", path, "no such thing")), REGISTRY)
    fields = [field for section in view.sections for field in section.fields] + [
        field for row in view.rows for field in row.fields
    ]
    assert any(field.path == path and field.problem for field in fields)


def test_setting_the_value_of_a_table_that_is_not_there_makes_it() -> None:
    after = load(edited(("set", "risk.trailing_stop.multiple", "2.5")))
    assert after["risk"]["trailing_stop"]["multiple"] == 2.5
    assert after["risk"]["trailing_stop"]["use"] == "atr"


@pytest.mark.parametrize(
    "edit",
    [
        ("set", "strategy", "x"),
        ("fly", "risk", ""),
        ("move", "indicators.fast", "sideways"),
        ("move", "entry.signals.9", "up"),
        ("add", "indicators", "no such"),
        ("add", "entry", "rsi"),
        ("remove", "indicators.nowhere", ""),
        ("toggle", "risk", ""),
        ("option", "risk.max_bars", "on"),
        ("targets", "risk.take_profit.7", "remove"),
        ("targets", "risk.stop_loss", "atr"),
        ("wrap", "entry", ""),
        ("member", "risk", "up"),
        ("rule", "entry", "nonsense of all kinds"),
        ("duplicate", "signals.up", "slow"),
        ("note", "entry", "x"),
    ],
)
def test_an_edit_that_does_not_fit_is_refused_in_a_sentence(edit: tuple[str, str, str]) -> None:
    with pytest.raises(InputError) as refused:
        edited(edit)
    assert refused.value.sentence.endswith((".", "?"))


def test_a_text_that_is_no_toml_is_refused() -> None:
    with pytest.raises(InputError, match="not valid TOML"):
        edited(("set", "risk.max_bars", "3"), text="[risk\n")


def test_a_file_with_inline_nodes_and_windows_line_ends_is_edited_too() -> None:
    lines = ["[strategy]", 'name = "x"', 'symbols = ["BTCUSDT"]', 'timeframe = "1h"', "[indicators]"]
    lines += ['fast = { use = "ema", length = 9 }  # inline', "[signals]"]
    lines += [
        'up = { use = "cross", a = "close", b = "fast" }',
        "[entry]",
        'combine = "any"',
        'signals = ["up"]',
        "",
    ]
    text = "\r\n".join(lines)
    made = edited(
        ("set", "indicators.fast.@name", "quick"), ("duplicate", "indicators.quick"), ("set", "risk.max_bars", "5"),
        ("move", "indicators.quick", "down"), ("remove", "indicators.quick_copy"), text=text,
    )  # fmt: skip
    assert "# inline" in made
    assert load(made)["signals"]["up"]["b"] == "quick"
    assert check_strategy(made, registry=REGISTRY).errors == ()


# Any edit ----------------------------------------------------------------------------------------------------

PATHS = [
    "indicators.fast", "indicators.bands", "signals.up", "signals.lately", "groups.both", "entry", "exit", "risk",
    "entry.signals.1", "entry.signals.2", "groups.both.signals.2", "risk.take_profit", "risk.take_profit.1",
    "risk.stop_loss", "risk.break_even", "orders.offset", "strategy.symbols", "strategy.timeframe", "signals.low.b",
    "indicators.fast.length", "indicators.slow.source", "entry.combine", "entry.signals", "indicators.fast.@name",
    "indicators", "signals", "strategy", "costs.funding", "risk.pyramiding.spacing.multiple", "optimize",
]  # fmt: skip
TEXTS = [
    "", "up", "down", "7", "abc", "ema", "atr", "percent", "none", "on", "remove", "duplicate", "low, up", "up, both",
    "rsi below 30", "macd cross or adx above 20", "true", "x = 1", "any", "low", '"', "\\", "ä€", "top 5",
]  # fmt: skip


@settings(max_examples=120, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(ACTIONS), st.sampled_from(PATHS), st.sampled_from(TEXTS)), max_size=6)
)
def test_any_edits_leave_a_text_that_is_toml_and_a_form(edits: list[tuple[str, str, str]]) -> None:
    text = HAND_WRITTEN
    for edit in edits:
        try:
            result = edit_strategy(text, FormEdit(*edit), REGISTRY)
        except InputError as refused:
            assert refused.sentence
            continue
        text = result.toml
        load(text)
        assert build_form(text, REGISTRY).sections
    kept = edit_strategy(text, FormEdit("set", "costs.taker_fee_percent", "0.1"), REGISTRY).toml
    assert load(kept) == {**load(text), "costs": {**load(text).get("costs", {}), "taker_fee_percent": 0.1}}
