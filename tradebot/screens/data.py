"""The Data area: what is on disk, what arrives, what is being fetched."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Input

from tradebot.engine.messages import CancelJob, Command, DatasetView, EngineSnapshot
from tradebot.screens import formats
from tradebot.screens.area import Area
from tradebot.screens.data_dialogs import CheckDialog, CollectDialog, DatasetDialog, ImportDialog
from tradebot.screens.data_panes import DatasetsPane, JobsPane
from tradebot.screens.desk import desk_of, errand
from tradebot.screens.dialogs import Confirm
from tradebot.screens.live_panes import BudgetPane, PricesPane, StreamsPane
from tradebot.screens.widgets.virtual_table import VirtualTable

__all__ = ["DataArea"]

_ALIVE = {"running", "queued"}


class DataArea(Area):
    """Datasets, prices, streams, budget and jobs."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n", "collect", "new", id="data.collect"),
        Binding("i", "import", "import", id="data.import"),
        Binding("v", "verify", "verify", id="data.verify"),
        Binding("x", "stop", "stop job", id="data.stop"),
        Binding("slash", "filter", "filter", key_display="/", id="data.filter"),
    ]

    def compose_panes(self) -> ComposeResult:
        """Datasets beside what is live, jobs below."""
        with Horizontal(id="data-top"):
            yield DatasetsPane()
            with Vertical(id="data-side"):
                yield PricesPane()
                yield StreamsPane()
                yield BudgetPane()
        yield JobsPane()

    def apply(self, snapshot: EngineSnapshot) -> None:
        """Hand the snapshot to the panes."""
        for pane in self.panes:
            pane.apply(snapshot)  # type: ignore[attr-defined]  # every pane of this area has it
        self.show_tabs()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only keys that do something now are shown and work."""
        match action:
            case "filter" if isinstance(self.app.focused, Input):
                return False  # Textual does not know that "slash" is a letter to type
            case "verify" | "filter":
                return bool(desk_of(self).latest.datasets) or None
            case "stop":
                return self._stoppable() is not None or None
            case _:
                return super().check_action(action, parameters)

    def copy_text(self) -> str:
        """The selected dataset, job or price, as a line."""
        pane = self.current_pane
        if isinstance(pane, DatasetsPane | JobsPane | PricesPane):
            return pane.copy_text()
        return ""

    # ------------------------------------------------------------------------------------------ verbs

    def action_collect(self) -> None:
        """Ask what to collect, and start it."""
        dataset = self.query_one(DatasetsPane).current
        self.app.push_screen(CollectDialog(dataset.symbol if dataset else ""), self._started)

    def action_import(self) -> None:
        """Ask which files to import, and start it."""
        self.app.push_screen(ImportDialog(), self._started)

    def _started(self, job_id: int | None) -> None:
        if job_id is not None:
            self.query_one(JobsPane).select(job_id)

    def action_verify(self) -> None:
        """Check the selected dataset and show what was found."""
        dataset = self.query_one(DatasetsPane).current
        if dataset is not None:
            self.app.push_screen(CheckDialog(dataset))

    def action_filter(self) -> None:
        """Type part of a symbol to show only what matches."""
        self.query_one(DatasetsPane).open_filter()

    @on(VirtualTable.Chosen, "#datasets")
    def inspect(self, event: VirtualTable.Chosen) -> None:
        """Show the exact figures of a dataset."""
        dataset = event.table.current
        if isinstance(dataset, DatasetView):
            self.app.push_screen(DatasetDialog(dataset), self._after_details)

    def _after_details(self, answer: str | None) -> None:
        if answer == "v":
            self.action_verify()

    def _stoppable(self) -> int | None:
        """The selected job if it still runs, else the only one that does."""
        jobs = self.query("JobsPane").results(JobsPane)
        pane = next(jobs, None)
        chosen = pane.current if pane is not None else None
        if chosen is not None and chosen.state in _ALIVE:
            return chosen.job_id
        alive = [job.job_id for job in desk_of(self).latest.jobs if job.state in _ALIVE]
        return alive[0] if len(alive) == 1 else None

    def action_stop(self) -> None:
        """Stop the selected job, after asking where it runs."""
        job_id = self._stoppable()
        job = next((job for job in desk_of(self).latest.jobs if job.job_id == job_id), None)
        if job is None:
            return
        done = (
            f"{formats.count(job.done)} {job.unit} are done and stay on disk."
            if job.done
            else "Nothing is lost."
        )
        question = Confirm("Stop job", (f"{job.title} is {job.state}.", done), (("x", "stop it"),))

        def answered(answer: str | None) -> None:
            if answer == "x":
                self._send(CancelJob(job.job_id))

        self.app.push_screen(question, answered)

    @errand("data-send")
    async def _send(self, command: Command) -> None:
        await desk_of(self).ask(command)
