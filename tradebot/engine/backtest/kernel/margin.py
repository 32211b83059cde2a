"""Isolated margin of linear perpetuals, as Bybit counts it: margin, bankruptcy price, liquidation price. Compiled.

S size, E average entry, L leverage, t taker fee as a fraction, k side, r maintenance rate and d deduction of a tier,
X extra margin (negative where funding was taken from it):

- bankruptcy price B = E * (1 - k / L); margin S * E / L + S * B * t + X; on spot S * E
- long: LP = (S * E * (1 - 1/L) - X / (1 - t) - d) / (S * (1 - r))
- short: LP = (S * E * (1 + 1/L) + X / (1 + t) + d) / (S * (1 + r))

At 50x a long of 1 at 20000 with r = 0.5 % is liquidated at 19698.49 and settles at 19600.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tradebot.engine.backtest.kernel.grid import GRID_TOLERANCE
from tradebot.engine.control.compiling import compiled_part


@compiled_part
def bankruptcy_price(side: int, entry: float, leverage: float) -> float:
    """The price at which a position has lost its margin S * E / L."""
    return entry * (1.0 - side / leverage)


@compiled_part
def liquidation_price(
    side: int,
    size: float,
    entry: float,
    leverage: float,
    taker: float,
    extra: float,
    rate: float,
    deduction: float,
) -> float:
    """The mark at which the margin left equals the maintenance margin of one tier."""
    if side > 0:
        left = size * entry * (1.0 - 1.0 / leverage) - extra / (1.0 - taker) - deduction
        return left / (size * (1.0 - rate))
    left = size * entry * (1.0 + 1.0 / leverage) + extra / (1.0 + taker) + deduction
    return left / (size * (1.0 + rate))


@compiled_part
def tier_of(value: float, tiers: Any, start: int, stop: int) -> int:
    """The tier that holds a position of that value: the first whose limit it does not exceed, else the last."""
    tier = start
    while tier < stop - 1 and value > tiers[0, tier]:
        tier += 1
    return tier


@compiled_part
def settled_liquidation_price(
    side: int,
    size: float,
    entry: float,
    leverage: float,
    taker: float,
    extra: float,
    tiers: Any,
    start: int,
    stop: int,
) -> float:
    """The liquidation price in the tier that holds the position's value at that very price."""
    tier = tier_of(size * entry, tiers, start, stop)
    price = entry
    for _ in range(stop - start + 1):
        price = liquidation_price(side, size, entry, leverage, taker, extra, tiers[1, tier], tiers[2, tier])
        settled = tier_of(size * price, tiers, start, stop)
        if settled == tier:
            break
        tier = settled
    return price


@compiled_part
def entry_cost(side: int, price: float, rule: Any) -> float:
    """What one unit needs free to be opened: margin, the fee to open, and the fee to close at bankruptcy."""
    taker = rule.taker_percent / 100.0
    if rule.linear == 0:
        return float(price * (1.0 + taker))
    bankruptcy = bankruptcy_price(side, price, rule.leverage)
    return float(price / rule.leverage + price * taker + bankruptcy * taker)


@compiled_part
def reserve_cost(price: float, rule: Any) -> float:
    """What one unit of a resting order keeps from being spent: margin and two taker fees."""
    return float(price / rule.leverage + 2.0 * price * rule.taker_percent / 100.0)


@compiled_part
def set_margin(slot: Any, rule: Any, tiers: Any) -> None:
    """Margin and liquidation price of the position as it now is, and the marks between which nothing happens."""
    value = slot.quantity * slot.entry_price
    slot.quiet_mark_low = -np.inf
    slot.quiet_mark_high = np.inf
    if rule.linear == 0:
        slot.margin = value
        return
    taker = rule.taker_percent / 100.0
    bankruptcy = bankruptcy_price(slot.side, slot.entry_price, rule.leverage)
    slot.margin = value / rule.leverage + slot.quantity * bankruptcy * taker + slot.extra_margin
    price = settled_liquidation_price(
        slot.side, slot.quantity, slot.entry_price, rule.leverage, taker, slot.extra_margin,
        tiers, rule.tier_start, rule.tier_stop,
    )  # fmt: skip
    slot.liquidation = price if price > 0.0 else np.nan
    if slot.side > 0 and price > 0.0:
        slot.quiet_mark_low = price + rule.tick
    elif slot.side < 0:
        slot.quiet_mark_high = price - rule.tick


@compiled_part
def liquidated(slot: Any, rule: Any, adverse_mark: float) -> bool:
    """Whether a mark that far against the position liquidates it; the price itself is enough. NaN: never."""
    near = GRID_TOLERANCE * rule.tick
    if slot.side > 0:
        return bool(adverse_mark <= slot.liquidation + near)
    return bool(adverse_mark >= slot.liquidation - near)


@compiled_part
def settlement(slot: Any, rule: Any) -> tuple[float, float]:
    """Price and fee of a liquidation: the shifted bankruptcy price, so that exactly the position's margin is lost."""
    bankruptcy = bankruptcy_price(slot.side, slot.entry_price, rule.leverage)
    fee = slot.quantity * bankruptcy * rule.taker_percent / 100.0
    return bankruptcy - slot.side * slot.extra_margin / slot.quantity, fee


@compiled_part
def committed(slots: Any) -> float:
    """What positions and resting orders keep from being spent."""
    total = 0.0
    for s in range(len(slots)):
        total += slots[s].margin + slots[s].reserve
    return total


@compiled_part
def pay_funding(
    account: Any, slot: Any, rule: Any, price: float, rate: float, available: float, tiers: Any
) -> None:
    """One funding time: with a positive rate the long side pays, the short side receives.

    What the available balance cannot pay is taken from the position's own margin, which moves its liquidation.
    """
    if rule.linear == 0:
        return
    payment = slot.side * slot.quantity * price * rate
    account.wallet -= payment
    slot.funding -= payment
    short_of = payment - max(0.0, available)
    if short_of > 0.0:
        slot.extra_margin -= short_of
        set_margin(slot, rule, tiers)
