"""The panes that take a result apart: months, distributions, groups, how it came about, and the reality check."""

from __future__ import annotations

from dataclasses import dataclass

from textual.app import ComposeResult

from tradebot.engine.messages import BacktestView, ResultAnalysis
from tradebot.screens import formats
from tradebot.screens.area import Pane
from tradebot.screens.results_drawing import (
    beside,
    config_lines,
    group_lines,
    histogram_lines,
    month_list,
    month_table,
    months_summary,
)
from tradebot.screens.widgets.lines_view import LinesView
from tradebot.screens.widgets.palette import Line, wrap
from tradebot.screens.widgets.virtual_table import Column, VirtualTable

__all__ = ["ConfigPane", "DistributionPane", "GroupsPane", "MonthsPane", "RealityPane"]

_WIDE = 60
_MARKS = {"ok": ("ok", "good"), "warning": ("!", "warning"), "bad": ("×", "bad"), "none": ("·", "dim")}


class LinesPane(Pane):
    """A pane of lines that are made for its width, and made anew for another one."""

    def __init__(self, name: str) -> None:
        super().__init__(id=f"{name}-pane", classes="pane")
        self._view: BacktestView | None = None
        self._analysis: ResultAnalysis | None = None

    def compose(self) -> ComposeResult:
        """The lines."""
        yield LinesView(classes="page-lines")

    def on_mount(self) -> None:
        """Name the pane; its lines scroll."""
        self.caption(self.label)
        self.query_one(LinesView).can_focus = True

    def show(self, view: BacktestView | None, analysis: ResultAnalysis | None) -> None:
        """Draw a result; None while it is on its way."""
        self._view, self._analysis = view, analysis
        self._draw()

    def on_resize(self) -> None:
        """Draw for the new width."""
        self._draw()

    def _draw(self) -> None:
        lines = self.query_one(LinesView)
        width = lines.size.width - 3
        if width <= 0:
            return
        if self._view is None or self._analysis is None:
            lines.show(((("", "dim"),),))
            return
        lines.show(self.lines(self._view, self._analysis, width))

    def lines(self, view: BacktestView, analysis: ResultAnalysis, width: int) -> list[Line]:
        """What to draw in so many cells."""
        raise NotImplementedError


class MonthsPane(LinesPane):
    """Returns by month and year."""

    HELP = (
        "The return of every calendar month (UTC) in percent, and of every year. * marks a month that the run "
        "covers only in part. With room below, the trades closed in each month and their profit."
    )
    label = "Monthly"

    def __init__(self) -> None:
        super().__init__("months")

    def lines(self, view: BacktestView, analysis: ResultAnalysis, width: int) -> list[Line]:  # noqa: ARG002 - others draw of it
        """The table, and on a page of its own the list of months below."""
        positive, extremes = months_summary(analysis)
        self.caption("Monthly %", extremes)
        lines = month_table(analysis, width)
        if positive:
            lines += [(), ((positive, "dim"),)]
        if width >= _WIDE:
            lines += [(), *month_list(analysis, width)]
        return lines


class DistributionPane(LinesPane):
    """How trades and days are spread."""

    HELP = (
        "How many trades ended at which R (profit in units of the risk to the stop), how many days at which return, "
        "and how far trades went against and for us before they ended (quartiles, in R where there was a stop)."
    )
    label = "Distribution"

    def __init__(self) -> None:
        super().__init__("distribution")

    def lines(self, view: BacktestView, analysis: ResultAnalysis, width: int) -> list[Line]:
        """Both histograms, then the excursions."""
        room = (width - 3) // 2 if width >= 100 else width
        none = "There is no R without a stop loss." if view.trade_count else "No trade was made."
        trades = histogram_lines("Trades by R", analysis.r, room, lambda edge: f"{edge:+.2f}", none)
        days = histogram_lines(
            "Days by return",
            analysis.days,
            room,
            lambda edge: f"{edge:+.2%}",
            "The run is shorter than a day.",
        )
        lines = beside((trades, days), width)
        if analysis.excursions:
            lines += [
                (),
                (("How far trades went before they ended", "bold"), ("   25 %, 50 %, 75 % of them", "dim")),
            ]
            lines += [((f"{label:<20}", "dim"), (text, "")) for label, text in analysis.excursions]
        return lines


