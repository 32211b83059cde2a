"""The form in the middle of Build: sections of fields, updated in place so that focus and cursor stay."""

from __future__ import annotations

import asyncio
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from tradebot.engine.messages import FormField, FormSection, FormView
from tradebot.screens.area import Pane
from tradebot.screens.build_fields import FieldRow
from tradebot.screens.widgets.lines_view import LinesView
from tradebot.screens.widgets.palette import Line, Part, palette_of, spread, to_strip, wrap

__all__ = ["FormPane", "SectionHeader", "SectionView"]

_FOLDED_AT_FIRST = frozenset({"costs"})
_FOLDED_WHERE_CROWDED = frozenset({"indicator", "signal", "group", "costs"})
_CROWDED = 40


class SectionHeader(Widget, can_focus=True):
    """The title of a section. Verbs on the whole node work here: on/off, remove, fold."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "enter", "edit", id="section.enter"),
        Binding("space,o", "switch", "on/off", key_display="Space", id="section.toggle"),
        Binding("delete", "remove", "remove", id="section.remove"),
        Binding("left", "fold(True)", "fold", show=False, id="section.fold"),
        Binding("right", "fold(False)", "unfold", show=False, id="section.unfold"),
        Binding("up,k", "app_walk(-1)", "up", show=False, id="section.up"),
        Binding("down,j", "app_walk(1)", "down", show=False, id="section.down"),
    ]

    class Verb(Message):
        """Something is to be done with the section's node: toggle or remove."""

        def __init__(self, verb: str, section: FormSection) -> None:
            super().__init__()
            self.verb = verb
            self.section = section

    def __init__(self, section: FormSection) -> None:
        super().__init__(classes="section-header")
        self.section = section

    @property
    def owner(self) -> SectionView:
        """The section this is the title of."""
        assert isinstance(self.parent, SectionView)  # noqa: S101 - composed by it
        return self.parent

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only the verbs this kind of section has."""
        match action:
            case "switch":
                return self.section.switchable
            case "remove":
                return self.section.removable
            case _:
                return super().check_action(action, parameters)

    def render_line(self, y: int) -> Strip:  # noqa: ARG002 - one line only
        """Fold mark, title, a summary while folded, what is wrong, whether it is off."""
        section, folded = self.section, self.owner.folded
        name, dot, kind = section.title.partition(" · ")
        tone = "bold primary" if section.enabled else "stale"
        left: list[Part] = [("▸ " if folded else "▾ ", "key"), (name, tone)]
        if dot:
            left.append((f" · {kind}", "text" if section.enabled else "stale"))
        if folded:
            said = ("@name", ".use", ".combine")  # in the title already
            values = [
                f"{each.label} {each.text}"
                for each in section.fields
                if each.text and not each.path.endswith(said)
            ]
            left.append(("   " + " · ".join(values), "dim"))
        wrong = sum(bool(each.problem) for each in section.fields) + bool(section.problem)
        right: list[Part] = []
        if wrong:
            right.append((f"  × {wrong}", "bad"))
        if section.switchable:
            right.append(
                ("  ● on" if section.enabled else "  ○ off", "live" if section.enabled else "warning")
            )
        elif section.kind in {"market", "risk", "costs", "entry", "exit"}:
            right.append(("", ""))
        line: Line = spread(tuple(left), tuple(right), self.size.width)
        return to_strip(line, self.size.width, palette_of(self.app)).apply_style(self.rich_style)

    def action_app_walk(self, step: int) -> None:
        """To the row above or below."""
        self.post_message(FieldRow.Walk(step))

    async def action_enter(self) -> None:
        """Into the first field."""
        await self.owner.set_folded(False)
        rows = self.owner.rows
        if rows:
            rows[0].editor.focus()

    async def action_fold(self, folded: bool) -> None:
        """Hide or show the fields."""
        await self.owner.set_folded(folded)

    def action_switch(self) -> None:
        """Switch the node on or off."""
        self.post_message(self.Verb("toggle", self.section))

    def action_remove(self) -> None:
        """Remove the node."""
        self.post_message(self.Verb("remove", self.section))

    async def on_click(self) -> None:
        """A click folds or unfolds."""
        await self.owner.set_folded(not self.owner.folded)


class SectionView(Widget):
    """A section: its header and a row for each field; rows exist only while it is unfolded."""

    def __init__(self, section: FormSection, *, folded: bool) -> None:
        super().__init__(classes="section")
        self.section = section
        self.folded = folded
        self.set_class(folded, "-folded")
        self.header = SectionHeader(section)

    def compose(self) -> ComposeResult:
        """Header, problem of the whole section, rows."""
        yield self.header
        note = LinesView(classes="section-problem")
        note.display = False
        yield note
        if not self.folded:
            for field in self.section.fields:
                yield FieldRow(field, _identity(self.section, field))

    def on_mount(self) -> None:
        """Show the section's own problem."""
        self._show_problem()

    @property
    def rows(self) -> list[FieldRow]:
        """The rows that exist now."""
        return list(self.query(FieldRow))

    async def set_folded(self, folded: bool) -> None:
        """Make or drop the rows."""
        if folded == self.folded:
            return
        self.folded = folded
        self.set_class(folded, "-folded")
        if folded:
            await self.query(FieldRow).remove()
        else:
            await self.mount_all(
                [FieldRow(field, _identity(self.section, field)) for field in self.section.fields]
            )
        self.header.refresh()

    async def take(self, section: FormSection, *, force: bool = False) -> None:
        """Show another state of the section: in place where its fields are the same, else only what came or went."""
        before, self.section = self.section, section
        self.header.section = section
        if before != section:
            self.header.refresh()
            self._show_problem()
        if self.folded:
            return
        rows = self.rows
        wanted = [_identity(section, field) for field in section.fields]
        if [row.identity for row in rows] == wanted:
            for row, field in zip(rows, section.fields, strict=True):
                row.take(field, force=force)
            return
        known = {row.identity: row for row in rows}
        for key, row in known.items():
            if key not in wanted:
                if row.has_focus_within:
                    self.header.focus()
                await row.remove()
        last: Widget = self.query_one(".section-problem")
        for key, field in zip(wanted, section.fields, strict=True):
            found = known.get(key)
            if found is None:
                found = FieldRow(field, key)
                await self.mount(found, after=last)
            else:
                found.take(field, force=force)
            last = found

    def _show_problem(self) -> None:
        note = self.query_one(".section-problem", LinesView)
        note.display = bool(self.section.problem)
        note.show(((("  " + self.section.problem, "bad"),),) if self.section.problem else ())


