"""The trade log as a pane: any number of rows, searched and sorted by the engine, fetched where they are looked at."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input

from tradebot.engine.messages import TradeRow
from tradebot.screens import formats
from tradebot.screens.area import Pane
from tradebot.screens.remembering import Kept, Value
from tradebot.screens.widgets.palette import Line
from tradebot.screens.widgets.virtual_table import Cell, Column, VirtualTable

__all__ = ["TradesPane"]

_SORTS = {
    "": "newest first",
    "-pnl": "best profit first",
    "pnl": "worst profit first",
    "-r": "best R first",
    "r": "worst R first",
    "-bars": "longest first",
    "-fees": "dearest first",
    "symbol": "by symbol",
}


class TradesPane(Pane):
    """The trade log, newest first unless sorted."""

    HELP = (
        "Every trade. Enter shows one on its bars with what its signals said, n and N walk from one to the next there; "
        "o shows it on the chart among all others, where n and b walk and Esc comes back. "
        "R is the result in units of what was risked; WHY is what closed the trade; ! marks bars that touched stop and "
        "target; 12.2 is the second part of trade 12.\n\n"
        "/ keeps the rows that all words fit: long, short, win, loss, open, ambiguous, what closed them (stop, target, "
        "signal ...), a part of a symbol, or bounds such as r>1, pnl<-10, bars>30. s sorts."
    )
    label = "Trades"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("o", "chart", "on the chart", id="trades.chart"),
        Binding("escape", "clear_filter", "all trades", show=False, id="trades.clear"),
    ]

    class Wanted(Message):
        """Other rows, or another order, are wanted."""

    class OnChart(Message):
        """A trade is wanted on the chart."""

        def __init__(self, trade: TradeRow) -> None:
            super().__init__()
            self.trade = trade

    def __init__(self) -> None:
        super().__init__(id="trades-pane", classes="pane")
        self.find = ""
        self.sort = ""

    def compose(self) -> ComposeResult:
        """The filter, hidden until it is wanted, and the table."""
        yield Input(
            placeholder="btc short stop   r>1   pnl<-10   Enter keeps it, Esc shows all",
            compact=True,
            id="trade-filter",
            classes="filter",
        )
        yield VirtualTable[TradeRow](
            (
                Column("#", 6, right=True, drop=2),
                Column("SYMBOL", 9, grow=True),
                Column("SIDE", 5),
                Column("ENTRY TIME", 11),
                Column("ENTRY", 10, right=True, drop=1),
                Column("EXIT", 10, right=True, drop=1),
                Column("EXIT TIME", 11, drop=5),
                Column("QUANTITY", 10, right=True, drop=4),
                Column("FEES", 8, right=True, drop=6),
                Column("PNL", 10, right=True),
                Column("R", 5, right=True),
                Column("BARS", 4, right=True, drop=3),
                Column("WHY", 9, grow=True),
            ),
            _trade_cells,
            lambda trade: (trade.trade_id, trade.leg),
            id="trades",
        )

    def on_mount(self) -> None:
        """Name the pane."""
        self.caption("Trades")

    def focus_target(self) -> Widget:
        """The table, not the filter above it."""
        return self.table

    @property
    def table(self) -> VirtualTable[TradeRow]:
        """The table of trades."""
        return self.query_one("#trades", VirtualTable)

    @property
    def tab_note(self) -> str:
        """How many there are."""
        return f"{len(self.table.rows):,}"

    def show(self, rows: Sequence[TradeRow | None], total: int, empty: Sequence[Line]) -> None:
        """Draw another log, a part of `total` rows."""
        self.table.show(rows, empty=empty)
        counted = f"{len(rows):,} of {total:,}" if self.find else f"{total:,}"
        self.caption(f"Trades {counted}" if total else "Trades")
        order = _SORTS[self.sort]
        self.caption(
            subtitle=f"{self.find + ' · ' if self.find else ''}{order} · Enter shows its bars"
            if total
            else ""
        )

    def wait(self) -> None:
        """Say that the trades are there once the backtest has ended."""
        self.table.show((), empty=((), (("  Its trades are listed when it has ended.", "dim"),)))
        self.caption("Trades", "")

    def refuse(self, sentence: str) -> None:
        """Say on the border what is wrong with the filter."""
        self.caption(subtitle=sentence)

    def reset(self) -> None:
        """All rows, newest first: another result is shown."""
        self.sort = self.find = ""
        entry = self.query_one("#trade-filter", Input)
        with self.prevent(Input.Changed):
            entry.value = ""
        entry.remove_class("-open")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Esc is for the filter while there is one; the chart needs a trade."""
        match action:
            case "clear_filter":
                return self.query_one("#trade-filter", Input).has_class("-open")
            case "chart" if isinstance(self.app.focused, Input):
                return False
            case "chart":
                return self.table.current is not None or None
            case _:
                return super().check_action(action, parameters)

    def action_chart(self) -> None:
        """Show the trade under the cursor on the chart of its symbol."""
        trade = self.table.current
        if trade is not None:
            self.post_message(self.OnChart(trade))

    def remembered(self) -> dict[str, Value]:
        """Filter and order."""
        return {"find": self.find, "sort": self.sort}

    def remember(self, kept: Kept) -> None:
        """Take them up and ask for those rows."""
        self.find = kept.text("find")
        self.sort = kept.text("sort") if kept.text("sort") in _SORTS else ""
        entry = self.query_one("#trade-filter", Input)
        with self.prevent(Input.Changed):
            entry.value = self.find
        entry.set_class(bool(self.find), "-open")
        if self.find or self.sort:
            self.post_message(self.Wanted())

    def next_sort(self) -> None:
        """Sort by the next criterion."""
        keys = list(_SORTS)
        self.sort = keys[(keys.index(self.sort) + 1) % len(keys)]
        self.post_message(self.Wanted())

    def open_filter(self) -> None:
        """Show the filter and type into it."""
        entry = self.query_one("#trade-filter", Input)
        entry.add_class("-open")
        entry.focus()

    @on(Input.Changed, "#trade-filter")
    def _changed(self, event: Input.Changed) -> None:
        self.find = " ".join(event.value.split())
        self.post_message(self.Wanted())

    @on(Input.Submitted, "#trade-filter")
    def _done(self) -> None:
        entry = self.query_one("#trade-filter", Input)
        entry.set_class(bool(entry.value), "-open")
        self.table.focus()

    def action_clear_filter(self) -> None:
        """Show all trades again."""
        entry = self.query_one("#trade-filter", Input)
        entry.value = ""
        entry.remove_class("-open")
        self.table.focus()


def _trade_cells(trade: TradeRow) -> tuple[Cell, ...]:
    long = trade.side == "long"
    side: Cell = (("▲ " if long else "▼ ") + ("L" if long else "S"), "up" if long else "down")
    why = f"{trade.exit_reason.replace('_', ' ')}{' !' if trade.ambiguous else ''}"
    tones = {"open": "warning", "liquidated": "bad"}
    tone = tones.get(trade.status, "warning" if trade.ambiguous else "dim")
    return (
        (f"{trade.trade_id}.{trade.leg + 1}" if trade.leg else str(trade.trade_id), "dim"),
        (trade.symbol, "bold"),
        side,
        formats.short_minute(trade.entry_ms),
        formats.grouped(trade.entry_price),
        formats.grouped(trade.exit_price),
        formats.short_minute(trade.exit_ms),
        trade.quantity,
        (f"{trade.fees:,.2f}", "dim"),
        (f"{formats.arrow(trade.pnl)} {abs(trade.pnl):,.2f}", formats.tone_of(trade.pnl)),
        (f"{trade.r:+.1f}" if trade.r is not None else "-", formats.tone_of(trade.r or 0.0)),
        str(trade.bars),
        ("open" if trade.status == "open" else why, tone),
    )
