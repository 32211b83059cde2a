"""What part of the history the chart shows: zoom, place, cursor; plain values that are moved by keys."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tradebot.engine.market.timeframe import Timeframe
from tradebot.engine.messages import ChartView, DatasetView
from tradebot.screens.remembering import Kept, Value

__all__ = [
    "PAD_SLOTS",
    "TIMEFRAMES",
    "ZOOMS",
    "Bar",
    "Subject",
    "Viewport",
    "bar_of",
    "is_of",
    "room_in",
    "timeframes_of",
]

TIMEFRAMES = Timeframe.names()
ZOOMS = (
    (2, 1),
    *((1, bars) for bars in (1, 2, 3, 5, 10, 15, 30, 60, 120, 240, 480, 960, 1440, 2880, 5760)),
)
"""(cells a candle, bars a candle) from near to far."""
USUAL_ZOOM = ZOOMS.index((1, 1))
PAD_SLOTS = 2
"""Empty candles to the right of the newest one, so that it does not stick to the axis."""

Bar = tuple[float, float, float, float, float]
"""Open, high, low, close, volume."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What is on the chart besides its place: a symbol, indicators by their texts, a strategy, a result's trades."""

    symbol: str = ""
    category: str = "linear"
    indicators: tuple[str, ...] = ()
    strategy: str = ""
    result_id: str = ""

    def remembered(self) -> dict[str, Value]:
        """It as plain values."""
        return {
            "symbol": self.symbol,
            "category": self.category,
            "indicators": list(self.indicators),
            "strategy": self.strategy,
            "result": self.result_id,
        }

    @classmethod
    def kept(cls, values: Kept) -> Subject:
        """What was remembered."""
        return cls(
            values.text("symbol"),
            values.text("category", "linear"),
            values.texts("indicators"),
            values.text("strategy"),
            values.text("result"),
        )


