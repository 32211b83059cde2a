"""Values set by their path over what a strategy file says: `--set risk.stop_loss.percent=2.5`."""

from __future__ import annotations

import copy
import tomllib
from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any

from tradebot.engine.control.errors import did_you_mean
from tradebot.engine.strategy.problems import Problem, StrategyError
from tradebot.engine.strategy.registry import (
    Declaration,
    Parameter,
    ParameterKind,
    Registry,
    builtin_registry,
)
from tradebot.engine.strategy.toml_text import read_toml

_LISTS = (ParameterKind.SYMBOLS, ParameterKind.MEMBERS)
_WORDS = (ParameterKind.TEXT, ParameterKind.CHOICE)


def settable_paths(document: Mapping[str, Any], registry: Registry) -> dict[str, Parameter]:
    """Every path of a value that the document has or could have, with the declaration of that value.

    `risk.take_profit.percent` and `risk.take_profit.1.percent` name the same value: lists count from 1.
    """
    return dict(_paths(document, registry))


def apply_overrides(
    text: str, overrides: Mapping[str, str], file: str = "strategy", registry: Registry | None = None
) -> str:
    """The text with values set by path; comments and order of the file stay.

    A value is read by TOML's rules (`2.5`, `true`, `["BTCUSDT"]`); what TOML does not know is taken as a text, so that
    `timeframe=1h` and `symbols=BTCUSDT,ETHUSDT` need no quotation marks. Raises StrategyError with one sentence for
    each path that names no value; whether the values fit is for the check to say.
    """
    read = read_toml(text)
    if isinstance(read, Problem):
        raise StrategyError((read,), file)
    problems, document = override_document(read.document, overrides, registry or builtin_registry())
    if problems:
        raise StrategyError(problems, file)
    return rewrite(text, document, overrides, registry or builtin_registry())


def override_document(
    document: Mapping[str, Any], overrides: Mapping[str, str], registry: Registry
) -> tuple[tuple[Problem, ...], dict[str, Any]]:
    """A copy of the document with the values set, and a problem for each path that names no value."""
    result: dict[str, Any] = copy.deepcopy(dict(document))
    problems = _set_all(result, overrides, registry)
    return tuple(problems), result


def rewrite(text: str, document: Mapping[str, Any], overrides: Mapping[str, str], registry: Registry) -> str:
    """`text` with the overrides in it, so that it holds `document`; its comments stay wherever that is possible."""
    import tomli_w
    import tomlkit  # here, both: only a run with overrides needs them

    edited = tomlkit.parse(text)
    _set_all(edited, overrides, registry)
    result = tomlkit.dumps(edited)
    read = read_toml(result)
    if not isinstance(read, Problem) and read.document == document:
        return result
    return tomli_w.dumps(document)


def _set_all(
    document: MutableMapping[str, Any], overrides: Mapping[str, str], registry: Registry
) -> list[Problem]:
    problems = []
    for path, text in overrides.items():
        known = settable_paths(document, registry)
        if path in known:
            _set(document, path, _value(known[path], text), registry)
        else:
            hint = did_you_mean(path, known)
            problems.append(Problem(path, "is not the path of a value of this strategy." + hint))
    return problems


def _value(parameter: Parameter, text: str) -> Any:
    """The value that a text means for this parameter."""
    try:
        parsed = tomllib.loads(f"value = {text}")
    except (ValueError, RecursionError):  # no TOML: the text itself
        parsed = {"value": text}
    value = parsed["value"] if len(parsed) == 1 else text
    if parameter.kind in _WORDS and not isinstance(value, str):
        return text
    if parameter.kind in _LISTS and isinstance(value, str):
        return [part.strip() for part in value.split(",")]
    return value


def _set(document: MutableMapping[str, Any], path: str, value: Any, registry: Registry) -> None:
    keys = path.split(".")
    table: Any = document
    for depth, key in enumerate(keys[:-1], 1):
        if isinstance(table, list):
            table = _entry(table, int(key) if key.isdecimal() else 1, keys[:depth], keys[-1], registry)
            if key.isdecimal():
                continue
        if key.isdecimal() and key not in table:
            continue  # the one table that stands where a list may stand
        if key not in table or not isinstance(table[key], MutableMapping | list):
            table[key] = _new_table(keys[:depth], keys[-1], registry)
        elif _is_list_of_names(keys[:depth], table[key], registry):
            table[key] = {}  # the table that may stand in place of the list
        table = table[key]
    if isinstance(table, list):
        table = _entry(table, 1, keys[:-1], keys[-1], registry)
    table[keys[-1]] = value
    if keys[-1] == "use":
        _drop_values_of_another_kind(table, keys[:-1], registry)


