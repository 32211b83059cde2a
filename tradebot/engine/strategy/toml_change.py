"""A TOML text made to hold another document, with as much of its remarks, order and layout as can stay."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, MutableMapping
from typing import Any

from tradebot.engine.strategy.declared import NODE_SECTIONS
from tradebot.engine.strategy.problems import Path
from tradebot.engine.strategy.toml_blocks import TomlBlocks, table_lines
from tradebot.engine.strategy.writing import document_to_toml

Document = dict[str, Any]


def change_text(
    text: str,
    wanted: Document,
    renamed: tuple[Path, str] | None = None,
    copied: tuple[Path, Path] | None = None,
) -> str:
    """`text` changed so that it holds `wanted`.

    `renamed` is the path of a node and its new name, `copied` the paths of a node and of its copy: both keep the
    remarks inside the node. Nodes and sections that are new or gone are written and taken out as blocks of lines;
    single values are set by tomlkit. Where the result would not hold `wanted`, the document is written anew.
    """
    change = _Change(text.replace("\r\n", "\n"), wanted)
    if renamed is not None:
        change.take(TomlBlocks(change.text).renamed(*renamed))
    if copied is not None:
        change.take(_with_copy(change.text, *copied))
    change.tables()
    change.order()
    for values in (_with_changed_blocks, _with_values):
        if change.holds():
            return change.text
        change.take(values(change.text, change.document, wanted))
    if change.holds(ordered=False):
        return (
            change.text
        )  # where nodes stand on lines of one table, only their order may not be the wanted one
    import tomli_w  # here: hardly ever needed

    return tomli_w.dumps(wanted)


class _Change:
    """A text on its way to hold a document, with the document that it holds now."""

    def __init__(self, text: str, wanted: Document) -> None:
        self.text = text
        self.document: Document = tomllib.loads(text)
        self._wanted = wanted

    def take(self, text: str | None) -> None:
        """Go on with another text; None, and one that is no TOML any more, changes nothing."""
        if text is None or text == self.text:
            return
        try:
            self.document = tomllib.loads(text)
        except (tomllib.TOMLDecodeError, RecursionError):
            return
        self.text = text

    def holds(self, ordered: bool = True) -> bool:
        """Whether the text holds the document, its nodes in the same order."""
        return _same(self.document, self._wanted) and all(
            not ordered or list(self.document.get(section, ())) == list(self._wanted.get(section, ()))
            for section in NODE_SECTIONS
        )

    def tables(self) -> None:
        """Without the tables that are gone, and with those that are new."""
        present, needed = _tables(self.document), _tables(self._wanted)
        for path in present:
            if path not in needed:
                self.take(TomlBlocks(self.text).without(path))
        for path, table in needed.items():
            if path not in present:
                self.take(TomlBlocks(self.text).with_table(path, table_lines(path, table)))

    def order(self) -> None:
        """With the nodes of each section in the wanted order, as far as they have headers."""
        for section in NODE_SECTIONS:
            goal = [name for name in self._wanted.get(section, {}) if name in self.document.get(section, {})]
            order = [name for name in self.document.get(section, {}) if name in goal]
            for place, name in enumerate(goal):
                if order[place] != name:
                    changed = TomlBlocks(self.text).swapped((section, order[place]), (section, name))
                    if changed is None:
                        return
                    self.take(changed)
                    other = order.index(name)
                    order[other], order[place] = order[place], name


def _same(one: Any, other: Any) -> bool:
    """Whether two values are equal and of the same kind all through: 1, 1.0 and true are three."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(_same(value, other[key]) for key, value in one.items())
    if isinstance(one, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return bool(one == other)


def _tables(document: Mapping[str, Any]) -> dict[Path, Mapping[str, Any]]:
    """The tables that have headers of their own: sections, and the nodes of those that hold nodes."""
    found: dict[Path, Mapping[str, Any]] = {}
    for section, table in document.items():
        if section in NODE_SECTIONS and isinstance(table, Mapping):
            found |= {(section, name): node for name, node in table.items() if isinstance(node, Mapping)}
        elif isinstance(table, Mapping):
            found[(section,)] = table
    return found


def _with_copy(text: str, source: Path, copy: Path) -> str:
    """With a second block that has the lines of the first one and another name, behind it."""
    blocks = TomlBlocks(text)
    block = blocks.find(source)
    if block is None:
        return text
    lines = blocks.lines[block.header : block.end]
    renamed = TomlBlocks("\n".join(lines)).renamed(source, str(copy[-1]))
    return text if renamed is None else blocks.with_table(copy, renamed.split("\n"), behind=source)


def _with_changed_blocks(text: str, document: Document, wanted: Document) -> str:
    """With the values of the tables that have blocks of their own: only those go through tomlkit, which is slow."""
    import tomlkit  # here: only edits need it
    from tomlkit.exceptions import TOMLKitError

    present, needed = _tables(document), _tables(wanted)
    blocks = TomlBlocks(text)
    found = [
        blocks.find(path)
        for path, table in needed.items()
        if path in present and not _same(present[path], table)
    ]
    changed = sorted((block for block in found if block is not None), key=lambda block: -block.start)
    lines = list(blocks.lines)
    try:
        for block in changed:
            part = tomlkit.parse("\n".join(lines[block.header : block.end]) + "\n")
            table: Any = part
            for key in block.path:
                table = table[key]
            _merge(table, needed[block.path])
            lines[block.header : block.end] = tomlkit.dumps(part).rstrip("\n").split("\n")
    except TOMLKitError:
        return text
    return "\n".join(lines)


def _with_values(text: str, _document: Document, wanted: Document) -> str:
    """With all values, wherever they stand."""
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    try:
        whole = tomlkit.parse(text)
        _merge(whole, wanted, top=True)
        return tomlkit.dumps(whole)
    except TOMLKitError:
        return text


def _merge(table: Any, wanted: Mapping[str, Any], top: bool = False) -> None:
    """Make a table of tomlkit's hold the wanted values, touching only those that differ."""
    for key in [key for key in table if key not in wanted]:
        table.pop(key)
    for key, value in wanted.items():
        present = table.get(key)
        if key in table and isinstance(value, Mapping) and isinstance(present, MutableMapping):
            _merge(present, value)
        elif key in table and isinstance(value, list) and isinstance(present, list):
            _merge_list(present, value)
        elif key not in table or not _same(_plain(present), value):
            table[key] = _item(value, inline=not top)


def _merge_list(items: Any, wanted: list[Any]) -> None:
    """Change the middle of a list, so that what stays keeps its remarks and line breaks."""
    from tomlkit.items import AoT

    have = [_plain(each) for each in items]
    shorter = min(len(have), len(wanted))
    first = last = 0
    while first < shorter and _same(have[first], wanted[first]):
        first += 1
    while last < shorter - first and _same(have[-1 - last], wanted[-1 - last]):
        last += 1
    while first < shorter - last and isinstance(have[first], Mapping) and isinstance(wanted[first], Mapping):
        _merge(items[first], wanted[first])  # a table that changed is still the table at this place
        first += 1
    if len(have) == len(wanted):
        for at in range(first, len(have) - last):
            items[at] = _item(wanted[at], inline=True)
        return
    for at in range(len(have) - last - 1, first - 1, -1):
        items.pop(at)
    sections = isinstance(items, AoT)  # written as [[risk.take_profit]]
    for at, value in enumerate(wanted[first : len(wanted) - last], first):
        items.insert(at, _item(value, inline=not sections))


def _plain(value: Any) -> Any:
    unwrap = getattr(value, "unwrap", None)
    return unwrap() if callable(unwrap) else value


def _value_text(value: Any) -> str:
    """A value on one line, as it stands behind its key."""
    return document_to_toml({"x": {"v": value}}).split("v = ", 1)[1].rstrip("\n")


def _item(value: Any, inline: bool) -> Any:
    import tomlkit

    if isinstance(value, Mapping) and not inline:
        table = tomlkit.table()
        for key, each in value.items():
            table[key] = _item(each, inline=True)
        return table
    # From text, so that a new table has the blanks that a person puts there.
    return tomlkit.value(_value_text(value)) if isinstance(value, Mapping | list) else value
