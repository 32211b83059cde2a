"""What an append needs to know of each table: its state and its last row; and the repair of ends that are not whole."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tradebot.engine.control.errors import InputError
from tradebot.engine.control.files import replace_patiently
from tradebot.engine.store.changes import Changes
from tradebot.engine.store.layout import FileStamp, TableKind, quarantine_of, stamp_of
from tradebot.engine.store.notices import Notices
from tradebot.engine.store.parsing import split_table
from tradebot.engine.store.replacing import build_beside
from tradebot.engine.store.rows import form_problem
from tradebot.engine.store.side_files import add_to_quarantine

_TAIL_BYTES = 4096
NOTHING = FileStamp(0, 0)


@dataclass(frozen=True, slots=True)
class Tail:
    """A table's state and the time of its last row (-1 without rows)."""

    stamp: FileStamp
    last_ms: int


class Tails:
    """The tails of the tables of one folder; hold the folder's lock around every call."""

    def __init__(self, notices: Notices) -> None:
        self._notices = notices
        self._known: dict[Path, Tail] = {}
        self._changes = Changes()

    def known(self, path: Path) -> Tail | None:
        """The tail as it was last seen or left by us."""
        return self._known.get(path)

    def appended(self, path: Path, tail: Tail, text: bytes) -> None:
        """We added complete lines to the table, and left it so."""
        self._known[path] = tail
        self._changes.appended(path, tail.stamp, text, tail.last_ms)

    def put_in_place(self, path: Path, temporary: Path) -> None:
        """Replace the table by a finished file."""
        self._changes.announce(path, temporary)
        replace_patiently(temporary, path)
        self._known.pop(path, None)
        self._changes.written(path)

    def is_new(self, path: Path, stamp: FileStamp | None) -> bool:
        """Whether the table is in another state than the one last seen or left; False where it never was."""
        return self._changes.is_new(path, stamp)

    def known_paths(self) -> set[Path]:
        """Every table that was looked at."""
        return self._changes.paths()

    def is_known(self, path: Path) -> bool:
        """Whether the table was looked at before."""
        return self._changes.knows(path)

    def look(self, path: Path) -> None:
        """Say so where another program changed the table since it was last seen or left."""
        sentence = self._changes.look(path)
        if sentence is not None:
            self._notices.add(sentence)

    def tail(self, path: Path, kind: TableKind) -> Tail:
        """State and last time of the table, after repairing a torn end and tidying line ends.

        InputError where the last line or the header is not the contract's.
        """
        stamp = stamp_of(path)
        known = self._known.get(path)
        if known is not None and known.stamp == stamp:
            return known
        self.look(path)
        if stamp is None:
            self._known.pop(path, None)
            return Tail(NOTHING, -1)
        with path.open("rb") as file:
            head = file.read(len(kind.header))
            file.seek(max(0, stamp.size - _TAIL_BYTES))
            end = file.read()
        if end and not end.endswith(b"\n"):
            self._cut_torn_end(path)
            return self.tail(path, kind)
        if stamp.size and (head != kind.header or end.endswith(b"\r\n")):
            self._tidy(path, kind)
            return self.tail(path, kind)
        tail = Tail(stamp, _last_time(path, kind, end) if stamp.size > len(kind.header) else -1)
        self._known[path] = tail
        return tail

    def _cut_torn_end(self, path: Path) -> None:
        with path.open("r+b") as file:
            data = file.read()
            whole = data.rfind(b"\n") + 1
            torn = data[whole:]
            add_to_quarantine(path, f"the torn last line of {path.name}", torn)
            file.truncate(whole)
        self._changes.written(path)
        self._notices.add(
            f"{path} ended in half a line, as a kill or a power cut leaves it; the {len(torn)} characters were "
            f"moved to {quarantine_of(path).name} and the file is whole again."
        )

    def _tidy(self, path: Path, kind: TableKind) -> None:
        text = split_table(path.read_bytes(), path, kind)
        temporary = build_beside(path, (kind.header, text.body))
        try:
            self.put_in_place(path, temporary)
        finally:
            temporary.unlink(missing_ok=True)
        self._notices.add(
            f"{path} had Windows line ends or a byte order mark, as an editor leaves them; "
            "it was rewritten with plain line ends."
        )


def _last_time(path: Path, kind: TableKind, end: bytes) -> int:
    line = end.removesuffix(b"\n").rpartition(b"\n")[2]
    fields = line.decode("utf-8", "replace").split(",")
    problem = form_problem(fields, kind)
    if problem:
        number = path.read_bytes().count(b"\n")
        raise InputError(f"{path}, line {number}: {problem}; correct or delete that line.")
    return int(fields[0])
