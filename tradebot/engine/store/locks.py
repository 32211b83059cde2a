"""The short lock around every write to a data folder, between threads and between processes.

It is held for the microseconds of an append or the swap of a finished file, never while a file is read or built,
so that a collecting child process and the app may both write.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from tradebot.engine.control.errors import ShortfallError

_WAIT_SECONDS = 30.0
_POLL_SECONDS = 0.002


class FolderLock:
    """Re-entrant within a thread. `with lock.held(): ...`"""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._threads = threading.RLock()
        self._processes = FileLock(path, thread_local=False)
        self._depth = 0

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the lock; ShortfallError when another process keeps it for half a minute."""
        with self._threads:
            if self._depth == 0:
                self._acquire()
            self._depth += 1
            try:
                yield
            finally:
                self._depth -= 1
                if self._depth == 0:
                    self._processes.release()

    def _acquire(self) -> None:
        try:
            if not self._path.parent.is_dir():
                self._path.parent.mkdir(parents=True, exist_ok=True)
            self._processes.acquire(timeout=_WAIT_SECONDS, poll_interval=_POLL_SECONDS)
        except Timeout:
            raise ShortfallError(
                f"{self._path.parent} has been locked by another tradebot for {_WAIT_SECONDS:.0f} s and nothing "
                f"was written; end that process, or delete {self._path} if none is running."
            ) from None
        except OSError as error:
            raise ShortfallError(
                f"Nothing can be written in {self._path.parent} ({(error.strerror or 'refused').lower()}); "
                "allow writing there or choose another folder with --data."
            ) from None
