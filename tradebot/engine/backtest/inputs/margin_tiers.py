"""Margin tiers as the simulation takes them, from the stored risk limits."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tradebot.engine.backtest.kernel.ledger import TierColumns
from tradebot.engine.market import RiskTier


def tier_columns(tiers: Sequence[RiskTier]) -> TierColumns | None:
    """The tiers in columns, rising by limit; None of none.

    A deduction that is not stored (0 on a later tier) is worked out so that the margin does not jump:
    d[k] = d[k-1] + limit[k-1] x (rate[k] - rate[k-1]). Limits 1,000 and 2,000 at 0.5 % and 1 %: 0 and 5.
    """
    if not tiers:
        return None
    rising = sorted(tiers, key=lambda tier: tier.limit)
    limits = np.array([float(tier.limit) for tier in rising])
    rates = np.array([float(tier.maintenance_margin) for tier in rising])
    deductions = np.array([float(tier.deduction) for tier in rising])
    for k in range(1, len(rising)):
        if deductions[k] == 0.0:
            deductions[k] = deductions[k - 1] + limits[k - 1] * (rates[k] - rates[k - 1])
    return TierColumns(limits, rates, deductions)
