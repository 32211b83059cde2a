"""What runs inside the engine's thread: the exchange, the store, collecting, the probes, and the look at all of it."""

from __future__ import annotations

import asyncio
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tradebot.engine.collecting import HISTORY_SHARE, Collecting, Market, read_request
from tradebot.engine.control.clock import Clock
from tradebot.engine.control.errors import ShortfallError, TradebotError
from tradebot.engine.control.events import EventLog, Level
from tradebot.engine.control.jobs import Job, JobBoard
from tradebot.engine.control.services import Supervisor
from tradebot.engine.exchange import Exchange, PybitRest, Throttle
from tradebot.engine.exchange.source import source_of
from tradebot.engine.market import Category
from tradebot.engine.messages import CancelJob, Collect, Command, ConnectionView, DatasetView, EngineSnapshot
from tradebot.engine.queries import Queries
from tradebot.engine.store import Store
from tradebot.engine.views import dataset_view, event_views, job_view

if TYPE_CHECKING:
    from tradebot.engine.engine import EngineOptions
    from tradebot.engine.simulator import SimulatorProcess

PROBE_SECONDS = 5.0
DATASETS_SECONDS = 1.0
_SHOWN_EVENTS = 100
_UNREACHABLE_HINT = (
    "Stored data and backtests work without it; tradebot demo needs no network, i imports files."
)


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
        self._jobs = jobs
        self._loop = loop
        self._supervisor = Supervisor(clock, events)
        self._simulator: SimulatorProcess | None = None
        self._rest: PybitRest | None = None
        self._collecting: Collecting | None = None
        self._store = Store(options.folders.data, clock)
        self._queries = Queries(options, clock, events, jobs, self._store)
        self._kernels = "unknown"
        self._source = self._store.source() or ""
        self._url = options.settings.exchange.url
        self._reached: bool | None = None
        self._reach_sentence = ""
        self._datasets: tuple[DatasetView, ...] = ()
        self._free_bytes = 0

    async def start(self) -> None:
        """Open everything that needs no network; what needs it is retried by its service."""
        if self._options.simulator is not None:
            from tradebot.engine.simulator import start_simulator_process

            self._simulator = await asyncio.to_thread(start_simulator_process, self._options.simulator)
            self._url = self._simulator.url
        settings = self._options.settings.exchange
        self._rest = PybitRest(self._url, settings.timeout_seconds)
        throttle = Throttle(self._clock, settings.budget_percent / 100 * (1 - HISTORY_SHARE))
        self._exchange = Exchange(self._rest, self._clock, self._rng, throttle, self._notice)
        self._supervisor.start("connection", self._keep_reaching)
        self._supervisor.start("datasets", self._keep_listing)
        self._supervisor.start("kernels", self._prepare_kernels)

    async def stop(self) -> None:
        """Stop services and collecting, then the simulated exchange."""
        await self._supervisor.stop()
        if self._collecting is not None:
            await self._collecting.close()
        if self._rest is not None:
            self._rest.close()
        if self._simulator is not None:
            await asyncio.to_thread(self._simulator.stop)

    # ------------------------------------------------------------------------------------------ commands

    def execute(self, command: Command) -> Any:
        """Carry out a command on the calling thread; TradebotError where it is refused."""
        match command:
            case Collect():
                return self._collect(command)
            case CancelJob():
                job = self._jobs.get(command.job_id)
                running = job is not None and not job.status.state.ended
                if job is not None:
                    job.cancel.cancel()
                return running
            case _:
                return self._queries.answer(command)

    def _collect(self, command: Collect) -> int:
        collecting = self._collecting
        if collecting is None:
            raise ShortfallError(
                self._reach_sentence or "The exchange is not connected yet; try again in a moment."
            )
        request = read_request(command, self._exchange.now_ms())
        title = f"collect {_short(command.symbols)} {' '.join(command.timeframes)}"
        opened = asyncio.run_coroutine_threadsafe(
            _on_loop(lambda: collecting.begin(request, title)), self._loop
        )
        return int(opened.result(10).status.job_id)

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
            await asyncio.to_thread(self._store.claim_source, source)
        except TradebotError as error:
            self._events.error("store", error.sentence)
            self._reach_sentence = error.sentence
            return
        self._source = source
        market = Market(self._exchange, self._store, source, self._options.settings.exchange)
        self._collecting = Collecting(market, self._clock, self._rng, self._events, self._jobs)
        self._collecting.watch(Category.LINEAR, self._options.watched)
        self._supervisor.start("rates", self._keep_rates)
        jobs = [
            self._collecting.begin(read_request(command, self._exchange.now_ms()), _title(command))
            for command in self._options.start_with
        ]
        if self._options.first_backtest and jobs:
            self._supervisor.start("first backtest", lambda: self._first_backtest(jobs[0]))

    async def _keep_rates(self) -> None:
        while True:
            if self._collecting is not None:
                self._collecting.note_rate()
            await self._clock.sleep(1.0)

    async def _keep_listing(self) -> None:
        """Know what is stored; reading file heads belongs on another thread."""
        while True:
            self._datasets = await asyncio.to_thread(self._list_datasets)
            for sentence in self._store.notices():
                self._events.warning("store", sentence)
            await asyncio.to_thread(self._queries.refresh)
            await self._clock.sleep(DATASETS_SECONDS)

    def _list_datasets(self) -> tuple[DatasetView, ...]:
        states = self._collecting.states() if self._collecting is not None else {}
        self._free_bytes = shutil.disk_usage(_existing(self._options.folders.data)).free
        views = []
        for info in self._store.datasets():
            state, note = states.pop(str(info.key), ("idle", ""))
            views.append(dataset_view(info, state, note))
        for text, (state, note) in states.items():
            category, _, name = text.partition("/")
            symbol, _, timeframe = name.rpartition("_")
            empty = DatasetView(text, category, symbol, timeframe, 0, 0, 0, 0, 0, 0, (), 0, state, note)
            views.append(empty)
        return tuple(sorted(views, key=lambda view: (view.category, view.symbol, view.timeframe)))

    async def _prepare_kernels(self) -> None:
        """Compile in a child process where this version was not compiled yet; the app stays quick meanwhile."""
        from tradebot.engine.backtest.warm_up import (
            compile_kernels_in_child,
            keep_kernels_below,
            kernels_ready,
        )

        if self._options.kernels is not None:
            await asyncio.to_thread(keep_kernels_below, self._options.kernels)
        if await asyncio.to_thread(kernels_ready):
            self._kernels = "ready"
            return
        self._kernels = "compiling"
        self._events.info("kernels", "Compiling the backtest once for this version; it takes some seconds.")
        try:
            await asyncio.to_thread(compile_kernels_in_child)
        except TradebotError:
            self._kernels = "failed"
            raise
        self._kernels = "ready"
        self._events.info("kernels", "The backtest is compiled.")

    async def _first_backtest(self, history: Job) -> None:
        """The demo's ready result: as soon as its history is there and the kernels are compiled."""
        while self._kernels == "compiling" or not history.status.state.ended:
            await self._clock.sleep(0.1)
        self._queries.backtest_saved(self._options.first_backtest)

    # ------------------------------------------------------------------------------------------ look

    def snapshot(self) -> EngineSnapshot:
        """Everything a screen shows without asking."""
        collecting = self._collecting
        return EngineSnapshot(
            time_ms=self._exchange.now_ms() if self._rest is not None else self._clock.now_ms(),
            mode=self._options.mode,
            source=self._source,
            data_folder=str(self._options.folders.data),
            ready=True,
            kernels=self._kernels,
            connection=self._connection(),
            budget=collecting.budget() if collecting is not None else EngineSnapshot().budget,
            streams=collecting.streams() if collecting is not None else (),
            message_rates=collecting.rates() if collecting is not None else (),
            quotes=collecting.quotes() if collecting is not None else (),
            datasets=self._datasets,
            jobs=tuple(job_view(status) for status in self._jobs.statuses()),
            strategies=self._queries.strategies,
            results=self._queries.results,
            events=event_views(self._events.recent(_SHOWN_EVENTS)),
            free_bytes=self._free_bytes,
        )

    def _connection(self) -> ConnectionView:
        rest = {None: "connecting", True: "ok", False: "lost"}[self._reached]
        streams = self._collecting.stream_statuses() if self._collecting is not None else []
        connected = [status for status in streams if status.connected]
        stream = "off" if not streams else "ok" if len(connected) == len(streams) else "lost"
        ages = [status.last_message_age_s for status in streams if status.last_message_age_s is not None]
        latencies = [status.latency_ms for status in connected if status.latency_ms is not None]
        sentence = self._reach_sentence
        if stream == "lost" and not sentence:
            sentence = next((status.sentence for status in streams if status.sentence), "")
        return ConnectionView(
            url=self._url,
            rest=rest,
            rest_latency_ms=self._exchange.latency_ms if self._rest is not None else None,
            stream=stream,
            stream_latency_ms=max(latencies) if latencies else None,
            silent_seconds=max(ages) if ages else None,
            reconnects=sum(status.reconnects for status in streams),
            sentence=sentence,
        )

    def _notice(self, level: Level, sentence: str) -> None:
        self._events.add(level, "exchange", sentence)


async def _on_loop(work: Callable[[], Job]) -> Job:
    return work()


def _existing(folder: Path) -> Path:
    """The folder, or the nearest one above it that exists."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return folder


def _title(command: Collect) -> str:
    return f"collect {_short(command.symbols)} {' '.join(command.timeframes)}"


def _short(symbols: tuple[str, ...]) -> str:
    return (
        ", ".join(symbols) if len(symbols) <= 3 else f"{', '.join(symbols[:2])} and {len(symbols) - 2} more"
    )
