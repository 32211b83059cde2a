"""Collecting history: what is missing is asked concurrently over all datasets and written in order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

from tradebot.engine.collect.funding import collect_funding
from tradebot.engine.collect.jobs import DatasetJob, Queue
from tradebot.engine.collect.planning import Plan, make_plan
from tradebot.engine.collect.ports import StorePort
from tradebot.engine.collect.progress import CollectProgress, CollectReport, gap_sentences
from tradebot.engine.collect.request import CollectRequest, resolve_symbols
from tradebot.engine.collect.windows import fetch
from tradebot.engine.collect.writer import StoreThread
from tradebot.engine.control.clock import Clock
from tradebot.engine.control.errors import CancelledError, TradebotError
from tradebot.engine.control.progress import CancelToken, Progress, ProgressMeter
from tradebot.engine.exchange import Exchange, ExchangeError, FailureKind
from tradebot.engine.market import Category, Instrument
from tradebot.engine.market.times import iso_minute

DEFAULT_CONCURRENCY = 16
# Enough to use up the request budget at usual latencies, and few enough to leave bars the larger part of it.
_FUNDING_AT_ONCE = 8
_REPORT_EVERY_S = 0.25
_LOOK_AGAIN_S = 0.1
# These mean the exchange cannot be used at all now: going on with the next dataset would meet the same.
_ENDS_THE_RUN = {FailureKind.UNREACHABLE, FailureKind.BLOCKED, FailureKind.BANNED, FailureKind.NOT_FOUND}
_KEPT = "What was fetched is stored; run it again to go on from there."

Report = Callable[[CollectProgress], None]


async def collect_history(
    exchange: Exchange,
    store: StorePort,
    request: CollectRequest,
    clock: Clock,
    report: Report,
    cancel: CancelToken,
    concurrency: int = DEFAULT_CONCURRENCY,
    thread: StoreThread | None = None,
) -> CollectReport:
    """Store every closed bar of the request that the store does not have and the exchange has.

    `report` is called on the event loop, at most four times a second. `thread` is where store calls run, an own one by
    default. What was fetched is kept whatever ends the run.
    Raises InputError for an unknown symbol, ExchangeError (a ShortfallError) where the exchange cannot be used,
    CancelledError when `cancel` was pulled, and the store's refusals.
    """
    own = thread or StoreThread()
    try:
        return await _Run(exchange, store, request, clock, report, cancel, concurrency, own).run()
    finally:
        if thread is None:
            own.close()


async def refresh_instruments(
    exchange: Exchange, store: StorePort, category: Category, thread: StoreThread
) -> dict[str, Instrument]:
    """Today's trading rules by symbol, saved in the store.

    A launch time that the exchange does not tell (spot) is kept as it was found before.
    """
    seen_ms = await exchange.server_time_ms()
    instruments = await exchange.instruments(category)
    known = await thread.call(store.instruments)
    merged = []
    for instrument in instruments:
        before = known.get((category, instrument.symbol))
        if before is not None and instrument.launch_ms == 0 and before.launch_ms:
            merged.append(replace(instrument, launch_ms=before.launch_ms))
        else:
            merged.append(instrument)
    await thread.call(lambda: store.save_instruments(merged, seen_ms))
    return {instrument.symbol: instrument for instrument in merged}


class _Run:
    """One call of `collect_history`."""

    def __init__(
        self,
        exchange: Exchange,
        store: StorePort,
        request: CollectRequest,
        clock: Clock,
        report: Report,
        cancel: CancelToken,
        concurrency: int,
        thread: StoreThread,
    ) -> None:
        self._exchange = exchange
        self._store = store
        self._request = request
        self._clock = clock
        self._report = report
        self._cancel = cancel
        self._concurrency = concurrency
        self._thread = thread
        self._jobs: list[DatasetJob] = []
        self._moved = asyncio.Event()
        self._started_at = clock.monotonic()
        self._reported_at = float("-inf")
        self._requests_before = exchange.budget().total
        self._funding_added = 0
        self._funding_failures: dict[str, str] = {}  # sentences by symbol

    async def run(self) -> CollectReport:
        """Plan, collect, report; what was gathered is written in any case."""
        work = asyncio.create_task(self._work())
        try:
            while not work.done():
                await asyncio.wait({work}, timeout=_LOOK_AGAIN_S)
                if self._cancel.cancelled:
                    work.cancel()
        finally:
            work.cancel()
            await asyncio.wait({work})
            refusals = await asyncio.shield(self._flush_all())
        if refusals and (work.cancelled() or work.exception() is None):
            raise refusals[0]
        if work.cancelled():
            raise CancelledError("Collecting was cancelled; everything fetched so far is stored.")
        error = work.exception()
        if isinstance(error, ExchangeError) and self._begun() and not refusals:
            sentence = f"{error.sentence} {_KEPT}"
            raise ExchangeError(error.kind, sentence, error.code, error.retry_after_s, error.words) from error
        return self._make_report(work.result())

    def _begun(self) -> bool:
        return self._funding_added > 0 or any(job.begun for job in self._jobs)

    async def _work(self) -> Plan:
        self._say("looking up instruments")
        instruments = await refresh_instruments(
            self._exchange, self._store, self._request.category, self._thread
        )
        symbols = resolve_symbols(self._request.symbols, instruments, self._request.category)
        self._say("looking up what is missing")
        plan = await make_plan(
            self._exchange, self._store, self._thread, self._request, [instruments[name] for name in symbols]
        )
        self._jobs = plan.jobs
        total = sum(job.total_bars for job in self._jobs)
        meter = ProgressMeter(total, "bars", self._clock, self._on_progress)
        meter.advance(0)
        queue = Queue(self._jobs)
        funding = list(reversed(plan.funding))
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(self._concurrency):
                    group.create_task(self._ask_windows(queue, meter))
                for _ in range(min(self._concurrency, _FUNDING_AT_ONCE)):
                    group.create_task(self._ask_funding(funding))
        except BaseExceptionGroup as errors:
            raise errors.exceptions[0] from None
        return plan

    async def _ask_windows(self, queue: Queue, meter: ProgressMeter) -> None:
        while not queue.empty:
            got = queue.next()
            if got is None:
                self._moved.clear()
                await self._moved.wait()
                continue
            job, number, window = got
            try:
                fetched = await fetch(self._exchange, job.key, window)
            except ExchangeError as error:
                if error.kind in _ENDS_THE_RUN:
                    raise
                meter.advance(await job.fail(number, f"{job.key}: {error.sentence}"))
            else:
                meter.advance(await job.accept(number, fetched))
            self._moved.set()

    async def _ask_funding(self, instruments: list[Instrument]) -> None:
        end_ms = self._request.until_ms or self._exchange.now_ms()
        while instruments:
            instrument = instruments.pop()
            try:
                added = await collect_funding(
                    self._exchange, self._store, self._thread, instrument, self._request.since_ms, end_ms
                )
            except ExchangeError as error:
                if error.kind in _ENDS_THE_RUN:
                    raise
                self._funding_failures[instrument.symbol] = (
                    f"Funding of {instrument.symbol}: {error.sentence}"
                )
            else:
                self._funding_added += added

    async def _flush_all(self) -> list[TradebotError]:
        """Write what is gathered, dataset by dataset; returns what the store refused."""
        refusals = []
        for job in self._jobs:
            try:
                await job.flush()
            except TradebotError as error:
                refusals.append(error)
            job.close()
        return refusals

    def _say(self, note: str) -> None:
        self._report(CollectProgress(0, 0, 0.0, None, self._requests(), (), note))

    def _requests(self) -> int:
        return self._exchange.budget().total - self._requests_before

    def _on_progress(self, progress: Progress) -> None:
        now = self._clock.monotonic()
        if now - self._reported_at < _REPORT_EVERY_S and progress.done < progress.total:
            return
        self._reported_at = now
        banned = self._exchange.budget().banned_until_ms
        self._report(
            CollectProgress(
                int(progress.done),
                int(progress.total),
                progress.rate,
                progress.eta_seconds,
                self._requests(),
                tuple(job.view() for job in self._jobs),
                f"banned by the exchange until {iso_minute(banned)} UTC" if banned else "",
            )
        )

    def _make_report(self, plan: Plan) -> CollectReport:
        gaps = tuple(gap for job in self._jobs for gap in job.gaps)
        views = tuple(job.view() for job in self._jobs)
        failures = [view.sentence for view in views if view.sentence]
        failures += [
            f"{job.key}: {job.bars_refused} bars of the exchange break the rules of a bar and went to the quarantine."
            for job in self._jobs
            if job.bars_refused
        ]
        funding_failed = tuple(sorted(self._funding_failures))
        funding = [self._funding_failures[symbol] for symbol in funding_failed]
        return CollectReport(
            datasets=views,
            bars_added=sum(job.bars_added for job in self._jobs),
            funding_added=self._funding_added,
            gaps=gaps,
            sentences=(*plan.sentences, *failures, *gap_sentences(gaps), *funding),
            requests=self._requests(),
            seconds=self._clock.monotonic() - self._started_at,
            bars_refused=sum(job.bars_refused for job in self._jobs),
            funding_failed=funding_failed,
        )
