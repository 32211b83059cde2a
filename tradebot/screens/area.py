"""What the areas have in common: panes, walking between them, one pane at a time where the terminal is narrow."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.content import Content
from textual.css.query import NoMatches
from textual.widget import Widget

from tradebot.engine.messages import EngineSnapshot
from tradebot.screens.desk import desk_of
from tradebot.screens.frame import NavBar, OneLine
from tradebot.screens.jump import JumpScreen, Spot, letters_for
from tradebot.screens.remembering import Kept, Value
from tradebot.screens.widgets.lines_view import LinesView
from tradebot.screens.widgets.palette import Part, line_length
from tradebot.screens.widgets.virtual_table import VirtualTable

__all__ = ["Area", "Pane", "PaneTabs", "write_subtitle", "write_title"]

_LOG = logging.getLogger("tradebot.screens")
_NARROW = 100


def write_title(widget: Widget, text: str | Content) -> None:
    """Write on a border, above; brackets in a name are brackets, not markup."""
    widget.border_title = Content(text) if isinstance(text, str) else text


def write_subtitle(widget: Widget, text: str) -> None:
    """Write on a border, below; brackets in a name are brackets, not markup."""
    widget.border_subtitle = Content(text)


class Pane(Container):
    """A bordered part of an area. `label` is its name on the tab row of narrow terminals; HELP is shown by `?`."""

    HELP: ClassVar[str | None] = ""
    label: ClassVar[str] = ""

    _captions: tuple[str | Content, str] = ("", "")

    @property
    def title_text(self) -> str:
        """What stands on the border above."""
        return str(self._captions[0]) or self.label

    def caption(self, title: str | Content | None = None, subtitle: str | None = None) -> None:
        """Write on the border, above and below, letter by letter; what is there already costs no painting."""
        before = self._captions
        now = (before[0] if title is None else title, before[1] if subtitle is None else subtitle)
        self._captions = now
        if now[0] != before[0]:
            write_title(self, now[0])
        if now[1] != before[1]:
            write_subtitle(self, now[1])

    def focus_target(self) -> Widget:
        """The widget that takes the focus when the pane is visited."""
        for widget in self.query("*"):
            if widget.focusable and all(
                node.display for node in widget.ancestors_with_self if isinstance(node, Widget)
            ):
                return widget
        return self

    @property
    def tab_note(self) -> str:
        """A count or mark behind the label on the tab row."""
        return ""


class PaneTabs(OneLine):
    """The tab row of narrow terminals."""

    def show(self, panes: list[Pane], current: Pane) -> None:
        """Name the panes, the visible one marked."""
        parts: list[Part] = []
        self.spans: list[tuple[int, int, Pane]] = []
        for pane in panes:
            start = line_length(parts)
            note = f" {pane.tab_note}" if pane.tab_note else ""
            parts.append((f" {pane.label}{note} ", "badge-primary" if pane is current else "dim"))
            self.spans.append((start, line_length(parts), pane))
            parts.append((" ", ""))
        self.line = tuple(parts)

    def on_click(self, event: events.Click) -> None:
        """A click on a tab shows its pane."""
        for start, end, pane in self.spans:
            if start <= event.x < end and isinstance(self.parent, Area):
                self.parent.visit_pane(pane)


class Area(Container):
    """One area of the app. Only the visible one is given snapshots, by `apply`."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "next_pane(1)", "pane", show=True, id="area.next_pane"),
        Binding("shift+tab", "next_pane(-1)", "previous pane", show=False, id="area.previous_pane"),
        Binding("m", "maximise", "maximise", show=False, id="area.maximise"),
        Binding("y", "copy", "copy", show=False, id="area.copy"),
        Binding("f", "jump", "letters to jump by", show=False, id="area.jump"),
    ]

    def compose_panes(self) -> ComposeResult:
        """The area's panes, with the containers that lay them out."""
        raise NotImplementedError

    def apply(self, snapshot: EngineSnapshot) -> None:
        """Draw a snapshot; called while visible, a few times a second."""
        raise NotImplementedError

    def unsaved(self) -> str:
        """What would be lost by quitting, as half a sentence; empty where nothing would."""
        return ""

    def leave_choices(self) -> tuple[tuple[str, str], ...]:
        """What else can become of that than to quit all the same: (key, what it does) for each."""
        return ()

    def leave(self, answer: str, then: Callable[[], object]) -> None:  # noqa: ARG002 - for areas with choices
        """Do what was chosen of `leave_choices`, then go on."""
        then()

    def copy_text(self) -> str:
        """What `y` copies from the focused pane."""
        return ""

    def compose(self) -> ComposeResult:
        """The tab row, hidden where all panes fit, and the panes."""
        yield PaneTabs(classes="pane-tabs")
        yield from self.compose_panes()

    def __init__(self) -> None:
        super().__init__()
        self._current: Pane | None = None
        self._panes: list[Pane] = []
        self._composed = asyncio.Event()
        self.kept = Kept()

    def on_mount(self) -> None:
        """Begin as the area was left, else with the first pane."""
        self._mark(self.panes[0])
        if self.kept:
            self._take_up()
        self._composed.set()

    def _take_up(self) -> None:
        try:
            self.remember(self.kept)
        except Exception as error:  # noqa: BLE001 - or a state that was saved once would end the app at each start
            _LOG.warning(
                "%s begins anew: its last state cannot be taken up.", type(self).__name__, exc_info=error
            )

    def remembered(self) -> dict[str, Value]:
        """What the next start should find again, as plain values: each area adds its own. Called every second."""
        return {"pane": self.current_pane.id or "", "maximised": self.has_class("-maximised")}

    def remember(self, kept: Kept) -> None:
        """Take up what was remembered; what is not there any more is left out. The engine may not be ready yet."""
        pane = next((each for each in self.panes if each.id and each.id == kept.text("pane")), None)
        if pane is not None:
            self._mark(pane)
            if kept.flag("maximised"):
                self._maximise(pane)

    async def composed(self) -> None:
        """Wait until the panes are there: an area may be asked for something in the moment it is made."""
        await self._composed.wait()

    @property
    def panes(self) -> list[Pane]:
        """The panes in the order Tab walks them."""
        if not self._panes:
            self._panes = list(self.query(Pane).results(Pane))
        return self._panes

    @property
    def current_pane(self) -> Pane:
        """The pane with the focus, or the one that had it last."""
        return self._current or self.panes[0]

    def visit_pane(self, pane: Pane) -> None:
        """Show a pane and give it the focus."""
        self._mark(pane)
        if self.has_class("-maximised"):
            self._maximise(pane)
        pane.focus_target().focus()

    def show_tabs(self) -> None:
        """Draw the tab row anew."""
        self.query_one(PaneTabs).show(self.panes, self.current_pane)

    @on(VirtualTable.Moved)
    def _ask_which_keys_work(self) -> None:
        """Another row may want other keys."""
        self.refresh_bindings()

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """The pane of the focused widget is the current one."""
        for node in event.widget.ancestors_with_self:
            if isinstance(node, Pane):
                self._mark(node)
                return

    def _mark(self, pane: Pane) -> None:
        """Classes instead of `:focus-within`: Textual styles a whole area anew for that at every change of focus."""
        if pane is not self._current:
            if self._current is not None:
                self._current.remove_class("-current")
            pane.add_class("-current")
            self._current = pane
            inside = set(pane.ancestors)
            for holder in {each.parent for each in self.panes if isinstance(each.parent, Widget)} - {self}:
                holder.set_class(holder in inside, "-current-path")
        self.show_tabs()

    def action_next_pane(self, step: int) -> None:
        """Focus the next or previous pane."""
        panes, current = self.panes, self.current_pane
        # One that a tab has hidden is followed by the first one.
        at = panes.index(current) if current in panes else -1 if step > 0 else 0
        self.visit_pane(panes[(at + step) % len(panes)])

    def action_jump(self) -> None:
        """Write a letter on each visible pane, and go where one is pressed; areas have their own keys."""
        areas = self.app.query_one(NavBar).spots()
        places = self._places()
        letters = letters_for((pane.label for pane, _, _ in places), [spot.key for spot in areas])
        panes = {letter: pane for letter, (pane, _, _) in zip(letters, places, strict=True)}
        spots = [Spot(letter, x, y) for letter, (_, x, y) in zip(letters, places, strict=True)]

        def pressed(key: str | None) -> None:
            if key in panes:
                self.visit_pane(panes[key])
            elif key is not None:
                desk_of(self).visit(next(name for spot, name in areas.items() if spot.key == key))

        self.app.push_screen(JumpScreen((*areas, *spots)), pressed)

    def _places(self) -> list[tuple[Pane, int, int]]:
        """The panes that can be seen, or on narrow terminals their tabs, each with the cell for its letter."""
        tabs = self.query_one(PaneTabs)
        if tabs.display and tabs.size.height:
            return [(pane, tabs.region.x + start, tabs.region.y) for start, _, pane in tabs.spans]
        seen = [
            pane
            for pane in self.panes
            if pane.size
            and all(node.display for node in pane.ancestors_with_self if isinstance(node, Widget))
        ]
        return [(pane, pane.region.x + 2, pane.region.y) for pane in seen]

    def action_maximise(self) -> None:
        """Give the current pane all the room, or put the others back."""
        if self.has_class("-maximised"):
            self.remove_class("-maximised")
            for node in self.query(".-max-path, .-max-hidden"):
                node.remove_class("-max-path", "-max-hidden")
        else:
            self._maximise(self.current_pane)

    def _maximise(self, pane: Pane) -> None:
        self.add_class("-maximised")
        for node in self.query(".-max-path, .-max-hidden"):
            node.remove_class("-max-path", "-max-hidden")
        step: Widget = pane
        while step is not self and isinstance(step.parent, Widget):
            step.add_class("-max-path")
            for sibling in step.parent.children:
                if sibling is not step and not isinstance(sibling, PaneTabs):
                    sibling.add_class("-max-hidden")
            step = step.parent

    def action_copy(self) -> None:
        """Copy what the focused pane shows to the clipboard of the terminal."""
        text = self.copy_text() or self._words()
        if text:
            self.app.copy_to_clipboard(text)
            first = text.splitlines()[0]
            self.app.notify(f"Copied: {first[:60]}", timeout=2, markup=False)

    def _words(self) -> str:
        """What is written in the pane, for one without rows to choose from."""
        views = self.current_pane.query(LinesView).results(LinesView)
        return "\n".join(view.plain for view in views if view.display and view.plain.strip()).strip("\n")

    def focus_inside(self) -> None:
        """Give the focus to the pane that had it last."""
        try:
            self.current_pane.focus_target().focus()
        except NoMatches:
            return
