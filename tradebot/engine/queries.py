"""Commands that are answered from disk or memory: building (`build_queries`), results, backtests."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from tradebot.engine.build_queries import BuildQueries, is_build_command
from tradebot.engine.control.clock import Clock
from tradebot.engine.control.errors import InputError, did_you_mean
from tradebot.engine.control.events import EventLog
from tradebot.engine.control.jobs import Job
from tradebot.engine.data_queries import import_options, parse_key
from tradebot.engine.job_book import JobBook
from tradebot.engine.messages import (
    BacktestView,
    Command,
    GetResult,
    GetTradeBars,
    GetTrades,
    ResultSummary,
    RunBacktest,
    StrategySummary,
    TradeBars,
)
from tradebot.engine.store import Store
from tradebot.engine.strategy import Registry
from tradebot.engine.strategy.plugins import load_registry

if TYPE_CHECKING:
    from tradebot.engine.backtest.result import BacktestResult
    from tradebot.engine.engine import EngineOptions

_KEPT_RESULTS = 4
__all__ = ["Queries", "import_options", "parse_key"]


class Queries:
    """Answers commands on the calling thread; long ones become jobs. Thread-safe."""

    def __init__(
        self, options: EngineOptions, clock: Clock, events: EventLog, book: JobBook, store: Store
    ) -> None:
        self._settings = options.settings
        self._folders = options.folders
        self._clock = clock
        self._events = events
        self._book = book
        self._store = store
        self._registry, plugin_problems = load_registry(options.folders.plugins)
        for problem in plugin_problems:
            events.warning("plugins", str(problem))
        self._build = BuildQueries(options, events, store, self._registry)
        self._results: OrderedDict[str, BacktestResult] = OrderedDict()
        self._lock = threading.Lock()
        self._listed_results: tuple[int, tuple[ResultSummary, ...]] = (-1, ())
        self.results: tuple[ResultSummary, ...] = ()

    @property
    def registry(self) -> Registry:
        """The indicators and signals there are, plug-ins included."""
        return self._registry

    @property
    def strategies(self) -> tuple[StrategySummary, ...]:
        """The strategies on disk, as of the last look."""
        return self._build.strategies

    @property
    def symbols(self) -> tuple[str, ...] | None:
        """The symbols that are stored, as of the last listing; None: not listed yet."""
        return self._build.symbols

    @symbols.setter
    def symbols(self, symbols: tuple[str, ...]) -> None:
        self._build.symbols = symbols

    def answer(self, command: Command) -> Any:
        """The reply to a command. Raises TradebotError where it is refused."""
        if is_build_command(command):
            return self._build.answer(command)
        match command:
            case RunBacktest():
                return self._run(command).status.job_id
            case GetResult():
                return self._result_view(command)
            case GetTrades():
                return self._trades(command)
            case GetTradeBars():
                return self._trade_bars(command)
            case _:
                raise InputError(f"{type(command).__name__} is not a command of this engine.")

    def refresh(self) -> None:
        """Look again at the strategies and results on disk; files that did not change are not read again."""
        self._build.refresh()
        self.results = self._result_summaries()

    def backtest_saved(self, name: str) -> Job:
        """Backtest a saved strategy as a job."""
        return self._run(RunBacktest(name, self._build.library.read(name)))

    # ------------------------------------------------------------------------------------------ backtests

    def _run(self, command: RunBacktest) -> Job:
        from tradebot.engine.backtest.order import BacktestOrder, carry_out

        order = BacktestOrder(
            command.toml, command.name, command.start, command.end, command.cash, command.overrides
        )

        def work(job: Job) -> tuple[str, str]:
            result = carry_out(
                order,
                self._registry,
                self._store,
                self._settings.backtest,
                self._clock,
                self._folders.results,
                job.report,
                job.say,
                job.cancel,
            )
            self._remember(result)
            self.results = self._result_summaries()
            total = result.metrics.total_return
            made = "n/a" if total is None else f"{total:+.1%}"
            self._events.info("backtest", f"{result.strategy}: {made} in {result.metrics.trades} trades.")
            return f"{made} in {result.metrics.trades} trades.", result.result_id

        def begin() -> Job:
            return self._book.note(
                self._book.board.run("backtest", f"backtest {command.name}", work, "bars"), begin
            )

        return begin()

    def _remember(self, result: BacktestResult) -> None:
        with self._lock:
            self._results[result.result_id] = result
            self._results.move_to_end(result.result_id)
            while len(self._results) > _KEPT_RESULTS:
                self._results.popitem(last=False)

    def _result(self, result_id: str) -> BacktestResult:
        with self._lock:
            known = self._results.get(result_id)
        if known is not None:
            return known
        from tradebot.engine.backtest.folder import read_result

        names = [summary.result_id for summary in self.results]
        if result_id not in names:
            raise InputError(f"There is no result {result_id}.{did_you_mean(result_id, names)}")
        result = read_result(self._folders.results / result_id)
        self._remember(result)
        return result

    def _result_view(self, command: GetResult) -> BacktestView:
        from tradebot.engine.result_views import backtest_view

        result = self._result(command.result_id)
        return backtest_view(result, command.points, str(self._folders.results / result.result_id))

    def _trades(self, command: GetTrades) -> Any:
        from tradebot.engine.result_views import trade_page

        return trade_page(self._result(command.result_id), command.offset, command.limit)

    def _trade_bars(self, command: GetTradeBars) -> TradeBars:
        from tradebot.engine.result_views import trade_bars

        found = trade_bars(
            self._result(command.result_id), self._store, command.trade_id, command.margin_bars
        )
        if found is None:
            raise InputError(f"The result {command.result_id} has no trade {command.trade_id}.")
        return found

    def _result_summaries(self) -> tuple[ResultSummary, ...]:
        from tradebot.engine.backtest.folder import list_results

        folder = self._folders.results
        stamp = folder.stat().st_mtime_ns if folder.is_dir() else 0
        if self._listed_results[0] == stamp:
            return self._listed_results[1]
        found = tuple(
            ResultSummary(
                info.result_id,
                info.strategy,
                info.created_ms,
                info.symbols,
                info.timeframe,
                info.trades,
                info.total_return,
                info.sharpe,
                info.max_drawdown,
            )
            for info in (list_results(folder) if folder.is_dir() else ())
        )
        self._listed_results = (stamp, found)
        return found
