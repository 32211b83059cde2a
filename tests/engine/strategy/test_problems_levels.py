# Sentences stand whole, so that they can be searched for.
# ruff: noqa: E501
"""What is wrong with orders, levels, limits, adds, costs, execution bars and ranges, in these very sentences."""

from __future__ import annotations

import pytest

from tests.engine.strategy.test_problems import GOOD, problems
from tradebot.engine.strategy import parse_strategy

STOP = 'stop_loss = { use = "atr" }\n'
QUIET = "cooldown_bars = 1\n"  # so that nothing is said about a level that enters again
ATR = '{ use = "atr", length = 14, multiple = 2 }'

# What stands below a good strategy (whose last line is 17), and what is said about it.
APPENDED = {
    # [orders]
    "order unknown": ('[orders]\nentry = "limt"', ['s.toml:19: orders.entry: must be "market", "limit" or "stop", but is the text "limt". Did you mean "limit"?']),
    "stop order at the close": (
        '[orders]\nentry = "stop"',
        ['s.toml:18: orders.offset: is missing; a stop order stands away from the close: expected a table such as { use = "percent", percent = 0.1 }'],
    ),
    "limit order at the close": ('[orders]\nentry = "limit"', []),
    "offset as a number": ('[orders]\nentry = "limit"\noffset = 0.1', ['s.toml:20: orders.offset: must be a table such as { use = "percent", percent = ... }, but is 0.1']),
    "offset unknown": ('[orders]\nentry = "limit"\noffset = { use = "r", multiple = 1 }', ['s.toml:20: orders.offset.use: must be percent or atr, but is the text "r"']),
    "offset of nothing": ('[orders]\nentry = "stop"\noffset = { use = "percent", percent = 0 }', ["s.toml:20: orders.offset.percent: must be a number from 0.001 to 99, but is 0"]),
    "no bar to wait": ('[orders]\nentry = "limit"\nvalid_bars = 0', ["s.toml:20: orders.valid_bars: must be a whole number from 1 to 100000, but is 0"]),
    "unknown key of orders": ('[orders]\nentri = "limit"', ['s.toml:19: orders.entri: is not known here; expected entry, offset or valid_bars. Did you mean "entry"?']),
    "an offset nobody uses": (
        '[orders]\noffset = { use = "percent", percent = 1 }\nvalid_bars = 2',
        [
            's.toml:19: orders.offset: warning: is not used: a market order fills at the next open (entry = "limit" or "stop" uses it)',
            "s.toml:20: orders.valid_bars: warning: is not used: a market order fills at the next open",
        ],
    ),
    # leverage and sizes
    "leverage below one": ("[risk]\nleverage = 0.5", ["s.toml:19: risk.leverage: must be a number from 1 to 200, but is 0.5"]),
    "leverage as a text": ('[risk]\nleverage = "3x"', ['s.toml:19: risk.leverage: must be a number from 1 to 200, but is the text "3x"']),
    "risk without a stop": (
        '[risk]\nsizing = { use = "risk", percent = 1 }',
        ['s.toml:19: risk.sizing.use: needs a stop_loss: with "risk" the size follows from its distance'],
    ),
    "risk with a stop": (f'[risk]\nsizing = {{ use = "risk", percent = 1 }}\n{STOP}{QUIET}', []),
    "risk of everything": (f'[risk]\nsizing = {{ use = "risk", percent = 101 }}\n{STOP}', ["s.toml:19: risk.sizing.percent: must be a number from 0.001 to 100, but is 101"]),
    "volatility without a target": ('[risk]\nsizing = { use = "volatility" }', ["s.toml:19: risk.sizing.target_percent: is missing; expected a number from 0.1 to 1000"]),
    "more than Kelly": ('[risk]\nsizing = { use = "kelly", fraction = 2 }', ["s.toml:19: risk.sizing.fraction: must be a number from 0.01 to 1, but is 2"]),
    # stops
    "stop of no length": ('[risk]\nstop_loss = { use = "atr", length = 0 }', ["s.toml:19: risk.stop_loss.length: must be a whole number from 1 to 100000, but is 0"]),
    "stop as a text": ('[risk]\nstop_loss = "2%"', ['s.toml:19: risk.stop_loss: must be a table such as { use = "percent", percent = ... }, but is the text "2%"']),
    "stop at an unknown series": ('[risk]\nstop_loss = { use = "series", series = "fsat" }', ['s.toml:19: risk.stop_loss.series: "fsat" is not a series. Did you mean "fast"?']),
    "stop at an output that is not there": (
        '[risk]\nstop_loss = { use = "series", series = "bands.botom" }',
        ['s.toml:19: risk.stop_loss.series: "botom" is not an output of bands; expected upper, middle or lower'],
    ),
    "stop at a volume": ('[risk]\nstop_loss = { use = "series", series = "volume" }', ['s.toml:19: risk.stop_loss.series: must be a series of prices, but "volume" is none']),
    "stop at a number": ('[risk]\nstop_loss = { use = "series", series = 50000 }', ["s.toml:19: risk.stop_loss.series: must be a series such as \"close\" or an indicator's name, but is 50000"]),
    "stop at what is switched off": (
        '[indicators.off]\nuse = "sma"\nenabled = false\n[risk]\nstop_loss = { use = "series", series = "off" }',
        ['s.toml:22: risk.stop_loss.series: needs "off", but indicators.off.enabled is false'],
    ),
    "an indicator that only a stop reads is used": (
        f'[indicators.floor]\nuse = "lowest"\n[risk]\n{QUIET}stop_loss = {{ use = "series", series = "floor" }}', [],
    ),
    # targets
    "r without a stop": (
        '[risk]\ntake_profit = { use = "r", multiple = 2 }',
        ['s.toml:19: risk.take_profit.use: needs a stop_loss: "r" is its distance from the fill, and there is none'],
    ),
    "every target with its own path": (
        '[risk]\ntake_profit = [{ use = "percent", percent = 0 },\n{ use = "r", multiple = 0 }, { use = "percents" }]',
        [
            "s.toml:19: risk.take_profit.1.percent: must be a number from 0.001 to 10000, but is 0",
            's.toml:20: risk.take_profit.2.use: needs a stop_loss: "r" is its distance from the fill, and there is none',
            "s.toml:20: risk.take_profit.2.multiple: must be a number from 0.01 to 1000, but is 0",
            's.toml:20: risk.take_profit.3.use: must be percent, r, atr or series, but is the text "percents". Did you mean "percent"?',
        ],
    ),
    "more than all of it": (
        '[risk]\ntake_profit = [{ use = "percent", percent = 1, share_percent = 60 }, { use = "percent", percent = 2, share_percent = 60 }]',
        ["s.toml:19: risk.take_profit: closes 120 % of the quantity; the shares may be 100 % together at most"],
    ),
    "nothing is left": (
        '[risk]\ntake_profit = [{ use = "percent", percent = 1, share_percent = 100 }, { use = "percent", percent = 2 }]',
        ["s.toml:19: risk.take_profit.2.share_percent: is missing, and nothing is left for it: the other targets close 100 % of the quantity"],
    ),
    "a share of nothing": ('[risk]\ntake_profit = { use = "percent", percent = 1, share_percent = 0 }', ["s.toml:19: risk.take_profit.share_percent: must be a number from 0.01 to 100, but is 0"]),
    "twenty-one targets": (
        "[risk]\ntake_profit = [" + ", ".join(['{ use = "percent", percent = 1 }'] * 21) + "]",
        ["s.toml:19: risk.take_profit: must be a list of at most 20 tables, but has 21 entries"],
    ),
    "target as a number": ("[risk]\ntake_profit = [3]", ['s.toml:19: risk.take_profit.1: must be a table such as { use = "percent", percent = ... }, but is 3']),
    # trailing, break-even
    "trailing without its distance": ('[risk]\ntrailing_stop = { use = "percent" }', ["s.toml:19: risk.trailing_stop.percent: is missing; expected a number from 0.001 to 99"]),
    "trailing in r without a stop": (
        '[risk]\ntrailing_stop = { use = "r", multiple = 1 }',
        ['s.toml:19: risk.trailing_stop.use: needs a stop_loss: "r" is its distance from the fill, and there is none'],
    ),
    "a start in r without a stop": (
        '[risk]\ntrailing_stop = { use = "percent", percent = 1, start_r = 1 }',
        ["s.toml:19: risk.trailing_stop.start_r: needs a stop_loss: R is its distance from the fill"],
    ),
    "break-even without a stop": ("[risk]\nbreak_even = { at_r = 1 }", ["s.toml:19: risk.break_even: needs a stop_loss, which it moves to the entry: there is none"]),
    "break-even as a number": (f"[risk]\n{STOP}break_even = 1", ["s.toml:20: risk.break_even: must be a table such as { at_r = ..., offset_percent = ... }, but is 1"]),
    "break-even without its place": (f"[risk]\n{STOP}break_even = {{ at = 1 }}", [
        's.toml:20: risk.break_even.at: is not known here; expected at_r or offset_percent. Did you mean "at_r"?',
        "s.toml:20: risk.break_even.at_r: is missing; expected a number from 0.01 to 1000",
    ]),
    # limits
    "half a position": ("[risk]\nmax_positions = 1.5", ["s.toml:19: risk.max_positions: must be a whole number from 0 to 10000, but is 1.5"]),
    "no exposure": ("[risk]\nmax_exposure_percent = 0", ["s.toml:19: risk.max_exposure_percent: must be a number from 0.01 to 1000000, but is 0"]),
    "a loss of more than everything": ("[risk]\nmax_daily_loss_percent = 101", ["s.toml:19: risk.max_daily_loss_percent: must be a number from 0.01 to 100, but is 101"]),
    "a streak of nothing": ("[risk]\nloss_streak = { losses = 0, pause_bars = 5 }", ["s.toml:19: risk.loss_streak.losses: must be a whole number from 1 to 1000, but is 0"]),
    "a streak without a pause": ("[risk]\nloss_streak = { losses = 3 }", ["s.toml:19: risk.loss_streak.pause_bars: is missing; expected a whole number from 1 to 10000000"]),
    "no adds": ("[risk]\npyramiding = { max_adds = 0 }", ["s.toml:19: risk.pyramiding.max_adds: must be a whole number from 1 to 100, but is 0"]),
    "adds at an unknown distance": (
        '[risk]\npyramiding = { max_adds = 1, spacing = { use = "atr", multiple = -1 } }',
        ["s.toml:19: risk.pyramiding.spacing.multiple: must be a number from 0.01 to 1000, but is -1"],
    ),
    # costs
    "more than the volume": ("[costs]\nmax_volume_share_percent = 101", ["s.toml:19: costs.max_volume_share_percent: must be a number from 0 to 100, but is 101"]),
    "an impact against oneself": ("[costs]\nimpact = -1", ["s.toml:19: costs.impact: must be a number from 0 to 10, but is -1"]),
    # [optimize]
    "a range": ('[optimize]\n"indicators.fast.length" = { low = 5, high = 50, step = 1 }', []),
    "a range of a target": (
        f'[risk]\n{STOP}{QUIET}take_profit = [{{ use = "r", multiple = 2 }}]\n[optimize]\n"risk.take_profit.1.multiple" = {{ low = 1, high = 3, step = 0.5 }}', [],
    ),
    "a path that is none": (
        '[optimize]\n"indicators.fats.length" = { low = 5, high = 50, step = 1 }',
        ['s.toml:19: optimize.indicators.fats.length: is not the path of a value of this strategy. Did you mean "indicators.fast.length"?'],
    ),
    "a path without quotation marks": (
        "[optimize]\nindicators.fast.length = { low = 5, high = 50, step = 1 }",
        ['s.toml:19: optimize.indicators: must be one path in quotation marks, such as "indicators.fast.length" = ...'],
    ),
    "a range upside down": ('[optimize]\n"indicators.fast.length" = { low = 50, high = 5, step = 0 }', [
        "s.toml:19: optimize.indicators.fast.length.high: must be above low, which is 50, but is 5",
        "s.toml:19: optimize.indicators.fast.length.step: must be above 0, but is 0",
    ]),
    "a range beyond what is allowed": (
        '[optimize]\n"indicators.fast.length" = { low = 1, high = 50, step = 1 }',
        ["s.toml:19: optimize.indicators.fast.length.low: must be a whole number from 2 to 100000, as indicators.fast.length must be, but is 1"],
    ),
    "half a bar": (
        '[optimize]\n"indicators.fast.length" = { low = 5, high = 50, step = 0.5 }',
        ["s.toml:19: optimize.indicators.fast.length.step: must be a whole number as indicators.fast.length is one, but is 0.5"],
    ),
    "a range without a step": ('[optimize]\n"risk.leverage" = { low = 1, high = 5 }', ["s.toml:19: optimize.risk.leverage.step: is missing; expected a number"]),
    "a range of not a number": ('[optimize]\n"risk.leverage" = { low = nan, high = inf, step = 1 }', [
        "s.toml:19: optimize.risk.leverage.low: must be a number, but is nan",
        "s.toml:19: optimize.risk.leverage.high: must be a number, but is inf",
    ]),
    "a range of words": (
        '[optimize]\n"strategy.timeframe" = { low = 1, high = 2, step = 1 }',
        ['s.toml:19: optimize.strategy.timeframe: cannot be varied in steps: strategy.timeframe is "1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "12h", "1d" or "1w"'],
    ),
    "a list in place of a range": ('[optimize]\n"risk.leverage" = [1, 2]', ["s.toml:19: optimize.risk.leverage: must be a table such as { low = 5, high = 50, step = 1 }, but is a list"]),
    "optimize is no table": ("[[optimize]]", ["s.toml:18: optimize: must be a section such as [optimize], but is a list"]),
}  # fmt: skip


