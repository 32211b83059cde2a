"""Backtests as jobs: the simulation, whose result is shown at once, then its checks as a job of their own."""

from __future__ import annotations

import gc
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING

from tradebot.engine.control.clock import Clock
from tradebot.engine.control.events import EventLog
from tradebot.engine.control.jobs import Job
from tradebot.engine.control.memory import MemoryBudget, background_memory_bytes
from tradebot.engine.control.progress import counted
from tradebot.engine.job_book import JobBook
from tradebot.engine.messages import RunBacktest, RunSoFar
from tradebot.engine.result_queries import ResultQueries
from tradebot.engine.store import Store
from tradebot.engine.strategy import Registry

if TYPE_CHECKING:
    from tradebot.engine.backtest.figures.so_far import SoFar
    from tradebot.engine.backtest.inputs.prepare import Asked
    from tradebot.engine.backtest.results.result import BacktestResult
    from tradebot.engine.backtest.run import Simulated
    from tradebot.engine.engine import EngineOptions

__all__ = ["Backtests"]


class Backtests:
    """Starts backtests; what they make is stored, remembered for questions about it, and checked. Thread-safe."""

    def __init__(
        self,
        options: EngineOptions,
        clock: Clock,
        events: EventLog,
        book: JobBook,
        store: Store,
        registry: Registry,
        results: ResultQueries,
    ) -> None:
        self._settings = options.settings.backtest
        self._folder = options.folders.results
        self._clock = clock
        self._events = events
        self._book = book
        self._store = store
        self._registry = registry
        self._results = results
        megabytes = options.settings.performance.background_memory_mb
        self._memory = MemoryBudget(background_memory_bytes(megabytes))
        self._settled = False

    def run(self, command: RunBacktest) -> Job:
        """Backtest a strategy's text as a job."""

        def asked() -> list[Asked]:
            from tradebot.engine.backtest.order import BacktestOrder, asked_of

            order = BacktestOrder(
                command.toml, command.name, command.start, command.end, command.cash, command.overrides
            )
            return asked_of(order, self._registry, self._settings, self._clock)

        return self._begin(command.name, asked)

    def rerun(self, result_id: str) -> Job:
        """Run a stored result again as it ran. InputError where there is no such result."""
        from tradebot.engine.backtest.results.again import asked_again, compared

        return self._begin(
            self._results.result(result_id).strategy,
            lambda: asked_again(self._results.result(result_id), self._registry),
            lambda result: " " + compared(self._results.result(result_id), result),
        )

    def _begin(
        self,
        name: str,
        asked: Callable[[], list[Asked]],
        remark: Callable[[BacktestResult], str] = lambda result: "",  # noqa: ARG005 - there is nothing to say
    ) -> Job:
        def work(job: Job) -> tuple[str, str]:
            from tradebot.engine.backtest.staged import simulate_and_store

            def watch(look: SoFar) -> None:
                self._book.draw(job.status.job_id, RunSoFar(**asdict(look)))

            simulated = simulate_and_store(
                asked(),
                self._registry,
                self._store,
                self._clock,
                self._folder,
                job.report,
                job.say,
                job.cancel,
                watch,
                self._memory,
                job.wait,
            )
            self._settle()
            result = simulated.result
            self._results.remember(result)
            self._results.refresh()
            total = result.metrics.total_return
            made = "n/a" if total is None else f"{total:+.1%}"
            trades = counted(result.metrics.trades, "trade")
            self._events.info("backtest", f"{result.strategy}: {made} in {trades}.")
            self._check(simulated)
            return f"{made} in {trades}.{remark(result)}", result.result_id

        def begin() -> Job:
            return self._book.note(self._book.board.run("backtest", f"backtest {name}", work, "bars"), begin)

        return begin()

    def _settle(self) -> None:
        """After the first run: the compiler's rooms leave objects that stay, and a full round of the garbage collector
        through them stops the screen for 0.2 s; from now on it passes them over."""
        if not self._settled:
            gc.freeze()
            self._settled = True

    def _check(self, simulated: Simulated) -> None:
        """Check a result that is stored and shown already; what is found is seen as it comes."""
        plain = simulated.result

        def work(job: Job) -> tuple[str, str]:
            from tradebot.engine.backtest.staged import check_and_store

            try:
                checked = check_and_store(
                    simulated,
                    self._registry,
                    self._store,
                    self._clock,
                    self._folder,
                    job.report,
                    job.cancel,
                    self._results.update,
                )
            except BaseException:
                self._results.update(plain)  # as it is stored
                raise
            self._results.update(checked)
            return _said(checked), plain.result_id

        self._book.board.run("check", f"check {plain.strategy}", work, "checks", plain.result_id)


def _said(checked: BacktestResult) -> str:
    findings = () if checked.reality is None else checked.reality.findings
    against = sum(finding.tone.value != "ok" for finding in findings)
    if not checked.valid:
        return "The result is invalid: " + checked.errors[0]
    return f"{counted(against, 'remark')} against it, {len(findings) - against:,} for it."
