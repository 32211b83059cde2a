"""The rules of whole runs as a table, worked out by hand: sizes, caps, volume and impact.

Unless a row says otherwise: tick 0.5, lot 0.1, 1000 in cash, no costs, leverage 1. A row decides at the close of minute
0 and enters at the open of minute 1, both at 100.
"""

from __future__ import annotations

from tests.support.reference_types import LONG, ReferenceCosts, ReferenceSizing, ReferenceTarget
from tests.support.rule_case import at_close, at_open, trade
from tests.support.run_case import RunCase, atr, percent, rules, run, symbol

FIRST = "100 101 99 100"
START = f"{FIRST} | {FIRST}"
ONE_PERCENT = ReferenceSizing("risk", 1.0)
FEES = ReferenceCosts(taker_fee_percent=1.0, maker_fee_percent=0.1)
KELLY = ReferenceSizing("kelly", 0.5, min_trades=3, start_percent=10.0)
THREE_TRADES = {0: "long", 1: "exit_long", 2: "long", 3: "exit_long", 4: "long", 5: "exit_long", 6: "long"}
TARGET_40 = ReferenceSizing("volatility", 40.0, "volatility:20")

SIZINGS = (
    RunCase(
        "risk per trade",
        "1 % of 1000 = 10 over |100 - 95| = 5: 2",
        run(symbol(START, {0: "long"}), rules(sizing=ONE_PERCENT, stop=percent(5.0))),
        trades=(trade(LONG, at_open(1), 100, at_close(1), 100, "end", 0, qty=2),),
        final_equity=1000,
    ),
    RunCase(
        "risk per trade with its fees",
        "10 / (5 + 100 x 1 % + 95 x 1 %) = 1.439, down to 1.4",
        run(symbol(START, {0: "long"}), rules(sizing=ONE_PERCENT, stop=percent(5.0), costs=FEES)),
        trades=(trade(LONG, at_open(1), 100, at_close(1), 100, "end", -1.4, qty=1.4),),
        final_equity=998.6,
    ),
    RunCase(
        "risk per trade of a limit entry",
        "from P = 99 and S = 94.05 up to 94.5: 10 / (4.5 + 99 x 0.1 % + 94.5 x 1 %) = 1.804, down to 1.8",
        run(
            symbol(f"{FIRST} | 100 101 98.5 99", {0: "long"}),
            rules(entry="limit", offset=percent(1.0), sizing=ONE_PERCENT, stop=percent(5.0), costs=FEES),
        ),
        trades=({"qty": 1.8, "entry_price": 99, "fees": 1.8 * 0.099},),
        final_equity=1000 - 1.8 * 0.099,
    ),
    RunCase(
        "risk per trade by the ATR",
        "10 / (2 x 2.5) = 2",
        run(
            symbol(START, {0: "short"}, levels={"atr:14": {0: 2.5}}),
            rules(sizing=ONE_PERCENT, stop=atr(2.0)),
        ),
        trades=({"qty": 2, "initial_stop": 105},),
        final_equity=1000,
    ),
    RunCase(
        "target volatility",
        "a minute's sigma 0.001 x root 525,600 = 72.498 % a year: 40 / 72.498 = 0.5517 of 2000, down to 11",
        run(
            symbol(START, {0: "long"}, levels={"volatility:20": {0: 0.001}}),
            rules(sizing=TARGET_40),
            cash=2000.0,
        ),
        trades=({"qty": 11},),
        final_equity=2000,
    ),
    RunCase(
        "target volatility where nothing moved",
        "sigma 0, and no sigma at all",
        run(
            (
                symbol(START, {0: "long"}, levels={"volatility:20": {0: 0.0}}),
                symbol(START, {0: "long"}, "BBB"),
            ),
            rules(sizing=TARGET_40),
        ),
        refusals={"no_level": 2},
        final_equity=1000,
    ),
    RunCase(
        "Kelly from the positions closed before",
        "10 % of the equity until there are 3: 1, 1.002 and 1.004 down to 1 each, which win 2, win 2, lose 1. "
        "W = 2/3, R = 2, f = 2/3 - 1/3 / 2 = 1/2, half of it is 1/4 of 1003 = 2.5075, down to 2.5",
        run(
            symbol(
                f"{FIRST} | {FIRST} | 102 103 99 100 | {FIRST} | 102 103 99 100 | {FIRST} | 99 101 98 100 | {FIRST}",
                THREE_TRADES,
            ),
            rules(sizing=KELLY),
        ),
        trades=(
            trade(LONG, at_open(1), 100, at_open(2), 102, "signal", 2, qty=1),
            trade(LONG, at_open(3), 100, at_open(4), 102, "signal", 2, qty=1),
            trade(LONG, at_open(5), 100, at_open(6), 99, "signal", -1, qty=1),
            trade(LONG, at_open(7), 100, at_close(7), 100, "end", 0, qty=2.5),
        ),
        final_equity=1003,
    ),
    RunCase(
        "Kelly without a profit",
        "f = 0, so nothing is bought",
        run(
            symbol(
                f"{FIRST} | {FIRST} | 99 103 98 100 | {FIRST} | 99 103 98 100 | {FIRST} | 99 101 98 100 | {FIRST}",
                THREE_TRADES,
            ),
            # 10 % of 1000 is one lot of ten; of 999 it is 0.999, down to 0.9
            rules(sizing=KELLY),
        ),
        trades=({"qty": 1, "pnl": -1}, {"qty": 0.9, "pnl": -0.9}, {"qty": 0.9, "pnl": -0.9}),
        refusals={"size_zero": 1},
        final_equity=997.2,
    ),
    RunCase(
        "Kelly and a position that neither won nor lost",
        "2, 2, 0 and -1: W = 2/4, R = 2 / 1, f = 1/2 - 1/2 / 2 = 1/4, half of it is 1/8 of 1003 = 1.25, down to 1.2",
        run(
            symbol(
                f"{FIRST} | {FIRST} | 102 103 99 100 | {FIRST} | 102 103 99 100 | {FIRST} | {FIRST} | {FIRST} | "
                f"99 101 98 100 | {FIRST}",
                THREE_TRADES | {7: "exit_long", 8: "long"},
            ),
            rules(sizing=ReferenceSizing("kelly", 0.5, min_trades=4, start_percent=10.0)),
        ),
        trades=({"pnl": 2}, {"pnl": 2}, {"pnl": 0}, {"pnl": -1}, {"qty": 1.2, "exit_reason": "end"}),
        final_equity=1003,
    ),
    RunCase(
        "Kelly counts whole positions",
        "two legs are one: still 20 %, of 1015 at 110 1.845, down to 1.8",
        run(
            symbol(f"{FIRST} | 100 110.5 99 110 | {FIRST}", {0: "long", 1: "long"}),
            rules(
                sizing=ReferenceSizing("kelly", 0.5, min_trades=2, start_percent=20.0),
                stop=percent(5.0),
                targets=(
                    ReferenceTarget(percent(5.0), 50.0),
                    ReferenceTarget(percent(10.0), 50.0),
                ),
            ),
        ),
        trades=({"qty": 1, "pnl": 5}, {"qty": 1, "pnl": 10}, {"qty": 1.8, "entry_price": 100}),
        final_equity=1015,
    ),
    RunCase(
        "a minimum and a maximum between two lots",
        "0.25 means 0.3 at least, and 0.2 at most",
        run(
            (
                symbol(START, {0: "long"}, min_quantity=0.25),
                symbol(START, {0: "long"}, "BBB", max_quantity=0.25),
            ),
            rules(0.2),
        ),
        trades=({"qty": 0.2, "symbol": "BBB"},),
        refusals={"below_min_quantity": 1},
        final_equity=1000,
    ),
    RunCase(
        "exactly the maximum",
        "0.3 of 0.3 is allowed; of 0.25 it is not cut but refused",
        run(
            (
                symbol(START, {0: "long"}, max_quantity=0.3),
                symbol(START, {0: "long"}, "BBB", max_quantity=0.25),
            ),
            rules(0.3),
        ),
        trades=({"qty": 0.3, "symbol": "AAA"},),
        refusals={"above_max_quantity": 1},
        final_equity=1000,
    ),
)

