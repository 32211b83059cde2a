"""The panes of the Test area."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.content import Content

from tradebot.engine.messages import BacktestView, JobView, MetricView, ResultSummary, TradeRow
from tradebot.screens import formats
from tradebot.screens.area import Pane
from tradebot.screens.widgets import gauges
from tradebot.screens.widgets.chart import Chart, Curve
from tradebot.screens.widgets.lines_view import LinesView
from tradebot.screens.widgets.palette import Line, Part, wrap
from tradebot.screens.widgets.virtual_table import Cell, Column, VirtualTable

__all__ = ["ChartsPane", "MetricsPane", "ResultsPane", "Summary", "TradesPane", "WarningsPane"]

_TONES = {"good": "good", "bad": "bad"}
_FIGURE_WIDTH = 14


class Summary(LinesView):
    """The strip on top: the headline figures of a result, or how far a running backtest is."""

    def __init__(self) -> None:
        super().__init__(id="summary", classes="summary")

    def show_result(self, view: BacktestView) -> None:
        """Draw the headline figures in as many columns as fit."""
        width = max(20, self.size.width)
        figures = view.headline
        per_row = max(1, min(len(figures), width // _FIGURE_WIDTH))
        rows = -(-len(figures) // per_row) if figures else 0
        per_row = -(-len(figures) // rows) if rows else 1
        room = width // per_row
        lines: list[Line] = []
        for start in range(0, len(figures), per_row):
            chunk = figures[start : start + per_row]
            lines.append(tuple((f"{each.label.upper():<{room}.{room - 1}}", "head") for each in chunk))
            lines.append(
                tuple(
                    (f"{_arrowed(each):<{room}}", f"bold {_TONES.get(each.tone, 'text')}") for each in chunk
                )
            )
        self.show(lines)

    def show_progress(self, job: JobView) -> None:
        """Draw how far a backtest is."""
        width = max(20, self.size.width - 1)
        eta = f"  ETA {formats.countdown(job.eta_seconds)}" if job.eta_seconds is not None else ""
        text = f" {job.fraction:>4.0%}{eta}"
        first: Line = (
            (f"{job.title} ", "bold"),
            (f"{job.state}   ", "primary"),
            ("x", "key"),
            (" cancels", "dim"),
        )
        second: Line = (*gauges.bar(job.fraction, max(4, width - len(text))), (text, "text"))
        self.show((first, second))

    def show_lines(self, lines: Sequence[Line]) -> None:
        """Draw something else."""
        self.show(lines)


def _arrowed(metric: MetricView) -> str:
    """The figure, with an arrow where its tone says good or bad and it has a sign."""
    if metric.text[:1] in "+-" and metric.tone in {"good", "bad"}:
        return f"{'▲' if metric.text[0] == '+' else '▼'} {metric.text[1:]}"
    return metric.text


class ChartsPane(Pane):
    """Equity beside buy and hold, and the drawdown below on the same axis of time."""

    HELP = (
        "Equity at the close of each bar, and what buying and holding would have made of the same money. Below, how "
        "far the equity is under its last peak. Reduced to the lowest and highest value of each column, so that no "
        "peak is lost."
    )
    label = "Equity"

    def __init__(self) -> None:
        super().__init__(id="charts-pane", classes="pane")

    def compose(self) -> ComposeResult:
        """The two charts."""
        yield Chart(formats.axis_money, dates=False, id="equity")
        yield Chart(formats.axis_percent, id="drawdown")

    def on_mount(self) -> None:
        """Let the pane take the focus, its charts have nothing to type."""
        self.caption("Equity")
        self.can_focus = True

    def show(self, view: BacktestView) -> None:
        """Draw the curves of a result."""
        hold = (Curve(view.benchmark, "chart-2"),) if view.benchmark else ()
        self.query_one("#equity", Chart).show(view.times_ms, (*hold, Curve(view.equity, "chart-1")))
        self.query_one("#drawdown", Chart).show(
            view.times_ms, (Curve(view.drawdown, "chart-3", filled=True),)
        )
        legend = "  [$chart-2]━[/] buy & hold" if hold else ""
        self.caption(Content.from_markup(f"Equity  [$chart-1]━[/] strategy{legend}"))
        worst = min(view.drawdown, default=0.0)
        at = view.times_ms[view.drawdown.index(worst)] if view.drawdown else 0
        self.caption(
            subtitle=f"deepest drawdown {abs(worst):.1%} on {formats.minute(at)[:10]}" if worst < 0 else ""
        )


class TradesPane(Pane):
    """The trade log, newest first."""

    HELP = (
        "Every trade, newest first. Enter shows one on its bars, n and N walk from one to the next there. R is the "
        "result in units of what was risked; WHY is what closed the trade; ! marks bars that touched stop and target."
    )
    label = "Trades"

    def __init__(self) -> None:
        super().__init__(id="trades-pane", classes="pane")

    def compose(self) -> ComposeResult:
        """The table."""
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
            lambda trade: trade.trade_id,
            id="trades",
        )

    def on_mount(self) -> None:
        """Name the pane."""
        self.caption("Trades")

    @property
    def table(self) -> VirtualTable[TradeRow]:
        """The table of trades."""
        return self.query_one("#trades", VirtualTable)

    @property
    def tab_note(self) -> str:
        """How many there are."""
        return f"{len(self.table.rows):,}"

    def show(self, rows: Sequence[TradeRow | None], empty: Sequence[Line]) -> None:
        """Draw another log."""
        self.table.show(rows, empty=empty)
        self.caption(f"Trades {len(rows):,}" if rows else "Trades")
        self.caption(subtitle="Enter shows its bars" if rows else "")


def _trade_cells(trade: TradeRow) -> tuple[Cell, ...]:
    long = trade.side == "long"
    side: Cell = (("▲ " if long else "▼ ") + ("L" if long else "S"), "up" if long else "down")
    why = f"{trade.exit_reason}{' !' if trade.ambiguous else ''}"
    return (
        (str(trade.trade_id), "dim"),
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
        (
            why if trade.status != "open" else "open",
            "warning" if trade.status == "open" or trade.ambiguous else "dim",
        ),
    )


class MetricsPane(Pane):
    """All figures, with what the selected one means."""

    HELP = "Every figure of the result. The line at the bottom says how the one under the cursor is defined."
    label = "Metrics"

    def __init__(self) -> None:
        super().__init__(id="metrics-pane", classes="pane")

    def compose(self) -> ComposeResult:
        """The list and the explanation."""
        yield VirtualTable[MetricView](
            (Column("", 14, grow=True), Column("", 11, right=True)),
            lambda metric: (metric.label, (metric.text, _TONES.get(metric.tone, ""))),
            lambda metric: metric.name,
            header=False,
            id="metrics",
        )
        yield LinesView(id="metric-help")

    def on_mount(self) -> None:
        """Name the pane."""
        self.caption("Metrics")

    def show(self, metrics: tuple[MetricView, ...]) -> None:
        """Draw the figures of a result."""
        self.query_one("#metrics", VirtualTable).show(metrics, empty=((("  no result", "dim"),),))
        self.on_virtual_table_moved()

    def on_virtual_table_moved(self) -> None:
        """Explain another figure."""
        table = self.query_one("#metrics", VirtualTable)
        metric = table.current
        view = self.query_one("#metric-help", LinesView)
        view.display = isinstance(metric, MetricView) and bool(metric.help)
        if isinstance(metric, MetricView) and metric.help:
            view.show([((text, "dim"),) for text in wrap(metric.help, max(12, table.size.width - 1))][:3])


class WarningsPane(Pane):
    """What to keep in mind before the figures are believed."""

    HELP = (
        "What was estimated or decided for you in this run, and why there are no trades where there are none."
    )
    label = "Notes"

    def __init__(self) -> None:
        super().__init__(id="warnings-pane", classes="pane")
        self._warnings: tuple[str, ...] = ()

    def compose(self) -> ComposeResult:
        """The lines."""
        yield LinesView(id="warnings")

    def on_mount(self) -> None:
        """Name the pane."""
        self.caption("Notes")
        self.query_one(LinesView).can_focus = True

    @property
    def tab_note(self) -> str:
        """How many there are."""
        return str(len(self._warnings)) if self._warnings else ""

    def show(self, warnings: tuple[str, ...]) -> None:
        """Draw the notes of a result."""
        self._warnings = warnings
        view = self.query_one("#warnings", LinesView)
        width = max(12, view.size.width - 3)
        lines: list[Line] = []
        for warning in warnings:
            for number, text in enumerate(wrap(warning, width)):
                mark: Part = ("! ", "warning") if number == 0 else ("  ", "")
                lines.append((mark, (text, "")))
        view.show(lines or [(("ok ", "good"), ("nothing to note", "dim"))])
        self.caption(f"Notes {len(warnings)}" if warnings else "Notes")

    def on_resize(self) -> None:
        """Break the lines anew."""
        self.show(self._warnings)


class ResultsPane(Pane):
    """Earlier runs."""

    HELP = "All stored results, newest first; Enter opens one."
    label = "Runs"

    def __init__(self) -> None:
        super().__init__(id="results-pane", classes="pane")
        self._open_id = ""

    def compose(self) -> ComposeResult:
        """The list."""
        yield VirtualTable[ResultSummary](
            (Column("", 10, grow=True), Column("", 11, drop=1), Column("", 9, right=True)),
            self._cells,
            lambda result: result.result_id,
            header=False,
            id="results",
        )

    def on_mount(self) -> None:
        """Name the pane."""
        self.caption("Runs")

    @property
    def tab_note(self) -> str:
        """How many there are."""
        return str(len(self.query_one("#results", VirtualTable).rows))

    def show(self, results: tuple[ResultSummary, ...], open_id: str) -> None:
        """Draw the results of a snapshot, the open one marked."""
        before, self._open_id = self._open_id, open_id
        rows = tuple(sorted(results, key=lambda each: (each.created_ms, each.result_id), reverse=True))
        table = self.query_one("#results", VirtualTable)
        table.show(rows, empty=((("  none yet", "dim"),),))
        if open_id != before:
            table.move_to(
                next((n for n, each in enumerate(rows) if each.result_id == open_id), 0), quietly=True
            )
        table.repaint_rows()
        self.caption(subtitle=formats.plural(len(rows), "result") if rows else "")

    def _cells(self, result: ResultSummary) -> tuple[Cell, ...]:
        is_open = result.result_id == self._open_id
        gain = result.total_return
        figure: Cell = (
            (formats.percent(gain, 1), formats.tone_of(gain or 0.0)) if result.trades else ("no trade", "dim")
        )
        return (
            (result.strategy, "bold primary" if is_open else ""),
            (formats.short_minute(result.created_ms), "dim"),
            figure,
        )
