"""Trades of the result and signals of the strategy that are on the chart; Enter puts the cursor on their candle."""

from __future__ import annotations

from dataclasses import dataclass

from textual.app import ComposeResult

from tradebot.engine.messages import ChartSignal, ChartTrade, ChartView
from tradebot.screens import formats
from tradebot.screens.area import Pane
from tradebot.screens.widgets.palette import Line
from tradebot.screens.widgets.virtual_table import Cell, Column, VirtualTable

__all__ = ["EventsPane"]


@dataclass(frozen=True, slots=True)
class _Row:
    """A trade or a signal, with what is needed to write it."""

    time_ms: int
    what: ChartTrade | ChartSignal
    decimals: int

    @property
    def key(self) -> tuple[object, ...]:
        if isinstance(self.what, ChartTrade):
            return "trade", self.what.trade_id, self.what.leg
        return "signal", self.what.time_ms, self.what.kind


class EventsPane(Pane):
    """What is marked on the chart, newest first; not there where nothing is."""

    HELP = (
        "The trades of the result and the signals of the strategy on this symbol, newest first. Enter puts the cursor "
        "on the candle; on the chart n and b walk from one to the next."
    )
    label = "Marks"

    def __init__(self) -> None:
        super().__init__(id="chart-events", classes="pane")
        self._shown: tuple[object, ...] = ()
        self._rows: tuple[_Row, ...] = ()

    def compose(self) -> ComposeResult:
        """The list."""
        yield VirtualTable[_Row](
            (
                Column("", 8),
                Column("SIDE", 7),
                Column("TIME", 16),
                Column("PRICE", 12, right=True),
                Column("EXIT", 16, drop=2),
                Column("PRICE", 12, right=True, drop=3),
                Column("PNL", 12, right=True),
                Column("REASON", 8, drop=1, grow=True),
            ),
            _cells,
            lambda row: row.key,
            id="chart-marks",
        )

    @property
    def current_ms(self) -> int | None:
        """The time of the row under the cursor."""
        row = self.query_one(VirtualTable).current
        return row.time_ms if isinstance(row, _Row) else None

    @property
    def tab_note(self) -> str:
        """How many there are."""
        return str(len(self._rows)) if self._rows else ""

    def show(self, view: ChartView | None, wanted: bool) -> None:
        """List what is on the chart; `wanted`: a strategy or result is shown at all."""
        self.set_class(not wanted, "-absent")
        if view is None or not wanted:
            return
        now = (view.trades, view.signals)
        if now == self._shown:
            return
        self._shown = now
        rows = [_Row(each.entry_ms, each, view.decimals) for each in view.trades]
        rows += [_Row(each.time_ms, each, view.decimals) for each in view.signals]
        self._rows = tuple(sorted(rows, key=lambda row: -row.time_ms))
        nothing: Line = (
            ("  Nothing happened here; move the chart, or pick another strategy (t) or result (r).", "dim"),
        )
        self.query_one(VirtualTable).show(self._rows, empty=(nothing,))
        more = f" of {view.trade_count:,}" if view.trade_count > len(view.trades) else ""
        parts = []
        if view.trades:
            parts.append(f"{formats.plural(len(view.trades), 'trade')}{more}")
        if view.signals:
            parts.append(f"{formats.plural(len(view.signals), 'signal')} in the window")
        self.caption("On this chart", " · ".join(parts))

    def copy_text(self) -> str:
        """The row under the cursor as a line."""
        row = self.query_one(VirtualTable).current
        if not isinstance(row, _Row):
            return ""
        return "  ".join(_text(cell) for cell in _cells(row)).rstrip()


def _text(cell: Cell) -> str:
    if isinstance(cell, str):
        return cell
    return str(cell[0]) if cell and isinstance(cell[0], str) else "".join(str(part[0]) for part in cell)


def _cells(row: _Row) -> tuple[Cell, ...]:
    what = row.what
    if isinstance(what, ChartSignal):
        leaves = what.kind.startswith("exit")
        side = what.kind.removeprefix("exit ")
        tone = "accent" if leaves else "up" if side == "long" else "down"
        glyph = "○ exit" if leaves else "▲ signal" if side == "long" else "▼ signal"
        return ((glyph, tone), (side, tone), (formats.minute(what.time_ms), ""), "", "", "", "", "")
    long = what.side == "long"
    digits = row.decimals
    return (
        ("● trade", "chart-1"),
        (f"{'▲' if long else '▼'} {what.side}", "up" if long else "down"),
        (formats.minute(what.entry_ms), ""),
        (f"{what.entry_price:,.{digits}f}", ""),
        (formats.minute(what.exit_ms), "dim"),
        (f"{what.exit_price:,.{digits}f}", "dim"),
        (f"{formats.arrow(what.pnl)} {abs(what.pnl):,.2f}", formats.tone_of(what.pnl)),
        (what.reason.replace("_", " "), "dim"),
    )
