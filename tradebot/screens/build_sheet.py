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

from tradebot.screens.build_cursor import HEAD, FormCursor
from tradebot.screens.build_lines import FormCell, FormLine, LineKind, draw_cell, verbs_of
from tradebot.screens.widgets.palette import Part, palette_of, spread, to_strip

__all__ = ["FormSheet"]

_SEEN_BELOW = 6
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
        self._cursor = FormCursor()

    # ------------------------------------------------------------------------------------------ content

    @property
    def lines(self) -> tuple[FormLine, ...]:
        """What is drawn."""
        return self._cursor.lines

    @property
    def line(self) -> FormLine | None:
        """The line under the cursor."""
        return self._cursor.line

    @property
    def at(self) -> int:
        """The number of the line under the cursor."""
        return self._cursor.at

    @property
    def cell(self) -> FormCell | None:
        """The cell under the cursor; None on the head of a line."""
        return self._cursor.cell

    @property
    def plain(self) -> str:
        """What is drawn, as text."""
        return "\n".join("".join(text for text, _ in self._parts(n)).rstrip() for n in range(len(self.lines)))

    def show(self, lines: Sequence[FormLine]) -> None:
        """Take other lines; the cursor keeps its place by key and path, and what looks the same is not painted."""
        before, now = self.lines, tuple(lines)
        old_at = self.at
        self._cursor.show(now)
        pairs = enumerate(zip(before, now, strict=False))
        changed = [number for number, (old, new) in pairs if old is not new and old != new]
        if len(before) != len(now):
            self.virtual_size = Size(0, len(now))
            self._refresh_from(min((*changed, old_at, len(before), len(now))))
        else:
            for number in {*changed, *((old_at, self.at) if old_at != self.at else ())}:
                self._refresh_row(number)
        self.refresh_bindings()
        self.post_message(self.Moved())

    # ------------------------------------------------------------------------------------------ cursor

    def find(self, path: str) -> tuple[int, int] | None:
        """Line and place of a field's path, or of the nearest thing above it; None where none fits."""
        return self._cursor.find(path)

    def go(self, at: int, place: int = HEAD, *, below: int = 0) -> None:
        """Put the cursor somewhere and scroll it into view, with that many lines below it."""
        old = self.at
        self._cursor.go(at, place)
        self._went(old, below)

    def _went(self, old: int, below: int = 0) -> None:
        for number in {old, self.at}:
            self._refresh_row(number)
        self._scroll_to_cursor(below)
        self.refresh_bindings()
        self.post_message(self.Moved())

    def go_to_key(self, key: str) -> bool:
        """Put the cursor on the line of a key."""
        number = self._cursor.find_key(key)
        if number is None:
            return False
        self.go(number, below=_SEEN_BELOW)
        return True

    def next_cell(self, step: int) -> FormCell | None:
        """Move to the next or previous cell of the whole form, and give it back; None where there is none."""
        found = self._cursor.next_cell(step)
        if found is None:
            return None
        self.go(*found)
        return self.cell

    def action_walk(self, step: int) -> None:
        """To the line above or below."""
        old = self.at
        if self._cursor.walk(step):
            self._went(old)
        else:
            self.scroll_to(y=0 if step < 0 else len(self.lines), animate=False)

    def action_aside(self, step: int) -> None:
        """To the cell on the left or right; on a section's title it folds and unfolds."""
        line, old = self.line, self.at
        if line is None:
            return
        if line.kind is LineKind.SECTION and (not line.cells or (step < 0 and self.cell is None)):
            self.post_message(self.Verb("unfold" if step > 0 else "fold", line))
            return
        self._cursor.aside(step)
        self._went(old)

    def action_page(self, step: int) -> None:
        """A page up or down."""
        at = min(max(self.at + step * max(1, self.size.height - 2), 0), len(self.lines) - 1)
        self.go(self._cursor.nearest(at))

    def action_edge(self, step: int) -> None:
        """To the first or last line."""
        self.go(self._cursor.nearest(0 if step < 0 else len(self.lines) - 1))

    def _scroll_to_cursor(self, lines_below: int) -> None:
        room, top, last = max(1, self.size.height), round(self.scroll_y), len(self.lines) - 1
        below = min(self.at + min(lines_below, room - 1), last)
        while below < last and ":problem" in self.lines[below + 1].key and below < self.at + 3:
            below += 1
        above = 0 if all(not line.stops for line in self.lines[: self.at]) else self.at
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
        if at >= len(self.lines) or not self.lines[at].stops:
            return
        line = self.lines[at]
        hit = next(
            (n for n, cell in enumerate(line.cells) if cell.start <= event.x < cell.start + cell.width), HEAD
        )
        again = (at, hit) == (self.at, self._cursor.place) and self.has_focus
        self.go(at, hit)
        if again or (hit == HEAD and line.kind is not LineKind.RULE):
            self.action_open()

    # ------------------------------------------------------------------------------------------ drawing

    def render_line(self, y: int) -> Strip:
        """One line of the form."""
        width = self.scrollable_content_region.width
        number = y + round(self.scroll_y)
        parts = self._parts(number) if number < len(self.lines) else []
        ground = ""
        if number == self.at and self._cursor.place == HEAD and self.line is not None and self.line.head:
            ground = "on-cursor" if self.has_focus else "on-cursor-blur"
            parts = [(text, tone if "on-" in tone else f"{tone} {ground}".strip()) for text, tone in parts]
        return to_strip(parts, width, palette_of(self.app), fill=ground).apply_style(self.rich_style)

    def _parts(self, number: int) -> list[Part]:
        line, here = self.lines[number], number == self.at
        parts: list[Part] = []
        place = 0
        for piece in line.pieces:
            if isinstance(piece, FormCell):
                selected = here and place == self._cursor.place
                parts.extend(_pointed(draw_cell(piece, selected=selected, focused=self.has_focus), selected))
                place += 1
            else:
                parts.append(piece)
        if (
            here
            and self._cursor.place == HEAD
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
        here_first = sorted(enumerate(self.lines), key=lambda each: each[0] != self.at)
        for number, line in here_first:
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
        self._refresh_row(self.at)

    def _on_blur(self, event: events.Blur) -> None:
        super()._on_blur(event)
        self._refresh_row(self.at)


def _is_switch(cell: FormCell) -> bool:
    return cell.field.kind == "bool"


def _pointed(parts: Sequence[Part], selected: bool) -> list[Part]:
    """The cell under the cursor begins with a pointer, so that it is not told by its colour alone."""
    if not selected or not parts or not parts[0][0].startswith(" "):
        return list(parts)
    text, tone = parts[0]
    ground = next((word for word in tone.split() if word.startswith("on-")), "")
    return [("▸", f"accent {ground}".strip()), (text[1:], tone), *parts[1:]]
