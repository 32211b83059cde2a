"""One trade on its bars: entry, exit, stop and targets marked, and beside them why it was made."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import replace
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal

from tradebot.engine.control.errors import TradebotError
from tradebot.engine.messages import ExplainTrade, GetTradeBars, TradeBars, TradeRow, TradeWhy
from tradebot.screens import formats
from tradebot.screens.area import write_title
from tradebot.screens.desk import desk_of, errand
from tradebot.screens.dialogs import Dialog
from tradebot.screens.results_drawing import why_lines
from tradebot.screens.trade_log import TradeLog
from tradebot.screens.widgets.candles import CandleChart, CandleData, Level, Marker, Path
from tradebot.screens.widgets.lines_view import LinesView
from tradebot.screens.widgets.palette import Line, Part, wrap

__all__ = ["TradeDialog"]

_LEAST_MARGIN = 10
_BESIDE = 100
"""From this width on there is room for the reasons beside the bars."""


class TradeDialog(Dialog[int]):
    """A trade of a log; `n` and `N` go to older and newer ones. Closes with the number of the row shown last."""

    title_text = "Trade"
    keys_text = "n older · N newer · left right bar · o on the chart · i why · y copy · Esc closes"
    AUTO_FOCUS = ""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n", "step(1)", "older trade", id="trade.older"),
        Binding("N", "step(-1)", "newer trade", id="trade.newer"),
        Binding("left,h", "bar(-1)", "bar before", id="trade.left"),
        Binding("right,l", "bar(1)", "bar after", id="trade.right"),
        Binding("o", "chart", "on the chart", id="trade.chart"),
        Binding("i", "why", "why", id="trade.why"),
        Binding("y", "copy", "copy", id="trade.copy"),
        Binding("enter", "close", "close", show=False, id="trade.close"),
    ]

    def __init__(
        self, result_id: str, log: TradeLog, index: int, on_chart: Callable[[TradeRow], None]
    ) -> None:
        super().__init__()
        self._on_chart = on_chart
        self._result_id = result_id
        self._log = log
        self._index = index
        self._bars: TradeBars | None = None
        self._data = CandleData()
        self._cursor = 0
        self._why: TradeWhy | None = None
        self._why_not = ""
        self._is_warm = False
        self._shown: tuple[int, int] | None = None

    def compose_body(self) -> ComposeResult:
        """Facts, chart, the bar under the cursor."""
        yield LinesView(id="trade-facts")
        with Horizontal(id="trade-middle"):
            yield CandleChart(id="trade-chart")
            why = LinesView(id="trade-why")
            why.can_focus = True
            yield why
        yield LinesView(id="trade-bar")

    def on_mount(self) -> None:
        """Fetch the first one."""
        super().on_mount()
        self.set_class(self.app.size.width >= _BESIDE, "-why")
        self.call_after_refresh(
            self._load
        )  # the chart must have its size: it decides how many bars are asked for

    @errand("trade", exclusive=True)
    async def _load(self) -> None:
        row = self._log[self._index]
        if row is None:
            self.set_timer(0.1, self._load)  # its window is on the way
            return
        part = f" part {row.leg + 1}" if row.leg else ""
        title = f"Trade {row.trade_id}{part} · {self._index + 1} of {len(self._log)}"
        write_title(self.query_one("#dialog"), title)
        asked = GetTradeBars(self._result_id, row.trade_id, self._margin(row), row.leg, paths=self._is_warm)
        try:
            self._show(await desk_of(self).ask(asked))
            if not self._is_warm:
                # Walking a trade takes a second or two the first time: its bars are there before.
                self._show(await desk_of(self).ask(replace(asked, paths=True)))
                self._is_warm = True
        except TradebotError as error:
            self.query_one("#trade-facts", LinesView).show((((error.sentence, "bad"),),))
            return
        self._why, self._why_not = None, "looking at what the signals said …"
        self._show_why()
        try:
            self._why = await desk_of(self).ask(ExplainTrade(self._result_id, row.trade_id, row.leg))
        except TradebotError as error:
            self._why_not = error.sentence
        self._show_why()

    def _show_why(self) -> None:
        """What led to the trade, or why that cannot be said."""
        view = self.query_one("#trade-why", LinesView)
        width = max(20, (view.size.width or 38) - 3)
        if self._why is not None:
            view.show(why_lines(self._why, width))
        else:
            view.show([((text, "dim"),) for text in wrap(self._why_not, width)])

    def on_resize(self) -> None:
        """Break the reasons anew."""
        self.call_after_refresh(self._show_why)

    def action_why(self) -> None:
        """Show what led to the trade, or give its room back to the bars."""
        self.toggle_class("-why")
        self.call_after_refresh(self._show_why)
        self.call_after_refresh(self._show_bar)

    def _margin(self, row: TradeRow) -> int:
        """So many bars before and after that the chart is filled, every other column where they are few."""
        room = CandleChart.bars_that_fit(self.query_one(CandleChart).size.width)
        room = room // 2 if row.bars + 2 * _LEAST_MARGIN <= room // 2 else room
        return max(_LEAST_MARGIN, (room - row.bars - 1) // 2)

    def _show(self, bars: TradeBars) -> None:
        self._bars = bars
        trade = bars.trade
        entry, leave = (max(0, bisect_right(bars.times_ms, at) - 1) for at in (trade.entry_ms, trade.exit_ms))
        long = trade.side == "long"
        levels = [
            Level(float(trade.entry_price), "entry", "chart-1"),
            Level(float(trade.exit_price), "exit", "accent"),
        ]
        paths = tuple(Path(path.prices, path.name, _tone(path.name)) for path in bars.paths)
        if not paths:
            levels += _resting(bars)
        markers = (
            Marker(entry, "▲" if long else "▼", long, "bold chart-1"),
            Marker(leave, "▼" if long else "▲", not long, "bold accent"),
        )
        self._data = CandleData(
            bars.times_ms,
            bars.open,
            bars.high,
            bars.low,
            bars.close,
            bars.decimals,
            tuple(levels),
            markers,
            paths,
        )
        if self._shown != (trade.trade_id, trade.leg):
            self._shown, self._cursor = (trade.trade_id, trade.leg), entry
        self.query_one("#trade-facts", LinesView).show(_facts(bars, self.app.size.width))
        self._show_bar()

    def _show_bar(self) -> None:
        bars, at = self._bars, self._cursor
        if bars is None or not bars.times_ms:
            return
        chart = self.query_one(CandleChart)
        chart.show(self._data, at)
        digits = bars.decimals
        values = (("O", bars.open), ("H", bars.high), ("L", bars.low), ("C", bars.close))
        written = formats.minute if self.app.size.width >= _BESIDE else formats.short_minute
        parts: list[Part] = [(f"{written(bars.times_ms[at])}  ", "accent")]
        for name, column in values:
            parts.extend(((f"{name} ", "dim"), (f"{column[at]:,.{digits}f}  ", "")))
        change = bars.close[at] / bars.open[at] - 1 if bars.open[at] else 0.0
        parts.append((formats.percent(change), formats.tone_of(change)))
        if chart.note:
            parts.append((f"   {chart.note}", "dim"))
        self.query_one("#trade-bar", LinesView).show((tuple(parts),))

    def action_step(self, step: int) -> None:
        """To an older or newer trade."""
        index = self._index + step
        if 0 <= index < len(self._log):
            self._index = index
            self._load()

    def action_bar(self, step: int) -> None:
        """Move the cursor over the bars."""
        if self._bars is not None:
            self._cursor = min(max(0, self._cursor + step), len(self._bars.times_ms) - 1)
            self._show_bar()

    def action_chart(self) -> None:
        """Close, and show the trade on the chart."""
        row = self._log[self._index]
        if row is not None:
            self.dismiss(self._index)
            self._on_chart(row)

    def action_copy(self) -> None:
        """Copy the facts."""
        facts = self.query_one("#trade-facts", LinesView).plain
        self.app.copy_to_clipboard(f"{facts}\n\n{self.query_one('#trade-why', LinesView).plain}")
        self.app.notify("Copied the trade.", timeout=2)

    def action_close(self) -> None:
        """Close on the row shown last."""
        self.dismiss(self._index)


def _resting(bars: TradeBars) -> list[Level]:
    """The levels at the entry, for a trade whose way cannot be walked again."""
    targets = bars.targets or ((bars.target,) if bars.target is not None else ())
    levels = [
        Level(price, f"target {number}" if len(targets) > 1 else "target", "up")
        for number, price in enumerate(targets, start=1)
    ]
    return levels if bars.stop is None else [*levels, Level(bars.stop, "stop", "down")]


def _tone(name: str) -> str:
    return "down" if name == "stop" else "up"


def _facts(bars: TradeBars, width: int) -> list[Line]:
    trade = bars.trade
    written = formats.minute if width >= _BESIDE else formats.short_minute
    return [_result(trade, bars.timeframe), _way(trade, written), _levels(bars)]


def _result(trade: TradeRow, timeframe: str) -> Line:
    side_tone = "up" if trade.side == "long" else "down"
    parts: list[Part] = [
        (f"{trade.symbol} ", "bold"),
        (f"{'▲' if trade.side == 'long' else '▼'} {trade.side.upper()} ", side_tone),
        (f"{trade.quantity}  ", ""),
        (f"{formats.arrow(trade.pnl)} {abs(trade.pnl):,.2f}", f"bold {formats.tone_of(trade.pnl)}"),
    ]
    if trade.r is not None:
        parts.append((f"  {trade.r:+.2f} R", formats.tone_of(trade.r)))
    parts.append((f"   fees {trade.fees:,.2f} · {formats.plural(trade.bars, 'bar')} of {timeframe}", "dim"))
    if trade.ambiguous:
        parts.append(("   ! stop and target in one bar: the stop was taken", "warning"))
    return tuple(parts)


def _way(trade: TradeRow, written: Callable[[int], str]) -> Line:
    return (
        ("entry ", "chart-1"),
        (f"{written(trade.entry_ms)} at {formats.grouped(trade.entry_price)}", ""),
        ("   exit ", "accent"),
        (f"{written(trade.exit_ms)} at {formats.grouped(trade.exit_price)}", ""),
        (f"  by {trade.exit_reason.replace('_', ' ')}", "dim"),
        ("  still open" if trade.status == "open" else "", "warning"),
    )


def _levels(bars: TradeBars) -> Line:
    """Stop and targets; of those that moved where they began and ended."""
    parts: list[Part] = []
    for path in bars.paths:
        held = [price for price in path.prices if price is not None]
        first, last = held[0], held[-1]
        way = f"{first:,.{bars.decimals}f}"
        if last != first:
            way += f" → {last:,.{bars.decimals}f} in {formats.plural(len(set(held)) - 1, 'step')}"
        parts.extend(((f"{path.name} ", _tone(path.name)), (f"{way}   ", "")))
    known = {path.name.split()[0] for path in bars.paths}
    for name, price in (("stop", bars.stop), ("target", bars.target)):
        if name not in known:
            text = f"{price:,.{bars.decimals}f}" if price is not None else "none"
            parts.extend(((f"{name} ", _tone(name)), (f"{text}   ", "" if price is not None else "dim")))
    if not bars.paths and (bars.stop is not None or bars.target is not None):
        parts.append(("as they stood at the entry", "dim"))
    return tuple(parts)
