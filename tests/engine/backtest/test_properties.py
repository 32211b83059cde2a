"""What must hold for every run, whatever bars, decisions, orders, levels and limits are."""

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
from tests.engine.backtest.whole_runs import KernelRun, kernel_run, simulate_run
from tests.support.random_runs import runs
from tests.support.reference_types import ReferenceCosts, ReferenceRisk, ReferenceRun, ReferenceSlot
from tests.support.run_cases import RUN_CASES
from tests.support.run_changes import (
    closes_of,
    in_other_prices,
    in_other_sizes,
    known_at,
    rich_and_small,
    with_more_fees,
)
from tests.support.scenarios import random_scenario
from tradebot.engine.backtest import Simulation, SimulationState, simulate
from tradebot.engine.backtest.kernel.codes import TradeStatus
from tradebot.engine.backtest.kernel.ledger import Ledger
from tradebot.engine.backtest.kernel.records import Records
from tradebot.engine.control.errors import CancelledError
from tradebot.engine.control.progress import CancelToken
from tradebot.engine.market import DAY_MS

MANY = settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
FILLS = ["entry_time", "entry_price", "exit_time", "exit_price", "quantity", "exit_reason"]


def simulation(given: KernelRun, state: SimulationState | None = None, **sizes: int) -> Simulation:
    return Simulation(given.slots, given.strategies, given.settings, state, **sizes)


def same(one: Ledger, other: Ledger) -> bool:
    """Bit for bit."""
    return (
        one.trades.tobytes() == other.trades.tobytes()
        and one.rows.tobytes() == other.rows.tobytes()
        and one.counts.tobytes() == other.counts.tobytes()
        and one.interventions.tobytes() == other.interventions.tobytes()
        and (one.exposed_rows, one.worst_drawdown, one.bankrupt, one.looks)
        == (other.exposed_rows, other.worst_drawdown, other.bankrupt, other.looks)
    )


def closed(ledger: Ledger) -> Records:
    """The rows of the trade log that are final."""
    return ledger.trades[ledger.trades["status"] != TradeStatus.OPEN]


# Cut anywhere ----------------------------------------------------------------------------------------------


@MANY
@given(run=runs(), pieces=st.lists(st.integers(1, 9), min_size=1, max_size=12))
def test_cut_anywhere_is_one_run(run: ReferenceRun, pieces: list[int]) -> None:
    given = kernel_run(run)
    whole = simulation(given)
    expected = whole.run()

    cut = simulation(given)
    turn = 0
    while cut.advance(pieces[turn % len(pieces)]):
        turn += 1

    assert same(cut.ledger(), expected)
    assert cut.state.to_bytes() == whole.state.to_bytes()


@settings(MANY, max_examples=60)
@given(run=runs(), pieces=st.lists(st.integers(3, 30), min_size=1, max_size=6), window=st.integers(1, 60))
def test_a_saved_state_goes_on_where_it_was_left(run: ReferenceRun, pieces: list[int], window: int) -> None:
    """Each piece begins with the bytes that the one before left, on a window of its own."""
    given = kernel_run(run)
    whole = simulation(given)
    expected = whole.run()

    parts: list[Ledger] = []
    state = SimulationState.begin(len(given.slots), given.settings.cash, len(given.strategies))
    more = True
    while more:
        part = simulation(given, SimulationState.from_bytes(state.to_bytes()), window_bars=window)
        more = part.advance(pieces[len(parts) % len(pieces)])
        state = part.state
        parts.append(part.ledger())

    assert np.concatenate([closed(part) for part in parts]).tobytes() == closed(expected).tobytes()
    assert np.concatenate([part.rows for part in parts], axis=1).tobytes() == expected.rows.tobytes()
    assert state.to_bytes() == whole.state.to_bytes()


