"""The bars that the plain reference walks, and the clock on which several symbols meet."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from tests.support.reference_types import ReferenceBars

if TYPE_CHECKING:
    from tests.support.reference_state import SlotState

MOVES_OF_SIGMA = 20


class WalkedBar(NamedTuple):
    """One bar of the walk with its prices in ticks beside it.

    `belongs` is the decision bar in which it lies, `decision` that bar where both close together, else -1; `coarse`:
    the decision bar itself, because not all of its finer bars are there.
    """

    time: int
    close_time: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    mark_open: float
    mark_high: float
    mark_low: float
    mark_close: float
    open_ticks: int
    high_ticks: int
    low_ticks: int
    close_ticks: int
    belongs: int
    decision: int
    coarse: bool

    @property
    def inside(self) -> int:
        """The time written for what happens inside the bar: its last millisecond."""
        return self.close_time - 1


def walked_bars(bars: ReferenceBars, finer: ReferenceBars | None, tick: float) -> list[WalkedBar]:
    """The decision bars themselves, or the finer bars of each; a decision bar that lacks one of them as itself.

    A finer bar outside every decision bar is not walked: that span has no bar for the strategy.
    """
    if finer is None:
        return [one_bar(bars, i, tick, i, closes=True, coarse=False) for i in range(len(bars.time))]
    place = {time: j for j, time in enumerate(finer.time)}
    walked = []
    for i, time in enumerate(bars.time):
        needed = [place.get(at) for at in range(time, time + bars.length_ms, finer.length_ms)]
        there = [j for j in needed if j is not None]
        if len(there) < len(needed):
            walked.append(one_bar(bars, i, tick, i, closes=True, coarse=True))
            continue
        walked += [one_bar(finer, j, tick, i, closes=j == there[-1], coarse=False) for j in there]
    return walked


def one_bar(
    bars: ReferenceBars, i: int, tick: float, belongs: int, *, closes: bool, coarse: bool
) -> WalkedBar:
    prices = (bars.open[i], bars.high[i], bars.low[i], bars.close[i])
    mark = bars.mark
    marks = (mark.open[i], mark.high[i], mark.low[i], mark.close[i]) if mark is not None else prices
    ticks = tuple(math.floor(price / tick + 0.5) for price in prices)
    return WalkedBar(
        bars.time[i],
        bars.time[i] + bars.length_ms,
        *prices,
        bars.volume[i] if bars.volume else 0.0,
        *marks,
        *ticks,
        belongs=belongs,
        decision=belongs if closes else -1,
        coarse=coarse,
    )


def clock(states: list[SlotState]) -> Iterator[tuple[int, list[SlotState]]]:
    """The union of all close times, rising, each with the slots whose bar closes then, moved on to that bar."""
    meetings: dict[int, list[SlotState]] = {}
    for state in states:
        for bar in state.bars:
            meetings.setdefault(bar.close_time, []).append(state)
    for time in sorted(meetings):
        present = meetings[time]
        for state in present:
            state.index += 1
        yield time, present


def sigma_before(state: SlotState) -> float:
    """Standard deviation (of a sample) of the last 20 log returns up to the previous bar; 0 where there are fewer."""
    closes = [bar.close for bar in state.bars[max(0, state.index - MOVES_OF_SIGMA - 1) : state.index]]
    if len(closes) <= MOVES_OF_SIGMA:
        return 0.0
    moves = [math.log(now / before) for before, now in pairwise(closes)]
    mean = math.fsum(moves) / len(moves)
    return math.sqrt(math.fsum((move - mean) ** 2 for move in moves) / (len(moves) - 1))


def volume_before(state: SlotState) -> float:
    """Volume of the previous bar, 0 where there is none."""
    return state.bars[state.index - 1].volume if state.index > 0 else 0.0
