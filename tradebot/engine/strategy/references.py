"""What names a node: series, members, weights and paths of [optimize]; renamed with it, dropped or found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tradebot.engine.strategy.declared import Held, held_values, nodes_of
from tradebot.engine.strategy.registry import MEMBER_KINDS, ParameterKind, Registry
from tradebot.engine.strategy.series import split_reference

Document = dict[str, Any]


def rename_everywhere(document: Document, section: str, old: str, new: str, registry: Registry) -> None:
    """Let everything that names the node `old` name it `new`."""
    for held in list(held_values(document, registry)):
        value, table, key = held.value, held.table, held.parameter.name
        if section == "indicators":
            if _reads(held, old):
                table[key] = new + value[len(old) :]
        elif held.parameter.kind is ParameterKind.MEMBER and value == old:
            table[key] = new
        elif held.parameter.kind is ParameterKind.MEMBERS and isinstance(value, list):
            table[key] = [new if each == old else each for each in value]
        elif held.parameter.kind is ParameterKind.WEIGHTS and isinstance(value, dict):
            table[key] = {new if name == old else name: weight for name, weight in value.items()}
    _change_ranges(document, lambda path: _renamed_path(path, section, old, new))


def drop_member(document: Document, name: str, registry: Registry) -> None:
    """Take a signal or group out of every list, weight and rule that names it; an exit without members goes."""
    for held in list(held_values(document, registry)):
        value, table, key = held.value, held.table, held.parameter.name
        if held.parameter.kind is ParameterKind.MEMBER and value == name:
            table[key] = ""
        elif held.parameter.kind is ParameterKind.MEMBERS and isinstance(value, list):
            table[key] = [each for each in value if each != name]
        elif held.parameter.kind is ParameterKind.WEIGHTS and isinstance(value, dict):
            table[key] = {member: weight for member, weight in value.items() if member != name}
            if value and not table[key]:
                table.pop(key)
    leaving = document.get("exit")
    if isinstance(leaving, dict) and leaving.get("signals") == []:
        document.pop("exit")


def drop_ranges(document: Document, path: str) -> None:
    """Take the ranges of everything at and below a path out of [optimize]."""
    _change_ranges(document, lambda each: None if each == path or each.startswith(path + ".") else each)


def move_ranges(document: Document, list_path: str, places: list[int]) -> None:
    """Let the ranges of a list's entries follow them: `places[i]` is where entry i + 1 was before, from 1."""
    now = {str(before): str(at) for at, before in enumerate(places, 1)}

    def moved(path: str) -> str | None:
        if not path.startswith(list_path + "."):
            return path
        place, _, below = path.removeprefix(list_path + ".").partition(".")
        if not place.isdecimal():
            return path
        return f"{list_path}.{now[place]}.{below}" if place in now else None

    _change_ranges(document, moved)


def _renamed_path(path: str, section: str, old: str, new: str) -> str:
    keys = path.split(".")
    if keys[:2] == [section, old]:
        keys[1] = new
    if section != "indicators" and len(keys) > 1 and keys[-2:] == ["weights", old]:
        keys[-1] = new
    return ".".join(keys)


def _change_ranges(document: Document, changed: Any) -> None:
    ranges = document.get("optimize")
    if not isinstance(ranges, dict):
        return
    kept = {changed(path): value for path, value in ranges.items()}
    document["optimize"] = {path: value for path, value in kept.items() if path is not None}
    if ranges and not document["optimize"]:
        document.pop("optimize")


def _reads(held: Held, indicator: str) -> bool:
    value = held.value
    is_series = held.parameter.kind is ParameterKind.SERIES and isinstance(value, str)
    return is_series and split_reference(value)[0] == indicator


def readers_of(document: Mapping[str, Any], indicator: str, registry: Registry) -> list[Held]:
    """Every place that reads an indicator or one of its outputs."""
    return [held for held in held_values(document, registry) if _reads(held, indicator)]


def namers_of(document: Mapping[str, Any], member: str, registry: Registry) -> list[Held]:
    """Every place that names a signal or group, weights left out."""
    return [
        held
        for held in held_values(document, registry)
        if held.parameter.kind in MEMBER_KINDS
        and (held.value == member or (isinstance(held.value, list) and member in held.value))
    ]


def used_nodes(document: Mapping[str, Any], registry: Registry) -> dict[str, set[str]]:
    """Which indicators each node reads and which members it names: `signals.dip` -> {indicators.rsi, ...}.

    Roots (entry, exit, risk, ...) stand under the name of their section.
    """
    members = {
        name: f"{section}.{name}"
        for section in ("signals", "groups")
        for name, _ in nodes_of(document, section)
    }
    found: dict[str, set[str]] = {}
    for held in held_values(document, registry):
        owner = (
            ".".join(held.path[:2]) if held.path[0] in ("indicators", "signals", "groups") else held.path[0]
        )
        targets = found.setdefault(owner, set())
        if held.parameter.kind is ParameterKind.SERIES and isinstance(held.value, str):
            name = split_reference(held.value)[0]
            if isinstance(document.get("indicators"), Mapping) and name in document["indicators"]:
                targets.add(f"indicators.{name}")
        elif held.parameter.kind in MEMBER_KINDS:
            named = held.value if isinstance(held.value, list) else [held.value]
            targets.update(members[name] for name in named if isinstance(name, str) and name in members)
    return found


def reached(uses: Mapping[str, set[str]], starts: Iterator[str] | list[str]) -> set[str]:
    """Every node that can be reached from the starts by what they use; the starts themselves are not counted."""
    found: set[str] = set()
    waiting = list(starts)
    while waiting:
        for target in uses.get(waiting.pop(), ()):
            if target not in found:
                found.add(target)
                waiting.append(target)
    return found
