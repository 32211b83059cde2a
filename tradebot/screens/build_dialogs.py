"""Small windows of Build: a remark, and the versions of a strategy side by side."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import ClassVar

from rich.cells import cell_len, set_cell_size
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Input, Static

from tradebot.engine.messages import DiffLine, VersionDiff, VersionView
from tradebot.screens import formats
from tradebot.screens.area import write_title
from tradebot.screens.desk import errand
from tradebot.screens.dialogs import Dialog
from tradebot.screens.widgets.lines_view import LinesView
from tradebot.screens.widgets.palette import Line
from tradebot.screens.widgets.virtual_table import Cell, Column, VirtualTable

__all__ = ["NoteDialog", "VersionsDialog", "diff_lines"]

NOW = 0
"""The number that stands for the text in the form."""


class NoteDialog(Dialog[str]):
    """Asks for a line of text; an empty one is an answer too."""

    keys_text = "Enter takes it · Esc closes"

    def __init__(self, title: str, sentence: str, text: str) -> None:
        super().__init__()
        self.title_text = title
        self._sentence = sentence
        self._text = text

    def compose_body(self) -> ComposeResult:
        """The question and the input."""
        yield Static(self._sentence, markup=False)
        yield Input(self._text, compact=True, id="note")

    @on(Input.Submitted)
    def _taken(self, event: Input.Submitted) -> None:
        self.dismiss(event.value.strip())


class VersionsDialog(Dialog[int]):
    """All versions of a strategy, and what differs between two of them; the answer is the version to open.

    The text in the form is version 0, the first row. `c` marks the version that the others are compared with.
    """

    keys_text = "Enter opens it in the form · c compares the others with this one · Esc closes"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("c", "base", "compare with this", id="versions.base")]

    def __init__(
        self,
        name: str,
        versions: tuple[VersionView, ...],
        compare: Callable[[int, int], Awaitable[VersionDiff]],
        *,
        unsaved: bool,
    ) -> None:
        super().__init__()
        self.title_text = f"Versions of {name}"
        now = VersionView(NOW, 0, False, "unsaved edits" if unsaved else "as saved")
        self._versions = (now, *versions)
        self._compare = compare
        self._base = NOW
        self._known: dict[tuple[int, int], VersionDiff] = {}

    def compose_body(self) -> ComposeResult:
        """The list above, the differences below."""
        yield VirtualTable[VersionView](
            (Column("", 12), Column("", 16), Column("", 20, grow=True), Column("", 13, right=True)),
            self._cells,
            lambda version: version.number,
            header=False,
            id="versions",
        )
        yield LinesView(id="version-diff")

    def on_mount(self) -> None:
        """Show them, the cursor on the one before the text in the form."""
        super().on_mount()
        table = self.query_one(VirtualTable)
        table.styles.height = min(9, len(self._versions))
        table.show(self._versions)
        self.query_one("#version-diff", LinesView).can_focus = False
        self.call_after_refresh(table.move_to, min(1, len(self._versions) - 1))

    def _cells(self, version: VersionView) -> tuple[Cell, ...]:
        name = "in the form" if version.number == NOW else f"v{version.number}"
        when = formats.minute(version.saved_ms) if version.saved_ms else ""
        mark = "compared with" if version.number == self._base else "current" if version.current else ""
        return (
            (name, "bold"),
            (when, "dim"),
            version.summary,
            (mark, "key" if version.number == self._base else "dim"),
        )

    def on_virtual_table_moved(self, event: VirtualTable.Moved) -> None:
        """What differs from another version."""
        event.stop()
        self._show()

    def on_resize(self) -> None:
        """Break the differences anew."""
        self._show()

    @errand("versions", exclusive=True)
    async def _show(self) -> None:
        version = self.query_one(VirtualTable).current
        if not isinstance(version, VersionView):
            return
        pair = _ordered(version.number, self._base)
        view = self.query_one("#version-diff", LinesView)
        if pair[0] == pair[1]:
            view.show(((), ((" The others are compared with this one.", "dim"),)))
            return
        diff = self._known.get(pair)
        if diff is None:
            diff = self._known[pair] = await self._compare(*pair)
        view.show(diff_lines(diff, max(40, view.size.width - 1)))
        write_title(
            self.query_one("#dialog"), f"{self.title_text} · {_called(pair[0])} against {_called(pair[1])}"
        )

    def action_base(self) -> None:
        """Compare the others with this one."""
        table = self.query_one(VirtualTable)
        if isinstance(table.current, VersionView):
            self._base = table.current.number
            table.repaint_rows()
            self._show()

    @on(VirtualTable.Chosen)
    def _chosen(self) -> None:
        version = self.query_one(VirtualTable).current
        if isinstance(version, VersionView) and version.number != NOW:
            self.dismiss(version.number)


def _ordered(one: int, other: int) -> tuple[int, int]:
    """The older of two first; the text in the form is the newest of all."""
    first, second = sorted((one, other), key=lambda number: (number == NOW, number))
    return first, second


def _called(number: int) -> str:
    return "the form" if number == NOW else f"v{number}"


def diff_lines(diff: VersionDiff, width: int) -> list[Line]:
    """The differing values side by side under their paths' column: path, before, after."""
    if not diff.lines:
        return [(), ((" The same in every value.", "dim"),)]
    path_width = min(max(cell_len(line.path) for line in diff.lines), width // 2)
    half = max(8, (width - path_width - 6) // 2)
    head: Line = (
        (f" {set_cell_size('', path_width)} ", ""),
        (set_cell_size(_called(diff.old), half), "head"),
        ("   ", ""),
        (_called(diff.new), "head"),
    )
    return [head, *(_diff_line(line, path_width, half) for line in diff.lines)]


def _diff_line(line: DiffLine, path_width: int, half: int) -> Line:
    before, after = (
        _cut(text, half) if text else set_cell_size("-", half) for text in (line.before, line.after)
    )
    return (
        (f" {_cut(line.path, path_width)} ", "text"),
        (before, "down" if line.before else "dim"),
        (" → ", "dim"),
        (after.rstrip(), "up" if line.after else "dim"),
    )


def _cut(text: str, width: int) -> str:
    text = " ".join(text.split())
    return set_cell_size(text, width) if cell_len(text) <= width else set_cell_size(text, width - 2) + ".."
