"""Many things at once are told a few by themselves, the rest in one number."""

from __future__ import annotations

from itertools import pairwise

from tradebot.engine.control.storms import Storm


def test_a_few_pass_and_the_rest_is_one_number_after_a_moment() -> None:
    storm = Storm(most=3, window_s=10)
    assert [storm.passes(0.1 * n) for n in range(10)] == [True] * 3 + [False] * 7
    assert storm.held_back(1.2) == 0
    assert storm.held_back(1.4) == 7
    assert storm.held_back(1.5) == 0


def test_a_storm_that_goes_on_is_summed_up_once_in_a_window() -> None:
    storm = Storm(most=3, window_s=10)
    sums = []
    for tenth in range(400):
        storm.passes(tenth / 10)
        held = storm.held_back(tenth / 10)
        if held:
            sums.append(tenth / 10)
    assert len(sums) <= 4
    assert all(later - earlier >= 10 for earlier, later in pairwise(sums))


def test_single_ones_far_apart_always_pass() -> None:
    storm = Storm()
    assert all(storm.passes(4.0 * n) for n in range(50))
    assert storm.held_back(999.0) == 0
