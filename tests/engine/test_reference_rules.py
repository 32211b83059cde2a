"""The plain reference keeps the rules: a table worked out by hand, then laws that hold for every run."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace
from itertools import accumulate

import numpy as np
import pytest
import talib
from hypothesis import given

from tests.support import reference_metrics as metrics
from tests.support.reference import simulate_reference_run
from tests.support.reference_short import run_of
from tests.support.reference_signals import (
    INDICATORS,
    ReferenceCombination,
    ReferenceSignal,
    ReferenceStrategy,
    combined_sides,
    reference_decisions,
    signal_sides,
)
from tests.support.reference_types import (
    ReferenceCosts,
    ReferenceEquity,
    ReferenceResult,
    ReferenceRisk,
    ReferenceTrade,
)
from tests.support.run_case import RunCase
from tests.support.run_cases import RUN_CASES
from tests.support.scenarios import Scenario, random_scenario, scenarios


def close_to(value: object, column: str = "") -> object:
    """The expected value with room for a float's last digits; times, counts and words as they are."""
    if isinstance(value, float | int) and column not in ("entry_time", "exit_time", "bars", "ambiguous"):
        return pytest.approx(value, rel=1e-12, abs=1e-11)
    return value


@pytest.mark.parametrize("case", RUN_CASES, ids=[case.name for case in RUN_CASES])
def test_a_rule(case: RunCase) -> None:
    result = simulate_reference_run(case.run)
    assert len(result.trades) == len(case.trades)
    for trade, expected in zip(result.trades, case.trades, strict=True):
        assert {column: getattr(trade, column) for column in expected} == {
            column: close_to(value, column) for column, value in expected.items()
        }
    assert result.refusals == case.refusals
    assert result.interventions == case.interventions
    assert result.equity[-1].equity == close_to(case.final_equity)
    if case.equity is not None:
        assert [row.equity for row in result.equity] == pytest.approx(list(case.equity), rel=1e-12)
    if case.cash is not None:
        assert [row.cash for row in result.equity] == pytest.approx(list(case.cash), rel=1e-12, abs=1e-9)
    if case.last_row is not None:
        assert result.equity[-1][1:] == pytest.approx(case.last_row, rel=1e-12, abs=1e-11)
    assert result.bankrupt == case.bankrupt


# Laws that hold for every run ------------------------------------------------------------------------------


def run(scenario: Scenario, **changes: object) -> ReferenceResult:
    changed = replace(scenario, **changes)
    return simulate_reference_run(run_of(changed.slots, changed.risk, changed.costs, changed.cash))


@given(scenarios())
def test_symbols_that_do_not_share_cash_do_not_meet(scenario: Scenario) -> None:
    risk = replace(scenario.risk, sizing="fixed", size=100 * scenario.slots[0].lot)
    rich = replace(scenario, risk=risk, cash=1e15)
    alone = [trade for slot in rich.slots for trade in run(rich, slots=(slot,)).trades]

    def told_apart(trades: list[ReferenceTrade]) -> list[tuple[object, ...]]:
        return sorted((t.symbol, t.entry_time, t.exit_time, t.qty, t.pnl, t.exit_reason) for t in trades)

    assert told_apart(run(rich).trades) == told_apart(alone)


@given(scenarios())
def test_higher_fees_never_help(scenario: Scenario) -> None:
    risk = replace(scenario.risk, sizing="fixed", size=100 * scenario.slots[0].lot)
    cheap = replace(scenario, risk=risk, cash=1e12, costs=ReferenceCosts(0.05, 0.02, 0.01))
    dear = replace(cheap, costs=ReferenceCosts(0.1, 0.05, 0.01))
    assert run(dear).equity[-1].equity <= run(cheap).equity[-1].equity


def test_always_in_without_costs_is_buy_and_hold() -> None:
    whole = next(
        slot for seed in range(99) for slot in random_scenario(seed, 50).slots if len(slot.time) == 50
    )
    held = replace(whole, side=[1] * 50, min_quantity=0.0, min_notional=0.0, max_quantity=None)
    risk = ReferenceRisk(direction="long", sizing="fixed", size=held.lot)
    result = simulate_reference_run(run_of([held], risk, ReferenceCosts(funding=False), 1e6))
    gain = held.lot * (held.close[-1] - held.open[1])
    assert result.equity[-1].equity - 1e6 == pytest.approx(gain, rel=1e-6)


