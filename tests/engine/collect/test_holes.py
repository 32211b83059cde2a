"""Bars that the exchange itself does not have: asked for three times, remembered, looked at ever more seldom.

What a page leaves out by chance never becomes such a hole; a late listing is told from one.
"""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.engine.collect.helpers import LAST_CLOSED, LINEAR, M1, MINUTE, NOW, World, run, truth
from tests.engine.exchange.fake_bybit import KLINE
from tradebot.engine.market import DAY_MS, HOUR_MS, DatasetKey
from tradebot.engine.store import Store

KEY = DatasetKey.of(LINEAR, "BTCUSDT", M1)
OLD = {("BTCUSDT", LAST_CLOSED - 2 * DAY_MS - n * MINUTE) for n in (100, 101, 102, 700)}
ONE = {("BTCUSDT", LAST_CLOSED - 3 * HOUR_MS)}
SINCE = NOW - 4 * DAY_MS


def asked_times(world: World) -> list[tuple[int, int]]:
    return [(call["start"], call["end"]) for call in world.bybit.asked if call["path"] == KLINE]


def test_a_hole_is_asked_three_times_then_not_again_and_the_next_run_is_complete(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        first = await world.collect("BTCUSDT", since_ms=SINCE)
        assert not first.complete
        assert first.missing_bars == 4
        for _, hole in OLD:
            assert sum(1 for start, end in asked_times(world) if start <= hole <= end) == 3
        world.bybit.asked.clear()
        second = await world.collect("BTCUSDT", since_ms=SINCE)
        assert second.complete
        assert asked_times(world) == []
        assert second.known_hole_bars == 4
        assert second.information == (
            "4 bars of linear/BTCUSDT_1m are known to be missing at the exchange itself and were not asked for again "
            "(--ask-holes-again does).",
        )
        assert second.sentences == ()

    run(tmp_path, body, holes=set(OLD))


def test_a_known_hole_can_be_asked_for_again_and_is_filled(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        await world.collect("BTCUSDT", since_ms=SINCE)
        world.bybit.holes.clear()
        assert (await world.collect("BTCUSDT", since_ms=SINCE)).bars_added == 0
        world.bybit.asked.clear()
        report = await world.collect("BTCUSDT", since_ms=SINCE, ask_holes_again=True)
        assert report.complete
        assert report.bars_added == 4
        assert world.bars_asked() == 4
        assert world.stored("BTCUSDT") == truth("BTCUSDT", SINCE, LAST_CLOSED)

    run(tmp_path, body, holes=set(OLD))


def test_a_remembered_hole_is_looked_at_once_after_an_hour_a_day_a_week_and_then_each_quarter(
    tmp_path: Path,
) -> None:
    (_, hole) = next(iter(ONE))

    async def body(world: World) -> None:
        until = LAST_CLOSED
        await world.collect("BTCUSDT", since_ms=SINCE, until_ms=until)
        for looks, distance_ms in enumerate((HOUR_MS, DAY_MS, 7 * DAY_MS, 90 * DAY_MS, 90 * DAY_MS), 1):
            (known,) = world.store.holes(KEY)
            assert known.confirmations == looks
            world.bybit.asked.clear()
            await world.clock.sleep((known.seen_ms + distance_ms - world.clock.now_ms()) / 1000 - 60)
            report = await world.collect("BTCUSDT", since_ms=SINCE, until_ms=until)
            assert asked_times(world) == []
            assert report.known_hole_bars == 1
            await world.clock.sleep(61)
            await world.collect("BTCUSDT", since_ms=SINCE, until_ms=until)
            assert asked_times(world) == [(hole, hole)]

    run(tmp_path, body, holes=ONE)


def test_a_hole_that_was_none_heals_with_the_next_look(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        await world.collect("BTCUSDT", since_ms=SINCE)
        world.bybit.holes.clear()
        await world.clock.sleep(3601)
        report = await world.collect("BTCUSDT", since_ms=SINCE, until_ms=LAST_CLOSED)
        assert report.complete
        assert world.stored("BTCUSDT")[: 4 * 1440] == truth("BTCUSDT", SINCE, LAST_CLOSED)

    run(tmp_path, body, holes=set(OLD))


@pytest.mark.parametrize("rows_lost", [1, 2, 4])
@pytest.mark.parametrize("chance", [0.25, 0.5])
def test_rows_that_pages_lose_by_chance_never_become_a_hole(
    tmp_path: Path, rows_lost: int, chance: float
) -> None:
    lots = random.Random(f"{rows_lost}/{chance}")

    def edit(rows: list[list[str]]) -> list[list[str]]:
        if rows and lots.random() < chance:
            lost = set(lots.sample(range(len(rows)), min(rows_lost, len(rows))))
            return [row for place, row in enumerate(rows) if place not in lost]
        return rows

    async def body(world: World) -> None:
        report = await world.collect("BTCUSDT", since_ms=NOW - 30 * DAY_MS)
        assert report.complete
        assert world.store.holes(KEY) == ()
        assert world.stored("BTCUSDT") == truth("BTCUSDT", NOW - 30 * DAY_MS, LAST_CLOSED)

    run(tmp_path, body, edit=edit)


def test_what_is_neither_had_nor_confirmed_is_a_gap_that_the_next_run_asks_for(tmp_path: Path) -> None:
    lost = LAST_CLOSED - 500 * MINUTE

    async def body(world: World) -> None:
        lots = random.Random(1)

        def edit(rows: list[list[str]]) -> list[list[str]]:
            """Every page lacks the bar, and another one each time: no answer is whole."""
            other = lots.randrange(len(rows)) if rows else 0
            return [row for place, row in enumerate(rows) if place != other and row[0] != str(lost)]

        world.bybit.edit = edit
        report = await world.collect("BTCUSDT", since_ms=LAST_CLOSED - 600 * MINUTE)
        assert lost in [gap.start_ms for gap in report.gaps]
        assert world.store.holes(KEY) == ()
        world.bybit.edit = lambda rows: rows
        assert (await world.collect("BTCUSDT", since_ms=LAST_CLOSED - 600 * MINUTE)).complete

    run(tmp_path, body)


@pytest.mark.parametrize("has_file", [True, False])
def test_rows_that_a_killed_run_left_staged_are_settled_where_nothing_else_is_missing(
    tmp_path: Path, has_file: bool
) -> None:
    async def body(world: World) -> None:
        since = LAST_CLOSED - 100 * MINUTE
        rows = truth("BTCUSDT", since, LAST_CLOSED)
        if has_file:
            world.store.append(KEY, rows[40:])
        world.store.stage(KEY, rows[: 40 if has_file else 100])
        world.store = Store(tmp_path, world.clock)
        world.bybit.asked.clear()
        report = await world.collect("BTCUSDT", since_ms=since, until_ms=LAST_CLOSED)
        assert report.complete
        assert asked_times(world) == []
        assert world.store.staged_keys() == []
        assert world.stored("BTCUSDT") == rows

    run(tmp_path, body)


def test_bars_that_are_only_late_are_a_gap_but_no_hole(tmp_path: Path) -> None:
    late = {("BTCUSDT", LAST_CLOSED - n * MINUTE) for n in (1, 2)}

    async def body(world: World) -> None:
        first = await world.collect("BTCUSDT", since_ms=NOW - HOUR_MS)
        assert first.missing_bars == 2
        assert world.store.holes(KEY) == ()
        world.bybit.holes.clear()
        second = await world.collect("BTCUSDT", since_ms=NOW - HOUR_MS)
        assert second.complete
        assert second.bars_added == 2

    run(tmp_path, body, holes=late)


def test_a_symbol_that_stopped_trading_is_not_asked_for_its_silence_each_time(tmp_path: Path) -> None:
    stopped = LAST_CLOSED - 3 * DAY_MS

    async def body(world: World) -> None:
        await world.collect("BTCUSDT", since_ms=SINCE)
        assert world.stored("BTCUSDT") == truth("BTCUSDT", SINCE, stopped)
        world.bybit.asked.clear()
        await world.collect("BTCUSDT", since_ms=SINCE)
        assert len(asked_times(world)) == 3
        assert min(start for start, _ in asked_times(world)) > NOW - 6 * HOUR_MS

    run(tmp_path, body, holes={("BTCUSDT", at) for at in range(stopped, NOW, MINUTE)})


def test_bars_that_begin_later_than_the_exchange_says_are_no_gap(tmp_path: Path) -> None:
    launch = LAST_CLOSED - DAY_MS
    first = launch + 90 * MINUTE

    async def body(world: World) -> None:
        report = await world.collect("NEWUSDT", since_ms=SINCE)
        assert report.complete
        assert report.gaps == ()
        assert report.information == (
            "linear/NEWUSDT_1m: the exchange has no bars before 2023-11-13 23:44 UTC.",
        )
        assert world.stored("NEWUSDT") == truth("NEWUSDT", first, LAST_CLOSED)
        world.bybit.asked.clear()
        again = await world.collect("NEWUSDT", since_ms=SINCE)
        assert again.complete
        assert again.information == ()
        assert asked_times(world) == []

    run(
        tmp_path,
        body,
        launches={"NEWUSDT": launch},
        holes={("NEWUSDT", at) for at in range(launch, first, MINUTE)},
    )


@pytest.mark.parametrize("far", [True, False])
def test_what_a_page_leaves_out_is_asked_for_only_as_far_as_it_is_missing(tmp_path: Path, far: bool) -> None:
    left_out = [5, 900 if far else 30]

    async def body(world: World) -> None:
        dropped = [True]

        def edit(rows: list[list[str]]) -> list[list[str]]:
            if len(rows) == 1000 and dropped.pop() if dropped else False:
                return [row for place, row in enumerate(rows) if place not in left_out]
            return rows

        world.bybit.edit = edit
        report = await world.collect("BTCUSDT", since_ms=LAST_CLOSED - 1000 * MINUTE)
        assert report.complete
        assert world.bybit.calls[KLINE] == (3 if far else 2)
        assert world.bars_asked() == 1000 + (2 + 400 if far else 26 + 200), "a hundred bars on either side"
        assert world.stored("BTCUSDT") == truth("BTCUSDT", LAST_CLOSED - 1000 * MINUTE, LAST_CLOSED)

    run(tmp_path, body)
