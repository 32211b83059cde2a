"""A terminal window that is closed, or a session that is logged off, ends the app as quitting does."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
import threading
from collections.abc import Callable, Iterator

__all__ = ["ends_when_closed"]

_WINDOWS_EVENTS = frozenset({2, 5, 6})
"""CTRL_CLOSE_EVENT, CTRL_LOGOFF_EVENT and CTRL_SHUTDOWN_EVENT of the console."""
_WINDOWS_SECONDS = 4.5
"""Windows ends a program five seconds after it has told it of the end, or as soon as the handler returns."""


@contextlib.contextmanager
def ends_when_closed(leave: Callable[[], None]) -> Iterator[None]:
    """Call `leave` on the running loop when the window is closed or the program is asked to end (SIGTERM).

    On Windows the end is put off until the block is left, for 4.5 seconds at most.
    """
    loop = asyncio.get_running_loop()
    if sys.platform == "win32":
        with _console_handler(lambda: loop.call_soon_threadsafe(leave)):
            yield
        return
    signals = (signal.SIGHUP, signal.SIGTERM)
    for each in signals:
        loop.add_signal_handler(each, leave)
    try:
        yield
    finally:
        for each in signals:
            loop.remove_signal_handler(each)


if sys.platform == "win32":

    @contextlib.contextmanager
    def _console_handler(tell: Callable[[], object]) -> Iterator[None]:
        import ctypes
        from ctypes import wintypes

        ended = threading.Event()

        def handle(event: int) -> bool:
            if event not in _WINDOWS_EVENTS:
                return False
            with contextlib.suppress(RuntimeError):  # the loop is closed: the end is there already
                tell()
                ended.wait(_WINDOWS_SECONDS)
            return True

        # The system keeps only the address: the object must live as long as it is registered.
        handler = ctypes.WINFUNCTYPE(wintypes.BOOL, wintypes.DWORD)(handle)
        kernel = ctypes.WinDLL("kernel32")
        kernel.SetConsoleCtrlHandler(handler, True)
        try:
            yield
        finally:
            kernel.SetConsoleCtrlHandler(handler, False)
            ended.set()
