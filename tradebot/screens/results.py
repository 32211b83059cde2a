"""The Test area: a result with its figures, curves and trades; a running backtest; earlier runs."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical

from tradebot.engine.control.errors import TradebotError
from tradebot.engine.messages import (
    BacktestView,
    CancelJob,
    EngineSnapshot,
    GetResult,
    GetTrades,
    JobView,
    ResultSummary,
    RunBacktest,
)
from tradebot.screens import formats
from tradebot.screens.area import Area, write_subtitle, write_title
from tradebot.screens.desk import desk_of, errand, strategy_named
from tradebot.screens.results_panes import (
    ChartsPane,
    MetricsPane,
    ResultsPane,
    Summary,
    TradesPane,
    WarningsPane,
)
from tradebot.screens.trade_dialog import TradeDialog
from tradebot.screens.trade_log import WINDOW, TradeLog
from tradebot.screens.widgets.palette import Line, wrap
from tradebot.screens.widgets.virtual_table import VirtualTable

__all__ = ["ResultsArea"]

_ALIVE = {"running", "queued"}
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
    """Figures on top, curves and trades on the left, what explains them on the right."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r", "rerun", "run again", id="results.rerun"),
        Binding("x", "cancel", "cancel", id="results.cancel"),
        Binding("e", "edit", "edit strategy", id="results.edit"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._view: BacktestView | None = None
        self._job_id: int | None = None
        self._job: JobView | None = None
        self._opening = ""
        self._width = 0
        self.log_of_trades = TradeLog(0, self._request)

    def compose_panes(self) -> ComposeResult:
        """The strip, then two columns."""
        yield Summary()
        with Horizontal(id="results-body"):
            with Vertical(id="results-main"):
                yield ChartsPane()
                yield TradesPane()
            with Vertical(id="results-side"):
                yield MetricsPane()
                yield WarningsPane()
                yield ResultsPane()

    def compose(self) -> ComposeResult:
        """The strip stays above the tab row of narrow terminals."""
        yield from super().compose()

    @property
    def view(self) -> BacktestView | None:
        """The result that is shown."""
        return self._view

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only keys that do something now are shown and work."""
        match action:
            case "rerun" | "edit":
                return (self._view is not None and self._job is None) or None
            case "cancel":
                return self._job is not None and self._job.state in _ALIVE
            case _:
                return super().check_action(action, parameters)

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
        if self._job is None and self._view is None:
            newest = max(snapshot.results, key=lambda each: (each.created_ms, each.result_id), default=None)
            if newest is None:
                self.query_one(Summary).show_lines(_EMPTY)
            elif self._opening != newest.result_id:
                self.open_result(newest.result_id)
        elif self._job is None and self._view is not None and self.size.width != self._width:
            self._draw(self._view)
        self.show_tabs()

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
        self._view = view
        self.log_of_trades = TradeLog(view.trade_count, self._request)
        self._draw(view)
        self.query_one(TradesPane).table.move_to(0, quietly=True)
        self.query_one(ResultsPane).show(desk_of(self).latest.results, result_id)
        self.refresh_bindings()

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
        self.query_one(WarningsPane).show(view.warnings)
        self.query_one(TradesPane).show(self.log_of_trades, self._no_trades(view))
        self.show_tabs()

    def _no_trades(self, view: BacktestView) -> list[Line]:
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
        try:
            page = await desk_of(self).ask(GetTrades(result_id, offset, WINDOW))
        except TradebotError as error:
            log.forget(offset)
            desk_of(self).say(error.sentence, "error")
            return
        log.put(page)
        if log is self.log_of_trades:
            self.query_one(TradesPane).table.repaint_rows()

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
