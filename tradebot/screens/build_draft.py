"""A strategy being edited: its form, what is saved, the edits still to send, the way back. No widgets here."""

from __future__ import annotations

from dataclasses import dataclass, field

from tradebot.engine.messages import FormEdit, FormView

__all__ = ["TEXT", "Draft"]

TEXT = "text"
"""The action of an edit that replaces the whole TOML text; such an edit is read, not applied."""
_DEPTH = 200
_ONE_STEP_SECONDS = 1.0


@dataclass(repr=False)
class Draft:
    """One strategy in the form. `name` is the file it is saved under, or the one its draft is kept under.

    `saved_toml` is the text on disk, None where nothing is saved; `version` the newest saved one, 0 for none; `example`
    ones are saved under another name. `broken` is a TOML text that cannot be read as such, "" while there is none: the
    form then shows the last one that could. `begun` marks one that is worth keeping though nothing was edited here: a
    copy, a draft of another day. `generation` rises whenever a reply that is still under way must not be
    taken any more.
    """

    name: str
    view: FormView
    example: bool = False
    saved_toml: str | None = None
    version: int = 0
    generation: int = 0
    broken: str = ""
    broken_why: str = ""
    begun: bool = False
    pending: list[FormEdit] = field(default_factory=list)
    _undo: list[FormView] = field(default_factory=list)
    _redo: list[FormView] = field(default_factory=list)
    _last_path: str = ""
    _last_at: float = float("-inf")

    @property
    def text(self) -> str:
        """What the person has written, whether it can be read or not, whether it was read already or not."""
        typed = next((edit.text for edit in reversed(self.pending) if edit.action == TEXT), None)
        return typed if typed is not None else self.broken or self.view.toml

    @property
    def unsaved(self) -> bool:
        """Whether anything differs from what is on disk."""
        return bool(self.pending) or self.text != self.saved_toml

    @property
    def edited(self) -> bool:
        """Whether the person has done anything that would be lost: a new strategy that is still empty is not that."""
        return self.unsaved and (
            self.begun or self.saved_toml is not None or self.can_undo or bool(self.pending or self.broken)
        )

    @property
    def can_undo(self) -> bool:
        """Whether there is a state to go back to."""
        return bool(self._undo or self.broken)

    @property
    def can_redo(self) -> bool:
        """Whether there is a state to go forward to."""
        return bool(self._redo)

    @property
    def typed(self) -> dict[str, str]:
        """Values by path that were edited and not answered to yet."""
        return {edit.path: edit.text for edit in self.pending if edit.action == "set"}

    def queue(self, edit: FormEdit) -> None:
        """Add an edit to be sent; typing on in the same field replaces what waits there."""
        last = self.pending[-1] if self.pending else None
        if last is not None and last.action == edit.action in {"set", TEXT} and last.path == edit.path:
            self.pending[-1] = edit
        else:
            self.pending.append(edit)

    def take(self, view: FormView, edit: FormEdit, now: float) -> None:
        """Accept the engine's answer to an edit. Typing in one place for a while is one step to undo."""
        typed = edit.action in {"set", TEXT}
        place = f"{edit.action} {edit.path}"
        same = typed and place == self._last_path and now - self._last_at < _ONE_STEP_SECONDS
        self.broken = self.broken_why = ""
        if view.toml != self.view.toml:
            if not same:
                self._undo = [*self._undo[1 - _DEPTH :], self.view]
            self._redo = []
        self._last_path = place if typed else ""
        self._last_at = now
        self.view = view

    def break_off(self, text: str, why: str) -> None:
        """Keep a text that cannot be read, beside the last one that could."""
        self.broken, self.broken_why = text, why

    def undo(self) -> bool:
        """Back to the state before the last step; False where there is none."""
        if self.broken:
            self.generation += 1
            self.pending.clear()
            self.broken = self.broken_why = ""
            return True
        return self._swap(self._undo, self._redo)

    def redo(self) -> bool:
        """Forward again; False where there is nothing."""
        return self._swap(self._redo, self._undo)

    def _swap(self, source: list[FormView], target: list[FormView]) -> bool:
        if not source:
            return False
        self.generation += 1
        self.pending.clear()
        target.append(self.view)
        self.view = source.pop()
        self._last_path = ""
        return True

    def saved(self, name: str, toml: str, version: int) -> None:
        """Remember that this text is on disk under that name."""
        self.name = name
        self.example = False
        self.saved_toml = toml
        self.version = version
