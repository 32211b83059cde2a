"""The panes beside the form: strategies on the left; problems, words and TOML on the right."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.message import Message

from tradebot.engine.messages import EngineSnapshot, FormProblem, FormView, ResultSummary, StrategySummary
from tradebot.screens import formats
from tradebot.screens.area import Pane
from tradebot.screens.widgets.lines_view import LinesView
from tradebot.screens.widgets.palette import Line, Part, wrap
from tradebot.screens.widgets.virtual_table import Cell, Column, VirtualTable

__all__ = ["ProblemsPane", "StrategiesPane", "TomlPane", "WordsPane"]

_TOML = re.compile(
    r'(?P<head>^\s*\[.*\]\s*$)|(?P<comment>#.*$)|(?P<text>"[^"]*")|(?P<key>^[\w.@-]+(?=\s*=))|(?P<number>[-+]?\b\d[\d._]*\b|\btrue\b|\bfalse\b)'
)
_TOML_TONES = {"head": "bold head", "comment": "dim", "text": "up", "key": "text", "number": "demo"}


class StrategiesPane(Pane):
    """The saved strategies, the ones that came with tradebot marked; what is known of the selected one below."""

    HELP = (
        "Your strategies first, then the examples that came with tradebot. Enter opens one in the form. An example "
        "stays as it is: saving it asks for a name of your own."
    )
    label = "Strategies"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("delete", "delete", "delete", id="strategies.delete")]

    class Delete(Message):
        """The strategy of that name is to be deleted."""

        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

    def __init__(self) -> None:
        super().__init__(id="strategies-pane", classes="pane")
        self._open_name = ""
        self._unsaved = False
        self._results: tuple[ResultSummary, ...] = ()

    def compose(self) -> ComposeResult:
        """The list and the facts."""
        yield VirtualTable[StrategySummary](
            (Column("", 12, grow=True), Column("", 3), Column("", 1)),
            self._cells,
            lambda strategy: strategy.name,
            header=False,
            id="strategies",
        )
        yield LinesView(id="strategy-facts")

    def on_mount(self) -> None:
        """Name the pane."""
        self.caption("Strategies")
        self.caption(subtitle="n new")

    @property
    def table(self) -> VirtualTable[StrategySummary]:
        """The list."""
        return self.query_one("#strategies", VirtualTable)

    @property
    def current(self) -> StrategySummary | None:
        """The strategy under the cursor."""
        return self.table.current

    @property
    def tab_note(self) -> str:
        """How many there are."""
        return str(len(self.table.rows))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Examples cannot be deleted."""
        if action == "delete":
            return self.current is not None and not self.current.example
        return super().check_action(action, parameters)

    def action_delete(self) -> None:
        """Ask for the strategy under the cursor to be deleted."""
        if self.current is not None:
            self.post_message(self.Delete(self.current.name))

    def show(self, snapshot: EngineSnapshot, open_name: str, *, unsaved: bool) -> None:
        """Draw the strategies of a snapshot, the open one marked."""
        self._open_name, self._unsaved, self._results = open_name, unsaved, snapshot.results
        rows = tuple(sorted(snapshot.strategies, key=lambda each: (each.example, each.name)))
        self.table.show(rows, empty=((), (("  None yet; ", "dim"), ("n", "key"), (" makes one.", "dim"))))
        self.table.repaint_rows()
        self._show_facts()

    def _cells(self, strategy: StrategySummary) -> tuple[Cell, ...]:
        is_open = strategy.name == self._open_name
        mark: Part = (
            ("*", "warning") if is_open and self._unsaved else ("×", "bad") if strategy.problem else ("", "")
        )
        return (
            (strategy.name, "bold primary" if is_open else ""),
            ("ex." if strategy.example else "", "dim"),
            mark,
        )

    def on_virtual_table_moved(self) -> None:
        """Facts of another strategy."""
        self._show_facts()

    def _show_facts(self) -> None:
        view = self.query_one("#strategy-facts", LinesView)
        strategy = self.current
        view.display = strategy is not None
        if strategy is None:
            return
        width = max(10, self.table.size.width - 1)
        lines: list[Line] = [((text, "bold"),) for text in wrap(strategy.title, width)[:2]]
        symbols = ", ".join(strategy.symbols)
        lines += [((text, "dim"),) for text in wrap(f"{symbols} · {strategy.timeframe}", width)[:2]]
        if strategy.problem:
            lines += [((text, "bad"),) for text in wrap(strategy.problem, width)[:4]]
        result = max(
            (each for each in self._results if each.strategy in {strategy.name, strategy.title}),
            key=lambda each: each.created_ms,
            default=None,
        )
        if result is not None:
            gain = result.total_return
            lines += [
                (),
                ((f"last run {formats.short_minute(result.created_ms)}", "dim"),),
                (
                    (formats.percent(gain, 1), formats.tone_of(gain or 0.0)),
                    (f"  {formats.plural(result.trades, 'trade')}", "text"),
                ),
                ((f"drawdown {formats.percent(result.max_drawdown, 1)}", "dim"),),
            ]
        if strategy.example:
            lines += [
                (),
                *(
                    ((text, "dim"),)
                    for text in wrap("An example: saving asks for a name of your own.", width)
                ),
            ]
        view.show(lines)


