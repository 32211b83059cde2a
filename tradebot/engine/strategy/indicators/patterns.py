"""Candlestick patterns: TA-Lib's 61 by the names that people use, and three of single and double bars.

TA-Lib judges what is long, short or near against the bars before (5 or 10, see its `ta_CDL` settings), which makes most
of the look-backs. They stand here, so that checking a strategy need not load TA-Lib; a test compares.
"""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType

import numpy as np

from tradebot.engine.market import Float64
from tradebot.engine.strategy.indicators.common import choice, delayed, ratio, talib_one
from tradebot.engine.strategy.registry import IndicatorDeclaration, Values, indicator

_Shape = Callable[[Float64, Float64, Float64, Float64], Float64]

TALIB_PATTERNS = MappingProxyType(
    {
        "abandoned_baby": ("CDLABANDONEDBABY", 12),
        "advance_block": ("CDLADVANCEBLOCK", 12),
        "belt_hold": ("CDLBELTHOLD", 10),
        "breakaway": ("CDLBREAKAWAY", 14),
        "closing_marubozu": ("CDLCLOSINGMARUBOZU", 10),
        "concealing_baby_swallow": ("CDLCONCEALBABYSWALL", 13),
        "counterattack": ("CDLCOUNTERATTACK", 11),
        "dark_cloud_cover": ("CDLDARKCLOUDCOVER", 11),
        "doji": ("CDLDOJI", 10),
        "doji_star": ("CDLDOJISTAR", 11),
        "dragonfly_doji": ("CDLDRAGONFLYDOJI", 10),
        "engulfing": ("CDLENGULFING", 2),
        "evening_doji_star": ("CDLEVENINGDOJISTAR", 12),
        "evening_star": ("CDLEVENINGSTAR", 12),
        "gap_side_by_side_white_lines": ("CDLGAPSIDESIDEWHITE", 7),
        "gap_three_methods": ("CDLXSIDEGAP3METHODS", 2),
        "gravestone_doji": ("CDLGRAVESTONEDOJI", 10),
        "hammer": ("CDLHAMMER", 11),
        "hanging_man": ("CDLHANGINGMAN", 11),
        "harami": ("CDLHARAMI", 11),
        "harami_cross": ("CDLHARAMICROSS", 11),
        "high_wave": ("CDLHIGHWAVE", 10),
        "hikkake": ("CDLHIKKAKE", 5),
        "hikkake_modified": ("CDLHIKKAKEMOD", 10),
        "homing_pigeon": ("CDLHOMINGPIGEON", 11),
        "identical_three_crows": ("CDLIDENTICAL3CROWS", 12),
        "in_neck": ("CDLINNECK", 11),
        "inverted_hammer": ("CDLINVERTEDHAMMER", 11),
        "kicking": ("CDLKICKING", 11),
        "kicking_by_length": ("CDLKICKINGBYLENGTH", 11),
        "ladder_bottom": ("CDLLADDERBOTTOM", 14),
        "long_legged_doji": ("CDLLONGLEGGEDDOJI", 10),
        "long_line": ("CDLLONGLINE", 10),
        "marubozu": ("CDLMARUBOZU", 10),
        "mat_hold": ("CDLMATHOLD", 14),
        "matching_low": ("CDLMATCHINGLOW", 6),
        "morning_doji_star": ("CDLMORNINGDOJISTAR", 12),
        "morning_star": ("CDLMORNINGSTAR", 12),
        "on_neck": ("CDLONNECK", 11),
        "piercing": ("CDLPIERCING", 11),
        "rickshaw_man": ("CDLRICKSHAWMAN", 10),
        "rising_falling_three_methods": ("CDLRISEFALL3METHODS", 14),
        "separating_lines": ("CDLSEPARATINGLINES", 11),
        "shooting_star": ("CDLSHOOTINGSTAR", 11),
        "short_line": ("CDLSHORTLINE", 10),
        "spinning_top": ("CDLSPINNINGTOP", 10),
        "stalled": ("CDLSTALLEDPATTERN", 12),
        "stick_sandwich": ("CDLSTICKSANDWICH", 7),
        "takuri": ("CDLTAKURI", 10),
        "tasuki_gap": ("CDLTASUKIGAP", 7),
        "three_black_crows": ("CDL3BLACKCROWS", 13),
        "three_inside": ("CDL3INSIDE", 12),
        "three_line_strike": ("CDL3LINESTRIKE", 8),
        "three_outside": ("CDL3OUTSIDE", 3),
        "three_stars_in_the_south": ("CDL3STARSINSOUTH", 12),
        "three_white_soldiers": ("CDL3WHITESOLDIERS", 12),
        "thrusting": ("CDLTHRUSTING", 11),
        "tristar": ("CDLTRISTAR", 12),
        "two_crows": ("CDL2CROWS", 12),
        "unique_three_river": ("CDLUNIQUE3RIVER", 12),
        "upside_gap_two_crows": ("CDLUPSIDEGAP2CROWS", 12),
    }
)
"""TA-Lib's function and look-back for each of its patterns."""


