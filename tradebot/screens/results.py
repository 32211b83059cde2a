"""The Test area: a result with its figures, tab by tab; a running backtest; earlier runs. Here are its verbs."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widgets import Input

from tradebot.engine.messages import CancelJob, DeleteResult, RerunResult, WriteReport
from tradebot.screens import formats
from tradebot.screens.compare_dialog import MOST_COMPARED, CompareDialog
from tradebot.screens.desk import desk_of, errand, strategy_named
from tradebot.screens.dialogs import Confirm
from tradebot.screens.first_run import collecting, example_of
from tradebot.screens.results_panes import ResultsPane
from tradebot.screens.results_running import RunningResult
from tradebot.screens.results_trades import TradesPane

__all__ = ["ResultsArea"]


class ResultsArea(RunningResult):
    """Figures on top, then a tab: the overview, or one part of the result with all the room."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r", "rerun", "run", id="results.rerun"),
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
        Binding("escape", "dismiss", "result before", show=False, id="results.dismiss"),
    ]

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only keys that do something now are shown and work."""
        match action:
            case "rerun" if self._view is None:
                return (self._job is None and self._can_run_example()) or None
            case "rerun" | "edit":
                return (self._view is not None and self._job is None) or None
            case "filter" | "sort":
                has_trades = self._view is not None and self._view.trade_count > 0
                return (
                    has_trades and self.shows("trades-pane") and not self._is_drawn and not self._is_typing()
                )
            case "mark" | "delete":
                runs = self._runs_in_focus()
                return runs is not None and runs.table.current is not None
            case "compare":
                return (self._view is not None and len(desk_of(self).latest.results) > 1) or None
            case "report":
                return (self._view is not None and not self._is_drawn) or None
            case "cancel":
                return self.running_job is not None
            case "dismiss":
                return self._failed
            case _:
                return super().check_action(action, parameters)

    def _can_run_example(self) -> bool:
        latest = desk_of(self).latest
        return not latest.results and (collecting(latest) or example_of(latest) is not None)

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

    # ------------------------------------------------------------------------------------------ verbs

    def action_rerun(self) -> None:
        """Run this result again as it ran: its strategies, symbols, cash, costs and span. Without one, an example."""
        if self._view is None:
            self.run_example()
        else:
            self._rerun(self._view.result_id)

    @errand("results-run", exclusive=True)
    async def _rerun(self, result_id: str) -> None:
        self.follow(int(await desk_of(self).ask(RerunResult(result_id))))

    @errand("results-run")
    async def action_cancel(self) -> None:
        """Cancel the running backtest, or give up the checks of the open result."""
        job = self.running_job
        if job is not None:
            await desk_of(self).ask(CancelJob(job.job_id))

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
