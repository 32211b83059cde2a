"""What becomes true is told once for each cause; what was true already, or was told a moment ago, is not."""

from __future__ import annotations

import random

import pytest

from tradebot.engine.alerts import Alert, Look, Watcher, parse_condition
from tradebot.engine.alerts.book import USUAL_PAUSE_MS
from tradebot.engine.alerts.conditions import parse_span, span_text
from tradebot.engine.alerts.watch import Extremes, JobLook
from tradebot.engine.control.errors import InputError

MINUTE = 60_000


def alert(when: str, pause_ms: int = 0, snoozed_until_ms: int = 0) -> Alert:
    return Alert("it", when, parse_condition(when), pause_ms, snoozed_until_ms)


def told_of_prices(when: str, *prices: str, step_ms: int = 1000, pause_ms: int = 0) -> list[str]:
    """The sentences of an alert while the price of BTCUSDT goes through these, one step apart."""
    watcher = Watcher()
    watcher.use((alert(when, pause_ms),))
    told = []
    for number, price in enumerate(prices):
        looks = watcher.look(Look(time_ms=number * step_ms, prices={"BTCUSDT": price}))
        told += [firing.sentence for firing in looks]
    return told


# ---------------------------------------------------------------------------------------------- prices


def test_above_tells_when_the_price_gets_there_and_again_only_after_it_was_below() -> None:
    told = told_of_prices("BTCUSDT above 100", "99", "100", "100.5", "101", "99.5", "100.1")
    assert told == ["BTCUSDT is above 100: 100.5.", "BTCUSDT is above 100: 100.1."]


def test_what_is_true_at_the_first_look_waits_until_it_was_not() -> None:
    assert told_of_prices("BTCUSDT above 100", "101", "102") == []
    assert told_of_prices("BTCUSDT below 100", "99", "101", "98") == ["BTCUSDT is below 100: 98."]


def test_a_crossing_is_told_in_either_way_and_touching_is_none() -> None:
    told = told_of_prices("BTCUSDT crosses 100", "99", "100", "99", "100", "101", "100", "99")
    assert told == ["BTCUSDT crossed 100 upwards: 101.", "BTCUSDT crossed 100 downwards: 99."]


def test_the_pause_keeps_a_flapping_price_quiet() -> None:
    flapping = ("99", "101") * 10
    assert len(told_of_prices("BTCUSDT above 100", *flapping)) == 10
    assert len(told_of_prices("BTCUSDT above 100", *flapping, pause_ms=10_000)) == 2


def test_a_move_is_measured_against_the_extremes_of_its_span() -> None:
    assert told_of_prices("BTCUSDT falls 3% in 15m", "100", "104", "101", "100.8") == [
        "BTCUSDT fell 3.08 % within 15m, to 100.8."
    ]
    assert told_of_prices("BTCUSDT rises 3% in 15m", "104", "100", "102.9") == []
    assert told_of_prices("BTCUSDT moves 3% in 15m", "100", "103", "99") == [
        "BTCUSDT rose 3.00 % within 15m, to 103.",
        "BTCUSDT fell 3.88 % within 15m, to 99.",
    ]


def test_a_slow_move_is_none() -> None:
    slowly = [str(100 - 0.5 * step) for step in range(12)]
    assert told_of_prices("BTCUSDT falls 3% in 1m", *slowly, step_ms=15_000) == []
    assert len(told_of_prices("BTCUSDT falls 3% in 1m", *slowly, step_ms=1_000)) == 1


def test_extremes_are_those_of_a_plain_look_at_all_prices_one_second_apart() -> None:
    rng = random.Random(7)
    extremes, seen = Extremes(30_000), []
    for second in range(400):
        time_ms, price = second * 1000, 100 + rng.gauss(0, 1)
        seen.append((time_ms, price))
        span = [value for at, value in seen if at >= time_ms - 30_000]
        assert extremes.add(time_ms, price) == (min(span), max(span))


def test_a_symbol_without_a_price_says_nothing() -> None:
    watcher = Watcher()
    watcher.use((alert("ETHUSDT above 1"), alert("ETHUSDT falls 1% in 1m")))
    assert watcher.look(Look(time_ms=0, prices={"BTCUSDT": "1"})) == []


# ---------------------------------------------------------------------------------------------- feed, gaps, jobs, disk


def test_a_stale_feed_is_told_at_once_and_again_after_it_came_back() -> None:
    watcher = Watcher()
    watcher.use((alert("feed stale 60s"),))
    silent = [61.0, 90.0, 0.5, None, 61.0]
    told = [len(watcher.look(Look(time_ms=at, silent_s=each))) for at, each in enumerate(silent)]
    assert told == [1, 0, 0, 0, 1]


def test_a_stale_symbol_is_told_by_its_age() -> None:
    watcher = Watcher()
    watcher.use((alert("feed stale 10s BTCUSDT"),))
    assert watcher.look(Look(time_ms=0, ages_ms={"BTCUSDT": 9_000, "ETHUSDT": 99_000})) == []
    (firing,) = watcher.look(Look(time_ms=1, ages_ms={"BTCUSDT": 11_000}))
    assert firing.sentence == "Nothing was heard of BTCUSDT for 11 s."


