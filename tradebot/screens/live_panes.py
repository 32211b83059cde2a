"""The panes of the Data area about what arrives: prices, streams, the budget of requests."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult

from tradebot.engine.messages import EngineSnapshot, QuoteView
from tradebot.screens import formats
from tradebot.screens.area import Pane
from tradebot.screens.widgets import gauges
from tradebot.screens.widgets.lines_view import LinesView
from tradebot.screens.widgets.palette import Line, Part
from tradebot.screens.widgets.virtual_table import Cell, Column, VirtualTable

__all__ = ["BudgetPane", "PricesPane", "StreamsPane"]


class PricesPane(Pane):
    """The latest price of every followed symbol."""

    HELP = (
        "The latest prices from the stream. AGE is the time since the last message; an old price is dimmed."
    )
    label = "Prices"
    _STALE_MS: ClassVar[int] = 15_000

    def __init__(self) -> None:
        super().__init__(id="prices-pane", classes="pane")
        self._before: dict[str, str] = {}
        self._moves: dict[str, int] = {}
        self._moved_at: dict[str, int] = {}
        self._now = 0
        self._stale = False

    def compose(self) -> ComposeResult:
        """The table."""
        yield VirtualTable[QuoteView](
            (
                Column("SYMBOL", 9, grow=True),
                Column("LAST", 11, right=True),
                Column("24h", 8, right=True),
                Column("AGE", 4, right=True, drop=1),
            ),
            self._cells,
            lambda quote: quote.symbol,
            id="prices",
        )

    def on_mount(self) -> None:
        """Name the pane."""
        self.caption("Prices")

    def apply(self, snapshot: EngineSnapshot) -> None:
        """Draw the prices of a snapshot; a changed digit stands out until the next but one."""
        self._now = snapshot.time_ms
        self._stale = snapshot.connection.stream == "lost"
        for quote in snapshot.quotes:
            before = self._before.get(quote.symbol)
            if before is not None and before != quote.last:
                self._moves[quote.symbol] = 1 if float(quote.last) > float(before) else -1
                self._moved_at[quote.symbol] = snapshot.time_ms
            self._before[quote.symbol] = quote.last
        table = self.query_one("#prices", VirtualTable)
        table.show(
            snapshot.quotes,
            empty=(
                (),
                (("  None is followed. ", "dim"), ("n", "key"), (" collects", "dim")),
            ),
        )
        self.caption(subtitle=f"{formats.plural(len(snapshot.quotes), 'symbol')}" if snapshot.quotes else "")

    def _cells(self, quote: QuoteView) -> tuple[Cell, ...]:
        stale = self._stale or quote.age_ms > self._STALE_MS
        move = self._moves.get(quote.symbol, 0)
        fresh = self._now - self._moved_at.get(quote.symbol, -1000) < 400
        price = formats.grouped(quote.last)
        if stale:
            cell: Cell = (price, "stale")
        else:
            cell = ((price, formats.tone_of(move) + " bold" if fresh and move else "text"),)
        change: Cell = ("-", "dim")
        if quote.change_24h is not None:
            change = (
                formats.percent(quote.change_24h),
                "stale" if stale else formats.tone_of(quote.change_24h),
            )
        age = formats.span(quote.age_ms / 1000)
        glyph = formats.arrow(move) if fresh and move else " "
        return (
            ((quote.symbol, "stale" if stale else ""), (f" {glyph}", formats.tone_of(move))),
            cell,
            change,
            (age, "warning" if stale else "dim"),
        )

    def copy_text(self) -> str:
        """The selected price as a line."""
        quote = self.query_one("#prices", VirtualTable).current
        return f"{quote.symbol} {quote.last}" if isinstance(quote, QuoteView) else ""


class StreamsPane(Pane):
    """How much arrives, by kind of topic, and over the last minute."""

    HELP = "Topics that are subscribed and the messages that arrive each second, over the last minute."
    label = "Streams"

    def __init__(self) -> None:
        super().__init__(id="streams-pane", classes="pane")

    def compose(self) -> ComposeResult:
        """The lines."""
        yield LinesView(id="streams")

    def on_mount(self) -> None:
        """Name the pane."""
        self.caption("Live streams")
        self.query_one(LinesView).can_focus = True

    def apply(self, snapshot: EngineSnapshot) -> None:
        """Draw the rates of a snapshot."""
        view = self.query_one("#streams", LinesView)
        width = max(10, view.size.width)
        link = snapshot.connection
        if not snapshot.streams:
            view.show((((" Nothing is streamed.", "dim"),),))
            self.caption(subtitle="")
            return
        glyph: Part = ("● ", "live") if link.stream == "ok" else ("× ", "bad")
        lines: list[Line] = []
        for stream in snapshot.streams:
            rate = f"{stream.rate:,.0f} msg/s" if stream.rate >= 10 else f"{stream.rate:.1f} msg/s"
            topics = formats.plural(stream.topics, "topic")
            room = max(1, width - 3 - 9 - len(rate) - 1)
            lines.append(
                (glyph, (f"{stream.kind:<9}", ""), (f"{topics:<{room}.{room}}", "dim"), (rate, "text"))
            )
        room = max(1, view.size.height - len(lines) - 1) if view.size.height > len(lines) else 2
        lines.extend(gauges.columns(snapshot.message_rates, width - 1, min(room, 6)))
        now = snapshot.message_rates[-1] if snapshot.message_rates else 0.0
        peak = max(snapshot.message_rates, default=0.0)
        lines.append(((f"{now:,.0f}/s now · peak {peak:,.0f} · {link.reconnects} lost", "dim"),))
        view.show(lines)
        latency = f"latency {link.stream_latency_ms:.0f} ms" if link.stream_latency_ms is not None else ""
        self.caption(subtitle=latency)


class BudgetPane(Pane):
    """How much of what the exchange allows is used."""

    HELP = (
        "Requests sent in the exchange's window. Past the limit it refuses all for a while, so we stay below."
    )
    label = "Budget"

    def __init__(self) -> None:
        super().__init__(id="budget-pane", classes="pane")

    def compose(self) -> ComposeResult:
        """The lines."""
        yield LinesView(id="budget")

    def on_mount(self) -> None:
        """Name the pane."""
        self.caption("REST budget")
        self.query_one(LinesView).can_focus = True

    def apply(self, snapshot: EngineSnapshot) -> None:
        """Draw the budget of a snapshot."""
        view = self.query_one("#budget", LinesView)
        budget, link = snapshot.budget, snapshot.connection
        used = f" {budget.used}/{budget.limit}"
        width = max(6, view.size.width - len(used) - 1)
        lines: list[Line] = [(*gauges.gauge(budget.used / max(1, budget.limit), width), (used, "text"))]
        latency = (
            f"answers in {link.rest_latency_ms:.0f} ms"
            if link.rest_latency_ms is not None
            else f"REST {link.rest}"
        )
        if budget.banned_until_ms is not None and budget.banned_until_ms > snapshot.time_ms:
            lines.append(((f"refused until {formats.clock(budget.banned_until_ms)}", "bad"),))
        else:
            retries = formats.plural(budget.retries, "retry", "retries")
            lines.append(((f"{latency} · {retries}", "bad" if link.rest == "lost" else "dim"),))
        view.show(lines)
        self.caption(subtitle=f"per {budget.window_seconds:g} s")
