"""The strategy as the text it is saved as, editable; what is wrong with the text stands below it."""

from __future__ import annotations

import re
from collections import deque
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import TextArea

from tradebot.screens.widgets.lines_view import LinesView
from tradebot.screens.widgets.palette import Line, palette_of, wrap

__all__ = ["TomlView"]

_TOML = re.compile(
    r"(?P<head>^\s*\[.*\]\s*(#.*)?$)|(?P<comment>#.*$)|(?P<text>\"[^\"]*\"?)|(?P<key>^\s*[\w.@-]+(?=\s*=))"
    r"|(?P<number>[-+]?\b\d[\d._]*\b|\btrue\b|\bfalse\b)"
)
_TONES = {"head": "bold head", "comment": "dim", "text": "up", "key": "text", "number": "demo"}
_PROBLEM_ROWS = 3
_TOLD = 200


class _TomlArea(TextArea):
    """A text area that tells headings, keys, values and comments apart."""

    def get_line(self, line_index: int) -> Text:
        """The line with its colours."""
        text = super().get_line(line_index)
        palette = palette_of(self.app)
        for found in _TOML.finditer(text.plain):
            text.stylize(palette.style(_TONES[found.lastgroup or "text"]), found.start(), found.end())
        return text


class TomlView(Vertical):
    """The text, and the first thing wrong with it. Typing is told at once; it is the same strategy as the form."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "back", "form", id="toml.back")]

    class Edited(Message):
        """The text is another one."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class Back(Message):
        """Esc was pressed: the person wants the form again."""

    def __init__(self) -> None:
        super().__init__(id="toml-view")
        self.display = False
        self._problem = ""
        self._told: deque[str] = deque(maxlen=_TOLD)

    def compose(self) -> ComposeResult:
        """The text and the line below it."""
        yield _TomlArea(show_line_numbers=True, compact=True, id="toml", soft_wrap=False)
        yield LinesView(id="toml-problem")

    @property
    def area(self) -> TextArea:
        """The text."""
        return self.query_one(_TomlArea)

    def show(self, text: str, *, force: bool = False) -> None:
        """Show another text; cursor and scrolling stay. One that was typed here comes back late and is passed over."""
        area = self.area
        if area.text == text or (text in self._told and not force):
            return
        self._told.clear()
        place = area.cursor_location
        with self.prevent(TextArea.Changed):
            area.load_text(text)
            area.move_cursor(place)

    def go_to_line(self, line: int) -> None:
        """Put the cursor at the beginning of a line, counted from 1."""
        self.area.move_cursor((line - 1, 0), center=True)

    def say(self, sentence: str) -> None:
        """Say what is wrong with the text, or that nothing is."""
        self._problem = sentence
        lines: list[Line] = [((" the same strategy as the form", "dim"),)]
        if sentence:
            rows = wrap(sentence, max(20, self.size.width - 4))[:_PROBLEM_ROWS]
            lines = [
                (("× " if number == 0 else "  ", "bad"), (row, "bad")) for number, row in enumerate(rows)
            ]
        self.query_one("#toml-problem", LinesView).show(lines)

    def on_resize(self) -> None:
        """Break the sentence anew."""
        self.say(self._problem)

    @on(TextArea.Changed)
    def _changed(self, event: TextArea.Changed) -> None:
        event.stop()
        text = self.area.text
        self._told.append(text)
        self.post_message(self.Edited(text))

    def action_back(self) -> None:
        """To the form."""
        self.post_message(self.Back())
