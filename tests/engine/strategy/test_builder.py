"""The builder says everything that a file may say, and edits a file's text without touching what it does not change."""

from __future__ import annotations

import doctest
import inspect
import keyword
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import REPOSITORY
from tests.engine.strategy.helpers import REGISTRY, builder
from tests.engine.strategy.test_building import documents
from tradebot.engine.strategy import (
    StrategyBuilder,
    StrategyError,
    TopSymbols,
    check_document,
    levels,
    parse_strategy,
)
from tradebot.engine.strategy import builder as builder_module

FILES = sorted((REPOSITORY / "config").glob("*/*.toml"))
TEXT = """# A strategy written by hand.

[strategy]                      # the head
name = 'single "quotes"'
symbols = ["BTCUSDT",           # the first
           "ETHUSDT"]           # the second
timeframe = "1h"

[indicators.fast]
use="ema"       # no blanks around the sign
length   = 9

# About the rule.
[signals.up]
use = "cross"
a = "close"
b = "fast"

[entry]
signals = ["up"]
combine = "any"                 # after the list

[risk]
stop_loss = { use = "percent", percent = 2 }   # two percent
take_profit = [
    { use = "percent", percent = 4 },          # the first target
]
max_bars = 48
# the end
"""


@pytest.mark.parametrize("module", [builder_module, levels], ids=lambda module: module.__name__)
def test_the_examples_in_the_documentation_run(module: Any) -> None:
    result = doctest.testmod(module)
    assert result.attempted > 0
    assert result.failed == 0


# What it can say --------------------------------------------------------------------------------------


def test_every_value_that_a_kind_declares_can_be_said() -> None:
    """No declared name is one that Python, or the builder's own arguments, take for themselves."""
    methods = {
        "indicators": StrategyBuilder.indicator, "signals": StrategyBuilder.signal,
        "sizings": StrategyBuilder.sizing, "stops": StrategyBuilder.stop_loss,
        "targets": StrategyBuilder.take_profit, "trailings": StrategyBuilder.trailing_stop,
        "offsets": StrategyBuilder.orders, "spacings": StrategyBuilder.pyramiding,
    }  # fmt: skip
    for family, method in methods.items():
        own = set(inspect.signature(method).parameters) - {
            "values",
            "share_percent",
            "start_percent",
            "start_r",
        }
        for declaration in REGISTRY.family(family).values():
            names = {parameter.name for parameter in declaration.parameters}
            assert not names & own, (declaration.name, names & own)
            assert all(name.isidentifier() and not keyword.iskeyword(name) for name in names)


def test_every_key_of_the_sections_can_be_said() -> None:
    said = {
        "strategy": [StrategyBuilder.market], "risk": [StrategyBuilder.risk, StrategyBuilder.limits],
        "costs": [StrategyBuilder.costs], "orders": [StrategyBuilder.orders],
    }  # fmt: skip
    own = {"sizing", "stop_loss", "take_profit", "trailing_stop", "break_even", "loss_streak", "pyramiding"}
    for section, methods in said.items():
        given_ = {name for method in methods for name in inspect.signature(method).parameters}
        assert {each.name for each in REGISTRY.sections[section].parameters} <= given_ | own
    assert all(hasattr(StrategyBuilder, name) for name in own)


def test_a_later_call_changes_only_what_it_gives() -> None:
    made = builder().signal("up", "cross", a="close", b="open").entry("any", ["up"])
    made.risk(direction="long", max_bars=5).risk(leverage=2).limits(max_positions=3)
    made.costs(taker_fee_percent=0.1).costs(funding=False).market(timeframe="4h")
    spec = made.limits(max_drawdown_percent=20).build()
    assert (spec.risk.direction, spec.risk.max_bars, spec.risk.leverage) == ("long", 5, 2.0)
    assert (spec.risk.max_positions, spec.risk.max_drawdown_percent) == (3, 20.0)
    assert (spec.costs.taker_fee_percent, spec.costs.funding) == (0.1, False)
    assert (spec.symbols, spec.timeframe.value) == (("BTCUSDT",), "4h")


