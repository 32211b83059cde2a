"""What may go wrong around a feed, and what it must not lose, double or alter by it (virtual time)."""

from __future__ import annotations

import asyncio
import itertools
import json
from pathlib import Path
from typing import Any

import pytest

from tests.engine.collect.helpers import M1, M5, NOW
from tests.engine.collect.test_live import Live, kline_frame, run_live
from tests.engine.exchange.fake_bybit import INSTRUMENTS, KLINE, true_bar
from tests.engine.exchange.test_stream_health import trade_frame
from tradebot.engine.collect.filling import inner_gaps
from tradebot.engine.exchange import ExchangeError, FailureKind, TradeUpdate
from tradebot.engine.market import MINUTE_MS, BarRow, DatasetKey

BTC = DatasetKey("linear", "BTCUSDT", "1m")
ETH = DatasetKey("linear", "ETHUSDT", "1m")


def publish_closed(live: Live, row: BarRow, symbol: str = "BTCUSDT") -> None:
    live.server.publish(kline_frame(symbol, M1, row, True, live.world.clock.now_ms()))


def test_a_late_confirm_with_other_values_never_alters_what_is_stored(tmp_path: Path) -> None:
    async def body(live: Live) -> None:
        await live.follow("BTCUSDT")
        await live.world.clock.sleep(300)
        last = M1.floor(live.world.clock.now_ms()) - MINUTE_MS
        before = live.world.stored("BTCUSDT")
        publish_closed(live, true_bar("BTCUSDT", last)._replace(close="1.5", low="1"))
        publish_closed(live, true_bar("BTCUSDT", last - MINUTE_MS))
        publish_closed(live, true_bar("BTCUSDT", last)._replace(close="1.5", low="1"))
        await live.world.clock.sleep(2)
        assert live.world.stored("BTCUSDT") == before
        assert live.feed.status().differing == 2
        assert sum("twice with different values" in sentence for sentence in live.world.notices) == 1
        assert len(live.heard) == len(set(live.heard))

    run_live(tmp_path, body)


def test_the_same_bar_in_other_digits_does_not_differ(tmp_path: Path) -> None:
    async def body(live: Live) -> None:
        await live.follow("BTCUSDT")
        await live.world.clock.sleep(120)
        row = true_bar("BTCUSDT", M1.floor(live.world.clock.now_ms()) - MINUTE_MS)
        publish_closed(live, row._replace(open=row.open + "00"))
        await live.world.clock.sleep(1)
        assert live.feed.status().differing == 0

    run_live(tmp_path, body)


def test_a_confirmed_bar_that_contradicts_itself_is_asked_for_by_rest(tmp_path: Path) -> None:
    async def body(live: Live) -> None:
        await live.follow("BTCUSDT")
        at = M1.floor(live.world.clock.now_ms())
        live.lose = lambda symbol, time_ms: time_ms == at
        await live.world.clock.sleep(31)
        publish_closed(live, true_bar("BTCUSDT", at)._replace(high="1"))
        await live.world.clock.sleep(10)
        live.assert_gapless("BTCUSDT")
        assert live.feed.status().unsound == 1

    run_live(tmp_path, body)


def test_a_computer_that_sleeps_reconnects_and_fills(tmp_path: Path) -> None:
    async def body(live: Live) -> None:
        await live.follow("BTCUSDT")
        await live.world.clock.sleep(60)
        old = live.server.live[0]
        live.world.clock.jump(1800)
        await live.world.clock.sleep(100)
        assert not old.open
        assert any("slept or its clock was set (1800 s)" in sentence for sentence in live.world.notices)
        live.assert_gapless("BTCUSDT")
        times = [time_ms for _, time_ms in live.heard]
        assert times == sorted(set(times))

    run_live(tmp_path, body)


def test_on_windows_where_both_clocks_go_on_asleep_it_reconnects_at_once_and_fills(tmp_path: Path) -> None:
    async def body(live: Live) -> None:
        await live.follow("BTCUSDT")
        await live.world.clock.sleep(60)
        old = live.server.live[0]
        asked = live.world.bybit.calls["/v5/market/time"]
        live.world.clock.leap(8 * 3600)
        await live.world.clock.sleep(3)
        assert not old.open
        assert live.feed.status().streams[0].connected
        assert live.world.bybit.calls["/v5/market/time"] == asked + 1
        await live.world.clock.sleep(100)
        live.assert_gapless("BTCUSDT")
        times = [time_ms for _, time_ms in live.heard]
        assert times == sorted(set(times))

    run_live(tmp_path, body)


def test_an_absence_of_days_is_filled_in_pieces(tmp_path: Path) -> None:
    async def body(live: Live) -> None:
        await live.follow("BTCUSDT")
        live.world.clock.jump(6 * 86_400)
        await live.world.clock.sleep(120)
        live.assert_gapless("BTCUSDT")

    run_live(tmp_path, body)


