"""Commands that are answered from disk or memory: forms, strategies, results, imports, checks, backtests."""

from __future__ import annotations

import threading
from collections import OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tradebot.engine.control.clock import Clock
from tradebot.engine.control.errors import InputError, TradebotError, did_you_mean
from tradebot.engine.control.events import EventLog
from tradebot.engine.control.jobs import Job, JobBoard
from tradebot.engine.control.progress import Progress
from tradebot.engine.market import DatasetKey
from tradebot.engine.market.times import parse_utc_offset
from tradebot.engine.messages import (
    BacktestView,
    CheckData,
    Command,
    DataReport,
    DeleteStrategy,
    EditForm,
    FormView,
    GetComponents,
    GetResult,
    GetTradeBars,
    GetTrades,
    ImportFiles,
    NewStrategy,
    OpenForm,
    OpenToml,
    ResultSummary,
    RunBacktest,
    SaveStrategy,
    StrategySummary,
    TradeBars,
)
from tradebot.engine.store import ImportOptions, Store
from tradebot.engine.strategy import builtin_registry, check_strategy
from tradebot.engine.strategy.editing import apply_edit
from tradebot.engine.strategy.form import build_form, component_choices
from tradebot.engine.strategy.library import StrategyFile, StrategyLibrary

if TYPE_CHECKING:
    from tradebot.engine.backtest.result import BacktestResult
    from tradebot.engine.engine import EngineOptions

_KEPT_RESULTS = 4
_NEW_STRATEGY = """\
[strategy]
name = "New strategy"
category = "linear"
symbols = ["{symbol}"]
timeframe = "15m"

[entry]
combine = "unanimous"
signals = []

[risk]
sizing = {{ use = "equity", percent = 50 }}
stop_loss = {{ use = "percent", percent = 3.0 }}
"""


