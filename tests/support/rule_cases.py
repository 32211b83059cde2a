"""The rules of the simulation as a table, worked out by hand: decisions and missing bars.

Unless a row says otherwise: tick 0.5, lot 0.1, no minimum, 1000 in cash, no costs, quantity 1. Most rows decide
at the close of minute 0 (at 100) and enter at the open of minute 1 (at 100 again), so that a stop or target of
5 % stands at 95 and 105. Levels, money and size stand in modules of their own; `PLAIN_CASES` holds all rows, in
the short form.
"""

from __future__ import annotations

from tests.support.reference_types import LONG, SHORT
from tests.support.rule_case import RuleCase, at_close, at_open, fixed, inside, slot, trade
from tests.support.rule_cases_levels import LEVELS
from tests.support.rule_cases_money import COSTS, FUNDING
from tests.support.rule_cases_size import SHARED_CASH, SIZES, THE_END

BOTH_LEVELS = fixed(stop_percent=5.0, target_percent=5.0)

DECISIONS = (
    RuleCase(
        "entry and exit at the next open",
        "what is decided at a close is filled at the open that follows, never in its own bar",
        (slot("100 102 98 101 | 103 105 102 104 | 104 106 103 105", {0: "long", 1: "exit_long"}),),
        trades=(
            trade(
                LONG, at_open(1), 103, at_open(2), 104, "signal", 1, qty=1, bars=1, r=None, initial_stop=None
            )
            | {"entry_reason": "signal", "mae": -1 / 103, "mfe": 2 / 103, "fees": 0, "ambiguous": False},
        ),
        final_equity=1001,
        equity=(1000, 1001, 1001),
    ),
    RuleCase(
        "entry decided on the last bar",
        "there is no next open: refused and counted",
        (slot("100 101 99 100 | 100 101 99 100", {1: "long"}),),
        refusals={"no_next_bar": 1},
        final_equity=1000,
    ),
    RuleCase(
        "exit decided on the last bar",
        "it is not executed; the position is reported open at the last close",
        (slot("100 101 99 100 | 100 101 99 100.5", {0: "long", 1: "exit_long"}),),
        trades=(trade(LONG, at_open(1), 100, at_close(1), 100.5, "end", 0.5, bars=0),),
        final_equity=1000.5,
    ),
    RuleCase(
        "same side while open",
        "one position a symbol: the decision is dropped and counted, on every bar that repeats it",
        (slot("100 101 99 100 | 100 101 99 100 | 100 101 99 100", {0: "long", 1: "long", 2: "long"}),),
        trades=(trade(LONG, at_open(1), 100, at_close(2), 100, "end", 0, qty=1),),
        refusals={"already_open": 2},
        final_equity=1000,
    ),
    RuleCase(
        "same side and exit on one close",
        "the entry is dropped and counted, the exit is executed",
        (slot("100 101 99 100 | 100 101 99 100 | 102 103 101 102", {0: "long", 1: "long+exit_long"}),),
        trades=(trade(LONG, at_open(1), 100, at_open(2), 102, "signal", 2),),
        refusals={"already_open": 1},
        final_equity=1002,
    ),
    RuleCase(
        "side not allowed",
        "a short decision under direction = long is refused",
        (slot("100 101 99 100 | 100 101 99 100", {0: "short"}),),
        risk=fixed(direction="long"),
        refusals={"direction": 1},
        final_equity=1000,
    ),
    RuleCase(
        "the other exit does not close",
        "exit_short says nothing to a long position",
        (slot("100 101 99 100 | 100 101 99 100 | 102 103 101 102", {0: "long", 1: "exit_short"}),),
        trades=(trade(LONG, at_open(1), 100, at_close(2), 102, "end", 2),),
        final_equity=1002,
    ),
    RuleCase(
        "reverse",
        "close and open the other side at the same open",
        (
            slot(
                "100 101 99 100 | 100 101 99 100 | 104 105 103 104 | 106 107 105 106", {0: "long", 1: "short"}
            ),
        ),
        trades=(
            trade(LONG, at_open(1), 100, at_open(2), 104, "reverse", 4, entry_reason="signal"),
            trade(SHORT, at_open(2), 104, at_close(3), 106, "end", -2, entry_reason="reverse", bars=1),
        ),
        final_equity=1002,
    ),
    RuleCase(
        "reverse into a side that is not allowed",
        "the opposite decision still closes, nothing is opened, nothing is counted",
        (slot("100 101 99 100 | 100 101 99 100 | 104 105 103 104", {0: "long", 1: "short"}),),
        risk=fixed(direction="long", opposite="reverse"),
        trades=(trade(LONG, at_open(1), 100, at_open(2), 104, "opposite", 4),),
        final_equity=1004,
    ),
    RuleCase(
        "opposite = close",
        "the opposite decision closes and does not open",
        (slot("100 101 99 100 | 100 101 99 100 | 104 105 103 104", {0: "short", 1: "long"}),),
        risk=fixed(opposite="close"),
        trades=(trade(SHORT, at_open(1), 100, at_open(2), 104, "opposite", -4),),
        final_equity=996,
    ),
    RuleCase(
        "opposite = ignore",
        "the opposite decision is dropped and counted",
        (slot("100 101 99 100 | 100 101 99 100 | 104 105 103 104", {0: "long", 1: "short"}),),
        risk=fixed(opposite="ignore"),
        trades=(trade(LONG, at_open(1), 100, at_close(2), 104, "end", 4),),
        refusals={"opposite_ignored": 1},
        final_equity=1004,
    ),
    RuleCase(
        "opposite = ignore beside an exit",
        "the exit applies all the same",
        (slot("100 101 99 100 | 100 101 99 100 | 104 105 103 104", {0: "long", 1: "short+exit_long"}),),
        risk=fixed(opposite="ignore"),
        trades=(trade(LONG, at_open(1), 100, at_open(2), 104, "signal", 4),),
        refusals={"opposite_ignored": 1},
        final_equity=1004,
    ),
    RuleCase(
        "reverse beside an exit",
        "the reversal comes first in the list of reasons",
        (slot("100 101 99 100 | 100 101 99 100 | 104 105 103 104", {0: "long", 1: "short+exit_long"}),),
        trades=(
            trade(LONG, at_open(1), 100, at_open(2), 104, "reverse", 4),
            trade(SHORT, at_open(2), 104, at_close(2), 104, "end", 0),
        ),
        final_equity=1004,
    ),
    RuleCase(
        "reverse on the last bar",
        "its entry is refused and counted, its exit is not executed",
        (slot("100 101 99 100 | 100 101 99 101", {0: "long", 1: "short"}),),
        trades=(trade(LONG, at_open(1), 100, at_close(1), 101, "end", 1),),
        refusals={"no_next_bar": 1},
        final_equity=1001,
    ),
    RuleCase(
        "max_bars",
        "held two bars = two closes after the entry, then out at the next open",
        (slot("100 101 99 100 | 100 101 99 100 | 101 102 100 101 | 103 104 102 103", {0: "long"}),),
        risk=fixed(max_bars=2),
        trades=(trade(LONG, at_open(1), 100, at_open(3), 103, "time", 3, bars=2),),
        final_equity=1003,
    ),
    RuleCase(
        "max_bars beside an exit",
        "the exit of the strategy comes first in the list of reasons",
        (slot("100 101 99 100 | 100 101 99 100 | 101 102 100 101", {0: "long", 1: "exit_long"}),),
        risk=fixed(max_bars=1),
        trades=(trade(LONG, at_open(1), 100, at_open(2), 101, "signal", 1, bars=1),),
        final_equity=1001,
    ),
    RuleCase(
        "cool-down of two bars",
        "stopped in minute 1: the closes of minutes 1 and 2 are refused, that of minute 3 enters",
        (
            slot(
                "100 101 99 100 | 100 101 94 96 | 96 97 95 96 | 96 97 95 96 | 96 97 95 97",
                {0: "long", 1: "long", 2: "long", 3: "long"},
            ),
        ),
        risk=fixed(stop_percent=5.0, cooldown_bars=2),
        trades=(
            trade(LONG, at_open(1), 100, inside(1), 95, "stop", -5, bars=0),
            trade(LONG, at_open(4), 96, at_close(4), 97, "end", 1, initial_stop=91.5),
        ),
        refusals={"cooldown": 2},
        final_equity=996,
    ),
    RuleCase(
        "cool-down from the bar of the exit",
        "held from minute 1, out at the open of minute 3: the closes of 3 and 4 are refused, that of 5 enters",
        (
            slot(
                " | ".join(["100 101 99 100"] * 7),
                {0: "long", 2: "exit_long", 3: "long", 4: "long", 5: "long"},
            ),
        ),
        risk=fixed(cooldown_bars=2),
        trades=(
            trade(LONG, at_open(1), 100, at_open(3), 100, "signal", 0, bars=2),
            trade(LONG, at_open(6), 100, at_close(6), 100, "end", 0),
        ),
        refusals={"cooldown": 2},
        final_equity=1000,
    ),
    RuleCase(
        "reverse during a cool-down",
        "a reversal does not wait",
        (
            slot(
                "100 101 99 100 | 100 101 99 100 | 104 105 103 104 | 102 103 101 102",
                {0: "long", 1: "short", 2: "long"},
            ),
        ),
        risk=fixed(cooldown_bars=10),
        trades=(
            trade(LONG, at_open(1), 100, at_open(2), 104, "reverse", 4),
            trade(SHORT, at_open(2), 104, at_open(3), 102, "reverse", 2),
            trade(LONG, at_open(3), 102, at_close(3), 102, "end", 0),
        ),
        final_equity=1006,
    ),
)

