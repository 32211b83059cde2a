"""The Settings area: every setting with its help and source, themes as they look, connection and API keys."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Input

from tradebot.engine.control.errors import TradebotError
from tradebot.engine.messages import (
    CheckConnection,
    CheckKeys,
    Command,
    EngineSnapshot,
    ForgetKeys,
    GetKeys,
    GetSettings,
    KeysView,
    RollBackSettings,
    SaveSettings,
    SettingField,
    SettingsView,
)
from tradebot.screens import formats
from tradebot.screens.area import Area
from tradebot.screens.desk import desk_of, errand
from tradebot.screens.dialogs import Confirm
from tradebot.screens.pickers import Choice, PickDialog
from tradebot.screens.remembering import Kept, Value
from tradebot.screens.settings_dialogs import KeysDialog, ThemeDialog, ValueDialog
from tradebot.screens.settings_panes import ExchangePane, LookPane, SettingPane, SettingsPane
from tradebot.screens.widgets.virtual_table import VirtualTable

__all__ = ["SettingsArea"]

_THEME, _PAIR = "look.theme", "look.up_down"
_SWITCHED = {"true": "false", "false": "true"}


class SettingsArea(Area):
    """All settings; what is chosen is kept as changes until it is saved as a whole."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "search", "search", key_display="/", id="settings.search"),
        Binding("d", "default", "default", id="settings.default"),
        Binding("u", "undo", "undo", id="settings.undo"),
        Binding("ctrl+s", "save", "save", key_display="^s", id="settings.save"),
        Binding("b", "roll_back", "roll back", id="settings.roll_back"),
        Binding("t", "test", "test connection", id="settings.test"),
        Binding("k", "keyboard", "keys", id="settings.keyboard"),
        Binding("a", "keys", "API keys", id="settings.keys"),
        Binding("x", "forget", "forget keys", show=False, id="settings.forget"),
        Binding("escape", "clear", "show all", show=False, id="settings.clear"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.view: SettingsView | None = None
        self.keys: KeysView | None = None
        self.changes: dict[str, str | None] = {}
        self._undo: list[dict[str, str | None]] = []
        self._asked = False

    def compose_panes(self) -> ComposeResult:
        """The settings beside the chosen one, the exchange and the look."""
        with Horizontal(id="settings-body"):
            yield SettingsPane()
            with Vertical(id="settings-side"):
                yield SettingPane()
                yield ExchangePane()
                yield LookPane()

    def apply(self, snapshot: EngineSnapshot) -> None:
        """Ask for the settings once; show how the exchange is reached."""
        if snapshot.ready and not self._asked:
            self._asked = True
            self._load()
        self.query_one(ExchangePane).show(snapshot.connection, self.keys)

    def remembered(self) -> dict[str, Value]:
        """The pane and the chosen setting."""
        key = self.query_one(SettingsPane).table.cursor_key
        return {**super().remembered(), "setting": "" if key is None else str(key)}

    def remember(self, kept: Kept) -> None:
        """Take them up."""
        super().remember(kept)
        if kept.text("setting"):
            self.query_one(SettingsPane).table.await_row(kept.text("setting"))

    @errand("settings-open")
    async def open_setting(self, path: str) -> None:
        """Put the cursor on a setting."""
        await self.composed()
        pane = self.query_one(SettingsPane)
        self.visit_pane(pane)
        pane.table.await_row(path)
        self._draw()

    @errand("settings")
    async def _load(self) -> None:
        await self.composed()
        await self._change(GetSettings())
        self.keys = await desk_of(self).ask(GetKeys())
        self.query_one(ExchangePane).show(desk_of(self).latest.connection, self.keys)

    async def _change(self, command: Command) -> bool:
        """Take the settings that a command leaves; a refusal stands on the screen until it is mended."""
        try:
            view = await desk_of(self).ask(command)
        except TradebotError as error:
            self.query_one(SettingsPane).show_problem(error.sentence)
            return False
        self.view = view
        await desk_of(self).use_keys(view.keys)
        self.query_one(SettingsPane).show_problem("")
        self._draw()
        return True

    def _draw(self) -> None:
        if self.view is not None:
            self.query_one(SettingsPane).show(self.view, self.changes)
            self._draw_chosen()
            self.show_tabs()

    # ------------------------------------------------------------------------------------------ the chosen one

    @property
    def chosen(self) -> SettingField | None:
        """The setting under the cursor."""
        pane = next(iter(self.query("SettingsPane").results(SettingsPane)), None)
        return pane.table.current if pane is not None and self.view is not None else None

    @on(VirtualTable.Moved, "#settings")
    def _draw_chosen(self) -> None:
        field = self.chosen
        if field is not None:
            self.query_one(SettingPane).show(field, self.changes)

    def copy_text(self) -> str:
        """The chosen setting as `tradebot config show` prints it."""
        field = self.chosen
        return f"{field.path} = {self._value(field)}  ({field.source})" if field is not None else ""

    def _value(self, field: SettingField) -> str:
        changed = self.changes.get(field.path, field.value)
        return field.default if changed is None else changed

    @on(VirtualTable.Chosen, "#settings")
    def _edit(self) -> None:
        field = self.chosen
        if field is None:
            return
        now = self._value(field)
        now = "" if "***" in now else now  # a hidden part cannot be edited, only typed anew

        def typed(text: str | None) -> None:
            if text is not None and text != now:
                self.set_value(field.path, text)

        if field.path == "keys":
            self.action_keyboard()
        elif field.path == _THEME:
            names = tuple(sorted(self.app.available_themes))
            self.app.push_screen(ThemeDialog(names, now), typed)
        elif field.kind == "switch":
            self.set_value(field.path, _SWITCHED.get(now, "true"))
        elif field.kind == "choice":
            choices = tuple(
                Choice(name, name, "default" if name == field.default else "") for name in field.choices
            )
            self.app.push_screen(PickDialog(field.path, choices, now), typed)
        else:
            self.app.push_screen(ValueDialog(field, now), typed)

    # ------------------------------------------------------------------------------------------ verbs

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only keys that do something now are shown and work."""
        match action:
            case "search" if isinstance(self.app.focused, Input):
                return False  # Textual does not know that "slash" is a letter to type
            case "clear":
                return self.query_one("#settings-search", Input).has_class("-open")
            case "search" | "copy":
                return self.view is not None or None
            case "default":
                field = self.chosen
                can = field is not None and (field.saved or field.path in self.changes)
                return can or None
            case "undo":
                return bool(self._undo) or None
            case "save":
                return bool(self.changes) or None
            case "roll_back":
                return (self.view is None or self.view.can_roll_back) or None
            case "test" | "keys" | "keyboard":
                return desk_of(self).latest.ready or None
            case "forget":
                return (self.keys is not None and self.keys.place == "key ring") or None
            case _:
                return super().check_action(action, parameters)

    def set_value(self, path: str, text: str | None) -> None:
        """Change a setting, not saved yet; None takes what was saved away."""
        self._undo.append(dict(self.changes))
        field = self._field(path)
        if field is not None and text == field.value and text is not None:
            self.changes.pop(path, None)
        else:
            self.changes[path] = text
        self._after_change()

    def _after_change(self) -> None:
        self._use_look()
        self._draw()

    def _field(self, path: str) -> SettingField | None:
        return next((each for each in self.view.fields if each.path == path), None) if self.view else None

    def _use_look(self) -> None:
        """Colours count at once, saved or not."""
        theme, pair = self._field(_THEME), self._field(_PAIR)
        if theme is not None and pair is not None:
            desk_of(self).use_look(self._value(theme), self._value(pair))

    def action_search(self) -> None:
        """Show only what holds the words that are typed."""
        self.visit_pane(self.query_one(SettingsPane))
        self.query_one(SettingsPane).open_search()

    def action_clear(self) -> None:
        """Show all settings again."""
        self.query_one(SettingsPane).close_search()

    def action_default(self) -> None:
        """Forget the change, then what was saved."""
        field = self.chosen
        if field is None:
            return
        if field.path in self.changes:
            self._undo.append(dict(self.changes))
            del self.changes[field.path]
            self._after_change()
        else:
            self.set_value(field.path, None)

    def action_undo(self) -> None:
        """Take the last change back."""
        self.changes = self._undo.pop()
        self._after_change()

    def action_save(self) -> None:
        """Save all changes."""
        self._save(lambda: None)

    @errand("settings")
    async def _save(self, then: Callable[[], object]) -> None:
        count = len(self.changes)
        later = [
            path for path in self.changes if (field := self._field(path)) is not None and not field.at_once
        ]
        if not await self._change(SaveSettings(tuple(self.changes.items()))):
            return
        self.changes, self._undo = {}, []
        self._after_change()
        when = " It counts from the next start." if later else ""
        desk_of(self).say(f"Saved {formats.plural(count, 'setting')}.{when}")
        then()

    def action_roll_back(self) -> None:
        """Ask, then put the version saved before back."""
        question = Confirm(
            "Roll back",
            ("The settings become what was saved before the last time.", "Rolling back once more undoes it."),
            (("b", "roll back"),),
        )

        def answered(answer: str | None) -> None:
            if answer == "b":
                self._roll_back()

        self.app.push_screen(question, answered)

    @errand("settings")
    async def _roll_back(self) -> None:
        if await self._change(RollBackSettings()):
            self.changes, self._undo = {}, []
            self._after_change()
            desk_of(self).say("The settings saved before are back.")

    # ------------------------------------------------------------------------------------------ exchange and keys

    @errand("connection", exclusive=True)
    async def action_test(self) -> None:
        """Ask the exchange for its clock, and what the keys may do where there are some."""
        pane = self.query_one(ExchangePane)
        address = self.changes.get("exchange.url")
        pane.show_test("Asking ...", "dim")
        found = await desk_of(self).ask(CheckConnection(address or ""))
        pane.show_test(found.sentence, "good" if found.reached else "bad")
        if found.reached and not address and self.keys is not None and self.keys.place != "none":
            try:
                self.keys = await desk_of(self).ask(CheckKeys())
            except TradebotError as error:
                pane.show_keys_test(error.sentence, "bad")
            else:
                pane.show_keys_test(self.keys.sentence, "good")

    @errand("keyboard")
    async def action_keyboard(self) -> None:
        """Show all keys and change some."""
        await desk_of(self).key_book()  # the module needs all screens, which takes a moment
        from tradebot.screens.keys_dialog import KeyboardDialog

        def changed(view: SettingsView | None) -> None:
            if view is not None:
                self.view = view
                self._draw()

        self.app.push_screen(KeyboardDialog(), changed)

    def action_keys(self) -> None:
        """Type API keys; they go into the system's key ring."""

        def stored(view: KeysView | None) -> None:
            if view is not None:
                self._show_keys(view)

        self.app.push_screen(KeysDialog(), stored)

    def _show_keys(self, view: KeysView) -> None:
        self.keys = view
        pane = self.query_one(ExchangePane)
        pane.show_keys_test(view.sentence, "good")
        pane.show(desk_of(self).latest.connection, view)

    def action_forget(self) -> None:
        """Ask, then take the keys out of the key ring."""
        question = Confirm(
            "Forget API keys",
            ("The keys are taken out of the system's key ring; at Bybit they stay valid.",),
            (("x", "forget them"),),
        )

        def answered(answer: str | None) -> None:
            if answer == "x":
                self._forget()

        self.app.push_screen(question, answered)

    @errand("keys")
    async def _forget(self) -> None:
        self._show_keys(await desk_of(self).ask(ForgetKeys()))

    # ------------------------------------------------------------------------------------------ leaving

    def unsaved(self) -> str:
        """What would be lost by quitting."""
        return (
            f"{formats.plural(len(self.changes), 'setting')} changed and not saved." if self.changes else ""
        )

    def leave_choices(self) -> tuple[tuple[str, str], ...]:
        """Save first."""
        return (("s", "save the settings and quit"),)

    def leave(self, answer: str, then: Callable[[], object]) -> None:
        """Save, then quit."""
        if answer == "s":
            self._save(then)
        else:
            then()

    @on(Input.Changed, "#settings-search")
    def _search_changed(self, event: Input.Changed) -> None:
        self.query_one(SettingsPane).search(event.value)
        self._draw()

    @on(Input.Submitted, "#settings-search")
    def _search_done(self) -> None:
        self.query_one(SettingsPane).end_search()