def test_a_clock_that_is_set_is_measured_anew(tmp_path: Path) -> None:
    async def body(live: Live) -> None:
        await live.follow("BTCUSDT")
        await live.world.clock.sleep(20)
        asked = live.world.bybit.calls["/v5/market/time"]
        live.world.clock.jump(5)
        await live.world.clock.sleep(1)
        assert live.world.bybit.calls["/v5/market/time"] == asked + 1
        assert live.feed.status().streams[0].reconnects == 0

    run_live(tmp_path, body)


def test_a_symbol_that_is_taken_off_ends_once_and_the_others_go_on(tmp_path: Path) -> None:
    async def body(live: Live) -> None:
        bybit = live.world.bybit
        await live.follow("BTCUSDT", "ETHUSDT", timeframes=(M1, M5))
        live.feed.watch(["ETHUSDT"])
        end = M1.floor(live.world.clock.now_ms()) + 10 * MINUTE_MS
        live.lose = lambda symbol, time_ms: symbol == "ETHUSDT" and time_ms >= end
        bybit.holes = {("ETHUSDT", at) for at in range(end, end + 9000 * MINUTE_MS, MINUTE_MS)}
        await live.world.clock.sleep(11 * 60)
        launch = bybit.launches.pop("ETHUSDT")
        bybit.faults.append(
            lambda path, params: (
                ExchangeError(FailureKind.REFUSED, "The symbol is not supported.", 10001)
                if path == KLINE and params["symbol"] == "ETHUSDT" and "ETHUSDT" not in bybit.launches
                else None
            )
        )
        await live.world.clock.sleep(1800)
        said = [
            sentence for sentence in live.world.notices if "not traded on the exchange any more" in sentence
        ]
        assert len(said) == 1
        assert live.feed.status().ended == ("ETHUSDT",)
        assert live.feed.followed() == {BTC, DatasetKey("linear", "BTCUSDT", "5m")}
        assert live.server.live[0].topics == {"kline.1.BTCUSDT", "kline.5.BTCUSDT"}
        assert live.world.stored("ETHUSDT")[-1] == true_bar("ETHUSDT", end - MINUTE_MS)
        live.assert_gapless("BTCUSDT")
        asked = bybit.calls[KLINE]
        await live.world.clock.sleep(600)
        assert bybit.calls[KLINE] == asked, "nothing more is asked for it"

        bybit.launches["ETHUSDT"] = launch
        live.lose = lambda symbol, time_ms: False
        bybit.holes.clear()
        await live.follow("ETHUSDT")
        await live.world.clock.sleep(600)
        live.assert_gapless("ETHUSDT")
        assert live.feed.status().ended == ()

    run_live(tmp_path, body)


def test_an_illiquid_symbol_without_messages_is_closed_by_the_clock(tmp_path: Path) -> None:
    async def body(live: Live) -> None:
        live.lose = lambda symbol, time_ms: symbol == "ETHUSDT"
        await live.follow("BTCUSDT", "ETHUSDT")
        await live.world.clock.sleep(3600)
        live.assert_gapless("ETHUSDT")
        status = live.feed.status()
        assert (status.streams[0].reconnects, status.ended, status.behind) == (0, (), 0)

    run_live(tmp_path, body)


def test_a_hole_that_closes_later_is_filled_and_one_that_stays_is_remembered(tmp_path: Path) -> None:
    start = M1.floor(NOW) + 3 * MINUTE_MS
    remembered: list[Any] = []

    async def body(live: Live) -> None:
        holes = {("BTCUSDT", start), ("BTCUSDT", start + 20 * MINUTE_MS)}
        live.lose = lambda symbol, time_ms: (symbol, time_ms) in holes
        live.world.bybit.holes = holes
        live.feed._filler._store.remember_holes = lambda key, ranges, seen_ms: remembered.append(ranges)
        await live.follow("BTCUSDT")
        await live.world.clock.sleep(6 * 60)
        assert start not in [row.time_ms for row in live.world.stored("BTCUSDT")]
        holes.discard(("BTCUSDT", start))
        await live.world.clock.sleep(40 * 60)
        times = [row.time_ms for row in live.world.stored("BTCUSDT")]
        assert start in times
        assert start + 20 * MINUTE_MS not in times
        assert remembered == [[(start + 20 * MINUTE_MS, start + 21 * MINUTE_MS)]]

    run_live(tmp_path, body)


def test_a_short_gap_that_an_earlier_run_left_is_made_good(tmp_path: Path) -> None:
    async def body(live: Live) -> None:
        await live.follow("BTCUSDT")
        live.feed.unfollow([BTC])
        path = tmp_path / "linear" / BTC.file_name
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        path.write_text("".join(lines[:30] + lines[35:]), encoding="utf-8", newline="")
        assert len(inner_gaps(live.feed._filler._store, BTC, live.world.clock.now_ms())) == 1
        live.feed.follow([BTC])
        await live.feed.begin([BTC])
        await live.world.clock.sleep(120)
        live.assert_gapless("BTCUSDT")

    run_live(tmp_path, body)


