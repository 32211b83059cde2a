"""Risk limits: how much margin a position of a given size needs."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class RiskTier:
    """One step of a symbol's risk limit; a symbol's tiers rise by `limit`.

    `limit` is the position value, in the quote coin of a linear and the base coin of an inverse contract, up to which
    the step holds. Margins are fractions of the position value (0.005 = 0.5 %). `deduction` is taken from the
    maintenance margin, so that it does not jump where a step begins.
    """

    limit: Decimal
    maintenance_margin: Decimal
    initial_margin: Decimal
    max_leverage: Decimal
    deduction: Decimal = Decimal(0)
