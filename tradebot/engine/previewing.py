"""The live preview: one strategy at a time tested in a thread of its own, the newest request first.

A newer request ends the one under way at its next node or piece of the simulation. A plug-in that never comes back is
interrupted, named with its line, and the preview lives on.
"""

from __future__ import annotations

import ctypes
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path

from tradebot.engine.control.allocator import give_back_freed_memory
from tradebot.engine.control.clock import Clock
from tradebot.engine.control.errors import CancelledError, TradebotError
from tradebot.engine.control.jobs import lower_thread_priority
from tradebot.engine.control.progress import CancelToken
from tradebot.engine.messages import Preview, PreviewProgress, PreviewView

PATIENCE_S = 20.0
"""How long one node may take before it counts as endless."""
GRACE_S = 2.0
"""How long a run that is not wanted any more may go on before it is interrupted."""
IDLE_S = 180.0
"""How long what previews keep in memory is kept after the last one."""
_LAST_GRACE_S = 5.0
_REST_S = 3.0
"""After so long without a request what a run has freed goes back to the system."""
_NICE = 1  # after the screen, before collections and backtests

Answer = Callable[[Preview, CancelToken, Callable[[float, str], None]], PreviewView]
"""Carries out one request: told whether it is still wanted, and tells how far it is."""


class _Interrupted(BaseException):
    """Raised inside the worker's thread from outside. No Exception, so that a plug-in's own handlers let it pass."""


@dataclass(eq=False)
class _Task:
    command: Preview
    reply: Future[PreviewView]
    beat: float
    cancel: CancelToken = field(default_factory=CancelToken)
    share: float = 0.0
    note: str = ""
    thread: int = 0
    unwanted_since: float | None = None
    interrupted_at: float | None = None

    def settle(self, view: PreviewView) -> None:
        """Answer, where that was not done before."""
        if not self.reply.done():
            self.reply.set_result(view)


