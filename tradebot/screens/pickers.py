"""Windows to pick one or several of a list, with search."""

from __future__ import annotations

from dataclasses import dataclass

from textual import events, on
from textual.app import ComposeResult
from textual.message import Message
from textual.widgets import Input

from tradebot.screens.dialogs import Dialog
from tradebot.screens.widgets.virtual_table import Cell, Column, VirtualTable

__all__ = ["Choice", "PickDialog", "PickManyDialog"]


@dataclass(frozen=True, slots=True)
class Choice:
    """One thing to pick: its value, what is shown, a line about it, its group, and further words it is found by."""

    value: str
    label: str
    about: str = ""
    group: str = ""
    words: str = ""

    def rank(self, words: list[str]) -> int | None:
        """How well all words match, 0 best: the name begins so, holds it, the line about it does; None: not at all."""
        worst = 0
        name, label = self.value.lower().rpartition("/")[2], self.label.lower()
        for word in words:
            if name.startswith(word) or label.startswith(word):
                continue
            if word in name or word in label or self.group.lower().startswith(word):
                worst = max(worst, 1)
            elif word in self.about.lower() or word in self.words.lower():
                worst = 2
            else:
                return None
        return worst


class PickDialog(Dialog[str]):
    """Type to search, Enter picks; the answer is the value. With `free`, a text that matches nothing is one too."""

    keys_text = "type to search · Enter picks · Esc closes"

    def __init__(self, title: str, choices: tuple[Choice, ...], current: str = "", *, free: str = "") -> None:
        super().__init__()
        self.title_text = title
        self._choices = choices
        self._present = current
        self._free = free

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
        nothing = f"  Enter takes {event.value} {self._free}" if self._free else "  Nothing matches."
        table.show(shown, empty=(((nothing, "dim"),),))
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
        choice, typed = self.query_one(VirtualTable).current, self.query_one(Input).value.strip()
        if isinstance(choice, Choice):
            self.dismiss(choice.value)
        elif self._free and typed:
            self.dismiss(typed)


def _by_rank(pair: tuple[int | None, Choice]) -> int:
    return pair[0] or 0


class _MarkingInput(Input):
    """A search in which Space marks what is under the cursor instead of being typed."""

    class Mark(Message):
        """Space was pressed."""

    async def _on_key(self, event: events.Key) -> None:
        if event.key == "space":
            event.prevent_default().stop()
            self.post_message(self.Mark())


class PickManyDialog(Dialog[tuple[str, ...]]):
    """Type to search, Space marks, Enter accepts; the answer holds the marked values in the order of the list.

    With `free` (what such a text is, "as a pattern") a text that is no value of the list can be marked too; those come
    last. Enter without a mark takes what is under the cursor.
    """

    keys_text = "type to search · Space marks · Enter accepts · Esc closes"

    def __init__(
        self, title: str, choices: tuple[Choice, ...], marked: tuple[str, ...], *, free: str = ""
    ) -> None:
        super().__init__()
        self.title_text = title
        self._choices = choices
        self._marked = list(dict.fromkeys(marked))
        self._free = free

    def compose_body(self) -> ComposeResult:
        """The search above the list."""
        wide = max((len(choice.label) for choice in self._choices), default=8)
        yield _MarkingInput(placeholder="search", compact=True, classes="search")
        yield VirtualTable[Choice](
            (Column("", 3), Column("", min(max(wide, 14), 40)), Column("", 10, grow=True)),
            self._cells,
            lambda choice: choice.value,
            header=False,
        )

    def on_mount(self) -> None:
        """Show them, the marked ones first."""
        super().on_mount()
        self._choices = tuple(sorted(self._choices, key=lambda choice: choice.value not in self._marked))
        table = self.query_one(VirtualTable)
        table.styles.height = min(18, max(3, len(self._choices)))
        table.show(self._choices, empty=((("  There is nothing to pick yet.", "dim"),),))
        self.query_one(Input).focus()

    def _cells(self, choice: Choice) -> tuple[Cell, ...]:
        marked = choice.value in self._marked
        return (
            ("[x]" if marked else "[ ]", "good" if marked else "dim"),
            (choice.label, "bold" if marked else ""),
            (choice.about, "dim"),
        )

    @on(Input.Changed)
    def _search(self, event: Input.Changed) -> None:
        words = event.value.lower().split()
        ranked = [(choice.rank(words), choice) for choice in self._choices]
        shown = [choice for rank, choice in sorted((p for p in ranked if p[0] is not None), key=_by_rank)]
        typed = event.value.strip()
        if self._free and typed and all(choice.value.lower() != typed.lower() for choice in self._choices):
            shown.append(Choice(typed, typed, self._free))
        table = self.query_one(VirtualTable)
        table.show(tuple(shown), empty=((("  Nothing matches.", "dim"),),))
        if words:
            table.move_to(0)

    def on_key(self, event: events.Key) -> None:
        """Arrows move in the list while the search has the focus."""
        steps = {"up": -1, "down": 1, "pageup": -10, "pagedown": 10}
        if event.key in steps:
            event.prevent_default().stop()
            self.query_one(VirtualTable).action_move(steps[event.key])

    @on(_MarkingInput.Mark)
    def _mark(self) -> None:
        """Mark the row, or take the mark away."""
        table = self.query_one(VirtualTable)
        choice = table.current
        if not isinstance(choice, Choice):
            return
        if choice.value in self._marked:
            self._marked.remove(choice.value)
        else:
            self._marked.append(choice.value)
            if choice not in self._choices:
                self._choices = (*self._choices, choice)
        table.repaint_rows()
        table.action_move(1)

    @on(Input.Submitted)
    @on(VirtualTable.Chosen)
    def _accept(self) -> None:
        choice = self.query_one(VirtualTable).current
        typed = self.query_one(Input).value.strip()
        if isinstance(choice, Choice) and (not self._marked or (typed and choice.value not in self._marked)):
            self._mark()
        order = [choice.value for choice in self._choices]
        known = sorted((value for value in self._marked if value in order), key=order.index)
        self.dismiss((*known, *(value for value in self._marked if value not in order)))
