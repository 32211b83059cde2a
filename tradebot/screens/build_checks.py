"""The panes beside the form: what is wrong or doubtful, and the strategy in words."""

from __future__ import annotations

from dataclasses import dataclass

from textual.app import ComposeResult
from textual.message import Message

from tradebot.engine.messages import FormProblem
from tradebot.screens import formats
from tradebot.screens.area import Pane
from tradebot.screens.widgets.lines_view import LinesView
from tradebot.screens.widgets.palette import Line, Part, wrap
from tradebot.screens.widgets.virtual_table import Cell, Column, VirtualTable

__all__ = ["ChecksPane", "WordsPane"]


@dataclass(frozen=True, slots=True)
class _ProblemLine:
    problem: FormProblem
    number: int
    text: str


def _with_place(problem: FormProblem) -> str:
    """The sentence behind the path it is about, as in a check on the command line."""
    return f"{problem.path}: {problem.sentence}" if problem.path else problem.sentence


class ChecksPane(Pane):
    """Everything wrong or doubtful; Enter goes to the field."""

    HELP = "What keeps the strategy from running (×), what is only doubtful (!). Enter goes to the field it is about."
    label = "Checks"

    class Jump(Message):
        """The person wants to what a problem is about."""

        def __init__(self, problem: FormProblem) -> None:
            super().__init__()
            self.problem = problem

    def __init__(self) -> None:
        super().__init__(id="checks-pane", classes="pane")
        self._problems: tuple[FormProblem, ...] | None = None
        self._width = 0

    def compose(self) -> ComposeResult:
        """One line after the other."""
        yield VirtualTable[_ProblemLine](
            (Column("", 1), Column("", 10, grow=True)),
            self._cells,
            lambda line: (line.problem, line.number),
            header=False,
            id="checks",
        )

    def on_mount(self) -> None:
        """Name the pane."""
        self.caption("Checks")

    @property
    def tab_note(self) -> str:
        """How many errors there are."""
        errors = sum(problem.severity == "error" for problem in self._problems or ())
        return f"× {errors}" if errors else ""

    def show(self, problems: tuple[FormProblem, ...] | None) -> None:
        """Draw the problems, errors first; None while no strategy is open."""
        table = self.query_one("#checks", VirtualTable)
        if problems is None:
            self._problems = None
            table.show(())
            self.caption(subtitle="")
            self.remove_class("-errors")
            return
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
        doubts = len(ordered) - errors
        counts = [formats.plural(errors, "error")] if errors else []
        counts += [formats.plural(doubts, "warning")] if doubts else []
        self.caption(subtitle=" · ".join((*counts, "Enter goes there")) if ordered else "")
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
            self.post_message(self.Jump(line.problem))


class WordsPane(Pane):
    """The strategy as a sentence."""

    HELP = "What the strategy does, in words, made from the form. Read it once before you trust a result."
    label = "Words"

    def __init__(self) -> None:
        super().__init__(id="words-pane", classes="pane")
        self._text: str | None = None
        self._missing = ""

    def compose(self) -> ComposeResult:
        """The lines."""
        yield LinesView(id="words")

    def on_mount(self) -> None:
        """Name the pane."""
        self.caption("In words")
        self.query_one(LinesView).can_focus = True

    def show(self, text: str | None, missing: str = "") -> None:
        """Draw the sentences, or what a strategy that is only begun still needs; None while no strategy is open."""
        self._text, self._missing = text, missing
        view = self.query_one("#words", LinesView)
        width = max(12, view.size.width - 1)
        lines: list[Line] = [
            ((line, ""),) for paragraph in (text or "").splitlines() for line in wrap(paragraph, width)
        ]
        if missing:
            lines += [((line, "warning"),) for line in wrap(missing, width)]
        if not lines and text is not None:
            lines = [((line, "dim"),) for line in wrap("As soon as nothing is wrong.", width)]
        view.show(lines)

    def on_resize(self) -> None:
        """Break the lines anew."""
        self.show(self._text, self._missing)
