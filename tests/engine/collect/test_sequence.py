"""Closed bars leave a sequence gapless, in order and once, whatever arrives when."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.engine.exchange.fake_bybit import true_bar
from tradebot.engine.collect.sequence import HOLE_ATTEMPTS, BarSequence, is_sound
from tradebot.engine.market import HOUR_MS, MINUTE_MS, BarRow, DatasetKey

KEY = DatasetKey("linear", "BTCUSDT", "1m")
T0 = 1_700_000_040_000


def bar(number: int) -> BarRow:
    return true_bar("BTCUSDT", T0 + number * MINUTE_MS)


def numbers(rows: list[BarRow]) -> list[int]:
    return [(row.time_ms - T0) // MINUTE_MS for row in rows]


def begun() -> BarSequence:
    sequence = BarSequence(KEY)
    sequence.begin(T0)
    return sequence


@given(st.permutations([*range(12), 3, 7, 7]), st.integers(0, 14))
def test_any_order_of_arrival_leaves_in_order_and_once(order: list[int], begin_after: int) -> None:
    sequence = BarSequence(KEY)
    released: list[BarRow] = []
    for step, number in enumerate(order):
        if step == begin_after:
            sequence.begin(T0)
        sequence.offer([bar(number)])
        released += sequence.take()
    assert released == [bar(number) for number in range(12)]


def test_nothing_leaves_before_the_history_is_stored() -> None:
    sequence = BarSequence(KEY)
    sequence.offer([bar(0), bar(1)])
    assert sequence.take() == []
    assert sequence.wanted(T0 + 9 * MINUTE_MS, T0) is None
    sequence.begin(T0 + MINUTE_MS)
    assert numbers(sequence.take()) == [1]


def test_a_bar_after_a_hole_waits_until_the_hole_is_asked_for_and_filled() -> None:
    sequence = begun()
    sequence.offer([bar(2)])
    assert sequence.take() == []
    assert sequence.wanted(T0, T0) == (T0, T0 + 2 * MINUTE_MS)
    sequence.offer([bar(1), bar(0)])
    assert numbers(sequence.take()) == [0, 1, 2]


def test_bars_closed_by_the_clock_are_wanted() -> None:
    sequence = begun()
    assert sequence.wanted(T0, T0) is None
    assert sequence.wanted(T0 + 3 * MINUTE_MS, T0) == (T0, T0 + 3 * MINUTE_MS)


def test_asking_in_vain_waits_longer_each_time() -> None:
    sequence = begun()
    pauses = []
    now = T0
    for _ in range(8):
        sequence.asked(now)
        asked_at = now
        while sequence.wanted(T0 + MINUTE_MS, now) is None:
            now += 500
        pauses.append(now - asked_at)
    assert pauses == [2000, 4000, 8000, 16000, 32000, 60000, 60000, 60000]


def test_a_hole_is_passed_only_after_asking_often_and_with_a_later_bar_at_hand() -> None:
    sequence = begun()
    for _ in range(HOLE_ATTEMPTS):
        assert sequence.pass_hole() is None
        sequence.asked(T0)
    assert sequence.pass_hole() is None  # the newest bar may just be late: no later one proves a hole
    sequence.offer([bar(4)])
    assert sequence.pass_hole() == (T0, T0 + 4 * MINUTE_MS)
    assert numbers(sequence.take()) == [4]
    sequence.offer([bar(3)])
    assert sequence.take() == []


def test_failures_to_get_an_answer_make_no_hole_but_are_waited_for_ever_longer() -> None:
    sequence = begun()
    sequence.offer([bar(1)])
    for _ in range(2 * HOLE_ATTEMPTS):
        sequence.asked(T0, answered=False)
    assert sequence.in_vain == 0
    assert sequence.pass_hole() is None
    assert sequence.wanted(T0 + HOUR_MS, T0 + 59_000) is None


def test_the_first_later_bar_lets_the_missing_one_be_asked_for_at_once() -> None:
    sequence = begun()
    for _ in range(HOLE_ATTEMPTS):
        sequence.asked(T0)
    assert sequence.wanted(T0 + MINUTE_MS, T0 + 1_000) is None
    sequence.offer([bar(1)])
    assert sequence.wanted(T0 + 2 * MINUTE_MS, T0 + 1_000) == (T0, T0 + MINUTE_MS)
    sequence.asked(T0 + 1_000)
    sequence.offer([bar(2)])
    assert sequence.wanted(T0 + 3 * MINUTE_MS, T0 + 2_000) is None, "only the first"


def test_a_second_version_of_a_bar_is_counted_and_never_replaces_the_first() -> None:
    sequence = begun()
    other = bar(1)._replace(close="1")
    assert sequence.offer([bar(0), bar(1)]) == []
    assert sequence.offer([other]) == [other], "while it waits"
    assert sequence.take() == [bar(0), bar(1)]
    assert sequence.offer([other, bar(0)]) == [other], "after it was released"
    assert sequence.take() == []
    assert sequence.differing == 2


def test_a_long_absence_is_asked_for_in_pieces_and_further_where_nothing_came() -> None:
    sequence = begun()
    far = T0 + 50_000 * MINUTE_MS
    assert sequence.wanted(far, T0) == (T0, T0 + 1_000 * MINUTE_MS)
    sequence.asked(T0)
    assert sequence.wanted(far, T0 + HOUR_MS) == (T0, T0 + 20_000 * MINUTE_MS)


def test_only_what_was_asked_for_is_passed_as_a_hole() -> None:
    sequence = begun()
    sequence.offer([bar(50_000)])
    for _ in range(HOLE_ATTEMPTS):
        sequence.asked(T0)
    assert sequence.pass_hole() == (T0, T0 + 20_000 * MINUTE_MS)
    assert sequence.next_ms == T0 + 20_000 * MINUTE_MS


def test_more_bars_than_may_wait_cost_the_newest_which_are_asked_for_again() -> None:
    sequence = begun()
    sequence.offer([bar(number) for number in range(1, 6_000)])
    assert sequence.wanted(T0 + 6_000 * MINUTE_MS, T0) == (T0, T0 + MINUTE_MS)
    sequence.offer([bar(0)])
    taken = sequence.take()
    assert numbers(taken) == list(range(5_000))
    assert sequence.wanted(T0 + 6_000 * MINUTE_MS, T0) == (T0 + 5_000 * MINUTE_MS, T0 + 6_000 * MINUTE_MS)


def test_prices_that_contradict_each_other_are_not_sound() -> None:
    assert is_sound(bar(0))
    for change in ({"high": "1"}, {"low": "999999"}, {"low": "0"}, {"close": "999999"}):
        assert not is_sound(bar(0)._replace(**change))


def test_going_back_releases_again_what_could_not_be_stored() -> None:
    sequence = begun()
    sequence.offer([bar(0), bar(1)])
    rows = sequence.take()
    sequence.begin(rows[0].time_ms)
    sequence.offer(rows)
    assert sequence.take() == rows
