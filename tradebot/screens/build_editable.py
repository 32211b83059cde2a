"""A form whose values are edited: the lines, the editor over the value that is typed, and what is typed so far."""

from __future__ import annotations

from dataclasses import replace

from textual import on
from textual.geometry import Region
from textual.message import Message

from tradebot.engine.messages import FormField, FormView
from tradebot.screens.area import Pane
from tradebot.screens.build_editor import CellEditor
from tradebot.screens.build_lines import FormCell, FormLine
from tradebot.screens.build_sheet import FormSheet
from tradebot.screens.build_typed import TypedValues
from tradebot.screens.build_values import stepped

__all__ = ["EditableSheet"]


class EditableSheet(Pane):
    """A pane with a FormSheet and a CellEditor over it. It tells what is edited; what follows is shown by others."""

    class Edited(Message):
        """The value at `path` is to become `text`; `finished` is False while the person may still be typing."""

        def __init__(self, path: str, text: str, *, finished: bool = True) -> None:
            super().__init__()
            self.path = path
            self.text = text
            self.finished = finished

    class Pick(Message):
        """The value of the field is to be picked from a list."""

        def __init__(self, field: FormField) -> None:
            super().__init__()
            self.field = field

    def __init__(self, *, id: str, classes: str) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id, classes=classes)
        self.typed = TypedValues()

    @property
    def sheet(self) -> FormSheet:
        """The lines."""
        return self.query_one("#form", FormSheet)

    @property
    def editor(self) -> CellEditor:
        """The editor over them."""
        return self.query_one(CellEditor)

    def draw(self) -> None:
        """Lay the lines out and show them, with what is typed."""
        raise NotImplementedError

    def renamed(self, path: str, name: str) -> None:
        """The node at `path` gets another name."""
        raise NotImplementedError

    def expect(self, path: str, text: str) -> None:
        """Show a value at once that the engine has not answered to yet."""
        self.typed.send(path, text)
        if path != self.editor.path:
            self.draw()

    def refuse(self, path: str, text: str, sentence: str) -> None:
        """Show why an edit was refused, and keep what was typed."""
        self.typed.refuse(path, text, sentence)
        self.draw()

    # ------------------------------------------------------------------------------------------ editing

    @on(FormSheet.Opened)
    def _opened(self, event: FormSheet.Opened) -> None:
        event.stop()
        if event.cell is not None:
            self._open_cell(event.cell, event.text)
        else:
            self.open_line(event.line)

    def open_line(self, line: FormLine) -> None:
        """Enter on the head of a line: edit its first value."""
        if line.cells:
            self.sheet.go(self.sheet.at, 0)
            self._open_cell(line.cells[0], None)

    def _open_cell(self, cell: FormCell, text: str | None) -> None:
        field = cell.field
        if field.kind == "bool":
            self._step(field, 1)
        elif cell.typed or text is not None:
            region = self._region_of(field.path)
            if region is not None:
                self.editor.begin(field, region, text)
        else:
            self.post_message(self.Pick(field))

    def _region_of(self, path: str) -> Region | None:
        """Where the editor of a cell lies in this pane: over the cell, and to the end of the line for long texts."""
        region = self.sheet.cell_region(path)
        if region is None:
            return None
        offset = self.sheet.region.offset - self.content_region.offset
        room = self.sheet.size.width - 2 - region.x
        return Region(region.x, region.y, min(max(region.width, 10), room), 1).translate(offset)

    def follow_editor(self, view: FormView) -> None:
        """Keep the editor over its cell; close it where the cell is gone."""
        editor = self.editor
        if editor.field is None:
            return
        fields = (each for section in view.sections for each in section.fields)
        inline = (each for row in view.rows for each in row.fields)
        field = next((each for each in (*fields, *inline) if each.path == editor.path), None)
        region = self._region_of(editor.path) if field is not None else None
        if field is not None:
            editor.take(field)
        if region is not None:
            editor.put(region)
        elif field is None:
            editor.end()
            self.sheet.focus()

    @on(FormSheet.Scrolled)
    def _scrolled(self, event: FormSheet.Scrolled) -> None:
        event.stop()
        editor = self.editor
        if editor.field is None:
            return
        region = self._region_of(editor.path)
        if region is not None:
            editor.put(region)
        else:
            editor.end()
            self.sheet.focus()

    @on(CellEditor.Typed)
    def _typing(self, event: CellEditor.Typed) -> None:
        event.stop()
        node, _, key = event.path.rpartition(".")
        if key == "@name":
            self.renamed(node, event.text.strip())
        self._tell_edit(event.path, event.text, finished=event.finished)

    @on(CellEditor.Left)
    def _left_editor(self, event: CellEditor.Left) -> None:
        event.stop()
        sheet = self.sheet
        sheet.focus()
        if event.where in {"next", "previous"}:
            cell = sheet.next_cell(1 if event.where == "next" else -1)
            if cell is not None and cell.typed:
                self._open_cell(cell, None)
        elif event.where in {"up", "down"}:
            sheet.action_walk(1 if event.where == "down" else -1)

    @on(FormSheet.Stepped)
    def _stepped(self, event: FormSheet.Stepped) -> None:
        event.stop()
        self._step(event.cell.field, event.step)

    def _step(self, field: FormField, step: int) -> None:
        """The next value, counted from one that the area has not heard of yet where keys come fast."""
        text = stepped(replace(field, text=self.typed.text_of(field)), step)
        if text is not None:
            self._tell_edit(field.path, text, finished=True)
            self.draw()

    def set_value(self, path: str, text: str) -> None:
        """A value was picked."""
        self._tell_edit(path, text, finished=True)
        self.draw()

    def _tell_edit(self, path: str, text: str, *, finished: bool) -> None:
        self.typed.tell(path, text)
        self.post_message(self.Edited(path, text, finished=finished))
