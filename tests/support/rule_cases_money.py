"""The rules of the simulation as a table, worked out by hand: fees, slippage, funding."""

from __future__ import annotations

from tests.support.reference_types import LONG, SHORT, ReferenceCosts
from tests.support.rule_case import RuleCase, at_close, at_open, fixed, inside, slot, trade

FEES = ReferenceCosts(taker_fee_percent=0.1, maker_fee_percent=0.02)
SLIPPAGE = ReferenceCosts(slippage_percent=0.1, half_spread_percent=0.1)
BOTH_LEVELS = fixed(stop_percent=5.0, target_percent=5.0)
THREE_BARS = "100 101 99 100 | 100 101 99 100 | 104 105 103 104"

COSTS = (
    RuleCase(
        "taker in, maker out",
        "entry 100 x 0.1 % = 0.1; the target rested: 105 x 0.02 % = 0.021",
        (slot("100 101 99 100 | 100 101 99 100 | 103 105.5 102 104", {0: "long"}),),
        risk=BOTH_LEVELS,
        costs=FEES,
        trades=(trade(LONG, at_open(1), 100, inside(2), 105, "target", 4.879, fees=0.121, r=0.9758),),
        final_equity=1004.879,
        equity=(1000, 999.9, 1004.879),
    ),
    RuleCase(
        "taker in, taker out at the stop",
        "0.1 + 95 x 0.1 % = 0.195; r is net of fees: -5.195 / 5",
        (slot("100 101 99 100 | 100 101 99 100 | 98 99 95 97", {0: "long"}),),
        risk=BOTH_LEVELS,
        costs=FEES,
        trades=(trade(LONG, at_open(1), 100, inside(2), 95, "stop", -5.195, fees=0.195, r=-1.039),),
        final_equity=994.805,
    ),
    RuleCase(
        "gapped target pays the maker fee",
        "107 x 0.02 % = 0.0214",
        (slot("100 101 99 100 | 100 101 99 100 | 107 108 106 107", {0: "long"}),),
        risk=BOTH_LEVELS,
        costs=FEES,
        trades=(trade(LONG, at_open(1), 100, at_open(2), 107, "target", 6.8786, fees=0.1214),),
        final_equity=1006.8786,
    ),
    RuleCase(
        "reverse pays two fees at one open",
        "long 0.1 + 0.104; short 0.104 so far",
        (slot(THREE_BARS, {0: "long", 1: "short"}),),
        costs=FEES,
        trades=(
            trade(LONG, at_open(1), 100, at_open(2), 104, "reverse", 3.796, fees=0.204),
            trade(SHORT, at_open(2), 104, at_close(2), 104, "end", -0.104, fees=0.104),
        ),
        final_equity=1003.692,
    ),
    RuleCase(
        "slippage and half the spread",
        "0.3 % + 0.3 %: buy 100 x 1.006 = 100.6, up to 101; sell 104 x 0.994 = 103.376, down to 103",
        (slot(THREE_BARS, {0: "long", 1: "exit_long"}),),
        costs=ReferenceCosts(slippage_percent=0.3, half_spread_percent=0.3),
        trades=(trade(LONG, at_open(1), 101, at_open(2), 103, "signal", 2, slippage=2, fees=0),),
        final_equity=1002,
    ),
    RuleCase(
        "fees of what was paid, slippage included",
        "101 x 0.1 % + 103 x 0.1 % = 0.204, not a part of 100 and 104",
        (slot(THREE_BARS, {0: "long", 1: "exit_long"}),),
        costs=ReferenceCosts(taker_fee_percent=0.1, slippage_percent=0.3, half_spread_percent=0.3),
        trades=(trade(LONG, at_open(1), 101, at_open(2), 103, "signal", 1.796, slippage=2, fees=0.204),),
        final_equity=1001.796,
    ),
    RuleCase(
        "slippage of a short",
        "sell 100 x 0.998 = 99.8, down to 99.5; buy 104 x 1.002 = 104.208, up to 104.5",
        (slot(THREE_BARS, {0: "short", 1: "exit_short"}),),
        costs=SLIPPAGE,
        trades=(trade(SHORT, at_open(1), 99.5, at_open(2), 104.5, "signal", -5, slippage=1),),
        final_equity=995,
    ),
    RuleCase(
        "slippage that ends on the grid",
        "0.5 % of 100 is one tick exactly: 100.5 and 99.5, not a tick further for a float's last digit",
        (slot("100 101 99 100 | 100 101 99 100 | 100 101 99 100", {0: "long", 1: "exit_long"}),),
        costs=ReferenceCosts(slippage_percent=0.5),
        trades=(trade(LONG, at_open(1), 100.5, at_open(2), 99.5, "signal", -1, slippage=1),),
        final_equity=999,
    ),
    RuleCase(
        "slippage at the stop",
        "fill 100.5, stop 95.475 up to 95.5, sold at 95.5 x 0.998 = 95.309, down to 95",
        (slot("100 101 99 100 | 100 101 99 100 | 98 99 95 97", {0: "long"}),),
        risk=BOTH_LEVELS,
        costs=SLIPPAGE,
        trades=(
            trade(LONG, at_open(1), 100.5, inside(2), 95, "stop", -5.5, initial_stop=95.5, r=-1.1, mae=-1.1)
            | {"slippage": 1},
        ),
        final_equity=994.5,
    ),
    RuleCase(
        "slippage past a gapped stop",
        "the reference is the open 93: 93 x 0.998 = 92.814, down to 92.5",
        (slot("100 101 99 100 | 100 101 99 100 | 93 94 92 93", {0: "long"}),),
        risk=BOTH_LEVELS,
        costs=SLIPPAGE,
        trades=(trade(LONG, at_open(1), 100.5, at_open(2), 92.5, "stop", -8, slippage=1),),
        final_equity=992,
    ),
    RuleCase(
        "no slippage at the target",
        "fill 100.5, target 105.525 down to 105.5: a limit fills at its price",
        (slot("100 101 99 100 | 100 101 99 100 | 103 106 102 104", {0: "long"}),),
        risk=BOTH_LEVELS,
        costs=SLIPPAGE,
        trades=(trade(LONG, at_open(1), 100.5, inside(2), 105.5, "target", 5, slippage=0.5),),
        final_equity=1005,
    ),
    RuleCase(
        "entry filled beyond its own stop",
        "fill 102, stop 101 above the open 100: out in the same bar at min(open, stop) x 0.98 = 98",
        (slot("100 101 99 100 | 100 100.5 99.5 100", {0: "long"}),),
        risk=fixed(stop_percent=1.0),
        costs=ReferenceCosts(slippage_percent=2.0),
        trades=(trade(LONG, at_open(1), 102, inside(1), 98, "stop", -4, r=-4, initial_stop=101, slippage=4),),
        final_equity=996,
    ),
    RuleCase(
        "a sale brings at least one tick",
        "0.5 x 0.995 would round down to 0",
        (slot("100 101 99 100 | 100 101 99 100 | 0.5 1 0.5 0.5", {0: "long", 1: "exit_long"}),),
        costs=ReferenceCosts(slippage_percent=0.5),
        trades=(trade(LONG, at_open(1), 100.5, at_open(2), 0.5, "signal", -100, slippage=0.5),),
        final_equity=900,
    ),
)

