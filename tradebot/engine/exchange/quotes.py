"""Quotes: the latest prices of a symbol, from a REST answer or merged from a stream's snapshot and deltas."""

from __future__ import annotations

import re
import reprlib
from collections.abc import Mapping
from dataclasses import dataclass

from tradebot.engine.exchange.errors import MalformedError
from tradebot.engine.market import Category

# Names of Bybit -> ours. Everything else in a ticker is passed over.
_FIELDS = {
    "lastPrice": "last",
    "markPrice": "mark",
    "indexPrice": "index",
    "usdIndexPrice": "index",
    "bid1Price": "bid",
    "ask1Price": "ask",
    "prevPrice24h": "previous_24h",
    "highPrice24h": "high_24h",
    "lowPrice24h": "low_24h",
    "price24hPcnt": "change_24h",
    "volume24h": "volume_24h",
    "turnover24h": "turnover_24h",
    "openInterest": "open_interest",
    "fundingRate": "funding_rate",
    "nextFundingTime": "next_funding_ms",
}
_NUMBER = re.compile(r"-?[0-9]{1,20}(?:\.[0-9]{1,20})?")
_SIGNED = {"change_24h", "funding_rate"}
_PRICES = {"last", "mark", "index", "bid", "ask", "previous_24h", "high_24h", "low_24h"}


@dataclass(frozen=True, slots=True)
class Ticker:
    """The latest prices of one symbol as of `time_ms` (the exchange's clock, UTC).

    `last_price` has the exchange's own digits; `change_24h` and `funding_rate` (predicted for the running period) are
    fractions; volume is in the base coin, turnover in the quote coin. None where the exchange gave nothing.
    """

    category: Category
    symbol: str
    time_ms: int
    last_price: str
    last: float
    mark: float | None = None
    index: float | None = None
    bid: float | None = None
    ask: float | None = None
    previous_24h: float | None = None
    high_24h: float | None = None
    low_24h: float | None = None
    change_24h: float | None = None
    volume_24h: float | None = None
    turnover_24h: float | None = None
    open_interest: float | None = None
    funding_rate: float | None = None
    next_funding_ms: int | None = None

    @classmethod
    def of(cls, category: Category, symbol: str, time_ms: int, fields: Mapping[str, str]) -> Ticker:
        """From checked fields under our names. Raises MalformedError where there is no last price."""
        if not fields.get("last"):
            raise MalformedError(f"ticker of {symbol}", "its field `lastPrice` is missing or empty")
        numbers = {name: float(text) if text else None for name, text in fields.items()}
        next_funding = numbers.pop("next_funding_ms", None)
        last = numbers.pop("last") or 0.0
        return cls(
            category,
            symbol,
            time_ms,
            fields["last"],
            last,
            next_funding_ms=int(next_funding) if next_funding else None,
            **numbers,
        )


def quote_fields(raw: Mapping[str, object], where: str) -> dict[str, str]:
    """The fields we know, under our names, each empty or a plain number as text; MalformedError names a bad one.

    Only a change and a funding rate may be negative; the last price must be above 0, another price of 0 is none.
    """
    fields = {}
    for name, value in raw.items():
        ours = _FIELDS.get(name)
        if ours is None:
            continue
        if not isinstance(value, str) or not (value == "" or _NUMBER.fullmatch(value)):
            raise MalformedError(
                where, f"its field `{name}` is {reprlib.repr(value)} instead of a number as text"
            )
        if value[:1] == "-" and ours not in _SIGNED:
            raise MalformedError(where, f"its field `{name}` is {value} instead of a number from 0")
        if value[:1] == "0" and ours in _PRICES and not value.strip("0."):
            if ours == "last":
                raise MalformedError(where, f"its field `{name}` is {value} instead of a price above 0")
            value = ""
        fields[ours] = value
    return fields


class TickerBook:
    """The latest quote of each symbol of one category, merged from snapshots and deltas.

    A delta before its snapshot is passed over: the snapshot follows. A `Ticker` is made only when somebody asks.
    """

    def __init__(self, category: Category) -> None:
        self._category = category
        self._fields: dict[str, dict[str, str]] = {}
        self._times: dict[str, int] = {}

    def apply(self, symbol: str, time_ms: int, fields: Mapping[str, str], snapshot: bool) -> bool:
        """Merge a message; False where it was passed over."""
        if snapshot:
            self._fields[symbol] = dict(fields)
        elif symbol in self._fields:
            self._fields[symbol].update(fields)
        else:
            return False
        self._times[symbol] = time_ms
        return True

    def get(self, symbol: str) -> Ticker | None:
        """The latest quote, or None where none came yet."""
        fields = self._fields.get(symbol)
        if not fields or not fields.get("last"):
            return None
        return Ticker.of(self._category, symbol, self._times[symbol], fields)

    def forget(self, symbol: str) -> None:
        """Drop a symbol that is no longer watched."""
        self._fields.pop(symbol, None)
        self._times.pop(symbol, None)

    def symbols(self) -> list[str]:
        """Symbols with a quote, sorted."""
        return sorted(self._fields)
