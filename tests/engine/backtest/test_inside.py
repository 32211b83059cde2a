"""What happens between the closes, worked out by hand: lows of longs, highs of shorts, and signed notionals."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from tests.engine.backtest.build import inputs
from tests.support.reference_types import ReferenceCosts, ReferenceRisk, ReferenceSlot
from tests.support.scenarios import random_scenario
from tradebot.engine.backtest import compute_metrics, simulate
from tradebot.engine.backtest.figures.report import Metrics
from tradebot.engine.backtest.kernel.codes import TradeStatus
from tradebot.engine.market import HOUR_MS

START = 1_704_067_200_000


def slot(
    symbol: str, bars: list[tuple[float, float, float, float]], side: list[int], leave: list[bool]
) -> ReferenceSlot:
    return ReferenceSlot(
        symbol=symbol,
        tick=1.0,
        lot=1.0,
        min_quantity=0.0,
        min_notional=0.0,
        max_quantity=None,
        timeframe_ms=HOUR_MS,
        time=[START + n * HOUR_MS for n in range(len(bars))],
        open=[bar[0] for bar in bars],
        high=[bar[1] for bar in bars],
        low=[bar[2] for bar in bars],
        close=[bar[3] for bar in bars],
        side=side,
        exit_long=leave,
        exit_short=leave,
    )


NEVER = [False] * 4
# bought at 100, held over lows of 90 and 100, sold at the open of 105
LONG = slot(
    "AAA",
    [(100, 100, 100, 100), (100, 110, 90, 108), (108, 112, 100, 110), (105, 105, 50, 60)],
    [1, 0, 0, 0],
    [False, False, True, False],
)
# sold at 100, held over highs of 120 and 104
SHORT = slot(
    "BBB",
    [(100, 100, 100, 100), (100, 120, 95, 98), (98, 104, 90, 96), (96, 100, 90, 95)],
    [-1, 0, 0, 0],
    [False, False, True, False],
)


def figures(*slots: ReferenceSlot) -> Metrics:
    risk = ReferenceRisk(direction="both", sizing="fixed", size=1.0)
    given, strategies, settings = inputs(list(slots), risk, ReferenceCosts(), 1000.0)
    return compute_metrics(simulate(given, strategies, settings), given)


def test_a_long_at_the_low_of_its_bars() -> None:
    found = figures(LONG)
    # the first bar: 1000 - 10 at its low, below the start; the second: 1000 at its low of 100, below a peak of 1008
    assert found.max_drawdown_intrabar == pytest.approx(-10 / 1000)
    assert found.max_drawdown_bars == pytest.approx(1005 / 1010 - 1)
    assert found.max_net_exposure == found.max_gross_exposure == pytest.approx(110 / 1010)


def test_a_short_at_the_high() -> None:
    assert figures(SHORT).max_drawdown_intrabar == pytest.approx(-20 / 1000)


def test_all_positions_at_their_worst_at_once_and_notionals_against_each_other() -> None:
    found = figures(LONG, SHORT)
    assert found.max_drawdown_intrabar == pytest.approx(-30 / 1000)
    assert found.max_gross_exposure == pytest.approx((108 + 98) / 1010)
    assert found.max_net_exposure == pytest.approx((110 - 96) / 1014)
    assert found.net_exposure == pytest.approx(((108 - 98) / 1010 + (110 - 96) / 1014) / 4)


def test_it_is_never_less_than_at_the_closes_and_nothing_without_a_trade() -> None:
    idle = slot("CCC", [(100, 200, 50, 100)] * 4, [0] * 4, NEVER)
    found = figures(idle)
    assert (found.max_drawdown_intrabar, found.net_exposure, found.max_net_exposure) == (0.0, 0.0, 0.0)


@pytest.mark.parametrize("seed", range(40))
def test_bars_that_are_missing_and_symbols_that_differ(seed: int) -> None:
    """Against a plain walk over all legs and bars of random scenarios with holes."""
    scenario = random_scenario(seed)
    slots, strategies, settings = inputs(scenario.slots, scenario.risk, scenario.costs, scenario.cash)
    slots = sorted(slots, key=lambda slot: slot.symbol)
    ledger = simulate(slots, strategies, settings)
    found = compute_metrics(ledger, slots)
    dips, nets = dict.fromkeys(ledger.rows[0], 0.0), dict.fromkeys(ledger.rows[0], 0.0)
    for trade, time in itertools.product(ledger.trades, ledger.rows[0]):
        candles = slots[trade["slot"]].candles
        signed = trade["side"] * trade["quantity"]
        bar = int(np.searchsorted(candles.close_time, time, side="right")) - 1
        held = time <= trade["exit_time"] or trade["status"] == TradeStatus.OPEN
        if bar >= 0 and trade["entry_time"] < candles.close_time[bar] and held:
            nets[time] += signed * candles.close[bar]
            if candles.close_time[bar] == time:
                adverse = candles.low[bar] if signed > 0 else candles.high[bar]
                dips[time] += signed * (adverse - candles.close[bar])
    peak, worst, shares = ledger.cash, 0.0, []
    for time, equity in zip(ledger.rows[0], ledger.rows[1], strict=True):
        worst = min(worst, (equity + dips[time]) / peak - 1)
        peak = max(peak, equity)
        shares += [abs(nets[time]) / equity] if equity > 0 else []
    assert found.max_drawdown_intrabar == pytest.approx(worst)
    if shares:
        assert found.max_net_exposure == pytest.approx(max(shares))
        assert found.net_exposure == pytest.approx(sum(shares) / len(shares))
