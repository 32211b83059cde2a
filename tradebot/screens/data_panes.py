"""The panes of the Data area about what is on disk and what is being done."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.widgets import Input

from tradebot.engine.messages import DatasetView, EngineSnapshot, JobView
from tradebot.screens import formats
from tradebot.screens.area import Pane
from tradebot.screens.data_empty import empty_lines
from tradebot.screens.widgets import gauges
from tradebot.screens.widgets.lines_view import LinesView
from tradebot.screens.widgets.palette import Line, Part, wrap
from tradebot.screens.widgets.virtual_table import Cell, Column, VirtualTable

_STATES: dict[str, Part] = {
    "live": ("● live", "live"),
    "collecting": ("▒ fetch", "primary"),
    "error": ("× error", "bad"),
    "idle": ("· idle", "dim"),
}
_LEGEND: Line = (
    ("▇", "up"), (" complete  ", "dim"), ("▓", "warning"), (" gap inside  ", "dim"), ("▒", "primary"),
    (" fetching  ", "dim"), ("░", "line"), (" not collected  ", "dim"), ("×", "bad"), (" failed", "dim"),
)  # fmt: skip


class DatasetsPane(Pane):
    """All datasets with their coverage; the exact times of the selected one below."""

    HELP = (
        "One row for each file of bars. COVERAGE shows two years or the whole history in 24 parts: a full block is "
        "complete, a shaded one has gaps inside, a dotted one was not collected.\n\n"
        "Data is collected once and stays; collecting again asks only for what is missing."
    )
    label = "Datasets"

    def __init__(self) -> None:
        super().__init__(id="datasets-pane", classes="pane")
        self._snapshot = EngineSnapshot()
        self._filter = ""

    def compose(self) -> ComposeResult:
        """Filter, table, detail lines."""
        yield Input(
            placeholder="part of a symbol or timeframe", compact=True, id="dataset-filter", classes="filter"
        )
        yield VirtualTable[DatasetView](
            (
                Column("SYMBOL", 12, grow=True),
                Column("TF", 3),
                Column("FROM", 8, drop=3),
                Column("LAST", 8, drop=2),
                Column("ROWS", 6, right=True),
                Column("GAPS", 4, right=True),
                Column("COVERAGE", 24, drop=1),
                Column("STATE", 7),
            ),
            self._cells,
            lambda dataset: dataset.key,
            id="datasets",
        )
        yield LinesView(id="dataset-detail")

    def on_mount(self) -> None:
        """Name the pane."""
        self.caption("Datasets")

    def focus_target(self) -> VirtualTable[DatasetView]:
        """The table, not the filter above it."""
        return self.table

    @property
    def table(self) -> VirtualTable[DatasetView]:
        """The table of datasets."""
        return self.query_one("#datasets", VirtualTable)

    @property
    def current(self) -> DatasetView | None:
        """The dataset under the cursor."""
        return self.table.current

    @property
    def tab_note(self) -> str:
        """How many there are."""
        return str(len(self._snapshot.datasets))

    def apply(self, snapshot: EngineSnapshot) -> None:
        """Draw the datasets of a snapshot."""
        self._snapshot = snapshot
        words = self._filter.lower().split()
        shown = snapshot.datasets
        if words:
            shown = tuple(
                each for each in shown if all(w in f"{each.key} {each.state}".lower() for w in words)
            )
        empty = (
            ((), ((f'  No dataset matches "{self._filter}".', "dim"),))
            if snapshot.datasets
            else empty_lines(snapshot, self.table.size.width, self.table.size.height)
        )
        self.table.show(shown, empty=empty)
        rows = sum(each.rows for each in shown)
        held = sum(each.bytes for each in shown)
        filtered = f" of {len(snapshot.datasets)}" if words else ""
        self.caption(
            subtitle=f"{len(shown)}{filtered} datasets · {formats.count(rows)} rows · {formats.size_of(held)}"
            if snapshot.datasets
            else "0 datasets"
        )
        self._show_detail()

    def _cells(self, dataset: DatasetView) -> tuple[Cell, ...]:
        now = self._snapshot.time_ms
        behind = now - dataset.last_ms
        late = dataset.state not in {"live"} and behind > 86_400_000
        age = formats.day(dataset.last_ms) if late else formats.moment(dataset.last_ms).strftime("%H:%M")
        gaps: Cell = (str(dataset.gaps), "warning") if dataset.gaps else ("0", "dim")
        return (
            (dataset.symbol, "bold"),
            dataset.timeframe,
            (formats.day(dataset.first_ms) if dataset.rows else "-", ""),
            (age if dataset.rows else "-", "stale" if late else ""),
            formats.count(dataset.rows),
            gaps,
            gauges.coverage(dataset.coverage, dataset.state),
            _STATES.get(dataset.state, (dataset.state, "")),
        )

    @on(VirtualTable.Moved, "#datasets")
    def _show_detail(self) -> None:
        dataset = self.current
        detail = self.query_one("#dataset-detail", LinesView)
        if dataset is None:
            detail.display = False
            return
        detail.display = True
        figures = f"{dataset.rows:,} rows · {formats.size_of(dataset.bytes)}"
        span = f"{formats.minute(dataset.first_ms)} to {formats.minute(dataset.last_ms)}"
        first: Line = ((f"{dataset.symbol} {dataset.timeframe}  ", "bold"), (f"{span} · {figures}", "dim"))
        if dataset.note:
            first = ((f"{dataset.symbol} {dataset.timeframe}  ", "bold"), (dataset.note, "warning"))
        detail.show((first, _LEGEND))

    def copy_text(self) -> str:
        """The selected dataset as a line."""
        dataset = self.current
        if dataset is None:
            return ""
        span = f"{formats.minute(dataset.first_ms)} to {formats.minute(dataset.last_ms)} UTC"
        return f"{dataset.key}: {dataset.rows} rows, {span}, {dataset.gaps} gaps, {dataset.missing_bars} bars missing"

    # ------------------------------------------------------------------------------------------ filter

    def open_filter(self) -> None:
        """Show the filter and type into it."""
        entry = self.query_one("#dataset-filter", Input)
        entry.add_class("-open")
        entry.focus()

    @on(Input.Changed, "#dataset-filter")
    def _filter_changed(self, event: Input.Changed) -> None:
        self._filter = event.value
        self.caption(f"Datasets · {event.value}" if event.value else "Datasets")
        self.apply(self._snapshot)

    @on(Input.Submitted, "#dataset-filter")
    def _filter_done(self) -> None:
        entry = self.query_one("#dataset-filter", Input)
        entry.set_class(bool(entry.value), "-open")
        self.table.focus()

    def key_escape(self) -> None:
        """Clear the filter."""
        entry = self.query_one("#dataset-filter", Input)
        entry.value = ""
        entry.remove_class("-open")
        self.table.focus()


class JobsPane(Pane):
    """Work in progress and just finished, with what happened to the selected one."""

    HELP = (
        "Collections, imports and backtests. A stopped or failed one loses nothing: what was written stays, "
        "and starting it again asks only for what is missing."
    )
    label = "Jobs"
    _TONES: ClassVar[dict[str, str]] = {
        "running": "primary", "queued": "dim", "done": "good", "failed": "bad", "cancelled": "warning",
    }  # fmt: skip

    def __init__(self) -> None:
        super().__init__(id="jobs-pane", classes="pane")
        self._jobs: tuple[JobView, ...] = ()
        self._wanted: int | None = None

    def compose(self) -> ComposeResult:
        """The table and the detail lines."""
        yield VirtualTable[JobView](
            (
                Column("JOB", 26, grow=True),
                Column("PROGRESS", 10, grow=True),
                Column("%", 4, right=True),
                Column("DONE", 9, right=True),
                Column("RATE", 8, right=True, drop=1),
                Column("ETA", 7, right=True),
                Column("STATE", 9),
            ),
            self._cells,
            lambda job: job.job_id,
            id="jobs",
        )
        yield LinesView(id="job-detail")

    def on_mount(self) -> None:
        """Name the pane."""
        self.caption("Jobs")

    @property
    def table(self) -> VirtualTable[JobView]:
        """The table of jobs."""
        return self.query_one("#jobs", VirtualTable)

    @property
    def current(self) -> JobView | None:
        """The job under the cursor."""
        return self.table.current

    @property
    def tab_note(self) -> str:
        """How many run."""
        return str(sum(job.state == "running" for job in self._jobs))

    def select(self, job_id: int) -> None:
        """Put the cursor on a job as soon as it appears."""
        self._wanted = job_id

    def apply(self, snapshot: EngineSnapshot) -> None:
        """Draw the jobs of a snapshot, running ones on top, the newest first among equals."""
        order = {"running": 0, "queued": 1, "failed": 2}
        self._jobs = tuple(
            sorted(
                snapshot.jobs, key=lambda job: (order.get(job.state, 3), job.kind == "follow", -job.job_id)
            )
        )
        self.table.show(
            self._jobs,
            empty=(
                (
                    ("  Nothing is running. ", "dim"),
                    ("n", "key"),
                    (" collects, ", "dim"),
                    ("i", "key"),
                    (" imports.", "dim"),
                ),
            ),
        )
        if self._wanted is not None:
            place = next((n for n, job in enumerate(self._jobs) if job.job_id == self._wanted), None)
            if place is not None:
                self._wanted = None
                self.table.move_to(place)
        counts = {
            state: sum(job.state == state for job in self._jobs) for state in ("running", "queued", "failed")
        }
        self.caption(subtitle=" · ".join(f"{number} {state}" for state, number in counts.items() if number))
        self._show_detail()

    def _cells(self, job: JobView) -> tuple[Cell, ...]:
        tone = self._TONES.get(job.state, "")
        known = job.total > 0
        width = self.table.width_of("PROGRESS") or 10
        running = job.state == "running"
        progress: Line = gauges.bar(job.fraction, width, tone) if known else (("·" * width, "line"),)
        rate = (
            f"{formats.count(job.rate) if job.rate >= 10 else f'{job.rate:.1f}'}/s"
            if running and job.rate
            else formats.NOTHING
        )
        return (
            (job.title, "bold" if running else ""),
            progress,
            f"{job.fraction:.0%}" if known else formats.NOTHING,
            formats.count(job.done) if job.done or known else formats.NOTHING,
            rate,
            formats.countdown(job.eta_seconds) if running else formats.NOTHING,
            (job.state, tone),
        )

    @on(VirtualTable.Moved, "#jobs")
    def _show_detail(self) -> None:
        view = self.query_one("#job-detail", LinesView)
        job = self.current
        view.display = job is not None and bool(job.sentence)
        if job is None or not view.display:
            return
        tone = "bad" if job.state == "failed" else "warning" if job.state == "cancelled" else "dim"
        view.show([((text, tone),) for text in wrap(job.sentence, max(20, self.size.width - 4))][:3])

    def copy_text(self) -> str:
        """The selected job with its sentence."""
        job = self.current
        return f"{job.title}: {job.state}. {job.sentence}" if job is not None else ""


def _a_second(rate: float) -> str:
    return f"{formats.count(rate) if rate >= 10 else f'{rate:.1f}'}/s"
