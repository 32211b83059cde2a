"""The records of the simulation: what the account, a strategy, a slot, a rule, a bar, a trade are made of.

One account; slots indexed by (strategy, symbol). Prices are in the quote coin, quantities in the base coin, levels in
whole ticks, sizes in whole lots; both are whole numbers held in floats, NaN where there is none. The words
"compiling import compiled" in this text make the file part of the kernel hash.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

NEVER = -(2**62)
MOST_TARGETS = 8
MOST_LEVELS = 16
ROWS_A_STEP = 2 * MOST_TARGETS + 3
"""At most so many legs of one slot close in one step: a position with all its targets, its reversal, a delisting."""

Records = npt.NDArray[np.void]

ACCOUNT = np.dtype(
    [
        ("version", "i8"),
        ("wallet", "f8"),  # start cash, realised profit, fees and funding
        ("equity", "f8"),  # wallet and unrealised profit at the last close
        ("peak", "f8"),  # highest equity at a close so far, the start cash included
        ("worst_drawdown", "f8"),  # lowest equity / peak - 1 at a close so far
        ("day_end", "i8"),  # end of the UTC day of the last step, ms
        ("day_equity", "f8"),  # equity of the last step before that day, or the start cash
        ("clock_ms", "i8"),  # close time of the last step
        ("ticks", "i8"),  # steps so far
        ("exposed_ticks", "i8"),  # steps during which some slot held a position
        ("sum_exposure", "f8"),  # of notionals / equity over the steps
        ("most_exposure", "f8"),
        ("sum_net", "f8"),  # of |sum of signed notionals| / equity over the steps
        ("most_net", "f8"),
        ("worst_inside", "f8"),  # lowest equity inside a bar / peak of the closes before - 1 so far
        ("trade_count", "i8"),  # positions opened so far; the newest one's trade id
        ("bankrupt", "i8"),
    ],
    align=True,
)
"""One record: the wallet and the clock."""

STRATEGY = np.dtype(
    [
        ("open_positions", "i8"),
        # whole positions closed so far
        ("closed", "i8"),
        ("won", "i8"),
        ("sum_won", "f8"),
        ("lost", "i8"),  # those without profit or loss count as neither
        ("sum_lost", "f8"),  # as a number >= 0
        ("losses_in_a_row", "i8"),
        # what its limits forbid
        ("paused_until", "i8"),  # loss streak: no entry at a close up to this time
        ("blocked_until", "i8"),  # daily loss: no entry at the close of a bar that opened before this time
        ("stopped", "i8"),  # drawdown: no entry any more
    ],
    align=True,
)
"""One record a strategy: its own results so far, and what its limits forbid at present."""

SLOT = np.dtype(
    [
        # read on every bar
        ("bar", "i8"),  # index of the last bar seen, -1 before the first
        ("bar_end", "i8"),  # its close time
        ("decision", "i8"),  # index of the last decision bar that closed, -1 before the first
        ("decision_before", "i8"),  # the same before the last bar closed
        ("mark", "f8"),  # last marked close
        ("side", "i8"),
        ("pending_exit", "i8"),  # an ExitReason, 0: none
        ("pending_side", "i8"),  # of the entry, 0: none
        ("quantity", "f8"),
        ("entry_price", "f8"),  # average over all entries of the position
        ("margin", "f8"),  # of the position, what funding took from it deducted
        ("reserve", "f8"),  # of the resting order
        ("quiet_low", "f8"),  # prices strictly between these two change nothing
        ("quiet_high", "f8"),
        ("quiet_mark_low", "f8"),  # marks strictly between these two do not liquidate
        ("quiet_mark_high", "f8"),
        ("lowest", "f8"),  # extremes of the bars survived
        ("highest", "f8"),
        ("adds", "i8"),
        ("entry_decision", "i8"),  # decision bars closed when it was opened
        ("funding_cursor", "i8"),  # funding rows passed
        ("last_exit", "i8"),  # decision bar of the last exit, NEVER before it
        # the open position
        ("lots", "f8"),
        ("original_lots", "f8"),
        ("entry_time", "i8"),
        ("entry_reason", "i8"),
        ("entry_kind", "i8"),
        ("decided_ms", "i8"),  # close time of the decision that opened it
        ("entry_fee", "f8"),
        ("entry_slippage", "f8"),
        ("funding", "f8"),  # received (+) or paid (-)
        ("trade_id", "i8"),
        ("legs", "i8"),  # closed so far
        ("last_fill", "f8"),  # price of its last entry
        ("inside_bar", "i8"),  # the bar inside which it was last entered; NEVER: at an open
        ("coarse", "i8"),  # a decision bar had to stand for the finer ones
        ("extra_margin", "f8"),  # X of the margin formulas: negative where funding was taken from it
        ("liquidation", "f8"),  # price, NaN: none
        ("first_liquidation", "f8"),  # the same at entry
        ("realised", "f8"),  # profit of the legs closed so far
        # its levels
        ("initial_stop", "f8"),  # as a price
        ("risk", "f8"),  # R: |entry - initial stop|
        ("first_target", "f8"),  # nearest target at entry, as a price
        ("base_stop", "f8"),  # ticks, as the next three
        ("break_even", "f8"),
        ("trail", "f8"),
        ("stop", "f8"),  # the binding one of these three
        ("stop_reason", "i8"),
        ("stop_value", "f8"),  # frozen: distance for atr, price for series
        ("trail_value", "f8"),
        ("target_value", "f8", (MOST_TARGETS,)),  # by the order of the rules
        ("target_rule", "i8", (MOST_TARGETS,)),  # targets left, nearest first
        ("target_ticks", "f8", (MOST_TARGETS,)),
        ("target_lots", "f8", (MOST_TARGETS,)),
        ("next_target", "i8"),
        ("target_count", "i8"),
        # the entry order decided and not yet filled
        ("pending_kind", "i8"),
        ("pending_lots", "f8"),
        ("pending_ticks", "f8"),  # order price
        ("pending_reason", "i8"),
        ("pending_since", "i8"),  # close time of the decision's bar
        ("pending_volume", "f8"),  # of the bar before its next one
        ("pending_placed", "i8"),  # it rests since an earlier bar (2), since this one (1), not yet (0)
        ("pending_stop_value", "f8"),
        ("pending_trail_value", "f8"),
        ("pending_target_value", "f8", (MOST_TARGETS,)),
    ],
    align=True,
)
"""One record a slot: position, standing and pending orders."""

RULES = np.dtype(
    [
        ("strategy", "i8"),
        ("symbol", "i8"),  # number of the symbol: slots of several strategies may share one
        ("timeframe_ms", "i8"),  # of the decisions
        ("walks", "i8"),  # there are engine bars beside the decision bars
        ("marked", "i8"),  # there are marks beside the prices
        ("final_bar", "i8"),  # the bar at whose close the symbol is delisted, NEVER: none
        # instrument
        ("tick", "f8"),
        ("lot", "f8"),
        ("min_quantity", "f8"),
        ("min_notional", "f8"),
        ("max_quantity", "f8"),  # of a market order; infinite where unknown
        # costs
        ("taker_percent", "f8"),
        ("maker_percent", "f8"),
        ("slip", "f8"),  # fraction: slippage and half spread
        ("impact", "f8"),
        ("volume_share", "f8"),  # fraction, 0: no cap
        # margin
        ("linear", "i8"),
        ("leverage", "f8"),
        ("tier_start", "i8"),
        ("tier_stop", "i8"),
        # decisions
        ("long_allowed", "i8"),
        ("short_allowed", "i8"),
        ("opposite", "i8"),
        ("max_bars", "i8"),  # 0: no limit
        ("cooldown_bars", "i8"),
        # orders
        ("entry_kind", "i8"),
        ("offset_kind", "i8"),
        ("offset_value", "f8"),
        ("offset_level", "i8"),  # row of the level columns, as all that end in _level
        ("valid_bars", "i8"),
        # sizing
        ("sizing", "i8"),
        ("sizing_value", "f8"),
        ("sizing_level", "i8"),
        ("bars_a_year", "f8"),
        ("kelly_trades", "i8"),
        ("kelly_start", "f8"),
        # levels
        ("stop_kind", "i8"),
        ("stop_setting", "f8"),  # percent or multiple, as the next ones
        ("stop_level", "i8"),
        ("stop_follow", "i8"),
        ("targets", "i8"),
        ("target_kind", "i8", (MOST_TARGETS,)),
        ("target_setting", "f8", (MOST_TARGETS,)),
        ("target_level", "i8", (MOST_TARGETS,)),
        ("target_follow", "i8", (MOST_TARGETS,)),
        ("target_share", "f8", (MOST_TARGETS,)),  # percent of the original quantity
        ("whole", "i8"),  # these shares are 100 % together
        ("trail_kind", "i8"),
        ("trail_setting", "f8"),
        ("trail_level", "i8"),
        ("trail_start_percent", "f8"),
        ("trail_start_r", "f8"),  # NaN: none
        ("break_even_r", "f8"),  # NaN: no break-even
        ("break_even_percent", "f8"),
        ("series", "i8"),  # some level is read again at each close
        ("ratchets", "i8"),  # some level follows the extremes
        # adds and limits
        ("max_adds", "i8"),
        ("spacing_kind", "i8"),
        ("spacing_setting", "f8"),
        ("spacing_level", "i8"),
        ("max_positions", "i8"),  # 0: any number
        ("max_exposure", "f8"),  # fraction of equity, infinite: no limit
        ("max_symbol_exposure", "f8"),
        ("streak", "i8"),  # losses in a row that pause the strategy, 0: any number
        ("pause_ms", "i8"),
    ],
    align=True,
)
"""One record a slot: what does not change during a run."""

LIMITS = np.dtype(
    [
        ("daily_loss", "f8"),  # fraction, NaN: no limit
        ("drawdown", "f8"),
    ],
    align=True,
)
"""One record a strategy: the limits that look at the account's equity at each close."""

