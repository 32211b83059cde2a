# Sentences stand whole, so that they can be searched for.
# ruff: noqa: E501
"""Values set by their path: `--set risk.stop_loss.percent=2.5`."""

from __future__ import annotations

import tomllib

import pytest

from tradebot.engine.strategy import (
    StrategyError,
    apply_overrides,
    builtin_registry,
    check_strategy,
    parse_strategy,
    settable_paths,
)
from tradebot.engine.strategy.overrides import rewrite
from tradebot.engine.strategy.toml_text import TomlText, read_toml

TEXT = """# my strategy
[strategy]
name = "t"           # its name
symbols = ["BTCUSDT"]
timeframe = "1h"

[indicators.fast]
use = "ema"
length = 9           # short

[signals.up]
use = "compare"
a = "fast"
b = "close"

[signals.down]
use = "cross"
a = "close"
b = 3

[entry]
combine = "weighted"
signals = ["up", "down"]
threshold = 0.5

[risk]
take_profit = [{ use = "percent", percent = 4 }]
"""


def test_a_value_is_replaced_and_the_rest_of_the_file_stays() -> None:
    assert apply_overrides(TEXT, {"indicators.fast.length": "21"}) == TEXT.replace(
        "length = 9 ", "length = 21 "
    )


@pytest.mark.parametrize(
    ("path", "value", "read"),
    [
        ("indicators.fast.length", "21", lambda spec: spec.indicators["fast"].parameters["length"] == 21),
        ("indicators.fast.source", "hl2", lambda spec: spec.indicators["fast"].parameters["source"] == "hl2"),
        ("indicators.fast.use", "sma", lambda spec: spec.indicators["fast"].use == "sma"),
        ("signals.down.b", "4.5", lambda spec: spec.signals["down"].parameters["b"] == 4.5),
        ("signals.down.b", '"fast"', lambda spec: spec.signals["down"].parameters["b"] == "fast"),
        ("signals.down.invert", "true", lambda spec: spec.signals["down"].invert),
        ("signals.down.enabled", "false", lambda spec: not spec.signals["down"].enabled),
        ("entry.threshold", "1", lambda spec: spec.entry.rule.parameters["threshold"] == 1.0),
        ("entry.weights.up", "3", lambda spec: spec.entry.rule.weights == {"up": 3.0}),
        ("entry.signals", '["up"]', lambda spec: spec.entry.rule.signals == ("up",)),
        ("entry.signals", "up", lambda spec: spec.entry.rule.signals == ("up",)),
        ("entry.trigger", "edge", lambda spec: spec.entry.trigger == "edge"),
        ("strategy.timeframe", "15m", lambda spec: spec.timeframe.value == "15m"),
        ("strategy.name", "2024", lambda spec: spec.name == "2024"),
        ("strategy.symbols", "BTCUSDT, ETH*", lambda spec: spec.symbols == ("BTCUSDT", "ETH*")),
        ("strategy.category", "spot", lambda spec: spec.category.value == "spot"),
        ("risk.max_bars", "48", lambda spec: spec.risk.max_bars == 48),
        ("risk.direction", "long", lambda spec: spec.risk.direction == "long"),
        ("risk.stop_loss.percent", "2.5", lambda spec: spec.risk.stop_loss.number("percent") == 2.5),
        ("risk.sizing.amount", "100", lambda spec: spec.risk.sizing.use == "notional"),
        ("risk.sizing.percent", "10", lambda spec: spec.risk.sizing.number("percent") == 10.0),
        ("risk.take_profit.percent", "6", lambda spec: spec.risk.take_profit[0].number("percent") == 6.0),
        ("risk.take_profit.1.percent", "6", lambda spec: spec.risk.take_profit[0].number("percent") == 6.0),
        ("costs.funding", "false", lambda spec: spec.costs.funding is False),
        ("costs.taker_fee_percent", "0", lambda spec: spec.costs.taker_fee_percent == 0.0),
    ],
)
def test_every_kind_of_value(path: str, value: str, read: object) -> None:
    text = apply_overrides(TEXT, {path: value})
    assert read(parse_strategy(text))
    assert text.startswith("# my strategy\n")
    assert "# its name" in text or path == "strategy.name"
    checked = check_strategy(TEXT, overrides={path: value})
    assert checked.spec == parse_strategy(text)
    assert checked.text == text


