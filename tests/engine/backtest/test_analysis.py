"""A result taken apart, worked out by hand."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from tests.engine.backtest.results import CASH, START, result_of, trades_of
from tradebot.engine.backtest.kernel.codes import ExitReason, TradeStatus
from tradebot.engine.backtest.results.analysis import (
    Grouping,
    Histogram,
    day_histogram,
    excursions,
    grouped,
    histogram,
    monthly,
    r_histogram,
    yearly,
)
from tradebot.engine.backtest.results.result import BacktestResult
from tradebot.engine.market import DAY_MS, HOUR_MS

FEBRUARY = START + 31 * DAY_MS


class TestMonths:
    def test_each_from_the_equity_at_its_ends(self) -> None:
        equity = [CASH + 10 * (day + 1) for day in range(31)] + [1310 - 20 * (day + 1) for day in range(10)]
        trades = trades_of(
            [
                {"exit_time": START + DAY_MS, "exit_price": 103.0},
                {
                    "exit_time": FEBRUARY,
                    "exit_price": 105.0,
                },  # at the open of February's first bar: after January
                {"exit_time": FEBRUARY - 1, "exit_price": 98.0},
                {"exit_time": FEBRUARY + DAY_MS, "status": TradeStatus.OPEN, "exit_price": 500.0},
            ]
        )
        january, february = monthly(result_of(trades, equity))
        assert (january.year, january.month, january.whole) == (2024, 1, True)
        assert january.total_return == pytest.approx(0.31)
        assert (january.trades, january.pnl) == (3, 6.0)
        assert (february.month, february.whole) == (2, False)
        assert february.total_return == pytest.approx(1110 / 1310 - 1)
        assert (february.trades, february.pnl) == (0, 0.0)

    def test_their_returns_compound_to_that_of_the_run(self) -> None:
        equity = CASH * np.cumprod(1 + np.random.default_rng(1).normal(0, 0.02, 500))
        result = result_of(trades_of([]), equity.tolist(), start_ms=START + 5 * DAY_MS + HOUR_MS)
        for rows in (monthly(result), yearly(result)):
            grown = np.prod([1 + (row.total_return or 0) for row in rows])
            assert grown == pytest.approx(equity[-1] / CASH)
        assert [(row.year, row.whole) for row in yearly(result)] == [(2024, False), (2025, False)]

    def test_an_account_that_is_gone_has_no_return(self) -> None:
        rows = monthly(result_of(trades_of([]), [-1.0] * 40))
        assert [row.total_return for row in rows] == [pytest.approx(-1.001), None]


class TestGroups:
    @pytest.fixture
    def result(self) -> BacktestResult:
        return result_of(
            trades_of(
                [
                    {"slot": 0, "exit_price": 110.0, "fees": 1.0, "exit_reason": ExitReason.TARGET, "r": 2.0},
                    {"slot": 1, "exit_price": 95.0, "entry_time": START + 5 * HOUR_MS, "r": -1.0},
                    {"slot": 0, "side": -1, "exit_price": 104.0, "entry_time": START + 6 * DAY_MS},
                    {"slot": 0, "side": -1, "exit_price": 100.0, "funding": 0.5, "slippage": 0.25},
                    {"slot": 1, "exit_price": 900.0, "status": TradeStatus.OPEN},
                ]
            ),
            symbols=("BBBUSDT", "AAAUSDT"),
            strategies=("one", "two"),
        )

    @pytest.mark.parametrize(
        ("by", "expected"),
        [
            (Grouping.SYMBOL, [("AAAUSDT", 1, -5.0), ("BBBUSDT", 3, 5.5)]),
            (Grouping.STRATEGY, [("one", 3, 5.5), ("two", 1, -5.0)]),
            (Grouping.SIDE, [("long", 2, 4.0), ("short", 2, -3.5)]),
            (Grouping.HOUR, [("00:00", 3, 5.5), ("05:00", 1, -5.0)]),
            (Grouping.WEEKDAY, [("Monday", 3, 4.5), ("Sunday", 1, -4.0)]),
            (Grouping.EXIT, [("signal", 3, -8.5), ("target", 1, 9.0)]),
        ],
    )
    def test_trades_and_profit(
        self, result: BacktestResult, by: Grouping, expected: list[tuple[str, int, float]]
    ) -> None:
        assert [(row.name, row.trades, row.pnl) for row in grouped(result, by)] == expected

    def test_figures_of_a_group(self, result: BacktestResult) -> None:
        row = grouped(result, Grouping.SYMBOL)[1]
        assert row.win_rate == pytest.approx(2 / 3)
        assert row.profit_factor == pytest.approx(9.5 / 4)
        assert (row.mean_pnl, row.mean_r) == (pytest.approx(5.5 / 3), 2.0)
        assert (row.fees, row.funding, row.slippage) == (1.0, 0.5, 0.25)

    def test_no_trades(self) -> None:
        assert all(grouped(result_of(trades_of([])), by) == () for by in Grouping)


def test_excursions() -> None:
    trades = trades_of(
        [
            {"exit_price": 105.0, "mae": -0.02, "mfe": 0.10},  # kept half of the best
            {"exit_price": 108.0, "initial_stop": 96.0, "mae": -0.5, "mfe": 2.5},  # 2 R of 2.5
            {"exit_price": 90.0, "mae": -0.1, "mfe": 0.01},
        ]
    )
    found = excursions(result_of(trades))
    assert found.given_back == pytest.approx((0.5 + 0.2) / 2)
    assert found.winners_mae == pytest.approx((-0.38, -0.26, -0.14))
    assert found.losers_mfe == (0.01, 0.01, 0.01)
    nothing = excursions(result_of(trades_of([])))
    assert (nothing.winners_mae, nothing.losers_mfe, nothing.given_back) == (None, None, None)


def test_distributions() -> None:
    trades = trades_of([{"r": r} for r in (-1.0, -1.0, 0.5, 3.0, np.nan)])
    by_r = r_histogram(result_of(trades), bins=4)
    assert by_r is not None
    assert (by_r.edges, by_r.counts) == ((-1.0, 0.0, 1.0, 2.0, 3.0), (2, 1, 0, 1))
    days = day_histogram(result_of(trades, [1010.0, 1010.0, 999.9]), bins=2)
    assert days is not None
    assert days.counts == (1, 2)
    assert r_histogram(result_of(trades_of([{}]))) is None


def test_steps_of_a_distribution_are_round_and_zero_stands_between_two() -> None:
    some = histogram(np.array([-1.3, 0.4, 2.9]), 6)
    assert some == Histogram((-2.0, -1.0, 0.0, 1.0, 2.0, 3.0), (1, 0, 1, 0, 1))
    for values in (
        [0.0],
        [-5.0],
        [0.01],
        [1e-9, -3e-9],
        [1000.0, 1000.000001],
        [-1.7, 5.4],
        [-0.3, -0.1],
        [2e-16],
    ):
        found = histogram(np.array(values), 20)
        assert found is not None
        assert sum(found.counts) == len(values)
        assert 1 <= len(found.counts) <= 20
        assert not any(low < 0.0 < high for low, high in itertools.pairwise(found.edges))
