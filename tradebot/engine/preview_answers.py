"""What a preview answers: which symbol and span, what is missing, the figures and their change."""

from __future__ import annotations

import gc
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from tradebot.engine.control.clock import Clock
from tradebot.engine.control.errors import InputError
from tradebot.engine.control.progress import CancelToken, counted
from tradebot.engine.market import Category, DatasetKey, Timeframe
from tradebot.engine.messages import Collect, FormProblem, Preview, PreviewView
from tradebot.engine.store import Store
from tradebot.engine.strategy import Registry, Severity, StrategySpec, check_strategy
from tradebot.engine.strategy.needs import data_needs

if TYPE_CHECKING:
    from tradebot.engine.backtest.lint.lint import CollectAction, LintFinding
    from tradebot.engine.control.settings import BacktestSettings
    from tradebot.engine.preview_run import PreviewRuns

ALL = "*"
"""The symbol that stands for all of the strategy's together."""
_OFFERED_SYMBOLS = 5
_OFFERED_DAYS = 365
_SAVED_SHARE = 0.5  # of the progress, where the saved version is tested too

Say = Callable[[float, str], None]
Kernels = Callable[[], tuple[str, str]]
"""The state of the compiled backtest (see EngineSnapshot.kernels), and a sentence where it failed."""


@dataclass(frozen=True, slots=True)
class _Missing:
    """Bars (funding, where `timeframe` is None) that are not stored."""

    symbols: tuple[str, ...]
    timeframe: Timeframe | None
    category: Category


