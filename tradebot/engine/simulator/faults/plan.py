"""Fault plans: read from a file or a request, every key checked, what is wrong said in a sentence."""

from __future__ import annotations

import json
import math
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from tradebot.engine.control.errors import InputError, did_you_mean
from tradebot.engine.market.times import parse_time
from tradebot.engine.simulator.bars import Interval
from tradebot.engine.simulator.faults.kinds import DEFAULTS, KINDS, keys_of
from tradebot.engine.simulator.faults.rule import FaultRule

_TOML_PLACE = re.compile(r"line (\d+), column (\d+)")
_HEADER = re.compile(r"\s*\[\[\s*fault\s*\]\]")
_AFTER = re.compile(r"\+(\d+(?:\.\d+)?)\s*(s|m|h|d)")
_UNIT_MS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_CATEGORIES = ("linear", "inverse", "spot", "option", "*")
_FIELDS = {"from": "from_ms", "until": "until_ms"}
_CLOSE_CODES = (1000, 1001, 1006)
_STATUSES = (400, 403, 404, 429, 500, 502, 503, 504)


@dataclass(frozen=True, slots=True)
class FaultPlan:
    """Rules in their order; `source` is where they come from, for sentences."""

    rules: tuple[FaultRule, ...] = ()
    source: str = field(default="", compare=False)

    def to_json(self) -> str:
        """The plan as the text of a JSON file that `read_plan` understands; times are absolute."""
        return json.dumps({"fault": [rule.to_json() for rule in self.rules]}, indent=1)


