"""A tiny run through every compiled function, so that their compiled versions exist afterwards."""

from __future__ import annotations

from decimal import Decimal

import numpy as np

from tradebot.engine.backtest.figures.measures import last_of_each
from tradebot.engine.backtest.figures.report import compute_metrics
from tradebot.engine.backtest.kernel.columns import frozen
from tradebot.engine.backtest.kernel.digits import decimals_seen
from tradebot.engine.backtest.kernel.ledger import Costs, RunSettings, StrategyRules, SymbolData
from tradebot.engine.backtest.kernel.simulation import simulate
from tradebot.engine.market import HOUR_MS, MINUTE_MS, Candles, Category, Instrument, Timeframe
from tradebot.engine.strategy import Decisions, Direction, Opposite, OrdersSpec, RiskSpec, Use
from tradebot.engine.strategy.indicators import kernels, loops

_BARS = 4


def rehearse() -> None:
    """Simulate a few bars: every compiled function runs once with the types it always has."""
    kernels.rehearse()
    loops.rehearse()
    price = np.full(_BARS, 100.0)
    decimals_seen(frozen(price), 0)
    candles = Candles(
        Timeframe.M1, np.arange(_BARS, dtype=np.int64) * MINUTE_MS, price, price, price, price, price, price
    )
    side = np.zeros(_BARS, dtype=np.int8)
    side[0] = 1
    never = np.zeros(_BARS, dtype=np.bool_)
    decisions = Decisions(side, side.astype(np.float32), never, never, 0, {}, 0)
    one = Decimal(1)
    instrument = Instrument("AAA", Category.LINEAR, "AAA", "USDT", one, one, one, one)
    slot = SymbolData("AAA", instrument, candles, decisions, np.empty(0, dtype=np.int64), np.empty(0))
    risk = RiskSpec(Direction.BOTH, Opposite.REVERSE, Use("fixed", {"quantity": 1.0}))
    rules = StrategyRules(risk, OrdersSpec(), Costs(), Timeframe.M1)
    ledger = simulate([slot], [rules], RunSettings())
    compute_metrics(ledger, [slot])
    last_of_each(ledger.rows[0], HOUR_MS)
