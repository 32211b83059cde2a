"""What crosses the border of the engine about settings, the connection and API keys."""

from __future__ import annotations

from dataclasses import dataclass, field

Changes = tuple[tuple[str, str | None], ...]
"""Texts by path of a setting; None takes what was saved away."""


@dataclass(frozen=True, slots=True)
class GetSettings:
    """Every setting with its source; the reply is a SettingsView."""


@dataclass(frozen=True, slots=True)
class TrySettings:
    """What would be wrong with these changes; the reply is a SettingsCheck. Nothing is written."""

    changes: Changes


@dataclass(frozen=True, slots=True)
class SaveSettings:
    """Check the changes as a whole and save them; the reply is a SettingsView. Refused with a sentence for each."""

    changes: Changes


@dataclass(frozen=True, slots=True)
class RollBackSettings:
    """Put the version saved before back; once more undoes it. The reply is a SettingsView."""


@dataclass(frozen=True, slots=True)
class CheckConnection:
    """Ask the exchange at this address ("": the one in use) for its clock; the reply is a ConnectionCheck."""

    url: str = ""


@dataclass(frozen=True, slots=True)
class GetKeys:
    """Where API keys are; the reply is a KeysView. Keys themselves never come back."""


@dataclass(frozen=True, slots=True)
class StoreKeys:
    """Put an API key and its secret into the system's key ring; the reply is a KeysView."""

    api_key: str = field(repr=False)
    api_secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ForgetKeys:
    """Take the API keys out of the key ring; the reply is a KeysView."""


@dataclass(frozen=True, slots=True)
class CheckKeys:
    """Ask the exchange what the API keys may do; the reply is a KeysView with its answer in `sentence`."""


SettingsCommand = (
    GetSettings
    | TrySettings
    | SaveSettings
    | RollBackSettings
    | CheckConnection
    | GetKeys
    | StoreKeys
    | ForgetKeys
    | CheckKeys
)


@dataclass(frozen=True, slots=True)
class SettingField:
    """One setting as a form shows it.

    `kind` is switch, integer, number, choice, list, table or text; `takes` says what it takes. `source` tells where
    the value comes from; `saved` that one was saved; `over` names what goes over a saved one (an environment variable,
    the command line), "" where nothing does. `at_once` tells that a saved value counts before the next start.
    """

    path: str
    section: str
    kind: str
    value: str
    source: str
    default: str
    help: str
    takes: str = ""
    choices: tuple[str, ...] = ()
    saved: bool = False
    over: str = ""
    at_once: bool = False


@dataclass(frozen=True, slots=True)
class KeyChoice:
    """Other keys for an action by the id of its binding, as written, not looked at yet; `source` as in SettingField."""

    binding_id: str
    keys: tuple[str, ...]
    source: str
    saved: bool = False
    over: str = ""


@dataclass(frozen=True, slots=True)
class SettingsView:
    """All settings; `file` is where changes are saved, `can_roll_back` whether a version before is there."""

    fields: tuple[SettingField, ...]
    file: str
    can_roll_back: bool
    keys: tuple[KeyChoice, ...] = ()


@dataclass(frozen=True, slots=True)
class SettingsCheck:
    """(path, sentence) for each wrong value; none where all are right."""

    problems: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class ConnectionCheck:
    """What came of asking the exchange: round trip in ms, its clock less ours in ms, whose market answered."""

    url: str
    reached: bool
    latency_ms: float = 0.0
    skew_ms: float = 0.0
    source: str = ""
    sentence: str = ""


@dataclass(frozen=True, slots=True)
class KeysView:
    """Where API keys are: `place` is none, environment or key ring, `ring` its name.

    `problem` says why the key ring cannot be used, `sentence` what came of what was asked.
    """

    place: str
    ring: str = ""
    problem: str = ""
    sentence: str = ""
