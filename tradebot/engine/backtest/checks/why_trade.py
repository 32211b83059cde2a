"""Why this trade: what every indicator, signal and group said at the closes that opened and closed it.

Nothing of this is stored: it is computed again from the strategy and the data of the result, whose hashes are compared.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from tradebot.engine.backtest.checks.tracing import Trace, references_of, trace
from tradebot.engine.backtest.figures.trade_levels import decision_bars, targets_of
from tradebot.engine.backtest.inputs.store_at import StoreAt
from tradebot.engine.backtest.inputs.store_market import StoreMarket
from tradebot.engine.backtest.kernel.codes import ExitReason
from tradebot.engine.backtest.kernel.ledger import RunSettings
from tradebot.engine.backtest.kernel.records import Records
from tradebot.engine.backtest.results.result import BacktestResult, StrategyPart
from tradebot.engine.control.errors import InputError
from tradebot.engine.market import DatasetKey, Timeframe
from tradebot.engine.market.times import iso_minute
from tradebot.engine.store import Store
from tradebot.engine.strategy import Registry, StrategySpec, parse_strategy
from tradebot.engine.strategy.needs import participants

_BY_DECISION = (ExitReason.SIGNAL, ExitReason.REVERSE, ExitReason.OPPOSITE)


@dataclass(frozen=True, slots=True)
class IndicatorValue:
    """One output of an indicator at a close. `reference` is its name in the strategy (`fast`, `bands.upper`), `label`
    the kind's ("Exponential moving average"); `value` None where it had none."""

    reference: str
    label: str
    value: float | None


@dataclass(frozen=True, slots=True)
class MemberState:
    """What one signal or group supported at a close. `path` is `signals.cross` or `groups.momentum`; `in_entry` and
    `in_exit` tell whether [entry], [exit] name it themselves."""

    path: str
    long: bool
    short: bool
    in_entry: bool
    in_exit: bool


@dataclass(frozen=True, slots=True)
class DecisionView:
    """One close and what was known at it. `time_ms`: close time, UTC; `side`: what [entry] decided, -1, 0 or 1;
    `exit_long` and `exit_short`: whether [exit] closed such a position. `levels` by key (`atr:14`), without those that
    had no value."""

    time_ms: int
    close: float
    side: int
    exit_long: bool
    exit_short: bool
    indicators: tuple[IndicatorValue, ...]
    members: tuple[MemberState, ...]
    levels: dict[str, float]


@dataclass(frozen=True, slots=True)
class TradeReason:
    """Why a trade was opened and, where a decision did it, closed.

    `targets` are its levels before rounding to ticks, nearest first, as far as they can be told. `note` is a sentence
    where the data is not what it was ("" where it is).
    """

    trade_id: int
    strategy: str
    symbol: str
    entry: DecisionView
    exit: DecisionView | None
    targets: tuple[float, ...]
    note: str


def why_trade(
    result: BacktestResult, registry: Registry, store: Store, trade_id: int, leg: int = 0
) -> TradeReason:
    """What led to a trade of a result; `leg` counts its rows in the log (each of its partial exits is one).

    InputError where there is no such trade, where its data is gone, or where the data has changed so that the decision
    is no longer made.
    """
    rows = np.flatnonzero(result.trades["trade_id"] == trade_id)
    if not 0 <= leg < len(rows):
        raise InputError(f"There is no trade {trade_id} in this result.")
    trade: Records = result.trades[rows[leg] : rows[leg] + 1]
    slot = int(trade["slot"][0])
    part = next(part for part in result.parts if part.name == result.slot_strategies[slot])
    spec = parse_strategy(part.toml, f"the strategy of {result.result_id}", registry)
    symbol = result.symbols[slot]
    market = _market(result, part, store, symbol, int(trade["exit_time"][0]))
    seen = trace(spec, registry, market)
    changed = _changed(result, store, market)
    bar = int(decision_bars(spec, seen.bars, seen.decisions, trade)[0])
    if bar < 0:
        raise InputError(_not_found(result, symbol, trade_id, changed))
    entry = _view(spec, registry, seen, bar)
    levels = {key: np.array([value]) for key, value in entry.levels.items()}
    targets = targets_of(spec, trade, levels).prices[:, 0]
    return TradeReason(
        trade_id=trade_id,
        strategy=part.name,
        symbol=symbol,
        entry=entry,
        exit=_exit(spec, registry, seen, trade),
        targets=tuple(targets[~np.isnan(targets)].tolist()),
        note=_note(changed),
    )


