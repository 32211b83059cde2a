"""How a preview is drawn: plain functions from the engine's answer to lines, a plot and candles. No widgets here."""

from __future__ import annotations

from dataclasses import dataclass

from tradebot.engine.messages import PreviewCandles, PreviewFigure, PreviewSignals, PreviewView
from tradebot.screens import formats
from tradebot.screens.widgets.candles import CandleData, Marker
from tradebot.screens.widgets.line_plot import Plot, PlotLine
from tradebot.screens.widgets.palette import Line, Part, line_length, spread, wrap

__all__ = [
    "Standing",
    "Words",
    "border_text",
    "candles_of",
    "doing",
    "figure_lines",
    "head_line",
    "note_lines",
    "plot_of",
    "sentences",
    "signal_lines",
    "span_text",
    "words_of",
]

_TEXT_WIDTH = 7
_ROOM, _LEAST_ROOM = 14, 9  # beside a label: with the size of a change, with its arrow only
_LEAST_FIGURE_ROWS, _SIGNAL_ROWS, _PLOT_ROWS, _CANDLE_ROWS = 3, 2, 2, 5
_MOST_NOTE_ROWS = 3
_ROOMY_ROWS, _NARROW = 30, 36
_BETTER = {1: "good", -1: "bad", 0: "dim"}
_DAYS = {0: "all", 30: "1 month", 90: "3 months", 180: "6 months", 365: "1 year", 730: "2 years"}


@dataclass(frozen=True, slots=True)
class Standing:
    """How a preview stands: `answer` is the engine's latest, `view` the latest with figures.

    `errors` is the number of errors in the form, `share` how far a run is that takes long (None: none does), `waited_s`
    how long the answer's state has lasted.
    """

    answer: PreviewView | None = None
    view: PreviewView | None = None
    errors: int = 0
    share: float | None = None
    waited_s: float = 0.0

    @property
    def is_old(self) -> bool:
        """Whether the figures are not those of what stands in the form."""
        return bool(self.errors) or self.share is not None or self.answer is not self.view


@dataclass(frozen=True, slots=True)
class Words:
    """What is written around the charts. `hidden` counts notes that found no room, `both` whether both charts do."""

    figures: tuple[Line, ...] = ()
    signals: tuple[Line, ...] = ()
    notes: tuple[Line, ...] = ()
    hidden: int = 0
    both: bool = True


def words_of(view: PreviewView | None, width: int, rows: int, muted: bool) -> Words:
    """Figures, signals and notes, in as many of `rows` as the charts leave them; without trades there are no charts."""
    if view is None:
        return Words()
    charts = _PLOT_ROWS + _CANDLE_ROWS if view.trades else 0
    most = max(_LEAST_FIGURE_ROWS, rows - _SIGNAL_ROWS - _PLOT_ROWS)
    figures = figure_lines(view.figures, width, most, muted) if view.trades else []
    signals = signal_lines(view.signals, width, muted)[: max(1, rows - len(figures) - _PLOT_ROWS)]
    free = max(0, rows - len(figures) - len(signals) - charts)
    notes = note_lines(
        view.notes, width, min(_MOST_NOTE_ROWS, free) if charts and rows <= _ROOMY_ROWS else free
    )
    left = rows - len(figures) - len(signals) - len(notes)
    hidden = 0 if notes else len(view.notes)
    return Words(tuple(figures), tuple(signals), tuple(notes), hidden, left >= _PLOT_ROWS + _CANDLE_ROWS)


def border_text(view: PreviewView | None, hidden: int) -> str:
    """What the arrows mean, and that there is more to read where the pane is too small for it."""
    meaning = "▲▼ against saved" if view is not None and view.compared else "[ ] span"
    return f"{meaning} · ! {formats.plural(hidden, 'note')} (m)" if hidden else meaning


