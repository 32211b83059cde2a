"""Alerts asked of and changed in a running engine: the file is the truth, whoever changes it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tradebot.engine.alert_queries import AlertQueries
from tradebot.engine.alerts import AlertBook, Told
from tradebot.engine.alerts.system_notice import SystemNotifier
from tradebot.engine.control.clock import ManualClock
from tradebot.engine.control.errors import InputError, ShortfallError
from tradebot.engine.control.events import EventLog
from tradebot.engine.messages import (
    AddAlert,
    AlertsView,
    ArmAlert,
    ChangeAlert,
    EngineSnapshot,
    GetAlerts,
    NoteFocus,
    QuoteView,
    RemoveAlert,
    SettingField,
    SettingsView,
    SnoozeAlert,
    TellExample,
    TryAlert,
)
from tradebot.engine.strategy.check import builtin_registry

SNAPSHOT = EngineSnapshot(quotes=(QuoteView("BTCUSDT", "59812.5", None, None, None, 10),))


class World:
    def __init__(self, folder: Path) -> None:
        self.clock = ManualClock()
        self.events = EventLog(self.clock)
        self.book = AlertBook(folder)
        self.notifier = SystemNotifier("off", self.clock, self.events)
        self.queries = AlertQueries(
            folder, builtin_registry(), self.text, self.clock, self.events, self.notifier, "", lambda: SNAPSHOT
        )  # fmt: skip

    def text(self, name: str) -> str:
        raise InputError(f"There is no strategy {name}.")

    def ask(self, command: Any) -> Any:
        return self.queries.answer(command)

    def states(self) -> dict[str, str]:
        return {view.name: view.state for view in self.queries.views()}


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@pytest.mark.parametrize(
    ("when", "kind", "symbol", "level"),
    [
        ("BTCUSDT crosses 60000", "price", "BTCUSDT", 60_000.0),
        ("ETHUSDT falls 3% in 15m", "move", "ETHUSDT", None),
        ("BTCUSDT 15m: rsi below 30", "rule", "BTCUSDT", None),
        ("feed stale 60s", "stale", "", None),
        ("feed stale 60s BTCUSDT", "stale", "BTCUSDT", None),
        ("gap found", "gap", "", None),
        ("job failed", "job", "", None),
        ("disk below 5 GB", "disk", "", None),
    ],
)
def test_every_kind_of_condition_can_be_added_and_is_seen_at_once(
    world: World, when: str, kind: str, symbol: str, level: float | None
) -> None:
    view = world.ask(AddAlert(when, again="30s"))
    assert (view.kind, view.symbol, view.level, view.again, view.state) == (
        kind,
        symbol,
        level,
        "30s",
        "armed",
    )
    assert world.queries.views() == (view,)
    assert world.book.alerts()[0].when == when


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (AddAlert("BTCUSDT is nice"), "write one like"),
        (AddAlert("BTCUSDT 15m: rsii below 30"), "not understood"),
        (AddAlert("strategy nothing"), "There is no strategy nothing."),
        (AddAlert("gap found", again="10s"), "after 30s at the soonest, not 10s"),
        (AddAlert("gap found", again="soon"), "not a length of time"),
        (TryAlert("BTCUSDT above -5"), "write one like"),
        (ChangeAlert("nothing", "gap found"), 'no alert "nothing"'),
        (RemoveAlert("nothing"), 'no alert "nothing"'),
        (SnoozeAlert("nothing"), 'no alert "nothing"'),
        (SnoozeAlert("nothing", -5), "1 minute to a year"),
        (ArmAlert("nothing"), 'no alert "nothing"'),
    ],
)
def test_what_cannot_be_is_a_sentence_and_nothing_is_written(world: World, command: Any, said: str) -> None:
    with pytest.raises(InputError) as refused:
        world.ask(command)
    assert said in refused.value.sentence
    assert not world.book.path.exists()


async def test_a_snooze_ends_by_itself_and_stands_in_the_file_until_then(
    world: World, tmp_path: Path
) -> None:
    world.ask(AddAlert("gap found", "gaps"))
    view = world.ask(SnoozeAlert("gaps", 5))
    assert (view.state, view.snoozed_until_ms) == ("snoozed", world.clock.now_ms() + 300_000)
    again = World(tmp_path)
    again.queries.refresh()
    assert again.states() == {"gaps": "snoozed"}
    await world.clock.advance(301)
    assert world.states() == {"gaps": "armed"}


def test_off_holds_until_it_is_armed_again_which_ends_a_snooze_too(world: World) -> None:
    world.ask(AddAlert("gap found", "gaps"))
    assert world.ask(SnoozeAlert("gaps", 5)).state == "snoozed"
    assert world.ask(ArmAlert("gaps", armed=False)).state == "off"
    assert world.ask(ArmAlert("gaps")).state == "armed"
    world.ask(SnoozeAlert("gaps", 5))
    assert world.ask(SnoozeAlert("gaps", 0)).state == "armed"


def test_a_change_keeps_name_and_place(world: World) -> None:
    world.ask(AddAlert("BTCUSDT above 60000", "one"))
    world.ask(AddAlert("gap found", "two"))
    assert world.ask(ChangeAlert("one", "BTCUSDT  above 61000", "1h")).level == 61_000
    assert [(view.name, view.again) for view in world.queries.views()] == [("one", "1h"), ("two", "15m")]


def test_what_it_told_since_it_was_added_is_counted(world: World) -> None:
    now = world.clock.now_ms()
    world.book.note(Told(now - 60_000, "gaps", "Of an earlier one."))
    world.ask(AddAlert("gap found", "gaps"))
    for number in (1, 2):
        world.book.note(Told(now + number * 1000, "gaps", f"Gap {number}."))
    seen: AlertsView = world.ask(GetAlerts(most=2))
    (view,) = seen.alerts
    assert (view.fired, view.last_ms, view.last_sentence) == (2, now + 2000, "Gap 2.")
    assert [told.sentence for told in seen.history] == ["Gap 2.", "Gap 1."]


def test_what_another_program_or_a_person_changes_is_seen_and_a_broken_file_keeps_the_rest(
    world: World,
) -> None:
    world.ask(AddAlert("gap found", "gaps"))
    AlertBook(world.book.path.parent).arm("gaps", armed=False)
    world.queries.refresh()
    assert world.states() == {"gaps": "off"}
    world.book.path.write_text("[[alert]\n", encoding="utf-8")
    seen: AlertsView = world.ask(GetAlerts())
    assert [view.name for view in seen.alerts] == ["gaps"]
    assert "not valid TOML" in seen.problem


@pytest.mark.parametrize(
    ("when", "hint"),
    [
        ("BTCUSDT crosses 60000", ""),
        ("BTCUSDT above 60000", ""),
        ("BTCUSDT above 50000", "It is so already"),
        ("ETHUSDT above 50000", "No price of ETHUSDT comes in now"),
        ("BTCUSDT 15m: rsi below 30", "BTCUSDT 15m is not followed live now"),
        ("gap found", ""),
    ],
)
def test_what_keeps_it_quiet_is_said_before_it_is_added(world: World, when: str, hint: str) -> None:
    assert world.ask(TryAlert(when)).hint.startswith(hint)
    assert bool(world.ask(TryAlert(when)).hint) is bool(hint)


def test_a_file_that_cannot_be_written_is_a_sentence(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, text: str) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tradebot.engine.alerts.book.write_atomically", refuse)
    with pytest.raises(ShortfallError) as refused:
        world.ask(AddAlert("gap found"))
    assert "cannot be written (permission denied); nothing was changed." in refused.value.sentence


def test_what_is_saved_in_the_settings_counts_at_once(world: World) -> None:
    path = "alerts.system_notification"
    field = SettingField(
        path, "alerts", "choice", "always", "saved", "when away", "h", "", (), True, "", True
    )
    world.queries.take(SettingsView((field,), "saved.toml", False))
    assert world.notifier.mode == "always"
    world.queries.take(None)
    assert world.notifier.mode == "always"


def test_an_example_is_told_on_the_screen_and_the_focus_is_noted(world: World) -> None:
    world.ask(NoteFocus(focused=False))
    assert not world.notifier.focused
    assert {way.state for way in world.ask(TellExample())} == {"off"}
    assert [(event.source, event.level.value) for event in world.events.recent(9)] == [("alerts", "warning")]
