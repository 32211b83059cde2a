"""Edits of a strategy's TOML text that keep its comments and order: what the form does when a key is pressed."""

from __future__ import annotations

import re
from collections.abc import MutableMapping
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError

from tradebot.engine.control.errors import InputError
from tradebot.engine.strategy.form_types import FormEdit
from tradebot.engine.strategy.registry import MEMBER_KINDS, Parameter, ParameterKind, Registry

NODE_SECTIONS = ("indicators", "signals", "groups")
NAME_KEY = "@name"
# What an entry or exit begins with when its members are picked before its combination.
USUAL_COMBINATION = {"entry": "unanimous", "exit": "any"}
_NODE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_WHOLE = re.compile(r"[+-]?\d+")
_LIST_KINDS = (ParameterKind.SYMBOLS, ParameterKind.MEMBERS)


def apply_edit(toml: str, edit: FormEdit, registry: Registry) -> str:
    """The text after one edit. Raises InputError where the text is no TOML or the edit does not fit it."""
    document = _parse(toml)
    match edit.action:
        case "set":
            _set(document, edit.path, edit.text, registry)
        case "option":
            _choose(document, edit.path.split("."), edit.text)
        case "add":
            _add(document, edit.path, edit.text, registry)
        case "remove":
            _remove(document, edit.path, registry)
        case "toggle":
            _toggle(document, edit.path)
        case _:
            raise InputError(f"{edit.action!r} is not an edit of a strategy.")
    return tomlkit.dumps(document)


def parameter_at(document: Any, path: list[str], registry: Registry) -> Parameter | None:
    """The declaration of the value at a path, or None where nothing declares it."""
    owners: list[Any] = []
    section = registry.sections.get(path[0])
    if path[0] in NODE_SECTIONS and len(path) >= 3:
        use_key, family = ("combine", "combinations") if path[0] == "groups" else ("use", path[0])
        node = _get(document, path[:2])
        used = node.get(use_key) if isinstance(node, MutableMapping) else None
        owners = [registry.family(family).get(str(used)), section]
    elif len(path) >= 3 and section is not None:
        return _parameter_of_use(document, path, section, registry)
    elif path[0] in {"entry", "exit"}:
        table = _get(document, path[:1])
        used = table.get("combine") if isinstance(table, MutableMapping) else None
        owners = [registry.combinations.get(str(used or "any")), section]
    else:
        owners = [section]
    for owner in owners:
        for parameter in owner.parameters if owner is not None else ():
            if parameter.name == path[-1]:
                return parameter  # type: ignore[no-any-return]  # owners of several families
    return None


def _parameter_of_use(document: Any, path: list[str], section: Any, registry: Registry) -> Parameter | None:
    """The declaration of `risk.stop_loss.percent` or `risk.take_profit.1.percent`."""
    holder = next((each for each in section.parameters if each.name == path[1]), None)
    if holder is None or holder.kind not in {ParameterKind.USE, ParameterKind.USES}:
        return None
    table = _get(document, path[:-1])
    used = table.get("use") if isinstance(table, MutableMapping) else None
    declaration = registry.family(holder.family).get(str(used))
    if declaration is None:
        return None
    return next((each for each in declaration.parameters if each.name == path[-1]), None)


def typed_value(text: str, kind: ParameterKind | None) -> Any:
    """What a person typed, as the kind of value TOML should hold; what does not fit stays text and is refused later."""
    cleaned = text.strip()
    if kind in _LIST_KINDS:
        return [part.strip() for part in cleaned.split(",") if part.strip()]
    if kind is ParameterKind.WEIGHTS:
        return _weights(cleaned)
    if kind in {ParameterKind.INTEGER, ParameterKind.NUMBER, ParameterKind.SERIES}:
        return _number(cleaned)
    if kind is ParameterKind.SWITCH and cleaned in {"true", "false"}:
        return cleaned == "true"
    return text


def _number(text: str) -> Any:
    if _WHOLE.fullmatch(text):
        return int(text)
    try:
        value = float(text)
    except ValueError:
        return text
    return value if abs(value) < float("inf") else text


