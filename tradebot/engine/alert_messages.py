"""What crosses the border of the engine about alerts: what is watched, what was told, and how both are changed.

Re-exported by `engine.messages`, where everything that crosses the border is known by its name.
"""

from __future__ import annotations

from dataclasses import dataclass

# ---------------------------------------------------------------------------------------------- commands


@dataclass(frozen=True, slots=True)
class GetAlerts:
    """All alerts, and the newest `most` notifications. The reply is an AlertsView."""

    most: int = 200


@dataclass(frozen=True, slots=True)
class TryAlert:
    """What a condition means, without adding it; refused with what is wrong. The reply is an AlertReading.

    `when` is a sentence as of `tradebot alerts add`.
    """

    when: str


@dataclass(frozen=True, slots=True)
class AddAlert:
    """Add an alert; without a name one is made of its condition. The reply is its AlertView.

    `again` is the soonest that it tells the same once more, 30s at least.
    """

    when: str
    name: str = ""
    again: str = "15m"


@dataclass(frozen=True, slots=True)
class ChangeAlert:
    """Give an alert another condition or pause; its name, its place and its snooze stay. The reply is its AlertView."""

    name: str
    when: str
    again: str = "15m"


@dataclass(frozen=True, slots=True)
class RemoveAlert:
    """Remove an alert; what it told stays in the history. The reply is its name."""

    name: str


@dataclass(frozen=True, slots=True)
class SnoozeAlert:
    """Let an alert say nothing for some minutes, 0 ends that. The reply is its AlertView."""

    name: str
    minutes: int = 60


@dataclass(frozen=True, slots=True)
class ArmAlert:
    """Switch an alert on, which also ends its snooze, or off until it is armed again. The reply is its AlertView."""

    name: str
    armed: bool = True


@dataclass(frozen=True, slots=True)
class TellExample:
    """Tell one example in every way that is switched on. The reply is a tuple of ToldWay."""


@dataclass(frozen=True, slots=True)
class NoteFocus:
    """Whether the person looks at the terminal, as far as it says so. The reply is `focused`."""

    focused: bool


AlertCommand = (
    GetAlerts
    | TryAlert
    | AddAlert
    | ChangeAlert
    | RemoveAlert
    | SnoozeAlert
    | ArmAlert
    | TellExample
    | NoteFocus
)

# ---------------------------------------------------------------------------------------------- what is seen


@dataclass(frozen=True, slots=True)
class AlertView:
    """An alert; `when` is its condition as it was written, `again` the soonest that it tells the same once more.

    `kind` is price, move, rule, strategy, stale, gap, job or disk; `symbol` what it is about ("" where nothing of the
    kind), `level` the price that a line on a chart can show. `state` is armed, snoozed (until `snoozed_until_ms`, UTC)
    or off. `fired` counts the notifications since it was added, of which `last_sentence` at `last_ms` was the latest
    (0: none).
    """

    name: str
    when: str
    kind: str
    symbol: str = ""
    level: float | None = None
    again: str = "15m"
    state: str = "armed"
    snoozed_until_ms: int = 0
    fired: int = 0
    last_ms: int = 0
    last_sentence: str = ""


@dataclass(frozen=True, slots=True)
class ToldView:
    """One notification as it was given, at `time_ms` (UTC)."""

    time_ms: int
    name: str
    sentence: str


# ---------------------------------------------------------------------------------------------- replies


@dataclass(frozen=True, slots=True)
class AlertsView:
    """All alerts in their order and what they told, newest first. `file` is where they stand; `problem` says why the
    file cannot be read, in which case those from before are shown.
    """

    alerts: tuple[AlertView, ...]
    history: tuple[ToldView, ...]
    file: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class AlertReading:
    """How a condition is understood: its kind and symbol as of AlertView, and a hint, "" where there is none."""

    kind: str
    symbol: str = ""
    hint: str = ""


@dataclass(frozen=True, slots=True)
class ToldWay:
    """One way of telling: `state` is told, off or failed; `sentence` says what happened."""

    way: str
    state: str
    sentence: str
