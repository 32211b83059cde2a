"""One thread that does all writing, in the order it was asked to."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

_Result = TypeVar("_Result")


class StoreThread:
    """Runs store calls one after the other away from the event loop.

    A call that was handed in is carried out even when the task that waits for it is cancelled, so what was fetched
    and handed in is kept.
    """

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store-writer")

    def submit(self, work: Callable[[], _Result]) -> asyncio.Future[_Result]:
        """Queue a call; await the future for its result and for back-pressure."""
        return asyncio.get_running_loop().run_in_executor(self._pool, work)

    async def call(self, work: Callable[[], _Result]) -> _Result:
        """Queue a call and wait for it; it is carried out even when the waiting is cancelled."""
        future = self.submit(work)
        # Nobody hears of a refusal whose waiter was cancelled: the run ends with the first one.
        future.add_done_callback(lambda done: done.cancelled() or done.exception())
        return await asyncio.shield(future)

    async def drain(self) -> None:
        """Wait until everything that was queued is done."""
        await self.call(lambda: None)

    def close(self) -> None:
        """Let the thread end after everything that was queued; waits for nothing."""
        self._pool.shutdown(wait=False)
