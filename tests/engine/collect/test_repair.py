"""Repair puts bad rows aside, fills gaps inside files, and says what could not be had and why."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.engine.collect.helpers import LAST_CLOSED, LINEAR, M1, MINUTE, NOW, InlineThread, World, run, truth
from tests.engine.exchange.fake_bybit import KLINE, URL, true_bar
from tradebot.engine.collect.repair import RepairOptions, RepairReport, repair
from tradebot.engine.collect.verifying import Verify
from tradebot.engine.control.errors import CancelledError
from tradebot.engine.exchange.errors import timed_out, unreachable
from tradebot.engine.market import BarRow, DatasetKey
from tradebot.engine.store import Store

BTC = DatasetKey.of(LINEAR, "BTCUSDT", M1)
ETH = DatasetKey.of(LINEAR, "ETHUSDT", M1)
START = LAST_CLOSED - 3000 * MINUTE
END = LAST_CLOSED - 100 * MINUTE


async def mend(world: World, *keys: DatasetKey, **options: Any) -> RepairReport:
    return await repair(
        world.exchange,
        world.store,
        keys or (BTC,),
        world.clock,
        world.reports.append,
        world.cancel,
        InlineThread(),
        RepairOptions(**options),
    )


def held(world: World, *left_out: range, key: DatasetKey = BTC) -> list[BarRow]:
    """Store the truth of a span without some bars (counted from its start)."""
    absent = {START + n * MINUTE for each in left_out for n in each}
    rows = [row for row in truth(key.symbol, START, END) if row.time_ms not in absent]
    world.store.append(key, rows)
    return rows


def path_of(folder: Path, key: DatasetKey = BTC) -> Path:
    return folder / key.category / key.file_name


def spoil(folder: Path, change: dict[int, str]) -> None:
    """Replace lines of the file (1 is the first bar)."""
    lines = path_of(folder).read_text("utf-8").splitlines()
    for number, text in change.items():
        lines[number] = text
    path_of(folder).write_text("\n".join(lines) + "\n", "utf-8", newline="")


def test_gaps_inside_a_file_are_filled_and_nothing_else_is_asked(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        held(world, range(10, 15), range(2000, 2001))
        report = await mend(world)
        assert report.complete
        assert report.bars_added == world.bars_asked() == 6
        assert world.stored("BTCUSDT") == truth("BTCUSDT", START, END)
        assert report.sentences == ("linear/BTCUSDT_1m: 6 bars fetched from the exchange.",)

    run(tmp_path, body)


def test_a_sound_dataset_needs_nothing(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        held(world)
        report = await mend(world)
        assert report.complete
        assert world.bybit.calls[KLINE] == 0
        assert report.sentences == ("linear/BTCUSDT_1m: nothing to repair.",)

    run(tmp_path, body)


def test_bad_rows_are_put_aside_and_asked_for_again_also_at_both_ends(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        rows = held(world)
        first, last = rows[0].time_ms, rows[-1].time_ms
        spoil(
            tmp_path,
            {
                1: f"{first},100.0,90.0,110.0,100.0,1,1",  # high below low
                700: "nonsense",
                len(rows): f"{last},0,0,0,0,1,1",
            },
        )
        world.store = Store(tmp_path, world.clock)
        report = await mend(world)
        assert report.complete
        assert report.rows_moved == 3
        assert report.bars_added == 3
        assert world.stored("BTCUSDT") == truth("BTCUSDT", START, END)
        aside = path_of(tmp_path).with_name("BTCUSDT_1m.csv.quarantine").read_text("utf-8")
        assert "nonsense" in aside
        assert "3 bad rows" in report.sentences[0]
        assert "3 bars fetched from the exchange" in report.sentences[0]

    run(tmp_path, body)


def test_what_the_exchange_has_not_is_said_remembered_and_not_asked_again(tmp_path: Path) -> None:
    hole = {("BTCUSDT", START + n * MINUTE) for n in (50, 51)}

    async def body(world: World) -> None:
        held(world, range(40, 60))
        report = await mend(world)
        assert not report.complete
        assert report.bars_added == 18
        assert report.missing_bars == 2
        assert "2 bars could not be had, the exchange has none of them" in report.sentences[0]
        world.bybit.asked.clear()
        again = await mend(world)
        assert again.complete
        assert world.bars_asked() == 0
        assert "2 bars are known to be missing at the exchange itself" in again.sentences[0]
        await mend(world, ask_holes_again=True)
        assert world.bars_asked() == 2, "a remembered hole needs no more than one look"

    run(tmp_path, body, holes=hole)


def test_one_that_is_refused_leaves_the_others_to_be_repaired(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        held(world, range(5, 7))
        held(world, range(5, 7), key=ETH)
        world.bybit.faults.append(
            lambda path, params: (
                world.bybit.envelope({}, 10001, "symbol invalid")
                if path == KLINE and params["symbol"] == "BTCUSDT"
                else None
            )
        )
        report = await mend(world, BTC, ETH)
        assert [each.complete for each in report.datasets] == [False, True]
        assert "2 bars could not be had, the exchange refused (" in report.sentences[0]
        assert "run the repair again later" in report.sentences[0]

    run(tmp_path, body)


def test_an_exchange_that_is_gone_leaves_a_sentence_about_what_is_left_to_do(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        rows = held(world, range(5, 7))
        spoil(tmp_path, {700: "nonsense"})
        world.store = Store(tmp_path, world.clock)
        world.bybit.faults.append(lambda path, params: unreachable(URL))
        report = await mend(world)
        assert not report.complete
        assert report.rows_moved == 1
        assert report.missing_bars == 3
        assert "left to do, run the repair again (The exchange cannot be reached" in report.sentences[0]
        assert len(world.stored("BTCUSDT")) == len(rows) - 1
        world.bybit.faults.clear()
        assert (await mend(world)).complete
        assert world.stored("BTCUSDT") == truth("BTCUSDT", START, END)

    run(tmp_path, body)


def test_an_imported_dataset_is_left_alone_unless_asked(tmp_path: Path) -> None:
    rows = truth("BTCUSDT", START, END)
    lines = "".join(",".join(map(str, row)) + "\n" for row in rows[:100] + rows[120:])
    file = tmp_path / "BTCUSDT_1m.csv"
    file.write_text("timestamp,open,high,low,close,volume,turnover\n" + lines, "utf-8")

    async def body(world: World) -> None:
        world.store.import_file(file)
        report = await mend(world)
        assert not report.complete
        assert world.bybit.calls[KLINE] == 0
        assert "left alone, because BTCUSDT_1m.csv was imported into it" in report.sentences[0]
        assert "--from-exchange" in report.sentences[0]
        report = await mend(world, from_exchange=True)
        assert report.complete
        assert report.bars_added == 20
        assert world.stored("BTCUSDT") == rows

    run(tmp_path / "data", body)


@pytest.mark.parametrize("verify", [Verify.SAMPLE, Verify.ALL])
def test_stored_values_are_compared_only_where_asked_and_differences_are_reported(
    tmp_path: Path, verify: Verify
) -> None:
    async def body(world: World) -> None:
        rows = held(world)
        at = rows[11].time_ms
        true = true_bar("BTCUSDT", at)
        other = true._replace(close=true.high)
        spoil(tmp_path, {12: ",".join(map(str, other))})
        world.store = Store(tmp_path, world.clock)
        assert (await mend(world)).complete
        assert world.bybit.calls[KLINE] == 0
        report = await mend(world, verify=verify)
        assert not report.complete
        (difference,) = report.datasets[0].contradictions
        assert (difference.time_ms, difference.column, difference.stored) == (at, "close", float(true.high))
        assert report.datasets[0].compared == len(rows)
        assert "1 bar of 2,900 compared differ from the exchange's, the first at" in report.sentences[0]
        assert world.stored("BTCUSDT")[11] == other
        document = json.loads(json.dumps(report.to_json()))
        assert document["datasets"][0]["contradictions"][0]["column"] == "close"

    run(tmp_path, body)


def test_a_sample_of_a_long_dataset_is_five_windows_from_first_to_last(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        world.store.append(BTC, truth("BTCUSDT", LAST_CLOSED - 30_000 * MINUTE, LAST_CLOSED))
        report = await mend(world, verify=Verify.SAMPLE)
        assert report.complete
        assert report.datasets[0].compared == 5_000
        assert report.sentences == ("linear/BTCUSDT_1m: 5,000 bars compared with the exchange, all equal.",)
        starts = [call["start"] for call in world.bybit.asked if call["path"] == KLINE]
        assert starts[0] == LAST_CLOSED - 30_000 * MINUTE
        assert starts[-1] == LAST_CLOSED - 1_000 * MINUTE

    run(tmp_path, body)


def test_cancelling_keeps_what_was_repaired(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        held(world, range(5, 7), range(2500, 2501))

        def stop(path: str, params: dict[str, Any]) -> Any:
            if path == KLINE and world.bybit.calls[KLINE] == 2:
                world.cancel.cancel()
            return timed_out(URL, path) if path == KLINE and world.bybit.calls[KLINE] >= 2 else None

        world.bybit.faults.append(stop)
        with pytest.raises(CancelledError):
            await mend(world)
        assert len(world.store.load(BTC)) == 2899

    run(tmp_path, body)


def test_an_unknown_dataset_is_a_sentence(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        report = await mend(world, ETH)
        assert not report.complete
        assert "There is no dataset linear/ETHUSDT_1m" in report.sentences[0]

    run(tmp_path, body)


def test_now_is_not_later_than_the_exchanges_clock(tmp_path: Path) -> None:
    """Repair ends where the file ends: bars after it are a collection's business."""

    async def body(world: World) -> None:
        world.store.append(BTC, truth("BTCUSDT", LAST_CLOSED - 10 * MINUTE, LAST_CLOSED - 5 * MINUTE))
        report = await mend(world)
        assert report.complete
        assert report.bars_added == 0

    run(tmp_path, body, now_ms=NOW)
