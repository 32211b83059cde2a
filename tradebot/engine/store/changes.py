"""Edits by hand while we run: which changes of a table were ours, and a sentence for each that was not.

Our own appends only make a file longer, whichever of our processes wrote them: what stood at its end stands there
still. Before one of our processes replaces a file, it notes the new file's state beside the cache. Any other change is
another program's.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tradebot.engine.market.times import iso_minute
from tradebot.engine.store.layout import FileStamp, stamp_of

_GUARD_BYTES = 160
_TAIL_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Mark:
    """A state of a table: its stamp, the bytes before `place`, which is the end of its last line, and its last time."""

    stamp: FileStamp
    place: int
    guard: bytes
    last_ms: int

    def grew_to(self, path: Path, stamp: FileStamp) -> bool:
        """Whether the table still holds what it held at its end, and more."""
        if stamp.size <= self.stamp.size or not self.guard:
            return False
        with path.open("rb") as file:
            file.seek(self.place - len(self.guard))
            return file.read(len(self.guard)) == self.guard


def mark_of(path: Path, stamp: FileStamp) -> Mark:
    """The present state of a table; FileNotFoundError."""
    with path.open("rb") as file:
        start = max(0, stamp.size - _TAIL_BYTES)
        file.seek(start)
        tail = file.read(stamp.size - start)
    whole = tail[: tail.rfind(b"\n") + 1]
    time = whole.removesuffix(b"\n").rpartition(b"\n")[2].partition(b",")[0]
    last_ms = int(time) if time.isdigit() and len(time) <= 13 else -1
    return Mark(stamp, start + len(whole), whole[-_GUARD_BYTES:], last_ms)


class Changes:
    """The states of tables as we know them; hold the folder's lock where others may write."""

    def __init__(self) -> None:
        self._known: dict[Path, Mark] = {}

    def is_new(self, path: Path, stamp: FileStamp | None) -> bool:
        """Whether the table is known in another state than this."""
        known = self._known.get(path)
        return known is not None and known.stamp != stamp

    def knows(self, path: Path) -> bool:
        """Whether the table was looked at before."""
        return path in self._known

    def paths(self) -> set[Path]:
        """Every table that was looked at."""
        return set(self._known)

    def appended(self, path: Path, stamp: FileStamp, text: bytes, last_ms: int) -> None:
        """We added complete lines to the end of the table."""
        self._known[path] = Mark(stamp, stamp.size, text[-_GUARD_BYTES:], last_ms)

    def written(self, path: Path) -> None:
        """We wrote the table as a whole, or mended it."""
        stamp = stamp_of(path)
        if stamp is None:
            self._known.pop(path, None)
        else:
            self._known[path] = mark_of(path, stamp)

    def look(self, path: Path) -> str | None:
        """Note the present state; a sentence where another program brought it about."""
        known, stamp = self._known.get(path), stamp_of(path)
        if stamp is None:
            if self._known.pop(path, None) is None:
                return None
            return (
                f"{path} was deleted by another program while tradebot was running; new bars begin a new file, and "
                "`tradebot collect` fetches the others again."
            )
        if known is not None and known.stamp == stamp:
            return None
        now = self._known[path] = mark_of(path, stamp)
        if known is None or known.grew_to(path, stamp):
            return None
        noted = _noted(path)
        if noted is not None and (noted.stamp == stamp or noted.grew_to(path, stamp)):
            return None
        if now.last_ms < known.last_ms:
            ends = f"at {iso_minute(now.last_ms)}" if now.last_ms >= 0 else "without a row"
            return (
                f"{path} was changed by another program and ends {ends} now, no longer at "
                f"{iso_minute(known.last_ms)} UTC; it is read anew, and what is missing between stays missing until it "
                "is collected again."
            )
        return f"{path} was changed by another program; it is read anew, and new rows go after its last one."

    @staticmethod
    def announce(path: Path, new: Path) -> None:
        """Note that one of us is about to put file `new` in the table's place, for our other processes."""
        with suppress(OSError):  # at worst they say that another program changed it
            mark = mark_of(new, FileStamp.of(new.stat()))
            note = _note_of(path)
            note.parent.mkdir(parents=True, exist_ok=True)
            content = [mark.stamp.size, mark.stamp.mtime_ns, mark.place, mark.guard.hex(), mark.last_ms]
            note.write_text(json.dumps(content), encoding="utf-8")


def _note_of(path: Path) -> Path:
    return path.parent / ".cache" / f"{path.name.removesuffix('.csv')}.written"


def _noted(path: Path) -> Mark | None:
    try:
        size, mtime_ns, place, guard, last_ms = json.loads(_note_of(path).read_bytes())
        return Mark(FileStamp(size, mtime_ns), place, bytes.fromhex(guard), last_ms)
    except (OSError, ValueError, TypeError):
        return None  # none was written, or a kill cut it short
