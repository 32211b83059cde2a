"""Line charts over time, drawn by plotext into the colours of the theme.

The curves are reduced to the highest and lowest value of each column before they are drawn, and drawn again only
when they, the size or the theme change. plotext is imported on the first drawing: it takes a quarter of a second.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

from tradebot.screens import formats
from tradebot.screens.widgets.palette import Palette, palette_of, to_strip

__all__ = [
    "Chart",
    "Curve",
    "hex_of",
    "nice_ticks",
    "prepare_charts",
    "reduce_to_columns",
    "strips_of",
    "time_label",
]

_COLOUR = re.compile(r"\x1b\[([0-9;]*)m")
_SMALLEST = (24, 4)
_MOST_FINER = 12
_FLAT = 0.01
"""The height of an axis below zero on which nothing happened."""
_DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Curve:
    """Values over the chart's times, in a tone of the palette; `filled` shades the room between the curve and zero."""

    values: tuple[float, ...]
    tone: str
    filled: bool = False


def prepare_charts() -> bool:
    """Import plotext; False where it cannot be, which a chart then says in its place."""
    try:
        import plotext  # noqa: F401 - only to have it loaded
    except ImportError:
        return False
    return True


def reduce_to_columns(
    times: Sequence[float], values: Sequence[float], columns: int
) -> tuple[list[float], list[float]]:
    """At most two points a column, its lowest and its highest value in their order of time.

    No peak is lost, however many values there are.
    """
    if len(times) <= 2 * columns:
        return list(times), list(values)
    start, end = times[0], times[-1]
    kept_times: list[float] = []
    kept_values: list[float] = []
    low_at = 0
    for column in range(columns):
        limit = start + (end - start) * (column + 1) / columns
        high_at = len(times) if column == columns - 1 else bisect_left(times, limit)
        if high_at <= low_at:
            continue
        window = range(low_at, high_at)
        lowest, highest = min(window, key=values.__getitem__), max(window, key=values.__getitem__)
        for index in sorted({lowest, highest}):
            kept_times.append(times[index])
            kept_values.append(values[index])
        low_at = high_at
    return kept_times, kept_values


def nice_ticks(low: float, high: float, wanted: int) -> list[float]:
    """Round values inside a range, about as many as wanted."""
    if not high > low:
        return [low]
    rough = (high - low) / max(1, wanted)
    power = 10 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough * 0.999)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    ticks = [number * step for number in range(first, last + 1)]
    # A single mark says nothing of the scale.
    return ticks if len(ticks) > 1 or wanted >= _MOST_FINER else nice_ticks(low, high, wanted + 1)


def time_label(time_ms: float, span_ms: float) -> str:
    """A date as exact as a span of time needs it."""
    at = formats.moment(round(time_ms))
    if span_ms > 300 * _DAY_MS:
        return f"{at:%y-%m}"
    return f"{at:%m-%d}" if span_ms > 3 * _DAY_MS else f"{at:%H:%M}"


