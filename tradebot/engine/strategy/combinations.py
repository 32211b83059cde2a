"""How members become one: unanimous, majority, weighted, any, at_least.

Each side is combined alone, over all enabled members; a member that supports neither side counts as not supporting.
A group is again a member with two sides, so combinations nest without limit.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from tradebot.engine.strategy.registry import (
    BoolArray,
    CombinationDeclaration,
    Parameter,
    ParameterKind,
    Values,
    combination,
)

WEIGHT_TOLERANCE = 1e-9
"""Weights such as 0.1 have no exact float: a share this little below the threshold still reaches it."""


@combination("unanimous", "All", "A side is supported when every member supports it.")
def unanimous(votes: list[BoolArray], _weights: list[float], _values: Values) -> BoolArray:
    """All members."""
    result = votes[0]
    for vote in votes[1:]:
        result = result & vote
    return result


@combination("any", "Any", "A side is supported when at least one member supports it.")
def any_member(votes: list[BoolArray], _weights: list[float], _values: Values) -> BoolArray:
    """At least one member."""
    result = votes[0]
    for vote in votes[1:]:
        result = result | vote
    return result


@combination("majority", "Majority", "A side is supported when more than half of the members support it.")
def majority(votes: list[BoolArray], _weights: list[float], _values: Values) -> BoolArray:
    """More than half of all members."""
    return counted(votes) > len(votes) // 2


@combination(
    "at_least",
    "At least k",
    "A side is supported when at least k members support it.",
    parameters=(
        Parameter(
            name="k",
            kind=ParameterKind.INTEGER,
            low=1,
            high=10_000,
            help="Number of members that must agree.",
        ),
    ),
)
def at_least(votes: list[BoolArray], _weights: list[float], values: Values) -> BoolArray:
    """At least `k` members."""
    return counted(votes) >= int(values["k"])


def _threshold_above_zero(values: Values) -> Iterable[tuple[str, str]]:
    if float(values["threshold"]) <= 0.0:
        yield "threshold", "must be above 0 and at most 1, but is 0"


@combination(
    "weighted",
    "Weighted",
    "A side is supported when the weights of those supporting it, over all weights, reach the threshold.",
    parameters=(
        Parameter(
            name="threshold",
            kind=ParameterKind.NUMBER,
            low=0.0,
            high=1.0,
            help="Share of the weights that is needed, above 0 and at most 1.",
        ),
        Parameter(
            name="weights",
            kind=ParameterKind.WEIGHTS,
            optional=True,
            low=0.0,
            help="Weight of each member; 1 where none is given.",
        ),
    ),
    rule=_threshold_above_zero,
)
def weighted(votes: list[BoolArray], weights: list[float], values: Values) -> BoolArray:
    """Weights of those supporting over all weights, at least `threshold`."""
    return share(votes, weights) >= float(values["threshold"]) - WEIGHT_TOLERANCE


def share(votes: list[BoolArray], weights: list[float]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Weights of the members that vote, over all weights, per bar: 0..1."""
    total = np.zeros(len(votes[0]))
    for vote, weight in zip(votes, weights, strict=True):
        total += vote * weight
    return total / sum(weights)


def counted(votes: list[BoolArray]) -> npt.NDArray[np.uint8] | npt.NDArray[np.uint16]:
    """How many members vote, per bar."""
    # A byte takes as many as there usually are, and is added up several times as fast.
    count: npt.NDArray[Any] = np.zeros(len(votes[0]), dtype=np.uint8 if len(votes) < 256 else np.uint16)
    for vote in votes:
        count += vote.view(np.uint8)
    return count


DECLARATIONS: tuple[CombinationDeclaration, ...] = (unanimous, majority, weighted, any_member, at_least)
