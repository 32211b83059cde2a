"""The Build area: strategies as forms, checked while they are typed, saved, and run."""

from __future__ import annotations

import asyncio
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.timer import Timer

from tradebot.engine.control.errors import TradebotError
from tradebot.engine.messages import (
    ComponentChoice,
    DeleteStrategy,
    EditForm,
    EngineSnapshot,
    FormEdit,
    FormView,
    GetComponents,
    NewStrategy,
    OpenForm,
    RunBacktest,
    SaveStrategy,
)
from tradebot.screens import formats
from tradebot.screens.area import Area
from tradebot.screens.build_draft import Draft
from tradebot.screens.build_fields import FieldRow
from tradebot.screens.build_form import FormPane, SectionHeader
from tradebot.screens.build_panes import ProblemsPane, StrategiesPane, TomlPane, WordsPane
from tradebot.screens.desk import desk_of
from tradebot.screens.dialogs import Confirm, NameDialog
from tradebot.screens.pickers import Choice, PickDialog
from tradebot.screens.widgets.palette import Line
from tradebot.screens.widgets.virtual_table import VirtualTable

__all__ = ["BuildArea"]

_DEBOUNCE_SECONDS = 0.15
_GROUPS = {"indicators": "indicator", "signals": "signal", "groups": "group"}
_EMPTY: tuple[Line, ...] = (
    (),
    (("  No strategy is open", "bold"),),
    (),
    (("  Enter", "key"), ("  opens the strategy under the cursor", "")),
    (("  n    ", "key"), ("  begins a new one: a market, then add what should decide", "")),
)


