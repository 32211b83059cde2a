"""One of a few words on a row, the chosen one marked: `above [crosses] below`."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from tradebot.screens.widgets.palette import Part, palette_of, to_strip

__all__ = ["Segments"]


class Segments(Widget, can_focus=True):
    """Left and right, Space or a click choose; brackets mark the chosen word beside its colour."""

    DEFAULT_CSS = "Segments { height: 1; width: 1fr; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "step(-1)", "choose", key_display="←→", id="segments.left"),
        Binding("right,space", "step(1)", "choose", show=False, id="segments.right"),
    ]

    class Chosen(Message):
        """Another word was chosen."""

    def __init__(
        self,
        words: tuple[str, ...],
        value: str,
        *,
        id: str | None = None,  # noqa: A002 - Textual's own name
    ) -> None:
        super().__init__(id=id)
        self.words = words
        self.value = value if value in words else words[0]

    def render_line(self, y: int) -> Strip:
        """All words, the chosen one in brackets."""
        parts: list[Part] = []
        for word in self.words if y == 0 else ():
            chosen = word == self.value
            tone = ("badge-primary" if self.has_focus else "bold accent") if chosen else "dim"
            parts += [(f"[{word}]" if chosen else f" {word} ", tone), (" ", "")]
        return to_strip(parts, self.size.width, palette_of(self.app)).apply_style(self.rich_style)

    def choose(self, word: str) -> None:
        """Mark a word."""
        if word != self.value:
            self.value = word
            self.refresh()
            self.post_message(self.Chosen())

    def action_step(self, step: int) -> None:
        """The word beside, around the ends."""
        self.choose(self.words[(self.words.index(self.value) + step) % len(self.words)])

    def on_click(self, event: events.Click) -> None:
        """A click chooses the word that is under it."""
        self.focus()
        start = 0
        for word in self.words:
            end = start + len(word) + 2
            if start <= event.x < end:
                self.choose(word)
            start = end + 1

    def on_focus(self) -> None:
        """The chosen word shows who has the focus."""
        self.refresh()

    def on_blur(self) -> None:
        """As it stands without the focus."""
        self.refresh()
