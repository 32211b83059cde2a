"""Endpoints of every category: shapes, limits, windows, cursors and refusals, asked without sockets."""

from __future__ import annotations

import json
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tradebot.engine.control.clock import ManualClock
from tradebot.engine.market import DAY_MS, HOUR_MS, MINUTE_MS
from tradebot.engine.simulator.core import SimulatedExchange
from tradebot.engine.simulator.settings import SimulatorSettings

from .conftest import NOW
from .test_rest import documented

CONTRACTS = pytest.mark.parametrize(("category", "symbol"), [("linear", "ETHUSDT"), ("inverse", "ETHUSD")])
EACH = pytest.mark.parametrize(
    ("category", "symbol"), [("linear", "ETHUSDT"), ("spot", "ETHUSDT"), ("inverse", "ETHUSD")]
)


class Asker:
    """Asks an exchange for market data."""

    def __init__(self, **settings: Any) -> None:
        self.clock = ManualClock(NOW)
        self.exchange = SimulatedExchange(
            SimulatorSettings(seed=7, symbols=130, limit_enforced=False, **settings), self.clock
        )

    async def reply(self, path: str, **given: object) -> dict[str, Any]:
        query = {name: str(value) for name, value in given.items()}
        path = path if path.startswith("/") else f"/v5/market/{path}"
        found: dict[str, Any] = json.loads((await self.exchange.answer("GET", path, query)).text)
        return found

    async def result(self, path: str, **given: object) -> dict[str, Any]:
        reply = await self.reply(path, **given)
        assert reply["retCode"] == 0, reply
        found: dict[str, Any] = reply["result"]
        return found

    async def listed(self, path: str, **given: object) -> list[Any]:
        found: list[Any] = (await self.result(path, **given))["list"]
        return found


@pytest.fixture(scope="module")
def ask() -> Asker:
    return Asker()


@pytest.mark.parametrize(
    ("path", "category", "symbol", "example"),
    [
        ("instruments-info", "spot", "BTCUSDT", "market__instrument__03__response-example.json"),
        ("instruments-info", "inverse", "BTCUSD", "market__instrument__01__response-example.json"),
        ("tickers", "spot", "BTCUSDT", "market__tickers__03__response-example.json"),
        ("tickers", "inverse", "BTCUSD", "market__tickers__01__response-example.json"),
        ("recent-trade", "spot", "BTCUSDT", "market__recent-trade__01__response-example.json"),
        ("risk-limit", "inverse", "BTCUSD", "market__risk-limit__01__response-example.json"),
        ("account-ratio", "linear", "BTCUSDT", "market__long-short-ratio__01__response-example.json"),
    ],
)
async def test_items_have_the_documented_keys(
    ask: Asker, shared_bybit: Path, path: str, category: str, symbol: str, example: str
) -> None:
    item = (await ask.listed(path, category=category, symbol=symbol, period="1h"))[0]
    text = (shared_bybit / "docs_examples" / example).read_text(encoding="utf-8").replace("....", "")
    text = text.replace("},\n        \n        ]", "}]").replace("},\n        ]", "}]")
    expected = json.JSONDecoder().raw_decode(text[text.index("{") :])[0]["result"]["list"][0]
    # What the exchange has added since the page was written may be there as well.
    assert set(expected) <= set(item)
    for name, value in expected.items():
        assert isinstance(item[name], type(value)), name
        if isinstance(value, dict):
            assert set(value) <= set(item[name])


async def test_book_and_price_limit_have_the_documented_keys(ask: Asker, shared_bybit: Path) -> None:
    for path, name in [("orderbook", "orderbook"), ("price-limit", "order-price-limit")]:
        expected = documented(shared_bybit, f"market__{name}__01__response-example.json")["result"]
        result = await ask.result(path, category="linear", symbol="BTCUSDT")
        assert {key: type(value) for key, value in result.items()} == {
            key: type(value) for key, value in expected.items()
        }


