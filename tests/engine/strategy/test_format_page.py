"""The format as it is documented: the page's own example, the table of what supports what, its defaults."""

from __future__ import annotations

import tomllib
from typing import Any

import numpy as np
import pytest

from tests.engine.strategy.helpers import REGISTRY, builder, candles, run, sides_text
from tests.engine.strategy.test_export import built
from tradebot.engine.strategy import (
    BreakEven,
    EntryOrder,
    LossStreak,
    Opposite,
    Pyramiding,
    Severity,
    StrategyBuilder,
    StrategySpec,
    Use,
    check_strategy,
    describe,
    parse_strategy,
    settable_paths,
)
from tradebot.engine.strategy.spec import OptimizeRange

PAGE = """[strategy]
name = "Trend pullback"
category = "linear"
symbols = ["BTCUSDT", "ETH*"]
timeframe = "15m"
execution = "1m"

[indicators.fast]
use = "ema"
length = 21
[indicators.trend]
use = "ema"
length = 200
timeframe = "4h"
[indicators.adx14]
use = "adx"

[signals.cross]
use = "cross"
a = "close"
b = "fast"
[signals.regime]
use = "compare"
a = "close"
op = ">"
b = "trend"
supports = "direction"
[signals.strong]
use = "compare"
a = "adx14"
op = ">"
b = 20

[groups.momentum]
combine = "majority"
signals = ["cross", "regime"]

[entry]
combine = "unanimous"
signals = ["momentum", "strong"]
[exit]
combine = "any"
signals = ["regime"]

[orders]
entry = "limit"
offset = { use = "percent", percent = 0.1 }
valid_bars = 3

[risk]
direction = "both"
opposite = "reverse"
leverage = 3
sizing = { use = "risk", percent = 1.0 }
stop_loss = { use = "atr", length = 14, multiple = 2.0 }
take_profit = [{ use = "r", multiple = 1.0, share_percent = 50 }, { use = "r", multiple = 3.0, share_percent = 50 }]
trailing_stop = { use = "percent", percent = 1.5, start_percent = 2.0 }
break_even = { at_r = 1.0, offset_percent = 0.05 }
max_bars = 96
cooldown_bars = 4
max_positions = 3
max_exposure_percent = 300
max_symbol_exposure_percent = 150
max_daily_loss_percent = 5.0
max_drawdown_percent = 25.0
loss_streak = { losses = 4, pause_bars = 48 }
pyramiding = { max_adds = 2, spacing = { use = "atr", length = 14, multiple = 1.0 } }

[costs]
taker_fee_percent = 0.055
maker_fee_percent = 0.02
slippage_percent = 0.01
half_spread_percent = 0.0
max_volume_share_percent = 10
funding = true

[optimize]
"indicators.fast.length" = { low = 5, high = 50, step = 1 }
"""


def test_the_example_of_the_page_is_a_strategy_without_any_remark() -> None:
    assert check_strategy(PAGE).problems == ()


def test_every_key_of_the_example_is_in_the_specification() -> None:
    spec = parse_strategy(PAGE)
    risk = spec.risk
    assert (spec.timeframe.value, spec.execution and spec.execution.value) == ("15m", "1m")
    assert (spec.orders.entry, spec.orders.offset, spec.orders.valid_bars) == (
        EntryOrder.LIMIT, Use("percent", {"percent": 0.1}), 3,
    )  # fmt: skip
    assert (risk.leverage, risk.sizing) == (3.0, Use("risk", {"percent": 1.0}))
    assert risk.stop_loss == Use("atr", {"length": 14, "multiple": 2.0})
    assert risk.take_profit == (
        Use("r", {"multiple": 1.0, "share_percent": 50.0}),
        Use("r", {"multiple": 3.0, "share_percent": 50.0}),
    )
    assert risk.trailing_stop == Use("percent", {"percent": 1.5, "start_percent": 2.0})
    assert risk.break_even == BreakEven(1.0, 0.05)
    assert (risk.max_bars, risk.cooldown_bars, risk.max_positions) == (96, 4, 3)
    assert (risk.max_exposure_percent, risk.max_symbol_exposure_percent) == (300.0, 150.0)
    assert (risk.max_daily_loss_percent, risk.max_drawdown_percent) == (5.0, 25.0)
    assert risk.loss_streak == LossStreak(4, 48)
    assert risk.pyramiding == Pyramiding(2, Use("atr", {"length": 14, "multiple": 1.0}))
    assert (spec.costs.max_volume_share_percent, spec.costs.impact, spec.costs.funding) == (10.0, None, True)
    assert spec.optimize == {"indicators.fast.length": OptimizeRange(5, 50, 1)}


