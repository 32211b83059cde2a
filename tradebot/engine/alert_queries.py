"""Commands about alerts: the file of the data folder is the truth, whoever writes the folder's market data."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeGuard, assert_never, get_args

from tradebot.engine.alert_messages import (
    AddAlert,
    AlertCommand,
    AlertReading,
    AlertsView,
    AlertView,
    ArmAlert,
    ChangeAlert,
    GetAlerts,
    NoteFocus,
    RemoveAlert,
    SnoozeAlert,
    TellExample,
    ToldView,
    TryAlert,
)
from tradebot.engine.alerts.book import Alert, AlertBook, Told
from tradebot.engine.alerts.closed_bars import check_condition
from tradebot.engine.alerts.conditions import (
    BarRule,
    Condition,
    DiskLow,
    FeedStale,
    GapFound,
    JobEnded,
    PriceLevel,
    PriceMove,
    StrategySignal,
    parse_condition,
    parse_span,
    span_text,
)
from tradebot.engine.alerts.example import EXAMPLE, tell_example
from tradebot.engine.alerts.service import SOURCE
from tradebot.engine.alerts.system_notice import SystemNotifier
from tradebot.engine.control.clock import Clock
from tradebot.engine.control.errors import InputError, ShortfallError
from tradebot.engine.control.events import EventLog
from tradebot.engine.messages import EngineSnapshot, SettingsView
from tradebot.engine.strategy import Registry

__all__ = ["AlertQueries", "alert_view", "is_alert_command"]

_KINDS: dict[type[Any], str] = {
    PriceLevel: "price",
    PriceMove: "move",
    BarRule: "rule",
    StrategySignal: "strategy",
    FeedStale: "stale",
    GapFound: "gap",
    JobEnded: "job",
    DiskLow: "disk",
}
_MOST = 1000
_LONGEST_SNOOZE_MINUTES = 366 * 24 * 60


def is_alert_command(command: object) -> TypeGuard[AlertCommand]:
    """Whether a command is about alerts."""
    return isinstance(command, get_args(AlertCommand))


class AlertQueries:
    """Answers on the calling thread; `refresh` reads the files where they changed, `views` costs nothing to ask for.
    Thread-safe.
    """

    def __init__(
        self,
        folder: Path,
        registry: Registry,
        strategy_text: Callable[[str], str],
        clock: Clock,
        events: EventLog,
        notifier: SystemNotifier,
        webhook: str = "",
        latest: Callable[[], EngineSnapshot] = EngineSnapshot,
    ) -> None:
        self._book = AlertBook(folder)
        self._registry = registry
        self._strategy_text = strategy_text
        self._clock = clock
        self._events = events
        self._notifier = notifier
        self._webhook = webhook
        self._latest = latest
        self._lock = threading.RLock()
        self._stamp: tuple[object, ...] = ()
        self._alerts: tuple[Alert, ...] = ()
        self._told: tuple[Told, ...] = ()
        self._views: tuple[AlertView, ...] = ()
        self._problem = ""

    def views(self) -> tuple[AlertView, ...]:
        """All alerts as of the last look at the file; snoozes go by now."""
        now_ms = self._clock.now_ms()
        views = self._views
        if not any(view.state == "snoozed" and view.snoozed_until_ms <= now_ms for view in views):
            return views
        self._views = tuple(
            replace(view, state="armed", snoozed_until_ms=0)
            if view.state == "snoozed" and view.snoozed_until_ms <= now_ms
            else view
            for view in views
        )
        return self._views

    def refresh(self) -> None:
        """Read the files again where they changed; may take milliseconds, so not for a loop."""
        with self._lock:
            stamp = (self._book.stamp(), self._book.history_stamp())
            if stamp == self._stamp:
                return
            self._stamp = stamp
            try:
                self._alerts, self._problem = self._book.alerts(), ""
            except InputError as error:
                self._problem = error.sentence
            self._told = tuple(self._book.history(_MOST))
            now_ms = self._clock.now_ms()
            self._views = tuple(alert_view(alert, self._told, now_ms) for alert in self._alerts)

    def take(self, settings: object) -> None:
        """Tell by the system as settings that were saved say, where this is a SettingsView."""
        for field in settings.fields if isinstance(settings, SettingsView) else ():
            if field.path == "alerts.system_notification":
                self._notifier.mode = field.value

    def answer(self, command: AlertCommand) -> Any:
        """The reply to a command. Raises InputError, ShortfallError where nothing can be written."""
        match command:
            case GetAlerts():
                return self._all(command.most)
            case TryAlert():
                return self._read(command.when)
            case TellExample():
                self._events.warning(SOURCE, EXAMPLE)
                return tell_example(self._notifier, self._webhook, self._clock.now_ms())
            case NoteFocus():
                self._notifier.focused = command.focused
                return command.focused
            case _:
                pass
        with self._lock:
            try:
                return self._change(command)
            except OSError as error:
                reason = (error.strerror or type(error).__name__).lower()
                raise ShortfallError(
                    f"{self._book.path} cannot be written ({reason}); nothing was changed."
                ) from None

    def _change(
        self, command: AddAlert | ChangeAlert | RemoveAlert | SnoozeAlert | ArmAlert
    ) -> AlertView | str:
        book, name = self._book, command.name
        match command:
            case AddAlert():
                pause_ms = parse_span(command.again)
                check_condition(parse_condition(command.when), self._registry, self._strategy_text)
                name = book.add(command.when, name, pause_ms, self._clock.now_ms()).name
            case ChangeAlert():
                pause_ms = parse_span(command.again)
                check_condition(parse_condition(command.when), self._registry, self._strategy_text)
                book.change(name, command.when, pause_ms)
            case RemoveAlert():
                book.remove(name)
            case SnoozeAlert():
                if not 0 <= command.minutes <= _LONGEST_SNOOZE_MINUTES:
                    raise InputError("An alert is snoozed for 1 minute to a year; 0 ends it.")
                until_ms = self._clock.now_ms() + command.minutes * 60_000 if command.minutes else 0
                book.snooze(name, until_ms)
            case ArmAlert():
                book.arm(name, command.armed)
            case _:
                assert_never(command)
        self.refresh()
        return next((view for view in self._views if view.name == name), name)

    def _all(self, most: int) -> AlertsView:
        self.refresh()
        with self._lock:
            history = tuple(ToldView(each.time_ms, each.name, each.sentence) for each in self._told[:most])
            return AlertsView(self.views(), history, str(self._book.path), self._problem)

    def _read(self, when: str) -> AlertReading:
        condition = parse_condition(when)
        check_condition(condition, self._registry, self._strategy_text)
        return AlertReading(_KINDS[type(condition)], _symbol(condition), _hint(condition, self._latest()))


def alert_view(alert: Alert, told: tuple[Told, ...], now_ms: int) -> AlertView:
    """An alert as it is shown; `told` newest first."""
    own = [each for each in told if each.name == alert.name and each.time_ms >= alert.added_ms]
    snoozed = alert.snoozed_until_ms > now_ms
    return AlertView(
        name=alert.name,
        when=alert.when,
        kind=_KINDS[type(alert.condition)],
        symbol=_symbol(alert.condition),
        level=alert.condition.level if isinstance(alert.condition, PriceLevel) else None,
        again=span_text(alert.pause_ms),
        state="off" if not alert.armed else "snoozed" if snoozed else "armed",
        snoozed_until_ms=alert.snoozed_until_ms if snoozed else 0,
        fired=len(own),
        last_ms=own[0].time_ms if own else 0,
        last_sentence=own[0].sentence if own else "",
    )


def _symbol(condition: Condition) -> str:
    return condition.symbol if isinstance(condition, PriceLevel | PriceMove | BarRule | FeedStale) else ""


def _hint(condition: Condition, snapshot: EngineSnapshot) -> str:
    """What keeps it from telling anything as things stand now."""
    quoted = {quote.symbol: quote for quote in snapshot.quotes}
    live = {
        (view.symbol, view.timeframe) for view in snapshot.datasets if view.state == "live" and not view.mark
    }
    match condition:
        case PriceLevel() if condition.symbol in quoted and condition.way != "crosses":
            last = float(quoted[condition.symbol].last)
            beyond = last > condition.level if condition.way == "above" else last < condition.level
            return "It is so already: told once it becomes so anew." if beyond else ""
        case PriceLevel() | PriceMove() if condition.symbol not in quoted:
            return f"No price of {condition.symbol} comes in now; it is watched once the symbol is followed live."
        case BarRule() if (condition.symbol, condition.timeframe.value) not in live:
            name = f"{condition.symbol} {condition.timeframe.value}"
            return f"{name} is not followed live now; bars are looked at as they close once it is."
        case _:
            return ""
