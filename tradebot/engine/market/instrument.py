"""Instruments: what may be traded, in which steps, and the datasets that hold their bars."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum, IntEnum

from tradebot.engine.market.timeframe import Timeframe


class Category(Enum):
    """Bybit's product groups; the value is the name in URLs and folder names."""

    LINEAR = "linear"
    INVERSE = "inverse"
    SPOT = "spot"


class Side(IntEnum):
    """The direction of a position or decision."""

    SHORT = -1
    FLAT = 0
    LONG = 1


_SYMBOL = re.compile(r"[A-Z0-9][A-Z0-9._-]{0,39}")


def is_symbol(text: str) -> bool:
    """Whether `text` can be a symbol: upper-case letters, digits, dot, dash; at most 40 characters.

    The check also keeps path separators out of file names that are made from symbols.
    """
    return _SYMBOL.fullmatch(text) is not None and ".." not in text


@dataclass(frozen=True, slots=True)
class Instrument:
    """The trading rules of one symbol, with exact decimal steps.

    Quantities are in the base coin, prices and notionals in the quote coin.
    """

    symbol: str
    category: Category
    base_coin: str
    quote_coin: str
    tick_size: Decimal
    lot_size: Decimal
    min_quantity: Decimal
    min_notional: Decimal
    max_market_quantity: Decimal | None = None
    max_leverage: Decimal = Decimal(1)
    status: str = "Trading"
    launch_ms: int = 0
    delivery_ms: int = 0
    funding_interval_minutes: int = 0

    @property
    def price_decimals(self) -> int:
        """Decimals needed to write a price on this instrument's tick grid."""
        exponent = self.tick_size.normalize().as_tuple().exponent
        return max(0, -int(exponent))


@dataclass(frozen=True, slots=True, order=True)
class DatasetKey:
    """Names one file of bars: category, symbol, timeframe."""

    category: str
    symbol: str
    timeframe_name: str

    @classmethod
    def of(cls, category: Category, symbol: str, timeframe: Timeframe) -> DatasetKey:
        """Key from typed parts."""
        return cls(category.value, symbol, timeframe.value)

    @property
    def timeframe(self) -> Timeframe:
        """The timeframe as a type."""
        return Timeframe(self.timeframe_name)

    @property
    def file_name(self) -> str:
        """File name inside the category's folder, e.g. `BTCUSDT_1m.csv`."""
        return f"{self.symbol}_{self.timeframe_name}.csv"

    def __str__(self) -> str:
        return f"{self.category}/{self.symbol}_{self.timeframe_name}"
