"""The chart as a widget: draws a picture, paints only the cells that look different, tells where it was clicked."""

from __future__ import annotations

from typing import Any

from textual import events
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from tradebot.screens.widgets.candle_chart_drawing import draw_chart
from tradebot.screens.widgets.candle_chart_picture import ChartPicture, slots_that_fit
from tradebot.screens.widgets.palette import Line, palette_of, to_strip

__all__ = ["MarketChart", "changed_cells"]


class MarketChart(Widget):
    """Candles, volume, lines and panes of one `ChartPicture`; keys belong to whoever holds it.

    A full drawing of 120x35 takes 2 to 3 ms, so it is made anew for each picture; what is painted are the cells that
    changed, which for a new last price are those of the last candle and of the axis.
    """

    DEFAULT_CSS = "MarketChart { height: 1fr; width: 1fr; }"

    class Pointed(Message):
        """A candle was clicked."""

        def __init__(self, slot: int) -> None:
            super().__init__()
            self.slot = slot

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id)
        self._picture = ChartPicture()
        self._lines: list[Line] = []
        self._strips: dict[int, Strip] = {}
        self._drawn_for: tuple[int, int] = (0, 0)
        self._palette: object = None
        self.drawings = 0
        self.painted_cells = 0
        """How many cells were asked to be painted since the beginning, for tests."""

    @property
    def picture(self) -> ChartPicture:
        """What is drawn now."""
        return self._picture

    def show(self, picture: ChartPicture) -> None:
        """Draw something else; cells that look the same are not painted."""
        if picture == self._picture:
            return
        self._picture = picture
        width, height = self.size
        if not width or not height:
            return
        if self._drawn_for != (width, height):
            self._draw()
            self.refresh()
            return
        before = self._lines
        self._draw()
        regions: list[Region] = []
        for row in range(max(len(before), len(self._lines))):
            old = before[row] if row < len(before) else ()
            new = self._lines[row] if row < len(self._lines) else ()
            span = changed_cells(old, new, width)
            if span is not None:
                self._strips.pop(row, None)
                regions.append(Region(span[0], row, span[1] - span[0], 1))
        self.painted_cells += sum(region.width for region in regions)
        if regions:
            self.refresh(*regions)

    @property
    def plain(self) -> str:
        """The drawing as text."""
        self._draw_for_size()
        return "\n".join("".join(text for text, _ in line).rstrip() for line in self._lines)

    def _draw(self) -> None:
        self._lines = draw_chart(self._picture, *self.size)
        self._drawn_for = (self.size.width, self.size.height)
        self.drawings += 1

    def _draw_for_size(self) -> None:
        if self._drawn_for != (self.size.width, self.size.height):
            self._strips.clear()
            self._draw()

    def render_line(self, y: int) -> Strip:
        """One line of the drawing, made once."""
        self._draw_for_size()
        palette = palette_of(self.app)
        if palette is not self._palette:
            self._palette = palette
            self._strips.clear()
        strip = self._strips.get(y)
        if strip is None:
            line = self._lines[y] if y < len(self._lines) else ()
            strip = self._strips[y] = to_strip(line, self.size.width, palette)
        return strip.apply_style(self.rich_style)

    def notify_style_update(self) -> None:
        """Paint again in the colours of another theme."""
        super().notify_style_update()
        self.refresh()

    def on_click(self, event: events.Click) -> None:
        """Tell which candle is under the mouse."""
        picture = self._picture
        count = len(picture.close)
        columns = self.size.width - picture.axis - 1
        drawn = min(count, slots_that_fit(self.size.width, picture.pitch, picture.axis))
        slot = count - drawn + (event.x - max(0, columns - drawn * picture.pitch)) // picture.pitch
        if 0 <= event.x < columns and count - drawn <= slot < count:
            self.post_message(self.Pointed(slot))


def changed_cells(old: Line, new: Line, width: int) -> tuple[int, int] | None:
    """The half-open range of columns in which two lines differ, None where they look the same.

    >>> changed_cells((("abc", ""), ("d", "up")), (("abX", ""), ("d", "up")), 6)
    (2, 3)
    """
    if old == new:
        return None
    one, other = _cells(old, width), _cells(new, width)
    first = next((n for n in range(width) if one[n] != other[n]), None)
    if first is None:
        return None
    last = next(n for n in range(width - 1, -1, -1) if one[n] != other[n])
    return first, last + 1


def _cells(line: Line, width: int) -> list[Any]:
    cells: list[Any] = [(char, tone) for text, tone in line for char in text]
    return cells[:width] + [(" ", "")] * (width - len(cells))
