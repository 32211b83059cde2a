"""The words around the chart: its border, its empty state, the row of timeframes."""

from __future__ import annotations

from tradebot.engine.messages import ChartView, EngineSnapshot
from tradebot.screens import formats
from tradebot.screens.chart_live import FormingBar
from tradebot.screens.chart_picture import missing_candles
from tradebot.screens.chart_view import Subject, Viewport
from tradebot.screens.widgets.candle_chart_picture import ChartPicture
from tradebot.screens.widgets.palette import Line, Part, line_length, wrap

_KINDS = {"linear": "perpetual", "inverse": "inverse", "spot": "spot"}


def title(subject: Subject, viewport: Viewport) -> str:
    """`BTCUSDT perpetual · 5m · 10 bars a candle · ema-trend`."""
    if not subject.symbol:
        return "Chart"
    parts = [f"{subject.symbol} {_KINDS.get(subject.category, subject.category)}", viewport.timeframe]
    if viewport.group > 1:
        parts.append(f"{viewport.group} bars a candle")
    if subject.strategy:
        parts.append(f"signals of {subject.strategy}")
    if subject.result_id:
        parts.append(f"trades of {subject.result_id}")
    return " · ".join(parts)


def subtitle(
    view: ChartView | None,
    picture: ChartPicture,
    viewport: Viewport,
    forming: FormingBar | None,
    loading: bool,
    alerts: int = 0,
) -> str:
    """Whether it is live, what is seen, what is missing, and how many alerts are armed on it."""
    if view is None or not picture.close:
        return ""
    parts: list[str] = []
    if loading:
        parts.append("loading")
    parts += view.problems[:1]
    missing = missing_candles(picture)
    if missing:
        parts.append(f"{formats.plural(missing, 'candle')} not stored")
    if alerts:
        parts.append(f"{formats.plural(alerts, 'alert')} armed")
    parts.append("built from " + view.source.split(",")[0] if "," in view.source else view.source)
    if forming is not None and viewport.right_ms is None:
        parts.append("○ no prices come" if forming.stale else "● live")
    elif viewport.right_ms is None:
        parts.append(f"newest bar {formats.minute(view.last_ms)}")
    else:
        parts.append("End: newest bar")
    return " · ".join(parts)


def timeframe_strip(timeframes: tuple[str, ...], current: str, width: int) -> Line:
    """The timeframes there are, the present one marked; where not all fit, those beside it."""
    at = timeframes.index(current) if current in timeframes else 0
    for near in (len(timeframes), 3, 2, 1):
        shown = timeframes[max(0, at - near) : at + near + 1]
        parts: Line = tuple((f" {each} ", "badge-primary" if each == current else "dim") for each in shown)
        if line_length(parts) <= width:
            return parts
    return ()


def narrow_line(
    subject: Subject, viewport: Viewport, values: Line, forming: FormingBar | None, width: int
) -> Line:
    """Where there is no border: symbol, timeframe and the candle's values on one row."""
    head: list[Part] = [(f"{subject.symbol} {viewport.timeframe} ", "bold")]
    if viewport.group > 1:
        head.append((f"x{viewport.group} ", "dim"))
    if forming is not None and viewport.right_ms is None:
        head.append(("○ ", "warning") if forming.stale else ("● ", "live"))
    time_part, rest = values[0], list(values[1:])
    head.append((time_part[0][5:], time_part[1]))  # without the year
    if line_length(head) + line_length(rest) > width:
        # Open, high and low go before close, change and volume do.
        rest = [part for number, part in enumerate(rest) if number not in {0, 1}]
    if line_length(head) + line_length(rest) > width:
        rest = rest[4:]
    return (*head, *rest)


def empty_lines(
    snapshot: EngineSnapshot, subject: Subject, timeframe: str, problem: str, width: int, height: int
) -> tuple[Line, ...]:
    """Why there is no chart, which key helps, what it costs."""
    if subject.symbol and not problem:
        body: list[Line] = [((f"Loading {subject.symbol} {timeframe} ...", "dim"),)]
    elif not snapshot.ready:
        body = [(("Opening the data folder ...", "dim"),)]
    elif not subject.symbol:
        body = [
            (("No candles yet", "bold"),),
            (),
            (("A chart is drawn from bars that are stored on this computer.", ""),),
            (),
            _key("c", "collect BTCUSDT, 90 days of 1m", "~130 k rows, 8 MB, under a minute"),
            _key("2", "Data: other symbols, import of files", ""),
        ]
    else:
        sentences: list[Line] = [((text, "dim"),) for text in wrap(problem, max(20, min(width - 4, 90)))]
        body = [
            ((f"No candles of {subject.symbol} {timeframe}", "bold"),),
            (),
            *sentences,
            (),
            _key("c", f"collect {subject.symbol}", "the window says how long it takes"),
            _key("s", "another symbol", ""),
            _key("[ ]", "another timeframe", ""),
        ]
    margin = " " * max(1, (width - max(line_length(line) for line in body)) // 2)
    above = max(0, (height - len(body)) // 2 - 1)
    return ((),) * above + tuple(((margin, ""), *line) for line in body)


def _key(key: str, what: str, cost: str) -> Line:
    return ((f"{key:<4}", "key"), (f"{what:<38}", ""), (cost, "dim"))
