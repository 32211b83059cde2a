"""What refers to what: references that lead nowhere, circles, things switched off, things nobody uses."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from tradebot.engine.market import Timeframe
from tradebot.engine.strategy.problems import Path, Severity
from tradebot.engine.strategy.reading import Reader
from tradebot.engine.strategy.registry import Declaration, IndicatorDeclaration
from tradebot.engine.strategy.series import NO_PRICES, reference_problem, split_reference
from tradebot.engine.strategy.spec import Combination
from tradebot.engine.strategy.values import unknown_name


@dataclass(frozen=True, slots=True)
class Node:
    """An indicator, signal, group, entry or exit as far as it could be read, and the names it refers to.

    `weighted` are the names that its weights stand beside, also where a weight itself is wrong. `timeframe` is that of
    the bars it is computed on, None where that is not known. `members` are the signals and groups that a signal names,
    `needed` how many of them must agree. A level is a stop or target, which can only stand at a price.
    """

    path: Path
    enabled: bool
    references: Mapping[Path, str]
    declaration: Declaration | None
    rule: Combination | None = None
    is_group: bool = False
    weighted: tuple[str, ...] = ()
    timeframe: Timeframe | None = None
    members: Mapping[Path, str] = field(default_factory=dict)
    needed: int | None = None
    is_level: bool = False

    @property
    def named_members(self) -> Mapping[Path, str]:
        """The signals and groups that it names, by their path below it."""
        return self.references if self.is_group else self.members


def check_graph(
    reader: Reader,
    indicators: Mapping[str, Node],
    members: Mapping[str, Node],
    roots: Mapping[str, Node],
    levels: Iterable[Node] = (),
) -> None:
    """Report everything that is wrong between the nodes; `levels` are stops and targets that stand at a series."""
    declarations = {
        name: node.declaration if isinstance(node.declaration, IndicatorDeclaration) else None
        for name, node in indicators.items()
    }
    readers = [*indicators.values(), *(node for node in members.values() if not node.is_group), *levels]
    for node in readers:
        for below, reference in node.references.items():
            _check_series(reader, node, below, reference, indicators, declarations)
    combinations = [*(node for node in members.values() if node.is_group), *roots.values()]
    for node in combinations:
        for below, reference in node.references.items():
            _check_member(reader, node, below, reference, indicators, members)
        _check_weights(reader, node, members)
        _check_rule(reader, node, members)
    signals = [node for node in members.values() if not node.is_group]
    for node in signals:
        _check_named(reader, node, indicators, members)
    _check_circles(reader, indicators, lambda node: node.references, lambda _circle: "indicators")
    _check_circles(reader, members, lambda node: node.named_members, lambda circle: _kinds(circle, members))
    _check_unused(reader, indicators, [node.references for node in readers], "signal, indicator or level")
    named = [node.named_members for node in (*signals, *combinations)]
    _check_unused(reader, members, named, "group, entry or exit")


def _check_series(
    reader: Reader,
    node: Node,
    below: Path,
    reference: str,
    indicators: Mapping[str, Node],
    declarations: Mapping[str, IndicatorDeclaration | None],
) -> None:
    sentence = reference_problem(reference, declarations)
    if sentence is not None:
        reader.report((*node.path, *below), sentence)
        return
    if node.is_level and reference in NO_PRICES:
        reader.report((*node.path, *below), f'must be a series of prices, but "{reference}" is none')
        return
    source = indicators.get(split_reference(reference)[0])
    if source is not None and node.enabled and not source.enabled:
        name = source.path[-1]
        reader.report((*node.path, *below), f'needs "{name}", but indicators.{name}.enabled is false')
    finer = (
        source is not None and source.timeframe and node.timeframe and source.timeframe.ms < node.timeframe.ms
    )
    if source is not None and finer:
        reader.report((*node.path, *below), _finer(node, source))


def _finer(node: Node, source: Node) -> str:
    """Bars of a node would hold many values of such a source; which of them is meant must be said by the person."""
    name = source.path[-1]
    own, other = (each.timeframe.value if each.timeframe else "" for each in (node, source))
    return (
        f'must not be of finer bars, but "{name}" is computed on {other} bars and this on {own}: '
        f'give indicators.{name} timeframe = "{own}", or name a series of the market'
    )


def _check_member(
    reader: Reader,
    node: Node,
    below: Path,
    reference: str,
    indicators: Mapping[str, Node],
    members: Mapping[str, Node],
) -> None:
    if reference in members:
        return
    if reference in indicators:
        sentence = f'"{reference}" is an indicator; expected a signal made from it, or a group'
    else:
        sentence = unknown_name(reference, list(members), "a signal or group")
    reader.report((*node.path, *below), sentence)


def _check_named(
    reader: Reader, node: Node, indicators: Mapping[str, Node], members: Mapping[str, Node]
) -> None:
    """What a signal names: single members must take part; of a list as many as it needs."""
    for below, name in node.members.items():
        _check_member(reader, node, below, name, indicators, members)
        if len(below) == 1 and node.enabled and name in members and not members[name].enabled:
            place = ".".join(str(part) for part in members[name].path)
            reader.report((*node.path, *below), f'needs "{name}", but {place}.enabled is false')
    listed = {below: name for below, name in node.members.items() if len(below) > 1}
    if not listed or any(name not in members for name in listed.values()) or not node.enabled:
        return
    active = [name for name in listed.values() if members[name].enabled]
    if not active:
        reader.report((*node.path, next(iter(listed))[0]), "has no member that is switched on")
    elif node.needed is not None and node.needed > len(active):
        reader.report(
            (*node.path, "k"),
            f"must be at most {len(active)}, the number of members switched on, but is {node.needed}",
        )


def _kinds(circle: list[str], members: Mapping[str, Node]) -> str:
    groups = [members[name].is_group for name in circle]
    return "groups" if all(groups) else "signals and groups" if any(groups) else "signals"


def _check_weights(reader: Reader, node: Node, members: Mapping[str, Node]) -> None:
    names = list(node.references.values())
    misspelt = any(name not in members for name in names)
    for name in node.weighted if names else ():
        # A misspelt entry of the list may be the member that this weight names rightly.
        if name not in names and not (misspelt and name in members):
            reader.report((*node.path, "weights", name), unknown_name(name, names, "a member of this list"))


def _check_rule(reader: Reader, node: Node, members: Mapping[str, Node]) -> None:
    names = list(node.references.values())
    if not names or any(name not in members for name in names):
        return
    active = [name for name in names if members[name].enabled]
    if not active and node.enabled:
        reader.report((*node.path, "signals"), "has no member that is switched on")
        return
    rule = node.rule
    if rule is None:
        return
    k = rule.parameters.get("k")
    if k is not None and int(k) > len(active):
        reader.report(
            (*node.path, "k"), f"must be at most {len(active)}, the number of members switched on, but is {k}"
        )
    if rule.weights and active and sum(rule.weights.get(name, 1.0) for name in active) <= 0.0:
        reader.report(
            (*node.path, "weights"), "must give at least one member that is switched on more than 0"
        )


def _check_circles(
    reader: Reader,
    nodes: Mapping[str, Node],
    named: Callable[[Node], Mapping[Path, str]],
    what: Callable[[list[str]], str],
) -> None:
    finished: set[str] = set()
    for start in nodes:
        trail: list[str] = []
        edges: list[Iterable[tuple[Path, str]]] = []
        open_names: dict[str, int] = {}

        def enter(
            name: str,
            trail: list[str] = trail,
            edges: list[Iterable[tuple[Path, str]]] = edges,
            open_names: dict[str, int] = open_names,
        ) -> None:
            open_names[name] = len(trail)
            trail.append(name)
            edges.append(iter(named(nodes[name]).items()))

        if start not in finished:
            enter(start)
        while trail:
            step = next(iter(edges[-1]), None)
            if step is None:
                edges.pop()
                done = trail.pop()
                del open_names[done]
                finished.add(done)
                continue
            below, reference = step
            name = split_reference(reference)[0]
            if name in open_names:
                circle = trail[open_names[name] :]
                shown = " -> ".join([*circle, name])
                sentence = f"closes a circle of {what(circle)}: {shown}"
                reader.report((*nodes[trail[-1]].path, *below), sentence)
            elif name in nodes and name not in finished:
                enter(name)


def _check_unused(
    reader: Reader, nodes: Mapping[str, Node], named: Iterable[Mapping[Path, str]], by: str
) -> None:
    used = {split_reference(reference)[0] for references in named for reference in references.values()}
    for name, node in nodes.items():
        if name not in used and node.enabled:
            reader.report(node.path, f"is not used by any {by}", Severity.WARNING)