def test_the_scenarios_reach_every_rule() -> None:
    seen: Counter[str] = Counter()
    for seed in range(400):
        result = run(random_scenario(seed))
        seen.update(result.refusals)
        seen.update(trade.exit_reason for trade in result.trades)
        seen.update("ambiguous" for trade in result.trades if trade.ambiguous)
        seen.update("funding" for trade in result.trades if trade.funding)
        seen.update(result.interventions)
        seen["bankrupt"] += result.bankrupt
    for what in (
        *("gap", "insufficient_margin", "below_min_quantity", "below_min_notional", "above_max_quantity"),
        *("opposite_ignored", "already_open", "direction", "cooldown", "no_next_bar"),
        *("size_zero", "reduced_margin", "liquidation"),
        *(
            "stop",
            "target",
            "signal",
            "opposite",
            "reverse",
            "time",
            "end",
            "ambiguous",
            "funding",
            "bankrupt",
        ),
    ):
        assert seen[what] >= 3, what


# Signals ---------------------------------------------------------------------------------------------------

WALK = [float(100 + (i * 37) % 23 - (i * 11) % 17) for i in range(120)]


@pytest.mark.parametrize("length", [2, 5, 14])
@pytest.mark.parametrize("kind", ["sma", "ema", "rsi"])
def test_indicators_agree_with_talib(kind: str, length: int) -> None:
    theirs = getattr(talib, kind.upper())(np.array(WALK), length)
    ours = [math.nan if value is None else value for value in INDICATORS[kind](list(WALK), length)]
    np.testing.assert_allclose(ours, theirs, rtol=1e-12)


A = [1.0, 2.0, 3.0, 2.0, 1.0, 2.0]
B = [2.0, 2.0, 2.0, 2.0, 2.0, 2.0]
COLUMNS = {"a": A, "b": B}
ABOVE = ReferenceSignal("compare", "a", "b", op=">")
SIGNAL_SIDES = [
    ("cross up from equality, cross down to below", ReferenceSignal("cross", "a", "b"), " .. .. L. .. .S .."),
    ("cross inverted", ReferenceSignal("cross", "a", "b", invert=True), ".. .. .S .. L. .."),
    ("a condition supports both sides", ABOVE, ".. .. LS .. .. .."),
    ("a condition negated", replace(ABOVE, invert=True), "LS LS .. LS LS LS"),
    ("direction: equal supports neither", replace(ABOVE, supports="direction"), ".S .. L. .. .S .."),
    ("one side only", replace(ABOVE, supports="short"), ".. .. .S .. .. .."),
    ("against a number", ReferenceSignal("compare", "a", 1.5, op="<"), "LS .. .. .. LS .."),
    ("threshold, strict", ReferenceSignal("threshold", "a", lower=2, upper=2), "L. .. .S .. L. .."),
    ("warm-up supports neither", ReferenceSignal("compare", "late", 0, op=">"), ".. .. LS LS LS LS"),
]


@pytest.mark.parametrize(("name", "signal", "sides"), SIGNAL_SIDES, ids=[row[0] for row in SIGNAL_SIDES])
def test_signals_support_sides(name: str, signal: ReferenceSignal, sides: str) -> None:
    late: list[float | None] = [None, None, *A[2:]]
    got = signal_sides(signal, {**COLUMNS, "late": late}, len(A))
    assert [("L" if long else ".") + ("S" if short else ".") for long, short in got] == sides.split()


@pytest.mark.parametrize(
    ("combination", "carries"),
    [
        (ReferenceCombination("unanimous", ("x", "y", "z")), [3]),
        (ReferenceCombination("majority", ("x", "y", "z")), [2, 3]),
        (ReferenceCombination("majority", ("x", "y")), [2]),
        (ReferenceCombination("any", ("x", "y", "z")), [1, 2, 3]),
        (ReferenceCombination("at_least", ("x", "y", "z"), k=2), [2, 3]),
        (ReferenceCombination("weighted", ("x", "y", "z"), weights={"x": 2.0}, threshold=0.75), [2, 3]),
        (ReferenceCombination("weighted", ("x", "y", "z"), weights={"x": 2.0}, threshold=0.5), [1, 2, 3]),
    ],
)
def test_combinations_by_how_many_support(combination: ReferenceCombination, carries: list[int]) -> None:
    names = combination.members
    for supporting in range(len(names) + 1):
        sided = {name: [(i < supporting, False)] for i, name in enumerate(names)}
        assert combined_sides(combination, sided) == [(supporting in carries, False)]


