"""Figures of the trade log, by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tradebot.engine.backtest.figures import trade_metrics as t

EMPTY = np.empty(0)
PNL = np.array([30.0, -10.0, 0.0, 10.0, -10.0])


def test_trades() -> None:
    assert t.profit_factor(PNL) == 2.0
    assert t.win_rate(PNL) == 0.4
    assert t.payoff(PNL) == 2.0
    assert t.mean_or_none(PNL) == 4.0
    assert t.kelly(PNL) == pytest.approx(0.4 - 0.6 / 2.0)


def test_the_quality_number_counts_trades_with_a_stop() -> None:
    r = np.array([2.0, -1.0, np.nan, 1.0])
    assert t.sqn(r) == pytest.approx(math.sqrt(3) * (2 / 3) / np.std([2.0, -1.0, 1.0], ddof=1))


@pytest.mark.parametrize(
    "value",
    [
        t.profit_factor(np.array([1.0, 2.0])),
        t.win_rate(EMPTY),
        t.payoff(np.array([1.0])),
        t.kelly(np.array([1.0])),
        t.sqn(np.array([1.0])),
        t.sqn(np.full(9, np.nan)),
        t.wilson_interval(0, 0),
        t.mean_or_none(EMPTY),
    ],
)
def test_undefined_is_none(value: object) -> None:
    assert value is None


@pytest.mark.parametrize(
    ("wins", "trades", "low", "high"),
    # R. Newcombe 1998, table I, method 3
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_interval(wins: int, trades: int, low: float, high: float) -> None:
    assert t.wilson_interval(wins, trades) == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize(
    ("pnl", "run"),
    [
        ([], (0, 0)),
        ([1.0, 2.0], (0, 0)),
        ([-1.0, 1.0, -1.0, -1.0, 0.0, -1.0, -1.0], (2, 2)),
        ([-1.0] * 4, (4, 0)),
    ],
)
def test_longest_losing_run(pnl: list[float], run: tuple[int, int]) -> None:
    assert t.longest_losing_run(np.array(pnl)) == run
