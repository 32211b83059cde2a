"""Background work is kept on as many processors as the settings allow, and has no more threads than these."""

from __future__ import annotations

import ctypes
import os
import sys
import threading
from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any, TypeVar

import psutil
import pytest

from tradebot.engine.backtest import batch, many
from tradebot.engine.control.clock import ManualClock
from tradebot.engine.control.jobs import Job, JobBoard
from tradebot.engine.control.processors import (
    background_process,
    background_thread,
    background_workers,
    chosen_processors,
    usable_processors,
)
from tradebot.engine.control.progress import CancelToken

_Found = TypeVar("_Found")
ABLE = sys.platform == "linux" and (psutil.cpu_count() or 1) > 1
needs_affinity = pytest.mark.skipif(not ABLE, reason="only Linux tells where one thread may run")


def in_a_thread(work: Callable[[], _Found]) -> _Found:
    """What `work` gives in a thread of its own, whose priority and processors are nobody else's."""
    found: list[_Found] = []
    thread = threading.Thread(target=lambda: found.append(work()))
    thread.start()
    thread.join()
    return found[0]


def processors_of_this_thread() -> set[int]:
    return os.sched_getaffinity(threading.get_native_id())


def test_the_last_processors_are_taken_and_the_first_left_to_the_screen() -> None:
    assert chosen_processors((0, 1, 2, 3, 6), 2) == (3, 6)
    assert chosen_processors((0, 1), 2) == (), "all there are is no limit"
    assert chosen_processors((0, 1), 5) == ()
    assert chosen_processors((0, 1), 0) == (), "0 is no limit"


def test_no_more_threads_than_processors_are_had_and_always_one() -> None:
    assert background_workers(8, 3) == 3
    assert background_workers(2, 3) == 2
    assert background_workers(2, 0) == 2
    assert background_workers(0, 0) == 1


@needs_affinity
@pytest.mark.parametrize("begin", [background_thread, background_process])
def test_a_thread_is_kept_on_as_many_processors(begin: Callable[[int], None]) -> None:
    def kept(most: int) -> set[int]:
        begin(most)
        return processors_of_this_thread()

    usable = usable_processors()
    assert in_a_thread(lambda: kept(1)) == {usable[-1]}
    assert in_a_thread(lambda: kept(0)) == set(usable)
    assert usable_processors() == usable, "the other threads stay where they were"


@needs_affinity
def test_threads_that_a_background_thread_starts_are_kept_there_too() -> None:
    def started() -> set[int]:
        background_thread(1)
        return in_a_thread(processors_of_this_thread)

    assert len(in_a_thread(started)) == 1


@pytest.mark.skipif(sys.platform != "linux", reason="what Windows is asked, asked of a stand-in")
def test_windows_is_told_by_a_mask(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, object]] = []

    def call(name: str, answer: int) -> Any:
        def made(*given: object) -> int:
            asked.append((name, given[-1] if given else None))
            return answer

        return made

    kernel32 = SimpleNamespace(
        GetCurrentThread=call("thread", -2),
        SetThreadPriority=call("priority", 1),
        SetThreadAffinityMask=call("mask", 1),
    )
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(ctypes, "windll", SimpleNamespace(kernel32=kernel32), raising=False)
    monkeypatch.setattr(psutil.Process, "cpu_affinity", lambda _: [0, 1, 4, 5])
    background_thread(2)
    assert [value for name, value in asked if name == "priority"] == [-1]
    assert [value for name, value in asked if name == "mask"] == [0b110000], "processors 4 and 5"
    background_thread(0)
    assert len([name for name, _ in asked if name == "mask"]) == 1, "all is no limit"


@needs_affinity
def test_jobs_run_on_them() -> None:
    board = JobBoard(ManualClock(), 1, initializer=partial(background_thread, 1))
    found: list[set[int]] = []
    done = threading.Event()

    def work(_job: Job) -> tuple[str, str]:
        found.append(processors_of_this_thread())
        done.set()
        return "", ""

    board.run("backtest", "one", work)
    assert done.wait(10)
    assert found == [{usable_processors()[-1]}]
    board.close()


class Busy:
    """Counts how many runs are under way at the same time, and where."""

    def __init__(self) -> None:
        self.now = self.most = 0
        self.where: set[int] = set()
        self._lock = threading.Lock()
        self._pause = threading.Event()

    def __call__(self, number: int, *_: object) -> tuple[int, object]:
        with self._lock:
            self.now += 1
            self.most = max(self.most, self.now)
            if sys.platform == "linux":
                self.where |= processors_of_this_thread()
        self._pause.wait(0.01)
        with self._lock:
            self.now -= 1
        return number, None

    run = __call__


def test_independent_runs_and_variations_keep_to_them() -> None:
    runs, variations = Busy(), Busy()
    batch._spread(runs, 6, 4, 1, CancelToken(), lambda *_: None)  # type: ignore[arg-type]
    list(many._spread(variations, [{}] * 6, 4, 1, CancelToken()))  # type: ignore[arg-type]
    for each in (runs, variations):
        assert each.most == 1
        assert not ABLE or each.where == {usable_processors()[-1]}
