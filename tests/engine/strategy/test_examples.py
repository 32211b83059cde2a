"""The example strategies: good files, and what their notes claim about a real year is what comes out."""

from __future__ import annotations

import math
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.conftest import REPOSITORY
from tests.engine.strategy.helpers import REGISTRY
from tests.support.reference import simulate_reference_run
from tests.support.reference_short import run_of
from tests.support.reference_types import ReferenceCosts, ReferenceResult, ReferenceRisk, ReferenceSlot
from tradebot.engine.market import HOUR_MS, Candles, Timeframe
from tradebot.engine.strategy import StrategySpec, check_strategy, decide, read_strategy_text

EXAMPLES = sorted((REPOSITORY / "config" / "strategies").glob("*.toml"))
CASH = 10_000.0


def example(path: Path) -> StrategySpec:
    return check_strategy(read_strategy_text(path), path.name).required()


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_examples_have_neither_errors_nor_warnings(path: Path) -> None:
    checked = check_strategy(read_strategy_text(path), path.name)
    assert (checked.errors, checked.warnings) == ((), ())
    assert "BTCUSDT" in checked.required().symbols
    assert path.read_text(encoding="utf-8").startswith("# ")


def test_there_are_three_or_more() -> None:
    assert len(EXAMPLES) >= 3


@pytest.fixture(scope="module")
def minutes(shared_market: Path) -> pd.DataFrame:
    return pd.read_csv(shared_market / "binance_spot" / "BTCUSDT_1m.csv.gz")


def resampled(minutes: pd.DataFrame, timeframe: Timeframe) -> Candles:
    time = minutes.timestamp.to_numpy()
    starts = np.flatnonzero(np.diff(time // timeframe.ms, prepend=-1))
    ends = np.append(starts[1:], len(time)) - 1
    columns = {
        name: minutes[name].to_numpy() for name in ("open", "high", "low", "close", "volume", "turnover")
    }
    return Candles(
        timeframe,
        time[starts],
        columns["open"][starts],
        np.maximum.reduceat(columns["high"], starts),
        np.minimum.reduceat(columns["low"], starts),
        columns["close"][ends],
        np.add.reduceat(columns["volume"], starts),
        np.add.reduceat(columns["turnover"], starts),
    )


def simulated(spec: StrategySpec, bars: Candles) -> ReferenceResult:
    """The plain reference at 0.055 % and 0.01 %, funding 0.01 % each 8 hours, on the digits of the file."""
    decisions = decide(spec, REGISTRY, bars)
    times = bars.time.tolist()
    funding = [(time, 0.0001) for time in range(times[0], times[-1], 8 * HOUR_MS)]
    stop = spec.risk.stop_loss
    columns = [column.tolist() for column in (bars.open, bars.high, bars.low, bars.close)]
    decided = [column.tolist() for column in (decisions.side, decisions.exit_long, decisions.exit_short)]
    slot = ReferenceSlot(
        "BTCUSDT", 0.01, 1e-8, 0.0, 0.0, None, spec.timeframe.ms, times, *columns, *decided, funding
    )
    risk = ReferenceRisk(
        spec.risk.direction.value,
        spec.risk.opposite.value,
        spec.risk.sizing.use,
        spec.risk.sizing.number("percent"),
        stop.number("percent") if stop is not None else None,
        max_bars=spec.risk.max_bars,
        cooldown_bars=spec.risk.cooldown_bars,
    )
    return simulate_reference_run(run_of([slot], risk, ReferenceCosts(0.055, 0.02, 0.01), CASH))


@pytest.mark.realdata
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_figures_in_the_note_are_those_of_the_real_year(path: Path, minutes: pd.DataFrame) -> None:
    spec = example(path)
    result = simulated(spec, resampled(minutes, spec.timeframe))
    closed = [trade for trade in result.trades if trade.status == "closed"]
    equity = np.array([CASH, *(row.equity for row in result.equity)])
    drawdown = 100 * float((equity / np.maximum.accumulate(equity) - 1).min())
    gains = math.fsum(trade.pnl for trade in closed if trade.pnl > 0)
    losses = -math.fsum(trade.pnl for trade in closed if trade.pnl < 0)
    costs = math.fsum(trade.fees + trade.slippage for trade in result.trades)
    assert 30 <= len(closed) <= 1_000
    assert equity.min() > 0.5 * CASH
    won = 100 * sum(trade.pnl > 0 for trade in closed) / len(closed)
    figures = (
        f"{len(closed)} trades, {100 * (equity[-1] / CASH - 1):+.1f} %, deepest drawdown {drawdown:.1f} %, "
        f"{won:.0f} % of the trades won, profit factor {gains / losses:.2f}; "
        f"costs took {100 * costs / CASH:.1f} % of the starting cash."
    )
    assert figures in re.sub(r"\s+", " ", spec.note)
