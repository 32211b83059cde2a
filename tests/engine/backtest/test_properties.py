"""What must hold for every run, whatever the bars and decisions are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from random import Random

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.engine.backtest.build import inputs
from tests.support.reference_types import ReferenceCosts, ReferenceRisk, ReferenceSlot
from tests.support.scenarios import Scenario, random_scenario, scenarios
from tradebot.engine.backtest import (
    RunSettings,
    Simulation,
    SimulationState,
    StrategyRules,
    SymbolData,
    simulate,
)
from tradebot.engine.backtest.kernel.codes import TradeStatus
from tradebot.engine.backtest.kernel.ledger import Ledger
from tradebot.engine.control.errors import CancelledError
from tradebot.engine.control.progress import CancelToken

Inputs = tuple[list[SymbolData], list[StrategyRules], RunSettings]
MANY = settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def given_to_kernel(scenario: Scenario) -> Inputs:
    return inputs(scenario.slots, scenario.risk, scenario.costs, scenario.cash)


def same(one: Ledger, other: Ledger) -> bool:
    """Bit for bit."""
    return (
        one.trades.tobytes() == other.trades.tobytes()
        and one.rows.tobytes() == other.rows.tobytes()
        and one.counts.tobytes() == other.counts.tobytes()
        and (one.exposed_rows, one.worst_drawdown, one.bankrupt)
        == (other.exposed_rows, other.worst_drawdown, other.bankrupt)
    )


@MANY
@given(scenario=scenarios(), pieces=st.lists(st.integers(1, 9), min_size=1, max_size=12))
def test_cut_anywhere_is_one_run(scenario: Scenario, pieces: list[int]) -> None:
    slots, risk, run_settings = given_to_kernel(scenario)
    whole = Simulation(slots, risk, run_settings)
    expected = whole.run()

    cut = Simulation(slots, risk, run_settings)
    turn = 0
    while cut.advance(pieces[turn % len(pieces)]):
        turn += 1

    assert same(cut.ledger(), expected)
    assert cut.state.to_bytes() == whole.state.to_bytes()


@MANY
@given(scenario=scenarios(), first=st.integers(0, 70))
def test_a_saved_state_goes_on_where_it_was_left(scenario: Scenario, first: int) -> None:
    slots, risk, run_settings = given_to_kernel(scenario)
    whole = Simulation(slots, risk, run_settings)
    expected = whole.run()

    before = Simulation(slots, risk, run_settings)
    before.advance(first)
    done = before.ledger()
    after = Simulation(slots, risk, run_settings, SimulationState.from_bytes(before.state.to_bytes()))
    while after.advance():
        pass
    rest = after.ledger()

    closed = done.trades[done.trades["status"] != TradeStatus.OPEN]
    assert np.concatenate([closed, rest.trades]).tobytes() == expected.trades.tobytes()
    assert np.concatenate([done.rows, rest.rows], axis=1).tobytes() == expected.rows.tobytes()
    assert after.state.to_bytes() == whole.state.to_bytes()


@MANY
@given(scenario=scenarios(), window_bars=st.integers(1, 40), trade_block=st.integers(1, 8))
def test_sizes_of_buffers_change_nothing(scenario: Scenario, window_bars: int, trade_block: int) -> None:
    slots, risk, run_settings = given_to_kernel(scenario)
    small = Simulation(
        slots, risk, run_settings, piece_ticks=7, window_bars=window_bars, trade_block=trade_block
    )
    assert same(small.run(), simulate(slots, risk, run_settings))


@MANY
@given(scenario=scenarios(), ticks_a_step=st.sampled_from([Decimal(1), Decimal(3), Decimal("2.5")]))
def test_quiet_stretches_are_a_short_cut_only(scenario: Scenario, ticks_a_step: Decimal) -> None:
    """A second slot that never trades keeps the kernel from passing quiet bars in one loop.

    Old bars may lie between the ticks of today: those are compared in whole ticks all the same.
    """
    slots, risk, run_settings = given_to_kernel(scenario)
    tick = slots[0].instrument.tick_size * ticks_a_step
    slots[0] = replace(slots[0], instrument=replace(slots[0].instrument, tick_size=tick))
    short_cut = Simulation(slots[:1], risk, run_settings)
    alone = short_cut.run()
    silent = replace(
        slots[0],
        symbol="ZZZ",
        decisions=replace(
            slots[0].decisions,
            side=np.zeros_like(slots[0].decisions.side),
        ),
        funding_time=np.empty(0, dtype=np.int64),
        funding_rate=np.empty(0),
    )
    stepped = Simulation([slots[0], silent], risk, run_settings)
    beside = stepped.run()
    assert short_cut.state.slots[0].tobytes() == stepped.state.slots[0].tobytes()
    assert alone.trades.tobytes() == beside.trades.tobytes()
    assert alone.rows.tobytes() == beside.rows.tobytes()
    assert alone.counts[0].tobytes() == beside.counts[0].tobytes()
    assert (alone.exposed_rows, alone.worst_drawdown) == (beside.exposed_rows, beside.worst_drawdown)


@MANY
@given(scenario=scenarios(), share=st.floats(0.1, 0.9))
def test_bars_of_the_future_do_not_reach_the_past(scenario: Scenario, share: float) -> None:
    clock = sorted({time for slot in scenario.slots for time in slot.time})
    end = clock[int(len(clock) * share)]
    known = replace(scenario, slots=tuple(until(slot, end) for slot in scenario.slots))

    before = simulate(*given_to_kernel(known))
    after = simulate(*given_to_kernel(scenario))

    assert before.rows.tobytes() == after.rows[:, : before.steps].tobytes()
    closed = before.trades[before.trades["status"] != TradeStatus.OPEN]
    assert closed.tobytes() == after.trades[: len(closed)].tobytes()


def until(slot: ReferenceSlot, end: int) -> ReferenceSlot:
    count = sum(time < end for time in slot.time)
    columns = ("time", "open", "high", "low", "close", "side", "exit_long", "exit_short")
    return replace(slot, **{name: getattr(slot, name)[:count] for name in columns})


@MANY
@given(scenario=scenarios(), exponent=st.integers(-6, 6))
def test_scaled_prices_scale_the_money(scenario: Scenario, exponent: int) -> None:
    """With powers of two every rounding is the same, so that the agreement is exact."""
    factor = 2.0**exponent
    slots, risk, run_settings = given_to_kernel(replace(scenario, risk=of_equity(scenario.risk)))
    scaled = [scaled_slot(slot, factor) for slot in slots]
    plain = simulate(slots, risk, run_settings)
    other = simulate(scaled, risk, replace(run_settings, cash=run_settings.cash * factor))
    assert (plain.rows[1:] * factor).tobytes() == other.rows[1:].tobytes()
    assert (plain.trades["pnl"] * factor).tobytes() == other.trades["pnl"].tobytes()
    assert plain.trades["quantity"].tobytes() == other.trades["quantity"].tobytes()


def of_equity(risk: ReferenceRisk) -> ReferenceRisk:
    return replace(risk, sizing="equity", size=50.0)


def scaled_slot(slot: SymbolData, factor: float) -> SymbolData:
    candles, instrument = slot.candles, slot.instrument
    exact = Decimal(factor)
    return replace(
        slot,
        instrument=replace(
            instrument,
            tick_size=instrument.tick_size * exact,
            min_notional=instrument.min_notional * exact,
        ),
        candles=replace(
            candles,
            **{name: getattr(candles, name) * factor for name in ("open", "high", "low", "close")},
        ),
    )


@MANY
@given(scenario=scenarios(), order=st.randoms(use_true_random=False))
def test_the_order_of_the_symbols_does_not_matter(scenario: Scenario, order: Random) -> None:
    slots, risk, run_settings = given_to_kernel(scenario)
    shuffled = list(slots)
    order.shuffle(shuffled)
    assert same(simulate(shuffled, risk, run_settings), simulate(slots, risk, run_settings))


@MANY
@given(scenario=scenarios(), more=st.floats(0.001, 0.5))
def test_more_fees_never_mean_more_equity_for_the_same_fills(scenario: Scenario, more: float) -> None:
    slot = scenario.slots[0]
    small = replace(scenario.risk, sizing="fixed", size=slot.lot)
    rich = slot.lot * max(slot.high) * 1000
    cheap = inputs([slot], small, scenario.costs, rich)
    dear_costs = replace(
        scenario.costs,
        taker_fee_percent=scenario.costs.taker_fee_percent + more,
        maker_fee_percent=scenario.costs.maker_fee_percent + more,
    )
    dear = inputs([slot], small, dear_costs, rich)
    one, other = simulate(*cheap), simulate(*dear)
    fills = ["entry_time", "entry_price", "exit_time", "exit_price", "quantity"]
    assert one.trades[fills].tolist() == other.trades[fills].tolist()
    assert np.all(other.equity <= one.equity)


@MANY
@given(scenario=scenarios())
def test_cash_is_conserved(scenario: Scenario) -> None:
    """Start cash and the profit of all trades, the open ones at their mark, are the final equity."""
    ledger = simulate(*given_to_kernel(scenario))
    traded = float(np.sum(ledger.trades["quantity"] * ledger.trades["entry_price"]))
    tolerance = 1e-12 * (scenario.cash + traded)
    assert ledger.cash + float(ledger.trades["pnl"].sum()) == pytest.approx(
        ledger.final_equity, abs=tolerance
    )


@MANY
@given(scenario=scenarios())
def test_no_value_is_undefined_where_it_must_not_be(scenario: Scenario) -> None:
    ledger = simulate(*given_to_kernel(scenario))
    assert np.isfinite(ledger.rows).all()
    for name in ("entry_price", "exit_price", "quantity", "pnl", "fees", "funding", "slippage", "mae", "mfe"):
        assert np.isfinite(ledger.trades[name]).all(), name
    assert (ledger.trades["quantity"] > 0).all()
    assert (ledger.trades["mae"] <= 0).all()
    assert (ledger.trades["mfe"] >= 0).all()


@pytest.mark.parametrize("seed", range(20))
def test_always_long_without_costs_is_buy_and_hold(seed: int) -> None:
    slot = random_scenario(seed).slots[0]
    always = replace(slot, side=[1] * len(slot.time), exit_long=[False] * len(slot.time), funding=())
    fine = replace(always, lot=1e-8, min_quantity=0.0, min_notional=0.0, max_quantity=None)
    risk = ReferenceRisk(direction="long", sizing="equity", size=100.0)
    gapless = [fine.time[0] + n * fine.timeframe_ms for n in range(len(fine.time))]
    held = simulate(*inputs([replace(fine, time=gapless)], risk, ReferenceCosts(), 1e6))
    if held.steps < 2:
        return
    # what the cash bought was fixed at the first close; an open above it shrinks the order to what fits
    quantity = min(1e6 / fine.close[0], 1e6 / fine.open[1])
    expected = 1e6 + quantity * (np.array(fine.close[1:]) - fine.open[1])
    assert held.equity[1:] == pytest.approx(expected[: held.steps - 1], rel=1e-6)


def test_cancelled_in_the_middle() -> None:
    slots, risk, run_settings = given_to_kernel(random_scenario(3, bars=80))
    token = CancelToken()
    seen: list[int] = []

    def report(done: int, total: int) -> None:
        seen.append(done)
        if done >= 20:
            token.cancel()

    with pytest.raises(CancelledError):
        Simulation(slots, risk, run_settings, piece_ticks=10).run(report, token)
    assert seen == [10, 20]


def empty_slots(count: int) -> Sequence[ReferenceSlot]:
    slot = until(random_scenario(1).slots[0], 0)
    return [replace(slot, symbol=f"S{n}") for n in range(count)]


@pytest.mark.parametrize("count", [1, 3])
def test_no_bars_at_all(count: int) -> None:
    ledger = simulate(*inputs(empty_slots(count), ReferenceRisk(), ReferenceCosts(), 500.0))
    assert (ledger.steps, len(ledger.trades), ledger.final_equity) == (0, 0, 500.0)
