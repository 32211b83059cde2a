"""Which widgets may stand inside a class: those that its code names, as seen in the compiled code."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Mapping
from types import CodeType, FunctionType, ModuleType

from textual.dom import DOMNode

__all__ = ["OURS", "named_in"]

OURS = "tradebot."
"""How the names of the modules begin whose classes count."""


def named_in(owner: type[DOMNode]) -> set[type[DOMNode]]:
    """The widgets that a class and the bases of ours name anywhere in their code."""
    found: set[type[DOMNode]] = set()
    seen: set[int] = set()
    for base in owner.__mro__:
        if base.__module__.startswith(OURS):
            for member in vars(base).values():
                _look_into(member, vars(sys.modules[base.__module__]), found, seen)
    return found


def _look_into(
    member: object, scope: Mapping[str, object], found: set[type[DOMNode]], seen: set[int]
) -> None:
    if id(member) in seen:
        return
    seen.add(id(member))
    if isinstance(member, type):
        if issubclass(member, DOMNode) and member.__module__.startswith(OURS):
            found.add(member)
    elif isinstance(member, property):
        _look_into(member.fget, scope, found, seen)
    elif isinstance(member, tuple | list):
        for each in member:
            _look_into(each, scope, found, seen)
    elif isinstance(member, Mapping):
        for each in member.values():
            _look_into(each, scope, found, seen)
    elif isinstance(member, FunctionType):
        inner = inspect.unwrap(member)
        if inner.__module__.startswith(OURS) and isinstance(inner, FunctionType):
            _look_into_code(inner.__code__, inner.__globals__, found, seen)
    elif isinstance(member, staticmethod | classmethod):
        _look_into(member.__func__, scope, found, seen)


def _look_into_code(
    code: CodeType, scope: Mapping[str, object], found: set[type[DOMNode]], seen: set[int]
) -> None:
    for name in code.co_names:
        value = scope.get(name)
        if value is not None and not isinstance(value, ModuleType):
            _look_into(value, scope, found, seen)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            _look_into_code(constant, scope, found, seen)
