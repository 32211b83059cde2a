"""What a form of a strategy consists of: plain values that screens draw and edit, made by `form.py`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FormField:
    """One editable value. `path` names it everywhere: `indicators.fast.length`.

    `kind` is int, float, bool, text, choice, series (pick from `choices` or type a number), symbols or members
    (a list picked from `choices`). `text` is the value as a person types it; `problem` the sentence below the field.
    """

    path: str
    label: str
    kind: str
    text: str
    default: str = ""
    help: str = ""
    unit: str = ""
    choices: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class FormSection:
    """A titled group of fields: the market, one indicator, one signal, a group, entry, exit, risk, costs.

    `path` is the node it edits (`indicators.fast`); `removable` and `switchable` say which verbs apply; `enabled` is
    false for a node that is switched off. `kind` is market, indicator, signal, group, entry, exit, risk or costs.
    """

    path: str
    kind: str
    title: str
    fields: tuple[FormField, ...]
    help: str = ""
    removable: bool = False
    switchable: bool = False
    enabled: bool = True
    problem: str = ""


@dataclass(frozen=True, slots=True)
class FormProblem:
    """Something wrong or doubtful, with the path of the field it belongs to. `severity` is error or warning."""

    path: str
    sentence: str
    severity: str


@dataclass(frozen=True, slots=True)
class FormView:
    """A strategy as a form: its sections, everything wrong with it, and the TOML text that it is.

    The text is the model: an edit makes another text, in which comments and order of a hand-written file stay.
    """

    sections: tuple[FormSection, ...]
    problems: tuple[FormProblem, ...]
    toml: str
    words: str = ""

    @property
    def errors(self) -> int:
        """Number of problems that keep the strategy from running."""
        return sum(problem.severity == "error" for problem in self.problems)


@dataclass(frozen=True, slots=True)
class FormEdit:
    """One edit of a strategy's text.

    `action` is one of
      set     write `text` to the value at `path` (an empty text removes the key, so that its default holds)
      add     a new node of kind `path` (indicators, signals or groups) that uses the declaration `text`
      remove  the node at `path`, and the places that name it
      toggle  switch the node at `path` on or off
      option  give the optional table at `path` (such as risk.stop_loss) the kind `text`, or remove it ("none")
    """

    action: str
    path: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class ComponentChoice:
    """One entry of the "add" picker: an indicator, a signal or a kind of group with its line of help."""

    kind: str
    name: str
    label: str
    help: str