def test_targets_add_up_and_can_be_taken_away() -> None:
    made = builder().signal("up", "cross", a="close", b="open").entry("any", ["up"])
    made.take_profit("percent", percent=1).take_profit("percent", percent=2, share_percent=40)
    shares = [target.number("share_percent") for target in made.build().risk.take_profit]
    assert shares == [60.0, 40.0]
    made.remove("risk.take_profit.1")
    assert [target.number("percent") for target in made.build().risk.take_profit] == [2.0]
    assert made.remove("risk.take_profit").build().risk.take_profit == ()


def test_the_largest_symbols() -> None:
    made = StrategyBuilder("t", symbols=TopSymbols(20), timeframe="1h")
    spec = made.signal("up", "cross", a="close", b="open").entry("any", ["up"]).build()
    assert (spec.symbols, spec.top) == ((), TopSymbols(20, "turnover"))
    assert 'symbols = { top = 20, by = "turnover" }' in spec.to_toml()
    assert made.market(symbols=["ETHUSDT"]).build().top is None


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("strategy.name.x", 1),
        ("risk.take_profit.2", {}),
        ("risk.take_profit.0.percent", 1),
        ("risk.take_profit.first.percent", 1),
        ("strategy.symbols.3", "X"),
    ],
)
def test_a_path_that_leads_nowhere(path: str, value: Any) -> None:
    made = StrategyBuilder.from_toml(TEXT)
    with pytest.raises(KeyError):
        made.set(path, value)
    with pytest.raises(KeyError):
        made.remove(path)
    assert made.to_toml() == TEXT


def test_a_value_that_is_set_stays_ones_own() -> None:
    members = ["up"]
    made = StrategyBuilder.from_toml(TEXT).set("entry.signals", members)
    members.append("other")
    assert made.document()["entry"]["signals"] == ["up"]


# A text that is edited --------------------------------------------------------------------------------


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_file_goes_through_the_builder_byte_for_byte(path: Path) -> None:
    text = path.read_bytes().decode("utf-8")
    assert StrategyBuilder.from_toml(text).to_toml() == text
    assert StrategyBuilder.from_toml(text).document() == tomllib.loads(text)


@pytest.mark.parametrize(
    "path", [path for path in FILES if path.parent.name == "strategies"], ids=lambda path: path.stem
)
def test_an_example_goes_through_the_builder(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert StrategyBuilder.from_toml(text).build() == parse_strategy(text)


@pytest.mark.parametrize(
    "text", [TEXT, TEXT.replace("\n", "\r\n"), "\ufeff" + TEXT, "", "# nothing\n", TEXT + "\n\n\n"]
)
def test_any_text_stays_as_it_is(text: str) -> None:
    assert StrategyBuilder.from_toml(text).to_toml() == text


def edited(old: str, new: str) -> str:
    assert TEXT.count(old) == 1
    return TEXT.replace(old, new)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda made: made.set("indicators.fast.length", 21), edited("length   = 9", "length   = 21")),
        (lambda made: made.market(timeframe="4h"), edited('"1h"', '"4h"')),
        (lambda made: made.risk(max_bars=96), edited("max_bars = 48", "max_bars = 96")),
        (
            lambda made: made.stop_loss("percent", percent=3),
            edited('{ use = "percent", percent = 2 }', '{ use = "percent", percent = 3 }'),
        ),
        (
            lambda made: made.set("risk.take_profit.1.percent", 5.5),
            edited('{ use = "percent", percent = 4 }', '{ use = "percent", percent = 5.5 }'),
        ),
        (lambda made: made.entry("any", ["up"]), TEXT),
        (lambda made: made.set("entry.combine", "unanimous"), edited('"any" ', '"unanimous" ')),
        (lambda made: made.remove("risk.max_bars"), edited("max_bars = 48\n", "")),
    ],
)  # fmt: skip
def test_a_change_is_made_in_its_place(change: Any, expected: str) -> None:
    made = change(StrategyBuilder.from_toml(TEXT))
    assert made.to_toml() == expected
    windows = change(StrategyBuilder.from_toml(TEXT.replace("\n", "\r\n")))
    assert windows.to_toml() == expected.replace("\n", "\r\n")


def remarks(text: str) -> list[str]:
    return [line[line.index("#") :] for line in text.splitlines() if "#" in line]


