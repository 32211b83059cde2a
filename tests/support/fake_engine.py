"""An engine without an engine: seeded snapshots, honest answers, no threads, no disk. For tests of the screens.

`FakeEngine("full")` has datasets with gaps, running and failed jobs, streams, strategies and results.
`"empty"` is a first run, `"offline"` a first run without a network, `"lost"` a full one whose stream broke,
`"read-only"` a full one whose data folder belongs to another program.
"""

from __future__ import annotations

import math
import random
import typing
from concurrent.futures import Future
from dataclasses import replace
from typing import Any

from tests.support import fake_chart, fake_data
from tests.support.fake_alerts import FakeAlerts
from tests.support.fake_forms import EXAMPLES, FakeForms
from tests.support.fake_logs import FakeLogs
from tests.support.fake_preview import preview
from tests.support.fake_results import NOW_MS, PRICES, RESULT_COMMANDS, FakeResults, make_result, make_trades
from tests.support.fake_settings import FakeSettings
from tradebot.engine import messages as m
from tradebot.engine.control.errors import InputError, ShortfallError, TradebotError

_WRITING = (m.Collect, m.ImportFiles, m.RepairData, m.Unfollow)
_FULL = {"full", "lost", "read-only"}


_BUDGET = m.BudgetView(
    used=96, retries=3, allowed=450, rate=88.0, retries_by_kind=(("10006", 2), ("timeout", 1))
)
_STREAMS = (
    m.StreamView("kline", 12, 12.0, 38.0, 0.4, 1, 0),
    m.StreamView("tickers", 8, 348.0, 41.0, 0.1, 1, 0),
)


