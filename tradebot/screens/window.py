"""What stands over an area until it is answered or closed."""

from __future__ import annotations

from typing import Generic, TypeVar

from textual.await_complete import AwaitComplete
from textual.screen import ModalScreen

__all__ = ["Window"]

_Answer = TypeVar("_Answer")


class Window(ModalScreen[_Answer], Generic[_Answer]):
    """A modal screen that closes once."""

    def dismiss(self, result: _Answer | None = None) -> AwaitComplete:
        """Close with an answer; for the second Enter of a quick hand Textual would close another window."""
        if self not in self.app.screen_stack:
            return AwaitComplete()
        return super().dismiss(result)
