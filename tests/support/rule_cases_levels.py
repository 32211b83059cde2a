"""The rules of the simulation as a table, worked out by hand: stops and targets."""

from __future__ import annotations

from tests.support.reference_types import LONG, SHORT
from tests.support.rule_case import RuleCase, at_close, at_open, fixed, inside, slot, trade

BOTH_LEVELS = fixed(stop_percent=5.0, target_percent=5.0)

LEVELS = (
    RuleCase(
        "stop missed by one tick",
        "the low stays above the stop",
        (slot("100 101 99 100 | 100 101 96 100 | 98 99 95.5 97", {0: "long"}),),
        risk=BOTH_LEVELS,
        trades=(trade(LONG, at_open(1), 100, at_close(2), 97, "end", -3, initial_stop=95, r=-0.6, mae=-0.9),),
        final_equity=997,
    ),
    RuleCase(
        "stop touched on its tick",
        "a stop is inclusive: low = stop fills at the stop; of the last bar only the exit counts as excursion",
        (slot("100 101 99 100 | 100 101 96 100 | 98 104 95 97", {0: "long"}),),
        risk=BOTH_LEVELS,
        trades=(
            trade(LONG, at_open(1), 100, inside(2), 95, "stop", -5, bars=1, r=-1, initial_stop=95)
            | {"mae": -1, "mfe": 0.2, "ambiguous": False},
        ),
        final_equity=995,
    ),
    RuleCase(
        "open beyond the stop",
        "a gap fills at the open, worse than the stop",
        (slot("100 101 99 100 | 100 101 96 100 | 93 94 92 93", {0: "long"}),),
        risk=BOTH_LEVELS,
        trades=(trade(LONG, at_open(1), 100, at_open(2), 93, "stop", -7, r=-1.4, mae=-1.4, bars=1),),
        final_equity=993,
    ),
    RuleCase(
        "open on the stop",
        "reached at the open, so it fills at the open",
        (slot("100 101 99 100 | 100 101 96 100 | 95 97 94 96", {0: "long"}),),
        risk=BOTH_LEVELS,
        trades=(trade(LONG, at_open(1), 100, at_open(2), 95, "stop", -5),),
        final_equity=995,
    ),
    RuleCase(
        "open beyond the target",
        "a resting limit that the open has passed fills at the open, better than asked",
        (slot("100 101 99 100 | 100 101 96 100 | 107 108 106 107", {0: "long"}),),
        risk=BOTH_LEVELS,
        trades=(trade(LONG, at_open(1), 100, at_open(2), 107, "target", 7, r=1.4, mfe=1.4, mae=-0.8),),
        final_equity=1007,
    ),
    RuleCase(
        "open on the target",
        "touched is not traded through: the limit rests",
        (slot("100 101 99 100 | 100 101 96 100 | 105 105 103 104", {0: "long"}),),
        risk=BOTH_LEVELS,
        trades=(trade(LONG, at_open(1), 100, at_close(2), 104, "end", 4),),
        final_equity=1004,
    ),
    RuleCase(
        "open on the target, then through it",
        "filled inside the bar, at the target",
        (slot("100 101 99 100 | 100 101 96 100 | 105 105.5 103 104", {0: "long"}),),
        risk=BOTH_LEVELS,
        trades=(trade(LONG, at_open(1), 100, inside(2), 105, "target", 5),),
        final_equity=1005,
    ),
    RuleCase(
        "target touched",
        "high = target does not fill a limit",
        (slot("100 101 99 100 | 100 101 96 100 | 103 105 102 104", {0: "long"}),),
        risk=BOTH_LEVELS,
        trades=(trade(LONG, at_open(1), 100, at_close(2), 104, "end", 4, mfe=1),),
        final_equity=1004,
    ),
    RuleCase(
        "target traded through",
        "one tick beyond fills at the target",
        (slot("100 101 99 100 | 100 101 96 100 | 103 105.5 102 104", {0: "long"}),),
        risk=BOTH_LEVELS,
        trades=(trade(LONG, at_open(1), 100, inside(2), 105, "target", 5, r=1, mfe=1, ambiguous=False),),
        final_equity=1005,
    ),
    RuleCase(
        "stop and target in one bar",
        "nobody knows which came first: the stop is assumed and the trade is marked",
        (slot("100 101 99 100 | 100 101 96 100 | 100 105.5 95 100", {0: "long"}),),
        risk=BOTH_LEVELS,
        trades=(trade(LONG, at_open(1), 100, inside(2), 95, "stop", -5, ambiguous=True, mfe=0.2),),
        final_equity=995,
    ),
    RuleCase(
        "stop hit, target only touched",
        "the target could not have filled, so nothing is ambiguous",
        (slot("100 101 99 100 | 100 101 96 100 | 100 105 95 100", {0: "long"}),),
        risk=BOTH_LEVELS,
        trades=(trade(LONG, at_open(1), 100, inside(2), 95, "stop", -5, ambiguous=False),),
        final_equity=995,
    ),
    RuleCase(
        "stop in the entry bar",
        "a position is at risk from its fill on",
        (slot("100 101 99 100 | 100 101 94 96", {0: "long"}),),
        risk=BOTH_LEVELS,
        trades=(trade(LONG, at_open(1), 100, inside(1), 95, "stop", -5, bars=0, mae=-1, mfe=0),),
        final_equity=995,
    ),
    RuleCase(
        "target alone in the entry bar",
        "it fills when the stop was not touched",
        (slot("100 101 99 100 | 100 106 96 105", {0: "long"}),),
        risk=BOTH_LEVELS,
        trades=(trade(LONG, at_open(1), 100, inside(1), 105, "target", 5, bars=0, mae=0, mfe=1),),
        final_equity=1005,
    ),
    RuleCase(
        "short: stop touched on its tick",
        "the mirror image: high = stop",
        (slot("100 101 99 100 | 100 101 98 100 | 103 105 102 104", {0: "short"}),),
        risk=BOTH_LEVELS,
        trades=(
            trade(
                SHORT, at_open(1), 100, inside(2), 105, "stop", -5, r=-1, mae=-1, mfe=0.4, initial_stop=105
            ),
        ),
        final_equity=995,
    ),
    RuleCase(
        "short: open beyond the stop",
        "fills at the open",
        (slot("100 101 99 100 | 100 101 98 100 | 108 109 107 108", {0: "short"}),),
        risk=BOTH_LEVELS,
        trades=(trade(SHORT, at_open(1), 100, at_open(2), 108, "stop", -8),),
        final_equity=992,
    ),
    RuleCase(
        "short: target touched",
        "low = target does not fill",
        (slot("100 101 99 100 | 100 101 98 100 | 97 98 95 96", {0: "short"}),),
        risk=BOTH_LEVELS,
        trades=(trade(SHORT, at_open(1), 100, at_close(2), 96, "end", 4),),
        final_equity=1004,
    ),
    RuleCase(
        "short: target traded through",
        "one tick below fills at the target",
        (slot("100 101 99 100 | 100 101 98 100 | 97 98 94.5 96", {0: "short"}),),
        risk=BOTH_LEVELS,
        trades=(trade(SHORT, at_open(1), 100, inside(2), 95, "target", 5, r=1, mfe=1, mae=-0.2),),
        final_equity=1005,
    ),
    RuleCase(
        "short: open beyond the target",
        "fills at the open, better",
        (slot("100 101 99 100 | 100 101 98 100 | 92 93 91 92", {0: "short"}),),
        risk=BOTH_LEVELS,
        trades=(trade(SHORT, at_open(1), 100, at_open(2), 92, "target", 8),),
        final_equity=1008,
    ),
    RuleCase(
        "short: stop and target in one bar",
        "the stop is assumed",
        (slot("100 101 99 100 | 100 101 98 100 | 100 105 94.5 100", {0: "short"}),),
        risk=BOTH_LEVELS,
        trades=(trade(SHORT, at_open(1), 100, inside(2), 105, "stop", -5, ambiguous=True),),
        final_equity=995,
    ),
    RuleCase(
        "long levels between two ticks",
        "fill 100.5: the stop 99.495 goes up to 99.5, the target 101.505 down to 101.5: both nearer",
        (slot("100 101 99 100 | 100.5 101 100 100.5 | 100.5 102 99.5 100", {0: "long"}),),
        risk=fixed(stop_percent=1.0, target_percent=1.0),
        trades=(
            trade(LONG, at_open(1), 100.5, inside(2), 99.5, "stop", -1, initial_stop=99.5, ambiguous=True),
        ),
        final_equity=999,
    ),
    RuleCase(
        "short levels between two ticks",
        "fill 100.5: the target 99.495 goes up to 99.5 and is passed at 99; the stop 101.505 down to 101.5",
        (slot("100 101 99 100 | 100.5 101 100 100.5 | 100.5 101 99 100", {0: "short"}),),
        risk=fixed(stop_percent=1.0, target_percent=1.0),
        trades=(trade(SHORT, at_open(1), 100.5, inside(2), 99.5, "target", 1, initial_stop=101.5),),
        final_equity=1001,
    ),
    RuleCase(
        "levels nearer than one tick",
        "0.01 % of 100 is less than a tick: the stop stands one tick below, the target one tick above",
        (slot("100 101 99 100 | 100 100.5 100 100 | 100 101 100 100.5", {0: "long"}),),
        risk=fixed(stop_percent=0.01, target_percent=0.01),
        trades=(trade(LONG, at_open(1), 100, inside(2), 100.5, "target", 0.5, initial_stop=99.5, r=1),),
        final_equity=1000.5,
    ),
    RuleCase(
        "short levels nearer than one tick",
        "the stop stands one tick above; a high that equals it is a hit in the entry bar",
        (slot("100 101 99 100 | 100 100.5 99.5 100", {0: "short"}),),
        risk=fixed(stop_percent=0.01, target_percent=0.01),
        trades=(
            trade(
                SHORT, at_open(1), 100, inside(1), 100.5, "stop", -0.5, initial_stop=100.5, ambiguous=False
            ),
        ),
        final_equity=999.5,
    ),
    RuleCase(
        "excursions on a bar on which nothing else happened",
        "the low 93 and the high 108 of minute 2; without a stop in shares of the entry",
        (
            slot(
                "100 101 99 100 | 100 101 99 100 | 100 108 93 100 | 100 101 99 100 | 100 101 99 100",
                {0: "long", 3: "exit_long"},
            ),
        ),
        trades=(trade(LONG, at_open(1), 100, at_open(4), 100, "signal", 0, mae=-0.07, mfe=0.08, bars=3),),
        final_equity=1000,
    ),
    RuleCase(
        "excursions beside another symbol",
        "the low 93 and the high 108 of minute 2, on which nothing else happened",
        (
            slot(
                "100 101 99 100 | 100 101 99 100 | 100 108 93 100 | 100 101 99 100 | 100 101 99 100",
                {0: "long", 3: "exit_long"},
            ),
            slot(" | ".join(["50 51 49 50"] * 5), {}, symbol="BBB"),
        ),
        trades=(trade(LONG, at_open(1), 100, at_open(4), 100, "signal", 0, mae=-0.07, mfe=0.08),),
        final_equity=1000,
    ),
    RuleCase(
        "gapped stop against a pending exit",
        "the resting stop is first at the open and gives the reason",
        (slot("100 101 99 100 | 100 101 96 97 | 93 94 92 93", {0: "long", 1: "exit_long"}),),
        risk=BOTH_LEVELS,
        trades=(trade(LONG, at_open(1), 100, at_open(2), 93, "stop", -7),),
        final_equity=993,
    ),
    RuleCase(
        "pending exit against a target inside the bar",
        "the exit at the open comes first",
        (slot("100 101 99 100 | 100 101 96 97 | 100 106 94 105", {0: "long", 1: "exit_long"}),),
        risk=BOTH_LEVELS,
        trades=(trade(LONG, at_open(1), 100, at_open(2), 100, "signal", 0, ambiguous=False),),
        final_equity=1000,
    ),
    RuleCase(
        "gapped stop under a pending reversal",
        "the stop closes at the open; the other side is opened there all the same",
        (slot("100 101 99 100 | 100 101 96 97 | 93 94 92 93", {0: "long", 1: "short"}),),
        risk=BOTH_LEVELS,
        trades=(
            trade(LONG, at_open(1), 100, at_open(2), 93, "stop", -7),
            trade(
                SHORT, at_open(2), 93, at_close(2), 93, "end", 0, entry_reason="reverse", initial_stop=97.5
            ),
        ),
        final_equity=993,
    ),
)
