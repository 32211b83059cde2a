"""How members are read: long and short, one side only, or as a condition; also through groups and rules over members.

A rule over members (`within`, `not`, ...) that states nothing itself is read as its members are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from tradebot.engine.strategy.problems import Path
from tradebot.engine.strategy.reading import Reader
from tradebot.engine.strategy.registry import AS_MEMBER, Declaration, ParameterKind
from tradebot.engine.strategy.signals import Supports
from tradebot.engine.strategy.spec import GroupSpec, SignalSpec

_INVERTED = {Supports.LONG: Supports.SHORT, Supports.SHORT: Supports.LONG}


def member_references(declaration: Declaration, values: Mapping[str, object]) -> dict[Path, str]:
    """The signals and groups that a signal names, by their path below it, as far as the values can be read."""
    names: dict[Path, str] = {}
    for parameter in declaration.parameters:
        value = values.get(parameter.name)
        if parameter.kind is ParameterKind.MEMBER and isinstance(value, str) and value:
            names[(parameter.name,)] = value
        elif parameter.kind is ParameterKind.MEMBERS and isinstance(value, list | tuple):
            listed = enumerate(value, 1)
            names |= {(parameter.name, at): each for at, each in listed if isinstance(each, str) and each}
    return names


def named_members(declaration: Declaration, values: Mapping[str, object]) -> list[str]:
    """The signals and groups that a signal names, in the order of its parameters."""
    return list(member_references(declaration, values).values())


def needed_members(values: Mapping[str, object]) -> int | None:
    """How many of the members that it lists must agree, where it says so."""
    k = values.get("k")
    return k if isinstance(k, int) else None


def together(natures: Iterable[Supports], all_needed: bool) -> Supports:
    """What members can do together: a condition where all are, one side where no other can be supported."""
    known = list(natures)
    if known and all(nature is Supports.BOTH for nature in known):
        return Supports.BOTH
    enough = all if all_needed else any
    long = enough(nature is not Supports.SHORT for nature in known)
    short = enough(nature is not Supports.LONG for nature in known)
    if long == short:
        return Supports.DIRECTION
    return Supports.LONG if long else Supports.SHORT


class Natures:
    """How each signal and group is read, worked out when it is asked for. Circles and unknown names count as two-sided.

    `open_signals`: members of the signals that leave open how they are read.
    """

    def __init__(
        self,
        signals: Mapping[str, SignalSpec],
        groups: Mapping[str, GroupSpec],
        open_signals: Mapping[str, list[str]] | None = None,
    ) -> None:
        self._signals = signals
        self._groups = groups
        self._open = open_signals or {}
        self._known: dict[str, Supports] = {}

    def of(self, name: str) -> Supports:
        """How a member is read; without recursion, because chains may be long."""
        waiting, open_names = [name], set[str]()
        while waiting:
            current = waiting[-1]
            missing = [each for each in self._members(current) if each not in self._known]
            if current in self._known:
                waiting.pop()
            elif missing and current not in open_names:
                open_names.add(current)
                waiting.extend(each for each in missing if each not in open_names)
            else:
                self._known[current] = self._work_out(current)
                waiting.pop()
        return self._known[name]

    def of_all(self, names: Iterable[str]) -> Supports:
        """How a rule over these members is read by nature."""
        return together([self.of(name) for name in names], all_needed=False)

    def _members(self, name: str) -> list[str]:
        group = self._groups.get(name)
        if group is None:
            return self._open.get(name, [])
        return [each for each in group.rule.signals if self._enabled(each)]

    def _enabled(self, name: str) -> bool:
        node = self._signals.get(name) or self._groups.get(name)
        return node is not None and node.enabled

    def _work_out(self, name: str) -> Supports:
        group, signal = self._groups.get(name), self._signals.get(name)
        natures = [self._known.get(each, Supports.DIRECTION) for each in self._members(name)]
        if group is not None:
            return together(natures, all_needed=group.rule.combine == "unanimous")
        if signal is None:
            return Supports.DIRECTION
        supports = together(natures, all_needed=False) if name in self._open else signal.supports
        return _INVERTED.get(supports, supports) if signal.invert else supports


def read_as_members(
    reader: Reader,
    document: Mapping[str, object],
    signals: dict[str, SignalSpec],
    groups: Mapping[str, GroupSpec],
) -> None:
    """Let the rules over members be read as their members are, where they do not say how they are read."""
    rules = {}
    for name, signal in signals.items():
        declaration = reader.registry.signals[signal.use]
        if declaration.supports == AS_MEMBER:
            rules[name] = named_members(declaration, signal.parameters)
    natures = Natures(signals, groups, {name: rules[name] for name in rules if not _stated(document, name)})
    for name, members in rules.items():
        natural = natures.of_all(members)
        if not _stated(document, name):
            signals[name] = replace(signals[name], supports=natural)
        elif natural is Supports.BOTH and signals[name].supports is Supports.DIRECTION:
            reader.report(
                ("signals", name, "supports"),
                'must be "both", "long" or "short", but is "direction": its members are conditions, whose opposite '
                "is not known",
            )


def _stated(document: Mapping[str, object], name: str) -> bool:
    section = document.get("signals")
    table = section.get(name) if isinstance(section, Mapping) else None
    return isinstance(table, Mapping) and "supports" in table
