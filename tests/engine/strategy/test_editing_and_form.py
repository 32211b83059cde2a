"""The form of a strategy: made from the declarations, edits keep the text a person wrote."""

from __future__ import annotations

import pytest

from tradebot.engine.control.errors import InputError
from tradebot.engine.strategy import builtin_registry, parse_strategy
from tradebot.engine.strategy.editing import apply_edit
from tradebot.engine.strategy.form import build_form, component_choices
from tradebot.engine.strategy.form_types import FormEdit, FormField, FormSection, FormView

REGISTRY = builtin_registry()
TEXT = """\
# my favourite
[strategy]
name = "Cross"           # seen in the list
symbols = ["BTCUSDT"]
timeframe = "15m"

[indicators.fast]
use = "ema"
length = 21              # three weeks
[indicators.slow]
use = "ema"
length = 89

[signals.trend]
use = "cross"
a = "fast"
b = "slow"

[entry]
combine = "any"
signals = ["trend"]

[risk]
stop_loss = { use = "percent", percent = 3.0 }
take_profit = [{ use = "percent", percent = 9.0 }]
"""


def edited(*edits: tuple[str, str, str], text: str = TEXT) -> str:
    for action, path, value in edits:
        text = apply_edit(text, FormEdit(action, path, value), REGISTRY)
    return text


def form(text: str = TEXT) -> FormView:
    return build_form(text, REGISTRY, ("BTCUSDT", "ETHUSDT"))


def field(view: FormView, path: str) -> FormField:
    return next(each for section in view.sections for each in section.fields if each.path == path)


def section(view: FormView, path: str) -> FormSection:
    return next(each for each in view.sections if each.path == path)


def test_every_declared_parameter_of_every_node_has_a_field() -> None:
    for choice in component_choices(REGISTRY):
        text = edited(("add", choice.kind, choice.name))
        view = form(text)
        added = next(
            each
            for each in view.sections
            if each.removable and each.path not in {s.path for s in form().sections}
        )
        family = REGISTRY.family("combinations" if choice.kind == "groups" else choice.kind)
        shown = {each.path.rsplit(".", 1)[1] for each in added.fields}
        assert {parameter.name for parameter in family[choice.name].parameters} <= shown


def test_an_edit_changes_one_value_and_keeps_comments_and_everything_else() -> None:
    text = edited(("set", "indicators.fast.length", "34"))
    assert text == TEXT.replace("length = 21", "length = 34")


def test_values_are_written_in_their_own_type() -> None:
    text = edited(
        ("set", "strategy.symbols", "BTCUSDT, ETH*"),
        ("set", "risk.stop_loss.percent", "2.5"),
        ("set", "risk.max_bars", "48"),
        ("set", "signals.trend.invert", "true"),
        ("set", "risk.take_profit.1.percent", "7"),
    )
    spec = parse_strategy(text)
    assert spec.symbols == ("BTCUSDT", "ETH*")
    assert spec.risk.stop_loss is not None
    assert spec.risk.stop_loss.number("percent") == 2.5
    assert spec.risk.max_bars == 48
    assert spec.signals["trend"].invert is True
    assert spec.risk.take_profit[0].number("percent") == 7


def test_an_empty_text_lets_the_default_hold() -> None:
    text = edited(("set", "indicators.fast.length", ""))
    assert parse_strategy(text).indicators["fast"].parameters["length"] == 20
    assert field(form(text), "indicators.fast.length").default == "20"


def test_what_was_typed_wrong_is_kept_and_said_under_its_field() -> None:
    view = form(edited(("set", "indicators.fast.length", "many")))
    wrong = field(view, "indicators.fast.length")
    assert wrong.text == "many"
    assert wrong.problem == 'must be a whole number from 2 to 100000, but is the text "many"'
    assert view.errors == 1


def test_renaming_a_node_is_followed_by_everything_that_names_it() -> None:
    text = edited(("set", "indicators.fast.@name", "quick"), ("set", "signals.trend.@name", "turn"))
    spec = parse_strategy(text)
    assert spec.signals["turn"].parameters["a"] == "quick"
    assert spec.entry.rule.signals == ("turn",)


@pytest.mark.parametrize("name", ["slow", "trend", "no way", "", "9lives"])
def test_a_name_that_is_taken_or_impossible_is_refused(name: str) -> None:
    with pytest.raises(InputError):
        edited(("set", "indicators.fast.@name", name))


def test_removing_a_signal_removes_it_from_every_list() -> None:
    text = edited(
        ("add", "signals", "compare"),
        ("set", "entry.signals", "trend, compare"),
        ("set", "exit.signals", "compare"),
        ("remove", "signals.compare", ""),
    )
    spec = parse_strategy(text)
    assert spec.entry.rule.signals == ("trend",)
    assert spec.exit is None


def test_switching_off_and_on_again_gives_the_same_text() -> None:
    once = edited(("toggle", "signals.trend", ""))
    assert section(form(once), "signals.trend").enabled is False
    assert edited(("toggle", "signals.trend", ""), text=once) == TEXT


def test_an_optional_table_is_chosen_and_taken_away() -> None:
    without = edited(("option", "risk.stop_loss", "none"), ("set", "risk.take_profit", "none"))
    spec = parse_strategy(without)
    assert spec.risk.stop_loss is None
    assert spec.risk.take_profit == ()
    back = edited(("option", "risk.stop_loss", "percent"), text=without)
    assert field(form(back), "risk.stop_loss.percent").text == "2"  # what is usual, to be changed


def test_a_series_field_offers_what_may_be_named_but_not_itself() -> None:
    text = edited(("add", "indicators", "macd"))
    choices = field(form(text), "signals.trend.a").choices
    assert {"close", "hl2", "fast", "slow", "macd.signal"} <= set(choices)
    assert "fast" not in field(form(text), "indicators.fast.source").choices


def test_a_text_that_is_no_toml_is_a_form_with_one_problem_and_cannot_be_edited() -> None:
    view = form("[strategy\n")
    assert view.sections == ()
    assert view.errors == 1
    with pytest.raises(InputError, match="not valid TOML"):
        edited(("toggle", "signals.trend", ""), text="[strategy\n")


@pytest.mark.parametrize(
    ("action", "path", "text"),
    [
        ("add", "risk", "ema"),
        ("add", "indicators", "nonsense"),
        ("remove", "indicators.nobody", ""),
        ("toggle", "risk.stop_loss", ""),
        ("fly", "risk", ""),
    ],
)
def test_an_edit_that_makes_no_sense_is_refused(action: str, path: str, text: str) -> None:
    with pytest.raises(InputError):
        edited((action, path, text))
