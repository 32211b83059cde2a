"""Bybit in memory behind the REST port: prices by a plain formula, faults at will, every request counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tradebot.engine.control.clock import Clock
from tradebot.engine.exchange.errors import ExchangeError
from tradebot.engine.market import BarRow, Timeframe

URL = "memory://bybit"
KLINE = "/v5/market/kline"
MARK_KLINE = "/v5/market/mark-price-kline"
TICKERS = "/v5/market/tickers"
INSTRUMENTS = "/v5/market/instruments-info"
FUNDING = "/v5/market/funding/history"
RISK_LIMIT = "/v5/market/risk-limit"
Fault = Callable[[str, dict[str, Any]], "ExchangeError | dict[str, Any] | None"]


def true_bar(symbol: str, time_ms: int) -> BarRow:
    """The bar the exchange has: a function of symbol and time alone."""
    base = 100 + sum(symbol.encode()) % 50 + (time_ms // 60_000) % 997
    return BarRow(
        time_ms, f"{base}.0", f"{base + 2}.50", f"{base - 1}.10", f"{base + 1}.00", "3.250", f"{base * 3}"
    )


def linear_item(
    symbol: str, launch_ms: int = 0, status: str = "Trading", delivery_ms: int = 0
) -> dict[str, Any]:
    """An instrument as `instruments-info` gives it."""
    return {
        "symbol": symbol,
        "contractType": "LinearPerpetual",
        "status": status,
        "baseCoin": symbol.removesuffix("USDT"),
        "quoteCoin": "USDT",
        "launchTime": str(launch_ms),
        "deliveryTime": str(delivery_ms),
        "leverageFilter": {"minLeverage": "1", "maxLeverage": "100.00", "leverageStep": "0.01"},
        "priceFilter": {"minPrice": "0.10", "maxPrice": "1999999.80", "tickSize": "0.10"},
        "lotSizeFilter": {
            "maxOrderQty": "1190.000",
            "minOrderQty": "0.001",
            "qtyStep": "0.001",
            "maxMktOrderQty": "500.000",
            "minNotionalValue": "5",
        },
        "fundingInterval": 480,
    }


@dataclass
class FakeBybit:
    """Follows the window rules of the kline call; `faults` may replace any answer, `edit` any list of rows.

    Symbols of `ended` are closed from that time on; the bar in which it lies is their last one.
    """

    clock: Clock
    launches: dict[str, int] = field(default_factory=lambda: {"BTCUSDT": 0, "ETHUSDT": 0, "ETHBTC": 0})
    ended: dict[str, int] = field(default_factory=dict)
    holes: set[tuple[str, int]] = field(default_factory=set)
    faults: list[Fault] = field(default_factory=list)
    edit: Callable[[list[list[str]]], list[list[str]]] = lambda rows: rows
    tell_launch: bool = True
    tell_end: bool = True
    page_limit: int = 1000
    url: str = URL
    calls: Counter[str] = field(default_factory=Counter)
    asked: list[dict[str, Any]] = field(default_factory=list)

    async def get(self, path: str, params: dict[str, Any]) -> dict[str, Any]:
        self.calls[path] += 1
        self.asked.append({"path": path, **params})
        await self.clock.sleep(0)
        for fault in self.faults:
            answer = fault(path, dict(params))
            if isinstance(answer, ExchangeError):
                raise answer
            if answer is not None:
                return answer
        result = {
            "/v5/market/time": self._time,
            KLINE: self._klines,
            MARK_KLINE: self._mark_klines,
            TICKERS: self._tickers,
            INSTRUMENTS: self._instruments,
            FUNDING: self._funding,
            RISK_LIMIT: self._risk_limits,
        }[path](params)
        return self.envelope(result)

    def envelope(self, result: dict[str, Any], code: int = 0, message: str = "OK") -> dict[str, Any]:
        return {
            "retCode": code,
            "retMsg": message,
            "result": result,
            "retExtInfo": {},
            "time": self.clock.now_ms(),
        }

    def _time(self, params: dict[str, Any]) -> dict[str, Any]:
        now = self.clock.now_ms()
        return {"timeSecond": str(now // 1000), "timeNano": str(now * 1_000_000)}

    def _instruments(self, params: dict[str, Any]) -> dict[str, Any]:
        closed = params.get("status") == "Closed"
        now = self.clock.now_ms()
        items = [
            linear_item(
                symbol,
                launch if self.tell_launch else 0,
                "Closed" if closed else "Trading",
                self.ended.get(symbol, 0) if self.tell_end else 0,
            )
            for symbol, launch in self.launches.items()
            if (self.ended.get(symbol, now + 1) <= now) == closed and params.get("status") != "Delivering"
        ]
        if closed and not self.tell_end:
            items = []
        start = int(params.get("cursor", "0").removeprefix("page%3D") or 0)
        end = start + 2
        cursor = f"page%3D{end}" if end < len(items) else ""
        return {"category": params["category"], "list": items[start:end], "nextPageCursor": cursor}

    def _klines(self, params: dict[str, Any]) -> dict[str, Any]:
        timeframe = Timeframe.from_interval(str(params["interval"]))
        symbol = params["symbol"]
        first = timeframe.floor(max(int(params["start"]), self.launches[symbol]))
        last = min(int(params["end"]), self.clock.now_ms(), self.ended.get(symbol, 2**62) - 1)
        rows = [
            [str(value) for value in true_bar(symbol, time_ms)]
            for time_ms in range(first, last + 1, timeframe.ms)
            if (symbol, time_ms) not in self.holes
        ]
        newest_first = rows[::-1][: min(self.page_limit, int(params["limit"]))]
        return {"category": params["category"], "symbol": symbol, "list": self.edit(newest_first)}

    def _mark_klines(self, params: dict[str, Any]) -> dict[str, Any]:
        result = self._klines(params)
        return {**result, "list": [row[:5] for row in result["list"]]}

    def _tickers(self, params: dict[str, Any]) -> dict[str, Any]:
        """The later a symbol is listed here, the larger its turnover."""
        tickers = [
            {"symbol": symbol, "lastPrice": "100.0", "turnover24h": f"{place}.5"}
            for place, symbol in enumerate(self.launches)
        ]
        return {"category": params["category"], "list": tickers}

    def _funding(self, params: dict[str, Any]) -> dict[str, Any]:
        step = 8 * 3_600_000
        newest = int(params["endTime"]) // step * step
        oldest = self.launches[params["symbol"]]
        times = [time_ms for time_ms in range(newest, newest - 200 * step, -step) if time_ms >= oldest]
        rows = [
            {"symbol": params["symbol"], "fundingRate": "0.0001", "fundingRateTimestamp": str(time_ms)}
            for time_ms in times
        ]
        return {"category": params["category"], "list": rows}

    def _risk_limits(self, params: dict[str, Any]) -> dict[str, Any]:
        tiers = [
            {
                "id": number,
                "symbol": symbol,
                "riskLimitValue": str(2_000_000 * number),
                "maintenanceMargin": "0.005" if number == 1 else "0.01",
                "initialMargin": "0.01" if number == 1 else "0.02",
                "isLowestRisk": int(number == 1),
                "maxLeverage": "100.00" if number == 1 else "50.00",
                "mmDeduction": "" if number == 1 else "10000",
            }
            for symbol in self.launches
            for number in (1, 2)
        ]
        return {"category": params["category"], "list": tiers, "nextPageCursor": ""}
