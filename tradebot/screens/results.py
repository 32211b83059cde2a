"""The Test area: a result with its figures, tab by tab; a running backtest; earlier runs."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Input

from tradebot.engine.control.errors import TradebotError
from tradebot.engine.messages import (
    BacktestView,
    CancelJob,
    DeleteResult,
    EngineSnapshot,
    GetAnalysis,
    GetResult,
    GetTrades,
    JobView,
    ResultAnalysis,
    ResultSummary,
    RunBacktest,
    WriteReport,
)
from tradebot.screens import formats
from tradebot.screens.area import Area, Pane, PaneTabs, write_subtitle, write_title
from tradebot.screens.compare_dialog import MOST_COMPARED, CompareDialog
from tradebot.screens.desk import desk_of, errand, strategy_named
from tradebot.screens.dialogs import Confirm
from tradebot.screens.results_pages import (
    ConfigPane,
    DistributionPane,
    GroupsPane,
    MonthsPane,
    RealityPane,
)
from tradebot.screens.results_panes import ChartsPane, MetricsPane, ResultsPane, Summary
from tradebot.screens.results_tabs import TABS, ResultTabs
from tradebot.screens.results_trades import TradesPane
from tradebot.screens.trade_dialog import TradeDialog
from tradebot.screens.trade_log import WINDOW, TradeLog
from tradebot.screens.widgets.palette import Line, wrap
from tradebot.screens.widgets.virtual_table import VirtualTable

__all__ = ["ResultsArea"]

_ALIVE = {"running", "queued"}
NARROW = 100
"""Below this width one pane is seen at a time."""
_EMPTY: tuple[Line, ...] = (
    (
        ("No backtest yet.  ", "bold"),
        ("4", "key"),
        (" Build: open a strategy, then ", "text"),
        ("r", "key"),
        (" runs it.", "text"),
    ),
    (("A year of minutes takes well under a second once its data is collected.", "dim"),),
)


class ResultsArea(Area):
    """Figures on top, then a tab: the overview, or one part of the result with all the room."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r", "rerun", "run again", id="results.rerun"),
        Binding("x", "cancel", "cancel", id="results.cancel"),
        Binding("e", "edit", "edit strategy", id="results.edit"),
        Binding("right_square_bracket", "tab(1)", "tab", key_display="]", id="results.next_tab"),
        Binding("left_square_bracket", "tab(-1)", "tab before", show=False, id="results.previous_tab"),
        Binding("slash", "filter", "filter", key_display="/", id="results.filter"),
        Binding("s", "sort", "sort", id="results.sort"),
        Binding("c", "compare", "compare", id="results.compare"),
        Binding("w", "report", "report", id="results.report"),
        Binding("space", "mark", "mark", id="results.mark"),
        Binding("delete", "delete", "delete", id="results.delete"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._view: BacktestView | None = None
        self._analysis: ResultAnalysis | None = None
        self._job_id: int | None = None
        self._job: JobView | None = None
        self._opening = ""
        self._width = 0
        self._tab = 0
        self._seen: frozenset[str] = frozenset()
        self._all_panes: tuple[Pane, ...] = ()
        self.log_of_trades = TradeLog(0, self._request)

    def compose_panes(self) -> ComposeResult:
        """The strip and the row of tabs, the two columns of the overview, the pages of the other tabs."""
        yield Summary()
        yield ResultTabs(id="result-tabs")
        with Horizontal(id="results-body"):
            with Vertical(id="results-main"):
                yield ChartsPane()
                yield TradesPane()
            with Vertical(id="results-side"):
                yield MonthsPane()
                yield RealityPane()
                yield ResultsPane()
            yield DistributionPane()
            yield GroupsPane()
            yield MetricsPane()
            yield ConfigPane()

    # ------------------------------------------------------------------------------------------ tabs

    @property
    def panes(self) -> list[Pane]:
        """The panes of the open tab; where one is seen at a time, not those with a tab of their own."""
        if not self._all_panes:
            self._all_panes = tuple(self.query(Pane).results(Pane))
        tab = TABS[self._tab]
        wanted = tab.narrow if tab.narrow and self.app.size.width < NARROW else tab.panes
        return [pane for pane in self._all_panes if pane.id in wanted]

    def on_mount(self) -> None:
        """Begin with the overview."""
        self._show_tab()

    def on_resize(self) -> None:
        """A pane of the overview may have a tab of its own now, or none any more."""
        self._show_tab()
        if self.current_pane not in self.panes:
            self.visit_pane(self.panes[0])

    def open_tab(self, number: int) -> None:
        """Show a tab by its place on the row."""
        if self.has_class("-maximised"):
            self.action_maximise()
        self._tab = number % len(TABS)
        self._show_tab()
        panes = self.panes
        self.visit_pane(self.current_pane if self.current_pane in panes else panes[0])

    def action_tab(self, step: int) -> None:
        """To the next or the previous tab."""
        self.open_tab(self._tab + step)

    @on(ResultTabs.Chosen)
    def _tab_clicked(self, event: ResultTabs.Chosen) -> None:
        self.open_tab(event.number)

    def _show_tab(self) -> None:
        shown = self.panes
        for pane in self._all_panes:
            pane.set_class(pane not in shown, "-off")
        for name in ("#results-main", "#results-side"):
            column = self.query_one(name)
            column.set_class(not any(pane in shown for pane in column.children), "-off")
            column.set_class(len(shown) == 1, "-alone")
        self.show_tabs()

    def show_tabs(self) -> None:
        """Draw both rows of tabs anew; the one of panes only where there are several."""
        self.query_one(ResultTabs).show(self._tab, self._view.trade_count if self._view else None)
        self.query_one(PaneTabs).set_class(len(self.panes) < 2, "-off")
        super().show_tabs()

    @property
    def view(self) -> BacktestView | None:
        """The result that is shown."""
        return self._view

    @property
    def analysis(self) -> ResultAnalysis | None:
        """The result taken apart; None while that is on its way."""
        return self._analysis

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only keys that do something now are shown and work."""
        match action:
            case "rerun" | "edit":
                return (self._view is not None and self._job is None) or None
            case "filter" | "sort":
                has_trades = self._view is not None and self._view.trade_count > 0
                return has_trades and "trades-pane" in TABS[self._tab].panes and not self._is_typing()
            case "mark" | "delete":
                runs = self._runs_in_focus()
                return runs is not None and runs.table.current is not None
            case "compare":
                return (self._view is not None and len(desk_of(self).latest.results) > 1) or None
            case "report":
                return (self._view is not None) or None
            case "cancel":
                return self._job is not None and self._job.state in _ALIVE
            case _:
                return super().check_action(action, parameters)

    def _is_typing(self) -> bool:
        return isinstance(self.app.focused, Input)

    def _runs_in_focus(self) -> ResultsPane | None:
        pane = self.current_pane
        return pane if isinstance(pane, ResultsPane) and not pane.has_class("-off") else None

    def copy_text(self) -> str:
        """The trade under the cursor, or the figures of the result."""
        view = self._view
        if view is None:
            return ""
        pane = self.current_pane
        if isinstance(pane, TradesPane) and pane.table.current is not None:
            trade = pane.table.current
            entry = f"{formats.minute(trade.entry_ms)} at {trade.entry_price}"
            leave = f"{formats.minute(trade.exit_ms)} at {trade.exit_price}"
            what = f"{trade.symbol} {trade.side} {trade.quantity}"
            return f"{what}: {entry} to {leave}, {trade.pnl:+.2f} by {trade.exit_reason}"
        figures = "\n".join(f"{metric.label}: {metric.text}" for metric in view.metrics)
        return f"{view.title}\n{figures}\n{view.folder}"

    # ------------------------------------------------------------------------------------------ drawing

    def apply(self, snapshot: EngineSnapshot) -> None:
        """Draw the runs and, while one goes on, how far it is; open what has just ended."""
        self.query_one(ResultsPane).show(snapshot.results, self._view.result_id if self._view else "")
        self._follow_job(snapshot)
        self._look_for_open(snapshot)
        self._seen |= {each.result_id for each in snapshot.results}
        self.show_tabs()

    def _look_for_open(self, snapshot: EngineSnapshot) -> None:
        if self._job is None and self._view is None:
            newest = max(snapshot.results, key=lambda each: (each.created_ms, each.result_id), default=None)
            if newest is None:
                self.query_one(Summary).show_lines(_EMPTY)
            elif self._opening != newest.result_id:
                self.open_result(newest.result_id)
        elif self._view is not None and self._is_gone(self._view.result_id, snapshot):
            self._forget()
        elif self._job is None and self._view is not None and self.size.width != self._width:
            self._draw(self._view)

    def _is_gone(self, result_id: str, snapshot: EngineSnapshot) -> bool:
        """Whether the open result was deleted; one that has just been made may not be listed yet."""
        return result_id in self._seen and all(each.result_id != result_id for each in snapshot.results)

    def _forget(self) -> None:
        """Show nothing, so that the newest result that is left is opened."""
        self._view = self._analysis = None
        self._opening = ""
        self._seen = frozenset()
        self.log_of_trades = TradeLog(0, self._request)
        self.refresh_bindings()

    def _follow_job(self, snapshot: EngineSnapshot) -> None:
        if self._job_id is None:
            return
        job = next((job for job in snapshot.jobs if job.job_id == self._job_id), None)
        if job is None:
            return
        self._job = job
        summary = self.query_one(Summary)
        if job.state in _ALIVE:
            summary.show_progress(job)
            return
        self._job_id = self._job = None
        if job.state == "done" and job.result_id:
            self.open_result(job.result_id)
        elif self._view is not None and job.state == "cancelled":
            self._draw(self._view)
        else:
            tone = "bad" if job.state == "failed" else "warning"
            width = max(20, self.size.width - 4)
            summary.show_lines(
                [((text, tone),) for text in wrap(f"{job.title} {job.state}. {job.sentence}", width)][:2]
            )

    def follow(self, job_id: int) -> None:
        """Show how far a backtest is, then its result."""
        self._job_id = job_id

    @errand("results-open", exclusive=True)
    async def open_result(self, result_id: str) -> None:
        """Show a stored result."""
        self._opening = result_id
        await self.composed()
        view = await desk_of(self).ask(GetResult(result_id, points=2 * max(100, self.size.width)))
        if self._opening != result_id:
            return
        self._view, self._analysis = view, None
        self.log_of_trades = TradeLog(view.trade_count, self._request)
        trades = self.query_one(TradesPane)
        trades.reset()
        self._draw(view)
        trades.table.move_to(0, quietly=True)
        self.query_one(ResultsPane).show(desk_of(self).latest.results, result_id)
        self.refresh_bindings()
        analysis = await desk_of(self).ask(GetAnalysis(result_id))
        if self._view is view:
            self._analysis = analysis
            self._draw_analysis(view)

    def _draw(self, view: BacktestView) -> None:
        self._width = self.size.width
        self.query_one(Summary).show_result(view)
        summary = self.query_one(Summary)
        span = f"{formats.minute(view.start_ms)[:10]} to {formats.minute(view.end_ms)[:10]}"
        symbols = ", ".join(view.symbols[:4]) + (
            f" +{len(view.symbols) - 4}" if len(view.symbols) > 4 else ""
        )
        write_title(summary, f"{view.strategy} · {symbols} · {view.timeframe} · {span}")
        write_subtitle(summary, f"run {formats.short_minute(view.created_ms)} · {view.result_id}")
        self.query_one(ChartsPane).show(view)
        self.query_one(MetricsPane).show(view.metrics)
        self.query_one(TradesPane).show(self.log_of_trades, view.trade_count, self._no_trades(view))
        self._draw_analysis(view)
        self.show_tabs()

    def _draw_analysis(self, view: BacktestView) -> None:
        self.query_one(RealityPane).show(view, self._analysis)
        for pane in (MonthsPane, DistributionPane, GroupsPane, ConfigPane):
            self.query_one(pane).show(view, self._analysis)

    def _no_trades(self, view: BacktestView) -> list[Line]:
        if view.trade_count:
            return [(), (("  No trade fits the filter.  ", "bold"), ("Esc", "key"), (" shows all.", "dim"))]
        lines: list[Line] = [(), (("  No trade was made.", "bold"),)]
        width = max(20, self.query_one(TradesPane).size.width - 4)
        for warning in view.warnings:
            lines += [((f"  {text}", "warning"),) for text in wrap(warning, width)]
        return lines

    # ------------------------------------------------------------------------------------------ trades

    def _request(self, offset: int) -> None:
        if self._view is not None:
            self._fetch(self.log_of_trades, self._view.result_id, offset)

    @errand("trades")
    async def _fetch(self, log: TradeLog, result_id: str, offset: int) -> None:
        trades = self.query_one(TradesPane)
        try:
            page = await desk_of(self).ask(GetTrades(result_id, offset, WINDOW, trades.find, trades.sort))
        except TradebotError as error:
            log.forget(offset)
            desk_of(self).say(error.sentence, "error")
            return
        if log is self.log_of_trades:
            log.put(page)
            trades.table.repaint_rows()

    @on(TradesPane.Wanted)
    @errand("trades-wanted", exclusive=True)
    async def _search(self) -> None:
        """Show other rows, or the same in another order, once their first window is there."""
        view, trades = self._view, self.query_one(TradesPane)
        if view is None:
            return
        try:
            page = await desk_of(self).ask(GetTrades(view.result_id, 0, WINDOW, trades.find, trades.sort))
        except TradebotError as error:
            trades.refuse(error.sentence)
            return
        if self._view is view:
            self.log_of_trades = TradeLog(page.total, self._request)
            self.log_of_trades.put(page)
            trades.show(self.log_of_trades, view.trade_count, self._no_trades(view))
            trades.table.move_to(0, quietly=True)

    @on(VirtualTable.Chosen, "#trades")
    def _open_trade(self, event: VirtualTable.Chosen) -> None:
        if self._view is None:
            return

        def closed(index: int | None) -> None:
            if index is not None:
                self.query_one(TradesPane).table.move_to(index)

        self.app.push_screen(TradeDialog(self._view.result_id, self.log_of_trades, event.index), closed)

    @on(VirtualTable.Chosen, "#results")
    def _open_run(self, event: VirtualTable.Chosen) -> None:
        result = event.table.current
        if isinstance(result, ResultSummary):
            self.open_result(result.result_id)

    # ------------------------------------------------------------------------------------------ verbs

    @errand("results-run", exclusive=True)
    async def action_rerun(self) -> None:
        """Run the strategy of this result again, on the data there is now."""
        if self._view is None:
            return
        job = await desk_of(self).ask(RunBacktest(self._view.strategy, self._view.toml))
        self.follow(int(job))

    @errand("results-run")
    async def action_cancel(self) -> None:
        """Cancel the running backtest."""
        if self._job is None:
            return
        await desk_of(self).ask(CancelJob(self._job.job_id))

    def action_edit(self) -> None:
        """Open the strategy in Build; one that was never saved, or was deleted, as a new one."""
        if self._view is not None:
            saved = strategy_named(desk_of(self).latest, self._view.strategy)
            area = desk_of(self).visit("build")
            if saved is not None:
                area.open_strategy(saved.name)  # type: ignore[attr-defined]  # BuildArea, which this file must not import
            else:
                area.open_text(self._view.toml)  # type: ignore[attr-defined]  # as above

    def action_filter(self) -> None:
        """Type what the trades must fit."""
        trades = self.query_one(TradesPane)
        self._mark(trades)
        trades.open_filter()

    def action_sort(self) -> None:
        """Sort the trades by the next criterion."""
        self.query_one(TradesPane).next_sort()

    def action_mark(self) -> None:
        """Mark the run under the cursor for the comparison."""
        self.query_one(ResultsPane).mark(MOST_COMPARED)

    def action_compare(self) -> None:
        """Put results side by side: the marked ones, else the open one and another."""
        runs = self.query_one(ResultsPane)
        rows = [row.result_id for row in runs.table.rows if row is not None]
        if self._view is None:
            return
        chosen = runs.marked
        if len(chosen) < 2:
            first = self._view.result_id
            under = runs.table.current.result_id if runs.table.current is not None else ""
            others = [each for each in (*chosen, under, *rows) if each and each != first]
            chosen = (first, *dict.fromkeys(others))[:2]
        self.app.push_screen(
            CompareDialog(tuple(sorted(chosen, key=rows.index)), desk_of(self).latest.results)
        )

    @errand("results-report", exclusive=True)
    async def action_report(self) -> None:
        """Write the result as one HTML file, and say where it is."""
        if self._view is not None:
            path = await desk_of(self).ask(WriteReport(self._view.result_id))
            desk_of(self).say(f"The report is {path}")

    def action_delete(self) -> None:
        """Put the run under the cursor aside, after asking."""
        row = self.query_one(ResultsPane).table.current
        if row is None:
            return
        sentences = (
            f"{row.strategy} of {formats.minute(row.created_ms)}, {formats.plural(row.trades, 'trade')}.",
            "It is moved to the folder `deleted` beside the other results.",
        )
        question = Confirm(f"Delete {row.result_id}?", sentences, (("d", "delete it"),))

        def answered(answer: str | None) -> None:
            if answer == "d":
                self._delete(row.result_id)

        self.app.push_screen(question, answered)

    @errand("results-delete")
    async def _delete(self, result_id: str) -> None:
        moved = await desk_of(self).ask(DeleteResult(result_id))
        desk_of(self).say(f"Moved to {moved}")
