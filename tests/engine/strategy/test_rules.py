"""Rule sentences: what a trader types, what it is read as, what it makes, and what is said where it cannot be read."""

from __future__ import annotations

import tomllib
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.engine.strategy.helpers import REGISTRY
from tests.engine.strategy.rule_sentences import PLACES, REFUSED, SENTENCES, TYPED
from tradebot.engine.control.errors import InputError
from tradebot.engine.market import Float64
from tradebot.engine.strategy import builtin_registry, indicator
from tradebot.engine.strategy.check import check_document
from tradebot.engine.strategy.editing import edit_strategy
from tradebot.engine.strategy.form_types import FormEdit
from tradebot.engine.strategy.rules import RuleLanguage, RuleParse, add_rule, parse_rule, suggest_rules

SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT")
EMPTY = """\
[strategy]
name = "New"
category = "linear"
symbols = ["BTCUSDT"]
timeframe = "15m"

[entry]
combine = "unanimous"
signals = []
"""


@cache
def language() -> RuleLanguage:
    return RuleLanguage(REGISTRY, SYMBOLS)


def document(direction: str = "", text: str = EMPTY) -> dict[str, Any]:
    made = tomllib.loads(text)
    return {**made, "risk": {"direction": direction}} if direction else made


def read(text: str, place: str = "entry", direction: str = "") -> RuleParse:
    parse = language().parse(text, document(direction), place)
    assert not parse.problem, f"{text!r}: {parse.problem}"
    return parse


def nodes(parse: RuleParse, section: str = "signals") -> dict[str, Any]:
    assert parse.document is not None
    return {
        path.split(".")[1]: parse.document[section][path.split(".")[1]]
        for path in parse.made
        if path.startswith(f"{section}.")
    }


def only(parse: RuleParse, section: str = "signals") -> dict[str, Any]:
    (node,) = nodes(parse, section).values()
    return dict(node)


def errors(parse: RuleParse, place: str = "entry") -> list[str]:
    """What the check says of the empty strategy with the rule in it."""
    assert parse.document is not None
    whole = dict(parse.document)
    whole["entry"] = {"combine": "any", "signals": list(parse.members)}
    if place == "exit":
        whole["exit"] = {"combine": "any", "signals": list(parse.members)}
    sections = {name: table for name, table in whole.items() if table}
    return [f"{each.path} {each.sentence}" for each in check_document(sections, registry=REGISTRY).errors]


# What is said in full ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("text", "words"), SENTENCES.items(), ids=list(SENTENCES))
def test_a_sentence_is_read_as_a_trader_means_it(text: str, words: str) -> None:
    parse = read(text)
    assert parse.words == words
    assert errors(parse) == []


@pytest.mark.parametrize("text", list(SENTENCES))
def test_what_a_row_says_of_a_rule_can_be_typed_again(text: str) -> None:
    """The clause for long (or for short where it is the only one) is itself a sentence that says the same."""
    words = read(text).words.split(" (Read")[0].rstrip(".")
    clause = (
        words.removeprefix("Needed for either side: ").removeprefix("Long when ").removeprefix("Short when ")
    )
    clause = clause.split(", short when ")[0]
    if any(part in clause for part in ("closes above its open", "the bar reaches", "at most 10 bars after")):
        return  # said in other words than those that are typed
    if text.startswith(("long when", "short if")) or ", short when" not in words:
        clause = f"long: {clause}" if words.startswith("Long") else clause
    again = read(clause if not words.startswith("Short") else f"short when {clause}")
    assert again.words.rstrip(".").split(", short when ")[0] == words.split(", short when ")[0]


@pytest.mark.parametrize(("said", "words"), PLACES.items(), ids=list(PLACES))
def test_the_place_and_the_direction_decide_which_side_a_rule_is_for(said: str, words: str) -> None:
    direction, place, text = said.split(" ", 2)
    parse = read(text, place, "" if direction == "both" else direction)
    assert parse.words == words
    assert errors(parse, place) == []


def test_rules_joined_by_and_are_one_condition_for_one_side() -> None:
    """By nature a close below an average is for short; beside "RSI below 30" the whole says when to go long."""
    parse = read("rsi below 30 and close below ema 200")
    assert parse.words == (
        "Long when RSI 14 below 30, short when RSI 14 above 70. "
        "Long when close below EMA 200, short when close above EMA 200."
    )
    assert len(parse.members) == 2


# What is made ------------------------------------------------------------------------------------------------


def test_rsi_below_30_makes_its_indicator_and_one_signal() -> None:
    parse = read("RSI below 30")
    assert parse.made == ("indicators.rsi_14", "signals.rsi_below")
    assert only(parse, "indicators") == {"use": "rsi", "length": 14}
    assert only(parse) == {"use": "threshold", "source": "rsi_14", "lower": 30, "upper": 70}


