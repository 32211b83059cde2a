"""Lines over time in braille dots, two by four a cell: cheap enough to be drawn anew at every key press.

plotext draws the same in some milliseconds and is imported in a quarter of a second; here a line of a few hundred
values takes well under one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from tradebot.screens import formats
from tradebot.screens.widgets.chart import time_label
from tradebot.screens.widgets.palette import Line, Part, palette_of, to_strip

__all__ = ["LinePlot", "Plot", "PlotLine", "dots_of"]

_BLANK = 0x2800
# The bit of each dot of a cell, from top to bottom: left column, right column.
_BITS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
_LABEL_WIDTH = 8
_SMALLEST = (16, 2)


@dataclass(frozen=True, slots=True)
class PlotLine:
    """Values over rising times (UTC ms), drawn in a tone of the palette."""

    times_ms: tuple[int, ...]
    values: tuple[float, ...]
    tone: str


@dataclass(frozen=True, slots=True)
class Plot:
    """What a LinePlot draws: lines over each other, the first one on top, and a level to compare them with."""

    lines: tuple[PlotLine, ...] = ()
    base: float | None = None
    muted: bool = False


def dots_of(
    times: Sequence[float],
    values: Sequence[float],
    span: tuple[float, float],
    between: tuple[float, float],
    columns: int,
    rows: int,
) -> dict[tuple[int, int], int]:
    """The braille bits of a line by (row, column) of its cells.

    `span` are the times of the first and last dot, `between` the values of the lowest and highest. Dots that follow
    each other are joined by vertical strokes.
    """
    start, end = span
    low, high = between
    across, up = columns * 2 - 1, rows * 4 - 1
    wide, tall = (end - start) or 1.0, (high - low) or 1.0
    cells: dict[tuple[int, int], int] = {}
    before: int | None = None
    column_before = -1
    for time, value in zip(times, values, strict=True):
        x = min(across, max(0, round((time - start) / wide * across)))
        y = min(up, max(0, round((high - value) / tall * up)))
        first, last = y, y
        if before is not None and x - column_before <= 1:
            # The stroke ends beside the dot before it, so that slopes are one dot thick.
            step = 0 if x == column_before else (before < y) - (before > y)
            first, last = sorted((before + step, y))
        elif before is not None:
            _join(cells, column_before, before, x, y)
        for dot in range(first, last + 1):
            place = (dot // 4, x // 2)
            cells[place] = cells.get(place, 0) | _BITS[x % 2][dot % 4]
        before, column_before = y, x
    return cells


def _join(cells: dict[tuple[int, int], int], x0: int, y0: int, x1: int, y1: int) -> None:
    """Dots between two that are more than one column apart."""
    for x in range(x0 + 1, x1):
        dot = y0 + round((y1 - y0) * (x - x0) / (x1 - x0))
        place = (dot // 4, x // 2)
        cells[place] = cells.get(place, 0) | _BITS[x % 2][dot % 4]


class LinePlot(Widget):
    """Lines with the highest, lowest and last value on the right and dates below.

    `value_text` writes a value of the axis in at most eight characters.
    """

    DEFAULT_CSS = "LinePlot { height: 1fr; width: 1fr; }"

    def __init__(
        self,
        value_text: Callable[[float], str],
        *,
        id: str | None = None,  # noqa: A002 - Textual's own name
    ) -> None:
        super().__init__(id=id)
        self._value_text = value_text
        self._plot = Plot()
        self._lines: list[Line] = []
        self._drawn_for: tuple[object, ...] = ()
        self.drawings = 0

    @staticmethod
    def columns_of(width: int) -> int:
        """Cells across that are left for lines on a widget of that width."""
        return max(_SMALLEST[0] - _LABEL_WIDTH, width - _LABEL_WIDTH)

    def show(self, plot: Plot) -> None:
        """Draw something else; only rows that look different are painted."""
        if plot == self._plot:
            return
        self._plot = plot
        if not self._drawn_for or self._drawn_for[0] != self.size:
            self.refresh()
            return
        before, after = self._lines, self._drawn()
        if len(before) != len(after):
            self.refresh()
            return
        for row, (old, new) in enumerate(zip(before, after, strict=True)):
            if old != new:
                self.refresh(Region(0, row, self.size.width, 1))

    @property
    def plain(self) -> str:
        """What is drawn, as text."""
        return "\n".join("".join(text for text, _ in line).rstrip() for line in self._drawn())

    def render_line(self, y: int) -> Strip:
        """One line of the drawing, which is made once for what is shown and a size."""
        lines = self._drawn()
        line = lines[y] if y < len(lines) else ()
        return to_strip(line, self.size.width, palette_of(self.app)).apply_style(self.rich_style)

    def notify_style_update(self) -> None:
        """Paint again in the colours of another theme."""
        super().notify_style_update()
        self.refresh()

    def _drawn(self) -> list[Line]:
        wanted = (self.size, self._plot)
        if not self._drawn_for or self._drawn_for[0] != wanted[0] or self._drawn_for[1] is not wanted[1]:
            self._lines = self._draw(self.size.width, self.size.height)
            self._drawn_for = wanted
            self.drawings += 1
        return self._lines

    def _draw(self, width: int, height: int) -> list[Line]:
        lines = [line for line in self._plot.lines if line.values]
        if not lines or width < _SMALLEST[0] or height < _SMALLEST[1]:
            return []
        columns, rows = self.columns_of(width), height - 1 if height > 3 else height
        start = min(line.times_ms[0] for line in lines)
        end = max(line.times_ms[-1] for line in lines)
        low = min(min(line.values) for line in lines)
        high = max(max(line.values) for line in lines)
        if not high > low:
            low, high = low - abs(low or 1.0) * 0.01, high + abs(high or 1.0) * 0.01
        canvas: list[list[Part]] = [[(" ", "")] * columns for _ in range(rows)]
        if self._plot.base is not None and low <= self._plot.base <= high:
            canvas[_row_of(self._plot.base, low, high, rows)] = [("┈", "line")] * columns
        for line in reversed(lines):
            tone = "stale" if self._plot.muted else line.tone
            cells = dots_of(line.times_ms, line.values, (start, end), (low, high), columns, rows)
            for (row, column), bits in cells.items():
                canvas[row][column] = (chr(_BLANK | bits), tone)
        labels = self._labels(lines[0], low, high, rows)
        drawn: list[Line] = [(*_joined(cells), labels.get(row, ("", ""))) for row, cells in enumerate(canvas)]
        if rows < height:
            drawn.append(_dates(start, end, columns))
        return drawn

    def _labels(self, line: PlotLine, low: float, high: float, rows: int) -> dict[int, Part]:
        """The values at the right end of some rows; the last value of the first line is told apart by its tone."""
        labels: dict[int, Part] = {0: (self._label(high), "dim"), rows - 1: (self._label(low), "dim")}
        last = line.values[-1]
        tone = "stale" if self._plot.muted else f"bold {line.tone}"
        labels[_row_of(last, low, high, rows)] = (self._label(last), tone)
        return labels

    def _label(self, value: float) -> str:
        return f"{self._value_text(value):>{_LABEL_WIDTH}.{_LABEL_WIDTH}}"


def _row_of(value: float, low: float, high: float, rows: int) -> int:
    return min(rows - 1, max(0, round((high - value) / (high - low) * (rows * 4 - 1)) // 4))


def _dates(start: int, end: int, columns: int) -> Line:
    """The first and the last time below the line."""
    first, last = (time_label(at, end - start) for at in (start, end))
    if first == last:  # a day or a year apart
        first, last = formats.short_minute(start), formats.short_minute(end)
    return ((f"{first}{last:>{max(0, columns - len(first))}}", "dim"),)


def _joined(cells: Sequence[Part]) -> Line:
    """Neighbours of the same tone as one part."""
    joined: list[Part] = []
    for text, tone in cells:
        if joined and (joined[-1][1] == tone or text == " "):
            joined[-1] = (joined[-1][0] + text, joined[-1][1])
        else:
            joined.append((text, tone))
    return tuple(joined)