def _market(
    result: BacktestResult, part: StrategyPart, store: Store, symbol: str, end_ms: int
) -> StoreMarket:
    """The data as the strategy read it, up to the end of the trade."""
    settings = RunSettings(start_ms=result.settings.start_ms, end_ms=result.settings.end_ms)
    view = StoreAt(store, None, end_ms + part.timeframe.ms).as_store()
    return StoreMarket(view, result.category, symbol, part.timeframe, settings)


def _view(spec: StrategySpec, registry: Registry, seen: Trace, bar: int) -> DecisionView:
    decisions = seen.decisions
    return DecisionView(
        time_ms=int(seen.bars.close_time[bar]),
        close=float(seen.bars.close[bar]),
        side=int(decisions.side[bar]),
        exit_long=bool(decisions.exit_long[bar]),
        exit_short=bool(decisions.exit_short[bar]),
        indicators=tuple(_indicators(spec, registry, seen, bar)),
        members=tuple(_members(spec, seen, bar)),
        levels={
            key: float(column[bar]) for key, column in decisions.levels.items() if not np.isnan(column[bar])
        },
    )


def _indicators(spec: StrategySpec, registry: Registry, seen: Trace, bar: int) -> list[IndicatorValue]:
    found = []
    for name in participants(spec, registry).indicators:
        label = registry.indicators[spec.indicators[name].use].label
        for reference in references_of(spec, registry, name):
            value = float(seen.series[reference][bar])
            found.append(IndicatorValue(reference, label, None if np.isnan(value) else value))
    return found


def _members(spec: StrategySpec, seen: Trace, bar: int) -> list[MemberState]:
    return [
        MemberState(
            path=f"{'signals' if name in spec.signals else 'groups'}.{name}",
            long=bool(long[bar]),
            short=bool(short[bar]),
            in_entry=name in spec.entry.rule.signals,
            in_exit=spec.exit is not None and name in spec.exit.signals,
        )
        for name, (long, short) in seen.decisions.members.items()
    ]


def _exit(spec: StrategySpec, registry: Registry, seen: Trace, trade: Records) -> DecisionView | None:
    """The close that closed the trade, None where an order, time or the end did."""
    if int(trade["exit_reason"][0]) not in _BY_DECISION:
        return None
    bar = int(np.searchsorted(seen.bars.close_time, trade["exit_time"][0], side="right")) - 1
    return _view(spec, registry, seen, bar) if bar >= 0 else None


def _changed(result: BacktestResult, store: Store, market: StoreMarket) -> list[DatasetKey]:
    """Files that the decisions rest on and whose content is not that of the run."""
    read = {symbol for symbol, _ in market.read} | set(market.funding_read)
    changed = []
    for file in result.files:
        key = file.key
        if not file.content_hash or key.symbol not in read or key.mark:
            continue
        if key.timeframe_name in Timeframe.names():
            now = store.content_hash(key)
        else:
            settings = replace(result.settings)
            whole = StoreMarket(store, result.category, key.symbol, result.timeframe, settings)
            now = whole.funding_hash(key.symbol)
        if now != file.content_hash:
            changed.append(key)
    return changed


def _note(changed: list[DatasetKey]) -> str:
    if not changed:
        return ""
    names = ", ".join(str(key) for key in changed)
    verb = "has" if len(changed) == 1 else "have"
    return f"{names} {verb} changed since the run; these are the values of today, and they lead to the same decision."


def _not_found(result: BacktestResult, symbol: str, trade_id: int, changed: list[DatasetKey]) -> str:
    why = (
        f"{', '.join(str(key) for key in changed)} changed since the run of {iso_minute(result.created_ms)} UTC"
        if changed
        else "the indicators or plug-ins are not those of the run"
    )
    return (
        f"The decision that led to trade {trade_id} on {symbol} is no longer made: {why}. Run the backtest again to "
        "see why its trades are made."
    )
