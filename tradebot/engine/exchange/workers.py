"""Worker threads for blocking calls that may hang: daemons, so that quitting never waits for the network."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from typing import Any, TypeVar

_Result = TypeVar("_Result")
_Job = tuple[Callable[[], Any], asyncio.AbstractEventLoop, "asyncio.Future[Any]"]


class DaemonWorkers:
    """A pool of at most `size` threads, started as they are needed.

    The interpreter's own pool joins its threads at exit: a request that hangs would keep the program open for as
    long as its timeout.
    """

    def __init__(self, size: int, name: str) -> None:
        self._size = size
        self._name = name
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._idle = 0  # threads without work, less jobs that wait for a thread
        self._lock = threading.Lock()
        self._closed = False

    async def run(self, work: Callable[[], _Result]) -> _Result:
        """Run `work` on a thread and wait for its result; cancelling stops the waiting, not the call."""
        if self._closed:
            raise RuntimeError(f"the worker threads {self._name} are closed")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[_Result] = loop.create_future()
        with self._lock:
            if self._idle <= 0 and len(self._threads) < self._size:
                thread = threading.Thread(
                    target=self._serve, name=f"{self._name}-{len(self._threads)}", daemon=True
                )
                self._threads.append(thread)
                thread.start()
            else:
                self._idle -= 1
        self._jobs.put((work, loop, future))
        return await future

    def _serve(self) -> None:
        while (job := self._jobs.get()) is not None:
            work, loop, future = job
            if not future.cancelled():
                _finish(work, loop, future)
            with self._lock:
                self._idle += 1

    def close(self) -> None:
        """Let the threads end after what they are doing; waits for nothing."""
        self._closed = True
        for _ in self._threads:
            self._jobs.put(None)


def _finish(work: Callable[[], Any], loop: asyncio.AbstractEventLoop, future: asyncio.Future[Any]) -> None:
    result: Any = None
    error: BaseException | None = None
    try:
        result = work()
    except BaseException as raised:  # noqa: BLE001 - handed to whoever waits for the result
        error = raised

    def settle() -> None:
        if future.cancelled():
            return
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)

    try:
        loop.call_soon_threadsafe(settle)
    except RuntimeError:
        return  # the loop was closed while the call was under way: nobody waits any more
