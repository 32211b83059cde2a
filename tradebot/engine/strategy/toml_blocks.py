"""A TOML text as blocks of lines, one for each table with a header: whole nodes can be renamed, copied and moved.

A block is a header, its lines, and the remark that stands directly above the header. What stands between blocks, blank
lines and remarks by themselves, belongs to none of them and stays where it is.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tradebot.engine.strategy.problems import Path
from tradebot.engine.strategy.toml_text import TomlText, read_toml

_HEADER = re.compile(r"\s*\[\[?.+\]\]?\s*(#.*)?")
# In this order a file is written from the top: a new section goes before the first of a later one.
SECTION_ORDER = (
    *("strategy", "indicators", "signals", "groups", "entry", "exit", "orders", "risk", "costs", "optimize"),
)


@dataclass(frozen=True, slots=True)
class Block:
    """Lines start..end-1 (from 0) are the table at `path` with the remark above it; `header` is the header's line."""

    path: Path
    start: int
    header: int
    end: int


class TomlBlocks:
    """The lines of a text that is valid TOML, and where its blocks are."""

    def __init__(self, text: str) -> None:
        self.lines = text.split("\n")
        read = read_toml(text)
        self._key_lines = dict(read.lines) if isinstance(read, TomlText) else {}
        headers = sorted(
            (line - 1, path)
            for path, line in (read.lines.items() if isinstance(read, TomlText) else ())
            if self._is_header(line - 1, path)
        )
        starts = [self._with_remark(line) for line, _path in headers] + [len(self.lines)]
        self.blocks = [
            Block(path, starts[at], line, self._content_end(line, starts[at + 1]))
            for at, (line, path) in enumerate(headers)
        ]

    def _is_header(self, line: int, path: Path) -> bool:
        text = self.lines[line]
        if not _HEADER.fullmatch(text):
            return False
        try:
            document: Any = tomllib.loads(text)
        except tomllib.TOMLDecodeError:
            return False
        keys = []
        while isinstance(document, dict) and len(document) == 1:
            key, document = next(iter(document.items()))
            keys.append(key)
            document = document[0] if isinstance(document, list) else document
        return tuple(keys) == tuple(each for each in path if isinstance(each, str))

    def _with_remark(self, line: int) -> int:
        while line > 0 and self.lines[line - 1].lstrip().startswith("#"):
            line -= 1
        return line if line > 0 else self._below_title(line)

    def _below_title(self, line: int) -> int:
        # What stands at the very top is about the file, not about its first table.
        while self.lines[line].lstrip().startswith("#"):
            line += 1
        return line

    def _content_end(self, header: int, limit: int) -> int:
        """After the last line that says something, with the remarks that follow it without a blank line."""
        end, last = limit, header
        for at in range(header + 1, limit):
            if self.lines[at].strip() and not self.lines[at].lstrip().startswith("#"):
                last = at
        end = last + 1
        while end < limit and self.lines[end].lstrip().startswith("#"):
            end += 1
        return end

    def find(self, path: Path) -> Block | None:
        """The block of a table, with those of the tables inside it, where they stand together."""
        own = [at for at, block in enumerate(self.blocks) if block.path[: len(path)] == path]
        if not own or self.blocks[own[0]].path != path or own != list(range(own[0], own[-1] + 1)):
            return None
        first, last = self.blocks[own[0]], self.blocks[own[-1]]
        return Block(path, first.start, first.header, last.end)

    def section_end(self, section: str) -> int | None:
        """The line after the last block of a section, None where it has none."""
        ends = [block.end for block in self.blocks if block.path[0] == section]
        return ends[-1] if ends else None

    def text(self, block: Block) -> list[str]:
        """The lines of a block."""
        return self.lines[block.start : block.end]

    # ---- changes, each gives the new text

    def renamed(self, path: Path, name: str) -> str | None:
        """The text with another last key in a node's headers, or before its equals sign; None where it has neither."""
        lines = list(self.lines)
        if self.find(path) is None:
            line = self._key_lines.get(path, 0) - 1
            key = (
                re.fullmatch(rf"(\s*)([\"']?){re.escape(str(path[-1]))}\2(\s*=.*)", lines[line])
                if line >= 0
                else None
            )
            if key is None:
                return None
            lines[line] = f"{key[1]}{_key(name)}{key[3]}"
            return "\n".join(lines)
        for block in self.blocks:
            if block.path[: len(path)] == path:
                keys = ".".join(_key(str(each)) for each in (*path[:-1], name, *block.path[len(path) :]))
                text = lines[block.header]
                lines[block.header] = f"[{keys}]{text[_remark_at(text) :]}"
        return "\n".join(lines)

    def without(self, path: Path) -> str | None:
        """The text without a table and the remark above it; None where it has no header."""
        block = self.find(path)
        if block is None:
            return None
        end = block.end
        while end < len(self.lines) and not self.lines[end].strip():
            end += 1
        before, after = self.lines[: block.start], self.lines[end:]
        if not any(line.strip() for line in after):
            while before and not before[-1].strip():
                before.pop()
            after = [""]
        return "\n".join([*before, *after])

    def swapped(self, first: Path, second: Path) -> str | None:
        """The text with two tables in each other's place; None where one has no header of its own."""
        blocks = sorted(filter(None, (self.find(first), self.find(second))), key=lambda block: block.start)
        if len(blocks) != 2:
            return None
        upper, lower = blocks
        return "\n".join(
            [
                *self.lines[: upper.start],
                *self.text(lower),
                *self.lines[upper.end : lower.start],
                *self.text(upper),
                *self.lines[lower.end :],
            ]
        )

    def with_table(self, path: Path, lines: list[str], behind: Path | None = None) -> str:
        """The text with a new table: behind another one, else at the end of its section, else where sections go."""
        block = self.find(behind) if behind is not None else None
        at = block.end if block is not None else self.section_end(str(path[0]))
        if at is None:
            at = self._place_of(str(path[0]))
        before, after = self.lines[:at], self.lines[at:]
        while before and not before[-1].strip():
            before.pop()
        while after and not after[0].strip():
            after.pop(0)
        head = [*before, ""] if before else []
        return "\n".join([*head, *lines, "", *after] if after else [*head, *lines, ""])

    def _place_of(self, section: str) -> int:
        """Where a section that is not there yet begins: before the first one that comes later in a file."""
        order = {name: place for place, name in enumerate(SECTION_ORDER)}
        mine = order.get(section, len(order))
        later = [block.start for block in self.blocks if order.get(str(block.path[0]), len(order)) > mine]
        return min(later, default=len(self.lines))


def _remark_at(header: str) -> int:
    """Where the remark behind a header begins, its blanks included."""
    quoted = ""
    for at, sign in enumerate(header):
        if quoted:
            quoted = "" if sign == quoted else quoted
        elif sign in "\"'":
            quoted = sign
        elif sign == "]" and header[at + 1 : at + 2] != "]":
            return at + 1
    return len(header)


def _key(name: str) -> str:
    bare = name.isascii() and name.replace("_", "").replace("-", "").isalnum()
    return name if bare else '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


def table_lines(path: Path, table: Mapping[str, Any]) -> list[str]:
    """A table as the lines of a block: its header, then its values, tables inside it on one line."""
    from tradebot.engine.strategy.writing import document_to_toml

    text = document_to_toml({"x": dict(table)})
    header = ".".join(_key(str(each)) for each in path)
    return [f"[{header}]", *text.rstrip("\n").split("\n")[1:]]