@MANY
@given(run=runs(), share=st.floats(0, 1))
def test_a_saved_state_goes_on_with_bars_that_came_later(run: ReferenceRun, share: float) -> None:
    """As paper trading does: what was simulated up to a close need not be simulated again."""
    clock = closes_of(run)
    known = simulation(kernel_run(known_at(run, clock[int(share * (len(clock) - 1))])))
    before = known.run()
    given = kernel_run(run)
    later = simulation(given, known.state)
    after = later.run()
    whole = simulation(given)
    expected = whole.run()
    assert np.concatenate([before.rows, after.rows], axis=1).tobytes() == expected.rows.tobytes()
    assert np.concatenate([closed(before), after.trades]).tobytes() == expected.trades.tobytes()
    assert later.state.to_bytes() == whole.state.to_bytes()


@MANY
@given(run=runs(), window_bars=st.integers(1, 40), trade_block=st.integers(1, 8))
def test_sizes_of_buffers_change_nothing(run: ReferenceRun, window_bars: int, trade_block: int) -> None:
    given = kernel_run(run)
    small = simulation(given, piece_ticks=7, window_bars=window_bars, trade_block=trade_block)
    assert same(small.run(), simulation(given).run())


@MANY
@given(run=runs(), pieces=st.lists(st.integers(1, 30), min_size=1, max_size=6))
def test_a_run_that_keeps_days_keeps_the_last_row_of_each_day(run: ReferenceRun, pieces: list[int]) -> None:
    """All else is the same, in one run or cut."""
    given = kernel_run(run)
    whole = simulation(given).run()
    days = (whole.time - 1) // DAY_MS
    last = np.flatnonzero(np.diff(days, append=days[-1] + 1))
    kept = Simulation(given.slots, given.strategies, given.settings, daily=True)
    turn = 0
    while kept.advance(pieces[turn % len(pieces)]):
        turn += 1
    ledger = kept.ledger()
    assert ledger.rows.tobytes() == np.ascontiguousarray(whole.rows[:, last]).tobytes()
    assert same(replace(ledger, rows=whole.rows), whole)


@pytest.mark.parametrize("window_bars", [1, 2, 3])
def test_bars_of_two_lengths_that_close_together_are_never_parted(window_bars: int) -> None:
    """A decision bar that stands for missing finer ones opens long before the finer bar of another symbol."""
    case = next(case for case in RUN_CASES if case.name == "bars of two lengths meet at their close")
    given = kernel_run(case.run)
    assert same(simulation(given, window_bars=window_bars).run(), simulation(given).run())


@MANY
@given(run=runs(), ticks_a_step=st.sampled_from([Decimal(1), Decimal(3), Decimal("2.5")]))
def test_quiet_stretches_are_a_short_cut_only(run: ReferenceRun, ticks_a_step: Decimal) -> None:
    """A second slot that never trades keeps the kernel from passing quiet bars in one loop.

    Old bars may lie between the ticks of today: those are compared in whole ticks all the same.
    """
    given = kernel_run(replace(run, symbols=[next(s for s in run.symbols if s.strategy == 0)]))
    slot = given.slots[0]
    tick = slot.instrument.tick_size * ticks_a_step
    slot = replace(slot, instrument=replace(slot.instrument, tick_size=tick))
    silent = replace(
        slot,
        symbol="ZZZ",
        decisions=replace(slot.decisions, side=np.zeros_like(slot.decisions.side)),
        funding_time=np.empty(0, dtype=np.int64),
        funding_rate=np.empty(0),
    )
    short_cut = Simulation([slot], given.strategies, given.settings)
    alone = short_cut.run()
    stepped = Simulation([slot, silent], given.strategies, given.settings)
    beside = stepped.run()
    assert short_cut.state.slots[0].tobytes() == stepped.state.slots[0].tobytes()
    assert alone.trades.tobytes() == beside.trades.tobytes()
    assert alone.rows.tobytes() == beside.rows.tobytes()
    assert alone.counts[0].tobytes() == beside.counts[0].tobytes()
    assert (alone.exposed_rows, alone.worst_drawdown) == (beside.exposed_rows, beside.worst_drawdown)


