"""The rules of whole runs as a table, worked out by hand: leverage, liquidation, tiers.

Unless a row says otherwise: tick 0.5, lot 0.1, 1000 in cash, no costs, quantity 1, leverage 5, a maintenance rate of
0.5 % without deduction. A row decides at the close of minute 0 and enters at the open of minute 1, both at 100. A long
then has its bankruptcy at 80 and its liquidation at 100 x 0.8 / 0.995 = 80.402, a short 120 and 120 / 1.005 = 119.403.
"""

from __future__ import annotations

from tests.support.reference_types import (
    LONG,
    SHORT,
    ReferenceCosts,
    ReferenceSizing,
    ReferenceTarget,
    ReferenceTier,
)
from tests.support.rule_case import at_close, at_open, inside, trade
from tests.support.run_case import RunCase, percent, rules, run, symbol

FIRST = "100 101 99 100"
START = f"{FIRST} | {FIRST}"
FIVEFOLD = rules(leverage=5.0)
ENDLESS = float("inf")
STEPS = (ReferenceTier(1000.0, 0.005), ReferenceTier(ENDLESS, 0.01, 5.0))
# without maintenance below, so that a long of 10 is liquidated at 80 where its tier is the first
STEEP = (ReferenceTier(1200.0, 0.0), ReferenceTier(5000.0, 0.01), ReferenceTier(ENDLESS, 0.02))
NO_RATE = (ReferenceTier(ENDLESS, 0.0),)

