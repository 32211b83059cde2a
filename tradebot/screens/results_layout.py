"""The Test area's panes, and the tabs that show some of them at a time."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical

from tradebot.screens.area import Area, Pane, PaneTabs
from tradebot.screens.remembering import Kept, Value
from tradebot.screens.results_pages import (
    ConfigPane,
    DistributionPane,
    GroupsPane,
    LinesPane,
    MonthsPane,
)
from tradebot.screens.results_panes import ChartsPane, MetricsPane, ResultsPane, Summary
from tradebot.screens.results_reality import RealityPane
from tradebot.screens.results_tabs import TABS, ResultTabs
from tradebot.screens.results_trades import TradesPane

__all__ = ["NARROW", "ResultLayout"]

NARROW = 100
"""Below this width one pane is seen at a time."""


class ResultLayout(Area):
    """Figures on top, then a tab: the overview, or one part of the result with all the room."""

    def __init__(self) -> None:
        super().__init__()
        self._tab = 0
        self._all_panes: tuple[Pane, ...] = ()

    def compose_panes(self) -> ComposeResult:
        """The strip and the row of tabs, the two columns of the overview, the pages of the other tabs."""
        yield Summary()
        yield ResultTabs(id="result-tabs")
        with Horizontal(id="results-body"):
            with Vertical(id="results-main"):
                yield ChartsPane()
                yield TradesPane()
            with Vertical(id="results-side"):
                yield MonthsPane()
                yield RealityPane()
                yield ResultsPane()
            yield DistributionPane()
            yield GroupsPane()
            yield MetricsPane()
            yield ConfigPane()

    @property
    def trade_count(self) -> int | None:
        """How many trades the row of tabs tells of, None for no result."""
        return None

    @property
    def lines_panes(self) -> tuple[LinesPane, ...]:
        """The panes that take a result apart."""
        return tuple(pane for pane in self._all_panes if isinstance(pane, LinesPane))

    @property
    def panes(self) -> list[Pane]:
        """The panes of the open tab; where one is seen at a time, not those with a tab of their own."""
        if not self._all_panes:
            self._all_panes = tuple(self.query(Pane).results(Pane))
        tab = TABS[self._tab]
        wanted = tab.narrow if tab.narrow and self.app.size.width < NARROW else tab.panes
        return [pane for pane in self._all_panes if pane.id in wanted]

    def shows(self, pane_id: str) -> bool:
        """Whether the open tab has that pane."""
        return pane_id in TABS[self._tab].panes

    def remembered(self) -> dict[str, Value]:
        """The pane and the tab."""
        return {**super().remembered(), "tab": TABS[self._tab].label}

    def remember(self, kept: Kept) -> None:
        """Take them up."""
        labels = [tab.label for tab in TABS]
        self._tab = labels.index(kept.text("tab")) if kept.text("tab") in labels else 0
        self._show_tab()
        self._mark(self.panes[0])
        super().remember(kept)

    def on_mount(self) -> None:
        """Begin with the overview."""
        self._show_tab()

    def on_resize(self) -> None:
        """A pane of the overview may have a tab of its own now, or none any more."""
        self._show_tab()
        if self.current_pane not in self.panes:
            self.visit_pane(self.panes[0])

    def open_tab(self, number: int) -> None:
        """Show a tab by its place on the row."""
        if self.has_class("-maximised"):
            self.action_maximise()
        self._tab = number % len(TABS)
        self._show_tab()
        panes = self.panes
        self.visit_pane(self.current_pane if self.current_pane in panes else panes[0])

    def action_tab(self, step: int) -> None:
        """To the next or the previous tab."""
        self.open_tab(self._tab + step)

    @on(ResultTabs.Chosen)
    def _tab_clicked(self, event: ResultTabs.Chosen) -> None:
        self.open_tab(event.number)

    def _show_tab(self) -> None:
        shown = self.panes
        for pane in self._all_panes:
            pane.set_class(pane not in shown, "-off")
        for name in ("#results-main", "#results-side"):
            column = self.query_one(name)
            column.set_class(not any(pane in shown for pane in column.children), "-off")
            column.set_class(len(shown) == 1, "-alone")
        self.show_tabs()

    def show_tabs(self) -> None:
        """Draw both rows of tabs anew; the one of panes only where there are several."""
        self.query_one(ResultTabs).show(self._tab, self.trade_count)
        self.query_one(PaneTabs).set_class(len(self.panes) < 2, "-off")
        super().show_tabs()