def test_decisions_level_edge_conflict_and_exit() -> None:
    strategy = ReferenceStrategy(
        indicators={},
        signals={
            "up": replace(ABOVE, supports="long"),
            "low": ReferenceSignal("threshold", "a", lower=2.5, upper=9),
        },
        entry=ReferenceCombination("any", ("low",)),
        exit=ReferenceCombination("any", ("up",)),
    )
    level = reference_decisions(strategy, COLUMNS)
    assert level.side == [1, 1, 0, 1, 1, 1]
    assert level.exit_short == [False, False, True, False, False, False]
    assert level.exit_long == [False] * 6
    assert reference_decisions(replace(strategy, trigger="edge"), COLUMNS).side == [1, 0, 0, 1, 0, 0]
    both = replace(strategy, signals={**strategy.signals, "low": ABOVE})
    assert reference_decisions(both, COLUMNS).side == [0] * 6
    assert reference_decisions(both, COLUMNS).conflicts == 1


# Metrics ---------------------------------------------------------------------------------------------------

GOLDEN_RETURNS = [0.01, -0.02, 0.015, 0, -0.005, 0.03, -0.04, 0.02, 0.01, -0.01]


def test_metrics_of_the_golden_vector() -> None:
    returns = GOLDEN_RETURNS
    daily = list(accumulate(returns, lambda equity, change: equity * (1 + change), initial=1.0))
    growth, drawdown = metrics.cagr(daily, 10), metrics.max_drawdown(daily)
    assert {
        "total": daily[-1] - 1,
        "cagr": growth,
        "sharpe": metrics.sharpe(returns),
        "sortino": metrics.sortino(returns),
        "mdd": drawdown,
        "vol": metrics.volatility(returns),
        "calmar": metrics.calmar(growth, drawdown),
        "var": metrics.percentile(returns, 5),
        "cvar": metrics.cvar(returns),
        "tail": metrics.tail_ratio(returns),
        "omega": metrics.omega(returns),
        "ulcer": metrics.ulcer(daily),
        "psr": metrics.probabilistic_sharpe(returns),
    } == pytest.approx(
        {
            "total": 0.0080957188,
            "cagr": 0.3421919138,
            "sharpe": 0.9249155367,
            "sortino": 1.3105903474,
            "mdd": -0.04,
            "vol": 0.3946306290,
            "calmar": 8.5547978451,
            "var": -0.031,
            "cvar": -0.04,
            "tail": 0.8225806452,
            "omega": 1.1333333333,
            "ulcer": 0.0177546161,
            "psr": 0.5569115846,
        },
        abs=6e-11,
    )
    assert metrics.max_drawdown_days(daily) == 5


def test_days_of_the_base_series() -> None:
    day = metrics.DAY_MS
    rows = [(day // 2, 101.0), (day, 102.0), (day + 1, 103.0), (4 * day, 99.0)]
    assert metrics.daily_equity(rows, 100.0) == [100, 102, 103, 103, 99]


def test_metrics_of_trades() -> None:
    scenario = replace(random_scenario(3), cash=1000.0)
    model = next(trade for seed in range(50) for trade in run(random_scenario(seed)).trades)
    won = replace(model, pnl=30.0, r=3.0, status="closed", fees=1.0, slippage=0.5, funding=-2.0, qty=1.0)
    won = replace(won, trade_id=1, entry_price=100.0, exit_price=133.0, initial_stop=90.0)
    even, lost = replace(won, trade_id=2, pnl=0.0), replace(won, trade_id=3, pnl=-10.0)
    still_open = replace(won, trade_id=4, pnl=99.0, status="open")
    got = metrics.trade_metrics([won, even, lost, still_open])
    assert got["trades"] == 3
    assert got["profit_factor"] == pytest.approx(3.0)
    assert got["win_rate"] == pytest.approx(1 / 3)
    assert got["expectancy"] == pytest.approx(20 / 3)
    assert got["payoff"] == pytest.approx(3.0)
    assert got["sqn"] == pytest.approx(math.sqrt(3) * (2 / 3) / math.sqrt(13 / 3))
    assert (got["fees"], got["funding"], got["slippage_cost"]) == (4.0, -8.0, 2.0)
    assert metrics.turnover([won, still_open], [scenario.cash] * 3, 2) == pytest.approx(333 / 1000 * 365 / 2)


def test_undefined_metrics_are_none() -> None:
    nothing = metrics.reference_metrics([ReferenceEquity(60_000, 1000.0, 1000.0, 0.0, 0.0)], [], 1000.0)
    undefined = {name for name, value in nothing.items() if value is None}
    assert undefined == {
        *("cagr", "calmar", "sharpe", "sortino", "volatility"),
        *("profit_factor", "win_rate", "expectancy", "payoff", "sqn"),
        *("average_bars", "kelly", "expectancy_r", "cost_ratio", "break_even_bps"),
    }
