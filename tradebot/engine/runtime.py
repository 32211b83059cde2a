"""What runs inside the engine's thread: the exchange, the store, collecting, the probes, and the look at all of it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from tradebot.engine.alert_queries import AlertQueries, is_alert_command
from tradebot.engine.alerts.service import Alerts
from tradebot.engine.alerts.system_notice import SystemNotifier, find_tool
from tradebot.engine.collect import CollectRequest
from tradebot.engine.collecting import Collecting, Market, category_of, read_request
from tradebot.engine.control.clock import Clock
from tradebot.engine.control.errors import InputError, ShortfallError, TradebotError
from tradebot.engine.control.events import EventLog, Level
from tradebot.engine.control.jobs import Job, JobBoard, JobState
from tradebot.engine.control.services import Supervisor
from tradebot.engine.data_queries import DataQueries
from tradebot.engine.estimating import estimate
from tradebot.engine.exchange import Exchange, PybitRest, SharedBudget, Throttle, shared_budget_file
from tradebot.engine.exchange.source import source_of
from tradebot.engine.health import EngineHealth
from tradebot.engine.job_book import JobBook
from tradebot.engine.kernels import Kernels
from tradebot.engine.listing import Listing, free_bytes, waiting_rows
from tradebot.engine.market import Category, DatasetKey
from tradebot.engine.messages import (
    CancelJob,
    Collect,
    CollectEstimate,
    Command,
    ConnectionView,
    DatasetView,
    EngineSnapshot,
    EstimateCollect,
    GetSymbols,
    ImportFiles,
    JobView,
    Preview,
    PreviewView,
    QueueView,
    RepairData,
    RetryJob,
    RunBacktest,
    SymbolChoice,
    Unfollow,
)
from tradebot.engine.preview_answers import PreviewAnswers
from tradebot.engine.previewing import Previewing
from tradebot.engine.queries import Queries, parse_key
from tradebot.engine.settings_queries import SettingsQueries
from tradebot.engine.shared_look import LookSharer
from tradebot.engine.store import Store, WriterClaim, claim_writer
from tradebot.engine.strategy.library import StrategyLibrary
from tradebot.engine.trends import Trends
from tradebot.engine.views import connection_view, event_views

if TYPE_CHECKING:
    from tradebot.engine.engine import EngineOptions
    from tradebot.engine.simulator import SimulatorProcess

PROBE_SECONDS = 5.0
DATASETS_SECONDS = 1.0
_SHARE_SECONDS = 1.0
_SHOWN_EVENTS = 100
_LOOK_UP_SECONDS = 20.0
_WRITES = (Collect, Unfollow, ImportFiles, RepairData)
_Reply = TypeVar("_Reply")
_WATCH_ONLY = "This tradebot only watches; open the app to collect, test and write."


class Runtime:
    """Made and stopped on the engine's loop; `execute` and `snapshot` may be called from any thread."""

    def __init__(
        self,
        options: EngineOptions,
        clock: Clock,
        rng: random.Random,
        events: EventLog,
        jobs: JobBoard,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self._options = options
        self._clock = clock
        self._rng = rng
        self._events = events
        self._book = JobBook(jobs)
        self._loop = loop
        self._supervisor = Supervisor(clock, events)
        self._simulator: SimulatorProcess | None = None
        self._rest: PybitRest | None = None
        self._collecting: Collecting | None = None
        self._claim, self._read_only = (
            (None, _WATCH_ONLY) if options.watch_only else _claim(options.folders.data, clock)
        )
        self._store = Store(options.folders.data, clock, read_only=bool(self._read_only))
        self._processors = options.settings.performance.background_processors
        self._kernels = Kernels(options.kernels, clock, events, self._processors)
        self._queries = Queries(options, clock, events, self._book, self._store, self._kernels.look)
        self._settings = SettingsQueries(options)
        self._data = DataQueries(self._store, clock, events, self._book)
        self._listing = Listing(self._store)
        answers = PreviewAnswers(
            self._store,
            lambda: self._queries.registry,
            options.settings.backtest,
            self._kernels.look,
            clock,
            None if self._read_only else options.folders.results,
        )
        self._previewing = Previewing(answers.answer, clock, options.folders.plugins, answers.forget)
        folders = options.folders
        registry, told = self._queries.registry, options.settings.alerts
        texts = StrategyLibrary(folders.strategies, folders.shipped_strategies).read
        notifier = SystemNotifier(told.system_notification, clock, events, find_tool())
        self._alerts = Alerts(
            folders.data, self._store, registry, texts, clock, events, told.webhook, notifier=notifier
        )
        self._alert_queries = AlertQueries(
            folders.data, registry, texts, clock, events, notifier, told.webhook, lambda: self._latest
        )
        self._health = EngineHealth(clock)
        self._trends = Trends(self._store, clock, self._now_ms, self._quoted, lambda: self._datasets)
        self._latest = EngineSnapshot()
        self._source = self._stored_source()
        self._url = options.settings.exchange.url
        self._reached: bool | None = None
        self._reach_sentence = ""
        self._datasets: tuple[DatasetView, ...] = ()
        self._free_bytes = 0
        self._waiting_rows = 0

    def _stored_source(self) -> str:
        """Whose bars the folder holds, "" where none are or where it cannot be told: reading goes on, writing not."""
        try:
            return self._store.source() or ""
        except InputError as error:
            self._events.error("store", error.sentence)
            return ""

    async def start(self) -> None:
        """Open everything that needs no network; what needs it is retried by its service."""
        if self._options.simulator is not None:
            from tradebot.engine.simulator import start_simulator_process

            self._simulator = await asyncio.to_thread(start_simulator_process, self._options.simulator)
            self._url = self._simulator.url
        settings = self._options.settings.exchange
        self._rest = PybitRest(self._url, settings.timeout_seconds)
        self._budget_file = shared_budget_file(self._options.folders.state, self._url)
        shared = SharedBudget(self._budget_file, self._clock)
        self._throttle = Throttle(self._clock, settings.budget_percent / 100, shared=shared)
        self._exchange = Exchange(self._rest, self._clock, self._rng, self._throttle, self._notice)
        self._supervisor.start("connection", self._keep_reaching)
        self._supervisor.start("datasets", self._keep_listing)
        self._supervisor.start("trends", self._trends.run)
        self._supervisor.start("loop lag", self._health.keep_probing)
        self._supervisor.start("processor and memory", self._health.keep_measuring)
        if not self._options.watch_only:
            self._supervisor.start("kernels", self._kernels.prepare)
        if not self._read_only:  # whoever writes the folder tells them, once
            self._supervisor.start("alerts", lambda: self._alerts.keep_looking(lambda: self._latest))
            self._supervisor.start("alerts at closes", self._keep_deciding_alerts)
            self._supervisor.start("look for others", self._keep_sharing)

    async def stop(self) -> None:
        """Stop services and collecting, then the simulated exchange."""
        self._previewing.close()
        await self._supervisor.stop()
        if self._collecting is not None:
            await self._collecting.close()
        if self._rest is not None:
            self._rest.close()
            self._throttle.close()
        if self._simulator is not None:
            await asyncio.to_thread(self._simulator.stop)
        if self._claim is not None:
            self._claim.release()

    # ------------------------------------------------------------------------------------------ commands

    def execute(self, command: Command) -> Any:
        """Carry out a command on the calling thread; TradebotError where it is refused."""
        if self._read_only and isinstance(command, _WRITES):
            raise ShortfallError(self._read_only)
        match command:
            case Collect():
                return self._begin(self._request(command), _title(command)).status.job_id
            case EstimateCollect():
                return self._estimate(command.collect)
            case GetSymbols():
                return self._symbols(category_of(command.category))
            case Unfollow():
                keys = [parse_key(text) for text in command.keys]
                collecting = self._connected()
                return self._call(lambda: collecting.unfollow(keys))
            case RepairData():
                return self._repair(tuple(parse_key(text) for text in command.keys)).status.job_id
            case CancelJob():
                return self._cancel(command.job_id)
            case Preview():
                return self.preview(command).result()
            case RetryJob():
                return self._book.retry(command.job_id).status.job_id
            case RunBacktest() if self._kernels.state == "failed":
                self._loop.call_soon_threadsafe(self._supervisor.start, "kernels", self._kernels.prepare)
        return self._answer(command)

    def _answer(self, command: Command) -> Any:
        """What needs neither the loop nor the exchange."""
        if is_alert_command(command):
            return self._alert_queries.answer(command)
        answer = self._data.answer(command)
        if answer is None:
            answer = self._settings.answer(command, self._url)
            self._alert_queries.take(answer)
        return self._queries.answer(command) if answer is None else answer

    def preview(self, command: Preview) -> Future[PreviewView]:
        """Have a strategy tested for the preview, without waiting for it."""
        return self._previewing.submit(command)

    def _cancel(self, job_id: int) -> bool:
        job = self._book.board.get(job_id)
        if job is None or job.status.state.ended:
            return False
        job.cancel.cancel()
        return True

    def _connected(self) -> Collecting:
        if self._collecting is None:
            raise ShortfallError(
                self._reach_sentence or "The exchange is not connected yet; try again in a moment."
            )
        return self._collecting

    def _request(self, command: Collect) -> CollectRequest:
        self._connected()
        return read_request(command, self._exchange.now_ms())

    def _begin(self, request: CollectRequest, title: str) -> Job:
        """Start a collection from any thread."""
        collecting = self._connected()
        return self._remember(self._call(lambda: collecting.begin(request, title)), request, title)

    def _remember(self, job: Job, request: CollectRequest, title: str) -> Job:
        return self._book.note(job, lambda: self._begin(request, title))

    def _repair(self, keys: tuple[DatasetKey, ...]) -> Job:
        """Start a repair from any thread."""
        if not keys:
            raise InputError("There is no dataset to repair: name at least one.")
        for key in keys:
            if self._store.info(key) is None:
                raise InputError(f"There is no dataset {key} to repair; collect fetches it.")
        collecting = self._connected()
        one = f"repair {keys[0].symbol} {keys[0].timeframe_name}"
        title = one if len(keys) == 1 else f"repair {len(keys)} datasets"
        return self._book.note(self._call(lambda: collecting.repair(keys, title)), lambda: self._repair(keys))

    def _call(self, work: Callable[[], _Reply]) -> _Reply:
        """Do something on the engine's loop and wait for it."""

        async def on_loop() -> _Reply:
            return work()

        return asyncio.run_coroutine_threadsafe(on_loop(), self._loop).result(10)

    def _symbols(self, category: Category) -> tuple[SymbolChoice, ...]:
        """What the exchange lists; where it cannot be asked, what is known of it from before."""
        if self._collecting is not None and self._reached:
            asked = asyncio.run_coroutine_threadsafe(self._collecting.symbols(category), self._loop)
            try:
                return asked.result(_LOOK_UP_SECONDS)
            except (TradebotError, TimeoutError):
                asked.cancel()
        return tuple(
            SymbolChoice(rules.symbol, rules.base_coin, rules.quote_coin, rules.launch_ms)
            for (of, _), rules in sorted(self._store.instruments().items(), key=lambda pair: pair[0][1])
            if of is category
        )

    def _estimate(self, command: Collect) -> CollectEstimate:
        now_ms = self._exchange.now_ms()
        request = read_request(command, now_ms)
        choices = self._symbols(request.category)
        if not choices:
            return CollectEstimate(
                0, 0, 0, 0, 0, 0, None, "What it brings is known once the exchange has listed its symbols."
            )
        settings = self._options.settings.exchange
        allowed = self._exchange.budget()
        rate = allowed.limit * settings.budget_percent / 100 / allowed.window_s
        return estimate(request, command.top, choices, self._store, now_ms, rate)

    # ------------------------------------------------------------------------------------------ services

    async def _keep_reaching(self) -> None:
        """Know whether the exchange answers, how quickly, and whose market it is."""
        while True:
            try:
                await self._exchange.server_time_ms()
            except TradebotError as error:
                self._reached, self._reach_sentence = False, error.sentence
            else:
                if not self._reached:
                    self._reached, self._reach_sentence = True, ""
                    await self._open_market()
            await self._clock.sleep(PROBE_SECONDS)

    async def _open_market(self) -> None:
        if self._collecting is not None or self._rest is None:
            return
        source = source_of(self._url, self._rest.server_name)
        try:
            if not self._options.watch_only:
                await asyncio.to_thread(self._store.claim_source, source)
        except TradebotError as error:
            self._events.error("store", error.sentence)
            self._reach_sentence = error.sentence
            return
        self._source = source
        settings = self._options.settings.exchange
        market = Market(
            self._exchange, self._store, source, settings, str(self._budget_file), self._processors
        )
        self._collecting = Collecting(market, self._clock, self._rng, self._events, self._book)
        self._collecting.watch(category_of(self._options.watched_category), self._options.watched)
        self._supervisor.start("rates", self._keep_rates)
        jobs = [] if self._read_only else [self._start_with(command) for command in self._options.start_with]
        if self._options.first_backtest and jobs:
            self._supervisor.start("first backtest", lambda: self._first_backtest(jobs[0]))

    def _start_with(self, command: Collect) -> Job:
        request, title = read_request(command, self._exchange.now_ms()), _title(command)
        return self._remember(self._connected().begin(request, title), request, title)

    async def _keep_rates(self) -> None:
        while True:
            if self._collecting is not None:
                self._collecting.note_rate()
            await self._clock.sleep(1.0)

    async def _keep_listing(self) -> None:
        """Know what is stored; reading file heads belongs on another thread."""
        while True:
            self._datasets = await asyncio.to_thread(self._list_datasets)
            self._queries.symbols = tuple(dict.fromkeys(dataset.symbol for dataset in self._datasets))
            for sentence in self._store.notices():
                self._events.warning("store", sentence)
            await asyncio.to_thread(self._queries.refresh)
            await asyncio.to_thread(self._alert_queries.refresh)
            await self._clock.sleep(DATASETS_SECONDS)

    def _list_datasets(self) -> tuple[DatasetView, ...]:
        folder = self._options.folders.data
        self._free_bytes = free_bytes(folder)
        self._waiting_rows = waiting_rows(folder)
        states = self._collecting.states() if self._collecting is not None else {}
        return self._listing.look(states, self._data.checks, self._data.checked, self._now_ms())

    async def _keep_deciding_alerts(self) -> None:
        """Alerts on indicators and signals; before the kernels are there each would compile them in this process."""
        await self._kernels.settled()
        await self._alerts.run()

    async def _keep_sharing(self) -> None:
        """Show `tradebot watch` in another process what this one shows, while it asks."""
        sharer = LookSharer(self._options.folders.data, self._clock)
        try:
            while True:
                await asyncio.to_thread(sharer.share, self._latest)
                await self._clock.sleep(_SHARE_SECONDS)
        finally:
            sharer.close()

    async def _first_backtest(self, history: Job) -> None:
        """The demo's ready result: as soon as its history is there and the kernels are compiled."""
        await self._kernels.settled()
        while not history.status.state.ended:
            await self._clock.sleep(0.1)
        self._queries.backtest_saved(self._options.first_backtest)

    # ------------------------------------------------------------------------------------------ look

    def snapshot(self) -> EngineSnapshot:
        """Everything a screen shows without asking."""
        collecting, jobs = self._collecting, self._book.views()
        self._latest = EngineSnapshot(
            time_ms=self._now_ms(),
            mode=self._options.mode,
            source=self._source,
            data_folder=str(self._options.folders.data),
            ready=True,
            kernels=self._kernels.state,
            connection=self._connection(),
            budget=collecting.budget() if collecting is not None else EngineSnapshot().budget,
            streams=collecting.streams() if collecting is not None else (),
            message_rates=collecting.rates() if collecting is not None else (),
            quotes=collecting.quotes() if collecting is not None else (),
            datasets=self._datasets,
            jobs=jobs,
            strategies=self._queries.strategies,
            results=self._queries.results,
            events=event_views(self._events.recent(_SHOWN_EVENTS)),
            free_bytes=self._free_bytes,
            data_bytes=self._listing.bytes,
            waiting_rows=self._waiting_rows,
            read_only=self._read_only,
            kernels_sentence=self._kernels.sentence,
            preview=self._previewing.look(),
            alerts=self._alert_queries.views(),
            health=self._health.view(self._supervisor.statuses(), self._queues(jobs)),
            trends=self._trends.views,
        )
        return self._latest

    def _now_ms(self) -> int:
        """The exchange's time, ours before it was reached for the first time."""
        return self._exchange.now_ms() if self._rest is not None else self._clock.now_ms()

    def _quoted(self) -> tuple[tuple[Category, str], ...]:
        return () if self._collecting is None else self._collecting.quoted()

    def _queues(self, jobs: tuple[JobView, ...]) -> tuple[QueueView, ...]:
        """Everything that may wait for its turn: for a worker, the exchange's budget, the store's thread, its file."""
        return (
            QueueView("jobs", sum(job.state == JobState.QUEUED.value for job in jobs), "jobs"),
            QueueView("preview", self._previewing.waiting, "previews"),
            QueueView("requests", self._throttle.waiting if self._rest is not None else 0, "requests"),
            QueueView("live bars", self._collecting.waiting_bars() if self._collecting else 0, "bars"),
            QueueView("files", self._waiting_rows, "rows"),
        )

    def _connection(self) -> ConnectionView:
        streams = self._collecting.stream_statuses() if self._collecting is not None else []
        latency_ms = self._exchange.latency_ms if self._rest is not None else None
        return connection_view(self._url, self._reached, self._reach_sentence, latency_ms, streams)

    def _notice(self, level: Level, sentence: str) -> None:
        self._events.add(level, "exchange", sentence)


def _claim(folder: Path, clock: Clock) -> tuple[WriterClaim | None, str]:
    """Become the one program that writes to the folder; where that cannot be, the sentence that says why."""
    try:
        return claim_writer(folder, "tradebot", clock), ""
    except ShortfallError as error:
        return None, error.sentence


def _title(command: Collect) -> str:
    return f"collect {_short(command.symbols)} {' '.join(command.timeframes)}"


def _short(symbols: tuple[str, ...]) -> str:
    return (
        ", ".join(symbols) if len(symbols) <= 3 else f"{', '.join(symbols[:2])} and {len(symbols) - 2} more"
    )
