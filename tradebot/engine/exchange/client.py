"""The exchange as the rest of the house sees it: typed answers, one budget, retries by kind of failure."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from tradebot.engine.control.clock import Clock
from tradebot.engine.control.events import Level
from tradebot.engine.exchange import parsing
from tradebot.engine.exchange.answers import RATE_LIMIT
from tradebot.engine.exchange.bars import parse_klines
from tradebot.engine.exchange.errors import (
    FIRST_CONTACT_RULE,
    RETRY_RULES,
    ExchangeError,
    FailureKind,
    RetryRule,
    error_for_code,
)
from tradebot.engine.exchange.fields import envelope_code, envelope_time
from tradebot.engine.exchange.outage import Outage
from tradebot.engine.exchange.parsing import FundingRow
from tradebot.engine.exchange.ports import Parameters, RestPort
from tradebot.engine.exchange.quotes import Ticker
from tradebot.engine.exchange.risk_tiers import parse_risk_limits, tiers_by_symbol
from tradebot.engine.exchange.throttle import BAN_S, RequestBudget, Throttle
from tradebot.engine.market import BarPage, BarRow, Category, Instrument, RiskTier, Timeframe
from tradebot.engine.market.times import iso_minute

PAGE_BARS = 1000
_KLINE = "/v5/market/kline"
_MARK_KLINE = "/v5/market/mark-price-kline"
_FUNDING_PAGE = 200
_MAX_PAGES = 200
# A bar may still get a late print right after its close; only then it is read as closed.
SETTLE_MS = 2000

# Requests under way: before the first answer, at least and at most, and what is added for answers that come late.
_FIRST_CONCURRENCY = 8
_LEAST_CONCURRENCY = 2
MOST_CONCURRENCY = 128
_SPARE_CONCURRENCY = 1.3
_SMOOTHING = 0.1

_Answer = TypeVar("_Answer")
Notice = Callable[[Level, str], None]


def _unheard(level: Level, sentence: str) -> None:
    """Nobody listens."""


class Exchange:
    """Bybit's public market data. All calls run on one event loop and share one request budget.

    Failures are tried again by the rule of their kind, with back-off and jitter; a ban closes the gate for all calls
    and is said by `notice`, and so are the beginning and the end of an outage, once for all calls. What is not worth
    another try is raised as ExchangeError.
    """

    def __init__(
        self,
        rest: RestPort,
        clock: Clock,
        rng: random.Random,
        throttle: Throttle | None = None,
        notice: Notice = _unheard,
        ban_s: float = BAN_S,
        settle_ms: int = SETTLE_MS,
    ) -> None:
        self._rest = rest
        self._clock = clock
        self._rng = rng
        self._throttle = throttle or Throttle(clock)
        self._notice = notice
        self._outage = Outage(rest.url, notice)
        self._ban_s = ban_s
        self._settle_ms = settle_ms
        self._reached = False
        self._said_ban_ms = 0
        self._latency_ms: float | None = None
        self._usual_latency_s: float | None = None
        self._offset_ms = 0

    @property
    def url(self) -> str:
        """Base address of the REST interface."""
        return self._rest.url

    @property
    def reached(self) -> bool:
        """Whether the exchange has answered at least once."""
        return self._reached

    @property
    def latency_ms(self) -> float | None:
        """Round trip of the last answered call, None before the first."""
        return self._latency_ms

    @property
    def settle_ms(self) -> int:
        """How long after its close a bar counts as closed."""
        return self._settle_ms

    def budget(self) -> RequestBudget:
        """The request budget, for a display."""
        return self._throttle.budget()

    def concurrency(self) -> int:
        """How many requests should be under way now to use up the budget at the measured latency, 2 to 128."""
        if self._usual_latency_s is None:
            return _FIRST_CONCURRENCY
        wanted = self._throttle.requests_per_second * self._usual_latency_s * _SPARE_CONCURRENCY + 1
        return max(_LEAST_CONCURRENCY, min(MOST_CONCURRENCY, math.ceil(wanted)))

    def now_ms(self) -> int:
        """The exchange's clock by our own and the offset last measured by `server_time_ms`."""
        return self._clock.now_ms() + self._offset_ms

    def closed_before_ms(self, timeframe: Timeframe) -> int:
        """Open time of the first bar that does not count as closed now, by the exchange's clock."""
        return timeframe.floor(self.now_ms() - self._settle_ms)

    async def server_time_ms(self) -> int:
        """The exchange's clock; the offset of ours is measured on the way (midpoint of the round trip)."""
        before = self._clock.now_ms()
        time_ms = await self._request("/v5/market/time", {}, parsing.parse_time)
        after = self._clock.now_ms()
        self._offset_ms = time_ms - (before + after) // 2
        return time_ms

    async def klines(
        self,
        category: Category,
        symbol: str,
        timeframe: Timeframe,
        start_ms: int,
        end_ms: int,
        mark: bool = False,
    ) -> Sequence[BarRow]:
        """Closed bars with start_ms <= open time < end_ms, rising, each time once; `mark` for those of the mark price.

        Asks windows of at most 1000 bars; what the exchange leaves out of a window is not asked again here. Bars of
        the mark price have an empty volume and turnover; spot has none, the exchange refuses them.
        """
        start, end = timeframe.ceil(start_ms), timeframe.ceil(end_ms)
        pages = []
        for at in range(start, end, PAGE_BARS * timeframe.ms):
            stop = min(end, at + PAGE_BARS * timeframe.ms)
            pages.append(await self._kline_page(category, symbol, timeframe, at, stop, mark))
        return BarPage.join(pages, mark)

    async def _kline_page(
        self, category: Category, symbol: str, timeframe: Timeframe, start: int, stop: int, mark: bool
    ) -> BarPage:
        params: Parameters = {
            "category": category.value,
            "symbol": symbol,
            "interval": timeframe.interval,
            "start": start,
            "end": stop - timeframe.ms,
            "limit": PAGE_BARS,
        }

        def bars_of(envelope: dict[str, Any]) -> BarPage:
            bars = parse_klines(envelope, symbol, mark)
            self._say_problems(tuple(f"{symbol} {timeframe.value}: {problem}" for problem in bars.problems))
            closed = envelope_time(envelope, "kline answer") - self._settle_ms - timeframe.ms
            return bars.within(timeframe, start, min(stop - 1, closed))

        return await self._request(_MARK_KLINE if mark else _KLINE, params, bars_of)

    async def instruments(self, category: Category, status: str = "") -> list[Instrument]:
        """All instruments that trade now, sorted by symbol; `status` for others: PreLaunch, Delivering, Closed.

        Items that cannot be understood are said and left out.
        """
        found: dict[str, Instrument] = {}
        cursor, seen = "", set()
        for _ in range(_MAX_PAGES):
            params: dict[str, str | int] = {"category": category.value, "limit": 1000}
            if status:
                params["status"] = status
            if cursor:
                params["cursor"] = cursor
            page = await self._request(
                "/v5/market/instruments-info", params, lambda got: parsing.parse_instruments(got, category)
            )
            self._say_problems(page.problems)
            found.update((instrument.symbol, instrument) for instrument in page.items)
            cursor = page.cursor
            if not cursor or cursor in seen:
                break
            seen.add(cursor)
        return [found[symbol] for symbol in sorted(found)]

    async def tickers(self, category: Category) -> list[Ticker]:
        """The latest quote of every symbol, in the exchange's order."""
        page = await self._request(
            "/v5/market/tickers",
            {"category": category.value},
            lambda got: parsing.parse_tickers(got, category),
        )
        self._say_problems(page.problems)
        return list(page.items)

    async def funding_history(
        self, category: Category, symbol: str, start_ms: int, end_ms: int
    ) -> list[FundingRow]:
        """Settled funding rates with start_ms <= time < end_ms, rising. Walks backwards, 200 a request."""
        rows: dict[int, FundingRow] = {}
        end = end_ms - 1
        while end >= start_ms:
            params: Parameters = {
                "category": category.value,
                "symbol": symbol,
                "endTime": end,
                "limit": _FUNDING_PAGE,
            }
            page = await self._request("/v5/market/funding/history", params, parsing.parse_funding)
            times = [row.time_ms for row in page if row.time_ms <= end]
            if not times:
                break
            rows.update((row.time_ms, row) for row in page if start_ms <= row.time_ms < end_ms)
            end = min(times) - 1
        return [rows[time_ms] for time_ms in sorted(rows)]

    async def risk_limits(
        self, category: Category, symbol: str | None = None
    ) -> dict[str, tuple[RiskTier, ...]]:
        """Margin tiers by symbol, rising by their limit; of one symbol, or of all that the category has.

        A symbol one of whose tiers cannot be understood is said and left out: its margins would be wrong.
        """
        found: list[tuple[str, RiskTier | None]] = []
        cursor, seen = "", set()
        for _ in range(_MAX_PAGES):
            params: dict[str, str | int] = {"category": category.value}
            if symbol is not None:
                params["symbol"] = symbol
            if cursor:
                params["cursor"] = cursor
            page = await self._request("/v5/market/risk-limit", params, parse_risk_limits)
            self._say_problems(page.problems)
            found += page.items
            cursor = page.cursor
            if not cursor or cursor in seen:
                break
            seen.add(cursor)
        return tiers_by_symbol(found)

    def _say_problems(self, problems: tuple[str, ...]) -> None:
        if problems:
            more = f" {len(problems) - 1} more like it." if len(problems) > 1 else ""
            self._notice(Level.WARNING, f"{problems[0]} It was left out.{more}")

    async def _request(
        self, path: str, params: Parameters, parse: Callable[[dict[str, Any]], _Answer]
    ) -> _Answer:
        """One answered and understood call, tried as often as the rules allow."""
        failures: dict[FailureKind, int] = {}
        while True:
            answers_when_sent = self._outage.answers
            try:
                answer = parse(await self._attempt(path, params))
                self._outage.answered()
                return answer
            except ExchangeError as error:
                kind = str(error.code) if error.code else error.kind.value
                count = failures[error.kind] = failures.get(error.kind, 0) + 1
                self._react(path, error)
                rule = self._rule(error.kind)
                if count >= rule.attempts:
                    raise
                self._outage.trying_again(error.kind, rule, answers_when_sent)
                pause = self._rng.uniform(0.5, 1.0) * rule.pause_s(count)
                if error.retry_after_s is not None:
                    pause = max(pause, error.retry_after_s)
            self._throttle.retried(kind)
            await self._clock.sleep(pause)

    def _rule(self, kind: FailureKind) -> RetryRule:
        first_contact = kind is FailureKind.UNREACHABLE and not self._reached
        return FIRST_CONTACT_RULE if first_contact else RETRY_RULES[kind]

    async def _attempt(self, path: str, params: Parameters) -> dict[str, Any]:
        self._say_ban()
        async with self._throttle.slot(path):
            sent = self._clock.monotonic()
            envelope = await self._rest.get(path, params)
            self._note_latency(self._clock.monotonic() - sent)
        where = f"answer to {path}"
        code = envelope_code(envelope, where)
        self._reached = True
        limits, time_ms = envelope.get(RATE_LIMIT), envelope.get("time")
        if limits and isinstance(limits, dict) and isinstance(time_ms, int):
            self._throttle.heard(path, limits, time_ms)
        if code == 0:
            return envelope
        words = envelope.get("retMsg")
        raise error_for_code(
            code, words if isinstance(words, str) else "", self.url, path, self._reset_wait_s(envelope)
        )

    def _note_latency(self, seconds: float) -> None:
        self._latency_ms = seconds * 1000
        usual = self._usual_latency_s
        self._usual_latency_s = seconds if usual is None else usual + _SMOOTHING * (seconds - usual)

    def _reset_wait_s(self, envelope: dict[str, Any]) -> float | None:
        """Seconds until the limit is said to be free again, None where nothing was said."""
        limits, now = envelope.get(RATE_LIMIT), envelope.get("time")
        reset = limits.get("reset_ms") if isinstance(limits, dict) else None
        if not isinstance(reset, int) or not isinstance(now, int):
            return None
        return min(60.0, max(0.0, (reset - now) / 1000))

    def _react(self, path: str, error: ExchangeError) -> None:
        """What a failure means beyond its own call."""
        if error.kind is FailureKind.BANNED and self._throttle.banned_until_ms() is None:
            self._said_ban_ms = self._throttle.ban(self._ban_s)
            self._notice(Level.WARNING, f"{error.sentence} {_until(self._said_ban_ms)}")
        elif error.kind is FailureKind.TOO_MANY_VISITS:
            self._throttle.refused(path, error.retry_after_s)

    def _say_ban(self) -> None:
        """Say once of a ban that another program of ours met, or we ourselves before a restart."""
        until_ms = self._throttle.banned_until_ms()
        if until_ms is not None and until_ms > self._said_ban_ms:
            self._said_ban_ms = until_ms
            self._notice(
                Level.WARNING, f"The exchange at {self.url} has banned this address. {_until(until_ms)}"
            )


def _until(banned_until_ms: int) -> str:
    return f"All requests wait until {iso_minute(banned_until_ms)} UTC."
