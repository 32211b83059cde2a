"""Values as the person typed them, over a view that does not know them yet or that refused them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from tradebot.engine.messages import FormField, FormView

__all__ = ["TypedValues"]


class TypedValues:
    """What was typed and is not in the view: told a moment ago, under way to the engine, or refused by it."""

    def __init__(self) -> None:
        self._told: dict[str, str] = {}
        self._sent: dict[str, str] = {}
        self._refused: dict[str, tuple[str, str]] = {}

    def tell(self, path: str, text: str) -> None:
        """A value was typed; the area has not heard of it yet."""
        self._told[path] = text

    def send(self, path: str, text: str) -> None:
        """The area has heard of the value and sends it."""
        if self._told.get(path) == text:
            del self._told[path]
        self._refused.pop(path, None)
        self._sent[path] = text

    def answer(self, under_way: Mapping[str, str]) -> None:
        """The engine has answered; these values are still under way."""
        self._sent = dict(under_way)

    def refuse(self, path: str, text: str, sentence: str) -> None:
        """The engine does not take the value; it is kept with the reason."""
        self._told.pop(path, None)
        self._sent.pop(path, None)
        self._refused[path] = (text, sentence)

    def forgive(self) -> None:
        """What was refused does not matter any more."""
        self._refused = {}

    def text_of(self, field: FormField) -> str:
        """The text of a field, as new as it is known."""
        return self._told.get(field.path, self._sent.get(field.path, field.text))

    def over(self, view: FormView) -> FormView:
        """The view with what was typed in its fields."""
        if not (self._told or self._sent or self._refused):
            return view
        known = {field.path for section in view.sections for field in section.fields}
        self._refused = {path: said for path, said in self._refused.items() if path in known}
        sections = tuple(replace(each, fields=tuple(map(self._now, each.fields))) for each in view.sections)
        rows = tuple(replace(each, fields=tuple(map(self._now, each.fields))) for each in view.rows)
        return replace(view, sections=sections, rows=rows)

    def _now(self, field: FormField) -> FormField:
        if field.path in self._refused:
            text, sentence = self._refused[field.path]
            return replace(field, text=text, problem=sentence)
        text = self.text_of(field)
        return field if text == field.text else replace(field, text=text)
