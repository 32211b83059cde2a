"""The Build area: strategies as forms, checked and tested while they are typed, saved, and run."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Input, TextArea

from tradebot.engine.messages import EngineSnapshot, RunBacktest
from tradebot.screens.build_checks import ChecksPane, WordsPane
from tradebot.screens.build_form import FormPane
from tradebot.screens.build_preview import PreviewPane
from tradebot.screens.build_saved import SavedArea
from tradebot.screens.build_strategies import EntryKind, StrategiesPane
from tradebot.screens.build_toml import TomlView
from tradebot.screens.desk import desk_of, errand
from tradebot.screens.remembering import Kept, Value
from tradebot.screens.widgets.palette import Line
from tradebot.screens.widgets.virtual_table import VirtualTable

__all__ = ["BuildArea"]

_LETTERS = frozenset(
    {"rule", "run", "undo", "redo", "add", "versions", "templates", "find", "symbols", "copy"}
)
_STARTING: tuple[Line, ...] = ((), (("  Starting: the strategies are being read.", "dim"),))
_EMPTY: tuple[Line, ...] = (
    (),
    (("  Rules, exits and a size, tested while you type", "bold"),),
    (),
    (("  n  ", "key"), ("begins a strategy: type ", ""), ("rsi<30", "good"), (", Enter adds the rule", "")),
    (("  t  ", "key"), ("begins from a template that is known to trade", "")),
    (("  Enter  ", "key"), ("opens what is under the cursor on the left", "")),
)


class BuildArea(SavedArea):
    """Strategies, the form of the open one, and what follows from it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n", "rule", "rule", id="build.rule"),
        Binding("a", "add", "add", id="build.add"),
        Binding("r", "run", "run", id="build.run"),
        Binding("ctrl+s", "save", "save", id="build.save"),
        Binding("u", "undo", "undo", id="build.undo"),
        Binding("U", "redo", "redo", show=False, key_display="U", id="build.redo"),
        Binding("f2", "toml", "TOML", key_display="F2", id="build.toml"),
        Binding("v", "versions", "versions", id="build.versions"),
        Binding("t", "templates", "templates", id="build.templates"),
        Binding("slash", "find", "go to a value", show=False, key_display="/", id="build.find"),
        Binding("s", "symbols", "symbols", show=False, id="build.symbols"),
    ]

    def compose_panes(self) -> ComposeResult:
        """List, form, and three panes beside it."""
        yield StrategiesPane()
        yield FormPane()
        with Vertical(id="build-side"):
            yield PreviewPane()
            yield ChecksPane()
            yield WordsPane()

    def on_mount(self) -> None:
        """Say that something is under way."""
        self.form.caption("Form")
        self.form.say_empty(_STARTING)

    def apply(self, snapshot: EngineSnapshot) -> None:
        """Draw the list; the form follows the person, not the clock."""
        if snapshot.ready and not self.begun:
            self.begun = True
            self.begin(snapshot)
        self.show_list()
        self.show_tabs()

    def say_nothing_open(self) -> None:
        """What to do first."""
        self.form.say_empty(_EMPTY)
        self.query_one(ChecksPane).show(None)
        self.query_one(WordsPane).show(None)

    def remembered(self) -> dict[str, Value]:
        """The pane and the open strategy."""
        return {**super().remembered(), "strategy": self.draft.name if self.draft is not None else ""}

    def remember(self, kept: Kept) -> None:
        """Take them up; what is unsaved goes before."""
        super().remember(kept)
        self.opened_last = kept.text("strategy")

    def unsaved(self) -> str:
        """The open strategy, if it has edits that are not on disk."""
        if self.draft is None or not self.draft.edited:
            return ""
        return (
            f"The edits of {self.draft.name} are not saved; they are kept as a draft and are there next time."
        )

    def copy_text(self) -> str:
        """The strategy's TOML."""
        return self.draft.text if self.draft is not None else ""

    def show_list(self) -> None:
        """Draw the list of strategies."""
        draft = self.draft
        opened = (draft.name, draft.edited) if draft is not None else ("", False)
        drafts = tuple(self.drafts.values())
        self.query_one(StrategiesPane).show(desk_of(self).latest, drafts, self.templates, opened)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only keys that do something now are shown and work."""
        draft = self.draft
        if action in _LETTERS and isinstance(self.screen.focused, Input | TextArea):
            return False
        if action in {"rule", "add"} and isinstance(self.current_pane, StrategiesPane):
            return False
        if action in {"rule", "run", "add", "copy", "toml", "symbols", "find"}:
            return (draft is not None and not (action in {"rule", "add"} and self._as_text())) or None
        match action:
            case "save":
                return (draft is not None and (draft.unsaved or draft.example)) or None
            case "undo":
                return (draft is not None and draft.can_undo) or None
            case "redo":
                return draft is not None and draft.can_redo
            case "versions":
                return draft is not None and draft.version > 0
            case "templates":
                return bool(self.templates)
            case _:
                return super().check_action(action, parameters)

    def _as_text(self) -> bool:
        return self.is_mounted and bool(self.query(TomlView)) and self.form.as_text

    # ------------------------------------------------------------------------------------------ list

    @on(VirtualTable.Chosen, "#strategies")
    def _chosen(self) -> None:
        entry = self.query_one(StrategiesPane).current
        if entry is None:
            return
        if entry.kind is EntryKind.TEMPLATE:
            self.open_template(entry.name)
        elif self.draft is not None and entry.name == self.draft.name:
            self.visit_pane(self.form)
        else:
            self.open_strategy(entry.name)

    @on(StrategiesPane.Wanted)
    def _list_verb(self, event: StrategiesPane.Wanted) -> None:
        event.stop()
        match event.what, event.entry:
            case "new", _:
                self.action_new()
            case "duplicate", entry if entry is not None:
                self.copy_strategy(entry.name)
            case "delete", entry if entry is not None:
                self.ask_delete(entry.name, saved=entry.strategy is not None)

    # ------------------------------------------------------------------------------------------ walk

    @on(ChecksPane.Jump)
    def _jump(self, event: ChecksPane.Jump) -> None:
        if self.form.as_text and event.problem.line:
            self.visit_pane(self.form)
            self.form.text_view.go_to_line(event.problem.line)
        else:
            self.go_to(event.problem.path)

    def go_to(self, path: str) -> None:
        """Put the cursor on the value of a path, in the form."""
        if self.form.as_text:
            self.form.switch(as_text=False)
        self.visit_pane(self.form)
        self.form.jump(path)

    @on(FormPane.Left)
    def _left_form(self) -> None:
        self.visit_pane(self.query_one(StrategiesPane))

    @on(TomlView.Back)
    def _left_text(self) -> None:
        self.form.switch(as_text=False)

    def action_toml(self) -> None:
        """Show the strategy as a text, or as the form again."""
        self.visit_pane(self.form)
        self.form.switch(as_text=not self.form.as_text)
        self.refresh_bindings()

    # ------------------------------------------------------------------------------------------ run

    def run_strategy(self, name: str) -> None:
        """Open a saved strategy and backtest it; asks where edits would be lost."""
        self.begun = True
        self.after_asking(lambda: self._open_and_run(name))

    @errand("build-open", exclusive=True)
    async def _open_and_run(self, name: str) -> None:
        await self._open_now(name)
        self.action_run()

    @errand("build-run", exclusive=True)
    async def action_run(self) -> None:
        """Backtest what is in the form, saved or not, and follow it in Test."""
        await self.send_pending()
        draft = self.draft
        if draft is None:
            return
        if draft.broken:
            desk_of(self).say(f"Mend the text first: {draft.broken_why}", "warning")
            return
        first = next((each for each in draft.view.problems if each.severity == "error"), None)
        if first is not None:
            desk_of(self).say(f"Mend this first: {first.sentence}", "warning")
            self.go_to(first.path)
            return
        await self.keep_now(draft)
        job = await desk_of(self).ask(RunBacktest(draft.name, draft.view.toml))
        results = desk_of(self).visit("test")
        results.follow(int(job))  # type: ignore[attr-defined]  # ResultsArea, which this file must not import
