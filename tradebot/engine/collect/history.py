"""Collecting history: what is missing is asked concurrently over all datasets and stored as it comes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

from tradebot.engine.collect.fetching import ENDS_THE_RUN, Fetching
from tradebot.engine.collect.funding import collect_funding
from tradebot.engine.collect.jobs import DatasetJob
from tradebot.engine.collect.listing import TRADING, look_up
from tradebot.engine.collect.planning import Plan, make_plan
from tradebot.engine.collect.ports import StorePort
from tradebot.engine.collect.progress import CollectProgress, CollectReport, gap_sentences, listing_sentences
from tradebot.engine.collect.request import CollectRequest
from tradebot.engine.collect.risk_limits import refresh_risk_limits
from tradebot.engine.collect.writer import StoreThread
from tradebot.engine.control.clock import Clock
from tradebot.engine.control.errors import CancelledError, TradebotError
from tradebot.engine.control.progress import CancelToken, Progress, ProgressMeter, counted
from tradebot.engine.exchange import Exchange, ExchangeError
from tradebot.engine.market import Instrument
from tradebot.engine.market.times import iso_minute

DEFAULT_CONCURRENCY = 0
"""As many requests at once as the exchange's budget and latency call for."""
# Enough to use up the request budget at usual latencies, and few enough to leave bars the larger part of it.
_FUNDING_AT_ONCE = 8
_REPORT_EVERY_S = 0.25
# While nothing moves, a ban or an outage, the look is renewed this often.
_REPORT_AGAIN_S = 1.0
_STANDS_STILL_S = 5.0
_LOOK_AGAIN_S = 0.1
# A person who interrupts waits no longer than this for staged rows to be sorted into their files; they are safe as
# they are, and the next program that opens the folder does it.
_SETTLE_ON_CANCEL_S = 0.5
_KEPT = "What was fetched is stored; run it again to go on from there."

