"""The two files that may stand beside a table, the journal of waiting rows and the quarantine of refused text; and
the sentence for a file that cannot be written.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from io import FileIO
from pathlib import Path

from tradebot.engine.control.errors import InputError, ShortfallError
from tradebot.engine.control.files import write_atomically
from tradebot.engine.store.layout import FileStamp, journal_of, quarantine_of, stamp_of
from tradebot.engine.store.lines import NO_LINES, IrregularLineError, Lines

_BLOCK_BYTES = 65_536


@dataclass(frozen=True, slots=True, eq=False)
class Journal:
    """Rows that wait in a journal, rising and unique, and the state of the journal they were read from."""

    lines: Lines
    stamp: FileStamp | None


def read_journal(path: Path) -> Journal:
    """The journal of table `path`; a torn last line is passed over."""
    journal = journal_of(path)
    stamp = stamp_of(journal)
    if stamp is None:
        return Journal(NO_LINES, None)
    data = journal.read_bytes()
    try:
        lines = Lines.of_text(data[: data.rfind(b"\n") + 1])
    except IrregularLineError:
        raise InputError(
            f"{journal} does not hold rows of {path.name}, expected lines that begin with a timestamp; "
            "correct or delete it."
        ) from None
    return Journal(lines.sorted_unique(), stamp)


def append_lines(file: Path, text: bytes, known: FileStamp | None, fsync: bool) -> FileStamp:
    """Add complete lines to a side file in one write, after cutting off a torn last line; returns its state.

    `known` is the state an earlier call left, which needs no look at its end.
    """
    with file.open("a+b", buffering=0) as handle:
        status = FileStamp.of(os.fstat(handle.fileno()))
        if status.size and status != known:
            whole = _whole_bytes(handle, status.size)
            if whole < status.size:
                handle.truncate(whole)
        written = handle.write(text)
        while written < len(text):
            written += handle.write(text[written:])
        if fsync:
            os.fsync(handle.fileno())
    # After closing: on Windows an open file may not tell its last time of writing yet.
    return stamp_of(file) or FileStamp(0, 0)


def _whole_bytes(handle: FileIO, size: int) -> int:
    """Bytes up to the end of the last complete line, found from the end."""
    end = size
    while end:
        start = max(0, end - _BLOCK_BYTES)
        handle.seek(start)
        place = (handle.read(end - start) or b"").rfind(b"\n")
        if place >= 0:
            return start + place + 1
        end = start
    return 0


def clear_journal(path: Path, read: Journal) -> None:
    """Delete the journal unless rows were added since it was read; those are written next time."""
    journal = journal_of(path)
    if read.stamp is None or stamp_of(journal) != read.stamp:
        return
    try:
        journal.unlink()
    except PermissionError:
        return  # its rows are in the table now and are passed over next time


def add_to_quarantine(path: Path, why: str, text: bytes) -> None:
    """Keep text that was taken out of, or not let into, table `path`."""
    with quarantine_of(path).open("ab") as file:
        file.write(f"# {why}\n".encode() + text.rstrip(b"\r\n") + b"\n")


def not_written(path: Path, error: OSError) -> ShortfallError:
    """The sentence for a file that the system refused to write."""
    reason = (error.strerror or type(error).__name__).lower()
    return ShortfallError(
        f"{path} could not be written ({reason}) and stays as it was; free some space, close the program that has it "
        "open or allow writing there, then try again: nothing stored before is lost."
    )


def write_whole(path: Path, content: str) -> None:
    """Replace a small file in one step; ShortfallError with a sentence where the system refuses."""
    try:
        write_atomically(path, content)
    except OSError as error:
        raise not_written(path, error) from None