MISSING_BARS = (
    RuleCase(
        "stop crossed while bars are missing",
        "no price is invented: the gap rule at the next real open; `bars` counts real bars",
        (slot("100 101 99 100 | 100 101 96 97 | - | 90 91 89 90", {0: "long"}),),
        risk=BOTH_LEVELS,
        trades=(trade(LONG, at_open(1), 100, at_open(3), 90, "stop", -10, bars=1),),
        final_equity=990,
        equity=(1000, 997, 990),
    ),
    RuleCase(
        "entry one bar late",
        "not more than one bar late: filled at the next real open",
        (slot("100 101 99 100 | - | 103 104 102 104", {0: "long"}),),
        trades=(trade(LONG, at_open(2), 103, at_close(2), 104, "end", 1),),
        final_equity=1001,
    ),
    RuleCase(
        "entry two bars late",
        "more than one bar late: cancelled and counted",
        (slot("100 101 99 100 | - | - | 103 104 102 104 | 103 104 102 104", {0: "long"}),),
        refusals={"gap": 1},
        final_equity=1000,
    ),
    RuleCase(
        "exit two bars late",
        "an exit is never cancelled",
        (slot("100 101 99 100 | 100 101 99 100 | - | - | 102 103 101 102", {0: "long", 1: "exit_long"}),),
        trades=(trade(LONG, at_open(1), 100, at_open(4), 102, "signal", 2, bars=1),),
        final_equity=1002,
    ),
    RuleCase(
        "reverse two bars late",
        "its exit fills, its entry is cancelled",
        (slot("100 101 99 100 | 100 101 99 100 | - | - | 102 103 101 102", {0: "long", 1: "short"}),),
        trades=(trade(LONG, at_open(1), 100, at_open(4), 102, "reverse", 2),),
        refusals={"gap": 1},
        final_equity=1002,
    ),
    RuleCase(
        "max_bars over missing bars",
        "bars are counted, not minutes",
        (slot("100 101 99 100 | 100 101 99 100 | - | 101 102 100 101 | 103 104 102 103", {0: "long"}),),
        risk=fixed(max_bars=2),
        trades=(trade(LONG, at_open(1), 100, at_open(4), 103, "time", 3, bars=2),),
        final_equity=1003,
    ),
    RuleCase(
        "mark while one symbol has no bar",
        "the others go on, it keeps its last close",
        (
            slot("100 101 99 100 | 100 102 99 101 | - | 103 104 102 103", {0: "long"}),
            slot("50 51 49 50 | 50 51 49 50 | 50 51 49 50 | 50 51 49 50", {}, symbol="BBB"),
        ),
        trades=(trade(LONG, at_open(1), 100, at_close(3), 103, "end", 3, symbol="AAA", bars=1),),
        final_equity=1003,
        equity=(1000, 1001, 1001, 1003),
    ),
    RuleCase(
        "halted symbol",
        "AAA keeps its position, its mark and its exit while only BBB trades, and leaves at its next real open",
        (
            slot("100 101 99 100 | 100 101 99 100 | - | - | 102 103 101 102", {0: "long", 1: "exit_long"}),
            slot(
                "50 51 49 50 | 50 51 49 50 | 50 51 49 50 | 50 52 49 51 | 51 52 50 51",
                {1: "long"},
                symbol="BBB",
            ),
        ),
        trades=(
            trade(LONG, at_open(1), 100, at_open(4), 102, "signal", 2, symbol="AAA", bars=1),
            trade(LONG, at_open(2), 50, at_close(4), 51, "end", 1, symbol="BBB"),
        ),
        final_equity=1003,
        equity=(1000, 1000, 1000, 1001, 1003),
    ),
    RuleCase(
        "stop crossed while only the other symbol has a bar",
        "it may not trade at a time at which it has no bar",
        (
            slot("100 101 99 100 | 100 101 96 97 | - | 90 91 89 90", {0: "long"}, symbol="BBB"),
            slot("50 51 49 50 | 50 51 49 50 | 50 51 1 50 | 50 51 49 50", {}),
        ),
        risk=BOTH_LEVELS,
        trades=(trade(LONG, at_open(1), 100, at_open(3), 90, "stop", -10, symbol="BBB"),),
        final_equity=990,
        equity=(1000, 997, 997, 990),
    ),
)

PLAIN_CASES: tuple[RuleCase, ...] = (
    DECISIONS + LEVELS + MISSING_BARS + COSTS + FUNDING + SIZES + SHARED_CASH + THE_END
)