LIQUIDATION = (
    RunCase(
        "liquidated inside the bar",
        "low 80 <= 80.402: at the bankruptcy price, so 20 = the margin is lost",
        run(symbol(f"{START} | 90 91 80 85", {0: "long"}), FIVEFOLD),
        trades=(
            trade(
                LONG, at_open(1), 100, inside(2), 80, "liquidation", -20, status="liquidated", ambiguous=False
            ),
        ),
        final_equity=980,
    ),
    RunCase(
        "not liquidated half a tick above",
        "low 80.5 > 80.402",
        run(symbol(f"{START} | 90 91 80.5 85", {0: "long"}), FIVEFOLD),
        trades=(trade(LONG, at_open(1), 100, at_close(2), 85, "end", -15),),
        final_equity=985,
    ),
    RunCase(
        "a short is liquidated",
        "high 119.5 >= 119.403: at 120",
        run(symbol(f"{START} | 110 119.5 109 112", {0: "short"}), FIVEFOLD),
        trades=(trade(SHORT, at_open(1), 100, inside(2), 120, "liquidation", -20, status="liquidated"),),
        final_equity=980,
    ),
    RunCase(
        "stop before liquidation",
        "the low passes both; 85 is nearer to the open 90",
        run(symbol(f"{START} | 90 91 79 85", {0: "long"}), rules(leverage=5.0, stop=percent(15.0))),
        trades=(trade(LONG, at_open(1), 100, inside(2), 85, "stop", -15),),
        final_equity=985,
    ),
    RunCase(
        "liquidation before stop",
        "the stop at 75 lies beyond 80.402 and never works",
        run(symbol(f"{START} | 90 91 74 85", {0: "long"}), rules(leverage=5.0, stop=percent(25.0))),
        trades=(
            trade(LONG, at_open(1), 100, inside(2), 80, "liquidation", -20, status="liquidated")
            | {"initial_stop": 75, "r": -0.8},
        ),
        final_equity=980,
    ),
    RunCase(
        "stop and liquidation at one price",
        "without maintenance the liquidation is at 80, as the stop: the stop is first",
        run(
            symbol(f"{START} | 90 91 80 85", {0: "long"}, tiers=NO_RATE),
            rules(leverage=5.0, stop=percent(20.0)),
        ),
        trades=(trade(LONG, at_open(1), 100, inside(2), 80, "stop", -20),),
        final_equity=980,
    ),
    RunCase(
        "a gap beyond the bankruptcy price",
        "the open 70 would lose 30; isolated, no more than the margin of 20 is lost",
        run(symbol(f"{START} | 70 71 69 70", {0: "long"}), FIVEFOLD),
        trades=(trade(LONG, at_open(1), 100, at_open(2), 80, "liquidation", -20, status="liquidated"),),
        final_equity=980,
    ),
    RunCase(
        "a gap beyond stop and liquidation",
        "at the open the liquidation is first",
        run(symbol(f"{START} | 70 71 69 70", {0: "long"}), rules(leverage=5.0, stop=percent(5.0))),
        trades=(trade(LONG, at_open(1), 100, at_open(2), 80, "liquidation", -20, status="liquidated"),),
        final_equity=980,
    ),
    RunCase(
        "liquidation and target in one bar",
        "assumed first, and marked",
        run(
            symbol(f"{START} | 100 105.5 80 85", {0: "long"}),
            rules(leverage=5.0, targets=(ReferenceTarget(percent(5.0)),)),
        ),
        trades=(
            trade(
                LONG, at_open(1), 100, inside(2), 80, "liquidation", -20, status="liquidated", ambiguous=True
            ),
        ),
        final_equity=980,
    ),
    RunCase(
        "the mark decides, not the last price",
        "the last price falls to 75, the mark to 81 only; equity is marked at 84",
        run(
            symbol(f"{START} | 90 91 75 85", {0: "long"}, mark=f"{START} | 90 91 81 84"),
            FIVEFOLD,
        ),
        trades=(trade(LONG, at_open(1), 100, at_close(2), 84, "end", -16),),
        final_equity=984,
    ),
    RunCase(
        "equity at the mark among several symbols",
        "AAA closes at 105 and is marked at 104; BBB has no mark but its price",
        run(
            (
                symbol(f"{START} | 100 106 99 105", {0: "long"}, mark=f"{START} | 100 105 99 104"),
                symbol(f"{START} | 100 104 99 103", {0: "long"}, "BBB"),
            ),
            FIVEFOLD,
        ),
        trades=(
            trade(LONG, at_open(1), 100, at_close(2), 104, "end", 4),
            trade(LONG, at_open(1), 100, at_close(2), 103, "end", 3, symbol="BBB"),
        ),
        equity=(1000, 1000, 1007),
        final_equity=1007,
    ),
    RunCase(
        "liquidated by the mark alone",
        "the last price stays at 90, the mark falls to 80",
        run(
            symbol(f"{START} | 90 91 90 90", {0: "long"}, mark=f"{START} | 90 91 80 84"),
            FIVEFOLD,
        ),
        trades=(trade(LONG, at_open(1), 100, inside(2), 80, "liquidation", -20, status="liquidated"),),
        final_equity=980,
    ),
    RunCase(
        "liquidated by the mark's open",
        "the mark opens at 80",
        run(
            symbol(f"{START} | 90 91 90 90", {0: "long"}, mark=f"{START} | 80 91 80 84"),
            FIVEFOLD,
        ),
        trades=(trade(LONG, at_open(1), 100, at_open(2), 80, "liquidation", -20, status="liquidated"),),
        final_equity=980,
    ),
    RunCase(
        "the mark comes to the liquidation price exactly",
        "without maintenance that is 80: touching it at the open or inside is enough",
        run(
            (
                symbol(f"{START} | 90 91 90 90", {0: "long"}, mark=f"{START} | 80 91 80 84", tiers=NO_RATE),
                symbol(f"{START} | 90 91 80 85", {0: "long"}, "BBB", tiers=NO_RATE),
            ),
            FIVEFOLD,
        ),
        trades=(
            trade(LONG, at_open(1), 100, at_open(2), 80, "liquidation", -20, status="liquidated"),
            trade(LONG, at_open(1), 100, inside(2), 80, "liquidation", -20, status="liquidated"),
        ),
        final_equity=960,
    ),
    RunCase(
        "stop and liquidation of a short",
        "both are passed: 115 is nearer to the open than 119.403, 125 is not",
        run(
            (
                symbol(f"{START} | 110 126 109 112", {0: "short"}),
                symbol(f"{START} | 110 126 109 112", {0: "short"}, strategy=1),
            ),
            (rules(leverage=5.0, stop=percent(15.0)), rules(leverage=5.0, stop=percent(25.0))),
        ),
        trades=(
            trade(SHORT, at_open(1), 100, inside(2), 115, "stop", -15),
            trade(SHORT, at_open(1), 100, inside(2), 120, "liquidation", -20, status="liquidated"),
        ),
        final_equity=965,
    ),
    RunCase(
        "fees of a liquidation",
        "0.1 to open, 80 x 0.1 % = 0.08 reserved in the margin of 20.08, all of which is lost",
        run(
            symbol(f"{START} | 90 91 80 85", {0: "long"}),
            rules(leverage=5.0, costs=ReferenceCosts(taker_fee_percent=0.1)),
        ),
        trades=(
            trade(
                LONG, at_open(1), 100, inside(2), 80, "liquidation", -20.18, status="liquidated", fees=0.18
            ),
        ),
        cash=(1000, 979.82, 979.82),
        final_equity=979.82,
    ),
    RunCase(
        "bankrupt by leverage",
        "all of 20 was margin: nothing is left, the run stops there and the open of minute 3 is not walked",
        run(symbol(f"{START} | 90 91 80 85 | {FIRST}", {0: "long", 2: "long"}), FIVEFOLD, cash=20.0),
        trades=(trade(LONG, at_open(1), 100, inside(2), 80, "liquidation", -20, status="liquidated"),),
        equity=(20, 20, 0),
        final_equity=0,
        bankrupt=True,
    ),
    RunCase(
        "worse than bankrupt",
        "the last price gaps to 250 while the mark stays, so the stop of 10 sold at 100 fills there: the loss of 1500 "
        "beyond the cash stands as it is",
        run(
            symbol(f"{START} | 250 251 249 250 | {FIRST}", {0: "short"}, mark=f"{START} | {FIRST} | {FIRST}"),
            rules(10.0, stop=percent(5.0)),
        ),
        trades=(trade(SHORT, at_open(1), 100, at_open(2), 250, "stop", -1500),),
        equity=(1000, 1000, -500),
        last_row=(-500, -500, 0, -1.5),
        final_equity=-500,
        bankrupt=True,
    ),
    RunCase(
        "an unleveraged short is liquidated near twice its entry",
        "B = 200, LP = 200 / 1.005 = 199.005",
        run(symbol(f"{START} | 150 199.5 149 160", {0: "short"}), rules()),
        trades=(trade(SHORT, at_open(1), 100, inside(2), 200, "liquidation", -100, status="liquidated"),),
        final_equity=900,
    ),
    RunCase(
        "an unleveraged long is never liquidated",
        "B = 0",
        run(symbol(f"{START} | 0.5 1 0.5 0.5", {0: "long"}), rules()),
        trades=(trade(LONG, at_open(1), 100, at_close(2), 0.5, "end", -99.5),),
        final_equity=900.5,
    ),
    RunCase(
        "the second tier",
        "20 x 80 = 1600 > 1000: (20 x 80 - 5) / (20 x 0.99) = 80.556, so 80.5 is enough",
        run(symbol(f"{START} | 90 91 80.5 85", {0: "long"}, tiers=STEPS), rules(20.0, leverage=5.0)),
        trades=(trade(LONG, at_open(1), 100, inside(2), 80, "liquidation", -400, status="liquidated"),),
        final_equity=600,
    ),
    RunCase(
        "the tier at the entry is not that at the liquidation",
        "12 x 100 = 1200 is in the second tier: LP (960 - 5) / 11.88 = 80.387, worth 964.6, which is in the first: "
        "960 / 11.94 = 80.402, worth 964.8. So 80.40 liquidates",
        run(
            symbol(f"{START} | 90 91 80.4 85", {0: "long"}, tiers=STEPS, tick=0.01),
            rules(12.0, leverage=5.0),
        ),
        trades=(trade(LONG, at_open(1), 100, inside(2), 80, "liquidation", -240, status="liquidated"),),
        final_equity=760,
    ),
    RunCase(
        "the deduction of the second tier",
        "80.556 as above; without the 5 it would be 1600 / 19.8 = 80.808, so 80.6 tells them apart",
        run(
            symbol(f"{START} | 90 91 80.6 85", {0: "long"}, tiers=STEPS, tick=0.1),
            rules(20.0, leverage=5.0),
        ),
        trades=(trade(LONG, at_open(1), 100, at_close(2), 85, "end", -300),),
        final_equity=700,
    ),
    RunCase(
        "a value of exactly a tier's limit",
        "10 x 120 = 1200 is still in the first tier: the short is liquidated at 120, not at 1200 / 10.1 = 118.8",
        run(symbol(f"{START} | 110 119 109 112", {0: "short"}, tiers=STEEP), rules(10.0, leverage=5.0)),
        trades=(trade(SHORT, at_open(1), 100, at_close(2), 112, "end", -120),),
        final_equity=880,
    ),
)

