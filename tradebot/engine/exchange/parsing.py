"""REST answers checked at the door: what comes out is typed, what does not fit is refused by its name."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Generic, NamedTuple, TypeVar

from tradebot.engine.exchange.errors import MalformedError
from tradebot.engine.exchange.quotes import Ticker, quote_fields
from tradebot.engine.market import BarRow, Category, Instrument, is_symbol

_Item = TypeVar("_Item")
_PRICE = r"\d{1,20}(?:\.\d{1,20})?"
_KLINE = r"[0-9]{12,14}(?:,[0-9]{1,20}+(?:\.[0-9]{1,20}+)?+){6}"
_KLINES = re.compile(rf"(?:{_KLINE}(?:\n{_KLINE})*+)?")
_NUMBER = re.compile(r"-?\d{1,20}(?:\.\d{1,20})?")
_WHOLE = re.compile(r"-?\d{1,18}")
_KLINE_FIELDS = ("start", "open", "high", "low", "close", "volume", "turnover")
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


def envelope_time(envelope: Mapping[str, Any], where: str) -> int:
    """The exchange's own clock at the moment of the answer, UTC ms."""
    value = envelope.get("time")
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return value
    raise MalformedError(where, "its field `time` is missing or no time in milliseconds")


def envelope_code(envelope: Mapping[str, Any], where: str) -> int:
    """The `retCode`; 0 means success."""
    code = envelope.get("retCode")
    if isinstance(code, int) and not isinstance(code, bool):
        return code
    raise MalformedError(where, "its field `retCode` is missing or no whole number")


def envelope_rows(envelope: Mapping[str, Any], where: str) -> list[Any]:
    """The rows under `result.list`."""
    result = envelope.get("result")
    rows = result.get("list") if isinstance(result, dict) else None
    if not isinstance(rows, list):
        raise MalformedError(where, "its field `result.list` is missing or no list")
    return rows


def parse_time(envelope: Mapping[str, Any]) -> int:
    """Answer of `market/time` -> UTC ms."""
    result = envelope.get("result")
    nano = result.get("timeNano") if isinstance(result, dict) else None
    if isinstance(nano, str) and nano.isascii() and nano.isdigit():
        return int(nano) // 1_000_000
    raise MalformedError("time", "its field `timeNano` is missing or no whole number")


def parse_klines(envelope: Mapping[str, Any], symbol: str | None = None) -> list[BarRow]:
    """Answer of `market/kline` -> rows in its own order. Raises MalformedError naming the first bad field.

    With `symbol`, an answer that says it is about another one is refused.
    """
    result = envelope.get("result")
    said = result.get("symbol") if isinstance(result, dict) else None
    if symbol is not None and said not in (None, "", symbol):
        raise MalformedError("kline answer", f"it is about {_shown(said)} instead of {symbol}")
    raw_rows = envelope_rows(envelope, "kline answer")
    if not _are_klines(raw_rows):
        bad = next((raw for raw in raw_rows if not _are_klines([raw])), None)
        raise MalformedError("kline answer", _bad_kline(bad))
    # Straight to the tuple: a page has a thousand rows, and a call of the class costs twice as much.
    new = tuple.__new__
    return [new(BarRow, (int(at), o, h, lo, c, vol, turn)) for at, o, h, lo, c, vol, turn in raw_rows]


def _are_klines(rows: list[Any]) -> bool:
    """Whether all rows are seven numbers as text; the whole page is checked in one go."""
    try:
        text = "\n".join(map(",".join, rows))
    except TypeError:
        return False
    fields = len(_KLINE_FIELDS)
    # A field that holds a comma or a line end would shift the others.
    return (
        set(map(type, rows)) <= {list}
        and set(map(len, rows)) <= {fields}
        and text.count(",") == (fields - 1) * len(rows)
        and text.count("\n") == max(0, len(rows) - 1)
        and _KLINES.fullmatch(text) is not None
    )


def _bad_kline(raw: object) -> str:
    if not isinstance(raw, list):
        return f"a row is {_shown(raw)} instead of a list"
    if len(raw) != len(_KLINE_FIELDS):
        return f"a row has {len(raw)} fields instead of {len(_KLINE_FIELDS)}"
    for name, value in zip(_KLINE_FIELDS, raw, strict=True):
        if not isinstance(value, str) or not re.fullmatch(_PRICE, value):
            return f"the field `{name}` of a row is {_shown(value)} instead of a number as text"
    return f"the field `start` of a row is {_shown(raw[0])} instead of a time in milliseconds"


def parse_funding(envelope: Mapping[str, Any]) -> list[FundingRow]:
    """Answer of `market/funding/history` -> rows in its own order."""
    rows = []
    for raw in envelope_rows(envelope, "funding answer"):
        fields = _object(raw, "funding answer")
        time_ms = _whole(fields, "fundingRateTimestamp", "funding answer")
        rows.append(FundingRow(time_ms, _number(fields, "fundingRate", "funding answer")))
    return rows


