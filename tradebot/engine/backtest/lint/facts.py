"""What the columns of one symbol say about the rules of a strategy: counts, pairs that say the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np

from tradebot.engine.backtest.lint.types import LintSlot
from tradebot.engine.strategy import StrategySpec
from tradebot.engine.strategy.registry import BoolArray

Sides = tuple[BoolArray, BoolArray]
Pair = tuple[str, str]
Count = tuple[int, int]
"""Bars on which something supports long, and short."""

_MOST_PAIRED = 12
"""Of more members than these the pairs that never meet are not looked for."""


@dataclass(frozen=True, slots=True)
class RuleFacts:
    """What one symbol's columns say; only `bars` that could decide are looked at.

    `fired` by member. `decided`: bars with an entry decision for long, short. `conflicts`: bars on which both sides
    were supported. `closes`: bars on which the exit closes a long, a short. `same` and `opposite`: pairs of members
    that say the same, the opposite, on every bar. `apart`: pairs of the entry's members that never support the side
    (0 long, 1 short) on one bar; looked for only where nothing was decided.
    """

    symbol: str
    bars: int
    fired: Mapping[str, Count]
    decided: Count
    conflicts: int
    closes: Count
    same: frozenset[Pair] = frozenset()
    opposite: frozenset[Pair] = frozenset()
    apart: Mapping[int, frozenset[Pair]] = field(default_factory=dict)

    def constant(self, one: str, other: str) -> bool:
        """Whether both members say the same one thing on every bar."""
        count = self.fired.get(one, (0, 0))
        return count == self.fired.get(other, (0, 0)) and set(count) <= {0, self.bars}

    def silent(self, one: str, other: str) -> bool:
        """Whether neither member says anything."""
        return not any((*self.fired.get(one, (0, 0)), *self.fired.get(other, (0, 0))))


def rule_facts(spec: StrategySpec, slot: LintSlot) -> RuleFacts:
    """Look at the columns of one symbol once."""
    members, decisions = slot.members, slot.decisions
    side = decisions.side[slot.first :]
    counted = {name: _counts(pair) for name, pair in members.items()}
    decided = (int(np.count_nonzero(side > 0)), int(np.count_nonzero(side < 0)))
    return RuleFacts(
        symbol=slot.symbol,
        bars=slot.bars,
        fired=counted or dict(decisions.fired),
        decided=decided,
        conflicts=decisions.conflicts,
        closes=_counts((decisions.exit_long[slot.first :], decisions.exit_short[slot.first :])),
        same=_same(members, counted, slot.bars),
        opposite=_opposite(members, counted, slot.bars),
        apart={} if any(decided) else _apart(spec, members),
    )


def _counts(pair: Sides) -> Count:
    long = int(np.count_nonzero(pair[0]))
    return long, long if pair[1] is pair[0] else int(np.count_nonzero(pair[1]))


def _telling(counted: Mapping[str, Count], bars: int) -> list[str]:
    return [name for name, count in counted.items() if not set(count) <= {0, bars}]


def _same(members: Mapping[str, Sides], counted: Mapping[str, Count], bars: int) -> frozenset[Pair]:
    """Pairs that say the same on every bar; each of several is paired with the first. Equal counts come first."""
    seen: dict[Count, list[str]] = {}
    found = set()
    for name in _telling(counted, bars):
        firsts = seen.setdefault(counted[name], [])
        for first in firsts:
            if _equal(members[first], members[name]):
                found.add((first, name))
                break
        else:
            firsts.append(name)
    return frozenset(found)


def _equal(one: Sides, other: Sides) -> bool:
    if not np.array_equal(one[0], other[0]):
        return False
    both_conditions = one[1] is one[0] and other[1] is other[0]
    return both_conditions or np.array_equal(one[1], other[1])


def _opposite(members: Mapping[str, Sides], counted: Mapping[str, Count], bars: int) -> frozenset[Pair]:
    """Pairs of which one supports what the other opposes, and of conditions that hold in turns."""
    found = set()
    for one, other in combinations(_telling(counted, bars), 2):
        (a_long, a_short), (b_long, b_short) = members[one], members[other]
        conditions = (a_short is a_long) + (b_short is b_long)
        if conditions == 2:
            fits = counted[one][0] + counted[other][0] == bars and not np.any(a_long & b_long)
        else:
            swapped = conditions == 0 and counted[one] == counted[other][::-1]
            fits = swapped and np.array_equal(a_long, b_short) and np.array_equal(a_short, b_long)
        if fits:
            found.add((one, other))
    return frozenset(found)


def _apart(spec: StrategySpec, members: Mapping[str, Sides]) -> dict[int, frozenset[Pair]]:
    names = [name for name in spec.entry.rule.signals if name in members][:_MOST_PAIRED]
    return {
        side: frozenset(
            pair
            for pair in combinations(names, 2)
            if members[pair[0]][side].any()
            and members[pair[1]][side].any()
            and not np.any(members[pair[0]][side] & members[pair[1]][side])
        )
        for side in (0, 1)
    }
