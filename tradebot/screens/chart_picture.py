"""From the engine's answer to the picture: the visible part, the forming bar, tones, marks; and the words above."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tradebot.engine.messages import AlertView, ChartLine, ChartView
from tradebot.screens import formats
from tradebot.screens.chart_live import FormingBar, merged
from tradebot.screens.chart_view import Bar, Viewport, bar_of
from tradebot.screens.widgets.candle_chart_picture import (
    ChartPicture,
    Path,
    PictureLine,
    PictureMark,
    gaps_of,
    pane_value,
)
from tradebot.screens.widgets.palette import Line, Part, line_length

__all__ = [
    "Shown",
    "alert_levels",
    "axis_width",
    "bar_line",
    "missing_candles",
    "picture_of",
    "tones_of",
    "values_line",
    "whole_picture",
]

_PRICE_TONES = ("chart-1", "chart-4", "head", "flat")
_PANE_TONES = ("chart-1", "chart-4", "chart-2", "head", "flat")
_MARKS = {
    "long": ("▲", True, "up"),
    "short": ("▼", False, "down"),
    "exit long": ("○", False, "accent"),
    "exit short": ("○", True, "accent"),
}
_MOST_PATHS = 80


@dataclass(frozen=True, slots=True)
class Shown:
    """What a picture is made of besides the engine's answer."""

    viewport: Viewport
    fit: int
    forming: FormingBar | None = None
    with_volume: bool = True
    with_marks: bool = True
    muted: bool = False
    levels: tuple[float, ...] = ()


def newest_ms(view: ChartView, forming: FormingBar | None) -> int:
    """Open time of the newest bar, the forming one where there is one."""
    return view.last_ms if forming is None else max(view.last_ms, forming.time_ms)


def axis_width(view: ChartView) -> int:
    """Cells for the prices on the right."""
    highest = max((each for each in view.high if each is not None), default=0.0)
    return max(10, len(f"{highest:,.{view.decimals}f}") + 2)


def alert_levels(alerts: Sequence[AlertView]) -> tuple[float, ...]:
    """The prices that alerts wait for, each once."""
    return tuple(dict.fromkeys(alert.level for alert in alerts if alert.level is not None))


def tones_of(lines: Sequence[ChartLine]) -> dict[tuple[str, str], str]:
    """A tone for each line: one for all lines of an indicator on the price, one for each line of a pane below."""
    tones: dict[tuple[str, str], str] = {}
    sources: list[str] = []
    panes: dict[str, int] = {}
    for line in lines:
        if line.pane == "price":
            if line.source not in sources:
                sources.append(line.source)
            tone = _PRICE_TONES[sources.index(line.source) % len(_PRICE_TONES)]
        else:
            number = panes[line.pane] = panes.get(line.pane, -1) + 1
            tone = _PANE_TONES[number % len(_PANE_TONES)]
        tones[line.source, line.label] = tone
    return tones


def picture_of(view: ChartView, shown: Shown) -> ChartPicture:
    """The visible part of the answer as a picture."""
    viewport, newest = shown.viewport, newest_ms(view, shown.forming)
    unit = view.unit_ms
    left = viewport.left_of(shown.fit, newest)
    start = (left - view.start_ms) // unit
    bars = [_bar_at(view, start + slot, shown) for slot in range(shown.fit)]
    tones = tones_of(view.lines)
    lines = tuple(
        PictureLine(
            line.label,
            tones[line.source, line.label],
            line.pane,
            [line.values[n] if 0 <= n < len(line.values) else None for n in range(start, start + shown.fit)],
            line.source,
        )
        for line in view.lines
    )
    cursor = None if viewport.cursor_ms is None else (viewport.floor(viewport.cursor_ms) - left) // unit
    marks, paths = _marks(view, left, shown) if shown.with_marks else ((), ())
    last = shown.forming.bar[3] if shown.forming is not None else _last_close(view, newest)
    columns = [tuple(None if bar is None else bar[n] for bar in bars) for n in range(5)]
    return ChartPicture(
        start_ms=left,
        unit_ms=unit,
        open=columns[0],
        high=columns[1],
        low=columns[2],
        close=columns[3],
        volume=columns[4],
        pitch=viewport.pitch,
        decimals=view.decimals,
        axis=axis_width(view),
        first_ms=view.first_ms,
        last_ms=view.last_ms,
        lines=lines,
        marks=marks,
        paths=paths,
        last=last,
        cursor=cursor,
        with_volume=shown.with_volume,
        muted=shown.muted,
        levels=shown.levels,
        stale=shown.forming is not None and shown.forming.stale,
    )


def whole_picture(view: ChartView, fit: int, pitch: int = 1) -> ChartPicture:
    """The last `fit` candles of an answer, as the command line prints them."""
    count = min(fit, len(view.close))
    first = len(view.close) - count
    tones = tones_of(view.lines)
    left = view.start_ms + first * view.unit_ms
    shown = Shown(Viewport(view.timeframe), count)
    marks, paths = _marks(view, left, shown)
    return ChartPicture(
        start_ms=left,
        unit_ms=view.unit_ms,
        open=view.open[first:],
        high=view.high[first:],
        low=view.low[first:],
        close=view.close[first:],
        volume=view.volume[first:],
        pitch=pitch,
        decimals=view.decimals,
        axis=axis_width(view),
        first_ms=view.first_ms,
        last_ms=view.last_ms,
        lines=tuple(
            PictureLine(
                line.label, tones[line.source, line.label], line.pane, line.values[first:], line.source
            )
            for line in view.lines
        ),
        marks=marks,
        paths=paths,
        last=next((each for each in reversed(view.close) if each is not None), None),
    )


