"""`tradebot chart`: the chart of a symbol printed to the terminal, drawn as the app draws it."""

from __future__ import annotations

import os
import shutil
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tradebot.commands.context import ConfigOption, Context, DataOption, JsonOption, open_context
from tradebot.engine.control.errors import InputError

if TYPE_CHECKING:
    from tradebot.engine.messages import ChartView, GetChart
    from tradebot.screens.widgets.palette import Line

_PIPED_WIDTH = 100
_HEIGHT = 28
_LEAST_WIDTH, _LEAST_HEIGHT = 40, 10
_MOST_WIDTH, _MOST_HEIGHT = 1000, 300
_AXIS = 12


def chart(
    symbol: Annotated[str, typer.Argument(metavar="SYMBOL", help="Such as BTCUSDT.")],
    timeframe: Annotated[str, typer.Argument(metavar="TIMEFRAME", help="Bars such as 1m, 15m, 4h, 1d.")],
    start: Annotated[
        str | None, typer.Option("--from", help="First bar: a date, or a span back such as 30d.")
    ] = None,
    end: Annotated[str | None, typer.Option("--to", help="Up to this time.")] = None,
    bars: Annotated[
        int | None, typer.Option("--bars", min=1, help="How many bars; default: as many as fit.")
    ] = None,
    indicators: Annotated[
        list[str] | None,
        typer.Option("--indicator", help='Such as "ema 50", rsi or "bbands 20 2"; repeat for more.'),
    ] = None,
    strategy: Annotated[
        str, typer.Option("--strategy", help="A saved strategy, for its indicators and signals.")
    ] = "",
    result: Annotated[str, typer.Option("--result", help="A stored result, for its trades.")] = "",
    category: Annotated[str, typer.Option("--category", help="linear, inverse or spot.")] = "linear",
    width: Annotated[
        int | None, typer.Option("--width", min=_LEAST_WIDTH, max=_MOST_WIDTH, help="Columns.")
    ] = None,
    height: Annotated[
        int | None, typer.Option("--height", min=_LEAST_HEIGHT, max=_MOST_HEIGHT, help="Rows of the drawing.")
    ] = None,
    data: DataOption = None,
    config: ConfigOption = None,
    json_wanted: JsonOption = False,
) -> None:
    """Print the chart of a symbol: candles, volume, indicators, signals, trades; plain text where it is piped.

    Where there are more bars than columns, several make one candle.
    """
    context = open_context(data, config, None, json_wanted)
    columns = width or _terminal_width()
    command = _command(
        symbol.upper(),
        timeframe,
        category,
        start,
        end,
        bars,
        columns - _AXIS - 1,
        tuple(indicators or ()),
        strategy,
        result,
    )
    view = _answer(context, command)
    context.answer(_document(view), "" if json_wanted else _text(view, columns, height or _HEIGHT))


