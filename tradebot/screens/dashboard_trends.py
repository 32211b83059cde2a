"""The last day of a symbol as a strip of blocks and as lines to plot: plain values from closes and the last price."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tradebot.screens.widgets.line_plot import Plot, PlotLine

__all__ = ["Day", "day_of", "plot_of", "strip_of"]

_BLOCKS = "▁▂▃▄▅▆▇█"
_GAP = "·"
_DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Day:
    """Prices in equal steps over the last day, oldest first, the last price at the end; None where none is known."""

    points: tuple[float | None, ...] = ()
    low: float = 0.0
    high: float = 0.0

    @property
    def first(self) -> float | None:
        """The oldest price that is known."""
        return next((each for each in self.points if each is not None), None)

    def __bool__(self) -> bool:
        return bool(self.points)


def day_of(closes: Sequence[float | None], last: float | None) -> Day:
    """The closes of a day with the last price as the newest point; an empty day without any close.

    The last close is that of the hour under way: where no bar of it has closed yet, the last price stands for it.
    """
    if all(each is None for each in closes):
        return Day()
    points = (*closes[:-1], last if closes[-1] is None else closes[-1], last)
    known = [each for each in points if each is not None]
    return Day(points, min(known), max(known))


def strip_of(day: Day, width: int) -> str:
    """A day in `width` blocks between its lowest and its highest price; dots where nothing is known."""
    if not day or width < 1:
        return _GAP * max(0, width)
    low, high = day.low, day.high
    scale = (len(_BLOCKS) - 1) / (high - low) if high > low else 0.0
    across = (len(day.points) - 1) / (width - 1) if width > 1 else 0.0
    cells = []
    for cell in range(width):
        value = _at(day.points, cell * across)
        level = round((value - low) * scale) if value is not None and scale else len(_BLOCKS) // 2 - 1
        cells.append(_GAP if value is None else _BLOCKS[level])
    return "".join(cells)


def _at(points: tuple[float | None, ...], place: float) -> float | None:
    """The value between two points, on the line that joins them; None nearer to a point without a value."""
    left = int(place)
    right = min(left + 1, len(points) - 1)
    before, after = points[left], points[right]
    if before is not None and after is not None:
        return before + (after - before) * (place - left)
    return points[round(place)]


def plot_of(day: Day, now_ms: int, tone: str) -> Plot:
    """A day as lines up to now, one for each stretch without a gap, the newest first; its first price as the base."""
    if not day:
        return Plot()
    step_ms = _DAY_MS / (len(day.points) - 1)
    lines: list[PlotLine] = []
    times: list[int] = []
    values: list[float] = []
    for number, value in enumerate((*day.points, None)):
        if value is not None:
            times.append(round(now_ms - _DAY_MS + number * step_ms))
            values.append(value)
        elif values:
            lines.insert(0, PlotLine(tuple(times), tuple(values), tone))
            times, values = [], []
    return Plot(tuple(lines), day.first)
