"""Targets told from strategy and log, decisions found again, and what doubtful trades would have brought."""

from __future__ import annotations

import numpy as np
import pytest

from tests.engine.backtest.markets import strategy
from tests.engine.backtest.results import START, trades_of
from tradebot.engine.backtest.figures.ambiguous import ambiguity_bounds
from tradebot.engine.backtest.figures.trade_levels import decision_bars, leg_shares, targets_of
from tradebot.engine.backtest.kernel.codes import ExitReason
from tradebot.engine.backtest.kernel.ledger import Costs
from tradebot.engine.market import HOUR_MS, Candles, Timeframe
from tradebot.engine.strategy import Decisions, StrategySpec, Use, parse_strategy


def spec(targets: str, orders: str = "") -> StrategySpec:
    return parse_strategy(strategy() + f"take_profit = {targets}\n{orders}")


PERCENT = '[{ use = "percent", percent = 10.0 }]'
TWO = '[{ use = "r", multiple = 3.0 }, { use = "percent", percent = 4.0, share_percent = 25 }]'


class TestTargets:
    def test_nearest_first_on_both_sides(self) -> None:
        trades = trades_of([{"initial_stop": 98.0}, {"side": -1, "initial_stop": 101.0}])
        targets = targets_of(spec(TWO), trades)
        assert targets.prices.tolist() == [[104.0, 97.0], [106.0, 96.0]]
        assert targets.shares.tolist() == [[0.25, 0.75], [0.75, 0.25]]

    def test_of_an_atr_where_it_is_at_hand(self) -> None:
        atr = spec('[{ use = "atr", length = 14, multiple = 2.0 }]')
        trades = trades_of([{}, {"side": -1}])
        assert targets_of(atr, trades, {"atr:14": np.array([1.5, 2.0])}).prices.tolist() == [[103.0, 96.0]]
        assert np.isnan(targets_of(atr, trades).prices).all()

    def test_shares_that_are_not_given(self) -> None:
        def use(share: float | None) -> Use:
            return Use(
                "percent", {"percent": 1.0} if share is None else {"percent": 1.0, "share_percent": share}
            )

        assert leg_shares((use(50), use(None), use(None))).tolist() == [0.5, 0.25, 0.25]
        assert leg_shares((use(30), use(20))).tolist() == [0.3, 0.2]


class TestDecisions:
    """The bar at whose close a trade was decided."""

    def bars(self, orders: str = "") -> list[int]:
        hours = np.arange(10, dtype=np.int64) * HOUR_MS + START
        price = np.ones(10)
        candles = Candles(Timeframe.H1, hours, price, price, price, price, price, price)
        side = np.array([0, 1, 0, -1, 0, 0, 0, 0, 0, 1], dtype=np.int8)
        no = np.zeros(10, dtype=bool)
        decisions = Decisions(side, np.abs(side).astype(np.float32), no, no, 0, {}, 0)
        trades = trades_of(
            [
                {"entry_time": START + 2 * HOUR_MS},
                {"entry_time": START + 4 * HOUR_MS, "side": -1},
                {"entry_time": START + 6 * HOUR_MS, "side": -1},
                {"entry_time": START + HOUR_MS},
            ]
        )
        return decision_bars(spec(PERCENT, orders), candles, decisions, trades).tolist()

    def test_the_bar_before_a_market_order(self) -> None:
        assert self.bars() == [1, 3, -1, -1]

    def test_an_order_that_rests(self) -> None:
        assert self.bars('[orders]\nentry = "limit"\nvalid_bars = 3\n') == [1, 3, 3, -1]


class TestBounds:
    COSTS = Costs(taker_fee_percent=1.0, maker_fee_percent=0.5)

    def gain(self, targets: str, rows: list[dict[str, object]], orders: str = "") -> tuple[int, float, int]:
        bounds = ambiguity_bounds([(spec(targets, orders), self.COSTS, trades_of(rows))], 1000.0, 1100.0)
        assert bounds.total_return == pytest.approx((1100.0 + bounds.gain) / 1000.0 - 1.0)
        return bounds.trades, bounds.gain, bounds.unknown

    def test_the_target_at_the_makers_fee(self) -> None:
        """Stopped at 95 instead of 110: 15 more, and a fee of 0.55 instead of 0.95; two of them."""
        row: dict[str, object] = {"exit_price": 95.0, "quantity": 2.0, "ambiguous": 1, "bars": 3}
        assert self.gain(PERCENT, [row, {"exit_price": 90.0}]) == (1, pytest.approx(2 * (15 + 0.4)), 0)
        short = {**row, "side": -1, "exit_price": 105.0}
        assert self.gain(PERCENT, [short]) == (1, pytest.approx(2 * (15 + 1.05 - 0.45)), 0)

    def test_the_leg_that_was_next(self) -> None:
        """The first target (a quarter of 4) has filled at 104; of the 3 left the second takes 3 at 106."""
        first = {"trade_id": 1, "exit_price": 104.0, "quantity": 1.0, "initial_stop": 98.0}
        rest = {
            "trade_id": 1,
            "exit_price": 98.0,
            "quantity": 3.0,
            "initial_stop": 98.0,
            "ambiguous": 1,
            "bars": 2,
            "leg": 2,
        }
        rows = [{**first, "exit_reason": ExitReason.TARGET}, {**rest, "exit_reason": ExitReason.STOP}]
        assert self.gain(TWO, rows) == (1, pytest.approx(3 * (8 + 0.98 - 0.53)), 0)

    def test_a_level_that_is_not_known(self) -> None:
        row: dict[str, object] = {"exit_price": 95.0, "ambiguous": 1, "bars": 2}
        assert self.gain('[{ use = "atr", length = 14, multiple = 2.0 }]', [row]) == (1, 0.0, 1)

    def test_a_stop_in_the_bar_of_a_stop_entry(self) -> None:
        """It may not have been hit at all: the loss is in doubt, a profit is not assumed."""
        orders = '[orders]\nentry = "stop"\noffset = { use = "percent", percent = 0.1 }\n'
        row: dict[str, object] = {"exit_price": 95.0, "ambiguous": 1, "bars": 0}
        assert self.gain(PERCENT, [row], orders) == (1, 5.0, 0)