def _bar_at(view: ChartView, slot: int, shown: Shown) -> Bar | None:
    bar = bar_of(view, slot)
    forming = shown.forming
    if forming is None or (forming.time_ms - view.start_ms) // view.unit_ms != slot:
        return bar
    # A stored candle that holds the forming bar already can only be one of several bars.
    return merged(bar, forming.bar)


def _last_close(view: ChartView, newest: int) -> float | None:
    """The close of the newest bar, where the answer reaches to it."""
    slot = (newest - view.start_ms) // view.unit_ms
    return view.close[slot] if 0 <= slot < len(view.close) else None


def _marks(view: ChartView, left: int, shown: Shown) -> tuple[tuple[PictureMark, ...], tuple[Path, ...]]:
    """Signals and trades in the window."""
    unit, fit = view.unit_ms, shown.fit
    marks: dict[tuple[int, str], PictureMark] = {}
    for signal in view.signals:
        slot = (signal.time_ms - left) // unit
        if 0 <= slot < fit:
            glyph, below, tone = _MARKS[signal.kind]
            marks[slot, signal.kind] = PictureMark(slot, glyph, below, tone)
    paths: list[Path] = []
    for trade in view.trades:
        first, last = (trade.entry_ms - left) // unit, (trade.exit_ms - left) // unit
        if last < 0 or first >= fit:
            continue
        long = trade.side == "long"
        tone = formats.tone_of(trade.pnl)
        if 0 <= first < fit:
            glyph = "▲" if long else "▼"
            marks[first, "entry"] = PictureMark(first, glyph, long, "bold chart-1")
        if 0 <= last < fit:
            marks[last, "exit"] = PictureMark(last, "●", not long, f"bold {tone}")
        if last > first >= 0 and last < fit and len(paths) < _MOST_PATHS:
            paths.append(Path(first, trade.entry_price, last, trade.exit_price, tone))
    return tuple(marks.values()), tuple(paths)


def missing_candles(picture: ChartPicture) -> int:
    """How many candles of the picture have no bar although there are bars before and after them."""
    return sum(end - first for first, end in gaps_of(picture))


# ---------------------------------------------------------------------------------------------- words


def slot_shown(picture: ChartPicture) -> int | None:
    """The candle whose values are told: that under the cursor, else the newest one."""
    if picture.cursor is not None:
        return picture.cursor
    return next((n for n in range(len(picture.close) - 1, -1, -1) if picture.close[n] is not None), None)


def bar_line(picture: ChartPicture, width: int) -> Line:
    """Time, prices, change and volume of the candle that is pointed at, shortened where it is narrow."""
    slot = slot_shown(picture)
    if slot is None or not 0 <= slot < len(picture.close):
        return (("no bar here", "dim"),)
    at = formats.minute(picture.start_ms + slot * picture.unit_ms)
    when: Part = (f"{at}  ", "accent" if picture.cursor is not None else "dim")
    open_, high, low, close, volume = (
        column[slot] for column in (picture.open, picture.high, picture.low, picture.close, picture.volume)
    )
    if open_ is None or high is None or low is None or close is None:
        return (when, ("no data", "warning"))
    before = picture.close[slot - 1] if slot > 0 else None
    digits = picture.decimals
    parts: list[Part] = [when]
    for name, value in (("O", open_), ("H", high), ("L", low), ("C", close)):
        parts += [(f"{name} ", "dim"), (f"{value:,.{digits}f}  ", "bold" if name == "C" else "")]
    # The change from close to close is what a person means; the first candle has its open only.
    change = close / (before or open_) - 1 if (before or open_) else 0.0
    parts.append((f"{formats.percent(change)}  ", formats.tone_of(round(change, 6))))
    parts += [("V ", "dim"), (formats.count(volume or 0.0), "")]
    if line_length(parts) > width:
        parts = [part for number, part in enumerate(parts) if number not in {1, 2}]
    return tuple(parts)


def values_line(picture: ChartPicture, width: int) -> Line:
    """The values of all indicators at the candle that is pointed at, each in the tone of its line.

    What lines of one indicator share of their names is written once: `BBANDS 20 2 upper 64,020 lower 63,410`.
    """
    slot = slot_shown(picture)
    parts: list[Part] = []
    before = ""
    for line in picture.lines:
        value = line.values[slot] if slot is not None and 0 <= slot < len(line.values) else None
        if picture.cursor is None:
            # Indicators are of closed bars: the forming one has none yet.
            value = next((each for each in reversed(line.values) if each is not None), None)
        if value is None:
            text = "n/a"
        elif line.pane == "price":
            text = f"{value:,.{picture.decimals}f}"
        else:
            text = pane_value(value)
        name = line.label.rpartition(" ")[2] if line.source and line.source == before else line.label
        before = line.source
        more: list[Part] = [(f"{name} ", "dim"), (f"{text}  ", line.tone)]
        if line_length(parts) + line_length(more) > width - 2:
            parts.append(("…", "dim"))
            break
        parts += more
    return tuple(parts)
