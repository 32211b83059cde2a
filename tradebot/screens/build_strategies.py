"""The list on the left of Build: strategies and drafts, examples, templates; what is known of the one selected."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.message import Message

from tradebot.engine.messages import DraftView, EngineSnapshot, ResultSummary, StrategySummary, TemplateView
from tradebot.screens import formats
from tradebot.screens.area import Pane
from tradebot.screens.widgets.lines_view import LinesView
from tradebot.screens.widgets.palette import Line, Part, spread, wrap
from tradebot.screens.widgets.virtual_table import Cell, Column, VirtualTable

__all__ = ["Entry", "EntryKind", "StrategiesPane"]


class EntryKind(StrEnum):
    """What a row of the list is."""

    STRATEGY = "strategy"
    DRAFT = "draft"
    EXAMPLE = "example"
    TEMPLATE = "template"
    TITLE = "title"


@dataclass(frozen=True, slots=True)
class Entry:
    """One row. `strategy` and `template` are what it stands for, None for a draft that was never saved and a title."""

    kind: EntryKind
    name: str
    mark: Part = ("", "")
    strategy: StrategySummary | None = None
    template: TemplateView | None = None


class StrategiesPane(Pane):
    """The saved strategies with their versions and drafts, then examples and templates, facts of the selected below."""

    HELP = (
        "Your strategies with their newest version: * marks unsaved edits, draft an edit that was kept on disk and "
        "never saved. Below them the examples that came with tradebot and the templates to begin with. Enter opens "
        "one in the form; an example or a template stays as it is, saving asks for a name of your own."
    )
    label = "Strategies"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n", "list('new')", "new", id="strategies.new"),
        Binding("d", "list('duplicate')", "duplicate", id="strategies.duplicate"),
        Binding("x,delete", "list('delete')", "delete", key_display="x", id="strategies.delete"),
    ]

    class Wanted(Message):
        """Something is to be done: new, or duplicate or delete with the entry."""

        def __init__(self, what: str, entry: Entry | None) -> None:
            super().__init__()
            self.what = what
            self.entry = entry

    def __init__(self) -> None:
        super().__init__(id="strategies-pane", classes="pane")
        self._results: tuple[ResultSummary, ...] = ()
        self._open: tuple[str, bool] = ("", False)
        self._before = 0
        self._shown: object = None

    def compose(self) -> ComposeResult:
        """The list and the facts."""
        yield VirtualTable[Entry](
            (Column("name", 12, grow=True),),
            self._cells,
            lambda entry: (entry.kind is EntryKind.TEMPLATE, entry.kind is EntryKind.TITLE, entry.name),
            header=False,
            id="strategies",
        )
        yield LinesView(id="strategy-facts")

    def on_mount(self) -> None:
        """Name the pane."""
        self.caption("Strategies")

    @property
    def table(self) -> VirtualTable[Entry]:
        """The list."""
        return self.query_one("#strategies", VirtualTable)

    @property
    def current(self) -> Entry | None:
        """The row under the cursor; None on a title."""
        entry = self.table.current
        return entry if entry is not None and entry.kind is not EntryKind.TITLE else None

    @property
    def tab_note(self) -> str:
        """How many of one's own there are."""
        own = sum(
            each is not None and each.kind in {EntryKind.STRATEGY, EntryKind.DRAFT}
            for each in self.table.rows
        )
        return str(own) if own else ""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Examples and templates cannot be deleted."""
        if action == "list" and parameters[0] != "new":
            entry = self.current
            if entry is None:
                return None
            deletable = entry.kind in {EntryKind.STRATEGY, EntryKind.DRAFT}
            return deletable or (parameters[0] == "duplicate" and entry.kind is EntryKind.EXAMPLE) or None
        return super().check_action(action, parameters)

    def action_list(self, what: str) -> None:
        """Ask for something to be done."""
        self.post_message(self.Wanted(what, self.current))

    # ------------------------------------------------------------------------------------------ drawing

    def show(
        self,
        snapshot: EngineSnapshot,
        drafts: tuple[DraftView, ...],
        templates: tuple[TemplateView, ...],
        opened: tuple[str, bool],
    ) -> None:
        """Draw the strategies of a snapshot; `opened` is the name of the open one and whether it has unsaved edits."""
        state = (snapshot.strategies, snapshot.results, drafts, templates, opened, self.table.size.width)
        if state == self._shown:
            return
        self._shown = state
        self._open, self._results = opened, snapshot.results
        kept = {draft.name for draft in drafts}
        own = [each for each in snapshot.strategies if not each.example]
        examples = [each for each in snapshot.strategies if each.example]
        names = {each.name for each in snapshot.strategies}
        entries = [Entry(EntryKind.STRATEGY, each.name, self._mark(each, kept), each) for each in own]
        never_saved = sorted({*kept, opened[0]} - names - {""})
        begun = {*kept, opened[0]} if opened[1] else kept
        entries += [
            Entry(EntryKind.DRAFT, name, ("draft", "warning") if name in begun else ("new", "dim"))
            for name in never_saved
        ]
        entries.sort(key=lambda each: each.name)
        if examples:
            entries.append(Entry(EntryKind.TITLE, "examples"))
            entries += [
                Entry(EntryKind.EXAMPLE, each.name, self._mark(each, kept), each) for each in examples
            ]
        if templates:
            entries.append(Entry(EntryKind.TITLE, "templates"))
            entries += [Entry(EntryKind.TEMPLATE, each.name, template=each) for each in templates]
        empty = ((), (("  None yet: ", "dim"), ("n", "key"), (" makes one.", "dim")))
        self.table.show(tuple(entries), empty=empty)
        self.table.repaint_rows()
        self._skip_title(1)
        self._show_facts()
        self.caption(subtitle="n new")

    def _mark(self, strategy: StrategySummary, kept: set[str]) -> Part:
        is_open, unsaved = strategy.name == self._open[0], self._open[1]
        version = f"v{strategy.version}" if strategy.version else ""
        if (is_open and unsaved) or (not is_open and strategy.name in kept):
            return (f"{version} *".strip(), "warning")
        if strategy.problem:
            return (f"{version} ×".strip(), "bad")
        return (version, "dim")

    def _cells(self, entry: Entry) -> tuple[Cell, ...]:
        width = self.table.width_of("name")
        if entry.kind is EntryKind.TITLE:
            rule = "─" * max(0, width - len(entry.name) - 4)
            return ((("── ", "line"), (entry.name, "dim"), (f" {rule}", "line")),)
        is_open = entry.name == self._open[0] and entry.kind is not EntryKind.TEMPLATE
        name = entry.template.title if entry.template is not None else entry.name
        mark: Line = ((f" {entry.mark[0]}", entry.mark[1]),) if entry.mark[0] else ()
        return (spread(((name, "bold primary" if is_open else ""),), mark, width),)

    def on_virtual_table_moved(self, event: VirtualTable.Moved) -> None:
        """Pass over titles; facts of another strategy."""
        event.stop()
        self._skip_title(1 if event.index >= self._before else -1)
        self._before = self.table.cursor
        self._show_facts()
        self.refresh_bindings()

    def _skip_title(self, step: int) -> None:
        table = self.table
        entry = table.current
        if entry is not None and entry.kind is EntryKind.TITLE:
            at = table.cursor + step
            if not 0 <= at < len(table.rows):
                at = table.cursor - step
            table.move_to(at, quietly=True)

    def select(self, name: str) -> None:
        """Put the cursor on a strategy."""
        for number, entry in enumerate(self.table.rows):
            if entry is not None and entry.name == name and entry.kind is not EntryKind.TEMPLATE:
                self.table.move_to(number)

    def _show_facts(self) -> None:
        view = self.query_one("#strategy-facts", LinesView)
        entry = self.current
        view.display = entry is not None
        if entry is None:
            return
        width = max(10, self.table.size.width - 2)
        if entry.template is not None:
            lines = _template_facts(entry.template, width)
        elif entry.strategy is not None:
            lines = self._strategy_facts(entry, entry.strategy, width)
        else:
            sentence = "Never saved. ^s saves it; until then it is kept as a draft."
            lines = [((text, "dim"),) for text in wrap(sentence, width)]
        view.show(lines)

    def _strategy_facts(self, entry: Entry, strategy: StrategySummary, width: int) -> list[Line]:
        lines: list[Line] = [((text, "bold"),) for text in wrap(strategy.title, width)[:2]]
        symbols = ", ".join(strategy.symbols)
        lines += [((text, "dim"),) for text in wrap(f"{symbols} · {strategy.timeframe}", width)[:2]]
        if strategy.problem:
            lines += [((text, "bad"),) for text in wrap(strategy.problem, width)[:4]]
        lines += self._last_run(strategy)
        unsaved = entry.mark[0].endswith("*")
        sentence = ""
        if strategy.example:
            sentence = "An example: saving asks for a name of your own."
        elif unsaved and strategy.version:
            sentence = f"* unsaved edits: saving makes v{strategy.version + 1}."
        elif unsaved:
            sentence = "* unsaved edits"
        if sentence:
            lines += [(), *(((text, "warning" if unsaved else "dim"),) for text in wrap(sentence, width))]
        return lines

    def _last_run(self, strategy: StrategySummary) -> list[Line]:
        result = max(
            (each for each in self._results if each.strategy in {strategy.name, strategy.title}),
            key=lambda each: each.created_ms,
            default=None,
        )
        if result is None:
            return []
        gain = result.total_return
        return [
            (),
            ((f"last run {formats.short_minute(result.created_ms)}", "dim"),),
            (
                (formats.percent(gain, 1), formats.tone_of(gain or 0.0)),
                (f"  {formats.plural(result.trades, 'trade')}", "text"),
            ),
            ((f"drawdown {formats.percent(result.max_drawdown, 1)}", "dim"),),
        ]


def _template_facts(template: TemplateView, width: int) -> list[Line]:
    lines: list[Line] = [((text, "bold"),) for text in wrap(template.title, width)[:2]]
    lines += [((text, "dim"),) for text in wrap(template.note, width)[:7]]
    lines += [((text, "text"),) for text in wrap(template.figures, width)[:5]]
    return lines