def read_plan(file: Path, start_ms: int) -> FaultPlan:
    """Read a TOML file, or a JSON one by its ending. `start_ms` is what times such as "+90s" count from.

    Raises InputError with file, line or rule, and key.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InputError(f"There is no fault plan {file}; name a TOML or JSON file that exists.") from None
    except (OSError, UnicodeDecodeError):
        raise InputError(f"The fault plan {file} cannot be read; it must be a UTF-8 text file.") from None
    if file.suffix.lower() == ".json":
        try:
            return parse_plan(json.loads(text), str(file), start_ms)
        except json.JSONDecodeError as error:
            raise InputError(
                f"{file}, line {error.lineno}, column {error.colno}: this is not JSON; mend it."
            ) from None
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = _TOML_PLACE.search(str(error))
        where = f", line {found[1]}, column {found[2]}" if found else ", at its end"
        raise InputError(
            f'{file}{where}: this is not valid TOML, expected [[fault]] tables with lines such as kind = "reset"; '
            "mend it."
        ) from None
    lines = [number for number, line in enumerate(text.splitlines(), 1) if _HEADER.match(line)]
    return parse_plan(document, str(file), start_ms, lines)


def parse_plan(document: object, source: str, start_ms: int, lines: Sequence[int] = ()) -> FaultPlan:
    """The plan in a decoded document: an object whose `fault` is a list of rules. Raises InputError."""
    if not isinstance(document, Mapping):
        raise InputError(f'{source}: expected an object with the list "fault", such as {{"fault": []}}.')
    for name in document:
        if name != "fault":
            hint = did_you_mean(str(name), ["fault"]) or ' Rules stand in the list "fault".'
            raise InputError(f'{source}: there is no key "{name}" in a fault plan.{hint}')
    listed = document.get("fault", [])
    if not isinstance(listed, list):
        raise InputError(f"{source}: fault must be a list of rules; begin each with [[fault]].")
    rules = []
    for number, given in enumerate(listed, 1):
        line = f", line {lines[number - 1]}" if number <= len(lines) else ""
        rules.append(_Reader(f"{source}{line}, fault {number}", start_ms).rule(given))
    return FaultPlan(tuple(rules), source)


def parse_moment(value: object, name: str, place: str, start_ms: int) -> int:
    """UTC ms of a date, milliseconds, or a time after `start_ms` such as "+90s".

    Raises InputError with `place` and the key's `name`.
    """
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**14:
        return value
    if isinstance(value, datetime):
        moment = value if value.tzinfo else value.replace(tzinfo=UTC)
        return int(moment.timestamp() * 1000)
    if isinstance(value, date):
        value = value.isoformat()
    if isinstance(value, str):
        after = _AFTER.fullmatch(value.strip())
        if after:
            return start_ms + round(float(after[1]) * _UNIT_MS[after[2]])
        try:
            return parse_time(value, start_ms)
        except ValueError:
            pass  # said below, with the place
    expected = 'must be a UTC date and time, milliseconds, or a time after the start such as "+90s"'
    raise _wrong(place, name, expected, value)


def _wrong(place: str, name: str, expected: str, value: object, hint: str = "") -> InputError:
    shown = json.dumps(value, default=str)
    return InputError(f'{place}, key "{name}": it {expected}, was {shown}.{hint}')


class _Reader:
    """Reads one rule."""

    def __init__(self, place: str, start_ms: int) -> None:
        self._place = place
        self._start_ms = start_ms

    def rule(self, given: object) -> FaultRule:
        """The checked rule."""
        if not isinstance(given, Mapping):
            raise InputError(f'{self._place}: a rule is a table of keys, such as kind = "reset".')
        kind = self._kind(given)
        known = keys_of(kind)
        values: dict[str, Any] = dict(DEFAULTS.get(kind, {}))
        for name, value in given.items():
            if name not in known:
                hint = did_you_mean(name, known) or f" It knows {', '.join(sorted(known))}."
                raise InputError(f'{self._place}: "{kind}" has no key "{name}".{hint}')
            field: str = _FIELDS.get(name) or name
            values[field] = self._value(kind, name, value)
        missing = sorted(KINDS[kind].needs - set(given))
        if missing:
            raise InputError(f'{self._place}: "{kind}" needs the key "{missing[0]}" too.')
        rule = FaultRule(**values)
        if rule.from_ms is not None and rule.until_ms is not None and rule.from_ms >= rule.until_ms:
            raise self._wrong("until", "must be later than from", given["until"])
        return rule

    def _kind(self, given: Mapping[str, Any]) -> str:
        if "kind" not in given:
            raise InputError(f'{self._place}: the key "kind" is missing; it is one of {", ".join(KINDS)}.')
        kind = given["kind"]
        if not isinstance(kind, str) or kind not in KINDS:
            hint = did_you_mean(str(kind), KINDS) or f" It is one of {', '.join(KINDS)}."
            raise InputError(f'{self._place}: there is no kind "{kind}".{hint}')
        return kind

    def _value(self, kind: str, name: str, value: object) -> object:
        if name in {"from", "until"}:
            return self._time(name, value)
        if name == "code" and kind == "drop":
            return self._one_of(name, value, _CLOSE_CODES)
        if name == "seconds" and kind == "skew":
            return self._number(name, value, -86_400.0, 86_400.0)
        return _READERS[name](self, name, value)

    def _text(self, name: str, value: object) -> str:
        if not isinstance(value, str) or not value:
            raise self._wrong(name, 'must be a text such as "BTC*"', value)
        return value

    def _symbol(self, name: str, value: object) -> str:
        text = self._text(name, value)
        if text != text.upper():
            raise self._wrong(name, f'must be upper case, "{text.upper()}"', value)
        return text

    def _interval(self, name: str, value: object) -> str:
        text = self._text(name, value)
        try:
            return text if text == "*" else Interval(text).name
        except ValueError:
            raise self._wrong(
                name, 'must be an interval of the exchange such as "1", "60" or "D"', value
            ) from None

    def _whole(self, name: str, value: object) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= 1_000_000_000:
            raise self._wrong(name, "must be a whole number from 1", value)
        return value

    def _any_whole(self, name: str, value: object) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or abs(value) > 1_000_000_000:
            raise self._wrong(name, "must be a whole number", value)
        return value

    def _number(self, name: str, value: object, low: float, high: float) -> float:
        sound = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        if not sound or not low <= float(str(value)) <= high:
            raise self._wrong(name, f"must be a number from {low:g} to {high:g}", value)
        return float(str(value))

    def _share(self, name: str, value: object) -> float:
        return self._number(name, value, 0.0, 1.0)

    def _seconds(self, name: str, value: object) -> float:
        return self._number(name, value, 0.0, 86_400.0)

    def _one_of(self, name: str, value: object, choices: Sequence[int | str]) -> int | str:
        for choice in choices:
            if value == choice and type(value) is type(choice):
                return choice
        hint = did_you_mean(str(value), [str(choice) for choice in choices])
        raise self._wrong(name, f"must be one of {', '.join(map(str, choices))}", value, hint)

    def _category(self, name: str, value: object) -> int | str:
        return self._one_of(name, value, _CATEGORIES)

    def _status(self, name: str, value: object) -> int | str:
        return self._one_of(name, value, _STATUSES)

    def _time(self, name: str, value: object) -> int:
        return parse_moment(value, name, self._place, self._start_ms)

    def _wrong(self, name: str, expected: str, value: object, hint: str = "") -> InputError:
        return _wrong(self._place, name, expected, value, hint)


_READERS: dict[str, Callable[[_Reader, str, object], Any]] = {
    "kind": _Reader._text,
    "where": _Reader._text,
    "symbol": _Reader._symbol,
    "category": _Reader._category,
    "interval": _Reader._interval,
    "nth": _Reader._whole,
    "every": _Reader._whole,
    "count": _Reader._whole,
    "rows": _Reader._whole,
    "probability": _Reader._share,
    "seconds": _Reader._seconds,
    "jitter_seconds": _Reader._seconds,
    "status": _Reader._status,
    "code": _Reader._any_whole,
}
