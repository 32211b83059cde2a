"""What refuses, cuts and forces in the plain reference: exposure, volume, minimums, losses, pauses."""

from __future__ import annotations

import math

from tests.support.reference_bars import volume_before
from tests.support.reference_margin import affordable_lots, cost_of_one
from tests.support.reference_state import (
    Account,
    PendingEntry,
    SlotState,
    StrategyState,
    whole_steps_down,
    whole_steps_up,
)
from tests.support.reference_types import DAY_MS

# At the fill -----------------------------------------------------------------------------------------------


def lots_that_fit(account: Account, state: SlotState, order: PendingEntry, price: float, time: int) -> int:
    """The order's lots cut to the margin, then to the exposure, then to the volume; 0 where it was refused.

    A cut that leaves something is counted as `reduced_...`, one that leaves nothing as the refusal alone.
    """
    lots = order.lots
    for limit, reduced, refused in (
        (
            affordable_lots(account, state, cost_of_one(state, order.side, price)),
            "reduced_margin",
            "insufficient_margin",
        ),
        (exposure_lots(account, state, price), "reduced_exposure", "exposure"),
        (volume_lots(state), "reduced_volume", "no_volume"),
    ):
        if lots <= limit:
            continue
        if limit <= 0:
            account.refuse(state, refused, time)
            return 0
        account.intervene(state.strategy, state.instrument.symbol, reduced, time)
        lots = int(limit)
    return lots


def exposure_lots(account: Account, state: SlotState, price: float) -> float:
    """How many lots at `price` the caps on exposure leave: in percent of the equity marked at the last close.

    The exposure there is that of the whole account, at the prices at which the last close was marked; for the cap on a
    symbol that of the symbol, whichever strategy holds it.
    """
    rules, left = state.rules, math.inf
    if rules.max_symbol_exposure_percent is not None:
        held = notional(account, state.instrument.symbol)
        left = rules.max_symbol_exposure_percent / 100 * account.equity - held
    if rules.max_exposure_percent is not None:
        left = min(left, rules.max_exposure_percent / 100 * account.equity - notional(account))
    if math.isinf(left):
        return math.inf
    return max(0, whole_steps_down(left / price, state.instrument.lot))


def notional(account: Account, symbol: str | None = None) -> float:
    """The sum of |quantity x mark| of all open positions, or those of one symbol."""
    return math.fsum(
        state.quantity(state.position.lots) * state.mark
        for state in account.states
        if state.position is not None and symbol in (None, state.instrument.symbol)
    )


def volume_lots(state: SlotState) -> float:
    """The share of the previous bar's volume that an entry may take; without volume nothing."""
    share = state.rules.costs.max_volume_share_percent
    if share <= 0:
        return math.inf
    return max(0, whole_steps_down(share / 100 * volume_before(state), state.instrument.lot))


def size_refusal(state: SlotState, lots: int, price: float) -> str | None:
    """Why an order of so many lots may not be sent, or None. Quantities are compared in whole lots."""
    instrument = state.instrument
    if lots < whole_steps_up(instrument.min_quantity, instrument.lot):
        return "below_min_quantity"
    if state.quantity(lots) * price < instrument.min_notional:
        return "below_min_notional"
    if instrument.max_quantity is not None and lots > whole_steps_down(
        instrument.max_quantity, instrument.lot
    ):
        return "above_max_quantity"
    return None


def has_room(account: Account, state: SlotState) -> bool:
    """Whether the strategy may open one more position; an add opens none."""
    most = state.rules.max_positions
    if most == 0 or state.position is not None:
        return True
    return sum(other.position is not None for other in account.slots_of(state.strategy)) < most


# At the decision -------------------------------------------------------------------------------------------


def pause_refusal(state: SlotState) -> str | None:
    """Why no entry is taken at this close, whatever it is: daily loss, drawdown or a streak of losses."""
    strategy, bar = state.strategy, state.bar
    if strategy.blocked_until is not None and bar.time < strategy.blocked_until:
        return "daily_loss"
    if strategy.halted:
        return "drawdown"
    if strategy.paused_until is not None and bar.close_time <= strategy.paused_until:
        return "loss_streak"
    return None


def is_cooling_down(state: SlotState) -> bool:
    """Whether fewer closes than `cooldown_bars` have passed since the symbol's exit, that of its bar included."""
    bars, exited = state.rules.cooldown_bars, state.last_exit_bar
    return bars > 0 and exited is not None and state.bar.decision - exited < bars


# At the close ----------------------------------------------------------------------------------------------


def start_the_day(account: Account, time: int) -> None:
    """A close at 00:00 UTC belongs to the day just ended; the next one begins with that equity.

    To be called before the equity of this close stands in the account.
    """
    day = (time - 1) // DAY_MS
    if day != account.day:
        account.day = day
        account.day_start_equity = account.equity


def check_daily_loss(account: Account, time: int) -> None:
    """Once a day, at the first close that has lost as much against the start of the day: close all, refuse entries.

    They are refused until a bar of the symbol opens on the next UTC day.
    """
    for strategy in account.strategies:
        percent = strategy.rules.max_daily_loss_percent
        tomorrow = (account.day + 1) * DAY_MS
        if percent is None or strategy.blocked_until == tomorrow:
            continue
        if account.equity <= (1 - percent / 100) * account.day_start_equity:
            strategy.blocked_until = tomorrow
            close_everything(account, strategy, "daily_loss", time)


def check_drawdown(account: Account, time: int) -> None:
    """Once a run, at the first close that has lost as much against the highest equity: close all, refuse entries."""
    for strategy in account.strategies:
        percent = strategy.rules.max_drawdown_percent
        if percent is None or strategy.halted:
            continue
        if account.equity <= (1 - percent / 100) * account.peak:
            strategy.halted = True
            close_everything(account, strategy, "drawdown", time)


def close_everything(account: Account, strategy: StrategyState, reason: str, time: int) -> None:
    """Cancel the strategy's pending entries, each counted, and have its positions closed at their next open.

    An exit that was pending before keeps its reason.
    """
    account.intervene(strategy, "", reason, time)
    for state in account.slots_of(strategy):
        if state.pending_entry is not None:
            state.pending_entry = None
            account.refuse(state, reason, time)
        if state.position is not None and state.pending_exit is None:
            state.pending_exit = reason


def count_the_streak(account: Account, state: SlotState, pnl: float, time: int) -> None:
    """After a whole position left at `time`: so many in a row without profit pause the strategy, the count starts anew.

    The pause lasts to the close of the exit's bar plus `pause_bars` decision bars, that close included.
    """
    strategy, rules = state.strategy, state.rules
    strategy.losses_in_a_row = strategy.losses_in_a_row + 1 if pnl <= 0 else 0
    if 0 < rules.streak_losses <= strategy.losses_in_a_row:
        strategy.losses_in_a_row = 0
        strategy.paused_until = state.bar.close_time + rules.streak_pause_bars * rules.timeframe_ms
        account.intervene(strategy, "", "loss_streak", time)