CAPS = (
    RunCase(
        "exposure of one symbol",
        "50 % of 1000 = 500 of the 600 wanted",
        run(symbol(START, {0: "long"}), rules(6.0, max_symbol_exposure_percent=50.0)),
        trades=({"qty": 5},),
        interventions={"reduced_exposure": 1},
        final_equity=1000,
    ),
    RunCase(
        "exposure at the price of the fill",
        "500 / 103 = 4.85, down to 4.8",
        run(
            symbol(f"{FIRST} | 103 104 102 103", {0: "long"}),
            rules(6.0, max_symbol_exposure_percent=50.0),
        ),
        trades=({"qty": 4.8},),
        interventions={"reduced_exposure": 1},
        final_equity=1000,
    ),
    RunCase(
        "exposure of the account",
        "80 % of 1000: AAA takes 500, BBB gets the 300 that are left, CCC nothing",
        run(
            [symbol(START, {0: "long"}, name) for name in ("AAA", "BBB", "CCC")],
            rules(5.0, leverage=5.0, max_exposure_percent=80.0),
        ),
        trades=({"qty": 5, "symbol": "AAA"}, {"qty": 3, "symbol": "BBB"}),
        refusals={"exposure": 1},
        interventions={"reduced_exposure": 1},
        final_equity=1000,
    ),
    RunCase(
        "exposure of one symbol over two strategies",
        "the first holds 300 of the 500 allowed to the second, which wants 500",
        run(
            (symbol(START, {0: "long"}), symbol(START, {0: "long"}, strategy=1)),
            (rules(3.0), rules(5.0, name="other", max_symbol_exposure_percent=50.0)),
        ),
        trades=({"qty": 3, "strategy": "reference"}, {"qty": 2, "strategy": "other"}),
        interventions={"reduced_exposure": 1},
        final_equity=1000,
    ),
    RunCase(
        "exposure at the last close",
        "AAA is worth 5 x 60 = 300 there and the equity 800: 80 % of it is 640, so BBB gets 340 / 100 = 3.4; "
        "a short counts as much as a long",
        run(
            (
                symbol(f"{FIRST} | 100 101 60 60 | 60 61 59 60", {0: "long"}),
                symbol(f"{START} | {FIRST}", {1: "short"}, "BBB"),
            ),
            rules(5.0, max_exposure_percent=80.0),
        ),
        trades=({"qty": 5, "symbol": "AAA"}, {"qty": 3.4, "symbol": "BBB"}),
        interventions={"reduced_exposure": 1},
        final_equity=800,
    ),
    RunCase(
        "exposure of a symbol by the marked equity",
        "AAA has lost 200 of 1000 that are not realised: 50 % of 800 is 400 for BBB",
        run(
            (
                symbol(f"{FIRST} | 100 101 60 60 | 60 61 59 60", {0: "long"}),
                symbol(f"{START} | {FIRST}", {1: "long"}, "BBB"),
            ),
            rules(5.0, max_symbol_exposure_percent=50.0),
        ),
        trades=({"qty": 5, "symbol": "AAA"}, {"qty": 4, "symbol": "BBB"}),
        interventions={"reduced_exposure": 1},
        final_equity=800,
    ),
    RunCase(
        "margin at the price that is paid",
        "100 slip to 101: 1000 / 101 = 9.901, down to 9.9",
        run(symbol(START, {0: "long"}), rules(10.0, costs=ReferenceCosts(slippage_percent=1.0))),
        trades=(trade(LONG, at_open(1), 101, at_close(1), 100, "end", -9.9, qty=9.9),),
        interventions={"reduced_margin": 1},
        final_equity=990.1,
    ),
    RunCase(
        "a minimum that the reduced order misses",
        "6 would do, the 4.5 that 450 afford are less than 5",
        run(symbol(START, {0: "long"}, min_quantity=5.0), rules(6.0), cash=450.0),
        refusals={"below_min_quantity": 1},
        interventions={"reduced_margin": 1},
        final_equity=450,
    ),
    RunCase(
        "spot pays its fee out of the same cash",
        "1000 / (100 + 1) = 9.901, down to 9.9",
        run(
            symbol(START, {0: "long"}, spot=True),
            rules(10.0, direction="long", costs=ReferenceCosts(taker_fee_percent=1.0)),
        ),
        trades=(trade(LONG, at_open(1), 100, at_close(1), 100, "end", -9.9, qty=9.9),),
        interventions={"reduced_margin": 1},
        final_equity=990.1,
    ),
    RunCase(
        "most positions",
        "AAA is open, so BBB may not; when AAA is out it may, at the same open",
        run(
            (
                symbol(f"{FIRST} | {FIRST} | {FIRST}", {0: "long", 1: "exit_long"}),
                symbol(f"{FIRST} | {FIRST} | {FIRST}", {0: "long", 1: "long"}, "BBB"),
            ),
            rules(max_positions=1),
        ),
        trades=({"symbol": "AAA", "exit_time": at_open(2)}, {"symbol": "BBB", "entry_time": at_open(2)}),
        refusals={"max_positions": 1},
        final_equity=1000,
    ),
    RunCase(
        "most positions of each strategy",
        "another strategy's positions do not count",
        run(
            (symbol(START, {0: "long"}), symbol(START, {0: "long"}, "BBB", strategy=1)),
            (rules(max_positions=1), rules(max_positions=1, name="other")),
        ),
        trades=({"symbol": "AAA", "strategy": "reference"}, {"symbol": "BBB", "strategy": "other"}),
        final_equity=1000,
    ),
    RunCase(
        "share of the volume",
        "10 % of the 35.5 of the bar before = 3.55, down to 3.5; the 9000 of the bar of the fill are not known yet",
        run(
            symbol("100 101 99 100 35.5 | 100 101 99 100 9000", {0: "long"}),
            rules(5.0, costs=ReferenceCosts(max_volume_share_percent=10.0)),
        ),
        trades=({"qty": 3.5},),
        interventions={"reduced_volume": 1},
        final_equity=1000,
    ),
    RunCase(
        "no volume",
        "nothing traded in the bar before",
        run(
            symbol("100 101 99 100 0 | 100 101 99 100 9000", {0: "long"}),
            rules(5.0, costs=ReferenceCosts(max_volume_share_percent=10.0)),
        ),
        refusals={"no_volume": 1},
        final_equity=1000,
    ),
    RunCase(
        "an exit whatever the volume",
        "5 in, 5 out, though 10 % of the volume before the exit are 1",
        run(
            symbol("100 101 99 100 50 | 100 101 99 100 10 | 100 101 99 100 10", {0: "long", 1: "exit_long"}),
            rules(5.0, costs=ReferenceCosts(max_volume_share_percent=10.0)),
        ),
        trades=({"qty": 5, "exit_reason": "signal"},),
        final_equity=1000,
    ),
)

