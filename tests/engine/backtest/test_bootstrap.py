"""The stationary bootstrap: blocks as it says, intervals that hold what they promise, the same for the same numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tradebot.engine.backtest.figures.bootstrap import bootstrap, stationary_days
from tradebot.engine.backtest.figures.metrics import sharpe


def rng() -> np.random.Generator:
    return np.random.default_rng(7)


class TestDays:
    def test_blocks_run_on_and_round_the_end(self) -> None:
        days = stationary_days(50, 1e12, 20, rng())
        assert days.shape == (20, 50)
        assert np.all(np.diff(days, axis=1) % 50 == 1)

    def test_their_mean_length_is_the_asked_one(self) -> None:
        days = stationary_days(400, 8.0, 400, rng())
        broken = np.count_nonzero(np.diff(days, axis=1) % 400 != 1)
        assert days.size / (broken + 400) == pytest.approx(8.0, rel=0.05)

    def test_every_day_is_as_likely(self) -> None:
        counts = np.bincount(stationary_days(20, 4.0, 5000, rng()).ravel(), minlength=20)
        assert counts / counts.mean() == pytest.approx(np.ones(20), abs=0.05)


class TestIntervals:
    def test_hold_the_sharpe_ratio_of_the_days(self) -> None:
        returns = np.random.default_rng(3).normal(0.002, 0.02, 365)
        found = bootstrap(returns, rng())
        assert found is not None
        low, high = found.sharpe
        assert low < (sharpe(returns) or 0.0) < high
        # for days that hang on nothing the width is about that of the formula: 2 x 1.96 x sqrt(365 / n)
        assert high - low == pytest.approx(2 * 1.96 * math.sqrt(365 / 365), rel=0.2)
        assert found.mean_block == pytest.approx(math.sqrt(365))

    def test_the_chance_of_no_edge(self) -> None:
        noise = np.random.default_rng(3).normal(0.0, 0.02, 365)
        chances = [
            bootstrap(noise - noise.mean() + edge, rng()).chance_of_no_edge  # type: ignore[union-attr]  # long enough
            for edge in (-0.003, 0.0, 0.003)
        ]
        assert chances[0] > 0.97
        assert chances[1] == pytest.approx(0.5, abs=0.05)
        assert chances[2] < 0.03

    def test_drawdowns_count_the_start_as_a_peak(self) -> None:
        found = bootstrap(np.tile([-0.01, -0.02], 20), rng())
        assert found is not None
        assert found.max_drawdown[1] < -0.3
        assert found.total_return == pytest.approx(found.max_drawdown)

    def test_the_same_numbers_give_the_same_and_chunks_change_nothing_of_the_kind(self) -> None:
        returns = np.random.default_rng(3).normal(0.002, 0.02, 100)
        assert bootstrap(returns, rng()) == bootstrap(returns, rng())

    @pytest.mark.parametrize("returns", [np.zeros(100), np.full(19, 0.01), np.full(100, 0.001)])
    def test_none_where_there_is_nothing_to_say(self, returns: np.ndarray) -> None:
        assert bootstrap(returns, rng()) is None

    def test_long_positions_ask_for_long_blocks(self) -> None:
        returns = np.random.default_rng(3).normal(0.002, 0.02, 100)
        found = bootstrap(returns, rng(), holding_days=30.0)
        assert found is not None
        assert found.mean_block == 30.0
