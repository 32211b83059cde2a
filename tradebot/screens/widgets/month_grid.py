"""A grid of months by days: one glyph a day, a cursor that walks days and months."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tradebot.engine.messages import MonthView
from tradebot.screens.widgets.palette import Line, Part, palette_of, to_strip

__all__ = ["LEGEND", "MonthGrid"]

_LABEL = 8
_DAYS = 31
_COMPLETE: Part = ("█", "up")
_PARTLY: Part = ("▓", "warning")
_NOTHING: Part = ("░", "warning")
_KNOWN: Part = ("▒", "dim")
_OUTSIDE: Part = ("·", "line")
LEGEND: Line = (
    _COMPLETE, (" complete  ", "dim"), _PARTLY, (" gap  ", "dim"), _NOTHING, (" nothing  ", "dim"),
    _KNOWN, (" not at the exchange either  ", "dim"), _OUTSIDE, (" outside", "dim"),
)  # fmt: skip


class MonthGrid(ScrollView, can_focus=True):
    """One row a month, the newest last. Only rows that changed are painted."""

    DEFAULT_CSS = "MonthGrid { height: 1fr; overflow-x: hidden; scrollbar-size-vertical: 1; }"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,h", "day(-1)", "Day before", show=False, id="grid.left"),
        Binding("right,l", "day(1)", "Day after", show=False, id="grid.right"),
        Binding("up,k", "month(-1)", "Month before", show=False, id="grid.up"),
        Binding("down,j", "month(1)", "Month after", show=False, id="grid.down"),
        Binding("pageup", "month(-12)", "Year before", show=False, id="grid.page_up"),
        Binding("pagedown", "month(12)", "Year after", show=False, id="grid.page_down"),
        Binding("home", "month(-100000)", "First month", show=False, id="grid.first"),
        Binding("end", "month(100000)", "Last month", show=False, id="grid.last"),
        Binding("n", "gap(1)", "next gap", show=False, id="grid.next_gap"),
        Binding("p", "gap(-1)", "gap before", show=False, id="grid.previous_gap"),
    ]

    class Moved(Message):
        """The cursor is on another day."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id)
        self._months: tuple[MonthView, ...] = ()
        self._row = 0
        self._day = 1

    def show(self, months: tuple[MonthView, ...]) -> None:
        """Draw these months; the cursor goes to the newest day with a gap, else to the last day, or stays."""
        fresh = not self._months
        self._months = months
        self.virtual_size = Size(0, len(months) + 1)
        if fresh and months:
            self._row, self._day = len(months) - 1, _last_inside(months[-1])
            if not self._step_to_gap(-1, including=True):
                self._row, self._day = len(months) - 1, _last_inside(months[-1])
        self._row = min(self._row, max(0, len(months) - 1))
        self.call_after_refresh(self._scroll_to_cursor)
        self.refresh()
        self.post_message(self.Moved())

    @property
    def month(self) -> MonthView | None:
        """The month under the cursor."""
        return self._months[self._row] if self._row < len(self._months) else None

    @property
    def day(self) -> int:
        """The day under the cursor, 1 to 31."""
        return self._day

    # ------------------------------------------------------------------------------------------ drawing

    def render_line(self, y: int) -> Strip:
        """The days' numbers, or one month."""
        width = self.scrollable_content_region.width
        palette = palette_of(self.app)
        if y == 0:
            numbers = "".join(
                f"{day:<2}" if day % 5 == 0 or day == 1 else "  " for day in range(1, _DAYS + 1)
            )
            line: Line = ((" " * _LABEL, ""), (numbers[:-1], "head"), ("     %", "head"))
        else:
            row = y - 1 + round(self.scroll_y)
            line = self._line(row) if row < len(self._months) else ()
        return to_strip(line, width, palette).apply_style(self.rich_style)

    def _line(self, row: int) -> Line:
        month = self._months[row]
        here = row == self._row
        parts: list[Part] = [(f"{month.year}-{month.month:02d} ", "bold" if here else "dim")]
        for day in range(1, _DAYS + 1):
            glyph, tone = _glyph(month, day)
            if here and day == self._day:
                parts.append((glyph, f"{tone} reverse" if self.has_focus else f"{tone} underline"))
                parts.append((" ", ""))
            else:
                parts.append((f"{glyph} ", tone))
        parts[-1] = (parts[-1][0].rstrip() or " ", parts[-1][1])
        inside = [share for share in month.days if share >= 0]
        whole = sum(inside) / len(inside) if inside else 0.0
        text = "100" if whole >= 1 else f"{min(99.99, whole * 100):.2f}"
        parts.append((f"{text:>6}", "dim" if whole >= 1 else "warning"))
        return tuple(parts)

    def _refresh_row(self, row: int) -> None:
        self.refresh(Region(0, row + 1 - round(self.scroll_y), self.size.width, 1))

    def notify_style_update(self) -> None:
        """Paint again in the colours of another theme."""
        super().notify_style_update()
        self.refresh()

    # ------------------------------------------------------------------------------------------ walking

    def _move_to(self, row: int, day: int) -> None:
        before, self._row = self._row, row
        self._day = day
        self._scroll_to_cursor()
        for each in {before, row}:
            self._refresh_row(each)
        self.post_message(self.Moved())

    def action_day(self, step: int) -> None:
        """Cursor to the day before or after, over the end of a month too."""
        month = self.month
        if month is None:
            return
        row, day = self._row, self._day + step
        if day < 1 and row > 0:
            row, day = row - 1, len(self._months[row - 1].days)
        elif day > len(month.days) and row < len(self._months) - 1:
            row, day = row + 1, 1
        self._move_to(row, min(max(day, 1), len(self._months[row].days)))

    def action_month(self, step: int) -> None:
        """Cursor some months up or down."""
        if self._months:
            row = min(max(self._row + step, 0), len(self._months) - 1)
            self._move_to(row, min(self._day, len(self._months[row].days)))

    def action_gap(self, step: int) -> None:
        """Cursor to the next day with missing bars in that direction."""
        before = self._row
        if self._step_to_gap(step):
            self._refresh_row(before)
            self._move_to(self._row, self._day)
        else:
            self.app.bell()

    def _step_to_gap(self, step: int, including: bool = False) -> bool:
        row, day = self._row, self._day if including else self._day + step
        while 0 <= row < len(self._months):
            days = self._months[row].days
            while 1 <= day <= len(days):
                if 0 <= days[day - 1] < 1:
                    self._row, self._day = row, day
                    return True
                day += step
            row += step
            if 0 <= row < len(self._months):
                day = 1 if step > 0 else len(self._months[row].days)
        return False

    def _scroll_to_cursor(self) -> None:
        room = max(1, self.size.height - 1)
        top = round(self.scroll_y)
        if self._row < top:
            self.scroll_to(y=self._row, animate=False, immediate=True)
        elif self._row >= top + room:
            self.scroll_to(y=self._row - room + 1, animate=False, immediate=True)

    def on_click(self, event: events.Click) -> None:
        """A click puts the cursor on a day."""
        row, place = event.y - 1 + round(self.scroll_y), event.x - _LABEL
        if event.y > 0 and place >= 0 and row < len(self._months):
            day = place // 2 + 1
            if day <= len(self._months[row].days):
                self._move_to(row, day)

    def on_resize(self) -> None:
        """Keep the cursor in sight."""
        self._scroll_to_cursor()

    def _on_focus(self, event: events.Focus) -> None:
        super()._on_focus(event)
        self._refresh_row(self._row)

    def _on_blur(self, event: events.Blur) -> None:
        super()._on_blur(event)
        self._refresh_row(self._row)


def _glyph(month: MonthView, day: int) -> Part:
    if day > len(month.days):
        return (" ", "")
    share = month.days[day - 1]
    if share < 0:
        return _OUTSIDE
    if share >= 1:
        return _COMPLETE
    if day in month.known:
        return _KNOWN
    return _NOTHING if share <= 0 else _PARTLY


def _last_inside(month: MonthView) -> int:
    inside = [number for number, share in enumerate(month.days, start=1) if share >= 0]
    return inside[-1] if inside else 1
