"""The watchlist of the Dashboard: every followed symbol live, the selected one in detail below."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Input

from tradebot.engine.messages import DatasetView, EngineSnapshot, QuoteView, TrendView
from tradebot.screens import formats
from tradebot.screens.area import Pane
from tradebot.screens.dashboard_empty import watch_lines
from tradebot.screens.dashboard_quotes import (
    SORTS,
    STALE_MS,
    Moves,
    Stored,
    extremes,
    facts_of,
    funding_text,
    number_of,
    price_cell,
    quote_line,
    stored_of,
)
from tradebot.screens.dashboard_trends import Day, day_of, plot_of, strip_of
from tradebot.screens.remembering import Kept, Value
from tradebot.screens.widgets.fixed_input import FixedInput
from tradebot.screens.widgets.line_plot import LinePlot
from tradebot.screens.widgets.lines_view import LinesView
from tradebot.screens.widgets.palette import Line
from tradebot.screens.widgets.virtual_table import Cell, Column, VirtualTable

__all__ = ["WatchPane"]

_RESORT_MS = 2_000
_PLOT_ROWS = (4, 24)
"""The selected symbol's day is plotted where at least so many rows are left over, and takes no more than so many."""
_PRICE_WIDTH = 8


class WatchTable(VirtualTable[QuoteView]):
    """The table of quotes, in which Enter opens the chart."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "choose", "chart", id="watch.chart")]

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Enter works where there is a symbol."""
        return bool(self.rows) or None if action == "choose" else super().check_action(action, parameters)


