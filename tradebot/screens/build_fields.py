"""The fields of a form: one row each, with its label, its editor, what it means, and its problem below."""

from __future__ import annotations

from typing import ClassVar

from rich.cells import cell_len
from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.strip import Strip
from textual.suggester import SuggestFromList
from textual.widget import Widget
from textual.widgets import Input

from tradebot.engine.messages import FormField
from tradebot.screens.pickers import Choice, PickDialog, PickManyDialog
from tradebot.screens.widgets.palette import Part, palette_of, to_strip, wrap
from tradebot.screens.widgets.toggle import toggle_line

__all__ = ["FieldRow"]

_LABEL = 22
_NARROW_EDITOR = 22
_TYPED = frozenset({"int", "float", "text", "series", "symbols"})


class Edited(Message):
    """An editor holds another text. `finished` is False while the person may still be typing."""

    def __init__(self, text: str, *, finished: bool) -> None:
        super().__init__()
        self.text = text
        self.finished = finished


class TextEditor(Input):
    """A typed value. Enter goes on to the next field, or opens the list where there is something to pick."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "app_walk(-1)", "Up", show=False, id="field.text_up"),
        Binding("down", "app_walk(1)", "Down", show=False, id="field.text_down"),
        Binding("enter", "pick", "pick", id="field.pick"),
        Binding("enter", "submit", "next field", show=False, id="field.submit"),
    ]

    def __init__(self, field: FormField) -> None:
        suggester = SuggestFromList(field.choices, case_sensitive=False) if field.kind == "series" else None
        super().__init__(
            field.text,
            placeholder=field.default,
            compact=True,
            suggester=suggester,
            select_on_focus=field.kind in {"int", "float", "series"},
        )
        self.field = field

    def take(self, field: FormField, *, force: bool) -> None:
        """Show another state of the field; what is being typed is left alone unless forced."""
        if self.field.choices != field.choices and field.kind == "series":
            self.suggester = SuggestFromList(field.choices, case_sensitive=False)
        self.field = field
        self.placeholder = field.default
        if self.value != field.text and (force or not self.has_focus):
            with self.prevent(Input.Changed):
                self.value = field.text

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Enter picks only where there is a list."""
        if action == "pick":
            return bool(self.field.choices) and self.field.kind in {"series", "symbols"}
        return super().check_action(action, parameters)

    def action_app_walk(self, step: int) -> None:
        """To the field above or below."""
        self.post_message(FieldRow.Walk(step))

    def action_pick(self) -> None:
        """Pick instead of typing."""
        if self.field.kind == "symbols":
            present = tuple(part.strip() for part in self.value.split(",") if part.strip())
            offered = tuple(dict.fromkeys((*present, *self.field.choices)))
            choices = tuple(Choice(name, name) for name in offered)
            self.app.push_screen(
                PickManyDialog(self.field.label.capitalize(), choices, present), self._picked_many
            )
            return
        choices = tuple(Choice(name, name) for name in self.field.choices)
        self.app.push_screen(PickDialog(self.field.label.capitalize(), choices, self.value), self._picked)

    def _picked(self, value: str | None) -> None:
        if value is not None:
            self.value = value
            self.cursor_position = len(value)

    def _picked_many(self, values: tuple[str, ...] | None) -> None:
        if values is not None:
            self._picked(", ".join(values))

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        event.stop()
        if not self.field.path.endswith("@name"):  # a name is taken when it is complete, not letter by letter
            self.post_message(Edited(self.value, finished=False))

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.post_message(FieldRow.Walk(1))

    def _on_blur(self, event: events.Blur) -> None:
        super()._on_blur(event)
        if self.value != self.field.text:
            self.post_message(Edited(self.value, finished=True))