@dataclass(frozen=True, slots=True)
class _ProblemLine:
    problem: FormProblem
    number: int
    text: str


def _with_place(problem: FormProblem) -> str:
    """The sentence behind the path it is about, as in a check on the command line."""
    return f"{problem.path}: {problem.sentence}" if problem.path else problem.sentence


class ProblemsPane(Pane):
    """Everything wrong or doubtful; Enter goes to the field."""

    HELP = "What keeps the strategy from running (×), what is only doubtful (!). Enter goes to the field it is about."
    label = "Problems"

    class Jump(Message):
        """The person wants to the field of that path."""

        def __init__(self, path: str) -> None:
            super().__init__()
            self.path = path

    def __init__(self) -> None:
        super().__init__(id="problems-pane", classes="pane")
        self._problems: tuple[FormProblem, ...] = ()
        self._width = 0

    def compose(self) -> ComposeResult:
        """One line after the other."""
        yield VirtualTable[_ProblemLine](
            (Column("", 1), Column("", 10, grow=True)),
            self._cells,
            lambda line: (line.problem, line.number),
            header=False,
            id="problems",
        )

    def on_mount(self) -> None:
        """Name the pane."""
        self.caption("Problems")

    @property
    def tab_note(self) -> str:
        """How many errors there are."""
        errors = sum(problem.severity == "error" for problem in self._problems)
        return f"× {errors}" if errors else ""

    def show(self, problems: tuple[FormProblem, ...]) -> None:
        """Draw the problems, errors first."""
        table = self.query_one("#problems", VirtualTable)
        ordered = tuple(sorted(problems, key=lambda each: each.severity != "error"))
        width = table.size.width
        if ordered == self._problems and width == self._width:
            return
        self._problems, self._width = ordered, width
        lines = [
            _ProblemLine(problem, number, text)
            for problem in ordered
            for number, text in enumerate(wrap(_with_place(problem), max(12, width - 5)))
        ]
        table.show(lines, empty=((("  ok  ", "good"), ("nothing wrong", "dim")),))
        errors = sum(problem.severity == "error" for problem in ordered)
        self.caption(subtitle=f"{formats.plural(errors, 'error')} · Enter goes there" if ordered else "")
        self.set_class(errors > 0, "-errors")

    def on_resize(self) -> None:
        """Break the lines anew."""
        self.show(self._problems)

    def _cells(self, line: _ProblemLine) -> tuple[Cell, ...]:
        glyph: Part = ("×", "bad") if line.problem.severity == "error" else ("!", "warning")
        return (glyph if line.number == 0 else ""), line.text

    def on_virtual_table_chosen(self, event: VirtualTable.Chosen) -> None:
        """Enter on a problem."""
        event.stop()
        line = event.table.current
        if isinstance(line, _ProblemLine):
            self.post_message(self.Jump(line.problem.path))


class WordsPane(Pane):
    """The strategy as a sentence."""

    HELP = "What the strategy does, in words, made from the form. Read it once before you trust a result."
    label = "Words"

    def __init__(self) -> None:
        super().__init__(id="words-pane", classes="pane")
        self._text = ""

    def compose(self) -> ComposeResult:
        """The lines."""
        yield LinesView(id="words")

    def on_mount(self) -> None:
        """Name the pane."""
        self.caption("In words")
        self.query_one(LinesView).can_focus = True

    def show(self, text: str) -> None:
        """Draw the sentence."""
        self._text = text
        view = self.query_one("#words", LinesView)
        width = max(12, view.size.width - 1)
        lines: list[Line] = [
            ((line, ""),) for paragraph in text.splitlines() for line in wrap(paragraph, width)
        ]
        view.show(lines or [(("As soon as nothing is wrong.", "dim"),)])

    def on_resize(self) -> None:
        """Break the lines anew."""
        self.show(self._text)


class TomlPane(Pane):
    """The strategy's file."""

    HELP = "The file that the form writes. Edit it by hand where you like: comments and order stay. `y` copies it."
    label = "TOML"

    def __init__(self) -> None:
        super().__init__(id="toml-pane", classes="pane")

    def compose(self) -> ComposeResult:
        """The lines."""
        yield LinesView(id="toml")

    def on_mount(self) -> None:
        """Name the pane."""
        self.caption("TOML")
        self.caption(subtitle="y copies")
        self.query_one(LinesView).can_focus = True

    def show(self, view: FormView) -> None:
        """Draw the text, keys, values and headings told apart."""
        self.query_one("#toml", LinesView).show([_coloured(line) for line in view.toml.splitlines()])


def _coloured(text: str) -> Line:
    parts: list[Part] = []
    at = 0
    for found in _TOML.finditer(text):
        if found.start() > at:
            parts.append((text[at : found.start()], "dim"))
        parts.append((found.group(), _TOML_TONES[found.lastgroup or "text"]))
        at = found.end()
    if at < len(text):
        parts.append((text[at:], "dim"))
    return tuple(parts)
