"""The kinds of faults: where each belongs and which keys it understands."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Side(Enum):
    """What a kind disturbs; the value is its name in sentences."""

    REST = "requests"
    STREAM = "the stream"
    EXCHANGE = "the exchange itself"


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of fault. `keys` are those it understands beside the ones of every rule of its side."""

    side: Side
    what: str
    keys: frozenset[str] = frozenset()
    needs: frozenset[str] = frozenset()


def _rest(what: str, *keys: str) -> Kind:
    return Kind(Side.REST, what, frozenset(keys))


def _stream(what: str, *keys: str) -> Kind:
    return Kind(Side.STREAM, what, frozenset(keys))


def _exchange(what: str, *keys: str) -> Kind:
    return Kind(Side.EXCHANGE, what, frozenset(keys), frozenset(keys))


WHEN = frozenset({"nth", "every", "probability", "count", "from", "until"})
"""Keys that say when; every rule about requests and the stream understands them."""
WHERE = frozenset({"where", "symbol", "category", "interval"})
"""Keys that say where."""

KINDS = {
    "latency": _rest("the answer comes `seconds` later, and up to `jitter_seconds` more", "seconds", "jitter_seconds"),
    "reset": _rest("the connection is cut without an answer"),
    "timeout": _rest("no answer comes for `seconds`, then the connection is cut", "seconds"),
    "html": _rest("an HTML page with `status` instead of data", "status"),
    "overload": _rest("HTTP 429"),
    "truncated": _rest("the JSON text ends in the middle"),
    "empty": _rest("HTTP 200 with nothing in it"),
    "ret_code": _rest("an envelope with `code`; 10006 frees after `seconds`", "code", "seconds"),
    "ban": _rest("the address is refused with HTTP 403 for `seconds`", "seconds"),
    "rows_missing": _rest("`rows` rows somewhere in the page are left out this time", "rows"),
    "rows_doubled": _rest("`rows` rows of the page come twice", "rows"),
    "rows_unordered": _rest("the rows of the page come in any order"),
    "short_page": _rest("the page ends after `rows` rows", "rows"),
    "repeated_cursor": _rest("the page before comes again, with its cursor"),
    "stale_ticker": _rest("the first tickers that were given come again"),
    "drop": _stream("the connection ends with `code` (1000, 1001, 1006)", "code"),
    "refuse": _stream("connections are refused for `seconds`, open ones stay", "seconds"),
    "stall": _stream("nothing comes on an open connection for `seconds`", "seconds"),
    "no_pong": _stream("pings are not answered, neither JSON nor protocol"),
    "confirm_lost": _stream("the frame that confirms a bar is lost"),
    "confirm_doubled": _stream("the frame that confirms a bar comes again after `seconds`", "seconds"),
    "late": _stream("a frame comes `seconds` later, and up to `jitter_seconds` more", "seconds", "jitter_seconds"),
    "out_of_order": _stream("a frame comes after the next one of its connection"),
    "silent_topic": _stream("a topic falls silent for `seconds`, the connection goes on", "seconds"),
    "hole": _exchange("bars from `from` to `until` do not exist", "symbol", "from", "until"),
    "list": _exchange("a symbol is listed at `from`", "symbol", "from"),
    "delist": _exchange("a symbol is delisted at `from`", "symbol", "from"),
    "skew": _exchange("the exchange's clock is `seconds` ahead (behind, where negative)", "seconds", "from"),
}  # fmt: skip
"""Every kind by its name."""

OPTIONAL = {
    "hole": frozenset({"interval", "category"}),
    "delist": frozenset({"category"}),
    "skew": frozenset({"until"}),
}
"""Keys that a kind about the exchange itself may have beside those it needs."""


DEFAULTS: dict[str, dict[str, float | int]] = {
    "timeout": {"seconds": 60.0},
    "ban": {"seconds": 60.0},
    "refuse": {"seconds": 10.0},
    "stall": {"seconds": 60.0},
    "silent_topic": {"seconds": 90.0},
    "late": {"seconds": 2.0},
    "drop": {"code": 1006},
}
"""What a kind takes where a plan leaves a key out and the usual default makes no sense for it."""


def keys_of(name: str) -> frozenset[str]:
    """All keys that a rule of this kind may have, `kind` included."""
    kind = KINDS[name]
    if kind.side is Side.EXCHANGE:
        return kind.keys | OPTIONAL.get(name, frozenset()) | {"kind"}
    return kind.keys | WHEN | WHERE | {"kind"}