def _weights(text: str) -> Any:
    table = tomlkit.inline_table()
    for part in text.split(","):
        name, equals, value = part.partition("=")
        if not equals:
            return text
        table[name.strip()] = _number(value.strip())
    return table


def _parse(toml: str) -> Any:
    try:
        return tomlkit.parse(toml)
    except TOMLKitError:
        raise InputError(
            "The text is not valid TOML, so it cannot be edited as a form; mend the text first."
        ) from None


def _get(document: Any, path: list[str]) -> Any:
    """The value at a path, None where there is none; places in lists count from 1."""
    value = document
    for key in path:
        if isinstance(value, MutableMapping):
            value = value.get(key)
        elif isinstance(value, list) and key.isdigit() and 0 < int(key) <= len(value):
            value = value[int(key) - 1]
        else:
            return None
    return value


def _table(document: Any, path: list[str]) -> Any:
    """The table at a path, made where it is missing."""
    value = document
    for key in path:
        if isinstance(value, list) and key.isdigit() and 0 < int(key) <= len(value):
            value = value[int(key) - 1]
            continue
        if key not in value:
            value[key] = tomlkit.table() if value is document else tomlkit.inline_table()
        value = value[key]
        if not isinstance(value, MutableMapping | list):
            raise InputError(
                f"{'.'.join(path)} is a single value; remove it in the text before setting one inside it."
            )
    return value


def _set(document: Any, path_text: str, text: str, registry: Registry) -> None:
    path = path_text.split(".")
    if path[-1] == NAME_KEY:
        _rename(document, path, text.strip(), registry)
        return
    parameter = parameter_at(document, path, registry)
    if parameter is not None and parameter.kind in {ParameterKind.USE, ParameterKind.USES}:
        _choose(document, path, text)
        return
    single = isinstance(_get(document, path[:2]), MutableMapping) and len(path) == 4 and path[2] == "1"
    holder = _table(document, path[:2] if single else path[:-1])
    if not text.strip():
        holder.pop(path[-1], None)
        if path == ["exit", "signals"]:
            document.pop("exit", None)
        return
    holder[path[-1]] = typed_value(text, parameter.kind if parameter is not None else None)
    if len(path) == 2 and path[0] in USUAL_COMBINATION and "combine" not in holder:
        holder["combine"] = USUAL_COMBINATION[path[0]]


def _choose(document: Any, path: list[str], use: str) -> None:
    """Give an optional table its kind, keeping the values of a list's first entry; "none" removes it."""
    holder = _table(document, path[:-1])
    if use in {"", "none"}:
        holder.pop(path[-1], None)
        return
    table = tomlkit.inline_table()
    table["use"] = use
    if path[-1] == "take_profit":
        targets = tomlkit.array()
        targets.append(table)
        holder[path[-1]] = targets
    else:
        holder[path[-1]] = table


def _add(document: Any, section: str, use: str, registry: Registry) -> None:
    if section not in NODE_SECTIONS:
        raise InputError(f"{section!r} holds no nodes; add to indicators, signals or groups.")
    key = "combine" if section == "groups" else "use"
    family = registry.family("combinations" if section == "groups" else section)
    declaration = family.get(use)
    if declaration is None:
        raise InputError(f"There is no {section.removesuffix('s')} of the kind {use!r}.")
    name = _free_name(document, use if section != "groups" else "group")
    node = tomlkit.table()
    node[key] = use
    if section == "groups":
        node["signals"] = []
    for parameter in declaration.parameters:
        if parameter.required and parameter.kind is ParameterKind.SERIES:
            node[parameter.name] = "close"
        elif parameter.kind in MEMBER_KINDS:
            _name_members(document, node, parameter)
        elif parameter.default is not None and parameter.kind is not ParameterKind.SERIES:
            node[parameter.name] = parameter.default
    node.add(tomlkit.nl())
    if section not in document:
        document[section] = tomlkit.table(is_super_table=True)
    document[section][name] = node


