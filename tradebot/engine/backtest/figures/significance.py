"""How much a Sharpe ratio means: probabilistic and deflated Sharpe, the least track record, autocorrelation.

Here a Sharpe ratio is per period (per day), mean(r) / std(r, ddof 1), never annualised; skewness is that of the
population, kurtosis is full (3 for the normal distribution). Sources: D. Bailey and M. Lopez de Prado, "The Sharpe
ratio efficient frontier" (2012) and "The deflated Sharpe ratio" (2014); A. Lo, "The statistics of Sharpe ratios"
(2002).
"""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np

from tradebot.engine.market import Float64

EULER_GAMMA = 0.5772156649015329
LAGS = 5
_NO_SPREAD = 1e-12
_NORMAL = NormalDist()


def period_sharpe(returns: Float64) -> float | None:
    """mean(r) / std(r, ddof 1), not annualised; None for returns that never vary."""
    spread = float(np.std(returns, ddof=1)) if len(returns) > 1 else 0.0
    return float(np.mean(returns)) / spread if spread > _NO_SPREAD else None


def skewness(returns: Float64) -> float | None:
    """Third standardised moment of the population: 0 for a symmetric distribution."""
    return _moment(returns, 3)


def kurtosis(returns: Float64) -> float | None:
    """Fourth standardised moment of the population, full: 3 for the normal distribution."""
    return _moment(returns, 4)


def _moment(returns: Float64, order: int) -> float | None:
    if len(returns) < 2:
        return None
    away = returns - np.mean(returns)
    spread = math.sqrt(float(np.mean(away**2)))
    return float(np.mean((away / spread) ** order)) if spread > _NO_SPREAD else None


def probabilistic_sharpe(returns: Float64, benchmark: float = 0.0) -> float | None:
    """Probability that the true Sharpe ratio per period is above `benchmark` (PSR)."""
    ratio, skew, full = period_sharpe(returns), skewness(returns), kurtosis(returns)
    if ratio is None or skew is None or full is None:
        return None
    return probability_above(ratio, skew, full, len(returns), benchmark)


def probability_above(
    ratio: float, skew: float, full_kurtosis: float, periods: int, benchmark: float = 0.0
) -> float | None:
    """PSR from its parts: Z((SR - SR*) sqrt(n - 1) / sqrt(1 - skew SR + (kurtosis - 1) / 4 SR^2)).

    0.1025 over 365 days with skewness -5.42 and kurtosis 30.7: 0.9370; against 0.02: 0.8909.
    """
    scale = _error_scale(ratio, skew, full_kurtosis)
    return None if scale is None else _NORMAL.cdf((ratio - benchmark) * math.sqrt(periods - 1) / scale)


def _error_scale(ratio: float, skew: float, full_kurtosis: float) -> float | None:
    """The standard error of a Sharpe ratio times sqrt(n - 1)."""
    variance = 1.0 - skew * ratio + (full_kurtosis - 1.0) / 4.0 * ratio * ratio
    return math.sqrt(variance) if variance > 0.0 else None


def least_track_record(returns: Float64, benchmark: float = 0.0, confidence: float = 0.95) -> float | None:
    """Days of such returns that would be enough to say the Sharpe ratio is above `benchmark` (MinTRL).

    None where the ratio is not above it: no length would be enough.
    """
    ratio, skew, full = period_sharpe(returns), skewness(returns), kurtosis(returns)
    if ratio is None or skew is None or full is None or ratio <= benchmark:
        return None
    scale = _error_scale(ratio, skew, full)
    if scale is None:
        return None
    return 1.0 + (scale * _NORMAL.inv_cdf(confidence) / (ratio - benchmark)) ** 2


def expected_best_sharpe(trials: int, variance: float) -> float:
    """The best Sharpe ratio per period to be expected of that many trials none of which is worth anything.

    sqrt(variance) x [(1 - g) x Z(1 - 1/N) + g x Z(1 - 1/(N e))], g Euler's constant, Z the normal quantile; 0 for a
    single trial. 100 trials whose ratios have the variance 0.0025: 0.1265.
    """
    if trials < 2 or variance <= 0.0:
        return 0.0
    usual = _NORMAL.inv_cdf(1.0 - 1.0 / trials)
    far = _NORMAL.inv_cdf(1.0 - 1.0 / (trials * math.e))
    return math.sqrt(variance) * ((1.0 - EULER_GAMMA) * usual + EULER_GAMMA * far)


def deflated_sharpe(returns: Float64, trials: int, variance: float) -> float | None:
    """PSR against the best ratio that `trials` worthless trials with this variance of ratios would show (DSR)."""
    return probabilistic_sharpe(returns, expected_best_sharpe(trials, variance))


def autocorrelation(returns: Float64, lag: int) -> float | None:
    """Correlation of the returns with themselves `lag` periods before; None where it has no value."""
    if len(returns) <= lag + 1:
        return None
    away = returns - np.mean(returns)
    total = float(np.sum(away**2))
    if math.sqrt(total / len(returns)) <= _NO_SPREAD:
        return None
    return float(np.sum(away[lag:] * away[:-lag])) / total


def adjusted_sharpe(returns: Float64, periods: int = 365, lags: int = LAGS) -> float | None:
    """Annualised Sharpe ratio that allows for autocorrelation (Lo 2002): SR x A / sqrt(A + 2 sum (A - k) rho_k).

    Where that of the first lag is not significant (|rho_1| <= 1.96 / sqrt(n)) it is SR x sqrt(A), the plain one. None
    where returns alternate so much that the sum has no root.
    """
    ratio, first = period_sharpe(returns), autocorrelation(returns, 1)
    if ratio is None or first is None:
        return None
    if abs(first) <= _NORMAL.inv_cdf(0.975) / math.sqrt(len(returns)):
        return ratio * math.sqrt(periods)
    total = float(periods)
    for lag in range(1, lags + 1):
        total += 2.0 * (periods - lag) * (autocorrelation(returns, lag) or 0.0)
    return ratio * periods / math.sqrt(total) if total > 0.0 else None
