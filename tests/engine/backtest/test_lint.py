"""Lint on columns: planted faults in rules, levels and sizes are found, and sound strategies are left in peace."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from tests.engine.strategy.helpers import REGISTRY, builder, random_candles
from tradebot.engine.backtest.kernel.ledger import Costs, RunSettings
from tradebot.engine.backtest.lint.lint import LintFinding, LintSlot, lint_columns
from tradebot.engine.backtest.lint.sizes import (
    TierValues,
    liquidation,
    quantities,
    tier_values,
    unit_cost,
)
from tradebot.engine.market import Candles, Category, Instrument, RiskTier
from tradebot.engine.strategy import Direction, Severity, StrategyBuilder, StrategySpec, Use, decide

BARS = random_candles(3_000)
COSTS = Costs(taker_fee_percent=0.055, maker_fee_percent=0.02, slippage_percent=0.01)
SETTINGS = RunSettings(cash=10_000.0, costs=COSTS)
RULES = Instrument(
    "BTCUSDT",
    Category.LINEAR,
    "BTC",
    "USDT",
    tick_size=Decimal("0.01"),
    lot_size=Decimal("0.001"),
    min_quantity=Decimal("0.001"),
    min_notional=Decimal(5),
    max_market_quantity=Decimal(1_000_000),
    max_leverage=Decimal(100),
)


def tier(limit: int, rate: str, leverage: int, deduction: int = 0) -> RiskTier:
    maintenance = Decimal(rate)
    return RiskTier(Decimal(limit), maintenance, 2 * maintenance, Decimal(leverage), Decimal(deduction))


def slot(
    spec: StrategySpec,
    bars: Candles = BARS,
    symbol: str = "BTCUSDT",
    tiers: tuple[RiskTier, ...] = (),
    levels: dict[str, np.ndarray] | None = None,
    **rules: Any,
) -> LintSlot:
    decisions = decide(spec, REGISTRY, bars, keep_members=True)
    if levels is not None:
        decisions = replace(decisions, levels=levels)
    instrument = replace(RULES, symbol=symbol, **rules)
    return LintSlot(symbol, instrument, bars, decisions, decisions.warm_up, tiers)


def lint(spec: StrategySpec, *slots: LintSlot, settings: RunSettings = SETTINGS) -> dict[str, LintFinding]:
    """The findings by their code; a code that comes twice is an error of the test."""
    found = lint_columns(spec, REGISTRY, slots or (slot(spec),), settings)
    assert len({each.code for each in found}) == len(found), found
    return {each.code: each for each in found}


def crossing() -> StrategyBuilder:
    """A sound strategy: an edge for both sides, with a stop and a cool-down."""
    made = builder().indicator("fast", "sma", length=5).indicator("slow", "sma", length=20)
    made.signal("turn", "cross", a="fast", b="slow").entry("any", ["turn"])
    return made.stop_loss("percent", percent=2.0).take_profit("percent", percent=6.0).risk(cooldown_bars=3)


def with_risk(spec: StrategySpec, **values: Any) -> StrategySpec:
    return replace(spec, risk=replace(spec.risk, **values))


def test_a_sound_strategy_has_no_finding() -> None:
    assert lint(with_risk(crossing().build(), sizing=Use("equity", {"percent": 50.0}))) == {}


# Rules that never or always fire ------------------------------------------------------------------------------


def test_a_rule_that_never_fires_is_named_with_how_often() -> None:
    made = crossing().signal("huge", "compare", a="volume", op=">", b=1e9)
    found = lint(made.entry("unanimous", ["turn", "huge"]).build())
    assert found["never_fires"].path == "signals.huge"
    assert found["never_fires"].sentence == "never fires: true on 0 of 2,980 bars of BTCUSDT"
    assert (
        found["entry_never"].sentence == 'never decides on any of 2,980 bars of BTCUSDT: "huge" never fires'
    )
    assert found["entry_never"].severity is Severity.WARNING


def test_a_condition_that_always_holds_decides_nothing() -> None:
    made = crossing().signal("traded", "compare", a="volume", op=">", b=0)
    found = lint(made.entry("unanimous", ["turn", "traded"]).build())
    assert list(found) == ["always_fires"]
    assert found["always_fires"].path == "signals.traded"
    assert found["always_fires"].sentence == (
        "always fires, so it decides nothing: true on 2,980 of 2,980 bars of BTCUSDT"
    )


def test_counts_are_those_of_all_symbols() -> None:
    spec = crossing().signal("traded", "compare", a="volume", op=">", b=500)
    spec = spec.entry("unanimous", ["turn", "traded"]).build()
    quiet = replace(BARS, volume=BARS.volume * 0.001)
    loud = replace(BARS, volume=BARS.volume + 1_000.0)
    assert "never_fires" in lint(spec, slot(spec, quiet))
    assert "always_fires" in lint(spec, slot(spec, loud))
    assert lint(spec, slot(spec, quiet), slot(spec, loud, "ETHUSDT")) == {}


def test_a_direction_of_which_one_side_never_comes() -> None:
    made = crossing().signal("low", "threshold", source="close", lower=60.0, upper=1e9)
    spec = made.entry("majority", ["turn", "low"]).build()
    assert lint(spec)["never_one_side"].severity is Severity.HINT
    short = with_risk(spec, direction=Direction.SHORT)
    found = lint(short)["never_one_side"]
    assert found.severity is Severity.WARNING
    assert found.sentence.startswith("never supports short, the only side that is opened: long on ")


# Entry and exit ----------------------------------------------------------------------------------------------


def test_an_entry_that_never_fires_though_each_rule_does() -> None:
    made = crossing().signal("high", "compare", a="close", op=">", b="open")
    made.signal("low", "compare", a="close", op="<", b="open")
    found = lint(made.entry("unanimous", ["turn", "high", "low"]).build())
    assert found["entry_never"].sentence == (
        "never decides on any of 2,980 bars of BTCUSDT: each of its rules fires, but "
        '"high" and "low" never on the same bar'
    )


def test_rules_that_never_meet_in_a_majority() -> None:
    made = builder()
    for name, low in (("a", 0.0), ("b", 300.0), ("c", 600.0)):
        made.signal(name, "between", source="volume", lower=low, upper=low + 299.0, supports="long")
    found = lint(made.entry("majority", ["a", "b", "c"]).build())
    assert found["entry_never"].sentence.endswith(
        "each of its rules fires, but never enough of them on the same bar"
    )


def test_an_entry_of_conditions_alone_is_one_conflict_after_the_other() -> None:
    made = builder().signal("busy", "compare", a="volume", op=">", b=500)
    found = lint(made.entry("unanimous", ["busy"]).build())
    assert "which is a conflict" in found["entry_never"].sentence


def test_an_entry_of_the_side_that_is_not_opened() -> None:
    made = crossing().signal("up", "rising", source="close", bars=3, supports="long").entry("any", ["up"])
    assert lint(made.risk(direction="long").build()) == {}
    wrong = lint(made.risk(direction="short").build())["entry_wrong_side"]
    assert wrong.sentence.startswith("never decides for short, the only side that is opened: long on ")


def test_an_exit_that_never_or_always_closes() -> None:
    made = crossing().risk(direction="long").signal("up", "rising", source="close", bars=3, supports="long")
    found = lint(made.exit("any", ["up"]).build())
    assert found["exit_never"].sentence == "never closes a long: it would on 0 of 2,980 bars of BTCUSDT"
    always = crossing().signal("traded", "compare", a="volume", op=">", b=0).exit("any", ["traded"])
    found = lint(always.risk(direction="long").build())
    assert found["exit_always"].sentence.startswith("closes a long at the very next open")


# Two rules that say the same ----------------------------------------------------------------------------------


def test_two_signals_that_always_agree() -> None:
    made = crossing().signal("same", "cross", a="fast", b="slow")
    made.signal("other", "cross", a="close", b="slow")
    found = lint(made.entry("majority", ["turn", "same", "other"]).build())
    assert found["always_agree"].path == "signals.same"
    assert found["always_agree"].sentence == (
        'always says what "turn" says, on each of 2,980 bars of BTCUSDT: one of the two is enough'
    )


def test_equal_counts_alone_are_no_agreement() -> None:
    made = builder().signal("now", "cross", a="close", b=100.0).signal("two", "cross", a="open", b=100.0)
    made.signal("late", "delay", signal="now", bars=1).signal("later", "delay", signal="now", bars=2)
    spec = made.entry("any", ["two", "late", "later"]).build()
    seen = slot(spec)
    counts = {name: tuple(map(np.count_nonzero, pair)) for name, pair in seen.members.items()}
    assert counts["late"] == counts["later"] == counts["two"]
    found = lint(spec, seen)["always_agree"]  # the open is the close before, which is what "late" looks at
    assert (found.path, found.sentence[:31]) == ("signals.late", 'always says what "two" says, on')


def test_agreement_must_hold_on_every_symbol() -> None:
    made = builder().signal("a", "compare", a="close", op=">", b="open", supports="direction")
    made.signal("b", "compare", a="high", op=">", b="open", supports="direction")
    spec = made.entry("unanimous", ["a", "b"]).build()
    equal = replace(BARS, high=BARS.close)
    assert "always_agree" in lint(spec, slot(spec, equal))
    assert "always_agree" in lint(spec, slot(spec, equal), slot(spec, equal, "ETHUSDT"))
    assert "always_agree" not in lint(spec, slot(spec, equal), slot(spec, BARS, "ETHUSDT"))


def test_opposites_are_found_and_what_is_made_of_one_another_is_not() -> None:
    made = crossing().signal("against", "cross", a="slow", b="fast").entry("any", ["turn", "against"])
    assert lint(made.build())["always_opposite"].path == "signals.against"
    made = crossing().signal("one", "within", signal="turn", bars=1).entry("any", ["turn", "one"])
    assert lint(made.build()) == {}  # "within 1 bar" of a signal is that signal, but says so itself
    conditions = crossing().signal("big", "compare", a="volume", op=">=", b=500)
    conditions.signal("small", "compare", a="volume", op="<", b=500)
    conditions.entry("at_least", ["turn", "big", "small"], k=2)
    assert lint(conditions.build())["always_opposite"].path == "signals.small"


def test_an_entry_and_an_exit_of_the_same_rule_are_no_doubles() -> None:
    made = crossing().signal("again", "cross", a="fast", b="slow").exit("any", ["again"])
    assert "always_agree" not in lint(made.build())


# Stop and liquidation ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("side", "entry", "leverage", "rate", "deduction", "liquidated_at"),
    [
        (1, 20_000, 50, 0.005, 0, 19_698.492462),
        (-1, 20_000, 50, 0.005, 0, 20_298.507463),
        (1, 60_000, 10, 0.01, 10_000, 54_444.444444),
    ],
)
def test_the_liquidation_is_where_the_rules_put_it(
    side: int, entry: float, leverage: float, rate: float, deduction: float, liquidated_at: float
) -> None:
    value = 100.0 * entry if deduction else float(entry)
    held = tier_values(np.array([value]), (tier(10**12, str(rate), 100, int(deduction)),), 0.0)
    away = liquidation(leverage, np.array([float(side)]), held)[0]
    assert entry * (1.0 - side * away) == pytest.approx(liquidated_at, abs=1e-6)


def test_a_stop_beyond_the_liquidation_is_an_error_with_the_leverage_that_would_do() -> None:
    spec = with_risk(
        crossing().build(), leverage=20.0, stop_loss=Use("percent", {"percent": 5.0}), take_profit=()
    )
    found = lint(spec)["stop_beyond_liquidation"]
    assert (found.path, found.severity) == ("risk.stop_loss", Severity.ERROR)
    # A long at 20x and a rate of 0.5 %: 1 - 0.95 / 0.995 = 4.52 %; a short at 1.05 / 1.005 - 1 = 4.48 %.
    assert "at 20x that is 4.5" in found.sentence
    assert "the stop 5 %; use at most 18x" in found.sentence
    assert "stop_beyond_liquidation" not in lint(with_risk(spec, leverage=18.0))
    assert "stop_beyond_liquidation" in lint(with_risk(spec, leverage=19.0))


def test_an_atr_stop_is_judged_by_its_median_and_its_worst() -> None:
    spec = with_risk(
        crossing().build(),
        leverage=20.0,
        take_profit=(),
        stop_loss=Use("atr", {"length": 14, "multiple": 2.0}),
    )
    plain = slot(crossing().build())
    ranges = BARS.close * 0.005
    entries = np.flatnonzero(plain.decisions.side)
    ranges[entries[:7]] = BARS.close[entries[:7]] * 0.04
    found = lint(spec, replace(plain, decisions=replace(plain.decisions, levels={"atr:14": ranges})))
    said = found["stop_beyond_liquidation"]
    assert said.severity is Severity.WARNING
    assert f"at 7 of {len(entries):,} entry decisions of BTCUSDT" in said.sentence
    assert "the stop 1 % in the median and 8 % at worst" in said.sentence


def test_the_tier_of_the_usual_size_decides() -> None:
    tiers = (tier(2_000, "0.005", 100), tier(10**9, "0.04", 12, 70))
    spec = with_risk(crossing().build(), leverage=10.0, stop_loss=Use("percent", {"percent": 7.0}))
    small = with_risk(spec, sizing=Use("notional", {"amount": 1_000.0}))
    large = with_risk(spec, sizing=Use("notional", {"amount": 50_000.0}))
    assert "stop_beyond_liquidation" not in lint(small, slot(small, tiers=tiers))
    assert "stop_beyond_liquidation" in lint(large, slot(large, tiers=tiers))


def test_leverage_without_a_stop_is_remarked() -> None:
    spec = with_risk(crossing().build(), leverage=10.0, stop_loss=None)
    assert lint(spec)["no_stop_with_leverage"].severity is Severity.HINT
    assert lint(with_risk(spec, leverage=1.0)) == {}


def test_leverage_above_what_symbol_and_tier_allow() -> None:
    spec = with_risk(crossing().build(), leverage=30.0, stop_loss=Use("percent", {"percent": 1.0}))
    found = lint(spec, slot(spec, max_leverage=Decimal(25)))["leverage_above_maximum"]
    assert (found.path, found.severity) == ("risk.leverage", Severity.ERROR)
    assert found.sentence == "is 30, but the exchange allows BTCUSDT at most 25"
    tiers = (tier(20_000, "0.005", 50), tier(10**9, "0.01", 20, 100))
    big = with_risk(spec, sizing=Use("notional", {"amount": 100_000.0}))
    said = lint(big, slot(big, tiers=tiers))["leverage_above_tier"]
    assert said.severity is Severity.ERROR
    assert "may have at most 20" in said.sentence
    modest = with_risk(spec, sizing=Use("notional", {"amount": 10_000.0}))
    assert "leverage_above_tier" not in lint(modest, slot(modest, tiers=tiers))


# Sizes -------------------------------------------------------------------------------------------------------


def test_a_size_below_the_minimum_is_counted_over_the_span() -> None:
    spec = with_risk(crossing().build(), sizing=Use("notional", {"amount": 4.0}))
    found = lint(spec)["size_below_minimum"]
    assert (found.path, found.severity) == ("risk.sizing", Severity.ERROR)
    decisions = np.count_nonzero(slot(spec).decisions.side)
    assert (
        f"minimum of 0.001 BTC and 5 USDT at each of {decisions} entry decisions of BTCUSDT" in found.sentence
    )
    assert "1.3 times the size would do" in found.sentence
    prices = BARS.close[slot(spec).decisions.side != 0]
    quantity = round(5.0 / float(np.median(prices)), 3)
    some = with_risk(spec, sizing=Use("fixed", {"quantity": quantity}))
    below = np.count_nonzero(quantity * prices < 5.0)
    assert 0.3 * decisions < below < 0.7 * decisions
    said = lint(some)["size_below_minimum"]
    assert said.severity is Severity.WARNING
    assert f"at {below} of {decisions} entry decisions" in said.sentence
    assert lint(with_risk(spec, sizing=Use("fixed", {"quantity": 1.0}))) == {}


def test_a_size_above_the_largest_order() -> None:
    spec = with_risk(crossing().build(), sizing=Use("fixed", {"quantity": 50.0}))
    found = lint(spec, slot(spec, max_market_quantity=Decimal(20)))["size_above_maximum"]
    assert "largest order of 20 BTC" in found.sentence


def test_a_size_that_the_margin_always_cuts() -> None:
    risk = Use("risk", {"percent": 5.0})
    spec = with_risk(crossing().build(), sizing=risk, stop_loss=Use("percent", {"percent": 1.0}))
    found = lint(spec)["always_reduced"]
    assert found.path == "risk.sizing"
    assert "asks for 451 % of the equity in the median, but the margin at 1x allows 99.9 %" in found.sentence
    assert "always_reduced" not in lint(with_risk(spec, leverage=10.0))
    capped = with_risk(spec, leverage=10.0, max_symbol_exposure_percent=100.0)
    assert lint(capped)["always_reduced"].path == "risk.max_symbol_exposure_percent"


def test_the_quantity_is_that_of_each_sizing() -> None:
    price, stop = np.array([100.0]), np.array([0.02])
    costs = replace(SETTINGS, costs=Costs(taker_fee_percent=0.1))
    spec = crossing().build()

    def quantity(use: str, levels: dict[str, np.ndarray] | None = None, **values: float) -> float:
        sized = with_risk(spec, sizing=Use(use, values))
        return float(quantities(sized, costs, price, stop, levels or {})[0])

    assert quantity("fixed", quantity=3.0) == 3.0
    assert quantity("notional", amount=500.0) == 5.0
    assert quantity("equity", percent=50.0) == 50.0
    assert quantity("kelly", fraction=0.5, min_trades=30, start_percent=10.0) == 10.0
    # 100 of 10,000 is lost by a fall of 2, a fee of 0.1 and one of 0.098.
    assert quantity("risk", percent=1.0) == pytest.approx(100.0 / 2.198)
    sigma = np.array([0.01])
    yearly = 0.01 * np.sqrt(365 * 24 * 60)
    wanted = quantity("volatility", {"volatility:20": sigma}, target_percent=30.0, length=20)
    assert wanted == pytest.approx(0.3 / yearly * 100.0)


def test_a_unit_costs_its_margin_and_both_fees() -> None:
    long, short = unit_cost(10.0, np.array([1.0, -1.0]), np.array([100.0, 100.0]), 0.1)
    assert long == pytest.approx(10.0 + 0.1 + 90.0 * 0.001)
    assert short == pytest.approx(10.0 + 0.1 + 110.0 * 0.001)


def test_a_level_without_a_value_is_counted() -> None:
    spec = with_risk(crossing().build(), stop_loss=Use("series", {"series": "slow", "follow": False}))
    column = np.full(len(BARS), np.nan)
    found = lint(spec, slot(crossing().build(), levels={"series:slow": column}))["no_level"]
    assert found.path == "risk.stop_loss"
    assert "such an entry is refused" in found.sentence


# Costs -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("percent", "share"),
    [(6.0, None), (0.5, None), (0.4, "21 %"), (0.05, "170 % of what a target earns, so")],
)
def test_costs_are_held_against_the_median_target(percent: float, share: str | None) -> None:
    # Entry 0.055 + 0.01, target 0.02: 0.085 % of the position.
    spec = with_risk(crossing().build(), take_profit=(Use("percent", {"percent": percent}),))
    found = lint(spec).get("costs_eat_the_target")
    assert (found is not None) == (share is not None)
    if found is not None and share is not None:
        assert share in found.sentence
        assert "entry and exit cost 0.085 %" in found.sentence


def test_a_target_in_multiples_of_the_risk_is_as_far_as_the_stop_says() -> None:
    spec = with_risk(
        crossing().build(),
        stop_loss=Use("percent", {"percent": 0.1}),
        take_profit=(Use("r", {"multiple": 2.0}), Use("percent", {"percent": 5.0})),
    )
    assert "is 0.2 % away in the median" in lint(spec)["costs_eat_the_target"].sentence


# The frame ---------------------------------------------------------------------------------------------------


def test_the_gravest_come_first_and_one_kind_of_several_symbols_is_one_finding() -> None:
    spec = with_risk(crossing().build(), sizing=Use("notional", {"amount": 4.0}), leverage=20.0)
    spec = with_risk(spec, stop_loss=Use("percent", {"percent": 0.1}), cooldown_bars=0)
    slots = [slot(spec, symbol=symbol) for symbol in ("AAAUSDT", "BBBUSDT", "CCCUSDT")]
    found = lint_columns(spec, REGISTRY, slots, SETTINGS)
    assert [each.severity for each in found] == sorted(
        (each.severity for each in found), key=["error", "warning", "hint"].index
    )
    sizes = [each for each in found if each.code == "size_below_minimum"]
    assert len(sizes) == 1
    assert sizes[0].sentence.endswith("(and so for 2 more symbols)")


def test_without_the_columns_of_members_what_can_be_counted_is_said() -> None:
    made = crossing().signal("huge", "compare", a="volume", op=">", b=1e9)
    spec = made.entry("unanimous", ["turn", "huge"]).build()
    bare = slot(spec)
    found = lint(spec, replace(bare, decisions=replace(bare.decisions, members={})))
    assert {"never_fires", "entry_never"} <= set(found)


def test_a_span_cut_from_a_longer_history_is_counted_alone() -> None:
    made = crossing().signal("early", "compare", a="volume", op=">", b=500)
    spec = made.entry("unanimous", ["turn", "early"]).build()
    volume = BARS.volume.copy()
    volume[1_000:] = 1.0
    whole = slot(spec, replace(BARS, volume=volume))
    cut = replace(
        whole,
        candles=BARS.slice(1_000, 3_000),
        first=0,
        decisions=replace(
            whole.decisions,
            side=whole.decisions.side[1_000:],
            exit_long=whole.decisions.exit_long[1_000:],
            exit_short=whole.decisions.exit_short[1_000:],
        ),
    )
    assert "never_fires" not in lint(spec, whole)
    assert lint(spec, cut)["never_fires"].sentence == "never fires: true on 0 of 2,000 bars of BTCUSDT"


def test_tiers_of_a_value_and_without_any() -> None:
    held = tier_values(
        np.array([0.0, 100.0, 2_000.0, 2_001.0, 9e9]),
        (tier(2_000, "0.01", 50), tier(5_000, "0.02", 25, 20)),
        0.5,
    )
    assert held.rate.tolist() == [0.01, 0.01, 0.01, 0.02, 0.02]
    assert held.max_leverage.tolist() == [50, 50, 50, 25, 25]
    bare = tier_values(np.array([100.0]), (), 0.5)
    assert isinstance(bare, TierValues)
    assert (bare.rate[0], bare.relief[0], bare.max_leverage[0]) == (0.005, 0.0, np.inf)
