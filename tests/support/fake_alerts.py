"""The fake engine's alerts: kept in memory, read by the real reader of conditions."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tradebot.engine import messages as m
from tradebot.engine.alerts.conditions import PriceLevel, parse_condition
from tradebot.engine.control.errors import InputError

_KINDS = {"PriceLevel": "price", "PriceMove": "move", "BarRule": "rule", "StrategySignal": "strategy"}
_OTHERS = {"FeedStale": "stale", "GapFound": "gap", "JobEnded": "job", "DiskLow": "disk"}
MINUTE = 60_000


def alert(when: str, name: str, again: str = "15m") -> m.AlertView:
    """An armed alert of that condition. Raises InputError where it is none."""
    condition = parse_condition(when)
    level = condition.level if isinstance(condition, PriceLevel) else None
    kind = {**_KINDS, **_OTHERS}[type(condition).__name__]
    return m.AlertView(name, when, kind, getattr(condition, "symbol", ""), level, again)


def some_alerts(now_ms: int) -> tuple[m.AlertView, ...]:
    """Alerts in every state, as a person would have them."""
    told = "BTCUSDT crossed 63,500 upwards: 63,504.1."
    return (
        replace(
            alert("BTCUSDT crosses 63500", "btc-63500", "1h"),
            fired=3, last_ms=now_ms - 11 * MINUTE, last_sentence=told,
        ),
        alert("BTCUSDT 15m: rsi below 30", "dip"),
        replace(
            alert("ETHUSDT falls 3% in 15m", "eth-slide"),
            state="snoozed", snoozed_until_ms=now_ms + 45 * MINUTE,
        ),
        alert("feed stale 60s", "silence", "5m"),
        replace(alert("job failed", "jobs"), state="off"),
        alert("disk below 5 GB", "disk"),
    )  # fmt: skip


class FakeAlerts:
    """Answers like the engine; `alerts` is what the snapshot shows."""

    def __init__(self) -> None:
        self.alerts: tuple[m.AlertView, ...] = ()
        self.history: tuple[m.ToldView, ...] = ()
        self.hint = ""

    def fill(self, now_ms: int) -> None:
        """Have some alerts and what they told."""
        self.alerts = some_alerts(now_ms)
        self.history = tuple(
            m.ToldView(now_ms - age * MINUTE, each.name, f"{each.when}: told.")
            for age, each in ((11, self.alerts[0]), (190, self.alerts[1]), (2000, self.alerts[0]))
        )

    def answer(self, command: m.AlertCommand, now_ms: int) -> Any:
        match command:
            case m.GetAlerts():
                return m.AlertsView(self.alerts, self.history, "data/alerts.toml")
            case m.TryAlert(when=when):
                found = alert(when, "x")
                return m.AlertReading(found.kind, found.symbol, self.hint)
            case m.TellExample():
                return (m.ToldWay("system notification", "off", "Switched off."),)
            case m.NoteFocus(focused=focused):
                return focused
            case m.AddAlert(when=when, name=name, again=again):
                self.alerts = (*self.alerts, alert(when, name or f"alert-{len(self.alerts) + 1}", again))
                return self.alerts[-1]
            case m.RemoveAlert(name=name):
                self._named(name)
                self.alerts = tuple(each for each in self.alerts if each.name != name)
                return name
        view = self._named(command.name)
        match command:
            case m.ChangeAlert(when=when, again=again):
                new = alert(when, view.name, again)
            case m.SnoozeAlert(minutes=minutes):
                until_ms = now_ms + minutes * MINUTE if minutes else 0
                new = replace(view, state="snoozed" if minutes else "armed", snoozed_until_ms=until_ms)
            case m.ArmAlert(armed=armed):
                new = replace(view, state="armed" if armed else "off", snoozed_until_ms=0)
        self.alerts = tuple(new if each is view else each for each in self.alerts)
        return new

    def _named(self, name: str) -> m.AlertView:
        found = next((each for each in self.alerts if each.name == name), None)
        if found is None:
            raise InputError(f'There is no alert "{name}".')
        return found
