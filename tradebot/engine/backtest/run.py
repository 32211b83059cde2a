"""Backtests from strategies and store to result: `run_backtest` of one strategy, `run_portfolio` of several."""

from __future__ import annotations

import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version

import numpy as np

from tradebot import __version__
from tradebot.engine.backtest.checks.findings import findings_of
from tradebot.engine.backtest.checks.judging import CheckStep, check_run
from tradebot.engine.backtest.figures.books import imbalance
from tradebot.engine.backtest.figures.curves import thinned_curve
from tradebot.engine.backtest.figures.report import (
    Metrics,
    compute_metrics,
    daily_sharpe,
    part_metrics,
    with_trials,
)
from tradebot.engine.backtest.figures.so_far import Glances, SoFar, so_far
from tradebot.engine.backtest.figures.trials import Trial, TrialLedger, trial_key
from tradebot.engine.backtest.inputs.prepare import Asked, Prepared, prepare
from tradebot.engine.backtest.inputs.slots import MakeMarket
from tradebot.engine.backtest.inputs.store_market import StoreMarket
from tradebot.engine.backtest.kernel.codes import INTERVENTIONS, REFUSALS, Count
from tradebot.engine.backtest.kernel.ledger import Ledger, RunSettings
from tradebot.engine.backtest.kernel.simulation import PIECE_TICKS, Simulation
from tradebot.engine.backtest.results.result import BacktestResult, StrategyPart, result_id
from tradebot.engine.control.clock import Clock, SystemClock
from tradebot.engine.control.compiling import kernel_hash
from tradebot.engine.control.memory import Lease
from tradebot.engine.control.progress import CancelToken, Progress, ProgressMeter
from tradebot.engine.store import Store
from tradebot.engine.strategy import Registry, StrategySpec
from tradebot.engine.strategy.node_cache import NodeCache

Report = Callable[[Progress], None]
_LEAST_PIECE = 2_000


def run_backtest(
    spec: StrategySpec,
    registry: Registry,
    store: Store,
    settings: RunSettings,
    report: Report | None = None,
    cancel: CancelToken | None = None,
    *,
    strategy_toml: str | None = None,
    clock: Clock | None = None,
    with_hashes: bool = True,
    nodes: NodeCache | None = None,
    look_ahead: bool = True,
    reality: bool = False,
    trials: TrialLedger | None = None,
    make_market: MakeMarket = StoreMarket,
) -> BacktestResult:
    """Backtest one strategy on what the store holds; nothing is written but the count of trials.

    `strategy_toml` is the text that ran, kept in the result (default: that of `spec`). `with_hashes`: whether the data
    files are hashed (the first time costs a pass over each file). `nodes` shares the columns of indicators and signals
    with other runs. `look_ahead`: whether decisions are computed again on truncated histories; a difference makes the
    result invalid and names the node. `reality`: whether the reality check is made, which simulates up to three times
    more. `trials` counts this run, for the deflated Sharpe ratio. `make_market` is how the
    store is read for one symbol. Raises InputError where data is missing and CancelledError soon after `cancel` was
    asked for.
    """
    asked = Asked(spec, spec.to_toml() if strategy_toml is None else strategy_toml, settings)
    return run_portfolio(
        [asked],
        registry,
        store,
        report,
        cancel,
        clock=clock,
        with_hashes=with_hashes,
        nodes=nodes,
        look_ahead=look_ahead,
        reality=reality,
        trials=trials,
        make_market=make_market,
    )


def run_portfolio(
    asked: Sequence[Asked],
    registry: Registry,
    store: Store,
    report: Report | None = None,
    cancel: CancelToken | None = None,
    *,
    clock: Clock | None = None,
    with_hashes: bool = True,
    nodes: NodeCache | None = None,
    look_ahead: bool = True,
    reality: bool = False,
    trials: TrialLedger | None = None,
    make_market: MakeMarket = StoreMarket,
) -> BacktestResult:
    """Backtest several strategies on one account: shared cash, one clock, a part of the result for each.

    Each is asked with its text and its settings, which must agree in cash and span. The result is the same in whatever
    order they are given: strategies go by name, slots by strategy and symbol. For the rest as `run_backtest`.
    """
    clock = clock or SystemClock()
    cancel = cancel or CancelToken()
    simulated = simulate_portfolio(
        asked,
        registry,
        store,
        report,
        cancel,
        clock=clock,
        with_hashes=with_hashes,
        nodes=nodes,
        trials=trials,
        make_market=make_market,
    )
    return check_run(
        simulated.result,
        simulated.prepared,
        registry,
        store,
        cancel,
        look_ahead=look_ahead,
        reality=reality,
        make_market=make_market,
        step=None if report is None else checks_shown(report, clock),
    )


