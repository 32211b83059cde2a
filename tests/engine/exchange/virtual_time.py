"""An event loop on which waiting costs nothing: when all tasks sleep, time jumps to the next one that wakes."""

from __future__ import annotations

import asyncio
import selectors
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

_Result = TypeVar("_Result")
START_MS = 1_700_000_000_000


class _JumpingSelector(selectors.DefaultSelector):
    elapsed = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is None:
            return super().select(None)
        # Without a socket (one is the loop's own) and another thread nothing can come from outside: no system call.
        alone = len(self.get_map()) <= 1 and threading.active_count() == 1
        events = [] if alone else super().select(0)
        if timeout > 0 and not events:
            self.elapsed += timeout
        return events


class VirtualClock:
    """The clock of a virtual loop."""

    def __init__(self, selector: _JumpingSelector, start_ms: int) -> None:
        self._selector = selector
        self._start_ms = start_ms

    def jump(self, seconds: float) -> None:
        """Set the wall clock, as sleep and resume do; the monotonic clock stands still meanwhile."""
        self._start_ms += round(seconds * 1000)

    def leap(self, seconds: float) -> None:
        """Both clocks have gone on when everything wakes, as on Windows, whose monotonic one counts sleep too."""
        self._selector.elapsed += seconds

    def now_ms(self) -> int:
        return self._start_ms + round(self._selector.elapsed * 1000)

    def monotonic(self) -> float:
        return self._selector.elapsed

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


def run_virtual(
    main: Callable[[VirtualClock], Coroutine[Any, Any, _Result]], start_ms: int = START_MS
) -> _Result:
    """Run `main(clock)` to its end on virtual time."""
    selector = _JumpingSelector()
    loop = asyncio.SelectorEventLoop(selector)
    loop.time = lambda: selector.elapsed
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        return runner.run(main(VirtualClock(selector, start_ms)))
