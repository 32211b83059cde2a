"""Names that nodes get by themselves: `rsi_14`, `ema_200_4h`, `rsi_below`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tradebot.engine.strategy.phrasing import Phrasing, said_values
from tradebot.engine.strategy.registry import IndicatorDeclaration, ParameterKind, Registry
from tradebot.engine.strategy.series import RESERVED

_LONGEST = 48
_NAMED_BY_TEXT = frozenset(
    ("compare", "cross", "threshold", "between", "outside", "rising", "trend", "slope", "turn", "distance")
)
# Numbers that a person may change, and words that say nothing.
_LEFT_OUT = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?(?![\w.])|\b(?:is|are|the|has|and|than|%)\b|%")
_MADE = re.compile(r"_?\d*")


def indicator_name(declaration: IndicatorDeclaration, node: Mapping[str, Any]) -> str:
    """The name of an indicator from what it is: its kind, its numbers, its source, its bars, its market."""
    series = [
        str(node[each.name])
        for each in declaration.parameters
        if each.kind is ParameterKind.SERIES and node.get(each.name, each.default) != each.default
    ]
    values = said_values(declaration, node)
    if declaration.name == "pattern":
        values = [str(node.get("kind", "engulfing"))]
    where = [str(node[key]) for key in ("timeframe", "symbol") if node.get(key)]
    return slug("_".join([declaration.name, *series, *values, *where]))


def signal_name(node: Mapping[str, Any], document: Mapping[str, Any], registry: Registry) -> str:
    """The name of a signal: what it says, without the numbers that a person may change (`rsi_below`); of kinds that
    need many words the kind itself."""
    use = str(node.get("use"))
    members = [str(node[each]) for each in ("signal", "then") if node.get(each)]
    if members:
        return slug(f"{use}_{members[0]}")
    if use == "candlestick":
        return slug(Phrasing(document, registry).series(node.get("source")))
    if use not in _NAMED_BY_TEXT:
        return f"{use}_rule" if use in RESERVED else slug(use)
    said = Phrasing(document, registry).truth(node)[0]
    if use == "threshold" and (node.get("lower") is None or node.get("invert") is True):
        said = Phrasing(document, registry).truth(node)[1]
    return slug(_LEFT_OUT.sub(" ", said)) or "rule"


def slug(text: str) -> str:
    """Small letters, digits and underscores, at most 48, beginning with a letter."""
    words = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")[:_LONGEST]
    words = re.sub(r"(?:_and|_or|_of|_to)?_*$", "", words)
    return words if words[:1].isalpha() else f"n_{words}" if words else ""


def free_name(taken: set[str], wish: str) -> str:
    """The wish, or the wish with the first number that is free."""
    name, number = wish, 2
    while name in taken or name in RESERVED:
        name, number = f"{wish}_{number}", number + 1
    return name


def is_made_by_rule(document: Mapping[str, Any], section: str, name: str, registry: Registry) -> bool:
    """Whether a node has the kind of name that a rule sentence gives, and no remark: then it may go with its rule.

    The numbers in the name may be those of an earlier time.
    """
    node = document[section][name]
    if node.get("note"):
        return False
    if section == "indicators":
        declaration = registry.indicators.get(str(node.get("use")))
        return declaration is not None and (
            name == declaration.name or name.startswith(f"{declaration.name}_")
        )
    if section == "signals":
        wish = signal_name(node, document, registry)
        return name.startswith(wish) and _MADE.fullmatch(name.removeprefix(wish)) is not None
    return False
