"""One seeded run of collecting with `follow` against random faults, in memory on virtual time; replayable by number.

`python -m tests.engine.collect.test_soak SEED` tells the story of a run.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tests.engine.collect.helpers import InlineThread, read_bars
from tests.engine.exchange.virtual_time import VirtualClock, run_virtual
from tests.support.memory_exchange import MemoryRest, memory_connector, memory_exchange, running
from tradebot.engine.collect import ClosedBar, ClosedBars, CollectRequest, Hybrid, LiveFeed, Order
from tradebot.engine.control.errors import TradebotError
from tradebot.engine.control.events import Level
from tradebot.engine.control.progress import CancelToken
from tradebot.engine.exchange import Exchange, SharedBudget, Throttle
from tradebot.engine.market import MINUTE_MS, BarRow, Category, DatasetKey, Timeframe
from tradebot.engine.simulator.faults import FaultPlan, random_plan
from tradebot.engine.store import Store

START = 1_793_000_010_000
M1 = Timeframe.M1
SYMBOLS = {
    Category.LINEAR: ("BTCUSDT", "ETHUSDT", "SOLUSDT"),
    Category.INVERSE: ("BTCUSD", "ETHUSD", "SOLUSD"),
    Category.SPOT: ("BTCUSDT", "ETHUSDT", "SOLUSDT"),
}
NEW = "XRPUSDT"
_CHOICES = ((M1,), (M1, Timeframe.M5), (M1, Timeframe.M3, Timeframe.M15), (Timeframe.M5,), (M1, Timeframe.H1))
_CATEGORIES = (*[Category.LINEAR] * 6, Category.INVERSE, Category.SPOT)
_BAN_S = 60.0


@dataclass
class Scenario:
    """What a seed stands for."""

    seed: int
    category: Category
    symbols: tuple[str, ...]
    timeframes: tuple[Timeframe, ...]
    mark: tuple[Timeframe, ...]
    order: Order
    top: bool
    since_ms: int
    minutes: int
    calm_minutes: int
    plan: FaultPlan
    stops_s: list[tuple[float, bool]]  # when our side is stopped, and whether it is killed rather than closed

    @property
    def keys(self) -> list[DatasetKey]:
        return [
            DatasetKey.of(self.category, name, frame) for name in self.symbols for frame in self.timeframes
        ]

    @property
    def mark_keys(self) -> list[DatasetKey]:
        return [
            DatasetKey.of(self.category, name, frame, True) for name in self.symbols for frame in self.mark
        ]

    @property
    def bans(self) -> bool:
        return any(rule.kind == "ban" for rule in self.plan.rules)

    def request(self) -> CollectRequest:
        names = ("all",) if self.top else self.symbols
        top = len(self.symbols) if self.top else None
        return CollectRequest(
            self.category,
            names,
            self.timeframes,
            self.since_ms,
            follow=True,
            funding=False,
            order=self.order,
            top=top,
            mark_timeframes=self.mark,
        )


def scenario(seed: int) -> Scenario:
    """The same number gives the same run."""
    rng = random.Random(f"soak/{seed}")
    category = rng.choice(_CATEGORIES)
    listed = SYMBOLS[category]
    top = rng.random() < 0.1
    # Those with the largest turnover, where these are asked for.
    symbols = listed[:2] if top else tuple(sorted(rng.sample(listed, rng.randint(1, 3))))
    faulty, calm = rng.randint(4, 9), 7
    changes = not top and len(symbols) > 1
    delisted = (symbols[-1],) if changes and rng.random() < 0.2 else ()
    new = (NEW,) if changes and not delisted and category is Category.LINEAR and rng.random() < 0.15 else ()
    rules = [
        replace(rule, category=category.value) if rule.kind == "delist" else rule
        for part in range(rng.choice((1, 2, 3)))
        for rule in random_plan(
            seed * 10 + part,
            START,
            (faulty + calm) * MINUTE_MS,
            symbols,
            calm * MINUTE_MS,
            listed_later=new if part == 0 else (),
            delisted=delisted if part == 0 else (),
            bans=rng.random() < 0.4,
        ).rules
        if part == 0 or rule.kind != "skew"
    ]
    stops = sorted(rng.uniform(5, faulty * 60) for _ in range(rng.choice((0, 0, 1, 1, 2, 4))))
    return Scenario(
        seed,
        category,
        (*symbols, *new),
        rng.choice(_CHOICES),
        (M1,) if category is not Category.SPOT and rng.random() < 0.15 else (),
        Order.NEWEST_FIRST if rng.random() < 0.25 else Order.OLDEST_FIRST,
        top,
        START - rng.choice((10, 60, 200, 1100)) * MINUTE_MS,
        faulty + calm,
        calm,
        FaultPlan(tuple(rules)),
        [(at, rng.random() < 0.5) for at in stops],
    )


class MortalThread(InlineThread):
    """Carries store calls out until it is killed; what was not written by then never is."""

    def __init__(self) -> None:
        super().__init__()
        self.dead = False

    def submit(self, work: Callable[[], Any]) -> asyncio.Future[Any]:
        if self.dead:
            return asyncio.get_running_loop().create_future()
        return super().submit(work)


@dataclass
class Outcome:
    """What came of a run."""

    scenario: Scenario
    stored: dict[DatasetKey, list[BarRow]] = field(default_factory=dict)
    truth: dict[DatasetKey, list[BarRow]] = field(default_factory=dict)
    heard: list[list[tuple[DatasetKey, BarRow]]] = field(default_factory=list)
    streamed: list[list[ClosedBar]] = field(default_factory=list)
    story: list[str] = field(default_factory=list)
    holes: list[str] = field(default_factory=list)

    def faults(self) -> list[str]:
        """What is wrong with it, in words; nothing where everything is as it must be."""
        found = []
        for key, rows in self.stored.items():
            wrong = difference(rows, self.truth[key])
            if wrong:
                found.append(f"{key}: {wrong}")
        for number, session in enumerate(self.heard):
            for key in self.stored:
                times = [row.time_ms for heard, row in session if heard == key]
                if times != sorted(set(times)):
                    found.append(f"{key}: session {number} told bars twice or out of order")
        for number, bars in enumerate(self.streamed):
            found += self._stream_faults(number, bars)
        return found

    def _stream_faults(self, number: int, bars: list[ClosedBar]) -> list[str]:
        frame = self.scenario.timeframes[0]
        true = {
            row.time_ms: row
            for row in self.truth[DatasetKey.of(self.scenario.category, self.scenario.symbols[0], frame)]
        }
        times = [bar.time_ms for bar in bars]
        found = []
        if times != sorted(set(times)):
            found.append(f"stream {number} gave bars twice or out of order")
        for before, bar in zip([None, *bars], bars, strict=False):
            if bar.time_ms not in true or bar.close != float(true[bar.time_ms].close):
                found.append(f"stream {number} gave another bar at {bar.time_ms} than the exchange has")
            if before is not None and (bar.time_ms - before.time_ms != frame.ms) != bar.gap_before:
                found.append(f"stream {number} left out bars before {bar.time_ms} without a word")
        return found


def difference(rows: list[BarRow], true: list[BarRow]) -> str:
    """How stored rows differ from the truth, empty where they do not."""
    if rows == true:
        return ""
    times, true_times = [row.time_ms for row in rows], [row.time_ms for row in true]
    if times != sorted(set(times)):
        return "rows are doubled or out of order"
    lost = sorted(set(true_times) - set(times))
    extra = sorted(set(times) - set(true_times))
    known = {row.time_ms: row for row in true}
    altered = [row.time_ms for row in rows if row.time_ms in known and known[row.time_ms] != row]

    def shown(moments: list[int]) -> str:
        return ", ".join(f"{(at - START) / MINUTE_MS:+.1f} min" for at in moments[:5])

    parts = (("lost", lost), ("too many", extra), ("altered", altered))
    return ", ".join(f"{len(moments)} {what} ({shown(moments)})" for what, moments in parts if moments)


def run_seed(seed: int, folder: Path) -> Outcome:
    """The whole run of a seed in an empty folder."""
    gc.disable()  # a run is short, and looking for garbage took a seventh of it
    try:
        return run_virtual(lambda clock: _Run(scenario(seed), folder, clock).run(), START)
    finally:
        gc.enable()


class _Run:
    def __init__(self, made: Scenario, folder: Path, clock: VirtualClock) -> None:
        self.made = made
        self.folder = folder
        self.clock = clock
        self.simulated = memory_exchange(clock, plan=made.plan, seed=1 + made.seed % 3)
        self.outcome = Outcome(made)
        self.sessions = 0

    def tell(self, text: str) -> None:
        minutes = (self.clock.now_ms() - START) / MINUTE_MS
        self.outcome.story.append(f"{minutes:6.2f} min  {text}")

    async def run(self) -> Outcome:
        made = self.made
        end = made.minutes * 60.0
        async with running(self.simulated):
            shaking = asyncio.create_task(self._shake())
            for stop_s, killed in made.stops_s:
                await self._session(stop_s, killed)
                await self.clock.sleep(random.Random(f"{made.seed}/{stop_s}").choice((0.0, 5.0, 90.0)))
            # To the middle of a minute of the exchange, so that every closed bar had its time.
            now = self.simulated.clock.now_ms() + (end - self.clock.monotonic()) * 1000
            began_ms = self.simulated.clock.now_ms()
            await self._session(end + (MINUTE_MS - now % MINUTE_MS + 40_000) / 1000, False)
            await self._judge(began_ms)
            shaking.cancel()
        self.outcome.story += [str(event) for event in self.simulated.truth.events("fault")]
        return self.outcome

    async def _shake(self) -> None:
        """Connections break more often than a plan lets them."""
        rng = random.Random(f"shake/{self.made.seed}")
        faulty_s = (self.made.minutes - self.made.calm_minutes) * 60
        for at in sorted(rng.uniform(0, faulty_s) for _ in range(rng.choice((0, 1, 2, 5)))):
            await self.clock.sleep(at - self.clock.monotonic())
            self.tell(f"{self.simulated.drop_streams(rng.choice((1000, 1001, 1006)))} connections break")

    async def _session(self, until_s: float, killed: bool) -> None:
        """Our side from its start to its end; what it learned is what lies in the folder."""
        made, clock = self.made, self.clock
        self.sessions += 1
        rng = random.Random(f"session/{made.seed}/{self.sessions}")
        heard: list[tuple[DatasetKey, BarRow]] = []
        self.outcome.heard.append(heard)
        self.tell(f"session {self.sessions} begins, to be {'killed' if killed else 'closed'}")

        def notice(level: Level, sentence: str) -> None:
            self.tell(f"{level.value}: {sentence}")

        # A ban is to be known after a restart, by the file in which it is written down.
        shared = SharedBudget(self.folder.with_suffix(".budget"), clock) if made.bans else None
        throttle = Throttle(clock, shared=shared)
        exchange = Exchange(MemoryRest(self.simulated), clock, rng, throttle, notice, ban_s=_BAN_S)
        store, thread = Store(self.folder, clock), MortalThread()
        feed = LiveFeed(
            exchange,
            store,
            made.category,
            clock,
            rng,
            notice,
            memory_connector(self.simulated),
            thread=thread,
        )
        feed.add_listener(lambda key, row: heard.append((key, row)))
        feed.start()
        work = asyncio.create_task(self._follow(exchange, store, feed))
        stream = asyncio.create_task(self._consume(store, feed))
        try:
            await clock.sleep(max(0.0, until_s - clock.monotonic()))
        finally:
            if killed:
                thread.dead = True
            for task in (work, stream):
                task.cancel()
            await asyncio.gather(work, stream, return_exceptions=True)
            self.tell(f"session {self.sessions} ends")
            if killed:
                await _drop(feed)
            else:
                await feed.close()
            for sentence in store.notices():
                self.tell(f"store: {sentence}")

    async def _follow(self, exchange: Exchange, store: Store, feed: LiveFeed) -> None:
        """A person starts it again until it runs."""
        request = self.made.request()
        while True:
            try:
                report = await Hybrid(exchange, store, feed, self.clock).run(
                    request, lambda progress: None, CancelToken()
                )
                self.tell(f"history: {report.sentences}")
            except TradebotError as error:
                self.tell(f"refused: {error.sentence}")
                await self.clock.sleep(3.0)

    async def _consume(self, store: Store, feed: LiveFeed) -> None:
        """A consumer of closed bars beside it all."""
        made = self.made
        bars = ClosedBars({made.category: feed}, store, self.clock, InlineThread())
        got: list[ClosedBar] = []
        self.outcome.streamed.append(got)
        while True:
            with contextlib.suppress(TradebotError):
                stream = bars.stream(made.category, made.symbols[0], made.timeframes[0], made.since_ms)
                async for bar in stream:
                    if not got or bar.time_ms > got[-1].time_ms:
                        got.append(bar)
            await self.clock.sleep(1.0)

    async def _judge(self, last_began_ms: int) -> None:
        made, truth = self.made, self.simulated.truth
        now = self.simulated.clock.now_ms()
        store = Store(self.folder, self.clock, read_only=True)
        for key in made.keys:
            start, end = key.timeframe.ceil(made.since_ms), key.timeframe.floor(now)
            self.outcome.stored[key] = read_bars(self.folder, key)
            self.outcome.truth[key] = truth.candles(key.category, key.symbol, key.timeframe, start, end)
            self.outcome.holes += [f"{key} {hole}" for hole in store.holes(key)]
        for key in made.mark_keys:
            # The exchange streams none of them: each run collects them up to its start.
            stored = read_bars(self.folder, key)
            end = max([row.time_ms for row in stored] + [last_began_ms - 2 * MINUTE_MS])
            self.outcome.stored[key] = stored
            self.outcome.truth[key] = await self._mark_bars(key, key.timeframe.ceil(made.since_ms), end)

    async def _mark_bars(self, key: DatasetKey, start_ms: int, last_ms: int) -> list[BarRow]:
        """What the exchange has, asked behind the back of all faults."""
        query = {
            "category": key.category,
            "symbol": key.symbol,
            "interval": key.timeframe.interval,
            "limit": "1000",
        }
        rows: list[BarRow] = []
        for first in range(start_ms, last_ms + 1, 1000 * key.timeframe.ms):
            last = min(last_ms, first + 999 * key.timeframe.ms)
            text = await self.simulated._endpoints.routes["/v5/market/mark-price-kline"](
                {**query, "start": str(first), "end": str(last)}
            )
            got = reversed(json.loads(text)["list"])
            rows += [BarRow(int(row[0]), *row[1:], "", "") for row in got]
        return rows


async def _drop(feed: LiveFeed) -> None:
    """What a kill leaves of a feed: nothing."""
    await feed._pool.close()
    await feed._filler.close()
    tasks = [*feed._tasks, *feed._beside]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
