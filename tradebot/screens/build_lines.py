"""What a line of the form consists of: text and cells, how they are packed into a width, how a cell looks."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from rich.cells import cell_len, set_cell_size

from tradebot.engine.messages import FormField, FormSection, RuleRow
from tradebot.screens.widgets.palette import Line, Part, line_length

__all__ = [
    "Atom",
    "FormCell",
    "FormLine",
    "LineKind",
    "cell_width",
    "draw_cell",
    "holes",
    "packed",
    "shown_text",
    "verbs_of",
]

_NUMBER_CELL = 7
_SWITCH_CELL = 8
_WIDEST_CHOICE = 18
_AROUND_CHOICE = 4
_TYPED = frozenset({"int", "float", "text"})
_LONG = frozenset({"text", "symbols", "members"})


class LineKind(StrEnum):
    """What a line is: verbs and the cursor depend on it."""

    SECTION = "section"
    FIELDS = "fields"
    RULE = "rule"
    ADD = "add"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class FormCell:
    """A value on a line: its field, its first column and its width there."""

    field: FormField
    start: int
    width: int

    @property
    def typed(self) -> bool:
        """Whether its value is typed letter by letter rather than picked."""
        return self.field.kind in _TYPED


@dataclass(frozen=True, slots=True)
class FormLine:
    """One line of the form.

    `key` tells it from all others whatever is edited; `path` is what verbs act on: a node, a member's place
    (`entry.signals.2`), a target (`risk.take_profit.2`), for an ADD line the place rules are added to. A line with a
    `head` can hold the cursor itself, others only in their cells.
    """

    key: str
    kind: LineKind
    pieces: tuple[Part | FormCell, ...] = ()
    right: Line = ()
    path: str = ""
    head: bool = False
    section: FormSection | None = None
    row: RuleRow | None = None

    @property
    def cells(self) -> tuple[FormCell, ...]:
        """Its cells, from left to right."""
        return tuple(piece for piece in self.pieces if isinstance(piece, FormCell))

    @property
    def stops(self) -> bool:
        """Whether the cursor can be on it."""
        return self.head or bool(self.cells)


@dataclass(frozen=True, slots=True)
class Atom:
    """Text and at most one cell that stay together when a line is broken; `gap` blanks stand before it, not first."""

    before: Line = ()
    field: FormField | None = None
    after: Line = ()
    width: int = 0
    gap: int = 1

    @property
    def length(self) -> int:
        """Cells of the terminal it takes, without the gap."""
        return line_length(self.before) + self.width + line_length(self.after)


def packed(
    atoms: Sequence[Atom], width: int, indent: int, *, lead: Line = ()
) -> list[tuple[Part | FormCell, ...]]:
    """The atoms in lines of at most `width`; the first begins with `lead`, the next ones with `indent` blanks."""
    lines: list[tuple[Part | FormCell, ...]] = []
    pieces: list[Part | FormCell] = list(lead)
    at = line_length(lead)
    fresh = True
    for atom in atoms:
        gap = 0 if fresh else atom.gap
        if not fresh and at + gap + atom.length > width:
            lines.append(tuple(pieces))
            pieces, at, gap = [(" " * indent, "")], indent, 0
        if gap:
            pieces.append((" " * gap, ""))
        at += gap
        pieces.extend(atom.before)
        at += line_length(atom.before)
        if atom.field is not None:
            room = max(4, min(atom.width, width - at))
            pieces.append(FormCell(atom.field, at, room))
            at += room
        pieces.extend(atom.after)
        at += line_length(atom.after)
        fresh = False
    lines.append(tuple(pieces))
    return lines


def verbs_of(line: FormLine) -> frozenset[str]:
    """What can be done with a line."""
    row, section = line.row, line.section
    if row is not None:
        if row.kind == "missing":
            return frozenset({"remove"})
        placed = {"up", "down", "wrap"} if row.place else set()
        return frozenset({"toggle", "remove", "duplicate", "note", *placed})
    if section is not None:
        switch = {"toggle"} if section.switchable else set()
        return frozenset({"remove", "duplicate", "up", "down", "note", *switch} if section.removable and switch else
                         {"remove"} if section.removable else ())  # fmt: skip
    target = line.kind is LineKind.FIELDS and bool(line.path)
    return frozenset({"remove", "duplicate", "up", "down"} if target else ())


# ---------------------------------------------------------------------------------------------- cells


def shown_text(field: FormField) -> tuple[str, bool]:
    """What a cell shows, and whether that is only the default."""
    text = field.text or field.default
    if field.kind == "choice" and len(field.choice_labels) == len(field.choices) and text in field.choices:
        text = field.choice_labels[field.choices.index(text)]
    return text, not field.text


def cell_width(field: FormField, *, inline: bool = False) -> int:
    """How wide the cell of a field is; 0 for one that takes the rest of its line.

    `inline` is a cell within a sentence: as wide as what it holds, so that the sentence stays readable.
    """
    text = shown_text(field)[0]
    if field.kind == "bool":
        return _SWITCH_CELL
    if field.kind in {"int", "float"}:
        return max(5 if inline else _NUMBER_CELL, cell_len(field.text) + 2, cell_len(field.default) + 2)
    if field.kind == "choice" and not inline:
        labels = field.choice_labels or field.choices
        widest = max((cell_len(label) for label in labels), default=6)
        return min(max(widest, cell_len(text), 4), _WIDEST_CHOICE) + _AROUND_CHOICE
    if field.kind in _LONG:
        return 0
    return min(max(cell_len(text), 4), _WIDEST_CHOICE) + _AROUND_CHOICE


def draw_cell(cell: FormCell, *, selected: bool, focused: bool) -> Line:
    """A cell's parts, exactly as wide as it is: the value, dimmed where it is only the default, `▾` where it opens."""
    field, width = cell.field, cell.width
    text, default = shown_text(field)
    ground = ("on-cursor bold" if focused else "on-cursor-blur") if selected else "on-panel"
    tone = "bad" if field.problem else "dim" if default else "text"
    if field.kind == "bool":
        on = text == "true"
        tone = "bad" if field.problem else "good" if on and not default else "dim" if default else "text"
        return ((set_cell_size(" [x] on" if on else " [ ] off", width), f"{tone} {ground}"),)
    opens = not cell.typed
    room = max(1, width - (_AROUND_CHOICE - 1 if opens else 1))
    if not text and opens:
        text = "none picked" if field.kind == "members" else "-"
    if cell_len(text) > room:
        text = set_cell_size(text, max(1, room - 2)) + ".."
    body = f" {set_cell_size(text, room)}"
    parts: list[Part] = [(body, f"{tone} {ground}")]
    if opens:
        parts.append(("▾ ", f"key {ground}"))
    return tuple(parts)


