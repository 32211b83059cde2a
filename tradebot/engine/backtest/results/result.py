"""What a backtest hands out, and its folder: result.json, trades.csv, equity.csv, benchmark.csv, strategy.toml."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np

from tradebot.engine.backtest.figures.curves import Curve
from tradebot.engine.backtest.figures.report import Metrics
from tradebot.engine.backtest.inputs.slots import DataFile
from tradebot.engine.backtest.kernel.ledger import Costs, RunSettings
from tradebot.engine.backtest.kernel.records import INTERVENTION, Records
from tradebot.engine.backtest.results.reality_types import RealityCheck
from tradebot.engine.market import Category, Timeframe


def _no_interventions() -> Records:
    return np.zeros(0, dtype=INTERVENTION)


@dataclass(frozen=True, slots=True)
class StrategyPart:
    """One strategy of a run: what ran, and its share of the account's trades.

    `toml` is the exact text. Of `metrics` the figures of equity are those of its own profits on the account's start
    cash, costs booked at the exits; `refusals` and `interventions` are counts by reason, `conflicts` the bars on which
    both sides were supported. `note` says how its symbols were picked, where they were not named.
    """

    name: str
    toml: str
    timeframe: Timeframe
    symbols: tuple[str, ...]
    costs: Costs
    metrics: Metrics
    refusals: Mapping[str, int]
    interventions: Mapping[str, int]
    conflicts: int
    note: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class BacktestResult:
    """One finished run, light enough to keep: trades, the thinned curve, figures, and how they came about.

    `trades` are records TRADE whose `slot` points into `symbols` (and `slot_strategies`, the names of the strategies);
    `curve` are records CURVE. `refusals` and `interventions` are counts by reason over all symbols, `conflicts` the
    bars on which both sides were supported. `flags` are short words for programs, `warnings` sentences for people;
    `errors` are sentences that make the result invalid (look-ahead, books that do not balance). `strategy_toml` is the
    exact text that ran, `parts` are the strategies one by one, and `settings.costs` the costs of the first.
    `look_ahead` says what the check looked at, "" where it was left out or found something; `reality` is the reality
    check, None where it was not asked for; `log` are records INTERVENTION, the first 20,000 of the run.
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
    slot_strategies: tuple[str, ...] = ()
    parts: tuple[StrategyPart, ...] = ()
    errors: tuple[str, ...] = ()
    look_ahead: str = ""
    reality: RealityCheck | None = None
    log: Records = field(default_factory=_no_interventions)

    @property
    def valid(self) -> bool:
        """Whether nothing is known that makes the result worthless."""
        return not self.errors


def result_id(created_ms: int, strategy: str) -> str:
    """The name of a result: `20261123-141502-ema-trend`."""
    moment = datetime.fromtimestamp(created_ms // 1000, UTC)
    slug = re.sub(r"[^a-z0-9]+", "-", strategy.lower()).strip("-")[:40].strip("-")
    return f"{moment:%Y%m%d-%H%M%S}-{slug or 'strategy'}"
