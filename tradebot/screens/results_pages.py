"""The panes that take a result apart: months, distributions, groups, how it came about."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.containers import Horizontal

from tradebot.engine.messages import BacktestView, ResultAnalysis
from tradebot.screens import formats
from tradebot.screens.area import Pane
from tradebot.screens.results_drawing import (
    beside,
    config_lines,
    group_lines,
    histogram_bars,
    histogram_lines,
    month_list,
    month_table,
    months_summary,
)
from tradebot.screens.widgets.bar_chart import Bar, BarChart
from tradebot.screens.widgets.lines_view import LinesView
from tradebot.screens.widgets.palette import Line

__all__ = ["ConfigPane", "DistributionPane", "GroupsPane", "LinesPane", "MonthsPane"]

_WIDE = 60
_BARS_WIDTH, _BARS_HEIGHT = 96, 24
"""A page smaller than this has no room for charts of bars."""


class LinesPane(Pane):
    """A pane of lines that are made for its width, and made anew for another one; above them charts of bars."""

    bars: ClassVar[tuple[tuple[str, Callable[[float, float], str]], ...]] = ()
    """The charts above the lines: their titles, and how values on their axes are written."""

    def __init__(self, name: str) -> None:
        super().__init__(id=f"{name}-pane", classes="pane")
        self._view: BacktestView | None = None
        self._analysis: ResultAnalysis | None = None
        self._waits = ""
        self.has_bars = False

    def compose(self) -> ComposeResult:
        """The bars, where the page has some and the room for them, and the lines."""
        if self.bars:
            with Horizontal(classes="page-bars"):
                for title, value_text in self.bars:
                    yield BarChart(value_text, title=title)
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
        is_there = self._view is not None and self._analysis is not None
        has_room = self.size.width >= _BARS_WIDTH and self.size.height >= _BARS_HEIGHT
        for box in self.query(".page-bars"):
            box.display = is_there and has_room
        if self._view is None or self._analysis is None:
            lines.show((((self._waits, "dim"),),))
            self.caption(subtitle="")
            return
        self.has_bars = bool(self.bars) and has_room
        if self.has_bars:
            for chart, bars in zip(self.query(BarChart), self.bars_of(self._analysis), strict=True):
                chart.show(bars)
        lines.show(self.lines(self._view, self._analysis, width))

    def bars_of(self, analysis: ResultAnalysis) -> tuple[tuple[Bar, ...], ...]:
        """The bars of each chart."""
        del analysis
        return ()

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

    bars = (("", formats.axis_percent),)

    def bars_of(self, analysis: ResultAnalysis) -> tuple[tuple[Bar, ...], ...]:
        """The return of each month."""
        returns = ((month, month.total_return or 0.0) for month in analysis.months)
        return (
            tuple(
                Bar(each, f"{month.year % 100:02d}-{month.month:02d}", each > 0) for month, each in returns
            ),
        )

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

    bars = (("Trades by R", formats.axis_count), ("Days by return", formats.axis_count))

    def bars_of(self, analysis: ResultAnalysis) -> tuple[tuple[Bar, ...], ...]:
        """Trades by R, days by return."""
        return (
            histogram_bars(analysis.r, lambda edge: f"{edge:+.1f}"),
            histogram_bars(analysis.days, lambda edge: f"{edge:+.1%}"),
        )

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
        histograms = beside((trades, days), width)
        excursions: list[Line] = []
        if analysis.excursions:
            excursions += [
                (("How far trades went before they ended", "bold"), ("   25 %, 50 %, 75 % of them", "dim")),
            ]
            excursions += [((f"{label:<20}", "dim"), (text, "")) for label, text in analysis.excursions]
        first, then = (excursions, histograms) if self.has_bars else (histograms, excursions)
        return [*first, *([()] if first and then else []), *then]


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
