"""From a rule to the nodes of a document: the indicators it reads, its signals, the groups they stand in.

An indicator or a signal that is there already is used again, whatever it is called.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tradebot.engine.market import Timeframe
from tradebot.engine.strategy.naming import free_name, indicator_name, signal_name
from tradebot.engine.strategy.phrasing import short_label
from tradebot.engine.strategy.registry import (
    Declaration,
    IndicatorDeclaration,
    ParameterKind,
    SignalDeclaration,
)
from tradebot.engine.strategy.rules.context import Context
from tradebot.engine.strategy.rules.sides import Placed, natural_side, sided
from tradebot.engine.strategy.rules.tree import Around, Clause, MisreadError, Operand, Rule, Series, Several

Document = dict[str, Any]


class Maker:
    """Adds the nodes of rules to a document; `made` are the paths of those that are new, in their order."""

    def __init__(self, document: Document, context: Context, placed: Placed) -> None:
        self._document = document
        self._context = context
        self._placed = placed
        self.made: list[str] = []

    # ---- members

    def member(self, rule: Rule) -> str:
        """The name of the signal or group that says a rule, made where it is not there."""
        if isinstance(rule, Clause):
            return self._signal(rule)
        if isinstance(rule, Several):
            return self._group(rule)
        return self._around(rule)

    def _signal(self, clause: Clause) -> str:
        clause, side = sided(self._context, clause, self._placed)
        declaration = self._context.signal(clause.use)
        node: Document = {"use": clause.use}
        for parameter in declaration.parameters:
            is_series = parameter.kind is ParameterKind.SERIES
            if parameter.name in clause.values:
                value = clause.values[parameter.name]
                self._check(declaration, parameter.name, value)
                node[parameter.name] = self._value(value) if is_series else _whole(value)
            elif parameter.default is not None and not is_series:
                node[parameter.name] = parameter.default
        self._check_rule(declaration, {**node, **side})
        return self._kept("signals", {**node, **side})

    def _around(self, rule: Around) -> str:
        names = (
            self._on_one_side(rule.members)
            if rule.use == "sequence"
            else list(map(self.member, rule.members))
        )
        declaration = self._context.signal(rule.use)
        members = [each.name for each in declaration.member_parameters]
        node: Document = {"use": rule.use, **dict(zip(members, names, strict=True))}
        for parameter in declaration.parameters:
            if parameter.name not in node and parameter.default is not None:
                node[parameter.name] = rule.values.get(parameter.name, parameter.default)
                self._check(declaration, parameter.name, node[parameter.name])
        return self._kept("signals", node)

    def all_of(self, rules: tuple[Rule, ...]) -> list[str]:
        """The members of rules that are joined by and: one condition, and so for one side.

        Where what they say by nature is for different sides, the whole says when to go long (to close a long).
        """
        sides = {side for side in (natural_side(rule, self._placed) for rule in rules) if side}
        if len(sides) < 2:
            return list(dict.fromkeys(map(self.member, rules)))
        long = self._placed.direction or 1
        return list(dict.fromkeys(self._meant_for(-long if self._placed.leaving else long, rules)))

    def _on_one_side(self, rules: tuple[Rule, ...]) -> list[str]:
        """The members of rules that follow each other, all for the side of the last one."""
        side = natural_side(rules[-1], self._placed)
        return self._meant_for(side, rules) if side else list(map(self.member, rules))

    def _meant_for(self, side: int, rules: tuple[Rule, ...]) -> list[str]:
        own, self._placed = self._placed, replace(self._placed, meant=side)
        try:
            return list(map(self.member, rules))
        finally:
            self._placed = own

    def _group(self, rule: Several) -> str:
        together = rule.combine == "unanimous"
        names = self.all_of(rule.members) if together else list(dict.fromkeys(map(self.member, rule.members)))
        return (
            names[0] if len(names) == 1 else self._kept("groups", {"combine": rule.combine, "signals": names})
        )

    def _kept(self, section: str, node: Document) -> str:
        """The name of an equal node, or of this one, newly added."""
        nodes = self._document.setdefault(section, {})
        for name, other in nodes.items():
            if isinstance(other, Mapping) and self._equal(section, node, other):
                return str(name)
        if section == "groups":
            wish = "all_of" if node["combine"] == "unanimous" else "any_of"
        else:
            wish = signal_name(
                node, {**self._document, "signals": {**nodes, "": node}}, self._context.registry
            )
        name = free_name(self._taken(), wish)
        nodes[name] = node
        self.made.append(f"{section}.{name}")
        return name

    def _equal(self, section: str, node: Document, other: Mapping[str, Any]) -> bool:
        if other.get("enabled", True) is False:
            return False
        if section == "groups":
            return all(other.get(key) == node[key] for key in ("combine", "signals"))
        declaration = self._context.registry.signals.get(str(node["use"]))
        if declaration is None:
            return False
        parameters = declaration.parameters
        return _full(parameters, node) == _full(parameters, other)

    # ---- series

    def _value(self, operand: Operand) -> Any:
        if isinstance(operand, Series):
            return self.series(operand)
        return _whole(operand)

    def series(self, series: Series) -> str:
        """The reference of a series, its indicator made where no equal one is there."""
        if series.node:
            return series.node
        own = self._document.get("strategy", {}).get("symbols")
        if series.symbol and own == [series.symbol]:
            series = replace(series, symbol="")
        if series.column and not (series.timeframe or series.symbol):
            return series.column
        if series.column:  # a price of other bars or of another market is an indicator of its own
            source = None if series.column == "close" else Series(column=series.column)
            series = Series(use="price", source=source, timeframe=series.timeframe, symbol=series.symbol)
        declaration = self._context.registry.indicators[series.use]
        output = series.output
        if not output and not declaration.main:
            said = short_label(declaration).lower()
            choice = " or ".join(f"{said} {each.replace('_', ' ')}" for each in declaration.outputs[:3])
            raise MisreadError(f"{declaration.label} has several lines; say which, such as {choice}")
        name = self._indicator(declaration, self._indicator_node(declaration, series))
        return name if output in ("", declaration.main) else f"{name}.{output}"

    def _indicator_node(self, declaration: IndicatorDeclaration, series: Series) -> Document:
        node: Document = {"use": series.use}
        source_given = False
        for parameter in declaration.parameters:
            if parameter.kind is ParameterKind.SERIES:
                given = series.values.get(parameter.name)
                if isinstance(given, Series):
                    node[parameter.name] = self.series(given)
                elif isinstance(given, str) and series.source is None:
                    node |= {parameter.name: given} if given != parameter.default else {}
                elif series.source is not None and not source_given:
                    reference = self._source(series, series.source)
                    source_given = True
                    if reference != parameter.default:
                        node[parameter.name] = reference
                continue
            value = series.values.get(parameter.name, parameter.default)
            if value is not None:
                self._check(declaration, parameter.name, value)
                node[parameter.name] = value
        self._check_rule(declaration, node)
        base = self._context.base
        if series.timeframe and (base is None or series.timeframe != base.value):
            node["timeframe"] = series.timeframe
        if series.symbol:
            node["symbol"] = series.symbol
        return node

    def _source(self, series: Series, source: Series) -> str:
        """What an indicator is computed from: on the same bars and of the same market, where it says nothing else."""
        if not source.use:
            return self.series(source)
        placed = source.on(series.timeframe, series.symbol)
        own = Timeframe(series.timeframe) if series.timeframe else self._context.base
        below = Timeframe(placed.timeframe) if placed.timeframe else self._context.base
        if own is not None and below is not None and below.ms < own.ms:
            raise MisreadError(
                f"what is computed on {own.value} bars cannot be read from finer ones ({below.value})"
            )
        return self.series(placed)

    @staticmethod
    def _check_rule(declaration: Declaration, node: Mapping[str, Any]) -> None:
        """Refuse values that do not fit together, such as a fast length above the slow one."""
        defaults = {each.name: each.default for each in declaration.parameters if each.default is not None}
        for name, sentence in declaration.rule({**defaults, **node}) if declaration.rule else ():
            raise MisreadError(f"{name} {sentence}")

    @staticmethod
    def _check(declaration: Declaration, name: str, value: Any) -> None:
        parameter = declaration.parameter(name)
        low, high = parameter.low, parameter.high
        if not isinstance(value, int | float) or isinstance(value, bool):
            return
        if (low is not None and value < low) or (high is not None and value > high):
            limits = f"from {low:g} to {high:g}" if high is not None else f"{low:g} or more"
            what = declaration.label if isinstance(declaration, SignalDeclaration) else declaration.name
            raise MisreadError(f"the {name} of {what} must be {limits}, but is {value:g}")

    def _indicator(self, declaration: IndicatorDeclaration, node: Document) -> str:
        nodes = self._document.setdefault("indicators", {})
        for name, other in nodes.items():
            usable = isinstance(other, Mapping) and other.get("enabled", True) is not False
            if usable and _full(declaration.parameters, node) == _full(declaration.parameters, other):
                return str(name)
        name = free_name(self._taken(), indicator_name(declaration, node))
        nodes[name] = node
        self.made.append(f"indicators.{name}")
        return name

    def _taken(self) -> set[str]:
        sections = ("indicators", "signals", "groups")
        return {name for section in sections for name in self._document.get(section, {})}


def _whole(value: Any) -> Any:
    """A number as a person writes it: 30, not 30.0."""
    return int(value) if isinstance(value, float) and value == int(value) and abs(value) < 1e15 else value


def _full(parameters: Any, node: Mapping[str, Any]) -> dict[str, Any]:
    """A node with its defaults filled in, without what does not change what it computes."""
    filled = {each.name: each.default for each in parameters if each.default is not None}
    given = {key: value for key, value in node.items() if key not in ("enabled", "note")}
    return {name: _number(value) for name, value in {**filled, **given}.items()}


def _number(value: Any) -> Any:
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value
