"""Reads a strategy document section by section and puts the specification together, noting all that is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tradebot.engine.control.errors import did_you_mean
from tradebot.engine.market import Category, Timeframe
from tradebot.engine.strategy.checker_levels import (
    level_nodes,
    read_costs,
    read_optimize,
    read_orders,
    read_risk,
)
from tradebot.engine.strategy.graph import Node, check_graph
from tradebot.engine.strategy.lint import lint
from tradebot.engine.strategy.nature import member_references, needed_members, read_as_members
from tradebot.engine.strategy.problems import Path, one_of
from tradebot.engine.strategy.reading import Reader
from tradebot.engine.strategy.registry import (
    AS_MEMBER,
    CombinationDeclaration,
    IndicatorDeclaration,
    ParameterKind,
    Registry,
    SignalDeclaration,
)
from tradebot.engine.strategy.series import FUNDING, RESERVED
from tradebot.engine.strategy.spec import (
    Combination,
    EntrySpec,
    GroupSpec,
    IndicatorSpec,
    SignalSpec,
    StrategySpec,
    Supports,
    TopSymbols,
    Trigger,
)

SECTIONS = (
    *("strategy", "indicators", "signals", "groups", "entry", "exit"),
    *("orders", "risk", "costs", "optimize"),
)
"""The sections of a strategy file, in the order in which they are written."""


class Checker(Reader):
    """Reads a whole document; `strategy()` hands out the specification, `problems` what was found on the way."""

    def __init__(
        self, document: Mapping[str, object], registry: Registry, lines: Mapping[Path, int | None]
    ) -> None:
        super().__init__(registry, lines)
        self.document = document
        self.home = _decision_bars(document)
        self.indicator_nodes: dict[str, Node] = {}
        self.member_nodes: dict[str, Node] = {}
        self.roots: dict[str, Node] = {}

    def strategy(self) -> StrategySpec | None:
        """The specification, None where something keeps it from running."""
        for key in self.document:
            if key not in SECTIONS:
                hint = did_you_mean(key, SECTIONS)
                self.report((key,), f"is not a section of a strategy; expected {one_of(SECTIONS)}." + hint)
        head = self._head()
        indicators = self._indicators()
        signals = self._signals()
        groups = self._groups()
        read_as_members(self, self.document, signals, groups)
        entry = self._entry()
        exit_rule = self._exit()
        orders = read_orders(self, self.document)
        risk = read_risk(self, self.document)
        costs = read_costs(self, self.document)
        optimize = read_optimize(self, self.document)
        levels = level_nodes(self.document, self.home)
        check_graph(self, self.indicator_nodes, self.member_nodes, self.roots, levels)
        self._check_funding(head)
        if self.failed or head is None or entry is None or orders is None or risk is None or costs is None:
            return None
        symbols = head["symbols"]
        execution = head.get("execution", head["timeframe"])
        spec = StrategySpec(
            name=head["name"],
            category=Category(head["category"]),
            symbols=() if isinstance(symbols, dict) else symbols,
            timeframe=Timeframe(head["timeframe"]),
            execution=None if execution == head["timeframe"] else Timeframe(execution),
            top=TopSymbols(**symbols) if isinstance(symbols, dict) else None,
            note=head["note"],
            indicators=indicators,
            signals=signals,
            groups=groups,
            entry=entry,
            exit=exit_rule,
            orders=orders,
            risk=risk,
            costs=costs,
            optimize=optimize,
        )
        lint(self, spec)
        return spec

    def _head(self) -> dict[str, Any] | None:
        table = self.document.get("strategy")
        if isinstance(table, Mapping) and table.get("category") == "inverse":
            self.report(("strategy", "category"), 'must be "linear" or "spot": inverse cannot be tested yet')
            self.document = {**self.document, "strategy": {**table, "category": "linear"}}
        self._check_execution(table)
        return self.section(self.document, "strategy", required=True)

    def _check_execution(self, head: object) -> None:
        """Orders are walked on bars that make up those of the decisions."""
        home = self.home
        text = head.get("execution") if isinstance(head, Mapping) else None
        if home is None or not isinstance(text, str) or text not in Timeframe.names():
            return
        if home.ms % Timeframe(text).ms == 0:
            return
        finer = [each.value for each in Timeframe if each.ms < home.ms and home.ms % each.ms == 0]
        names = one_of(f'"{each}"' for each in finer) or "the same"
        self.report(
            ("strategy", "execution"),
            f'must be finer bars that make up those of strategy.timeframe, which is "{home.value}": {names}, but is '
            f'"{text}"',
        )

    def _indicators(self) -> dict[str, IndicatorSpec]:
        result = {}
        for name, table in self.nodes(self.document, "indicators"):
            path: Path = ("indicators", name)
            if name in RESERVED:
                self.report(path, f'cannot be named "{name}", which is a series of the market')
                continue
            declaration, own, values = self._used(table, path, "indicators")
            known = declaration if isinstance(declaration, IndicatorDeclaration) else None
            timeframe = self._timeframe(own, path)
            references = _references(known, table, values)
            self.indicator_nodes[name] = Node(path, _enabled(table), references, known, timeframe=timeframe)
            if known is not None and own is not None and values is not None:
                named = own.get("timeframe")
                result[name] = IndicatorSpec(
                    name,
                    known.name,
                    values,
                    own["enabled"],
                    own["note"],
                    None if named is None else Timeframe(named),
                    own.get("symbol", ""),
                )
        return result

    def _timeframe(self, own: Mapping[str, Any] | None, path: Path) -> Timeframe | None:
        """The bars that an indicator is computed on; reports those that the strategy's bars do not make up."""
        base = self.home
        if own is None or base is None:
            return None
        timeframe = Timeframe(own.get("timeframe", base.value))
        if timeframe.ms % base.ms == 0:
            return timeframe
        fitting = one_of(
            f'"{each.value}"' for each in Timeframe if each.ms > base.ms and each.ms % base.ms == 0
        )
        self.report(
            (*path, "timeframe"),
            f'must be whole bars of strategy.timeframe, which is "{base.value}", such as {fitting or "the same"}, '
            f'but is "{timeframe.value}"',
        )
        return None

    def _check_funding(self, head: Mapping[str, Any] | None) -> None:
        if head is None or head["category"] != "spot":
            return
        for node in (*self.indicator_nodes.values(), *self.member_nodes.values()):
            for below, reference in node.references.items():
                if reference == FUNDING and not node.is_group:
                    self.report((*node.path, *below), 'must not be "funding" on spot, which has none')

    def _signals(self) -> dict[str, SignalSpec]:
        result = {}
        for name, table in self.nodes(self.document, "signals"):
            path: Path = ("signals", name)
            declaration, own, values = self._used(table, path, "signals")
            known = declaration if isinstance(declaration, SignalDeclaration) else None
            given = values or table
            self.member_nodes[name] = Node(
                path,
                _enabled(table),
                _references(known, table, values),
                known,
                members=member_references(known, given) if known is not None else {},
                needed=needed_members(given),
            )
            if known is not None and own is not None and values is not None:
                natural = Supports.DIRECTION if known.supports == AS_MEMBER else known.supports
                supports = Supports(own.get("supports", natural))
                if not self.obeys(known, {**values, "supports": supports}, path):
                    continue
                result[name] = SignalSpec(
                    name, known.name, values, supports, own["invert"], own["enabled"], own["note"]
                )
        return result

    def _used(self, table: Mapping[str, object], path: Path, family: str) -> tuple[Any, Any, Any]:
        """The declaration that a node uses, what every node of its section takes, and its own values."""
        common = self.registry.sections[family].parameters
        declaration = self.chosen(table, path, family)
        own = self.values(table, path, common, check_unknown=False)
        if declaration is None:
            return None, own, None
        names = ["use", *(parameter.name for parameter in common)]
        values = self.values(table, path, declaration.parameters, beside=names)
        if values is not None and family == "indicators" and not self.obeys(declaration, values, path):
            values = None
        return declaration, own, values

    def _groups(self) -> dict[str, GroupSpec]:
        result = {}
        for name, table in self.nodes(self.document, "groups"):
            path: Path = ("groups", name)
            if name in self.member_nodes:
                line = self.line(("signals", name))
                where = f" in line {line}" if line else ""
                self.report(
                    path, f'has the name of the signal "{name}"{where}; both are named in the same lists'
                )
                continue
            rule, own = self._combination(table, path, "groups")
            self.member_nodes[name] = self._rule_node(path, table, _enabled(table), rule)
            if rule is not None and own is not None:
                result[name] = GroupSpec(name, rule, own["enabled"], own["note"])
        return result

    def _combination(
        self, table: Mapping[str, object], path: Path, section: str
    ) -> tuple[Combination | None, dict[str, Any] | None]:
        common = self.registry.sections[section].parameters
        declaration = self.chosen(table, path, "combinations", "combine")
        own = self.values(table, path, common, check_unknown=False)
        if not isinstance(declaration, CombinationDeclaration):
            return None, own
        hints = {
            parameter.name: f'belongs to combine = "{other.name}", but combine is "{declaration.name}"'
            for other in self.registry.combinations.values()
            for parameter in other.parameters
        }
        names = ["combine", *(parameter.name for parameter in common)]
        values = self.values(table, path, declaration.parameters, beside=names, hints=hints)
        if values is None or own is None or not self.obeys(declaration, values, path):
            return None, own
        weights = values.pop("weights", {})
        return Combination(declaration.name, own["signals"], values, weights), own

    def _entry(self) -> EntrySpec | None:
        if "entry" not in self.document:
            self.report(("entry",), "is missing; expected a section [entry]")
            return None
        rule, own = self._root("entry")
        return None if rule is None or own is None else EntrySpec(rule, Trigger(own["trigger"]))

    def _exit(self) -> Combination | None:
        return self._root("exit")[0] if "exit" in self.document else None

    def _root(self, section: str) -> tuple[Combination | None, dict[str, Any] | None]:
        path: Path = (section,)
        table = self.table(self.document[section], path)
        if table is None:
            return None, None
        rule, own = self._combination(table, path, section)
        self.roots[section] = self._rule_node(path, table, True, rule)
        return rule, own

    def _rule_node(
        self, path: Path, table: Mapping[str, object], enabled: bool, rule: Combination | None
    ) -> Node:
        declaration = self.registry.combinations.get(str(table.get("combine")))
        takes = declaration is not None and any(
            parameter.kind is ParameterKind.WEIGHTS for parameter in declaration.parameters
        )
        weights = table.get("weights") if takes else None
        weighted = tuple(map(str, weights)) if isinstance(weights, Mapping) else ()
        return Node(path, enabled, _members(table), None, rule, is_group=True, weighted=weighted)


