"""The panes of the Test area."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content

from tradebot.engine.messages import BacktestView, JobView, MetricView, ResultSummary, RunSoFar
from tradebot.screens import formats
from tradebot.screens.area import Pane
from tradebot.screens.widgets import gauges
from tradebot.screens.widgets.chart import Chart, Curve
from tradebot.screens.widgets.lines_view import LinesView
from tradebot.screens.widgets.palette import Line, wrap
from tradebot.screens.widgets.virtual_table import Cell, Column, VirtualTable

__all__ = ["ChartsPane", "MetricsPane", "ResultsPane", "Summary"]

_TONES = {"good": "good", "bad": "bad"}
_FIGURE_WIDTH = 14
_BESIDE = {
    "total_return": ("hold", "buy_hold_return"),
    "sharpe": ("sortino", "sortino"),
    "max_drawdown": ("for", "max_drawdown_days"),
    "profit_factor": ("exp R", "expectancy_r"),
    "win_rate": ("trades", "trades"),
    "cagr": ("calmar", "calmar"),
    "exposure": ("turn", "turnover"),
    "fees": ("costs", "cost_ratio"),
}
"""What stands below a figure of the headline."""
_HEADLINE = (
    ("total_return", "Total return"),
    ("sharpe", "Sharpe"),
    ("max_drawdown", "Max drawdown"),
    ("profit_factor", "Profit factor"),
    ("win_rate", "Win rate"),
    ("trades", "Positions"),
    ("exposure", "Exposure"),
    ("fees", "Fees"),
)
"""The headline of a run that has not ended."""
_WIDE = 100


class Summary(LinesView):
    """The strip on top: the headline figures of a result, or how far a running backtest is."""

    def __init__(self) -> None:
        super().__init__(id="summary", classes="summary")

    def show_result(self, view: BacktestView) -> None:
        """Draw the headline figures in as many columns as fit."""
        self.show(self._figures(view.headline, {metric.name: metric.text for metric in view.metrics}))

    def _figures(self, figures: Sequence[MetricView], known: dict[str, str]) -> list[Line]:
        width = max(20, self.size.width)
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
            if rows == 1:
                lines.append(tuple((f"{_below(each, known):<{room}.{room - 1}}", "dim") for each in chunk))
        return lines

    def show_progress(self, job: JobView) -> None:
        """Draw how far a backtest is, over the figures that can be told already."""
        width = max(20, self.size.width)
        eta = f"  ETA {formats.countdown(job.eta_seconds)}" if job.eta_seconds is not None else ""
        counts = f"  {formats.count(job.done)} of {formats.count(job.total)} {job.unit}" if job.total else ""
        rate = f", {formats.count(job.rate)} a second" if job.rate and width >= _WIDE else ""
        words = f"  {job.sentence}" if job.sentence and not job.total else ""
        text = f" {job.fraction:>4.0%}{eta}{counts}{rate}{words}   "
        room = max(4, width - len(text) - len("x cancels"))
        first: Line = (*gauges.bar(job.fraction, room), (text, "text"), ("x", "key"), (" cancels", "dim"))
        self.show((first, *self._figures(_so_far_figures(job.so_far), {})))

    def show_lines(self, lines: Sequence[Line]) -> None:
        """Draw something else."""
        self.show(lines)


def _so_far_figures(look: RunSoFar | None) -> tuple[MetricView, ...]:
    """The headline of a run under way: what can be told of its equity; the rest is not known before its end."""
    gain = look.equity[-1] / look.cash - 1 if look is not None and look.equity else None
    known = {
        "total_return": "…" if gain is None else f"{gain:+.1%}",
        "max_drawdown": "…" if look is None else f"{look.worst_drawdown:.1%}",
        "trades": "…" if look is None else f"{look.positions:,}",
    }
    tone = "plain" if not gain else "good" if gain > 0 else "bad"
    return tuple(
        MetricView(name, label, known.get(name, "…"), tone if name == "total_return" else "plain")
        for name, label in _HEADLINE
    )


def _below(metric: MetricView, known: dict[str, str]) -> str:
    label, name = _BESIDE.get(metric.name, ("", ""))
    return f"{label} {known[name]}" if name in known else ""


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
        "peak is lost. Left and right move a cursor that reads both, Home and End to the ends, Esc takes it away."
    )
    label = "Equity"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,h", "cursor(-1)", "cursor", show=False, id="equity.left"),
        Binding("right,l", "cursor(1)", "cursor", show=False, id="equity.right"),
        Binding("pageup", "cursor(-10)", "cursor", show=False, id="equity.far_left"),
        Binding("pagedown", "cursor(10)", "cursor", show=False, id="equity.far_right"),
        Binding("home", "cursor(-10000)", "first", show=False, id="equity.first"),
        Binding("end", "cursor(10000)", "last", show=False, id="equity.last"),
        Binding("escape", "no_cursor", "no cursor", show=False, id="equity.no_cursor"),
    ]

    def __init__(self) -> None:
        super().__init__(id="charts-pane", classes="pane")
        self._view: BacktestView | None = None
        self._column: int | None = None
        self._note = ""

    def compose(self) -> ComposeResult:
        """The two charts."""
        yield Chart(formats.axis_money, dates=False, id="equity")
        yield Chart(formats.axis_percent, id="drawdown")

    def on_mount(self) -> None:
        """Let the pane take the focus, its charts have nothing to type."""
        self.caption("Equity")
        self.can_focus = True

    def show_so_far(self, look: RunSoFar | None) -> None:
        """Draw the curves of a run under way over the time of the whole one."""
        self._view = None
        self._mark(None)
        times: tuple[int, ...] = ()
        equity: tuple[float, ...] = ()
        drawdown: tuple[float, ...] = ()
        span: tuple[int, int] | None = None
        if look is not None:
            times, equity, drawdown = look.times_ms, look.equity, look.drawdown
            span = (look.start_ms, look.end_ms)
        self.query_one("#equity", Chart).show(times, (Curve(equity, "chart-1"),), span)
        self.query_one("#drawdown", Chart).show(times, (Curve(drawdown, "chart-3", filled=True),), span)
        until = f"until {formats.minute(times[-1])[:10]}" if times else "nothing is simulated yet"
        self.caption("Equity so far", until)

    def show(self, view: BacktestView) -> None:
        """Draw the curves of a result."""
        if view is not self._view:
            self._view = view
            self._mark(None)
        hold = (Curve(view.benchmark, "chart-2"),) if view.benchmark else ()
        self.query_one("#equity", Chart).show(view.times_ms, (*hold, Curve(view.equity, "chart-1")))
        self.query_one("#drawdown", Chart).show(
            view.times_ms, (Curve(view.drawdown, "chart-3", filled=True),)
        )
        legend = "  [$chart-2]━[/] buy & hold" if hold else ""
        self.caption(Content.from_markup(f"Equity  [$chart-1]━[/] strategy{legend}"))
        worst = min(view.drawdown, default=0.0)
        at = view.times_ms[view.drawdown.index(worst)] if view.drawdown else 0
        self._note = f"deepest drawdown {abs(worst):.1%} on {formats.minute(at)[:10]}" if worst < 0 else ""
        self._read()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Esc belongs to the cursor while there is one."""
        if action == "no_cursor":
            return self._column is not None
        return super().check_action(action, parameters)

    def on_resize(self) -> None:
        """Columns stand for other times now."""
        self._mark(None)

    def action_cursor(self, step: int) -> None:
        """Move the cursor over the curves; it begins at their end."""
        if self._view is not None and self._view.times_ms:
            columns = self.query_one("#equity", Chart).columns
            before = columns if self._column is None else self._column
            self._mark(min(max(0, before + step), columns - 1))

    def action_no_cursor(self) -> None:
        """Take the cursor away."""
        self._mark(None)

    def _mark(self, column: int | None) -> None:
        self._column = column
        for chart in self.query(Chart):
            chart.mark(column)
        self._read()

    def _read(self) -> None:
        """What the curves say under the cursor; without one, how deep the deepest drawdown is."""
        view, column = self._view, self._column
        at = None if column is None else self.query_one("#equity", Chart).point_at(column)
        if view is None or at is None:
            self.caption(subtitle=self._note if view is not None else None)
            return
        hold = f" · hold {view.benchmark[at]:,.2f}" if view.benchmark else ""
        when = formats.minute(view.times_ms[at])
        self.caption(subtitle=f"{when} · {view.equity[at]:,.2f}{hold} · drawdown {view.drawdown[at]:.1%}")


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

    def on_resize(self) -> None:
        """Break the sentence anew."""
        self.on_virtual_table_moved()

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
            view.show([((text, "dim"),) for text in wrap(metric.help, max(12, self.size.width - 4))][:3])


