"""The rules of the simulation as a table, worked out by hand: size, shared cash, the end of a run."""

from __future__ import annotations

from tests.support.reference_types import LONG, SHORT, ReferenceCosts, ReferenceRisk
from tests.support.rule_case import RuleCase, at_close, at_open, fixed, inside, slot, trade

FEES = ReferenceCosts(taker_fee_percent=0.1, maker_fee_percent=0.02)
BOTH_LEVELS = fixed(stop_percent=5.0, target_percent=5.0)
HALF_OF_EQUITY = ReferenceRisk(sizing="equity", size=50.0)
ALL_OF_EQUITY = ReferenceRisk(sizing="equity", size=100.0)

SIZES = (
    RuleCase(
        "percent of equity",
        "50 % of 1000 at the decision close 100 = 5, also when the open is 103",
        (slot("100 101 99 100 | 103 104 102 104", {0: "long"}),),
        risk=HALF_OF_EQUITY,
        trades=(trade(LONG, at_open(1), 103, at_close(1), 104, "end", 5, qty=5),),
        final_equity=1005,
    ),
    RuleCase(
        "percent of marked equity",
        "AAA lost 100 unrealised, so BBB gets 50 % of 900 / 100 = 4.5",
        (
            slot("100 101 99 100 | 100 101 80 80 | 80 81 79 80", {0: "long"}),
            slot("100 101 99 100 | 100 101 99 100 | 100 101 99 100", {1: "long"}, symbol="BBB"),
        ),
        risk=HALF_OF_EQUITY,
        trades=(
            trade(LONG, at_open(1), 100, at_close(2), 80, "end", -100, qty=5, symbol="AAA"),
            trade(LONG, at_open(2), 100, at_close(2), 100, "end", 0, qty=4.5, symbol="BBB"),
        ),
        final_equity=900,
    ),
    RuleCase(
        "notional, rounded down to the lot",
        "255 / 100 = 2.55, down to 2.5",
        (slot("100 101 99 100 | 100 101 99 101", {0: "long"}),),
        risk=ReferenceRisk(sizing="notional", size=255.0),
        trades=(trade(LONG, at_open(1), 100, at_close(1), 101, "end", 2.5, qty=2.5),),
        final_equity=1002.5,
    ),
    RuleCase(
        "reduced to what the cash affords",
        "the taker fee of 1 % is asked for beside the price: 1000 / (100 x 1.01) = 9.901, down to 9.9; the fee is 9.9",
        (slot("100 101 99 100 | 100 101 99 100", {0: "long"}),),
        risk=ALL_OF_EQUITY,
        costs=ReferenceCosts(taker_fee_percent=1.0),
        trades=(trade(LONG, at_open(1), 100, at_close(1), 100, "end", -9.9, qty=9.9, fees=9.9),),
        interventions={"reduced_margin": 1},
        final_equity=990.1,
    ),
    RuleCase(
        "gap up after a size of all the equity",
        "10 at the close 100; at the open 125 the cash affords 8",
        (slot("100 101 99 100 | 125 126 124 125", {0: "long"}),),
        risk=ALL_OF_EQUITY,
        trades=(trade(LONG, at_open(1), 125, at_close(1), 125, "end", 0, qty=8),),
        interventions={"reduced_margin": 1},
        final_equity=1000,
    ),
    RuleCase(
        "no cash for a single lot",
        "one is wanted, 5 / 100 = 0.05 is less than a lot",
        (slot("100 101 99 100 | 100 101 99 100", {0: "long"}),),
        cash=5,
        refusals={"insufficient_margin": 1},
        final_equity=5,
    ),
    RuleCase(
        "less than one lot wanted",
        "0.05 rounds down to nothing, at the decision",
        (slot("100 101 99 100 | 100 101 99 100", {0: "long"}),),
        risk=fixed(0.05),
        refusals={"size_zero": 1},
        final_equity=1000,
    ),
    RuleCase(
        "below the minimum quantity",
        "0.3 < 0.5",
        (slot("100 101 99 100 | 100 101 99 100", {0: "long"}, min_quantity=0.5),),
        risk=fixed(0.3),
        refusals={"below_min_quantity": 1},
        final_equity=1000,
    ),
    RuleCase(
        "exactly the minimum quantity",
        "19 lots of 0.000001 are 0.000019, although the floats say a little less",
        (slot("100 101 99 100 | 100 101 99 100", {0: "long"}, lot=0.000001, min_quantity=0.000019),),
        risk=fixed(0.000019),
        trades=(trade(LONG, at_open(1), 100, at_close(1), 100, "end", 0, qty=0.000019),),
        final_equity=1000,
    ),
    RuleCase(
        "below the minimum notional",
        "0.1 x 100 = 10 < 20",
        (slot("100 101 99 100 | 100 101 99 100", {0: "long"}, min_notional=20),),
        risk=fixed(0.1),
        refusals={"below_min_notional": 1},
        final_equity=1000,
    ),
    RuleCase(
        "exactly the minimum notional",
        "0.1 x 200 = 20 is enough",
        (slot("200 201 199 200 | 200 201 199 200", {0: "long"}, min_notional=20),),
        risk=fixed(0.1),
        trades=(trade(LONG, at_open(1), 200, at_close(1), 200, "end", 0, qty=0.1),),
        final_equity=1000,
    ),
    RuleCase(
        "above the maximum quantity of a market order",
        "5 > 4: refused, not cut",
        (slot("100 101 99 100 | 100 101 99 100", {0: "long"}, max_quantity=4),),
        risk=fixed(5.0),
        refusals={"above_max_quantity": 1},
        final_equity=1000,
    ),
)

