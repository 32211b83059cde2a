"""One strategy tested for the preview: from its specification and the store to the few figures that are shown.

The same rules, kernel and columns as in a backtest; left out are hashes, the check against looking ahead, and all
figures that the pane does not show. Nothing is written.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tradebot.engine.backtest import metrics as m
from tradebot.engine.backtest import trade_metrics as t
from tradebot.engine.backtest.codes import REFUSALS, TradeStatus
from tradebot.engine.backtest.findings import findings_of
from tradebot.engine.backtest.inputs import SlotInput
from tradebot.engine.backtest.ledger import Ledger, RunSettings, StrategyRules
from tradebot.engine.backtest.simulation import simulate
from tradebot.engine.control.progress import CancelToken
from tradebot.engine.control.settings import BacktestSettings
from tradebot.engine.market import DAY_MS, HOUR_MS, Timeframe
from tradebot.engine.messages import PreviewCandles, PreviewMark, PreviewSignals
from tradebot.engine.preview_inputs import PreviewInputs
from tradebot.engine.preview_market import DataLook, FileHistories
from tradebot.engine.store import Store
from tradebot.engine.strategy import Registry, StrategySpec
from tradebot.engine.strategy.needs import data_needs, participants
from tradebot.engine.strategy.node_cache import NodeCache

NODE_BUDGET_BYTES = 96_000_000
MOST_COLUMN_BYTES = 400_000_000
"""What the columns of one run may take together; a span that would take more is shortened, and that is said."""
_KEPT_RUNS = 8
_DECIDING = 0.5  # the share of a run's progress that deciding takes
_BARS_AFTER = 4

Say = Callable[[float, str], None]
"""How far a run is: share from 0 to 1, and what is being done."""


@dataclass(frozen=True, slots=True)
class Span:
    """Bars that are tested: open times in [start_ms, end_ms), None where there is no bound. `short`: why so short."""

    start_ms: int | None
    end_ms: int | None
    short: str = ""


@dataclass(frozen=True, slots=True)
class Shown:
    """How much is wanted: canvas columns of the equity line, and the number of last candles."""

    columns: int
    bars: int


@dataclass(frozen=True, slots=True)
class Ground:
    """What one request is tested on, the same for the strategy as it stands and for its saved version."""

    symbols: tuple[str, ...]
    span: Span
    shown: Shown
    look: DataLook


@dataclass(frozen=True, slots=True)
class Tested:
    """What one run came to. `values` by name, None where undefined; ratios are fractions.

    Names: total_return, sharpe, max_drawdown, profit_factor, trades, win_rate, cost_per_trade (of the entry's
    notional), exposure.
    """

    symbols: tuple[str, ...]
    start_ms: int
    end_ms: int
    bars: int
    cash: float
    values: Mapping[str, float | None]
    times_ms: tuple[int, ...]
    equity: tuple[float, ...]
    signals: PreviewSignals
    candles: PreviewCandles
    notes: tuple[str, ...]


class PreviewRuns:
    """Runs strategies on a store, sharing columns between them, and remembers the last runs.

    For one thread at a time.
    """

    def __init__(self, store: Store, registry: Registry, settings: BacktestSettings) -> None:
        self._store = store
        self._registry = registry
        self._settings = settings
        self._histories = FileHistories(store)
        self._nodes = NodeCache(NODE_BUDGET_BYTES)
        self._inputs = PreviewInputs(store, registry, self._histories, self._nodes)
        self._ends: dict[tuple[str, Timeframe], tuple[object, tuple[int, int] | None]] = {}
        self._kept: OrderedDict[tuple[object, ...], Tested] = OrderedDict()

    def look(self) -> DataLook:
        """What is stored now; hand it to all that belongs to one request."""
        return DataLook(self._store, self._histories)

    def span(self, spec: StrategySpec, symbol: str, days: int, look: DataLook) -> Span:
        """The last `days` (0: all) of what is stored of a symbol, up to the last full hour.

        Full hours, so that what the live feed adds does not make another span every minute. InputError where nothing
        is stored.
        """
        ends = self._stored_ends(spec, symbol, look)
        if ends is None:
            return Span(None, None)
        first, last = ends
        end = last // HOUR_MS * HOUR_MS if last - first > 2 * DAY_MS else last
        start = None if not days or end - days * DAY_MS <= first else end - days * DAY_MS
        most = MOST_COLUMN_BYTES // self._bytes_a_bar(spec) * spec.timeframe.ms
        if end - (first if start is None else start) > most:
            start = end - max(1, most // DAY_MS) * DAY_MS
            nodes = len(spec.indicators) + len(spec.signals)
            return Span(
                start,
                end,
                f"Tested on the last {max(1, most // DAY_MS)} days only: the columns of {nodes} indicators and signals "
                "over more would fill the memory.",
            )
        return Span(start, end)

    def _stored_ends(self, spec: StrategySpec, symbol: str, look: DataLook) -> tuple[int, int] | None:
        """The open time of the first stored bar and the close time of the last, None where there is none."""
        files = look.files(spec.category, symbol)
        place = symbol, spec.timeframe
        known = self._ends.get(place)
        if known is None or known[0] != files:
            bars, _ = self._store.load_or_build(spec.category, symbol, spec.timeframe)
            ends = (int(bars.time[0]), int(bars.time[-1]) + spec.timeframe.ms) if len(bars) else None
            known = self._ends[place] = files, ends
        return known[1]

    def test(self, spec: StrategySpec, ground: Ground, say: Say, cancel: CancelToken) -> Tested:
        """Run, or give what the same run came to before. Raises InputError and CancelledError like a backtest."""
        spec = _plain(replace(spec, symbols=ground.symbols, top=None))
        read = set(ground.symbols) | {each.symbol for each in data_needs(spec, self._registry) if each.symbol}
        data = tuple(ground.look.state(spec.category, symbol) for symbol in sorted(read))
        key = (repr(spec), ground.span, ground.shown, data)
        kept = self._kept.get(key)
        if kept is None:
            kept = self._kept[key] = self._run(spec, ground, say, cancel)
            while len(self._kept) > _KEPT_RUNS:
                self._kept.popitem(last=False)
        return kept

    def _bytes_a_bar(self, spec: StrategySpec) -> int:
        """What the columns of one bar take: the outputs of indicators, both sides of signals, the bars themselves."""
        used = participants(spec, self._registry)
        outputs = sum(
            len(self._registry.indicators[spec.indicators[name].use].outputs) for name in used.indicators
        )
        return 8 * outputs + 2 * len(used.members) + 64

    def _run(self, spec: StrategySpec, ground: Ground, say: Say, cancel: CancelToken) -> Tested:
        span, shown = ground.span, ground.shown
        settings = RunSettings.resolve(spec, self._settings, None, span.start_ms, span.end_ms)
        inputs = self._inputs.inputs(
            spec, settings, ground.look, lambda share, note: say(_DECIDING * share, note), cancel
        )

        def advanced(done: int, total: int) -> None:
            say(_DECIDING + (1 - _DECIDING) * done / max(1, total), "simulating")

        slots = [one.data for one in inputs]
        ledger = simulate(slots, [StrategyRules.of(spec, settings)], settings, advanced, cancel)
        start = min(int(slot.candles.time[0]) for slot in slots)
        times, equity = reduced(ledger.rows[0], ledger.rows[1], shown.columns)
        notes = (span.short, *findings_of(spec, settings, inputs, ledger).warnings, *refusal_notes(ledger))
        return Tested(
            symbols=ledger.symbols,
            start_ms=start,
            end_ms=max(int(slot.candles.time[-1]) for slot in slots) + spec.timeframe.ms,
            bars=sum(len(slot.candles) for slot in slots),
            cash=ledger.cash,
            values=figures_of(ledger, start),
            times_ms=times,
            equity=equity,
            signals=signals_of(inputs, ledger),
            candles=candles_of(inputs[0], ledger, shown.bars),
            notes=tuple(note for note in notes if note),
        )


def _plain(spec: StrategySpec) -> StrategySpec:
    """The strategy without what no run depends on: its name and notes, and what an optimiser would vary."""
    return replace(
        spec,
        name="",
        note="",
        optimize={},
        indicators={name: replace(each, note="") for name, each in spec.indicators.items()},
        signals={name: replace(each, note="") for name, each in spec.signals.items()},
    )


def figures_of(ledger: Ledger, start_ms: int) -> dict[str, float | None]:
    """The headline figures, by the conventions of a backtest's metrics."""
    _, daily = m.daily_equity(ledger.rows[0], ledger.rows[1], ledger.cash, start_ms)
    trades = ledger.trades
    closed = trades[trades["status"] != TradeStatus.OPEN]
    pnl = np.ascontiguousarray(closed["pnl"])
    notional = float(np.sum(closed["quantity"] * closed["entry_price"]))
    costs = float(closed["fees"].sum() + closed["slippage"].sum() - closed["funding"].sum())
    return {
        "total_return": m.total_return(daily),
        "sharpe": m.sharpe(m.returns_of(daily)),
        "max_drawdown": m.max_drawdown(daily),
        "profit_factor": t.profit_factor(pnl),
        "trades": float(len(closed)),
        "win_rate": t.win_rate(pnl),
        "cost_per_trade": costs / notional if notional > 0 else None,
        "exposure": ledger.exposed_rows / ledger.steps if ledger.steps else None,
    }


