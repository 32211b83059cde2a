"""Parameters of a request, read the way the exchange reads them; each function raises Refusal for a bad one."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote, unquote

from tradebot.engine.simulator.errors import bad_parameter

Parameters = Mapping[str, str]
CATEGORIES = ("spot", "linear", "inverse", "option")
CONTRACTS = ("linear", "inverse")


def category_of(given: Parameters, allowed: tuple[str, ...] = CATEGORIES) -> str:
    """The category, which must be one of `allowed`."""
    category = given.get("category", "")
    if category not in allowed:
        raise bad_parameter("params error: category invalid")
    return category


def whole(given: Parameters, name: str) -> int | None:
    """A whole number that is not negative; None where it is missing or empty."""
    text = given.get(name, "")
    if text == "":
        return None
    if not (text.isascii() and text.isdigit()) or len(text) > 15:
        raise bad_parameter(f"params error: {name} invalid")
    return int(text)


def limit_of(given: Parameters, default: int, most: int, refuse_oversized: bool) -> int:
    """How many items are asked for; more than `most` is refused or cut."""
    limit = whole(given, "limit")
    if limit is None:
        return default
    if limit < 1 or (limit > most and refuse_oversized):
        raise bad_parameter(f"params error: limit must be between 1 and {most}")
    return min(limit, most)


def time_window(given: Parameters) -> tuple[int | None, int | None]:
    """`startTime` and `endTime` in ms, in order."""
    start, end = whole(given, "startTime"), whole(given, "endTime")
    if start is not None and end is not None and start > end:
        raise bad_parameter("params error: startTime must not be later than endTime")
    return start, end


def symbol_cursor(first: str, last: str) -> str:
    """A page mark the way the exchange writes it: percent-encoded already."""
    return quote(f"first={first}&last={last}", safe="")


def cursor_symbol(cursor: str) -> str | None:
    """The symbol after which the next page begins. Clients send the mark as it came or encoded once more."""
    if not cursor:
        return None
    first, _, last = unquote(unquote(cursor)).partition("&last=")
    if not first.startswith("first=") or not last:
        raise bad_parameter("params error: cursor invalid")
    return last


def time_cursor(last_ms: int) -> str:
    """The page mark of lists by time."""
    return quote(f"lastid={last_ms // 60_000}&lasttime={last_ms // 1000}", safe="")


def cursor_time_ms(cursor: str) -> int | None:
    """The time before which the next page lies."""
    if not cursor:
        return None
    _, _, seconds = unquote(unquote(cursor)).partition("&lasttime=")
    if not (seconds.isascii() and seconds.isdigit()) or len(seconds) > 12:
        raise bad_parameter("params error: cursor invalid")
    return int(seconds) * 1000