class ResultsPane(Pane):
    """Earlier runs."""

    HELP = (
        "All stored results, newest first; Enter opens one, Space marks up to four to be compared by c, Del puts one "
        "aside into the folder `deleted`."
    )
    label = "Runs"

    def __init__(self) -> None:
        super().__init__(id="results-pane", classes="pane")
        self._open_id = ""
        self.marked: tuple[str, ...] = ()

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
        return str(len(self.table.rows))

    @property
    def table(self) -> VirtualTable[ResultSummary]:
        """The list of runs."""
        return self.query_one("#results", VirtualTable)

    def show(self, results: tuple[ResultSummary, ...], open_id: str) -> None:
        """Draw the results of a snapshot, the open one marked."""
        before, self._open_id = self._open_id, open_id
        rows = tuple(sorted(results, key=lambda each: (each.created_ms, each.result_id), reverse=True))
        known = {each.result_id for each in rows}
        self.marked = tuple(each for each in self.marked if each in known)
        table = self.table
        table.show(rows, empty=((("  none yet", "dim"),),))
        if open_id != before:
            table.move_to(
                next((n for n, each in enumerate(rows) if each.result_id == open_id), 0), quietly=True
            )
        self._draw()

    def mark(self, most: int) -> None:
        """Mark the run under the cursor to be compared, or not any more; of too many the first one goes."""
        row = self.table.current
        if row is not None:
            kept = tuple(each for each in self.marked if each != row.result_id)
            self.marked = kept if len(kept) < len(self.marked) else (*kept, row.result_id)[-most:]
            self._draw()

    def _draw(self) -> None:
        self.table.repaint_rows()
        count = len(self.table.rows)
        marked = f"{len(self.marked)} marked of " if self.marked else ""
        self.caption(subtitle=marked + formats.plural(count, "result") if count else "")

    def _cells(self, result: ResultSummary) -> tuple[Cell, ...]:
        is_open = result.result_id == self._open_id
        gain = result.total_return
        figure: Cell = (
            (formats.percent(gain, 1), formats.tone_of(gain or 0.0)) if result.trades else ("no trade", "dim")
        )
        mark = "◆ " if result.result_id in self.marked else ""
        return (
            ((mark, "accent"), (result.strategy, "bold primary" if is_open else "")),
            (formats.short_minute(result.created_ms), "dim"),
            figure,
        )
