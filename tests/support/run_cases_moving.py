"""The rules of whole runs as a table, worked out by hand: trailing stops and break-even.

Unless a row says otherwise: tick 0.5, lot 0.1, 1000 in cash, no costs, quantity 1, leverage 1. A row decides at the
close of minute 0 and enters at the open of minute 1, both at 100, so that a stop of 5 % stands at 95 and R is 5.
"""

from __future__ import annotations

from tests.support.reference_types import LONG, SHORT, ReferenceTrailing
from tests.support.rule_case import at_close, at_open, inside, trade
from tests.support.run_case import RunCase, multiple_of_r, percent, rules, run, symbol

FIVE = percent(5.0)
TRAILING = rules(trailing=ReferenceTrailing(FIVE))
EVEN = rules(stop=FIVE, break_even_at_r=1.0, break_even_offset_percent=0.05)

MOVING_STOPS = (
    RunCase(
        "trailing stop and a spike in the same bar",
        "from the high 120 of minute 1: 114. The spike to 130 in minute 2 counts from minute 3: 123.5",
        run(
            symbol("100 101 99 100 | 100 120 99 119 | 119 130 115 129 | 129 129 123.5 125", {0: "long"}),
            TRAILING,
        ),
        trades=(trade(LONG, at_open(1), 100, inside(3), 123.5, "trailing", 23.5, r=None, initial_stop=None),),
        final_equity=1023.5,
    ),
    RunCase(
        "trailing stop in the entry bar",
        "the best price so far is the fill: 95",
        run(symbol("100 101 99 100 | 100 110 95 100", {0: "long"}), TRAILING),
        trades=(trade(LONG, at_open(1), 100, inside(1), 95, "trailing", -5),),
        final_equity=995,
    ),
    RunCase(
        "trailing stop passed by the open",
        "114 from the high 120; the open 110 is worse",
        run(symbol("100 101 99 100 | 100 120 99 119 | 110 112 109 111", {0: "long"}), TRAILING),
        trades=(trade(LONG, at_open(1), 100, at_open(2), 110, "trailing", 10),),
        final_equity=1010,
    ),
    RunCase(
        "trailing stop of a short",
        "from the low 80: 84, between two ticks of 0.5 nothing is lost",
        run(symbol("100 101 99 100 | 100 101 80 81 | 81 84 80 82", {0: "short"}), TRAILING),
        trades=(trade(SHORT, at_open(1), 100, inside(2), 84, "trailing", 16),),
        final_equity=1016,
    ),
    RunCase(
        "trailing stop that has not started",
        "109.5 < 110 = 10 % away; the low 104 would be below its level",
        run(
            symbol("100 101 99 100 | 100 109.5 99 109 | 109 109 104 105", {0: "long"}),
            rules(trailing=ReferenceTrailing(FIVE, start_percent=10.0)),
        ),
        trades=(trade(LONG, at_open(1), 100, at_close(2), 105, "end", 5),),
        final_equity=1005,
    ),
    RunCase(
        "trailing stop that starts",
        "110 is 10 % away: from minute 2 on 104.5",
        run(
            symbol("100 101 99 100 | 100 110 99 109 | 109 109 104 105", {0: "long"}),
            rules(trailing=ReferenceTrailing(FIVE, start_percent=10.0)),
        ),
        trades=(trade(LONG, at_open(1), 100, inside(2), 104.5, "trailing", 4.5),),
        final_equity=1004.5,
    ),
    RunCase(
        "trailing stop that starts and is passed in one bar",
        "up to 115 and back to 100 in minute 1: it stands from minute 2 on, at 109.25 up to 109.5",
        run(
            symbol("100 101 99 100 | 100 115 99 100 | 101 102 100 101", {0: "long"}),
            rules(trailing=ReferenceTrailing(FIVE, start_percent=10.0)),
        ),
        trades=(trade(LONG, at_open(1), 100, at_open(2), 101, "trailing", 1),),
        final_equity=1001,
    ),
    RunCase(
        "trailing stop in multiples of R",
        "starts at 2 R = 110, then 1 R = 5 behind 112",
        run(
            symbol("100 101 99 100 | 100 112 99 111 | 111 111 107 108", {0: "long"}),
            rules(stop=FIVE, trailing=ReferenceTrailing(multiple_of_r(1.0), start_r=2.0)),
        ),
        trades=(trade(LONG, at_open(1), 100, inside(2), 107, "trailing", 7, initial_stop=95, r=1.4),),
        final_equity=1007,
    ),
    RunCase(
        "break-even",
        "105 = 1 R in minute 1; from minute 2 on the stop is 100.05 up to 100.5",
        run(symbol("100 101 99 100 | 100 105 99 104 | 104 105 100.5 104", {0: "long"}), EVEN),
        trades=(trade(LONG, at_open(1), 100, inside(2), 100.5, "break_even", 0.5, initial_stop=95, r=0.1),),
        final_equity=1000.5,
    ),
    RunCase(
        "trailing stop of a short that has not started",
        "90.5 is less than 10 % away; 90 in minute 2 is, so from minute 3 on 90 x 1.05 = 94.5",
        run(
            symbol("100 101 99 100 | 100 101 90.5 91 | 91 96 90 91 | 91 94.5 90 94", {0: "short"}),
            rules(trailing=ReferenceTrailing(FIVE, start_percent=10.0)),
        ),
        trades=(trade(SHORT, at_open(1), 100, inside(3), 94.5, "trailing", 5.5),),
        final_equity=1005.5,
    ),
    RunCase(
        "trailing stop that has not started in multiples of R",
        "109.5 is less than 2 R away, of a short 90.5: nothing to hit at 104.5 and 95.5",
        run(
            (
                symbol("100 101 99 100 | 100 109.5 99 109 | 109 109 104 105", {0: "long"}),
                symbol("100 101 99 100 | 100 101 90.5 91 | 91 96 91 95", {0: "short"}, "BBB"),
            ),
            rules(stop=FIVE, trailing=ReferenceTrailing(multiple_of_r(1.0), start_r=2.0)),
        ),
        trades=(
            trade(LONG, at_open(1), 100, at_close(2), 105, "end", 5),
            trade(SHORT, at_open(1), 100, at_close(2), 95, "end", 5),
        ),
        final_equity=1010,
    ),
    RunCase(
        "break-even between two ticks",
        "a quarter of R is 101.25, of a short 98.75: 101 and 99 have not come to it",
        run(
            (
                symbol("100 101 99 100 | 100 101 99.5 100.5 | 100.5 101 99 100", {0: "long"}),
                symbol("100 101 99 100 | 100 100.5 99 99.5 | 99.5 101 99 100", {0: "short"}, "BBB"),
            ),
            rules(stop=FIVE, break_even_at_r=0.25),
        ),
        trades=(
            trade(LONG, at_open(1), 100, at_close(2), 100, "end", 0),
            trade(SHORT, at_open(1), 100, at_close(2), 100, "end", 0),
        ),
        final_equity=1000,
    ),
    RunCase(
        "break-even that is not reached",
        "104.5 is less than 1 R",
        run(symbol("100 101 99 100 | 100 104.5 99 104 | 104 105 100 104", {0: "long"}), EVEN),
        trades=(trade(LONG, at_open(1), 100, at_close(2), 104, "end", 4),),
        final_equity=1004,
    ),
    RunCase(
        "break-even in its own bar",
        "up to 105 and down to 99 in one bar: it stands from the next bar on, whose open 100 is below it",
        run(symbol("100 101 99 100 | 100 105 99 100 | 100 101 99 100", {0: "long"}), EVEN),
        trades=(trade(LONG, at_open(1), 100, at_open(2), 100, "break_even", 0),),
        final_equity=1000,
    ),
    RunCase(
        "break-even of a short",
        "95 = 1 R; the stop is 99.95 down to 99.5",
        run(symbol("100 101 99 100 | 100 101 95 96 | 96 99.5 95 97", {0: "short"}), EVEN),
        trades=(trade(SHORT, at_open(1), 100, inside(2), 99.5, "break_even", 0.5),),
        final_equity=1000.5,
    ),
    RunCase(
        "break-even and trailing at one price",
        "1 R behind 105 is 100, break-even is 100: the first named gives the reason",
        run(
            symbol("100 101 99 100 | 100 105 99 104 | 104 104 100 102", {0: "long"}),
            rules(stop=FIVE, break_even_at_r=1.0, trailing=ReferenceTrailing(multiple_of_r(1.0))),
        ),
        trades=(trade(LONG, at_open(1), 100, inside(2), 100, "break_even", 0),),
        final_equity=1000,
    ),
    RunCase(
        "stop loss and trailing at one price",
        "both 95 in the entry bar",
        run(
            symbol("100 101 99 100 | 100 101 95 96", {0: "long"}),
            rules(stop=FIVE, trailing=ReferenceTrailing(FIVE)),
        ),
        trades=(trade(LONG, at_open(1), 100, inside(1), 95, "stop", -5),),
        final_equity=995,
    ),
)
