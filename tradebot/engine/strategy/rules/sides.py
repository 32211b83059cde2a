"""Which side a clause is for: what `supports` and `invert` its signal gets.

A rule says when to go long, and its mirror image goes short where both sides are allowed; in the exit it says when a
long is closed. What has a natural side keeps it: "EMA 9 crosses below EMA 21" is for short wherever it stands, "RSI
above 70" speaks for short and closes a long. A strategy that opens one side only takes every rule for that side. "long
when ..." and "short when ..." say it outright.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from tradebot.engine.strategy.declared import nodes_of
from tradebot.engine.strategy.rules.comparing import flip
from tradebot.engine.strategy.rules.context import Context
from tradebot.engine.strategy.rules.tree import Around, Clause, Reading, Rule
from tradebot.engine.strategy.signals import Supports

_SIDES = {1: "long", -1: "short"}


@dataclass(frozen=True, slots=True)
class Placed:
    """Where a rule goes: in the exit or not, which sides may be opened (0: both), which side was said (0: none)."""

    leaving: bool
    direction: int
    said: int = 0
    meant: int = 0
    """The side that the rest of the sentence is for, where it stands against what a clause says by nature (0: none)."""


def place_of(document: Mapping[str, Any], place: str, said: int = 0) -> Placed:
    """How rules at a place are read; a group is part of the exit where only the exit leads to it."""
    head, risk = document.get("strategy"), document.get("risk")
    spot = isinstance(head, Mapping) and head.get("category") == "spot"
    named = risk.get("direction") if isinstance(risk, Mapping) else None
    direction = {"long": 1, "short": -1, "both": 0}.get(str(named), 1 if spot else 0)
    leaving = place == "exit"
    if place.startswith("groups."):
        name = place.removeprefix("groups.")
        leaving = name in _reached(document, "exit") and name not in _reached(document, "entry")
    return Placed(leaving, direction, said)


def _reached(document: Mapping[str, Any], root: str) -> set[str]:
    found: set[str] = set()
    waiting = [document.get(root)]
    groups = dict(nodes_of(document, "groups"))
    while waiting:
        table = waiting.pop()
        members = table.get("signals") if isinstance(table, Mapping) else None
        for name in members if isinstance(members, list) else ():
            if isinstance(name, str) and name not in found:
                found.add(name)
                waiting.append(groups.get(name))
    return found


def sided(context: Context, clause: Clause, placed: Placed) -> tuple[Clause, dict[str, Any]]:
    """The clause as it is made, and the keys that give it its side."""
    if placed.said:
        return _one_side(context, clause, -placed.said if placed.leaving else placed.said)
    if placed.meant and clause.reading is not Reading.CONDITION:
        if placed.direction:
            return _one_side(context, clause, placed.meant)
        return _mirrored(context, clause, placed.meant)
    if clause.reading is Reading.CONDITION:
        if placed.direction and not placed.leaving:
            return _one_side(context, clause, placed.direction)
        return _condition(context, clause)
    if placed.leaving:
        return _leaving(context, clause, placed.direction)
    natural = clause.reading is not Reading.LEVEL
    side = clause.bull if natural else (placed.direction or 1)
    if not placed.direction:
        return _mirrored(context, clause, side)
    if natural and side == placed.direction and clause.plain is None:
        return _mirrored(context, clause, side)
    return _one_side(context, clause, placed.direction)


def natural_side(rule: Rule, placed: Placed) -> int:
    """The side that a rule supports where it stands, 0 where it has none or more than one."""
    if isinstance(rule, Clause):
        if placed.said:
            return -placed.said if placed.leaving else placed.said
        if rule.reading is Reading.CONDITION:
            return 0
        if placed.meant:
            return placed.meant
        if placed.leaving:
            natural = rule.reading in (Reading.ZONE, Reading.TREND) and placed.direction == 0
            return rule.bull if natural else -(placed.direction or 1)
        return placed.direction or (1 if rule.reading is Reading.LEVEL else rule.bull)
    sides = {side for side in (natural_side(each, placed) for each in rule.members) if side}
    if isinstance(rule, Around) and rule.use == "sequence":
        return natural_side(rule.members[-1], placed)
    return sides.pop() if len(sides) == 1 else 0


def _leaving(context: Context, clause: Clause, direction: int) -> tuple[Clause, dict[str, Any]]:
    """In an exit: what supports short closes a long."""
    closed = direction or 1
    if clause.reading in (Reading.ZONE, Reading.TREND) and direction == 0:
        return _mirrored(context, clause, clause.bull)
    if direction and clause.plain is not None:
        return _one_side(context, clause, -closed)
    return _mirrored(context, clause, -closed)


def _mirrored(context: Context, clause: Clause, side: int) -> tuple[Clause, dict[str, Any]]:
    """What is said supports one side, its mirror image the other."""
    if clause.use == "cross" and clause.plain is not None:
        return _one_side(context, clause, side)  # its mirror image would be at another level
    natural = context.signal(clause.use).supports
    if natural in (Supports.LONG, Supports.SHORT):
        return clause, {} if side == (1 if natural == Supports.LONG else -1) else {"supports": _SIDES[side]}
    keys: dict[str, Any] = {} if natural == Supports.DIRECTION else {"supports": "direction"}
    return clause, {**keys, "invert": True} if clause.sign * side < 0 else keys


def _one_side(context: Context, clause: Clause, side: int) -> tuple[Clause, dict[str, Any]]:
    """What is said supports this side, and nothing supports the other."""
    if clause.plain is not None and clause.plain is not clause:
        clause = clause.plain
    if clause.sign < 0:
        turned = flip(clause)
        if turned is None:
            # No signal has this opposite as its truth: the mirror image stays, and the words say so.
            return _mirrored(context, replace(clause, plain=None), side)
        clause = turned
    return clause, {"supports": _SIDES[side]}


def _condition(context: Context, clause: Clause) -> tuple[Clause, dict[str, Any]]:
    keys: dict[str, Any] = (
        {} if context.signal(clause.use).supports == Supports.BOTH else {"supports": "both"}
    )
    if clause.sign > 0:
        return clause, keys
    turned = flip(clause)
    return (turned, keys) if turned is not None else (clause, {**keys, "invert": True})