@EACH
async def test_klines_agree_with_the_ticker_in_every_category(ask: Asker, category: str, symbol: str) -> None:
    (ticker,) = await ask.listed("tickers", category=category, symbol=symbol)
    rows = await ask.listed("kline", category=category, symbol=symbol, interval="1", limit=1000)
    rows += await ask.listed(
        "kline", category=category, symbol=symbol, interval="1", limit=440, end=int(rows[-1][0]) - 1
    )
    assert float(rows[0][4]) == float(ticker["lastPrice"])
    assert float(ticker["highPrice24h"]) == max(float(row[2]) for row in rows)
    assert float(ticker["volume24h"]) == pytest.approx(sum(float(row[5]) for row in rows), abs=1e-3)
    assert float(ticker["turnover24h"]) == pytest.approx(sum(float(row[6]) for row in rows), abs=2e-3)
    volume, turnover, price = (float(rows[-1][number]) for number in (5, 6, 4))
    # Inverse: volume in dollars, turnover in coins; elsewhere volume in coins, turnover in dollars.
    in_coins = volume / price == pytest.approx(turnover, rel=0.01)
    assert in_coins if category == "inverse" else volume * price == pytest.approx(turnover, rel=0.01)


@CONTRACTS
@pytest.mark.parametrize("kind", ["mark", "index"])
async def test_mark_and_index_have_five_columns_and_the_window_rules_of_klines(
    ask: Asker, category: str, symbol: str, kind: str
) -> None:
    asked = {"category": category, "symbol": symbol, "interval": "60"}
    hour = NOW // HOUR_MS * HOUR_MS
    rows = await ask.listed(
        f"{kind}-price-kline", **asked, start=hour - 5 * HOUR_MS + 1, end=hour - 2 * HOUR_MS
    )
    assert [int(row[0]) for row in rows] == [hour - n * HOUR_MS for n in (2, 3, 4, 5)]
    assert {len(row) for row in rows} == {5}
    assert len(await ask.listed(f"{kind}-price-kline", **asked)) == 200
    running = (await ask.listed(f"{kind}-price-kline", **asked, limit=1))[0]
    (ticker,) = await ask.listed("tickers", category=category, symbol=symbol)
    assert float(running[4]) == float(ticker[f"{kind}Price"])


async def test_the_premium_is_of_linear_contracts_only(ask: Asker) -> None:
    rows = await ask.listed("premium-index-price-kline", symbol="BTCUSDT", interval="5", limit=300)
    values = [Decimal(cell) for row in rows for cell in row[1:]]
    assert min(values) < 0 < max(values)
    assert max(abs(value) for value in values) < Decimal("0.001")
    for later, earlier in pairwise(rows):
        assert later[1] == earlier[4]
    reply = await ask.reply("premium-index-price-kline", category="inverse", symbol="BTCUSD", interval="5")
    assert reply["retCode"] == 10001


async def test_spot_instruments_come_whole_and_know_trading_only(ask: Asker) -> None:
    result = await ask.result("instruments-info", category="spot", limit=1)
    assert "nextPageCursor" not in result
    assert len(result["list"]) > 90
    assert await ask.listed("instruments-info", category="spot", status="PreLaunch") == []
    (inverse,) = await ask.listed("instruments-info", category="inverse", symbol="BTCUSD")
    assert (inverse["contractType"], inverse["settleCoin"], inverse["quoteCoin"]) == (
        "InversePerpetual",
        "BTC",
        "USD",
    )
    assert inverse["lotSizeFilter"]["qtyStep"] == "1"
    assert await ask.listed("instruments-info", category="option", baseCoin="BTC") == []