BAR = np.dtype(
    [
        ("time", "i8"),  # open and close time
        ("end", "i8"),
        ("open", "f8"),
        ("high", "f8"),
        ("low", "f8"),
        ("close", "f8"),
        ("mark_open", "f8"),
        ("mark_high", "f8"),
        ("mark_low", "f8"),
        ("mark_close", "f8"),
        ("volume_before", "f8"),  # of the bar before, NaN: unknown
        ("sigma_before", "f8"),  # of log returns up to the bar before, NaN: unknown
        ("coarse", "i8"),
        ("decides", "i8"),  # index of the decision bar that closes with it, -1: none
        ("side", "i8"),  # the entry decision at its close
        ("exits", "i8"),  # the exit decision of the side that is open then
        ("levels", "f8", (MOST_LEVELS,)),  # the level columns at its close
    ],
    align=True,
)
"""One record a slot: the bar of the present step and what was decided at its close."""

TRADE = np.dtype(
    [
        ("trade_id", "i8"),
        ("slot", "i8"),
        ("side", "i8"),
        ("entry_time", "i8"),
        ("entry_price", "f8"),
        ("exit_time", "i8"),
        ("exit_price", "f8"),
        ("quantity", "f8"),
        ("pnl", "f8"),
        ("r", "f8"),  # NaN without a stop
        ("fees", "f8"),
        ("funding", "f8"),
        ("slippage", "f8"),
        ("entry_reason", "i8"),
        ("exit_reason", "i8"),
        ("bars", "i8"),
        ("mae", "f8"),
        ("mfe", "f8"),
        ("initial_stop", "f8"),  # NaN without a stop
        ("ambiguous", "i8"),
        ("status", "i8"),
        ("strategy", "i8"),
        ("leg", "i8"),  # 1 for the first leg of its position that closed
        ("last_leg", "i8"),  # the position ended with it
        ("adds", "i8"),
        ("entry_kind", "i8"),
        ("decided_ms", "i8"),  # close time of the decision that opened the position
        ("initial_target", "f8"),  # nearest target at entry, NaN without
        ("liquidation_price", "f8"),  # at entry, NaN without
        ("coarse", "i8"),
    ],
    align=True,
)
"""One record a closed leg, or a position still open."""

INTERVENTION = np.dtype(
    [
        ("time", "i8"),  # of the fill or of the close, UTC ms
        ("slot", "i8"),
        ("reason", "i8"),  # a Count
        ("wanted", "f8"),  # quantity
        ("allowed", "f8"),  # quantity, 0: refused or closed
    ],
    align=True,
)
"""One record a time that a limit, a minimum or the margin changed what was decided."""