def test_leaving_a_dataset_keeps_what_was_heard_and_following_it_again_doubles_nothing(
    tmp_path: Path,
) -> None:
    async def body(live: Live) -> None:
        await live.follow("BTCUSDT", "ETHUSDT")
        for _ in range(10):
            await live.world.clock.sleep(30 + 0.2)
            live.feed.unfollow([BTC])
            live.feed.follow([BTC])
            await live.feed.begin([BTC])
            await live.world.clock.sleep(29)
        live.feed.unfollow([BTC])
        await live.world.clock.sleep(200)
        assert live.feed.followed() == {ETH}
        stored = live.world.stored("BTCUSDT")
        assert stored == [true_bar("BTCUSDT", row.time_ms) for row in stored]
        assert all(b.time_ms - a.time_ms == MINUTE_MS for a, b in itertools.pairwise(stored))
        assert stored[-1].time_ms < M1.floor(live.world.clock.now_ms()) - 2 * MINUTE_MS
        live.assert_gapless("ETHUSDT")
        assert len(live.heard) == len(set(live.heard))

    run_live(tmp_path, body)


def test_a_ban_is_said_once_and_filling_goes_on_after_it(tmp_path: Path) -> None:
    async def body(live: Live) -> None:
        await live.follow("BTCUSDT", "ETHUSDT")
        live.lose = lambda symbol, time_ms: True
        until = live.world.clock.now_ms() + 20 * MINUTE_MS
        banned = ExchangeError(FailureKind.BANNED, "The request limit of this address is used up.", 403)
        live.world.bybit.faults.append(
            lambda path, params: banned if path != INSTRUMENTS and live.world.clock.now_ms() < until else None
        )
        await live.world.clock.sleep(45 * 60)
        live.lose = lambda symbol, time_ms: False
        await live.world.clock.sleep(60)
        live.assert_gapless("BTCUSDT")
        live.assert_gapless("ETHUSDT")
        assert len([sentence for sentence in live.world.notices if "request limit" in sentence]) <= 4

    run_live(tmp_path, body)


def test_trades_are_kept_and_told_once(tmp_path: Path) -> None:
    async def body(live: Live) -> None:
        told: list[TradeUpdate] = []
        live.feed.add_trade_listener(told.append)
        live.feed.watch_trades(["BTCUSDT"])
        await live.world.clock.sleep(1)
        for number in (1, 2, 2, 3):
            live.server.publish(trade_frame("BTCUSDT", i=f"t{number}", p=str(100 + number)))
        live.server.publish(trade_frame("ETHUSDT"))
        await live.world.clock.sleep(1)
        assert [trade.trade_id for trade in told] == ["t1", "t2", "t3"]
        assert live.feed.trades.latest("BTCUSDT") == tuple(told)
        assert [trade.price for trade in live.feed.trades.latest("BTCUSDT", 1)] == ["103"]
        live.feed.unwatch_trades(["BTCUSDT"])
        assert live.feed.trades.latest("BTCUSDT") == ()
        await live.world.clock.sleep(1)
        assert live.server.live[0].topics == set()

    run_live(tmp_path, body)


def test_only_so_many_trades_are_kept() -> None:
    from tradebot.engine.collect.trades import RecentTrades

    book = RecentTrades(capacity=3)
    for number in range(10):
        book.apply(TradeUpdate("A", number, "buy", "1", "1", str(number)))
    assert [trade.trade_id for trade in book.latest("A")] == ["7", "8", "9"]


def test_mark_bars_cannot_be_followed(tmp_path: Path) -> None:
    async def body(live: Live) -> None:
        with pytest.raises(ValueError, match="no mark bars"):
            live.feed.follow([DatasetKey("linear", "BTCUSDT", "1m", mark=True)])

    run_live(tmp_path, body)


def test_frames_that_come_late_and_out_of_order_change_nothing(tmp_path: Path) -> None:
    async def body(live: Live) -> None:
        live.lose = lambda symbol, time_ms: True
        await live.follow("BTCUSDT")
        start = M1.floor(live.world.clock.now_ms())
        await live.world.clock.sleep(4 * 60 - 29.5)
        frames = [
            kline_frame("BTCUSDT", M1, true_bar("BTCUSDT", start + n * MINUTE_MS), True, NOW)
            for n in range(4)
        ]
        for index in (3, 1, 3, 0, 2, 1):
            live.server.publish(json.loads(json.dumps(frames[index])))
            await asyncio.sleep(0.05)
        await live.world.clock.sleep(1)
        live.assert_gapless("BTCUSDT")
        times = [time_ms for _, time_ms in live.heard]
        assert times == [start + n * MINUTE_MS for n in range(4)]

    run_live(tmp_path, body)
