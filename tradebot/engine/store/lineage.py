"""Which growth of a file was our own: then what was read before it needs no second look."""

from __future__ import annotations

import threading
from pathlib import Path

from tradebot.engine.store.layout import FileStamp


class Lineage:
    """For each file the state that was read and the state our own appends since then led to."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[Path, tuple[FileStamp, FileStamp]] = {}

    def read(self, path: Path, stamp: FileStamp) -> None:
        """The file was read, or written as a whole, in this state."""
        with self._lock:
            self._known[path] = (stamp, stamp)

    def appended(self, path: Path, before: FileStamp, after: FileStamp) -> None:
        """We appended to the file and nobody else touched it meanwhile."""
        with self._lock:
            known = self._known.get(path)
            base = known[0] if known and known[1] == before else before
            self._known[path] = (base, after)

    def trusts(self, path: Path, base: FileStamp, current: FileStamp) -> bool:
        """Whether only our own appends lie between these two states."""
        with self._lock:
            return self._known.get(path) == (base, current)
