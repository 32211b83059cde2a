"""Small markets in a store and a strategy to run on them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal

from tradebot.engine.backtest import RunSettings, run_backtest
from tradebot.engine.backtest.results.result import BacktestResult
from tradebot.engine.control.clock import ManualClock
from tradebot.engine.control.settings import BacktestSettings
from tradebot.engine.market import HOUR_MS, BarRow, Category, DatasetKey, Instrument
from tradebot.engine.store import Store
from tradebot.engine.strategy import builtin_registry, parse_strategy

START = 1_704_067_200_000  # 2024-01-01T00:00:00Z
DAYS_40 = 40 * 24

STRATEGY = """
[strategy]
name = "Two means"
category = "{category}"
symbols = {symbols}
timeframe = "{timeframe}"
[indicators.fast]
use = "sma"
length = 3
[indicators.slow]
use = "sma"
length = 8
[signals.cross]
use = "cross"
a = "fast"
b = "slow"
[signals.high]
use = "threshold"
source = "close"
lower = {lower}
upper = {upper}
[entry]
combine = "{combine}"
signals = {signals}
[risk]
direction = "{direction}"
sizing = {{ use = "equity", percent = 50.0 }}
stop_loss = {{ use = "percent", percent = 2.0 }}
"""


def strategy(
    symbols: Sequence[str] = ("AAAUSDT",),
    category: str = "linear",
    timeframe: str = "1h",
    signals: Sequence[str] = ("cross",),
    combine: str = "unanimous",
    direction: str = "both",
    lower: float = 1.0,
    upper: float = 1e9,
) -> str:
    def listed(names: Sequence[str]) -> str:
        return "[" + ", ".join(f'"{name}"' for name in names) + "]"

    return STRATEGY.format(
        symbols=listed(symbols),
        category=category,
        timeframe=timeframe,
        signals=listed(signals),
        combine=combine,
        direction=direction,
        lower=lower,
        upper=upper,
    )


def waves(count: int, step_ms: int = HOUR_MS, start: int = START, level: float = 100.0) -> list[BarRow]:
    """Bars that swing around a level; two decimals."""
    closes = [level * (1 + 0.05 * math.sin(n / 9) + 0.01 * math.sin(n / 2)) for n in range(count + 1)]
    return [
        BarRow(
            start + n * step_ms,
            f"{closes[n]:.2f}",
            f"{max(closes[n], closes[n + 1]) * 1.002:.2f}",
            f"{min(closes[n], closes[n + 1]) * 0.998:.2f}",
            f"{closes[n + 1]:.2f}",
            "100000",
            "",
        )
        for n in range(count)
    ]


def put(
    store: Store, symbol: str, rows: Sequence[BarRow], timeframe: str = "1h", category: str = "linear"
) -> None:
    store.merge(DatasetKey(category, symbol, timeframe), rows)


def know(store: Store, *symbols: str, quote: str = "USDT") -> None:
    store.save_instruments(
        [
            Instrument(
                symbol,
                Category.LINEAR,
                symbol[:3],
                quote,
                Decimal("0.01"),
                Decimal("0.001"),
                Decimal("0.001"),
                Decimal(5),
            )
            for symbol in symbols
        ],
        START,
    )


def run(store: Store, text: str, **settings: object) -> BacktestResult:
    spec = parse_strategy(text)
    chosen = RunSettings.resolve(spec, BacktestSettings(), **settings)  # type: ignore[arg-type]  # passed through
    return run_backtest(
        spec, builtin_registry(), store, chosen, strategy_toml=text, clock=ManualClock(1_795_443_302_000)
    )