class WatchPane(Pane):
    """The latest price of every followed symbol with its day; only rows that changed are painted."""

    HELP = (
        "Every followed symbol as the stream has it. Changed digits stand out for a moment, with an arrow that says "
        "which way. TREND are the hourly closes of the last 24 hours up to the last price, LOW and HIGH are of "
        "these; dots mean that no bars are stored. VOL is the turnover of 24 hours, FUND the funding rate in "
        "percent, AGE the time since the last message: a row that gets none is dimmed and marked STALE.\n\n"
        "Enter opens the chart, / filters, s sorts (pinned order, change, volume, name), a sets an alert on the "
        "symbol, Space freezes what is shown, so that it can be read, y copies the row."
    )
    label = "Watch"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "clear_filter", "clear the filter", show=False, id="watch.clear"),
    ]

    def __init__(self) -> None:
        super().__init__(id="watch-pane", classes="pane")
        self._snapshot = EngineSnapshot()
        self._newest = EngineSnapshot()
        self._moves = Moves()
        self._trends: tuple[TrendView, ...] = ()
        self._closes: dict[str, tuple[float | None, ...]] = {}
        self._listed: tuple[DatasetView, ...] = ()
        self._stored: dict[str, Stored] = {}
        self._made: dict[tuple[str, int], tuple[Cell, ...]] = {}
        self._filter = ""
        self._sort = 0
        self._ranks: dict[str, int] = {}
        self._ranked: tuple[object, ...] = ()
        self._ranked_ms = 0
        self._lost = False
        self.frozen = False

    def compose(self) -> ComposeResult:
        """Filter, table, the selected symbol."""
        yield FixedInput(placeholder="part of a symbol", compact=True, id="watch-filter", classes="filter")
        yield WatchTable(
            (
                Column("SYMBOL", 10),
                Column("LAST", 11, right=True),
                Column("24h %", 7, right=True),
                Column("TREND 24h", 14, grow=True),
                Column("LOW", 10, right=True, drop=5),
                Column("HIGH", 10, right=True, drop=4),
                Column("DATA", 14, drop=3),
                Column("VOL", 6, right=True),
                Column("FUND", 6, right=True, drop=2),
                Column("AGE", 5, right=True),
            ),
            self._cells,
            lambda quote: quote.symbol,
            id="watch",
        )
        yield LinesView(id="watch-facts")
        yield LinePlot(self._price_text, id="watch-plot")

    def on_mount(self) -> None:
        """Name the pane."""
        self.caption("Watchlist")

    def focus_target(self) -> WatchTable:
        """The table, not the filter above it."""
        return self.table

    @property
    def table(self) -> WatchTable:
        """The table of quotes."""
        return self.query_one(WatchTable)

    @property
    def current(self) -> QuoteView | None:
        """The quote under the cursor."""
        return self.table.current

    @property
    def category(self) -> str:
        """The category of the symbol under the cursor, as it is stored."""
        quote = self.current
        stored = self._stored.get(quote.symbol) if quote is not None else None
        return stored.category if stored is not None else "linear"

    @property
    def tab_note(self) -> str:
        """How many there are, and whether they stand still."""
        count = str(len(self._snapshot.quotes)) if self._snapshot.quotes else ""
        return f"{count} frozen" if self.frozen else count

    # ------------------------------------------------------------------------------------------ drawing

    def apply(self, snapshot: EngineSnapshot) -> None:
        """Draw the quotes of a snapshot; while frozen, those of the moment it was frozen."""
        self._newest = snapshot
        if self.frozen:
            self._draw()
            return
        self._snapshot = snapshot
        self._lost = snapshot.connection.stream == "lost"
        self._moves.look(snapshot.quotes, snapshot.time_ms)
        if snapshot.trends is not self._trends:
            self._trends = snapshot.trends
            self._closes = {each.symbol: each.closes for each in snapshot.trends}
        if snapshot.datasets is not self._listed:
            self._listed, self._stored = snapshot.datasets, stored_of(snapshot.datasets)
        self._draw()

    def _draw(self) -> None:
        snapshot = self._snapshot
        rows = self._chosen(snapshot)
        self._made.clear()
        table = self.table
        empty: tuple[Line, ...] = ()
        if not rows:
            empty = (
                (
                    (),
                    (
                        (f'  No symbol matches "{self._filter}". ', "dim"),
                        ("Esc", "key"),
                        (" shows all.", "dim"),
                    ),
                )
                if snapshot.quotes
                else watch_lines(snapshot, table.size.width, table.size.height)
            )
        table.show(rows, empty=empty)
        self._caption(len(rows))
        self._show_current()

    def _chosen(self, snapshot: EngineSnapshot) -> tuple[QuoteView, ...]:
        """The quotes that fit the filter in the chosen order, which is looked at anew every two seconds."""
        key = SORTS[self._sort][1]
        words = self._filter.upper().split()
        rows = tuple(each for each in snapshot.quotes if all(word in each.symbol for word in words))
        if key is None:
            return rows
        wanted = (self._sort, words, tuple(each.symbol for each in rows))
        if wanted != self._ranked or not 0 <= snapshot.time_ms - self._ranked_ms < _RESORT_MS:
            self._ranked, self._ranked_ms = wanted, snapshot.time_ms
            self._ranks = {each.symbol: rank for rank, each in enumerate(sorted(rows, key=key))}
        return tuple(sorted(rows, key=lambda each: self._ranks[each.symbol]))

    def _day(self, quote: QuoteView) -> Day:
        return day_of(self._closes.get(quote.symbol, ()), number_of(quote.last))

    def _is_stale(self, quote: QuoteView) -> bool:
        return self._lost or quote.age_ms > STALE_MS

    def _cells(self, quote: QuoteView) -> tuple[Cell, ...]:
        width = self.table.width_of("TREND 24h")
        made = self._made.get((quote.symbol, width))
        if made is None:
            made = self._made[quote.symbol, width] = self._make_cells(quote, width)
        return made

    def _make_cells(self, quote: QuoteView, width: int) -> tuple[Cell, ...]:
        stale = self._is_stale(quote)
        day = self._day(quote)
        change = quote.change_24h
        tone = "stale" if stale else formats.tone_of(change or 0.0)
        plain = "stale" if stale else "dim"
        low, high = extremes(day, quote.last)
        stored = self._stored.get(quote.symbol)
        age = formats.span(quote.age_ms / 1000)
        return (
            (quote.symbol, "stale" if stale else "bold"),
            ((f"{formats.grouped(quote.last)} ", "stale"),)
            if stale
            else price_cell(quote.last, self._moves.of(quote.symbol, self._snapshot.time_ms)),
            (formats.percent(change).rstrip("%") if change is not None else formats.NOTHING, tone),
            (strip_of(day, width), tone if day else "line"),
            (low, plain),
            (high, plain),
            (" ".join(frame for frame, _ in stored.frames) if stored is not None else formats.NOTHING, plain),
            (formats.count(quote.volume_24h) if quote.volume_24h is not None else formats.NOTHING, plain),
            (funding_text(quote.funding_rate), plain),
            (age if self._lost or not stale else "STALE", "warning" if stale else "dim"),
        )

    def _caption(self, shown: int) -> None:
        snapshot = self._snapshot
        title = "Watchlist" + (f" · {self._filter}" if self._filter else "")
        total = len(snapshot.quotes)
        if not total:
            self.caption(title, "")
            return
        count = formats.plural(total, "symbol") if shown == total else f"{shown} of {total} symbols"
        stale = sum(map(self._is_stale, snapshot.quotes))
        parts = [count]
        if stale and not self._lost:
            parts.append(f"{stale} stale")
        parts.append(f"sort {SORTS[self._sort][0]}")
        if self.frozen:
            parts.append(f"frozen at {formats.clock(snapshot.time_ms)} · Space goes on")
        elif self._lost:
            silent = snapshot.connection.silent_seconds
            since = (
                f" since {formats.clock(round(snapshot.time_ms - silent * 1000))}"
                if silent is not None
                else ""
            )
            title += f" · frozen{since}"
            parts.append("values dimmed")
        self.caption(title, " · ".join(parts))

    # ------------------------------------------------------------------------------------------ the selected symbol

    @on(VirtualTable.Moved, "#watch")
    def _show_current(self) -> None:
        quote = self.current
        facts, plot = self.query_one("#watch-facts", LinesView), self.query_one("#watch-plot", LinePlot)
        facts.display = quote is not None
        if quote is None:
            plot.display = False
            return
        day = self._day(quote)
        width = max(20, self.size.width - 3)
        facts.show(
            (
                quote_line(quote, day, width),
                facts_of(self._stored.get(quote.symbol), width),
            )
        )
        # Filter, heading, rows and the facts with their border come first; the day is drawn in what is left.
        free = self.size.height - len(self.table.rows) - 4 - self.query_one("#watch-filter").size.height
        rows = min(free, _PLOT_ROWS[1])
        plot.display = rows >= _PLOT_ROWS[0] and bool(day)
        if plot.display:
            if plot.styles.height is None or plot.styles.height.value != rows:
                plot.styles.height = rows
            tone = "stale" if self._is_stale(quote) else formats.tone_of(quote.change_24h or 0.0)
            plot.show(plot_of(day, self._snapshot.time_ms // 60_000 * 60_000, tone))

    def _price_text(self, value: float) -> str:
        """A price on the axis with as many of the tick's decimals as fit."""
        quote = self.current
        decimals = len(quote.last.partition(".")[2]) if quote is not None else 2
        while decimals and len(f"{value:,.{decimals}f}") > _PRICE_WIDTH:
            decimals -= 1
        text = f"{value:,.{decimals}f}"
        return text if len(text) <= _PRICE_WIDTH else formats.count(value)

    def copy_text(self) -> str:
        """The selected symbol as a line."""
        quote = self.current
        if quote is None:
            return ""
        parts = [quote.symbol, quote.last]
        if quote.change_24h is not None:
            parts.append(f"{quote.change_24h:+.2%} in 24 h")
        if quote.volume_24h is not None:
            parts.append(f"volume {quote.volume_24h:,.0f}")
        if quote.funding_rate is not None:
            parts.append(f"funding {quote.funding_rate:+.4%}")
        return "  ".join([*parts, f"at {formats.clock(self._snapshot.time_ms - quote.age_ms)}"])

    # ------------------------------------------------------------------------------------------ freeze, order, filter

    def remembered(self) -> dict[str, Value]:
        """Filter, order and the selected symbol."""
        key = self.table.cursor_key
        return {
            "filter": self._filter,
            "sort": SORTS[self._sort][0],
            "symbol": "" if key is None else str(key),
        }

    def remember(self, kept: Kept) -> None:
        """Take them up."""
        self._filter = kept.text("filter")
        names = [name for name, _ in SORTS]
        self._sort = names.index(kept.text("sort")) if kept.text("sort") in names else 0
        entry = self.query_one("#watch-filter", Input)
        with self.prevent(Input.Changed):
            entry.value = self._filter
        entry.set_class(bool(self._filter), "-open")
        if kept.text("symbol"):
            self.table.await_row(kept.text("symbol"))

    def freeze(self) -> None:
        """Keep what is shown, or go on."""
        self.frozen = not self.frozen
        self.apply(self._newest)

    def sort_next(self) -> None:
        """Sort by the next thing."""
        self._sort = (self._sort + 1) % len(SORTS)
        self._draw()
        self.table.move_to(0)

    def open_filter(self) -> None:
        """Show the filter and type into it."""
        entry = self.query_one("#watch-filter", Input)
        entry.add_class("-open")
        entry.focus()

    @on(Input.Changed, "#watch-filter")
    def _filter_changed(self, event: Input.Changed) -> None:
        self._filter = event.value.strip()
        self._draw()

    @on(Input.Submitted, "#watch-filter")
    def _filter_done(self) -> None:
        entry = self.query_one("#watch-filter", Input)
        entry.set_class(bool(entry.value), "-open")
        self.table.focus()

    def action_clear_filter(self) -> None:
        """Show all symbols again."""
        entry = self.query_one("#watch-filter", Input)
        entry.value = ""
        entry.remove_class("-open")
        self.table.focus()