def test_a_strategy_that_opens_one_side_gets_no_level_that_was_not_said() -> None:
    assert only(read("rsi below 30", direction="long")) == {
        "use": "compare", "a": "rsi_14", "op": "<", "b": 30, "supports": "long",
    }  # fmt: skip


def test_nodes_are_named_by_what_they_are() -> None:
    assert list(nodes(read("ema 200 4h rising"), "indicators")) == ["ema_200_4h"]
    assert list(nodes(read("macd crosses signal"), "indicators")) == ["macd"]
    assert list(nodes(read("bb 20 2.5 breakout"), "indicators")) == ["bbands_20_2_5"]
    assert list(nodes(read("sma 9 of rsi above 50"), "indicators")) == ["rsi_14", "sma_rsi_14_9"]
    assert list(nodes(read("eth rsi below 30"), "indicators")) == ["rsi_14_ethusdt"]
    assert list(nodes(read("close crosses above ema 21"))) == ["close_crosses_above_ema"]


def test_an_equal_indicator_is_used_again_whatever_it_is_called() -> None:
    base = document(text=EMPTY + '[indicators.quick]\nuse = "ema"\nlength = 9\nsource = "close"\n')
    parse = language().parse("ema 9 crosses above ema 21", base, "entry")
    assert [path for path in parse.made if path.startswith("indicators")] == ["indicators.ema_21"]
    assert only(parse) == {"use": "cross", "a": "quick", "b": "ema_21"}


def test_the_strategys_own_series_are_known_by_their_names() -> None:
    base = document(
        text=EMPTY + '[indicators.bands]\nuse = "bbands"\n[indicators.Slow]\nuse = "ema"\nlength = 55\n'
    )
    assert only(language().parse("close above slow", base, "entry"))["b"] == "Slow"
    assert only(language().parse("close crosses above bands.middle", base, "entry"))["b"] == "bands.middle"


def test_a_rule_that_is_there_already_is_not_added_twice() -> None:
    made = document()
    add_rule(made, "entry", "ema 9 crosses above ema 21", REGISTRY)
    with pytest.raises(InputError, match="says that already"):
        add_rule(
            made, "entry", "ema 9 crosses below ema 21", REGISTRY
        )  # its mirror image: one signal has both
    assert made["entry"]["signals"] == ["ema_crosses_above_ema"]


def test_or_makes_a_group_where_the_place_wants_all_of_its_members() -> None:
    made = document()
    add_rule(made, "entry", "rsi below 30 or cci below -100", REGISTRY)
    assert made["entry"]["signals"] == ["any_of"]
    assert made["groups"]["any_of"] == {"combine": "any", "signals": ["rsi_below", "cci_below"]}
    add_rule(made, "exit", "rsi above 70 or close below ema 50", REGISTRY)
    assert made["exit"]["combine"] == "any"
    assert len(made["exit"]["signals"]) == 2


def test_a_rule_is_put_in_another_ones_place_and_takes_what_was_made_for_it_along() -> None:
    text = edit_strategy(EMPTY, FormEdit("rule", "entry", "rsi below 30"), REGISTRY).toml
    text = edit_strategy(text, FormEdit("rule", "entry", "adx above 25"), REGISTRY).toml
    edited = edit_strategy(text, FormEdit("rule", "entry.signals.1", "stochastic below 20"), REGISTRY)
    after = tomllib.loads(edited.toml)
    assert after["entry"]["signals"] == ["stochastic_below", "adx_above"]
    assert list(after["indicators"]) == ["adx_14", "stoch"]
    assert list(after["signals"]) == ["adx_above", "stochastic_below"]
    assert edited.focus == "entry.signals.1"


def test_the_first_exit_rule_begins_the_exit() -> None:
    edited = edit_strategy(EMPTY, FormEdit("rule", "exit", "rsi above 70"), REGISTRY)
    assert tomllib.loads(edited.toml)["exit"] == {"combine": "any", "signals": ["rsi_below"]}
    assert edited.said == "Closes a long when RSI 14 above 70, closes a short when RSI 14 below 30."


def test_twelve_keys_and_no_name_make_rsi_below_30_from_the_empty_form() -> None:
    sentence = "rsi below 30"
    assert len(sentence) == 12
    edited = edit_strategy(EMPTY, FormEdit("rule", "entry", sentence), REGISTRY)
    assert check_document(tomllib.loads(edited.toml), registry=REGISTRY).errors == ()


# Plug-ins ----------------------------------------------------------------------------------------------------


def test_a_plug_in_is_known_by_its_name_and_by_its_label() -> None:
    @indicator("wobble", "Wobble of the market", "A plug-in.", inputs=("close",), plot="below")
    def wobble(close: Float64) -> Float64:
        return close

    registry = builtin_registry()
    registry.add(wobble)
    for text in ("wobble above 3", "wobble of the market > 3"):
        parse = parse_rule(text, registry, document())
        assert parse.made == ("indicators.wobble", "signals.wobble_of_market_above"), parse.problem
    assert any("wobble" in each.text for each in suggest_rules("wob", registry, document()))


