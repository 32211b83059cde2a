"""The rules of whole runs as a table, worked out by hand: finer bars, several strategies, the end of a symbol.

Unless a row says otherwise: tick 0.5, lot 0.1, 1000 in cash, no costs, quantity 1, leverage 1. A row decides at the
close of bar 0 and enters at the open of bar 1, both at 100.
"""

from __future__ import annotations

from tests.support.reference_types import LONG, SHORT, ReferenceCosts, ReferenceSizing, ReferenceTrailing
from tests.support.rule_case import MINUTE_MS, at_close, at_open, inside, trade
from tests.support.run_case import RunCase, percent, rules, run, symbol

FIRST = "100 101 99 100"
THREE_MINUTES = rules(timeframe_ms=3 * MINUTE_MS, stop=percent(5.0))

FINER_BARS = (
    RunCase(
        "stop walked on finer bars",
        "bars of 3 minutes; the entry at the open of minute 3, the stop inside minute 4, before the recovery",
        run(
            symbol(
                "100 101 99 100 | 100 106 94 105",
                {0: "long"},
                minutes=3,
                finer=f"{FIRST} | {FIRST} | {FIRST} | 100 101 99 100 | 100 100 94 95 | 95 106 95 105",
            ),
            THREE_MINUTES,
        ),
        trades=(trade(LONG, at_open(3), 100, inside(4), 95, "stop", -5, bars=0, coarse=False),),
        equity=(1000, 1000, 1000, 1000, 995, 995),
        final_equity=995,
    ),
    RunCase(
        "trailing stop walked on finer bars",
        "114 from the high 120 of minute 4, hit in minute 5 of the same bar of 3 minutes",
        run(
            symbol(
                "100 101 99 100 | 100 120 99 115",
                {0: "long"},
                minutes=3,
                finer=f"{FIRST} | {FIRST} | {FIRST} | {FIRST} | 100 120 99 119 | 119 119 113 115",
            ),
            rules(timeframe_ms=3 * MINUTE_MS, trailing=ReferenceTrailing(percent(5.0))),
        ),
        trades=(trade(LONG, at_open(3), 100, inside(5), 114, "trailing", 14, bars=0),),
        final_equity=1014,
    ),
    RunCase(
        "a decision bar whose finer bars are not all there",
        "minute 4 is missing: the bar is walked as itself, and the trade marked",
        run(
            symbol(
                "100 101 99 100 | 100 106 94 105",
                {0: "long"},
                minutes=3,
                finer=f"{FIRST} | {FIRST} | {FIRST} | 100 101 99 100 | - | 95 106 95 105",
            ),
            THREE_MINUTES,
        ),
        trades=(trade(LONG, at_open(3), 100, inside(5), 95, "stop", -5, coarse=True),),
        equity=(1000, 1000, 1000, 995),
        final_equity=995,
    ),
    RunCase(
        "a trade that is held over a coarse bar",
        "entered and left on whole ones: what happened between them is not known as finely",
        run(
            symbol(
                " | ".join([FIRST] * 5),
                {0: "long", 3: "exit_long"},
                minutes=3,
                finer=" | ".join([FIRST] * 6 + ["-"] + [FIRST] * 8),
            ),
            rules(timeframe_ms=3 * MINUTE_MS),
        ),
        trades=(trade(LONG, at_open(3), 100, at_open(12), 100, "signal", 0, coarse=True),),
        final_equity=1000,
    ),
    RunCase(
        "two trades that are held over a coarse bar",
        "of two symbols, on which nothing else happens there; only AAA lacks a minute",
        run(
            [
                symbol(
                    " | ".join([FIRST] * 5),
                    {0: "long", 3: "exit_long"},
                    name,
                    minutes=3,
                    finer=" | ".join([FIRST] * 6 + [seventh] + [FIRST] * 8),
                )
                for name, seventh in (("AAA", "-"), ("BBB", FIRST))
            ],
            rules(timeframe_ms=3 * MINUTE_MS),
        ),
        trades=(
            trade(LONG, at_open(3), 100, at_open(12), 100, "signal", 0, symbol="AAA", coarse=True),
            trade(LONG, at_open(3), 100, at_open(12), 100, "signal", 0, symbol="BBB", coarse=False),
        ),
        final_equity=1000,
    ),
    RunCase(
        "a trade that only leaves in a coarse bar",
        "at its open: touched is enough; the one before is not marked",
        run(
            symbol(
                "100 101 99 100 | 100 101 99 100 | 100 101 99 100 | 100 101 99 100",
                {0: "long", 1: "short", 2: "exit_short"},
                minutes=3,
                finer=" | ".join([FIRST] * 9 + ["-"] + [FIRST] * 2),
            ),
            rules(timeframe_ms=3 * MINUTE_MS),
        ),
        trades=(
            trade(LONG, at_open(3), 100, at_open(6), 100, "reverse", 0, coarse=False),
            trade(SHORT, at_open(6), 100, at_open(9), 100, "signal", 0, coarse=True),
        ),
        final_equity=1000,
    ),
    RunCase(
        "a limit entry lives in decision bars",
        "valid for one bar of 3 minutes: it may fill in minute 5, the last of them",
        run(
            symbol(
                "100 101 99 100 | 100 101 98 100 | 100 101 98 100",
                {0: "long"},
                minutes=3,
                finer=" | ".join([FIRST] * 5 + ["100 101 98 100"] + ["100 101 98 100"] * 3),
            ),
            rules(timeframe_ms=3 * MINUTE_MS, entry="limit", offset=percent(1.0)),
        ),
        trades=(trade(LONG, inside(5), 99, at_close(8), 100, "end", 1, bars=1),),
        final_equity=1001,
    ),
    RunCase(
        "bars are counted by the decision bars",
        "max_bars = 1: in at minute 3, one close at the end of minute 5, out at the open of minute 6",
        run(
            symbol(
                " | ".join([FIRST] * 3),
                {0: "long"},
                minutes=3,
                finer=" | ".join([FIRST] * 6 + ["101 102 100 101"] * 3),
            ),
            rules(timeframe_ms=3 * MINUTE_MS, max_bars=1),
        ),
        trades=(trade(LONG, at_open(3), 100, at_open(6), 101, "time", 1, bars=1),),
        final_equity=1001,
    ),
)

