"""The control address of the simulated exchange: faults, listings and clock at run time, for this machine only.

| call | does |
|---|---|
| `GET /sim/state` | time, seed, streams, how many rules |
| `GET /sim/faults` | the rules with numbers, calls and strikes |
| `POST /sim/faults` | switches rules on: a plan as JSON or TOML; answers `{"numbers": [..]}` |
| `DELETE /sim/faults`, `DELETE /sim/faults/3` | switches all rules, or one, off |
| `GET /sim/truth?symbol=..&interval=..&start=..&end=..` | the closed bars it has (`category=linear`), oldest first |
| `GET /sim/events?event=..` | what happened: rules, faults, streams, listings, refused requests |
| `POST /sim/list`, `POST /sim/delist` | `{"symbol": "X", "from": "+90s"}`; by default at the next minute |
| `POST /sim/clock` | `{"skew_seconds": 1.5}`: puts the clock ahead by that much more |
| `POST /sim/drop` | `{"code": 1006}`: ends every stream connection |

Times are UTC ms, dates, or `+90s` after now. Errors are HTTP 400 with `{"error": sentence}`.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Mapping
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

from tradebot.engine.control.errors import InputError, did_you_mean
from tradebot.engine.market import Timeframe
from tradebot.engine.simulator.faults import parse_plan
from tradebot.engine.simulator.faults.plan import parse_moment
from tradebot.engine.simulator.reply import Reply

if TYPE_CHECKING:
    from tradebot.engine.simulator.core import SimulatedExchange

PREFIX = "/sim/"
_SOURCE = "request"
Answer = dict[str, Any]


class ControlAddress:
    """Answers the calls under `/sim/`."""

    def __init__(self, exchange: SimulatedExchange) -> None:
        self._exchange = exchange
        self._calls: dict[tuple[str, str], Callable[[Mapping[str, str], Answer], Answer]] = {
            ("GET", "state"): self._state,
            ("GET", "faults"): self._rules,
            ("POST", "faults"): self._add,
            ("DELETE", "faults"): self._clear,
            ("GET", "truth"): self._truth,
            ("GET", "events"): self._events,
            ("POST", "list"): self._list,
            ("POST", "delist"): self._delist,
            ("POST", "clock"): self._clock,
            ("POST", "drop"): self._drop,
        }

    def answer(self, method: str, path: str, query: Mapping[str, str], address: str, body: str) -> Reply:
        """The answer to one call; refused to anybody who is not on this machine."""
        if not _is_loopback(address):
            return _reply(403, {"error": "The control address answers to this machine only."})
        name, _, number = path.removeprefix(PREFIX).partition("/")
        try:
            if name == "faults" and method == "DELETE" and number:
                return _reply(200, self._remove(number))
            call = self._calls.get((method, name)) if not number else None
            if call is None:
                names = sorted({known for _, known in self._calls})
                raise InputError(
                    f"There is no {method} {path}; there are {', '.join(names)}.{did_you_mean(name, names)}"
                )
            return _reply(200, call(query, _document(body)))
        except InputError as error:
            return _reply(400, {"error": error.sentence})

    def _state(self, _query: Mapping[str, str], _given: Answer) -> Answer:
        exchange = self._exchange
        return {
            "time_ms": exchange.clock.now_ms(),
            "skew_ms": exchange.clock.skew_ms(),
            "started_ms": exchange.started_ms,
            "seed": exchange.settings.seed,
            "speed": exchange.settings.speed,
            "streams": len(exchange.sessions),
            "topics": exchange.topics,
            "rules": len(exchange.faults.describe()),
        }

    def _rules(self, _query: Mapping[str, str], _given: Answer) -> Answer:
        return {"fault": self._exchange.faults.describe()}

    def _add(self, _query: Mapping[str, str], given: Answer) -> Answer:
        plan = parse_plan(given, _SOURCE, self._exchange.clock.now_ms())
        if not plan.rules:
            raise InputError(f'{_SOURCE}: the list "fault" is empty; give at least one rule.')
        return {"numbers": self._exchange.faults.add(plan.rules, _SOURCE)}

    def _clear(self, _query: Mapping[str, str], _given: Answer) -> Answer:
        return {"removed": self._exchange.faults.clear()}

    def _remove(self, number: str) -> Answer:
        if not number.isdigit() or not self._exchange.faults.remove(int(number)):
            raise InputError(
                f"There is no rule {number} that can be switched off; GET {PREFIX}faults lists them "
                "(holes, listings and the clock cannot be undone)."
            )
        return {"removed": 1}

    def _truth(self, query: Mapping[str, str], _given: Answer) -> Answer:
        try:
            timeframe = Timeframe.from_interval(query.get("interval", ""))
            start, end = int(query.get("start", "")), int(query.get("end", ""))
        except ValueError:
            raise InputError(
                f"{_SOURCE}: expected symbol, interval (such as 1 or 60), start and end (UTC ms)."
            ) from None
        category, symbol = query.get("category", "linear"), query.get("symbol", "")
        try:
            rows = self._exchange.truth.candles(category, symbol, timeframe, start, end)
        except KeyError:
            raise InputError(f'{_SOURCE}: "{symbol}" is not listed in {category}.') from None
        return {"list": [list(map(str, row)) for row in rows]}

    def _events(self, query: Mapping[str, str], _given: Answer) -> Answer:
        return {"list": self._exchange.truth.events(query.get("event") or None)}

    def _list(self, _query: Mapping[str, str], given: Answer) -> Answer:
        return {"from": self._exchange.list_symbol(*self._symbol_and_moment(given))}

    def _delist(self, _query: Mapping[str, str], given: Answer) -> Answer:
        category = given.get("category", "linear")
        return {"from": self._exchange.delist_symbol(*self._symbol_and_moment(given), str(category))}

    def _clock(self, _query: Mapping[str, str], given: Answer) -> Answer:
        seconds = given.get("skew_seconds")
        if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not abs(seconds) <= 86_400:
            raise InputError(f"{_SOURCE}: skew_seconds must be a number of seconds, at most a day.")
        self._exchange.skew_clock(seconds)
        return {"skew_ms": self._exchange.clock.skew_ms()}

    def _drop(self, _query: Mapping[str, str], given: Answer) -> Answer:
        code = given.get("code", 1006)
        if code not in {1000, 1001, 1006}:
            raise InputError(f"{_SOURCE}: code must be 1000, 1001 or 1006.")
        return {"dropped": self._exchange.drop_streams(code)}

    def _symbol_and_moment(self, given: Answer) -> tuple[str, int | None]:
        symbol = given.get("symbol")
        if not isinstance(symbol, str) or not symbol:
            raise InputError(f'{_SOURCE}: expected {{"symbol": "BTCUSDT"}}, and perhaps "from".')
        if "from" not in given:
            return symbol, None
        return symbol, parse_moment(given["from"], "from", _SOURCE, self._exchange.clock.now_ms())


def _document(body: str) -> Answer:
    """The object in a body: JSON, or TOML where it does not begin with a brace."""
    if not body.strip():
        return {}
    try:
        document = (
            json.loads(body) if body.lstrip()[0] in "{[" and "[[" not in body[:10] else tomllib.loads(body)
        )
    except ValueError:
        raise InputError(f"{_SOURCE}: this is neither JSON nor TOML; mend it.") from None
    if not isinstance(document, dict):
        raise InputError(f"{_SOURCE}: expected an object.")
    return document


def _reply(status: int, document: Answer) -> Reply:
    return Reply(status, json.dumps(document, separators=(",", ":")))


def _is_loopback(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False
