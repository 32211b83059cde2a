"""The Data area: what is on disk, what arrives, what is being fetched."""

from __future__ import annotations

import asyncio
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Input

from tradebot.engine.control.errors import TradebotError
from tradebot.engine.messages import (
    CancelJob,
    Command,
    DatasetView,
    EngineSnapshot,
    JobView,
    RepairData,
    RetryJob,
    Unfollow,
)
from tradebot.screens.area import Area
from tradebot.screens.data_collect import CollectDialog
from tradebot.screens.data_datasets import DatasetsPane
from tradebot.screens.data_dialogs import CheckDialog, ImportDialog, WriteDialog
from tradebot.screens.data_jobs import ALIVE, JobsPane, stop_question
from tradebot.screens.data_months import MonthsDialog
from tradebot.screens.desk import desk_of, errand
from tradebot.screens.dialogs import Confirm
from tradebot.screens.first_run import STARTER, can_start
from tradebot.screens.live_panes import BudgetPane, PricesPane, StreamsPane
from tradebot.screens.remembering import Kept, Value
from tradebot.screens.widgets.virtual_table import VirtualTable

__all__ = ["DataArea"]

_TRIES = 40
_PAUSE_SECONDS = 0.25


class DataArea(Area):
    """Datasets, prices, streams, budget and jobs."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,t", "starter", "starter pack", id="data.starter"),
        Binding("n", "collect", "new", id="data.collect"),
        Binding("r", "retry", "retry", id="data.retry"),
        Binding("x", "stop", "stop", id="data.stop"),
        Binding("v", "verify", "verify", id="data.verify"),
        Binding("g", "repair", "fill gaps", id="data.repair"),
        Binding("i", "import", "import", id="data.import"),
        Binding("w", "write", "export", id="data.write"),
        Binding("s", "sort", "sort", show=False, id="data.sort"),
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
            case "starter":
                return can_start(desk_of(self).latest) and not isinstance(self.app.focused, Input)
            case "filter" if isinstance(self.app.focused, Input):
                return False  # Textual does not know that "slash" is a letter to type
            case "filter" | "sort":
                return bool(desk_of(self).latest.datasets) or None
            case "verify" | "repair":
                return self._stored() is not None or None
            case "write":
                return any(each.rows for each in desk_of(self).latest.datasets) or None
            case "retry":
                return self._retryable() is not None or None
            case "stop":
                return self._unfollowable() is not None or self._stoppable() is not None or None
            case _:
                return super().check_action(action, parameters)

    def copy_text(self) -> str:
        """The selected dataset, job or price, as a line."""
        pane = self.current_pane
        if isinstance(pane, DatasetsPane | JobsPane | PricesPane):
            return pane.copy_text()
        return ""

    def remembered(self) -> dict[str, Value]:
        """The pane, and of the datasets filter, order and cursor."""
        return {**super().remembered(), **self.query_one(DatasetsPane).remembered()}

    def remember(self, kept: Kept) -> None:
        """Take them up."""
        super().remember(kept)
        self.query_one(DatasetsPane).remember(kept)

    # ------------------------------------------------------------------------------------------ verbs

    def _refused(self) -> bool:
        """Say why nothing can be written, where so."""
        why = desk_of(self).latest.read_only
        if why:
            desk_of(self).say(why, "warning")
        return bool(why)

    def _stored(self) -> DatasetView | None:
        """The dataset under the cursor, if it holds bars."""
        pane = next(iter(self.query("DatasetsPane").results(DatasetsPane)), None)
        dataset = pane.current if pane is not None else None
        return dataset if dataset is not None and dataset.rows else None

    def _chosen_job(self) -> JobView | None:
        pane = next(iter(self.query("JobsPane").results(JobsPane)), None)
        return pane.current if pane is not None else None

    def action_collect(self) -> None:
        """Ask what to collect, and start it."""
        if self._refused():
            return
        dataset = self.query_one(DatasetsPane).current
        dialog = CollectDialog(dataset.symbol, dataset.category) if dataset else CollectDialog()
        self.app.push_screen(dialog, self._started)

    @errand("data-starter", exclusive=True)
    async def action_starter(self) -> None:
        """Collect the starter pack, from an empty folder; while the exchange is being reached, as soon as it is."""
        desk = desk_of(self)
        for attempt in range(_TRIES):
            try:
                job_id = await desk.ask(STARTER)
            except TradebotError:
                if attempt + 1 == _TRIES or desk.latest.connection.rest == "lost":
                    raise
                desk.say("The starter pack is collected as soon as the exchange answers.")
                await asyncio.sleep(_PAUSE_SECONDS)
            else:
                self._started(int(job_id))
                return

    def action_import(self) -> None:
        """Ask which files to import, and start it."""
        if not self._refused():
            self.app.push_screen(ImportDialog(), self._started)

    def _started(self, job_id: int | None) -> None:
        if job_id is not None:
            self.query_one(JobsPane).select(job_id)

    def action_verify(self) -> None:
        """Check the selected dataset and show what was found."""
        dataset = self._stored()
        if dataset is not None:
            self.app.push_screen(CheckDialog(dataset), self._after_details)

    def action_repair(self) -> None:
        """Ask the exchange for the gaps and bad rows of the selected dataset."""
        dataset = self._stored()
        if dataset is not None and not self._refused():
            self._start_job(RepairData((dataset.key,)))

    def action_write(self) -> None:
        """Ask whether to export the selected dataset or to back up everything, and where to."""
        dataset = self._stored()
        if dataset is None:
            self.app.push_screen(WriteDialog(None), self._started)
            return
        name = f"{dataset.symbol} {dataset.timeframe}"
        question = Confirm(
            "Write out",
            ("A CSV file of one dataset, or an archive of the whole data folder.",),
            (("e", f"export {name}"), ("b", "back up all data")),
        )

        def answered(answer: str | None) -> None:
            if answer is not None:
                self.app.push_screen(WriteDialog(dataset if answer == "e" else None), self._started)

        self.app.push_screen(question, answered)

    def action_sort(self) -> None:
        """Sort the datasets by the next thing."""
        self.query_one(DatasetsPane).sort_next()

    def action_filter(self) -> None:
        """Type part of a symbol to show only what matches."""
        self.query_one(DatasetsPane).open_filter()

    @on(VirtualTable.Chosen, "#datasets")
    def inspect(self, event: VirtualTable.Chosen) -> None:
        """Show a dataset day by day with its exact gaps."""
        dataset = event.table.current
        if isinstance(dataset, DatasetView):
            self.app.push_screen(MonthsDialog(dataset), self._after_details)

    def _after_details(self, answer: str | None) -> None:
        if answer == "v":
            self.action_verify()
        elif answer == "g":
            self.action_repair()

    # ------------------------------------------------------------------------------------------ jobs

    def _retryable(self) -> int | None:
        """The selected job if it can be started again, else the only one that can."""
        chosen = self._chosen_job()
        if chosen is not None and chosen.resumable:
            return chosen.job_id
        resumable = [job.job_id for job in desk_of(self).latest.jobs if job.resumable]
        return resumable[0] if len(resumable) == 1 else None

    def action_retry(self) -> None:
        """Start a failed or stopped job again; it goes on where it stopped."""
        job_id = self._retryable()
        if job_id is not None:
            self._start_job(RetryJob(job_id))

    def _unfollowable(self) -> DatasetView | None:
        """The selected dataset, if its pane has the focus and it is followed live."""
        pane = self.current_pane if self.is_mounted else None
        dataset = pane.current if isinstance(pane, DatasetsPane) else None
        return dataset if dataset is not None and dataset.state == "live" else None

    def _stoppable(self) -> int | None:
        """The selected job if it still runs, else the only one that does."""
        chosen = self._chosen_job()
        if chosen is not None and chosen.state in ALIVE:
            return chosen.job_id
        alive = [job.job_id for job in desk_of(self).latest.jobs if job.state in ALIVE]
        return alive[0] if len(alive) == 1 else None

    def action_stop(self) -> None:
        """Stop following the selected dataset, or stop the selected job; asks first."""
        dataset = self._unfollowable()
        if dataset is not None:
            self._stop_following(dataset)
            return
        job_id = self._stoppable()
        job = next((job for job in desk_of(self).latest.jobs if job.job_id == job_id), None)
        if job is None:
            return
        command = CancelJob(job.job_id)
        self.app.push_screen(stop_question(job), lambda answer: self._send_on("x", answer, command))

    def _stop_following(self, dataset: DatasetView) -> None:
        if self._refused():
            return
        name = f"{dataset.symbol} {dataset.timeframe}"
        sentences = (
            f"{name} is followed live: each bar is stored as it closes.",
            "Stopped, what is stored stays; n with follow goes on later and fills what was missed.",
        )
        question = Confirm("Stop following", sentences, (("x", f"follow {name} no longer"),))
        self.app.push_screen(question, lambda answer: self._send_on("x", answer, Unfollow((dataset.key,))))

    def _send_on(self, wanted: str, answer: str | None, command: Command) -> None:
        if answer == wanted:
            self._send(command)

    @errand("data-start", exclusive=False)
    async def _start_job(self, command: Command) -> None:
        self._started(int(await desk_of(self).ask(command)))

    @errand("data-send")
    async def _send(self, command: Command) -> None:
        await desk_of(self).ask(command)
