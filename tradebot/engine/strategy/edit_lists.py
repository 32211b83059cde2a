"""Edits of order and membership: move something up or down, add or take out a member, wrap members into a group."""

from __future__ import annotations

from typing import Any

from tradebot.engine.control.errors import InputError, did_you_mean
from tradebot.engine.strategy.declared import NODE_SECTIONS, Keys, nodes_of, value_at
from tradebot.engine.strategy.edit_nodes import free_name
from tradebot.engine.strategy.edit_values import USUAL_COMBINATION
from tradebot.engine.strategy.references import move_ranges

Document = dict[str, Any]
_OTHER_COMBINATION = {"any": "unanimous"}


def move(document: Document, path: Keys, text: str) -> Keys:
    """Swap a node, member or target with its neighbour; where it is then. At the end of its list it stays."""
    step = {"up": -1, "down": 1}.get(text.strip())
    if step is None:
        raise InputError(f"{text!r} is no direction; expected up or down.")
    if len(path) == 2 and path[0] in NODE_SECTIONS:
        return _move_node(document, path, step)
    entries = value_at(document, path[:-1])
    if not isinstance(entries, list) or not path[-1].isdecimal() or not 0 < int(path[-1]) <= len(entries):
        raise InputError(f"There is nothing to move at {'.'.join(path)}.")
    place, other = int(path[-1]), int(path[-1]) + step
    if not 0 < other <= len(entries):
        return path
    entries[place - 1], entries[other - 1] = entries[other - 1], entries[place - 1]
    order = list(range(1, len(entries) + 1))
    order[place - 1], order[other - 1] = other, place
    move_ranges(document, ".".join(path[:-1]), order)
    return (*path[:-1], str(other))


def _move_node(document: Document, path: Keys, step: int) -> Keys:
    section, name = path
    nodes = document.get(section, {})
    if name not in nodes:
        raise InputError(f"There is no node {'.'.join(path)} to move.")
    order = list(nodes)
    place = order.index(name)
    other = place + step
    if 0 <= other < len(order):
        order[place], order[other] = order[other], order[place]
        document[section] = {each: nodes[each] for each in order}
    return path


def members_of(document: Document, place: Keys, make: bool = False) -> list[Any]:
    """The list of members of entry, exit or a group; with `make` an entry or exit that is missing is begun."""
    table = value_at(document, place)
    if table is None and make and len(place) == 1 and place[0] in USUAL_COMBINATION:
        table = document[place[0]] = {"combine": USUAL_COMBINATION[place[0]], "signals": []}
    if not isinstance(table, dict) or (place[0] not in USUAL_COMBINATION and place[0] != "groups"):
        raise InputError(f"{'.'.join(place)} has no members; expected entry, exit or a group.")
    members = table.setdefault("signals", [])
    if not isinstance(members, list):
        raise InputError(f"{'.'.join(place)}.signals is not a list; mend it in the text first.")
    return members


def change_member(document: Document, place: Keys, name: str) -> str:
    """Add a signal or group to a list, or take it out where it is in it; what was done."""
    name = name.strip()
    known = [each for section in ("signals", "groups") for each, _node in nodes_of(document, section)]
    members = members_of(document, place, make=True)
    if name in members:
        members.remove(name)
        table = value_at(document, place)
        weights = table.get("weights")
        if isinstance(weights, dict):
            weights.pop(name, None)
        if place == ("exit",) and not members:
            document.pop("exit")
        return f"{name} is no longer part of {'.'.join(place)}."
    if name not in known:
        if place == ("exit",) and not members:
            document.pop("exit")
        raise InputError(f"There is no signal or group {name!r}.{did_you_mean(name, known)}")
    if place == ("groups", name):
        raise InputError("A group cannot be a member of itself.")
    members.append(name)
    return ""


def wrap(document: Document, place: Keys, text: str) -> Keys:
    """Put members of a list into a new group that takes their place; the path of the group."""
    names = [part.strip() for part in text.split(",") if part.strip()]
    members = members_of(document, place)
    missing = [name for name in names if name not in members]
    if not names or missing:
        what = f"{', '.join(missing)} is not among them" if missing else "none was named"
        raise InputError(f"Only members of {'.'.join(place)} can be put into a group: {what}.")
    table = value_at(document, place)
    group = free_name(document, "group")
    node: Document = {
        "combine": _OTHER_COMBINATION.get(str(table.get("combine")), "any"),
        "signals": [name for name in members if name in names],
    }
    first = members.index(node["signals"][0])
    table["signals"] = [
        group if at == first else name for at, name in enumerate(members) if at == first or name not in names
    ]
    if isinstance(table.get("weights"), dict):
        table["weights"] = {name: weight for name, weight in table["weights"].items() if name not in names}
    document.setdefault("groups", {})[group] = node
    return ("groups", group)