@pytest.mark.parametrize(
    "text",
    [
        TEXT.replace('[{ use = "percent", percent = 4 }]', '{ use = "percent", percent = 4 }'),
        TEXT.replace(
            'take_profit = [{ use = "percent", percent = 4 }]', '[risk.take_profit]\nuse="percent"\npercent=4'
        ),
        TEXT.replace(
            'take_profit = [{ use = "percent", percent = 4 }]',
            '[[risk.take_profit]]\nuse="percent"\npercent=4',
        ),
        TEXT.replace('take_profit = [{ use = "percent", percent = 4 }]', ""),
    ],
)
@pytest.mark.parametrize("path", ["risk.take_profit.percent", "risk.take_profit.1.percent"])
def test_a_target_is_set_however_it_is_written(text: str, path: str) -> None:
    spec = parse_strategy(apply_overrides(text, {path: "7.5"}))
    assert [target.number("percent") for target in spec.risk.take_profit] == [7.5]


LEVELS = TEXT.replace(
    "[risk]\n",
    """[orders]
entry = "limit"      # better than the close
offset = { use = "percent", percent = 0.1 }

[risk]
stop_loss = { use = "percent", percent = 2 }   # two percent
""",
).replace(
    'take_profit = [{ use = "percent", percent = 4 }]',
    'take_profit = [\n  { use = "r", multiple = 1, share_percent = 50 }, # the first\n  { use = "r", multiple = 3 },\n]',
)


@pytest.mark.parametrize(
    ("path", "value", "read"),
    [
        ("strategy.execution", "1m", lambda spec: spec.execution.value == "1m"),
        ("strategy.symbols.top", "20", lambda spec: (spec.symbols, spec.top.top, spec.top.by) == ((), 20, "turnover")),
        ("strategy.symbols", "{ top = 5 }", lambda spec: spec.top.top == 5),
        ("orders.entry", "stop", lambda spec: spec.orders.entry == "stop"),
        ("orders.offset.percent", "0.5", lambda spec: spec.orders.offset.number("percent") == 0.5),
        ("orders.valid_bars", "4", lambda spec: spec.orders.valid_bars == 4),
        ("risk.leverage", "5", lambda spec: spec.risk.leverage == 5.0),
        ("risk.stop_loss.use", "atr", lambda spec: spec.risk.stop_loss.parameters == {"length": 14, "multiple": 2.0}),
        ("risk.sizing.use", "kelly", lambda spec: spec.risk.sizing.number("fraction") == 0.5),
        ("risk.take_profit.1.multiple", "1.5", lambda spec: spec.risk.take_profit[0].number("multiple") == 1.5),
        ("risk.take_profit.2.multiple", "4", lambda spec: spec.risk.take_profit[1].number("multiple") == 4.0),
        ("risk.take_profit.2.share_percent", "20", lambda spec: spec.risk.take_profit[1].number("share_percent") == 20.0),
        ("risk.trailing_stop.percent", "3", lambda spec: spec.risk.trailing_stop.use == "percent"),
        ("risk.trailing_stop.multiple", "3", lambda spec: spec.risk.trailing_stop.use == "atr"),
        ("risk.break_even.at_r", "1", lambda spec: spec.risk.break_even.at_r == 1.0),
        ("risk.pyramiding.max_adds", "2", lambda spec: spec.risk.pyramiding.max_adds == 2),
        ("risk.max_positions", "3", lambda spec: spec.risk.max_positions == 3),
        ("risk.max_exposure_percent", "250", lambda spec: spec.risk.max_exposure_percent == 250.0),
        ("risk.max_drawdown_percent", "25", lambda spec: spec.risk.max_drawdown_percent == 25.0),
        ("costs.max_volume_share_percent", "10", lambda spec: spec.costs.max_volume_share_percent == 10.0),
        ("costs.impact", "0.5", lambda spec: spec.costs.impact == 0.5),
    ],
)  # fmt: skip
def test_every_value_of_orders_levels_and_limits(path: str, value: str, read: object) -> None:
    text = apply_overrides(LEVELS, {path: value})
    assert read(parse_strategy(text))
    for remark in ("# better than the close", "# two percent", "# the first", "# short"):
        assert remark in text
    assert check_strategy(LEVELS, overrides={path: value}).text == text


def test_values_of_tables_that_need_several() -> None:
    adds = {"risk.pyramiding.max_adds": "2", "risk.pyramiding.spacing.multiple": "1.5"}
    adds |= {"orders.offset.use": "atr", "orders.offset.multiple": "0.5"}
    pauses = {"risk.loss_streak.losses": "4", "risk.loss_streak.pause_bars": "48"}
    spec = parse_strategy(apply_overrides(LEVELS, adds | pauses))
    assert spec.risk.pyramiding is not None
    assert spec.risk.pyramiding.spacing is not None
    assert (spec.risk.pyramiding.max_adds, spec.risk.pyramiding.spacing.use) == (2, "atr")
    assert spec.orders.offset is not None
    assert spec.orders.offset.parameters == {"length": 14, "multiple": 0.5}
    assert spec.risk.loss_streak is not None
    assert (spec.risk.loss_streak.losses, spec.risk.loss_streak.pause_bars) == (4, 48)


