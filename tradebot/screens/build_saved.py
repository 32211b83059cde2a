"""Strategies on disk: opening, saving, versions, templates, deleting, and what becomes of unsaved edits on the way."""

from __future__ import annotations

from collections.abc import Callable

from tradebot.engine.messages import (
    CompareVersions,
    DeleteStrategy,
    EngineSnapshot,
    FormEdit,
    FormView,
    FromTemplate,
    GetTemplates,
    ListVersions,
    NewStrategy,
    OpenForm,
    OpenToml,
    OpenVersion,
    SaveStrategy,
    StrategySummary,
    TemplateView,
    VersionDiff,
)
from tradebot.screens import formats
from tradebot.screens.build_dialogs import VersionsDialog
from tradebot.screens.build_draft import TEXT, Draft
from tradebot.screens.build_editing import first_error
from tradebot.screens.build_verbs import VerbsArea
from tradebot.screens.desk import desk_of, errand, strategy_named
from tradebot.screens.dialogs import Confirm, NameDialog
from tradebot.screens.pickers import Choice, PickDialog

__all__ = ["SavedArea"]

_NEW = "new-strategy"
_FIRST_SYMBOL = "BTCUSDT"


class SavedArea(VerbsArea):
    """An area that opens, saves and deletes strategies."""

    def __init__(self) -> None:
        super().__init__()
        self.templates: tuple[TemplateView, ...] = ()
        self.begun = False
        self.started = False
        self.opened_last = ""

    def say_nothing_open(self) -> None:
        """Say what to do while no strategy is open."""
        raise NotImplementedError

    # ------------------------------------------------------------------------------------------ begin

    @errand("build-begin")
    async def begin(self, snapshot: EngineSnapshot) -> None:
        """Show what was being worked on: unsaved edits of the last time, else the strategy tested last."""
        await self.composed()
        try:
            await self.find_drafts()
            self.templates = await desk_of(self).ask(GetTemplates())
            self.show_list()
            if self.draft is None:  # else the person was faster
                await self._begin_with(snapshot)
        finally:
            self.started = True
            if self.draft is None:
                self.say_nothing_open()
            self.refresh_bindings()

    async def _begin_with(self, snapshot: EngineSnapshot) -> None:
        name = self.opened_last if self._summary(self.opened_last) is not None else _most_likely(snapshot)
        kept = self.drafts.get(self.opened_last) or next(iter(self.drafts.values()), None)
        if kept is not None:
            await self._open_now(kept.name, focus=False)
            more = (
                f" {formats.plural(len(self.drafts) - 1, 'more')} in the list."
                if len(self.drafts) > 1
                else ""
            )
            when = f" of {formats.minute(kept.kept_ms)}" if kept.kept_ms else ""
            desk_of(self).say(f"Draft restored: the unsaved edits of {kept.name}{when}.{more}")
        elif name:
            await self._open_now(name, focus=False)

    # ------------------------------------------------------------------------------------------ open

    def open_strategy(self, name: str) -> None:
        """Open a saved strategy in the form; asks where edits would be lost."""
        self.begun = True
        self.after_asking(lambda: self._open(name))

    def open_text(self, toml: str) -> None:
        """Open a TOML text in the form, as a new strategy; asks where edits would be lost."""
        self.begun = True
        self.after_asking(lambda: self._open_text(toml))

    def open_template(self, name: str) -> None:
        """Begin a new strategy from a template; asks where edits would be lost."""
        self.after_asking(lambda: self._open_template(name))

    def copy_strategy(self, name: str) -> None:
        """Begin a new strategy as a copy of another; asks where edits would be lost."""
        self.after_asking(lambda: self._copy(name))

    def action_new(self) -> None:
        """Begin a new strategy."""
        self.after_asking(self._new)

    @errand("build-open", exclusive=True)
    async def _open(self, name: str) -> None:
        await self._open_now(name)

    async def _open_now(self, name: str, *, focus: bool = True) -> None:
        await self.composed()
        summary = self._summary(name)
        kept = self.drafts.get(name)
        if summary is None and kept is not None:
            draft = Draft(name, await self._ask(OpenToml(kept.toml)), begun=True)
            if not draft.view.sections:
                why = first_error(draft.view)
                draft = Draft(name, await self._ask(NewStrategy()), begun=True)
                draft.break_off(kept.toml, why)
            self._show(draft, focus=focus)
            return
        view = await self._ask(OpenForm(name))
        example = summary is not None and summary.example
        draft = Draft(name, view, example, view.toml, summary.version if summary is not None else 0)
        if kept is not None and kept.toml != view.toml:
            edited = await self._ask(OpenToml(kept.toml))
            if edited.sections:
                draft.take(edited, FormEdit("draft", ""), 0.0)
            else:
                draft.break_off(
                    kept.toml, edited.problems[0].sentence if edited.problems else "it is no TOML"
                )
        self._show(draft, focus=focus)

    @errand("build-open", exclusive=True)
    async def _open_text(self, toml: str) -> None:
        await self.composed()
        view = await self._ask(OpenToml(toml))
        self._show(Draft(self.free_name(_NEW), view, begun=True))

    @errand("build-open", exclusive=True)
    async def _open_template(self, name: str) -> None:
        view = await self._ask(FromTemplate(name, self._symbol()))
        self._show(Draft(self.free_name(name), view))

    @errand("build-open", exclusive=True)
    async def _copy(self, name: str) -> None:
        kept = self.drafts.get(name)
        view = await self._ask(OpenToml(kept.toml) if kept is not None else OpenForm(name))
        self._show(Draft(self.free_name(f"{name}-copy"), view, begun=True))
        self.keep_soon()

    @errand("build-open", exclusive=True)
    async def _new(self) -> None:
        view = await self._ask(NewStrategy(self._symbol()))
        self._show(Draft(self.free_name(_NEW), view))
        self.form.ask_rule("entry")

    async def _ask(self, command: OpenForm | OpenToml | NewStrategy | FromTemplate | OpenVersion) -> FormView:
        with self._patience():
            view: FormView = await desk_of(self).ask(command)
        return view

    def _show(self, draft: Draft, *, focus: bool = True) -> None:
        if self.draft is not None:
            self.draft.generation += 1
        self.draft = draft
        self.form.open(draft.view)
        self.show_draft(opened=True)
        self.query_one("StrategiesPane").select(draft.name)  # type: ignore[attr-defined]  # the pane has it
        if focus:
            self.visit_pane(self.form)

    def _symbol(self) -> str:
        """The market a new strategy begins on: the first one that is stored, else the one everybody knows."""
        datasets = desk_of(self).latest.datasets
        return datasets[0].symbol if datasets else _FIRST_SYMBOL

    def _summary(self, name: str) -> StrategySummary | None:
        return next((each for each in desk_of(self).latest.strategies if each.name == name), None)

    def free_name(self, wanted: str) -> str:
        """The name itself, or with a number behind it where it is taken."""
        taken = {each.name for each in desk_of(self).latest.strategies} | set(self.drafts)
        name, number = wanted, 2
        while name in taken:
            name, number = f"{wanted}-{number}", number + 1
        return name

    def action_templates(self) -> None:
        """Pick a template to begin from."""
        choices = tuple(
            Choice(each.name, each.title, each.figures or each.note, words=each.note)
            for each in self.templates
        )

        def picked(name: str | None) -> None:
            if name is not None:
                self.open_template(name)

        self.app.push_screen(PickDialog("Begin from a template", choices), picked)

    # ------------------------------------------------------------------------------------------ leaving

    def after_asking(self, go_on: Callable[[], object]) -> None:
        """Do something that replaces the open strategy, once its edits are saved, kept or given up."""
        draft = self.draft
        if draft is None or not draft.edited:
            go_on()
            return

        def answered(answer: str | None) -> None:
            if answer == "s":
                self._save(go_on)
            elif answer in {"d", "k"}:
                self._leave(draft, answer == "k", go_on)

        choices = (("s", "save them"), ("k", "keep them as a draft"), ("d", "discard them"))
        sentence = f"{draft.name} has edits that are not saved."
        self.app.push_screen(Confirm("Unsaved edits", (sentence,), choices), answered)

    def leave_choices(self) -> tuple[tuple[str, str], ...]:
        """What can become of the edits when the program is left."""
        return (("s", "save the edits and quit"), ("d", "discard the edits and quit"))

    def leave(self, answer: str, then: Callable[[], object]) -> None:
        """Save or discard the edits, then go on."""
        draft = self.draft
        if draft is None:
            then()
        elif answer == "s":
            self._save(then)
        else:
            self._leave(draft, False, then)

    @errand("build-save", exclusive=True)
    async def _leave(self, draft: Draft, keep: bool, go_on: Callable[[], object]) -> None:
        if keep:
            await self.keep_now(draft)
        else:
            if self.draft is draft:
                self.draft = None  # so that nothing keeps it once more
            async with self.on_disk:
                await self.drop(draft.name)
        go_on()

    # ------------------------------------------------------------------------------------------ save

    def action_save(self) -> None:
        """Write the strategy to disk as a new version; a new one and an example want a name first."""
        self._save()

    @errand("build-save", exclusive=True)
    async def _save(self, then: Callable[[], object] | None = None) -> None:
        await self.send_pending()
        draft = self.draft
        if draft is None:
            return
        if draft.broken:
            desk_of(self).say(f"Not saved: {draft.broken_why} It is kept as a draft.", "warning")
            return
        name: str | None = draft.name
        if draft.example or draft.saved_toml is None:
            name = await self._ask_name(draft)
        if not name or draft is not self.draft:
            return
        toml = draft.view.toml
        async with self.on_disk:
            saved = str(await desk_of(self).ask(SaveStrategy(name, toml)))
            if draft.name != saved:
                await self.drop(draft.name)
            self.drafts.pop(saved, None)
            versions = await desk_of(self).ask(ListVersions(saved))
            draft.saved(saved, toml, max((each.number for each in versions), default=0))
        if draft is self.draft:
            self.show_draft()
        errors = draft.view.errors
        broken = f", with {formats.plural(errors, 'error')} to mend before it runs" if errors else ""
        desk_of(self).say(f"{saved} is saved as v{draft.version}{broken}.")
        if then is not None:
            then()

    async def _ask_name(self, draft: Draft) -> str | None:
        taken = frozenset(each.name for each in desk_of(self).latest.strategies)
        wanted = draft.name
        if draft.example:
            wanted = self.free_name(f"my-{draft.name}")
        elif draft.name.startswith(_NEW) or draft.name in taken:
            wanted = self.free_name("my-strategy")
        question = "The file's name in your strategies folder:"
        name: str | None = await self.app.push_screen_wait(
            NameDialog("Save strategy", question, wanted, taken)
        )
        return name

    def ask_delete(self, name: str, *, saved: bool) -> None:
        """Delete a strategy, or a draft that was never saved, once it is confirmed."""

        def answered(answer: str | None) -> None:
            if answer == "x":
                self._delete(name, saved)

        about = "It is moved to the folder `deleted` beside your strategies; results of it stay."
        if not saved:
            about = "It was never saved: nothing of it is left."
        self.app.push_screen(Confirm(f"Delete {name}", (about,), (("x", "delete it"),)), answered)

    @errand("build-save", exclusive=True)
    async def _delete(self, name: str, saved: bool) -> None:
        if saved:
            await desk_of(self).ask(DeleteStrategy(name))
            desk_of(self).say(f"{name} is moved to the folder `deleted`.")
        await self.drop(name)
        draft = self.draft
        if draft is not None and draft.name == name:
            draft.saved_toml, draft.version, draft.begun = None, 0, saved
            if not saved:
                self.draft = None
                self.form.close()
                self.say_nothing_open()
            self.show_draft()
        self.show_list()
        self.refresh_bindings()

    # ------------------------------------------------------------------------------------------ versions

    @errand("build-versions", exclusive=True)
    async def action_versions(self) -> None:
        """List the saved versions, compare them, open one of them."""
        await self.send_pending()
        draft = self.draft
        if draft is None:
            return
        name, toml = draft.name, draft.view.toml

        async def compare(old: int, new: int) -> VersionDiff:
            diff: VersionDiff = await desk_of(self).ask(CompareVersions(name, old, new, toml))
            return diff

        versions = await desk_of(self).ask(ListVersions(name))
        dialog = VersionsDialog(name, versions, compare, unsaved=draft.unsaved)
        number = await self.app.push_screen_wait(dialog)
        if not number or draft is not self.draft:
            return
        view = await self._ask(OpenVersion(name, number))
        draft.take(view, FormEdit(TEXT, f"v{number}"), float("-inf"))
        self.form.take(view)
        self.show_draft(elsewhere=True)
        self.keep_soon()
        desk_of(self).say(f"v{number} is in the form; saving makes v{draft.version + 1}, u takes it back.")


def _most_likely(snapshot: EngineSnapshot) -> str:
    """The strategy a person most likely wants to see: the one tested last, else the first of their own."""
    newest = max(snapshot.results, key=lambda each: each.created_ms, default=None)
    tested = strategy_named(snapshot, newest.strategy) if newest is not None else None
    own = sorted(each.name for each in snapshot.strategies if not each.example)
    return tested.name if tested is not None else own[0] if own else ""
