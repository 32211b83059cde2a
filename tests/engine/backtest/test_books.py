"""Every coin of the profit is in exactly one place, and a run whose books do not balance says so with the amount."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.engine.backtest.build import inputs
from tests.engine.backtest.markets import put, run, strategy, waves
from tests.engine.backtest.results import trades_of
from tests.support.scenarios import random_scenario
from tradebot.engine.backtest import Simulation, simulate
from tradebot.engine.backtest.figures.books import imbalance, split_profit
from tradebot.engine.backtest.kernel.codes import TradeStatus
from tradebot.engine.backtest.kernel.ledger import Ledger
from tradebot.engine.store import Store


def test_the_parts_of_a_profit() -> None:
    """A long from 102 (2 slipped) to 117 (3 slipped): 20 by the price of 100 -> 120."""
    trades = trades_of(
        [{"entry_price": 102.0, "exit_price": 117.0, "slippage": 5.0, "fees": 2.0, "funding": -1.0}]
    )
    split = split_profit(trades)
    assert (split.price, split.fees, split.slippage, split.funding) == (20.0, -2.0, -5.0, -1.0)
    assert (split.liquidation, split.total) == (0.0, 12.0)


def test_the_parts_of_a_liquidation() -> None:
    """From 100 to its bankruptcy at 80: 20 are lost to the liquidation, the funding before stands for itself."""
    row = {"entry_price": 100.0, "exit_price": 80.0, "fees": 0.2, "funding": -1.0}
    split = split_profit(trades_of([{**row, "status": TradeStatus.LIQUIDATED}]))
    assert (split.price, split.fees, split.funding) == (pytest.approx(0.0), -0.2, -1.0)
    assert (split.liquidation, split.total) == (pytest.approx(-20.0), pytest.approx(-21.2))


def test_the_parts_add_up_to_the_last_digit() -> None:
    rng = np.random.default_rng(3)
    for _ in range(50):
        rows = [
            {
                "exit_price": 100 * rng.random() + 1e-9,
                "fees": rng.random(),
                "slippage": rng.random(),
                "funding": rng.normal(),
            }
            for _ in range(30)
        ]
        split = split_profit(trades_of(rows))
        parts = split.fees + split.slippage + split.funding + split.liquidation
        assert split.price + parts == pytest.approx(split.total, abs=1e-12)


def simulated(seed: int) -> Ledger:
    scenario = random_scenario(seed)
    slots, strategies, settings = inputs(scenario.slots, scenario.risk, scenario.costs, scenario.cash)
    return simulate(slots, strategies, settings)


@pytest.mark.parametrize("seed", range(60))
def test_the_books_of_every_run_balance(seed: int) -> None:
    assert imbalance(simulated(seed)) is None


class TestImbalance:
    @pytest.fixture
    def ledger(self) -> Ledger:
        ledgers = (simulated(seed) for seed in range(60))
        return next(ledger for ledger in ledgers if len(ledger.trades) > 3 and not ledger.bankrupt)

    def test_of_the_account(self, ledger: Ledger) -> None:
        rows = ledger.rows.copy()
        rows[1, -1] += 0.01 * ledger.cash
        sentence = imbalance(replace(ledger, rows=rows))
        assert sentence is not None
        assert f"{0.01 * ledger.cash:+,.8f} more" in sentence
        assert sentence.startswith("The books do not balance: start cash and profits are ")

    def test_of_one_trade(self, ledger: Ledger) -> None:
        trades = ledger.trades.copy()
        trades["pnl"][2] += 1.0
        trades["pnl"][1] -= 1.0
        sentence = imbalance(replace(ledger, trades=trades))
        assert sentence is not None
        assert f"the profit of trade {trades['trade_id'][1]} is" in sentence
        assert "-1.00000000 more than price, fees and funding make" in sentence

    def test_a_number_that_is_none_is_no_balance(self, ledger: Ledger) -> None:
        rows = ledger.rows.copy()
        rows[1, -1] = np.nan
        assert imbalance(replace(ledger, rows=rows)) is not None


def test_a_run_whose_books_do_not_balance_is_invalid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Generous(Simulation):
        """Credits itself at the end."""

        def ledger(self) -> Ledger:
            ledger = super().ledger()
            ledger.rows[1, -1] += 123.5
            return ledger

    monkeypatch.setattr("tradebot.engine.backtest.run.Simulation", Generous)
    store = Store(tmp_path)
    put(store, "AAAUSDT", waves(300))
    result = run(store, strategy())
    assert not result.valid
    assert "books_do_not_balance" in result.flags
    assert "+123.50000000 more" in result.errors[0]
