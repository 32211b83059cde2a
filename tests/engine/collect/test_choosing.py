"""Which symbols, which bars first, and the datasets that stand beside the bars of trades."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.engine.collect.helpers import LAST_CLOSED, LINEAR, M1, MINUTE, NOW, World, run, truth
from tests.engine.exchange.fake_bybit import FUNDING, KLINE, MARK_KLINE, RISK_LIMIT, TICKERS
from tradebot.engine.collect import CollectRequest, Order, choose_symbols
from tradebot.engine.control.errors import InputError
from tradebot.engine.exchange.errors import error_for_status
from tradebot.engine.market import DAY_MS, HOUR_MS, Category, DatasetKey, Timeframe

MARK_1H = DatasetKey.of(LINEAR, "BTCUSDT", Timeframe.H1, mark=True)


def test_the_top_symbols_are_those_with_the_largest_turnover_of_the_ones_that_match(tmp_path: Path) -> None:
    launches = {"AUSDT": 0, "BUSDT": 0, "CUSDC": 0, "DUSDT": 0}  # a later one has the larger turnover

    async def body(world: World) -> None:
        report = await world.collect("all", top=2, since_ms=NOW - 5 * MINUTE)
        assert [item.key.symbol for item in report.datasets] == ["DUSDT", "CUSDC"]
        report = await world.collect("*usdt", top=2, since_ms=NOW - 5 * MINUTE)
        assert [item.key.symbol for item in report.datasets] == ["DUSDT", "BUSDT"]
        asked = world.bybit.calls[TICKERS]
        report = await world.collect("AUSDT", "BUSDT", top=2, since_ms=NOW - 5 * MINUTE)
        assert [item.key.symbol for item in report.datasets] == ["AUSDT", "BUSDT"]
        assert world.bybit.calls[TICKERS] == asked

    run(tmp_path, body, launches=launches)


def test_the_top_inverse_contracts_go_by_dollars_not_by_their_own_coins(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        volumes = {"BTCUSDT": ("900000000", "4600"), "ETHUSDT": ("400000000", "87000")}

        def tickers(path: str, params: dict[str, Any]) -> dict[str, Any] | None:
            items = [
                {"symbol": symbol, "volume24h": dollars, "turnover24h": coins}
                for symbol, (dollars, coins) in volumes.items()
            ]
            return world.bybit.envelope({"category": "inverse", "list": items}) if path == TICKERS else None

        world.bybit.faults.append(tickers)
        request = CollectRequest(Category.INVERSE, ("*USDT",), (M1,), NOW, top=1)
        rules = {item.symbol: item for item in await world.exchange.instruments(LINEAR)}
        assert await choose_symbols(world.exchange, request, rules) == ("BTCUSDT",)

    run(tmp_path, body)


def test_a_number_of_symbols_below_one_and_mark_prices_of_spot_are_refused() -> None:
    with pytest.raises(InputError, match="must be 1 or more, was 0"):
        CollectRequest(LINEAR, ("all",), (M1,), NOW, top=0)
    with pytest.raises(InputError, match="Spot has no mark price"):
        CollectRequest(Category.SPOT, ("BTCUSDT",), (M1,), NOW, mark_timeframes=(M1,))


def starts_of(world: World, symbol: str) -> list[int]:
    return [call["start"] for call in world.bybit.asked if call["path"] == KLINE and call["symbol"] == symbol]


@pytest.mark.parametrize("order", list(Order))
def test_the_order_says_which_end_is_asked_first_and_makes_the_same_file(
    tmp_path: Path, order: Order
) -> None:
    async def body(world: World) -> None:
        await world.collect("BTCUSDT", since_ms=NOW - 4 * DAY_MS, until_ms=NOW - 2 * DAY_MS)
        world.bybit.asked.clear()
        assert (await world.collect("BTCUSDT", since_ms=NOW - 9 * DAY_MS, order=order)).complete
        starts = starts_of(world, "BTCUSDT")
        assert starts == sorted(starts, reverse=order is Order.NEWEST_FIRST)
        assert world.stored("BTCUSDT") == truth("BTCUSDT", NOW - 9 * DAY_MS, LAST_CLOSED)
        assert world.store.staged_keys() == []

    run(tmp_path, body)


def test_newest_first_has_the_recent_days_stored_before_the_older_ones_are_asked(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        held: list[int] = []

        def look(path: str, params: dict[str, object]) -> None:
            if path == KLINE:
                info = world.store.info(DatasetKey.of(LINEAR, "BTCUSDT", M1))
                held.append(info.rows if info is not None else 0)
                assert info is None or info.last_ms == LAST_CLOSED - MINUTE

        world.bybit.faults.append(look)
        await world.collect("BTCUSDT", since_ms=NOW - 60 * DAY_MS, order=Order.NEWEST_FIRST)
        assert held[40] > 20_000

    run(tmp_path, body)


def test_datasets_take_turns_so_that_none_starves_behind_a_long_one(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        await world.collect("BTCUSDT", since_ms=NOW - 2 * DAY_MS)
        world.bybit.asked.clear()
        await world.collect("BTCUSDT", "ETHUSDT", "ETHBTC", since_ms=NOW - 30 * DAY_MS)
        order = [call["symbol"] for call in world.bybit.asked if call["path"] == KLINE]
        for place in range(0, 3 * 40, 3):
            assert set(order[place : place + 3]) == {"BTCUSDT", "ETHUSDT", "ETHBTC"}

    run(tmp_path, body)


def test_mark_prices_are_datasets_of_their_own(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        report = await world.collect("BTCUSDT", mark_timeframes=(Timeframe.H1,), since_ms=NOW - 3 * DAY_MS)
        assert report.complete
        assert [str(item.key) for item in report.datasets] == ["linear/BTCUSDT_1m", "linear/BTCUSDT_1h_mark"]
        header, *lines = (tmp_path / "linear" / "BTCUSDT_1h_mark.csv").read_text("utf-8").splitlines()
        assert header == "timestamp,open,high,low,close"
        wanted = truth("BTCUSDT", NOW - 3 * DAY_MS, Timeframe.H1.floor(NOW), Timeframe.H1)
        assert lines == [",".join(str(value) for value in row[:5]) for row in wanted]
        asked = world.bybit.calls[MARK_KLINE]
        assert asked == 1
        again = await world.collect("BTCUSDT", mark_timeframes=(Timeframe.H1,), since_ms=NOW - 3 * DAY_MS)
        assert again.complete
        assert again.bars_added == 0
        assert world.bybit.calls[MARK_KLINE] == asked

    run(tmp_path, body)


def test_an_exchange_without_mark_prices_gives_everything_else(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        world.bybit.faults.append(
            lambda path, params: error_for_status(404, "", "u", path) if path == MARK_KLINE else None
        )
        report = await world.collect("BTCUSDT", mark_timeframes=(Timeframe.H1,))
        states = {str(item.key): item.state.value for item in report.datasets}
        assert states == {"linear/BTCUSDT_1m": "done", "linear/BTCUSDT_1h_mark": "failed"}
        assert world.stored("BTCUSDT") == truth("BTCUSDT", NOW - DAY_MS, LAST_CLOSED)

    run(tmp_path, body)


def test_mark_prices_may_be_collected_alone(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        report = await world.collect("BTCUSDT", timeframes=(), mark_timeframes=(Timeframe.H1,))
        assert [item.key for item in report.datasets] == [MARK_1H]
        assert world.bybit.calls[KLINE] == 0

    run(tmp_path, body)


def test_risk_limits_are_asked_once_a_day_and_kept_with_their_date(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        await world.collect("BTCUSDT")
        first = world.store.risk_limits_seen_ms(LINEAR)
        assert first == pytest.approx(NOW, abs=100)
        tiers = world.store.risk_limits(LINEAR)["BTCUSDT"]
        assert [int(tier.limit) for tier in tiers] == [2_000_000, 4_000_000]
        await world.clock.sleep(23 * 3600)
        await world.collect("BTCUSDT")
        assert world.bybit.calls[RISK_LIMIT] == 1
        await world.clock.sleep(2 * 3600)
        await world.collect("BTCUSDT")
        assert world.bybit.calls[RISK_LIMIT] == 2
        second = world.store.risk_limits_seen_ms(LINEAR)
        assert second == pytest.approx(NOW + 25 * HOUR_MS, abs=1000)

    run(tmp_path, body)


def test_risk_limits_that_cannot_be_had_are_said_and_cost_nothing_else(tmp_path: Path) -> None:
    async def body(world: World) -> None:
        world.bybit.faults.append(
            lambda path, params: error_for_status(404, "", "u", path) if path == RISK_LIMIT else None
        )
        report = await world.collect("BTCUSDT")
        assert report.complete
        assert report.information[0].startswith(
            "The risk limits could not be had, those stored before stay: "
        )

    run(tmp_path, body)


def test_funding_is_stored_page_by_page_and_goes_on_where_it_was_lost(tmp_path: Path) -> None:
    span = 700 * DAY_MS

    async def body(world: World) -> None:
        def refuse(path: str, params: dict[str, object]) -> object:
            lost = path == FUNDING and world.bybit.calls[FUNDING] > 5
            return world.bybit.envelope({}, 10001, "no") if lost else None

        world.bybit.faults.append(refuse)  # type: ignore[arg-type]
        await world.collect("BTCUSDT", timeframes=(Timeframe.D1,), since_ms=NOW - span)
        kept = len(world.store.funding(LINEAR, "BTCUSDT").time)
        assert kept > 900
        world.bybit.faults.clear()
        world.bybit.calls.clear()
        report = await world.collect("BTCUSDT", timeframes=(Timeframe.D1,), since_ms=NOW - span)
        assert report.funding_added + kept == 2100
        assert world.bybit.calls[FUNDING] <= (2100 - kept) // 199 + 1

    run(tmp_path, body)
