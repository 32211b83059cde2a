"""Where stop and targets of one trade stood, bar by bar: the kernel walks its bars again with that decision alone.

Nothing of this is stored. A walk that does not come to the same fill (a limit of the account, a size that cannot be
told any more, other data) tells nothing, and only the levels of the log are left.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from tradebot.engine.backtest.figures.trade_levels import decision_bars
from tradebot.engine.backtest.inputs.engine_bars import engine_timeframe
from tradebot.engine.backtest.inputs.slots import load_inputs
from tradebot.engine.backtest.kernel.ledger import RunSettings, StrategyRules, SymbolData
from tradebot.engine.backtest.kernel.records import Records
from tradebot.engine.backtest.kernel.simulation import Simulation
from tradebot.engine.backtest.results.result import BacktestResult, StrategyPart
from tradebot.engine.control.progress import CancelToken
from tradebot.engine.market import Float64, Int64
from tradebot.engine.store import Store
from tradebot.engine.strategy import Decisions, Registry, RiskSpec, StrategySpec, Use, parse_strategy

MOST_STEPS = 50_000
_CASH_OVER_VALUE = 1e6


@dataclass(frozen=True, slots=True, eq=False)
class TradePath:
    """Levels from the entry on. `since` are times (UTC ms) from which the columns hold, rising.

    `stop` and each row of `targets` (nearest first) are prices, NaN where there is none (any more).
    """

    since: Int64
    stop: Float64
    targets: Float64

    def stops_at(self, times: Int64) -> Float64:
        """The stop in force at each of these times, NaN outside of the trade."""
        return self._held(self.stop, times)

    def targets_at(self, times: Int64) -> list[Float64]:
        """The same of each target."""
        return [self._held(row, times) for row in self.targets]

    def _held(self, column: Float64, times: Int64) -> Float64:
        at = np.searchsorted(self.since, times, side="right") - 1
        return np.where(at >= 0, column[np.maximum(at, 0)], np.nan)


@dataclass(frozen=True, slots=True, eq=False)
class Walked:
    """The bars and decisions of one slot of a result, and what is needed to walk them again."""

    data: SymbolData
    spec: StrategySpec
    settings: RunSettings


def load_walk(result: BacktestResult, registry: Registry, store: Store, slot: int) -> Walked:
    """The inputs of one slot as the run had them. InputError where its data or strategy is gone."""
    parts = {part.name: part for part in result.parts}
    specs = {name: _spec(result, part, registry) for name, part in parts.items()}
    name = result.slot_strategies[slot]
    settings = replace(result.settings, costs=parts[name].costs)
    (loaded,) = load_inputs(
        specs[name],
        registry,
        store,
        settings,
        (result.symbols[slot],),
        _unheard,
        CancelToken(),
        with_hashes=False,
        engine=engine_timeframe(list(specs.values())),
    )
    return Walked(loaded.data, specs[name], settings)


def trade_path(walked: Walked, legs: Records) -> TradePath | None:
    """The levels of the trade whose rows of the log these are, to its last exit; None where they cannot be told."""
    data, first = walked.data, legs[0]
    side = int(first["side"])
    decided = int(decision_bars(walked.spec, data.candles, data.decisions, legs[:1])[0])
    if decided < 0:
        return None
    opens = data.candles.time if data.engine is None else data.engine.time
    before = int(np.searchsorted(opens, data.candles.close_time[decided]))
    last = int(np.searchsorted(opens, legs["exit_time"].max(), side="right"))
    if last - before > MOST_STEPS:
        return None
    quantity = float(legs["quantity"].sum()) / (1 + int(legs["adds"].max()))
    rules = StrategyRules.of(
        replace(walked.spec, risk=_alone(walked.spec.risk, quantity)), _unhindered(walked.settings, first)
    )
    alone = replace(data, decisions=_only(data, decided, side, int(legs["exit_time"].max())))
    simulation = Simulation([alone], [rules], _unhindered(walked.settings, first))
    simulation.advance(before)
    return _read(simulation, data, first, last - before, int(legs["exit_time"].max()))


def _read(
    simulation: Simulation, data: SymbolData, first: Records, steps: int, until_ms: int
) -> TradePath | None:
    """Step by step: after each bar the levels that hold from its close on."""
    tick = float(data.instrument.tick_size)
    since: list[int] = []
    stops: list[float] = []
    rows: list[list[float]] = []
    entered = False
    for _ in range(steps + 1):
        more = simulation.advance(1)
        slot = simulation.state.slots[0]
        if entered and slot["bar_end"] > until_ms:
            break
        if slot["side"] != 0:
            if not entered:
                if not _same_fill(slot, first, tick):
                    return None
                entered = True
                since.append(int(slot["entry_time"]))
                stops.append(float(slot["initial_stop"]))
                rows.append(_targets(slot, tick, 0))
            since.append(int(slot["bar_end"]))
            stops.append(float(slot["stop"]) * tick)
            rows.append(_targets(slot, tick, int(slot["next_target"])))
        elif entered or not more:
            break
    if not entered:
        return _of_one_bar(first) if simulation.state.account["trade_count"][0] == 1 else None
    most = max(map(len, rows))
    targets = np.array([[np.nan] * (most - len(row)) + row for row in rows]).reshape(len(rows), most)
    return TradePath(np.array(since, dtype=np.int64), np.array(stops), np.ascontiguousarray(targets.T))


def _of_one_bar(trade: Records) -> TradePath:
    """The levels of a trade that ended in the bar of its entry: nothing moved them."""
    columns = (np.array([float(trade[name])]) for name in ("initial_stop", "initial_target"))
    stop, target = columns
    return TradePath(np.array([int(trade["entry_time"])], dtype=np.int64), stop, target[None, :])


def _targets(slot: Records, tick: float, first: int) -> list[float]:
    """The targets from one on, nearest first; those that were reached leave their place at the front."""
    return [float(each) * tick for each in slot["target_ticks"][first : slot["target_count"]]]


def _same_fill(slot: Records, trade: Records, tick: float) -> bool:
    same_price = abs(float(slot["entry_price"]) - float(trade["entry_price"])) < tick / 2
    return int(slot["entry_time"]) == int(trade["entry_time"]) and (same_price or int(trade["adds"]) > 0)


def _only(data: SymbolData, decided: int, side: int, until_ms: int) -> Decisions:
    """The decisions without all that do not belong to the trade: its entry, and later ones for the same side."""
    decisions = data.decisions
    during = np.arange(len(data.candles)) >= decided
    during &= data.candles.close_time <= until_ms
    none = np.zeros(len(decisions.exit_long), dtype=decisions.exit_long.dtype)
    sides = np.where(during & (decisions.side == side), decisions.side, 0).astype(decisions.side.dtype)
    return replace(decisions, side=sides, exit_long=none, exit_short=none)


def _alone(risk: RiskSpec, quantity: float) -> RiskSpec:
    """The stops and targets of a strategy without its limits, in the size of the trade."""
    return replace(
        risk,
        sizing=Use("fixed", {"quantity": quantity}),
        max_bars=0,
        cooldown_bars=0,
        max_positions=0,
        max_exposure_percent=None,
        max_symbol_exposure_percent=None,
        max_daily_loss_percent=None,
        max_drawdown_percent=None,
        loss_streak=None,
    )


def _unhindered(settings: RunSettings, trade: Records) -> RunSettings:
    """An account that is never short of cash, and no cap by volume: the size is that of the trade."""
    cash = max(settings.cash, float(trade["entry_price"] * trade["quantity"])) * _CASH_OVER_VALUE
    return replace(settings, cash=cash, costs=replace(settings.costs, max_volume_share_percent=0.0))


def _spec(result: BacktestResult, part: StrategyPart, registry: Registry) -> StrategySpec:
    return parse_strategy(part.toml, f"the strategy of {result.result_id}", registry)


def _unheard(symbol: str) -> None:
    del symbol
