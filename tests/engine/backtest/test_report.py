"""The figures of a run, worked out by hand on three trades over three days."""

from __future__ import annotations

import numpy as np
import pytest

from tests.engine.backtest.build import inputs
from tests.support.reference_types import ReferenceCosts, ReferenceRisk, ReferenceSlot
from tradebot.engine.backtest import compute_metrics, simulate
from tradebot.engine.backtest.figures import trade_metrics as t
from tradebot.engine.backtest.figures.benchmark import buy_hold_equity, buy_hold_return, costed_hold_equity
from tradebot.engine.backtest.figures.positions import closed_positions
from tradebot.engine.backtest.figures.report import Metrics, trade_figures
from tradebot.engine.backtest.kernel.codes import TradeStatus
from tradebot.engine.backtest.kernel.records import TRADE, Records
from tradebot.engine.market import HOUR_MS

HALF_DAY = 12 * HOUR_MS
START = 1_704_067_200_000  # 2024-01-01T00:00:00Z

# open and close of each half day; a position opened at one open and closed at the next but one
#         1 Jan        2 Jan        3 Jan
OPENS = [100.0, 100.0, 110.0, 120.0, 110.0, 100.0]
CLOSES = [99.0, 110.0, 120.0, 110.0, 100.0, 90.0]


def half_days(side: list[int], exit_long: list[bool], **extra: object) -> ReferenceSlot:
    return ReferenceSlot(
        symbol="AAA",
        tick=1.0,
        lot=1.0,
        min_quantity=0.0,
        min_notional=0.0,
        max_quantity=None,
        timeframe_ms=HALF_DAY,
        time=[START + n * HALF_DAY for n in range(6)],
        open=OPENS,
        high=[max(pair) for pair in zip(OPENS, CLOSES, strict=True)],
        low=[min(pair) for pair in zip(OPENS, CLOSES, strict=True)],
        close=CLOSES,
        side=side,
        exit_long=exit_long,
        exit_short=[False] * 6,
        **extra,  # type: ignore[arg-type]  # plain test data
    )


@pytest.fixture
def figures() -> Metrics:
    """Long 1 at 100 -> 120 (bars 1, 2), long 1 at 110 -> still open at 90 (bars 4, 5); taker 1 %, funding once."""
    slot = half_days(
        side=[1, 0, 0, 1, 0, 0],
        exit_long=[False, False, True, False, False, False],
        funding=((START + HALF_DAY + HOUR_MS, 0.05),),
    )
    risk = ReferenceRisk(direction="long", sizing="fixed", size=1.0)
    slots, spec, settings = inputs([slot], risk, ReferenceCosts(taker_fee_percent=1.0), 1000.0)
    return compute_metrics(simulate(slots, spec, settings), slots)


def test_money(figures: Metrics) -> None:
    assert (figures.trades, figures.open_trades) == (1, 1)
    assert figures.fees == pytest.approx(1.0 + 1.2 + 1.1)
    assert figures.funding == pytest.approx(-5.0)  # 5 % of 100, paid by the long side
    assert figures.slippage_cost == 0.0
    # +20 and -20 by price, less fees and funding
    assert figures.final_equity == pytest.approx(1000 - 3.3 - 5.0)
    assert figures.total_return == pytest.approx(-0.0083)
    assert figures.expectancy == pytest.approx(20 - 1.0 - 1.2 - 5.0)
    assert figures.win_rate == 1.0
    assert (figures.profit_factor, figures.payoff, figures.sqn, figures.expectancy_r) == (None,) * 4


def test_time(figures: Metrics) -> None:
    assert figures.days == 3
    assert figures.exposure == pytest.approx(4 / 6)
    # day ends: 1000, 1000 + 10 - 1 - 5, 1000 + 20 - 2.2 - 5, 991.7
    daily = [1000.0, 1004.0, 1012.8, 991.7]
    assert figures.max_drawdown == pytest.approx(991.7 / 1012.8 - 1)
    assert figures.max_drawdown_days == 1
    assert figures.max_drawdown_recovered is False
    traded = 100 + 120 + 110
    assert figures.turnover == pytest.approx(traded / (sum(daily) / 4) * 365 / 3)
    # per bar: highest at the close of 2 Jan 12:00 (1000 + 20 - 1 - 5 = 1014)
    assert figures.max_drawdown_bars == pytest.approx(991.7 / 1014 - 1)


def test_buy_and_hold_is_first_open_to_last_close(figures: Metrics) -> None:
    assert figures.buy_hold_return == pytest.approx(90 / 100 - 1)
    assert buy_hold_return([]) is None


def test_cost_ratio() -> None:
    """All costs over the profit before them: 20 by price, costs 2.2 fees, 5 funding and 4 slippage."""
    slot = half_days(
        side=[1, 0, 0, 0, 0, 0],
        exit_long=[False, False, True, False, False, False],
        funding=((START + HALF_DAY + HOUR_MS, 0.05),),
    )
    risk = ReferenceRisk(direction="long", sizing="fixed", size=1.0)
    costs = ReferenceCosts(taker_fee_percent=1.0, slippage_percent=2.0)
    slots, spec, settings = inputs([slot], risk, costs, 1000.0)
    figures = compute_metrics(simulate(slots, spec, settings), slots)
    # bought at 102, sold at 117 (2 % under 120, rounded down to the tick)
    fees = 1.02 + 1.17
    assert figures.slippage_cost == pytest.approx(2 + 3)
    assert figures.cost_ratio == pytest.approx((fees + 5.0 * 1.0 + 5.0) / 20.0)