class PreviewAnswers:
    """Answers previews of an engine, one after the other. `registry` may hand out another one as plug-ins change.

    Each different run is counted as a trial in the folder `results` (None: nothing is written).
    """

    def __init__(
        self,
        store: Store,
        registry: Callable[[], Registry],
        settings: BacktestSettings,
        kernels: Kernels,
        clock: Clock,
        results: Path | None = None,
    ) -> None:
        self._store = store
        self._registry = registry
        self._settings = settings
        self._kernels = kernels
        self._clock = clock
        self._results = results
        self._runs: PreviewRuns | None = None
        self._runs_registry: Registry | None = None
        self._read_saved: tuple[str, Registry, StrategySpec | None] | None = None
        self._settled = False
        self._held: dict[tuple[Category, str, Timeframe], DatasetKey] = {}

    def answer(self, command: Preview, cancel: CancelToken, say: Say) -> PreviewView:
        """The answer to one request. Raises CancelledError and TradebotError."""
        begun = self._clock.monotonic()
        view = self._answer(command, cancel, say)
        if self._runs is not None and not self._settled:
            # The compiler's rooms leave half a million objects that stay. Each full round of the garbage collector
            # went through them while the screen stood still for 0.2 s; from now on it passes them over.
            gc.freeze()
            self._settled = True
        return replace(view, took_ms=round((self._clock.monotonic() - begun) * 1000, 1))

    def forget(self) -> None:
        """Let go of bars and columns; the next request loads them again."""
        self._runs = self._runs_registry = None

    def _answer(self, command: Preview, cancel: CancelToken, say: Say) -> PreviewView:
        generation, registry = command.generation, self._registry()
        checked = check_strategy(command.toml, "the form", registry)
        spec = checked.spec
        if spec is None:
            first = checked.errors[0]
            sentence = f"{counted(len(checked.errors), 'error')}: {first.path} {first.sentence}"
            return PreviewView(generation, "invalid", sentence)
        compiled = self._not_compiled(generation)
        if compiled is not None:
            return compiled
        try:
            symbols = self._symbols(spec)
        except InputError as error:
            return PreviewView(generation, "no_data", error.sentence, timeframe=spec.timeframe.value)
        held = tuple(symbol for symbol in symbols if self._has_bars(spec.category, symbol, spec.timeframe))
        tested = self._chosen(command.symbol, held)
        missing = (
            _Missing(symbols, spec.timeframe, spec.category) if not tested else self._missing(spec, tested)
        )
        if missing is not None:
            return _no_data(generation, missing, spec, held)
        return self._tested(command, spec, tested, held, registry, cancel, say)

    def _not_compiled(self, generation: int) -> PreviewView | None:
        state, sentence = self._kernels()
        if state == "ready":
            return None
        if state == "failed":
            return PreviewView(generation, "failed", sentence)
        sentence = (
            "The engine is starting; the preview fills itself in a moment."
            if state == "unknown"
            else "The backtest is being compiled, once for this version; it takes some seconds. Then the preview fills "
            "itself."
        )
        return PreviewView(generation, "compiling", sentence)

    def _tested(
        self,
        command: Preview,
        spec: StrategySpec,
        tested: tuple[str, ...],
        held: tuple[str, ...],
        registry: Registry,
        cancel: CancelToken,
        say: Say,
    ) -> PreviewView:
        from tradebot.engine.preview_run import Ground, Shown
        from tradebot.engine.preview_views import figure_views

        runs = self._runs_of(registry)
        look = runs.look()
        span = runs.span(spec, tested[0], command.days, look)
        ground = Ground(tested, span, Shown(max(4, command.columns), max(4, command.bars)), look)
        saved = self._saved(command, registry)
        share = _SAVED_SHARE if saved is not None else 1.0
        now = runs.test(spec, ground, lambda done, note: say(done * share, note), cancel)
        before = None
        if saved is not None:
            # What the saved version reads may not be there; then nothing is compared.
            with suppress(InputError):
                before = runs.test(saved, ground, lambda done, note: say(share + done * share, note), cancel)
        compared = before is not None and before is not now
        findings = runs.lint(spec, ground, cancel) if command.lint else ()
        offer = next((each.action for each in findings if each.action is not None), None)
        return PreviewView(
            generation=command.generation,
            state="done",
            symbol=tested[0] if len(tested) == 1 else "",
            symbols=held,
            timeframe=spec.timeframe.value,
            start_ms=now.start_ms,
            end_ms=now.end_ms,
            bars=now.bars,
            days=command.days,
            trades=now.trades,
            cash=now.cash,
            compared=compared,
            figures=figure_views(now, before if compared else None),
            times_ms=now.times_ms,
            equity=now.equity,
            saved_times_ms=before.times_ms if compared and before is not None else (),
            saved_equity=before.equity if compared and before is not None else (),
            signals=now.signals,
            candles=now.candles,
            notes=now.notes,
            linted=command.lint,
            findings=tuple(_problem(each) for each in findings),
            collect=None if offer is None else _collect(offer),
            command="" if offer is None else offer.command,
        )

    def _saved(self, command: Preview, registry: Registry) -> StrategySpec | None:
        """The saved version, where there is a sound one; read once."""
        if not command.saved_toml:
            return None
        if self._read_saved is None or self._read_saved[:2] != (command.saved_toml, registry):
            spec = check_strategy(command.saved_toml, "the saved version", registry).spec
            self._read_saved = command.saved_toml, registry, spec
        return self._read_saved[2]

    def _runs_of(self, registry: Registry) -> PreviewRuns:
        # Here, because the backtest's rooms take half a second to import and are needed from the first preview on.
        from tradebot.engine.backtest.figures.trials import TrialLedger
        from tradebot.engine.preview_run import PreviewRuns

        if self._runs is None or self._runs_registry is not registry:
            trials = None if self._results is None else TrialLedger(self._results)
            self._runs = PreviewRuns(self._store, registry, self._settings, trials)
            self._runs_registry = registry
        return self._runs

    # ------------------------------------------------------------------------------------------ data

    def _symbols(self, spec: StrategySpec) -> tuple[str, ...]:
        from tradebot.engine.backtest.inputs.slots import resolve_symbols

        if spec.top is None and not any(mark in name for name in spec.symbols for mark in "*?"):
            return spec.symbols
        return resolve_symbols(spec, self._store)

    def _chosen(self, wanted: str, held: tuple[str, ...]) -> tuple[str, ...]:
        """What is tested: the wanted symbol where it is there, all of them for `*`, else the first."""
        if wanted == ALL:
            return held
        return (wanted,) if wanted in held else held[:1]

    def _has_bars(self, category: Category, symbol: str, timeframe: Timeframe) -> bool:
        """Whether there are bars to test on; found once, only the file that holds them is looked at again."""
        place = category, symbol, timeframe
        known = self._held.get(place)
        if known is not None and any(self._store.stamps(known)):
            return True
        for finer in Timeframe:
            key = DatasetKey.of(category, symbol, finer)
            if finer.ms <= timeframe.ms and timeframe.ms % finer.ms == 0 and any(self._store.stamps(key)):
                try:
                    if len(self._store.load_or_build(category, symbol, timeframe)[0]):
                        self._held[place] = key
                        return True
                except InputError:
                    continue
        return False

    def _missing(self, spec: StrategySpec, tested: tuple[str, ...]) -> _Missing | None:
        """The first thing the strategy reads that is not stored."""
        for need in data_needs(spec, self._registry()):
            if need.execution:
                continue  # where finer bars are missing, the bars of the decisions are walked
            for symbol in (need.symbol,) if need.symbol else tested:
                if need.timeframe is None:
                    if not len(self._store.funding(spec.category, symbol)):
                        return _Missing((symbol,), None, spec.category)
                elif not self._has_bars(spec.category, symbol, need.timeframe):
                    return _Missing((symbol,), need.timeframe, spec.category)
        return None


def _problem(finding: LintFinding) -> FormProblem:
    severity = "error" if finding.severity is Severity.ERROR else "warning"
    return FormProblem(finding.path, finding.sentence, severity)


def _collect(action: CollectAction) -> Collect:
    return Collect(action.symbols, action.timeframes, action.since, category=action.category.value)


def _no_data(generation: int, missing: _Missing, spec: StrategySpec, held: tuple[str, ...]) -> PreviewView:
    """What is missing, and what collects it."""
    symbols = missing.symbols[:_OFFERED_SYMBOLS]
    names = ", ".join(symbols) + (" …" if len(missing.symbols) > len(symbols) else "")
    bars = missing.timeframe or spec.timeframe
    what = "funding payments" if missing.timeframe is None else f"{bars.value} bars"
    collect = Collect(symbols, (bars.value,), f"{_OFFERED_DAYS}d", category=missing.category.value)
    category = "" if missing.category is Category.LINEAR else f" --category {missing.category.value}"
    return PreviewView(
        generation,
        "no_data",
        f"No {what} of {names} are stored yet, so there is nothing to test on.",
        symbols=held,
        timeframe=spec.timeframe.value,
        collect=collect,
        command=f"tradebot collect --symbols {','.join(symbols)} --timeframes {bars.value} "
        f"--since {_OFFERED_DAYS}d{category}",
    )
