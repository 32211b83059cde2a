"""The verbs of the form: rules, nodes, pickers, notes, search. What they do to the strategy goes through the edits."""

from __future__ import annotations

from textual import on

from tradebot.engine.control.errors import TradebotError
from tradebot.engine.messages import (
    ComponentChoice,
    FormEdit,
    FormField,
    FormView,
    GetComponents,
    ReadRule,
    RuleReading,
    RuleRow,
)
from tradebot.screens.build_dialogs import NoteDialog
from tradebot.screens.build_editing import EditingArea
from tradebot.screens.build_form import FormPane
from tradebot.screens.build_layout import place_title
from tradebot.screens.build_lines import shown_text
from tradebot.screens.build_rule_entry import RuleEntry
from tradebot.screens.build_sheet import FormSheet
from tradebot.screens.desk import desk_of, errand
from tradebot.screens.pickers import Choice, PickDialog, PickManyDialog

__all__ = ["VerbsArea"]

_GROUPS = {"indicators": "indicator", "signals": "signal", "groups": "group"}
_TARGETS = "risk.take_profit"


class VerbsArea(EditingArea):
    """An area whose open strategy is changed by verbs on the line under the cursor."""

    def __init__(self) -> None:
        super().__init__()
        self._components: tuple[ComponentChoice, ...] = ()

    async def components(self) -> tuple[ComponentChoice, ...]:
        """What can be added, asked for anew: symbols come and go with the data."""
        self._components = await desk_of(self).ask(GetComponents())
        return self._components

    # ------------------------------------------------------------------------------------------ rules

    def action_rule(self) -> None:
        """Type a rule for the place the cursor is in."""
        if self.draft is not None:
            self.visit_pane(self.form)
            self.form.ask_rule(self.form.place_here())

    @on(FormPane.Add)
    def _add_rule(self, event: FormPane.Add) -> None:
        event.stop()
        self.form.ask_rule(event.place)

    @on(RuleEntry.Asked)
    def _asked(self, event: RuleEntry.Asked) -> None:
        event.stop()
        self._read_rule(event.place, event.text)

    @errand("build-rule", exclusive=True)
    async def _read_rule(self, place: str, text: str) -> None:
        draft = self.draft
        if draft is None:
            return
        try:
            reading: RuleReading = await desk_of(self).ask(ReadRule(draft.view.toml, place, text))
        except TradebotError as error:
            self.form.entry.refuse(error.sentence)
            return
        if self.form.entry.place == place:
            self.form.entry.take(reading)

    @on(RuleEntry.Accepted)
    def _accepted(self, event: RuleEntry.Accepted) -> None:
        event.stop()
        self._make_rule(event.place, event.text)

    @errand("build-rule")
    async def _make_rule(self, place: str, text: str) -> None:
        entry = self.form.entry
        try:
            await self.edit_now(FormEdit("rule", place, text))
        except TradebotError as error:
            entry.refuse(error.sentence)
            return
        entry.close()
        self.form.sheet.focus()

    @on(RuleEntry.Closed)
    def _rule_given_up(self, event: RuleEntry.Closed) -> None:
        event.stop()
        self.form.sheet.focus()

    # ------------------------------------------------------------------------------------------ lines

    @on(FormSheet.Verb)
    def _verb(self, event: FormSheet.Verb) -> None:
        event.stop()
        line, verb = event.line, event.verb
        if line.row is not None:
            self._rule_verb(line.row, verb)
        elif line.section is not None:
            path = line.section.path
            if verb in {"fold", "unfold"}:
                self.form.fold(path, verb == "fold")
            elif verb == "note":
                self._ask_note(path, _note_of(self.form.view, path))
            else:
                self.edit(_node_edit(verb, path))
        elif line.path:
            self.edit(
                FormEdit("move", line.path, verb)
                if verb in {"up", "down"}
                else FormEdit("targets", line.path, verb)
            )

    def _rule_verb(self, row: RuleRow, verb: str) -> None:
        node = row.node or row.path
        match verb:
            case "toggle" if not row.place:
                self.edit(FormEdit("member", "entry", row.name))
            case "remove" if row.place and self._used_elsewhere(row):
                self.edit(FormEdit("member", row.place, row.name))
            case "up" | "down":
                self.edit(FormEdit("move", row.path, verb))
            case "note":
                self._ask_note(node, row.note)
            case "wrap":
                self._ask_members(row)
            case _:
                self.edit(_node_edit(verb, node))

    def _used_elsewhere(self, row: RuleRow) -> bool:
        rows = self.draft.view.rows if self.draft is not None else ()
        return row.kind == "missing" or any(
            each.node == row.node and each.place and each.place != row.place for each in rows
        )

    def _ask_note(self, path: str, note: str) -> None:
        def answered(text: str | None) -> None:
            if text is not None and text != note:
                self.edit(FormEdit("note", path, text))

        name = path.rpartition(".")[2]
        self.app.push_screen(NoteDialog(f"Note to {name}", "A remark that is saved with it:", note), answered)

    def _ask_members(self, row: RuleRow) -> None:
        """Which rules of the same place go into a new group."""
        rows = [
            each
            for each in (self.draft.view.rows if self.draft is not None else ())
            if each.place == row.place
        ]
        choices = tuple(Choice(each.name, each.text) for each in rows)

        def answered(names: tuple[str, ...] | None) -> None:
            if names:
                self.edit(FormEdit("wrap", row.place, ", ".join(names)))

        title = f"Put into a group of {place_title(row.place)}"
        self.app.push_screen(PickManyDialog(title, choices, (row.name,)), answered)

    # ------------------------------------------------------------------------------------------ adding

    @errand("build-add", exclusive=True)
    async def action_add(self) -> None:
        """Pick an indicator, a signal, a group or another target, and add it."""
        place = self.form.place_here()
        found = [each for each in await self.components() if each.kind in _GROUPS]
        choices = [
            Choice(
                f"{each.kind}/{each.name}", each.label or each.name, each.help, _GROUPS[each.kind], each.words
            )
            for each in found
        ]
        choices += [
            Choice(f"{_TARGETS}/{kind}", f"Target: {kind}", about, "exit")
            for kind, about in self._target_kinds()
        ]

        def picked(value: str | None) -> None:
            if value is not None:
                kind, _, name = value.partition("/")
                self._add(kind, name, place)

        self.app.push_screen(PickDialog("Add", tuple(choices)), picked)

    def _target_kinds(self) -> list[tuple[str, str]]:
        view = self.form.view
        fields = [
            field for section in (view.sections if view is not None else ()) for field in section.fields
        ]
        field = next(
            (each for each in fields if each.path.startswith(_TARGETS) and each.kind == "choice"), None
        )
        if field is None:
            return []
        helps = field.choice_help or ("",) * len(field.choices)
        return [(kind, about) for kind, about in zip(field.choices, helps, strict=True) if kind != "none"]

    @errand("build-add")
    async def _add(self, kind: str, name: str, place: str) -> None:
        if kind == _TARGETS:
            self.edit(FormEdit("targets", _TARGETS, name))
            return
        before = {each.path for each in self.draft.view.sections} if self.draft is not None else set()
        view = await self.edit_now(FormEdit("add", kind, name))
        added = next((each.path for each in view.sections if each.path not in before), "")
        row = next((each for each in view.rows if each.node == added), None)
        if row is not None and not row.place:
            await self.edit_now(FormEdit("member", place, row.name))
        self.form.jump(added)
        self.form.sheet.focus()

    # ------------------------------------------------------------------------------------------ picking

    @on(FormPane.Pick)
    def _pick(self, event: FormPane.Pick) -> None:
        event.stop()
        if event.field.kind == "symbols":
            self._pick_symbols(event.field)
        elif event.field.kind == "members":
            self._pick_members(event.field)
        else:
            self._pick_one(event.field)

    def _pick_one(self, field: FormField) -> None:
        labels = field.choice_labels if len(field.choice_labels) == len(field.choices) else field.choices
        helps = (
            field.choice_help if len(field.choice_help) == len(field.choices) else ("",) * len(field.choices)
        )
        choices = tuple(
            Choice(value, label or value, about)
            for value, label, about in zip(field.choices, labels, helps, strict=True)
        )

        def picked(value: str | None) -> None:
            if value is not None:
                self._set(field, value)

        free = "as a number or series" if field.kind == "series" else ""
        title = field.label[:1].upper() + field.label[1:]
        self.app.push_screen(PickDialog(title, choices, field.text or field.default, free=free), picked)

    def _pick_members(self, field: FormField) -> None:
        present = _listed(field.text)
        unknown = tuple(Choice(name, name, "is not there") for name in present if name not in field.choices)
        choices = (*(Choice(name, name) for name in field.choices), *unknown)

        def picked(values: tuple[str, ...] | None) -> None:
            if values is not None:
                self._set(field, ", ".join(values))

        self.app.push_screen(PickManyDialog("Members", choices, present), picked)

    @errand("build-add", exclusive=True)
    async def _pick_symbols(self, field: FormField) -> None:
        stored = [each for each in await self.components() if each.kind == "symbols"]
        present = _listed(field.text)
        choices = [Choice(each.name, each.label or each.name, each.help, words=each.words) for each in stored]
        known = {each.value for each in choices}
        choices += [
            Choice(name, name) for name in dict.fromkeys((*field.choices, *present)) if name not in known
        ]

        def picked(values: tuple[str, ...] | None) -> None:
            if values is not None:
                self._set(field, ", ".join(values))

        self.app.push_screen(
            PickManyDialog("Symbols", tuple(choices), present, free="a name or pattern, such as ETH*"), picked
        )

    def action_symbols(self) -> None:
        """Pick the symbols of the market."""
        fields = [
            field
            for section in (self.form.view.sections if self.form.view else ())
            for field in section.fields
        ]
        field = next((each for each in fields if each.kind == "symbols"), None)
        if field is not None:
            self._pick_symbols(field)

    def _set(self, field: FormField, text: str) -> None:
        if text != field.text:
            self.form.set_value(field.path, text)

    # ------------------------------------------------------------------------------------------ search

    def action_find(self) -> None:
        """Go to a value by typing a part of its name."""
        view = self.form.view
        if view is None:
            return
        found: dict[str, Choice] = {}
        for row in view.rows:
            found.setdefault(row.path, Choice(row.path, row.text, row.node, "rule"))
        for section in view.sections:
            for field in section.fields:
                shown = f"{shown_text(field)[0]} {field.unit}".strip()
                found.setdefault(
                    field.path, Choice(field.path, field.label, shown, section.title[:18], field.path)
                )

        def picked(path: str | None) -> None:
            if path is not None:
                self.visit_pane(self.form)
                self.form.jump(path)

        self.app.push_screen(PickDialog("Go to", tuple(found.values())), picked)


def _node_edit(verb: str, path: str) -> FormEdit:
    return FormEdit("move", path, verb) if verb in {"up", "down"} else FormEdit(verb, path)


def _listed(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _note_of(view: FormView | None, node: str) -> str:
    """The remark of a node, where a rule row tells it."""
    rows = view.rows if view is not None else ()
    return next((row.note for row in rows if row.node == node), "")
