"""The members of entry, exit and groups as rows of sentences, with the values that are worth changing in the row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from tradebot.engine.strategy.declared import nodes_of
from tradebot.engine.strategy.form_fields import FormFields
from tradebot.engine.strategy.form_types import FormField, RuleRow
from tradebot.engine.strategy.references import reached, used_nodes
from tradebot.engine.strategy.registry import (
    MEMBER_KINDS,
    IndicatorDeclaration,
    Parameter,
    ParameterKind,
    SignalDeclaration,
)
from tradebot.engine.strategy.rules.sides import place_of
from tradebot.engine.strategy.series import MARKET_SERIES, split_reference

_DEEPEST = 8
_MOST_NUMBERS = 3
_NUMERIC = (ParameterKind.INTEGER, ParameterKind.NUMBER)
_ROOTS = ("entry", "exit")


def _turned(field: FormField, text: str) -> FormField:
    """The operator of a comparison as the row says it: where it says the opposite, the other way round."""
    labels = dict(zip(field.choices, field.choice_labels, strict=True))
    if field.text not in labels or f" {labels[field.text]} " in text:
        return field
    mirror = field.text.translate(str.maketrans("<>", "><"))
    turned = {"<": "above", ">": "below"}
    return replace(
        field, choices=(field.text, mirror), choice_labels=(turned[field.text[0]], turned[mirror[0]])
    )


class RuleRows:
    """Makes the rows of one document."""

    def __init__(self, fields: FormFields) -> None:
        self._fields = fields
        self._document = fields.document
        self._registry = fields.registry
        self._signal_kinds = fields.registry.signals
        self._indicator_kinds = fields.registry.indicators
        self._signals = dict(nodes_of(fields.document, "signals"))
        self._groups = dict(nodes_of(fields.document, "groups"))
        self._indicators = dict(nodes_of(fields.document, "indicators"))
        self._uses = used_nodes(fields.document, fields.registry)
        self._readers = self._count_readers()

    def rows(self) -> Iterator[RuleRow]:
        """The rows of the entry, of the exit, then those of what is not used by either."""
        for root in _ROOTS:
            yield from self._members(root, self._fields.table(root), 0, ())
        used = reached(self._uses, list(_ROOTS))
        for section, nodes in (("groups", self._groups), ("signals", self._signals)):
            inside = reached(self._uses, [f"groups.{name}" for name in self._groups])
            inside |= reached(self._uses, [f"signals.{name}" for name in self._signals])
            for name in nodes:
                path = f"{section}.{name}"
                if path not in used and path not in inside:
                    yield from self._row(path, "", name, 0, (), removable=True)

    def _count_readers(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for owner, targets in self._uses.items():
            for target in targets:
                found.setdefault(target, []).append(owner.split(".")[-1])
        return found

    def _members(
        self, place: str, table: Mapping[str, Any], depth: int, above: tuple[str, ...]
    ) -> Iterator[RuleRow]:
        members = table.get("signals")
        for number, name in enumerate(members if isinstance(members, list) else (), 1):
            yield from self._row(f"{place}.signals.{number}", place, str(name), depth, above)

    def _row(
        self, path: str, place: str, name: str, depth: int, above: tuple[str, ...], removable: bool = True
    ) -> Iterator[RuleRow]:
        row = RuleRow(path, place, "", depth=depth, removable=removable, name=name)
        if name in self._signals:
            yield self._signal_row(row, name)
        elif name in self._groups and name not in above and depth < _DEEPEST:
            yield self._group_row(row, name)
            yield from self._members(f"groups.{name}", self._groups[name], depth + 1, (*above, name))
        elif name in self._groups:
            text = f'the group "{name}", which contains itself' if name in above else f'the group "{name}"'
            yield replace(row, text=text, kind="group", node=f"groups.{name}", problem=self._problem(path))
        else:
            problem = self._problem(path) or "is not there"
            yield replace(row, text=f'"{name}" is not there', kind="missing", enabled=False, problem=problem)

    def _problem(self, path: str) -> str:
        return self._fields.problem(path)

    # ---- signals

    def _signal_row(self, row: RuleRow, name: str) -> RuleRow:
        node = self._signals[name]
        declaration = self._signal_kinds.get(str(node.get("use")))
        where = place_of(self._document, row.place or "entry")
        text = self._fields.phrasing.row(name, where.leaving, where.direction)
        fields = tuple({field.path: field for field in self._of_signal(name, text, 0)}.values())
        shown = {field.path for field in fields}
        problem = self._problem(row.path) or self._fields.problem_below(f"signals.{name}")
        covered = any(field.problem == problem for field in fields)
        if not problem:
            reads = (target for target in self._uses.get(f"signals.{name}", ()) if target not in shown)
            problem = next(filter(None, map(self._fields.problem_below, reads)), "")
            covered = any(field.problem == problem for field in fields)
        return replace(
            row,
            text=text,
            kind="signal",
            node=f"signals.{name}",
            enabled=node.get("enabled", True) is not False,
            fields=fields,
            note=str(node.get("note", "")),
            help=declaration.help if declaration is not None else "",
            problem="" if covered else problem,
        )

    def _of_signal(self, name: str, text: str, depth: int) -> Iterator[FormField]:
        node = self._signals.get(name)
        declaration = self._signal_kinds.get(str(node.get("use"))) if node is not None else None
        if node is None or declaration is None or depth > 2:
            return
        path = f"signals.{name}"
        for parameter in declaration.parameters:
            value = node.get(parameter.name, parameter.default)
            if parameter.kind is ParameterKind.SERIES:
                yield from self._of_operand(path, node, parameter, declaration, text)
            elif parameter.kind in MEMBER_KINDS:
                for member in value if isinstance(value, list) else [value]:
                    yield from self._of_signal(str(member), text, depth + 1)
            elif self._worth_showing(parameter, node, text):
                field = self._fields.field(path, node, parameter, declaration)
                yield _turned(field, text) if declaration.name == "compare" else field

    def _worth_showing(self, parameter: Parameter, node: Mapping[str, Any], text: str) -> bool:
        """Values that the sentence says, that somebody set, or that are missing."""
        if parameter.name not in node:
            return parameter.required
        value = node[parameter.name]
        said = isinstance(value, str | int | float) and self._fields.phrasing.says(text, value)
        return (
            parameter.required or value != parameter.default or said or parameter.kind is ParameterKind.CHOICE
        )

    def _of_operand(
        self,
        path: str,
        node: Mapping[str, Any],
        parameter: Parameter,
        declaration: SignalDeclaration,
        text: str,
    ) -> Iterator[FormField]:
        value = node.get(parameter.name, parameter.default)
        reference = value if isinstance(value, str) else ""
        name = split_reference(reference)[0]
        indicator = self._indicators.get(name)
        kind = self._indicator_kinds.get(str(indicator.get("use"))) if indicator is not None else None
        problem = self._fields.problem(f"{path}.{parameter.name}")
        if indicator is not None and kind is not None:
            if problem:
                yield self._fields.field(path, node, parameter, declaration)
            yield from self._of_indicator(name, indicator, kind, set())
        elif parameter.name in node and (reference in MARKET_SERIES or not reference or problem):
            if reference not in MARKET_SERIES or problem or self._fields.phrasing.says(text, reference):
                yield self._fields.field(path, node, parameter, declaration)
        elif parameter.required and parameter.name not in node:
            yield self._fields.field(path, node, parameter, declaration)

    def _of_indicator(
        self, name: str, node: Mapping[str, Any], kind: IndicatorDeclaration, seen: set[str]
    ) -> Iterator[FormField]:
        """The numbers of an indicator, its bars where they are others, and the same of what it is computed from."""
        path, shared = f"indicators.{name}", self._shared(name)
        numbers = [each for each in kind.parameters if each.kind in _NUMERIC]
        for parameter in kind.parameters:
            source = split_reference(str(node.get(parameter.name)))[0]
            if parameter.kind is ParameterKind.SERIES and source in self._indicators and source not in seen:
                below = self._indicators[source]
                declared = self._indicator_kinds.get(str(below.get("use")))
                if declared is not None:
                    yield from self._of_indicator(source, below, declared, seen | {name})
            elif parameter in numbers:
                if len(numbers) <= _MOST_NUMBERS or parameter.name in self._unusual(kind, node):
                    yield self._fields.field(path, node, parameter, kind, more_help=shared)
            elif parameter.kind is ParameterKind.CHOICE and node.get(parameter.name) not in (
                None,
                parameter.default,
            ):
                yield self._fields.field(path, node, parameter, kind, more_help=shared)
        for parameter in self._registry.sections["indicators"].parameters:
            if parameter.name == "timeframe" and parameter.name in node:
                yield self._fields.field(path, node, parameter, kind, more_help=shared)

    @staticmethod
    def _unusual(kind: IndicatorDeclaration, node: Mapping[str, Any]) -> set[str]:
        return {each.name for each in kind.parameters if node.get(each.name, each.default) != each.default}

    def _shared(self, indicator: str) -> str:
        readers = self._readers.get(f"indicators.{indicator}", [])
        if len(readers) < 2:
            return ""
        listed = ", ".join(sorted(readers)[:4]) + (", ..." if len(readers) > 4 else "")
        return f"Shared: {indicator} is read by {listed}, and changes for all of them."

    # ---- groups

    def _group_row(self, row: RuleRow, name: str) -> RuleRow:
        node = self._groups[name]
        path = f"groups.{name}"
        combine = str(node.get("combine", ""))
        declaration = self._registry.combinations.get(combine)
        numbers = [each for each in declaration.parameters if each.kind in _NUMERIC] if declaration else []
        fields = [
            self._fields.use(path, node, "combine", "combinations"),
            *(self._fields.field(path, node, each, declaration) for each in numbers),
        ]
        labels = dict(zip(fields[0].choices, fields[0].choice_labels, strict=True))
        said = labels.get(combine, combine)
        if combine == "at_least":
            said = f"at least {node.get('k', '?')} of"
        problem = self._problem(row.path) or self._fields.problem_below(path)
        return replace(
            row,
            text=f"{said} these ({name})",
            kind="group",
            node=path,
            enabled=node.get("enabled", True) is not False,
            fields=tuple(fields),
            note=str(node.get("note", "")),
            help=declaration.help if declaration is not None else "",
            problem="" if any(field.problem == problem for field in fields) else problem,
        )