def _drop_values_of_another_kind(
    table: MutableMapping[str, Any], path: list[str], registry: Registry
) -> None:
    """After a stop, a size or the like was given another kind, what only the old one had is no value of it."""
    parameter = _declared([key for key in path if not key.isdecimal()], registry)
    declaration = registry.family(parameter.family).get(str(table["use"])) if parameter is not None else None
    if declaration is not None:
        known = {each.name for each in declaration.parameters} | {"use"}
        for name in [name for name in table if name not in known]:
            del table[name]


def _entry(tables: list[Any], position: int, path: list[str], value_name: str, registry: Registry) -> Any:
    """The entry of a list of tables at a position from 1; an empty list gets its first."""
    if not tables:
        tables.append(_new_table([key for key in path if not key.isdecimal()], value_name, registry))
    return tables[position - 1]


def _is_list_of_names(path: list[str], value: Any, registry: Registry) -> bool:
    declared = _declared(path, registry)
    return isinstance(value, list) and declared is not None and declared.kind is ParameterKind.SYMBOLS


def _new_table(path: list[str], value_name: str, registry: Registry) -> dict[str, Any]:
    """What an absent table begins with: the first kind that has the value which is going to be set."""
    parameter = _declared(path, registry)
    if parameter is not None and parameter.family:
        for name, declaration in registry.family(parameter.family).items():
            if any(each.name == value_name for each in declaration.parameters):
                return {"use": name}
    return {}


def _declared(path: list[str], registry: Registry) -> Parameter | None:
    """The declaration of the table at a path such as risk.stop_loss or risk.pyramiding.spacing; None for a node."""
    section = registry.sections.get(path[0])
    parameters = section.parameters if section is not None else ()
    declared = None
    for key in path[1:]:
        declared = next((each for each in parameters if each.name == key), None)
        parameters = declared.parameters if declared is not None else ()
    return declared


def _paths(document: Mapping[str, Any], registry: Registry) -> Iterator[tuple[str, Parameter]]:
    for name, section in registry.sections.items():
        if name in ("indicators", "signals", "groups"):
            nodes = document.get(name)
            for node_name, node in nodes.items() if isinstance(nodes, Mapping) else ():
                if isinstance(node, Mapping) and "." not in node_name:
                    yield from _node_paths(f"{name}.{node_name}", name, node, section, registry)
        elif name in ("entry", "exit"):
            if isinstance(document.get(name), Mapping):
                yield from _node_paths(name, "groups", document[name], section, registry)
        elif isinstance(document.get(name, {}), Mapping):
            table = document.get(name, {})
            for parameter in section.parameters:
                yield from _parameter_paths(
                    f"{name}.{parameter.name}", table.get(parameter.name), parameter, registry
                )


def _node_paths(
    path: str, kind: str, node: Mapping[str, Any], section: Declaration, registry: Registry
) -> Iterator[tuple[str, Parameter]]:
    key, family = ("combine", "combinations") if kind == "groups" else ("use", kind)
    yield f"{path}.{key}", _chooser(key, family, registry)
    declaration = registry.family(family).get(str(node.get(key)))
    for owner in (declaration, section):
        for parameter in owner.parameters if owner is not None else ():
            if parameter.kind is ParameterKind.WEIGHTS:
                members = node.get("signals")
                for member in members if isinstance(members, list) else ():
                    yield f"{path}.{parameter.name}.{member}", _weight(parameter)
            else:
                yield f"{path}.{parameter.name}", parameter


def _parameter_paths(
    path: str, given: Any, parameter: Parameter, registry: Registry
) -> Iterator[tuple[str, Parameter]]:
    if parameter.kind is ParameterKind.USES:
        entries = given if isinstance(given, list) else [given]
        for position, entry in enumerate(entries or [None], 1):
            yield from _use_paths(f"{path}.{position}", entry, parameter, registry)
        if len(entries) < 2:
            yield from _use_paths(path, entries[0] if entries else None, parameter, registry)
        return
    if parameter.kind is ParameterKind.USE:
        yield from _use_paths(path, given, parameter, registry)
        return
    if parameter.kind is not ParameterKind.TABLE:
        yield path, parameter
    for each in parameter.parameters:
        inner = given.get(each.name) if isinstance(given, Mapping) else None
        yield from _parameter_paths(f"{path}.{each.name}", inner, each, registry)


def _use_paths(
    path: str, given: Any, parameter: Parameter, registry: Registry
) -> Iterator[tuple[str, Parameter]]:
    used = str(given.get("use")) if isinstance(given, Mapping) else None
    yield f"{path}.use", _chooser("use", parameter.family, registry)
    for name, declaration in registry.family(parameter.family).items():
        if used is None or used == name:
            for each in declaration.parameters:
                yield f"{path}.{each.name}", each


def _chooser(name: str, family: str, registry: Registry) -> Parameter:
    return Parameter(name=name, kind=ParameterKind.CHOICE, choices=tuple(registry.family(family)), help="")


def _weight(parameter: Parameter) -> Parameter:
    return Parameter(
        name="weight", kind=ParameterKind.NUMBER, help=parameter.help, low=parameter.low, high=parameter.high
    )
