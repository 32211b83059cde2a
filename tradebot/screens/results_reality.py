"""The reality check as a pane: what was found, what is still being looked at, what one line means."""

from __future__ import annotations

from dataclasses import dataclass

from textual.app import ComposeResult

from tradebot.engine.messages import BacktestView, JobView, ResultAnalysis
from tradebot.screens import formats
from tradebot.screens.area import Pane
from tradebot.screens.widgets.lines_view import LinesView
from tradebot.screens.widgets.palette import Line, wrap
from tradebot.screens.widgets.virtual_table import Column, VirtualTable

__all__ = ["RealityPane"]

_MARKS = {
    "ok": ("ok", "good"),
    "warning": ("!", "warning"),
    "bad": ("×", "bad"),
    "none": ("·", "dim"),
}
_SPINNER = "⠋⠙⠸⠴⠦⠇"
_AGAINST = {"warning", "bad"}
_BUSY = "busy"
_HELD_BACK = "They are made after the result is shown, and put into it when they have ended; x gives them up."


@dataclass(frozen=True, slots=True)
class _Remark:
    tone: str
    short: str
    text: str


class RealityPane(Pane):
    """What speaks for the figures and what against them, with the sentence of the selected line below."""

    HELP = (
        "What speaks for the figures and against them: luck, single trades, costs, assumptions. ok speaks for them, ! "
        "against them, × makes them doubtful as they stand. The lines below explain the one under the cursor."
    )
    label = "Reality"

    def __init__(self) -> None:
        super().__init__(id="reality-pane", classes="pane")
        self._turn = 0

    def compose(self) -> ComposeResult:
        """The list and the explanation."""
        yield VirtualTable[_Remark](
            (Column("", 2), Column("", 20, grow=True)),
            lambda remark: (self._mark(remark), remark.short),
            lambda remark: (remark.tone, remark.text),
            header=False,
            id="reality",
        )
        yield LinesView(id="reality-text")

    def on_mount(self) -> None:
        """Name the pane."""
        self.caption("Reality check")

    @property
    def tab_note(self) -> str:
        """How many lines speak against the result."""
        rows = self.query_one(VirtualTable).rows
        against = sum(row is not None and row.tone in _AGAINST for row in rows)
        return str(against) if against else ""

    def wait(self) -> None:
        """Say that there is no result to look at yet."""
        self._put([], "  comes with the result")

    def show(self, view: BacktestView, analysis: ResultAnalysis | None, check: JobView | None = None) -> None:
        """Draw the findings: what is invalid first, the check, then what was assumed; `check` is its job."""
        if analysis is None:
            self._put([], "  on its way")
            return
        invalid = set(analysis.errors)
        rows = [_Remark("bad", f"invalid: {text}", text) for text in analysis.errors]
        rows += _of_the_job(check, bool(analysis.reality))
        rows += [
            _Remark(each.tone, each.short, each.text) for each in analysis.reality if each.text not in invalid
        ]
        said = {row.text for row in rows}
        rows += [_Remark("warning", text, text) for text in view.warnings if text not in said]
        self._turn += 1
        self._put(rows, "")

    def _put(self, rows: list[_Remark], empty: str) -> None:
        table = self.query_one("#reality", VirtualTable)
        table.show(tuple(rows), empty=(((empty, "dim"),),))
        against = sum(row.tone in _AGAINST for row in rows)
        self.caption(subtitle=f"{formats.plural(against, 'remark')} against it" if against else "")
        self._explain()

    def _mark(self, remark: _Remark) -> tuple[str, str]:
        if remark.tone == _BUSY:
            return _SPINNER[self._turn % len(_SPINNER)], "primary"
        return _MARKS[remark.tone]

    def on_virtual_table_moved(self) -> None:
        """Explain another line."""
        self._explain()

    def on_resize(self) -> None:
        """Break the sentence anew."""
        self._explain()

    def _explain(self) -> None:
        view = self.query_one("#reality-text", LinesView)
        row = self.query_one("#reality", VirtualTable).current
        view.display = isinstance(row, _Remark)
        if isinstance(row, _Remark):
            room = max(3, self.size.height // 2 - 2)
            lines: list[Line] = [((text, "dim"),) for text in wrap(row.text, max(12, self.size.width - 4))]
            if len(lines) > room:
                lines = [*lines[: room - 1], (*lines[room - 1], (" … ", "dim"), ("m", "key"))]
            view.show(lines)


def _of_the_job(check: JobView | None, found: bool) -> list[_Remark]:
    """What is still looked at, or why there is nothing."""
    if check is None:
        none = "No reality check was made of this run; r runs it again with one."
        return [] if found else [_Remark("none", "no reality check", none)]
    match check.state:
        case "queued":
            return [_Remark(_BUSY, "its checks wait for other jobs", f"The checks wait. {_HELD_BACK}")]
        case "running":
            count = f"{check.done + 1:.0f} of {check.total:.0f}: " if check.total else ""
            words = check.sentence or "checking"
            return [_Remark(_BUSY, f"{count}{words} …", f"The checks are under way. {_HELD_BACK}")]
        case "failed":
            return [_Remark("bad", "the checks failed", check.sentence)]
        case "cancelled":
            given_up = "The checks were given up, so nothing is known of luck or the future; r runs it again."
            return [_Remark("none", "its checks were given up", given_up)]
    return []
