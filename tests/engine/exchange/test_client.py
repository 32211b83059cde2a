"""The exchange's typed answers, and what it does when calls fail."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.engine.exchange.fake_bybit import KLINE, URL, FakeBybit, true_bar
from tests.engine.exchange.virtual_time import START_MS, VirtualClock, run_virtual
from tradebot.engine.control.events import Level
from tradebot.engine.exchange import Exchange, ExchangeError, FailureKind
from tradebot.engine.exchange.answers import RATE_LIMIT
from tradebot.engine.exchange.errors import error_for_status, timed_out, unreachable
from tradebot.engine.market import MINUTE_MS, Category, Timeframe

LINEAR, M1 = Category.LINEAR, Timeframe.M1
NOW = M1.floor(START_MS) + 30_000
HOUR_AGO = M1.floor(NOW) - 60 * MINUTE_MS


def run(
    body: Callable[[Exchange, FakeBybit, VirtualClock], Awaitable[Any]],
    notices: list[str] | None = None,
    **options: Any,
) -> Any:
    async def main(clock: VirtualClock) -> Any:
        rest = FakeBybit(clock, **options)

        def notice(level: Level, sentence: str) -> None:
            if notices is not None:
                notices.append(sentence)

        return await body(Exchange(rest, clock, random.Random(1), notice=notice), rest, clock)

    return run_virtual(main, NOW)


def failing(kinds: list[ExchangeError | dict[str, Any]]) -> Callable[..., Any]:
    """The first answers to kline calls are these."""

    def fault(path: str, params: dict[str, Any]) -> Any:
        return kinds.pop(0) if path == KLINE and kinds else None

    return fault


def test_klines_rise_and_hold_only_closed_bars_of_the_range() -> None:
    async def body(exchange: Exchange, rest: FakeBybit, clock: VirtualClock) -> None:
        rows = await exchange.klines(LINEAR, "BTCUSDT", M1, HOUR_AGO, NOW + 10 * MINUTE_MS)
        assert rows == [true_bar("BTCUSDT", HOUR_AGO + n * MINUTE_MS) for n in range(60)]

    run(body)


def test_a_bar_counts_as_closed_two_seconds_after_its_end() -> None:
    async def body(exchange: Exchange, rest: FakeBybit, clock: VirtualClock) -> None:
        running = M1.floor(NOW)
        await clock.sleep(31.0)
        assert await exchange.klines(LINEAR, "BTCUSDT", M1, running, NOW) == []
        await clock.sleep(1.0)
        assert await exchange.klines(LINEAR, "BTCUSDT", M1, running, NOW) == [true_bar("BTCUSDT", running)]

    run(body)


@pytest.mark.parametrize(
    "edit",
    [
        lambda rows: rows[::-1],
        lambda rows: sorted(rows, key=lambda row: row[4]),
        lambda rows: rows + rows[:7],
        lambda rows: [*rows, [str(value) for value in true_bar("BTCUSDT", HOUR_AGO - 5 * MINUTE_MS)]],
    ],
    ids=["oldest first", "shuffled", "doubled", "outside of the range"],
)
def test_the_order_of_a_page_does_not_matter(edit: Any) -> None:
    async def body(exchange: Exchange, rest: FakeBybit, clock: VirtualClock) -> None:
        rows = await exchange.klines(LINEAR, "BTCUSDT", M1, HOUR_AGO, M1.floor(NOW))
        assert rows == [true_bar("BTCUSDT", HOUR_AGO + n * MINUTE_MS) for n in range(60)]

    run(body, edit=edit)


def test_wide_ranges_are_asked_in_windows_of_at_most_1000_bars() -> None:
    async def body(exchange: Exchange, rest: FakeBybit, clock: VirtualClock) -> None:
        start = M1.floor(NOW) - 2500 * MINUTE_MS
        rows = await exchange.klines(LINEAR, "BTCUSDT", M1, start, M1.floor(NOW))
        assert len(rows) == 2500
        spans = [(call["end"] - call["start"]) // MINUTE_MS + 1 for call in rest.asked]
        assert spans == [1000, 1000, 500]

    run(body)


def test_instruments_follow_the_cursor_and_stop_when_it_repeats() -> None:
    symbols = {f"C{n}USDT": n + 1 for n in range(7)}

    async def body(exchange: Exchange, rest: FakeBybit, clock: VirtualClock) -> None:
        found = await exchange.instruments(LINEAR)
        assert [item.symbol for item in found] == sorted(symbols)
        assert [item.launch_ms for item in found] == [1, 2, 3, 4, 5, 6, 7]

    run(body, launches=symbols)

    async def stuck(exchange: Exchange, rest: FakeBybit, clock: VirtualClock) -> None:
        page = {"list": [], "nextPageCursor": "same"}
        rest.faults.append(lambda path, params: rest.envelope(page))
        assert await exchange.instruments(LINEAR) == []
        assert sum(rest.calls.values()) == 2

    run(stuck)


def test_an_instrument_that_cannot_be_understood_is_left_out_and_said() -> None:
    notices: list[str] = []

    async def body(exchange: Exchange, rest: FakeBybit, clock: VirtualClock) -> None:
        bad = {
            "symbol": "ODDUSDT",
            "status": "Trading",
            "baseCoin": "ODD",
            "quoteCoin": "USDT",
            "priceFilter": {},
        }
        page = {"list": [bad], "nextPageCursor": ""}
        rest.faults.append(lambda path, params: rest.envelope(page))
        assert await exchange.instruments(LINEAR) == []

    run(body, notices)
    assert len(notices) == 1
    assert "instrument ODDUSDT" in notices[0]
    assert "lotSizeFilter" in notices[0]


def test_funding_is_walked_backwards_page_by_page() -> None:
    step = 8 * 3_600_000

    async def body(exchange: Exchange, rest: FakeBybit, clock: VirtualClock) -> None:
        end = NOW // step * step
        start = end - 500 * step
        rows = await exchange.funding_history(LINEAR, "BTCUSDT", start, end)
        assert [row.time_ms for row in rows] == [start + n * step for n in range(500)]
        assert all("startTime" not in call for call in rest.asked)
        assert len(rest.asked) == 3

    run(body)


def test_the_clock_offset_is_measured_at_the_middle_of_the_round_trip() -> None:
    async def body(exchange: Exchange, rest: FakeBybit, clock: VirtualClock) -> None:
        ahead = 7_000

        def skewed(path: str, params: dict[str, Any]) -> dict[str, Any]:
            return rest.envelope({"timeSecond": "0", "timeNano": str((clock.now_ms() + ahead) * 1_000_000)})

        rest.faults.append(skewed)
        await exchange.server_time_ms()
        assert exchange.now_ms() == clock.now_ms() + ahead

    run(body)


# ------------------------------------------------------------------------------------------------ failures

TRANSIENT: dict[str, Callable[[], ExchangeError | dict[str, Any]]] = {
    "timeout": lambda: timed_out(URL, KLINE),
    "HTTP 502 page": lambda: error_for_status(502, "<html>Bad Gateway</html>", URL, KLINE),
    "429": lambda: error_for_status(429, "", URL, KLINE),
    "10000": lambda: {"retCode": 10000, "retMsg": "Server Timeout", "result": {}, "time": 1},
    "10006": lambda: {"retCode": 10006, "retMsg": "Too many visits!", "result": {}, "time": 1},
    "10016": lambda: {"retCode": 10016, "retMsg": "Server error.", "result": None, "time": 1},
    "no retCode": lambda: {"time": 1},
    "cut list": lambda: {"retCode": 0, "retMsg": "OK", "result": {}, "time": NOW},
}


@pytest.mark.parametrize("name", TRANSIENT)
def test_passing_failures_are_tried_again_after_a_pause(name: str) -> None:
    async def body(exchange: Exchange, rest: FakeBybit, clock: VirtualClock) -> None:
        rest.faults.append(failing([TRANSIENT[name](), TRANSIENT[name]()]))
        rows = await exchange.klines(LINEAR, "BTCUSDT", M1, HOUR_AGO, HOUR_AGO + MINUTE_MS)
        assert len(rows) == 1
        assert rest.calls[KLINE] == 3
        assert clock.monotonic() >= 0.5
        assert exchange.budget().retries == 2

    run(body)


def test_the_budget_counts_retries_by_what_the_exchange_said() -> None:
    async def body(exchange: Exchange, rest: FakeBybit, clock: VirtualClock) -> None:
        failures = [TRANSIENT["10016"](), timed_out(URL, KLINE), TRANSIENT["10016"]()]
        rest.faults.append(failing(failures))
        await exchange.klines(LINEAR, "BTCUSDT", M1, HOUR_AGO, HOUR_AGO + MINUTE_MS)
        assert exchange.budget().retries_by_kind == (("10016", 2), ("timeout", 1))
        assert exchange.budget().retries == 3

    run(body)


def test_a_refusal_is_not_tried_again_and_never_shows_the_exchanges_words() -> None:
    async def body(exchange: Exchange, rest: FakeBybit, clock: VirtualClock) -> None:
        rest.faults.append(lambda path, params: rest.envelope({}, 10001, "params error: symbol invalid"))
        with pytest.raises(ExchangeError) as caught:
            await exchange.klines(LINEAR, "BTCUSDT", M1, HOUR_AGO, NOW)
        assert caught.value.kind is FailureKind.REFUSED
        assert caught.value.code == 10001
        assert "params error" not in caught.value.sentence
        assert caught.value.words == "params error: symbol invalid"
        assert rest.calls[KLINE] == 1

    run(body)


def test_a_limit_that_names_its_end_is_waited_for() -> None:
    async def body(exchange: Exchange, rest: FakeBybit, clock: VirtualClock) -> None:
        answer = rest.envelope({}, 10006, "Too many visits. Exceeded the API Rate Limit.")
        answer[RATE_LIMIT] = {"reset_ms": answer["time"] + 7_000}
        rest.faults.append(failing([answer]))
        await exchange.klines(LINEAR, "BTCUSDT", M1, HOUR_AGO, HOUR_AGO + MINUTE_MS)
        assert clock.monotonic() >= 7.0

    run(body)


def test_a_limit_that_ended_in_the_past_is_waited_for_like_any_other() -> None:
    async def body(exchange: Exchange, rest: FakeBybit, clock: VirtualClock) -> None:
        answer = rest.envelope({}, 10006, "Too many visits. Exceeded the API Rate Limit.")
        answer[RATE_LIMIT] = {"reset_ms": answer["time"] - 7_000}
        rest.faults.append(failing([answer]))
        await exchange.klines(LINEAR, "BTCUSDT", M1, HOUR_AGO, HOUR_AGO + MINUTE_MS)
        assert 0.5 <= clock.monotonic() < 3

    run(body)


def test_a_ban_pauses_every_call_for_ten_minutes_and_says_until_when() -> None:
    notices: list[str] = []

    async def body(exchange: Exchange, rest: FakeBybit, clock: VirtualClock) -> None:
        ban = error_for_status(403, '{"retMsg":"access too frequent"}', URL, KLINE)
        rest.faults.append(failing([ban]))
        rows = await exchange.klines(LINEAR, "BTCUSDT", M1, HOUR_AGO, HOUR_AGO + MINUTE_MS)
        assert len(rows) == 1
        assert clock.monotonic() >= 600

    run(body, notices)
    assert len(notices) == 1
    assert "2023-11-14 22:23 UTC" in notices[0]


def test_a_blocked_country_is_said_at_once_and_not_taken_for_a_ban() -> None:
    async def body(exchange: Exchange, rest: FakeBybit, clock: VirtualClock) -> None:
        page = "<HTML><TITLE>ERROR: The request could not be satisfied</TITLE> CloudFront blocks your country</HTML>"
        rest.faults.append(lambda path, params: error_for_status(403, page, URL, path))
        with pytest.raises(ExchangeError, match="does not serve this country") as caught:
            await exchange.server_time_ms()
        assert caught.value.kind is FailureKind.BLOCKED
        assert clock.monotonic() == 0
        assert exchange.budget().banned_until_ms is None

    run(body)


def test_a_wrong_address_is_said_within_a_second() -> None:
    async def body(exchange: Exchange, rest: FakeBybit, clock: VirtualClock) -> None:
        rest.faults.append(lambda path, params: unreachable("http://127.0.0.1:9"))
        with pytest.raises(ExchangeError, match=r"cannot be reached at http://127\.0\.0\.1:9") as caught:
            await exchange.server_time_ms()
        assert caught.value.exit_code == 1
        assert clock.monotonic() < 1

    run(body)


def test_a_network_that_is_lost_under_way_is_waited_for_longer() -> None:
    async def body(exchange: Exchange, rest: FakeBybit, clock: VirtualClock) -> None:
        await exchange.server_time_ms()
        rest.faults.append(failing([unreachable(URL) for _ in range(8)]))
        rows = await exchange.klines(LINEAR, "BTCUSDT", M1, HOUR_AGO, HOUR_AGO + MINUTE_MS)
        assert len(rows) == 1
        assert clock.monotonic() > 30

    run(body)


# ------------------------------------------------------------------------------------------------ outages


async def sixteen_calls(exchange: Exchange) -> list[Any]:
    calls = (
        exchange.klines(LINEAR, "BTCUSDT", M1, HOUR_AGO, HOUR_AGO + MINUTE_MS * (1 + n)) for n in range(16)
    )
    return await asyncio.gather(*calls, return_exceptions=True)


GONE = f"The exchange at {URL} does not answer; trying again for about a minute."
BACK = f"The exchange at {URL} answers again."
FAULT = f"The exchange at {URL} has a fault of its own; trying again for about"


@pytest.mark.parametrize(
    ("make", "beginning"),
    [
        (lambda: unreachable(URL), GONE),
        (lambda: timed_out(URL, KLINE), GONE),
        (lambda: error_for_status(502, "<html>", URL, KLINE), f"{FAULT} a minute."),
        (lambda: {"retCode": 10016, "retMsg": "", "result": {}, "time": 1}, f"{FAULT} half a minute."),
    ],
    ids=["unreachable", "timeout", "HTTP 502", "10016"],
)
def test_an_outage_is_said_at_once_and_once_for_all_calls_and_so_is_its_end(
    make: Any, beginning: str
) -> None:
    notices: list[str] = []

    async def body(exchange: Exchange, rest: FakeBybit, clock: VirtualClock) -> None:
        await exchange.server_time_ms()
        for _ in range(2):
            back_at = clock.monotonic() + 10

            def gone(path: str, params: dict[str, Any], until: float = back_at) -> Any:
                return make() if clock.monotonic() < until else None

            rest.faults[:] = [gone]
            calls = asyncio.create_task(sixteen_calls(exchange))
            await clock.sleep(1.0)
            assert notices == [beginning]
            assert [len(rows) for rows in await calls] == list(range(1, 17))
            assert notices == [beginning, BACK]
            notices.clear()

    run(body, notices)


def test_an_exchange_that_stays_away_is_said_once_before_the_refusal() -> None:
    notices: list[str] = []

    async def body(exchange: Exchange, rest: FakeBybit, clock: VirtualClock) -> None:
        await exchange.server_time_ms()
        rest.faults.append(lambda path, params: unreachable(URL))
        started = clock.monotonic()
        refusals = await sixteen_calls(exchange)
        assert all(isinstance(refusal, ExchangeError) for refusal in refusals)
        assert 40 < clock.monotonic() - started < 90

    run(body, notices)
    assert notices == [GONE]


def test_one_lost_answer_among_good_ones_is_no_outage() -> None:
    notices: list[str] = []

    async def body(exchange: Exchange, rest: FakeBybit, clock: VirtualClock) -> None:
        async def slowly_lost(path: str, params: dict[str, Any]) -> Any:
            if params.get("symbol") == "ETHUSDT" and not lost:
                lost.append(path)
                await clock.sleep(10.0)
                raise timed_out(URL, path)
            return await answer(path, params)

        lost: list[str] = []
        answer, rest.get = rest.get, slowly_lost  # type: ignore[method-assign]
        call = asyncio.create_task(exchange.klines(LINEAR, "ETHUSDT", M1, HOUR_AGO, HOUR_AGO + MINUTE_MS))
        await clock.sleep(5.0)
        await sixteen_calls(exchange)
        assert len(await call) == 1
        assert len(lost) == 1

    run(body, notices)
    assert notices == []


def test_an_answer_about_another_symbol_is_refused() -> None:
    async def body(exchange: Exchange, rest: FakeBybit, clock: VirtualClock) -> None:
        rest.faults.append(lambda path, params: rest.envelope({"symbol": "ETHUSDT", "list": []}))
        with pytest.raises(ExchangeError, match="instead of BTCUSDT"):
            await exchange.klines(LINEAR, "BTCUSDT", M1, HOUR_AGO, NOW)

    run(body)


def test_a_bar_off_the_grid_is_refused() -> None:
    async def body(exchange: Exchange, rest: FakeBybit, clock: VirtualClock) -> None:
        with pytest.raises(ExchangeError, match="does not start on the grid"):
            await exchange.klines(LINEAR, "BTCUSDT", M1, HOUR_AGO, NOW)

    run(body, edit=lambda rows: [[str(int(row[0]) + 1), *row[1:]] for row in rows])
