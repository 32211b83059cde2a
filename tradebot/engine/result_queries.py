"""Commands about stored results, answered from disk or memory: views, trades, comparisons, reports, deletion."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, TypeGuard, get_args

from tradebot.engine.control.errors import InputError, ShortfallError, TradebotError, did_you_mean
from tradebot.engine.control.events import EventLog
from tradebot.engine.control.files import write_atomically
from tradebot.engine.messages import (
    BacktestView,
    CompareResults,
    ComparisonView,
    DeleteResult,
    ExplainTrade,
    GetAnalysis,
    GetResult,
    GetTradeBars,
    GetTrades,
    ResultAnalysis,
    ResultCommand,
    ResultSummary,
    TradeBars,
    TradePage,
    TradeWhy,
    WriteReport,
)
from tradebot.engine.store import Store
from tradebot.engine.strategy import Registry

if TYPE_CHECKING:
    from tradebot.engine.backtest.checks.trade_path import TradePath, Walked
    from tradebot.engine.backtest.results.result import BacktestResult
    from tradebot.engine.backtest.results.trade_selection import TradeSelection
    from tradebot.engine.engine import EngineOptions

_KEPT_RESULTS = 4
_KEPT_SELECTIONS = 8
_Asked = GetResult | GetTrades | GetTradeBars | ResultCommand
REPORT_FILE = "report.html"


def is_result_command(command: object) -> TypeGuard[_Asked]:
    """Whether a command is one of those that are answered here."""
    return isinstance(command, get_args(_Asked))


class ResultQueries:
    """Answers on the calling thread, keeping the results that were looked at last. Thread-safe."""

    def __init__(self, options: EngineOptions, events: EventLog, store: Store, registry: Registry) -> None:
        self._folder = options.folders.results
        self._events = events
        self._store = store
        self._registry = registry
        self._results: OrderedDict[str, BacktestResult] = OrderedDict()
        self._selections: OrderedDict[tuple[str, str, str], TradeSelection] = OrderedDict()
        self._walked: tuple[tuple[str, int], Walked] | None = None
        self._lock = threading.Lock()
        self._listed: tuple[int, tuple[ResultSummary, ...]] = (-1, ())
        self.results: tuple[ResultSummary, ...] = ()

    def refresh(self) -> None:
        """Look again at the results on disk; nothing is read where nothing was put there or taken away."""
        self.results = self._summaries()

    def remember(self, result: BacktestResult) -> None:
        """Keep a result at hand."""
        with self._lock:
            self._results[result.result_id] = result
            self._results.move_to_end(result.result_id)
            while len(self._results) > _KEPT_RESULTS:
                self._results.popitem(last=False)

    def update(self, result: BacktestResult) -> None:
        """Know more of a result that is at hand; one that was let go or deleted stays away."""
        with self._lock:
            if result.result_id in self._results:
                self._results[result.result_id] = result

    def answer(self, command: _Asked) -> Any:
        """The reply to a command. Raises TradebotError where it is refused."""
        match command:
            case GetResult():
                return self._view(command)
            case GetTrades():
                return self._trades(command)
            case GetTradeBars():
                return self._trade_bars(command)
            case GetAnalysis():
                return self._analysis(command)
            case ExplainTrade():
                return self._explain(command)
            case CompareResults():
                return self._compare(command)
            case DeleteResult():
                return self._delete(command)
            case WriteReport():
                return self._report(command)

    # ------------------------------------------------------------------------------------------ results

    def result(self, result_id: str) -> BacktestResult:
        """A stored result, from memory or disk. InputError where there is none of that name."""
        with self._lock:
            known = self._results.get(result_id)
        if known is not None:
            return known
        from tradebot.engine.backtest.results.folder import read_result

        names = [summary.result_id for summary in self.results]
        if result_id not in names:
            raise InputError(f"There is no result {result_id}.{did_you_mean(result_id, names)}")
        result = read_result(self._folder / result_id)
        self.remember(result)
        return result

    def _view(self, command: GetResult) -> BacktestView:
        from tradebot.engine.result_views import backtest_view

        result = self.result(command.result_id)
        return backtest_view(result, command.points, str(self._folder / result.result_id))

    def _analysis(self, command: GetAnalysis) -> ResultAnalysis:
        from tradebot.engine.result_analysis import result_analysis

        return result_analysis(self.result(command.result_id))

    def _compare(self, command: CompareResults) -> ComparisonView:
        from tradebot.engine.result_analysis import comparison_view

        return comparison_view([self.result(each) for each in command.result_ids], command.points)

    def _delete(self, command: DeleteResult) -> str:
        from tradebot.engine.backtest.results.runs import delete_result

        moved = delete_result(self._folder, command.result_id)
        with self._lock:
            self._results.pop(command.result_id, None)
            for key in [key for key in self._selections if key[0] == command.result_id]:
                del self._selections[key]
        self._listed = (-1, ())
        self.refresh()
        self._events.info("results", f"{command.result_id} was moved to {moved.parent}.")
        return str(moved)

    def _report(self, command: WriteReport) -> str:
        from tradebot.engine.html_report import html_report

        result = self.result(command.result_id)
        findings = result.reality.findings if result.reality is not None else ()
        path = (self._folder / result.result_id / REPORT_FILE).absolute()
        try:
            write_atomically(path, html_report(result, [(each.tone.value, each.text) for each in findings]))
        except OSError as error:
            raise ShortfallError(
                f"The report could not be written to {path} ({error.strerror or 'refused'}); close programs that have "
                "it open, then try again."
            ) from None
        return str(path)

    # ------------------------------------------------------------------------------------------ trades

    def _trades(self, command: GetTrades) -> TradePage:
        from tradebot.engine.result_views import trade_page

        result = self.result(command.result_id)
        selection = self._selection(result, " ".join(command.find.split()), command.sort)
        return trade_page(result, command.offset, command.limit, selection)

    def _selection(self, result: BacktestResult, find: str, sort: str) -> TradeSelection:
        from tradebot.engine.backtest.results.trade_selection import select_trades

        key = (result.result_id, find, sort)
        with self._lock:
            known = self._selections.get(key)
        if known is None:
            known = select_trades(result, find, sort)
            with self._lock:
                self._selections[key] = known
                while len(self._selections) > _KEPT_SELECTIONS:
                    self._selections.popitem(last=False)
        return known

    def _trade_bars(self, command: GetTradeBars) -> TradeBars:
        from tradebot.engine.result_views import trade_bars

        result = self.result(command.result_id)
        path = self._path(result, command.trade_id) if command.paths else None
        found = trade_bars(
            result, self._store, self._registry, command.trade_id, command.margin_bars, command.leg, path
        )
        if found is None:
            raise InputError(f"The result {command.result_id} has no trade {command.trade_id}.")
        return found

    def _path(self, result: BacktestResult, trade_id: int) -> TradePath | None:
        """How the levels of a trade moved; None where its data is not there any more or its walk is another one."""
        from tradebot.engine.backtest.checks.trade_path import load_walk, trade_path

        legs = result.trades[result.trades["trade_id"] == trade_id]
        if not len(legs) or not result.parts:
            return None
        key = (result.result_id, int(legs["slot"][0]))
        with self._lock:
            known = self._walked
        if known is None or known[0] != key:
            try:
                known = (key, load_walk(result, self._registry, self._store, key[1]))
            except TradebotError:
                return None
            with self._lock:
                self._walked = known
        return trade_path(known[1], legs)

    def _explain(self, command: ExplainTrade) -> TradeWhy:
        import numpy as np

        from tradebot.engine.backtest.checks.why_trade import why_trade
        from tradebot.engine.result_analysis import trade_why

        result = self.result(command.result_id)
        reason = why_trade(result, self._registry, self._store, command.trade_id, command.leg)
        row = int(np.flatnonzero(result.trades["trade_id"] == command.trade_id)[0])
        return trade_why(reason, result.price_decimals[int(result.trades["slot"][row])])

    # ------------------------------------------------------------------------------------------ the list

    def _summaries(self) -> tuple[ResultSummary, ...]:
        from tradebot.engine.backtest.results.folder import list_results

        folder = self._folder
        stamp = folder.stat().st_mtime_ns if folder.is_dir() else 0
        if self._listed[0] == stamp:
            return self._listed[1]
        found = tuple(
            ResultSummary(
                info.result_id,
                info.strategy,
                info.created_ms,
                tuple(dict.fromkeys(info.symbols)),
                info.timeframe,
                info.trades,
                info.total_return,
                info.sharpe,
                info.max_drawdown,
            )
            for info in (list_results(folder) if folder.is_dir() else ())
        )
        self._listed = (stamp, found)
        return found
