"""On recorded bars, funding and marks, through the inputs of a real run, kernel and reference agree trade by trade."""

from __future__ import annotations

import gzip
import itertools
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from tests.engine.backtest.test_against_reference import first_difference
from tests.support.reference import simulate_reference_run
from tests.support.reference_from_inputs import reference_run
from tradebot.engine.backtest import RunSettings, simulate
from tradebot.engine.backtest.inputs.prepare import Asked, Prepared, prepare
from tradebot.engine.backtest.kernel.codes import ExitReason
from tradebot.engine.backtest.kernel.ledger import Ledger
from tradebot.engine.control.progress import CancelToken
from tradebot.engine.control.settings import BacktestSettings
from tradebot.engine.market import Category, Instrument, RiskTier
from tradebot.engine.store import Store
from tradebot.engine.strategy import builtin_registry, parse_strategy

# The week from 2025-10-09, in which prices fell by 17 (BTC) to 74 % (APE) and came back by half of it.
FIRST_BAR, BARS = 4_400, 2_016
TICKS = {"BTC": "0.1", "ETH": "0.01", "SOL": "0.01", "BNB": "0.1", "AAV": "0.01", "AVA": "0.001"}

TREND = """
[strategy]
name = "Trend"
category = "linear"
symbols = ["*"]
timeframe = "15m"
execution = "5m"
[indicators.fast]
use = "ema"
length = 8
[indicators.slow]
use = "ema"
length = 24
[indicators.trend]
use = "ema"
length = 4
timeframe = "1h"
[signals.cross]
use = "cross"
a = "fast"
b = "slow"
[signals.regime]
use = "compare"
a = "close"
op = ">"
b = "trend"
supports = "direction"
[entry]
combine = "unanimous"
signals = ["cross", "regime"]
[risk]
direction = "both"
leverage = 3
sizing = { use = "risk", percent = 1.0 }
stop_loss = { use = "atr", length = 14, multiple = 2.0 }
take_profit = [
    { use = "r", multiple = 1.0, share_percent = 50 },
    { use = "r", multiple = 3.0, share_percent = 50 },
]
trailing_stop = { use = "atr", length = 14, multiple = 2.5, start_r = 1.5 }
break_even = { at_r = 1.0, offset_percent = 0.05 }
max_daily_loss_percent = 1.5
"""
FADE = """
[strategy]
name = "Fade"
category = "linear"
symbols = ["*"]
timeframe = "5m"
[indicators.r]
use = "rsi"
length = 14
[signals.rsi]
use = "threshold"
source = "r"
lower = 30
upper = 70
[entry]
combine = "any"
signals = ["rsi"]
[orders]
entry = "limit"
offset = { use = "atr", length = 14, multiple = 0.3 }
valid_bars = 3
[risk]
direction = "both"
leverage = 3
sizing = { use = "equity", percent = 20.0 }
stop_loss = { use = "percent", percent = 1.5 }
take_profit = { use = "percent", percent = 0.8 }
pyramiding = { max_adds = 2, spacing = { use = "percent", percent = 0.2 } }
max_positions = 4
max_exposure_percent = 200
cooldown_bars = 2
loss_streak = { losses = 3, pause_bars = 12 }
[costs]
max_volume_share_percent = 10
impact = 0.5
"""
BREAK = """
[strategy]
name = "Short breaks"
category = "linear"
symbols = ["*"]
timeframe = "5m"
[indicators.mean]
use = "ema"
length = 50
[indicators.top]
use = "ema"
source = "high"
length = 50
[signals.below]
use = "cross"
a = "close"
b = "mean"
[entry]
combine = "any"
signals = ["below"]
[exit]
combine = "any"
signals = ["below"]
[orders]
entry = "stop"
offset = { use = "percent", percent = 0.1 }
valid_bars = 6
[risk]
direction = "short"
leverage = 25
sizing = { use = "volatility", target_percent = 60.0, length = 20 }
stop_loss = { use = "percent", percent = 6.0 }
max_bars = 60
max_drawdown_percent = 30.0
"""


@pytest.fixture(scope="module")
def store(shared_market: Path, tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A week of the eight recorded perpetuals with their marks, funding, steps and tiers."""
    folder = tmp_path_factory.mktemp("data")
    (folder / "linear").mkdir()
    hours = FIRST_BAR // 12, BARS // 12
    spans = {"5m": (FIRST_BAR, BARS), "1h_mark": hours, "funding": (0, 24 * hours[1])}
    paths = sorted((shared_market / "bybit_linear").glob("*_5m.csv.gz"))
    symbols = [path.name.split("_")[0] for path in paths]
    for symbol, (kind, (first, count)) in itertools.product(symbols, spans.items()):
        with gzip.open(shared_market / "bybit_linear" / f"{symbol}_{kind}.csv.gz", "rt") as source:
            head = next(source)
            lines = [head, *itertools.islice(source, first, first + count)]
        (folder / "linear" / f"{symbol}_{kind}.csv").write_text("".join(lines), newline="")
    store = Store(folder)
    store.save_instruments(
        [
            Instrument(
                symbol, Category.LINEAR, symbol[:-4], "USDT", Decimal(TICKS.get(symbol[:3], "0.0001")),
                Decimal("0.01"), Decimal("0.01"), Decimal(5), Decimal(100_000),
            )
            for symbol in symbols
        ],
        0,
    )  # fmt: skip
    steps = [
        ("2000", "0.005", "0.01", "100"),
        ("20000", "0.01", "0.02", "50"),
        ("200000", "0.025", "0.05", "25"),
    ]
    tiers = tuple(RiskTier(*(Decimal(value) for value in step)) for step in steps)
    store.save_risk_limits(Category.LINEAR, dict.fromkeys(symbols, tiers), 0)
    return store


def prepared(store: Store, *texts: str) -> Prepared:
    specs = [(parse_strategy(text), text) for text in texts]
    asked = [Asked(spec, text, RunSettings.resolve(spec, BacktestSettings())) for spec, text in specs]
    return prepare(asked, builtin_registry(), store, CancelToken(), counted=lambda _: lambda _: None)


def agreed(store: Store, *texts: str) -> Ledger:
    """What both make of it."""
    run = prepared(store, *texts)
    ledger = simulate(run.slots, run.rules, run.settings)
    expected = simulate_reference_run(reference_run(run.slots, run.rules, run.settings))
    assert first_difference(ledger, expected) is None
    return ledger


def left_by(ledger: Ledger) -> set[str]:
    return {ExitReason(reason).name.lower() for reason in ledger.trades["exit_reason"]}


@pytest.mark.realdata
def test_three_strategies_on_one_account(store: Store) -> None:
    """Threefold leverage, shorts, ATR stops, partial targets, adds, limit and stop entries, all limits on losses."""
    ledger = agreed(store, TREND, FADE, BREAK)
    assert len(ledger.symbols) == 24
    assert len(ledger.trades) > 300
    assert np.count_nonzero(ledger.trades["funding"]) > 50
    assert left_by(ledger) >= {"stop", "target", "trailing", "break_even", "daily_loss", "time"}


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("text", "reason"),
    [(TREND, "trailing"), (FADE, "target"), (BREAK, "liquidation")],
    ids=["trend", "fade", "25-fold shorts"],
)
def test_each_alone(store: Store, text: str, reason: str) -> None:
    ledger = agreed(store, text)
    assert len(ledger.trades) > 50
    assert reason in left_by(ledger)
