"""A result's curve as plain text, for a console or a file: plotext without colours."""

from __future__ import annotations

import re

from tradebot.engine.messages import BacktestView
from tradebot.screens.widgets.chart import nice_ticks, reduce_to_columns, time_label

_CODES = re.compile(r"\x1b\[[0-9;]*m")
_LABEL_WIDTH = 8


def plain_chart(view: BacktestView, width: int, height: int) -> str:
    """Equity over time as `height` lines of at most `width` characters; a sentence where there is no curve."""
    if len(view.times_ms) < 2:
        return "  There are too few bars for a chart."
    import plotext

    plotext.terminal.limit(False, False)
    figure = plotext.figure
    figure.clear()
    figure.plot_size(width, height)
    figure.canvas("default")
    start, end = float(view.times_ms[0]), float(view.times_ms[-1])
    low, high = min(view.equity), max(view.equity)
    if not high > low:
        low, high = low - 1.0, high + 1.0
    times, values = reduce_to_columns(view.times_ms, view.equity, width - _LABEL_WIDTH)
    figure.draw(
        figure.signal(times, values, marker=plotext.marker("braille"), yside="right").lines().density("full")
    )
    figure.axes(False)
    figure.axes(True, axis=[1], side=[1])
    figure.axes(True, axis=[0], side=[0])
    ticks = nice_ticks(low, high, height // 4)
    figure.ruler("y", "right").lim(low, high)
    figure.ruler("y", "right").ticks(ticks, [f"{tick:>{_LABEL_WIDTH},.0f}" for tick in ticks])
    places = [start + (end - start) * (place + 0.5) / 6 for place in range(6)]
    figure.ruler("x").lim(start, end)
    figure.ruler("x").ticks(places, [time_label(place, end - start) for place in places])
    drawing = _CODES.sub("", figure.build().string())
    return "\n".join(["  Equity", *(line.rstrip() for line in drawing.rstrip("\n").split("\n"))])
