"""The events on the Dashboard: what happened last, alerts marked, followed or frozen."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from tradebot.engine.messages import EngineSnapshot, EventView, LogRecord
from tradebot.screens import formats
from tradebot.screens.area import Pane
from tradebot.screens.dashboard_empty import NO_EVENTS
from tradebot.screens.widgets.log_view import LogView

__all__ = ["RecentPane"]


class RecentView(LogView):
    """The last events, in which Enter shows one in Logs."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "choose", "in Logs", id="dashboard.open_event")]

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Enter works where something has happened."""
        return bool(self.records) or None if action == "choose" else super().check_action(action, parameters)


class RecentPane(Pane):
    """What happened last, the newest below."""

    HELP = (
        "What happened last: connections, stored bars, jobs, warnings, errors. A bar at the left marks an alert. The "
        "newest event is followed; Space or moving up stays where you are, and what comes below is counted. Enter "
        "shows the event in Logs with what was done about it and what you can do, y copies it."
    )
    label = "Events"

    def __init__(self) -> None:
        super().__init__(id="dash-events", classes="pane")
        self._shown: tuple[EventView, ...] = ()

    def compose(self) -> ComposeResult:
        """The events."""
        yield RecentView(id="dash-recent")

    def on_mount(self) -> None:
        """Name the pane."""
        self.caption("Events")
        self.view.show((), (), empty=NO_EVENTS)

    @property
    def view(self) -> RecentView:
        """The events."""
        return self.query_one(RecentView)

    @property
    def current(self) -> LogRecord | None:
        """The event under the cursor."""
        return self.view.current

    @property
    def tab_note(self) -> str:
        """How many warnings and errors there are, and whether the newest event is followed."""
        troubles = sum(each.level != "info" for each in self._shown)
        frozen = "frozen" if self.is_mounted and self._shown and not self.view.following else ""
        return " ".join(part for part in (f"! {troubles}" if troubles else "", frozen) if part)

    def apply(self, snapshot: EngineSnapshot) -> None:
        """Draw the events of a snapshot, only those that came since where the others are the same."""
        events, before = snapshot.events, self._shown
        if _same(before, events):
            return
        self._shown = events
        kept = len(before)
        if before and len(events) > kept and events[0] == before[0] and events[kept - 1] == before[-1]:
            self.view.extend(*_records(events[kept:]))
        else:
            self.view.show(*_records(events), empty=NO_EVENTS)
        self._caption()

    @on(LogView.Moved)
    def _caption(self) -> None:
        view = self.view
        if not view.records:
            self.caption("Events", "")
            return
        state = (
            "following · Space freezes"
            if view.following
            else f"frozen{f' · {view.unseen} below' if view.unseen else ''} · Space follows"
        )
        troubles = sum(each.level != "info" for each in self._shown)
        told = formats.plural(troubles, "warning or error", "warnings and errors") + " · " if troubles else ""
        self.caption(subtitle=f"{told}{state}")

    def freeze(self) -> None:
        """Stay with the newest event, or stop here."""
        self.view.follow(not self.view.following)

    def copy_text(self) -> str:
        """The event under the cursor as a line."""
        record = self.current
        if record is None:
            return ""
        when = f"{formats.moment(record.time_ms):%Y-%m-%d %H:%M:%S}Z"
        return f"{when} {record.level.upper()} {record.component}: {record.sentence}"


def _same(before: tuple[EventView, ...], now: tuple[EventView, ...]) -> bool:
    """Whether nothing happened since: numbers rise by one, so the ends tell."""
    if len(before) != len(now):
        return False
    return not now or (before[0].sequence == now[0].sequence and before[-1].sequence == now[-1].sequence)


def _records(events: tuple[EventView, ...]) -> tuple[tuple[LogRecord, ...], tuple[int, ...]]:
    """Events as records, and the numbers of those that are alerts."""
    records = tuple(
        LogRecord(each.sequence, each.time_ms, each.level, each.source, each.sentence) for each in events
    )
    return records, tuple(each.sequence for each in events if each.source == "alerts")