# What cannot be read -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("text", "problem"), REFUSED.items(), ids=[text[:40] for text in REFUSED])
def test_what_cannot_be_read_is_said_in_one_sentence(text: str, problem: str) -> None:
    parse = language().parse(text, document(), "entry")
    assert problem in parse.problem
    assert parse.problem.endswith((".", "?"))
    assert not parse.members
    assert not parse.made


def test_a_refused_sentence_changes_nothing() -> None:
    made = document()
    with pytest.raises(InputError, match="not understood"):
        add_rule(made, "exit", "foo below 30", REGISTRY)
    assert made == document()


# Suggestions -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", ["entry", "exit"])
@pytest.mark.parametrize("typed", TYPED)
def test_every_suggestion_is_a_sentence_that_makes_a_sound_document(typed: str, place: str) -> None:
    suggestions = language().suggest(typed, document(), place)
    assert suggestions, typed
    for suggestion in suggestions:
        parse = read(suggestion.text, place)
        assert parse.words == suggestion.label
        assert errors(parse, place) == [], suggestion.text
        assert suggestion.help
    assert len({each.label for each in suggestions}) == len(suggestions)


@pytest.mark.parametrize(
    ("typed", "suggested"),
    [
        ("rsi", "rsi below 30"),
        ("rsi below", "rsi below 30"),
        ("bol", "close below lower bollinger"),
        ("close above", "close above ema 200"),
        ("ema 200 4h", "ema 200 4h rising"),
        ("macd", "macd crosses above signal"),
        ("long when rs", "long when rsi below 30"),
        ("rsi below 30 and ad", "rsi below 30 and adx above 25"),
        ("rsi below 30 w", "rsi below 30 within 5 bars"),
        ("vol", "volume above 1.5x average 20"),
        ("golden", "golden cross"),
        ("", "rsi below 30"),
        ("no such thing", "rsi below 30"),
    ],
)
def test_what_a_trader_would_go_on_with_is_suggested(typed: str, suggested: str) -> None:
    assert suggested in [each.text for each in language().suggest(typed, document(), "entry")]


def test_the_strategys_own_series_are_suggested() -> None:
    base = document(text=EMPTY + '[indicators.slow]\nuse = "ema"\nlength = 55\n')
    assert "close above slow" in [each.text for each in language().suggest("", base, "entry")]


# Whatever is typed -------------------------------------------------------------------------------------------

_PHRASES = sorted({" ".join(phrase) for phrase in RuleLanguage(REGISTRY).vocabulary.phrases})
_PIECES = st.one_of(
    st.sampled_from(_PHRASES),
    st.sampled_from(
        ["30", "-100", "1.5x", "2%", "4h", "20 bars", "(", ")", ",", "<", ">=", "ethusdt", "within 5 bars"]
    ),
)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(_PIECES, min_size=1, max_size=7),
    st.sampled_from(["entry", "exit"]),
    st.sampled_from(["", "long"]),
)
def test_every_sentence_that_is_read_gives_a_document_that_checks(
    pieces: list[str], place: str, direction: str
) -> None:
    text = " ".join(pieces)
    parse = language().parse(text, document(direction), place)
    if parse.problem:
        assert not parse.members
    else:
        assert parse.words, text
        assert errors(parse, place) == [], text


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=60))
def test_no_text_breaks_the_language(text: str) -> None:
    parse = language().parse(text, document(), "entry")
    assert bool(parse.problem) != bool(parse.members)


@pytest.mark.parametrize("name", list(REGISTRY.indicators))
def test_every_indicator_can_be_said_by_its_name_and_by_its_label(name: str) -> None:
    declaration = REGISTRY.indicators[name]
    if name in ("pattern", "price"):
        return  # said by the pattern's name, and by the column's
    output = "" if declaration.main else declaration.outputs[0].replace("_", " ")
    for said in (name.replace("_", " "), declaration.label):  # also "Previous day, week or month"
        series = f"{output} {said}" if output in ("upper", "high", "long") else f"{said} {output}".strip()
        parse = language().parse(f"{series} rising", document(), "entry")
        assert not parse.problem, f"{series}: {parse.problem}"
        assert any(node["use"] == name for node in nodes(parse, "indicators").values()), series


SAID_BY_WHAT_THEY_DO = {"compare", "threshold", "between", "outside", "cross", "relative_strength"}
"""Such as "rsi below 30" and "stronger than ethusdt"; rules over other rules are said around those: "within 5 bars"."""


@pytest.mark.parametrize("name", list(REGISTRY.signals))
def test_every_signal_kind_can_be_said_by_its_label(name: str) -> None:
    declaration = REGISTRY.signals[name]
    if declaration.member_parameters or name in SAID_BY_WHAT_THEY_DO:
        return
    parse = language().parse(declaration.label, document(), "entry")
    assert not parse.problem, f"{declaration.label}: {parse.problem}"
    assert only(parse)["use"] in (name, "compare"), declaration.label
