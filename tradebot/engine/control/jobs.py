"""Jobs: long work that is shown with its progress, may be cancelled, and ends with a sentence."""

from __future__ import annotations

import ctypes
import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from enum import Enum

from tradebot.engine.control.allocator import give_back_freed_memory
from tradebot.engine.control.clock import Clock
from tradebot.engine.control.errors import CancelledError, TradebotError
from tradebot.engine.control.progress import CancelToken, Progress

_BELOW_NORMAL_WINDOWS = -1
_BELOW_NORMAL_NICE = 5


class JobState(Enum):
    """Where a job stands."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen."""
        return self in {JobState.DONE, JobState.FAILED, JobState.CANCELLED}


@dataclass(frozen=True, slots=True)
class JobStatus:
    """One look at a job. `result_id` names what a finished one made, or from its beginning what it is about."""

    job_id: int
    kind: str
    title: str
    state: JobState
    progress: Progress
    sentence: str
    started_ms: int
    ended_ms: int | None = None
    result_id: str = ""


class Job:
    """A running piece of work as its worker sees it: reports, checks for cancellation, ends."""

    def __init__(self, status: JobStatus, clock: Clock) -> None:
        self._status = status
        self._clock = clock
        self._lock = threading.Lock()
        self.cancel = CancelToken()

    @property
    def status(self) -> JobStatus:
        """The latest look."""
        with self._lock:
            return self._status

    def report(self, progress: Progress) -> None:
        """Say how far the work is; the first report marks it as running."""
        with self._lock:
            if not self._status.state.ended:
                self._status = replace(
                    self._status, progress=progress, state=JobState.RUNNING, sentence=progress.note
                )

    def say(self, sentence: str) -> None:
        """Replace the sentence, without counting anything."""
        with self._lock:
            if not self._status.state.ended:
                self._status = replace(self._status, sentence=sentence, state=JobState.RUNNING)

    def wait(self, sentence: str) -> None:
        """Say what the work waits for; it counts as queued until it says or reports something else."""
        with self._lock:
            if not self._status.state.ended:
                self._status = replace(self._status, sentence=sentence, state=JobState.QUEUED)

    def end(self, state: JobState, sentence: str, result_id: str = "") -> None:
        """Mark the work as over; later calls change nothing."""
        with self._lock:
            if not self._status.state.ended:
                self._status = replace(
                    self._status,
                    state=state,
                    sentence=sentence,
                    result_id=result_id or self._status.result_id,
                    ended_ms=self._clock.now_ms(),
                )


class JobBoard:
    """All jobs of an engine: starts them in worker threads of below-normal priority, keeps the last ones for show.

    `initializer` is called in each worker thread instead, such as one that keeps it on some processors.
    Work in worker threads must release the GIL or be short (compiled kernels, numpy, file reading).
    """

    def __init__(
        self,
        clock: Clock,
        workers: int = 2,
        kept: int = 30,
        initializer: Callable[[], None] | None = None,
    ) -> None:
        self._clock = clock
        self._kept = kept
        self._jobs: dict[int, Job] = {}
        self._next_id = 1
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(
            workers, thread_name_prefix="job", initializer=initializer or lower_thread_priority
        )

    def open(self, kind: str, title: str, unit: str = "", result_id: str = "") -> Job:
        """A job whose work the caller runs itself (a child process, a task on the engine's loop)."""
        with self._lock:
            job_id = self._next_id
            self._next_id += 1
            empty = Progress(0.0, 0.0, unit, 0.0, None)
            now_ms = self._clock.now_ms()
            status = JobStatus(job_id, kind, title, JobState.QUEUED, empty, "", now_ms, result_id=result_id)
            job = Job(status, self._clock)
            self._jobs[job_id] = job
            ended = [number for number, other in self._jobs.items() if other.status.state.ended]
            for number in ended[: max(0, len(self._jobs) - self._kept)]:
                del self._jobs[number]
            return job

    def run(
        self,
        kind: str,
        title: str,
        work: Callable[[Job], tuple[str, str]],
        unit: str = "",
        result_id: str = "",
    ) -> Job:
        """Run `work` in a worker thread; it returns (closing sentence, result id).

        `result_id`: the result that it is about, where there is one already.
        """
        job = self.open(kind, title, unit, result_id)
        self._pool.submit(self._work, job, work)
        return job

    def get(self, job_id: int) -> Job | None:
        """The job with that number, or None."""
        with self._lock:
            return self._jobs.get(job_id)

    def statuses(self) -> tuple[JobStatus, ...]:
        """All jobs still shown, newest first."""
        with self._lock:
            jobs = list(self._jobs.values())
        return tuple(job.status for job in reversed(jobs))

    def close(self) -> None:
        """Cancel everything; running work ends at its next check."""
        with self._lock:
            jobs = list(self._jobs.values())
        for job in jobs:
            job.cancel.cancel()
        self._pool.shutdown(wait=False, cancel_futures=True)

    @staticmethod
    def _work(job: Job, work: Callable[[Job], tuple[str, str]]) -> None:
        try:
            job.cancel.check()
            sentence, result_id = work(job)
        except CancelledError:
            job.end(JobState.CANCELLED, "Cancelled; what was done before stays.")
        except TradebotError as error:
            job.end(JobState.FAILED, error.sentence)
        except Exception as error:  # noqa: BLE001 - a defect of ours must end the job in words, not kill the pool
            job.end(
                JobState.FAILED, f"A defect of tradebot stopped this job ({type(error).__name__}: {error})."
            )
        else:
            job.end(JobState.DONE, sentence, result_id)
        give_back_freed_memory()


def lower_thread_priority(nice: int = _BELOW_NORMAL_NICE) -> None:
    """Let the screen's thread go first: below-normal on Windows, nice 5 on Linux; no effect where not supported.

    Work that a person waits for takes a smaller `nice`, so that it goes before what runs for long.
    """
    try:
        if sys.platform == "win32":
            kernel32 = ctypes.windll.kernel32
            kernel32.SetThreadPriority(kernel32.GetCurrentThread(), _BELOW_NORMAL_WINDOWS)
        elif sys.platform == "linux":
            # On Linux a nice value belongs to the thread, not to the process.
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), nice)
    except OSError:
        return
