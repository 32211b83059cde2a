"""A symbol whose trading has ended is collected to its last bar, said to be over, and not asked for beyond it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.engine.collect.helpers import LAST_CLOSED, LINEAR, M1, M5, MINUTE, NOW, World, run, truth
from tests.engine.collect.test_live import Live, run_live
from tests.engine.exchange.fake_bybit import FUNDING, INSTRUMENTS, KLINE, true_bar
from tradebot.engine.control.errors import InputError
from tradebot.engine.exchange.errors import timed_out
from tradebot.engine.market import DAY_MS, HOUR_MS, MINUTE_MS, DatasetKey, Timeframe

END = LAST_CLOSED - 3 * DAY_MS + 2 * MINUTE  # inside of bars of five minutes and of an hour
SINCE = NOW - 4 * DAY_MS
H1 = Timeframe.H1


def ends_of(world: World) -> list[int]:
    return [call["end"] for call in world.bybit.asked if call["path"] == KLINE]


@pytest.mark.parametrize("names", [("ETHUSDT",), ("ethusdt", "BTCUSDT")])
def test_a_closed_symbol_is_collected_by_its_name_to_the_bar_in_which_it_ended(
    tmp_path: Path, names: tuple[str, ...]
) -> None:
    async def body(world: World) -> None:
        report = await world.collect(*names, timeframes=(M1, M5, H1), since_ms=SINCE)
        assert report.complete
        assert report.information == (
            "ETHUSDT was delisted at 2023-11-11 22:16 UTC; its datasets end there.",
        )
        for timeframe in (M1, M5, H1):
            end = timeframe.ceil(END)
            assert world.stored("ETHUSDT", timeframe) == truth("ETHUSDT", SINCE, end, timeframe)
        world.bybit.asked.clear()
        again = await world.collect("ETHUSDT", timeframes=(M1, M5, H1), since_ms=SINCE)
        assert again.complete
        assert ends_of(world) == []
        asked = [call for call in world.bybit.asked if call["path"] == INSTRUMENTS]
        assert all("status" not in call for call in asked), "what is known to be closed stays closed"
        assert all(call["endTime"] <= END for call in world.bybit.asked if call["path"] == FUNDING)

    run(tmp_path, body, ended={"ETHUSDT": END})


def test_all_means_closed_symbols_that_are_stored_and_no_other_ones(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        world.bybit.ended = {"OLDUSDT": SINCE}
        await world.collect("ETHUSDT", since_ms=SINCE, until_ms=SINCE + DAY_MS // 2)
        world.bybit.ended["ETHUSDT"] = END
        report = await world.collect("all", since_ms=SINCE)
        assert [item.key.symbol for item in report.datasets] == ["BTCUSDT", "ETHUSDT"]
        assert world.stored("ETHUSDT") == truth("ETHUSDT", SINCE, END)

    run(tmp_path, body, launches={"BTCUSDT": 0, "ETHUSDT": 0, "OLDUSDT": 0})


def test_an_end_that_the_exchange_does_not_tell_is_found_and_not_asked_beyond_for_ever(
    tmp_path: Path,
) -> None:
    async def body(world: World) -> None:
        await world.collect("ETHUSDT", since_ms=SINCE, until_ms=SINCE + HOUR_MS)
        world.bybit.ended = {"ETHUSDT": END}
        report = await world.collect("ETHUSDT", since_ms=SINCE)
        assert world.stored("ETHUSDT") == truth("ETHUSDT", SINCE, END)
        assert report.information[0] == "ETHUSDT is not listed any more; its datasets end there."
        assert max(ends_of(world)[-3:]) < END + 3 * DAY_MS
        world.bybit.asked.clear()
        assert (await world.collect("ETHUSDT", since_ms=SINCE)).complete
        assert {call["interval"] for call in world.bybit.asked if call["path"] == KLINE} == {"D"}

    run(tmp_path, body, tell_end=False)


def test_a_name_that_the_exchange_never_had_is_refused(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        with pytest.raises(InputError, match='no symbol "ETHUST"'):
            await world.collect("ETHUST")

    run(tmp_path, body, ended={"ETHUSDT": END})


@pytest.mark.parametrize("disturbed", [False, True])
def test_a_followed_symbol_is_followed_until_its_longest_bar_has_closed(
    tmp_path: Path, disturbed: bool
) -> None:
    """Failures of the exchange at that time are no proof that the last bar does not come."""
    start = M5.floor(NOW) + 10 * MINUTE_MS
    end = start + 2 * MINUTE_MS

    async def body(live: Live) -> None:
        await live.follow("BTCUSDT", "ETHUSDT", timeframes=(M1, M5))
        live.world.bybit.ended = {"ETHUSDT": end}
        live.lose = lambda symbol, time_ms: symbol == "ETHUSDT" and (time_ms >= end or time_ms == start)
        closed = start + M5.ms
        live.world.bybit.faults.append(
            lambda path, params: (
                timed_out("memory://bybit", path)
                if disturbed
                and path == KLINE
                and params["interval"] == "5"
                and closed <= live.world.clock.now_ms() < closed + 6 * MINUTE_MS
                else None
            )
        )
        await live.world.clock.sleep(60 * 60)
        assert live.world.stored("ETHUSDT")[-1] == true_bar("ETHUSDT", end - MINUTE_MS)
        assert live.world.stored("ETHUSDT", M5)[-1] == true_bar("ETHUSDT", start)
        assert {key.symbol for key in live.feed.followed()} == {"BTCUSDT"}

    run_live(tmp_path, body)


def test_following_a_symbol_that_is_over_takes_its_history_and_leaves_the_feed_alone(tmp_path: Path) -> None:
    async def body(live: Live) -> None:
        live.world.bybit.ended = {"ETHUSDT": LAST_CLOSED - 30 * MINUTE}
        report = await live.follow("BTCUSDT", "ETHUSDT", timeframes=(M1, H1))
        assert report.complete
        followed = {str(key) for key in live.feed.followed() if key.symbol == "ETHUSDT"}
        hour_is_open = H1.ceil(LAST_CLOSED - 30 * MINUTE) > LAST_CLOSED
        assert followed == ({str(DatasetKey.of(LINEAR, "ETHUSDT", H1))} if hour_is_open else set())
        assert live.world.stored("ETHUSDT")[-1].time_ms == LAST_CLOSED - 31 * MINUTE

    run_live(tmp_path, body)
