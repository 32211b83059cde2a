"""The rules of whole runs as a table, worked out by hand: limit and stop entries.

Unless a row says otherwise: tick 0.5, lot 0.1, no minimum, 1000 in cash, no costs, quantity 1, leverage 1. A row
decides at the close of minute 0 (at 100), so that a limit of 1 % stands at 99 for a long and 101 for a short, a stop
entry the other way round; it lives during minute 1 unless `valid_bars` says more.
"""

from __future__ import annotations

from tests.support.reference_types import LONG, SHORT, ReferenceCosts, ReferenceSizing, ReferenceTarget
from tests.support.rule_case import at_close, at_open, inside, trade
from tests.support.run_case import RunCase, atr, percent, rules, run, symbol

FEES = ReferenceCosts(taker_fee_percent=0.1, maker_fee_percent=0.02)
LIMIT = rules(entry="limit", offset=percent(1.0))
STOP = rules(entry="stop", offset=percent(1.0))
FIRST = "100 101 99 100"

LIMIT_ENTRIES = (
    RunCase(
        "limit entry touched",
        "low = 99 is not traded through; after its one bar the order ends",
        run(symbol(f"{FIRST} | 100 101 99 100 | 100 101 90 100", {0: "long"}), LIMIT),
        refusals={"expired": 1},
        final_equity=1000,
    ),
    RunCase(
        "limit entry traded through",
        "one tick below 99 fills at 99, as maker: 99 x 0.02 % = 0.0198",
        run(
            symbol(f"{FIRST} | 100 101 98.5 100", {0: "long"}),
            rules(entry="limit", offset=percent(1.0), costs=FEES),
        ),
        trades=(trade(LONG, inside(1), 99, at_close(1), 100, "end", 0.9802, fees=0.0198, slippage=0),),
        final_equity=1000.9802,
    ),
    RunCase(
        "limit entry passed by the open of its first bar",
        "it fills at the open on arrival, better than asked, as taker: 98 x 0.1 % = 0.098",
        run(
            symbol(f"{FIRST} | 98 101 97 100", {0: "long"}),
            rules(entry="limit", offset=percent(1.0), costs=FEES),
        ),
        trades=(trade(LONG, at_open(1), 98, at_close(1), 100, "end", 1.902, fees=0.098),),
        final_equity=1001.902,
    ),
    RunCase(
        "limit entry passed by a later open",
        "it rested, so it makes: 98 x 0.02 % = 0.0196",
        run(
            symbol(f"{FIRST} | 100 101 99 100 | 98 101 97 100", {0: "long"}),
            rules(entry="limit", offset=percent(1.0), valid_bars=2, costs=FEES),
        ),
        trades=(trade(LONG, at_open(2), 98, at_close(2), 100, "end", 1.9804, fees=0.0196),),
        final_equity=1001.9804,
    ),
    RunCase(
        "limit entry at the open",
        "an open on 99 is touched, not better",
        run(symbol(f"{FIRST} | 99 100 99 100", {0: "long"}), LIMIT),
        refusals={"expired": 1},
        final_equity=1000,
    ),
    RunCase(
        "limit entry has no slippage",
        "at the open or inside, it fills at its price or better",
        run(
            symbol(f"{FIRST} | 98 101 97 100", {0: "long"}),
            rules(entry="limit", offset=percent(1.0), costs=ReferenceCosts(slippage_percent=2.0)),
        ),
        trades=(trade(LONG, at_open(1), 98, at_close(1), 100, "end", 2, slippage=0),),
        final_equity=1002,
    ),
    RunCase(
        "limit entry without an offset",
        "it stands at the close itself, 100",
        run(symbol(f"{FIRST} | 100 101 99.5 101", {0: "long"}), rules(entry="limit")),
        trades=(trade(LONG, inside(1), 100, at_close(1), 101, "end", 1),),
        final_equity=1001,
    ),
    RunCase(
        "limit entry of a short",
        "101, traded through at 101.5",
        run(symbol(f"{FIRST} | 100 101.5 99 100", {0: "short"}), LIMIT),
        trades=(trade(SHORT, inside(1), 101, at_close(1), 100, "end", 1),),
        final_equity=1001,
    ),
    RunCase(
        "limit entries between two ticks",
        "close 100.5: the buy 99.495 goes down to 99, the sale 101.505 up to 102: both passive",
        run(
            (
                symbol("100 101 99 100.5 | 100.5 101 98.5 100", {0: "long"}),
                symbol("100 101 99 100.5 | 100.5 102.5 100 101", {0: "short"}, "BBB"),
            ),
            LIMIT,
        ),
        trades=(
            trade(LONG, inside(1), 99, at_close(1), 100, "end", 1),
            trade(SHORT, inside(1), 102, at_close(1), 101, "end", 1),
        ),
        final_equity=1002,
    ),
    RunCase(
        "limit entry by the ATR of its bar",
        "100 - 2 x 1.5 = 97",
        run(
            symbol(f"{FIRST} | 100 101 96.5 100", {0: "long"}, levels={"atr:14": {0: 1.5, 1: 9.0}}),
            rules(entry="limit", offset=atr(2.0)),
        ),
        trades=(trade(LONG, inside(1), 97, at_close(1), 100, "end", 3),),
        final_equity=1003,
    ),
    RunCase(
        "limit entry without its ATR",
        "no price can be worked out",
        run(symbol(f"{FIRST} | 100 101 96.5 100", {0: "long"}), rules(entry="limit", offset=atr(2.0))),
        refusals={"no_level": 1},
        final_equity=1000,
    ),
    RunCase(
        "limit entry valid for two bars",
        "it lives in minutes 1 and 2; minute 3 trades through it in vain",
        run(
            symbol(f"{FIRST} | {FIRST} | {FIRST} | 100 101 90 100", {0: "long"}),
            rules(entry="limit", offset=percent(1.0), valid_bars=2),
        ),
        refusals={"expired": 1},
        final_equity=1000,
    ),
    RunCase(
        "decisions while a limit entry is pending",
        "dropped at the close of minute 1; at that of minute 2 the order has ended and a new one is taken",
        run(
            symbol(f"{FIRST} | {FIRST} | {FIRST} | 100 101 98 100", {0: "long", 1: "long", 2: "long"}),
            rules(entry="limit", offset=percent(1.0), valid_bars=2),
        ),
        trades=(trade(LONG, inside(3), 99, at_close(3), 100, "end", 1),),
        refusals={"already_pending": 1, "expired": 1},
        final_equity=1001,
    ),
    RunCase(
        "stop in the entry bar of a limit",
        "fill 99, stop 94.05 up to 94.5: the price came through 99 on its way there",
        run(
            symbol(f"{FIRST} | 100 101 94.5 100", {0: "long"}),
            rules(entry="limit", offset=percent(1.0), stop=percent(5.0)),
        ),
        trades=(trade(LONG, inside(1), 99, inside(1), 94.5, "stop", -4.5, ambiguous=False, bars=0),),
        final_equity=995.5,
    ),
    RunCase(
        "target in the entry bar of a limit",
        "the high of 105 may have been before the fill: target 103.95 down to 103.5 waits for the next open",
        run(
            symbol(f"{FIRST} | 100 105 98.5 103 | 104 105 103 104", {0: "long"}),
            rules(entry="limit", offset=percent(1.0), targets=(ReferenceTarget(percent(5.0)),)),
        ),
        trades=(trade(LONG, inside(1), 99, at_open(2), 104, "target", 5),),
        final_equity=1005,
    ),
    RunCase(
        "size of a limit entry",
        "from its own price: 50 % of 1000 / 99 = 5.05, down to 5",
        run(
            symbol(f"{FIRST} | 100 101 98.5 100", {0: "long"}),
            rules(entry="limit", offset=percent(1.0), sizing=ReferenceSizing("equity", 50.0)),
        ),
        trades=(trade(LONG, inside(1), 99, at_close(1), 100, "end", 5, qty=5),),
        final_equity=1005,
    ),
    RunCase(
        "resting orders reserve cash",
        "AAA reserves 6 x 99 = 594; 406 / 99 = 4.10 leave BBB 4.1; when they end all is free again",
        run(
            (
                symbol(f"{FIRST} | {FIRST} | 100 101 98 100 | {FIRST}", {0: "long"}),
                symbol(f"{FIRST} | {FIRST} | {FIRST} | {FIRST}", {0: "long"}, "BBB"),
            ),
            rules(6.0, entry="limit", offset=percent(1.0), valid_bars=3),
        ),
        trades=(trade(LONG, inside(2), 99, at_close(3), 100, "end", 6, symbol="AAA", qty=6),),
        refusals={"expired": 1},
        interventions={"reduced_margin": 1},
        cash=(1000, 1000 - 594 - 405.9, 1000 - 594 - 405.9, 406),
        final_equity=1006,
    ),
    RunCase(
        "what a resting order reserves",
        "leverage 5, taker 0.1 %: 10 x (99 / 5 + 2 x 0.099) = 199.98",
        run(
            symbol(f"{FIRST} | {FIRST} | {FIRST}", {0: "long"}),
            rules(10.0, entry="limit", offset=percent(1.0), valid_bars=9, leverage=5.0, costs=FEES),
        ),
        cash=(1000, 800.02, 800.02),
        final_equity=1000,
    ),
    RunCase(
        "cash that is just enough to rest",
        "990 / 99 = 10: nothing is reduced",
        run(
            symbol(f"{FIRST} | {FIRST}", {0: "long"}),
            rules(10.0, entry="limit", offset=percent(1.0)),
            cash=990.0,
        ),
        refusals={"expired": 1},
        final_equity=990,
    ),
    RunCase(
        "no cash to rest",
        "5 / 99 is less than a lot",
        run(symbol(f"{FIRST} | {FIRST} | {FIRST}", {0: "long"}), LIMIT, cash=5.0),
        refusals={"insufficient_margin": 1},
        final_equity=5,
    ),
    RunCase(
        "limit entry whose bars are missing",
        "its first bar opens one bar late: not too late for a market order, but the minute it lived for is over",
        run(symbol(f"{FIRST} | - | 100 101 98 100", {0: "long"}), LIMIT),
        refusals={"expired": 1},
        final_equity=1000,
    ),
    RunCase(
        "limit entry two bars late",
        "cancelled like any entry, though it was valid for longer",
        run(
            symbol(f"{FIRST} | - | - | 100 101 98 100", {0: "long"}),
            rules(entry="limit", offset=percent(1.0), valid_bars=9),
        ),
        refusals={"gap": 1},
        final_equity=1000,
    ),
    RunCase(
        "reversal by a limit",
        "out at the open 100, the sale waits at 101 and is traded through in the same bar",
        run(
            symbol(f"{FIRST} | 100 101 98.5 100 | 100 101.5 99 100.5", {0: "long", 1: "short"}),
            LIMIT,
        ),
        trades=(
            trade(LONG, inside(1), 99, at_open(2), 100, "reverse", 1),
            trade(SHORT, inside(2), 101, at_close(2), 100.5, "end", 0.5, entry_reason="reverse"),
        ),
        final_equity=1001.5,
    ),
    RunCase(
        "limit entry of nothing",
        "the close 0.5 less 100 % is no price",
        run(
            symbol("0.5 0.5 0.5 0.5 | 0.5 1 0.5 1", {0: "long"}), rules(entry="limit", offset=percent(100.0))
        ),
        refusals={"no_level": 1},
        final_equity=1000,
    ),
)

