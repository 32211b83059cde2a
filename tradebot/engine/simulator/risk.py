"""Risk tiers: the larger a position, the more margin it needs and the less leverage it may have."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

from tradebot.engine.market import Category
from tradebot.engine.simulator.listing import Coin
from tradebot.engine.simulator.wire import fixed

Tier = dict[str, object]
# Leverage of each tier as a part of the first one's; large coins pass through all of them, others through every second.
_STEPS = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.45, 0.4, 0.35, 0.3, 0.25, 0.2, 0.16, 0.13, 0.1, 0.08, 0.06, 0.05)
_LARGE = 1e8
_ACCURACY = Decimal("0.0001")


def risk_tiers(coin: Coin) -> list[Tier]:
    """The tiers of a contract, lowest first, as risk-limit lists them.

    Margins are fractions. A deduction makes the maintenance margin grow without a jump from tier to tier:
    deduction_n = deduction_n-1 + limit_n-1 * (margin_n - margin_n-1).
    """
    steps = _STEPS if coin.turnover_day > _LARGE else _STEPS[::2]
    tiers: list[Tier] = []
    deduction, before, limit = Decimal(0), Decimal(0), Decimal(0)
    for number, step in enumerate(steps):
        leverage = Decimal(str(max(1.0, round(coin.max_leverage * step, 2))))
        initial = (1 / leverage).quantize(_ACCURACY, ROUND_HALF_UP)
        margin = initial / 2
        deduction += limit * (margin - before)
        limit, before = _limit(coin, number), margin
        tiers.append(
            {
                "id": number + 1,
                "symbol": coin.symbol,
                "riskLimitValue": format(limit, "f"),
                "maintenanceMargin": _text(margin),
                "initialMargin": _text(initial),
                "isLowestRisk": int(number == 0),
                "maxLeverage": f"{leverage:.2f}",
                "mmDeduction": _text(deduction) if number else "",
            }
        )
    return tiers


def _limit(coin: Coin, number: int) -> Decimal:
    """Position value up to which a tier holds: in the quote coin; of inverse contracts in the base coin."""
    lowest = coin.turnover_day / 3000
    if coin.category is Category.INVERSE:
        lowest = coin.turnover_day / 40 / coin.price
    value = lowest * (1 + 0.7 * number + 0.25 * number * number)
    # Two leading digits, as exchanges set such limits.
    whole = max(10, int(value))
    unit = 10 ** (len(str(whole)) - 2)
    return Decimal(fixed(whole // unit * unit, 0))


def _text(value: Decimal) -> str:
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
