"""Refusals are sentences that a terminal can print."""

from __future__ import annotations

from tradebot.engine.control.errors import InputError, did_you_mean


def test_what_a_file_holds_can_never_steer_the_terminal() -> None:
    error = InputError('line 2: the low is "\x1b[2J\x00"\nand more')
    assert error.sentence == 'line 2: the low is "\\x1b[2J\\x00"\nand more'


def test_the_nearest_name_is_offered_and_nothing_far_away() -> None:
    assert did_you_mean("lenght", ["length", "source"]) == ' Did you mean "length"?'
    assert did_you_mean("btcusd", ["BTCUSDT"]) == ' Did you mean "BTCUSDT"?'
    assert did_you_mean("zebra", ["length", "source"]) == ""
