# Sentences stand whole, so that they can be searched for.
# ruff: noqa: E501
"""Everything that is wrong with a strategy is said at once, with its path and line, in these very sentences."""

from __future__ import annotations

from pathlib import Path

import pytest

from tradebot.engine.control.errors import InputError
from tradebot.engine.strategy import (
    Severity,
    StrategyError,
    check_document,
    check_strategy,
    parse_strategy,
    read_strategy_text,
)

HEAD = """[strategy]
name = "t"
symbols = ["BTCUSDT"]
timeframe = "1h"
"""
NODES = """[indicators.fast]
use = "ema"
length = 9
[indicators.bands]
use = "bbands"
[signals.up]
use = "compare"
a = "fast"
b = "bands.middle"
supports = "direction"
[entry]
combine = "any"
signals = ["up"]
"""
GOOD = HEAD + NODES


def problems(text: str) -> list[str]:
    checked = check_strategy(text, "s.toml")
    assert (checked.spec is None) == bool(checked.errors)
    return [problem.render("s.toml") for problem in checked.problems]


def test_a_good_strategy_has_no_problems() -> None:
    assert problems(GOOD) == []


# What is written in place of what, and what is said about it.
REPLACED = {
    # [strategy]
    "name missing": ('name = "t"\n', "", ["s.toml:1: strategy.name: is missing; expected a text"]),
    "name empty": ('"t"', '"  "', ["s.toml:2: strategy.name: must be a text, but is empty"]),
    "name not a text": ('"t"', "3", ["s.toml:2: strategy.name: must be a text, but is 3"]),
    "name of two lines": ('"t"', '"a\\nb"', ["s.toml:2: strategy.name: must be one line of at most 80 characters"]),
    "unknown key": (
        "timeframe =", 'timefame = "1h"\ntimeframe =',
        ["s.toml:4: strategy.timefame: is not known here; expected name, category, symbols, timeframe, execution or note. Did you mean \"timeframe\"?"],
    ),
    "unknown timeframe": (
        '"1h"', '"7m"',
        ['s.toml:4: strategy.timeframe: must be "1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "12h", "1d" or "1w", but is the text "7m"'],
    ),
    "timeframe as a number": (
        '"1h"', "60",
        ['s.toml:4: strategy.timeframe: must be "1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "12h", "1d" or "1w", but is 60'],
    ),
    "inverse cannot be tested": (
        'name = "t"', 'name = "t"\ncategory = "inverse"',
        ['s.toml:3: strategy.category: must be "linear" or "spot": inverse cannot be tested yet'],
    ),
    "one symbol as a text": (
        '["BTCUSDT"]', '"BTCUSDT"',
        ['s.toml:3: strategy.symbols: must be a list of symbols such as ["BTCUSDT", "ETH*"], or { top = 20, by = "turnover" }, but is the text "BTCUSDT": write ["BTCUSDT"]'],
    ),
    "no symbol": ('["BTCUSDT"]', "[]", ["s.toml:3: strategy.symbols: must name at least one symbol, but the list is empty"]),
    "lower case symbol": (
        '["BTCUSDT"]', '[\n"ETHUSDT",\n"btcusdt"]',
        ['s.toml:5: strategy.symbols.2: must be a symbol in capital letters and digits, or a pattern with * and ?, but is the text "btcusdt". Did you mean "BTCUSDT"?'],
    ),
    "symbol that is a path": (
        '"BTCUSDT"', '"../etc"',
        ['s.toml:3: strategy.symbols.1: must be a symbol in capital letters and digits, or a pattern with * and ?, but is the text "../etc"'],
    ),
    "symbol twice": ('["BTCUSDT"]', '["BTCUSDT", "BTCUSDT"]', ['s.toml:3: strategy.symbols.2: names "BTCUSDT" a second time']),
    "every bad symbol": (
        '["BTCUSDT"]', '["BTCUSDT", "BTCUSDT", "btc usdt", 7, "ETHUSDT", "ethusdt"]',
        [
            's.toml:3: strategy.symbols.2: names "BTCUSDT" a second time',
            's.toml:3: strategy.symbols.3: must be a symbol in capital letters and digits, or a pattern with * and ?, but is the text "btc usdt"',
            "s.toml:3: strategy.symbols.4: must be the name of a symbol in quotation marks, but is 7",
            's.toml:3: strategy.symbols.6: must be a symbol in capital letters and digits, or a pattern with * and ?, but is the text "ethusdt". Did you mean "ETHUSDT"?',
        ],
    ),
    "symbol that is a number": ('["BTCUSDT"]', "[1]", ["s.toml:3: strategy.symbols.1: must be the name of a symbol in quotation marks, but is 1"]),
    "strategy is no table": (HEAD, "strategy = 1\n", ["s.toml:1: strategy: must be a section such as [strategy], but is 1"]),
    "no strategy section": (HEAD, "", ["s.toml: strategy: is missing; expected a section [strategy]"]),
    "unknown section": (
        "[entry]", "[entri]\n[entry]",
        ['s.toml:15: entri: is not a section of a strategy; expected strategy, indicators, signals, groups, entry, exit, orders, risk, costs or optimize. Did you mean "entry"?'],
    ),
    # indicators
    "use missing": ('use = "ema"\n', "", ["s.toml:5: indicators.fast.use: is missing; expected the name of one of the indicators, such as sma, ema or wma"]),
    "use unknown": ('"ema"', '"emma"', ['s.toml:6: indicators.fast.use: must be the name of one of the indicators, such as sma, ema or wma, but is the text "emma". Did you mean "ema"?']),
    "parameter unknown": (
        "length = 9", "lenght = 9",
        ['s.toml:7: indicators.fast.lenght: is not known here; expected use, timeframe, symbol, enabled, note, source or length. Did you mean "length"?'],
    ),
    "zero": ("length = 9", "length = 0", ["s.toml:7: indicators.fast.length: must be a whole number from 2 to 100000, but is 0"]),
    "too large": ("length = 9", "length = 1000000", ["s.toml:7: indicators.fast.length: must be a whole number from 2 to 100000, but is 1000000"]),
    "endless": ("length = 9", f"length = {10**30}", ["s.toml:7: indicators.fast.length: must be a whole number from 2 to 100000, but is a number of more than 20 digits"]),
    "true for a number": ("length = 9", "length = true", ["s.toml:7: indicators.fast.length: must be a whole number from 2 to 100000, but is true"]),
    "fraction": ("length = 9", "length = 9.0", ["s.toml:7: indicators.fast.length: must be a whole number from 2 to 100000, but is 9.0"]),
    "number in quotation marks": (
        "length = 9", 'length = "9"',
        ['s.toml:7: indicators.fast.length: must be a whole number from 2 to 100000, but is the text "9", which needs no quotation marks'],
    ),
    "date": ("length = 9", "length = 2024-01-01", ["s.toml:7: indicators.fast.length: must be a whole number from 2 to 100000, but is a date or time"]),
    "not a number": ("length = 9", "length = nan", ["s.toml:7: indicators.fast.length: must be a whole number from 2 to 100000, but is nan"]),
    "infinite": (
        'use = "bbands"', 'use = "bbands"\ndeviations = inf',
        ["s.toml:10: indicators.bands.deviations: must be a number from 0.1 to 20, but is inf"],
    ),
    "source as a number": ("length = 9", "length = 9\nsource = 5", ["s.toml:8: indicators.fast.source: must be a series such as \"close\" or an indicator's name, but is 5"]),
    "source unknown": ("length = 9", 'length = 9\nsource = "clsoe"', ['s.toml:8: indicators.fast.source: "clsoe" is not a series. Did you mean "close"?']),
    "source of nothing near": (
        "length = 9", 'length = 9\nsource = "moon"',
        ['s.toml:8: indicators.fast.source: "moon" is not a series; expected open, high, low, close, volume, turnover, hl2, hlc3, ohlc4, funding, fast or bands'],
    ),
    "source is itself": ("length = 9", 'length = 9\nsource = "fast"', ["s.toml:8: indicators.fast.source: closes a circle of indicators: fast -> fast"]),
    "circle": (
        "length = 9", 'length = 9\nsource = "b"\n[indicators.b]\nuse = "sma"\nsource = "c"\n[indicators.c]\nuse = "sma"\nsource = "fast"',
        ["s.toml:14: indicators.c.source: closes a circle of indicators: fast -> b -> c -> fast"],
    ),
    "output unknown": ("bands.middle", "bands.midle", ['s.toml:13: signals.up.b: "midle" is not an output of bands. Did you mean "middle"?']),
    "output needed": ('"bands.middle"', '"bands"', ["s.toml:13: signals.up.b: must name one output of bands: bands.upper, bands.middle or bands.lower"]),
    "output empty": ('"bands.middle"', '"bands."', ['s.toml:13: signals.up.b: "" is not an output of bands; expected upper, middle or lower']),
    "output of a column": ('"bands.middle"', '"close.x"', ['s.toml:13: signals.up.b: "close.x" is not a series. Did you mean "close"?', "s.toml:8: indicators.bands: warning: is not used by any signal, indicator or level"]),
    "reserved name": (
        "[indicators.fast]", '[indicators.close]\nuse = "sma"\n[indicators.fast]',
        ['s.toml:5: indicators.close: cannot be named "close", which is a series of the market'],
    ),
    "name with a dot": (
        "[indicators.fast]", '[indicators."a.b"]\nuse = "sma"\n[indicators.fast]',
        ["s.toml:5: indicators.a.b: must be named with letters, digits, _ and -, beginning with a letter"],
    ),
    "node is no table": (
        "[indicators.fast]", "[indicators]\nx = 3\n[indicators.fast]",
        ["s.toml:6: indicators.x: must be a section such as [indicators.x], but is 3"],
    ),
    "switched off but needed": (
        "length = 9", "length = 9\nenabled = false",
        ['s.toml:13: signals.up.a: needs "fast", but indicators.fast.enabled is false'],
    ),
    "what is switched off may stay unused": (
        "[indicators.fast]", '[indicators.idle]\nuse = "sma"\nenabled = false\n[indicators.fast]', [],
    ),
    "what is switched off may need what is": (
        "[entry]",
        '[indicators.off]\nuse = "sma"\nenabled = false\n[signals.off]\nuse = "cross"\na = "off"\nb = 1\nenabled = false\n[entry]',
        [],
    ),
    "enabled is a text": ("length = 9", 'length = 9\nenabled = "false"', ['s.toml:8: indicators.fast.enabled: must be true or false, but is the text "false", which needs no quotation marks']),
    "macd upside down": (
        "[indicators.fast]", '[indicators.m]\nuse = "macd"\nfast = 26\nslow = 12\n[indicators.fast]',
        ["s.toml:7: indicators.m.fast: must be shorter than slow, which is 12, but is 26", "s.toml:5: indicators.m: warning: is not used by any signal, indicator or level"],
    ),
    "unused indicator": (
        "[indicators.fast]", '[indicators.idle]\nuse = "sma"\n[indicators.fast]',
        ["s.toml:5: indicators.idle: warning: is not used by any signal, indicator or level"],
    ),
    # signals
    "operand missing": ('b = "bands.middle"\n', "", ["s.toml:8: indicators.bands: warning: is not used by any signal, indicator or level", "s.toml:10: signals.up.b: is missing; expected a series such as \"close\" or an indicator's name, or a number"]),
    "two numbers": (
        'a = "fast"\nb = "bands.middle"', "a = 1\nb = 2",
        ["s.toml:5: indicators.fast: warning: is not used by any signal, indicator or level", "s.toml:8: indicators.bands: warning: is not used by any signal, indicator or level", "s.toml:12: signals.up.a: must be a series where b is a number: two numbers never change"],
    ),
    "operator unknown": ('b = "bands.middle"', 'b = "bands.middle"\nop = "="', ['s.toml:14: signals.up.op: must be ">", ">=", "<" or "<=", but is the text "=". Did you mean ">="?']),
    "supports unknown": ('"direction"', '"sideways"', ['s.toml:14: signals.up.supports: must be "direction", "both", "long" or "short", but is the text "sideways"']),
    "levels missing": (
        "[entry]", '[signals.t]\nuse = "threshold"\nsource = "fast"\n[entry]',
        ["s.toml:15: signals.t: warning: is not used by any group, entry or exit", "s.toml:15: signals.t.lower: is missing; expected a number for lower, for upper or for both"],
    ),
    "levels crossed": (
        "[entry]", '[signals.t]\nuse = "threshold"\nsource = "fast"\nlower = 70\nupper = 30\n[entry]',
        ["s.toml:15: signals.t: warning: is not used by any group, entry or exit", "s.toml:18: signals.t.lower: must not be above upper, which is 30, but is 70"],
    ),
    "condition without its level": (
        "[entry]", '[signals.t]\nuse = "threshold"\nsource = "fast"\nupper = 30\nsupports = "both"\n[entry]',
        ["s.toml:15: signals.t: warning: is not used by any group, entry or exit", 's.toml:15: signals.t.lower: is missing; with supports = "both" a threshold is true below lower (for above: compare)'],
    ),
    "unused signal": (
        "[entry]", '[signals.idle]\nuse = "cross"\na = "close"\nb = 1\n[entry]',
        ["s.toml:15: signals.idle: warning: is not used by any group, entry or exit"],
    ),
    # combinations
    "entry missing": (NODES[NODES.index("[entry]"):], "", ["s.toml:10: signals.up: warning: is not used by any group, entry or exit", "s.toml: entry: is missing; expected a section [entry]"]),
    "combine missing": ('combine = "any"\n', "", ["s.toml:15: entry.combine: is missing; expected unanimous, majority, weighted, any or at_least"]),
    "combine unknown": ('"any"', '"all"', ['s.toml:16: entry.combine: must be unanimous, majority, weighted, any or at_least, but is the text "all"']),
    "no member": ('["up"]', "[]", ["s.toml:10: signals.up: warning: is not used by any group, entry or exit", "s.toml:17: entry.signals: must name at least one signal or group, but the list is empty"]),
    "member unknown": ('["up"]', '["up", "upp"]', ['s.toml:17: entry.signals.2: "upp" is not a signal or group. Did you mean "up"?']),
    "member is an indicator": ('["up"]', '["up", "fast"]', ['s.toml:17: entry.signals.2: "fast" is an indicator; expected a signal made from it, or a group']),
    "member twice": ('["up"]', '["up", "up"]', ['s.toml:17: entry.signals.2: names "up" a second time']),
    "member as a text": ('["up"]', '"up"', ["s.toml:10: signals.up: warning: is not used by any group, entry or exit", 's.toml:17: entry.signals: must be a list of signals and groups, but is the text "up": write ["up"]']),
    "all members switched off": ('supports = "direction"', "enabled = false", ["s.toml:17: entry.signals: has no member that is switched on"]),
    "k missing": ('"any"', '"at_least"', ["s.toml:15: entry.k: is missing; expected a whole number from 1 to 10000"]),
    "k too large": ('"any"', '"at_least"\nk = 2', ["s.toml:17: entry.k: must be at most 1, the number of members switched on, but is 2"]),
    "k elsewhere": ('"any"', '"any"\nk = 2', ['s.toml:17: entry.k: belongs to combine = "at_least", but combine is "any"']),
    "threshold missing": ('"any"', '"weighted"', ["s.toml:15: entry.threshold: is missing; expected a number from 0 to 1"]),
    "threshold zero": ('"any"', '"weighted"\nthreshold = 0', ["s.toml:17: entry.threshold: must be above 0 and at most 1, but is 0"]),
    "weight of a stranger": (
        '"any"', '"weighted"\nthreshold = 1\nweights = { upp = 2 }',
        ['s.toml:18: entry.weights.upp: "upp" is not a member of this list. Did you mean "up"?'],
    ),
    "weight below zero": (
        '"any"', '"weighted"\nthreshold = 1\nweights = { up = -2 }',
        ["s.toml:18: entry.weights.up: must be a number, 0 or more, but is -2"],
    ),
    "every bad weight": (
        '"any"', '"weighted"\nthreshold = 1\nweights = { up = -2, upp = 1, upq = true }',
        [
            "s.toml:18: entry.weights.up: must be a number, 0 or more, but is -2",
            's.toml:18: entry.weights.upp: "upp" is not a member of this list. Did you mean "up"?',
            's.toml:18: entry.weights.upq: "upq" is not a member of this list. Did you mean "up"?',
            "s.toml:18: entry.weights.upq: must be a number, 0 or more, but is true",
        ],
    ),
    "weight of a stranger beside other mistakes": (
        'combine = "any"\nsignals = ["up"]', 'combine = "weighted"\nsignals = ["up", "up", "dwon"]\nweights = { upp = 2 }',
        [
            's.toml:17: entry.signals.2: names "up" a second time',
            's.toml:17: entry.signals.3: "dwon" is not a signal or group; expected up',
            's.toml:18: entry.weights.upp: "upp" is not a member of this list. Did you mean "up"?',
            "s.toml:15: entry.threshold: is missing; expected a number from 0 to 1",
        ],
    ),
    "weight of a misspelt member": (
        'combine = "any"\nsignals = ["up"]', 'combine = "weighted"\nthreshold = 1\nsignals = ["upp"]\nweights = { up = 2 }',
        [
            "s.toml:10: signals.up: warning: is not used by any group, entry or exit",
            's.toml:18: entry.signals.1: "upp" is not a signal or group. Did you mean "up"?',
        ],
    ),
    "weights all zero": (
        '"any"', '"weighted"\nthreshold = 1\nweights = { up = 0 }',
        ["s.toml:18: entry.weights: must give at least one member that is switched on more than 0"],
    ),
    "trigger unknown": ('"any"', '"any"\ntrigger = "egde"', ['s.toml:17: entry.trigger: must be "level" or "edge", but is the text "egde". Did you mean "edge"?']),
    "trigger at the exit": (
        "[entry]", '[exit]\ncombine = "any"\nsignals = ["up"]\ntrigger = "edge"\n[entry]',
        ["s.toml:18: exit.trigger: is not known here; expected combine or signals."],
    ),
    "group named like a signal": (
        "[entry]", '[groups.up]\ncombine = "any"\nsignals = ["up"]\n[entry]',
        ['s.toml:15: groups.up: has the name of the signal "up" in line 10; both are named in the same lists'],
    ),
    "groups in a circle": (
        "[entry]", '[groups.a]\ncombine = "any"\nsignals = ["b"]\n[groups.b]\ncombine = "any"\nsignals = [\n"up",\n"a"]\n[entry]',
        ["s.toml:22: groups.b.signals.2: closes a circle of groups: a -> b -> a"],
    ),
    "unused group": (
        "[entry]", '[groups.a]\ncombine = "any"\nsignals = ["up"]\n[entry]',
        ["s.toml:15: groups.a: warning: is not used by any group, entry or exit"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", list(REPLACED))
def test_sentences(case: str) -> None:
    old, new, expected = REPLACED[case]
    assert old in GOOD
    text = GOOD.replace(old, new, 1)
    assert sorted(problems(text)) == sorted(expected)


# What is appended after the good strategy (whose last line is 17), and what is said about it.
APPENDED = {
    "direction unknown": ('[risk]\ndirection = "up"', ['s.toml:19: risk.direction: must be "long", "short" or "both", but is the text "up"']),
    "sizing as a number": ("[risk]\nsizing = 50", ['s.toml:19: risk.sizing: must be a table such as { use = "equity", percent = ... }, but is 50']),
    "sizing unknown": ('[risk]\nsizing = { use = "kely" }', ['s.toml:19: risk.sizing.use: must be equity, notional, fixed, risk, volatility or kelly, but is the text "kely". Did you mean "kelly"?']),
    "more than anything": ('[risk]\nsizing = { use = "equity", percent = 20001 }', ["s.toml:19: risk.sizing.percent: must be a number from 0.001 to 20000, but is 20001"]),
    "amount missing": ('[risk]\nsizing = { use = "notional" }', ["s.toml:19: risk.sizing.amount: is missing; expected a number, 0.000001 or more"]),
    "stop without use": ("[risk]\nstop_loss = { percent = 2 }", ["s.toml:19: risk.stop_loss.use: is missing; expected percent, atr or series"]),
    "stop beyond the price": ('[risk]\nstop_loss = { use = "percent", percent = 100 }', ["s.toml:19: risk.stop_loss.percent: must be a number from 0.001 to 99, but is 100"]),
    "stop misspelt": (
        '[risk]\nstop_los = { use = "percent", percent = 1 }',
        ['s.toml:19: risk.stop_los: is not known here; expected direction, opposite, sizing, leverage, stop_loss, take_profit, trailing_stop, break_even, max_bars, cooldown_bars, max_positions, max_exposure_percent, max_symbol_exposure_percent, max_daily_loss_percent, max_drawdown_percent, loss_streak or pyramiding. Did you mean "stop_loss"?'],
    ),
    "target in a list": (
        '[risk]\ntake_profit = [\n{ use = "percent", percent = -1 }]',
        ["s.toml:20: risk.take_profit.1.percent: must be a number from 0.001 to 10000, but is -1"],
    ),
    "no target": ("[risk]\ntake_profit = []", []),
    "bars below zero": ("[risk]\nmax_bars = -1", ["s.toml:19: risk.max_bars: must be a whole number from 0 to 10000000, but is -1"]),
    "true for a count": ("[risk]\nmax_bars = true", ["s.toml:19: risk.max_bars: must be a whole number from 0 to 10000000, but is true"]),
    "true for a percentage": (
        '[risk]\nsizing = { use = "equity", percent = true }',
        ["s.toml:19: risk.sizing.percent: must be a number from 0.001 to 20000, but is true"],
    ),
    "fee out of range": ("[costs]\ntaker_fee_percent = 55", ["s.toml:19: costs.taker_fee_percent: must be a number from -1 to 5, but is 55"]),
    "funding as a number": ("[costs]\nfunding = 1", ["s.toml:19: costs.funding: must be true or false, but is 1"]),
}  # fmt: skip


@pytest.mark.parametrize("case", list(APPENDED))
def test_sentences_about_risk_and_costs(case: str) -> None:
    text, expected = APPENDED[case]
    assert problems(GOOD + text + "\n") == expected


def test_spot_is_long_only_and_without_funding() -> None:
    spot = GOOD.replace('name = "t"', 'name = "t"\ncategory = "spot"')
    assert problems(spot) == []
    assert parse_strategy(spot).risk.direction == "long"
    assert problems(spot + '[risk]\ndirection = "both"\n[costs]\nfunding = true\n') == [
        's.toml:20: risk.direction: must be "long" on spot, but is "both"',
        "s.toml:22: costs.funding: must be false on spot, which has no funding, but is true",
    ]


def test_all_problems_at_once_in_the_order_of_the_file() -> None:
    text = GOOD.replace('"1h"', '"7m"').replace("length = 9", "length = 0").replace('"any"', '"most"')
    with pytest.raises(StrategyError) as raised:
        parse_strategy(text, "bad.toml")
    assert raised.value.exit_code == 2
    assert raised.value.sentence.split("\n") == [
        'bad.toml:4: strategy.timeframe: must be "1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "12h", "1d" or '
        '"1w", but is the text "7m"',
        "bad.toml:7: indicators.fast.length: must be a whole number from 2 to 100000, but is 0",
        'bad.toml:16: entry.combine: must be unanimous, majority, weighted, any or at_least, but is the text "most"',
    ]


def test_warnings_stop_nothing_and_are_not_in_the_error() -> None:
    idle = '[indicators.idle]\nuse = "sma"\n'
    checked = check_strategy(GOOD + idle)
    assert checked.spec is not None
    assert [problem.severity for problem in checked.problems] == [Severity.WARNING]
    with pytest.raises(StrategyError) as raised:
        parse_strategy(GOOD.replace("length = 9", "length = 0") + idle)
    assert "idle" not in raised.value.sentence
    assert len(raised.value.problems) == 2


def test_a_document_without_text_has_no_lines() -> None:
    checked = check_document({"strategy": {"name": "x"}}, "form")
    assert {problem.line for problem in checked.problems} == {None}
    assert [problem.path for problem in checked.problems] == [
        "strategy.symbols",
        "strategy.timeframe",
        "entry",
    ]


def test_a_text_that_is_no_toml_has_one_problem() -> None:
    assert problems("[strategy]\nname = \n") == [
        's.toml:2: is not valid TOML at column 8: expected a value: a number, true, false, a "text" in quotation marks, '
        "a [list] or a {table}"
    ]


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    missing = tmp_path / "no.toml"
    with pytest.raises(InputError, match="there is no such strategy file"):
        read_strategy_text(missing)
    with pytest.raises(InputError, match=r"is a folder; expected a strategy file|cannot be read"):
        read_strategy_text(tmp_path)
    latin = tmp_path / "latin.toml"
    latin.write_bytes(b'[strategy]\nname = "\xe4"\n')
    with pytest.raises(InputError) as raised:
        read_strategy_text(latin)
    assert raised.value.sentence == f"{latin}:2: is not UTF-8 text; save the strategy file as UTF-8."


def test_a_file_of_a_windows_editor_is_read(tmp_path: Path) -> None:
    file = tmp_path / "bom.toml"
    file.write_bytes(b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode())
    assert parse_strategy(read_strategy_text(file)) == parse_strategy(GOOD)
