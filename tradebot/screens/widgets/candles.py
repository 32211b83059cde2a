"""Candles in half cells: twice the height of the terminal's rows, one glyph a bar, levels and markers exact."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual.strip import Strip
from textual.widget import Widget

from tradebot.screens.widgets.chart import nice_ticks, time_label
from tradebot.screens.widgets.palette import Line, Part, palette_of, to_strip

__all__ = ["CandleChart", "CandleData", "Level", "Marker", "Path", "candle_column"]

# (upper half, lower half) of a cell: 0 nothing, 1 wick, 2 body
_GLYPHS = {
    (0, 0): " ", (1, 1): "│", (1, 0): "╵", (0, 1): "╷", (2, 2): "┃", (2, 0): "╹", (0, 2): "╻", (1, 2): "╽", (2, 1): "╿",
}  # fmt: skip
_AXIS = 19


@dataclass(frozen=True, slots=True)
class Level:
    """A price drawn across the chart, with its name on the axis."""

    price: float
    name: str
    tone: str


@dataclass(frozen=True, slots=True)
class Path:
    """A level that moves: a price for each bar, None where it does not hold."""

    prices: tuple[float | None, ...]
    name: str
    tone: str

    @property
    def last(self) -> float | None:
        """Where it stood last."""
        return next((price for price in reversed(self.prices) if price is not None), None)


@dataclass(frozen=True, slots=True)
class Marker:
    """A glyph above or below the bar of that number."""

    bar: int
    glyph: str
    below: bool
    tone: str


@dataclass(frozen=True, slots=True)
class CandleData:
    """Bars in columns of equal length, and what is marked on them."""

    times_ms: tuple[int, ...] = ()
    open: tuple[float, ...] = ()
    high: tuple[float, ...] = ()
    low: tuple[float, ...] = ()
    close: tuple[float, ...] = ()
    decimals: int = 2
    levels: tuple[Level, ...] = ()
    markers: tuple[Marker, ...] = ()
    paths: tuple[Path, ...] = ()
    muted: bool = False
    """Drawn in one dim tone: it is not of now."""


def candle_column(
    open_: float, high: float, low: float, close: float, bottom: float, step: float, rows: int
) -> list[str]:
    """The glyphs of one candle from top to bottom, on `rows` rows of two half cells of `step` each above `bottom`."""
    halves = [0] * (rows * 2)

    def place(price: float) -> int:
        return min(rows * 2 - 1, max(0, int((price - bottom) / step)))

    for half in range(place(low), place(high) + 1):
        halves[half] = 1
    for half in range(place(min(open_, close)), place(max(open_, close)) + 1):
        halves[half] = 2
    return [_GLYPHS[halves[2 * row + 1], halves[2 * row]] for row in reversed(range(rows))]


class CandleChart(Widget):
    """Candles with a price axis on the right, dates below, levels across, markers beside their bars.

    Where there are more bars than columns, several make one candle, and `note` says so. The prices take `axis_width`
    cells on the right; names of levels need 19.
    """

    DEFAULT_CSS = "CandleChart { height: 1fr; width: 1fr; }"

    def __init__(
        self,
        *,
        id: str | None = None,  # noqa: A002 - Textual's own name
        axis_width: int = _AXIS,
    ) -> None:
        super().__init__(id=id)
        self._axis = axis_width
        self._data = CandleData()
        self._cursor: int | None = None
        self._lines: list[Line] = []
        self._drawn_for: tuple[object, ...] = ()

    def show(self, data: CandleData, cursor: int | None = None) -> None:
        """Draw other bars, or move the cursor (the number of a bar); nothing happens where both are the same."""
        if (data, cursor) == (self._data, self._cursor):
            return
        self._data, self._cursor = data, cursor
        self._drawn_for = ()
        self.refresh()

    @property
    def note(self) -> str:
        """What a candle stands for where it is not one bar."""
        group = self._group(self.size.width)
        return f"{group} bars a candle" if group > 1 else ""

    @staticmethod
    def bars_that_fit(width: int) -> int:
        """How many bars a chart of that width shows one by one."""
        return max(10, width - _AXIS)

    def _group(self, width: int) -> int:
        return max(1, -(-len(self._data.times_ms) // max(1, width - self._axis)))

    def render_line(self, y: int) -> Strip:
        """One line of the drawing."""
        wanted = (self.size, self._data, self._cursor)
        if self._drawn_for != wanted:
            self._lines = self._draw(self.size.width, self.size.height)
            self._drawn_for = wanted
        line = self._lines[y] if y < len(self._lines) else ()
        return to_strip(line, self.size.width, palette_of(self.app)).apply_style(self.rich_style)

    def notify_style_update(self) -> None:
        """Draw again in the colours of another theme."""
        super().notify_style_update()
        self.refresh()

    def _draw(self, width: int, height: int) -> list[Line]:
        data, rows, columns = self._data, height - 1, width - self._axis
        if not data.times_ms or rows < 4 or columns < 10:
            return [(("too small for a chart" if data.times_ms else "", "dim"),)]
        group = self._group(width)
        slots = range(0, len(data.times_ms), group)
        pitch = max(1, min(3, columns // len(slots)))
        prices = [level.price for level in data.levels]
        prices += [price for path in data.paths for price in path.prices if price is not None]
        bottom = min(*data.low, *prices) if prices else min(data.low)
        top = max(*data.high, *prices) if prices else max(data.high)
        margin = (top - bottom or abs(top) * 0.01 or 1.0) * 0.06
        bottom, step = bottom - margin, (top - bottom + 2 * margin) / (rows * 2)
        canvas: list[list[Part]] = [[(" ", "")] * columns for _ in range(rows)]

        def row_of(price: float) -> int:
            return rows - 1 - min(rows - 1, max(0, int((price - bottom) / step) // 2))

        for level in data.levels:
            canvas[row_of(level.price)] = [("┈", level.tone)] * columns
        for path in data.paths:
            for place, first in enumerate(slots):
                here = [price for price in path.prices[first : first + group] if price is not None]
                if here:
                    cells = min(pitch, columns - place * pitch)
                    canvas[row_of(here[-1])][place * pitch : place * pitch + cells] = [
                        ("━", path.tone)
                    ] * cells
        for place, first in enumerate(slots):
            self._put_candle(
                canvas, place * pitch, first, min(first + group, len(data.times_ms)), bottom, step, rows
            )
        for marker in data.markers:
            bar = min(marker.bar, len(data.times_ms) - 1)
            price = data.low[bar] if marker.below else data.high[bar]
            row = row_of(price) + (1 if marker.below else -1)
            canvas[min(rows - 1, max(0, row))][bar // group * pitch] = (marker.glyph, marker.tone)
        lines: list[Line] = [
            (*_joined(cells), ("│", "line"), *self._axis_label(row, rows, bottom, step))
            for row, cells in enumerate(canvas)
        ]
        lines.append(self._dates(slots, pitch, columns))
        return lines

    def _put_candle(
        self,
        canvas: list[list[Part]],
        column: int,
        first: int,
        end: int,
        bottom: float,
        step: float,
        rows: int,
    ) -> None:
        data = self._data
        open_, close = data.open[first], data.close[end - 1]
        glyphs = candle_column(
            open_, max(data.high[first:end]), min(data.low[first:end]), close, bottom, step, rows
        )
        tone = "stale" if data.muted else "up" if close >= open_ else "down"
        here = self._cursor is not None and first <= self._cursor < end
        for row, glyph in enumerate(glyphs):
            if glyph != " ":
                canvas[row][column] = (glyph, f"{tone} on-cursor" if here else tone)
            elif here and canvas[row][column][0] in " ┈":
                canvas[row][column] = ("┊", "accent")

    def _axis_label(self, row: int, rows: int, bottom: float, step: float) -> Line:
        """A level's name and price, or a round price, or nothing."""
        low = bottom + (rows - 1 - row) * 2 * step
        moved = [Level(path.last, path.name, path.tone) for path in self._data.paths if path.last is not None]
        for level in (*self._data.levels, *moved):
            if low <= level.price < low + 2 * step:
                text = f" {level.name:<6}{level.price:>{max(1, self._axis - 8)},.{self._data.decimals}f}"
                return ((text, f"bold {level.tone}"),)
        for tick in nice_ticks(bottom, bottom + rows * 2 * step, max(2, rows // 4)):
            if low <= tick < low + 2 * step:
                return ((f"{tick:>{self._axis - 1},.{self._data.decimals}f}", "dim"),)
        return ()

    def _dates(self, slots: Sequence[int], pitch: int, columns: int) -> Line:
        times = self._data.times_ms
        span = times[-1] - times[0]
        text = ""
        every = max(1, 14 // pitch)
        for place in range(0, len(slots), every):
            at = place * pitch
            label = time_label(times[slots[place]], span)
            if at >= len(text) + (2 if text else 0) and at + len(label) <= columns:
                text = f"{text:<{at}}{label}"
        return ((text, "dim"),)


def _joined(cells: Sequence[Part]) -> Line:
    """Neighbours of the same tone as one part."""
    joined: list[Part] = []
    for glyph, tone in cells:
        if joined and (joined[-1][1] == tone or (glyph == " " and "on-" not in joined[-1][1])):
            joined[-1] = (joined[-1][0] + glyph, joined[-1][1])
        else:
            joined.append((glyph, tone))
    return tuple(joined)
