"""The form of the whole format: every declared value in its section, rules as rows, what is missing, and how fast."""

from __future__ import annotations

import time
import tomllib
from typing import Any

import pytest

from tests.engine.strategy.helpers import REGISTRY
from tests.engine.strategy.test_edits import HAND_WRITTEN, edited
from tradebot.engine.strategy.form import build_form, component_choices
from tradebot.engine.strategy.form_types import FormField, FormSection, FormView

NEW = """\
[strategy]
name = "New strategy"
category = "linear"
symbols = ["BTCUSDT"]
timeframe = "15m"

[entry]
combine = "unanimous"
signals = []
"""


def form(text: str = HAND_WRITTEN) -> FormView:
    return build_form(
        text, REGISTRY, ("BTCUSDT", "ETHUSDT"), lambda category: {"costs.impact": f"0.1 {category}"}
    )


def section(view: FormView, kind: str) -> FormSection:
    return next(each for each in view.sections if each.kind == kind)


def field(view: FormView, path: str) -> FormField:
    return next(each for part in view.sections for each in part.fields if each.path == path)


def with_rules(*rules: tuple[str, str], text: str = NEW) -> str:
    return edited(*(("rule", place, sentence) for place, sentence in rules), text=text)


def texts(view: FormView) -> list[tuple[str, str, int]]:
    return [(row.path, row.text, row.depth) for row in view.rows]


# Sections and fields -----------------------------------------------------------------------------------------


def test_the_sections_stand_in_the_order_of_the_drawing() -> None:
    kinds = list(dict.fromkeys(each.kind for each in form().sections))
    assert kinds == [
        *(
            "market",
            "indicator",
            "signal",
            "group",
            "entry",
            "exit",
            "orders",
            "risk",
            "exits",
            "limits",
            "costs",
        )
    ]
    assert len({each.path for each in form().sections}) == len(form().sections)


@pytest.mark.parametrize("name", ["strategy", "entry", "exit", "orders", "risk", "costs"])
def test_every_declared_value_of_a_section_is_a_field(name: str) -> None:
    paths = {each.path for part in form(NEW).sections for each in part.fields}
    declared = {f"{name}.{each.name}" for each in REGISTRY.sections[name].parameters if each.name != "note"}
    assert declared <= paths


@pytest.mark.parametrize("family", ["sizings", "stops", "targets", "trailings", "offsets"])
def test_every_kind_of_an_optional_table_shows_its_values_behind_its_choice(family: str) -> None:
    path = {"sizings": "risk.sizing", "stops": "risk.stop_loss", "targets": "risk.take_profit",
            "trailings": "risk.trailing_stop", "offsets": "orders.offset"}[family]  # fmt: skip
    for kind, declaration in REGISTRY.family(family).items():
        view = form(edited(("option", path, kind), text=NEW))
        at = f"{path}.1" if family == "targets" else path
        choice = field(view, at)
        assert (choice.kind, choice.text) == ("choice", kind)
        assert len(choice.choices) == len(choice.choice_help) == len(choice.choice_labels)
        for parameter in declaration.parameters:
            shown = field(view, f"{at}.{parameter.name}")
            assert shown.owner == at
            assert shown.help
            assert (shown.low, shown.high, shown.unit) == (parameter.low, parameter.high, parameter.unit)


def test_several_targets_are_one_choice_each() -> None:
    view = form()
    assert [each.path for each in section(view, "exits").fields if each.label.startswith("take profit")] == [
        "risk.take_profit.1", "risk.take_profit.1.multiple", "risk.take_profit.1.share_percent",
        "risk.take_profit.2", "risk.take_profit.2.series", "risk.take_profit.2.follow",
        "risk.take_profit.2.share_percent",
    ]  # fmt: skip
    assert field(form(NEW), "risk.take_profit").text == "none"


def test_tables_without_kinds_are_on_or_none_and_what_is_inside_them_belongs_to_them() -> None:
    view = form(
        edited(("option", "risk.pyramiding", "on"), ("set", "risk.pyramiding.spacing", "atr"), text=NEW)
    )
    assert field(view, "risk.pyramiding").text == "on"
    assert field(view, "risk.break_even").text == "none"
    inside = [each.path for each in section(view, "risk").fields if each.owner == "risk.pyramiding"]
    assert inside == [
        f"risk.pyramiding.{name}" for name in ("max_adds", "spacing", "spacing.length", "spacing.multiple")
    ]


def test_the_largest_symbols_are_typed_into_the_field_of_the_symbols() -> None:
    view = form(edited(("set", "strategy.symbols", "top 20 by volume"), text=NEW))
    assert field(view, "strategy.symbols").text == "top 20 by volume"
    assert field(view, "strategy.symbols.top").text == "20"
    assert view.errors == 1  # the entry alone