Report = Callable[[CollectProgress], None]
_Result = TypeVar("_Result")


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

    `report` is called on the event loop, at most four times a second. `concurrency` is how many requests are under
    way at once, 0 follows `exchange.concurrency()`. `thread` is where store calls run, an own one by default. What
    was fetched is kept whatever ends the run.
    Raises InputError for an unknown symbol, ExchangeError (a ShortfallError) where the exchange cannot be used,
    CancelledError when `cancel` was pulled, and the store's refusals.
    """
    own = thread or StoreThread()
    try:
        return await _Run(exchange, store, request, clock, report, cancel, concurrency, own).run()
    finally:
        if thread is None:
            own.close()


class Watch:
    """Looks at running jobs for a person: totals, rate, requests, and what is waited for."""

    def __init__(self, exchange: Exchange, clock: Clock, report: Report) -> None:
        self._exchange = exchange
        self._clock = clock
        self._report = report
        self._requests_before = exchange.budget().total
        self._jobs: list[DatasetJob] = []
        self._last: Progress | None = None
        self._reported_at = float("-inf")
        self._moved_at = float("-inf")
        self._meter: ProgressMeter | None = None
        self.beside: Callable[[], str] = str  # what goes on beside the bars, empty for nothing

    @property
    def requests(self) -> int:
        """Requests made since the start."""
        return self._exchange.budget().total - self._requests_before

    def begin(self, jobs: list[DatasetJob]) -> None:
        """These are the datasets; from now on `advance` counts their bars."""
        self._jobs = jobs
        total = sum(job.total_bars for job in jobs)
        self._meter = ProgressMeter(total, "bars", self._clock, self._heard)
        self.advance(0)

    def advance(self, bars: int) -> None:
        """So many bars more are settled."""
        if self._meter is not None:
            self._meter.advance(bars)

    def say(self, note: str) -> None:
        """What is done before there is anything to count."""
        self._report(CollectProgress(0, 0, 0.0, None, self.requests, (), note))

    def again(self) -> None:
        """Renew a look that has become old while nothing moved; a rate that is none any more is not shown."""
        now = self._clock.monotonic()
        if self._last is None or now - self._reported_at < _REPORT_AGAIN_S:
            return
        still = now - self._moved_at >= _STANDS_STILL_S
        self._show(replace(self._last, rate=0.0, eta_seconds=None) if still else self._last)

    def _heard(self, progress: Progress) -> None:
        self._last = progress
        now = self._moved_at = self._clock.monotonic()
        if now - self._reported_at >= _REPORT_EVERY_S or progress.done >= progress.total:
            self._show(progress)

    def _show(self, progress: Progress) -> None:
        self._reported_at = self._clock.monotonic()
        self._report(
            CollectProgress(
                int(progress.done),
                int(progress.total),
                progress.rate,
                progress.eta_seconds,
                self.requests,
                tuple(job.view() for job in self._jobs),
                self._note(),
            )
        )

    def _note(self) -> str:
        banned = self._exchange.budget().banned_until_ms
        return f"banned by the exchange until {iso_minute(banned)} UTC" if banned else self.beside()


async def carry_out(
    coroutine: Coroutine[Any, Any, _Result],
    cancel: CancelToken,
    watch: Watch,
    close: Callable[[bool], Awaitable[list[TradebotError]]],
) -> tuple[asyncio.Task[_Result], list[TradebotError]]:
    """Run work until it ends or is cancelled, then close (told whether it was interrupted): the ended task and what
    the store refused on closing.
    """
    work = asyncio.create_task(coroutine)
    try:
        while not work.done():
            await asyncio.wait({work}, timeout=_LOOK_AGAIN_S)
            watch.again()
            if cancel.cancelled:
                work.cancel()
    finally:
        interrupted = not work.done() or work.cancelled()
        work.cancel()
        await asyncio.wait({work})
        refusals = await asyncio.shield(close(interrupted))
    return work, refusals


class _Run:
    """One collection from plan to report."""

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
        self._cancel = cancel
        self._concurrency = concurrency
        self._thread = thread
        self._watch = Watch(exchange, clock, report)
        self._jobs: list[DatasetJob] = []
        self._started_at = clock.monotonic()
        self._funding_added = 0
        self._funding_failures: dict[str, str] = {}  # sentences by symbol
        self._risk_failure = ""

    async def run(self) -> CollectReport:
        """Plan, collect, report; what was gathered is written in any case."""
        work, refusals = await carry_out(self._work(), self._cancel, self._watch, self._close_jobs)
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
        self._watch.say("looking up instruments")
        listing = await look_up(self._exchange, self._store, self._request, self._thread)
        self._watch.say("looking up what is missing")
        plan = await make_plan(
            self._exchange,
            self._store,
            self._thread,
            self._clock,
            self._request,
            [listing.instruments[name] for name in listing.symbols],
        )
        self._jobs = plan.jobs
        self._watch.begin(plan.jobs)
        funding = list(reversed(plan.funding))
        self._watch.beside = lambda: f"funding of {counted(len(funding), 'symbol')} to go" if funding else ""
        beside = [self._ask_funding(funding) for _ in range(_FUNDING_AT_ONCE)]
        if self._request.funding:
            beside.append(self._ask_risk_limits())
        fetching = Fetching(self._exchange, self._clock, plan.jobs, self._watch.advance, self._concurrency)
        await fetching.run(beside)
        return plan

    async def _ask_funding(self, instruments: list[Instrument]) -> None:
        now_ms = self._request.until_ms or self._exchange.now_ms()
        while instruments:
            instrument = instruments.pop()
            ended = instrument.status != TRADING and instrument.delivery_ms
            end_ms = min(now_ms, instrument.delivery_ms + 1) if ended else now_ms
            try:
                added = await collect_funding(
                    self._exchange, self._store, self._thread, instrument, self._request.since_ms, end_ms
                )
            except ExchangeError as error:
                if error.kind in ENDS_THE_RUN:
                    raise
                self._funding_failures[instrument.symbol] = (
                    f"Funding of {instrument.symbol}: {error.sentence}"
                )
            else:
                self._funding_added += added

    async def _ask_risk_limits(self) -> None:
        try:
            await refresh_risk_limits(self._exchange, self._store, self._request.category, self._thread)
        except ExchangeError as error:
            # Bars can be had without them, also from an exchange that does not know this call.
            self._risk_failure = (
                f"The risk limits could not be had, those stored before stay: {error.sentence}"
            )

    async def _close_jobs(self, interrupted: bool) -> list[TradebotError]:
        """Settle what is staged, dataset by dataset; returns what the store refused."""
        now_ms = self._exchange.now_ms()
        return await close_jobs(self._jobs, self._store, self._thread, self._clock, now_ms, interrupted)

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
        information = [
            *plan.information,
            *listing_sentences({job.key: job.before_listing for job in self._jobs}),
        ]
        if self._risk_failure:
            information.append(self._risk_failure)
        return CollectReport(
            datasets=views,
            bars_added=sum(job.bars_added for job in self._jobs),
            funding_added=self._funding_added,
            gaps=gaps,
            sentences=(*failures, *gap_sentences(gaps), *funding),
            requests=self._watch.requests,
            seconds=self._clock.monotonic() - self._started_at,
            bars_refused=sum(job.bars_refused for job in self._jobs),
            funding_failed=funding_failed,
            information=tuple(information),
            known_hole_bars=sum(job.known_hole_bars for job in self._jobs),
        )


async def close_jobs(
    jobs: list[DatasetJob],
    store: StorePort,
    thread: StoreThread,
    clock: Clock,
    now_ms: int,
    interrupted: bool,
) -> list[TradebotError]:
    """Settle what is staged (half a second long at most where a person waits) and close; what the store refused.

    Bars that an earlier run was killed over are settled too.
    """
    refusals: list[TradebotError] = []
    until = clock.monotonic() + _SETTLE_ON_CANCEL_S
    for job in jobs:
        try:
            if not interrupted or clock.monotonic() < until:
                await job.settle()
            await job.close(now_ms)
        except TradebotError as error:
            refusals.append(error)
    if not interrupted and not refusals:
        for key in await thread.call(store.staged_keys):
            try:
                await thread.call(partial(store.settle, key))
            except TradebotError as error:
                refusals.append(error)
    return refusals