class Chart(Widget):
    """A chart of one or more curves over the same times, values on the right, dates below.

    `value_text(value, step)` writes a value of the axis whose marks are `step` apart.
    """

    DEFAULT_CSS = "Chart { height: 1fr; width: 1fr; }"

    def __init__(
        self,
        value_text: Callable[[float, float], str],
        *,
        dates: bool = True,
        label_width: int = 7,
        id: str | None = None,  # noqa: A002 - Textual's own name
    ) -> None:
        super().__init__(id=id)
        self._value_text = value_text
        self._dates = dates
        self._label_width = label_width
        self._times: tuple[int, ...] = ()
        self._curves: tuple[Curve, ...] = ()
        self._span: tuple[int, int] | None = None
        self._marked: int | None = None
        self._strips: list[Strip] = []
        self._drawn_for: tuple[object, ...] = ()
        self.drawings = 0

    def show(
        self, times_ms: tuple[int, ...], curves: tuple[Curve, ...], span: tuple[int, int] | None = None
    ) -> None:
        """Draw other curves; nothing happens where they are the same. `span`: the axis, where it is longer."""
        if (times_ms, curves, span) != (self._times, self._curves, self._span):
            self._times, self._curves, self._span = times_ms, curves, span
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """One line of the drawing, which is made once for a size and a theme."""
        palette = palette_of(self.app)
        width, height = self.size
        wanted = (width, height, id(palette), self._times, self._curves)
        if not self._is_drawn(wanted):
            self._strips = self._draw(width, height, palette)
            self._drawn_for = wanted
            self.drawings += 1
        line = self._strips[y] if y < len(self._strips) else Strip.blank(width)
        if self._marked is not None and y < height - (2 if self._dates else 0):
            here = self._marked
            cell = line.crop(here, here + 1).apply_style(palette.style("on-cursor"))
            line = Strip.join([line.crop(0, here), cell, line.crop(here + 1, width)])
        return line.apply_style(self.rich_style)

    @property
    def columns(self) -> int:
        """Cells across that are left for the curves."""
        return max(4, self.size.width - self._label_width - 1)

    def mark(self, column: int | None) -> None:
        """Shade a column, or none any more."""
        if column != self._marked:
            self._marked = column
            self.refresh()

    def point_at(self, column: int) -> int | None:
        """The number of the point that is nearest to a column, the first and the last at the ends; None without any."""
        if not self._times:
            return None
        start, end = self._span or (self._times[0], self._times[-1])
        time_ms = start + (end - start) * column / (self.columns - 1)
        after = bisect_left(self._times, time_ms)
        nearest = (number for number in (after - 1, after) if 0 <= number < len(self._times))
        return min(nearest, key=lambda number: abs(self._times[number] - time_ms))

    def _is_drawn(self, wanted: tuple[object, ...]) -> bool:
        drawn = self._drawn_for
        return bool(drawn) and drawn[:3] == wanted[:3] and drawn[3] is wanted[3] and drawn[4] is wanted[4]

    def _draw(self, width: int, height: int, palette: Palette) -> list[Strip]:
        if width < _SMALLEST[0] or height < _SMALLEST[1] or len(self._times) < 2 or not self._curves:
            text = "" if len(self._times) < 2 else "  too small for a chart"
            return [to_strip(((text, "dim"),), width, palette)]
        if not prepare_charts():
            return [
                to_strip((("  plotext cannot be loaded; install tradebot again", "bad"),), width, palette)
            ]
        axis = palette.colour("dim")
        figure = self._figure(width, height, palette)
        colours = {palette.colour(_variable(curve.tone)): palette.style(curve.tone) for curve in self._curves}
        return strips_of(figure.build().string(), width, colours, Style(color=hex_of(axis)))

    def _figure(self, width: int, height: int, palette: Palette) -> Any:
        """plotext's figure with our curves on it. It has one figure for all; it is cleared first."""
        import plotext

        plotext.terminal.limit(False, False)
        figure = plotext.figure
        figure.clear()
        figure.plot_size(width, height)
        figure.canvas("default")
        columns = self.columns
        start, end = map(float, self._span or (self._times[0], self._times[-1]))
        low = min(min(curve.values) for curve in self._curves)
        high = max(max(curve.values) for curve in self._curves)
        if any(curve.filled for curve in self._curves):
            high = max(high, 0.0)
            low = low if low < high else high - _FLAT
        if not high > low:
            low, high = low - abs(low or 1.0) * 0.01, high + abs(high or 1.0) * 0.01
        for curve in self._curves:
            times, values = reduce_to_columns(self._times, curve.values, columns)
            marker = plotext.marker("braille", pixel=plotext.pixel(palette.colour(_variable(curve.tone))))
            signal = figure.signal(times, values, marker=marker, yside="right").lines().density("full")
            figure.draw(signal.fillx() if curve.filled else signal)
        figure.axes(False)
        figure.axes(True, axis=[1], side=[1])
        figure.ruler("y", "right").lim(low, high)
        ticks = nice_ticks(low, high, max(2, height // 3))
        step = ticks[1] - ticks[0] if len(ticks) > 1 else high - low
        labels = [
            f"{self._value_text(tick, step):>{self._label_width}.{self._label_width}}" for tick in ticks
        ]
        figure.ruler("y", "right").ticks(ticks, labels)
        figure.ruler("x").lim(start, end)
        if self._dates:
            figure.axes(True, axis=[0], side=[0])
            places = [start + (end - start) * step / 100 for step in _date_steps(columns)]
            figure.ruler("x").ticks(places, [time_label(place, end - start) for place in places])
        else:
            figure.ruler("x").ticks([], [])
        return figure

    def notify_style_update(self) -> None:
        """Draw again in the colours of another theme."""
        super().notify_style_update()
        self.refresh()


def _date_steps(columns: int) -> list[float]:
    """Where dates stand, in percent of the width, about one in every 14 columns."""
    number = max(2, columns // 14)
    return [100 * (place + 0.5) / number for place in range(number)]


def _variable(tone: str) -> str:
    """The theme variable a curve's tone draws with."""
    return {"good": "up", "bad": "error"}.get(tone, tone)


def hex_of(rgb: tuple[int, int, int]) -> str:
    """A colour as Rich writes it."""
    return f"#{rgb[0]:02x}{rgb[1]:02x}{rgb[2]:02x}"


def strips_of(
    drawing: str, width: int, colours: dict[tuple[int, int, int], Style], other: Style
) -> list[Strip]:
    """plotext's text with colour codes as strips; what is no curve is drawn as axis."""
    strips: list[Strip] = []
    for line in drawing.rstrip("\n").split("\n"):
        segments: list[Segment] = []
        style, left = other, width
        for number, piece in enumerate(_COLOUR.split(line)):
            if number % 2:
                style = _style_of(piece, style, colours, other)
            elif piece and left > 0:
                segments.append(Segment(piece[:left], style))
                left -= len(piece)
        if left > 0:
            segments.append(Segment(" " * left))
        strips.append(Strip(segments, width))
    return strips


def _style_of(code: str, present: Style, colours: dict[tuple[int, int, int], Style], other: Style) -> Style:
    parts = code.split(";")
    if parts[:2] == ["38", "2"] and len(parts) == 5:
        return colours.get((int(parts[2]), int(parts[3]), int(parts[4])), other)
    return present if parts[0] == "48" else other
