"""What a backtest hands out, and its folder: result.json, trades.csv, equity.csv, benchmark.csv, strategy.toml."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from tradebot.engine.backtest.curves import Curve
from tradebot.engine.backtest.inputs import DataFile
from tradebot.engine.backtest.ledger import RunSettings
from tradebot.engine.backtest.report import Metrics
from tradebot.engine.backtest.state import Records
from tradebot.engine.market import Category, Timeframe


@dataclass(frozen=True, slots=True, eq=False)
class BacktestResult:
    """One finished run, light enough to keep: trades, the thinned curve, figures, and how they came about.

    `trades` are records TRADE whose `slot` points into `symbols`; `curve` are records CURVE. `refusals` and
    `interventions` are counts by reason over all symbols, `conflicts` the bars on which both sides were supported.
    `flags` are short words for programs, `warnings` sentences for people. `strategy_toml` is the exact text that ran.
    """

    result_id: str
    created_ms: int
    strategy: str
    strategy_toml: str
    category: Category
    timeframe: Timeframe
    symbols: tuple[str, ...]
    price_decimals: tuple[int, ...]
    settings: RunSettings
    start_ms: int
    end_ms: int
    bars: int
    files: tuple[DataFile, ...]
    metrics: Metrics
    refusals: Mapping[str, int]
    interventions: Mapping[str, int]
    conflicts: int
    flags: tuple[str, ...]
    warnings: tuple[str, ...]
    versions: Mapping[str, str]
    trades: Records
    curve: Curve


def result_id(created_ms: int, strategy: str) -> str:
    """The name of a result: `20261123-141502-ema-trend`."""
    moment = datetime.fromtimestamp(created_ms // 1000, UTC)
    slug = re.sub(r"[^a-z0-9]+", "-", strategy.lower()).strip("-")[:40].strip("-")
    return f"{moment:%Y%m%d-%H%M%S}-{slug or 'strategy'}"
