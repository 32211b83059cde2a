"""How edits of the form reach the engine and its answers the screen: one after the other, late ones dropped."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from textual import on

from tradebot.engine.control.errors import InputError, TradebotError
from tradebot.engine.messages import EditForm, FormEdit, FormProblem, FormView, OpenToml
from tradebot.screens import formats
from tradebot.screens.build_checks import ChecksPane, WordsPane
from tradebot.screens.build_draft import TEXT, Draft
from tradebot.screens.build_form import FormPane
from tradebot.screens.build_keeping import KeepingArea
from tradebot.screens.build_preview import PreviewPane
from tradebot.screens.build_toml import TomlView
from tradebot.screens.desk import desk_of, errand

__all__ = ["EditingArea", "first_error"]

_SLOW_SECONDS = 0.4


class EditingArea(KeepingArea):
    """An area whose open strategy is edited. An edit is sent at once; while it is under way, typing gathers in one."""

    def __init__(self) -> None:
        super().__init__()
        self._sending = asyncio.Lock()
        self._findings: tuple[FormProblem, ...] = ()

    @property
    def form(self) -> FormPane:
        """The form."""
        return self.query_one(FormPane)

    @property
    def preview(self) -> PreviewPane:
        """The live preview beside it."""
        return self.query_one(PreviewPane)

    # ------------------------------------------------------------------------------------------ edits

    @on(FormPane.Edited)
    def _field_edited(self, event: FormPane.Edited) -> None:
        event.stop()
        draft = self.draft
        if draft is None:
            return
        self.preview.typed()
        if draft.broken:
            self.form.refuse(event.path, event.text, _broken(draft))
            return
        self.form.expect(event.path, event.text)
        draft.queue(FormEdit("set", event.path, event.text))
        self._send()

    @on(TomlView.Edited)
    def _text_edited(self, event: TomlView.Edited) -> None:
        event.stop()
        if self.draft is not None:
            self.preview.typed()
            self.draft.queue(FormEdit(TEXT, "", event.text))
            self._send()

    def edit(self, *edits: FormEdit) -> None:
        """Queue edits and send them."""
        draft = self.draft
        if draft is None:
            return
        if draft.broken:
            desk_of(self).say(_broken(draft), "error")
            return
        for each in edits:
            draft.queue(each)
        self._send()

    def _send(self) -> None:
        if not self._sending.locked():  # who holds it sends what is added meanwhile as well
            self._send_all()

    @errand("build-send")
    async def _send_all(self) -> None:
        await self.send_pending()

    async def send_pending(self) -> None:
        """Send what was edited, one edit after the other, each on the text that the one before it made."""
        async with self._sending:
            while self.draft is not None and self.draft.pending:
                draft, edit = self.draft, self.draft.pending[0]
                generation = draft.generation
                try:
                    view = await self._answer(draft, edit)
                except TradebotError as error:
                    if draft is self.draft and draft.generation == generation:
                        _done(draft, edit)
                        self._refused(edit, error.sentence)
                    continue
                if draft is self.draft and draft.generation == generation:
                    _done(draft, edit)
                    self._took(draft, view, edit)

    async def edit_now(self, edit: FormEdit) -> FormView:
        """Make one edit and wait for it; raises TradebotError where the engine refuses it."""
        await self.send_pending()
        async with self._sending:
            draft = self.draft
            if draft is None:
                raise InputError("No strategy is open.")
            if draft.broken:
                raise InputError(_broken(draft))
            generation = draft.generation
            view = await self._answer(draft, edit)
            if draft is not self.draft or draft.generation != generation:
                raise InputError("The strategy was changed meanwhile; try again.")
            self._took(draft, view, edit)
            return view

    async def _answer(self, draft: Draft, edit: FormEdit) -> FormView:
        with self._patience():
            if edit.action == TEXT:
                view: FormView = await desk_of(self).ask(OpenToml(edit.text))
            else:
                view = await desk_of(self).ask(EditForm(draft.view.toml, edit))
            return view

    @contextmanager
    def _patience(self) -> Iterator[None]:
        """Say that something takes long, once it does."""
        slow = asyncio.get_running_loop().call_later(
            _SLOW_SECONDS, lambda: self.form.caption(subtitle="checking ...")
        )
        try:
            yield
        finally:
            slow.cancel()

    def _refused(self, edit: FormEdit, sentence: str) -> None:
        if edit.action == "set":
            self.form.refuse(edit.path, edit.text, sentence)
        else:
            desk_of(self).say(sentence, "error")
        self._caption()

    def _took(self, draft: Draft, view: FormView, edit: FormEdit) -> None:
        if edit.action == TEXT and not view.sections:
            draft.break_off(edit.text, first_error(view) or "It is no TOML.")
        else:
            draft.take(view, edit, asyncio.get_running_loop().time())
            self.form.take(view, draft.typed)
            if edit.action not in {"set", TEXT} and view.focus:
                self.form.jump(view.focus)
            if edit.action != TEXT:
                self.form.tell(view.said)
        self.show_draft()
        self.keep_soon()

    # ------------------------------------------------------------------------------------------ drawing

    def show_draft(self, *, opened: bool = False, elsewhere: bool = False) -> None:
        """Draw all that follows from the form, which is drawn already.

        `opened`: it is another strategy; `elsewhere`: the text comes from elsewhere than from typing, as of an undo.
        """
        draft = self.draft
        if draft is None:
            return
        view = draft.view
        self._caption()
        self.form.show_text(draft.text, draft.broken_why, first_error(view), force=opened or elsewhere)
        if opened:
            self._findings = ()
        self._show_checks(view)
        self.query_one(WordsPane).show(view.words, view.missing)
        if opened:
            self.preview.opened(view, draft.saved_toml)
        else:
            self.preview.edited(view, draft.saved_toml)
        self.show_list()
        self.show_tabs()
        self.refresh_bindings()

    @on(PreviewPane.Found)
    def _found(self, event: PreviewPane.Found) -> None:
        event.stop()
        self._findings = event.findings
        if self.draft is not None:
            self._show_checks(self.draft.view)

    def _show_checks(self, view: FormView) -> None:
        """What the text says is wrong, then what the data says; of the data what was found last, until it is looked
        at again."""
        known = {(each.path, each.sentence) for each in view.problems}
        found = (each for each in self._findings if (each.path, each.sentence) not in known)
        self.query_one(ChecksPane).show((*view.problems, *found))

    def show_list(self) -> None:
        """Draw the list of strategies."""
        raise NotImplementedError

    def _caption(self) -> None:
        draft = self.draft
        if draft is None:
            return
        view = draft.view
        fields = (field for section in view.sections for field in section.fields)
        title = next((field.text for field in fields if field.path == "strategy.name"), "")
        same = title.lower().replace(" ", "-") == draft.name
        name = draft.name + (" (example)" if draft.example else "")
        mark = f"v{draft.version}" if draft.version else ""
        if draft.saved_toml is None:
            mark = "not saved"
        elif draft.unsaved:
            mark = f"{mark} *".strip()
        self.form.caption(" · ".join(part for part in (name, "" if same else title, mark) if part))
        if draft.broken:
            state = "the text is no TOML"
        elif view.errors:
            state = f"{formats.plural(view.errors, 'error')} · blocks run"
        else:
            state = "valid"
        self.form.caption(subtitle=state)

    # ------------------------------------------------------------------------------------------ undo

    def action_undo(self) -> None:
        """Back to the state before the last edit."""
        if self.draft is not None and self.draft.undo():
            self._restore(self.draft)

    def action_redo(self) -> None:
        """Forward again."""
        if self.draft is not None and self.draft.redo():
            self._restore(self.draft)

    def _restore(self, draft: Draft) -> None:
        self.form.restore(draft.view)
        self.show_draft(elsewhere=True)
        self.keep_soon()


def _done(draft: Draft, edit: FormEdit) -> None:
    """Take an edit off the queue, unless typing has put another one in its place meanwhile."""
    if draft.pending and draft.pending[0] == edit:
        draft.pending.pop(0)


def _broken(draft: Draft) -> str:
    return f"The TOML text cannot be read ({draft.broken_why.rstrip('.')}); F2 goes to it, u gives it up."


def first_error(view: FormView) -> str:
    """The first thing that keeps a strategy from running, with its place; "" where nothing does."""
    first = next((each for each in view.problems if each.severity == "error"), None)
    if first is None:
        return ""
    line = f"line {first.line}" if first.line else ""
    return ": ".join(part for part in (line, first.path, first.sentence) if part)
