"""Values of a document by their path, such as `risk.take_profit.1.multiple`; places in lists count from 1."""

from __future__ import annotations

from typing import Any


def set_at(document: dict[str, Any], path: str, value: Any) -> None:
    """Put a value at a path; tables on the way are made where they are missing.

    KeyError where the path leads through something that is no table, or to a place that a list does not have.
    """
    *holders, last = path.split(".")
    table: Any = document
    for key in holders:
        table = _child(table, key, path, make=True)
    if isinstance(table, list):
        table[_position(table, last, path)] = value
    elif isinstance(table, dict):
        table[last] = value
    else:
        raise KeyError(f"{path} leads through a value that is no table")


def remove_at(document: dict[str, Any], path: str) -> None:
    """Take away what stands at a path. KeyError where nothing does."""
    *holders, last = path.split(".")
    table: Any = document
    for key in holders:
        table = _child(table, key, path, make=False)
    if isinstance(table, list):
        del table[_position(table, last, path)]
    elif isinstance(table, dict) and last in table:
        del table[last]
    else:
        raise KeyError(f"nothing stands at {path}")


def same(one: Any, other: Any) -> bool:
    """Whether two documents say the same: 1, 1.0 and true are three, and the order of keys counts."""
    if isinstance(one, dict) and isinstance(other, dict):
        return list(one) == list(other) and all(same(value, other[key]) for key, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return type(one) is type(other) and bool(one == other or one != one)


def _child(table: Any, key: str, path: str, make: bool) -> Any:
    if isinstance(table, list):
        return table[_position(table, key, path)]
    if isinstance(table, dict) and (make or key in table):
        return table.setdefault(key, {})
    raise KeyError(f"{path} leads through a value that is no table, or one that is not there")


def _position(entries: list[Any], key: str, path: str) -> int:
    if key.isdecimal() and 1 <= int(key) <= len(entries):
        return int(key) - 1
    raise KeyError(f"{path}: the list has the places 1 to {len(entries)}")
