"""The rules of whole runs as a table, worked out by hand: daily loss, drawdown, loss streak.

Unless a row says otherwise: tick 0.5, lot 0.1, 1000 in cash, no costs, leverage 1, 5 bought at the open of minute 1 at
100. In the rows of the daily loss minute 1 closes at 00:00 UTC: it belongs to the day just ended, minute 2 to the next.
"""

from __future__ import annotations

from tests.support.reference_types import LONG, SHORT
from tests.support.rule_case import MINUTE_MS, START_MS, trade
from tests.support.run_case import RunCase, percent, rules, run, symbol

EVENING = START_MS - 2 * MINUTE_MS  # minute 2 opens at 00:00 UTC
FIRST = "100 101 99 100"
DAILY = rules(5.0, max_daily_loss_percent=5.0)
LATCHED = rules(5.0, max_drawdown_percent=10.0)
STREAK = rules(stop=percent(5.0), streak_losses=2, streak_pause_bars=2)


def late(minute: int) -> int:
    """The open of that minute in the rows around midnight."""
    return EVENING + minute * MINUTE_MS


DAILY_LOSS = (
    RunCase(
        "daily loss, against the equity of midnight",
        "990 at 00:00, 942.5 after: 4.8 % less than midnight, though 5.75 % less than the day before began with",
        run(
            symbol(f"{FIRST} | 100 101 98 98 | 98 99 88 88.5 | 88 89 87 88", {0: "long"}, start_ms=EVENING),
            DAILY,
        ),
        trades=(trade(LONG, late(1), 100, late(4), 88, "end", -60),),
        equity=(1000, 990, 942.5, 940),
        interventions={"daily_loss": 1},
        final_equity=940,
    ),
    RunCase(
        "daily loss, reached",
        "940 <= 95 % of 990 = 940.5: out at the next open 87; entries are refused, the next day they are not asked",
        run(
            symbol(
                f"{FIRST} | 100 101 98 98 | 98 99 88 88 | 87 88 86 87 | 87 88 86 87",
                {0: "long", 2: "long", 3: "short", 4: "long"},
                start_ms=EVENING,
            ),
            DAILY,
        ),
        trades=(trade(LONG, late(1), 100, late(3), 87, "daily_loss", -65),),
        equity=(1000, 990, 940, 935, 935),
        refusals={"already_open": 1, "daily_loss": 2},
        interventions={"daily_loss": 1},
        final_equity=935,
    ),
    RunCase(
        "daily loss at midnight",
        "the close at 00:00 is the last of its day: 950 <= 95 % of 1000. Out at the open of the new day, on which "
        "entries are taken again, but not at this close",
        run(
            (
                symbol(
                    f"{FIRST} | 100 101 90 90 | 91 92 90 91 | 91 92 90 92 | 91 92 90 92",
                    {0: "long"},
                    start_ms=EVENING,
                ),
                symbol(
                    f"{FIRST} | {FIRST} | {FIRST} | 100 101 99 101 | 101 102 100 101",
                    {1: "short", 2: "long"},
                    "BBB",
                    start_ms=EVENING,
                ),
            ),
            DAILY,
        ),
        trades=(
            trade(LONG, late(1), 100, late(2), 91, "daily_loss", -45),
            trade(LONG, late(3), 100, late(5), 101, "end", 5, symbol="BBB"),
        ),
        refusals={"daily_loss": 1},
        interventions={"daily_loss": 1},
        equity=(1000, 950, 955, 960, 960),
        final_equity=960,
    ),
    RunCase(
        "daily loss cancels what is pending",
        "BBB waits to buy at 90: cancelled at the breach, so its low of 80 buys nothing",
        run(
            (
                symbol(f"{FIRST} | 89 90 79 89 | 89 90 79 79 | 78 79 77 78", {0: "long"}, start_ms=EVENING),
                symbol(f"{FIRST} | {FIRST} | {FIRST} | 100 101 80 100", {1: "long"}, "BBB", start_ms=EVENING),
            ),
            rules(5.0, entry="limit", offset=percent(10.0), valid_bars=9, max_daily_loss_percent=4.0),
        ),
        # AAA: limit 90, open 89 is better: 5 x 89; at 79 it has lost 50 of 1000
        trades=(trade(LONG, late(1), 89, late(3), 78, "daily_loss", -55),),
        refusals={"daily_loss": 1},
        interventions={"daily_loss": 1},
        final_equity=945,
    ),
    RunCase(
        "limits look at the account and act on their strategy",
        "both lose; the one without a limit stays",
        run(
            (
                symbol(f"{FIRST} | 100 101 90 90 | 90 91 89 90", {0: "long"}),
                symbol(f"{FIRST} | 100 101 90 90 | 90 91 89 90", {0: "long"}, strategy=1),
            ),
            (DAILY, rules(5.0, name="other")),
        ),
        trades=(
            {"strategy": "reference", "exit_reason": "daily_loss", "pnl": -50},
            {"strategy": "other", "exit_reason": "end", "pnl": -50},
        ),
        interventions={"daily_loss": 1},
        final_equity=900,
    ),
    RunCase(
        "a reversal at the close of a daily loss",
        "950 <= 950: the exit keeps the limit's name, the other side is refused",
        run(
            symbol(f"{FIRST} | {FIRST} | 100 101 90 90 | 89 90 88 89", {0: "long", 2: "short"}),
            DAILY,
        ),
        trades=({"exit_reason": "daily_loss", "exit_price": 89, "pnl": -55},),
        refusals={"daily_loss": 1},
        interventions={"daily_loss": 1},
        final_equity=945,
    ),
    RunCase(
        "daily loss and drawdown at one close",
        "both are reached; the daily loss is named, as long as it lasts",
        run(
            symbol(f"{FIRST} | {FIRST} | 100 101 90 90 | 89 90 88 89 | {FIRST}", {0: "long", 3: "long"}),
            rules(5.0, max_daily_loss_percent=5.0, max_drawdown_percent=5.0),
        ),
        trades=({"exit_reason": "daily_loss", "exit_price": 89, "pnl": -55},),
        refusals={"daily_loss": 1},
        interventions={"daily_loss": 1, "drawdown": 1},
        final_equity=945,
    ),
    RunCase(
        "daily loss beside an exit that waits",
        "AAA's exit was decided before its missing bar: it keeps its reason",
        run(
            (
                symbol(f"{FIRST} | {FIRST} | - | 99 100 98 99", {0: "long", 1: "exit_long"}),
                symbol(f"{FIRST} | {FIRST} | 100 101 90 90 | 89 90 88 89", {0: "long"}, "BBB"),
            ),
            DAILY,
        ),
        trades=(
            {"symbol": "AAA", "exit_time": START_MS + 3 * MINUTE_MS, "exit_reason": "signal", "pnl": -5},
            {"symbol": "BBB", "exit_time": START_MS + 3 * MINUTE_MS, "exit_reason": "daily_loss", "pnl": -55},
        ),
        interventions={"daily_loss": 1},
        final_equity=940,
    ),
    RunCase(
        "daily loss while a symbol has no bar",
        "closed at its next open, whenever that is",
        run(
            (
                symbol(f"{FIRST} | {FIRST} | - | - | 99 100 98 99", {0: "long"}),
                symbol(
                    f"{FIRST} | 100 101 90 90 | 89 90 88 89 | 89 90 88 89 | 89 90 88 89", {0: "long"}, "BBB"
                ),
            ),
            DAILY,
        ),
        trades=(
            {"symbol": "BBB", "exit_time": START_MS + 2 * MINUTE_MS, "exit_price": 89},
            {"symbol": "AAA", "exit_time": START_MS + 4 * MINUTE_MS, "exit_reason": "daily_loss"},
        ),
        interventions={"daily_loss": 1},
        final_equity=940,
    ),
    RunCase(
        "daily loss on bars of a day",
        "each bar is a day of its own, which loses 15 of about 1000: 1.5 %, never 2.5 %",
        run(
            symbol(f"{FIRST} | 100 101 97 97 | 97 98 94 94 | 94 95 91 91", {0: "long"}, minutes=1440),
            rules(5.0, timeframe_ms=1440 * MINUTE_MS, max_daily_loss_percent=2.5),
        ),
        trades=({"exit_reason": "end", "pnl": -45},),
        equity=(1000, 985, 970, 955),
        final_equity=955,
    ),
)

