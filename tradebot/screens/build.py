"""The Build area: strategies as forms, checked while they are typed, saved, and run."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical

from tradebot.engine.messages import (
    ComponentChoice,
    DeleteStrategy,
    EngineSnapshot,
    FormEdit,
    GetComponents,
    NewStrategy,
    OpenForm,
    OpenToml,
    RunBacktest,
    SaveStrategy,
)
from tradebot.screens import formats
from tradebot.screens.build_draft import Draft
from tradebot.screens.build_editing import EditingArea
from tradebot.screens.build_form import FormPane
from tradebot.screens.build_panes import ProblemsPane, StrategiesPane, TomlPane, WordsPane
from tradebot.screens.desk import desk_of, errand, strategy_named
from tradebot.screens.dialogs import Confirm, NameDialog
from tradebot.screens.pickers import Choice, PickDialog
from tradebot.screens.widgets.palette import Line
from tradebot.screens.widgets.virtual_table import VirtualTable

__all__ = ["BuildArea"]

_GROUPS = {"indicators": "indicator", "signals": "signal", "groups": "group"}
_EMPTY: tuple[Line, ...] = (
    (),
    (("  No strategy is open", "bold"),),
    (),
    (("  Enter", "key"), ("  opens the strategy under the cursor", "")),
    (("  n    ", "key"), ("  begins a new one: a market, then add what should decide", "")),
)


class BuildArea(EditingArea):
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
            self._open(_most_likely(snapshot), focus=False)
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

    def open_text(self, toml: str) -> None:
        """Open a TOML text in the form, as a new strategy; asks where edits would be lost."""
        self._opening = True
        self._after_asking(lambda: self._open_text(toml))

    @errand("build-open", exclusive=True)
    async def _open_text(self, toml: str) -> None:
        await self.composed()
        view = await desk_of(self).ask(OpenToml(toml))
        await self._begin(Draft("", view))

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

    @errand("build-open", exclusive=True)
    async def _open(self, name: str, *, focus: bool = True) -> None:
        await self.composed()
        view = await desk_of(self).ask(OpenForm(name))
        summary = next((each for each in desk_of(self).latest.strategies if each.name == name), None)
        example = summary is not None and summary.example
        await self._begin(Draft(name, view, example, view.toml), focus=focus)

    async def _begin(self, draft: Draft, *, focus: bool = True) -> None:
        if self.draft is not None:
            self.draft.generation += 1
        self.draft = draft
        form = self.query_one(FormPane)
        await form.open(draft.view)
        self.show_view(draft.view)
        if focus:
            self.visit_pane(form)

    def action_new(self) -> None:
        """Begin a new strategy."""
        self._after_asking(self._new)

    @errand("build-open", exclusive=True)
    async def _new(self) -> None:
        datasets = desk_of(self).latest.datasets
        symbol = datasets[0].symbol if datasets else ""
        view = await desk_of(self).ask(NewStrategy(symbol))
        await self._begin(Draft("", view))

    def action_duplicate(self) -> None:
        """Go on with a copy of the open strategy, under another name."""
        if self.draft is None:
            return
        draft, name = self.draft, self._free_name(f"{self.draft.name or 'strategy'}-copy")
        copy = Draft(name, draft.view, saved_toml=None)
        draft.generation += 1
        self.draft = copy
        self.show_view(copy.view)
        desk_of(self).say(f"This is {name} now, not saved yet.")

    def _free_name(self, wanted: str) -> str:
        taken = {each.name for each in desk_of(self).latest.strategies}
        name, number = wanted, 2
        while name in taken:
            name, number = f"{wanted}{number}", number + 1
        return name

    # ------------------------------------------------------------------------------------------ walk

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

    @errand("build-add", exclusive=True)
    async def action_add(self) -> None:
        """Pick an indicator, signal or group and add it."""
        if not self._components:
            self._components = await desk_of(self).ask(GetComponents())
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
                self.edit(FormEdit("add", kind, name))

        self.app.push_screen(PickDialog("Add", choices), picked)

    def action_save(self) -> None:
        """Write the strategy to disk; a new one and an example want a name first."""
        self._save()

    @errand("build-save", exclusive=True)
    async def _save(self, then: object = None) -> None:
        await self.send_pending()
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
        saved = await desk_of(self).ask(SaveStrategy(name, toml))
        draft.saved(str(saved), toml)
        self.show_view(draft.view)
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

    @errand("build-save", exclusive=True)
    async def _delete_now(self, name: str) -> None:
        await desk_of(self).ask(DeleteStrategy(name))
        if self.draft is not None and self.draft.name == name:
            self.draft.saved_toml = None
            self.show_view(self.draft.view)
        desk_of(self).say(f"{name} is moved to the folder `deleted`.")

    @errand("build-run", exclusive=True)
    async def action_run(self) -> None:
        """Backtest what is in the form, saved or not, and follow it in Test."""
        await self.send_pending()
        draft = self.draft
        if draft is None:
            return
        if draft.view.errors:
            first = next(problem for problem in draft.view.problems if problem.severity == "error")
            desk_of(self).say(f"Mend this first: {first.sentence}", "warning")
            await self.query_one(FormPane).jump(first.path)
            return
        job = await desk_of(self).ask(RunBacktest(draft.name or "unsaved", draft.view.toml))
        results = desk_of(self).visit("test")
        results.follow(int(job))  # type: ignore[attr-defined]  # ResultsArea, which this file must not import


def _most_likely(snapshot: EngineSnapshot) -> str:
    """The strategy a person most likely wants to see: the one tested last, else the first of the list."""
    newest = max(snapshot.results, key=lambda each: each.created_ms, default=None)
    tested = strategy_named(snapshot, newest.strategy) if newest is not None else None
    return (tested or min(snapshot.strategies, key=lambda each: (each.example, each.name))).name