def doing(standing: Standing, width: int) -> tuple[str, str]:
    """What is going on or is up with the preview, in a few words, and the tone of these."""
    answer = standing.answer
    if standing.errors:
        if standing.view is None:
            return "not tested yet", "warning"
        return ("of the " if width > _NARROW else "") + "last valid version", "warning"
    if standing.share is not None:
        return (f"testing {standing.share:.0%}" if standing.share else "testing"), "primary"
    if answer is None:
        return "", "dim"
    if answer.state == "done":
        return f"{answer.took_ms:.0f} ms", "dim"
    if answer.state == "compiling":
        return f"compiling {formats.span(standing.waited_s)}", "warning"
    return "no bars" if answer.state == "no_data" else "not tested", "warning"


def sentences(standing: Standing, width: int) -> list[Line]:
    """What is up, where something is, with what can be done."""
    answer = standing.answer
    if standing.errors and standing.view is None:
        text = f"{formats.plural(standing.errors, 'error')} to mend; as soon as nothing is wrong, it is tested here."
        return [((line, "dim"),) for line in wrap(text, width - 2)]
    if answer is None or answer.state == "done" or standing.errors:
        return []
    lines: list[Line] = [((line, "text"),) for line in wrap(answer.sentence, width - 2)]
    if answer.collect is not None:
        lines += [(("c", "key"), ("  collects them now, or on a console:", "dim"))]
        lines += [((line, "dim"),) for line in wrap(answer.command, width - 2)]
    return lines


def span_text(days: int) -> str:
    """A span of days as the pane names it: `1 year`, `all`, `12 days`."""
    return _DAYS.get(days) or formats.plural(days, "day")


