"""Carrying out `Collect`: history in a child process, then the live feed on the engine's loop, met without a hole."""

from __future__ import annotations

import asyncio
import random
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from tradebot.engine.collect import CollectRequest, LiveFeed, Order
from tradebot.engine.collect.child import ChildOrder, ChildOutcome, collect_in_child, order_for
from tradebot.engine.collect.listing import look_up
from tradebot.engine.control.clock import Clock
from tradebot.engine.control.errors import CancelledError, InputError, TradebotError, did_you_mean
from tradebot.engine.control.events import EventLog, Level
from tradebot.engine.control.jobs import Job, JobState
from tradebot.engine.control.progress import Progress, counted
from tradebot.engine.control.settings import ExchangeSettings
from tradebot.engine.exchange import Exchange, StreamStatus
from tradebot.engine.job_book import JobBook
from tradebot.engine.market import Category, DatasetKey, Timeframe
from tradebot.engine.market.times import iso_minute, parse_time
from tradebot.engine.messages import BudgetView, Collect, QuoteView, StreamView, SymbolChoice
from tradebot.engine.store import Store
from tradebot.engine.views import quote_view, stream_views

_RATE_HISTORY = 60
_SYMBOLS_KEPT_S = 600.0
_Work = Callable[[asyncio.Task[bool]], Awaitable[str]]


@dataclass(frozen=True, slots=True)
class Market:
    """The exchange that is collected from, and the store it is collected into.

    `budget_file` is where the processes of this machine share their requests; empty: the child has a budget of its own.
    The child is kept on so many `processors` (0: on all).
    """

    exchange: Exchange
    store: Store
    source: str
    settings: ExchangeSettings
    budget_file: str = ""
    processors: int = 0


def read_request(command: Collect, now_ms: int) -> CollectRequest:
    """The command as a request. Raises InputError with a sentence for a wrong name, timeframe or time."""
    category = category_of(command.category)
    orders = [order.value for order in Order]
    if command.order not in orders:
        raise InputError(
            f"{command.order!r} is not an order; choose {' or '.join(orders)}.{did_you_mean(command.order, orders)}"
        )
    for name in (*command.timeframes, *command.mark):
        if name not in Timeframe.names():
            raise InputError(
                f"{name!r} is not a timeframe; choose from {', '.join(Timeframe.names())}."
                f"{did_you_mean(name, Timeframe.names())}"
            )
    try:
        since_ms = parse_time(command.since, now_ms)
        until_ms = parse_time(command.until, now_ms) if command.until else None
    except ValueError as error:
        raise InputError(f"{error}.") from None
    if until_ms is not None and command.follow:
        raise InputError(
            "Following goes on until it is stopped, so it takes no end; leave out until, or do not follow."
        )
    if since_ms > now_ms:
        raise InputError(f"The span begins in the future ({command.since}); give a date in the past.")
    if since_ms == now_ms:
        raise InputError(
            f"The span {command.since!r} holds no time; give a longer one such as 30d, or a date."
        )
    timeframes = tuple(Timeframe(name) for name in command.timeframes)
    return CollectRequest(
        category,
        command.symbols,
        timeframes,
        since_ms,
        until_ms,
        command.follow,
        order=Order(command.order),
        top=command.top or None,
        mark_timeframes=tuple(Timeframe(name) for name in command.mark),
    )


def category_of(text: str) -> Category:
    """The category of that name. Raises InputError."""
    categories = [category.value for category in Category]
    if text not in categories:
        raise InputError(f"{text!r} is not a category; choose one of {', '.join(categories)}.")
    return Category(text)


