"""The rules of whole runs as a table, worked out by hand: adds to an open position.

Unless a row says otherwise: tick 0.5, lot 0.1, 1000 in cash, no costs, quantity 1, leverage 1. A row decides at the
close of minute 0 and enters at the open of minute 1, both at 100; most close at 105 there and add at 106.
"""

from __future__ import annotations

from tests.support.reference_types import LONG, SHORT, ReferenceLevel, ReferenceTarget, ReferenceTrailing
from tests.support.rule_case import at_close, at_open, inside, trade
from tests.support.run_case import RunCase, atr, multiple_of_r, percent, rules, run, symbol

FIRST = "100 101 99 100"
ADDING = rules(max_adds=1, add_spacing=percent(5.0))
UP_FIVE = f"{FIRST} | 100 106 99 105"
HALVES = (
    ReferenceTarget(multiple_of_r(1.0), 50.0),
    ReferenceTarget(multiple_of_r(2.0), 50.0),
)

ADDS = (
    RunCase(
        "an add",
        "105 is 5 % beyond the last fill: one more at 106; the entry is (100 + 106) / 2 = 103",
        run(symbol(f"{UP_FIVE} | 106 107 104 107", {0: "long", 1: "long"}), ADDING),
        trades=(trade(LONG, at_open(1), 103, at_close(2), 107, "end", 8, qty=2, entry_reason="signal"),),
        final_equity=1008,
    ),
    RunCase(
        "an add that is too near",
        "104.5 is less than 5 % beyond",
        run(symbol(f"{FIRST} | 100 106 99 104.5 | 106 107 104 107", {0: "long", 1: "long"}), ADDING),
        trades=({"qty": 1, "pnl": 7},),
        refusals={"already_open": 1},
        final_equity=1007,
    ),
    RunCase(
        "an add to a short that is too near",
        "4.75 % below 100 is 95.25: 95.5 has not come to it",
        run(
            symbol(f"{FIRST} | 100 101 95 95.5 | 95 96 94 95", {0: "short", 1: "short"}),
            rules(max_adds=1, add_spacing=percent(4.75)),
        ),
        trades=({"qty": 1, "pnl": 5},),
        refusals={"already_open": 1},
        final_equity=1005,
    ),
    RunCase(
        "an add against the position",
        "95 is 5 % away on the wrong side",
        run(symbol(f"{FIRST} | 100 101 94 95 | 95 96 94 95", {0: "long", 1: "long"}), ADDING),
        trades=({"qty": 1},),
        refusals={"already_open": 1},
        final_equity=995,
    ),
    RunCase(
        "more adds than allowed",
        "one is allowed, measured from the last fill 106: 111.5 is 5 % beyond it, but it is the second",
        run(
            symbol(f"{UP_FIVE} | 106 112 104 111.5 | 112 113 111 112", {0: "long", 1: "long", 2: "long"}),
            ADDING,
        ),
        trades=({"qty": 2, "entry_price": 103, "pnl": 18},),
        refusals={"already_open": 1},
        final_equity=1018,
    ),
    RunCase(
        "the next add is measured from the last fill",
        "106 x 1.05 = 111.3 up to 111.5: 111 is too near, 111.5 adds at 113",
        run(
            symbol(
                f"{UP_FIVE} | 106 112 104 111 | 111 112 110 111.5 | 113 114 112 113",
                {0: "long", 1: "long", 2: "long", 3: "long"},
            ),
            rules(max_adds=2, add_spacing=percent(5.0)),
        ),
        trades=({"qty": 3, "entry_price": (100 + 106 + 113) / 3, "pnl": 20},),
        refusals={"already_open": 1},
        final_equity=1020,
    ),
    RunCase(
        "adds spaced by the ATR",
        "2 x 2 of the bar that decides: 104 for a short means 96",
        run(
            symbol(
                f"{FIRST} | 100 101 96 96 | 96 97 95 96",
                {0: "short", 1: "short"},
                levels={"atr:14": {0: 50.0, 1: 2.0}},
            ),
            rules(max_adds=1, add_spacing=atr(2.0)),
        ),
        trades=(trade(SHORT, at_open(1), 98, at_close(2), 96, "end", 4, qty=2),),
        final_equity=1004,
    ),
    RunCase(
        "an add without its ATR",
        "nobody knows whether it is far enough",
        run(
            symbol(f"{UP_FIVE} | 106 107 104 107", {0: "long", 1: "long"}),
            rules(max_adds=1, add_spacing=atr(2.0)),
        ),
        trades=({"qty": 1},),
        refusals={"already_open": 1},
        final_equity=1007,
    ),
    RunCase(
        "an add without a spacing",
        "any close will do",
        run(symbol(f"{FIRST} | {FIRST} | {FIRST}", {0: "long", 1: "long"}), rules(max_adds=1)),
        trades=({"qty": 2},),
        final_equity=1000,
    ),
    RunCase(
        "stop and targets after an add",
        "half has left at 105; 0.5 at 100 and 1 at 106 are 1.5 at 104. The stop 98.8 up to 99 is tighter than 95, R is "
        "5, the targets are 109 for half of 1.5 = 0.75, down to 0.7, and 114",
        run(
            symbol(f"{UP_FIVE} | 106 109.5 104 109 | 109 110 99 100", {0: "long", 1: "long"}),
            rules(stop=percent(5.0), targets=HALVES, max_adds=1),
        ),
        trades=(
            trade(LONG, at_open(1), 100, inside(1), 105, "target", 2.5, qty=0.5, initial_stop=95),
            trade(LONG, at_open(1), 104, inside(2), 109, "target", 3.5, qty=0.7, initial_stop=99, r=1),
            trade(LONG, at_open(1), 104, inside(3), 99, "stop", -4, qty=0.8, trade_id=1, r=-1),
        ),
        final_equity=1002,
    ),
    RunCase(
        "the stop after an add never loosens",
        "the ATR has grown: 103 - 2 x 8 = 87 is wider than 100 - 2 x 2 = 96, which stays; R is 103 - 96",
        run(
            symbol(
                f"{UP_FIVE} | 106 107 96 97",
                {0: "long", 1: "long"},
                levels={"atr:14": {0: 2.0, 1: 8.0}},
            ),
            rules(stop=atr(2.0), max_adds=1),
        ),
        trades=(trade(LONG, at_open(1), 103, inside(2), 96, "stop", -14, qty=2, initial_stop=96, r=-1),),
        final_equity=986,
    ),
    RunCase(
        "levels nearer than a tick after an add",
        "the long at 100.25 lies between two ticks: a whole tick below it is 99.5, above it 101; the short at 99.75 "
        "has 100.5 and 99. In minute 2 all are touched or nearly, in minute 3 the targets are traded through",
        run(
            (
                symbol(
                    f"{FIRST} | 100 100.5 100 100.5 | 100.5 101 100 100.5 | 100.5 101.5 100 101",
                    {0: "long", 1: "long"},
                ),
                symbol(
                    f"{FIRST} | 100 100 99.5 99.5 | 99.5 100 99 99.5 | 99.5 100 98.5 99",
                    {0: "short", 1: "short"},
                    "BBB",
                ),
            ),
            rules(stop=percent(0.01), targets=(ReferenceTarget(percent(0.01)),), max_adds=1),
        ),
        trades=(
            trade(LONG, at_open(1), 100.25, inside(3), 101, "target", 1.5, qty=2, initial_stop=99.5),
            trade(SHORT, at_open(1), 99.75, inside(3), 99, "target", 1.5, qty=2, initial_stop=100.5),
        ),
        final_equity=1003,
    ),
    RunCase(
        "break-even after an add",
        "100 in minute 2, then the entry is 102.5 and R 5: 108 in minute 2 is more than 107.5, so from minute 3 on it "
        "is 102.5",
        run(
            symbol(f"{FIRST} | 100 105 99 105 | 105 108 104 107 | 107 107 102.5 103", {0: "long", 1: "long"}),
            rules(stop=percent(5.0), break_even_at_r=1.0, max_adds=1),
        ),
        trades=(trade(LONG, at_open(1), 102.5, inside(3), 102.5, "break_even", 0, initial_stop=97.5),),
        final_equity=1000,
    ),
    RunCase(
        "an exit beside an add",
        "the add is dropped and counted, the exit is executed",
        run(symbol(f"{UP_FIVE} | 106 107 104 107", {0: "long", 1: "long+exit_long"}), ADDING),
        trades=(trade(LONG, at_open(1), 100, at_open(2), 106, "signal", 6, qty=1),),
        refusals={"already_open": 1},
        final_equity=1006,
    ),
    RunCase(
        "an add whose position is stopped at the same open",
        "there is nothing left to add to",
        run(
            symbol(f"{UP_FIVE} | 94 95 93 94", {0: "long", 1: "long"}),
            rules(max_adds=1, stop=percent(5.0)),
        ),
        trades=(trade(LONG, at_open(1), 100, at_open(2), 94, "stop", -6),),
        refusals={"no_position": 1},
        final_equity=994,
    ),
    RunCase(
        "an add by a limit and the stop in one bar",
        "the price came through the limit 99.99 down to 99.5 on its way: 2 at 99.25, out at 94.2875 up to 94.5",
        run(
            symbol(f"{FIRST} | 100 101 98.5 101 | 101 102 94.5 96", {0: "long", 1: "long"}),
            rules(entry="limit", offset=percent(1.0), max_adds=1, stop=percent(5.0)),
        ),
        trades=(trade(LONG, inside(1), 99.25, inside(2), 94.5, "stop", -9.5, qty=2),),
        final_equity=990.5,
    ),
    RunCase(
        "an add takes margin like an entry",
        "8 of 1000 / 100 are held; 2 x 106 = 212 > 200: 1.8 are affordable",
        run(
            symbol(f"{UP_FIVE} | 106 107 104 106", {0: "long", 1: "long"}),
            rules(8.0, max_adds=1),
        ),
        trades=({"qty": 9.8, "entry_price": (8 * 100 + 1.8 * 106) / 9.8},),
        interventions={"reduced_margin": 1},
        final_equity=1048,
    ),
    RunCase(
        "the target after an add lies behind the open",
        "120 by the ATR of 20, 103 + 1 by that of 1: the open 106 is better than 104 already",
        run(
            symbol(
                f"{UP_FIVE} | 106 107 105 106", {0: "long", 1: "long"}, levels={"atr:14": {0: 20.0, 1: 1.0}}
            ),
            rules(targets=(ReferenceTarget(atr(1.0)),), max_adds=1),
        ),
        trades=(trade(LONG, at_open(1), 103, inside(2), 106, "target", 6, qty=2),),
        final_equity=1006,
    ),
    RunCase(
        "the trailing stop after an add never loosens",
        "106 - 2 = 104 by the ATR of 2; 106 - 10 by the ATR of the add lies below it",
        run(
            symbol(
                f"{UP_FIVE} | 106 107 104 105", {0: "long", 1: "long"}, levels={"atr:14": {0: 2.0, 1: 10.0}}
            ),
            rules(trailing=ReferenceTrailing(atr(1.0)), max_adds=1),
        ),
        trades=(trade(LONG, at_open(1), 103, inside(2), 104, "trailing", 2, qty=2),),
        final_equity=1002,
    ),
    RunCase(
        "the stop after an add stands at the average entry",
        "tightened to 103 before the add at 106: R is a tick at least, so 4 on 2 are 4 R",
        run(
            symbol(
                f"{UP_FIVE} | 106 107 104 105",
                {0: "long", 1: "long"},
                levels={"series:low": {0: 95.0, 1: 103.0}},
            ),
            rules(stop=ReferenceLevel("series", key="series:low"), max_adds=1),
        ),
        trades=(trade(LONG, at_open(1), 103, at_close(2), 105, "end", 4, qty=2, initial_stop=103, r=4),),
        final_equity=1004,
    ),
    RunCase(
        "an add is no further position",
        "one is open and one is allowed: it may grow",
        run(
            symbol(f"{UP_FIVE} | 106 107 104 107", {0: "long", 1: "long"}),
            rules(max_adds=1, add_spacing=percent(5.0), max_positions=1),
        ),
        trades=({"qty": 2},),
        final_equity=1008,
    ),
    RunCase(
        "an add by a limit that lies beyond the stop",
        "bought at 95 with a stop at 93.1 up to 93.5; 97 x 0.95 = 92.15 down to 92 would be met after it",
        run(
            symbol(f"{FIRST} | 100 101 94.5 97 | 97 98 91 92", {0: "long", 1: "long"}),
            rules(entry="limit", offset=percent(5.0), max_adds=1, stop=percent(2.0)),
        ),
        trades=(trade(LONG, inside(1), 95, inside(2), 93.5, "stop", -1.5, qty=1),),
        refusals={"no_position": 1},
        final_equity=998.5,
    ),
    RunCase(
        "an add by a limit that lies beyond the liquidation",
        "bought at 75, liquidated at 60 / 0.995 = 60.302; 77 x 0.75 = 57.75 down to 57.5 would be met after it",
        run(
            symbol(f"{FIRST} | 100 101 74.5 77 | 77 78 57 60", {0: "long", 1: "long"}),
            rules(leverage=5.0, entry="limit", offset=percent(25.0), max_adds=1),
        ),
        trades=(trade(LONG, inside(1), 75, inside(2), 60, "liquidation", -15, status="liquidated", qty=1),),
        refusals={"no_position": 1},
        final_equity=985,
    ),
)
