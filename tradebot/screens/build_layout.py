"""The form of a strategy laid out in lines for a width: sections, fields in columns, rules as sentences."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from rich.cells import cell_len

from tradebot.engine.messages import FormField, FormSection, FormView, RuleRow
from tradebot.screens.build_columns import (
    MARGIN,
    cut,
    field_lines,
    label_tone,
    length_of,
    problem_lines,
    sentence_lines,
    unit_of,
)
from tradebot.screens.build_lines import (
    Atom,
    FormCell,
    FormLine,
    LineKind,
    cell_width,
    holes,
    packed,
    shown_text,
)
from tradebot.screens.widgets.palette import Line, Part

__all__ = ["NODE_KINDS", "FormLayout", "holding", "place_title"]

NODE_KINDS = frozenset({"indicator", "signal", "group"})
_ORDER = (
    "market",
    "entry",
    "exits",
    "exit",
    "risk",
    "orders",
    "limits",
    "costs",
    "indicator",
    "signal",
    "group",
)
_TITLES = {"entry": "Enter when", "exit": "Exit when", "exits": "Exit"}
_RULES = frozenset({"entry", "exit"})
_SHORTEST_NOTE = 4


def place_title(place: str) -> str:
    """How a place that rules are added to is called: `entry`, `exit` or `groups.<name>`."""
    return _TITLES.get(place, place.removeprefix("groups."))


def holding(view: FormView, path: str) -> tuple[tuple[str, ...], bool]:
    """The sections that hold a path, and whether that is to be seen only where all nodes are shown.

    A value of a node that a rule's line holds too is seen there.
    """
    sections = [
        section
        for section in view.sections
        if f"{path}.".startswith(f"{section.path}.") or any(field.path == path for field in section.fields)
    ]
    in_rules = [
        row
        for row in view.rows
        if path in {row.node, row.path} or any(field.path == path for field in row.fields)
    ]
    in_nodes = any(section.kind in NODE_KINDS for section in sections)
    places = {"entry" if row.place != "exit" else "exit" for row in in_rules}
    paths = (
        *(section.path for section in sections if not (in_rules and section.kind in NODE_KINDS)),
        *places,
    )
    return paths, in_nodes and not in_rules


class FormLayout:
    """Lays views out. What has not changed since the last view is not made anew.

    It remembers where the values stand in each rule's sentence, so that a value that is wrong for the moment, and so no
    longer part of the sentence, is not moved away from under the cursor.
    """

    def __init__(self) -> None:
        self._sentences: dict[str, tuple[tuple[str, ...], list[str | int]]] = {}
        self._known: dict[str, tuple[object, tuple[FormLine, ...]]] = {}

    def lines(
        self, view: FormView, width: int, folded: Callable[[FormSection], bool], *, nodes: bool = False
    ) -> tuple[FormLine, ...]:
        """All lines of a view. `nodes` shows every indicator, signal and group with all its values as well."""
        return tuple(_told_apart(self._lines(view, max(30, width), folded, nodes)))

    def _lines(
        self, view: FormView, width: int, folded: Callable[[FormSection], bool], nodes: bool
    ) -> Iterator[FormLine]:
        shown = [section for section in view.sections if nodes or section.kind not in NODE_KINDS]
        shown.sort(key=lambda each: _ORDER.index(each.kind) if each.kind in _ORDER else len(_ORDER))
        by_section = _rows_by_section(view.rows)
        after_open = False
        for section in shown:
            rows = by_section.get(section.path, ())
            if section.kind == "exit" and not rows and not nodes and not section.problem:
                continue  # its line to add a rule stands at the end of the exits
            is_folded = folded(section)
            if after_open or (not is_folded and section is not shown[0]):
                yield FormLine(f"gap:{section.path}", LineKind.NOTE)
            after_open = not is_folded
            unused = by_section.get("", ()) if section.kind == "entry" else ()
            exits = section.kind == "exits" and not nodes and "exit" not in by_section
            state = (section, rows, unused, exits, width, is_folded)
            yield from self._remembered(section.path, state, lambda: self._section(*state))  # noqa: B023 - used at once

    def _remembered(
        self, name: str, state: object, make: Callable[[], Iterator[FormLine]]
    ) -> tuple[FormLine, ...]:
        """The lines made from an equal state before, else new ones."""
        known = self._known.get(name)
        if known is not None and known[0] == state:
            return known[1]
        lines = tuple(make())
        self._known[name] = (state, lines)
        return lines

    def _section(
        self,
        section: FormSection,
        rows: tuple[RuleRow, ...],
        unused: tuple[RuleRow, ...],
        exits: bool,
        width: int,
        is_folded: bool,
    ) -> Iterator[FormLine]:
        in_rules = section.kind in _RULES
        fields = [field for field in section.fields if not in_rules or field.kind != "members"]
        yield from self._header(section, fields, rows, width, is_folded)
        if is_folded:
            return
        if in_rules:
            yield from self._rules(section, rows, width)
            yield from self._unused(unused, width)
        else:
            yield from field_lines(fields, width)
        if exits:
            yield _add_line("exit")

    # ------------------------------------------------------------------------------------------ headers

    def _header(
        self,
        section: FormSection,
        fields: list[FormField],
        rows: Sequence[RuleRow],
        width: int,
        is_folded: bool,
    ) -> Iterator[FormLine]:
        title = _TITLES.get(section.kind, section.title)
        name, dot, kind = title.partition(" · ")
        tone = "bold primary" if section.enabled else "stale"
        lead: list[Part] = [("▸ " if is_folded else "▾ ", "key"), (name, tone)]
        if dot:
            lead.append((f" · {kind}", "text" if section.enabled else "stale"))
        right = _state(section, rows)
        key = f"section:{section.path}"
        lines: list[tuple[Part | FormCell, ...]] = [tuple(lead)]
        if is_folded:
            room = max(0, width - length_of(tuple(lead)) - length_of(right) - 3)
            lines = [(*lead, (f"   {cut(_summary(fields, rows), room)}", "dim"))]
        elif section.kind in _RULES:
            atoms = [_combination(field) for field in fields]
            lines = packed(atoms, width - length_of(right), 4, lead=(*lead, ("  ", "")))
        yield FormLine(key, LineKind.SECTION, lines[0], right, section.path, True, section)
        for number, pieces in enumerate(lines[1:], start=1):
            yield FormLine(f"{key}#{number}", LineKind.FIELDS, pieces)
        if section.kind in _RULES and not is_folded:
            yield from problem_lines(fields, width)
        if section.problem and not is_folded:
            yield from sentence_lines(f"{key}:problem", section.problem, MARGIN, width)

    # ------------------------------------------------------------------------------------------ rules

    def _rules(self, section: FormSection, rows: Sequence[RuleRow], width: int) -> Iterator[FormLine]:
        for row in rows:
            yield from self._remembered_rule(row, width)
        members = next((field for field in section.fields if field.kind == "members"), None)
        yield _add_line(section.path)
        if members is not None and members.problem and not section.problem:
            yield from sentence_lines(f"field:{members.path}:problem", members.problem, 4, width)

    def _unused(self, rows: Sequence[RuleRow], width: int) -> Iterator[FormLine]:
        if rows:
            yield FormLine(
                "unused", LineKind.NOTE, (("  not used: Space puts one into the rules above", "dim"),)
            )
        for row in rows:
            yield from self._remembered_rule(row, width)

    def _remembered_rule(self, row: RuleRow, width: int) -> tuple[FormLine, ...]:
        return self._remembered(f"rule:{row.path}", (row, width), lambda: self._rule(row, width))

    def _rule(self, row: RuleRow, width: int) -> Iterator[FormLine]:
        key = f"rule:{row.path}"
        indent = MARGIN + 2 * row.depth
        glyph: Part = ("● ", "live") if row.enabled and row.place else ("○ ", "stale")
        if row.kind == "missing":
            glyph = ("× ", "bad")
        lead: Line = ((" " * indent, ""), glyph)
        right: Line = () if row.enabled else ((" off", "warning"),)
        lines = packed(self._sentence(row), width - length_of(right), indent + 4, lead=lead)
        if row.note:
            used = sum(
                piece.width if isinstance(piece, FormCell) else cell_len(piece[0]) for piece in lines[0]
            )
            room = width - used - length_of(right) - 3
            right = (
                (f" {cut(row.note.splitlines()[0], room)}" if room > _SHORTEST_NOTE else "", "dim"),
                *right,
            )
        yield FormLine(key, LineKind.RULE, lines[0], right, row.path, True, None, row)
        for number, pieces in enumerate(lines[1:], start=1):
            yield FormLine(f"{key}#{number}", LineKind.RULE, pieces, (), row.path, False, None, row)
        yield from problem_lines(row.fields, width)
        if row.problem and all(row.problem != field.problem for field in row.fields):
            yield from sentence_lines(f"{key}:problem", row.problem, indent + 2, width)

    def _sentence(self, row: RuleRow) -> list[Atom]:
        parts, missing = holes(row.text, row.fields)
        paths = tuple(field.path for field in row.fields)
        if missing:
            known = self._sentences.get(row.node)
            if known is not None and known[0] == paths:
                parts = [row.fields[part] if isinstance(part, int) else part for part in known[1]]
                missing = []
        else:
            shape = [row.fields.index(part) if isinstance(part, FormField) else part for part in parts]
            self._sentences[row.node] = (paths, shape)
        tone = "text" if row.enabled else "stale"
        return _sentence_atoms(parts, missing, "bold" if row.kind == "group" else tone)


def _told_apart(lines: Iterator[FormLine]) -> Iterator[FormLine]:
    """The lines with a number behind a key that was there before: a group that is used twice is shown twice."""
    seen: dict[str, int] = {}
    for line in lines:
        seen[line.key] = count = seen.get(line.key, 0) + 1
        yield line if count == 1 else replace(line, key=f"{line.key} {count}")


def _sentence_atoms(parts: Sequence[str | FormField], missing: Sequence[FormField], tone: str) -> list[Atom]:
    """Words and cells one by one, so that a long sentence is broken anywhere but between a word and its comma."""
    atoms: list[Atom] = []
    glued = True
    for part in parts:
        if isinstance(part, FormField):
            atoms.append(Atom((), part, (), cell_width(part, inline=True), 0 if glued else 1))
            glued = True
            continue
        words = part.split()
        for number, word in enumerate(words):
            tight = number == 0 and glued and not part.startswith(" ")
            atoms.append(Atom(((word, tone),), gap=0 if tight else 1))
        glued = not part.endswith(" ") if words else False
    atoms += [
        Atom(((f"{field.label} ", "dim"),), field, (), cell_width(field, inline=True), 2) for field in missing
    ]
    return atoms


def _rows_by_section(rows: Sequence[RuleRow]) -> dict[str, tuple[RuleRow, ...]]:
    """The rows of each section, unused ones by "": members of groups stand with the group, wherever that is one."""
    found: dict[str, list[RuleRow]] = {}
    place = ""
    for row in rows:
        if row.depth == 0:
            place = row.place
        found.setdefault(place, []).append(row)
    return {place: tuple(each) for place, each in found.items()}


def _add_line(place: str) -> FormLine:
    what = "add rule (n)" if place == "entry" else "add exit rule (n)"
    return FormLine(f"add:{place}", LineKind.ADD, (("  + ", "key"), (what, "dim")), (), place, head=True)


def _combination(field: FormField) -> Atom:
    """How the members become one, on the header: the kind says itself what it is, the rest is labelled."""
    if field.path.endswith(".combine"):
        return Atom((), field, (), cell_width(field), 0)
    return Atom(((f"{field.label} ", label_tone(field)),), field, unit_of(field), cell_width(field), 2)


def _state(section: FormSection, rows: Sequence[RuleRow]) -> Line:
    """What stands at the right end of a header: errors, how many rules are on, whether the node is on."""
    wrong = sum(bool(field.problem) for field in section.fields) + bool(section.problem)
    wrong += sum(bool(row.problem) or any(field.problem for field in row.fields) for row in rows)
    parts: list[Part] = [(f"  × {wrong}", "bad")] if wrong else []
    own = [row for row in rows if row.depth == 0]
    if section.kind in _RULES and own:
        parts.append((f"  {sum(row.enabled for row in own)} on", "dim"))
    if section.switchable:
        parts.append(("  ● on" if section.enabled else "  ○ off", "live" if section.enabled else "warning"))
    return tuple(parts)


def _summary(fields: Sequence[FormField], rows: Sequence[RuleRow]) -> str:
    """A folded section in short: its rules, or the values that were given, or the defaults."""
    if rows:
        return " · ".join(row.text for row in rows if row.depth == 0)
    said = ("@name", ".use", ".combine")
    told = [field for field in fields if not field.path.endswith(said)]
    given = [field for field in told if field.text and field.text != "none"]
    shown = given or [field for field in told if field.default and field.default != "none"]
    texts = []
    for field in shown:
        unit = f" {field.unit}" if field.unit else ""
        texts.append(f"{field.label} {shown_text(field)[0]}{unit}")
    return " · ".join(texts) or "none"
