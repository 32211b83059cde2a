"""The values of a section in columns: short ones side by side, choices with their own values behind them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.cells import cell_len, set_cell_size

from tradebot.engine.messages import FormField
from tradebot.screens.build_lines import Atom, FormCell, FormLine, LineKind, cell_width, packed
from tradebot.screens.widgets.palette import Line, Part, wrap

__all__ = [
    "MARGIN",
    "cut",
    "field_lines",
    "label_tone",
    "length_of",
    "problem_lines",
    "sentence_lines",
    "unit_of",
]

MARGIN = 2
_WIDEST_LABEL = 20
_BETWEEN = 3


def field_lines(fields: Sequence[FormField], width: int) -> Iterator[FormLine]:
    """Short fields in as many columns as fit; long ones and choices with values of their own on their own lines."""
    owned: dict[str, list[FormField]] = {}
    for field in fields:
        if field.owner:
            owned.setdefault(field.owner, []).append(field)
    runs: list[tuple[bool, list[FormField]]] = []
    for field in (each for each in fields if not each.owner):
        alone = field.path in owned or "none" in field.choices or cell_width(field) == 0
        if alone or not runs or runs[-1][0]:
            runs.append((alone, []))
        runs[-1][1].append(field)
    label_width = max((_label_width(run[:: _columns_of(run, width)]) for _, run in runs), default=0)
    for alone, run in runs:
        if alone:
            yield from _alone(run[0], owned.get(run[0].path, []), width, label_width)
        else:
            yield from _grid(run, width, label_width)


def _alone(field: FormField, values: list[FormField], width: int, label_width: int) -> Iterator[FormLine]:
    lead = _label(field, label_width)
    first = Atom((), field, unit_of(field), cell_width(field) or width - MARGIN - label_width - 2, 0)
    atoms = [first]
    for value in values:
        label = _short_label(value, field)
        atoms.append(
            Atom(
                ((f"{label} ", label_tone(value)),), value, unit_of(value), cell_width(value, inline=True), 2
            )
        )
    indent = MARGIN + label_width + 1
    number = field.path.rpartition(".")[2]
    for place, pieces in enumerate(packed(atoms, width, indent, lead=lead)):
        key = f"field:{field.path}" if place == 0 else f"field:{field.path}#{place}"
        yield FormLine(key, LineKind.FIELDS, pieces, path=field.path if number.isdigit() else "")
    yield from problem_lines((field, *values), width)


def _columns_of(fields: list[FormField], width: int, label_width: int = 0) -> int:
    """How many fields fit next to each other, at most four."""
    for columns in range(min(4, len(fields)), 1, -1):
        labels, cells = _columns(fields, columns)
        labels[0] = max(labels[0], label_width)
        if MARGIN + sum(labels) + sum(cells) + columns + _BETWEEN * (columns - 1) <= width:
            return columns
    return 1


def _grid(fields: list[FormField], width: int, label_width: int) -> Iterator[FormLine]:
    """Rows of as many fields as fit next to each other, columns aligned, read from left to right."""
    columns = _columns_of(fields, width, label_width)
    labels, cells = _columns(fields, columns)
    labels[0] = max(labels[0], label_width)
    for start in range(0, len(fields), columns):
        group = fields[start : start + columns]
        pieces: list[Part | FormCell] = []
        at = 0
        for number, field in enumerate(group):
            lead = _label(field, labels[number], margin=MARGIN if number == 0 else _BETWEEN)
            pieces.extend(lead)
            at += length_of(lead)
            room = max(4, min(cell_width(field), width - at))
            pieces.append(FormCell(field, at, room))
            unit = unit_of(field)
            rest = cells[number] - room - length_of(unit)
            pieces.extend((*unit, (" " * max(0, rest), "")))
            at += max(cells[number], room + length_of(unit))
        yield FormLine(f"field:{group[0].path}", LineKind.FIELDS, tuple(pieces))
        yield from problem_lines(group, width)


def _columns(fields: list[FormField], columns: int) -> tuple[list[int], list[int]]:
    """Width of the labels and of the cells with their units, for each column."""
    labels = [_label_width(fields[n::columns]) for n in range(columns)]
    cells = [
        max(cell_width(field) + length_of(unit_of(field)) for field in fields[n::columns])
        for n in range(columns)
    ]
    return labels, cells


def _label_width(fields: Sequence[FormField]) -> int:
    return min(_WIDEST_LABEL, max((cell_len(_label_text(field)) for field in fields), default=0))


def _label(field: FormField, width: int, margin: int = MARGIN) -> Line:
    return ((" " * margin, ""), (set_cell_size(_label_text(field), width) + " ", label_tone(field)))


def _label_text(field: FormField) -> str:
    """The label with a capital; its unit stands behind the cell and needs no word of its own."""
    text = field.label[:1].upper() + field.label[1:]
    return text.removesuffix(" percent") if field.unit == "%" else text


def _short_label(value: FormField, owner: FormField) -> str:
    """The label of a value behind its choice, without the choice's own name and without its unit."""
    label = value.label
    for prefix in (owner.label, owner.label.rstrip("0123456789 ")):
        if prefix and label.lower().startswith(f"{prefix.lower()} "):
            label = label[len(prefix) + 1 :]
            break
    return "" if value.unit == "%" and label == "percent" else label.removesuffix(" percent")


def label_tone(field: FormField) -> str:
    """The tone of a field's label."""
    return "bad" if field.problem else "text"


def unit_of(field: FormField) -> Line:
    """What stands behind a cell: its unit."""
    return ((f" {field.unit}", "dim"),) if field.unit else ()


def problem_lines(fields: Sequence[FormField], width: int) -> Iterator[FormLine]:
    """What is wrong with each of the fields, below the line they are on."""
    for field in fields:
        if field.problem:
            yield from sentence_lines(f"field:{field.path}:problem", field.problem, 4, width)


def sentence_lines(key: str, sentence: str, indent: int, width: int) -> Iterator[FormLine]:
    """A sentence about something wrong, broken at the width; its lines go by `key`."""
    for number, text in enumerate(wrap(sentence, max(20, width - indent - 2))):
        mark = "× " if number == 0 else "  "
        yield FormLine(f"{key}#{number}", LineKind.NOTE, ((" " * indent, ""), (mark + text, "bad")))


def cut(text: str, room: int) -> str:
    """The text, ended by two dots where it has no room."""
    return text if cell_len(text) <= room else set_cell_size(text, max(0, room - 2)).rstrip() + ".."


def length_of(line: Line) -> int:
    """Cells of the terminal that a line takes."""
    return sum(cell_len(text) for text, _ in line)
