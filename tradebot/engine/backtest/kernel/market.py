"""What the walk reads beside its records: the columns of all slots, and its scratch. Named here, so that compiled parts
take one thing each; they become part of their caller, where the names cost nothing.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from tradebot.engine.control.compiling import compiled_part


class Market(NamedTuple):
    """Bars of all slots, one slot after another: bar number b of slot s stands at b + shift[s] and ends before stop[s].

    `ends`, `decides` and `coarse` hold where a slot walks finer bars than it decides on. `levels` float64[k, n] are
    those of the decision bars, of slot s from level_shift[s] on.
    """

    times: Any
    ends: Any
    opens: Any
    highs: Any
    lows: Any
    closes: Any
    mark_opens: Any
    mark_highs: Any
    mark_lows: Any
    mark_closes: Any
    volumes: Any
    sigmas: Any
    sides: Any
    exits_long: Any
    exits_short: Any
    decides: Any
    coarse: Any
    levels: Any
    shift: Any
    stop: Any
    level_shift: Any


class FundingRows(NamedTuple):
    """Funding of all slots: row number c of slot s stands at c + shift[s], its rows end before stop[s]."""

    times: Any
    rates: Any
    shift: Any
    stop: Any


class Clock(NamedTuple):
    """Of each slot: close of its next bar, and its next funding time; `busy`: the slots that take part in a step."""

    upcoming: Any
    due: Any
    busy: Any


@compiled_part
def end_of(market: Any, rule: Any, here: int) -> int:
    """Close time of the bar that stands at `here`."""
    return int(market.ends[here] if rule.walks != 0 else market.times[here] + rule.timeframe_ms)