def _decision_bars(document: Mapping[str, object]) -> Timeframe | None:
    """The bars that the strategy decides on, None where that cannot be read."""
    head = document.get("strategy")
    text = head.get("timeframe") if isinstance(head, Mapping) else None
    return Timeframe(text) if isinstance(text, str) and text in Timeframe.names() else None


def _enabled(table: Mapping[str, object]) -> bool:
    return table.get("enabled", True) is not False


def _members(table: Mapping[str, object]) -> dict[Path, str]:
    """References of a combination to its members, by their path below it; entries of a wrong type left out."""
    raw = table.get("signals")
    if not isinstance(raw, list):
        return {}
    return {("signals", at): name for at, name in enumerate(raw, 1) if isinstance(name, str) and name}


def _references(
    declaration: IndicatorDeclaration | SignalDeclaration | None,
    table: Mapping[str, object],
    values: Mapping[str, object] | None,
) -> dict[Path, str]:
    """References of a node to series, by their path below it, as far as the table can be read."""
    given = values or table
    names = [
        parameter.name
        for parameter in (declaration.parameters if declaration else ())
        if parameter.kind is ParameterKind.SERIES
    ]
    texts = {(name,): given.get(name) for name in names}
    return {path: text for path, text in texts.items() if isinstance(text, str) and text}
