"""Consumers get one gapless, ordered stream of closed bars, equal to what is built from the files."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.engine.collect.helpers import LINEAR, M1, M5, InlineThread
from tests.engine.collect.test_live import SINCE, Live, run_live
from tests.engine.exchange.fake_bybit import KLINE, true_bar
from tests.engine.exchange.virtual_time import run_virtual
from tradebot.engine.collect import ClosedBar, ClosedBars, OverrunError
from tradebot.engine.control.errors import InputError
from tradebot.engine.market import HOUR_MS, MINUTE_MS, BarRow, Candles, DatasetKey, Timeframe
from tradebot.engine.store.resample import resample

MINUTES = DatasetKey("linear", "BTCUSDT", "1m")
MONDAY_MS = 1_704_067_200_000


class HandFeed:
    """A feed and its store, moved by hand: `close(row)` stores a bar and tells it, as the real ones do."""

    def __init__(self, key: DatasetKey, rows: list[BarRow]) -> None:
        self.key, self.rows, self.is_begun = key, list(rows), True
        self.listeners: list[Callable[[DatasetKey, BarRow], None]] = []
        self.ends: list[Callable[[DatasetKey], None]] = []

    def followed(self) -> frozenset[DatasetKey]:
        return frozenset({self.key}) if self.key is not None else frozenset()

    def begun(self, key: DatasetKey) -> bool:
        return self.is_begun

    def add_listener(self, listener: Any) -> None:
        self.listeners.append(listener)

    def add_end_listener(self, listener: Any) -> None:
        self.ends.append(listener)

    def info(self, key: DatasetKey) -> Any:
        return self if self.rows else None

    def load(self, key: DatasetKey, start_ms: int | None = None, end_ms: int | None = None) -> Candles:
        return Candles.from_rows(self.key.timeframe, self.rows).between(start_ms, end_ms)

    def close(self, row: BarRow) -> None:
        self.rows.append(row)
        for listener in self.listeners:
            listener(self.key, row)

    def leave(self) -> None:
        key, self.key = self.key, None  # type: ignore[assignment]  # no dataset is followed from here on
        for listener in self.ends:
            listener(key)


def bars_of(feed: HandFeed, clock: Any, **options: Any) -> ClosedBars:
    return ClosedBars({LINEAR: feed}, feed, clock, InlineThread(), **options)  # type: ignore[dict-item]  # by hand


async def hear(stream: AsyncIterator[ClosedBar], tell: Callable[[ClosedBar], None]) -> None:
    async for bar in stream:
        tell(bar)


def minute_rows(seed: int, start: int, length: int, share: float) -> list[BarRow]:
    chance = random.Random(seed)
    rows = []
    for number in range(start, start + length):
        if chance.random() < share:
            low, high = sorted((chance.randint(100, 200), chance.randint(100, 200)))
            prices = (str(chance.randint(low, high)), str(high), str(low), str(chance.randint(low, high)))
            at = MONDAY_MS + number * MINUTE_MS
            rows.append(BarRow(at, *prices, str(chance.randint(0, 9)), str(chance.randint(0, 99))))
    return rows


def expected_bars(rows: list[BarRow], target: Timeframe, start_ms: int) -> list[ClosedBar]:
    """What the batch rules of the store give."""
    candles = Candles.from_rows(M1, rows)
    built = candles if target is M1 else resample(candles, target)
    built = built.between(target.ceil(start_ms), None)
    bars: list[ClosedBar] = []
    for index in range(len(built)):
        at = int(built.time[index])
        values = (built.open, built.high, built.low, built.close, built.volume, built.turnover)
        held = sum(at <= row.time_ms < at + target.ms for row in rows)
        bars.append(
            ClosedBar(
                at,
                *(float(column[index]) for column in values),
                gap_before=bool(bars) and bars[-1].time_ms + target.ms != at,
                complete=held == target.ms // M1.ms,
            )
        )
    return bars


@settings(max_examples=150, deadline=None)
@example(seed=1, start=1, length=6, share=0.6, target=Timeframe.M3, stored=0.0, since=1, rereads=0)
@given(
    seed=st.integers(0, 10**6),
    start=st.integers(-700, 700),
    length=st.integers(0, 400),
    share=st.sampled_from([1.0, 0.97, 0.6, 0.1]),
    target=st.sampled_from([M1, Timeframe.M3, M5, Timeframe.H1, Timeframe.H4, Timeframe.D1, Timeframe.W1]),
    stored=st.floats(0, 1),
    since=st.integers(-800, 900),
    rereads=st.integers(0, 3),
)
def test_the_stream_is_what_the_batch_rules_give(
    seed: int,
    start: int,
    length: int,
    share: float,
    target: Timeframe,
    stored: float,
    since: int,
    rereads: int,
) -> None:
    rows = minute_rows(seed, start, length, share)
    start_ms = MONDAY_MS + since * MINUTE_MS
    split = int(len(rows) * stored)

    async def main(clock: Any) -> list[ClosedBar]:
        feed = HandFeed(MINUTES, rows[:split])
        bars = bars_of(feed, clock, capacity=rereads or 1000)
        heard: list[ClosedBar] = []

        async def listen() -> None:
            resume_ms: int | None = start_ms
            while resume_ms is not None:
                try:
                    await hear(bars.stream(LINEAR, "BTCUSDT", target, resume_ms), heard.append)
                    resume_ms = None
                except OverrunError as error:
                    resume_ms = error.resume_ms

        task = asyncio.create_task(listen())
        chance = random.Random(seed)
        for row in rows[split:]:
            if chance.random() < 0.2 or not rereads:
                await clock.sleep(0.01)
            feed.close(row)
        await clock.sleep(1)
        feed.leave()
        await task
        return heard

    heard, expected = run_virtual(main), expected_bars(rows, target, start_ms)
    assert [bar.time_ms for bar in heard] == [bar.time_ms for bar in expected]
    assert [bar.complete for bar in heard] == [bar.complete for bar in expected]
    if not rereads:
        assert [bar.gap_before for bar in heard] == [bar.gap_before for bar in expected]
    for name in ("open", "high", "low", "close", "volume", "turnover"):
        np.testing.assert_allclose(
            [getattr(bar, name) for bar in heard], [getattr(bar, name) for bar in expected], rtol=1e-12
        )


def test_a_slow_consumer_is_told_where_it_can_go_on_and_the_feed_never_waits() -> None:
    async def main(clock: Any) -> None:
        rows = minute_rows(1, 0, 500, 1.0)
        feed = HandFeed(MINUTES, rows[:10])
        bars = bars_of(feed, clock, capacity=20)
        slow, quick = (bars.stream(LINEAR, "BTCUSDT", M1, 0) for _ in range(2))
        taken = [await anext(slow) for _ in range(10)]
        heard: list[ClosedBar] = []

        task = asyncio.create_task(hear(quick, heard.append))
        waiting = asyncio.create_task(anext(slow))
        await clock.sleep(0.01)
        feed.close(rows[10])
        taken.append(await waiting)
        for row in rows[11:400]:
            feed.close(row)
            await asyncio.sleep(0)
        with pytest.raises(OverrunError) as caught:
            taken.append(await anext(slow))
        assert caught.value.resume_ms == taken[-1].time_ms + MINUTE_MS
        again = bars.stream(LINEAR, "BTCUSDT", M1, caught.value.resume_ms)
        taken += [await anext(again) for _ in range(400 - len(taken))]
        assert [bar.time_ms for bar in taken] == [row.time_ms for row in rows[:400]]
        assert [bar.time_ms for bar in heard] == [row.time_ms for row in rows[:400]], (
            "the other one is not disturbed"
        )
        task.cancel()

    run_virtual(main)


def test_a_cancelled_consumer_leaves_nothing_behind() -> None:
    async def main(clock: Any) -> None:
        feed = HandFeed(MINUTES, minute_rows(1, 0, 5, 1.0))
        bars = bars_of(feed, clock)

        async def listen() -> None:
            async for _ in bars.stream(LINEAR, "BTCUSDT", M5, 0):
                pass

        task = asyncio.create_task(listen())
        await clock.sleep(1)
        assert len(bars._subscriptions[MINUTES]) == 1
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        assert bars._subscriptions[MINUTES] == []

    run_virtual(main)


def test_what_is_not_followed_is_refused_with_what_to_do() -> None:
    async def main(clock: Any) -> None:
        bars = bars_of(HandFeed(MINUTES, []), clock)
        with pytest.raises(InputError, match="linear/ETHUSDT_5m is not followed, nor is linear/ETHUSDT_1m"):
            await anext(bars.stream(LINEAR, "ETHUSDT", M5, 0))

    run_virtual(main)


def test_nothing_is_told_before_the_history_is_complete() -> None:
    async def main(clock: Any) -> None:
        rows = minute_rows(1, 0, 50, 1.0)
        feed = HandFeed(MINUTES, rows[:10])
        feed.is_begun = False
        stream = bars_of(feed, clock).stream(LINEAR, "BTCUSDT", M1, 0)
        first = asyncio.create_task(anext(stream))
        await clock.sleep(60)
        assert not first.done()
        feed.rows += rows[10:40]
        feed.is_begun = True
        got = [await first] + [await anext(stream) for _ in range(39)]
        assert [bar.time_ms for bar in got] == [row.time_ms for row in rows[:40]]
        assert not any(bar.gap_before for bar in got)

    run_virtual(main)


def test_history_and_live_bars_of_a_real_feed_meet(tmp_path: Path) -> None:
    async def body(live: Live) -> None:
        clock, heard = live.world.clock, {}
        bars = ClosedBars({LINEAR: live.feed}, live.world.store, clock, InlineThread())
        await live.follow("BTCUSDT", timeframes=(M1, M5))

        async def listen(timeframe: Timeframe, name: str) -> None:
            async for bar in bars.stream(LINEAR, "BTCUSDT", timeframe, SINCE):
                heard.setdefault(name, []).append(bar)

        jobs = [
            (M1, "1m"),
            (M5, "5m"),
            (Timeframe.M15, "15m"),
            (Timeframe.M15, "15m again"),
            (Timeframe.H1, "1h"),
        ]
        tasks = [asyncio.create_task(listen(*job)) for job in jobs]
        await clock.sleep(600)
        live.server.refuse = True
        live.server.live[0].drop()
        await clock.sleep(400)
        live.server.refuse = False
        await clock.sleep(7200)
        live.feed.unfollow(live.feed.followed())
        await asyncio.gather(*tasks)
        assert heard["15m"] == heard["15m again"]
        for frame in (M1, M5, Timeframe.M15, Timeframe.H1):
            times = [bar.time_ms for bar in heard[frame.value]]
            end = frame.floor(clock.now_ms())
            assert times == list(range(frame.ceil(SINCE), end, frame.ms))
            assert not any(bar.gap_before or not bar.complete for bar in heard[frame.value])
        stored = [float(true_bar("BTCUSDT", bar.time_ms).close) for bar in heard["1m"]]
        assert [bar.close for bar in heard["1m"]] == stored

    run_live(tmp_path, body)


def test_a_hole_of_the_exchange_is_told_as_one(tmp_path: Path) -> None:
    async def body(live: Live) -> None:
        clock = live.world.clock
        bars = ClosedBars({LINEAR: live.feed}, live.world.store, clock, InlineThread())
        await live.follow("BTCUSDT")
        hole = M1.floor(clock.now_ms()) + 2 * MINUTE_MS
        live.lose = lambda symbol, time_ms: time_ms == hole
        live.world.bybit.holes = {("BTCUSDT", hole)}
        heard: list[ClosedBar] = []

        stream = bars.stream(LINEAR, "BTCUSDT", M1, clock.now_ms() - HOUR_MS)
        task = asyncio.create_task(hear(stream, heard.append))
        await clock.sleep(900)
        task.cancel()
        assert [bar.time_ms for bar in heard if bar.gap_before] == [hole + MINUTE_MS]
        assert [replace(bar, gap_before=False) for bar in heard] == [
            replace(bar, gap_before=False) for bar in heard if bar.time_ms != hole
        ]
        assert live.world.bybit.calls[KLINE] > 6

    run_live(tmp_path, body)