def reduced(times: Any, values: Any, columns: int) -> tuple[tuple[int, ...], tuple[float, ...]]:
    """The lowest and highest value of every half column, in their order of time: what a braille line can show.

    Few calls on the whole, because each gives the interpreter to another thread and waits for it again.
    """
    count = len(values)
    halves = max(1, 2 * columns)
    if count <= 2 * halves:
        chosen_times, chosen = times, values
    else:
        edges = np.linspace(0, count, halves + 1).astype(np.int64)
        low, high = np.minimum.reduceat(values, edges[:-1]), np.maximum.reduceat(values, edges[:-1])
        first, last = values[edges[:-1]], values[edges[1:] - 1]
        rising = last >= first
        chosen = np.stack((np.where(rising, low, high), np.where(rising, high, low)), axis=1).ravel()
        chosen_times = np.stack((times[edges[:-1]], times[edges[1:] - 1]), axis=1).ravel()
        chosen[0], chosen[-1] = values[0], values[-1]
    return tuple(chosen_times.astype(np.int64).tolist()), tuple(np.round(chosen, 2).tolist())


def signals_of(inputs: list[SlotInput], ledger: Ledger) -> PreviewSignals:
    """How often the strategy decided, how long it held, how far its first stops were."""
    long = sum(int(np.count_nonzero(one.data.decisions.side > 0)) for one in inputs)
    short = sum(int(np.count_nonzero(one.data.decisions.side < 0)) for one in inputs)
    days = sum(len(one.data.candles) * one.data.candles.timeframe.ms for one in inputs) / DAY_MS
    trades = ledger.trades
    closed = trades[trades["status"] != TradeStatus.OPEN]
    stops = np.abs(trades["initial_stop"] / trades["entry_price"] - 1.0)
    stops = stops[~np.isnan(stops)]
    return PreviewSignals(
        long,
        short,
        (long + short) / days if days > 0 else 0.0,
        round(float(np.mean(closed["exit_time"] - closed["entry_time"]))) if len(closed) else None,
        float(np.median(stops)) * 100 if len(stops) else None,
    )