LEVERAGE = (
    RunCase(
        "leverage caps, it does not multiply",
        "half of the equity is half of the equity: 5, of which a margin of 500 / 5 = 100 is taken",
        run(
            symbol(START, {0: "long"}),
            rules(leverage=5.0, sizing=ReferenceSizing("equity", 50.0)),
        ),
        trades=(trade(LONG, at_open(1), 100, at_close(1), 100, "end", 0, qty=5),),
        cash=(1000, 900),
        final_equity=1000,
    ),
    RunCase(
        "what leverage affords a long",
        "one costs 100 / 5 + 0.1 + 80 x 0.1 % = 20.18; 1000 / 20.18 = 49.55, down to 49.5 of the 100 wanted",
        run(
            symbol(START, {0: "long"}),
            rules(100.0, leverage=5.0, costs=ReferenceCosts(taker_fee_percent=0.1)),
        ),
        trades=(trade(LONG, at_open(1), 100, at_close(1), 100, "end", -4.95, qty=49.5),),
        interventions={"reduced_margin": 1},
        cash=(1000, 1000 - 49.5 * 20.18),
        final_equity=995.05,
    ),
    RunCase(
        "what leverage affords a short",
        "its bankruptcy is dearer: 20 + 0.1 + 120 x 0.1 % = 20.22; 49.456, down to 49.4",
        run(
            symbol(START, {0: "short"}),
            rules(100.0, leverage=5.0, costs=ReferenceCosts(taker_fee_percent=0.1)),
        ),
        trades=(trade(SHORT, at_open(1), 100, at_close(1), 100, "end", -4.94, qty=49.4),),
        interventions={"reduced_margin": 1},
        cash=(1000, 1000 - 49.4 * 20.22),
        final_equity=995.06,
    ),
    RunCase(
        "margin is given back leg by leg",
        "2 at leverage 5 take 40; half leaves at 105 with 5",
        run(
            symbol(f"{START} | 100 105.5 99 105", {0: "long"}),
            rules(2.0, leverage=5.0, targets=(ReferenceTarget(percent(5.0), 50.0),)),
        ),
        trades=(
            trade(LONG, at_open(1), 100, inside(2), 105, "target", 5, qty=1),
            trade(LONG, at_open(1), 100, at_close(2), 105, "end", 5, qty=1),
        ),
        cash=(1000, 960, 985),
        final_equity=1010,
    ),
)
