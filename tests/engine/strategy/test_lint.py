"""What most likely was not meant is said without any data, with the path of the value it is about."""

from __future__ import annotations

from typing import Any

import pytest

from tests.engine.strategy.helpers import builder
from tradebot.engine.strategy import Severity, StrategyBuilder, check_document

WARNING, HINT = Severity.WARNING, Severity.HINT


def made(entry: tuple[str, list[str]] = ("any", ["up"]), **risk: Any) -> StrategyBuilder:
    """Signals of every nature, of which an entry takes some; the position ends after ten bars."""
    strategy = (
        builder()
        .signal("up", "compare", a="close", op=">", b="open", supports="direction", enabled=True)
        .signal("turn", "cross", a="close", b="open")
        .signal("busy", "compare", a="volume", op=">", b=5)
        .signal("late", "time_of_day", start="08:00", end="16:00")
        .signal("dip", "compare", a="close", op="<", b=5, supports="long")
        .signal("top", "compare", a="close", op=">", b=9, supports="short")
        .signal("low", "threshold", source="close", lower=5)
    )
    return strategy.entry(*entry).risk(**{"max_bars": 10, **risk})


def said(strategy: StrategyBuilder) -> list[tuple[str, str]]:
    """Path and first words of every remark, those about unused nodes left out."""
    checked = check_document(strategy.document())
    assert checked.spec is not None, checked.errors
    remarks = [each for each in checked.problems if "is not used by any" not in each.sentence]
    return [(each.path, each.sentence) for each in remarks]


def paths(strategy: StrategyBuilder) -> list[str]:
    return [path for path, _sentence in said(strategy)]


# Conditions and sides ---------------------------------------------------------------------------------


def test_a_condition_inside_any_is_always_a_conflict() -> None:
    assert said(made(("any", ["up", "busy"]))) == [
        (
            "entry.signals.2",
            '"busy" is a condition and supports both sides whenever it is true, which is a conflict and no decision: '
            'combine it by "unanimous", or give it supports = "long" or "short"',
        )
    ]


def test_one_of_several_is_any_too() -> None:
    strategy = made().entry("at_least", ["busy", "up"], k=1)
    assert paths(strategy) == ["entry.signals.1"]
    assert paths(made().entry("at_least", ["busy", "up"], k=2)) == []


def test_a_condition_inside_any_of_a_group_that_the_entry_leads_to() -> None:
    strategy = made().group("inner", "any", ["up", "busy"]).group("outer", "unanimous", ["inner", "turn"])
    assert paths(strategy.entry("any", ["outer"])) == ["groups.inner.signals.2"]


def test_a_rule_over_a_condition_is_a_condition() -> None:
    strategy = made().signal("lately", "within", signal="busy", bars=3)
    assert paths(strategy.entry("any", ["up", "lately"])) == ["entry.signals.2"]


@pytest.mark.parametrize(
    "strategy",
    [
        made(("unanimous", ["up", "busy"])),
        made(("majority", ["up", "turn", "busy"])),
        made(("any", ["dip", "top"])),
        made().group("either", "any", ["busy", "late"]).entry("unanimous", ["either", "up"]),
        made().exit("any", ["up", "busy"]),
        made().signal("quiet", "compare", a="volume", op="<", b=1, enabled=False).entry("any", ["up", "quiet"]),
    ],
    ids=["all", "majority", "one-sided", "conditions alone", "an exit", "switched off"],
)  # fmt: skip
def test_nothing_is_said_about(strategy: StrategyBuilder) -> None:
    assert paths(strategy) == []


def test_an_entry_of_conditions_decides_nothing() -> None:
    (path, sentence), *others = said(made(("unanimous", ["busy", "late"])))
    assert (path, others) == ("entry", [])
    assert sentence.startswith("has nothing but conditions, which support long and short at once")


@pytest.mark.parametrize(
    ("entry", "direction", "sentence"),
    [
        (("any", ["dip"]), "short", "can never open a short: its rules never support that together"),
        (("any", ["top"]), "long", "can never open a long: its rules never support that together"),
        (("unanimous", ["dip", "top"]), "both", "can never open a position: its rules never support that together"),
        (("unanimous", ["top", "low"]), "both", "can never open a position: its rules never support that together"),
        (("majority", ["dip", "top", "low"]), "short", "can never open a short: its rules never support that together"),
    ],
)  # fmt: skip
def test_an_entry_that_never_reaches_an_allowed_side(
    entry: tuple[str, list[str]], direction: str, sentence: str
) -> None:
    assert said(made(entry, direction=direction)) == [("entry", sentence)]


# Exits ------------------------------------------------------------------------------------------------


def test_an_exit_that_can_never_close_the_allowed_side() -> None:
    strategy = made(("any", ["dip"]), direction="long").exit("any", ["dip"])
    assert said(strategy) == [
        (
            "exit",
            "can never close a long: only what supports short closes a long, and it never does; turn its rules round "
            "with invert = true",
        )
    ]
    assert paths(strategy.exit("any", ["top"])) == []
    assert paths(strategy.exit("any", ["busy"])) == []
    assert paths(strategy.exit("unanimous", ["top", "dip"])) == ["exit"]


def test_an_inverted_exit_closes_the_other_side() -> None:
    strategy = made(("any", ["dip"]), direction="long")
    strategy.signal("over", "compare", a="close", op="<", b=5, supports="long", invert=True)
    assert paths(strategy.exit("any", ["over"])) == []


def test_a_threshold_with_one_level_has_one_side() -> None:
    assert paths(made(("any", ["low"]), direction="long").exit("any", ["low"])) == ["exit"]
    assert paths(made(("any", ["top"]), direction="short").exit("any", ["low"])) == []


