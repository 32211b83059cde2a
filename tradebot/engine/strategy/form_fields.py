"""Fields of a form from declarations: text, default, choices with what each means, the problem below."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from tradebot.engine.market import Timeframe
from tradebot.engine.strategy.declared import nodes_of
from tradebot.engine.strategy.edit_values import NONE, ON
from tradebot.engine.strategy.form_types import FormField, FormProblem
from tradebot.engine.strategy.phrasing import Phrasing
from tradebot.engine.strategy.registry import (
    AS_MEMBER,
    MEMBER_KINDS,
    Declaration,
    IndicatorDeclaration,
    Parameter,
    ParameterKind,
    Registry,
)
from tradebot.engine.strategy.series import series_names
from tradebot.engine.strategy.values import plain

FIELD_KINDS = {
    ParameterKind.INTEGER: "int",
    ParameterKind.NUMBER: "float",
    ParameterKind.SWITCH: "bool",
    ParameterKind.CHOICE: "choice",
    ParameterKind.SERIES: "series",
    ParameterKind.SYMBOLS: "symbols",
    ParameterKind.MEMBER: "choice",
    ParameterKind.MEMBERS: "members",
}
_OPTIONAL_TABLE = ("Without it.", "With the values beside it.")
_COMBINATIONS = {
    "unanimous": "all of", "majority": "most of", "any": "any of", "at_least": "at least k of",
    "weighted": "by weight of",
}  # fmt: skip
OPERATORS = {">": "above", ">=": "at or above", "<": "below", "<=": "at or below"}


@dataclass(frozen=True, slots=True)
class Choices:
    """The options of a choice, what people call them, and a line of help for each; the latter two may be empty."""

    names: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    helps: tuple[str, ...] = ()


class FormFields:
    """Makes the fields of one document."""

    def __init__(
        self,
        document: Mapping[str, Any],
        registry: Registry,
        problems: tuple[FormProblem, ...],
        symbols: tuple[str, ...],
        defaults: Mapping[str, str],
    ) -> None:
        self.document = document
        self.registry = registry
        self.phrasing = Phrasing(document, registry)
        self._symbols = symbols
        self._defaults = defaults
        self._families: dict[str, Choices] = {}
        self._known_options: dict[tuple[int, bool, str], Choices] = {}
        self._spans: dict[str, dict[str, tuple[int, int]]] = {}
        self._errors: dict[str, str] = {}
        for problem in problems:
            if problem.severity == "error":
                self._errors.setdefault(problem.path, problem.sentence)

    def problem(self, path: str) -> str:
        """The first error that belongs to exactly this path; warnings stand in the list of problems only."""
        return self._errors.get(path, "")

    def problem_below(self, path: str) -> str:
        """The first error of a path or of anything below it."""
        if path in self._errors:
            return self._errors[path]
        below = path + "."
        return next((sentence for each, sentence in self._errors.items() if each.startswith(below)), "")

    def table(self, name: str) -> dict[str, Any]:
        """A section's table, empty where it is missing or no table."""
        table = self.document.get(name)
        return table if isinstance(table, dict) else {}

    # ---- fields

    def of_table(
        self, path: str, table: Mapping[str, Any], parameters: tuple[Parameter, ...]
    ) -> Iterator[FormField]:
        """The fields of everything that a table may hold, tables inside it opened."""
        for parameter in parameters:
            yield from self.of_parameter(path, table, parameter)

    def of_parameter(
        self, path: str, table: Mapping[str, Any], parameter: Parameter, owner: str = "", label: str = ""
    ) -> Iterator[FormField]:
        """One value, or an optional table with its kind and values."""
        match parameter.kind:
            case ParameterKind.USE | ParameterKind.TABLE:
                yield from self._optional(f"{path}.{parameter.name}", table, parameter, owner, label)
            case ParameterKind.USES:
                yield from self._several(f"{path}.{parameter.name}", table, parameter)
            case _:
                yield self.field(path, table, parameter, label=label, owner=owner)
                given = table.get(parameter.name)
                if parameter.parameters and isinstance(given, Mapping):
                    below = f"{path}.{parameter.name}"
                    for each in parameter.parameters:
                        yield self.field(below, given, each, label=_label(each.name), owner=below)

    def _optional(
        self, path: str, table: Mapping[str, Any], parameter: Parameter, owner: str, label: str
    ) -> Iterator[FormField]:
        """`risk.stop_loss` as a choice of its kinds, then the values of the chosen kind."""
        given = table.get(parameter.name)
        label = label or _label(parameter.name)
        if parameter.kind is ParameterKind.TABLE:
            text = ON if isinstance(given, Mapping) else NONE
            yield FormField(
                path, label, "choice", text, "", parameter.help, choices=(NONE, ON), problem=self.problem(path),
                choice_help=_OPTIONAL_TABLE, owner=owner,
            )  # fmt: skip
            parameters = parameter.parameters
        else:
            yield self._kind_choice(path, given, parameter, label, owner)
            parameters = self._parameters_of(parameter, given)
        if isinstance(given, Mapping):
            for each in parameters:
                yield from self.of_parameter(path, given, each, owner or path, f"{label} {_label(each.name)}")

    def _several(self, path: str, table: Mapping[str, Any], parameter: Parameter) -> Iterator[FormField]:
        """`risk.take_profit` as one choice, or one for each entry with its values."""
        given = table.get(parameter.name)
        entries = given if isinstance(given, list) else [given] if isinstance(given, Mapping) else []
        label = _label(parameter.name)
        if not entries:
            yield self._kind_choice(path, given, parameter, label, "")
            return
        for number, entry in enumerate(entries, 1):
            place = f"{path}.{number}" if isinstance(given, list) else path
            said = label if len(entries) == 1 else f"{label} {number}"
            field = self._kind_choice(place, entry, parameter, said, "")
            if number == 1 and not field.problem:
                field = self._kind_choice(place, entry, parameter, said, "", self.problem(path))
            yield field
            for each in self._parameters_of(parameter, entry):
                yield from self.of_parameter(place, entry, each, place, f"{said} {_label(each.name)}")

    def _parameters_of(self, parameter: Parameter, given: object) -> tuple[Parameter, ...]:
        used = str(given.get("use")) if isinstance(given, Mapping) else ""
        declaration = self.registry.family(parameter.family).get(used)
        return declaration.parameters if declaration is not None else ()

    def _kind_choice(
        self, path: str, given: object, parameter: Parameter, label: str, owner: str, problem: str = ""
    ) -> FormField:
        used = str(given.get("use", "")) if isinstance(given, Mapping) else ""
        default = self._default(path, parameter)
        choices = self.family(parameter.family, without=not default)
        text = used or ("" if default else NONE)
        return FormField(
            path, label, "choice", text, default, parameter.help, choices=choices.names,
            problem=problem or self.problem(path) or self.problem(f"{path}.use"),
            choice_help=choices.helps, choice_labels=choices.labels, owner=owner,
        )  # fmt: skip

    def use(self, path: str, node: Mapping[str, Any], key: str, family: str) -> FormField:
        """What a node uses, or how a rule combines its members."""
        choices = self.family(family)
        about = "How the members become one." if key == "combine" else "What it computes."
        return FormField(
            f"{path}.{key}", _label(key), "choice", value_text(node.get(key, "")), "", about,
            choices=choices.names, problem=self.problem(f"{path}.{key}"), choice_help=choices.helps,
            choice_labels=choices.labels,
        )  # fmt: skip

    def field(
        self,
        path: str,
        table: Mapping[str, Any],
        parameter: Parameter,
        declaration: Declaration | None = None,
        label: str = "",
        owner: str = "",
        more_help: str = "",
    ) -> FormField:
        """One value of a table."""
        at = f"{path}.{parameter.name}"
        choices = self.choices(path, parameter)
        about = f"{parameter.help} {more_help}" if more_help else parameter.help
        return FormField(
            path=at,
            label=label or _label(parameter.name),
            kind=FIELD_KINDS.get(parameter.kind, "text"),
            text=value_text(table[parameter.name], parameter) if parameter.name in table else "",
            default=self._default(at, parameter, declaration),
            help=about,
            unit=parameter.unit,
            choices=choices.names,
            low=parameter.low,
            high=parameter.high,
            problem=self.problem(at) or self._problem_in_list(at, parameter),
            choice_help=choices.helps,
            choice_labels=choices.labels,
            owner=owner,
        )

    def _problem_in_list(self, path: str, parameter: Parameter) -> str:
        lists = (ParameterKind.SYMBOLS, ParameterKind.MEMBERS, ParameterKind.WEIGHTS)
        return self.problem_below(path) if self._errors and parameter.kind in lists else ""

    # ---- choices

    def family(self, name: str, without: bool = False) -> Choices:
        """All kinds of a family; `without`: "none" before them."""
        key = f"{name}{without}"
        if key not in self._families:
            kinds = self.registry.family(name).values()
            none = ((NONE,), ("none",), ("Without it.",)) if without else ((), (), ())
            labels = tuple(_COMBINATIONS.get(each.name, each.label) for each in kinds)
            if name != "combinations":
                labels = tuple(each.label for each in kinds)
            self._families[key] = Choices(
                (*none[0], *(each.name for each in kinds)),
                (*none[1], *labels),
                (*none[2], *(each.help for each in kinds)),
            )
        return self._families[key]

    def choices(self, path: str, parameter: Parameter) -> Choices:
        """What a value of this parameter may be picked from."""
        match parameter.kind:
            case ParameterKind.SERIES:
                own = path.split(".")[1] if path.startswith("indicators.") else ""
                return self._without_own(self._series, own)
            case kind if kind in MEMBER_KINDS:
                own = path.split(".")[1] if path.startswith(("signals.", "groups.")) else ""
                return self._without_own(self._members, own)
            case ParameterKind.SYMBOLS | ParameterKind.SYMBOL:
                return Choices(self._symbols)
            case ParameterKind.CHOICE:
                return self._options(path, parameter)
        return Choices(parameter.choices)

    def _without_own(self, choices: Choices, own: str) -> Choices:
        """The choices without those of the node itself, which stand together."""
        places = self._places(choices)
        if own not in places:
            return choices
        start, end = places[own]
        names, labels = choices.names, choices.labels
        return Choices(names[:start] + names[end:], labels[:start] + labels[end:])

    def _places(self, choices: Choices) -> dict[str, tuple[int, int]]:
        """Where the choices of each node begin and end."""
        key = "series" if choices is self._series else "members"
        if key not in self._spans:
            spans: dict[str, tuple[int, int]] = {}
            for at, name in enumerate(choices.names):
                node = name.split(".")[0]
                spans[node] = (spans.get(node, (at, at))[0], at + 1)
            self._spans[key] = spans
        return self._spans[key]

    @cached_property
    def _series(self) -> Choices:
        kinds = self.registry.indicators
        used = {
            name: kinds.get(str(node.get("use")))
            for name, node in nodes_of(self.document, "indicators")
            if node.get("enabled", True) is not False
        }
        known: dict[str, IndicatorDeclaration] = {
            name: each for name, each in used.items() if each is not None
        }
        names = series_names(known)
        return Choices(names, tuple(self.phrasing.series(each) for each in names))

    @cached_property
    def _members(self) -> Choices:
        sections = ("signals", "groups")
        names = tuple(name for section in sections for name, _node in nodes_of(self.document, section))
        return Choices(names, tuple(self._said(name) for name in names))

    def _said(self, name: str) -> str:
        long, short = self.phrasing.member(name)
        return long or short or name

    def _options(self, path: str, parameter: Parameter) -> Choices:
        frames = parameter.name in ("timeframe", "execution")
        key = (id(parameter), frames, path.split(".")[0] if frames else "")
        if key not in self._known_options:
            self._known_options[key] = self._options_of(path, parameter)
        return self._known_options[key]

    def _options_of(self, path: str, parameter: Parameter) -> Choices:
        names = parameter.choices
        if parameter.name in ("timeframe", "execution") and names == Timeframe.names():
            return Choices(self._frames(path, parameter.name))
        if set(names) == set(OPERATORS):
            return Choices(names, tuple(OPERATORS[each] for each in names))
        return Choices(names, (), _option_helps(parameter))

    def _frames(self, path: str, name: str) -> tuple[str, ...]:
        """Timeframes that fit: an indicator's are coarser than the strategy's, those of the execution finer."""
        text = self.table("strategy").get("timeframe")
        if path == "strategy" and name == "timeframe":
            return Timeframe.names()
        if not isinstance(text, str) or text not in Timeframe.names():
            return Timeframe.names()
        base = Timeframe(text).ms
        coarser = path.startswith("indicators.")
        return tuple(
            each.value
            for each in Timeframe
            if (each.ms > base and each.ms % base == 0 if coarser else each.ms < base and base % each.ms == 0)
        )

    # ---- defaults

    def _default(self, path: str, parameter: Parameter, declaration: Declaration | None = None) -> str:
        """What holds where the field is empty."""
        if path in self._defaults:
            return self._defaults[path]
        if parameter.default is not None:
            return value_text(parameter.default, parameter)
        if parameter.name == "supports" and declaration is not None:
            natural = str(getattr(declaration, "supports", ""))
            return "as its members" if natural == AS_MEMBER else natural
        if path == "strategy.execution" or (path.startswith("indicators.") and parameter.name == "timeframe"):
            return str(self.table("strategy").get("timeframe", ""))
        return self._default_of_risk(path)

    def _default_of_risk(self, path: str) -> str:
        spot = self.table("strategy").get("category") == "spot"
        if path == "risk.direction":
            return "long" if spot else "both"
        if path == "risk.opposite":
            direction = self.table("risk").get("direction", "long" if spot else "both")
            return "reverse" if direction == "both" else "close"
        return "equity" if path == "risk.sizing" else ""


def _option_helps(parameter: Parameter) -> tuple[str, ...]:
    """The lines that a help text has for the options: `level: on every close; edge: on the first of them`."""
    helps = {}
    for part in parameter.help.split(";"):
        name, colon, about = part.strip().partition(":")
        if colon and name in parameter.choices:
            helps[name] = about.strip()[:1].upper() + about.strip()[1:].rstrip(".") + "."
    return tuple(helps[each] for each in parameter.choices) if len(helps) == len(parameter.choices) else ()


def value_text(value: Any, parameter: Parameter | None = None) -> str:
    """A TOML value as a person types it into a field."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ", ".join(value_text(each) for each in value)
    if isinstance(value, dict):
        if parameter is not None and parameter.kind is ParameterKind.SYMBOLS and set(value) <= {"top", "by"}:
            by = f" by {value['by']}" if "by" in value else ""
            return f"top {value_text(value.get('top', ''))}{by}"
        return ", ".join(f"{name} = {value_text(each)}" for name, each in value.items())
    if isinstance(value, int | float) and abs(value) < 1e15:
        return plain(value)
    return str(value)


def _label(name: str) -> str:
    return name.replace("_", " ")
