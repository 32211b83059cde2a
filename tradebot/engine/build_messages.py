"""The part of the engine's border that is about building strategies: forms, rules, versions, drafts, templates.

Re-exported by `engine.messages`, where everything that crosses the border is known by its name. The TOML text of a
strategy is the model: the screen holds it, each edit goes to the engine and comes back as a new FormView.
"""

from __future__ import annotations

from dataclasses import dataclass

from tradebot.engine.strategy.form_types import (
    ComponentChoice,
    DiffLine,
    FormEdit,
    FormField,
    FormProblem,
    FormSection,
    FormView,
    RuleReading,
    RuleRow,
    RuleSuggestion,
)

__all__ = [
    "BuildCommand",
    "CompareVersions",
    "ComponentChoice",
    "DeleteStrategy",
    "DiffLine",
    "DraftView",
    "DropDraft",
    "EditForm",
    "FormEdit",
    "FormField",
    "FormProblem",
    "FormSection",
    "FormView",
    "FromTemplate",
    "GetComponents",
    "GetDrafts",
    "GetTemplates",
    "KeepDraft",
    "ListVersions",
    "NewStrategy",
    "OpenForm",
    "OpenToml",
    "OpenVersion",
    "ReadRule",
    "RuleReading",
    "RuleRow",
    "RuleSuggestion",
    "SaveStrategy",
    "TemplateView",
    "VersionDiff",
    "VersionView",
]

# ---------------------------------------------------------------------------------------------- forms


@dataclass(frozen=True, slots=True)
class OpenForm:
    """The form of a saved strategy by its name. The reply is a FormView."""

    name: str


@dataclass(frozen=True, slots=True)
class OpenToml:
    """The form of a TOML text. The reply is a FormView; a text that is no TOML has no sections and one problem."""

    text: str


@dataclass(frozen=True, slots=True)
class NewStrategy:
    """The form of a new strategy with nothing but a market. The reply is a FormView."""

    symbol: str = ""


@dataclass(frozen=True, slots=True)
class EditForm:
    """Apply an edit to the TOML text of a strategy. The reply is the FormView of the edited text."""

    toml: str
    edit: FormEdit


@dataclass(frozen=True, slots=True)
class GetComponents:
    """What can be added to a strategy, and the symbols that are stored. The reply is a tuple of ComponentChoice.

    A choice of kind `symbols` says in its help which bars of it are stored.
    """


@dataclass(frozen=True, slots=True)
class ReadRule:
    """How the rule sentence `text`, typed so far, is understood at `place` (entry, exit or groups.<name>).

    Nothing is changed: the edit `rule` does that. The reply is a RuleReading whose suggestions, best first, all parse;
    an empty text suggests rules to begin with.
    """

    toml: str
    place: str
    text: str


# ---------------------------------------------------------------------------------------------- saved strategies


@dataclass(frozen=True, slots=True)
class SaveStrategy:
    """Write a strategy's TOML to the user's strategies folder as a new version, and drop the draft of that name.

    The reply is the name it was saved under. A text equal to the current version makes no new one.
    """

    name: str
    toml: str


@dataclass(frozen=True, slots=True)
class DeleteStrategy:
    """Move a saved strategy and its versions to the `deleted` folder beside it. The reply is True."""

    name: str


@dataclass(frozen=True, slots=True)
class ListVersions:
    """The versions of a saved strategy, newest first. The reply is a tuple of VersionView."""

    name: str


@dataclass(frozen=True, slots=True)
class OpenVersion:
    """The form of an older version, by its number. Nothing is changed until it is saved. The reply is a FormView."""

    name: str
    number: int


@dataclass(frozen=True, slots=True)
class CompareVersions:
    """What changed from version `old` to version `new`, by path. The reply is a VersionDiff.

    A number of 0 means `toml`, the text that is being edited.
    """

    name: str
    old: int
    new: int = 0
    toml: str = ""


# ---------------------------------------------------------------------------------------------- drafts


@dataclass(frozen=True, slots=True)
class KeepDraft:
    """Keep unsaved edits on disk under a name, the strategy's or one the screen chose. The reply is True."""

    name: str
    toml: str


@dataclass(frozen=True, slots=True)
class GetDrafts:
    """Everything kept and not saved since, newest first. The reply is a tuple of DraftView."""


@dataclass(frozen=True, slots=True)
class DropDraft:
    """Forget the draft of that name. The reply is True where there was one."""

    name: str


# ---------------------------------------------------------------------------------------------- templates


@dataclass(frozen=True, slots=True)
class GetTemplates:
    """The strategies to begin with, in the order of their files. The reply is a tuple of TemplateView."""


@dataclass(frozen=True, slots=True)
class FromTemplate:
    """The form of a template by its name; with `symbol`, on that market. Nothing is saved. The reply is a FormView."""

    name: str
    symbol: str = ""


BuildCommand = (
    OpenForm
    | OpenToml
    | NewStrategy
    | EditForm
    | GetComponents
    | ReadRule
    | SaveStrategy
    | DeleteStrategy
    | ListVersions
    | OpenVersion
    | CompareVersions
    | KeepDraft
    | GetDrafts
    | DropDraft
    | GetTemplates
    | FromTemplate
)

# ---------------------------------------------------------------------------------------------- replies


@dataclass(frozen=True, slots=True)
class VersionView:
    """One saved text of a strategy. `summary` says what changed against the version before it, in a few words."""

    number: int
    saved_ms: int
    current: bool
    summary: str


@dataclass(frozen=True, slots=True)
class VersionDiff:
    """The values that differ between two texts of the strategy `name`, in the order of the form.

    `old` and `new` are version numbers, 0 for the text that is being edited.
    """

    name: str
    old: int
    new: int
    lines: tuple[DiffLine, ...]


@dataclass(frozen=True, slots=True)
class DraftView:
    """Unsaved edits found on disk: the whole text, and when it was kept."""

    name: str
    toml: str
    kept_ms: int


@dataclass(frozen=True, slots=True)
class TemplateView:
    """A strategy to begin with: `note` says when it earns and when it loses, `figures` what it made on stored data."""

    name: str
    title: str
    note: str
    figures: str
