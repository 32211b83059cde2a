"""What differs between two texts of a strategy, by the path of each value."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tradebot.engine.control.errors import InputError
from tradebot.engine.strategy.declared import NODE_SECTIONS
from tradebot.engine.strategy.form_fields import value_text
from tradebot.engine.strategy.form_types import DiffLine
from tradebot.engine.strategy.toml_blocks import SECTION_ORDER

_MOST_SAID = 2


def differences(before: str, after: str) -> tuple[DiffLine, ...]:
    """The values that are not the same, in the order of the form; "" on the side that does not have one.

    Raises InputError where one of the texts is no TOML.
    """
    old, new = values_by_path(before), values_by_path(after)
    order = list(dict.fromkeys((*new, *old)))
    place = {path: at for at, path in enumerate(order)}
    sections = {name: at for at, name in enumerate(SECTION_ORDER)}
    changed = [path for path in order if old.get(path) != new.get(path)]
    changed.sort(key=lambda path: (sections.get(path.split(".")[0], len(sections)), place[path]))
    return tuple(DiffLine(path, old.get(path, ""), new.get(path, "")) for path in changed)


def values_by_path(toml: str) -> dict[str, str]:
    """Every value of a text as a person types it; a list of names is one value. Raises InputError."""
    try:
        document = tomllib.loads(toml)
    except (tomllib.TOMLDecodeError, RecursionError):
        raise InputError("The text is not valid TOML, so it cannot be compared; mend it first.") from None
    return dict(_walk("", document))


def _walk(path: str, value: Any) -> Iterator[tuple[str, str]]:
    inside: Sequence[tuple[str, Any]] = ()
    if isinstance(value, Mapping):
        inside = list(value.items())
    elif isinstance(value, list) and any(isinstance(each, Mapping) for each in value):
        inside = [(str(at), each) for at, each in enumerate(value, 1)]
    else:
        yield path, value_text(value)
        return
    for key, each in inside:
        yield from _walk(f"{path}.{key}" if path else str(key), each)


def summary(lines: Sequence[DiffLine]) -> str:
    """A few words on what changed: `signals.dip added, risk.max_bars 48 -> 96 and 2 more`."""
    if not lines:
        return "nothing but remarks"
    whole = {
        _node(line): "added" if line.after else "removed"
        for line in lines
        if line.path.split(".")[-1] in ("use", "combine") and _node(line) and not (line.before and line.after)
    }
    said = list(
        dict.fromkeys(
            f"{_node(line)} {whole[_node(line)]}"
            if _node(line) in whole
            else f"{line.path} {line.before or 'unset'} -> {line.after or 'unset'}"
            for line in lines
        )
    )
    rest = len(said) - _MOST_SAID
    shown = ", ".join(said[:_MOST_SAID])
    return f"{shown} and {rest} more" if rest > 0 else shown


def _node(line: DiffLine) -> str:
    """The indicator, signal or group that a value belongs to, "" where to none."""
    keys = line.path.split(".")
    return ".".join(keys[:2]) if keys[0] in NODE_SECTIONS and len(keys) > 2 else ""