SEESAW = " | ".join(["100 101 99 100 4", "100 101 99 101 4"] * 11)
IMPACT = rules(costs=ReferenceCosts(impact=1.0))
IMPACTS = (
    RunCase(
        "impact",
        "20 moves of +-ln 1.01 = 0.00995033: sigma 0.00995033 x root(20/19) = 0.0102088, x root(1/4) = 0.0051044: "
        "100 up to 100.52 on a tick of 0.01. The exit at the next open sees 20 moves of the same size: 99.48",
        run(
            symbol(f"{SEESAW} | 100 101 99 100 4", {20: "long", 21: "exit_long"}, tick=0.01),
            IMPACT,
        ),
        trades=(trade(LONG, at_open(21), 100.52, at_open(22), 99.48, "signal", -1.04, slippage=1.04),),
        final_equity=998.96,
    ),
    RunCase(
        "impact before there is a sigma",
        "at the close of bar 19 only 19 moves are behind: the term is 0",
        run(symbol(SEESAW, {19: "long"}, tick=0.01), IMPACT),
        trades=({"entry_price": 100, "slippage": 0},),
        final_equity=1001,
    ),
    RunCase(
        "impact without volume",
        "the term is 0",
        run(symbol(SEESAW.replace(" 4", " 0"), {20: "long"}, tick=0.01), IMPACT),
        trades=({"entry_price": 100, "slippage": 0},),
        final_equity=1001,
    ),
    RunCase(
        "impact by the volume of the bar before",
        "4 before the entry: 100.52 as above; 100 before the exit: 0.0102088 x root(1/100) = 0.00102: 99.898, down to "
        "99.89; neither the 50 of earlier bars nor the 7 of the bar of the exit",
        run(
            symbol(
                " | ".join(
                    ["100 101 99 100 50", "100 101 99 101 50"] * 10
                    + ["100 101 99 100 4", "100 101 99 101 100", "100 101 99 100 7"]
                ),
                {20: "long", 21: "exit_long"},
                tick=0.01,
            ),
            IMPACT,
        ),
        trades=(trade(LONG, at_open(21), 100.52, at_open(22), 99.89, "signal", -0.63, slippage=0.63),),
        final_equity=999.37,
    ),
)
