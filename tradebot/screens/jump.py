"""Letters over the panes: one key and the focus is there."""

from __future__ import annotations

import string
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.widgets import Static

from tradebot.screens.window import Window

__all__ = ["JumpScreen", "Spot", "letters_for"]


@dataclass(frozen=True, slots=True)
class Spot:
    """A place to jump to: the key that does, and the cell on the screen where it is written."""

    key: str
    x: int
    y: int


def letters_for(labels: Iterable[str], taken: Iterable[str] = ()) -> list[str]:
    """A letter for each label: the first of its own that is free, else the first free one of the alphabet."""
    used = set(taken)
    letters: list[str] = []
    for label in labels:
        own = [char for char in label.lower() if char in string.ascii_lowercase]
        letter = next((char for char in (*own, *string.ascii_lowercase) if char not in used), "")
        used.add(letter)
        letters.append(letter)
    return letters


class JumpScreen(Window[str]):
    """Shows the keys of the spots over the screen below; the answer is the one pressed, None on Esc."""

    DEFAULT_CSS = """
    JumpScreen .jump {
        position: absolute; width: auto; height: 1; padding: 0 1;
        background: $accent; color: $background; text-style: bold;
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "close", "back", id="jump.close")]

    def __init__(self, spots: Iterable[Spot]) -> None:
        super().__init__()
        self._spots = tuple(spots)
        self._drawn_for: Size | None = None

    def compose(self) -> ComposeResult:
        """A label on each spot."""
        for spot in self._spots:
            label = Static(spot.key, classes="jump", markup=False)
            label.styles.offset = (spot.x, spot.y)
            yield label

    def on_key(self, event: events.Key) -> None:
        """Go where the letter is; other keys do nothing."""
        pressed = event.character or event.key
        if any(spot.key == pressed for spot in self._spots):
            event.stop()
            self.dismiss(pressed)

    def on_resize(self, event: events.Resize) -> None:
        """Where the letters stand is not right for another size."""
        if self._drawn_for is None:
            self._drawn_for = event.size
        elif event.size != self._drawn_for and self.is_current:
            self.action_close()

    def action_close(self) -> None:
        """Go nowhere."""
        self.dismiss(None)