def _command(
    symbol: str,
    timeframe: str,
    category: str,
    start: str | None,
    end: str | None,
    bars: int | None,
    room: int,
    indicators: tuple[str, ...],
    strategy: str,
    result: str,
) -> GetChart:
    """The window that is asked for: as many bars a candle as it takes to have room for all."""
    from tradebot.engine.chart_queries import MOST_CANDLES
    from tradebot.engine.control.clock import SystemClock
    from tradebot.engine.control.errors import did_you_mean
    from tradebot.engine.market import Timeframe
    from tradebot.engine.messages import GetChart

    if timeframe not in Timeframe.names():
        raise InputError(
            f"{timeframe!r} is not a timeframe; choose from {', '.join(Timeframe.names())}."
            f"{did_you_mean(timeframe, Timeframe.names())}"
        )
    length = Timeframe(timeframe).ms
    now_ms = SystemClock().now_ms()
    first, until = _time("--from", start, now_ms), _time("--to", end, now_ms)
    if first is not None and until is not None and until <= first:
        raise InputError(f"--to ({end}) is not after --from ({start}); give a later end.")
    if first is not None and bars is not None and until is not None:
        raise InputError("--from, --to and --bars together say too much; leave one of them out.")
    wanted = bars or room
    if first is not None and bars is None:
        wanted = max(1, -(-((until or now_ms) - first) // length))
    group = max(1, -(-wanted // min(room, MOST_CANDLES)))
    if first is None and until is not None:
        first = until - wanted * length
    candles = max(1, -(-wanted // group))
    return GetChart(symbol, timeframe, category, first, candles, group, indicators, strategy, result)


def _time(option: str, text: str | None, now_ms: int) -> int | None:
    from tradebot.engine.market.times import parse_time

    if text is None:
        return None
    try:
        return parse_time(text, now_ms)
    except ValueError as error:
        raise InputError(f"{option}: {error}.") from None


def _answer(context: Context, command: GetChart) -> ChartView:
    from tradebot.commands.data.opening import open_store
    from tradebot.commands.strategy import load_plugins, open_library
    from tradebot.engine.backtest.results.folder import read_result
    from tradebot.engine.chart_queries import ChartQueries

    def stored(result_id: str) -> Any:
        folder = context.folders.results / result_id
        if not (folder / "result.json").is_file():
            raise InputError(
                f"There is no result {result_id}; tradebot results list names those that are stored."
            )
        return read_result(folder)

    registry, _left_out = load_plugins(context)
    queries = ChartQueries(open_store(context), registry, open_library(context).read, stored)
    view: ChartView = queries.answer(command)
    if view.problems:
        raise InputError(view.problems[0])
    if all(close is None for close in view.close):
        from tradebot.engine.market.times import iso_minute

        raise InputError(
            f"No bars of {command.symbol} {command.timeframe} are stored in this span; there are some from "
            f"{iso_minute(view.first_ms)} to {iso_minute(view.last_ms)}."
        )
    return view


def _document(view: ChartView) -> dict[str, Any]:
    from tradebot.engine.market.times import iso_ms

    slots = [slot for slot, close in enumerate(view.close) if close is not None]
    return {
        "symbol": view.symbol,
        "category": view.category,
        "timeframe": view.timeframe,
        "bars_per_candle": view.group,
        "source": view.source,
        "candles": [
            {
                "time": iso_ms(view.start_ms + slot * view.unit_ms),
                "open": view.open[slot],
                "high": view.high[slot],
                "low": view.low[slot],
                "close": view.close[slot],
                "volume": view.volume[slot],
            }
            for slot in slots
        ],
        "indicators": {line.label: [line.values[slot] for slot in slots] for line in view.lines},
        "signals": [{"time": iso_ms(each.time_ms), "signal": each.kind} for each in view.signals],
        "trades": [
            {
                "trade_id": each.trade_id,
                "side": each.side,
                "entry_time": iso_ms(each.entry_ms),
                "entry_price": each.entry_price,
                "exit_time": iso_ms(each.exit_ms),
                "exit_price": each.exit_price,
                "pnl": each.pnl,
                "exit_reason": each.reason,
            }
            for each in view.trades
            if each.entry_ms < view.start_ms + view.unit_ms * len(view.close)
            and each.exit_ms >= view.start_ms
        ],
    }


def _text(view: ChartView, columns: int, height: int) -> str:
    from tradebot.screens.chart_picture import (
        axis_width,
        bar_line,
        missing_candles,
        values_line,
        whole_picture,
    )
    from tradebot.screens.chart_view import Subject, Viewport
    from tradebot.screens.chart_words import title
    from tradebot.screens.formats import plural
    from tradebot.screens.widgets.candle_chart_drawing import draw_chart
    from tradebot.screens.widgets.candle_chart_picture import slots_that_fit

    fit = slots_that_fit(columns, 1, axis_width(view))
    pitch = 2 if 2 * len(view.close) <= fit else 1
    picture = whole_picture(view, fit, pitch)
    head = title(Subject(view.symbol, view.category), Viewport(view.timeframe))
    if view.group > 1:
        head += f" · {view.group} bars a candle"
    missing = missing_candles(picture)
    if missing:
        head += f" · {plural(missing, 'candle')} not stored"
    lines: list[Line] = [((f"{head} · {view.source}", "bold"),), bar_line(picture, columns)]
    if picture.lines:
        lines.append(values_line(picture, columns))
    lines += draw_chart(picture, columns, height)
    return "\n".join(_coloured(line) for line in lines) if _has_colours() else "\n".join(map(_plain, lines))


def _plain(line: Line) -> str:
    return "".join(text for text, _ in line).rstrip()


def _coloured(line: Line) -> str:
    """The line with the colours of the dark theme."""
    from rich.color import ColorSystem

    from tradebot.screens.theme import DARK, MEANINGS
    from tradebot.screens.widgets.palette import Palette

    own = ("primary", "accent", "warning", "error", "foreground", "background", "surface", "panel")
    named = {name: str(getattr(DARK, name)) for name in own}
    palette = Palette({**MEANINGS, **named})
    return "".join(
        palette.style(tone).render(text, color_system=ColorSystem.TRUECOLOR) for text, tone in line
    )


def _has_colours() -> bool:
    return sys.stdout is not None and sys.stdout.isatty() and not os.environ.get("NO_COLOR")


def _terminal_width() -> int:
    if sys.stdout is not None and sys.stdout.isatty():
        return max(_LEAST_WIDTH, min(_MOST_WIDTH, shutil.get_terminal_size().columns))
    return _PIPED_WIDTH