def head_line(view: PreviewView | None, symbol: str, days: int, doing: str, tone: str, width: int) -> Line:
    """What is shown on the left, what is being done (or what is up with it) on the right.

    Where both do not fit, what is least worth knowing is left out.
    """
    right: Line = ((f" {doing} ", tone),) if doing else ()
    if view is None or not view.timeframe:
        return spread(((f" {symbol}", "bold"),) if symbol else (), right, width)
    shown = view.symbol or f"{len(view.symbols)} symbols"
    among = f" 1 of {len(view.symbols)}" if view.symbol and len(view.symbols) > 1 else ""
    covered = -(-(view.end_ms - view.start_ms) // 86_400_000)
    short = not days or covered < days - 1
    name: Line = ((f" {shown}", "bold"), (f" {view.timeframe}", "dim"))
    full: Line = (
        *name,
        (among, "dim"),
        (f" · {formats.plural(covered, 'day') if short else span_text(days)}", "dim"),
    )
    wants: list[tuple[Line, Line]] = [(full, right), (name, right), (name[:1], right)]
    if tone == "dim":
        wants = [(full, right), (full, ())]
    left, right = next((each for each in wants if sum(map(line_length, each)) <= width), wants[-1])
    return spread(left, right, width)


def figure_lines(figures: tuple[PreviewFigure, ...], width: int, most: int, muted: bool) -> list[Line]:
    """The figures in as many columns as fit, each with its change against the saved version; `most` lines."""
    if not figures:
        return []
    for columns in (4, 3, 2, 1):
        rows = [figures[at : at + columns] for at in range(0, len(figures), columns)]
        labels = [max(len(row[place].label) for row in rows if place < len(row)) for place in range(columns)]
        room = (width - sum(labels)) // columns
        if room >= (_ROOM if columns > 2 else _LEAST_ROOM):
            break
    return [
        tuple(
            part
            for label, figure in zip(labels, row, strict=False)
            for part in _figure(figure, label, room, muted)
        )
        for row in rows[:most]
    ]


def _figure(figure: PreviewFigure, label_width: int, room: int, muted: bool) -> list[Part]:
    """`Sharpe   1.41 ▼0.12`: label, value, arrow and size of the change; `room` cells beside the label.

    Where the size does not fit, the arrow alone says more than half a number.
    """
    change = f" {formats.arrow(figure.direction)}{figure.change}" if figure.change else ""
    left = max(0, room - _TEXT_WIDTH - 1)
    change = change if len(change) <= left else change.strip()[:1]
    value_tone = {"good": "bold good", "bad": "bold bad"}.get(figure.tone, "bold text")
    return [
        (f" {figure.label:<{label_width}}", "stale" if muted else "head"),
        (f"{figure.text:>{_TEXT_WIDTH}}", "stale" if muted else value_tone),
        (f"{change:<{left}.{left}}", "stale" if muted else _BETTER[figure.better]),
    ]


def plot_of(view: PreviewView, muted: bool) -> Plot:
    """The equity line above that of the saved version, with the starting cash as the level to compare with."""
    lines = [PlotLine(view.times_ms, view.equity, "chart-1")]
    if view.saved_equity:
        lines.append(PlotLine(view.saved_times_ms, view.saved_equity, "chart-2"))
    return Plot(tuple(lines), view.cash, muted)


def candles_of(candles: PreviewCandles, muted: bool) -> CandleData:
    """The last bars; an entry points in the direction of its position, an exit is a cross on the other side."""
    markers = []
    for mark in candles.marks:
        long, entry = mark.side == "long", mark.kind == "entry"
        glyph = ("▲" if long else "▼") if entry else "×"
        tone = "stale" if muted else "bold chart-1" if entry else "bold accent"
        markers.append(Marker(mark.bar, glyph, long == entry, tone))
    return CandleData(
        candles.times_ms,
        candles.open,
        candles.high,
        candles.low,
        candles.close,
        candles.decimals,
        markers=tuple(markers),
        muted=muted,
    )


def signal_lines(signals: PreviewSignals, width: int, muted: bool) -> list[Line]:
    """How often it decided, how long it held, how far its stop was; in as few lines as fit."""

    def tone(usual: str) -> str:
        return "stale" if muted else usual

    decided: Line = (
        (f" ▲ {formats.count(signals.long)}", tone("up")),
        (f" ▼ {formats.count(signals.short)}", tone("down")),
        (" signals", tone("head")),
    )
    rate: Line = ((f" {_rate(signals.per_day)}", tone("text")),)
    # Beside large numbers the word goes first: the rate stands behind them.
    facts: list[Line] = [
        decided if line_length(decided) + 2 + line_length(rate) <= width else decided[:2],
        rate,
    ]
    if signals.hold_ms is not None:
        facts.append(((" hold ", tone("head")), (_length(signals.hold_ms), tone("text"))))
    if signals.stop_percent is not None:
        facts.append(((" stop ", tone("head")), (f"{signals.stop_percent:.2f}%", tone("text"))))
    lines: list[Line] = []
    for fact in facts:
        size = sum(len(text) for text, _ in fact)
        if lines and sum(len(text) for text, _ in lines[-1]) + 2 + size <= width:
            lines[-1] = (*lines[-1], ("  ", ""), *fact)
        else:
            lines.append(fact)
    return lines


def _rate(per_day: float) -> str:
    """`3.4 a day`, `2.1 a week`, `0.9 a month`."""
    for factor, unit in ((1, "day"), (7, "week")):
        if per_day * factor >= 1 or per_day == 0:
            return f"{per_day * factor:.{0 if per_day * factor >= 10 else 1}f} a {unit}"
    return f"{per_day * 30:.1f} a month"


def _length(span_ms: int) -> str:
    """`42 min`, `3h 10m`, `4d 2h`."""
    minutes = round(span_ms / 60_000)
    if minutes < 60:
        return f"{minutes} min"
    hours, rest = divmod(minutes, 60)
    return f"{hours}h {rest:02d}m" if hours < 48 else f"{hours // 24}d {hours % 24}h"


def note_lines(notes: tuple[str, ...], width: int, most: int) -> list[Line]:
    """The sentences, the most important first, broken to the width; `most` lines of them."""
    lines: list[Line] = []
    for note in notes:
        broken = wrap(note, max(10, width - 4))
        lines += [
            ((" ! " if not number else "   ", "warning"), (text, "text"))
            for number, text in enumerate(broken)
        ]
    if len(lines) > most > 0:
        lines = [*lines[: most - 1], (("   … ", "dim"), ("m shows the pane large", "dim"))]
    return lines[: max(0, most)]
