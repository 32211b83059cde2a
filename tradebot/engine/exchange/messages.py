"""Stream messages checked at the door: updates, acknowledgements, pongs; anything else is refused by its name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import orjson

from tradebot.engine.exchange.errors import MalformedError
from tradebot.engine.exchange.fields import LATEST_MS, shown
from tradebot.engine.exchange.quotes import quote_fields
from tradebot.engine.market import BarRow, Timeframe

_NUMBER = re.compile(r"[0-9]{1,20}(?:\.[0-9]{1,20})?")
_ABOVE_ZERO = re.compile(r"(?=[0.]*[1-9])[0-9]{1,20}(?:\.[0-9]{1,20})?")
_EXPECTED = {_NUMBER: "a number as text", _ABOVE_ZERO: "a number above 0 as text"}
_BAR_FIELDS = {
    "open": _ABOVE_ZERO,
    "high": _ABOVE_ZERO,
    "low": _ABOVE_ZERO,
    "close": _ABOVE_ZERO,
    "volume": _NUMBER,
    "turnover": _NUMBER,
}


@dataclass(frozen=True, slots=True)
class KlineUpdate:
    """A bar as it is now; `closed` once it is final. `time_ms` is when the exchange sent it."""

    kind: ClassVar[str] = "kline"
    symbol: str
    timeframe: Timeframe
    row: BarRow
    closed: bool
    time_ms: int


@dataclass(frozen=True, slots=True)
class TickerUpdate:
    """Fields of a quote under our names: all of them (`snapshot`) or those that changed."""

    kind: ClassVar[str] = "tickers"
    symbol: str
    fields: Mapping[str, str]
    snapshot: bool
    time_ms: int


@dataclass(frozen=True, slots=True)
class TradeUpdate:
    """One public trade: `side` is the taker's, price in the quote coin, quantity in the base coin, as sent.

    `time_ms` is when it was matched by the exchange's clock; `trade_id` is unique within the symbol.
    """

    kind: ClassVar[str] = "publicTrade"
    symbol: str
    time_ms: int
    side: Literal["buy", "sell"]
    price: str
    quantity: str
    trade_id: str


@dataclass(frozen=True, slots=True)
class Ack:
    """The answer to a subscribe or unsubscribe request; `request_id` is empty where the exchange left it out."""

    request_id: str
    success: bool
    words: str


@dataclass(frozen=True, slots=True)
class Pong:
    """The answer to a ping."""

    request_id: str


Update = KlineUpdate | TickerUpdate | TradeUpdate
Message = tuple[Update, ...] | Ack | Pong


def kline_topic(symbol: str, timeframe: Timeframe) -> str:
    """Topic of a symbol's bars."""
    return f"kline.{timeframe.interval}.{symbol}"


def ticker_topic(symbol: str) -> str:
    """Topic of a symbol's quotes."""
    return f"tickers.{symbol}"


def trade_topic(symbol: str) -> str:
    """Topic of a symbol's public trades."""
    return f"publicTrade.{symbol}"


def parse_message(text: str) -> Message:
    """One frame of a public stream. Raises MalformedError naming the topic, operation or field that does not fit."""
    try:
        message = orjson.loads(text)
    except ValueError:
        raise MalformedError("stream message", f"it is no JSON: {text!r:.60}") from None
    if not isinstance(message, dict):
        raise MalformedError("stream message", f"it is {shown(message)} instead of an object")
    topic = message.get("topic")
    if isinstance(topic, str):
        if topic.startswith("tickers."):
            return (_ticker(topic, message),)
        if topic.startswith("kline."):
            return _klines(topic, message)
        if topic.startswith("publicTrade."):
            return _trades(topic, message)
        raise MalformedError("stream message", f"its topic {topic!r:.80} is none that was asked for")
    return _answer(message)


def _answer(message: Mapping[str, Any]) -> Ack | Pong:
    operation, words = message.get("op"), message.get("ret_msg")
    request_id = message.get("req_id")
    request_id = request_id if isinstance(request_id, str) else ""
    if operation == "pong" or (operation == "ping" and words == "pong"):
        return Pong(request_id)
    success = message.get("success")
    if operation in ("subscribe", "unsubscribe") and isinstance(success, bool):
        return Ack(request_id, success, words if isinstance(words, str) else "")
    if message.get("type") == "COMMAND_RESP" and isinstance(success, bool):
        return Ack(request_id, success, _as_text(message.get("data")))
    raise MalformedError(
        "stream message", f"its operation {shown(operation)} with the text {shown(words)} is unknown"
    )


