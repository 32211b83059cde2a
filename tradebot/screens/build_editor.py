"""The one editor of the form: an input laid over the cell whose value is being typed."""

from __future__ import annotations

from typing import ClassVar

from textual import events, on
from textual.binding import Binding, BindingType
from textual.geometry import Region
from textual.message import Message
from textual.suggester import SuggestFromList
from textual.widget import Widget
from textual.widgets import Input

from tradebot.engine.messages import FormField
from tradebot.screens.widgets.fixed_input import FixedInput

__all__ = ["CellEditor", "left_for_good"]


class CellEditor(FixedInput):
    """Types the value of one field. Every letter is told at once; leaving, in whatever way, keeps what is there."""

    DEFAULT_CSS = """
    CellEditor { layer: over; position: absolute; display: none; height: 1; padding: 0 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "leave('stay')", "done", id="editor.done"),
        Binding("tab", "leave('next')", "next field", id="editor.next"),
        Binding("shift+tab", "leave('previous')", "previous field", show=False, id="editor.previous"),
        Binding("escape", "leave('stay')", "done", show=False, id="editor.leave"),
        Binding("up", "leave('up')", "up", show=False, id="editor.up"),
        Binding("down", "leave('down')", "down", show=False, id="editor.down"),
    ]

    class Typed(Message):
        """The text of the field at `path` is another one; `finished` is False while the person is still typing."""

        def __init__(self, path: str, text: str, *, finished: bool) -> None:
            super().__init__()
            self.path = path
            self.text = text
            self.finished = finished

    class Left(Message):
        """The person is done here and wants to go: stay, next, previous, up or down."""

        def __init__(self, where: str) -> None:
            super().__init__()
            self.where = where

    def __init__(self) -> None:
        super().__init__(compact=True, id="cell-editor", select_on_focus=False)
        self.field: FormField | None = None
        self._before = ""

    @property
    def path(self) -> str:
        """The path of the field that is being typed; "" while none is."""
        return self.field.path if self.field is not None else ""

    def begin(self, field: FormField, region: Region, text: str | None) -> None:
        """Open over a cell: with its value selected, or with `text` in its place, which counts as typed."""
        self.field = field
        self._before = field.text
        self.suggester = (
            SuggestFromList(field.choices, case_sensitive=False) if field.kind == "series" else None
        )
        self.placeholder = field.default
        with self.prevent(Input.Changed):
            self.value = field.text
        self.put(region)
        self.display = True
        self.focus()
        if text is None:
            self.cursor_position = len(self.value)
            if field.kind in {"int", "float", "series"}:
                self.select_all()
        else:
            self.value = text
            self.cursor_position = len(text)

    def put(self, region: Region) -> None:
        """Lie over that place of the form."""
        wanted = (region.x, region.y)
        if self.styles.offset.x.value != wanted[0] or self.styles.offset.y.value != wanted[1]:
            self.styles.offset = wanted
        if self.styles.width is None or self.styles.width.value != region.width:
            self.styles.width = region.width

    def take(self, field: FormField) -> None:
        """Another state of the same field; what is being typed stays."""
        if field.kind == "series" and self.field is not None and field.choices != self.field.choices:
            self.suggester = SuggestFromList(field.choices, case_sensitive=False)
        self.field = field
        self.placeholder = field.default
        self.set_class(bool(field.problem), "-wrong")

    def end(self) -> None:
        """Close; what was typed is told once more, as finished."""
        field = self.field
        if field is None:
            return
        self.field = None
        self.display = False
        self.remove_class("-wrong")
        if self.value != self._before or self.value != field.text:
            self.post_message(self.Typed(field.path, self.value, finished=True))

    def action_leave(self, where: str) -> None:
        """Done; go on to where the key points."""
        self.end()
        self.post_message(self.Left(where))

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        event.stop()
        if self.field is not None and not self.field.path.endswith("@name"):
            # A name is taken when it is complete: it would be renamed everywhere letter by letter.
            self.post_message(self.Typed(self.field.path, self.value, finished=False))

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()

    def _on_blur(self, event: events.Blur) -> None:
        super()._on_blur(event)
        if left_for_good(self):
            self.end()


def left_for_good(widget: Widget) -> bool:
    """Whether a widget that lost the focus lost it to another one beside it: not to a window over the screen, not
    because the terminal itself lost it."""
    return widget.app.app_focus and widget.app.screen is widget.screen and widget.screen.focused is not widget
