"""The alerts of a data folder: `alerts.toml`, which people may edit, and `alerts.jsonl`, what they said so far."""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import tomlkit

from tradebot.engine.alerts.conditions import Condition, parse_condition, parse_span, span_text
from tradebot.engine.control.errors import InputError, did_you_mean
from tradebot.engine.control.files import write_atomically
from tradebot.engine.market.times import iso_ms

USUAL_PAUSE_MS = 15 * 60_000
LEAST_PAUSE_MS = 30_000
_HEAD = """\
# Alerts of this data folder; tradebot follows changes while it runs. One is, for example:
#   [[alert]]
#   name = "btc-60k"
#   when = "BTCUSDT above 60000"
#   again = "1h"        # the soonest that it tells the same again
#   armed = false       # says nothing until this is true again
"""
_FIELDS = ("name", "when", "again", "armed", "snoozed_until", "added")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_KEPT = 1000
_LONGEST_HISTORY_BYTES = 1024**2


@dataclass(frozen=True, slots=True)
class Alert:
    """`when` is the condition as it was written, `pause_ms` the least time between two notifications of one cause.

    One that is not `armed` says nothing until it is. `added_ms` (UTC) is 0 where it is not known.
    """

    name: str
    when: str
    condition: Condition
    pause_ms: int = USUAL_PAUSE_MS
    snoozed_until_ms: int = 0
    armed: bool = True
    added_ms: int = 0


@dataclass(frozen=True, slots=True)
class Told:
    """One notification as it was given."""

    time_ms: int
    name: str
    sentence: str