class Queries:
    """Answers commands on the calling thread; long ones become jobs. Thread-safe."""

    def __init__(
        self, options: EngineOptions, clock: Clock, events: EventLog, jobs: JobBoard, store: Store
    ) -> None:
        self._settings = options.settings
        self._folders = options.folders
        self._clock = clock
        self._events = events
        self._jobs = jobs
        self._store = store
        self._registry = builtin_registry()
        self._library = StrategyLibrary(options.folders.strategies, options.folders.shipped_strategies)
        self._results: OrderedDict[str, BacktestResult] = OrderedDict()
        self._lock = threading.Lock()
        self._read_strategies: dict[Path, tuple[tuple[int, int], StrategySummary]] = {}
        self._listed_results: tuple[int, tuple[ResultSummary, ...]] = (-1, ())
        self.strategies: tuple[StrategySummary, ...] = ()
        self.results: tuple[ResultSummary, ...] = ()

    def answer(self, command: Command) -> Any:  # noqa: C901 - one line a command
        """The reply to a command. Raises TradebotError where it is refused."""
        match command:
            case OpenForm():
                return self._form(self._library.read(command.name))
            case OpenToml():
                return self._form(command.text)
            case NewStrategy():
                return self._form(_NEW_STRATEGY.format(symbol=command.symbol or self._first_symbol()))
            case EditForm():
                return self._form(apply_edit(command.toml, command.edit, self._registry))
            case GetComponents():
                return component_choices(self._registry)
            case SaveStrategy():
                return self._save(command)
            case DeleteStrategy():
                return self._delete(command.name)
            case RunBacktest():
                return self._run(command).status.job_id
            case GetResult():
                return self._result_view(command)
            case GetTrades():
                return self._trades(command)
            case GetTradeBars():
                return self._trade_bars(command)
            case ImportFiles():
                return self._import(command).status.job_id
            case CheckData():
                return self._check(command.key)
            case _:
                raise InputError(f"{type(command).__name__} is not a command of this engine.")

    def refresh(self) -> None:
        """Look again at the strategies and results on disk; files that did not change are not read again."""
        self.strategies = tuple(self._strategy_summary(file) for file in self._library.files())
        self.results = self._result_summaries()

    def backtest_saved(self, name: str) -> Job:
        """Backtest a saved strategy as a job."""
        return self._run(RunBacktest(name, self._library.read(name)))

    # ------------------------------------------------------------------------------------------ strategies

    def _form(self, toml: str) -> FormView:
        symbols = tuple(dict.fromkeys(info.key.symbol for info in self._store.datasets()))
        costs = self._settings.backtest.linear
        defaults = {
            f"costs.{name}": f"{getattr(costs, name):g}"
            for name in ("taker_fee_percent", "maker_fee_percent", "slippage_percent", "half_spread_percent")
        }
        defaults["costs.funding"] = "true" if costs.funding else "false"
        return build_form(toml, self._registry, symbols, defaults)

    def _first_symbol(self) -> str:
        datasets = self._store.datasets()
        return datasets[0].key.symbol if datasets else self._settings.collect.symbols[0]

    def _save(self, command: SaveStrategy) -> str:
        path = self._library.save(command.name, command.toml)
        self.refresh()
        return path.stem

    def _delete(self, name: str) -> bool:
        kept = self._library.delete(name)
        self._events.info("strategies", f"{name} was moved to {kept}.")
        self.refresh()
        return True

    def _strategy_summary(self, file: StrategyFile) -> StrategySummary:
        state = file.path.stat()
        stamp = (state.st_mtime_ns, state.st_size)
        known = self._read_strategies.get(file.path)
        if known is not None and known[0] == stamp:
            return known[1]
        summary = self._summarise(file)
        self._read_strategies[file.path] = (stamp, summary)
        return summary

    def _summarise(self, file: StrategyFile) -> StrategySummary:
        try:
            checked = check_strategy(self._library.read(str(file.path)), file.path.name, self._registry)
        except TradebotError as error:
            return StrategySummary(file.name, file.name, (), "", file.example, error.sentence)
        problem = f"{checked.errors[0].path} {checked.errors[0].sentence}".strip() if checked.errors else ""
        spec = checked.spec
        if spec is None:
            return StrategySummary(file.name, file.name, (), "", file.example, problem)
        return StrategySummary(
            file.name, spec.name, spec.symbols, spec.timeframe.value, file.example, problem
        )

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

        return self._jobs.run("backtest", f"backtest {command.name}", work, "bars")

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

    # ------------------------------------------------------------------------------------------ data

    def _import(self, command: ImportFiles) -> Job:
        options = import_options(command.category, command.symbol, command.timeframe, command.clock)
        if not command.paths:
            raise InputError("There is no file to import: name at least one.")

        files = import_files_of(tuple(Path(path) for path in command.paths))

        def work(job: Job) -> tuple[str, str]:
            done: list[str] = []
            refused: list[str] = []
            for number, file in enumerate(files):
                job.cancel.check()
                job.report(Progress(number, len(files), "files", 0.0, None, file.name))
                try:
                    done.append(self._store.import_file(file, options).sentence)
                except InputError as error:
                    refused.append(error.sentence)
                self._events.info("import", (done + refused)[-1])
            if refused:
                others = [f"{len(done)} other files were imported."] if done else []
                raise InputError(" ".join([*refused, *others]))
            return " ".join(done[-2:]), ""

        names = ", ".join(Path(path).name for path in command.paths[:2])
        return self._jobs.run("import", f"import {names}", work, "files")

    def _check(self, key_text: str) -> DataReport:
        report = self._store.check(parse_key(key_text))
        findings = tuple((finding.level.value, finding.sentence) for finding in report.findings)
        return DataReport(key_text, not report.failed, findings)


def import_files_of(paths: tuple[Path, ...]) -> tuple[Path, ...]:
    """The files that are meant: a folder stands for the .csv and .csv.gz files in it. Raises InputError."""
    files: list[Path] = []
    for path in paths:
        if not path.is_dir():
            files.append(path)
            continue
        inside = sorted(each for each in path.iterdir() if each.name.endswith((".csv", ".csv.gz")))
        if not inside:
            raise InputError(f"The folder {path} holds no .csv or .csv.gz file to import.")
        files += inside
    return tuple(files)


def import_options(category: str, symbol: str, timeframe: str, clock: str) -> ImportOptions:
    """Options of an import from texts; empty ones are left to the file's name. Raises InputError."""
    try:
        offset = parse_utc_offset(clock) if clock.strip() else None
    except ValueError as error:
        raise InputError(f"{error}.") from None
    return ImportOptions(category or None, symbol.upper() or None, timeframe or None, offset)


def parse_key(text: str) -> DatasetKey:
    """`BTCUSDT_1m` or `spot/BTCUSDT_1m` as a key; linear where no category is named. Raises InputError."""
    category, slash, name = text.strip().removesuffix(".csv").rpartition("/")
    symbol, underscore, rest = name.partition("_")
    try:
        return DatasetKey.parse(f"{category}{slash}{symbol.upper()}{underscore}{rest}")
    except ValueError:
        raise InputError(
            f"{text!r} names no dataset; write SYMBOL_TIMEFRAME such as BTCUSDT_1m, or spot/BTCUSDT_1m."
        ) from None