@pytest.mark.parametrize("case", list(APPENDED))
def test_sentences(case: str) -> None:
    text, expected = APPENDED[case]
    assert problems(GOOD + text + "\n") == expected


# The head: what is traded, and the bars on which orders are walked.
HEADS = {
    "the largest": ('["BTCUSDT"]', "{ top = 20 }", []),
    "the largest by volume": ('["BTCUSDT"]', '{ top = 20, by = "volume" }', []),
    "ranked by what is not known": (
        '["BTCUSDT"]', '{ top = 20, by = "turnovr" }',
        ['s.toml:3: strategy.symbols.by: must be "turnover" or "volume", but is the text "turnovr". Did you mean "turnover"?'],
    ),
    "how many is not said": ('["BTCUSDT"]', '{ by = "volume" }', ["s.toml:3: strategy.symbols.top: is missing; expected a whole number from 1 to 1000"]),
    "the largest none": ('["BTCUSDT"]', "{ top = 0 }", ["s.toml:3: strategy.symbols.top: must be a whole number from 1 to 1000, but is 0"]),
    "finer bars": ('timeframe = "1h"', 'timeframe = "1h"\nexecution = "5m"', []),
    "coarser bars": (
        'timeframe = "1h"', 'timeframe = "1h"\nexecution = "4h"',
        ['s.toml:5: strategy.execution: must be finer bars that make up those of strategy.timeframe, which is "1h": "1m", "3m", "5m", "15m" or "30m", but is "4h"'],
    ),
    "bars that do not fit": (
        'timeframe = "1h"', 'timeframe = "5m"\nexecution = "3m"',
        ['s.toml:5: strategy.execution: must be finer bars that make up those of strategy.timeframe, which is "5m": "1m", but is "3m"'],
    ),
    "bars that are unknown": (
        'timeframe = "1h"', 'timeframe = "1h"\nexecution = "2m"',
        ['s.toml:5: strategy.execution: must be "1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "12h", "1d" or "1w", but is the text "2m"'],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", list(HEADS))
def test_sentences_about_the_market(case: str) -> None:
    old, new, expected = HEADS[case]
    assert problems(GOOD.replace(old, new)) == expected


def test_the_own_bars_as_execution_are_the_default() -> None:
    spec = parse_strategy(GOOD.replace('timeframe = "1h"', 'timeframe = "1h"\nexecution = "1h"'))
    assert spec.execution is None
    assert spec == parse_strategy(GOOD)


def test_spot_has_no_leverage() -> None:
    spot = GOOD.replace('name = "t"', 'name = "t"\ncategory = "spot"')
    assert problems(spot + "[risk]\nleverage = 1\n") == []
    assert problems(spot + '[risk]\nleverage = 2\ndirection = "short"\n') == [
        "s.toml:20: risk.leverage: must be 1 on spot, which lends nothing, but is 2",
        's.toml:21: risk.direction: must be "long" on spot, but is "short"',
    ]


def test_spot_needs_no_word_about_what_it_cannot_do() -> None:
    spec = parse_strategy(GOOD.replace('name = "t"', 'name = "t"\ncategory = "spot"'))
    assert (spec.risk.direction, spec.risk.opposite, spec.risk.leverage) == ("long", "close", 1.0)


def test_what_is_left_is_shared_evenly_among_targets_that_say_nothing() -> None:
    def shares(*given: str) -> list[float]:
        targets = ", ".join(f'{{ use = "percent", percent = 1{each} }}' for each in given)
        spec = parse_strategy(f"{GOOD}[risk]\ntake_profit = [{targets}]\n")
        return [target.number("share_percent") for target in spec.risk.take_profit]

    assert shares("") == [100.0]
    assert shares("", "") == [50.0, 50.0]
    assert shares(", share_percent = 40", "", "") == [40.0, 30.0, 30.0]
    assert shares(", share_percent = 40", ", share_percent = 60") == [40.0, 60.0]
    assert sum(shares("", "", "", "", "", "", "")) == pytest.approx(100.0, abs=1e-9)


def test_everything_wrong_in_risk_is_said_at_once() -> None:
    text = '[risk]\nleverage = 0\nbreak_even = { at_r = 1 }\nsizing = { use = "risk", percent = 0 }\nmax_bars = -1\n'
    assert [line.split(": ")[1] for line in problems(GOOD + text)] == [
        "risk.leverage",
        "risk.break_even",
        "risk.sizing.use",
        "risk.sizing.percent",
        "risk.max_bars",
    ]