class AlertBook:
    """Reads and changes the files; comments and order of `alerts.toml` stay. Every change is written atomically."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "alerts.toml"
        self.history_path = folder / "alerts.jsonl"

    def stamp(self) -> tuple[int, int] | None:
        """Changes with the file; None where there is none."""
        return _stamp(self.path)

    def history_stamp(self) -> tuple[int, int] | None:
        """Changes with the history; None where there is none."""
        return _stamp(self.history_path)

    def alerts(self) -> tuple[Alert, ...]:
        """All alerts in their order. Raises InputError with file and alert for what is wrong."""
        try:
            document = tomllib.loads(self.path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return ()
        except (OSError, UnicodeDecodeError):
            raise InputError(f"{self.path} cannot be read; it must be a UTF-8 text file.") from None
        except tomllib.TOMLDecodeError as error:
            raise InputError(f"{self.path}: this is not valid TOML ({error}); mend it.") from None
        unknown = [key for key in document if key != "alert"]
        entries = document.get("alert", [])
        if unknown or not isinstance(entries, list):
            raise InputError(
                f"{self.path}: expected only tables [[alert]]{', not ' + unknown[0] if unknown else ''}."
            )
        found = [self._read(entry, position) for position, entry in enumerate(entries, 1)]
        names = [alert.name for alert in found]
        for name in names:
            if names.count(name) > 1:
                raise InputError(f'{self.path}: the name "{name}" stands twice; give each alert its own.')
        return tuple(found)

    def add(self, when: str, name: str = "", pause_ms: int = USUAL_PAUSE_MS, added_ms: int = 0) -> Alert:
        """Add an alert; without a name one is made of its condition. Raises InputError where it cannot be."""
        condition = parse_condition(when)
        check_pause(pause_ms)
        names = [alert.name for alert in self.alerts()]
        chosen = name or _free_name(when, names)
        _check_name(chosen, "the name")
        if chosen in names:
            raise InputError(
                f'There is an alert "{chosen}" already; remove it first, or choose another --name.'
            )
        text = " ".join(when.split())
        document = self._document()
        table = tomlkit.table()
        table.update({"name": chosen, "when": text})
        if pause_ms != USUAL_PAUSE_MS:
            table["again"] = span_text(pause_ms)
        if added_ms:
            table["added"] = _moment(added_ms)
        entries = document.get("alert")
        if entries is None:
            entries = document["alert"] = tomlkit.aot()
        entries.append(table)
        self._write(document)
        return Alert(chosen, text, condition, pause_ms, added_ms=added_ms)

    def change(self, name: str, when: str, pause_ms: int) -> None:
        """Give an alert another condition or pause. Raises InputError where it cannot be."""
        parse_condition(when)
        check_pause(pause_ms)
        document, table = self._table(name)
        table["when"] = " ".join(when.split())
        table.pop("again", None)
        if pause_ms != USUAL_PAUSE_MS:
            table["again"] = span_text(pause_ms)
        self._write(document)

    def arm(self, name: str, armed: bool) -> None:
        """Let an alert tell, which ends its snooze, or say nothing until it is armed again."""
        document, table = self._table(name)
        table.pop("armed", None)
        if armed:
            table.pop("snoozed_until", None)
        else:
            table["armed"] = False
        self._write(document)

    def remove(self, name: str) -> None:
        """Remove an alert. Raises InputError where there is none of that name."""
        position = self._position(name)
        document = self._document()
        del document["alert"][position]
        if not document["alert"]:
            del document["alert"]
        self._write(document)

    def snooze(self, name: str, until_ms: int) -> None:
        """Let an alert say nothing before that time (UTC ms); 0 wakes it."""
        document, table = self._table(name)
        table.pop("snoozed_until", None)
        if until_ms:
            table["snoozed_until"] = _moment(until_ms)
        self._write(document)

    def note(self, told: Told) -> None:
        """Add a notification to the history, which keeps the last thousand. OSError where it cannot be written."""
        line = json.dumps({"time": iso_ms(told.time_ms), "name": told.name, "sentence": told.sentence})
        if self.history_path.exists() and self.history_path.stat().st_size > _LONGEST_HISTORY_BYTES:
            kept = self.history_path.read_text(encoding="utf-8").splitlines()[-_KEPT:]
            write_atomically(self.history_path, "\n".join(kept) + "\n")
        self.history_path.parent.mkdir(parents=True, exist_ok=True)
        with self.history_path.open("a", encoding="utf-8", newline="\n") as file:
            file.write(line + "\n")

    def history(self, most: int) -> list[Told]:
        """The newest notifications, newest first; lines that a kill left torn are passed over."""
        try:
            lines = self.history_path.read_text(encoding="utf-8", errors="replace").splitlines()
        except FileNotFoundError:
            return []
        found: list[Told] = []
        for line in reversed(lines):
            try:
                entry = json.loads(line)
                moment = datetime.fromisoformat(entry["time"])
                found.append(
                    Told(round(moment.timestamp() * 1000), str(entry["name"]), str(entry["sentence"]))
                )
            except (ValueError, KeyError, TypeError):
                continue
            if len(found) == most:
                break
        return found

    def _read(self, entry: Any, position: int) -> Alert:
        where = f"{self.path}, alert {position}"
        if not isinstance(entry, dict):
            raise InputError(f"{where}: expected a table with name and when.")
        for key in entry:
            if key not in _FIELDS:
                raise InputError(f"{where}: {key} is not known here.{did_you_mean(key, _FIELDS)}")
        name, when = entry.get("name"), entry.get("when")
        if not isinstance(name, str) or not isinstance(when, str):
            raise InputError(f"{where}: name and when must be texts.")
        _check_name(name, f"{where}: name")
        armed = entry.get("armed", True)
        if not isinstance(armed, bool):
            raise InputError(f"{where}: armed must be true or false.")
        until_ms, added_ms = (_time(entry, field, where) for field in ("snoozed_until", "added"))
        try:
            condition = parse_condition(when)
            pause_ms = parse_span(str(entry["again"])) if "again" in entry else USUAL_PAUSE_MS
        except InputError as error:
            raise InputError(f"{where}: {error.sentence}") from None
        text = " ".join(when.split())
        return Alert(name, text, condition, max(pause_ms, LEAST_PAUSE_MS), until_ms, armed, added_ms)

    def _position(self, name: str) -> int:
        names = [alert.name for alert in self.alerts()]
        if name not in names:
            raise InputError(f'There is no alert "{name}" in {self.path}.{did_you_mean(name, names)}')
        return names.index(name)

    def _table(self, name: str) -> tuple[Any, Any]:
        """The document, and the table of an alert in it."""
        position = self._position(name)
        document = self._document()
        return document, document["alert"][position]

    def _document(self) -> Any:
        self.alerts()  # says what is wrong in words before anything is changed
        text = self.path.read_text(encoding="utf-8") if self.path.exists() else _HEAD
        return tomlkit.parse(text)

    def _write(self, document: Any) -> None:
        write_atomically(self.path, tomlkit.dumps(document))


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        facts = path.stat()
    except OSError:
        return None
    return facts.st_mtime_ns, facts.st_size


def check_pause(pause_ms: int) -> None:
    """Raises InputError for a pause so short that one cause would fill the screen."""
    if pause_ms < LEAST_PAUSE_MS:
        raise InputError(
            f"The same is told again after {span_text(LEAST_PAUSE_MS)} at the soonest, not {span_text(pause_ms)}."
        )


def _moment(time_ms: int) -> datetime:
    return datetime.fromtimestamp(time_ms // 1000, UTC)


def _time(entry: dict[str, Any], field: str, where: str) -> int:
    """The time that stands in a field, UTC ms; 0 where it is missing."""
    moment = entry.get(field)
    if moment is None:
        return 0
    if not isinstance(moment, datetime):
        raise InputError(f"{where}: {field} must be a time such as 2024-05-01T12:00:00Z.")
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return int(aware.timestamp() * 1000)


def _check_name(name: str, what: str) -> None:
    if _NAME.fullmatch(name) is None:
        raise InputError(f'{what} may have letters, digits, ".", "_" and "-", was "{name}".')


def _free_name(when: str, taken: list[str]) -> str:
    base = re.sub(r"[^a-z0-9.]+", "-", when.lower().replace(">", " above ").replace("<", " below ")).strip(
        "-."
    )[:48]
    base = base.rstrip("-.") or "alert"
    number = 2
    name = base
    while name in taken:
        name, number = f"{base}-{number}", number + 1
    return name
