"""Reading answers field by field: each value has its type and range, or is refused by its name."""

from __future__ import annotations

import re
import reprlib
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from tradebot.engine.exchange.answers import RowsText
from tradebot.engine.exchange.errors import MalformedError
from tradebot.engine.market import is_symbol

_NUMBER = re.compile(r"-?[0-9]{1,20}(?:\.[0-9]{1,20})?")
_WHOLE = re.compile(r"-?[0-9]{1,18}")
LATEST_MS = 10**14  # far beyond any time that means something, well within what a date can hold


def envelope_time(envelope: Mapping[str, Any], where: str) -> int:
    """The exchange's own clock at the moment of the answer, UTC ms."""
    value = envelope.get("time")
    if isinstance(value, int) and not isinstance(value, bool) and 0 < value < LATEST_MS:
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
    if isinstance(rows, RowsText):
        rows = rows.taken_apart()
    if not isinstance(rows, list):
        raise MalformedError(where, "its field `result.list` is missing or no list")
    return rows


def cursor_of(envelope: Mapping[str, Any]) -> str:
    """The mark of the next page, to be sent as it came; empty on the last one."""
    result = envelope.get("result")
    cursor = result.get("nextPageCursor") if isinstance(result, dict) else None
    return cursor if isinstance(cursor, str) else ""


def as_object(raw: object, where: str) -> Mapping[str, Any]:
    """The value where it is an object."""
    if isinstance(raw, dict):
        return raw
    raise MalformedError(where, f"it is {shown(raw)} instead of an object")


def symbol_of(fields: Mapping[str, Any], where: str) -> str:
    """The field `symbol` where it can be one."""
    symbol = fields.get("symbol")
    if isinstance(symbol, str) and is_symbol(symbol):
        return symbol
    raise MalformedError(where, f"its field `symbol` is {shown(symbol)}")


def text_of(fields: Mapping[str, Any], name: str, where: str) -> str:
    """A text that is not empty."""
    value = fields.get(name)
    if isinstance(value, str) and value:
        return value
    raise MalformedError(where, f"its field `{name}` is {shown(value)} instead of a text")


def number_of(fields: Mapping[str, Any], name: str, where: str) -> str:
    """A finite decimal number in the exchange's own digits."""
    value = fields.get(name)
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        return value
    raise MalformedError(where, f"its field `{name}` is {shown(value)} instead of a number as text")


def positive_of(fields: Mapping[str, Any], name: str, where: str) -> Decimal:
    """A number above 0."""
    value = Decimal(number_of(fields, name, where))
    if value > 0:
        return value
    raise MalformedError(where, f"its field `{name}` is {value} instead of a number above 0")


def decimal_or_none(fields: Mapping[str, Any], name: str, where: str) -> Decimal | None:
    """A number that some answers leave out or leave empty, then None."""
    return None if fields.get(name) in (None, "") else Decimal(number_of(fields, name, where))


def whole_of(fields: Mapping[str, Any], name: str, where: str) -> int:
    """A whole number, as a number or as text."""
    value = fields.get(name)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**18:
        return value
    if isinstance(value, str) and _WHOLE.fullmatch(value):
        return int(value)
    raise MalformedError(where, f"its field `{name}` is {shown(value)} instead of a whole number")


def whole_or_zero(fields: Mapping[str, Any], name: str, where: str) -> int:
    """A whole number from 0, 0 where it is left out or empty."""
    value = 0 if fields.get(name) in (None, "") else whole_of(fields, name, where)
    if value >= 0:
        return value
    raise MalformedError(where, f"its field `{name}` is {value} instead of a whole number from 0")


def shown(value: object) -> str:
    """A value as a sentence shows it, short."""
    if value is None:
        return "missing"
    text = reprlib.repr(value)  # plain repr fails on what is nested deeply
    return text if len(text) <= 40 else text[:37] + "..."