SHARED_CASH = (
    RuleCase(
        "two symbols compete for cash",
        "by name: AAA gets its 6, BBB what is left; the order in which they are given does not matter",
        (
            slot("100 101 99 100 | 100 101 99 100", {0: "long"}, symbol="BBB"),
            slot("100 101 99 100 | 100 101 99 101", {0: "long"}, symbol="AAA"),
        ),
        risk=ReferenceRisk(sizing="notional", size=600.0),
        trades=(
            trade(LONG, at_open(1), 100, at_close(1), 101, "end", 6, symbol="AAA", qty=6),
            trade(LONG, at_open(1), 100, at_close(1), 100, "end", 0, symbol="BBB", qty=4),
        ),
        interventions={"reduced_margin": 1},
        final_equity=1006,
        last_row=(1006, 0, 1, 0),
    ),
    RuleCase(
        "exits before entries at one open",
        "ZZZ releases the cash that AAA needs, although AAA comes first by name",
        (
            slot("100 101 99 100 | 100 101 99 100 | 100 101 99 100", {1: "long"}, symbol="AAA"),
            slot(
                "100 101 99 100 | 100 101 99 100 | 100 101 99 100", {0: "long", 1: "exit_long"}, symbol="ZZZ"
            ),
        ),
        risk=ALL_OF_EQUITY,
        trades=(
            trade(LONG, at_open(1), 100, at_open(2), 100, "signal", 0, symbol="ZZZ", qty=10),
            trade(LONG, at_open(2), 100, at_close(2), 100, "end", 0, symbol="AAA", qty=10),
        ),
        final_equity=1000,
    ),
    RuleCase(
        "a stop inside the bar comes too late for an entry at its open",
        "cash released inside a bar is there at the next open only",
        (
            slot("100 101 99 100 | 100 101 99 100 | 100 101 99 100", {1: "long"}, symbol="AAA"),
            slot("100 101 99 100 | 100 101 99 100 | 100 101 95 96", {0: "long"}, symbol="ZZZ"),
        ),
        risk=ReferenceRisk(sizing="equity", size=100.0, stop_percent=5.0),
        trades=(trade(LONG, at_open(1), 100, inside(2), 95, "stop", -50, symbol="ZZZ", qty=10),),
        refusals={"insufficient_margin": 1},
        final_equity=950,
    ),
)

THE_END = (
    RuleCase(
        "open at the end",
        "marked at the last close, with the entry fee only",
        (slot("100 101 99 100 | 100 103 99 102", {0: "long"}),),
        risk=BOTH_LEVELS,
        costs=FEES,
        trades=(
            trade(
                LONG,
                at_open(1),
                100,
                at_close(1),
                102,
                "end",
                1.9,
                fees=0.1,
                bars=0,
                r=0.38,
                mae=-0.2,
                mfe=0.6,
            ),
        ),
        final_equity=1001.9,
    ),
    RuleCase(
        "one row of the equity curve",
        "5 bought at 100, close 90: 500 free, 450 / 950 exposed, 5 % below the start",
        (slot("100 101 99 100 | 100 101 89 90", {0: "long"}),),
        risk=fixed(5.0),
        trades=(trade(LONG, at_open(1), 100, at_close(1), 90, "end", -50, qty=5, mae=-0.11, mfe=0.01),),
        final_equity=950,
        last_row=(950, 500, 450 / 950, -0.05),
    ),
    RuleCase(
        "bankrupt",
        "10 sold at 100: all of 1000 is margin and lost at 200; the run stops there, the rest is not walked",
        (
            slot(
                "100 101 99 100 | 100 101 99 100 | 150 200 150 200 | 90 91 89 90",
                {0: "short", 2: "exit_short"},
            ),
        ),
        risk=fixed(10.0),
        trades=(
            trade(SHORT, at_open(1), 100, inside(2), 200, "liquidation", -1000, qty=10, bars=1)
            | {"status": "liquidated"},
        ),
        bankrupt=True,
        final_equity=0,
        equity=(1000, 1000, 0),
        last_row=(0, 0, 0, -1),
    ),
)
