"""From the text of a strategy file to a `StrategySpec`, with everything that is wrong said at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path as FilePath
from typing import Any, TypeVar

from tradebot.engine.control.errors import InputError, did_you_mean
from tradebot.engine.market import Category, Timeframe
from tradebot.engine.strategy.graph import Node, check_graph
from tradebot.engine.strategy.nature import member_references, needed_members, read_as_members
from tradebot.engine.strategy.overrides import override_document, rewrite
from tradebot.engine.strategy.problems import Path, Problem, Severity, StrategyError, one_of
from tradebot.engine.strategy.reading import Reader
from tradebot.engine.strategy.registry import (
    AS_MEMBER,
    CombinationDeclaration,
    IndicatorDeclaration,
    ParameterKind,
    Registry,
    SignalDeclaration,
    builtin_registry,
)
from tradebot.engine.strategy.series import FUNDING, RESERVED
from tradebot.engine.strategy.spec import (
    Combination,
    CostsSpec,
    Direction,
    EntrySpec,
    GroupSpec,
    IndicatorSpec,
    Opposite,
    RiskSpec,
    SignalSpec,
    StrategySpec,
    Supports,
    Trigger,
    Use,
)
from tradebot.engine.strategy.toml_text import read_toml

_SECTIONS = ("strategy", "indicators", "signals", "groups", "entry", "exit", "risk", "costs")
_Thing = TypeVar("_Thing")


@dataclass(frozen=True, slots=True)
class CheckedStrategy:
    """What a check found: the strategy (None when there are errors), and all problems in the order of the file.

    `text` is what was checked, with the values that were set over it.
    """

    spec: StrategySpec | None
    problems: tuple[Problem, ...]
    file: str
    text: str = ""

    @property
    def errors(self) -> tuple[Problem, ...]:
        """The problems that keep the strategy from running."""
        return tuple(problem for problem in self.problems if problem.severity is Severity.ERROR)

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """The problems that it can run with."""
        return tuple(problem for problem in self.problems if problem.severity is Severity.WARNING)

    def required(self) -> StrategySpec:
        """The strategy; StrategyError with all problems when it has errors."""
        if self.spec is None:
            raise StrategyError(self.problems, self.file)
        return self.spec


def read_strategy_text(path: FilePath) -> str:
    """The text of a strategy file; InputError when it cannot be read or is no UTF-8 text."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such strategy file.") from None
    except IsADirectoryError:
        raise InputError(f"{path}: is a folder; expected a strategy file such as ema-trend.toml.") from None
    except OSError as error:
        raise InputError(f"{path}: the strategy file cannot be read ({error.strerror}).") from None
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InputError(f"{path}:{line}: is not UTF-8 text; save the strategy file as UTF-8.") from None


def parse_strategy(
    text: str,
    file: str = "strategy",
    registry: Registry | None = None,
    overrides: Mapping[str, str] | None = None,
) -> StrategySpec:
    """The strategy that a TOML text holds; StrategyError with all its problems when it has errors.

    `file` is what the sentences call it; `overrides` are values set over the text by their path.
    """
    return check_strategy(text, file, registry, overrides).required()


def check_strategy(
    text: str,
    file: str = "strategy",
    registry: Registry | None = None,
    overrides: Mapping[str, str] | None = None,
) -> CheckedStrategy:
    """Everything that is wrong with a TOML text, and the strategy it holds when nothing is. Never raises.

    A problem of a value that was set by `overrides` has no line; all other lines are those of `text`.
    """
    read = read_toml(text)
    if isinstance(read, Problem):
        return CheckedStrategy(None, (read,), file, text)
    registry = registry or builtin_registry()
    if not overrides:
        return replace(check_document(read.document, file, registry, read.lines), text=text)
    problems, document = override_document(read.document, overrides, registry)
    places: dict[Path, int | None] = dict(read.lines)
    for path in overrides:
        keys = tuple(int(key) if key.isdecimal() else key for key in path.split("."))
        places[keys] = None
        if keys[:2] == ("risk", "take_profit") and len(keys) == 3:
            places[(*keys[:2], 1, keys[2])] = None
    checked = check_document(document, file, registry, places)
    if problems:
        return CheckedStrategy(None, (*problems, *checked.problems), file, text)
    return replace(checked, text=rewrite(text, document, overrides, registry))


def check_document(
    document: Mapping[str, object],
    file: str = "strategy",
    registry: Registry | None = None,
    lines: Mapping[Path, int | None] | None = None,
) -> CheckedStrategy:
    """Like `check_strategy`, for a document that was read or edited already (as the form does)."""
    checker = _Checker(document, registry or builtin_registry(), lines or {})
    spec = checker.strategy()
    problems = tuple(sorted(checker.problems, key=lambda problem: problem.line or 0))
    return CheckedStrategy(spec, problems, file)


