"""Whatever stands in a file, a document or a value that is set: sentences with their place, and never a traceback."""

from __future__ import annotations

import copy
import datetime
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.engine.strategy.helpers import REGISTRY
from tests.engine.strategy.test_building import documents
from tradebot.engine.strategy import (
    CheckedStrategy,
    StrategyBuilder,
    check_document,
    check_strategy,
    describe,
    settable_paths,
)
from tradebot.engine.strategy.writing import document_to_toml

_NASTY = (
    *(
        "ema",
        "cross",
        "any",
        "close",
        "alpha",
        "percent",
        "weighted",
        "at_least",
        "use",
        "",
        ".",
        "a.b",
        "\x00",
    ),
    *(0, -1, 10**25, 10**400, 2**63, 1e308, -1e308, 5e-324, float("nan"), float("inf"), -0.0, True, None),
    *(datetime.date(2024, 1, 1), datetime.time(1, 2), [], {}, [[]], [{}], {"use": {}}, {"use": ["percent"]}),
)
_JUNK = st.recursive(
    st.one_of(st.sampled_from(_NASTY), st.integers(), st.floats(), st.text(max_size=8)),
    lambda inside: st.one_of(
        st.lists(inside, max_size=3),
        st.dictionaries(
            st.one_of(
                st.sampled_from(
                    (
                        "use",
                        "length",
                        "source",
                        "signals",
                        "combine",
                        "a",
                        "b",
                        "weights",
                        "k",
                        "percent",
                        "series",
                    )
                ),
                st.sampled_from(
                    ("multiple", "share_percent", "start_r", "at_r", "low", "high", "step", "top", "by")
                ),
                st.text(max_size=5),
            ),
            inside,
            max_size=4,
        ),
    ),
    max_leaves=20,
)
_SECTIONS = st.sampled_from(
    (
        "strategy",
        "indicators",
        "signals",
        "groups",
        "entry",
        "exit",
        "orders",
        "risk",
        "costs",
        "optimize",
        "x",
    )
)
_INTERNAL = re.compile(r"Traceback|Error\b|object at 0x|<class|NoneType|\bdict\b|\bNone\b")


def assert_sentences(checked: CheckedStrategy) -> None:
    """A strategy or errors, and every problem a clause with a place that a person can read."""
    assert (checked.spec is None) == bool(checked.errors)
    for problem in checked.problems:
        assert problem.sentence
        assert not _INTERNAL.search(problem.sentence), problem.sentence
        assert len(problem.sentence) <= 600
        assert "\n" not in problem.render(checked.file)
    if checked.spec is not None:
        assert describe(checked.spec).endswith(".")


@given(st.dictionaries(_SECTIONS, _JUNK, max_size=11))
@settings(max_examples=100, deadline=None)
def test_no_document_breaks_the_check(document: dict[str, Any]) -> None:
    checked = check_document(document)
    assert checked.errors
    assert_sentences(checked)


def damage(table: Any, data: st.DataObject) -> None:
    """Replace, drop or add something at a place somewhere inside."""
    while True:
        keys = list(table) if isinstance(table, dict) else list(range(len(table)))
        if not keys:
            return
        key = data.draw(st.sampled_from(keys))
        if isinstance(table[key], dict | list) and table[key] and data.draw(st.integers(0, 2)):
            table = table[key]
            continue
        action = data.draw(st.sampled_from(("replace", "replace", "drop", "add", "double")))
        if action == "drop":
            del table[key]
        elif action == "replace":
            table[key] = data.draw(_JUNK)
        elif isinstance(table, list):
            table.append(data.draw(_JUNK) if action == "add" else copy.deepcopy(table[key]))
        else:
            table[data.draw(st.text(max_size=6)) if action == "add" else f"{key}2"] = copy.deepcopy(
                table[key]
            )
        return