def candles_of(one: SlotInput, ledger: Ledger, bars: int) -> PreviewCandles:
    """The last bars of a symbol; where nothing was opened or closed on them, those that end soon after it last was."""
    candles = one.data.candles
    of_slot = ledger.trades[ledger.trades["slot"] == ledger.symbols.index(one.data.symbol)]
    end = len(candles)
    if len(of_slot):
        closed = of_slot["status"] != TradeStatus.OPEN
        last = int(np.max(np.where(closed, of_slot["exit_time"], of_slot["entry_time"])))
        at = int(np.searchsorted(candles.time, last, side="right"))
        if at < end - bars:
            end = min(end, at + _BARS_AFTER)
    shown = candles.slice(max(0, end - bars), end)
    return PreviewCandles(
        tuple(shown.time.tolist()),
        tuple(shown.open.tolist()),
        tuple(shown.high.tolist()),
        tuple(shown.low.tolist()),
        tuple(shown.close.tolist()),
        one.data.instrument.price_decimals,
        _marks(of_slot, shown.time),
    )


def _marks(trades: Any, times: Any) -> tuple[PreviewMark, ...]:
    """Entries and exits on these bars; the legs of one position have one entry."""
    from tradebot.engine.backtest.codes import EntryReason, ExitReason

    if not len(times) or not len(trades):
        return ()
    first = int(times[0])
    marks: dict[tuple[int, str, int], PreviewMark] = {}
    for trade in trades[trades["exit_time"] >= first]:
        side = "long" if trade["side"] > 0 else "short"
        entry, leave = int(trade["entry_time"]), int(trade["exit_time"])
        number = int(trade["trade_id"])
        if entry >= first:
            bar = int(np.searchsorted(times, entry, side="right")) - 1
            reason = EntryReason(int(trade["entry_reason"])).name.lower()
            price = float(trade["entry_price"])
            marks[number, "entry", bar] = PreviewMark(bar, "entry", side, price, reason)
        if int(trade["status"]) != TradeStatus.OPEN and leave < int(times[-1]) + 2 * _step(times):
            bar = int(np.searchsorted(times, leave, side="right")) - 1
            reason = ExitReason(int(trade["exit_reason"])).name.lower()
            marks[number, "exit", bar] = PreviewMark(bar, "exit", side, float(trade["exit_price"]), reason)
    return tuple(marks.values())


def _step(times: Any) -> int:
    return int(times[1] - times[0]) if len(times) > 1 else 1


_WORDS = {
    "gap": "came just before a gap in the data",
    "insufficient_margin": "could not be paid from the free balance",
    "below_min_quantity": "were below the smallest order quantity",
    "below_min_notional": "were below the smallest order value",
    "above_max_quantity": "were above the largest market order",
    "cooldown": "fell into the cool-down",
    "size_zero": "came to a size of 0",
    "no_level": "had no value for their stop, target or size",
    "exposure": "would have passed the limit of exposure",
    "no_volume": "found no volume to trade against",
    "max_positions": "found all positions taken",
    "daily_loss": "came after the daily loss limit",
    "drawdown": "came after the drawdown limit",
    "loss_streak": "fell into the pause after a run of losses",
    "expired": "were limit or stop orders that the price never reached",
}


def refusal_notes(ledger: Ledger) -> tuple[str, ...]:
    """Sentences about entry decisions that became nothing, the most frequent first; what is usual is left out."""
    counts = sorted(((ledger.count(kind), kind.name.lower()) for kind in REFUSALS), reverse=True)
    return tuple(
        f"{count:,} entry decisions {_WORDS[name]}." for count, name in counts if count and name in _WORDS
    )
