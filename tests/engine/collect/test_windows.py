"""What is missing is cut into windows; what an answer leaves out is known exactly."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from tests.engine.exchange.fake_bybit import true_bar
from tradebot.engine.collect.windows import Unasked, absent, subtract
from tradebot.engine.market import MINUTE_MS, Timeframe

M1 = Timeframe.M1
T0 = 1_700_000_040_000


@given(
    st.lists(st.tuples(st.integers(0, 5000), st.integers(1, 3000)), max_size=4),
    st.booleans(),
    st.integers(0, 3),
)
def test_windows_cover_what_is_missing_exactly_from_either_end_and_hold_at_most_1000_bars(
    gaps: list[tuple[int, int]], newest_first: bool, given_back: int
) -> None:
    at, missing = T0, []
    for pause, length in gaps:
        start = at + (pause + 1) * MINUTE_MS
        missing.append((start, start + length * MINUTE_MS))
        at = missing[-1][1]
    unasked, windows = Unasked(missing, M1, newest_first), []
    while unasked:
        window = unasked.take()
        if len(windows) < given_back:
            unasked.give_back(window)
            assert unasked.take() == window
        windows.append(window)
    rising = windows[::-1] if newest_first else windows
    covered = [t for w in rising for t in range(w.start_ms, w.end_ms, MINUTE_MS)]
    assert covered == [t for start, end in missing for t in range(start, end, MINUTE_MS)]
    assert all(1 <= window.bars(M1) <= 1000 for window in windows)


def times(ranges: list[tuple[int, int]]) -> set[int]:
    return {at for start, end in ranges for at in range(start, end)}


@given(
    st.lists(st.tuples(st.integers(0, 30), st.integers(1, 10)), max_size=5),
    st.lists(st.tuples(st.integers(0, 60), st.integers(1, 20)), max_size=5),
)
def test_known_holes_are_taken_out_of_what_is_missing(
    spans: list[tuple[int, int]], holes: list[tuple[int, int]]
) -> None:
    at, missing = 0, []
    for pause, length in spans:
        missing.append((at + pause, at + pause + length))
        at = missing[-1][1] + 1
    known = [(start, start + length) for start, length in holes]
    left = subtract(missing, known)
    assert times(left) == times(missing) - times(known)
    assert all(start < end for start, end in left)
    assert left == sorted(left)


@given(st.sets(st.integers(0, 40)))
def test_absent_ranges_and_rows_make_up_the_window(present: set[int]) -> None:
    rows = [true_bar("BTCUSDT", T0 + n * MINUTE_MS) for n in sorted(present)]
    holes = absent(rows, T0, T0 + 41 * MINUTE_MS, M1)
    missing = {(t - T0) // MINUTE_MS for start, end in holes for t in range(start, end, MINUTE_MS)}
    assert missing == set(range(41)) - present
    assert all(left[1] < right[0] for left, right in pairwise(holes))
