"""The rules of whole runs as a table, worked out by hand: funding, and positions on spot, which have none.

Unless a row says otherwise: tick 0.5, lot 0.1, 1000 in cash, no costs, quantity 1, leverage 5 or 1, a maintenance rate
of 0.5 %. A row decides at the close of minute 0 and enters at the open of minute 1, both at 100.
"""

from __future__ import annotations

from tests.support.reference_types import LONG, SHORT, ReferenceCosts, ReferenceTarget
from tests.support.rule_case import MINUTE_MS, START_MS, at_close, at_open, inside, trade
from tests.support.run_case import RunCase, percent, rules, run, symbol

FIRST = "100 101 99 100"
START = f"{FIRST} | {FIRST}"
FIVEFOLD = rules(leverage=5.0)
HOUR_MS = 60 * MINUTE_MS

FUNDING = (
    RunCase(
        "funding every hour on bars of four",
        "held into 08:00 and then inside the bar at 09:00, 10:00, 11:00: 4 x 104 x 1 %, at the bar's mark open",
        run(
            symbol(
                "100 101 99 100 | 100 101 99 100 | 104 110 103 108",
                {0: "long"},
                minutes=240,
                funding=[(START_MS + hour * HOUR_MS, 0.01) for hour in (8, 9, 10, 11)],
            ),
            rules(timeframe_ms=4 * HOUR_MS),
        ),
        trades=(
            trade(
                LONG, START_MS + 4 * HOUR_MS, 100, START_MS + 12 * HOUR_MS, 108, "end", 3.84, funding=-4.16
            ),
        ),
        final_equity=1003.84,
    ),
    RunCase(
        "funding at the mark",
        "the mark opens at 110: 1 % of it",
        run(
            symbol(
                f"{START} | 100 101 99 100",
                {0: "long"},
                mark=f"{START} | 110 111 99 100",
                funding=[(at_open(2), 0.01)],
            ),
        ),
        trades=(trade(LONG, at_open(1), 100, at_close(2), 100, "end", -1.1, funding=-1.1),),
        final_equity=998.9,
    ),
    RunCase(
        "funding that the balance cannot pay",
        "40.5 less two margins of 20 leaves 0.5 of the 1 due; AAA's margin pays the rest, so its liquidation moves to "
        "80.5 / 0.995 = 80.905 and its bankruptcy to 80.5: -19.5 - 1; BBB is not touched",
        run(
            (
                symbol(f"{START} | 100 101 80.5 90", {0: "long"}, funding=[(at_open(2), 0.01)]),
                symbol(f"{START} | 100 101 99 100", {0: "long"}, "BBB"),
            ),
            FIVEFOLD,
            cash=40.5,
        ),
        trades=(
            trade(LONG, at_open(1), 100, inside(2), 80.5, "liquidation", -20.5, status="liquidated")
            | {"funding": -1, "symbol": "AAA"},
            trade(LONG, at_open(1), 100, at_close(2), 100, "end", 0, symbol="BBB"),
        ),
        cash=(40.5, 0.5, 0),
        final_equity=20,
    ),
    RunCase(
        "half of a position leaves after its margin paid funding",
        "of 60.5 the margins 40 and 20 leave 0.5 of the 2 due: X = -1.5, half of it with the half that leaves at 105. "
        "The other half has its liquidation at 80.75 / 0.995 = 81.156 and its bankruptcy at 80.75: -19.25 - 1",
        run(
            (
                symbol(
                    f"{START} | 100 105.5 99 105 | 105 106 81 82", {0: "long"}, funding=[(at_open(2), 0.01)]
                ),
                symbol(f"{START} | {FIRST} | {FIRST}", {0: "long"}, strategy=1),
            ),
            (rules(2.0, leverage=5.0, targets=(ReferenceTarget(percent(5.0), 50.0),)), FIVEFOLD),
            cash=60.5,
        ),
        trades=(
            trade(LONG, at_open(1), 100, inside(2), 105, "target", 4, qty=1, funding=-1),
            trade(LONG, at_open(1), 100, inside(3), 80.75, "liquidation", -20.25, qty=1, status="liquidated"),
            trade(LONG, at_open(1), 100, at_close(3), 100, "end", 0),
        ),
        final_equity=44.25,
    ),
    RunCase(
        "funding a moment after the open",
        "out at the open, so not held a millisecond later",
        run(
            symbol(f"{START} | {FIRST}", {0: "long", 1: "exit_long"}, funding=[(at_open(2) + 1, 0.01)]),
        ),
        trades=(trade(LONG, at_open(1), 100, at_open(2), 100, "signal", 0, funding=0),),
        final_equity=1000,
    ),
    RunCase(
        "funding received",
        "goes to the balance, the liquidation stays where it is",
        run(
            symbol(f"{START} | 100 101 80.5 90", {0: "long"}, funding=[(at_open(2), -0.01)]),
            FIVEFOLD,
        ),
        trades=(trade(LONG, at_open(1), 100, at_close(2), 90, "end", -9, funding=1),),
        cash=(1000, 980, 981),
        final_equity=991,
    ),
    RunCase(
        "funding at and after the opens at which a position begins and ends",
        "bars of 4 hours: of 04:00 and 05:00 only the second, 1 of 100; of 08:00 and 09:00 only the first, 1.04 of 104",
        run(
            symbol(
                "100 101 99 100 | 100 101 99 100 | 104 110 103 108",
                {0: "long", 1: "exit_long"},
                minutes=240,
                funding=[(START_MS + hour * HOUR_MS, 0.01) for hour in (4, 5, 8, 9)],
            ),
            rules(timeframe_ms=4 * HOUR_MS),
        ),
        trades=(
            trade(
                LONG, START_MS + 4 * HOUR_MS, 100, START_MS + 8 * HOUR_MS, 104, "signal", 1.96, funding=-2.04
            ),
        ),
        final_equity=1001.96,
    ),
    RunCase(
        "funding from the margin of a long that pays fees",
        "each costs 20 + 1 + 0.8: nothing is left, so all 10 of AAA come from its margin: (80 + 10 / 0.99) / 0.995 = "
        "90.554 liquidates at 90.5; it settles at 80 + 10 with a fee of 0.8. BBB has paid 1",
        run(
            (
                symbol(f"{START} | 100 101 90.5 95", {0: "long"}, funding=[(at_open(2), 0.1)]),
                symbol(f"{START} | {FIRST}", {0: "long"}, "BBB"),
            ),
            rules(leverage=5.0, costs=ReferenceCosts(taker_fee_percent=1.0)),
            cash=43.6,
        ),
        trades=(
            trade(LONG, at_open(1), 100, inside(2), 90, "liquidation", -21.8, status="liquidated", fees=1.8),
            trade(LONG, at_open(1), 100, at_close(2), 100, "end", -1, symbol="BBB"),
        ),
        cash=(43.6, 0, 0),
        final_equity=20.8,
    ),
    RunCase(
        "funding from the margin of a short that pays fees",
        "each costs 20 + 1 + 1.2; (120 - 10 / 1.01) / 1.005 = 109.551: 109.5 does not liquidate",
        run(
            (
                symbol(f"{START} | 100 109.5 99 105", {0: "short"}, funding=[(at_open(2), -0.1)]),
                symbol(f"{START} | {FIRST}", {0: "short"}, "BBB"),
            ),
            rules(leverage=5.0, costs=ReferenceCosts(taker_fee_percent=1.0)),
            cash=44.4,
        ),
        trades=(
            trade(SHORT, at_open(1), 100, at_close(2), 105, "end", -16, funding=-10),
            trade(SHORT, at_open(1), 100, at_close(2), 100, "end", -1, symbol="BBB"),
        ),
        final_equity=27.4,
    ),
    RunCase(
        "spot",
        "no leverage, no liquidation, no funding; all that is paid is margin",
        run(
            symbol(f"{START} | 50 51 0.5 50", {0: "long"}, spot=True, funding=[(at_open(2), 0.01)]),
            rules(direction="long", costs=ReferenceCosts(taker_fee_percent=0.1)),
        ),
        trades=(trade(LONG, at_open(1), 100, at_close(2), 50, "end", -50.1, funding=0),),
        cash=(1000, 899.9, 899.9),
        final_equity=949.9,
    ),
)
