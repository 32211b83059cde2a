"""The window of one dataset: every day of it, and exactly which bars are missing."""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, datetime
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from tradebot.engine.control.errors import TradebotError
from tradebot.engine.messages import DatasetView, GapView, GetMonths, MonthsView
from tradebot.screens import formats
from tradebot.screens.desk import desk_of, errand
from tradebot.screens.dialogs import Dialog
from tradebot.screens.widgets.lines_view import LinesView
from tradebot.screens.widgets.month_grid import LEGEND, MonthGrid
from tradebot.screens.widgets.palette import Line, wrap

__all__ = ["MonthsDialog"]

_DAY_MS = 86_400_000
_MOST_RANGES = 200


class MonthsDialog(Dialog[str]):
    """Months by days with the gaps of the selected day; the answer is `g` where they shall be asked for, or `v`."""

    keys_text = "arrows walk · n p gaps · g repair · v verify · y copy · Esc closes"
    AUTO_FOCUS = "MonthGrid"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("g", "answer('g')", "ask the exchange for the gaps", id="months.repair"),
        Binding("v", "answer('v')", "verify", id="months.verify"),
        Binding("y", "copy", "copy", id="months.copy"),
        Binding("enter", "close", "close", show=False, id="months.close"),
    ]

    def __init__(self, dataset: DatasetView) -> None:
        super().__init__()
        self._dataset = dataset
        self._view: MonthsView | None = None
        mark = " mark price" if dataset.mark else ""
        self.title_text = f"{dataset.symbol} {dataset.timeframe}{mark} · {dataset.category}"

    def compose_body(self) -> ComposeResult:
        """Figures, the grid, its legend, the ranges."""
        yield LinesView((((" Reading the times of all bars ...", "dim"),),), id="months-facts")
        yield MonthGrid(id="months-grid")
        yield LinesView((LEGEND,), id="months-legend")
        yield LinesView(id="months-gaps")

    def on_mount(self) -> None:
        """Ask the engine."""
        super().on_mount()
        self.query_one("#months-gaps", LinesView).can_focus = True
        self._load()

    @errand("months")
    async def _load(self) -> None:
        facts = self.query_one("#months-facts", LinesView)
        try:
            view = await desk_of(self).ask(GetMonths(self._dataset.key))
        except TradebotError as error:
            facts.show([((text, "bad"),) for text in wrap(error.sentence, 70)])
            return
        self._view = view
        facts.show(self._facts(view))
        self.query_one("#months-grid", MonthGrid).show(view.months)

    def _facts(self, view: MonthsView) -> list[Line]:
        missing = sum(gap.bars for gap in view.gaps)
        known = sum(gap.bars for gap in view.gaps if gap.known)
        figures = f"{self._dataset.rows:,} rows · {formats.size_of(self._dataset.bytes)}"
        gaps = "no gap"
        if missing:
            gaps = f"{formats.plural(len(view.gaps), 'gap')}, {formats.plural(missing, 'bar')} missing"
            gaps += f", {known:,} of them not at the exchange either" if known else ""
        span = f"{formats.minute(view.first_ms)} to {formats.minute(view.last_ms)} UTC"
        return [((f" {span} · {figures}", ""),), ((f" {gaps}", "warning" if missing > known else "dim"),)]

    # ------------------------------------------------------------------------------------------ the selected day

    @on(MonthGrid.Moved)
    def _show_gaps(self) -> None:
        month = self.query_one("#months-grid", MonthGrid).month
        if self._view is not None and month is not None:
            self.query_one("#months-gaps", LinesView).show(self._lines())
            self.query_one("#months-gaps", LinesView).scroll_home(animate=False)

    def _lines(self) -> list[Line]:
        grid = self.query_one("#months-grid", MonthGrid)
        month, view = grid.month, self._view
        if month is None or view is None:
            return []
        first = round(datetime(month.year, month.month, 1, tzinfo=UTC).timestamp()) * 1000
        day = first + (grid.day - 1) * _DAY_MS
        days = monthrange(month.year, month.month)[1]
        of_day = _between(view.gaps, day, day + _DAY_MS)
        others = [gap for gap in _between(view.gaps, first, first + days * _DAY_MS) if gap not in of_day]
        name = f"{month.year}-{month.month:02d}"
        share = month.days[grid.day - 1]
        if share < 0:
            head: Line = ((f" {name}-{grid.day:02d} ", "bold"), ("lies outside the dataset", "dim"))
        elif of_day:
            missing = "nothing is there" if share == 0 else f"{share:.2%} is there"
            head = ((f" {name}-{grid.day:02d} ", "bold"), (missing, "warning"))
        else:
            head = ((f" {name}-{grid.day:02d} ", "bold"), ("complete", "good"))
        lines = [head, *(_gap_line(gap) for gap in of_day[:_MOST_RANGES])]
        if others:
            lines.append(((f" elsewhere in {name}", "dim"),))
            lines += [_gap_line(gap) for gap in others[:_MOST_RANGES]]
        return lines

    def action_answer(self, answer: str) -> None:
        """Close and go on with that verb."""
        self.dismiss(answer)

    def action_copy(self) -> None:
        """Copy the figures and every gap."""
        gaps = self._view.gaps if self._view is not None else ()
        text = [self._dataset.key, self.query_one("#months-facts", LinesView).plain]
        text += ["".join(part for part, _ in _gap_line(gap)) for gap in gaps]
        self.app.copy_to_clipboard("\n".join(line.strip() for line in text))
        self.app.notify(f"Copied {formats.plural(len(gaps), 'gap')}.", timeout=2)


def _between(gaps: tuple[GapView, ...], start_ms: int, end_ms: int) -> list[GapView]:
    return [gap for gap in gaps if gap.start_ms < end_ms and gap.end_ms > start_ms]


def _gap_line(gap: GapView) -> Line:
    """`2024-03-19 04:16 to 04:53  37 bars missing`; the end is the open time of the next bar that is there."""
    start, end = formats.minute(gap.start_ms), formats.minute(gap.end_ms)
    until = end[11:] if end[:10] == start[:10] else end
    bars = formats.plural(gap.bars, "bar")
    known = f"not at the exchange, seen {formats.day(gap.seen_ms)}" if gap.seen_ms else "not at the exchange"
    why = (known, "dim") if gap.known else ("missing", "warning")
    return ((f"   {start} to {until}  ", "text"), (f"{bars} ", "dim"), why)
