"""The form of a strategy laid out in lines for a width: sections, fields in columns, rules as sentences."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from rich.cells import cell_len, set_cell_size

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

__all__ = ["NODE_KINDS", "FormLayout", "place_title"]

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


def place_title(place: str) -> str:
    """How a place that rules are added to is called: `entry`, `exit` or `groups.<name>`."""
    return _TITLES.get(place, place.removeprefix("groups."))


class FormLayout:
    """Lays views out. It remembers where the values stand in each rule's sentence, so that a value that is wrong for
    the moment, and so no longer part of the sentence, is not moved away from under the cursor."""

    def __init__(self) -> None:
        self._sentences: dict[str, tuple[tuple[str, ...], list[str | int]]] = {}

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
        after_open = False
        for section in shown:
            rows = [row for row in view.rows if _section_of(row, view.rows) == section.path]
            if section.kind == "exit" and not rows and not nodes and not section.problem:
                continue  # its line to add a rule stands at the end of the exits
            is_folded = folded(section)
            if after_open or (not is_folded and section is not shown[0]):
                yield FormLine(f"gap:{section.path}", LineKind.NOTE)
            after_open = not is_folded
            fields = [
                field for field in section.fields if section.kind not in _RULES or field.kind != "members"
            ]
            yield from self._header(section, fields, rows, width, is_folded)
            if is_folded:
                continue
            if section.kind in _RULES:
                yield from self._rules(section, rows, width)
                if section.kind == "entry":
                    yield from self._unused(view, width)
            else:
                yield from field_lines(fields, width)
            if section.kind == "exits" and not any(row.place == "exit" for row in view.rows) and not nodes:
                yield _add_line("exit")

    # ------------------------------------------------------------------------------------------ headers

    def _header(
        self, section: FormSection, fields: list[FormField], rows: list[RuleRow], width: int, is_folded: bool
    ) -> Iterator[FormLine]:
        title = _TITLES.get(section.kind, section.title)
        name, dot, kind = title.partition(" · ")
        tone = "bold primary" if section.enabled else "stale"
        lead: list[Part] = [("▸ " if is_folded else "▾ ", "key"), (name, tone)]
        if dot:
            lead.append((f" · {kind}", "text" if section.enabled else "stale"))
        right = _state(section, rows)
        key = f"section:{section.path}"
        common = {"path": section.path, "head": True, "section": section}
        if is_folded:
            room = max(0, width - length_of(tuple(lead)) - length_of(right) - 3)
            lead.append((f"   {cut(_summary(fields, rows), room)}", "dim"))
            yield FormLine(key, LineKind.SECTION, tuple(lead), right, **common)  # type: ignore[arg-type]  # as named
        elif section.kind in _RULES:
            atoms = [_combination(field) for field in fields]
            lead.append(("  ", ""))
            for number, pieces in enumerate(packed(atoms, width - length_of(right), 4, lead=tuple(lead))):
                if number == 0:
                    yield FormLine(key, LineKind.SECTION, pieces, right, **common)  # type: ignore[arg-type]  # as named
                else:
                    yield FormLine(f"{key}#{number}", LineKind.FIELDS, pieces)
            yield from problem_lines(fields, width)
        else:
            yield FormLine(key, LineKind.SECTION, tuple(lead), right, **common)  # type: ignore[arg-type]  # as named
        own = section.problem
        if own and not is_folded:
            yield from sentence_lines(f"{key}:problem", own, MARGIN, width)

    # ------------------------------------------------------------------------------------------ rules

    def _rules(self, section: FormSection, rows: list[RuleRow], width: int) -> Iterator[FormLine]:
        for row in rows:
            yield from self._rule(row, width)
        members = next((field for field in section.fields if field.kind == "members"), None)
        yield _add_line(section.path)
        if members is not None and members.problem and not section.problem:
            yield from sentence_lines(f"field:{members.path}:problem", members.problem, 4, width)

    def _unused(self, view: FormView, width: int) -> Iterator[FormLine]:
        rows = [row for row in view.rows if not row.place and row.depth == 0]
        if rows:
            yield FormLine(
                "unused", LineKind.NOTE, (("  not used: Space puts one into the rules above", "dim"),)
            )
        for row in rows:
            yield from self._rule(row, width)

    def _rule(self, row: RuleRow, width: int) -> Iterator[FormLine]:
        key = f"rule:{row.path}"
        indent = MARGIN + 2 * row.depth
        glyph: Part = ("● ", "live") if row.enabled and row.place else ("○ ", "stale")
        if row.kind == "missing":
            glyph = ("× ", "bad")
        lead: Line = ((" " * indent, ""), glyph)
        right: Line = () if row.enabled else ((" off", "warning"),)
        atoms = self._sentence(row)
        for number, pieces in enumerate(packed(atoms, width - length_of(right), indent + 4, lead=lead)):
            if number == 0:
                note: Line = ((f" {row.note.splitlines()[0]}", "dim"),) if row.note else ()
                used = sum(
                    piece.width if isinstance(piece, FormCell) else cell_len(piece[0]) for piece in pieces
                )
                room = width - used - length_of(right) - 2
                shown = (
                    ((set_cell_size(note[0][0], max(0, min(room, cell_len(note[0][0])))), "dim"),)
                    if note
                    else ()
                )
                yield FormLine(key, LineKind.RULE, pieces, (*shown, *right), row.path, True, None, row)
            else:
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


def _section_of(row: RuleRow, rows: Sequence[RuleRow]) -> str:
    """The section a row is shown in: members of groups stand with the group, wherever that is a member."""
    if row.depth == 0:
        return row.place
    place = ""
    for each in rows:
        if each.depth == 0:
            place = each.place
        if each is row:
            return place
    return place


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