class PickEditor(Widget, can_focus=True):
    """A value that is picked: a choice, an on/off switch or a list of members."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,space", "open", "pick", key_display="Enter", id="field.open"),
        Binding("left", "step(-1)", "previous value", show=False, id="field.previous"),
        Binding("right", "step(1)", "next value", show=False, id="field.next"),
        Binding("up,k", "app_walk(-1)", "Up", show=False, id="field.up"),
        Binding("down,j", "app_walk(1)", "Down", show=False, id="field.down"),
    ]

    def __init__(self, field: FormField) -> None:
        super().__init__()
        self.field = field
        self._text = field.text

    @property
    def value(self) -> str:
        """The text of the value."""
        return self._text

    def take(self, field: FormField, *, force: bool) -> None:
        """Show another state of the field."""
        changed = (field.text, field.default) != (self._text, self.field.default)
        self.field = field
        if changed or force:
            self._text = field.text
            self.refresh()

    def render_line(self, y: int) -> Strip:  # noqa: ARG002 - one line only
        """The value with a mark that says it opens, dimmed where it is only the default."""
        shown, tone = (self._text, "text") if self._text else (self.field.default or "none", "dim")
        width = self.size.width
        if self.field.kind == "bool":
            on_now = shown == "true"
            parts: list[Part] = list(toggle_line(on_now, "" if self._text else "dim"))
        else:
            if self.field.kind == "members" and not self._text:
                shown = "none picked"
            text = shown if cell_len(shown) <= width - 3 else shown[: width - 5] + ".."
            parts = [(f"{text:<{max(1, width - 2)}}", tone), ("▾", "key")]
        return to_strip(parts, width, palette_of(self.app)).apply_style(self.rich_style)

    def _set(self, text: str) -> None:
        if text != self._text:
            self._text = text
            self.refresh()
            self.post_message(Edited(text, finished=True))

    def action_app_walk(self, step: int) -> None:
        """To the field above or below."""
        self.post_message(FieldRow.Walk(step))

    def action_step(self, step: int) -> None:
        """The previous or next value."""
        if self.field.kind == "bool":
            self._set("false" if (self._text or self.field.default) == "true" else "true")
        elif self.field.kind == "choice" and self.field.choices:
            present = self._text or self.field.default
            place = (
                self.field.choices.index(present) if present in self.field.choices else -1 if step > 0 else 0
            )
            self._set(self.field.choices[(place + step) % len(self.field.choices)])

    def action_open(self) -> None:
        """Flip a switch; open the list of a choice or of members."""
        title = self.field.label.capitalize()
        choices = tuple(Choice(name, name) for name in self.field.choices)
        if self.field.kind == "bool":
            self.action_step(1)
        elif self.field.kind == "members":
            present = tuple(part.strip() for part in self._text.split(",") if part.strip())
            unknown = tuple(
                Choice(name, f"{name}  (not there)") for name in present if name not in self.field.choices
            )
            self.app.push_screen(PickManyDialog(title, (*choices, *unknown), present), self._picked_many)
        else:
            self.app.push_screen(PickDialog(title, choices, self._text or self.field.default), self._picked)

    def _picked(self, value: str | None) -> None:
        if value is not None:
            self._set(value)

    def _picked_many(self, values: tuple[str, ...] | None) -> None:
        if values is not None:
            self._set(", ".join(values))

    def on_click(self) -> None:
        """A click opens it."""
        self.focus()
        self.action_open()


class FieldRow(Widget):
    """A field: the row draws label, meaning and problem itself, around its one editor."""

    class Changed(Message):
        """The person changed the field at `path`. `finished` is False while they may still be typing."""

        def __init__(self, path: str, text: str, *, finished: bool) -> None:
            super().__init__()
            self.path = path
            self.text = text
            self.finished = finished

    class Walk(Message):
        """The person wants to the next (1) or previous (-1) field."""

        def __init__(self, step: int) -> None:
            super().__init__()
            self.step = step

    def __init__(self, field: FormField, identity: tuple[str, str]) -> None:
        super().__init__(classes="field")
        self.field = field
        self.identity = identity
        self.refusal = ""
        self.editor: TextEditor | PickEditor = (
            TextEditor(field) if field.kind in _TYPED else PickEditor(field)
        )
        if field.kind in {"text", "symbols", "members"}:
            self.editor.add_class("-long")
        self._problem_rows: list[str] = []

    def compose(self) -> ComposeResult:
        """The editor; all else is drawn."""
        yield self.editor

    def on_mount(self) -> None:
        """Make room for the problem."""
        self._fit_problem()

    def on_resize(self) -> None:
        """Break the problem anew; a long editor takes what room there is."""
        if self.editor.has_class("-long"):
            self.editor.styles.width = max(10, self.size.width - _LABEL - 2)
        self._fit_problem()

    @property
    def problem(self) -> str:
        """What is wrong with the field."""
        return self.refusal or self.field.problem

    def take(self, field: FormField, *, force: bool = False) -> None:
        """Show another state of the same field, in place."""
        if field == self.field and not force and not self.refusal:
            return
        self.field = field
        self.refusal = ""
        self.editor.take(field, force=force)
        self._fit_problem()
        self.refresh()

    def refuse(self, sentence: str) -> None:
        """Show why an edit of this field was refused."""
        self.refusal = sentence
        self._fit_problem()
        self.refresh()

    def _fit_problem(self) -> None:
        rows = wrap(self.problem, max(16, self.size.width - _LABEL - 2)) if self.problem else []
        self.editor.set_class(bool(rows), "-wrong")
        if rows != self._problem_rows:
            self._problem_rows = rows
            self.styles.height = 1 + len(rows)

    def render_line(self, y: int) -> Strip:
        """Label and meaning in the first line, the problem below."""
        width = self.size.width
        parts: list[Part]
        if y == 0:
            editor = width - _LABEL if self.editor.has_class("-long") else _NARROW_EDITOR
            label = self.field.label[:1].upper() + self.field.label[1:]
            tone = "bad" if self.problem else "text"
            mark = "▾" if self.field.kind in {"series", "symbols"} and self.field.choices else " "
            about = f"{self.field.unit:<4} " if self.field.unit else " "
            parts = [
                (f"  {label:<{_LABEL - 2}.{_LABEL - 3}}", tone),
                (" " * editor, ""),
                (mark, "key"),
                (about, "text"),
            ]
            room = width - _LABEL - editor - 1 - len(about)
            for note in (self.field.help, self._limits()):
                if note and cell_len(note) <= room:
                    parts.append((note, "dim"))
                    break
        else:
            row = self._problem_rows[y - 1] if y - 1 < len(self._problem_rows) else ""
            parts = [(" " * _LABEL, ""), (row, "bad")]
        return to_strip(parts, width, palette_of(self.app)).apply_style(self.rich_style)

    @property
    def explanation(self) -> str:
        """What the field means, in full: help, limits, default."""
        default = f"Empty: {self.field.default}." if self.field.default else ""
        return "  ".join(part for part in (self.field.help, self._limits(), default) if part)

    def _limits(self) -> str:
        low, high = self.field.low, self.field.high
        if low is None and high is None:
            return ""
        return f"{'' if low is None else f'{low:g}'} to {'' if high is None else f'{high:g}'}".strip()

    def on_edited(self, event: Edited) -> None:
        """Pass the change on under the field's path."""
        event.stop()
        self.post_message(self.Changed(self.field.path, event.text, finished=event.finished))