def checks_shown(report: Report, clock: Clock) -> Callable[[CheckStep], None]:
    """What tells `report` of each step of the checks before it begins."""
    meter: ProgressMeter | None = None

    def step(at: CheckStep) -> None:
        nonlocal meter
        meter = meter or ProgressMeter(at.steps, "checks", clock, report)
        meter.advance(at.number - meter.done, f"checking {at.words}" if at.words else "checked")

    return step


@dataclass(frozen=True, slots=True, eq=False)
class Simulated:
    """A run with its figures, not yet checked; `prepared` is what the checks need, `lease` the memory it takes."""

    result: BacktestResult
    prepared: Prepared
    lease: Lease | None = None


def simulate_portfolio(
    asked: Sequence[Asked],
    registry: Registry,
    store: Store,
    report: Report | None = None,
    cancel: CancelToken | None = None,
    *,
    clock: Clock | None = None,
    with_hashes: bool = True,
    nodes: NodeCache | None = None,
    trials: TrialLedger | None = None,
    make_market: MakeMarket = StoreMarket,
    watch: Callable[[SoFar], None] | None = None,
) -> Simulated:
    """The first part of `run_portfolio`: everything but the checks, which `check_run` makes.

    `watch` sees the equity grow, where the simulation takes longer than half a second.
    """
    clock = clock or SystemClock()
    cancel = cancel or CancelToken()
    created_ms = clock.now_ms()

    def counted_symbols(total: int) -> Callable[[str], None]:
        meter = ProgressMeter(total, "symbols", clock, report or _silent)
        return lambda symbol: meter.advance(1, f"decided {symbol}")

    prepared = prepare(
        asked,
        registry,
        store,
        cancel,
        counted=counted_symbols,
        with_hashes=with_hashes,
        nodes=nodes,
        make_market=make_market,
    )
    ledger = simulate_prepared(prepared, report, cancel, clock, watch)
    metrics = _counted(prepared, compute_metrics(ledger, prepared.slots, prepared.settings.costs), trials)
    return Simulated(_result(prepared, registry, ledger, metrics, created_ms), prepared)