def test_the_example_in_every_form_is_the_same_strategy() -> None:
    spec = parse_strategy(PAGE)
    assert parse_strategy(spec.to_toml()) == spec
    assert parse_strategy(spec.to_toml()).to_toml() == spec.to_toml()
    assert StrategyBuilder.from_toml(PAGE).to_toml() == PAGE
    assert StrategyBuilder.from_toml(PAGE).build() == spec
    assert built(PAGE) == spec
    assert describe(spec).startswith(
        "On 15m bars of BTCUSDT and ETH* (linear), with fills on 1m bars, go long when "
    )


def test_every_value_of_the_example_has_its_path() -> None:
    known = settable_paths(tomllib.loads(PAGE), REGISTRY)
    assert {
        "indicators.fast.length", "indicators.fast.enabled", "signals.cross.note", "groups.momentum.enabled",
        "strategy.execution", "orders.offset.percent", "orders.valid_bars", "risk.leverage", "risk.stop_loss.multiple",
        "risk.take_profit.1.multiple", "risk.take_profit.2.share_percent", "risk.trailing_stop.start_percent",
        "risk.break_even.at_r", "risk.loss_streak.pause_bars", "risk.pyramiding.spacing.multiple",
        "risk.max_symbol_exposure_percent", "costs.max_volume_share_percent",
    } <= set(known)  # fmt: skip


@pytest.mark.parametrize("section", ["indicators.fast", "signals.cross", "groups.momentum"])
def test_every_node_takes_a_switch_and_a_remark(section: str) -> None:
    text = PAGE.replace(f"[{section}]", f'[{section}]\nenabled = true\nnote = "a remark"')
    spec = parse_strategy(text)
    kind, name = section.split(".")
    assert getattr(spec, kind)[name].note == "a remark"
    assert parse_strategy(spec.to_toml()) == spec
    off = check_strategy(text.replace("enabled = true", "enabled = false"))
    assert (off.spec is None) is (kind == "indicators")  # an indicator that is needed cannot be switched off


# Signals support a side -------------------------------------------------------------------------------

NATURES = {
    "direction": (
        "cross",
        "breakout",
        "threshold",
        "band_break",
        "rising",
        "trend",
        "divergence",
        "candlestick",
    ),
    "both": ("compare", "volume_spike", "session", "time_of_day", "between", "squeeze"),
    "long": ("dip",),
    "short": ("rally",),
    "member": ("within", "held", "not", "delay"),
}


@pytest.mark.parametrize(("nature", "kinds"), list(NATURES.items()))
def test_the_natural_reading_of_a_kind(nature: str, kinds: tuple[str, ...]) -> None:
    assert {REGISTRY.signals[kind].supports for kind in kinds} == {nature}


def decided(close: list[float], **signal: Any) -> str:
    """What an entry of one signal decides on bars that close so; an open of 2 is the other operand."""
    spec = builder().signal("it", **signal).entry("any", ["it"]).build()
    return sides_text(run(spec, close))


CROSSES = [1.0, 2.0, 3.0, 3.0, 2.0, 1.0, 2.0, 3.0, 1.0]


def test_a_cross_is_from_at_or_below_to_above_and_the_mirror_image() -> None:
    assert decided(CROSSES, use="cross", a="close", b=2) == "--L--S-LS"


def test_equal_values_support_neither_side() -> None:
    assert decided([1.0, 2.0, 3.0], use="compare", a="close", op=">", b=2, supports="direction") == "S-L"
    assert decided([1.0, 2.0, 3.0], use="compare", a="close", op=">=", b=2, supports="direction") == "SLL"


