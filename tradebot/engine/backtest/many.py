"""Many variations of one strategy on the same data: `run_many`.

Bars, funding, marks and tiers are loaded once and shared, columns of indicators and signals through one cache; a
variation of the risk decides nothing again. Of each run only its figures are kept, so that memory does not grow with
the number of variations. Threads share the work: the compiled parts run on all cores.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from functools import partial

from tradebot.engine.backtest.figures.report import Metrics, compute_metrics, with_trials
from tradebot.engine.backtest.figures.trials import Trial, TrialLedger
from tradebot.engine.backtest.inputs.prepare import Asked, Prepared, prepare
from tradebot.engine.backtest.inputs.slots import SlotInput, cut
from tradebot.engine.backtest.kernel.codes import REFUSALS
from tradebot.engine.backtest.kernel.ledger import RunSettings, SymbolData
from tradebot.engine.backtest.kernel.simulation import simulate
from tradebot.engine.backtest.kernel.windows import looked_over
from tradebot.engine.backtest.run import trial_of
from tradebot.engine.control.errors import TradebotError
from tradebot.engine.control.processors import background_thread, background_workers
from tradebot.engine.control.progress import CancelToken
from tradebot.engine.store import Store
from tradebot.engine.strategy import Registry, StrategySpec, decide
from tradebot.engine.strategy.check import check_document
from tradebot.engine.strategy.levels import level_columns
from tradebot.engine.strategy.node_cache import NodeCache
from tradebot.engine.strategy.overrides import override_document
from tradebot.engine.strategy.problems import StrategyError

NODE_BUDGET_BYTES = 256_000_000


@dataclass(frozen=True, slots=True)
class VariationResult:
    """What one variation came to. `values` are those that were set, by path; `number` counts from 0.

    `metrics` is None where it could not run, which `problem` says in a sentence. `refusals` are counts by reason.
    """

    number: int
    values: Mapping[str, str]
    metrics: Metrics | None
    refusals: Mapping[str, int]
    bankrupt: bool
    problem: str = ""


def vary(spec: StrategySpec, values: Mapping[str, str], registry: Registry) -> StrategySpec:
    """The strategy with values set by path, checked: `vary(spec, {"indicators.fast.length": "9"}, registry)`.

    Raises StrategyError with one sentence for each path that names no value and each value that does not fit.
    """
    problems, document = override_document(spec.to_document(), values, registry)
    if problems:
        raise StrategyError(problems, spec.name)
    return check_document(document, spec.name, registry).required()


def run_many(
    asked: Asked,
    variations: Sequence[Mapping[str, str]],
    registry: Registry,
    store: Store,
    cancel: CancelToken | None = None,
    *,
    workers: int = 2,
    processors: int = 0,
    nodes: NodeCache | None = None,
    trials: TrialLedger | None = None,
    done: Callable[[VariationResult], None] | None = None,
) -> list[VariationResult]:
    """Run a strategy with each of these sets of values by path; the results in the order of the variations.

    Costs that a variation sets hold for it. They are kept on so many `processors` (0: all). `done` hears of each one
    as it ends, in the calling thread, in any order. `trials` counts all of them in one write, and each result then has
    its deflated Sharpe ratio among them. Raises what `run_backtest` raises for the strategy itself; a variation that
    cannot run says so in its result. Raises CancelledError soon after `cancel` was asked for.
    """
    cancel = cancel or CancelToken()
    nodes = nodes or NodeCache(NODE_BUDGET_BYTES)
    base = prepare(
        [asked], registry, store, cancel, counted=lambda _: _unheard, with_hashes=False, nodes=nodes
    )
    sweep = _Sweep(base, registry, store, cancel, nodes)
    results: dict[int, VariationResult] = {}
    counted: dict[int, Trial] = {}
    for number, (result, trial) in _spread(sweep, variations, workers, processors, cancel):
        results[number] = result
        if trial is not None:
            counted[number] = trial
        if done is not None:
            done(result)
    if trials is not None:
        _deflate(results, counted, trials)
    return [results[number] for number in sorted(results)]


def _unheard(symbol: str) -> None:
    del symbol


_Outcome = tuple[VariationResult, Trial | None]


def _spread(
    sweep: _Sweep,
    variations: Sequence[Mapping[str, str]],
    workers: int,
    processors: int,
    cancel: CancelToken,
) -> Iterator[tuple[int, _Outcome]]:
    """Results as they end; only so many variations wait as there are workers."""
    waiting = enumerate(variations)
    workers = background_workers(workers, processors)
    begin = partial(background_thread, processors)
    with ThreadPoolExecutor(workers, "variation", initializer=begin) as pool:
        running: set[Future[tuple[int, _Outcome]]] = set()
        try:
            while True:
                for number, values in waiting:
                    running.add(pool.submit(sweep.run, number, values))
                    if len(running) > workers:
                        break
                if not running:
                    return
                ended, running = wait(running, return_when=FIRST_COMPLETED)
                cancel.check()
                for future in ended:
                    yield future.result()
        finally:
            for future in running:
                future.cancel()


class _Sweep:
    """Runs variations of one prepared strategy; for several threads at once."""

    def __init__(
        self, base: Prepared, registry: Registry, store: Store, cancel: CancelToken, nodes: NodeCache
    ) -> None:
        # their prices are looked at once for all variations
        inputs = (replace(one, data=looked_over(one.data)) for one in base.inputs)
        self._base = replace(base, inputs=tuple(inputs))
        self._asked = base.asked[0]
        self._registry = registry
        self._store = store
        self._cancel = cancel
        self._nodes = nodes

    def run(self, number: int, values: Mapping[str, str]) -> tuple[int, _Outcome]:
        """One variation; what keeps it from running is said in its result."""
        try:
            spec = vary(self._asked.spec, values, self._registry)
            prepared = self._prepared(replace(self._asked, spec=spec, settings=self._settings(spec)))
        except TradebotError as error:
            self._cancel.check()
            return number, (VariationResult(number, values, None, {}, False, error.sentence), None)
        settings = prepared.settings
        ledger = simulate(prepared.slots, prepared.rules, settings, None, self._cancel, daily=True)
        metrics = compute_metrics(ledger, prepared.slots, settings.costs)
        refusals = {kind.name.lower(): ledger.count(kind) for kind in REFUSALS if ledger.count(kind)}
        result = VariationResult(number, values, metrics, refusals, ledger.bankrupt)
        return number, (result, trial_of(prepared, metrics))

    def _settings(self, spec: StrategySpec) -> RunSettings:
        """The settings of the base, with the costs that the variation says otherwise."""
        own, base = spec.costs, self._asked.spec.costs
        changed = {
            name: getattr(own, name)
            for name in own.__dataclass_fields__
            if getattr(own, name) is not None and getattr(own, name) != getattr(base, name)
        }
        settings = self._asked.settings
        return replace(settings, costs=replace(settings.costs, **changed)) if changed else settings

    def _prepared(self, asked: Asked) -> Prepared:
        """The base with the decisions of a variation; loaded anew where it asks for other bars or symbols."""
        spec, base = asked.spec, self._asked.spec
        if _reads(spec) != _reads(base) or asked.settings.costs.funding != self._asked.settings.costs.funding:
            return prepare(
                [asked],
                self._registry,
                self._store,
                self._cancel,
                counted=lambda _: _unheard,
                with_hashes=False,
                nodes=self._nodes,
            )
        if _decides(spec) == _decides(base):
            return replace(self._base, asked=(asked,))
        inputs = tuple(replace(one, data=self._decided(spec, one)) for one in self._base.inputs)
        return replace(self._base, asked=(asked,), inputs=inputs)

    def _decided(self, spec: StrategySpec, one: SlotInput) -> SymbolData:
        self._cancel.check()
        decisions = decide(spec, self._registry, one.market, self._nodes)
        return replace(
            one.data, decisions=cut(decisions, one.first_bar, one.first_bar + len(one.data.candles))
        )


def _reads(spec: StrategySpec) -> tuple[object, ...]:
    """What of a strategy says which bars are loaded."""
    return spec.category, spec.symbols, spec.top, spec.timeframe, spec.execution


def _decides(spec: StrategySpec) -> tuple[object, ...]:
    """What of a strategy its decisions and levels depend on."""
    return spec.indicators, spec.signals, spec.groups, spec.entry, spec.exit, level_columns(spec)


def _deflate(results: dict[int, VariationResult], counted: Mapping[int, Trial], trials: TrialLedger) -> None:
    """Count the trials, and give each result its Sharpe ratio deflated by them."""
    counts = trials.count(list(counted.values()))
    for number, count in zip(counted, counts, strict=True):
        metrics = results[number].metrics
        if metrics is not None:
            results[number] = replace(results[number], metrics=with_trials(metrics, count))
