"""The rules of whole runs as a table, worked out by hand: ATR, R and series levels, shares of targets.

Unless a row says otherwise: tick 0.5, lot 0.1, no minimum, 1000 in cash, no costs, quantity 1, leverage 1. A row
decides at the close of minute 0 and enters at the open of minute 1, both at 100, so that a stop of 5 %
stands at 95 and R is 5.
"""

from __future__ import annotations

from tests.support.reference_types import (
    LONG,
    SHORT,
    ReferenceCosts,
    ReferenceLevel,
    ReferenceTarget,
    ReferenceTrailing,
)
from tests.support.rule_case import at_close, at_open, inside, trade
from tests.support.run_case import RunCase, atr, multiple_of_r, percent, rules, run, symbol

START = "100 101 99 100 | 100 101 99 100"
FIVE = percent(5.0)
HALVES = (
    ReferenceTarget(multiple_of_r(1.0), 50.0),
    ReferenceTarget(multiple_of_r(2.0), 50.0),
)
TIGHTENING = ReferenceLevel("series", key="series:low")
FOLLOWING = ReferenceLevel("series", key="series:low", follow=True)
LOWS = {"series:low": {0: 95.0, 1: 97.0, 2: 96.0}}

STOPS = (
    RunCase(
        "stop by the ATR of the decision's bar",
        "100 - 2 x 2.5 = 95, frozen: the ATR of later bars says nothing",
        run(
            symbol(f"{START} | 97 98 95 96", {0: "long"}, levels={"atr:14": {0: 2.5, 1: 0.5, 2: 0.5}}),
            rules(stop=atr(2.0)),
        ),
        trades=(trade(LONG, at_open(1), 100, inside(2), 95, "stop", -5, initial_stop=95, r=-1),),
        final_equity=995,
    ),
    RunCase(
        "stop without its ATR",
        "no stop, no entry",
        run(symbol(START, {0: "long"}, levels={"atr:14": {1: 2.5}}), rules(stop=atr(2.0))),
        refusals={"no_level": 1},
        final_equity=1000,
    ),
    RunCase(
        "trailing without its ATR",
        "a level that comes into play later is asked for at the decision all the same",
        run(symbol(START, {0: "long"}), rules(trailing=ReferenceTrailing(atr(2.0)))),
        refusals={"no_level": 1},
        final_equity=1000,
    ),
    RunCase(
        "series stop only tightens",
        "95 at the decision, 97 from the close of minute 1, not back to 96; a missing value changes nothing",
        run(
            symbol(f"{START} | 100 101 97.5 100 | 100 101 97.5 98 | 98 99 97 98", {0: "long"}, levels=LOWS),
            rules(stop=TIGHTENING),
        ),
        trades=(trade(LONG, at_open(1), 100, inside(4), 97, "stop", -3, initial_stop=95, r=-0.6),),
        final_equity=997,
    ),
    RunCase(
        "series stop that follows",
        "95, 97, then 96: the low 97 of minute 3 is above it, 96 in minute 4 touches",
        run(
            symbol(f"{START} | 100 101 97.5 100 | 100 101 97 98 | 98 99 96 98", {0: "long"}, levels=LOWS),
            rules(stop=FOLLOWING),
        ),
        trades=(trade(LONG, at_open(1), 100, inside(4), 96, "stop", -4),),
        final_equity=996,
    ),
    RunCase(
        "series stop above the price",
        "tightened to 103, above the close 102: the next open has reached it",
        run(
            symbol(
                "100 101 99 100 | 100 103 99 102 | 102 103 101 102",
                {0: "long"},
                levels={"series:low": {0: 95.0, 1: 103.0}},
            ),
            rules(stop=TIGHTENING),
        ),
        trades=(trade(LONG, at_open(1), 100, at_open(2), 102, "stop", 2),),
        final_equity=1002,
    ),
    RunCase(
        "series stop on the wrong side",
        "a long cannot have its stop at 101, nor at 100 itself; nor can a short",
        run(
            (
                symbol(START, {0: "long"}, levels={"series:low": {0: 101.0}}),
                symbol(START, {0: "long"}, "BBB", levels={"series:low": {0: 100.0}}),
                symbol(START, {0: "short"}, "CCC", levels={"series:low": {0: 95.0}}),
            ),
            rules(stop=TIGHTENING),
        ),
        refusals={"no_level": 3},
        final_equity=1000,
    ),
    RunCase(
        "series stop that is missing",
        "no value at the decision",
        run(symbol(START, {0: "long"}, levels={"series:low": {1: 95.0}}), rules(stop=TIGHTENING)),
        refusals={"no_level": 1},
        final_equity=1000,
    ),
    RunCase(
        "series stop passed by the fill",
        "the open 94 lies below 95: the stop stands one tick under the fill, R is that tick",
        run(
            symbol("100 101 99 100 | 94 95 94 95", {0: "long"}, levels=LOWS),
            rules(stop=TIGHTENING),
        ),
        trades=(trade(LONG, at_open(1), 94, at_close(1), 95, "end", 1, initial_stop=93.5, r=2),),
        final_equity=1001,
    ),
    RunCase(
        "series target only comes nearer",
        "110 at the decision, 105 from minute 1 on, not out to 108: traded through at 105.5",
        run(
            symbol(
                f"{START} | 100 101 99 100 | 100 105.5 99 100",
                {0: "long"},
                levels={"series:high": {0: 110.0, 1: 105.0, 2: 108.0}},
            ),
            rules(targets=(ReferenceTarget(ReferenceLevel("series", key="series:high")),)),
        ),
        trades=(trade(LONG, at_open(1), 100, inside(3), 105, "target", 5),),
        final_equity=1005,
    ),
    RunCase(
        "series target that follows",
        "110, 105, then out again to 108: 106 in minute 3 is not enough, 108.5 in minute 4 is",
        run(
            symbol(
                f"{START} | 100 101 99 100 | 100 106 99 100 | 100 108.5 99 100",
                {0: "long"},
                levels={"series:high": {0: 110.0, 1: 105.0, 2: 108.0}},
            ),
            rules(targets=(ReferenceTarget(ReferenceLevel("series", key="series:high", follow=True)),)),
        ),
        trades=(trade(LONG, at_open(1), 100, inside(4), 108, "target", 8),),
        final_equity=1008,
    ),
    RunCase(
        "series target on the wrong side",
        "a long cannot take its profit at 99, nor at 100 itself; nor can a short at 101, nor where there is none",
        run(
            [
                symbol(START, {0: side}, name, levels={"series:high": {0: level}})
                for name, side, level in (
                    ("AAA", "long", 99.0),
                    ("BBB", "long", 100.0),
                    ("CCC", "short", 101.0),
                    ("DDD", "short", float("nan")),
                )
            ],
            rules(targets=(ReferenceTarget(ReferenceLevel("series", key="series:high")),)),
        ),
        refusals={"no_level": 4},
        final_equity=1000,
    ),
    RunCase(
        "target without its ATR",
        "no target, no entry",
        run(symbol(START, {0: "long"}), rules(targets=(ReferenceTarget(atr(2.0)),))),
        refusals={"no_level": 1},
        final_equity=1000,
    ),
    RunCase(
        "series stop and break-even at one price",
        "both 100 from minute 2 on: the stop is named first",
        run(
            symbol(
                "100 101 99 100 | 100 105 99 104 | 104 105 100 104",
                {0: "long"},
                levels={"series:low": {0: 95.0, 1: 100.0}},
            ),
            rules(stop=TIGHTENING, break_even_at_r=1.0),
        ),
        trades=(trade(LONG, at_open(1), 100, inside(2), 100, "stop", 0, initial_stop=95),),
        final_equity=1000,
    ),
)

