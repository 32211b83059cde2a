"""Commands that are answered from disk or memory: building (`build_queries`), results (`result_queries`), backtests."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tradebot.engine.backtest_jobs import Backtests
from tradebot.engine.build_queries import BuildQueries, is_build_command
from tradebot.engine.chart_queries import ChartQueries, is_chart_command
from tradebot.engine.control.clock import Clock
from tradebot.engine.control.errors import InputError
from tradebot.engine.control.events import EventLog
from tradebot.engine.control.jobs import Job
from tradebot.engine.data_queries import import_options, parse_key
from tradebot.engine.job_book import JobBook
from tradebot.engine.log_queries import LogQueries
from tradebot.engine.messages import (
    Command,
    RerunResult,
    ResultSummary,
    RunBacktest,
    StrategySummary,
)
from tradebot.engine.result_queries import ResultQueries, is_result_command
from tradebot.engine.store import Store
from tradebot.engine.strategy import Registry
from tradebot.engine.strategy.plugins import load_registry

if TYPE_CHECKING:
    from tradebot.engine.engine import EngineOptions

__all__ = ["Queries", "import_options", "parse_key"]


class Queries:
    """Answers commands on the calling thread; long ones become jobs. Thread-safe.

    `kernels` tells the state of the compiled kernels and why they failed.
    """

    def __init__(
        self,
        options: EngineOptions,
        clock: Clock,
        events: EventLog,
        book: JobBook,
        store: Store,
        kernels: Callable[[], tuple[str, str]],
    ) -> None:
        self._registry, plugin_problems = load_registry(options.folders.plugins)
        for problem in plugin_problems:
            events.warning("plugins", str(problem))
        self._logs = LogQueries(options.folders.logs)
        self._build = BuildQueries(options, events, store, self._registry)
        self._results = ResultQueries(options, events, store, self._registry)
        self._charts = ChartQueries(
            store, self._registry, self._build.library.read, self._results.result, kernels
        )
        self._backtests = Backtests(options, clock, events, book, store, self._registry, self._results)

    @property
    def registry(self) -> Registry:
        """The indicators and signals there are, plug-ins included."""
        return self._registry

    @property
    def strategies(self) -> tuple[StrategySummary, ...]:
        """The strategies on disk, as of the last look."""
        return self._build.strategies

    @property
    def results(self) -> tuple[ResultSummary, ...]:
        """The results on disk, as of the last look."""
        return self._results.results

    @property
    def symbols(self) -> tuple[str, ...] | None:
        """The symbols that are stored, as of the last listing; None: not listed yet."""
        return self._build.symbols

    @symbols.setter
    def symbols(self, symbols: tuple[str, ...]) -> None:
        self._build.symbols = symbols

    def answer(self, command: Command) -> Any:
        """The reply to a command. Raises TradebotError where it is refused."""
        about_logs = self._logs.answer(command)
        if about_logs is not None:
            return about_logs
        if is_build_command(command):
            return self._build.answer(command)
        if is_result_command(command):
            return self._results.answer(command)
        if is_chart_command(command):
            return self._charts.answer(command)
        match command:
            case RunBacktest():
                return self._backtests.run(command).status.job_id
            case RerunResult():
                return self._backtests.rerun(command.result_id).status.job_id
            case _:
                raise InputError(f"{type(command).__name__} is not a command of this engine.")

    def refresh(self) -> None:
        """Look again at the strategies and results on disk; files that did not change are not read again."""
        self._build.refresh()
        self._results.refresh()

    def backtest_saved(self, name: str) -> Job:
        """Backtest a saved strategy as a job."""
        return self._backtests.run(RunBacktest(name, self._build.library.read(name)))
