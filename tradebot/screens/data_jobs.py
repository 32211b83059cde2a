"""The pane of the Data area about what is being done."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult

from tradebot.engine.messages import EngineSnapshot, JobView
from tradebot.screens import formats
from tradebot.screens.area import Pane
from tradebot.screens.dialogs import Confirm
from tradebot.screens.widgets import gauges
from tradebot.screens.widgets.lines_view import LinesView
from tradebot.screens.widgets.palette import Line, wrap
from tradebot.screens.widgets.virtual_table import Cell, Column, VirtualTable

__all__ = ["ALIVE", "STATE_TONES", "STATE_WORDS", "JobsPane", "job_text", "rate_text", "stop_question"]

_AMOUNT_WIDTH = 10
ALIVE = frozenset({"running", "queued"})
STATE_TONES = {
    "running": "primary", "queued": "dim", "done": "good", "failed": "bad", "cancelled": "warning",
}  # fmt: skip
STATE_WORDS = {"cancelled": "stopped"}
"""States that are called otherwise on the screen."""


class JobsPane(Pane):
    """Work in progress and just finished, with what happened to the selected one."""

    HELP = (
        "Collections, repairs, checks, imports, exports and backtests. A stopped or failed one loses nothing: what was "
        "written stays, and r starts it again where it stopped, asking only for what is missing."
    )
    label = "Jobs"

    def __init__(self) -> None:
        super().__init__(id="jobs-pane", classes="pane")
        self._jobs: tuple[JobView, ...] = ()
        self._wanted: int | None = None

    def compose(self) -> ComposeResult:
        """The table and the detail lines."""
        yield VirtualTable[JobView](
            (
                Column("JOB", 24, grow=True),
                Column("PROGRESS", 10, grow=True),
                Column("%", 4, right=True),
                Column("ROWS", _AMOUNT_WIDTH, right=True),
                Column("RATE", 9, right=True, drop=1),
                Column("ETA", 7, right=True),
                Column("STATE", 8),
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
        self._jobs = tuple(sorted(snapshot.jobs, key=lambda job: (order.get(job.state, 3), -job.job_id)))
        hint: Line = (
            ("  Nothing is running. ", "dim"), ("n", "key"), (" collects, ", "dim"), ("i", "key"), (" imports.", "dim"),
        )  # fmt: skip
        self.table.show(self._jobs, empty=(hint,))
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
        tone = STATE_TONES.get(job.state, "")
        known = job.total > 0
        width = self.table.width_of("PROGRESS") or 10
        running = job.state == "running"
        progress: Line = gauges.bar(job.fraction, width, tone) if known else (("·" * width, "line"),)
        percent = f"{min(99, int(job.fraction * 100)) if running else round(job.fraction * 100)}%"
        return (
            (job.title, "bold" if running else ""),
            progress,
            percent if known else formats.NOTHING,
            _amount(job) if job.done or known else formats.NOTHING,
            rate_text(job) if running and job.rate else formats.NOTHING,
            formats.countdown(job.eta_seconds) if running else formats.NOTHING,
            (STATE_WORDS.get(job.state, job.state), tone),
        )

    @on(VirtualTable.Moved, "#jobs")
    def _show_detail(self) -> None:
        view = self.query_one("#job-detail", LinesView)
        job = self.current
        lines = self._detail(job) if job is not None else []
        view.display = bool(lines)
        if lines:
            view.show(lines)

    def _detail(self, job: JobView) -> list[Line]:
        """What happened, what is safe, and the keys that help."""
        width = max(20, self.size.width - 4)
        tone = {"failed": "bad", "cancelled": "warning"}.get(job.state, "dim")
        lines: list[Line] = []
        if job.sentence:
            lines.extend(((text, tone),) for text in wrap(job.sentence, width)[:4])
        if job.details:
            lines.extend(((text, "dim"),) for text in wrap(" ".join(job.details), width)[:2])
        if job.resumable:
            lines.append(
                (("r", "key"), (" start again   ", "dim"), ("y", "key"), (" copy the sentence", "dim"))
            )
        return lines

    def copy_text(self) -> str:
        """The selected job with its sentences."""
        return job_text(self.current) if self.current is not None else ""


def job_text(job: JobView) -> str:
    """A job with its sentences, as it is copied."""
    state = STATE_WORDS.get(job.state, job.state)
    return " ".join([f"{job.title}: {state}.", job.sentence, *job.details]).strip()


def stop_question(job: JobView) -> Confirm:
    """Asks whether a job is to be stopped; the answer is x."""
    done = (
        f"{formats.count(job.done)} {job.unit} are done and stay on disk." if job.done else "Nothing is lost."
    )
    return Confirm("Stop job", (f"{job.title} is {job.state}.", done), (("x", "stop it"),))


def _amount(job: JobView) -> str:
    """Bars in short, bytes as a size; of few things (files, gaps) how many of how many."""
    if job.unit == "bytes":
        return formats.size_of(job.done)
    if job.total and job.total < 1000 and job.unit not in {"bars", "rows"}:
        short = f"{job.done:.0f}/{job.total:.0f}"
        return f"{short} {job.unit}" if len(short) + 1 + len(job.unit) <= _AMOUNT_WIDTH else short
    return f"{job.done:,.0f}" if job.done < 10_000_000 else formats.count(job.done)


def rate_text(job: JobView) -> str:
    """How fast a job is, in its own unit."""
    if job.unit == "bytes":
        return f"{formats.size_of(job.rate)}/s".replace(" ", "")
    return f"{formats.count(job.rate) if job.rate >= 10 else f'{job.rate:.1f}'}/s"
