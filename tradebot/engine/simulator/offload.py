"""Where long computations run: on a thread beside the stream, or on the spot where time is virtual."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol, TypeVar

_Result = TypeVar("_Result")


class Offload(Protocol):
    """Runs a computation and gives its result."""

    async def __call__(self, work: Callable[[], _Result], /) -> _Result:
        """The result of `work()`; what it raises is raised here."""
        ...


async def in_thread(work: Callable[[], _Result], /) -> _Result:
    """Compute on a thread of the loop's pool, so that the stream does not stutter meanwhile."""
    return await asyncio.to_thread(work)


async def inline(work: Callable[[], _Result], /) -> _Result:
    """Compute here and now: on a virtual-time loop a thread would make the order of events a matter of luck."""
    return work()
