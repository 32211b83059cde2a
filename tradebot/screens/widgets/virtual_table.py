"""A table over any number of rows that draws only what is visible and paints only what changed."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

from rich.cells import cell_len
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tradebot.screens.widgets.palette import Line, Palette, Part, cut, palette_of, to_strip

__all__ = ["Cell", "Column", "VirtualTable"]

Row = TypeVar("Row")
Cell = str | Part | Line
_POINTER = "▸ "


@dataclass(frozen=True, slots=True)
class Column:
    """A column of `width` cells; `drop` > 0 lets it go when room is short, the highest first; `grow` takes the rest."""

    title: str
    width: int
    right: bool = False
    drop: int = 0
    grow: bool = False


class VirtualTable(ScrollView, Generic[Row], can_focus=True):
    """Rows of any sequence; `cells(row, width of each column)` is called for visible rows only.

    The cursor stays on its row, by `key`, when rows come, go or move. A row of None is still being fetched.
    """

    DEFAULT_CSS = """
    VirtualTable { overflow-x: hidden; scrollbar-size-vertical: 1; height: 1fr; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False, id="table.up"),
        Binding("down,j", "move(1)", "Down", show=False, id="table.down"),
        Binding("pageup", "page(-1)", "Page up", show=False, id="table.page_up"),
        Binding("pagedown", "page(1)", "Page down", show=False, id="table.page_down"),
        Binding("home,g", "first", "First row", show=False, id="table.first"),
        Binding("end,G", "last", "Last row", show=False, id="table.last"),
        Binding("enter", "choose", "Open", show=False, id="table.choose"),
    ]

    class Moved(Message):
        """The cursor is on another row."""

        def __init__(self, table: VirtualTable[Any], index: int) -> None:
            super().__init__()
            self.table = table
            self.index = index

        @property
        def control(self) -> VirtualTable[Any]:
            """The table, for `@on` selectors."""
            return self.table

    class Chosen(Moved):
        """Enter was pressed on a row, or the row under the cursor was clicked."""

    def __init__(
        self,
        columns: Sequence[Column],
        cells: Callable[[Row], Sequence[Cell]],
        key: Callable[[Row], Hashable],
        *,
        header: bool = True,
        id: str | None = None,  # noqa: A002 - Textual's own name
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self._columns = tuple(columns)
        self._cells = cells
        self._key = key
        self._header = 1 if header else 0
        self._rows: Sequence[Row | None] = ()
        self._cursor = 0
        self._cursor_key: Hashable | None = None
        self._awaited: Hashable | None = None
        self._widths: tuple[int, ...] = ()
        self._drawn: dict[int, tuple[object, Strip]] = {}
        self._empty: tuple[Line, ...] = ()
        self._titles: dict[str, str] = {}
        self._own_style: Style | None = None

    # ------------------------------------------------------------------------------------------ content

    @property
    def rows(self) -> Sequence[Row | None]:
        """All rows."""
        return self._rows

    @property
    def cursor(self) -> int:
        """Index of the row under the cursor."""
        return self._cursor

    @property
    def current(self) -> Row | None:
        """The row under the cursor; None in an empty table or while it is being fetched."""
        return self._rows[self._cursor] if self._cursor < len(self._rows) else None

    def show(self, rows: Sequence[Row | None], *, empty: Sequence[Line] = ()) -> None:
        """Take other rows; the cursor follows its row's key, and what looks the same is not painted."""
        before, said = len(self._rows), self._empty
        self._rows = rows
        self._empty = tuple(empty)
        moved = self._follow_cursor()
        if before != len(rows) or (not rows and said != self._empty):
            self._drawn.clear()
            self.virtual_size = Size(0, len(rows) + self._header)
            self.refresh()
        else:
            self._paint_changed()
        if moved:
            self.post_message(self.Moved(self, self._cursor))

    def retitle(self, title: str, shown: str) -> None:
        """Write something else above the column of that title."""
        if self._titles.get(title, title) != shown:
            self._titles[title] = shown
            self.refresh(Region(0, 0, self.size.width, 1))

    def repaint_rows(self) -> None:
        """Paint visible rows whose cells have changed though the rows themselves stayed."""
        self._paint_changed()

    @property
    def cursor_key(self) -> Hashable | None:
        """The key of the row under the cursor, or of the one that is awaited there."""
        return self._cursor_key if self._awaited is None else self._awaited

    def await_row(self, key: Hashable) -> None:
        """Put the cursor on the row of that key as soon as it is shown, unless the person moves it before."""
        self._awaited = key

    def move_to(self, index: int, *, quietly: bool = False) -> None:
        """Put the cursor on a row and scroll it into view."""
        if not self._rows:
            return
        self._awaited = None
        index = min(max(index, 0), len(self._rows) - 1)
        old, self._cursor = self._cursor, index
        row = self._rows[index]
        self._cursor_key = self._key(row) if row is not None else None
        self._scroll_to_cursor()
        for number in {old, index}:
            self._refresh_row(number)
        if old != index and not quietly:
            self.post_message(self.Moved(self, index))

    def _follow_cursor(self) -> bool:
        """Put the cursor back on its row; True where it had to go to another one."""
        rows, old_key = self._rows, self._cursor_key
        if not rows:
            self._cursor, self._cursor_key = 0, None
            return old_key is not None
        if self._awaited is not None and self._has_come():
            return True
        here = rows[self._cursor] if self._cursor < len(rows) else None
        if here is not None and old_key is not None and self._key(here) == old_key:
            return False
        if old_key is not None and isinstance(rows, (tuple, list)):
            for index, row in enumerate(rows):
                if row is not None and self._key(row) == old_key:
                    self._cursor = index
                    return False
        self._cursor = min(self._cursor, len(rows) - 1)
        row = rows[self._cursor]
        self._cursor_key = self._key(row) if row is not None else None
        return True

    def _has_come(self) -> bool:
        """Put the cursor on the row that is awaited, where it is among the rows."""
        found = (i for i, row in enumerate(self._rows) if row is not None and self._key(row) == self._awaited)
        index = next(found, None) if isinstance(self._rows, (tuple, list)) else None
        if index is None:
            return False
        self._cursor, self._cursor_key, self._awaited = index, self._awaited, None
        self.call_after_refresh(self._scroll_to_cursor)
        return True

    # ------------------------------------------------------------------------------------------ drawing

    def _paint_changed(self) -> None:
        size, above = self.size, round(self.scroll_y) - self._header
        bottom = min(size.height, len(self._rows) - above)
        first: int | None = None
        for y in range(self._header, bottom + 1):
            if y < bottom and self._looks_different(above + y):
                first = y if first is None else first
            elif first is not None:
                # Neighbours as one region: each one costs as much as the painting of several rows.
                self.refresh(Region(0, first, size.width, y - first))
                first = None

    def _looks_different(self, index: int) -> bool:
        drawn = self._drawn.get(index)
        if drawn is not None and drawn[0] == self._content(index):
            return False
        self._drawn.pop(index, None)
        return True

    def _refresh_row(self, index: int) -> None:
        self._drawn.pop(index, None)
        y = index - round(self.scroll_y) + self._header
        if self._header <= y < self.size.height:
            self.refresh(Region(0, y, self.size.width, 1))

    def _content(self, index: int) -> object:
        row = self._rows[index] if index < len(self._rows) else None
        cells = tuple(self._cells(row)) if row is not None else None
        return cells, index == self._cursor, self.has_focus

    def render_lines(self, crop: Region) -> list[Strip]:
        """Many lines; the widget's own style, which is put together from all that it lies in, is looked up once."""
        self._own_style = self.rich_style
        try:
            return super().render_lines(crop)
        finally:
            self._own_style = None

    def render_line(self, y: int) -> Strip:
        """The heading, or one row."""
        style = self._own_style or self.rich_style
        width = self.scrollable_content_region.width
        palette = palette_of(self.app)
        if not self._rows:
            line = self._empty[y] if y < len(self._empty) else ()
            return to_strip(line, width, palette).apply_style(style)
        if y < self._header:
            return self._heading(width, palette).apply_style(style)
        index = y - self._header + round(self.scroll_y)
        if index >= len(self._rows):
            return Strip.blank(width, style)
        content = self._content(index)
        drawn = self._drawn.get(index)
        if drawn is not None and drawn[0] == content and drawn[1].cell_length == width:
            return drawn[1]
        strip = self._row_strip(content, width, palette).apply_style(style)
        if len(self._drawn) > 500:
            self._drawn.clear()
        self._drawn[index] = (content, strip)
        return strip

    def _row_strip(self, content: object, width: int, palette: Palette) -> Strip:
        assert isinstance(content, tuple)  # noqa: S101 - made by _content
        cells, selected, focused = content
        tone = ("on-cursor" if focused else "on-cursor-blur") if selected else ""
        parts: list[Part] = [(_POINTER if selected else "  ", f"accent {tone}".strip())]
        if cells is None:
            parts.append(("...", f"dim {tone}".strip()))
        else:
            for column, room, cell in zip(self._columns, self._fit(width), cells, strict=True):
                if room > 0:
                    parts.extend(_fitted(cell, room, column.right, tone))
                    parts.append((" ", tone))
        return to_strip(_joined(parts), width, palette, fill=tone)

    def _heading(self, width: int, palette: Palette) -> Strip:
        parts: list[Part] = [("  ", "")]
        for column, room in zip(self._columns, self._fit(width), strict=True):
            if room > 0:
                title = self._titles.get(column.title, column.title)
                parts.extend(_fitted((title, "head"), room, column.right, ""))
                parts.append((" ", ""))
        return to_strip(parts, width, palette)

    def _fit(self, width: int) -> tuple[int, ...]:
        """Width of every column here, 0 for those that do not fit."""
        if self._widths and self._widths[0] == width:
            return self._widths[1:]
        kept = list(self._columns)
        while len(kept) > 1 and sum(column.width + 1 for column in kept) + len(_POINTER) - 1 > width:
            droppable = [column for column in kept if column.drop > 0]
            if not droppable:
                break
            kept.remove(max(droppable, key=lambda column: column.drop))
        spare = (
            width - len(_POINTER) - sum(column.width + 1 for column in kept)
        )  # one cell stays free at the end
        growing = [column for column in kept if column.grow]
        widths = []
        for column in self._columns:
            if column not in kept:
                widths.append(0)
            elif column in growing and spare > 0:
                share = spare // len(growing) + (spare % len(growing) if column is growing[-1] else 0)
                widths.append(column.width + share)
            else:
                widths.append(column.width)
        self._widths = (width, *widths)
        return tuple(widths)

    def width_of(self, title: str) -> int:
        """Cells the column of that title has now; 0 while it is dropped."""
        fitted = self._fit(self.scrollable_content_region.width)
        return next(room for column, room in zip(self._columns, fitted, strict=True) if column.title == title)

    def notify_style_update(self) -> None:
        """Paint again in the colours of another theme."""
        super().notify_style_update()
        self._drawn.clear()
        self.refresh()

    # ------------------------------------------------------------------------------------------ keys and mouse

    def action_move(self, step: int) -> None:
        """Cursor up or down."""
        self.move_to(self._cursor + step)

    def action_page(self, step: int) -> None:
        """Cursor a page up or down."""
        self.move_to(self._cursor + step * max(1, self.size.height - self._header - 1))

    def action_first(self) -> None:
        """Cursor to the first row."""
        self.move_to(0)

    def action_last(self) -> None:
        """Cursor to the last row."""
        self.move_to(len(self._rows) - 1)

    def action_choose(self) -> None:
        """Open the row under the cursor."""
        if self._rows:
            self.post_message(self.Chosen(self, self._cursor))

    def on_click(self, event: events.Click) -> None:
        """A click moves the cursor; a click on the cursor's row opens it."""
        index = event.y - self._header + round(self.scroll_y)
        if event.y < self._header or index >= len(self._rows):
            return
        if index == self._cursor and event.chain > 1:
            self.action_choose()
        else:
            self.move_to(index)

    def _on_focus(self, event: events.Focus) -> None:
        super()._on_focus(event)
        self._refresh_row(self._cursor)

    def _on_blur(self, event: events.Blur) -> None:
        super()._on_blur(event)
        self._refresh_row(self._cursor)

    def on_resize(self) -> None:
        """Draw for the new width."""
        self._drawn.clear()
        self._scroll_to_cursor()

    def _scroll_to_cursor(self) -> None:
        room = max(1, self.size.height - self._header)
        top = round(self.scroll_y)
        if self._cursor < top:
            self.scroll_to(y=self._cursor, animate=False, immediate=True)
        elif self._cursor >= top + room:
            self.scroll_to(y=self._cursor - room + 1, animate=False, immediate=True)


def _joined(parts: Sequence[Part]) -> list[Part]:
    """Blanks as a part of what stands before them: half as many pieces to style and to write."""
    joined: list[Part] = []
    for text, tone in parts:
        if joined and (joined[-1][1] == tone or (not text.strip() and "on-" not in joined[-1][1] + tone)):
            joined[-1] = (joined[-1][0] + text, joined[-1][1])
        elif text:
            joined.append((text, tone))
    return joined


def _fitted(cell: Cell, room: int, right: bool, tone: str) -> list[Part]:
    """A cell's parts, cut or padded to its column, each in the row's tone as well."""
    parts: Line = ((cell, ""),) if isinstance(cell, str) else _as_line(cell)
    length = sum(cell_len(text) for text, _ in parts)
    if length > room:
        parts = cut(parts, room)
        length = sum(cell_len(text) for text, _ in parts)
    fitted = [(text, f"{own} {tone}".strip()) for text, own in parts]
    padding = (" " * (room - length), tone)
    return [padding, *fitted] if right else [*fitted, padding]


def _as_line(cell: Part | Line) -> Line:
    if cell and isinstance(cell[0], str):
        return ((str(cell[0]), str(cell[1])),)
    return cell
