"""A view over any number of log records that draws only visible rows, marks matches and follows what comes."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import ClassVar

from rich.cells import cell_len
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tradebot.engine.messages import LogRecord
from tradebot.screens.widgets.palette import Line, Part, palette_of, to_strip

__all__ = ["LogView"]

_WORDS = {
    "debug": ("DEBUG", "dim"),
    "info": ("INFO ", "data"),
    "warning": ("WARN ", "warning"),
    "error": ("ERROR", "bad"),
}
_COMPONENT = 11
_NARROW = 90
_CACHED = 400


class LogView(ScrollView, can_focus=True):
    """Records, oldest first, by rising `sequence`.

    It follows the newest one until the cursor is moved up; `unseen` counts what came below meanwhile. `show` takes
    other records, `extend` those that came since: only visible rows are ever drawn.
    """

    DEFAULT_CSS = """
    LogView { overflow-x: hidden; scrollbar-size-vertical: 1; height: 1fr; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False, id="log.up"),
        Binding("down,j", "move(1)", "Down", show=False, id="log.down"),
        Binding("pageup", "page(-1)", "Page up", show=False, id="log.page_up"),
        Binding("pagedown", "page(1)", "Page down", show=False, id="log.page_down"),
        Binding("home,g", "first", "First record", show=False, id="log.first"),
        Binding("end,G", "last", "Newest record, follow", show=False, id="log.last"),
        Binding("enter", "choose", "details", id="log.choose"),
    ]

    class Moved(Message):
        """The cursor is on another record, or whether it follows has changed."""

        def __init__(self, view: LogView) -> None:
            super().__init__()
            self.view = view

        @property
        def control(self) -> LogView:
            """The view, for `@on` selectors."""
            return self.view

    class Chosen(Moved):
        """Enter was pressed on a record, or it was clicked twice."""

    def __init__(self, *, capacity: int = 200_000, id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id)
        self._capacity = capacity
        self._records: list[LogRecord] = []
        self._numbers: list[int] = []
        self._matches: list[int] = []
        self._marked: set[int] = set()
        self._cursor = 0
        self._empty: tuple[Line, ...] = ()
        self._drawn: dict[tuple[int, bool, bool, bool, bool], Strip] = {}
        self._newest_day = ""
        self.following = True
        self.unseen = 0

    # ------------------------------------------------------------------------------------------ content

    @property
    def records(self) -> Sequence[LogRecord]:
        """All records."""
        return self._records

    @property
    def matches(self) -> Sequence[int]:
        """The numbers of the records that the search found, rising."""
        return self._matches

    @property
    def cursor(self) -> int:
        """Index of the record under the cursor."""
        return self._cursor

    @property
    def current(self) -> LogRecord | None:
        """The record under the cursor; None where there are none."""
        return self._records[self._cursor] if self._cursor < len(self._records) else None

    def show(
        self, records: Sequence[LogRecord], matches: Sequence[int], *, empty: Sequence[Line] = ()
    ) -> None:
        """Take other records; the cursor stays on its record, or goes to the next one that is still there."""
        before = self.current
        self._records = list(records)
        self._numbers = [record.sequence for record in self._records]
        self._matches, self._marked = list(matches), set(matches)
        self._empty = tuple(empty)
        self.unseen = 0
        self._drawn.clear()
        self._note_day()
        self.virtual_size = Size(0, len(self._records))
        if self.following or before is None:
            self._cursor = max(0, len(self._records) - 1)
        else:
            place = bisect_left(self._numbers, before.sequence)
            self._cursor = min(place, max(0, len(self._records) - 1))
        self._scroll_to_cursor()
        self.refresh()
        if self.current is not before:
            self.post_message(self.Moved(self))

    def extend(self, records: Sequence[LogRecord], matches: Sequence[int]) -> None:
        """Take records that came since; drawn only where they are visible."""
        if not records:
            return
        was_empty = not self._records
        self._records.extend(records)
        self._numbers.extend(record.sequence for record in records)
        self._matches.extend(matches)
        self._marked.update(matches)
        self._trim()
        if self._note_day():
            self._drawn.clear()
            self.refresh()
        self.virtual_size = Size(0, len(self._records))
        if self.following or was_empty:
            self._cursor = len(self._records) - 1
            self._scroll_to_cursor()
            self.refresh()
        else:
            self.unseen += len(records)
            top = round(self.scroll_y)
            if top + self.size.height > len(self._records) - len(records):
                self.refresh()
        self.post_message(self.Moved(self))

    def _trim(self) -> None:
        extra = len(self._records) - self._capacity
        if extra <= self._capacity // 10:
            return
        del self._records[:extra], self._numbers[:extra]
        first = self._numbers[0]
        del self._matches[: bisect_left(self._matches, first)]
        self._marked = set(self._matches)
        self._cursor = max(0, self._cursor - extra)
        self.scroll_to(y=max(0, round(self.scroll_y) - extra), animate=False, immediate=True)

    def _note_day(self) -> bool:
        """Know the day of the newest record, whose rows need no date; True where it has changed."""
        day = f"{_moment(self._records[-1].time_ms):%m-%d}" if self._records else ""
        changed, self._newest_day = day != self._newest_day, day
        return changed

    # ------------------------------------------------------------------------------------------ moving

    def follow(self, on: bool) -> None:
        """Stay with the newest record, or on the one under the cursor."""
        self.following = on
        if on:
            self.unseen = 0
            self._go(len(self._records) - 1)
        self.post_message(self.Moved(self))

    def move_to(self, index: int) -> None:
        """Put the cursor on a record; the newest one is followed, any other one is stayed on."""
        if not self._records:
            return
        index = min(max(index, 0), len(self._records) - 1)
        self.following = index == len(self._records) - 1
        if self.following:
            self.unseen = 0
        self._go(index)
        self.post_message(self.Moved(self))

    def next_match(self, step: int) -> bool:
        """Put the cursor on the next (1) or the previous (-1) record that was found; False where there is none.

        Behind the last one it goes on with the first.
        """
        current = self.current
        if not self._matches or current is None:
            return False
        if step > 0:
            place = bisect_right(self._matches, current.sequence) % len(self._matches)
        else:
            place = bisect_left(self._matches, current.sequence) - 1
        self.move_to(bisect_left(self._numbers, self._matches[place]))
        return True

    def match_number(self) -> int:
        """Which of the found records the cursor is on, counted from 1; 0 where it is on none."""
        current = self.current
        if current is None or current.sequence not in self._marked:
            return 0
        return bisect_left(self._matches, current.sequence) + 1

    def _go(self, index: int) -> None:
        old, self._cursor = self._cursor, max(0, index)
        self._scroll_to_cursor()
        for number in {old, self._cursor}:
            self._refresh_row(number)

    def _scroll_to_cursor(self) -> None:
        room = max(1, self.size.height)
        top = round(self.scroll_y)
        if self._cursor < top:
            self.scroll_to(y=self._cursor, animate=False, immediate=True)
        elif self._cursor >= top + room:
            self.scroll_to(y=self._cursor - room + 1, animate=False, immediate=True)

    # ------------------------------------------------------------------------------------------ drawing

    def _refresh_row(self, index: int) -> None:
        y = index - round(self.scroll_y)
        if 0 <= y < self.size.height:
            self.refresh(Region(0, y, self.size.width, 1))

    def render_line(self, y: int) -> Strip:
        """One record."""
        width = self.scrollable_content_region.width
        palette = palette_of(self.app)
        if not self._records:
            line = self._empty[y] if y < len(self._empty) else ()
            return to_strip(line, width, palette).apply_style(self.rich_style)
        index = y + round(self.scroll_y)
        if index >= len(self._records):
            return Strip.blank(width, self.rich_style)
        record = self._records[index]
        selected = index == self._cursor
        is_match = record.sequence in self._marked
        key = (record.sequence, selected, self.has_focus, is_match, width < _NARROW)
        drawn = self._drawn.get(key)
        if drawn is not None and drawn.cell_length == width:
            return drawn
        tone = ("on-cursor" if self.has_focus else "on-cursor-blur") if selected else ""
        strip = to_strip(self._row(record, selected, is_match, width), width, palette, fill=tone)
        strip = strip.apply_style(self.rich_style)
        if len(self._drawn) > _CACHED:
            self._drawn.clear()
        self._drawn[key] = strip
        return strip

    def _row(self, record: LogRecord, selected: bool, is_match: bool, width: int) -> list[Part]:
        tone = ("on-cursor" if self.has_focus else "on-cursor-blur") if selected else ""

        def part(text: str, own: str) -> Part:
            return text, f"{own} {tone}".strip()

        moment = _moment(record.time_ms)
        today = f"{moment:%m-%d}" == self._newest_day
        clock = (
            f"{moment:%H:%M:%S}" if width < _NARROW else f"{moment:%H:%M:%S}.{moment.microsecond // 1000:03}"
        )
        earlier = f"{moment:%m-%d}" if width < _NARROW else f"{moment:%m-%d %H:%M}"
        when = clock if today else f"{earlier:<{len(clock)}}"
        word, colour = _WORDS[record.level]
        component = (
            record.component
            if len(record.component) <= _COMPONENT
            else f"{record.component[: _COMPONENT - 2]}.."
        )
        parts = [
            part("▌" if is_match else " ", "accent"),
            part("▸" if selected else " ", "accent"),
            part(f"{when}  ", "dim"),
            part(f"{word}  ", f"bold {colour}" if record.level in {"warning", "error"} else colour),
            part(f"{component:<{_COMPONENT}}  ", "head"),
        ]
        sentence = record.sentence.split("\n", 1)[0].replace("\t", " ")
        room = width - sum(cell_len(text) for text, _ in parts) - 1
        cut = sentence if cell_len(sentence) <= room else f"{sentence[: max(0, room - 2)]}.."
        plain = "dim" if record.level == "debug" else colour if record.level == "error" else "text"
        return [*parts, part(cut, plain)]

    def notify_style_update(self) -> None:
        """Paint again in the colours of another theme."""
        super().notify_style_update()
        self._drawn.clear()
        self.refresh()

    def on_resize(self) -> None:
        """Draw for the new width, the cursor still visible."""
        self._drawn.clear()
        self._scroll_to_cursor()

    def _on_focus(self, event: events.Focus) -> None:
        super()._on_focus(event)
        self._refresh_row(self._cursor)

    def _on_blur(self, event: events.Blur) -> None:
        super()._on_blur(event)
        self._refresh_row(self._cursor)

    # ------------------------------------------------------------------------------------------ keys and mouse

    def action_move(self, step: int) -> None:
        """Cursor up or down."""
        self.move_to(self._cursor + step)

    def action_page(self, step: int) -> None:
        """Cursor a page up or down."""
        self.move_to(self._cursor + step * max(1, self.size.height - 1))

    def action_first(self) -> None:
        """Cursor to the oldest record."""
        self.move_to(0)

    def action_last(self) -> None:
        """Cursor to the newest record, and stay with it."""
        self.move_to(len(self._records) - 1)

    def action_choose(self) -> None:
        """Show the record under the cursor."""
        if self.current is not None:
            self.post_message(self.Chosen(self))

    def on_click(self, event: events.Click) -> None:
        """A click moves the cursor; a second one opens the record."""
        index = event.y + round(self.scroll_y)
        if index >= len(self._records):
            return
        if index == self._cursor and event.chain > 1:
            self.action_choose()
        else:
            self.move_to(index)


def _moment(time_ms: int) -> datetime:
    return datetime.fromtimestamp(time_ms / 1000, UTC)