DRAWDOWN = (
    RunCase(
        "drawdown",
        "the highest equity is 1050 at 110; 945 = 90 % of it at 89: out at 88 and refused for good",
        run(
            symbol(
                f"{FIRST} | 100 111 99 110 | 110 111 89 89 | 88 89 87 88 | {FIRST} | {FIRST}",
                {0: "long", 3: "long", 4: "short"},
            ),
            LATCHED,
        ),
        trades=({"exit_reason": "drawdown", "exit_price": 88, "pnl": -60},),
        refusals={"drawdown": 2},
        interventions={"drawdown": 1},
        equity=(1000, 1050, 945, 940, 940, 940),
        final_equity=940,
    ),
    RunCase(
        "drawdown from a peak on a bar on which nothing else happened",
        "1050 at the close of minute 2, 945 = 90 % of it at that of minute 3",
        run(
            symbol(f"{FIRST} | {FIRST} | 100 111 99 110 | 110 111 89 89 | 88 89 87 88", {0: "long"}), LATCHED
        ),
        trades=({"exit_reason": "drawdown", "exit_price": 88, "pnl": -60},),
        interventions={"drawdown": 1},
        final_equity=940,
    ),
    RunCase(
        "drawdown that is not reached",
        "947.5 at 89.5; a price inside the bar does not count, only the close",
        run(symbol(f"{FIRST} | 100 111 99 110 | 110 111 80 89.5 | 90 91 89 90", {0: "long"}), LATCHED),
        trades=({"exit_reason": "end", "pnl": -50},),
        final_equity=950,
    ),
    RunCase(
        "drawdown cancels what is pending",
        "BBB waits to buy at 90: cancelled with the drawdown, so its low of 80 buys nothing",
        run(
            (
                symbol(f"{FIRST} | 89 90 79 89 | 89 90 79 79 | 78 79 77 78", {0: "long"}),
                symbol(f"{FIRST} | {FIRST} | {FIRST} | 100 101 80 100", {1: "long"}, "BBB"),
            ),
            rules(5.0, entry="limit", offset=percent(10.0), valid_bars=9, max_drawdown_percent=4.0),
        ),
        trades=({"symbol": "AAA", "exit_reason": "drawdown", "exit_price": 78, "pnl": -55},),
        refusals={"drawdown": 1},
        interventions={"drawdown": 1},
        final_equity=945,
    ),
)