def test_a_target_that_the_list_does_not_have() -> None:
    with pytest.raises(StrategyError) as raised:
        apply_overrides(LEVELS, {"risk.take_profit.3.multiple": "5"}, "s.toml")
    assert raised.value.sentence.startswith(
        "s.toml: risk.take_profit.3.multiple: is not the path of a value of this strategy. Did you mean"
    )
    # With several targets it must be said which is meant.
    with pytest.raises(StrategyError):
        apply_overrides(LEVELS, {"risk.take_profit.multiple": "5"})


@pytest.mark.parametrize("path", ["risk.take_profit.percent", "risk.take_profit.1.percent"])
def test_the_first_target_of_an_empty_list(path: str) -> None:
    empty = TEXT.replace('[{ use = "percent", percent = 4 }]', "[]")
    assert parse_strategy(apply_overrides(empty, {path: "6"})).risk.take_profit[0].number("percent") == 6.0


def test_several_values_and_their_order() -> None:
    spec = parse_strategy(TEXT, overrides={"indicators.fast.use": "rsi", "indicators.fast.length": "7"})
    assert (spec.indicators["fast"].use, spec.indicators["fast"].parameters["length"]) == ("rsi", 7)


def test_the_values_of_another_kind_can_be_set_after_it_was_chosen() -> None:
    with pytest.raises(StrategyError) as raised:
        parse_strategy(TEXT, overrides={"indicators.fast.use": "macd", "indicators.fast.slow": "30"})
    assert raised.value.sentence == (
        "strategy:9: indicators.fast.length: is not known here; expected use, timeframe, symbol, enabled, note, source, fast, slow or signal."
    )


def test_an_unknown_path_is_named_with_the_nearest() -> None:
    with pytest.raises(StrategyError) as raised:
        apply_overrides(TEXT, {"risk.stop_los.percent": "1", "indicators.fats.length": "3"}, "s.toml")
    assert raised.value.sentence.split("\n") == [
        's.toml: risk.stop_los.percent: is not the path of a value of this strategy. Did you mean "risk.stop_loss.percent"?',
        's.toml: indicators.fats.length: is not the path of a value of this strategy. Did you mean "indicators.fast.length"?',
    ]


def test_a_value_that_does_not_fit_has_no_line_because_it_stands_in_none() -> None:
    text = TEXT.replace('"1h"', '"7h"')
    checked = check_strategy(
        text, "s.toml", overrides={"indicators.fast.length": "1", "risk.stop_loss.percent": "x"}
    )
    assert [problem.render("s.toml") for problem in checked.problems] == [
        "s.toml: indicators.fast.length: must be a whole number from 2 to 100000, but is 1",
        's.toml: risk.stop_loss.percent: must be a number from 0.001 to 99, but is the text "x"',
        's.toml:5: strategy.timeframe: must be "1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "12h", "1d" or "1w", but is the text "7h"',
    ]


@pytest.mark.parametrize("value", ["", "1\n[risk]", "1\nx = 2", "[", "{", '"', "# 3", "\x00", "[" * 3000])
def test_no_value_writes_more_than_itself(value: str) -> None:
    checked = check_strategy(TEXT, overrides={"indicators.fast.length": value})
    assert [problem.path for problem in checked.errors] == ["indicators.fast.length"]


def test_every_path_that_a_file_has_can_be_set() -> None:
    read = read_toml(TEXT)
    assert isinstance(read, TomlText)
    known = settable_paths(read.document, builtin_registry())
    assert {
        "strategy.name",
        "indicators.fast.length",
        "signals.down.b",
        "entry.weights.down",
        "risk.max_bars",
    } <= set(known)
    assert known["indicators.fast.length"].low == 2
    assert "exit.combine" not in known


def test_sections_in_any_order_keep_their_comments() -> None:
    sections = TEXT.split("\n\n")
    text = "\n\n".join([sections[0], sections[2], sections[1], sections[4], sections[3], sections[5]])
    text += '\n[indicators.slow] # the slow one\nuse = "sma"\n'
    changed = apply_overrides(text, {"indicators.slow.length": "50", "indicators.fast.length": "5"})
    spec = parse_strategy(changed)
    assert [spec.indicators[name].parameters["length"] for name in ("fast", "slow")] == [5, 50]
    assert "# the slow one" in changed
    assert "# short" in changed


def test_where_comments_cannot_be_kept_the_values_are() -> None:
    other = {"strategy": {"name": "other"}}
    assert tomllib.loads(rewrite(TEXT, other, {}, builtin_registry())) == other
