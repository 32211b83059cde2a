"""The Dashboard: prices, the last results, what the engine does and what happened, on one screen."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Input

from tradebot.engine.messages import CancelJob, Command, EngineSnapshot, JobView, RetryJob
from tradebot.screens.area import Area
from tradebot.screens.dashboard_events import RecentPane
from tradebot.screens.dashboard_jobs import EnginePane, resumable, stoppable
from tradebot.screens.dashboard_results import EquityPane
from tradebot.screens.dashboard_watch import WatchPane
from tradebot.screens.data_collect import CollectDialog
from tradebot.screens.data_jobs import stop_question
from tradebot.screens.desk import desk_of, errand
from tradebot.screens.remembering import Kept, Value
from tradebot.screens.widgets.log_view import LogView
from tradebot.screens.widgets.virtual_table import VirtualTable

__all__ = ["DashboardArea"]


class DashboardArea(Area):
    """The watchlist beside results and engine, events below."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "filter", "filter", key_display="/", id="dashboard.filter"),
        Binding("s", "sort", "sort", id="dashboard.sort"),
        Binding("a", "alert", "alert", id="dashboard.alert"),
        Binding("space", "freeze", "freeze", key_display="Space", id="dashboard.freeze"),
        Binding("r", "retry", "retry", id="dashboard.retry"),
        Binding("x", "stop", "stop", id="dashboard.stop"),
        Binding("n", "collect", "new data", id="dashboard.collect"),
    ]

    def compose_panes(self) -> ComposeResult:
        """Prices beside results and jobs, events over the whole width."""
        with Horizontal(id="dash-top"):
            yield WatchPane()
            with Vertical(id="dash-side"):
                yield EquityPane()
                yield EnginePane()
        yield RecentPane()

    @property
    def prices(self) -> WatchPane:
        """The prices."""
        return self.query_one(WatchPane)

    @property
    def engine(self) -> EnginePane:
        """The jobs."""
        return self.query_one(EnginePane)

    def apply(self, snapshot: EngineSnapshot) -> None:
        """Hand the snapshot to the panes."""
        for pane in self.panes:
            pane.apply(snapshot)  # type: ignore[attr-defined]  # every pane of this area has it
        self.show_tabs()

    def copy_text(self) -> str:
        """The selected symbol, result, job or event as a line."""
        text: str = self.current_pane.copy_text()  # type: ignore[attr-defined]  # every pane of this area has it
        return text

    def remembered(self) -> dict[str, Value]:
        """The pane, and of the watchlist filter, order and cursor."""
        return {**super().remembered(), **self.prices.remembered()}

    def remember(self, kept: Kept) -> None:
        """Take them up."""
        super().remember(kept)
        self.prices.remember(kept)

    # ------------------------------------------------------------------------------------------ keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only keys that do something now are shown and work."""
        if not self.is_mounted or not self.panes:  # asked of each key, four times a second
            return super().check_action(action, parameters)
        pane = self.current_pane
        match action:
            case "filter" | "sort" | "freeze" | "alert" if isinstance(self.app.focused, Input):
                return False  # Textual does not know that these are letters to type
            case "filter" | "sort":
                return isinstance(pane, WatchPane) and (bool(desk_of(self).latest.quotes) or None)
            case "alert":
                return isinstance(pane, WatchPane) and (pane.current is not None or None)
            case "freeze" if isinstance(pane, WatchPane):
                return bool(desk_of(self).latest.quotes) or None
            case "freeze":
                return isinstance(pane, RecentPane) and (bool(pane.view.records) or None)
            case "retry":
                return isinstance(pane, EnginePane) and (self._resumable() is not None or None)
            case "stop":
                return isinstance(pane, EnginePane) and (self._stoppable() is not None or None)
            case "collect":
                return isinstance(pane, WatchPane | EnginePane)
            case _:
                return super().check_action(action, parameters)

    def action_filter(self) -> None:
        """Type part of a symbol to show only what matches."""
        self.prices.open_filter()

    def action_sort(self) -> None:
        """Sort the watchlist by the next thing."""
        self.prices.sort_next()

    def action_alert(self) -> None:
        """The alerts, with the form of one on the selected symbol."""
        quote = self.prices.current
        if quote is not None:
            desk_of(self).open_alerts(quote.symbol)

    def action_freeze(self) -> None:
        """Keep what the pane shows, or go on."""
        pane = self.current_pane
        if isinstance(pane, WatchPane | RecentPane):
            pane.freeze()

    def action_collect(self) -> None:
        """Ask what to collect, and start it."""
        why = desk_of(self).latest.read_only
        if why:
            desk_of(self).say(why, "warning")
            return
        quote = self.prices.current
        dialog = CollectDialog(quote.symbol, self.prices.category) if quote is not None else CollectDialog()
        self.app.push_screen(dialog, self._started)

    def _started(self, job_id: int | None) -> None:
        if job_id is not None:
            self.engine.select(job_id)

    # ------------------------------------------------------------------------------------------ Enter

    @on(VirtualTable.Chosen, "#watch")
    def _open_chart(self) -> None:
        quote, category = self.prices.current, self.prices.category
        if quote is not None:
            chart = desk_of(self).visit("chart")
            chart.open_chart(quote.symbol, "", category=category)  # type: ignore[attr-defined]  # ChartArea has it

    @on(VirtualTable.Chosen, "#dash-runs")
    def _open_result(self) -> None:
        result = self.query_one(EquityPane).current
        if result is not None:
            desk_of(self).visit("test").open_result(result.result_id)  # type: ignore[attr-defined]  # ResultsArea has it

    @on(LogView.Chosen)
    def _open_log(self) -> None:
        record = self.query_one(RecentPane).current
        if record is not None:
            logs = desk_of(self).visit("logs")
            logs.open_record(record.time_ms, record.sentence)  # type: ignore[attr-defined]  # LogsArea has it

    # ------------------------------------------------------------------------------------------ jobs

    def _resumable(self) -> JobView | None:
        return resumable(desk_of(self).latest.jobs, self.engine.current)

    def _stoppable(self) -> JobView | None:
        return stoppable(desk_of(self).latest.jobs, self.engine.current)

    @errand("dashboard-retry")
    async def action_retry(self) -> None:
        """Start a failed or stopped job again; it goes on where it stopped."""
        job = self._resumable()
        if job is not None:
            self._started(int(await desk_of(self).ask(RetryJob(job.job_id))))

    def action_stop(self) -> None:
        """Stop the selected job; asks first."""
        job = self._stoppable()
        if job is None:
            return
        command = CancelJob(job.job_id)

        def answered(answer: str | None) -> None:
            if answer == "x":
                self._send(command)

        self.app.push_screen(stop_question(job), answered)

    @errand("dashboard-send")
    async def _send(self, command: Command) -> None:
        await desk_of(self).ask(command)