def test_a_new_gap_is_told_for_its_dataset_and_an_old_one_never() -> None:
    watcher = Watcher()
    watcher.use((alert("gap found", pause_ms=MINUTE),))
    btc, eth = "linear/BTCUSDT_1m", "linear/ETHUSDT_1m"
    assert watcher.look(Look(time_ms=0, gaps={btc: 3, eth: 0})) == []
    both = watcher.look(Look(time_ms=1, gaps={btc: 4, eth: 2}))
    assert [firing.cause for firing in both] == [btc, eth]
    assert "2 gaps were found" in both[1].sentence
    assert watcher.look(Look(time_ms=2, gaps={btc: 4, eth: 1})) == []


@pytest.mark.parametrize(
    ("when", "states"),
    [("job done", ["done"]), ("job failed", ["failed"]), ("job ended", ["done", "failed"])],
)
def test_a_job_is_told_when_it_ends_and_not_for_having_ended_before(when: str, states: list[str]) -> None:
    watcher = Watcher()
    watcher.use((alert(when, pause_ms=MINUTE),))
    old = JobLook(1, "old", "done", "ready.")
    assert (
        watcher.look(
            Look(time_ms=0, jobs=(old, JobLook(2, "a", "running", ""), JobLook(3, "b", "queued", "")))
        )
        == []
    )
    ended = (
        old,
        JobLook(2, "a", "done", "4 bars."),
        JobLook(3, "b", "failed", "refused."),
        JobLook(4, "c", "cancelled", ""),
    )
    told = watcher.look(Look(time_ms=1, jobs=ended))
    assert [firing.sentence for firing in told] == [
        {"done": "a is done: 4 bars.", "failed": "b failed: refused."}[state] for state in states
    ]
    assert watcher.look(Look(time_ms=2, jobs=ended)) == []


def test_a_job_that_ran_between_two_looks_is_told_too() -> None:
    watcher = Watcher()
    watcher.use((alert("job done"),))
    assert watcher.look(Look(time_ms=0)) == []
    assert len(watcher.look(Look(time_ms=1, jobs=(JobLook(1, "quick", "done", "."),)))) == 1


def test_a_disk_that_is_low_is_told_at_once_and_when_it_is_low_again() -> None:
    watcher = Watcher()
    watcher.use((alert("disk below 5 GB"),))
    giga = 1024**3
    told = [
        len(watcher.look(Look(time_ms=at, free_bytes=each * giga))) for at, each in enumerate([4, 3, 6, 4])
    ]
    assert told == [1, 0, 0, 1]
    assert watcher.look(Look(time_ms=9, free_bytes=None)) == []


# ---------------------------------------------------------------------------------------------- snooze and change


def test_a_snoozed_alert_says_nothing_until_its_time() -> None:
    watcher = Watcher()
    watcher.use((alert("feed stale 60s", snoozed_until_ms=100),))
    assert watcher.look(Look(time_ms=99, silent_s=70)) == []
    watcher.look(Look(time_ms=99, silent_s=0))
    assert len(watcher.look(Look(time_ms=100, silent_s=70))) == 1


def test_an_alert_that_is_edited_begins_anew_and_the_others_go_on() -> None:
    watcher = Watcher()
    other = Alert("other", "BTCUSDT above 100", parse_condition("BTCUSDT above 100"), 0)
    watcher.use((alert("BTCUSDT above 100"), other))
    watcher.look(Look(time_ms=0, prices={"BTCUSDT": "99"}))
    watcher.use((alert("BTCUSDT above 90"), other))
    told = watcher.look(Look(time_ms=1, prices={"BTCUSDT": "101"}))
    assert [firing.name for firing in told] == ["other"]


# ---------------------------------------------------------------------------------------------- sentences


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("btcusdt > 60000", "BTCUSDT above 60000"),
        ("BTCUSDT under 60,000.5", "BTCUSDT below 60000.5"),
        ("disk under 5 gb", "disk below 5120 MB"),
        ("feed stale", "feed stale 1m"),
        ("Signal of ema-trend", "strategy ema-trend"),
    ],
)
def test_the_same_may_be_said_in_two_ways(one: str, other: str) -> None:
    assert parse_condition(one) == parse_condition(other)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("BTCUSDT is nice", "write one like BTCUSDT above 60000"),
        ("BTCUSDT 7m: rsi below 30", "7m is no timeframe"),
        ("BTCUSDT falls 3% in 2d", "over a day at most"),
        ("BTCUSDT above 0", "above 0"),
        ("feed stale 0s", "not a length of time"),
    ],
)
def test_what_is_not_understood_is_answered_with_what_is(wrong: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        parse_condition(wrong)


@pytest.mark.parametrize("text", ["30s", "15m", "2h", "1d", "1w", "90m"])
def test_spans_are_written_as_they_are_read(text: str) -> None:
    assert span_text(parse_span(text)) == text
    assert parse_span("15m") == USUAL_PAUSE_MS
