"""History arrives whole, once, and is asked for only where it is missing."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.engine.collect.helpers import LAST_CLOSED, LINEAR, M1, M5, MINUTE, NOW, World, run, truth
from tests.engine.exchange.fake_bybit import FUNDING, INSTRUMENTS, KLINE, URL, linear_item, true_bar
from tradebot.engine.collect import DatasetState
from tradebot.engine.control.errors import CancelledError, InputError
from tradebot.engine.exchange import ExchangeError, FailureKind
from tradebot.engine.exchange.errors import error_for_status, timed_out, unreachable
from tradebot.engine.market import DAY_MS, WEEK_MS, Category, DatasetKey, Timeframe

DAY_AGO = NOW - DAY_MS


def test_every_closed_bar_of_the_span_is_stored_once(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        report = await world.collect("BTCUSDT", "ETHUSDT", timeframes=(M1, M5))
        assert report.complete
        assert report.sentences == ()
        for symbol in ("BTCUSDT", "ETHUSDT"):
            assert world.stored(symbol, M1) == truth(symbol, DAY_AGO, LAST_CLOSED)
            assert world.stored(symbol, M5) == truth(symbol, DAY_AGO, M5.floor(NOW), M5)
        assert report.bars_added == 2 * (1440 - 1 + 287)
        assert len(report.datasets) == 4

    run(tmp_path, body)


def test_a_second_run_asks_no_klines_at_all(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        await world.collect("BTCUSDT", timeframes=(M1, M5))
        asked = world.bybit.calls[KLINE]
        assert asked > 0
        report = await world.collect("BTCUSDT", timeframes=(M1, M5))
        assert world.bybit.calls[KLINE] == asked
        assert report.complete
        assert report.bars_added == 0
        assert report.funding_added == 0

    run(tmp_path, body)


def test_a_later_run_asks_only_for_the_bars_since(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        await world.collect("BTCUSDT")
        world.bybit.asked.clear()
        await world.clock.sleep(600)
        report = await world.collect("BTCUSDT")
        assert report.bars_added == 10
        klines = [call for call in world.bybit.asked if call["path"] == KLINE]
        assert [(call["start"], call["end"]) for call in klines] == [(LAST_CLOSED, LAST_CLOSED + 9 * MINUTE)]

    run(tmp_path, body)


def test_older_history_is_put_before_what_is_there(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        await world.collect("BTCUSDT")
        report = await world.collect("BTCUSDT", since_ms=NOW - 3 * DAY_MS)
        assert report.bars_added == 2 * 1440
        assert world.stored("BTCUSDT") == truth("BTCUSDT", NOW - 3 * DAY_MS, LAST_CLOSED)

    run(tmp_path, body)


def test_a_span_may_end_before_now(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        report = await world.collect("BTCUSDT", until_ms=NOW - DAY_MS // 2)
        assert report.complete
        assert world.stored("BTCUSDT") == truth("BTCUSDT", DAY_AGO, NOW - DAY_MS // 2)

    run(tmp_path, body)


@pytest.mark.parametrize("page_limit", [1, 7, 333])
def test_short_pages_are_asked_on_until_the_window_is_whole(tmp_path: Path, page_limit: int) -> None:
    async def body(world: World) -> None:
        report = await world.collect("BTCUSDT", since_ms=NOW - 40 * MINUTE if page_limit == 1 else DAY_AGO)
        assert report.complete
        assert world.stored("BTCUSDT") == truth(
            "BTCUSDT", NOW - 40 * MINUTE if page_limit == 1 else DAY_AGO, LAST_CLOSED
        )

    run(tmp_path, body, page_limit=page_limit)


def test_pages_in_any_order_with_doubles_make_the_same_file(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        assert (await world.collect("BTCUSDT")).complete
        assert world.stored("BTCUSDT") == truth("BTCUSDT", DAY_AGO, LAST_CLOSED)

    run(tmp_path, body, edit=lambda rows: sorted([*rows, *rows[::3]], key=lambda row: row[2] + row[0][::-1]))


def test_holes_of_the_exchange_end_the_search_and_are_reported(tmp_path: Path) -> None:
    missing = {("BTCUSDT", LAST_CLOSED - n * MINUTE) for n in (100, 101, 102, 500)}

    async def body(world: World) -> None:
        report = await world.collect("BTCUSDT")
        assert not report.complete
        assert [gap.bars for gap in report.gaps] == [1, 3]
        assert report.missing_bars == 4
        assert "linear/BTCUSDT_1m: 4 bars are missing" in report.sentences[0]
        assert world.bybit.calls[KLINE] <= 6, "two windows, each asked three times"
        expected = [
            row for row in truth("BTCUSDT", DAY_AGO, LAST_CLOSED) if ("BTCUSDT", row.time_ms) not in missing
        ]
        assert world.stored("BTCUSDT") == expected

    run(tmp_path, body, holes=missing)


def test_a_symbols_time_before_its_launch_is_not_asked(tmp_path: Path) -> None:
    launch = LAST_CLOSED - 90 * MINUTE

    async def body(world: World) -> None:
        report = await world.collect("NEWUSDT", since_ms=NOW - 2000 * DAY_MS)
        assert report.complete
        assert world.bybit.calls[KLINE] == 1
        assert world.stored("NEWUSDT") == truth("NEWUSDT", launch, LAST_CLOSED)

    run(tmp_path, body, launches={"NEWUSDT": launch})


def test_an_untold_launch_is_found_by_weekly_bars_and_remembered(tmp_path: Path) -> None:
    launch = Timeframe.W1.floor(NOW) - 2 * WEEK_MS + 3 * DAY_MS

    async def body(world: World) -> None:
        await world.collect("NEWUSDT", since_ms=NOW - 2000 * DAY_MS)
        assert world.stored("NEWUSDT") == truth("NEWUSDT", launch, LAST_CLOSED)
        first_run = world.bybit.calls[KLINE]
        assert first_run < 60
        instrument = world.store.instruments()[LINEAR, "NEWUSDT"]
        assert Timeframe.W1.floor(launch) == instrument.launch_ms

    run(tmp_path, body, launches={"NEWUSDT": launch}, tell_launch=False)


def test_a_symbol_listed_this_week_has_no_weekly_bar_yet(tmp_path: Path) -> None:
    launch = LAST_CLOSED - 30 * MINUTE

    async def body(world: World) -> None:
        await world.collect("NEWUSDT", since_ms=NOW - 400 * DAY_MS)
        assert world.stored("NEWUSDT") == truth("NEWUSDT", launch, LAST_CLOSED)

    run(tmp_path, body, launches={"NEWUSDT": launch}, tell_launch=False)


def test_instruments_and_funding_are_stored_beside_the_bars(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        report = await world.collect("BTCUSDT", since_ms=NOW - 100 * DAY_MS)
        assert set(world.store.instruments()) == {(LINEAR, name) for name in ("BTCUSDT", "ETHUSDT", "ETHBTC")}
        times = world.store.funding(LINEAR, "BTCUSDT").time.tolist()
        step = 8 * 3_600_000
        first = -(-(NOW - 100 * DAY_MS) // step) * step
        assert times == list(range(first, NOW, step))
        assert report.funding_added == len(times)

    run(tmp_path, body)


def test_patterns_and_all_mean_the_symbols_of_the_exchange(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        report = await world.collect("eth*", "btcusdt", since_ms=NOW - 5 * MINUTE)
        assert [item.key.symbol for item in report.datasets] == ["BTCUSDT", "ETHBTC", "ETHUSDT"]
        report = await world.collect("all", since_ms=NOW - 5 * MINUTE)
        assert len(report.datasets) == 3

    run(tmp_path, body)


@pytest.mark.parametrize(
    ("symbol", "sentence"),
    [
        ("BTCUSD", 'no symbol "BTCUSD" in the category linear, which has 3 symbols. Did you mean "BTCUSDT"?'),
        ("XYZ*", 'matches the pattern "XYZ*"'),
    ],
)
def test_an_unknown_symbol_is_refused_with_the_nearest_name(
    tmp_path: Path, symbol: str, sentence: str
) -> None:
    async def body(world: World) -> None:
        with pytest.raises(InputError) as caught:
            await world.collect("BTCUSDT", symbol)
        assert sentence in caught.value.sentence
        assert world.bybit.calls[KLINE] == 0

    run(tmp_path, body)


def test_spans_and_requests_for_nothing_are_refused() -> None:
    from tradebot.engine.collect import CollectRequest

    with pytest.raises(InputError, match="not after its start"):
        CollectRequest(LINEAR, ("BTCUSDT",), (M1,), NOW, NOW)
    with pytest.raises(InputError, match="no timeframe"):
        CollectRequest(LINEAR, ("BTCUSDT",), (), NOW)
    with pytest.raises(InputError, match="no symbol"):
        CollectRequest(LINEAR, (), (M1,), NOW)


# ------------------------------------------------------------------------------------------------ failures


def every(n: int, make: Any, most: int = 6) -> Any:
    """Fail every n-th kline call, that often in all."""
    count = [0]

    def fault(path: str, params: dict[str, Any]) -> Any:
        if path != KLINE:
            return None
        count[0] += 1
        return make() if count[0] % n == 0 and count[0] <= n * most else None

    return fault


@pytest.mark.parametrize(
    "make",
    [
        lambda: timed_out(URL, KLINE),
        lambda: unreachable(URL),
        lambda: error_for_status(502, "<html>", URL, KLINE),
        lambda: error_for_status(403, "access too frequent", URL, KLINE),
        lambda: {"retCode": 10006, "retMsg": "Too many visits!", "result": {}, "time": NOW},
        lambda: {"retCode": 0, "retMsg": "OK", "result": {"list": [["17", "x"]]}, "time": NOW},
    ],
    ids=["timeout", "unreachable", "HTML 502", "ban", "10006", "garbage rows"],
)
def test_passing_failures_lose_nothing(tmp_path: Path, make: Any) -> None:
    async def body(world: World) -> None:
        world.bybit.faults.append(every(3, make))
        end = NOW - DAY_MS // 2
        report = await world.collect("BTCUSDT", "ETHUSDT", since_ms=NOW - 8 * DAY_MS, until_ms=end)
        assert report.complete
        for symbol in ("BTCUSDT", "ETHUSDT"):
            assert world.stored(symbol) == truth(symbol, NOW - 8 * DAY_MS, end)

    run(tmp_path, body)


def test_a_dataset_that_fails_leaves_the_others_alone_and_keeps_what_it_got(tmp_path: Path) -> None:
    bad_from = NOW - DAY_MS // 2

    async def body(world: World) -> None:
        def refuse(path: str, params: dict[str, Any]) -> Any:
            bad = path == KLINE and params["symbol"] == "BTCUSDT" and params["end"] > bad_from
            return world.bybit.envelope({}, 10001, "symbol invalid") if bad else None

        world.bybit.faults.append(refuse)
        report = await world.collect("BTCUSDT", "ETHUSDT", since_ms=NOW - 3 * DAY_MS)
        states = {item.key.symbol: item.state for item in report.datasets}
        assert states == {"BTCUSDT": DatasetState.FAILED, "ETHUSDT": DatasetState.DONE}
        assert not report.complete
        assert any("linear/BTCUSDT_1m: The exchange at" in sentence for sentence in report.sentences)
        kept = world.stored("BTCUSDT")
        assert kept == truth("BTCUSDT", NOW - 3 * DAY_MS, kept[-1].time_ms + MINUTE)
        assert len(kept) >= 1000
        assert report.missing_bars == 3 * 1440 - 1 - len(kept) or report.missing_bars == 3 * 1440 - len(kept)
        world.bybit.faults.clear()
        assert (await world.collect("BTCUSDT", since_ms=NOW - 3 * DAY_MS)).complete
        assert world.stored("BTCUSDT") == truth("BTCUSDT", NOW - 3 * DAY_MS, LAST_CLOSED)

    run(tmp_path, body)


def test_an_exchange_that_is_gone_ends_the_run_and_keeps_what_was_fetched(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        def gone(path: str, params: dict[str, Any]) -> Any:
            return unreachable(URL) if world.bybit.calls[KLINE] > 26 else None

        world.bybit.faults.append(gone)
        with pytest.raises(ExchangeError, match="cannot be reached") as caught:
            await world.collect("BTCUSDT", since_ms=NOW - 30 * DAY_MS)
        assert caught.value.kind is FailureKind.UNREACHABLE
        assert caught.value.sentence.endswith(
            "`tradebot data import`. What was fetched is stored; run it again to go on from there."
        )
        assert world.notices == [f"The exchange at {URL} does not answer; trying again for about a minute."]
        kept = world.stored("BTCUSDT")
        assert kept == truth("BTCUSDT", NOW - 30 * DAY_MS, kept[-1].time_ms + MINUTE)
        world.bybit.faults.clear()
        world.bybit.calls.clear()
        report = await world.collect("BTCUSDT", since_ms=NOW - 30 * DAY_MS)
        whole = truth("BTCUSDT", NOW - 30 * DAY_MS, M1.floor(world.clock.now_ms()))
        assert report.bars_added + len(kept) == len(whole)
        assert world.stored("BTCUSDT") == whole

    run(tmp_path, body)


def test_an_exchange_that_is_gone_from_the_start_has_given_nothing_to_keep(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        world.bybit.faults.append(lambda path, params: unreachable(URL))
        with pytest.raises(ExchangeError, match="cannot be reached") as caught:
            await world.collect("BTCUSDT")
        assert "What was fetched" not in caught.value.sentence

    run(tmp_path, body)


def test_funding_that_cannot_be_had_makes_the_collection_incomplete(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        def refuse(path: str, params: dict[str, Any]) -> Any:
            bad = path == FUNDING and params["symbol"] != "BTCUSDT"
            return world.bybit.envelope({}, 10001, "symbol invalid") if bad else None

        world.bybit.faults.append(refuse)
        report = await world.collect("BTCUSDT", "ETHUSDT", "ETHBTC", since_ms=NOW - 3 * DAY_MS)
        assert {item.state for item in report.datasets} == {DatasetState.DONE}
        assert report.gaps == ()
        assert report.funding_failed == ("ETHBTC", "ETHUSDT")
        assert not report.complete
        assert [sentence.split(":")[0] for sentence in report.sentences] == [
            "Funding of ETHBTC",
            "Funding of ETHUSDT",
        ]
        assert report.funding_added == 9
        world.bybit.faults.clear()
        again = await world.collect("BTCUSDT", "ETHUSDT", "ETHBTC", since_ms=NOW - 3 * DAY_MS)
        assert again.complete
        assert again.funding_added == 18

    run(tmp_path, body)


def test_funding_of_several_symbols_is_asked_at_once(tmp_path: Path) -> None:
    symbols = {f"C{n:02}USDT": 0 for n in range(24)}
    under_way, most = [0], [0]

    async def body(world: World) -> None:
        async def far_away(path: str, params: dict[str, Any]) -> Any:
            funding = path == FUNDING
            under_way[0] += funding
            most[0] = max(most[0], under_way[0])
            await world.clock.sleep(0.08)
            under_way[0] -= funding
            return await answer(path, params)

        answer, world.bybit.get = world.bybit.get, far_away  # type: ignore[method-assign]
        started = world.clock.monotonic()
        report = await world.collect("all", timeframes=(Timeframe.D1,), since_ms=NOW - 700 * DAY_MS)
        asked = world.bybit.calls[FUNDING]
        assert asked >= 24 * 11
        assert report.funding_added == 24 * 700 * 3
        assert most[0] == 8
        assert world.clock.monotonic() - started < asked * 0.08 / 3
        for symbol in symbols:
            assert len(world.store.funding(LINEAR, symbol).time) == 700 * 3

    run(tmp_path, body, launches=symbols)


def test_cancelling_keeps_what_was_fetched_and_the_next_run_goes_on(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        def stop(path: str, params: dict[str, Any]) -> None:
            if world.bybit.calls[KLINE] == 40:
                world.cancel.cancel()

        def slow(path: str, params: dict[str, Any]) -> Any:
            return timed_out(URL, path) if world.bybit.calls[KLINE] > 40 else None

        world.bybit.faults += [stop, slow]
        with pytest.raises(CancelledError, match="everything fetched so far is stored"):
            await world.collect("BTCUSDT", since_ms=NOW - 60 * DAY_MS)
        kept = world.stored("BTCUSDT")
        assert len(kept) > 20_000
        assert kept == truth("BTCUSDT", NOW - 60 * DAY_MS, kept[-1].time_ms + MINUTE)
        world.bybit.faults.clear()
        world.bybit.asked.clear()
        world.cancel = type(world.cancel)()
        assert (await world.collect("BTCUSDT", since_ms=NOW - 60 * DAY_MS)).complete
        starts = [call["start"] for call in world.bybit.asked if call["path"] == KLINE]
        assert min(starts) == kept[-1].time_ms + MINUTE

    run(tmp_path, body)


def test_a_ban_is_shown_while_it_is_waited_for(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        world.bybit.faults.append(every(5, lambda: error_for_status(403, "access too frequent", URL, KLINE)))
        await world.collect("BTCUSDT", since_ms=NOW - 6 * DAY_MS, until_ms=NOW - DAY_MS)
        assert any("All requests wait until" in sentence for sentence in world.notices)

    run(tmp_path, body)


def test_a_broken_file_fails_alone_with_its_line(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        await world.collect("BTCUSDT", "ETHUSDT", since_ms=NOW - 10 * MINUTE)
        path = tmp_path / "linear" / "BTCUSDT_1m.csv"
        path.write_text("timestamp,open,high,low,close,volume,turnover\nnonsense,1,2,3\n", encoding="utf-8")
        report = await world.collect("BTCUSDT", "ETHUSDT", since_ms=NOW - 60 * MINUTE)
        states = {item.key.symbol: item.state for item in report.datasets}
        assert states == {"BTCUSDT": DatasetState.FAILED, "ETHUSDT": DatasetState.DONE}
        assert any("BTCUSDT_1m.csv" in sentence for sentence in report.sentences)
        assert "nonsense" in path.read_text(encoding="utf-8")

    run(tmp_path, body)


def test_progress_rises_to_its_total_and_counts_requests(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        await world.collect("BTCUSDT", "ETHUSDT", since_ms=NOW - 9 * DAY_MS)
        done = [report.done_bars for report in world.reports]
        assert done == sorted(done)
        last = world.reports[-1]
        assert last.done_bars == last.total_bars == 2 * (9 * 1440 - 1)
        assert last.fraction == 1.0
        assert last.requests >= 26
        assert {item.state for item in last.datasets} <= {DatasetState.DONE}

    run(tmp_path, body)


def test_spot_has_no_funding(tmp_path: Path) -> None:
    item = {
        **linear_item("BTCUSDT"),
        "lotSizeFilter": {"basePrecision": "0.000001", "minOrderQty": "0.000011", "minOrderAmt": "5"},
    }
    del item["launchTime"]

    async def body(world: World) -> None:
        from tests.engine.collect.helpers import InlineThread
        from tradebot.engine.collect import CollectRequest, collect_history

        world.bybit.faults.append(
            lambda path, params: world.bybit.envelope({"list": [item]}) if path == INSTRUMENTS else None
        )
        request = CollectRequest(Category.SPOT, ("BTCUSDT",), (M1,), NOW - 10 * MINUTE)
        report = await collect_history(
            world.exchange,
            world.store,
            request,
            world.clock,
            world.reports.append,
            world.cancel,
            4,
            InlineThread(),
        )
        assert report.complete
        assert report.funding_added == 0
        assert (
            world.store.missing(DatasetKey.of(Category.SPOT, "BTCUSDT", M1), NOW - 9 * MINUTE, LAST_CLOSED)
            == []
        )

    run(tmp_path, body)


def test_the_first_bar_of_a_dataset_is_the_exchanges_own_text(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        await world.collect("BTCUSDT", since_ms=NOW - 2 * MINUTE)
        line = (tmp_path / "linear" / "BTCUSDT_1m.csv").read_text(encoding="utf-8").splitlines()[1]
        assert line == ",".join(str(value) for value in true_bar("BTCUSDT", LAST_CLOSED - MINUTE))

    run(tmp_path, body)


def test_an_interrupt_keeps_what_was_fetched(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        task = asyncio.create_task(world.collect("BTCUSDT", since_ms=NOW - 60 * DAY_MS))

        def stop(path: str, params: dict[str, Any]) -> None:
            if world.bybit.calls[KLINE] == 30:
                task.cancel()

        world.bybit.faults.append(stop)
        with pytest.raises(asyncio.CancelledError):
            await task
        kept = world.stored("BTCUSDT")
        assert len(kept) >= 5_000
        assert kept == truth("BTCUSDT", NOW - 60 * DAY_MS, kept[-1].time_ms + MINUTE)

    run(tmp_path, body)
