"""The numbers that state, trade log and kernel use for reasons, kinds and counts.

Their values are frozen into compiled code and into saved states: extend, never renumber. The words
"compiling import compiled" in this text make the file part of the kernel hash.
"""

from __future__ import annotations

from enum import Enum, IntEnum


class EntryReason(IntEnum):
    """Why a position was opened."""

    NONE = 0
    SIGNAL = 1
    REVERSE = 2


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


class TradeStatus(IntEnum):
    """How a row of the trade log ended."""

    CLOSED = 0
    OPEN = 1


class Count(IntEnum):
    """Why an entry decision did not become a position (refusals), or became another one (`REDUCED`)."""

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
    REDUCED = 10


REFUSALS = tuple(count for count in Count if count is not Count.REDUCED)


class Opposite(IntEnum):
    """What an entry decision against an open position does."""

    REVERSE = 0
    CLOSE = 1
    IGNORE = 2


class SizingKind(IntEnum):
    """How the wanted quantity is found from close c and marked equity E.

    EQUITY: value percent of E at c. NOTIONAL: value in the quote coin at c. FIXED: value in the base coin.
    """

    EQUITY = 0
    NOTIONAL = 1
    FIXED = 2


class Stopped(Enum):
    """Why the compiled loop came back."""

    DATA_USED = 0
    TICK_LIMIT = 1
    TRADES_FULL = 2
    ROWS_FULL = 3
    BANKRUPT = 4
