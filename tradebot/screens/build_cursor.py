"""Where the cursor is in the lines of a form, and where it goes. No widgets here."""

from __future__ import annotations

from collections.abc import Sequence

from tradebot.screens.build_lines import FormCell, FormLine, LineKind

__all__ = ["HEAD", "FormCursor"]

HEAD = -1
"""The place of a line's head; its cells are counted from 0."""


class FormCursor:
    """A line of the form and a place on it. Walking keeps to the column it came from."""

    def __init__(self) -> None:
        self.lines: tuple[FormLine, ...] = ()
        self.at = 0
        self.place = HEAD
        self._goal = 0

    @property
    def line(self) -> FormLine | None:
        """The line under the cursor."""
        return self.lines[self.at] if self.at < len(self.lines) else None

    @property
    def cell(self) -> FormCell | None:
        """The cell under the cursor; None on the head of a line."""
        cells = self.line.cells if self.line is not None else ()
        return cells[self.place] if 0 <= self.place < len(cells) else None

    # ------------------------------------------------------------------------------------------ staying

    def show(self, lines: Sequence[FormLine]) -> None:
        """Take other lines and stay: on the same value of the same line, on that value, that line, or near by."""
        line, cell, at = self.line, self.cell, self.at
        self.lines = tuple(lines)
        key = line.key if line is not None else ""
        if cell is not None and self._stay_on(cell.field.path, key):
            return
        for number, other in enumerate(self.lines):
            if other.key == key and other.stops:
                self.at, self.place = number, HEAD if other.head else 0
                return
        self.at = self.nearest(min(at, len(self.lines) - 1))
        self.place = HEAD if self.line is None or self.line.head else 0

    def _stay_on(self, path: str, key: str) -> bool:
        for number, line in sorted(enumerate(self.lines), key=lambda each: each[1].key != key):
            paths = [cell.field.path for cell in line.cells]
            if path in paths:
                self.at, self.place = number, paths.index(path)
                return True
        return False

    def nearest(self, at: int) -> int:
        """The line at or above one that the cursor can be on, or else the first below it."""
        order = (*range(at, -1, -1), *range(at + 1, len(self.lines)))
        return next((n for n in order if 0 <= n < len(self.lines) and self.lines[n].stops), 0)

    # ------------------------------------------------------------------------------------------ finding

    def find(self, path: str) -> tuple[int, int] | None:
        """Line and place of a field's path, or of the node, rule or section nearest above it; None where none fits."""
        best, found = 0, None
        for number, line in enumerate(self.lines):
            stops = [(cell.field.path, place) for place, cell in enumerate(line.cells)]
            stops += [(own, HEAD) for own in _names(line) if line.head]
            for own, place in stops:
                if own == path:
                    return number, place
                if path.startswith(f"{own}.") and len(own) > best:
                    best, found = len(own), (number, place)
        return found

    def find_key(self, key: str) -> int | None:
        """The number of the line of a key."""
        return next((number for number, line in enumerate(self.lines) if line.key == key), None)

    # ------------------------------------------------------------------------------------------ going

    def go(self, at: int, place: int = HEAD) -> None:
        """To a line and place, or as near as there is one."""
        if not self.lines:
            return
        self.at = min(max(at, 0), len(self.lines) - 1)
        line = self.lines[self.at]
        self.place = min(max(place, HEAD if line.head else 0), len(line.cells) - 1)
        if self.cell is not None:
            self._goal = self.cell.start

    def above(self, step: int) -> tuple[int, int] | None:
        """The place above (-1) or below (1): the head of a line, else its cell nearest to where the cursor was."""
        at = self.at + step
        while 0 <= at < len(self.lines) and not self.lines[at].stops:
            at += step
        if not 0 <= at < len(self.lines):
            return None
        line = self.lines[at]
        if line.head:
            return at, HEAD
        return at, min(range(len(line.cells)), key=lambda n: abs(line.cells[n].start - self._goal))

    def walk(self, step: int) -> bool:
        """To the line above or below; False where there is none."""
        found = self.above(step)
        if found is None:
            return False
        goal = self._goal
        self.go(*found)
        self._goal = goal
        return True

    def aside(self, step: int) -> None:
        """To the place on the left or right, also where the line goes on in the next one."""
        line, place = self.line, self.place + step
        if line is None:
            return
        if place >= len(line.cells) and self._continues(self.at + 1):
            self.go(self.at + 1, 0)
        elif place < (HEAD if line.head else 0) and self._continues(self.at):
            self.go(self.at - 1, len(self.lines[self.at - 1].cells) - 1)
        else:
            self.go(self.at, place)

    def _continues(self, at: int) -> bool:
        """Whether the line is the rest of the one above it."""
        return at < len(self.lines) and "#" in self.lines[at].key and self.lines[at].stops

    def next_cell(self, step: int) -> tuple[int, int] | None:
        """The next or previous value of the whole form; None where there is none."""
        stops = [(n, c) for n, line in enumerate(self.lines) for c in range(len(line.cells))]
        here = (self.at, self.place)
        if step > 0:
            return min((stop for stop in stops if stop > here), default=None)
        return max((stop for stop in stops if stop < here), default=None)


def _names(line: FormLine) -> tuple[str, ...]:
    """What a line goes by besides its cells."""
    node = line.row.node if line.row is not None else ""
    return tuple(name for name in (line.path, node) if name and line.kind is not LineKind.ADD)
