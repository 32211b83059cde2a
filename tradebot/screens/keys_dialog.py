"""The window of all keys: what each does and where, another key for it by pressing it."""

from __future__ import annotations

from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import Input, Static

from tradebot.engine.control.errors import TradebotError
from tradebot.engine.control.keys import read_key
from tradebot.engine.messages import GetSettings, KeyChoice, SaveSettings, SettingsView
from tradebot.screens.desk import desk_of, errand
from tradebot.screens.dialogs import Dialog
from tradebot.screens.keys import KeyAction, KeyBook, shown_keys
from tradebot.screens.widgets.fixed_input import FixedInput
from tradebot.screens.widgets.palette import Line
from tradebot.screens.widgets.virtual_table import Cell, Column, VirtualTable

__all__ = ["KeyboardDialog"]

_IDLE = "Enter gives the action under the cursor another key, d its default one. Each is saved at once."


class _Press(Static):
    """Says what is going on; while it has the focus the next key is taken instead of being obeyed.

    Only the dialog gives it the focus: Tab onto it would leave no key that leads away.
    """

    class Pressed(Message):
        """A key, by Textual's name."""

        def __init__(self, key: str) -> None:
            super().__init__()
            self.key = key

    def on_key(self, event: events.Key) -> None:
        """Take it before anything else sees it."""
        event.stop()
        event.prevent_default()
        self.post_message(self.Pressed(event.key))

    def on_focus(self) -> None:
        """Keys that work everywhere are only pressed now, not obeyed."""
        desk_of(self).takes_keys = False

    def on_blur(self) -> None:
        """They work again."""
        desk_of(self).takes_keys = True

    def on_unmount(self) -> None:
        """They work again."""
        desk_of(self).takes_keys = True


class _KeysTable(VirtualTable[KeyAction]):
    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "choose", "other key", id="keyboard.change")]