def _inside_bar(_open: Float64, high: Float64, low: Float64, _close: Float64) -> Float64:
    """No higher high and no lower low than the bar before: 100, it has no direction."""
    inside = (high <= delayed(high, 1)) & (low >= delayed(low, 1))
    return inside.astype(np.float64) * 100.0


def _outside_bar(open_: Float64, high: Float64, low: Float64, close: Float64) -> Float64:
    """A higher high and a lower low than the bar before, in the direction of its body."""
    outside = (high > delayed(high, 1)) & (low < delayed(low, 1))
    direction: Float64 = 100.0 * np.sign(close - open_)
    direction[~outside] = 0.0
    return direction


def _pin_bar(open_: Float64, high: Float64, low: Float64, close: Float64) -> Float64:
    """A wick of at least two thirds of the bar below its body: 100; above it: -100."""
    below = ratio(np.minimum(open_, close) - low, high - low, 0.0)
    above = ratio(high - np.maximum(open_, close), high - low, 0.0)
    return 100.0 * (below >= 2.0 / 3.0) - 100.0 * (above >= 2.0 / 3.0)


_OWN_PATTERNS: MappingProxyType[str, tuple[_Shape, int]] = MappingProxyType(
    {"inside_bar": (_inside_bar, 1), "outside_bar": (_outside_bar, 1), "pin_bar": (_pin_bar, 0)}
)

PATTERN_NAMES = tuple(sorted((*TALIB_PATTERNS, *_OWN_PATTERNS)))
"""Every pattern that `pattern` knows."""


def pattern_look_back(name: str) -> int:
    """Bars before the first one that a pattern can be judged on."""
    return TALIB_PATTERNS[name][1] if name in TALIB_PATTERNS else _OWN_PATTERNS[name][1]


def _look_back(values: Values) -> int:
    return pattern_look_back(str(values["kind"]))


@indicator(
    "pattern",
    "Candlestick pattern",
    "100 on the bar that completes a bullish pattern, -100 a bearish one, else 0; one without direction has 100.",
    parameters=(choice("engulfing", PATTERN_NAMES, "kind", "The pattern that is looked for."),),
    inputs=("open", "high", "low", "close"),
    look_back=_look_back,
    plot="below",
)
def pattern(open_: Float64, high: Float64, low: Float64, close: Float64, *, kind: str) -> Float64:
    """TA-Lib's pattern with its usual settings (Morris, Candlestick Charting Explained), weak and strong ones alike.

    Inside bar, outside bar and pin bar are ours: see their functions.
    """
    if kind in _OWN_PATTERNS:
        return _OWN_PATTERNS[kind][0](open_, high, low, close)
    return 100.0 * np.sign(talib_one(TALIB_PATTERNS[kind][0], open_, high, low, close))


DECLARATIONS: tuple[IndicatorDeclaration, ...] = (pattern,)