def test_empty_fields_show_what_holds() -> None:
    view = form(NEW)
    assert field(view, "risk.direction").default == "both"
    assert field(view, "risk.opposite").default == "reverse"
    assert field(view, "strategy.execution").default == "15m"
    assert field(view, "costs.impact").default == "0.1 linear"
    assert field(view, "risk.leverage").default == "1"
    spot = form(NEW.replace("linear", "spot"))
    assert (field(spot, "risk.direction").default, field(spot, "costs.impact").default) == (
        "long",
        "0.1 spot",
    )


def test_timeframes_are_offered_where_they_fit() -> None:
    view = form()
    assert field(view, "indicators.fast.timeframe").choices[0] == "30m"
    assert field(view, "strategy.execution").choices == ("1m", "3m", "5m")


def test_options_say_what_they_mean() -> None:
    trigger = field(form(), "entry.trigger")
    assert trigger.choice_help == ("On every close that says so.", "On the first of them only.")
    operator = field(form(), "signals.low.op")
    assert dict(zip(operator.choices, operator.choice_labels, strict=True))["<"] == "below"
    series = field(form(), "signals.up.a")
    assert dict(zip(series.choices, series.choice_labels, strict=True))["bands.upper"] == "upper Bollinger"


def test_what_can_be_added_is_found_by_the_words_of_traders_too() -> None:
    choices = {each.name: each for each in component_choices(REGISTRY)}
    assert "bb" in choices["bbands"].words.split(", ")


def test_remarks_of_nodes_and_of_the_strategy_are_shown() -> None:
    view = form(edited(("note", "strategy", "mine"), ("note", "signals.up", "the cross")))
    assert section(view, "market").note == "mine"
    assert next(row for row in view.rows if row.name == "up").note == "the cross"


# Rows --------------------------------------------------------------------------------------------------------


def test_rows_say_the_rules_as_a_person_would() -> None:
    view = form(
        with_rules(("entry", "rsi below 30"), ("entry", "ema 200 4h rising"), ("exit", "rsi above 50"))
    )
    assert texts(view) == [
        ("entry.signals.1", "RSI 14 below 30", 0),
        ("entry.signals.2", "EMA 200 4h rising", 0),
        ("exit.signals.1", "RSI 14 above 50", 0),
    ]
    assert view.rows[0].node == "signals.rsi_below"


def test_a_group_is_followed_by_its_members() -> None:
    assert [(row.path, row.kind, row.depth) for row in form().rows] == [
        ("entry.signals.1", "group", 0),
        ("groups.both.signals.1", "signal", 1),
        ("groups.both.signals.2", "signal", 1),
        ("entry.signals.2", "signal", 0),
        ("exit.signals.1", "signal", 0),
    ]
    assert form().rows[0].text == "all of these (both)"


def test_the_values_of_a_row_stand_in_its_sentence_in_their_order() -> None:
    (row,) = form(with_rules(("entry", "ema 9 crosses above ema 21 4h within 5 bars"))).rows
    assert [(each.path, each.text) for each in row.fields] == [
        ("indicators.ema_9.length", "9"),
        ("indicators.ema_21_4h.length", "21"),
        ("indicators.ema_21_4h.timeframe", "4h"),
        ("signals.within_ema_crosses_above_ema_4h.bars", "5"),
    ]
    at = [row.text.index(each.text) for each in row.fields]
    assert at == sorted(at)


def test_editing_a_row_is_setting_its_real_paths() -> None:
    text = with_rules(("entry", "rsi below 30"))
    (row,) = form(text).rows
    for each, value in zip(row.fields, ("21", "25", "75"), strict=True):
        text = edited(("set", each.path, value), text=text)
    (row,) = form(text).rows
    assert row.text == "RSI 21 below 25"


def test_an_indicator_that_others_read_too_says_so_in_its_help() -> None:
    view = form(with_rules(("entry", "rsi below 30"), ("exit", "rsi above 50")))
    length = view.rows[0].fields[0]
    assert length.path == "indicators.rsi_14.length"
    assert "Shared: rsi_14 is read by rsi_above, rsi_below" in length.help


def test_a_comparison_that_a_row_says_the_other_way_round_offers_its_operators_so() -> None:
    text = (
        NEW + '[signals.above]\nuse = "compare"\na = "close"\nop = ">"\nb = "hl2"\nsupports = "direction"\n'
    )
    view = form(edited(("member", "entry", "above"), ("member", "exit", "above"), text=text))
    said = {row.place: row for row in view.rows}
    assert (said["entry"].text, said["exit"].text) == ("close above median price", "close below median price")
    operators = {
        place: next(each for each in row.fields if each.path.endswith(".op")) for place, row in said.items()
    }
    assert (
        dict(zip(operators["entry"].choices, operators["entry"].choice_labels, strict=True))[">"] == "above"
    )
    assert (operators["exit"].choices, operators["exit"].choice_labels) == ((">", "<"), ("below", "above"))


def test_rows_of_one_side_say_which() -> None:
    view = form(with_rules(("entry", "long when rsi above 70"), ("entry", "adx above 20")))
    assert [row.text for row in view.rows] == ["long: RSI 14 above 70", "ADX 14 above 20"]
    long_only = form(with_rules(("entry", "rsi above 70"), text=NEW + '[risk]\ndirection = "long"\n'))
    assert [row.text for row in long_only.rows] == ["RSI 14 above 70"]