# What must not matter --------------------------------------------------------------------------------------


@MANY
@given(run=runs(), share=st.floats(0, 1))
def test_bars_of_the_future_do_not_reach_the_past(run: ReferenceRun, share: float) -> None:
    clock = closes_of(run)
    before = simulate_run(known_at(run, clock[int(share * (len(clock) - 1))]))
    after = simulate_run(run)
    assert before.rows.tobytes() == after.rows[:, : before.steps].tobytes()
    assert closed(before).tobytes() == after.trades[: len(closed(before))].tobytes()


@MANY
@given(run=runs(), exponent=st.integers(-6, 6))
def test_scaled_prices_scale_the_money(run: ReferenceRun, exponent: int) -> None:
    """With powers of two every rounding is the same, so that the agreement is exact."""
    factor = 2.0**exponent
    plain, other = simulate_run(run), simulate_run(in_other_prices(run, factor))
    assert (plain.rows[1:] * factor).tobytes() == other.rows[1:].tobytes()
    for name in ("pnl", "fees", "funding", "slippage", "entry_price", "exit_price"):
        assert (plain.trades[name] * factor).tobytes() == other.trades[name].tobytes(), name
    for name in ("quantity", "r", "mae", "mfe", "exit_time", "exit_reason"):
        assert plain.trades[name].tobytes() == other.trades[name].tobytes(), name
    assert plain.counts.tobytes() == other.counts.tobytes()


@MANY
@given(run=runs(), exponent=st.integers(-3, 6))
def test_more_cash_on_a_larger_market_is_the_same_run(run: ReferenceRun, exponent: int) -> None:
    """Twice the cash, lots and volumes: the same fills of twice the quantity, so that no size is absolute."""
    factor = 2.0**exponent
    plain, other = simulate_run(run), simulate_run(in_other_sizes(run, factor))
    assert (plain.rows[1:] * factor).tobytes() == other.rows[1:].tobytes()
    for name in ("pnl", "quantity", "fees"):
        assert (plain.trades[name] * factor).tobytes() == other.trades[name].tobytes(), name
    for name in ("entry_price", "exit_price", "r", "exit_time", "exit_reason"):
        assert plain.trades[name].tobytes() == other.trades[name].tobytes(), name
    assert plain.counts.tobytes() == other.counts.tobytes()


@MANY
@given(run=runs(), order=st.randoms(use_true_random=False))
def test_the_order_of_the_symbols_does_not_matter(run: ReferenceRun, order: Random) -> None:
    shuffled = list(run.symbols)
    order.shuffle(shuffled)
    assert same(simulate_run(replace(run, symbols=shuffled)), simulate_run(run))


# Money -----------------------------------------------------------------------------------------------------


@MANY
@given(run=runs(), more=st.floats(0.001, 0.5))
def test_more_fees_never_mean_more_equity_for_the_same_fills(run: ReferenceRun, more: float) -> None:
    cheap = rich_and_small(run)
    one, other = simulate_run(cheap), simulate_run(with_more_fees(cheap, more))
    assert one.trades[FILLS].tolist() == other.trades[FILLS].tolist()
    assert np.all(other.equity <= one.equity)
    assert len(one.trades) == 0 or other.trades["fees"].sum() > one.trades["fees"].sum()


