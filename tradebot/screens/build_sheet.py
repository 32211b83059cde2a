"""The form drawn line by line, with a cursor on lines and cells; only lines that changed are painted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tradebot.screens.build_lines import FormCell, FormLine, LineKind, draw_cell, verbs_of
from tradebot.screens.widgets.palette import Part, palette_of, spread, to_strip

__all__ = ["FormSheet"]

_HEAD = -1
_BEGINS_A_NUMBER = frozenset("0123456789.")


class FormSheet(ScrollView, can_focus=True):
    """Lines of a form. The cursor is on a line's head (-1) or on one of its cells, and stays there by key and path
    when other lines come. It draws and walks; what is to be done is told by messages."""

    DEFAULT_CSS = "FormSheet { overflow-x: hidden; scrollbar-size-vertical: 1; height: 1fr; width: 1fr; }"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "edit", id="form.open"),
        Binding("space", "switch", "on/off", key_display="Space", id="form.toggle"),
        Binding("x,delete", "verb('remove')", "remove", key_display="x", id="form.remove"),
        Binding("d", "verb('duplicate')", "duplicate", show=False, id="form.duplicate"),
        Binding(
            "J,shift+down", "verb('down')", "move down", show=False, key_display="J", id="form.move_down"
        ),
        Binding("K,shift+up", "verb('up')", "move up", show=False, key_display="K", id="form.move_up"),
        Binding("plus,equals_sign", "step(1)", "change", key_display="+-", id="form.more"),
        Binding("minus", "step(-1)", "less", show=False, key_display="-", id="form.less"),
        Binding("e", "verb('note')", "note", show=False, id="form.note"),
        Binding("w", "verb('wrap')", "into a group", show=False, id="form.wrap"),
        Binding("left,h", "aside(-1)", "left", show=False, id="form.left"),
        Binding("right,l", "aside(1)", "right", show=False, id="form.right"),
        Binding("up,k", "walk(-1)", "up", show=False, id="form.up"),
        Binding("down,j", "walk(1)", "down", show=False, id="form.down"),
        Binding("pageup", "page(-1)", "page up", show=False, id="form.page_up"),
        Binding("pagedown", "page(1)", "page down", show=False, id="form.page_down"),
        Binding("home,g", "edge(-1)", "first line", show=False, id="form.first"),
        Binding("end,G", "edge(1)", "last line", show=False, id="form.last"),
    ]

    class Moved(Message):
        """The cursor is elsewhere, or what is under it changed."""

    class Scrolled(Message):
        """Other lines are in view."""

    class Opened(Message):
        """Enter was pressed on a line or cell; `text` is what the person began to type there, if so."""

        def __init__(self, line: FormLine, cell: FormCell | None, text: str | None = None) -> None:
            super().__init__()
            self.line = line
            self.cell = cell
            self.text = text

    class Verb(Message):
        """Something is to be done with the line: toggle, remove, duplicate, up, down, note or wrap."""

        def __init__(self, verb: str, line: FormLine) -> None:
            super().__init__()
            self.verb = verb
            self.line = line

    class Stepped(Message):
        """The value of the cell is to become the next (1) or the previous (-1) one."""

        def __init__(self, cell: FormCell, step: int) -> None:
            super().__init__()
            self.cell = cell
            self.step = step

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id)
        self._lines: tuple[FormLine, ...] = ()
        self._at = 0
        self._cell = _HEAD
        self._goal = 0
        self.editing = ""

    # ------------------------------------------------------------------------------------------ content

    @property
    def lines(self) -> tuple[FormLine, ...]:
        """What is drawn."""
        return self._lines

    @property
    def line(self) -> FormLine | None:
        """The line under the cursor."""
        return self._lines[self._at] if self._at < len(self._lines) else None

    @property
    def cell(self) -> FormCell | None:
        """The cell under the cursor; None on the head of a line."""
        cells = self.line.cells if self.line is not None else ()
        return cells[self._cell] if 0 <= self._cell < len(cells) else None

    @property
    def plain(self) -> str:
        """What is drawn, as text."""
        return "\n".join(
            "".join(text for text, _ in self._parts(n)).rstrip() for n in range(len(self._lines))
        )

    def show(self, lines: Sequence[FormLine]) -> None:
        """Take other lines; the cursor keeps its place by key and path, and what looks the same is not painted."""
        before, mark = self._lines, self._mark()
        self._lines = tuple(lines)
        self._return_to(mark)
        pairs = enumerate(zip(before, self._lines, strict=False))
        changed = [number for number, (old, new) in pairs if old is not new and old != new]
        if len(before) != len(self._lines):
            self.virtual_size = Size(0, len(self._lines))
            self._refresh_from(min((*changed, len(before), len(self._lines))))
        else:
            for number in changed:
                self._refresh_row(number)
        self.refresh_bindings()
        self.post_message(self.Moved())

    def _mark(self) -> tuple[str, str, int]:
        line, cell = self.line, self.cell
        return (line.key if line is not None else "", cell.field.path if cell is not None else "", self._at)

    def _return_to(self, mark: tuple[str, str, int]) -> None:
        key, path, at = mark
        for number, line in enumerate(self._lines):
            paths = [cell.field.path for cell in line.cells]
            if path and path in paths:
                self._at, self._cell = number, paths.index(path)
                return
        for number, line in enumerate(self._lines):
            if line.key == key and line.stops:
                self._at, self._cell = number, _HEAD if line.head else 0
                return
        self._at = self._nearest(min(at, len(self._lines) - 1))
        self._cell = _HEAD if self.line is None or self.line.head else 0

    def _nearest(self, at: int) -> int:
        """The stop at or above a line, or else the first below it."""
        order = (*range(at, -1, -1), *range(at + 1, len(self._lines)))
        return next((n for n in order if 0 <= n < len(self._lines) and self._lines[n].stops), 0)

    # ------------------------------------------------------------------------------------------ cursor

    def find(self, path: str) -> tuple[int, int] | None:
        """Line and cell of a field's path, or of the node, rule or section nearest above it; None where none fits."""
        best, found = 0, None
        for number, line in enumerate(self._lines):
            stops = [(cell.field.path, place) for place, cell in enumerate(line.cells)]
            stops += [(own, _HEAD) for own in self._names(line) if line.head]
            for own, place in stops:
                if own == path:
                    return number, place
                if path.startswith(f"{own}.") and len(own) > best:
                    best, found = len(own), (number, place)
        return found

    @staticmethod
    def _names(line: FormLine) -> tuple[str, ...]:
        node = line.row.node if line.row is not None else ""
        return tuple(name for name in (line.path, node) if name and line.kind is not LineKind.ADD)

    def go(self, at: int, cell: int = _HEAD) -> None:
        """Put the cursor somewhere and scroll it into view."""
        if not self._lines:
            return
        at = min(max(at, 0), len(self._lines) - 1)
        line = self._lines[at]
        old = self._at
        self._at = at
        self._cell = min(max(cell, _HEAD if line.head else 0), len(line.cells) - 1)
        if self.cell is not None:
            self._goal = self.cell.start
        for number in {old, at}:
            self._refresh_row(number)
        self._scroll_to_cursor()
        self.refresh_bindings()
        self.post_message(self.Moved())

    def go_to_key(self, key: str) -> bool:
        """Put the cursor on the line of a key."""
        for number, line in enumerate(self._lines):
            if line.key == key:
                self.go(number)
                return True
        return False

    def next_cell(self, step: int) -> FormCell | None:
        """Move to the next or previous cell of the whole form, and give it back; None where there is none."""
        stops = [(n, c) for n, line in enumerate(self._lines) for c in range(len(line.cells))]
        here = (self._at, self._cell)
        later = (
            [stop for stop in stops if stop > here] if step > 0 else [stop for stop in stops if stop < here]
        )
        if not later:
            return None
        self.go(*(later[0] if step > 0 else later[-1]))
        return self.cell

    def action_walk(self, step: int) -> None:
        """To the line above or below: to its head, or to the cell nearest to where the cursor was."""
        at = self._at + step
        while 0 <= at < len(self._lines) and not self._lines[at].stops:
            at += step
        if not 0 <= at < len(self._lines):
            self.scroll_to(y=0 if step < 0 else len(self._lines), animate=False)
            return
        line, goal = self._lines[at], self._goal
        inside = self._cell > _HEAD or not line.head
        near = min(range(len(line.cells)), key=lambda n: abs(line.cells[n].start - goal), default=_HEAD)
        self.go(at, near if inside and not (line.head and step) else _HEAD)
        self._goal = goal

    def action_aside(self, step: int) -> None:
        """To the cell on the left or right; on a section's title it folds and unfolds."""
        line = self.line
        if line is None:
            return
        if line.kind is LineKind.SECTION and (not line.cells or (step < 0 and self._cell == _HEAD)):
            self.post_message(self.Verb("unfold" if step > 0 else "fold", line))
            return
        cell = self._cell + step
        if cell >= len(line.cells) and self._continues(self._at + 1):
            self.go(self._at + 1, 0)
        elif cell < (_HEAD if line.head else 0) and self._continues(self._at):
            self.go(self._at - 1, 99)
        else:
            self.go(self._at, cell)

    def _continues(self, at: int) -> bool:
        """Whether the line is the rest of the one above it."""
        return at < len(self._lines) and "#" in self._lines[at].key and self._lines[at].stops

    def action_page(self, step: int) -> None:
        """A page up or down."""
        at = min(max(self._at + step * max(1, self.size.height - 2), 0), len(self._lines) - 1)
        self.go(self._nearest(at))

    def action_edge(self, step: int) -> None:
        """To the first or last line."""
        self.go(self._nearest(0 if step < 0 else len(self._lines) - 1))

    def _scroll_to_cursor(self) -> None:
        room, top = max(1, self.size.height), round(self.scroll_y)
        below = self._at
        while (
            below + 1 < len(self._lines) and ":problem" in self._lines[below + 1].key and below < self._at + 3
        ):
            below += 1
        above = 0 if all(not line.stops for line in self._lines[: self._at]) else self._at
        if above < top:
            self.scroll_to(y=above, animate=False, immediate=True)
        elif below >= top + room:
            self.scroll_to(y=below - room + 1, animate=False, immediate=True)

    # ------------------------------------------------------------------------------------------ verbs

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what the line under the cursor can do."""
        line, cell = self.line, self.cell
        match action:
            case "open":
                return line is not None
            case "step":
                return cell is not None and cell.field.kind in {"int", "float", "bool", "choice"}
            case "switch":
                return line is not None and (
                    "toggle" in verbs_of(line) or (cell is not None and _is_switch(cell))
                )
            case "verb":
                return line is not None and str(parameters[0]) in verbs_of(line)
            case _:
                return super().check_action(action, parameters)

    def action_open(self) -> None:
        """Edit the value, go into the line, fold or unfold the section."""
        if self.line is not None:
            self.post_message(self.Opened(self.line, self.cell))

    def action_switch(self) -> None:
        """Flip the switch under the cursor, else switch the rule or node on or off."""
        if self.cell is not None and _is_switch(self.cell):
            self.post_message(self.Stepped(self.cell, 1))
        elif self.line is not None:
            self.post_message(self.Verb("toggle", self.line))

    def action_verb(self, verb: str) -> None:
        """Do something with the line."""
        if self.line is not None:
            self.post_message(self.Verb(verb, self.line))

    def action_step(self, step: int) -> None:
        """The next or previous value."""
        if self.cell is not None:
            self.post_message(self.Stepped(self.cell, step))

    def on_key(self, event: events.Key) -> None:
        """A digit on a number begins to type it."""
        if event.character in _BEGINS_A_NUMBER and self.line is not None and self.cell is not None:
            field = self.cell.field
            if field.kind in {"int", "float"} or (field.kind == "series" and event.character != "."):
                event.stop().prevent_default()
                self.post_message(self.Opened(self.line, self.cell, event.character))

    def on_click(self, event: events.Click) -> None:
        """A click puts the cursor there; on a cell that has it already, or on a title, it opens."""
        at = event.y + round(self.scroll_y)
        if at >= len(self._lines) or not self._lines[at].stops:
            return
        line = self._lines[at]
        hit = next(
            (n for n, cell in enumerate(line.cells) if cell.start <= event.x < cell.start + cell.width), _HEAD
        )
        again = (at, hit) == (self._at, self._cell) and self.has_focus
        self.go(at, hit)
        if again or (hit == _HEAD and line.kind is not LineKind.RULE):
            self.action_open()

    # ------------------------------------------------------------------------------------------ drawing

    def render_line(self, y: int) -> Strip:
        """One line of the form."""
        width = self.scrollable_content_region.width
        number = y + round(self.scroll_y)
        parts = self._parts(number) if number < len(self._lines) else []
        ground = ""
        if number == self._at and self._cell == _HEAD and self.line is not None and self.line.head:
            ground = "on-cursor" if self.has_focus else "on-cursor-blur"
            parts = [(text, tone if "on-" in tone else f"{tone} {ground}".strip()) for text, tone in parts]
        return to_strip(parts, width, palette_of(self.app), fill=ground).apply_style(self.rich_style)

    def _parts(self, number: int) -> list[Part]:
        line, here = self._lines[number], number == self._at
        parts: list[Part] = []
        place = 0
        for piece in line.pieces:
            if isinstance(piece, FormCell):
                selected = here and place == self._cell
                parts.extend(_pointed(draw_cell(piece, selected=selected, focused=self.has_focus), selected))
                place += 1
            else:
                parts.append(piece)
        if (
            here
            and self._cell == _HEAD
            and line.kind is not LineKind.SECTION
            and parts
            and parts[0][0].startswith(" ")
        ):
            parts[0] = ("▸" + parts[0][0][1:], "accent")
        if line.right:
            return list(spread(tuple(parts), line.right, max(1, self.size.width - 2)))
        return parts

    def cell_region(self, path: str) -> Region | None:
        """Where the cell of a path is drawn, in this widget; None while it is out of sight."""
        for number, line in enumerate(self._lines):
            for cell in line.cells:
                if cell.field.path == path:
                    y = number - round(self.scroll_y)
                    return Region(cell.start, y, cell.width, 1) if 0 <= y < self.size.height else None
        return None

    def _refresh_row(self, number: int) -> None:
        y = number - round(self.scroll_y)
        if 0 <= y < self.size.height:
            self.refresh(Region(0, y, self.size.width, 1))

    def _refresh_from(self, number: int) -> None:
        y = max(0, number - round(self.scroll_y))
        if y < self.size.height:
            self.refresh(Region(0, y, self.size.width, self.size.height - y))

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Tell that other lines are in view."""
        super().watch_scroll_y(old_value, new_value)
        if round(old_value) != round(new_value):
            self.post_message(self.Scrolled())

    def notify_style_update(self) -> None:
        """Paint again in the colours of another theme."""
        super().notify_style_update()
        self.refresh()

    def _on_focus(self, event: events.Focus) -> None:
        super()._on_focus(event)
        self._refresh_row(self._at)

    def _on_blur(self, event: events.Blur) -> None:
        super()._on_blur(event)
        self._refresh_row(self._at)


def _is_switch(cell: FormCell) -> bool:
    return cell.field.kind == "bool"


def _pointed(parts: Sequence[Part], selected: bool) -> list[Part]:
    """The cell under the cursor begins with a pointer, so that it is not told by its colour alone."""
    if not selected or not parts or not parts[0][0].startswith(" "):
        return list(parts)
    text, tone = parts[0]
    ground = next((word for word in tone.split() if word.startswith("on-")), "")
    return [("▸", f"accent {ground}".strip()), (text[1:], tone), *parts[1:]]