def parse_instruments(envelope: Mapping[str, Any], category: Category) -> Page[Instrument]:
    """Answer of `market/instruments-info`; an item that does not fit is left out with a sentence."""
    result = envelope.get("result")
    cursor = result.get("nextPageCursor") if isinstance(result, dict) else None
    rows = envelope_rows(envelope, "instruments answer")
    return _each(rows, lambda raw: _instrument(raw, category), cursor if isinstance(cursor, str) else "")


def parse_tickers(envelope: Mapping[str, Any], category: Category) -> Page[Ticker]:
    """Answer of `market/tickers`; an item that does not fit is left out with a sentence."""
    time_ms = envelope_time(envelope, "tickers answer")

    def ticker(raw: object) -> Ticker:
        fields = _object(raw, "ticker")
        symbol = _symbol(fields, "ticker")
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
    fields = _object(raw, "instrument")
    symbol = _symbol(fields, "instrument")
    where = f"instrument {symbol}"
    prices = _object(fields.get("priceFilter"), f"{where}, field `priceFilter`,")
    lots = _object(fields.get("lotSizeFilter"), f"{where}, field `lotSizeFilter`,")
    leverage = fields.get("leverageFilter")
    spot = category is Category.SPOT
    max_market = _decimal_or_none(lots, "maxMarketOrderQty" if spot else "maxMktOrderQty", where)
    return Instrument(
        symbol=symbol,
        category=category,
        base_coin=_text(fields, "baseCoin", where),
        quote_coin=_text(fields, "quoteCoin", where),
        tick_size=_positive(prices, "tickSize", where),
        lot_size=_positive(lots, "basePrecision" if spot else "qtyStep", where),
        min_quantity=Decimal(_number(lots, "minOrderQty", where)),
        min_notional=_decimal_or_none(lots, "minOrderAmt" if spot else "minNotionalValue", where)
        or Decimal(0),
        max_market_quantity=max_market,
        max_leverage=_max_leverage(leverage, where),
        status=_text(fields, "status", where),
        launch_ms=_whole_or_zero(fields, "launchTime", where),
        delivery_ms=_whole_or_zero(fields, "deliveryTime", where),
        funding_interval_minutes=0 if spot else _funding_minutes(fields, where),
    )


def _max_leverage(leverage: object, where: str) -> Decimal:
    if not isinstance(leverage, dict):
        return Decimal(1)
    return _decimal_or_none(leverage, "maxLeverage", where) or Decimal(1)


def _funding_minutes(fields: Mapping[str, Any], where: str) -> int:
    if "fundingInterval" not in fields:
        return _DEFAULT_FUNDING_MINUTES
    return _whole_or_zero(fields, "fundingInterval", where)


def _object(raw: object, where: str) -> Mapping[str, Any]:
    if isinstance(raw, dict):
        return raw
    raise MalformedError(where, f"it is {_shown(raw)} instead of an object")


def _symbol(fields: Mapping[str, Any], where: str) -> str:
    symbol = fields.get("symbol")
    if isinstance(symbol, str) and is_symbol(symbol):
        return symbol
    raise MalformedError(where, f"its field `symbol` is {_shown(symbol)}")


def _text(fields: Mapping[str, Any], name: str, where: str) -> str:
    value = fields.get(name)
    if isinstance(value, str) and value:
        return value
    raise MalformedError(where, f"its field `{name}` is {_shown(value)} instead of a text")


def _number(fields: Mapping[str, Any], name: str, where: str) -> str:
    value = fields.get(name)
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        return value
    raise MalformedError(where, f"its field `{name}` is {_shown(value)} instead of a number as text")


def _positive(fields: Mapping[str, Any], name: str, where: str) -> Decimal:
    value = Decimal(_number(fields, name, where))
    if value > 0:
        return value
    raise MalformedError(where, f"its field `{name}` is {value} instead of a number above 0")


def _decimal_or_none(fields: Mapping[str, Any], name: str, where: str) -> Decimal | None:
    """A number that some answers leave out or leave empty."""
    return None if fields.get(name) in (None, "") else Decimal(_number(fields, name, where))


def _whole(fields: Mapping[str, Any], name: str, where: str) -> int:
    value = fields.get(name)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and _WHOLE.fullmatch(value):
        return int(value)
    raise MalformedError(where, f"its field `{name}` is {_shown(value)} instead of a whole number")


def _whole_or_zero(fields: Mapping[str, Any], name: str, where: str) -> int:
    return 0 if fields.get(name) in (None, "") else _whole(fields, name, where)


def _shown(value: object) -> str:
    """A value as a sentence shows it, short."""
    if value is None:
        return "missing"
    text = repr(value)
    return text if len(text) <= 40 else text[:37] + "..."