SHARES = (
    RunCase(
        "two targets in multiples of R",
        "105 and 110, half each; entry fee 0.2: 0.1 + 105 x 0.02 % = 0.121, 0.1 + 0.022 = 0.122",
        run(
            symbol(f"{START} | 100 105.5 99 105 | 105 110.5 104 110", {0: "long"}),
            rules(2.0, stop=FIVE, targets=HALVES, costs=ReferenceCosts(0.1, 0.02)),
        ),
        trades=(
            trade(LONG, at_open(1), 100, inside(2), 105, "target", 4.879, trade_id=1, qty=1, fees=0.121)
            | {"r": 0.9758},
            trade(LONG, at_open(1), 100, inside(3), 110, "target", 9.878, trade_id=1, qty=1, fees=0.122)
            | {"r": 1.9756},
        ),
        final_equity=1014.757,
    ),
    RunCase(
        "two targets and the slippage of their entry",
        "2 bought at 100.5 slipped by 1, half of it with each leg; R is 100.5 - 95.5 = 5",
        run(
            symbol(f"{START} | 100 106 99 105 | 105 111 104 110", {0: "long"}),
            rules(2.0, stop=FIVE, targets=HALVES, costs=ReferenceCosts(slippage_percent=0.5)),
        ),
        trades=(
            trade(LONG, at_open(1), 100.5, inside(2), 105.5, "target", 5, qty=1, slippage=0.5),
            trade(LONG, at_open(1), 100.5, inside(3), 110.5, "target", 10, qty=1, slippage=0.5),
        ),
        final_equity=1015,
    ),
    RunCase(
        "two targets in one bar",
        "each at its own level",
        run(
            symbol(f"{START} | 100 110.5 99 110", {0: "long"}),
            rules(2.0, stop=FIVE, targets=HALVES),
        ),
        trades=(
            trade(LONG, at_open(1), 100, inside(2), 105, "target", 5, qty=1),
            trade(LONG, at_open(1), 100, inside(2), 110, "target", 10, qty=1),
        ),
        final_equity=1015,
    ),
    RunCase(
        "an open beyond two targets",
        "both at the open",
        run(symbol(f"{START} | 112 113 111 112", {0: "long"}), rules(2.0, stop=FIVE, targets=HALVES)),
        trades=(
            trade(LONG, at_open(1), 100, at_open(2), 112, "target", 12, qty=1),
            trade(LONG, at_open(1), 100, at_open(2), 112, "target", 12, qty=1),
        ),
        final_equity=1024,
    ),
    RunCase(
        "an open beyond the first target only",
        "107 at the open, the other inside at 110; of a short the mirror image",
        run(
            (
                symbol(f"{START} | 107 110.5 106 110", {0: "long"}),
                symbol(f"{START} | 93 94 89.5 90", {0: "short"}, "BBB"),
            ),
            rules(2.0, stop=FIVE, targets=HALVES),
        ),
        trades=(
            trade(LONG, at_open(1), 100, at_open(2), 107, "target", 7, trade_id=1),
            trade(SHORT, at_open(1), 100, at_open(2), 93, "target", 7, trade_id=2),
            trade(LONG, at_open(1), 100, inside(2), 110, "target", 10, trade_id=1),
            trade(SHORT, at_open(1), 100, inside(2), 90, "target", 10, trade_id=2),
        ),
        final_equity=1034,
    ),
    RunCase(
        "first target, then the stop",
        "funding 2 x 100 x 1 % is paid before, half by each leg",
        run(
            symbol(f"{START} | 100 105.5 99 104 | 104 105 95 96", {0: "long"}, funding=[(at_open(2), 0.01)]),
            rules(2.0, stop=FIVE, targets=HALVES),
        ),
        trades=(
            trade(LONG, at_open(1), 100, inside(2), 105, "target", 4, qty=1, funding=-1),
            trade(LONG, at_open(1), 100, inside(3), 95, "stop", -6, qty=1, funding=-1, ambiguous=False),
        ),
        final_equity=998,
    ),
    RunCase(
        "stop and first target in one bar",
        "the stop takes all, marked",
        run(
            symbol(f"{START} | 100 105.5 95 96", {0: "long"}),
            rules(2.0, stop=FIVE, targets=HALVES),
        ),
        trades=(trade(LONG, at_open(1), 100, inside(2), 95, "stop", -10, qty=2, ambiguous=True),),
        final_equity=990,
    ),
    RunCase(
        "a leg of no lots",
        "half of one lot is none: left out; the last leg takes all that is left",
        run(
            symbol(f"{START} | 100 105.5 99 105 | 105 110.5 104 110", {0: "long"}),
            rules(0.1, stop=FIVE, targets=HALVES),
        ),
        trades=(trade(LONG, at_open(1), 100, inside(3), 110, "target", 1, qty=0.1),),
        final_equity=1001,
    ),
    RunCase(
        "the last leg takes what rounding left",
        "half of 5 lots is 2; 3 are left",
        run(
            symbol(f"{START} | 100 110.5 99 110", {0: "long"}),
            rules(0.5, stop=FIVE, targets=HALVES),
        ),
        trades=(
            trade(LONG, at_open(1), 100, inside(2), 105, "target", 1, qty=0.2),
            trade(LONG, at_open(1), 100, inside(2), 110, "target", 3, qty=0.3),
        ),
        final_equity=1004,
    ),
    RunCase(
        "a remainder below the minimum",
        "0.3 < 0.4 would be left: all leaves with the first leg",
        run(
            symbol(f"{START} | 100 105.5 99 105", {0: "long"}, min_quantity=0.4),
            rules(0.5, stop=FIVE, targets=HALVES),
        ),
        trades=(trade(LONG, at_open(1), 100, inside(2), 105, "target", 2.5, qty=0.5),),
        final_equity=1002.5,
    ),
    RunCase(
        "a remainder of exactly the minimum",
        "0.3 stays; 0.2 goes with the first leg where the minimum is 0.25",
        run(
            (
                symbol(f"{START} | 100 105.5 99 105", {0: "long"}, min_quantity=0.3),
                symbol(f"{START} | 100 105.5 99 105", {0: "long"}, strategy=1, min_quantity=0.25),
            ),
            (rules(0.5, stop=FIVE, targets=HALVES), rules(0.4, stop=FIVE, targets=HALVES)),
        ),
        trades=(
            trade(LONG, at_open(1), 100, inside(2), 105, "target", 1, qty=0.2),
            trade(LONG, at_open(1), 100, inside(2), 105, "target", 2, qty=0.4),
            trade(LONG, at_open(1), 100, at_close(2), 105, "end", 1.5, qty=0.3),
        ),
        final_equity=1004.5,
    ),
    RunCase(
        "shares that are not the whole",
        "half leaves at 105, the other half has no target",
        run(
            symbol(f"{START} | 100 105.5 99 105 | 105 120 104 120", {0: "long"}),
            rules(2.0, targets=(ReferenceTarget(FIVE, 50.0),)),
        ),
        trades=(
            trade(LONG, at_open(1), 100, inside(2), 105, "target", 5, qty=1),
            trade(LONG, at_open(1), 100, at_close(3), 120, "end", 20, qty=1, trade_id=1),
        ),
        final_equity=1025,
    ),
    RunCase(
        "shares that are not given",
        "50 % at 105, the rest evenly: 25 % at 110 and 115; the nearest first however they are written",
        run(
            symbol(f"{START} | 100 115.5 99 115", {0: "long"}),
            rules(
                2.0,
                targets=(
                    ReferenceTarget(percent(15.0)),
                    ReferenceTarget(percent(10.0)),
                    ReferenceTarget(percent(5.0), 50.0),
                ),
            ),
        ),
        trades=(
            trade(LONG, at_open(1), 100, inside(2), 105, "target", 5, qty=1),
            trade(LONG, at_open(1), 100, inside(2), 110, "target", 5, qty=0.5),
            trade(LONG, at_open(1), 100, inside(2), 115, "target", 7.5, qty=0.5),
        ),
        final_equity=1017.5,
    ),
)
