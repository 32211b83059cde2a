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


_MARK = "_mark"


@dataclass(frozen=True, slots=True, order=True)
class DatasetKey:
    """Names one file of bars: category, symbol, timeframe; `mark` for bars of the mark price (no volume)."""

    category: str
    symbol: str
    timeframe_name: str
    mark: bool = False

    @classmethod
    def of(cls, category: Category, symbol: str, timeframe: Timeframe, mark: bool = False) -> DatasetKey:
        """Key from typed parts."""
        return cls(category.value, symbol, timeframe.value, mark)

    @classmethod
    def parse(cls, text: str) -> DatasetKey:
        """The key that `str` wrote, a missing category means linear; ValueError for a text that is none.

        `DatasetKey.parse("spot/BTCUSDT_1m")` names the minutes of BTCUSDT spot, `BTCUSDT_1h_mark` hourly mark bars.
        """
        category, slash, name = text.strip().removesuffix(".csv").rpartition("/")
        mark = name.endswith(_MARK)
        symbol, _, timeframe = name.removesuffix(_MARK).rpartition("_")
        if timeframe not in Timeframe.names() or not symbol:
            raise ValueError(f"{text!r} names no dataset")
        return cls(category if slash else Category.LINEAR.value, symbol, timeframe, mark)

    @property
    def timeframe(self) -> Timeframe:
        """The timeframe as a type."""
        return Timeframe(self.timeframe_name)

    @property
    def name(self) -> str:
        """The file's name without its ending, e.g. `BTCUSDT_1m` or `BTCUSDT_1h_mark`."""
        return f"{self.symbol}_{self.timeframe_name}{_MARK if self.mark else ''}"

    @property
    def file_name(self) -> str:
        """File name inside the category's folder, e.g. `BTCUSDT_1m.csv`."""
        return f"{self.name}.csv"

    def __str__(self) -> str:
        return f"{self.category}/{self.name}"
