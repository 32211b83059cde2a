"""Several backtests that have nothing to do with each other: one for each file or symbol, on all cores.

`split` makes them from one order; `carry_out_each` runs them and stores each as a result of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Any

from tradebot.engine.backtest.inputs.universe import resolve_universe
from tradebot.engine.backtest.order import (
    BacktestOrder,
    StrategyText,
    asked_of,
    carry_out,
    check_results_folder,
    symbol_values,
    texts_to_run,
)
from tradebot.engine.backtest.results.folder import result_document
from tradebot.engine.backtest.warm_up import compile_kernels_in_child
from tradebot.engine.control.errors import CancelledError, TradebotError
from tradebot.engine.control.processors import background_thread, background_workers
from tradebot.engine.control.progress import CancelToken, Progress, ProgressMeter
from tradebot.engine.strategy import apply_overrides

if TYPE_CHECKING:
    from pathlib import Path

    from tradebot.engine.control.clock import Clock
    from tradebot.engine.control.memory import MemoryBudget
    from tradebot.engine.control.settings import BacktestSettings
    from tradebot.engine.store import Store
    from tradebot.engine.strategy import Registry

_LOOK_SECONDS = 0.2


class Each(StrEnum):
    """What every run of a batch is for."""

    FILE = "file"
    """One for each strategy, with all its symbols."""
    SYMBOL = "symbol"
    """One for each symbol of each strategy."""


@dataclass(frozen=True, slots=True)
class BatchRun:
    """One run of a batch; `name` and `symbols` say which. `note` says how its symbols were picked, "" where named."""

    name: str
    symbols: str
    order: BacktestOrder
    note: str = ""


@dataclass(frozen=True, slots=True)
class BatchOutcome:
    """What became of one run: `document` is that of its result.json, None where it could not run (`problem` says why).

    Trades and curve are on disk only, so that memory does not grow with the number of runs.
    """

    run: BatchRun
    document: dict[str, Any] | None
    problem: str = ""


def split(
    order: BacktestOrder,
    each: Each,
    registry: Registry,
    store: Store,
    settings: BacktestSettings,
    clock: Clock,
    say: Callable[[str], None],
) -> list[BatchRun]:
    """The runs of a batch in the order given, symbols by name. InputError for a wrong strategy, time or value."""
    asked = asked_of(order, registry, settings, clock, say)
    runs: list[BatchRun] = []
    for text, one in zip(texts_to_run(order, registry), asked, strict=True):
        name = text.name or one.spec.name
        universe = resolve_universe(one.spec, store, one.settings)
        symbols = universe.symbols
        if universe.in_sample and not any(run.note == universe.note for run in runs):
            say(
                f"{universe.note} These are days of the runs themselves: such a choice is made with hindsight."
            )
        if each is Each.FILE:
            runs.append(BatchRun(name, _shown(symbols), order.of([text]), universe.note))
            continue
        for symbol in symbols:
            alone = apply_overrides(text.toml, dict(symbol_values(symbol)), text.file, registry)
            alone_text = StrategyText(alone, text.file, text.name)
            runs.append(BatchRun(name, symbol, order.of([alone_text]), universe.note))
    return runs


def _shown(symbols: Sequence[str]) -> str:
    return symbols[0] if len(symbols) == 1 else f"{len(symbols)} symbols"


def carry_out_each(
    runs: Sequence[BatchRun],
    registry: Registry,
    store: Store,
    settings: BacktestSettings,
    clock: Clock,
    results_folder: Path,
    report: Callable[[Progress], None],
    say: Callable[[str], None],
    cancel: CancelToken,
    processors: int = 0,
    memory: MemoryBudget | None = None,
) -> list[BatchOutcome]:
    """Run all, as many at once as the settings allow, and store each; the outcomes in the order of the runs.

    They are kept on so many `processors` (0: all), and no more threads run than these. Together they keep within
    `memory` (None: no limit): one waits until others have ended, and one that alone needs more cannot run.

    One that cannot run says why and the others go on. Where this is interrupted or cancelled, the runs that are under
    way end without a result and those before keep theirs; CancelledError then says how many there are.
    """
    check_results_folder(results_folder)
    compile_kernels_in_child(say, cancel, processors=processors)

    def one(number: int) -> tuple[int, BatchOutcome]:
        run = runs[number]
        try:
            result = carry_out(
                run.order,
                registry,
                store,
                settings,
                clock,
                results_folder,
                _unheard,
                _unsaid,
                cancel,
                memory=memory,
            )
        except CancelledError:
            raise
        except TradebotError as error:
            return number, BatchOutcome(run, None, error.sentence)
        document = {**result_document(result), "folder": str(results_folder / result.result_id)}
        return number, BatchOutcome(run, document)

    found: dict[int, BatchOutcome] = {}
    meter = ProgressMeter(len(runs), "runs", clock, report)

    def ended(number: int, outcome: BatchOutcome) -> None:
        found[number] = outcome
        meter.advance(1, f"{outcome.run.name} {outcome.run.symbols}")

    try:
        _spread(one, len(runs), settings.workers, processors, cancel, ended)
    except (CancelledError, KeyboardInterrupt):
        kept = sum(outcome.document is not None for outcome in found.values())
        raise CancelledError(
            f"Interrupted: {kept} of {len(runs)} runs had ended and are kept in {results_folder}."
        ) from None
    return [found[number] for number in sorted(found)]


def _spread(
    one: Callable[[int], tuple[int, BatchOutcome]],
    count: int,
    workers: int,
    processors: int,
    cancel: CancelToken,
    ended: Callable[[int, BatchOutcome], None],
) -> None:
    """Run all; `ended` hears of each in this thread. What ends this early cancels the others and waits for them."""
    workers = background_workers(workers, processors)
    begin = partial(background_thread, processors)
    with ThreadPoolExecutor(workers, "backtest", initializer=begin) as pool:
        running: set[Future[tuple[int, BatchOutcome]]] = set()
        try:
            running = {pool.submit(one, number) for number in range(count)}
            while running:
                # With a limit, or Windows would not hear an interrupt before the first one ends.
                done, running = wait(running, _LOOK_SECONDS, FIRST_COMPLETED)
                for future in done:
                    ended(*future.result())
        except BaseException:
            cancel.cancel()
            raise
        finally:
            for future in running:
                future.cancel()


def _unheard(progress: Progress) -> None:
    del progress


def _unsaid(sentence: str) -> None:
    del sentence
