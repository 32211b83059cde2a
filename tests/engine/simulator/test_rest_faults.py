"""What faults do to requests, seen by the exchange's own door and by the client's port in memory."""

from __future__ import annotations

import json
import random
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.engine.exchange.virtual_time import VirtualClock, run_virtual
from tests.support.memory_exchange import MemoryRest, memory_exchange
from tradebot.engine.exchange import Exchange, ExchangeError, FailureKind, Throttle
from tradebot.engine.market import MINUTE_MS, Category, Timeframe
from tradebot.engine.simulator.core import SimulatedExchange
from tradebot.engine.simulator.faults import FaultPlan, FaultRule

START = 1_793_000_010_000
KLINE = "/v5/market/kline"
Body = Callable[[VirtualClock, SimulatedExchange], Awaitable[None]]


def run(body: Body, *rules: FaultRule, **options: Any) -> None:
    async def main(clock: VirtualClock) -> None:
        await body(clock, memory_exchange(clock, plan=FaultPlan(rules), **options))

    run_virtual(main, START)


async def klines(exchange: SimulatedExchange, limit: int = 20, symbol: str = "BTCUSDT") -> list[list[str]]:
    query = {"category": "linear", "symbol": symbol, "interval": "1", "limit": str(limit)}
    reply = await exchange.answer("GET", KLINE, query)
    assert reply.status == 200
    rows: list[list[str]] = json.loads(reply.text)["result"]["list"]
    return rows


@pytest.mark.parametrize(
    ("rule", "kind", "code"),
    [
        (FaultRule("reset"), FailureKind.TIMEOUT, 0),
        (FaultRule("timeout", seconds=60), FailureKind.TIMEOUT, 0),
        (FaultRule("timeout", seconds=2), FailureKind.TIMEOUT, 0),
        (FaultRule("latency", seconds=11), FailureKind.TIMEOUT, 0),
        (FaultRule("html", status=502), FailureKind.SERVER_ERROR, 502),
        (FaultRule("html", status=504), FailureKind.SERVER_ERROR, 504),
        (FaultRule("html", status=403), FailureKind.BLOCKED, 403),
        (FaultRule("overload"), FailureKind.OVERLOADED, 429),
        (FaultRule("ban", seconds=5), FailureKind.BANNED, 403),
        (FaultRule("truncated"), FailureKind.NOT_JSON, 0),
        (FaultRule("empty"), FailureKind.NOT_JSON, 0),
    ],
)
def test_what_comes_instead_of_an_answer_is_what_the_client_knows(
    rule: FaultRule, kind: FailureKind, code: int
) -> None:
    async def body(clock: VirtualClock, exchange: SimulatedExchange) -> None:
        with pytest.raises(ExchangeError) as failed:
            await MemoryRest(exchange).get("/v5/market/time", {})
        assert failed.value.kind is kind
        if kind is not FailureKind.BLOCKED:
            assert failed.value.code == code
        assert len(exchange.truth.events("fault")) == 1

    run(body, rule)


@pytest.mark.parametrize("code", [10000, 10002, 10006, 10016])
def test_refusals_by_code_carry_the_exchanges_words_and_headers(code: int) -> None:
    async def body(clock: VirtualClock, exchange: SimulatedExchange) -> None:
        reply = await exchange.answer("GET", "/v5/market/time", {})
        envelope = json.loads(reply.text)
        assert (reply.status, envelope["retCode"], envelope["result"]) == (200, code, {})
        if code == 10002:
            assert f"server_timestamp[{START}],recv_window[5000]" in envelope["retMsg"]
        if code == 10006:
            assert int(reply.headers["X-Bapi-Limit-Reset-Timestamp"]) == START + 3000
            assert reply.headers["X-Bapi-Limit-Status"] == "0"
        seen = await MemoryRest(exchange).get("/v5/market/time", {})
        assert seen.get("limitResetTimestamp") == (START + 3000 if code == 10006 else None)

    run(body, FaultRule("ret_code", code=code, seconds=3))


def test_a_ban_lasts_as_long_as_it_says_and_for_that_address_alone() -> None:
    async def body(clock: VirtualClock, exchange: SimulatedExchange) -> None:
        async def status(address: str) -> int:
            return (await exchange.answer("GET", "/v5/market/time", {}, address)).status

        assert await status("a") == 403
        await clock.sleep(29)
        assert (await status("a"), await status("b")) == (403, 200)
        await clock.sleep(1.1)
        assert await status("a") == 200
        assert [event["path"] for event in exchange.truth.events("refused")] == ["/v5/market/time"]

    run(body, FaultRule("ban", nth=1, seconds=30))


def test_latency_and_its_jitter_are_in_seconds_of_the_wire() -> None:
    async def body(clock: VirtualClock, exchange: SimulatedExchange) -> None:
        waits = []
        for _ in range(20):
            before = clock.monotonic()
            await klines(exchange, 1)
            waits.append(clock.monotonic() - before)
        assert all(1.0 <= wait <= 1.5 for wait in waits)
        assert len(set(waits)) > 10

    run(body, FaultRule("latency", seconds=1, jitter_seconds=0.5))


