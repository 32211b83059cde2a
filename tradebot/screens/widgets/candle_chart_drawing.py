"""The drawing of the chart as lines of text with tones: candles, volume, lines, panes below, axes, markers, gaps.

Nothing here knows a widget: the screen paints these lines, the command line prints them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from tradebot.screens import formats
from tradebot.screens.widgets.candle_chart_axes import time_axis
from tradebot.screens.widgets.candle_chart_picture import (
    ChartPicture,
    Column,
    Path,
    PictureMark,
    gaps_of,
    newest_slots,
    pane_value,
    slots_that_fit,
)
from tradebot.screens.widgets.candles import candle_column
from tradebot.screens.widgets.chart import nice_ticks
from tradebot.screens.widgets.line_plot import dots_of
from tradebot.screens.widgets.palette import Line, Part

__all__ = ["draw_chart", "joined"]

_BLANK = 0x2800
_BLOCKS = " ▁▂▃▄▅▆▇█"
_GAP = "░"
_EMPTY: Part = (" ", "")
_LEAST_PRICE_ROWS = 5
_MARGIN = 0.05
# How far lines may stretch the scale beyond the candles, as a share of the candles' own range.
_STRETCH = 0.35


@dataclass(frozen=True, slots=True)
class _Rows:
    """How many rows each part gets."""

    price: int
    volume: int
    panes: tuple[tuple[str, int], ...]

    @classmethod
    def of(cls, picture: ChartPicture, height: int) -> _Rows:
        """Price first; volume and the panes below it share the rest, the last ones are left out where none is left."""
        names = list(dict.fromkeys(line.pane for line in picture.lines if line.pane != "price"))
        room = height - 1
        volume = 0
        if picture.with_volume and room >= _LEAST_PRICE_ROWS + 2:
            volume = 2 if height < 20 else 3 if height < 32 else 4
        each = 3 if height < 24 else 4 if height < 36 else 6
        while names and room - volume - each * len(names) < max(_LEAST_PRICE_ROWS, room // 3):
            if each > 3:
                each -= 1
            else:
                names.pop()
        return cls(room - volume - each * len(names), volume, tuple((name, each) for name in names))


class _Drawing:
    """One drawing under way."""

    def __init__(self, picture: ChartPicture, width: int, height: int) -> None:
        self.picture = picture
        self.columns = width - picture.axis - 1
        self.slots = len(picture.close)
        self.rows = _Rows.of(picture, height)
        self.offset = max(0, self.columns - self.slots * picture.pitch)
        self.centre = (picture.pitch - 1) // 2

    def column(self, slot: int) -> int:
        """The column of a slot's candle."""
        return self.offset + slot * self.picture.pitch + self.centre

    def tone(self, tone: str) -> str:
        return "stale" if self.picture.muted else tone

    def lines(self) -> list[Line]:
        """All rows from top to bottom."""
        drawn = self._price()
        if self.rows.volume:
            drawn += self._volume(self.rows.volume)
        for name, rows in self.rows.panes:
            drawn += self._pane(name, rows)
        picture = self.picture
        columns = [self.column(slot) for slot in range(self.slots)]
        axis = time_axis(
            picture.start_ms, picture.unit_ms, columns, self.columns, picture.cursor, self.tone("dim")
        )
        return [*drawn, axis]

    # ------------------------------------------------------------------------------------------ prices

    def _price(self) -> list[Line]:
        picture, rows = self.picture, self.rows.price
        bottom, step = self._scale(rows)

        def row_of(price: float) -> int:
            return rows - 1 - min(rows - 1, max(0, int((price - bottom) / step) // 2))

        labels = {
            row_of(tick): (f"{tick:>{picture.axis - 1},.{picture.decimals}f}", self.tone("dim"))
            for tick in nice_ticks(bottom, bottom + rows * 2 * step, max(2, rows // 4))
        }
        canvas = [
            [("┈", "grid")] * self.columns if row in labels else [_EMPTY] * self.columns
            for row in range(rows)
        ]
        between = (bottom, bottom + 2 * rows * step)
        if picture.last is not None and between[0] <= picture.last < between[1]:
            canvas[row_of(picture.last)] = [("┈", self.tone("dim"))] * self.columns
        for level in picture.levels:
            if between[0] <= level < between[1]:
                canvas[row_of(level)] = [("╌", self.tone("warning"))] * self.columns
        self._gaps(canvas, said=True)
        for line in reversed([each for each in picture.lines if each.pane == "price"]):
            self._put_line(canvas, line.values, line.tone, between)
        for path in picture.paths:
            self._put_path(canvas, path, between)
        for slot in range(self.slots):
            self._put_candle(canvas, slot, bottom, step, rows)
        for mark in picture.marks:
            self._put_mark(canvas, mark, row_of)
        self._put_cursor(canvas)
        self._tags(labels, row_of, between)
        return self._joined(canvas, labels)

    def _scale(self, rows: int) -> tuple[float, float]:
        """The price at the bottom and that of half a row."""
        picture = self.picture
        lows = [each for each in picture.low if each is not None]
        highs = [each for each in picture.high if each is not None]
        if not lows:
            last = picture.last if picture.last is not None else 1.0
            lows, highs = [last], [last]
        low, high = min(lows), max(highs)
        room = (high - low) * _STRETCH
        for line in picture.lines:
            if line.pane == "price":
                values = [each for each in line.values if each is not None]
                if values:
                    low, high = (
                        min(low, max(min(values), low - room)),
                        max(high, min(max(values), high + room)),
                    )
        for price in (*picture.levels, *(() if picture.last is None else (picture.last,))):
            if low - room <= price <= high + room:
                low, high = min(low, price), max(high, price)
        margin = (high - low or abs(high) * 0.01 or 1.0) * _MARGIN
        return low - margin, (high - low + 2 * margin) / (rows * 2)

    def _put_candle(self, canvas: list[list[Part]], slot: int, bottom: float, step: float, rows: int) -> None:
        picture = self.picture
        open_, high, low, close = (
            column[slot] for column in (picture.open, picture.high, picture.low, picture.close)
        )
        if open_ is None or high is None or low is None or close is None:
            return
        column = self.column(slot)
        part = self.tone("up" if close >= open_ else "down")
        for row, glyph in enumerate(candle_column(open_, high, low, close, bottom, step, rows)):
            if glyph != " ":
                canvas[row][column] = (glyph, part)

    def _gaps(self, canvas: list[list[Part]], said: bool) -> None:
        """Slots without a bar between the first and the last one stored are hatched."""
        for first, end in gaps_of(self.picture):
            left = self.column(first) - self.centre
            right = min(self.columns, self.column(end - 1) - self.centre + self.picture.pitch)
            for row in canvas:
                row[left:right] = [(_GAP, "line")] * (right - left)
            text = " no data "
            if said and right - left >= len(text) + 2:
                start = left + (right - left - len(text)) // 2
                middle = canvas[len(canvas) // 2]
                middle[start : start + len(text)] = [(char, self.tone("dim")) for char in text]

    def _put_line(
        self, canvas: list[list[Part]], values: Column, tone: str, between: tuple[float, float]
    ) -> None:
        """A line in dots where nothing else stands; it ends where it leaves the scale or has no value."""
        if not self.columns:
            return
        span = (0.0, float(self.columns * 2 - 1))
        shown = self.tone(tone)
        for run in _runs(values, between):
            places = [float(2 * self.column(slot)) for slot, _ in run]
            cells = dots_of(places, [value for _, value in run], span, between, self.columns, len(canvas))
            for (row, column), bits in cells.items():
                before = canvas[row][column][0]
                if "\u2800" < before <= "\u28ff":
                    bits |= ord(before) - _BLANK
                canvas[row][column] = (chr(_BLANK | bits), shown)

    def _put_path(self, canvas: list[list[Part]], path: Path, between: tuple[float, float]) -> None:
        low, high = between
        if path.last <= path.first or not (
            low <= path.first_price <= high and low <= path.last_price <= high
        ):
            return
        places = [float(2 * self.column(slot)) for slot in (path.first, path.last)]
        span = (0.0, float(self.columns * 2 - 1))
        prices = [path.first_price, path.last_price]
        cells = dots_of(places, prices, span, between, self.columns, len(canvas))
        for (row, column), bits in cells.items():
            if canvas[row][column][0] in " ┈":
                canvas[row][column] = (chr(_BLANK | bits), self.tone(path.tone))

    def _put_mark(self, canvas: list[list[Part]], mark: PictureMark, row_of: Callable[[float], int]) -> None:
        if not 0 <= mark.slot < self.slots:
            return
        edge = (self.picture.low if mark.below else self.picture.high)[mark.slot]
        at = mark.price if mark.price is not None and edge is None else edge
        if at is None:
            return
        column, outward = self.column(mark.slot), 1 if mark.below else -1
        row = row_of(at) + outward
        for _ in range(3):
            if (
                not 0 <= row < len(canvas)
                or canvas[row][column][0] in " ┈"
                or canvas[row][column][0] > "\u2800"
            ):
                break
            row += outward
        canvas[min(len(canvas) - 1, max(0, row))][column] = (mark.glyph, self.tone(mark.tone))

    def _tags(
        self, labels: dict[int, Part], row_of: Callable[[float], int], between: tuple[float, float]
    ) -> None:
        """The last price on the axis, prices that are waited for, and the close under the cursor."""
        picture, width = self.picture, self.picture.axis
        for level in picture.levels:
            if between[0] <= level < between[1]:
                text = f"{level:>{width - 2},.{picture.decimals}f}"
                labels[row_of(level)] = (f"◂{text}", self.tone("bold warning"))
        if picture.last is not None and between[0] <= picture.last < between[1]:
            text = f"{picture.last:>{width - 1},.{picture.decimals}f} "
            labels[row_of(picture.last)] = (text, self.tone(f"badge-{self._last_tone()}"))
        if picture.cursor is not None and 0 <= picture.cursor < self.slots:
            close = picture.close[picture.cursor]
            if close is not None:
                text = f"{close:>{width - 1},.{picture.decimals}f}"
                labels[row_of(close)] = (text, "bold accent")

    def _last_tone(self) -> str:
        """Green where the last candle rose, no colour where it is not known to be the last any more."""
        picture = self.picture
        if picture.stale:
            return "stale"
        for open_, close in zip(reversed(picture.open), reversed(picture.close), strict=True):
            if open_ is not None and close is not None:
                return "down" if close < open_ else "good"
        return "good"

    def _put_cursor(self, canvas: list[list[Part]]) -> None:
        cursor = self.picture.cursor
        if cursor is None or not 0 <= cursor < self.slots:
            return
        column = self.column(cursor)
        for row in canvas:
            glyph, tone = row[column]
            row[column] = ("┊", "accent") if glyph in " ┈" else (glyph, f"{tone} on-cursor")

    # ------------------------------------------------------------------------------------------ below

    def _volume(self, rows: int) -> list[Line]:
        picture = self.picture
        most = max((each for each in picture.volume if each is not None), default=0.0)
        canvas = [[_EMPTY] * self.columns for _ in range(rows)]
        self._gaps(canvas, said=False)
        for slot, value in enumerate(picture.volume):
            if value is None or most <= 0:
                continue
            eighths = max(1, round(value / most * rows * 8)) if value > 0 else 0
            column = self.column(slot)
            for row in range(rows):
                level = min(8, max(0, eighths - 8 * (rows - 1 - row)))
                if level:
                    canvas[row][column] = (_BLOCKS[level], self.tone("chart-2"))
        self._put_cursor(canvas)
        text = f"vol {formats.count(most)}"
        return self._joined(canvas, {0: (f"{text:>{picture.axis - 1}}", self.tone("dim"))})

    def _pane(self, name: str, rows: int) -> list[Line]:
        """The lines of one pane with the highest, the lowest and the last value."""
        picture = self.picture
        members = [line for line in picture.lines if line.pane == name]
        canvas: list[list[Part]] = [[_EMPTY] * self.columns for _ in range(rows)]
        known = [each for line in members for each in line.values if each is not None]
        labels: dict[int, Part] = {}
        if known:
            low, high = min(known), max(known)
            if not high > low:
                low, high = low - abs(low or 1.0) * 0.01, high + abs(high or 1.0) * 0.01

            def row_of(value: float) -> int:
                return min(rows - 1, max(0, round((high - value) / (high - low) * (rows * 4 - 1)) // 4))

            if low < 0 < high:
                canvas[row_of(0.0)] = [("┈", self.tone("line"))] * self.columns
            self._gaps(canvas, said=False)
            for line in reversed(members):
                self._put_line(canvas, line.values, line.tone, (low, high))
            labels = {0: self._label(high, "dim"), rows - 1: self._label(low, "dim")}
            last = next((each for each in reversed(members[0].values) if each is not None), None)
            if last is not None:
                labels[row_of(last)] = self._label(last, f"bold {members[0].tone}")
        for column, char in enumerate(name[: self.columns]):
            if canvas[0][column][0] in " ┈":
                canvas[0][column] = (char, self.tone("dim"))
        self._put_cursor(canvas)
        return self._joined(canvas, labels)

    def _label(self, value: float, tone: str) -> Part:
        return f"{pane_value(value):>{self.picture.axis - 1}}", self.tone(tone)

    # ------------------------------------------------------------------------------------------ rows

    def _joined(self, canvas: Iterable[Sequence[Part]], labels: dict[int, Part]) -> list[Line]:
        return [
            (*joined(cells), ("│", "line"), labels.get(row, ("", ""))) for row, cells in enumerate(canvas)
        ]


def draw_chart(picture: ChartPicture, width: int, height: int) -> list[Line]:
    """The lines of a drawing of `width` by `height` cells; one sentence where that is too small."""
    if width - picture.axis < 10 or height < _LEAST_PRICE_ROWS + 1:
        return [(("too small for a chart", "dim"),)]
    fitting = newest_slots(picture, slots_that_fit(width, picture.pitch, picture.axis))
    return _Drawing(fitting, width, height).lines()


def joined(cells: Sequence[Part]) -> list[Part]:
    """Neighbours of the same tone as one part."""
    parts: list[Part] = []
    text, tone = "", ""
    for glyph, own in cells:
        if own == tone or (glyph == " " and "on-" not in tone and not own):
            text += glyph
        else:
            if text:
                parts.append((text, tone))
            text, tone = glyph, own
    if text:
        parts.append((text, tone))
    return parts


def _runs(values: Column, between: tuple[float, float]) -> list[list[tuple[int, float]]]:
    """Stretches of values that are there and on the scale, each with its slot."""
    low, high = between
    runs: list[list[tuple[int, float]]] = [[]]
    for slot, value in enumerate(values):
        if value is not None and low <= value <= high:
            runs[-1].append((slot, value))
        elif runs[-1]:
            runs.append([])
    return [run for run in runs if run]