class BuildArea(Area):
    """Strategies, the form of the open one, and what follows from it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "add", "add", id="build.add"),
        Binding("r", "run", "run", id="build.run"),
        Binding("ctrl+s", "save", "save", id="build.save"),
        Binding("n", "new", "new", id="build.new"),
        Binding("u", "undo", "undo", id="build.undo"),
        Binding("U", "redo", "redo", id="build.redo"),
        Binding("d", "duplicate", "duplicate", id="build.duplicate"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.draft: Draft | None = None
        self._timer: Timer | None = None
        self._sending = asyncio.Lock()
        self._components: tuple[ComponentChoice, ...] = ()
        self._opening = False

    def compose_panes(self) -> ComposeResult:
        """List, form, and three panes beside it."""
        yield StrategiesPane()
        yield FormPane()
        with Vertical(id="build-side"):
            yield ProblemsPane()
            yield WordsPane()
            yield TomlPane()

    def on_mount(self) -> None:
        """Say what to do before anything is open."""
        self.query_one(FormPane).say_empty(_EMPTY)
        self.query_one(FormPane).caption("Form")

    def apply(self, snapshot: EngineSnapshot) -> None:
        """Draw the list; the form follows the person, not the clock."""
        draft = self.draft
        name = draft.name if draft is not None else ""
        self.query_one(StrategiesPane).show(snapshot, name, unsaved=draft is not None and draft.unsaved)
        if draft is None and not self._opening and snapshot.strategies:
            self._opening = True
            first = sorted(snapshot.strategies, key=lambda each: (each.example, each.name))[0]
            self._open(first.name, focus=False)
        self.show_tabs()

    def unsaved(self) -> str:
        """The open strategy, if it has edits that are not on disk."""
        if self.draft is None or not self.draft.unsaved:
            return ""
        return f"The edits of {self.draft.name or 'the new strategy'} are not saved."

    def copy_text(self) -> str:
        """The strategy's TOML, or a problem's sentence."""
        if self.draft is None:
            return ""
        return self.draft.view.toml

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only keys that do something now are shown and work."""
        draft = self.draft
        match action:
            case "add" | "run" | "duplicate" | "copy":
                return draft is not None or None
            case "save":
                return (draft is not None and (draft.unsaved or draft.example)) or None
            case "undo":
                return (draft is not None and draft.can_undo) or None
            case "redo":
                return draft is not None and draft.can_redo
            case _:
                return super().check_action(action, parameters)

    # ------------------------------------------------------------------------------------------ open

    @on(VirtualTable.Chosen, "#strategies")
    def _chosen(self) -> None:
        strategy = self.query_one(StrategiesPane).current
        if strategy is None:
            return
        if self.draft is not None and strategy.name == self.draft.name:
            self.visit_pane(self.query_one(FormPane))
        else:
            self.open_strategy(strategy.name)

    def open_strategy(self, name: str) -> None:
        """Open a saved strategy in the form; asks where edits would be lost."""
        self._opening = True
        self._after_asking(lambda: self._open(name))

    def _after_asking(self, go_on: object) -> None:
        """Do something that replaces the open strategy, once its edits are saved or given up."""
        assert callable(go_on)  # noqa: S101 - private
        if self.draft is None or not self.draft.unsaved:
            go_on()
            return

        def answered(answer: str | None) -> None:
            if answer == "d":
                go_on()
            elif answer == "s":
                self._save(then=go_on)

        choices = (("s", "save them first"), ("d", "discard them"))
        self.app.push_screen(Confirm("Unsaved edits", (self.unsaved(),), choices), answered)

    @work(group="build-open", exclusive=True)
    async def _open(self, name: str, *, focus: bool = True) -> None:
        await self.composed()
        try:
            view = await desk_of(self).ask(OpenForm(name))
        except TradebotError as error:
            desk_of(self).say(error.sentence, "error")
            return
        summary = next((each for each in desk_of(self).latest.strategies if each.name == name), None)
        example = summary is not None and summary.example
        await self._begin(Draft(name, view, example, view.toml), focus=focus)

    async def _begin(self, draft: Draft, *, focus: bool = True) -> None:
        if self.draft is not None:
            self.draft.generation += 1
        self.draft = draft
        form = self.query_one(FormPane)
        await form.open(draft.view)
        self._show_view(draft.view)
        if focus:
            self.visit_pane(form)

    def action_new(self) -> None:
        """Begin a new strategy."""
        self._after_asking(self._new)

    @work(group="build-open", exclusive=True)
    async def _new(self) -> None:
        datasets = desk_of(self).latest.datasets
        symbol = datasets[0].symbol if datasets else ""
        try:
            view = await desk_of(self).ask(NewStrategy(symbol))
        except TradebotError as error:
            desk_of(self).say(error.sentence, "error")
            return
        await self._begin(Draft("", view))

    def action_duplicate(self) -> None:
        """Go on with a copy of the open strategy, under another name."""
        if self.draft is None:
            return
        draft, name = self.draft, self._free_name(f"{self.draft.name or 'strategy'}-copy")
        copy = Draft(name, draft.view, saved_toml=None)
        draft.generation += 1
        self.draft = copy
        self._show_view(copy.view)
        desk_of(self).say(f"This is {name} now, not saved yet.")

    def _free_name(self, wanted: str) -> str:
        taken = {each.name for each in desk_of(self).latest.strategies}
        name, number = wanted, 2
        while name in taken:
            name, number = f"{wanted}{number}", number + 1
        return name

    # ------------------------------------------------------------------------------------------ edit

    @on(FieldRow.Changed)
    def _field_changed(self, event: FieldRow.Changed) -> None:
        if self.draft is None:
            return
        row = self.query_one(FormPane).row_of(event.path)
        waiting = any(edit.path == event.path for edit in self.draft.pending)
        if row is None or (event.text == row.field.text and not waiting):
            return
        self.draft.queue(FormEdit("set", event.path, event.text))
        if self._timer is not None:
            self._timer.stop()
        if event.finished:
            self._send()
        else:
            self._timer = self.set_timer(_DEBOUNCE_SECONDS, self._send)

    @on(SectionHeader.Verb)
    def _verb(self, event: SectionHeader.Verb) -> None:
        self._edit(FormEdit(event.verb, event.section.path))

    def _edit(self, edit: FormEdit) -> None:
        if self.draft is not None:
            self.draft.queue(edit)
            self._send()

    @work(group="build-send")
    async def _send(self) -> None:
        await self._send_pending()

    async def _send_pending(self) -> None:
        """Send what was edited, one edit after the other, each on the text the one before it made."""
        async with self._sending:
            while self.draft is not None and self.draft.pending:
                draft, edit = self.draft, self.draft.pending[0]
                generation = draft.generation
                try:
                    view = await desk_of(self).ask(EditForm(draft.view.toml, edit))
                except TradebotError as error:
                    self._refused(draft, generation, edit, error.sentence)
                    continue
                if draft is not self.draft or draft.generation != generation:
                    continue
                if draft.pending and draft.pending[0] == edit:
                    draft.pending.pop(0)
                draft.take(view, edit, asyncio.get_running_loop().time())
                await self.query_one(FormPane).take(view)
                self._show_view(view)
                if edit.action == "add":
                    await self._visit_added(view, edit)

    def _refused(self, draft: Draft, generation: int, edit: FormEdit, sentence: str) -> None:
        if draft is not self.draft or draft.generation != generation:
            return
        if draft.pending and draft.pending[0] == edit:
            draft.pending.pop(0)
        row = self.query_one(FormPane).row_of(edit.path)
        if row is not None:
            row.refuse(sentence)
        else:
            desk_of(self).say(sentence, "error")

    async def _visit_added(self, view: FormView, edit: FormEdit) -> None:
        added = [section.path for section in view.sections if section.path.startswith(f"{edit.path}.")]
        if added:
            await self.query_one(FormPane).jump(added[-1])

    def _show_view(self, view: FormView) -> None:
        """Draw all that follows from the form, which is drawn already."""
        draft = self.draft
        assert draft is not None  # noqa: S101 - a view belongs to a draft
        form = self.query_one(FormPane)
        title = next(
            (
                field.text
                for section in view.sections
                for field in section.fields
                if field.path == "strategy.name"
            ),
            "",
        )
        mark = " *" if draft.unsaved else ""
        example = " (example)" if draft.example else ""
        form.caption(f"{draft.name or 'new strategy'}{example}{' · ' + title if title else ''}{mark}")
        fields = sum(len(section.fields) for section in view.sections)
        valid = f"{formats.plural(fields, 'field')} · {formats.plural(view.errors, 'error')}"
        form.caption(subtitle=f"{valid} · blocks run" if view.errors else valid)
        self.query_one(ProblemsPane).show(view.problems)
        self.query_one(WordsPane).show(view.words)
        self.query_one(TomlPane).show(view)
        self.query_one(StrategiesPane).show(desk_of(self).latest, draft.name, unsaved=draft.unsaved)
        self.show_tabs()
        self.refresh_bindings()

    @on(ProblemsPane.Jump)
    async def _jump(self, event: ProblemsPane.Jump) -> None:
        form = self.query_one(FormPane)
        self._mark(form)
        if not await form.jump(event.path):
            self.visit_pane(form)

    @on(FormPane.Left)
    def _left_form(self) -> None:
        self.visit_pane(self.query_one(StrategiesPane))

    # ------------------------------------------------------------------------------------------ verbs

    @work(group="build-add", exclusive=True)
    async def action_add(self) -> None:
        """Pick an indicator, signal or group and add it."""
        if not self._components:
            try:
                self._components = await desk_of(self).ask(GetComponents())
            except TradebotError as error:
                desk_of(self).say(error.sentence, "error")
                return
        choices = tuple(
            Choice(
                f"{each.kind}/{each.name}",
                each.label or each.name,
                each.help,
                _GROUPS.get(each.kind, each.kind),
            )
            for each in self._components
        )

        def picked(value: str | None) -> None:
            if value is not None:
                kind, _, name = value.partition("/")
                self._edit(FormEdit("add", kind, name))

        self.app.push_screen(PickDialog("Add", choices), picked)

    async def action_undo(self) -> None:
        """Back to the state before the last edit."""
        if self.draft is not None and self.draft.undo():
            await self._restore(self.draft)

    async def action_redo(self) -> None:
        """Forward again."""
        if self.draft is not None and self.draft.redo():
            await self._restore(self.draft)

    async def _restore(self, draft: Draft) -> None:
        await self.query_one(FormPane).take(draft.view, force=True)
        self._show_view(draft.view)

    def action_save(self) -> None:
        """Write the strategy to disk; a new one and an example want a name first."""
        self._save()

    @work(group="build-save", exclusive=True)
    async def _save(self, then: object = None) -> None:
        await self._send_pending()
        draft = self.draft
        if draft is None:
            return
        name: str | None = draft.name
        taken = frozenset(each.name for each in desk_of(self).latest.strategies)
        if not draft.name or draft.example or (draft.saved_toml is None and draft.name in taken):
            wanted = self._free_name(f"my-{draft.name}" if draft.example else draft.name or "my-strategy")
            question = "The file's name in your strategies folder:"
            name = await self.app.push_screen_wait(NameDialog("Save strategy", question, wanted, taken))
        if not name or draft is not self.draft:
            return
        toml = draft.view.toml
        try:
            saved = await desk_of(self).ask(SaveStrategy(name, toml))
        except TradebotError as error:
            desk_of(self).say(error.sentence, "error")
            return
        draft.saved(str(saved), toml)
        self._show_view(draft.view)
        errors = (
            f", with {formats.plural(draft.view.errors, 'error')} to mend before it runs"
            if draft.view.errors
            else ""
        )
        desk_of(self).say(f"Saved as {saved}{errors}.")
        if callable(then):
            then()

    @on(StrategiesPane.Delete)
    def _delete(self, event: StrategiesPane.Delete) -> None:
        name = event.name

        def answered(answer: str | None) -> None:
            if answer == "x":
                self._delete_now(name)

        about = ("It is moved to the folder `deleted` beside your strategies; results of it stay.",)
        self.app.push_screen(Confirm(f"Delete {name}", about, (("x", "delete it"),)), answered)

    @work(group="build-save", exclusive=True)
    async def _delete_now(self, name: str) -> None:
        try:
            await desk_of(self).ask(DeleteStrategy(name))
        except TradebotError as error:
            desk_of(self).say(error.sentence, "error")
            return
        if self.draft is not None and self.draft.name == name:
            self.draft.saved_toml = None
            self._show_view(self.draft.view)
        desk_of(self).say(f"{name} is moved to the folder `deleted`.")

    @work(group="build-run", exclusive=True)
    async def action_run(self) -> None:
        """Backtest what is in the form, saved or not, and follow it in Test."""
        await self._send_pending()
        draft = self.draft
        if draft is None:
            return
        if draft.view.errors:
            first = next(problem for problem in draft.view.problems if problem.severity == "error")
            desk_of(self).say(f"Mend this first: {first.sentence}", "warning")
            await self.query_one(FormPane).jump(first.path)
            return
        try:
            job = await desk_of(self).ask(RunBacktest(draft.name or "unsaved", draft.view.toml))
        except TradebotError as error:
            desk_of(self).say(error.sentence, "error")
            return
        results = desk_of(self).visit("test")
        results.follow(int(job))  # type: ignore[attr-defined]  # ResultsArea, which this file must not import
