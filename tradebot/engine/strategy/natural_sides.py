"""Which side candlestick patterns and channels speak for, where that is not the same for all of them."""

from __future__ import annotations


def _set(*lines: str) -> frozenset[str]:
    return frozenset(word for line in lines for word in line.split())


BEARISH_PATTERNS = _set(
    "evening_star evening_doji_star shooting_star hanging_man dark_cloud_cover three_black_crows two_crows",
    "upside_gap_two_crows identical_three_crows gravestone_doji advance_block stalled in_neck on_neck thrusting",
)
BULLISH_PATTERNS = _set(
    "hammer inverted_hammer morning_star morning_doji_star piercing three_white_soldiers dragonfly_doji homing_pigeon",
    "ladder_bottom matching_low concealing_baby_swallow three_stars_in_the_south unique_three_river takuri",
    "stick_sandwich mat_hold",
)
NEUTRAL_PATTERNS = _set("doji spinning_top high_wave long_legged_doji rickshaw_man inside_bar outside_bar")
# Of all other patterns there are bullish and bearish ones.

BREAKOUT_CHANNELS = _set(
    "donchian keltner opening_range acceleration_bands previous_period current_period highest lowest",
)
"""Channels that a price is expected to leave for good; into all others it is expected to come back."""
