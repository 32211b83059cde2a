"""One backtest from strategy and store to result: `run_backtest`."""

from __future__ import annotations

import platform
from collections.abc import Callable, Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, version

from tradebot import __version__
from tradebot.engine.backtest.codes import REFUSALS, Count
from tradebot.engine.backtest.curves import thinned_curve
from tradebot.engine.backtest.findings import findings_of
from tradebot.engine.backtest.inputs import SlotInput, load_inputs, resolve_symbols
from tradebot.engine.backtest.ledger import Ledger, RunSettings, StrategyRules
from tradebot.engine.backtest.report import compute_metrics
from tradebot.engine.backtest.result import BacktestResult, result_id
from tradebot.engine.backtest.simulation import simulate
from tradebot.engine.control.clock import Clock, SystemClock
from tradebot.engine.control.compiling import kernel_hash
from tradebot.engine.control.progress import CancelToken, Progress, ProgressMeter
from tradebot.engine.store import Store
from tradebot.engine.strategy import Registry, StrategySpec
from tradebot.engine.strategy.node_cache import NodeCache

Report = Callable[[Progress], None]


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
) -> BacktestResult:
    """Backtest a strategy on what the store holds; nothing is written.

    `strategy_toml` is the text that ran, kept in the result (default: that of `spec`). `with_hashes`: whether the data
    files are hashed (the first time costs a pass over each file). `nodes` shares the columns of indicators and signals
    with other runs. Raises InputError where data is missing and CancelledError soon after `cancel` was asked for.
    """
    clock = clock or SystemClock()
    cancel = cancel or CancelToken()
    created_ms = clock.now_ms()
    inputs = _load(spec, registry, store, settings, report, cancel, clock, with_hashes, nodes)
    slots = [one.data for one in inputs]
    ledger = _simulate(inputs, spec, settings, report, cancel, clock)
    metrics = compute_metrics(ledger, slots)
    findings = findings_of(spec, settings, inputs, ledger)
    return BacktestResult(
        result_id=result_id(created_ms, spec.name),
        created_ms=created_ms,
        strategy=spec.name,
        strategy_toml=spec.to_toml() if strategy_toml is None else strategy_toml,
        category=spec.category,
        timeframe=spec.timeframe,
        symbols=ledger.symbols,
        price_decimals=tuple(slot.instrument.price_decimals for slot in slots),
        settings=settings,
        start_ms=min(one.file.first_ms for one in inputs),
        end_ms=max(one.file.last_ms for one in inputs) + spec.timeframe.ms,
        bars=ledger.steps,
        files=tuple({file.key: file for one in inputs for file in (*one.others, one.file)}.values()),
        metrics=metrics,
        refusals=_counts(ledger, REFUSALS),
        interventions=_counts(ledger, (Count.REDUCED,)),
        conflicts=sum(slot.decisions.conflicts for slot in slots),
        flags=findings.flags,
        warnings=findings.warnings,
        versions=_versions(),
        trades=ledger.trades,
        curve=thinned_curve(ledger, slots),
    )


def _load(
    spec: StrategySpec,
    registry: Registry,
    store: Store,
    settings: RunSettings,
    report: Report | None,
    cancel: CancelToken,
    clock: Clock,
    with_hashes: bool,
    nodes: NodeCache | None,
) -> list[SlotInput]:
    symbols = resolve_symbols(spec, store)
    meter = ProgressMeter(len(symbols), "symbols", clock, report or _silent)
    return load_inputs(
        spec,
        registry,
        store,
        settings,
        symbols,
        lambda symbol: meter.advance(1, f"decided {symbol}"),
        cancel,
        with_hashes,
        nodes,
    )


def _simulate(
    inputs: Sequence[SlotInput],
    spec: StrategySpec,
    settings: RunSettings,
    report: Report | None,
    cancel: CancelToken,
    clock: Clock,
) -> Ledger:
    meter: ProgressMeter | None = None

    def advanced(done: int, total: int) -> None:
        nonlocal meter
        if meter is None:
            meter = ProgressMeter(total, "bars", clock, report or _silent)
        meter.advance(done - meter.done, "simulating")

    rules = [StrategyRules.of(spec, settings)]
    return simulate([one.data for one in inputs], rules, settings, advanced, cancel)


def _silent(progress: Progress) -> None:
    del progress


def _counts(ledger: Ledger, kinds: Sequence[Count]) -> dict[str, int]:
    return {kind.name.lower(): ledger.count(kind) for kind in kinds}


@cache
def _package_version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "unknown"


def _versions() -> dict[str, str]:
    packages = {name.lower(): _package_version(name) for name in ("numpy", "numba", "TA-Lib")}
    return {"tradebot": __version__, "kernel": kernel_hash(), "python": platform.python_version(), **packages}
