"""History and feed together, so that they meet without a hole or a double."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

from tradebot.engine.collect.history import DEFAULT_CONCURRENCY, Report, collect_history
from tradebot.engine.collect.listing import look_up
from tradebot.engine.collect.live import LiveFeed
from tradebot.engine.collect.ports import StorePort
from tradebot.engine.collect.progress import CollectReport
from tradebot.engine.collect.request import CollectRequest
from tradebot.engine.control.clock import Clock
from tradebot.engine.control.errors import InputError
from tradebot.engine.control.progress import CancelToken
from tradebot.engine.exchange import Exchange, ExchangeError

_LOOK_AGAIN_S = 0.5
_HISTORY_AGAIN_S = 60.0


class Hybrid:
    """Collects a request's history and follows it live on a feed that is started and closed by its owner."""

    def __init__(self, exchange: Exchange, store: StorePort, feed: LiveFeed, clock: Clock) -> None:
        self._exchange = exchange
        self._store = store
        self._feed = feed
        self._clock = clock
        self._resolved_request: CollectRequest | None = None

    async def catch_up(
        self,
        request: CollectRequest,
        report: Report,
        cancel: CancelToken,
        concurrency: int = DEFAULT_CONCURRENCY,
    ) -> CollectReport:
        """Subscribe first, then store the history up to now, then let the feed go on from there.

        Returns when the feed has taken over. Raises InputError where the request ends at a time, and what
        `collect_history` raises; the feed then follows only what it followed before.
        """
        if request.until_ms is not None:
            raise InputError("Following goes on for ever: leave out the end of the span, or do not follow.")
        # So that feed and history speak of the same symbols.
        listing = await look_up(self._exchange, self._store, request, self._feed.thread)
        request = self._resolved_request = replace(request, symbols=listing.symbols, top=None)
        now_ms = self._exchange.now_ms()
        keys = [
            key for key in request.keys(request.symbols) if not key.mark and not listing.is_over(key, now_ms)
        ]
        new = self._feed.follow(keys)
        try:
            await self._feed.subscribed()
            outcome = await collect_history(
                self._exchange,
                self._store,
                request,
                self._clock,
                report,
                cancel,
                concurrency,
                self._feed.thread,
            )
        except BaseException:
            self._feed.unfollow(new)
            raise
        await self._feed.begin(keys)
        return outcome

    async def run(
        self,
        request: CollectRequest,
        report: Report,
        cancel: CancelToken,
        concurrency: int = DEFAULT_CONCURRENCY,
    ) -> CollectReport:
        """`catch_up`, then follow until cancelled; returns how the history went.

        Datasets whose history failed are tried again beside the feed, until it is whole.
        """
        outcome = await self.catch_up(request, report, cancel, concurrency)
        return await self.go_on(outcome, report, cancel, concurrency)

    async def go_on(
        self,
        outcome: CollectReport,
        report: Report,
        cancel: CancelToken,
        concurrency: int = DEFAULT_CONCURRENCY,
    ) -> CollectReport:
        """What `run` does after `catch_up`, whose outcome this is."""
        request = self._resolved_request
        again_at = self._clock.monotonic() + _HISTORY_AGAIN_S
        while not cancel.cancelled:
            await self._clock.sleep(_LOOK_AGAIN_S)
            if request is None or outcome.complete or self._clock.monotonic() < again_at:
                continue
            with suppress(ExchangeError):
                outcome = await collect_history(
                    self._exchange,
                    self._store,
                    request,
                    self._clock,
                    report,
                    cancel,
                    concurrency,
                    self._feed.thread,
                )
            again_at = self._clock.monotonic() + _HISTORY_AGAIN_S
        return outcome
