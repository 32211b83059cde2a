"""The form in the middle of Build: the lines of the strategy, the editor over them, and what the cursor is on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widget import Widget

from tradebot.engine.messages import FormSection, FormView
from tradebot.screens.build_editable import EditableSheet
from tradebot.screens.build_editor import CellEditor
from tradebot.screens.build_help import explanation, line_help
from tradebot.screens.build_layout import NODE_KINDS, FormLayout, holding
from tradebot.screens.build_lines import FormLine, LineKind
from tradebot.screens.build_rule_entry import RuleEntry
from tradebot.screens.build_sheet import FormSheet
from tradebot.screens.build_toml import TomlView
from tradebot.screens.build_typed import TypedValues
from tradebot.screens.widgets.lines_view import LinesView
from tradebot.screens.widgets.palette import Line, wrap

__all__ = ["FormPane"]

_FOLDED_AT_FIRST = frozenset({"orders", "limits", "costs", *NODE_KINDS})
_ENTRY_ROWS = 12
_TALL = 40
_SEEN_BELOW = 3


class FormPane(EditableSheet):
    """The strategy as a form. One cursor walks lines and cells; letters are verbs, except while a value is typed."""

    HELP = (
        "Everything a strategy consists of. Up and down walk the lines, left and right the values of a line. Enter "
        "edits what is under the cursor: it types a value, opens a list, flips a switch, folds a section. On a number "
        "just type the digits; + and - change it in steps, and the preview follows.\n\n"
        "n asks for a rule in words: rsi<30, ema 9 crosses above ema 21, adx > 20, close > ema 200 4h. Everything a "
        "rule needs is made and named by itself. Space switches a rule off and on, x removes it, d copies it, J and K "
        "move it, w puts it into a group of its own, e writes a note to it.\n\n"
        "While a value is typed, letters are letters; Enter or Esc is done with it, Tab goes on to the next value. "
        "What is wrong stands below the value and is never thrown away. An empty value means the default, which is "
        "shown dimmed.\n\n"
        "N shows every indicator, signal and group with all its values, F2 the same strategy as a TOML text."
    )
    label = "Form"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "leave", show=False, id="form.leave"),
        Binding("N", "nodes", "nodes", key_display="N", id="form.nodes"),
    ]

    class Left(Message):
        """Esc was pressed: the person is done with the form."""

    class Add(Message):
        """A rule is to be added at `place`."""

        def __init__(self, place: str) -> None:
            super().__init__()
            self.place = place

    def __init__(self) -> None:
        super().__init__(id="form-pane", classes="pane")
        self._layout_of = FormLayout()
        self._view: FormView | None = None
        self._folds: dict[str, bool] = {}
        self._all_nodes = False
        self._told: tuple[str, str] | None = None
        self._broken_why = ""
        self._text = ("", "", False)

    def compose(self) -> ComposeResult:
        """The lines, an explanation below them; editor and rule entry are laid over."""
        yield LinesView(id="form-empty")
        yield FormSheet(id="form")
        yield LinesView(id="field-help")
        yield TomlView()
        yield CellEditor()
        yield RuleEntry()

    @property
    def entry(self) -> RuleEntry:
        """Where rules are typed."""
        return self.query_one(RuleEntry)

    @property
    def text_view(self) -> TomlView:
        """The same strategy as a text."""
        return self.query_one(TomlView)

    @property
    def as_text(self) -> bool:
        """Whether the text is shown in place of the form."""
        return self.text_view.display

    @property
    def view(self) -> FormView | None:
        """The strategy that is shown."""
        return self._view

    @property
    def nodes(self) -> bool:
        """Whether every node is shown as well."""
        return self._all_nodes

    @property
    def tab_note(self) -> str:
        """What stands on the border where there is one."""
        return self.title_text if self._view is not None else ""

    def focus_target(self) -> Widget:
        """The lines; what is being typed keeps the focus."""
        if self.as_text:
            return self.text_view.area
        if self.editor.field is not None:
            return self.editor
        return self.entry.input if self.entry.place else self.sheet

    def say_empty(self, lines: tuple[Line, ...]) -> None:
        """Show what to do while no strategy is open; nothing while one is."""
        empty = self.query_one("#form-empty", LinesView)
        empty.display = bool(lines)
        empty.show(lines)

    # ------------------------------------------------------------------------------------------ showing

    def open(self, view: FormView) -> None:
        """Show another strategy, from its beginning."""
        self.editor.end()
        self.entry.close()
        self.typed = TypedValues()
        self.say_empty(())
        self.take(view)
        sheet = self.sheet
        sheet.scroll_home(animate=False)
        sheet.go(0)

    def close(self) -> None:
        """Show no strategy."""
        self.editor.end()
        self.entry.close()
        self._view = None
        self.sheet.show(())
        self.caption("Form", "")

    def take(self, view: FormView, typed: Mapping[str, str] | None = None) -> None:
        """Show another state of the strategy. `typed` are values by path whose edits are still under way."""
        self._view = view
        self.typed.answer(typed or {})
        self.draw()

    def restore(self, view: FormView) -> None:
        """Show a state of another moment and go to what is different in it; what was refused since does not matter."""
        self.typed.forgive()
        before = set(self.sheet.lines)
        self.take(view)
        lines = enumerate(self.sheet.lines)
        changed = next(
            (n for n, line in lines if line.stops and line.section is None and line not in before), None
        )
        if changed is not None:
            self.sheet.go(changed, below=_SEEN_BELOW)

    def draw(self) -> None:
        """Lay the view out for the room there is, and show it with what is typed."""
        if self._view is None:
            return
        width = max(30, self.sheet.size.width - 2)
        view = self.typed.over(self._view)
        lines = self._layout_of.lines(view, width, self.is_folded, nodes=self._all_nodes)
        self.sheet.show(lines)
        self.follow_editor(view)

    def show_text(self, text: str, broken_why: str, problem: str, *, force: bool = False) -> None:
        """Show the text and what is wrong with it; over the form, that there is a text that cannot be read."""
        self._text = (text, broken_why or problem, force or self._text[2])
        self._broken_why = broken_why
        if self.as_text:
            self._draw_text()
        self._show_banner()

    def _draw_text(self) -> None:
        text, problem, force = self._text
        self._text = (text, problem, False)
        self.text_view.show(text, force=force)
        self.text_view.say(problem)

    def _show_banner(self) -> None:
        why = "" if self.as_text else self._broken_why
        sentence = f"The TOML text cannot be read: {why} F2 goes to it, u gives it up." if why else ""
        rows = wrap(sentence, max(20, self.size.width - 4)) if sentence else []
        self.say_empty(
            tuple(((f" × {row}" if n == 0 else f"   {row}", "bad"),) for n, row in enumerate(rows))
        )

    def switch(self, *, as_text: bool) -> None:
        """Show the strategy as a text or as the form; cursors stay where they are in both."""
        self.editor.end()
        self.entry.close()
        if as_text:
            self._draw_text()
        self.text_view.display = as_text
        self.sheet.display = self.query_one("#field-help").display = not as_text
        self._show_banner()
        self.focus_target().focus()

    def is_folded(self, section: FormSection) -> bool:
        """Whether a section is folded: as the person left it, else by its kind and the room there is."""
        folded = NODE_KINDS if self.sheet.size.height >= _TALL else _FOLDED_AT_FIRST
        return self._folds.get(section.path, section.kind in folded)

    def fold(self, path: str, folded: bool) -> None:
        """Fold or unfold a section; it stays so for every strategy."""
        self._folds[path] = folded
        self.draw()

    def renamed(self, path: str, name: str) -> None:
        """A node gets another name and stays folded or unfolded."""
        if path in self._folds:
            self._folds[f"{path.rpartition('.')[0]}.{name}"] = self._folds[path]

    def action_nodes(self) -> None:
        """Show every node with all its values, or only the rules made of them."""
        self._all_nodes = not self._all_nodes
        self.draw()
        if self._all_nodes and self._view is not None:
            first = next((each.path for each in self._view.sections if each.kind in NODE_KINDS), "")
            self.sheet.go_to_key(f"section:{first}")

    def on_resize(self) -> None:
        """Lay out for the new width, once the lines have it."""
        self.call_after_refresh(self.draw)
        self.call_after_refresh(self._place_entry)

    # ------------------------------------------------------------------------------------------ walking

    def jump(self, path: str) -> bool:
        """Put the cursor on the field of a path, or on the nearest thing above it; False where nothing fits."""
        view = self._view
        if view is None:
            return False
        sections, in_nodes = holding(view, path)
        self._all_nodes = self._all_nodes or in_nodes
        self._folds.update(dict.fromkeys(sections, False))
        self.draw()
        found = self.sheet.find(path)
        of_rules = path in {"entry", "exit", "entry.signals", "exit.signals"}
        if of_rules and (found is None or self.sheet.lines[found[0]].kind is LineKind.SECTION):
            return self.sheet.go_to_key(f"add:{path.partition('.')[0]}")
        if found is None:
            return False
        self.sheet.go(*found, below=_SEEN_BELOW)
        return True

    def place_here(self) -> str:
        """Where a rule is added now: to what the cursor is in, else to the entry."""
        line = self.sheet.line
        if line is None:
            return "entry"
        if line.kind is LineKind.ADD:
            return line.path
        if line.row is not None:
            return f"groups.{line.row.name}" if line.row.kind == "group" else line.row.place or "entry"
        at = self.sheet.lines.index(line)
        section = next((each.section for each in self.sheet.lines[at::-1] if each.section is not None), None)
        return "exit" if section is not None and section.kind in {"exit", "exits"} else "entry"

    @on(FormSheet.Moved)
    def _explain(self, event: FormSheet.Moved) -> None:
        event.stop()
        sheet = self.sheet
        line, cell = sheet.line, sheet.cell
        if self._told and self._told[1] == (line.key if line is not None else ""):
            text = self._told[0]
        elif cell is not None:
            text = explanation(cell.field)
        else:
            text = line_help(line) if line is not None else ""
        rows = wrap(text, max(20, self.size.width - 4))[:2] if text else []
        self.query_one("#field-help", LinesView).show([((row, "dim"),) for row in (*rows, "", "")[:2]])

    def tell(self, sentence: str) -> None:
        """Say what an edit did, below the form, until the cursor goes to another line."""
        line = self.sheet.line
        self._told = (sentence, line.key if line is not None else "") if sentence else None
        self.sheet.post_message(FormSheet.Moved())

    def action_leave(self) -> None:
        """Esc: from a cell to the head of its line, from there out of the form."""
        sheet = self.sheet
        if sheet.cell is not None and sheet.line is not None and sheet.line.head:
            sheet.go(sheet.lines.index(sheet.line))
        else:
            self.post_message(self.Left())

    def open_line(self, line: FormLine) -> None:
        """Enter on the head of a line: fold or unfold a section, ask for a rule, else edit the first value."""
        if line.kind is LineKind.ADD:
            self.post_message(self.Add(line.path))
        elif line.kind is LineKind.SECTION and line.section is not None:
            self.fold(line.section.path, not self.is_folded(line.section))
        else:
            super().open_line(line)

    # ------------------------------------------------------------------------------------------ rules

    def ask_rule(self, place: str) -> None:
        """Open the rule entry at the end of a place's rules."""
        self._folds["entry" if place != "exit" else "exits"] = False
        if place == "exit":
            self._folds["exit"] = False
        self.draw()
        wanted = place if place in {"entry", "exit"} else "entry"
        self.sheet.go_to_key(f"add:{wanted}")
        self.entry.open(place)
        self._place_entry()
        self.call_after_refresh(self._place_entry)  # where the form was not in view until now

    def _place_entry(self) -> None:
        """Lay the rule entry over the form, at the line rules are added by, as far as there is room below."""
        sheet = self.sheet
        if self.entry.place and sheet.line is not None and sheet.size.height:
            height = min(_ENTRY_ROWS, sheet.size.height)
            at = sheet.lines.index(sheet.line) - round(sheet.scroll_y)
            top = sheet.region.y - self.content_region.y
            self.entry.put(top + max(0, min(at, sheet.size.height - height)), sheet.size.width, height)
