"""The panes that take a result apart: months, distributions, groups, how it came about."""

from __future__ import annotations

from textual.app import ComposeResult

from tradebot.engine.messages import BacktestView, ResultAnalysis
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
from tradebot.screens.widgets.palette import Line

__all__ = ["ConfigPane", "DistributionPane", "GroupsPane", "LinesPane", "MonthsPane"]

_WIDE = 60


class LinesPane(Pane):
    """A pane of lines that are made for its width, and made anew for another one."""

    def __init__(self, name: str) -> None:
        super().__init__(id=f"{name}-pane", classes="pane")
        self._view: BacktestView | None = None
        self._analysis: ResultAnalysis | None = None
        self._waits = ""

    def compose(self) -> ComposeResult:
        """The lines."""
        yield LinesView(classes="page-lines")

    def on_mount(self) -> None:
        """Name the pane; its lines scroll."""
        self.caption(self.label)
        self.query_one(LinesView).can_focus = True

    def show(self, view: BacktestView | None, analysis: ResultAnalysis | None) -> None:
        """Draw a result; None while it is on its way."""
        self._view, self._analysis, self._waits = view, analysis, ""
        self._draw()

    def wait(self) -> None:
        """Say that there is no result to take apart yet."""
        self._view = self._analysis = None
        self._waits = "comes with the result"
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
            lines.show((((self._waits, "dim"),),))
            self.caption(subtitle="")
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
