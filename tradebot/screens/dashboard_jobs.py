"""The engine on the Dashboard: what is being done, and how the engine itself is doing."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult

from tradebot.engine.messages import EngineSnapshot, JobView
from tradebot.screens import formats
from tradebot.screens.area import Pane
from tradebot.screens.dashboard_empty import NO_JOBS
from tradebot.screens.dashboard_health import health_lines, load_text
from tradebot.screens.data_jobs import ALIVE, STATE_TONES, STATE_WORDS, job_text, rate_text
from tradebot.screens.widgets import gauges
from tradebot.screens.widgets.lines_view import LinesView
from tradebot.screens.widgets.palette import Line, wrap
from tradebot.screens.widgets.virtual_table import Cell, Column, VirtualTable

__all__ = ["EnginePane"]

_WIDE = 40
_NARROW = 100
_ORDER = {"running": 0, "queued": 2, "failed": 1}


class EnginePane(Pane):
    """Jobs with their progress; below them what is wrong, the services and the queues of the engine."""

    HELP = (
        "What is being done: collections, checks, backtests, with how far they are and how long they still take; x "
        "stops one, r starts a failed or stopped one again where it stopped.\n\n"
        "Below: the services of the engine. One that ended unexpectedly is started again after a pause, which is "
        "told here. On the border: how late the engine's loop is (95 of 100 times, over the last minute), the "
        "processor's share (of one core) and the memory of tradebot with its child processes."
    )
    label = "Jobs"

    def __init__(self) -> None:
        super().__init__(id="dash-engine", classes="pane")
        self._jobs: tuple[JobView, ...] = ()
        self._wanted: int | None = None
        self._snapshot = EngineSnapshot()

    def compose(self) -> ComposeResult:
        """The jobs, the lines about the engine."""
        yield VirtualTable[JobView](
            (
                Column("JOB", 17, grow=True),
                Column("PROGRESS", 6, grow=True, drop=2),
                Column("%", 4, right=True),
                Column("RATE", 9, right=True, drop=3),
                Column("ETA", 7, right=True),
            ),
            self._cells,
            lambda job: job.job_id,
            header=False,
            id="dash-jobs",
        )
        yield LinesView(id="dash-health")

    def on_mount(self) -> None:
        """Name the pane."""
        self.caption("Engine & jobs")

    @property
    def table(self) -> VirtualTable[JobView]:
        """The jobs."""
        return self.query_one("#dash-jobs", VirtualTable)

    @property
    def current(self) -> JobView | None:
        """The job under the cursor."""
        return self.table.current

    @property
    def tab_note(self) -> str:
        """How many run."""
        return str(sum(job.state == "running" and job.kind != "follow" for job in self._jobs))

    def select(self, job_id: int) -> None:
        """Put the cursor on a job as soon as it appears."""
        self._wanted = job_id

    # ------------------------------------------------------------------------------------------ drawing

    def apply(self, snapshot: EngineSnapshot) -> None:
        """Draw jobs and health: running ones on top, then failed ones; what only follows comes behind those."""
        self._snapshot = snapshot
        self._jobs = tuple(sorted(snapshot.jobs, key=_rank))
        self.table.show(self._jobs, empty=NO_JOBS)
        if self._wanted is not None:
            place = next((n for n, job in enumerate(self._jobs) if job.job_id == self._wanted), None)
            if place is not None:
                self._wanted = None
                self.table.move_to(place)
        counts = {state: sum(job.state == state for job in self._jobs) for state in ("running", "failed")}
        name = "Engine & jobs" if self.size.width >= _WIDE else "Jobs"
        told = [f"{number} {state}" for state, number in counts.items() if number]
        self.caption(" · ".join([name, *told]), load_text(snapshot.health, self.size.width))
        self._show_lines()

    @on(VirtualTable.Moved, "#dash-jobs")
    def _show_lines(self) -> None:
        width = max(20, self.size.width - 3)
        troubles = self._troubles(width)
        rows = max(4, self.size.height // 2) if troubles else max(3, self.size.height // 3)
        lines = [*troubles, *health_lines(self._snapshot, width, rows)][:rows]
        load = load_text(self._snapshot.health, width)
        if load and self.app.size.width < _NARROW:
            lines.append(((load, "dim"),))  # there is no border to write on
        view = self.query_one("#dash-health", LinesView)
        view.display = bool(lines)
        if lines:
            view.show(lines)

    def _troubles(self, width: int) -> list[Line]:
        """Why the selected job failed, and the key that helps."""
        job = self.current
        if job is None or job.state != "failed":
            return []
        lines: list[Line] = [((text, "bad"),) for text in wrap(job.sentence, width)[:2]]
        if job.resumable:
            lines.append((("r", "key"), (" starts it again where it stopped", "dim")))
        return lines

    def _cells(self, job: JobView) -> tuple[Cell, ...]:
        tone = STATE_TONES.get(job.state, "")
        running, known = job.state == "running", job.total > 0
        width = self.table.width_of("PROGRESS") or 10
        progress: Line = gauges.bar(job.fraction, width, tone) if known else (("·" * width, "line"),)
        percent = f"{min(99, int(job.fraction * 100)) if running else round(job.fraction * 100)}%"
        left: Cell = (formats.countdown(job.eta_seconds), "text")
        if not running or job.eta_seconds is None:
            word = "live" if running and job.kind == "follow" else STATE_WORDS.get(job.state, job.state)
            left = (word, tone)
        return (
            (job.title, "bold" if running else ""),
            progress,
            percent if known else formats.NOTHING,
            (rate_text(job) if running and job.rate else "", "dim"),
            left,
        )

    def copy_text(self) -> str:
        """The selected job with its sentences."""
        return job_text(self.current) if self.current is not None else ""


def _rank(job: JobView) -> tuple[int, int]:
    order = 3 if job.state == "running" and job.kind == "follow" else _ORDER.get(job.state, 4)
    return order, -job.job_id


def stoppable(jobs: tuple[JobView, ...], chosen: JobView | None) -> JobView | None:
    """The selected job if it still runs, else the only one that does."""
    if chosen is not None and chosen.state in ALIVE:
        return chosen
    alive = [job for job in jobs if job.state in ALIVE]
    return alive[0] if len(alive) == 1 else None


def resumable(jobs: tuple[JobView, ...], chosen: JobView | None) -> JobView | None:
    """The selected job if it can be started again, else the only one that can."""
    if chosen is not None and chosen.resumable:
        return chosen
    found = [job for job in jobs if job.resumable]
    return found[0] if len(found) == 1 else None
