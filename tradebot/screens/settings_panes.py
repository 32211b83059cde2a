"""The panes of the Settings area: all settings, the chosen one, exchange and keys, how things look."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Input, Static

from tradebot.engine.messages import ConnectionView, KeysView, SettingField, SettingsView
from tradebot.screens import formats
from tradebot.screens.area import Pane
from tradebot.screens.widgets.fixed_input import FixedInput
from tradebot.screens.widgets.lines_view import LinesView
from tradebot.screens.widgets.palette import Line, wrap
from tradebot.screens.widgets.virtual_table import Cell, Column, VirtualTable

__all__ = ["ExchangePane", "LookPane", "SettingPane", "SettingsPane"]


_SAMPLE: tuple[Line, ...] = (
    (("▲ +0.82 up  ", "up"), ("▼ -0.15 down  ", "down"), ("· flat", "flat")),
    (
        (" DEMO ", "badge-demo"),
        (" ", ""),
        (" DATA ", "badge-data"),
        ("  ● live ", "live"),
        ("○ old ", "stale"),
        ("× lost", "bad"),
    ),
    (
        ("╷╽┃╿╵", "up"),
        ("╷╽┃╿╵  ", "down"),
        ("▁▂▃▅▇", "chart-1"),
        ("▆▄▂ ", "chart-4"),
        ("┈┈┈ 63,812.4", "dim"),
    ),
    (("text ", "text"), ("heading ", "head"), ("key ", "key"), ("warning ", "warning"), ("dim", "dim")),
)


def short_source(field: SettingField) -> str:
    """Where a value comes from in a word or two: default, saved, the file's name, environment, command line."""
    if field.saved:
        return "saved"
    if field.over:
        return "environment" if field.over.startswith("environment") else "command line"
    return field.source if field.source == "default" else PurePath(field.source).name


