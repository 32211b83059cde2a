"""What the engine remembers of a job beside its progress: the datasets it is about, and how to start it again."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from tradebot.engine.control.errors import InputError
from tradebot.engine.control.jobs import Job, JobBoard, JobState, JobStatus
from tradebot.engine.control.progress import counted
from tradebot.engine.messages import JobView, RunSoFar
from tradebot.engine.views import job_view

_STORES_AS_IT_GOES = {"collect", "repair"}


@dataclass(frozen=True, slots=True)
class _Facts:
    keys: tuple[str, ...] = ()
    again: Callable[[], Job] | None = None


class JobBook:
    """The jobs of a board as screens see them. Thread-safe.

    A job that is started with `again` can be started a second time once it has failed or was stopped: the same
    request, and the new job takes the old one's place in the list.
    """

    def __init__(self, board: JobBoard) -> None:
        self.board = board
        self._facts: dict[int, _Facts] = {}
        self._replaced: set[int] = set()
        self._so_far: dict[int, RunSoFar] = {}
        self._lock = threading.Lock()

    def note(self, job: Job, again: Callable[[], Job] | None = None, keys: tuple[str, ...] = ()) -> Job:
        """Remember how to start a job again, and its datasets; what is left out stays as it was."""
        job_id = job.status.job_id
        with self._lock:
            before = self._facts.get(job_id, _Facts())
            self._facts[job_id] = _Facts(keys or before.keys, again or before.again)
        return job

    def draw(self, job_id: int, so_far: RunSoFar) -> None:
        """Show how a backtest looks so far, until the job ends."""
        with self._lock:
            self._so_far[job_id] = so_far

    def retry(self, job_id: int) -> Job:
        """Start a failed or stopped job again. Raises InputError where there is nothing to start again."""
        job = self.board.get(job_id)
        with self._lock:
            facts = self._facts.get(job_id, _Facts())
            if job is None or job_id in self._replaced:
                raise InputError(f"There is no job {job_id} any more; start it anew.")
            if not job.status.state.ended:
                raise InputError(f"{job.status.title} is still {job.status.state.value}; stop it first.")
            if job.status.state is JobState.DONE or facts.again is None:
                raise InputError(f"{job.status.title} has ended; there is nothing to start again.")
            self._replaced.add(job_id)
        try:
            return facts.again()
        except BaseException:
            with self._lock:
                self._replaced.discard(job_id)
            raise

    def views(self) -> tuple[JobView, ...]:
        """All jobs still shown, newest first."""
        statuses = self.board.statuses()
        shown = {status.job_id for status in statuses}
        alive = {status.job_id for status in statuses if not status.state.ended}
        with self._lock:
            self._so_far = {job_id: each for job_id, each in self._so_far.items() if job_id in alive}
            so_far = dict(self._so_far)
            for gone in [job_id for job_id in self._facts if job_id not in shown]:
                del self._facts[gone]
            self._replaced &= shown
            facts = dict(self._facts)
            replaced = set(self._replaced)
        return tuple(
            _view(status, facts.get(status.job_id, _Facts()), so_far.get(status.job_id))
            for status in statuses
            if status.job_id not in replaced
        )


def _view(status: JobStatus, facts: _Facts, so_far: RunSoFar | None) -> JobView:
    stopped = status.state in {JobState.FAILED, JobState.CANCELLED}
    resumable = stopped and facts.again is not None
    details = _details(status, resumable) if stopped else ()
    return job_view(status, facts.keys, resumable, details, so_far)


def _details(status: JobStatus, resumable: bool) -> tuple[str, ...]:
    """What is safe, and what starting again would do."""
    if status.kind not in _STORES_AS_IT_GOES:
        return ("Starting it again begins from the start.",) if resumable else ()
    done, total = round(status.progress.done), round(status.progress.total)
    safe = (
        f"{counted(done, 'bar')} of {total:,} were asked for and stored; they are safe on disk."
        if done
        else ""
    )
    further = "Started again it goes on there and downloads nothing twice." if resumable else ""
    return tuple(sentence for sentence in (safe, further) if sentence)