@dataclass(frozen=True, slots=True)
class Viewport:
    """A window on a symbol's bars of one timeframe.

    `right_ms` is the open time of the candle at the right edge, None to follow the newest; `cursor_ms` that of the
    candle that is pointed at, None for none. Candles stand on the grid of their own length.
    """

    timeframe: str = "15m"
    zoom: int = USUAL_ZOOM
    right_ms: int | None = None
    cursor_ms: int | None = None

    def remembered(self) -> dict[str, Value]:
        """Place, zoom and cursor as plain values."""
        return {
            "timeframe": self.timeframe,
            "zoom": self.zoom,
            "right_ms": self.right_ms,
            "cursor_ms": self.cursor_ms,
        }

    @classmethod
    def kept(cls, values: Kept) -> Viewport:
        """The window that was remembered; the usual one where it cannot be."""
        timeframe, zoom = values.text("timeframe"), values.number("zoom")
        if timeframe not in TIMEFRAMES or zoom is None or not 0 <= zoom < len(ZOOMS):
            return cls()
        return cls(timeframe, zoom, values.number("right_ms"), values.number("cursor_ms"))

    @property
    def pitch(self) -> int:
        """Cells from one candle to the next."""
        return ZOOMS[self.zoom][0]

    @property
    def group(self) -> int:
        """Bars that make a candle."""
        return ZOOMS[self.zoom][1]

    @property
    def unit_ms(self) -> int:
        """Length of a candle."""
        return Timeframe(self.timeframe).ms * self.group

    def floor(self, time_ms: int) -> int:
        """Open time of the candle that a time falls into."""
        offset = Timeframe(self.timeframe).grid_offset_ms
        return (time_ms - offset) // self.unit_ms * self.unit_ms + offset

    def right_of(self, newest_ms: int) -> int:
        """Open time of the candle at the right edge."""
        if self.right_ms is None:
            return self.floor(newest_ms) + PAD_SLOTS * self.unit_ms
        return self.floor(self.right_ms)

    def left_of(self, fit: int, newest_ms: int) -> int:
        """Open time of the candle at the left edge, where `fit` candles have room."""
        return self.right_of(newest_ms) - (fit - 1) * self.unit_ms

    # ------------------------------------------------------------------------------------------ moves

    def panned(self, candles: int, fit: int, first_ms: int, newest_ms: int) -> Viewport:
        """Moved by so many candles, later where positive; it stops where the bars end, and follows there."""
        return self._with_right(self.right_of(newest_ms) + candles * self.unit_ms, fit, first_ms, newest_ms)

    def _with_right(self, right_ms: int, fit: int, first_ms: int, newest_ms: int) -> Viewport:
        furthest = self.floor(newest_ms) + PAD_SLOTS * self.unit_ms
        least = self.floor(first_ms) + (min(fit, 12) - 1) * self.unit_ms
        if right_ms >= furthest or furthest <= least:
            return replace(self, right_ms=None)
        return replace(self, right_ms=max(right_ms, least))

    def pointed(self, candles: int, fit: int, first_ms: int, newest_ms: int) -> Viewport:
        """The cursor moved by so many candles, and the window with it where it would be left."""
        newest, first = self.floor(newest_ms), self.floor(first_ms)
        right, left = self.right_of(newest_ms), self.left_of(fit, newest_ms)
        start = min(right, newest) if self.cursor_ms is None else self.floor(self.cursor_ms)
        # The first press shows the cursor where the eye is already.
        wanted = start if self.cursor_ms is None and abs(candles) == 1 else start + candles * self.unit_ms
        return self._seeing(max(first, min(newest, wanted)), left, right, fit, first_ms, newest_ms)

    def _seeing(
        self, cursor_ms: int, left: int, right: int, fit: int, first_ms: int, newest_ms: int
    ) -> Viewport:
        moved = replace(self, cursor_ms=cursor_ms)
        if cursor_ms < left:
            return moved._with_right(cursor_ms + (fit - 1) * self.unit_ms, fit, first_ms, newest_ms)
        if cursor_ms > right:
            return moved._with_right(cursor_ms, fit, first_ms, newest_ms)
        return moved

    def at(self, time_ms: int, fit: int, first_ms: int, newest_ms: int) -> Viewport:
        """The cursor on the candle of a time, in the middle of the window; the nearest one that is stored."""
        cursor = max(self.floor(first_ms), min(self.floor(newest_ms), self.floor(time_ms)))
        moved = replace(self, cursor_ms=cursor)
        return moved._with_right(cursor + fit // 2 * self.unit_ms, fit, first_ms, newest_ms)

    def zoomed(self, step: int, fit: int, first_ms: int, newest_ms: int, width: int) -> Viewport:
        """Nearer (-1) or further (1), around the cursor where there is one, else at the right edge.

        `fit` candles have room now, `width` cells. It goes no further out than the whole history needs.
        """
        wanted = self.zoom + step
        if not 0 <= wanted < len(ZOOMS):
            return self
        if (
            step > 0
            and self.group * fit * Timeframe(self.timeframe).ms >= newest_ms - first_ms
            and self.pitch == 1
        ):
            return self
        moved = replace(self, zoom=wanted)
        if self.cursor_ms is None:
            return (
                moved
                if self.right_ms is None
                else moved._with_right(self.right_ms, width // moved.pitch, first_ms, newest_ms)
            )
        behind = (self.right_of(newest_ms) - self.cursor_ms) // self.unit_ms * self.pitch
        cursor = moved.floor(self.cursor_ms)
        moved = replace(moved, cursor_ms=cursor)
        right = cursor + behind // moved.pitch * moved.unit_ms
        return moved._with_right(right, width // moved.pitch, first_ms, newest_ms)

    def in_timeframe(self, timeframe: str, fit: int, newest_ms: int) -> Viewport:
        """The same place in another timeframe: the cursor, or the middle of the window, stays where it is."""
        if self.right_ms is None and self.cursor_ms is None:
            return Viewport(timeframe, USUAL_ZOOM if self.group > 1 else self.zoom)
        moved = Viewport(timeframe, USUAL_ZOOM if self.group > 1 else self.zoom)
        middle = (
            self.cursor_ms
            if self.cursor_ms is not None
            else self.right_of(newest_ms) - fit // 2 * self.unit_ms
        )
        cursor = None if self.cursor_ms is None else moved.floor(self.cursor_ms)
        right = moved.floor(middle) + fit // 2 * moved.unit_ms
        newest = moved.floor(newest_ms) + PAD_SLOTS * moved.unit_ms
        return replace(moved, right_ms=None if right >= newest else right, cursor_ms=cursor)


def is_of(view: ChartView, subject: Subject, viewport: Viewport) -> bool:
    """Whether an answer is of this symbol and of candles of this length."""
    wanted = (subject.symbol, subject.category, viewport.timeframe, viewport.group)
    return (view.symbol, view.category, view.timeframe, view.group) == wanted


def room_in(view: ChartView, viewport: Viewport, fit: int, newest_ms: int) -> tuple[int, int]:
    """Candles that an answer holds beside the window, to the left and to the right; negative where some are missing.

    Where the answer reaches to the end of what is stored, there is always room enough.
    """
    unit = viewport.unit_ms
    left, right = viewport.left_of(fit, newest_ms), viewport.right_of(newest_ms)
    end = view.start_ms + len(view.close) * unit
    before = fit if view.start_ms <= viewport.floor(view.first_ms) else (left - view.start_ms) // unit
    after = fit if end > viewport.floor(view.last_ms) else (end - unit - right) // unit
    return before, after


def timeframes_of(datasets: tuple[DatasetView, ...], category: str, symbol: str) -> tuple[str, ...]:
    """The timeframes that are stored of a symbol or can be built from those."""
    stored = [
        Timeframe(each.timeframe)
        for each in datasets
        if each.symbol == symbol
        and each.category == category
        and each.rows
        and not each.mark
        and each.timeframe in TIMEFRAMES
    ]
    return tuple(
        each.value
        for each in Timeframe
        if any(own is each or (own.ms < each.ms and each.ms % own.ms == 0) for own in stored)
    )


def bar_of(view: ChartView, slot: int) -> Bar | None:
    """A candle of the window by its number, None where there is none."""
    if not 0 <= slot < len(view.close):
        return None
    values = (view.open[slot], view.high[slot], view.low[slot], view.close[slot], view.volume[slot])
    if any(value is None for value in values):
        return None
    return values  # type: ignore[return-value]  # none of them is None