def test_new_parts_leave_every_remark_in_its_place() -> None:
    made = StrategyBuilder.from_toml(TEXT)
    made.indicator("slow", "ema", length=50).signal(
        "strong", "compare", a="fast", op=">", b="slow", supports="direction"
    )
    made.entry("unanimous", ["up", "strong"]).exit("any", ["up"]).risk(leverage=2, cooldown_bars=3)
    made.take_profit("percent", percent=9).costs(funding=False).orders("limit", valid_bars=2)
    text = made.to_toml()
    assert remarks(text) == remarks(TEXT)
    assert tomllib.loads(text) == made.document()
    assert parse_strategy(text) == made.build()
    assert text.index("[indicators.fast]") < text.index("[indicators.slow]") < text.index("[signals.up]")


def test_a_node_that_is_taken_away_takes_its_own_lines_with_it() -> None:
    made = StrategyBuilder.from_toml(TEXT).remove("signals.up").signal("down", "cross", a="fast", b="close")
    text = made.entry("any", ["down"]).to_toml()
    assert "[signals.up]" not in text
    assert "# the head" in text
    assert parse_strategy(text) == made.build()


def test_a_name_of_the_file_is_given_once() -> None:
    with pytest.raises(ValueError, match="fast"):
        StrategyBuilder.from_toml(TEXT).indicator("fast", "sma")


def test_a_text_that_is_no_toml_is_refused_with_its_line() -> None:
    with pytest.raises(StrategyError) as raised:
        StrategyBuilder.from_toml("[strategy]\nname =\n", "mine.toml")
    assert raised.value.sentence.startswith("mine.toml:2: is not valid TOML at column 7: expected a value")


@pytest.mark.parametrize("text", ["", "strategy = 3\n", "[strategy]\n"])
def test_a_text_that_is_no_strategy_yet_is_for_the_check_to_say(text: str) -> None:
    with pytest.raises(StrategyError) as raised:
        StrategyBuilder.from_toml(text).build()
    assert "strategy" in raised.value.sentence


# Any strategy -----------------------------------------------------------------------------------------


@given(documents(), st.data())
@settings(max_examples=60, deadline=None)
def test_from_text_to_builder_to_text_nothing_is_lost(document: dict[str, Any], data: st.DataObject) -> None:
    spec = check_document(document).spec
    if spec is None:
        return
    text = spec.to_toml()
    made = StrategyBuilder.from_toml(text)
    assert made.to_toml() == text
    assert made.build() == spec
    bars = data.draw(st.integers(1, 99))
    made.risk(max_bars=bars).indicator("added", "sma", length=7).costs(impact=0.5)
    changed = made.to_toml()
    assert tomllib.loads(changed) == made.document()
    assert parse_strategy(changed) == made.build()
    assert made.build().risk.max_bars == bars


SPREAD = """# top
[strategy]
name = "t" # a
symbols = ["BTCUSDT"]
timeframe = "1h"
[signals]
up = { use = "cross", a = "close", b = "open" } # b
[entry]
combine = "any"
signals = ["up"]
[risk]
max_bars = 5 # c
[risk.stop_loss] # d
use = "percent"
percent = 2
[[risk.take_profit]] # e
use = "percent"
percent = 2 # f
[[risk.take_profit]] # g
use = "percent"
percent = 4
[costs]
funding = false # h
"""


@pytest.mark.parametrize(
    ("change", "gone"),
    [
        (lambda made: made.stop_loss("percent", percent=3), ""),
        (lambda made: made.stop_loss("atr", length=9), ""),
        (lambda made: made.take_profit("percent", percent=9), ""),
        (lambda made: made.set("risk.take_profit.2.percent", 5), ""),
        (lambda made: made.remove("risk.take_profit.1"), "ef"),
        (lambda made: made.remove("risk.take_profit"), "efg"),
        (lambda made: made.signal("down", "cross", a="open", b="close"), ""),
        (lambda made: made.set("signals.up.a", "hl2"), ""),
        (lambda made: made.orders("limit").risk(leverage=2), ""),
        (lambda made: made.remove("costs"), "h"),
    ],
)
def test_tables_written_as_sections_are_changed_as_such(change: Any, gone: str) -> None:
    made = change(StrategyBuilder.from_toml(SPREAD))
    text = made.to_toml()
    assert tomllib.loads(text) == made.document()
    assert [remark for remark in remarks(SPREAD) if remark[2:] not in gone or remark == "# top"] == remarks(
        text
    )
    assert len(text.splitlines()) - len(SPREAD.splitlines()) < 7