def _name_members(document: Any, node: Any, parameter: Parameter) -> None:
    """Begin with the first signals or groups there are; without any the field is empty and the check says so."""
    names = [name for section in ("signals", "groups") for name in document.get(section, {})]
    if parameter.kind is ParameterKind.MEMBERS:
        node[parameter.name] = names[:2]
    elif names:
        node[parameter.name] = names[0]


def _free_name(document: Any, wish: str) -> str:
    taken = {name for section in NODE_SECTIONS for name in document.get(section, {})}
    name, number = wish, 2
    while name in taken:
        name, number = f"{wish}{number}", number + 1
    return name


def _remove(document: Any, path_text: str, registry: Registry) -> None:
    path = path_text.split(".")
    if path == ["exit"]:
        document.pop("exit", None)
        return
    if len(path) != 2 or path[0] not in NODE_SECTIONS or path[1] not in document.get(path[0], {}):
        raise InputError(f"There is no node {path_text} to remove.")
    section, name = path
    document[section].pop(name)
    if not document[section]:
        document.pop(section)
    if section != "indicators":
        _replace_member(document, name, None, registry)


def _toggle(document: Any, path_text: str) -> None:
    node = _get(document, path_text.split("."))
    if not isinstance(node, MutableMapping) or path_text.split(".")[0] not in NODE_SECTIONS:
        raise InputError(f"{path_text} cannot be switched on or off.")
    if node.get("enabled", True) is False:
        node.pop("enabled")
    else:
        node["enabled"] = False


def _rename(document: Any, path: list[str], name: str, registry: Registry) -> None:
    section, old = path[0], path[1]
    if name == old:
        return
    if not _NODE_NAME.fullmatch(name):
        raise InputError(f"{name!r} cannot name a node: begin with a letter, then letters, digits, - and _.")
    if any(name in document.get(each, {}) for each in NODE_SECTIONS):
        raise InputError(f"The name {name!r} is taken already; choose another.")
    nodes = document[section]
    entries = [(name if key == old else key, nodes[key]) for key in list(nodes)]
    for key in list(nodes):
        nodes.pop(key)
    for key, node in entries:
        nodes[key] = node
    if section == "indicators":
        _replace_series(document, old, name, registry)
    else:
        _replace_member(document, old, name, registry)


def _parameters(section: str, node: Any, registry: Registry) -> tuple[Parameter, ...]:
    """What the kind of a node declares; nothing where the kind is not known."""
    used = node.get("use") if isinstance(node, MutableMapping) else None
    declaration = registry.family(section).get(str(used))
    return declaration.parameters if declaration is not None else ()


def _replace_series(document: Any, old: str, new: str, registry: Registry) -> None:
    """Let everything that read the series `old` or `old.output` read `new`."""
    for section in ("indicators", "signals"):
        for node in document.get(section, {}).values():
            for parameter in _parameters(section, node, registry):
                value = node.get(parameter.name)
                is_series = parameter.kind is ParameterKind.SERIES and isinstance(value, str)
                if is_series and value.split(".")[0] == old:
                    node[parameter.name] = new + value[len(old) :]


def _replace_member(document: Any, old: str, new: str | None, registry: Registry) -> None:
    """Let everything that named the member `old` name `new` instead, or drop it."""
    for node in document.get("signals", {}).values():
        for parameter in _parameters("signals", node, registry):
            value = node.get(parameter.name)
            if parameter.kind is ParameterKind.MEMBER and value == old:
                node[parameter.name] = new if new is not None else ""
            elif parameter.kind is ParameterKind.MEMBERS and isinstance(value, list) and old in value:
                kept = [new if each == old else each for each in value]
                node[parameter.name] = [each for each in kept if each is not None]
    rules = [*document.get("groups", {}).values(), document.get("entry"), document.get("exit")]
    for rule in rules:
        if not isinstance(rule, MutableMapping):
            continue
        members = rule.get("signals")
        if isinstance(members, list) and old in members:
            rule["signals"] = [
                new if each == old else each for each in members if each != old or new is not None
            ]
            if rule is document.get("exit") and not rule["signals"]:
                document.pop("exit")
        weights = rule.get("weights")
        if isinstance(weights, MutableMapping) and old in weights:
            value = weights.pop(old)
            if new is not None:
                weights[new] = value
