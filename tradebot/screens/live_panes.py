"""The panes of the Data area about what arrives: prices, streams, the budget of requests."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult

from tradebot.engine.messages import EngineSnapshot, QuoteView, StreamView
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
    """How much arrives, how late and how old, by kind of topic, and over the last minute."""

    HELP = (
        "Topics that are subscribed and the messages that arrive each second, over the last minute. Latency is the "
        "time from the exchange's stamp to here, of 95 in 100 messages. Dropped messages could not be read."
    )
    label = "Streams"
    _STALE_SECONDS: ClassVar[float] = 15.0

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
            view.show(((), ((" Nothing yet. ", "dim"), ("n", "key"), (" follows symbols", "dim"))))
            self.caption(subtitle="")
            return
        lines = [self._kind(stream, link.stream, width) for stream in snapshot.streams]
        room = view.size.height - len(lines) - 1
        if room > 0:
            lines.extend(gauges.columns(snapshot.message_rates, width - 1, min(room, 8)))
        now = snapshot.message_rates[-1] if snapshot.message_rates else 0.0
        peak = max(snapshot.message_rates, default=0.0)
        drops = sum(stream.drops for stream in snapshot.streams)
        lines.append(
            (
                (f"{now:,.0f}/s  peak {peak:,.0f}  ", "dim"),
                (f"drop {drops:,}", "warning" if drops else "dim"),
                (f"  lost {link.reconnects}" if link.reconnects else "", "dim"),
            )
        )
        view.show(lines)
        self.caption(subtitle=self._subtitle(snapshot))

    def _kind(self, stream: StreamView, state: str, width: int) -> Line:
        stale = stream.age_seconds is not None and stream.age_seconds > self._STALE_SECONDS
        glyph: Part = ("× ", "bad") if state == "lost" else ("○ ", "warning") if stale else ("● ", "live")
        rate = f"{stream.rate:,.0f} msg/s" if stream.rate >= 10 else f"{stream.rate:.1f} msg/s"
        age = f" {formats.span(stream.age_seconds)} old" if stale and stream.age_seconds is not None else ""
        late = ""
        if width >= 46 and stream.latency_p95_ms is not None:
            late = f"  {stream.latency_p95_ms:,.0f} ms"
        topics = formats.plural(stream.topics, "topic")
        if age and width < 46:
            topics = f"{stream.topics}"
        room = max(1, width - 3 - 10 - len(rate) - len(age) - len(late) - 1)
        return (
            glyph, (f"{stream.kind:<10.10}", ""), (f"{topics:<{room}.{room}}", "dim"), (age, "warning"),
            (f" {rate}", "text"), (late, "dim"),
        )  # fmt: skip

    def _subtitle(self, snapshot: EngineSnapshot) -> str:
        link = snapshot.connection
        late = [stream.latency_p95_ms for stream in snapshot.streams if stream.latency_p95_ms is not None]
        parts = [formats.plural(link.connections, "connection")] if link.connections > 1 else []
        if late:
            parts.append(f"p95 latency {max(late):,.0f} ms")
        elif link.stream_latency_ms is not None:
            parts.append(f"latency {link.stream_latency_ms:.0f} ms")
        return " · ".join(parts)


class BudgetPane(Pane):
    """How much of what the exchange allows is used, what was tried again, and the room on the disk."""

    HELP = (
        "Requests sent in the exchange's window, of those we may use: the rest is left to other programs on this "
        "address. Past the exchange's limit it refuses everything for a while, so we stay below.\n\n"
        "Retries are counted by what went wrong; 10006 is a refusal because of too many requests."
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
        allowed = budget.allowed or budget.limit
        width = max(10, view.size.width - 1)
        most = allowed / budget.window_seconds if budget.window_seconds else 0.0
        lines: list[Line] = [
            _gauge("used", budget.used / max(1, allowed), f"{budget.used}/{allowed}", width),
            _gauge("rate", budget.rate / most if most else 0.0, f"{budget.rate:.0f} req/s", width),
            _retries(budget.retries, budget.retries_by_kind, width),
            _back_off(snapshot),
            _pair(
                "disk", f"{formats.size_of(snapshot.data_bytes)}  {formats.size_of(snapshot.free_bytes)} free"
            ),
        ]
        waiting = snapshot.waiting_rows
        if waiting:
            lines.append((*_pair("waiting", ""), (f"{waiting:,} rows beside their files", "warning")))
        else:
            lines.append(_pair("waiting", "0 rows to be written"))
        view.show(lines)
        latency = f" · answers in {link.rest_latency_ms:.0f} ms" if link.rest_latency_ms is not None else ""
        self.caption(subtitle=f"per {budget.window_seconds:g} s{latency}")


def _pair(name: str, text: str, tone: str = "text") -> Line:
    return ((f"{name:<9}", "dim"), (text, tone))


def _gauge(name: str, share: float, text: str, width: int) -> Line:
    room = max(4, width - 9 - 11)
    return ((f"{name:<9}", "dim"), *gauges.gauge(share, room), (f"{text:>11}", "text"))


def _retries(total: int, by_kind: tuple[tuple[str, int], ...], width: int) -> Line:
    kinds = ", ".join(f"{kind} x{count}" if count > 1 else kind for kind, count in by_kind)
    text = f"{total} ({kinds})" if kinds else f"{total}"
    return _pair("retries", text[: max(4, width - 9)], "warning" if total else "text")


def _back_off(snapshot: EngineSnapshot) -> Line:
    until = snapshot.budget.banned_until_ms
    if until is not None and until > snapshot.time_ms:
        left = formats.countdown((until - snapshot.time_ms) / 1000)
        return _pair("back-off", f"until {formats.clock(until)}, {left}", "bad")
    if snapshot.connection.rest == "lost":
        return _pair("back-off", "no answer, asked again", "bad")
    return _pair("back-off", "none")