def test_rows_that_are_missing_this_time_are_there_the_next() -> None:
    async def body(clock: VirtualClock, exchange: SimulatedExchange) -> None:
        first, second = await klines(exchange), await klines(exchange)
        assert (len(first), len(second)) == (17, 20)
        assert [row for row in second if row in first] == first

    run(body, FaultRule("rows_missing", KLINE, nth=1, rows=3))


def test_rows_doubled_unordered_and_pages_cut_short() -> None:
    async def body(clock: VirtualClock, exchange: SimulatedExchange) -> None:
        doubled, unordered, short, right = [await klines(exchange) for _ in range(4)]
        assert len(doubled) == 22
        assert [row for at, row in enumerate(doubled) if at == 0 or row != doubled[at - 1]] == right
        assert unordered != right
        assert sorted(unordered, reverse=True) == right
        assert short == right[:5]

    run(
        body,
        FaultRule("rows_doubled", KLINE, nth=1, rows=2),
        FaultRule("rows_unordered", KLINE, nth=2),
        FaultRule("short_page", KLINE, nth=3, rows=5),
    )


def test_a_hole_is_in_no_page_and_the_truth_knows_it() -> None:
    minute = START // MINUTE_MS * MINUTE_MS
    first, last = minute - 9 * MINUTE_MS, minute - 6 * MINUTE_MS

    async def body(clock: VirtualClock, exchange: SimulatedExchange) -> None:
        rows = await klines(exchange)
        times = [int(row[0]) for row in reversed(rows)]
        expected = [minute + n * MINUTE_MS for n in range(-19, 1) if not -9 <= n < -6]
        assert times == expected
        truth = exchange.truth.candles("linear", "BTCUSDT", Timeframe.M1, times[0], minute + MINUTE_MS)
        assert [list(map(str, row)) for row in truth] == rows[:0:-1]
        assert len(await klines(exchange, symbol="ETHUSDT")) == 20
        # A coarser bar is there: the hole is one of the minutes.
        assert (
            len(exchange.truth.candles("linear", "BTCUSDT", Timeframe.M5, minute - 3_600_000, minute)) >= 11
        )

    run(body, FaultRule("hole", symbol="BTCUSDT", interval="1", from_ms=first, until_ms=last))


def test_a_repeated_cursor_gives_the_page_before_once_more() -> None:
    async def body(clock: VirtualClock, exchange: SimulatedExchange) -> None:
        async def page(cursor: str) -> dict[str, Any]:
            query = {"category": "linear", "limit": "2", "cursor": cursor}
            reply = await exchange.answer("GET", "/v5/market/instruments-info", query)
            result: dict[str, Any] = json.loads(reply.text)["result"]
            return result

        first = await page("")
        again = await page(first["nextPageCursor"])
        assert again == first
        second = await page(first["nextPageCursor"])
        assert second["list"][0]["symbol"] > first["list"][-1]["symbol"]
        # The client comes through all the same.
        client = Exchange(MemoryRest(exchange), clock, random.Random(1), Throttle(clock))
        assert len(await client.instruments(Category.LINEAR)) == 5

    run(body, FaultRule("repeated_cursor", nth=2), symbols=5)


def test_stale_tickers_are_the_first_that_were_given() -> None:
    async def body(clock: VirtualClock, exchange: SimulatedExchange) -> None:
        async def prices() -> list[str]:
            reply = await exchange.answer("GET", "/v5/market/tickers", {"category": "linear"})
            return [item["lastPrice"] for item in json.loads(reply.text)["result"]["list"]]

        first = await prices()
        await clock.sleep(300)
        stale, fresh = await prices(), await prices()
        assert stale == first != fresh

    run(body, FaultRule("stale_ticker", nth=2))


def test_the_same_seed_strikes_the_same_calls() -> None:
    seen: list[list[object]] = []

    async def body(clock: VirtualClock, exchange: SimulatedExchange) -> None:
        answers: list[object] = []
        for _ in range(200):
            try:
                answers.append((await exchange.answer("GET", "/v5/market/time", {})).text)
            except ConnectionResetError:
                answers.append("reset")
        seen.append(answers)

    rules = (FaultRule("reset", probability=0.2), FaultRule("truncated", probability=0.2))
    run(body, *rules)
    run(body, *rules)
    run(body, *rules, seed=2)
    assert seen[0] == seen[1] != seen[2]
    assert seen[0].count("reset") > 20


def test_an_ordinary_client_gets_its_bars_through_all_of_them() -> None:
    rules = [
        FaultRule(kind, probability=0.1)
        for kind in (
            "reset",
            "html",
            "overload",
            "truncated",
            "empty",
            "ret_code",
            "rows_doubled",
            "rows_unordered",
        )
    ]

    async def body(clock: VirtualClock, exchange: SimulatedExchange) -> None:
        client = Exchange(MemoryRest(exchange), clock, random.Random(1), Throttle(clock))
        end = Timeframe.M1.floor(START)
        for _ in range(30):
            rows = await client.klines(Category.LINEAR, "BTCUSDT", Timeframe.M1, end - 60 * MINUTE_MS, end)
            assert list(rows) == exchange.truth.candles(
                "linear", "BTCUSDT", Timeframe.M1, end - 60 * MINUTE_MS, end
            )

    run(body, *rules)  # fmt: skip