def simulate_prepared(
    prepared: Prepared,
    report: Report | None,
    cancel: CancelToken,
    clock: Clock,
    watch: Callable[[SoFar], None] | None = None,
) -> Ledger:
    """Simulate a prepared run, reporting the bars done and letting `watch` see its equity."""
    slots = prepared.slots
    # Pieces as long as a person waits for a sign of life; a run cut anywhere is the same run.
    piece = max(_LEAST_PIECE, PIECE_TICKS // max(1, len(slots)))
    simulation = Simulation(slots, prepared.rules, prepared.settings, piece_ticks=piece)
    meter = ProgressMeter(simulation.total_ticks, "bars", clock, report or _silent)
    glances = None if watch is None else Glances(clock, watch)

    def look() -> SoFar:
        account = simulation.state.account
        worst, positions = float(account["worst_drawdown"][0]), int(account["trade_count"][0])
        span = (_start_ms(prepared), _end_ms(prepared))
        return so_far(simulation.rows, prepared.settings.cash, *span, worst, positions)

    def advanced(done: int, total: int) -> None:
        del total
        meter.advance(done - meter.done, "simulating")
        if glances is not None:
            glances.look(look)

    return simulation.run(advanced, cancel)


def _silent(progress: Progress) -> None:
    del progress


def _counted(prepared: Prepared, metrics: Metrics, trials: TrialLedger | None) -> Metrics:
    """The figures, with this run counted as a trial where there is a ledger."""
    return metrics if trials is None else with_trials(metrics, trials.count([trial_of(prepared, metrics)])[0])


def trial_of(prepared: Prepared, metrics: Metrics) -> Trial:
    """What the trial ledger notes of a run."""
    return Trial(
        symbols=tuple(sorted({one.data.symbol for one in prepared.inputs})),
        start_ms=_start_ms(prepared),
        end_ms=_end_ms(prepared),
        key=trial_key(prepared.specs, prepared.settings),
        sharpe=daily_sharpe(metrics),
    )


def _start_ms(prepared: Prepared) -> int:
    return min(one.file.first_ms for one in prepared.inputs)


def _end_ms(prepared: Prepared) -> int:
    return max(one.file.last_ms + one.data.candles.timeframe.ms for one in prepared.inputs)


def _result(
    prepared: Prepared,
    registry: Registry,
    ledger: Ledger,
    metrics: Metrics,
    created_ms: int,
) -> BacktestResult:
    inputs, slots = prepared.inputs, prepared.slots
    findings = findings_of(prepared.specs, prepared.settings, inputs, ledger, prepared.universes, registry)
    unbalanced = imbalance(ledger)
    parts = tuple(_part(prepared, number, ledger, metrics) for number in range(len(prepared.asked)))
    first = prepared.asked[0]
    name = " + ".join(one.spec.name for one in prepared.asked)
    return BacktestResult(
        result_id=result_id(created_ms, name),
        created_ms=created_ms,
        strategy=name,
        strategy_toml=first.toml,
        category=first.spec.category,
        timeframe=min((one.spec.timeframe for one in prepared.asked), key=lambda each: each.ms),
        symbols=ledger.symbols,
        price_decimals=tuple(slot.instrument.price_decimals for slot in slots),
        settings=prepared.settings,
        start_ms=_start_ms(prepared),
        end_ms=_end_ms(prepared),
        bars=ledger.steps,
        files=tuple({file.key: file for one in inputs for file in (*one.others, one.file)}.values()),
        metrics=metrics,
        refusals=_counts(ledger, REFUSALS),
        interventions=_counts(ledger, INTERVENTIONS),
        conflicts=sum(slot.decisions.conflicts for slot in slots),
        flags=(*(("books_do_not_balance",) if unbalanced else ()), *findings.flags),
        warnings=findings.warnings,
        versions=_versions(),
        trades=ledger.trades,
        curve=thinned_curve(ledger, slots),
        slot_strategies=tuple(prepared.asked[slot.strategy].spec.name for slot in slots),
        parts=parts,
        errors=(unbalanced,) if unbalanced else (),
        log=ledger.interventions,
    )


def _part(prepared: Prepared, number: int, ledger: Ledger, whole: Metrics) -> StrategyPart:
    one = prepared.asked[number]
    slots = [slot for slot, each in enumerate(prepared.inputs) if each.data.strategy == number]
    metrics = whole
    if len(prepared.asked) > 1:
        trades = ledger.trades[np.isin(ledger.trades["slot"], slots)]
        metrics = part_metrics(ledger, prepared.slots, trades, slots, one.settings.costs)
    return StrategyPart(
        name=one.spec.name,
        toml=one.toml,
        timeframe=one.spec.timeframe,
        symbols=tuple(prepared.inputs[slot].data.symbol for slot in slots),
        costs=one.settings.costs,
        metrics=metrics,
        refusals=_counts(ledger, REFUSALS, slots),
        interventions=_counts(ledger, INTERVENTIONS, slots),
        conflicts=sum(prepared.inputs[slot].data.decisions.conflicts for slot in slots),
        note=prepared.universes[number].note,
    )


def _counts(ledger: Ledger, kinds: Sequence[Count], slots: Sequence[int] | None = None) -> Mapping[str, int]:
    counts = ledger.counts if slots is None else ledger.counts[list(slots)]
    return {kind.name.lower(): int(counts[:, kind].sum()) for kind in kinds}


@cache
def _package_version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "unknown"


def _versions() -> dict[str, str]:
    packages = {name.lower(): _package_version(name) for name in ("numpy", "numba", "TA-Lib")}
    return {"tradebot": __version__, "kernel": kernel_hash(), "python": platform.python_version(), **packages}