@pytest.mark.parametrize(
    ("category", "symbol", "default", "most"), [("spot", "BTCUSDT", 60, 60), ("linear", "BTCUSDT", 500, 1000)]
)
async def test_recent_trades_have_a_default_and_a_most(
    ask: Asker, category: str, symbol: str, default: int, most: int
) -> None:
    asked = {"category": category, "symbol": symbol}
    assert len(await ask.listed("recent-trade", **asked)) == default
    trades = await ask.listed("recent-trade", **asked, limit=5000)
    assert len(trades) == most
    times = [int(trade["time"]) for trade in trades]
    assert times == sorted(times, reverse=True)
    assert times[0] <= NOW
    # They make up the klines: the trades of the last whole minute are its volume.
    row = (await ask.listed("kline", **asked, interval="1", limit=2))[1]
    inside = [Decimal(trade["size"]) for trade in trades if 0 <= int(trade["time"]) - int(row[0]) < MINUTE_MS]
    if category == "linear":
        assert sum(inside) == Decimal(row[5])


async def test_a_book_has_a_default_depth_by_category(ask: Asker) -> None:
    for category, default in (("spot", 1), ("linear", 25)):
        book = await ask.result("orderbook", category=category, symbol="BTCUSDT")
        assert (len(book["b"]), len(book["a"])) == (default, default)
    deep = await ask.result("orderbook", category="linear", symbol="BTCUSDT", limit=1000)
    bids, asks = ([float(price) for price, _ in deep[side]] for side in ("b", "a"))
    assert (len(bids), len(asks)) == (1000, 1000)
    assert bids == sorted(bids, reverse=True)
    assert asks == sorted(asks)
    assert bids[0] < asks[0]


async def test_risk_limits_come_fifteen_symbols_a_page_with_deductions_that_add_up(ask: Asker) -> None:
    tiers: list[dict[str, Any]] = []
    cursor, sizes = "", []
    while True:
        page = await ask.result("risk-limit", category="linear", cursor=cursor)
        sizes.append(len({tier["symbol"] for tier in page["list"]}))
        tiers += page["list"]
        cursor = page["nextPageCursor"]
        if not cursor:
            break
        assert "%3D" in cursor
    assert set(sizes[:-1]) == {15}
    symbols = dict.fromkeys(tier["symbol"] for tier in tiers)
    assert len(symbols) == sum(sizes)
    for symbol in symbols:
        own = [tier for tier in tiers if tier["symbol"] == symbol]
        assert [tier["isLowestRisk"] for tier in own] == [1] + [0] * (len(own) - 1)
        assert own[0]["mmDeduction"] == ""
        limit = margin = deduction = Decimal(0)
        for tier in own:
            deduction += limit * (Decimal(tier["maintenanceMargin"]) - margin)
            limit, margin = Decimal(tier["riskLimitValue"]), Decimal(tier["maintenanceMargin"])
            assert Decimal(tier["mmDeduction"] or 0) == deduction
            assert margin == Decimal(tier["initialMargin"]) / 2
        limits = [Decimal(tier["riskLimitValue"]) for tier in own]
        assert limits == sorted(set(limits))
    one = await ask.listed("risk-limit", category="linear", symbol="BTCUSDT")
    assert one == [tier for tier in tiers if tier["symbol"] == "BTCUSDT"]