class GroupsPane(LinesPane):
    """Trades by symbol, side, exit, weekday and hour."""

    HELP = (
        "The closed trades by symbol, side, what closed them, weekday and hour of the entry (UTC). FACTOR is won over "
        "lost money, COSTS are fees, slippage and funding paid."
    )
    label = "Symbols"

    def __init__(self) -> None:
        super().__init__("groups")

    def on_mount(self) -> None:
        """Name the pane by all it holds."""
        super().on_mount()
        self.caption("Symbols, sides, exits, weekdays, hours")

    def lines(self, view: BacktestView, analysis: ResultAnalysis, width: int) -> list[Line]:  # noqa: ARG002 - others draw of it
        """A table for each criterion."""
        room = (width - 3) // 2 if width >= 100 else width
        return beside([group_lines(table, room) for table in analysis.groups], width)


class ConfigPane(LinesPane):
    """How the result came about."""

    HELP = "What ran: span, costs, refusals by reason, the data with its hashes, versions, and the strategy as it was."
    label = "Config"

    def __init__(self) -> None:
        super().__init__("config")

    def lines(self, view: BacktestView, analysis: ResultAnalysis, width: int) -> list[Line]:
        """The facts, and the strategy's text beside or below."""
        room = (width - 3) // 2 if width >= 100 else width
        strategy: list[Line] = [((f"Strategy {view.strategy}", "bold"),)]
        for row in view.toml.splitlines():
            tone = "dim" if row.startswith("#") else "primary" if row.startswith("[") else ""
            strategy.append(((row[:room], tone),))
        facts = config_lines(analysis.config, room)
        folder: list[Line] = [(), (("Folder  ", "dim"), (view.folder, ""))]
        if width >= 100:
            gap = room + 3
            rows = max(len(facts), len(strategy))
            facts += [()] * (rows - len(facts))
            strategy += [()] * (rows - len(strategy))
            both: list[Line] = [
                (*one, (" " * max(1, gap - sum(len(text) for text, _ in one)), ""), *other)
                for one, other in zip(facts, strategy, strict=True)
            ]
            return [*both, *folder]
        return [*facts, (), *strategy, *folder]


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

    def compose(self) -> ComposeResult:
        """The list and the explanation."""
        yield VirtualTable[_Remark](
            (Column("", 2), Column("", 20, grow=True)),
            lambda remark: (_MARKS[remark.tone], remark.short),
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
        against = sum(
            row is not None and row.tone in {"warning", "bad"} for row in self.query_one(VirtualTable).rows
        )
        return str(against) if against else ""

    def show(self, view: BacktestView, analysis: ResultAnalysis | None) -> None:
        """Draw the findings: what is invalid first, the check, then what was assumed."""
        rows: list[_Remark] = []
        said: set[str] = set()
        if analysis is not None:
            rows += [_Remark("bad", f"invalid: {text}", text) for text in analysis.errors]
            invalid = set(analysis.errors)
            rows += [
                _Remark(each.tone, each.short, each.text)
                for each in analysis.reality
                if each.text not in invalid
            ]
            said = {row.text for row in rows}
            rows += [_Remark("warning", text, text) for text in view.warnings if text not in said]
        if analysis is not None and not analysis.reality:
            rows.append(
                _Remark(
                    "none",
                    "no reality check",
                    "No reality check was made of this run; r runs it again with one.",
                )
            )
        table = self.query_one("#reality", VirtualTable)
        table.show(tuple(rows), empty=((("  on its way", "dim"),),))
        against = sum(row.tone in {"warning", "bad"} for row in rows)
        self.caption(subtitle=f"{formats.plural(against, 'remark')} against it" if against else "")
        self._explain()

    def on_virtual_table_moved(self) -> None:
        """Explain another line."""
        self._explain()

    def on_resize(self) -> None:
        """Break the sentence anew."""
        self._explain()

    def _explain(self) -> None:
        row = self.query_one("#reality", VirtualTable).current
        lines = self.query_one("#reality-text", LinesView)
        lines.display = isinstance(row, _Remark)
        if isinstance(row, _Remark):
            width = max(16, self.size.width - 4)
            lines.show(
                [((text, "dim"),) for text in wrap(row.text, width)][: max(3, self.size.height // 2 - 1)]
            )
