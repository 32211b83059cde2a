"""An engine without an engine: seeded snapshots, honest answers, no threads, no disk. For tests of the screens.

`FakeEngine("full")` has datasets with gaps, running and failed jobs, streams, strategies and results.
`"empty"` is a first run, `"offline"` a first run without a network, `"lost"` a full one whose stream broke.
"""

from __future__ import annotations

import math
import random
from concurrent.futures import Future
from dataclasses import replace
from typing import Any

from tests.support.fake_forms import COMPONENTS, EXAMPLES, apply_edit, form_of, parse
from tests.support.fake_results import DAY, MINUTE, NOW_MS, PRICES, make_result, make_trades, trade_bars
from tradebot.engine import messages as m
from tradebot.engine.control.errors import InputError, TradebotError

_STEP = {"1m": MINUTE, "5m": 5 * MINUTE, "15m": 15 * MINUTE, "1h": 60 * MINUTE, "4h": 240 * MINUTE, "1d": DAY}


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
        self._strategies = dict(EXAMPLES) if scenario != "bare" else {}
        self._mine: set[str] = {"ema-x"}
        self._jobs: dict[int, m.JobView] = {}
        self._next_job = 10
        self._results: dict[str, m.BacktestView] = {}
        self._trades: dict[str, tuple[m.TradeRow, ...]] = {}
        self._datasets: tuple[m.DatasetView, ...] = ()
        self._quotes = self._make_quotes()
        self._events: list[m.EventView] = []
        if scenario in {"full", "lost"}:
            self._datasets = self._make_datasets()
            for job in self._make_jobs():
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
        full = self.scenario in {"full", "lost"}
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
            budget=m.BudgetView(used=96, retries=3) if full else m.BudgetView(),
            streams=(m.StreamView("kline", 12, 12.0), m.StreamView("tickers", 8, 348.0)) if full else (),
            message_rates=rates if full else (),
            quotes=self._quotes if full else (),
            datasets=self._datasets,
            jobs=tuple(self._jobs.values()),
            strategies=self._summaries(),
            results=tuple(self._summary(view) for view in self._results.values()),
            events=tuple(self._events),
            free_bytes=412_000_000_000,
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

    def say(self, level: str, sentence: str) -> None:
        """Record an event."""
        self._events.append(m.EventView(len(self._events) + 1, self.now_ms, level, "engine", sentence))

    def add_result(self, result_id: str, strategy: str, trades: int, age_ms: int = 0) -> None:
        """Put a result into the store."""
        rows = make_trades(self._seed, trades)
        self._trades[result_id] = rows
        self._results[result_id] = make_result(self._seed, result_id, strategy, rows, self.now_ms - age_ms)

    # ---------------------------------------------------------------------------------------- commands

    def _answer(self, command: m.Command) -> Any:
        match command:
            case m.Collect(symbols=symbols, timeframes=frames):
                return self._start(
                    "collect", f"collect {' '.join(symbols)} {' '.join(frames)}", 44_640, "bars"
                )
            case m.ImportFiles(paths=paths):
                return self._start("import", f"import {paths[0]}", 527_040, "rows")
            case m.CancelJob(job_id=number):
                job = self._jobs.get(number)
                if job is None or job.state not in {"running", "queued"}:
                    return False
                self._jobs[number] = replace(
                    job, state="cancelled", sentence="Stopped by you; what was written stays."
                )
                return True
            case m.CheckData(key=key):
                return self._check(key)
            case m.GetComponents():
                return COMPONENTS
            case m.RunBacktest(name=name):
                return self._start("backtest", f"backtest {name}", 100, "%")
            case m.GetResult(result_id=key):
                return self._known(self._results, key, "result")
            case m.GetTrades(result_id=key, offset=offset, limit=limit):
                rows = self._known(self._trades, key, "result")
                return m.TradePage(len(rows), offset, tuple(rows[offset : offset + limit]))
            case m.GetTradeBars(result_id=key, trade_id=number, margin_bars=margin):
                return trade_bars(self._known(self._trades, key, "result"), number, margin)
            case _:
                return self._answer_strategies(command)

    def _answer_strategies(self, command: m.Command) -> Any:
        match command:
            case m.OpenForm(name=name):
                return form_of(parse(self._known(self._strategies, name, "strategy")))
            case m.OpenToml(text=text):
                return form_of(parse(text))
            case m.NewStrategy(symbol=symbol):
                return form_of(
                    {
                        "strategy": {
                            "category": "linear",
                            "symbols": [symbol] if symbol else [],
                            "timeframe": "15m",
                        }
                    }
                )
            case m.EditForm(toml=toml, edit=edit):
                return form_of(apply_edit(parse(toml), edit))
            case m.SaveStrategy(name=name, toml=toml):
                self._strategies[name] = toml
                self._mine.add(name)
                return name
            case m.DeleteStrategy(name=name):
                self._known(self._strategies, name, "strategy")
                del self._strategies[name]
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
        done = min(job.total, job.done + job.rate * seconds)
        left = (job.total - done) / job.rate if job.rate else None
        job = replace(job, done=done, eta_seconds=left)
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

    def _make_datasets(self) -> tuple[m.DatasetView, ...]:
        plan = (
            ("BTCUSDT", "1m", 1338, 0, "live"), ("BTCUSDT", "5m", 1700, 0, "live"), ("BTCUSDT", "1h", 1700, 0, "idle"),
            ("ETHUSDT", "1m", 1338, 2, "live"), ("ETHUSDT", "5m", 1700, 0, "live"), ("SOLUSDT", "1m", 1187, 0, "live"),
            ("SOLUSDT", "15m", 1338, 0, "live"), ("XRPUSDT", "1m", 610, 7, "idle"), ("DOGEUSDT", "1m", 610, 0, "live"),
            ("ADAUSDT", "1m", 610, 0, "live"), ("LINKUSDT", "1h", 2070, 0, "idle"),
            ("LTCUSDT", "1m", 610, 0, "collecting"),
            ("ATOMUSDT", "1m", 610, 1, "error"), ("AVAXUSDT", "1m", 14, 0, "collecting"),
        )  # fmt: skip
        from_ms = NOW_MS - 730 * DAY
        return tuple(self._dataset(from_ms, *row) for row in plan)

    def _dataset(
        self, from_ms: int, symbol: str, frame: str, days: int, gaps: int, state: str
    ) -> m.DatasetView:
        step = _STEP[frame]
        ends = {"collecting": 280, "error": 170, "idle": 1}.get(state, 0)
        last = (NOW_MS - ends * DAY) // step * step - (0 if ends else step)
        first = (NOW_MS - days * DAY) // DAY * DAY
        missing = gaps * 37
        width = (NOW_MS - from_ms) / 24
        shares = []
        for number in range(24):
            start = from_ms + number * width
            held = max(0.0, min(last + step, start + width) - max(first, start))
            shares.append(min(1.0, held / width))
        for number in range(gaps):
            at = (number * 3 + 13) % 24
            shares[at] = min(shares[at], 0.97)
        rows = max(0, (last - first) // step + 1 - missing)
        return m.DatasetView(
            f"linear/{symbol}_{frame}", "linear", symbol, frame, rows, first, last, gaps, missing, rows * 56,
            tuple(shares), from_ms, state, "Bybit refused further requests (10006)." if state == "error" else "",
        )  # fmt: skip

    def _make_jobs(self) -> tuple[m.JobView, ...]:
        start = NOW_MS - 60_000
        return (
            m.JobView(1, "collect", "collect LTCUSDT 1m", "running", 451_000, 1_100_000, "bars", 9_100.0, 71.0,
                      "451,000 of about 1,100,000 bars; what is written stays if you stop.", start),
            m.JobView(2, "follow", "follow 8 symbols", "running", 0, 0, "bars", 0.4, None,
                      "Closed bars are appended as they close.", start),
            m.JobView(3, "collect", "collect AVAXUSDT 1m", "queued", 0, 878_400, "bars", 0.0, None, "", start),
            m.JobView(4, "collect", "collect ATOMUSDT 1m", "failed", 223_100, 1_100_000, "bars", 0.0, None,
                      "Stopped at 2026-03-16 04:16 UTC: Bybit refused further requests for now (10006) in 8 tries. "
                      "223,100 bars are safe on disk; collect again and only the missing ones are asked for.",
                      start, NOW_MS - 30_000),
        )  # fmt: skip

    def _check(self, key: str) -> m.DataReport:
        dataset = next((each for each in self._datasets if each.key == key), None)
        if dataset is None:
            raise InputError(f'There is no dataset "{key}"; `tradebot data list` shows all.')
        findings = [("info", f"{dataset.rows:,} rows, rising times, no doubled bar."),
                    ("info", "All prices within high and low.")]  # fmt: skip
        if dataset.gaps:
            findings.append(
                (
                    "warning",
                    f"{dataset.missing_bars} bars missing in {dataset.gaps} gaps; collect again fills them.",
                )
            )
        if dataset.state == "error":
            findings.append(
                ("failure", "Line 223102: high 6.41 is below low 6.44; restore the file or delete the line.")
            )
        return m.DataReport(key, dataset.state != "error", tuple(findings))

    # ---------------------------------------------------------------------------------------- strategies and results

    def _summaries(self) -> tuple[m.StrategySummary, ...]:
        found = []
        for name, text in self._strategies.items():
            document = parse(text)
            view = form_of(document)
            head = document.get("strategy", {})
            errors = [problem.sentence for problem in view.problems if problem.severity == "error"]
            found.append(
                m.StrategySummary(name, str(head.get("name", name)), tuple(head.get("symbols", ())),
                                  str(head.get("timeframe", "")), name not in self._mine, errors[0] if errors else "")
            )  # fmt: skip
        return tuple(sorted(found, key=lambda each: (each.example, each.name)))

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
