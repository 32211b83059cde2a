"""The tabs of the Test area: which panes belong to each, and the row that names them."""

from __future__ import annotations

from dataclasses import dataclass

from textual import events
from textual.message import Message

from tradebot.screens.frame import OneLine
from tradebot.screens.widgets.palette import Part, line_length

__all__ = ["TABS", "ResultTabs", "Tab"]


@dataclass(frozen=True, slots=True)
class Tab:
    """A tab: its name on the row, a shorter one for narrow terminals, and the panes it shows, by id.

    `narrow` are the panes where only one is seen at a time and others have a tab of their own.
    """

    label: str
    short: str
    panes: tuple[str, ...]
    narrow: tuple[str, ...] = ()


TABS = (
    Tab(
        "Overview",
        "Overview",
        ("charts-pane", "trades-pane", "months-pane", "reality-pane", "results-pane"),
        ("charts-pane", "reality-pane", "results-pane"),
    ),
    Tab("Trades", "Trades", ("trades-pane",)),
    Tab("Monthly", "Monthly", ("months-pane",)),
    Tab("Distribution", "Distrib.", ("distribution-pane",)),
    Tab("Symbols", "Symbols", ("groups-pane",)),
    Tab("Figures", "Figures", ("metrics-pane",)),
    Tab("Config", "Config", ("config-pane",)),
)


class ResultTabs(OneLine):
    """The row of tabs, the open one marked."""

    class Chosen(Message):
        """A tab was clicked."""

        def __init__(self, number: int) -> None:
            super().__init__()
            self.number = number

    spans: tuple[tuple[int, int], ...] = ()

    def show(self, current: int, trades: int | None) -> None:
        """Name the tabs; the number of trades is on theirs."""
        narrow = self.app.size.width < 100
        parts: list[Part] = []
        spans = []
        for number, tab in enumerate(TABS):
            start = line_length(parts)
            note = f" {trades:,}" if tab.label == "Trades" and trades is not None else ""
            label = tab.short if narrow else tab.label
            parts.append((f" {label}{note} ", "badge-primary" if number == current else "dim"))
            spans.append((start, line_length(parts)))
            parts.append(("" if narrow else " ", ""))
        room = self.size.width - line_length(parts) - 9
        if room > 0:
            parts += [(" " * room, ""), ("[ ]", "key"), (" tab", "dim")]
        self.spans = tuple(spans)
        self.line = tuple(parts)

    def on_click(self, event: events.Click) -> None:
        """Open the tab under the mouse."""
        for number, (start, end) in enumerate(self.spans):
            if start <= event.x < end:
                self.post_message(self.Chosen(number))
