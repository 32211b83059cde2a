"""The small windows over an area: a question, a name, the help of a pane."""

from __future__ import annotations

from typing import ClassVar, Generic, TypeVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widget import Widget
from textual.widgets import Input, Static

from tradebot.screens.area import write_subtitle, write_title
from tradebot.screens.widgets.lines_view import LinesView
from tradebot.screens.widgets.palette import Line, wrap
from tradebot.screens.window import Window

__all__ = ["Confirm", "Dialog", "HelpDialog", "NameDialog"]

Answer = TypeVar("Answer")


class Dialog(Window[Answer], Generic[Answer]):
    """A window over an area. Esc closes it without an answer; `compose_body` fills it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "close", id="dialog.close"),
        Binding("y", "copy_text", "copy", show=False, id="dialog.copy"),
    ]
    AUTO_FOCUS = "Input, VirtualTable, OptionList, SelectionList, LinesView"

    title_text: str = ""
    keys_text: str = "Esc closes"

    def compose(self) -> ComposeResult:
        """The frame of the window around its body."""
        with Vertical(id="dialog"):
            yield from self.compose_body()

    def compose_body(self) -> ComposeResult:
        """What is in the window."""
        raise NotImplementedError

    def on_mount(self) -> None:
        """Name the window and its keys on its border."""
        box = self.query_one("#dialog")
        write_title(box, self.title_text)
        write_subtitle(box, self.keys_text)

    def action_close(self) -> None:
        """Close without an answer."""
        self.dismiss(None)

    def action_copy_text(self) -> None:
        """Copy what is written in the window; a field of text has its letters for itself."""
        texts = [
            widget.plain if isinstance(widget, LinesView) else str(widget.content)
            for widget in self.query("LinesView, Static").results(Widget)
            if isinstance(widget, LinesView | Static) and widget.display
        ]
        text = "\n".join(text.strip("\n") for text in texts if text.strip())
        if text:
            self.app.copy_to_clipboard(text)
            self.app.notify("Copied what is written here.", timeout=2, markup=False)


class Confirm(Dialog[str]):
    """A question with answers on keys: `choices` are (key, what it does); the answer is the key, None on Esc."""

    def __init__(self, title: str, sentences: tuple[str, ...], choices: tuple[tuple[str, str], ...]) -> None:
        super().__init__()
        self.title_text = title
        self._sentences = sentences
        self._choices = choices
        for key, what in choices:
            self._bindings.bind(key, f"choose('{key}')", what)

    def compose_body(self) -> ComposeResult:
        """The sentences, then one line for each key."""
        lines: list[Line] = []
        for sentence in self._sentences:
            lines.extend(((text, ""),) for text in wrap(sentence, 58))
        lines.append(())
        width = max(len(key) for key, _ in (*self._choices, ("Esc", "")))
        for key, what in (*self._choices, ("Esc", "back, nothing happens")):
            lines.append(((f" {key:<{width}}  ", "key"), (what, "text")))
        yield LinesView(lines)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Where y is an answer it copies nothing."""
        if action == "copy_text" and any(key == "y" for key, _ in self._choices):
            return False
        return super().check_action(action, parameters)

    def action_choose(self, key: str) -> None:
        """Close with that answer."""
        self.dismiss(key)


class NameDialog(Dialog[str]):
    """Asks for a name; letters, digits, `-` and `_` only, as it becomes a file's name."""

    keys_text = "Enter saves · Esc closes"

    def __init__(self, title: str, sentence: str, name: str, taken: frozenset[str] = frozenset()) -> None:
        super().__init__()
        self.title_text = title
        self._sentence = sentence
        self._name = name
        self._taken = taken
        self._warned = ""

    def compose_body(self) -> ComposeResult:
        """The question, the input, a line for what is wrong with it."""
        yield Static(self._sentence, markup=False)
        yield Input(self._name, compact=True, id="name")
        yield Static("", classes="problem", markup=False)

    @on(Input.Submitted)
    def accept(self, event: Input.Submitted) -> None:
        """Check the name and close with it; a taken one wants a second Enter."""
        name = event.value.strip()
        problem = ""
        if not name or not all(char.isascii() and (char.isalnum() or char in "-_") for char in name):
            problem = "Use letters, digits, - and _ only: it becomes the name of a file."
        elif name in self._taken and self._warned != name:
            self._warned = name
            problem = f"{name} is there already; Enter again replaces it."
        if problem:
            self.query_one(".problem", Static).update(problem)
        else:
            self.dismiss(name)


class HelpDialog(Dialog[None]):
    """What the focused pane shows and which keys work there, made from its own bindings."""

    keys_text = "up and down scroll · y copy · Esc closes"
    AUTO_FOCUS = "#help"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark,f1", "close", "close", show=False, id="help.close")
    ]

    def __init__(self, title: str, text: str, keys: list[tuple[str, str]]) -> None:
        super().__init__()
        self.title_text = title
        self._text = text
        self._keys = keys

    def compose_body(self) -> ComposeResult:
        """The words, then the keys."""
        lines: list[Line] = []
        for paragraph in self._text.strip().split("\n\n"):
            lines.extend(((text, ""),) for text in wrap(paragraph, 66))
            lines.append(())
        width = max((len(key) for key, _ in self._keys), default=0)
        lines.extend(((f" {key:<{width}}  ", "key"), (what, "")) for key, what in self._keys)
        view = LinesView(lines, id="help")
        view.can_focus = True
        yield view

    def on_resize(self, event: events.Resize) -> None:
        """As high as the screen has room for; the rest is scrolled to."""
        self.query_one("#help").styles.max_height = max(4, event.size.height * 9 // 10 - 4)
