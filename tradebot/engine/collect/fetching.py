"""Asking for the windows of many datasets at once, as many as the request budget can use, in turn over all of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from contextlib import suppress
from typing import Any

from tradebot.engine.collect.confirming import fetch
from tradebot.engine.collect.jobs import DatasetJob, Queue
from tradebot.engine.collect.windows import Window
from tradebot.engine.control.clock import Clock
from tradebot.engine.exchange import Exchange, ExchangeError, FailureKind

# These mean the exchange cannot be used at all now: going on with the next dataset would meet the same.
ENDS_THE_RUN = {FailureKind.UNREACHABLE, FailureKind.BLOCKED, FailureKind.BANNED, FailureKind.NOT_FOUND}
# Failures of one call that have outlasted its retries and may still pass: the dataset is put off and asked again.
_PASSING = {
    FailureKind.TIMEOUT,
    FailureKind.SERVER_ERROR,
    FailureKind.NOT_JSON,
    FailureKind.OVERLOADED,
    FailureKind.TOO_MANY_VISITS,
    FailureKind.SERVER_TIMEOUT,
    FailureKind.SERVER_FAULT,
    FailureKind.MALFORMED,
}
_RESTS_S = (30.0, 120.0)
# A request that takes longer is waiting for its next try: others are asked meanwhile, but not of the same dataset.
_SLOW_S = 10.0
_LOOK_AGAIN_S = 1.0
# Answered pages that may wait for the disk, about half a megabyte each; beyond it nothing new is asked.
_MOST_WRITING = 32


class Fetching:
    """Carries out dataset jobs; `advanced` is told how many bars each answer settled."""

    def __init__(
        self,
        exchange: Exchange,
        clock: Clock,
        jobs: list[DatasetJob],
        advanced: Callable[[int], None],
        concurrency: int = 0,
    ) -> None:
        self._exchange = exchange
        self._clock = clock
        self._queue = Queue(jobs)
        self._advanced = advanced
        self._concurrency = concurrency
        self._asking: dict[tuple[DatasetJob, int], float] = {}  # since when
        self._pausing = 0
        self._writing = 0
        self._resting = 0
        self._moved = asyncio.Event()

    async def run(self, beside: Iterable[Coroutine[Any, Any, None]] = ()) -> None:
        """Ask everything, with the `beside` work going on meanwhile. Raises the first failure that ends the run."""
        try:
            async with asyncio.TaskGroup() as group:
                for work in beside:
                    group.create_task(work)
                await self._dispatch(group)
        except BaseExceptionGroup as errors:
            raise errors.exceptions[0] from None

    async def _dispatch(self, group: asyncio.TaskGroup) -> None:
        while True:
            slow = self._slow()
            while self._may_ask(len(slow)) and (got := self._queue.next(slow)) is not None:
                job, number, window = got
                self._asking[job, number] = self._clock.monotonic()
                group.create_task(self._window(group, job, number, window))
            if not (self._asking or self._writing or self._resting):
                return
            self._moved.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_AGAIN_S):
                    await self._moved.wait()

    def _slow(self) -> list[DatasetJob]:
        """The datasets of requests that wait for their next try; the time of a ban is not counted."""
        now = self._clock.monotonic()
        slow = [job for (job, _), since in self._asking.items() if since < now - _SLOW_S]
        if slow and self._exchange.budget().banned_until_ms is not None:
            self._asking = dict.fromkeys(self._asking, now)
            return []
        return slow

    def _may_ask(self, slow: int) -> bool:
        most = self._concurrency or self._exchange.concurrency()
        # Slow ones are no reason to stand still, and none to pile up without end.
        under_way = len(self._asking) - min(max(slow, self._pausing), 2 * most)
        return under_way < most and self._writing < _MOST_WRITING

    async def _window(self, group: asyncio.TaskGroup, job: DatasetJob, number: int, window: Window) -> None:
        try:
            confirmations = job.confirmations(window)
            fetched = await fetch(self._exchange, job.key, window, self._pause, confirmations)
        except ExchangeError as error:
            del self._asking[job, number]
            # An exchange may have no mark prices and everything else.
            only_mark = job.key.mark and error.kind is FailureKind.NOT_FOUND
            if error.kind in ENDS_THE_RUN and not only_mark:
                raise
            self._put_off_or_fail(group, job, number, error)
        else:
            del self._asking[job, number]
            self._writing += 1
            self._moved.set()
            try:
                self._advanced(await job.accept(number, fetched))
            finally:
                self._writing -= 1
        self._moved.set()

    async def _pause(self, seconds: float) -> None:
        """Between two looks at the same bars; others are asked meanwhile."""
        self._pausing += 1
        self._moved.set()
        try:
            await self._clock.sleep(seconds)
        finally:
            self._pausing -= 1

    def _put_off_or_fail(
        self, group: asyncio.TaskGroup, job: DatasetJob, number: int, error: ExchangeError
    ) -> None:
        sentence = f"{job.key}: {error.sentence}"
        if error.kind not in _PASSING or (job.rests == len(_RESTS_S) and not job.resting):
            self._advanced(job.fail(number, sentence))
            return
        pause = _RESTS_S[job.rests if not job.resting else job.rests - 1]
        begins = not job.resting
        job.rest(number, sentence, self._exchange.now_ms() + round(pause * 1000))
        self._queue.add(job)
        if begins:
            self._resting += 1
            group.create_task(self._wake(job, pause))

    async def _wake(self, job: DatasetJob, pause_s: float) -> None:
        await self._clock.sleep(pause_s)
        job.wake()
        self._resting -= 1
        self._moved.set()