def test_what_nothing_uses_is_a_row_without_a_place() -> None:
    view = form(edited(("add", "signals", "breakout"), ("member", "exit", "low")))
    assert [(row.path, row.place, row.removable) for row in view.rows if not row.place] == [
        ("signals.breakout", "", True)
    ]


def test_a_member_that_is_not_there_and_a_circle_are_rows_with_a_problem() -> None:
    text = HAND_WRITTEN.replace('signals = ["low"]', 'signals = ["lwo"]').replace(
        'signals = ["up", "low"]', 'signals = ["both"]'
    )
    rows = {row.path: row for row in form(text).rows}
    assert rows["exit.signals.1"].kind == "missing"
    assert 'Did you mean "low"?' in rows["exit.signals.1"].problem
    assert rows["groups.both.signals.1"].text == 'the group "both", which contains itself'


def test_a_problem_stands_in_the_row_at_its_value() -> None:
    text = edited(("set", "indicators.rsi_14.length", "0"), text=with_rules(("entry", "rsi below 30")))
    (row,) = form(text).rows
    assert row.fields[0].problem.startswith("must be a whole number from 2")
    assert row.problem == ""  # said once
    broken = edited(("set", "signals.rsi_below.use", "no such"), text=text)
    (row,) = form(broken).rows
    assert "no such" in row.text
    assert row.problem


@pytest.mark.parametrize("name", list(REGISTRY.signals))
def test_every_signal_kind_has_a_row(name: str) -> None:
    view = form(
        edited(("add", "signals", name), ("member", "entry", name if name != "funding" else "funding2"))
    )
    row = next(each for each in view.rows if each.node in (f"signals.{name}", "signals.funding2"))
    assert row.text
    assert row.help == REGISTRY.signals[name].help


def test_every_indicator_can_be_said() -> None:
    for name, declaration in REGISTRY.indicators.items():
        output = "" if declaration.main else f".{declaration.outputs[0]}"
        text = NEW + f'[indicators.it]\nuse = "{name}"\n[signals.s]\nuse = "trend"\nsource = "it{output}"\n'
        row = next(each for each in form(text).rows if each.name == "s")
        assert row.text
        assert "_" not in row.text, row.text


# What is missing ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        (NEW, "Still needed: a rule to enter by, such as rsi below 30."),
        (NEW.replace('["BTCUSDT"]', "[]"), "Still needed: a symbol to trade, such as BTCUSDT, and a rule to enter by, "
         "such as rsi below 30."),
        (with_rules(("entry", "rsi below 30")), ""),
        (HAND_WRITTEN, ""),
        (with_rules(("entry", "adx above 20")), "No rule of the entry says long or short yet"),
    ],
)  # fmt: skip
def test_a_strategy_that_is_only_begun_says_what_it_needs(text: str, missing: str) -> None:
    view = form(text)
    assert view.missing == missing or (missing and view.missing.startswith(missing))


def test_a_text_that_is_no_toml_is_a_form_with_one_problem() -> None:
    view = form("[strategy\n")
    assert (view.sections, view.rows, len(view.problems)) == ((), (), 1)
    assert view.problems[0].line == 1


@pytest.mark.parametrize("text", ["", "x = 1\n", "[entry]\nsignals = 3\n", "entry = 5\n", "[signals]\na = 1\n",
                                  "[signals.a]\nuse = 4\n[entry]\nsignals = [1, []]\n", "[risk]\ntake_profit = 4\n",
                                  '[strategy]\nsymbols = 7\ntimeframe = []\n[groups.g]\nsignals = {}\n'])  # fmt: skip
def test_no_document_breaks_the_form(text: str) -> None:
    view = form(text)
    assert view.sections
    assert view.errors


# How fast ----------------------------------------------------------------------------------------------------


def large(count: int) -> str:
    """A strategy of `count` indicators and as many signals."""
    parts = [NEW.replace("signals = []", f"signals = {[f's{n}' for n in range(count)]}".replace("'", '"'))]
    parts += [f'[indicators.e{n}]\nuse = "ema"\nlength = {n + 5}\n' for n in range(count)]
    parts += [f'[signals.s{n}]\nuse = "cross"\na = "close"\nb = "e{n}"\n' for n in range(count)]
    return "\n".join(parts)


def fastest(work: Any) -> float:
    """Milliseconds of processor time of the best of some tries."""
    best = float("inf")
    for _ in range(5):
        start = time.process_time()
        work()
        best = min(best, time.process_time() - start)
    return best * 1000


def test_two_hundred_components_are_a_form_within_50_ms_and_a_usual_strategy_within_5() -> None:
    """Twice the bars: a machine of tests may be slow; `tests/bench` holds the figures themselves."""
    text = large(100)
    assert tomllib.loads(text)["signals"]["s99"]
    assert fastest(lambda: form(text)) < 100
    assert fastest(lambda: form(HAND_WRITTEN)) < 10
