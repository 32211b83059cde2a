"""The numbers that state, trade log and kernel use for reasons, kinds and counts.

Their values are frozen into compiled code and into saved states: extend, never renumber. The words
"compiling import compiled" in this text make the file part of the kernel hash.
"""

from __future__ import annotations

from enum import Enum, IntEnum
from typing import cast

import numpy as np


def code(value: int) -> int:
    """A number for compiled code that is compiled like any other: for a literal one its callees are made anew."""
    return cast(int, np.int64(value))


def flag(value: bool) -> bool:
    """A truth value for compiled code, as `code`."""
    return cast(bool, np.bool_(value))


class EntryReason(IntEnum):
    """Why a position was opened."""

    NONE = 0
    SIGNAL = 1
    REVERSE = 2
    ADD = 3


class ExitReason(IntEnum):
    """Why a position was closed; `END` marks a position still open at the end of the data."""

    NONE = 0
    STOP = 1
    TARGET = 2
    SIGNAL = 3
    REVERSE = 4
    OPPOSITE = 5
    TIME = 6
    END = 7
    TRAILING = 8
    BREAK_EVEN = 9
    LIQUIDATION = 10
    DAILY_LOSS = 11
    DRAWDOWN = 12
    DELISTED = 13


class TradeStatus(IntEnum):
    """How a row of the trade log ended."""

    CLOSED = 0
    OPEN = 1
    LIQUIDATED = 2


class Count(IntEnum):
    """What became of decisions and positions: refusals of entries, and interventions (`INTERVENTIONS`)."""

    GAP = 0
    INSUFFICIENT_MARGIN = 1
    BELOW_MIN_QUANTITY = 2
    BELOW_MIN_NOTIONAL = 3
    ABOVE_MAX_QUANTITY = 4
    OPPOSITE_IGNORED = 5
    ALREADY_OPEN = 6
    DIRECTION = 7
    COOLDOWN = 8
    NO_NEXT_BAR = 9
    REDUCED_MARGIN = 10
    REDUCED_EXPOSURE = 11
    REDUCED_VOLUME = 12
    SIZE_ZERO = 13
    NO_LEVEL = 14
    ALREADY_PENDING = 15
    EXPIRED = 16
    EXPOSURE = 17
    NO_VOLUME = 18
    MAX_POSITIONS = 19
    DAILY_LOSS = 20
    DRAWDOWN = 21
    LOSS_STREAK = 22
    NO_POSITION = 23
    DAILY_LOSS_REACHED = 24
    DRAWDOWN_REACHED = 25
    LOSS_STREAK_REACHED = 26


INTERVENTIONS = (
    Count.REDUCED_MARGIN,
    Count.REDUCED_EXPOSURE,
    Count.REDUCED_VOLUME,
    Count.DAILY_LOSS_REACHED,
    Count.DRAWDOWN_REACHED,
    Count.LOSS_STREAK_REACHED,
)
"""Orders made smaller, and limits of a strategy reached (once a day, a run, a streak): these refuse no entry."""

REFUSALS = tuple(count for count in Count if count not in INTERVENTIONS)


class Opposite(IntEnum):
    """What an entry decision against an open position does."""

    REVERSE = 0
    CLOSE = 1
    IGNORE = 2


class OrderKind(IntEnum):
    """How a position is opened."""

    MARKET = 0
    LIMIT = 1
    STOP = 2


class SizingKind(IntEnum):
    """How the wanted quantity is found from order price P and marked equity E.

    EQUITY: value percent of E at P. NOTIONAL: value in the quote coin at P. FIXED: value in the base coin. RISK: value
    percent of E lost at the stop. VOLATILITY: value percent a year. KELLY: value times Kelly's share of E.
    """

    EQUITY = 0
    NOTIONAL = 1
    FIXED = 2
    RISK = 3
    VOLATILITY = 4
    KELLY = 5


class LevelKind(IntEnum):
    """How the distance of a level is given; R: in multiples of the risk, SERIES: as a price."""

    NONE = 0
    PERCENT = 1
    ATR = 2
    R = 3
    SERIES = 4


class Stopped(Enum):
    """Why the compiled loop came back."""

    DATA_USED = 0
    TICK_LIMIT = 1
    TRADES_FULL = 2
    ROWS_FULL = 3
    BANKRUPT = 4
