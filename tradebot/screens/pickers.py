"""Windows to pick one or several of a list, with search."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Input

from tradebot.screens.dialogs import Dialog
from tradebot.screens.widgets.virtual_table import Cell, Column, VirtualTable

__all__ = ["Choice", "PickDialog", "PickManyDialog"]


@dataclass(frozen=True, slots=True)
class Choice:
    """One thing to pick: its value, what is shown, a line about it, and the group it belongs to."""

    value: str
    label: str
    about: str = ""
    group: str = ""

    def rank(self, words: list[str]) -> int | None:
        """How well all words match, 0 best: the name begins so, holds it, the line about it does; None: not at all."""
        worst = 0
        name, label = self.value.lower().rpartition("/")[2], self.label.lower()
        for word in words:
            if name.startswith(word) or label.startswith(word):
                continue
            if word in name or word in label or self.group.lower().startswith(word):
                worst = max(worst, 1)
            elif word in self.about.lower():
                worst = 2
            else:
                return None
        return worst


class PickDialog(Dialog[str]):
    """Type to search, Enter picks; the answer is the value."""

    keys_text = "type to search · Enter picks · Esc closes"

    def __init__(self, title: str, choices: tuple[Choice, ...], current: str = "") -> None:
        super().__init__()
        self.title_text = title
        self._choices = choices
        self._present = current

    def compose_body(self) -> ComposeResult:
        """The search above the list."""
        wide = max((len(choice.label) for choice in self._choices), default=8)
        grouped = any(choice.group for choice in self._choices)
        columns = [Column("", min(wide, 40)), Column("", 10, grow=True)]
        if grouped:
            columns.insert(0, Column("", max(len(choice.group) for choice in self._choices)))
        self._grouped = grouped
        yield Input(placeholder="search", compact=True, classes="search")
        yield VirtualTable[Choice](
            columns, self._cells, lambda choice: f"{choice.group} {choice.value}", header=False
        )

    def on_mount(self) -> None:
        """Show all of them, the cursor on the present one."""
        super().on_mount()
        table = self.query_one(VirtualTable)
        table.styles.height = min(18, max(3, len(self._choices)))
        table.show(self._choices)
        place = next((n for n, choice in enumerate(self._choices) if choice.value == self._present), 0)
        self.call_after_refresh(table.move_to, place)
        self.query_one(Input).focus()

    def _cells(self, choice: Choice) -> tuple[Cell, ...]:
        cells: tuple[Cell, ...] = (
            (choice.label, "bold" if choice.value == self._present else ""),
            (choice.about, "dim"),
        )
        return ((choice.group, "head"), *cells) if self._grouped else cells

    @on(Input.Changed)
    def _search(self, event: Input.Changed) -> None:
        words = event.value.lower().split()
        ranked = ((choice.rank(words), choice) for choice in self._choices)
        shown = [
            choice for rank, choice in sorted((pair for pair in ranked if pair[0] is not None), key=_by_rank)
        ]
        table = self.query_one(VirtualTable)
        table.show(shown, empty=((("  Nothing matches.", "dim"),),))
        if words:
            table.move_to(0)

    def on_key(self, event: events.Key) -> None:
        """Arrows move in the list while the search has the focus."""
        steps = {"up": -1, "down": 1, "pageup": -10, "pagedown": 10}
        if event.key in steps:
            event.prevent_default().stop()
            self.query_one(VirtualTable).action_move(steps[event.key])

    @on(Input.Submitted)
    @on(VirtualTable.Chosen)
    def _pick(self) -> None:
        choice = self.query_one(VirtualTable).current
        if isinstance(choice, Choice):
            self.dismiss(choice.value)


def _by_rank(pair: tuple[int | None, Choice]) -> int:
    return pair[0] or 0


class PickManyDialog(Dialog[tuple[str, ...]]):
    """Space marks, Enter accepts; the answer holds the marked values in the order of the list."""

    keys_text = "Space marks · Enter accepts · Esc closes"
    AUTO_FOCUS = "VirtualTable"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("space", "mark", "mark", id="pick.mark")]

    def __init__(self, title: str, choices: tuple[Choice, ...], marked: tuple[str, ...]) -> None:
        super().__init__()
        self.title_text = title
        self._choices = choices
        self._marked = set(marked)

    def compose_body(self) -> ComposeResult:
        """The list."""
        yield VirtualTable[Choice](
            (Column("", 3), Column("", 20, grow=True)), self._cells, lambda choice: choice.value, header=False
        )

    def on_mount(self) -> None:
        """Show them."""
        super().on_mount()
        table = self.query_one(VirtualTable)
        table.styles.height = min(18, max(3, len(self._choices)))
        table.show(self._choices, empty=((("  There is nothing to pick yet.", "dim"),),))

    def _cells(self, choice: Choice) -> tuple[Cell, ...]:
        marked = choice.value in self._marked
        return (
            ("[x]" if marked else "[ ]", "good" if marked else "dim"),
            (choice.label, "bold" if marked else ""),
        )

    def action_mark(self) -> None:
        """Mark the row, or take the mark away."""
        table = self.query_one(VirtualTable)
        choice = table.current
        if isinstance(choice, Choice):
            self._marked ^= {choice.value}
            table.repaint_rows()
            table.action_move(1)

    @on(VirtualTable.Chosen)
    def _accept(self) -> None:
        self.dismiss(tuple(choice.value for choice in self._choices if choice.value in self._marked))
