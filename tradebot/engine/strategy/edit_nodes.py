"""Edits of whole nodes: add, remove, switch off, copy, rename, remark."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from typing import Any

from tradebot.engine.control.errors import InputError, did_you_mean
from tradebot.engine.strategy.declared import NODE_SECTIONS, Keys, held_values, nodes_of, value_at
from tradebot.engine.strategy.naming import is_made_by_rule
from tradebot.engine.strategy.references import (
    drop_member,
    drop_ranges,
    reached,
    rename_everywhere,
    used_nodes,
)
from tradebot.engine.strategy.registry import MEMBER_KINDS, Parameter, ParameterKind, Registry
from tradebot.engine.strategy.series import RESERVED

Document = dict[str, Any]
_NODE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}")


def node_path(document: Document, path: Keys) -> Keys:
    """The path of the node that a path names: itself, or that of a member by its place in a list.

    Raises InputError where there is none.
    """
    if len(path) == 2 and path[0] in NODE_SECTIONS and isinstance(value_at(document, path), dict):
        return path
    if len(path) > 2 and path[-1].isdecimal() and path[-2] == "signals":
        name = value_at(document, path)
        for section in ("signals", "groups"):
            if isinstance(name, str) and isinstance(value_at(document, (section, name)), dict):
                return (section, name)
    raise InputError(f"There is no indicator, signal or group at {'.'.join(path)}.")


def free_name(document: Document, wish: str) -> str:
    """A name close to the wish that no node has."""
    taken = {name for section in NODE_SECTIONS for name, _node in nodes_of(document, section)} | set(RESERVED)
    name, number = wish, 2
    while name in taken:
        name, number = f"{wish}_{number}" if wish[-1:].isdigit() else f"{wish}{number}", number + 1
    return name


def add_node(document: Document, section: str, use: str, registry: Registry) -> Keys:
    """A new node of a section that uses a declaration; its path."""
    if section not in NODE_SECTIONS:
        raise InputError(f"{section!r} holds no nodes; add to indicators, signals or groups.")
    family = registry.family("combinations" if section == "groups" else section)
    declaration = family.get(use)
    if declaration is None:
        hint = did_you_mean(use, family)
        raise InputError(f"There is no {section.removesuffix('s')} of the kind {use!r}.{hint}")
    name = free_name(document, use if section != "groups" else "group")
    node: Document = {"combine" if section == "groups" else "use": use}
    if section == "groups":
        node["signals"] = []
    for parameter in declaration.parameters:
        if parameter.required and parameter.kind is ParameterKind.SERIES:
            node[parameter.name] = "close"
        elif parameter.kind in MEMBER_KINDS:
            _name_members(document, node, parameter)
        elif parameter.default is not None and parameter.kind is not ParameterKind.SERIES:
            node[parameter.name] = parameter.default
    document.setdefault(section, {})[name] = node
    return (section, name)


def _name_members(document: Document, node: Document, parameter: Parameter) -> None:
    """Begin with the first signals or groups there are; without any the field is empty and the check says so."""
    names = [name for section in ("signals", "groups") for name, _node in nodes_of(document, section)]
    if parameter.kind is ParameterKind.MEMBERS:
        node[parameter.name] = names[:2]
    elif names:
        node[parameter.name] = names[0]


def remove_node(document: Document, path: Keys, registry: Registry) -> list[str]:
    """Take a node out with everything that names it; the names of all nodes that went.

    What a rule sentence made for a signal (indicators, and signals inside it) goes with it where nothing else uses it.
    """
    section, name = path
    before = used_nodes(document, registry)
    needed = reached(before, [".".join(path)]) - {".".join(path)}
    made = {
        each
        for each in needed
        for below, other in [each.split(".")]
        if is_made_by_rule(document, below, other, registry)
    }
    _take(document, section, name, registry)
    gone = [name]
    if section == "indicators":
        return gone
    after = used_nodes(document, registry)
    still = {target for owner, targets in after.items() if owner not in needed for target in targets}
    still |= reached(after, list(still))
    for target in sorted(made - still):
        below, other = target.split(".")
        _take(document, below, other, registry)
        gone.append(other)
    return gone


def _take(document: Document, section: str, name: str, registry: Registry) -> None:
    document[section].pop(name)
    if not document[section]:
        document.pop(section)
    if section != "indicators":
        drop_member(document, name, registry)
    drop_ranges(document, f"{section}.{name}")


def toggle_node(document: Document, path: Keys) -> None:
    """Switch a node off, or on again."""
    node = value_at(document, path)
    if node.get("enabled", True) is False:
        node.pop("enabled")
    else:
        node["enabled"] = False


def note_node(document: Document, path: Keys, text: str) -> None:
    """Give a node, or the strategy itself, a remark; an empty one removes it."""
    node = (
        document.get("strategy") if path == ("strategy",) else value_at(document, node_path(document, path))
    )
    if not isinstance(node, dict):
        raise InputError(f"There is no section {'.'.join(path)} to remark on.")
    if text.strip():
        node["note"] = text.strip()
    else:
        node.pop("note", None)


def duplicate_node(document: Document, path: Keys, wish: str, registry: Registry) -> Keys:
    """A copy of a node right behind it, in every list behind the node itself; the path of the copy."""
    section, name = path
    new = wish.strip() or free_name(document, _stem(name))
    _check_name(document, new)
    nodes = document[section]
    order = list(nodes)
    order.insert(order.index(name) + 1, new)
    copied = {**nodes, new: copy.deepcopy(nodes[name])}
    document[section] = {each: copied[each] for each in order}
    if section != "indicators":
        _join_lists(document, name, new, registry)
    return (section, new)


def _join_lists(document: Document, name: str, new: str, registry: Registry) -> None:
    for held in list(held_values(document, registry)):
        if held.parameter.kind is not ParameterKind.MEMBERS or not isinstance(held.value, list):
            continue
        if name in held.value and held.path[:2] != ("groups", new):
            place = held.value.index(name) + 1
            held.table[held.parameter.name] = [*held.value[:place], new, *held.value[place:]]


def _stem(name: str) -> str:
    return name if name[-1:].isdigit() else f"{name}_copy"


def rename_node(document: Document, path: Keys, name: str, registry: Registry) -> Keys:
    """Give a node another name, here and wherever it is named; its new path."""
    section, old = path
    if name == old:
        return path
    _check_name(document, name)
    document[section] = {name if key == old else key: node for key, node in document[section].items()}
    rename_everywhere(document, section, old, name, registry)
    return (section, name)


def _check_name(document: Mapping[str, Any], name: str) -> None:
    if not _NODE_NAME.fullmatch(name):
        raise InputError(f"{name!r} cannot name a node: begin with a letter, then letters, digits, - and _.")
    if name in RESERVED:
        raise InputError(f"{name!r} is a series of the market; choose another name.")
    if any(name in document.get(each, {}) for each in NODE_SECTIONS):
        raise InputError(f"The name {name!r} is taken already; choose another.")
