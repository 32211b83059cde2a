"""Killed at any moment: nothing that was answered is lost, and the next run asks only for what is missing."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from tests.engine.collect.helpers import (
    LAST_CLOSED,
    LINEAR,
    M1,
    M5,
    NOW,
    InlineThread,
    World,
    run,
    truth,
)
from tests.engine.exchange.fake_bybit import KLINE
from tradebot.engine.collect import CollectRequest, Order, collect_history
from tradebot.engine.market import DAY_MS, DatasetKey, Timeframe
from tradebot.engine.store import Store

SYMBOLS = ("BTCUSDT", "ETHUSDT")
KEYS = [DatasetKey.of(LINEAR, symbol, timeframe) for symbol in SYMBOLS for timeframe in (M1, M5)]
END = M5.floor(NOW)  # so that time that passes meanwhile adds nothing
WRITES = {"append_many", "stage", "settle", "merge_funding", "save_instruments", "remember_holes"}


class Killed(BaseException):
    """The process is gone."""


class MortalStore:
    """The real store of a process that is killed before or after its n-th write: from then on nothing happens."""

    def __init__(self, store: Store, writes: int, after: bool) -> None:
        self._store = store
        self._left = writes
        self._after = after

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._store, name)
        if name not in WRITES:
            return real

        def write(*arguments: Any) -> Any:
            if self._left <= 0:
                raise Killed
            self._left -= 1
            if self._left == 0 and not self._after:
                raise Killed
            answer = real(*arguments)
            if self._left == 0:
                raise Killed
            return answer

        return write


class KillableThread(InlineThread):
    """Carries calls out on the spot; a kill reaches whoever waits."""

    def submit(self, work: Any) -> Any:
        try:
            return super().submit(work)
        except Killed as killed:
            import asyncio

            future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
            future.set_exception(killed)
            return future


def missing_bars(store: Store, since: int) -> int:
    total = 0
    for key in KEYS:
        total += sum(high - low for low, high in store.missing(key, since, END)) // key.timeframe.ms
    return total


@pytest.mark.parametrize("seed", range(24))
def test_a_run_after_a_kill_asks_exactly_for_what_is_missing(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    since = M5.ceil(NOW - rng.choice((3, 9)) * DAY_MS)
    order = rng.choice(list(Order))
    held = rng.random() < 0.5
    concurrency = rng.choice((1, 4, 16))

    async def body(world: World) -> None:
        request = CollectRequest(LINEAR, SYMBOLS, (M1, M5), since, END, order=order)
        if held:
            await world.collect("BTCUSDT", since_ms=NOW - 2 * DAY_MS, until_ms=NOW - DAY_MS)
        before = missing_bars(world.store, since)
        world.bybit.asked.clear()
        mortal = MortalStore(world.store, rng.randint(1, 45), rng.random() < 0.5)
        with pytest.raises(Killed):
            while True:  # a run that ends first is followed by one that finds nothing to do
                await collect_history(
                    world.exchange,
                    mortal,  # type: ignore[arg-type]
                    request,
                    world.clock,
                    world.reports.append,
                    world.cancel,
                    concurrency,
                    KillableThread(),
                )
        answered = world.bars_asked()
        survivor = Store(tmp_path, world.clock)
        left = missing_bars(survivor, since)
        # Only pages that were under way or on their way to the disk are lost.
        assert before - left >= answered - (concurrency + 1) * 1000
        world.bybit.asked.clear()
        world.store = survivor
        report = await world.collect(*SYMBOLS, timeframes=(M1, M5), since_ms=since, until_ms=END, order=order)
        assert report.complete
        assert world.bars_asked() == report.bars_added == left
        for key in KEYS:
            wanted = truth(key.symbol, since, END, key.timeframe)
            assert world.stored(key.symbol, key.timeframe) == wanted
        assert survivor.staged_keys() == []
        assert world.bybit.calls[KLINE]

    # Listed long ago, so that nobody looks for the first bar, which would be a request of its own.
    run(tmp_path, body, launches=dict.fromkeys(SYMBOLS, NOW - 400 * DAY_MS))


def test_what_a_kill_left_staged_is_settled_even_when_nothing_is_missing(tmp_path: Path) -> None:
    key = DatasetKey.of(LINEAR, "BTCUSDT", M1)

    async def body(world: World) -> None:
        world.store.stage(key, truth("BTCUSDT", NOW - DAY_MS, LAST_CLOSED))
        assert world.stored("BTCUSDT") == []
        report = await world.collect("BTCUSDT")
        assert report.complete
        assert world.bybit.calls[KLINE] == 0
        assert world.stored("BTCUSDT") == truth("BTCUSDT", NOW - DAY_MS, LAST_CLOSED)

    run(tmp_path, body)


def test_a_long_history_is_settled_now_and_then_and_rewritten_a_few_times_at_most(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tradebot.engine.collect.jobs.SETTLE_ROWS", 10_000)

    async def body(world: World) -> None:
        settled: list[int] = []
        real = world.store.settle

        def settle(key: DatasetKey) -> Any:
            done = real(key)
            settled.append(len(world.store.load(key)))
            return done

        world.store.settle = settle  # type: ignore[method-assign]
        since = NOW - 60 * DAY_MS
        assert (await world.collect("BTCUSDT", since_ms=since, order=Order.NEWEST_FIRST)).complete
        assert world.stored("BTCUSDT") == truth("BTCUSDT", since, LAST_CLOSED)
        assert 2 <= len(settled) <= 6
        assert settled == sorted(settled)
        assert sum(settled) < 4 * settled[-1]

    run(tmp_path, body)


def test_weeks_and_days_are_collected_like_any_other_bars(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        frames = (Timeframe.W1, Timeframe.D1)
        report = await world.collect("BTCUSDT", timeframes=frames, since_ms=NOW - 300 * DAY_MS)
        assert report.complete
        for frame in frames:
            assert world.stored("BTCUSDT", frame) == truth(
                "BTCUSDT", NOW - 300 * DAY_MS, frame.floor(NOW), frame
            )

    run(tmp_path, body)
