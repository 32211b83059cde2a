"""The metrics follow the stated conventions, to the last digit of the golden vector."""

from __future__ import annotations

import numpy as np
import pytest

from tests.engine.backtest.whole_runs import kernel_run
from tests.support.random_runs import random_run
from tests.support.reference import simulate_reference_run
from tests.support.reference_metrics import reference_metrics
from tradebot.engine.backtest import compute_metrics, simulate
from tradebot.engine.backtest.figures import metrics as m
from tradebot.engine.market import DAY_MS

GOLDEN = np.array([0.01, -0.02, 0.015, 0, -0.005, 0.03, -0.04, 0.02, 0.01, -0.01])
EQUITY = m.equity_of(GOLDEN)
EMPTY = np.empty(0)
MONEY = {"expectancy", "fees", "funding", "slippage_cost", "final_equity"}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (m.total_return(EQUITY), 0.0080957188),
        (m.cagr(EQUITY), 0.3421919138),
        (m.sharpe(GOLDEN), 0.9249155367),
        (m.sortino(GOLDEN), 1.3105903474),
        (m.max_drawdown(EQUITY), -0.04),
        (m.volatility(GOLDEN), 0.3946306290),
        (m.calmar(EQUITY), 8.5547978451),
        (m.value_at_risk(GOLDEN), -0.031),
        (m.conditional_value_at_risk(GOLDEN), -0.04),
        (m.tail_ratio(GOLDEN), 0.8225806452),
        (m.omega(GOLDEN), 1.1333333333),
        (m.ulcer(EQUITY), 0.0177546161),
    ],
    ids=[
        "total",
        "cagr",
        "sharpe",
        "sortino",
        "drawdown",
        "volatility",
        "calmar",
        "var",
        "cvar",
        "tail",
        "omega",
        "ulcer",
    ],
)
def test_golden_vector(value: float, expected: float) -> None:
    assert value == pytest.approx(expected, abs=5e-11)


@pytest.mark.parametrize(
    "value",
    [
        m.cagr(np.array([100.0])),
        m.volatility(np.array([0.01])),
        m.sharpe(np.full(50, 0.001)),
        m.sharpe(np.zeros(50)),
        m.sortino(np.array([0.01, 0.02])),
        m.calmar(np.array([1.0, 1.1, 1.2])),
        m.ulcer(np.array([1.0])),
        m.value_at_risk(EMPTY),
        m.conditional_value_at_risk(EMPTY),
        m.tail_ratio(np.zeros(5)),
        m.omega(np.array([0.01])),
        m.martin(np.array([1.0, 1.1, 1.2])),
        m.beta_alpha(GOLDEN, np.zeros(10)),
        m.beta_alpha(GOLDEN, GOLDEN[:5]),
        m.information_ratio(GOLDEN, GOLDEN),
        m.information_ratio(GOLDEN, GOLDEN[:5]),
        m.cagr(np.array([100.0, -5.0])),
    ],
)
def test_undefined_is_none(value: float | None) -> None:
    assert value is None


def test_a_strategy_of_half_the_market_has_half_its_beta() -> None:
    market = np.array([0.01, -0.02, 0.03, 0.0])
    beta, alpha = m.beta_alpha(0.5 * market + 0.001, market) or (0.0, 0.0)
    assert beta == pytest.approx(0.5)
    assert alpha == pytest.approx(1.001**365 - 1)


def test_the_martin_ratio_is_growth_over_the_ulcer_index() -> None:
    assert m.martin(EQUITY) == pytest.approx(0.3421919138 / 0.0177546161, rel=1e-8)


def test_days_at_rest_do_not_dilute_the_worst_ones() -> None:
    """Of 41 days the worst three count: floor(40 x 0.05) + 1. The value at risk is that of the days at rest."""
    returns = np.array([-0.09, -0.03] + [0.0] * 37 + [0.05, 0.05])
    assert m.value_at_risk(returns) == 0.0
    assert m.conditional_value_at_risk(returns) == pytest.approx(-0.04)


@pytest.mark.parametrize(
    ("equity", "expected"),
    [
        ([100.0, 100.0, 100.0], (0, True)),
        ([100.0, 101.0, 102.0], (0, True)),
        ([100.0, 90.0, 95.0, 100.0, 99.0], (3, True)),
        ([100.0, 90.0, 100.0, 99.0, 98.0, 97.0], (3, False)),
    ],
    ids=["flat", "rising", "recovered", "unrecovered"],
)
def test_longest_drawdown(equity: list[float], expected: tuple[int, bool]) -> None:
    assert m.longest_drawdown(np.array(equity)) == expected


class TestDailyEquity:
    """Days are UTC calendar days; a bar that closes at midnight belongs to the day that ends."""

    def test_last_value_of_each_day(self) -> None:
        time = np.array([DAY_MS // 2, DAY_MS, DAY_MS + 1, 2 * DAY_MS])
        ends, values = m.daily_equity(time, np.array([1.0, 2.0, 3.0, 4.0]), 10.0, 0)
        assert list(ends) == [0, DAY_MS, 2 * DAY_MS]
        assert list(values) == [10.0, 2.0, 4.0]

    def test_days_without_bars_keep_the_value(self) -> None:
        time = np.array([DAY_MS, 4 * DAY_MS])
        _, values = m.daily_equity(time, np.array([11.0, 12.0]), 10.0, 0)
        assert list(values) == [10.0, 11.0, 11.0, 11.0, 12.0]

    def test_a_day_begun_counts(self) -> None:
        time = np.array([DAY_MS + 5])
        _, values = m.daily_equity(time, np.array([11.0]), 10.0, DAY_MS - 5)
        assert list(values) == [10.0, 10.0, 11.0]

    def test_no_bars(self) -> None:
        ends, values = m.daily_equity(np.empty(0, dtype=np.int64), EMPTY, 10.0, 0)
        assert (list(ends), list(values)) == ([0], [10.0])


def test_returns_end_when_the_equity_is_gone() -> None:
    assert list(m.returns_of(np.array([10.0, 5.0, 0.0, 0.0]))) == [-0.5, -1.0]


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e9])
def test_ratios_do_not_depend_on_the_size_of_the_account(scale: float) -> None:
    rng = np.random.default_rng(1)
    equity = m.equity_of(rng.normal(0.001, 0.02, 400))
    for figure in (m.total_return, m.cagr, m.max_drawdown, m.calmar, m.ulcer):
        assert figure(equity * scale) == pytest.approx(figure(equity), rel=1e-9)


@pytest.mark.parametrize("block", range(3))
def test_figures_of_random_runs_are_those_of_the_reference(block: int) -> None:
    """Several strategies with partial exits, adds and liquidations, over up to half a year of days."""
    compared = 0
    for seed in range(40 * block, 40 * (block + 1)):
        run = random_run(seed, bars=120)
        result = simulate_reference_run(run)
        if result.bankrupt:
            continue
        given = kernel_run(run)
        found = compute_metrics(simulate(given.slots, given.strategies, given.settings), given.slots)
        for name, value in reference_metrics(result.equity, result.trades, run.cash).items():
            if name == "exposure":  # that of the kernel counts what left inside a bar too
                continue
            if value is None or abs(value) > 1e9:  # divided by what only rounding left
                assert getattr(found, name) is None, (seed, name)
            else:
                near = pytest.approx(value, rel=1e-7, abs=1e-9 * run.cash if name in MONEY else 1e-9)
                assert getattr(found, name) == near, (seed, name)
        compared += 1
    assert compared > 30
