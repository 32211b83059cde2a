"""Fault plans: what is understood, and what is refused with which sentence."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tradebot.engine.control.errors import InputError
from tradebot.engine.market import MINUTE_MS
from tradebot.engine.simulator.faults import FaultPlan, FaultRule, parse_plan, random_plan, read_plan
from tradebot.engine.simulator.faults.kinds import KINDS, Side
from tradebot.engine.simulator.faults.rule import Place, Trigger

START = 1_793_000_000_000


def written(folder: Path, text: str, name: str = "plan.toml") -> Path:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return file


def test_a_plan_in_toml_says_what_where_when_and_how_long(tmp_path: Path) -> None:
    file = written(
        tmp_path,
        """
        [[fault]]
        kind = "latency"
        where = "/v5/market/*"
        symbol = "BTC*"
        seconds = 2
        jitter_seconds = 0.5
        every = 7
        from = "+90s"
        until = 2026-11-01T12:00:00

        [[fault]]
        kind = "drop"
        """,
    )
    plan = read_plan(file, START)
    assert plan.rules == (
        FaultRule(
            "latency", "/v5/market/*", "BTC*", every=7, from_ms=START + 90_000, until_ms=1_793_534_400_000,
            seconds=2.0, jitter_seconds=0.5,
        ),
        FaultRule("drop", code=1006),
    )  # fmt: skip


def test_a_plan_can_be_written_down_and_read_again(tmp_path: Path) -> None:
    for seed in range(50):
        plan = random_plan(seed, START, 30 * MINUTE_MS, ("BTCUSDT",), listed_later=("XRPUSDT",), bans=True)
        assert read_plan(written(tmp_path, plan.to_json(), "plan.json"), START) == plan


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[[fault]]\nkind = 3", 'line 1, fault 1: there is no kind "3".'),
        ('\n[[fault]]\nkind = "lattency"', 'line 2, fault 1: there is no kind "lattency". Did you mean "latency"?'),
        ("[[fault]]\nwhere = '*'", 'line 1, fault 1: the key "kind" is missing; it is one of latency, reset'),
        (
            "[[fault]]\nkind = 'reset'\n\n[[fault]]\nkind = 'reset'\nprobabilty = 0.5",
            'line 4, fault 2: "reset" has no key "probabilty". Did you mean "probability"?',
        ),
        ("[[fault]]\nkind = 'reset'\nseconds = 3", '"reset" has no key "seconds". It knows category, count,'),
        (
            "[[fault]]\nkind = 'reset'\nprobability = 1.5",
            'fault 1, key "probability": it must be a number from 0 to 1, was 1.5.',
        ),
        ("[[fault]]\nkind = 'reset'\nnth = 0", 'key "nth": it must be a whole number from 1, was 0.'),
        ("[[fault]]\nkind = 'reset'\nnth = true", 'key "nth": it must be a whole number from 1, was true.'),
        ("[[fault]]\nkind = 'latency'\nseconds = nan", 'key "seconds": it must be a number from 0 to 86400'),
        ("[[fault]]\nkind = 'latency'\nseconds = '3'", 'key "seconds": it must be a number from 0 to 86400, was "3".'),
        ("[[fault]]\nkind = 'reset'\nsymbol = 'btcusdt'", 'key "symbol": it must be upper case, "BTCUSDT", was'),
        (
            "[[fault]]\nkind = 'reset'\ncategory = 'liner'",
            "it must be one of linear, inverse, spot, option, *, was \"liner\". Did you mean \"linear\"?",
        ),
        ("[[fault]]\nkind = 'reset'\ninterval = '7'", 'key "interval": it must be an interval of the exchange'),
        ("[[fault]]\nkind = 'drop'\ncode = 1002", 'key "code": it must be one of 1000, 1001, 1006, was 1002.'),
        ("[[fault]]\nkind = 'html'\nstatus = 200", 'key "status": it must be one of 400, 403,'),
        ("[[fault]]\nkind = 'reset'\nfrom = 'soon'", 'key "from": it must be a UTC date and time, milliseconds, or a'),
        ("[[fault]]\nkind = 'reset'\nfrom = '+9s'\nuntil = '+9s'", 'key "until": it must be later than from, was '),
        ("[[fault]]\nkind = 'hole'\nsymbol = 'BTCUSDT'\nfrom = '+9s'", 'fault 1: "hole" needs the key "until" too.'),
        ("[[fault]]\nkind = 'delist'\nsymbol = 'X'\nfrom = '+9s'\nnth = 3", '"delist" has no key "nth". It knows'),
        ("fault = 3", "plan.toml: fault must be a list of rules; begin each with [[fault]]."),
        ("[[fault]]\nkind = ", "plan.toml, at its end: this is not valid TOML, expected [[fault]] tables"),
        ("[[fault]]\nkind = reset", "plan.toml, line 2, column 8: this is not valid TOML, expected [[fault]]"),
        ("[[faults]]\nkind = 'reset'", 'there is no key "faults" in a fault plan. Did you mean "fault"?'),
        ("fault = [3]", 'fault 1: a rule is a table of keys, such as kind = "reset".'),
    ],
)  # fmt: skip
def test_what_a_plan_gets_wrong_is_said_with_its_place(tmp_path: Path, text: str, sentence: str) -> None:
    file = written(tmp_path, text)
    with pytest.raises(InputError) as refused:
        read_plan(file, START)
    assert refused.value.sentence.startswith(str(file))
    assert sentence in refused.value.sentence


def test_files_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="There is no fault plan"):
        read_plan(tmp_path / "none.toml", START)
    with pytest.raises(InputError, match="cannot be read; it must be a UTF-8 text file"):
        read_plan(tmp_path, START)
    with pytest.raises(InputError, match="line 1, column 2: this is not JSON"):
        read_plan(written(tmp_path, "{", "plan.json"), START)
    with pytest.raises(InputError, match="expected an object"):
        parse_plan(json.loads("[]"), "request", START)


def strikes(rule: FaultRule, calls: int, seed: int = 1) -> list[int]:
    trigger = Trigger(1, rule, seed)
    place = Place("/v5/market/kline", "BTCUSDT", "linear", "1")
    return [call for call in range(1, calls + 1) if trigger.fires(place, START)]


def test_when_a_rule_strikes() -> None:
    assert strikes(FaultRule("reset", nth=3), 9) == [3]
    assert strikes(FaultRule("reset", every=4), 9) == [4, 8]
    assert strikes(FaultRule("reset", count=2), 9) == [1, 2]
    assert strikes(FaultRule("reset", every=2, count=2), 9) == [2, 4]
    assert strikes(FaultRule("reset", from_ms=START), 2) == [1, 2]
    assert strikes(FaultRule("reset", from_ms=START + 1), 2) == []
    assert strikes(FaultRule("reset", until_ms=START), 2) == []
    by_chance = strikes(FaultRule("reset", probability=0.25), 4000)
    assert 900 < len(by_chance) < 1100
    assert by_chance == strikes(FaultRule("reset", probability=0.25), 4000)
    assert by_chance != strikes(FaultRule("reset", probability=0.25), 4000, seed=2)


def test_where_a_rule_looks() -> None:
    request = Place.of_request("/v5/market/kline", {"symbol": "BTCUSDT", "interval": "60"})
    frame = Place.of_topic("spot", "kline.1.ETHUSDT")
    assert request == Place("/v5/market/kline", "BTCUSDT", "linear", "60")
    assert frame == Place("kline.1.ETHUSDT", "ETHUSDT", "spot", "1")
    for rule, there in (
        (FaultRule("reset"), (True, True)),
        (FaultRule("reset", where="/v5/market/*"), (True, False)),
        (FaultRule("late", where="kline.*.ETH*"), (False, True)),
        (FaultRule("reset", symbol="BTC*"), (True, False)),
        (FaultRule("reset", category="spot"), (False, True)),
        (FaultRule("reset", interval="60"), (True, False)),
    ):
        assert (rule.matches(request), rule.matches(frame)) == there


def test_plans_drawn_from_a_number_vary_and_end_calmly() -> None:
    span, calm = 30 * MINUTE_MS, 5 * MINUTE_MS
    plans = [
        random_plan(seed, START, span, ("BTCUSDT",), calm, ("XRPUSDT",), ("ETHUSDT",), bans=True)
        for seed in range(300)
    ]
    kinds = {rule.kind for plan in plans for rule in plan.rules}
    assert kinds == set(KINDS)
    assert len({plan.to_json() for plan in plans}) == 300
    assert plans[7] == random_plan(7, START, span, ("BTCUSDT",), calm, ("XRPUSDT",), ("ETHUSDT",), bans=True)
    for rule in (rule for plan in plans for rule in plan.rules):
        if rule.side is Side.EXCHANGE:
            assert rule.from_ms is not None
            assert rule.from_ms <= START + span - calm
            continue
        assert rule.until_ms is not None
        # What a strike begins is over as well before the calm.
        assert rule.until_ms <= START + span - calm
        if rule.kind in {"stall", "silent_topic", "refuse", "late", "ban"}:
            lasting = rule.seconds + rule.jitter_seconds
            assert rule.until_ms + lasting * 1000 <= START + span - calm + 11_000
    # A rule of a drawn plan is one that a person could have written.
    for plan in plans[:50]:
        assert parse_plan(json.loads(plan.to_json()), "drawn", START) == plan


def test_the_choice_of_kinds_can_be_narrowed_and_a_span_without_time_is_refused() -> None:
    plan = random_plan(3, START, 10 * MINUTE_MS, kinds=("reset", "drop"))
    assert {rule.kind for rule in plan.rules} == {"reset", "drop"}
    with pytest.raises(ValueError, match="leaves no time for faults"):
        random_plan(3, START, MINUTE_MS)
    assert FaultPlan().rules == ()