def test_missing_values_and_warm_up_support_neither_side() -> None:
    spec = (
        builder().indicator("mean", "sma", length=3)
        .signal("it", "compare", a="close", op=">", b="mean", supports="direction").entry("any", ["it"]).build()
    )  # fmt: skip
    assert sides_text(run(spec, [1.0, 2.0, 3.0, 1.0])) == "--LS"


@pytest.mark.parametrize(
    ("supports", "plain", "inverted"),
    [("direction", "S-L", "L-S"), ("long", "--L", "--S"), ("short", "--S", "--L")],
)
def test_invert_swaps_the_sides(supports: str, plain: str, inverted: str) -> None:
    for invert, expected in ((False, plain), (True, inverted)):
        signal = {"use": "compare", "a": "close", "op": ">", "b": 2, "supports": supports, "invert": invert}
        assert decided([1.0, 2.0, 3.0], **signal) == expected


def test_invert_negates_a_condition() -> None:
    made = builder().signal("busy", "compare", a="volume", op=">", b=5, invert=True)
    made.signal("up", "compare", a="close", op=">", b=2, supports="direction")
    spec = made.entry("unanimous", ["busy", "up"]).build()
    assert sides_text(run(spec, [3.0, 3.0, 1.0, 2.0], [9.0, 1.0, 1.0, 1.0])) == "-LS-"


# From decision to orders ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("direction", "opposite"),
    [
        (None, Opposite.REVERSE),
        ("both", Opposite.REVERSE),
        ("long", Opposite.CLOSE),
        ("short", Opposite.CLOSE),
    ],
)
def test_what_an_opposite_decision_does_unless_stated(direction: str | None, opposite: Opposite) -> None:
    made = builder().signal("up", "cross", a="close", b="open").entry("any", ["up"])
    assert made.risk(direction=direction).build().risk.opposite is opposite
    assert made.risk(opposite="ignore").build().risk.opposite is Opposite.IGNORE


def test_orders_and_levels_are_no_part_of_a_decision() -> None:
    """The same decisions serve every risk setting, but for what must be known first."""
    plain = builder().signal("up", "cross", a="close", b=2).entry("any", ["up"]).exit("any", ["up"])
    full = StrategyBuilder.from_toml(plain.to_toml()).orders("limit", "percent", percent=1, valid_bars=5)
    full.risk(direction="long", leverage=5, cooldown_bars=9).stop_loss("percent", percent=2).break_even(1)
    full.take_profit("r", multiple=2).limits(max_positions=1).pyramiding(2).sizing("risk", percent=1)
    one, other = run(plain.build(), CROSSES), run(full.build(), CROSSES)
    assert np.array_equal(one.side, other.side)
    assert np.array_equal(one.exit_long, other.exit_long)


def test_a_strategy_says_everything_that_decides_something_when_it_is_written() -> None:
    spec: StrategySpec = builder().signal("up", "cross", a="close", b=2).entry("any", ["up"]).build()
    text = spec.to_toml()
    for line in (
        'direction = "both"',
        'opposite = "reverse"',
        'sizing = { use = "equity", percent = 100.0 }',
    ):
        assert line in text
    assert "[orders]" not in text
    assert "leverage" not in text


def test_what_lint_says_is_no_error() -> None:
    text = PAGE.replace("cooldown_bars = 4\n", "").replace(
        'signals = ["momentum", "strong"]', 'signals = ["regime"]'
    )
    checked = check_strategy(text)
    assert checked.spec is not None
    assert {problem.severity for problem in checked.problems} <= {Severity.HINT, Severity.WARNING}
    assert "risk.cooldown_bars" in {problem.path for problem in checked.problems}


def test_decisions_of_one_symbol_of_a_list_need_no_name() -> None:
    spec = parse_strategy(
        PAGE.replace('["BTCUSDT", "ETH*"]', "{ top = 20 }").replace('timeframe = "4h"\n', "")
    )
    assert len(run(spec, [1.0, 2.0, 3.0]).side) == len(candles([1.0, 2.0, 3.0]))