class FakeEngine:
    """Answers every command at once and plausibly; `hold` keeps replies back until `release`."""

    def __init__(self, scenario: str = "full", *, seed: int = 7, trades: int = 400) -> None:
        self.scenario = scenario
        self.commands: list[m.Command] = []
        self.started = 0
        self.stopped = 0
        self.start_error: TradebotError | None = None
        self.refuse: dict[type[Any], str] = {}
        self.held: list[tuple[Future[Any], Any]] | None = None
        self.now_ms = NOW_MS
        self.ticks = 0
        self._random = random.Random(seed)
        self._seed = seed
        self.forms = FakeForms(dict(EXAMPLES) if scenario != "bare" else {}, {"ema-x"}, NOW_MS)
        self.logs = FakeLogs(scenario in _FULL)
        self.settings = FakeSettings()
        self.alerts = FakeAlerts()
        self._jobs: dict[int, m.JobView] = {}
        self._next_job = 10
        self._results: dict[str, m.BacktestView] = {}
        self._trades: dict[str, tuple[m.TradeRow, ...]] = {}
        self._datasets: tuple[m.DatasetView, ...] = ()
        self.banned_until_ms: int | None = None
        self._reports: dict[str, m.DataReport] = {}
        self._quotes = self._make_quotes()
        self._events: list[m.EventView] = []
        self.health = m.HealthView()
        self.trends: tuple[m.TrendView, ...] = ()
        if scenario in _FULL:
            self._datasets = fake_data.make_datasets()
            for job in fake_data.make_jobs():
                self._jobs[job.job_id] = job
            self.add_result("bt-0193", "ema-x", trades, 1_800_000)
            self.add_result("bt-0192", "rsi-dip", 0, 90_000_000)

    # ---------------------------------------------------------------------------------------- the handle

    def start(self) -> None:
        self.started += 1
        if self.start_error is not None:
            raise self.start_error

    def stop(self, timeout: float) -> None:
        self.stopped += 1

    def snapshot(self) -> m.EngineSnapshot:
        full = self.scenario in _FULL
        rates = tuple(
            float(max(0, round(300 + 140 * math.sin(i / 3.1) + 60 * math.sin(i / 1.3)))) for i in range(60)
        )
        return m.EngineSnapshot(
            time_ms=self.now_ms,
            mode="demo" if full else "data",
            source="simulator, seed 1" if full else "api.bybit.com",
            data_folder="data",
            ready=True,
            kernels="ready" if full else "compiling",
            connection=self._connection(),
            budget=replace(_BUDGET, banned_until_ms=self.banned_until_ms) if full else m.BudgetView(),
            streams=_STREAMS if full else (),
            message_rates=rates if full else (),
            quotes=self._quotes if full else (),
            datasets=self._datasets,
            jobs=tuple(self._jobs.values()),
            strategies=self.forms.summaries(),
            results=tuple(self._summary(view) for view in self._results.values()),
            events=tuple(self._events),
            free_bytes=412_000_000_000,
            data_bytes=sum(dataset.bytes for dataset in self._datasets),
            read_only=fake_data.READ_ONLY if self.scenario == "read-only" else "",
            alerts=self.alerts.alerts,
            health=self.health,
            trends=self.trends,
        )

    def execute(self, command: m.Command) -> Future[Any]:
        self.commands.append(command)
        future: Future[Any] = Future()
        outcome: Any
        try:
            refusal = self.refuse.get(type(command))
            outcome = InputError(refusal) if refusal else self._answer(command)
        except TradebotError as error:
            outcome = error
        if self.held is not None:
            self.held.append((future, outcome))
        else:
            _settle(future, outcome)
        return future

    # ---------------------------------------------------------------------------------------- for tests

    def hold(self) -> None:
        """Keep replies back from now on."""
        self.held = []

    def release(self) -> None:
        """Hand out what was kept back, and answer at once again."""
        held, self.held = self.held or [], None
        for future, outcome in held:
            _settle(future, outcome)

    def asked(self, kind: type[Any]) -> list[Any]:
        """The commands of one type so far."""
        return [command for command in self.commands if isinstance(command, kind)]

    def tick(self, seconds: float = 0.25) -> None:
        """Let time pass: prices move, jobs go on; a backtest is done after a second."""
        self.ticks += 1
        self.now_ms += round(seconds * 1000)
        self._quotes = tuple(self._moved(quote) for quote in self._quotes)
        for job in list(self._jobs.values()):
            if job.state == "running" and job.total:
                self._advance(job, seconds)

    def grow(self, key: str, bars: int = 1) -> None:
        """Store more bars of a dataset."""
        self._datasets = tuple(
            replace(each, rows=each.rows + bars, last_ms=each.last_ms + bars * 60_000)
            if each.key == key
            else each
            for each in self._datasets
        )

    def say(self, level: str, sentence: str, source: str = "engine") -> None:
        """Record an event."""
        self._events.append(m.EventView(len(self._events) + 1, self.now_ms, level, source, sentence))

    def add_result(self, result_id: str, strategy: str, trades: int, age_ms: int = 0) -> None:
        """Put a result into the store."""
        rows = make_trades(self._seed, trades)
        self._trades[result_id] = rows
        self._results[result_id] = make_result(self._seed, result_id, strategy, rows, self.now_ms - age_ms)

    # ---------------------------------------------------------------------------------------- commands

    def _answer(self, command: m.Command) -> Any:
        if isinstance(command, typing.get_args(m.BuildCommand)):
            return self.forms.answer(command)
        if isinstance(command, typing.get_args(m.SettingsCommand)):
            return self.settings.answer(command, "https://api.bybit.com")
        if isinstance(command, typing.get_args(m.LogCommand)):
            return self.logs.answer(command)
        if isinstance(command, typing.get_args(m.AlertCommand)):
            return self.alerts.answer(command, self.now_ms)
        if isinstance(command, RESULT_COMMANDS):
            return FakeResults(self._results, self._trades).answer(command)
        if isinstance(command, typing.get_args(m.ChartCommand)):
            return fake_chart.answer(command, self._datasets, self.now_ms)
        match command:
            case m.Preview():
                return preview(command)
            case m.RunBacktest(name=name):
                return self._start("backtest", f"backtest {name}", 100, "%")
            case m.RerunResult(result_id=result_id):
                return self._start("backtest", f"backtest {self._results[result_id].strategy}", 100, "%")
            case _:
                return self._answer_data(command)

    def _answer_data(self, command: m.Command) -> Any:
        if self.scenario == "read-only" and isinstance(command, _WRITING):
            raise ShortfallError(fake_data.READ_ONLY)
        match command:
            case m.Collect(symbols=symbols, timeframes=frames):
                return self._start(
                    "collect", f"collect {' '.join(symbols)} {' '.join(frames)}", 44_640, "bars"
                )
            case m.ImportFiles(paths=paths):
                return self._start("import", f"import {paths[0]}", 527_040, "rows")
            case m.RepairData(keys=keys):
                return self._start("repair", f"repair {keys[0]}", 7, "gaps")
            case m.ExportDataset(key=key):
                return self._start("export", f"export {key}", 9e6, "bytes")
            case m.BackUp():
                return self._start("backup", "back up all data", 9e6, "bytes")
            case m.VerifyData(keys=keys):
                self._reports = {
                    **self._reports,
                    keys[0]: fake_data.check(fake_data.found(self._datasets, keys[0])),
                }
                return self._start("verify", f"verify {keys[0]}", 1, "datasets")
            case m.CheckData(key=key):
                return fake_data.check(fake_data.found(self._datasets, key))
            case m.GetReport(key=key):
                return self._known(self._reports, key, "report of")
            case m.GetMonths(key=key):
                return fake_data.months(fake_data.found(self._datasets, key))
            case m.GetSymbols(category=category):
                return fake_data.symbols(category)
            case m.EstimateCollect(collect=collect):
                return fake_data.estimate(collect, self.now_ms)
            case m.Unfollow(keys=keys):
                self._datasets = tuple(
                    replace(each, state="idle") if each.key in keys else each for each in self._datasets
                )
                return len(keys)
            case m.RetryJob(job_id=number):
                job, self._next_job = self._jobs.pop(number), self._next_job + 1
                self._jobs[self._next_job] = fake_data.retried(job, self._next_job)
                return self._next_job
            case m.CancelJob(job_id=number):
                job = self._jobs.get(number)
                if job is None or job.state not in {"running", "queued"}:
                    return False
                self._jobs[number] = replace(
                    job, state="cancelled", sentence="Stopped by you; what was written stays.", resumable=True
                )
                return True
        raise AssertionError(command)

    def _known(self, table: dict[str, Any], key: str, what: str) -> Any:
        if key not in table:
            raise InputError(f'There is no {what} "{key}"; choose one of the list.')
        return table[key]

    def _start(self, kind: str, title: str, total: float, unit: str) -> int:
        number = self._next_job
        self._next_job += 1
        self._jobs[number] = m.JobView(
            number, kind, title, "running", 0.0, total, unit, total / 2, 2.0, started_ms=self.now_ms
        )
        return number

    def _advance(self, job: m.JobView, seconds: float) -> None:
        job = fake_data.advance(job, seconds)
        done = job.done
        if done >= job.total and job.kind == "backtest":
            result_id = f"bt-{200 + job.job_id}"
            self.add_result(result_id, job.title.removeprefix("backtest "), 120)
            job = replace(
                job, state="done", sentence="Done in 1.8 s.", result_id=result_id, ended_ms=self.now_ms
            )
        elif done >= job.total:
            job = replace(job, state="done", sentence="Done.", ended_ms=self.now_ms)
        self._jobs[job.job_id] = job

    # ---------------------------------------------------------------------------------------- data

    def _connection(self) -> m.ConnectionView:
        if self.scenario == "offline":
            return m.ConnectionView(
                "https://api.bybit.com", "lost", None, "lost", None, None, 3,
                "api.bybit.com cannot be reached: its name is not known here. Asked again in 8 s.",
            )  # fmt: skip
        if self.scenario == "lost":
            return m.ConnectionView(
                "https://api.bybit.com", "ok", 41.0, "lost", None, 47.0, 6,
                "The stream is silent for 47 s; connecting again in 8 s. Bars missed meanwhile are filled by REST.",
            )  # fmt: skip
        if self.scenario == "empty":
            return m.ConnectionView("https://api.bybit.com", "ok", 112.0, "off")
        return m.ConnectionView("http://127.0.0.1:9999", "ok", 41.0, "ok", 38.0, 0.1, 0)

    def _make_quotes(self) -> tuple[m.QuoteView, ...]:
        changes = (0.0082, -0.0015, 0.0241, 0.0031, -0.0172, 0.0005, -0.0064, 0.0113)
        volumes = (1.9e9, 8.11e8, 3.02e8, 1.18e8, 9.6e7, 4.1e7, 3.8e7, 3.5e7)
        return tuple(
            m.QuoteView(symbol, f"{price:.{decimals}f}", change, volume, 0.0001, 100 + 150 * number)
            for number, ((symbol, (price, decimals)), change, volume) in enumerate(
                zip(PRICES.items(), changes, volumes, strict=True)
            )
        )

    def _moved(self, quote: m.QuoteView) -> m.QuoteView:
        price, decimals = float(quote.last), PRICES[quote.symbol][1]
        if self._random.random() < 0.5:
            return replace(quote, age_ms=quote.age_ms + 250)
        moved = price * (1 + self._random.gauss(0, 0.0002))
        return replace(quote, last=f"{moved:.{decimals}f}", age_ms=self._random.randrange(20, 250))

    # ---------------------------------------------------------------------------------------- results

    def _summary(self, view: m.BacktestView) -> m.ResultSummary:
        gain = view.equity[-1] / view.equity[0] - 1 if view.trade_count else 0.0
        return m.ResultSummary(
            view.result_id, view.strategy, view.created_ms, view.symbols, view.timeframe, view.trade_count,
            gain, 1.41 if view.trade_count else None, min(view.drawdown),
        )  # fmt: skip


def _settle(future: Future[Any], outcome: Any) -> None:
    if isinstance(outcome, TradebotError):
        future.set_exception(outcome)
    else:
        future.set_result(outcome)
