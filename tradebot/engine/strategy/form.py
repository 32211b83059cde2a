"""A strategy's TOML text as a form: sections and fields made from the declarations, and all that is wrong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tradebot.engine.strategy.check import check_strategy
from tradebot.engine.strategy.editing import NAME_KEY
from tradebot.engine.strategy.form_types import ComponentChoice, FormField, FormProblem, FormSection, FormView
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
from tradebot.engine.strategy.toml_text import TomlText, read_toml
from tradebot.engine.strategy.words import describe

NONE = "none"
_FIELD_KINDS = {
    ParameterKind.INTEGER: "int",
    ParameterKind.NUMBER: "float",
    ParameterKind.SWITCH: "bool",
    ParameterKind.CHOICE: "choice",
    ParameterKind.SERIES: "series",
    ParameterKind.SYMBOLS: "symbols",
    ParameterKind.MEMBER: "choice",
    ParameterKind.MEMBERS: "members",
}
_HIDDEN = frozenset({"enabled", "note"})


def build_form(
    toml: str, registry: Registry, symbols: tuple[str, ...] = (), defaults: Mapping[str, str] | None = None
) -> FormView:
    """The form of a text. `symbols` are offered for the market; `defaults` are shown for empty fields by path.

    A text that is no TOML gives a form without sections and one problem.
    """
    checked = check_strategy(toml, registry=registry)
    problems = tuple(
        FormProblem(each.path, each.sentence, each.severity.value, each.line or 0)
        for each in checked.problems
    )
    read = read_toml(toml)
    if not isinstance(read, TomlText):
        return FormView((), problems, toml)
    words = describe(checked.spec, registry) if checked.spec is not None else ""
    builder = _FormBuilder(read.document, registry, problems, symbols, dict(defaults or {}))
    return FormView(tuple(builder.sections()), problems, toml, words)


def component_choices(registry: Registry) -> tuple[ComponentChoice, ...]:
    """Everything that can be added to a strategy: indicators, signals, then groups by their combination."""
    kinds = (("indicators", "indicators"), ("signals", "signals"), ("groups", "combinations"))
    return tuple(
        ComponentChoice(kind, declaration.name, declaration.label, declaration.help)
        for kind, family in kinds
        for declaration in registry.family(family).values()
    )


def value_text(value: Any) -> str:
    """A TOML value as a person types it into a field."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ", ".join(value_text(each) for each in value)
    if isinstance(value, dict):
        return ", ".join(f"{name} = {value_text(each)}" for name, each in value.items())
    if isinstance(value, float):
        return f"{value:.15g}"
    return str(value)


