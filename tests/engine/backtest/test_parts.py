"""The small parts: grid, digits, funding, curves, state, codes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.engine.backtest.build import inputs
from tests.support.reference_types import ReferenceCosts
from tests.support.rule_case import fixed, slot
from tests.support.scenarios import random_scenario
from tradebot.engine.backtest import Simulation, SimulationState
from tradebot.engine.backtest.figures.benchmark import buy_hold_equity
from tradebot.engine.backtest.figures.curves import CURVE, chart_series, thinned_curve
from tradebot.engine.backtest.inputs.funding import ESTIMATED_RATE, plan_funding
from tradebot.engine.backtest.kernel.codes import Count
from tradebot.engine.backtest.kernel.columns import frozen
from tradebot.engine.backtest.kernel.digits import decimals_seen
from tradebot.engine.backtest.kernel.grid import GRID_TOLERANCE, steps_down, steps_nearest, steps_up
from tradebot.engine.backtest.kernel.ledger import Ledger
from tradebot.engine.control.errors import InputError
from tradebot.engine.market import DAY_MS, HOUR_MS, MINUTE_MS, rounding

EIGHT_HOURS = 8 * HOUR_MS


@settings(deadline=None)  # the first example compiles
@given(st.floats(1e-6, 1e7), st.sampled_from([1e-8, 0.0001, 0.01, 0.05, 0.1, 0.5, 1.0, 10.0]))
def test_grid_is_that_of_the_vocabulary(value: float, step: float) -> None:
    assert GRID_TOLERANCE == rounding.GRID_TOLERANCE
    assert steps_down(value, step) == rounding.steps_down(value, step)
    assert steps_up(value, step) == rounding.steps_up(value, step)
    assert steps_nearest(value, step) == rounding.steps_nearest(value, step)


@pytest.mark.parametrize(
    ("prices", "decimals"),
    [
        ([100.0, 2.0], 0),
        ([0.1, 0.2, 0.30], 1),
        ([64012.34, 64012.3], 2),
        ([0.00001234], 8),
        ([123456.7891], 4),
        ([1.0001, 1.0], 4),
        ([], 0),
    ],
)
def test_decimals_seen(prices: list[float], decimals: int) -> None:
    assert decimals_seen(frozen(np.array(prices)), 0) == decimals


@settings(deadline=None)
@given(st.integers(1, 10**9), st.integers(0, 8))
def test_decimals_seen_never_asks_for_more_than_were_written(units: int, decimals: int) -> None:
    price = float(f"{units}e-{decimals}")
    assert decimals_seen(frozen(np.array([price])), 0) <= decimals


class TestFunding:
    def plan(self, rows: list[tuple[int, float]], start: int, end: int) -> list[tuple[int, float]]:
        time = np.array([row[0] for row in rows], dtype=np.int64)
        plan = plan_funding(time, np.array([row[1] for row in rows]), start, end)
        assert plan.estimated == sum(rate == ESTIMATED_RATE for rate in plan.rate)
        return list(zip(plan.time.tolist(), plan.rate.tolist(), strict=True))

    def test_nothing_recorded(self) -> None:
        assert self.plan([], 1, DAY_MS) == [(EIGHT_HOURS, ESTIMATED_RATE), (2 * EIGHT_HOURS, ESTIMATED_RATE)]

    def test_recorded_rows_stand_as_they_are(self) -> None:
        rows = [(0, 0.001), (EIGHT_HOURS, -0.002), (2 * EIGHT_HOURS, 0.003)]
        assert self.plan(rows, 0, 2 * EIGHT_HOURS + 1) == rows
        assert self.plan(rows, 1, 2 * EIGHT_HOURS) == rows[1:2]

    def test_before_after_and_in_holes(self) -> None:
        rows = [(EIGHT_HOURS, 0.5), (4 * EIGHT_HOURS, 0.5)]
        times = [time for time, _ in self.plan(rows, 0, 6 * EIGHT_HOURS)]
        assert times == [n * EIGHT_HOURS for n in range(6)]

    def test_shorter_intervals_are_no_holes(self) -> None:
        rows = [(n * HOUR_MS, 0.5) for n in range(0, 25, 4)]
        assert self.plan(rows, 0, DAY_MS + 1) == rows

    def test_a_hole_off_the_grid(self) -> None:
        rows = [(HOUR_MS, 0.5), (HOUR_MS + EIGHT_HOURS, 0.5), (2 * EIGHT_HOURS + 2 * HOUR_MS, 0.5)]
        assert [time for time, _ in self.plan(rows, HOUR_MS, 2 * EIGHT_HOURS + 3 * HOUR_MS)] == [
            HOUR_MS,
            HOUR_MS + EIGHT_HOURS,
            2 * EIGHT_HOURS,
            2 * EIGHT_HOURS + 2 * HOUR_MS,
        ]


def ledger_of(equity: np.ndarray, step_ms: int) -> Ledger:
    rows = np.zeros((4, len(equity)))
    rows[0] = np.arange(1, len(equity) + 1) * step_ms
    rows[1] = equity
    rows[2] = equity / 2
    rows[3] = equity / 4
    nothing = np.zeros(0, dtype=np.void)
    return Ledger(("A",), 100.0, nothing, rows, np.zeros((1, 11), dtype=np.int64), 0, 0.0, False)


class TestCurve:
    def test_short_runs_keep_every_row(self) -> None:
        curve = thinned_curve(ledger_of(np.array([101.0, 99.0, 110.0, 88.0]), MINUTE_MS), [], most=4)
        assert curve["equity"].tolist() == [101.0, 99.0, 110.0, 88.0]
        assert curve["drawdown"].tolist() == pytest.approx([0.0, 99 / 101 - 1, 0.0, -0.2])
        assert curve["exposure"].tolist() == [0.25] * 4

    def test_the_start_cash_is_a_peak(self) -> None:
        curve = thinned_curve(ledger_of(np.array([80.0, 90.0]), MINUTE_MS), [])
        assert curve["drawdown"].tolist() == pytest.approx([-0.2, -0.1])

    def test_buy_and_hold_starts_at_the_first_open_and_waits_for_missing_bars(self) -> None:
        bars = "10 12 10 12 | - | 12 15 12 15"
        slots, _, _ = inputs([slot(bars, {}), slot("10 10 10 10", {}, "BBB")], fixed(), ReferenceCosts(), 1.0)
        time = slots[0].candles.time[0] + MINUTE_MS * np.arange(4)
        assert buy_hold_equity(time, slots, 100.0).tolist() == pytest.approx([100.0, 110.0, 110.0, 125.0])

    def test_beyond_the_limit_hours_then_days(self) -> None:
        rng = np.random.default_rng(5)
        ledger = ledger_of(100 + rng.normal(size=3 * 24 * 60).cumsum() * 0.1, MINUTE_MS)
        hours = thinned_curve(ledger, [], most=1000)
        assert hours["time"].tolist() == [n * HOUR_MS for n in range(1, 73)]
        assert hours["equity"].tolist() == ledger.equity[59::60].tolist()
        days = thinned_curve(ledger, [], most=71)
        assert days["time"].tolist() == [DAY_MS, 2 * DAY_MS, 3 * DAY_MS]
        # peaks between the rows count, and so does the start cash
        peaks = np.maximum(np.maximum.accumulate(ledger.equity), 100.0)[59::60]
        assert hours["drawdown"].tolist() == pytest.approx((ledger.equity[59::60] / peaks - 1).tolist())

    def test_chart_keeps_the_extremes(self) -> None:
        rng = np.random.default_rng(6)
        curve = np.zeros(5000, dtype=CURVE)
        curve["time"] = np.arange(5000)
        curve["equity"] = 100 + rng.normal(size=5000).cumsum()
        curve["drawdown"] = curve["equity"] / np.maximum.accumulate(curve["equity"]) - 1
        series = chart_series(curve, 120)
        assert len(series.times_ms) <= 120
        assert list(series.times_ms) == sorted(set(series.times_ms))
        assert (min(series.equity), max(series.equity)) == (curve["equity"].min(), curve["equity"].max())
        assert min(series.drawdown) == curve["drawdown"].min()
        assert len(series.times_ms) == len(series.equity) == len(series.drawdown) == len(series.buy_hold)

    @pytest.mark.parametrize("count", [0, 1, 5])
    def test_chart_of_few_rows(self, count: int) -> None:
        assert len(chart_series(np.zeros(count, dtype=CURVE), 10).equity) == count


class TestState:
    def test_damaged_or_foreign_bytes_are_refused(self) -> None:
        good = SimulationState.begin(2, 100.0)
        assert SimulationState.from_bytes(good.to_bytes()).to_bytes() == good.to_bytes()
        good.account["version"] = 99
        with pytest.raises(InputError, match="has version 99, this tradebot reads version 2"):
            SimulationState.from_bytes(good.to_bytes())
        with pytest.raises(InputError, match="its bytes are damaged"):
            SimulationState.from_bytes(b"nothing")

    def test_a_state_given_is_not_changed(self) -> None:
        scenario = random_scenario(2)
        slots, risk, settings = inputs(scenario.slots, scenario.risk, scenario.costs, scenario.cash)
        state = SimulationState.begin(len(slots), scenario.cash)
        before = state.to_bytes()
        Simulation(slots, risk, settings, state).run()
        assert state.to_bytes() == before


@pytest.mark.parametrize("cash", [0.0, -5.0, float("inf"), float("nan")])
def test_cash_that_is_none_is_refused(cash: float) -> None:
    scenario = random_scenario(2)
    with pytest.raises(InputError, match="The starting cash must be above 0"):
        Simulation(*inputs(scenario.slots, scenario.risk, scenario.costs, cash))


def test_an_instrument_without_a_tick_is_refused() -> None:
    scenario = random_scenario(2)
    broken = replace(scenario.slots[0], tick=0.0)
    with pytest.raises(InputError, match="expected both above 0"):
        Simulation(*inputs([broken], scenario.risk, scenario.costs, 100.0))


def test_an_entry_that_a_used_up_account_cannot_wait_for() -> None:
    """Refused for want of a next bar is only what was decided on the slot's last bar."""
    falling = slot("100 100 100 100 | 100 100 100 100 | 100 400 100 400 | 1 1 1 1", {0: "short"}, lot=10.0)
    waiting = slot("50 50 50 50 | 50 50 50 50 | - | 50 50 50 50", {1: "long"}, symbol="BBB")
    last = slot("50 50 50 50 | 50 50 50 50", {1: "long"}, symbol="CCC")
    parts = inputs([falling, waiting, last], fixed(10.0), ReferenceCosts(), 1000.0)
    ledger = Simulation(*parts).run()
    assert ledger.bankrupt
    assert ledger.counts[:, Count.NO_NEXT_BAR].tolist() == [0, 0, 1]


def test_a_price_that_is_none_is_refused_before_the_kernel() -> None:
    scenario = random_scenario(2)
    slots, risk, settings = inputs(scenario.slots, scenario.risk, scenario.costs, scenario.cash)
    slots[0].candles.low[1] = np.nan
    with pytest.raises(InputError, match=r"the bar of 2024-01-01 .* has the price nan"):
        Simulation(slots, risk, settings)