def test_nothing_traded() -> None:
    slot = half_days(side=[0] * 6, exit_long=[False] * 6)
    slots, spec, settings = inputs([slot], ReferenceRisk(), ReferenceCosts(), 1000.0)
    figures = compute_metrics(simulate(slots, spec, settings), slots)
    assert (figures.total_return, figures.max_drawdown, figures.exposure, figures.turnover) == (0, 0, 0, 0)
    undefined = (figures.sharpe, figures.sortino, figures.win_rate, figures.profit_factor, figures.cost_ratio)
    assert undefined == (None,) * 5


def test_what_costs_would_use_the_profit_up() -> None:
    """Long 1 at 100 -> 120 without costs: 20 won on 220 traded."""
    slot = half_days(side=[1, 0, 0, 0, 0, 0], exit_long=[False, False, True, False, False, False])
    risk = ReferenceRisk(direction="long", sizing="fixed", size=1.0)
    slots, spec, settings = inputs([slot], risk, ReferenceCosts(), 1000.0)
    figures = compute_metrics(simulate(slots, spec, settings), slots)
    assert figures.break_even_bps == pytest.approx(20 / 220 * 10_000)
    assert (figures.average_bars, figures.average_hours) == (2.0, 24.0)
    # held over the closes of 110 and 120: notional over equity
    assert figures.max_gross_exposure == pytest.approx(120 / 1020)
    assert figures.gross_exposure == pytest.approx((110 / 1010 + 120 / 1020) / 6)


class TestHolding:
    """The benchmark: the tested symbols held, after the costs of getting in and their funding."""

    def test_costs_of_holding(self) -> None:
        slot = half_days(
            side=[0] * 6, exit_long=[False] * 6, funding=((START, 0.0), (START + HALF_DAY + HOUR_MS, 0.05))
        )
        slots, _, settings = inputs([slot], ReferenceRisk(), ReferenceCosts(taker_fee_percent=1.0), 1000.0)
        ends = np.array([START, START + 2 * HALF_DAY, START + 6 * HALF_DAY])
        held = costed_hold_equity(ends, slots, 1000.0, settings.costs)
        # bought at 100 for 990; the funding is due on the bar that opens at 100
        assert held == pytest.approx([1000.0, 990 * (1.10 - 0.05), 990 * (0.90 - 0.05)])

    def test_always_long_without_costs_is_the_market(self) -> None:
        slot = half_days(side=[1, 0, 0, 0, 0, 0], exit_long=[False] * 6)
        risk = ReferenceRisk(direction="long", sizing="equity", size=100.0)
        slots, spec, settings = inputs([slot], risk, ReferenceCosts(), 1000.0)
        figures = compute_metrics(simulate(slots, spec, settings), slots)
        assert figures.beta == pytest.approx(1.0)
        assert figures.information_ratio is None  # no day differs

    def test_a_symbol_of_two_strategies_is_held_once(self) -> None:
        slot = half_days(side=[0] * 6, exit_long=[False] * 6)
        slots, _, _ = inputs([slot, slot], ReferenceRisk(), ReferenceCosts(), 1000.0)
        assert buy_hold_return(slots) == pytest.approx(-0.1)
        time = np.array([START + 6 * HALF_DAY])
        assert list(buy_hold_equity(time, slots, 1000.0)) == pytest.approx([900.0])


@pytest.mark.parametrize("seed", range(8))
def test_figures_in_one_pass_are_those_of_the_formulas(seed: int) -> None:
    """The compiled sums and the plain functions of `trade_metrics` say the same of any trade log."""
    rng = np.random.default_rng(seed)
    count = int(rng.integers(0, 60))
    trades: Records = np.zeros(count, dtype=TRADE)
    trades["trade_id"] = np.sort(rng.integers(1, count + 1, count)) if seed % 2 else np.arange(1, count + 1)
    for name in ("pnl", "fees", "funding", "slippage", "r"):
        trades[name] = rng.normal(0.0, 10.0, count).round(1)
    trades["pnl"][rng.random(count) < 0.2] = 0.0
    trades["r"][rng.random(count) < 0.2] = np.nan
    trades["quantity"], trades["entry_price"], trades["exit_price"] = 2.0, 100.0, rng.uniform(50, 150, count)
    trades["initial_stop"] = 90.0
    trades["exit_time"], trades["bars"] = rng.integers(0, 9 * HOUR_MS, count), rng.integers(0, 9, count)
    trades["status"][-2:] = TradeStatus.OPEN
    found = trade_figures(trades)

    whole = closed_positions(trades)
    pnl, r = whole["pnl"], whole["r"]
    expected = {
        "trades": len(whole),
        "legs": int(np.count_nonzero(trades["status"] == TradeStatus.CLOSED)),
        "open_trades": int(np.count_nonzero(trades["status"] == TradeStatus.OPEN)),
        "win_rate": t.win_rate(pnl),
        "profit_factor": t.profit_factor(pnl),
        "payoff": t.payoff(pnl),
        "expectancy": t.mean_or_none(pnl),
        "expectancy_r": t.mean_or_none(r[~np.isnan(r)]),
        "sqn": t.sqn(r),
        "kelly": t.kelly(pnl),
        "longest_losing_run": t.longest_losing_run(pnl)[0],
        "average_bars": t.mean_or_none(whole["bars"]),
        "average_hours": t.mean_or_none(whole["exit_time"] / HOUR_MS),
        "fees": trades["fees"].sum(),
        "slippage_cost": trades["slippage"].sum(),
    }
    assert {name: found[name] for name in expected} == pytest.approx(expected)
