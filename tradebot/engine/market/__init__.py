"""The vocabulary of the house: timeframes, instruments, candles, sides, rounding. No input or output here."""

from tradebot.engine.market.bar_page import BarPage
from tradebot.engine.market.candles import BarRow, Candles, Float64, Int64
from tradebot.engine.market.instrument import Category, DatasetKey, Instrument, Side, is_symbol
from tradebot.engine.market.risk import RiskTier
from tradebot.engine.market.timeframe import DAY_MS, HOUR_MS, MINUTE_MS, WEEK_MS, Timeframe

__all__ = [
    "DAY_MS",
    "HOUR_MS",
    "MINUTE_MS",
    "WEEK_MS",
    "BarPage",
    "BarRow",
    "Candles",
    "Category",
    "DatasetKey",
    "Float64",
    "Instrument",
    "Int64",
    "RiskTier",
    "Side",
    "Timeframe",
    "is_symbol",
]
