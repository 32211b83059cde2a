"""The results on the Dashboard: the newest ones, and what the selected one made of its money."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Digits

from tradebot.engine.control.errors import TradebotError
from tradebot.engine.messages import BacktestView, EngineSnapshot, GetResult, ResultSummary
from tradebot.screens import formats
from tradebot.screens.area import Pane
from tradebot.screens.dashboard_empty import NO_RESULTS
from tradebot.screens.desk import desk_of, errand
from tradebot.screens.widgets.line_plot import LinePlot, Plot, PlotLine
from tradebot.screens.widgets.lines_view import LinesView
from tradebot.screens.widgets.palette import Line, wrap
from tradebot.screens.widgets.virtual_table import Cell, Column, VirtualTable

__all__ = ["EquityPane"]

_SHOWN = 8
_POINTS = 240
_WIDE = 50
_LEGEND = 30
"""Cells of the title without the strategy's name."""


class RunsTable(VirtualTable[ResultSummary]):
    """The newest results, in which Enter opens one in Test."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "choose", "open", id="dashboard.open_result")]

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Enter works where there is a result."""
        return bool(self.rows) or None if action == "choose" else super().check_action(action, parameters)


class EquityPane(Pane):
    """The last results; the selected one with its equity and its figures."""

    HELP = (
        "The last backtests, newest first, and the equity of the selected one at the close of its bars; the dimmed "
        "line is what buying and holding would have made. The large figure is the net return after all costs, DD the "
        "deepest drawdown. Enter opens the result in Test."
    )
    label = "Results"

    def __init__(self) -> None:
        super().__init__(id="dash-results", classes="pane")
        self._rows: tuple[ResultSummary, ...] = ()
        self._views: dict[str, BacktestView | str] = {}
        self._newest = ""

    def compose(self) -> ComposeResult:
        """The figures, the curve, the list."""
        with Horizontal(id="dash-headline"):
            yield Digits("", id="dash-net")
            yield LinesView(id="dash-figures")
        yield LinePlot(_money, id="dash-equity")
        yield LinesView(NO_RESULTS, id="dash-no-results")
        yield RunsTable(
            (
                Column("", 10, grow=True),
                Column("", 4, drop=2),
                Column("", 9, right=True),
                Column("", 6, right=True),
                Column("", 11, drop=3),
                Column("", 6, right=True, drop=1),
            ),
            self._cells,
            lambda result: result.result_id,
            header=False,
            id="dash-runs",
        )

    def on_mount(self) -> None:
        """Name the pane; it is empty until a snapshot comes."""
        self.caption("Results")
        self.add_class("-nothing")

    def focus_target(self) -> RunsTable:
        """The list."""
        return self.table

    @property
    def table(self) -> RunsTable:
        """The list of results."""
        return self.query_one(RunsTable)

    @property
    def current(self) -> ResultSummary | None:
        """The result under the cursor."""
        return self.table.current

    @property
    def tab_note(self) -> str:
        """How many are shown."""
        return str(len(self._rows)) if self._rows else ""

    # ------------------------------------------------------------------------------------------ drawing

    def apply(self, snapshot: EngineSnapshot) -> None:
        """Draw the newest results; a newer one is selected unless somebody looks at another one."""
        newest = sorted(snapshot.results, key=lambda each: (each.created_ms, each.result_id), reverse=True)
        rows = tuple(newest[:_SHOWN])
        if rows == self._rows:
            return
        self._rows = rows
        kept = {each.result_id for each in rows}
        self._views = {name: view for name, view in self._views.items() if name in kept}
        self.set_class(not rows, "-nothing")
        if not rows:
            self.remove_class("-unreadable")
            self.query_one("#dash-no-results", LinesView).show(NO_RESULTS)
        table = self.table
        table.show(rows)
        if rows and rows[0].result_id != self._newest:
            self._newest = rows[0].result_id
            if not self.has_focus_within:
                table.move_to(0, quietly=True)
        self._show_current()

    @on(VirtualTable.Moved, "#dash-runs")
    def _show_current(self) -> None:
        result = self.current
        if result is None:
            self.caption("Results", "")
            return
        gain = result.total_return
        digits = self.query_one("#dash-net", Digits)
        digits.update(_large(gain))
        for name, holds in (("-up", (gain or 0.0) > 0), ("-down", (gain or 0.0) < 0)):
            digits.set_class(holds, name)
        self.query_one("#dash-figures", LinesView).show(_figures(result))
        self._draw_curve(result)
        if result.result_id not in self._views:
            self._views[result.result_id] = ""  # it is on its way
            self._fetch(result.result_id)

    @errand("dashboard-result")
    async def _fetch(self, result_id: str) -> None:
        """Ask for the curve of a result."""
        try:
            answer = await desk_of(self).ask(GetResult(result_id, points=_POINTS))
        except TradebotError as error:
            answer = error.sentence
        self._views[result_id] = answer
        result = self.current
        if self.is_attached and result is not None and result.result_id == result_id:
            self._draw_curve(result)

    def _draw_curve(self, result: ResultSummary) -> None:
        view = self._views.get(result.result_id, "")
        plot = self.query_one("#dash-equity", LinePlot)
        when = f"made {formats.short_minute(result.created_ms)}"
        unreadable = view if isinstance(view, str) else ""
        self.set_class(bool(unreadable), "-unreadable")
        if unreadable:
            why = wrap(unreadable, max(16, self.size.width - 6))
            self.query_one("#dash-no-results", LinesView).show([((text, "bad"),) for text in why])
        if isinstance(view, str):
            plot.show(Plot())
            self.caption(f"Results · {result.strategy}", when)
            return
        lines = [PlotLine(view.times_ms, view.equity, "chart-1")] if view.equity else []
        if view.equity and len(view.benchmark) == len(view.times_ms):
            lines.append(PlotLine(view.times_ms, view.benchmark, "chart-2"))
        plot.show(Plot(tuple(lines), view.equity[0] if view.equity else None))
        has_room = self.size.width >= len(result.strategy) + _LEGEND
        legend = "  [$chart-1]━[/] equity  [$chart-2]━[/] hold" if len(lines) > 1 and has_room else ""
        title = Content.from_markup(f"Results · $name{legend}", name=result.strategy)
        self.caption(title, f"{_span(view)} · {when}" if self.size.width >= _WIDE else _span(view))

    def _cells(self, result: ResultSummary) -> tuple[Cell, ...]:
        gain, deepest = result.total_return, result.max_drawdown
        figure: Cell = ("no trade", "dim")
        if result.trades:
            figure = (formats.percent(gain, 1), formats.tone_of(gain or 0.0))
        return (
            (result.strategy, ""),
            (result.timeframe, "dim"),
            figure,
            (f"{deepest:.1%}" if deepest is not None else formats.NOTHING, "dim"),
            (formats.short_minute(result.created_ms), "dim"),
            (formats.count(result.trades), "dim"),
        )

    def copy_text(self) -> str:
        """The selected result as a line."""
        result = self.current
        if result is None:
            return ""
        figures = "  ".join("".join(text for text, _ in line).strip() for line in _figures(result))
        return f"{result.result_id}  {result.strategy}  net {_large(result.total_return)}  {figures}"


def _large(gain: float | None) -> str:
    """A return as large digits: one decimal, none where it has four figures."""
    if gain is None:
        return "-"
    return f"{gain * 100:+.1f}%" if abs(gain) < 9.995 else f"{gain * 100:+,.0f}%"


def _figures(result: ResultSummary) -> tuple[Line, ...]:
    """What stands beside the large figure."""
    sharpe = f"{result.sharpe:.2f}" if result.sharpe is not None else "n/a"
    deepest = f"{result.max_drawdown:.1%}" if result.max_drawdown is not None else "n/a"
    return (
        (("Sharpe ", "dim"), (sharpe, "text")),
        (("DD     ", "dim"), (deepest, "text")),
        ((formats.plural(result.trades, "trade"), "text"),),
    )


def _span(view: BacktestView) -> str:
    return f"{formats.day(view.start_ms)} to {formats.day(view.end_ms)}"


def _money(value: float) -> str:
    return formats.count(value) if abs(value) >= 1_000_000 else f"{value:,.0f}"
