"""REST answers checked at the door: what comes out is typed, what does not fit is refused by its name."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Generic, NamedTuple, TypeVar

from tradebot.engine.exchange.errors import MalformedError
from tradebot.engine.exchange.fields import (
    as_object,
    cursor_of,
    decimal_or_none,
    envelope_rows,
    envelope_time,
    number_of,
    positive_of,
    symbol_of,
    text_of,
    whole_of,
    whole_or_zero,
)
from tradebot.engine.exchange.quotes import Ticker, quote_fields
from tradebot.engine.market import Category, Instrument

_Item = TypeVar("_Item")
_NANOSECONDS = re.compile("[0-9]{18,20}")
_DEFAULT_FUNDING_MINUTES = 480


class FundingRow(NamedTuple):
    """One settled funding rate in the exchange's own digits; positive means that longs paid shorts."""

    time_ms: int
    rate: str


@dataclass(frozen=True, slots=True)
class Page(Generic[_Item]):
    """Items of one answer in its own order, sentences about items that were left out, and the next page's cursor."""

    items: tuple[_Item, ...]
    problems: tuple[str, ...]
    cursor: str = ""


def parse_time(envelope: Mapping[str, Any]) -> int:
    """Answer of `market/time` -> UTC ms."""
    result = envelope.get("result")
    nano = result.get("timeNano") if isinstance(result, dict) else None
    if isinstance(nano, str) and _NANOSECONDS.fullmatch(nano):
        return int(nano) // 1_000_000
    raise MalformedError("time", "its field `timeNano` is missing or no whole number")


def parse_funding(envelope: Mapping[str, Any]) -> list[FundingRow]:
    """Answer of `market/funding/history` -> rows in its own order."""
    rows = []
    for raw in envelope_rows(envelope, "funding answer"):
        fields = as_object(raw, "funding answer")
        time_ms = whole_of(fields, "fundingRateTimestamp", "funding answer")
        rows.append(FundingRow(time_ms, number_of(fields, "fundingRate", "funding answer")))
    return rows


def parse_instruments(envelope: Mapping[str, Any], category: Category) -> Page[Instrument]:
    """Answer of `market/instruments-info`; an item that does not fit is left out with a sentence."""
    rows = envelope_rows(envelope, "instruments answer")
    return _each(rows, lambda raw: _instrument(raw, category), cursor_of(envelope))


def parse_tickers(envelope: Mapping[str, Any], category: Category) -> Page[Ticker]:
    """Answer of `market/tickers`; an item that does not fit is left out with a sentence."""
    time_ms = envelope_time(envelope, "tickers answer")

    def ticker(raw: object) -> Ticker:
        fields = as_object(raw, "ticker")
        symbol = symbol_of(fields, "ticker")
        return Ticker.of(category, symbol, time_ms, quote_fields(fields, f"ticker of {symbol}"))

    return _each(envelope_rows(envelope, "tickers answer"), ticker)


def _each(rows: Sequence[object], parse: Callable[[object], _Item], cursor: str = "") -> Page[_Item]:
    items, problems = [], []
    for raw in rows:
        try:
            items.append(parse(raw))
        except MalformedError as error:
            problems.append(error.sentence)
    return Page(tuple(items), tuple(problems), cursor)


def _instrument(raw: object, category: Category) -> Instrument:
    fields = as_object(raw, "instrument")
    symbol = symbol_of(fields, "instrument")
    where = f"instrument {symbol}"
    prices = as_object(fields.get("priceFilter"), f"{where}, field `priceFilter`,")
    lots = as_object(fields.get("lotSizeFilter"), f"{where}, field `lotSizeFilter`,")
    leverage = fields.get("leverageFilter")
    spot = category is Category.SPOT
    max_market = decimal_or_none(lots, "maxMarketOrderQty" if spot else "maxMktOrderQty", where)
    return Instrument(
        symbol=symbol,
        category=category,
        base_coin=text_of(fields, "baseCoin", where),
        quote_coin=text_of(fields, "quoteCoin", where),
        tick_size=positive_of(prices, "tickSize", where),
        lot_size=positive_of(lots, "basePrecision" if spot else "qtyStep", where),
        min_quantity=Decimal(number_of(lots, "minOrderQty", where)),
        min_notional=decimal_or_none(lots, "minOrderAmt" if spot else "minNotionalValue", where)
        or Decimal(0),
        max_market_quantity=max_market,
        max_leverage=_max_leverage(leverage, where),
        status=text_of(fields, "status", where),
        launch_ms=whole_or_zero(fields, "launchTime", where),
        delivery_ms=whole_or_zero(fields, "deliveryTime", where),
        funding_interval_minutes=0 if spot else _funding_minutes(fields, where),
    )


def _max_leverage(leverage: object, where: str) -> Decimal:
    if not isinstance(leverage, dict):
        return Decimal(1)
    return decimal_or_none(leverage, "maxLeverage", where) or Decimal(1)


def _funding_minutes(fields: Mapping[str, Any], where: str) -> int:
    if "fundingInterval" not in fields:
        return _DEFAULT_FUNDING_MINUTES
    return whole_or_zero(fields, "fundingInterval", where)