@CONTRACTS
async def test_open_interest_is_paged_by_a_percent_encoded_cursor(
    ask: Asker, category: str, symbol: str
) -> None:
    asked = {"category": category, "symbol": symbol, "intervalTime": "1h", "limit": 30}
    first = await ask.result("open-interest", **asked)
    assert "%26lasttime%3D" in first["nextPageCursor"]
    second = await ask.result("open-interest", **asked, cursor=first["nextPageCursor"])
    times = [int(item["timestamp"]) for item in first["list"] + second["list"]]
    assert times == [NOW // HOUR_MS * HOUR_MS - n * HOUR_MS for n in range(60)]
    day = await ask.result("open-interest", **asked, startTime=NOW - 5 * HOUR_MS, endTime=NOW)
    assert len(day["list"]) == 5
    assert day["nextPageCursor"] == ""
    assert all(float(item["openInterest"]) > 0 for item in first["list"])


async def test_ratios_of_accounts_are_whole_and_begin_in_july_2020(ask: Asker) -> None:
    rows = await ask.listed("account-ratio", category="linear", symbol="BTCUSDT", period="1d", limit=500)
    assert len(rows) == 500
    assert all(Decimal(row["buyRatio"]) + Decimal(row["sellRatio"]) == 1 for row in rows)
    early = await ask.listed(
        "account-ratio", category="linear", symbol="BTCUSDT", period="1d", endTime=1_595_203_200_000 + DAY_MS
    )
    assert [int(row["timestamp"]) for row in early] == [1_595_203_200_000 + DAY_MS, 1_595_203_200_000]


@EACH
async def test_a_price_limit_surrounds_the_price(ask: Asker, category: str, symbol: str) -> None:
    limit = await ask.result("price-limit", category=category, symbol=symbol)
    (ticker,) = await ask.listed("tickers", category=category, symbol=symbol)
    share = 0.005 if category == "spot" else 0.01
    assert float(limit["buyLmt"]) / float(ticker["lastPrice"]) - 1 == pytest.approx(share, abs=2e-3)
    assert 1 - float(limit["sellLmt"]) / float(ticker["lastPrice"]) == pytest.approx(share, abs=2e-3)


async def test_no_maintenance_is_announced(ask: Asker) -> None:
    assert await ask.listed("/v5/system/status") == []


@pytest.mark.parametrize(
    ("path", "given"),
    [
        ("mark-price-kline", {"category": "spot", "symbol": "BTCUSDT", "interval": "1"}),
        ("index-price-kline", {"category": "linear", "symbol": "BTCUSDT", "interval": "4"}),
        ("kline", {"category": "inverse", "symbol": "BTCUSDT", "interval": "1"}),
        ("kline", {"category": "option", "symbol": "BTCUSDT", "interval": "1"}),
        ("orderbook", {"category": "linear"}),
        ("orderbook", {"category": "linear", "symbol": "BTCUSDT", "limit": "0"}),
        ("recent-trade", {"category": "option", "symbol": "BTCUSDT"}),
        ("recent-trade", {"symbol": "BTCUSDT"}),
        ("risk-limit", {"category": "spot"}),
        ("risk-limit", {"category": "linear", "symbol": "X"}),
        ("risk-limit", {"category": "linear", "cursor": "odd"}),
        ("price-limit", {"symbol": "X"}),
        ("open-interest", {"category": "spot", "symbol": "BTCUSDT", "intervalTime": "1h"}),
        ("open-interest", {"category": "linear", "symbol": "BTCUSDT", "intervalTime": "2h"}),
        ("open-interest", {"category": "linear", "symbol": "BTCUSDT", "intervalTime": "1h", "cursor": "odd"}),
        ("account-ratio", {"category": "linear", "symbol": "X", "period": "1h"}),
        ("funding/history", {"category": "inverse", "symbol": "BTCUSDT"}),
        ("funding/history", {"category": "linear", "symbol": "BTCUSDT", "startTime": "9", "endTime": "8"}),
    ],
)
async def test_what_it_does_not_understand_is_refused(ask: Asker, path: str, given: dict[str, str]) -> None:
    reply = await ask.reply(path, **given)
    assert (reply["retCode"], reply["result"]) == (10001, {})
    assert reply["retMsg"]


async def test_a_limit_above_the_most_is_refused_where_it_is_told_so() -> None:
    strict = Asker(oversized_limit_refused=True)
    for path, most in [("kline", 1000), ("orderbook", 1000), ("recent-trade", 1000), ("open-interest", 200)]:
        asked = {"category": "linear", "symbol": "BTCUSDT", "interval": "1", "intervalTime": "1h"}
        assert (await strict.reply(path, **asked, limit=most))["retCode"] == 0
        assert (await strict.reply(path, **asked, limit=most + 1))["retCode"] == 10001
