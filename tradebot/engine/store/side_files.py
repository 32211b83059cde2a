"""The two files that may stand beside a table, the journal of waiting rows and the quarantine of refused text; and
the sentence for a file that cannot be written.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from tradebot.engine.control.errors import InputError, ShortfallError
from tradebot.engine.control.files import write_atomically
from tradebot.engine.store.layout import FileStamp, journal_of, quarantine_of, stamp_of
from tradebot.engine.store.lines import NO_LINES, IrregularLineError, Lines


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


def append_to_journal(path: Path, text: bytes, fsync: bool) -> None:
    """Add lines to the journal of table `path`, after cutting off a torn last line."""
    with journal_of(path).open("a+b", buffering=0) as file:
        size = file.seek(0, os.SEEK_END)
        if size:
            file.seek(0)
            whole = file.read().rfind(b"\n") + 1
            if whole < size:
                file.truncate(whole)
        file.write(text)
        if fsync:
            os.fsync(file.fileno())


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