class Previewing:
    """Takes requests from any thread; `look` is to be called a few times a second while the engine runs.

    `plugins` is the folder of the files that are named where they hang; `forget` lets go of what is kept in memory.
    """

    def __init__(
        self,
        answer: Answer,
        clock: Clock,
        plugins: Path | None = None,
        forget: Callable[[], None] | None = None,
    ) -> None:
        self._answer = answer
        self._forget = forget
        self._used_at: float | None = None
        self._clock = clock
        self._plugins = plugins
        self._changed = threading.Condition()
        self._next: _Task | None = None
        self._now: _Task | None = None
        self._worker: threading.Thread | None = None
        self._closed = False

    def submit(self, command: Preview) -> Future[PreviewView]:
        """Test the strategy of `command` as soon as possible; the ones before it are given up."""
        task = _Task(command, Future(), self._clock.monotonic())
        with self._changed:
            if self._closed:
                task.settle(PreviewView(command.generation, "superseded"))
                return task.reply
            for older in (self._next, self._now):
                if older is not None:
                    self._give_up(older)
            self._next, self._used_at = task, self._clock.monotonic()
            if self._worker is None:
                self._start_worker()
            self._changed.notify_all()
        return task.reply

    def look(self) -> PreviewProgress:
        """How far the run under way is. One that takes no notice of anything is interrupted here."""
        with self._changed:
            task = self._now
            now = self._clock.monotonic()
            if task is None:
                if self._used_at is not None and now - self._used_at > IDLE_S:
                    self._used_at = None
                    if self._forget is not None:
                        self._forget()
                        self._changed.notify_all()  # for the worker to give it back
                return PreviewProgress()
            if task.interrupted_at is not None:
                if now - task.interrupted_at > _LAST_GRACE_S:
                    self._abandon(task)
            elif task.unwanted_since is not None and now - task.unwanted_since > GRACE_S:
                self._interrupt(task, now)
            elif now - task.beat > PATIENCE_S:
                task.settle(PreviewView(task.command.generation, "failed", self._blame(task)))
                self._interrupt(task, now)
            return PreviewProgress(task.command.generation, task.share, task.note)

    @property
    def waiting(self) -> int:
        """How many requests wait for their turn: the newest, or none."""
        return 0 if self._next is None else 1

    def close(self) -> None:
        """End the run under way and the thread; what was asked for is answered as superseded."""
        with self._changed:
            self._closed = True
            for task in (self._next, self._now):
                if task is not None:
                    self._give_up(task)
            self._next = None
            self._changed.notify_all()

    def _give_up(self, task: _Task) -> None:
        task.cancel.cancel()
        if task.unwanted_since is None:
            task.unwanted_since = self._clock.monotonic()
        task.settle(PreviewView(task.command.generation, "superseded"))

    # ------------------------------------------------------------------------------------------ the worker

    def _start_worker(self) -> None:
        self._worker = threading.Thread(target=self._work, name="preview", daemon=True)
        self._worker.start()

    def _work(self) -> None:
        lower_thread_priority(_NICE)
        while True:
            try:
                task = self._take()
                if task is None:
                    return
                self._carry_out(task)
            except _Interrupted:
                continue  # it may arrive a moment after the run it was meant for has ended

    def _take(self) -> _Task | None:
        rested = False
        with self._changed:
            while self._next is None:
                if self._closed or self._worker is not threading.current_thread():
                    return None
                rested = not self._changed.wait(None if rested else _REST_S)
                if rested and self._next is None:
                    give_back_freed_memory()
            task, self._next = self._next, None
            task.thread, task.beat = threading.get_ident(), self._clock.monotonic()
            self._now = task
            return task

    def _carry_out(self, task: _Task) -> None:
        def tell(share: float, note: str) -> None:
            task.share, task.note, task.beat = share, note, self._clock.monotonic()

        generation = task.command.generation
        try:
            view = self._answer(task.command, task.cancel, tell)
        except CancelledError:
            view = PreviewView(generation, "superseded")
        except TradebotError as error:
            view = PreviewView(generation, "failed", error.sentence)
        except _Interrupted:
            view = PreviewView(generation, "superseded")
        except Exception as error:  # noqa: BLE001 - a plug-in may raise anything; the preview lives on
            view = PreviewView(generation, "failed", self._failure(error))
        finally:
            with self._changed:
                if self._now is task:
                    self._now = None
        task.settle(view)

    # ------------------------------------------------------------------------------------------ what hangs

    def _interrupt(self, task: _Task, now: float) -> None:
        """Raise an exception inside the worker's thread; it arrives with the next instruction of Python."""
        task.interrupted_at = now
        task.cancel.cancel()
        ctypes.pythonapi.PyThreadState_SetAsyncExc(
            ctypes.c_ulong(task.thread), ctypes.py_object(_Interrupted)
        )

    def _abandon(self, task: _Task) -> None:
        """Leave a thread alone that cannot be interrupted, and go on with another."""
        task.settle(PreviewView(task.command.generation, "superseded"))
        self._now = None
        self._start_worker()

    def _blame(self, task: _Task) -> str:
        where = self._place(task.thread)
        what = f"{where} has" if where else "An indicator or signal has"
        return (
            f"{what} been computing for {PATIENCE_S:.0f} s without an end and was stopped; mend it, or take it out of "
            "the strategy."
        )

    def _place(self, thread: int) -> str:
        """The innermost line of a plug-in that a thread is in, "" where it is in none."""
        frame = sys._current_frames().get(thread)
        while frame is not None:
            path = Path(frame.f_code.co_filename)
            if self._plugins is not None and path.parent == self._plugins:
                return f"The plug-in {path.name}, line {frame.f_lineno},"
            frame = frame.f_back
        return ""

    def _failure(self, error: Exception) -> str:
        """What went wrong, with the plug-in's line where it was one's."""
        said = f"{type(error).__name__}: {error}".rstrip(": .")
        step = error.__traceback__
        place = ""
        while step is not None:
            path = Path(step.tb_frame.f_code.co_filename)
            if self._plugins is not None and path.parent == self._plugins:
                place = f"The plug-in {path.name}, line {step.tb_lineno}, failed with {said}."
            step = step.tb_next
        return place or f"A defect of tradebot stopped the preview ({said}); the backtest may say more."
