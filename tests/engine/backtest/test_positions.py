"""Legs of one position are one trade."""

from __future__ import annotations

import numpy as np
import pytest

from tests.engine.backtest.results import START, trades_of
from tradebot.engine.backtest.figures.positions import closed_positions
from tradebot.engine.backtest.figures.report import trade_figures
from tradebot.engine.backtest.kernel.codes import ExitReason, TradeStatus
from tradebot.engine.market import HOUR_MS


def test_legs_are_added_up_in_the_order_of_the_last_exits() -> None:
    two = {"trade_id": 2, "initial_stop": 90.0}
    early = {**two, "quantity": 1.0, "exit_price": 110.0, "fees": 1.0, "mfe": 1.0, "mae": -0.5}
    late = {
        **two,
        "quantity": 3.0,
        "exit_price": 120.0,
        "slippage": 0.5,
        "mfe": 2.0,
        "mae": -0.7,
        "ambiguous": 1,
    }
    late |= {"exit_time": START + HOUR_MS, "exit_reason": ExitReason.TARGET}
    stopped = {"trade_id": 1, "quantity": 3.0, "exit_price": 95.0, "initial_stop": 95.0}
    whole = closed_positions(trades_of([early, stopped, late]))
    assert list(whole["trade_id"]) == [1, 2]
    assert list(whole["pnl"]) == [-15.0, 9.0 + 60.0]
    assert list(whole["r"]) == [-1.0, 69.0 / 40.0]
    second = whole[1]
    assert (second["quantity"], second["exit_price"], second["fees"], second["slippage"]) == (
        4.0,
        117.5,
        1.0,
        0.5,
    )
    assert (second["mae"], second["mfe"], second["ambiguous"]) == (-0.7, 2.0, 1)
    assert (second["exit_time"], second["exit_reason"]) == (START + HOUR_MS, ExitReason.TARGET)


def test_a_position_that_is_partly_open_is_no_closed_trade() -> None:
    trades = trades_of(
        [
            {"trade_id": 1, "exit_price": 110.0},
            {"trade_id": 2},
            {"trade_id": 1, "exit_price": 105.0, "status": TradeStatus.OPEN},
        ]
    )
    assert list(closed_positions(trades)["trade_id"]) == [2]
    figures = trade_figures(trades)
    assert (figures["trades"], figures["legs"], figures["open_trades"]) == (1, 2, 1)


def test_single_legs_are_taken_as_they_are() -> None:
    trades = trades_of([{"trade_id": 1}, {"trade_id": 2, "status": TradeStatus.OPEN}])
    assert closed_positions(trades).tobytes() == trades[:1].tobytes()
    assert len(closed_positions(trades_of([]))) == 0
    assert (
        len(closed_positions(trades_of([{"trade_id": 1}, {"trade_id": 1, "status": TradeStatus.OPEN}]))) == 0
    )


def test_taking_half_early_wins_no_trade() -> None:
    """Half at +1.5 R and half at break-even is one winner of 0.75 R; with a loser of 1 R the mean is below zero."""
    half = {"trade_id": 1, "quantity": 1.0, "initial_stop": 90.0}
    trades = trades_of(
        [
            {**half, "exit_price": 115.0, "r": 1.5},
            {**half, "exit_price": 100.0, "r": 0.0},
            {"trade_id": 2, "quantity": 2.0, "exit_price": 90.0, "initial_stop": 90.0, "r": -1.0},
        ]
    )
    figures = trade_figures(trades)
    assert (figures["trades"], figures["legs"]) == (2, 3)
    assert figures["win_rate"] == 0.5
    assert figures["expectancy_r"] == pytest.approx(-0.125)
    assert figures["expectancy"] == pytest.approx(-2.5)
    assert np.sign(figures["expectancy"]) == np.sign(figures["expectancy_r"])