# ---------------------------------------------------------------------------------------------- sentences


def holes(text: str, fields: Sequence[FormField]) -> tuple[list[str | FormField], list[FormField]]:
    """A rule's sentence with its fields where their values stand in it, and the fields that are not in it.

    "RSI 14 below 30" with the fields 14 and 30 gives ["RSI ", 14, " below ", 30]. A value stands where it is a word of
    its own; the first such place that no other field has taken.
    """
    taken: list[tuple[int, int, FormField]] = []
    missing: list[FormField] = []
    for field in fields:
        for wanted in dict.fromkeys((shown_text(field)[0], field.text or field.default)):
            place = next(_places(text, wanted, taken), None) if wanted else None
            if place is not None:
                taken.append((*place, field))
                break
        else:
            missing.append(field)
    parts: list[str | FormField] = []
    at = 0
    for start, end, field in sorted(taken, key=lambda each: each[0]):
        if start > at:
            parts.append(text[at:start])
        parts.append(field)
        at = end
    if at < len(text):
        parts.append(text[at:])
    return parts, missing


def _places(text: str, wanted: str, taken: list[tuple[int, int, FormField]]) -> Iterator[tuple[int, int]]:
    for found in re.finditer(rf"(?<![\w.]){re.escape(wanted)}(?![\w]|\.\d)", text):
        start, end = found.span()
        if all(end <= first or start >= last for first, last, _ in taken):
            yield start, end