class Collecting:
    """All collecting of an engine. Lives on the engine's loop; `views` may be read from any thread."""

    def __init__(
        self, market: Market, clock: Clock, rng: random.Random, events: EventLog, book: JobBook
    ) -> None:
        self._market = market
        self._clock = clock
        self._rng = rng
        self._events = events
        self._book = book
        self._feeds: dict[Category, LiveFeed] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._states: dict[str, tuple[str, str]] = {}
        self._child_budget: dict[str, Any] = {}
        self._watched: set[str] = set()
        self._symbols: dict[Category, tuple[float, tuple[SymbolChoice, ...]]] = {}
        self._rates: deque[float] = deque(maxlen=_RATE_HISTORY)
        # The exchange counts all processes of an address together: one history at a time.
        self._history_turn = asyncio.Lock()

    def begin(self, request: CollectRequest, title: str) -> Job:
        """Start a collection as a job; called on the engine's loop."""
        job = self._book.board.open("collect", title, "bars")
        touched: list[str] = []
        return self._start(job, touched, lambda turn: self._collect(job, request, touched, turn))

    def repair(self, keys: tuple[DatasetKey, ...], title: str) -> Job:
        """Start a repair as a job; called on the engine's loop."""
        job = self._book.board.open("repair", title, "bars")
        touched = [str(key) for key in keys]
        self._book.note(job, keys=tuple(touched))
        return self._start(job, touched, lambda turn: self._repair(job, keys, turn))

    def _start(self, job: Job, touched: list[str], work: _Work) -> Job:
        task = asyncio.get_running_loop().create_task(self._carry_out(job, touched, work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return job

    def watch(self, category: Category, symbols: tuple[str, ...]) -> None:
        """Keep the latest prices of these symbols."""
        self._watched |= set(symbols)
        self._feed(category).watch(symbols)

    def unfollow(self, keys: Iterable[DatasetKey]) -> int:
        """Follow these datasets no longer; how many of them were. Called on the engine's loop."""
        followed = [key for key in keys if self._states.get(str(key), ("", ""))[0] == "live"]
        for key in followed:
            del self._states[str(key)]
        still = {
            DatasetKey.parse(text).symbol for text, (state, _) in self._states.items() if state == "live"
        }
        for category in {key.category for key in followed}:
            feed = self._feed(Category(category))
            mine = [key for key in followed if key.category == category]
            feed.unfollow(mine)
            feed.unwatch({key.symbol for key in mine} - still - self._watched)
        return len(followed)

    async def symbols(self, category: Category) -> tuple[SymbolChoice, ...]:
        """The symbols of a category that trade now, those with the largest turnover first; remembered for a while."""
        known = self._symbols.get(category)
        now = self._clock.monotonic()
        if known is None or now - known[0] > _SYMBOLS_KEPT_S:
            exchange = self._market.exchange
            instruments = await exchange.instruments(category)
            turnover = {
                ticker.symbol: ticker.turnover_24h or 0.0 for ticker in await exchange.tickers(category)
            }
            choices = [
                SymbolChoice(
                    each.symbol, each.base_coin, each.quote_coin, each.launch_ms, turnover.get(each.symbol)
                )
                for each in instruments
            ]
            choices.sort(key=lambda choice: (-(choice.turnover_24h or 0.0), choice.symbol))
            known = self._symbols[category] = (now, tuple(choices))
        return known[1]

    async def close(self) -> None:
        """Stop all collecting; what is on its way to disk is written first."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for feed in self._feeds.values():
            await feed.close()

    # ------------------------------------------------------------------------------------------ looks

    def states(self) -> dict[str, tuple[str, str]]:
        """(state, note) of each dataset that is being collected, followed or failed, by its key's text."""
        return dict(self._states)

    def quotes(self) -> tuple[QuoteView, ...]:
        """The latest prices."""
        now = self._market.exchange.now_ms()
        return tuple(
            quote_view(ticker, now) for feed in self._feeds.values() for ticker in feed.quotes.all().values()
        )

    def quoted(self) -> tuple[tuple[Category, str], ...]:
        """What there are latest prices of; may be asked from any thread."""
        return tuple(
            (category, symbol)
            for category, feed in tuple(self._feeds.items())
            for symbol in feed.quotes.symbols()
        )

    def waiting_bars(self) -> int:
        """Closed bars of the live feed that are on their way into the store."""
        return sum(feed.waiting_bars for feed in self._feeds.values())

    def stream_statuses(self) -> list[StreamStatus]:
        """Every stream connection."""
        return [stream for feed in self._feeds.values() for stream in feed.status().streams]

    def streams(self) -> tuple[StreamView, ...]:
        """How each kind of topic is doing, over all connections."""
        return stream_views(self.stream_statuses())

    def note_rate(self) -> None:
        """Take one sample of the message rate; called once a second."""
        self._rates.append(sum(view.rate for view in self.streams()))

    def rates(self) -> tuple[float, ...]:
        """Messages a second of the last minute, oldest first."""
        return tuple(self._rates)

    def budget(self) -> BudgetView:
        """Requests of this process and of the collecting child in the exchange's window."""
        own = self._market.exchange.budget()
        child = self._child_budget
        retries = Counter(dict(own.retries_by_kind)) + Counter(child.get("retries_by_kind", {}))
        bans = [until for until in (own.banned_until_ms, child.get("banned_until_ms")) if until]
        return BudgetView(
            own.used + child.get("used", 0),
            own.limit,
            own.window_s,
            max(bans) if bans else None,
            own.retries + child.get("retries", 0),
            own.allowed,
            (own.used + child.get("used", 0)) / own.window_s,
            retries_by_kind=tuple(retries.most_common()),
        )

    # ------------------------------------------------------------------------------------------ work

    async def _carry_out(self, job: Job, touched: list[str], work: _Work) -> None:
        try:
            # Queued in the order in which they were asked for, while symbols are looked up and subscribed.
            turn = asyncio.create_task(self._history_turn.acquire())
            try:
                sentence = await work(turn)
            finally:
                if turn.done() and not turn.cancelled():
                    self._history_turn.release()
                turn.cancel()
        except asyncio.CancelledError:
            job.end(JobState.CANCELLED, "Stopped with tradebot; what was collected is stored.")
            raise
        except CancelledError:
            job.end(
                JobState.CANCELLED, "Stopped; what was collected is stored, the next run continues there."
            )
        except TradebotError as error:
            job.end(JobState.FAILED, error.sentence)
            self._events.error(job.status.kind, error.sentence)
        except Exception as error:  # noqa: BLE001 - a defect of ours ends this job in words, the engine goes on
            job.end(
                JobState.FAILED, f"A defect of tradebot stopped this job ({type(error).__name__}: {error})."
            )
        else:
            job.end(JobState.DONE, sentence)
            kind = job.status.kind
            self._events.info(kind, f"{job.status.title.removeprefix(f'{kind} ')}: {sentence}")
        finally:
            self._child_budget = {}
            for key in touched:
                if self._states.get(key, ("", ""))[0] == "collecting":
                    del self._states[key]

    async def _collect(
        self, job: Job, request: CollectRequest, touched: list[str], turn: asyncio.Task[bool]
    ) -> str:
        job.say("Looking up the symbols.")
        feed = self._feed(request.category)
        exchange = self._market.exchange
        listing = await look_up(exchange, self._market.store, request, feed.thread)
        symbols = listing.symbols
        asked = request.keys(symbols)
        # Bars of the mark price are collected up to now only: the exchange streams none. Nor any of what has ended.
        keys = [key for key in asked if not key.mark and not listing.is_over(key, exchange.now_ms())]
        touched += [str(key) for key in asked]
        self._book.note(job, keys=tuple(touched))
        for key in asked:
            if self._states.get(str(key), ("", ""))[0] != "live":
                self._states[str(key)] = ("collecting", "queued")
        new: list[DatasetKey] = []
        if request.follow:
            feed.watch(sorted({key.symbol for key in keys}))
            new = feed.follow(keys)
            await feed.subscribed()
        try:
            if not turn.done():
                job.wait("Waits until the running collection has ended.")
            await turn
            job.cancel.check()
            outcome = await self._history(job, replace(request, symbols=symbols, top=None))
        except BaseException:
            feed.unfollow(new)
            raise
        if not request.follow:
            return closing_sentence(outcome)
        await feed.begin(keys)
        for key in keys:
            self._states[str(key)] = ("live", "")
        return closing_sentence(outcome) + " Followed live from here."

    async def _history(self, job: Job, request: CollectRequest) -> ChildOutcome:
        order = order_for(request, **self._where())
        return await collect_in_child(order, lambda message: self._hear(job, message), job.cancel)

    async def _repair(self, job: Job, keys: tuple[DatasetKey, ...], turn: asyncio.Task[bool]) -> str:
        if not turn.done():
            job.wait("Waits until what runs before it has ended.")
        await turn
        job.cancel.check()
        job.say("Looks for what is wrong.")
        texts = tuple(str(key) for key in keys)
        order = ChildOrder(**self._where(), category=keys[0].category, kind="repair", keys=texts)
        outcome = await collect_in_child(order, lambda message: self._hear(job, message), job.cancel)
        return closing_sentence_of_repair(outcome)

    def _where(self) -> dict[str, Any]:
        """What every order to the child says: whom to ask, how much of it, and where to store it."""
        settings = self._market.settings
        return {
            "url": self._market.exchange.url,
            "folder": str(self._market.store.folder),
            "source": self._market.source,
            "budget_percent": settings.budget_percent,
            "timeout_seconds": settings.timeout_seconds,
            "budget_file": self._market.budget_file,
            "processors": self._market.processors,
        }

    def _hear(self, job: Job, message: dict[str, Any]) -> None:
        if "notice" in message:
            notice = message["notice"]
            if notice["sentence"].startswith(f"The exchange at {self._market.exchange.url} "):
                return  # the engine asks the exchange itself and says once when it is gone and when it is back
            self._events.add(Level(notice["level"]), "collect", notice["sentence"])
            return
        look = message["progress"]
        job.report(Progress(look["done"], look["total"], "bars", look["rate"], look["eta"], look["note"]))
        names = ("used", "retries", "retries_by_kind", "banned_until_ms")
        self._child_budget = {name: look[name] for name in names}
        for key, state, done, total, sentence in look["datasets"]:
            if self._states.get(key, ("", ""))[0] != "live":
                share = f"{done / total:.0%}" if total else ""
                again_ms = look["details"][key]["retry_at_ms"]
                note = share if again_ms is None else f"asked again at {iso_minute(again_ms)} UTC"
                self._states[key] = ("error", sentence) if state == "failed" else ("collecting", note)

    def _feed(self, category: Category) -> LiveFeed:
        if category not in self._feeds:
            feed = LiveFeed(
                self._market.exchange, self._market.store, category, self._clock, self._rng, self._notice
            )
            feed.start()
            self._feeds[category] = feed
        return self._feeds[category]

    def _notice(self, level: Level, sentence: str) -> None:
        self._events.add(level, "feed", sentence)


def closing_sentence(outcome: ChildOutcome) -> str:
    """What a collection did, and what it could not have."""
    added = f"{counted(outcome.bars_added, 'bar')} added to {counted(outcome.datasets, 'dataset')}."
    if not outcome.bars_added:
        added = "Everything was there already." if outcome.complete else "No bars were added."
    return " ".join([added, *outcome.sentences, *outcome.information])


def closing_sentence_of_repair(outcome: ChildOutcome) -> str:
    """What a repair put right, and what is left to do."""
    done = []
    if outcome.rows_moved:
        done.append(f"{counted(outcome.rows_moved, 'bad row')} put aside.")
    if outcome.bars_added:
        done.append(f"{counted(outcome.bars_added, 'bar')} added.")
    return " ".join([*done, *outcome.sentences]) or "Nothing was missing and no row was bad."
