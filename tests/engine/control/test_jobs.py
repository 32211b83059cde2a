"""Jobs end with a sentence whatever happens, and stop when they are cancelled."""

from __future__ import annotations

import threading
import time

from tradebot.engine.control.clock import SystemClock
from tradebot.engine.control.errors import InputError
from tradebot.engine.control.jobs import Job, JobBoard, JobState
from tradebot.engine.control.progress import Progress


def wait_for_end(job: Job) -> None:
    deadline = time.monotonic() + 10
    while not job.status.state.ended:
        assert time.monotonic() < deadline, "the job did not end"
        time.sleep(0.002)


def test_a_job_reports_progress_and_ends_with_its_result() -> None:
    board = JobBoard(SystemClock())

    def work(job: Job) -> tuple[str, str]:
        job.report(Progress(5, 10, "bars", 1.0, 5.0))
        return "Ten bars tested.", "run-1"

    job = board.run("backtest", "test", work)
    wait_for_end(job)
    status = job.status
    assert (status.state, status.sentence, status.result_id) == (JobState.DONE, "Ten bars tested.", "run-1")
    assert status.progress.done == 5
    assert board.statuses()[0] == status
    board.close()


def test_a_refusal_is_the_jobs_sentence_and_a_defect_is_named_as_ours() -> None:
    board = JobBoard(SystemClock())

    def refuse(_job: Job) -> tuple[str, str]:
        raise InputError("There is no such symbol.")

    def break_down(_job: Job) -> tuple[str, str]:
        raise KeyError("oops")

    refused, broken = board.run("a", "a", refuse), board.run("b", "b", break_down)
    wait_for_end(refused)
    wait_for_end(broken)
    assert (refused.status.state, refused.status.sentence) == (JobState.FAILED, "There is no such symbol.")
    assert broken.status.state is JobState.FAILED
    assert "defect of tradebot" in broken.status.sentence
    board.close()


def test_a_cancelled_job_stops_at_its_next_check() -> None:
    board = JobBoard(SystemClock())
    running = threading.Event()

    def work(job: Job) -> tuple[str, str]:
        running.set()
        while True:
            job.cancel.check()
            time.sleep(0.001)

    job = board.run("backtest", "endless", work)
    assert running.wait(5)
    job.cancel.cancel()
    wait_for_end(job)
    assert job.status.state is JobState.CANCELLED
    board.close()


def test_ended_jobs_are_forgotten_beyond_the_number_kept_but_running_ones_never() -> None:
    board = JobBoard(SystemClock(), kept=3)
    running = board.open("follow", "live")
    for number in range(6):
        board.open("collect", str(number)).end(JobState.DONE, "done")
    assert len(board.statuses()) <= 4
    assert board.get(running.status.job_id) is running
    board.close()
