"""Edits of single values and of optional tables: what a person types or picks becomes what TOML should hold."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from typing import Any

from tradebot.engine.control.errors import InputError
from tradebot.engine.strategy.declared import (
    NODE_SECTIONS,
    USE_KINDS,
    Keys,
    node_declaration,
    node_parameters,
    nodes_of,
    parameter_at,
    value_at,
)
from tradebot.engine.strategy.references import drop_ranges, move_ranges
from tradebot.engine.strategy.registry import Declaration, Parameter, ParameterKind, Registry

Document = dict[str, Any]

NONE = "none"
ON = "on"
# What an entry or exit begins with when its members are picked before its combination.
USUAL_COMBINATION = {"entry": "unanimous", "exit": "any"}
_WHOLE = re.compile(r"[+-]?\d{1,18}")
_TOP = re.compile(r"top\s+(\d{1,9})(?:\s+by\s+(\w+))?", re.IGNORECASE)
_LIST_KINDS = (ParameterKind.SYMBOLS, ParameterKind.MEMBERS)
# What a value that has no default begins with when its table is chosen, by what the table is for.
_STARTS: dict[str, float] = {
    "stops.percent": 2.0,
    "targets.percent": 4.0,
    "trailings.percent": 2.0,
    "offsets.percent": 0.1,
    "spacings.percent": 1.0,
    "sizings.percent": 1.0,
    "sizings.amount": 1000.0,
    "sizings.quantity": 0.01,
    "sizings.target_percent": 40.0,
    "targets.multiple": 2.0,
    "trailings.multiple": 3.0,
    "offsets.multiple": 0.5,
    "spacings.multiple": 1.0,
    "break_even.at_r": 1.0,
    "loss_streak.losses": 3,
    "loss_streak.pause_bars": 24,
    "pyramiding.max_adds": 1,
    "symbols.top": 10,
    "at_least.k": 1,
    "weighted.threshold": 0.5,
}


def typed_value(text: str, parameter: Parameter | None) -> Any:
    """What a person typed, as the kind of value TOML should hold; what does not fit stays text and is refused later."""
    cleaned = text.strip()
    kind = parameter.kind if parameter is not None else None
    if kind is ParameterKind.SYMBOLS and parameter is not None and parameter.parameters:
        top = _TOP.fullmatch(cleaned)
        if top is not None:
            return {"top": int(top[1]), **({"by": top[2].lower()} if top[2] else {})}
    if kind in _LIST_KINDS:
        return [part.strip() for part in cleaned.split(",") if part.strip()]
    if kind is ParameterKind.WEIGHTS:
        return _weights(cleaned)
    if kind in {ParameterKind.INTEGER, ParameterKind.NUMBER, ParameterKind.SERIES}:
        return _number(cleaned)
    if kind is ParameterKind.SWITCH and cleaned.lower() in {"true", "false"}:
        return cleaned.lower() == "true"
    return cleaned if kind in {ParameterKind.CHOICE, ParameterKind.SYMBOL, ParameterKind.MEMBER} else text


def _number(text: str) -> Any:
    if _WHOLE.fullmatch(text):
        return int(text)
    try:
        value = float(text.replace("_", "x"))
    except ValueError:
        return text
    return value if abs(value) < float("inf") else text


def _weights(text: str) -> Any:
    table = {}
    for part in text.split(","):
        name, equals, value = part.partition("=")
        if not equals or not name.strip():
            return text
        table[name.strip()] = _number(value.strip())
    return table


def set_value(document: Document, path: Keys, text: str, registry: Registry) -> None:
    """Write what was typed to the value at a path; an empty text removes the key, so that its default holds."""
    parameter = parameter_at(document, path, registry)
    if parameter is not None and parameter.kind in (*USE_KINDS, ParameterKind.TABLE):
        choose(document, path, text, registry)
        return
    if path[-1] == "use" and path[0] not in NODE_SECTIONS and len(path) > 2:
        choose(document, path[:-1], text, registry)
        return
    holder = _holder(document, path, registry)
    if not text.strip():
        _clear(document, holder, path)
        return
    if parameter is None and path[-1] in ("use", "combine"):
        _change_kind(holder, path, text.strip(), registry)
        return
    holder[path[-1]] = typed_value(text, parameter or parameter_at(document, path, registry))
    if len(path) == 2 and path[0] in USUAL_COMBINATION and "combine" not in holder:
        document[path[0]] = {"combine": USUAL_COMBINATION[path[0]], **holder}


def _clear(document: Document, holder: dict[str, Any], path: Keys) -> None:
    holder.pop(path[-1], None)
    if path == ("exit", "signals"):
        document.pop("exit", None)
    elif path[-1] == "signals" and path[0] in ("entry", "groups"):
        holder["signals"] = []
    elif not holder and len(path) > 2:
        above = value_at(document, path[:-2])
        if isinstance(above, dict):
            above.pop(path[-2], None)


def _change_kind(node: dict[str, Any], path: Keys, use: str, registry: Registry) -> None:
    """Let a node use another kind: values that only the old one has go, those that the new one needs are begun.

    A kind that is not known is written as it was typed and refused in its place; nothing else changes then.
    """
    section = path[0]
    old, new = (
        node_declaration(section, {**node, path[-1]: each}, registry) for each in (node.get(path[-1]), use)
    )
    node[path[-1]] = use
    if new is None:
        return
    known = {each.name for each in node_parameters(section, node, registry)}
    for parameter in old.parameters if old is not None else ():
        if parameter.name not in known:
            node.pop(parameter.name, None)
    for parameter in new.parameters:
        if parameter.name in node or parameter.optional:
            continue
        if parameter.kind is ParameterKind.SERIES:
            node |= {parameter.name: "close"} if parameter.required else {}
        elif (start := _start(new.name, parameter)) is not None:
            node[parameter.name] = start


def _holder(document: Document, path: Keys, registry: Registry) -> dict[str, Any]:
    """The table that holds the last key of a path, made where it is missing."""
    value: Any = document
    for depth, key in enumerate(path[:-1]):
        if isinstance(value, list):
            if not key.isdecimal() or not 0 < int(key) <= len(value):
                raise InputError(f"{'.'.join(path)} names an entry that the list does not have.")
            value = value[int(key) - 1]
            continue
        if key == "1" and depth and key not in value and "use" in value:
            continue  # the one table that stands where a list may stand
        if key not in value:
            value[key] = _missing_table(document, path[: depth + 1], path[depth + 1], registry)
        value = value[key]
        if not isinstance(value, dict | list):
            raise InputError(
                f"{'.'.join(path[: depth + 1])} is a single value; remove it in the text before setting one inside it."
            )
    if not isinstance(value, dict):
        raise InputError(f"{'.'.join(path)} names no value of this strategy.")
    return value


def _missing_table(document: Document, path: Keys, value_name: str, registry: Registry) -> dict[str, Any]:
    """What an absent table begins with: the first kind that has the value which is going to be set."""
    parameter = parameter_at(document, path, registry)
    for name, kind in registry.family(parameter.family).items() if parameter and parameter.family else ():
        if any(each.name == value_name for each in kind.parameters):
            return _started_use(document, kind, registry, {}) if value_name != "use" else {"use": name}
    return {}


# Optional tables ---------------------------------------------------------------------------------------


def choose(document: Document, path: Keys, use: str, registry: Registry) -> None:
    """Give the optional table at a path a kind, keeping the values that both kinds have; "none" removes it."""
    parameter = parameter_at(document, path, registry)
    if parameter is None or parameter.kind not in (*USE_KINDS, ParameterKind.TABLE):
        raise InputError(f"{'.'.join(path)} has no kinds to choose from.")
    use = use.strip()
    if use in {"", NONE, "false", "off"}:
        _remove_table(document, path)
        return
    given = value_at(document, path)
    given = given[0] if isinstance(given, list) and given else given
    kept = dict(given) if isinstance(given, Mapping) else {}
    if parameter.kind is ParameterKind.TABLE:
        table = {**_started(parameter.parameters, parameter.name), **kept}
    else:
        table = _chosen_use(document, parameter, use, registry, kept)
    if path[-1].isdecimal():
        entries = value_at(document, path[:-1])
        if isinstance(entries, list) and 0 < int(path[-1]) <= len(entries):
            entries[int(path[-1]) - 1] = table
            return
        path = path[:-1]
    holder = _holder(document, path, registry)
    holder[path[-1]] = [table] if parameter.kind is ParameterKind.USES else table


def _chosen_use(
    document: Document, parameter: Parameter, use: str, registry: Registry, kept: Mapping[str, Any]
) -> dict[str, Any]:
    declaration = registry.family(parameter.family).get(use)
    if declaration is None:
        return {**kept, "use": use}  # refused in its place, with the nearest name
    return _started_use(document, declaration, registry, kept)


def _started_use(
    document: Document, declaration: Declaration, registry: Registry, kept: Mapping[str, Any]
) -> dict[str, Any]:
    """A table of a kind with something in every value that it needs."""
    table = {"use": declaration.name, **_started(declaration.parameters, declaration.family)}
    for parameter in declaration.parameters:
        if parameter.name in kept:
            table[parameter.name] = kept[parameter.name]
        elif parameter.kind is ParameterKind.SERIES:
            line = _first_line(document, registry)
            table |= {parameter.name: line} if line else {}
    return table


def _started(parameters: tuple[Parameter, ...], family: str) -> dict[str, Any]:
    values = {each.name: _start(family, each) for each in parameters if not each.optional}
    return {name: value for name, value in values.items() if value is not None}


def _start(family: str, parameter: Parameter) -> Any:
    """What a value begins with: its default, else what is usual; None where only a person can say."""
    if parameter.default is not None:
        return parameter.default
    return _STARTS.get(f"{family}.{parameter.name}")


def _first_line(document: Document, registry: Registry) -> str:
    """The first indicator that is drawn on the price: where a stop or target can stand."""
    for name, node in nodes_of(document, "indicators"):
        declaration = registry.indicators.get(str(node.get("use")))
        if declaration is not None and declaration.plot == "price" and node.get("enabled", True) is not False:
            return name if declaration.main else f"{name}.{declaration.outputs[0]}"
    return ""


def _remove_table(document: Document, path: Keys) -> None:
    if path[-1].isdecimal():
        remove_target(document, path)
        return
    holder = value_at(document, path[:-1])
    if isinstance(holder, dict):
        holder.pop(path[-1], None)
    drop_ranges(document, ".".join(path))


# Several targets ---------------------------------------------------------------------------------------


def change_targets(document: Document, path: Keys, text: str, registry: Registry) -> str:
    """Add a target of the kind `text` to a list, or remove or duplicate one of its entries; gives what to look at."""
    if not path[-1].isdecimal():
        return _add_target(document, path, text.strip(), registry)
    _check_list(document, path[:-1], registry)
    if text == "remove":
        remove_target(document, path)
        return ".".join(path[:-1])
    if text != "duplicate":
        raise InputError(
            f"{text!r} is nothing that a target can be made to do; expected remove or duplicate."
        )
    entries = _entries(document, path[:-1])
    place = _place(entries, path)
    entries.insert(place, copy.deepcopy(entries[place - 1]))
    move_ranges(document, ".".join(path[:-1]), _places(len(entries) - 1, place))
    return ".".join((*path[:-1], str(place + 1)))


def _places(count: int, copied: int) -> list[int]:
    """Where entries were before one was copied: the copy was nowhere."""
    return [*range(1, copied + 1), 0, *range(copied + 1, count + 1)]


def _check_list(document: Document, path: Keys, registry: Registry) -> Parameter:
    """The declaration of a list of targets; InputError where the path names something else."""
    parameter = parameter_at(document, path, registry)
    if parameter is None or parameter.kind is not ParameterKind.USES:
        raise InputError(f"{'.'.join(path)} is no list of targets.")
    return parameter


def _add_target(document: Document, path: Keys, use: str, registry: Registry) -> str:
    family = registry.family(_check_list(document, path, registry).family)
    if use not in family:
        raise InputError(f"There is no target of the kind {use!r}; expected {', '.join(family)}.")
    holder = _holder(document, path, registry)
    entries = _entries(document, path) if path[-1] in holder else holder.setdefault(path[-1], [])
    entries.append(_started_use(document, family[use], registry, {}))
    return ".".join((*path, str(len(entries))))


def _entries(document: Document, path: Keys) -> list[Any]:
    """The list at a path, where one table stands alone made into one."""
    holder = value_at(document, path[:-1])
    given = holder.get(path[-1]) if isinstance(holder, dict) else None
    if isinstance(given, Mapping):
        holder[path[-1]] = given = [dict(given)]
    if not isinstance(given, list):
        raise InputError(f"There is no list at {'.'.join(path)}.")
    return given


def _place(entries: list[Any], path: Keys) -> int:
    place = int(path[-1])
    if not 0 < place <= len(entries):
        raise InputError(f"There is no entry {place} in {'.'.join(path[:-1])}; it has {len(entries)}.")
    return place


def remove_target(document: Document, path: Keys) -> None:
    """Take one entry out of a list of targets; without any left the key goes."""
    entries = _entries(document, path[:-1])
    place = _place(entries, path)
    entries.pop(place - 1)
    move_ranges(document, ".".join(path[:-1]), [at for at in range(1, len(entries) + 2) if at != place])
    if not entries:
        value_at(document, path[:-2]).pop(path[-2])
