"""Up to four results side by side: their curves over each other, their figures in columns, differences marked."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal

from tradebot.engine.control.errors import TradebotError
from tradebot.engine.messages import ComparedRow, CompareResults, ComparisonView, ResultSummary
from tradebot.screens import formats
from tradebot.screens.desk import desk_of, errand
from tradebot.screens.dialogs import Dialog
from tradebot.screens.widgets.chart import Chart, Curve
from tradebot.screens.widgets.lines_view import LinesView
from tradebot.screens.widgets.palette import Line, Part, wrap
from tradebot.screens.widgets.virtual_table import Cell, Column, VirtualTable

__all__ = ["MOST_COMPARED", "CompareDialog"]

MOST_COMPARED = 4
_LETTERS = "ABCD"
_TONES = ("chart-1", "chart-2", "chart-3", "chart-4")
_LABEL = 22
_MOST_LABEL = 40
_MOST_ROOM = 26
_DELTA = 10
_LEAST_WITH_DELTA = 22


class CompareDialog(Dialog[None]):
    """Results side by side; Space takes the run under the cursor in or out."""

    title_text = "Compare"
    keys_text = "Space in or out · up down run · Tab figures · y copy · Esc closes"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space,enter", "take", "in or out", id="compare.take"),
        Binding("y", "copy", "copy", id="compare.copy"),
        Binding("c", "close", "close", show=False, id="compare.close"),
    ]
    AUTO_FOCUS = "#compare-runs"

    def __init__(self, chosen: tuple[str, ...], results: tuple[ResultSummary, ...]) -> None:
        super().__init__()
        self._chosen = chosen
        self._results = tuple(
            sorted(results, key=lambda each: (each.created_ms, each.result_id), reverse=True)
        )
        self._view: ComparisonView | None = None

    def compose_body(self) -> ComposeResult:
        """The runs beside the curves, the figures below."""
        with Horizontal(id="compare-top"):
            yield VirtualTable[ResultSummary](
                (Column("", 1), Column("", 12, grow=True), Column("", 11, drop=1), Column("", 9, right=True)),
                self._cells,
                lambda result: result.result_id,
                header=False,
                id="compare-runs",
            )
            yield Chart(formats.axis_percent, id="compare-chart")
        figures = LinesView(id="compare-figures")
        figures.can_focus = True
        yield figures

    def on_mount(self) -> None:
        """Fetch the comparison."""
        super().on_mount()
        table = self.query_one("#compare-runs", VirtualTable)
        table.show(self._results)
        self._load()

    def _cells(self, result: ResultSummary) -> tuple[Cell, ...]:
        letter: Cell = ""
        if result.result_id in self._chosen:
            place = self._chosen.index(result.result_id)
            letter = (_LETTERS[place], f"bold {_TONES[place]}")
        gain = result.total_return
        figure: Cell = (
            (formats.percent(gain, 1), formats.tone_of(gain or 0.0)) if result.trades else ("no trade", "dim")
        )
        return letter, result.strategy, (formats.short_minute(result.created_ms), "dim"), figure

    @errand("compare", exclusive=True)
    async def _load(self) -> None:
        lines = self.query_one("#compare-figures", LinesView)
        chart = self.query_one("#compare-chart", Chart)
        if len(self._chosen) < 2:
            self._view = None
            chart.show((), ())
            hint: Line = (
                ("Two to four runs can be compared: ", ""),
                ("Space", "key"),
                (" takes another one in.", ""),
            )
            lines.show((hint,))
            return
        try:
            view = await desk_of(self).ask(CompareResults(self._chosen, 2 * max(60, self.size.width)))
        except TradebotError as error:
            lines.show((((error.sentence, "bad"),),))
            return
        self._view = view
        curves = tuple(Curve(curve.gain, tone) for curve, tone in zip(view.curves, _TONES, strict=False))
        chart.show(view.times_ms, curves)
        self._draw()

    def on_resize(self) -> None:
        """Columns for the new width."""
        self._draw()

    def _draw(self) -> None:
        if self._view is not None:
            lines = self.query_one("#compare-figures", LinesView)
            lines.show(_table(self._view, max(40, self.size.width - 10)))

    def on_virtual_table_chosen(self) -> None:
        """Enter takes in or out, as Space does."""
        self.action_take()

    def action_take(self) -> None:
        """Take the run under the cursor in or out; of too many the first one goes."""
        table = self.query_one("#compare-runs", VirtualTable)
        row = table.current
        if isinstance(row, ResultSummary):
            kept = tuple(each for each in self._chosen if each != row.result_id)
            self._chosen = kept if len(kept) < len(self._chosen) else (*kept, row.result_id)[-MOST_COMPARED:]
            table.repaint_rows()
            self._load()

    def action_copy(self) -> None:
        """Copy the table."""
        self.app.copy_to_clipboard(self.query_one("#compare-figures", LinesView).plain)
        self.app.notify("Copied the comparison.", timeout=2)


def _table(view: ComparisonView, width: int) -> list[Line]:
    """Figures, settings and remarks in a column for each result; `*` the best of a row, `≠` what differs."""
    count = len(view.result_ids)
    # Paths of settings are long: they take what the columns leave.
    room = max(9, min(_MOST_ROOM, (width - _LABEL - 2) // count))
    label = max(_LABEL, min(_MOST_LABEL, width - room * count - 2))
    heads: list[Part] = [(" " * label, "")]
    for place, title in enumerate(view.titles):
        heads.append(
            (f"{_cut(f'{_LETTERS[place]} {title}', room - 2):>{room - 1}} ", f"bold {_TONES[place]}")
        )
    lines: list[Line] = [tuple(heads)]
    lines += [_row(row, room, label) for row in view.figures]
    lines += [(), (("Set differently", "dim"),)]
    lines += [_row(row, room, label, setting=True) for row in view.settings if row.differs]
    lines += [(), (("Set alike", "dim"),)]
    lines += [_row(row, room, label, setting=True) for row in view.settings if not row.differs]
    if view.remarks:
        lines.append(())
    for remark in view.remarks:
        lines += [
            ((f"{'!' if number == 0 else ' '} {text}", "warning"),)
            for number, text in enumerate(wrap(remark, width - 2))
        ]
    return lines


def _row(row: ComparedRow, room: int, label: int, *, setting: bool = False) -> Line:
    """One figure or setting; behind a figure how far it is from the first result, where there is room."""
    parts: list[Part] = [
        (f"{_cut(row.label, label - 2):<{label - 2}}", ""),
        ("≠ " if setting and row.differs else "  ", "warning"),
    ]
    delta_room = _DELTA if row.deltas and room >= _LEAST_WITH_DELTA else 0
    own = room - delta_room
    for place, text in enumerate(row.texts):
        best = place == row.best and row.differs
        tone = "bold good" if best else "" if row.differs else "dim"
        if delta_room:
            parts.append((f"{row.deltas[place]:>{delta_room}}", "dim"))
        parts.append((f"{_cut(text, own - 2):>{own - 1}}{'*' if best else ' '}", tone))
    return tuple(parts)


def _cut(text: str, room: int) -> str:
    return text if len(text) <= room else text[: max(1, room - 1)] + "…"
