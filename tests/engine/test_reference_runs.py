"""Laws that hold for every whole run of the reference: several strategies, all orders, margin and limits."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.random_runs import random_run, runs
from tests.support.reference import simulate_reference_run
from tests.support.reference_from_spec import rules_from_spec
from tests.support.reference_types import (
    ReferenceCosts,
    ReferenceLevel,
    ReferenceResult,
    ReferenceRules,
    ReferenceRun,
    ReferenceSizing,
    ReferenceTarget,
    ReferenceTrailing,
)
from tests.support.run_changes import closes_of, in_other_prices, known_at
from tradebot.engine.strategy.spec import (
    BreakEven,
    Direction,
    EntryOrder,
    LossStreak,
    Opposite,
    OrdersSpec,
    Pyramiding,
    RiskSpec,
    Use,
)


@given(runs())
def test_money_comes_from_trades_alone(run: ReferenceRun) -> None:
    result = simulate_reference_run(run)
    earned = sum(trade.pnl for trade in result.trades)
    assert result.equity[-1].equity == pytest.approx(run.cash + earned, rel=1e-9, abs=1e-7)


@given(runs())
def test_the_order_in_which_symbols_are_given_does_not_matter(run: ReferenceRun) -> None:
    turned = replace(run, symbols=tuple(reversed(run.symbols)))
    assert simulate_reference_run(turned) == simulate_reference_run(run)


@given(runs(), st.floats(0, 1))
def test_bars_to_come_never_change_the_past(run: ReferenceRun, share: float) -> None:
    closes = closes_of(run)
    whole = simulate_reference_run(run)
    part = simulate_reference_run(known_at(run, closes[int(share * (len(closes) - 1))]))
    assert part.equity == whole.equity[: len(part.equity)]
    left = [trade for trade in part.trades if trade.status != "open"]
    assert left == whole.trades[: len(left)]


@given(runs())
def test_prices_and_cash_in_another_unit_give_the_same_trades(run: ReferenceRun) -> None:
    """In a coin of half the value all that is money or price doubles, which a float does exactly."""
    once, twice = simulate_reference_run(run), simulate_reference_run(in_other_prices(run, 2.0))
    assert [(2 * trade.pnl, trade.qty, trade.r, trade.exit_reason) for trade in once.trades] == [
        (trade.pnl, trade.qty, trade.r, trade.exit_reason) for trade in twice.trades
    ]
    assert once.refusals == twice.refusals
    assert once.interventions == twice.interventions


@given(runs())
def test_what_a_row_says_is_consistent(run: ReferenceRun) -> None:
    for trade in simulate_reference_run(run).trades:
        gross = trade.side * trade.qty * (trade.exit_price - trade.entry_price)
        assert trade.pnl == pytest.approx(gross - trade.fees + trade.funding, rel=1e-9, abs=1e-9 * run.cash)
        assert trade.mae <= 0 <= trade.mfe
        assert trade.fees >= 0
        assert trade.slippage >= -1e-12 * run.cash
        assert trade.entry_time <= trade.exit_time
        assert (trade.status == "liquidated") == (trade.exit_reason == "liquidation")


@given(runs())
def test_a_liquidation_costs_the_margin_and_no_more(run: ReferenceRun) -> None:
    leverage = {rules.name: rules.leverage for rules in run.strategies}
    for trade in simulate_reference_run(run).trades:
        if trade.status == "liquidated":
            lost = -trade.side * trade.qty * (trade.exit_price - trade.entry_price)
            assert lost <= trade.qty * trade.entry_price / leverage[trade.strategy] * (1 + 1e-9)


@given(runs())
def test_no_cash_is_spent_that_is_not_there(run: ReferenceRun) -> None:
    """Margin and fees are asked for before, and no position loses more than its margin.

    Without slippage, and with the last price as the mark: where the mark does not follow, a stop may lose more.
    """
    without_marks = replace(
        run,
        strategies=[replace(rules, costs=ReferenceCosts(0.1, 0.05)) for rules in run.strategies],
        symbols=[
            replace(
                symbol,
                bars=replace(symbol.bars, mark=None),
                finer=None if symbol.finer is None else replace(symbol.finer, mark=None),
            )
            for symbol in run.symbols
        ],
    )
    for row in simulate_reference_run(without_marks).equity:
        assert row.cash >= -1e-6 * run.cash


def test_the_runs_reach_every_rule() -> None:
    seen: Counter[str] = Counter()
    for seed in range(350):
        seen.update(whatever_happened(simulate_reference_run(random_run(seed))))
    for what in (
        *("gap", "expired", "already_pending", "already_open", "opposite_ignored", "direction", "cooldown"),
        *("no_next_bar", "no_level", "size_zero", "insufficient_margin", "exposure", "no_volume"),
        *("max_positions", "below_min_quantity", "below_min_notional", "above_max_quantity", "no_position"),
        *("daily_loss", "drawdown", "loss_streak", "reduced_margin", "reduced_exposure", "reduced_volume"),
        *("exit by stop", "exit by target", "exit by trailing", "exit by break_even", "exit by signal"),
        *("exit by reverse", "exit by opposite", "exit by time", "exit by liquidation", "exit by end"),
        *("exit by daily_loss", "exit by delisted", "ambiguous", "coarse", "funding", "several legs"),
    ):
        assert seen[what] >= 3, what


def whatever_happened(result: ReferenceResult) -> Counter[str]:
    seen = Counter(result.refusals) + Counter(result.interventions)
    for trade in result.trades:
        seen[f"exit by {trade.exit_reason}"] += 1
        seen["ambiguous"] += trade.ambiguous
        seen["coarse"] += trade.coarse
        seen["funding"] += trade.funding != 0
    legs = Counter(trade.trade_id for trade in result.trades)
    seen["several legs"] = sum(count > 1 for count in legs.values())
    return seen


def test_a_specification_in_the_words_of_the_reference() -> None:
    """Every key of [orders] and [risk] finds its place."""
    risk = RiskSpec(
        direction=Direction.LONG,
        opposite=Opposite.CLOSE,
        sizing=Use("kelly", {"fraction": 0.5, "min_trades": 30, "start_percent": 10.0}),
        leverage=3.0,
        stop_loss=Use("series", {"series": "bands.lower", "follow": True}),
        take_profit=(Use("r", {"multiple": 1.0, "share_percent": 40.0}), Use("percent", {"percent": 4.0})),
        trailing_stop=Use("atr", {"length": 14, "multiple": 2.0, "start_percent": 1.0, "start_r": 0.5}),
        break_even=BreakEven(1.0, 0.05),
        max_bars=9,
        cooldown_bars=4,
        max_positions=3,
        max_exposure_percent=300.0,
        max_symbol_exposure_percent=150.0,
        max_daily_loss_percent=5.0,
        max_drawdown_percent=25.0,
        loss_streak=LossStreak(4, 48),
        pyramiding=Pyramiding(2, Use("atr", {"length": 20, "multiple": 1.0})),
    )
    orders = OrdersSpec(EntryOrder.LIMIT, Use("percent", {"percent": 0.1}), 3)
    costs = ReferenceCosts(0.055, 0.02)
    assert rules_from_spec(risk, orders, costs, 900_000, "Trend") == ReferenceRules(
        name="Trend",
        timeframe_ms=900_000,
        direction="long",
        opposite="close",
        sizing=ReferenceSizing("kelly", 0.5, min_trades=30, start_percent=10.0),
        leverage=3.0,
        stop=ReferenceLevel("series", key="series:bands.lower", follow=True),
        targets=(
            ReferenceTarget(ReferenceLevel("r", 1.0), 40.0),
            ReferenceTarget(ReferenceLevel("percent", 4.0)),
        ),
        trailing=ReferenceTrailing(ReferenceLevel("atr", 2.0, "atr:14"), 1.0, 0.5),
        break_even_at_r=1.0,
        break_even_offset_percent=0.05,
        max_bars=9,
        cooldown_bars=4,
        max_positions=3,
        max_exposure_percent=300.0,
        max_symbol_exposure_percent=150.0,
        max_daily_loss_percent=5.0,
        max_drawdown_percent=25.0,
        streak_losses=4,
        streak_pause_bars=48,
        max_adds=2,
        add_spacing=ReferenceLevel("atr", 1.0, "atr:20"),
        entry="limit",
        offset=ReferenceLevel("percent", 0.1),
        valid_bars=3,
        costs=costs,
    )
