"""A strategy being edited: its form, what is saved, the edits still to send, the way back. No widgets here."""

from __future__ import annotations

from dataclasses import dataclass, field

from tradebot.engine.messages import FormEdit, FormView

__all__ = ["Draft"]

_DEPTH = 200
_ONE_STEP_SECONDS = 1.0


@dataclass
class Draft:
    """One strategy in the form. `name` is empty for a new one; `example` ones are saved under another name.

    `generation` rises whenever a reply that is still under way must not be taken any more.
    """

    name: str
    view: FormView
    example: bool = False
    saved_toml: str | None = None
    generation: int = 0
    pending: list[FormEdit] = field(default_factory=list)
    _undo: list[FormView] = field(default_factory=list)
    _redo: list[FormView] = field(default_factory=list)
    _last_path: str = ""
    _last_at: float = float("-inf")

    @property
    def unsaved(self) -> bool:
        """Whether anything differs from what is on disk."""
        return bool(self.pending) or self.view.toml != self.saved_toml

    @property
    def can_undo(self) -> bool:
        """Whether there is a state to go back to."""
        return bool(self._undo)

    @property
    def can_redo(self) -> bool:
        """Whether there is a state to go forward to."""
        return bool(self._redo)

    def queue(self, edit: FormEdit) -> None:
        """Add an edit to be sent; typing on in the same field replaces what waits there."""
        last = self.pending[-1] if self.pending else None
        if last is not None and last.action == edit.action == "set" and last.path == edit.path:
            self.pending[-1] = edit
        else:
            self.pending.append(edit)

    def take(self, view: FormView, edit: FormEdit, now: float) -> None:
        """Accept the engine's answer to an edit. Typing in one field for a while is one step to undo."""
        same = (
            edit.action == "set" and edit.path == self._last_path and now - self._last_at < _ONE_STEP_SECONDS
        )
        if view.toml != self.view.toml and not same:
            self._undo = [*self._undo[1 - _DEPTH :], self.view]
        if view.toml != self.view.toml:
            self._redo = []
        self._last_path = edit.path if edit.action == "set" else ""
        self._last_at = now
        self.view = view

    def undo(self) -> bool:
        """Back to the state before the last step; False where there is none."""
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

    def saved(self, name: str, toml: str) -> None:
        """Remember that this text is on disk under that name."""
        self.name = name
        self.example = False
        self.saved_toml = toml
