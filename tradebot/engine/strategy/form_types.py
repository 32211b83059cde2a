"""What a form of a strategy consists of: plain values that screens draw and edit, made by `form.py`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FormField:
    """One editable value. `path` names it everywhere: `indicators.fast.length`.

    `kind` is int, float, bool, text, choice, series (pick from `choices` or type a number), symbols or members
    (a list picked from `choices`). `text` is the value as a person types it, `default` what holds while it is empty;
    `problem` is the sentence below the field. `choice_labels` and `choice_help` are parallel to `choices` or empty.
    `owner` is the path of the optional table the value belongs to (`risk.stop_loss`): such a field is drawn behind
    the choice of that path; of tables inside each other it is the outermost. A choice whose path ends in a
    number (`risk.take_profit.2`) is one of a list: it can be removed and duplicated by the edit `targets`.
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
    choice_help: tuple[str, ...] = ()
    choice_labels: tuple[str, ...] = ()
    owner: str = ""


@dataclass(frozen=True, slots=True)
class FormSection:
    """A titled group of fields. `kind` is market, indicator, signal, group, entry, exit, orders, risk (sides and size),
    exits (stop, targets, trailing, break-even, time), limits or costs.

    `path` is the node it edits (`indicators.fast`); exits and limits, which are parts of the file's [risk], go by those
    names. `removable` and `switchable` say which verbs apply; `enabled` is false for a node that is switched off.
    `note` is the remark of the node or of the strategy, changed by the edit `note`.
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
    note: str = ""


@dataclass(frozen=True, slots=True)
class RuleRow:
    """One member of the entry, the exit or a group, as a person says it: "RSI 14 below 30".

    `path` is its place in the list (`entry.signals.2`): what the edits `move` and `rule` take; `node` is the signal or
    group itself (`signals.rsi_below_30`): what `toggle`, `remove`, `duplicate`, `note` and renaming take. `place` is
    entry, exit or `groups.<name>`, "" for a signal that nothing uses yet (its `path` is then its node).

    `kind` is signal, group or missing (a name without a node). A group's own members follow it with `depth` one more.
    `fields` are those worth editing in the row, with their real paths; the help of a field says where a change is felt
    by other rules too. `removable`: the edit `member` on `place` with `name` takes it out of the list.
    """

    path: str
    place: str
    text: str
    enabled: bool = True
    depth: int = 0
    fields: tuple[FormField, ...] = ()
    removable: bool = True
    problem: str = ""
    name: str = ""
    node: str = ""
    kind: str = "signal"
    note: str = ""
    help: str = ""


@dataclass(frozen=True, slots=True)
class FormProblem:
    """Something wrong or doubtful, with the path of the field it belongs to. `severity` is error or warning; `line` is
    that of the text, 0 where it is not known."""

    path: str
    sentence: str
    severity: str
    line: int = 0


@dataclass(frozen=True, slots=True)
class FormView:
    """A strategy as a form: its sections and rule rows, everything wrong with it, and the TOML text that it is.

    The text is the model: an edit makes another text, in which comments and order of a hand-written file stay.
    `words` reads the strategy back in plain English, empty while it has errors; `missing` then says in one sentence
    what a strategy that is only begun still needs, empty where nothing is missing. After an edit, `focus` is the path
    of the node, row or field that it made or touched, and `said` a sentence on what it did ("" where that is plain).
    """

    sections: tuple[FormSection, ...]
    problems: tuple[FormProblem, ...]
    toml: str
    words: str = ""
    rows: tuple[RuleRow, ...] = ()
    missing: str = ""
    focus: str = ""
    said: str = ""

    @property
    def errors(self) -> int:
        """Number of problems that keep the strategy from running."""
        return sum(problem.severity == "error" for problem in self.problems)


@dataclass(frozen=True, slots=True)
class FormEdit:
    """One edit of a strategy's text.

    `action` is one of
      set        write `text` to the value at `path` (an empty text removes the key, so that its default holds);
                 `<node>.@name` renames the node everywhere
      add        a new node of kind `path` (indicators, signals or groups) that uses the declaration `text`
      remove     the node at `path`, and the places that name it
      toggle     switch the node at `path` on or off
      option     give the optional table at `path` (such as risk.stop_loss) the kind `text`, or remove it ("none"); one
                 that has no kinds (such as risk.break_even) is made by "on"
      duplicate  copy the node at `path` under the name `text` (empty: a free one); a signal's or group's copy joins
                 the same lists behind it
      move       the node at `path` among its siblings, or the member at `entry.signals.2` in its list, or a target at
                 `risk.take_profit.2`; `text` is up or down
      note       the remark of the node at `path`; empty removes it
      rule       a rule sentence `text` ("rsi below 30") at `path`: entry, exit or groups.<name> adds it there,
                 `entry.signals.2` puts it in that member's place
      member     add the signal or group `text` to the list of `path` (entry, exit, groups.<name>), or take it out where
                 it is in it
      targets    `path` risk.take_profit with the kind `text` adds a target of that kind; `risk.take_profit.2` with
                 remove or duplicate changes the list
      wrap       put the members `text` (names with commas) of `path` (entry, exit, groups.<name>) into a new group
    """

    action: str
    path: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class ComponentChoice:
    """One entry of a picker: an indicator, a signal, a kind of group, or a symbol, with its line of help.

    `kind` is indicators, signals, groups or symbols; `words` are further words it is found by (synonyms).
    """

    kind: str
    name: str
    label: str
    help: str
    words: str = ""


@dataclass(frozen=True, slots=True)
class RuleSuggestion:
    """One way to go on with a rule sentence: `text` is a whole sentence that parses, `label` what it says in full
    ("RSI 14 below 30"), `help` what kind of rule it makes."""

    text: str
    label: str
    help: str


@dataclass(frozen=True, slots=True)
class RuleReading:
    """How a rule sentence is understood: `words` says it in full, `makes` names the nodes it would add.

    Where it cannot be read, `problem` is one sentence with what was not understood, and `words` is empty.
    """

    text: str
    words: str = ""
    makes: tuple[str, ...] = ()
    problem: str = ""
    suggestions: tuple[RuleSuggestion, ...] = ()


@dataclass(frozen=True, slots=True)
class DiffLine:
    """One value that differs between two texts of a strategy; "" on the side that does not have it."""

    path: str
    before: str
    after: str
