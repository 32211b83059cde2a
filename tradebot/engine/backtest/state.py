"""The simulation's state: structured records that can be cut anywhere, saved and restored.

One account; slots indexed by (strategy, symbol), in the order of the symbols' names. What stands here is all
that a run carries from one bar to the next.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tradebot.engine.backtest.codes import Count
from tradebot.engine.control.errors import InputError
from tradebot.engine.market import Int64

STATE_VERSION = 1
NEVER = -(2**62)

Records = npt.NDArray[np.void]

ACCOUNT = np.dtype(
    [
        ("version", "i8"),
        ("wallet", "f8"),  # quote coin: start cash, realised profit, fees and funding
        ("equity", "f8"),  # wallet and unrealised profit at the last close
        ("peak", "f8"),  # highest equity at a close so far, the start cash included
        ("worst_drawdown", "f8"),  # lowest equity / peak - 1 at a close so far
        ("clock_ms", "i8"),  # open time of the last step
        ("ticks", "i8"),  # steps so far
        ("exposed_ticks", "i8"),  # steps during which some slot held a position
        ("trade_count", "i8"),  # positions opened so far; the newest one's trade id
        ("bankrupt", "i8"),
    ],
    align=True,
)
"""One record: the wallet and the clock."""

SLOT = np.dtype(
    [
        ("bar", "i8"),  # index of the last bar seen, -1 before the first
        ("bar_time", "i8"),  # its open time
        ("funding_cursor", "i8"),  # funding rows passed
        ("mark", "f8"),  # last close
        ("last_exit_bar", "i8"),  # NEVER before the first exit
        # the open position
        ("side", "i8"),
        ("quantity", "f8"),
        ("entry_price", "f8"),
        ("entry_time", "i8"),
        ("entry_bar", "i8"),
        ("entry_reason", "i8"),
        ("entry_fee", "f8"),
        ("entry_slippage", "f8"),
        ("funding", "f8"),  # received (+) or paid (-)
        ("trade_id", "i8"),
        ("lowest", "f8"),  # extremes of the bars survived
        ("highest", "f8"),
        # its standing orders, in ticks; NaN: none
        ("stop_ticks", "f8"),
        ("target_ticks", "f8"),
        ("initial_stop", "f8"),  # as a price
        ("quiet_low", "f8"),  # prices strictly between these two are at least a tick away from both orders
        ("quiet_high", "f8"),
        # market orders decided and not yet filled
        ("pending_exit", "i8"),  # an ExitReason, 0: none
        ("pending_side", "i8"),  # of the entry, 0: none
        ("pending_lots", "f8"),
        ("pending_reason", "i8"),
        ("pending_since", "i8"),  # close time of the decision's bar
    ],
    align=True,
)
"""One record a slot: position, standing and pending orders."""

RULES = np.dtype(
    [
        ("timeframe_ms", "i8"),
        ("tick", "f8"),
        ("lot", "f8"),
        ("min_quantity", "f8"),
        ("min_notional", "f8"),
        ("max_quantity", "f8"),  # of a market order; infinite where unknown
        ("taker_percent", "f8"),
        ("maker_percent", "f8"),
        ("slip", "f8"),  # fraction: slippage and half spread
        ("long_allowed", "i8"),
        ("short_allowed", "i8"),
        ("opposite", "i8"),
        ("sizing", "i8"),
        ("sizing_value", "f8"),
        ("stop_percent", "f8"),  # NaN: no stop
        ("target_percent", "f8"),  # NaN: no target
        ("max_bars", "i8"),  # 0: no limit
        ("cooldown_bars", "i8"),
    ],
    align=True,
)
"""One record a slot: what does not change during a run."""

BAR = np.dtype(
    [
        ("time", "i8"),  # open time
        ("open", "f8"),
        ("high", "f8"),
        ("low", "f8"),
        ("close", "f8"),
        ("side", "i8"),  # the entry decision at its close
        ("exit_long", "i8"),
        ("exit_short", "i8"),
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
    ],
    align=True,
)
"""One record a closed leg."""


@dataclass(frozen=True, slots=True, eq=False)
class SimulationState:
    """All that a run carries on: `account` ACCOUNT[1], `slots` SLOT[n], `counts` int64[n, len(Count)]."""

    account: Records
    slots: Records
    counts: Int64

    @classmethod
    def begin(cls, slot_count: int, cash: float) -> SimulationState:
        """A flat account with `cash` in its wallet, before the first bar."""
        account: Records = np.zeros(1, dtype=ACCOUNT)
        account["version"] = STATE_VERSION
        account["wallet"] = account["equity"] = account["peak"] = cash
        account["clock_ms"] = NEVER
        slots: Records = np.zeros(slot_count, dtype=SLOT)
        slots["bar"] = -1
        slots["last_exit_bar"] = NEVER
        for field in ("stop_ticks", "target_ticks", "initial_stop"):
            slots[field] = np.nan
        return cls(account, slots, np.zeros((slot_count, len(Count)), dtype=np.int64))

    def copy(self) -> SimulationState:
        """An independent copy: what a run does to one does not reach the other."""
        return SimulationState(self.account.copy(), self.slots.copy(), self.counts.copy())

    def to_bytes(self) -> bytes:
        """The state as bytes that `from_bytes` reads on any machine."""
        buffer = io.BytesIO()
        for part in (self.account, self.slots, self.counts):
            np.save(buffer, part, allow_pickle=False)
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> SimulationState:
        """The state that `to_bytes` wrote. InputError for another version or damaged bytes."""
        buffer = io.BytesIO(data)
        try:
            account, slots, counts = (_load(buffer) for _ in range(3))
            version = int(account["version"][0])
        except (ValueError, IndexError, KeyError, EOFError, OSError):
            raise InputError(
                "The saved simulation state cannot be read: its bytes are damaged; start the run anew."
            ) from None
        if version != STATE_VERSION or account.dtype != ACCOUNT or slots.dtype != SLOT:
            raise InputError(
                f"The saved simulation state has version {version}, this tradebot reads version "
                f"{STATE_VERSION}; start the run anew."
            )
        return cls(account, slots, counts)


def _load(buffer: io.BytesIO) -> Any:
    return np.load(buffer, allow_pickle=False)