class SettingsTable(VirtualTable[SettingField], inherit_bindings=False):
    """The table of settings, in which Enter edits, and k shows the keys instead of going up."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *(
            Binding("up", each.action, each.description, show=False, id=each.id)
            if "k" in each.key.split(",")
            else each
            for each in VirtualTable.BINDINGS
            if isinstance(each, Binding) and each.action != "choose"
        ),
        Binding("enter", "choose", "edit", id="settings.edit"),
    ]


class SettingsPane(Pane):
    """All settings in a table."""

    HELP = (
        "Every setting, its value and where that comes from: the default, a settings file, what was saved here, the "
        "environment, the command line; each goes over the ones before it.\n\n"
        "Enter changes the chosen one: a switch turns, a choice is picked, anything else is typed and checked while "
        "you type. Nothing is written before ^s, which saves all changes as a whole beside your own settings file and "
        "keeps the version before: b goes back to it. `tradebot config` does the same."
    )
    label = "Settings"

    def __init__(self) -> None:
        super().__init__(id="settings-pane", classes="pane")
        self._words: list[str] = []
        self._changes: Mapping[str, str | None] = {}
        self._view: SettingsView | None = None

    def compose(self) -> ComposeResult:
        """Search, problem, table."""
        hint = "words of a name or its help"
        yield FixedInput(placeholder=hint, compact=True, id="settings-search", classes="filter")
        yield Static("", id="settings-problem", classes="problem", markup=False)
        yield SettingsTable(
            (
                Column("SETTING", 40),
                Column("VALUE", 14, grow=True),
                Column("SOURCE", 13, drop=1),
                Column("WHAT IT IS", 36, drop=2, grow=True),
            ),
            lambda field: (*self._cells(field), (field.help, "dim")),
            lambda field: field.path,
            id="settings",
        )

    def on_mount(self) -> None:
        """Name the pane."""
        self.caption("Settings")
        self.query_one("#settings-problem").display = False
        self.table.show((), empty=((), ((" Reading the settings ...", "dim"),)))

    @property
    def table(self) -> VirtualTable[SettingField]:
        """The table of settings."""
        return self.query_one("#settings", VirtualTable)

    def focus_target(self) -> VirtualTable[SettingField]:
        """The table, not the search above it."""
        return self.table

    @property
    def tab_note(self) -> str:
        """How many changes are not saved."""
        return f"{len(self._changes)} unsaved" if self._changes else ""

    def show(self, view: SettingsView, changes: Mapping[str, str | None]) -> None:
        """Draw the settings that the search leaves."""
        self._view, self._changes = view, dict(changes)
        fields = tuple(field for field in view.fields if self._fits(field))
        nothing: tuple[Line, ...] = (
            (),
            ((" No setting is like that. ", "dim"), ("Esc", "key"), (" shows all again.", "dim")),
        )
        self.table.show(fields, empty=nothing)
        self.table.repaint_rows()
        unsaved = f"{formats.plural(len(changes), 'change')} not saved · ^s saves" if changes else "all saved"
        shown = formats.plural(len(view.fields), "setting")
        counted = shown if len(fields) == len(view.fields) else f"{len(fields)} of {shown}"
        self.caption("Settings", f"{counted} · {unsaved}")

    def _fits(self, field: SettingField) -> bool:
        text = f"{field.path} {field.help} {field.value}".lower()
        return all(word in text for word in self._words)

    def _cells(self, field: SettingField) -> tuple[Cell, ...]:
        table, dot, name = field.path.rpartition(".")
        section = f"{table}{dot}"
        source = short_source(field)
        if field.path in self._changes:
            changed = self._changes[field.path]
            text = f"{field.default} (default)" if changed is None else changed
            return (
                ((section, "head"), (name, "bold")),
                (f"* {text}", "accent"),
                ("not saved", "warning"),
            )
        tone = "dim" if source == "default" else ""
        return (((section, "head"), (name, "")), (field.value or "none", tone), (source, tone))

    def show_problem(self, sentence: str) -> None:
        """Say above the table why it could not be read or saved; an empty sentence takes it away."""
        line = self.query_one("#settings-problem", Static)
        line.update(sentence)
        line.display = bool(sentence)
        if sentence and self._view is None:
            help_line: Line = ((" b ", "key"), ("goes back to the version before", ""))
            self.table.show((), empty=((), ((" The settings cannot be shown.", "bold"),), (), help_line))

    def search(self, text: str) -> None:
        """Show only what holds all these words."""
        self._words = text.lower().split()

    def open_search(self) -> None:
        """Show the search and type into it."""
        entry = self.query_one("#settings-search", Input)
        entry.add_class("-open")
        entry.focus()

    def end_search(self) -> None:
        """Back to the table; an empty search goes."""
        entry = self.query_one("#settings-search", Input)
        entry.set_class(bool(entry.value), "-open")
        self.table.focus()

    def close_search(self) -> None:
        """Forget the search."""
        self.query_one("#settings-search", Input).value = ""
        self.end_search()


class SettingPane(Pane):
    """What the chosen setting is for, and where its value comes from."""

    HELP = "The chosen setting: what it is for, what it takes, its default, and where its value comes from."
    label = "Help"

    def __init__(self) -> None:
        super().__init__(id="setting-pane", classes="pane")
        self._shown: tuple[SettingField, Mapping[str, str | None]] | None = None

    def compose(self) -> ComposeResult:
        """The lines."""
        yield LinesView(id="setting")

    def on_mount(self) -> None:
        """Name the pane."""
        self.caption("Setting")
        self.query_one(LinesView).can_focus = True

    def on_resize(self) -> None:
        """Wrap for the new width."""
        if self._shown is not None:
            self.show(*self._shown)

    def show(self, field: SettingField, changes: Mapping[str, str | None]) -> None:
        """Draw a setting."""
        self._shown = (field, dict(changes))
        width = max(20, self.size.width - 4)
        lines: list[Line] = [
            ((text, "text"),) for text in wrap(field.help[:1].upper() + field.help[1:] + ".", width)
        ]
        lines.append(())
        takes = field.takes or ", ".join(field.choices)
        if takes:
            lines += [((text, "dim"),) for text in wrap(f"takes    {takes}", width)]
        lines += [((text, "dim"),) for text in wrap(f"default  {field.default or 'none'}", width)]
        lines += [((text, "dim"),) for text in wrap(f"source   {field.source}", width)]
        if field.over:
            lines.append(())
            lines += [
                ((text, "warning"),)
                for text in wrap(f"The {field.over} goes over what is saved here.", width)
            ]
        if field.path in changes:
            lines.append(())
            when = "It counts already." if field.at_once else "It counts from the next start."
            lines += [((text, "accent"),) for text in wrap(f"Changed and not saved. {when}", width)]
        self.caption(field.path)
        self.query_one(LinesView).show(lines)


class ExchangePane(Pane):
    """How the exchange is reached, and where API keys are."""

    HELP = (
        "t asks the exchange for its clock: how quickly it answers, how far its clock is from ours, whose market it "
        "is; with API keys also what they may do. An address that is changed and not saved yet is the one tested.\n\n"
        "a stores an API key and its secret in the system's key ring. They are never shown again and stand in no file. "
        "TRADEBOT_API_KEY and TRADEBOT_API_SECRET in the environment go over them. x forgets them. Market data needs "
        "no key."
    )
    label = "Exchange"

    def __init__(self) -> None:
        super().__init__(id="exchange-pane", classes="pane")
        self._test: tuple[str, str] = ("", "")
        self._keys_test: tuple[str, str] = ("", "")
        self._link = ConnectionView()
        self._keys: KeysView | None = None

    def compose(self) -> ComposeResult:
        """The lines."""
        yield LinesView(id="exchange")

    def on_mount(self) -> None:
        """Name the pane."""
        self.caption("Exchange and API keys", "t tests · a enters keys")
        self.query_one(LinesView).can_focus = True

    def show_test(self, sentence: str, tone: str) -> None:
        """What came of the test of the connection."""
        self._test = (sentence, tone)
        self._keys_test = ("", "")
        self.show(self._link, self._keys)

    def show_keys_test(self, sentence: str, tone: str) -> None:
        """What came of what was done with the keys."""
        self._keys_test = (sentence, tone)
        self.show(self._link, self._keys)

    def on_resize(self) -> None:
        """Wrap for the new width."""
        self.show(self._link, self._keys)

    def show(self, link: ConnectionView, keys: KeysView | None) -> None:
        """Draw how the exchange is reached and where the keys are."""
        self._link, self._keys = link, keys
        width = max(20, self.size.width - 4)
        glyph = {"ok": ("● ", "live"), "lost": ("× ", "bad")}.get(link.rest, ("○ ", "dim"))
        lines: list[Line] = [(glyph, (link.url, "text"))]
        if self._test[0]:
            lines += [((text, self._test[1]),) for text in wrap(self._test[0], width)]
        place = {
            "environment": "API keys from the environment",
            "key ring": f"API keys in {keys.ring if keys is not None else ''}",
        }.get(keys.place if keys is not None else "", "no API keys; data needs none")
        glyph = ("● ", "live") if keys is not None and keys.place != "none" else ("○ ", "dim")
        lines.append((glyph, (place if keys is not None else "looking for API keys ...", "text")))
        if keys is not None and keys.problem:
            lines += [((text, "warning"),) for text in wrap(keys.problem, width)]
        if self._keys_test[0]:
            lines += [((text, self._keys_test[1]),) for text in wrap(self._keys_test[0], width)]
        self.query_one(LinesView).show(lines)


class LookPane(Pane):
    """The colours as they are used, to judge a theme by."""

    HELP = "How up and down, warnings, candles and marks look in the present theme. Enter on look.theme tries others."
    label = "Look"

    def __init__(self) -> None:
        super().__init__(id="look-pane", classes="pane")

    def compose(self) -> ComposeResult:
        """The sample."""
        yield LinesView(_SAMPLE, id="look")

    def on_mount(self) -> None:
        """Name the pane."""
        self.caption("Look")
        self.query_one(LinesView).can_focus = True
