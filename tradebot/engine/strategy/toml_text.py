"""TOML as text: its document, the line of every key, and syntax errors in our words."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tradebot.engine.strategy.problems import Path, Problem

_SPACE = re.compile(r"[ \t]*")
_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_BASIC = re.compile(r'"(?:\\.|[^"\\\n])*"')
_LITERAL = re.compile(r"'[^'\n]*'")
_LONG_BASIC = re.compile(r'"""(?:\\.|[^\\])*?"{3,5}', re.DOTALL)
_LONG_LITERAL = re.compile(r"'''.*?'{3,5}", re.DOTALL)
_SCALAR = re.compile(r"[^,\]}\n#]+")
_PLACE = re.compile(r"\(at line (\d+), column (\d+)\)")

# What the reader of TOML says, and what we say instead.
_OURS = (
    (("expected '='",), "expected = after the key, such as length = 20"),
    (("overwrite a value", "duplicate inline table key"), "this key is given a second time"),
    (("cannot declare", "cannot mutate", "redefine"), "this section is given a second time"),
    (("unterminated string", "illegal character '\\n'", "expected \"'\"", "expected '\"'"),
     "a text is not closed by its quotation mark"),
    (("unclosed array",), "a list is not closed by ]"),
    (("unclosed inline table",), "a table is not closed by }"),
    (("expected ']'",), "expected ] at the end of a section's name, such as [indicators.fast]"),
    (("expected newline",), "expected the end of the line after the value; a text stands in quotation marks"),
    (("invalid initial character for a key",), "expected a key, such as length, or a section, such as [risk]"),
    (("invalid value",), 'expected a value: a number, true, false, a "text" in quotation marks, a [list] or a {table}'),
    (("backslash", "escape", "unicode"), "a backslash in a text must be written twice, or the text in single quotes"),
    (("illegal character",), "expected plain text here; this character is not allowed"),
)  # fmt: skip
_OTHERWISE = "expected a [section], a line key = value, or a remark after #"


@dataclass(frozen=True, slots=True)
class TomlText:
    """A document and the line (from 1) on which each of its keys and list entries stands."""

    document: dict[str, Any]
    lines: Mapping[Path, int]


def read_toml(text: str) -> TomlText | Problem:
    """The document of a TOML text, or the one thing that is wrong with its form."""
    try:
        document = tomllib.loads(text)
    except RecursionError:
        return Problem("", "is nested too deeply to be a strategy")
    except ValueError as error:  # tomllib's own error, and the limit of int() on endless digits
        return _syntax_problem(text, str(error))
    return TomlText(document, _Scanner(text).scan())


def _syntax_problem(text: str, message: str) -> Problem:
    lowered = message.lower()
    ours = next((ours for signs, ours in _OURS if any(sign in lowered for sign in signs)), _OTHERWISE)
    place = _PLACE.search(message)
    if place is not None:
        return Problem("", f"is not valid TOML at column {place[2]}: {ours}", int(place[1]))
    if "end of document" in lowered:
        return Problem(
            "", f"is not valid TOML at its end: {ours}", text.count("\n", 0, len(text.rstrip())) + 1
        )
    return Problem("", f"is not valid TOML: {ours}")


class _Scanner:
    """Walks over a text that is known to be valid TOML and notes where each key stands."""

    def __init__(self, text: str) -> None:
        self.text = text.replace("\r\n", "\n")
        self.at = 0
        self.lines: dict[Path, int] = {}
        self.counts: dict[Path, int] = {}  # entries so far of each [[list of tables]]
        self._line = 1
        self._counted = 0

    def scan(self) -> dict[Path, int]:
        table: Path = ()
        self._skip(_BLANK)
        while self.at < len(self.text):
            table = self._header() if self.text[self.at] == "[" else self._pair(table)
            self._skip(_BLANK)
        return self.lines

    def _skip(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self.text, self.at)
        if match is None:
            return ""
        self.at = match.end()
        return match[0]

    def _note(self, path: Path, start: int) -> None:
        self._line += self.text.count("\n", self._counted, start)
        self._counted = start
        for length in range(1, len(path) + 1):
            self.lines.setdefault(path[:length], self._line)

    def _header(self) -> Path:
        start = self.at
        many = self.text.startswith("[[", self.at)
        self.at += 2 if many else 1
        keys = self._key()
        self.at += 2 if many else 1
        path: Path = ()
        for key in keys[:-1]:
            path = self._entry((*path, key))
        path = (*path, keys[-1])
        if many:
            self.counts[path] = self.counts.get(path, 0) + 1
        path = self._entry(path)
        self._note(path, start)
        self.lines[path] = self._line  # a header names its table better than a header of something inside it
        return path

    def _entry(self, path: Path) -> Path:
        return (*path, self.counts[path]) if path in self.counts else path

    def _pair(self, table: Path) -> Path:
        start = self.at
        path = (*table, *self._key())
        self._note(path, start)
        self.at += 1  # the equals sign
        self._skip(_SPACE)
        self._value(path)
        return table

    def _key(self) -> tuple[str, ...]:
        parts: list[str] = []
        while True:
            self._skip(_SPACE)
            raw = self._skip(_BARE_KEY) or self._skip(_BASIC) or self._skip(_LITERAL)
            parts.append(tomllib.loads(f"key = {raw}")["key"] if raw[0] in "\"'" else raw)
            self._skip(_SPACE)
            if self.text[self.at] != ".":
                return tuple(parts)
            self.at += 1

    def _value(self, path: Path) -> None:
        first = self.text[self.at]
        if first == "[":
            self._list(path)
        elif first == "{":
            self._inline_table(path)
        elif first in "\"'":
            long, short = (_LONG_BASIC, _BASIC) if first == '"' else (_LONG_LITERAL, _LITERAL)
            self._skip(long if self.text.startswith(first * 3, self.at) else short)
        else:
            self._skip(_SCALAR)

    def _list(self, path: Path) -> None:
        self.at += 1
        count = 0
        self._skip(_BLANK)
        while self.text[self.at] != "]":
            count += 1
            self._note((*path, count), self.at)
            self._value((*path, count))
            self._separator()
        self.at += 1

    def _inline_table(self, path: Path) -> None:
        self.at += 1
        self._skip(_BLANK)
        while self.text[self.at] != "}":
            self._pair(path)
            self._separator()
        self.at += 1

    def _separator(self) -> None:
        self._skip(_BLANK)
        if self.text[self.at] == ",":
            self.at += 1
            self._skip(_BLANK)
