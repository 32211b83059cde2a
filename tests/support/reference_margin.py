"""Isolated margin in the plain reference: bankruptcy, margin, tiers, liquidation, funding, what is available.

Letters as in the rules: S quantity, E average entry, L leverage, t taker fee, k side, M mark, X margin added (negative
after funding was taken from the position's margin).
"""

from __future__ import annotations

from collections.abc import Sequence

from tests.support.reference_state import Account, PendingEntry, Position, SlotState, whole_steps_down
from tests.support.reference_types import LONG, ReferenceTier


def bankruptcy_price(side: int, entry: float, leverage: float) -> float:
    """B = E (1 - k / L).

    >>> bankruptcy_price(1, 20000.0, 50.0)
    19600.0
    """
    return entry * (1 - side / leverage)


def initial_margin(side: int, size: float, entry: float, leverage: float, taker: float) -> float:
    """IM = S E / L + S B t; the second part is the fee of closing at the bankruptcy price."""
    return size * entry / leverage + size * bankruptcy_price(side, entry, leverage) * taker


def tier_of(tiers: Sequence[ReferenceTier], value: float) -> ReferenceTier:
    """The first step whose limit holds the position value; beyond all of them the last one."""
    return next((tier for tier in tiers if value <= tier.limit), tiers[-1])


def liquidation_price_in_tier(
    side: int, size: float, entry: float, leverage: float, taker: float, extra: float, tier: ReferenceTier
) -> float:
    """LP of the rules, section 1.3, for the rate r and the deduction d of one tier."""
    r, d = tier.maintenance_rate, tier.deduction
    if side == LONG:
        return (size * entry * (1 - 1 / leverage) - extra / (1 - taker) - d) / (size * (1 - r))
    return (size * entry * (1 + 1 / leverage) + extra / (1 + taker) + d) / (size * (1 + r))


def liquidation_price(
    side: int,
    size: float,
    entry: float,
    leverage: float,
    taker: float,
    extra: float,
    tiers: Sequence[ReferenceTier],
) -> float:
    """The LP whose own position value S LP lies in the tier it was computed with.

    Begun with the tier of the value at the entry and repeated until the tier stays; at most once for each tier, should
    deductions that do not fit their limits make it go round in circles.
    """
    tier = tier_of(tiers, size * entry)
    price = liquidation_price_in_tier(side, size, entry, leverage, taker, extra, tier)
    for _ in tiers:
        tier = tier_of(tiers, size * price)
        again = liquidation_price_in_tier(side, size, entry, leverage, taker, extra, tier)
        if again == price:
            break
        price = again
    return price


# Positions and the account ---------------------------------------------------------------------------------


def taker_rate(state: SlotState) -> float:
    return state.rules.costs.taker_fee_percent / 100


def tiers_of(account: Account, state: SlotState) -> Sequence[ReferenceTier]:
    """The instrument's tiers, or one without an end at the rate of the settings."""
    rate = account.run.maintenance_rate_percent / 100
    return state.instrument.tiers or (ReferenceTier(float("inf"), rate),)


def position_margin(state: SlotState, position: Position) -> float:
    """S E / L + S B t, a spot position its whole price; X is added to it."""
    size = state.quantity(position.lots)
    if state.instrument.spot:
        return size * position.entry_price
    margin = initial_margin(
        position.side, size, position.entry_price, state.rules.leverage, taker_rate(state)
    )
    return margin + position.extra_margin


def reserve(state: SlotState, order: PendingEntry) -> float:
    """Quantity (P / L + 2 P t) of a resting limit or stop order."""
    return state.quantity(order.lots) * reserve_of_one(state, order)


def reserve_of_one(state: SlotState, order: PendingEntry) -> float:
    assert order.price_ticks is not None
    price = state.price(order.price_ticks)
    return price / state.rules.leverage + 2 * price * taker_rate(state)


def available(account: Account) -> float:
    """The wallet less the margin of every position and what resting orders reserve."""
    taken = 0.0
    for state in account.states:
        if state.position is not None:
            taken += position_margin(state, state.position)
        if state.pending_entry is not None and state.pending_entry.resting:
            taken += reserve(state, state.pending_entry)
    return account.wallet - taken


def cost_of_one(state: SlotState, side: int, price: float) -> float:
    """What a quantity of 1 takes from the balance: its margin, the fee of opening and that of closing at B."""
    taker = taker_rate(state)
    if state.instrument.spot:
        return price + price * taker
    leverage = state.rules.leverage
    return price / leverage + price * taker + bankruptcy_price(side, price, leverage) * taker


def affordable_lots(account: Account, state: SlotState, cost: float) -> int:
    """How many lots at this cost of a quantity of 1 the available balance pays."""
    return max(0, whole_steps_down(available(account) / cost, state.instrument.lot))


def position_liquidation_price(account: Account, state: SlotState, position: Position) -> float | None:
    """LP of an open position; none on spot."""
    if state.instrument.spot:
        return None
    return liquidation_price(
        position.side,
        state.quantity(position.lots),
        position.entry_price,
        state.rules.leverage,
        taker_rate(state),
        position.extra_margin,
        tiers_of(account, state),
    )


# Funding ---------------------------------------------------------------------------------------------------


def charge_funding_due(account: Account, present: list[SlotState]) -> None:
    """Funding up to and at the open, on the position held before any fill at this open."""
    for state in present:
        charge_funding_before(account, state, state.bar.time + 1)


def charge_funding_inside_the_bar(account: Account, present: list[SlotState]) -> None:
    """Funding after the open and before the close, on the position held after the fills at the open."""
    for state in present:
        charge_funding_before(account, state, state.bar.close_time)


def charge_funding_before(account: Account, state: SlotState, end: int) -> None:
    """All funding rows not yet passed with time < `end`, at the mark open of the bar; none when flat or on spot.

    What is to pay is taken from the available balance first, then from the position's own margin.
    """
    rows = state.symbol.funding
    while state.funding_done < len(rows) and rows[state.funding_done][0] < end:
        rate = rows[state.funding_done][1]
        state.funding_done += 1
        position = state.position
        if position is None or state.instrument.spot or not state.rules.costs.funding:
            continue
        paid = position.side * state.quantity(position.lots) * state.bar.mark_open * rate
        if paid > 0:
            position.extra_margin -= paid - min(paid, max(0.0, available(account)))
        account.wallet -= paid
        position.funding -= paid
