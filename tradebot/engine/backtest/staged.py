"""A backtest for somebody who watches: the result is stored as soon as it is simulated, its checks follow."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from tradebot.engine.backtest.checks.judging import CheckStep, check_run
from tradebot.engine.backtest.figures.so_far import SoFar
from tradebot.engine.backtest.figures.trials import TrialLedger
from tradebot.engine.backtest.inputs.prepare import Asked
from tradebot.engine.backtest.memory import lease_for, with_universe
from tradebot.engine.backtest.order import check_results_folder
from tradebot.engine.backtest.results.checked import write_checks
from tradebot.engine.backtest.results.folder import write_result
from tradebot.engine.backtest.results.result import BacktestResult
from tradebot.engine.backtest.run import Simulated, simulate_portfolio
from tradebot.engine.backtest.warm_up import compile_kernels_in_child
from tradebot.engine.control.clock import Clock
from tradebot.engine.control.memory import MemoryBudget
from tradebot.engine.control.progress import CancelToken, Progress, ProgressMeter
from tradebot.engine.store import Store
from tradebot.engine.strategy import Registry


def simulate_and_store(
    asked: Sequence[Asked],
    registry: Registry,
    store: Store,
    clock: Clock,
    results_folder: Path,
    report: Callable[[Progress], None],
    say: Callable[[str], None],
    cancel: CancelToken,
    watch: Callable[[SoFar], None] | None = None,
    memory: MemoryBudget | None = None,
    wait: Callable[[str], None] | None = None,
) -> Simulated:
    """Compile where this version was not compiled yet, run, and write the result, which is not checked yet.

    It counts as a trial on its data. `say` gets sentences about what takes long, `watch` sees the equity grow. It keeps
    within `memory` (None: no limit), leased until the checks are over, and tells `wait` what it waits for. Raises
    InputError for a folder that cannot be, ShortfallError where it needs more memory, and what `simulate_portfolio` and
    `write_result` raise.
    """
    check_results_folder(results_folder)
    compile_kernels_in_child(say, cancel)
    asked = with_universe(asked, store)
    lease = None if memory is None else lease_for(asked, store, memory, cancel, wait or say)
    try:
        simulated = simulate_portfolio(
            asked,
            registry,
            store,
            report,
            cancel,
            clock=clock,
            trials=TrialLedger(results_folder),
            watch=watch,
        )
        return replace(simulated, result=write_result(simulated.result, results_folder), lease=lease)
    except BaseException:
        if lease is not None:
            lease.release()
        raise


def check_and_store(
    simulated: Simulated,
    registry: Registry,
    store: Store,
    clock: Clock,
    results_folder: Path,
    report: Callable[[Progress], None],
    cancel: CancelToken,
    found: Callable[[BacktestResult], None],
) -> BacktestResult:
    """Check a stored run and put what was found into its result.json; its memory is free afterwards.

    `found` sees the result with what is known so far, before each step. Raises what `check_run` and `write_checks`
    raise; the stored result then stays as it was.
    """
    meter: ProgressMeter | None = None

    def step(at: CheckStep) -> None:
        nonlocal meter
        meter = meter or ProgressMeter(at.steps, "checks", clock, report)
        found(at.result)
        meter.advance(at.number - meter.done, at.words)

    try:
        checked = check_run(simulated.result, simulated.prepared, registry, store, cancel, step=step)
    finally:
        if simulated.lease is not None:
            simulated.lease.release()
    write_checks(checked, results_folder)
    return checked