def _identity(section: FormSection, field: FormField) -> tuple[str, str]:
    """What makes two fields the same one: the end of the path, so that a renamed node keeps its rows; the kind."""
    return field.path.removeprefix(section.path), field.kind


class FormPane(Pane):
    """The strategy as a form. Fields are walked by Tab and the arrows; Esc leaves a field, then the form."""

    HELP = (
        "Everything a strategy consists of, made from what its parts declare. Up and down walk all rows. Tab walks "
        "from field to field; on the title of a section it goes to the next pane. Enter opens a list or goes into a "
        "section; left and right change a picked value or fold a section. Typing changes the strategy at once; the "
        "problem, if any, stands below the field. A long form opens with its nodes folded to a line each.\n\n"
        "While you type in a field, letters are letters. Esc leaves the field for its section, where letters are "
        "verbs again; Esc once more goes to the list of strategies.\n\n"
        "An empty field means the default, which is shown dimmed."
    )
    label = "Form"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "walk_fields(1)", "field", id="form.next"),
        Binding("shift+tab", "walk_fields(-1)", "previous field", show=False, id="form.previous"),
        Binding("escape", "leave", "leave field", id="form.leave"),
    ]

    class Left(Message):
        """Esc was pressed on a section: the person is done with the form."""

    def __init__(self) -> None:
        super().__init__(id="form-pane", classes="pane")
        self._lock = asyncio.Lock()

    def compose(self) -> ComposeResult:
        """The sections come with the first strategy."""
        yield LinesView(id="form-empty")
        yield VerticalScroll(id="form", can_focus=False)
        yield LinesView(id="field-help")

    @property
    def sections(self) -> list[SectionView]:
        """All sections, in order."""
        return list(self.query(SectionView))

    def focus_target(self) -> Widget:
        """The first section; nothing to focus before a strategy is open."""
        sections = self.sections
        return sections[0].header if sections else self

    def say_empty(self, lines: tuple[Line, ...]) -> None:
        """Show what to do while no strategy is open."""
        empty = self.query_one("#form-empty", LinesView)
        empty.display = bool(lines)
        empty.show(lines)

    async def open(self, view: FormView) -> None:
        """Show another strategy: all sections are made anew."""
        async with self._lock:
            holder = self.query_one("#form", VerticalScroll)
            await holder.remove_children()
            self.say_empty(())
            crowded = sum(len(section.fields) for section in view.sections) > _CROWDED
            folded = _FOLDED_WHERE_CROWDED if crowded else _FOLDED_AT_FIRST
            await holder.mount_all([self._made(section, folded) for section in view.sections])
            holder.scroll_home(animate=False)

    async def take(self, view: FormView, *, force: bool = False) -> None:
        """Show another state of the same strategy; only sections that came or went are made or dropped."""
        async with self._lock:
            holder = self.query_one("#form", VerticalScroll)
            views = self.sections
            if [each.section.path for each in views] != [each.path for each in view.sections]:
                views = await self._match(holder, views, view)
            for shown, section in zip(views, view.sections, strict=True):
                await shown.take(section, force=force)

    async def _match(
        self, holder: VerticalScroll, views: list[SectionView], view: FormView
    ) -> list[SectionView]:
        """The views of the sections, in order: kept, renamed, new."""
        wanted = [section.path for section in view.sections]
        known = {each.section.path: each for each in views}
        gone = [each for each in views if each.section.path not in wanted]
        new = [section for section in view.sections if section.path not in known]
        if len(views) == len(wanted) and len(gone) == len(new) == 1 and gone[0].section.kind == new[0].kind:
            return [known.get(path, gone[0]) for path in wanted]
        for each in gone:
            place = views.index(each)
            if each.has_focus_within and place > 0:
                views[place - 1].header.focus()
            await each.remove()
        ordered: list[SectionView] = []
        for section in view.sections:
            found = known.get(section.path)
            if found is None:
                found = self._made(section)
                if ordered:
                    await holder.mount(found, after=ordered[-1])
                else:
                    await holder.mount(found, before=0)
            ordered.append(found)
        return ordered

    def _made(self, section: FormSection, folded: frozenset[str] = _FOLDED_AT_FIRST) -> SectionView:
        wrong = any(field.problem for field in section.fields)
        return SectionView(section, folded=section.kind in folded and not wrong)

    def on_descendant_focus(self) -> None:
        """Explain the focused field, or the focused section."""
        here = self.screen.focused
        text = ""
        for section in self.sections:
            if here is section.header:
                text = section.section.help
            for row in section.rows:
                if here is row.editor:
                    text = row.explanation
        self.query_one("#field-help", LinesView).show(
            [((line, "dim"),) for line in wrap(text, max(20, self.size.width - 4))][:2] if text else ((),)
        )

    # ------------------------------------------------------------------------------------------ walking

    def _stops(self) -> list[Widget]:
        return [
            stop
            for section in self.sections
            for stop in (section.header, *(row.editor for row in section.rows))
        ]

    def on_field_row_walk(self, event: FieldRow.Walk) -> None:
        """To the row above or below."""
        event.stop()
        self._step(self._stops(), event.step)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Tab walks fields from a field; from a section's title it goes to the next pane, as everywhere."""
        if action == "walk_fields":
            return not isinstance(self.screen.focused, SectionHeader)
        return super().check_action(action, parameters)

    def action_walk_fields(self, step: int) -> None:
        """To the next or previous field, passing over section titles."""
        stops = self._stops()
        here = self.screen.focused
        fields = [stop for stop in stops if not isinstance(stop, SectionHeader) or stop is here]
        self._step(fields, step)

    def _step(self, stops: list[Widget], step: int) -> None:
        here = self.screen.focused
        if here in stops and stops:
            stops[(stops.index(here) + step) % len(stops)].focus()

    def action_leave(self) -> None:
        """From a field to its section, from a section out of the form."""
        here = self.screen.focused
        for section in self.sections:
            if here is not section.header and section.has_focus_within:
                section.header.focus()
                return
        self.post_message(self.Left())

    async def jump(self, path: str) -> bool:
        """Focus the field of a path, or the nearest thing above it; False where nothing fits."""
        best: SectionView | None = None
        for section in self.sections:
            if path == section.section.path or path.startswith(section.section.path + "."):
                best = section
        if best is None:
            return False
        await best.set_folded(False)
        fitting = [row for row in best.rows if f"{path}.".startswith(f"{row.field.path}.")]
        if fitting:
            max(fitting, key=lambda row: len(row.field.path)).editor.focus()
        else:
            best.header.focus()
        return True

    def row_of(self, path: str) -> FieldRow | None:
        """The row of a field, where it is shown."""
        return next((row for row in self.query(FieldRow) if row.field.path == path), None)

    @on(FieldRow.Changed)
    def _mark_typed(self, event: FieldRow.Changed) -> None:
        row = self.row_of(event.path)
        if row is not None and row.refusal:
            row.refuse("")