def test_the_member_of_an_exit_that_does_nothing_is_named() -> None:
    strategy = made(("any", ["dip"]), direction="long").exit("any", ["top", "dip"])
    assert said(strategy) == [
        ("exit.signals.2", '"dip" can never close a long: only what supports short closes a long, and it never does')
    ]  # fmt: skip


# What closes a position -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("entry", "risk", "why"),
    [
        (("any", ["up"]), {"opposite": "ignore"}, "opposite is ignore"),
        (("any", ["dip"]), {"direction": "long"}, "no entry is ever against it"),
    ],
)
def test_a_position_that_nothing_closes(entry: tuple[str, list[str]], risk: dict[str, Any], why: str) -> None:
    assert said(made(entry, **risk, max_bars=0)) == [
        (
            "risk",
            "closes no position: there is no [exit], stop_loss, take_profit, trailing_stop or max_bars, and "
            + why,
        )
    ]


def test_targets_that_leave_a_rest_open() -> None:
    strategy = made(opposite="ignore", max_bars=0, cooldown_bars=1)
    strategy.take_profit("percent", percent=2, share_percent=50)
    strategy.take_profit("percent", percent=4, share_percent=25)
    assert said(strategy) == [
        ("risk.take_profit", "closes 75 % of the quantity, and nothing closes the rest")
    ]
    assert paths(strategy.take_profit("percent", percent=9)) == []
    assert paths(made(max_bars=0)) == []


# A level that holds on --------------------------------------------------------------------------------


def stopped(entry: tuple[str, list[str]], **risk: Any) -> StrategyBuilder:
    return made(entry, **risk).stop_loss("percent", percent=2)


def test_a_level_that_re_enters_after_a_stop_without_cooldown() -> None:
    checked = check_document(stopped(("any", ["up"])).document())
    hints = [each for each in checked.problems if each.severity is HINT]
    assert [each.path for each in hints] == ["risk.cooldown_bars"]
    assert hints[0].sentence == (
        "is 0, and the entry is a level that may hold on: after a stop or target the next close enters again; give it "
        'some bars, or entry.trigger = "edge"'
    )
    assert hints[0].render("s.toml").startswith("s.toml: risk.cooldown_bars: hint: is 0")
    assert hints[0] not in checked.warnings


@pytest.mark.parametrize(
    ("strategy", "is_said"),
    [
        (stopped(("unanimous", ["up", "busy"])), True),
        (stopped(("any", ["up", "turn"])), True),
        (made(("any", ["up"])).trailing_stop("percent", percent=2), True),
        (made(("any", ["up"])).take_profit("percent", percent=2), True),
        (stopped(("any", ["turn"])), False),
        (stopped(("unanimous", ["up", "turn"])), False),
        (stopped(("any", ["up"]), cooldown_bars=1), False),
        (stopped(("any", ["up"])).entry("any", ["up"], trigger="edge"), False),
        (made(("any", ["up"])), False),
        (stopped(("any", ["up"])).signal("w", "within", signal="turn", bars=5).entry("any", ["w"]), True),
        (stopped(("any", ["up"])).signal("h", "held", signal="up", bars=2).entry("any", ["h"]), True),
        (stopped(("any", ["up"])).signal("h", "delay", signal="turn", bars=2).entry("any", ["h"]), False),
    ],
    ids=["levels", "a level or a cross", "trailing", "target", "cross", "cross in a level", "cooldown", "edge",
         "no stop", "within", "held level", "delayed cross"],
)  # fmt: skip
def test_which_entries_hold_on(strategy: StrategyBuilder, is_said: bool) -> None:
    assert ("risk.cooldown_bars" in paths(strategy)) is is_said


# Orders and sizes -------------------------------------------------------------------------------------


def test_values_of_orders_that_are_not_used() -> None:
    assert paths(made().orders("market", "percent", percent=1, valid_bars=3)) == [
        "orders.offset",
        "orders.valid_bars",
    ]
    assert paths(made().orders("limit", "percent", percent=1, valid_bars=3)) == []


def test_a_size_beyond_the_leverage() -> None:
    assert said(made(leverage=2).sizing("equity", percent=250)) == [
        (
            "risk.sizing.percent",
            "is 250, but a leverage of 2 affords 200 % of the equity: every entry is cut down to that",
        )
    ]
    assert paths(made(leverage=2).sizing("equity", percent=200)) == []
    assert paths(made().sizing("kelly", start_percent=150)) == ["risk.sizing.start_percent"]


def test_kelly_beyond_half_and_on_few_trades() -> None:
    assert said(made().sizing("kelly", fraction=0.8, min_trades=10)) == [
        (
            "risk.sizing.fraction",
            "is 0.8: beyond 0.5 an edge estimated a little too high loses more than it brings",
        ),
        ("risk.sizing.min_trades", "is 10: fewer than 30 closed trades say little about an edge"),
    ]
    assert paths(made().sizing("kelly", fraction=0.5, min_trades=30)) == []


def test_a_stop_behind_the_liquidation() -> None:
    strategy = made(leverage=10, cooldown_bars=1).stop_loss("percent", percent=12)
    assert said(strategy) == [
        (
            "risk.stop_loss.percent",
            "is 12, but with a leverage of 10 the position is liquidated before a loss of 10 %: the stop is never "
            "reached",
        )
    ]
    assert paths(strategy.stop_loss("percent", percent=8)) == []
    assert paths(made(cooldown_bars=1).stop_loss("percent", percent=99)) == []


def test_chains_of_any_length_are_looked_through() -> None:
    strategy = made()
    strategy.group("g0", "any", ["up", "busy"])
    for level in range(1, 1500):
        strategy.group(f"g{level}", "any", [f"g{level - 1}"])
    assert paths(strategy.entry("any", ["g1499"])) == ["groups.g0.signals.2"]