STOP_ENTRIES = (
    RunCase(
        "stop entry missed by a tick",
        "high 100.5 < 101",
        run(symbol(f"{FIRST} | 100 100.5 99 100", {0: "long"}), STOP),
        refusals={"expired": 1},
        final_equity=1000,
    ),
    RunCase(
        "stop entry touched",
        "high = 101 is enough; 101 x 1.005 = 101.505, up to 102, as taker: 0.102",
        run(
            symbol(f"{FIRST} | 100 101 99 100", {0: "long"}),
            rules(entry="stop", offset=percent(1.0), costs=ReferenceCosts(0.1, 0.02, slippage_percent=0.5)),
        ),
        trades=(trade(LONG, inside(1), 102, at_close(1), 100, "end", -2.102, slippage=1, fees=0.102),),
        final_equity=997.898,
    ),
    RunCase(
        "stop entry passed by the open",
        "103 x 1.005 = 103.515, up to 104",
        run(
            symbol(f"{FIRST} | 103 104 102 104", {0: "long"}),
            rules(entry="stop", offset=percent(1.0), costs=ReferenceCosts(slippage_percent=0.5)),
        ),
        trades=(trade(LONG, at_open(1), 104, at_close(1), 104, "end", 0, slippage=1),),
        final_equity=1000,
    ),
    RunCase(
        "stop entry met by the open",
        "an open on 101 is enough",
        run(symbol(f"{FIRST} | 101 102 100 101", {0: "long"}), STOP),
        trades=(trade(LONG, at_open(1), 101, at_close(1), 101, "end", 0),),
        final_equity=1000,
    ),
    RunCase(
        "stop entry of a short",
        "99, touched",
        run(symbol(f"{FIRST} | 100 100.5 99 98", {0: "short"}), STOP),
        trades=(trade(SHORT, inside(1), 99, at_close(1), 98, "end", 1),),
        final_equity=1001,
    ),
    RunCase(
        "stop entries between two ticks",
        "close 100.5: the buy 101.505 goes up to 102, the sale 99.495 down to 99",
        run(
            (
                symbol("100 101 99 100.5 | 100.5 102 101 102", {0: "long"}),
                symbol("100 101 99 100.5 | 100.5 101 99 99", {0: "short"}, "BBB"),
            ),
            STOP,
        ),
        trades=(
            trade(LONG, inside(1), 102, at_close(1), 102, "end", 0),
            trade(SHORT, inside(1), 99, at_close(1), 99, "end", 0),
        ),
        final_equity=1000,
    ),
    RunCase(
        "stop loss in the entry bar of a stop entry",
        "fill 101, stop 95.95 up to 96: which came first is unknown, so the worse is assumed and marked",
        run(
            symbol(f"{FIRST} | 100 102 95 97", {0: "long"}),
            rules(entry="stop", offset=percent(1.0), stop=percent(5.0)),
        ),
        trades=(trade(LONG, inside(1), 101, inside(1), 96, "stop", -5, ambiguous=True),),
        final_equity=995,
    ),
    RunCase(
        "stop loss above the open of the entry bar",
        "fill 101, stop 100.495 up to 100.5: the open 100 was before the fill, so the stop is the price",
        run(
            symbol(f"{FIRST} | 100 102 99.5 101", {0: "long"}),
            rules(entry="stop", offset=percent(1.0), stop=percent(0.5)),
        ),
        trades=(trade(LONG, inside(1), 101, inside(1), 100.5, "stop", -0.5, ambiguous=True),),
        final_equity=999.5,
    ),
    RunCase(
        "extremes of the entry bar of a stop entry",
        "from its close 105.5 only: the high 110 does not bring break-even, which would be hit at 101",
        run(
            symbol(f"{FIRST} | 100 110 100 105.5 | 105.5 106 101 103", {0: "long"}),
            rules(entry="stop", offset=percent(1.0), break_even_at_r=1.0, stop=percent(5.0)),
        ),
        trades=(trade(LONG, inside(1), 101, at_close(2), 103, "end", 2, mfe=1, mae=0, initial_stop=96),),
        final_equity=1002,
    ),
)
