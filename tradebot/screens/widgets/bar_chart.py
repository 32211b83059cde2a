"""Upright bars, drawn by plotext into the colours of the theme: those above zero in one, those below in the other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

from tradebot.screens.widgets.chart import hex_of, nice_ticks, prepare_charts, strips_of
from tradebot.screens.widgets.palette import Palette, palette_of, to_strip

__all__ = ["Bar", "BarChart"]

_SMALLEST = (24, 5)
_LABEL_WIDTH = 7
_BAR_SHARE = 0.7


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: its height, what stands below it, and whether it is a good one (drawn as a gain)."""

    value: float
    label: str
    good: bool


class BarChart(Widget):
    """Bars beside each other with values on the right; as many labels below as there is room for.

    `value_text(value, step)` writes a value of the axis whose marks are `step` apart.
    """

    DEFAULT_CSS = "BarChart { height: 1fr; width: 1fr; }"

    def __init__(
        self,
        value_text: Callable[[float, float], str],
        *,
        title: str = "",
        id: str | None = None,  # noqa: A002 - Textual's own name
    ) -> None:
        super().__init__(id=id)
        self._value_text = value_text
        self._title = title
        self._bars: tuple[Bar, ...] = ()
        self._strips: list[Strip] = []
        self._drawn_for: tuple[object, ...] = ()
        self.drawings = 0

    def show(self, bars: tuple[Bar, ...]) -> None:
        """Draw other bars; nothing happens where they are the same."""
        if bars != self._bars:
            self._bars = bars
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """One line of the drawing, which is made once for a size and a theme."""
        palette = palette_of(self.app)
        wanted = (*self.size, id(palette), self._bars)
        if self._drawn_for != wanted:
            self._strips = self._draw(*self.size, palette)
            self._drawn_for = wanted
            self.drawings += 1
        line = self._strips[y] if y < len(self._strips) else Strip.blank(self.size.width)
        return line.apply_style(self.rich_style)

    def notify_style_update(self) -> None:
        """Draw again in the colours of another theme."""
        super().notify_style_update()
        self.refresh()

    def _draw(self, width: int, height: int, palette: Palette) -> list[Strip]:
        if not self._bars or width < _SMALLEST[0] or height < _SMALLEST[1]:
            return []
        if not prepare_charts():
            return [
                to_strip((("  plotext cannot be loaded; install tradebot again", "bad"),), width, palette)
            ]
        title = [to_strip(((self._title, "bold"),), width, palette)] if self._title else []
        height -= len(title)
        colours = {palette.colour(tone): palette.style(tone) for tone in ("up", "down")}
        drawing = self._figure(width, height, palette).build().string()
        return [*title, *strips_of(drawing, width, colours, Style(color=hex_of(palette.colour("dim"))))]

    def _figure(self, width: int, height: int, palette: Palette) -> Any:
        import plotext

        plotext.terminal.limit(False, False)
        figure = plotext.figure
        figure.clear()
        figure.plot_size(width, height)
        figure.canvas("default")
        for tone, good in (("up", True), ("down", False)):
            chosen = [(at, bar.value) for at, bar in enumerate(self._bars) if bar.good is good and bar.value]
            if chosen:
                marker = plotext.marker("full", pixel=plotext.pixel(palette.colour(tone)))
                places, values = [at for at, _ in chosen], [value for _, value in chosen]
                # One bar alone has no neighbour that its width could be a share of.
                share = _BAR_SHARE / _spacing(places)
                figure.draw(figure.bar(places, values, marker=marker, width=share, yside="right"))
        values = [bar.value for bar in self._bars]
        low, high = min(0.0, *values), max(0.0, *values)
        high = high if high > low else 1.0
        figure.axes(False)
        figure.axes(True, axis=[1], side=[1])
        figure.axes(True, axis=[0], side=[0])
        figure.ruler("x").lim(-0.6, len(values) - 0.4)
        figure.ruler("y", "right").lim(low, high)
        ticks = nice_ticks(low, high, max(2, height // 3))
        step = ticks[1] - ticks[0] if len(ticks) > 1 else high - low
        texts = [f"{self._value_text(tick, step):>{_LABEL_WIDTH}.{_LABEL_WIDTH}}" for tick in ticks]
        figure.ruler("y", "right").ticks(ticks, texts)
        room = max(len(bar.label) for bar in self._bars) + 2
        every = max(1, -(-room * len(values) // max(1, width - _LABEL_WIDTH - 1)))
        shown = range(0, len(values), every)
        figure.ruler("x").ticks(list(shown), [self._bars[at].label for at in shown])
        return figure


def _spacing(places: list[int]) -> int:
    """The smallest distance of two bars, which plotext takes for the whole width of one."""
    return min((after - before for before, after in pairwise(places)), default=1)
