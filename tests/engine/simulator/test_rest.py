"""The REST half over a real socket, read by a plain client and by the unmodified pybit."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession
from pybit.unified_trading import HTTP
from yarl import URL

from tradebot.engine.control.clock import ManualClock
from tradebot.engine.control.errors import InputError
from tradebot.engine.market import DAY_MS, HOUR_MS, MINUTE_MS
from tradebot.engine.simulator.server import Simulator
from tradebot.engine.simulator.settings import SimulatorSettings

from .conftest import NOW

pytestmark = pytest.mark.sockets


class Client:
    """GET with parameters put into the URL exactly as given, as pybit does."""

    def __init__(self, simulator: Simulator, session: ClientSession) -> None:
        self.simulator = simulator
        self._session = session

    async def raw(self, path: str, method: str = "GET", **parameters: object) -> tuple[int, str]:
        query = "&".join(f"{name}={value}" for name, value in parameters.items())
        url = URL(f"{self.simulator.url}{path}?{query}", encoded=True)
        async with self._session.request(method, url) as reply:
            return reply.status, await reply.text()

    async def get(self, path: str, **parameters: object) -> dict[str, Any]:
        status, text = await self.raw(f"/v5/market/{path}", **parameters)
        assert status == 200
        reply: dict[str, Any] = json.loads(text)
        assert set(reply) == {"retCode", "retMsg", "result", "retExtInfo", "time"}
        return reply

    async def result(self, path: str, **parameters: object) -> dict[str, Any]:
        reply = await self.get(path, **parameters)
        assert (reply["retCode"], reply["retMsg"]) == (0, "OK")
        result: dict[str, Any] = reply["result"]
        return result

    async def klines(self, **parameters: object) -> list[list[str]]:
        given = {"category": "linear", "symbol": "BTCUSDT", "interval": "1"} | parameters
        rows: list[list[str]] = (await self.result("kline", **given))["list"]
        return rows


@pytest.fixture
async def client(simulator: Simulator) -> AsyncIterator[Client]:
    async with ClientSession() as session:
        yield Client(simulator, session)


def documented(shared_bybit: Path, name: str) -> dict[str, Any]:
    text = (shared_bybit / "docs_examples" / name).read_text(encoding="utf-8")
    example: dict[str, Any] = json.JSONDecoder().raw_decode(text[text.index("{") :])[0]
    return example


async def test_time_is_the_exchanges_own(client: Client) -> None:
    reply = await client.get("time")
    assert reply["result"] == {"timeSecond": str(NOW // 1000), "timeNano": f"{NOW}000000"}
    assert reply["time"] == NOW


async def test_klines_are_strings_newest_first_with_the_running_one(client: Client) -> None:
    rows = await client.klines(limit=5)
    opened = NOW // MINUTE_MS * MINUTE_MS
    assert [int(row[0]) for row in rows] == [opened - n * MINUTE_MS for n in range(5)]
    assert all(isinstance(cell, str) for row in rows for cell in row)
    ticker = (await client.result("tickers", category="linear", symbol="BTCUSDT"))["list"][0]
    assert float(rows[0][4]) == float(ticker["lastPrice"])


async def test_klines_without_a_limit_are_200_and_a_wider_limit_is_cut_to_1000(client: Client) -> None:
    assert len(await client.klines()) == 200
    assert len(await client.klines(limit=1000)) == 1000
    assert len(await client.klines(limit=5000)) == 1000


async def test_a_window_is_inclusive_and_begins_at_the_floor_of_its_start(client: Client) -> None:
    hour = NOW // HOUR_MS * HOUR_MS
    rows = await client.klines(interval="60", start=hour - 5 * HOUR_MS + 1, end=hour - 2 * HOUR_MS)
    assert [int(row[0]) for row in rows] == [hour - n * HOUR_MS for n in (2, 3, 4, 5)]
    rows = await client.klines(interval="60", start=hour - 50 * HOUR_MS, end=hour, limit=2)
    assert [int(row[0]) for row in rows] == [hour, hour - HOUR_MS]
    rows = await client.klines(interval="60", start=hour - 50 * HOUR_MS, limit=2)
    assert [int(row[0]) for row in rows] == [hour - 49 * HOUR_MS, hour - 50 * HOUR_MS]


async def test_names_of_parameters_that_it_does_not_know_are_ignored(client: Client) -> None:
    assert await client.klines(startTime=5, endTime=6, limit=3) == await client.klines(limit=3)


async def test_pages_walked_backwards_join_without_gap_or_double(client: Client) -> None:
    end, times = NOW, []
    for _ in range(4):
        page = await client.klines(end=end, limit=333)
        times += [int(row[0]) for row in page]
        end = times[-1] - 1
    assert times == [NOW // MINUTE_MS * MINUTE_MS - n * MINUTE_MS for n in range(4 * 333)]


async def test_before_the_listing_there_is_nothing(client: Client) -> None:
    launch = client.simulator.model.coins["HYPEUSDT"].launch_ms
    assert await client.klines(symbol="HYPEUSDT", end=launch - 1) == []
    first = (await client.klines(symbol="HYPEUSDT", start=launch - 5 * DAY_MS, limit=2))[-1]
    assert int(first[0]) == launch


async def test_a_closed_bar_never_changes(client: Client, clock: ManualClock) -> None:
    before = await client.klines(interval="5", limit=10)
    await clock.advance(600)
    after = await client.klines(interval="5", limit=12)
    assert after[3:] == before[1:]
    assert after[2][0] == before[0][0]


async def test_a_page_of_days_and_of_weeks_comes_from_the_same_minutes(client: Client) -> None:
    week = (await client.klines(interval="W", limit=2))[1]
    days = await client.klines(interval="D", start=week[0], limit=7)
    assert float(week[2]) == max(float(day[2]) for day in days)
    assert round(sum(float(day[5]) for day in days), 3) == round(float(week[5]), 3)
    assert (week[1], week[4]) == (days[-1][1], days[0][4])


@pytest.mark.parametrize(
    ("path", "parameters", "message"),
    [
        ("kline", {"category": "linear", "symbol": "NOSUCHUSDT", "interval": "1"}, "Not supported symbols"),
        ("kline", {"category": "linear", "symbol": "btcusdt", "interval": "1"}, "Not supported symbols"),
        ("kline", {"category": "spot", "symbol": "BTCUSD", "interval": "1"}, "Not supported symbols"),
        ("kline", {"category": "odd", "symbol": "BTCUSDT", "interval": "1"}, "Illegal category"),
        ("kline", {"category": "linear", "symbol": "BTCUSDT", "interval": "7"}, "Invalid period!"),
        ("kline", {"category": "linear", "symbol": "BTCUSDT"}, "Invalid period!"),
        ("kline", {"symbol": "BTCUSDT", "interval": "1", "start": "soon"}, "params error: start invalid"),
        ("kline", {"symbol": "BTCUSDT", "interval": "1", "limit": "0"}, "params error: limit must be"),
        ("tickers", {"category": "linear", "symbol": "X"}, "params error: symbol invalid X"),
        ("tickers", {}, "params error: category invalid"),
        ("instruments-info", {"category": "linear", "symbol": "X"}, "params error: symbol invalid X"),
        ("instruments-info", {"category": "linear", "status": "Odd"}, "params error: status invalid"),
        ("instruments-info", {"category": "linear", "cursor": "odd"}, "params error: cursor invalid"),
        ("funding/history", {"category": "linear"}, "params error: symbol invalid"),
        ("funding/history", {"category": "spot", "symbol": "BTCUSDT"}, "params error: category invalid"),
        (
            "funding/history",
            {"category": "linear", "symbol": "BTCUSDT", "startTime": "1"},
            "params error: endTime is required",
        ),
    ],
)
async def test_a_bad_parameter_gives_10001(
    client: Client, path: str, parameters: dict[str, str], message: str
) -> None:
    reply = await client.get(path, **parameters)
    assert reply["retCode"] == 10001
    assert reply["retMsg"].startswith(message)
    assert reply["result"] == {}


async def test_an_unknown_path_is_404_and_a_wrong_method_400(client: Client) -> None:
    assert (await client.raw("/v5/market/delivery-price"))[0] == 404
    assert (await client.raw("/nowhere"))[0] == 404
    assert (await client.raw("/v5/market/time", "POST"))[0] == 400
    assert (await client.raw("/v5/public/linear"))[0] == 400
    assert (await client.raw("/v5/public/spread"))[0] == 404


async def test_instruments_come_in_pages_whose_cursor_is_percent_encoded(client: Client) -> None:
    seen: list[str] = []
    cursor, pages = "", 0
    while True:
        page = await client.result("instruments-info", category="linear", limit=50, cursor=cursor)
        seen += [item["symbol"] for item in page["list"]]
        pages += 1
        cursor = page["nextPageCursor"]
        if not cursor:
            break
        assert "%3D" in cursor
        assert "=" not in cursor
    trading = [coin.symbol for coin in client.simulator.model.coins.values() if coin.launch_ms <= NOW]
    assert pages == 3
    assert seen == sorted(trading)
    # A client that encodes the cursor once more gets the same page.
    first = await client.result("instruments-info", category="linear", limit=50)
    again = first["nextPageCursor"].replace("%", "%25")
    page = await client.result("instruments-info", category="linear", limit=50, cursor=again)
    assert [item["symbol"] for item in page["list"]] == seen[50:100]


async def test_instruments_are_filtered_by_symbol_coin_and_status(client: Client, clock: ManualClock) -> None:
    one = (await client.result("instruments-info", category="linear", symbol="ETHUSDT"))["list"]
    assert [item["symbol"] for item in one] == ["ETHUSDT"]
    assert one == (await client.result("instruments-info", category="linear", baseCoin="ETH"))["list"]
    assert (await client.result("instruments-info", category="linear", status="Closed"))["list"] == []
    assert (await client.result("instruments-info", category="option"))["list"] == []
    assert "nextPageCursor" not in await client.result("instruments-info", category="spot")
    waiting = (await client.result("instruments-info", category="linear", status="PreLaunch"))["list"]
    assert waiting
    symbol, launch = waiting[0]["symbol"], int(waiting[0]["launchTime"])
    assert await client.klines(symbol=symbol) == []
    await clock.advance((launch - NOW) / 1000 + 90)
    assert len(await client.klines(symbol=symbol)) == 2


async def test_replies_have_the_documented_keys(client: Client, shared_bybit: Path) -> None:
    item = (await client.result("instruments-info", category="linear", symbol="BTCUSDT"))["list"][0]
    example = documented(shared_bybit, "market__instrument__01__response-example.json")["result"]["list"][0]
    assert set(example) <= set(item)
    for part in ("leverageFilter", "priceFilter", "riskParameters"):
        assert set(example[part]) == set(item[part])
    ticker = (await client.result("tickers", category="linear", symbol="BTCUSDT"))["list"][0]
    example = documented(shared_bybit, "market__tickers__01__response-example.json")["result"]["list"][0]
    assert set(example) == set(ticker)
    funding = (await client.result("funding/history", category="linear", symbol="BTCUSDT"))["list"][0]
    example = documented(shared_bybit, "market__history-fund-rate__01__response-example.json")["result"][
        "list"
    ][0]
    assert set(example) == set(funding)


async def test_tickers_agree_with_the_klines(client: Client) -> None:
    listed = (await client.result("tickers", category="linear"))["list"]
    trading = [coin.symbol for coin in client.simulator.model.coins.values() if coin.launch_ms <= NOW]
    assert [ticker["symbol"] for ticker in listed] == trading
    for ticker in listed[::20]:
        rows = await client.klines(symbol=ticker["symbol"], limit=1000)
        rows += await client.klines(symbol=ticker["symbol"], limit=440, end=int(rows[-1][0]) - 1)
        assert float(ticker["highPrice24h"]) == max(float(row[2]) for row in rows)
        assert float(ticker["lowPrice24h"]) == min(float(row[3]) for row in rows)
        assert float(ticker["prevPrice24h"]) == float(rows[-1][1])
        assert float(ticker["prevPrice1h"]) == float(rows[59][1])
        assert float(ticker["volume24h"]) == pytest.approx(sum(float(row[5]) for row in rows), abs=0.001)
        assert float(ticker["turnover24h"]) == pytest.approx(sum(float(row[6]) for row in rows), rel=1e-9)
        assert float(ticker["bid1Price"]) < float(ticker["ask1Price"])
        assert ticker["lastPrice"] in {ticker["bid1Price"], ticker["ask1Price"]}


async def test_funding_history_follows_its_own_rules(client: Client) -> None:
    async def times(**parameters: object) -> list[int]:
        result = await client.result("funding/history", category="linear", symbol="BTCUSDT", **parameters)
        return [int(row["fundingRateTimestamp"]) for row in result["list"]]

    eight_hours = 8 * HOUR_MS
    last = NOW // eight_hours * eight_hours
    assert await times() == [last - n * eight_hours for n in range(200)]
    assert await times(endTime=last - 1, limit=2) == [last - eight_hours, last - 2 * eight_hours]
    assert await times(startTime=last - eight_hours, endTime=NOW) == [last, last - eight_hours]
    launch = client.simulator.model.coins["BTCUSDT"].launch_ms
    assert await times(startTime=0, endTime=launch) == []


async def test_the_predicted_rate_becomes_the_settled_one(client: Client, clock: ManualClock) -> None:
    ticker = (await client.result("tickers", category="linear", symbol="ETHUSDT"))["list"][0]
    await clock.advance((int(ticker["nextFundingTime"]) - NOW) / 1000 + 1)
    newest = (await client.result("funding/history", category="linear", symbol="ETHUSDT", limit=1))["list"][0]
    assert newest["fundingRateTimestamp"] == ticker["nextFundingTime"]
    assert newest["fundingRate"] == ticker["fundingRate"]


async def test_above_600_requests_in_5_seconds_the_address_is_banned() -> None:
    clock = ManualClock(NOW)
    server = Simulator(SimulatorSettings(symbols=5, ban_seconds=60), clock, real_clock=clock)
    await server.start()
    async with ClientSession() as session:
        client = Client(server, session)
        statuses = [(await client.raw("/v5/market/time"))[0] for _ in range(601)]
        assert statuses == [200] * 600 + [403]
        assert await client.raw("/v5/market/time") == (403, "access too frequent")
        await clock.advance(61)
        assert (await client.raw("/v5/market/time"))[0] == 200
    await server.stop()


async def test_the_limit_can_be_switched_off(clock: ManualClock) -> None:
    server = Simulator(SimulatorSettings(symbols=5, limit_enforced=False), clock)
    await server.start()
    async with ClientSession() as session:
        client = Client(server, session)
        assert {(await client.raw("/v5/market/time"))[0] for _ in range(620)} == {200}
    await server.stop()


async def test_the_unmodified_pybit_reads_it(simulator: Simulator) -> None:
    def read() -> None:
        session = HTTP()
        session.endpoint = simulator.url
        assert session.get_server_time()["result"]["timeSecond"] == str(NOW // 1000)
        rows = session.get_kline(category="linear", symbol="ETHUSDT", interval=60, limit=3)["result"]["list"]
        assert len(rows) == 3
        page = session.get_instruments_info(category="linear", limit=100)["result"]
        cursor = page["nextPageCursor"]
        rest = session.get_instruments_info(category="linear", limit=100, cursor=cursor)["result"]
        symbols = [item["symbol"] for item in page["list"] + rest["list"]]
        assert symbols == sorted(symbols)
        assert len(symbols) > 100
        assert len(session.get_tickers(category="linear")["result"]["list"]) == len(symbols)
        funding = session.get_funding_rate_history(category="linear", symbol="BTCUSDT", limit=2)
        assert len(funding["result"]["list"]) == 2

    await asyncio.to_thread(read)


async def test_a_port_in_use_is_said_in_one_sentence(simulator: Simulator) -> None:
    port = int(simulator.url.rpartition(":")[2])
    with pytest.raises(InputError) as refused:
        await Simulator(SimulatorSettings(symbols=1, port=port)).start()
    assert refused.value.sentence == (
        f"Port {port} on 127.0.0.1 is already in use by another program; choose another port, or 0 for any free one."
    )


async def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(InputError, match=r"cannot listen on 203\.0\.113\.7"):
        await Simulator(SimulatorSettings(symbols=1, host="203.0.113.7")).start()


@pytest.mark.parametrize(
    "values", [{"port": 70_000}, {"symbols": 0}, {"speed": 0}, {"ticker_rate": 11}, {"ban_seconds": -1}]
)
def test_settings_out_of_range_are_refused(values: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="simulator"):
        SimulatorSettings(**values)