def _as_text(data: object) -> str:
    try:
        return orjson.dumps(data).decode()
    except TypeError:
        return ""  # nested more deeply than anything that names topics


def _sent_at(message: Mapping[str, Any], where: str) -> int:
    sent = message.get("ts")
    if isinstance(sent, int) and not isinstance(sent, bool) and 0 < sent < LATEST_MS:
        return sent
    raise MalformedError(where, f"its field `ts` is {shown(sent)} instead of a time in milliseconds")


def _ticker(topic: str, message: Mapping[str, Any]) -> TickerUpdate:
    symbol = topic[8:]
    where = f"stream message {topic}"
    data, kind = message.get("data"), message.get("type")
    if not isinstance(data, dict) or data.get("symbol") != symbol:
        raise MalformedError(where, "its field `data` is missing or about another symbol")
    if kind not in ("snapshot", "delta"):
        raise MalformedError(where, f"its field `type` is {shown(kind)} instead of snapshot or delta")
    return TickerUpdate(symbol, quote_fields(data, where), kind == "snapshot", _sent_at(message, where))


def _klines(topic: str, message: Mapping[str, Any]) -> tuple[KlineUpdate, ...]:
    where = f"stream message {topic}"
    _, _, tail = topic.partition(".")
    interval, _, symbol = tail.partition(".")
    try:
        timeframe = Timeframe.from_interval(interval)
    except ValueError:
        raise MalformedError(where, f"the interval {interval!r} is unknown") from None
    items = message.get("data")
    if not isinstance(items, list) or not symbol:
        raise MalformedError(where, "its field `data` is missing or no list")
    sent = _sent_at(message, where)
    return tuple(_kline(item, symbol, timeframe, sent, where) for item in items)


def _kline(item: object, symbol: str, timeframe: Timeframe, sent: int, where: str) -> KlineUpdate:
    if not isinstance(item, dict):
        raise MalformedError(where, "an entry of its field `data` is no object")
    start, closed = item.get("start"), item.get("confirm")
    if not isinstance(start, int) or not 0 < start < LATEST_MS or not timeframe.on_grid(start):
        raise MalformedError(where, f"its field `start` is {shown(start)} instead of the open time of a bar")
    if not isinstance(closed, bool):
        raise MalformedError(where, f"its field `confirm` is {shown(closed)} instead of true or false")
    values = []
    for name, form in _BAR_FIELDS.items():
        value = item.get(name)
        if not isinstance(value, str) or not form.fullmatch(value):
            raise MalformedError(where, f"its field `{name}` is {shown(value)} instead of {_EXPECTED[form]}")
        values.append(value)
    return KlineUpdate(symbol, timeframe, BarRow(start, *values), closed, sent)


_SIDES: dict[object, Literal["buy", "sell"]] = {"Buy": "buy", "Sell": "sell"}


def _trades(topic: str, message: Mapping[str, Any]) -> tuple[TradeUpdate, ...]:
    where = f"stream message {topic}"
    symbol = topic.partition(".")[2]
    items = message.get("data")
    if not isinstance(items, list) or not symbol:
        raise MalformedError(where, "its field `data` is missing or no list")
    _sent_at(message, where)
    return tuple(_trade(item, symbol, where) for item in items)


def _trade(item: object, symbol: str, where: str) -> TradeUpdate:
    if not isinstance(item, dict) or item.get("s") != symbol:
        raise MalformedError(where, "an entry of its field `data` is no object, or about another symbol")
    time_ms, trade_id, named = item.get("T"), item.get("i"), item.get("S")
    if not isinstance(time_ms, int) or isinstance(time_ms, bool) or not 0 < time_ms < LATEST_MS:
        raise MalformedError(where, f"its field `T` is {shown(time_ms)} instead of a time in milliseconds")
    side = _SIDES.get(named) if isinstance(named, str) else None
    if side is None:
        raise MalformedError(where, f"its field `S` is {shown(named)} instead of Buy or Sell")
    if not isinstance(trade_id, str) or not trade_id:
        raise MalformedError(where, f"its field `i` is {shown(trade_id)} instead of a trade's name")
    for name in ("p", "v"):
        value = item.get(name)
        if not isinstance(value, str) or not _ABOVE_ZERO.fullmatch(value):
            raise MalformedError(
                where, f"its field `{name}` is {shown(value)} instead of {_EXPECTED[_ABOVE_ZERO]}"
            )
    return TradeUpdate(symbol, time_ms, side, item["p"], item["v"], trade_id)
