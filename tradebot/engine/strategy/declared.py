"""The values of a document beside their declarations: which parameter a path names, and every value that is there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tradebot.engine.strategy.registry import Declaration, Parameter, ParameterKind, Registry

NODE_SECTIONS = ("indicators", "signals", "groups")
"""The sections that hold named nodes."""

USE_KINDS = (ParameterKind.USE, ParameterKind.USES)
"""Kinds of values that are tables with a `use`."""

Keys = tuple[str, ...]
"""A path as its parts; places in lists count from 1."""


@dataclass(frozen=True, slots=True)
class Held:
    """One value of a document: where it is, how it is declared, and the table that holds it under its last key."""

    path: Keys
    parameter: Parameter
    table: Any

    @property
    def value(self) -> Any:
        """The value itself."""
        return self.table[self.parameter.name]


def node_declaration(section: str, node: object, registry: Registry) -> Declaration | None:
    """What a node (or the table of [entry] or [exit]) says it uses; None where that is not known."""
    if not isinstance(node, Mapping):
        return None
    if section in ("indicators", "signals"):
        return registry.family(section).get(str(node.get("use")))
    return registry.combinations.get(str(node.get("combine")))


def node_parameters(section: str, node: object, registry: Registry) -> tuple[Parameter, ...]:
    """Everything that a node, an entry or an exit may hold: what its kind declares, then what its section does."""
    declaration = node_declaration(section, node, registry)
    own = declaration.parameters if declaration is not None else ()
    return (*own, *registry.sections[section].parameters)


def nodes_of(document: Mapping[str, Any], section: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The named tables of a section, as far as they are tables."""
    nodes = document.get(section)
    for name, node in nodes.items() if isinstance(nodes, Mapping) else ():
        if isinstance(node, dict):
            yield name, node


def held_values(document: Mapping[str, Any], registry: Registry) -> Iterator[Held]:
    """Every declared value that a document holds, in the order of the sections, those inside tables included."""
    for section in registry.sections:
        if section in NODE_SECTIONS:
            for name, node in nodes_of(document, section):
                parameters = node_parameters(section, node, registry)
                yield from _held((section, name), node, parameters, registry)
        elif isinstance(document.get(section), Mapping):
            table = document[section]
            rule = section in ("entry", "exit")
            parameters = (
                node_parameters(section, table, registry) if rule else registry.sections[section].parameters
            )
            yield from _held((section,), table, parameters, registry)


def _held(
    path: Keys, table: Mapping[str, Any], parameters: tuple[Parameter, ...], registry: Registry
) -> Iterator[Held]:
    for parameter in parameters:
        if parameter.name not in table:
            continue
        yield Held((*path, parameter.name), parameter, table)
        inside = table[parameter.name]
        below = (*path, parameter.name)
        if isinstance(inside, list) and parameter.kind is ParameterKind.USES:
            for place, each in enumerate(inside, 1):
                yield from _inside((*below, str(place)), each, parameter, registry)
        else:
            yield from _inside(below, inside, parameter, registry)


def _inside(path: Keys, value: object, parameter: Parameter, registry: Registry) -> Iterator[Held]:
    if isinstance(value, Mapping):
        yield from _held(path, value, table_parameters(parameter, value, registry), registry)


def table_parameters(
    parameter: Parameter, table: Mapping[str, Any], registry: Registry
) -> tuple[Parameter, ...]:
    """What the table in this place may hold: by its `use`, or as the parameter itself declares."""
    if parameter.kind in USE_KINDS:
        declaration = registry.family(parameter.family).get(str(table.get("use")))
        return declaration.parameters if declaration is not None else ()
    return parameter.parameters


def value_at(document: object, path: Keys) -> Any:
    """The value at a path, None where there is none."""
    value = document
    for key in path:
        if isinstance(value, Mapping):
            value = value.get(key)
        elif isinstance(value, list) and key.isdecimal() and 0 < int(key) <= len(value):
            value = value[int(key) - 1]
        else:
            return None
    return value


def parameter_at(document: Mapping[str, Any], path: Keys, registry: Registry) -> Parameter | None:
    """The declaration of the value at a path, whether it is there or not; None where nothing declares it."""
    section = path[0]
    if section not in registry.sections or len(path) < 2:
        return None
    start = 2 if section in NODE_SECTIONS else 1
    holder = value_at(document, path[:start])
    if section in NODE_SECTIONS or section in ("entry", "exit"):
        parameters = node_parameters(section, holder, registry)
    else:
        parameters = registry.sections[section].parameters
    found: Parameter | None = None
    for depth in range(start, len(path)):
        if path[depth].isdecimal() and found is not None and found.kind is ParameterKind.USES:
            continue
        if found is not None:
            table = value_at(document, path[:depth])
            parameters = table_parameters(found, table if isinstance(table, Mapping) else {}, registry)
        found = next((each for each in parameters if each.name == path[depth]), None)
        if found is None:
            return None
    return found