@given(documents(), st.data())
@settings(max_examples=50, deadline=None)
def test_no_damage_to_a_good_document_breaks_the_check(document: dict[str, Any], data: st.DataObject) -> None:
    damaged = copy.deepcopy(document)
    for _number in range(data.draw(st.integers(1, 3))):
        damage(damaged, data)
    assert_sentences(check_document(damaged))


@given(documents(), st.data())
@settings(max_examples=40, deadline=None)
def test_no_damage_to_a_good_text_breaks_the_check(document: dict[str, Any], data: st.DataObject) -> None:
    lines = document_to_toml(document).split("\n")
    for _number in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(lines) - 1))
        action = data.draw(st.sampled_from(("drop", "double", "swap", "insert", "cut")))
        if action == "drop" and len(lines) > 1:
            del lines[at]
        elif action == "double":
            lines.insert(at, lines[at])
        elif action == "swap":
            lines[at], lines[-1] = lines[-1], lines[at]
        else:
            place = data.draw(st.integers(0, len(lines[at])))
            new = (
                data.draw(st.text(alphabet="[]{}=\"'#,.\\-0e \tnaif\x00ä", max_size=4))
                if action == "insert"
                else ""
            )
            lines[at] = lines[at][:place] + new + lines[at][place + (action == "cut") :]
    assert_sentences(check_strategy("\n".join(lines)))


@given(st.text(max_size=60))
@settings(max_examples=100, deadline=None)
def test_no_text_breaks_the_check(text: str) -> None:
    checked = check_strategy(text)
    assert checked.errors
    assert_sentences(checked)


@given(documents(), st.data())
@settings(max_examples=30, deadline=None)
def test_no_value_that_is_set_breaks_the_check(document: dict[str, Any], data: st.DataObject) -> None:
    paths = sorted(settable_paths(document, REGISTRY))
    values = st.one_of(
        st.text(max_size=8),
        st.sampled_from(
            ("1", "-1", "nan", "inf", "1e999", "true", "[]", "{}", '["a"]', "{ top = 3 }", "9" * 30, "x\n[y]")
        ),
    )
    overrides = data.draw(st.dictionaries(st.sampled_from(paths), values, min_size=1, max_size=3))
    assert_sentences(check_strategy(document_to_toml(document), overrides=overrides))


# Strategies of every size -----------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 10, 100])
def test_a_strategy_of_many_parts(count: int) -> None:
    """Up to 200 components over five timeframes and 50 symbols, every length wrong: each is said, with its own line."""
    timeframes = ("1m", "5m", "15m", "1h", "4h")
    made = StrategyBuilder("many", symbols=[f"S{number}USDT" for number in range(50)], timeframe="1m")
    for number in range(count):
        made.indicator(f"i{number}", "ema", length=number + 2, timeframe=timeframes[number % 5])
        made.signal(f"s{number}", "cross", a="close", b=f"i{number}")
    text = made.entry("majority", [f"s{number}" for number in range(count)]).to_toml()
    assert check_strategy(text).problems == ()
    wrong = check_strategy(re.sub(r"length = \d+", "length = 0", text))
    assert [problem.path for problem in wrong.errors] == [
        f"indicators.i{number}.length" for number in range(count)
    ]
    assert len({problem.line for problem in wrong.errors}) == count


def test_names_are_given_once_over_signals_and_groups() -> None:
    made = StrategyBuilder("t", symbols=["BTCUSDT"], timeframe="1m").signal(
        "up", "cross", a="close", b="open"
    )
    document = made.entry("any", ["up"]).document()
    document["groups"] = {"up": {"combine": "any", "signals": ["up"]}}
    (problem,) = check_document(document).errors
    assert (problem.path, problem.sentence) == (
        "groups.up",
        'has the name of the signal "up"; both are named in the same lists',
    )


def test_a_section_given_twice_is_said_with_its_line() -> None:
    checked = check_strategy('[strategy]\nname = "a"\n[strategy]\nname = "b"\n', "s.toml")
    assert [problem.render("s.toml") for problem in checked.problems] == [
        "s.toml:3: is not valid TOML at column 10: this section is given a second time"
    ]
