"""Rules over other signals as plain sentences about one side of one bar.

A member is what it says of one side on every bar, and whether its inputs have values; bars before the first say
nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

Votes = Sequence[bool]


def on_side(
    kind: str, members: Sequence[Votes], known: Sequence[Votes], values: Mapping[str, Any]
) -> list[bool]:
    """What a rule over members says of one side on every bar."""
    return [MEMBER_RULES[kind](members, known, values, i) for i in range(len(members[0]))]


def last(votes: Votes, i: int, bars: int) -> list[bool]:
    """The last `bars` bars up to i, as far as there are any."""
    return list(votes[max(0, i - bars + 1) : i + 1])


MEMBER_RULES: dict[str, Callable[[Sequence[Votes], Sequence[Votes], Mapping[str, Any], int], bool]] = {
    "within": lambda members, _known, values, i: any(last(members[0], i, values["bars"])),
    "held": lambda members, _known, values, i: sum(last(members[0], i, values["bars"])) == values["bars"],
    "not": lambda members, known, _values, i: known[0][i] and not members[0][i],
    "delay": lambda members, _known, values, i: i >= values["bars"] and members[0][i - values["bars"]],
    "first": lambda members, known, _values, i: (
        i > 0 and known[0][i] and known[0][i - 1] and members[0][i] and not members[0][i - 1]
    ),
    "repeated": lambda members, _known, values, i: sum(last(members[0], i, values["bars"])) >= values["k"],
    "sequence": lambda members, _known, values, i: (
        members[1][i] and i > 0 and any(last(members[0], i - 1, values["bars"]))
    ),
    "count": lambda members, _known, values, i: (
        sum(any(last(votes, i, values["bars"])) for votes in members) >= values["k"]
    ),
}
