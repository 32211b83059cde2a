"""What kind of series an indicator is: an oscillator with levels, one around a centre, a strength, or a line at price.

It decides how a comparison is read: "RSI below 30" says that a market is oversold, which is for long, its mirror image
above 70 for short; "ADX above 20" says that there is a trend, whatever its side.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from tradebot.engine.strategy.registry import IndicatorDeclaration

# Oversold and overbought of oscillators, the levels most in use; the centre is half way between them.
ZONES: dict[str, tuple[float, float]] = {
    "rsi": (30.0, 70.0), "stoch": (20.0, 80.0), "stoch_rsi": (20.0, 80.0), "kdj": (20.0, 80.0),
    "williams_r": (-80.0, -20.0), "cci": (-100.0, 100.0), "mfi": (20.0, 80.0), "ultimate_oscillator": (30.0, 70.0),
    "smi": (-40.0, 40.0), "fisher": (-1.5, 1.5), "laguerre_rsi": (20.0, 80.0), "connors_rsi": (10.0, 90.0),
    "wavetrend": (-60.0, 60.0), "cmo": (-50.0, 50.0), "schaff_trend_cycle": (25.0, 75.0), "percent_b": (0.0, 1.0),
    "zscore": (-2.0, 2.0), "psychological_line": (25.0, 75.0), "intraday_momentum_index": (30.0, 70.0),
    "range_position": (20.0, 80.0), "internal_bar_strength": (0.2, 0.8), "percent_rank": (10.0, 90.0),
    "relative_volatility_index": (40.0, 60.0), "disparity": (-5.0, 5.0),
}  # fmt: skip

# Oscillators around a centre: above it speaks for long, below it for short.
CENTRES: dict[str, float] = {
    **dict.fromkeys(
        ("macd", "ppo", "apo", "roc", "momentum", "awesome_oscillator", "accelerator_oscillator", "trix", "tsi", "kst",
         "coppock", "dpo", "cmf", "adosc", "force_index", "ease_of_movement", "klinger", "linreg_slope",
         "linreg_angle", "balance_of_power", "elder_ray", "qstick", "percent_change", "log_return", "aroon",
         "forecast_oscillator", "gap", "relative_vigor_index", "vzo", "difference", "supertrend", "pattern"),
        0.0,
    ),
    "ratio": 1.0,
}  # fmt: skip

# How strong, wide or busy the market is; no side is meant.
STRENGTHS = frozenset(
    name
    for line in (
        "adx adxr dx atr natr true_range stddev variance choppiness historical_volatility parkinson_volatility",
        "garman_klass_volatility rogers_satchell_volatility yang_zhang_volatility ulcer_index chaikin_volatility",
        "mass_index squeeze_ratio bandwidth volume_sma relative_volume volume_zscore volume_oscillator pvo drawdown",
        "market_facilitation efficiency_ratio r_squared vertical_horizontal_filter random_walk_index rolling_sum",
    )
    for name in line.split()
)

BEARISH_OUTPUTS = frozenset({"minus_di", "minus", "down", "bear"})
"""Outputs that measure the downward half: the lower they are, the better for long."""

STRENGTH_COLUMNS = frozenset({"volume", "turnover"})


class Nature(StrEnum):
    """What a series says."""

    LINE = "line"
    """A price, or a line drawn at price."""
    OSCILLATOR = "oscillator"
    """It swings between levels that mean too low and too high."""
    CENTRED = "centred"
    """It swings around a centre."""
    STRENGTH = "strength"
    """It measures something that has no side."""


@dataclass(frozen=True, slots=True)
class Scale:
    """The nature of a series, with its levels: `low` and `high` of an oscillator, `centre` of both swinging kinds."""

    nature: Nature
    centre: float = 0.0
    low: float = 0.0
    high: float = 0.0


def scale_of(declaration: IndicatorDeclaration, output: str) -> Scale:
    """The scale of one output of an indicator; one that nothing is known of swings around 0, or is a line at price."""
    name = declaration.name
    if (output or declaration.main) in ("plus_di", "minus_di"):
        return Scale(Nature.STRENGTH)
    if name in STRENGTHS:
        return Scale(Nature.STRENGTH)
    if name == "aroon" and output in ("up", "down"):
        return Scale(Nature.OSCILLATOR, 50.0, 30.0, 70.0)
    if name == "supertrend" and output != "direction":
        return Scale(Nature.LINE)
    if name in ZONES:
        low, high = ZONES[name]
        return Scale(Nature.OSCILLATOR, (low + high) / 2, low, high)
    if name in CENTRES or declaration.plot != "price":
        return Scale(Nature.CENTRED, CENTRES.get(name, 0.0))
    return Scale(Nature.LINE)
