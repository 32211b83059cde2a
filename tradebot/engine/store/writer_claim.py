"""One writer for each data folder: a second program is told so and reads only.

The claim is a lock of the operating system, held as long as the claim lives and released by the system however its
program ends, so that a crash never leaves a folder closed. A small file beside it says who holds it: a locked file
cannot be read on Windows.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from filelock import FileLock, Timeout

from tradebot.engine.control.clock import Clock
from tradebot.engine.control.errors import ShortfallError
from tradebot.engine.control.files import write_atomically
from tradebot.engine.market.times import iso_minute, iso_ms, parse_time

_LOCK_NAME = ".writer.lock"
_NOTE_NAME = ".writer.json"


class FolderInUseError(ShortfallError):
    """Another program writes to the data folder. `program`, `process_id` and `since_ms` (UTC) say which, as far as
    its note could be read.
    """

    def __init__(
        self, folder: Path, program: str | None, process_id: int | None, since_ms: int | None
    ) -> None:
        self.folder = folder
        self.program = program
        self.process_id = process_id
        self.since_ms = since_ms
        who = program or "another tradebot"
        process = f" (process {process_id})" if process_id is not None else ""
        since = f" since {iso_minute(since_ms)} UTC" if since_ms is not None else ""
        super().__init__(
            f"The data folder {folder} is in use by {who}{process}{since}, and only one program may write to it; "
            "end that one first, or choose another folder with --data."
        )


class WriterClaim:
    """The right to write to one data folder, until `release` or the end of the program."""

    def __init__(self, folder: Path, lock: FileLock) -> None:
        self.folder = folder
        self._lock = lock

    def release(self) -> None:
        """Let another program write; a second call changes nothing."""
        if not self._lock.is_locked:
            return
        # Its note goes first: whoever holds the lock next writes its own.
        with suppress(OSError):  # somebody reads it just now: the next claim replaces it
            (self.folder / _NOTE_NAME).unlink(missing_ok=True)
        self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def claim_writer(folder: Path, who: str, clock: Clock) -> WriterClaim:
    """Become the one program that writes to a data folder; `who` names it for others, e.g. "tradebot collect".

    FolderInUseError where another one is; ShortfallError where the folder cannot be written at all (read-only media).
    A claim whose program died is taken over.
    """
    lock = FileLock(folder / _LOCK_NAME, thread_local=False)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except Timeout:
        raise FolderInUseError(folder, *_holder(folder)) from None
    except OSError as error:
        raise ShortfallError(
            f"Nothing can be written in {folder} ({(error.strerror or 'refused').lower()}), so its data can only be "
            "read; allow writing there or choose another folder with --data."
        ) from None
    note = {"program": who, "process": os.getpid(), "since": iso_ms(clock.now_ms())}
    with suppress(OSError):  # only what others are told hangs on it
        write_atomically(folder / _NOTE_NAME, json.dumps(note) + "\n")
    return WriterClaim(folder, lock)


def may_have_writer(folder: Path) -> bool:
    """Whether a program has said that it writes to the folder, and not that it has ended; it may have died since."""
    return (folder / _NOTE_NAME).exists()


def _holder(folder: Path) -> tuple[str | None, int | None, int | None]:
    """Program, process and start of who holds the folder, as far as its note says."""
    try:
        note = json.loads((folder / _NOTE_NAME).read_bytes())
        return str(note["program"]), int(note["process"]), parse_time(str(note["since"]), 0)
    except (OSError, ValueError, KeyError, TypeError):
        return None, None, None
