"""One strategy tested for the preview: from its specification and the store to the few figures that are shown.

The same rules, kernel and columns as in a backtest; left out are hashes, the check against looking ahead, and all
figures that the pane does not show. Nothing is written but the count of trials.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace

from tradebot.engine.backtest.checks.findings import findings_of
from tradebot.engine.backtest.figures.metrics import DAYS_PER_YEAR
from tradebot.engine.backtest.figures.trials import Trial, TrialLedger, trial_key
from tradebot.engine.backtest.kernel.ledger import RunSettings, StrategyRules
from tradebot.engine.backtest.kernel.simulation import simulate
from tradebot.engine.backtest.lint.lint import LintFinding
from tradebot.engine.control.errors import ShortfallError
from tradebot.engine.control.progress import CancelToken
from tradebot.engine.control.settings import BacktestSettings
from tradebot.engine.market import DAY_MS, HOUR_MS, Timeframe
from tradebot.engine.messages import PreviewCandles, PreviewSignals
from tradebot.engine.preview_figures import candles_of, figures_of, reduced, refusal_notes, signals_of
from tradebot.engine.preview_inputs import PreviewInputs
from tradebot.engine.preview_market import DataLook, FileHistories
from tradebot.engine.store import Store
from tradebot.engine.strategy import Registry, StrategySpec
from tradebot.engine.strategy.needs import data_needs, participants
from tradebot.engine.strategy.node_cache import NodeCache

NODE_BUDGET_BYTES = 64_000_000
MOST_COLUMN_BYTES = 400_000_000
"""What the columns of one run may take together; a span that would take more is shortened, and that is said."""
_KEPT_RUNS = 8
_DECIDING = 0.5  # the share of a run's progress that deciding takes

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
    trades: int
    cash: float
    values: Mapping[str, float | None]
    times_ms: tuple[int, ...]
    equity: tuple[float, ...]
    signals: PreviewSignals
    candles: PreviewCandles
    notes: tuple[str, ...]


class PreviewRuns:
    """Runs strategies on a store, sharing columns between them, and remembers the last runs.

    Each different run counts in `trials`: what was tried while playing is part of what was tried. For one thread at a
    time.
    """

    def __init__(
        self, store: Store, registry: Registry, settings: BacktestSettings, trials: TrialLedger | None = None
    ) -> None:
        self._store = store
        self._registry = registry
        self._settings = settings
        self._trials = trials
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
        if key not in self._kept:
            self._kept[key] = self._run(spec, ground, say, cancel)
            while len(self._kept) > _KEPT_RUNS:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return self._kept[key]

    def lint(self, spec: StrategySpec, ground: Ground, cancel: CancelToken) -> tuple[LintFinding, ...]:
        """What is most likely wrong with a strategy on this data, the gravest first."""
        spec = replace(spec, symbols=ground.symbols, top=None)
        span = ground.span
        settings = RunSettings.resolve(spec, self._settings, None, span.start_ms, span.end_ms)
        return self._inputs.lint(spec, settings, cancel)

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
        end = max(int(slot.candles.time[-1]) for slot in slots) + spec.timeframe.ms
        values = figures_of(ledger, start)
        if self._trials is not None:
            _count(self._trials, spec, settings, Trial(ledger.symbols, start, end, "", values["sharpe"]))
        times, equity = reduced(ledger.rows[0], ledger.rows[1], shown.columns)
        notes = (span.short, *findings_of(spec, settings, inputs, ledger).warnings, *refusal_notes(ledger))
        return Tested(
            symbols=ledger.symbols,
            start_ms=start,
            end_ms=end,
            bars=sum(len(slot.candles) for slot in slots),
            trades=len(ledger.trades),
            cash=ledger.cash,
            values=values,
            times_ms=times,
            equity=equity,
            signals=signals_of(inputs, ledger),
            candles=candles_of(inputs[0], ledger, shown.bars),
            notes=tuple(note for note in notes if note),
        )


def _count(trials: TrialLedger, spec: StrategySpec, settings: RunSettings, seen: Trial) -> None:
    """Count a run with its Sharpe ratio a day; a folder that refuses keeps nobody from playing."""
    daily = None if seen.sharpe is None else seen.sharpe / DAYS_PER_YEAR**0.5
    trial = replace(seen, symbols=tuple(sorted(seen.symbols)), key=trial_key([spec], settings), sharpe=daily)
    with suppress(ShortfallError):
        trials.count([trial])


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