class _Checker(Reader):
    def __init__(
        self, document: Mapping[str, object], registry: Registry, lines: Mapping[Path, int | None]
    ) -> None:
        super().__init__(registry, lines)
        self.document = document
        self.indicator_nodes: dict[str, Node] = {}
        self.member_nodes: dict[str, Node] = {}
        self.roots: dict[str, Node] = {}

    def strategy(self) -> StrategySpec | None:
        for key in self.document:
            if key not in _SECTIONS:
                hint = did_you_mean(key, _SECTIONS)
                self.report((key,), f"is not a section of a strategy; expected {one_of(_SECTIONS)}." + hint)
        head = self._head()
        indicators = self._indicators()
        signals = self._signals()
        groups = self._groups()
        read_as_members(self, self.document, signals, groups)
        entry = self._entry()
        exit_rule = self._exit()
        risk = self._risk(head)
        costs = self._costs(head)
        check_graph(self, self.indicator_nodes, self.member_nodes, self.roots)
        self._check_funding(head)
        if self.failed or head is None or entry is None or risk is None or costs is None:
            return None
        return StrategySpec(
            name=head["name"],
            category=Category(head["category"]),
            symbols=head["symbols"],
            timeframe=Timeframe(head["timeframe"]),
            note=head["note"],
            indicators=indicators,
            signals=signals,
            groups=groups,
            entry=entry,
            exit=exit_rule,
            risk=risk,
            costs=costs,
        )

    def _head(self) -> dict[str, Any] | None:
        table = self.document.get("strategy")
        if isinstance(table, Mapping) and table.get("category") == "inverse":
            self.report(("strategy", "category"), 'must be "linear" or "spot": inverse cannot be tested yet')
            self.document = {**self.document, "strategy": {**table, "category": "linear"}}
        return self._section("strategy", required=True)

    def _section(self, name: str, required: bool = False) -> dict[str, Any] | None:
        path: Path = (name,)
        if name not in self.document and required:
            self.report(path, f"is missing; expected a section [{name}]")
            return None
        table = self.table(self.document.get(name, {}), path)
        return None if table is None else self.values(table, path, self.registry.sections[name].parameters)

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
        head = self.document.get("strategy")
        text = head.get("timeframe") if isinstance(head, Mapping) else None
        if own is None or not isinstance(text, str) or text not in Timeframe.names():
            return None
        base = Timeframe(text)
        timeframe = Timeframe(own.get("timeframe", text))
        if timeframe.ms % base.ms == 0:
            return timeframe
        fitting = one_of(
            f'"{each.value}"' for each in Timeframe if each.ms > base.ms and each.ms % base.ms == 0
        )
        self.report(
            (*path, "timeframe"),
            f'must be whole bars of strategy.timeframe, which is "{text}", such as {fitting or "the same"}, but is '
            f'"{timeframe.value}"',
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

    def _risk(self, head: Mapping[str, Any] | None) -> RiskSpec | None:
        values = self._section("risk")
        if values is None:
            return None
        spot = head is not None and head["category"] == "spot"
        direction = Direction(values.get("direction", "long" if spot else "both"))
        if spot and direction is not Direction.LONG:
            self.report(("risk", "direction"), f'must be "long" on spot, but is "{direction}"')
        opposite = values.get("opposite", "reverse" if direction is Direction.BOTH else "close")
        risk = RiskSpec(
            direction=direction,
            opposite=Opposite(opposite),
            sizing=values.get("sizing", Use("equity", {"percent": 100.0})),
            stop_loss=values.get("stop_loss"),
            take_profit=values.get("take_profit", ()),
            max_bars=values["max_bars"],
            cooldown_bars=values["cooldown_bars"],
        )
        closes = "exit" in self.document or risk.stop_loss or risk.take_profit or risk.max_bars
        if not closes and risk.opposite is Opposite.IGNORE:
            self.report(
                ("risk",),
                "closes no position: there is no [exit], stop_loss, take_profit or max_bars, and opposite is ignore",
                Severity.WARNING,
            )
        return risk

    def _costs(self, head: Mapping[str, Any] | None) -> CostsSpec | None:
        values = self._section("costs")
        if values is None:
            return None
        if head is not None and head["category"] == "spot" and values.get("funding"):
            self.report(("costs", "funding"), "must be false on spot, which has no funding, but is true")
        return CostsSpec(**values)


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