STRATEGIES = (
    RunCase(
        "two strategies on one symbol",
        "each with its own position, of its own side, on one account",
        run(
            (
                symbol(f"{FIRST} | {FIRST} | 104 105 103 104", {0: "long"}),
                symbol(f"{FIRST} | {FIRST} | 104 105 103 104", {0: "short", 1: "exit_short"}, strategy=1),
            ),
            (rules(), rules(2.0, name="other")),
        ),
        trades=(
            {"strategy": "other", "side": SHORT, "pnl": -8, "trade_id": 2},
            {"strategy": "reference", "side": LONG, "pnl": 4, "trade_id": 1},
        ),
        final_equity=996,
    ),
    RunCase(
        "strategies compete in their order, then by the symbol's name",
        "ZZZ of the first strategy takes 6, AAA of the second what is left",
        run(
            (
                symbol(f"{FIRST} | {FIRST}", {0: "long"}, "AAA", strategy=1),
                symbol(f"{FIRST} | {FIRST}", {0: "long"}, "ZZZ"),
            ),
            (rules(6.0), rules(6.0, name="other")),
        ),
        trades=({"symbol": "ZZZ", "qty": 6}, {"symbol": "AAA", "qty": 4}),
        interventions={"reduced_margin": 1},
        final_equity=1000,
    ),
    RunCase(
        "two symbols compete for cash by percent of equity",
        "80 % each of 1000: 8, then the 2 that are left",
        run(
            (
                symbol(f"{FIRST} | {FIRST}", {0: "long"}, "BBB"),
                symbol(f"{FIRST} | {FIRST}", {0: "long"}, "AAA"),
            ),
            rules(sizing=ReferenceSizing("equity", 80.0)),
        ),
        trades=({"symbol": "AAA", "qty": 8}, {"symbol": "BBB", "qty": 2}),
        interventions={"reduced_margin": 1},
        cash=(1000, 0),
        final_equity=1000,
    ),
    RunCase(
        "bars of two lengths meet at their close",
        "a coarse bar of 3 minutes beside minutes: its open is walked at the step of its close",
        run(
            (
                symbol(
                    "100 101 99 100 | 100 101 99 102",
                    {0: "long"},
                    minutes=3,
                    finer=" | ".join([FIRST] * 3 + ["-", FIRST, FIRST]),
                ),
                symbol(
                    "50 51 49 50 | 50 51 49 50", {}, "BBB", minutes=3, finer=" | ".join(["50 51 49 50"] * 6)
                ),
            ),
            rules(timeframe_ms=3 * MINUTE_MS),
        ),
        trades=(trade(LONG, at_open(3), 100, at_close(5), 102, "end", 2, coarse=True),),
        equity=(1000, 1000, 1000, 1000, 1000, 1002),
        final_equity=1002,
    ),
)

DELISTED = (
    RunCase(
        "delisted",
        "its data end with the delivery: out at the last close 104 with the taker fee 0.104, while BBB goes on",
        run(
            (
                symbol(f"{FIRST} | 100 105 99 104", {0: "long"}, delivery_ms=at_open(2)),
                symbol(" | ".join([FIRST] * 4), {}, "BBB"),
            ),
            rules(costs=ReferenceCosts(taker_fee_percent=0.1)),
        ),
        trades=(trade(LONG, at_open(1), 100, at_close(1), 104, "delisted", 3.796, fees=0.204),),
        equity=(1000, 1003.796, 1003.796, 1003.796),
        final_equity=1003.796,
    ),
    RunCase(
        "delisted on a bar on which nothing else happens",
        "alone or beside another symbol",
        run(
            (
                symbol(f"{FIRST} | {FIRST} | {FIRST} | 100 105 99 104", {0: "long"}, delivery_ms=at_open(4)),
                symbol(" | ".join([FIRST] * 5), {}, "BBB"),
            )
        ),
        trades=(trade(LONG, at_open(1), 100, at_close(3), 104, "delisted", 4),),
        final_equity=1004,
    ),
    RunCase(
        "delisted alone on a bar on which nothing else happens",
        "there is no other symbol",
        run(symbol(f"{FIRST} | {FIRST} | {FIRST} | 100 105 99 104", {0: "long"}, delivery_ms=at_open(4))),
        trades=(trade(LONG, at_open(1), 100, at_close(3), 104, "delisted", 4),),
        final_equity=1004,
    ),
    RunCase(
        "not delisted yet",
        "the run ends before the delivery: the position is reported open",
        run(symbol(f"{FIRST} | 100 105 99 104", {0: "long"}, delivery_ms=at_open(3)), rules()),
        trades=(trade(LONG, at_open(1), 100, at_close(1), 104, "end", 4),),
        final_equity=1004,
    ),
)