class _FormBuilder:
    """Walks over the document in the order of the drawing."""

    def __init__(
        self,
        document: dict[str, Any],
        registry: Registry,
        problems: tuple[FormProblem, ...],
        symbols: tuple[str, ...],
        defaults: dict[str, str],
    ) -> None:
        self._document = document
        self._registry = registry
        self._problems = problems
        self._symbols = symbols
        self._defaults = defaults

    def sections(self) -> Iterator[FormSection]:
        """Market, entry side (indicators, signals, groups, entry), exit, risk, costs."""
        yield self._plain("strategy", "market")
        for name, node in self._nodes("indicators"):
            yield self._node("indicators", name, node, "indicator", "use")
        for name, node in self._nodes("signals"):
            yield self._node("signals", name, node, "signal", "use")
        for name, node in self._nodes("groups"):
            yield self._node("groups", name, node, "group", "combine")
        yield self._rule("entry")
        yield self._rule("exit")
        yield self._risk()
        yield self._plain("costs", "costs")

    def _nodes(self, section: str) -> list[tuple[str, dict[str, Any]]]:
        nodes = self._document.get(section)
        if not isinstance(nodes, dict):
            return []
        return [(name, node) for name, node in nodes.items() if isinstance(node, dict)]

    def _table(self, name: str) -> dict[str, Any]:
        table = self._document.get(name)
        return table if isinstance(table, dict) else {}

    def _plain(self, name: str, kind: str) -> FormSection:
        section = self._registry.sections[name]
        table = self._table(name)
        fields = [self._field(name, table, each) for each in section.parameters if each.name not in _HIDDEN]
        return FormSection(
            name, kind, section.label, tuple(fields), section.help, problem=self._problem(name)
        )

    def _node(self, section: str, name: str, node: dict[str, Any], kind: str, use_key: str) -> FormSection:
        path = f"{section}.{name}"
        family = self._registry.family("combinations" if section == "groups" else section)
        declaration = family.get(str(node.get(use_key)))
        fields = [
            FormField(f"{path}.{NAME_KEY}", "name", "text", name, help="What other nodes call it."),
            self._use_field(path, node, use_key, family),
            *self._declared(path, node, declaration),
            *(
                self._field(path, node, each, declaration)
                for each in self._registry.sections[section].parameters
                if each.name not in _HIDDEN
            ),
        ]
        label = declaration.label if declaration is not None else str(node.get(use_key, "?"))
        return FormSection(
            path,
            kind,
            f"{name} · {label}",
            tuple(fields),
            declaration.help if declaration is not None else "",
            removable=True,
            switchable=True,
            enabled=node.get("enabled", True) is not False,
            problem=self._problem(path),
        )

    def _rule(self, name: str) -> FormSection:
        section = self._registry.sections[name]
        table = self._table(name)
        declaration = self._registry.combinations.get(str(table.get("combine", "")))
        fields = [
            self._use_field(name, table, "combine", self._registry.family("combinations")),
            *self._declared(name, table, declaration),
            *(self._field(name, table, each) for each in section.parameters),
        ]
        return FormSection(
            name, name, section.label, tuple(fields), section.help, removable=name == "exit" and bool(table),
            problem=self._problem(name),
        )  # fmt: skip

    def _risk(self) -> FormSection:
        section = self._registry.sections["risk"]
        table = self._table("risk")
        fields: list[FormField] = []
        for parameter in section.parameters:
            if parameter.kind in {ParameterKind.USE, ParameterKind.USES}:
                fields += self._choice_with_values("risk", table, parameter)
            else:
                fields.append(self._field("risk", table, parameter))
        return FormSection(
            "risk", "risk", section.label, tuple(fields), section.help, problem=self._problem("risk")
        )

    def _choice_with_values(
        self, owner: str, table: dict[str, Any], parameter: Parameter
    ) -> Iterator[FormField]:
        """`risk.stop_loss` as a choice of its kinds, then the values of the chosen kind."""
        path = f"{owner}.{parameter.name}"
        given = table.get(parameter.name)
        values_path = path
        if parameter.kind is ParameterKind.USES:
            values_path = f"{path}.1"
            given = given[0] if isinstance(given, list) and given else given
        used = str(given.get("use", "")) if isinstance(given, dict) else ""
        family = self._registry.family(parameter.family)
        default = self._default(path, parameter)
        choices = tuple(family) if default else (NONE, *family)
        yield FormField(
            path, _label(parameter.name), "choice", used or ("" if default else NONE), default, parameter.help,
            choices=choices, problem=self._problem(path) or self._problem(f"{values_path}.use"),
        )  # fmt: skip
        declaration = family.get(used)
        if declaration is not None and isinstance(given, dict):
            for value in declaration.parameters:
                yield self._field(
                    values_path, given, value, label=f"{_label(parameter.name)} {_label(value.name)}"
                )

    def _use_field(
        self, path: str, node: dict[str, Any], key: str, family: Mapping[str, Declaration]
    ) -> FormField:
        help_text = "How the members become one." if key == "combine" else "What it computes."
        return FormField(
            f"{path}.{key}", _label(key), "choice", value_text(node.get(key, "")), "", help_text,
            choices=tuple(family), problem=self._problem(f"{path}.{key}"),
        )  # fmt: skip

    def _declared(
        self, path: str, node: dict[str, Any], declaration: Declaration | None
    ) -> Iterator[FormField]:
        for parameter in declaration.parameters if declaration is not None else ():
            yield self._field(path, node, parameter)

    def _field(
        self,
        owner: str,
        table: dict[str, Any],
        parameter: Parameter,
        declaration: Declaration | None = None,
        label: str = "",
    ) -> FormField:
        path = f"{owner}.{parameter.name}"
        text = value_text(table[parameter.name]) if parameter.name in table else ""
        return FormField(
            path=path,
            label=label or _label(parameter.name),
            kind=_FIELD_KINDS.get(parameter.kind, "text"),
            text=text,
            default=self._default(path, parameter, declaration),
            help=parameter.help,
            unit=parameter.unit,
            choices=self._choices(owner, parameter),
            low=parameter.low,
            high=parameter.high,
            problem=self._problem(path),
        )

    def _choices(self, owner: str, parameter: Parameter) -> tuple[str, ...]:
        if parameter.kind is ParameterKind.SERIES:
            used = {
                name: self._registry.indicators.get(str(node.get("use")))
                for name, node in self._nodes("indicators")
                if f"indicators.{name}" != owner and node.get("enabled", True) is not False
            }
            known: dict[str, IndicatorDeclaration] = {n: each for n, each in used.items() if each is not None}
            return series_names(known)
        if parameter.kind in MEMBER_KINDS:
            sections = ("signals", "groups")
            names = [(section, name) for section in sections for name, _node in self._nodes(section)]
            return tuple(name for section, name in names if owner != f"{section}.{name}")
        if parameter.kind is ParameterKind.SYMBOLS:
            return self._symbols
        return parameter.choices

    def _default(self, path: str, parameter: Parameter, declaration: Declaration | None = None) -> str:
        """What holds where the field is empty."""
        if path in self._defaults:
            return self._defaults[path]
        if parameter.default is not None:
            return value_text(parameter.default)
        if parameter.name == "supports" and declaration is not None:
            natural = str(getattr(declaration, "supports", ""))
            return "as its members" if natural == AS_MEMBER else natural
        spot = self._table("strategy").get("category") == "spot"
        if path == "risk.direction":
            return "long" if spot else "both"
        if path == "risk.opposite":
            direction = self._table("risk").get("direction", "long" if spot else "both")
            return "reverse" if direction == "both" else "close"
        return "equity" if path == "risk.sizing" else ""

    def _problem(self, path: str) -> str:
        """The first error that belongs to exactly this path; warnings stand in the list of problems only."""
        return next(
            (each.sentence for each in self._problems if each.path == path and each.severity == "error"), ""
        )


def _label(name: str) -> str:
    return name.replace("_", " ")