FUNDING = (
    RuleCase(
        "funding at the open of the entry bar",
        "only who held into the moment pays: not charged",
        (slot(THREE_BARS, {0: "long", 1: "exit_long"}, funding=[(at_open(1), 0.01)]),),
        trades=(trade(LONG, at_open(1), 100, at_open(2), 104, "signal", 4, funding=0),),
        final_equity=1004,
    ),
    RuleCase(
        "funding at the open of the exit bar",
        "held into the moment: 104 x 1 % is paid before the exit",
        (slot(THREE_BARS, {0: "long", 1: "exit_long"}, funding=[(at_open(2), 0.01)]),),
        trades=(trade(LONG, at_open(1), 100, at_open(2), 104, "signal", 2.96, funding=-1.04),),
        final_equity=1002.96,
    ),
    RuleCase(
        "a short receives what a long pays",
        "the mirror image",
        (slot(THREE_BARS, {0: "short", 1: "exit_short"}, funding=[(at_open(2), 0.01)]),),
        trades=(trade(SHORT, at_open(1), 100, at_open(2), 104, "signal", -2.96, funding=1.04),),
        final_equity=997.04,
    ),
    RuleCase(
        "negative rate",
        "the long receives",
        (slot(THREE_BARS, {0: "long", 1: "exit_long"}, funding=[(at_open(2), -0.01)]),),
        trades=(trade(LONG, at_open(1), 100, at_open(2), 104, "signal", 5.04, funding=1.04),),
        final_equity=1005.04,
    ),
    RuleCase(
        "funding inside the entry bar",
        "on the position after the fills at the open, at the open price: 100 x 1 %",
        (slot("100 101 99 100 | 100 103 99 102", {0: "long"}, funding=[(at_open(1) + 30_000, 0.01)]),),
        trades=(trade(LONG, at_open(1), 100, at_close(1), 102, "end", 1, funding=-1),),
        final_equity=1001,
    ),
    RuleCase(
        "funding inside the bar at whose open the position was closed",
        "not held any more: not charged",
        (slot(THREE_BARS, {0: "long", 1: "exit_long"}, funding=[(at_open(2) + 30_000, 0.01)]),),
        trades=(trade(LONG, at_open(1), 100, at_open(2), 104, "signal", 4, funding=0),),
        final_equity=1004,
    ),
    RuleCase(
        "funding inside the bar in which the stop is hit",
        "charged before the stop, whatever its sign",
        (slot("100 101 99 100 | 100 101 94 95", {0: "long"}, funding=[(at_open(1) + 30_000, 0.01)]),),
        risk=BOTH_LEVELS,
        trades=(trade(LONG, at_open(1), 100, inside(1), 95, "stop", -6, funding=-1, r=-1.2),),
        final_equity=994,
    ),
    RuleCase(
        "funding while bars are missing",
        "both moments are charged at the next real open: 2 x 104 x 1 %",
        (
            slot(
                "100 101 99 100 | 100 101 99 100 | - | - | 104 105 103 104",
                {0: "long", 1: "exit_long"},
                funding=[(at_open(2), 0.01), (at_open(3) + 1, 0.01)],
            ),
        ),
        trades=(trade(LONG, at_open(1), 100, at_open(4), 104, "signal", 1.92, funding=-2.08),),
        final_equity=1001.92,
    ),
    RuleCase(
        "funding before the position existed",
        "passed over, also where it lies before the first bar",
        (
            slot(
                "100 101 99 100 | 100 101 99 100",
                {0: "long"},
                funding=[(at_open(-9), 0.01), (at_open(0), 0.01), (at_open(0) + 1, 0.01)],
            ),
        ),
        trades=(trade(LONG, at_open(1), 100, at_close(1), 100, "end", 0, funding=0),),
        final_equity=1000,
    ),
    RuleCase(
        "funding switched off",
        "nothing is charged",
        (slot(THREE_BARS, {0: "long", 1: "exit_long"}, funding=[(at_open(2), 0.01)]),),
        costs=ReferenceCosts(funding=False),
        trades=(trade(LONG, at_open(1), 100, at_open(2), 104, "signal", 4, funding=0),),
        final_equity=1004,
    ),
)
