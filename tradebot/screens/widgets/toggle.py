"""A switch that says its state in a glyph and a word."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from tradebot.screens.widgets.palette import Line, palette_of, to_strip

__all__ = ["Toggle", "toggle_line"]


def toggle_line(on: bool, tone: str = "") -> Line:
    """`[x] on` or `[ ] off`."""
    return (("[x] on", tone or "good"),) if on else (("[ ] off", tone or "dim"),)


class Toggle(Widget, can_focus=True):
    """On or off; Space or a click flips it."""

    DEFAULT_CSS = "Toggle { height: 1; width: 9; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "flip", "on/off", key_display="Space", id="toggle.flip")
    ]

    class Flipped(Message):
        """The switch was turned."""

    def __init__(self, value: bool, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id)
        self.value = value

    def render_line(self, y: int) -> Strip:
        """The state."""
        line = toggle_line(self.value) if y == 0 else ()
        return to_strip(line, self.size.width, palette_of(self.app)).apply_style(self.rich_style)

    def action_flip(self) -> None:
        """The other state."""
        self.value = not self.value
        self.refresh()
        self.post_message(self.Flipped())

    def on_click(self) -> None:
        """A click flips it."""
        self.focus()
        self.action_flip()
