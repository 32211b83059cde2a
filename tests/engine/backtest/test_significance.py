"""What a Sharpe ratio is worth: the golden vector, the values of the rules, and cases by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tradebot.engine.backtest.figures import metrics as m
from tradebot.engine.backtest.figures import significance as s

GOLDEN = np.array([0.01, -0.02, 0.015, 0, -0.005, 0.03, -0.04, 0.02, 0.01, -0.01])


def test_golden_vector() -> None:
    assert s.skewness(GOLDEN) == pytest.approx(-0.58845, abs=5e-6)
    assert s.kurtosis(GOLDEN) == pytest.approx(2.66203, abs=5e-6)
    assert s.probabilistic_sharpe(GOLDEN) == pytest.approx(0.5569115846, abs=5e-11)


def test_the_probabilities_of_the_rules() -> None:
    assert s.probability_above(0.1025, -5.42, 30.7, 365) == pytest.approx(0.93694, abs=1e-4)
    assert s.probability_above(0.1025, -5.42, 30.7, 365, 0.02) == pytest.approx(0.8908, abs=2e-4)


def test_the_least_track_record_is_as_long_as_the_confidence_asks() -> None:
    """With just so many days of the same moments the probability is the asked one."""
    days = s.least_track_record(GOLDEN, confidence=0.95)
    ratio, skew, full = s.period_sharpe(GOLDEN), s.skewness(GOLDEN), s.kurtosis(GOLDEN)
    assert days is not None and ratio is not None and skew is not None and full is not None
    scale = math.sqrt(1 - skew * ratio + (full - 1) / 4 * ratio**2)
    assert days == pytest.approx(1 + (scale * 1.6448536269514722 / ratio) ** 2)
    assert days > 1000
    assert s.least_track_record(-GOLDEN) is None


def test_the_best_of_worthless_trials_is_expected_above_zero() -> None:
    """Bailey and Lopez de Prado 2014: 100 trials of annualised variance 1/2, 250 days a year: 0.1132 a day."""
    assert s.expected_best_sharpe(100, 0.5 / 250) == pytest.approx(0.1132, abs=5e-5)
    assert s.expected_best_sharpe(1, 0.5) == s.expected_best_sharpe(100, 0.0) == 0.0


def test_the_deflated_ratio_of_the_paper() -> None:
    """The same paper: SR 2.5 a year over 1,250 days, skewness -3, kurtosis 10: 0.9004."""
    best = s.expected_best_sharpe(100, 0.5 / 250)
    assert s.probability_above(2.5 / math.sqrt(250), -3.0, 10.0, 1250, best) == pytest.approx(
        0.9004, abs=1e-4
    )
    returns = np.random.default_rng(2).normal(0.002, 0.02, 400)
    assert s.deflated_sharpe(returns, 1, 0.0) == s.probabilistic_sharpe(returns)
    assert (s.deflated_sharpe(returns, 50, 0.002) or 1.0) < (s.probabilistic_sharpe(returns) or 0.0)


class TestAutocorrelation:
    def test_returns_that_trend_deserve_a_smaller_ratio(self) -> None:
        noise = np.random.default_rng(3).normal(0.0, 0.01, 500)
        trending = 0.001 + np.convolve(noise, np.ones(5) / 5, "same")
        assert s.autocorrelation(trending, 1) == pytest.approx(0.8, abs=0.1)
        assert 0 < (s.adjusted_sharpe(trending) or 0) < 0.6 * (m.sharpe(trending) or 0)

    def test_by_hand(self) -> None:
        returns = np.repeat(
            [0.02, -0.01], 50
        )  # of 100 - k products k are negative: rho_k = (100 - 3 k) / 100
        assert s.autocorrelation(returns, 1) == pytest.approx(0.97)
        total = 365 + 2 * sum((365 - k) * (100 - 3 * k) / 100 for k in range(1, 6))
        ratio = s.period_sharpe(returns) or 0.0
        assert s.adjusted_sharpe(returns) == pytest.approx(ratio * 365 / math.sqrt(total))

    def test_returns_that_alternate_have_no_such_ratio(self) -> None:
        """The few lags leave a variance below zero."""
        assert s.adjusted_sharpe(np.tile([0.02, -0.01], 50)) is None

    def test_an_insignificant_one_changes_nothing(self) -> None:
        returns = np.random.default_rng(4).normal(0.001, 0.01, 500)
        assert abs(s.autocorrelation(returns, 1) or 0.0) < 1.96 / math.sqrt(500)
        assert s.adjusted_sharpe(returns) == pytest.approx(m.sharpe(returns))


@pytest.mark.parametrize(
    "value",
    [
        s.skewness(np.zeros(9)),
        s.kurtosis(np.array([0.1])),
        s.probabilistic_sharpe(np.zeros(9)),
        s.deflated_sharpe(np.zeros(9), 10, 0.1),
        s.least_track_record(np.zeros(9)),
        s.autocorrelation(np.zeros(9), 1),
        s.autocorrelation(GOLDEN, 9),
        s.adjusted_sharpe(np.zeros(9)),
    ],
)
def test_undefined_is_none(value: object) -> None:
    assert value is None