class KeyboardDialog(Dialog[SettingsView]):
    """All actions by place with their keys; each change is saved as it is made. The answer is the settings then."""

    title_text = "Keyboard"
    keys_text = "Enter other key · d default · / search · y copy · Esc closes"
    AUTO_FOCUS = "#keyboard"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("d", "default", "default key", id="keyboard.default"),
        Binding("slash", "search", "search", id="keyboard.search"),
        Binding("y", "copy", "copy", id="keyboard.copy"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._book: KeyBook | None = None
        self._view: SettingsView | None = None
        self._choices: dict[str, KeyChoice] = {}
        self._waiting: KeyAction | None = None

    def compose_body(self) -> ComposeResult:
        """Search, the actions, what is going on."""
        hint = "words of an action, its place or its key"
        yield FixedInput(placeholder=hint, compact=True, id="keyboard-search", classes="filter")
        columns = (
            Column("WHERE", 12),
            Column("WHAT", 16, grow=True),
            Column("KEY", 12),
            Column("DEFAULT", 14),
            Column("NAME", 22, drop=1),
        )
        yield _KeysTable(columns, self._cells, lambda action: action.binding_id, id="keyboard")
        yield _Press(_IDLE, id="keyboard-press", markup=False)

    def on_mount(self) -> None:
        """Read all keys beside the screen."""
        self._table.show((), empty=((), ((" Reading the keys ...", "dim"),)))
        self._load()

    @property
    def _table(self) -> VirtualTable[KeyAction]:
        return self.query_one("#keyboard", VirtualTable)

    @errand("keyboard")
    async def _load(self) -> None:
        self._book = await desk_of(self).key_book()
        view: SettingsView = await desk_of(self).ask(GetSettings())
        self._choices = {choice.binding_id: choice for choice in view.keys}
        self._draw()

    # ------------------------------------------------------------------------------------------ drawing

    def _keys(self, action: KeyAction) -> tuple[str, ...]:
        return desk_of(self).key_names.keymap.get(action.binding_id, action.keys)

    def _cells(self, action: KeyAction) -> tuple[Cell, ...]:
        is_other = action.binding_id in desk_of(self).key_names.keymap
        return (
            (action.place, "head"),
            action.does,
            (shown_keys(self._keys(action)), "bold accent" if is_other else "key"),
            (shown_keys(action.keys), "dim"),
            (action.binding_id, "dim"),
        )

    def _draw(self) -> None:
        if self._book is None or not self.is_attached:
            return
        words = self.query_one("#keyboard-search", Input).value.lower().split()
        rows = [action for action in self._book.actions.values() if self._fits(action, words)]
        nothing: tuple[Line, ...] = (
            (),
            ((" No action is like that. ", "dim"), ("Esc", "key"), (" shows all.", "dim")),
        )
        rows.sort(key=lambda action: _order(action.binding_id))
        self._table.show(rows, empty=nothing)
        self._table.repaint_rows()

    def _fits(self, action: KeyAction, words: list[str]) -> bool:
        keys = f"{shown_keys(self._keys(action))} {' '.join(self._keys(action))}"
        text = f"{action.place} {action.does} {action.binding_id} {keys}".lower()
        return all(word in text for word in words)

    def _tell(self, sentence: str, tone: str = "") -> None:
        line = self.query_one(_Press)
        line.set_class(tone == "bad", "problem")
        line.update(sentence)

    # ------------------------------------------------------------------------------------------ another key

    @on(VirtualTable.Chosen, "#keyboard")
    def _wait_for_key(self) -> None:
        action = self._table.current
        if action is not None:
            self._waiting = action
            self._tell(f'Press the key for "{action.does}" · Esc keeps {shown_keys(self._keys(action))}')
            press = self.query_one(_Press)
            press.can_focus = True
            press.focus()

    @on(_Press.Pressed)
    def _pressed(self, event: _Press.Pressed) -> None:
        action = self._waiting
        if action is None or self._book is None:
            return
        if event.key == "escape":
            self._end_waiting(_IDLE)
            return
        kept = f"Press another one · Esc keeps {shown_keys(self._keys(action))}"
        try:
            key = read_key(event.key)
        except TradebotError as error:
            self._tell(f"{error.sentence} {kept}", "bad")
            return
        problem = self._book.would_clash(action.binding_id, (key,), desk_of(self).key_names.keymap)
        if problem:
            self._tell(f"{problem} {kept}", "bad")
        else:
            self._end_waiting("Saving ...")
            self._save(action, key)

    def _end_waiting(self, sentence: str) -> None:
        self._waiting = None
        self._tell(sentence)
        self._table.focus()
        self.query_one(_Press).can_focus = False

    @errand("keyboard")
    async def _save(self, action: KeyAction, keys: str | None) -> None:
        try:
            view: SettingsView = await desk_of(self).ask(SaveSettings(((f"keys.{action.binding_id}", keys),)))
        except TradebotError as error:
            self._tell(error.sentence, "bad")
            return
        self._view = view
        self._choices = {choice.binding_id: choice for choice in view.keys}
        await desk_of(self).use_keys(view.keys)
        if not self.is_attached:
            return
        over = choice.over if (choice := self._choices.get(action.binding_id)) is not None else ""
        note = f", but the {over} goes over it" if over else ""
        self._tell(
            f'Saved: "{action.does}" is on {shown_keys(self._keys(action))}{note}. b in Settings goes back.'
        )
        self._draw()

    def action_default(self) -> None:
        """Give the action under the cursor its default keys back."""
        action = self._table.current
        if action is None or self._book is None:
            return
        choice = self._choices.get(action.binding_id)
        if choice is None:
            self._tell(f'"{action.does}" has its default key.')
            return
        keymap = desk_of(self).key_names.keymap
        problem = self._book.would_clash(action.binding_id, action.keys, keymap)
        if problem:
            self._tell(problem, "bad")
        else:  # one that a person's own file gives can only be gone over
            self._save(action, None if choice.saved else ", ".join(action.keys))

    # ------------------------------------------------------------------------------------------ search, copy, end

    def action_search(self) -> None:
        """Show only what holds the words that are typed."""
        entry = self.query_one("#keyboard-search", Input)
        entry.add_class("-open")
        entry.focus()

    @on(Input.Changed, "#keyboard-search")
    def _searched(self) -> None:
        self._draw()

    @on(Input.Submitted, "#keyboard-search")
    def _search_done(self) -> None:
        self._table.focus()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A slash is a letter in the search."""
        if action == "search" and isinstance(self.focused, Input):
            return False
        return super().check_action(action, parameters)

    def action_copy(self) -> None:
        """Copy the action as a line of a settings file."""
        action = self._table.current
        if action is not None:
            keys = ", ".join(f'"{key}"' for key in self._keys(action))
            text = f'"{action.binding_id}" = [{keys}]  # {action.does}'
            self.app.copy_to_clipboard(text)
            self.app.notify(f"Copied: {text[:60]}", timeout=2, markup=False)

    def action_close(self) -> None:
        """Show all again where a search is open, else close."""
        entry = self.query_one("#keyboard-search", Input)
        if entry.has_class("-open"):
            entry.remove_class("-open")
            entry.value = ""
            self._table.focus()
        else:
            self.dismiss(self._view)


def _order(binding_id: str) -> tuple[int, str]:
    """What works everywhere first, then by place."""
    prefix = binding_id.partition(".")[0]
    return ({"app": 0, "area": 1}.get(prefix, 2), prefix)