LOSS_STREAK = (
    RunCase(
        "loss streak",
        "stopped in minutes 1 and 2. The second loss pauses to the close of minute 2 plus two bars, that close "
        "included: the closes of 2, 3 and 4 are refused, that of 5 enters",
        run(
            symbol(
                f"{FIRST} | 100 101 95 100 | 100 101 95 100 | {FIRST} | {FIRST} | {FIRST} | {FIRST}",
                {0: "long", 1: "long", 2: "long", 3: "long", 4: "long", 5: "long"},
            ),
            STREAK,
        ),
        trades=(
            {"pnl": -5, "exit_reason": "stop"},
            {"pnl": -5, "exit_reason": "stop"},
            {"pnl": 0, "exit_reason": "end", "entry_time": START_MS + 6 * MINUTE_MS},
        ),
        refusals={"loss_streak": 3},
        interventions={"loss_streak": 1},
        final_equity=990,
    ),
    RunCase(
        "the count begins anew after a loss streak",
        "the third loss, after the pause, is the first of another streak",
        run(
            symbol(
                f"{FIRST} | 100 101 95 100 | 100 101 95 100 | {FIRST} | {FIRST} | {FIRST} | 100 101 95 100 | {FIRST}",
                {0: "long", 1: "long", 5: "long", 6: "long"},
            ),
            STREAK,
        ),
        trades=({"pnl": -5}, {"pnl": -5}, {"pnl": -5}, {"pnl": 0, "exit_reason": "end"}),
        interventions={"loss_streak": 1},
        final_equity=985,
    ),
    RunCase(
        "a profit breaks the streak",
        "loss, profit, loss: no pause",
        run(
            symbol(
                f"{FIRST} | 100 101 95 100 | {FIRST} | 104 105 103 100 | 100 101 95 100 | {FIRST}",
                {0: "long", 1: "long", 2: "exit_long", 3: "long", 4: "long"},
            ),
            STREAK,
        ),
        trades=({"pnl": -5}, {"pnl": 4}, {"pnl": -5}, {"pnl": 0}),
        final_equity=994,
    ),
    RunCase(
        "a streak over several symbols",
        "the losses of AAA and BBB in one bar are two in a row; CCC is refused at that close",
        run(
            (
                symbol(f"{FIRST} | 100 101 95 100 | {FIRST}", {0: "long"}),
                symbol(f"{FIRST} | 100 101 95 100 | {FIRST}", {0: "long"}, "BBB"),
                symbol(f"{FIRST} | {FIRST} | {FIRST}", {1: "long"}, "CCC"),
            ),
            STREAK,
        ),
        trades=({"symbol": "AAA", "pnl": -5}, {"symbol": "BBB", "pnl": -5}),
        refusals={"loss_streak": 1},
        interventions={"loss_streak": 1},
        final_equity=990,
    ),
    RunCase(
        "a position without profit counts as lost",
        "0 is no profit",
        run(
            symbol(
                f"{FIRST} | {FIRST} | {FIRST} | {FIRST} | {FIRST} | {FIRST}",
                {0: "long", 1: "exit_long", 2: "long", 3: "exit_long", 4: "long"},
            ),
            STREAK,
        ),
        trades=({"pnl": 0}, {"pnl": 0}),
        refusals={"loss_streak": 1},
        interventions={"loss_streak": 1},
        final_equity=1000,
    ),
    RunCase(
        "a reversal in a pause",
        "the position is closed, the other side refused",
        run(
            (
                symbol(f"{FIRST} | 100 101 95 100 | {FIRST} | {FIRST}", {0: "long", 1: "long"}),
                symbol(f"{FIRST} | {FIRST} | {FIRST} | {FIRST}", {0: "short", 1: "long"}, "BBB"),
            ),
            rules(stop=percent(5.0), streak_losses=1, streak_pause_bars=2),
        ),
        trades=(
            {"symbol": "AAA", "pnl": -5},
            {"symbol": "BBB", "side": SHORT, "exit_reason": "reverse", "exit_time": START_MS + 2 * MINUTE_MS},
        ),
        refusals={"loss_streak": 2},
        interventions={"loss_streak": 2},
        final_equity=995,
    ),
)
