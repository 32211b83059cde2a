"""History and feed meet without a hole or a double, whatever happens to the stream (virtual time)."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.engine.collect.helpers import LINEAR, M1, M5, NOW, InlineThread, World, run, truth
from tests.engine.exchange.fake_bybit import KLINE, URL, FakeBybit, true_bar
from tests.engine.exchange.fake_stream import FakeStreamServer
from tradebot.engine.collect import CollectReport, CollectRequest, Hybrid, LiveFeed
from tradebot.engine.control.errors import InputError, ShortfallError
from tradebot.engine.control.events import Level
from tradebot.engine.exchange.errors import unreachable
from tradebot.engine.market import HOUR_MS, MINUTE_MS, BarRow, DatasetKey, Timeframe

SINCE = NOW - 2 * HOUR_MS


def kline_frame(symbol: str, timeframe: Timeframe, row: BarRow, closed: bool, now_ms: int) -> dict[str, Any]:
    item = {
        "start": row.time_ms,
        "end": row.time_ms + timeframe.ms - 1,
        "interval": timeframe.interval,
        "confirm": closed,
        "timestamp": now_ms,
        **row._asdict(),
    }
    return {"topic": f"kline.{timeframe.interval}.{symbol}", "type": "snapshot", "ts": now_ms, "data": [item]}


@dataclass
class Live:
    """A world with a stream that publishes each bar as it closes, unless told otherwise."""

    world: World
    server: FakeStreamServer
    feed: LiveFeed
    hybrid: Hybrid
    heard: list[tuple[str, int]] = field(default_factory=list)
    lose: Callable[[str, int], bool] = lambda symbol, time_ms: False
    doubled: bool = False
    late_s: float = 0.2

    async def publish(self) -> None:
        clock = self.world.clock
        while True:
            now = clock.now_ms()
            next_minute = M1.floor(now) + MINUTE_MS
            await clock.sleep((next_minute - now) / 1000 + self.late_s)
            for timeframe in (M1, M5):
                opened = next_minute - timeframe.ms
                if not timeframe.on_grid(opened):
                    continue
                for symbol in self.world.bybit.launches:
                    if not self.lose(symbol, opened):
                        frame = kline_frame(symbol, timeframe, true_bar(symbol, opened), True, next_minute)
                        self.server.publish(frame)
                        if self.doubled:
                            self.server.publish(frame)
                    running = true_bar(symbol, next_minute)._replace(close="1", high="1")
                    self.server.publish(kline_frame(symbol, timeframe, running, False, next_minute))

    async def follow(self, *symbols: str, timeframes: tuple[Timeframe, ...] = (M1,)) -> CollectReport:
        request = CollectRequest(LINEAR, symbols, timeframes, SINCE, follow=True)
        return await self.hybrid.catch_up(request, self.world.reports.append, self.world.cancel)

    def assert_gapless(self, symbol: str, timeframe: Timeframe = M1, lag_bars: int = 0) -> None:
        """The file equals what the exchange has, up to the last closed bar."""
        now = self.world.clock.now_ms()
        end = timeframe.floor(now) - lag_bars * timeframe.ms
        assert self.world.stored(symbol, timeframe) == truth(symbol, SINCE, end, timeframe)


def run_live(folder: Path, body: Callable[[Live], Awaitable[None]], **options: Any) -> None:
    async def inside(world: World) -> None:
        server = FakeStreamServer()

        def notice(level: Level, sentence: str) -> None:
            world.notices.append(sentence)

        async def connect(url: str) -> Any:
            assert url == "ws://memory/v5/public/linear"
            return await server.connect(url)

        world.bybit.url = "http://memory"
        feed = LiveFeed(
            world.exchange,
            world.store,
            LINEAR,
            world.clock,
            random.Random(3),
            notice,
            connect,
            thread=InlineThread(),
        )
        live = Live(world, server, feed, Hybrid(world.exchange, world.store, feed, world.clock))
        feed.add_listener(lambda key, row: live.heard.append((str(key), row.time_ms)))
        feed.start()
        publisher = asyncio.create_task(live.publish())
        try:
            await body(live)
        finally:
            publisher.cancel()
            await feed.close()

    run(folder, inside, **options)


def test_a_dataset_without_any_history_misses_nothing_that_closed_while_it_was_asked_for(
    tmp_path: Path,
) -> None:
    """The exchange has no bar up to the beginning, and its answers take their time."""

    async def body(live: Live) -> None:
        before = M1.floor(live.world.clock.now_ms())
        live.world.bybit.holes = {("BTCUSDT", at) for at in range(M1.floor(SINCE), before, MINUTE_MS)}
        slow = [True]

        async def get(path: str, params: dict[str, Any]) -> dict[str, Any]:
            if path == KLINE and slow:
                slow.pop()
                await live.world.clock.sleep(100)
            return await FakeBybit.get(live.world.bybit, path, params)

        live.world.bybit.get = get
        live.lose = lambda symbol, time_ms: time_ms == before
        await live.follow("BTCUSDT")
        await live.world.clock.sleep(300)
        stored = live.world.stored("BTCUSDT")
        assert stored == truth("BTCUSDT", before, M1.floor(live.world.clock.now_ms()))

    run_live(tmp_path, body)


def test_bars_are_stored_as_they_close_and_told_once(tmp_path: Path) -> None:
    async def body(live: Live) -> None:
        report = await live.follow("BTCUSDT", "ETHUSDT", timeframes=(M1, M5))
        assert report.complete
        await live.world.clock.sleep(20 * 60)
        for symbol in ("BTCUSDT", "ETHUSDT"):
            live.assert_gapless(symbol, M1)
            live.assert_gapless(symbol, M5)
        assert len(live.heard) == len(set(live.heard)) == 2 * 20 + 2 * 4
        times = [time_ms for key, time_ms in live.heard if key == "linear/BTCUSDT_1m"]
        assert times == sorted(times)
        status = live.feed.status()
        assert (status.datasets, status.bars_stored, status.bars_filled, status.behind) == (4, 48, 0, 0)

    run_live(tmp_path, body)


def test_a_confirmed_bar_is_stored_within_a_second(tmp_path: Path) -> None:
    async def body(live: Live) -> None:
        await live.follow("BTCUSDT")
        await live.world.clock.sleep(31)
        live.assert_gapless("BTCUSDT")

    run_live(tmp_path, body)


def test_bars_that_close_while_history_is_collected_are_not_lost(tmp_path: Path) -> None:
    async def body(live: Live) -> None:
        slow = live.world.bybit.get

        async def get(path: str, params: dict[str, Any]) -> dict[str, Any]:
            if path == KLINE:
                await live.world.clock.sleep(100)
            return await slow(path, params)

        live.world.bybit.get = get
        await live.follow("BTCUSDT")
        live.world.bybit.get = slow
        await live.world.clock.sleep(60)
        live.assert_gapless("BTCUSDT")

    run_live(tmp_path, body)


def test_a_lost_confirmation_is_made_good_by_the_clock(tmp_path: Path) -> None:
    async def body(live: Live) -> None:
        live.lose = lambda symbol, time_ms: True
        await live.follow("BTCUSDT")
        await live.world.clock.sleep(10 * 60 + 5 - 30)
        live.assert_gapless("BTCUSDT")
        assert live.feed.status().bars_filled == 10

    run_live(tmp_path, body)


def test_doubled_confirmations_are_stored_once(tmp_path: Path) -> None:
    async def body(live: Live) -> None:
        live.doubled = True
        await live.follow("BTCUSDT")
        await live.world.clock.sleep(600)
        live.assert_gapless("BTCUSDT")
        assert len(live.heard) == len(set(live.heard)) == 10

    run_live(tmp_path, body)


@pytest.mark.parametrize("away_s", [3, 45, 200, 900])
def test_after_a_reconnect_missed_bars_come_before_the_next_one(tmp_path: Path, away_s: int) -> None:
    async def body(live: Live) -> None:
        await live.follow("BTCUSDT", "ETHUSDT")
        await live.world.clock.sleep(100)
        live.server.refuse = True
        live.server.live[0].drop()
        live.world.bybit.faults.append(lambda path, params: unreachable(URL) if live.server.refuse else None)
        await live.world.clock.sleep(away_s)
        live.server.refuse = False
        await live.world.clock.sleep(240)
        for symbol in ("BTCUSDT", "ETHUSDT"):
            live.assert_gapless(symbol)
            times = [time_ms for key, time_ms in live.heard if symbol in key]
            assert times == sorted(set(times))
        assert live.feed.status().streams[0].reconnects == 1

    run_live(tmp_path, body)


def test_a_silent_stream_loses_nothing(tmp_path: Path) -> None:
    async def body(live: Live) -> None:
        await live.follow("BTCUSDT")
        live.server.silent = True
        await live.world.clock.sleep(300)
        live.server.silent = False
        await live.world.clock.sleep(120)
        live.assert_gapless("BTCUSDT")

    run_live(tmp_path, body)


def test_a_topic_that_is_refused_is_followed_by_rest(tmp_path: Path) -> None:
    async def body(live: Live) -> None:
        live.server.bad = {"kline.1.ETHUSDT"}
        await live.follow("BTCUSDT", "ETHUSDT")
        await live.world.clock.sleep(5 * 60 + 5 - 30)
        live.assert_gapless("BTCUSDT")
        live.assert_gapless("ETHUSDT")
        assert any("kline.1.ETHUSDT" in sentence for sentence in live.world.notices)

    run_live(tmp_path, body)


def test_a_hole_of_the_exchange_is_passed_once_later_bars_prove_it(tmp_path: Path) -> None:
    hole = M1.floor(NOW) + 3 * MINUTE_MS

    async def body(live: Live) -> None:
        live.lose = lambda symbol, time_ms: time_ms == hole
        live.world.bybit.holes = {("BTCUSDT", hole)}
        await live.follow("BTCUSDT")
        await live.world.clock.sleep(15 * 60)
        stored = [row.time_ms for row in live.world.stored("BTCUSDT")]
        assert hole not in stored
        assert hole - MINUTE_MS in stored
        assert stored[-1] == M1.floor(live.world.clock.now_ms()) - MINUTE_MS
        assert any("they stay a gap" in sentence for sentence in live.world.notices)

    run_live(tmp_path, body)


def test_a_store_that_refuses_is_tried_again_and_nothing_is_lost(tmp_path: Path) -> None:
    async def body(live: Live) -> None:
        await live.follow("BTCUSDT")
        store, append = live.world.store, live.world.store.append_many
        full_until = live.world.clock.now_ms() + 2 * MINUTE_MS

        def refuse(bars: Any) -> Any:
            if live.world.clock.now_ms() < full_until:
                raise ShortfallError("The disk is full.")
            return append(bars)

        store.append_many = refuse
        await live.world.clock.sleep(300)
        live.assert_gapless("BTCUSDT")
        assert live.world.notices.count("The disk is full.") == 1
        assert any("can be stored again" in sentence for sentence in live.world.notices)
        assert len(live.heard) == len(set(live.heard))

    run_live(tmp_path, body)


def _spoil(file: Path) -> str:
    """Save a table as a spreadsheet with semicolons does; returns what it was."""
    sound = file.read_text(encoding="utf-8")
    file.write_text(sound.replace(",", ";"), encoding="utf-8", newline="")
    return sound


def test_a_file_that_is_spoiled_while_followed_holds_up_no_other_one(tmp_path: Path) -> None:
    async def body(live: Live) -> None:
        await live.follow("BTCUSDT", "ETHUSDT")
        await live.world.clock.sleep(120)
        file = live.world.store.folder / "linear" / "ETHUSDT_1m.csv"
        sound = _spoil(file)
        await live.world.clock.sleep(600)
        live.assert_gapless("BTCUSDT")
        assert sum("ETHUSDT_1m.csv, line 1" in sentence for sentence in live.world.notices) == 1
        file.write_text(sound, encoding="utf-8", newline="")
        await live.world.clock.sleep(10)
        live.assert_gapless("ETHUSDT")
        assert len(live.heard) == len(set(live.heard))

    run_live(tmp_path, body)


def test_a_spoiled_file_is_left_out_when_following_begins_and_taken_in_once_it_is_mended(
    tmp_path: Path,
) -> None:
    async def body(live: Live) -> None:
        await live.world.collect("BTCUSDT", "ETHUSDT", since_ms=SINCE)
        file = live.world.store.folder / "linear" / "ETHUSDT_1m.csv"
        sound = _spoil(file)
        outcome = await live.follow("BTCUSDT", "ETHUSDT")
        assert not outcome.complete
        await live.world.clock.sleep(300)
        live.assert_gapless("BTCUSDT")
        file.write_text(sound, encoding="utf-8", newline="")
        await live.world.clock.sleep(45)
        live.assert_gapless("ETHUSDT")

    run_live(tmp_path, body)


def test_a_listener_that_fails_does_not_end_the_feed(tmp_path: Path) -> None:
    async def body(live: Live) -> None:
        def broken(key: DatasetKey, row: BarRow) -> None:
            raise RuntimeError("bug")

        live.feed.add_listener(broken)
        await live.follow("BTCUSDT")
        await live.world.clock.sleep(180)
        live.assert_gapless("BTCUSDT")
        assert any("RuntimeError" in sentence for sentence in live.world.notices)

    run_live(tmp_path, body)


def test_a_request_with_an_end_cannot_be_followed_and_a_failed_one_leaves_no_subscription(
    tmp_path: Path,
) -> None:
    async def body(live: Live) -> None:
        request = CollectRequest(LINEAR, ("BTCUSDT",), (M1,), SINCE, until_ms=NOW, follow=True)
        with pytest.raises(InputError, match="goes on for ever"):
            await live.hybrid.run(request, live.world.reports.append, live.world.cancel)
        live.world.bybit.faults.append(lambda path, params: unreachable(URL) if path == KLINE else None)
        with contextlib.suppress(ShortfallError):
            await live.follow("BTCUSDT")
        await live.world.clock.sleep(1)
        assert live.feed.status().datasets == 0
        assert live.server.live[0].topics == set()

    run_live(tmp_path, body)


def test_quotes_are_there_to_be_read(tmp_path: Path) -> None:
    async def body(live: Live) -> None:
        live.feed.watch(["BTCUSDT"])
        await live.world.clock.sleep(1)
        data = {"symbol": "BTCUSDT", "lastPrice": "100.50", "price24hPcnt": "0.02", "fundingRate": ""}
        frame = {"topic": "tickers.BTCUSDT", "type": "snapshot", "ts": NOW, "data": data}
        live.server.publish(frame)
        live.server.publish({**frame, "type": "delta", "data": {"symbol": "BTCUSDT", "lastPrice": "101.00"}})
        await live.world.clock.sleep(1)
        quote = live.feed.quotes.get("BTCUSDT")
        assert quote is not None
        assert (quote.last_price, quote.change_24h, quote.funding_rate) == ("101.00", 0.02, None)
        assert list(live.feed.quotes.all()) == ["BTCUSDT"]
        live.feed.unwatch(["BTCUSDT"])
        assert live.feed.quotes.get("BTCUSDT") is None

    run_live(tmp_path, body)


@pytest.mark.parametrize("seed", range(12))
def test_random_faults_always_end_with_the_exchanges_truth(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)

    async def body(live: Live) -> None:
        world, server = live.world, live.server
        live.lose = lambda symbol, time_ms: rng.random() < 0.2
        live.doubled = rng.random() < 0.5
        trouble = [0.0]

        def fault(path: str, params: dict[str, Any]) -> Any:
            return unreachable(URL) if rng.random() < trouble[0] else None

        world.bybit.faults.append(fault)
        await live.follow("BTCUSDT", "ETHUSDT", timeframes=(M1, M5))
        for _ in range(12):
            await world.clock.sleep(rng.uniform(5, 200))
            trouble[0] = rng.choice([0.0, 0.3, 0.8])
            server.silent = rng.random() < 0.2
            server.refuse = rng.random() < 0.3
            if rng.random() < 0.5:
                for connection in server.live:
                    connection.drop()
        server.silent = server.refuse = False
        trouble[0] = 0.0
        await world.clock.sleep(400)
        now = world.clock.now_ms()
        await world.clock.sleep((M1.floor(now) + MINUTE_MS + 10_000 - now) / 1000)
        for symbol in ("BTCUSDT", "ETHUSDT"):
            live.assert_gapless(symbol, M1)
            live.assert_gapless(symbol, M5)
        assert len(live.heard) == len(set(live.heard))

    run_live(tmp_path, body)


def test_the_connector_may_fail_at_first(tmp_path: Path) -> None:
    async def body(live: Live) -> None:
        live.server.refuse = True
        task = asyncio.create_task(live.follow("BTCUSDT"))
        await live.world.clock.sleep(5)
        live.server.refuse = False
        await task
        await live.world.clock.sleep(120)
        live.assert_gapless("BTCUSDT")

    run_live(tmp_path, body)
