"""How large an order of the plain reference is, and at which price it stands: both fixed at the decision."""

from __future__ import annotations

import math
import statistics

from tests.support.reference_levels import NoLevelError, distance, stop_from
from tests.support.reference_state import Account, SlotState, whole_steps_down, whole_steps_up
from tests.support.reference_types import DAY_MS, LONG

YEAR_MS = 365 * DAY_MS


def order_price_ticks(state: SlotState, side: int, decision: int) -> int | None:
    """None for a market order. A limit stands better than the close, rounded passive; a stop worse, rounded on.

    So both are rounded away from the close: the limit of a buy and the stop of a sale down, the others up. A price that
    is not above zero is no level.
    """
    rules, close = state.rules, state.bar.close
    if rules.entry == "market":
        return None
    away = 0.0 if rules.offset is None else distance(state, rules.offset, close, decision)
    direction = -side if rules.entry == "limit" else side
    rounding = whole_steps_up if direction == LONG else whole_steps_down
    ticks = rounding(close + direction * away, state.instrument.tick)
    if ticks <= 0:
        raise NoLevelError
    return ticks


def wanted_lots(account: Account, state: SlotState, side: int, price: float, decision: int) -> int:
    """The size of an order at `price` from the equity marked at this close, down to whole lots."""
    return whole_steps_down(wanted_quantity(account, state, side, price, decision), state.instrument.lot)


def wanted_quantity(account: Account, state: SlotState, side: int, price: float, decision: int) -> float:
    sizing, equity = state.rules.sizing, account.equity
    match sizing.kind:
        case "fixed":
            return sizing.value
        case "notional":
            return sizing.value / price
        case "equity":
            return sizing.value / 100 * equity / price
        case "risk":
            return risk_quantity(state, side, price, decision, sizing.value / 100 * equity)
        case "volatility":
            return volatility_weight(state, decision) * equity / price
        case "kelly":
            return kelly_share(state) * equity / price
    raise ValueError(f"no sizing is called {sizing.kind}")


def risk_quantity(state: SlotState, side: int, price: float, decision: int, loss: float) -> float:
    """The quantity that loses `loss` at its stop: |P - S| and the fees of both fills for each unit.

    S is the stop as it would be from P. The entry pays the maker fee where it is a limit, the stop the taker fee.
    """
    stop = stop_from(state, side, price, decision)
    if stop is None:
        raise NoLevelError
    costs, level = state.rules.costs, state.price(stop)
    fee_in = costs.maker_fee_percent if state.rules.entry == "limit" else costs.taker_fee_percent
    each = abs(price - level) + price * fee_in / 100 + level * costs.taker_fee_percent / 100
    return loss / each


def volatility_weight(state: SlotState, decision: int) -> float:
    """w = target / (sigma of one bar x root of the bars in a year of 365 days)."""
    sigma = state.level_value(state.rules.sizing.key, decision)
    if math.isnan(sigma) or sigma <= 0:
        raise NoLevelError
    bars_a_year = YEAR_MS / state.rules.timeframe_ms
    return state.rules.sizing.value / 100 / (sigma * math.sqrt(bars_a_year))


def kelly_share(state: SlotState) -> float:
    """The share of equity: the given fraction of Kelly's, a fixed one until there are enough closed positions."""
    sizing, closed = state.rules.sizing, state.strategy.closed_pnl
    if len(closed) < sizing.min_trades:
        return sizing.start_percent / 100
    return sizing.value * kelly_fraction(closed)


def kelly_fraction(closed: list[float]) -> float:
    """f = W - (1 - W) / R within 0 and 1. W counts profits, R is mean profit / mean loss; zeros are neither.

    >>> kelly_fraction([2.0, 2.0, -1.0, -1.0])
    0.25
    """
    profits = [pnl for pnl in closed if pnl > 0]
    losses = [-pnl for pnl in closed if pnl < 0]
    if not profits:
        return 0.0
    share = len(profits) / len(closed)
    if not losses:
        return share
    payoff = statistics.fmean(profits) / statistics.fmean(losses)
    return min(1.0, max(0.0, share - (1 - share) / payoff))
