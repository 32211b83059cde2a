"""What the bars of design.md are measured on: the two pinned strategies and the recorded year of minutes."""

from __future__ import annotations

import gzip
import shutil
import sys
from decimal import Decimal
from pathlib import Path

import psutil

from tradebot.engine.market import Category, Instrument
from tradebot.engine.store import Store

STRATEGY_A = """
[strategy]
name = "Pinned A"
category = "linear"
symbols = ["BTCUSDT"]
timeframe = "1m"
[indicators.fast]
use = "sma"
length = 20
[indicators.slow]
use = "sma"
length = 50
[signals.cross]
use = "cross"
a = "fast"
b = "slow"
[entry]
combine = "any"
signals = ["cross"]
[risk]
direction = "both"
sizing = { use = "equity", percent = 50.0 }
stop_loss = { use = "percent", percent = 1.0 }
take_profit = { use = "percent", percent = 2.0 }
"""
STRATEGY_B = """
[strategy]
name = "Pinned B"
category = "linear"
symbols = ["BTCUSDT"]
timeframe = "1m"
[indicators.fast]
use = "ema"
length = 21
[indicators.slow]
use = "ema"
length = 55
[indicators.trend]
use = "ema"
timeframe = "4h"
length = 50
[indicators.rsi]
use = "rsi"
[indicators.adx]
use = "adx"
[indicators.bands]
use = "bbands"
[signals.cross]
use = "cross"
a = "fast"
b = "slow"
[signals.up]
use = "compare"
a = "close"
b = "trend"
[signals.strength]
use = "compare"
a = "adx.adx"
b = 20
[signals.calm]
use = "threshold"
source = "rsi"
lower = 30
upper = 70
[signals.wide]
use = "compare"
a = "close"
b = "bands.middle"
[entry]
combine = "at_least"
k = 3
signals = ["cross", "up", "strength", "calm", "wide"]
[risk]
direction = "both"
sizing = { use = "equity", percent = 50.0 }
stop_loss = { use = "atr", length = 14, multiple = 3.0 }
take_profit = [{ use = "r", multiple = 1.5, share_percent = 50 }, { use = "r", multiple = 3.0 }]
trailing_stop = { use = "atr", length = 14, multiple = 4.0 }
"""
INSTRUMENT = Instrument(
    "BTCUSDT", Category.LINEAR, "BTC", "USDT", Decimal("0.01"), Decimal("0.001"), Decimal("0.001"), Decimal(5)
)


def year_store(shared_market: Path, folder: Path) -> Store:
    """A store with the recorded year of BTCUSDT minutes, as linear bars so that both sides are open."""
    (folder / "linear").mkdir()
    packed = shared_market / "binance_spot" / "BTCUSDT_1m.csv.gz"
    with gzip.open(packed) as source, (folder / "linear" / "BTCUSDT_1m.csv").open("wb") as target:
        shutil.copyfileobj(source, target)
    store = Store(folder)
    store.save_instruments([INSTRUMENT], 0)
    return store


def peak_memory_mb() -> float:
    """The most memory this process ever held."""
    if sys.platform == "win32":
        return float(psutil.Process().memory_info().peak_wset) / 1e6
    import resource  # not on Windows

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1e6 if sys.platform == "darwin" else 1e3)
