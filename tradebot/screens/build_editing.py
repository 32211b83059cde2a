"""How edits of the form reach the engine and its answers the screen: one after the other, late ones dropped."""

from __future__ import annotations

import asyncio

from textual import on
from textual.timer import Timer

from tradebot.engine.control.errors import TradebotError
from tradebot.engine.messages import EditForm, FormEdit, FormView
from tradebot.screens import formats
from tradebot.screens.area import Area
from tradebot.screens.build_draft import Draft
from tradebot.screens.build_fields import FieldRow
from tradebot.screens.build_form import FormPane, SectionHeader
from tradebot.screens.build_panes import ProblemsPane, StrategiesPane, TomlPane, WordsPane
from tradebot.screens.desk import desk_of, errand

__all__ = ["EditingArea"]

_DEBOUNCE_SECONDS = 0.15


class EditingArea(Area):
    """An area with a strategy being edited. `draft` is None before one is open."""

    def __init__(self) -> None:
        super().__init__()
        self.draft: Draft | None = None
        self._timer: Timer | None = None
        self._sending = asyncio.Lock()

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
        self.edit(FormEdit(event.verb, event.section.path))

    def edit(self, edit: FormEdit) -> None:
        """Queue an edit and send it."""
        if self.draft is not None:
            self.draft.queue(edit)
            self._send()

    @errand("build-send")
    async def _send(self) -> None:
        await self.send_pending()

    async def send_pending(self) -> None:
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
                self.show_view(view)
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

    def show_view(self, view: FormView) -> None:
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
        self.show_view(draft.view)