@MANY
@given(run=runs(most_bars=30))
def test_cash_is_conserved_at_every_step(run: ReferenceRun) -> None:
    """Equity is wallet and unrealised profit; what is free is the wallet less margins and reserves; the wallet is the
    start cash and what the log says of every leg. Margins are S E / L + S B t + X, on spot S E.

    Without limits on losses: they free what orders had reserved after the row of their close.
    """
    free = [
        replace(rules, max_daily_loss_percent=None, max_drawdown_percent=None) for rules in run.strategies
    ]
    given = kernel_run(replace(run, strategies=free))
    stepped = simulation(given)
    steps = 0
    while stepped.advance(1):
        steps += 1
        state, ledger = stepped.state, stepped.ledger()
        if ledger.steps < steps:
            break
        held = state.slots[state.slots["side"] != 0]
        wallet = float(state.account["wallet"][0])
        _, equity, available, _ = ledger.rows[:, -1]
        unrealised = float(np.sum(held["side"] * held["quantity"] * (held["mark"] - held["entry_price"])))
        scale = run.cash + float(np.sum(ledger.trades["quantity"] * ledger.trades["entry_price"]))
        near = {"rel": 1e-12, "abs": 1e-12 * scale}
        assert equity == pytest.approx(wallet + unrealised, **near)
        assert available == pytest.approx(
            wallet - margins(given, state) - state.slots["reserve"].sum(), **near
        )
        paid = ledger.trades[ledger.trades["status"] == TradeStatus.OPEN]
        booked = closed(ledger)["pnl"].sum() - paid["fees"].sum() + paid["funding"].sum()
        assert wallet == pytest.approx(run.cash + booked, **near)


def margins(given: KernelRun, state: SimulationState) -> float:
    """What all open positions hold, by the formula."""
    total = 0.0
    ordered = sorted(given.slots, key=lambda slot: (slot.strategy, slot.symbol))
    for slot, record in zip(ordered, state.slots, strict=True):
        rules = given.strategies[slot.strategy]
        size, entry, side = float(record["quantity"]), float(record["entry_price"]), int(record["side"])
        if side != 0 and slot.instrument.category.value == "spot":
            total += size * entry
        elif side != 0:
            leverage, taker = rules.risk.leverage, rules.costs.taker_fee_percent / 100
            total += size * entry / leverage + size * entry * (1 - side / leverage) * taker
            total += float(record["extra_margin"])
    return total


@MANY
@given(run=runs())
def test_no_value_is_undefined_where_it_must_not_be(run: ReferenceRun) -> None:
    ledger = simulate_run(run)
    assert np.isfinite(ledger.rows).all()
    for name in ("entry_price", "exit_price", "quantity", "pnl", "fees", "funding", "slippage", "mae", "mfe"):
        assert np.isfinite(ledger.trades[name]).all(), name
    assert (ledger.trades["quantity"] > 0).all()
    assert (ledger.trades["mae"] <= 0).all()
    assert (ledger.trades["mfe"] >= 0).all()
    gross = (
        ledger.trades["side"]
        * ledger.trades["quantity"]
        * (ledger.trades["exit_price"] - ledger.trades["entry_price"])
    )
    parts = gross - ledger.trades["fees"] + ledger.trades["funding"]
    assert ledger.trades["pnl"] == pytest.approx(parts, rel=1e-9, abs=1e-9 * run.cash)


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


# The ends --------------------------------------------------------------------------------------------------


def test_cancelled_in_the_middle() -> None:
    scenario = random_scenario(3, bars=80)
    slots, strategies, run_settings = inputs(scenario.slots, scenario.risk, scenario.costs, scenario.cash)
    token = CancelToken()
    seen: list[int] = []

    def report(done: int, total: int) -> None:
        seen.append(done)
        if done >= 20:
            token.cancel()

    with pytest.raises(CancelledError):
        Simulation(slots, strategies, run_settings, piece_ticks=10).run(report, token)
    assert seen == [10, 20]


def empty_slots(count: int) -> Sequence[ReferenceSlot]:
    slot = random_scenario(1).slots[0]
    columns = ("time", "open", "high", "low", "close", "side", "exit_long", "exit_short")
    nothing = replace(slot, **{name: getattr(slot, name)[:0] for name in columns})
    return [replace(nothing, symbol=f"S{n}") for n in range(count)]


@pytest.mark.parametrize("count", [1, 3])
def test_no_bars_at_all(count: int) -> None:
    ledger = simulate(*inputs(empty_slots(count), ReferenceRisk(), ReferenceCosts(), 500.0))
    assert (ledger.steps, len(ledger.trades), ledger.final_equity) == (0, 0, 500.0)
